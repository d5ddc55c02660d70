"""Double/debiased machine learning with city and year effects (Table 5, panel F).

The partially linear model of Chernozhukov et al. (2018, Econometrics Journal 21), in a panel::

    outcome_it   = b treatment_it + g(controls_it) + city_i + year_t + e_it
    treatment_it =                  m(controls_it) + city_i + year_t + v_it

How it is computed (DoubleML, partialling-out score):

1. The controls are standardised and expanded into their polynomial of degree 2: levels, squares and products. A
   function of the controls survives sweeping out effects only as a function of such columns, so they are formed
   before it and not after.
2. City and year effects are projected out of the outcome, the treatment and every one of these columns.
3. The cities, not the rows, are dealt at random into folds. For each fold the lasso (penalty by three-fold cross
   validation within the other folds) learns outcome and treatment from the other folds' cities.
4. b regresses what is left of the outcome on what is left of the treatment, over all folds together.
5. Repeated with new folds; b is the median over repetitions, its variance the median of
   variance_r + (b_r - b)^2, so that the choice of folds counts as uncertainty.

Variances of one repetition, with residuals v of the treatment and e = u - b v: ``iid``
e'e / (n - 1 - F) / v'v; ``CRV1`` factor × sum over g of (v_g'e_g)^2 / (v'v)^2, degrees of freedom and factor as
in ``computation.regression`` for one term.
"""

import warnings
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from city_policy.errors import InputError
from city_policy.estimation.computation.regression import (
    cluster_factor,
    cluster_sums,
    residual_degrees,
    sweep,
    t_inference,
)
from city_policy.estimation.contract.panel import Panel
from city_policy.estimation.contract.record import VARIANCE_ESTIMATORS, NotIdentifiedError, notes_on_fit
from city_policy.estimation.contract.request import Request
from city_policy.estimation.contract.runner import RECORD, Estimator, run
from city_policy.estimation.contract.specification import Specification


def estimate_double_machine_learning(
    panel: pd.DataFrame,
    treatment_timing: pd.DataFrame,
    specifications: pd.DataFrame | Iterable[Specification],
    controls: Sequence[str],
    controls_not_covered: Sequence[str] = (),
    seed: int = 20250601,
    folds: int = 5,
    repetitions: int = 5,
) -> pd.DataFrame:
    """Effect of every specification's treatment; formulas at the top.

    ``panel``, ``treatment_timing``, ``specifications``, ``controls``, ``controls_not_covered``: as in
    ``estimate_fixed_effects``. ``seed``: of the folds, the same for
    every specification, so that neither their order nor that of the rows matters. ``folds``: at least 2;
    ``repetitions``: at least 1.

    Returns the estimate record: one row per specification and variance estimator (``iid``, ``CRV1``), term =
    treatment, in units of the outcome per unit of the treatment. A specification that cannot be run is a row
    per variance estimator with a status and a sentence.

    Raises InputError for fewer folds or repetitions, and for what makes the whole call meaningless (see
    ``estimate_fixed_effects``).
    """
    if folds < 2 or repetitions < 1:
        raise InputError(f"{folds} folds and {repetitions} repetitions were asked for; expected at least 2 and 1.")
    return run(
        DOUBLE_MACHINE_LEARNING,
        Panel(panel, treatment_timing),
        specifications,
        controls,
        controls_not_covered,
        seed=seed,
        folds=folds,
        repetitions=repetitions,
    )[0]


def double_machine_learning(request: Request) -> Mapping[str, list[dict]]:
    """The record of one request: a row per variance estimator."""
    folds, repetitions = request.options["folds"], request.options["repetitions"]
    prepared = sweep(request)
    _refuse_what_cannot_be_learned(request, prepared)
    left_y, left_d = _partial_out(request, prepared)
    inference = _inference(prepared, left_y, left_d)
    note = f"Lasso on a polynomial of degree 2, {folds} folds of cities, median of {repetitions} repetitions."
    rows = []
    for vcov in VARIANCE_ESTIMATORS:
        clustered = "std_error" in inference[vcov]
        notes = [note, *notes_on_fit(request.specification, prepared.dropped_terms, clustered)]
        rows.append(inference[vcov] | {"vcov": vcov, "dropped_terms": prepared.dropped_terms, "notes": notes})
    return {"estimates": rows}


def _refuse_what_cannot_be_learned(request, prepared):
    treatment, folds = request.specification.treatment, request.options["folds"]
    if prepared.explained([treatment], given=prepared.controls):
        raise NotIdentifiedError(f"{treatment} is collinear with the controls and the fixed effects.")
    if not prepared.controls:
        raise NotIdentifiedError(
            "Double machine learning needs a control; without one the regression is the plain one."
        )
    if request.counts["n_cities"] < 2 * folds:
        raise NotIdentifiedError(
            f"{request.counts['n_cities']} cities are too few for {folds} folds of at least two cities."
        )


