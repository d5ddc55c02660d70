"""The gate in front of .xlsx and .xlsm workbooks: what calamine gets to read is sound, visible and plain.

calamine reads error cells and formulas without a result as blanks, takes no notice of hidden rows and
percent formats, and a cell at the far corner of a sheet makes its allocator end the process. So every
worksheet passes here first. Nearly all are plain, which a few searches over the raw bytes tell; the others
are written anew. calamine then reads an archive made here, which holds nothing that was not looked at.
"""

import codecs
import contextlib
import html
import posixpath
import re
from collections.abc import Iterator
from functools import lru_cache
from io import BytesIO
from typing import NamedTuple
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from python_calamine import CalamineError, CalamineWorkbook

from city_policy.reader.archives import DamagedArchive, read_members, stored_archive
from city_policy.reader.cells import (
    FORMULA_WITHOUT_RESULT,
    MAX_CELLS,
    Remark,
    Sheet,
    SpecialNumber,
    apply_formats,
    boolean_remark,
    column_letters,
    column_number,
    error_remark,
    far_remark,
    formula_remark,
    hidden_remarks,
    hidden_sheet,
    number_format_kind,
    used_area,
)

MAX_ROWS = 1_048_576
MAX_COLUMNS = 16_384

# A cell that is not just position, style and a type that calamine reads soundly. The first pattern also
# finds every cell outside A1:GZ9999; within, the area is small whatever the cells.
_odd_text_or_far_cell = re.compile(rb'<c(?=[\s/>])(?! r="[A-G]?[A-Z][0-9]{1,4}"(?: s="[0-9]+")?(?: t="[sn]")?/?>)')
_odd_cell = re.compile(
    rb'<c(?=[\s/>])(?! r="[A-Z]{1,3}[1-9][0-9]{0,6}"(?: s="[0-9]{1,6}")?(?: t="(?:s|n|str|inlineStr)")?/?>)'
)
_formula = re.compile(rb"<f[\s/>]")
_markup = re.compile(rb"<!")
_prefixed = re.compile(rb":[cf][\s/>]")
_filled_cell = re.compile(rb'<c r="([A-Z]{1,3})([0-9]{1,7})"(?:[^>]*[^/>])?>')
_declaration = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")

# Number formats of the standard that show a number as it is: General, 0, 0.00, #,##0, accounting, text …
_plain_format_ids = frozenset(b"%d" % number for number in (*range(9), 11, 12, 13, *range(37, 45), 48, 49))
_percent_ids = {"9", "10"}
_date_ids = {str(number) for number in (*range(14, 23), *range(27, 37), 45, 46, 47, *range(50, 59))}


class _Part(NamedTuple):
    """A worksheet of the workbook. ``member`` is '' for sheets that hold no cells (charts, macros)."""

    name: str
    hidden: bool
    member: str


class _Gated(NamedTuple):
    """A worksheet that calamine may read, what was found in it, and its specially formatted numbers."""

    xml: bytes
    remarks: list[Remark]
    special: list[SpecialNumber]
    # Whether a text in the sheet itself, not in the table of shared texts, may hold the unit separator.
    separated: bool
    # Whether the sheet is as it was, so that its structure has not been checked.
    is_plain: bool
    # How many cells of a plain sheet hold a value.
    n_stored: int


