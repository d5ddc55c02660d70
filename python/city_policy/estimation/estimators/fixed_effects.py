"""Difference-in-differences with city and year effects: one specification in, rows of the estimate record
out.

Equations (1)-(3) of Zhang and Ma (2025)::

    outcome_it = a0 + a1 treatment_it + a' controls_it + city_i + year_t + e_it

Rows, fixed effects, variance estimators, degrees of freedom and small-sample factors are those of
``computation.regression``. The least squares there is exact, so that the same regression gives the
same numbers whichever estimator runs it; the tests compare it with R's fixest, pyfixest and dummy-variable
regressions.

The constant is the one that reghdfe prints, mean(y) - mean(x)'b: the constant of the regression of
(y swept + mean(y)) on (x swept + mean(x)), from which its standard errors are taken, with the same factors.
They are exact; for iid errors the variance is e'e / (n - k - F) / n + mean(x)' V mean(x), that of the mean of
the dummies' coefficients in the dummy-variable regression.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from city_policy.estimation.computation.regression import (
    CANCELS,
    ONE_CLUSTER,
    Fit,
    Prepared,
    cluster_factor,
    cluster_sums,
    clustered_inference,
    goodness,
    least_squares,
    sweep,
    t_inference,
)
from city_policy.estimation.contract.exposure import Exposure, exposed_columns
from city_policy.estimation.contract.panel import Panel
from city_policy.estimation.contract.record import VARIANCE_ESTIMATORS, NotIdentifiedError, notes_on_fit
from city_policy.estimation.contract.request import Request
from city_policy.estimation.contract.runner import RECORD, Estimator, run
from city_policy.estimation.contract.specification import Specification

CONSTANT = "(Intercept)"


def estimate_fixed_effects(
    panel: pd.DataFrame,
    treatment_timing: pd.DataFrame,
    specifications: pd.DataFrame | Iterable[Specification],
    controls: Sequence[str],
    controls_not_covered: Sequence[str] = (),
) -> pd.DataFrame:
    """Estimate every specification; see the top of the module for the formulas.

    ``panel``: one row per ``adcode`` and ``year``, any order, with the outcomes, the controls (numbers, NULL
    where unknown), the boolean sample columns, and whatever columns the specifications name.
    ``treatment_timing``: one row per ``adcode`` and ``policy_id``, with ``first_treated_year`` (whole, NULL =
    never). A policy is switched on in the years from ``first_treated_year``; a city without a row is never
    treated. With a lag the value of the row ``lag`` years before is used, and is missing where the panel has
    no such row.
    ``specifications``: rows of the seed, or
    :class:`~city_policy.estimation.contract.specification.Specification` values.
    ``controls``: columns that enter every regression; ``controls_not_covered``: names that the study lists
    but the input does not cover, repeated in every message.

    Returns the estimate record (:mod:`city_policy.estimation.contract.record`): for each specification and each
    variance estimator (``iid``, ``CRV1``) one row per term (treatment, extra controls, controls,
    ``(Intercept)``), with two-sided p values, 95 % intervals, R² with the fixed effects and within R². Terms
    that are collinear are left out and named in ``dropped_terms``. Rows with a missing value and rows that
    are alone in a group of a fixed effect are left out and counted. ``n_treated_cities``: cities whose policy
    is on in the rows used (NULL if the treatment is not a 0/1 variable). A specification that cannot be run
    gives one row per variance estimator, term = treatment, with the status
    ``not_identified`` (the data cannot tell) or ``failed`` (it names what does not exist) and a sentence in
    ``message``.

    Raises InputError only for what makes the whole call meaningless: a missing key column, a repeated
    city-year, a repeated city-policy, a first treated year that is not whole, a repeated or malformed
    specification.
    """
    return run(FIXED_EFFECTS, Panel(panel, treatment_timing), specifications, controls, controls_not_covered)[0]


def effect_columns(
    panel: Panel, specification: Specification, controls: Sequence[str], options: Mapping[str, Any]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Name -> column (N,) of the outcome and the treatment as the variant says, and of the controls."""
    columns = exposed_columns(panel, specification)
    return columns, panel.controls(specification, controls, columns)


def fit_effect(request: Request, weights: np.ndarray | None = None) -> tuple[Prepared, list[str], Fit]:
    """The rows of a request, the terms of its regression, the treatment first, and the fit; see :func:`fixed_effects`.

    Raises NotIdentifiedError if the controls or the fixed effects explain the treatment.
    """
    outcome, treatment = request.specification.outcome, request.specification.treatment
    prepared = sweep(request, weights=weights)
    refuse_explained(prepared, treatment)
    terms = [treatment, *prepared.controls]
    return prepared, terms, least_squares(prepared, outcome, terms)


