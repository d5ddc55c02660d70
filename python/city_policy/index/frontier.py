"""Stochastic production frontier of Battese and Coelli (1992), and the productivity level read off it.

The model, for unit i in period t::

    ln Y_it = x_it' b + v_it - u_it,      v_it ~ N(0, sigma_v^2)
    u_it    = exp(-eta (t - T)) u_i,      u_i  ~ N+(mu, sigma_u^2), T the last period of the data

with sigma^2 = sigma_u^2 + sigma_v^2 and gamma = sigma_u^2 / sigma^2. ``mu = 0`` is the half-normal, ``eta =
0`` the time-invariant case; with one period per unit it is the cross-section frontier of Aigner, Lovell and
Schmidt (1977). Units may be observed in different periods.

Sources: G. E. Battese and T. J. Coelli, "Frontier production functions, technical efficiency and panel data:
with application to paddy farmers in India", Journal of Productivity Analysis 3 (1992), 153-169 (likelihood:
appendix; efficiencies: equation 5); J. Jondrow et al., Journal of Econometrics 19 (1982), 233-238 (E[u|e]);
start values as in T. J. Coelli, "A guide to FRONTIER version 4.1", CEPA working paper 96/07.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, minimize
from scipy.special import expit, log_ndtr, logit

from city_policy.errors import InputError

LOG_TWO_PI = np.log(2 * np.pi)
DISTRIBUTIONS = ("half_normal", "truncated_normal")
# Below this share of the variance inefficiency cannot be told from zero.
BOUNDARY_GAMMA = 1e-4
# Below this share noise cannot. It is smaller: in a panel with lasting differences between units the noise
# within a unit is well determined even where it is a very small part of the whole.
BOUNDARY_NOISE = 1e-6
# A truncated normal whose mean lies further out than this many of its own deviations is an exponential in
# disguise.
BOUNDARY_MU = 20.0


@dataclass(frozen=True)
class FrontierResult:
    """One estimated frontier.

    ``coefficients``, ``standard_errors``: Series over the constant ``(Intercept)``, the regressors in the
    order given, ``sigma2``, ``gamma`` and, where estimated, ``mu`` and ``eta``. Standard errors come from the
    inverse of the observed information; they are missing where the optimum lies at the boundary.
    ``observations``: frame with the index of the input and the columns ``inefficiency`` (E[u_it | e_i], log
    points, at least 0), ``efficiency`` (E[exp(-u_it) | e_i], share in (0, 1]) and ``residual`` (e = ln Y -
    x'b, log points); missing for rows that were not used.
    ``log_likelihood_ols``: of the regression without inefficiency; ``likelihood_ratio`` = 2 (log_likelihood -
    log_likelihood_ols), the one-sided test of gamma = 0 (mixed chi-squared).
    ``status``: ``ok`` or ``boundary`` (the data show no inefficiency, or nothing but inefficiency, or do not
    determine its distribution; efficiencies are then to be read with care); ``message`` says in a sentence
    which, and is empty when there is nothing to say.
    """

    coefficients: pd.Series
    standard_errors: pd.Series
    sigma2: float
    gamma: float
    mu: float
    eta: float
    log_likelihood: float
    log_likelihood_ols: float
    likelihood_ratio: float
    observations: pd.DataFrame
    n_obs: int
    n_units: int
    n_periods: int
    distribution: str
    time_varying: bool
    status: str
    message: str


@dataclass(frozen=True)
class ProductivityResult:
    """Total factor productivity per row of the input.

    ``values``: frame with the index of the input and the columns city, year (named as in the input),
    ``ln_tfp`` (log level), ``tfp`` (= exp(ln_tfp)), ``inefficiency`` (E[u | e], log points) and
    ``efficiency`` (E[exp(-u) | e]); missing where output, capital or labour is missing.
    ``status``: ``ok``, ``boundary`` (see :class:`FrontierResult`) or ``not_estimated`` (too few complete
    rows: every value is missing and ``frontier`` is None); ``message`` says why.
    """

    values: pd.DataFrame
    frontier: FrontierResult | None
    form: str
    status: str
    message: str


def _mills(z):
    """Density over distribution function of the standard normal, stable far in the lower tail."""
    return np.exp(-0.5 * z * z - 0.5 * LOG_TWO_PI - log_ndtr(z))


class _Likelihood:
    """Log likelihood and gradient for rows sorted by unit.

    ``design``: (n, k); ``y``: (n,), of unit residual variance so that the bounds below fit; ``starts``: (N,)
    first row of every unit; ``tau``: (n,) period minus last period. The free parameters are (b, ln sigma2,
    logit gamma[, mu][, eta]).
    """

    def __init__(self, y, design, starts, tau, truncated, time_varying):
        self.y, self.design, self.starts, self.tau = y, design, starts, tau
        self.truncated, self.time_varying = truncated, time_varying
        self.n_obs, self.n_columns = design.shape
        self.n_units = len(starts)

    def bounds(self):
        """Largest absolute values: beyond what data can tell from infinity, and safe from overflow."""
        span = max(1.0, np.abs(self.tau).max())
        inefficiency = [30.0] * self.truncated + [20.0 / span] * self.time_varying
        return np.array([np.inf] * self.n_columns + [15.0, 15.0, *inefficiency])

    def by_unit(self, values):
        return np.add.reduceat(values, self.starts, axis=0)

    def split(self, parameters):
        """(b, sigma2, gamma, mu, eta) from the free parameters."""
        k = self.n_columns
        rest = list(parameters[k + 2 :])
        mu = rest.pop(0) if self.truncated else 0.0
        eta = rest.pop(0) if self.time_varying else 0.0
        return parameters[:k], np.exp(parameters[k]), expit(parameters[k + 1]), mu, eta

    def moments(self, parameters):
        """What the likelihood and the efficiencies share, per unit."""
        b, sigma2, gamma, mu, eta = self.split(parameters)
        decay = np.exp(-eta * self.tau)
        residual = self.y - self.design @ b
        weight = self.by_unit(decay * decay)
        weighted_residual = self.by_unit(decay * residual)
        spread = 1 + (weight - 1) * gamma
        scale = np.sqrt(gamma * (1 - gamma) * sigma2 * spread)
        # mean over deviation of u_i given the residuals of unit i
        location = (mu * (1 - gamma) - gamma * weighted_residual) / scale
        return decay, residual, weight, weighted_residual, spread, scale, location

    def negative(self, parameters):
        """Minus the log likelihood and minus its gradient in the free parameters."""
        _, sigma2, gamma, mu, _ = self.split(parameters)
        decay, residual, weight, weighted_residual, spread, scale, location = self.moments(parameters)
        n, units, k = self.n_obs, self.n_units, self.n_columns
        noise = (1 - gamma) * sigma2
        squares = residual @ residual
        z = mu / np.sqrt(gamma * sigma2)
        log_likelihood = (
            -0.5 * n * (LOG_TWO_PI + np.log(sigma2))
            - 0.5 * (n - units) * np.log1p(-gamma)
            - 0.5 * np.log(spread).sum()
            - units * (log_ndtr(z) + 0.5 * z * z)
            + (log_ndtr(location) + 0.5 * location * location).sum()
            - 0.5 * squares / noise
        )
        slope = _mills(location) + location
        slope_z = _mills(z) + z
        factor = slope * gamma / scale
        gradient = np.empty_like(parameters)
        gradient[:k] = factor @ self.by_unit(decay[:, None] * self.design) + (residual @ self.design) / noise
        d_sigma2 = (-0.5 * n + 0.5 * units * slope_z * z - 0.5 * slope @ location + 0.5 * squares / noise) / sigma2
        gradient[k] = d_sigma2 * sigma2
        d_location = (-mu - weighted_residual) / scale - 0.5 * location * (
            (1 - 2 * gamma) / (gamma * (1 - gamma)) + (weight - 1) / spread
        )
        d_gamma = (
            0.5 * (n - units) / (1 - gamma)
            - 0.5 * ((weight - 1) / spread).sum()
            + 0.5 * units * slope_z * z / gamma
            + slope @ d_location
            - 0.5 * squares / (noise * (1 - gamma))
        )
        gradient[k + 1] = d_gamma * gamma * (1 - gamma)
        position = k + 2
        if self.truncated:
            gradient[position] = -units * slope_z / np.sqrt(gamma * sigma2) + (slope * (1 - gamma) / scale).sum()
            position += 1
        if self.time_varying:
            d_weight = self.by_unit(-2 * self.tau * decay * decay)
            d_weighted = self.by_unit(-self.tau * decay * residual)
            gradient[position] = (
                -0.5 * gamma * d_weight / spread
                + slope * (-gamma * d_weighted / scale - 0.5 * location * gamma * d_weight / spread)
            ).sum()
        return -log_likelihood, -gradient

    def hessian(self, parameters):
        """Second derivatives of minus the log likelihood, by central differences of the exact gradient."""
        size = len(parameters)
        result = np.empty((size, size))
        for j in range(size):
            step = np.zeros(size)
            step[j] = 1e-5 * max(1.0, abs(parameters[j]))
            above, below = self.negative(parameters + step)[1], self.negative(parameters - step)[1]
            result[j] = (above - below) / (2 * step[j])
        return 0.5 * (result + result.T)


def _maximise(likelihood, start):
    """The maximum from one start: (parameters, minus log likelihood, Newton decrement); deterministic.

    Quasi-Newton steps within the bounds, then damped Newton steps, which also converge where noise is a tiny
    part of the variance and the likelihood therefore a narrow ridge. The decrement g'H^-1 g / 2 is the log
    likelihood that a further step could gain.
    """
    best, value, decrement = start, np.inf, np.inf
    # The two take turns: the one is slow on narrow ridges, the other on bent ones.
    for _ in range(4):
        best = minimize(
            likelihood.negative,
            best,
            jac=True,
            method="L-BFGS-B",
            bounds=Bounds(-likelihood.bounds(), likelihood.bounds()),
            options={"ftol": 1e-10, "gtol": 1e-5, "maxiter": 200, "maxcor": 20},
        ).x
        best, value, decrement = _newton(likelihood, best)
        if decrement < 1e-9:
            break
    return best, value, decrement


def _newton(likelihood, best):
    """Damped Newton steps within the bounds: (parameters, minus log likelihood, decrement)."""
    bounds = likelihood.bounds()
    value, gradient = likelihood.negative(best)
    damping, decrement = 0.0, np.inf
    for _ in range(30):
        # A parameter at its bound that wants further out stays there.
        free = ~((np.abs(best) >= bounds) & (gradient * best < 0))
        curvature, directions = np.linalg.eigh(likelihood.hessian(best)[np.ix_(free, free)])
        slope = directions.T @ gradient[free]
        size = np.maximum(np.abs(curvature), 1e-8 * np.abs(curvature).max())
        decrement = 0.5 * slope @ (slope / size)
        if decrement < 1e-12:
            break
        while damping < 1e10:
            candidate = best.copy()
            candidate[free] -= directions @ (slope / (size * (1 + damping)))
            candidate = np.clip(candidate, -bounds, bounds)
            new_value, new_gradient = likelihood.negative(candidate)
            if new_value < value:
                break
            damping = max(10 * damping, 1.0)
        else:
            break
        best, value, gradient = candidate, new_value, new_gradient
        damping = damping / 10 if damping > 0.1 else 0.0
    return best, value, decrement


def _check_numeric(frame, columns, what):
    for column in columns:
        if column not in frame.columns:
            raise InputError(f"The {what} has no column '{column}'; it has {', '.join(map(str, frame.columns))}.")
    numbers = frame[list(columns)].apply(pd.to_numeric, errors="coerce").astype("float64")
    for column in columns:
        broken = frame[column].notna() & numbers[column].isna()
        if broken.any():
            raise InputError(
                f"Column '{column}' of the {what} holds the text {frame.loc[broken, column].iloc[0]!r}; "
                "expected numbers."
            )
    return numbers.mask(~np.isfinite(numbers))


def estimate_frontier(
    frame: pd.DataFrame,
    output: str,
    regressors: Sequence[str],
    unit: str,
    period: str | None = None,
    *,
    distribution: str = "half_normal",
    time_varying: bool = False,
) -> FrontierResult:
    """Estimate a production frontier by maximum likelihood.

    ``frame``: one row per unit and period, any order, with the columns named by the other arguments.
    ``output`` is the log of output; ``regressors`` are columns as they enter the equation (logs of inputs,
    trend, products); the constant is added. ``period`` (whole numbers, years) is needed for time-varying
    inefficiency. Rows with a missing value are left out. ``distribution``: ``half_normal`` or
    ``truncated_normal``.

    Start values: least squares, then the best of gamma = .05, .10, ... .95 with the constant and sigma2
    corrected for it (FRONTIER 4.1), mu = eta = 0. Then L-BFGS-B and Newton steps with the exact gradient; no
    random numbers, and the result does not depend on the order of the rows.

    Raises InputError for an unknown column, text where numbers belong, a repeated unit and period, an unknown
    distribution, collinear regressors, or fewer rows than parameters.
    """
    truncated = _check_model(distribution, time_varying, period)
    regressors = list(regressors)
    data = _complete_rows(frame, output, regressors, unit, period)
    if time_varying and data.n_periods < 2:
        raise InputError(
            f"Inefficiency that varies over time needs at least two periods; the complete rows hold {data.n_periods}."
        )
    names = ["(Intercept)", *regressors, "sigma2", "gamma"] + ["mu"] * truncated + ["eta"] * time_varying
    if len(data.positions) <= len(names):
        raise InputError(
            f"A frontier with {len(names)} parameters needs more than {len(names)} complete rows; "
            f"the data has {len(data.positions)}."
        )
    design, triangle = _orthogonal(data.design, regressors)
    y, n = data.y, len(data.y)
    ols = design.T @ y / n
    residual = y - design @ ols
    variance = residual @ residual / n
    if variance <= 1e-20 * max(1.0, y @ y / n):
        raise InputError(
            f"The regressors explain '{output}' without a remainder; there is nothing to split into noise "
            "and inefficiency."
        )
    log_likelihood_ols = -0.5 * n * (LOG_TWO_PI + np.log(variance) + 1)
    # Everything below is in units of the residual deviation, and turned back at the end.
    unit_of_y = np.sqrt(variance)
    y, ols, residual = y / unit_of_y, ols / unit_of_y, residual / unit_of_y

    likelihood, (best, value, decrement) = _fit(y, design, data, ols, truncated, time_varying)
    scaled_b, sigma2, gamma, mu, eta = likelihood.split(best)
    message = _what_is_at_the_boundary(likelihood, best, residual, decrement)
    status = "boundary" if message else "ok"
    errors = np.full(len(best), np.nan)
    if status == "ok":
        information = likelihood.hessian(best)
        if np.linalg.eigvalsh(information).min() > 0:
            jacobian = _printed_from_free(likelihood, best, unit_of_y, triangle)
            errors = np.sqrt(np.diag(jacobian @ np.linalg.inv(information) @ jacobian.T))
        else:
            message = "The likelihood is flat at its maximum: there are no standard errors."
    b = unit_of_y * np.linalg.solve(triangle, scaled_b)
    estimates = np.r_[b, unit_of_y**2 * sigma2, gamma, [unit_of_y * mu] * truncated, [eta] * time_varying]
    log_likelihood = -value - n * np.log(unit_of_y)

    columns = ["inefficiency", "efficiency", "residual"]
    filled = np.full((len(frame), len(columns)), np.nan)
    filled[data.positions] = _efficiencies(likelihood, best, unit_of_y)
    return FrontierResult(
        coefficients=pd.Series(estimates, index=names),
        standard_errors=pd.Series(errors, index=names),
        sigma2=float(unit_of_y**2 * sigma2),
        gamma=float(gamma),
        mu=float(unit_of_y * mu),
        eta=float(eta),
        log_likelihood=float(log_likelihood),
        log_likelihood_ols=float(log_likelihood_ols),
        likelihood_ratio=float(2 * (log_likelihood - log_likelihood_ols)),
        observations=pd.DataFrame(filled, index=frame.index, columns=columns),
        n_obs=n,
        n_units=len(data.starts),
        n_periods=data.n_periods,
        distribution=distribution,
        time_varying=time_varying,
        status=status,
        message=message,
    )


def _check_model(distribution, time_varying, period):
    """Whether the inefficiency is truncated normal; raises InputError for a model that does not exist."""
    if distribution not in DISTRIBUTIONS:
        raise InputError(f"Unknown distribution '{distribution}'; expected one of {', '.join(DISTRIBUTIONS)}.")
    if time_varying and period is None:
        raise InputError("Inefficiency that varies over time needs a period column; none was named.")
    return distribution == "truncated_normal"


class _Rows(NamedTuple):
    """The complete rows in order of unit and period: their ``positions`` in the frame and ``periods``, (n,); the first
    row of every unit, ``starts``; log output ``y`` (n,) and the ``design`` with the constant, (n, k).
    """

    positions: np.ndarray
    periods: np.ndarray
    starts: np.ndarray
    n_periods: int
    y: np.ndarray
    design: np.ndarray


def _complete_rows(frame, output, regressors, unit, period):
    keys = [unit] if period is None else [unit, period]
    for key in keys:
        if key not in frame.columns:
            raise InputError(f"The frontier data has no column '{key}'; it has {', '.join(map(str, frame.columns))}.")
    numbers = _check_numeric(frame, [output, *regressors], "frontier data")
    complete = (numbers.notna().all(axis=1) & frame[keys].notna().all(axis=1)).to_numpy()
    if period is not None and frame.loc[complete].duplicated(keys).any():
        twice = frame.loc[complete][frame.loc[complete].duplicated(keys)].iloc[0]
        raise InputError(
            f"The frontier data holds {unit} {twice[unit]}, {period} {twice[period]} more than once; "
            "expected one row each."
        )
    positions = np.flatnonzero(complete)
    unit_codes = np.unique(frame[unit].to_numpy()[positions].astype(str), return_inverse=True)[1]
    if period is None:
        periods = np.zeros(len(positions))
    else:
        periods = pd.to_numeric(frame[period]).to_numpy(dtype="float64")[positions]
    # Ties (several rows of a unit without a period) are broken by the values, so that row order cannot
    # matter.
    values = numbers.to_numpy()[positions]
    order = np.lexsort((*values.T[::-1], periods, unit_codes))
    positions, unit_codes = positions[order], unit_codes[order]
    periods, values = periods[order], values[order]
    return _Rows(
        positions=positions,
        periods=periods,
        starts=np.flatnonzero(np.r_[True, unit_codes[1:] != unit_codes[:-1]]),
        n_periods=len(np.unique(periods)),
        y=values[:, 0],
        design=np.column_stack([np.ones(len(values)), values[:, 1:]]),
    )


def _orthogonal(raw_design, regressors):
    """The columns of the design made orthogonal, of length root n, and the triangle that turns them back: the
    optimiser's job does not depend on the units of the regressors then.
    """
    basis, triangle = np.linalg.qr(raw_design)
    diagonal = np.abs(np.diag(triangle))
    dependent = diagonal < 1e-9 * np.linalg.norm(raw_design, axis=0)
    if dependent.any():
        name = ["(Intercept)", *regressors][int(np.flatnonzero(dependent)[0])]
        raise InputError(
            f"Regressor '{name}' of the frontier is constant or a linear combination of the others; leave it out."
        )
    root_n = np.sqrt(len(raw_design))
    return basis * root_n, triangle / root_n


def _fit(y, design, data, ols, truncated, time_varying):
    """The likelihood and its maximum, as :func:`_maximise` gives it."""
    n, k = design.shape
    constant = design.T @ np.ones(n) / n  # the constant 1 written in the orthogonal columns
    tau = data.periods - data.periods.max()
    plain = _Likelihood(y, design, data.starts, tau, False, False)
    candidates = []
    for gamma in np.arange(0.05, 0.951, 0.05):
        sigma2 = np.pi / (np.pi - 2 * gamma)
        shift = np.sqrt(2 * gamma * sigma2 / np.pi)
        candidate = np.r_[ols + shift * constant, np.log(sigma2), logit(gamma)]
        candidates.append((plain.negative(candidate)[0], candidate))
    start = min(candidates, key=lambda pair: pair[0])[1]
    optimum = _maximise(plain, start)
    if not (truncated or time_varying):
        return plain, optimum
    # The richer models start from the plain optimum unless that sits at a boundary.
    likelihood = _Likelihood(y, design, data.starts, tau, truncated, time_varying)
    base = optimum[0] if BOUNDARY_GAMMA < expit(optimum[0][k + 1]) < 1 - BOUNDARY_NOISE else start
    # With little inefficiency the likelihood can have two hills in eta: try one start on either side as
    # well.
    found = [
        _maximise(likelihood, np.r_[base, [0.0] * truncated, eta])
        for eta in ([[0.0], [0.1], [-0.1]] if time_varying else [[]])
    ]
    return likelihood, min(found, key=lambda point: point[1])


def _what_is_at_the_boundary(likelihood, best, residual, decrement):
    """A sentence on what the data do not determine, or ''. ``residual``: of least squares."""
    _, sigma2, gamma, mu, _ = likelihood.split(best)
    if gamma < BOUNDARY_GAMMA:
        skewness = (residual**3).mean()
        reason = f"the residuals are skewed the wrong way, {skewness:+.2f}" if skewness > 0 else "gamma is 0"
        return f"The data show no inefficiency ({reason}): the frontier is the least-squares line."
    if gamma > 1 - BOUNDARY_NOISE:
        return "The data show no noise beside inefficiency (gamma is 1)."
    if likelihood.truncated and abs(mu) > BOUNDARY_MU * np.sqrt(gamma * sigma2):
        return "The mean of the truncated normal runs to the boundary: its two parameters cannot be told apart."
    if decrement > 1e-6:
        return "The likelihood has no clear maximum: the parameters of the inefficiency are not determined."
    return ""


def _printed_from_free(likelihood, best, unit_of_y, triangle):
    """Jacobian of the printed parameters in the free ones, which are in units of the residual deviation."""
    k = likelihood.n_columns
    _, sigma2, gamma, _, _ = likelihood.split(best)
    jacobian = np.eye(len(best))
    jacobian[:k, :k] = unit_of_y * np.linalg.inv(triangle)
    jacobian[k, k] = unit_of_y**2 * sigma2
    jacobian[k + 1, k + 1] = gamma * (1 - gamma)
    if likelihood.truncated:
        jacobian[k + 2, k + 2] = unit_of_y
    return jacobian


def _efficiencies(likelihood, best, unit_of_y):
    """(n, 3): inefficiency, efficiency and residual of every row."""
    _, sigma2, gamma, _, _ = likelihood.split(best)
    decay, residual, _, _, spread, _, location = likelihood.moments(best)
    repeat = np.diff(np.r_[likelihood.starts, likelihood.n_obs])
    deviation = unit_of_y * np.sqrt(gamma * (1 - gamma) * sigma2 / spread)
    # location + mills(location) > 0, but for rounding far in the lower tail
    mean = deviation * np.maximum(location + _mills(location), 0.0)
    inefficiency = decay * np.repeat(mean, repeat)
    step = decay * np.repeat(deviation, repeat)
    place = np.repeat(location, repeat)
    with np.errstate(over="ignore", under="ignore"):
        efficiency = np.exp(log_ndtr(place - step) - log_ndtr(place) - step * place + 0.5 * step * step)
    return np.column_stack([inefficiency, np.clip(efficiency, 0.0, 1.0), unit_of_y * residual])


def total_factor_productivity(
    frame: pd.DataFrame,
    output: str,
    capital: str,
    labour: str,
    city: str,
    year: str,
    form: str = "cobb_douglas",
    *,
    distribution: str = "half_normal",
    time_varying: bool = True,
) -> ProductivityResult:
    """Level of total factor productivity of every city and year from a stochastic frontier.

    ``frame``: one row per city and year, any order; ``output``, ``capital`` and ``labour`` are columns of
    positive levels (real output and real capital in constant prices, labour in persons; any unit, the same in
    every row).

    With k and l the logs of capital and labour less their means over the complete rows and t the years since
    the first year of the complete rows, the frontier is

    - ``cobb_douglas``: ln Y = b0 + bK k + bL l + bT t + v - u
    - ``translog``: the same plus ½bKK k² + ½bLL l² + bKL kl + ½bTT t² + bKT kt + bLT lt

    and the level, in log points, is the constant plus every term that holds t, less the expected
    inefficiency::

        ln TFP = b0 + bT t - E[u|e]                                        (Cobb-Douglas)
        ln TFP = b0 + bT t + ½bTT t² + (bKT k + bLT l) t - E[u|e]          (translog)

    so that the change of ln TFP at fixed inputs is technical change plus the change of efficiency. Because
    inputs are centred, exp(b0) is the frontier's output at the geometric mean of the inputs in the first
    year, and TFP has the unit of output.

    Rows with a missing output, capital or labour get missing values. With a single year the trend and the
    time-varying inefficiency are left out, and the message says so. Too few complete rows give the status
    ``not_estimated``.

    Raises InputError for a level that is not positive (naming city and year), an unknown form, an unknown
    column, or a repeated city and year.
    """
    if form not in ("cobb_douglas", "translog"):
        raise InputError(f"Unknown production function '{form}'; expected cobb_douglas or translog.")
    for key in (city, year):
        if key not in frame.columns:
            raise InputError(
                f"The productivity data has no column '{key}'; it has {', '.join(map(str, frame.columns))}."
            )
    levels = _check_numeric(frame, [output, capital, labour], "productivity data")
    for column in levels.columns:
        bad = (levels[column] <= 0).to_numpy()
        if bad.any():
            row = frame.iloc[int(np.flatnonzero(bad)[0])]
            raise InputError(
                f"{column} of {city} {row[city]} in {year} {row[year]} is {row[column]}; a frontier takes "
                "logs, so every output, capital and labour must be positive (leave an unknown cell empty)."
            )
    logs = np.log(levels)
    complete = logs.notna().all(axis=1)
    values = frame[[city, year]].copy()
    for column in ("ln_tfp", "tfp", "inefficiency", "efficiency"):
        values[column] = np.nan
    years = pd.to_numeric(frame[year]).astype("float64")
    data = pd.DataFrame({"city": frame[city], "year": years, "y": logs[output]})
    data["k"] = logs[capital] - logs.loc[complete, capital].mean()
    data["l"] = logs[labour] - logs.loc[complete, labour].mean()
    data["t"] = years - years[complete].min()
    one_year = years[complete].nunique() < 2
    regressors = ["k", "l"]
    if form == "translog":
        data["kk"], data["ll"], data["kl"] = data.k**2 / 2, data.l**2 / 2, data.k * data.l
        regressors += ["kk", "ll", "kl"]
    if not one_year:
        regressors.append("t")
        if form == "translog":
            data["kt"], data["lt"] = data.k * data.t, data.l * data.t
            regressors += ["kt", "lt"]
            # With two years t² is a multiple of t.
            if years[complete].nunique() > 2:
                data["tt"] = data.t**2 / 2
                regressors.append("tt")
    needed = len(regressors) + 6
    if complete.sum() <= needed:
        message = (
            f"Productivity was not estimated: {int(complete.sum())} rows hold {output}, {capital} and "
            f"{labour} together, more than {needed} are needed."
        )
        return ProductivityResult(values, None, form, "not_estimated", message)
    result = estimate_frontier(
        data,
        "y",
        regressors,
        "city",
        "year",
        distribution=distribution,
        time_varying=time_varying and not one_year,
    )
    ln_tfp = result.coefficients["(Intercept)"] - result.observations["inefficiency"]
    for term in ("t", "tt", "kt", "lt"):
        if term in regressors:
            ln_tfp = ln_tfp + result.coefficients[term] * data[term]
    values["ln_tfp"] = ln_tfp
    values["tfp"] = np.exp(ln_tfp)
    values["inefficiency"] = result.observations["inefficiency"]
    values["efficiency"] = result.observations["efficiency"]
    notes = [result.message] if result.message else []
    if one_year:
        notes.append("The data holds one year: the frontier has no trend and its inefficiency does not vary.")
    return ProductivityResult(values, result, form, result.status, " ".join(notes))
