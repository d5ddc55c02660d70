"""Event study (Figure 1): the effect by year relative to the start of a policy, and the test of the leads.

Beck, Levine and Levkov (2010, Journal of Finance 65), the source that the paper follows::

    outcome_it = sum over e != -1 of b_e 1{year_t - first_treated_year_i = e} + a' controls_it
                 + city_i + year_t + e_it

- The reference is the year before the start, e = -1.
- The ends are binned: the dummy of the first event time holds it and all earlier ones, that of the last holds
  it and all later ones. An end that no row used reaches is moved in to the event time that one does reach.
- A city that is never treated is in no bin: all its dummies are zero.
- Rows, degrees of freedom and both variance estimators as in ``computation.regression``.

Joint pre-trend test: H0 that all leads (event times before -1, the first bin included) are zero,
F = b' V^-1 b / q with V either covariance, against F(q, n - k - F) for iid and F(q, G - 1) for CRV1.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pandas as pd
from scipy.stats import f as f_distribution

from city_policy.errors import InputError
from city_policy.estimation.computation.regression import (
    Fit,
    Prepared,
    clustered_inference,
    goodness,
    least_squares,
    sweep,
)
from city_policy.estimation.contract.panel import Panel
from city_policy.estimation.contract.record import (
    RECORD_COLUMNS,
    VARIANCE_ESTIMATORS,
    NotIdentifiedError,
    notes_on_fit,
)
from city_policy.estimation.contract.request import Request
from city_policy.estimation.contract.runner import Estimator, Table, run
from city_policy.estimation.contract.specification import Specification

REFERENCE = -1
EVENT_STUDY_COLUMNS = RECORD_COLUMNS | {"event_time": "Int64", "is_binned": "boolean"}
PRETREND_COLUMNS = {
    "spec_id": "str",
    "treatment": "str",
    "vcov": "str",
    "n_leads": "Int64",
    "statistic": "float64",
    "df_num": "Int64",
    "df_denom": "Int64",
    "p_value": "float64",
    "status": "str",
    "message": "str",
}


def estimate_event_study(
    panel: pd.DataFrame,
    treatment_timing: pd.DataFrame,
    specifications: pd.DataFrame | Iterable[Specification],
    controls: Sequence[str],
    controls_not_covered: Sequence[str] = (),
    first: int = -4,
    last: int = 5,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Leads and lags of every specification, and the joint tests of the leads; formulas at the top.

    ``panel``, ``treatment_timing``, ``specifications``, ``controls``, ``controls_not_covered``: as in
    ``estimate_fixed_effects``; the treatment must be a policy of the
    timing. ``first``, ``last``: the event times (years) at which the ends are binned.

    Returns two frames. Estimates: the estimate record with ``event_time`` (years since the start) and
    ``is_binned`` (whether the row also stands for event times beyond it), one row per specification, event
    time and variance estimator, in units of the outcome, term ``event_time_-3`` and so on; the reference has
    a row with estimate 0 and no standard error. The controls' coefficients are not repeated. Tests: one row
    per specification and variance estimator. A specification that cannot be run is one row per variance
    estimator in both, with a status and a sentence.

    Raises InputError if ``first`` is not below -1 or ``last`` below 0, and for what makes the whole call
    meaningless (see ``estimate_fixed_effects``).
    """
    check_window(first, last)
    return run(
        EVENT_STUDY,
        Panel(panel, treatment_timing),
        specifications,
        controls,
        controls_not_covered,
        first=first,
        last=last,
    )


def check_window(first: int, last: int) -> None:
    """Raises InputError for event times without one before the reference and one after it."""
    if first >= REFERENCE or last < 0:
        raise InputError(
            f"Event times from {first} to {last} were asked for; expected one before {REFERENCE} and one from 0."
        )


def event_study(request: Request) -> Mapping[str, list[dict]]:
    """Leads and lags of one request, and the joint tests of the leads."""
    specification = request.specification
    times, binned, prepared, fit = fit_event_times(request)
    base = {"dropped_terms": prepared.dropped_terms} | goodness(prepared, specification.outcome, fit.residuals)
    return {
        "estimates": [
            base | _row(specification, prepared, times, time, binned, fit, vcov)
            for vcov in VARIANCE_ESTIMATORS
            for time in sorted([*times, REFERENCE])
        ],
        "tests": [_pretrend(times, fit, vcov) for vcov in VARIANCE_ESTIMATORS],
    }


