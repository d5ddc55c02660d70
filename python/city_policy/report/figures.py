"""The report's figures as Vega-Lite charts, one specification per language, with alternative texts and a data table.

A figure is one or more charts side by side. Colours and line widths that depend on light or dark come from the
configuration (``THEMES``), so that one specification serves both.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
from altair.utils.schemapi import debug_mode

from city_policy.report.database import Database, Row
from city_policy.report.study import LANGUAGES, Study, Text, same
from city_policy.report.tables import CLUSTERED, IID

Spec = dict[str, Any]

FONT = "system-ui, -apple-system, 'Segoe UI', 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif"
# Okabe and Ito's colours, which people with colour blindness tell apart; lighter on dark ground.
PALETTE = {
    "light": ["#0072B2", "#D55E00", "#007A5A", "#9C4A7C", "#8A6A00", "#4A4A4A"],
    "dark": ["#56B4E9", "#F28E4B", "#2FC299", "#DD92BC", "#E6C229", "#BFBFBF"],
}
GROUND = {"light": "#ffffff", "dark": "#161a20"}
INK = {"light": "#1c2128", "dark": "#e6e9ee"}
QUIET = {"light": "#5b6470", "dark": "#a3adba"}
LINE = {"light": "#d5dae1", "dark": "#39414d"}
LAND = {"light": "#e3e6ea", "dark": "#333a45"}


def theme(name: str) -> Spec:
    """Vega-Lite configuration of ``light`` or ``dark``."""
    axis = {
        "labelColor": INK[name],
        "titleColor": INK[name],
        "gridColor": LINE[name],
        "domainColor": QUIET[name],
        "tickColor": QUIET[name],
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "labelLimit": 260,
    }
    return {
        "background": "transparent",
        "font": FONT,
        "axis": axis,
        "legend": {
            "labelColor": INK[name],
            "titleColor": INK[name],
            "orient": "bottom",
            "columns": 3,
            "labelLimit": 240,
            "titleFontWeight": "normal",
            "titleLimit": 300,
        },
        "title": {"color": INK[name], "fontSize": 13, "fontWeight": 600, "anchor": "start"},
        "view": {"stroke": None},
        "range": {
            "category": PALETTE[name],
            "heatmap": {"scheme": "viridis"},
            "ramp": {"scheme": "viridis"},
        },
        "params": [{"name": "land", "value": LAND[name]}],
        "scale": {"invalid": {"color": {"value": LAND[name]}}},
        "style": {
            "reference": {"color": QUIET[name], "stroke": QUIET[name], "strokeDash": [4, 3], "strokeWidth": 1},
            "actual": {"color": PALETTE[name][1], "stroke": PALETTE[name][1], "strokeWidth": 2},
            "unit": {"stroke": GROUND[name], "strokeWidth": 0.3},
            "border": {"stroke": QUIET[name], "strokeWidth": 0.5, "filled": False},
            "maritime": {"stroke": QUIET[name], "strokeWidth": 1.2, "filled": False},
            "printed": {"stroke": INK[name], "strokeWidth": 1.2},
            "words": {"fill": INK[name], "fontSize": 11},
        },
    }


@dataclass(frozen=True)
class DataTable:
    """A figure's data in words: headings, and rows of text or numbers."""

    headings: tuple[Text, ...]
    rows: tuple[tuple[object, ...], ...]


@dataclass(frozen=True)
class Figure:
    """``charts``: language -> Vega-Lite specifications, side by side; a map has a third, ``both``, whose picture is
    heavy and therefore stored once. ``alternative``: what a figure shows, in words.

    ``wide``: the chart takes the whole width of the page. ``message``: why there is nothing to draw.
    """

    key: str
    title: Text
    caption: Text
    alternative: Text
    charts: Mapping[str, Sequence[Spec]]
    data: DataTable | None = None
    wide: bool = False
    sources: tuple[str, ...] = ()
    message: Text | None = None
    number: int | None = None

    @property
    def heading(self) -> Text:
        """The title, with the figure's number in the paper."""
        if self.number is None:
            return self.title
        return Text(f"图 {self.number} {self.title.zh}", f"Figure {self.number}. {self.title.en}")


def rounded(value: object, digits: int = 6) -> object:
    """A float shortened, so that the page carries no digits that nobody sees; others as they are."""
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value


def _data(rows: Sequence[Mapping[str, object]]) -> alt.Data:
    return alt.Data(values=[{name: rounded(value) for name, value in row.items()} for row in rows])


def _spec(chart: alt.TopLevelMixin, alternative: str) -> Spec:
    """The specification as plain data, filling its container's width."""
    spec = chart.to_dict(validate=False)
    spec.pop("config", None)
    spec["description"] = alternative
    spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    return spec


def _rule(channel: str, value: float) -> alt.Chart:
    encoding = {channel: alt.datum(value)}
    return alt.Chart(alt.Data(values=[{}])).mark_rule(style="reference").encode(**encoding)


