"""The data directory: where it is, and how to write below it without disturbing others."""

import contextlib
import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from city_policy.errors import InputError

BUILD_FILE = "build.duckdb"
PUBLISHED_FILE = "city_policy.duckdb"
PUBLISHED_DIRECTORY = "published"
DEFAULT_STUDY = "nqp"
STUDIES_DIRECTORY = "studies"
LOCK_FILE = "build.lock"
# The lock of the dbt that a build runs: it may live a moment longer than a build that was killed.
DBT_LOCK_FILE = "build.dbt.lock"
# How long the dbt of a build that was killed may take to end, in seconds.
ENDING_SECONDS = 10.0
# Who holds the lock: a locked file cannot be read everywhere.
HOLDER_FILE = "build.pid"


def data_directory() -> Path:
    """The one directory below which everything is written: CITY_POLICY_DATA, or ``data`` in the project."""
    return Path(os.environ.get("CITY_POLICY_DATA") or "data")


def study_directory(data: Path, study_id: str) -> Path:
    """Where a study is built and published: the data directory itself for the study that ships as the default, a
    directory of its own below it for any other.
    """
    return data if study_id == DEFAULT_STUDY else data / STUDIES_DIRECTORY / study_id


# What operating system and DuckDB say when there is no room to write.
_NO_SPACE = re.compile(
    r"No space left on device|Disk quota exceeded|File too large|max_temp_directory_size|Could not write all bytes"
)
# A lack of permission is not among them: it may be that of a file to read.
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}


def no_space(words: str) -> bool:
    """Whether an error's words say that something could not be written."""
    return bool(_NO_SPACE.search(words))


def is_refusal_to_write(error: Exception) -> bool:
    """Whether an error is the operating system's refusal to write, in its own words or in those of DuckDB or Arrow."""
    return (isinstance(error, OSError) and error.errno in _NO_ROOM) or no_space(str(error))


def cannot_be_written(path: Path | str, reason: str, consequence: str) -> InputError:
    """The sentence about a file that cannot be written. ``consequence``: what that means for the publication."""
    return InputError(
        f"{path} cannot be written ({reason}); free space or permit writing there, or point CITY_POLICY_DATA to "
        f"another directory. {consequence}"
    )


UNCHANGED = "Nothing that was published has changed."


@contextlib.contextmanager
def writable(path: Path, consequence: str = UNCHANGED) -> Iterator[None]:
    """Turn a refusal to write ``path`` into one sentence (InputError), whoever words it.

    ``consequence``: what the refusal means for what was published.
    """
    try:
        yield
    except OSError as error:
        raise cannot_be_written(path, error.strerror or str(error), consequence) from error
    except _database_error() as error:
        if not is_refusal_to_write(error):
            raise
        raise cannot_be_written(path, reason_of(error), consequence) from error


def _database_error() -> type[Exception]:
    """DuckDB's errors; imported where one is met, because no command should wait for DuckDB without need."""
    import duckdb

    return duckdb.Error


def reason_of(error: Exception) -> str:
    """Why something cannot be written, in a few words."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    words = str(error).strip().splitlines()[0]
    found = re.search(r"No space left on device|Disk quota exceeded|File too large", str(error))
    return found[0] if found else words


def another_build(data: Path) -> InputError:
    """The sentence of who is kept out."""
    holder = data / HOLDER_FILE
    process = holder.read_text(encoding="ascii").strip() if holder.is_file() else ""
    return InputError(
        f"Another build is running in {data} (process {process or 'unknown'}); wait until it ends, or build elsewhere "
        "with CITY_POLICY_DATA."
    )


@contextlib.contextmanager
def only_build(data: Path) -> Iterator[None]:
    """Keep a second build or publication out. The locks belong to processes: a killed one leaves none behind.

    Raises InputError while another holds them.
    """
    lock, dbt_lock, holder = FileLock(data / LOCK_FILE), FileLock(data / DBT_LOCK_FILE), data / HOLDER_FILE
    with writable(data / LOCK_FILE):
        data.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(blocking=False)
            # The dbt of a build that was killed ends in a moment; until then it may write.
            with dbt_lock.acquire(timeout=ENDING_SECONDS):
                pass
        except Timeout:
            lock.release()
            raise another_build(data) from None
    try:
        with writable(holder):
            holder.write_text(str(os.getpid()), encoding="ascii")
        yield
    finally:
        lock.release()
