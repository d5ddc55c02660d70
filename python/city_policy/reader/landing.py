"""Writing the landing Parquet files: the same rows give the same bytes, and a failure leaves the old file."""

import contextlib
import os
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from city_policy.errors import InputError


def write_parquet(table: pa.Table, target: Path) -> None:
    """Writes the table beside the target and then takes its place in one step.

    Raises InputError if the folder or file cannot be written or the disk is full; the target is then as
    before and no temporary file is left.
    """
    aside = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        aside = Path(name)
        with os.fdopen(handle, "wb") as stream:
            # Statistics of columns take as long as all the rest, and readers scan the whole file.
            pq.write_table(
                table, stream, compression="zstd", compression_level=1, row_group_size=1 << 20, write_statistics=False
            )
            stream.flush()
            os.fsync(stream.fileno())
        aside.chmod(0o644)
        os.replace(aside, target)
    except OSError as error:
        raise InputError(
            f"The file {target} cannot be written ({error.strerror or error}); the previous file, if any, is "
            "unchanged. Free some space or set CITY_POLICY_DATA to another folder."
        ) from error
    finally:
        # Nothing is left of it once it has taken the place of the target.
        if aside is not None:
            with contextlib.suppress(OSError):
                aside.unlink()
