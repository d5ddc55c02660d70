"""The screen of summary after a build: how long it took, what came out, what to look at."""

import contextlib
import textwrap
import time
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import duckdb

from city_policy.directory import PUBLISHED_DIRECTORY
from city_policy.language import language, said
from city_policy.running.dbt import Run, descriptions
from city_policy.study import CheckedStudy

# Columns of a terminal for the labels of the summary.
LABEL_WIDTH = 13


class Steps:
    """The steps of a build with their seconds."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.current = ""

    @contextlib.contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Measure a step."""
        self.current = name
        start = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - start


def summary(steps: Steps, run: Run, published: Path, source: str, checked: CheckedStudy, manifest: Path) -> str:
    """What is printed after a build.

    ``run``: what came out of dbt; ``source``: the kind of input; ``manifest``: dbt's file with the description of each
    test.
    """
    told = [*_warnings(run, manifest), *_counts(published)]
    if source == "demo":
        told.append(("Input", "the simulated demo yearbook; no number is evidence about China"))
    study = f"{checked.title['zh']}（{checked.study_id}）" if language() == "zh" else ""
    told.append(("Study", study or f"{checked.title['en']} ({checked.study_id})"))
    told.append(("Published", f"{published} (read it with DuckDB; results are in the schema 'results')"))
    told.append(("", f"{published.with_name(PUBLISHED_DIRECTORY)} (Parquet, Stata, scripts, data dictionary)"))
    colon = "\uff1a" if language() == "zh" else ":"
    lines = [_labelled(said(name) + colon if name else "", said(words)) for name, words in told]
    return "\n".join(["", *_seconds(steps, run), "", *lines])


def _labelled(label: str, words: str) -> str:
    """A line of the summary; a Chinese character is as wide as two letters."""
    width = sum(2 if unicodedata.east_asian_width(letter) in "FW" else 1 for letter in label)
    return label + " " * (LABEL_WIDTH - width) + words


def _seconds(steps: Steps, run: Run) -> list[str]:
    """Seconds per step, and within dbt per layer."""
    lines = [said("seconds  step")]
    for step, seconds in steps.seconds.items():
        lines.append(f"{seconds:7.1f}  {said(step)}")
        if step == "dbt build" and run.layers:
            layers = sorted(run.layers.items(), key=lambda item: -item[1])
            told = ", ".join(f"{said(layer)} {layer_seconds:.1f}" for layer, layer_seconds in layers)
            told = said(f"{told} ({sum(run.layers.values()):.1f} on several threads)")
            lines += textwrap.wrap(told, 100, initial_indent=" " * 9, subsequent_indent=" " * 9)
    return [*lines, f"{sum(steps.seconds.values()):7.1f}  {said('in all')}"]


def _warnings(run: Run, manifest: Path) -> list[tuple[str, str]]:
    """One line per test that warns: what it checks, and how many rows it found."""
    if not run.warnings:
        return []
    described = descriptions(manifest, run.warnings)
    return [("Warning", f"{rows} rows: {described.get(node) or node}") for node, rows in sorted(run.warnings.items())]


def _counts(published: Path) -> list[tuple[str, str]]:
    """What is in the publication: the panel, the regressions by their status, the cells that were not used."""
    with duckdb.connect(str(published), read_only=True) as connection:

        def ask(query: str) -> list[tuple]:
            return connection.execute(query).fetchall()

        tables = {name for (name,) in ask("select schema_name || '.' || table_name from duckdb_tables()")}
        lines = []
        if "marts.fct_study_panel" in tables:
            ((cities, first, last),) = ask(
                "select count(distinct adcode), min(year), max(year) from marts.fct_study_panel where in_sample"
            )
            lines.append(("Sample", f"{cities:,} cities, {first}–{last}" if cities else "no city"))
        if "results.regression_coefficients" in tables:
            by_status = ask(
                "select status, count(distinct spec_id) from results.regression_coefficients group by 1 order by 1 desc"
            )
            told = ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in by_status)
            lines.append(("Regressions", told or "none"))
        if "quality.quarantined_cells" in tables:
            ((cells,),) = ask("select count(*) from quality.quarantined_cells")
            if cells:
                lines.append(("Set aside", f"{cells:,} printed cells (why: quality.quarantined_cells)"))
    return lines
