"""From the rows of a sheet to blocks: the rows below one page header, with the meaning of every column.

A printed table is a sequence of pages. A page is, from top to bottom: a title or a line that says 续表,
English lines, a line with the unit, one to four header rows, and rows of cities, provinces and totals. The
pages may stand in one sheet or in several. Nothing here depends on table numbers, sheet names or positions.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from rapidfuzz.distance import Levenshtein

from city_policy.reader.knowledge import Knowledge
from city_policy.reader.text import (
    Label,
    english_unit_of_line,
    has_chinese,
    has_table_number,
    is_continuation,
    is_note,
    is_unit,
    label_like,
    parse_label,
    parse_number,
    parse_title,
    scope_of,
    scope_of_phrase,
    split_unit,
    squeeze,
    strip_blank,
    table_number,
)

# Labels of columns that identify a row instead of holding a value.
NAME_LABELS = ("城市", "城市名称", "城市名", "地区", "地级市", "市", "市名", "名称", "地名", "行政区划", "行政区域")
# Of these labels the ones that are a scope where 市区 stands beside them.
SCOPE_LIKE = ("地区", "市")
YEAR_LABELS = ("年份", "年度", "年")
KEY_LABELS = (
    "行政区划代码",
    "行政代码",
    "城市代码",
    "代码",
    "省份",
    "省",
    "所属省份",
    "省份名称",
    "序号",
    "编号",
    "位次",
    "名次",
    "排序",
    "次序",
)

# The title key of the wide workbooks that hold one sheet per data year.
CROSS_SECTION_TITLE = "地级市截面数据"

# A repeated page header is taken for a damaged copy of the first if no label differs in more than this share.
DAMAGE_LIMIT = 0.34

# What stands in the corner of a wide workbook: 中国2011年地级以上城市数据.
_wide_title = re.compile(r"中国((?:19|20)\d{2})年(.*)数据")
_latin_word = re.compile("[A-Za-z]{2}")
_sheet_year = re.compile(r"((?:19|20)\d{2})年?")
# Data year of the rows whose own cell of the year column cannot be read.
UNREADABLE_YEAR = 0
_cell_year = re.compile(r"((?:19|20)\d{2})(?:\.0)?年?")


@lru_cache(maxsize=1 << 15)
def _chinese_of(text: str) -> str:
    """The Chinese characters of a text."""
    return "".join(re.findall("[\u3400-\u9fff]", text))


@lru_cache(maxsize=1 << 14)
def is_name_label(cell: str) -> bool:
    """Whether a printed cell is the label of a column of names, and can be nothing else."""
    label = _chinese_of(squeeze(cell))
    return label in NAME_LABELS and label not in SCOPE_LIKE


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
class _HeaderColumn:
    """What the header rows read so far say of one column.

    ``parents``: the columns of the labels above, row by row; a label does not reach from one group of a wide workbook
    into the next.
    """

    parents: tuple
    path: list[str] = field(default_factory=list)
    unit: str = ""
    english_unit: str = ""
    scope: str = ""
    has_own: bool = False

    def take(self, label: Label) -> None:
        """Adds a label of the column's own."""
        self.has_own = True
        if label.text:
            self.path.append(label.text)
        self.unit = label.unit or self.unit
        self.english_unit = label.unit_english or self.english_unit
        self.scope = label.scope or self.scope

    def inherit(self, owner: "_HeaderColumn") -> None:
        """Adds what a merged cell says that begins in a column further left."""
        if len(owner.path) > len(self.path):
            self.path.append(owner.path[-1])
        self.unit = self.unit or owner.unit
        self.english_unit = self.english_unit or owner.english_unit


@dataclass
class Block:
    """Consecutive rows below one page header. ``cells`` is row by row, one text per column.

    ``form`` is 'table' for a printed table and 'wide' for a wide workbook, whose groups of columns are
    tables; ``level_text`` is what the corner of a wide workbook says of its units; ``heading`` is the title as
    printed; ``year_column`` counts from 1 and is 0 where no column prints years.
    """

    sheet: str
    table_title: str
    data_year: int | None
    header_row: int
    columns: list[Column]
    form: str = "table"
    level_text: str = ""
    heading: str = ""
    year_column: int = 0
    rows: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    cells: list = field(default_factory=list)


