"""Difference-in-differences with city and year effects: one specification in, rows of the estimate record
out.

Equations (1)-(3) of Zhang and Ma (2025)::

    outcome_it = a0 + a1 treatment_it + a' controls_it + city_i + year_t + e_it

How it is computed. The fixed effects other than the cities' (years; province-years) are projected out
exactly, by group means and least squares on the remaining dummies, and pyfixest fits what is left with the
city effects absorbed (Frisch, Waugh and Lovell). That is the estimate of ``outcome ~ treatment +
controls|adcode + year``, but exact rather than iterated to a tolerance, and independent of Python's hash
seed, by which pyfixest orders several fixed effects (and, with ``k_fixef="nonnested"``, takes the wrong one
for nested in the cluster).

Variance estimators, for n rows, k terms, residuals e and X with all fixed effects projected out:

- ``iid``: e'e / (n - k - F) (X'X)^-1 and a t distribution with n - k - F degrees of freedom, F being the
  exact rank of all fixed effects together: what the dummy-variable regression gives;
- ``CRV1``: G / (G - 1) (n - 1) / (n - K) (X'X)^-1 (sum over g of X_g'e_g e_g'X_g) (X'X)^-1 for G clusters and
  a t distribution with G - 1 degrees of freedom. K = k + 1 + the sum of (groups - 1) over the fixed effects
  that are not nested in the cluster: the rule of reghdfe and of R's fixest (k + 11 for city and year effects
  over 11 years).

A fixed effect that another one contains (years beside province-years) adds nothing and is not counted.

The constant is the one that reghdfe prints, mean(y) - mean(x)'b: the constant of the regression of
(y swept + mean(y)) on (x swept + mean(x)), from which its standard errors are taken, with the same factors.
They are exact; for iid errors the variance is e'e / (n - k - F) / n + mean(x)' V mean(x), that of the mean of
the dummies' coefficients in the dummy-variable regression.
"""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t as student

from city_policy.errors import InputError
from city_policy.estimation.record import RECORD_COLUMNS, cast_to_schema

CONSTANT = "(Intercept)"
BASE_EFFECTS = ("adcode", "year")
VARIANCE_ESTIMATORS = ("iid", "CRV1")
# A column whose variation is reduced below this share of its own is explained by the others.
COLLINEAR_SHARE = 1e-10


@dataclass(frozen=True)
class Specification:
    """One regression, as a row of ``seeds/study/specifications.csv`` states it.

    ``treatment``: a policy of the treatment timing or a column of the panel; ``lag``: years by which it is
    shifted;
    ``sample``: a boolean column of the panel; ``extra_controls``: policies or columns beside the common
    controls;
    ``extra_fixed_effects``: columns, or two columns joined by ``^``, beside city and year; ``cluster``: a
    column.
    """

    spec_id: str
    result: str
    paper_table: str | None
    panel: str | None
    column_no: int | None
    estimator: str
    outcome: str
    treatment: str
    lag: int
    sample: str
    extra_controls: tuple[str, ...]
    extra_fixed_effects: tuple[str, ...]
    cluster: str

    @classmethod
    def from_row(cls, row: Mapping) -> "Specification":
        """From a row of the seed: lists are separated by spaces, a blank cell is None, a blank lag 0, a blank
        cluster
        ``adcode``.

        Raises InputError for a missing cell that is required, or a lag or column number that is not whole.
        """
        cells = {}
        for name in cls.__dataclass_fields__:
            if name not in row:
                raise InputError(f"The specifications have no column '{name}'.")
            value = row[name]
            blank = value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value))
            text = "" if blank else str(value).strip()
            # A column of whole numbers with gaps arrives as 1.0, 2.0 ...
            cells[name] = text.removesuffix(".0") if isinstance(value, float) else text
        spec_id = cells["spec_id"]
        for name in ("spec_id", "result", "estimator", "outcome", "treatment", "sample"):
            if not cells[name]:
                raise InputError(f"Specification '{spec_id}' has a blank {name}.")
        numbers = {}
        for name in ("lag", "column_no"):
            try:
                numbers[name] = int(cells[name]) if cells[name] else None
            except ValueError:
                raise InputError(
                    f"Specification '{spec_id}' has the {name} '{cells[name]}'; expected a whole number."
                ) from None
        return cls(
            spec_id=spec_id,
            result=cells["result"],
            paper_table=cells["paper_table"] or None,
            panel=cells["panel"] or None,
            column_no=numbers["column_no"],
            estimator=cells["estimator"],
            outcome=cells["outcome"],
            treatment=cells["treatment"],
            lag=numbers["lag"] or 0,
            sample=cells["sample"],
            extra_controls=tuple(cells["extra_controls"].split()),
            extra_fixed_effects=tuple(cells["extra_fixed_effects"].split()),
            cluster=cells["cluster"] or "adcode",
        )


