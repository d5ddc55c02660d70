"""The command ``city-policy``."""

import argparse
import os
import sys
from pathlib import Path

from city_policy.arguments import build_parser
from city_policy.directory import cannot_be_written, is_refusal_to_write, only_build, reason_of
from city_policy.errors import InputError
from city_policy.language import language, said, say
from city_policy.running.stopping import requested, stop_on_signals


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
        say(f"Written: {started.folder} ({', '.join(started.files)})")
        say("\n".join(f"- {note}" for note in started.notes))
        panel = f" --panel {arguments.panel}" if arguments.panel else ""
        say(f"Next: read and change the files, then: city-policy study check {started.folder}{panel}")
        return
    checked = check_study(arguments.folder, project, arguments.panel)
    n = {name: len(rows) for name, rows in checked.tables.items()}
    say(
        f"{arguments.folder} is right: {n['policies']} policies, {n['variables']} variables, {n['samples']} samples, "
        f"{n['specifications']} specifications."
    )


def _ingest(arguments: argparse.Namespace) -> None:
    from city_policy.reader import ingest, ingest_supplementary

    seeds, data = _project() / "seeds", _data()
    mapping, geography, progress = seeds / "mapping", seeds / "geography", not arguments.quiet
    # A build that is running must not find other landing files than those that it has read itself.
    with only_build(data):
        landing = data / "landing"
        say(ingest(arguments.folder, landing, mapping, geography, progress=progress, workers=arguments.workers))
        if arguments.supplementary:
            say(ingest_supplementary(arguments.supplementary, landing, mapping, geography, progress=progress))


def _accept(arguments: argparse.Namespace) -> None:
    from city_policy.reader import accept_proposals

    seeds = _project() / "seeds"
    folder = arguments.folder or _data() / "proposals"
    taken = accept_proposals(folder, seeds / "mapping", seeds / "geography")
    rows = ", ".join(f"{count} into {seed}.csv" for seed, count in taken.items())
    say(f"Rows taken over: {rows}." if taken else f"No row of {folder} has yes in the column accept.")


def _publish(arguments: argparse.Namespace) -> None:
    from city_policy.directory import PUBLISHED_DIRECTORY
    from city_policy.publish import publish_postgresql
    from city_policy.report.publication import published_database

    published = published_database(_data(), arguments.study)
    tables = publish_postgresql(published.parent / PUBLISHED_DIRECTORY, arguments.target)
    say(f"Published {tables} tables.")


def _questions(arguments: argparse.Namespace) -> None:
    from city_policy.directory import PUBLISHED_FILE
    from city_policy.questions import write_questions

    answered = write_questions(_project() / "analysis", _data() / PUBLISHED_FILE, arguments.out)
    say(f"{answered} questions answered in {arguments.out}.")


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
    say(write_monte_carlo(world, chosen, arguments.replications, arguments.seed, folder, arguments.cities))


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


def _table(arguments: argparse.Namespace) -> None:
    from city_policy.report.files import chosen_formats, make_table, write_table
    from city_policy.report.markdown import markdown_table
    from city_policy.report.publication import published_database, report_directory
    from city_policy.table_options import options_of_command

    options = options_of_command(vars(arguments))
    formats = chosen_formats(arguments.format, arguments.out)
    table = make_table(arguments.database or published_database(_data(), arguments.study), options)
    if arguments.out is None and formats == ("md",):
        print(markdown_table(table, arguments.language), end="")
        return
    out = arguments.out or report_directory(_data(), arguments.study) / "table"
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
    "chart": _chart,
    "table": _table,
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
        print(f"\ncity-policy: {said(stopped.words)}", file=sys.stderr)
        return stopped.exit_code
    if isinstance(error, InputError):
        told = error.chinese if error.chinese and language() == "zh" else said(str(error))
        print(f"city-policy: {told}", file=sys.stderr)
        return 2
    if isinstance(error, BrokenPipeError):
        # The reader of our output went away; that is not an error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    if isinstance(error, Exception) and is_refusal_to_write(error):
        # A disk may be full at any step.
        place = getattr(error, "filename", None) or "A file"
        refusal = cannot_be_written(place, reason_of(error), "What was not finished was not written.")
        print(f"city-policy: {said(str(refusal))}", file=sys.stderr)
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
