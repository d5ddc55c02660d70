"""Bias and coverage of the estimators of staggered policies, and the size of two-way tests with few treated cities.

``python bench/coverage.py --replications N`` prints the tables of docs/methods.md. The panel is that of the demo: 275
cities, 2011 to 2021, the cohorts of Broadband China (37 cities start in 2014, 35 in 2015, 34 in 2016). The noise of a
city is AR(1) with coefficient 0.5 and standard deviation 1, independent between cities; there are no controls, and
city and year effects need not be drawn, because every estimator takes them out. The effect is 0.3 throughout
(constant), 0.1 for every year of treatment (growing), or 0.5, 0.3 and 0.1 by cohort (by cohort).

Every estimator is held against its own target: the mean effect with the weights that it says it has. Adding a
constant effect moves every estimate by that constant, so that a test of no effect where there is none rejects as
often as the interval of the constant effect misses.
"""

import argparse
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from city_policy.estimation.computation.regression import AbsorbedEffects
from city_policy.estimation.contract.panel import Panel
from city_policy.estimation.contract.runner import run
from city_policy.estimation.estimators.robust_inference import ROBUST_INFERENCE
from city_policy.estimation.estimators.staggered import METHODS
from city_policy.estimation.estimators.staggered.comparison import NEVER, Cells, Comparison, Found, common_window

YEARS = range(2011, 2022)
COHORTS = {2014: 37, 2015: 35, 2016: 34}
CITIES = 275
PERSISTENCE = 0.5
SCENARIOS = ("constant", "growing", "by cohort")
FEW_TREATED = (3, 8, 20, 55)
WILD_DRAWS, PLACEBO_DRAWS = 399, 399
SEED = 20250101


def two_way(comparison: Comparison) -> Found:
    """Two-way fixed effects with the clustered error of the build (CRV1)."""
    absorbed = AbsorbedEffects([comparison.city, comparison.year - 1])
    cells = comparison.treated[:, None].astype("float64")
    regression = Cells(
        comparison.outcome,
        comparison.controls,
        comparison.control_names,
        cells,
        comparison.city,
        absorbed.sweep,
        absorbed.rank,
        len(comparison.years),
    )
    return regression.effects({None: np.ones(1)})


ESTIMATORS: Mapping[str, Callable[[Comparison], Found]] = {"two_way": two_way, **METHODS}


def empty_panel(cities: int = CITIES, cohorts: Mapping[int, int] = COHORTS, years: range = YEARS) -> Comparison:
    """A balanced panel without an outcome; the first cities are the treated ones."""
    starts = np.repeat(
        [*(year - years[0] + 1 for year in cohorts), NEVER], [*cohorts.values(), cities - sum(cohorts.values())]
    )
    city, year = np.repeat(np.arange(cities), len(years)), np.tile(np.arange(1, len(years) + 1), cities)
    rows = len(city)
    names = np.array([f"{i:06d}" for i in range(cities)])
    return Comparison(
        city, year, starts[city], np.zeros(rows), np.empty((rows, 0)), (), np.array(years), names, "policy"
    )


def planted(comparison: Comparison, scenario: str) -> np.ndarray:
    """The effect of every row, (n,)."""
    age = comparison.year - comparison.first + 1
    by_cohort = np.zeros(len(comparison.years) + 1)
    by_cohort[comparison.cohorts] = np.linspace(0.5, 0.1, len(comparison.cohorts))
    effect = {"constant": np.full(len(age), 0.3), "growing": 0.1 * age, "by cohort": by_cohort[comparison.first]}
    return np.where(comparison.treated, effect[scenario], 0.0)


def target(estimator: str, comparison: Comparison, effect: np.ndarray) -> float:
    """The mean effect with the weights of the estimator's average."""
    if estimator not in ("stacked", "local_projections"):
        # Two-way fixed effects is held against what its users take it for.
        return float(effect[comparison.treated].mean())
    cohort, table = comparison.cohort, comparison.wide(effect)
    starts = np.where(cohort == NEVER, 2 * len(comparison.years), cohort)
    cohorts, last = common_window(comparison, lambda g, end: int((starts > g + end).sum()))
    own = np.array([(cohort == g).sum() for g in cohorts], dtype="float64")
    others = np.array([(starts > g + last).sum() for g in cohorts])
    weight = own if estimator == "stacked" else own * others / (own + others)
    means = [table[cohort == g, g - 1 : g + last].mean() for g in cohorts]
    return float(weight @ means / weight.sum())


