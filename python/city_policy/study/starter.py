"""Starting a study: a commented folder from a panel's columns and a list of pilots, for a person to read and change."""

import csv
import io
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from city_policy.errors import InputError
from city_policy.study.checking import IDENTIFIER, reserved_words
from city_policy.study.contract import DESCRIBED_COLUMNS
from city_policy.study.expressions import quoted
from city_policy.study.panel import (
    CITY_COLUMNS,
    YEAR_COLUMNS,
    Panel,
    PanelFile,
    find_cities,
    guess_column,
    read_panel_file,
)
from city_policy.study.places import PlaceError, Places
from city_policy.study.problems import nearest
from city_policy.study.treated import MOST_POLICIES, policy_columns

UNIT_COLUMNS = ("unit", "name", "listed_name", *CITY_COLUMNS, "名单", "试点", "试点城市", "省份", "province", "单位")
START_COLUMNS = (
    "start_year",
    "pilot_year",
    "first_year",
    "treated_year",
    "year",
    "试点年份",
    "批准年份",
    "起始年份",
    "年份",
)
BATCH_COLUMNS = ("batch", "批次", "list", "wave")
POLICY_COLUMNS = ("policy_id", "policy", "programme", "program", "政策")
TREATMENT_NAMES = re.compile(
    r"^(did|dual_did|treated|treatment|policy|pilot|treat_post|treatxpost|post_treat)$|^did_|_did$"
)
INSTRUMENT_NAMES = re.compile(r"^iv($|_)|^z_|instrument|_iv$")
# Columns that split a sample rather than move with it.
GROUP_NAMES = re.compile(r"^(treat|post|region|group|province.*|city_type|type)$")
MOST_CONTROLS = 12
SAMPLES: Mapping[str, tuple[str, str, str]] = {
    "sample_east": ("region = 'east'", "东部城市", "eastern cities"),
    "sample_central_west": ("region != 'east'", "中西部城市", "central and western cities"),
}
COMMENTS: Mapping[str, Sequence[str]] = {
    "study": (
        "The keys of the study. docs/settings.md has all of them with ranges and defaults; a missing row takes "
        "the default.",
    ),
    "policies": (
        "One row per policy. kind: listed (its units are in pilot_units.csv, or list_id names a list of seeds/policy),",
        "derived (starts with the last of its components), column (treated where panel_column is 1). role: study "
        "or other.",
    ),
    "pilot_units": (
        "Who is treated since when: a name or six-digit code per row. A province stands for its prefecture-level "
        "cities",
        "unless the list names the city itself. Rows that need a decision have DECIDE in their note.",
    ),
    "variables": (
        "One row per variable. role: outcome, treatment, control, mediator, instrument, group or measure.",
        "expression: one DuckDB expression over columns of the panel, or over series of the yearbook, such as "
        "ln(gdp / area).",
        "Roles of a panel's columns are guesses: read them, and delete the rows that you do not need.",
    ),
    "samples": ("One row per sample: a condition over the columns of the panel. sample_full is always there.",),
    "specifications": (
        "One row per regression. treatment: each runs it for every policy of the study. docs/studies.md explains "
        "the columns.",
    ),
    "labels": ("Words of the report. kind: specification for a regression, panel for a part of a table.",),
}  # fmt: skip


@dataclass(frozen=True)
class Started:
    """What was written: ``folder``, its files, and ``notes``: what a person should look at first, a sentence each."""

    folder: Path
    files: tuple[str, ...]
    notes: tuple[str, ...]


