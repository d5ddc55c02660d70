"""Differences in differences of one cohort at a time, averaged: Callaway–Sant'Anna, de Chaisemartin–D'Haultfœuille.

Both compare the change since the year before a start with that of cities not yet treated, and so agree without controls
on a balanced panel. They differ in the controls: Callaway and Sant'Anna regress the change on the controls of the year
before, cell by cell; de Chaisemartin and D'Haultfœuille take off what yearly changes of the controls explain. Their
variances differ too.
"""

import numpy as np

from city_policy.estimation.computation.regression import AbsorbedEffects, independent
from city_policy.estimation.contract.record import NotIdentifiedError
from city_policy.estimation.estimators.staggered.comparison import (
    NEVER,
    REFERENCE,
    Comparison,
    Found,
    effect_row,
    in_order,
)


def callaway_santanna(comparison: Comparison) -> Found:
    """Effects of Callaway and Sant'Anna (2021): ATT(g, t) by outcome regression against cities not yet treated.

    The base is the year before the start for every t. With b of the change on the base year's controls among the cities
    compared, ATT(g, t) is the mean of the change less x'b over cohort g; cells are averaged by the number of cities of
    the cohort, whether or not all are seen in both years. The variance is that of the influence function, the estimated
    shares of the cohorts included; normal distribution.

    diff-diff 3.13 weights by the cities seen in both years instead: on a panel with gaps a cohort then counts for
    less in a year that its cities lack. On balanced panels the numbers are the same.
    """
    size, years = len(comparison.adcodes), len(comparison.years)
    outcome = comparison.wide(comparison.outcome)
    controls = np.stack([np.ones(outcome.shape), *(comparison.wide(x) for x in comparison.controls.T)], axis=2)
    cohort = comparison.cohort
    cells: list[tuple[int, int, float, np.ndarray]] = []
    skipped, without = 0, np.zeros(comparison.controls.shape[1], dtype=int)
    for g in comparison.cohorts:
        base = g - 2
        for t in range(1, years + 1):
            if t == g - 1:
                continue
            change = outcome[:, t - 1] - outcome[:, base]
            seen = np.isfinite(change)
            own = seen & (cohort == g)
            other = seen & ((cohort == NEVER) | (cohort > max(t, g - 1))) & (cohort != g)
            cell = _regression_adjusted(change, controls[:, base], own, other) if own.any() else None
            if cell is None:
                skipped += t >= g
                continue
            without += cell[2]
            cells.append((g, t - g, *cell[:2]))
    if not any(e >= 0 for _, e, _, _ in cells):
        raise NotIdentifiedError("No city treated in these years has a city to be compared with.")
    members = np.array([cohort == g for g, _, _, _ in cells], dtype="float64")
    times = np.array([e for _, e, _, _ in cells])
    effects = np.array([effect for _, _, effect, _ in cells])
    influence = np.array([scores for _, _, _, scores in cells])
    rows = []
    for event_time in [None, *np.unique(times)]:
        own = times >= 0 if event_time is None else times == event_time
        share = members[own].mean(axis=1)
        weight = share / share.sum()
        # The shares are estimated: (1{i in g} - share) / sum - share x sum of (1{i in g} - share) / sum^2.
        spread = (members[own] - share[:, None]) / share.sum()
        of_weights = (spread - weight[:, None] * spread.sum(axis=0)).T @ effects[own] / size
        scores = weight @ influence[own] + of_weights
        time = None if event_time is None else int(event_time)
        rows.append(effect_row(time, weight @ effects[own], np.sqrt(scores @ scores), np.inf, comparison.outcome))
    notes = [f"{skipped} cells of cohort and year have no comparison and are left out."] if skipped else []
    names = comparison.control_names
    notes += [
        f"{names[i]} is collinear among the cities compared in {without[i]} of {len(cells)} cells and left out there."
        for i in range(len(names))
        if 0 < without[i] < len(cells)
    ]
    dropped = [name for name, count in zip(names, without, strict=True) if count == len(cells)]
    return Found(in_order(rows, reference=True), notes, dropped)


