"""One policy, many outcomes, and start years dealt to the cities again and again: estimates without refitting.

A panel with rows c, t (city, year), nuisance columns N (years, controls) and outcomes Y. Whatever a city adds to the
sums of two estimators depends on its own start year g only, so that the sums of every draw are those of the cities in
the states that they were dealt:

- **two-way fixed effects**: with ~ for "less the city's mean" and d = 1{t >= g}, d~'[N~, Y~] and d~'d~ by city and
  state; N~'[N~, Y~] is the same in every draw. b = (d'y - d'N (N'N)^-1 N'y) / (d'd - d'N (N'N)^-1 N'd).
- **imputation** (Borusyak, Jaravel and Spiess 2024): with the untreated rows u = {t < g} of a city, their number n0 and
  that of the treated ones n1, the cross products of [N, Y] over u less n0 times those of the means, and
  T = sum over treated of [N, Y] - (n1 / n0) sum over u of [N, Y]. With B the coefficients of Y on N from the first,
  b = (T_y - T_n B) / sum n1. Cities without an untreated row are left out.

The clustered variance of the first is that of :mod:`city_policy.estimation.computation.regression`; that of the second
is Borusyak, Jaravel and Spiess's Theorem 3, leaving out the row itself (their Appendix A.9).
"""

from typing import NamedTuple

import numpy as np

from city_policy.estimation.computation.regression import CANCELLED, COLLINEAR_SHARE, RESIDUAL_SHARE, independent

ESTIMATORS = ("two_way", "imputation")
# The share of a square that is rounding in a cross product.
SINGULAR = 1e-9


class Fitted(NamedTuple):
    """Estimates and clustered standard errors, (outcomes,) each, and degrees of freedom."""

    estimate: np.ndarray
    std_error: np.ndarray
    degrees: int


