"""The command ``city-policy``."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from city_policy import __version__
from city_policy.directory import UNCHANGED, cannot_be_written, is_refusal_to_write, reason_of
from city_policy.errors import InputError
from city_policy.running.stopping import requested, stop_on_signals


def build_parser() -> argparse.ArgumentParser:
    """The command line, one sub-parser per command."""
    parser = argparse.ArgumentParser(
        prog="city-policy", description="From Chinese city yearbooks to policy-effect estimates."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    build = commands.add_parser(
        "build", help="read, run dbt build and publish data/city_policy.duckdb", description=build_help()
    )
    build.add_argument("--yearbooks", type=Path, metavar="DIR", help="folder of yearbook editions to read")
    build.add_argument("--supplementary", type=Path, metavar="DIR", help="folder of long supplementary files")
    build.add_argument("--study", type=Path, metavar="DIR", help="folder of a study (default: that of the paper)")
    build.add_argument(
        "--panel",
        type=Path,
        metavar="FILE",
        help="a panel of your own (.csv, .dta, .xlsx, .parquet) in place of yearbooks",
    )
    build.add_argument(
        "--fresh", action="store_true", help="from scratch, whatever has not changed since the last build"
    )
    build.add_argument(
        "--threads", type=_count, metavar="N", help="models that dbt runs at a time (default: profiles.yml)"
    )
    build.add_argument(
        "--verbose", action="store_true", help="print all that dbt says, which otherwise goes to build.log"
    )

    study = commands.add_parser(
        "study",
        help="start a study folder, or check one",
        description="Write a commented study folder to start from, or say everything that is wrong with one.",
    ).add_subparsers(dest="study_command", required=True, metavar="COMMAND")
    new = study.add_parser(
        "new",
        help="write a commented study folder",
        description="Write a commented study folder: variables from the columns of a panel with guessed roles, "
        "policies and units from a list of names with year and batch. Panel and list are read, never written.",
    )
    new.add_argument("folder", type=Path, metavar="DIR", help="folder to write; it must not exist yet or be empty")
    new.add_argument("--panel", type=Path, metavar="FILE", help="a panel of your own (.csv, .dta, .xlsx, .parquet)")
    new.add_argument(
        "--pilots", type=Path, metavar="FILE", help="list of names with year and batch (.csv, .xlsx, .dta)"
    )
    new.add_argument("--outcome", default="", metavar="COLUMN", help="column of the panel that is the outcome")
    check = study.add_parser(
        "check",
        help="say everything that is wrong with a study folder",
        description="Check every file of a study folder and say all mistakes at once: file, row, column, what was "
        "found, what was expected, and what to do.",
    )
    check.add_argument("folder", type=Path, metavar="DIR", help="folder of the study")
    check.add_argument(
        "--panel", type=Path, metavar="FILE", help="the panel that it is about, if it has one of its own"
    )

    ingest = commands.add_parser(
        "ingest",
        help="read yearbook workbooks into the landing Parquet file",
        description="Read every printed cell of a folder of yearbook editions (one folder per edition, one workbook "
        "per printed table) into data/landing/yearbook_cells.parquet.",
    )
    ingest.add_argument("folder", type=Path, metavar="DIR", help="folder with one folder per edition")
    ingest.add_argument("--supplementary", type=Path, metavar="DIR", help="folder of long supplementary files")
    ingest.add_argument("--workers", type=_count, default=2, metavar="N", help="processes that read (default 2)")
    ingest.add_argument("--quiet", action="store_true", help="no progress bar")

    accept = commands.add_parser(
        "accept",
        help="take accepted mapping rows into the seeds",
        description="Take the rows that have yes in the column accept from the files of proposals, which city-policy "
        "ingest writes, into the seeds of mapping and names. Every row is checked before any file is written.",
    )
    accept.add_argument(
        "folder",
        type=Path,
        nargs="?",
        metavar="DIR",
        help="folder of proposals (default: proposals in the data directory)",
    )

    publish = commands.add_parser(
        "publish",
        help="copy what was published last to a PostgreSQL database",
        description="Replace the schemas marts, results, replication and quality of a PostgreSQL database by what "
        "the last build published, in one step for its readers. PGPASSWORD or ~/.pgpass keep the password out of the "
        "command line.",
    )
    publish.add_argument(
        "--study", metavar="ID_OR_DIR", help="id or folder of a study that was built (default: that of the paper)"
    )
    publish.add_argument("--target", required=True, metavar="URL", help="postgresql://user:password@host:5432/database")

    questions = commands.add_parser(
        "questions",
        help="answer the queries of analysis/ from the last publication",
        description="Run every query of analysis/ on data/city_policy.duckdb and write questions and answers as one "
        "Markdown page.",
    )
    questions.add_argument(
        "--out",
        type=Path,
        default=Path("docs/questions.md"),
        metavar="FILE",
        help="the page (default docs/questions.md)",
    )

    simulate = commands.add_parser(
        "simulate",
        help="write the simulated demo yearbook",
        description="Write the demo yearbook (simulated raw inputs, never evidence about China) as CSV files.",
    )
    simulate.add_argument("--seed", type=int, metavar="N", help="seed of the simulation (default: the committed one)")
    simulate.add_argument(
        "--scenario", metavar="NAME", help="row of python/city_policy/simulate/scenarios.csv (default paper)"
    )
    simulate.add_argument(
        "--cities", type=_count, metavar="N", help="print N cities only, spread over the country (default: all)"
    )
    simulate.add_argument(
        "--years", type=_years, metavar="A-B", help="print the years A to B only, such as 2013-2019 (default: all)"
    )
    simulate.add_argument(
        "--out",
        type=Path,
        default=Path("seeds/yearbook"),
        metavar="DIR",
        help="where to write (default seeds/yearbook)",
    )

    monte_carlo = commands.add_parser(
        "montecarlo",
        help="bias, coverage and power of the estimators on simulated panels",
        description="Simulate the index again and again with planted effects and write how every estimator does, "
        "as a table (montecarlo.csv) and a figure (montecarlo.svg). Simulated, never evidence about China.",
    )
    monte_carlo.add_argument(
        "--scenario",
        action="append",
        metavar="NAME",
        help="row of python/city_policy/simulate/scenarios.csv; may be repeated (default: all with real cities)",
    )
    monte_carlo.add_argument("--replications", type=_count, default=1000, metavar="N", help="draws (default 1000)")
    monte_carlo.add_argument(
        "--cities", type=_count, metavar="N", help="cities of the scenario large, which invents them (default 2000)"
    )
    monte_carlo.add_argument("--seed", type=int, default=1, metavar="N", help="seed of the draws (default 1)")
    monte_carlo.add_argument(
        "--out", type=Path, metavar="DIR", help="where to write (default: montecarlo in the data directory)"
    )

    report = commands.add_parser(
        "report",
        help="write the report and the tables for papers",
        description="Write one self-contained page in Chinese and English, and the tables of a study as LaTeX, Word "
        "and Excel, from its publication.",
    )
    report.add_argument(
        "--study", metavar="ID_OR_DIR", help="id or folder of a study that was built (default: that of the paper)"
    )
    report.add_argument(
        "--database", type=Path, metavar="FILE", help="database to read (default: city_policy.duckdb of the study)"
    )
    report.add_argument("--out", type=Path, metavar="DIR", help="folder to write (default: report beside it)")

    chart = commands.add_parser(
        "chart",
        help="write figures as SVG and PNG",
        description="Write figures of the report as files for a paper, one per chart and language, from the "
        "publication of a study. Without a name every figure that has data is written.",
    )
    chart.add_argument("name", nargs="*", metavar="NAME", help="key of a figure, such as event_study or coefficients")
    chart.add_argument(
        "--study", metavar="ID_OR_DIR", help="id or folder of a study that was built (default: that of the paper)"
    )
    chart.add_argument(
        "--database", type=Path, metavar="FILE", help="database to read (default: city_policy.duckdb of the study)"
    )
    chart.add_argument(
        "--format", type=_list_of("svg", "png"), default=("svg", "png"), metavar="LIST", help="svg, png (default both)"
    )
    chart.add_argument(
        "--language", type=_list_of("zh", "en"), default=("zh", "en"), metavar="LIST", help="zh, en (default both)"
    )
    chart.add_argument("--ground", choices=("light", "dark"), default="light", help="colour of the ground")
    chart.add_argument("--width", type=_count, metavar="N", help="width of a chart in pixels (default 760, or 360)")
    chart.add_argument(
        "--scale", type=_count, default=3, metavar="N", help="pixels of a PNG per pixel of the chart (default 3)"
    )
    chart.add_argument("--out", type=Path, metavar="DIR", help="folder to write (default: charts in the report's)")
    return parser


def _years(text: str) -> tuple[int, int]:
    """``2013-2019`` as a pair."""
    first, _, last = text.partition("-")
    if not (first.isdecimal() and last.isdecimal()):
        raise argparse.ArgumentTypeError(f"'{text}' is not a range of years; write the first and the last, 2013-2019")
    return int(first), int(last)


def _count(text: str) -> int:
    """A whole number from 1 on."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1 on")
    return int(text)


