"""Reading a folder of yearbook editions into the landing files.

``yearbook_cells.parquet`` holds one row per printed cell; ``reader_notes.parquet`` one row per thing that the
reader noticed and a person should know: an edition that is refused, a hidden sheet, a page whose unit contradicts
its table.
"""

import contextlib
import gc
import multiprocessing
import multiprocessing.pool
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from tqdm import tqdm

from city_policy.errors import InputError
from city_policy.reader.editions import Task, find_files, level_of_name, level_of_path, years_of_text
from city_policy.reader.files import read_sheets, unpack_zip
from city_policy.reader.knowledge import Knowledge, load_knowledge
from city_policy.reader.landing import write_parquet
from city_policy.reader.proposals import write_proposals
from city_policy.reader.sheets import UNREADABLE_YEAR, Block, SheetReader, cell_to_text
from city_policy.reader.summary import Note, Summary, Unknown, add_unknown
from city_policy.reader.text import ZERO_WIDTH, parse_number, parse_title, squeeze, strip_blank
from city_policy.running.stopping import leave_signals_to_the_parent

LANDING_FILE = "yearbook_cells.parquet"
NOTES_FILE = "reader_notes.parquet"

# The unit separator cannot stand in a cell of a workbook (XML 1.0 forbids it): cells cross between
# processes as one text.
_SEPARATOR = "\x1f"

# Blanks, signs for missing values and numbers without thousands groups, as nearly all columns print them.
_plain_number = r"(?:-?[0-9]+(?:\.[0-9]+)?|-{1,3}|—{1,2}|…{1,2}|#{1,2})?"
_plain_numbers = re.compile(f"{_plain_number}(?:{_SEPARATOR}{_plain_number})*")

# A table is one of prefectures if at least this share of its rows of units are prefecture-level cities. The tables of
# all cities (until 1996) have a third; a county-level table has none but for misread names.
PREFECTURE_SHARE = 0.15


class LandedBlock(NamedTuple):
    """A block on its way to the landing file: its cells, row by row, as one text in UTF-8."""

    sheet: str
    table_title: str
    data_year: int
    edition: int
    level: str
    form: str
    columns: list[tuple]
    rows: list[int]
    names: list[str]
    cells: bytes


@dataclass
class FileResult:
    """What one file holds: its blocks, and what the mapping does not know of them."""

    name: str
    blocks: list[LandedBlock] = field(default_factory=list)
    n_cells: int = 0
    unknown_tables: dict[str, Unknown] = field(default_factory=dict)
    unknown_headers: dict[tuple[str, str], Unknown] = field(default_factory=dict)
    unknown_units: dict[tuple[str, str], Unknown] = field(default_factory=dict)
    unknown_scopes: dict[tuple[str, str], Unknown] = field(default_factory=dict)
    unknown_names: dict[tuple[str, int], Unknown] = field(default_factory=dict)
    unparsed_numbers: list[tuple[str, str]] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)
    failure: str = ""


def read_file(task: Task, knowledge: Knowledge, clean_names: dict[str, str]) -> FileResult:
    """Reads one file into blocks; a file that cannot be read has a sentence as ``failure``."""
    reader = SheetReader(knowledge, clean_names, parse_title(squeeze(task.path.stem))[0])
    result = FileResult(task.name)
    blocks: list[Block] = []
    try:
        for sheet in read_sheets(task.path):
            result.notes += [
                Note(remark.kind, task.data_year, task.name, sheet.name, *remark[1:]) for remark in sheet.remarks
            ]
            blocks += reader.read(sheet.name, sheet.rows)
    except InputError as error:
        result.failure = str(error)
        return result
    keep_units(blocks, result)
    levels = levels_of(blocks, task, knowledge)
    for block in blocks:
        add_block(result, task, block, levels[block.table_title, block.form], knowledge)
    return result


