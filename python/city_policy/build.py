"""One build from input to published file: read, check, run dbt, publish.

The only module that knows dbt; ``city-policy build`` is the same as ``dbt build`` plus what dbt cannot do: read
workbooks, keep a second build out, say how long each step took, and publish by replacing a file in one step.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from city_policy.changes import (
    STATE_FILE,
    Changes,
    changes_since,
    parts_of,
    read_state,
    reading_state,
    write_state,
)
from city_policy.directory import (
    BUILD_FILE,
    DEFAULT_STUDY,
    PUBLISHED_DIRECTORY,
    PUBLISHED_FILE,
    data_directory,
    only_build,
    study_directory,
    writable,
)
from city_policy.errors import InputError
from city_policy.memory import MEMORY_DIRECTORY, forget_unused
from city_policy.publish import publish_files
from city_policy.seeds import check_seeds
from city_policy.study import CheckedStudy, check_study, write_copy

# Below the directory of a study: what its regressions answered in earlier builds.
MEMORY = "memory"
KEYS_FILE = "keys.json"


def run_dbt(arguments: list[str], project: Path, environment: Mapping[str, str]) -> int:
    """Run dbt for ``project`` in a process of its own; returns its exit code."""
    code = "import sys; from dbt.cli.main import cli; sys.argv[0] = 'dbt'; cli()"
    # dbt's log of everything that it does takes a tenth of the time of a small build; what it prints says what failed.
    command = [sys.executable, "-c", code, "--log-level-file", "info", *arguments]
    return subprocess.run(command, cwd=project, check=False, env=os.environ | environment).returncode


def declared_keys(manifest: Path) -> dict[tuple[str, str], tuple[str, ...]]:
    """(schema, table) -> the columns whose uniqueness dbt tests; ``manifest``: what the run wrote down."""
    content = json.loads(manifest.read_text(encoding="utf-8"))
    keys: dict[tuple[str, str], tuple[str, ...]] = {}
    for test in content["nodes"].values():
        kind = (test.get("test_metadata") or {}).get("name")
        if kind not in ("unique", "unique_combination") or test["attached_node"] not in content["nodes"]:
            continue
        model = content["nodes"][test["attached_node"]]
        name = (model["schema"], model["alias"])
        if kind == "unique":
            keys.setdefault(name, (test["column_name"],))
        elif not test["test_metadata"]["kwargs"].get("nullable"):
            # With a column that may be empty the combination is no primary key.
            keys[name] = tuple(column.strip('"') for column in test["test_metadata"]["kwargs"]["columns"])
    return keys


def default_study(project: Path) -> Path:
    """The folder of the study that ships as the default."""
    return project / "seeds" / "studies" / DEFAULT_STUDY


def build(
    project: Path,
    yearbooks: Path | None = None,
    supplementary: Path | None = None,
    threads: int | None = None,
    study: Path | None = None,
    panel: Path | None = None,
    fresh: bool = False,
) -> None:
    """Build the warehouse of one study and publish it.

    ``project``: the checkout with dbt_project.yml. ``yearbooks``: a folder of editions to read; without it the
    simulated demo seeds are the input. ``supplementary``: a folder of long files beside the yearbooks.
    ``threads``: how many models dbt runs at a time. ``study``: the folder of a study, by default that of the paper; it
    is read and never written. ``panel``: a file with a row per city and year that takes the place of any yearbook.
    ``fresh``: from scratch; otherwise what has not changed since the last build of the study is kept, and the result is
    the same in every byte.

    Raises InputError for unusable input, while another build runs, for a target that cannot be written, and when a
    model or test fails; the published database then stays as it was.
    """
    if not (project / "dbt_project.yml").is_file():
        raise InputError(
            f"{project.resolve()} holds no dbt_project.yml; run the command in the project's top directory."
        )
    if supplementary and not yearbooks:
        raise InputError("Supplementary sources were given without yearbooks; give both folders.")
    if panel and yearbooks:
        raise InputError("A panel and yearbooks were given; a study has one input, so give one of them.")
    data = data_directory().absolute()
    if any(letter in str(data) for letter in "'{}"):
        # dbt-duckdb writes the paths of seeds and sources into SQL as they are.
        raise InputError(
            f"{data} holds an apostrophe or brace, which dbt cannot read in a path; point CITY_POLICY_DATA to another "
            "directory."
        )
    steps: list[tuple[str, float]] = []
    started = time.time()

    @contextlib.contextmanager
    def timed(name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        steps.append((name, time.perf_counter() - start))

    with only_build(data):
        with timed("check seeds and study"):
            check_seeds(project / "seeds")
            checked = check_study(study or default_study(project), project, panel)
        directory = study_directory(data, checked.study_id)
        landing = data / "landing"
        if yearbooks:
            with timed("read workbooks"):
                _read(yearbooks, supplementary, landing, project, fresh)
        with timed("find changes"):
            copy = write_copy(checked, directory)
            source = "panel" if panel else "landing" if yearbooks else "demo"
            inputs = [directory / "landing" / "panel.parquet"] if panel else []
            inputs += sorted(landing.glob("*.parquet")) if yearbooks else []
            parts = parts_of(project, copy, inputs, source, checked.is_published)
            changes = _changes(directory, parts, fresh)
        if changes.nothing:
            print(f"Study, code and input are those of the last build of {checked.study_id}, so nothing was built.")
            print(f"Published: {directory / PUBLISHED_FILE}")
            return
        # Until the build has succeeded its file is neither the old nor the new one.
        with writable(directory / STATE_FILE):
            (directory / STATE_FILE).unlink(missing_ok=True)
        with timed("dbt build"):
            target = _run(project, data, directory, checked, source, threads, changes)
        with timed("publish"):
            published = publish_files(directory, _keys(directory, target, changes))
            with writable(directory / STATE_FILE):
                write_state(directory / STATE_FILE, parts)
                if not changes.only_study:
                    forget_unused(directory / MEMORY, started)
    results = None if changes.only_study else target / "run_results.json"
    print(_report(steps, published, source, checked, results))


def _read(yearbooks: Path, supplementary: Path | None, landing: Path, project: Path, fresh: bool) -> None:
    """Read workbooks into the landing files, unless the same files were read by the same reader before."""
    from city_policy.reader import ingest, ingest_supplementary

    mapping, geography = project / "seeds" / "mapping", project / "seeds" / "geography"
    inputs = [path for path in (yearbooks, supplementary) if path and path.exists()]
    if not fresh and reading_state(project, inputs, landing) == read_state(landing / STATE_FILE):
        print(f"The files of {yearbooks} are those that were read last, so none was read again.")
        return
    (landing / STATE_FILE).unlink(missing_ok=True)
    print(ingest(yearbooks, landing, mapping, geography))
    # Supplementary values of an earlier build must not slip into this one.
    (landing / "supplementary_values.parquet").unlink(missing_ok=True)
    if supplementary:
        print(ingest_supplementary(supplementary, landing, mapping, geography))
    with writable(landing / STATE_FILE):
        write_state(landing / STATE_FILE, reading_state(project, inputs, landing))


def _keys(directory: Path, target: Path, changes: Changes) -> dict[tuple[str, str], tuple[str, ...]]:
    """The keys of the tables: what dbt wrote down, which stays the same as long as only files of the study change."""
    path = directory / KEYS_FILE
    if not changes.only_study:
        keys = declared_keys(target / "manifest.json")
        with writable(path):
            path.write_text(json.dumps([[*name, list(columns)] for name, columns in sorted(keys.items())]) + "\n")
    return {(schema, table): tuple(columns) for schema, table, columns in json.loads(path.read_text())}


def _changes(directory: Path, parts: Mapping[str, str], fresh: bool) -> Changes:
    """What has changed since the last build; everything where a file of it is gone."""
    if fresh or not all((directory / name).exists() for name in (PUBLISHED_FILE, PUBLISHED_DIRECTORY, KEYS_FILE)):
        if fresh:
            shutil.rmtree(directory / MEMORY, ignore_errors=True)
        return Changes(parts, (), None)
    return changes_since(directory, parts)


def _run(
    project: Path,
    data: Path,
    directory: Path,
    checked: CheckedStudy,
    source: str,
    threads: int | None,
    changes: Changes,
) -> Path:
    """Run dbt build for a checked study, or for what follows from its changed files; returns dbt's target directory."""
    environment = {
        "CITY_POLICY_DATA": str(data),
        "CITY_POLICY_STUDY_DATA": str(directory),
        "CITY_POLICY_CHECKED_STUDY": str(directory / "study"),
        MEMORY_DIRECTORY: str(directory / MEMORY),
    }
    target = Path(os.environ.get("DBT_TARGET_PATH", project / "target")).absolute()
    if checked.study_id != DEFAULT_STUDY:
        # dbt parses anew whenever the study changes; each keeps its own.
        target = target / "studies" / checked.study_id
        environment["DBT_TARGET_PATH"] = str(target)
    # dbt writes a second's worth of JSON that only a whole build is asked about.
    arguments = ["--no-write-json"] if changes.only_study else []
    arguments += ["build", "--vars", json.dumps({"source": source})]
    if threads:
        arguments += ["--threads", str(threads)]
    with writable(directory / BUILD_FILE):
        for leftover in directory.glob(BUILD_FILE + "*"):
            leftover.unlink()
        if changes.only_study:
            # The last build is what was published: who ran dbt by hand since has changed the build file.
            shutil.copyfile(directory / PUBLISHED_FILE, directory / BUILD_FILE)
    if changes.only_study:
        arguments += ["--cache-selected-only", "--select", *(f"{name}+" for name in changes.study)]
    if checked.study_id != DEFAULT_STUDY or changes.only_study:
        # Unit tests are about the SQL and use the rows of the default study; tests of the data are run for every study.
        arguments += ["--exclude-resource-type", "unit_test"]
    if not checked.is_published:
        arguments += ["--exclude", "path:models/replication+"]
    if run_dbt(arguments, project, environment) != 0:
        raise InputError(
            f"dbt build failed (see above), so {directory / PUBLISHED_FILE} was not replaced; "
            f"{directory / BUILD_FILE} holds what was built."
        )
    return target


