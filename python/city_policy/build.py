"""One build from input to published file: read, check, run dbt, publish.

The only module that knows dbt; ``city-policy build`` is the same as ``dbt build`` plus what dbt cannot do: read
workbooks, keep a second build out, say how long each step took, and publish by replacing a file in one step.
"""

import contextlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from city_policy.changes import (
    PUBLICATION,
    STATE_FILE,
    Changes,
    changes_since,
    parts_of,
    read_state,
    reading_state,
    write_aside,
    write_state,
)
from city_policy.directory import (
    BUILD_FILE,
    DEFAULT_STUDY,
    PUBLISHED_DIRECTORY,
    PUBLISHED_FILE,
    UNCHANGED,
    cannot_be_written,
    data_directory,
    only_build,
    study_directory,
    writable,
)
from city_policy.errors import InputError
from city_policy.language import say
from city_policy.memory import MEMORY_DIRECTORY, forget_unused
from city_policy.publish import identity, publish_files, version_in_use
from city_policy.running.dbt import Run, descriptions, run_dbt
from city_policy.running.stopping import requested
from city_policy.running.summary import Steps, summary
from city_policy.seeds import check_seeds
from city_policy.study import CheckedStudy, check_study, write_copy

# Below the directory of a study: what its regressions answered in earlier builds.
MEMORY = "memory"
KEYS_FILE = "keys.json"
# What dbt said in the last build, and how long its nodes took.
LOG_FILE = "build.log"
SECONDS_FILE = "seconds.json"


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
    verbose: bool = False,
) -> None:
    """Build the warehouse of one study and publish it.

    ``project``: the checkout with dbt_project.yml. ``yearbooks``: a folder of editions to read; without it the
    simulated demo seeds are the input. ``supplementary``: a folder of long files beside the yearbooks.
    ``threads``: how many models dbt runs at a time. ``study``: the folder of a study, by default that of the paper; it
    is read and never written. ``panel``: a file with a row per city and year that takes the place of any yearbook.
    ``fresh``: from scratch; otherwise what has not changed since the last build of the study is kept, and the result is
    the same in every byte. ``verbose``: print all that dbt says.

    Raises InputError for unusable input, while another build runs, for a target that cannot be written, and when a
    model or test fails; the published database then stays as it was. Stopped passes through it with the sentence that
    says what became of the publication.
    """
    if supplementary and not yearbooks:
        raise InputError("Supplementary sources were given without yearbooks; give both folders.")
    if panel and yearbooks:
        raise InputError("A panel and yearbooks were given; a study has one input, so give one of them.")
    data = data_directory().absolute()
    for path, advice in (
        (data, "point CITY_POLICY_DATA to another directory"),
        (project.absolute(), "move the project to another folder"),
    ):
        if any(letter in str(path) for letter in "'{}"):
            # dbt-duckdb writes the paths of seeds and sources into SQL as they are.
            raise InputError(f"{path} holds an apostrophe or brace, which dbt cannot read in a path; {advice}.")
    steps = Steps()
    started = time.time()
    with only_build(data):
        with steps.timed("check seeds and study"):
            check_seeds(project / "seeds")
            checked = check_study(study or default_study(project), project, panel)
        directory = study_directory(data, checked.study_id)
        with _told_when_stopped(directory, steps):
            landing = data / "landing"
            if yearbooks:
                with steps.timed("read workbooks"):
                    _read(yearbooks, supplementary, landing, project, fresh)
            with steps.timed("find changes"):
                copy = write_copy(checked, directory)
                source = "panel" if panel else "landing" if yearbooks else "demo"
                inputs = [directory / "landing" / "panel.parquet"] if panel else []
                inputs += sorted(landing.glob("*.parquet")) if yearbooks else []
                parts = parts_of(project, copy, inputs, source, checked.is_published)
                changes = _changes(directory, parts, fresh)
            if changes.nothing:
                say(f"Study, code and input are those of the last build of {checked.study_id}, so nothing was built.")
                say(f"Published: {directory / PUBLISHED_FILE}")
                return
            # Until the build has succeeded its file is neither the old nor the new one.
            with writable(directory / STATE_FILE):
                (directory / STATE_FILE).unlink(missing_ok=True)
            with steps.timed("dbt build"):
                target, run = _run(project, data, directory, checked, source, threads, changes, verbose)
            with steps.timed("publish"):
                published = publish_files(directory, _keys(directory, target, changes))
                with writable(directory / STATE_FILE, "The new publication is in place; the next build starts anew."):
                    _remember(directory, parts, run, changes, started)
    print(summary(steps, run, published, source, checked, target / "manifest.json"))


