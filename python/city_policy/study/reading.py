"""Reading the CSV files of a study folder as text, every mistake of form told."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from city_policy.study.contract import DEFAULTS, KEYS, StudyFile
from city_policy.study.problems import Problem, nearest

# A comment of the files that `study new` writes.
COMMENT = "#"


@dataclass(frozen=True)
class Row:
    """A row of a file: ``number``: where it begins, from 1 with the header; ``cells``: column -> text, all columns."""

    number: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]


def read_folder(folder: Path, files: Mapping[str, StudyFile]) -> tuple[dict[str, list[Row]], list[Problem]]:
    """The rows of every file of the contract, none for one that is absent, and what is wrong with their form.

    Lines that begin with ``#`` are comments. Columns that may be missing are blank, blank cells take their defaults.
    """
    problems = []
    if not folder.is_dir():
        return {}, [Problem(str(folder), 0, "", "no such folder; give the folder of a study, or make one: study new")]
    for path in sorted(folder.iterdir()):
        name = path.name.removesuffix(".csv")
        if path.suffix.lower() == ".csv" and not (path.name.endswith(".csv") and name in files):
            hint = nearest(path.name, [f"{known}.csv" for known in files])
            problems.append(Problem(path.name, 0, "", f"no file of a study{hint}; rename it or move it elsewhere."))
    rows: dict[str, list[Row]] = {}
    for name, file in files.items():
        path = folder / f"{name}.csv"
        rows[name] = []
        if not path.is_file():
            if file.is_required:
                problems.append(
                    Problem(path.name, 0, "", "the file is missing; write it, or let `study new` write a folder.")
                )
            continue
        rows[name], found = _read(path, file)
        problems += found
    return rows, problems


def _read(path: Path, file: StudyFile) -> tuple[list[Row], list[Problem]]:
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content[: error.start].count(b"\n") + 1
        return [], [Problem(path.name, row, "", "the text is not UTF-8; save the file as CSV in UTF-8.")]
    if "\0" in text:
        return [], [Problem(path.name, 0, "", "the file holds zero bytes, so it is no CSV; save it as CSV in UTF-8.")]
    # A comment keeps its line, so that the numbers of rows are those of the file.
    lines = ["\n" if line.startswith(COMMENT) else line for line in text.splitlines(keepends=True)]
    reader = csv.reader(io.StringIO("".join(lines)), strict=True)
    records: list[tuple[int, list[str]]] = []
    before = 0
    try:
        for record in reader:
            if any(cell.strip() for cell in record):
                records.append((before + 1, [cell.strip() for cell in record]))
            before = reader.line_num
    except csv.Error as error:
        return [], [Problem(path.name, reader.line_num, "", f"{error}; put text with a comma or quote into quotes.")]
    if not records:
        return [], [Problem(path.name, 0, "", "the file is empty; write its header and rows, or delete it.")]
    (header_row, header), *body = records
    problems = _header_problems(path.name, header_row, header, file)
    if problems:
        return [], problems
    rows: list[Row] = []
    for number, record in body:
        if len(record) != len(header):
            sentence = f"found {len(record)} cells, expected {len(header)}; put text with a comma into double quotes."
            problems.append(Problem(path.name, number, "", sentence))
            continue
        given = dict(zip(header, record, strict=True))
        cells = {column: given.get(column, "") or DEFAULTS.get((file.name, column), "") for column in file.columns}
        rows.append(Row(number, cells))
        problems += [
            Problem(path.name, number, column, "found nothing, expected a value; fill the cell or delete the row.")
            for column in file.required_cells
            if not cells[column]
        ]
    return rows, problems + _repeated(path.name, rows, KEYS.get(file.name, ()))


def _header_problems(name: str, row: int, header: Sequence[str], file: StudyFile) -> list[Problem]:
    problems = []
    for position, column in enumerate(header):
        if column not in file.columns:
            found = f"found the column '{column}'{nearest(column, file.columns)}"
            problems.append(
                Problem(name, row, "", f"{found}, expected columns among {', '.join(file.columns)}; correct it.")
            )
        elif column in header[:position]:
            problems.append(Problem(name, row, "", f"found the column '{column}' twice; delete one."))
    problems += [
        Problem(name, row, "", f"the column '{column}' is missing, found {', '.join(header)}; add it.")
        for column in file.required_cells
        if column not in header
    ]
    return problems


def _repeated(name: str, rows: Sequence[Row], key: Sequence[str]) -> list[Problem]:
    first: dict[tuple[str, ...], int] = {}
    problems = []
    for row in rows if key else ():
        value = tuple(row[column].lower() for column in key)
        if all(value) and value in first:
            words = ", ".join(row[column] for column in key)
            problems.append(
                Problem(
                    name, row.number, key[0], f"found '{words}' as in row {first[value]}, expected it once; rename one."
                )
            )
        first.setdefault(value, row.number)
    return problems
