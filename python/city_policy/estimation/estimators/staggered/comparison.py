"""What the estimators of staggered policies share: the rows, least squares with many cells, and rows of the record.

Cities have the codes 0 ... G - 1 and years the places 1 ... T among the years used, so that the number before a start
is the year before it also where the years have gaps. A cohort is the place where its cities start, ``NEVER`` for
none.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from city_policy.estimation.computation.regression import cluster_sums, independent, t_inference
from city_policy.estimation.contract.record import NotIdentifiedError

NEVER = 0
REFERENCE = -1
# A combination of cells counts as not identified if more than this share of it lies where the data say nothing.
UNKNOWN_SHARE = 1e-6
# A direction of the cells whose length falls below this share of them is explained by the fixed effects and controls.
EXPLAINED_SHARE = 1e-9
ROUNDING = 1e-13


@dataclass(frozen=True)
class Comparison:
    """The rows of one request that can be compared, n of them in order of city and year.

    ``city``: codes, (n,); ``year``: places, (n,); ``first``: the cohort of the row's city, (n,); ``outcome``: (n,);
    ``controls``: (n, k), each with mean 0 and standard deviation 1; ``control_names``: (k,); ``years``: the years
    that the places stand for, (T,); ``adcodes``: the cities that the codes stand for, (G,); ``policy``: the
    treatment's name.
    """

    city: np.ndarray
    year: np.ndarray
    first: np.ndarray
    outcome: np.ndarray
    controls: np.ndarray
    control_names: Sequence[str]
    years: np.ndarray
    adcodes: np.ndarray
    policy: str

    @property
    def treated(self) -> np.ndarray:
        """(n,) whether the row's city has started."""
        return (self.first > NEVER) & (self.year >= self.first)

    @property
    def cohort(self) -> np.ndarray:
        """(G,) the cohort of every city."""
        return self.first[np.unique(self.city, return_index=True)[1]]

    @property
    def cohorts(self) -> list[int]:
        """The cohorts that start, in order."""
        return [int(g) for g in np.unique(self.first) if g != NEVER]

    def keep(self, rows: np.ndarray, first: np.ndarray | None = None) -> "Comparison":
        """The ``rows``, a mask (n,), with the cohorts ``first`` (n,) where they change; the places stay."""
        first = self.first if first is None else first
        codes = np.unique(self.city[rows])
        return Comparison(
            np.searchsorted(codes, self.city[rows]),
            self.year[rows],
            first[rows],
            self.outcome[rows],
            self.controls[rows],
            self.control_names,
            self.years,
            self.adcodes[codes],
            self.policy,
        )

    def wide(self, column: np.ndarray) -> np.ndarray:
        """``column`` (n,) as (G, T), NaN where the city has no row."""
        table = np.full((len(self.adcodes), len(self.years)), np.nan)
        table[self.city, self.year - 1] = column
        return table

    def calendar(self, place: int) -> int:
        """The year that a place stands for."""
        return int(self.years[place - 1])


@dataclass(frozen=True)
class Found:
    """The rows of the record, what a reader should know, and the controls that were left out as collinear."""

    effects: Sequence[Mapping]
    notes: Sequence[str] = ()
    dropped: Sequence[str] = field(default=())


def effect_row(event_time: int | None, estimate: float, error: float, degrees: float, outcome: np.ndarray) -> dict:
    """A row of the record. An error that is rounding beside the ``outcome`` is left out: the fit has no residuals."""
    if not error > ROUNDING * np.abs(outcome).max():
        return {"event_time": event_time, "estimate": float(estimate)}
    row = {"event_time": event_time, **t_inference(float(estimate), float(error), degrees)}
    return {name: value if name == "event_time" else _number(value) for name, value in row.items()}


def reference_row() -> dict:
    """The year before the start, which the others are measured from."""
    return {"event_time": REFERENCE, "estimate": 0.0}


def _number(value):
    return None if value is None else float(value)


