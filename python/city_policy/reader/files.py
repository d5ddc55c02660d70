"""Opening workbooks and CSV files: the sheets of a file as rows of cells."""

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from python_calamine import CalamineWorkbook, load_workbook

from city_policy.errors import InputError

WORKBOOK_SUFFIXES = (".xlsx", ".xlsm", ".xls")
CSV_SUFFIX = ".csv"


def is_readable(path: Path) -> bool:
    """Whether the file is a workbook or CSV file by its name; lock files and hidden files are not."""
    return path.suffix.lower() in (*WORKBOOK_SUFFIXES, CSV_SUFFIX) and not path.name.startswith(("~$", "."))


def read_sheets(path: Path) -> Iterator[tuple[str, Sequence[Sequence]]]:
    """Name and rows of every sheet, row 1 and column A first; a CSV file is one sheet without a name.

    Raises InputError if the file is no workbook, is truncated, or is CSV in neither UTF-8 nor GB18030.
    """
    if path.suffix.lower() == CSV_SUFFIX:
        yield "", read_csv(path)
        return
    try:
        workbook: CalamineWorkbook = load_workbook(str(path))
        for sheet in workbook.sheets_metadata:
            if "work" in str(sheet.typ).lower():
                yield sheet.name, workbook.get_sheet_by_name(sheet.name).to_python(skip_empty_area=False)
    except OSError as error:
        raise InputError(f"The file {path} cannot be read ({error.strerror or error}).") from error
    except Exception as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"The file {path} is not a workbook that can be read, or it is truncated ({error}); "
            "save it again as .xlsx or remove it."
        ) from error


def read_csv(path: Path, n_rows: int | None = None) -> list[list[str]]:
    """The rows, or the first ``n_rows``, of a CSV file in UTF-8, with or without byte order mark, or in
    GB18030."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"The file {path} cannot be read ({error.strerror}).") from error
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        # The unit separator, which no workbook can hold, keeps the cells apart on their way between processes.
        return list(islice(csv.reader(io.StringIO(text.replace("\x1f", " "), newline="")), n_rows))
    raise InputError(f"The file {path} is text in neither UTF-8 nor GB18030; save it again in one of them.")


def unpack_zip(path: Path, into: Path) -> Path:
    """The folder ``into``, with the files of a .zip archive in it."""
    import zipfile

    with zipfile.ZipFile(path) as archive:
        archive.extractall(into)
    return into
