"""Intervals for an effect when parallel trends may fail by a bounded amount (Rambachan and Roth 2023, Review of
Economic Studies 90), and the power of the test of the leads (Roth 2022, American Economic Review: Insights 4).

Coefficients b by event time, normal around effect + d with covariance V: p leads and q effects from the start on. d is
the difference in trends, zero at the reference, event time -1. The parameter is l'b over the effects, l >= 0.

**Relative magnitudes**: no step of d after the reference is larger than ``bound`` times the largest step before it.
That is a union, over the lead step s that is the largest and over its sign, of sets with linear bounds, and the
interval is the hull of the sets that the test of Andrews, Roth and Pakes (2023, Review of Economic Studies 90) does not
reject: the conditional test with a least-favourable first stage of size alpha / 10, on the moments of the effects::

    m+_t = step_t b - bound * z <= 0,   m-_t = -step_t b - bound * z <= 0,   z = sign * step_s b

The test statistic is the smallest eta with m(theta, nuisance) <= eta * its standard errors, by duality the largest of
g'm over the vertices g of {g >= 0, g orthogonal to the nuisance, g'(standard errors) = 1}. Here these are known:
with u_t = l_t + ... + l_last, one vertex that weighs m+_t by u_t, one that weighs m-_t by u_t, and for each t one that
weighs m+_t and m-_t alike. So every statistic is linear in two numbers, x - theta with x = l'b and z, and neither a
linear program nor draws are needed: the least-favourable critical value is an integral in one dimension.

**Smoothness**: the slope of d changes by at most ``bound`` from one period to the next. The interval is the shortest of
fixed length around an affine estimator l'b + w'(leads), half length c with P(|N(bias / s, 1)| <= c / s) = 1 - alpha.
In terms of the slope changes before the reference the worst bias is a constant plus bound times sum |w_j|, so that the
estimators that trade bias for variance best are the path of a lasso.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.special import log_ndtr, ndtr, ndtri
from scipy.stats import f as f_distribution
from scipy.stats import ncf
from scipy.stats import t as student

ALPHA = 0.05
FIRST_STAGE = ALPHA / 10  # size of the least-favourable test of the hybrid
SECOND_STAGE = (ALPHA - FIRST_STAGE) / (1 - FIRST_STAGE)
POINTS = 200  # at which the test is tried, before the ends are refined
NODES, NODE_WEIGHTS = np.polynomial.legendre.leggauss(128)
FAR = 8.5  # standard deviations beyond which a normal has no mass that counts


class EventTimes(NamedTuple):
    """Coefficients without the reference: ``leads`` (p,), from the first one to event time -2, and ``effects`` (q,),
    from event time 0 on, with the joint ``covariance`` (p + q, p + q), in units of the outcome.
    """

    leads: np.ndarray
    effects: np.ndarray
    covariance: np.ndarray

    def parameter(self, weights: np.ndarray) -> tuple[float, float]:
        """l'b and its standard error for the weights l (q,)."""
        block = self.covariance[len(self.leads) :, len(self.leads) :]
        return float(weights @ self.effects), float(np.sqrt(weights @ block @ weights))


# ------------------------------------------------------------------------------------------------ relative magnitudes


