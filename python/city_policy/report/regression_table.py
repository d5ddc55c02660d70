"""One table from any regressions of a build: a column each, rows, statistics, stars and notes as a person chooses."""

from collections.abc import Callable, Sequence
from itertools import chain

from city_policy.errors import InputError
from city_policy.report.cells import (
    CLUSTERED,
    IID,
    MOST_COLUMNS_ASIDE,
    SIMULATED_NOTE,
    YES,
    Cell,
    Panel,
    PaperTable,
    TableRow,
    plain,
    split,
)
from city_policy.report.chosen import Chosen
from city_policy.report.kinds import KINDS
from city_policy.report.kinds.space import spillover_name
from city_policy.report.kinds.tools import RESAMPLED, Headings, Tools, merged, p_cell
from city_policy.report.records import FIRST_STAGE, Record, Records
from city_policy.report.regression_notes import layout_of, notes_below
from city_policy.report.study import Text, capital, joined, same
from city_policy.study.problems import nearest
from city_policy.table_options import TableOptions


def regression_table(tools: Tools, options: TableOptions, records: Records | None = None) -> PaperTable:
    """The table that ``options`` asks for.

    Raises InputError for a specification, a term or a variance estimator that the build lacks, and for headings that
    are not one per column.
    """
    records = records or Records(tools)
    columns = records.select(options.specifications)
    if options.headings and len(options.headings) != len(columns):
        raise InputError(
            f"There are {len(options.headings)} headings for {len(columns)} columns "
            f"({', '.join(record.key for record in columns)}); give one per column."
        )
    _check_errors(records, columns, options.errors)
    chosen = Chosen(tools, options, records, columns)
    panel = Panel(None, tools.heading("variable"), _headings(chosen), (*_coefficients(chosen), *_footer(chosen)))
    known = KINDS.get(str(columns[0].first.get("result", "")))
    title = _title(chosen, known.title if known else None)
    panels = tuple(split(panel, MOST_COLUMNS_ASIDE))
    simulated = (SIMULATED_NOTE,) if tools.study.simulated else ()
    sources = tuple(dict.fromkeys(record.source for record in columns))
    notes = (*notes_below(chosen), *simulated)
    return PaperTable(options.number, "regressions", title, panels, notes, sources, layout=layout_of(chosen))


def _check_errors(records: Records, columns: Sequence[Record], errors: str) -> None:
    known = records.methods(columns)
    if known and errors not in known:
        raise InputError(
            f"None of these regressions has errors of the kind {errors}{nearest(errors, known)}; they have "
            f"{', '.join(known)}."
        )


def _coefficients(chosen: Chosen) -> list[TableRow]:
    """One row per term."""
    estimates, decimals = chosen.tools.estimates, chosen.options.decimals
    return [
        TableRow(
            chosen.label(term),
            tuple(chosen.records.cell(record, term, estimates, decimals) for record in chosen.columns),
        )
        for term in chosen.terms
    ]


def _footer(chosen: Chosen) -> list[TableRow]:
    """What else is in the regressions, and their counts and fit; a row that says nothing is left out."""
    made: dict[str, Callable[[Chosen], list[TableRow]]] = {
        "controls": _controls,
        "city_effects": lambda chosen: [_same(chosen, "city_effects", YES)],
        "year_effects": lambda chosen: [_same(chosen, "year_effects", YES)],
        "extra_effects": _extra_effects,
        "cluster": _clusters,
        "kleibergen_paap_wald_f": _first_stage,
        "pretrend_p": _pretrend,
        "n_obs": lambda chosen: [_count(chosen, "n_obs", chosen.tools.row("n_obs"))],
        "n_cities": lambda chosen: [_count(chosen, "n_cities", chosen.tools.row("n_cities"))],
        "n_treated_cities": lambda chosen: [_count(chosen, "n_treated_cities", Text("试点城市数", "Treated cities"))],
        "r2": lambda chosen: [_fit(chosen, "r2", chosen.tools.row("r2"))],
        "r2_within": lambda chosen: [_fit(chosen, "r2_within", Text("组内 R2", "Within R2"))],
    }
    made |= {label: lambda chosen, at=(label, method): [_resampled(chosen, *at)] for label, method in RESAMPLED}  # type: ignore[misc]
    rows = chain.from_iterable(made[name](chosen) for name in chosen.options.footer)
    return [row for row in rows if any(cell != Cell() for cell in row.cells)]


def _same(chosen: Chosen, key: str, words: Text) -> TableRow:
    return TableRow(chosen.tools.row(key), (Cell(words=words),) * len(chosen.columns))


def _controls(chosen: Chosen) -> list[TableRow]:
    """Which regressions have controls, where those of some are no rows here."""
    cells, hidden = [], False
    for record in chosen.columns:
        own = {term for row in record.rows if chosen.group(term := chosen.records.term(row)) == "controls"}
        # Some estimators have the controls of the study and report no coefficients of them.
        has = bool(own or chosen.tools.study.controls)
        hidden |= has and not (own and own <= set(chosen.terms))
        cells.append(Cell(words=YES) if has else Cell())
    return [TableRow(chosen.tools.row("controls"), tuple(cells))] if hidden else []


def _extra_effects(chosen: Chosen) -> list[TableRow]:
    effects = {record.key: chosen.specification(record, "extra_fixed_effects").split() for record in chosen.columns}
    return [
        TableRow(
            _effects_label(chosen, effect),
            tuple(Cell(words=YES) if effect in effects[record.key] else Cell() for record in chosen.columns),
        )
        for effect in dict.fromkeys(chain.from_iterable(effects.values()))
    ]


