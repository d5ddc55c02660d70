"""The first effect when parallel trends fail by more and more."""

import altair as alt

from city_policy.report.cells import printed
from city_policy.report.database import Row
from city_policy.report.figures.chart import (
    DataTable,
    Figure,
    figure,
    inline_data,
    per_policy,
    policies_of,
    reference_line,
)
from city_policy.report.figures.context import Context
from city_policy.report.kinds.sensitivity import RELATIVE_MAGNITUDES, breakdown_words
from city_policy.report.study import Text, joined, same

ORIGINAL = Text("原区间", "original")


def sensitivity(context: Context) -> Figure:
    """Intervals of the first effect under relative magnitudes, one colour per estimator, the original one first."""
    found = context.effects("results.parallel_trends_sensitivity", "spec_id, bound", "sample = 'sample_full'")
    study = context.study
    rows = [row for row in found if row["restriction"] == RELATIVE_MAGNITUDES and row["parameter"] == "first_effect"]
    place = {name: number for number, name in enumerate(study.specifications)}
    rows.sort(key=lambda row: (place.get(study.specification(row), len(place)), str(row["spec_id"]), row["bound"]))

    def estimator(row: Row) -> Text:
        return study.label("estimator", row["variant"])

    def draw(mine: list[Row], language: str) -> alt.TopLevelMixin:
        words = ORIGINAL[language]
        values = []
        for row in mine:
            shared = {"estimator": estimator(row)[language], "estimate": row["estimate"]}
            if row["bound"] == 0:
                values.append(shared | {"bound": words, "low": row["ci_low"], "high": row["ci_high"]})
            robust = {"low": row["robust_ci_low"], "high": row["robust_ci_high"]}
            values.append(shared | {"bound": _number(row["bound"])} | robust)
        order = list(dict.fromkeys(str(value["estimator"]) for value in values))
        bounds = [words, *(_number(bound) for bound in sorted({row["bound"] for row in mine}))]
        # Three names side by side are wider than a chart.
        legend = alt.Legend(columns=2)
        colour = alt.Color("estimator:N", title=None, sort=order, scale=alt.Scale(domain=order), legend=legend)
        base = alt.Chart(inline_data(values)).encode(
            x=alt.X(
                "bound:N",
                sort=bounds,
                scale=alt.Scale(domain=bounds),
                title=Text("趋势差异的界限(相对实施前最大者的倍数)", "Bound, times the largest step before")[language],
                axis=alt.Axis(labelAngle=0),
            ),
            xOffset=alt.XOffset("estimator:N", sort=order, scale=alt.Scale(domain=order)),
            color=colour,
            tooltip=[
                alt.Tooltip("estimator:N", title=Text("估计方法", "estimator")[language]),
                alt.Tooltip("bound:N", title=Text("界限", "bound")[language]),
                alt.Tooltip("low:Q", format=".4f", title=Text("95% 下限", "95% low")[language]),
                alt.Tooltip("high:Q", format=".4f", title=Text("95% 上限", "95% high")[language]),
            ],
        )
        intervals = base.mark_rule(strokeWidth=2.5).encode(
            y=alt.Y("low:Q", title=Text("当年效应的 95% 区间", "First effect, 95% interval")[language]), y2="high:Q"
        )
        points = (
            base.transform_filter(alt.datum.bound == words)
            .mark_point(filled=True, size=45, opacity=1)
            .encode(y="estimate:Q")
        )
        return (reference_line("y", 0) + intervals + points).properties(height=230)

    return figure(
        "sensitivity",
        Text("平行趋势假定的敏感性", "Sensitivity to parallel trends"),
        _caption(context, rows),
        Text(
            "每项政策一幅图:最左为平行趋势下的区间,往右为趋势差异的界限逐步放宽时的区间,颜色表示估计方法,零以虚线标出。",
            "One chart per policy: on the left the interval under parallel trends, to the right those under wider and "
            "wider bounds, one colour per estimator; a dashed line marks zero.",
        ),
        lambda language: per_policy(study, rows, draw, language),
        rows,
        data=DataTable(
            (
                Text("政策", "Policy"),
                Text("估计方法", "Estimator"),
                Text("界限", "Bound"),
                Text("估计", "Estimate"),
                Text("95% 下限", "95% low"),
                Text("95% 上限", "95% high"),
                Text("临界值", "Breakdown value"),
            ),
            tuple(
                (
                    study.short(str(row["treatment"])),
                    estimator(row),
                    row["bound"],
                    row["estimate"],
                    row["robust_ci_low"],
                    row["robust_ci_high"],
                    breakdown_words(row),
                )
                for row in rows
            ),
        ),
        sources=["parallel_trends_sensitivity"],
        missing=found,
        names=study.identifiers,
    )


def _number(bound: float) -> str:
    return printed(bound, 2).rstrip("0").rstrip(".")


def _caption(context: Context, rows: list[Row]) -> Text:
    """What is bounded, and the breakdown values of every policy."""
    study = context.study
    told = []
    for policy in policies_of(study, rows):
        values = {study.label("estimator", row["variant"]): row for row in rows if row["treatment"] == policy}
        said = joined(
            (
                Text(f"{name.zh} {breakdown_words(row).zh}", f"{name.en} {breakdown_words(row).en}")
                for name, row in values.items()
            ),
            "、",
            ", ",
        )
        short = same("") if len(study.policies) == 1 else study.short(policy)
        told.append(Text(f"{short.zh}:{said.zh}".removeprefix(":"), f"{short.en}: {said.en}".removeprefix(": ")))
    caption = Text(
        "政策实施后逐年的趋势差异不超过实施前最大者的若干倍;点为估计值。",
        "After the start trends differ from year to year by at most so many times the largest such step before it; "
        "dots are estimates.",
    )
    if not told:
        return caption
    values_said = joined(told, ";", "; ")
    return Text(
        f"{caption.zh}临界值(使区间不含零的最大界限):{values_said.zh}。",
        f"{caption.en} Breakdown values (the largest bound without zero in the interval): {values_said.en}.",
    )
