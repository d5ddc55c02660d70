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

Draws are computed on moments (:mod:`city_policy.estimation.moments`); nothing is refitted. Policies with the
same groups share their permutations and their sweeps.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as student

from city_policy.errors import InputError
from city_policy.estimation.moments import Moments, check_resampling, generator, permutations, two_sided_p
from city_policy.estimation.panel import Panel
from city_policy.estimation.record import (
    EXPECTED_ERRORS,
    NotIdentifiedError,
    cast_to_schema,
    coverage_sentence,
    problem_cells,
)
from city_policy.estimation.specification import OPTIONAL_CELLS, read_specifications, read_text

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
    controls_not_covered: list[str] = (),
    draws: int = 1000,
    seed: int = 20250101,
) -> pd.DataFrame:
    """The difference between two groups, tested in three ways; see the top of the module.

    ``panel``, ``treatment_timing``, ``controls``, ``controls_not_covered``: as in
    :func:`city_policy.estimation.fixed_effects.estimate_fixed_effects`, whose estimates in each of the two
    samples these are. ``specifications``: one row for each pair of groups and policy, with ``spec_id``,
    ``outcome``, ``treatment``, ``sample_1`` and ``sample_2`` (boolean columns of the panel); ``lag`` and
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
    checked = Panel(panel, treatment_timing)
    sentences = coverage_sentence(controls_not_covered)
    samples = [read_text(specifications, name) for name in ("sample_1", "sample_2")]
    absent = {**OPTIONAL_CELLS, "result": "group_differences", "estimator": "group_difference"}
    results, shared = {}, {}
    order = []
    for one in read_specifications(specifications.assign(sample=specifications["sample_1"]), absent):
        names = tuple(texts[one.spec_id] for texts in samples)
        order.append(one.spec_id)
        base = {
            "spec_id": one.spec_id,
            "outcome": one.outcome,
            "treatment": one.treatment,
            "group_1": names[0],
            "group_2": names[1],
        }
        try:
            request = _read(checked, one, names, controls)
        except EXPECTED_ERRORS as problem:
            results[one.spec_id] = base | problem_cells(problem, sentences)
            continue
        shared.setdefault(request.pop("key"), []).append((base, request))
    for same in shared.values():
        _test_together(checked, same, draws, seed, sentences, results)
    return cast_to_schema(pd.DataFrame([results[spec_id] for spec_id in order]), DIFFERENCE_COLUMNS)


def _read(panel, one, names, controls):
    """Columns and rows of one specification, with a key that specifications with the same ones share."""
    check_resampling(panel, one)
    columns = panel.variables(one)
    others = panel.controls(one, controls, columns)
    needed = columns | others
    complete = np.isfinite(np.column_stack(list(needed.values()))).all(axis=1)
    return {
        "key": (names, one.outcome, tuple(others), complete.tobytes()),
        "names": names,
        "policy": one.treatment,
        "outcome": columns[one.outcome],
        "treatment": columns[one.treatment],
        "controls": list(others.values()),
        # What each sample's own regression uses, and what a draw may use: a row that is alone in its city
        # within its group is usable in a draw that gives it company.
        "samples": [panel.usable_rows(replace(one, sample=name), needed, {}) for name in names],
        "eligible": [panel.sample(name) & complete for name in names],
    }


def _test_together(panel, same, draws, seed, sentences, results):
    """Fill ``results`` for the specifications that differ in their treatment only."""
    failed = {}
    try:
        observed = [_observe(panel, same, group) for group in (0, 1)]
        drawn = _permute(panel, same, draws, seed)
    except EXPECTED_ERRORS as problem:
        failed = problem_cells(problem, sentences)
    for position, (base, request) in enumerate(same):
        if failed:
            results[base["spec_id"]] = base | failed
            continue
        try:
            cells = _compare(observed, position, request, drawn)
        except EXPECTED_ERRORS as problem:
            results[base["spec_id"]] = base | problem_cells(problem, sentences)
            continue
        notes = list(sentences)
        left_out = draws - cells["permutation_draws"]
        if left_out:
            notes.insert(0, f"{left_out} of {draws} permutations could not be estimated and do not count.")
        results[base["spec_id"]] = base | cells | {"status": "ok", "message": " ".join(notes) or None}


def _stack(same, rows):
    """Treatments and, last, the outcome; and the controls, of the ``rows``."""
    first = same[0][1]
    targets = np.column_stack([*(request["treatment"] for _, request in same), first["outcome"]])
    controls = np.column_stack(first["controls"]) if first["controls"] else np.empty((len(rows), 0))
    return targets[rows], controls[rows]


def _observe(panel, same, group):
    """The regressions in one sample: estimates, clustered errors and influences of the cities, by treatment."""
    used = same[0][1]["samples"][group]
    targets, controls = _stack(same, used)
    moments = Moments(panel.city[used], panel.year[used], targets, controls)
    draw = moments.weigh()
    fits = []
    for position in range(len(same)):
        fit = draw.regress(len(same), [position], clustered=True)
        influence = np.zeros(panel.city.max() + 1)
        if np.isfinite(fit.estimate[0, 0]):
            influence[moments.cities] = draw.influence(len(same), [position])[:, 0]
        fits.append((fit.estimate[0, 0], fit.std_error_crv1[0, 0], influence))
    return {
        "fits": fits,
        "n_obs": int(used.sum()),
        "n_cities": moments.n_cities,
        "cities": np.isin(np.arange(panel.city.max() + 1), moments.cities),
        "n_years": len(moments.years),
        "n_controls": int(moments.control_kept.sum()),
    }


def _compare(observed, position, request, drawn):
    """The cells of one specification."""
    estimates, errors, influences = zip(*(sample["fits"][position] for sample in observed), strict=True)
    for estimate, name in zip(estimates, request["names"], strict=True):
        if not np.isfinite(estimate):
            raise NotIdentifiedError(
                f"The sample '{name}' does not identify the effect of {request['policy']}: no city of it "
                "changes treatment, or the other terms explain it."
            )
    difference = estimates[0] - estimates[1]
    p, counted = two_sided_p(difference, drawn["differences"][:, position])
    n = sum(sample["n_obs"] for sample in observed)
    cities = int((observed[0]["cities"] | observed[1]["cities"]).sum())
    terms = sum(1 + sample["n_controls"] + sample["n_years"] for sample in observed)
    interaction_p = np.nan
    if cities > 1 and n > terms:
        factor = cities / (cities - 1) * (n - 1) / (n - terms)
        error = np.sqrt(factor * ((influences[0] - influences[1]) ** 2).sum())
        interaction_p = 2 * student.sf(abs(difference) / error, cities - 1) if error > 0 else np.nan
    return {
        "estimate_1": estimates[0],
        "estimate_2": estimates[1],
        "std_error_1": errors[0],
        "std_error_2": errors[1],
        "difference": difference,
        "permutation_p": p,
        "permutation_draws": counted,
        "permuted": drawn["permuted"],
        "n_permuted_cities": drawn["n_cities"],
        "interaction_p": interaction_p,
        "wald_p": 2 * norm.sf(abs(difference) / np.hypot(*errors)),
        "n_obs_1": observed[0]["n_obs"],
        "n_obs_2": observed[1]["n_obs"],
        "n_cities_1": observed[0]["n_cities"],
        "n_cities_2": observed[1]["n_cities"],
    }


def _permute(panel, same, draws, seed):
    """Differences (draws, treatments) between the groups after dealing memberships, and what was dealt."""
    first = same[0][1]
    in_1, in_2 = first["eligible"]
    rows = in_1 | in_2
    city, year = panel.city[rows], panel.year[rows]
    label = in_1[rows].astype(np.int8) + 2 * in_2[rows]  # 1, 2, 3 = both
    cities, city = np.unique(city, return_inverse=True)
    years, year = np.unique(year, return_inverse=True)
    paths = np.zeros((len(cities), len(years)), dtype=np.int8)
    paths[city, year] = label
    shared = (paths == 3).any(axis=1)
    mixed = shared & np.isin(paths, (1, 2)).any(axis=1)
    if mixed.any():
        which = panel.frame["adcode"].to_numpy()[rows][mixed[city]][0]
        raise InputError(
            f"City {which} is in '{first['names'][0]}' and '{first['names'][1]}' in some years and in one of "
            "them in others; a permutation of whole cities cannot say what such a city keeps."
        )
    movable = np.flatnonzero(~shared)
    label_1, label_2 = (paths == 1).any(axis=1), (paths == 2).any(axis=1)
    constant = not (label_1 & label_2).any()
    if not label_1.any() or not label_2.any():
        raise NotIdentifiedError(
            f"'{first['names'][0]}' and '{first['names'][1]}' do not differ in both directions: there is "
            "nothing to permute."
        )
    targets, controls = _stack(same, rows)
    moments = Moments(city, year, targets, controls)
    rng = generator(seed, "groups", *first["names"])
    dealt = permutations(movable, draws, rng)
    if constant:
        sides = []
        for own in (label_1, label_2):
            weights = np.tile(shared, (draws, 1))
            weights[:, movable] = own[dealt]
            sides.append(moments.weigh(weights))
    else:
        owner = np.tile(np.arange(len(cities)), (draws, 1))
        owner[:, movable] = dealt
        drawn = paths[owner]
        sides = [moments.choose(drawn & own > 0) for own in (1, 2)]
    differences = np.column_stack(
        [
            np.subtract(*(side.regress(len(same), [position]).estimate[:, 0] for side in sides))
            for position in range(len(same))
        ]
    )
    permuted = "cities between groups" if constant else "membership paths"
    if shared.any():
        permuted = "order among cities in one sample"
    return {"differences": differences, "permuted": permuted, "n_cities": len(movable)}
