"""The tables of the report from the result tables of a build: those that the study lists, else all that have rows."""

from city_policy.errors import InputError
from city_policy.report.cells import (
    CLUSTERED,
    IID,
    SIMULATED_NOTE,
    STARS_NOTE,
    Cell,
    Layout,
    Panel,
    PaperTable,
    TableRow,
    notes_of,
    printed,
    split,
    stars,
)
from city_policy.report.database import Database, Row
from city_policy.report.kinds import KINDS, Tools
from city_policy.report.regression_table import regression_table
from city_policy.report.study import Study, Text, same
from city_policy.table_options import options_of_row

__all__ = [
    "CLUSTERED",
    "IID",
    "STARS_NOTE",
    "Cell",
    "Panel",
    "PaperTable",
    "TableRow",
    "build_tables",
    "notes_of",
    "printed",
    "stars",
]

# Results whose rows are regressions, kept in one table beside the published coefficients.
REGRESSIONS = (
    "baseline_effects",
    "instrumental_variable",
    "robustness_effects",
    "synergy_effects",
    "mediation_effects",
    "order_effects",
    "heterogeneous_effects",
)


def build_tables(database: Database, study: Study) -> list[PaperTable]:
    """The tables that the study lists, also those without rows; a study without a list has every kind with rows."""
    tools = Tools(database, study)
    found = database.rows("seeds.tables", "rowid")
    listed = [row for row in found if row["result"] in KINDS or row.get("specifications")]
    if listed:
        # A result that two tables share is told apart by the table that its specifications name.
        results = [row["result"] for row in listed]
        return [
            _chosen(tools, row)
            if row.get("specifications")
            else _table(
                tools,
                row,
                _rows(tools, str(row["result"]), str(row["table_no"]) if results.count(row["result"]) > 1 else None),
            )
            for row in sorted(listed, key=lambda row: int(str(row["table_no"])))
        ]
    by_result = {result: _rows(tools, result) for result, kind in KINDS.items() if kind.is_default}
    present = [(result, rows) for result, rows in by_result.items() if rows]
    return [
        _table(tools, {"table_no": number, "result": result, "title_zh": None, "title_en": None}, rows)
        for number, (result, rows) in enumerate(present, start=1)
    ]


def _rows(tools: Tools, result: str, table_no: str | None = None) -> list[Row]:
    """The rows that a table of ``result`` shows: one per specification where they are regressions."""
    if result == "index_weights":
        return tools.database.rows("results.index_weights", "position") if tools.study.has_index else []
    if result == "summary_statistics":
        return tools.database.rows("results.summary_statistics", "variable")
    if result in REGRESSIONS:
        rows = tools.estimates.specifications(result)
    else:
        rows = tools.database.rows(f"results.{result}", _order(result))
    if table_no is not None:
        named = tools.study.specifications
        rows = [
            row for row in rows if str(named.get(tools.study.specification(row), {}).get("paper_table")) == table_no
        ]
    return rows


def _order(result: str) -> str:
    """The columns by which rows of a result stand in a fixed order."""
    further = {
        "bacon_decomposition": ", comparison",
        "heterogeneity_robust_effects": ", vcov",
        "parallel_trends_sensitivity": ", restriction, parameter desc, bound",
        "event_study": ", vcov, event_time",
        "multiple_hypotheses": ", family",
        "spatial_inference": ", dependence, kernel, cutoff_km",
        "spatial_spillovers": ", vcov, term",
    }
    return "spec_id" + further.get(result, "")


def _chosen(tools: Tools, row: Row) -> PaperTable:
    """A table that the study makes of its specifications; one that this build cannot fill says why."""
    options = options_of_row(row)
    try:
        return regression_table(tools, options)
    except InputError as problem:
        title = Text(options.title_zh or options.title_en, options.title_en or options.title_zh)
        return PaperTable(options.number, "regressions", title, (), (same(problem),), ())


def _table(tools: Tools, listed: Row, found: list[Row]) -> PaperTable:
    """A table with the notes that all have: what is missing and why, and whether the data are simulated."""
    result = str(listed["result"])
    kind, study = KINDS[result], tools.study
    draft = kind.build(tools, found)
    messages = tools.notes(tools.estimates.of(draft.spec_ids))
    simulated = (SIMULATED_NOTE,) if study.simulated else ()
    panels = (part for panel in draft.panels if panel.rows for part in split(panel))
    # A study that gives a title in one language says it in both.
    title = Text(
        str(listed["title_zh"] or listed["title_en"] or kind.title.zh),
        str(listed["title_en"] or listed["title_zh"] or kind.title.en),
    )
    sources = tuple(source if "." in source else f"results.{source}" for source in draft.sources)
    number = int(str(listed["table_no"]))
    notes = (*draft.notes, *messages, *simulated)
    layout = Layout(is_starred_by_t=draft.is_starred_by_t)
    return PaperTable(number, result, title, tuple(panels), notes, sources, study.has_published, layout)
