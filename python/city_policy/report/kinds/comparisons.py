"""Tables of the estimators that are no regression of one line: decomposition, robust averages, years, placebo."""

from collections.abc import Sequence
from typing import Any

from scipy.special import stdtr

from city_policy.report.cells import CLUSTERED, Cell, Panel, Statistic, TableRow, plain
from city_policy.report.database import Row
from city_policy.report.kinds.tools import Draft, Headings, Tools, p_cell
from city_policy.report.study import Text, capital

COMPARISONS = ("later_treated_as_control", "earlier_treated_as_control", "never_treated")
TOTAL = "weighted_total"


def _policies(tools: Tools, found: Sequence[Row]) -> list[str]:
    """The policies that have rows, those of the study first."""
    present = dict.fromkeys(str(row["treatment"]) for row in found)
    return [
        *(policy for policy in tools.study.policies if policy in present),
        *sorted(present.keys() - set(tools.study.policies)),
    ]


def bacon(tools: Tools, found: list[Row]) -> Draft:
    """One panel per specification: weight and estimate of every kind of comparison."""
    found = [row for row in found if row["level"] == "group"]
    by_specification: dict[str, list[Row]] = {}
    # The study's outcome first, as in the other tables.
    main = tools.study.column_of.get(tools.study.outcome, "")
    for row in sorted(found, key=lambda row: (row["outcome"] != main, tools.position(row))):
        by_specification.setdefault(tools.study.specification(row), []).append(row)
    panels = []
    for rows in by_specification.values():
        title = tools.specification_title(rows[0]) if len(by_specification) > 1 else None
        panels.append(_decomposition(tools, title, rows, is_main=rows[0]["outcome"] == main))
    return Draft(panels, ["bacon_decomposition"], tools.notes(found))


def _decomposition(tools: Tools, title: Text | None, found: Sequence[Row], *, is_main: bool) -> Panel:
    cells = {(row["comparison"], row["treatment"]): row for row in found}
    present = {str(row["comparison"]) for row in found if row["comparison"]}
    comparisons = [*COMPARISONS, *sorted(present - {*COMPARISONS, TOTAL})]
    if not any(row["estimate"] is not None for row in found):
        # Nothing could be compared: one line says so, and the note why.
        comparisons = []
    policies = _policies(tools, found)

    def number(row: Row | None, name: str, policy: str) -> Cell:
        if row is None:
            return Cell(missing=True)
        kind = "Bacon weight" if name == "weight" else "Bacon estimate"
        published = tools.published.get((kind, policy, row["comparison"])) if is_main else None
        return plain(row[name], published)

    rows = []
    for comparison in [*comparisons, TOTAL]:
        line: list[Cell] = []
        for policy in policies:
            row = cells.get((comparison, policy))
            line.append(Cell() if comparison == TOTAL else number(row, "weight", policy))
            line.append(number(row, "estimate", policy))
        rows.append(TableRow(tools.study.label("comparison", comparison), tuple(line)))
    headings = (
        tuple((tools.row(policy), 2) for policy in policies),
        tuple((tools.heading(key), 1) for _ in policies for key in ("weight", "estimate")),
    )
    return Panel(title, tools.heading("comparison"), headings, tuple(rows))


def robust_estimators(tools: Tools, found: list[Row]) -> Draft:
    """Average effects by estimator, beside two-way fixed effects on the same rows; one panel per outcome."""
    averages = sorted((row for row in found if row["event_time"] is None), key=tools.position)
    main = tools.study.column_of.get(tools.study.outcome, "")
    outcomes = sorted(dict.fromkeys(str(row["outcome"]) for row in averages), key=lambda outcome: outcome != main)
    panels = []
    for outcome in outcomes:
        rows = [row for row in averages if row["outcome"] == outcome]
        title = tools.row(tools.study.variable(outcome)) if len(outcomes) > 1 else None
        panels.append(_averages(tools, title, rows))
    note = Text(
        "平均效应及其旁同一批观测上的双向固定效应估计;标准误均按城市聚类。",
        "Average effects, and beside them two-way fixed effects on the same rows; all errors are clustered by city.",
    )
    return Draft(panels, ["heterogeneity_robust_effects"], [note, *tools.notes(averages)])


