"""How sure is an effect? One estimate under seven ways to measure its uncertainty, and which cities it hangs on.

The estimate is that of ``estimators.fixed_effects``; G cities; everything is computed on cross products
(``computation.cross_products``), nothing is refitted.

- ``iid``: what the paper prints; too small when the errors of a city hang together.
- ``CRV1``: clustered by city, t with G - 1 degrees of freedom.
- ``CRV3``: the jackknife, ((G - 1)/G sum over c of (b_(c) - b)^2)^1/2 with b_(c) the estimate without city c, t with
  G - 1 degrees of freedom; MacKinnon, Nielsen and Webb (2023). Better than CRV1 when cities differ in weight.
- ``pairs_bootstrap``: cities drawn with replacement; the standard deviation of the draws, the interval from their 2.5
  to their 97.5 percent quantile, and p = 2 min(share of draws <= 0, share >= 0), the estimate counted among them.
- ``wild_rademacher``, ``wild_webb``: wild cluster bootstrap with the null imposed; p = (1 + number of |t*| above |t|) /
  (1 + draws), the interval holds the values that this test does not reject at 5 %; Cameron, Gelbach and Miller (2008).
  Webb's six points are for few cities, where the two signs give few distinct draws.
- ``randomisation``: the start years are dealt to the cities in random order (``estimators.placebo``), p is that of the
  clustered t. It has no interval, and is not for a treatment that is no policy.

``CRV1`` and ``CRV3`` say so where the effect rests on few cities (``effective_number`` in ``computation.regression``).

**Influence.** b - b_(c) is what a city adds to the estimate; x~_c'e_c / x~'x~, its linear approximation, gives the
city's share in the clustered variance, (x~_c'e_c)^2 / sum over c of (x~_c'e_c)^2.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from city_policy.errors import InputError
from city_policy.estimation.computation.cross_products import (
    bootstrap_weights,
    cross_products_of,
    generator,
    jackknife_weights,
    resampling_columns,
    two_sided_p,
    why_no_error,
    wild_bootstrap,
)
from city_policy.estimation.computation.regression import CANCELS, ONE_CLUSTER, on_few_clusters, t_inference
from city_policy.estimation.contract.panel import Panel
from city_policy.estimation.contract.record import NotIdentifiedError
from city_policy.estimation.contract.request import Request
from city_policy.estimation.contract.runner import Estimator, Table, run
from city_policy.estimation.contract.specification import OPTIONAL_CELLS
from city_policy.estimation.estimators.placebo import deal, left_out_note

METHODS = ("iid", "CRV1", "CRV3", "pairs_bootstrap", "wild_rademacher", "wild_webb", "randomisation")
INFERENCE_COLUMNS = {
    "spec_id": "str",
    "outcome": "str",
    "treatment": "str",
    "sample": "str",
    "term": "str",
    "method": "str",
    "effective_cities": "float64",
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
    placebo_draws: int = 500,
    seed: int = 20250101,
    matched: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The treatment's coefficient of every specification under every method; see the top of the module.

    ``panel``, ``treatment_timing``, ``controls``, ``controls_not_covered``: as in
    ``estimate_fixed_effects``; ``specifications``: one row each with
    ``spec_id``, ``outcome``, ``treatment``, ``sample``; ``lag``, ``extra_controls`` and ``extra_fixed_effects`` if
    present (only effects that a city never changes). ``bootstrap_draws``, ``wild_draws``, ``placebo_draws``: draws of
    each kind; ``seed``: not negative. The draws depend on the seed and the sample only. ``matched``: the rows that
    :func:`~city_policy.estimation.estimators.matching.matched_rows` found; specifications with the estimator
    ``matching`` use those that are kept.

    Returns one row per specification and method, in units of the outcome. ``t_stat`` is estimate / ``std_error``, for
    the wild bootstrap and the randomisation the CRV1 one, whose p is drawn; an end of an interval that does not exist
    is missing. ``effective_cities``: in effect how many cities the estimate rests on. A specification that cannot be
    run has its rows with ``status`` and ``message``.

    Raises InputError for a panel or specifications that are unusable as a whole, or draws below 1.
    """
    asked = (("pairs bootstrap", bootstrap_draws), ("wild bootstrap", wild_draws), ("randomisation", placebo_draws))
    for name, number in asked:
        if number < 1:
            raise InputError(f"The {name} was asked for {number} draws; expected at least 1.")
    samples: dict[str, str] = {}
    if matched is not None and (specifications["estimator"] == "matching").any():
        panel, specifications, samples = _with_kept_rows(panel, specifications, matched)
    rows = run(
        ROBUST_INFERENCE,
        Panel(panel, treatment_timing),
        specifications,
        controls,
        controls_not_covered,
        bootstrap_draws=bootstrap_draws,
        wild_draws=wild_draws,
        draws=placebo_draws,
        seed=seed,
    )[0]
    # A match is made from the sample that its specification names.
    of_match = rows["spec_id"].isin(samples)
    rows.loc[of_match, "sample"] = rows.loc[of_match, "spec_id"].map(samples)
    return rows


