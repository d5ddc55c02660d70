"""Reading .xls and .dta files, in a process of its own.

These binary formats are read by libraries that were not written for damaged files: they may take all
memory or never end. So the module runs as a program that serves one reader: it takes paths on its standard
input and answers on its standard output with the cells as they stand in the file. ``isolation.py`` starts
it, ends it when it takes too long, and says what the cells mean. It imports nothing of the package, because
that would take longer than most files.
"""

import contextlib
import io
import marshal
import os
import struct
import sys
from collections.abc import Callable

# A filled cell: row, column, kind and value.
FilledCell = tuple[int, int, str, str | float]

# What the libraries raise for damaged files.
LIBRARY_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)

MAX_MEMORY = 2 * 2**30

# More of a file than this is not read: the answer is held in memory twice.
MAX_CELLS = 4_000_000


class Refused(Exception):
    """A file that cannot be read; the text is the cause, to be put into a sentence."""


def read_excel_97(path: str) -> list[dict]:
    """The sheets of an .xls workbook: name, visible, filled cells by position, hidden rows and columns."""
    import xlrd
    from xlrd.biffh import XLRDError
    from xlrd.compdoc import CompDocError

    try:
        # Its notes on odd records would go to the standard output.
        book = xlrd.open_workbook(path, formatting_info=True, ragged_rows=True, logfile=io.StringIO())
    except (XLRDError, CompDocError) as error:
        if "encrypted" in str(error).lower():
            raise Refused("it is protected by a password") from error
        raise Refused(f"its content is damaged: {error}") from error
    sheets = []
    for sheet in book.sheets():
        cells: list[FilledCell] = []
        for row in range(sheet.nrows):
            for column, kind in enumerate(sheet.row_types(row)):
                value = sheet.cell_value(row, column)
                if kind == xlrd.XL_CELL_TEXT:
                    # A formula with the empty text as its result, or without a result, is the only blank text.
                    cells.append((row + 1, column + 1, "text" if value else "formula", value))
                elif kind == xlrd.XL_CELL_NUMBER:
                    code = _format_code(book, sheet.cell_xf_index(row, column))
                    cells.append((row + 1, column + 1, f"number {code}", value))
                elif kind == xlrd.XL_CELL_DATE:
                    cells.append((row + 1, column + 1, "date", _excel_date(xlrd, float(value), book.datemode)))
                elif kind == xlrd.XL_CELL_BOOLEAN:
                    cells.append((row + 1, column + 1, "boolean", "TRUE" if value else "FALSE"))
                elif kind == xlrd.XL_CELL_ERROR:
                    cells.append((row + 1, column + 1, "error", xlrd.error_text_from_code.get(int(value), "#VALUE!")))
        if len(cells) > MAX_CELLS:
            raise Refused(f"it has more than {MAX_CELLS:,} cells")
        sheets.append(
            {
                "name": sheet.name,
                "visible": sheet.visibility == 0,
                "cells": cells,
                "hidden_rows": [row + 1 for row, info in sheet.rowinfo_map.items() if info.hidden],
                "hidden_columns": [c + 1 for c, info in sheet.colinfo_map.items() if info.hidden or info.width == 0],
            }
        )
    return sheets


def _format_code(book, style: int) -> str:
    """The number format of a cell."""
    return book.format_map[book.xf_list[style].format_key].format_str


def _excel_date(xlrd, value: float, datemode: int) -> str:
    try:
        moment = xlrd.xldate.xldate_as_datetime(value, datemode)
    except (ValueError, OverflowError):
        return f"date {value!r}"
    return moment.date().isoformat() if moment.time() == moment.time().min else moment.isoformat()


def read_stata(path: str) -> list[dict]:
    """The one sheet of a .dta file: the labels of its variables in row 1, their names where they have none,
    and values with their labels, missing ones blank."""
    import datetime

    import numpy
    import pandas

    with open(path, "rb") as file:
        head = file.read(64)
    # Before format 118 (Stata 14) texts are in the encoding of the machine, which the file does not name.
    chinese = _from_latin if not head.startswith(b"<stata_dta>") or b"<release>117" in head else str
    with pandas.read_stata(path, iterator=True, convert_dates=True) as reader:
        frame = reader.read()
        names = reader.variable_labels()
    if frame.size > MAX_CELLS:
        raise Refused(f"it has more than {MAX_CELLS:,} cells")
    cells: list[FilledCell] = [
        (1, number, "text", chinese(names.get(name) or name)) for number, name in enumerate(frame.columns, 1)
    ]
    for number, name in enumerate(frame.columns, 1):
        column = frame[name]
        missing = column.isna().to_numpy()
        single = column.dtype == numpy.float32
        for row, value in enumerate(column.tolist(), 2):
            if missing[row - 2] or value == "":
                continue
            if isinstance(value, str):
                cells.append((row, number, "text", chinese(value)))
            elif isinstance(value, pandas.Timestamp):
                moment = value.to_pydatetime()
                midnight = moment.time() == datetime.time()
                cells.append((row, number, "date", (moment.date() if midnight else moment).isoformat()))
            elif isinstance(value, int | float):
                # The shortest number that has this single precision: 1028.84, not 1028.8399658203125.
                cells.append((row, number, "number ", float(str(numpy.float32(value))) if single else value))
            else:
                cells.append((row, number, "text", str(value)))
    return [{"name": "", "visible": True, "cells": cells, "hidden_rows": [], "hidden_columns": []}]


def _from_latin(text: str) -> str:
    """A text that was read as Latin 1 although it is in UTF-8 or GB 18030."""
    if text.isascii():
        return text
    content = text.encode("latin-1", "replace")
    for encoding in ("utf-8", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return text


READERS: dict[str, Callable[[str], list[dict]]] = {"xls": read_excel_97, "dta": read_stata}


def answer(kind: str, path: str) -> tuple[str, list[dict] | str]:
    """('sheets', sheets) or ('refused', cause)."""
    try:
        return "sheets", READERS[kind](path)
    except Refused as error:
        return "refused", str(error)
    except LIBRARY_ERRORS as error:
        return "refused", f"its content is damaged ({type(error).__name__}: {error})".replace("\n", " ")


def limit_memory() -> None:
    """Ends an attempt to take all memory with an error, where the system can."""
    try:
        import resource
    except ImportError:
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    limit = MAX_MEMORY if hard == resource.RLIM_INFINITY else min(MAX_MEMORY, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def serve() -> None:
    """Answers until the standard input ends. Requests and answers are marshalled, each behind its length in
    eight bytes."""
    # Threads of linear algebra, which nobody needs here, would take their share of the memory.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    limit_memory()
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr
    while len(head := source.read(8)) == 8:
        kind, path = marshal.loads(source.read(int.from_bytes(head, "little")))
        reply = marshal.dumps(answer(kind, path))
        sink.write(len(reply).to_bytes(8, "little") + reply)
        sink.flush()


if __name__ == "__main__":
    serve()
