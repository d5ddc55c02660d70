"""The regressions that the scripts run again: what the specifications ask, and what was published for them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from city_policy.estimation.contract.panel import BASE_EFFECTS, Panel
from city_policy.estimation.contract.specification import Specification
from city_policy.publish.dictionary import Table
from city_policy.publish.labels import rows_of

# Result table -> heading of its part of a script.
SECTIONS = {
    "baseline_effects": "Baseline (results.baseline_effects)",
    "event_study": "Event study (results.event_study): the year before the start is the reference, the ends are binned",
    "heterogeneous_effects": "Effects by group (results.heterogeneous_effects)",
}
CONSTANT = "(Intercept)"
REFERENCE = -1
# Names that stand in a script as they are; nothing else ever does.
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

Row = dict[str, Any]


@dataclass(frozen=True)
class Regression:
    """A regression as a script runs it.

    ``terms``: all terms, ``controls`` those that are columns of the panel beside event times; ``effects`` and
    ``cluster``: columns, or several joined by ``^``; ``also_needed``: controls that are collinear and so no terms, but
    choose the rows. ``event_times``, ``first``, ``last`` and ``first_year``: of an event study, the dummies, the event
    times at which the ends are binned, and the column of the first treated year. ``published``: term -> coefficient and
    clustered error (None where there is none).
    """

    spec_id: str
    result: str
    outcome: str
    terms: tuple[str, ...]
    controls: tuple[str, ...]
    sample: str
    effects: tuple[str, ...]
    cluster: str
    also_needed: tuple[str, ...]
    event_times: tuple[int, ...]
    first: int
    last: int
    first_year: str
    n_obs: int
    published: Mapping[str, tuple[float, float | None]]

    @property
    def columns(self) -> set[str]:
        """The columns of the panel that it uses."""
        groups = [part for name in (*self.effects, self.cluster) for part in name.split("^")]
        named = {self.outcome, *self.controls, *self.also_needed, self.sample, self.first_year, *groups}
        return named - {""}


@dataclass(frozen=True)
class LeftOut:
    """A specification that no script runs, and why."""

    spec_id: str
    reason: str


class _Refused(Exception):
    """Why a specification is left out."""


def read_regressions(connection: duckdb.DuckDBPyConnection, panel: Table) -> tuple[list[Regression], list[LeftOut]]:
    """The regressions of ``SECTIONS`` that can be run from the panel alone, and those that cannot."""
    controls = [
        str(row["column_name"])
        for row in rows_of(connection, "intermediate.int_variable_coverage", "position")
        if row["role"] == "control" and row["is_covered"]
    ]
    specifications = rows_of(connection, "intermediate.int_specifications", "spec_id")
    # The published event study says nothing of terms that are collinear.
    dropped = {str(row["spec_id"]): row["dropped_terms"] for row in rows_of(connection, "estimates.est_event_study")}
    reader = _Reader(connection, panel, controls)
    regressions: list[Regression] = []
    left_out: list[LeftOut] = []
    for result in SECTIONS:
        published: dict[str, list[Row]] = {}
        for row in rows_of(connection, f"results.{result}"):
            published.setdefault(str(row["spec_id"]), []).append({"dropped_terms": dropped.get(row["spec_id"])} | row)
        for specification in specifications:
            if specification["result"] != result:
                continue
            spec_id = str(specification["spec_id"])
            try:
                regressions.append(reader.regression(specification, published.get(spec_id, [])))
            except _Refused as reason:
                left_out.append(LeftOut(spec_id, str(reason)))
    return regressions, left_out


class _Reader:
    """Makes regressions of specifications; the panel is read only where fixed effects may contain one another."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, panel: Table, controls: Sequence[str]) -> None:
        self._connection = connection
        self._columns = {column.name for column in panel.columns}
        self._controls = controls
        self._panel: Panel | None = None

    def regression(self, specification: Row, published: Sequence[Row]) -> Regression:
        """The regression of a specification, ``published``: its rows. Raises _Refused with the reason."""
        self._refuse(specification, published)
        outcome, treatment, sample = (str(specification[name]) for name in ("outcome", "treatment", "sample"))
        is_event_study = specification["estimator"] == "event_study"
        ok = [row for row in published if row["status"] == "ok" or row["estimate"] is not None]
        dropped = str(ok[0]["dropped_terms"] or "").split()
        taken = {outcome} if is_event_study else {outcome, treatment}
        asked = dict.fromkeys([*str(specification["extra_controls"] or "").split(), *self._controls])
        others = [name for name in asked if name not in taken]
        controls = [name for name in others if name not in dropped]
        times = sorted({int(row["event_time"]) for row in ok}) if is_event_study else []
        dummies = tuple(time for time in times if time != REFERENCE)
        effects = dict.fromkeys([*BASE_EFFECTS, *str(specification["extra_fixed_effects"] or "").split()])
        regressors = controls if is_event_study else [treatment, *controls]
        one = Regression(
            spec_id=str(specification["spec_id"]),
            result=str(specification["result"]),
            outcome=outcome,
            terms=(*(f"event_time_{time}" for time in dummies), *regressors),
            controls=tuple(regressors),
            sample=sample,
            effects=tuple(effects),
            cluster=str(specification["cluster"] or "adcode"),
            also_needed=tuple(name for name in others if name in dropped),
            event_times=dummies,
            first=times[0] if times else 0,
            last=times[-1] if times else 0,
            first_year=f"{treatment}_first_year" if is_event_study else "",
            n_obs=int(ok[0]["n_obs"]),
            published=_published(ok),
        )
        self._refuse_names(one)
        # The controls of an event study are not published.
        if set(one.published) != set(one.terms[: len(dummies)] if is_event_study else one.terms):
            raise _Refused("its table has other terms than its specification asks for")
        return self._without_redundant_effects(one, Specification.from_row(specification))

    @staticmethod
    def _refuse(specification: Row, published: Sequence[Row]) -> None:
        estimator, variant, lag = (specification[name] for name in ("estimator", "variant", "lag"))
        if estimator not in ("fixed_effects", "event_study"):
            raise _Refused(f"its estimator is {estimator}")
        if variant:
            raise _Refused(f"its policy enters by the variant {variant}")
        if int(lag or 0):
            raise _Refused(f"its treatment is lagged by {lag}")
        if not any(row["estimate"] is not None for row in published):
            raise _Refused("no estimate was published; its table says why")

    def _refuse_names(self, one: Regression) -> None:
        for name in sorted(one.columns):
            if name not in self._columns:
                raise _Refused(f"{name} is no column of the panel")
        for name in (one.spec_id, *sorted(one.columns)):
            if not NAME.fullmatch(name):
                raise _Refused("it has a name with other signs than letters, digits and underscores")

    def _without_redundant_effects(self, one: Regression, specification: Specification) -> Regression:
        """The same without effects that others contain, as years beside province-years; they are not counted."""
        if one.effects == BASE_EFFECTS:
            return one
        # Half a second to import: only for who asks for further effects.
        from city_policy.estimation.computation.regression import AbsorbedEffects

        panel = self._read_panel()
        needed = {name: panel.numbers(name) for name in (one.outcome, *one.controls, *one.also_needed)}
        used = panel.usable_rows(specification, needed).used
        groups = {name: np.unique(panel.groups(name)[used], return_inverse=True)[1] for name in one.effects}
        kept = AbsorbedEffects(list(groups.values())).effects
        names = [name for name, codes in groups.items() if any(codes is other for other in kept)]
        return replace(one, effects=tuple(names))

    def _read_panel(self) -> Panel:
        if self._panel is None:
            frame = self._connection.execute("from marts.fct_study_panel").df()
            self._panel = Panel(frame, pd.DataFrame({"adcode": [], "policy_id": [], "first_treated_year": []}))
        return self._panel


def _published(rows: Iterable[Row]) -> dict[str, tuple[float, float | None]]:
    """Term -> coefficient and clustered error, without the constant and the reference."""
    estimates: dict[str, float] = {}
    errors: dict[str, float | None] = {}
    for row in rows:
        time = row.get("event_time")
        term = str(row["term"]) if "term" in row else f"event_time_{time}"
        if term == CONSTANT or time == REFERENCE or row["estimate"] is None:
            continue
        estimates[term] = float(row["estimate"])
        if row["vcov"] == "CRV1" and row["status"] == "ok" and row["std_error"] is not None:
            errors[term] = float(row["std_error"])
    return {term: (estimate, errors.get(term)) for term, estimate in estimates.items()}