def relative_magnitudes(estimates: EventTimes, weights: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """(bounds, 2): the robust interval of l'b for each of ``bounds``, which are ratios; NaN where no value is accepted.

    ``weights``: l (q,), none negative, at least one positive.
    """
    _, size = estimates.parameter(weights)
    problems = _Problems(estimates, weights, np.asarray(bounds, dtype=float), size)
    low, high = problems.ends()
    shape = (len(bounds), -1)
    return size * np.column_stack([_least(low.reshape(shape)), -_least(-high.reshape(shape))])


def _least(values):
    """The minimum of each row without NaN; NaN for a row of NaN."""
    found = np.where(np.isnan(values), np.inf, values).min(axis=1)
    return np.where(np.isfinite(found), found, np.nan)


class _Problems:
    """The tests for every bound, lead step and sign: B * 2p of them, each of V statistics. Units are standard errors of
    the parameter.
    """

    def __init__(self, estimates, weights, bounds, size):
        p = len(estimates.leads)
        b = np.concatenate([estimates.leads, estimates.effects]) / size
        covariance = estimates.covariance / size / size
        n = len(b)
        before = np.zeros((p, n))  # steps of the leads, the last of which ends at the reference
        before[np.arange(p), np.arange(p)] = -1.0
        before[np.arange(p - 1), np.arange(1, p)] = 1.0
        signed = np.concatenate([before, -before])
        q = n - p
        after = np.zeros((q, n))
        after[np.arange(q), p + np.arange(q)] = 1.0
        after[np.arange(1, q), p + np.arange(q - 1)] = -1.0
        target = np.concatenate([np.zeros(p), weights])
        self.x = float(target @ b)
        self.variance_x = float(target @ covariance @ target)

        def spread(values):
            return np.tile(values, len(bounds))

        self.z = spread(signed @ b)
        self.variance_z = spread(np.einsum("si,ij,sj->s", signed, covariance, signed))
        self.covariance_xz = spread(signed @ covariance @ target)
        self.bound = np.repeat(bounds, 2 * p)
        # Standard errors of the moments m+ and m-: (problems, q).
        own = np.einsum("ti,ij,tj->t", after, covariance, after)
        mixed = np.tile(signed @ covariance @ after.T, (len(bounds), 1))
        ratio = self.bound[:, None]
        errors = [
            np.sqrt(np.maximum(own + ratio**2 * self.variance_z[:, None] - 2 * side * ratio * mixed, 0.0))
            for side in (1, -1)
        ]
        reach = np.cumsum(weights[::-1])[::-1]
        self.up, self.down = (1 / (errors[side] @ reach) for side in (0, 1))
        both = errors[0] + errors[1]
        self.shift = self.bound * reach.sum()
        # How far z may fall before the moments of one period contradict one another.
        self.room = np.full(len(self.bound), np.inf)
        np.divide(both.min(axis=1), 2 * self.bound, out=self.room, where=self.bound > 0)
        zeros = np.zeros_like(both)
        self.on_x = np.column_stack([self.up, -self.down, zeros])  # (problems, V)
        self.on_z = np.column_stack([-self.up * self.shift, -self.down * self.shift, -2 * ratio / both])
        self.critical = self._least_favourable()

    def _variance(self, on_x, on_z):
        return (
            on_x**2 * self.variance_x
            + 2 * on_x * on_z * self.covariance_xz[:, None]
            + on_z**2 * self.variance_z[:, None]
        )

    def _least_favourable(self):
        """The 1 - FIRST_STAGE quantile of the largest statistic when all moments are zero, (problems,)."""
        sd = np.sqrt(self._variance(self.on_x, self.on_z).max(axis=1))
        low, high = sd * ndtri(1 - FIRST_STAGE), sd * ndtri(1 - FIRST_STAGE / 3)
        sd_z = np.sqrt(self.variance_z)
        slope = self.covariance_xz / self.variance_z
        left = np.sqrt(np.maximum(self.variance_x - slope * self.covariance_xz, 1e-14 * self.variance_x))
        widths = 1 / self.up + 1 / self.down
        for _ in range(22):
            c = (low + high) / 2
            crossing = np.full(len(c), -np.inf)
            np.divide(-c * widths, 2 * self.shift, out=crossing, where=self.shift > 0)
            start = np.maximum(np.maximum(-c * self.room, crossing), -FAR * sd_z)
            half = (FAR * sd_z - start) / 2
            z = start[:, None] + half[:, None] * (NODES + 1)
            top = c[:, None] / self.up[:, None] + self.shift[:, None] * z - slope[:, None] * z
            bottom = -c[:, None] / self.down[:, None] - self.shift[:, None] * z - slope[:, None] * z
            inside = ndtr(top / left[:, None]) - ndtr(bottom / left[:, None])
            density = np.exp(-0.5 * (z / sd_z[:, None]) ** 2) / (sd_z[:, None] * np.sqrt(2 * np.pi))
            share = half * ((inside * density) @ NODE_WEIGHTS)
            low, high = np.where(share < 1 - FIRST_STAGE, c, low), np.where(share < 1 - FIRST_STAGE, high, c)
        return (low + high) / 2

    def accepts(self, theta):
        """Whether the test does not reject ``theta`` (problems, k), in standard errors."""
        gap = (self.x - theta)[:, :, None]
        values = self.on_x[:, None, :] * gap + (self.on_z * self.z[:, None])[:, None, :]
        which = values.argmax(axis=2)
        eta = np.take_along_axis(values, which[:, :, None], axis=2)[:, :, 0]
        rows = np.arange(len(self.z))[:, None]
        first, second = self.on_x[rows, which], self.on_z[rows, which]
        variance = self._variance(first, second)
        cross_x = first * self.variance_x + second * self.covariance_xz[:, None]
        cross_z = first * self.covariance_xz[:, None] + second * self.variance_z[:, None]
        cross = cross_x[:, :, None] * self.on_x[:, None, :] + cross_z[:, :, None] * self.on_z[:, None, :]
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = cross / variance[:, :, None]
            limit = (values - relative * eta[:, :, None]) / (1 - relative)
            low = np.where(relative < 1 - 1e-9, limit, -np.inf).max(axis=2)
            high = np.where(relative > 1 + 1e-9, limit, np.inf).min(axis=2)
            sd = np.sqrt(variance)
            critical = self.critical[:, None]
            tail, tail_low, tail_high = (
                log_ndtr(-bound / sd) for bound in (eta, np.minimum(low, eta), np.minimum(high, critical))
            )
            # P(above eta) within the truncation; the shares are relative to the tail above the lower end.
            cut = np.exp(tail_high - tail_low)
            conditional = np.exp(tail - tail_low) - cut >= SECOND_STAGE * (1 - cut)
        return np.where(sd > 0, ((eta <= 0) | conditional) & (eta <= critical), eta <= 0)

    def ends(self):
        """The lowest and the highest value accepted by each test, (problems,) each; NaN if there is none."""
        # Beyond these the first stage rejects.
        low = self.x - self.shift * self.z - self.critical / self.up
        high = self.x + self.shift * self.z + self.critical / self.down
        grid = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, POINTS)
        accepted = self.accepts(grid) & (high > low)[:, None]
        some = accepted.any(axis=1)
        rows = np.arange(len(low))
        first = accepted.argmax(axis=1)
        last = POINTS - 1 - accepted[:, ::-1].argmax(axis=1)
        inside = np.column_stack([grid[rows, first], grid[rows, last]])
        outside = np.column_stack([grid[rows, np.maximum(first - 1, 0)], grid[rows, np.minimum(last + 1, POINTS - 1)]])
        for _ in range(14):
            middle = (inside + outside) / 2
            good = self.accepts(middle)
            inside, outside = np.where(good, middle, inside), np.where(good, outside, middle)
        return np.where(some, inside[:, 0], np.nan), np.where(some, inside[:, 1], np.nan)


