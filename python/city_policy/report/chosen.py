"""Which regressions and terms a table shows, and what they are called."""

import fnmatch
from collections.abc import Sequence

from city_policy.errors import InputError
from city_policy.report.database import Row
from city_policy.report.kinds.space import term_name
from city_policy.report.kinds.tools import Tools
from city_policy.report.records import CONSTANT, Record, Records, event_time
from city_policy.report.study import Text, same
from city_policy.study.problems import nearest
from city_policy.table_options import GROUPS, TableOptions

# What the effects of a regression are called by the column that makes them.
PLACES = {
    "adcode": Text("城市", "City"),
    "province_code": Text("省份", "Province"),
    "region": Text("地区", "Region"),
    "year": Text("年份", "Year"),
}


class Chosen:
    """What a table shows: the regressions, the terms, and what they are called."""

    def __init__(self, tools: Tools, options: TableOptions, records: Records, columns: Sequence[Record]) -> None:
        self.tools, self.options, self.records, self.columns = tools, options, records, columns
        self.terms = self._chosen_terms()

    def _chosen_terms(self) -> list[str]:
        present = self.records.terms(self.columns)
        # A regression with one effect over all years is told by it; its years are asked for.
        averaged = all(any(event_time(row) is None for row in record.rows) for record in self.columns)
        if not self.options.rows:
            return [term for term in present if not (averaged and self.group(term) == "event_times")]
        chosen: list[str] = []
        for name in self.options.rows:
            found = [
                term for term in present if self.group(term) == name or fnmatch.fnmatchcase(term, self._plain(name))
            ]
            if not found and name not in GROUPS:
                raise InputError(
                    f"{name} is no row of these regressions{nearest(name, [*present, *GROUPS])}; they have "
                    f"{', '.join(present)}, and the groups {', '.join(GROUPS)}."
                )
            chosen += found
        if not chosen:
            raise InputError(
                f"These regressions have none of {', '.join(self.options.rows)}; they have {', '.join(present)}."
            )
        return list(dict.fromkeys(chosen))

    def _plain(self, name: str) -> str:
        """A term as the record names it: a column of the panel is its variable."""
        return CONSTANT if name == "(Intercept)" else self.tools.study.variable(name)

    def group(self, term: str) -> str:
        """The group of a term."""
        return self.records.group(term, self.columns)

    def label(self, term: str) -> Text:
        """What a row is called."""
        if term.startswith("event_time_"):
            time = int(term.removeprefix("event_time_"))
            sign = f"{time:+d}" if time else "0"
            return Text(f"第 {sign} 年", f"Year {sign}")
        rows = (row for record in self.columns for row in record.rows if self.records.term(row) == term)
        row = next(rows)
        if "distance_to_km" in row and row["distance_to_km"] is not None:
            return term_name(row)
        if term.startswith("instrument_"):
            instrument, name = self.tools.row("instrument"), term.removeprefix("instrument_")
            label = same(name) if name.isdecimal() else self.tools.row(self.tools.study.variable(name))
            return Text(f"{instrument.zh}×{label.zh}", f"{instrument.en} × {label.en}")
        return self.tools.row(term)

    def specification(self, record: Record, column: str) -> str:
        """A cell of the specification of a regression, blank where it has none."""
        name = self.tools.study.specification(record.first)
        return str(self.tools.study.specifications.get(name, {}).get(column) or "")

    def place(self, column: str) -> Text:
        """What a column of places or years is called."""
        return PLACES.get(column) or self.tools.row(self.tools.study.variable(column))

    def estimator(self, record: Record) -> Text:
        """The estimator of a regression."""
        return self.tools.study.label("estimator", record.first.get("estimator") or "spillovers")

    def sample(self, record: Record) -> Text:
        """The sample of a regression."""
        return self.tools.sample(record.first["sample"])

    def errors(self, record: Record) -> str:
        """The variance estimator of a column: the one that was chosen, else the only one that it has."""
        has = self.records.methods([record])
        return self.options.errors if self.options.errors in has or not has else has[0]

    def shown(self, record: Record) -> list[Row]:
        """The rows of a regression that stand in the table; all of one that has no estimate."""
        shown = [row for row in record.rows if self.records.term(row) in self.terms]
        return shown or list(record.rows)
