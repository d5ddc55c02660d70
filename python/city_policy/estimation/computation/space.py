"""Distances between cities, and what nearby cities have in common: Conley's standard errors and Moran's I.

**Distances** are those of great circles (haversine) on a sphere with the Earth's mean radius, in kilometres.

**Conley errors** (Conley 1999, Journal of Econometrics 92). A coefficient differs from its expectation by the sum of
its moves u_it = [(X'X)^-1 X_it'] e_it of city i in year t. With K(d) the kernel of the distance d between two cities,
``uniform`` (1 up to the cutoff) or ``bartlett`` (1 - d / cutoff up to it), its variance is by ``dependence``

- ``year``: the sum over t, i, j of K(d_ij) u_it u_jt: errors hang together within a year only;
- ``same_year``: the same, and all pairs of years of one city with weight 1 (Hsiang 2010, PNAS 107; he lets them fall
  with the lag, here they are as free as in clustering by city);
- ``all_years``: the sum over i, j of K(d_ij) u_i u_j with u_i the sum of a city's moves: nearby cities hang together in
  all pairs of years. R's fixest computes this on a panel, because its ``vcov_conley`` adds up the moves of one place
  and knows no years.

The last two are errors clustered by city where the cutoff is 0. The factor is (n - 1) / (n - K), as fixest's ``conley``
has it: K counts as in ``computation.regression``, without G / (G - 1). Neither kernel keeps the variance positive in
two dimensions; one that is not positive says nothing.

**Moran's I** of e_1 ... e_n with mean zero and weights w_ij: (n / sum of w) sum of w_ij e_i e_j / sum of e_i^2. Its
mean and its variance under independent normal errors are those of Cliff and Ord (1981, Spatial Processes, pp. 42-44).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from city_policy.errors import InputError
from city_policy.estimation.contract.record import NotIdentifiedError

EARTH_RADIUS_KM = 6371.0
KERNELS = ("uniform", "bartlett")
DEPENDENCE = ("year", "same_year", "all_years")
# A variance below this share of the clustered one is zero up to rounding.
NO_VARIANCE = 1e-10
# How many cities a sentence names.
MOST_NAMED = 5


class Places:
    """Where cities lie.

    ``coordinates``: one row per ``adcode`` (text) with ``longitude`` and ``latitude`` in degrees, missing where they
    are not known. Raises InputError for a missing column, a repeated city, or degrees beyond +-180 and +-90.
    """

    def __init__(self, coordinates: pd.DataFrame):
        for name in ("adcode", "longitude", "latitude"):
            if name not in coordinates.columns:
                raise InputError(f"The coordinates have no column '{name}'.")
        if coordinates["adcode"].duplicated().any():
            twice = coordinates.loc[coordinates["adcode"].duplicated(), "adcode"].iloc[0]
            raise InputError(f"The coordinates hold adcode {twice} more than once; expected one row each.")
        known = coordinates.dropna(subset=["longitude", "latitude"])
        degrees = known[["longitude", "latitude"]].to_numpy(dtype="float64")
        beyond = (np.abs(degrees) > (180.0, 90.0)).any(axis=1)
        if beyond.any():
            row = known[beyond].iloc[0]
            raise InputError(
                f"The coordinates hold ({row['longitude']}, {row['latitude']}) for {row['adcode']}; expected degrees "
                "of longitude from -180 to 180 and of latitude from -90 to 90."
            )
        self._radians = dict(zip(known["adcode"].astype("str"), np.radians(degrees), strict=True))

    def lack(self, adcodes: Sequence[str]) -> list[str]:
        """Those of the cities whose place is not known."""
        return [adcode for adcode in adcodes if adcode not in self._radians]

    def require(self, adcodes: Sequence[str], which: str) -> None:
        """Raises NotIdentifiedError unless all places are known; ``which``: what the cities are called."""
        lacking = self.lack(adcodes)
        if lacking:
            named = ", ".join(lacking[:MOST_NAMED]) + (" ..." if len(lacking) > MOST_NAMED else "")
            raise NotIdentifiedError(f"{len(lacking)} of the {len(adcodes)} {which} have no coordinates: {named}.")

    def distances(self, adcodes: Sequence[str], others: Sequence[str] | None = None) -> np.ndarray:
        """Kilometres between cities, (cities, others); NaN where a place is not known."""
        nowhere = np.array([np.nan, np.nan])
        first = np.array([self._radians.get(adcode, nowhere) for adcode in adcodes]).reshape(-1, 2)
        second = first
        if others is not None:
            second = np.array([self._radians.get(adcode, nowhere) for adcode in others]).reshape(-1, 2)
        half = (first[:, None] - second[None]) / 2
        across = np.cos(first[:, 1])[:, None] * np.cos(second[:, 1])[None]
        chord = np.sin(half[..., 1]) ** 2 + across * np.sin(half[..., 0]) ** 2
        return 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(chord, 1.0)))


def kernel_weights(distances: np.ndarray, kernel: str, cutoff: float) -> np.ndarray:
    """K(d), (G, G), of ``distances`` (G, G) in kilometres; a city's weight with itself is 1."""
    near = distances <= cutoff
    weights = near.astype("float64")
    if kernel == "bartlett" and cutoff > 0:
        weights = np.where(near, 1 - distances / cutoff, 0.0)
    np.fill_diagonal(weights, 1.0)
    return weights


