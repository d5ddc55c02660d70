"""Text files with separated cells: encoding, separator and quotation marks, none of them guessed in doubt."""

import codecs
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from city_policy.errors import InputError
from city_policy.reader.cells import Remark, error_texts

SEPARATORS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "vertical bar"}

# Words of yearbooks in both scripts: a decoding that brings up one of them is the right one.
_WORDS = re.compile(
    "城市|年份|年度|地区|地區|生产总值|生產總值|人口|北京|天津|上海|全市|市辖区|市轄區|行政区划|行政區劃|代码|代碼|单位|單位|"
    "指标|指標|数据|數據|合计|合計|名称|名稱"
)
# The 3,755 common characters of GB 2312 and its signs, as bytes: what Chinese text in GB 18030 consists of,
# and what other encodings, read as GB 18030, do not.
_COMMON_GB = re.compile(rb"(?:[\x00-\x7f]|[\xa1-\xd7][\xa1-\xfe])*")

_number_like = re.compile(r"[-+(]?[0-9０-９][0-9０-９.,，．%()eE+-]*")


class TextTable(NamedTuple):
    """The cells of a text file and the remarks on them."""

    rows: list[list[str]]
    remarks: list[Remark]


def read_text_table(path: Path, content: bytes) -> TextTable:
    """The rows of a text file, all of the same length.

    The separator (comma, tab, semicolon or vertical bar) is the one that splits the whole file consistently,
    or the one that a first line sep=; names. Raises InputError with the row for a quotation mark out of
    place, and with one sentence for an encoding or a separator that is not certain.
    """
    text = decode(path, content).replace("\r\n", "\n").replace("\r", "\n").replace("\x1f", " ")
    named = re.match(r"sep=(.)\n", text, re.IGNORECASE)
    if named:
        # The line stays as a blank row, so that row numbers are those of the file.
        text = text[named.end() - 1 :]
        rows = _split(path, text, named.group(1))
    else:
        separator = find_separator(path, text)
        if separator is None and path.suffix.lower() == ".txt":
            message = "The file holds text without a separator that splits it into columns and was left out."
            return TextTable([], [Remark("text without table", 0, 0, "", message)])
        rows = _split(path, text, separator or ",")
    remarks = _ragged_rows(rows)
    width = max(map(len, rows), default=0)
    rows = [row if len(row) == width else row + [""] * (width - len(row)) for row in rows]
    return TextTable(rows, remarks + (error_texts(rows) if "#" in text else []))