# --------------------------------------------------------------------------------------------------------- smoothness


class SmoothnessPath(NamedTuple):
    """Affine estimators that trade worst bias for variance best, n of them, neighbours joined by straight lines.

    ``estimate`` (n,) and ``bias`` (n,) per unit of the bound, ``combinations`` (n, p + q) of the coefficients, and
    the ``covariance`` of these; all in standard errors of the parameter, ``size``.
    """

    estimate: np.ndarray
    bias: np.ndarray
    combinations: np.ndarray
    covariance: np.ndarray
    size: float


def smoothness_path(estimates: EventTimes, weights: np.ndarray) -> SmoothnessPath:
    """The estimators among which :func:`smoothness` chooses; they do not depend on the bound.

    With k = 1 ... p the distance of a lead from the reference, v_k its weight and w_j = sum over k > j of (k - j) v_k
    for j = 0 ... p - 1, the bias of l'b + v'(leads) by a slope is sum (t + 1) l_t - w_0 per unit, which must be zero,
    and by a change of slope at -1 - j it is w_j. (Changes after the reference cost a bias that no lead can offset.)
    """
    p, q = len(estimates.leads), len(estimates.effects)
    size = estimates.parameter(weights)[1]
    # v in terms of w: second differences, v_k = w_(k-1) - 2 w_k + w_(k+1), w_j = 0 from p on.
    v = np.zeros((p, p))
    for k in range(1, p + 1):
        for j, factor in ((k - 1, 1.0), (k, -2.0), (k + 1, 1.0)):
            if j < p:
                v[p - k, j] = factor  # the leads are in order of time, from the farthest on
    slope = float(weights @ np.arange(1, q + 1))
    fixed = np.concatenate([v[:, 0] * slope, weights])
    free = np.concatenate([v, np.zeros((q, p))])[:, 1:]
    b = np.concatenate([estimates.leads, estimates.effects]) / size
    covariance = estimates.covariance / size / size
    later = sum(abs(float(weights[t + 1 :] @ np.arange(1, q - t))) for t in range(q - 1))
    w = _between(_lasso_knots(free.T @ covariance @ free, free.T @ covariance @ fixed))
    combinations = fixed + w @ free.T
    return SmoothnessPath(combinations @ b, slope + later + np.abs(w).sum(axis=1), combinations, covariance, size)


def _between(knots, points=40):
    """The ``knots`` (k, ...) and ``points`` places on the straight line to each following one."""
    share = np.linspace(0, 1, points + 1)[1:].reshape(-1, *[1] * (knots.ndim - 1))
    return np.concatenate([knots[:1], *(a + (c - a) * share for a, c in pairwise(knots))])


