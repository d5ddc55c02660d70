"""How far parallel trends may fail before an effect is gone, and what the test of the leads would have seen.

Sensitivity (Rambachan and Roth 2023, Review of Economic Studies 90), for the first effect (event time 0) and the mean
of the effects by event time, each year of the window counting alike:

- ``relative_magnitudes``: from one year to the next trends differ after the start by at most ``bound`` times the
  largest such difference before it; bounds 0, 0.5, 1, 1.5 and 2;
- ``smoothness``: the difference in slopes changes by at most ``bound`` standard errors of the first effect from one
  year to the next; bounds 0 (a straight line), 0.25, 0.5 and 1. ``slope_change`` is the same in units of the outcome.

The breakdown value is the bound up to which the interval leaves out zero, between the bounds of the grid found by
bisection. Intervals are of 95 %. The normal distribution of the theory is widened to that of the event study: its
covariance is multiplied by (t / z)², t being the quantile with clusters - 1 degrees of freedom.

Power (Roth 2022, American Economic Review: Insights 4): the slope of a difference in trends, per year, that the
clustered joint test of the leads finds with a probability of 50 and 80 %, and the bias that it gives the effects;
beside it the effect that the test of the average effect finds with that probability (Bloom 1995).

The event studies are those of :mod:`~city_policy.estimation.estimators.event_times`, the methods of
:mod:`~city_policy.estimation.computation.parallel_trends`.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import f as f_distribution
from scipy.stats import norm
from scipy.stats import t as student

from city_policy.errors import InputError
from city_policy.estimation.computation.parallel_trends import (
    ALPHA,
    EventTimes,
    detectable_effect,
    detectable_slope,
    relative_magnitudes,
    smoothness,
    smoothness_path,
)
from city_policy.estimation.contract.panel import Panel
from city_policy.estimation.contract.request import Request
from city_policy.estimation.contract.runner import Estimator, Table, run
from city_policy.estimation.contract.specification import Specification
from city_policy.estimation.estimators.event_study import check_window
from city_policy.estimation.estimators.event_times import ESTIMATORS, EventStudy, event_study_by

RELATIVE_MAGNITUDES, SMOOTHNESS = "relative_magnitudes", "smoothness"
BOUNDS = {RELATIVE_MAGNITUDES: (0.0, 0.5, 1.0, 1.5, 2.0), SMOOTHNESS: (0.0, 0.25, 0.5, 1.0)}
FIRST_EFFECT, AVERAGE_EFFECT = "first_effect", "average_effect"
# Whether there is a breakdown value: even the bound 0 takes the effect away, a value, none on the grid.
NONE, VALUE, ABOVE = "none", "value", "above"
POWERS = (0.5, 0.8)
BISECTIONS = 8

_LABELS = {
    "spec_id": "str",
    "result": "str",
    "paper_table": "str",
    "panel": "str",
    "column_no": "Int64",
    "outcome": "str",
    "treatment": "str",
    "sample": "str",
    "variant": "str",
}
_COUNTS = {
    "n_obs": "Int64",
    "n_cities": "Int64",
    "n_treated_cities": "Int64",
    "n_dropped_missing": "Int64",
    "n_dropped_singletons": "Int64",
    "dropped_terms": "str",
    "status": "str",
    "message": "str",
}
SENSITIVITY_COLUMNS = {
    **_LABELS,
    "restriction": "str",
    "parameter": "str",
    "bound": "float64",
    "slope_change": "float64",
    "estimate": "float64",
    "std_error": "float64",
    "ci_low": "float64",
    "ci_high": "float64",
    "robust_ci_low": "float64",
    "robust_ci_high": "float64",
    "breakdown": "str",
    "breakdown_value": "float64",
    "n_leads": "Int64",
    "n_effects": "Int64",
    **_COUNTS,
}
POWER_COLUMNS = {
    **_LABELS,
    "power": "float64",
    "n_leads": "Int64",
    "pretrend_f": "float64",
    "df_denom": "Int64",
    "pretrend_p_value": "float64",
    "detectable_slope": "float64",
    "bias_first_effect": "float64",
    "bias_average_effect": "float64",
    "estimate": "float64",
    "std_error": "float64",
    "minimum_detectable_effect": "float64",
    **_COUNTS,
}


def estimate_parallel_trends(
    panel: pd.DataFrame,
    treatment_timing: pd.DataFrame,
    specifications: pd.DataFrame | Iterable[Specification],
    controls: Sequence[str],
    controls_not_covered: Sequence[str] = (),
    first: int = -4,
    last: int = 5,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Sensitivity to parallel trends and the power of the test of the leads, for every specification.

    ``panel``, ``treatment_timing``, ``specifications``, ``controls``, ``controls_not_covered``: as in
    ``estimate_fixed_effects``; the treatment must be a policy of the timing and the variant one of ``two_way``,
    ``imputation`` and ``sun_abraham``. ``first``, ``last``: the window of event times, in years.

    Returns two frames in units of the outcome. Sensitivity: one row per specification, restriction, parameter and
    bound. Power: one row per specification and power; ``estimate`` and ``std_error`` are the average effect on the
    treated by the same estimator. A specification that cannot be run is one row in both, with a status and a sentence.

    Raises InputError if ``first`` is not below -1 or ``last`` below 0, and for what makes the whole call meaningless
    (see ``estimate_fixed_effects``).
    """
    check_window(first, last)
    return run(
        HONEST_DID,
        Panel(panel, treatment_timing),
        specifications,
        controls,
        controls_not_covered,
        first=first,
        last=last,
    )


