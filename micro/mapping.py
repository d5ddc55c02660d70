"""The mapping file of a count: what the columns of the extracts are called, and the rules of the count.

Rows of ``extract, field, value``; ``seeds/settings.csv`` lists every extract and field with what it allows.
"""

import csv
import difflib
import re
from dataclasses import dataclass
from pathlib import Path

from terminal import InputError

SEEDS = Path(__file__).resolve().parent / "seeds"
EXTRACTS = ("firms", "patents", "panel")

# Columns of registers and patent files that hold the names of persons. They are never read.
PERSONS = re.compile(
    r"法定代表人|法人代表|负责人|联系人|股东|投资人|高管|董事|监事|经营者|发明人|设计人|发明\(?设计\)?人|"
    r"inventor|designer|legal.?representative|contact.?person|shareholder",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Field:
    """One row of settings.csv."""

    extract: str
    field: str
    required: bool
    allowed: str
    default: str
    description: str


def fields():
    """Every field, by extract and name."""
    with (SEEDS / "settings.csv").open(encoding="utf-8", newline="") as file:
        rows = [Field(**{**row, "required": row["required"] == "true"}) for row in csv.DictReader(file)]
    return {(row.extract, row.field): row for row in rows}


@dataclass(frozen=True)
class Mapping:
    """``columns``: the file's column of every field, by extract; ``texts``: the texts of patent types; ``settings``:
    the value of every setting; ``regressors``: the columns of a panel's treatments and controls, in order."""

    columns: dict[str, dict[str, str]]
    texts: dict[str, str]
    settings: dict[str, str]
    regressors: list[str]


def read_mapping(path, extracts):
    """The mapping of the ``extracts`` that are given.

    Raises InputError for a row that is not understood, a field that is missing or stands twice, and a column that
    holds names of persons.
    """
    known = fields()
    columns = {extract: {} for extract in EXTRACTS}
    texts, settings, regressors = {}, {}, []
    for number, row in _rows(path):
        extract, field, value = (row[name].strip() for name in ("extract", "field", "value"))
        place = f"{path.name}, row {number}"
        if (extract, field) not in known:
            names = [f"{one}, {other}" for one, other in known]
            near = difflib.get_close_matches(f"{extract}, {field}", names, 1)
            raise InputError(
                f"{place}: '{extract}, {field}' is no field; did you mean '{near[0]}'?"
                if near
                else f"{place}: '{extract}, {field}' is no field; micro/seeds/settings.csv lists the fields."
            )
        if not value:
            raise InputError(f"{place}: '{extract}, {field}' has no value; write one or leave the row out.")
        rule = known[extract, field]
        if rule.allowed == "column" and PERSONS.search(value):
            raise InputError(
                f"{place}: the column '{value}' holds names of persons, which a count never reads; name another column."
            )
        if field == "regressor":
            regressors.append(value)
        elif rule.allowed == "text":
            if value in texts:
                raise InputError(f"{place}: the type '{value}' stands twice; keep one row.")
            texts[value] = field
        else:
            target = settings if extract == "settings" else columns[extract]
            if field in target:
                raise InputError(f"{place}: '{extract}, {field}' stands twice; keep one row.")
            target[field] = value if extract != "settings" else _setting(rule, value, place)
    _complete(path, known, columns, settings, regressors, extracts)
    return Mapping(columns, texts, settings, regressors)


def _rows(path):
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"The mapping file {path} does not exist; micro/mapping.example.csv is an example.") from None
    except UnicodeDecodeError:
        raise InputError(f"The mapping file {path} is not in UTF-8; save it as CSV UTF-8.") from None
    reader = csv.DictReader(text.splitlines(), strict=True)
    if reader.fieldnames != ["extract", "field", "value"]:
        found = ", ".join(reader.fieldnames or ["nothing"])
        raise InputError(f"{path.name}, row 1: found the columns {found}; expected extract, field, value.")
    for number, row in enumerate(reader, 2):
        if None in row or None in row.values():
            raise InputError(f"{path.name}, row {number}: expected three cells: extract, field, value.")
        if any(cell.strip() for cell in row.values()):
            yield number, row


def _setting(rule, value, place):
    """The value of a setting. Raises InputError where it is not among what is allowed."""
    years = re.fullmatch(r"(\d{4})-(\d{4})", rule.allowed)
    if years:
        if not re.fullmatch(r"\d{4}", value) or not int(years[1]) <= int(value) <= int(years[2]):
            raise InputError(f"{place}: {rule.field} is '{value}'; expected a year from {years[1]} to {years[2]}.")
    elif rule.allowed == "codes":
        for code in value.split(";"):
            if not re.fullmatch(r"\d\d0000", code.strip()):
                raise InputError(f"{place}: '{code}' is no code of a province; expected six digits such as 440000.")
    elif value not in rule.allowed.split("|"):
        raise InputError(f"{place}: {rule.field} is '{value}'; expected one of {rule.allowed.replace('|', ', ')}.")
    return value


def _complete(path, known, columns, settings, regressors, extracts):
    """Fill in the defaults. Raises InputError for a required field that is missing."""
    for (extract, field), rule in known.items():
        if extract == "settings":
            counted = bool({"firms", "patents"} & set(extracts))
            if field not in settings and rule.required and counted:
                raise InputError(f"{path.name}: the row 'settings, {field}' is missing ({rule.description}).")
            settings.setdefault(field, settings.get(rule.default, rule.default))
            continue
        given = field in columns[extract] or (field == "regressor" and regressors)
        if extract in extracts and rule.required and not given:
            raise InputError(f"{path.name}: the row '{extract}, {field}' is missing ({rule.description}).")
    if settings["first_year"] > settings["last_year"]:
        raise InputError(
            f"{path.name}: first_year {settings['first_year']} is after last_year {settings['last_year']}."
        )
    for extract, places in (("firms", ("address", "city", "province")), ("patents", ("addresses", "city", "province"))):
        if extract in extracts and not set(places) & set(columns[extract]):
            raise InputError(
                f"{path.name}: no row says where {extract} are; add {extract}, {places[0]} or {extract}, city."
            )
    if "patents" in extracts and f"{settings['patent_year']}_date" not in columns["patents"]:
        raise InputError(
            f"{path.name}: patents are counted by {settings['patent_year']}, and the row "
            f"'patents, {settings['patent_year']}_date' is missing."
        )
