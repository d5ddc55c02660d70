"""Stata files (format 118, UTF-8) of the study's panel and of the results, beside their Parquet files.

A file has the labels of variables and values in English and Chinese (``label language zh``), and as notes what the
table and every column hold. Whole numbers stay whole and text stays text. A number that Stata cannot hold is missing
and counted in a note, or refused, but never another number.
"""

import hashlib
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
from pandas.io.stata import StataNonCatValueLabel, StataWriterUTF8

from city_policy.errors import InputError
from city_policy.publish.dictionary import Column, Table, quoted
from city_policy.publish.labels import LANGUAGES, NOTICE, Labels

ACTIVE, OTHER = LANGUAGES
# The same bytes whenever a file is written; Stata counts time from here.
TIME_STAMP = datetime(1960, 1, 1)
LONGEST_NAME = 32
# What `help reserved` lists.
RESERVED = {
    *("_all", "_b", "byte", "_coef", "_cons", "double", "float", "if", "in", "int", "long", "_n", "_N", "_pi", "_pred"),
    *("_rc", "_skip", "strL", "using", "with"),
}
# The numbers that Stata's types hold; those above are its missing values.
WHOLE_TYPES = ((np.int8, -127, 100), (np.int16, -32767, 32740), (np.int32, -2147483647, 2147483620))
LARGEST = struct.unpack("<d", bytes.fromhex("ffffffffffffdf7f"))[0]
EXACT = 2**53
VALUE_LABELS = {
    "no_yes": {"en": ("no", "yes"), "zh": ("否", "是")},
    "untreated_treated": {"en": ("not treated", "treated"), "zh": ("未处理", "已处理")},
}
WHOLE = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?")
EPOCH = "1960-01-01"


@dataclass(frozen=True)
class Variable:
    """A column as Stata has it: name, format (none: the default), labels and notes; ``value_label``: a key of
    ``VALUE_LABELS`` or none.
    """

    name: str
    format: str | None
    labels: Mapping[str, str]
    notes: Sequence[str]
    value_label: str | None


def stata_names(table: Table) -> dict[str, str]:
    """Column -> name of its variable: the same, unless Stata reserves it or it is longer than Stata allows.

    A long name is cut and gets the first digits of its digest. Raises InputError when two names become the same.
    """
    names: dict[str, str] = {}
    for column in table.columns:
        name = re.sub(r"[^0-9A-Za-z_\u00c0-\uffff]", "_", column.name)
        if name in RESERVED or re.fullmatch(r"str\d+", name) or name[0].isdigit():
            name = f"_{name}_"
        if len(name) > LONGEST_NAME:
            digest = hashlib.sha256(column.name.encode()).hexdigest()[:5]
            name = f"{name[: LONGEST_NAME - 6]}_{digest}"
        if name in names.values():
            other = next(former for former, taken in names.items() if taken == name)
            raise InputError(
                f"The columns '{other}' and '{column.name}' of {table.schema}.{table.name} would both be called "
                f"'{name}' in Stata; give one of them another name."
            )
        names[column.name] = name
    return names


def write_stata(connection: duckdb.DuckDBPyConnection, table: Table, labels: Labels, order: str, path: Path) -> None:
    """Write a table to ``path``, its rows in ``order`` (SQL).

    Raises InputError for a whole number that Stata cannot hold, and for names that become the same.
    """
    names = stata_names(table)
    selected = ", ".join(f"{_expression(column)} as {quoted(column.name)}" for column in table.columns)
    statement = f"select {selected} from (from {quoted(table.schema, table.name)} order by {order})"
    try:
        arrays = connection.execute(statement).fetchnumpy()
    except duckdb.ConversionException as error:
        raise InputError(
            f"{table.schema}.{table.name} holds a whole number that Stata cannot hold ({str(error).splitlines()[0]}); "
            "make the column text."
        ) from error
    data = {names[column.name]: _converted(table, column, arrays[column.name]) for column in table.columns}
    variables = [
        _variable(table, column, names[column.name], labels, _count_lost(arrays[column.name]))
        for column in table.columns
    ]
    notices = list(NOTICE.values()) if labels.study.is_simulated else []
    notes = [note for note in (table.description, *notices) if note]
    titles = {language: labels.table(table, language) for language in LANGUAGES}
    _Writer(path, pd.DataFrame(data), variables, titles, notes).write_file()


def _expression(column: Column) -> str:
    """What is read of a column: whole numbers, dates and times as BIGINT, other numbers as DOUBLE, and text."""
    name, kind = quoted(column.name), column.type
    if kind == "BOOLEAN" or WHOLE.fullmatch(kind):
        return f"{name}::bigint"
    if kind in ("DOUBLE", "FLOAT") or kind.startswith("DECIMAL"):
        return f"{name}::double"
    if kind == "DATE":
        return f"case when isfinite({name}) then date_diff('day', date '{EPOCH}', {name}) end"
    if kind == "TIMESTAMP":
        return f"case when isfinite({name}) then epoch_ms({name}) - epoch_ms(timestamp '{EPOCH}') end"
    nested = kind.startswith(("STRUCT", "MAP")) or kind.endswith("]")
    return f"to_json({name})::varchar" if nested else f"{name}::varchar"


def _beyond(values: np.ndarray) -> np.ndarray:
    """Mask of the doubles that Stata cannot hold: too large, infinite, or not a number."""
    return ~np.ma.getmaskarray(values) & ~(np.abs(np.ma.getdata(values)) <= LARGEST)


def _count_lost(values: np.ndarray) -> int:
    return int(_beyond(values).sum()) if values.dtype.kind == "f" else 0