def read_open_xml(content: bytes) -> Iterator[Sheet]:
    """The sheets of an .xlsx or .xlsm workbook, in order.

    Raises DamagedArchive, whose text is the cause, if the workbook is damaged or cannot be read.
    """
    book = _open(content)
    visible = [part for part in book.parts if part.member and not part.hidden]
    gated = [
        gate_sheet(book.member(part.member), part.name, book.special_styles, book.recalculates) for part in visible
    ]
    # A text must not hold the sign that keeps cells apart on their way between processes.
    separated = _holds_separator(book.strings)
    book.members.clear()
    workbook = open_with_calamine(_archive(book, visible, [sheet.xml for sheet in gated]))
    # Only one copy of a large sheet is kept in memory.
    gated = [sheet._replace(xml=b"") for sheet in gated]
    number = 0
    for part in book.parts:
        if not part.member:
            message = f"The sheet {part.name} holds a chart or macros instead of cells and was left out."
            yield Sheet(part.name, [], [Remark("sheet without cells", 0, 0, part.name, message)])
            continue
        if part.hidden:
            yield hidden_sheet(part.name)
            continue
        sheet = gated[number]
        rows = read_with_calamine(workbook, number)
        number += 1
        if sheet.is_plain and sheet.n_stored != n_filled(rows):
            # Blank texts, or what calamine does not read: cells in a wrong place, numbers with character references.
            again = _open(content)
            sheet = _Rewriter(part.name, book.special_styles, book.recalculates).rewrite(again.member(part.member))
            rows = read_with_calamine(open_with_calamine(_archive(again, [part], [sheet.xml])), 0)
        if separated or sheet.separated:
            rows = [[cell.replace("\x1f", " ") if isinstance(cell, str) else cell for cell in row] for row in rows]
        yield Sheet(part.name, rows, sheet.remarks + apply_formats(rows, sheet.special))


class _Book(NamedTuple):
    """The parts of a workbook, all with a checksum that fits."""

    members: dict[str, bytes]
    parts: list[_Part]
    is_1904: bool
    recalculates: bool
    strings: bytes
    styles: bytes
    special_styles: dict[int, str]

    def member(self, name: str) -> bytes:
        """A part in UTF-8."""
        return as_utf8(self.members[name], name)


def _open(content: bytes) -> _Book:
    """The parts of a workbook; raises DamagedArchive."""
    members = {name.replace("\\", "/").lstrip("/"): part for name, part in read_members(content).items()}
    folded = {name.lower(): name for name in members}
    main = folded.get("xl/workbook.xml") or _main_part(members, folded)
    related = _relations(members, folded, main)
    parts, is_1904, recalculates = _sheets(as_utf8(members[main], main), related)
    styles_name = next((target for kind, target in related.values() if kind == "styles" and target), "")
    strings_name = next((target for kind, target in related.values() if kind == "sharedStrings" and target), "")
    styles = as_utf8(members[styles_name], styles_name) if styles_name else b""
    strings = as_utf8(members[strings_name], strings_name) if strings_name else b""
    special_styles = special_formats(styles) if styles else {}
    return _Book(members, parts, is_1904, recalculates, strings, styles, special_styles)


def _archive(book: _Book, parts: list[_Part], sheets: list[bytes]) -> bytes:
    """A workbook of these sheets for calamine."""
    members = [
        ("_rels/.rels", _ROOT_RELATIONS),
        ("xl/workbook.xml", _workbook_xml(parts, book.is_1904)),
        ("xl/_rels/workbook.xml.rels", _relations_xml(len(parts), bool(book.strings), bool(book.styles))),
        *((f"xl/worksheets/sheet{number}.xml", sheet) for number, sheet in enumerate(sheets)),
    ]
    members += [("xl/sharedStrings.xml", book.strings)] if book.strings else []
    members += [("xl/styles.xml", book.styles)] if book.styles else []
    return stored_archive(members)


_ROOT_RELATIONS = (
    b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type='
    b'"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/>'
    b"</Relationships>"
)
_separator = re.compile(rb"&#(?:x0*1f|0*31);|_x001f_", re.IGNORECASE)


def _holds_separator(xml: bytes) -> bool:
    """Whether a text may hold the unit separator, as itself or escaped."""
    # The pattern itself ignores case, which takes fifty times as long as to look for how it may begin.
    may_be_escaped = b"&#" in xml or b"_x001" in xml or b"_X001" in xml
    return b"\x1f" in xml or (may_be_escaped and _separator.search(xml) is not None)