@contextlib.contextmanager
def _told_when_stopped(directory: Path, steps: Steps) -> Iterator[None]:
    """Have whoever stops the build read what it was doing, and what is published now."""
    before = version_in_use(directory)
    try:
        yield
    finally:
        if stopped := requested():
            outcome = UNCHANGED if version_in_use(directory) == before else "The new publication is in place."
            stopped.sentence = f"The build ended while it was at '{steps.current}'. {outcome}"


def _remember(directory: Path, parts: Mapping[str, str], run: Run, changes: Changes, started: float) -> None:
    """Write down what the next build must know: what this one was made of, what it published, how long it took."""
    write_state(directory / STATE_FILE, {**parts, PUBLICATION: identity(directory)})
    if not changes.only_study:
        write_aside(directory / SECONDS_FILE, json.dumps(run.seconds, sort_keys=True) + "\n")
        forget_unused(directory / MEMORY, started)


def _read(yearbooks: Path, supplementary: Path | None, landing: Path, project: Path, fresh: bool) -> None:
    """Read workbooks into the landing files, unless the same files were read by the same reader before."""
    from city_policy.reader import ingest, ingest_supplementary

    mapping, geography = project / "seeds" / "mapping", project / "seeds" / "geography"
    inputs = [path for path in (yearbooks, supplementary) if path and path.exists()]
    if not fresh and reading_state(project, inputs, landing) == read_state(landing / STATE_FILE):
        say(f"The files of {yearbooks} are those that were read last, so none was read again.")
        return
    (landing / STATE_FILE).unlink(missing_ok=True)
    say(ingest(yearbooks, landing, mapping, geography))
    # Supplementary values of an earlier build must not slip into this one.
    (landing / "supplementary_values.parquet").unlink(missing_ok=True)
    if supplementary:
        say(ingest_supplementary(supplementary, landing, mapping, geography))
    with writable(landing / STATE_FILE):
        write_state(landing / STATE_FILE, reading_state(project, inputs, landing))


def _keys(directory: Path, target: Path, changes: Changes) -> dict[tuple[str, str], tuple[str, ...]]:
    """The keys of the tables: what dbt wrote down, which stays the same as long as only files of the study change."""
    path = directory / KEYS_FILE
    if not changes.only_study:
        keys = declared_keys(target / "manifest.json")
        with writable(path):
            write_aside(path, json.dumps([[*name, list(columns)] for name, columns in sorted(keys.items())]) + "\n")
    return {(schema, table): tuple(columns) for schema, table, columns in json.loads(path.read_text(encoding="utf-8"))}


def _changes(directory: Path, parts: Mapping[str, str], fresh: bool) -> Changes:
    """What has changed since the last build; everything where a file of it is gone or is no longer what was written."""
    if fresh or not all((directory / name).exists() for name in (PUBLISHED_FILE, PUBLISHED_DIRECTORY, KEYS_FILE)):
        if fresh:
            shutil.rmtree(directory / MEMORY, ignore_errors=True)
        return Changes(parts, (), None)
    return changes_since(directory, {**parts, PUBLICATION: identity(directory)})


def _run(
    project: Path,
    data: Path,
    directory: Path,
    checked: CheckedStudy,
    source: str,
    threads: int | None,
    changes: Changes,
    verbose: bool,
) -> tuple[Path, Run]:
    """Run dbt build for a checked study, or for what follows from its changed files; returns dbt's target directory and
    what came out of the run.
    """
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
    log = directory / LOG_FILE
    run = run_dbt(arguments, project, data, environment, log, _expected(directory), verbose)
    if run.exit_code == 0:
        return target, run
    if run.has_no_space:
        raise cannot_be_written(directory / BUILD_FILE, run.why_no_space, UNCHANGED)
    described = descriptions(target / "manifest.json", (failure.node for failure in run.failures))
    raise InputError(
        f"dbt build failed:\n{run.told(described)}\n{directory / PUBLISHED_FILE} was not replaced; "
        f"{directory / BUILD_FILE} holds what was built, and {log} all that dbt said."
    )


def _expected(directory: Path) -> dict[str, float]:
    """The seconds of every node of dbt in the last build; empty where they are not known."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        content = json.loads((directory / SECONDS_FILE).read_text(encoding="utf-8"))
        return {str(node): float(seconds) for node, seconds in content.items()}
    return {}