class _NotIdentifiedError(Exception):
    """The data of a specification cannot tell its treatment effect; the message says why."""


def estimate_fixed_effects(
    panel: pd.DataFrame,
    treatment_timing: pd.DataFrame,
    specifications: pd.DataFrame | Iterable[Specification],
    controls: Sequence[str],
    controls_not_covered: Sequence[str] = (),
) -> pd.DataFrame:
    """Estimate every specification; see the top of the module for the formulas.

    ``panel``: one row per ``adcode`` and ``year``, any order, with the outcomes, the controls (numbers, NULL
    where unknown), the boolean sample columns, and whatever columns the specifications name.
    ``treatment_timing``: one row per ``adcode`` and ``policy_id``, with ``first_treated_year`` (whole, NULL =
    never). A policy is switched on in the years from ``first_treated_year``; a city without a row is never
    treated. With a lag the value of the row ``lag`` years before is used, and is missing where the panel has
    no such row.
    ``specifications``: rows of the seed, or :class:`Specification` values.
    ``controls``: columns that enter every regression; ``controls_not_covered``: names that the study lists
    but the input does not cover, repeated in every message.

    Returns the estimate record (:mod:`city_policy.estimation.record`): for each specification and each
    variance estimator (``iid``, ``CRV1``) one row per term (treatment, extra controls, controls,
    ``(Intercept)``), with two-sided p values, 95 % intervals, R² with the fixed effects and within R². Terms
    that are collinear are left out and named in ``dropped_terms``. Rows with a missing value and rows that
    are alone in a group of a fixed effect are left out and counted. ``n_treated_cities``: cities whose policy
    is on in the rows used (NULL if the treatment is not a 0/1 variable). A specification that cannot be run
    gives one row per variance estimator, term = treatment, with the status
    ``not_identified`` (the data cannot tell) or ``failed`` (it names what does not exist) and a sentence in
    ``message``.

    Raises InputError only for what makes the whole call meaningless: a missing key column, a repeated
    city-year, a repeated city-policy, a first treated year that is not whole, a repeated or malformed
    specification.
    """
    panel, timing = _check_inputs(panel, treatment_timing)
    if isinstance(specifications, pd.DataFrame):
        specifications = [Specification.from_row(row) for row in specifications.to_dict("records")]
    else:
        specifications = list(specifications)
    seen: set[str] = set()
    for specification in specifications:
        if specification.spec_id in seen:
            raise InputError(f"Specification '{specification.spec_id}' is listed twice; expected one row each.")
        seen.add(specification.spec_id)
    rows = []
    for specification in specifications:
        rows += _estimate_one(panel, timing, specification, list(controls), list(controls_not_covered))
    return cast_to_schema(pd.DataFrame(rows, columns=list(RECORD_COLUMNS)))


