"""Publish to files: a version of the DuckDB file and of one Parquet file per public table with a data dictionary, Stata
files of the panel and the results, and scripts that run the regressions again.

A version is a directory, written and flushed aside. The symbolic link ``published`` names the one in use, and the
DuckDB file is a link through it: replacing ``published`` is the one step that publishes everything at once. Whoever has
the former publication open keeps it.
"""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from city_policy.directory import BUILD_FILE, PUBLISHED_DIRECTORY, PUBLISHED_FILE, writable
from city_policy.publish.dictionary import Table, quoted, read_tables, write_dictionary
from city_policy.publish.labels import Labels
from city_policy.publish.reproduce import write_scripts
from city_policy.publish.stata import write_stata

SCRIPTS_DIRECTORY = "reproduce"
VERSION_PREFIX = f".{PUBLISHED_DIRECTORY}-"
# Who resolved the link may still open files of the version that it named.
RETENTION_SECONDS = 600


def publish_files(data: Path, keys: Mapping[tuple[str, str], Sequence[str]]) -> Path:
    """Replace the published DuckDB file and the published Parquet files by the build; returns the DuckDB file.

    ``keys``: (schema, table) -> the columns that tell the rows of a table apart. The caller holds the lock of the data
    directory. Raises InputError when the directory cannot be written; the previous publication then stays as it was.
    """
    published, link = data / PUBLISHED_FILE, data / PUBLISHED_DIRECTORY
    former = version_in_use(data)
    with writable(published):
        version = Path(tempfile.mkdtemp(prefix=VERSION_PREFIX, dir=data))
        try:
            shutil.copyfile(data / BUILD_FILE, version / PUBLISHED_FILE)
            _write_files(version / PUBLISHED_FILE, version, keys)
            # Only what mkdtemp made is closed to others.
            version.chmod(0o755)
            for path in (*version.rglob("*"), version):
                _flush(path)
            if not os.path.lexists(published):
                _link(published, Path(PUBLISHED_DIRECTORY) / PUBLISHED_FILE)
            _link(link, Path(version.name))
        finally:
            if version != version_in_use(data):
                shutil.rmtree(version)
    with writable(published, "The new publication is in place."):
        if not published.is_symlink():
            # A file of its own is from a version of this program that published it so.
            _link(published, Path(PUBLISHED_DIRECTORY) / PUBLISHED_FILE)
        _flush(data)
        if former and former.is_dir():
            os.utime(former)
        _remove_former_versions(data, former)
    return published


def version_in_use(data: Path) -> Path | None:
    """The directory that holds the publication of a data directory, None where nothing was published."""
    link = data / PUBLISHED_DIRECTORY
    return data / os.readlink(link) if link.is_symlink() else None


def identity(data: Path) -> str:
    """What tells a publication from one that somebody has changed since: each file's name, size and time of writing."""
    version = version_in_use(data)
    if version is None or not (data / PUBLISHED_FILE).is_file():
        return ""
    files = sorted(path for path in version.rglob("*") if path.is_file())
    facts = [f"{path.relative_to(version)} {(at := path.stat()).st_size} {at.st_mtime_ns}" for path in files]
    return hashlib.sha256("\n".join([version.name, *facts]).encode()).hexdigest()


def _link(path: Path, target: Path) -> None:
    """Have ``path`` name ``target``, in one step."""
    aside = path.with_name(f"{path.name}.new")
    aside.unlink(missing_ok=True)
    try:
        os.symlink(target, aside)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def _remove_former_versions(data: Path, former: Path | None) -> None:
    """Remove versions, whole or half-written, that nobody has had a reason to open for RETENTION_SECONDS. Of their
    large DuckDB files only that of the former version is kept so long.
    """
    for path in data.glob(f"{VERSION_PREFIX}*"):
        if path == version_in_use(data):
            continue
        if path.stat().st_mtime < time.time() - RETENTION_SECONDS:
            shutil.rmtree(path)
        elif path != former and (path / PUBLISHED_FILE).is_file():
            (path / PUBLISHED_FILE).unlink()


def _write_files(database: Path, folder: Path, keys: Mapping[tuple[str, str], Sequence[str]]) -> None:
    """The files of a publication below ``folder``; the same bytes for the same rows."""
    # One thread and a fixed order of rows: the files of two equal builds are equal.
    with duckdb.connect(str(database), read_only=True, config={"threads": 1}) as connection:
        tables = read_tables(connection, keys)
        labels = Labels(connection)
        for table in tables:
            path = folder / table.file
            path.parent.mkdir(exist_ok=True)
            connection.execute(_copy_statement(table, path))
            if table.stata_file:
                write_stata(connection, table, labels, _order(table), folder / table.stata_file)
        write_scripts(connection, tables, folder / SCRIPTS_DIRECTORY)
    write_dictionary(tables, folder)


def _order(table: Table) -> str:
    """The order of the rows of a table: that of its key."""
    return ", ".join(quoted(column) for column in table.key) or "all"


def _copy_statement(table: Table, path: Path) -> str:
    """The statement that writes a table, ordered by its key."""
    metadata = {"description": table.description} | {
        f"description.{column.name}": column.description for column in table.columns
    }
    entries = ", ".join(f"{_literal(name)}: {_literal(text)}" for name, text in metadata.items() if text)
    described = f", kv_metadata {{{entries}}}" if entries else ""
    return (
        f"copy (from {quoted(table.schema, table.name)} order by {_order(table)}) to {_literal(str(path))} "
        f"(format parquet, compression zstd{described})"
    )


def _literal(text: str) -> str:
    """SQL text literal."""
    return "'" + text.replace("'", "''") + "'"


def _flush(path: Path) -> None:
    """Have the operating system write a file or directory to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
