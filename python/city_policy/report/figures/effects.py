"""Effects of the policies: event study, placebo, and coefficients across specifications."""

import altair as alt

from city_policy.report.cells import CLUSTERED, IID
from city_policy.report.database import Row
from city_policy.report.figures.chart import (
    FIRST,
    LINES,
    DataTable,
    Figure,
    figure,
    inline_data,
    interval_tooltips,
    per_policy,
    reference_line,
    wrapped,
)
from city_policy.report.figures.context import Context
from city_policy.report.study import Text, joined, same

# Below it an instrument counts as weak (Staiger and Stock, 1997).
WEAK_F = 10
# Event times that the figure of the estimators shows: further ones hold few cohorts.
SHOWN_TIMES = (-4, 5)
SAMPLE_FULL = "sample_full"
# Eight that differ also where colours repeat.
SHAPES = (
    "circle", "square", "diamond", "triangle-up", "triangle-down", "cross", "triangle-right", "triangle-left",
)  # fmt: skip


def event_study(context: Context) -> Figure:
    """Figure 1."""
    found = context.effects("results.event_study", "spec_id, vcov desc, event_time")
    rows = [row for row in found if row["estimate"] is not None and row["event_time"] is not None]
    names = {CLUSTERED: Text("按城市聚类", "clustered by city"), IID: context.study.label("inference", IID)}

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
                # The first and the last interval keep clear of the edges.
                scale=alt.Scale(padding=14, nice=False),
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
    said = _p_values(context, [(policy, pretrend[policy]) for policy in context.study.policies if policy in pretrend])
    caption = Text("基期为试点前一年,两端年份合并。", "Reference: the year before the pilot; the ends are binned.")
    if pretrend:
        caption = Text(
            f"{caption.zh}前期系数联合检验的聚类 P 值:{said.zh}。",
            f"{caption.en} Clustered p values of the joint test of the leads: {said.en}.",
        )
    number, title = _numbered(context, "event_study", Text("平行趋势检验(事件研究)", "Event study"))
    return figure(
        "event_study",
        title,
        caption,
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
        names=context.study.identifiers,
        number=number,
    )


def _numbered(context: Context, result: str, general: Text) -> tuple[int | None, Text]:
    """The number of a figure in the paper and the title that it has there; else the general title."""
    number = context.study.figure_number(result)
    return number, context.study.labelled("figure", number) or general


def _p_values(context: Context, found: list[tuple[str, float]]) -> Text:
    """The p values of the policies in words."""
    return joined(
        (Text(f"{name.zh} {p:.3f}".strip(), f"{name.en} {p:.3f}".strip()) for name, p in _named(context, found)),
        ";",
        "; ",
    )


