"""Least squares with city, year and further fixed effects: which rows a specification uses, its columns with the
fixed effects projected out, and ordinary or two-stage least squares with both variance estimators.

The fixed effects are projected out exactly, by group means and least squares on the remaining dummies (Frisch,
Waugh and Lovell), not iterated to a tolerance.

For n rows, k terms, residuals e and X with all fixed effects projected out:

- ``iid``: e'e / (n - k - F) (X'X)^-1 and a t distribution with n - k - F degrees of freedom, F being the
  exact rank of all fixed effects together: what the dummy-variable regression gives;
- ``CRV1``: G / (G - 1) (n - 1) / (n - K) (X'X)^-1 (sum over g of X_g'e_g e_g'X_g) (X'X)^-1 for G clusters and
  a t distribution with G - 1 degrees of freedom. K = k + 1 + the sum of (groups - 1) over the fixed effects
  that are not nested in the cluster: the rule of reghdfe and of R's fixest (k + 11 for city and year effects
  over 11 years).

A fixed effect that another one contains (years beside province-years) adds nothing and is not counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from scipy.linalg import solve_triangular
from scipy.stats import t as student

from city_policy.estimation.contract.panel import BASE_EFFECTS, is_nested
from city_policy.estimation.contract.record import NotIdentifiedError
from city_policy.estimation.contract.request import Request

# A column whose variation is reduced below this share of its own is explained by the others.
COLLINEAR_SHARE = 1e-10
# Clustered errors reject a true null too often where the effect rests on fewer clusters than this; docs/methods.md has
# the measured sizes.
FEW_CLUSTERS = 20
# Below it one cluster makes the estimate: residuals say nothing of its error, because it fits itself.
ONE_CLUSTER = 1.5
# Residuals below this share of the outcome without its effects, or of the outcome itself, are rounding.
RESIDUAL_SHARE, RESIDUAL_SHARE_OF_RAW = 1e-11, 1e-14
# A clustered error below this share of the iid one is rounding: the residuals cancel within every cluster.
CANCELLED = 1e-9
CANCELS = "The residuals cancel within every cluster, so that there is no clustered error."


class AbsorbedEffects:
    """The space spanned by several fixed effects, the first of them the cities'.

    ``effects``: group codes 0 ... of the rows, (n,) each; an effect that is nested in another one (years in
    province-years) adds nothing and is left out. ``city``: the codes of the first; ``rank``: dimension of the
    space. ``root_weights``: (n,) square roots of the weights of the rows, positive, by which the columns that are swept
    have been multiplied; None: all 1.
    """

    def __init__(self, effects: Sequence[np.ndarray], root_weights: np.ndarray | None = None):
        self.effects = [
            groups
            for i, groups in enumerate(effects)
            if i == 0 or not any(_redundant(groups, other, i > j) for j, other in enumerate(effects) if j != i)
        ]
        self.city = effects[0]
        self._root = np.ones((len(self.city), 1)) if root_weights is None else root_weights[:, None]
        self._sizes = cluster_sums(self._root**2, self.city)
        others = [np.eye(groups.max() + 1)[groups] for groups in self.effects[1:]]
        # Without another effect, or with nested ones only, there are none.
        dummies = np.column_stack([np.empty((len(self.city), 0)), *others]) * self._root
        dummies = self._less_city_means(dummies)
        values, vectors = np.linalg.eigh(dummies.T @ dummies)
        solid = values > 1e-10 * values.max(initial=1.0)
        # Orthonormal, and orthogonal to every city dummy. The second pass of Gram-Schmidt is what QR does.
        self._basis = np.linalg.qr(dummies @ (vectors[:, solid] / np.sqrt(values[solid])))[0]
        self.rank = len(self._sizes) + int(solid.sum())

    def _less_city_means(self, columns):
        return columns - self._root * (cluster_sums(self._root * columns, self.city) / self._sizes)[self.city]

    def sweep(self, columns: np.ndarray) -> np.ndarray:
        """``columns`` (n, m) with all effects projected out; the second pass removes rounding."""
        for _ in range(2):
            columns = self._less_city_means(columns)
            columns = columns - self._basis @ (self._basis.T @ columns)
        return columns


def _redundant(groups, other, later):
    """Whether ``groups`` is coarser than ``other``; of two that are the same the later one is redundant."""
    return is_nested(other, groups) and (later or not is_nested(groups, other))


def independent(columns: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mask (m,) of the ``columns`` (n, m) that those before them do not explain, and an orthonormal basis of them.

    ``sizes``: (m,) norms of the columns before anything was projected out of them.
    """
    kept = np.zeros(columns.shape[1], dtype=bool)
    basis, count = np.empty(columns.shape, order="F"), 0
    for j in range(columns.shape[1]):
        rest = columns[:, j]
        norm = np.sqrt(rest @ rest)
        for _ in range(2):
            before, length = basis[:, :count], norm
            rest = rest - before @ (before.T @ rest)
            norm = np.sqrt(rest @ rest)
            # A second pass is for what the first one cut down, and with it the digits (Daniel et al. 1976).
            if norm > length / np.sqrt(2):
                break
        if norm > COLLINEAR_SHARE * sizes[j]:
            basis[:, count] = rest / norm
            kept[j] = True
            count += 1
    return kept, basis[:, :count]


