"""Proposed mapping rows: the reader writes them as files, a person edits them, ``accept_proposals`` takes the
accepted ones into the seeds.

Every file has the columns of its seed and three in front: ``accept`` (yes takes the row over), ``n_cells`` (filled
cells that the row would free) and ``example`` (the address of the first). A text that a spreadsheet would take for a
formula has an apostrophe in front, which is taken off again.
"""

import csv
import io
import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rapidfuzz.distance import Levenshtein

from city_policy.errors import InputError
from city_policy.reader.knowledge import Knowledge, load_knowledge
from city_policy.reader.suggestions import suggested_place
from city_policy.reader.summary import Summary

SEED_COLUMNS = {
    "headers": (
        "header",
        "table_title",
        "series",
        "default_unit",
        "default_scope",
        "valid_from",
        "valid_to",
        "note",
    ),
    "table_titles": ("table_title", "used", "note"),
    "units": ("unit", "canonical_unit", "factor", "note"),
    "city_names": ("city_raw", "adcode", "part_adcode", "kind", "valid_from", "valid_to", "note"),
}
OWN_COLUMNS = ("accept", "n_cells", "example")
ACCEPTED = ("yes", "y", "1", "true", "x", "是")
# What a text of a workbook may begin with that makes it a formula in a spreadsheet.
_formula = re.compile(r"[=+@\-\t\r]")
_marked = re.compile(r"'+[=+@\-\t\r]")
_NAME_KINDS = ("ocr_variant", "merged_into", "province_row", "total_row")


def write_proposals(summary: Summary, folder: Path, knowledge: Knowledge) -> None:
    """Writes a file of proposed rows per seed into ``folder``, the most consequential first.

    Rows of an earlier file in which a person filled the column accept are kept. Raises InputError if a file cannot be
    written or an earlier one cannot be read.
    """
    rows = {
        "headers": _header_rows(summary, knowledge),
        "table_titles": [
            {"n_cells": unknown.n_cells, "example": unknown.address, "table_title": title, "used": "true"}
            for title, unknown in summary.unknown_tables.items()
            if title
        ],
        "units": [
            {
                "n_cells": unknown.n_cells,
                "example": unknown.address,
                "unit": unit,
                "canonical_unit": knowledge.canonical_units[series],
                "note": f"printed for {series}",
            }
            for (unit, series), unknown in summary.unknown_units.items()
        ],
        "city_names": _name_rows(summary, knowledge),
    }
    for seed, proposed in rows.items():
        path = folder / f"{seed}.csv"
        columns = SEED_COLUMNS[seed]
        edited = [row for row in _read(path, columns) if row["accept"].strip()] if path.exists() else []
        decided = {_key(seed, row) for row in edited}
        proposed = [row for row in proposed if _key(seed, row) not in decided]
        proposed.sort(key=lambda row: -row["n_cells"])
        write_rows(path, (*OWN_COLUMNS, *columns), [*edited, *proposed])


def _key(seed: str, row: dict) -> tuple:
    """What a row is about: header and table, unit, name and years."""
    columns = {
        "headers": ("header", "table_title"),
        "table_titles": ("table_title",),
        "units": ("unit", "canonical_unit"),
        "city_names": ("city_raw", "valid_from", "valid_to"),
    }[seed]
    return tuple(str(row.get(column, "")) for column in columns)


def _header_rows(summary: Summary, knowledge: Knowledge) -> list[dict]:
    rows = []
    for (title, header), unknown in summary.unknown_headers.items():
        rows.append(
            {
                "n_cells": unknown.n_cells,
                "example": unknown.address,
                "header": header,
                "table_title": title,
                "series": suggested_series(header, title, unknown.unit, unknown.last_year, knowledge),
                "valid_from": unknown.first_year,
                "valid_to": unknown.last_year,
                "note": f"printed unit {unknown.unit}" if unknown.unit else "",
            }
        )
    return rows