def _averages(tools: Tools, title: Text | None, found: Sequence[Row]) -> Panel:
    policies = _policies(tools, found)
    lines: dict[Text, dict[str, Row]] = {}
    for row in found:
        label = tools.study.labelled("specification", tools.study.specification(row))
        if label is None:
            label = tools.study.label("estimator", row["estimator"])
            if row["sample"] != "sample_full":
                sample = tools.sample(row["sample"])
                label = Text(f"{label.zh}({sample.zh})", f"{label.en} ({sample.en})")
        lines.setdefault(label, {}).setdefault(str(row["treatment"]), row)
    rows = []
    for label, by_policy in lines.items():
        cells: list[Cell] = []
        for policy in policies:
            average = by_policy.get(policy)
            cells += [Cell()] * 3 if average is None else _beside_two_way(average)
        rows.append(TableRow(capital(label), tuple(cells)))
    names = (
        Text("平均效应", "Average effect"),
        tools.study.label("estimator", "fixed_effects"),
        tools.heading("n_obs"),
    )
    columns = list(map(capital, names))
    headings = (
        tuple((tools.row(policy), 3) for policy in policies),
        tuple((column, 1) for _ in policies for column in columns),
    )
    return Panel(title, Text("估计方法", "Estimator"), headings, tuple(rows))


def _beside_two_way(row: Row) -> list[Cell]:
    """An average effect, two-way fixed effects on its rows, and how many these are."""
    two_way = Cell(missing=True)
    if row["twfe_estimate"] is not None:
        two_way = Cell(row["twfe_estimate"], statistics={CLUSTERED: _t(row)})
    return [
        Cell(
            row["estimate"],
            statistics={CLUSTERED: Statistic(row["t_stat"], row["p_value"])},
            missing=row["estimate"] is None,
        ),
        two_way,
        Cell(row["n_obs"], 0, missing=row["n_obs"] is None),
    ]


def _t(row: Row) -> Statistic:
    """t and p value of two-way fixed effects, with as many degrees of freedom as cities less one."""
    if not row["twfe_std_error"] or not row["n_cities"]:
        return Statistic(None, None)
    t = row["twfe_estimate"] / row["twfe_std_error"]
    return Statistic(t, 2 * float(stdtr(max(row["n_cities"] - 1, 1), -abs(t))))


def event_study(tools: Tools, found: list[Row]) -> Draft:
    """One row per year around the start, one column per specification and policy."""
    by_column: dict[object, list[Row]] = {}
    for row in sorted(tools.in_policy_order(found), key=tools.position):
        by_column.setdefault(row["spec_id"], []).append(row)
    times = sorted({row["event_time"] for row in found if row["event_time"] is not None})
    rows = []
    for time in times:
        cells = [_by_vcov([row for row in column if row["event_time"] == time]) for column in by_column.values()]
        sign = f"{time:+d}" if time else "0"
        rows.append(TableRow(Text(f"第 {sign} 年", f"Year {sign}"), tuple(cells)))
    first = [column[0] for column in by_column.values()]
    p_values = tuple(plain(row["pretrend_p_value"]) for row in first)
    if rows:
        rows.append(TableRow(Text("前期系数联合检验 P 值", "P value of the joint test of the leads"), p_values))
        rows.append(TableRow(tools.row("n_obs"), tuple(Cell(row["n_obs"], 0) for row in first)))
    panel = Panel(None, Text("相对试点的年份", "Years since the pilot"), _columns(tools, first), tuple(rows))
    # What holds of numbers stands below the figure.
    said = [row if row["estimate"] is None else row | {"message": None} for row in found]
    return Draft([panel], ["event_study"], tools.notes(said))


def _by_vcov(rows: Sequence[Row]) -> Cell:
    """One coefficient with the t values that its rows hold."""
    if not rows:
        return Cell()
    statistics = {str(row["vcov"]): Statistic(row["t_stat"], row["p_value"]) for row in rows}
    return Cell(rows[0]["estimate"], statistics=statistics, missing=rows[0]["estimate"] is None)


def _columns(tools: Tools, first: Sequence[Row]) -> tuple[Headings, ...]:
    """The policy of every column, and above it the outcome where there are several."""
    policies = tuple((tools.row(row["treatment"]), 1) for row in first)
    outcomes = tuple((tools.row(tools.study.variable(row["outcome"])), 1) for row in first)
    return (outcomes, policies) if len(set(outcomes)) > 1 else (policies,)


def placebo(tools: Tools, found: list[Row]) -> Draft:
    """One column per policy: the estimate among those of random cities and years."""
    rows = sorted(tools.in_policy_order(found), key=tools.position)
    shown: list[tuple[Text, str, int]] = [
        (Text("真实估计", "Actual estimate"), "estimate", 4),
        (Text("伪系数均值", "Mean of the draws"), "mean_of_draws", 4),
        (Text("伪系数标准差", "Standard deviation of the draws"), "sd_of_draws", 4),
        (Text("随机化 P 值(t)", "Randomisation p value of t"), "randomisation_p_value_of_t", 4),
        (Text("抽取次数", "Draws"), "n_draws", 0),
    ]
    body = [TableRow(label, tuple(plain(row[name], None, digits) for row in rows)) for label, name, digits in shown]
    panel = Panel(None, tools.heading("variable"), _columns(tools, rows), tuple(body) if rows else ())
    return Draft([panel], ["placebo_test"], tools.notes(found))