@dataclass(frozen=True)
class Prepared:
    """The rows that one specification uses, n of them in order of city and year.

    ``rows``: their positions in the sorted panel, (n,); ``raw`` and ``swept``: the named columns, (n,) each,
    as they are and with all fixed effects projected out, both times ``root_weights``, the square roots of the weights
    of the rows (n,), which are 1 without weights; ``controls``: the controls that are not collinear;
    ``absorbed``: the fixed effects; ``cluster``: codes 0 ... of the clusters, (n,); ``dropped_terms``: the names of the
    controls that are collinear, or None.
    """

    rows: np.ndarray
    raw: dict[str, np.ndarray]
    swept: dict[str, np.ndarray]
    controls: list[str]
    absorbed: AbsorbedEffects
    cluster: np.ndarray
    root_weights: np.ndarray
    dropped_terms: str | None = None

    def mean(self, name: str) -> float:
        """The weighted mean of a column."""
        return float(self.raw[name] @ self.root_weights / (self.root_weights @ self.root_weights))

    def clustered_by(self, cluster: np.ndarray) -> "Prepared":
        """The same with other clusters, codes 0 ... (n,)."""
        return replace(self, cluster=cluster)

    def stack(self, names: Sequence[str]) -> np.ndarray:
        """The swept columns ``names`` as a matrix (n, k)."""
        return np.column_stack([np.empty((len(self.rows), 0)), *(self.swept[name] for name in names)])

    def explained(self, names: Sequence[str], given: Sequence[str]) -> list[str]:
        """Those of ``names`` that the fixed effects, ``given`` and the names before them explain."""
        order = [*given, *names]
        size = [np.linalg.norm(self.raw[name]) for name in order]
        kept = independent(self.stack(order), np.array(size))[0][len(given) :]
        return [name for name, fine in zip(names, kept, strict=True) if not fine]


def sweep(
    request: Request, beside: Mapping[str, np.ndarray] = MappingProxyType({}), weights: np.ndarray | None = None
) -> Prepared:
    """The columns of ``request`` in the rows used, and the same with all fixed effects projected out.

    ``beside``: further columns by name, (N,), which are complete in the rows used; ``weights``: (N,) of the rows,
    positive in those used, for weighted least squares. Raises NotIdentifiedError if the fixed effects leave nothing of
    the outcome.
    """
    panel, specification, used = request.panel, request.specification, request.rows.used
    columns = {**request.columns, **beside, **request.controls}

    def codes(name):
        return np.unique(panel.groups(name)[used], return_inverse=True)[1]

    root_weights = np.ones(int(used.sum())) if weights is None else np.sqrt(weights[used])
    absorbed = AbsorbedEffects(
        [codes(name) for name in (*BASE_EFFECTS, *specification.extra_fixed_effects)], root_weights
    )
    data = np.column_stack(list(columns.values()))[used] * root_weights[:, None]
    swept = absorbed.sweep(data)
    outcome = list(columns).index(specification.outcome)
    # What is left of a column once the effects are out is compared with the column itself.
    if np.linalg.norm(swept[:, outcome]) <= COLLINEAR_SHARE * np.linalg.norm(data[:, outcome]):
        raise NotIdentifiedError(f"The fixed effects explain {specification.outcome} without a remainder.")
    prepared = Prepared(
        rows=np.flatnonzero(used),
        raw=dict(zip(columns, data.T, strict=True)),
        swept=dict(zip(columns, swept.T, strict=True)),
        controls=list(request.controls),
        absorbed=absorbed,
        cluster=codes(specification.cluster),
        root_weights=root_weights,
    )
    dropped = prepared.explained(prepared.controls, given=())
    kept = [name for name in prepared.controls if name not in dropped]
    return replace(prepared, controls=kept, dropped_terms=" ".join(dropped) or None)


