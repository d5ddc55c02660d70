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
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from city_policy.errors import InputError
from city_policy.estimation.contract.panel import Panel
from city_policy.estimation.contract.record import RECORD_COLUMNS, NotIdentifiedError
from city_policy.estimation.contract.request import Request
from city_policy.estimation.contract.runner import Estimator, Table, run
from city_policy.estimation.contract.specification import Specification
from city_policy.estimation.estimators.event_study import REFERENCE

STAGGERED_COLUMNS = RECORD_COLUMNS | {"event_time": "Int64"}
ESTIMATORS = ("imputation", "callaway_santanna", "sun_abraham")
CLUSTER = "cluster"  # the name of their variance estimator in the record
NEVER = 0  # how diff-diff marks a city without treatment
# diff-diff raises ValueError for mistakes in its arguments and for data that do not identify the effect alike. These
# are the beginnings of the sentences of the second kind; any other is a mistake of the program.
NOT_IDENTIFIED = (
    "No untreated observations found",
    "No never-treated units found",
    "not_yet_treated control group requires",
    "Could not estimate any group-time effects",
    "No valid cohort",
    "Fewer observations",
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
    ``estimate_fixed_effects``; the treatment must be a policy of the
    timing and the estimator one of ``imputation``, ``callaway_santanna`` and ``sun_abraham``.

    Returns the estimate record with ``event_time`` (years since the start, or years of the panel where it has gaps;
    missing for the average effect on the treated), in units of the outcome. Event times that no comparison
    identifies have no row. A specification that cannot be run is one row with a status and a sentence.

    Raises InputError for what makes the whole call meaningless (see ``estimate_fixed_effects``).
    """
    return run(STAGGERED, Panel(panel, treatment_timing), specifications, controls, controls_not_covered)[0]


def staggered(request: Request) -> Mapping[str, list[dict]]:
    """The average and the event-time effects of one request."""
    frame, names, counts, remarks = _as_the_library_wants(request)
    effects, warned = _fit(request.specification.estimator, frame, names)
    base = counts | {"vcov": CLUSTER, "notes": [*remarks, *warned]}
    return {"estimates": [base | effect for effect in effects]}


def _as_the_library_wants(request):
    """The rows as diff-diff wants them, the names of its control columns, counts, and what a reader should know."""
    one, used = request.specification, request.rows.used
    first = request.panel.first_treated_year(one.treatment)[used]
    city, year = request.panel.city[used], request.panel.year[used]
    treated = request.treatment > 0
    keep = np.isin(city, city[~treated])
    counts: dict[str, int | str] = {
        "n_obs": int(keep.sum()),
        "n_cities": len(np.unique(city[keep])),
        "n_treated_cities": len(np.unique(city[keep & treated])),
    }
    if not (keep & treated).any():
        raise NotIdentifiedError(f"No city of the sample changes its {one.treatment} treatment.", counts)
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
            "outcome": request.outcome[keep],
        }
    )
    scaled = {f"control_{i}": _scaled(column[used][keep]) for i, column in enumerate(request.controls.values())}
    frame = frame.assign(**{name: column for name, column in scaled.items() if column is not None})
    dropped = [name for name, column in zip(request.controls, scaled.values(), strict=True) if column is None]
    counts["dropped_terms"] = " ".join(dropped)
    remarks = []
    if not keep.all():
        left_out = len(np.unique(city[~keep]))
        remarks.append(f"{left_out} cities are treated in every year used and cannot be compared.")
    if np.ptp(years) >= len(years):
        remarks.append("The years have gaps: event time counts the years that there are.")
    return frame, [name for name in scaled if name in frame], counts, remarks


def _scaled(values):
    """``values`` with mean 0 and standard deviation 1, because the library judges collinearity by size; the effects do
    not change. None if they do not vary.
    """
    spread = values.std()
    return (values - values.mean()) / spread if spread > 0 else None


def _columns(panel, specification, controls, options):
    """Outcome, policy and controls."""
    if specification.estimator not in ESTIMATORS:
        raise InputError(f"The estimator is '{specification.estimator}'; expected one of {', '.join(ESTIMATORS)}.")
    if specification.treatment not in panel.timing:
        raise InputError(f"'{specification.treatment}' is no policy of the treatment timing.")
    if specification.lag or specification.extra_fixed_effects or specification.cluster != "adcode":
        raise InputError(
            f"The estimator {specification.estimator} has city and year effects, no lag and clusters by adcode; "
            "leave lag and extra_fixed_effects blank and cluster adcode."
        )
    columns = panel.variables(specification)
    return columns, panel.controls(specification, controls, columns)


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


STAGGERED = Estimator({"estimates": Table(STAGGERED_COLUMNS, ("vcov", (CLUSTER,)))}, staggered, columns=_columns)
