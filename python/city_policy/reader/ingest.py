"""Reading a folder of yearbook editions into the landing file ``yearbook_cells.parquet``."""

import gc
import multiprocessing
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from rapidfuzz import fuzz, process
from tqdm import tqdm

from city_policy.errors import InputError
from city_policy.reader.files import CSV_SUFFIX, is_readable, read_csv, read_sheets
from city_policy.reader.knowledge import Knowledge, load_knowledge
from city_policy.reader.landing import write_parquet
from city_policy.reader.sheets import NAME_LABELS, Block, SheetReader, cell_to_text
from city_policy.reader.text import ZERO_WIDTH, parse_number, squeeze, strip_blank

LANDING_FILE = "yearbook_cells.parquet"

_year = re.compile(r"(?<!\d)(?:19|20)\d{2}(?!\d)")

# The unit separator cannot stand in a cell of a workbook (XML 1.0 forbids it): cells cross between
# processes as one text.
_SEPARATOR = "\x1f"


class Task(NamedTuple):
    """One file to read. ``edition`` is None for a file outside an edition folder."""

    path: Path
    name: str
    edition: int | None


class Example(NamedTuple):
    """How often something unknown occurs, and where it stands first."""

    count: int
    address: str


@dataclass
class FileResult:
    """What one file holds: its blocks, with the cells as one text, and what the mapping does not know of
    it."""

    name: str
    blocks: list[tuple[str, str, int, int, list, list[int], list[str], str]] = field(default_factory=list)
    n_cells: int = 0
    tables: set[str] = field(default_factory=set)
    unknown_tables: dict[str, str] = field(default_factory=dict)
    unknown_headers: dict[tuple[str, str], str] = field(default_factory=dict)
    unknown_names: dict[tuple[str, int], tuple[int, str]] = field(default_factory=dict)
    unparsed_numbers: list[tuple[str, str]] = field(default_factory=list)
    is_table: bool = False


@dataclass
class Summary:
    """What an ingest read and what it did not know. ``str`` gives the closing lines."""

    editions: dict[int, int]
    n_tables: int
    n_cells: int
    unknown_tables: dict[str, Example]
    unknown_headers: dict[tuple[str, str], Example]
    unknown_names: dict[tuple[str, int], Example]
    suggestions: list[str]
    unparsed_numbers: list[tuple[str, str]]
    not_read: list[str]
    target: Path

    def __str__(self) -> str:
        lines = [
            f"editions          {len(self.editions)}  ("
            + ", ".join(f"{edition}: {count} tables" for edition, count in sorted(self.editions.items()))
            + ")",
            f"tables            {self.n_tables}",
            f"cells             {self.n_cells}",
            f"unknown tables    {len(self.unknown_tables)}",
            *_shown(f"{title or '(no title)'}  {example.address}" for title, example in self.unknown_tables.items()),
            f"unknown headers   {len(self.unknown_headers)}",
            *_shown(
                f"{title}: {header or '(no label)'}  {example.address}"
                for (title, header), example in self.unknown_headers.items()
            ),
            f"unknown names     {len(self.unknown_names)}",
            *_shown(
                f"{name or '(blank)'} in {year}, {example.count} rows  {example.address}"
                for (name, year), example in self.unknown_names.items()
            ),
        ]
        if self.suggestions:
            lines.append("  lines for seeds/geography/city_names.csv, to be checked before pasting:")
            lines += [f"    {line}" for line in self.suggestions]
        lines += [
            f"unparsed numbers  {len(self.unparsed_numbers)}",
            *_shown(f"{text!r}  {address}" for text, address in self.unparsed_numbers),
        ]
        if self.not_read:
            lines += [f"not read          {len(self.not_read)}", *_shown(self.not_read)]
        lines.append(f"written           {self.target}")
        return "\n".join(lines)


def _shown(items, limit: int = 20) -> list[str]:
    """At most ``limit`` indented lines and how many more there are."""
    items = list(items)
    lines = [f"  {item}" for item in items[:limit]]
    if len(items) > limit:
        lines.append(f"  … and {len(items) - limit} more")
    return lines


def edition_of(folder: Path) -> int:
    """The year of an edition folder; raises InputError if its name holds none or several."""
    years = {int(year) for year in _year.findall(folder.name)}
    if len(years) != 1:
        raise InputError(
            f"The folder {folder} holds workbooks but its name holds {'no' if not years else 'more than one'} year; "
            "name it by the year of its edition, for example 2021."
        )
    return years.pop()


