"""A sheet as it leaves the reading gate: its cells, and remarks on those that are not what they seem."""

import datetime
import html
import re
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

# The text of a formula whose result the file does not hold; no number parser takes it.
FORMULA_WITHOUT_RESULT = "#FORMULA!"

# What spreadsheet programs show in a cell whose formula fails.
ERROR_TEXTS = frozenset(
    {
        "#NULL!",
        "#DIV/0!",
        "#VALUE!",
        "#REF!",
        "#NAME?",
        "#NUM!",
        "#N/A",
        "#GETTING_DATA",
        "#SPILL!",
        "#CALC!",
        "#FIELD!",
        "#BLOCKED!",
        "#CONNECT!",
        "#UNKNOWN!",
        "#BUSY!",
    }
)

# A sheet with more cells in its used area is not read: blank ones cost memory, too.
MAX_CELLS = 4_000_000

# A used area above the limit is cut behind so many blank rows or columns, if no more cells stand beyond.
_BLANK_ROWS = 1000
_BLANK_COLUMNS = 200
_MAX_FAR_CELLS = 100


class Remark(NamedTuple):
    """Something a reader of the sheet must be told.

    ``row`` and ``column`` count from 1, 0 means the whole sheet. ``text`` is what stands in the file,
    ``message`` one sentence without the address.
    """

    kind: str
    row: int
    column: int
    text: str
    message: str


class Sheet(NamedTuple):
    """Name, rows of cells (row 1 and column A first) and remarks of one sheet."""

    name: str
    rows: list[list]
    remarks: list[Remark]


class SpecialNumber(NamedTuple):
    """A cell whose number format shows another number than the stored one, or a date."""

    row: int
    column: int
    kind: str


def error_remark(row: int, column: int, text: str) -> Remark:
    """The remark on a cell that holds an error."""
    return Remark("error cell", row, column, text, f"The cell holds the error {text} instead of a value.")


def formula_remark(row: int, column: int) -> Remark:
    """The remark on a formula without a result."""
    return Remark(
        "formula without result",
        row,
        column,
        FORMULA_WITHOUT_RESULT,
        "The cell holds a formula, but the file does not hold its result; open the file in a spreadsheet program "
        "and save it again.",
    )


def boolean_remark(row: int, column: int, text: str) -> Remark:
    """The remark on a cell that is true or false."""
    return Remark("boolean", row, column, text, f"The cell holds the truth value {text} instead of a number.")


def hidden_sheet(name: str) -> Sheet:
    """A hidden sheet: nothing of it is read."""
    return Sheet(name, [], [Remark("hidden sheet", 0, 0, name, f"The sheet {name} is hidden and was left out.")])


def runs(numbers: set[int]) -> list[tuple[int, int]]:
    """The runs of consecutive numbers as pairs of first and last."""
    found: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if found and number == found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def hidden_remarks(rows: set[int], columns: set[int]) -> list[Remark]:
    """One remark per run of hidden rows and per run of hidden columns; all numbers count from 1."""
    remarks = []
    for first, last in runs(rows):
        text = f"{first}" if first == last else f"{first} to {last}"
        message = f"Hidden: row {text} was left out." if first == last else f"Hidden: rows {text} were left out."
        remarks.append(Remark("hidden rows", first, 0, text, message))
    for first, last in runs(columns):
        text = column_letters(first) if first == last else f"{column_letters(first)} to {column_letters(last)}"
        message = f"Hidden: column {text} was left out." if first == last else f"Hidden: columns {text} were left out."
        remarks.append(Remark("hidden columns", 0, first, text, message))
    return remarks


def column_letters(number: int) -> str:
    """The letters of a column (1 is A)."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


@lru_cache(maxsize=1 << 15)
def column_number(letters: str) -> int:
    """The number of a column from its letters (A is 1)."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def as_percent(value: float) -> float:
    """A share in per cent, without the noise of binary arithmetic: 0.761 gives 76.1."""
    return float(Decimal(repr(value)) * 100)


_literal = re.compile(r'"[^"]*"|\\.|!.|_.|\*.|\[[^\]]*\]')
_elapsed = re.compile(r"\[(?:h+|m+|s+)\]", re.IGNORECASE)


