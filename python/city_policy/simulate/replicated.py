"""Estimators applied to many outcomes at once: rows, treatments and controls stay, only the outcome changes.

``city_policy.estimation`` fits one outcome; a Monte Carlo fits thousands with the same regressors. Every estimator
here is linear in the outcome, so that one factorisation serves them all. Every Monte Carlo holds each against the
estimator of ``city_policy.estimation`` that the build runs, on its own rows and first outcome
(:func:`city_policy.simulate.montecarlo.monte_carlo`); tests do so on other panels.

Shapes: n rows, R outcomes, k controls. Rows are sorted by city. ``first`` is the first treated year of the row's city,
0 for never, on the scale of ``year``.
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from city_policy.estimation.computation.dealt_starts import DealtStarts

COLLINEAR = 1e-9  # share of a column's length below which it counts as explained by the others


@dataclass(frozen=True)
class Rows:
    """The rows of a comparison: ``city`` codes, ``year`` and ``first`` (n,), ``controls`` (n, k), ``y`` (n, R)."""

    city: np.ndarray
    year: np.ndarray
    first: np.ndarray
    controls: np.ndarray
    y: np.ndarray

    @property
    def treated(self) -> np.ndarray:
        """(n,) True from the first treated year on."""
        return (self.first > 0) & (self.year >= self.first)


def comparable(rows: Rows) -> Rows:
    """The rows as ``estimation.estimators.staggered`` uses them: without cities that are treated in all their rows; a
    city without a treated row is never treated.
    """
    treated = rows.treated
    kept = np.isin(rows.city, rows.city[~treated])
    first = np.where(np.isin(rows.city, rows.city[treated]), rows.first, 0)
    return Rows(rows.city[kept], rows.year[kept], first[kept], rows.controls[kept], rows.y[kept])


def least_squares(rows: Rows, regressors: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray, float]]:
    """City and year effects: variance estimator → (estimates (R,), errors (R,), degrees of freedom) of the first of
    the ``regressors`` (n, p).

    Frisch, Waugh and Lovell: with x̃ and ỹ free of everything else, b = x̃'ỹ / x̃'x̃; iid and clustered sandwich with the
    degrees of freedom of ``city_policy.estimation.computation.regression``.
    """
    years = np.unique(rows.year)
    others = np.column_stack([rows.year[:, None] == years[1:], rows.controls, regressors[:, 1:]]).astype("float64")
    others = _within_city(rows.city, others)
    basis = linalg.orth(others / np.linalg.norm(others, axis=0), rcond=COLLINEAR)
    x, y = (_within_city(rows.city, part) for part in (regressors[:, :1], rows.y))
    x, y = x - basis @ (basis.T @ x), y - basis @ (basis.T @ y)
    size = (x**2).sum()
    estimate = (x.T @ y)[0] / size
    residual = y - x * estimate
    n, cities = len(rows.year), len(np.unique(rows.city))
    slopes = basis.shape[1] + 1
    degrees = n - cities - slopes
    iid = np.sqrt((residual**2).sum(axis=0) / degrees / size)
    scores = _city_sums(rows.city, x * residual)
    # City effects lie within the clusters and are not counted; a constant is.
    scale = cities / (cities - 1) * (n - 1) / (n - slopes - 1)
    clustered = np.sqrt(scale * (scores**2).sum(axis=0)) / size
    return {"iid": (estimate, iid, float(degrees)), "CRV1": (estimate, clustered, float(cities - 1))}


def _starts(city: np.ndarray) -> np.ndarray:
    return np.flatnonzero(np.r_[True, city[1:] != city[:-1]])


def _city_sums(city: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(cities, columns) sums of ``values`` (n, columns), whose rows are sorted by ``city``."""
    return np.add.reduceat(values, _starts(city), axis=0)


def _within_city(city: np.ndarray, values: np.ndarray) -> np.ndarray:
    """``values`` (n, columns) less their means by city."""
    counts = np.diff(np.r_[_starts(city), len(city)])
    return values - np.repeat(_city_sums(city, values) / counts[:, None], counts, axis=0)


