"""The reading gate: from a path on disk to sheets of cells, with remarks on all that is not what it seems."""

import re
from collections.abc import Iterator
from pathlib import Path

from city_policy.errors import InputError
from city_policy.reader.archives import DamagedArchive, unpack_zip
from city_policy.reader.cells import FORMULA_WITHOUT_RESULT, Remark, Sheet
from city_policy.reader.isolation import read_isolated
from city_policy.reader.open_document import read_open_document
from city_policy.reader.open_xml import read_open_xml
from city_policy.reader.text_files import read_text_table

__all__ = [
    "CSV_SUFFIX",
    "FORMULA_WITHOUT_RESULT",
    "TEXT_SUFFIXES",
    "WORKBOOK_SUFFIXES",
    "Remark",
    "Sheet",
    "is_readable",
    "read_csv",
    "read_sheets",
    "unpack_zip",
]

CSV_SUFFIX = ".csv"
TEXT_SUFFIXES = (CSV_SUFFIX, ".tsv", ".txt")
WORKBOOK_SUFFIXES = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods", ".dta")

MAX_FILE = 256 * 2**20

# The content that belongs to a suffix.
_CONTENT = {".xlsx": "xlsx", ".xlsm": "xlsx", ".xls": "xls", ".xlsb": "xlsb", ".ods": "ods", ".dta": "dta"}

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# The first record of an .xls file of Excel 2 to 4, which stands alone, and of Excel 5 without its container.
_BARE_EXCEL = (b"\x09\x00", b"\x09\x02", b"\x09\x04", b"\x09\x08")


def is_readable(path: Path) -> bool:
    """Whether the file is a workbook or a text file by its name; lock files and hidden files are not."""
    return path.suffix.lower() in (*WORKBOOK_SUFFIXES, *TEXT_SUFFIXES) and not path.name.startswith(("~$", "."))


def read_sheets(path: Path) -> Iterator[Sheet]:
    """The sheets of a workbook or text file, in order; a text file is one sheet without a name.

    Rows and columns keep their places, row 1 and column A first. Cells are texts and numbers: errors,
    formulas without a result, dates and truth values come as texts that are no numbers, and numbers with a
    percent format as they are shown. Hidden sheets, rows and columns are left out. Every such cell, and all
    else that a reader should know, is a remark of its sheet.

    Raises InputError with one sentence if the file is damaged, protected, in a format that cannot be read
    soundly, or holds text whose encoding, separator or quotation marks are in doubt.
    """
    content = _content(path)
    kind = content_kind(path, content)
    if kind == "text":
        table = read_text_table(path, content)
        yield Sheet("", table.rows, table.remarks)
        return
    readers = {"xlsx": read_open_xml, "ods": read_open_document}
    expected = _CONTENT.get(path.suffix.lower(), "text")
    try:
        sheets = readers[kind](content) if kind in readers else read_isolated(kind, path)
        for number, sheet in enumerate(sheets):
            if number == 0 and kind != expected:
                message = f"The name of the file says {path.suffix}, its content is .{kind}."
                sheet.remarks.insert(0, Remark("other format", 0, 0, path.suffix, message))
            yield sheet
    except DamagedArchive as error:
        raise _not_readable(path, str(error)) from error


def read_csv(path: Path, n_rows: int | None = None) -> list[list[str]]:
    """The rows, or the first ``n_rows``, of a text file; raises InputError as ``read_sheets`` does."""
    content = _content(path)
    if content_kind(path, content) != "text":
        raise _not_readable(path, "it is a workbook under the name of a text file")
    return read_text_table(path, content).rows[:n_rows]


def _content(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_FILE:
            raise InputError(
                f"The file {path} has {size // 2**20} MB; {MAX_FILE // 2**20} MB are the limit, so split it."
            )
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"The file {path} cannot be read ({error.strerror or error}).") from error


def _not_readable(path: Path, cause: str) -> InputError:
    if "password" in cause:
        return InputError(f"The file {path} is protected by a password; open it, save it without one, or remove it.")
    return InputError(
        f"The file {path} is not a workbook that can be read, or it is truncated ({cause}); save it again as .xlsx, "
        "get it again from its source, or remove it."
    )


def content_kind(path: Path, content: bytes) -> str:
    """What a file holds, by its content: 'text', 'xlsx', 'xls', 'ods' or 'dta'.

    Raises InputError with one sentence for everything else; the name of the file decides only where the
    content cannot.
    """
    suffix = path.suffix.lower()
    if not content.strip(b"\0 \r\n\t"):
        if suffix in TEXT_SUFFIXES and b"\0" not in content:
            return "text"
        raise _not_readable(path, "it is empty")
    if content[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return _zip_kind(path, content)
    if content.startswith(_OLE):
        return _ole_kind(path, content)
    head = content[:2048].lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if suffix == ".dta" or head.startswith(b"<stata_dta>"):
        return "dta"
    if content[:2] in _BARE_EXCEL and suffix == ".xls":
        return "xls"
    for start, name in (
        (b"rar!", "a .rar archive; unpack it"),
        (b"7z\xbc\xaf", "a .7z archive; unpack it"),
        (b"%pdf", "a .pdf document; export its tables as .xlsx"),
        (b"mime-version:", "a web page saved as an archive; open it in a spreadsheet program and save it as .xlsx"),
        (b"{\\rtf", "a text document (.rtf); save its tables as .xlsx"),
    ):
        if head.startswith(start):
            raise InputError(f"The file {path} is not a workbook that can be read but {name}.")
    if re.match(rb"<(?:!doctype html|html|head|meta|body|table|style)\b", head) or b"<html" in head:
        raise InputError(
            f"The file {path} is not a workbook that can be read but a web page (HTML) saved as {path.suffix}; open it "
            "in a spreadsheet program and save it as .xlsx."
        )
    if head.startswith(b"<?xml") or b"urn:schemas-microsoft-com:office" in head:
        raise InputError(
            f"The file {path} is not a workbook that can be read but XML saved as {path.suffix}; open it in a "
            "spreadsheet program and save it as .xlsx."
        )
    if suffix in TEXT_SUFFIXES:
        return "text"
    raise _not_readable(path, f"its content is none of {', '.join(sorted(set(_CONTENT.values())))}")


def _zip_kind(path: Path, content: bytes) -> str:
    """What a zip archive holds; damaged archives are told by the reader of the kind that the name says."""
    # The names of the members stand in the archive as they are.
    if b"xl/workbook.bin" in content:
        raise InputError(
            f"The file {path} is a binary workbook (.xlsb), whose errors, percentages and hidden rows cannot be told "
            "from values; open it in a spreadsheet program and save it as .xlsx."
        )
    if b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet" in content[:200] or (
        path.suffix.lower() == ".ods" and b"content.xml" in content
    ):
        return "ods"
    if re.search(rb"xl[/\\]w", content, re.IGNORECASE) or path.suffix.lower() in (".xlsx", ".xlsm"):
        return "xlsx"
    raise _not_readable(path, "it is a zip archive without a workbook in it")


def _ole_kind(path: Path, content: bytes) -> str:
    """What a compound file of Microsoft Office holds."""
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise _not_readable(path, "it is protected by a password")
    if "WordDocument".encode("utf-16-le") in content:
        raise _not_readable(path, "it is a text document (.doc)")
    return "xls"