@dataclass(frozen=True)
class Fit:
    """Coefficients (k,), residuals (n,), an orthonormal basis Q (n, k) of the terms and the matrix (k, k) that makes it
    of them, Q = X root, so that (X'X)^-1 = root root'; and per variance estimator the covariance (k, k) and the degrees
    of freedom of its t distribution (None for CRV1 with a single cluster).
    """

    coefficients: np.ndarray
    residuals: np.ndarray
    basis: np.ndarray
    root: np.ndarray
    covariance: Mapping[str, tuple[np.ndarray, int] | None]

    def has(self, vcov: str) -> bool:
        """Whether there is a covariance by this variance estimator."""
        return self.covariance[vcov] is not None

    def effective_clusters(self, position: int, cluster: np.ndarray) -> float:
        """In effect how many of the clusters (codes (n,)) a coefficient rests on; see :func:`effective_number`."""
        rest = self.basis @ self.root[position]
        return effective_number(cluster_sums((rest**2)[:, None], cluster)[:, 0])

    def cancels(self, position: int) -> bool:
        """Whether the clustered error of a coefficient is rounding."""
        known, iid = self.covariance["CRV1"], self.covariance["iid"]
        if known is None or iid is None:
            return False
        return bool(known[0][position, position] <= CANCELLED**2 * iid[0][position, position])

    def inference(self, position: int, vcov: str) -> dict:
        """Estimate, standard error, t, two-sided p and 95 % interval of one coefficient."""
        estimate = self.coefficients[position]
        known = self.covariance[vcov]
        if known is None:
            return {"estimate": estimate}
        covariance, degrees = known
        return t_inference(estimate, np.sqrt(max(covariance[position, position], 0.0)), degrees)


def effective_number(squares: np.ndarray) -> float:
    """The effective number of clusters behind a coefficient: (sum of h)^2 / sum of h^2.

    ``squares``: (G,) h, the squares of the regressor by cluster once all other terms and effects are projected out,
    its partial leverage. G equal clusters give G; three treated cities among many untreated ones give about three, and
    so do three untreated ones among many treated. The measure is that of Carter, Schnepel and Steigerwald (2017, Review
    of Economics and Statistics 99), on the partial leverages of MacKinnon, Nielsen and Webb (2023, Journal of
    Econometrics 232). NaN where the regressor does not vary.
    """
    total = squares.sum()
    return float(1 / ((squares / total) ** 2).sum()) if total > 0 else np.nan


def on_few_clusters(effective: float, cluster: str) -> list[str]:
    """What is to be known of a clustered error that rests on ``effective`` clusters: nothing where there are enough."""
    groups = "cities" if cluster == "adcode" else f"groups of {cluster}"
    if effective < ONE_CLUSTER:
        return [
            f"The effective number of {groups} behind the effect is {effective:.1f}: its clustered error cannot be "
            "estimated."
        ]
    if effective < FEW_CLUSTERS:
        return [
            f"The effective number of {groups} behind the effect is {effective:.1f}: below {FEW_CLUSTERS} clustered "
            "errors are too small; p values by the wild bootstrap or randomisation are safer."
        ]
    return []


def clustered_inference(fit: "Fit", prepared: Prepared, position: int, cluster: str) -> dict:
    """The cells of a coefficient by the clustered error, with a sentence where it rests on few clusters (column
    ``cluster``), and without numbers where it rests on one.
    """
    if not fit.has("CRV1"):
        return fit.inference(position, "CRV1")
    effective = fit.effective_clusters(position, prepared.cluster)
    notes = on_few_clusters(effective, cluster)
    if effective < ONE_CLUSTER:
        return {"status": "not_identified", "notes": notes}
    if fit.cancels(position):
        return {"status": "not_identified", "notes": [CANCELS]}
    return fit.inference(position, "CRV1") | {"notes": notes}


def t_inference(estimate: float, error: float, degrees: float) -> dict:
    """Estimate, standard error, t, two-sided p and 95 % interval; only the first two if the error is zero."""
    if not error > 0:
        return {"estimate": estimate, "std_error": error}
    half = student.ppf(0.975, degrees) * error
    return {
        "estimate": estimate,
        "std_error": error,
        "t_stat": estimate / error,
        "p_value": 2 * student.sf(abs(estimate / error), degrees),
        "ci_low": estimate - half,
        "ci_high": estimate + half,
    }


def residual_degrees(prepared: Prepared, n_terms: int) -> int:
    """n - k - F, F being the rank of all fixed effects together.

    Raises NotIdentifiedError if nothing is left.
    """
    n = len(prepared.rows)
    if n - n_terms - prepared.absorbed.rank <= 0:
        raise NotIdentifiedError(
            f"{n} rows cannot determine {n_terms} terms beside {prepared.absorbed.rank} fixed effects."
        )
    return n - n_terms - prepared.absorbed.rank


