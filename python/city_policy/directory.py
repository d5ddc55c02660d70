"""The data directory: where it is, and how to write below it without disturbing others."""

import contextlib
import os
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
# Who holds the lock: a locked file cannot be read everywhere.
HOLDER_FILE = "build.pid"


def data_directory() -> Path:
    """The one directory below which everything is written: CITY_POLICY_DATA, or ``data`` in the project."""
    return Path(os.environ.get("CITY_POLICY_DATA", "data"))


def study_directory(data: Path, study_id: str) -> Path:
    """Where a study is built and published: the data directory itself for the study that ships as the default, a
    directory of its own below it for any other.
    """
    return data if study_id == DEFAULT_STUDY else data / STUDIES_DIRECTORY / study_id


@contextlib.contextmanager
def writable(path: Path) -> Iterator[None]:
    """Turn the operating system's refusal to write ``path`` into one sentence (InputError)."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror or error}); free space or permit writing there, or point "
            "CITY_POLICY_DATA to another directory. Nothing that was published has changed."
        ) from error


@contextlib.contextmanager
def only_build(data: Path) -> Iterator[None]:
    """Keep a second build or publication out. The lock belongs to the process: a killed one leaves none behind.

    Raises InputError while another holds the lock.
    """
    lock, holder = FileLock(data / LOCK_FILE), data / HOLDER_FILE
    with writable(data / LOCK_FILE):
        data.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            process = holder.read_text().strip() if holder.is_file() else ""
            raise InputError(
                f"Another build is running in {data} (process {process or 'unknown'}); wait until it ends, or build "
                "elsewhere with CITY_POLICY_DATA."
            ) from None
    try:
        with writable(holder):
            holder.write_text(str(os.getpid()))
        yield
    finally:
        lock.release()