def _with_kept_rows(panel, specifications, matched):
    """The panel with a sample of the rows that each match keeps, the specifications that name it, and the name of the
    sample that it was made from by spec_id.
    """
    keys = pd.MultiIndex.from_arrays([panel["adcode"].astype("str"), panel["year"].astype("int64")])
    kept = matched[matched["kept"].astype(bool)]
    columns: dict[str, np.ndarray] = {}
    names: dict[str, str] = {}
    samples: dict[str, str] = {}
    for _, one in specifications[specifications["estimator"] == "matching"].iterrows():
        rows = kept[kept["spec_id"] == one["spec_id"]]
        found = pd.MultiIndex.from_arrays([rows["adcode"].astype("str"), rows["year"].astype("int64")])
        name = f"rows kept by {one['spec_id']}"
        columns[name] = keys.isin(found)
        names[one["spec_id"]], samples[one["spec_id"]] = name, one["sample"]
    of = zip(specifications["spec_id"], specifications["sample"], strict=True)
    named = [names.get(spec_id, sample) for spec_id, sample in of]
    return panel.assign(**columns), specifications.assign(sample=named), samples


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
    return run(CITY_INFLUENCE, Panel(panel, treatment_timing), specifications, controls, controls_not_covered)[0]


def leave_one_out(request: Request) -> Mapping[str, list[dict]]:
    """The influence of every city in one request."""
    cross_products, estimate, without = _leave_one_out(request)
    linear = cross_products.weigh().influence(OUTCOME, [TREATMENT])[:, 0]
    unknown = f"Without this city the rest does not identify the effect of {request.specification.treatment}."
    frame = pd.DataFrame(
        {
            "adcode": request.panel.adcodes[cross_products.cities],
            "estimate": estimate,
            "estimate_without": without,
            "change": estimate - without,
            "linear_change": linear,
            "variance_share": linear**2 / (linear @ linear),
            "notes": [[] if fine else [unknown] for fine in np.isfinite(without)],
        }
    )
    return {"influence": frame.to_dict("records")}


def _leave_one_out(request):
    """The cross products, the estimate of all cities and those without each city, (cities,)."""
    one = request.specification
    cross_products = cross_products_of(request, [one.treatment, one.outcome])
    estimate = cross_products.weigh().regress(OUTCOME, [TREATMENT]).estimate[0, 0]
    if not np.isfinite(estimate):
        raise NotIdentifiedError(f"{one.treatment} is collinear with the other terms and the fixed effects.")
    without = (
        cross_products.weigh(jackknife_weights(cross_products.n_cities)).regress(OUTCOME, [TREATMENT]).estimate[:, 0]
    )
    return cross_products, estimate, without


