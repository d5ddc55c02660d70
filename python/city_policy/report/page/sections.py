"""The sections of the page: which tables and figures stand where, and none without content."""

from collections.abc import Callable, Collection, Sequence, Set
from dataclasses import dataclass

from city_policy.report.cells import PaperTable
from city_policy.report.study import Study, Text


@dataclass(frozen=True)
class Block:
    """One part of a section: ``kind`` is table, figure or the name of a part of the template; ``key``: which."""

    kind: str
    key: object = None


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it."""

    key: str
    title: Text
    blocks: tuple[Block, ...]


# Per section its parts in order; a name with a colon is a table (of a result) or a figure, another one a part of the
# page that is neither.
PLAN: dict[str, tuple[str, ...]] = {
    "index": (
        "table:index_weights", "table:summary_statistics", "no_maps", "figure:map_level", "figure:map_change",
    ),
    "inputs": ("inputs",),
    "treatment": ("figure:cohorts", "figure:panel_view", "figure:map_timing", "figure:map_order"),
    "baseline": (
        "figure:event_study", "table:event_study", "figure:sensitivity", "table:parallel_trends_sensitivity",
        "table:baseline_effects", "figure:coefficients", "figure:inference", "figure:influence",
    ),
    "robustness": (
        "table:instrumental_variable", "figure:placebo", "table:placebo_test", "table:robustness_effects",
        "figure:balance", "table:bacon_decomposition", "figure:bacon",
    ),
    "synergy": ("table:synergy_effects",),
    "mechanisms": ("table:mediation_effects",),
    "heterogeneity": (
        "table:order_effects", "table:heterogeneous_effects", "table:group_differences",
        "table:heterogeneity_robust_effects", "figure:estimators",
    ),
    "regressions": ("table:regressions",),
    "credibility": (
        "table:multiple_hypotheses", "table:spatial_inference", "figure:rings", "table:spatial_spillovers",
        "figure:specification_curve", "figure:specification_choices",
    ),
    "scorecard": ("summary", "figure:scorecard"),
    "recovery": ("figure:recovery",),
    "audit": ("audit",),
    "soundness": ("soundness",),
}  # fmt: skip


def sections_of(
    study: Study, tables: Sequence[PaperTable], figures: Collection[str], parts: Collection[str]
) -> list[Section]:
    """The sections that hold something. ``figures``: keys of the figures drawn; ``parts``: other parts with content."""
    results = {table.result for table in tables}
    found = []
    for key, plan in PLAN.items():
        blocks: list[Block] = []
        for name in plan:
            kind, _, which = name.partition(":")
            if kind == "table":
                blocks += [Block("table", table) for table in tables if table.result == which]
            elif kind == "figure":
                blocks += [Block("figure", which)] if which in figures else []
            elif kind in parts:
                blocks.append(Block(kind))
        if blocks:
            # A study without index has data all the same.
            name = "data" if key == "index" and not study.has_index else key
            found.append(Section(name, _TITLES[key](study, results), tuple(blocks)))
    return found


def _always(zh: str, en: str) -> Callable[[Study, Set[str]], Text]:
    return lambda study, results: Text(zh, en)


def _heterogeneity(study: Study, results: Set[str]) -> Text:
    if "order_effects" not in results:
        return Text("异质性", "Heterogeneity")
    if not results & {"heterogeneous_effects", "group_differences", "heterogeneity_robust_effects"}:
        return Text("实施顺序", "Order")
    return Text("实施顺序与异质性", "Order and heterogeneity")


def _baseline(study: Study, results: Set[str]) -> Text:
    has_trends = study.asks("event_study", "parallel_trends_sensitivity")
    return Text("平行趋势与基准回归", "Parallel trends and baseline") if has_trends else Text("基准回归", "Baseline")


def _robustness(study: Study, results: Set[str]) -> Text:
    has_instrument = "instrumental_variable" in results
    return Text("内生性与稳健性", "Endogeneity and robustness") if has_instrument else Text("稳健性", "Robustness")


def _index(study: Study, results: Set[str]) -> Text:
    return Text("数据与指数", "Data and index") if study.has_index else Text("数据", "Data")


_TITLES: dict[str, Callable[[Study, Set[str]], Text]] = {
    "index": _index,
    "inputs": _always("数字的依据", "What the numbers rest on"),
    "treatment": _always("试点", "Pilots"),
    "baseline": _baseline,
    "robustness": _robustness,
    "synergy": _always("协同效应", "Synergy"),
    "mechanisms": _always("机制", "Mechanisms"),
    "heterogeneity": _heterogeneity,
    "regressions": _always("其他回归", "More regressions"),
    "credibility": _always("多重检验、空间与设定选择", "Many tests, space and choices"),
    "scorecard": _always("与论文对照", "Beside the paper"),
    "recovery": _always("真实效应与估计", "True effects and estimates"),
    "audit": _always("论文数字的自查", "The paper's numbers against themselves"),
    "soundness": _always("读数时应知道的", "What a careful reader should know"),
}