def start_study(
    folder: Path, project: Path, panel: Path | None = None, pilots: Path | None = None, outcome: str = ""
) -> Started:
    """Write a study folder. ``panel``: a panel of its own; ``pilots``: a list of names with year and batch;
    ``outcome``: the panel's column that is the outcome, blank for the first number that may be one.

    Raises InputError when ``folder`` holds files already, for a file that cannot be read, an outcome that is no column,
    and for a folder that cannot be written; nothing is then written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} exists and is not empty; give the name of a new folder.")
    places = Places(project / "seeds")
    file = read_panel_file(panel) if panel else None
    found = find_cities(file, places) if file else None
    notes: list[str] = []
    units = _units(read_panel_file(pilots), places, panel is not None, notes) if pilots else []
    policies = _policies(units, found, notes)
    variables = _variables(file, found, policies, outcome, notes)
    study_id = re.sub(r"[^a-z0-9_]+", "_", folder.name.lower()).strip("_") or "study"
    study_id = study_id if study_id[0].isalpha() else f"study_{study_id}"
    tables: dict[str, list[dict[str, str]]] = {
        "study": [
            {"key": "id", "value": study_id, "note": "the name below which it is built and published"},
            {"key": "title_zh", "value": f"{policies[0]['name_zh']}的效应", "note": "the title of the report"},
            {"key": "title_en", "value": f"Effects of {policies[0]['name_en']}", "note": "the title of the report"},
        ],
        "policies": policies,
        "variables": variables,
        "samples": _samples(found),
        "specifications": _specifications(variables, bool(_samples(found))),
        "labels": _shipped_rows("starting_labels.csv"),
    }
    if units:
        tables["pilot_units"] = [
            {column: text for column, text in row.items() if column != "policy_name"} for row in units
        ]
    tables = {name: rows for name, rows in tables.items() if rows}
    _write(folder, tables)
    return Started(folder, tuple(f"{name}.csv" for name in tables), tuple(notes))


def _units(file: PanelFile, places: Places, has_panel: bool, notes: list[str]) -> list[dict[str, str]]:
    """The rows of pilot_units.csv from a list of names."""
    frame = file.frame
    unit_column = guess_column(frame, UNIT_COLUMNS)
    year_column = guess_column(frame, START_COLUMNS)
    if unit_column is None or year_column is None:
        what = "names of the pilot units" if unit_column is None else "first years"
        known = UNIT_COLUMNS if unit_column is None else START_COLUMNS
        raise InputError(
            f"{file.path}, row 1: found no column of {what} among {', '.join(frame.columns)}, expected one called "
            f"{known[0]} (or {', '.join(known[1:4])}); rename it."
        )
    batch_column, policy_column = guess_column(frame, BATCH_COLUMNS), guess_column(frame, POLICY_COLUMNS)
    units: list[dict[str, str]] = []
    # Two Chinese names may make one identifier.
    policies: dict[str, str] = {}
    undecided = 0
    for position, row in frame.iterrows():
        number = int(str(position)) + file.first_row
        unit = _text(row[unit_column])
        digits = re.search(r"(19|20)\d\d", _text(row[year_column]))
        if not unit:
            continue
        if digits is None:
            raise InputError(
                f"{file.path}, row {number}, column {year_column}: found '{_text(row[year_column])}', expected a year; "
                "correct it."
            )
        year = digits[0]
        name = _text(row[policy_column]) if policy_column else ""
        if name not in policies:
            policies[name] = _free(_identifier(name) if name else "pilot", {*DESCRIBED_COLUMNS, *policies.values()})
        cells = {
            "policy_id": policies[name],
            "policy_name": name or "试点",
            "unit": unit,
            "adcode": "",
            "start_year": year,
            "batch": _text(row[batch_column]) if batch_column else "",
            "confidence": "A",
            "source": file.path.name,
            "note": "",
        }
        if not places.province(unit):
            try:
                find = places.city if has_panel else places.printed_city
                cells["adcode"] = find(unit, int(year)).adcode
            except PlaceError as problem:
                undecided += 1
                cells["note"] = f"DECIDE: found '{unit}', {problem}"
        units.append(cells)
    provinces = sorted({row["unit"] for row in units if places.province(row["unit"])})
    if provinces:
        notes.append(
            f"{', '.join(provinces)} stand for their prefecture-level cities, except those that the list names "
            f"themselves."
        )
    if undecided:
        notes.append(
            f"{undecided} {'name' if undecided == 1 else 'names'} of the list must be decided: look for DECIDE in "
            "pilot_units.csv, give the six-digit code or delete the row."
        )
    return units


def _policies(units: Sequence[Mapping[str, str]], panel: Panel | None, notes: list[str]) -> list[dict[str, str]]:
    """The rows of policies.csv: those of the list, else the columns of the panel that look like a treatment, else one
    of a list that comes with the project, as an example."""
    names = {row["policy_id"]: row["policy_name"] for row in units}
    if names:
        rows = [_policy(policy, name, "listed") for policy, name in names.items()]
    elif columns := _treatment_columns(panel) if panel else []:
        notes.append(
            f"The columns {', '.join(columns)} of the panel look like treatments that start and stay; check them."
        )
        taken = {*DESCRIBED_COLUMNS, *(name.lower() for name in panel.frame.columns)} if panel else set()
        rows = []
        for name in columns:
            policy = _free(_identifier(name), taken)
            taken.add(policy)
            rows.append(_policy(policy, name, "column") | {"panel_column": name})
    else:
        notes.append(
            "No list of pilots was given, so that the policy is an example: name another list of seeds/policy in "
            "list_id of policies.csv, or clear it and write pilot_units.csv."
        )
        example = {
            "policy_id": "broadband",
            "name_zh": "宽带中国",
            "name_en": "Broadband China",
            "list_id": "miit_ndrc",
        }
        rows = [_policy("", "", "listed") | example]
    for row in rows[MOST_POLICIES:]:
        row["role"] = "other"
    if len(rows) > MOST_POLICIES:
        notes.append(f"Of {len(rows)} policies the first {MOST_POLICIES} are studied; check the roles.")
    return rows


def _policy(policy: str, name: str, kind: str) -> dict[str, str]:
    # A Chinese name says nothing to readers of English; the identifier does until a person writes a name.
    english = name if name.isascii() else policy
    return {"policy_id": policy, "name_zh": _label(name), "name_en": _label(_words(english)), "kind": kind,
            "list_id": "", "panel_column": "", "role": "study"}  # fmt: skip


def _treatment_columns(panel: Panel) -> list[str]:
    """Columns of 0 and 1 that never fall back within a city, differ between cities and change in some."""
    found = []
    for name in panel.frame.columns:
        if name in ("adcode", "year", "panel_row") or GROUP_NAMES.search(name.lower()):
            continue
        values = panel.frame[name]
        if not pd.api.types.is_numeric_dtype(values) or not values.dropna().isin([0, 1]).all():
            continue
        steps = values.groupby(panel.frame["adcode"]).diff().dropna()
        if (steps >= 0).all() and (steps > 0).any():
            found.append(name)
    named = [name for name in found if TREATMENT_NAMES.search(name.lower())]
    return named or found


def _variables(
    file: PanelFile | None,
    panel: Panel | None,
    policies: Sequence[Mapping[str, str]],
    outcome: str,
    notes: list[str],
) -> list[dict[str, str]]:
    """The rows of variables.csv from the columns of a panel, or an example on the yearbook."""
    if file is None or panel is None:
        notes.append(
            "The variables are examples on the yearbook; marts.dim_series lists every series that they may name."
        )
        return [
            _variable("ln_gdp", "outcome", "地区生产总值(对数)", "log of gross regional product", "log", "ln(gdp)"),
            _variable("ln_population", "control", "人口(对数)", "log of population", "log", "ln(population)"),
            _variable(
                "tertiary_share", "control", "第三产业占比", "tertiary industry share", "share", "tertiary_share / 100"
            ),
        ]
    rows = _columns_as_variables(file, panel, policies)
    _choose_outcome(file, rows, outcome, notes)
    controls = [row for row in rows if row["role"] == "measure" and not _looks_like_treatment(row["variable"])]
    for row in controls[:MOST_CONTROLS]:
        row["role"] = "control"
    if len(controls) > MOST_CONTROLS:
        notes.append(
            f"Of {len(controls)} further numbers the first {MOST_CONTROLS} were taken for controls; check the roles."
        )
    return rows


def _columns_as_variables(file: PanelFile, panel: Panel, policies: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """A row per column of the panel that varies: an instrument, a group or a measure."""
    used = {str(row["panel_column"]).lower() for row in policies} | {
        panel.city_column.lower(), panel.year_column.lower(), *CITY_COLUMNS, *YEAR_COLUMNS
    }  # fmt: skip
    taken = {*DESCRIBED_COLUMNS, *policy_columns(row["policy_id"] for row in policies), *SAMPLES}
    # fct_study_panel computes covers_<variable> beside the columns of the panel.
    taken |= {name.lower().removeprefix("covers_") for name in file.frame.columns if name.lower().startswith("covers_")}
    rows: list[dict[str, str]] = []
    for name in file.frame.columns:
        role = "" if name.lower() in used else _role(name, file.frame[name])
        if role:
            variable = _free(_identifier(name), taken)
            taken.add(variable)
            label = file.labels.get(name) or name
            rows.append(_variable(variable, role, label, label, "", name if _is_plain(name) else quoted(name)))
    return rows


def _role(name: str, values: pd.Series) -> str:
    """The guessed role of a column; blank for one that is no variable."""
    numeric = pd.api.types.is_numeric_dtype(values)
    plain = values.replace([np.inf, -np.inf], np.nan).dropna() if numeric else values.dropna()
    if plain.nunique() < 2 or (pd.api.types.is_integer_dtype(values) and plain.nunique() == len(values)):
        # What never changes, or numbers the rows, is no variable.
        return ""
    if not numeric or GROUP_NAMES.search(name.lower()):
        return "group"
    # What a list or another column says of the treatment is no control.
    is_treatment = TREATMENT_NAMES.search(name.lower()) and plain.isin([0, 1]).all()
    return "instrument" if INSTRUMENT_NAMES.search(name.lower()) and not is_treatment else "measure"


def _choose_outcome(file: PanelFile, rows: Sequence[dict[str, str]], outcome: str, notes: list[str]) -> None:
    """Give one row the role outcome: the column that was named, or the first number."""
    columns = {row["expression"].strip('"').replace('""', '"').lower(): row for row in rows}
    if outcome:
        chosen = columns.get(outcome.lower())
        if chosen is None:
            names = [str(name) for name in file.frame.columns]
            raise InputError(
                f"{file.path}, row 1: the outcome '{outcome}' is no column that varies{nearest(outcome, names)}; "
                "correct it."
            )
        numeric = [name for name in file.frame.columns if pd.api.types.is_numeric_dtype(file.frame[name])]
        if outcome.lower() not in {name.lower() for name in numeric}:
            raise InputError(
                f"{file.path}: found text in the column '{outcome}', expected numbers for an outcome; name another "
                "column."
            )
    else:
        measures = (row for row in rows if row["role"] == "measure")
        chosen = next((row for row in measures if not _looks_like_treatment(row["variable"])), None)
        if chosen is None:
            raise InputError(
                f"{file.path}: found no column of numbers that may be the outcome; add one, or name it with --outcome."
            )
        notes.append(
            f"{chosen['variable']} was taken for the outcome, being the first number of the panel; check the roles."
        )
    chosen["role"] = "outcome"


def _looks_like_treatment(name: str) -> bool:
    return bool(TREATMENT_NAMES.search(name))


def _variable(variable: str, role: str, name_zh: str, name_en: str, unit: str, expression: str) -> dict[str, str]:
    return {"variable": variable, "role": role, "name_zh": _label(name_zh), "name_en": _label(name_en), "unit": unit,
            "expression": expression}  # fmt: skip


def _samples(panel: Panel | None) -> list[dict[str, str]]:
    """The east and the rest, unless the panel has regions of its own."""
    if panel and "region" in {name.lower() for name in panel.frame.columns}:
        return []
    return [
        {"sample": sample, "condition": condition, "name_zh": name_zh, "name_en": name_en}
        for sample, (condition, name_zh, name_en) in SAMPLES.items()
    ]


def _shipped_rows(name: str) -> list[dict[str, str]]:
    """The rows of a file that lies beside this module."""
    with open(Path(__file__).parent / name, encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def _specifications(variables: Sequence[Mapping[str, str]], has_samples: bool) -> list[dict[str, str]]:
    """The regressions that most referees ask for; the instrument where the panel seems to have one."""
    rows = _shipped_rows("starting_specifications.csv")
    outcome = next(row["variable"] for row in variables if row["role"] == "outcome")
    instrument = next((row["variable"] for row in variables if row["role"] == "instrument"), "")
    for row in rows:
        if row["estimator"] == "instrumental_variable":
            row["variant"] = instrument
    return [
        row | {"outcome": outcome, "treatment": "each"}
        for row in rows
        if (instrument or row["estimator"] != "instrumental_variable") and (has_samples or row["sample"] not in SAMPLES)
    ]


def _write(folder: Path, tables: Mapping[str, Iterable[Mapping[str, str]]]) -> None:
    """Write the files aside, then put the folder in its place."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=".study-", dir=folder.parent))
        try:
            for name, rows in tables.items():
                table = list(rows)
                text = io.StringIO()
                text.writelines(f"# {line}\n" for line in COMMENTS[name])
                writer = csv.DictWriter(text, list(table[0]), lineterminator="\n")
                writer.writeheader()
                writer.writerows(table)
                (aside / f"{name}.csv").write_text(text.getvalue(), encoding="utf-8")
            aside.chmod(0o755)
            if folder.is_dir():
                folder.rmdir()
            os.replace(aside, folder)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        raise InputError(f"{folder} cannot be written ({error.strerror or error}); give another folder.") from error


def _identifier(text: str) -> str:
    name = re.sub(r"[^a-z0-9_]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", text).lower()).strip("_")
    name = name if name and name[0].isalpha() else f"v_{name}".rstrip("_")
    return f"{name}_value" if name in reserved_words() else name[:60]


def _free(name: str, taken: Iterable[str]) -> str:
    """The name, or with a number behind it where it is taken."""
    used = set(taken)
    number = 2
    result = name
    while result in used:
        result, number = f"{name}_{number}", number + 1
    return result


def _is_plain(name: str) -> bool:
    return bool(IDENTIFIER.fullmatch(name.lower())) and name.lower() not in reserved_words()


def _label(text: str) -> str:
    """A label without what a page or spreadsheet takes for a command."""
    return re.sub(r"[<>\\\x00-\x1f\x7f]", " ", text).strip().lstrip("=+-@ ")


def _words(name: str) -> str:
    return name.replace("_", " ")


def _text(value: object) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)) or value is pd.NA:
        return ""
    return str(value).strip().removesuffix(".0")
