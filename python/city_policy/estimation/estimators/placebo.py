"""Placebo policies (Figure 2): random cities and random start years, and the randomisation p that they give.

A draw takes the start years that the cities of the sample really have, "never" included, and deals them to
the cities in random order. So the cities are drawn at random without replacement, their start years are
random, and every cohort is as large as observed. (The paper says "random pilot time and random treated
cities" and nothing about cohort sizes. Start years drawn freely would change the variance of the treatment
from draw to draw, so that the draws would not be draws of the same estimator; dealing the observed ones is
also what makes p exact.) Rows of a city are never permuted: that would break the serial correlation and
overstate significance.

Each draw estimates ``outcome ~ pseudo-treatment + controls`` with city and year effects. A city enters the
engine (``computation.cross_products``) once per cohort, with the treatment that this cohort would give
it, and a draw has weight 1 on the cohort that the city was dealt: no draw is refitted.

Two-sided randomisation p: (1 + number of |b*| >= |b|) / (1 + draws), with the estimate and with the
clustered t statistic. Under the sharp null hypothesis that the policy has no effect on any city, and pilots
dealt at random, both are exact; the one with t keeps its size better when cities differ in their noise.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from city_policy.errors import InputError
from city_policy.estimation.computation.cross_products import (
    CrossProducts,
    generator,
    permutations,
    resampling_columns,
    two_sided_p,
)
from city_policy.estimation.contract.exposure import Exposure
from city_policy.estimation.contract.panel import Panel
from city_policy.estimation.contract.record import NotIdentifiedError
from city_policy.estimation.contract.request import Request
from city_policy.estimation.contract.runner import Estimator, Table, run
from city_policy.estimation.contract.specification import OPTIONAL_CELLS

DRAW_COLUMNS = {
    "spec_id": "str",
    "treatment": "str",
    "draw": "Int64",
    "estimate": "float64",
    "std_error_iid": "float64",
    "t_iid": "float64",
    "std_error_crv1": "float64",
    "t_crv1": "float64",
}
SUMMARY_COLUMNS = {
    "spec_id": "str",
    "treatment": "str",
    "outcome": "str",
    "sample": "str",
    "n_draws": "Int64",
    "seed": "Int64",
    "estimate": "float64",
    "mean_of_draws": "float64",
    "sd_of_draws": "float64",
    "quantile_025": "float64",
    "quantile_975": "float64",
    "randomisation_p": "float64",
    "randomisation_p_t": "float64",
    "n_obs": "Int64",
    "n_cities": "Int64",
    "n_treated_cities": "Int64",
    "status": "str",
    "message": "str",
}


def placebo(
    panel: pd.DataFrame,
    treatment_timing: pd.DataFrame,
    specifications: pd.DataFrame,
    controls: list[str],
    controls_not_covered: Sequence[str] = (),
    draws: int = 500,
    seed: int = 20250101,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Placebo draws and their summary for every specification; see the top of the module for the method.

    ``panel``, ``treatment_timing``, ``controls``, ``controls_not_covered``: as in
    ``estimate_fixed_effects``. ``specifications``: one row each with
    ``spec_id``, ``outcome``, ``treatment`` (a policy of the timing) and ``sample``; ``lag``,
    ``extra_controls`` and ``extra_fixed_effects`` if present (only effects that a city never changes).
    ``draws``: placebo policies per specification; ``seed``: any whole number that is not negative. The draws
    of a specification depend on the seed, the treatment and the sample, not on the other specifications nor
    on the order of rows.

    Returns ``(draws, summary)``. ``draws``: one row per specification and draw (from 1), with the estimate in
    units of the outcome and both standard errors with their t. ``summary``: one row per specification;
    ``estimate`` is the real policy's (that of the fixed-effects record), ``n_draws`` the draws that could be
    estimated, ``quantile_025`` and ``quantile_975`` those of the draws. A specification that cannot be run
    has no draws and a summary row with ``status`` and ``message``.

    Raises InputError for a panel or specifications that are unusable as a whole, or a number of draws below
    1.
    """
    if draws < 1:
        raise InputError(f"The placebo was asked for {draws} draws; expected at least 1.")
    return run(
        PLACEBO, Panel(panel, treatment_timing), specifications, controls, controls_not_covered, draws=draws, seed=seed
    )


class Dealt(NamedTuple):
    """The regression with the real start years, and with those that were dealt: (draws,) each."""

    estimate: float
    t_stat: float  # clustered
    estimates: np.ndarray
    std_errors_iid: np.ndarray
    std_errors_crv1: np.ndarray

    @property
    def t_stats(self) -> np.ndarray:
        """(draws,) the clustered t statistics."""
        return self.estimates / self.std_errors_crv1


