"""The tables of a study's report."""

import fnmatch
import re

from city_policy.errors import InputError
from city_policy.study.checking import Checking, column_of, is_number
from city_policy.study.contract import DERIVED_RESULTS, ESTIMATORS_OF_RESULTS, ROBUST_ESTIMATORS
from city_policy.study.problems import nearest
from city_policy.study.reading import Row
from city_policy.table_options import ERRORS, GROUPS, read_decimals, read_stars, read_statistics, words

# What tables.csv says about specifications only.
CHOICES_OF_TABLES = ("rows", "statistic", "errors", "decimals", "stars", "note_zh", "note_en")
# The estimators whose rows are coefficients.
ESTIMATORS_OF_COLUMNS = (
    "fixed_effects", "event_study", "instrumental_variable", "matching", "double_machine_learning", "mediation",
    "spillovers", *ROBUST_ESTIMATORS,
)  # fmt: skip


def check_tables(study: Checking) -> None:
    """The rows of tables.csv."""
    known = (*DERIVED_RESULTS, *ESTIMATORS_OF_RESULTS)
    for row in study.rows["tables"]:
        number, result = row["table_no"], row["result"]
        if number and not re.fullmatch(r"[1-9]\d?", number, flags=re.ASCII) and not _is_no_number(study, number):
            study.tell("tables", row, "table_no", f"found '{number}', expected a number from 1 to 99; correct it.")
        if result and result not in known:
            study.tell(
                "tables",
                row,
                "result",
                f"found '{result}', expected one of {', '.join(known)}{nearest(result, known)}; correct it.",
            )
        if bool(result) == bool(row["specifications"]):
            both = f"found '{result}' beside specifications" if result else "found neither result nor specifications"
            study.tell("tables", row, "result", f"{both}, expected one of them; correct it.")
        _check_choices(study, row)


def _check_choices(study: Checking, row: Row) -> None:
    """The cells that say how a table of specifications looks."""
    readers = {"statistic": read_statistics, "decimals": read_decimals, "stars": read_stars}
    for column, read in readers.items():
        if row[column]:
            try:
                read(row[column])
            except InputError as problem:
                study.tell("tables", row, column, str(problem))
    for column in CHOICES_OF_TABLES:
        if row[column] and not row["specifications"]:
            study.tell(
                "tables",
                row,
                column,
                f"found '{row[column]}' without specifications, which it is about; name some or clear the cell.",
            )
    errors = row["errors"]
    if errors and errors not in ERRORS:
        study.tell(
            "tables",
            row,
            "errors",
            f"found '{errors}', expected one of {', '.join(ERRORS)}{nearest(errors, ERRORS)}; correct it.",
        )
    if study.reads("specifications", "policies"):
        _check_columns(study, row)
    if study.reads("variables", "policies"):
        _check_rows(study, row)


def _check_columns(study: Checking, row: Row) -> None:
    """The specifications that a table names: by name, by spec_id or by a pattern."""
    known = {
        one["specification"]: [one["specification"], *(f"{one['specification']}_{policy}" for policy in study.policies)]
        for one in study.rows["specifications"]
        if one["estimator"] in ESTIMATORS_OF_COLUMNS
    }
    names = [name for listed in known.values() for name in listed]
    for word in words(row["specifications"]):
        # A mediation has several regressions, told apart behind two underscores.
        pattern = word.partition(":")[0].partition("__")[0]
        if not fnmatch.filter(names, pattern):
            study.tell(
                "tables",
                row,
                "specifications",
                f"found '{word}', expected a specification with coefficients, a spec_id or a pattern"
                f"{nearest(word, names)}; correct it.",
            )


def _is_no_number(study: Checking, text: str) -> bool:
    """Whether the check of cells has told the number already."""
    return study.files["tables"].columns["table_no"] == "integer" and not is_number(text, whole=True)


def _check_rows(study: Checking, row: Row) -> None:
    """The rows that a table names; a pattern, an event time or an instrument is known by the estimates only."""
    columns = {name for one in study.rows["variables"] for name in (one["variable"], column_of(one))}
    known = {*columns, *study.policies, *GROUPS, "instrument"}
    for word in words(row["rows"]):
        if word not in known and not re.search(r"[*?\[]|^event_time_-?\d+$|^instrument_", word):
            study.tell(
                "tables",
                row,
                "rows",
                f"found '{word}', expected a variable, a policy or one of {', '.join(GROUPS)}{nearest(word, known)}; "
                "correct it.",
            )