def _lasso_knots(gram, cross):
    """The corners of the path of argmin w'Gw / 2 + w'c + penalty * |w|_1, from w = 0 to no penalty: (knots, p - 1).

    Homotopy of Osborne, Presnell and Turlach (2000): between corners the path is straight; a coefficient enters when
    its gradient reaches the penalty and leaves when it becomes zero.
    """
    m = len(cross)
    w = np.zeros(m)
    knots = [w]
    if not m:
        return np.array(knots)
    penalty = np.abs(cross).max()
    active = [int(np.abs(cross).argmax())] if penalty > 0 else []
    for _ in range(20 * m):
        if not active or penalty <= 0:
            break
        gradient = gram @ w + cross
        sign = -np.sign(gradient[active])
        direction = np.zeros(m)
        direction[active] = np.linalg.solve(gram[np.ix_(active, active)], sign)
        change = gram @ direction
        # Lowering the penalty by h moves w by h * direction and the gradient by h * change.
        step, event = penalty, None
        for j in range(m):
            if j in active:
                leaves = -w[j] / direction[j] if w[j] * direction[j] < 0 else np.inf
                if leaves < step:
                    step, event = leaves, j
                continue
            for side in (1, -1):
                closing = 1 + side * change[j]
                reaches = (penalty - side * gradient[j]) / closing if closing > 0 else np.inf
                if 1e-12 * penalty < reaches < step:
                    step, event = reaches, j
        w = w + step * direction
        penalty -= step
        if event is None:
            knots.append(w)
            break
        if event in active:
            w = w.copy()
            w[event] = 0.0
            active.remove(event)
        else:
            active.append(event)
        knots.append(w)
    return np.array(knots)


def smoothness(path: SmoothnessPath, bounds: np.ndarray) -> np.ndarray:
    """(bounds, 2): the shortest interval of fixed length for each of ``bounds``, in units of the outcome per period."""
    result = np.empty((len(bounds), 2))
    for i, bound in enumerate(np.asarray(bounds, dtype=float) / path.size):
        estimate, bias, combinations = path.estimate, path.bias, path.combinations
        # The length is convex along the path, so that the shortest lies between the neighbours of the best so far.
        for _ in range(4):
            error = np.sqrt(np.einsum("ni,ij,nj->n", combinations, path.covariance, combinations))
            half = error * folded_normal_quantile(bound * bias / error)
            best = int(half.argmin())
            result[i] = estimate[best] - half[best], estimate[best] + half[best]
            near = slice(max(best - 1, 0), best + 2)
            estimate, bias, combinations = (_between(part[near]) for part in (estimate, bias, combinations))
    return path.size * result


def folded_normal_quantile(mean: np.ndarray) -> np.ndarray:
    """The 1 - ALPHA quantile of |N(mean, 1)|, elementwise."""
    mean = np.abs(mean)
    value = np.where(mean < 4, np.sqrt(ndtri(1 - ALPHA / 2) ** 2 + mean**2), mean + ndtri(1 - ALPHA))
    for _ in range(30):
        miss = ndtr(value - mean) - ndtr(-value - mean) - (1 - ALPHA)
        slope = (np.exp(-0.5 * (value - mean) ** 2) + np.exp(-0.5 * (value + mean) ** 2)) / np.sqrt(2 * np.pi)
        step = miss / slope
        value = value - step
        if np.abs(step).max() < 1e-12:
            break
    return value


# -------------------------------------------------------------------------------------------------------------- power


def detectable_slope(leads_per_slope: np.ndarray, covariance: np.ndarray, degrees: int, power: float) -> float:
    """The slope that the joint F test of the leads (level 5 %) detects with the probability ``power``.

    ``leads_per_slope``: (p,) what the leads are for a slope of 1; ``covariance``: (p, p); ``degrees``: of freedom of
    the denominator. Under a slope the statistic is a noncentral F with noncentrality slope² x'V⁻¹x.
    """
    p = len(leads_per_slope)
    critical = f_distribution.ppf(1 - ALPHA, p, degrees)
    low, high = 0.0, 1.0
    while ncf.sf(critical, p, degrees, high) < power:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if ncf.sf(critical, p, degrees, middle) < power else (low, middle)
    size = np.abs(leads_per_slope).max()
    x, scale = leads_per_slope / size, np.sqrt(np.diag(covariance).max())
    return float(np.sqrt(high / (x @ np.linalg.solve(covariance / scale / scale, x))) * scale / size)


def detectable_effect(std_error: float, degrees: int, power: float) -> float:
    """The effect that a two-sided t test (level 5 %) detects with the probability ``power``: (t_.975 + t_power) x error
    (Bloom 1995, Evaluation Review 19).
    """
    return float((student.ppf(1 - ALPHA / 2, degrees) + student.ppf(power, degrees)) * std_error)