def decode(path: Path, content: bytes) -> str:
    """The text of a file in UTF-8, UTF-16, GB 18030 or Big5; raises InputError if none is certain."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if content.startswith(mark):
            return _decode_strictly(path, content[len(mark) :], encoding)
    if b"\0" in content:
        return _without_nul(path, _utf_16_without_mark(path, content))
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        damaged_at = error.start
    else:
        # Some Chinese words in GB18030 are Greek or Cyrillic ones in UTF-8.
        chinese = None if text.isascii() or max(text) >= "\u0800" else _decode_or_none(content, "gb18030")
        return chinese if chinese is not None and _WORDS.search(chinese) else text
    texts = {encoding: _decode_or_none(content, encoding) for encoding in ("gb18030", "big5hkscs")}
    known = [text for text in texts.values() if text is not None and _WORDS.search(text)]
    if len(known) == 1 and not _WORDS.search(content.decode("utf-8", "ignore")):
        return known[0]
    if not known and texts["gb18030"] is not None and _COMMON_GB.fullmatch(content):
        return texts["gb18030"]
    if _WORDS.search(content.decode("utf-8", "ignore")):
        line = content.count(b"\n", 0, damaged_at) + 1
        raise InputError(
            f"The file {path}, line {line}, holds bytes that are not UTF-8, the encoding of its other lines; save it "
            "again in UTF-8 or GB18030."
        )
    raise InputError(
        f"The encoding of the file {path} is not certain: it is text in neither UTF-8 nor UTF-16, and not clearly in "
        "GB18030 or Big5; save it again in UTF-8."
    )


def _decode_or_none(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return None


def _decode_strictly(path: Path, content: bytes, encoding: str) -> str:
    """The text in the encoding that the byte order mark names."""
    try:
        return _without_nul(path, content.decode(encoding))
    except UnicodeDecodeError as error:
        name = encoding.upper().removesuffix("-LE").removesuffix("-BE")
        raise InputError(
            f"The file {path} begins as {name}, but is damaged at byte {error.start + 1}; get it again from its source "
            "or save it again in UTF-8 or GB18030."
        ) from error


def _utf_16_without_mark(path: Path, content: bytes) -> str:
    """The text of a file that holds zero bytes: UTF-16 if one byte order alone gives sensible text."""
    texts = [_decode_or_none(content, encoding) for encoding in ("utf-16-le", "utf-16-be")]
    sensible = [text for text in texts if text is not None and _is_sensible(text)]
    if len(sensible) != 1:
        raise InputError(
            f"The file {path} holds zero bytes and is no text in UTF-16; it is no text file or damaged, so save it "
            "again in UTF-8 or GB18030."
        )
    return sensible[0]


def _is_sensible(text: str) -> bool:
    """Whether nearly all characters are ASCII or common Chinese ones, and lines end."""
    usual = sum(
        1 for c in text if " " <= c <= "~" or c in "\r\n\t" or "\u4e00" <= c <= "\u9fff" or "\uff00" <= c <= "\uffee"
    )
    return "\0" not in text and ("\n" in text or "\r" in text) and usual >= 0.95 * len(text)


def _without_nul(path: Path, text: str) -> str:
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError(
            f"The file {path}, line {line}, holds a zero byte, which no text holds; it is damaged, so get it again "
            "from its source."
        )
    return text


def find_separator(path: Path, text: str) -> str | None:
    """The separator that splits the file; None if it holds a single column.

    A separator is better than another if it gives the usual number of cells in all rows in which the other
    does, and in more. Raises InputError if two are equally good.
    """
    candidates = _candidates(path, text)
    if not candidates:
        return None
    if path.suffix.lower() == ".tsv" and "\t" in candidates:
        return "\t"
    best = max(candidates, key=lambda separator: len(candidates[separator]))
    for other, rows in candidates.items():
        better = rows < candidates[best] or len(candidates[best]) >= 2 * len(rows)
        if other != best and not better:
            raise InputError(
                f"The cells of the file {path} may be separated by {SEPARATORS[best]} or by {SEPARATORS[other]}; name "
                f"the separator in a first line sep={best.replace(chr(9), '<tab>')} or save the file as .xlsx."
            )
    n_lines = sum(1 for line in text.split("\n") if line.strip())
    if path.suffix.lower() == ".txt" and 2 * len(candidates[best]) < n_lines:
        return None
    return best


def _candidates(path: Path, text: str) -> dict[str, frozenset[int]]:
    """The separators that split a text, with the rows that then have the usual number of cells."""
    candidates: dict[str, frozenset[int]] = {}
    refused: InputError | None = None
    for separator in SEPARATORS:
        if separator not in text:
            continue
        try:
            widths = [len(row) for row in _split(path, text, separator)]
        except InputError as error:
            refused = refused or error
            continue
        counts = Counter(width for width in widths if width > 1)
        if counts:
            usual = max(counts, key=lambda width: (counts[width], width))
            candidates[separator] = frozenset(row for row, width in enumerate(widths) if width == usual)
    if not candidates and refused is not None and path.suffix.lower() != ".txt":
        raise refused
    return candidates


def _split(path: Path, text: str, separator: str) -> list[list[str]]:
    """The cells of a text with line ends \\n; raises InputError for quotation marks out of place."""
    if '"' not in text:
        rows = [line.split(separator) if line else [] for line in text.split("\n")]
    else:
        rows = _split_quoted(path, text, separator)
    if rows and not rows[-1]:
        rows.pop()
    return rows


def _split_quoted(path: Path, text: str, separator: str) -> list[list[str]]:
    """The cells of a text in which quotation marks stand around some: they open a cell at its first
    character, are doubled within, and close it before a separator or the end of the row."""
    mark = re.escape(separator)
    cell = re.compile(rf'"((?:[^"]|"")*)"(?={mark}|\n|\Z)|([^"{mark}\n]*)(?={mark}|\n|\Z)')
    rows: list[list[str]] = []
    row: list[str] = []
    with_breaks: list[tuple[int, str]] = []
    position = 0
    while True:
        found = cell.match(text, position)
        if found is None:
            raise InputError(
                f"The file {path}, row {len(rows) + 1}, column {len(row) + 1}, holds a quotation mark out of place; "
                "put marks around the whole cell and double those within, or remove it."
            )
        quoted, plain = found.groups()
        if quoted is None:
            row.append(plain)
        else:
            if "\n" in quoted and separator in quoted:
                with_breaks.append((len(rows) + 1, quoted))
            row.append(quoted.replace('""', '"'))
        position = found.end()
        if position < len(text) and text[position] == separator:
            position += 1
            continue
        rows.append([] if row == [""] and quoted is None else row)
        row = []
        position += 1
        if position >= len(text):
            break
    # Two stray marks take all between them for one cell; such a cell holds the separators of whole rows.
    counts = Counter(len(row) for row in rows if len(row) > 1)
    usual = max(counts, key=lambda width: (counts[width], width), default=1)
    for number, quoted in with_breaks:
        if 2 * quoted.count(separator) >= usual - 1:
            raise InputError(
                f"The file {path}, row {number}, holds a quotation mark that takes several rows for one cell; remove "
                "the mark or close the cell."
            )
    return rows


def _ragged_rows(rows: list[list[str]]) -> list[Remark]:
    """Remarks on rows of values with fewer or more cells than their header, one per run of equal rows."""
    found: list[tuple[str, int, int, int, int]] = []
    counts = Counter(len(row) for row in rows if len(row) > 1)
    expected = max(counts, key=lambda width: (counts[width], width), default=0)
    in_header = True
    for number, row in enumerate(rows, 1):
        filled = [cell for cell in row if cell.strip()]
        if len(filled) < 2:
            in_header = True
            continue
        if in_header and not any(_number_like.fullmatch(cell.strip()) for cell in filled):
            expected = len(row)
            continue
        in_header = False
        kind, length = _raggedness(row, expected)
        if not kind:
            continue
        if found and found[-1][0] == kind and found[-1][2] == number - 1 and found[-1][3:] == (length, expected):
            found[-1] = (kind, found[-1][1], number, length, expected)
        else:
            found.append((kind, number, number, length, expected))
    return [_ragged_remark(*run) for run in found]


def _raggedness(row: list[str], expected: int) -> tuple[str, int]:
    """Whether a row is too short or too long, '' if neither, and its length."""
    # Blank cells beyond the header say nothing.
    length = max((position for position, cell in enumerate(row, 1) if cell.strip()), default=0)
    if len(row) < expected:
        return "short row", len(row)
    return ("long row" if length > expected else ""), length


def _ragged_remark(kind: str, first: int, last: int, length: int, expected: int) -> Remark:
    """The remark on a run of rows with more or fewer cells than their header."""
    whose = "its" if first == last else "their"
    rows_have = f"The row has {length} cells" if first == last else f"Rows {first} to {last} have {length} cells each"
    message = f"{rows_have}, {whose} header {expected}; check whether a cell is missing or a separator too many."
    return Remark(kind, first, length if kind == "short row" else expected + 1, "", message)