def keep_units(blocks: list[Block], result: FileResult) -> None:
    """Gives every column of a table the unit that most of its pages print, and notes the pages that contradict.

    A page that prints 人 in a table of 万人 is a misprint that no number shows.
    """
    printed: dict[tuple[str, str, str], Counter[str]] = {}
    for block in blocks:
        for column in block.columns:
            if column.unit:
                key = (block.table_title, column.header, column.scope)
                printed.setdefault(key, Counter())[column.unit] += 1
    for block in blocks:
        for position, column in enumerate(block.columns):
            units: dict[str, int] = printed.get((block.table_title, column.header, column.scope), Counter())
            if len(units) > 1 and column.unit:
                # The first of equally frequent units is that of the first page.
                unit = max(units, key=units.__getitem__)
                if unit != column.unit:
                    block.columns[position] = column._replace(unit=unit)
                    message = f"this page prints the unit {column.unit}, the other pages of the table {unit}"
                    result.notes.append(
                        Note(
                            "unit of page",
                            block.data_year,
                            result.name,
                            block.sheet,
                            block.header_row,
                            column.number,
                            column.header,
                            message,
                        )
                    )


def levels_of(blocks: list[Block], task: Task, knowledge: Knowledge) -> dict[tuple[str, str], str]:
    """The level of every table of a file: 'prefecture', 'county' or 'other'.

    The corner of a wide workbook goes before the names of folders and file, and these before the units that the
    table prints. A table whose units are no prefectures is none of prefectures, whatever a folder says.
    """
    names: dict[tuple[str, str], Counter[str]] = {}
    levels: dict[tuple[str, str], str] = {}
    for block in blocks:
        key = (block.table_title, block.form)
        levels[key] = level_of_name(block.level_text) or level_of_name(block.table_title) or level_of_path(task.name)
        data_year = block.data_year if block.data_year is not None else task.data_year
        if data_year is not None and data_year != UNREADABLE_YEAR:
            names.setdefault(key, Counter()).update(map(knowledge.kinds(data_year).__getitem__, set(block.names)))
    for key, kinds in names.items():
        units = kinds["city"] + kinds["county"] + kinds[""]
        are_prefectures = units == 0 or kinds["city"] >= PREFECTURE_SHARE * units
        if levels[key] in ("", "prefecture"):
            levels[key] = "prefecture" if are_prefectures else "county"
    return {key: level or "prefecture" for key, level in levels.items()}


def add_block(result: FileResult, task: Task, block: Block, level: str, knowledge: Knowledge) -> None:
    """Checks a block against the mapping and adds it to the result of its file."""
    place = f"{task.name}, sheet {block.sheet}" if block.sheet else task.name
    if task.data_year is None and block.data_year is None:
        result.failure = (
            f"The file {task.name}, sheet {block.sheet or '1'}, holds a printed table outside an edition folder; "
            "move it into a folder named by the year of its edition, or give every sheet its data year as name."
        )
        return
    # A column of years in a national summary is no panel.
    has_own_year = block.data_year is not None and (level != "other" or task.data_year is None)
    if has_own_year and block.data_year == UNREADABLE_YEAR:
        note_unreadable_years(result, block)
        return
    data_year = block.data_year if has_own_year else task.data_year
    # One of the two is there, and the block's own counts where the task has none.
    assert data_year is not None
    if level != "other" and task.data_year is not None:
        refuse_other_years(result, block, data_year, task.data_year, place)
    cells = cell_texts(block.cells)
    result.n_cells += len(cells)
    if level == "prefecture":
        report_unknown(result, block, cells, data_year, place, knowledge)
    columns = [tuple(column) for column in block.columns]
    result.blocks.append(
        LandedBlock(
            block.sheet,
            block.table_title,
            data_year,
            data_year + 1,
            level,
            block.form,
            columns,
            block.rows,
            block.names,
            _SEPARATOR.join(cells).encode(),
        )
    )


def refuse_other_years(result: FileResult, block: Block, data_year: int, of_folder: int, place: str) -> None:
    """Refuses the edition if a table says another year than its folder."""
    years = {data_year} if block.form == "wide" and block.data_year is not None else years_of_text(block.heading)
    if years and of_folder not in years and not (block.form == "wide" and not block.level_text):
        result.refused.setdefault(
            of_folder,
            f"{place}, row {block.header_row}: the table says {max(years)}, but its folder means data year "
            f"{of_folder}; name the folder by the year of its edition, which is one more than the year of its data.",
        )


