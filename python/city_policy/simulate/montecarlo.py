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
- ``imputation``: the same rows; city and year effects and controls are fitted on untreated rows, and the effect is the
  mean of what is left in treated ones (Borusyak, Jaravel and Spiess 2024, Review of Economic Studies 91). It is linear,
  v'y; its variance is Σ over cities of (Σ_t v_it ε_it)², where treated rows take off their event time's mean.

The truth is the mean planted effect over the treated rows used: against no policy of that kind for ``twfe`` (see
``truth.py``), of the policy's own rows for ``twfe_joint``, and against none for the other two.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from city_policy.errors import InputError
from city_policy.estimation.moments import Moments
from city_policy.simulate.effects import beyond_the_treated
from city_policy.simulate.parameters import Scenario
from city_policy.simulate.process import POLICIES, Panel, Streams, draw_panel, luck_of
from city_policy.simulate.truth import TAKEN_AWAY, effect_of
from city_policy.simulate.world import World, invent_world

STUDY_POLICIES = ("bcs", "iic", "dual")
OTHER_POLICIES = ("big_data_zone", "five_g_pilot")
CONTROLS = ("marketization", "fdi", "tertiary_share", "urbanization", "fintech")
# Outcomes that go through the engine together: its memory grows with the square of their number.
OUTCOMES_PER_PASS = 25
LEVEL = 0.95


@dataclass(frozen=True)
class _Design:
    """What stays the same over the replications; arrays (cities, years) of the sample."""

    panel: Panel
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
        One row per estimator, policy and variance estimator (``iid``, ``CRV1``; ``cluster`` for imputation):
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
    for name, policy_id, chosen, regressors, truth in _regressions(design):
        results = _least_squares(design, outcomes, chosen, regressors)
        for vcov, (estimate, error, degrees) in results.items():
            rows.append({"estimator": name, "policy_id": policy_id, "vcov": vcov, "truth": truth})
            rows[-1] |= _summary(estimate, error, degrees, truth)
    for policy_id in STUDY_POLICIES:
        chosen, truth = _net_rows(design, policy_id)
        estimate, error = _imputation(design, outcomes, chosen, policy_id)
        rows.append({"estimator": "imputation", "policy_id": policy_id, "vcov": "cluster", "truth": truth})
        rows[-1] |= _summary(estimate, error, np.inf, truth)
    table = pd.DataFrame(rows)
    table.insert(0, "scenario", scenario.name)
    return table


def _design(panel: Panel) -> _Design:
    world, scenario = panel.world, panel.scenario
    sample = ~world.excluded
    direct = sum(panel.effects[name]["index"] for name in POLICIES)
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


def _net_rows(design: _Design, policy_id: str) -> tuple[np.ndarray, float]:
    """Rows of the net comparison, (cities, years) boolean, and the mean planted effect on its treated rows."""
    sample = ~design.panel.world.excluded
    bcs, iic = design.first["bcs"] > 0, design.first["iic"] > 0
    dual = design.treated["dual"] > 0
    nothing = (design.treated["bcs"] == 0) & (design.treated["iic"] == 0)
    others = sum(design.panel.world.treated(name, design.panel.scenario.years) for name in OTHER_POLICIES)[sample]
    if policy_id == "dual":
        cities = (bcs & iic) | (~bcs & ~iic)
        chosen = cities[:, None] & (nothing | dual)
        effect = effect_of(design.panel, STUDY_POLICIES)[sample]
    else:
        other = iic if policy_id == "bcs" else bcs
        chosen = np.repeat(~other[:, None], nothing.shape[1], axis=1)
        effect = effect_of(design.panel, (policy_id,))[sample]
    chosen = chosen & (others == 0)
    return chosen, float(effect[chosen & (design.treated[policy_id] > 0)].mean())