def by_year(moves: np.ndarray, city: np.ndarray, year: np.ndarray) -> np.ndarray:
    """``moves`` (n,) as a table (G, T), zero where a city has no row; ``city``, ``year``: codes 0 ... (n,)."""
    table = np.zeros((int(city.max()) + 1, int(year.max()) + 1))
    table[city, year] = moves
    return table


def conley_variance(table: np.ndarray, weights: np.ndarray, dependence: str) -> float:
    """The variance of a coefficient without its factor; ``table``: its moves (G, T); ``weights``: K(d), (G, G)."""
    cities = table.sum(axis=1)
    if dependence == "all_years":
        return float(cities @ weights @ cities)
    within = float((table * (weights @ table)).sum())
    return within + float(cities @ cities - (table**2).sum()) * (dependence == "same_year")


def positive_variance(variance: float, clustered: float) -> float:
    """``variance``, once it is positive; ``clustered``: that by city, which says what is zero up to rounding.

    Raises NotIdentifiedError if it is not.
    """
    if not variance > NO_VARIANCE * clustered:
        raise NotIdentifiedError("The kernel makes the variance zero or negative at this distance: there is no error.")
    return variance


def neighbour_weights(distances: np.ndarray, cutoff: float | None = None, nearest: int | None = None) -> csr_array:
    """Weights of the neighbours of every city, (G, G): those within ``cutoff`` kilometres, or the ``nearest`` ones (of
    two at one distance the first), alike and summing to 1; a city without neighbours has none.
    """
    away = distances.copy()
    np.fill_diagonal(away, np.inf)
    if nearest is not None:
        order = np.argsort(away, axis=1, kind="stable")[:, : min(nearest, len(away) - 1)]
        near = np.zeros(away.shape, dtype=bool)
        np.put_along_axis(near, order, True, axis=1)
    else:
        near = away <= cutoff
    return csr_array(near / np.maximum(near.sum(axis=1, keepdims=True), 1))


@dataclass(frozen=True)
class Moran:
    """Moran's I by year and over all years (the last place), (T + 1,) each: the statistic, its mean and standard
    deviation under independent normal errors, and p by permuting whole cities, two-sided, the data counted among the
    draws, with the draws that count. NaN where a year has no neighbours or no variation.
    """

    statistic: np.ndarray
    expected: np.ndarray
    std_dev: np.ndarray
    p_value: np.ndarray
    draws: np.ndarray


def moran(residuals: np.ndarray, present: np.ndarray, weights: csr_array, permutations: np.ndarray) -> Moran:
    """Moran's I of ``residuals`` (G, T) in the city-years ``present`` (G, T, boolean; zero in others).

    ``weights``: (G, G), which are not brought to sum 1 again in years that lack cities; ``permutations``: (draws, G):
    every draw moves whole cities, with all their years, to the places of others.
    """
    statistic = _moran(residuals[None], present[None], weights)[0]
    drawn = np.concatenate(
        [
            _moran(residuals[some], present[some], weights)
            for some in np.array_split(permutations, max(1, len(permutations) // 250))
        ]
    )
    # A draw that leaves the cities of a year without neighbours says nothing of it.
    known = np.isfinite(drawn)
    counted = known.sum(axis=0)
    middle = np.where(known, drawn, 0.0).sum(axis=0) / np.maximum(counted, 1)
    # What differs by rounding counts as equal.
    beyond = np.abs(drawn - middle) >= np.abs(statistic - middle) * (1 - 1e-9)
    p_value = (1 + beyond.sum(axis=0)) / (1 + counted)
    expected, std_dev = _moran_moments(present, weights)
    unknown = ~np.isfinite(statistic)
    return Moran(statistic, expected, std_dev, np.where(unknown, np.nan, p_value), counted)


def _moran(residuals, present, weights):
    """The statistic by draw and year, (draws, T + 1), of tables (draws, G, T)."""

    def form(table):
        draws, cities, years = table.shape
        columns = table.transpose(1, 0, 2).reshape(cities, draws * years)
        return (columns * (weights @ columns)).sum(axis=0).reshape(draws, years)

    def with_total(table):
        return np.column_stack([table, table.sum(axis=1)])

    counts = present.astype("float64")
    # Where every city has every year no draw changes who has neighbours.
    total = form(counts[:1] if present.all() else counts)
    products, total, n = (with_total(table) for table in (form(residuals), total, counts.sum(axis=1)))
    squares = with_total((residuals**2).sum(axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((total > 0) & (squares > 0), n / total * products / squares, np.nan)


def _moran_moments(present, weights):
    """Mean and standard deviation by year and over all, (T + 1,) each; years have no neighbours in one another."""
    both = (weights + weights.T).toarray()
    sums = np.array(
        [
            (
                mask.sum(),
                (weights.toarray()[np.ix_(mask, mask)]).sum(),
                (both[np.ix_(mask, mask)] ** 2).sum() / 2,
                (both[np.ix_(mask, mask)].sum(axis=1) ** 2).sum(),
            )
            for mask in present.T
        ]
    )
    n, s0, s1, s2 = np.vstack([sums, sums.sum(axis=0)]).T
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = -1 / (n - 1)
        variance = (n**2 * s1 - n * s2 + 3 * s0**2) / ((n**2 - 1) * s0**2) - expected**2
        return np.where(n > 1, expected, np.nan), np.sqrt(np.where(variance > 0, variance, np.nan))