def n_filled(rows: list[list]) -> int:
    """The number of cells that are not blank."""
    return sum(map(len, rows)) - sum([row.count("") for row in rows])


@contextlib.contextmanager
def _calamine_errors() -> Iterator[None]:
    """Turns what calamine raises for damaged content into DamagedArchive."""
    try:
        yield
    except (CalamineError, OSError, ValueError, OverflowError) as error:
        raise DamagedArchive(f"its content is damaged: {error}") from error
    except BaseException as error:
        # A panic of the library is no Exception in Python; it has this name and no class to import.
        if type(error).__name__ != "PanicException":
            raise
        raise DamagedArchive("its content is damaged") from error


def open_with_calamine(archive: bytes) -> CalamineWorkbook:
    """A workbook that was made here."""
    with _calamine_errors():
        return CalamineWorkbook.from_filelike(BytesIO(archive))


def read_with_calamine(workbook: CalamineWorkbook, number: int) -> list[list]:
    """The rows of a sheet, row 1 and column A first."""
    with _calamine_errors():
        return workbook.get_sheet_by_index(number).to_python(skip_empty_area=False)


# The workbook: sheets, relations, number formats.


def elements(xml: bytes, name: str) -> list[tuple[str, dict[str, str]]]:
    """The elements of an XML part, in order, as local name and attributes by local name."""
    found: list[tuple[str, dict[str, str]]] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        found.append((tag.rpartition(":")[2], {key.rpartition(":")[2]: value for key, value in attributes.items()}))

    parse_xml(xml, name, start)
    return found


def parse_xml(xml: bytes, name: str, start, end=None, text=None) -> None:
    """Parses an XML part in UTF-8 with these handlers; raises DamagedArchive if it is not well-formed or
    declares entities."""
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(xml, True)
    except expat.ExpatError as error:
        raise DamagedArchive(f"its part {name} is not well-formed: {error}") from error


def _refuse_doctype(*_) -> None:
    raise DamagedArchive("one of its parts declares a document type, which workbooks do not hold")


