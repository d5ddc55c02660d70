"""Do two groups of cities differ in a policy's effect (Tables 9 and 10)? Three tests of one difference.

For a policy and two sample columns, b_1 and b_2 are the estimates of
``outcome ~ treatment + controls`` with city and year effects in each sample on its own, and the difference is
b_1 - b_2.

**What is permuted.** A city's *membership* is its row of labels over the years: in group 1, in group 2, in
both, in neither. Memberships are dealt to whole cities in random order, 1,000 times, and both regressions are
made again; p = (1 + number of |difference*| >= |difference|) / (1 + draws), two-sided.

- Groups that a city never leaves (resource, central): cities change places, and each group keeps its number
  of cities.
- Groups that change over the years (large cities, growth targets): a city's whole path is dealt to another
  city, which then belongs to the group in the years that the path says. So persistence of membership is kept.
  The city effects are those of a city within a group (the two regressions know no others), hence they are
  swept anew in every draw, among the rows that the draw puts into the group. In a year for which the dealt
  path has no label, because its owner has no row there, the row belongs to neither group.
- Samples that share cities (Table 9: broadband first with the single-pilot cities, cluster first with the
  same single-pilot cities): the shared cities stay in both samples, and only the cities that are in one of
  them, the dual ones, are dealt the order labels. The test is that the order does not matter.

p is exact when, under the null hypothesis, the cities that are dealt the labels are exchangeable: then it is
uniform. It is not a test of equal effects alone: groups that differ in noise or in cohorts violate
exchangeability. The two others answer for that:

- **interaction p**: the two samples one below the other, every coefficient, year effect and city effect by
  group, errors clustered by city. The estimates are those of the separate regressions; the covariance between
  them, from cities that are in both groups at different times or in both samples, is taken into account:
  var = G/(G-1) (n-1)/(n-K) sum over cities of (h_1c - h_2c)^2 with h_jc = x~_jc'e_jc / x~_j'x~_j (zero if the
  city is not in sample j), G cities, n rows of both, K = terms, and years of both; t with G - 1 degrees of
  freedom.
- **Wald p**: (b_1 - b_2) / (se_1^2 + se_2^2)^1/2 with the clustered errors of the separate regressions,
  standard normal. It takes the two as independent, which they are not if they share cities.

Draws are computed on cross products (``computation.cross_products``); nothing is refitted. Policies with the
same groups share their permutations and their sweeps.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as student

from city_policy.errors import InputError
from city_policy.estimation.computation.cross_products import (
    CrossProducts,
    generator,
    permutations,
    resampling_columns,
    two_sided_p,
)
from city_policy.estimation.computation.regression import ONE_CLUSTER, no_residual, on_few_clusters
from city_policy.estimation.contract.panel import Panel
from city_policy.estimation.contract.record import NotIdentifiedError
from city_policy.estimation.contract.request import Request
from city_policy.estimation.contract.runner import Estimator, Table, run
from city_policy.estimation.contract.specification import OPTIONAL_CELLS

DIFFERENCE_COLUMNS = {
    "spec_id": "str",
    "outcome": "str",
    "treatment": "str",
    "group_1": "str",
    "group_2": "str",
    "estimate_1": "float64",
    "estimate_2": "float64",
    "std_error_1": "float64",
    "std_error_2": "float64",
    "difference": "float64",
    "permutation_p": "float64",
    "permutation_draws": "Int64",
    "permuted": "str",
    "n_permuted_cities": "Int64",
    "interaction_p": "float64",
    "wald_p": "float64",
    "n_obs_1": "Int64",
    "n_obs_2": "Int64",
    "n_cities_1": "Int64",
    "n_cities_2": "Int64",
    "status": "str",
    "message": "str",
}


def group_differences(
    panel: pd.DataFrame,
    treatment_timing: pd.DataFrame,
    specifications: pd.DataFrame,
    controls: list[str],
    controls_not_covered: Sequence[str] = (),
    draws: int = 1000,
    seed: int = 20250101,
) -> pd.DataFrame:
    """The difference between two groups, tested in three ways; see the top of the module.

    ``panel``, ``treatment_timing``, ``controls``, ``controls_not_covered``: as in
    ``estimate_fixed_effects``, whose estimates in each of the two
    samples these are. ``specifications``: one row for each pair of groups and policy, with ``spec_id``,
    ``outcome``, ``treatment``, ``sample`` and ``comparison_sample`` (boolean columns of the panel); ``lag`` and
    ``extra_controls`` if present. ``draws``: permutations; ``seed``: not negative. The permutations depend on
    the seed and the two sample names only.

    Returns one row per specification, in their order. ``estimate_1``, ``estimate_2``, ``difference`` and the
    clustered ``std_error_1``, ``std_error_2`` are in units of the outcome; ``permutation_draws`` counts the
    draws in which both groups identify the effect; ``permuted`` says what was dealt
    (``cities between groups``, ``membership paths``, ``order among cities in one sample``) and
    ``n_permuted_cities`` to how many cities; ``n_obs`` and ``n_cities`` are rows and cities used. A
    specification that cannot be run is a row with ``status`` and ``message``.

    Raises InputError for a panel or specifications that are unusable as a whole, or draws below 1.
    """
    if draws < 1:
        raise InputError(f"The test was asked for {draws} permutations; expected at least 1.")
    return run(
        GROUP_DIFFERENCES,
        Panel(panel, treatment_timing),
        specifications,
        controls,
        controls_not_covered,
        draws=draws,
        seed=seed,
    )[0]


def compare_groups(request: Request) -> Mapping[str, list[dict]]:
    """The row of one request. Requests that differ in their treatment only are estimated and permuted together."""
    key = tuple(request.alike)
    if key not in request.memo:
        request.memo[key] = [_observe(request, group) for group in (0, 1)], _permute(request)
    cells = _compare(request, *request.memo[key])
    left_out = request.options["draws"] - cells["permutation_draws"]
    notes = [f"{left_out} of {request.options['draws']} permutations could not be estimated and do not count."]
    few = on_few_clusters(cells.pop("effective"), "adcode")
    return {"differences": [cells | {"notes": [*notes * (left_out > 0), *few]}]}


def _names(specification):
    return specification.sample, specification.comparison_sample


def _cross_products(request, rows):
    """Cross products of the ``rows``: the treatments of all requests that are alike and, last, the outcome."""
    outcome = request.columns[request.specification.outcome]
    targets = np.column_stack([*request.alike.values(), outcome])
    return CrossProducts(
        request.panel.city[rows], request.panel.year[rows], targets[rows], request.control_matrix(rows)
    )


class _Observed(NamedTuple):
    """The regressions in one sample: by treatment, estimates, clustered errors, influences of all cities of the panel
    and in effect how many cities the estimate rests on; cities that are in it (mask), and what it counts.
    """

    fits: list[tuple[float, float, np.ndarray, float]]
    cities: np.ndarray
    n_obs: int
    n_cities: int
    n_terms: int


def _observe(request, group):
    used = (request.rows, request.comparison)[group].used
    cross_products, size = _cross_products(request, used), len(request.panel.adcodes)
    draw, outcome = cross_products.weigh(), len(request.alike)
    fits = []
    for position in range(len(request.alike)):
        fit = draw.regress(outcome, [position], clustered=True)
        influence, effective = np.zeros(size), np.nan
        if np.isfinite(fit.estimate[0, 0]):
            influence[cross_products.cities] = draw.influence(outcome, [position])[:, 0]
            effective = float(draw.effective_cities(outcome, [position])[0])
        fits.append((fit.estimate[0, 0], fit.std_error_crv1[0, 0], influence, effective))
    n_terms = 1 + int(cross_products.control_kept.sum()) + len(cross_products.years)
    cities = np.isin(np.arange(size), cross_products.cities)
    return _Observed(fits, cities, int(used.sum()), cross_products.n_cities, n_terms)


def _compare(request, observed, drawn):
    """The cells of one request."""
    position = list(request.alike).index(request.specification.spec_id)
    estimates, errors, influences, effective = zip(*(sample.fits[position] for sample in observed), strict=True)
    for estimate, name in zip(estimates, _names(request.specification), strict=True):
        if not np.isfinite(estimate):
            raise NotIdentifiedError(
                f"The sample '{name}' does not identify the effect of {request.specification.treatment}: no city of it "
                "changes treatment, or the other terms explain it."
            )
    for error, sample in zip(errors, observed, strict=True):
        if not error > 0 and sample.n_obs > sample.n_terms and sample.n_cities > 1:
            raise NotIdentifiedError(no_residual(request.specification.outcome))
    difference = estimates[0] - estimates[1]
    known = [number for number in effective if np.isfinite(number)]
    clustered = min(known, default=np.inf) >= ONE_CLUSTER
    p, counted = two_sided_p(difference, drawn["differences"][:, position])
    return {
        # The smaller of the two groups.
        "effective": min(known, default=np.inf),
        "estimate_1": estimates[0],
        "estimate_2": estimates[1],
        "std_error_1": errors[0] if clustered else np.nan,
        "std_error_2": errors[1] if clustered else np.nan,
        "difference": difference,
        "permutation_p": p,
        "permutation_draws": counted,
        "permuted": drawn["permuted"],
        "n_permuted_cities": drawn["n_cities"],
        # A clustered error of one city says nothing; the permutation does.
        "interaction_p": _interaction_p(observed, influences, difference) if clustered else np.nan,
        "wald_p": 2 * norm.sf(abs(difference) / np.hypot(*errors)) if clustered else np.nan,
        "n_obs_1": observed[0].n_obs,
        "n_obs_2": observed[1].n_obs,
        "n_cities_1": observed[0].n_cities,
        "n_cities_2": observed[1].n_cities,
    }


def _interaction_p(observed, influences, difference):
    """p of the two samples one below the other, as the top of the module defines it; NaN without degrees of freedom."""
    n = sum(sample.n_obs for sample in observed)
    cities = int((observed[0].cities | observed[1].cities).sum())
    terms = sum(sample.n_terms for sample in observed)
    if cities < 2 or n <= terms:
        return np.nan
    factor = cities / (cities - 1) * (n - 1) / (n - terms)
    error = np.sqrt(factor * ((influences[0] - influences[1]) ** 2).sum())
    return 2 * student.sf(abs(difference) / error, cities - 1) if error > 0 else np.nan


def _permute(request):
    """Differences (draws, treatments) between the groups after dealing memberships, and what was dealt."""
    names, draws = _names(request.specification), request.options["draws"]
    # A row that is alone in its city within its group is usable in a draw that gives it company.
    in_1, in_2 = request.rows.eligible, request.comparison.eligible
    rows = in_1 | in_2
    paths, shared = _membership(request, in_1, in_2, rows)
    movable = np.flatnonzero(~shared)
    label_1, label_2 = (paths == 1).any(axis=1), (paths == 2).any(axis=1)
    constant = not (label_1 & label_2).any()
    if not label_1.any() or not label_2.any():
        raise NotIdentifiedError(
            f"'{names[0]}' and '{names[1]}' do not differ in both directions: there is nothing to permute."
        )
    cross_products = _cross_products(request, rows)
    rng = generator(request.options["seed"], "groups", *names)
    dealt = permutations(movable, draws, rng)
    if constant:
        sides = []
        for own in (label_1, label_2):
            weights = np.tile(shared, (draws, 1))
            weights[:, movable] = own[dealt]
            sides.append(cross_products.weigh(weights))
    else:
        owner = np.tile(np.arange(len(paths)), (draws, 1))
        owner[:, movable] = dealt
        drawn = paths[owner]
        sides = [cross_products.choose(drawn & own > 0) for own in (1, 2)]
    outcome = len(request.alike)
    differences = np.column_stack(
        [
            np.subtract(*(side.regress(outcome, [position]).estimate[:, 0] for side in sides))
            for position in range(outcome)
        ]
    )
    permuted = "cities between groups" if constant else "membership paths"
    if shared.any():
        permuted = "order among cities in one sample"
    return {"differences": differences, "permuted": permuted, "n_cities": len(movable)}


def _membership(request, in_1, in_2, rows):
    """Labels (cities, years) of the ``rows``, 1, 2 or 3 for both groups, 0 for none; and which cities are in both.

    Raises InputError for a city that is in both groups in some years and in one of them in others.
    """
    label = in_1[rows].astype(np.int8) + 2 * in_2[rows]
    cities, city = np.unique(request.panel.city[rows], return_inverse=True)
    years, year = np.unique(request.panel.year[rows], return_inverse=True)
    paths = np.zeros((len(cities), len(years)), dtype=np.int8)
    paths[city, year] = label
    shared = (paths == 3).any(axis=1)
    mixed = shared & np.isin(paths, (1, 2)).any(axis=1)
    if mixed.any():
        names = _names(request.specification)
        which = request.panel.adcodes[cities[mixed][0]]
        raise InputError(
            f"City {which} is in '{names[0]}' and '{names[1]}' in some years and in one of "
            "them in others; a permutation of whole cities cannot say what such a city keeps."
        )
    return paths, shared


GROUP_DIFFERENCES = Estimator(
    {"differences": Table(DIFFERENCE_COLUMNS)},
    compare_groups,
    columns=resampling_columns,
    label=lambda specification, options: {
        "group_1": specification.sample,
        "group_2": specification.comparison_sample,
    },
    absent={**OPTIONAL_CELLS, "result": "group_differences", "estimator": "group_difference"},
    required=("sample", "comparison_sample"),
    comparison=True,
)