def noise(rng: np.random.Generator, cities: int, years: int) -> np.ndarray:
    """(cities × years,) AR(1) within cities, standard deviation 1."""
    shocks = rng.standard_normal((cities, years))
    result = np.empty_like(shocks)
    result[:, 0] = shocks[:, 0]
    for t in range(1, years):
        result[:, t] = PERSISTENCE * result[:, t - 1] + np.sqrt(1 - PERSISTENCE**2) * shocks[:, t]
    return result.ravel()


def simulate(
    comparison: Comparison, replications: int, seed: int, scenarios=SCENARIOS, estimators=tuple(ESTIMATORS)
) -> pd.DataFrame:
    """One row per scenario and estimator: bias, spread, mean error and coverage, with Monte Carlo errors."""
    rng = np.random.default_rng(seed)
    drawn: dict[tuple[str, str], list] = {(scenario, name): [] for scenario in scenarios for name in estimators}
    effects = {scenario: planted(comparison, scenario) for scenario in scenarios}
    targets = {(s, name): target(name, comparison, effects[s]) for s, name in drawn}
    for _ in range(replications):
        shocks = noise(rng, len(comparison.adcodes), len(comparison.years))
        for (scenario, name), results in drawn.items():
            rows = replace(comparison, outcome=shocks + effects[scenario])
            average = next(row for row in ESTIMATORS[name](rows).effects if row["event_time"] is None)
            truth = targets[scenario, name]
            covered = average["ci_low"] <= truth <= average["ci_high"]
            results.append((average["estimate"] - truth, average["std_error"], covered))
    rows = []
    for (scenario, name), results in drawn.items():
        miss, error, covered = np.array(results, dtype="float64").T
        rows.append(
            {
                "scenario": scenario,
                "estimator": name,
                "target": targets[scenario, name],
                "bias": miss.mean(),
                "bias_mc_error": miss.std(ddof=1) / np.sqrt(replications),
                "spread": miss.std(ddof=1),
                "error_to_spread": np.sqrt((error**2).mean()) / miss.std(ddof=1),
                "coverage": covered.mean(),
                "coverage_mc_error": np.sqrt(max(covered.mean() * (1 - covered.mean()), 1e-4) / replications),
            }
        )
    return pd.DataFrame(rows)


def few_treated(treated: int, replications: int, seed: int) -> dict[str, float]:
    """How often tests of two-way fixed effects reject no effect at 5 % where there is none, by method."""
    share = np.array_split(np.arange(treated), len(COHORTS))
    comparison = empty_panel(cohorts={year: len(part) for year, part in zip(COHORTS, share, strict=True)})
    rng = np.random.default_rng(seed)
    outcomes = {f"y{i}": noise(rng, CITIES, len(YEARS)) for i in range(replications)}
    frame = pd.DataFrame({"adcode": comparison.adcodes[comparison.city], "year": comparison.years[comparison.year - 1]})
    frame = pd.concat([frame.assign(everyone=True), pd.DataFrame(outcomes)], axis=1)
    starts = [comparison.calendar(g) if g else None for g in comparison.cohort]
    timing = pd.DataFrame({"adcode": comparison.adcodes, "policy_id": "policy", "first_treated_year": starts})
    panel = Panel(frame, timing)
    asked = pd.DataFrame(
        {"spec_id": list(outcomes), "outcome": list(outcomes), "treatment": "policy", "sample": "everyone"}
    )
    (inference,) = run(
        ROBUST_INFERENCE, panel, asked, bootstrap_draws=1, wild_draws=WILD_DRAWS, draws=PLACEBO_DRAWS, seed=seed
    )
    return (inference["p_value"] < 0.05).groupby(inference["method"]).mean().drop("pairs_bootstrap").to_dict()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replications", type=int, default=400, help="panels drawn (default 400)")
    parser.add_argument("--seed", type=int, default=SEED, help=f"of all draws (default {SEED})")
    asked = parser.parse_args()
    begin = time.perf_counter()
    table = simulate(empty_panel(), asked.replications, asked.seed)
    print(table.round(4).to_string(index=False), flush=True)
    print(f"{time.perf_counter() - begin:.0f} s", flush=True)
    sizes = pd.DataFrame({n: few_treated(n, asked.replications, asked.seed + n) for n in FEW_TREATED})
    print(f"\nRejections of a true null at 5 %, by number of treated cities among {CITIES}:")
    print(sizes.round(4).to_string())
    print(f"Monte Carlo error at 5 %: {np.sqrt(0.05 * 0.95 / asked.replications):.4f}")
    print(f"{time.perf_counter() - begin:.0f} s")


if __name__ == "__main__":
    main()
