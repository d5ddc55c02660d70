"""Monte Carlo at the level of the index: how estimators do when the truth is known.

One panel of the scenario is drawn: treatments, controls, mediators and planted effects stay as they are, and in every
replication the outcome is

    y_it = Σ slope × control + planted effect_it + (what breaks parallel trends) + noise_it

the effect through the mediators included, with new noise: AR(1) plus a drift of each city, drawn plainly, independent
between cities and never balanced. City and year effects need not be drawn, every estimator sweeps them out.
Estimators, all with the five controls:

- ``twfe``: city and year effects, one policy at a time, all cities: what the paper estimates.
- ``twfe_joint``: the three treatments together.
- ``twfe_net``: one policy alone against the cities without any; for dual, city-years with both against none. City-years
  that hold something else, big-data zone and 5G pilot included, are left out.
- ``imputation``, ``callaway_santanna``, ``sun_abraham``: the same rows, by the estimators of
  ``estimators.staggered``. The last two need the year before the start, which the rows for dual lack.

All are written for many outcomes at once (``replicated.py``), a thousand times quicker than one by one. Every run
checks that they are the estimators of the build: the first outcome of every comparison is estimated by
``city_policy.estimation`` too, and numbers that differ end the run.

The truth is the mean planted effect over the treated rows used: against no policy of that kind for ``twfe`` (see
``truth.py``), of the policy's own rows for ``twfe_joint``, and against none for the others. ``callaway_santanna`` has
a mean of its own: cohorts weigh by their cities, whether or not the rows hold all of them in a year.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from city_policy.errors import InputError
from city_policy.estimation.contract.panel import Panel
from city_policy.estimation.contract.runner import run
from city_policy.estimation.estimators.fixed_effects import FIXED_EFFECTS
from city_policy.estimation.estimators.staggered import STAGGERED
from city_policy.simulate.effects import beyond_the_treated
from city_policy.simulate.parameters import Scenario
from city_policy.simulate.process import POLICIES, Streams, draw_panel, luck_of
from city_policy.simulate.process import Panel as Draw
from city_policy.simulate.replicated import (
    Rows,
    callaway_santanna,
    comparable,
    imputation,
    least_squares,
    sun_abraham,
)
from city_policy.simulate.truth import TAKEN_AWAY, effect_of
from city_policy.simulate.world import World, invent_world

STUDY_POLICIES = ("bcs", "iic", "dual")
OTHER_POLICIES = ("big_data_zone", "five_g_pilot")
CONTROLS = ("marketization", "fdi", "tertiary_share", "urbanization", "fintech")
LEVEL = 0.95
AGREEMENT = 1e-6  # relative; the imputation of diff-diff iterates to 1e-8


@dataclass(frozen=True)
class _Design:
    """What stays the same over the replications; arrays (cities, years) of the sample."""

    panel: Draw
    first: dict[str, np.ndarray]
    treated: dict[str, np.ndarray]
    controls: list[np.ndarray]
    systematic: np.ndarray
    calm: np.ndarray


def monte_carlo(world: World, scenario: Scenario, replications: int, seed: int) -> pd.DataFrame:
    """Bias, root mean square error, coverage and rejection of every estimator in a scenario.

    Args:
        world: the real frame; a scenario with a number of cities invents its own.
        replications: at least 2.
        seed: of the panel and of the noise.

    Returns:
        One row per estimator, policy and variance estimator (``iid``, ``CRV1``; ``cluster`` for the last three):
        ``truth``, ``mean_estimate``, ``bias``, ``rmse``, ``mean_std_error`` in units of the index, ``coverage`` of the
        95 % interval and ``rejection`` of no effect at 5 % as shares, each with its Monte Carlo standard error.

    Raises:
        InputError: fewer than two replications, or a scenario that cannot be drawn.
    """
    if replications < 2:
        raise InputError(f"{replications} replications are too few for a Monte Carlo error; ask for at least 2.")
    if scenario.cities:
        world = invent_world(world, scenario.cities, seed)
    design = _design(draw_panel(seed, world, scenario))
    outcomes = _outcomes(design, scenario, replications, seed)
    rows = []
    for case in _cases(design, outcomes):
        fits = _fit(case)
        hold_against_the_build(case, {vcov: (fit[0][0], fit[1][0]) for vcov, fit in fits.items()})
        for vcov, (estimate, error, degrees) in fits.items():
            rows.append({"estimator": case.estimator, "policy_id": case.policy_id, "vcov": vcov, "truth": case.truth})
            rows[-1] |= _summary(estimate, error, degrees, case.truth)
    table = pd.DataFrame(rows)
    table.insert(0, "scenario", scenario.name)
    return table


def _design(panel: Draw) -> _Design:
    world, scenario = panel.world, panel.scenario
    sample = ~world.excluded
    nothing = np.zeros((world.size, len(scenario.years)))
    direct = sum((panel.effects[name]["index"] for name in POLICIES), nothing)
    systematic = effect_of(panel, POLICIES) + beyond_the_treated(
        world, scenario.years, direct, scenario.trend_per_year, scenario.spillover_share
    )
    for name, slope in scenario.control_slopes:
        systematic = systematic + slope * panel.covariates[name]
    return _Design(
        panel=panel,
        first={name: world.first_treated[name][sample] for name in STUDY_POLICIES},
        treated={name: world.treated(name, scenario.years)[sample] for name in STUDY_POLICIES},
        controls=[panel.covariates[name][sample] for name in CONTROLS],
        systematic=systematic[sample],
        calm=np.where(luck_of(world, scenario) < 1, scenario.tier_calm, 1.0)[sample],
    )


def _outcomes(design: _Design, scenario: Scenario, replications: int, seed: int) -> np.ndarray:
    """(cities, years, replications) outcomes: what is systematic and new noise."""
    size, periods = design.systematic.shape
    generator = Streams(seed, scenario.persistence).generator("monte carlo")
    rho = scenario.index_persistence
    shocks = generator.standard_normal((size, periods, replications))
    noise = np.empty_like(shocks)
    noise[:, 0] = shocks[:, 0]
    for period in range(1, periods):
        noise[:, period] = rho * noise[:, period - 1] + np.sqrt(1 - rho**2) * shocks[:, period]
    noise *= scenario.index_noise_sd * design.calm[:, None, None]
    drift = scenario.index_drift_sd * generator.standard_normal((size, 1, replications))
    time = np.arange(periods) - (periods - 1) / 2
    return design.systematic[:, :, None] + noise + drift * time[None, :, None]


def _net_rows(design: _Design, policy_id: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the net comparison, (cities, years) boolean, and the planted effects, (cities, years)."""
    sample = ~design.panel.world.excluded
    bcs, iic = design.first["bcs"] > 0, design.first["iic"] > 0
    dual = design.treated["dual"] > 0
    nothing = (design.treated["bcs"] == 0) & (design.treated["iic"] == 0)
    world, years = design.panel.world, design.panel.scenario.years
    others = [world.treated(name, years)[sample] > 0 for name in OTHER_POLICIES]
    if policy_id == "dual":
        cities = (bcs & iic) | (~bcs & ~iic)
        chosen = cities[:, None] & (nothing | dual)
        effect = effect_of(design.panel, STUDY_POLICIES)[sample]
    else:
        other = iic if policy_id == "bcs" else bcs
        chosen = np.repeat(~other[:, None], nothing.shape[1], axis=1)
        effect = effect_of(design.panel, (policy_id,))[sample]
    return chosen & ~np.logical_or.reduce(others), effect


