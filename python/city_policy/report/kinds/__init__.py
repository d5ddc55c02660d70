"""The kinds of tables: for every result a function that lays its rows out as panels."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from city_policy.report.database import Row
from city_policy.report.kinds.comparisons import (
    bacon,
    event_study,
    group_differences,
    hypotheses,
    placebo,
    robust_estimators,
)
from city_policy.report.kinds.description import index_weights, summary_statistics
from city_policy.report.kinds.instruments import instruments
from city_policy.report.kinds.mechanisms import mechanisms
from city_policy.report.kinds.regressions import baseline, grouped, robustness, synergy
from city_policy.report.kinds.sensitivity import parallel_trends
from city_policy.report.kinds.space import spatial_errors, spillovers
from city_policy.report.kinds.tools import Draft, Tools
from city_policy.report.study import Text


class Kind(NamedTuple):
    """A title for a study that gives none, and the function that builds the table from the rows of its result."""

    title: Text
    build: Callable[[Tools, list[Row]], Draft]
    # Without a list of its own a study has these tables, in this order.
    is_default: bool = True


KINDS = {
    "index_weights": Kind(Text("指标体系与权重", "Indicators and weights of the index"), index_weights),
    "summary_statistics": Kind(Text("主要变量描述性统计", "Summary statistics"), summary_statistics),
    "parallel_trends_sensitivity": Kind(
        Text("平行趋势假定的敏感性", "Sensitivity to parallel trends"), parallel_trends
    ),
    "baseline_effects": Kind(Text("基准回归结果", "Baseline estimates"), baseline),
    "instrumental_variable": Kind(Text("工具变量估计结果", "Instrumental variable estimates"), instruments),
    "robustness_effects": Kind(Text("稳健性检验结果", "Robustness checks"), robustness),
    "bacon_decomposition": Kind(Text("Bacon 分解结果", "Goodman-Bacon decomposition"), bacon),
    "synergy_effects": Kind(Text("政策协同效应", "Synergy of the policies"), synergy),
    "mediation_effects": Kind(Text("机制检验结果", "Mechanisms"), mechanisms),
    "order_effects": Kind(
        Text("政策实施顺序", "Order of the policies"),
        partial(grouped, result="order_effects", p_label="order_difference_p"),
    ),
    "heterogeneous_effects": Kind(
        Text("异质性分析结果", "Heterogeneity"),
        partial(grouped, result="heterogeneous_effects", p_label="group_difference_p"),
    ),
    "heterogeneity_robust_effects": Kind(Text("异质稳健估计结果", "Heterogeneity-robust estimates"), robust_estimators),
    "multiple_hypotheses": Kind(Text("多重检验", "Many hypotheses"), hypotheses),
    "spatial_inference": Kind(Text("空间标准误", "Spatial standard errors"), spatial_errors),
    "spatial_spillovers": Kind(Text("空间溢出", "Spatial spillovers"), spillovers),
    "event_study": Kind(Text("事件研究结果", "Event study"), event_study, is_default=False),
    "placebo_test": Kind(Text("安慰剂检验结果", "Placebo test"), placebo, is_default=False),
    "group_differences": Kind(Text("组间系数差异", "Differences between groups"), group_differences, is_default=False),
}