def find_files(folder: Path) -> tuple[list[Task], list[str]]:
    """The files to read, edition by edition, and the names of those that are nothing to read.

    One folder per edition, named by its year; files directly in ``folder`` are read if they are wide tables
    with a data year per sheet or row. Raises InputError for a missing folder, an edition without a year,
    two editions of one year, an empty edition, or nothing to read.
    """
    if not folder.is_dir():
        raise InputError(f"The folder {folder} does not exist; give the folder that holds one folder per edition.")
    tasks: list[Task] = []
    not_read: list[str] = []
    editions: dict[int, Path] = {}
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_file():
            if is_readable(entry) and holds_wide_table(entry):
                tasks.append(Task(entry, entry.name, None))
            elif not entry.name.startswith("~$"):
                not_read.append(entry.name)
            continue
        files = sorted(path for path in entry.rglob("*") if path.is_file() and not path.name.startswith((".", "~$")))
        readable = [path for path in files if is_readable(path)]
        if not readable:
            if _year.search(entry.name):
                raise InputError(f"The edition folder {entry} holds no workbook and no CSV file.")
            not_read += [path.relative_to(folder).as_posix() for path in files]
            continue
        edition = edition_of(entry)
        if edition in editions:
            raise InputError(
                f"The folders {editions[edition]} and {entry} are both the edition {edition} (data year "
                f"{edition - 1}); keep one of them."
            )
        editions[edition] = entry
        tasks += [Task(path, path.relative_to(folder).as_posix(), edition) for path in readable]
        not_read += [path.relative_to(folder).as_posix() for path in files if path not in readable]
    if not tasks:
        raise InputError(
            f"The folder {folder} holds no edition; it should hold one folder per edition, named by its year, with "
            "the workbooks in it."
        )
    return tasks, not_read


def holds_wide_table(path: Path) -> bool:
    """Whether a file outside the edition folders is to be read: a workbook always, a CSV file (which may be
    anything) if its first rows hold a label for names."""
    if path.suffix.lower() != CSV_SUFFIX:
        return True
    rows = read_csv(path, 10)
    return any(squeeze(cell) in NAME_LABELS for row in rows for cell in row)


def read_file(task: Task, knowledge: Knowledge, clean_names: dict[str, str]) -> FileResult:
    """Reads one file into blocks; raises InputError for what cannot be read or has a unit nobody knows."""
    reader = SheetReader(knowledge, clean_names)
    result = FileResult(task.name)
    for sheet in read_sheets(task.path):
        for block in reader.read(sheet.name, sheet.rows):
            add_block(result, task, block, knowledge)
    return result


def add_block(result: FileResult, task: Task, block: Block, knowledge: Knowledge) -> None:
    """Checks a block against the mapping and adds it to the result of its file."""
    if task.edition is None and block.data_year is None:
        raise InputError(
            f"The file {task.path}, sheet {block.sheet or '1'}, holds a printed table outside an edition folder; "
            "move it into a folder named by the year of its edition, or give every sheet its data year as name."
        )
    result.is_table = True
    data_year = block.data_year if block.data_year is not None else task.edition - 1
    edition = task.edition if task.edition is not None else data_year + 1
    cells = cell_texts(block.cells)
    n_columns = len(block.columns)
    title = block.table_title
    place = f"{task.name}, sheet {block.sheet}" if block.sheet else task.name
    result.tables.add(title)
    result.n_cells += len(cells)
    if not knowledge.is_known_title(title):
        result.unknown_tables.setdefault(title, f"{place}, row {block.header_row}")
    if title not in knowledge.unused_titles:
        for position, column in enumerate(block.columns):
            address = f"{place}, row {block.header_row}, column {column.number}"
            row = knowledge.header(column.header, title, data_year)
            if row is None:
                if title in knowledge.used_titles and any(cells[position::n_columns]):
                    result.unknown_headers.setdefault((title, column.header), address)
                continue
            if not row.series:
                continue
            check_unit(column.unit or row.default_unit, row.series, column.header, address, knowledge)
            texts = cells[position::n_columns]
            for index, text in enumerate(texts):
                if text and not text.isdecimal() and parse_number(text)[0] == "unparsed":
                    result.unparsed_numbers.append((text, f"{place}, row {block.rows[index]}, column {column.number}"))
        for index, name in enumerate(block.names):
            if not knowledge.knows_name(name, data_year):
                count, address = result.unknown_names.get((name, data_year), (0, ""))
                result.unknown_names[name, data_year] = (
                    count + 1,
                    address or f"{place}, row {block.rows[index]}",
                )
    result.blocks.append(
        (
            block.sheet,
            title,
            data_year,
            edition,
            [tuple(column) for column in block.columns],
            block.rows,
            block.names,
            _SEPARATOR.join(cells),
        )
    )


