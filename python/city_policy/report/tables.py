"""The paper's ten tables from the result tables of a build: one definition that every writer prints.

A table is panels of rows of cells. A cell holds the number itself; writers print it through ``Cell.number`` and
``Cell.statistic``, so that a digit is the same in HTML, LaTeX, Word and Excel.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from city_policy.report.database import Database, Row
from city_policy.report.messages import both_languages
from city_policy.report.study import Study, Text, same

CLUSTERED, IID = "CRV1", "iid"
MISSING = "—"
# From the strictest: p value below which a coefficient carries that many stars.
SIGNIFICANCE = ((0.01, "***"), (0.05, "**"), (0.1, "*"))

STARS_NOTE = Text(
    "*、**、*** 分别表示在 10%、5%、1% 的水平上显著。",
    "*, **, *** mark significance at 10, 5 and 1 percent.",
)
SIMULATED_NOTE = Text(
    "由模拟的示例年鉴得出:不是关于中国的证据。",
    "Made from the simulated demo yearbook: no evidence about China.",
)
BRACKETS_NOTE = Text(
    "圆括号内为按城市聚类的 t 值,星号据此;方括号内为 iid t 值(论文所报)。",
    "t values clustered by city in parentheses, which the stars rest on; iid t values, as the paper prints, in "
    "brackets.",
)
YES = Text("是", "Yes")


def stars(p_value: float | None) -> str:
    """The stars of a p value; none for none."""
    if p_value is None:
        return ""
    return next((mark for limit, mark in SIGNIFICANCE if p_value < limit), "")


def printed(value: float, decimals: int) -> str:
    """A number with so many decimals; what rounds to zero has no sign."""
    text = f"{value:.{decimals}f}"
    return text.lstrip("-") if float(text) == 0 else text


@dataclass(frozen=True)
class Statistic:
    """A t value and its p value under one variance estimator."""

    t: float | None
    p: float | None


@dataclass(frozen=True)
class Cell:
    """One cell: a number, words, an interval, or nothing.

    ``value``: the number, printed with ``decimals``. ``interval``: two numbers in place of one. ``statistics``: t and p
    by variance estimator. ``published``: what the paper prints here, as printed. ``missing``: an estimate that should
    be here and is not.
    """

    value: float | int | None = None
    decimals: int = 4
    statistics: Mapping[str, Statistic] = field(default_factory=dict)
    words: Text | None = None
    interval: tuple[float, float] | None = None
    published: str | None = None
    missing: bool = False

    @property
    def number(self) -> str:
        """The number as printed, the dash of a missing estimate, or nothing."""
        if self.interval is not None:
            return f"[{printed(self.interval[0], self.decimals)}, {printed(self.interval[1], self.decimals)}]"
        if self.value is None:
            return MISSING if self.missing else ""
        return printed(self.value, self.decimals)

    def stars(self, vcov: str) -> str:
        """The stars under one variance estimator."""
        return stars(self.statistics[vcov].p) if vcov in self.statistics else ""

    def statistic(self, vcov: str) -> str:
        """The t value as printed, or nothing."""
        t = self.statistics[vcov].t if vcov in self.statistics else None
        return "" if t is None else printed(t, 2)

    @property
    def is_estimate(self) -> bool:
        """Whether t values stand below the number."""
        return any(statistic.t is not None for statistic in self.statistics.values())


@dataclass(frozen=True)
class TableRow:
    """A label and its cells, one per column; ``is_heading``: the label alone, above the rows that follow."""

    label: Text
    cells: tuple[Cell, ...] = ()
    is_heading: bool = False


@dataclass(frozen=True)
class Panel:
    """Rows under common columns. ``headings``: lines of (words, columns spanned), the label's column not counted."""

    title: Text | None
    label_heading: Text
    headings: tuple[tuple[tuple[Text, int], ...], ...]
    rows: tuple[TableRow, ...]

    @property
    def n_columns(self) -> int:
        """Columns beside the label's."""
        return sum(span for _, span in self.headings[-1])


@dataclass(frozen=True)
class PaperTable:
    """One table of the paper. ``sources``: the result tables it is made from."""

    number: int
    title: Text
    panels: tuple[Panel, ...]
    notes: tuple[Text, ...]
    sources: tuple[str, ...]

    @property
    def has_estimates(self) -> bool:
        """Whether any cell has t values, so that the notes explain brackets and stars."""
        return any(cell.is_estimate for panel in self.panels for row in panel.rows for cell in row.cells)