@dataclass
class _Table:
    """The table that is being read; it may go on in the next sheet."""

    title: str = ""
    scope: str = ""
    number: str = ""
    heading: str = ""
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


def squeezed_cell(cell: object) -> str:
    """The text of a cell without any blanks."""
    return squeeze(cell) if isinstance(cell, str) else cell_to_text(cell)


class SheetReader:
    """Reads the sheets of one file in their order; a table may go on from one sheet to the next."""

    def __init__(self, knowledge: Knowledge, clean_names: dict[str, str], file_title: str = ""):
        self.knowledge = knowledge
        # The title that the file name prints, for tables that print none.
        self.file_title = file_title
        # Whether a table of this file has rows already: then only a numbered or known title opens another.
        self.is_open = False
        # Printed name → squeezed name; shared by the files of a worker, because names repeat.
        self.clean_names = clean_names
        self.table = _Table()

    def read(self, sheet: str, rows: Sequence[Sequence]) -> list[Block]:
        """The blocks of a sheet. A sheet without header and data (a watermark) leaves the table as it was."""
        before = self.table
        found = _sheet_year.fullmatch(squeeze(sheet))
        year = int(found.group(1)) if found else None
        starts = self.panel_starts(rows)
        panels = side_by_side(rows, starts) if len(starts) > 1 else [rows]
        blocks: list[Block] = []
        after = before
        was_open = self.is_open
        for number, panel in enumerate(panels):
            self.table = replace(before, names=set(before.names))
            self.is_open = was_open
            first = starts[number] if len(panels) > 1 else 0
            last = starts[number + 1] if number + 1 < len(panels) else None
            of_panel = _SheetWalk(self, sheet, panel, year, first, last).blocks()
            if of_panel:
                blocks += of_panel
                after = self.table
        self.table, self.is_open = after, was_open or bool(blocks)
        return blocks

    def panel_starts(self, rows: Sequence[Sequence]) -> list[int]:
        """The columns of names, if a page prints names in several columns beside each other: each stands below
        a label of its own. A list of none or one otherwise."""
        starts: set[int] = set()
        for number, row in enumerate(rows[:30]):
            for column, cell in enumerate(row):
                if (
                    isinstance(cell, str)
                    # A label is Chinese, as numbers are not.
                    and not cell.isascii()
                    and is_name_label(cell)
                    and column not in starts
                    and self.holds_names(rows[number + 1 : number + 60], column)
                ):
                    starts.add(column)
        return sorted(starts)

    def holds_names(self, rows: Sequence[Sequence], column: int) -> bool:
        """Whether a column of the rows prints a known name."""
        names = self.knowledge.names
        return any(column < len(row) and isinstance(row[column], str) and squeeze(row[column]) in names for row in rows)


def side_by_side(rows: Sequence[Sequence], starts: list[int]) -> list[Sequence[Sequence]]:
    """The rows, once per panel of a page that prints the names in several columns beside each other.

    In every copy the cells of the other panels are blank, so that columns keep their numbers; lines with a
    single cell (titles, units) belong to all panels.
    """
    panels: list[Sequence[Sequence]] = []
    for first, last in zip(starts, [*starts[1:], None], strict=True):
        panel: list[Sequence] = []
        for row in rows:
            if sum(cell not in ("", None) for cell in row) > 1:
                end = len(row) if last is None else last
                row = [cell if first <= i < end else "" for i, cell in enumerate(row)]
            panel.append(row)
        panels.append(panel)
    return panels


class _Gap(NamedTuple):
    """A row between two rows of data: a header row, or a line of text."""

    number: int
    is_header: bool
    row: Sequence
    position: int
    text: str
    unit: str | None


