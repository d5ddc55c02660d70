"""The specification curve: all effects in order of size, and how far each choice moves them."""

import altair as alt

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
from city_policy.report.study import Study, Text, joined

# Points that a chart shows; a curve of more regressions shows every so many of them, and the main one always.
SHOWN = 160
STANDARD = Text("效应(标准差)", "Effect (standard deviations)")


def option_name(study: Study, choice: str, option: str) -> Text:
    """An option in words: a label, or the name of a sample or of a control that is left out."""
    if choice == "sample":
        return study.label("column", option)
    if option.startswith("without "):
        left_out = study.label("row", study.variable(option.removeprefix("without ")))
        word = study.label("option", "without")
        return Text(f"{word.zh}{left_out.zh}", f"{word.en} {left_out.en[:1].lower() + left_out.en[1:]}")
    return study.label("option", option)


def tests_in_words(study: Study, tests: list[Row]) -> Text:
    """The joint tests of all policies, one after the other."""
    said = []
    known = [row for row in tests if row["median"] is not None and row["treatment"] in study.policies]
    for row in sorted(known, key=lambda row: study.policies.index(str(row["treatment"]))):
        name = study.short(str(row["treatment"]))
        counted = f"{row['n_regressions']:,}"
        said.append(
            Text(
                f"{name.zh}:{counted} 个回归,中位数 {row['median']:.3f},显著且同号 "
                f"{100 * row['significant_share']:.0f}%,联合检验 P 值 {row['median_p_value']:.3f}",
                f"{name.en}: {counted} regressions, median {row['median']:.3f}, "
                f"{100 * row['significant_share']:.0f} % significant with its sign, joint p value "
                f"{row['median_p_value']:.3f}",
            )
        )
    words = joined(said, ";", "; ")
    return Text(f"{words.zh}。", f"{words.en[:1].upper()}{words.en[1:]}.") if said else Text("", "")


