"""Cells of any file, and the keys of study.csv."""

import re
from collections.abc import Mapping

from city_policy.seeds import read_seed
from city_policy.study.checking import AN_IDENTIFIER, IDENTIFIER, Checking, found, is_number, reserved_words
from city_policy.study.contract import CHOICES, IDENTIFIERS
from city_policy.study.problems import nearest
from city_policy.study.reading import Row

CODE_COLUMNS = ("expression", "condition", "arguments")


def check_cells(study: Checking) -> None:
    """Names, choices, numbers and texts of every file."""
    for name, rows in study.rows.items():
        types = study.files[name].columns
        for row in rows:
            for column, text in row.cells.items():
                if not text:
                    continue
                sentence = (
                    _text(column, text)
                    or _choice(name, column, text)
                    or _identifier(name, column, text)
                    or _number(types[column], text)
                )
                if sentence:
                    study.tell(name, row, column, sentence)


def _text(column: str, text: str) -> str:
    """Texts reach pages, LaTeX and spreadsheets: what is a command there is refused here."""
    if column in CODE_COLUMNS:
        return ""
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in text):
        return "found a line break or control character, expected one line of text; remove it."
    if re.search(r"<[/!a-zA-Z]", text):
        return f"found '{text}', expected text without HTML; remove the mark-up."
    if re.search(r"\\[a-zA-Z]", text):
        return f"found '{text}', expected text without LaTeX commands; remove the command."
    if re.match(r"[=+@].|-\D", text) and not is_number(text):
        return f"found '{text}', which a spreadsheet takes for a formula; begin with a letter."
    return ""


def _choice(name: str, column: str, text: str) -> str:
    known = CHOICES.get((name, column), (text,))
    if text in known:
        return ""
    return f"found '{text}', expected one of {', '.join(known)}{nearest(text, known)}; correct it."


def _identifier(name: str, column: str, text: str) -> str:
    if (name, column) not in IDENTIFIERS or name == "study":
        return ""
    if not IDENTIFIER.fullmatch(text):
        return f"found '{text}', expected {AN_IDENTIFIER}; rename it."
    return f"found '{text}', a word that SQL keeps for itself; rename it." if text in reserved_words() else ""


def _number(kind: str, text: str) -> str:
    if kind not in ("integer", "double") or is_number(text, whole=kind == "integer"):
        return ""
    return f"found '{text}', expected {'a whole number' if kind == 'integer' else 'a number'}; correct it."


# ---------------------------------------------------------------------------------------------------- study.csv


def check_settings(study: Checking) -> None:
    """Every key of study.csv; fills in ``study.settings``."""
    given: dict[str, Row] = {}
    for row in study.rows["study"]:
        given.setdefault(row["key"], row)
        if row["key"] and row["key"] not in study.keys:
            hint = nearest(row["key"], study.keys)
            study.tell(
                "study",
                row,
                "key",
                f"{found(row['key'])}, expected one of the keys of docs/settings.md{hint}; correct it.",
            )
    for key, rule in study.keys.items():
        at = given.get(key)
        value = (at["value"] if at else "") or rule["default_value"]
        study.settings[key] = value
        expected = _expected(study, key, value, rule) if at is not None and value else ""
        if at is not None and expected:
            study.tell("study", at, "value", f"{key} is '{value}', expected {expected}; correct it.")
            # What rests on the key is checked as if it were not there.
            study.settings[key] = rule["default_value"]
    if study.reads("study"):
        _required_settings(study, given)
    _order_of_years(study, given)


def _required_settings(study: Checking, given: Mapping[str, Row]) -> None:
    for key in ("id", "title_zh", "title_en"):
        at = given.get(key)
        if not (at["value"] if at else ""):
            what = study.keys[key]["description"].lower()
            number, column = (at.number, "value") if at else (0, "")
            study.tell("study", number, column, f"the key {key} has no value, expected {what}; add it.")


def _order_of_years(study: Checking, given: Mapping[str, Row]) -> None:
    for low, high in (("study_first_year", "study_last_year"), ("first_year", "last_year")):
        first, last = study.settings[low], study.settings[high]
        if first.isdigit() and last.isdigit() and int(first) > int(last):
            study.tell(
                "study",
                given[high],
                "value",
                f"{low} is {first} and {high} is {last}, expected the first before the last; swap them.",
            )


def _expected(study: Checking, key: str, value: str, rule: Mapping[str, str]) -> str:
    """What a key takes, where ``value`` is something else."""
    if key == "population_basis":
        series = ("auto", *_population_series(study))
        return "" if value in series else f"auto or one of {', '.join(series[1:])}{nearest(value, series)}"
    if key == "cluster":
        words = value.split()
        right = len(words) == 1 and all(IDENTIFIER.fullmatch(word) for word in words)
        return "" if right else "one column of the panel"
    kind = "identifier" if key == "index_name" else rule["type"]
    if kind == "identifier":
        return "" if IDENTIFIER.fullmatch(value) else AN_IDENTIFIER
    if kind in ("number", "whole", "year"):
        return _expected_number(value, kind, rule)
    choices = rule["choices"].split()
    if kind == "choice" and value not in choices:
        return f"one of {', '.join(choices)}{nearest(value, choices)}"
    if kind == "list" and (unknown := [word for word in value.split() if word not in choices]):
        return f"words among {', '.join(choices)} and not {unknown[0]}"
    return ""


def _expected_number(value: str, kind: str, rule: Mapping[str, str]) -> str:
    if kind == "year" and not re.fullmatch(r"\d{4}", value, flags=re.ASCII):
        return "a year of four digits or nothing"
    if not is_number(value, whole=kind != "number"):
        return "a whole number" if kind == "whole" else "a number"
    if float(rule["minimum"] or "-inf") <= float(value) <= float(rule["maximum"] or "inf"):
        return ""
    return f"a value from {rule['minimum']} to {rule['maximum']}"


def _population_series(study: Checking) -> list[str]:
    rows = read_seed(study.seeds / "mapping" / "measures.csv")
    return [row["series"] for row in rows if row["measure"] == "population"]