def cluster_factor(prepared: Prepared, n_terms: int) -> float | None:
    """G / (G - 1) (n - 1) / (n - K), effects nested in the cluster not counted; None for a single cluster."""
    n, clusters = len(prepared.rows), int(prepared.cluster.max()) + 1
    if clusters == 1:
        return None
    counted = sum(int(groups.max()) for groups in prepared.absorbed.effects if not is_nested(groups, prepared.cluster))
    return clusters / (clusters - 1) * (n - 1) / (n - n_terms - 1 - counted)


def cluster_sums(scores: np.ndarray, cluster: np.ndarray) -> np.ndarray:
    """Sums of the rows of ``scores`` (n, k) within clusters: (G, k)."""
    sums = [np.bincount(cluster, column, minlength=int(cluster.max()) + 1) for column in scores.T]
    return np.column_stack(sums) if sums else np.zeros((int(cluster.max()) + 1, 0))


def least_squares(
    prepared: Prepared,
    outcome: str,
    terms: Sequence[str],
    instruments: Sequence[str] | None = None,
    *,
    exact: bool = False,
) -> Fit:
    """Regress the swept ``outcome`` on the swept ``terms``, by two-stage least squares if ``instruments`` (all
    of them, the exogenous terms included) are given.

    With X the terms and W their projection on the instruments (X itself without)::

        b = (W'W)^-1 W'y,  e = y - X b
        iid:  e'e / (n - k - F) (W'W)^-1
        CRV1: factor (W'W)^-1 (sum over g of W_g'e_g e_g'W_g) (W'W)^-1

    The columns are brought to length 1 and then factored, X = Q R (Householder): cross products would square the
    condition number, and lose every digit where a control is another one plus noise of 1e-8. Raises
    NotIdentifiedError if there are fewer rows than terms and effects, if the columns of W are linearly dependent, or if
    the terms leave nothing of the outcome but rounding, unless ``exact``, for who wants no error.
    """
    degrees = residual_degrees(prepared, len(terms))
    y, x = prepared.swept[outcome], prepared.stack(terms)
    scale = np.linalg.norm(x, axis=0)
    x = x / scale
    w = x
    if instruments is not None:
        z = prepared.stack(instruments)
        basis = np.linalg.qr(z / np.linalg.norm(z, axis=0))[0]
        w = basis @ (basis.T @ x)
    q, r = np.linalg.qr(w)
    pivots = np.abs(np.diag(r))
    if len(pivots) and pivots.min() <= COLLINEAR_SHARE:
        raise NotIdentifiedError(
            f"The terms of the regression of {outcome} cannot be told apart: one is a combination of the others."
        )
    inverse = solve_triangular(r, np.eye(len(terms)))
    coefficients = inverse @ (q.T @ y)
    # The second step takes out the rounding of the first.
    coefficients += inverse @ (q.T @ (y - x @ coefficients))
    residuals = y - x @ coefficients
    rounding = max(RESIDUAL_SHARE * np.linalg.norm(y), RESIDUAL_SHARE_OF_RAW * np.linalg.norm(prepared.raw[outcome]))
    if not exact and np.linalg.norm(residuals) <= rounding:
        raise NotIdentifiedError(no_residual(outcome))
    root = inverse / scale[:, None]
    covariance: dict[str, tuple[np.ndarray, int] | None] = {
        "iid": (residuals @ residuals / degrees * root @ root.T, degrees),
        "CRV1": None,
    }
    factor = cluster_factor(prepared, len(terms))
    if factor is not None:
        sums = cluster_sums(q * residuals[:, None], prepared.cluster) @ root.T
        covariance["CRV1"] = (factor * sums.T @ sums, len(np.unique(prepared.cluster)) - 1)
    return Fit(coefficients / scale, residuals, q, root, covariance)


def no_residual(outcome: str) -> str:
    """Why there is no error where the terms explain the ``outcome``."""
    return f"The terms and the fixed effects explain {outcome} without a remainder, so that there is no error."


def goodness(prepared: Prepared, outcome: str, residuals: np.ndarray) -> dict:
    """R² with the fixed effects and within R² of a fit with these residuals (n,)."""
    squares = residuals @ residuals
    swept = prepared.swept[outcome]
    around_mean = prepared.raw[outcome] - prepared.root_weights * prepared.mean(outcome)
    return {"r2": 1 - squares / (around_mean @ around_mean), "r2_within": 1 - squares / (swept @ swept)}
