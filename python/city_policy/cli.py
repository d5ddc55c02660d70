"""The command ``city-policy``."""

import argparse
import os
import sys
from pathlib import Path

from city_policy import __version__
from city_policy.errors import InputError


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
        "--threads", type=int, metavar="N", help="models that dbt runs at a time (default: profiles.yml)"
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
    ingest.add_argument("--workers", type=int, default=2, metavar="N", help="processes that read (default 2)")
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
        "--cities", type=int, metavar="N", help="print N cities only, spread over the country (default: all)"
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
    monte_carlo.add_argument("--replications", type=int, default=1000, metavar="N", help="draws (default 1000)")
    monte_carlo.add_argument(
        "--cities", type=int, metavar="N", help="cities of the scenario large, which invents them (default 2000)"
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
    _add_table(commands)
    return parser


def _add_table(commands: argparse._SubParsersAction) -> None:
    """The command that makes one table."""
    table = commands.add_parser(
        "table",
        help="make one table from any regressions",
        description="Make one table for a paper from any regressions of a build, a column each, as LaTeX, Word, Excel "
        "or Markdown. Nothing is estimated. Without --format and --out the table is printed as Markdown.",
    )
    table.add_argument(
        "specifications",
        nargs="+",
        metavar="SPEC",
        help="spec_id, name of a specification for all its policies, or a pattern such as 'baseline_*'; "
        "NAME:first_stage is the first stage of an instrumental variable",
    )
    table.add_argument(
        "--study", metavar="ID_OR_DIR", help="id or folder of a study that was built (default: that of the paper)"
    )
    table.add_argument(
        "--database", type=Path, metavar="FILE", help="database to read (default: city_policy.duckdb of the study)"
    )
    table.add_argument("--format", nargs="+", metavar="LIST", help="tex, docx, xlsx, md, separated by commas")
    table.add_argument(
        "--out", type=Path, metavar="FILE", help="file to write; its ending is a format (default: table in the report)"
    )
    table.add_argument("--language", choices=("zh", "en"), default="zh", help="language of the table (default zh)")
    table.add_argument(
        "--rows",
        nargs="+",
        default="",
        metavar="LIST",
        help="rows in their order: variables, patterns, or treatments, event_times, others, controls, constant "
        "(default: all); controls that are no rows are one row 'Controls'",
    )
    table.add_argument(
        "--columns", nargs="+", default=[], metavar="TEXT", help="headings of the columns, one per regression"
    )
    table.add_argument(
        "--statistic",
        nargs="+",
        default="t",
        metavar="LIST",
        help="below a coefficient: t, se, p, ci, or none (default t)",
    )
    table.add_argument(
        "--errors",
        default="CRV1",
        metavar="NAME",
        help="variance estimator: CRV1, iid, CRV3, conley, or a method of results.robust_inference (default CRV1)",
    )
    table.add_argument("--decimals", default="4", metavar="N", help="decimals of the coefficients (default 4)")
    table.add_argument(
        "--stars", nargs="+", default="0.1,0.05,0.01", metavar="LIST", help="p values of *, **, ***, or none "
        "(default 0.1,0.05,0.01)",
    )  # fmt: skip
    table.add_argument(
        "--footer",
        nargs="+",
        default="usual",
        metavar="LIST",
        help="rows below the coefficients, of the kinds that docs/publishing.md lists, usual, or none (default usual)",
    )
    table.add_argument("--title", default="", metavar="TEXT", help="title of the table")
    table.add_argument("--number", metavar="N", help="number of the table (default: none)")
    table.add_argument(
        "--notes", nargs="+", default=[], metavar="TEXT", help="sentences that end the notes, one per TEXT"
    )
    table.add_argument("--published", action="store_true", help="put the numbers of the paper below ours")


def _years(text: str) -> tuple[int, int]:
    """``2013-2019`` as a pair."""
    first, _, last = text.partition("-")
    if not (first.isdecimal() and last.isdecimal()):
        raise argparse.ArgumentTypeError(f"'{text}' is not a range of years; write the first and the last, 2013-2019")
    return int(first), int(last)


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
        Path.cwd(),
        arguments.yearbooks,
        arguments.supplementary,
        arguments.threads,
        arguments.study,
        arguments.panel,
        arguments.fresh,
    )