@dataclass(frozen=True)
class Cells:
    """A regression of the outcome on cells, dummies of treated city-years, beside fixed effects and controls.

    ``outcome``: (n,); ``controls``: (n, k); ``cells``: (n, m); ``cluster``: codes of the cities, (n,); ``sweep``: takes
    a matrix (n, p) and gives it with the fixed effects projected out; ``rank``: of the fixed effects; ``counted``: the
    parameters of those that are not nested in the cities, the constant among them; ``weights``: (n,), positive.
    """

    outcome: np.ndarray
    controls: np.ndarray
    control_names: Sequence[str]
    cells: np.ndarray
    cluster: np.ndarray
    sweep: Callable[[np.ndarray], np.ndarray]
    rank: int
    counted: int
    weights: np.ndarray | None = None

    def effects(self, contrasts: Mapping[int | None, np.ndarray]) -> Found:
        """The identified ones of the ``contrasts``, event time -> weights of the cells (m,), with clustered errors.

        After Frisch, Waugh and Lovell fixed effects and controls are projected out of outcome and cells first; the
        cells' singular values then say which contrasts c'b the data determine. With c'b = h'y and residuals e::

            variance = G / (G - 1) (n - 1) / (n - K) sum over cities of (sum over its rows of h e)^2

        K counts the cells, the controls and ``counted``; t distribution with G - 1 degrees of freedom. Raises
        NotIdentifiedError if the rows cannot determine the terms or there is one city.
        """
        n, root = len(self.outcome), np.ones(len(self.outcome))
        if self.weights is not None:
            root = np.sqrt(self.weights)
        columns = np.column_stack([self.outcome, self.controls, self.cells])
        swept = self.sweep(columns) * root[:, None]
        sizes = np.linalg.norm(columns * root[:, None], axis=0)
        k = self.controls.shape[1]
        outcome, controls, cells = swept[:, 0], swept[:, 1 : 1 + k], swept[:, 1 + k :]
        kept, basis = independent(controls, sizes[1 : 1 + k])
        for _ in range(2):
            outcome = outcome - basis @ (basis.T @ outcome)
            cells = cells - basis @ (basis.T @ cells)
        scale = np.where(sizes[1 + k :] > 0, sizes[1 + k :], 1.0)
        left, values, right = np.linalg.svd(cells / scale, full_matrices=False)
        solid = values > EXPLAINED_SHARE
        left, values, right = left[:, solid], values[solid], right[solid]
        terms = int(solid.sum() + kept.sum())
        clusters = int(self.cluster.max()) + 1
        if n - terms - self.rank <= 0:
            raise NotIdentifiedError(f"{n} rows cannot determine {terms} terms beside {self.rank} fixed effects.")
        if clusters == 1:
            raise NotIdentifiedError("The rows used hold one city, so there is no clustered error.")
        residual = outcome - left @ (left.T @ outcome)
        factor = clusters / (clusters - 1) * (n - 1) / (n - terms - self.counted)
        rows = []
        for event_time, contrast in contrasts.items():
            wanted = contrast / scale
            inside = right @ wanted
            missing = np.linalg.norm(wanted - right.T @ inside)
            if missing > UNKNOWN_SHARE * np.linalg.norm(wanted):
                continue
            h = left @ (inside / values)
            scores = cluster_sums((h * residual)[:, None], self.cluster)[:, 0]
            rows.append(
                effect_row(event_time, h @ outcome, np.sqrt(factor * (scores @ scores)), clusters - 1, self.outcome)
            )
        dropped = [name for name, fine in zip(self.control_names, kept, strict=True) if not fine]
        return Found(rows, dropped=dropped)


def means_of_cells(members: np.ndarray, event_times: np.ndarray, post: np.ndarray) -> dict[int | None, np.ndarray]:
    """Contrasts of cells: the average over the treated rows, and one for every event time.

    ``members``: rows of every cell, (m,); ``event_times``: (m,); ``post``: cells after the start, (m,). A mean weights
    cells by their rows.
    """
    contrasts: dict[int | None, np.ndarray] = {None: np.where(post, members, 0.0) / members[post].sum()}
    for e in np.unique(event_times):
        own = event_times == e
        contrasts[int(e)] = np.where(own, members, 0.0) / members[own].sum()
    return contrasts


def in_order(effects: Sequence[Mapping], *, reference: bool) -> list[Mapping]:
    """The average first, then event times in order, the reference among them.

    Raises NotIdentifiedError if the average is not among the ``effects``.
    """
    average = [row for row in effects if row["event_time"] is None]
    if not average:
        raise NotIdentifiedError("No city treated in these years has a city to be compared with.")
    by_time = [row for row in effects if row["event_time"] is not None]
    if reference and not any(row["event_time"] == REFERENCE for row in by_time):
        by_time.append(reference_row())
    return [*average, *sorted(by_time, key=lambda row: row["event_time"])]


def common_window(comparison: Comparison, controls: Callable[[int, int], int]) -> tuple[list[int], int]:
    """The cohorts that are observed long enough, and the last event time of their window.

    The last event time is that with most treated city-years: the sum over the cohorts that reach it of cities times
    years. A cohort takes part if it has a year before its start, reaches the last event time and has controls:
    ``controls(cohort, last)`` counts them. Of equals the longer window.
    """
    sizes = {g: int((comparison.cohort == g).sum()) for g in comparison.cohorts if g > 1}
    best: tuple[int, int, list[int]] = (0, 0, [])
    for last in range(len(comparison.years)):
        cohorts = [g for g in sizes if g + last <= len(comparison.years) and controls(g, last) > 0]
        best = max(best, (sum(sizes[g] for g in cohorts) * (last + 1), last, cohorts))
    if not best[2]:
        raise NotIdentifiedError("No city treated in these years has a city to be compared with.")
    return best[2], best[1]