def _check_inputs(panel, treatment_timing):
    """The panel sorted by city and year, and policy -> Series of first treated years by city."""
    for frame, name, keys in (
        (panel, "panel", ["adcode", "year"]),
        (treatment_timing, "treatment timing", ["adcode", "policy_id"]),
    ):
        for key in keys:
            if key not in frame.columns:
                raise InputError(f"The {name} has no column '{key}'.")
            if frame[key].isna().any():
                raise InputError(f"The {name} has a row without {key}.")
        twice = frame.duplicated(keys)
        if twice.any():
            row = frame[twice].iloc[0]
            raise InputError(
                f"The {name} holds {keys[0]} {row[keys[0]]}, {keys[1]} {row[keys[1]]} more than once; "
                "expected one row each."
            )
    if "first_treated_year" not in treatment_timing.columns:
        raise InputError("The treatment timing has no column 'first_treated_year'.")
    years = pd.to_numeric(treatment_timing["first_treated_year"], errors="coerce").astype("float64")
    broken = (years.isna() & treatment_timing["first_treated_year"].notna()) | (years % 1 > 0)
    if broken.any():
        row = treatment_timing[broken].iloc[0]
        raise InputError(
            f"The first treated year of {row['adcode']} in {row['policy_id']} is "
            f"{row['first_treated_year']}; expected a whole year or nothing."
        )
    timing = treatment_timing[["policy_id"]].assign(adcode=treatment_timing["adcode"].astype("str"), first=years)
    panel = panel.assign(adcode=panel["adcode"].astype("str"), year=pd.to_numeric(panel["year"]).astype("int64"))
    panel = panel.sort_values(["adcode", "year"], ignore_index=True)
    return panel, {policy: group.set_index("adcode")["first"] for policy, group in timing.groupby("policy_id")}


def _estimate_one(panel, timing, specification, controls, controls_not_covered):
    """Rows (dicts) of one specification; never raises for what the specification asks."""
    base = {name: value for name, value in vars(specification).items() if name in RECORD_COLUMNS}
    counts: dict = {}
    try:
        terms, fit = _fit(panel, timing, specification, controls, counts)
    except Exception as problem:
        status, reason = "failed", str(problem)
        if isinstance(problem, _NotIdentifiedError):
            status = "not_identified"
        elif not isinstance(problem, InputError):
            # A build must not stop because one regression meets numbers that no rule foresaw.
            reason = f"The regression could not be computed ({type(problem).__name__}: {problem})."
        message = " ".join([reason, *_coverage_sentence(controls_not_covered)])
        row = base | counts | {"term": specification.treatment, "status": status, "message": message}
        return [row | {"vcov": vcov} for vcov in VARIANCE_ESTIMATORS]
    sentences = _coverage_sentence(controls_not_covered)
    if counts["dropped_terms"]:
        sentences.append(f"Dropped as collinear: {counts['dropped_terms']}.")
    rows = []
    for vcov in VARIANCE_ESTIMATORS:
        covariance, degrees = fit[vcov]
        notes = list(sentences)
        if covariance is None:
            notes.append(f"No clustered errors: the rows used hold one {specification.cluster}.")
        for position, term in enumerate(terms):
            row = base | counts | {"term": term, "vcov": vcov, "estimate": fit["coefficients"][position]}
            row |= {"status": "ok", "message": " ".join(notes) or None}
            row |= _inference(row["estimate"], covariance, position, degrees)
            rows.append(row)
    return rows


def _coverage_sentence(controls_not_covered):
    if not controls_not_covered:
        return []
    return [f"Controls not covered by this input: {', '.join(controls_not_covered)}."]


def _inference(estimate, covariance, position, degrees):
    """Standard error, t, two-sided p and 95 % interval of one coefficient."""
    if covariance is None:
        return {}
    error = np.sqrt(max(covariance[position, position], 0.0))
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


