"""The table of how far parallel trends may fail, and of what the test of the leads would have seen."""

from collections.abc import Sequence

from city_policy.report.cells import Cell, Panel, TableRow, plain, printed
from city_policy.report.database import Row
from city_policy.report.kinds.tools import Draft, Tools
from city_policy.report.study import Text, same

PARAMETERS = {
    "first_effect": Text("当年效应", "First effect"),
    "average_effect": Text("各年效应的均值", "Mean of the effects by year"),
}
RELATIVE_MAGNITUDES, SMOOTHNESS = "relative_magnitudes", "smoothness"


def breakdown_words(row: Row) -> Text:
    """The breakdown value of a row in words."""
    if row["breakdown"] == "none":
        return Text("无", "none")
    number = printed(row["breakdown_value"], 2).rstrip("0").rstrip(".")
    return Text(f"大于 {number}", f"above {number}") if row["breakdown"] == "above" else same(number)


def parallel_trends(tools: Tools, found: list[Row]) -> Draft:
    """Per effect and outcome a panel of breakdown values by estimator, then one of the power of the tests."""
    power = tools.database.rows("results.pretrend_power", "spec_id, power", "power = 0.8 or power is null")
    outcomes = list(dict.fromkeys(str(row["outcome"]) for row in sorted(found, key=tools.position)))
    panels = []
    for outcome in outcomes:
        rows = [row for row in found if row["outcome"] == outcome]
        named = tools.row(tools.study.variable(outcome)) if len(outcomes) > 1 else None
        panels += [
            _breakdowns(tools, _titled(title, named), [row for row in rows if row["parameter"] in (parameter, None)])
            for parameter, title in PARAMETERS.items()
        ]
        title = Text("前期联合检验的功效(80%)", "Power of the joint test of the leads (80%)")
        panels.append(_power(tools, _titled(title, named), [row for row in power if row["outcome"] == outcome]))
    notes = [
        Text(
            "临界值:使 95% 区间不含零的最大界限。相对幅度:政策实施后逐年的趋势差异不超过实施前最大者的若干倍;"
            "平滑:趋势差异的斜率逐年变化不超过当年效应标准误的若干倍。区间按城市聚类。",
            "Breakdown value: the largest bound under which the 95% interval leaves out zero. Relative magnitudes: the "
            "yearly steps of the difference in trends after the start, times the largest before it; smoothness: the "
            "yearly change of its slope, in standard errors of the first effect. Clustered by city.",
        ),
        Text(
            "斜率:前期联合检验有 80% 的把握发现的逐年趋势差异;偏误:它给各年效应均值带来的偏误;"
            "最小可检测效应:平均效应的检验有 80% 的把握发现的效应。",
            "Slope: the yearly difference in trends that the joint test of the leads finds in 80% of the cases; bias: "
            "what it adds to the mean of the effects by year; minimum detectable effect: what the test of the average "
            "effect finds in 80% of the cases.",
        ),
    ]
    return Draft(panels, ["parallel_trends_sensitivity", "pretrend_power"], [*notes, *tools.notes(found)])


def _titled(title: Text, outcome: Text | None) -> Text:
    return title if outcome is None else Text(f"{outcome.zh}:{title.zh}", f"{outcome.en}: {title.en}")


def _breakdowns(tools: Tools, title: Text, found: Sequence[Row]) -> Panel:
    columns = (
        tools.heading("estimate"),
        Text("相对幅度", "Relative magnitudes"),
        Text("平滑", "Smoothness"),
    )

    def cells(rows: Sequence[Row]) -> list[Cell]:
        by_restriction = {str(row["restriction"]): row for row in rows}
        shown = [plain(rows[0]["estimate"])]
        for restriction in (RELATIVE_MAGNITUDES, SMOOTHNESS):
            row = by_restriction.get(restriction)
            shown.append(Cell(missing=True) if row is None else Cell(words=breakdown_words(row)))
        return shown

    return _by_policy(tools, title, found, columns, cells)


def _power(tools: Tools, title: Text, found: Sequence[Row]) -> Panel:
    columns = (
        Text("斜率", "Slope"),
        Text("偏误", "Bias"),
        Text("最小可检测效应", "Minimum detectable effect"),
    )
    names = ("detectable_slope", "bias_average_effect", "minimum_detectable_effect")
    return _by_policy(tools, title, found, columns, lambda rows: [plain(rows[0][name]) for name in names])


def _by_policy(tools, title, found, columns, cells) -> Panel:
    """A line per specification of the study, and ``columns`` per policy."""
    found = sorted(found, key=tools.position)
    present = dict.fromkeys(str(row["treatment"]) for row in found)
    policies = [policy for policy in tools.study.policies if policy in present]
    policies += sorted(present.keys() - set(policies))
    lines: dict[Text, dict[str, list[Row]]] = {}
    for row in found:
        by_policy = lines.setdefault(_name(tools, row), {})
        by_policy.setdefault(str(row["treatment"]), []).append(row)
    rows = [
        TableRow(
            label,
            tuple(
                cell
                for policy in policies
                for cell in (cells(by_policy[policy]) if policy in by_policy else [Cell()] * len(columns))
            ),
        )
        for label, by_policy in lines.items()
    ]
    headings = (
        tuple((tools.row(policy), len(columns)) for policy in policies),
        tuple((column, 1) for _ in policies for column in columns),
    )
    return Panel(title, Text("估计方法", "Estimator"), headings, tuple(rows))


def _name(tools: Tools, row: Row) -> Text:
    """The estimator of the event study, and the sample where it is not the full one."""
    name = tools.study.label("estimator", row["variant"])
    if row["sample"] in (None, "sample_full"):
        return name
    sample = tools.sample(row["sample"])
    return Text(f"{name.zh}({sample.zh})", f"{name.en} ({sample.en})")
