"""What the kinds of tables are built with: names, columns, and rows that several of them share."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from city_policy.report.cells import YES, Cell, Panel, TableRow, plain
from city_policy.report.database import Database, Row
from city_policy.report.estimates import Estimates, coefficients
from city_policy.report.messages import both_languages
from city_policy.report.notes import Said, notes_of_messages
from city_policy.report.study import Study, Text

Headings = tuple[tuple[Text, int], ...]
NOTHING = Text("", "")
# Beside clustered t values, by label and method; Webb's weights are those for few cities too.
RESAMPLED = (("wild_bootstrap_p", "wild_webb"), ("randomisation_p", "randomisation"))
_in_parentheses = re.compile(r"\s*[(\uff08][^()\uff08\uff09]*[)\uff09]$")


@dataclass(frozen=True)
class Draft:
    """The content of a table. ``spec_ids``: the regressions whose messages stand below it; ``is_starred_by_t``: whether
    its stars go by the t values in parentheses.
    """

    panels: Sequence[Panel]
    sources: Sequence[str]
    notes: Sequence[Text] = ()
    spec_ids: Sequence[object] = ()
    is_starred_by_t: bool = True


class Tools:
    """The database, the words of its study, its estimates and the published numbers."""

    def __init__(self, database: Database, study: Study) -> None:
        self.database = database
        self.study = study
        self._position = {name: place for place, name in enumerate(study.specifications)}

    @cached_property
    def estimates(self) -> Estimates:
        """The coefficients of all regressions."""
        return Estimates(coefficients(self.database, self.study, "spec_id, vcov, term"))

    @cached_property
    def _inference(self) -> dict[tuple[object, object], Row]:
        """What resampling says of the effects, by specification and method."""
        rows = self.database.rows("results.robust_inference", "spec_id, method")
        return {(row["spec_id"], row["method"]): row for row in rows}

    @cached_property
    def published(self) -> dict[tuple[object, object, object], float]:
        """Published numbers by kind, panel and subject."""
        return {
            (row["kind"], row["panel"], row["subject"]): row["published_value"]
            for row in self.database.rows("replication.replication_scorecard", "check_id")
        }

    # -- words ---------------------------------------------------------------------------------------------------

    def note(self, message: object) -> Text:
        """A note of the warehouse with names in place of identifiers."""
        return both_languages(str(message), self.study.identifiers)

    def notes(self, rows: Iterable[Row]) -> list[Text]:
        """The messages of the rows of a table as notes below it; a sentence of some rows says which."""
        said = (Said(str(row["message"] or ""), self._about(row)) for row in rows)
        return notes_of_messages(said, self.study.identifiers)

    def _about(self, row: Row) -> tuple[Text, ...]:
        """What tells a row of a table from others: its specification, outcome, sample and policy."""
        name = self.study.specification(row)
        panel = self.study.specifications.get(name, {}).get("panel") or row.get("panel")
        title = (
            (self.study.labelled("panel", panel) if panel else None)
            or self.study.labelled("panel", name)
            or self.study.labelled("specification", name)
            or (self.study.label("estimator", row["estimator"]) if row.get("estimator") else NOTHING)
        )
        outcome = self.row(row.get("paper_outcome") or self.study.variable(row.get("outcome")))
        policy = row.get("treatment") or "none"
        return (
            _shortened(title),
            outcome,
            self.sample(row.get("sample") or ""),
            NOTHING if policy == "none" else self.study.short(policy),
        )

    def heading(self, key: str) -> Text:
        """The heading of a column that many studies have."""
        return self.study.label("heading", key)

    def row(self, key: object) -> Text:
        """The label of a row: a variable, a policy or a statistic."""
        return self.study.label("row", key)

    def sample(self, sample: object) -> Text:
        """What a column over a sample is called."""
        return self.study.label("column", sample)

    def specification_title(self, row: Row) -> Text | None:
        """What the specification of an estimate is: the label of its panel, else of itself, else its description."""
        name = self.study.specification(row)
        panel = self.study.specifications.get(name, {}).get("panel") or row.get("panel")
        return (
            (self.study.labelled("panel", panel) if panel else None)
            or self.study.labelled("panel", name)
            or self.study.specification_label(name)
        )

    # -- the order of columns ------------------------------------------------------------------------------------

    def position(self, row: Row) -> int:
        """The place of an estimate's specification in the study."""
        return self._position.get(self.study.specification(row), len(self._position))

    def in_policy_order(self, rows: Iterable[Row]) -> list[Row]:
        """The policies in the order of the study, and of one policy the specifications in theirs."""
        order = {policy: number for number, policy in enumerate(self.study.policies)}
        return sorted(rows, key=lambda row: (order.get(str(row["treatment"]), len(order)), self.position(row)))

    def by_outcome(self, rows: Iterable[Row]) -> list[Row]:
        """The study's outcome first, its specifications one after the other, and within one the policies."""
        place = {variable: number for number, variable in enumerate(self.study.column_of)}
        return sorted(
            self.in_policy_order(rows),
            key=lambda row: (
                row["paper_outcome"] != self.study.outcome,
                place.get(str(row["paper_outcome"]), len(place)),
                self.position(row),
            ),
        )

    # -- parts of panels -----------------------------------------------------------------------------------------

    def terms(self, rows: Iterable[Row], *others: str) -> list[str]:
        """The policies of the study, what else is a treatment here, and ``others``."""
        treatments = [str(row["paper_treatment"]) for row in rows if row["paper_treatment"] != "none"]
        return list(dict.fromkeys([*self.study.policies, *treatments, *others]))

    def outcome_headings(self, rows: Sequence[Row], samples: bool = True) -> list[Headings]:
        """The outcome of every column, and above it the specification and the sample where they tell columns apart."""
        lines = [tuple((self.row(row["paper_outcome"]), 1) for row in rows)]
        over = tuple((self.sample(row["sample"]), 1) for row in rows)
        if samples and len(set(over)) > 1:
            lines.insert(0, over)
        regressed = [(row["paper_outcome"], row["sample"], row["treatment"]) for row in rows]
        if len(set(regressed)) < len(regressed):
            titles = [self.specification_title(row) or self.row(row["treatment"]) for row in rows]
            lines.insert(0, merged(titles))
        return lines

    def effects(self, n_columns: int, controls: bool) -> list[TableRow]:
        """The rows that say what is controlled for."""
        names = (["controls"] if controls and self.study.controls else []) + ["city_effects", "year_effects"]
        return [TableRow(self.row(name), (Cell(words=YES),) * n_columns) for name in names]

    def panel(
        self,
        title: Text | None,
        spec_ids: Sequence[object],
        terms: Sequence[str],
        headings: Sequence[Headings],
        extra: Sequence[TableRow] = (),
    ) -> Panel:
        """One column per specification, one row per term, then ``extra`` rows, observations and R2."""
        rows = [TableRow(self.row(term), tuple(self.estimates.cell(spec, term) for spec in spec_ids)) for term in terms]
        rows = [row for row in rows if any(cell != Cell() for cell in row.cells)]
        if rows:
            resampled = [self._resampled(label, method, spec_ids) for label, method in RESAMPLED]
            rows += [row for row in (*resampled, *extra) if any(cell != Cell() for cell in row.cells)]
            rows.append(TableRow(self.row("n_obs"), tuple(self.estimates.count(spec) for spec in spec_ids)))
            r2 = tuple(self.estimates.r2(spec) for spec in spec_ids)
            rows.append(TableRow(self.row("r2"), r2))
        return Panel(title, self.heading("variable"), tuple(headings), tuple(rows))

    def _resampled(self, label: str, method: str, spec_ids: Sequence[object]) -> TableRow:
        """The p values of the effects by a method that stays right with few treated cities."""
        cells = []
        for spec_id in spec_ids:
            row = self._inference.get((spec_id, method))
            cells.append(p_cell(row["p_value"]) if row is not None else Cell())
        return TableRow(self.row(label), tuple(cells))

    def published_plain(
        self, value: float | None, kind: str, panel: object, subject: object, decimals: int = 4
    ) -> Cell:
        """A number without t value beside the published one, which is found by kind, panel and subject."""
        return plain(value, self.published.get((kind, panel, subject)), decimals)


def p_cell(p_value: float | None) -> Cell:
    """A p value, with as many digits as ten thousand draws tell; a missing one is nothing."""
    return Cell() if p_value is None else Cell(p_value, 4)


def _shortened(title: Text) -> Text:
    """A title as a note refers to it: the letter of its panel, else without what stands in parentheses."""
    zh, en = (re.match(r"Panel \w+(?=[:\uff1a])", words) for words in (title.zh, title.en))
    if zh and en:
        return Text(zh[0], en[0])
    return Text(_in_parentheses.sub("", title.zh), _in_parentheses.sub("", title.en))


def merged(titles: Sequence[Text]) -> Headings:
    """Headings of single columns, equal neighbours as one."""
    spans: list[tuple[Text, int]] = []
    for title in titles:
        if spans and spans[-1][0] == title:
            spans[-1] = (title, spans[-1][1] + 1)
        else:
            spans.append((title, 1))
    return tuple(spans)
