"""Stacked regression with the weights of Wing, Freedman and Hollingsworth (2024, NBER Working Paper 32054).

A cohort and its clean controls are a sub-experiment over one window of event times; all are stacked in one regression.
"""

from dataclasses import replace

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


def stacked(comparison: Comparison) -> Found:
    """Effects by the stacked regression.

    The window ends at the last event time with most treated city-years (``common_window``) and begins as early as no
    cohort is lost. A clean control has not started by the end of the window: never treated, or treated later. A city
    stands in a sub-experiment if it has every year of the window. Treated cities weigh 1, controls of sub-experiment
    a::

        Q_a = (treated cities of a / all treated cities) / (controls of a / all controls)

    Dummies of treated × event time but -1; effects of city × sub-experiment and of event time × sub-experiment (without
    controls the numbers are those of the paper's regression); controls with one slope. The average is the mean of the
    event times from 0 on, the paper's trimmed aggregate effect. Clustered by city over all its copies, t with G - 1.
    """
    seen = np.isfinite(comparison.wide(comparison.outcome))
    cohort, years = comparison.cohort, len(comparison.years)
    starts = np.where(cohort == NEVER, years + years, cohort)
    cohorts, last = common_window(comparison, lambda g, end: int((starts > g + end).sum()))
    first = -min(g - 1 for g in cohorts)
    copies = []
    for g in cohorts:
        whole = seen[:, g + first - 1 : g + last].all(axis=1)
        own, other = np.flatnonzero(whole & (cohort == g)), np.flatnonzero(whole & (starts > g + last))
        if len(own) and len(other):
            copies.append((g, own, other))
    if not copies:
        raise NotIdentifiedError(f"No cohort and its controls have every year from {first} to {last} around a start.")
    found = _regress(comparison, copies, first, last)
    notes = [f"Window from {first} to {last} years around the start."]
    missing = [str(comparison.calendar(g)) for g in comparison.cohorts if g not in [one for one, _, _ in copies]]
    if missing:
        notes.append(f"Cohorts without the whole window are left out: {', '.join(missing)}.")
    return replace(found, effects=in_order(found.effects, reference=True), notes=notes)


def _regress(comparison, copies, first, last):
    position = np.full((len(comparison.adcodes), len(comparison.years)), -1)
    position[comparison.city, comparison.year - 1] = np.arange(len(comparison.city))
    all_treated = sum(len(own) for _, own, _ in copies)
    all_controls = sum(len(other) for _, _, other in copies)
    width = last - first + 1
    rows, weights, treated, experiment = [], [], [], []
    for i, (g, own, other) in enumerate(copies):
        cities = np.concatenate([own, other])
        rows.append(position[cities, g + first - 1 : g + last].ravel())
        ratio = (len(own) / all_treated) / (len(other) / all_controls)
        weights.append(np.repeat(np.r_[np.ones(len(own)), np.full(len(other), ratio)], width))
        treated.append(np.repeat(np.r_[np.ones(len(own), dtype=bool), np.zeros(len(other), dtype=bool)], width))
        experiment.append(np.full(len(cities) * width, i))
    row, weight, is_treated, number = (np.concatenate(part) for part in (rows, weights, treated, experiment))
    times = np.tile(np.arange(first, last + 1), len(row) // width)
    shown = [e for e in range(first, last + 1) if e != REFERENCE]
    cells = np.column_stack([(is_treated & (times == e)).astype("float64") for e in shown])
    moment = number * width + times - first
    mass = np.bincount(moment, weight)

    def sweep(columns):
        # Every copy of a city has the whole window and one weight: one pass is exact, the second is for digits.
        for _ in range(2):
            columns = columns - np.repeat(columns.reshape(-1, width, columns.shape[1]).mean(axis=1), width, axis=0)
            sums = np.column_stack([np.bincount(moment, weight * column) for column in columns.T])
            columns = columns - (sums / mass[:, None])[moment]
        return columns

    city = np.unique(comparison.city[row], return_inverse=True)[1]
    regression = Cells(
        comparison.outcome[row],
        comparison.controls[row],
        comparison.control_names,
        cells,
        city,
        sweep,
        len(row) // width + len(copies) * (width - 1),
        len(copies) * (width - 1) + 1,
        weight,
    )
    after = np.array([e >= 0 for e in shown])
    contrasts = {None: after / after.sum()} | {e: np.eye(len(shown))[i] for i, e in enumerate(shown)}
    return regression.effects(contrasts)
