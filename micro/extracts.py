"""The folders of firms, patents and panels: which files they hold, and whether these can be read as one table."""

import codecs
import csv
import difflib
import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb
from terminal import InputError

PIECE = 1 << 20


@dataclass(frozen=True)
class Extract:
    """The files of one kind in a folder: ``format`` is ``parquet`` or ``csv``, ``headers`` their columns, ``not_read``
    the names of the files of other kinds."""

    folder: Path
    format: str
    headers: tuple[str, ...]
    not_read: tuple[str, ...]


def open_extract(name, path, columns, encoding, work):
    """The extract ``name`` at ``path``, a folder or a file.

    ``columns``: field to column of the file. CSV files that are in another encoding than UTF-8, or begin with a mark of
    the byte order, are copied to ``work`` in plain UTF-8; nothing is written at ``path``.

    Raises InputError for a folder without Parquet or CSV files or with both, files whose columns differ, a column that
    does not exist or stands twice, and text that is not in the ``encoding``.
    """
    path = Path(path).expanduser().absolute()
    if not path.exists():
        raise InputError(f"{path} does not exist; give the folder of the {name} as {name.upper()}=….")
    files = (
        [path]
        if path.is_file()
        else sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith((".", "_", "~$")))
    )
    read = {kind: [file for file in files if file.name.endswith(f".{kind}")] for kind in ("parquet", "csv")}
    kinds = [kind for kind, found in read.items() if found]
    if len(kinds) != 1:
        raise InputError(
            f"{path} holds both Parquet and CSV files; keep one kind."
            if kinds
            else f"{path} holds no file that ends in .parquet or .csv."
        )
    format_ = kinds[0]
    headers = _headers(name, read[format_], format_, encoding)
    for field, column in columns.items():
        # Engines do not tell capitals from small letters in the names of columns.
        if column not in headers or [header.casefold() for header in headers].count(column.casefold()) > 1:
            raise InputError(f"{read[format_][0]}: {_not_one(column, headers)} (for {name}, {field}).")
    for file in read["csv"]:
        _check_encoding(file, encoding)
    folder = path
    if path.is_file() or (format_ == "csv" and any(_needs_copy(file, encoding) for file in read["csv"])):
        folder = work / name
        for number, file in enumerate(read[format_]):
            _copy(file, folder / f"{number:05}.{format_}", format_, encoding)
    not_read = tuple(str(file.relative_to(path)) for file in files if file not in read[format_])
    return Extract(folder, format_, headers, not_read)


def _not_one(column, headers):
    """Why a column cannot be read, with the nearest name."""
    if column in headers:
        return f"the column '{column}' stands twice"
    near = difflib.get_close_matches(column, headers, 1)
    hint = f"did you mean '{near[0]}'?" if near else f"the columns are {', '.join(headers[:20])}"
    return f"the column '{column}' does not exist; {hint}"


def _headers(name, files, format_, encoding):
    """The columns of the files. Raises InputError where two files differ."""
    first = None
    for file in files:
        headers = _parquet_headers(file) if format_ == "parquet" else _csv_headers(file, encoding)
        if first is None:
            first = headers
        elif headers != first:
            other = sorted(set(headers) ^ set(first))
            told = f"only one of them has {', '.join(other[:5])}" if other else "their order differs"
            raise InputError(f"{file}: its columns are not those of {files[0]}: {told}. Bring the {name} to one form.")
    return first


def _parquet_headers(file):
    try:
        with duckdb.connect() as connection:
            described = connection.execute("describe select * from read_parquet($file)", {"file": str(file)}).fetchall()
    except duckdb.Error:
        raise InputError(f"{file} is no Parquet file, or it is damaged.") from None
    return tuple(row[0] for row in described)


def _csv_headers(file, encoding):
    try:
        with file.open(encoding=_codec(encoding), newline="") as text:
            headers = next(csv.reader(text, strict=True), None)
    except UnicodeDecodeError:
        raise InputError(_not_decoded(file, encoding)) from None
    except csv.Error as error:
        raise InputError(f"{file}, row 1: the header cannot be read ({error}).") from None
    if not headers:
        raise InputError(f"{file} is empty; expected a row of column names.")
    return tuple(headers)


def _codec(encoding):
    return "utf-8-sig" if encoding == "utf-8" else encoding


def _not_decoded(file, encoding):
    other = "gb18030" if encoding == "utf-8" else "utf-8"
    return f"{file} is not in {encoding}; write 'settings,encoding,{other}' into the mapping file if it is in {other}."


def _check_encoding(file, encoding):
    """Raises InputError for a byte that is no text: one engine would end there, another would read on in silence."""
    try:
        with file.open(encoding=_codec(encoding), newline="") as text:
            while text.read(PIECE):
                pass
    except UnicodeDecodeError:
        raise InputError(_not_decoded(file, encoding)) from None


def _needs_copy(file, encoding):
    with file.open("rb") as bytes_:
        return encoding != "utf-8" or bytes_.read(3) == codecs.BOM_UTF8


def _copy(file, target, format_, encoding):
    """Put a file where an engine reads it: a link to it, or its text in UTF-8."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if format_ == "parquet" or not _needs_copy(file, encoding):
        try:
            target.symlink_to(file)
        except OSError:
            shutil.copyfile(file, target)
        return
    with (
        file.open(encoding=_codec(encoding), newline="") as text,
        target.open("w", encoding="utf-8", newline="") as out,
    ):
        shutil.copyfileobj(text, out, PIECE)