def note_unreadable_years(result: FileResult, block: Block) -> None:
    """Tells the rows of a panel that were left out because their year cannot be read."""
    n_columns = len(block.columns)
    for index, (row, name) in enumerate(zip(block.rows, block.names, strict=True)):
        n_filled = sum(map(bool, cell_texts(block.cells[index * n_columns : (index + 1) * n_columns])))
        if n_filled:
            message = (
                f"The cell of the year column is no year, so the {n_filled} values of this row were left out; "
                "print the year there with four digits."
            )
            result.notes.append(
                Note("unreadable year", None, result.name, block.sheet, row, block.year_column, name, message)
            )


def report_unknown(
    result: FileResult, block: Block, cells: list[str], data_year: int, place: str, knowledge: Knowledge
) -> None:
    """Counts what the mapping does not know of a block of a prefecture-level table."""

    def count(target: dict, key: object, n_cells: int, address: str, unit: str = "") -> None:
        add_unknown(target, key, Unknown(n_cells, address, data_year, data_year, unit))

    title = block.table_title
    n_columns = len(block.columns)
    if not knowledge.is_known_title(title):
        count(result.unknown_tables, title, sum(map(bool, cells)), f"{place}, row {block.header_row}")
    if title in knowledge.unused_titles:
        return
    for position, column in enumerate(block.columns):
        address = f"{place}, row {block.header_row}, column {column.number}"
        texts = cells[position::n_columns]
        n_filled = sum(map(bool, texts))
        row = knowledge.header(column.header, title, data_year)
        if row is None:
            if n_filled:
                count(result.unknown_headers, (title, column.header), n_filled, address, column.unit)
            continue
        if not row.series:
            continue
        is_panel = block.form == "wide" and not column.scope
        if column.scope in ("", "unclear") and not row.default_scope and not is_panel and n_filled:
            count(result.unknown_scopes, (title, column.header), n_filled, address)
        unit = column.unit or row.default_unit
        if unit and (unit, knowledge.canonical_units[row.series]) not in knowledge.conversions:
            count(result.unknown_units, (unit, row.series), n_filled, address)
        if _plain_numbers.fullmatch(_SEPARATOR.join(texts)):
            continue
        for index, text in enumerate(texts):
            if text and parse_number(text)[0] == "unparsed":
                result.unparsed_numbers.append((text, f"{place}, row {block.rows[index]}, column {column.number}"))
    report_unknown_names(result, block, cells, data_year, place, knowledge)


def report_unknown_names(
    result: FileResult, block: Block, cells: list[str], data_year: int, place: str, knowledge: Knowledge
) -> None:
    """Counts the rows whose name stands for nothing that is known in the data year."""
    n_columns = len(block.columns)
    kinds = knowledge.kinds(data_year)
    for index, name in enumerate(block.names):
        if not kinds[name]:
            n_filled = sum(map(bool, cells[index * n_columns : (index + 1) * n_columns]))
            address = f"{place}, row {block.rows[index]}"
            add_unknown(result.unknown_names, (name, data_year), Unknown(n_filled, address, data_year, data_year, ""))


def cell_texts(cells: list) -> list[str]:
    """The cells as texts without blanks at their ends; most blocks hold nothing but texts without odd
    characters."""
    try:
        texts = list(map(str.strip, cells))
    except TypeError:
        return list(map(cell_to_text, cells))
    return list(map(strip_blank, texts)) if ZERO_WIDTH.search("".join(texts)) else texts


@contextlib.contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Reading makes millions of objects and no cycles; looking for cycles among them costs a tenth of its time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


# Forking is two orders of magnitude cheaper than starting new interpreters; the workers use no threads.
_context = multiprocessing.get_context("fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn")


class _Worker(_context.Process):  # type: ignore[name-defined]
    """A process of the pool, which ends without a word when the one that asked it has ended."""

    def run(self) -> None:
        try:
            super().run()
        except BrokenPipeError:
            # What a task raises is an answer; this is the pipe for answers.
            sys.exit(1)


class _Pool(multiprocessing.pool.Pool):
    @staticmethod
    def Process(_, *arguments, **options):  # type: ignore[override]
        return _Worker(*arguments, **options)


_worker: tuple[Knowledge, dict[str, str]] | None = None


def _start_worker(knowledge: Knowledge) -> None:
    global _worker
    leave_signals_to_the_parent()
    _worker = (knowledge, {})
    # A worker that is spawned has not inherited the switch.
    gc.disable()