def refuse_explained(prepared: Prepared, treatment: str) -> None:
    """Raises NotIdentifiedError if the fixed effects, or they and the controls, explain the treatment."""
    if prepared.explained([treatment], given=()):
        raise NotIdentifiedError(f"{treatment} is collinear with the fixed effects: it does not vary within them.")
    # Controls first: if they explain the treatment, its effect is not identified; it must not push one of
    # them out.
    if prepared.explained([treatment], given=prepared.controls):
        raise NotIdentifiedError(
            f"{treatment} is collinear with the other terms and the fixed effects.",
            {"dropped_terms": prepared.dropped_terms},
        )


def fixed_effects(request: Request, weights: np.ndarray | None = None) -> Mapping[str, list[dict]]:
    """The record of one request: a row per variance estimator and term.

    ``weights``: (N,) of the rows of the panel, positive in those used: weighted least squares, the weights taken for
    how often a row of the population stands behind it (``pweight`` in Stata); observations are counted by rows.
    """
    specification = request.specification
    prepared, terms, fit = fit_effect(request, weights)
    outcome, treatment = specification.outcome, specification.treatment
    base = {"dropped_terms": prepared.dropped_terms} | goodness(prepared, outcome, fit.residuals)
    # A match has variants of its own, and hands over its rows with the policy as it is.
    remarks = Exposure.of(specification.variant).note() if specification.estimator == "fixed_effects" else []
    rows = []
    for vcov in VARIANCE_ESTIMATORS:
        notes = [*remarks, *notes_on_fit(specification, prepared.dropped_terms, fit.has(vcov))]
        base |= {"vcov": vcov, "notes": notes}
        # The effect first: what is asked is its error, not that of a control.
        effect = fit.inference(0, vcov)
        if vcov == "CRV1":
            effect = clustered_inference(fit, prepared, 0, specification.cluster)
        rows.append(base | {"term": treatment} | effect | {"notes": [*notes, *effect.get("notes", ())]})
        rows += [base | {"term": term} | _of_control(fit, prepared, i, vcov, base) for i, term in enumerate(terms) if i]
        rows.append(base | {"term": CONSTANT} | _constant(prepared, outcome, terms, fit, vcov))
    return {"estimates": rows}


def _of_control(fit, prepared, position, vcov, base):
    """Inference of a control; a clustered error that one cluster makes is rounding."""
    if vcov == "CRV1" and fit.has(vcov):
        effective = fit.effective_clusters(position, prepared.cluster)
        if effective < ONE_CLUSTER:
            reason = (
                f"The effective number of clusters behind this control is {effective:.1f}: its clustered error cannot "
                "be estimated."
            )
            return {"status": "not_identified", "notes": [*base["notes"], reason]}
        if fit.cancels(position):
            return {"status": "not_identified", "notes": [*base["notes"], CANCELS]}
    return fit.inference(position, vcov)


def _constant(prepared, outcome, terms, fit, vcov):
    """Estimate and inference of the constant, as the top of the module defines it."""
    root, total = prepared.root_weights, prepared.root_weights @ prepared.root_weights
    means = np.array([prepared.mean(term) for term in terms])
    estimate = prepared.mean(outcome) - means @ fit.coefficients
    known = fit.covariance[vcov]
    if known is None:
        return {"estimate": estimate}
    degrees = known[1]
    if vcov == "iid":
        # A sum of squares, and not means' V means, which rounding makes negative where terms are nearly collinear.
        moved = fit.root.T @ means
        variance = fit.residuals @ fit.residuals / degrees * (moved @ moved + 1 / total)
    else:
        # What cluster g moves the constant by: its mean residual less means' (X'X)^-1 X_g'e_g.
        share = root / total - fit.basis @ (fit.root.T @ means)
        moves = cluster_sums((fit.residuals * share)[:, None], prepared.cluster)[:, 0]
        variance = cluster_factor(prepared, len(terms)) * moves @ moves
    return t_inference(estimate, np.sqrt(variance), degrees)


FIXED_EFFECTS = Estimator(
    {"estimates": RECORD}, fixed_effects, columns=effect_columns, absent={"variant": None}, treated_cities=True
)