def infer(request: Request) -> Mapping[str, list[dict]]:
    """One request under every method."""
    cross_products, estimate, without = _leave_one_out(request)
    whole = cross_products.weigh()
    fit = whole.regress(OUTCOME, [TREATMENT], clustered=True)
    clustered = fit.std_error_crv1[0, 0]
    if not np.isfinite(clustered):
        raise NotIdentifiedError(why_no_error(cross_products, request.specification.outcome))
    if not clustered > 0:
        raise NotIdentifiedError(CANCELS)
    effective = float(whole.effective_cities(OUTCOME, [TREATMENT])[0])
    few = on_few_clusters(effective, "adcode")
    cells = {
        "iid": t_inference(estimate, fit.std_error_iid[0, 0], fit.degrees_iid[0]),
        "CRV1": t_inference(estimate, clustered, fit.degrees_crv1[0]) | {"notes": few},
        "CRV3": _jackknife(request, cross_products, estimate, without, few),
        "pairs_bootstrap": _pairs_bootstrap(request, cross_products, estimate),
    }
    for weights in ("rademacher", "webb"):
        cells[f"wild_{weights}"] = {"std_error": clustered} | _wild_bootstrap(request, cross_products, weights)
    cells["randomisation"] = {"std_error": clustered} | _randomisation(request)
    counts = {"estimate": estimate, "n_obs": whole.n_obs[0], "n_cities": cross_products.n_cities}
    counts["effective_cities"] = effective
    if effective < ONE_CLUSTER:
        # Whatever is made of the residuals of one city says nothing; dealing start years does.
        unknown = {"status": "not_identified", "notes": few}
        cells |= dict.fromkeys(set(METHODS) - {"iid", "randomisation"}, unknown)
    return {"inference": [{"method": method} | counts | cells[method] for method in METHODS]}


def _randomisation(request):
    if request.specification.treatment not in request.panel.timing:
        reason = f"A randomisation deals out start years, and {request.specification.treatment} is not a policy."
        return {"std_error": np.nan, "status": "not_identified", "notes": [reason]}
    try:
        dealt = deal(request)
    except NotIdentifiedError as problem:
        return {"std_error": np.nan, "status": "not_identified", "notes": [str(problem)]}
    p, counted = two_sided_p(dealt.t_stat, dealt.t_stats)
    return {
        "t_stat": dealt.t_stat,
        "p_value": p,
        "draws": counted,
        "seed": request.options["seed"],
        "notes": left_out_note(request.options["draws"], counted),
    }


def _jackknife(request, cross_products, estimate, without, few):
    if not np.isfinite(without).all():
        alone = request.panel.adcodes[cross_products.cities[~np.isfinite(without)][0]]
        reason = f"Without city {alone} the rest does not identify the effect of {request.specification.treatment}."
        return {"status": "not_identified", "notes": [reason]}
    g = cross_products.n_cities
    return t_inference(estimate, np.sqrt((g - 1) / g * ((without - estimate) ** 2).sum()), g - 1) | {"notes": few}


def _pairs_bootstrap(request, cross_products, estimate):
    draws, seed = request.options["bootstrap_draws"], request.options["seed"]
    rng = generator(seed, "pairs bootstrap", request.specification.sample)
    weights = bootstrap_weights(cross_products.n_cities, draws, rng)
    drawn = cross_products.weigh(weights).regress(OUTCOME, [TREATMENT]).estimate[:, 0]
    drawn = drawn[np.isfinite(drawn)]
    low, high = np.quantile(drawn, [0.025, 0.975]) if len(drawn) else (np.nan, np.nan)
    tail = 1 + min((drawn <= 0).sum(), (drawn >= 0).sum())
    error = drawn.std(ddof=1) if len(drawn) > 1 else np.nan
    return {
        "std_error": error,
        "t_stat": estimate / error,
        "p_value": min(1.0, 2 * tail / (1 + len(drawn))),
        "ci_low": low,
        "ci_high": high,
        "draws": len(drawn),
        "seed": seed,
        "notes": left_out_note(draws, len(drawn)),
    }


def _wild_bootstrap(request, cross_products, weights):
    draws, seed = request.options["wild_draws"], request.options["seed"]
    rng = generator(seed, "wild bootstrap", weights, request.specification.sample)
    wild = wild_bootstrap(cross_products, OUTCOME, TREATMENT, draws, rng, weights)
    return {
        "t_stat": wild.t_stat,
        "p_value": wild.p_value,
        "ci_low": wild.ci_low,
        "ci_high": wild.ci_high,
        "draws": draws,
        "seed": seed,
    }


ROBUST_INFERENCE = Estimator(
    {"inference": Table(INFERENCE_COLUMNS, ("method", METHODS))}, infer, columns=resampling_columns, absent=ABSENT
)
CITY_INFLUENCE = Estimator(
    {"influence": Table(INFLUENCE_COLUMNS)}, leave_one_out, columns=resampling_columns, absent=ABSENT
)
