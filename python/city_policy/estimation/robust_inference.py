"""How sure is an effect? One estimate under seven ways to measure its uncertainty, and which cities it hangs on.

The estimate is that of :mod:`city_policy.estimation.fixed_effects`; G cities; everything is computed on moments
(:mod:`city_policy.estimation.moments`), nothing is refitted.

- ``iid``: what the paper prints; too small when the errors of a city hang together.
- ``CRV1``: clustered by city, t with G - 1 degrees of freedom.
- ``CRV3``: the jackknife, ((G - 1)/G sum over c of (b_(c) - b)^2)^1/2 with b_(c) the estimate without city c, t with
  G - 1 degrees of freedom; MacKinnon, Nielsen and Webb (2023). Better than CRV1 when cities differ in weight.
- ``pairs_bootstrap``: cities drawn with replacement; the standard deviation of the draws, the interval from their 2.5
  to their 97.5 percent quantile, and p = 2 min(share of draws <= 0, share >= 0), the estimate counted among them.
- ``wild_rademacher``, ``wild_webb``: wild cluster bootstrap with the null imposed; p is the share of |t*| above |t|,
  the interval holds the values that this test does not reject at 5 %; Cameron, Gelbach and Miller (2008). Webb's six
  points are for few cities, where the two signs give few distinct draws.

The seventh, the randomisation p, deals out start years and is that of :mod:`city_policy.estimation.placebo`.

**Influence.** b - b_(c) is what a city adds to the estimate; x~_c'e_c / x~'x~, its linear approximation, gives the
city's share in the clustered variance, (x~_c'e_c)^2 / sum over c of (x~_c'e_c)^2.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from city_policy.errors import InputError
from city_policy.estimation.moments import (
    Moments,
    bootstrap_weights,
    check_resampling,
    generator,
    jackknife_weights,
    wild_bootstrap,
)
from city_policy.estimation.panel import Panel
from city_policy.estimation.record import (
    EXPECTED_ERRORS,
    NotIdentifiedError,
    cast_to_schema,
    coverage_sentence,
    problem_cells,
)
from city_policy.estimation.regression import t_inference
from city_policy.estimation.specification import OPTIONAL_CELLS, read_specifications

METHODS = ("iid", "CRV1", "CRV3", "pairs_bootstrap", "wild_rademacher", "wild_webb")
INFERENCE_COLUMNS = {
    "spec_id": "str",
    "outcome": "str",
    "treatment": "str",
    "sample": "str",
    "term": "str",
    "method": "str",
    "estimate": "float64",
    "std_error": "float64",
    "t_stat": "float64",
    "p_value": "float64",
    "ci_low": "float64",
    "ci_high": "float64",
    "draws": "Int64",
    "seed": "Int64",
    "n_obs": "Int64",
    "n_cities": "Int64",
    "status": "str",
    "message": "str",
}
INFLUENCE_COLUMNS = {
    "spec_id": "str",
    "outcome": "str",
    "treatment": "str",
    "sample": "str",
    "adcode": "str",
    "estimate": "float64",
    "estimate_without": "float64",
    "change": "float64",
    "linear_change": "float64",
    "variance_share": "float64",
    "status": "str",
    "message": "str",
}
ABSENT = {**OPTIONAL_CELLS, "result": "robust_inference", "estimator": "fixed_effects"}
# The columns of the engine's targets.
TREATMENT, OUTCOME = range(2)


def robust_inference(
    panel: pd.DataFrame,
    treatment_timing: pd.DataFrame,
    specifications: pd.DataFrame,
    controls: Sequence[str],
    controls_not_covered: Sequence[str] = (),
    bootstrap_draws: int = 1000,
    wild_draws: int = 9999,
    seed: int = 20250101,
) -> pd.DataFrame:
    """The treatment's coefficient of every specification under every method; see the top of the module.

    ``panel``, ``treatment_timing``, ``controls``, ``controls_not_covered``: as in
    :func:`city_policy.estimation.fixed_effects.estimate_fixed_effects`; ``specifications``: one row each with
    ``spec_id``, ``outcome``, ``treatment``, ``sample``; ``lag``, ``extra_controls`` and ``extra_fixed_effects`` if
    present (only effects that a city never changes). ``bootstrap_draws``, ``wild_draws``: draws of each kind; ``seed``:
    not negative. The draws depend on the seed and the sample only.

    Returns one row per specification and method, in units of the outcome. ``t_stat`` is estimate / ``std_error``, for
    the wild bootstrap the CRV1 one, whose p is drawn; an end of an interval that does not exist is missing. A
    specification that cannot be run has its rows with ``status`` and ``message``.

    Raises InputError for a panel or specifications that are unusable as a whole, or draws below 1.
    """
    for name, number in (("pairs", bootstrap_draws), ("wild", wild_draws)):
        if number < 1:
            raise InputError(f"The {name} bootstrap was asked for {number} draws; expected at least 1.")
    sentences = coverage_sentence(controls_not_covered)
    rows = []
    for one, moments, problem in _read(panel, treatment_timing, specifications, controls):
        base = {name: getattr(one, name) for name in ("spec_id", "outcome", "treatment", "sample")}
        base |= {"term": one.treatment}
        try:
            cells = _methods(one, moments, problem, bootstrap_draws, wild_draws, seed)
        except EXPECTED_ERRORS as failure:
            rows += [base | {"method": method} | problem_cells(failure, sentences) for method in METHODS]
            continue
        for method, result in cells.items():
            notes = [note for note in (result.pop("message", None), *sentences) if note]
            rows.append(base | {"method": method, "status": "ok"} | result | {"message": " ".join(notes) or None})
    return cast_to_schema(pd.DataFrame(rows, columns=list(INFERENCE_COLUMNS)), INFERENCE_COLUMNS)


def city_influence(
    panel: pd.DataFrame,
    treatment_timing: pd.DataFrame,
    specifications: pd.DataFrame,
    controls: Sequence[str],
    controls_not_covered: Sequence[str] = (),
) -> pd.DataFrame:
    """What every city adds to the estimate of every specification; arguments as in :func:`robust_inference`.

    Returns one row per specification and city, in order of the two: ``estimate`` of all cities, ``estimate_without``
    the city, ``change`` (the first less the second), ``linear_change`` (x~_c'e_c / x~'x~) and ``variance_share`` (its
    square over the sum of squares; the shares sum to 1). A specification that cannot be run is one row without a
    city, with ``status`` and ``message``.
    """
    sentences = coverage_sentence(controls_not_covered)
    frames = []
    for one, moments, problem in _read(panel, treatment_timing, specifications, controls):
        base = {name: getattr(one, name) for name in ("spec_id", "outcome", "treatment", "sample")}
        try:
            estimate, without = _leave_one_out(one, moments, problem)
        except EXPECTED_ERRORS as failure:
            frames.append(pd.DataFrame([base | problem_cells(failure, sentences)]))
            continue
        linear = moments.weigh().influence(OUTCOME, [TREATMENT])[:, 0]
        unknown = f"Without this city the rest does not identify the effect of {one.treatment}."
        frames.append(
            pd.DataFrame(
                {
                    **base,
                    "adcode": moments.cities,
                    "estimate": estimate,
                    "estimate_without": without,
                    "change": estimate - without,
                    "linear_change": linear,
                    "variance_share": linear**2 / (linear @ linear),
                    "status": "ok",
                    "message": [
                        " ".join([*([] if fine else [unknown]), *sentences]) or None for fine in np.isfinite(without)
                    ],
                }
            )
        )
    return cast_to_schema(pd.concat(frames) if frames else pd.DataFrame(), INFLUENCE_COLUMNS)


def _read(panel, treatment_timing, specifications, controls):
    """Specification, its moments (cities by adcode) and, without them, what is wrong with it."""
    checked = Panel(panel, treatment_timing)
    adcode = checked.frame["adcode"].to_numpy(dtype="str")
    for one in read_specifications(specifications, ABSENT):
        try:
            check_resampling(checked, one)
            columns = checked.variables(one)
            others = checked.controls(one, controls, columns)
            used = checked.usable_rows(one, columns | others, {})
            moments = Moments(
                adcode[used],
                checked.year[used],
                np.column_stack([columns[one.treatment], columns[one.outcome]])[used],
                np.column_stack([np.empty((len(used), 0)), *others.values()])[used],
            )
        except EXPECTED_ERRORS as problem:
            yield one, None, problem
        else:
            yield one, moments, None


def _leave_one_out(one, moments, problem):
    """The estimate of all cities and those without each city, (cities,)."""
    if problem:
        raise problem
    estimate = moments.weigh().regress(OUTCOME, [TREATMENT]).estimate[0, 0]
    if not np.isfinite(estimate):
        raise NotIdentifiedError(f"{one.treatment} is collinear with the other terms and the fixed effects.")
    return estimate, moments.weigh(jackknife_weights(moments.n_cities)).regress(OUTCOME, [TREATMENT]).estimate[:, 0]


def _methods(one, moments, problem, bootstrap_draws, wild_draws, seed):
    """The cells of every method."""
    estimate, without = _leave_one_out(one, moments, problem)
    whole = moments.weigh()
    fit, g = whole.regress(OUTCOME, [TREATMENT], clustered=True), moments.n_cities
    counts = {"n_obs": whole.n_obs[0], "n_cities": g}
    clustered = fit.std_error_crv1[0, 0]
    if not np.isfinite(clustered):
        raise NotIdentifiedError("The rows used hold one city, so there is no clustered error.")
    result = {
        "iid": t_inference(estimate, fit.std_error_iid[0, 0], fit.degrees_iid[0]),
        "CRV1": t_inference(estimate, clustered, fit.degrees_crv1[0]),
    }
    if np.isfinite(without).all():
        jackknife = np.sqrt((g - 1) / g * ((without - estimate) ** 2).sum())
        result["CRV3"] = t_inference(estimate, jackknife, g - 1)
    else:
        alone = moments.cities[~np.isfinite(without)][0]
        result["CRV3"] = {
            "estimate": estimate,
            "status": "not_identified",
            "message": f"Without city {alone} the rest does not identify the effect of {one.treatment}.",
        }
    rng = generator(seed, "pairs bootstrap", one.sample)
    drawn = moments.weigh(bootstrap_weights(g, bootstrap_draws, rng)).regress(OUTCOME, [TREATMENT]).estimate[:, 0]
    drawn = drawn[np.isfinite(drawn)]
    low, high = np.quantile(drawn, [0.025, 0.975]) if len(drawn) else (np.nan, np.nan)
    tail = 1 + min((drawn <= 0).sum(), (drawn >= 0).sum())
    result["pairs_bootstrap"] = {
        "estimate": estimate,
        "std_error": drawn.std(ddof=1) if len(drawn) > 1 else np.nan,
        "p_value": min(1.0, 2 * tail / (1 + len(drawn))),
        "ci_low": low,
        "ci_high": high,
        "draws": len(drawn),
        "seed": seed,
    }
    result["pairs_bootstrap"]["t_stat"] = estimate / result["pairs_bootstrap"]["std_error"]
    if len(drawn) < bootstrap_draws:
        left_out = bootstrap_draws - len(drawn)
        result["pairs_bootstrap"]["message"] = (
            f"{left_out} of {bootstrap_draws} draws could not be estimated and do not count."
        )
    for weights in ("rademacher", "webb"):
        rng = generator(seed, "wild bootstrap", weights, one.sample)
        wild = wild_bootstrap(moments, OUTCOME, TREATMENT, wild_draws, rng, weights)
        result[f"wild_{weights}"] = {
            "estimate": estimate,
            "std_error": clustered,
            "t_stat": wild.t_stat,
            "p_value": wild.p_value,
            "ci_low": wild.ci_low,
            "ci_high": wild.ci_high,
            "draws": wild_draws,
            "seed": seed,
        }
    return {method: counts | result[method] for method in METHODS}