@dataclass
class _Head:
    """What the rows between two runs of data say: the head of a page."""

    parts: list[str] = field(default_factory=list)
    number: str = ""
    is_continuation: bool = False
    continued_title: str = ""
    scope: str = ""
    page: _Page = field(default_factory=_Page)
    header_rows: list[tuple[int, Sequence]] = field(default_factory=list)
    names_without_values: list[_Gap] = field(default_factory=list)

    def title(self) -> tuple[str, str]:
        """Title key and scope of the title lines; a line that repeats the one before is damage."""
        parts = [part for position, part in enumerate(self.parts) if part not in self.parts[:position]]
        title, scope = parse_title("".join(parts))
        return title, scope or self.scope


class _SheetWalk:
    """One walk down the rows of one sheet.

    Rows of data are recognised one by one. The rows between two runs of data are kept until the next row of
    data and then read together, because only what follows tells a title from a label and from a name without
    values.
    """

    def __init__(
        self,
        reader: SheetReader,
        sheet: str,
        rows: Sequence[Sequence],
        sheet_year: int | None,
        first_column: int,
        end_column: int | None,
    ):
        self.reader = reader
        self.knowledge = reader.knowledge
        self.sheet = sheet
        self.rows = rows
        # The columns of the panel; all of them where names stand in one column.
        self.first_column = first_column
        self.width = max(map(len, rows), default=0)
        if end_column is not None:
            self.width = min(self.width, end_column)
        self.sheet_year = sheet_year
        self.page = _Page()
        self.gap: list[_Gap] = []
        self.header_rows: list[Sequence] = []
        self.header_row = 0
        self.block: Block | None = None
        self.name_column = first_column
        self.english_column = -1
        self.key_columns: frozenset[int] = frozenset()
        self.year_column = -1
        # Cells of a row that are values; every block sets it.
        self.take: Callable[[Sequence], Sequence] = tuple
        self.finished: list[Block] = []
        self.is_cross_section = False
        self.wide_year: int | None = None
        self.headers_seen: dict[tuple, list[Column]] = {}
        # Of a wide workbook: column number → title, unit and scope of the table that its group of columns is.
        self.groups: dict[int, str] = {}
        self.group_units: dict[int, str] = {}
        self.group_scopes: dict[int, str] = {}
        self.group_starts: dict[int, int] = {}
        self.level_text = ""

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
        self.close_gap()
        self.finish_block()
        return self.finished

    def data_row(self, number: int, row: Sequence, name: str) -> None:
        """Adds a row of values to the open block; opens one if a header has just been read."""
        if self.gap:
            self.close_gap(number)
        block = self.open_block(number) if self.header_rows or self.block is None else self.block
        if self.year_column >= 0:
            year = _cell_year.fullmatch(cell_to_text(row[self.year_column])) if self.year_column < len(row) else None
            # A row whose year cannot be read belongs to no year; the year of the folder would be a guess.
            block = self.block_of_year(block, int(year.group(1)) if year else UNREADABLE_YEAR)
        block.rows.append(number)
        block.names.append(name)
        block.cells.extend(self.take(row))

    def other_row(self, number: int, row: Sequence) -> None:
        """A row whose name cell holds no known name: it waits in the gap, or is data with a name nobody knows."""
        filled = [
            (index, text)
            for index, cell in enumerate(row)
            if cell != "" and (text := squeeze(cell if isinstance(cell, str) else cell_to_text(cell)))
        ]
        if not filled:
            return
        first_index, first = filled[0]
        unit = next((split_unit(text)[1] for _, text in filled if "单位" in text), None)
        if self.is_line(filled, unit):
            self.gap.append(_Gap(number, False, row, first_index, first, unit))
            return
        if self.is_header(filled):
            self.gap.append(_Gap(number, True, row, first_index, first, None))
            self.find_identifying_columns(row, is_first=not any(gap.is_header for gap in self.gap[:-1]))
            return
        name = squeezed_cell(row[self.name_column]) if self.name_column < len(row) else ""
        self.data_row(number, row, name)

    def is_line(self, filled: list[tuple[int, str]], unit: str | None) -> bool:
        """Whether the filled cells of a row are a line of text; ``unit``: the unit that one of them prints."""
        first_index, first = filled[0]
        if len(filled) == 1 and (label_like.search(first) or has_chinese(first) or first_index == self.name_column):
            return True
        # A title beside its translation, a unit beside its translation.
        if unit is not None and len(filled) == 2:
            return True
        if len(filled) > 3 or not (has_table_number(first) or is_continuation(first)):
            return False
        return all(parse_number(text)[0] != "printed" for _, text in filled[1:])

    def is_header(self, filled: list[tuple[int, str]]) -> bool:
        """Whether the filled cells of a row are labels, scopes and units."""
        identifying = {self.name_column, self.english_column} | self.key_columns | {self.year_column}
        values = [text for index, text in filled if index not in identifying]
        name = next((text for index, text in filled if index == self.name_column), "")
        if _wide_title.match(name) or _chinese_of(name) in NAME_LABELS:
            return True
        if not values:
            # City without a label, or a name with its English name and nothing printed for it.
            return filled[-1][1].lower() == "city"
        below_header = any(gap.is_header for gap in self.gap)
        known_units = self.knowledge.units
        labels = [
            text
            for text in values
            if label_like.search(text)
            or scope_of(text)
            or (below_header and (is_unit(text.strip("()"), known_units) or _cell_year.fullmatch(text)))
        ]
        if len(labels) == len(values):
            return True
        # One damaged label of many does not make a header a row of data.
        return not name and below_header and len(labels) * 10 >= len(values) * 8

    def close_gap(self, data_row: int | None = None) -> None:
        """Reads the rows before a row of data, or before the end of the sheet, as the head of a page."""
        gap, self.gap = self.gap, []
        head = self.read_gap(gap)
        for row in head.names_without_values:
            self.data_row(row.number, row.row, row.text)
        title, scope = head.title()
        # Lines without number and header at the end of a sheet are watermarks and notes.
        if data_row is None and not (head.number or head.is_continuation or head.header_rows):
            return
        if not (title or head.is_continuation or head.header_rows or head.page.unit is not None):
            return
        self.page = head.page
        self.take_title(head, title, scope)
        if head.header_rows:
            self.finish_block()
            self.header_row = head.header_rows[0][0]
            self.header_rows = [row for _, row in head.header_rows]

    def take_title(self, head: _Head, title: str, scope: str) -> None:
        """Opens the table whose title a head prints, or goes on with the one that is being read."""
        table = self.reader.table
        if title and not self.is_same_table(title, scope, head.number):
            self.start_table(title, scope, head.number, "".join(head.parts))
        elif not table.title and not self.reader.is_open and not self.is_cross_section:
            self.start_table(head.continued_title or self.reader.file_title, scope or head.scope, head.number, "")
        elif head.scope and not table.scope:
            table.scope = head.scope

    def read_gap(self, gap: list[_Gap]) -> _Head:
        """The lines and header rows of a gap."""
        head = _Head()
        for position, row in enumerate(gap):
            if row.is_header:
                head.header_rows.append((row.number, row.row))
                continue
            text, _ = split_unit(row.text)
            number = table_number(text)
            continued = is_continuation(text)
            if head.header_rows and (continued or (number and has_chinese(text))):
                # The head of a page without data ends where the next page begins.
                head = _Head(parts=head.parts, number=head.number)
            if row.unit is not None:
                head.page.unit = row.unit
                if not has_chinese(text) and not continued:
                    continue
            if continued:
                head.is_continuation = True
                head.continued_title = parse_title(text)[0]
                continue
            self.read_line(head, row, text, number, any(later.is_header for later in gap[position + 1 :]))
        return head

    def read_line(self, head: _Head, row: _Gap, text: str, number: str, before_header: bool) -> None:
        """One line of text of a gap: title, label, scope, English unit, note or a name without values."""
        in_header = bool(head.header_rows)
        is_label = row.position > self.name_column and (in_header or before_header)
        if _chinese_of(text) in NAME_LABELS and (in_header or before_header or row.position == self.name_column):
            head.header_rows.append((row.number, row.row))
            self.find_identifying_columns(row.row, is_first=not in_header)
            return
        if not is_label and self.read_scope_or_unit(head, text):
            return
        if is_note(text) or not has_chinese(text):
            latin_scope = re.search(r"\(((?:total\s*city)|(?:districts\s*under\s*city))\)", text, re.IGNORECASE)
            if latin_scope:
                head.page.english_scope = scope_of(latin_scope.group(1))
            elif is_label:
                head.header_rows.append((row.number, row.row))
            return
        has_title = bool(head.parts or head.is_continuation or self.reader.table.title)
        if is_label and not number and (has_title or in_header):
            head.header_rows.append((row.number, row.row))
        elif not in_header:
            self.read_title(head, row, text, number)

    def read_scope_or_unit(self, head: _Head, text: str) -> bool:
        """Whether a line says the scope or the English unit of its page and nothing else; if so, it is taken."""
        scope = scope_of_phrase(text)
        if scope:
            head.scope = head.scope or scope
            return True
        english_unit = english_unit_of_line(text)
        if english_unit is not None:
            head.page.unit_english = english_unit
        return english_unit is not None

    def read_title(self, head: _Head, row: _Gap, text: str, number: str) -> None:
        """A line above the header: a title, a part of one, or a name without values."""
        if number and not (head.parts and not head.number and re.match(r"\d{1,2}[.、]", number)):
            # The heading of a chapter stands above the number of the table.
            head.parts, head.number = [text], number
            return
        title = parse_title(text)[0]
        if (
            not head.parts
            and self.reader.is_open
            and not (self.knowledge.is_known_title(title) or self.is_same_title(title))
        ):
            # Below the first page of a table only a known or numbered title is one.
            if row.position == self.name_column and len(text) <= 12 and not re.search("[,。;:、]", text):
                head.names_without_values.append(row)
            return
        head.parts.append(text)

    def is_same_table(self, title: str, scope: str, number: str) -> bool:
        """Whether a title, with its scope and number, is that of the table that is being read."""
        table = self.reader.table
        if scope and scope != table.scope:
            return False
        if number and number == table.number and not self.knowledge.is_known_title(title):
            return True
        return self.is_same_title(title)

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

    def start_table(self, title: str, scope: str, number: str, heading: str) -> None:
        """A new title: columns of the table before no longer hold."""
        self.finish_block()
        self.block = None
        self.reader.table = _Table(title, scope, number, heading)

    def open_block(self, number: int) -> Block:
        """Gives the rows that follow the columns of the header rows just read."""
        self.finish_block()
        columns: list[Column] | None = None
        header_row = self.header_row
        if (
            self.english_column < 0
            and self.name_column + 1 < self.width
            and self.looks_english(self.name_column + 1, number)
        ):
            self.english_column = self.name_column + 1
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
                for index in range(self.first_column, self.width)
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
        year = self.wide_year or self.sheet_year if self.is_cross_section else None
        self.block = self.new_block(year, header_row, columns)
        self.header_rows = []
        self.reader.is_open = True
        return self.block

    def new_block(self, year: int | None, header_row: int, columns: list[Column]) -> Block:
        """A block without rows yet, of the table and form that are being read."""
        title = CROSS_SECTION_TITLE if self.is_cross_section else self.reader.table.title
        form = "wide" if self.is_cross_section else "table"
        heading = "" if self.is_cross_section else self.reader.table.heading
        return Block(self.sheet, title, year, header_row, columns, form, self.level_text, heading, self.year_column + 1)

    def block_of_year(self, block: Block, year: int | None) -> Block:
        """The open ``block``, or a new one if the year column says another data year."""
        if block.data_year != year:
            self.finish_block()
            self.block = block = self.new_block(year, block.header_row, block.columns)
        return block

    def finish_block(self) -> None:
        """Puts the open block, if it holds rows, to the finished ones; its columns stay in force."""
        block = self.block
        if block is None or not block.rows:
            return
        self.finished += self.split_by_group(block)
        self.reader.table.names.update(block.names)
        self.block = self.new_block(block.data_year, block.header_row, block.columns)

    def split_by_group(self, block: Block) -> list[Block]:
        """A block of a wide workbook as one block per group of columns; any other block as it is."""
        if not self.groups:
            return [block]
        titles = dict.fromkeys(self.groups.get(column.number, CROSS_SECTION_TITLE) for column in block.columns)
        blocks = []
        width = len(block.columns)
        for title in titles:
            chosen = [
                position
                for position, column in enumerate(block.columns)
                if self.groups.get(column.number, CROSS_SECTION_TITLE) == title
            ]
            cells = [
                block.cells[start + position] for start in range(0, len(block.cells), width) for position in chosen
            ]
            columns = [block.columns[position] for position in chosen]
            blocks.append(replace(block, table_title=title, columns=columns, cells=cells))
        return blocks

    def resolve_header(self, first_data_row: int) -> list[Column]:
        """The columns of the header rows just read, with what the first page of the table says about them."""
        self.take_groups()
        labels = self.parse_header()
        if self.groups:
            labels = [self.label_in_group(label) for label in labels]
        table = self.reader.table
        if table.first_labels is None or self.is_cross_section:
            table.first_labels = labels
            table.unit, table.unit_english = self.page.unit or "", self.page.unit_english
        else:
            labels = self.inherit(labels, table.first_labels, first_data_row)
        some_scope = any(label.scope for label in labels)
        title_scope = "" if self.is_cross_section else table.scope or self.page.english_scope
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

    def label_in_group(self, label: _Label) -> _Label:
        """A label of a wide workbook with what the title of its group says of unit and scope."""
        unit = label.unit or self.group_units.get(label.number, "")
        return label._replace(unit=unit, scope=label.scope or self.group_scopes.get(label.number, ""))

    def find_identifying_columns(self, header_row: Sequence, is_first: bool) -> None:
        """Finds the columns of name, English name, year and codes by their labels in a header row.

        ``is_first``: whether it is the first header row of its page.
        """
        top = [squeezed_cell(cell) for cell in header_row]
        top += [""] * (self.width - len(top))
        corner = next((_wide_title.match(text) for text in top if text), None)
        if corner:
            self.wide_year, self.level_text = int(corner.group(1)), corner.group(2)
        chinese = [_chinese_of(text) for text in top]
        if is_first:
            self.year_column = next((i for i, text in enumerate(chinese) if text in YEAR_LABELS), -1)
            self.key_columns = frozenset(i for i, text in enumerate(chinese) if text in KEY_LABELS)
        self.find_name_columns(top, chinese)
        # One sheet per data year, a year column, or a corner that says so: a wide table, which prints no title.
        has_title = self.reader.table.title != "" or any(not gap.is_header and gap.text for gap in self.gap)
        if is_first or corner:
            self.is_cross_section = self.wide_year is not None or (
                not has_title and (self.sheet_year is not None or self.year_column >= 0)
            )

    def find_name_columns(self, top: list[str], chinese: list[str]) -> None:
        """Finds the columns of names and English names; ``chinese``: the Chinese characters of the labels ``top``."""
        english = [i for i, text in enumerate(top) if text.lower() in ("city", "cities", "region")]
        # 地区 and 市 are scopes where 市区 or nothing but scopes stands beside them.
        scopes = [scope_of(text) for text in top if text]
        are_scopes = all(scopes) or "districts" in scopes
        labels = [label for label in NAME_LABELS if not (label in SCOPE_LIKE and are_scopes)]
        label = next((label for label in labels if label in chinese), None)
        if label:
            self.name_column = chinese.index(label)
        elif english and english[0] > 0:
            # The label is damaged (程市): the name stands left of its translation.
            self.name_column = english[0] - 1
        if label or english:
            self.english_column = next((i for i in english if i != self.name_column), -1)

    def looks_english(self, column: int, first_data_row: int) -> bool:
        """Whether an unlabelled column prints Latin names and no numbers in the rows from a data row on."""
        texts = [
            text
            for row in self.rows[first_data_row - 1 : first_data_row + 15]
            if column < len(row) and (text := squeezed_cell(row[column]))
        ]
        latin = sum(_latin_word.search(text) is not None for text in texts)
        return latin > 0 and latin * 2 > len(texts)

    def take_groups(self) -> None:
        """Takes the row of table titles off the header rows of a wide workbook.

        The corner 中国…数据 stands in the first header row. That row holds titles of tables if labels stand in
        the rows below it, and labels if only scopes and units do.
        """
        self.groups, self.group_units, self.group_scopes, self.group_starts = {}, {}, {}, {}
        if self.wide_year is None or len(self.header_rows) < 2:
            return
        top, *below = self.header_rows
        identifying = {self.name_column, self.english_column} | self.key_columns | {self.year_column}
        columns = [i for i in range(self.first_column, self.width) if i not in identifying]
        known_units = self.knowledge.units
        labelled = {i for row in below for i in columns if i < len(row) and self.is_plain_label(row[i])}
        titled = {i for i in columns if i < len(top) and squeezed_cell(top[i])}
        if len(labelled) * 2 < len(titled):
            return
        self.header_rows = below
        title, unit, scope, start = "", "", "", 0
        for i in columns:
            text = squeezed_cell(top[i]) if i < len(top) else ""
            if text:
                label = parse_label(text, known_units, frozenset())
                unit = label.unit
                title, scope = parse_title(text if not unit else label.text)
                scope, start = scope or label.scope, i
            if title:
                self.groups[i + 1], self.group_units[i + 1], self.group_scopes[i + 1] = title, unit, scope
                self.group_starts[i] = start

    def is_plain_label(self, cell: object) -> bool:
        """Whether a header cell prints a label, not only a scope or a unit."""
        text = squeezed_cell(cell)
        return has_chinese(text) and not scope_of(text) and not is_unit(text.strip("()"), self.knowledge.units)

    def parse_header(self) -> list[_Label]:
        """Header path, unit and scope of every value column.

        A blank cell of a header row takes the label of its left neighbour as long as both stand below the
        same label of the row above: this is how merged cells are stored.
        """
        identifying = {self.name_column, self.english_column, self.year_column} | self.key_columns
        indexes = [i for i in range(self.first_column, self.width) if i not in identifying]
        columns = {i: _HeaderColumn((self.group_starts.get(i, -1),)) for i in indexes}
        for row in self.header_rows:
            self.read_header_row(row, columns)
        labels = [self.label_of_column(i, column) for i, column in columns.items()]
        while labels and self.says_nothing(labels[-1], columns):
            labels.pop()
        return [label for label in labels if not self.says_nothing(label, columns)]

    def read_header_row(self, row: Sequence, columns: dict[int, "_HeaderColumn"]) -> None:
        """Adds the labels of one header row to its columns."""
        owner: int | None = None
        owners: dict[int, tuple] = {}
        before: int | None = None
        for i, column in columns.items():
            cell = cell_to_text(row[i]) if i < len(row) else ""
            label = parse_label(cell, self.knowledge.units, self.knowledge.labels) if cell else None
            if label is not None:
                column.take(label)
                # A scope label belongs to its own column only.
                owner = None if label.scope and not label.text else i
            elif owner is not None and before is not None and column.parents == columns[before].parents:
                column.inherit(columns[owner])
            else:
                owner = None
            owners[i] = (*column.parents, owner if owner is not None else -1)
            before = i
        for i, parents in owners.items():
            columns[i].parents = parents

    def label_of_column(self, index: int, column: "_HeaderColumn") -> _Label:
        """The label that the cells of a column give together."""
        texts = column.path
        path = "|".join(text for k, text in enumerate(texts) if k == 0 or text != texts[k - 1])
        joined = path.replace("|", "")
        if joined != path and path not in self.knowledge.headers and joined in self.knowledge.headers:
            # One label that is broken over several cells.
            path = joined
        if not column.has_own:
            # A column without any label of its own: padding, or values nobody can name.
            return _Label(index + 1, "", "", column.english_unit, column.scope)
        return _Label(index + 1, path, column.unit, column.english_unit, column.scope)

    def says_nothing(self, label: _Label, columns: dict[int, "_HeaderColumn"]) -> bool:
        """Whether a column has neither a label nor a value."""
        return not label.header and not columns[label.number - 1].has_own and self.is_blank(label)

    def is_blank(self, label: _Label) -> bool:
        """Whether a column prints nothing in the whole sheet."""
        index = label.number - 1
        return not any(len(row) > index and squeezed_cell(row[index]) for row in self.rows)

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
            name = squeezed_cell(row[self.name_column])
            if not name:
                break
            if name in self.knowledge.city_names:
                names.add(name)
        return names
