"""One build from input to published file: read, check, run dbt, publish.

The only module that knows dbt; ``city-policy build`` is the same as ``dbt build`` plus what dbt cannot do: read
workbooks, keep a second build out, say how long each step took, and publish by replacing a file in one step.
"""

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from city_policy.errors import InputError
from city_policy.seeds import check_seeds

BUILD_FILE = "build.duckdb"
PUBLISHED_FILE = "city_policy.duckdb"


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
    """Keep a second build out. The lock belongs to the process: a killed build leaves none behind.

    Raises InputError while another build holds the lock.
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


def publish(data: Path) -> Path:
    """Replace the published database by the build, in one step; readers keep the file they have open.

    Returns the published path. Raises InputError when the directory cannot be written; the previous publication
    then stays as it was.
    """
    build, published = data / BUILD_FILE, data / PUBLISHED_FILE
    aside = published.with_suffix(".duckdb.new")
    with writable(published):
        try:
            shutil.copyfile(build, aside)
            with open(aside, "rb") as handle:
                os.fsync(handle.fileno())
            os.replace(aside, published)
        finally:
            aside.unlink(missing_ok=True)
    return published


def run_dbt(arguments: list[str], project: Path) -> int:
    """Run dbt for ``project`` in a process of its own; returns its exit code."""
    code = "import sys; from dbt.cli.main import cli; sys.argv[0] = 'dbt'; cli()"
    return subprocess.run([sys.executable, "-c", code, *arguments], cwd=project, check=False).returncode


def build(
    project: Path,
    yearbooks: Path | None = None,
    supplementary: Path | None = None,
    threads: int | None = None,
) -> None:
    """Build the warehouse and publish it.

    ``project``: the checkout with dbt_project.yml. ``yearbooks``: a folder of editions to read; without it the
    simulated demo seeds are the input. ``supplementary``: a folder of long files beside the yearbooks.
    ``threads``: how many models dbt runs at a time.

    Raises InputError for unusable input, while another build runs, for a target that cannot be written, and when a
    model or test fails; the published database then stays as it was.
    """
    if not (project / "dbt_project.yml").is_file():
        raise InputError(
            f"{project.resolve()} holds no dbt_project.yml; run the command in the project's top directory."
        )
    if supplementary and not yearbooks:
        raise InputError("Supplementary sources were given without yearbooks; give both folders.")
    data = data_directory()
    steps: list[tuple[str, float]] = []

    @contextlib.contextmanager
    def timed(name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        steps.append((name, time.perf_counter() - start))

    with only_build(data):
        if yearbooks:
            from city_policy.reader import ingest, ingest_supplementary

            with timed("read workbooks"):
                print(
                    ingest(
                        yearbooks,
                        data / "landing",
                        project / "seeds" / "mapping",
                        project / "seeds" / "geography",
                    )
                )
                # Supplementary values of an earlier build must not slip into this one.
                (data / "landing" / "supplementary_values.parquet").unlink(missing_ok=True)
                if supplementary:
                    print(
                        ingest_supplementary(
                            supplementary,
                            data / "landing",
                            project / "seeds" / "mapping",
                            project / "seeds" / "geography",
                        )
                    )
        with timed("check seeds"):
            check_seeds(project / "seeds", landing=data / "landing" if yearbooks else None)
        with timed("dbt build"):
            with writable(data / BUILD_FILE):
                # From scratch: no table of an earlier build survives, and the file does not grow.
                for leftover in data.glob(BUILD_FILE + "*"):
                    leftover.unlink()
            source = "landing" if yearbooks else "demo"
            arguments = ["build", "--vars", json.dumps({"source": source})]
            if threads:
                arguments += ["--threads", str(threads)]
            code = run_dbt(arguments, project)
        if code != 0:
            raise InputError(
                f"dbt build failed (see above), so {data / PUBLISHED_FILE} was not replaced; "
                f"{data / BUILD_FILE} holds what was built."
            )
        with timed("publish"):
            published = publish(data)
    target = Path(os.environ.get("DBT_TARGET_PATH", project / "target"))
    print(_report(steps, published, source, target / "run_results.json"))


def _report(steps: list[tuple[str, float]], published: Path, source: str, run_results: Path) -> str:
    """Seconds per step and per room, and where the result lies."""
    rooms: dict[str, float] = {}
    for result in json.loads(run_results.read_text())["results"]:
        kind = result["unique_id"].split(".")[0]
        room = (result.get("relation_name") or "").replace('"', "").split(".")
        name = "tests" if kind in ("test", "unit_test") else room[1] if len(room) == 3 else kind
        rooms[name] = rooms.get(name, 0.0) + result["execution_time"]
    lines = ["", "seconds  step"]
    for step, seconds in steps:
        lines.append(f"{seconds:7.1f}  {step}")
        if step == "dbt build":
            in_nodes = sum(rooms.values())
            for room, room_seconds in sorted(rooms.items(), key=lambda item: -item[1]):
                lines.append(f"{room_seconds:7.1f}    {room}")
            lines.append(
                f"         (the rooms ran on several threads, {in_nodes:.1f} s in all; the rest is dbt itself)"
            )
    lines.append(f"{sum(seconds for _, seconds in steps):7.1f}  in all")
    lines.append("")
    if source == "demo":
        lines.append("The input was the simulated demo yearbook: no number of this build is evidence about China.")
    lines.append(f"Published: {published} (read it with DuckDB; results are in the schema 'results')")
    return "\n".join(lines)
