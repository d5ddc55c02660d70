"""Resampling on cross products: thousands of regressions with city and year effects without refitting one of them.

The regression is ``outcome ~ treatments + controls`` with city and year effects. Within a city the city
effect is swept out exactly by subtracting means; the year effects are columns (dummies of all years but one,
swept in the same way). With Z_c = [years, controls, treatments, outcomes] of city c, swept, the matrices

    M_c = Z_c'Z_c    and    n_c = number of rows

say all about city c that least squares can ask. A draw then is one of two things:

- **weights on cities** w (:meth:`CrossProducts.weigh`): the draw's cross products are S = sum over c of w_c M_c.
  Multiplicities are the pairs bootstrap by city, 1 - I the jackknife, zeros and ones a subset or one side of
  a permutation. A city that may be *in one of several states* (a placebo start year, say) enters once per
  state, and the weights choose the state. All draws together are one matrix product.
- **city-years chosen** (:meth:`CrossProducts.choose`): for groups whose members change over the years. The city effect
  is then that of the city *within the chosen rows* (city x group), so the means are of the chosen rows l:
  M_c(l) = sum_t l_t z_t z_t' - (sum_t l_t z_t)(sum_t l_t z_t)' / sum_t l_t,
  again by matrix products over all draws.

The coefficients follow from S by eliminating the columns one after the other (Gauss), for all draws at once:
years, then controls, then treatments (Frisch, Waugh and Lovell). A column that the ones before it explain in
a draw (a year without rows, a control without variation) is left out of that draw, as a dummy regression
would leave it out.

Standard errors, as in :mod:`city_policy.estimation.computation.regression`, with n rows, G cities, r treatments, c
controls and Y years that are present in the draw, e residuals and x~ the treatment less all else:

- iid:  e'e / (n - G - rank(years, controls) - r) / x~'x~;
- CRV1: G/(G-1) (n-1)/(n-r-c-Y) sum over c of w_c (x~_c'e_c)^2 / (x~'x~)^2. A city that is drawn twice is two
  clusters. x~_c'e_c is a quadratic form in M_c, so that this too needs no row of the panel.

Numerical scheme. Before any product is formed the controls are made orthonormal and outcomes and treatments
are replaced by their residuals on cities, years and controls of all rows, scaled to length 1. This changes
none of the coefficients of the treatments in any draw, because every draw has those columns, and it keeps the
cross products well conditioned: they agree with refitting to about 1e-12.

What the engine refuses, with a sentence: effects other than those of cities and years, unless a city never
changes its group (then the city effect contains them); clusters other than cities; weights of rows within a
city; clustered errors of draws that choose city-years. See :func:`check_resampling` and the methods.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np

from city_policy.errors import InputError
from city_policy.estimation.computation.regression import (
    CANCELLED,
    COLLINEAR_SHARE,
    effective_number,
    independent,
    no_residual,
)
from city_policy.estimation.contract.exposure import exposed_columns
from city_policy.estimation.contract.panel import Panel, is_nested
from city_policy.estimation.contract.request import Request
from city_policy.estimation.contract.specification import Specification

# A column is left out of a draw when the columns before it leave less than this share of its squares.
# Cross products carry 16 digits, so what is smaller than this is rounding.
PIVOT_SHARE = 1e-11
# Below this share of the outcome's squares the residual's are rounding, so that no error can be taken from them: of
# cross products, and of the rows of the panel.
RESIDUAL_SQUARES, RESIDUAL_SQUARES_OF_ROWS = 1e-12, 1e-20
# Draws per pass: the arrays of one pass stay in the processor's cache.
DRAWS_PER_PASS = 250
CELLS_PER_PASS = 50


class Regression(NamedTuple):
    """One regression in every draw; arrays (draws, regressors), NaN where a draw does not identify it."""

    estimate: np.ndarray
    std_error_iid: np.ndarray
    std_error_crv1: np.ndarray | None
    degrees_iid: np.ndarray  # (draws,)
    degrees_crv1: np.ndarray  # (draws,) cities - 1

    def std_error(self, vcov: str) -> np.ndarray:
        """The standard errors by a variance estimator, ``iid`` or ``CRV1``; the latter must have been asked for."""
        if vcov == "iid":
            return self.std_error_iid
        assert self.std_error_crv1 is not None, "a regression that was not asked for clustered errors"
        return self.std_error_crv1


class ClusterCrossProducts(ABC):
    """Cross products by cluster, from wherever they come; the source of every draw that weighs clusters.

    :class:`CrossProducts` makes them from the rows of a panel, whose cities are units and clusters at once;
    ``large_panels.database_cross_products.read_moments`` from sums that a database made, where a cluster may hold many
    units. Targets are addressed by their column number. ``cities``: labels of the clusters; ``years``:
    of the periods; ``control_kept`` (c,), ``target_varies`` (m,): False for a column that units, years and the
    columns before it explain.

    Below, k columns are years - 1, then controls that are kept, then m targets.
    """

    def __init__(self, cities, years, control_kept, target_varies, scale, tables):
        self.cities, self.years = cities, years
        self.control_kept, self.target_varies = control_kept, target_varies
        self._scale = scale  # (m,) what the targets were divided by
        # (cities, 3 + years): rows, units, clusters, and rows of each year. A unit with one row is absorbed by its
        # effect; it counts neither as a row nor as a unit, and a cluster of such units not as a cluster.
        self._tables = tables
        self._n_years = len(years) - 1
        self._n_controls = int(control_kept.sum())
        self._n_nuisance = self._n_years + self._n_controls

    @property
    def n_cities(self) -> int:
        return len(self.cities)

    @cached_property
    def _triangle(self):
        """Rows and columns, (k(k+1)/2,) each, of the upper triangle; the regression on all rows does not need them."""
        return np.triu_indices(self._n_nuisance + len(self._scale))

    @property
    @abstractmethod
    def _packed(self):
        """(k(k+1)/2, cities): the upper triangle of every cluster's Z_c'Z_c."""

    def weigh(self, weights=None) -> "Draws":
        """The draws whose cities have the ``weights``: (draws, cities), not negative; None: one draw, all 1.

        A weight of 2 is a city that was drawn twice, each time with a city effect of its own.
        Raises InputError for another shape, or weights that are negative or missing.
        """
        if weights is None:
            return self._whole()
        weights = np.atleast_2d(np.asarray(weights))
        if weights.shape[1] != self.n_cities:
            raise InputError(f"The draws weigh {weights.shape[1]} cities; the panel has {self.n_cities}.")
        if not (weights >= 0).all():
            raise InputError("A draw has a weight that is negative or missing; expected 0, 1, 2, ...")
        passes, sums = [], np.empty((len(weights), self._tables.shape[1]))
        for start in range(0, len(weights), DRAWS_PER_PASS):
            part = weights[start : start + DRAWS_PER_PASS].astype(float)
            passes.append(self._solve(self._packed @ part.T))
            sums[start : start + len(part)] = part @ self._tables
        return Draws(self, weights, passes, *self._counts(sums))

    def _whole(self):
        return self.weigh(np.ones((1, self.n_cities)))

    @staticmethod
    def _counts(sums):
        """Rows, units, clusters and years of draws from their sums (draws, 3 + years) of the tables."""
        return sums[:, 0], sums[:, 1], sums[:, 2], (sums[:, 3:] > 0).sum(axis=1)

    def _solve(self, packed):
        """Eliminate years and controls from the cross products (k(k+1)/2, d)."""
        k = self._n_nuisance + len(self._scale)
        full = np.empty((k, k), dtype=int)
        first, second = self._triangle
        full[first, second] = full[second, first] = np.arange(len(first))
        products = packed[full]
        totals = products[np.arange(k), np.arange(k)][self._n_nuisance :].copy()
        kept, upper = _eliminate(products, self._n_nuisance)
        coefficients = _back_substitute(upper, self._n_nuisance)
        return _Pass(products[self._n_nuisance :, self._n_nuisance :].copy(), totals, kept, coefficients)


class CrossProducts(ClusterCrossProducts):
    """Cross products by city of a panel with swept city effects.

    ``city``, ``year``: (n,) labels of any kind, at most one row for each pair; ``targets``: (n, m) outcomes,
    treatments and mediators, addressed by their column number from here on; ``controls``: (n, c), c may be 0.
    Rows in any order; cities are numbered 0 .. in sorted order (``cities`` holds the labels). Memory is
    cities x k(k+1)/2 numbers for k = years - 1 + c + m, taken when the first draw is weighed: the regression on
    all rows needs residuals only.

    A control that cities, years and the controls before it explain is left out (``control_kept``). A target
    that they explain stays, with ``target_varies`` False and NaN for results.

    Raises InputError for values that are not finite, a repeated city-year, or lengths that differ.
    """

    def __init__(self, city, year, targets, controls=None):
        targets = np.asarray(targets, dtype=float)
        targets = targets[:, None] if targets.ndim == 1 else targets
        controls = np.empty((len(targets), 0)) if controls is None else np.asarray(controls, dtype=float)
        city, year = np.asarray(city), np.asarray(year)
        if not len(city) == len(year) == len(targets) == len(controls) or len(city) == 0:
            raise InputError(
                f"The panel has {len(city)} cities, {len(year)} years, {len(targets)} rows of targets and "
                f"{len(controls)} rows of controls; expected the same number, at least one."
            )
        if not (np.isfinite(targets).all() and np.isfinite(controls).all()):
            raise InputError("The panel of a resampling holds missing values; expected complete rows only.")
        cities, city_code = _labels_and_codes(city)
        years, year_code = _labels_and_codes(year)
        slot = city_code * len(years) + year_code
        order = np.argsort(slot, kind="stable")
        self._slot = slot.take(order)
        repeated = np.flatnonzero(self._slot[1:] == self._slot[:-1])
        if len(repeated):
            row = order[repeated[0]]
            raise InputError(f"The panel holds city {city[row]}, year {year[row]} more than once.")
        self._city = city_code.take(order)
        self._sizes = np.bincount(self._city)
        self._starts = np.cumsum(self._sizes) - self._sizes
        self._present = np.zeros((len(cities), len(years)))
        self._present.flat[self._slot] = 1.0
        self._year_dummies = np.eye(len(years), len(years) - 1).take(year_code.take(order), axis=0)
        raw = np.concatenate([controls.T, targets.T]).take(order, axis=1)
        # (n, c + m): controls orthonormal, targets of length 1, all swept
        control_kept, target_varies, scale, self._values = self._residualise(raw, controls.shape[1])
        counts = np.where(self._sizes > 1, self._sizes, 0)[:, None]
        tables = np.concatenate([counts, counts > 0, counts > 0, self._present], axis=1)
        super().__init__(cities, years, control_kept, target_varies, scale, tables)

    def _less_city_means(self, columns):
        means = np.add.reduceat(columns, self._starts, axis=1) / self._sizes
        return columns - means.take(self._city, axis=1)

    def _residualise(self, raw, c):
        """The first ``c`` rows of ``raw`` (c + m, n) orthonormal, the others as residuals of length 1: what is kept of
        the first, which of the others vary, their lengths, and the columns (n, c + m). See "Numerical scheme" at the
        top. Columns of the panel are rows here, because the numbers of a row lie side by side in memory.
        """
        size = _lengths(raw)
        # The year dummies less city means are D - (their means); their cross products need no row.
        present, dummies = self._present[:, :-1], self._year_dummies
        gram = np.diag(present.sum(axis=0)) - present.T @ (present / self._sizes[:, None])
        values, vectors = np.linalg.eigh(gram)
        # The minimum-norm inverse leaves out what is not determined: years that no city connects.
        solid = values > 1e-12 * values.max(initial=0.0)
        self._year_rank = int(solid.sum())
        inverse = (vectors[:, solid] / values[solid]) @ vectors[:, solid].T
        swept = self._less_city_means(raw)
        for _ in range(2):
            swept = self._less_city_means(swept - ((swept @ dummies) @ inverse) @ dummies.T)
        control_kept, basis = independent(swept[:c].T, size[:c])
        rest = swept[c:]
        for _ in range(2):
            rest = rest - (rest @ basis) @ basis.T
        norm = _lengths(rest)
        target_varies = norm > COLLINEAR_SHARE * size[c:]
        scale = np.where(target_varies, norm, 1.0)
        rest = rest * (target_varies / scale)[:, None]
        return control_kept, target_varies, scale, np.concatenate([basis.T, rest]).T

    def _by_city(self, columns):
        """(cities, years, k): the ``columns`` (n, k) with zeros where a city has no row."""
        grid = np.zeros((self.n_cities * len(self.years), columns.shape[1]))
        grid[self._slot] = columns
        return grid.reshape(self.n_cities, len(self.years), columns.shape[1])

    @cached_property
    def _packed(self):
        grid = self._by_city(np.concatenate([self._less_city_means(self._year_dummies.T).T, self._values], axis=1))
        squares = np.matmul(grid.transpose(0, 2, 1), grid)
        return np.ascontiguousarray(squares[:, *self._triangle].T)

    def _whole(self):
        """The draw of every city once: the targets are residuals of it already, so no cross product is needed."""
        targets = self._values[:, self._n_controls :]
        products = (targets.T @ targets)[:, :, None]
        # As many years as the rank says, and every control that is kept.
        kept = np.arange(self._n_nuisance)[:, None] >= self._n_years - self._year_rank
        none = np.zeros((self._n_nuisance, len(products), 1))
        one = _Pass(products, products[np.arange(len(products)), np.arange(len(products))], kept, none)
        sums = self._tables.sum(axis=0, keepdims=True)
        return _WholePanel(self, np.ones((1, self.n_cities)), [one], *self._counts(sums))

    def choose(self, cells) -> "Draws":
        """The draws that consist of the chosen city-years: (draws, cities, years), boolean.

        ``cities`` and ``years`` as in the attributes of that name; a chosen cell for which the panel has no
        row stays empty. City effects are those of a city within the chosen rows. No clustered errors.
        Raises InputError for another shape.
        """
        cells = np.asarray(cells, dtype=bool)
        if cells.shape[1:] != self._present.shape:
            raise InputError(
                f"The draws choose among {' x '.join(map(str, cells.shape[1:]))} cells; the panel has "
                f"{self.n_cities} cities x {len(self.years)} years."
            )
        n_years, q, v = len(self.years), self._n_years, self._values.shape[1]
        values, ones = self._by_city(self._values), np.ones(n_years)
        present = self._present > 0
        first, second = np.triu_indices(v)
        squares = (values[:, :, first] * values[:, :, second]).reshape(self.n_cities * n_years, -1)
        # By year; the last column counts rows.
        by_year = np.ascontiguousarray(np.dstack([values, self._present]).transpose(1, 0, 2))
        packed = np.empty((len(self._triangle[0]), len(cells)))
        n_obs, n_groups, n_present = np.zeros((3, len(cells)))
        for start in range(0, len(cells), CELLS_PER_PASS):
            chosen = (cells[start : start + CELLS_PER_PASS] & present).astype(float)
            draws, d = slice(start, start + len(chosen)), len(chosen)
            sizes = chosen.reshape(-1, n_years) @ ones
            sizes = sizes.reshape(d, self.n_cities)
            inverse = (1 / np.maximum(sizes, 1.0))[:, :, None]
            sums = np.ascontiguousarray(np.matmul(chosen.transpose(1, 0, 2), values).transpose(1, 0, 2))
            # What the city means take away from the cross products of years and of values.
            share = (chosen * inverse).transpose(0, 2, 1)
            products = np.empty((d, q + v, q + v))
            products[:, :q, :q] = -np.matmul(share, chosen)[:, :-1, :-1]
            products[:, :q, q:] = -np.matmul(share, sums)[:, :-1]
            products[:, q:, q:] = -np.matmul((sums * inverse).transpose(0, 2, 1), sums)
            products[:, q + first, q + second] += chosen.reshape(d, -1) @ squares
            for t in range(n_years):
                total = chosen[:, :, t] @ by_year[t]
                n_present[draws] += total[:, -1] > 0
                if t < q:
                    products[:, t, t] += total[:, -1]
                    products[:, t, q:] += total[:, :-1]
            packed[:, draws] = products[:, *self._triangle].T
            n_obs[draws] = np.where(sizes > 1, sizes, 0).sum(axis=1)
            n_groups[draws] = (sizes > 1).sum(axis=1)
        passes = [
            self._solve(packed[:, start : start + DRAWS_PER_PASS]) for start in range(0, len(cells), DRAWS_PER_PASS)
        ]
        return Draws(self, None, passes, n_obs, n_groups, n_groups, n_present)


class _Pass(NamedTuple):
    """Some draws with years and controls eliminated; d draws on the last axis."""

    products: np.ndarray  # (m, m, d) cross products of the targets less years and controls
    totals: np.ndarray  # (m, d) squares of the targets before
    kept: np.ndarray  # (q, d) whether a year or control column counts
    coefficients: np.ndarray  # (q, m, d) of the targets on years and controls


def _labels_and_codes(labels):
    """The sorted distinct labels and every row's position among them: np.unique, without sorting whole numbers."""
    if labels.dtype.kind not in "iu":
        return np.unique(labels, return_inverse=True)
    least, span = labels.min(), int(labels.max()) - int(labels.min())
    if span > 10 * len(labels):
        return np.unique(labels, return_inverse=True)
    offsets = labels - least
    found = np.bincount(offsets, minlength=span + 1) > 0
    return np.flatnonzero(found) + least, (np.cumsum(found) - 1).take(offsets)