def _partial_out(request, prepared):
    """What the lasso leaves of outcome and treatment, (n, repetitions) each.

    What it predicts of an outcome is kept in the memo: specifications that differ in their treatment only learn the
    outcome once.
    """
    one = request.specification
    y, d = prepared.swept[one.outcome], prepared.swept[one.treatment]
    features = prepared.absorbed.sweep(_dictionary([prepared.raw[name] for name in prepared.controls]))
    size = np.linalg.norm(features, axis=0)
    # A square of a 0/1 control is the control; a product that does not vary within cities is nothing.
    features = features[:, size > 1e-8 * np.sqrt(len(y))]
    features = features / features.std(axis=0)
    rng = np.random.default_rng(request.options["seed"])
    folds, repetitions = request.options["folds"], request.options["repetitions"]
    splits = [_splits(prepared.absorbed.city, folds, rng) for _ in range(repetitions)]
    key = (one.outcome, one.extra_fixed_effects, *prepared.controls, prepared.rows.tobytes())
    predicted = _cross_fit(y / y.std(), d / d.std(), features, splits, request.memo.get(key))
    request.memo[key] = predicted["ml_l"]
    return y[:, None] - predicted["ml_l"] * y.std(), d[:, None] - predicted["ml_m"] * d.std()


def _inference(prepared, left_y, left_d):
    """Per variance estimator the numbers of the record row: medians over the repetitions, formulas at the top."""
    degrees, factor = residual_degrees(prepared, 1), cluster_factor(prepared, 1)
    estimates = (left_d * left_y).sum(axis=0) / (left_d**2).sum(axis=0)
    errors = left_y - left_d * estimates
    curvature = (left_d**2).sum(axis=0)
    estimate = np.median(estimates)
    variances = {"iid": ((errors**2).sum(axis=0) / degrees / curvature, degrees)}
    result = {"CRV1": {"estimate": estimate}}
    if factor is not None:
        scores = cluster_sums(left_d * errors, prepared.cluster)
        clusters = len(scores)
        variances["CRV1"] = (factor * (scores**2).sum(axis=0) / curvature**2, clusters - 1)
    for vcov, (variance, freedom) in variances.items():
        error = np.sqrt(np.median(variance + (estimates - estimate) ** 2))
        result[vcov] = t_inference(estimate, error, freedom)
    return result


def _dictionary(columns):
    """Levels, squares and products (n, k (k + 3) / 2) of the standardised ``columns``, k of them (n,)."""
    z = np.column_stack(columns)
    z = (z - z.mean(axis=0)) / z.std(axis=0)
    left, right = np.triu_indices(z.shape[1])
    return np.column_stack([z, z[:, left] * z[:, right]])


def _splits(city, folds, rng):
    """Train and test positions of every fold; the cities are dealt, so that a city lies in one fold."""
    fold = rng.permutation(np.arange(city.max() + 1) % folds)[city]
    return [(np.flatnonzero(fold != i), np.flatnonzero(fold == i)) for i in range(folds)]


def _cross_fit(y, d, features, splits, predicted_y=None):
    """What the lasso of the other folds predicts of outcome (``ml_l``) and treatment (``ml_m``), (n, repetitions)
    each; ``predicted_y``: the first of them, if it is known.
    """
    # Two seconds of imports; only who estimates pays for them.
    from doubleml import DoubleMLData, DoubleMLPLR
    from sklearn import config_context
    from sklearn.linear_model import LassoCV

    # Rows are in order of cities and the inner folds are blocks of rows, so that they too split by city.
    lasso = LassoCV(cv=3, alphas=50, fit_intercept=False, max_iter=10_000, n_jobs=1)
    # Every step of every lasso path would check the features again, which are numbers throughout.
    with warnings.catch_warnings(), config_context(assume_finite=True, skip_parameter_validation=True):
        warnings.simplefilter("ignore", category=FutureWarning)
        data = DoubleMLData.from_arrays(features, y, d)
        model = DoubleMLPLR(
            data, ml_l=lasso, ml_m=lasso, n_folds=len(splits[0]), n_rep=len(splits), draw_sample_splitting=False
        )
        model.set_sample_splitting(splits)
        known = None if predicted_y is None else {"d": {"ml_l": predicted_y}}
        model.fit(n_jobs_cv=1, external_predictions=known)
    return {learner: model.predictions[learner][:, :, 0] for learner in ("ml_l", "ml_m")}


DOUBLE_MACHINE_LEARNING = Estimator({"estimates": RECORD}, double_machine_learning, treated_cities=True)
