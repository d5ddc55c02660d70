"""Tables of space: effects under spatial errors with what their residuals have in common, and spillovers."""

from collections.abc import Sequence

from city_policy.report.cells import CLUSTERED, Cell, Panel, Statistic, TableRow, plain
from city_policy.report.database import Row
from city_policy.report.kinds.tools import Draft, Headings, Tools, p_cell
from city_policy.report.study import Text, joined

# The kernel and the kinds of dependence that are shown; the warehouse has the uniform kernel too.
KERNEL = "bartlett"
DEPENDENCE = {
    "same_year": Text("邻近城市,同一年", "Nearby cities, same year"),
    "all_years": Text("邻近城市,所有年份", "Nearby cities, all years"),
}
NEIGHBOURS = {
    "within_200_km": Text("200 公里之内", "Within 200 km"),
    "nearest_5": Text("最近的 5 个城市", "The nearest five"),
}
SPATIAL_NOTE = Text(
    "Conley 标准误,Bartlett 核;公里数为截断距离。聚类标准误只允许同一城市各年的误差相关。应读两者中较大的一个。",
    "Conley standard errors with Bartlett's kernel; kilometres are the cutoff. The clustered error lets errors of one "
    "city hang together over the years only. Read the larger of the two.",
)
MORAN_NOTE = Text(
    "Moran's I:各年合计的残差;P 值由整城置换得出,双侧。",
    "Moran's I of the residuals of all years; p values by permuting whole cities, two-sided.",
)
SPILLOVER_NOTE = Text(
    "距离圈:未试点的城市—年份按最近试点城市的距离分圈,以 400 公里之外为对照。"
    "空间标准误:Conley,Bartlett 核,200 公里,所有年份。",
    "Rings: untreated city-years by the distance of the nearest treated city, compared with those beyond 400 km. "
    "Spatial standard error: Conley, Bartlett's kernel, 200 km, all years.",
)


def spatial_errors(tools: Tools, found: list[Row]) -> Draft:
    """The baseline effects under clustered and spatial errors, and Moran's I of their residuals."""
    found = [row for row in found if row["result"] == "baseline_effects"] or found
    by_effect: dict[object, list[Row]] = {}
    for row in tools.in_policy_order(found):
        by_effect.setdefault(row["spec_id"], []).append(row)
    cutoffs = sorted({row["cutoff_km"] for row in found if row["kernel"] == KERNEL})
    first: Headings = (
        (Text("按城市聚类", "Clustered by city"), 2),
        *((title, len(cutoffs)) for title in DEPENDENCE.values()),
    )
    distances = [Text(f"{cutoff:.0f} 公里", f"{cutoff:.0f} km") for cutoff in cutoffs] * len(DEPENDENCE)
    second: Headings = (
        (Text("系数", "Coefficient"), 1),
        (Text("标准误", "Std. error"), 1),
        *((distance, 1) for distance in distances),
    )
    columns = [(kind, cutoff) for kind in DEPENDENCE for cutoff in cutoffs]
    lines = []
    for rows in by_effect.values():
        clustered = next((row for row in rows if row["dependence"] == "within_city"), None)
        errors = {(row["dependence"], row["cutoff_km"]): row for row in rows if row["kernel"] == KERNEL}
        cells = [_coefficient(clustered), plain(clustered["std_error"] if clustered else None)]
        cells += [plain(errors[column]["std_error"] if column in errors else None) for column in columns]
        lines.append(TableRow(_effect(tools, rows[0], by_effect), tuple(cells)))
    panels = [Panel(Text("标准误", "Standard errors"), Text("效应", "Effect"), (first, second), tuple(lines))]
    moran = tools.database.rows("results.residual_autocorrelation", "spec_id, weights", "year is null")
    panels += _moran_panel(tools, [row for row in moran if row["spec_id"] in by_effect])
    messages = [row for row in found if row["kernel"] in (None, KERNEL)]
    notes = [SPATIAL_NOTE, *([MORAN_NOTE] if moran else []), *tools.notes([*messages, *moran])]
    return Draft(panels, ["spatial_inference", "residual_autocorrelation"], list(dict.fromkeys(notes)))


def _coefficient(row: Row | None) -> Cell:
    if row is None or row["estimate"] is None:
        return Cell(missing=True)
    return Cell(row["estimate"], statistics={CLUSTERED: Statistic(row["t_stat"], row["p_value"])})


def _effect(tools: Tools, row: Row, among: dict[object, list[Row]]) -> Text:
    """The policy of an effect, and its specification or outcome where the policy has several."""
    policy = tools.row(row["treatment"])
    if sum(rows[0]["treatment"] == row["treatment"] for rows in among.values()) == 1:
        return policy
    title = tools.specification_title(row) or tools.sample(row["sample"])
    parts = [title]
    if len({rows[0]["outcome"] for rows in among.values()}) > 1:
        parts.append(tools.row(tools.study.variable(row["outcome"])))
    said = joined(parts, ",", ", ")
    return Text(f"{policy.zh}({said.zh})", f"{policy.en} ({said.en})")


