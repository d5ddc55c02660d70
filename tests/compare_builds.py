"""Compares two published databases table by table, to the bit: ``python tests/compare_builds.py OLD NEW``.

A change of structure keeps the demo's numbers: this script says which tables, columns and rows differ. Tables are
found by their names, so that one may move to another schema; ``--renamed old=new`` names columns or tables that have
another name in the new database. The exit status is 0 when nothing but the schema and the renamed names differs.
"""

import argparse
import sys
from pathlib import Path

import duckdb


def tables(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, tuple[str, list[str]]]:
    """Schema and columns by the name of the table."""
    found: dict[str, tuple[str, list[str]]] = {}
    for schema, table, column in connection.execute(
        "select schema_name, table_name, column_name from duckdb_columns() where database_name = ? and not internal "
        "order by table_name, column_index",
        [database],
    ).fetchall():
        found.setdefault(table, (schema, []))[1].append(column)
    return found


def compare(old: Path, new: Path, renamed: dict[str, str]) -> list[str]:
    """One sentence per difference."""
    connection = duckdb.connect()
    for name, path in (("old", old), ("new", new)):
        connection.execute(f"attach '{str(path).replace(chr(39), chr(39) * 2)}' as {name} (read_only)")
    before, after = tables(connection, "old"), tables(connection, "new")
    differences = []
    same = set()
    for table, (schema, columns) in before.items():
        name = renamed.get(table, table)
        if name not in after:
            differences.append(f"{schema}.{table} is gone.")
            continue
        same.add(name)
        new_schema, new_columns = after[name]
        pairs = [(column, renamed.get(column, column)) for column in columns]
        kept = [(one, other) for one, other in pairs if other in new_columns]
        gone = [one for one, other in pairs if other not in new_columns]
        added = [column for column in new_columns if column not in {other for _, other in kept}]
        if gone or added:
            differences.append(
                f"{new_schema}.{name}: columns gone: {', '.join(gone) or 'none'}; new: {', '.join(added) or 'none'}."
            )
        left = f"select {', '.join(f'{chr(34)}{one}{chr(34)}' for one, _ in kept)} from old.{schema}.{table}"
        right = f"select {', '.join(f'{chr(34)}{other}{chr(34)}' for _, other in kept)} from new.{new_schema}.{name}"
        counts = [
            connection.execute(f"select count(*) from ({one} except all {other})").fetchone()
            for one, other in ((left, right), (right, left))
        ]
        n_old, n_new = (count[0] if count else 0 for count in counts)
        if n_old or n_new:
            differences.append(f"{new_schema}.{name}: {n_old} rows of the old and {n_new} of the new have no equal.")
    differences += [f"{after[table][0]}.{table} is new." for table in after if table not in same]
    return differences


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare two published databases table by table.")
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--renamed", action="append", default=[], metavar="OLD=NEW")
    arguments = parser.parse_args()
    found = compare(arguments.old, arguments.new, dict(pair.split("=", 1) for pair in arguments.renamed))
    print("\n".join(found) or "No difference.")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
