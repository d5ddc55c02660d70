"""The estimate records of a build by specification: what may be a column of a table of regressions."""

import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from city_policy.errors import InputError
from city_policy.report.cells import CLUSTERED, Cell, Statistic
from city_policy.report.database import Row
from city_policy.report.estimates import Estimates
from city_policy.report.kinds.tools import Tools
from city_policy.study.problems import nearest

# The tables whose rows are coefficients of a specification.
TABLES = (
    "results.regression_coefficients",
    "estimates.est_event_study",
    "estimates.est_staggered",
    "results.spatial_spillovers",
)
# Results of specifications whose rows are no coefficients.
OTHER_TABLES = (
    "results.placebo_test",
    "results.bacon_decomposition",
    "results.group_differences",
    "results.parallel_trends_sensitivity",
    "results.specification_curve",
)
FIRST_STAGE = "first_stage"
CONSTANT = "constant"
# Which groups of terms stand in which order.
ORDER = ("treatments", "event_times", "others", "controls", "constant")
# Some estimators call the variance clustered by city, which is their only one, by another name.
VARIANCES = {"cluster": CLUSTERED}


@dataclass(frozen=True)
class Record:
    """One regression: a column of a table. ``key``: its spec_id, and after a colon the first stage of two.

    ``rows``: its rows of the estimate record, one per term and variance estimator.
    """

    key: str
    rows: tuple[Row, ...]
    source: str

    @property
    def first(self) -> Row:
        """A row with what the whole regression has."""
        return self.rows[0]

    @cached_property
    def variances(self) -> tuple[str, ...]:
        """The variance estimators that it has."""
        found = (_variance(row) for row in self.rows if row["estimate"] is not None)
        return tuple(dict.fromkeys(found))


def _variance(row: Row) -> str:
    return VARIANCES.get(str(row["vcov"]), str(row["vcov"]))


def event_time(row: Row) -> int | None:
    """The event time of a row; none for other terms."""
    return row.get("event_time")


class Records:
    """Every regression of a build, found by spec_id, by the name of its specification, or by a pattern."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._found: dict[str, Record] = {}
        for table in TABLES:
            grouped: dict[str, list[Row]] = {}
            for row in tools.database.rows(table, "spec_id, vcov, term"):
                stage = f":{FIRST_STAGE}" if row.get("panel") == FIRST_STAGE else ""
                grouped.setdefault(f"{row['spec_id']}{stage}", []).append(row)
            self._found |= {key: Record(key, tuple(rows), table) for key, rows in grouped.items()}
        self._inference: dict[tuple[object, object], list[Row]] = {}
        for row in tools.database.rows("results.robust_inference", "spec_id, term, method"):
            self._inference.setdefault((row["spec_id"], row["term"]), []).append(row)

    def select(self, wanted: Sequence[str]) -> list[Record]:
        """The regressions that ``wanted`` names, each once, in that order; a pattern's in the order of the study.

        Raises InputError with the nearest names for what names none.
        """
        found: dict[str, Record] = {}
        for name in wanted:
            matched = self._matching(name)
            if not matched:
                raise InputError(self._unknown(name))
            found |= {record.key: record for record in matched if record.key not in found}
        return list(found.values())

    def _matching(self, name: str) -> list[Record]:
        if name in self._found:
            return [self._found[name]]
        pattern, _, stage = name.partition(":")
        study = self._tools.study
        keys = [
            key
            for key, record in self._found.items()
            if (FIRST_STAGE if ":" in key else "") == stage
            and (fnmatch.fnmatchcase(key.partition(":")[0], pattern) or study.specification(record.first) == pattern)
        ]
        order = {policy: place for place, policy in enumerate(study.policies)}
        return sorted(
            (self._found[key] for key in keys),
            key=lambda record: (
                self._tools.position(record.first),
                order.get(str(record.first["treatment"]), len(order)),
                record.key,
            ),
        )

    def _unknown(self, name: str) -> str:
        if not self._found:
            return "This build has no regressions; build a study with specifications first."
        for table in OTHER_TABLES:
            if any(row["spec_id"] == name for row in self._tools.database.rows(table, "spec_id")):
                return (
                    f"{name} is a specification of {table.partition('.')[2]}, which has no coefficients to stand in "
                    "columns; city-policy report prints it."
                )
        hint = nearest(name, [*self._found, *self._names()])
        return (
            f"{name} is no specification of this build{hint}; the column spec_id of results.regression_coefficients "
            "lists them, and * stands for any letters."
        )

    def _names(self) -> set[str]:
        return {self._tools.study.specification(record.first) for record in self._found.values()}

    # -- what a regression says ----------------------------------------------------------------------------------

    def term(self, row: Row) -> str:
        """The name of a term: a variable, an event time, or the constant."""
        if (time := event_time(row)) is not None:
            return f"event_time_{time}"
        return CONSTANT if row["term"] == "(Intercept)" else self._tools.study.variable(row["term"])

    def group(self, term: str, records: Iterable[Record]) -> str:
        """The group of a term among ``ORDER``; a control that is treated somewhere is a treatment."""
        study = self._tools.study
        treatments = {str(record.first["treatment"]) for record in records}
        if term in study.policies or term in treatments:
            return "treatments"
        if term.startswith("event_time_"):
            return "event_times"
        if term == CONSTANT:
            return "constant"
        return "controls" if term in study.controls else "others"

    def terms(self, records: Sequence[Record]) -> list[str]:
        """The terms of some regressions: treatments, event times, others, controls, the constant."""
        found = dict.fromkeys(self.term(row) for record in records for row in record.rows)
        policies = {
            name: place for place, name in enumerate([*self._tools.study.policies, *self._tools.study.controls])
        }
        times = {self.term(row): event_time(row) or 0 for record in records for row in record.rows}
        seen = {term: place for place, term in enumerate(found)}
        return sorted(
            found,
            key=lambda term: (
                ORDER.index(self.group(term, records)),
                times[term],
                policies.get(term, len(policies)),
                seen[term],
            ),
        )

    def cell(self, record: Record, term: str, estimates: Estimates, decimals: int) -> Cell:
        """A coefficient with its statistics under every variance estimator; empty where the regression lacks it."""
        rows = [row for row in record.rows if self.term(row) == term]
        if not rows:
            return Cell()
        row = rows[0]
        statistics = {_variance(found): _statistic(found) for found in rows if found["std_error"] is not None}
        for found in self._inference.get((record.key, row["term"]), []):
            statistics.setdefault(str(found["method"]), _statistic(found))
        return Cell(
            value=row["estimate"],
            decimals=decimals,
            statistics=statistics,
            published=estimates.cell(row["spec_id"], term).published,
            missing=row["estimate"] is None,
        )

    def methods(self, records: Sequence[Record]) -> list[str]:
        """The variance estimators and ways of inference that any of the regressions has."""
        keys = {record.key for record in records}
        found = [variance for record in records for variance in record.variances]
        for (spec_id, _), rows in self._inference.items():
            found += [str(row["method"]) for row in rows if spec_id in keys]
        return list(dict.fromkeys(found))


def _statistic(row: Row) -> Statistic:
    low, high = row["ci_low"], row["ci_high"]
    interval = None if low is None or high is None else (float(low), float(high))
    return Statistic(row["t_stat"], row["p_value"], row["std_error"], interval)