def _moran_panel(tools: Tools, found: Sequence[Row]) -> list[Panel]:
    by_effect: dict[object, list[Row]] = {}
    for row in tools.in_policy_order(found):
        by_effect.setdefault(row["spec_id"], []).append(row)
    if not by_effect:
        return []
    first: Headings = tuple((title, 2) for title in NEIGHBOURS.values())
    second: Headings = ((Text("Moran's I", "Moran's I"), 1), (Text("P 值", "p value"), 1)) * len(NEIGHBOURS)
    lines = []
    for rows in by_effect.values():
        mine = {row["weights"]: row for row in rows}
        cells: list[Cell] = []
        for kind in NEIGHBOURS:
            one = mine.get(kind)
            cells += [plain(one["moran_i"] if one else None), p_cell(one["permutation_p_value"] if one else None)]
        lines.append(TableRow(_effect(tools, rows[0], by_effect), tuple(cells)))
    return [
        Panel(
            Text("残差的空间自相关", "Spatial autocorrelation of residuals"),
            Text("效应", "Effect"),
            (first, second),
            tuple(lines),
        )
    ]


def spillover_name(variant: str) -> Text:
    """What a variant of the spillovers adds or leaves out."""
    kind, _, km = variant.partition(":")
    return {
        "rings": Text("按最近试点城市的距离分圈", "Rings by the distance of the nearest treated city"),
        "neighbours": Text(f"{km} 公里内试点城市的比例", f"Share of treated cities within {km} km"),
        "neighbours_by_distance": Text(
            f"{km} 公里内试点城市的比例,按距离倒数加权", f"Share within {km} km, by the inverse distance"
        ),
        "without_neighbours": Text(
            f"剔除距试点城市 {km} 公里之内的未试点城市—年份",
            f"Without untreated city-years within {km} km of a treated city",
        ),
    }.get(kind, Text(variant, variant))


def term_name(row: Row) -> Text:
    """A term of a regression with spillovers."""
    if row["distance_to_km"] is None:
        return Text("试点城市", "Treated cities")
    low, high = f"{row['distance_from_km']:.0f}", f"{row['distance_to_km']:.0f}"
    if str(row["variant"]) == "rings":
        return Text(f"未试点,{low}–{high} 公里", f"Untreated, {low}–{high} km")
    return Text("邻近城市全部试点", "All neighbours treated")


def spillovers(tools: Tools, found: list[Row]) -> Draft:
    """Per outcome a panel: the policies side by side, and of each variant the effect and what the neighbours add."""
    outcomes = list(dict.fromkeys(str(row["outcome"]) for row in sorted(found, key=tools.position)))
    panels = []
    for outcome in outcomes:
        mine = [row for row in found if row["outcome"] == outcome]
        title = tools.row(tools.study.variable(outcome)) if len(outcomes) > 1 else None
        panels.append(_spillover_panel(tools, title, mine))
    return Draft(panels, ["spatial_spillovers"], [SPILLOVER_NOTE, *tools.notes(found)])


def _spillover_panel(tools: Tools, title: Text | None, found: Sequence[Row]) -> Panel:
    policies = list(dict.fromkeys(str(row["treatment"]) for row in tools.in_policy_order(found)))
    first: Headings = tuple((tools.row(policy), 2) for policy in policies)
    second: Headings = ((Text("系数", "Coefficient"), 1), (Text("空间标准误", "Spatial error"), 1)) * len(policies)
    by_variant: dict[tuple[int, str, str], list[Row]] = {}
    for row in found:
        by_variant.setdefault((tools.position(row), str(row["variant"]), str(row["sample"])), []).append(row)
    several = len({row["sample"] for row in found}) > 1
    lines = []
    for (_, variant, sample), rows in sorted(by_variant.items()):
        heading = spillover_name(variant)
        if several:
            where = tools.sample(sample)
            heading = Text(f"{heading.zh}({where.zh})", f"{heading.en} ({where.en})")
        lines.append(TableRow(heading, is_heading=True))
        cells = {(row["distance_from_km"], row["treatment"], row["vcov"]): row for row in rows}
        names = {row["distance_from_km"]: term_name(row) for row in rows}
        for place in sorted(names, key=lambda place: -1.0 if place is None else float(place)):
            line: list[Cell] = []
            for policy in policies:
                conley = cells.get((place, policy, "conley"))
                line.append(_coefficient(cells.get((place, policy, CLUSTERED))))
                line.append(plain(conley["std_error"] if conley else None))
            lines.append(TableRow(names[place], tuple(line)))
    return Panel(title, Text("项", "Term"), (first, second), tuple(lines))
