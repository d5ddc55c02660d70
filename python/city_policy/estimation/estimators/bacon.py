"""Goodman-Bacon decomposition of the two-way fixed-effects estimate without controls (Table 6).

Goodman-Bacon (2021, Journal of Econometrics 225), Theorem 1, for a balanced panel. Cities with the same first
treated year form a cohort k with share n_k of all cities and share D_k of the years in which it is treated;
U are the cities never treated within the panel, A those treated in its first year already. Each pair of cohorts
is a 2 × 2 difference-in-differences of mean outcomes; v is its variance of the treatment with city and year
effects projected out, with n_kl = n_k / (n_k + n_l)::

    k against U or A:      (n_k + n_U)^2 n_kU (1 - n_kU) D_k (1 - D_k)                  all years
    k before l is treated: (n_k + n_l)^2 n_kl (1 - n_kl) (D_k - D_l) (1 - D_k)          years before l starts
    l after k is treated:  (n_k + n_l)^2 n_kl (1 - n_kl) D_l (D_k - D_l)                years from k's start

(k starts before l.) The weight of a comparison is its v over the sum of all v, which is the variance of the
swept treatment; the weighted sum of the estimates is the estimate of ``outcome ~ treatment | city + year``.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from city_policy.errors import InputError
from city_policy.estimation.computation.regression import sweep
from city_policy.estimation.contract.panel import Panel
from city_policy.estimation.contract.record import NotIdentifiedError
from city_policy.estimation.contract.request import Request
from city_policy.estimation.contract.runner import Estimator, Table, run
from city_policy.estimation.contract.specification import Specification

COMPARISONS = (
    "later_treated_as_control",
    "earlier_treated_as_control",
    "never_treated",
    "always_treated",
)
TOTAL = "weighted_total"
COMPONENT_COLUMNS = {
    "spec_id": "str",
    "treatment": "str",
    "outcome": "str",
    "comparison": "str",
    "treated_cohort": "Int64",
    "control_cohort": "Int64",
    "n_treated_cities": "Int64",
    "n_control_cities": "Int64",
    "weight": "float64",
    "estimate": "float64",
    "status": "str",
    "message": "str",
}
GROUP_COLUMNS = {
    "spec_id": "str",
    "treatment": "str",
    "outcome": "str",
    "comparison": "str",
    "n_comparisons": "Int64",
    "weight": "float64",
    "estimate": "float64",
    "twfe_estimate": "float64",
    "n_obs": "Int64",
    "n_cities": "Int64",
    "status": "str",
    "message": "str",
}


def decompose_bacon(
    panel: pd.DataFrame,
    treatment_timing: pd.DataFrame,
    specifications: pd.DataFrame | Iterable[Specification],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every 2 × 2 comparison of every specification, and the groups; formulas at the top.

    ``panel``, ``treatment_timing``, ``specifications``: as in
    ``estimate_fixed_effects``; the treatment must be a policy of the
    timing. Controls, also the specification's own, do not enter: the decomposition is of the estimate without
    them. The rows of the sample column must be balanced, with an outcome in every one of them.

    Returns two frames. Comparisons: one row per pair (``comparison`` is what the control cohort is), cohorts as
    first treated years (missing for never and always treated), weights that sum to 1, estimates in units of
    the outcome. Groups: one row per kind of comparison that occurs with its total weight and weighted mean
    estimate, and ``weighted_total``; ``twfe_estimate`` is the two-way fixed-effects estimate computed
    independently, to which the total is equal. A specification that cannot be decomposed is one row in each
    with a status and a sentence.

    Raises InputError only for what makes the whole call meaningless (see ``estimate_fixed_effects``).
    """
    return run(BACON, Panel(panel, treatment_timing), specifications)


def bacon(request: Request) -> Mapping[str, list[dict]]:
    """The comparisons of one request, and their groups beside the two-way fixed-effects estimate."""
    policy, sample = request.specification.treatment, request.specification.sample
    prepared = sweep(request)
    years, starts, outcomes = _by_city(request, prepared.raw[request.specification.outcome])
    # Never: not within these years. Always: from the first year on or before.
    starts = np.where(starts > years[-1], np.nan, np.where(starts <= years[0], -np.inf, starts))
    cohorts = np.unique(starts[np.isfinite(starts)])
    if len(cohorts) == 0 or prepared.explained([policy], given=()):
        raise NotIdentifiedError(
            f"No city of the sample '{sample}' changes its treatment by {policy} against others within the years."
        )
    comparisons = list(_comparisons(outcomes, years, starts, cohorts))
    total = sum(row["weight"] for row in comparisons)
    for row in comparisons:
        row["weight"] /= total
    comparisons.sort(
        key=lambda row: (COMPARISONS.index(row["comparison"]), row["treated_cohort"], row["control_cohort"] or 0)
    )
    swept = prepared.swept[policy]
    twfe = swept @ prepared.swept[request.specification.outcome] / (swept @ swept)
    groups = [row | {"twfe_estimate": twfe} for row in _groups(pd.DataFrame(comparisons))]
    return {"comparisons": comparisons, "groups": groups}