def _regression_adjusted(change, controls, own, other):
    """The effect of one cell, every city's influence on it, (G,), and which controls are left out as collinear, (k,);
    None where the controls do not allow it.

    ``change``: (G,); ``controls``: (G, 1 + k) of the base year; ``own``, ``other``: masks (G,).
    """
    x = controls[other]
    if not other.any():
        return None
    kept, basis = independent(x, np.linalg.norm(x, axis=0))
    if other.sum() <= kept.sum():
        return None
    # In the coordinates of the basis: x = basis R, so that b = R^-1 basis'change.
    triangle = basis.T @ x[:, kept]
    mean = controls[own].mean(axis=0)
    at_mean = np.linalg.solve(triangle.T, mean[kept])
    # What the cities compared do not vary in must not differ here either.
    rest = mean - at_mean @ (basis.T @ x)
    if np.abs(rest).max() > 1e-8:
        return None
    explained = basis @ (basis.T @ change[other])
    untreated = at_mean @ (basis.T @ change[other])
    effect = change[own].mean() - untreated
    coordinates = np.linalg.solve(triangle.T, controls[own][:, kept].T).T
    residual = change[own] - coordinates @ (basis.T @ change[other])
    scores = np.zeros(len(change))
    scores[own] = (residual - effect) / own.sum()
    scores[other] = -(change[other] - explained) * (basis @ at_mean)
    return float(effect), scores, ~kept[1:]


def chaisemartin_dhaultfoeuille(comparison: Comparison) -> Found:
    """Effects of de Chaisemartin and D'Haultfœuille (2024, Review of Economics and Statistics).

    For a treatment that stays once it has started.

    DID_l compares the change of a switcher from the year before its start, F - 1, to F - 1 + l with that of the
    cities not yet treated at F - 1 + l; switchers count alike. Event time is l - 1; DID_M of their 2020 paper is that
    of event time 0. The placebos go back l years from F - 1, with the same comparison. The average effect is the mean
    of DID_l by switchers. Controls: what their yearly changes explain, with year effects, of the changes of cities
    not yet treated is taken off.

    With DID = sum over cities of U_i the variance is the sum of (U_i - mean of its cohort)^2 with the factor n / (n -
    1) of a cohort of n; cohorts of one city are centred together, a single one not at all, which makes the error
    larger. City and year effects are taken off before: where cities lack years, the years' effects would pass for
    differences within a cohort. What the estimated slopes of the controls add is part of U_i. t distribution with G - 1
    degrees of freedom. (The overall error of diff-diff 3.13 is 43 % too small, and it has none of the other parts
    alone.)
    """
    places = np.unique(comparison.year, return_inverse=True)[1]
    free = AbsorbedEffects([comparison.city, places]).sweep(comparison.outcome[:, None])
    outcome = comparison.wide(free[:, 0])
    controls = np.empty((comparison.controls.shape[1], *outcome.shape))
    for k, column in enumerate(comparison.controls.T):
        controls[k] = comparison.wide(column)
    kept, slopes, of_slopes = _slopes_of_changes(comparison, outcome, controls)
    adjusted = outcome - np.einsum("k,kit->it", slopes, controls[kept])
    times = sorted({t - g for g in comparison.cohorts for t in range(1, len(comparison.years) + 1)} - {REFERENCE})
    found: dict[int, tuple[int, np.ndarray, np.ndarray]] = {}
    for event_time in times:
        switchers, weights = _weights_of_changes(comparison, outcome, event_time)
        if switchers:
            found[event_time] = (switchers, weights, (weights * np.where(weights, adjusted, 0.0)).sum(axis=1))
    if not any(e >= 0 for e in found):
        raise NotIdentifiedError("No city treated in these years has a city to be compared with.")
    after = {e: part for e, part in found.items() if e >= 0}
    total = sum(switchers for switchers, _, _ in after.values())
    parts: dict[int | None, tuple[np.ndarray, np.ndarray]] = {
        None: (
            np.sum([n / total * weights for n, weights, _ in after.values()], axis=0),
            np.sum([n / total * sums for n, _, sums in after.values()], axis=0),
        )
    }
    for e, (_, weights, sums) in found.items():
        parts[e] = weights, sums
    rows = []
    for time, (weights, sums) in parts.items():
        of_controls = np.einsum("it,kit->k", weights, np.where(weights, controls[kept], 0.0))
        scores = _centred(sums, comparison.cohort) - of_slopes @ of_controls
        rows.append(effect_row(time, sums.sum(), np.sqrt(scores @ scores), len(sums) - 1, comparison.outcome))
    dropped = [name for name, fine in zip(comparison.control_names, kept, strict=True) if not fine]
    return Found(in_order(rows, reference=True), dropped=dropped)