def _list_of(*allowed: str) -> Callable[[str], tuple[str, ...]]:
    """A list with commas of some of the ``allowed`` words."""

    def parsed(text: str) -> tuple[str, ...]:
        words = tuple(dict.fromkeys(word.strip() for word in text.split(",")))
        for word in words:
            if word not in allowed:
                raise argparse.ArgumentTypeError(f"'{word}' is not one of {', '.join(allowed)}")
        return words

    return parsed


def _project() -> Path:
    """The project, whose top directory a command runs in."""
    folder = Path.cwd()
    if not (folder / "dbt_project.yml").is_file():
        raise InputError(f"{folder} holds no dbt_project.yml; run the command in the project's top directory.")
    return folder


def _data() -> Path:
    """The data directory: that of the project whose top directory the command runs in, or the one that
    CITY_POLICY_DATA names from anywhere.
    """
    from city_policy.directory import data_directory

    if not os.environ.get("CITY_POLICY_DATA"):
        _project()
    return data_directory()


def build_help() -> str:
    """What the build command does, also shown by the documentation."""
    return (
        "Build the warehouse and publish it to data/city_policy.duckdb. Without --yearbooks the input is the "
        "simulated demo yearbook in seeds/yearbook."
    )


# Each command imports what it needs: `city-policy --help` must not wait for pandas.


