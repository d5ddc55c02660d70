"""From the rows of a sheet to blocks: the rows below one page header, with the meaning of every column.

A printed table is a sequence of pages. A page is, from top to bottom: a title or a line that says 续表,
English lines, a line with the unit, one to four header rows, and rows of cities, provinces and totals. The
pages may stand in one sheet or in several. Nothing here depends on table numbers, sheet names or positions.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import NamedTuple

from rapidfuzz.distance import Levenshtein

from city_policy.reader.knowledge import Knowledge
from city_policy.reader.text import (
    english_unit_of_line,
    has_chinese,
    has_table_number,
    is_continuation,
    is_note,
    label_like,
    parse_label,
    parse_title,
    scope_of,
    squeeze,
    strip_blank,
    unit_of_line,
)

# Labels of columns that identify a row instead of holding a value.
NAME_LABELS = ("城市", "城市名称", "城市名", "地区", "地级市", "市", "市名", "名称", "地名", "行政区划", "行政区域")
YEAR_LABELS = ("年份", "年度", "年")
KEY_LABELS = ("行政区划代码", "行政代码", "城市代码", "代码", "省份", "省", "所属省份", "省份名称", "序号", "编号")

# The title key of the wide workbooks that hold one sheet per data year.
CROSS_SECTION_TITLE = "地级市截面数据"

# A repeated page header is taken for a damaged copy of the first if no label differs in more than this share.
DAMAGE_LIMIT = 0.34

_sheet_year = re.compile(r"((?:19|20)\d{2})年?")
_cell_year = re.compile(r"((?:19|20)\d{2})(?:\.0)?年?")


class Column(NamedTuple):
    """One value column of a block. ``number`` is 1-based."""

    number: int
    header: str
    unit: str
    scope: str


class _Label(NamedTuple):
    """A column before inheritance: whether unit and scope are printed for it or taken from elsewhere."""

    number: int
    header: str
    unit: str
    unit_english: str
    scope: str


@dataclass
class Block:
    """Consecutive rows below one page header. ``cells`` is row by row, one text per column."""

    sheet: str
    table_title: str
    data_year: int | None
    header_row: int
    columns: list[Column]
    rows: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    cells: list = field(default_factory=list)


@dataclass
class _Table:
    """The table that is being read; it may go on in the next sheet."""

    title: str = ""
    scope: str = ""
    unit: str = ""
    unit_english: str = ""
    first_labels: list[_Label] | None = None
    names: set[str] = field(default_factory=set)


@dataclass
class _Page:
    """What stands above the header of the current page."""

    unit: str | None = None
    unit_english: str = ""
    english_scope: str = ""
    title_open: bool = False


def cell_to_text(cell: object) -> str:
    """The text of a cell as a person reads it: whole numbers without a decimal point, no exponents."""
    if isinstance(cell, str):
        return strip_blank(cell)
    if cell is None:
        return ""
    if isinstance(cell, float):
        text = repr(cell)
        if "e" in text:
            text = f"{cell:.15f}".rstrip("0").rstrip(".")
        return text.removesuffix(".0")
    return str(cell)


class SheetReader:
    """Reads the sheets of one file in their order; a table may go on from one sheet to the next."""

    def __init__(self, knowledge: Knowledge, clean_names: dict[str, str]):
        self.knowledge = knowledge
        # Printed name → squeezed name; shared by the files of a worker, because names repeat.
        self.clean_names = clean_names
        self.table = _Table()

    def read(self, sheet: str, rows: Sequence[Sequence]) -> list[Block]:
        """The blocks of a sheet. A sheet without header and data (a watermark) leaves the table as it was."""
        before = self.table
        found = _sheet_year.fullmatch(squeeze(sheet))
        year = int(found.group(1)) if found else None
        panels = [rows]
        blocks: list[Block] = []
        after = before
        while panels:
            self.table = replace(before, names=set(before.names))
            walk = _SheetWalk(self, sheet, panels.pop(0), year)
            of_panel = walk.blocks()
            if walk.panel_starts:
                panels = side_by_side(rows, walk.panel_starts)
            elif of_panel:
                blocks += of_panel
                after = self.table
        self.table = after
        return blocks


def side_by_side(rows: Sequence[Sequence], starts: list[int]) -> list[Sequence[Sequence]]:
    """The rows, once per panel of a page that prints the names in several columns beside each other.

    In every copy the cells of the other panels are blank, so that columns keep their numbers; lines with a
    single cell (titles, units) belong to all panels.
    """
    panels = []
    for first, last in zip(starts, [*starts[1:], None], strict=True):
        panel = []
        for row in rows:
            if sum(cell not in ("", None) for cell in row) > 1:
                end = len(row) if last is None else last
                row = [cell if first <= i < end else "" for i, cell in enumerate(row)]
            panel.append(row)
        panels.append(panel)
    return panels


class _SheetWalk:
    """One walk down the rows of one sheet."""

    def __init__(self, reader: SheetReader, sheet: str, rows: Sequence[Sequence], sheet_year: int | None):
        self.reader = reader
        self.knowledge = reader.knowledge
        self.sheet = sheet
        self.rows = rows
        self.width = max(map(len, rows), default=0)
        self.sheet_year = sheet_year
        self.page = _Page()
        self.header_rows: list[Sequence] = []
        self.header_row = 0
        self.block: Block | None = None
        self.name_column = 0
        self.english_column = 1 if self.width > 1 else -1
        self.key_columns: frozenset[int] = frozenset()
        self.year_column = -1
        self.take = None
        self.finished: list[Block] = []
        self.in_data = False
        self.is_cross_section = False
        self.headers_seen: dict[tuple, tuple] = {}
        # Where the panels begin if a page prints names in several columns; the walk is then to be done by
        # panel.
        self.panel_starts: list[int] = []

    def blocks(self) -> list[Block]:
        """Classifies every row: data, header, line of text or blank."""
        names = self.knowledge.row_names
        clean_names = self.reader.clean_names
        for number, row in enumerate(self.rows, 1):
            name = row[self.name_column] if self.name_column < len(row) else ""
            if isinstance(name, str):
                squeezed = clean_names.get(name)
                if squeezed is None:
                    squeezed = clean_names[name] = squeeze(name)
                if squeezed in names:
                    self.data_row(number, row, squeezed)
                    continue
            self.other_row(number, row)
        self.finish_block()
        return self.finished

    def data_row(self, number: int, row: Sequence, name: str) -> None:
        """Adds a row of values to the open block; opens one if a header has just been read."""
        if self.header_rows or self.block is None:
            self.open_block(number)
        block = self.block
        if self.year_column >= 0:
            year = _cell_year.fullmatch(cell_to_text(row[self.year_column]))
            block = self.block_of_year(int(year.group(1)) if year else None)
        block.rows.append(number)
        block.names.append(name)
        block.cells.extend(self.take(row))
        self.in_data = True

    def other_row(self, number: int, row: Sequence) -> None:
        """A row whose first cell is not a known name."""
        filled = [
            (index, text)
            for index, cell in enumerate(row)
            if cell != "" and (text := squeeze(cell if isinstance(cell, str) else cell_to_text(cell)))
        ]
        if not filled:
            self.in_data = False
            return
        identifying = {self.name_column, self.english_column} | self.key_columns | {self.year_column}
        values = [(index, text) for index, text in filled if index not in identifying]
        first_index, first = filled[0]
        if len(filled) == 1 and not (self.header_rows and values and label_like.search(first)):
            self.text_row(number, row, first_index, first)
            return
        unit = next((unit for _, text in filled if (unit := unit_of_line(text)) is not None), None)
        if unit is not None and not self.header_rows and len(filled) == 2:
            self.page.unit = unit
            self.text_row(number, row, first_index, first)
            return
        known_units = self.knowledge.units
        is_header = bool(values) and all(
            label_like.search(text)
            or scope_of(text)
            or (self.header_rows and (text.strip("()") in known_units or _cell_year.fullmatch(text)))
            for _, text in values
        )
        if not values and len(filled) > 1:
            if has_table_number(first) or is_continuation(first):
                # A title beside its translation.
                self.text_row(number, row, first_index, first)
                return
            # 城市|City without a label, or a name with its English name and nothing printed for it.
            is_header = first in NAME_LABELS or filled[-1][1].lower() == "city"
        if is_header:
            if not self.header_rows:
                self.finish_block()
                self.header_row = number
                self.find_identifying_columns(row)
            self.header_rows.append(row)
            self.in_data = False
            return
        name = squeeze(cell_to_text(row[self.name_column])) if self.name_column < len(row) else ""
        self.data_row(number, row, name)

    def text_row(self, number: int, row: Sequence, index: int, text: str) -> None:
        """A row with a single filled cell: title, continuation, unit, note, English line or a name without
        values."""
        unit = unit_of_line(text)
        if unit is not None:
            self.page.unit = unit
            return
        if is_continuation(text):
            self.new_page()
            if has_table_number(text) or has_chinese(text):
                title, scope = parse_title(text)
                if title and not self.is_same_title(title):
                    self.start_table(title, scope)
            return
        scope = scope_of(text.strip("()"))
        if scope and not self.in_data:
            self.page.english_scope = self.page.english_scope or scope
            return
        english_unit = english_unit_of_line(text)
        if english_unit is not None:
            self.page.unit_english = english_unit
            return
        if is_note(text) or not has_chinese(text):
            latin_scope = re.search(r"\(((?:total\s*city)|(?:districts\s*under\s*city))\)", text, re.IGNORECASE)
            if latin_scope and not self.in_data:
                self.page.english_scope = scope_of(latin_scope.group(1))
            return
        if self.in_data and not has_table_number(text):
            if index == self.name_column and len(text) <= 12 and not re.search("[,。;:、]", text):
                self.data_row(number, row, text)
            return
        title, scope = parse_title(text)
        if self.page.title_open and not has_table_number(text):
            # A title over two lines.
            self.start_table(self.reader.table.title + title, scope or self.reader.table.scope)
            return
        self.new_page()
        self.page.title_open = True
        if not self.is_same_title(title) or (scope and scope != self.reader.table.scope):
            self.start_table(title, scope)

    def is_same_title(self, title: str) -> bool:
        """Whether a title repeats the one of the table, perhaps damaged; a title that the mapping knows is
        never taken for a damaged one."""
        table = self.reader.table
        if title == table.title:
            return True
        return (
            table.title != ""
            and not self.knowledge.is_known_title(title)
            and Levenshtein.normalized_distance(title, table.title) <= DAMAGE_LIMIT
        )

    def new_page(self) -> None:
        """Forgets what stood above the header of the page before."""
        self.page = _Page()
        self.in_data = False

    def start_table(self, title: str, scope: str) -> None:
        """A new title: columns of the table before no longer hold."""
        self.finish_block()
        self.block = None
        self.reader.table = _Table(title, scope)

    def open_block(self, number: int) -> None:
        """Gives the rows that follow the columns of the header rows just read."""
        self.finish_block()
        columns: list[Column] | None = None
        header_row = self.header_row
        if self.header_rows:
            key = (tuple(map(tuple, self.header_rows)), self.page.unit, self.page.unit_english, self.reader.table.title)
            if key in self.headers_seen:
                columns = self.headers_seen[key]
            else:
                columns = self.resolve_header(number)
                self.headers_seen[key] = columns
        elif self.block is not None:
            columns, header_row = self.block.columns, self.block.header_row
        if columns is None:
            # Data without any header: landed with an empty header, so that the cleaning models report it.
            columns = [
                Column(index + 1, "", "", "")
                for index in range(self.width)
                if index not in (self.name_column, self.english_column)
            ]
            header_row = number
        indexes = [column.number - 1 for column in columns]
        if indexes and indexes == list(range(indexes[0], indexes[-1] + 1)):
            first, last = indexes[0], indexes[-1] + 1
            self.take = itemgetter(slice(first, last))
        elif len(indexes) == 1:
            self.take = itemgetter(slice(indexes[0], indexes[0] + 1))
        else:
            self.take = itemgetter(*indexes) if indexes else lambda row: ()
        title = CROSS_SECTION_TITLE if self.is_cross_section else self.reader.table.title
        self.block = Block(
            self.sheet,
            title,
            self.sheet_year if self.is_cross_section else None,
            header_row,
            columns,
        )
        self.header_rows = []
        self.page.title_open = False

    def block_of_year(self, year: int | None) -> Block:
        """The open block, or a new one if the year column says another data year."""
        if self.block.data_year != year:
            before = self.block
            self.finish_block()
            self.block = Block(self.sheet, before.table_title, year, before.header_row, before.columns)
        return self.block

    def finish_block(self) -> None:
        """Puts the open block, if it holds rows, to the finished ones; its columns stay in force."""
        block = self.block
        if block is None or not block.rows:
            return
        self.finished.append(block)
        self.reader.table.names.update(block.names)
        self.block = Block(block.sheet, block.table_title, block.data_year, block.header_row, block.columns)

    def resolve_header(self, first_data_row: int) -> list[Column]:
        """The columns of the header rows just read, with what the first page of the table says about them."""
        labels = self.parse_header()
        table = self.reader.table
        if table.first_labels is None or self.is_cross_section:
            table.first_labels = labels
            table.unit, table.unit_english = self.page.unit or "", self.page.unit_english
        else:
            labels = self.inherit(labels, table.first_labels, first_data_row)
        some_scope = any(label.scope for label in labels)
        title_scope = table.scope or self.page.english_scope
        # The unit above the header, unless it is damaged or lost on a later page (单位:入).
        page_unit = self.page.unit or ""
        if page_unit not in self.knowledge.units:
            page_unit = table.unit or page_unit
        columns = []
        for label in labels:
            unit = label.unit
            if not unit:
                unit = page_unit or label.unit_english or table.unit_english or self.page.unit_english
            scope = label.scope or ("unclear" if some_scope and not title_scope else title_scope)
            columns.append(Column(label.number, label.header, unit, scope))
        return columns

    def find_identifying_columns(self, first_header_row: Sequence) -> None:
        """Finds the columns of name, English name, year and codes by their labels."""
        top = [squeeze(cell_to_text(cell)) for cell in first_header_row]
        top += [""] * (self.width - len(top))
        chinese = ["".join(re.findall("[\u3400-\u9fff]", text)) for text in top]
        self.year_column = next((i for i, text in enumerate(chinese) if text in YEAR_LABELS), -1)
        self.key_columns = frozenset(i for i, text in enumerate(chinese) if text in KEY_LABELS)
        english = [i for i, text in enumerate(top) if text.lower() in ("city", "cities", "region")]
        for label in NAME_LABELS:
            if label in chinese:
                self.name_column = chinese.index(label)
                if chinese.count(label) > 1 and not self.panel_starts:
                    self.panel_starts = [i for i, text in enumerate(chinese) if text == label]
                break
        else:
            # The label is damaged (程市): the name stands left of its translation.
            self.name_column = english[0] - 1 if english and english[0] > 0 else 0
        self.english_column = next((i for i in english if i != self.name_column), -1)
        if self.english_column < 0 and self.name_column == 0 and self.width > 1 and not top[0] and not top[1]:
            # The whole first header row is damaged in these columns; a printed page has both.
            self.english_column = 1
        # One sheet per data year, or a year column: a wide table, which prints no title.
        has_title = self.reader.table.title != ""
        self.is_cross_section = not has_title and (self.sheet_year is not None or self.year_column >= 0)

    def parse_header(self) -> list[_Label]:
        """Header path, unit and scope of every value column.

        A blank cell of a header row takes the label of its left neighbour as long as both stand below the
        same label of the row above: this is how merged cells are stored.
        """
        identifying = {self.name_column, self.english_column, self.year_column} | self.key_columns
        indexes = [i for i in range(self.width) if i not in identifying]
        paths: dict[int, list[str]] = {i: [] for i in indexes}
        units = dict.fromkeys(indexes, "")
        english_units = dict.fromkeys(indexes, "")
        scopes = dict.fromkeys(indexes, "")
        has_own = dict.fromkeys(indexes, False)
        parents: dict[int, tuple] = dict.fromkeys(indexes, ())
        for row in self.header_rows:
            owner: int | None = None
            owners: dict[int, tuple] = {}
            before: int | None = None
            for i in indexes:
                cell = cell_to_text(row[i]) if i < len(row) else ""
                label = parse_label(cell, self.knowledge.units, self.knowledge.labels) if cell else None
                if label is not None:
                    has_own[i] = True
                    owner = i
                    if label.text:
                        paths[i].append(label.text)
                    units[i] = label.unit or units[i]
                    english_units[i] = label.unit_english or english_units[i]
                    scopes[i] = label.scope or scopes[i]
                    # A scope label belongs to its own column only.
                    if label.scope and not label.text:
                        owner = None
                elif owner is not None and before is not None and parents[i] == parents[before]:
                    if len(paths[owner]) > len(paths[i]):
                        paths[i].append(paths[owner][-1])
                    units[i] = units[i] or units[owner]
                    english_units[i] = english_units[i] or english_units[owner]
                else:
                    owner = None
                owners[i] = (*parents[i], owner if owner is not None else -1)
                before = i
            parents = owners
        labels = []
        for i in indexes:
            path = "|".join(text for k, text in enumerate(paths[i]) if k == 0 or text != paths[i][k - 1])
            if not has_own[i]:
                # A column without any label of its own: padding, or values nobody can name.
                path, units[i] = "", ""
            labels.append(_Label(i + 1, path, units[i], english_units[i], scopes[i]))
        while labels and not labels[-1].header and not has_own[labels[-1].number - 1] and self.is_blank(labels[-1]):
            labels.pop()
        return [label for label in labels if label.header or has_own[label.number - 1] or not self.is_blank(label)]

    def is_blank(self, label: _Label) -> bool:
        """Whether a column prints nothing in the whole sheet."""
        index = label.number - 1
        return not any(len(row) > index and squeeze(cell_to_text(row[index])) for row in self.rows)

    def inherit(self, labels: list[_Label], first: list[_Label], first_data_row: int) -> list[_Label]:
        """The labels of a repeated page header, with those of the table's first page where it is damaged.

        A page repeats the table's first page if it has the same columns, no scope that contradicts, no
        label that differs in more than a few characters, and prints other cities. A label that the mapping
        knows is never replaced, and neither is a unit that the mapping knows.
        """
        if [label.number for label in labels] != [label.number for label in first]:
            return labels
        if all(own == other for own, other in zip(labels, first, strict=True)):
            return labels
        for own, other in zip(labels, first, strict=True):
            if own.scope and other.scope and own.scope != other.scope:
                return labels
            if Levenshtein.normalized_distance(own.header, other.header) > DAMAGE_LIMIT:
                return labels
        if any(own.header != other.header for own, other in zip(labels, first, strict=True)):
            names = self.names_below(first_data_row)
            if len(names & self.reader.table.names) * 2 > len(names):
                return labels
        headers, units = self.knowledge.headers, self.knowledge.units
        return [
            other._replace(
                header=own.header if own.header in headers else other.header,
                unit=own.unit if own.unit in units else other.unit or own.unit,
                scope=other.scope or own.scope,
            )
            for own, other in zip(labels, first, strict=True)
        ]

    def names_below(self, first_data_row: int) -> set[str]:
        """The known city names of the page that begins at a row."""
        names: set[str] = set()
        for row in self.rows[first_data_row - 1 :]:
            name = squeeze(cell_to_text(row[self.name_column]))
            if not name:
                break
            if name in self.knowledge.city_names:
                names.add(name)
        return names