def _report(
    steps: list[tuple[str, float]], published: Path, source: str, checked: CheckedStudy, run_results: Path | None
) -> str:
    """Seconds per step, per layer where dbt wrote them down, and where the result lies."""
    layers: dict[str, float] = {}
    for result in json.loads(run_results.read_text())["results"] if run_results else ():
        kind = result["unique_id"].split(".")[0]
        if kind == "exposure":
            continue
        layer = (result.get("relation_name") or "").replace('"', "").split(".")
        name = "tests" if kind in ("test", "unit_test") else layer[1] if len(layer) == 3 else kind
        layers[name] = layers.get(name, 0.0) + result["execution_time"]
    lines = ["", "seconds  step"]
    for step, seconds in steps:
        lines.append(f"{seconds:7.1f}  {step}")
        if step == "dbt build" and layers:
            in_nodes = sum(layers.values())
            for layer, room_seconds in sorted(layers.items(), key=lambda item: -item[1]):
                lines.append(f"{room_seconds:7.1f}    {layer}")
            lines.append(
                f"         (the layers ran on several threads, {in_nodes:.1f} s in all; the rest is dbt itself)"
            )
    lines.append(f"{sum(seconds for _, seconds in steps):7.1f}  in all")
    lines.append("")
    if source == "demo":
        lines.append("The input was the simulated demo yearbook: no number of this build is evidence about China.")
    lines.append(f"Study:     {checked.title_en} ({checked.study_id})")
    lines.append(f"Published: {published} (read it with DuckDB; results are in the schema 'results')")
    lines.append(
        f"           {published.with_name(PUBLISHED_DIRECTORY)} (the same tables as Parquet, with a data dictionary)"
    )
    return "\n".join(lines)