def _study(arguments: argparse.Namespace) -> None:
    from city_policy.study import check_study, start_study

    project = Path.cwd()
    if not (project / "dbt_project.yml").is_file():
        raise InputError(f"{project} holds no dbt_project.yml; run the command in the project's top directory.")
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
    from city_policy.directory import data_directory
    from city_policy.reader import ingest, ingest_supplementary

    landing = data_directory() / "landing"
    seeds = Path.cwd() / "seeds"
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
    from city_policy.directory import data_directory
    from city_policy.reader import accept_proposals

    seeds = Path.cwd() / "seeds"
    folder = arguments.folder or data_directory() / "proposals"
    taken = accept_proposals(folder, seeds / "mapping", seeds / "geography")
    rows = ", ".join(f"{count} into {seed}.csv" for seed, count in taken.items())
    print(f"Rows taken over: {rows}." if taken else f"No row of {folder} has yes in the column accept.")


def _publish(arguments: argparse.Namespace) -> None:
    from city_policy.directory import PUBLISHED_DIRECTORY, data_directory
    from city_policy.publish import publish_postgresql
    from city_policy.report.publication import published_database

    published = published_database(data_directory(), arguments.study)
    tables = publish_postgresql(published.parent / PUBLISHED_DIRECTORY, arguments.target)
    print(f"Published {tables} tables.")


def _questions(arguments: argparse.Namespace) -> None:
    from city_policy.directory import PUBLISHED_FILE, data_directory
    from city_policy.questions import write_questions

    answered = write_questions(Path.cwd() / "analysis", data_directory() / PUBLISHED_FILE, arguments.out)
    print(f"{answered} questions answered in {arguments.out}.")


def _simulate(arguments: argparse.Namespace) -> None:
    project = Path.cwd()
    from city_policy.simulate import DEFAULT_SEED, scenario, simulate

    seed = DEFAULT_SEED if arguments.seed is None else arguments.seed
    parameters = scenario(arguments.scenario or "paper")
    geography, policy = project / "seeds" / "geography", project / "seeds" / "policy"
    simulate(seed, arguments.out, geography, policy, parameters, arguments.cities, arguments.years)


def _montecarlo(arguments: argparse.Namespace) -> None:
    project = Path.cwd()
    from city_policy.build import data_directory
    from city_policy.simulate import read_world, scenario, scenarios_with_real_cities
    from city_policy.simulate.montecarlo_report import write_monte_carlo

    world = read_world(project / "seeds" / "geography", project / "seeds" / "policy")
    chosen = [scenario(name) for name in arguments.scenario or scenarios_with_real_cities()]
    folder = arguments.out or data_directory() / "montecarlo"
    print(write_monte_carlo(world, chosen, arguments.replications, arguments.seed, folder, arguments.cities))


def _report(arguments: argparse.Namespace) -> None:
    from city_policy.directory import data_directory
    from city_policy.report import write_report
    from city_policy.report.publication import published_database, report_directory

    data = data_directory()
    database = arguments.database or published_database(data, arguments.study)
    out = arguments.out or report_directory(data, arguments.study)
    written = write_report(database, out)
    print("\n".join(str(path) for path in written))


def _table(arguments: argparse.Namespace) -> None:
    from city_policy.directory import data_directory
    from city_policy.report.files import chosen_formats, make_table, write_table
    from city_policy.report.markdown import markdown_table
    from city_policy.report.publication import published_database, report_directory
    from city_policy.table_options import options_of_command

    options = options_of_command(vars(arguments))
    formats = chosen_formats(arguments.format, arguments.out)
    data = data_directory()
    table = make_table(arguments.database or published_database(data, arguments.study), options)
    if arguments.out is None and formats == ("md",):
        print(markdown_table(table, arguments.language), end="")
        return
    out = arguments.out or report_directory(data, arguments.study) / "table"
    print("\n".join(str(path) for path in write_table(table, out, formats, arguments.language)))


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
    "table": _table,
}


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns 0, or 2 after one sentence about unusable input."""
    arguments = build_parser().parse_args(argv)
    try:
        _COMMANDS[arguments.command](arguments)
    except InputError as error:
        print(f"city-policy: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader of our output went away; that is not an error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