def _named(context: Context, found: list[tuple[str, float]]) -> list[tuple[Text, float]]:
    """The short names of policies; one policy alone needs none."""
    alone = len(context.study.policies) == 1
    return [(same("") if alone else context.study.short(policy), p) for policy, p in found]


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
                x=alt.X("estimate:Q", title=title, axis=alt.Axis(tickCount=6)),
                y=alt.Y("density:Q", title=Text("核密度", "Density")[language]),
                color=FIRST,
            )
        )
        ticks = (
            alt.Chart(inline_data(values))
            .mark_tick(opacity=0.35, height=8)
            .encode(
                x="estimate:Q",
                y=alt.value(224),
                color=FIRST,
                tooltip=[alt.Tooltip("estimate:Q", format=".4f", title=title)],
            )
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
    said = _p_values(context, p_values)
    n_draws = max((row["n_draws"] or 0 for row in tests), default=0)
    caption = Text(
        f"随机抽取城市与起始年份 {n_draws} 次;橙线为真实估计。",
        f"Random cities and start years, {n_draws} draws; the orange line is the actual estimate.",
    )
    if p_values:
        caption = Text(
            f"{caption.zh}基于 t 值的随机化 P 值:{said.zh}。",
            f"{caption.en} Randomisation p values of t: {said.en}.",
        )
    number, title = _numbered(context, "placebo_test", Text("安慰剂检验", "Placebo test"))
    return figure(
        "placebo",
        title,
        caption,
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
        names=context.study.identifiers,
        number=number,
    )


def coefficients(context: Context) -> Figure:
    """The effect of each policy across specifications, ours beside the printed."""
    study = context.study
    results = ("baseline_effects", "robustness_effects", "instrumental_variable")
    # An instrument that is too weak to say anything would stretch the axis; the table has it.
    weak = {
        row["spec_id"]
        for row in context.database.rows("results.instrumental_variable", "spec_id, vcov, stage, term")
        if row["kleibergen_paap_wald_f"] is not None and row["kleibergen_paap_wald_f"] < WEAK_F
    }
    found = [
        row
        for row in context.estimates("spec_id, vcov, term", f"vcov = '{CLUSTERED}'")
        if row["result"] in results and row["term"] == row["treatment"] and row["spec_id"] not in weak
    ]
    found += [
        row | {"published_estimate": None}
        for row in context.effects("results.heterogeneity_robust_effects", "spec_id, vcov")
        if row["event_time"] is None
    ]
    order = {"baseline_effects": 0, "robustness_effects": 2, "instrumental_variable": 3}
    found.sort(key=lambda row: (order.get(str(row.get("result")), 1), str(row.get("panel") or ""), str(row["spec_id"])))
    rows = [row for row in found if row["estimate"] is not None]

    def name(row: Row) -> Text:
        specification = study.specification(row)
        # What an estimator is called says more than how a specification describes it.
        estimator = study.label("estimator", row["estimator"]) if row.get("result") not in results else None
        return (
            study.labelled("specification", specification)
            or estimator
            or study.specification_label(specification)
            or study.label("estimator", row["estimator"])
        )

    def draw(mine: list[Row], language: str) -> alt.TopLevelMixin:
        values = [
            {
                "name": wrapped(name(row)[language]),
                "estimate": row["estimate"],
                "low": row["ci_low"],
                "high": row["ci_high"],
                "printed": row["published_estimate"],
            }
            for row in mine
        ]
        names = list(dict.fromkeys(str(value["name"]) for value in values))
        base = alt.Chart(inline_data(values)).encode(
            y=alt.Y("name:N", sort=names, title=None, axis=alt.Axis(labelLimit=190, labelExpr=LINES)),
            tooltip=[
                alt.Tooltip("name:N", title=Text("设定", "specification")[language]),
                *interval_tooltips(language),
                *(
                    [alt.Tooltip("printed:Q", format=".4f", title=Text("论文", "paper")[language])]
                    if study.has_published
                    else []
                ),
            ],
        )
        title = Text("系数与 95% 区间", "Coefficient, 95% interval")[language]
        intervals = base.mark_rule(strokeWidth=2).encode(
            x=alt.X("low:Q", title=title, axis=alt.Axis(tickCount=6)), x2="high:Q", color=FIRST
        )
        points = base.mark_point(filled=True, size=55, opacity=1).encode(x="estimate:Q", color=FIRST)
        printed = (
            base.transform_filter("isValid(datum.printed)")
            .mark_point(style="printed", shape="diamond", filled=False, size=70, opacity=1)
            .encode(x="printed:Q")
        )
        layers = reference_line("x", 0) + intervals + points
        step = 28 if any("\n" in name for name in names) else 24
        return (layers + printed if study.has_published else layers).properties(height=step * len(names) + 4)

    return figure(
        "coefficients",
        Text("各设定下的政策效应", "Policy effects across specifications"),
        _what_coefficients_show(context, is_weak=bool(weak)),
        Text(
            "每项政策一幅图:各种设定下的系数及区间,零以虚线标出。",
            "One chart per policy: coefficients and intervals under every specification; a dashed line marks zero.",
        ),
        lambda language: per_policy(study, rows, draw, language),
        rows,
        data=DataTable(
            (
                Text("政策", "Policy"),
                Text("设定", "Specification"),
                Text("估计", "Estimate"),
                Text("95% 下限", "95% low"),
                Text("95% 上限", "95% high"),
                *((Text("论文", "Paper"),) if study.has_published else ()),
            ),
            tuple(
                (
                    study.short(str(row["treatment"])),
                    name(row),
                    row["estimate"],
                    row["ci_low"],
                    row["ci_high"],
                    *((row["published_estimate"],) if study.has_published else ()),
                )
                for row in rows
            ),
        ),
        sources=[
            "replication.coefficient_comparison" if study.has_published else "regression_coefficients",
            *(["heterogeneity_robust_effects"] if study.asks("heterogeneity_robust_effects") else []),
        ],
        missing=found,
        names=study.identifiers,
    )


def estimators(context: Context) -> Figure:
    """Effects by event time of every heterogeneity-robust estimator on one chart per policy."""
    study = context.study
    found = context.effects("results.heterogeneity_robust_effects", "treatment, spec_id, event_time")
    # One line per estimator: comparisons within other samples stand in the table.
    found = [row for row in found if row["sample"] == SAMPLE_FULL]
    rows = [
        row
        for row in found
        if row["estimate"] is not None
        and row["event_time"] is not None
        and SHOWN_TIMES[0] <= row["event_time"] <= SHOWN_TIMES[1]
    ]
    order = list(dict.fromkeys(str(row["estimator"]) for row in sorted(rows, key=lambda row: str(row["spec_id"]))))
    places = {estimator: place for place, estimator in enumerate(order)}
    rows.sort(key=lambda row: (str(row["treatment"]), places[str(row["estimator"])], row["event_time"]))

    def draw(mine: list[Row], language: str) -> alt.TopLevelMixin:
        # Side by side in the room of a year, so that intervals do not hide each other.
        room = 0.8 / max(len(order), 1)
        names = [study.label("estimator", estimator)[language] for estimator in order]
        values = [
            {
                "at": row["event_time"] + (places[str(row["estimator"])] - (len(order) - 1) / 2) * room,
                "time": row["event_time"],
                "estimate": row["estimate"],
                "low": row["ci_low"],
                "high": row["ci_high"],
                "name": names[places[str(row["estimator"])]],
            }
            for row in mine
        ]
        colours = alt.Color(
            "name:N",
            title=None,
            sort=names,
            scale=alt.Scale(domain=names),
            legend=alt.Legend(columns=4, symbolOpacity=1),
        )
        base = alt.Chart(inline_data(values)).encode(
            x=alt.X(
                "at:Q",
                title=Text("相对试点的年份", "Years since the pilot")[language],
                axis=alt.Axis(values=list(range(SHOWN_TIMES[0], SHOWN_TIMES[1] + 1)), format="d", grid=False),
                scale=alt.Scale(domain=[SHOWN_TIMES[0] - 0.5, SHOWN_TIMES[1] + 0.5], nice=False),
            ),
            color=colours,
            tooltip=[
                alt.Tooltip("name:N", title=Text("估计方法", "estimator")[language]),
                alt.Tooltip("time:Q", title=Text("年份", "year")[language]),
                *interval_tooltips(language),
            ],
        )
        intervals = (
            base.transform_filter("isValid(datum.low) && isValid(datum.high)")
            .mark_rule(strokeWidth=1.4)
            .encode(y=alt.Y("low:Q", title=Text("效应与 95% 区间", "Effect, 95% interval")[language]), y2="high:Q")
        )
        points = base.mark_point(filled=True, size=42, opacity=1).encode(
            y="estimate:Q",
            shape=alt.Shape("name:N", title=None, sort=names, scale=alt.Scale(domain=names, range=list(SHAPES))),
        )
        return (reference_line("y", 0) + reference_line("x", -0.5) + intervals + points).properties(height=260)

    shown = Text(
        f"同一批观测上各估计方法的效应及按城市聚类的 95% 区间,试点前 {-SHOWN_TIMES[0]} 年至后 {SHOWN_TIMES[1]} 年。"
        "各方法的比较对象与权重不同:",
        f"Effects of every estimator on the same rows with 95% intervals clustered by city, from {-SHOWN_TIMES[0]} "
        f"years before to {SHOWN_TIMES[1]} years after. They differ in what they compare and how they weight.",
    )
    why = [words for estimator in order if (words := study.labelled("estimator_comparison", estimator))]
    return figure(
        "estimators",
        Text("异质稳健估计:各事件时间的效应", "Heterogeneity-robust estimators by event time"),
        Text(
            f"{shown.zh}{''.join(words.zh for words in why)}",
            f"{shown.en} {' '.join(words.en for words in why)}",
        ),
        Text(
            "每项政策一幅图:按事件时间并排的各估计方法的点与区间,零线与试点时间以虚线标出。",
            "One chart per policy: points and intervals of the estimators side by side for every event time; dashed "
            "lines mark zero and the start.",
        ),
        lambda language: per_policy(study, rows, draw, language),
        rows,
        data=DataTable(
            (
                Text("政策", "Policy"),
                Text("估计方法", "Estimator"),
                Text("年份", "Year"),
                Text("估计", "Estimate"),
                Text("95% 下限", "95% low"),
                Text("95% 上限", "95% high"),
            ),
            tuple(
                (
                    study.short(str(row["treatment"])),
                    study.label("estimator", row["estimator"]),
                    row["event_time"],
                    row["estimate"],
                    row["ci_low"],
                    row["ci_high"],
                )
                for row in rows
            ),
        ),
        wide=True,
        sources=["heterogeneity_robust_effects"],
        missing=found,
        names=study.identifiers,
    )


def _what_coefficients_show(context: Context, *, is_weak: bool) -> Text:
    """The caption of the coefficients: the marks, what the study says of its specifications, what is left out."""
    sentences = [
        Text(
            "实心点与横线:本次构建的系数与城市聚类 95% 区间。",
            "Dots and lines: coefficients of this build with 95% intervals clustered by city.",
        )
    ]
    if context.study.has_published:
        sentences.append(Text("空心菱形:论文印出的系数。", "Hollow diamonds: what the paper prints."))
    sentences.append(context.study.text("note_coefficients", same("")))
    if is_weak:
        sentences.append(
            Text(
                f"第一阶段 F 小于 {WEAK_F} 的工具变量估计不在图中,见表。",
                f"Estimates whose first-stage F lies below {WEAK_F} are not drawn; the table has them.",
            )
        )
    return joined((sentence for sentence in sentences if sentence), "", " ")
