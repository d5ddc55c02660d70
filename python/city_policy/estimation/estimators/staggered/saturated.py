"""Two-way fixed effects with a coefficient for every cohort and year: extended two-way and Sun–Abraham.

Both are one regression with city effects, year effects, the controls with one slope each, and dummies of cohort ×
year. They differ in the comparison. The extended regression leaves the years before a start without dummies, so that
all city-years not yet treated are the comparison. Sun and Abraham give them dummies too, so that the never treated
cities are.
"""

from dataclasses import replace

import numpy as np

from city_policy.estimation.computation.regression import AbsorbedEffects
from city_policy.estimation.contract.record import NotIdentifiedError
from city_policy.estimation.estimators.staggered.comparison import (
    NEVER,
    REFERENCE,
    Cells,
    Comparison,
    Found,
    in_order,
    means_of_cells,
)


def extended_two_way(comparison: Comparison) -> Found:
    """Effects of Wooldridge (2025, Empirical Economics 69): dummies of cohort × year from the start on.

    Years in which every city is treated have no comparison and are left out. Effects are averaged by treated rows.
    """
    years = comparison.year[~comparison.treated]
    rows = comparison.keep(np.isin(comparison.year, years))
    if not rows.treated.any():
        raise NotIdentifiedError("No city treated in these years has a city to be compared with.")
    found = _fit(rows, rows.treated, rows.year - rows.first)
    return replace(found, effects=in_order(found.effects, reference=False), notes=_years_left_out(comparison, rows))


def sun_abraham(comparison: Comparison) -> Found:
    """Effects of Sun and Abraham (2021): dummies of cohort × event time but -1 against never treated cities.

    Without a never treated city the last cohort is the comparison, in the years before it starts (their section 4). A
    cohort that has no row in the year before its start is measured from its last year before that.
    """
    notes, rows = [], comparison
    if not (comparison.first == NEVER).any():
        last = max(comparison.cohorts)
        rows = comparison.keep(comparison.year < last, np.where(comparison.first == last, NEVER, comparison.first))
        if not rows.treated.any():
            raise NotIdentifiedError("No city treated in these years has a city to be compared with.")
        notes.append(
            f"No city is never treated: the cohort of {comparison.calendar(last)} is the comparison until then."
        )
    event_time = rows.year - rows.first
    reference = np.zeros(len(event_time), dtype=bool)
    for g in rows.cohorts:
        own = rows.first == g
        before = event_time[own & (event_time < 0)]
        if not len(before):
            # Its effects and its cities' effects cannot be told apart: nothing of it can be compared.
            continue
        reference |= own & (event_time == before.max())
        if before.max() != REFERENCE:
            notes.append(
                f"The cohort of {rows.calendar(g)} has no row in the year before its start and is measured from "
                f"{rows.calendar(g + int(before.max()))}."
            )
    found = _fit(rows, (rows.first != NEVER) & ~reference, event_time)
    return replace(found, effects=in_order(found.effects, reference=True), notes=notes)


def _fit(rows, in_cells, event_time):
    """Effects by a dummy for every cohort and event time among the rows ``in_cells``, a mask (n,)."""
    pairs, code = np.unique(np.column_stack([rows.first, event_time])[in_cells], axis=0, return_inverse=True)
    dummies = np.zeros((len(in_cells), len(pairs)))
    dummies[np.flatnonzero(in_cells), code.ravel()] = 1.0
    years = np.unique(rows.year, return_inverse=True)[1]
    absorbed = AbsorbedEffects([rows.city, years])
    cells = Cells(
        rows.outcome,
        rows.controls,
        rows.control_names,
        dummies,
        rows.city,
        absorbed.sweep,
        absorbed.rank,
        int(years.max()) + 1,
    )
    return cells.effects(means_of_cells(dummies.sum(axis=0), pairs[:, 1], pairs[:, 1] >= 0))


def _years_left_out(before, after):
    gone = [str(before.calendar(t)) for t in np.setdiff1d(before.year, after.year)]
    return [f"Every city is treated in {', '.join(gone)}, so these years are left out."] if gone else []
