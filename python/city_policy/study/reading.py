"""Reading the CSV files of a study folder as text, every mistake of form told."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
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
    if not folder.is_dir():
        return {}, [Problem(str(folder), 0, "", "no such folder; give the folder of a study, or write one: study new.")]
    problems = _unknown_files(folder, files)
    misspelt = {problem.about for problem in problems}
    rows: dict[str, list[Row]] = {}
    for name, file in files.items():
        rows[name] = []
        if _exists(folder, f"{name}.csv"):
            rows[name], found = _read(folder / f"{name}.csv", file)
            problems += found
        elif file.is_required and name not in misspelt:
            sentence = "the file is missing; write it, or let `study new` write a folder."
            problems.append(Problem(f"{name}.csv", 0, "", sentence, about=name))
    return rows, problems


def _exists(folder: Path, name: str) -> bool:
    """Whether the file is there under this very name, on a disk that tells no capitals apart too."""
    return any(path.name == name and path.is_file() for path in folder.iterdir())


def _unknown_files(folder: Path, files: Mapping[str, StudyFile]) -> list[Problem]:
    """CSV files that no study has; one that is another file misspelt is taken for that file."""
    problems = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() != ".csv" or (path.name.endswith(".csv") and path.name.removesuffix(".csv") in files):
            continue
        absent = [name for name in files if not _exists(folder, f"{name}.csv")]
        about = next((name for name in absent if nearest(path.stem, [name])), "")
        hint = f" (did you mean {about}.csv?)" if about else ""
        sentence = f"found a file that no study has{hint}; rename it or move it elsewhere."
        problems.append(Problem(path.name, 0, "", sentence, about=about))
    return problems


def _read(path: Path, file: StudyFile) -> tuple[list[Row], list[Problem]]:
    records, problem = _records(path, file.name)
    if problem:
        return [], [problem]
    (header_row, header), *body = records
    problems = _header_problems(header_row, header, file)
    if problems:
        return [], problems
    rows: list[Row] = []
    for number, record in body:
        if len(record) != len(header):
            sentence = f"found {len(record)} cells, expected {len(header)}; put text with a comma into double quotes."
            problems.append(Problem(path.name, number, "", sentence, about=file.name))
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


def _records(path: Path, name: str) -> tuple[list[tuple[int, list[str]]], Problem | None]:
    """The filled rows of a CSV file with their numbers, or why there are none."""
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content[: error.start].count(b"\n") + 1
        sentence = "the text is not UTF-8; save the file as CSV in UTF-8."
        return [], Problem(path.name, row, "", sentence, about=name)
    if "\0" in text:
        sentence = "the file holds zero bytes, so it is no CSV; save it as CSV in UTF-8."
        return [], Problem(path.name, 0, "", sentence, about=name)
    # A comment keeps its line, so that the numbers of rows are those of the file.
    lines = ["\n" if line.startswith(COMMENT) else line for line in io.StringIO(text, newline="")]
    reader = csv.reader(lines, strict=True)
    records: list[tuple[int, list[str]]] = []
    before = 0
    try:
        for record in reader:
            if any(cell.strip() for cell in record):
                records.append((before + 1, [cell.strip() for cell in record]))
            before = reader.line_num
    except csv.Error:
        sentence = "found a double quote that does not end before a comma; close it, or write it twice within quotes."
        return [], Problem(path.name, before + 1, "", sentence, about=name)
    if not records:
        return [], Problem(path.name, 0, "", "the file is empty; write its header and rows, or delete it.", about=name)
    return records, None


def _header_problems(row: int, header: Sequence[str], file: StudyFile) -> list[Problem]:
    sentences = _other_separator(header) or [
        *_wrong_names(header, file),
        *(f"found the column '{name}' twice; delete one." for name in dict.fromkeys(header) if header.count(name) > 1),
        *_missing_names(header, file),
    ]
    return [Problem(f"{file.name}.csv", row, "", sentence, about=file.name) for sentence in sentences]


def _other_separator(header: Sequence[str]) -> list[str]:
    for sign, name in ((";", "semicolons"), ("\t", "tabs")):
        if len(header) == 1 and sign in header[0]:
            return [f"found {name} between the columns, expected commas; save the file as CSV with commas."]
    return []


def _wrong_names(header: Sequence[str], file: StudyFile) -> Iterator[str]:
    free = [name for name in file.columns if name not in header]
    for position, column in enumerate(header, 1):
        if not column:
            yield f"found column {position} without a name, expected a name for each; add it."
        elif column not in file.columns:
            expected = f"expected columns among {', '.join(file.columns)}"
            yield f"found the column '{column}'{nearest(column, free)}, {expected}; correct it."


def _missing_names(header: Sequence[str], file: StudyFile) -> Iterator[str]:
    unknown = [name for name in header if name not in file.columns]
    for column in file.required_cells:
        # A column whose name is wrong, or that of another one, is not missing too.
        is_misspelt = any(nearest(name, [column]) for name in unknown) or len(set(header)) < len(header)
        if column not in header and not is_misspelt:
            yield f"the column '{column}' is missing, found {', '.join(header)}; add it."


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