def _build(arguments: argparse.Namespace) -> None:
    from city_policy.build import build

    build(
        _project(),
        arguments.yearbooks,
        arguments.supplementary,
        arguments.threads,
        arguments.study,
        arguments.panel,
        arguments.fresh,
        arguments.verbose,
    )


def _study(arguments: argparse.Namespace) -> None:
    from city_policy.study import check_study, start_study

    project = _project()
    if arguments.study_command == "new":
        started = start_study(arguments.folder, project, arguments.panel, arguments.pilots, arguments.outcome)
        print(f"Written: {started.folder} ({', '.join(started.files)})")
        print("\n".join(f"- {note}" for note in started.notes))
        panel = f" --panel {arguments.panel}" if arguments.panel else ""
        print(f"Next: read and change the files, then: city-policy study check {started.folder}{panel}")
        return
    checked = check_study(arguments.folder, project, arguments.panel)
    n = {name: len(rows) for name, rows in checked.tables.items()}
    print(
        f"{arguments.folder} is right: {n['policies']} policies, {n['variables']} variables, {n['samples']} samples, "
        f"{n['specifications']} specifications."
    )


def _ingest(arguments: argparse.Namespace) -> None:
    from city_policy.reader import ingest, ingest_supplementary

    seeds = _project() / "seeds"
    landing = _data() / "landing"
    print(
        ingest(
            arguments.folder,
            landing,
            seeds / "mapping",
            seeds / "geography",
            progress=not arguments.quiet,
            workers=arguments.workers,
        )
    )
    if arguments.supplementary:
        print(
            ingest_supplementary(
                arguments.supplementary,
                landing,
                seeds / "mapping",
                seeds / "geography",
                progress=not arguments.quiet,
            )
        )


def _accept(arguments: argparse.Namespace) -> None:
    from city_policy.reader import accept_proposals

    seeds = _project() / "seeds"
    folder = arguments.folder or _data() / "proposals"
    taken = accept_proposals(folder, seeds / "mapping", seeds / "geography")
    rows = ", ".join(f"{count} into {seed}.csv" for seed, count in taken.items())
    print(f"Rows taken over: {rows}." if taken else f"No row of {folder} has yes in the column accept.")


def _publish(arguments: argparse.Namespace) -> None:
    from city_policy.directory import PUBLISHED_DIRECTORY
    from city_policy.publish import publish_postgresql
    from city_policy.report.publication import published_database

    published = published_database(_data(), arguments.study)
    tables = publish_postgresql(published.parent / PUBLISHED_DIRECTORY, arguments.target)
    print(f"Published {tables} tables.")


