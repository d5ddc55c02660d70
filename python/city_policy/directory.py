"""The data directory: where it is, and how to write below it without disturbing others."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from city_policy.errors import InputError

BUILD_FILE = "build.duckdb"
PUBLISHED_FILE = "city_policy.duckdb"
PUBLISHED_DIRECTORY = "published"


def data_directory() -> Path:
    """The one directory below which everything is written: CITY_POLICY_DATA, or ``data`` in the project."""
    return Path(os.environ.get("CITY_POLICY_DATA", "data"))


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
    path = data / "build.lock"
    with writable(path):
        data.mkdir(parents=True, exist_ok=True)
        path.touch()
    with open(path, "r+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = handle.read().strip()
            raise InputError(
                f"Another build is running in {data} (process {holder or 'unknown'}); wait until it ends, or build "
                "elsewhere with CITY_POLICY_DATA."
            ) from None
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield
