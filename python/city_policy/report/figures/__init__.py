"""The report's figures as Vega-Lite charts, one specification per language, with alternative texts and a data table.

A figure is one or more charts side by side, and a function of a ``Context``.
"""

from city_policy.report.figures.agreement import recovery, scorecard
from city_policy.report.figures.chart import Figure, theme
from city_policy.report.figures.checks import bacon, balance
from city_policy.report.figures.context import Context
from city_policy.report.figures.effects import coefficients, event_study, placebo
from city_policy.report.figures.inference import inference, influence
from city_policy.report.figures.maps import only_maps, with_outlines
from city_policy.report.figures.panel import cohorts, panel_view

__all__ = ["Context", "Figure", "only_maps", "theme", "with_outlines", "without_maps"]


def without_maps(context: Context) -> list[Figure]:
    """Every figure but the maps; the recovery only where something was planted."""
    figures = [
        cohorts(context),
        panel_view(context),
        event_study(context),
        coefficients(context),
        inference(context),
        influence(context),
        placebo(context),
        balance(context),
        bacon(context),
        scorecard(context),
    ]
    if context.study.simulated and context.database.has("replication.recovery"):
        figures.append(recovery(context))
    return figures