def sun_abraham(rows: Rows) -> tuple[np.ndarray, np.ndarray, float]:
    """Estimates (R,), clustered errors (R,) and degrees of freedom of the average effect of Sun and Abraham (2021).

    The average Σ w_c b_c of the cohort × event time effects b is made a coefficient of its own: with D the sum of the
    treated dummies d_c and one cell r left out,  Σ b_c d_c = (Σ w_c b_c) D + Σ_{c≠r} (b_c − Σ w b) (d_c − w_c/w_r d_r).
    """
    rows = comparable(rows)
    event_time = np.where(rows.first > 0, rows.year - rows.first, -1)
    cells = np.unique(np.column_stack([rows.first, event_time])[(rows.first > 0) & (event_time != -1)], axis=0)
    dummies = ((rows.first[:, None] == cells[:, 0]) & (event_time[:, None] == cells[:, 1])).astype("float64")
    lags = cells[:, 1] >= 0
    effects, leads = dummies[:, lags], dummies[:, ~lags]
    sizes = effects.sum(axis=0)
    deviations = effects[:, 1:] - effects[:, :1] * (sizes[1:] / sizes[0])
    regressors = np.column_stack([effects.sum(axis=1), deviations, leads])
    return least_squares(rows, regressors)["CRV1"]


def imputation(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Estimates (R,) and clustered errors (R,) of Borusyak, Jaravel and Spiess (2024, Review of Economic Studies 91) by
    ``estimation.computation.dealt_starts``.
    """
    rows = comparable(rows)
    start = np.where(rows.first > 0, rows.first, np.inf)[_starts(rows.city)]
    dealt = DealtStarts(rows.city, rows.year, start, rows.controls, rows.y)
    found = dealt.fit("imputation", range(dealt.kept.sum()))
    return found.estimate, found.std_error


def callaway_santanna(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Estimates (R,) and errors (R,) of the average effect of Callaway and Sant'Anna (2021, Journal of Econometrics
    225): outcome regression, cities not yet treated, base the year before the start.

    Every ATT(g, t) is the mean of Δy − x'b over cohort g, with b of Δy on the base year's controls among cities not
    treated by t; cells are averaged by the cities of their cohort. The variance is that of the influence
    function, estimated weights included.
    """
    rows = comparable(rows)
    names, code = np.unique(rows.city, return_inverse=True)
    years = np.unique(rows.year)
    size, outcomes = len(names), rows.y.shape[1]
    place = np.full((size, len(years)), -1)
    place[code, np.searchsorted(years, rows.year)] = np.arange(len(code))
    first = rows.first[place.max(axis=1)]
    att, influence, cohort = [], [], []
    for g in np.unique(first[first > 0]):
        before = years[years < g]
        if not len(before):
            continue
        base = place[:, np.searchsorted(years, before[-1])]
        for t in years[years >= g]:
            now = place[:, np.searchsorted(years, t)]
            both = (base >= 0) & (now >= 0)
            own, other = both & (first == g), both & ((first == 0) | (first > t))
            if not own.any() or not other.any():
                continue
            x = np.column_stack([np.ones(size), rows.controls[base]])
            change = rows.y[now] - rows.y[base]
            inverse = np.linalg.pinv(x[other].T @ x[other], hermitian=True)
            residual = change - x @ (inverse @ (x[other].T @ change[other]))
            effect = residual[own].mean(axis=0)
            scores = np.zeros((size, outcomes))
            scores[own] = (residual[own] - effect) / own.sum()
            scores[other] = -residual[other] * (x[other] @ (inverse @ x[own].mean(axis=0)))[:, None]
            att.append(effect)
            influence.append(scores)
            cohort.append(first == g)
    # The shares of the cohorts are estimated too: (1{i in g} − share) / Σ share − share × Σ (1{i in g} − share) / (Σ
    # share)². These are shares of the cities, whether or not they are seen in both years of a cell.
    members = np.array(cohort, dtype="float64")
    share = members.mean(axis=1)
    weight = share / share.sum()
    estimate = weight @ np.array(att)
    spread = (members - share[:, None]) / share.sum()
    of_weights = (spread - (share / share.sum())[:, None] * spread.sum(axis=0)).T @ np.array(att) / size
    scores = np.tensordot(weight, np.array(influence), axes=1) + of_weights
    return estimate, np.sqrt((scores**2).sum(axis=0))
