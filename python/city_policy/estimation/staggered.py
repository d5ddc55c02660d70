"""Difference-in-differences that stays right when effects differ by cohort and grow with time.

Two-way fixed effects compares late adopters with early ones whose effect still grows, and weights cohorts by the
variance of their treatment (Goodman-Bacon 2021). Three estimators do neither; each is computed by the package
``diff-diff``, which this module hands the rows that the other estimators use:

- ``imputation`` (Borusyak, Jaravel and Spiess 2024, Review of Economic Studies 91): city effects, year effects and
  controls are fitted on untreated city-years; the effect is the mean of y − ŷ over the treated ones. Conservative
  clustered variance of their Theorem 3, leaving out the city itself (their Appendix A.9), because cohorts are small.
  Leads come from a regression among untreated city-years.
- ``callaway_santanna`` (Callaway and Sant'Anna 2021, Journal of Econometrics 225): ATT(g, t) of every cohort g and
  year t against cities not yet treated, from the year before g on, outcome regression on the controls of that year;
  averaged by cohort size. Variance from the influence function. (Cohorts as small as ten cities leave no room for a
  propensity score with five controls.)
- ``sun_abraham`` (Sun and Abraham 2021, Journal of Econometrics 225): regression with cohort × event time dummies and
  the controls against never-treated cities; averaged by cohort shares. Clustered sandwich.

The average effect is over the treated city-years used; effects by event time are not binned. Clusters are cities, the
record's ``vcov`` is ``cluster`` for all three: the variances are not the sandwich that ``CRV1`` names elsewhere.
"""

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from city_policy.errors import InputError
from city_policy.estimation.event_study import REFERENCE
from city_policy.estimation.panel import Panel
from city_policy.estimation.record import (
    EXPECTED_ERRORS,
    RECORD_COLUMNS,
    NotIdentifiedError,
    cast_to_schema,
    coverage_sentence,
    problem_cells,
    record_base,
)
from city_policy.estimation.specification import Specification, read_specifications

STAGGERED_COLUMNS = RECORD_COLUMNS | {"event_time": "Int64"}
ESTIMATORS = ("imputation", "callaway_santanna", "sun_abraham")
NEVER = 0  # how diff-diff marks a city without treatment
# diff-diff raises ValueError for mistakes in its arguments and for data that do not identify the effect alike. These
# are the beginnings of the sentences of the second kind; any other is a mistake of the program.
NOT_IDENTIFIED = (
    "No untreated observations found",
    "No never-treated units found",
    "not_yet_treated control group requires",
    "Could not estimate any group-time effects",
    "No valid cohort",
)


def estimate_staggered(
    panel: pd.DataFrame,
    treatment_timing: pd.DataFrame,
    specifications: pd.DataFrame | Iterable[Specification],
    controls: Sequence[str],
    controls_not_covered: Sequence[str] = (),
) -> pd.DataFrame:
    """Average and event-time effects of every specification by the estimator that it names.

    ``panel``, ``treatment_timing``, ``specifications``, ``controls``, ``controls_not_covered``: as in
    :func:`city_policy.estimation.fixed_effects.estimate_fixed_effects`; the treatment must be a policy of the
    timing and the estimator one of ``imputation``, ``callaway_santanna`` and ``sun_abraham``.

    Returns the estimate record with ``event_time`` (years since the start, or years of the panel where it has gaps;
    missing for the average effect on the treated), in units of the outcome. Event times that no comparison
    identifies have no row. A specification that cannot be run is one row with a status and a sentence.

    Raises InputError for what makes the whole call meaningless (see ``estimate_fixed_effects``).
    """
    checked = Panel(panel, treatment_timing)
    rows = []
    for specification in read_specifications(specifications):
        counts: dict = {}
        base = record_base(specification) | {"term": specification.treatment, "vcov": "cluster"}
        sentences = coverage_sentence(controls_not_covered)
        try:
            frame, names, remarks = _rows_used(checked, specification, controls, counts)
            effects, warned = _fit(specification.estimator, frame, names)
        except EXPECTED_ERRORS as problem:
            rows.append(base | counts | problem_cells(problem, sentences))
            continue
        message = " ".join([*sentences, *remarks, *warned]) or None
        rows += [base | counts | effect | {"status": "ok", "message": message} for effect in effects]
    return cast_to_schema(pd.DataFrame(rows, columns=list(STAGGERED_COLUMNS)), STAGGERED_COLUMNS)