def _lengths(rows):
    return np.sqrt(np.einsum("kn,kn->k", rows, rows))


def _eliminate(products, count, sizes=None):
    """Eliminate the first ``count`` columns of ``products`` (k, k, d) in place; their pivots stay.

    ``sizes``: (k, d) squares that the pivots are judged by, without them the diagonal as it comes. Returns
    which pivots count, (count, d), and the rows of the unit upper triangle, a list of (k - j - 1, d). A
    column whose pivot is rounding is left out: its row is zero.
    """
    k = len(products)
    if sizes is None:
        sizes = products[np.arange(k), np.arange(k)]
    kept = np.zeros((count, products.shape[2]), dtype=bool)
    upper = []
    for j in range(count):
        kept[j] = products[j, j] > PIVOT_SHARE * sizes[j]
        inverse = np.divide(1.0, products[j, j], out=np.zeros(products.shape[2]), where=kept[j])
        row = products[j, j + 1 :] * inverse
        # Only the upper triangle is kept up to date: row i from its diagonal on.
        for i in range(j + 1, k):
            products[i, i:] -= row[i - j - 1] * products[j, i:]
        upper.append(row)
    for i in range(count, k):
        products[i + 1 :, i] = products[i, i + 1 :]
    return kept, upper


def _back_substitute(upper, count):
    """Coefficients (count, k - count, d) of the other columns on the eliminated ones."""
    if count == 0:
        return None
    rest = [row[count - j - 1 :] for j, row in enumerate(upper)]
    result = np.empty((count, *rest[0].shape))
    for j in reversed(range(count)):
        result[j] = rest[j]
        for i in range(j + 1, count):
            result[j] -= upper[j][i - j - 1] * result[i]
    return result


