"""The one way to run an estimator: read the specifications, choose the rows, estimate, and say what went wrong.

An estimator is a pure function of a :class:`~city_policy.estimation.contract.request.Request`. It returns, for each of
its tables, rows as dictionaries by the table's columns. A row may leave out whatever the specification says, what the
runner counted and ``status`` (``ok``); its own sentences stand under ``notes``. It raises the two expected errors and
filters no row.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from city_policy.estimation.contract.memory import remembered
from city_policy.estimation.contract.panel import Panel
from city_policy.estimation.contract.record import (
    EXPECTED_ERRORS,
    RECORD_COLUMNS,
    VARIANCE_ESTIMATORS,
    NotIdentifiedError,
    cast_to_schema,
)
from city_policy.estimation.contract.request import Request, choose_rows
from city_policy.estimation.contract.specification import OPTIONAL_CELLS, Specification, read_specifications

Columns = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Table:
    """A table that an estimator fills.

    ``columns``: column -> pandas dtype. ``each``: a column and its values: a specification that cannot be run has a row
    for each of them; None: one row. (A table without a ``status`` has none.) ``says_coverage``: whether its messages
    name the controls that the input does not cover.
    """

    columns: Mapping[str, str]
    each: tuple[str, Sequence[str]] | None = None
    says_coverage: bool = True


RECORD = Table(RECORD_COLUMNS, ("vcov", VARIANCE_ESTIMATORS))


def regression_columns(
    panel: Panel, specification: Specification, controls: Sequence[str], options: Mapping[str, Any]
) -> tuple[Columns, Columns]:
    """Name -> column (N,) of outcome and treatment, and of the controls; raises InputError for what does not exist."""
    columns = panel.variables(specification)
    return columns, panel.controls(specification, controls, columns)


@dataclass(frozen=True)
class Estimator:
    """What the runner must know of an estimator.

    ``tables``: by name, the tables that it fills; ``estimate``: the function of a request; ``columns``: what a row must
    have to be used, and a check that the estimator offers what the specification asks (as
    :func:`regression_columns`); ``label``: cells of every row that the specification and the options give, beside
    those that bear the name of a cell of the specification; ``absent``: what a column stands for that the
    specifications lack; ``required``: cells that may not be blank here; ``treated_cities``: whether a city must be
    treated; ``comparison``: whether there is a second sample.
    """

    tables: Mapping[str, Table]
    estimate: Callable[[Request], Mapping[str, Iterable[Mapping[str, Any]]]]
    columns: Callable[[Panel, Specification, Sequence[str], Mapping[str, Any]], tuple[Columns, Columns]] = (
        regression_columns
    )
    label: Callable[[Specification, Mapping[str, Any]], Mapping[str, Any]] = lambda specification, options: {}
    absent: Mapping[str, str | None] = field(default_factory=lambda: OPTIONAL_CELLS)
    required: Sequence[str] = ()
    treated_cities: bool = False
    comparison: bool = False


@dataclass(frozen=True)
class Refusal:
    """A specification without a request, and the expected error that says why."""

    specification: Specification
    problem: Exception


def run(
    estimator: Estimator,
    panel: Panel,
    specifications: pd.DataFrame | Iterable[Specification],
    controls: Sequence[str] = (),
    controls_not_covered: Sequence[str] = (),
    **options: Any,
) -> tuple[pd.DataFrame, ...]:
    """The tables of ``estimator``, with rows for every specification, in their order.

    ``controls``: columns that every specification has beside its own; ``controls_not_covered``: names that the study
    lists but the input does not cover; ``options``: what the estimator lets one choose.

    A specification that cannot be run has rows with a status, ``not_identified`` (the data cannot tell) or ``failed``
    (it names what does not exist), and a message. Raises InputError for specifications that are unusable as a whole.
    Any other exception is a mistake of the program and is not caught.
    """
    asked = read_specifications(specifications, estimator.absent, estimator.required)
    requests = make_requests(estimator, panel, asked, controls, options)
    return answer(estimator, requests, controls_not_covered, options)


def make_requests(
    estimator: Estimator,
    panel: Panel,
    specifications: Iterable[Specification],
    controls: Sequence[str],
    options: Mapping[str, Any],
) -> list[Request | Refusal]:
    """A request for every specification, or what is wrong with it."""
    requests: list[Request | Refusal] = []
    for specification in specifications:
        try:
            columns, others = estimator.columns(panel, specification, controls, options)
            request = choose_rows(
                panel,
                specification,
                columns,
                others,
                options,
                treated_cities=estimator.treated_cities,
                comparison=estimator.comparison,
            )
        except EXPECTED_ERRORS as problem:
            requests.append(Refusal(specification, problem))
        else:
            requests.append(request)
    return _acquaint(requests)


def _acquaint(requests):
    """The requests with those that are alike, and a memo that all share."""
    alike: dict = {}
    for request in requests:
        if isinstance(request, Request):
            alike.setdefault(_key(request), {})[request.specification.spec_id] = request.columns.get(
                request.specification.treatment
            )
    memo: dict = {}
    return [
        replace(request, alike=MappingProxyType(alike[_key(request)]), memo=memo)
        if isinstance(request, Request)
        else request
        for request in requests
    ]


def _key(request):
    """What requests have in common that differ in their treatment only."""
    one = request.specification
    samples = [rows and (rows.eligible.tobytes(), rows.used.tobytes()) for rows in (request.rows, request.comparison)]
    return (one.outcome, one.sample, one.comparison_sample, one.extra_fixed_effects, *request.controls, *samples)


def answer(
    estimator: Estimator,
    requests: Iterable[Request | Refusal],
    controls_not_covered: Sequence[str] = (),
    options: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[pd.DataFrame, ...]:
    """The tables of ``estimator`` for ``requests``; see :func:`run`."""
    coverage = [f"Controls not covered by this input: {', '.join(controls_not_covered)}."] * bool(controls_not_covered)
    rows: dict[str, list] = {name: [] for name in estimator.tables}
    for request in requests:
        counts: Mapping[str, Any] = {}
        try:
            if isinstance(request, Refusal):
                raise request.problem
            counts = request.counts
            estimated = remembered(estimator.estimate, request)
        except EXPECTED_ERRORS as problem:
            status = "not_identified" if isinstance(problem, NotIdentifiedError) else "failed"
            failure = {"status": status, "notes": [str(problem)]}
            counts = {**counts, **getattr(problem, "counts", {})}
            estimated = {name: _for_each(table, failure) for name, table in estimator.tables.items()}
        for name, table in estimator.tables.items():
            base = _cells(estimator, table, request.specification, counts, options)
            sentences = coverage if table.says_coverage else []
            rows[name] += [_complete(table, base, row, sentences) for row in estimated[name]]
    return tuple(cast_to_schema(pd.DataFrame(rows[name]), table.columns) for name, table in estimator.tables.items())


def _for_each(table, failure):
    """The rows of a table for a specification that cannot be run."""
    if "status" not in table.columns:
        return []
    if table.each is None:
        return [failure]
    column, values = table.each
    return [failure | {column: value} for value in values]


def _cells(estimator, table, specification, counts, options):
    """What every row of a specification has in a table, unless it says otherwise."""
    known = vars(specification) | {"term": specification.treatment} | counts
    known |= estimator.label(specification, options)
    return {name: value for name, value in known.items() if name in table.columns}


def _complete(table, base, row, sentences):
    """A row with what the runner adds: cells of the specification, counts, status and message."""
    row = {**base, **row}
    notes = [*row.pop("notes", ()), *sentences]
    if "status" in table.columns:
        row = {"status": "ok", **row, "message": " ".join(notes) or None}
    return row
