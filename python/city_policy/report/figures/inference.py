"""How sure the baseline effects are: kinds of inference side by side, and the cities that an effect hangs on."""

import math

import altair as alt

from city_policy.report.cells import IID, printed
from city_policy.report.database import Row
from city_policy.report.figures.chart import (
    DataTable,
    Figure,
    Spec,
    figure,
    inline_data,
    interval_tooltips,
    per_policy,
    policies_of,
    reference_line,
)
from city_policy.report.figures.context import Context
from city_policy.report.study import Text, same

# From the errors that ask most of the data to the tests that ask least.
METHODS = ("iid", "CRV1", "CRV3", "pairs_bootstrap", "wild_rademacher", "wild_webb", "randomisation")
# Cities that the figure shows for each policy.
SHOWN = 10


def p_words(row: Row, decimals: int) -> str:
    """A p value in words. Below the last digit, or below what the draws can tell, it is "< that"."""
    if row["p_value"] is None:
        return "—"
    # With no draw as extreme, p lies below one in their number.
    told = 1 / row["draws"] if row["p_value"] == 0 and row["draws"] else 0.0
    least = max(told, 10.0**-decimals)
    return f"< {least:.1g}" if row["p_value"] < least else printed(row["p_value"], decimals)


def inference(context: Context) -> Figure:
    """The baseline effect of each policy under every kind of standard error and test."""
    found = context.first_of_each(
        context.effects("results.robust_inference", "spec_id, method", "result = 'baseline_effects'")
    )
    places = {method: place for place, method in enumerate(METHODS)}
    rows = [row for row in found if row["estimate"] is not None and row["method"] in places]
    rows.sort(key=lambda row: (str(row["spec_id"]), places[str(row["method"])]))

    def draw(mine: list[Row], language: str) -> alt.TopLevelMixin:
        values = [
            {
                "name": context.study.label("inference", row["method"])[language],
                "estimate": row["estimate"],
                "low": row["ci_low"],
                "high": row["ci_high"],
                "error": row["std_error"],
                "p": p_words(row, 3),
                "kind": "iid" if row["method"] == IID else "other",
            }
            for row in mine
        ]
        names = [str(value["name"]) for value in values]
        base = alt.Chart(inline_data(values)).encode(
            y=alt.Y("name:N", sort=names, title=None, axis=alt.Axis(labelLimit=190)),
            color=alt.Color("kind:N", scale=alt.Scale(domain=["other", "iid"]), legend=None),
            tooltip=[
                alt.Tooltip("name:N", title=Text("方法", "method")[language]),
                *interval_tooltips(language),
                alt.Tooltip("error:Q", format=".4f", title=Text("标准误", "std. error")[language]),
                alt.Tooltip("p:N", title=Text("P 值", "p value")[language]),
            ],
        )
        title = Text("系数与 95% 区间", "Coefficient, 95% interval")[language]
        axis = alt.Axis(tickCount=4, format="~g", labelSeparation=6)
        intervals = (
            base.transform_filter("isValid(datum.low) && isValid(datum.high)")
            .mark_rule(strokeWidth=2)
            .encode(
                # The zero line keeps clear of the axis.
                x=alt.X("low:Q", title=title, axis=axis, scale=alt.Scale(padding=10, nice=False)),
                x2="high:Q",
            )
        )
        points = base.mark_point(filled=True, size=55, opacity=1).encode(x="estimate:Q")
        beside: Spec = {"style": "words", "align": "left", "dx": 6}
        words = (
            alt.Chart(inline_data([{"name": value["name"], "p": value["p"]} for value in values]))
            .mark_text(**beside)
            .encode(y=alt.Y("name:N", sort=names), x=alt.value("width"), text="p:N")
        )
        above = (
            alt.Chart(alt.Data(values=[{}]))
            .mark_text(**beside)
            .encode(x=alt.value("width"), y=alt.value(-6), text=alt.value(Text("P 值", "p value")[language]))
        )
        layers = reference_line("x", 0) + intervals + points + words + above
        return layers.properties(height=24 * len(names) + 4)

    return figure(
        "inference",
        Text("推断方法", "Kinds of inference"),
        Text(
            "点与横线:基准回归的系数与各方法的 95% 区间;右侧为 P 值。随机化检验只有 P 值。"
            "橙色的 iid 标准误忽略同一城市各年份相互关联,因而一般偏小;应读其下各行。",
            "Dots and lines: the baseline coefficient with the 95% interval of every method; p values on the right. "
            "Randomisation has a p value only. The orange iid errors ignore that a city's years hang together and are "
            "as a rule too small; read the rows below.",
        ),
        Text(
            "每项政策一幅图:每种推断方法一行,为同一系数及其区间与 P 值,零以虚线标出。",
            "One chart per policy: a row per kind of inference with the same coefficient, its interval and p value; "
            "a dashed line marks zero.",
        ),
        lambda language: per_policy(context.study, rows, draw, language),
        rows,
        data=DataTable(
            (
                Text("政策", "Policy"),
                Text("方法", "Method"),
                Text("估计", "Estimate"),
                Text("标准误", "Std. error"),
                Text("P 值", "p value"),
                Text("95% 下限", "95% low"),
                Text("95% 上限", "95% high"),
            ),
            tuple(
                (
                    context.study.short(str(row["treatment"])),
                    context.study.label("inference", row["method"]),
                    row["estimate"],
                    row["std_error"],
                    p_words(row, 4),
                    row["ci_low"],
                    row["ci_high"],
                )
                for row in rows
            ),
        ),
        sources=["robust_inference"],
        missing=found,
        names=context.study.identifiers,
    )


