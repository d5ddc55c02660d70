"""Imputation by the package diff-diff (Borusyak, Jaravel and Spiess 2024)."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.linalg import solve_triangular

from city_policy.estimation.computation.regression import AbsorbedEffects, independent
from city_policy.estimation.contract.record import NotIdentifiedError
from city_policy.estimation.estimators.staggered.comparison import REFERENCE, Comparison, Found

# The library iterates until effects are about this exact; the outcome that it is given has the size 1.
ROUNDING = 1e-9
# diff-diff raises ValueError for mistakes in its arguments and for data that do not identify the effect alike. These
# are the beginnings of the sentences of the second kind; any other is a mistake of the program.
NOT_IDENTIFIED = ("No untreated observations found", "Fewer observations")


def imputation(comparison: Comparison) -> Found:
    """Effects by imputation; conservative clustered variance that leaves out the city itself, t with G - 1 degrees."""
    import diff_diff
    from diff_diff import ImputationDiD

    outcome, size, controls, dropped = _well_conditioned(comparison)
    names = [f"control_{i}" for i in range(controls.shape[1])]
    frame = pd.DataFrame(controls, columns=names).assign(
        city=comparison.city, year=comparison.year, first=comparison.first, outcome=outcome
    )
    model = ImputationDiD(pretrends=True, leave_one_out=True, df_convention="cluster")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            fit = model.fit(
                frame, outcome="outcome", unit="city", time="year", first_treat="first", covariates=names or None
            )
        except ValueError as problem:
            if not str(problem).startswith(NOT_IDENTIFIED):
                raise
            reason = str(problem).split(". ")[0].rstrip(".")
            raise NotIdentifiedError(f"diff-diff cannot estimate it: {reason}.") from problem
        table = fit.aggregate("event_study")
    if not np.isfinite(fit.overall_att):
        raise NotIdentifiedError("No city treated in these years has a city to be compared with.")
    effects = [
        _effect(
            size, None, fit.overall_att, fit.overall_se, fit.overall_t_stat, fit.overall_p_value, fit.overall_conf_int
        )
    ]
    for i in np.argsort(table.event_time):
        time, interval = int(table.event_time[i]), (table.conf_int_lower[i], table.conf_int_upper[i])
        effects.append(_effect(size, time, table.att[i], table.se[i], table.t_stat[i], table.p_value[i], interval))
    # dbt runs models in threads of one process, and what another library says meanwhile is caught here too.
    ours = (Path(diff_diff.__file__).parent, Path(__file__).parent)
    remarks = {
        str(warning.message).split(". ")[0].rstrip(". ")
        for warning in caught
        if warning.category is UserWarning and any(Path(warning.filename).is_relative_to(folder) for folder in ours)
    }
    notes = [f"diff-diff: {' '.join(remark.split())}." for remark in sorted(remarks)]
    if any("_lead_" in remark for remark in remarks):
        # Which lead the library leaves out decides what all others say.
        effects = [row for row in effects if row["event_time"] is None or row["event_time"] >= REFERENCE]
        notes.append("The years before the start cannot be told apart from city and year effects and are left out.")
    return Found([row for row in effects if np.isfinite(row["estimate"])], notes, dropped)


def _well_conditioned(comparison):
    """The outcome without city and year effects and of size 1 (n,), its size, the controls as columns that are nearly
    orthogonal among untreated rows (n, k), and those that are left out as collinear.

    No effect changes by it, and diff-diff keeps its digits: its tolerance is a number, whatever the unit of the
    outcome, and its normal equations lose the digits that tell nearly collinear controls apart.
    """

    def codes(groups):
        return np.unique(groups, return_inverse=True)[1]

    def effects(rows):
        return AbsorbedEffects([codes(comparison.city[rows]), codes(comparison.year[rows])])

    swept = effects(slice(None)).sweep(np.column_stack([comparison.outcome, comparison.controls]))
    size = np.abs(swept[:, 0]).max()
    free = ~comparison.treated
    if not comparison.controls.shape[1] or not free.any():
        return swept[:, 0] / size, size, comparison.controls, []
    every, untreated = swept[:, 1:], effects(free).sweep(swept[free, 1:])
    lengths = np.linalg.norm(comparison.controls[free], axis=0)
    kept, basis = independent(untreated, lengths)
    collinear = ~independent(every, np.linalg.norm(comparison.controls, axis=0))[0]
    dropped = [name for name, fine in zip(comparison.control_names, kept, strict=True) if not fine]
    if (~kept & ~collinear).any():
        name = comparison.control_names[int(np.argmax(~kept & ~collinear))]
        raise NotIdentifiedError(
            f"{name} varies in treated rows only, so that untreated ones cannot tell its coefficient."
        )
    triangle = basis.T @ untreated[:, kept]
    controls = solve_triangular(triangle, every[:, kept].T, trans="T").T * np.sqrt(free.sum())
    return swept[:, 0] / size, size, controls, dropped


def _effect(size, event_time, estimate, std_error, t_stat, p_value, interval) -> dict:
    """A row of the record, brought back to the ``size`` of the outcome; without an error that is rounding."""
    row = {"event_time": event_time, "estimate": float(estimate) * size}
    if not std_error > ROUNDING:
        return row
    return row | {
        "std_error": float(std_error) * size,
        "t_stat": float(t_stat),
        "p_value": float(p_value),
        "ci_low": float(interval[0]) * size,
        "ci_high": float(interval[1]) * size,
    }