def honest_did(request: Request) -> Mapping[str, list[dict]]:
    """Both tables for one request."""
    variant = request.specification.variant
    assert variant is not None  # _columns refuses it
    study = event_study_by(variant, request, request.options["first"], request.options["last"])
    base = study.counts | {"notes": study.notes}
    return {
        "sensitivity": [base | row for row in _sensitivity(study)],
        "power": [base | row for row in _power(study)],
    }


def _columns(panel, specification, controls, options):
    """The outcome, the policy and the controls."""
    variant = specification.variant
    if variant not in ESTIMATORS:
        raise InputError(f"The variant is '{variant or ''}'; expected one of {', '.join(ESTIMATORS)}.")
    if specification.treatment not in panel.timing:
        raise InputError(
            f"'{specification.treatment}' is not a policy of the treatment timing, so it has no event time."
        )
    if specification.lag:
        raise InputError("An event study takes no lag: its lags are the event times.")
    if variant != "two_way" and (specification.extra_fixed_effects or specification.cluster != "adcode"):
        raise InputError(
            f"The variant {variant} has city and year effects and clusters by adcode; leave extra_fixed_effects blank "
            "and cluster adcode."
        )
    columns = panel.variables(specification)
    return columns, panel.controls(specification, controls, columns)


# -------------------------------------------------------------------------------------------------------- sensitivity


def _sensitivity(study: EventStudy) -> list[dict]:
    times = study.times
    widened = (student.ppf(1 - ALPHA / 2, study.degrees) / norm.ppf(1 - ALPHA / 2)) ** 2
    wide = EventTimes(times.leads, times.effects, times.covariance * widened)
    q = len(times.effects)
    weights = {FIRST_EFFECT: np.eye(q)[0], AVERAGE_EFFECT: np.full(q, 1 / q)}
    first_error = times.parameter(weights[FIRST_EFFECT])[1]
    rows = []
    for restriction, bounds in BOUNDS.items():
        for parameter, chosen in weights.items():
            interval = _intervals(restriction, wide, chosen, first_error)
            robust = interval(np.array(bounds))
            breakdown, value = _breakdown(interval, bounds, robust)
            estimate, error = times.parameter(chosen)
            half = student.ppf(1 - ALPHA / 2, study.degrees) * error
            rows += [
                {
                    "restriction": restriction,
                    "parameter": parameter,
                    "bound": bound,
                    "slope_change": bound * first_error if restriction == SMOOTHNESS else None,
                    "estimate": estimate,
                    "std_error": error,
                    "ci_low": estimate - half,
                    "ci_high": estimate + half,
                    "robust_ci_low": low,
                    "robust_ci_high": high,
                    "breakdown": breakdown,
                    "breakdown_value": value,
                    "n_leads": len(times.leads),
                    "n_effects": q,
                }
                for bound, (low, high) in zip(bounds, robust, strict=True)
            ]
    return rows


def _intervals(restriction, times, weights, first_error):
    """Bounds (k,) -> intervals (k, 2)."""
    if restriction == RELATIVE_MAGNITUDES:
        return lambda bounds: relative_magnitudes(times, weights, bounds)
    path = smoothness_path(times, weights)
    return lambda bounds: smoothness(path, bounds * first_error)


def _breakdown(interval, bounds, robust):
    """Whether there is a breakdown value, and the value: all smaller bounds of the grid leave out zero too."""
    without = (robust > 0).all(axis=1) | (robust < 0).all(axis=1)
    if not without[0]:
        return NONE, None
    if without.all():
        return ABOVE, bounds[-1]
    place = int(without.argmin())
    low, high = bounds[place - 1], bounds[place]
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        ends = interval(np.array([middle]))[0]
        low, high = (middle, high) if (ends > 0).all() or (ends < 0).all() else (low, middle)
    return VALUE, low


# -------------------------------------------------------------------------------------------------------------- power


def _power(study: EventStudy) -> list[dict]:
    leads, q = study.leads, len(study.leads)
    errors = np.sqrt(np.diag(study.leads_covariance))
    standardised = leads / errors
    correlation = study.leads_covariance / errors / errors[:, None]
    statistic = standardised @ np.linalg.solve(correlation, standardised) / q
    estimate, error = study.main
    rows = []
    for power in POWERS:
        slope = detectable_slope(study.leads_per_slope, study.leads_covariance, study.degrees, power)
        rows.append(
            {
                "power": power,
                "n_leads": q,
                "pretrend_f": statistic,
                "df_denom": study.degrees,
                "pretrend_p_value": f_distribution.sf(statistic, q, study.degrees),
                "detectable_slope": slope,
                "bias_first_effect": slope * study.effects_per_slope[0],
                "bias_average_effect": slope * study.effects_per_slope.mean(),
                "estimate": estimate,
                "std_error": error,
                "minimum_detectable_effect": detectable_effect(error, study.degrees, power),
            }
        )
    return rows


HONEST_DID = Estimator(
    {"sensitivity": Table(SENSITIVITY_COLUMNS), "power": Table(POWER_COLUMNS, says_coverage=False)},
    honest_did,
    columns=_columns,
    treated_cities=True,
)