def _read_in_worker(task: Task) -> FileResult:
    # A worker begins with `_start_worker`.
    assert _worker is not None
    return read_file(task, *_worker)


def read_files(tasks: list[Task], knowledge: Knowledge, progress: bool, workers: int) -> Iterator[FileResult]:
    """The results of the files in their order, read by ``workers`` processes."""
    if workers <= 1 or len(tasks) < 4:
        clean_names: dict[str, str] = {}
        for task in tqdm(tasks, unit="file", disable=not progress):
            yield read_file(task, knowledge, clean_names)
        return
    with _Pool(workers, _start_worker, (knowledge,), context=_context) as pool:
        results = pool.imap(_read_in_worker, tasks, chunksize=max(1, min(8, len(tasks) // (4 * workers))))
        yield from tqdm(results, total=len(tasks), unit="file", disable=not progress)


class LandingBuilder:
    """Collects blocks and builds the landing table, one row per printed cell, in the order of the files."""

    def __init__(self) -> None:
        self.blocks: list[tuple] = []
        self.columns: list[tuple] = []
        self.rows: list[int] = []
        self.names: list[str] = []
        self.cells: list[bytes] = []

    def add(self, file: str, block: LandedBlock) -> None:
        """Adds the cells of one block of a file."""
        if block.columns and block.rows:
            facts = block.sheet, block.table_title, block.data_year, block.edition, block.level, block.form
            self.blocks.append((file, *facts, len(block.rows), len(block.columns)))
            self.columns += block.columns
            self.rows += block.rows
            self.names += block.names
            self.cells.append(block.cells)

    def table(self) -> pa.Table:
        """The landing table. The cells of a block are row by row; every index below has one entry per
        cell."""
        file, sheet, title, data_year, edition, level, form, n_rows, widths = zip(*self.blocks, strict=True)
        number, header, unit, scope = zip(*self.columns, strict=True)
        n_columns = np.array(widths, dtype=np.int32)
        block_of_row = np.repeat(np.arange(len(self.blocks), dtype=np.int32), n_rows)
        columns_of_row = n_columns[block_of_row]
        first_column = (np.cumsum(n_columns, dtype=np.int32) - n_columns)[block_of_row]
        first_cell = np.cumsum(columns_of_row, dtype=np.int32) - columns_of_row
        row_of_cell = np.repeat(np.arange(len(self.rows), dtype=np.int32), columns_of_row)
        column_of_cell = (first_column - first_cell)[row_of_cell] + np.arange(len(row_of_cell), dtype=np.int32)
        block_of_cell = block_of_row[row_of_cell]
        return pa.table(
            {
                "data_year": _numbers(data_year, block_of_cell),
                "edition": _numbers(edition, block_of_cell),
                "level": _texts(level, block_of_cell),
                "form": _texts(form, block_of_cell),
                "table_title": _texts(title, block_of_cell),
                "header": _texts(header, column_of_cell),
                "unit": _texts(unit, column_of_cell),
                "scope": _texts(scope, column_of_cell),
                "city_raw": _texts(self.names, row_of_cell),
                "cell_text": _strings(_SEPARATOR.encode().join(self.cells)),
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


def _strings(joined: bytes) -> pa.StringArray:
    """The texts in UTF-8 that separators join. The separator is a byte that is part of no other character."""
    ends = np.append(np.flatnonzero(np.frombuffer(joined, dtype=np.uint8) == ord(_SEPARATOR)), len(joined))
    offsets = np.concatenate([[0], ends - np.arange(len(ends))]).astype(np.int32)
    texts = joined.translate(None, _SEPARATOR.encode())
    return pa.StringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(texts))


def _texts(values: Sequence[str], indices: np.ndarray) -> pa.DictionaryArray:
    """The text at every index, as a dictionary of the distinct texts in the order of their first use."""
    if not values:
        return pa.DictionaryArray.from_arrays(_numbers([], indices), _strings(b"")[:0])
    positions: dict[str, int] = {}
    codes = [positions.setdefault(value, len(positions)) for value in values]
    return pa.DictionaryArray.from_arrays(_numbers(codes, indices), _strings(_SEPARATOR.join(positions).encode()))


def notes_table(notes: Sequence[Note]) -> pa.Table:
    """The notes as a table; a number that a note does not have is 0."""
    every = np.arange(len(notes))
    columns = {}
    for name in Note._fields:
        values = [getattr(note, name) for note in notes]
        if name in ("data_year", "row", "column"):
            columns[name] = _numbers([value or 0 for value in values], every)
        else:
            columns[name] = _texts([value.replace(_SEPARATOR, " ") for value in values], every)
    return pa.table(columns)


def ingest(
    folder: Path | str,
    landing_dir: Path | str,
    mapping_dir: Path | str,
    geography_dir: Path | str,
    progress: bool = True,
    workers: int = 2,
) -> Summary:
    """Reads all editions below ``folder`` into ``landing_dir``.

    ``yearbook_cells.parquet`` has the columns data_year, edition, level ('prefecture', 'county' or 'other'), form
    ('table' or 'wide'), table_title, header, unit, scope ('city', 'districts', '' where nothing is printed, 'unclear'
    where the label of one column is lost), city_raw, cell_text, file, sheet, row and column (both from 1).
    ``reader_notes.parquet`` has the columns of ``Note``. The same input gives the same bytes, whatever the number of
    workers. An edition whose folder, file names and titles contradict each other on the year is left out with a note.
    Raises InputError for a file that cannot be read and other bad input; the files of an earlier ingest are then
    unchanged.
    """
    knowledge = load_knowledge(Path(mapping_dir), Path(geography_dir))
    with contextlib.ExitStack() as stack:
        stack.enter_context(_without_garbage_collection())

        def unpack(path: Path) -> Path:
            return unpack_zip(path, Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="city-policy-"))))

        found = find_files(Path(folder), unpack)
        results = list(read_files(found.tasks, knowledge, progress, workers))
    failures = [result.failure for result in results if result.failure]
    if failures:
        more = f" More files cannot be read ({len(failures) - 1}): {' '.join(failures[1:])}" if failures[1:] else ""
        raise InputError(failures[0] + more)
    refused = dict(found.refused)
    for result in results:
        for year, sentence in result.refused.items():
            refused.setdefault(year, sentence)
    summary, builder = collect(found.tasks, results, refused, found.not_read)
    if not summary.n_cells:
        raise InputError(next(iter(refused.values()), f"The folder {folder} holds no table with cities in it."))
    summary.target = Path(landing_dir) / LANDING_FILE
    write_parquet(builder.table(), summary.target)
    write_parquet(notes_table(summary.notes), Path(landing_dir) / NOTES_FILE)
    summary.proposals = Path(landing_dir).parent / "proposals"
    write_proposals(summary, summary.proposals, knowledge)
    return summary


def collect(
    tasks: list[Task], results: list[FileResult], refused: dict[int, str], not_read: list[str]
) -> tuple[Summary, "LandingBuilder"]:
    """What all files hold together, without the editions that are refused; ``refused``: data year → sentence."""
    builder = LandingBuilder()
    summary = Summary(refused=[sentence for _, sentence in sorted(refused.items())], not_read=list(not_read))
    summary.notes = [Note("refused edition", year, "", "", 0, 0, "", text) for year, text in sorted(refused.items())]
    tables: dict[int, set[tuple[str, str]]] = {}
    for task, result in zip(tasks, results, strict=True):
        if task.data_year in refused:
            continue
        if not result.blocks:
            summary.not_read.append(f"{task.name} (no table in it)")
        summary.notes += dict.fromkeys(result.notes)
        for block in result.blocks:
            builder.add(task.name, block)
            tables.setdefault(block.edition, set()).add((task.name, block.table_title))
            summary.n_cells_by_level[block.level] += len(block.rows) * len(block.columns)
        summary.n_cells += result.n_cells
        for name in ("unknown_tables", "unknown_headers", "unknown_units", "unknown_scopes", "unknown_names"):
            target = getattr(summary, name)
            for key, unknown in getattr(result, name).items():
                add_unknown(target, key, unknown)
        summary.unparsed_numbers += result.unparsed_numbers
    summary.notes += [Note("not read", None, name, "", 0, 0, "", "this file is not read") for name in summary.not_read]
    summary.editions = {edition: len(found) for edition, found in tables.items()}
    summary.n_tables = sum(summary.editions.values())
    return summary, builder