def notes_of(table: PaperTable) -> tuple[Text, ...]:
    """The notes below a table on paper: what brackets and stars mean, then the table's own."""
    return ((BRACKETS_NOTE, STARS_NOTE) if table.has_estimates else ()) + table.notes


class Estimates:
    """The coefficients of ``replication.coefficient_comparison``, found by specification and term."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = list(rows)
        self._of: dict[tuple[object, object], dict[str, Row]] = {}
        self._first: dict[object, Row] = {}
        for row in self.rows:
            self._of.setdefault((row["spec_id"], row["paper_term"]), {})[row["vcov"]] = row
            self._first.setdefault(row["spec_id"], row)

    def specifications(self, result: str, **criteria: object) -> list[Row]:
        """One row per specification of ``result`` whose columns equal ``criteria``, in the order of ``rows``."""
        found: dict[object, Row] = {}
        for row in self.rows:
            if row["result"] == result and all(row[name] == value for name, value in criteria.items()):
                found.setdefault(row["spec_id"], row)
        return list(found.values())

    def cell(self, spec_id: object, term: object) -> Cell:
        """A coefficient with its t values; empty when the regression has no such term, a dash when it has no number."""
        by_vcov = self._of.get((spec_id, term))
        if by_vcov is None:
            return Cell()
        row = next(iter(by_vcov.values()))
        return Cell(
            value=row["estimate"],
            statistics={vcov: Statistic(found["t_stat"], found["p_value"]) for vcov, found in sorted(by_vcov.items())},
            published=_published(row),
            missing=row["estimate"] is None,
        )

    def count(self, spec_id: object) -> Cell:
        """Observations."""
        row = self._first[spec_id]
        published = max((r["published_n_obs"] or 0 for r in self.rows if r["spec_id"] == spec_id), default=0)
        return Cell(row["n_obs"], 0, published=str(published) if published else None, missing=row["n_obs"] is None)

    def r2(self, spec_id: object) -> Cell:
        """R2 with the fixed effects."""
        row = self._first[spec_id]
        published = max((r["published_r2"] or 0 for r in self.rows if r["spec_id"] == spec_id), default=0)
        return Cell(row["r2"], 4, published=f"{published:.4f}" if published else None, missing=row["r2"] is None)

    def messages(self, spec_ids: Iterable[object]) -> list[str]:
        """What the regressions say about themselves, each sentence once."""
        wanted = set(spec_ids)
        return list(
            dict.fromkeys(str(row["message"]) for row in self.rows if row["spec_id"] in wanted and row["message"])
        )


def _published(row: Row) -> str | None:
    if row.get("published_estimate") is None:
        return None
    text = f"{row['published_estimate']:.4f}{row['published_stars'] or ''}"
    return text if row["published_t_stat"] is None else f"{text} ({row['published_t_stat']:.2f})"


def _plain(value: float | None, published: float | None = None, decimals: int = 4) -> Cell:
    """A number without t value beside the printed one."""
    return Cell(
        value,
        decimals,
        published=None if published is None else printed(published, decimals),
        missing=value is None,
    )


class Tables:
    """The ten tables of one database."""

    def __init__(self, database: Database, study: Study) -> None:
        self.database = database
        self.study = study
        self.estimates = Estimates(database.rows("replication.coefficient_comparison", "spec_id, vcov, term"))
        self.published = {
            (row["kind"], row["panel"], row["subject"]): row["published_value"]
            for row in database.rows("replication.replication_scorecard", "check_id")
        }

    def all(self) -> list[PaperTable]:
        """Tables 1 to 10."""
        return [
            self.index_weights(),
            self.summary_statistics(),
            self.baseline(),
            self.instruments(),
            self.robustness(),
            self.bacon(),
            self.synergy(),
            self.mechanisms(),
            self.order(),
            self.heterogeneity(),
        ]

    def _note(self, message: object) -> Text:
        """A note of the warehouse with names in place of identifiers."""
        return both_languages(str(message), self.study.identifiers)

    def _notes(self, rows: Iterable[Row]) -> list[Text]:
        """The messages of rows, each once."""
        return [self._note(message) for message in dict.fromkeys(row["message"] for row in rows if row["message"])]

    def _table(
        self,
        number: int,
        panels: Sequence[Panel],
        sources: Sequence[str],
        notes: Sequence[Text] = (),
        spec_ids: Iterable[object] = (),
    ) -> PaperTable:
        """A table with the notes that all have: what is missing and why, and whether the data are simulated."""
        messages = tuple(self._note(message) for message in self.estimates.messages(spec_ids))
        simulated = (SIMULATED_NOTE,) if self.study.simulated else ()
        return PaperTable(
            number,
            self.study.label("table", number),
            tuple(panel for panel in panels if panel.rows),
            (*notes, *messages, *simulated),
            tuple(source if "." in source else f"results.{source}" for source in sources),
        )

    def _panel(
        self,
        title: Text | None,
        spec_ids: Sequence[object],
        terms: Sequence[str],
        headings: Sequence[tuple[tuple[Text, int], ...]],
        extra: Sequence[TableRow] = (),
        with_r2: bool = True,
        label_heading: Text | None = None,
    ) -> Panel:
        """One column per specification, one row per term, then ``extra`` rows, observations and R2."""
        rows = [
            TableRow(self.study.label("row", term), tuple(self.estimates.cell(spec, term) for spec in spec_ids))
            for term in terms
        ]
        rows = [row for row in rows if any(cell != Cell() for cell in row.cells)]
        if rows:
            rows += extra
            rows.append(
                TableRow(self.study.label("row", "n_obs"), tuple(self.estimates.count(spec) for spec in spec_ids))
            )
            if with_r2:
                rows.append(
                    TableRow(self.study.label("row", "r2"), tuple(self.estimates.r2(spec) for spec in spec_ids))
                )
        return Panel(title, label_heading or self._heading("variable"), tuple(headings), tuple(rows))

    def _heading(self, key: str) -> Text:
        return self.study.label("heading", key)

    def _effects(self, n_columns: int, controls: bool) -> list[TableRow]:
        """The rows that say what is controlled for."""
        names = (["controls"] if controls else []) + ["city_effects", "year_effects"]
        return [TableRow(self.study.label("row", name), (Cell(words=YES),) * n_columns) for name in names]

    def _in_policy_order(self, rows: list[Row]) -> list[Row]:
        order = {policy: number for number, policy in enumerate(self.study.policies)}
        return sorted(rows, key=lambda row: order.get(str(row["treatment"]), len(order)))

    def _by_outcome(self, rows: list[Row]) -> list[Row]:
        """In the order of the policies, the study's outcome first, and of one outcome what the paper prints."""
        return sorted(
            self._in_policy_order(rows),
            key=lambda row: (
                row["paper_outcome"] != self.study.outcome,
                str(row["paper_outcome"]),
                row["paper_table"] is None,
                str(self._specification(row)),
            ),
        )

    @staticmethod
    def _specification(row: Row) -> str:
        """The name of a specification without the policy that it was run for."""
        return str(row["spec_id"]).removesuffix(f"_{row['treatment']}")

    def _outcome_headings(self, rows: Sequence[Row]) -> list[tuple[tuple[Text, int], ...]]:
        """The outcome of every column, and above it the sample where the columns have several."""
        outcomes = tuple((self.study.label("row", row["paper_outcome"]), 1) for row in rows)
        samples = tuple((self.study.label("column", row["sample"]), 1) for row in rows)
        return [samples, outcomes] if len(set(samples)) > 1 else [outcomes]

    def index_weights(self) -> PaperTable:
        """Table 1."""
        definitions = {row["indicator"]: row for row in self.database.rows("staging.stg_indicators", "position")}
        rows, group = [], None
        found = self.database.rows("results.index_weights", "position")
        # The indicators of a dimension stand together, wherever in the list a new one was added.
        dimensions = list(dict.fromkeys(row["dimension"] for row in found))
        for row in sorted(found, key=lambda row: dimensions.index(row["dimension"])):
            seed = definitions.get(row["indicator"], {})
            dimension = Text(str(row["dimension_zh"]), str(seed.get("dimension_en") or row["dimension"]))
            if dimension != group:
                rows.append(TableRow(dimension, is_heading=True))
                group = dimension
            definition = Text(str(seed.get("definition_zh") or ""), str(seed.get("definition_en") or ""))
            subdimension = Text(str(seed.get("subdimension_zh") or ""), str(seed.get("subdimension_en") or ""))
            rows.append(
                TableRow(
                    Text(str(row["name_zh"]), str(row["name_en"])),
                    (
                        Cell(words=subdimension),
                        Cell(words=definition),
                        Cell(words=same("+" if row["direction"] > 0 else "−")),
                        _plain(row["weight"], self.published.get(("index weight", row["dimension"], row["indicator"]))),
                    ),
                )
            )
        headings = (tuple((self._heading(key), 1) for key in ("second_level", "definition", "direction", "weight")),)
        reasons = []
        for row in self.database.rows("results.index_weights", "position", "uncovered_reason is not null"):
            reason = self._note(row["uncovered_reason"])
            reasons.append(Text(f"{row['name_zh']}:{reason.zh}", f"{row['name_en']}: {reason.en}"))
        panel = Panel(None, self._heading("indicator"), headings, tuple(rows))
        return self._table(1, [panel], ["index_weights"], [*self._proxies(definitions), *reasons])

    def _proxies(self, definitions: dict[object, Row]) -> list[Text]:
        """One note per proxy: which indicators use it, and what it stands for."""
        notes = []
        for row in self.database.rows("quality.input_summary", "measure", "is_proxy"):
            users = [definitions[name] for name in str(row["used_by"]).split() if name in definitions]
            measure, basis = self.study.measure(row), self.study.basis(row)
            names = Text(
                "、".join(str(user["name_zh"]) for user in users), ", ".join(str(user["name_en"]) for user in users)
            )
            notes.append(
                Text(
                    f"{names.zh}:以{basis.zh}代替{measure.zh}(代理变量)。",
                    f"{names.en}: {basis.en} stands for {measure.en} (a proxy).",
                )
            )
        return notes

    def summary_statistics(self) -> PaperTable:
        """Table 2."""
        position = {variable: number for number, variable in enumerate(self.study.column_of)}
        found = self.database.rows("results.summary_statistics", "variable")
        in_order = sorted(found, key=lambda row: position.get(str(row["variable"]), len(position)))
        # The variables of a role stand together, wherever in the list a new one was added.
        roles = list(dict.fromkeys(row["role"] for row in in_order))
        rows, role = [], None
        for row in sorted(in_order, key=lambda row: roles.index(row["role"])):
            if row["role"] != role:
                role = row["role"]
                rows.append(TableRow(self.study.label("role", role), is_heading=True))
            statistics = [
                _plain(row[name], self.published.get(("summary statistic", role, f"{row['variable']} / {name}")))
                for name in ("mean", "std_dev", "minimum", "maximum")
            ]
            n_obs = _plain(row["n_obs"], self.published.get(("observations", role, row["variable"])), 0)
            rows.append(TableRow(self.study.label("row", row["variable"]), (n_obs, *statistics)))
        headings = (tuple((self._heading(key), 1) for key in ("n_obs", "mean", "std_dev", "minimum", "maximum")),)
        notes = []
        for row in self.database.rows("quality.input_summary", "measure", "measure = 'population'"):
            basis, filled = self.study.basis(row), row["n_interpolated"] + row["n_carried"]
            notes.append(
                Text(
                    f"全部年份的人口均为{basis.zh};{row['n_values']} 个数值中有 {filled} 个是填补的。",
                    f"Population is {basis.en} in every year; {filled} of {row['n_values']} values are filled.",
                )
            )
        for row in found:
            if row["role"] == "outcome" and row["n_filled"]:
                name = self.study.label("row", row["variable"])
                notes.append(
                    Text(
                        f"{name.zh}:{row['n_obs']} 个观测中有 {row['n_filled']} 个至少用到一个填补的数值。",
                        f"{name.en}: {row['n_filled']} of {row['n_obs']} observations use at least one filled value.",
                    )
                )
        notes += [
            self._note(message) for message in dict.fromkeys(str(row["message"]) for row in found if row["message"])
        ]
        return self._table(
            2, [Panel(None, self._heading("variable"), headings, tuple(rows))], ["summary_statistics"], notes
        )

    def baseline(self) -> PaperTable:
        """Table 3."""
        found = self._by_outcome(self.estimates.specifications("baseline_effects"))
        specs = [row["spec_id"] for row in found]
        headings = self._outcome_headings(found)
        terms = [*self.study.policies, *self.study.controls, "constant"]
        panel = self._panel(None, specs, terms, headings, self._effects(len(specs), controls=False))
        return self._table(3, [panel], ["baseline_effects"], spec_ids=specs)

    def instruments(self) -> PaperTable:
        """Table 4, and below it the instrument that does not contain the treatment."""
        diagnostics = {
            (row["spec_id"], row["vcov"]): row
            for row in self.database.rows("results.instrumental_variable", "spec_id, vcov, stage, term")
        }
        panels, used = [], []
        for title, in_paper in (("relief_by_dual", True), ("relief_by_year", False)):
            rows = self._in_policy_order(self.estimates.specifications("instrumental_variable"))
            specs = [row["spec_id"] for row in rows if (row["paper_table"] == "4") == in_paper]
            policies = [row["treatment"] for row in rows if row["spec_id"] in specs]
            used += specs
            columns = [(spec, stage) for spec in specs for stage in ("first_stage", "second_stage")]
            body = []
            for term in ("instrument", *self.study.policies):
                stage = "first_stage" if term == "instrument" else "second_stage"
                cells = tuple(self.estimates.cell(spec, term) if at == stage else Cell() for spec, at in columns)
                if any(cell != Cell() for cell in cells):
                    body.append(TableRow(self.study.label("row", term), cells))
            body += self._instrument_tests(columns, diagnostics) if body else []
            headings = (
                tuple((self.study.label("row", policy), 2) for policy in policies),
                tuple((self._heading(stage), 1) for _, stage in columns),
            )
            panels.append(Panel(self.study.label("panel", title), self._heading("variable"), headings, tuple(body)))
        note = Text(
            "所有模型均控制了控制变量以及城市和年份固定效应。Kleibergen-Paap rk LM "
            "为异方差稳健统计量(论文未说明其方差估计)。",
            "All models have the controls, city and year effects. The Kleibergen-Paap rk LM is the heteroskedasticity-"
            "robust one (the paper does not name its variance estimator).",
        )
        return self._table(4, panels, ["instrumental_variable"], [note], used)

    def _instrument_tests(
        self, columns: Sequence[tuple[object, str]], diagnostics: Mapping[tuple[object, object], Row]
    ) -> list[TableRow]:
        def cells(column: str, vcov: str, decimals: int, published: str | None = None) -> tuple[Cell, ...]:
            return tuple(
                _plain(
                    row[column],
                    self.published.get(("instrument diagnostic", None, f"{row['treatment']} / {published}"))
                    if row["paper_table"]
                    else None,
                    decimals,
                )
                if stage == "first_stage" and (row := diagnostics.get((spec, vcov)))
                else Cell()
                for spec, stage in columns
            )

        def intervals() -> tuple[Cell, ...]:
            found = []
            for spec, stage in columns:
                row = diagnostics.get((spec, CLUSTERED))
                if stage == "first_stage" or row is None:
                    found.append(Cell())
                elif row["anderson_rubin_kind"] == "bounded":
                    found.append(Cell(interval=(row["anderson_rubin_low"], row["anderson_rubin_high"])))
                else:
                    kind = str(row["anderson_rubin_kind"] or MISSING)
                    found.append(
                        Cell(
                            words=Text(
                                {"unbounded": "无界", "disjoint": "不连通", "empty": "空集"}.get(kind, kind), kind
                            )
                        )
                    )
            return tuple(found)

        label = self.study.label
        return [
            TableRow(
                label("row", "kleibergen_paap_rk_lm"),
                cells("kleibergen_paap_rk_lm_robust", CLUSTERED, 3, "kleibergen_paap_rk_lm"),
            ),
            TableRow(label("row", "cragg_donald_f"), cells("cragg_donald_f", CLUSTERED, 3, "cragg_donald_wald_f")),
            TableRow(label("row", "kleibergen_paap_wald_f"), cells("kleibergen_paap_wald_f", CLUSTERED, 3)),
            TableRow(label("row", "anderson_rubin"), intervals()),
            TableRow(label("row", "n_obs"), tuple(self.estimates.count(spec) for spec, _ in columns)),
        ]

    def robustness(self) -> PaperTable:
        """Table 5, one panel per check; checks that the paper does not print follow the one they belong to."""
        found = self._by_outcome(self.estimates.specifications("robustness_effects"))
        panels = []
        checks: dict[tuple[str, str], list[Row]] = {}
        for row in found:
            # A specification without a panel is one of its own.
            check = ("panel", str(row["panel"])) if row["panel"] else ("specification", self._specification(row))
            checks.setdefault(check, []).append(row)

        def place(check: tuple[str, str]) -> tuple[bool, str, bool, str]:
            kind, name = check
            return kind != "panel", name[:1], checks[check][0]["paper_table"] is None, name

        for check in sorted(checks, key=place):
            rows = checks[check]
            specs = [row["spec_id"] for row in rows]
            terms = [*self.study.policies, *self.study.other_policies]
            panels.append(self._panel(self.study.label(*check), specs, terms, self._outcome_headings(rows)))
        note = Text(
            "所有模型均控制了控制变量以及城市和年份固定效应;双重机器学习没有 R2。",
            "All models have the controls, city and year effects; double machine learning has no R2.",
        )
        return self._table(5, panels, ["robustness_effects"], [note], [row["spec_id"] for row in found])

    def bacon(self) -> PaperTable:
        """Table 6."""
        outcome = self.study.column_of.get(self.study.outcome, "")
        found = self.database.rows(
            "results.bacon_decomposition", "spec_id, comparison", f"level = 'group' and outcome = '{outcome}'"
        )
        cells: dict[tuple[object, object], Row] = {(row["comparison"], row["treatment"]): row for row in found}
        order = ["later_treated_as_control", "earlier_treated_as_control", "never_treated"]
        others = sorted({str(row["comparison"]) for row in found if row["comparison"]} - {*order, "weighted_total"})
        policies = [policy for policy in self.study.policies if any(row["treatment"] == policy for row in found)]
        rows = []
        for comparison in [*order, *others, "weighted_total"]:
            line: list[Cell] = []
            for policy in policies:
                row = cells.get((comparison, policy))
                total = comparison == "weighted_total"
                line.append(
                    Cell(missing=not total)
                    if row is None or total
                    else _plain(row["weight"], self.published.get(("Bacon weight", policy, comparison)))
                )
                line.append(
                    Cell(missing=True)
                    if row is None
                    else _plain(row["estimate"], self.published.get(("Bacon estimate", policy, comparison)))
                )
            if found:
                rows.append(TableRow(self.study.label("comparison", comparison), tuple(line)))
        headings = (
            tuple((self.study.label("row", policy), 2) for policy in policies),
            tuple((self._heading(key), 1) for _ in policies for key in ("weight", "estimate")),
        )
        notes = [
            self._note(message) for message in dict.fromkeys(str(row["message"]) for row in found if row["message"])
        ]
        return self._table(
            6, [Panel(None, self._heading("comparison"), headings, tuple(rows))], ["bacon_decomposition"], notes
        )

    def synergy(self) -> PaperTable:
        """Table 7."""
        found = self.estimates.specifications("synergy_effects")
        printed_order = ["A_single_pilot_net", "B_dual_net", "C_dual_vs_iic", "C_dual_vs_bcs"]
        found = sorted(
            self._in_policy_order(found),
            key=lambda row: printed_order.index(row["panel"]) if row["panel"] in printed_order else len(printed_order),
        )
        specs = [row["spec_id"] for row in found]
        spans: list[tuple[Text, int]] = []
        for row in found:
            title = self.study.label("panel", row["panel"])
            if spans and spans[-1][0] == title:
                spans[-1] = (title, spans[-1][1] + 1)
            else:
                spans.append((title, 1))
        headings = (tuple(spans), tuple((self.study.label("row", row["paper_outcome"]), 1) for row in found))
        panel = self._panel(None, specs, self.study.policies, headings, self._effects(len(specs), controls=True))
        return self._table(7, [panel], ["synergy_effects"], spec_ids=specs)

    def mechanisms(self) -> PaperTable:
        """Table 8, with the Sobel test of the paper's text and the bootstrap interval of this build."""
        found = self.estimates.specifications("mediation_effects")
        effects = {
            (row["mediator"], row["treatment"], row["vcov"]): row
            for row in self.database.rows("results.mediation_effects", "spec_id, vcov")
        }
        mediator_of = {row["spec_id"]: row["mediator"] for row in effects.values()}
        panels, used = [], []
        for mediator in self.study.mediators:
            column = self.study.column_of[mediator]
            on_mediator, alone, direct_effects = [], [], []
            for row in self._in_policy_order(found):
                # A path is named after its specification, the regression on the mediator alone after the mediator.
                name = str(row["spec_id"]).split("__")[0]
                if mediator_of.get(name, name) != column:
                    continue
                if row["paper_outcome"] == mediator:
                    on_mediator.append(row)
                elif row["paper_treatment"] == "none":
                    alone.append(row)
                else:
                    direct_effects.append(row)
            columns = [*on_mediator, *alone, *direct_effects]
            specs = [row["spec_id"] for row in columns]
            used += specs
            headings = (tuple((self.study.label("row", row["paper_outcome"]), 1) for row in columns),)
            direct = {row["spec_id"] for row in direct_effects}

            def tests(
                name: str, vcov: str, columns=columns, direct=direct, mediator=mediator, column=column
            ) -> tuple[Cell, ...]:
                cells = []
                for row in columns:
                    effect = effects.get((column, row["treatment"], vcov)) if row["spec_id"] in direct else None
                    if effect is None:
                        cells.append(Cell())
                    elif name == "sobel_z":
                        published = self.published.get(("Sobel Z", mediator, row["treatment"])) if vcov == IID else None
                        cells.append(_plain(effect["sobel_z"], published, 3))
                    elif effect["bootstrap_low"] is None:
                        cells.append(Cell(missing=True))
                    else:
                        cells.append(Cell(interval=(effect["bootstrap_low"], effect["bootstrap_high"])))
                return tuple(cells)

            extra = [
                TableRow(Text("Sobel Z(iid)", "Sobel Z (iid)"), tests("sobel_z", IID)),
                TableRow(Text("Sobel Z(城市聚类)", "Sobel Z (clustered)"), tests("sobel_z", CLUSTERED)),
                TableRow(self.study.label("row", "bootstrap"), tests("bootstrap", CLUSTERED)),
            ]
            title = next(
                (self.study.label("panel", row["panel"]) for row in columns if row["panel"]),
                self.study.label("row", mediator),
            )
            panels.append(self._panel(title, specs, [*self.study.policies, mediator], headings, extra))
        note = Text(
            "所有模型均控制了控制变量以及城市和年份固定效应。Bootstrap 以城市为单位抽样;论文正文给出 Sobel Z。",
            "All models have the controls, city and year effects. The bootstrap draws whole cities; the paper "
            "gives Sobel Z in its text.",
        )
        return self._table(8, panels, ["mediation_effects", "regression_coefficients"], [note], used)

    def order(self) -> PaperTable:
        """Table 9."""
        differences = self.database.rows("results.group_differences", "spec_id")
        return self._grouped(9, "order_effects", "order_difference_p", differences)

    def heterogeneity(self) -> PaperTable:
        """Table 10."""
        differences = self.database.rows("results.group_differences", "spec_id")
        return self._grouped(10, "heterogeneous_effects", "group_difference_p", differences)

    def _grouped(self, number: int, result: str, p_label: str, differences: list[Row]) -> PaperTable:
        """One panel per grouping, per policy one column per group, and below a pair the p value of its difference."""
        found = self.estimates.specifications(result)
        position = {sample: place for place, sample in enumerate(self.study.samples)}
        # Python's sort is stable: by sample within policy.
        found = self._in_policy_order(sorted(found, key=lambda row: position.get(str(row["sample"]), len(position))))
        panels = []
        for name in sorted({str(row["panel"]) for row in found}):
            rows = [row for row in found if row["panel"] == name]
            specs = [row["spec_id"] for row in rows]
            by_policy = {
                row["treatment"]: row
                for row in differences
                if row["panel"] == name and row["paper_table"] == str(number)
            }
            seen: set[object] = set()
            p_values = []
            for row in rows:
                difference = by_policy.get(row["treatment"])
                if difference is None or row["treatment"] in seen:
                    p_values.append(Cell())
                else:
                    published = self.published.get(("group difference", name, row["treatment"]))
                    p_values.append(_plain(difference["permutation_p_value"], published, 4))
                seen.add(row["treatment"])
            headings = (tuple((self.study.label("column", row["sample"]), 1) for row in rows),)
            extra = [TableRow(self.study.label("row", p_label), tuple(p_values))]
            panels.append(self._panel(self.study.label("panel", name), specs, self.study.policies, headings, extra))
        note = Text(
            "所有模型均控制了控制变量以及城市和年份固定效应。P 值来自把整座城市在两组之间随机互换,写在每对的第一列。",
            "All models have the controls, city and year effects. P values come from permuting whole cities "
            "between the groups and stand in the first column of each pair.",
        )
        return self._table(number, panels, [result, "group_differences"], [note], [row["spec_id"] for row in found])


def build_tables(database: Database, study: Study) -> list[PaperTable]:
    """Tables 1 to 10 of the paper from one database."""
    return Tables(database, study).all()
