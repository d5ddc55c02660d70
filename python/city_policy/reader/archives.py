"""Zip archives: every member checked before anything of it is used, and unpacked without surprises."""

import os
import posixpath
import re
import stat
import struct
import zipfile
import zlib
from io import BytesIO
from pathlib import Path, PurePosixPath

from city_policy.errors import InputError

# Limits of one workbook: its parts are read into memory.
MAX_MEMBER = 128 * 2**20
MAX_TOTAL = 256 * 2**20

# Limits of an archive that is unpacked to disk: a whole collection of editions has its place in it.
MAX_UNPACKED_MEMBER = 2**30
MAX_UNPACKED_TOTAL = 8 * 2**30
MAX_UNPACKED_MEMBERS = 100_000

# Deflate shrinks text by a factor of ten to fifty; above this only what says nothing but one thing.
MAX_RATIO = 500
_RATIO_MATTERS_FROM = 16 * 2**20

# What Python's zipfile raises for damaged directories and members.
ZIP_ERRORS = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    EOFError,
    IndexError,
    KeyError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)

_SMALL = 2**17

_local_header = struct.Struct("<4s22xHH")


class DamagedArchive(Exception):
    """An archive that cannot be used; the text is the cause, to be put into a sentence."""


def read_members(content: bytes) -> dict[str, bytes]:
    """The members of a zip archive by name, each with its checksum verified.

    Raises DamagedArchive for anything that is not sound: a damaged directory, a checksum that does not fit,
    an unknown compression, an encrypted member, two members of one name, unreasonable sizes.
    """
    try:
        infos = zipfile.ZipFile(BytesIO(content)).infolist()
    except ZIP_ERRORS as error:
        raise DamagedArchive(f"it is no complete zip archive: {error}") from error
    _check_sizes(infos, MAX_MEMBER, MAX_TOTAL)
    members: dict[str, bytes] = {}
    seen: set[str] = set()
    for info in infos:
        name = info.filename
        # Spreadsheet programs find members whatever their case.
        folded = name.lower()
        if folded in seen:
            raise DamagedArchive(f"its member {name} exists twice")
        seen.add(folded)
        if name.endswith("/"):
            continue
        members[name] = _inflate(content, info)
    return members


def _check_sizes(infos: list[zipfile.ZipInfo], max_member: int, max_total: int) -> None:
    """Raises DamagedArchive for members that are too large, too many or compressed beyond reason."""
    total = 0
    for info in infos:
        total += info.file_size
        if info.file_size > max_member:
            raise DamagedArchive(
                f"its member {info.filename} has {info.file_size // 2**20} MB; {max_member // 2**20} MB are the limit"
            )
        if info.file_size > _RATIO_MATTERS_FROM and info.file_size > MAX_RATIO * info.compress_size:
            raise DamagedArchive(
                f"its member {info.filename} is compressed beyond reason, {info.compress_size} bytes for "
                f"{info.file_size}"
            )
    if total > max_total:
        raise DamagedArchive(f"its members have {total // 2**20} MB; {max_total // 2**20} MB are the limit")


def _inflate(content: bytes, info: zipfile.ZipInfo) -> bytes:
    """The content of one member. zipfile itself takes twice as long for the many small members of a
    workbook."""
    name = info.filename
    if info.flag_bits & 0x1:
        raise DamagedArchive(f"its member {name} is protected by a password")
    offset = info.header_offset
    if offset < 0 or offset + 30 > len(content):
        raise DamagedArchive(f"its member {name} is missing")
    signature, name_length, extra_length = _local_header.unpack_from(content, offset)
    start = offset + 30 + name_length + extra_length
    if signature != b"PK\x03\x04" or start + info.compress_size > len(content):
        raise DamagedArchive(f"its member {name} is missing or cut off")
    if content[offset + 30 : offset + 30 + name_length] != _stored_name(info):
        raise DamagedArchive(f"its member {name} has two names")
    raw = content[start : start + info.compress_size]
    if info.compress_type == zipfile.ZIP_DEFLATED:
        try:
            if info.compress_size <= _SMALL:
                # One allocation of the size that is stated; no more than a thousand times the input comes out.
                raw = zlib.decompress(raw, -15, info.file_size + 1)
            else:
                raw = zlib.decompressobj(-15).decompress(raw, info.file_size + 1)
        except zlib.error as error:
            raise DamagedArchive(f"its member {name} cannot be decompressed") from error
    elif info.compress_type != zipfile.ZIP_STORED:
        raise DamagedArchive(f"its member {name} is compressed in a way that is not known")
    if len(raw) != info.file_size or zlib.crc32(raw) != info.CRC:
        raise DamagedArchive(f"the checksum of its member {name} does not fit the content")
    return raw


def _stored_name(info: zipfile.ZipInfo) -> bytes:
    """The name of a member as its bytes stand in the archive."""
    return info.orig_filename.encode("utf-8" if info.flag_bits & 0x800 else "cp437")


