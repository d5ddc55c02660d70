"""What the estimators beside the plain fixed-effects regression share: which rows a specification uses, its
columns with the fixed effects projected out, and least squares (ordinary or two-stage) with both variance
estimators.

Rows, degrees of freedom and small-sample factors follow :mod:`city_policy.estimation.fixed_effects`, so that
the same regression gives the same numbers whichever module runs it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t as student

from city_policy.errors import InputError
from city_policy.estimation.fixed_effects import (
    BASE_EFFECTS,
    COLLINEAR_SHARE,
    VARIANCE_ESTIMATORS,
    Specification,
    _Absorbed,
    _check_inputs,
    _coverage_sentence,
    _groups,
    _independent,
    _is_nested,
    _NotIdentifiedError,
    _numbers,
    _regressor,
    _sample,
    _singletons,
)
from city_policy.estimation.record import RECORD_COLUMNS

NotIdentifiedError = _NotIdentifiedError
check_inputs = _check_inputs
coverage_sentence = _coverage_sentence
numbers = _numbers
regressor = _regressor


REQUIRED_CELLS = ("spec_id", "result", "estimator", "outcome", "treatment", "sample")


def read_specifications(specifications: pd.DataFrame | Iterable[Specification]) -> list[Specification]:
    """The specifications, each once; of a frame's columns only those of ``REQUIRED_CELLS`` must be there.

    Raises InputError for a repeated or malformed specification.
    """
    if isinstance(specifications, pd.DataFrame):
        blank = {name: None for name in Specification.__dataclass_fields__ if name not in REQUIRED_CELLS}
        result = [Specification.from_row(blank | row) for row in specifications.to_dict("records")]
    else:
        result = list(specifications)
    names = [specification.spec_id for specification in result]
    twice = [name for i, name in enumerate(names) if name in names[:i]]
    if twice:
        raise InputError(f"Specification '{twice[0]}' is listed twice; expected one row each.")
    return result


def read_option(specifications: pd.DataFrame | Iterable[Specification], column: str) -> dict[str, str]:
    """spec_id -> text of the cell in ``column``, for the specifications that have one."""
    if not isinstance(specifications, pd.DataFrame) or column not in specifications.columns:
        return {}
    cells = specifications[["spec_id", column]].dropna()
    texts = {str(name): str(cell).strip() for name, cell in cells.itertuples(index=False)}
    return {name: text for name, text in texts.items() if text}


def record_base(specification: Specification) -> dict:
    """The cells of the estimate record that the specification itself gives."""
    return {name: value for name, value in vars(specification).items() if name in RECORD_COLUMNS}


def problem_status(problem: Exception) -> tuple[str, str]:
    """Status and sentence for what a specification ran into."""
    if isinstance(problem, NotIdentifiedError):
        return "not_identified", str(problem)
    if isinstance(problem, InputError):
        return "failed", str(problem)
    # A build must not stop because one regression meets numbers that no rule foresaw.
    return "failed", f"The estimate could not be computed ({type(problem).__name__}: {problem})."


def problem_rows(
    specification: Specification, counts: dict, problem: Exception, controls_not_covered: Sequence[str]
) -> list[dict]:
    """One record row per variance estimator for a specification that cannot be run."""
    status, reason = problem_status(problem)
    message = " ".join([reason, *coverage_sentence(controls_not_covered)])
    row = record_base(specification) | counts
    row |= {"term": specification.treatment, "status": status, "message": message}
    return [row | {"vcov": vcov} for vcov in VARIANCE_ESTIMATORS]


@dataclass(frozen=True)
class Prepared:
    """The rows that one specification uses, n of them in order of city and year.

    ``rows``: their positions in the sorted panel, (n,); ``raw`` and ``swept``: the named columns, (n,) each,
    as they are and with all fixed effects projected out; ``controls``: the controls that are not collinear;
    ``absorbed``: the fixed effects; ``cluster``: codes 0 ... of the clusters, (n,).
    """

    rows: np.ndarray
    raw: dict[str, np.ndarray]
    swept: dict[str, np.ndarray]
    controls: list[str]
    absorbed: _Absorbed
    cluster: np.ndarray

    def stack(self, names: Sequence[str]) -> np.ndarray:
        """The swept columns ``names`` as a matrix (n, k)."""
        return np.column_stack([np.empty((len(self.rows), 0)), *(self.swept[name] for name in names)])

    def explained(self, names: Sequence[str], given: Sequence[str]) -> list[str]:
        """Those of ``names`` that the fixed effects, ``given`` and the names before them explain."""
        order = [*given, *names]
        size = [np.linalg.norm(self.raw[name]) for name in order]
        kept = _independent(self.stack(order), np.array(size))[len(given) :]
        return [name for name, fine in zip(names, kept, strict=True) if not fine]


def prepare(
    panel: pd.DataFrame,
    timing: dict[str, pd.Series],
    specification: Specification,
    columns: dict[str, np.ndarray],
    controls: Sequence[str],
    counts: dict,
) -> Prepared:
    """Rows, columns and swept columns of ``specification``.

    ``panel``, ``timing``: as :func:`check_inputs` returns them; ``columns``: what the estimator needs beside
    the controls, one value per row of the panel (the outcome under its own name); ``controls``: the common
    controls, to which the specification's extra ones are added. Fills ``counts`` with ``n_dropped_missing``,
    ``n_dropped_singletons``, ``n_obs``, ``n_cities`` and ``dropped_terms`` as far as it gets.

    Raises InputError for a column that does not exist, NotIdentifiedError if no row can be used or the fixed
    effects leave nothing of the outcome.
    """
    sample = _sample(panel, specification.sample)
    names = [name for name in dict.fromkeys([*specification.extra_controls, *controls]) if name not in columns]
    if specification.outcome in [specification.treatment, *specification.extra_controls, *controls]:
        raise InputError(f"'{specification.outcome}' stands on both sides of the equation.")
    columns = dict(columns)
    for name in names:
        columns[name] = _regressor(panel, timing, name, 0)
    effects = [_groups(panel, name) for name in (*BASE_EFFECTS, *specification.extra_fixed_effects)]
    cluster = _groups(panel, specification.cluster)
    if not sample.any():
        raise NotIdentifiedError(f"The sample '{specification.sample}' is empty.")
    data = np.column_stack(list(columns.values()))
    complete = np.isfinite(data).all(axis=1) & (np.column_stack([*effects, cluster]) >= 0).all(axis=1)
    counts["n_dropped_missing"] = int((sample & ~complete).sum())
    used = sample & complete
    if not used.any():
        empty = [name for name, column in columns.items() if not np.isfinite(column[sample]).any()]
        reason = f"{empty[0]} is missing in every row" if empty else "no row has all variables"
        raise NotIdentifiedError(f"No row of the sample '{specification.sample}' can be used: {reason}.")
    for name, groups in zip(specification.extra_fixed_effects, effects[len(BASE_EFFECTS) :], strict=True):
        if len(np.unique(groups[used])) == used.sum():
            raise NotIdentifiedError(
                f"The fixed effects {name} have a group of their own for every row, so they absorb "
                f"{specification.treatment} and everything else."
            )
    alone = _singletons([groups[used] for groups in effects])
    counts["n_dropped_singletons"] = int(alone.sum())
    used[np.flatnonzero(used)[alone]] = False
    if not used.any():
        raise NotIdentifiedError("Every row is alone in its city or year, so that the fixed effects absorb it.")
    data = data[used]
    absorbed = _Absorbed([np.unique(groups[used], return_inverse=True)[1] for groups in effects])
    counts["n_obs"], counts["n_cities"] = len(data), int(absorbed.city.max()) + 1
    swept = absorbed.sweep(data)
    outcome = list(columns).index(specification.outcome)
    if np.linalg.norm(swept[:, outcome]) <= COLLINEAR_SHARE * np.linalg.norm(data[:, outcome]):
        raise NotIdentifiedError(f"The fixed effects explain {specification.outcome} without a remainder.")
    prepared = Prepared(
        rows=np.flatnonzero(used),
        raw=dict(zip(columns, data.T, strict=True)),
        swept=dict(zip(columns, swept.T, strict=True)),
        controls=names,
        absorbed=absorbed,
        cluster=np.unique(cluster[used], return_inverse=True)[1],
    )
    dropped = prepared.explained(names, given=())
    counts["dropped_terms"] = " ".join(dropped) or None
    prepared.controls[:] = [name for name in names if name not in dropped]
    return prepared


@dataclass(frozen=True)
class Fit:
    """Coefficients (k,), residuals (n,), and per variance estimator the covariance (k, k) and the degrees of
    freedom of its t distribution (None and None for CRV1 with a single cluster).
    """

    coefficients: np.ndarray
    residuals: np.ndarray
    covariance: dict[str, tuple[np.ndarray | None, int | None]]

    def inference(self, position: int, vcov: str) -> dict:
        """Estimate, standard error, t, two-sided p and 95 % interval of one coefficient."""
        estimate = self.coefficients[position]
        covariance, degrees = self.covariance[vcov]
        if covariance is None:
            return {"estimate": estimate}
        return {"estimate": estimate} | t_inference(
            estimate, np.sqrt(max(covariance[position, position], 0.0)), degrees
        )


def t_inference(estimate: float, error: float, degrees: int) -> dict:
    """Standard error, t, two-sided p and 95 % interval; only the first if it is zero."""
    if not error > 0:
        return {"std_error": error}
    half = student.ppf(0.975, degrees) * error
    return {
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
    counted = sum(int(groups.max()) for groups in prepared.absorbed.effects if not _is_nested(groups, prepared.cluster))
    return clusters / (clusters - 1) * (n - 1) / (n - n_terms - 1 - counted)


def cluster_sums(scores: np.ndarray, cluster: np.ndarray) -> np.ndarray:
    """Sums of the rows of ``scores`` (n, k) within clusters: (G, k)."""
    sums = np.zeros((int(cluster.max()) + 1, scores.shape[1]))
    np.add.at(sums, cluster, scores)
    return sums


def least_squares(
    prepared: Prepared, outcome: str, terms: Sequence[str], instruments: Sequence[str] | None = None
) -> Fit:
    """Regress the swept ``outcome`` on the swept ``terms``, by two-stage least squares if ``instruments`` (all
    of them, the exogenous terms included) are given.

    With X the terms and W their projection on the instruments (X itself without)::

        b = (W'W)^-1 W'y,  e = y - X b
        iid:  e'e / (n - k - F) (W'W)^-1
        CRV1: factor (W'W)^-1 (sum over g of W_g'e_g e_g'W_g) (W'W)^-1

    The columns are brought to length 1 first, so that controls of very different size do no harm. Raises
    NotIdentifiedError if there are fewer rows than terms and effects.
    """
    y, x = prepared.swept[outcome], prepared.stack(terms)
    scale = np.linalg.norm(x, axis=0)
    x = x / scale
    w = x
    if instruments is not None:
        basis = np.linalg.qr(_unit(prepared.stack(instruments)))[0]
        w = basis @ (basis.T @ x)
    bread = np.linalg.inv(w.T @ w)
    coefficients = bread @ (w.T @ y)
    residuals = y - x @ coefficients
    degrees = residual_degrees(prepared, len(terms))
    covariance = {"iid": (residuals @ residuals / degrees * bread / np.outer(scale, scale), degrees)}
    covariance["CRV1"] = (None, None)
    factor = cluster_factor(prepared, len(terms))
    if factor is not None:
        sums = cluster_sums(w * residuals[:, None], prepared.cluster) @ bread / scale
        covariance["CRV1"] = (factor * sums.T @ sums, len(np.unique(prepared.cluster)) - 1)
    return Fit(coefficients / scale, residuals, covariance)


def _unit(columns):
    return columns / np.linalg.norm(columns, axis=0)


def goodness(prepared: Prepared, outcome: str, residuals: np.ndarray) -> dict:
    """R² with the fixed effects and within R² of a fit with these residuals (n,)."""
    squares = residuals @ residuals
    raw, swept = prepared.raw[outcome], prepared.swept[outcome]
    return {"r2": 1 - squares / ((raw - raw.mean()) ** 2).sum(), "r2_within": 1 - squares / (swept @ swept)}


def count_treated(prepared: Prepared, specification: Specification, on: np.ndarray, counts: dict) -> None:
    """Store in ``counts`` how many cities have a row where ``on`` (n,) is 1; nothing if it is not 0/1.

    Raises NotIdentifiedError if there is none.
    """
    if not np.isin(on, (0.0, 1.0)).all():
        return
    counts["n_treated_cities"] = len(np.unique(prepared.absorbed.city[on == 1.0]))
    if counts["n_treated_cities"] == 0:
        raise NotIdentifiedError(
            f"No city of the sample '{specification.sample}' is treated by {specification.treatment} in the rows used."
        )