class Draws:
    """Draws of one kind, ready for any regression of one target on others.

    ``n_obs``, ``n_units``, ``n_cities``, ``n_years``: (draws,) rows, units and clusters (units with one row left
    out) and years that a draw holds; in a panel of cities units and clusters are the same.
    """

    def __init__(self, cross_products, weights, passes, n_obs, n_units, n_cities, n_years):
        self._cross_products, self._weights, self._passes = cross_products, weights, passes
        self.n_obs, self.n_units, self.n_cities, self.n_years = n_obs, n_units, n_cities, n_years

    def regress(self, outcome: int, regressors: Sequence[int], clustered: bool = False) -> Regression:
        """Least squares of target ``outcome`` on the targets ``regressors``, years, controls and cities.

        ``outcome``, ``regressors``: column numbers of the targets, in their own units. ``clustered``: also
        CRV1, which costs as much as all the rest. A draw in which a regressor is explained by the others is
        NaN.
        Raises InputError for clustered errors of draws that choose city-years.
        """
        if clustered and self._weights is None:
            raise InputError(
                "Clustered errors are computed for draws that weigh cities, not for draws that choose city-years."
            )
        scale = self._cross_products._scale
        pieces = []
        position = 0
        for one in self._passes:
            d = one.totals.shape[1]
            draws = slice(position, position + d)
            pieces.append(self._regress_pass(one, draws, outcome, list(regressors), clustered))
            position += d
        ratio = scale[outcome] / scale[list(regressors)]
        estimate, iid, degrees = (np.concatenate([piece[i] for piece in pieces]) for i in (0, 1, 3))
        crv1 = np.concatenate([piece[2] for piece in pieces]) if clustered else None
        return Regression(
            estimate * ratio,
            iid * ratio,
            None if crv1 is None else crv1 * ratio,
            degrees,
            self.n_cities - 1,
        )

    def _regress_pass(self, one, draws, outcome, regressors, clustered):
        r, d = len(regressors), one.totals.shape[1]
        degrees = self.n_obs[draws] - self.n_units[draws] - one.kept.sum(axis=0) - r
        estimate, iid = np.empty((d, r)), np.empty((d, r))
        crv1 = np.empty((d, r)) if clustered else None
        for position, order in enumerate(_orders(regressors, outcome)):
            upper, pivot, squares = self._eliminate_targets(one, order)
            squares = self._squares_left(one, order, upper, squares)
            estimate[:, position] = np.where(np.isfinite(pivot), upper[-1][0], np.nan)
            spread = np.divide(squares, degrees, out=np.full(d, np.nan), where=degrees > 0)
            iid[:, position] = np.sqrt(np.maximum(spread, 0.0) / pivot)
            if crv1 is not None:
                scores = self._scores(one, order, upper)
                meat = np.einsum("cd,dc->d", scores**2, self._weights[draws].astype(float))
                error = np.where(np.isnan(squares), np.nan, np.sqrt(self._factor(one, draws, r) * meat) / pivot)
                crv1[:, position] = np.where(error <= CANCELLED * iid[:, position], 0.0, error)
        return estimate, iid, crv1, degrees

    @staticmethod
    def _eliminate_targets(one, order):
        """The regression of target ``order[-1]`` on the others: upper triangle, the last pivot, e'e.

        The last regressor's pivot is what all the others leave of it; NaN if a regressor is collinear.
        """
        block = one.products[np.ix_(order, order)]
        r = len(order) - 1
        kept, upper = _eliminate(block, r, one.totals[order])
        # An outcome without any variation (totals of 0) has nothing to explain.
        solid = kept.all(axis=0) & (one.totals[order[-1]] > 0)
        return upper, np.where(solid, block[r - 1, r - 1], np.nan), block[-1, -1]

    def _squares_left(self, one, order, upper, squares):
        """The squares of the residuals, NaN where they are rounding."""
        return np.where(squares > RESIDUAL_SQUARES * one.totals[order[-1]], squares, np.nan)

    @staticmethod
    def _sides(one, order, upper):
        """x~ and e as combinations of the targets, (m, d) each; x = order[-2], y = order[-1]."""
        r = len(order) - 1
        treatment, residual = np.zeros((2, *one.totals.shape))
        treatment[order[-2]] = 1.0
        if r > 1:
            treatment[order[:-2]] = -_back_substitute([row[:-1] for row in upper[:-1]], r - 1)[:, 0]
        residual[order[-1]] = 1.0
        residual[order[:-1]] = -_back_substitute(upper, r)[:, 0]
        return treatment, residual

    def _scores(self, one, order, upper, squares=False):
        """(cities, d): x~_c'e_c, a quadratic form in M_c; with ``squares`` x~_c'x~_c."""
        treatment, residual = (
            side
            if one.coefficients is None
            else np.concatenate([-np.einsum("qmd,md->qd", one.coefficients, side), side])
            for side in self._sides(one, order, upper)
        )
        residual = treatment if squares else residual
        first, second = self._cross_products._triangle
        form = treatment[first] * residual[second]
        off = first != second
        form[off] += treatment[second[off]] * residual[first[off]]
        return self._cross_products._packed.T @ form

    def _factor(self, one, draws, r):
        """G/(G-1) (n-1)/(n-K), NaN where it is not defined."""
        n, cities = self.n_obs[draws], self.n_cities[draws]
        controls = one.kept[self._cross_products._n_years :].sum(axis=0)
        room = n - r - controls - self.n_years[draws]
        defined = (cities > 1) & (room > 0)
        return np.where(
            defined,
            cities / np.where(defined, cities - 1, 1) * (n - 1) / np.where(defined, room, 1),
            np.nan,
        )

    def influence(self, outcome: int, regressors: Sequence[int], draw: int = 0) -> np.ndarray:
        """(cities, regressors): x~_c'e_c / x~'x~, by which each city moves the coefficients of one draw.

        They sum to zero; the sum of their squares is the clustered variance without the small-sample factor.
        Raises InputError for draws that choose city-years.
        """
        if self._weights is None:
            raise InputError(
                "The influence of cities is computed for draws that weigh cities, not for draws that choose city-years."
            )
        which, position = divmod(draw, DRAWS_PER_PASS)
        one = self._passes[which]
        scale, columns = self._cross_products._scale, []
        for order in _orders(list(regressors), outcome):
            upper, pivot, _ = self._eliminate_targets(one, order)
            scores = self._scores(one, order, upper)[:, position] * self._weights[draw]
            columns.append(scores / pivot[position] * scale[outcome] / scale[order[-2]])
        return np.column_stack(columns)

    def effective_cities(self, outcome: int, regressors: Sequence[int], draw: int = 0) -> np.ndarray:
        """(regressors,): in effect how many cities each coefficient of one draw rests on (``effective_number`` of
        :mod:`city_policy.estimation.computation.regression`), NaN where it is not identified.

        Raises InputError for draws that choose city-years.
        """
        if self._weights is None:
            raise InputError(
                "The influence of cities is computed for draws that weigh cities, not for draws that choose city-years."
            )
        which, position = divmod(draw, DRAWS_PER_PASS)
        one, numbers = self._passes[which], []
        for order in _orders(list(regressors), outcome):
            upper, pivot, _ = self._eliminate_targets(one, order)
            squares = self._scores(one, order, upper, squares=True)[:, position]
            known = np.isfinite(pivot[position])
            # A city that is drawn twice is two clusters.
            drawn = np.repeat(squares, np.asarray(self._weights[draw], dtype=int))
            numbers.append(effective_number(drawn) if known else np.nan)
        return np.array(numbers)


