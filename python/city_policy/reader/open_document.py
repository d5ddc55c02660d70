"""OpenDocument spreadsheets (.ods). calamine reads their per cents as shares and their errors as blanks, so
the cells are read here, from the one part that holds them."""

import re
from collections.abc import Iterator
from datetime import datetime

from city_policy.reader.archives import DamagedArchive, read_members
from city_policy.reader.cells import (
    ERROR_TEXTS,
    FORMULA_WITHOUT_RESULT,
    MAX_CELLS,
    Remark,
    Sheet,
    SpecialNumber,
    apply_formats,
    boolean_remark,
    error_remark,
    far_remark,
    formula_remark,
    hidden_remarks,
    hidden_sheet,
    used_area,
)
from city_policy.reader.open_xml import MAX_COLUMNS, MAX_ROWS, as_utf8, parse_xml

_number = re.compile(r"[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,3})?")

# A repeated cell that is filled is repeated; more often than this no table repeats one.
_MAX_REPEATED = 10_000


def read_open_document(content: bytes) -> Iterator[Sheet]:
    """The sheets of an .ods workbook, in order; raises DamagedArchive, whose text is the cause."""
    members = read_members(content)
    if "content.xml" not in members:
        raise DamagedArchive("it holds no content.xml")
    if b"encryption-data" in members.get("META-INF/manifest.xml", b""):
        raise DamagedArchive("it is protected by a password")
    reader = _Reader()
    parse_xml(as_utf8(members["content.xml"], "content.xml"), "content.xml", reader.start, reader.end, reader.text)
    yield from reader.sheets


