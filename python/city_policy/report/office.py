"""Tables as Word files, and what every office file needs: the same bytes for the same tables."""

import datetime
import io
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

import docx
from docx.enum.section import WD_ORIENT
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt

from city_policy.report.cells import Layout, Panel, PaperTable, TableRow, lines_below, notes_of
from city_policy.report.study import Text
from city_policy.report.typography import digits, parts

# Office files carry the time of writing in their entries and properties; one fixed moment keeps them reproducible.
MOMENT = datetime.datetime(2000, 1, 1)
FONTS = {"zh": "SimSun", "en": "Times New Roman"}
# The last lines of a Word table stay on the page of its notes.
LAST_LINES = 4
# Of a Word page: its sides and the widest column of numbers, in centimetres, how many columns of numbers fit on an
# upright page, and how many leave room for margins in their cells.
UPRIGHT, WIDEST_SHARE, MOST_UPRIGHT, MOST_WIDE_COLUMNS = (21.0, 29.7), 3.4, 5, 8


def write_reproducibly(content: bytes, path: Path) -> None:
    """Write a zip-based office file with fixed times."""
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "docProps/core.xml":
                data = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", MOMENT.strftime("%Y-%m-%dT%H:%M:%SZ").encode(), data)
            entry = zipfile.ZipInfo(name, MOMENT.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, data)


def tables_in_words(tables: Sequence[PaperTable]) -> Text:
    """The numbers of the tables, as a title says them; the title of a table that has none."""
    numbers = [table.number for table in tables if table.number is not None]
    if tables and not numbers:
        return tables[0].title
    if not numbers:
        return Text("没有表", "no tables")
    if len(numbers) == 1:
        return Text(f"表 {numbers[0]}", f"Table {numbers[0]}")
    if numbers != list(range(numbers[0], numbers[-1] + 1)):
        listed = ", ".join(map(str, numbers))
        return Text(f"表 {listed}", f"Tables {listed}")
    return Text(f"表 {numbers[0]}–{numbers[-1]}", f"Tables {numbers[0]} to {numbers[-1]}")


def _rule(cell, **edges: int) -> None:
    """Lines of a Word cell: edge -> eighths of a point."""
    borders = OxmlElement("w:tcBorders")
    for edge, size in edges.items():
        line = OxmlElement(f"w:{edge}")
        line.set(qn("w:val"), "single")
        line.set(qn("w:sz"), str(size))
        borders.append(line)
    cell._tc.get_or_add_tcPr().append(borders)


def _write_in(cell, words: str, *, bold: bool = False, italic: bool = False, left: bool = False) -> None:
    """Words in a Word cell, letters that stand for a statistic in italics."""
    paragraph = _paragraph(cell, left)
    for part, is_italic in parts(words):
        run = paragraph.add_run(part)
        run.bold, run.italic = bold, italic or is_italic


def _write_number(cell, text: str, stars: str = "") -> None:
    """A number in a Word cell, stars raised behind it."""
    paragraph = _paragraph(cell)
    paragraph.add_run(digits(text))
    if stars:
        paragraph.add_run(stars).font.superscript = True


def _paragraph(cell, left: bool = False):
    """The paragraph of a Word cell."""
    paragraph = cell.paragraphs[0]
    paragraph.alignment = WD_ALIGN_PARAGRAPH.LEFT if left else WD_ALIGN_PARAGRAPH.CENTER
    return paragraph


def _new_row(grid, is_heading: bool = False):
    """A new row that no page end cuts; headings stand again on every page."""
    row = grid.add_row()
    properties = row._tr.get_or_add_trPr()
    properties.append(OxmlElement("w:cantSplit"))
    if is_heading:
        properties.append(OxmlElement("w:tblHeader"))
    return row


def _keep_with_next(row) -> None:
    """Hold a row and the one below it on one page."""
    for cell in row.cells:
        cell.paragraphs[0].paragraph_format.keep_with_next = True


def _word_panel(document, panel: Panel, language: str, layout: Layout, width: float) -> float:
    """Write a panel that is at most ``width`` centimetres wide; its width."""
    n = panel.n_columns
    grid = document.add_table(rows=0, cols=n + 1)
    grid.alignment = WD_TABLE_ALIGNMENT.CENTER
    lines = []
    if panel.title:
        cells = _new_row(grid, is_heading=True).cells
        _write_in(cells[0].merge(cells[n]), panel.title[language], bold=True, left=True)
        lines.append(cells)
    for place, heading in enumerate(panel.headings):
        cells = _new_row(grid, is_heading=True).cells
        lines.append(cells)
        if place == len(panel.headings) - 1:
            _write_in(cells[0], panel.label_heading[language], left=True)
        column = 1
        for words, span in heading:
            target = cells[column].merge(cells[column + span - 1]) if span > 1 else cells[column]
            _write_in(target, words[language])
            if span > 1 and place < len(panel.headings) - 1:
                _rule(target, bottom=4)
            column += span
    for cell in lines[0]:
        _rule(cell, top=12)
    for cell in lines[-1]:
        _rule(cell, bottom=6)
    for row in panel.rows:
        _word_row(grid, row, n, language, layout)
    for cell in grid.rows[-1].cells:
        _rule(cell, bottom=12)
    for row in grid.rows[: len(lines)]:
        _keep_with_next(row)
        for cell in row.cells:
            cell.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.BOTTOM
    # The notes stand on the page of the last lines, and no line stands alone with them.
    for row in grid.rows[-LAST_LINES:]:
        _keep_with_next(row)
    return _set_widths(grid, panel, language, width)