def _questions(arguments: argparse.Namespace) -> None:
    from city_policy.directory import PUBLISHED_FILE
    from city_policy.questions import write_questions

    answered = write_questions(_project() / "analysis", _data() / PUBLISHED_FILE, arguments.out)
    print(f"{answered} questions answered in {arguments.out}.")


def _simulate(arguments: argparse.Namespace) -> None:
    from city_policy.simulate import DEFAULT_SEED, scenario, simulate

    project = _project()

    seed = DEFAULT_SEED if arguments.seed is None else arguments.seed
    parameters = scenario(arguments.scenario or "paper")
    geography, policy = project / "seeds" / "geography", project / "seeds" / "policy"
    simulate(seed, arguments.out, geography, policy, parameters, arguments.cities, arguments.years)


def _montecarlo(arguments: argparse.Namespace) -> None:
    from city_policy.simulate import read_world, scenario, scenarios_with_real_cities
    from city_policy.simulate.montecarlo_report import write_monte_carlo

    project = _project()
    world = read_world(project / "seeds" / "geography", project / "seeds" / "policy")
    chosen = [scenario(name) for name in arguments.scenario or scenarios_with_real_cities()]
    folder = arguments.out or _data() / "montecarlo"
    print(write_monte_carlo(world, chosen, arguments.replications, arguments.seed, folder, arguments.cities))


def _report(arguments: argparse.Namespace) -> None:
    from city_policy.report import write_report
    from city_policy.report.publication import published_database, report_directory

    database = arguments.database or published_database(_data(), arguments.study)
    out = arguments.out or report_directory(_data(), arguments.study)
    written = write_report(database, out)
    print("\n".join(str(path) for path in written))


def _chart(arguments: argparse.Namespace) -> None:
    from city_policy.report.charts import write_charts
    from city_policy.report.publication import published_database, report_directory

    database = arguments.database or published_database(_data(), arguments.study)
    written = write_charts(
        database,
        arguments.out or report_directory(_data(), arguments.study) / "charts",
        arguments.name,
        arguments.format,
        arguments.language,
        arguments.ground,
        arguments.width,
        arguments.scale,
    )
    print("\n".join(str(path) for path in written))


_COMMANDS = {
    "build": _build,
    "study": _study,
    "ingest": _ingest,
    "accept": _accept,
    "publish": _publish,
    "questions": _questions,
    "simulate": _simulate,
    "montecarlo": _montecarlo,
    "report": _report,
    "chart": _chart,
}


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns 0, 2 after one sentence about unusable input, or 128 and the number of the signal that
    stopped it.
    """
    arguments = build_parser().parse_args(argv)
    try:
        _COMMANDS[arguments.command](arguments)
    except BaseException as error:
        return _ended(error)
    return 0


def _ended(error: BaseException) -> int:
    """Say why a command ended; its exit code. What is unexpected is a mistake of the program and is raised again."""
    if stopped := requested():
        print(f"\ncity-policy: {stopped.words}", file=sys.stderr)
        return stopped.exit_code
    if isinstance(error, InputError):
        print(f"city-policy: {error}", file=sys.stderr)
        return 2
    if isinstance(error, BrokenPipeError):
        # The reader of our output went away; that is not an error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    if isinstance(error, Exception) and is_refusal_to_write(error):
        # A disk may be full at any step.
        place = getattr(error, "filename", None) or "A file"
        print(f"city-policy: {cannot_be_written(place, reason_of(error), UNCHANGED)}", file=sys.stderr)
        return 2
    raise error


def run() -> None:
    """The command of the shell: in UTF-8 whatever the locale says, so that paths and texts are what they are."""
    encoding = sys.stdout.encoding
    if os.name == "posix" and not sys.flags.utf8_mode and sys.getfilesystemencoding().lower() != "utf-8":
        # What is printed stays in the encoding of the terminal, with escapes for what it cannot show.
        environment = os.environ | {"PYTHONUTF8": "1", "PYTHONIOENCODING": f"{encoding}:backslashreplace"}
        os.execve(sys.executable, [sys.executable, "-m", "city_policy.cli", *sys.argv[1:]], environment)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    stop_on_signals()
    sys.exit(main())


if __name__ == "__main__":
    run()
