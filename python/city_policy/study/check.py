"""Everything that is wrong with a study folder, told at once, before anything is built.

:func:`check_study` reads a folder, never writes to it, and returns the study as the models read it: every file with all
its columns, places resolved to codes, defaults filled in and the measures that expressions need.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb

from city_policy.study.contract import (
    CHOICES,
    COMPUTED_MEASURES,
    DESCRIBED_COLUMNS,
    ESTIMATORS_OF_RESULTS,
    IDENTIFIERS,
    StudyFile,
    study_files,
)
from city_policy.study.expressions import Checker, Expression, ExpressionError
from city_policy.study.panel import Panel, PanelFile, find_cities, read_panel_file
from city_policy.study.places import PlaceError, Places
from city_policy.study.problems import Problem, nearest, refuse
from city_policy.study.reading import Row, read_folder

IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,62}")
MOST_POLICIES = 6
# No programme of the reform era is older; an earlier year is a slip of the pen.
FIRST_POLICY_YEAR = 1978
SAMPLE_FULL = "sample_full"


@dataclass(frozen=True)
class CheckedStudy:
    """A study without mistakes. ``tables``: file -> rows, all columns as text; ``panel``: None on a yearbook."""

    folder: Path
    study_id: str
    title_zh: str
    title_en: str
    tables: Mapping[str, list[dict[str, str]]]
    files: Mapping[str, StudyFile]
    panel: Panel | None

    @property
    def is_published(self) -> bool:
        """Whether it brings published numbers to be compared with."""
        return any(rows for name, rows in self.tables.items() if name.startswith("published_"))


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of one of the project's own seeds."""
    with open(path, encoding="utf-8-sig", newline="") as handle:
        return list(csv.DictReader(handle))


def check_study(folder: Path, project: Path, panel: Path | None = None) -> CheckedStudy:
    """The study in ``folder``. ``project``: the checkout; ``panel``: a file that takes the place of the yearbook.

    Raises InputError with a sentence per mistake, or with one about the panel's file.
    """
    return _Check(folder, project, panel).run()