def suggested_series(header: str, title: str, unit: str, data_year: int, knowledge: Knowledge) -> str:
    """The series of the one known header that differs from a header in a single character, '' if there is none or
    several; the printed unit must convert to that of the series."""
    if len(header) < 5:
        return ""
    found = {
        row.series
        for known in knowledge.headers
        if Levenshtein.distance(known, header, score_cutoff=1) == 1
        and (row := knowledge.header(known, title, data_year)) is not None
        and row.series
        and (unit, knowledge.canonical_units[row.series]) in knowledge.conversions
    }
    return found.pop() if len(found) == 1 else ""


def _name_rows(summary: Summary, knowledge: Knowledge) -> list[dict]:
    rows = []
    for (name, year), unknown in summary.unknown_names.items():
        if name:
            nearest = suggested_place(name, year, knowledge)
            rows.append(
                {
                    "n_cells": unknown.n_cells,
                    "example": unknown.address,
                    "city_raw": name,
                    "adcode": nearest.adcode if nearest else "",
                    "part_adcode": nearest.part_adcode if nearest else "",
                    "kind": "ocr_variant",
                    "valid_from": year,
                    "valid_to": year,
                    "note": f"{nearest.name}?" if nearest else "",
                }
            )
    return rows


def accept_proposals(folder: Path, mapping_dir: Path, geography_dir: Path) -> dict[str, int]:
    """Takes the rows that a person accepted into the seeds and off the proposals; returns how many per seed.

    Every accepted row is checked before any file is written. Raises InputError with one sentence that names file and
    row for a row that cannot be taken over; nothing is changed then.
    """
    if not folder.is_dir():
        raise InputError(f"The folder {folder} does not exist; city-policy ingest writes it.")
    knowledge = load_knowledge(mapping_dir, geography_dir)
    taken: dict[str, int] = {}
    writes: list[Callable[[], None]] = []
    for seed, columns in SEED_COLUMNS.items():
        path = folder / f"{seed}.csv"
        if not path.exists():
            continue
        seed_path = (geography_dir if seed == "city_names" else mapping_dir) / f"{seed}.csv"
        rows = _read(path, columns)
        accepted = [(number, row) for number, row in enumerate(rows, 2) if row["accept"].strip().lower() in ACCEPTED]
        known = _read_seed_keys(seed, seed_path)
        for number, row in accepted:
            problem = _problem(seed, row, knowledge, known)
            if problem:
                raise InputError(f"{path}, row {number}: {problem}.")
            known.add(_key(seed, row))
        if accepted:
            taken[seed] = len(accepted)
            numbers = {number for number, _ in accepted}
            rest = [row for number, row in enumerate(rows, 2) if number not in numbers]
            writes.append(_appender(seed_path, columns, [row for _, row in accepted]))
            writes.append(_writer(path, (*OWN_COLUMNS, *columns), rest))
    for write in writes:
        write()
    return taken


def _problem(seed: str, row: dict[str, str], knowledge: Knowledge, known: set[tuple]) -> str:
    """Why an accepted row cannot be taken over, '' if it can."""
    if _key(seed, row) in known:
        return f"the seed {seed}.csv holds a row for {' '.join(filter(None, _key(seed, row)))} already"
    for column in ("valid_from", "valid_to"):
        if row.get(column) and not (row[column].isdecimal() and len(row[column]) == 4):
            return f"{column} is {row[column]!r}, expected is a year with four digits or nothing"
    check = _checks.get(seed)
    return check(row, knowledge) if check else ""


def _header_problem(row: dict[str, str], knowledge: Knowledge) -> str:
    if row["series"] and row["series"] not in knowledge.canonical_units:
        return f"the series {row['series']!r} is not in series.csv; add it there first or correct it"
    canonical = knowledge.canonical_units.get(row["series"], "")
    if row["default_unit"] and canonical and (row["default_unit"], canonical) not in knowledge.conversions:
        return f"units.csv cannot convert the default_unit {row['default_unit']!r} to {canonical}"
    if row["default_scope"] not in ("", "city", "districts"):
        return f"default_scope is {row['default_scope']!r}, expected is city, districts or nothing"
    return ""


