"""Two-stage least squares: both stages side by side, with what the instruments can bear."""

from collections.abc import Mapping, Sequence

from city_policy.report.cells import CLUSTERED, MISSING, Cell, Panel, TableRow, plain
from city_policy.report.database import Row
from city_policy.report.kinds.regressions import with_sentence
from city_policy.report.kinds.tools import Draft, Tools
from city_policy.report.study import Text

STAGES = ("first_stage", "second_stage")
# What an Anderson-Rubin set is that is no interval.
SETS = {
    "unbounded": Text("无界", "unbounded"),
    "disjoint": Text("不连通", "disjoint"),
    "empty": Text("空集", "empty"),
}
Column = tuple[Row, str]


def instruments(tools: Tools, found: list[Row]) -> Draft:
    """One panel per specification, two columns per policy."""
    diagnostics = {
        (row["spec_id"], row["vcov"]): row
        for row in tools.database.rows("results.instrumental_variable", "spec_id, vcov, stage, term")
    }
    by_specification: dict[str, list[Row]] = {}
    for row in sorted(tools.in_policy_order(found), key=tools.position):
        by_specification.setdefault(tools.study.specification(row), []).append(row)
    panels = []
    for rows in by_specification.values():
        columns = [(row, stage) for row in rows for stage in STAGES]
        body = []
        terms = [(term, label, "first_stage") for term, label in _names(tools, rows).items()]
        terms += [(term, tools.row(term), "second_stage") for term in tools.terms(rows)]
        for term, label, stage in terms:
            cells = tuple(tools.estimates.cell(row["spec_id"], term) if at == stage else Cell() for row, at in columns)
            if any(cell != Cell() for cell in cells):
                body.append(TableRow(label, cells))
        if body:
            body += _tests(tools, columns, diagnostics)
        headings = (
            tuple((tools.row(row["treatment"]), 2) for row in rows),
            tuple((tools.heading(stage), 1) for _, stage in columns),
        )
        panels.append(Panel(tools.specification_title(rows[0]), tools.heading("variable"), headings, tuple(body)))
    general = Text(
        "Kleibergen-Paap rk LM 为异方差稳健统计量。", "The Kleibergen-Paap rk LM is the heteroskedasticity-robust one."
    )
    note = with_sentence(tools, "note_instrumental_variable", general)
    return Draft(panels, ["instrumental_variable"], [note], [row["spec_id"] for row in found])


def _names(tools: Tools, rows: Sequence[Row]) -> dict[str, Text]:
    """The instruments of some regressions by their term: one, or variables by name; those of every year are many and
    stand as a number only.
    """
    names = {"instrument": tools.row("instrument")}
    for variable, column in tools.study.column_of.items():
        names |= {f"instrument_{column}": tools.row(variable)}
    specs = {row["spec_id"] for row in rows}
    present = {row["term"] for row in tools.estimates.rows if row["spec_id"] in specs}
    return {term: label for term, label in names.items() if term in present}


def _tests(tools: Tools, columns: Sequence[Column], diagnostics: Mapping[tuple[object, object], Row]) -> list[TableRow]:
    """What tells whether an instrument is strong, and the interval that does not need it to be."""

    def cells(column: str, published: str | None = None, decimals: int = 3) -> tuple[Cell, ...]:
        return tuple(
            _diagnostic(tools, diagnostics.get((row["spec_id"], CLUSTERED)), column, published, decimals)
            if stage == "first_stage"
            else Cell()
            for row, stage in columns
        )

    intervals = tuple(
        _anderson_rubin(diagnostics.get((row["spec_id"], CLUSTERED))) if stage == "second_stage" else Cell()
        for row, stage in columns
    )
    counts = tuple(tools.estimates.count(row["spec_id"]) for row, _ in columns)
    n_instruments = cells("n_instruments", decimals=0)
    several = [TableRow(Text("工具变量个数", "Number of instruments"), n_instruments)]
    lm = cells("kleibergen_paap_rk_lm_robust", "kleibergen_paap_rk_lm")
    return [
        *(several if any((cell.value or 0) > 1 for cell in n_instruments) else []),
        TableRow(tools.row("kleibergen_paap_rk_lm"), lm),
        TableRow(tools.row("cragg_donald_f"), cells("cragg_donald_f", "cragg_donald_wald_f")),
        TableRow(tools.row("kleibergen_paap_wald_f"), cells("kleibergen_paap_wald_f")),
        TableRow(tools.row("anderson_rubin"), intervals),
        TableRow(tools.row("n_obs"), counts),
    ]


def _diagnostic(tools: Tools, row: Row | None, column: str, published: str | None, decimals: int) -> Cell:
    if row is None:
        return Cell()
    # The paper prints diagnostics of its own instrument only.
    subject = f"{row['treatment']} / {published}" if row["paper_table"] and published else None
    return plain(row[column], tools.published.get(("instrument diagnostic", None, subject)), decimals)


def _anderson_rubin(row: Row | None) -> Cell:
    if row is None:
        return Cell()
    kind = str(row["anderson_rubin_kind"] or MISSING)
    if kind == "bounded":
        return Cell(interval=(row["anderson_rubin_low"], row["anderson_rubin_high"]))
    return Cell(words=SETS.get(kind, Text(kind, kind)))