class _Check:
    """One pass over a folder; problems are collected, each check goes as far as it can."""

    def __init__(self, folder: Path, project: Path, panel: Path | None) -> None:
        self.folder = folder
        self.seeds = project / "seeds"
        self.files = study_files(project)
        self.places = Places(self.seeds)
        self.panel_file: PanelFile | None = read_panel_file(panel) if panel else None
        self.panel: Panel | None = None
        self.rows, self.problems = read_folder(folder, self.files)
        self.keys = {row["key"]: row for row in read_rows(self.seeds / "mapping" / "study_keys.csv")}
        self.settings: dict[str, str] = {}
        self.columns: dict[str, Expression | None] = {}

    def tell(self, file: str, row: Row | int, column: str, sentence: str) -> None:
        """Note a mistake."""
        number = row if isinstance(row, int) else row.number
        self.problems.append(Problem(f"{file}.csv", number, column, sentence))

    def run(self) -> CheckedStudy:
        """All checks, or InputError."""
        if self.problems and not self.rows:
            refuse(self.folder, self.problems)
        self._settings()
        if self.panel_file:
            self.panel = find_cities(
                self.panel_file, self.places, self.settings["panel_city"], self.settings["panel_year"]
            )
        self._cells()
        self._policies()
        units = self._units()
        if any(row["computed_by"] == "coupling" for row in self.rows["indicators"]) != bool(
            self.rows["coupling_components"]
        ):
            self.tell(
                "coupling_components",
                0,
                "",
                "an indicator that is computed by coupling and the components that it is made of belong "
                "together; add the "
                "one that is missing.",
            )
        self._indicators()
        needed = self._variables()
        self._samples()
        self._specifications()
        self._tables()
        self._expectations()
        refuse(self.folder, self.problems)
        return self._checked(units, needed)

    # ------------------------------------------------------------------------------------------ cells of any file

    def _cells(self) -> None:
        """Names, choices and texts of every file."""
        reserved = reserved_words()
        for name, rows in self.rows.items():
            for row in rows:
                for column, text in row.cells.items():
                    if not text:
                        continue
                    self._text(name, row, column, text)
                    if (name, column) in CHOICES and text not in CHOICES[name, column]:
                        known = CHOICES[name, column]
                        self.tell(
                            name,
                            row,
                            column,
                            f"found '{text}', expected one of {', '.join(known)}{nearest(text, known)}; correct it.",
                        )
                    if (name, column) in IDENTIFIERS and not IDENTIFIER.fullmatch(text):
                        self.tell(
                            name,
                            row,
                            column,
                            f"found '{text}', expected a name of small letters, digits and underscores that "
                            f"begins with a "
                            "letter; rename it.",
                        )
                    elif (name, column) in IDENTIFIERS and text in reserved and name != "study":
                        self.tell(name, row, column, f"found '{text}', a word that SQL keeps for itself; rename it.")
                    kind = self.files[name].columns[column]
                    if kind in ("integer", "double") and not _is_number(text, whole=kind == "integer"):
                        expected = "a whole number" if kind == "integer" else "a number"
                        self.tell(name, row, column, f"found '{text}', expected {expected}; correct it.")

    def _text(self, name: str, row: Row, column: str, text: str) -> None:
        """Texts reach pages, LaTeX and spreadsheets: what is a command there is refused here."""
        if column in ("expression", "condition", "arguments"):
            return
        if any(ord(letter) < 32 or ord(letter) == 127 for letter in text):
            self.tell(
                name, row, column, "found a line break or control character, expected one line of text; remove it."
            )
        elif re.search(r"<[/!a-zA-Z]", text):
            self.tell(name, row, column, f"found '{text}', expected text without HTML; remove the mark-up.")
        elif re.search(r"\\[a-zA-Z]", text):
            self.tell(name, row, column, f"found '{text}', expected text without LaTeX commands; remove the command.")
        elif re.match(r"[=+@].|-\D", text) and not _is_number(text):
            self.tell(
                name,
                row,
                column,
                f"found '{text}', which a spreadsheet takes for a formula; begin with a letter.",
            )

    # ------------------------------------------------------------------------------------------ study.csv

    def _settings(self) -> None:
        given = {row["key"]: row for row in self.rows["study"]}
        for row in self.rows["study"]:
            if row["key"] and row["key"] not in self.keys:
                self.tell(
                    "study",
                    row,
                    "key",
                    f"found '{row['key']}', expected one of the keys of "
                    f"docs/settings.md{nearest(row['key'], self.keys)}; "
                    "correct it.",
                )
        for key, rule in self.keys.items():
            found = given.get(key)
            value = (found["value"] if found else "") or rule["default_value"]
            self.settings[key] = value
            if found is not None and value:
                self._setting(found, key, value, rule)
        for key in ("id", "title_zh", "title_en"):
            if not self.settings[key]:
                at = given.get(key)
                self.tell(
                    "study",
                    at.number if at else 0,
                    "value" if at else "",
                    f"the key {key} has no value, expected {self.keys[key]['description'].lower()}; add it.",
                )
        for low, high in (("study_first_year", "study_last_year"), ("first_year", "last_year")):
            if (
                self.settings[low].isdigit()
                and self.settings[high].isdigit()
                and self.settings[low] > self.settings[high]
            ):
                self.tell(
                    "study",
                    given[high],
                    "value",
                    f"{low} is {self.settings[low]} and {high} is {self.settings[high]}, expected the first "
                    f"before the last; "
                    "swap them.",
                )

    def _setting(self, row: Row, key: str, value: str, rule: Mapping[str, str]) -> None:
        kind = rule["type"]
        expected = ""
        if kind == "identifier" and not IDENTIFIER.fullmatch(value):
            expected = "a name of small letters, digits and underscores that begins with a letter"
        elif kind == "year" and not re.fullmatch(r"\d{4}", value):
            expected = "a year of four digits or nothing"
        elif kind in ("number", "whole") and not _is_number(value, whole=kind == "whole"):
            expected = "a whole number" if kind == "whole" else "a number"
        elif kind in ("number", "whole", "year") and not (
            float(rule["minimum"] or "-inf") <= float(value) <= float(rule["maximum"] or "inf")
        ):
            expected = f"a value from {rule['minimum']} to {rule['maximum']}"
        elif kind == "choice" and value not in rule["choices"].split():
            expected = f"one of {', '.join(rule['choices'].split())}{nearest(value, rule['choices'].split())}"
        elif kind == "list" and (unknown := [word for word in value.split() if word not in rule["choices"].split()]):
            expected = f"words among {', '.join(rule['choices'].split())} and not {unknown[0]}"
        elif key == "population_basis" and value not in ("auto", *self._population_series()):
            expected = f"auto or one of {', '.join(self._population_series())}"
        elif key == "index_name" and not IDENTIFIER.fullmatch(value):
            expected = "a name of small letters, digits and underscores that begins with a letter"
        elif key == "cluster" and not all(IDENTIFIER.fullmatch(word) for word in value.split()):
            expected = "one or two columns of the panel, separated by a blank"
        if expected:
            self.tell("study", row, "value", f"{key} is '{value}', expected {expected}; correct it.")

    def _population_series(self) -> list[str]:
        rows = read_rows(self.seeds / "mapping" / "measures.csv")
        return [row["series"] for row in rows if row["measure"] == "population"]

    # ------------------------------------------------------------------------------------------ policies and units

    @property
    def _policy_ids(self) -> dict[str, Row]:
        return {row["policy_id"]: row for row in self.rows["policies"]}

    def _policies(self) -> None:
        lists = {row["list_id"] for row in read_rows(self.seeds / "policy" / "pilot_lists.csv")}
        policies = self._policy_ids
        own = {row["policy_id"] for row in self.rows["pilot_units"]}
        studied = [row for row in self.rows["policies"] if row["role"] == "study"]
        if not 1 <= len(studied) <= MOST_POLICIES and self.files:
            self.tell(
                "policies",
                0,
                "",
                f"found {len(studied)} policies with the role study, expected one to {MOST_POLICIES}; the others "
                f"take the "
                "role other.",
            )
        for name in ("name_zh", "name_en"):
            seen: dict[str, Row] = {}
            for row in self.rows["policies"]:
                if row[name] and row[name] in seen:
                    self.tell(
                        "policies",
                        row,
                        name,
                        f"found '{row[name]}' as in row {seen[row[name]].number}, expected a name of its own; "
                        f"rename one.",
                    )
                seen.setdefault(row[name], row)
        panel_columns = {name.lower() for name in self.panel.frame.columns} if self.panel else set()
        for row in self.rows["policies"]:
            policy, kind = row["policy_id"], row["kind"]
            if policy in DESCRIBED_COLUMNS or f"{policy}_first_year" in DESCRIBED_COLUMNS:
                self.tell("policies", row, "policy_id", f"found '{policy}', a column of every panel; rename it.")
            if kind != "derived" and row["components"]:
                self.tell(
                    "policies", row, "components", "only a derived policy has components; clear it or change the kind."
                )
            if kind != "listed" and row["list_id"]:
                self.tell("policies", row, "list_id", "only a listed policy has a list; clear it or change the kind.")
            if kind != "column" and row["panel_column"]:
                self.tell(
                    "policies",
                    row,
                    "panel_column",
                    "only a policy of the kind column has one; clear it or change the kind.",
                )
            if kind == "listed":
                if row["list_id"] and row["list_id"] not in lists:
                    self.tell(
                        "policies",
                        row,
                        "list_id",
                        f"found '{row['list_id']}', expected a list of seeds/policy/pilot_lists.csv"
                        f"{nearest(row['list_id'], lists)}; correct it, or clear it and write pilot_units.csv.",
                    )
                elif row["list_id"] and policy in own:
                    self.tell(
                        "policies",
                        row,
                        "list_id",
                        f"found the list {row['list_id']} here and units of {policy} in pilot_units.csv, expected "
                        f"one of "
                        "them; clear the list or delete the units.",
                    )
                elif not row["list_id"] and policy not in own:
                    self.tell(
                        "policies",
                        row,
                        "policy_id",
                        f"nobody is treated by {policy}: found no list and no row of pilot_units.csv; name a list "
                        f"or add "
                        "its units.",
                    )
            elif kind == "derived":
                self._components(row, policies)
            elif kind == "column":
                self._policy_column(row, panel_columns)
                if policy in own:
                    self.tell(
                        "policies",
                        row,
                        "kind",
                        f"found the kind column here and units of {policy} in pilot_units.csv, expected one of "
                        f"them; delete "
                        "the units or take the kind listed.",
                    )

    def _components(self, row: Row, policies: Mapping[str, Row]) -> None:
        components = row["components"].split()
        if len(components) < 2 or len(set(components)) != len(components):
            self.tell(
                "policies",
                row,
                "components",
                f"found '{row['components']}', expected two or more different policies, separated by blanks; add them.",
            )
        for component in components:
            if component == row["policy_id"]:
                self.tell("policies", row, "components", f"{component} is made of itself; name other policies.")
            elif component not in policies:
                self.tell(
                    "policies",
                    row,
                    "components",
                    f"found '{component}', expected policies of this file{nearest(component, policies)}; correct it.",
                )
            elif policies[component]["kind"] == "derived":
                self.tell(
                    "policies",
                    row,
                    "components",
                    f"{component} is derived itself, expected policies that are listed or a column; name those.",
                )

    def _policy_column(self, row: Row, panel_columns: Iterable[str]) -> None:
        column = row["panel_column"]
        if self.panel is None:
            self.tell(
                "policies",
                row,
                "kind",
                "found column, which needs a panel of its own; build with --panel, or list the units.",
            )
        elif not column or column.lower() not in panel_columns:
            self.tell(
                "policies",
                row,
                "panel_column",
                f"found '{column}', expected a column of the panel{nearest(column, panel_columns)}; correct it.",
            )

    def _units(self) -> list[dict[str, str]]:
        """The units of the study with their codes, provinces expanded, and the starts that columns of the panel say."""
        last = self.settings.get("study_last_year", "")
        last_year = int(last) if last.isdigit() else 2100
        units: list[dict[str, str]] = []
        provinces: list[tuple[Row, str]] = []
        named: dict[str, set[str]] = {}
        for row in self.rows["pilot_units"]:
            if row["policy_id"] not in self._policy_ids:
                self.tell(
                    "pilot_units",
                    row,
                    "policy_id",
                    f"found '{row['policy_id']}', expected a policy of policies.csv"
                    f"{nearest(row['policy_id'], self._policy_ids)}; correct it.",
                )
            elif self._policy_ids[row["policy_id"]]["kind"] == "derived":
                self.tell(
                    "pilot_units",
                    row,
                    "policy_id",
                    f"'{row['policy_id']}' is derived from other policies and takes no units; remove the row.",
                )
            year = row["start_year"]
            if not re.fullmatch(r"\d{4}", year) or not FIRST_POLICY_YEAR <= int(year) <= last_year:
                self.tell(
                    "pilot_units",
                    row,
                    "start_year",
                    f"found '{year}', expected a year from {FIRST_POLICY_YEAR} to {last_year}; correct it, or change "
                    "study_last_year in study.csv.",
                )
                continue
            province = self.places.province(row["adcode"] or row["unit"])
            if province:
                provinces.append((row, province))
                continue
            try:
                city = self.places.city(row["adcode"] or row["unit"], int(year))
            except PlaceError as problem:
                column = "adcode" if row["adcode"] else "unit"
                self.tell("pilot_units", row, column, f"found '{row[column]}', {problem}.")
                continue
            if row["adcode"]:
                self._code_against_name(row, city.adcode, int(year))
            named.setdefault(row["policy_id"], set()).add(city.adcode)
            units.append(dict(row.cells) | {"adcode": city.adcode, "city_name_zh": city.name_zh})
        for row, province in provinces:
            # A province stands for its cities unless the list names the city itself.
            for city in self.places.cities_of(province):
                if city.adcode not in named.get(row["policy_id"], set()):
                    units.append(dict(row.cells) | {"adcode": city.adcode, "city_name_zh": city.name_zh})
        return units + self._units_of_columns()

    def _code_against_name(self, row: Row, adcode: str, year: int) -> None:
        try:
            meant = self.places.city(row["unit"], year)
        except PlaceError:
            return
        if meant.adcode != adcode:
            self.tell(
                "pilot_units",
                row,
                "adcode",
                f"the code {row['adcode']} is {self.places.cities[adcode].name_zh} and the unit is {row['unit']} "
                f"({meant.adcode}), expected one city; correct the one that is wrong.",
            )

    def _units_of_columns(self) -> list[dict[str, str]]:
        """A city starts in the first year in which the column of a policy is 1, and stays treated."""
        units: list[dict[str, str]] = []
        for row in self.rows["policies"]:
            if row["kind"] != "column" or self.panel is None:
                continue
            by_lower = {name.lower(): name for name in self.panel.frame.columns}
            name = by_lower.get(row["panel_column"].lower())
            if name is None:
                continue
            frame = self.panel.frame[["adcode", "year", "panel_row", name]].rename(columns={name: "value"})
            values = frame["value"].dropna()
            broken = ~values.isin([0, 1])
            if broken.any():
                at = frame.loc[broken.index[broken.to_numpy()][0]]
                self.tell(
                    "policies",
                    row,
                    "panel_column",
                    f"row {at['panel_row']} of the panel holds {at['value']} in {name}, expected 0 or 1; declare "
                    f"the column as "
                    "a variable with the role treatment instead.",
                )
                continue
            known = frame.dropna(subset=["value"])
            start = known[known["value"] == 1].groupby("adcode")["year"].min()
            ended = known[(known["value"] == 0) & (known["year"] > known["adcode"].map(start))]
            if len(ended):
                one = ended.iloc[0]
                self.tell(
                    "policies",
                    row,
                    "panel_column",
                    f"{name} is 1 in {self.places.cities[one['adcode']].name_zh} from {start[one['adcode']]} on "
                    f"and 0 again in "
                    f"{one['year']} (row {one['panel_row']} of the panel), expected a start without an end; "
                    f"declare the "
                    "column as a variable with the role treatment instead.",
                )
                continue
            units += [
                dict.fromkeys(self.files["pilot_units"].columns, "")
                | {
                    "policy_id": row["policy_id"],
                    "unit": self.places.cities[code].name_zh,
                    "adcode": code,
                    "city_name_zh": self.places.cities[code].name_zh,
                    "start_year": str(year),
                    "confidence": "A",
                    "source": f"first year in which {name} is 1",
                }
                for code, year in start.items()
            ]
        return units

    # ------------------------------------------------------------------------------------------ index and variables

    def _indicators(self) -> None:
        measures = self._measures()
        dimension_names: dict[str, tuple[str, str]] = {}
        for row in self.rows["indicators"]:
            if self.panel:
                self.tell(
                    "indicators",
                    row,
                    "indicator",
                    "an index needs the measures of a yearbook, and this study has a panel of its own; delete "
                    "the file.",
                )
                break
            needed = {"ratio": ("numerator", "denominator"), "level": ("numerator",)}.get(row["computed_by"], ())
            for column in needed:
                self._measure("indicators", row, column, measures)
            names = (row["dimension_zh"], row["dimension_en"])
            if dimension_names.setdefault(row["dimension"], names) != names:
                self.tell(
                    "indicators",
                    row,
                    "dimension",
                    f"the dimension {row['dimension']} is called {' / '.join(names)} here and "
                    f"{' / '.join(dimension_names[row['dimension']])} above, expected one name; correct it.",
                )
        for row in self.rows["coupling_components"]:
            for column in ("numerator", "denominator"):
                self._measure("coupling_components", row, column, measures)

    def _measures(self) -> list[str]:
        series = [row["series"] for row in read_rows(self.seeds / "mapping" / "series.csv")]
        chosen = [row["measure"] for row in read_rows(self.seeds / "mapping" / "measures.csv")]
        return [*dict.fromkeys([*chosen, *series, "real_gdp", "real_investment"])]

    def _measure(self, file: str, row: Row, column: str, measures: Iterable[str]) -> None:
        if row[column] not in measures:
            self.tell(
                file,
                row,
                column,
                f"found '{row[column]}', expected a measure or a series of "
                f"marts.dim_series{nearest(row[column], measures)}; "
                "correct it.",
            )

    def _input_columns(self) -> dict[str, str]:
        """What expressions may name beside each other: name -> DuckDB type."""
        columns = dict(DESCRIBED_COLUMNS)
        for row in self.rows["policies"]:
            if row["role"] == "study" and IDENTIFIER.fullmatch(row["policy_id"]):
                columns |= {row["policy_id"]: "integer", f"{row['policy_id']}_first_year": "integer"}
        if self.rows["indicators"]:
            columns["index_value"] = "double"
            prefix = self.settings["index_name"]
            columns |= {f"{prefix}_{row['dimension']}": "double" for row in self.rows["indicators"]}
        if self.panel:
            taken = {name.lower() for name in self.panel.frame.columns}
            own = {name: kind for name, kind in self.panel.types().items()}
            return (
                {name: kind for name, kind in columns.items() if name not in taken}
                | own
                | {name: columns[name] for name in ("adcode", "year")}
            )
        measures = dict.fromkeys(self._measures(), "double")
        return measures | dict.fromkeys(COMPUTED_MEASURES, "double") | columns

    def _variables(self) -> dict[str, str]:
        """Checks the variables; variable -> the measures that its expression needs, separated by blanks."""
        needed: dict[str, str] = {}
        policies = self._policy_ids
        measures = set(self._measures())
        seen: dict[str, Row] = {}
        with Checker(self._input_columns(), self.settings) as checker:
            found: dict[str, str] = {}
            for row in self.rows["variables"]:
                column = (row["column_name"] or row["variable"]).lower()
                if column in seen:
                    self.tell(
                        "variables",
                        row,
                        "column_name",
                        f"found '{column}' as in row {seen[column].number}, expected a column of its own; rename it.",
                    )
                seen.setdefault(column, row)
                if row["variable"] in policies or column in policies:
                    if row["expression"]:
                        self.tell(
                            "variables",
                            row,
                            "expression",
                            f"{row['variable']} is a policy, whose list says who is treated; clear the expression.",
                        )
                    if row["role"] != "treatment":
                        self.tell(
                            "variables", row, "role", f"{row['variable']} is a policy, expected the role treatment."
                        )
                    continue
                if column in DESCRIBED_COLUMNS or column.removesuffix("_first_year") in policies:
                    self.tell("variables", row, "column_name", f"found '{column}', a column of every panel; rename it.")
                expression = self._expression(
                    "variables", row, "expression", row["expression"] or row["variable"], checker
                )
                self.columns[column] = expression
                if expression is None:
                    continue
                if row["role"] not in ("group", "measure") and not expression.is_number:
                    self.tell(
                        "variables",
                        row,
                        "expression",
                        f"its value is {expression.type.lower()}, expected a number for the role {row['role']}; "
                        f"correct it.",
                    )
                found[column] = expression.type
                needed[row["variable"]] = " ".join(self._needed(expression, measures))
                if row["required_measures"] and set(row["required_measures"].split()) != set(
                    needed[row["variable"]].split()
                ):
                    self.tell(
                        "variables",
                        row,
                        "required_measures",
                        f"found '{row['required_measures']}', expected '{needed[row['variable']]}', which the "
                        f"expression "
                        "names; correct it or leave the cell blank.",
                    )
            checker.add(found)
            self._conditions(checker)
        if not any(row["role"] == "outcome" for row in self.rows["variables"]):
            self.tell("variables", 0, "", "found no variable with the role outcome, expected one or more; add it.")
        return needed

    def _needed(self, expression: Expression, measures: set[str]) -> list[str]:
        if self.panel:
            return []
        names: list[str] = []
        for name in sorted(expression.names):
            if name in COMPUTED_MEASURES:
                names += COMPUTED_MEASURES[name]
            elif name in measures:
                names.append(name)
        return list(dict.fromkeys(names))

    def _expression(self, file: str, row: Row, column: str, text: str, checker: Checker) -> Expression | None:
        try:
            return checker.check(text)
        except ExpressionError as problem:
            self.tell(file, row, column, f"found '{text}': {problem}.")
            return None

    def _conditions(self, checker: Checker) -> None:
        measures = set(self._measures()) | set(COMPUTED_MEASURES)
        for row in self.rows["samples"]:
            expression = self._expression("samples", row, "condition", row["condition"], checker)
            if expression is None:
                continue
            if not expression.is_condition:
                self.tell(
                    "samples",
                    row,
                    "condition",
                    f"its value is {expression.type.lower()}, expected true or false; write a comparison.",
                )
            unnamed = sorted(
                name
                for name in expression.names & measures
                if name not in self.columns and name not in DESCRIBED_COLUMNS
            )
            if unnamed and not self.panel:
                self.tell(
                    "samples",
                    row,
                    "condition",
                    f"{unnamed[0]} is a measure of the yearbook; make it a variable with the role measure first, "
                    f"so that its "
                    "coverage is known.",
                )

    def _samples(self) -> None:
        taken = set(self.columns) | set(DESCRIBED_COLUMNS) | set(self._policy_ids)
        for row in self.rows["samples"]:
            if row["sample"].lower() in taken:
                self.tell("samples", row, "sample", f"found '{row['sample']}', another column of the panel; rename it.")
            if row["sample"] == SAMPLE_FULL and row["condition"].lower() != "true":
                self.tell(
                    "samples",
                    row,
                    "condition",
                    f"found '{row['condition']}', expected true: {SAMPLE_FULL} is the whole sample of the study; "
                    f"rename the "
                    "sample.",
                )

    # ------------------------------------------------------------------------------------------ specifications

    def _specifications(self) -> None:
        samples = {row["sample"] for row in self.rows["samples"]} | {SAMPLE_FULL}
        policies = self._policy_ids
        studied = [row["policy_id"] for row in self.rows["policies"] if row["role"] == "study"]
        columns = {**self.columns, **dict.fromkeys(policies), **dict.fromkeys(DESCRIBED_COLUMNS)}
        roles = {(row["column_name"] or row["variable"]).lower(): row["role"] for row in self.rows["variables"]}
        spec_ids: dict[str, Row] = {}
        if not self.rows["specifications"] and not any(
            problem.file == "specifications.csv" for problem in self.problems
        ):
            self.tell("specifications", 0, "", "found no rows, expected one per regression; add them.")
        for row in self.rows["specifications"]:
            names = studied if row["treatment"] == "each" else [""]
            for policy in names:
                spec_id = f"{row['specification']}_{policy}" if policy else row["specification"]
                if spec_id in spec_ids:
                    self.tell(
                        "specifications",
                        row,
                        "specification",
                        f"the regression {spec_id} is that of row {spec_ids[spec_id].number} too; rename one.",
                    )
                spec_ids[spec_id] = row
            self._specification(row, samples, columns, roles)

    def _specification(
        self, row: Row, samples: set[str], columns: Mapping[str, Expression | None], roles: Mapping[str, str]
    ) -> None:
        policies = self._policy_ids
        result, estimator = row["result"], row["estimator"]
        if result not in ESTIMATORS_OF_RESULTS:
            self.tell(
                "specifications",
                row,
                "result",
                f"found '{result}', expected one of "
                f"{', '.join(ESTIMATORS_OF_RESULTS)}{nearest(result, ESTIMATORS_OF_RESULTS)}; "
                "correct it.",
            )
        elif estimator in CHOICES["specifications", "estimator"] and estimator not in ESTIMATORS_OF_RESULTS[result]:
            self.tell(
                "specifications",
                row,
                "estimator",
                f"found '{estimator}' for {result}, expected {' or '.join(ESTIMATORS_OF_RESULTS[result])}; "
                f"correct one of them.",
            )
        for column in ("sample", "comparison_sample"):
            if row[column] and row[column] not in samples:
                self.tell(
                    "specifications",
                    row,
                    column,
                    f"found '{row[column]}', expected a sample of samples.csv{nearest(row[column], samples)}; "
                    f"correct it.",
                )
        if row["outcome"].lower() not in roles:
            self.tell(
                "specifications",
                row,
                "outcome",
                f"found '{row['outcome']}', expected a variable of variables.csv{nearest(row['outcome'], roles)}; "
                f"correct it.",
            )
        needs_policy = estimator in (
            "event_study",
            "placebo",
            "bacon",
            "imputation",
            "callaway_santanna",
            "sun_abraham",
        )
        if row["treatment"] != "each" and row["treatment"] not in policies:
            if needs_policy:
                self.tell(
                    "specifications",
                    row,
                    "treatment",
                    f"found '{row['treatment']}', expected each or a policy of policies.csv, because {estimator} "
                    f"needs the year "
                    f"of the start{nearest(row['treatment'], policies)}; correct it.",
                )
            elif row["treatment"].lower() not in columns:
                self.tell(
                    "specifications",
                    row,
                    "treatment",
                    f"found '{row['treatment']}', expected each, a policy or a variable"
                    f"{nearest(row['treatment'], columns)}; correct it.",
                )
        named = [(column, name) for column in ("extra_controls", "mediator") for name in row[column].split()]
        named += [
            ("extra_fixed_effects", name) for word in row["extra_fixed_effects"].split() for name in word.split("^")
        ]
        named += [("cluster", name) for name in row["cluster"].split()]
        words: list[str] = []
        if estimator == "instrumental_variable":
            words = re.split(r"[ :]+", row["variant"])
            named += [("variant", name) for name in words if name and name != "year"]
        for column, name in named:
            if name.lower() not in columns:
                self.tell(
                    "specifications",
                    row,
                    column,
                    f"found '{name}', expected a policy or a variable{nearest(name, columns)}; correct it.",
                )
        controls = {name for name, role in roles.items() if role == "control"}
        for column in ("outcome", "treatment", "mediator", "extra_controls"):
            for name in row[column].split():
                if name.lower() in controls:
                    self.tell(
                        "specifications",
                        row,
                        column,
                        f"found '{name}', which is a control of every regression; give it another role in "
                        f"variables.csv or "
                        "name another variable.",
                    )
        if estimator == "instrumental_variable" and (both := [name for name in words if name.lower() in controls]):
            self.tell(
                "specifications",
                row,
                "variant",
                f"found '{both[0]}', which is a control of every regression and so no instrument; give it the "
                f"role instrument.",
            )
        if row["outcome"] and row["outcome"] in (row["treatment"], row["mediator"], *row["extra_controls"].split()):
            self.tell(
                "specifications",
                row,
                "outcome",
                f"found '{row['outcome']}' on both sides of the regression, expected different variables; correct it.",
            )
        requirements = {
            "mediation": ("mediator", "the variable through which the effect runs"),
            "group_difference": ("comparison_sample", "the second sample"),
            "instrumental_variable": ("variant", "the instruments, separated by blanks"),
        }
        if estimator in requirements and not row[requirements[estimator][0]]:
            column, what = requirements[estimator]
            self.tell("specifications", row, column, f"found nothing, expected {what} for {estimator}; fill the cell.")
        if estimator == "matching" and row["variant"] not in ("", "common_support", "matched"):
            self.tell(
                "specifications",
                row,
                "variant",
                f"found '{row['variant']}', expected common_support or matched; correct it.",
            )
        if row["lag"].lstrip("-").isdigit() and not 0 <= int(row["lag"]) <= 30:
            self.tell("specifications", row, "lag", f"found '{row['lag']}', expected years from 0 to 30; correct it.")
        if len(row["cluster"].split()) > 2:
            self.tell(
                "specifications", row, "cluster", f"found '{row['cluster']}', expected one or two columns; shorten it."
            )

    def _tables(self) -> None:
        known = ("index_weights", "summary_statistics", *ESTIMATORS_OF_RESULTS)
        for row in self.rows["tables"]:
            if not re.fullmatch(r"[1-9]\d?", row["table_no"]):
                self.tell(
                    "tables", row, "table_no", f"found '{row['table']}', expected a number from 1 to 99; correct it."
                )
            if row["result"] not in known:
                self.tell(
                    "tables",
                    row,
                    "result",
                    f"found '{row['result']}', expected one of {', '.join(known)}{nearest(row['result'], known)}; "
                    f"correct it.",
                )

    def _expectations(self) -> None:
        known = {"fct_study_panel", "fct_city_policy", "dim_indicator"}
        for row in self.rows["expectations"]:
            if row["table_name"] not in known:
                self.tell(
                    "expectations",
                    row,
                    "table_name",
                    f"found '{row['table_name']}', expected one of {', '.join(sorted(known))}; correct it.",
                )

    # ------------------------------------------------------------------------------------------ the checked study

    def _checked(self, units: list[dict[str, str]], needed: Mapping[str, str]) -> CheckedStudy:
        tables = {name: [dict(row.cells) for row in rows] for name, rows in self.rows.items()}
        tables["pilot_units"] = units
        given = {row["key"]: row for row in tables["study"]}
        blank = {"value": "", "note": ""}
        tables["study"] = [given.get(key, blank) | {"key": key, "value": self.settings[key]} for key in self.keys]
        for row in tables["variables"]:
            row["column_name"] = row["column_name"] or row["variable"]
            row["required_measures"] = needed.get(row["variable"], "")
            if row["role"] != "treatment" or row["variable"] not in self._policy_ids:
                row["expression"] = row["expression"] or row["variable"]
            row["name_zh"] = row["name_zh"] or row["variable"]
            row["name_en"] = row["name_en"] or row["variable"].replace("_", " ")
        tables["variables"] = [*self._policy_variables(tables), *tables["variables"]]
        for row in tables["policies"]:
            row["name_zh"] = row["name_zh"] or row["policy_id"]
            row["name_en"] = row["name_en"] or row["policy_id"].replace("_", " ")
        for row in tables["samples"]:
            row["name_zh"] = row["name_zh"] or row["sample"]
            row["name_en"] = row["name_en"] or row["sample"].removeprefix("sample_").replace("_", " ")
        if SAMPLE_FULL not in {row["sample"] for row in tables["samples"]}:
            full = {"sample": SAMPLE_FULL, "condition": "true", "name_zh": "全样本", "name_en": "full sample"}
            tables["samples"] = [dict.fromkeys(self.files["samples"].columns, "") | full, *tables["samples"]]
        for row in tables["specifications"]:
            row["cluster"] = row["cluster"] or self.settings["cluster"]
            row["description"] = row["description"] or row["specification"].replace("_", " ")
        return CheckedStudy(
            self.folder,
            self.settings["id"],
            self.settings["title_zh"],
            self.settings["title_en"],
            tables,
            self.files,
            self.panel,
        )

    def _policy_variables(self, tables: Mapping[str, list[dict[str, str]]]) -> Iterator[dict[str, str]]:
        """A row for every policy of the study that variables.csv does not name, so that it has one in every table."""
        named = {row["variable"] for row in tables["variables"]}
        for row in tables["policies"]:
            policy = row["policy_id"]
            if row["role"] == "study" and policy not in named:
                yield dict.fromkeys(self.files["variables"].columns, "") | {
                    "variable": policy,
                    "column_name": policy,
                    "role": "treatment",
                    "name_zh": row["name_zh"] or policy,
                    "name_en": row["name_en"] or policy.replace("_", " "),
                    "unit": "0/1",
                }


def _is_number(text: str, whole: bool = False) -> bool:
    pattern = r"[+-]?\d+" if whole else r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
    return bool(re.fullmatch(pattern, text, flags=re.ASCII))


@cache
def reserved_words() -> frozenset[str]:
    """The words that SQL keeps for itself."""
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select keyword_name from duckdb_keywords() where keyword_category in ('reserved', 'type_function')"
        ).fetchall()
    return frozenset(str(row[0]) for row in rows)
