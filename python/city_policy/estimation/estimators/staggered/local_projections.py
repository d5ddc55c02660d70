"""Local projections of Dube, Girardi, Jordà and Taylor (2025, Journal of Applied Econometrics).

One regression for every event time, of the change since the year before, on a sample without city-years already
treated.
"""

import numpy as np

from city_policy.estimation.contract.record import NotIdentifiedError
from city_policy.estimation.estimators.staggered.comparison import (
    NEVER,
    REFERENCE,
    Cells,
    Comparison,
    Found,
    common_window,
    in_order,
)


def local_projections(comparison: Comparison) -> Found:
    """Effects by local projections.

    At event time h the change y_{i,t+h} - y_{i,t-1} is regressed on the start of the treatment in t, effects of the
    year t and the same change of the controls, among cities that start in t and cities not treated by t + h (by t for
    h < 0). The pooled effect puts the mean of y_{t}, ..., y_{t+H} in place of y_{t+h}, with H from ``common_window``.
    Cohorts are weighted by the variance of the start, n_g m_g / (n_g + m_g) for n_g starters and m_g controls (the
    authors' default), not by their size alone. Clustered by city, t with one degree less than cities.
    """
    outcome = comparison.wide(comparison.outcome)
    controls = [comparison.wide(x) for x in comparison.controls.T]
    years = len(comparison.years)
    starts = np.where(comparison.cohort == NEVER, 2 * years, comparison.cohort)
    effects, dropped = [], []
    cohorts, last = common_window(comparison, lambda g, end: int((starts > g + end).sum()))
    times = sorted({t - g for g in comparison.cohorts for t in range(1, years + 1)} - {REFERENCE})
    for event_time, spans in [(None, range(last + 1)), *((h, [h]) for h in times)]:
        found = _project(comparison, starts, outcome, controls, list(spans), event_time)
        if found is not None:
            effects += found.effects
            dropped += [name for name in found.dropped if event_time is None]
    missing = [str(comparison.calendar(g)) for g in comparison.cohorts if g not in cohorts]
    notes = [f"The pooled effect is over event times 0 to {last}."]
    if missing:
        notes.append(f"Cohorts that do not reach them all are left out of the pooled effect: {', '.join(missing)}.")
    return Found(in_order(effects, reference=True), notes, dropped)


def _project(comparison, starts, outcome, controls, spans, event_time):
    """The effect of one horizon, or of the mean over several; None where no year has both kinds of cities."""
    years = outcome.shape[1]
    city, year, is_start = [], [], []
    for start in range(max(2, 1 - min(spans)), years - max(0, max(spans)) + 1):
        # Indices of the years that the change needs.
        later = [start + h - 1 for h in spans]
        seen = np.isfinite(outcome[:, [start - 2, *later]]).all(axis=1)
        own, other = seen & (starts == start), seen & (starts > max(start, start + max(spans)))
        chosen = np.flatnonzero(own | other)
        city.append(chosen)
        year.append(np.full(len(chosen), start))
        is_start.append(own[chosen])
    if not city or not any(own.any() for own in is_start):
        return None
    i, t, own = np.concatenate(city), np.concatenate(year), np.concatenate(is_start)

    def change(table):
        return np.mean([table[i, t + h - 1] for h in spans], axis=0) - table[i, t - 2]

    moment = np.unique(t, return_inverse=True)[1]
    counts = np.bincount(moment)[:, None]

    def sweep(columns):
        for _ in range(2):
            sums = np.column_stack([np.bincount(moment, column) for column in columns.T])
            columns = columns - (sums / counts)[moment]
        return columns

    regression = Cells(
        change(outcome),
        np.column_stack([np.empty((len(i), 0)), *(change(x) for x in controls)]),
        comparison.control_names,
        own[:, None].astype("float64"),
        np.unique(i, return_inverse=True)[1],
        sweep,
        len(counts),
        len(counts),
    )
    try:
        return regression.effects({event_time: np.ones(1)})
    except NotIdentifiedError:
        # Too few rows at the end of the years: this event time has no row, the others stand.
        return None