class _Reader:
    """Collects the sheets while content.xml is parsed."""

    def __init__(self) -> None:
        self.sheets: list[Sheet] = []
        self.hidden_styles: set[str] = set()
        self.style = ""
        self.name: str | None = None
        self.in_cell = False
        self.skipped = 0
        self.paragraphs: list[str] = []
        self.in_paragraph = 0
        self.row, self.row_count, self.row_hidden = 1, 0, False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """The beginning of an element."""
        tag = tag.rpartition(":")[2]
        values = {key.rpartition(":")[2]: value for key, value in attributes.items()}
        if tag == "style":
            self.style = values.get("name", "")
        elif tag == "table-properties" and values.get("display") == "false":
            self.hidden_styles.add(self.style)
        elif tag == "table":
            if self.name is not None:
                raise DamagedArchive(f"its sheet {self.name} holds a table within a table")
            self.start_table(values)
        elif self.name is None:
            return
        elif tag == "table-column":
            self.start_column(values)
        elif tag == "table-row":
            self.start_row(values)
        elif tag in ("table-cell", "covered-table-cell") and not self.skipped:
            self.in_cell = True
            self.attributes = values
            # The type of an error stands beside the one that older programs read.
            self.is_error = any(key.startswith("calcext:") and value == "error" for key, value in attributes.items())
            self.paragraphs = []
        elif tag in ("annotation", "frame", "custom-shape", "line", "shapes"):
            self.skipped += 1
        elif self.in_cell and not self.skipped:
            self.start_text(tag, values)

    def start_text(self, tag: str, values: dict[str, str]) -> None:
        """The beginning of an element within a cell."""
        if tag == "p":
            self.in_paragraph += 1
            self.paragraphs.append("")
        elif self.in_paragraph and tag == "s":
            self.paragraphs[-1] += " " * _count(values.get("c"), 10_000)
        elif self.in_paragraph and tag in ("tab", "line-break"):
            self.paragraphs[-1] += "\t" if tag == "tab" else "\n"

    def start_column(self, values: dict[str, str]) -> None:
        """The description of one or more columns."""
        count = _count(values.get("number-columns-repeated"), MAX_COLUMNS)
        if values.get("visibility", "visible") != "visible":
            self.hidden_columns.append((self.n_columns + 1, self.n_columns + count))
        self.n_columns += count

    def start_row(self, values: dict[str, str]) -> None:
        """The beginning of a row."""
        self.row += self.row_count
        self.row_count = _count(values.get("number-rows-repeated"), MAX_ROWS)
        self.row_hidden = values.get("visibility", "visible") != "visible"
        self.column = 0

    def start_table(self, values: dict[str, str]) -> None:
        """The beginning of a sheet."""
        self.name = values.get("name", "")
        self.hidden = values.get("style-name", "") in self.hidden_styles and bool(self.hidden_styles)
        self.cells: dict[tuple[int, int], object] = {}
        self.remarks: list[Remark] = []
        self.special: list[SpecialNumber] = []
        self.hidden_columns: list[tuple[int, int]] = []
        self.hidden_with_cells: tuple[set[int], set[int]] = (set(), set())
        self.n_columns = 0
        self.row, self.row_count, self.row_hidden = 1, 0, False
        self.column = 0

    def text(self, data: str) -> None:
        """Characters of a paragraph."""
        if self.in_paragraph and not self.skipped:
            self.paragraphs[-1] += data

    def end(self, tag: str) -> None:
        """The end of an element."""
        tag = tag.rpartition(":")[2]
        if self.name is None:
            return
        if tag in ("annotation", "frame", "custom-shape", "line", "shapes"):
            self.skipped -= 1
        elif tag == "p" and not self.skipped and self.in_paragraph:
            self.in_paragraph -= 1
        elif tag in ("table-cell", "covered-table-cell") and self.in_cell and not self.skipped:
            self.in_cell = False
            self.end_cell()
        elif tag == "table" and not self.skipped:
            self.end_table()

    def end_cell(self) -> None:
        """A whole cell, with its repetitions."""
        count = _count(self.attributes.get("number-columns-repeated"), MAX_COLUMNS)
        first = self.column + 1
        self.column += count
        found = self.value()
        if found is None:
            return
        if (
            count * self.row_count > _MAX_REPEATED
            or self.column > MAX_COLUMNS
            or self.row + self.row_count > MAX_ROWS + 1
        ):
            raise DamagedArchive(f"its sheet {self.name} repeats a filled cell of row {self.row} beyond reason")
        value, kind = found
        for row in range(self.row, self.row + self.row_count):
            for column in range(first, first + count):
                self.keep(row, column, value, kind)

    def value(self) -> tuple[object, str] | None:
        """The value of the cell and what is special about it; None for a blank one."""
        kind = self.attributes.get("value-type", "")
        shown = "\n".join(self.paragraphs)
        formula = "formula" in self.attributes
        if self.is_error or (formula and shown.strip() in ERROR_TEXTS) or (formula and re.match(r"Err:\d", shown)):
            return shown.strip() or "#VALUE!", "error"
        if kind in ("float", "percentage", "currency"):
            text = self.attributes.get("value", "")
            if not _number.fullmatch(text):
                raise DamagedArchive(f"its sheet {self.name} holds {text!r} as a number in row {self.row}")
            return float(text), "percent" if kind == "percentage" else ""
        if kind == "boolean":
            return ("TRUE" if self.attributes.get("boolean-value") == "true" else "FALSE"), "boolean"
        if kind in ("date", "time"):
            return self.attributes.get(f"{kind}-value", "") or shown, "date"
        if kind not in ("", "string") or (not kind and "value" in self.attributes):
            raise DamagedArchive(f"its sheet {self.name} holds a cell of the unknown type {kind!r} in row {self.row}")
        return self.text_value(kind, shown, formula)

    def text_value(self, kind: str, shown: str, formula: bool) -> tuple[str, str] | None:
        """The text of a cell that holds neither a number nor a date; None for a blank one."""
        if formula and not kind and not shown:
            return FORMULA_WITHOUT_RESULT, "formula"
        text = self.attributes.get("string-value", shown) if kind == "string" else shown
        return (text.replace("\x1f", " "), "") if text else None

    def keep(self, row: int, column: int, value: object, kind: str) -> None:
        """Keeps a filled cell, unless it is hidden."""
        column_hidden = any(first <= column <= last for first, last in self.hidden_columns)
        if self.row_hidden or column_hidden:
            self.hidden_with_cells[0 if self.row_hidden else 1].add(row if self.row_hidden else column)
            return
        self.cells[row, column] = value
        if kind == "error":
            self.remarks.append(error_remark(row, column, str(value)))
        elif kind == "formula":
            self.remarks.append(formula_remark(row, column))
        elif kind == "boolean":
            self.remarks.append(boolean_remark(row, column, str(value)))
        elif kind == "date":
            message = f"The cell holds a date and is read as text: {value}."
            self.remarks.append(Remark("date", row, column, str(value), message))
            self.cells[row, column] = _date_text(str(value))
        elif kind == "percent":
            self.special.append(SpecialNumber(row, column, "percent"))

    def end_table(self) -> None:
        """A whole sheet."""
        name, self.name = self.name or "", None
        if self.hidden:
            self.sheets.append(hidden_sheet(name))
            return
        area = used_area(list(self.cells))
        if area is None:
            raise DamagedArchive(
                f"the used area of its sheet {name} has more than {MAX_CELLS:,} cells, and the cells far from the "
                "table are too many to be left out"
            )
        last_row, last_column, far = area
        rows: list[list] = [[""] * last_column for _ in range(last_row)]
        for (row, column), value in self.cells.items():
            if row <= last_row and column <= last_column:
                rows[row - 1][column - 1] = value
        stray = set(far)
        remarks = hidden_remarks(*self.hidden_with_cells)
        remarks += [remark for remark in self.remarks if (remark.row, remark.column) not in stray]
        remarks += [far_remark(row, column) for row, column in sorted(stray)]
        special = [number for number in self.special if (number.row, number.column) not in stray]
        self.sheets.append(Sheet(name, rows, remarks + apply_formats(rows, special)))


def _count(text: str | None, limit: int) -> int:
    """How often a cell, row or column is repeated."""
    if text is None:
        return 1
    if not text.isascii() or not text.isdecimal() or len(text) > 9 or not 1 <= int(text) <= 4 * limit:
        raise DamagedArchive(f"it repeats a cell, row or column {text[:20]!r} times")
    return int(text)


def _date_text(text: str) -> str:
    """A date as a text that is no number: a year alone would be one."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return f"date {text}"
    return moment.date().isoformat() if moment.time() == datetime.min.time() else moment.isoformat()