class _WholePanel(Draws):
    """The draw of every city once, whose scores come from the rows of the panel."""

    def _squares_left(self, one, order, upper, squares):
        cross_products = self._cross_products
        targets = cross_products._values[:, cross_products._n_controls :]
        residual = targets @ self._sides(one, order, upper)[1]
        squares = np.einsum("nd,nd->d", residual, residual)
        return np.where(squares > RESIDUAL_SQUARES_OF_ROWS * one.totals[order[-1]], squares, np.nan)

    def _scores(self, one, order, upper, squares=False):
        cross_products = self._cross_products
        x, e = (
            cross_products._values[:, cross_products._n_controls :] @ side for side in self._sides(one, order, upper)
        )
        e = x if squares else e
        return np.add.reduceat(x * e, cross_products._starts, axis=0)


def _orders(regressors, outcome):
    """Each regressor in turn at the end of the regressors, then the outcome."""
    return [[*(one for one in regressors if one != last), last, outcome] for last in regressors]


def generator(seed: int, *key) -> np.random.Generator:
    """Random numbers for one purpose: the same for the same ``seed`` and ``key`` on every machine.

    ``key``: strings or numbers that say what is drawn (policy, sample), so that a result does not depend on
    what else is drawn in the same call. crc32 and not hash(), which differs between processes.
    """
    return np.random.default_rng([seed, crc32("\n".join(map(str, key)).encode())])