class DealtStarts:
    """The rows of a sample, one policy and its outcomes.

    ``city``, ``year``: (n,) codes and years, at most one row for each pair; ``start``: (cities,) the first treated year
    of every city code 0 ... that occurs, infinite for never; ``controls``: (n, k); ``outcomes``: (n, m). All finite.

    A control that cities, years and the controls before it explain is left out (``kept``, (k,)). What is not identified
    is NaN.
    """

    def __init__(self, city, year, start, controls, outcomes):
        order = np.lexsort((year, city))
        city, self.year = city[order], year[order]
        self.first_row = np.flatnonzero(np.r_[True, city[1:] != city[:-1]])
        self.city = np.cumsum(np.r_[0, city[1:] != city[:-1]])
        self.start = np.asarray(start, dtype="float64")
        self.cohorts = np.unique(self.start)
        years = np.unique(self.year)
        dummies = (self.year[:, None] == years[1:]).astype("float64")
        outcomes = outcomes[order]
        # Scaled and free of cities and years, so that cross products of them are well conditioned.
        controls, sizes = controls[order], np.linalg.norm(controls, axis=0)
        free = self._less_city_means(np.column_stack([dummies, controls]))
        # Where no city connects some years with the others, one of their dummies says nothing.
        told, basis = independent(free[:, : dummies.shape[1]], np.linalg.norm(dummies, axis=0))
        rest = free[:, dummies.shape[1] :]
        for _ in range(2):
            rest = rest - basis @ (basis.T @ rest)
        self.kept, self.controls_part = independent(rest, sizes)
        # In place of the controls an orthonormal basis of them, free of cities and years: cross products of controls
        # that are nearly collinear have lost the digits that tell them apart. Column j of the triangle says how control
        # j is made of the basis.
        self._triangle = self.controls_part.T @ rest[:, self.kept]
        self.controls_part = self.controls_part * np.sqrt(len(rest))
        self.n_years = len(years)
        self.years_part = dummies[:, told]
        swept = self._less_city_means(outcomes)
        for _ in range(2):
            swept = swept - basis @ (basis.T @ swept)
        # An outcome that cities and years explain has no effect to be estimated.
        self.varies = np.linalg.norm(swept, axis=0) > COLLINEAR_SHARE * np.linalg.norm(outcomes, axis=0)
        self.outcomes = np.where(self.varies, swept, np.nan)

    def _less_city_means(self, columns):
        return columns - np.repeat(self._city_sums(columns) / self._sizes[:, None], self._sizes, axis=0)

    @property
    def _sizes(self):
        return np.diff(np.r_[self.first_row, len(self.city)])

    def _city_sums(self, columns):
        return np.add.reduceat(columns, self.first_row, axis=0)

    def _nuisance(self, controls):
        """Years and the span of the chosen of the kept ``controls`` (numbers)."""
        return np.column_stack([self.years_part, self.controls_part @ self._span(controls)])

    def _span(self, controls):
        """(kept, chosen): an orthonormal basis of the chosen ``controls`` in terms of that of all."""
        chosen = self._triangle[:, np.asarray(controls, dtype=int)]
        return np.linalg.qr(chosen / np.linalg.norm(chosen, axis=0))[0]

    def _turned(self, controls):
        """(q, chosen): years and the span of the chosen ``controls`` in terms of years and the basis of all."""
        span = self._span(controls)
        turn = np.zeros((self.years_part.shape[1] + len(span), self.years_part.shape[1] + span.shape[1]))
        turn[: self.years_part.shape[1], : self.years_part.shape[1]] = np.eye(self.years_part.shape[1])
        turn[self.years_part.shape[1] :, self.years_part.shape[1] :] = span
        return turn

    def fit(self, estimator, controls) -> Fitted:
        """The estimator with the ``controls`` (numbers of kept ones), with clustered errors."""
        return self._two_way(controls) if estimator == "two_way" else self._imputation(controls)

    def _two_way(self, controls):
        treated = (self.year >= self.start[self.city]).astype("float64")
        swept = self._less_city_means(np.column_stack([self._nuisance(controls), treated, self.outcomes]))
        q = swept.shape[1] - 1 - self.outcomes.shape[1]
        basis = np.linalg.qr(swept[:, :q])[0]
        rest = swept[:, q:]
        for _ in range(2):
            rest = rest - basis @ (basis.T @ rest)
        x, y = rest[:, 0], rest[:, 1:]
        size = x @ x
        if not size > (COLLINEAR_SHARE * np.linalg.norm(treated)) ** 2:
            return Fitted(np.full(y.shape[1], np.nan), np.full(y.shape[1], np.nan), 0)
        if len(x) - len(self.first_row) - q - 1 <= 0:
            # As many terms as rows.
            return Fitted(np.full(y.shape[1], np.nan), np.full(y.shape[1], np.nan), 0)
        estimate = x @ y / size
        left = np.linalg.norm(y - x[:, None] * estimate, axis=0)
        noise = left > RESIDUAL_SHARE * np.linalg.norm(self.outcomes, axis=0)
        scores = self._city_sums(x[:, None] * (y - x[:, None] * estimate))
        n, cities = len(x), len(self.first_row)
        room = n - 1 - len(controls) - self.n_years
        if cities < 2 or room <= 0:
            return Fitted(estimate, np.full(y.shape[1], np.nan), 0)
        factor = cities / (cities - 1) * (n - 1) / room
        error = np.sqrt(factor * (scores**2).sum(axis=0)) / size
        noise &= error > CANCELLED * left / np.sqrt(size)
        return Fitted(estimate, np.where(noise, error, np.nan), cities - 1)

    def _imputation(self, controls):
        start = self.start[self.city]
        treated = self.year >= start
        n0 = self._city_sums((~treated).astype("float64")[:, None])[:, 0]
        used = n0[self.city] > 0
        on = treated & used
        unknown = np.full(self.outcomes.shape[1], np.nan)
        nothing = Fitted(unknown, unknown, 0)
        if not on.any():
            return nothing
        z = self._nuisance(controls)
        both = np.column_stack([z, self.outcomes])
        off = ~treated & used
        means = self._city_sums(both * off[:, None]) / np.maximum(n0, 1)[:, None]
        centred = both - means[self.city]
        q = z.shape[1]
        free = centred[off]
        known, basis = independent(free[:, :q], np.linalg.norm(both[off][:, :q], axis=0))
        if not known.all():
            return nothing
        # The columns are the basis times the triangle: cross products would square their condition.
        triangle = basis.T @ free[:, :q]
        slopes = np.linalg.solve(triangle, basis.T @ free[:, q:])
        left = centred[:, q:] - centred[:, :q] @ slopes
        estimate = left[on].mean(axis=0)
        # The weights v of the estimate v'y: see the top.
        n1 = self._city_sums(on.astype("float64")[:, None])[:, 0]
        pull = np.linalg.solve(triangle.T, centred[on][:, :q].sum(axis=0))
        total = on.sum()
        weight = np.where(on, 1 / total, 0.0)
        share = n1 / np.maximum(n0, 1)
        weight[off] = -(share[self.city][off] + basis @ pull) / total
        residual = left * used[:, None]
        cell = np.unique(np.column_stack([start[on], self.year[on]]), axis=0, return_inverse=True)[1].ravel()
        counts = np.bincount(cell).astype("float64")
        sums = np.zeros((len(counts), left.shape[1]))
        np.add.at(sums, cell, left[on])
        alone = counts[cell] == 1
        stretch = np.where(alone, 1.0, counts[cell] / np.maximum(counts[cell] - 1, 1))
        residual[on] = (left[on] - (sums / counts[:, None])[cell]) * stretch[:, None]
        scores = self._city_sums(weight[:, None] * residual)
        error = np.sqrt((scores**2).sum(axis=0))
        noise = error > RESIDUAL_SHARE * np.abs(self.outcomes).max(axis=0)
        return Fitted(estimate, np.where(noise, error, np.nan), int((n0 > 0).sum()) - 1)

    def deal(self, dealt, control_sets) -> dict[str, list[np.ndarray]]:
        """Estimator -> for each set of controls (numbers of kept ones) the estimates (draws, outcomes) with the start
        years ``dealt`` (draws, cities).
        """
        weights = np.zeros((len(dealt), len(self.start) * len(self.cohorts)), dtype="float32")
        places = np.searchsorted(self.cohorts, dealt) + len(self.cohorts) * np.arange(len(self.start))
        np.put_along_axis(weights, places, 1.0, axis=1)
        weights = weights.astype("float64")
        every = np.arange(self.controls_part.shape[1])
        return {
            "two_way": self._deal_two_way(weights, control_sets, every),
            "imputation": self._deal_imputation(weights, control_sets, every),
        }

    def _deal_two_way(self, weights, control_sets, every):
        both = self._less_city_means(np.column_stack([self.years_part, self.controls_part, self.outcomes]))
        q = self.years_part.shape[1] + len(every)
        products = both[:, :q].T @ both
        blocks = []
        for g in self.cohorts:
            d = self._less_city_means((self.year >= g).astype("float64")[:, None])
            blocks.append(self._city_sums(np.column_stack([d * both, d * d])))
        # City c in cohort g is row c * cohorts + g.
        sums = weights @ np.stack(blocks, axis=1).reshape(-1, blocks[0].shape[1])
        found = []
        for controls in control_sets:
            turn = self._turned(controls)
            dn, dy, dd = sums[:, :q] @ turn, sums[:, q:-1], sums[:, -1]
            solved = np.linalg.solve(turn.T @ products[:, :q] @ turn, dn.T)
            size = dd - np.einsum("dk,kd->d", dn, solved)
            top = dy - solved.T @ (turn.T @ products[:, q:])
            fine = size > SINGULAR * np.maximum(dd, 1e-300)
            found.append(np.where(fine[:, None], top / np.where(fine, size, 1.0)[:, None], np.nan))
        return found

    def _deal_imputation(self, weights, control_sets, every):
        both = np.column_stack([self.years_part, self.controls_part, self.outcomes])
        q, v = self.years_part.shape[1] + len(every), both.shape[1]
        first, second = np.triu_indices(q)
        blocks = []
        for g in self.cohorts:
            off = (self.year < g)[:, None]
            n0, n = self._city_sums(off.astype("float64")), self._sizes[:, None]
            has = n0 > 0
            s0, s1 = self._city_sums(both * off), self._city_sums(both * ~off)
            inverse = np.divide(1.0, n0, out=np.zeros_like(n0), where=has)
            own = both[:, :q] * off
            squares = self._city_sums(own[:, first] * both[:, second]) - s0[:, first] * s0[:, second] * inverse
            cross = self._city_sums((own[:, :, None] * both[:, None, q:]).reshape(len(both), -1))
            cross -= (s0[:, :q, None] * s0[:, None, q:]).reshape(len(s0), -1) * inverse
            shift = (s1 - (n - n0) * inverse * s0) * has
            blocks.append(np.column_stack([squares, cross, shift, (n - n0) * has]))
        sums = weights @ np.stack(blocks, axis=1).reshape(-1, blocks[0].shape[1])
        d = len(weights)
        gram = np.empty((d, q, q))
        gram[:, first, second] = gram[:, second, first] = sums[:, : len(first)]
        cross = sums[:, len(first) : len(first) + q * (v - q)].reshape(d, q, v - q)
        shift, total = sums[:, len(first) + q * (v - q) : -1], sums[:, -1]
        found = []
        for controls in control_sets:
            turn = self._turned(controls)
            products = turn.T @ gram @ turn
            # Untreated rows must tell every year and every control from the others.
            sizes = np.linalg.eigvalsh(products)
            fine = (sizes[:, 0] > SINGULAR * sizes[:, -1]) & (total > 0)
            slopes = np.linalg.solve(products[fine], turn.T @ cross[fine])
            top = shift[fine, q:] - np.einsum("dk,dkm->dm", shift[fine][:, :q] @ turn, slopes)
            estimates = np.full((d, v - q), np.nan)
            estimates[fine] = top / total[fine, None]
            found.append(estimates)
        return found