def influence(context: Context) -> Figure:
    """The cities without which an effect changes most."""
    found = context.first_of_each(context.effects("results.city_influence", "spec_id, influence_rank, adcode"))
    rows = [row for row in found if row["influence_rank"] is not None and row["influence_rank"] <= SHOWN]
    provinces = {
        str(row["adcode"]): Text(str(row["province_zh"]), str(row["province_en"] or row["province_zh"]))
        for row in context.cities()
        if row["province_zh"]
    }

    def city(row: Row) -> Text:
        return Text(str(row["city_name_zh"] or row["adcode"]), str(row["city_name_en"] or row["adcode"]))

    def province(row: Row) -> Text:
        return provinces.get(str(row["adcode"])) or same(row["province_zh"] or "—")

    signs = {True: Text("抬高系数", "raises the coefficient"), False: Text("压低系数", "lowers the coefficient")}

    def draw(mine: list[Row], language: str) -> alt.TopLevelMixin:
        values = [
            {
                "city": city(row)[language],
                "province": province(row)[language],
                "change": row["change"],
                "without": row["estimate_without"],
                "share": _share(row),
                "sign": signs[row["change"] > 0][language],
            }
            for row in mine
        ]
        names = [str(value["city"]) for value in values]
        title = Text("全部城市的系数 − 剔除该市的系数", "Coefficient: all cities − without this")[language]
        axis = alt.Axis(tickCount=4, format="~g", labelSeparation=6)
        bars = (
            alt.Chart(inline_data(values))
            .mark_bar(height={"band": 0.7})
            .encode(
                y=alt.Y("city:N", sort=names, title=None),
                x=alt.X("change:Q", title=title, axis=axis, scale=alt.Scale(padding=8, nice=False)),
                color=alt.Color(
                    "sign:N",
                    title=None,
                    scale=alt.Scale(domain=[sign[language] for sign in signs.values()]),
                    legend=alt.Legend(columns=1),
                ),
                tooltip=[
                    alt.Tooltip("city:N", title=Text("城市", "city")[language]),
                    alt.Tooltip("province:N", title=Text("省份", "province")[language]),
                    alt.Tooltip("change:Q", format="+.6f", title=Text("变化", "change")[language]),
                    alt.Tooltip("share:Q", format="+.1%", title=Text("占系数的比例", "share of it")[language]),
                    alt.Tooltip("without:Q", format=".6f", title=Text("剔除后的系数", "without it")[language]),
                ],
            )
        )
        return (bars + reference_line("x", 0)).properties(height=22 * len(names) + 4)

    said = [_without(context, row, share, city(row)) for row, share in _first_of_each(context, rows)]
    what = Text(
        f"每项政策剔除后系数变化最大的 {SHOWN} 个城市。",
        f"The {SHOWN} cities without which the coefficient changes most.",
    )
    if said:
        effects = Text(";".join(words.zh for words in said), "; that ".join(words.en for words in said))
        what = Text(f"{what.zh}{effects.zh}。", f"{what.en} The effect {effects.en}.")
    return figure(
        "influence",
        Text("影响最大的城市", "Cities that an effect hangs on"),
        what,
        Text(
            "每项政策一幅横条图:每个城市一条,长度为全部城市的系数与剔除该市后的系数之差,零以虚线标出。",
            "One bar chart per policy: a bar per city as long as the coefficient with all cities less that without "
            "this one; a dashed line marks zero.",
        ),
        lambda language: per_policy(context.study, rows, draw, language),
        rows,
        data=DataTable(
            (
                Text("政策", "Policy"),
                Text("城市", "City"),
                Text("省份", "Province"),
                Text("剔除后的系数", "Estimate without"),
                Text("变化", "Change"),
                Text("占系数的比例(%)", "Share of the estimate (%)"),
            ),
            tuple(
                (
                    context.study.short(str(row["treatment"])),
                    city(row),
                    province(row),
                    # Changes are small beside the coefficient: four digits would not tell them apart.
                    printed(row["estimate_without"], 6),
                    printed(row["change"], 6),
                    None if (share := _share(row)) is None else printed(100 * share, 1),
                )
                for row in rows
            ),
        ),
        sources=["city_influence", "marts.dim_city"],
        missing=found,
        names=context.study.identifiers,
    )


def _share(row: Row) -> float | None:
    """The change as a share of the coefficient, where there is one: a coefficient of zero has no share."""
    share = row["change_share"]
    return share if share is not None and math.isfinite(share) else None


def _first_of_each(context: Context, rows: list[Row]) -> list[tuple[Row, float]]:
    """The most influential city of every policy, with its share; ``rows`` are in the order of influence."""
    told = [(row, share) for row in rows if (share := _share(row)) is not None]
    policies = policies_of(context.study, [row for row, _ in told])
    return [next(pair for pair in told if pair[0]["treatment"] == policy) for policy in policies]


def _without(context: Context, row: Row, share: float, city: Text) -> Text:
    """What becomes of an effect without a city, in words."""
    policy = context.study.short(str(row["treatment"]))
    percent = f"{100 * abs(share):.1f}%"
    if share > 1:
        return Text(f"剔除{city.zh}后,{policy.zh}的效应变号", f"of {policy.en} changes its sign without {city.en}")
    return Text(
        f"剔除{city.zh}后,{policy.zh}的效应{'减小' if share > 0 else '增大'} {percent}",
        f"of {policy.en} is {percent} {'smaller' if share > 0 else 'larger'} without {city.en}",
    )