def _rows_used(
    panel: Panel, specification: Specification, controls: Sequence[str], counts: dict
) -> tuple[pd.DataFrame, list[str], list[str]]:
    """The rows as diff-diff wants them, the names of its control columns, and sentences on what a reader should know.
    Stores what is counted in ``counts``.
    """
    _refuse_what_is_not_offered(panel, specification)
    columns = panel.variables(specification)
    extra = panel.controls(specification, controls, columns)
    used = panel.usable_rows(specification, columns | extra, counts)
    first = panel.first_treated_year(specification.treatment)[used]
    city, year = panel.city[used], panel.year[used]
    treated = columns[specification.treatment][used] > 0
    keep = np.isin(city, city[~treated])
    left_out = len(np.unique(city[~keep]))
    counts["n_obs"], counts["n_cities"] = int(keep.sum()), len(np.unique(city[keep]))
    counts["n_treated_cities"] = len(np.unique(city[keep & treated]))
    if not (keep & treated).any():
        raise NotIdentifiedError(f"No city of the sample changes its {specification.treatment} treatment.")
    # A treatment that starts after the last year is none within these years.
    never = ~np.isin(city, city[treated])
    # Places among the years used, from 1 on: the library takes the number before the start for the year before it.
    years = np.unique(year)
    start = np.searchsorted(years, np.nan_to_num(first)) + 1
    frame = pd.DataFrame(
        {
            "city": city[keep],
            "year": np.searchsorted(years, year[keep]) + 1,
            "first": np.where(never, NEVER, start)[keep],
            "outcome": columns[specification.outcome][used][keep],
        }
    )
    names = []
    for position, column in enumerate(extra.values()):
        values = column[used][keep]
        # Scaled, because the library judges collinearity by size; the effects do not change.
        spread = values.std()
        if spread > 0:
            names.append(f"control_{position}")
            frame[names[-1]] = (values - values.mean()) / spread
    counts["dropped_terms"] = " ".join(
        name for position, name in enumerate(extra) if f"control_{position}" not in names
    )
    remarks = []
    if left_out:
        remarks.append(f"{left_out} cities are treated in every year used and cannot be compared.")
    if np.ptp(years) >= len(years):
        remarks.append("The years have gaps: event time counts the years that there are.")
    return frame, names, remarks


def _refuse_what_is_not_offered(panel: Panel, specification: Specification) -> None:
    if specification.estimator not in ESTIMATORS:
        raise InputError(f"The estimator is '{specification.estimator}'; expected one of {', '.join(ESTIMATORS)}.")
    if specification.treatment not in panel.timing:
        raise InputError(f"'{specification.treatment}' is no policy of the treatment timing.")
    if specification.lag or specification.extra_fixed_effects or specification.cluster != "adcode":
        raise InputError(
            f"The estimator {specification.estimator} has city and year effects, no lag and clusters by adcode; "
            "leave lag and extra_fixed_effects blank and cluster adcode."
        )


def _fit(estimator: str, frame: pd.DataFrame, controls: list[str]) -> tuple[list[dict], list[str]]:
    """Rows of the record and what the library remarked."""
    import diff_diff
    from diff_diff import CallawaySantAnna, ImputationDiD, SunAbraham

    # Each with the comparison that its authors recommend for a panel with never-treated units and few cohorts.
    models = {
        "imputation": ImputationDiD(pretrends=True, leave_one_out=True, df_convention="cluster"),
        "callaway_santanna": CallawaySantAnna(
            control_group="not_yet_treated", estimation_method="reg", base_period="universal"
        ),
        "sun_abraham": SunAbraham(df_convention="cluster"),
    }
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            fit = models[estimator].fit(
                frame, outcome="outcome", unit="city", time="year", first_treat="first", covariates=controls or None
            )
        except ValueError as problem:
            if not str(problem).startswith(NOT_IDENTIFIED):
                raise
            reason = str(problem).split(". ")[0].rstrip(".")
            raise NotIdentifiedError(f"diff-diff cannot estimate it: {reason}.") from problem
        by_time = _by_event_time(estimator, fit)
    if not np.isfinite(fit.overall_att):
        raise NotIdentifiedError("No city treated in these years has a city to be compared with.")
    rows = [
        _effect(None, fit.overall_att, fit.overall_se, fit.overall_t_stat, fit.overall_p_value, fit.overall_conf_int)
    ]
    rows += by_time
    # dbt runs models in threads of one process, and what another library says meanwhile is caught here too.
    ours = (Path(diff_diff.__file__).parent, Path(__file__).parent)
    remarks = {
        str(warning.message).split(". ")[0].rstrip(". ")
        for warning in caught
        if warning.category is UserWarning and any(Path(warning.filename).is_relative_to(folder) for folder in ours)
    }
    return rows, [f"diff-diff: {' '.join(remark.split())}." for remark in sorted(remarks)]


def _by_event_time(estimator: str, fit) -> list[dict]:
    if estimator == "sun_abraham":
        effects = {
            int(e): _effect(int(e), cell["effect"], cell["se"], cell["t_stat"], cell["p_value"], cell["conf_int"])
            for e, cell in fit.event_study_effects.items()
        }
        effects[REFERENCE] = _effect(REFERENCE, 0.0, np.nan, np.nan, np.nan, (np.nan, np.nan))
    else:
        table = fit.aggregate("event_study")
        effects = {
            int(e): _effect(
                int(e),
                table.att[i],
                table.se[i],
                table.t_stat[i],
                table.p_value[i],
                (table.conf_int_lower[i], table.conf_int_upper[i]),
            )
            for i, e in enumerate(table.event_time)
        }
    return [effects[e] for e in sorted(effects) if np.isfinite(effects[e]["estimate"])]


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
