"""What one run of an estimator is given: the rows and columns of one specification, chosen before it starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from city_policy.estimation.contract.panel import Panel, Rows
from city_policy.estimation.contract.record import NotIdentifiedError
from city_policy.estimation.contract.specification import Specification

# Squares of ratios of two columns stay within the range of double precision, 1e308.
LARGEST = 1e75


@dataclass(frozen=True)
class Request:
    """One specification with its rows: N rows of the panel, n of them used.

    ``columns``: name -> (N,): the outcome, the treatment and whatever else the estimator needs; ``controls``: name ->
    (N,), those that are not among ``columns``; ``rows``: which of the N are used; ``comparison``: the same for the
    second sample, where there is one; ``counts``: what is counted in the rows, by the names of the record; ``options``:
    what the caller chose (draws, seeds), by name; ``alike``: spec_id -> treatment (N,) of the requests of the same run
    that differ from this one in their treatment only, itself included, in their order; ``memo``: what requests of one
    run computed for one another, which saves time and changes no number.
    """

    specification: Specification
    panel: Panel
    columns: Mapping[str, np.ndarray]
    controls: Mapping[str, np.ndarray]
    rows: Rows
    comparison: Rows | None
    counts: Mapping[str, int]
    options: Mapping[str, Any]
    alike: Mapping[str, np.ndarray] = field(default_factory=dict)
    memo: dict = field(default_factory=dict, compare=False, repr=False)

    @property
    def outcome(self) -> np.ndarray:
        """(n,) the outcome in the rows used."""
        return self.columns[self.specification.outcome][self.rows.used]

    @property
    def treatment(self) -> np.ndarray:
        """(n,) the treatment in the rows used."""
        return self.columns[self.specification.treatment][self.rows.used]

    def control_matrix(self, rows: np.ndarray) -> np.ndarray:
        """The controls in the ``rows``, a mask (N,): (rows, controls), also where there is none."""
        return np.column_stack([np.empty((int(rows.sum()), 0)), *(column[rows] for column in self.controls.values())])

    def within(self, sample: np.ndarray, name: str) -> "Request":
        """This request among the rows of ``sample``, a mask (N,), which messages call ``name``; treated cities are
        counted. Raises NotIdentifiedError if they do not identify anything (see :func:`choose_rows`).
        """
        specification = replace(self.specification, sample=name)
        return choose_rows(self.panel, specification, self.columns, self.controls, self.options, sample=sample)

    def asking(
        self, specification: Specification, columns: Mapping[str, np.ndarray], controls: Mapping[str, np.ndarray]
    ) -> "Request":
        """Another question to the same rows; the treated cities are counted anew.

        Raises NotIdentifiedError if no city is treated.
        """
        counts = {**self.rows.counts, **count_treated_cities(self.panel, specification, self.rows)}
        return replace(self, specification=specification, columns=columns, controls=controls, counts=counts)


def choose_rows(
    panel: Panel,
    specification: Specification,
    columns: Mapping[str, np.ndarray],
    controls: Mapping[str, np.ndarray],
    options: Mapping[str, Any],
    *,
    treated_cities: bool = True,
    comparison: bool = False,
    sample: np.ndarray | None = None,
) -> Request:
    """The request of ``specification`` with the rows that have all ``columns`` and ``controls``, (N,) each.

    ``treated_cities``: whether cities with treatment are counted and there must be one; ``comparison``: whether the
    rows of the comparison sample are chosen too; ``sample``: a mask (N,) in place of the specification's sample.

    Raises InputError for a sample that does not exist, NotIdentifiedError, with the counts that are known, if no row
    can be used or no city is treated.
    """
    needed = {**columns, **controls}
    rows = panel.usable_rows(specification, needed, sample)
    check_sizes(needed, rows)
    other = None
    if comparison:
        # Who compares requires it of a specification.
        assert specification.comparison_sample is not None
        other = panel.usable_rows(replace(specification, sample=specification.comparison_sample), needed)
    counts = dict(rows.counts)
    if treated_cities:
        counts |= count_treated_cities(panel, specification, rows)
    return Request(specification, panel, columns, controls, rows, other, counts, options)


def check_sizes(columns: Mapping[str, np.ndarray], rows: Rows) -> None:
    """Raises NotIdentifiedError for a column (N,) whose values are so large or small that squares overflow."""
    for name, column in columns.items():
        largest = np.abs(column[rows.used]).max()
        if largest > LARGEST or 0 < largest < 1 / LARGEST:
            raise NotIdentifiedError(
                f"{name} holds numbers of the size {largest:.0e}, whose squares cannot be computed with; give it "
                "another unit.",
                rows.counts,
            )


def count_treated_cities(panel: Panel, specification: Specification, rows: Rows) -> dict[str, int]:
    """``n_treated_cities``: the cities whose treatment is 1 in a row used; nothing for a treatment that has other
    values than 0 and 1. Raises NotIdentifiedError if there is no such city.
    """
    treatment = panel.regressor(specification.treatment, specification.lag)[rows.used]
    if not np.isin(treatment, (0.0, 1.0)).all():
        return {}
    counted = {"n_treated_cities": len(np.unique(panel.city[rows.used][treatment == 1.0]))}
    if counted["n_treated_cities"] == 0:
        raise NotIdentifiedError(
            f"No city of the sample '{specification.sample}' is treated by {specification.treatment} in the rows used.",
            {**rows.counts, **counted},
        )
    return counted