def _fit(panel, timing, specification, controls, counts):
    """Terms, and coefficients with both covariances; fills ``counts`` as far as it gets."""
    sample = _sample(panel, specification.sample)
    names = list(dict.fromkeys([specification.treatment, *specification.extra_controls, *controls]))
    if specification.outcome in names:
        raise InputError(f"'{specification.outcome}' stands on both sides of the equation.")
    columns = {specification.outcome: _numbers(panel, specification.outcome)}
    for name in names:
        lag = specification.lag if name == specification.treatment else 0
        columns[name] = _regressor(panel, timing, name, lag)
    effects = [_groups(panel, name) for name in (*BASE_EFFECTS, *specification.extra_fixed_effects)]
    cluster = _groups(panel, specification.cluster)
    if not sample.any():
        raise _NotIdentifiedError(f"The sample '{specification.sample}' is empty.")

    data = np.column_stack(list(columns.values()))
    complete = np.isfinite(data).all(axis=1) & (np.column_stack([*effects, cluster]) >= 0).all(axis=1)
    counts["n_dropped_missing"] = int((sample & ~complete).sum())
    used = sample & complete
    if not used.any():
        empty = [name for name, column in columns.items() if not np.isfinite(column[sample]).any()]
        reason = f"{empty[0]} is missing in every row" if empty else "no row has all variables"
        raise _NotIdentifiedError(f"No row of the sample '{specification.sample}' can be used: {reason}.")
    for name, groups in zip(specification.extra_fixed_effects, effects[len(BASE_EFFECTS) :], strict=True):
        if len(np.unique(groups[used])) == used.sum():
            raise _NotIdentifiedError(
                f"The fixed effects {name} have a group of their own for every row, so they absorb "
                f"{specification.treatment} and everything else."
            )
    alone = _singletons([groups[used] for groups in effects])
    counts["n_dropped_singletons"] = int(alone.sum())
    used[np.flatnonzero(used)[alone]] = False
    if not used.any():
        raise _NotIdentifiedError("Every row is alone in its city or year, so that the fixed effects absorb it.")

    data = data[used]
    effects = [np.unique(groups[used], return_inverse=True)[1] for groups in effects]
    cluster = np.unique(cluster[used], return_inverse=True)[1]
    y, design = data[:, 0], data[:, 1:]
    treatment = design[:, 0]
    counts["n_obs"], counts["n_cities"] = len(y), int(effects[0].max()) + 1
    if np.isin(treatment, (0.0, 1.0)).all():
        counts["n_treated_cities"] = len(np.unique(effects[0][treatment == 1.0]))
        if counts["n_treated_cities"] == 0:
            raise _NotIdentifiedError(
                f"No city of the sample '{specification.sample}' is treated by {specification.treatment} "
                "in the rows used."
            )

    absorbed = _Absorbed(effects)
    swept = absorbed.sweep(data)
    # What is left of a column once the effects are out is compared with the column itself.
    size = np.linalg.norm(data, axis=0)
    if np.linalg.norm(swept[:, 0]) <= COLLINEAR_SHARE * size[0]:
        raise _NotIdentifiedError(f"The fixed effects explain {specification.outcome} without a remainder.")
    if np.linalg.norm(swept[:, 1]) <= COLLINEAR_SHARE * size[1]:
        raise _NotIdentifiedError(
            f"{specification.treatment} is collinear with the fixed effects: it does not vary within them."
        )
    # Controls first: if they explain the treatment, its effect is not identified; it must not push one of
    # them out.
    kept = _independent(swept[:, 2:], size[2:])
    if not _independent(np.column_stack([swept[:, 2:], swept[:, 1]]), np.r_[size[2:], size[1]])[-1]:
        raise _NotIdentifiedError(f"{specification.treatment} is collinear with the other terms and the fixed effects.")
    counts["dropped_terms"] = " ".join(np.array(names[1:], dtype="object")[~kept]) or None
    position = np.r_[0, np.flatnonzero(kept) + 1]
    n, k = len(y), len(position)
    if n - k - absorbed.rank <= 0:
        raise _NotIdentifiedError(f"{n} rows cannot determine {k} terms beside {absorbed.rank} fixed effects.")

    design, swept_y, swept_design = design[:, position], swept[:, 0], swept[:, 1:][:, position]
    coefficients, iid, clustered = _fit_pyfixest(absorbed, y, design, swept_design, cluster)
    residual = swept_y - swept_design @ coefficients
    squares = residual @ residual
    means = design.mean(axis=0)
    counts["r2"] = 1 - squares / ((y - y.mean()) ** 2).sum()
    counts["r2_within"] = 1 - squares / (swept_y @ swept_y)
    degrees = n - k - absorbed.rank
    clusters = int(cluster.max()) + 1
    fit = {
        "coefficients": np.r_[coefficients, y.mean() - means @ coefficients],
        "iid": (_append(iid / degrees, means @ iid @ means / degrees + squares / degrees / n), degrees),
        "CRV1": (None, None),
    }
    if clusters > 1:
        # Effects nested in the cluster are not counted.
        counted = sum(int(groups.max()) for groups in absorbed.effects if not _is_nested(groups, cluster))
        factor = clusters / (clusters - 1) * (n - 1) / (n - k - 1 - counted)
        # What cluster g moves the constant by: its mean residual less means' (X'X)^-1 X_g'e_g.
        solved = np.linalg.solve(swept_design.T @ swept_design, means)
        moves = np.bincount(cluster, residual * (1 / n - swept_design @ solved), minlength=clusters)
        fit["CRV1"] = (_append(clustered * factor, moves @ moves * factor), clusters - 1)
    return [names[i] for i in position] + [CONSTANT], fit