def _mean_by_cohort(rows: Rows, effect: np.ndarray) -> float:
    """The mean effect that Callaway and Sant'Anna average: of every cohort and year the mean ``effect`` (n,) over the
    cities seen then and in the year before the start, by the cities of the cohort.
    """
    rows = comparable(replace(rows, y=effect[:, None]))
    means, sizes = [], []
    for g in np.unique(rows.first[rows.first > 0]):
        own = rows.first == g
        based = np.isin(rows.city, rows.city[own & (rows.year == g - 1)])
        for t in np.unique(rows.year[own & based & (rows.year >= g)]):
            means.append(rows.y[own & based & (rows.year == t)].mean())
            sizes.append(len(np.unique(rows.city[own])))
    return float(np.average(means, weights=sizes))


class _Case(NamedTuple):
    """One comparison: an estimator, its rows, and for ``twfe`` the treatments (n, p), that of the policy first."""

    estimator: str
    policy_id: str
    truth: float
    rows: Rows
    treatments: np.ndarray | None = None


def _cases(design: _Design, outcomes: np.ndarray) -> Iterator[_Case]:
    sample = ~design.panel.world.excluded
    whole = np.ones(design.systematic.shape, dtype=bool)
    for policy_id in STUDY_POLICIES:
        treated = design.treated[policy_id] > 0
        others = [name for name in STUDY_POLICIES if name != policy_id]
        rows = _rows(design, outcomes, policy_id, whole)
        treatments = np.column_stack([design.treated[name][whole] for name in (policy_id, *others)]).astype("float64")
        truth = float(effect_of(design.panel, TAKEN_AWAY[policy_id])[sample][treated].mean())
        yield _Case("twfe", policy_id, truth, rows, treatments[:, :1])
        truth = float(effect_of(design.panel, (policy_id,))[sample][treated].mean())
        yield _Case("twfe_joint", policy_id, truth, rows, treatments)
    for policy_id in STUDY_POLICIES:
        chosen, effect = _net_rows(design, policy_id)
        rows = _rows(design, outcomes, policy_id, chosen)
        truth = float(effect[chosen & (design.treated[policy_id] > 0)].mean())
        yield _Case("twfe_net", policy_id, truth, rows, rows.treated[:, None].astype("float64"))
        yield _Case("imputation", policy_id, truth, rows)
        if policy_id != "dual":
            yield _Case("callaway_santanna", policy_id, _mean_by_cohort(rows, effect[chosen]), rows)
            yield _Case("sun_abraham", policy_id, truth, rows)