def _regressions(design: _Design):
    """Every least-squares estimator: name, policy, rows, treatments (the policy's first), truth."""
    whole = np.ones(design.systematic.shape, dtype=bool)
    sample = ~design.panel.world.excluded
    for policy_id in STUDY_POLICIES:
        treated = design.treated[policy_id] > 0
        truth = effect_of(design.panel, TAKEN_AWAY[policy_id])[sample][treated].mean()
        yield "twfe", policy_id, whole, (policy_id,), float(truth)
    for policy_id in STUDY_POLICIES:
        others = tuple(name for name in STUDY_POLICIES if name != policy_id)
        truth = effect_of(design.panel, (policy_id,))[sample][design.treated[policy_id] > 0].mean()
        yield "twfe_joint", policy_id, whole, (policy_id, *others), float(truth)
    for policy_id in STUDY_POLICIES:
        chosen, truth = _net_rows(design, policy_id)
        yield "twfe_net", policy_id, chosen, (policy_id,), truth


def _least_squares(
    design: _Design, outcomes: np.ndarray, chosen: np.ndarray, regressors: tuple[str, ...]
) -> dict[str, tuple[np.ndarray, np.ndarray, float]]:
    """Variance estimator → (estimates, errors, degrees of freedom) of the first regressor over the replications."""
    city, year = np.nonzero(chosen)
    treatments = np.column_stack([design.treated[name][chosen] for name in regressors])
    controls = np.column_stack([control[chosen] for control in design.controls])
    columns = list(range(len(regressors)))
    pieces = []
    for start in range(0, outcomes.shape[2], OUTCOMES_PER_PASS):
        part = outcomes[:, :, start : start + OUTCOMES_PER_PASS][chosen]
        draws = Moments(city, year, np.column_stack([treatments, part]), controls).weigh()
        for k in range(part.shape[1]):
            fit = draws.regress(len(columns) + k, columns, clustered=True)
            pieces.append((fit.estimate[0, 0], fit.std_error_iid[0, 0], fit.std_error_crv1[0, 0]))
    estimate, iid, crv1 = np.array(pieces).T
    return {"iid": (estimate, iid, float(fit.degrees_iid[0])), "CRV1": (estimate, crv1, float(fit.degrees_crv1[0]))}


def _imputation(
    design: _Design, outcomes: np.ndarray, chosen: np.ndarray, policy_id: str
) -> tuple[np.ndarray, np.ndarray]:
    """Estimates and clustered errors of the imputation estimator over the replications."""
    city, year = np.nonzero(chosen)
    treated = design.treated[policy_id][chosen] > 0
    y = outcomes[chosen]
    # A city without an untreated row has no effect to impute with.
    alone = ~np.isin(city, city[~treated])
    city, year, treated, y = city[~alone], year[~alone], treated[~alone], y[~alone]
    controls = np.column_stack([control[chosen][~alone] for control in design.controls])
    names, code = np.unique(city, return_inverse=True)
    z = np.column_stack(
        [
            np.eye(len(names))[code],
            np.eye(chosen.shape[1])[year][:, 1:],
            (controls - controls.mean(0)) / controls.std(0),
        ]
    )
    inverse = np.linalg.pinv(z[~treated].T @ z[~treated], hermitian=True)
    weight = np.where(treated, 1 / treated.sum(), 0.0)
    weight[~treated] = -z[~treated] @ (inverse @ z[treated].mean(axis=0))
    residual = y - z @ (inverse @ (z[~treated].T @ y[~treated]))
    estimate = weight @ y
    event_time = year - (design.first[policy_id][city] - design.panel.scenario.first_year)
    for e in np.unique(event_time[treated]):
        own = treated & (event_time == e)
        residual[own] -= residual[own].mean(axis=0)
    starts = np.searchsorted(code, np.arange(len(names)))
    scores = np.add.reduceat(weight[:, None] * residual, starts, axis=0)
    return estimate, np.sqrt((scores**2).sum(axis=0))


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
