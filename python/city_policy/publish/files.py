"""Publish to files: the DuckDB file, and one Parquet file per public table with a data dictionary; of the panel and
the results Stata files too, and scripts that run the regressions again.

Everything is written and flushed aside first; then the DuckDB file is replaced by ``os.replace``, and the directory
``published`` by replacing the symbolic link that it is. Whoever has the former publication open keeps it.
"""

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
    aside = published.with_suffix(".duckdb.new")
    link_aside = data / f"{PUBLISHED_DIRECTORY}.new"
    with writable(published):
        version = Path(tempfile.mkdtemp(prefix=VERSION_PREFIX, dir=data))
        try:
            shutil.copyfile(data / BUILD_FILE, aside)
            _write_files(aside, version, keys)
            # Only what mkdtemp made is closed to others.
            version.chmod(0o755)
            for path in (aside, *version.rglob("*"), version):
                _flush(path)
            link_aside.unlink(missing_ok=True)
            os.symlink(version.name, link_aside)
            former = _version_in_use(link)
            os.replace(link_aside, link)
            os.replace(aside, published)
            _flush(data)
        finally:
            aside.unlink(missing_ok=True)
            link_aside.unlink(missing_ok=True)
            if version != _version_in_use(link):
                shutil.rmtree(version)
        if former and former.is_dir():
            os.utime(former)
        _remove_former_versions(data, link)
    return published


def _version_in_use(link: Path) -> Path | None:
    """The version that the link names."""
    return link.parent / os.readlink(link) if link.is_symlink() else None


def _remove_former_versions(data: Path, link: Path) -> None:
    """Remove versions, whole or half-written, that nobody has had a reason to open for RETENTION_SECONDS."""
    for path in data.glob(f"{VERSION_PREFIX}*"):
        if path != _version_in_use(link) and path.stat().st_mtime < time.time() - RETENTION_SECONDS:
            shutil.rmtree(path)


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
