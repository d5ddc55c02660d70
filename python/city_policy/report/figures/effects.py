"""Effects of the policies: event study, placebo, and coefficients across specifications."""

import altair as alt

from city_policy.report.database import Row
from city_policy.report.figures.chart import (
    PALETTE,
    DataTable,
    Figure,
    figure,
    inline_data,
    interval_tooltips,
    per_policy,
    reference_line,
)
from city_policy.report.figures.context import Context
from city_policy.report.study import Text
from city_policy.report.tables import CLUSTERED, IID


def event_study(context: Context) -> Figure:
    """Figure 1."""
    found = context.effects("results.event_study", "spec_id, vcov desc, event_time")
    rows = [row for row in found if row["estimate"] is not None and row["event_time"] is not None]
    names = {CLUSTERED: Text("按城市聚类", "clustered by city"), IID: Text("iid(论文)", "iid (as the paper)")}

    def draw(mine: list[Row], language: str) -> alt.TopLevelMixin:
        values = [
            {
                "time": row["event_time"],
                "end": ("≤" if row["event_time"] < 0 else "≥") + str(row["event_time"])
                if row["is_binned"]
                else str(row["event_time"]),
                "estimate": row["estimate"],
                "low": row["ci_low"],
                "high": row["ci_high"],
                "errors": names[row["vcov"]][language],
            }
            for row in mine
            if row["vcov"] in names
        ]
        base = alt.Chart(inline_data(values)).encode(
            x=alt.X(
                "time:Q",
                title=Text("相对试点的年份", "Years since the pilot")[language],
                axis=alt.Axis(tickMinStep=1, format="d"),
            ),
            tooltip=[
                alt.Tooltip("end:N", title=Text("年份", "year")[language]),
                *interval_tooltips(language),
                alt.Tooltip("errors:N", title=Text("标准误", "errors")[language]),
            ],
        )
        order = [names[CLUSTERED][language], names[IID][language]]
        colour = alt.Color("errors:N", title=None, sort=order)
        intervals = base.mark_rule().encode(
            y=alt.Y("low:Q", title=Text("系数与 95% 区间", "Coefficient, 95% interval")[language]),
            y2="high:Q",
            color=colour,
            size=alt.Size("errors:N", sort=order, scale=alt.Scale(domain=order, range=[1.4, 5]), legend=None),
            opacity=alt.Opacity("errors:N", sort=order, scale=alt.Scale(domain=order, range=[1, 0.45]), legend=None),
        )
        points = (
            base.transform_filter(alt.datum.errors == order[0])
            .mark_point(filled=True, size=45, opacity=1)
            .encode(y="estimate:Q", color=colour)
        )
        return (reference_line("y", 0) + reference_line("x", -0.5) + intervals + points).properties(height=230)

    clustered = [row for row in rows if row["vcov"] == CLUSTERED]
    pretrend = {
        str(row["treatment"]): row["pretrend_p_value"] for row in clustered if row["pretrend_p_value"] is not None
    }
    said = "; ".join(f"{context.study.short(policy).en} {pretrend[policy]:.3f}" for policy in pretrend)
    said_zh = ";".join(f"{context.study.short(policy).zh} {pretrend[policy]:.3f}" for policy in pretrend)
    return figure(
        "event_study",
        context.study.label("figure", 1),
        Text(
            f"基期为试点前一年,两端年份合并。前期系数联合检验的聚类 P 值:{said_zh}。",
            f"Reference: the year before the pilot; the ends are binned. Clustered p values of the joint test "
            f"of the leads: {said}.",
        ),
        Text(
            "每项政策一幅图:试点前后各年的系数及 95% 区间,零线与试点时间以虚线标出。",
            "One chart per policy: coefficients with 95% intervals for the years before and after the pilot; "
            "dashed lines mark zero and the start.",
        ),
        lambda language: per_policy(context.study, rows, draw, language),
        rows,
        data=DataTable(
            (
                Text("政策", "Policy"),
                Text("年份", "Year"),
                Text("估计", "Estimate"),
                Text("95% 下限", "95% low"),
                Text("95% 上限", "95% high"),
            ),
            tuple(
                (
                    context.study.short(str(row["treatment"])),
                    row["event_time"],
                    row["estimate"],
                    row["ci_low"],
                    row["ci_high"],
                )
                for row in clustered
            ),
        ),
        sources=["event_study"],
        missing=found,
        number=1,
    )


