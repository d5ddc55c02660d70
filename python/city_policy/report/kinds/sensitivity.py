"""The table of how far parallel trends may fail, and of what the test of the leads would have seen."""

from collections.abc import Callable, Sequence

from city_policy.report.cells import Cell, Panel, TableRow, plain, printed
from city_policy.report.database import Row
from city_policy.report.kinds.tools import Draft, Headings, Tools
from city_policy.report.study import Text, capital, same

PARAMETERS = {
    "first_effect": Text("当年效应", "First effect"),
    "average_effect": Text("各年效应的均值", "Mean of the effects by year"),
}
RELATIVE_MAGNITUDES, SMOOTHNESS = "relative_magnitudes", "smoothness"
RESTRICTIONS = {
    RELATIVE_MAGNITUDES: Text("相对幅度", "Relative magnitudes"),
    SMOOTHNESS: Text("平滑", "Smoothness"),
}
POWER = {
    "detectable_slope": Text("斜率", "Slope"),
    "bias_first_effect": Text("当年效应的偏误", "Bias of the first effect"),
    "bias_average_effect": Text("均值的偏误", "Bias of the mean"),
    "minimum_detectable_effect": Text("最小可检测效应", "Minimum detectable effect"),
}
NOTES = (
    Text(
        "临界值:使 95% 区间不含零的最大界限。相对幅度限制政策实施后逐年的趋势差异,以实施前最大者的倍数计;"
        "平滑限制趋势差异的斜率逐年的变化,以当年效应标准误的倍数计。区间按城市聚类。",
        "Breakdown value: the largest bound under which the 95% interval leaves out zero. Relative magnitudes bound "
        "the yearly steps of the difference in trends after the start, as a multiple of the largest step before it; "
        "smoothness bounds the yearly change of its slope, in standard errors of the first effect. Clustered by city.",
    ),
    Text(
        "斜率:前期联合检验有 80% 的把握发现的逐年趋势差异;偏误:它给效应带来的偏误;"
        "最小可检测效应:平均效应的检验有 80% 的把握发现的效应。",
        "Slope: the yearly difference in trends that the joint test of the leads finds in 80% of the cases; bias: what "
        "it adds to the effects; minimum detectable effect: what the test of the average effect finds in 80% of the "
        "cases.",
    ),
)


def breakdown_words(row: Row) -> Text:
    """The breakdown value of a row in words."""
    if row["breakdown"] == "value":
        return same(printed(row["breakdown_value"], 2))
    if row["breakdown"] == "above":
        number = printed(row["breakdown_value"], 2).rstrip("0").rstrip(".")
        return Text(f"大于 {number}", f"above {number}")
    return Text("无", "none")


def parallel_trends(tools: Tools, found: list[Row]) -> Draft:
    """Per outcome a panel of effects and breakdown values, and one of the power of the tests."""
    power = tools.database.rows("results.pretrend_power", "spec_id, power", "power = 0.8 or power is null")
    first_line: Headings = tuple((title, 1 + len(RESTRICTIONS)) for title in PARAMETERS.values())
    second_line = tuple((title, 1) for _ in PARAMETERS for title in (tools.heading("estimate"), *RESTRICTIONS.values()))
    outcomes = list(dict.fromkeys(str(row["outcome"]) for row in sorted(found, key=tools.position)))
    panels = []
    for outcome in outcomes:
        name = tools.row(tools.study.variable(outcome)) if len(outcomes) > 1 else None
        panels += [
            _panel(
                tools,
                _titled(Text("效应与临界值", "Effects and breakdown values"), name),
                (first_line, second_line),
                [row for row in found if row["outcome"] == outcome],
                _breakdowns,
            ),
            _panel(
                tools,
                _titled(Text("检验的功效(80%)", "Power of the tests (80%)"), name),
                (tuple((title, 1) for title in POWER.values()),),
                [row for row in power if row["outcome"] == outcome],
                lambda rows: [plain(rows[0][column]) for column in POWER],
            ),
        ]
    return Draft(panels, ["parallel_trends_sensitivity", "pretrend_power"], [*NOTES, *tools.notes(found)])


def _titled(title: Text, outcome: Text | None) -> Text:
    return title if outcome is None else Text(f"{outcome.zh}:{title.zh}", f"{outcome.en}: {title.en}")


def _breakdowns(rows: Sequence[Row]) -> list[Cell]:
    """The estimate of each effect and its breakdown values; dashes for what could not be run."""
    cells = []
    for parameter in PARAMETERS:
        mine = {row["restriction"]: row for row in rows if row["parameter"] == parameter}
        cells.append(plain(next((row["estimate"] for row in mine.values()), None)))
        for restriction in RESTRICTIONS:
            row = mine.get(restriction)
            cells.append(Cell(missing=True) if row is None else _breakdown(row))
    return cells


def _breakdown(row: Row) -> Cell:
    """A breakdown value as a number, words where there is none on the grid."""
    if row["breakdown"] == "value":
        return plain(row["breakdown_value"], None, 2)
    return Cell(words=breakdown_words(row))


def _panel(
    tools: Tools,
    title: Text,
    headings: tuple[Headings, ...],
    found: Sequence[Row],
    cells: Callable[[Sequence[Row]], list[Cell]],
) -> Panel:
    """The policies of the study one below the other, and of each its event studies."""
    lines: list[TableRow] = []
    by_study: dict[object, list[Row]] = {}
    for row in tools.in_policy_order(found):
        by_study.setdefault(row["spec_id"], []).append(row)
    treatment = None
    for rows in by_study.values():
        if rows[0]["treatment"] != treatment:
            treatment = rows[0]["treatment"]
            lines.append(TableRow(tools.row(treatment), is_heading=True))
        lines.append(TableRow(capital(_name(tools, rows[0])), tuple(cells(rows))))
    return Panel(title, Text("估计方法", "Estimator"), headings, tuple(lines))


def _name(tools: Tools, row: Row) -> Text:
    """The estimator of the event study, and the sample where it is not the full one."""
    name = tools.study.label("estimator", row["variant"])
    if row["sample"] in (None, "sample_full"):
        return name
    sample = tools.sample(row["sample"])
    return Text(f"{name.zh}({sample.zh})", f"{name.en} ({sample.en})")