def stored_archive(members: list[tuple[str, bytes]]) -> bytes:
    """A zip archive of uncompressed members with ASCII names."""
    parts: list[bytes] = []
    directory: list[bytes] = []
    offset = 0
    for name, content in members:
        encoded = name.encode("ascii")
        fields = struct.pack(
            "<5H3L2H", 20, 0, 0, 0, 33, zlib.crc32(content), len(content), len(content), len(encoded), 0
        )
        parts += [b"PK\x03\x04", fields, encoded, content]
        directory += [b"PK\x01\x02\x14\x00", fields, struct.pack("<3H2L", 0, 0, 0, 0, offset), encoded]
        offset += 30 + len(encoded) + len(content)
    tail = b"".join(directory)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, len(members), len(members), len(tail), offset, 0)
    return b"".join([*parts, tail, end])


def unpack_zip(path: Path, into: Path) -> Path:
    """Unpacks a .zip archive into the folder ``into``, which is made, and returns it.

    Names stored in GBK without the mark for UTF-8 are decoded as such. Raises InputError with one sentence,
    and leaves nothing behind, for an archive that is damaged or encrypted, or that names a place outside the
    folder, a link, two members of one name, or unreasonable sizes.
    """
    made: list[Path] = []
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            if len(infos) > MAX_UNPACKED_MEMBERS:
                raise DamagedArchive(f"it holds {len(infos)} members; {MAX_UNPACKED_MEMBERS} are the limit")
            _check_sizes(infos, MAX_UNPACKED_MEMBER, MAX_UNPACKED_TOTAL)
            targets = _targets(infos)
            into.mkdir(parents=True, exist_ok=True)
            for info, name in targets:
                target = into / name
                target.parent.mkdir(parents=True, exist_ok=True)
                made.append(target)
                with archive.open(info) as source, open(target, "xb") as sink:
                    while chunk := source.read(2**20):
                        sink.write(chunk)
    except DamagedArchive as error:
        _remove(made)
        raise InputError(
            f"The archive {path} cannot be used, because {error}; unpack it by hand or remove it."
        ) from error
    except FileExistsError as error:
        _remove(made[:-1])
        raise InputError(f"The archive {path} cannot be unpacked, because {error.filename} exists already.") from error
    except ZIP_ERRORS as error:
        _remove(made)
        cause = error.strerror or error if isinstance(error, OSError) else error
        raise InputError(
            f"The archive {path} cannot be unpacked, because it is damaged or not readable ({cause}); get it again "
            "from its source."
        ) from error
    return into


def _remove(made: list[Path]) -> None:
    """Removes what was unpacked before the mistake was met."""
    for target in made:
        target.unlink(missing_ok=True)


def _targets(infos: list[zipfile.ZipInfo]) -> list[tuple[zipfile.ZipInfo, str]]:
    """The members to unpack with their names relative to the folder; raises DamagedArchive."""
    names = _member_names(infos)
    targets = []
    seen: dict[str, str] = {}
    for info, name in zip(infos, names, strict=True):
        if info.flag_bits & 0x1:
            raise DamagedArchive(f"its member {name} is protected by a password")
        mode = info.external_attr >> 16
        if stat.S_ISLNK(mode) or (stat.S_IFMT(mode) and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))):
            raise DamagedArchive(f"its member {name} is a link")
        plain = posixpath.normpath(name.replace("\\", "/"))
        parts = PurePosixPath(plain).parts
        if plain.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:", plain) or any(map(_is_odd, parts)):
            raise DamagedArchive(f"its member {name!r} names a place outside the archive")
        if info.is_dir() or name.endswith("\\"):
            continue
        if plain.casefold() in seen:
            raise DamagedArchive(f"its members {seen[plain.casefold()]} and {name} have one name")
        seen[plain.casefold()] = name
        targets.append((info, plain))
    return targets


def _is_odd(part: str) -> bool:
    """Whether no file system takes such a name: control characters, or too long."""
    return not part.strip() or any(ord(character) < 32 for character in part) or len(os.fsencode(part)) > 255


def _member_names(infos: list[zipfile.ZipInfo]) -> list[str]:
    """The names of the members. Without the mark for UTF-8 they are in the encoding of the machine that
    packed them: UTF-8 if all are sound in it and Chinese, else GB18030 if all are sound, else code page 437."""
    unmarked = [info.filename.encode("cp437", "replace") for info in infos if not info.flag_bits & 0x800]
    encoding = "cp437"
    for candidate in ("utf-8", "gb18030"):
        try:
            decoded = "".join(name.decode(candidate) for name in unmarked)
        except UnicodeDecodeError:
            continue
        # Some Chinese words in GB18030 are Greek or Cyrillic ones in UTF-8.
        if candidate == "gb18030" or decoded.isascii() or max(decoded) >= "\u2e80":
            encoding = candidate
            break
    return [
        info.filename if info.flag_bits & 0x800 else info.filename.encode("cp437", "replace").decode(encoding)
        for info in infos
    ]