def _unit_problem(row: dict[str, str], knowledge: Knowledge) -> str:
    if row["canonical_unit"] not in set(knowledge.canonical_units.values()):
        return f"no series has the canonical_unit {row['canonical_unit']!r}"
    try:
        is_positive = float(row["factor"]) > 0
    except ValueError:
        is_positive = False
    if not is_positive:
        return f"factor is {row['factor']!r}, expected is a positive number"
    return ""


def _title_problem(row: dict[str, str], _: Knowledge) -> str:
    if row["used"].lower() not in ("true", "false"):
        return f"used is {row['used']!r}, expected is true or false"
    return ""


def _name_problem(row: dict[str, str], _: Knowledge) -> str:
    if row["kind"] not in _NAME_KINDS:
        return f"kind is {row['kind']!r}, expected is one of {', '.join(_NAME_KINDS)}"
    needs_code = row["kind"] != "total_row"
    if needs_code and not (row["adcode"].isdecimal() and len(row["adcode"]) == 6):
        return f"adcode is {row['adcode']!r}, expected is the six-digit code that {row['city_raw']} stands for"
    return ""


_checks = {
    "headers": _header_problem,
    "units": _unit_problem,
    "table_titles": _title_problem,
    "city_names": _name_problem,
}


def _read(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """The rows of a file of proposals; raises InputError if it cannot be read or lacks a column."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            rows = list(reader)
            found = reader.fieldnames or []
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"The file {path} cannot be read ({error}); delete it and run city-policy ingest again."
        ) from error
    for column in (*OWN_COLUMNS, *columns):
        if column not in found:
            raise InputError(f"The file {path} lacks the column {column}; restore it or delete the file.")
    return [{column: _unmarked(row[column] or "") for column in (*OWN_COLUMNS, *columns)} for row in rows]


def _as_proposals(columns: tuple[str, ...], rows: list[dict]) -> str:
    """Rows as a person opens them in a spreadsheet, where a text stays a text."""
    return _as_text(columns, [{column: _with_mark(row.get(column, "")) for column in columns} for row in rows])


def _with_mark(content: object) -> object:
    """A text that would be a formula with an apostrophe in front; one that looks marked already gets one more."""
    is_text = isinstance(content, str) and (_formula.match(content) or _marked.match(content))
    return f"'{content}" if is_text else content


def _unmarked(text: str) -> str:
    return text[1:] if _marked.match(text) else text


def _read_seed_keys(seed: str, path: Path) -> set[tuple]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return {_key(seed, row) for row in csv.DictReader(stream)}


@dataclass(frozen=True)
class _Write:
    """One file and what it is to hold."""

    path: Path
    text: str

    def __call__(self) -> None:
        replace_text(self.path, self.text)


def _writer(path: Path, columns: tuple[str, ...], rows: list[dict]) -> _Write:
    return _Write(path, _as_proposals(columns, rows))


def _appender(path: Path, columns: tuple[str, ...], rows: list[dict]) -> _Write:
    before = path.read_text(encoding="utf-8-sig")
    with io.StringIO(before) as stream:
        own_columns = tuple(csv.DictReader(stream).fieldnames or columns)
    after = _as_text(own_columns, rows).split("\n", 1)[1]
    return _Write(path, before + ("" if before.endswith("\n") else "\n") + after)


def _as_text(columns: tuple[str, ...], rows: list[dict]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def write_rows(path: Path, columns: tuple[str, ...], rows: list[dict]) -> None:
    """Writes a file of proposals aside and then takes the place of the former one; raises InputError if that fails."""
    replace_text(path, _as_proposals(columns, rows))


def replace_text(path: Path, text: str) -> None:
    """Writes a text file aside and then takes the place of the former one; raises InputError if that fails."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        aside = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
                stream.write(text)
            aside.chmod(0o644)
            os.replace(aside, path)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"The file {path} cannot be written ({error.strerror or error}); it is as it was.") from error