def _effects_label(chosen: Chosen, effect: str) -> Text:
    parts = [chosen.place(name) for name in effect.split("^")]
    label = joined(parts, "×", "-by-")
    return Text(f"{label.zh}固定效应", f"{label.en[:1].upper()}{label.en[1:].lower()} effects")


def _clusters(chosen: Chosen) -> list[TableRow]:
    """By what the errors of every column are clustered."""
    cells = []
    for record in chosen.columns:
        by = chosen.specification(record, "cluster") or "adcode"
        is_clustered = chosen.errors(record) not in (IID, "conley", "randomisation")
        cells.append(Cell(words=joined(map(chosen.place, by.split("^")), "×", "-by-")) if is_clustered else Cell())
    return [TableRow(Text("聚类层级", "Clustered by"), tuple(cells))]


def _first_stage(chosen: Chosen) -> list[TableRow]:
    """How strong the instruments are, below the second stage."""
    rows = chosen.tools.database.rows("results.instrumental_variable", "spec_id, vcov, stage, term")
    strength = {(row["spec_id"], row["vcov"]): row["kleibergen_paap_wald_f"] for row in rows}
    cells = (
        Cell() if (record.key, CLUSTERED) not in strength else plain(strength[record.key, CLUSTERED], decimals=2)
        for record in chosen.columns
    )
    return [TableRow(chosen.tools.row("kleibergen_paap_wald_f"), tuple(cells))]


def _pretrend(chosen: Chosen) -> list[TableRow]:
    rows = chosen.tools.database.rows("results.event_study", "spec_id, vcov, event_time")
    p_values = {(row["spec_id"], row["vcov"]): row["pretrend_p_value"] for row in rows}
    cells = (p_cell(p_values.get((record.key, chosen.errors(record)))) for record in chosen.columns)
    return [TableRow(Text("前期系数联合检验 P 值", "P value of the joint test of the leads"), tuple(cells))]


def _resampled(chosen: Chosen, label: str, method: str) -> TableRow:
    rows = chosen.tools.database.rows("results.robust_inference", "spec_id, term, method")
    p_values = {row["spec_id"]: row["p_value"] for row in rows if row["method"] == method}
    return TableRow(chosen.tools.row(label), tuple(p_cell(p_values.get(record.key)) for record in chosen.columns))


def _count(chosen: Chosen, column: str, label: Text) -> TableRow:
    cells = (_number(record.first.get(column), 0) for record in chosen.columns)
    return TableRow(label, tuple(cells))


def _fit(chosen: Chosen, column: str, label: Text) -> TableRow:
    cells = (_number(record.first.get(column), chosen.options.decimals) for record in chosen.columns)
    return TableRow(label, tuple(cells))


def _headings(chosen: Chosen) -> tuple[Headings, ...]:
    """The outcome, what tells the columns apart, and their numbers."""
    tools, columns = chosen.tools, chosen.columns
    lines = [merged([tools.row(tools.study.variable(record.first["outcome"])) for record in columns])]
    if chosen.options.headings:
        lines.append(merged([same(words) for words in chosen.options.headings]))
    else:
        if policies := _policies(chosen):
            lines.append(merged(policies))
        for texts in ([_heading(chosen, record) for record in columns], [chosen.sample(record) for record in columns]):
            if len(set(texts)) > 1:
                lines.append(merged(texts))
    lines.append(tuple((same(f"({number})"), 1) for number in range(1, len(columns) + 1)))
    return tuple(lines)


def _policies(chosen: Chosen) -> list[Text]:
    """The policy of every column, where it is no row of the table."""
    told = {(place, chosen.records.term(row)) for place, record in enumerate(chosen.columns) for row in record.rows}
    policies = [str(record.first["treatment"]) for record in chosen.columns]
    if all((place, policy) in told and policy in chosen.terms for place, policy in enumerate(policies)):
        return []
    names = [chosen.tools.study.short(policy) if policy != "none" else same("") for policy in policies]
    return list(map(capital, names))


def _heading(chosen: Chosen, record: Record) -> Text:
    """The specification of a column and its stage."""
    name = chosen.tools.study.specification(record.first)
    label = (
        chosen.tools.study.labelled("specification", name)
        or (spillover_name(str(record.first["variant"])) if record.first.get("variant") else None)
        or chosen.tools.specification_title(record.first)
        or chosen.estimator(record)
    )
    label = capital(label)
    if FIRST_STAGE in record.key:
        stage = chosen.tools.heading(FIRST_STAGE)
        label = Text(f"{label.zh}({stage.zh})", f"{label.en} ({stage.en[:1].lower()}{stage.en[1:]})")
    return label


def _title(chosen: Chosen, usual: Text | None) -> Text:
    """The title that was chosen; else that of the only specification, of the only result, or a general one."""
    zh, en = chosen.options.title_zh, chosen.options.title_en
    if zh or en:
        return Text(zh or en, en or zh)
    results = {record.first.get("result") for record in chosen.columns}
    if len(results) == 1 and usual:
        return usual
    return Text("回归结果", "Regression estimates")


def _number(value: float | int | None, decimals: int) -> Cell:
    """A number of a whole regression; nothing where the estimator has none."""
    return Cell() if value is None else Cell(value, decimals)