def fit_event_times(
    request: Request, beside: Mapping[str, np.ndarray] = MappingProxyType({})
) -> tuple[list[int], list[int], Prepared, Fit]:
    """The event times without the reference, those that are binned, the columns, and their regression, which has the
    event times first and then the controls. ``beside``: further columns to prepare, by name, (N,).

    Raises NotIdentifiedError if no row is at the reference or an event time is collinear.
    """
    times, binned, dummies = _dummies(request)
    prepared = sweep(request, {**dummies, **beside})
    explained = prepared.explained(list(dummies), given=prepared.controls)
    if explained:
        raise NotIdentifiedError(
            f"{explained[0]} is collinear with the other event times, the controls and the fixed effects "
            "(without cities that are never treated, event time, city and year determine one another).",
            {"dropped_terms": prepared.dropped_terms},
        )
    return times, binned, prepared, least_squares(prepared, request.specification.outcome, event_terms(times, prepared))


def event_terms(times: Sequence[int], prepared: Prepared) -> list[str]:
    """The terms of the regression on event ``times``, in its order."""
    return [*map(_term, times), *prepared.controls]


def _columns(panel, specification, controls, options):
    """The outcome and the controls: event times are known in every row."""
    if specification.treatment not in panel.timing:
        raise InputError(
            f"'{specification.treatment}' is not a policy of the treatment timing, so it has no event time."
        )
    if specification.lag:
        raise InputError("An event study takes no lag: its lags are the event times.")
    columns = {specification.outcome: panel.numbers(specification.outcome)}
    return columns, panel.controls(specification, controls, columns)


def _term(time):
    return f"event_time_{time}"


def _dummies(request):
    """Event times without the reference (ascending), those that are binned, and the dummies by term, (N,) each."""
    policy, panel = request.specification.treatment, request.panel
    event_time = panel.year - panel.first_treated_year(policy)
    observed = event_time[request.rows.used]
    observed = observed[np.isfinite(observed)].astype(int)
    if not (observed == REFERENCE).any():
        raise NotIdentifiedError(
            f"No row is at event time {REFERENCE}, the reference: no city is seen the year before {policy} starts."
        )
    first, last = max(request.options["first"], observed.min()), min(request.options["last"], observed.max())
    binned = [end for end, beyond in ((first, observed < first), (last, observed > last)) if beyond.any()]
    clipped = np.clip(event_time, first, last)
    present = set(np.clip(observed, first, last).tolist())
    times = [time for time in range(first, last + 1) if time != REFERENCE and time in present]
    return times, binned, {_term(time): (clipped == time).astype("float64") for time in times}


def _row(specification, prepared, times, time, binned, fit, vcov):
    """One event time by one variance estimator."""
    at_reference = time == REFERENCE
    notes = notes_on_fit(specification, prepared.dropped_terms, fit.has(vcov) or at_reference)
    if at_reference:
        notes.insert(0, "The reference: zero by construction.")
    if time in binned:
        notes.insert(0, f"Holds event time {time} and all {'earlier' if time < 0 else 'later'} ones.")
    numbers: dict = {"estimate": 0.0}
    if not at_reference:
        position = times.index(time)
        numbers = fit.inference(position, vcov)
        if vcov == "CRV1":
            numbers = clustered_inference(fit, prepared, position, specification.cluster)
    notes += numbers.pop("notes", [])
    cells = {"term": _term(time), "vcov": vcov, "event_time": time, "is_binned": time in binned, "notes": notes}
    return numbers | cells


def _pretrend(times, fit, vcov):
    """Statistic, degrees of freedom and p of H0: all leads are zero."""
    leads = [position for position, time in enumerate(times) if time < REFERENCE]
    known = fit.covariance[vcov]
    result = {"vcov": vcov, "n_leads": len(leads)}

    def unknown(reason):
        return result | {"status": "not_identified", "notes": [reason]}

    if not leads:
        return unknown(f"No row lies before event time {REFERENCE}, so there is no lead to test.")
    if known is None:
        return unknown("The rows used hold one cluster, so there is no clustered covariance.")
    covariance, degrees = known
    block = covariance[np.ix_(leads, leads)]
    if np.linalg.matrix_rank(block, hermitian=True) < len(leads):
        return unknown(f"There are too few clusters for a joint test of {len(leads)} leads.")
    estimates = fit.coefficients[leads]
    statistic = estimates @ np.linalg.solve(block, estimates) / len(leads)
    return result | {
        "statistic": statistic,
        "df_num": len(leads),
        "df_denom": degrees,
        "p_value": f_distribution.sf(statistic, len(leads), degrees),
    }


EVENT_STUDY = Estimator(
    {
        "estimates": Table(EVENT_STUDY_COLUMNS, ("vcov", VARIANCE_ESTIMATORS)),
        "tests": Table(PRETREND_COLUMNS, ("vcov", VARIANCE_ESTIMATORS), says_coverage=False),
    },
    event_study,
    columns=_columns,
    treated_cities=True,
)
