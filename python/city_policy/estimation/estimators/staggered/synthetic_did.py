"""Synthetic difference-in-differences (Arkhangelsky et al. 2021, American Economic Review 111).

Staggered policies cohort by cohort, as Clarke, Pailañir, Athey and Imbens (2023, Stata Journal).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from city_policy.estimation.computation.cross_products import generator
from city_policy.estimation.computation.regression import AbsorbedEffects, independent
from city_policy.estimation.contract.record import NotIdentifiedError
from city_policy.estimation.estimators.staggered.comparison import NEVER, Comparison, Found, effect_row, in_order

FEWEST_YEARS_BEFORE = 2
PLACEBO_DRAWS = 100
SEED = 20250101
# The penalty of the time weights, in standard deviations of the yearly change: enough to make them unique.
TIME_PENALTY = 1e-6
# Sizes and effects of the cohorts -> one number.
Path = Callable[[Sequence[tuple[int, np.ndarray]]], float]


@dataclass(frozen=True)
class Cohort:
    """One cohort against the cities never treated: ``cities``: of the cohort; ``start``: its place; ``omega``: weights
    of the controls; ``lambda_``: weights of the years before.
    """

    cities: np.ndarray
    start: int
    omega: np.ndarray
    lambda_: np.ndarray


def synthetic_did(comparison: Comparison) -> Found:
    """Effects by synthetic difference-in-differences.

    For every cohort the controls, cities never treated, get weights omega >= 0 that bring their path before the start
    parallel to the cohort's, with the authors' ridge penalty (treated cities × years treated)^(1/4) × the standard
    deviation of the controls' yearly change; the years before get weights lambda >= 0 that predict the controls' mean
    after. Both are solved exactly, as non-negative least squares (R's synthdid stops its Frank-Wolfe steps a little
    before). The effect of a year is the treated mean less the weighted controls, less the same at the weighted years
    before; cohorts are averaged by treated city-years. The years before the start are fitted, so that there are no
    leads. Controls: what they explain among untreated city-years, with city and year effects, is taken off first.

    Error: the jackknife over cities with the weights held fixed, t with G - 1 degrees of freedom (their
    Algorithm 3, conservative). Where a cohort has one city it does not exist; the error is then the standard
    deviation of 100 placebos among the controls (Algorithm 4), which assumes that treated cities vary like the others.

    Raises NotIdentifiedError for a city without all years, a cohort with less than two years before, or no city that is
    never treated.
    """
    cohort = comparison.cohort
    _check(comparison, comparison.wide(comparison.outcome), cohort)
    adjusted, dropped = _without_controls(comparison)
    outcome = comparison.wide(adjusted)
    controls = np.flatnonzero(cohort == NEVER)
    cohorts = [_weigh(outcome, np.flatnonzero(cohort == g), controls, g) for g in comparison.cohorts]
    every_path: dict[int | None, Path] = {None: _average}
    every_path |= {e: _at(e) for e in range(outcome.shape[1] - min(comparison.cohorts) + 1)}
    estimates = {time: path(_gaps(outcome, controls, cohorts)) for time, path in every_path.items()}
    errors = _jackknife(outcome, controls, cohorts, every_path, estimates)
    notes = ["Standard errors by the jackknife over cities."]
    if errors is None:
        errors = _placebo(outcome, controls, cohorts, every_path)
        notes = [f"Standard errors from {PLACEBO_DRAWS} placebos among the cities never treated."]
    degrees = len(outcome) - 1
    rows = [effect_row(time, estimate, errors[time], degrees, adjusted) for time, estimate in estimates.items()]
    return Found(in_order(rows, reference=False), notes, dropped)


def _check(comparison, outcome, cohort):
    missing = np.argwhere(np.isnan(outcome))
    if len(missing):
        cities = len(np.unique(missing[:, 0]))
        city, year = missing[0]
        raise NotIdentifiedError(
            f"Synthetic difference-in-differences needs every city in every year: {cities} of {len(outcome)} cities "
            f"lack a year (first {comparison.adcodes[city]} in {comparison.years[year]})."
        )
    early = [g for g in comparison.cohorts if g - 1 < FEWEST_YEARS_BEFORE]
    if early:
        raise NotIdentifiedError(
            f"Synthetic difference-in-differences needs {FEWEST_YEARS_BEFORE} years before a start: the cohort of "
            f"{comparison.calendar(early[0])} has {early[0] - 1}."
        )
    controls = int((cohort == NEVER).sum())
    if controls < 2:
        raise NotIdentifiedError(
            f"Synthetic difference-in-differences needs two cities that are never treated; the rows hold {controls}."
        )


def _without_controls(comparison):
    """The outcome (n,) less what the controls explain, and the controls that are collinear."""
    if not comparison.controls.shape[1]:
        return comparison.outcome, []
    rows = comparison.keep(~comparison.treated)
    absorbed = AbsorbedEffects([rows.city, np.unique(rows.year, return_inverse=True)[1]])
    columns = np.column_stack([rows.outcome, rows.controls])
    swept = absorbed.sweep(columns)
    kept, basis = independent(swept[:, 1:], np.linalg.norm(columns[:, 1:], axis=0))
    if len(rows.city) - absorbed.rank <= kept.sum():
        raise NotIdentifiedError(
            f"{len(rows.city)} rows cannot determine {kept.sum()} terms beside {absorbed.rank} fixed effects."
        )
    slopes = np.linalg.solve(basis.T @ swept[:, 1:][:, kept], basis.T @ swept[:, 0])
    dropped = [name for name, fine in zip(comparison.control_names, kept, strict=True) if not fine]
    return comparison.outcome - comparison.controls[:, kept] @ slopes, dropped


def simplex_weights(columns: np.ndarray, target: np.ndarray, ridge: float) -> np.ndarray:
    """The w >= 0 with sum 1 that minimise ``|a + columns w - target|^2 + ridge |w|^2`` over w and the intercept a.

    ``columns``: (n, m); ``target``: (n,). Exact: it is the point of least norm in the convex hull of the columns of P
    = (columns - target, centred; sqrt(ridge) I), and u/sum(u) for the non-negative least squares u of (P; 1) on (0;
    1).
    """
    centred = columns - columns.mean(axis=0) - (target - target.mean())[:, None]
    points = np.vstack([centred, np.sqrt(ridge) * np.eye(columns.shape[1])])
    # Any scale gives the same weights; this one keeps the last row from being lost beside the others.
    scale = np.abs(points).max()
    points = np.vstack([points / scale if scale > 0 else points, np.ones((1, points.shape[1]))])
    solution = nnls(points, np.r_[np.zeros(len(points) - 1), 1.0])[0]
    return solution / solution.sum()


def _weigh(outcome: np.ndarray, cities: np.ndarray, controls: np.ndarray, start: int) -> Cohort:
    before, after = outcome[:, : start - 1], outcome[:, start - 1 :]
    noise = np.std(np.diff(before[controls], axis=1), ddof=1)
    size = (len(cities) * after.shape[1]) ** 0.25 * noise
    omega = simplex_weights(before[controls].T, before[cities].mean(axis=0), size**2 * before.shape[1])
    ridge = (TIME_PENALTY * noise) ** 2 * len(controls)
    lambda_ = simplex_weights(before[controls], after[controls].mean(axis=1), ridge)
    return Cohort(cities, start, omega, lambda_)


def _gaps(outcome, controls, cohorts, without: int | None = None) -> list[tuple[int, np.ndarray]]:
    """For every cohort its size and its effects from the start on; ``without``: a city that is left out."""
    result = []
    for one in cohorts:
        cities = one.cities[one.cities != without]
        omega = np.where(controls == without, 0.0, one.omega)
        gap = outcome[cities].mean(axis=0) - (omega / omega.sum()) @ outcome[controls]
        effects = gap[one.start - 1 :] - one.lambda_ @ gap[: one.start - 1]
        result.append((len(cities), effects))
    return result


def _average(gaps: Sequence[tuple[int, np.ndarray]]) -> float:
    return sum(n * effects.sum() for n, effects in gaps) / sum(n * len(effects) for n, effects in gaps)


def _at(event_time: int):
    def mean(gaps):
        present = [(n, effects[event_time]) for n, effects in gaps if len(effects) > event_time]
        return sum(n * effect for n, effect in present) / sum(n for n, _ in present)

    return mean


def _jackknife(outcome, controls, cohorts, paths, estimates):
    """Errors by event time; None where leaving out a city leaves nothing of a cohort or of its controls."""
    if any(len(one.cities) == 1 or one.omega.max() > 1 - 1e-9 for one in cohorts):
        return None
    size = len(outcome)
    squares = dict.fromkeys(paths, 0.0)
    for city in range(size):
        gaps = _gaps(outcome, controls, cohorts, city)
        for time, path in paths.items():
            squares[time] += (path(gaps) - estimates[time]) ** 2
    return {time: np.sqrt((size - 1) / size * total) for time, total in squares.items()}


def _placebo(outcome, controls, cohorts, paths):
    """Errors by event time from cohorts of the same sizes drawn among the controls."""
    treated = sum(len(one.cities) for one in cohorts)
    if len(controls) - treated < 2:
        raise NotIdentifiedError(
            f"A cohort has one city, and {len(controls)} cities never treated are too few for placebos of {treated}."
        )
    rng = generator(SEED, "synthetic difference-in-differences", len(controls))
    drawn: dict = {time: [] for time in paths}
    for _ in range(PLACEBO_DRAWS):
        order = rng.permutation(controls)
        rest, position, pseudo = np.sort(order[treated:]), 0, []
        for one in cohorts:
            chosen = order[position : position + len(one.cities)]
            position += len(one.cities)
            pseudo.append(_weigh(outcome, chosen, rest, one.start))
        gaps = _gaps(outcome, rest, pseudo)
        for time, path in paths.items():
            drawn[time].append(path(gaps))
    return {time: np.std(values) for time, values in drawn.items()}
