"""Publishing for BI: a DuckDB file, Parquet with a data dictionary, and optionally PostgreSQL.

Readers always find a whole publication: everything is written aside and then swapped in one step.
"""

from city_policy.publish.dictionary import PUBLISHED_SCHEMAS, Column, Table, read_tables
from city_policy.publish.files import identity, publish_files, version_in_use
from city_policy.publish.postgresql import publish_postgresql

__all__ = [
    "PUBLISHED_SCHEMAS",
    "Column",
    "Table",
    "identity",
    "publish_files",
    "publish_postgresql",
    "read_tables",
    "version_in_use",
]