def _weights_of_changes(comparison, outcome, event_time):
    """How many switchers have the event time and something to be compared with, and the weights (G, T) of DID_l."""
    cohort, years = comparison.cohort, outcome.shape[1]
    seen = np.isfinite(outcome)
    pairs = []
    for g in comparison.cohorts:
        t, until = g + event_time, g + (event_time if event_time >= 0 else -2 - event_time)
        if not 1 <= t <= years or until > years:
            continue
        both = seen[:, t - 1] & seen[:, g - 2]
        own, other = both & (cohort == g), both & ((cohort == NEVER) | (cohort > until))
        if own.any() and other.any():
            pairs.append((g, t, own, other))
    switchers = sum(int(own.sum()) for _, _, own, _ in pairs)
    weights = np.zeros(outcome.shape)
    for g, t, own, other in pairs:
        change = own / switchers - other * (own.sum() / switchers / other.sum())
        weights[:, t - 1] += change
        weights[:, g - 2] -= change
    return switchers, weights


def _slopes_of_changes(comparison, outcome, controls):
    """Which controls vary, their slopes (k,), and every city's influence on these, (G, k)."""
    started = np.where(comparison.cohort == NEVER, outcome.shape[1] + 1, comparison.cohort)
    free = started[:, None] > np.arange(2, outcome.shape[1] + 1)
    change = np.diff(outcome, axis=1)
    rows = free & np.isfinite(change)
    city, year = np.nonzero(rows)
    count = len(controls)
    if not count or not len(city):
        return np.zeros(count, dtype=bool), np.empty(0), np.empty((len(outcome), 0))
    columns = np.column_stack([change[rows], *(np.diff(x, axis=1)[rows] for x in controls)])
    sizes = np.linalg.norm(columns, axis=0)
    counts = np.bincount(year, minlength=outcome.shape[1])
    for _ in range(2):
        means = np.column_stack([np.bincount(year, x, minlength=outcome.shape[1]) for x in columns.T])
        columns = columns - (means / np.maximum(counts, 1)[:, None])[year]
    kept, basis = independent(columns[:, 1:], sizes[1:])
    used = columns[:, 1:][:, kept]
    if len(city) <= kept.sum() + len(np.unique(year)):
        raise NotIdentifiedError(
            f"{len(city)} changes of cities not yet treated cannot determine the slopes of {kept.sum()} controls."
        )
    triangle = basis.T @ used
    slopes = np.linalg.solve(triangle, basis.T @ columns[:, 0])
    residual = columns[:, 0] - used @ slopes
    scores = np.linalg.solve(triangle, (basis * residual[:, None]).T).T
    influence = np.zeros((len(outcome), scores.shape[1]))
    np.add.at(influence, city, scores)
    return kept, slopes, influence


def _centred(sums, cohort):
    """The sums of the cities, (G,), less the mean of their cohort, brought to the size of the cohort's spread."""
    sizes = np.bincount(cohort)[cohort]
    # Nobody knows the spread within a cohort of one: those are centred on each other.
    group = np.where(sizes == 1, -1, cohort)
    result = sums.astype("float64").copy()
    for one in np.unique(group):
        own = group == one
        n = own.sum()
        if n > 1:
            result[own] = (sums[own] - sums[own].mean()) * np.sqrt(n / (n - 1))
    return result