class Figures:
    """All figures of one database."""

    def __init__(self, database: Database, study: Study) -> None:
        self.database = database
        self.study = study

    def _figure(
        self,
        key: str,
        title: Text,
        caption: Text,
        alternative: Text,
        draw: Callable[[str], list[alt.TopLevelMixin]],
        rows: Sequence[object],
        *,
        data: DataTable | None = None,
        wide: bool = False,
        sources: Sequence[str] = (),
        missing: Sequence[Row] = (),
        number: int | None = None,
        is_map: bool = False,
    ) -> Figure:
        """A figure drawn in both languages; without rows a sentence in place of it."""
        reasons = list(dict.fromkeys(str(row["message"]) for row in missing if row.get("message")))
        message = None
        if not rows:
            text = " ".join(reasons)
            message = Text(f"这次构建没有可画的数据。{text}", f"This build has nothing to draw here. {text}".strip())
        # Altair checks every data row against its schema, which takes longer than drawing all figures.
        with debug_mode(False):
            charts = {
                language: [_spec(chart, alternative[language]) for chart in draw(language)] if rows else []
                for language in (*LANGUAGES, *(["both"] if is_map else []))
            }
        tables = tuple(f"results.{name}" if "." not in name else name for name in sources)
        return Figure(key, title, caption, alternative, charts, data if rows else None, wide, tables, message, number)

    def _per_policy(
        self, rows: Sequence[Row], draw: Callable[[list[Row], str], alt.TopLevelMixin], language: str
    ) -> list[alt.TopLevelMixin]:
        """One chart per policy of the study that has rows, titled with its name."""
        charts = []
        for policy in self._policies(rows):
            mine = [row for row in rows if row["treatment"] == policy]
            charts.append(
                draw(mine, language).properties(title=self.study.label("row", policy)[language], width="container")
            )
        return charts

    def _policies(self, rows: Sequence[Row]) -> list[str]:
        present = {str(row["treatment"]) for row in rows}
        return [policy for policy in self.study.policies if policy in present]

    def without_maps(self) -> list[Figure]:
        """Every figure but the maps; the recovery only where something was planted."""
        figures = [
            self.cohorts(),
            self.panel_view(),
            self.event_study(),
            self.coefficients(),
            self.placebo(),
            self.balance(),
            self.bacon(),
            self.scorecard(),
        ]
        if self.study.simulated and self.database.has("results.recovery"):
            figures.append(self.recovery())
        return figures

    def event_study(self) -> Figure:
        """Figure 1."""
        found = self.database.rows("results.event_study", "spec_id, vcov desc, event_time")
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
            base = alt.Chart(_data(values)).encode(
                x=alt.X(
                    "time:Q",
                    title=Text("相对试点的年份", "Years since the pilot")[language],
                    axis=alt.Axis(tickMinStep=1, format="d"),
                ),
                tooltip=[
                    alt.Tooltip("end:N", title=Text("年份", "year")[language]),
                    alt.Tooltip("estimate:Q", format=".4f", title=Text("估计", "estimate")[language]),
                    alt.Tooltip("low:Q", format=".4f", title=Text("95% 下限", "95% low")[language]),
                    alt.Tooltip("high:Q", format=".4f", title=Text("95% 上限", "95% high")[language]),
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
                opacity=alt.Opacity(
                    "errors:N", sort=order, scale=alt.Scale(domain=order, range=[1, 0.45]), legend=None
                ),
            )
            points = (
                base.transform_filter(alt.datum.errors == order[0])
                .mark_point(filled=True, size=45, opacity=1)
                .encode(y="estimate:Q", color=colour)
            )
            return (_rule("y", 0) + _rule("x", -0.5) + intervals + points).properties(height=230)

        clustered = [row for row in rows if row["vcov"] == CLUSTERED]
        pretrend = {
            str(row["treatment"]): row["pretrend_p_value"] for row in clustered if row["pretrend_p_value"] is not None
        }
        said = "; ".join(f"{self.study.short(policy).en} {pretrend[policy]:.3f}" for policy in pretrend)
        said_zh = ";".join(f"{self.study.short(policy).zh} {pretrend[policy]:.3f}" for policy in pretrend)
        return self._figure(
            "event_study",
            self.study.label("figure", 1),
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
            lambda language: self._per_policy(rows, draw, language),
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
                        self.study.short(str(row["treatment"])),
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

    def placebo(self) -> Figure:
        """Figure 2."""
        draws = self.database.rows("results.placebo_draws", "spec_id, draw")
        tests = self.database.rows("results.placebo_test", "spec_id")
        actual = {row["treatment"]: row for row in tests if row["estimate"] is not None}

        def draw(mine: list[Row], language: str) -> alt.TopLevelMixin:
            values = [{"estimate": row["estimate"]} for row in mine if row["estimate"] is not None]
            title = Text("伪政策系数", "Coefficient of the pseudo policy")[language]
            density = (
                alt.Chart(_data(values))
                .transform_density("estimate", as_=["estimate", "density"], steps=120)
                .mark_area(opacity=0.35, line=True)
                .encode(
                    x=alt.X("estimate:Q", title=title),
                    y=alt.Y("density:Q", title=Text("核密度", "Density")[language]),
                    color=alt.value(PALETTE["light"][0]),
                )
            )
            ticks = (
                alt.Chart(_data(values))
                .mark_tick(opacity=0.35, height=8)
                .encode(
                    x="estimate:Q", y=alt.value(224), tooltip=[alt.Tooltip("estimate:Q", format=".4f", title=title)]
                )
            )
            layers = _rule("x", 0) + density + ticks
            test = actual.get(mine[0]["treatment"])
            if test:
                words = Text("真实估计", "actual estimate")[language]
                layers += (
                    alt.Chart(_data([{"estimate": test["estimate"]}]))
                    .mark_rule(style="actual")
                    .encode(x="estimate:Q", tooltip=[alt.Tooltip("estimate:Q", format=".4f", title=words)])
                )
            return layers.properties(height=230)

        p_values = [
            (str(row["treatment"]), row["randomisation_p_value_of_t"])
            for row in tests
            if row["randomisation_p_value_of_t"] is not None
        ]
        said_zh = ";".join(f"{self.study.short(policy).zh} {p:.3f}" for policy, p in p_values)
        said = "; ".join(f"{self.study.short(policy).en} {p:.3f}" for policy, p in p_values)
        number = max((row["n_draws"] or 0 for row in tests), default=0)
        return self._figure(
            "placebo",
            self.study.label("figure", 2),
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
            lambda language: self._per_policy(draws, draw, language),
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
                        self.study.short(str(row["treatment"])),
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

    def coefficients(self) -> Figure:
        """The effect of each policy across specifications, ours beside the printed."""
        results = ("baseline_effects", "robustness_effects", "instrumental_variable")
        found = [
            row
            for row in self.database.rows(
                "results.coefficient_comparison", "spec_id, vcov, term", f"vcov = '{CLUSTERED}'"
            )
            if row["result"] in results and row["term"] == row["treatment"]
        ]
        # The instrument that is too weak to say anything would stretch the axis; Table 4 has it.
        found = [row for row in found if not str(row["spec_id"]).startswith("instrument_relief_year")]
        found += [
            row | {"published_estimate": None}
            for row in self.database.rows("results.heterogeneity_robust_effects", "spec_id, vcov")
            if row["event_time"] is None
        ]
        order = {"baseline_effects": 0, "robustness_effects": 2, "instrumental_variable": 3}
        found.sort(
            key=lambda row: (order.get(str(row.get("result")), 1), str(row.get("panel") or ""), str(row["spec_id"]))
        )
        rows = [row for row in found if row["estimate"] is not None]

        def name(row: Row) -> Text:
            base = str(row["spec_id"]).removesuffix(f"_{row['treatment']}")
            label = self.study.label("specification", base)
            return label if label.zh != base else self.study.label("estimator", row["estimator"])

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
            base = alt.Chart(_data(values)).encode(
                y=alt.Y("name:N", sort=names, title=None, axis=alt.Axis(labelLimit=190)),
                tooltip=[
                    alt.Tooltip("name:N", title=Text("设定", "specification")[language]),
                    alt.Tooltip("estimate:Q", format=".4f", title=Text("估计", "estimate")[language]),
                    alt.Tooltip("low:Q", format=".4f", title=Text("95% 下限", "95% low")[language]),
                    alt.Tooltip("high:Q", format=".4f", title=Text("95% 上限", "95% high")[language]),
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
            return (_rule("x", 0) + intervals + points + printed).properties(height=24 * len(names) + 4)

        return self._figure(
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
            lambda language: self._per_policy(rows, draw, language),
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
                        self.study.short(str(row["treatment"])),
                        name(row),
                        row["estimate"],
                        row["ci_low"],
                        row["ci_high"],
                        row["published_estimate"],
                    )
                    for row in rows
                ),
            ),
            sources=["coefficient_comparison", "heterogeneity_robust_effects"],
            missing=found,
        )

    def balance(self) -> Figure:
        """Standardised bias of the covariates before and after matching."""
        found = self.database.rows("results.matching_balance", "spec_id, stage, variable")
        rows = [row for row in found if row["standardised_bias_percent"] is not None]
        stages = ["before", "common_support", "matched"]
        variables = [variable for variable in self.study.controls if any(row["variable"] == variable for row in rows)]
        variables += sorted({str(row["variable"]) for row in rows} - set(variables))

        def draw(mine: list[Row], language: str) -> alt.TopLevelMixin:
            stage_names = [self.study.label("stage", stage)[language] for stage in stages]
            values = [
                {
                    "variable": self.study.label("row", row["variable"])[language],
                    "bias": abs(row["standardised_bias_percent"]),
                    "stage": self.study.label("stage", row["stage"])[language],
                }
                for row in mine
            ]
            title = Text("标准化偏差的绝对值(%)", "Absolute standardised bias (%)")[language]
            points = (
                alt.Chart(_data(values))
                .mark_point(filled=True, size=70, opacity=0.9)
                .encode(
                    y=alt.Y(
                        "variable:N",
                        title=None,
                        sort=[self.study.label("row", variable)[language] for variable in variables],
                    ),
                    x=alt.X("bias:Q", title=title, scale=alt.Scale(domainMin=0)),
                    color=alt.Color("stage:N", title=None, scale=alt.Scale(domain=stage_names)),
                    shape=alt.Shape("stage:N", title=None, scale=alt.Scale(domain=stage_names)),
                    tooltip=[
                        alt.Tooltip("variable:N", title=Text("变量", "variable")[language]),
                        alt.Tooltip("stage:N", title=Text("阶段", "stage")[language]),
                        alt.Tooltip("bias:Q", format=".1f", title=title),
                    ],
                )
            )
            return (_rule("x", 10) + points).properties(height=28 * len(variables) + 4)

        return self._figure(
            "balance",
            Text("匹配前后的平衡性", "Balance before and after matching"),
            Text(
                "虚线为 10%:论文以此判断匹配是否理想。",
                "The dashed line is 10 percent, below which the paper calls a match satisfactory.",
            ),
            Text(
                "每项政策一幅图:各协变量匹配前、共同支撑域与匹配后的标准化偏差。",
                "One chart per policy: standardised bias of every covariate before matching, on common support "
                "and after.",
            ),
            lambda language: self._per_policy(rows, draw, language),
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
                        self.study.short(str(row["treatment"])),
                        self.study.label("row", row["variable"]),
                        self.study.label("stage", row["stage"]),
                        row["standardised_bias_percent"],
                    )
                    for row in rows
                ),
            ),
            sources=["matching_balance"],
            missing=found,
        )

    def bacon(self) -> Figure:
        """Every two-by-two comparison with its weight."""
        found = self.database.rows("results.bacon_decomposition", "spec_id, comparison, treated_cohort, control_cohort")
        rows = [
            row for row in found if row["level"] == "pair" and row["estimate"] is not None and row["weight"] is not None
        ]
        total = {row["treatment"]: row["twfe_estimate"] for row in found if row["twfe_estimate"] is not None}
        comparisons = sorted({str(row["comparison"]) for row in rows})

        def draw(mine: list[Row], language: str) -> alt.TopLevelMixin:
            names = [self.study.label("comparison", comparison)[language] for comparison in comparisons]
            values = [
                {
                    "weight": row["weight"],
                    "estimate": row["estimate"],
                    "comparison": self.study.label("comparison", row["comparison"])[language],
                    "cohorts": f"{row['treated_cohort']} / {row['control_cohort'] or '∞'}",
                }
                for row in mine
            ]
            points = (
                alt.Chart(_data(values))
                .mark_point(filled=True, size=70, opacity=0.85)
                .encode(
                    x=alt.X("weight:Q", title=Text("权重", "Weight")[language]),
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
            layers = _rule("y", 0) + points
            estimate = total.get(mine[0]["treatment"])
            if estimate is not None:
                layers += alt.Chart(_data([{"estimate": estimate}])).mark_rule(style="actual").encode(y="estimate:Q")
            return layers.properties(height=230)

        return self._figure(
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
            lambda language: self._per_policy(rows, draw, language),
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
                        self.study.short(str(row["treatment"])),
                        self.study.label("comparison", row["comparison"]),
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
        )

    def _cities(self) -> list[Row]:
        return self.database.rows("marts.dim_city", "adcode")

    def _first_years(self) -> dict[tuple[str, str], int]:
        return {
            (str(row["adcode"]), str(row["policy_id"])): int(row["first_treated_year"])
            for row in self.database.rows(
                "marts.fct_city_policy", "adcode, policy_id", "first_treated_year is not null"
            )
        }

    def cohorts(self) -> Figure:
        """How many cities started when, by region."""
        cities = {str(row["adcode"]): row for row in self._cities() if row["in_sample"]}
        counts: dict[tuple[str, int, str], int] = {}
        for (adcode, policy), year in self._first_years().items():
            if adcode in cities and policy in self.study.policies:
                key = (policy, year, str(cities[adcode]["region"]))
                counts[key] = counts.get(key, 0) + 1
        rows = [
            {"treatment": policy, "year": year, "region": region, "cities": number}
            for (policy, year, region), number in sorted(counts.items())
        ]
        regions = [region for region in ("east", "central", "west") if any(row["region"] == region for row in rows)]
        regions += sorted({str(row["region"]) for row in rows} - set(regions))

        def draw(mine: list[Row], language: str) -> alt.TopLevelMixin:
            names = [self.study.label("region", region)[language] for region in regions]
            values = [row | {"region": self.study.label("region", row["region"])[language]} for row in mine]
            return (
                alt.Chart(_data(values))
                .mark_bar()
                .encode(
                    x=alt.X(
                        "year:O",
                        title=Text("首次试点年份", "First treated year")[language],
                        axis=alt.Axis(labelAngle=0),
                    ),
                    y=alt.Y("sum(cities):Q", title=Text("城市数", "Cities")[language]),
                    color=alt.Color("region:N", title=None, scale=alt.Scale(domain=names)),
                    tooltip=[
                        alt.Tooltip("year:O", title=Text("年份", "year")[language]),
                        alt.Tooltip("region:N", title=Text("地区", "region")[language]),
                        alt.Tooltip("cities:Q", title=Text("城市数", "cities")[language]),
                    ],
                )
                .properties(height=200)
            )

        return self._figure(
            "cohorts",
            Text("试点批次的构成", "Composition of the cohorts"),
            Text("样本城市按首次试点年份与地区计数。", "Sample cities by first treated year and region."),
            Text(
                "每项政策一幅图:每个首次试点年份的城市数,按东中西部堆叠。",
                "One chart per policy: number of cities per first treated year, stacked by region.",
            ),
            lambda language: self._per_policy(rows, draw, language),
            rows,
            data=DataTable(
                (Text("政策", "Policy"), Text("年份", "Year"), Text("地区", "Region"), Text("城市数", "Cities")),
                tuple(
                    (
                        self.study.short(str(row["treatment"])),
                        row["year"],
                        self.study.label("region", row["region"]),
                        row["cities"],
                    )
                    for row in rows
                ),
            ),
            sources=["marts.fct_city_policy", "marts.dim_city"],
        )

    def panel_view(self) -> Figure:
        """Which city is treated by what in which year."""
        found = self.database.rows("marts.fct_city_year", "adcode, year", "in_sample")
        names = {str(row["adcode"]): Text(str(row["city_name_zh"]), str(row["city_name_en"])) for row in self._cities()}
        by_city: dict[str, list[tuple[int, str]]] = {}
        for row in found:
            status = "dual" if row["dual"] else "bcs" if row["bcs"] else "iic" if row["iic"] else "none"
            by_city.setdefault(str(row["adcode"]), []).append((int(row["year"]), status))
        # Cities of one history lie together: the earliest treated on top.
        order = sorted(
            by_city,
            key=lambda adcode: (
                next((year for year, s in by_city[adcode] if s != "none"), 9999),
                [s for _, s in by_city[adcode]],
                adcode,
            ),
        )
        segments: list[Row] = []
        for place, adcode in enumerate(order):
            for year, status in by_city[adcode]:
                if segments and segments[-1]["place"] == place and segments[-1]["status"] == status:
                    segments[-1]["end"] = year + 1
                else:
                    segments.append(
                        {
                            "place": place,
                            "below": place + 1,
                            "adcode": adcode,
                            "status": status,
                            "start": year,
                            "end": year + 1,
                        }
                    )
        statuses = ["none", "bcs", "iic", "dual"]

        def draw(language: str) -> list[alt.TopLevelMixin]:
            values = [
                {
                    "place": row["place"],
                    "below": row["below"],
                    "start": row["start"],
                    "end": row["end"],
                    "city": names[str(row["adcode"])][language],
                    "status": self.study.label("status", row["status"])[language],
                    "last": row["end"] - 1,
                }
                for row in segments
            ]
            chart = (
                alt.Chart(_data(values))
                .mark_rect()
                .encode(
                    x=alt.X(
                        "start:Q",
                        title=Text("年份", "Year")[language],
                        scale=alt.Scale(zero=False, nice=False),
                        axis=alt.Axis(format="d", tickMinStep=1),
                    ),
                    x2="end:Q",
                    y=alt.Y(
                        "place:Q",
                        title=Text("样本城市,每行一个", "Sample cities, one per row")[language],
                        axis=alt.Axis(labels=False, ticks=False, grid=False),
                        scale=alt.Scale(reverse=True, nice=False),
                    ),
                    y2="below:Q",
                    color=alt.Color(
                        "status:N",
                        title=None,
                        scale=alt.Scale(
                            domain=[self.study.label("status", status)[language] for status in statuses],
                            range=["#c3cad4", *PALETTE["dark"][:2], "#7a3b68"],
                        ),
                    ),
                    tooltip=[
                        alt.Tooltip("city:N", title=Text("城市", "city")[language]),
                        alt.Tooltip("status:N", title=Text("状态", "status")[language]),
                        alt.Tooltip("start:Q", format="d", title=Text("自", "from")[language]),
                        alt.Tooltip("last:Q", format="d", title=Text("至", "to")[language]),
                    ],
                )
                .properties(height=440, width="container")
            )
            return [chart]

        return self._figure(
            "panel_view",
            Text("试点时间的面板视图", "Treatment timing in the panel"),
            Text(
                "每行一个样本城市,按首次试点年份排列。", "One row per sample city, ordered by its first treated year."
            ),
            Text(
                "城市与年份的矩阵:灰色为未试点,彩色为一种或两种试点。",
                "A matrix of cities and years: grey before any pilot, coloured with one or both.",
            ),
            draw,
            segments,
            wide=True,
            sources=["marts.fct_city_year"],
        )

    def scorecard(self) -> Figure:
        """Distance of our coefficients from the printed ones, in printed standard errors."""
        found = self.database.rows("results.replication_scorecard", "check_id", "kind = 'coefficient'")
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
            order = list(
                dict.fromkeys(str(value["table"]) for value in sorted(values, key=lambda value: value["number"]))
            )
            points = (
                alt.Chart(_data(values))
                .mark_point(filled=True, size=60, opacity=0.65)
                .encode(
                    y=alt.Y("table:N", sort=order, title=None),
                    x=alt.X(
                        "distance:Q",
                        scale=alt.Scale(domain=[-limit, limit]),
                        title=Text("(本次 − 论文)÷ 论文的标准误", "(ours − paper) ÷ the paper's standard error")[
                            language
                        ],
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
            chart = (_rule("x", -2) + _rule("x", 2) + points).properties(height=26 * len(order) + 4, width="container")
            return [chart]

        return self._figure(
            "scorecard",
            Text("系数与论文的距离", "Distance of the coefficients from the paper"),
            Text(
                "虚线为两个标准误;距离超过 8 的点画在边上。",
                "Dashed lines at two standard errors; marks farther than 8 stand at the edge.",
            ),
            Text(
                "每张表一行:各系数与论文印出值之差,以论文的标准误计。",
                "One row per table: difference of every coefficient from the printed one, in the paper's "
                "standard errors.",
            ),
            draw,
            rows,
            wide=True,
            sources=["replication_scorecard"],
        )

    def recovery(self) -> Figure:
        """What was planted into the simulated yearbook beside what is estimated."""
        found = self.database.rows("results.recovery", "spec_id, planted_group, event_time")
        rows = [
            row
            for row in found
            if row["estimate"] is not None and row["planted_effect"] is not None and row["event_time"] is None
        ]

        def draw(language: str) -> list[alt.TopLevelMixin]:
            policies = [policy for policy in self.study.policies if any(row["treatment"] == policy for row in rows)]
            names = [self.study.short(policy)[language] for policy in policies]
            values = [
                {
                    "planted": row["planted_effect"],
                    "estimate": row["estimate"],
                    "low": row["estimate"] - 1.96 * (row["std_error"] or 0),
                    "high": row["estimate"] + 1.96 * (row["std_error"] or 0),
                    "policy": self.study.short(str(row["treatment"]))[language],
                    "specification": str(row["spec_id"]),
                }
                for row in rows
            ]
            base = alt.Chart(_data(values)).encode(
                x=alt.X("planted:Q", title=Text("植入的效应", "Planted effect")[language]),
                color=alt.Color("policy:N", title=None, scale=alt.Scale(domain=names)),
                tooltip=[
                    alt.Tooltip("specification:N", title=Text("设定", "specification")[language]),
                    alt.Tooltip("planted:Q", format=".4f", title=Text("植入", "planted")[language]),
                    alt.Tooltip("estimate:Q", format=".4f", title=Text("估计", "estimate")[language]),
                ],
            )
            largest = max(max(float(value["planted"]), 0.0) for value in values)
            diagonal = (
                alt.Chart(_data([{"at": 0.0}, {"at": largest}])).mark_line(style="reference").encode(x="at:Q", y="at:Q")
            )
            intervals = base.mark_rule(opacity=0.45).encode(
                y=alt.Y("low:Q", title=Text("估计与 95% 区间", "Estimate, 95% interval")[language]), y2="high:Q"
            )
            points = base.mark_point(filled=True, size=60, opacity=0.9).encode(
                y="estimate:Q", shape=alt.Shape("policy:N", title=None, scale=alt.Scale(domain=names))
            )
            return [(diagonal + intervals + points).properties(height=320, width="container")]

        return self._figure(
            "recovery",
            Text("植入与估计", "Planted and estimated"),
            Text(
                "示例年鉴是模拟的,因此真值已知。点落在虚线上表示估计等于植入的效应;区间按城市聚类。",
                "The demo yearbook is simulated, so the truth is known. A mark on the dashed line estimates what "
                "was planted; intervals are clustered by city.",
            ),
            Text(
                "散点图:横轴为植入的效应,纵轴为估计及其区间,对角线以虚线标出。",
                "Scatter: planted effect on the horizontal, estimate with interval on the vertical axis, the "
                "diagonal dashed.",
            ),
            draw,
            rows,
            wide=True,
            sources=["recovery"],
        )

    # -- maps ----------------------------------------------------------------------------------------------------

    def _map(self, coloured: alt.Chart) -> alt.TopLevelMixin:
        """The units, grey where there is no value, then borders of provinces, coast and the maritime line."""

        def layer(feature: str, style: str) -> alt.Chart:
            data = alt.Data(values=OUTLINES, format=alt.TopoDataFormat(type="topojson", feature=feature))
            return alt.Chart(data).mark_geoshape(style=style, filled=False)

        chart = coloured + layer("provinces", "border") + layer("maritime", "maritime")
        return chart.project(type="identity", reflectY=True).properties(height=540, width="container")

    def _units(self, values: Sequence[Row], fields: Sequence[str]) -> alt.Chart:
        data = alt.Data(values=OUTLINES, format=alt.TopoDataFormat(type="topojson", feature="units"))
        return (
            alt.Chart(data)
            .mark_geoshape(style="unit", invalid=None)
            .transform_lookup("id", alt.LookupData(_data(values), key="adcode", fields=["city", *fields]))
        )

    def _classes(self, values: Sequence[float], digits: int) -> alt.Scale:
        """Seven classes with breaks at quantiles, because a few cities lie far above the rest."""
        ordered = sorted(values)
        breaks = sorted(
            {round(ordered[int(share * (len(ordered) - 1))], digits) for share in (0.05, 0.2, 0.4, 0.6, 0.8, 0.95)}
        )
        colours = VIRIDIS[: len(breaks) + 1]
        return alt.Scale(type="threshold", domain=breaks, range=colours)

    def maps(self) -> list[Figure]:
        """Index level in a year, its change, first treated year, and the order of the pilots; the outlines are put in
        by ``with_outlines``.
        """
        names = {str(row["adcode"]): Text(str(row["city_name_zh"]), str(row["city_name_en"])) for row in self._cities()}
        levels: dict[str, dict[int, float]] = {}
        for row in self.database.rows("marts.fct_city_year", "adcode, year", "nqp is not null"):
            levels.setdefault(str(row["adcode"]), {})[int(row["year"])] = row["nqp"]
        return [
            self._level_map(levels, names),
            self._change_map(levels, names),
            self._timing_map(names),
            self._order_map(names),
        ]

    def _level_map(self, levels: dict[str, dict[int, float]], names: dict[str, Text]) -> Figure:
        years = sorted({year for by_year in levels.values() for year in by_year})
        pooled = [value for by_year in levels.values() for value in by_year.values()]

        def draw(language: str) -> list[alt.TopLevelMixin]:
            values = [
                {"adcode": adcode, "city": names[adcode][language]}
                | {f"y{year}": value for year, value in by_year.items()}
                for adcode, by_year in sorted(levels.items())
            ]
            # A study of single years, such as every third edition, steps over the years between.
            options = alt.binding_select(options=years, name=Text("年份 ", "Year ")[language])
            year = alt.param(name="year", value=years[-1], bind=options)
            units = (
                self._units(values, [f"y{year}" for year in years])
                .transform_calculate(level="datum['y' + year]")
                .encode(
                    color=_or_land(
                        "level",
                        alt.Color(
                            "level:Q",
                            scale=self._classes(pooled, 3),
                            title=Text("新质生产力指数", "Index of new quality productive forces")[language],
                            legend=alt.Legend(gradientLength=320),
                        ),
                    ),
                    tooltip=[
                        alt.Tooltip("city:N", title=Text("城市", "city")[language]),
                        alt.Tooltip("level:Q", format=".4f", title=Text("指数", "index")[language]),
                    ],
                )
            )
            return [self._map(units).add_params(year)]

        last = years[-1] if years else ""
        return self._figure(
            "map_level",
            Text("新质生产力水平", "Level of new quality productive forces"),
            Text(
                f"可选年份,图示 {last} 年;灰色地区没有指数值。分级按各年合并的分位数。",
                f"The year can be chosen; shown first: {last}. Grey areas have no value. Classes by quantiles "
                f"pooled over the years.",
            ),
            Text(
                "中国地级行政区地图,按指数水平着色;灰色为无值地区,含港澳台与海上界线。",
                "Map of China's prefectures coloured by the level of the index; grey where there is no value; "
                "with Hong Kong, Macao, Taiwan and the maritime line.",
            ),
            draw,
            pooled,
            data=DataTable(
                (Text("城市", "City"), *(same(year) for year in years)),
                tuple(
                    (names[adcode], *(by_year.get(year) for year in years))
                    for adcode, by_year in sorted(levels.items())
                ),
            ),
            wide=True,
            is_map=True,
            sources=["marts.fct_city_year"],
        )

    def _change_map(self, levels: dict[str, dict[int, float]], names: dict[str, Text]) -> Figure:
        years = sorted({year for by_year in levels.values() for year in by_year})
        first, last = (years[0], years[-1]) if years else (0, 0)
        changes = {
            adcode: by_year[last] - by_year[first]
            for adcode, by_year in sorted(levels.items())
            if first in by_year and last in by_year and first != last
        }

        def draw(language: str) -> list[alt.TopLevelMixin]:
            values = [
                {"adcode": adcode, "city": names[adcode][language], "change": change}
                for adcode, change in changes.items()
            ]
            units = self._units(values, ["change"]).encode(
                color=_or_land(
                    "change",
                    alt.Color(
                        "change:Q",
                        scale=self._classes(list(changes.values()), 3),
                        title=Text(f"{first}—{last} 年的变化", f"Change {first} to {last}")[language],
                        legend=alt.Legend(gradientLength=320),
                    ),
                ),
                tooltip=[
                    alt.Tooltip("city:N", title=Text("城市", "city")[language]),
                    alt.Tooltip("change:Q", format="+.4f", title=Text("变化", "change")[language]),
                ],
            )
            return [self._map(units)]

        return self._figure(
            "map_change",
            Text("新质生产力的变化", "Change of new quality productive forces"),
            Text(f"{last} 年减 {first} 年;分级按分位数。", f"{last} less {first}; classes by quantiles."),
            Text(
                "中国地级行政区地图,按首末年之间指数的变化着色;灰色为无值地区。",
                "Map of China's prefectures coloured by the change of the index between the first and the last "
                "year; grey where there is no value.",
            ),
            draw,
            list(changes),
            data=DataTable(
                (Text("城市", "City"), Text("变化", "Change")),
                tuple((names[adcode], change) for adcode, change in changes.items()),
            ),
            wide=True,
            is_map=True,
            sources=["marts.fct_city_year"],
        )

    def _timing_map(self, names: dict[str, Text]) -> Figure:
        starts: dict[str, dict[str, int]] = {}
        for (adcode, policy), year in self._first_years().items():
            if policy in self.study.policies:
                starts.setdefault(adcode, {})[policy] = year
        years = sorted({year for by_policy in starts.values() for year in by_policy.values()})

        def draw(language: str) -> list[alt.TopLevelMixin]:
            values = [
                {"adcode": adcode, "city": names[adcode][language]} | by_policy
                for adcode, by_policy in sorted(starts.items())
            ]
            labels = [self.study.label("row", policy)[language] for policy in self.study.policies]
            options = alt.binding_select(
                options=self.study.policies, labels=labels, name=Text("政策 ", "Policy ")[language]
            )
            policy = alt.param(name="policy", value=self.study.policies[0], bind=options)
            units = (
                self._units(values, self.study.policies)
                .transform_calculate(start="datum[policy]")
                .encode(
                    color=_or_land(
                        "start",
                        alt.Color(
                            "start:O",
                            scale=alt.Scale(domain=years, range=_spread(VIRIDIS, len(years))),
                            title=Text("首次试点年份", "First treated year")[language],
                            legend=alt.Legend(columns=7),
                        ),
                    ),
                    tooltip=[
                        alt.Tooltip("city:N", title=Text("城市", "city")[language]),
                        alt.Tooltip("start:O", title=Text("首次试点年份", "first treated year")[language]),
                    ],
                )
            )
            return [self._map(units).add_params(policy)]

        first = self.study.label("row", self.study.policies[0]) if self.study.policies else same("")
        return self._figure(
            "map_timing",
            Text("试点时间", "Treatment timing"),
            Text(
                f"可选政策,图示{first.zh};灰色为没有试点。",
                f"The policy can be chosen; shown first: {first.en}. Grey: no pilot.",
            ),
            Text(
                "中国地级行政区地图,按首次试点年份着色;灰色为没有试点。",
                "Map of China's prefectures coloured by the first treated year; grey without a pilot.",
            ),
            draw,
            list(starts),
            data=DataTable(
                (Text("城市", "City"), *(self.study.short(policy) for policy in self.study.policies)),
                tuple(
                    (names[adcode], *(by_policy.get(policy) for policy in self.study.policies))
                    for adcode, by_policy in sorted(starts.items())
                ),
            ),
            wide=True,
            is_map=True,
            sources=["marts.fct_city_policy"],
        )

    def _order_map(self, names: dict[str, Text]) -> Figure:
        groups = ["bcs_only", "iic_only", "bcs_first", "iic_first", "same_year"]
        rows = [
            {
                "adcode": str(row["adcode"]),
                "group": str(row["dual_order"] if row["pilot_group"] == "dual" else row["pilot_group"]),
            }
            for row in self._cities()
            if row["pilot_group"] not in (None, "never")
        ]

        def draw(language: str) -> list[alt.TopLevelMixin]:
            labels = [self.study.label("group", group)[language] for group in groups]
            values = [
                {
                    "adcode": row["adcode"],
                    "city": names[row["adcode"]][language],
                    "group": self.study.label("group", row["group"])[language],
                }
                for row in rows
            ]
            units = self._units(values, ["group"]).encode(
                color=_or_land(
                    "group",
                    alt.Color(
                        "group:N",
                        title=None,
                        scale=alt.Scale(domain=labels, range=[*PALETTE["dark"][:2], "#1d7f5f", "#b5488c", "#c9a800"]),
                    ),
                ),
                tooltip=[
                    alt.Tooltip("city:N", title=Text("城市", "city")[language]),
                    alt.Tooltip("group:N", title=Text("试点", "pilots")[language]),
                ],
            )
            return [self._map(units)]

        return self._figure(
            "map_order",
            Text("单试点、双试点与实施顺序", "Single pilots, both pilots, and their order"),
            Text("灰色为没有试点。", "Grey: no pilot."),
            Text(
                "中国地级行政区地图,按单试点、双试点及其先后着色;灰色为没有试点。",
                "Map of China's prefectures coloured by single pilot, both pilots and which came first; grey "
                "without a pilot.",
            ),
            draw,
            rows,
            data=DataTable(
                (Text("城市", "City"), Text("试点", "Pilots")),
                tuple((names[row["adcode"]], self.study.label("group", row["group"])) for row in rows),
            ),
            wide=True,
            is_map=True,
            sources=["marts.dim_city"],
        )


# Stands in a specification where the outlines belong, so that the page carries them once.
OUTLINES = {"outlines": True}
# Viridis (van der Walt and Smith, 2015) in seven steps, without its darkest end, which vanishes on dark ground.
VIRIDIS = ["#46327e", "#365c8d", "#277f8e", "#1fa187", "#4ac16d", "#a0da39", "#fde725"]


def _or_land(field: str, colour: alt.Color) -> Any:
    """A colour where the unit has a value, the colour of land elsewhere: what has no value must not vanish."""
    return alt.condition(f"isValid(datum.{field})", colour, alt.value(alt.expr("land")))


def _spread(colours: Sequence[str], number: int) -> list[str]:
    """``number`` colours spread over the whole range."""
    if number <= 1:
        return [colours[len(colours) // 2]]
    return [colours[round(place * (len(colours) - 1) / (number - 1))] for place in range(number)]


def _signed_distance(row: Row) -> float:
    """Distance in printed standard errors, negative when ours is smaller."""
    sign = -1.0 if (row["difference"] or 0) < 0 else 1.0
    return sign * abs(row["distance_in_published_std_errors"])


def with_outlines(spec: Any, topology: dict | None) -> Any:
    """A specification with the outlines in place of their stand-in."""
    if spec == OUTLINES:
        return topology
    if isinstance(spec, dict):
        return {key: with_outlines(value, topology) for key, value in spec.items()}
    if isinstance(spec, list):
        return [with_outlines(value, topology) for value in spec]
    return spec