def cell_texts(cells: list) -> list[str]:
    """The cells as texts without blanks at their ends; most blocks hold nothing but texts without odd
    characters."""
    try:
        texts = list(map(str.strip, cells))
    except TypeError:
        return list(map(cell_to_text, cells))
    return list(map(strip_blank, texts)) if ZERO_WIDTH.search("".join(texts)) else texts


def check_unit(unit: str, series: str, header: str, address: str, knowledge: Knowledge) -> None:
    """Raises InputError if a printed unit cannot be converted to the canonical unit of its indicator."""
    canonical = knowledge.canonical_units[series]
    if unit and (unit, canonical) not in knowledge.conversions:
        raise InputError(
            f"{address}: the header {header} ({series}) prints the unit {unit!r}, which "
            f"seeds/mapping/units.csv cannot convert to {canonical}; add a row for it."
        )


_worker: tuple[Knowledge, dict[str, str]] | None = None


def _start_worker(knowledge: Knowledge) -> None:
    global _worker
    _worker = (knowledge, {})
    # A worker lives for a second and makes no cycles; looking for them costs a tenth of its time.
    gc.disable()


def _read_in_worker(task: Task) -> FileResult:
    return read_file(task, *_worker)


def read_files(tasks: list[Task], knowledge: Knowledge, progress: bool, workers: int) -> Iterator[FileResult]:
    """The results of the files in their order, read by ``workers`` processes."""
    if workers <= 1 or len(tasks) < 4:
        clean_names: dict[str, str] = {}
        for task in tqdm(tasks, unit="file", disable=not progress):
            yield read_file(task, knowledge, clean_names)
        return
    # Forking is two orders of magnitude cheaper than starting new interpreters; the workers use no threads.
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
    with multiprocessing.get_context(method).Pool(workers, _start_worker, (knowledge,)) as pool:
        results = pool.imap(_read_in_worker, tasks, chunksize=max(1, min(8, len(tasks) // (4 * workers))))
        yield from tqdm(results, total=len(tasks), unit="file", disable=not progress)


class LandingBuilder:
    """Collects blocks and builds the landing table, one row per printed cell, in the order of the files."""

    def __init__(self) -> None:
        self.blocks: list[tuple] = []
        self.columns: list[tuple] = []
        self.rows: list[int] = []
        self.names: list[str] = []
        self.cells: list[str] = []

    def add(self, file: str, block: tuple) -> None:
        """Adds the cells of one block of a file."""
        sheet, title, data_year, edition, columns, rows, names, cells = block
        if columns:
            self.blocks.append((file, sheet, title, data_year, edition, len(rows), len(columns)))
            self.columns += columns
            self.rows += rows
            self.names += names
            self.cells.append(cells)

    def table(self) -> pa.Table:
        """The landing table. The cells of a block are row by row; every index below has one entry per
        cell."""
        file, sheet, title, data_year, edition, n_rows, n_columns = zip(*self.blocks, strict=True)
        number, header, unit, scope = zip(*self.columns, strict=True)
        n_columns = np.array(n_columns)
        block_of_row = np.repeat(np.arange(len(self.blocks)), n_rows)
        columns_of_row = n_columns[block_of_row]
        first_column = (np.cumsum(n_columns) - n_columns)[block_of_row]
        first_cell = np.cumsum(columns_of_row) - columns_of_row
        row_of_cell = np.repeat(np.arange(len(self.rows)), columns_of_row)
        column_of_cell = (first_column - first_cell)[row_of_cell] + np.arange(len(row_of_cell))
        block_of_cell = block_of_row[row_of_cell]
        return pa.table(
            {
                "data_year": _numbers(data_year, block_of_cell),
                "edition": _numbers(edition, block_of_cell),
                "table_title": _texts(title, block_of_cell),
                "header": _texts(header, column_of_cell),
                "unit": _texts(unit, column_of_cell),
                "scope": _texts(scope, column_of_cell),
                "city_raw": _texts(self.names, row_of_cell),
                "cell_text": _strings(_SEPARATOR.join(self.cells)),
                "file": _texts(file, block_of_cell),
                "sheet": _texts(sheet, block_of_cell),
                "row": _numbers(self.rows, row_of_cell),
                "column": _numbers(number, column_of_cell),
            }
        )


# Arrow arrays are made of their buffers: pa.array() imports pandas, which takes as long as reading an edition.


def _numbers(values: Sequence[int], indices: np.ndarray) -> pa.Array:
    """The number at every index."""
    return pa.Array.from_buffers(
        pa.int32(), len(indices), [None, pa.py_buffer(np.array(values, dtype=np.int32)[indices])]
    )


def _strings(joined: str) -> pa.StringArray:
    """The texts that separators join. In UTF-8 the separator is a byte that is part of no other character."""
    separated = np.frombuffer((joined + _SEPARATOR).encode(), dtype=np.uint8)
    is_separator = separated == ord(_SEPARATOR)
    ends = np.flatnonzero(is_separator)
    offsets = np.concatenate([[0], ends - np.arange(len(ends))]).astype(np.int32)
    return pa.StringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(separated[~is_separator]))


def _texts(values: Sequence[str], indices: np.ndarray) -> pa.DictionaryArray:
    """The text at every index, as a dictionary of the distinct texts in the order of their first use."""
    positions: dict[str, int] = {}
    codes = [positions.setdefault(value, len(positions)) for value in values]
    return pa.DictionaryArray.from_arrays(_numbers(codes, indices), _strings(_SEPARATOR.join(positions)))


def suggest(unknown: dict[tuple[str, int], Example], knowledge: Knowledge) -> list[str]:
    """A line for city_names.csv per unknown name: the nearest official name, to be checked by a person."""
    lines = []
    official = list(knowledge.city_names)
    for (name, year), example in unknown.items():
        nearest = process.extractOne(name, official, scorer=fuzz.ratio, score_cutoff=40) if name else None
        if nearest:
            adcode = knowledge.city_names[nearest[0]]
            lines.append(f"{name},{adcode},ocr_variant,{year},{year},{nearest[0]}? {example.address.replace(',', ';')}")
        else:
            lines.append(f"{name},,ocr_variant,{year},{year},no similar name; {example.address.replace(',', ';')}")
    return lines


def ingest(
    folder: Path | str,
    landing_dir: Path | str,
    mapping_dir: Path | str,
    geography_dir: Path | str,
    progress: bool = True,
    workers: int = 2,
) -> Summary:
    """Reads all editions below ``folder`` and writes ``landing_dir/yearbook_cells.parquet``.

    Columns: data_year, edition, table_title, header, unit, scope ('city', 'districts', '' where nothing is
    printed, 'unclear' where the label of one column is lost), city_raw, cell_text, file, sheet, row and
    column (both from 1). The same input gives the same bytes, whatever the number of workers. Raises
    InputError with one sentence for bad input; the file of an earlier ingest is then unchanged.
    """
    knowledge = load_knowledge(Path(mapping_dir), Path(geography_dir))
    tasks, not_read = find_files(Path(folder))
    builder = LandingBuilder()
    editions: Counter[int] = Counter()
    n_tables = n_cells = 0
    unknown_tables: dict[str, Example] = {}
    unknown_headers: dict[tuple[str, str], Example] = {}
    unknown_names: dict[tuple[str, int], Example] = {}
    unparsed_numbers: list[tuple[str, str]] = []

    def count(target: dict, key: object, address: str, times: int = 1) -> None:
        before = target.get(key)
        target[key] = Example(before.count + times, before.address) if before else Example(times, address)

    for task, result in zip(tasks, read_files(tasks, knowledge, progress, workers), strict=True):
        if not result.is_table:
            not_read.append(f"{task.name} (no table in it)")
            continue
        for block in result.blocks:
            builder.add(task.name, block)
        for edition in {block[3] for block in result.blocks}:
            editions[edition] += len({block[1] for block in result.blocks if block[3] == edition})
        n_tables += len(result.tables)
        n_cells += result.n_cells
        for title, address in result.unknown_tables.items():
            count(unknown_tables, title, address)
        for key, address in result.unknown_headers.items():
            count(unknown_headers, key, address)
        for key, (times, address) in result.unknown_names.items():
            count(unknown_names, key, address, times)
        unparsed_numbers += result.unparsed_numbers
    if not n_cells:
        raise InputError(f"The folder {folder} holds no table with cities in it.")
    target = Path(landing_dir) / LANDING_FILE
    write_parquet(builder.table(), target)
    return Summary(
        editions=dict(editions),
        n_tables=n_tables,
        n_cells=n_cells,
        unknown_tables=unknown_tables,
        unknown_headers=unknown_headers,
        unknown_names=unknown_names,
        suggestions=suggest(unknown_names, knowledge),
        unparsed_numbers=unparsed_numbers,
        not_read=not_read,
        target=target,
    )
