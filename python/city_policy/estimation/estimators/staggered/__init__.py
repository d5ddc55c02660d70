"""Difference-in-differences that stays right when effects differ by cohort and grow with time.

Two-way fixed effects compares late adopters with early ones whose effect still grows, and weights cohorts by the
variance of their treatment (Goodman-Bacon 2021). Eight estimators do neither. They differ in their comparisons, their
weights and what they do with the controls; the modules have the formulas.

============================ ============================== =========================== ===============================
estimator                    compared with                  average weighted by         controls
============================ ============================== =========================== ===============================
imputation                   untreated city-years           treated city-years          fitted on untreated city-years
etwfe                        city-years not yet treated     treated city-years          one slope each
sun_abraham                  cities never treated           treated city-years          one slope each
callaway_santanna            cities not yet treated, base   size of the cohort          of the base year, cell by cell
                             the year before
chaisemartin_dhaultfoeuille  as callaway_santanna           treated cities seen         yearly changes
stacked                      cities not treated by the end  size of the cohort, event   one slope each
                             of a common window             times alike
local_projections            cities not treated by the      variance of the start       the same change
                             event time
synthetic_did                weighted never treated cities, treated city-years          taken off beforehand
                             weighted years before
============================ ============================== =========================== ===============================

- ``imputation`` (Borusyak, Jaravel and Spiess 2024, Review of Economic Studies 91), by diff-diff: city effects, year
  effects and controls are fitted on untreated city-years; the effect is the mean of y − ŷ over the treated ones.
  Conservative clustered variance of their Theorem 3, leaving out the city itself (their Appendix A.9), because cohorts
  are small. Leads come from a regression among untreated city-years.
- ``callaway_santanna`` and ``chaisemartin_dhaultfoeuille``: ``cohort_differences``. (Cohorts as small as ten cities
  leave no room for a propensity score with five controls.)
- ``etwfe`` and ``sun_abraham``: ``saturated``; ``stacked``, ``local_projections`` and ``synthetic_did``: modules of
  their names.

All but the first are our own. diff-diff 3.13 gives the same numbers for ``etwfe`` and, on balanced panels with never
treated cities, for ``callaway_santanna`` and ``sun_abraham``, but weights the second by the cities seen and refuses
or drops a column in silence for the third where there is no never treated city or no year before a start; its
controls for ``etwfe``, ``stacked`` and ``local_projections`` are levels of a base year or are interacted with the
cohorts, which five controls and ten cities do not allow. The overall error of its de Chaisemartin–D'Haultfœuille is
too small.

The average effect is over the treated city-years used; effects by event time are not binned. Clusters are cities, the
record's ``vcov`` is ``cluster`` for all of them: the sandwich for regressions, otherwise what the module says.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from city_policy.errors import InputError
from city_policy.estimation.computation.regression import COLLINEAR_SHARE, AbsorbedEffects
from city_policy.estimation.contract.panel import Panel
from city_policy.estimation.contract.record import RECORD_COLUMNS, NotIdentifiedError, notes_on_fit
from city_policy.estimation.contract.request import Request
from city_policy.estimation.contract.runner import Estimator, Table, run
from city_policy.estimation.contract.specification import Specification
from city_policy.estimation.estimators.staggered.cohort_differences import (
    callaway_santanna,
    chaisemartin_dhaultfoeuille,
)
from city_policy.estimation.estimators.staggered.comparison import NEVER, REFERENCE, Comparison, Found
from city_policy.estimation.estimators.staggered.library import imputation
from city_policy.estimation.estimators.staggered.local_projections import local_projections
from city_policy.estimation.estimators.staggered.saturated import extended_two_way, sun_abraham
from city_policy.estimation.estimators.staggered.stacked import stacked
from city_policy.estimation.estimators.staggered.synthetic_did import synthetic_did

STAGGERED_COLUMNS = RECORD_COLUMNS | {"event_time": "Int64"}
METHODS: Mapping[str, Callable[[Comparison], Found]] = {
    "imputation": imputation,
    "callaway_santanna": callaway_santanna,
    "sun_abraham": sun_abraham,
    "etwfe": extended_two_way,
    "stacked": stacked,
    "local_projections": local_projections,
    "synthetic_did": synthetic_did,
    "chaisemartin_dhaultfoeuille": chaisemartin_dhaultfoeuille,
}
ESTIMATORS = tuple(METHODS)
# They fit a cohort of one city in its years exactly, so that its noise is not in their errors.
BLIND_TO_ONE_CITY = ("imputation", "etwfe", "sun_abraham", "callaway_santanna")
CLUSTER = "cluster"  # the name of their variance estimator in the record


def estimate_staggered(
    panel: pd.DataFrame,
    treatment_timing: pd.DataFrame,
    specifications: pd.DataFrame | Iterable[Specification],
    controls: Sequence[str],
    controls_not_covered: Sequence[str] = (),
) -> pd.DataFrame:
    """Average and event-time effects of every specification by the estimator that it names.

    ``panel``, ``treatment_timing``, ``specifications``, ``controls``, ``controls_not_covered``: as in
    ``estimate_fixed_effects``; the treatment must be a policy of the timing and the estimator one of ``ESTIMATORS``.

    Returns the estimate record with ``event_time`` (years since the start, or years of the panel where it has gaps;
    missing for the average effect on the treated), in units of the outcome. Event times that no comparison
    identifies have no row. A specification that cannot be run is one row with a status and a sentence.

    Raises InputError for what makes the whole call meaningless (see ``estimate_fixed_effects``).
    """
    return run(STAGGERED, Panel(panel, treatment_timing), specifications, controls, controls_not_covered)[0]


def staggered(request: Request) -> Mapping[str, list[dict]]:
    """The average and the event-time effects of one request."""
    comparison, counts, remarks, constant = _comparable(request)
    try:
        found = METHODS[request.specification.estimator](comparison)
    except NotIdentifiedError as problem:
        raise NotIdentifiedError(str(problem), counts) from problem
    dropped = " ".join([*constant, *found.dropped])
    alone = sum(int((comparison.cohort == g).sum() == 1) for g in comparison.cohorts)
    if alone and request.specification.estimator in BLIND_TO_ONE_CITY:
        remarks.append(f"Cohorts of one city: {alone}; their own noise is not in the standard errors.")
    notes = [*remarks, *found.notes, *notes_on_fit(request.specification, dropped, clustered=True)]
    base = counts | {"dropped_terms": dropped, "vcov": CLUSTER}
    return {"estimates": [base | dict(effect) | {"notes": [*notes, *_on_error(effect)]} for effect in found.effects]}


def _on_error(effect):
    """Why an effect has no standard error; nothing for one that has, and for the reference."""
    if "std_error" in effect or effect["event_time"] == REFERENCE:
        return []
    return ["The fit leaves no residual here, so that there is no standard error."]


def _comparable(request):
    """The rows that can be compared, counts, what a reader should know, and the controls that do not vary."""
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
    years = np.unique(year)
    start = np.searchsorted(years, np.nan_to_num(first)) + 1
    scaled = {name: _scaled(column[used][keep]) for name, column in request.controls.items()}
    varying = {name: column for name, column in scaled.items() if column is not None}
    codes = np.unique(city[keep])
    places = [np.unique(groups[keep], return_inverse=True)[1] for groups in (city, year)]
    outcome = request.outcome[keep]
    swept = AbsorbedEffects(places).sweep(outcome[:, None])
    if np.linalg.norm(swept) <= COLLINEAR_SHARE * np.linalg.norm(outcome):
        raise NotIdentifiedError(f"The fixed effects explain {one.outcome} without a remainder.", counts)
    comparison = Comparison(
        city=np.searchsorted(codes, city[keep]),
        year=np.searchsorted(years, year[keep]) + 1,
        first=np.where(never, NEVER, start)[keep],
        outcome=outcome,
        controls=np.column_stack([np.empty((int(keep.sum()), 0)), *varying.values()]),
        control_names=tuple(varying),
        years=years,
        adcodes=request.panel.adcodes[codes],
        policy=one.treatment,
    )
    remarks = []
    if not keep.all():
        left_out = len(np.unique(city[~keep]))
        remarks.append(f"{left_out} cities are treated in every year used and cannot be compared.")
    if np.ptp(years) >= len(years):
        remarks.append("The years have gaps: event time counts the years that there are.")
    return comparison, counts, remarks, [name for name in scaled if name not in varying]


def _scaled(values):
    """``values`` with mean 0 and standard deviation 1, so that collinearity does not hang on units; the effects do not
    change. None if they do not vary.
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


STAGGERED = Estimator({"estimates": Table(STAGGERED_COLUMNS, ("vcov", (CLUSTER,)))}, staggered, columns=_columns)