def _columns(panel, specification, controls, options):
    """Outcome and treatment only: the decomposition has no controls, not even the specification's own."""
    if specification.treatment not in panel.timing:
        raise InputError(f"'{specification.treatment}' is not a policy of the treatment timing, so it has no cohorts.")
    for name in ("lag", "extra_fixed_effects"):
        if getattr(specification, name):
            raise InputError(f"The Goodman-Bacon decomposition takes no {name.replace('_', ' ')}.")
    return panel.variables(specification), {}


def _groups(components):
    """One row per kind of comparison, in the order of ``COMPARISONS``, and the total."""
    for comparison in (*COMPARISONS, TOTAL):
        group = components if comparison == TOTAL else components[components["comparison"] == comparison]
        if len(group):
            weight = group["weight"].sum()
            yield {
                "comparison": comparison,
                "n_comparisons": len(group),
                "weight": weight,
                "estimate": (group["weight"] * group["estimate"]).sum() / weight,
            }


def _by_city(request, outcome):
    """Years (T,), first treated years (cities,) and outcomes (cities, T) of a balanced panel.

    Raises NotIdentifiedError for a panel that is not balanced or has gaps.
    """
    counts, sample = request.counts, request.specification.sample
    n, cities = counts["n_obs"], counts["n_cities"]
    years = np.unique(request.panel.year[request.rows.used])
    if counts["n_dropped_missing"] or counts["n_dropped_singletons"] or n != cities * len(years):
        missing = cities * len(years) - n
        raise NotIdentifiedError(
            f"The decomposition needs a balanced panel; the sample '{sample}' has {n} usable rows for {cities} "
            f"cities and {len(years)} years ({missing} missing, {counts['n_dropped_missing']} of its rows "
            "without the outcome)."
        )
    if np.any(np.diff(years) != 1):
        raise NotIdentifiedError(f"The decomposition needs consecutive years; the sample '{sample}' has gaps.")
    starts = request.panel.first_treated_year(request.specification.treatment)[request.rows.used]
    return years, starts.reshape(cities, len(years))[:, 0], outcome.reshape(cities, len(years))


def _comparisons(outcomes, years, starts, cohorts):
    """Every comparison with its variance as weight; ``starts``: NaN for never, -inf for always treated."""
    rest = {"never_treated": np.isnan(starts), "always_treated": np.isneginf(starts)}
    everywhere = np.ones(len(years), dtype=bool)
    share = {start: (years >= start).mean() for start in cohorts}
    for k in cohorts:
        for comparison, control in rest.items():
            if control.any():
                variance = share[k] * (1 - share[k])
                row = _compare(outcomes, starts == k, control, everywhere, years >= k, variance)
                yield {"comparison": comparison, "treated_cohort": k, "control_cohort": None} | row
        for late in cohorts[cohorts > k]:
            early, later = starts == k, starts == late
            gap = share[k] - share[late]
            row = _compare(outcomes, early, later, years < late, years >= k, gap * (1 - share[k]))
            yield {"comparison": "later_treated_as_control", "treated_cohort": k, "control_cohort": late} | row
            row = _compare(outcomes, later, early, years >= k, years >= late, gap * share[late])
            yield {"comparison": "earlier_treated_as_control", "treated_cohort": late, "control_cohort": k} | row


def _compare(outcomes, treated, control, window, after, variance):
    """One comparison of the ``treated`` and ``control`` cities in the years of the ``window``."""
    change = outcomes[:, window & after].mean(axis=1) - outcomes[:, window & ~after].mean(axis=1)
    shares = np.array([treated.sum(), control.sum()]) / len(outcomes)
    return {
        "n_treated_cities": int(treated.sum()),
        "n_control_cities": int(control.sum()),
        # (n_k + n_l)^2 n_kl (1 - n_kl) = n_k n_l
        "weight": shares[0] * shares[1] * variance,
        "estimate": change[treated].mean() - change[control].mean(),
    }


BACON = Estimator(
    {"comparisons": Table(COMPONENT_COLUMNS), "groups": Table(GROUP_COLUMNS, ("comparison", (TOTAL,)))},
    bacon,
    columns=_columns,
)
