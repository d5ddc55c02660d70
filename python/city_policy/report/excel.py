"""Tables as Excel files, one sheet each: numbers stay numbers, with all their digits."""

import io
import math
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Border, Font, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.pagebreak import Break

from city_policy.report.cells import Cell, Layout, Line, Panel, PaperTable, TableRow, lines_below, notes_of
from city_policy.report.office import write_reproducibly
from city_policy.report.study import Text
from city_policy.report.typography import squared

# Width of the column of labels and of a column of numbers, in characters.
LABEL_COLUMN, EXCEL_COLUMN = 40, 18
# The sides of A4 within the margins that spreadsheets have, in points, and the height of a line.
SIDES, LINE_HEIGHT = (741, 487), 15
# How small an upright page may print a table, as a share of its size.
SMALLEST = 0.65
# How many letters of a note stand in the place of one letter of the table.
NOTE_LETTERS = 1.2


def _width(words: str) -> int:
    """Width in characters; a Chinese one takes two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in words)


_THIN, _THICK = Side(style="thin"), Side(style="medium")


def _put(sheet, line: int, column: int, content: str | float | None):
    """Write a cell and return it. Words stay words, even where a spreadsheet would read a formula."""
    if not isinstance(content, str):
        return sheet.cell(line, column, content)
    words = ILLEGAL_CHARACTERS_RE.sub("", squared(content))
    cell = sheet.cell(line, column, words)
    cell.data_type = "s"
    # Keeps them words also when somebody edits the cell.
    cell.quotePrefix = words.lstrip().startswith(("=", "+", "-", "@"))
    return cell


def _number_format(cell: Cell, layout: Layout) -> str:
    decimals = "0." + "0" * cell.places if cell.places else "0"
    mark = cell.marked(layout)
    return f'{decimals}"{mark}"' if mark else decimals


def _line_format(cell: Cell, line: Line) -> str:
    """The format of a number below a coefficient: its brackets are no part of the number."""
    places = cell.places_below(line)
    decimals = "0." + "0" * places if places else "0"
    start, end = line.brackets[:1], line.brackets[1:]
    return f'"{start}"{decimals}"{end}";"{start}-"{decimals}"{end}"'


def _excel_panel(sheet, panel: Panel, language: str, line: int, layout: Layout) -> int:
    """Write a panel from ``line`` on; the line after it."""
    last = panel.n_columns + 1
    first = line
    if panel.title:
        _put(sheet, line, 1, panel.title[language]).font = Font(bold=True)
        line += 1
    for place, heading in enumerate(panel.headings):
        if place == len(panel.headings) - 1:
            _put(sheet, line, 1, panel.label_heading[language])
        column = 2
        for words, span in heading:
            target = _put(sheet, line, column, words[language])
            target.alignment = Alignment(horizontal="center", vertical="center", wrap_text=True)
            if span > 1:
                sheet.merge_cells(start_row=line, start_column=column, end_row=line, end_column=column + span - 1)
            column += span
        _raise_row(sheet, line, [(words[language], EXCEL_COLUMN * span) for words, span in heading])
        line += 1
    for column in range(1, last + 1):
        sheet.cell(first, column).border = Border(top=_THICK)
    for column in range(1, last + 1):
        above = sheet.cell(line - 1, column)
        above.border = Border(top=above.border.top, bottom=_THIN)
    for row in panel.rows:
        label = _put(sheet, line, 1, row.label[language])
        if row.is_heading:
            # It goes on over the empty cells beside it.
            label.font = Font(italic=True)
            line += 1
            continue
        label.alignment = Alignment(wrap_text=True, vertical="center")
        line = _excel_row(sheet, row, language, line, layout)
    for column in range(1, last + 1):
        below = sheet.cell(line - 1, column)
        below.border = Border(top=below.border.top, bottom=_THICK)
    return line


def _raise_row(sheet, line: int, words: Iterable[tuple[str, float]]) -> None:
    """Make a row as high as its words need that wrap, each with the width of its column in letters.

    Spreadsheets do not raise a row by themselves.
    """
    lines = max((math.ceil(_width(one) * 1.1 / width) for one, width in words), default=1)
    if lines > 1:
        sheet.row_dimensions[line].height = LINE_HEIGHT * lines


def _excel_row(sheet, row: TableRow, language: str, line: int, layout: Layout) -> int:
    """Write the cells of a row, and below them its t values; the line after them."""
    shows_published = any(below.kind == "published" for below in layout.lines)
    for column, cell in enumerate(row.cells, start=2):
        # Numbers stay numbers, with all their digits; the format shows the printed ones and the stars.
        is_number = cell.words is None and cell.interval is None and cell.value is not None
        content = cell.value if is_number else (cell.words[language] if cell.words else cell.number) or None
        target = _put(sheet, line, column, content)
        target.alignment = Alignment(horizontal="center", vertical="center", wrap_text=not is_number)
        if is_number:
            target.number_format = _number_format(cell, layout)
        if cell.published and not shows_published:
            target.comment = Comment(
                Text(f"论文:{cell.published}", f"Paper: {cell.published}")[language], "city-policy"
            )
    wrapped = [(row.label[language], LABEL_COLUMN)]
    for column, cell in enumerate(row.cells, start=2):
        if cell.words:
            wrapped.append((cell.words[language], sheet.column_dimensions[get_column_letter(column)].width))
    _raise_row(sheet, line, wrapped)
    line += 1
    for below in lines_below(row, layout):
        for column, cell in enumerate(row.cells, start=2):
            value = cell.below_value(below)
            if isinstance(value, float | int):
                target = _put(sheet, line, column, value)
                target.number_format = _line_format(cell, below)
            else:
                target = _put(sheet, line, column, cell.below(below) or None)
            target.alignment = Alignment(horizontal="center")
        line += 1
    return line


def _excel_notes(sheet, notes: Sequence[str], line: int, columns: int) -> int:
    """Write the notes, each as wide as the table; the line after them."""
    width = sum(sheet.column_dimensions[get_column_letter(column)].width for column in range(1, columns + 1))
    for note in notes:
        target = _put(sheet, line, 1, note)
        target.font = Font(size=9, italic=True)
        target.alignment = Alignment(wrap_text=True, vertical="top")
        if columns > 1:
            sheet.merge_cells(start_row=line, start_column=1, end_row=line, end_column=columns)
        # A letter of a note is narrower than one of the table.
        _raise_row(sheet, line, [(note, width * NOTE_LETTERS)])
        line += 1
    return line


def _set_pages(sheet, panels: Sequence[tuple[int, int, int]], notes: tuple[int, int]) -> None:
    """Lay the sheet out for printing: as wide as the table, upright where that takes fewer pages and stays legible. No
    page begins within a panel that has room on one, nor between a coefficient and its t value, nor with notes alone.

    ``panels``: the first line of each, the first below its headings, and the one after it; ``notes``: their first line
    and the one after them.
    """
    sheet.sheet_view.showGridLines = False
    # Every line has a height of its own, so that all programs break pages alike.
    for line in range(1, notes[1]):
        sheet.row_dimensions[line].height = sheet.row_dimensions[line].height or LINE_HEIGHT
    aside, upright = (_pages(sheet, panels, notes, *sides) for sides in (SIDES, SIDES[::-1]))
    is_upright = len(upright) < len(aside) and _table_width(sheet) <= SIDES[1] / SMALLEST
    for first in upright if is_upright else aside:
        sheet.row_breaks.append(Break(id=first - 1))
    sheet.page_setup.orientation = "portrait" if is_upright else "landscape"
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True


def _pages(
    sheet, panels: Sequence[tuple[int, int, int]], notes: tuple[int, int], width: float, height: float
) -> list[int]:
    """The lines with which pages begin after the first, on paper with room for ``width`` and ``height`` points."""
    room = height * max(_table_width(sheet) / width, 1.0)
    units = [unit for panel in panels for unit in _units(sheet, *panel, room)]
    # The notes stand on the page of the last lines.
    units[-1:] = [(units[-1][0] if units else notes[0], notes[1])]
    used, found = _height(sheet, 1, units[0][0]), []
    for first, after in units:
        needed = _height(sheet, first, after)
        if used + needed > room and first > units[0][0]:
            found.append(first)
            used = 0.0
        used += needed
    return found


def _units(sheet, first: int, body: int, after: int, room: float) -> list[tuple[int, int]]:
    """What stays together on a page: a panel, else every label with the lines below it, the first with the headings."""
    if _height(sheet, first, after) <= room:
        return [(first, after)]
    starts = [line for line in range(body + 1, after) if sheet.cell(line, 1).value is not None]
    return list(zip([first, *starts], [*starts, after], strict=True))


def _table_width(sheet) -> float:
    """The width of the columns in points."""
    return sum((dimension.width * 7 + 5) * 0.75 for dimension in sheet.column_dimensions.values())


def _height(sheet, first: int, after: int) -> float:
    """The height of some lines in points."""
    return sum(sheet.row_dimensions[line].height or LINE_HEIGHT for line in range(first, after))


def write_excel(tables: Sequence[PaperTable], path: Path, language: str) -> None:
    """Write one sheet per table; cells hold numbers with all digits, comments what the paper prints."""
    book = Workbook()
    # A file without any sheet is none: where there is no table, the empty one stays.
    if tables:
        book.remove(book.worksheets[0])
    for table in tables:
        number_or_none = "" if table.number is None else f" {table.number}"
        sheet = book.create_sheet(Text(f"表{number_or_none}", f"Table{number_or_none}")[language])
        columns = max((panel.n_columns for panel in table.panels), default=1)
        sheet.column_dimensions["A"].width = LABEL_COLUMN
        for column in range(2, columns + 2):
            is_definition = table.result == "index_weights" and column == 3
            sheet.column_dimensions[get_column_letter(column)].width = 44 if is_definition else EXCEL_COLUMN
        _put(sheet, 1, 1, table.heading[language]).font = Font(bold=True, size=12)
        line, blocks = 3, []
        for panel in table.panels:
            first = line
            line = _excel_panel(sheet, panel, language, line, table.layout) + 1
            blocks.append((first, first + len(panel.headings) + bool(panel.title), line))
        after = _excel_notes(sheet, [note[language] for note in notes_of(table)], line, columns + 1)
        _set_pages(sheet, blocks, (line, after))
    book.properties.creator = "city-policy"
    buffer = io.BytesIO()
    book.save(buffer)
    write_reproducibly(buffer.getvalue(), path)