def group_differences(tools: Tools, found: list[Row]) -> Draft:
    """One row per difference: both estimates, their difference and its p value."""

    def label(row: Row) -> Text:
        groups, policy = (
            (tools.sample(row["group_1"]), tools.sample(row["group_2"])),
            tools.study.short(row["treatment"]),
        )
        return capital(
            Text(f"{policy.zh}:{groups[0].zh}与{groups[1].zh}", f"{policy.en}: {groups[0].en}, {groups[1].en}")
        )

    columns: list[tuple[Text, str, dict[str, Any]]] = [
        (Text("第一组", "First group"), "estimate_1", {}),
        (Text("第二组", "Second group"), "estimate_2", {}),
        (Text("差异", "Difference"), "difference", {}),
        (Text("置换 P 值", "Permutation p value"), "permutation_p_value", {}),
        (Text("Holm 校正 P 值", "Holm-adjusted p value"), "holm_p_value", {}),
    ]
    rows = sorted(tools.in_policy_order(found), key=tools.position)
    body = [TableRow(label(row), tuple(plain(row[name]) for _, name, _ in columns)) for row in rows]
    headings = (tuple((heading, 1) for heading, _, _ in columns),)
    panel = Panel(None, Text("组", "Groups"), headings, tuple(body))
    return Draft([panel], ["group_differences"], tools.notes(found))


def hypotheses(tools: Tools, found: list[Row]) -> Draft:
    """One panel per family: every effect with its p value alone, in its family, and among all effects."""
    everywhere = {row["spec_id"]: row for row in found if row["family"] == "all"}
    families = dict.fromkeys(str(row["family"]) for row in found if row["family"] != "all")
    headings = [
        Text("系数", "Coefficient"),
        Text("单独检验 P 值", "p value alone"),
        Text("Romano-Wolf P 值(本表)", "Romano-Wolf p value (this table)"),
        Text("Holm P 值(本表)", "Holm p value (this table)"),
    ]
    if everywhere:
        headings.append(Text("Romano-Wolf P 值(全部)", "Romano-Wolf p value (all)"))
    panels = []
    for family in [result for result in tools.study.results if result in families]:
        rows = sorted((row for row in found if row["family"] == family), key=lambda row: _certainty(row))
        labels = {row["spec_id"]: _effect_label(tools, row) for row in rows}
        plain_labels = list(labels.values())
        for row in rows:
            panel, name = tools.specification_title(row), labels[row["spec_id"]]
            if panel and plain_labels.count(name) > 1:
                # Two regressions of one policy on cities of one name differ in what these are compared with.
                labels[row["spec_id"]] = Text(f"{name.zh}({panel.zh})", f"{name.en} ({panel.en})")
        body = []
        for row in rows:
            cells = [
                Cell(
                    row["estimate"],
                    statistics={CLUSTERED: Statistic(row["t_stat"], row["p_value"])},
                    missing=row["estimate"] is None,
                ),
                *(p_cell(row[name]) for name in ("p_value", "romano_wolf_p_value", "holm_p_value")),
            ]
            if everywhere:
                cells.append(p_cell(everywhere[row["spec_id"]]["romano_wolf_p_value"]))
            body.append(TableRow(labels[row["spec_id"]], tuple(cells)))
        title = tools.study.label("result", family)
        panels.append(Panel(title, Text("效应", "Effect"), (tuple((one, 1) for one in headings),), tuple(body)))
    draws = max((row["draws"] or 0 for row in found), default=0)
    note = Text(
        f"wild cluster bootstrap(Webb 权重){draws} 次,一次抽取中同一城市在所有回归里取同一权重;"
        "星号依据单独检验的 P 值。",
        f"Wild cluster bootstrap (Webb's weights), {draws} draws; in a draw a city has one weight in all regressions. "
        "Stars go by the p value alone.",
    )
    notes = [note, *tools.notes(row for row in found if row["family"] != "all")]
    return Draft(panels, ["multiple_hypotheses"], notes, is_starred_by_t=False)


def _certainty(row: Row) -> tuple[float, str]:
    """Families in order of the size of t."""
    return (-abs(row["t_stat"]) if row["t_stat"] is not None else 1.0, str(row["spec_id"]))


def _effect_label(tools: Tools, row: Row) -> Text:
    """The policy of an effect, what was regressed, and the outcome where it is not that of the study."""
    policy = tools.study.short(row["treatment"])
    what = tools.study.labelled("specification", tools.study.specification(row)) or tools.sample(row["sample"])
    zh, en = f"{policy.zh}:{what.zh}", f"{policy.en}: {what.en}"
    if row["outcome"] != tools.study.column_of.get(tools.study.outcome, ""):
        outcome = tools.row(tools.study.variable(row["outcome"]))
        zh, en = f"{zh}({outcome.zh})", f"{en} ({outcome.en})"
    return capital(Text(zh, en))
