"""The arguments of the command ``city-policy``, one sub-parser per command."""

import argparse
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

from city_policy import __version__
from city_policy.language import said


def build_parser() -> argparse.ArgumentParser:
    """The command line, one sub-parser per command."""
    parser = Parser(prog="city-policy", description="From Chinese city yearbooks to policy-effect estimates.")
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
    _add_database(report)
    report.add_argument("--out", type=Path, metavar="DIR", help="folder to write (default: report beside it)")

    chart = commands.add_parser(
        "chart",
        help="write figures as SVG and PNG",
        description="Write figures of the report as files for a paper, one per chart and language, from the "
        "publication of a study. Without a name every figure that has data is written.",
    )
    chart.add_argument("name", nargs="*", metavar="NAME", help="key of a figure, such as event_study or coefficients")
    _add_database(chart)
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
    _add_table(commands)
    translate(parser)
    return parser


class Parser(argparse.ArgumentParser):
    """A parser whose sentences about wrong arguments are in the language of the terminal."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: {said('error:')} {said(message)}\n")


class _HelpFormatter(argparse.HelpFormatter):
    """Help that begins in the language of the terminal."""

    def add_usage(
        self, usage: str | None, actions: Iterable[argparse.Action], groups: Iterable, prefix: str | None = None
    ) -> None:
        super().add_usage(usage, actions, groups, said("usage: ") if prefix is None else prefix)

    def format_help(self) -> str:
        # Chinese headings end in a Chinese colon.
        return re.sub(r"(?m)(?<=[\u4e00-\u9fff]):$", "\uff1a", super().format_help())


def translate(parser: argparse.ArgumentParser) -> None:
    """Put the help of a parser and of its commands into the language of the terminal."""
    parser.formatter_class = _HelpFormatter
    parser.description = said(parser.description or "")
    for group in parser._action_groups:
        group.title = said(group.title or "")
    for action in parser._actions:
        action.help = said(action.help or "")
        if isinstance(action, argparse._SubParsersAction):
            for choice in action._choices_actions:
                choice.help = said(choice.help or "")
            for command in action.choices.values():
                translate(command)


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


def _count(text: str) -> int:
    """A whole number from 1 on."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1 on")
    return int(text)


def _add_database(parser: argparse.ArgumentParser) -> None:
    """Options that say which publication a command reads."""
    parser.add_argument(
        "--study", metavar="ID_OR_DIR", help="id or folder of a study that was built (default: that of the paper)"
    )
    parser.add_argument(
        "--database", type=Path, metavar="FILE", help="database to read (default: city_policy.duckdb of the study)"
    )


def _list_of(*allowed: str) -> Callable[[str], tuple[str, ...]]:
    """A list with commas of some of the ``allowed`` words."""

    def parsed(text: str) -> tuple[str, ...]:
        words = tuple(dict.fromkeys(word.strip() for word in text.split(",")))
        for word in words:
            if word not in allowed:
                raise argparse.ArgumentTypeError(f"'{word}' is not one of {', '.join(allowed)}")
        return words

    return parsed


def build_help() -> str:
    """What the build command does, also shown by the documentation."""
    return (
        "Build the warehouse and publish it to data/city_policy.duckdb. Without --yearbooks the input is the "
        "simulated demo yearbook in seeds/yearbook."
    )