def _append(covariance, variance):
    """The covariance of the terms with the variance of the constant at its end (its covariances are not
    needed).
    """
    k = len(covariance)
    result = np.zeros((k + 1, k + 1))
    result[:k, :k], result[k, k] = covariance, variance
    return result


class _Absorbed:
    """The space spanned by several fixed effects, the first of them the cities'.

    ``effects``: group codes 0 ... of the rows, (n,) each; an effect that is nested in another one (years in
    province-years) adds nothing and is left out. ``rank``: dimension of the space.
    """

    def __init__(self, effects):
        self.effects = [
            groups
            for i, groups in enumerate(effects)
            if i == 0 or not any(_redundant(groups, other, i > j) for j, other in enumerate(effects) if j != i)
        ]
        self.city = effects[0]
        self.sizes = np.bincount(self.city)[:, None]
        dummies = np.column_stack([np.eye(groups.max() + 1)[groups] for groups in self.effects[1:]])
        dummies = self._less_city_means(dummies)
        values, vectors = np.linalg.eigh(dummies.T @ dummies)
        solid = values > 1e-10 * max(values.max(), 1.0)
        # Orthonormal, and orthogonal to every city dummy. The second pass of Gram-Schmidt is what QR does.
        self.basis = np.linalg.qr(dummies @ (vectors[:, solid] / np.sqrt(values[solid])))[0]
        self.rank = len(self.sizes) + int(solid.sum())

    def _less_city_means(self, columns):
        sums = np.zeros((len(self.sizes), columns.shape[1]))
        np.add.at(sums, self.city, columns)
        return columns - (sums / self.sizes)[self.city]

    def less_other_effects(self, columns):
        """``columns`` (n, m) with all but the cities' effects projected out."""
        return columns - self.basis @ (self.basis.T @ columns)

    def sweep(self, columns):
        """``columns`` (n, m) with all effects projected out; the second pass removes rounding."""
        for _ in range(2):
            columns = self.less_other_effects(self._less_city_means(columns))
        return columns


def _redundant(groups, other, later):
    """Whether ``groups`` is coarser than ``other``; of two that are the same the later one is redundant."""
    return _is_nested(other, groups) and (later or not _is_nested(groups, other))


def _is_nested(groups, within):
    """Whether every group lies inside one group of ``within``."""
    pairs = np.unique(np.column_stack([groups, within]), axis=0)
    return len(pairs) == len(np.unique(groups))


def _singletons(effects):
    """Mask of the rows that are alone in a group of an effect, again and again until none is left."""
    alone = np.zeros(len(effects[0]), dtype=bool)
    while True:
        before = alone.sum()
        for groups in effects:
            sizes = np.bincount(groups[~alone], minlength=groups.max() + 1)
            alone |= sizes[groups] == 1
        if alone.sum() == before:
            return alone


