"""The data dictionary: what the published tables and columns are, from the comments that the database carries."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb

# The public layers. The layers before them can be queried in the DuckDB file, which is published whole.
PUBLISHED_SCHEMAS = ("marts", "results", "replication", "quality")
# The table that every regression reads.
PANEL = ("marts", "fct_study_panel")

DICTIONARY_COLUMNS = (
    "schema",
    "table",
    "column",
    "position",
    "type",
    "is_key",
    "description",
    "table_description",
    "rows",
)


@dataclass(frozen=True)
class Column:
    """A column: its name, its DuckDB type and what it holds."""

    name: str
    type: str
    description: str


@dataclass(frozen=True)
class Table:
    """A published table. ``key``: the columns that tell its rows apart, empty when none are declared."""

    schema: str
    name: str
    description: str
    rows: int
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def file(self) -> str:
        """Its Parquet file, relative to the publication."""
        return f"{self.schema}/{self.name}.parquet"

    @property
    def stata_file(self) -> str | None:
        """Its Stata file, relative to the publication: the panel and the results have one."""
        has_one = self.schema == "results" or (self.schema, self.name) == PANEL
        return f"{self.schema}/{self.name}.dta" if has_one else None


def quoted(*names: str) -> str:
    """SQL identifier of dotted names, the same in DuckDB and PostgreSQL."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def read_tables(
    connection: duckdb.DuckDBPyConnection, keys: Mapping[tuple[str, str], Sequence[str]]
) -> tuple[Table, ...]:
    """Every table of the public schemas, ordered by schema and name; ``keys``: (schema, table) -> key columns."""
    columns: dict[tuple[str, str], list[Column]] = {}
    for schema, table, *column in connection.execute(
        "select schema_name, table_name, column_name, data_type, coalesce(comment, '') from duckdb_columns() "
        "where database_name = current_database() and list_contains(?, schema_name) order by table_oid, column_index",
        [list(PUBLISHED_SCHEMAS)],
    ).fetchall():
        columns.setdefault((schema, table), []).append(Column(*column))
    tables = connection.execute(
        "select schema_name, table_name, coalesce(comment, '') from duckdb_tables() "
        "where database_name = current_database() and list_contains(?, schema_name) order by 1, 2",
        [list(PUBLISHED_SCHEMAS)],
    ).fetchall()
    return tuple(
        Table(
            schema,
            name,
            description,
            connection.execute(f"select count(*) from {quoted(schema, name)}").fetchall()[0][0],
            tuple(keys.get((schema, name), ())),
            tuple(columns[schema, name]),
        )
        for schema, name, description in tables
    )


def write_dictionary(tables: Sequence[Table], folder: Path) -> None:
    """``data_dictionary.csv``, one row per column, and ``data_dictionary.json``, the same by table."""
    with open(folder / "data_dictionary.csv", "w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, DICTIONARY_COLUMNS, lineterminator="\n")
        writer.writeheader()
        for table in tables:
            for position, column in enumerate(table.columns, start=1):
                writer.writerow(
                    {
                        "schema": table.schema,
                        "table": table.name,
                        "column": column.name,
                        "position": position,
                        "type": column.type,
                        "is_key": str(column.name in table.key).lower(),
                        "description": column.description,
                        "table_description": table.description,
                        "rows": table.rows,
                    }
                )
    content = {"tables": [asdict(table) | {"file": table.file, "stata_file": table.stata_file} for table in tables]}
    (folder / "data_dictionary.json").write_text(
        json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )


def read_dictionary(folder: Path) -> tuple[Table, ...]:
    """The tables of a publication, from its ``data_dictionary.json``."""
    content = json.loads((folder / "data_dictionary.json").read_text(encoding="utf-8"))
    return tuple(
        Table(
            table["schema"],
            table["name"],
            table["description"],
            table["rows"],
            tuple(table["key"]),
            tuple(Column(**column) for column in table["columns"]),
        )
        for table in content["tables"]
    )
