"""Checks of the methods: balance of the matching and the Goodman-Bacon decomposition."""

import altair as alt

from city_policy.report.database import Row
from city_policy.report.figures.chart import (
    LINES,
    DataTable,
    Figure,
    figure,
    inline_data,
    per_policy,
    reference_line,
    wrapped,
)
from city_policy.report.figures.context import Context
from city_policy.report.study import Text


def balance(context: Context) -> Figure:
    """Standardised bias of the covariates before and after matching."""
    found = context.of_outcome(context.database.rows("results.matching_balance", "spec_id, stage, variable"))
    rows = [row for row in found if row["standardised_bias_percent"] is not None]
    # Before matching all variants are the same.
    rows = list({(row["treatment"], row["stage"], row["variable"]): row for row in rows}.values())
    present = {row["stage"] for row in rows}
    stages = [stage for stage in ("before", "common_support", "matched", "matched_weighted") if stage in present]
    variables = [variable for variable in context.study.controls if any(row["variable"] == variable for row in rows)]
    variables += sorted({str(row["variable"]) for row in rows} - set(variables))

    def draw(mine: list[Row], language: str) -> alt.TopLevelMixin:
        stage_names = [context.study.label("stage", stage)[language] for stage in stages]
        values = [
            {
                "variable": wrapped(context.study.label("row", row["variable"])[language]),
                "bias": abs(row["standardised_bias_percent"]),
                "stage": context.study.label("stage", row["stage"])[language],
            }
            for row in mine
        ]
        title = Text("标准化偏差的绝对值(%)", "Absolute standardised bias (%)")[language]
        points = (
            alt.Chart(inline_data(values))
            .mark_point(filled=True, size=70, opacity=0.9)
            .encode(
                y=alt.Y(
                    "variable:N",
                    title=None,
                    sort=[wrapped(context.study.label("row", variable)[language]) for variable in variables],
                    axis=alt.Axis(labelExpr=LINES),
                ),
                x=alt.X("bias:Q", title=title, scale=alt.Scale(domainMin=0), axis=alt.Axis(tickCount=6)),
                color=alt.Color(
                    "stage:N", title=None, scale=alt.Scale(domain=stage_names), legend=alt.Legend(columns=1)
                ),
                shape=alt.Shape("stage:N", title=None, scale=alt.Scale(domain=stage_names)),
                tooltip=[
                    alt.Tooltip("variable:N", title=Text("变量", "variable")[language]),
                    alt.Tooltip("stage:N", title=Text("阶段", "stage")[language]),
                    alt.Tooltip("bias:Q", format=".1f", title=title),
                ],
            )
        )
        return (reference_line("x", 10) + points).properties(height=28 * len(variables) + 4)

    return figure(
        "balance",
        Text("匹配前后的平衡性", "Balance before and after matching"),
        context.study.text(
            "balance_line",
            Text(
                "虚线为 10%:低于它的协变量一般视为平衡。",
                "The dashed line is 10 percent, below which a covariate counts as balanced.",
            ),
        ),
        Text(
            "每项政策一幅图:各协变量匹配前以及各回归样本中的标准化偏差。",
            "One chart per policy: standardised bias of every covariate before matching and in the samples that are "
            "regressed.",
        ),
        lambda language: per_policy(context.study, rows, draw, language),
        rows,
        data=DataTable(
            (
                Text("政策", "Policy"),
                Text("变量", "Variable"),
                Text("阶段", "Stage"),
                Text("标准化偏差(%)", "Standardised bias (%)"),
            ),
            tuple(
                (
                    context.study.short(str(row["treatment"])),
                    context.study.label("row", row["variable"]),
                    context.study.label("stage", row["stage"]),
                    row["standardised_bias_percent"],
                )
                for row in rows
            ),
        ),
        sources=["matching_balance"],
        missing=found,
        names=context.study.identifiers,
    )


def bacon(context: Context) -> Figure:
    """Every two-by-two comparison with its weight."""
    found = context.effects("results.bacon_decomposition", "spec_id, comparison, treated_cohort, control_cohort")
    rows = [
        row for row in found if row["level"] == "pair" and row["estimate"] is not None and row["weight"] is not None
    ]
    total = {row["treatment"]: row["twfe_estimate"] for row in found if row["twfe_estimate"] is not None}
    comparisons = sorted({str(row["comparison"]) for row in rows})

    def draw(mine: list[Row], language: str) -> alt.TopLevelMixin:
        names = [context.study.label("comparison", comparison)[language] for comparison in comparisons]
        values = [
            {
                "weight": row["weight"],
                "estimate": row["estimate"],
                "comparison": context.study.label("comparison", row["comparison"])[language],
                "cohorts": f"{row['treated_cohort']} / {row['control_cohort'] or '∞'}",
            }
            for row in mine
        ]
        points = (
            alt.Chart(inline_data(values))
            .mark_point(filled=True, size=70, opacity=0.85)
            .encode(
                x=alt.X("weight:Q", title=Text("权重", "Weight")[language], axis=alt.Axis(tickCount=6)),
                y=alt.Y("estimate:Q", title=Text("2×2 估计", "2×2 estimate")[language]),
                color=alt.Color(
                    "comparison:N", title=None, scale=alt.Scale(domain=names), legend=alt.Legend(columns=1)
                ),
                shape=alt.Shape("comparison:N", title=None, scale=alt.Scale(domain=names)),
                tooltip=[
                    alt.Tooltip("comparison:N", title=Text("控制组", "control")[language]),
                    alt.Tooltip("cohorts:N", title=Text("处理组/控制组年份", "treated / control cohort")[language]),
                    alt.Tooltip("weight:Q", format=".4f", title=Text("权重", "weight")[language]),
                    alt.Tooltip("estimate:Q", format=".4f", title=Text("估计", "estimate")[language]),
                ],
            )
        )
        layers = reference_line("y", 0) + points
        estimate = total.get(mine[0]["treatment"])
        if estimate is not None:
            layers += alt.Chart(inline_data([{"estimate": estimate}])).mark_rule(style="actual").encode(y="estimate:Q")
        return layers.properties(height=230)

    return figure(
        "bacon",
        Text("Bacon 分解:权重与估计", "Goodman-Bacon: weight against estimate"),
        Text(
            "每点为一个 2×2 比较;橙线为加权合计,即不含控制变量的双向固定效应估计。",
            "Each mark is one two-by-two comparison; the orange line is the weighted total, the two-way "
            "fixed effects estimate without controls.",
        ),
        Text(
            "每项政策一幅图:横轴为权重,纵轴为 2×2 估计,按控制组类型着色。",
            "One chart per policy: weight on the horizontal, two-by-two estimate on the vertical axis, "
            "coloured by control group.",
        ),
        lambda language: per_policy(context.study, rows, draw, language),
        rows,
        data=DataTable(
            (
                Text("政策", "Policy"),
                Text("控制组", "Control group"),
                Text("处理组年份", "Treated cohort"),
                Text("控制组年份", "Control cohort"),
                Text("权重", "Weight"),
                Text("估计", "Estimate"),
            ),
            tuple(
                (
                    context.study.short(str(row["treatment"])),
                    context.study.label("comparison", row["comparison"]),
                    row["treated_cohort"],
                    row["control_cohort"],
                    row["weight"],
                    row["estimate"],
                )
                for row in rows
            ),
        ),
        sources=["bacon_decomposition"],
        missing=found,
        names=context.study.identifiers,
    )