def _independent(columns, sizes):
    """Mask of the columns (n, m) that those before them do not explain; ``sizes``: norms before sweeping."""
    kept = np.zeros(columns.shape[1], dtype=bool)
    basis = np.empty((len(columns), 0))
    for j in range(columns.shape[1]):
        rest = columns[:, j]
        for _ in range(2):
            rest = rest - basis @ (basis.T @ rest)
        norm = np.linalg.norm(rest)
        if norm > COLLINEAR_SHARE * sizes[j]:
            kept[j] = True
            basis = np.column_stack([basis, rest / norm])
    return kept


def _fit_pyfixest(absorbed, y, design, swept_design, cluster):
    """Coefficients (k,), e'e (X'X)^-1 (k, k) and the clustered sandwich without any correction (k, k)."""
    # pyfixest takes 2 to 4 seconds to import and compile; only who estimates pays for it.
    import pyfixest

    # Columns of size 1: pyfixest judges collinearity by the absolute size of X'X.
    scale = np.linalg.norm(swept_design, axis=0) / np.sqrt(len(y))
    names = [f"x{i}" for i in range(design.shape[1])]
    data = pd.DataFrame(absorbed.less_other_effects(design / scale), columns=names)
    data["y"] = absorbed.less_other_effects(y[:, None])[:, 0]
    data["city"], data["cluster"] = absorbed.city, cluster
    raw = pyfixest.ssc(k_adj=False, k_fixef="none", G_adj=False)
    with warnings.catch_warnings():
        # pyfixest 0.60 uses what pandas 3 deprecates, three times per fit.
        warnings.simplefilter("ignore", category=pd.errors.Pandas4Warning)
        fit = pyfixest.feols(f"y ~ {' + '.join(names)}|city", data, vcov="iid", ssc=raw)
        iid = np.array(fit._vcov) * (len(y) - 1)
        clustered = np.array(fit.vcov({"CRV1": "cluster"})._vcov)
    if list(fit._coefnames) != names or len(y) != fit._N:
        raise RuntimeError("pyfixest left out a term or a row that the checks before it had kept")
    outer = np.outer(scale, scale)
    return np.array(fit._beta_hat) / scale, iid / outer, clustered / outer


def _column(panel, name):
    if name not in panel.columns:
        raise InputError(f"The panel has no column '{name}'.")
    return panel[name]


def _numbers(panel, name):
    """A column of the panel as floats (n,), NaN where missing."""
    column = _column(panel, name)
    numbers = pd.to_numeric(column.astype("object"), errors="coerce").astype("float64")
    text = column.notna() & numbers.isna()
    if text.any():
        raise InputError(f"Column '{name}' of the panel holds {column[text].iloc[0]!r}; expected numbers.")
    return numbers.to_numpy()


def _sample(panel, name):
    column = _column(panel, name)
    if not column.dropna().isin([True, False]).all():
        raise InputError(f"Sample column '{name}' of the panel is not boolean.")
    return column.astype("boolean").fillna(False).to_numpy(dtype=bool)


def _groups(panel, name):
    """Group codes (n,) of a column, or of two or more joined by ``^``; -1 where one is missing."""
    parts = [_column(panel, part) for part in name.split("^")]
    missing = np.column_stack([part.isna() for part in parts]).any(axis=1)
    codes = pd.DataFrame({i: pd.factorize(part, sort=True)[0] for i, part in enumerate(parts)})
    result = codes.groupby(list(codes.columns), sort=True).ngroup().to_numpy()
    return np.where(missing, -1, result)


def _regressor(panel, timing, name, lag):
    """A policy as 0/1, or a column of the panel, shifted by ``lag`` years; NaN where the panel lacks that
    year.
    """
    if name in timing:
        first = panel["adcode"].map(timing[name]).to_numpy(dtype="float64")
        values = (panel["year"].to_numpy() >= first).astype("float64")
    elif name in panel.columns:
        values = _numbers(panel, name)
    else:
        raise InputError(f"'{name}' is neither a policy of the treatment timing nor a column of the panel.")
    if lag == 0:
        return values
    by_key = pd.Series(values, index=pd.MultiIndex.from_arrays([panel["adcode"], panel["year"]]))
    return by_key.reindex(pd.MultiIndex.from_arrays([panel["adcode"], panel["year"] - lag])).to_numpy()
