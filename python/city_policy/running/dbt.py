"""dbt as a build runs it: what it does is counted, what it says goes to a file, what fails is named."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from city_policy.directory import DBT_LOCK_FILE, another_build, no_space
from city_policy.running.child import LOCK_IS_HELD
from city_policy.running.progress import Progress

# Kinds of nodes that are no work.
_NO_WORK = ("exposure", "operation")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
# Lines of a failure that are shown; the log has all of them.
SHOWN_LINES = 6


@dataclass
class Failure:
    """A node that failed, by its identifier, empty for dbt itself, and what dbt says about it."""

    node: str
    words: str


@dataclass
class Run:
    """What came out of a run of dbt.

    ``failures``: what dbt says about each node that failed; ``warnings``: rows that a test warns about, by its
    identifier; ``skipped``: nodes that could not run; ``seconds``: by the identifier of a node; ``layers``: by layer or
    kind; ``last_lines``: what was printed beside dbt's own words.
    """

    exit_code: int = 0
    failures: list[Failure] = field(default_factory=list)
    warnings: dict[str, int] = field(default_factory=dict)
    skipped: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    layers: dict[str, float] = field(default_factory=dict)
    last_lines: list[str] = field(default_factory=list)

    @property
    def has_no_space(self) -> bool:
        """Whether it failed because something could not be written."""
        return bool(self.why_no_space)

    @property
    def why_no_space(self) -> str:
        """Why something could not be written, in the words of the operating system or of DuckDB."""
        said = "\n".join([*(failure.words for failure in self.failures), *self.last_lines]).splitlines()
        return next((line.strip() for line in said if no_space(line)), "")

    def told(self, described: Mapping[str, str]) -> str:
        """The failures as a user reads them: the first with its reason, of the others how many there are.

        ``described``: what a node is for, by its identifier.
        """
        first = self.failures[0] if self.failures else Failure("", self._last_words())
        lines = [line.strip() for line in _without_frames(first.words.splitlines()) if line.strip()]
        if len(lines) > 1 and " in " in lines[1] and first.node:
            # dbt names the node twice.
            del lines[0]
        told = [lines[0], *filter(None, [described.get(first.node, "")]), *lines[1:SHOWN_LINES]]
        told += ["…"] if len(lines) > SHOWN_LINES else []
        others = len(self.failures) - 1
        more = [f"{others} more failures"] if others > 0 else []
        more += [f"{self.skipped} nodes skipped"] if self.skipped else []
        return "\n".join(f"  {line}" for line in [*told, *([f"({', '.join(more)})"] if more else [])])

    def _last_words(self) -> str:
        """What there is to say when dbt named no failure."""
        if self.exit_code < 0:
            name = signal.Signals(-self.exit_code).name
            return f"Another process ended dbt by {name}; the operating system does so when memory runs out."
        return "\n".join(self.last_lines) or f"dbt ended with {self.exit_code} and said nothing."


def run_dbt(
    arguments: list[str],
    project: Path,
    data: Path,
    environment: Mapping[str, str],
    log: Path,
    expected: Mapping[str, float],
    verbose: bool = False,
) -> Run:
    """Run dbt for ``project`` in a process of its own, which ends when this one does.

    ``data``: the directory whose lock the caller holds; ``log``: the file for all that dbt says, which ``verbose`` also
    prints; ``expected``: seconds by node from an earlier build. Raises InputError while the dbt of a build that was
    killed has not ended.
    """
    command = [sys.executable, "-m", "city_policy.running.child", str(data / DBT_LOCK_FILE)]
    # What dbt reads and writes is UTF-8 wherever it runs.
    own = {"PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}
    run, progress = Run(), Progress(expected, quiet=verbose)
    process = subprocess.Popen(
        [*command, "--log-format", "json", "--log-level-file", "none", *arguments],
        cwd=project,
        env=os.environ | environment | own,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        # A terminal's Ctrl-C is for this process, which then ends dbt.
        process_group=0 if os.name == "posix" else None,
    )
    assert process.stdout is not None
    try:
        with _Log(log) as written:
            for line in process.stdout:
                event = _event(line)
                said = line.rstrip("\n") if event is None else _said(event)
                written.add(said)
                if verbose:
                    print(said, flush=True)
                if event is None:
                    run.last_lines = [*run.last_lines[-20:], said]
                else:
                    _count(run, event, progress)
            run.exit_code = process.wait()
    finally:
        progress.end()
        end_process(process)
    if run.exit_code == LOCK_IS_HELD:
        raise another_build(data)
    return run


def descriptions(manifest: Path, nodes: Iterable[str]) -> dict[str, str]:
    """What nodes are for, by their identifier, from the file that dbt writes down; those that it does not know are
    left out.
    """
    with contextlib.suppress(OSError, ValueError):
        known = json.loads(manifest.read_text(encoding="utf-8"))["nodes"]
        return {node: " ".join(known[node].get("description", "").split()) for node in nodes if node in known}
    return {}


def end_process(process: subprocess.Popen) -> None:
    """End a process and all that it started, and wait for it."""
    if process.poll() is None:
        if os.name == "posix":
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


def _without_frames(lines: Iterable[str]) -> Iterator[str]:
    """Lines without the calls of a traceback, which the log has: what a user needs is the error that ends them."""
    indent = None
    for line in lines:
        if line.strip() == "Traceback (most recent call last):":
            indent = len(line) - len(line.lstrip())
        elif indent is None or len(line) - len(line.lstrip()) <= indent:
            yield line


class _Log:
    """The log file. A disk that is full ends the log, not the build, which meets it by itself."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stream: Any = None

    def __enter__(self) -> "_Log":
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.stream = open(self.path, "w", encoding="utf-8", buffering=1)
        return self

    def __exit__(self, *_: object) -> None:
        if self.stream:
            with contextlib.suppress(OSError):
                self.stream.close()

    def add(self, line: str) -> None:
        """Write a line with the time of day."""
        try:
            if self.stream:
                self.stream.write(f"{time.strftime('%H:%M:%S')}  {line}\n")
        except OSError:
            self.stream = None


def _event(line: str) -> dict[str, Any] | None:
    """A line of dbt's log as an event; None for what somebody else printed."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and {"info", "data"} <= event.keys() else None


def _said(event: Mapping[str, Any]) -> str:
    """What an event says, without colours."""
    return _COLOURS.sub("", event["info"]["msg"])


def _count(run: Run, event: Mapping[str, Any], progress: Progress) -> None:
    """Take in an event of dbt."""
    name, data = event["info"]["name"], event["data"]
    node = data.get("node_info")
    if name == "ConcurrencyLine":
        progress.begin(data["node_count"])
    elif name == "SkippingDetails":
        run.skipped += 1
    elif name == "RunResultFailure":
        run.failures.append(Failure(node["unique_id"] if node else "", _said(event)))
    elif name == "RunResultError" and event["info"]["level"] == "error" and run.failures:
        run.failures[-1].words += f"\n{_said(event)}"
    elif name in ("MainEncounteredError", "GenericExceptionOnRun"):
        run.failures.append(Failure("", _said(event)))
    elif node and "execution_time" in data:
        progress.done(node["unique_id"], node["node_name"])
        if node["resource_type"] in _NO_WORK:
            return
        layer = "tests" if node["resource_type"] in ("test", "unit_test") else node["node_relation"]["schema"]
        run.seconds[node["unique_id"]] = data["execution_time"]
        run.layers[layer] = run.layers.get(layer, 0.0) + data["execution_time"]
        if data["status"] == "warn":
            run.warnings[node["unique_id"]] = data["num_failures"]