def _word_row(grid, row: TableRow, n: int, language: str, layout: Layout) -> None:
    """One row of a panel, and below it, on the same page, the rows of its t values."""
    above = _new_row(grid)
    cells = above.cells
    if row.is_heading:
        _write_in(cells[0].merge(cells[n]), row.label[language], italic=True, left=True)
        _keep_with_next(above)
        return
    _write_in(cells[0], row.label[language], left=True)
    for target, cell in zip(cells[1:], row.cells, strict=True):
        if cell.words:
            _write_in(target, cell.words[language])
        else:
            _write_number(target, cell.number, cell.marked(layout))
    label = cells[0]
    for line in lines_below(row, layout):
        _keep_with_next(above)
        above = _new_row(grid)
        for target, cell in zip(above.cells[1:], row.cells, strict=True):
            if said := cell.below(line):
                _write_number(target, said)
        # A label of two lines stands beside both, so that it parts no number from its t value.
        label = label.merge(above.cells[0])


def _set_widths(grid, panel: Panel, language: str, width: float) -> float:
    """Gives every column of a panel its width; together ``width`` centimetres at most, which is returned."""
    # Words need room, numbers do not: the column of labels and columns of words are wider.
    lengths = [
        max((len(said[language]) for row in panel.rows if row.cells and (said := row.cells[i].words)), default=0)
        for i in range(panel.n_columns)
    ]
    shares = [2.2, *(3.0 if count > 20 else 1.6 if count > 6 else 1.0 for count in lengths)]
    # Few columns do not need the whole page: no number stands farther from its label than it must.
    width = min(width, WIDEST_SHARE * sum(shares))
    grid.autofit = False
    for column, share in zip(grid.columns, shares, strict=True):
        column.width = Cm(width * share / sum(shares))
    for row in grid.rows:
        for cell, share in zip(row._tr.tc_lst, shares if len(row._tr.tc_lst) == len(shares) else [], strict=False):
            cell.width = Cm(width * share / sum(shares))
    _set_margins(grid, 0.05 if panel.n_columns > MOST_WIDE_COLUMNS else 0.15)
    return width


def _set_margins(grid, margin: float) -> None:
    """Left and right margins in every cell, in centimetres."""
    margins = OxmlElement("w:tblCellMar")
    for edge in ("left", "right"):
        side = OxmlElement(f"w:{edge}")
        side.set(qn("w:w"), str(Cm(margin).twips))
        side.set(qn("w:type"), "dxa")
        margins.append(side)
    look = grid._tbl.tblPr.find(qn("w:tblLook"))
    if look is None:
        grid._tbl.tblPr.append(margins)
    else:
        look.addprevious(margins)


def write_word(tables: Sequence[PaperTable], path: Path, language: str) -> None:
    """Write all tables into one Word document, one table per page; a narrow one alone stands on an upright page."""
    document = docx.Document()
    section = document.sections[0]
    sides = UPRIGHT
    if len(tables) != 1 or any(panel.n_columns > MOST_UPRIGHT for panel in tables[0].panels):
        section.orientation, sides = WD_ORIENT.LANDSCAPE, UPRIGHT[::-1]
    section.page_width, section.page_height = map(Cm, sides)
    width = sides[0] - 4
    section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Cm(2)
    style = document.styles["Normal"]
    style.font.name, style.font.size = FONTS["en"], Pt(9)
    style.element.rPr.rFonts.set(qn("w:eastAsia"), FONTS["zh"])
    style.paragraph_format.space_after = style.paragraph_format.space_before = Pt(0)
    core = document.core_properties
    core.created = core.modified = MOMENT
    # Word keeps no longer title among the properties.
    core.author, core.title = "city-policy", tables_in_words(tables)[language][:255]
    for place, table in enumerate(tables):
        heading = document.add_paragraph()
        heading.alignment = WD_ALIGN_PARAGRAPH.CENTER
        heading.paragraph_format.page_break_before = place > 0
        heading.paragraph_format.space_after = Pt(6)
        heading.paragraph_format.keep_with_next = True
        for part, is_italic in parts(table.heading[language]):
            run = heading.add_run(part)
            run.bold, run.italic = True, is_italic
        widths: list[float] = []
        for panel in table.panels:
            if widths:
                document.add_paragraph()
            widths.append(_word_panel(document, panel, language, table.layout, width))
        notes = document.add_paragraph()
        notes.paragraph_format.space_before = Pt(4)
        # The notes are as wide as the table.
        indent = Cm((width - max(widths, default=width)) / 2)
        notes.paragraph_format.left_indent = notes.paragraph_format.right_indent = indent
        lead = Text("注:", "Notes: ")[language]
        between = Text("", " ")[language]
        for part, is_italic in parts(lead + between.join(note[language] for note in notes_of(table))):
            run = notes.add_run(part)
            run.font.size, run.italic = Pt(8), is_italic
    buffer = io.BytesIO()
    document.save(buffer)
    write_reproducibly(buffer.getvalue(), path)
