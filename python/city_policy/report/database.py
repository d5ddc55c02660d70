"""Reading a built or published database for the report."""

import math
from pathlib import Path
from typing import Any

import duckdb

from city_policy.errors import InputError

# One row by column names. The database alone knows the types of its columns, as in DuckDB's own `fetchall`.
Row = dict[str, Any]


class Database:
    """A DuckDB file of a build, opened read-only; a context manager."""

    def __init__(self, path: Path) -> None:
        """Open ``path``. Raises InputError when it is absent, no DuckDB file, or held open for writing."""
        if not path.is_file():
            raise InputError(f"{path} does not exist; run `make build` first, or name another file with --database.")
        try:
            self._connection = duckdb.connect(str(path), read_only=True)
        except duckdb.Error as error:
            raise InputError(f"{path} cannot be read as a DuckDB database ({str(error).splitlines()[0]}).") from error
        self.path = path
        self._tables = {
            f"{schema}.{table}"
            for schema, table in self._connection.execute(
                "select table_schema, table_name from information_schema.tables"
            ).fetchall()
        }

    def __enter__(self) -> "Database":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def has(self, table: str) -> bool:
        """Whether ``schema.table`` exists."""
        return table in self._tables

    def rows(self, table: str, order: str, where: str = "true") -> list[Row]:
        """The rows of ``schema.table`` in the order given, NaN as None; no rows when there is no such table.

        Raises InputError when the table lacks a column that is named, as in a file of another version.
        """
        if not self.has(table):
            return []
        try:
            result = self._connection.execute(f"select * from {table} where {where} order by {order}")
        except duckdb.BinderException as error:
            raise InputError(
                f"{self.path}: {table} is not as this version makes it ({str(error).splitlines()[0]}); build again."
            ) from error
        names = [column[0] for column in result.description]
        return [
            {
                name: None if isinstance(value, float) and math.isnan(value) else value
                for name, value in zip(names, row, strict=True)
            }
            for row in result.fetchall()
        ]
