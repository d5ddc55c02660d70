"""The report's figures as Vega-Lite charts, one specification per language, with alternative texts and a data table.

A figure is one or more charts side by side, and a function of a ``Context``.
"""

from dataclasses import replace

from city_policy.report.figures.agreement import recovery, scorecard
from city_policy.report.figures.chart import Figure, theme
from city_policy.report.figures.checks import bacon, balance
from city_policy.report.figures.choices import specification_choices, specification_curve
from city_policy.report.figures.context import Context
from city_policy.report.figures.effects import coefficients, estimators, event_study, placebo
from city_policy.report.figures.inference import inference, influence
from city_policy.report.figures.maps import only_maps, with_outlines
from city_policy.report.figures.panel import cohorts, panel_view
from city_policy.report.figures.sensitivity import sensitivity
from city_policy.report.figures.space import rings
from city_policy.report.study import Study, Text

__all__ = ["Context", "Figure", "only_maps", "theme", "with_outlines", "without_maps"]

# The results whose effects stand side by side in one figure.
COMPARED = ("baseline_effects", "robustness_effects", "instrumental_variable", "heterogeneity_robust_effects")
# Figures of estimates on one outcome: those on others stand in the tables.
ABOUT_OUTCOME = (
    "event_study", "sensitivity", "estimators", "coefficients", "inference", "influence", "placebo", "balance", "bacon",
    "specification_curve", "specification_choices", "rings",
)  # fmt: skip


def without_maps(context: Context) -> list[Figure]:
    """Every figure but the maps that the study asks for: one without data says why, one nobody asked for is left out.

    The scorecard needs published numbers, the recovery something that was planted.
    """
    study = context.study
    planted = study.simulated and context.database.rows("replication.recovery", "spec_id, treated_group, event_time")
    wanted = [
        (cohorts, bool(study.policies)),
        (panel_view, bool(study.policies)),
        (event_study, study.asks("event_study")),
        (sensitivity, study.asks("parallel_trends_sensitivity")),
        (coefficients, study.asks(*COMPARED)),
        (inference, study.asks("baseline_effects")),
        (influence, study.asks("baseline_effects")),
        (placebo, study.asks("placebo_test")),
        (balance, study.uses("matching")),
        (bacon, study.asks("bacon_decomposition")),
        (estimators, study.asks("heterogeneity_robust_effects")),
        (rings, study.asks("spatial_spillovers")),
        (specification_curve, study.asks("specification_curve")),
        (specification_choices, study.asks("specification_curve")),
        (scorecard, study.has_published),
        (recovery, bool(planted)),
    ]
    return [_on_outcome(draw(context), study) for draw, is_wanted in wanted if is_wanted]


def _on_outcome(figure: Figure, study: Study) -> Figure:
    """The figure; of a study with several outcomes it says of which one it speaks."""
    if figure.key not in ABOUT_OUTCOME or not study.has_outcomes:
        return figure
    name, caption = study.name(study.outcome), figure.caption
    said = Text(f"{caption.zh}被解释变量:{name.zh}。", f"{caption.en} Outcome: {name.en}.")
    return replace(figure, caption=said)
