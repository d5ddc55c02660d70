"""The effect by distance from the treated cities."""

import altair as alt

from city_policy.report.cells import CLUSTERED
from city_policy.report.database import Row
from city_policy.report.figures.chart import (
    DataTable,
    Figure,
    figure,
    inline_data,
    interval_tooltips,
    per_policy,
    reference_line,
)
from city_policy.report.figures.context import Context
from city_policy.report.kinds.space import term_name
from city_policy.report.study import Text

ERRORS = {CLUSTERED: Text("按城市聚类", "clustered by city"), "conley": Text("Conley,200 公里", "Conley, 200 km")}


def rings(context: Context) -> Figure:
    """One chart per policy: the effect on treated cities and on untreated ones by ring, with two intervals each."""
    found = context.first_of_each(
        context.effects(
            "results.spatial_spillovers",
            "spec_id, vcov, distance_from_km nulls first",
            "variant = 'rings' and sample = 'sample_full'",
        )
    )
    study = context.study
    rows = [row for row in found if row["estimate"] is not None]

    def draw(mine: list[Row], language: str) -> alt.TopLevelMixin:
        values = [
            {
                "place": _place(row)[language],
                "error": ERRORS[str(row["vcov"])][language],
                "estimate": row["estimate"],
                "low": row["ci_low"],
                "high": row["ci_high"],
            }
            for row in mine
        ]
        places = list(dict.fromkeys(str(value["place"]) for value in values))
        errors = [text[language] for text in ERRORS.values()]
        base = alt.Chart(inline_data(values)).encode(
            x=alt.X(
                "place:N",
                sort=places,
                scale=alt.Scale(domain=places),
                title=Text("与最近试点城市的距离(公里)", "Kilometres from the nearest treated city")[language],
                axis=alt.Axis(labelAngle=0),
            ),
            xOffset=alt.XOffset("error:N", sort=errors, scale=alt.Scale(domain=errors)),
            color=alt.Color("error:N", title=None, sort=errors, scale=alt.Scale(domain=errors)),
            tooltip=[
                alt.Tooltip("place:N", title=Text("距离", "distance")[language]),
                alt.Tooltip("error:N", title=Text("标准误", "standard error")[language]),
                *interval_tooltips(language),
            ],
        )
        intervals = base.mark_rule(strokeWidth=2).encode(
            y=alt.Y("low:Q", title=Text("效应与 95% 区间", "Effect, 95% interval")[language]), y2="high:Q"
        )
        points = base.mark_point(filled=True, size=45, opacity=1).encode(y="estimate:Q")
        return (reference_line("y", 0) + intervals + points).properties(height=220)

    return figure(
        "rings",
        Text("按距离的效应", "Effects by distance"),
        Text(
            "试点城市的效应,以及未试点的城市—年份按最近试点城市的距离分圈的效应,以 400 公里之外的未试点城市为对照。"
            "距离圈的系数也可能来自区域性冲击。",
            "The effect on treated cities, and on untreated city-years by the distance of the nearest treated city, "
            "against untreated ones beyond 400 km. A ring may also show a shock of the region.",
        ),
        Text(
            "每项政策一幅图:最左为试点城市的效应,往右为由近到远各距离圈的效应及 95% 区间,零以虚线标出。",
            "One chart per policy: on the left the effect on treated cities, to the right that of each ring from near "
            "to far, with 95 % intervals; a dashed line marks zero.",
        ),
        lambda language: per_policy(study, rows, draw, language),
        rows,
        data=DataTable(
            (
                Text("政策", "Policy"),
                Text("城市", "Cities"),
                Text("标准误", "Standard error"),
                Text("估计", "Estimate"),
                Text("95% 下限", "95% low"),
                Text("95% 上限", "95% high"),
                Text("城市—年份", "City-years"),
            ),
            tuple(
                (
                    study.short(str(row["treatment"])),
                    term_name(row),
                    ERRORS[str(row["vcov"])],
                    row["estimate"],
                    row["ci_low"],
                    row["ci_high"],
                    row["n_city_years"],
                )
                for row in rows
            ),
        ),
        sources=["spatial_spillovers"],
        missing=found,
        names=study.identifiers,
    )


def _place(row: Row) -> Text:
    if row["distance_to_km"] is None:
        return Text("试点城市", "treated")
    distance = f"{row['distance_from_km']:.0f}–{row['distance_to_km']:.0f}"
    return Text(distance, distance)