def deal(request: Request) -> Dealt:
    """Deal the start years of the policy of ``request`` to its cities, ``draws`` times; see the top of the module.

    Raises NotIdentifiedError if the real policy is not identified.
    """
    cross_products, weights = _dealt(request)
    # The first draw is the real policy.
    fit = cross_products.weigh(weights).regress(outcome=1, regressors=[0], clustered=True)
    estimate, iid, crv1 = fit.estimate[:, 0], fit.std_error_iid[:, 0], fit.std_error("CRV1")[:, 0]
    if not np.isfinite(estimate[0]):
        raise NotIdentifiedError(
            f"{request.specification.treatment} is collinear with the other terms and the fixed effects."
        )
    return Dealt(float(estimate[0]), float(estimate[0] / crv1[0]), estimate[1:], iid[1:], crv1[1:])


def deal_start_years(request: Request) -> Mapping[str, list[dict]]:
    """The draws and the summary of one request."""
    draws = request.options["draws"]
    dealt = deal(request)
    frame = pd.DataFrame(
        {
            "draw": np.arange(1, draws + 1),
            "estimate": dealt.estimates,
            "std_error_iid": dealt.std_errors_iid,
            "t_iid": dealt.estimates / dealt.std_errors_iid,
            "std_error_crv1": dealt.std_errors_crv1,
            "t_crv1": dealt.t_stats,
        }
    )
    p, n_draws = two_sided_p(dealt.estimate, dealt.estimates)
    p_t, _ = two_sided_p(dealt.t_stat, dealt.t_stats)
    valid = dealt.estimates[np.isfinite(dealt.estimates)]
    low, high = np.quantile(valid, [0.025, 0.975]) if n_draws else (np.nan, np.nan)
    summary = {
        "n_draws": n_draws,
        "estimate": dealt.estimate,
        "mean_of_draws": valid.mean() if n_draws else np.nan,
        "sd_of_draws": valid.std(ddof=1) if n_draws > 1 else np.nan,
        "quantile_025": low,
        "quantile_975": high,
        "randomisation_p": p,
        "randomisation_p_t": p_t,
        "notes": left_out_note(draws, n_draws),
    }
    return {"draws": frame.to_dict("records"), "summary": [summary]}


def left_out_note(draws: int, counted: int) -> list[str]:
    """How many of the draws could not be estimated; nothing where all could."""
    left_out = draws - counted
    return [f"{left_out} of {draws} draws could not be estimated and do not count."] * (left_out > 0)


def _dealt(request):
    """Cross products of one copy of the panel per cohort, treatment and outcome as targets; and weights (1 + draws,
    copies) that choose a copy of every city: the real cohort first, then those that it was dealt.
    """
    one, used = request.specification, request.rows.used
    city, year = request.panel.city[used], request.panel.year[used]
    cities, first_row, city = np.unique(city, return_index=True, return_inverse=True)
    start = np.nan_to_num(request.panel.first_treated_year(one.treatment)[used][first_row], nan=np.inf)
    exposure = Exposure.of(one.variant) if one.estimator == "fixed_effects" else Exposure("", 0, "")
    if exposure.chooses_rows:
        raise NotIdentifiedError(
            f"The variant '{one.variant}' chooses rows by the start: other starts cannot be dealt to these rows."
        )
    # City c in cohort g is unit c * cohorts + g.
    cohorts, cohort = np.unique(start, return_inverse=True)
    n, g = len(city), len(cohorts)
    copies = np.tile(np.arange(g), n)
    dose = np.repeat(request.panel.numbers(exposure.column)[used], g) if exposure.column else None
    treated = exposure.treatment(np.repeat(year - one.lag, g) - cohorts[copies], dose)
    cross_products = CrossProducts(
        np.repeat(city, g) * g + copies,
        np.repeat(year, g),
        np.column_stack([treated, np.repeat(request.outcome, g)]),
        np.repeat(request.control_matrix(used), g, axis=0),
    )
    draws = request.options["draws"]
    rng = generator(request.options["seed"], "placebo", one.treatment, one.lag, one.sample)
    dealt = np.vstack([cohort, permutations(cohort, draws, rng)])
    weights = np.zeros((draws + 1, len(cities) * g), dtype=np.int8)
    np.put_along_axis(weights, np.arange(len(cities)) * g + dealt, 1, axis=1)
    return cross_products, weights


def _columns(panel, specification, controls, options):
    """Outcome, policy and controls."""
    if specification.treatment not in panel.timing:
        raise InputError(
            f"A placebo deals out start years, and '{specification.treatment}' is not a policy of the treatment timing."
        )
    return resampling_columns(panel, specification, controls, options)


PLACEBO = Estimator(
    {"draws": Table(DRAW_COLUMNS), "summary": Table(SUMMARY_COLUMNS)},
    deal_start_years,
    columns=_columns,
    label=lambda specification, options: {"seed": options["seed"]},
    absent={**OPTIONAL_CELLS, "result": "placebo_test", "estimator": "placebo"},
    treated_cities=True,
)
