"""Estimates beside what they should be: the paper's coefficients, and the true effects in the demo yearbook."""

import altair as alt

from city_policy.report.database import Row
from city_policy.report.figures.chart import Figure, figure, inline_data, reference_line
from city_policy.report.figures.context import Context
from city_policy.report.study import Text


def scorecard(context: Context) -> Figure:
    """Distance of our coefficients from the printed ones, in printed standard errors."""
    found = context.database.rows("replication.replication_scorecard", "check_id", "kind = 'coefficient'")
    rows = [row for row in found if row["distance_in_published_std_errors"] is not None]

    def draw(language: str) -> list[alt.TopLevelMixin]:
        within = Text("两个标准误以内", "within two standard errors")[language]
        beyond = Text("更远", "farther")[language]
        slip = Text("论文自身的笔误", "a slip of the paper")[language]
        limit = 8.0
        values = [
            {
                "table": Text(f"表 {row['table_no']}", f"Table {row['table_no']}")[language],
                "number": int(str(row["table_no"])),
                "subject": str(row["subject"]),
                "distance": max(-limit, min(limit, _signed_distance(row))),
                "exact": _signed_distance(row),
                "ours": row["our_value"],
                "printed": row["published_value"],
                "verdict": slip if row["is_slip_of_the_paper"] else within if row["agrees"] else beyond,
            }
            for row in rows
        ]
        order = list(dict.fromkeys(str(value["table"]) for value in sorted(values, key=lambda value: value["number"])))
        points = (
            alt.Chart(inline_data(values))
            .mark_point(filled=True, size=60, opacity=0.65)
            .encode(
                y=alt.Y("table:N", sort=order, title=None),
                x=alt.X(
                    "distance:Q",
                    scale=alt.Scale(domain=[-limit, limit]),
                    title=Text("(本次 − 论文)÷ 论文的标准误", "(ours − paper) ÷ the paper's standard error")[language],
                ),
                color=alt.Color("verdict:N", title=None, scale=alt.Scale(domain=[within, beyond, slip])),
                shape=alt.Shape("verdict:N", title=None, scale=alt.Scale(domain=[within, beyond, slip])),
                tooltip=[
                    alt.Tooltip("table:N", title=Text("表", "table")[language]),
                    alt.Tooltip("subject:N", title=Text("系数", "coefficient")[language]),
                    alt.Tooltip("ours:Q", format=".4f", title=Text("本次", "ours")[language]),
                    alt.Tooltip("printed:Q", format=".4f", title=Text("论文", "paper")[language]),
                    alt.Tooltip("exact:Q", format=".2f", title=Text("距离", "distance")[language]),
                ],
            )
        )
        chart = (reference_line("x", -2) + reference_line("x", 2) + points).properties(
            height=26 * len(order) + 4, width="container"
        )
        return [chart]

    return figure(
        "scorecard",
        Text("系数与论文的距离", "Distance of the coefficients from the paper"),
        Text(
            "虚线为两个标准误;距离超过 8 的点画在边上。",
            "Dashed lines at two standard errors; marks farther than 8 stand at the edge.",
        ),
        Text(
            "每张表一行:各系数与论文印出值之差,以论文的标准误计。",
            "One row per table: difference of every coefficient from the printed one, in the paper's standard errors.",
        ),
        draw,
        rows,
        wide=True,
        sources=["replication.replication_scorecard"],
    )


def recovery(context: Context) -> Figure:
    """True effects in the simulated yearbook beside the estimates."""
    found = context.database.rows("replication.recovery", "spec_id, treated_group, event_time")
    rows = [
        row
        for row in found
        if row["estimate"] is not None and row["true_effect"] is not None and row["event_time"] is None
    ]

    def draw(language: str) -> list[alt.TopLevelMixin]:
        policies = [policy for policy in context.study.policies if any(row["treatment"] == policy for row in rows)]
        names = [context.study.short(policy)[language] for policy in policies]
        values = [
            {
                "true": row["true_effect"],
                "estimate": row["estimate"],
                "low": row["estimate"] - 1.96 * (row["std_error"] or 0),
                "high": row["estimate"] + 1.96 * (row["std_error"] or 0),
                "policy": context.study.short(str(row["treatment"]))[language],
                "specification": str(row["spec_id"]),
            }
            for row in rows
        ]
        base = alt.Chart(inline_data(values)).encode(
            x=alt.X("true:Q", title=Text("真实效应", "True effect")[language]),
            color=alt.Color("policy:N", title=None, scale=alt.Scale(domain=names)),
            tooltip=[
                alt.Tooltip("specification:N", title=Text("设定", "specification")[language]),
                alt.Tooltip("true:Q", format=".4f", title=Text("真值", "true")[language]),
                alt.Tooltip("estimate:Q", format=".4f", title=Text("估计", "estimate")[language]),
            ],
        )
        largest = max(max(float(value["true"]), 0.0) for value in values)
        diagonal = (
            alt.Chart(inline_data([{"at": 0.0}, {"at": largest}]))
            .mark_line(style="reference")
            .encode(x="at:Q", y="at:Q")
        )
        intervals = base.mark_rule(opacity=0.45).encode(
            y=alt.Y("low:Q", title=Text("估计与 95% 区间", "Estimate, 95% interval")[language]), y2="high:Q"
        )
        points = base.mark_point(filled=True, size=60, opacity=0.9).encode(
            y="estimate:Q", shape=alt.Shape("policy:N", title=None, scale=alt.Scale(domain=names))
        )
        return [(diagonal + intervals + points).properties(height=320, width="container")]

    return figure(
        "recovery",
        Text("真实效应与估计", "True effects and estimates"),
        Text(
            "示例年鉴是模拟的,因此真值已知。点落在虚线上表示估计等于真实效应;区间按城市聚类。",
            "The demo yearbook is simulated, so the truth is known. A mark on the dashed line is an estimate "
            "equal to the true effect; intervals are clustered by city.",
        ),
        Text(
            "散点图:横轴为真实效应,纵轴为估计及其区间,对角线以虚线标出。",
            "Scatter: true effect on the horizontal, estimate with interval on the vertical axis, the diagonal dashed.",
        ),
        draw,
        rows,
        wide=True,
        sources=["replication.recovery"],
    )


def _signed_distance(row: Row) -> float:
    """Distance in printed standard errors, negative when ours is smaller."""
    sign = -1.0 if (row["difference"] or 0) < 0 else 1.0
    return sign * abs(row["distance_in_published_std_errors"])