def bootstrap_weights(n_cities: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    """(draws, cities): how often each city is drawn when ``n_cities`` cities are drawn with replacement."""
    drawn = rng.integers(0, n_cities, (draws, n_cities)) + n_cities * np.arange(draws)[:, None]
    return np.bincount(drawn.ravel(), minlength=draws * n_cities).reshape(draws, n_cities)


def jackknife_weights(n_cities: int) -> np.ndarray:
    """(cities, cities): draw c leaves out city c."""
    return 1 - np.eye(n_cities, dtype=int)


def permutations(labels: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """(draws, cities): the labels in random orders; how many cities have which label stays as it is."""
    return rng.permuted(np.tile(np.asarray(labels), (draws, 1)), axis=1)


def two_sided_p(observed: float, drawn: np.ndarray) -> tuple[float, int]:
    """(1 + number of |drawn| >= |observed|) / (1 + draws), and the draws that count: those not NaN.

    Phipson and Smyth (2010): with the observed value among the draws the test keeps its level. Values that
    differ by rounding count as equal.
    """
    valid = drawn[np.isfinite(drawn)]
    if not np.isfinite(observed) or not len(valid):
        return np.nan, len(valid)
    extreme = np.abs(valid) >= abs(observed) * (1 - 1e-9)
    return (1 + int(extreme.sum())) / (1 + len(valid)), len(valid)


# The points that the weight of a city takes with equal probability.
WILD_WEIGHTS = {"rademacher": [-1.0, 1.0], "webb": [s * np.sqrt(v) for s in (-1, 1) for v in (0.5, 1.0, 1.5)]}


class WildBootstrap(NamedTuple):
    """Result of :func:`wild_bootstrap`."""

    estimate: float
    t_stat: float  # of the hypothesis that the coefficient is ``null``
    p_value: float
    ci_low: float  # 95 % interval: the values that are not rejected, from the estimate outwards; NaN if it has no end
    ci_high: float
    draws: np.ndarray  # (draws,) t statistics


def wild_bootstrap(
    cross_products: ClusterCrossProducts,
    outcome: int,
    treatment: int,
    draws: int,
    rng: np.random.Generator | np.ndarray,
    weights: str = "rademacher",
    null: float = 0.0,
) -> WildBootstrap:
    """Wild cluster bootstrap by city with the null imposed, two-sided and symmetric, and the interval that it implies.

    Cameron, Gelbach and Miller (2008), computed by cluster as in MacKinnon, Nielsen and Webb (2023): with u
    the residuals of the regression in which the coefficient is ``null``, x~ the treatment less years and
    controls, N the years and controls, l_c = (N'N)^-1 N_c'x~_c, and v_c the random weight of city c,

        b* - null = sum_c v_c x~_c'u_c / x~'x~,    h* = sum_c v_c N_c'u_c
        score*_c = v_c x~_c'u_c - l_c'h* - (b* - null) x~_c'x~_c

    and t* = (b* - null) x~'x~ / (sum_c score*_c^2)^1/2 by the root of the factor of t. p is (1 + number of |t*| above
    |t|) / (1 + draws). ``weights``: ``rademacher`` (-1, 1) or ``webb`` (six points, for few cities).
    ``rng`` draws them; or it is the drawn weights themselves, (draws, cities), which several regressions may share.

    The square is expanded, so that a draw costs one row of the product of the weights with a (cities, 6 + 4q) matrix;
    and as u = y~ - null x~, y~ being the outcome less years and controls, all that a draw needs is a polynomial in the
    null: the interval, which asks for p at many of them, costs no further draws.

    Raises InputError for other weights or a treatment that is not identified.
    """
    if weights not in WILD_WEIGHTS:
        raise InputError(f"The wild bootstrap knows the weights {', '.join(WILD_WEIGHTS)}; found '{weights}'.")
    draw = cross_products.weigh()
    fit = draw.regress(outcome, [treatment], clustered=True)
    clustered = fit.std_error("CRV1")[0, 0]
    if not np.isfinite(clustered):
        raise InputError("The wild bootstrap needs a treatment whose effect and clustered error are defined.")
    one, q = draw._passes[0], cross_products._n_nuisance
    k = q + len(cross_products._scale)
    matrices = np.empty((cross_products.n_cities, k, k))
    first, second = cross_products._triangle
    matrices[:, first, second] = matrices[:, second, first] = cross_products._packed.T
    swept = np.zeros((k, 2))  # the columns of Z that make x~ and y~
    swept[q + treatment, 0], swept[q + outcome, 1] = 1.0, 1.0
    if q:
        swept[:q] = -one.coefficients[:, :, 0] @ swept[q:]
    by_city = matrices @ swept  # (cities, k, 2): Z_c'x~_c and Z_c'y~_c
    squares, scores = by_city[:, :, 0] @ swept[:, 0], by_city[:, :, 1] @ swept[:, 0]
    size = squares.sum()
    total = matrices.sum(axis=0)[:q, :q]
    solved = np.linalg.pinv(total, rcond=PIVOT_SHARE, hermitian=True) if q else total
    leverage = by_city[:, :q, 0] @ solved  # (cities, q)
    # Of y~ and of x~: (cities, 2 + 2q) and, by squared weights, their cross products (cities, 3).
    linear = [
        np.column_stack([s, s * squares, by_city[:, :q, side], s[:, None] * leverage])
        for side, s in ((1, scores), (0, squares))
    ]
    quadratic = np.column_stack([scores**2, scores * squares, squares**2])
    spread, mixed, last = leverage.T @ leverage, squares @ leverage, squares @ squares
    # Polynomials in the null, lowest power first: of (b* - null) x~'x~ and of the sum of squares.
    numerator, meat = np.empty((2, draws)), np.empty((3, draws))
    for start in range(0, draws, DRAWS_PER_PASS):
        part = slice(start, min(start + DRAWS_PER_PASS, draws))
        if isinstance(rng, np.ndarray):
            v = rng[part]
        else:
            v = rng.choice(WILD_WEIGHTS[weights], (part.stop - start, cross_products.n_cities))
        sides = []
        for sign, columns in zip((1, -1), linear, strict=True):
            products = sign * (v @ columns)
            sides.append((products[:, 0] / size, products[:, 1], products[:, 2 : 2 + q], products[:, 2 + q :]))
        numerator[:, part] = [side[0] * size for side in sides]
        own = (v**2 @ quadratic).T * [[1], [-2], [1]]
        for power, pairs in enumerate((((0, 0),), ((0, 1), (1, 0)), ((1, 1),))):
            meat[power, part] = own[power]
            for a, b in pairs:
                (move, pulled, h, bent), (other_move, _, other_h, _) = sides[a], sides[b]
                meat[power, part] += (
                    np.einsum("dq,dq->d", h @ spread - 2 * bent, other_h)
                    + 2 * move * (other_h @ mixed)
                    + (move * last - 2 * pulled) * other_move
                )
    ratio = cross_products._scale[outcome] / cross_products._scale[treatment]
    factor = draw._factor(one, slice(0, 1), 1)[0]
    estimate, error = float(fit.estimate[0, 0]), float(clustered)

    def statistics(at):
        scaled = at / ratio
        variance = meat[0] + scaled * (meat[1] + scaled * meat[2])
        return (numerator[0] + scaled * numerator[1]) / np.sqrt(factor * np.maximum(variance, np.finfo(float).tiny))

    def p_value(at):
        beyond = np.abs(statistics(at)) > abs(estimate - at) / error * (1 + 1e-9)
        return (1 + int(beyond.sum())) / (1 + draws)

    low, high = (_end_of_interval(p_value, estimate, side * error) for side in (-1, 1))
    return WildBootstrap(estimate, (estimate - null) / error, p_value(null), low, high, statistics(null))


def _end_of_interval(p_value, estimate, step):
    """Where p falls to 0.05 on the way from the ``estimate`` in the direction of ``step``; NaN if it does not."""
    inside = estimate
    for count in range(1, 200):
        outside = estimate + 0.25 * count * step
        if p_value(outside) <= 0.05:
            break
        inside = outside
    else:
        return np.nan
    for _ in range(40):
        middle = (inside + outside) / 2
        inside, outside = (inside, middle) if p_value(middle) <= 0.05 else (middle, outside)
    return (inside + outside) / 2


def check_resampling(panel: Panel, specification: Specification) -> None:
    """Raises InputError when the specification asks for what cross products by city cannot give exactly."""
    if specification.cluster != "adcode":
        raise InputError(f"Resampling draws whole cities; it cannot cluster by '{specification.cluster}'.")
    for name in specification.extra_fixed_effects:
        if not is_nested(panel.city, panel.groups(name)):
            raise InputError(f"Resampling sweeps out city and year effects only; '{name}' changes within a city.")


def why_no_error(cross_products: ClusterCrossProducts, outcome: str) -> str:
    """Why a regression that is identified has no clustered error."""
    if cross_products.n_cities < 2:
        return "The rows used hold one city, so there is no clustered error."
    return no_residual(outcome)


def cross_products_of(request: Request, names: Sequence[str]) -> CrossProducts:
    """The cross products of the columns ``names`` of ``request``, as targets 0, 1 ..., given its controls, in
    the rows used. Cities are their codes in the panel.
    """
    used = request.rows.used
    return CrossProducts(
        request.panel.city[used],
        request.panel.year[used],
        np.column_stack([request.columns[name][used] for name in names]),
        request.control_matrix(used),
    )


def resampling_columns(
    panel: Panel, specification: Specification, controls: Sequence[str], options: Mapping[str, Any]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """As :func:`city_policy.estimation.contract.runner.regression_columns`, for what resamples whole cities."""
    check_resampling(panel, specification)
    regression = specification.estimator == "fixed_effects"
    columns = exposed_columns(panel, specification) if regression else panel.variables(specification)
    return columns, panel.controls(specification, controls, columns)
