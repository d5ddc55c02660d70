"""The questions of ``analysis/`` with their answers, as one Markdown page."""

import os
import re
from pathlib import Path

import duckdb

from city_policy.directory import writable
from city_policy.errors import InputError

ROWS_SHOWN = 12
REFERENCE = re.compile(r"{{\s*ref\('(\w+)'\)\s*}}")


def write_questions(analysis: Path, published: Path, page: Path) -> int:
    """Answer the queries of the folder ``analysis`` from the database ``published`` and write ``page``.

    A query that needs more of dbt than ``ref``, such as a macro, makes input for something else and is left out.
    Returns the number of questions. Raises InputError when nothing was published, when a query names a table that was
    not published, and when the page cannot be written.
    """
    if not published.is_file():
        raise InputError(f"{published} does not exist; run `make build` first.")
    with duckdb.connect(str(published), read_only=True, config={"threads": 1}) as connection:
        schemas = dict(
            connection.execute("select table_name, schema_name from duckdb_tables() where not internal").fetchall()
        )
        ((source,),) = connection.execute("select min(data_source) from results.soundness_notes").fetchall()
        queries = [path for path in sorted(analysis.glob("*.sql")) if is_question(path)]
        parts = [_introduction(source), *(_section(path, connection, schemas) for path in queries)]
    aside = page.with_name(page.name + ".new")
    with writable(page):
        page.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text("\n".join(parts), encoding="utf-8")
        os.replace(aside, page)
    return len(queries)


def is_question(path: Path) -> bool:
    """Whether the query can be answered without dbt: it has no other template than ``ref``."""
    return "{" not in REFERENCE.sub("", path.read_text(encoding="utf-8"))


def _introduction(source: str) -> str:
    """Title, and what the answers were made from."""
    simulated = source.startswith("simulated")
    warning = "**The numbers are simulated; none is evidence about China.** " if simulated else ""
    return (
        "# Questions and answers\n\n"
        f"Made by `make questions` from a build of: {source}. {warning}Each question is a query in `analysis/`: change "
        "the city, province or input that it names and run it with any DuckDB client on `data/city_policy.duckdb`, or "
        f"with `dbt show --select NAME`. At most {ROWS_SHOWN} rows are shown.\n"
    )


def _section(path: Path, connection: duckdb.DuckDBPyConnection, schemas: dict[str, str]) -> str:
    """One question: its file name as heading, its first line, and the first rows of its answer."""
    text = path.read_text(encoding="utf-8")

    def table(match: re.Match) -> str:
        if match[1] not in schemas:
            raise InputError(f"{path} reads {match[1]}, which is not in the published database; build again.")
        return f'"{schemas[match[1]]}"."{match[1]}"'

    answer = connection.execute(REFERENCE.sub(table, text))
    columns = [column[0] for column in answer.description]
    rows = answer.fetchall()
    lines = [
        f"## {path.stem.replace('_', ' ').capitalize()}?",
        "",
        f"{text.splitlines()[0].removeprefix('-- ')} [`{path.name}`](../analysis/{path.name})",
        "",
        "| " + " | ".join(columns) + " |",
        "|" + "---|" * len(columns),
        *("| " + " | ".join(map(_shown, row)) + " |" for row in rows[:ROWS_SHOWN]),
        "",
    ]
    if len(rows) > ROWS_SHOWN:
        lines += [f"… {len(rows)} rows in all.", ""]
    return "\n".join(lines)


def _shown(value: object) -> str:
    """A value as a cell: numbers to four digits, nothing for NULL."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        # Large numbers keep their digits; a zero has no sign.
        return f"{value:.0f}" if abs(value) >= 10_000 else f"{value + 0.0:.4g}"
    return str(value).replace("|", "\\|").replace("\n", " ")
