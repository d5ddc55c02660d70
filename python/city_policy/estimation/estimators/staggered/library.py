"""Imputation by the package diff-diff (Borusyak, Jaravel and Spiess 2024)."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from city_policy.estimation.contract.record import NotIdentifiedError
from city_policy.estimation.estimators.staggered.comparison import Comparison, Found

# diff-diff raises ValueError for mistakes in its arguments and for data that do not identify the effect alike. These
# are the beginnings of the sentences of the second kind; any other is a mistake of the program.
NOT_IDENTIFIED = ("No untreated observations found", "Fewer observations")


def imputation(comparison: Comparison) -> Found:
    """Effects by imputation; conservative clustered variance that leaves out the city itself, t with G - 1 degrees."""
    import diff_diff
    from diff_diff import ImputationDiD

    names = [f"control_{i}" for i in range(comparison.controls.shape[1])]
    frame = pd.DataFrame(comparison.controls, columns=names).assign(
        city=comparison.city, year=comparison.year, first=comparison.first, outcome=comparison.outcome
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
        _effect(None, fit.overall_att, fit.overall_se, fit.overall_t_stat, fit.overall_p_value, fit.overall_conf_int)
    ]
    for i in np.argsort(table.event_time):
        interval = (table.conf_int_lower[i], table.conf_int_upper[i])
        effects.append(
            _effect(int(table.event_time[i]), table.att[i], table.se[i], table.t_stat[i], table.p_value[i], interval)
        )
    # dbt runs models in threads of one process, and what another library says meanwhile is caught here too.
    ours = (Path(diff_diff.__file__).parent, Path(__file__).parent)
    remarks = {
        str(warning.message).split(". ")[0].rstrip(". ")
        for warning in caught
        if warning.category is UserWarning and any(Path(warning.filename).is_relative_to(folder) for folder in ours)
    }
    notes = [f"diff-diff: {' '.join(remark.split())}." for remark in sorted(remarks)]
    return Found([row for row in effects if np.isfinite(row["estimate"])], notes)


def _effect(event_time, estimate, std_error, t_stat, p_value, interval) -> dict:
    return {
        "event_time": event_time,
        "estimate": float(estimate),
        "std_error": float(std_error),
        "t_stat": float(t_stat),
        "p_value": float(p_value),
        "ci_low": float(interval[0]),
        "ci_high": float(interval[1]),
    }
