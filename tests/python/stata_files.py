"""A small reader of what pandas does not read of a Stata file: characteristics and all value labels."""

import struct
from pathlib import Path

import pandas as pd


def characteristics(path: Path) -> dict[tuple[str, str], str]:
    """(variable or ``_dta``, name) -> text of every characteristic of a file of format 118."""
    content = path.read_bytes()
    assert content.startswith(b"<stata_dta><header><release>118</release><byteorder>LSF</byteorder>")
    section = content[_place(content, 8) : _place(content, 9)]
    assert section.startswith(b"<characteristics>") and section.endswith(b"</characteristics>")
    found: dict[tuple[str, str], str] = {}
    position = len(b"<characteristics>")
    while section.startswith(b"<ch>", position):
        (length,) = struct.unpack_from("<I", section, position + 4)
        body = section[position + 8 : position + 8 + length]
        assert section[position + 8 + length :].startswith(b"</ch>") and body.endswith(b"\0")
        owner, name = (part.split(b"\0")[0].decode() for part in (body[:129], body[129:258]))
        assert (owner, name) not in found
        found[owner, name] = body[258:-1].decode()
        position += 8 + length + len(b"</ch>")
    assert position == len(section) - len(b"</characteristics>")
    return found


def _place(content: bytes, number: int) -> int:
    """Where the section of a number of the map begins."""
    return struct.unpack_from("<Q", content, content.index(b"<map>") + 5 + 8 * number)[0]


def value_label_names(path: Path) -> list[str]:
    """The name of the value label of every variable, blank for none."""
    content = path.read_bytes()
    section = content[_place(content, 6) + len(b"<value_label_names>") : _place(content, 7)]
    names = section.removesuffix(b"</value_label_names>")
    return [names[start : start + 129].split(b"\0")[0].decode() for start in range(0, len(names), 129)]


def read(path: Path) -> tuple[pd.DataFrame, pd.io.stata.StataReader]:
    """The values without their labels, and pandas' reader, which has variable and value labels."""
    reader = pd.io.stata.StataReader(path)
    return reader.read(convert_categoricals=False, convert_dates=False), reader