@lru_cache(maxsize=4096)
def number_format_kind(code: str) -> str:
    """What a number format does to a number: 'percent', 'scaled' (shown divided by thousands), 'date' or ''.

    Quoted and escaped characters show themselves and change nothing: ``0.0"%"`` is no percent format.
    """
    if _elapsed.search(code):
        return "date"
    plain = _literal.sub("", html.unescape(code)).split(";")[0]
    if "%" in plain:
        return "percent"
    if re.search(r"[ymdhsYMDHS年月日时分秒]", re.sub(r"General|Standard|E[+-]", "", plain)):
        return "date"
    if re.search(r"[0#?],+(?:[^0#?,]|$)", plain):
        return "scaled"
    return ""


def apply_formats(rows: list[list], special: list[SpecialNumber]) -> list[Remark]:
    """Turns numbers with a percent format into the numbers that are shown and dates into texts, in place.

    Returns one remark per column and kind, at the first such cell.
    """
    found: dict[tuple[str, int], list[tuple[int, str, str]]] = {}
    for row, column, kind in special:
        if row > len(rows) or column > len(rows[row - 1]):
            continue
        value = rows[row - 1][column - 1]
        shown: object = value
        if isinstance(value, datetime.date | datetime.time | datetime.timedelta):
            kind, shown = "date", date_text(value)
        elif isinstance(value, bool) or not isinstance(value, int | float) or kind == "date":
            continue
        elif kind == "percent":
            shown = as_percent(value)
        rows[row - 1][column - 1] = shown
        found.setdefault((kind, column), []).append((row, str(value), str(shown)))
    remarks = []
    for (kind, column), cells in sorted(found.items(), key=lambda item: (item[0][1], item[0][0])):
        row, value, shown = cells[0]
        count = "1 number" if len(cells) == 1 else f"{len(cells)} numbers"
        verb = "is" if len(cells) == 1 else "are"
        if kind == "percent":
            message = (
                f"{count} of this column {verb} stored as shares and shown in per cent: {value} is read as {shown}."
            )
        elif kind == "scaled":
            message = (
                f"{count} of this column {verb} shown divided by a power of a thousand, but read as stored: {value}; "
                "check the unit."
            )
        else:
            message = f"{count} of this column {verb} formatted as dates and read as text: {shown}."
        kind = "date" if kind == "date" else f"{kind} format"
        remarks.append(Remark(kind, row, column, value, message))
    return remarks


def date_text(value: datetime.date | datetime.time | datetime.timedelta) -> str:
    """A date, a time or a duration as a text that is no number."""
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        value = value.date()
    return str(value) if isinstance(value, datetime.timedelta) else value.isoformat()


def error_texts(rows: list[list]) -> list[Remark]:
    """Remarks on the cells whose text is an error value."""
    return [
        error_remark(row, column, cell)
        for row, cells in enumerate(rows, 1)
        for column, cell in enumerate(cells, 1)
        if isinstance(cell, str) and cell in ERROR_TEXTS
    ]


def used_area(positions: list[tuple[int, int]]) -> tuple[int, int, list[tuple[int, int]]] | None:
    """Last row, last column and the stray cells beyond them; None if the area is unreasonable.

    ``positions`` are row and column of every filled cell, from 1. Cells are stray only if the area with
    them is above the limit, many blank rows or columns lie before them, and they are few.
    """
    if not positions:
        return 0, 0, []
    last_row = max(row for row, _ in positions)
    last_column = max(column for _, column in positions)
    if last_row * last_column <= MAX_CELLS:
        return last_row, last_column, []
    last_row = _before_gap({row for row, _ in positions}, _BLANK_ROWS)
    last_column = _before_gap({column for row, column in positions if row <= last_row}, _BLANK_COLUMNS)
    far = [position for position in positions if position[0] > last_row or position[1] > last_column]
    if len(far) > min(_MAX_FAR_CELLS, len(positions) - 1) or last_row * last_column > MAX_CELLS:
        return None
    return last_row, last_column, far


def _before_gap(numbers: set[int], gap: int) -> int:
    """The last number before the first gap of more than ``gap`` missing numbers."""
    before = 0
    for number in sorted(numbers):
        if before and number - before > gap + 1:
            return before
        before = number
    return before


def far_remark(row: int, column: int) -> Remark:
    """The remark on a stray cell that was left out."""
    address = f"{column_letters(column)}{row}"
    return Remark("far cell", row, column, address, f"The cell {address} stands far from all others and was left out.")