def placebo(context: Context) -> Figure:
    """Figure 2."""
    tests = context.effects("results.placebo_test", "spec_id")
    tested = {row["spec_id"] for row in tests}
    draws = [row for row in context.database.rows("results.placebo_draws", "spec_id, draw") if row["spec_id"] in tested]
    actual = {row["treatment"]: row for row in tests if row["estimate"] is not None}

    def draw(mine: list[Row], language: str) -> alt.TopLevelMixin:
        values = [{"estimate": row["estimate"]} for row in mine if row["estimate"] is not None]
        title = Text("伪政策系数", "Coefficient of the pseudo policy")[language]
        density = (
            alt.Chart(inline_data(values))
            .transform_density("estimate", as_=["estimate", "density"], steps=120)
            .mark_area(opacity=0.35, line=True)
            .encode(
                x=alt.X("estimate:Q", title=title),
                y=alt.Y("density:Q", title=Text("核密度", "Density")[language]),
                color=alt.value(PALETTE["light"][0]),
            )
        )
        ticks = (
            alt.Chart(inline_data(values))
            .mark_tick(opacity=0.35, height=8)
            .encode(x="estimate:Q", y=alt.value(224), tooltip=[alt.Tooltip("estimate:Q", format=".4f", title=title)])
        )
        layers = reference_line("x", 0) + density + ticks
        test = actual.get(mine[0]["treatment"])
        if test:
            words = Text("真实估计", "actual estimate")[language]
            layers += (
                alt.Chart(inline_data([{"estimate": test["estimate"]}]))
                .mark_rule(style="actual")
                .encode(x="estimate:Q", tooltip=[alt.Tooltip("estimate:Q", format=".4f", title=words)])
            )
        return layers.properties(height=230)

    p_values = [
        (str(row["treatment"]), row["randomisation_p_value_of_t"])
        for row in tests
        if row["randomisation_p_value_of_t"] is not None
    ]
    said_zh = ";".join(f"{context.study.short(policy).zh} {p:.3f}" for policy, p in p_values)
    said = "; ".join(f"{context.study.short(policy).en} {p:.3f}" for policy, p in p_values)
    number = max((row["n_draws"] or 0 for row in tests), default=0)
    return figure(
        "placebo",
        context.study.label("figure", 2),
        Text(
            f"随机抽取城市与起始年份 {number} 次;橙线为真实估计。基于 t 值的随机化 P 值:{said_zh}。",
            f"Random cities and start years, {number} draws; the orange line is the actual estimate. "
            f"Randomisation p values of t: {said}.",
        ),
        Text(
            "每项政策一幅图:伪政策系数围绕零的核密度,真实估计以竖线标出。",
            "One chart per policy: density of the pseudo policies' coefficients around zero, the actual "
            "estimate as a vertical line.",
        ),
        lambda language: per_policy(context.study, draws, draw, language),
        [row for row in draws if row["estimate"] is not None],
        data=DataTable(
            (
                Text("政策", "Policy"),
                Text("真实估计", "Actual estimate"),
                Text("伪系数均值", "Mean of the draws"),
                Text("标准差", "Std. dev."),
                Text("P 值(t)", "p value (t)"),
            ),
            tuple(
                (
                    context.study.short(str(row["treatment"])),
                    row["estimate"],
                    row["mean_of_draws"],
                    row["sd_of_draws"],
                    row["randomisation_p_value_of_t"],
                )
                for row in tests
            ),
        ),
        sources=["placebo_draws", "placebo_test"],
        missing=tests,
        number=2,
    )