def _converted(table: Table, column: Column, values: np.ndarray) -> Any:
    """The values of a column as pandas writes them: what is missing, and what Stata cannot hold, as missing."""
    missing, known = np.ma.getmaskarray(values), np.ma.getdata(values)
    if known.dtype.kind == "f":
        return np.where(missing | _beyond(values), np.nan, known)
    if known.dtype.kind == "i":
        return _whole(table, column, np.where(missing, 0, known), missing)
    text = ["" if gone or value is None else value for value, gone in zip(known, missing, strict=True)]
    return pd.Series(text, dtype="object")


def _whole(table: Table, column: Column, values: np.ndarray, missing: np.ndarray) -> Any:
    """Whole numbers in the smallest type that holds them all; beyond these as doubles, which are exact up to 2^53."""
    least, most = int(values.min(initial=0)), int(values.max(initial=0))
    for kind, lowest, highest in WHOLE_TYPES:
        if lowest <= least and most <= highest:
            return pd.arrays.IntegerArray(values.astype(kind), missing)
    if max(-least, most) > EXACT:
        raise InputError(
            f"Column {column.name} of {table.schema}.{table.name} holds {most if most > EXACT else least}; Stata holds "
            "whole numbers up to 2^53 without loss, so make the column text."
        )
    return np.where(missing, np.nan, values.astype("float64"))


def _variable(table: Table, column: Column, name: str, labels: Labels, lost: int) -> Variable:
    notes = [column.description] if column.description else []
    if name != column.name:
        notes.append(f"Called {column.name} in the other files of the publication.")
    if lost:
        notes.append(f"{lost} values that Stata cannot hold (infinite, not a number or above 8.9e307) are missing.")
    value_label = None
    if column.type == "BOOLEAN":
        value_label = "no_yes"
    elif table.schema == "marts" and column.name in labels.policies:
        value_label = "untreated_treated"
    return Variable(
        name,
        {"DATE": "%td", "TIMESTAMP": "%tc"}.get(column.type),
        {language: labels.column(table, column, language) for language in LANGUAGES},
        notes,
        value_label,
    )


class _Writer(StataWriterUTF8):
    """pandas' writer, which knows neither notes nor several languages: both are characteristics.

    The layout of characteristics and of the labels of languages is that of Stata (``help dta``, ``help label
    language``): a language that is not active has the label of variable x in ``x[_lang_v_zh]`` and the name of its
    value label in ``x[_lang_l_zh]``.
    """

    def __init__(
        self,
        path: Path,
        data: pd.DataFrame,
        variables: Sequence[Variable],
        titles: Mapping[str, str],
        notes: Sequence[str],
    ) -> None:
        super().__init__(
            path,
            data,
            write_index=False,
            byteorder="little",
            time_stamp=TIME_STAMP,
            data_label=titles[ACTIVE],
            variable_labels={variable.name: variable.labels[ACTIVE] for variable in variables},
            version=118,
        )
        self._variables, self._titles, self._notes = variables, titles, notes
        for position, variable in enumerate(variables):
            if variable.format:
                self.fmtlist[position] = variable.format

    def _characteristics(self) -> list[tuple[str, str, str]]:
        """(variable or ``_dta``, name, text) of every characteristic."""
        found = [("_dta", "_lang_list", " ".join(LANGUAGES)), ("_dta", "_lang_c", ACTIVE)]
        found.append(("_dta", f"_lang_v_{OTHER}", self._titles[OTHER]))
        found += _numbered("_dta", self._notes)
        for variable in self._variables:
            found.append((variable.name, f"_lang_v_{OTHER}", variable.labels[OTHER]))
            if variable.value_label:
                found.append((variable.name, f"_lang_l_{OTHER}", f"{variable.value_label}_{OTHER}"))
            found += _numbered(variable.name, variable.notes)
        return found

    def _write_characteristics(self) -> None:
        self._update_map("characteristics")
        content = b"".join(self._tag(_characteristic(*one), "ch") for one in self._characteristics())
        self._write_bytes(self._tag(content, "characteristics"))

    def _write_value_label_names(self) -> None:
        self._update_map("value_label_names")
        names = (f"{variable.value_label}_{ACTIVE}" if variable.value_label else "" for variable in self._variables)
        self._write_bytes(self._tag(b"".join(map(_padded, names)), "value_label_names"))

    def _write_value_labels(self) -> None:
        self._update_map("value_labels")
        used = sorted({variable.value_label for variable in self._variables if variable.value_label})
        tables = [
            StataNonCatValueLabel(f"{name}_{language}", dict(enumerate(VALUE_LABELS[name][language])), self._encoding)
            for name in used
            for language in LANGUAGES
        ]
        content = b"".join(self._tag(table.generate_value_label("<"), "lbl") for table in tables)
        self._write_bytes(self._tag(content, "value_labels"))


def _numbered(owner: str, notes: Sequence[str]) -> list[tuple[str, str, str]]:
    """Notes as characteristics: their number, and one for each."""
    if not notes:
        return []
    listed = [(owner, f"note{number}", text) for number, text in enumerate(notes, start=1)]
    return [(owner, "note0", str(len(notes))), *listed]


def _characteristic(owner: str, name: str, text: str) -> bytes:
    """A characteristic with its length before it."""
    content = _padded(owner) + _padded(name) + text.encode() + b"\0"
    return struct.pack("<I", len(content)) + content


def _padded(name: str) -> bytes:
    """A name of at most 32 characters in its 129 bytes."""
    return name.encode().ljust(129, b"\0")