def specification_curve(context: Context) -> Figure:
    """All effects of a policy in order of size."""
    found = context.effects("results.specification_curve", "spec_id, place")
    tests = context.effects("results.specification_curve_test", "spec_id")
    drawn = [row for row in found if row["estimate"] is not None]
    counts: dict[object, int] = {}
    for row in drawn:
        counts[row["spec_id"]] = counts.get(row["spec_id"], 0) + 1
    rows = [row for row in drawn if row["is_main"] or row["place"] % max(1, counts[row["spec_id"]] // SHOWN) == 0]
    kinds = {
        True: Text("本研究的设定", "the study's own choices"),
        False: Text("其他设定", "other choices"),
    }

    def draw(mine: list[Row], language: str) -> alt.TopLevelMixin:
        values = [
            {
                "place": row["place"],
                "estimate": row["estimate"],
                "low": row["ci_low"],
                "high": row["ci_high"],
                "kind": kinds[bool(row["is_main"])][language],
            }
            for row in mine
        ]
        order = [kinds[False][language], kinds[True][language]]
        base = alt.Chart(inline_data(values)).encode(
            x=alt.X(
                "place:Q",
                title=Text("设定,按效应大小排列", "Specifications in order of effect")[language],
                axis=alt.Axis(tickCount=5, format="d"),
                scale=alt.Scale(nice=False, padding=4),
            ),
            color=alt.Color("kind:N", title=None, sort=order, scale=alt.Scale(domain=order)),
            tooltip=[alt.Tooltip("place:Q", title=Text("位次", "place")[language]), *interval_tooltips(language)],
        )
        intervals = base.mark_rule(strokeWidth=1.5, opacity=0.35).encode(
            y=alt.Y("low:Q", title=STANDARD[language]), y2="high:Q"
        )
        points = base.mark_point(filled=True, opacity=1, strokeWidth=0).encode(
            y="estimate:Q",
            size=alt.Size("kind:N", sort=order, scale=alt.Scale(domain=order, range=[12, 90]), legend=None),
        )
        return (reference_line("y", 0) + intervals + points).properties(height=230)

    caption = Text(
        "每个点是一种指数、控制变量、样本与估计方法的组合,单位为被解释变量的标准差,竖线为城市聚类 95% 区间。"
        "联合检验把起始年份随机分配给城市。",
        "Every point is one combination of index, controls, sample and estimator, in standard deviations of the "
        "outcome, with its clustered 95% interval. The joint test deals start years to the cities at random.",
    )
    said = tests_in_words(context.study, tests)
    if said:
        caption = Text(caption.zh + said.zh, f"{caption.en} {said.en}")
    return figure(
        "specification_curve",
        Text("设定曲线", "Specification curve"),
        caption,
        Text(
            "每项政策一幅图:所有设定下的效应由小到大排列,本研究自己的设定单独标出,零以虚线标出。",
            "One chart per policy: the effects of all specifications from small to large, the study's own marked; a "
            "dashed line is zero.",
        ),
        lambda language: per_policy(context.study, rows, draw, language),
        rows,
        data=DataTable(
            (
                Text("政策", "Policy"),
                Text("回归数", "Regressions"),
                Text("最小", "Smallest"),
                Text("中位数", "Median"),
                Text("最大", "Largest"),
                Text("中位数的 P 值", "p value of the median"),
            ),
            tuple(
                (
                    context.study.short(str(row["treatment"])),
                    row["n_regressions"],
                    row["lowest"],
                    row["median"],
                    row["highest"],
                    row["median_p_value"],
                )
                for row in tests
            ),
        ),
        sources=["specification_curve", "specification_curve_test"],
        missing=tests,
        names=context.study.identifiers,
    )


def specification_choices(context: Context) -> Figure:
    """How far the effect of a policy moves with each choice."""
    rows = context.effects("results.specification_choices", "spec_id, share_of_variance desc, choice, option")
    study = context.study

    def name(row: Row) -> Text:
        choice = study.label("choice", row["choice"])
        option = option_name(study, str(row["choice"]), str(row["option"]))
        return Text(f"{choice.zh}:{option.zh}", f"{choice.en}: {option.en}")

    def draw(mine: list[Row], language: str) -> alt.TopLevelMixin:
        values = [
            {
                "name": wrapped(name(row)[language]),
                "estimate": row["mean_estimate"],
                "low": row["lowest"],
                "high": row["highest"],
                "share": row["share_of_variance"],
            }
            for row in mine
        ]
        names = [str(value["name"]) for value in values]
        base = alt.Chart(inline_data(values)).encode(
            y=alt.Y("name:N", sort=names, title=None, axis=alt.Axis(labelLimit=230, labelExpr=LINES)),
            tooltip=[
                alt.Tooltip("name:N", title=Text("选择", "choice")[language]),
                alt.Tooltip("estimate:Q", format=".3f", title=Text("平均", "mean")[language]),
                alt.Tooltip("low:Q", format=".3f", title=Text("最小", "smallest")[language]),
                alt.Tooltip("high:Q", format=".3f", title=Text("最大", "largest")[language]),
                alt.Tooltip("share:Q", format=".0%", title=Text("占差异的比例", "share of the spread")[language]),
            ],
        )
        ranges = base.mark_rule(strokeWidth=2).encode(
            x=alt.X("low:Q", title=STANDARD[language], axis=alt.Axis(tickCount=5)), x2="high:Q", color=FIRST
        )
        points = base.mark_point(filled=True, size=45, opacity=1).encode(x="estimate:Q", color=FIRST)
        step = 28 if any("\n" in one for one in names) else 18
        return (reference_line("x", 0) + ranges + points).properties(height=step * len(names) + 4)

    largest: dict[str, Row] = {}
    known = [row for row in rows if row["treatment"] in study.policies]
    for row in sorted(known, key=lambda row: study.policies.index(str(row["treatment"]))):
        largest.setdefault(str(row["treatment"]), row)
    said = joined(
        (
            Text(
                f"{study.short(policy).zh}:{study.label('choice', row['choice']).zh}占效应差异的 "
                f"{100 * (row['share_of_variance'] or 0):.0f}%",
                f"{study.short(policy).en}: {study.label('choice', row['choice']).en}, "
                f"{100 * (row['share_of_variance'] or 0):.0f} % of the spread",
            )
            for policy, row in largest.items()
        ),
        ";",
        "; ",
    )
    return figure(
        "specification_choices",
        Text("哪些选择影响效应", "Which choices move the effect"),
        Text(
            f"点为取该选项的全部回归的平均效应,横线为其最小到最大;影响大的选择在上。最有影响的选择:{said.zh}。",
            "Dots: mean effect of all regressions with an option; lines: from the smallest to the largest. Choices "
            f"that move the effect most stand on top. The first: {said.en}.",
        ),
        Text(
            "每项政策一幅图:各选项下效应的平均与范围,零以虚线标出。",
            "One chart per policy: mean and range of the effect under every option; a dashed line marks zero.",
        ),
        lambda language: per_policy(study, rows, draw, language),
        rows,
        data=DataTable(
            (
                Text("政策", "Policy"),
                Text("选择", "Choice"),
                Text("平均", "Mean"),
                Text("最小", "Smallest"),
                Text("最大", "Largest"),
                Text("占差异的比例", "Share of the spread"),
            ),
            tuple(
                (
                    study.short(str(row["treatment"])),
                    name(row),
                    row["mean_estimate"],
                    row["lowest"],
                    row["highest"],
                    row["share_of_variance"],
                )
                for row in rows
            ),
        ),
        sources=["specification_choices"],
        names=study.identifiers,
    )