def coefficients(context: Context) -> Figure:
    """The effect of each policy across specifications, ours beside the printed."""
    results = ("baseline_effects", "robustness_effects", "instrumental_variable")
    found = [
        row
        for row in context.effects("replication.coefficient_comparison", "spec_id, vcov, term", f"vcov = '{CLUSTERED}'")
        if row["result"] in results and row["term"] == row["treatment"]
    ]
    # The instrument that is too weak to say anything would stretch the axis; Table 4 has it.
    found = [row for row in found if not str(row["spec_id"]).startswith("instrument_relief_year")]
    found += [
        row | {"published_estimate": None}
        for row in context.effects("results.heterogeneity_robust_effects", "spec_id, vcov")
        if row["event_time"] is None
    ]
    order = {"baseline_effects": 0, "robustness_effects": 2, "instrumental_variable": 3}
    found.sort(key=lambda row: (order.get(str(row.get("result")), 1), str(row.get("panel") or ""), str(row["spec_id"])))
    rows = [row for row in found if row["estimate"] is not None]

    def name(row: Row) -> Text:
        base = str(row["spec_id"]).removesuffix(f"_{row['treatment']}")
        label = context.study.label("specification", base)
        return label if label.zh != base else context.study.label("estimator", row["estimator"])

    def draw(mine: list[Row], language: str) -> alt.TopLevelMixin:
        values = [
            {
                "name": name(row)[language],
                "estimate": row["estimate"],
                "low": row["ci_low"],
                "high": row["ci_high"],
                "printed": row["published_estimate"],
            }
            for row in mine
        ]
        names = list(dict.fromkeys(str(value["name"]) for value in values))
        base = alt.Chart(inline_data(values)).encode(
            y=alt.Y("name:N", sort=names, title=None, axis=alt.Axis(labelLimit=190)),
            tooltip=[
                alt.Tooltip("name:N", title=Text("设定", "specification")[language]),
                *interval_tooltips(language),
                alt.Tooltip("printed:Q", format=".4f", title=Text("论文", "paper")[language]),
            ],
        )
        title = Text("系数与 95% 区间", "Coefficient, 95% interval")[language]
        intervals = base.mark_rule(strokeWidth=2).encode(
            x=alt.X("low:Q", title=title), x2="high:Q", color=alt.value(PALETTE["light"][0])
        )
        points = base.mark_point(filled=True, size=55, opacity=1).encode(
            x="estimate:Q", color=alt.value(PALETTE["light"][0])
        )
        printed = (
            base.transform_filter("isValid(datum.printed)")
            .mark_point(style="printed", shape="diamond", filled=False, size=70, opacity=1)
            .encode(x="printed:Q")
        )
        return (reference_line("x", 0) + intervals + points + printed).properties(height=24 * len(names) + 4)

    return figure(
        "coefficients",
        Text("各设定下的政策效应", "Policy effects across specifications"),
        Text(
            "实心点与横线:本次构建的系数与城市聚类 95% 区间;空心菱形:论文印出的系数。"
            "“单独”:单试点城市与从未试点城市相比。",
            "Dots and lines: coefficients of this build with 95% intervals clustered by city; hollow "
            "diamonds: what the paper prints. "
            "Alone: cities with one pilot against cities without any.",
        ),
        Text(
            "每项政策一幅图:各种设定下的系数及区间,零以虚线标出。",
            "One chart per policy: coefficients and intervals under every specification; a dashed line marks zero.",
        ),
        lambda language: per_policy(context.study, rows, draw, language),
        rows,
        data=DataTable(
            (
                Text("政策", "Policy"),
                Text("设定", "Specification"),
                Text("估计", "Estimate"),
                Text("95% 下限", "95% low"),
                Text("95% 上限", "95% high"),
                Text("论文", "Paper"),
            ),
            tuple(
                (
                    context.study.short(str(row["treatment"])),
                    name(row),
                    row["estimate"],
                    row["ci_low"],
                    row["ci_high"],
                    row["published_estimate"],
                )
                for row in rows
            ),
        ),
        sources=["replication.coefficient_comparison", "heterogeneity_robust_effects"],
        missing=found,
    )