def _fit(case: _Case) -> dict[str, tuple[np.ndarray, np.ndarray, float]]:
    """Variance estimator -> estimates, errors (R,) and degrees of freedom."""
    if case.treatments is not None:
        return least_squares(case.rows, case.treatments)
    if case.estimator == "sun_abraham":
        return {"cluster": sun_abraham(case.rows)}
    function = {"imputation": imputation, "callaway_santanna": callaway_santanna}[case.estimator]
    return {"cluster": (*function(case.rows), np.inf)}


def hold_against_the_build(case: _Case, numbers: dict[str, tuple[float, float]]) -> None:
    """Raises AssertionError if the estimator of the build finds other numbers for the first outcome of ``case``.

    ``numbers``: variance estimator -> estimate and standard error.
    """
    rows = case.rows
    frame = pd.DataFrame({"adcode": [f"{city:06d}" for city in rows.city], "year": rows.year, "chosen": True})
    frame["outcome"] = rows.y[:, 0]
    frame[[f"control_{i}" for i in range(rows.controls.shape[1])]] = rows.controls
    timing = frame[["adcode"]].assign(policy_id="policy", first_treated_year=rows.first).drop_duplicates()
    timing["first_treated_year"] = timing["first_treated_year"].where(timing["first_treated_year"] > 0).astype("Int64")
    one = {"spec_id": "one", "result": "montecarlo", "outcome": "outcome", "treatment": "policy", "sample": "chosen"}
    one["estimator"], estimator = case.estimator, STAGGERED
    if case.treatments is not None:
        names = [f"treatment_{i}" for i in range(case.treatments.shape[1])]
        frame[names] = case.treatments
        one |= {"treatment": names[0], "extra_controls": " ".join(names[1:])}
        estimator = replace(FIXED_EFFECTS, absent=STAGGERED.absent)
    controls = [name for name in frame if name.startswith("control_")]
    (record,) = run(estimator, Panel(frame, timing), pd.DataFrame([one]), controls)
    average = record["event_time"].isna() if "event_time" in record else record["term"] == one["treatment"]
    for row in record[average].itertuples():
        built = np.array([row.estimate, row.std_error])
        if not np.allclose(numbers[row.vcov], built, rtol=AGREEMENT, atol=0):
            raise AssertionError(
                f"The Monte Carlo finds {numbers[row.vcov]} by {case.estimator} for {case.policy_id} ({row.vcov}), the "
                f"estimator of the build finds {tuple(built)} {row.message or ''}: it would grade another estimator."
            )


def _rows(design: _Design, outcomes: np.ndarray, policy_id: str, chosen: np.ndarray) -> Rows:
    city, period = np.nonzero(chosen)
    return Rows(
        city=city,
        year=period + design.panel.scenario.first_year,
        first=design.first[policy_id][city],
        controls=np.column_stack([control[chosen] for control in design.controls]),
        y=outcomes[chosen],
    )


def _summary(estimate: np.ndarray, error: np.ndarray, degrees: float, truth: float) -> dict[str, float]:
    count = len(estimate)
    critical = stats.t.ppf(0.5 + LEVEL / 2, degrees)
    miss = estimate - truth
    rmse = np.sqrt((miss**2).mean())
    covered, rejected = np.abs(miss) <= critical * error, np.abs(estimate) > critical * error

    def share_error(share):
        return np.sqrt(share * (1 - share) / count)

    return {
        "replications": count,
        "mean_estimate": estimate.mean(),
        "bias": miss.mean(),
        "bias_mc_error": miss.std(ddof=1) / np.sqrt(count),
        "rmse": rmse,
        "rmse_mc_error": (miss**2).std(ddof=1) / (2 * rmse * np.sqrt(count)),
        "mean_std_error": error.mean(),
        "coverage": covered.mean(),
        "coverage_mc_error": share_error(covered.mean()),
        "rejection": rejected.mean(),
        "rejection_mc_error": share_error(rejected.mean()),
    }