def as_utf8(xml: bytes, name: str) -> bytes:
    """An XML part in UTF-8 without byte order mark, whatever encoding it declares."""
    encoding = "utf-8"
    if xml[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        encoding = "utf-16"
    elif xml[:3] == codecs.BOM_UTF8:
        return xml[3:]
    elif found := _declaration.match(xml):
        encoding = found.group(1).decode("ascii").lower()
    if encoding in ("utf-8", "utf8", "us-ascii", "ascii"):
        return xml
    try:
        return xml.decode(encoding).encode("utf-8")
    except (LookupError, UnicodeError) as error:
        raise DamagedArchive(f"its part {name} is not in the encoding {encoding} that it declares") from error


def _main_part(members: dict[str, bytes], folded: dict[str, str]) -> str:
    """The name of the workbook part where it is not the usual one."""
    relations = folded.get("_rels/.rels")
    if relations:
        for tag, attributes in elements(as_utf8(members[relations], relations), relations):
            if tag == "Relationship" and attributes.get("Type", "").endswith("/officeDocument"):
                target = attributes.get("Target", "").lstrip("/").lower()
                if target in folded:
                    return folded[target]
    raise DamagedArchive("it holds no workbook")


def _relations(members: dict[str, bytes], folded: dict[str, str], book: str) -> dict[str, tuple[str, str]]:
    """The parts of the workbook by the id of their relation: kind and member, '' if it does not exist."""
    folder, base = posixpath.split(book)
    name = folded.get(f"{folder}/_rels/{base}.rels".lstrip("/").lower())
    if name is None:
        raise DamagedArchive("the list of its parts is missing")
    related = {}
    for tag, attributes in elements(as_utf8(members[name], name), name):
        if tag == "Relationship" and attributes.get("TargetMode") != "External":
            target = attributes.get("Target", "").replace("\\", "/")
            path = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
            member = folded.get(path.lower(), folded.get(target.lower(), ""))
            related[attributes.get("Id", "")] = (attributes.get("Type", "").rpartition("/")[2], member)
    return related


def _sheets(workbook: bytes, related: dict[str, tuple[str, str]]) -> tuple[list[_Part], bool, bool]:
    """The sheets in order; whether dates count from 1904; whether results are to be computed on opening."""
    parts: list[_Part] = []
    is_1904 = recalculates = False
    for tag, attributes in elements(workbook, "of the workbook"):
        if tag == "sheet":
            name = attributes.get("name", "")
            kind, member = related.get(attributes.get("id", ""), ("", ""))
            if (kind == "worksheet" and not member) or not kind:
                raise DamagedArchive(f"its sheet {name} is missing")
            hidden = attributes.get("state", "visible") != "visible"
            if any(part.name == name for part in parts):
                raise DamagedArchive(f"its sheet {name} exists twice")
            parts.append(_Part(name, hidden, member if kind == "worksheet" else ""))
        elif tag == "workbookPr":
            is_1904 = attributes.get("date1904", "0") in ("1", "true")
        elif tag == "calcPr":
            recalculates = attributes.get("fullCalcOnLoad", "0") in ("1", "true")
    if not parts:
        raise DamagedArchive("it holds no sheet")
    return parts, is_1904, recalculates


def _workbook_xml(parts: list[_Part], is_1904: bool) -> bytes:
    sheets = "".join(
        f'<sheet name={quoteattr(part.name)} sheetId="{number + 1}" r:id="s{number}"/>'
        for number, part in enumerate(parts)
    )
    date = '<workbookPr date1904="1"/>' if is_1904 else ""
    return (
        '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
        'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
        f"{date}<sheets>{sheets}</sheets></workbook>"
    ).encode()


@lru_cache(maxsize=256)
def _relations_xml(n_sheets: int, strings: bool, styles: bool) -> bytes:
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
    targets = [(f"s{number}", "worksheet", f"worksheets/sheet{number}.xml") for number in range(n_sheets)]
    targets += [("strings", "sharedStrings", "sharedStrings.xml")] if strings else []
    targets += [("styles", "styles", "styles.xml")] if styles else []
    inner = "".join(f'<Relationship Id="{id_}" Type="{kind}{name}" Target="{to}"/>' for id_, name, to in targets)
    return (
        f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{inner}</Relationships>'
    ).encode()


@lru_cache(maxsize=64)
def special_formats(styles: bytes) -> dict[int, str]:
    """The cell styles that do not show a number as it is: index of the style and kind of its format."""
    block = styles[styles.find(b"<cellXfs") : styles.find(b"</cellXfs")]
    ids = re.findall(rb' numFmtId="([0-9]+)"', block)
    if len(ids) == block.count(b"<xf ") > 0 and _plain_format_ids.issuperset(ids):
        return {}
    codes: dict[str, str] = {}
    special: dict[int, str] = {}
    in_cells = False
    number = 0
    for tag, attributes in elements(styles, "xl/styles.xml"):
        if tag == "numFmt":
            codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif tag in ("cellXfs", "cellStyles", "dxfs"):
            in_cells = tag == "cellXfs"
        elif tag == "xf" and in_cells:
            id_ = attributes.get("numFmtId", "0")
            if id_ in codes:
                kind = number_format_kind(codes[id_])
            else:
                kind = "percent" if id_ in _percent_ids else "date" if id_ in _date_ids else ""
            if kind:
                special[number] = kind
            number += 1
    return special


# The worksheet.


def gate_sheet(xml: bytes, name: str, special_styles: dict[int, str], recalculates: bool) -> _Gated:
    """A worksheet that calamine reads soundly: as it is, if a look at the raw bytes finds it plain, else
    written anew."""
    plain, has_texts = look_at(xml)
    if plain:
        special = _special_numbers(xml, special_styles) if special_styles else []
        n_stored = xml.count(b"</v>") + (xml.count(b"</is>") if has_texts else 0)
        return _Gated(xml, [], special, has_texts and _holds_separator(xml), True, n_stored)
    return _Rewriter(name, special_styles, recalculates).rewrite(xml)


def look_at(xml: bytes) -> tuple[bool, bool]:
    """Whether a worksheet holds nothing but texts and numbers, all visible, in a reasonable area; and
    whether texts stand in the sheet itself."""
    if (
        _formula.search(xml)
        or b"hidden" in xml
        or _markup.search(xml)
        or _prefixed.search(xml)
        or b"</worksheet>" not in xml[-100:]
        or xml.count(b"<sheetData") != 1
    ):
        return False, True
    if _odd_text_or_far_cell.search(xml) is None:
        return True, False
    if _odd_cell.search(xml):
        return False, True
    last_row = last_column = 0
    for found in _filled_cell.finditer(xml):
        letters, row = found.groups()
        last_row = max(last_row, int(row))
        last_column = max(last_column, column_number(letters.decode()))
    return last_row * last_column <= MAX_CELLS and last_row <= MAX_ROWS and last_column <= MAX_COLUMNS, True


def _special_numbers(xml: bytes, special_styles: dict[int, str]) -> list[SpecialNumber]:
    """The cells of a plain worksheet with one of these styles."""
    pattern = _style_pattern(tuple(special_styles))
    return [
        SpecialNumber(int(row), column_number(letters.decode()), special_styles[int(style)])
        for letters, row, style in pattern.findall(xml)
    ]


@lru_cache(maxsize=64)
def _style_pattern(styles: tuple[int, ...]) -> re.Pattern[bytes]:
    numbers = b"|".join(b"%d" % style for style in styles)
    return re.compile(rb'<c r="([A-Z]{1,3})([0-9]{1,7})" s="0*(' + numbers + rb')"(?: t="n")?>')


_reference = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")


class _Rewriter:
    """Writes a worksheet anew: errors, truth values and formulas without a result as texts, without hidden
    rows and columns, without stray cells at the far corner."""

    def __init__(self, name: str, special_styles: dict[int, str], recalculates: bool):
        self.name = name
        self.special_styles = special_styles
        self.recalculates = recalculates
        self.cells: dict[tuple[int, int], str] = {}
        self.remarks: list[Remark] = []
        self.special: list[SpecialNumber] = []
        self.hidden_rows: set[int] = set()
        self.hidden_ranges: list[tuple[int, int]] = []
        self.hidden_with_cells: tuple[set[int], set[int]] = (set(), set())
        self.n_sheet_data = 0
        self.in_data = False
        self.row = 0
        self.in_row = False
        self.row_hidden = False
        self.column = 0
        self.cell: dict[str, str] | None = None
        self.has_formula = False
        self.has_value = False
        self.depth_of_phonetic = 0
        self.collecting = ""
        self.value: list[str] = []
        self.inline: list[str] = []

    def rewrite(self, xml: bytes) -> _Gated:
        """The worksheet; raises DamagedArchive if it is damaged or its used area unreasonable."""
        parse_xml(xml, f"for sheet {self.name}", self.start, self.end, self.text)
        if self.n_sheet_data != 1:
            raise DamagedArchive(f"its sheet {self.name} holds no cells or holds them twice")
        area = used_area(list(self.cells))
        if area is None:
            row, column = map(max, zip(*self.cells, strict=True))
            raise DamagedArchive(
                f"the used area of its sheet {self.name} reaches to {column_letters(column)}{row}, {MAX_CELLS:,} cells "
                "are the limit, and the cells far from the table are too many to be left out"
            )
        far = set(area[2])
        remarks = hidden_remarks(*self.hidden_with_cells)
        remarks += [remark for remark in self.remarks if (remark.row, remark.column) not in far]
        remarks += [far_remark(row, column) for row, column in sorted(far)]
        rows: dict[int, list[str]] = {}
        for row, column in sorted(self.cells):
            if (row, column) not in far:
                rows.setdefault(row, []).append(f'<c r="{column_letters(column)}{row}"{self.cells[row, column]}</c>')
        body = "".join(f'<row r="{row}">{"".join(cells)}</row>' for row, cells in rows.items())
        special = [number for number in self.special if (number.row, number.column) not in far]
        xml = (
            '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
            f"{body}</sheetData></worksheet>".encode()
        )
        return _Gated(xml, remarks, special, _holds_separator(xml), is_plain=False, n_stored=0)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """The beginning of an element."""
        tag = tag.rpartition(":")[2]
        if tag == "sheetData":
            self.in_data = True
            self.n_sheet_data += 1
        elif tag == "col" and not self.in_data:
            if _is_true(attributes.get("hidden")) or _is_zero(attributes.get("width")):
                first, last = self.whole(attributes.get("min")), self.whole(attributes.get("max"))
                self.hidden_ranges.append((first, min(last, MAX_COLUMNS)))
        elif not self.in_data:
            return
        elif tag == "row":
            self.row = self.whole(attributes["r"]) if "r" in attributes else self.row + 1
            if not 1 <= self.row <= MAX_ROWS:
                raise DamagedArchive(f"its sheet {self.name} has a row {self.row}")
            self.row_hidden = _is_true(attributes.get("hidden")) or _is_zero(attributes.get("ht"))
            self.column = 0
            self.in_row = True
        elif tag == "c":
            self.start_cell(attributes)
        elif self.cell is None:
            return
        elif tag == "f":
            self.has_formula = True
        elif tag == "v":
            self.has_value = True
            self.collecting = "v"
        elif tag == "rPh":
            self.depth_of_phonetic += 1
        elif tag == "t" and not self.depth_of_phonetic:
            self.collecting = "t"

    def whole(self, text: str | None) -> int:
        """A whole number in an attribute."""
        if text is None or not text.isascii() or not text.strip().isdecimal() or len(text) > 9:
            raise DamagedArchive(f"its sheet {self.name} holds {text!r} in place of a row or column number")
        return int(text)

    def start_cell(self, attributes: dict[str, str]) -> None:
        """The beginning of a cell: its position must fit its row."""
        if not self.in_row or self.cell is not None:
            raise DamagedArchive(
                f"its sheet {self.name} holds a cell outside a row, or within another, after row {self.row}"
            )
        if "r" in attributes:
            found = _reference.fullmatch(attributes["r"])
            if found is None or int(found.group(2)) != self.row:
                raise DamagedArchive(f"its sheet {self.name} holds the cell {attributes['r']!r} in row {self.row}")
            self.column = column_number(found.group(1))
        else:
            self.column += 1
        if not 1 <= self.column <= MAX_COLUMNS:
            raise DamagedArchive(f"its sheet {self.name} holds a column {self.column}")
        self.cell = attributes
        self.has_formula = self.has_value = False
        self.value, self.inline = [], []

    def text(self, data: str) -> None:
        """Characters of a value or an inline text."""
        if self.collecting == "v":
            self.value.append(data)
        elif self.collecting == "t":
            self.inline.append(data)

    def end(self, tag: str) -> None:
        """The end of an element."""
        tag = tag.rpartition(":")[2]
        if tag in ("v", "t"):
            self.collecting = ""
        elif tag == "rPh":
            self.depth_of_phonetic -= 1
        elif tag == "sheetData":
            self.in_data = False
        elif tag == "row":
            self.in_row = False
        elif tag == "c" and self.cell is not None:
            self.end_cell(self.cell)
            self.cell = None

    def end_cell(self, attributes: dict[str, str]) -> None:
        """A whole cell: keeps what calamine is to read of it."""
        row, column = self.row, self.column
        kind = attributes.get("t", "n")
        value = "".join(self.value)
        inline = "".join(self.inline)
        if inline and kind != "inlineStr":
            raise DamagedArchive(
                f"its sheet {self.name} holds a text in the cell {column_letters(column)}{row}, which has another type"
            )
        if kind == "s" and self.has_value and not value.strip():
            raise DamagedArchive(f"its sheet {self.name} holds no text in the cell {column_letters(column)}{row}")
        has_no_result = self.has_formula and (
            (not value.strip() and not inline and not (kind == "str" and self.has_value))
            # Programs that cannot compute write 0 and ask for a computation on opening.
            or (self.recalculates and kind == "n" and value.strip() == "0")
        )
        if not value and not inline and not has_no_result:
            return
        if self.is_hidden(row, column):
            return
        if (row, column) in self.cells:
            raise DamagedArchive(f"its sheet {self.name} holds the cell {column_letters(column)}{row} twice")
        if has_no_result:
            self.remarks.append(formula_remark(row, column))
            self.cells[row, column] = _text_cell(FORMULA_WITHOUT_RESULT)
        else:
            self.keep_cell(kind, value, inline, attributes.get("s", "0"))

    def is_hidden(self, row: int, column: int) -> bool:
        """Whether a cell stands in a hidden row or column, which is then noted."""
        if self.row_hidden:
            self.hidden_with_cells[0].add(row)
        elif any(first <= column <= last for first, last in self.hidden_ranges):
            self.hidden_with_cells[1].add(column)
        else:
            return False
        return True

    def keep_cell(self, kind: str, value: str, inline: str, style: str) -> None:
        """Keeps the content of a cell by its type; raises DamagedArchive for an unknown one."""
        row, column = self.row, self.column
        if kind == "e":
            self.remarks.append(error_remark(row, column, value))
            self.cells[row, column] = _text_cell(value)
        elif kind == "b":
            text = "TRUE" if value.strip() in ("1", "true") else "FALSE"
            self.remarks.append(boolean_remark(row, column, text))
            self.cells[row, column] = _text_cell(text)
        elif kind == "d":
            message = f"The cell holds a date and is read as text: {value}."
            self.remarks.append(Remark("date", row, column, value, message))
            self.cells[row, column] = _text_cell(value)
        elif kind == "str":
            self.cells[row, column] = _text_cell(value)
        elif kind == "inlineStr":
            self.cells[row, column] = f' t="inlineStr"><is><t xml:space="preserve">{escape(inline)}</t></is>'
        elif kind in ("s", "n"):
            self.keep_number(row, column, kind, value, style)
        else:
            raise DamagedArchive(
                f"its sheet {self.name} holds the cell {column_letters(column)}{row} of the unknown type {kind!r}"
            )

    def keep_number(self, row: int, column: int, kind: str, value: str, style: str) -> None:
        """Keeps a number, or the number of a shared text."""
        plain = value.strip()
        if not (_shared if kind == "s" else _number).fullmatch(plain):
            raise DamagedArchive(
                f"its sheet {self.name} holds {plain[:40]!r} as a number in the cell {column_letters(column)}{row}"
            )
        number = self.whole(style)
        if kind == "n" and number in self.special_styles:
            self.special.append(SpecialNumber(row, column, self.special_styles[number]))
        type_ = ' t="s"' if kind == "s" else ""
        self.cells[row, column] = f' s="{number}"{type_}><v>{plain}</v>'


_number = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_shared = re.compile(r"[0-9]{1,9}")


def _text_cell(text: str) -> str:
    return f' t="str"><v>{escape(text)}</v>'


def _is_true(value: str | None) -> bool:
    return value is not None and html.unescape(value).strip().lower() in ("1", "true", "on")


def _is_zero(value: str | None) -> bool:
    """Whether a width or height is nought, which hides as well."""
    return value is not None and re.fullmatch(r"0+(?:\.0*)?", value.strip()) is not None
