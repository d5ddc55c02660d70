"""What the published columns are called in Chinese and English, as Stata shows it."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from city_policy.publish.dictionary import Column, Table

LANGUAGES = ("en", "zh")
COLUMN_LABELS = Path(__file__).with_name("column_labels.csv")
TABLE_LABELS = Path(__file__).with_name("table_labels.csv")
# Stata's limit for the labels of variables and data sets, in characters.
LONGEST_LABEL = 80
SIMULATED = "simulated"
NOTICE = {
    "en": "The numbers come from the simulated demo yearbook; they are no evidence about China.",
    "zh": "数据来自模拟的示例年鉴，不构成关于中国的任何证据。",
}


@dataclass(frozen=True)
class Study:
    """What ``marts.dim_study`` says of a build; blank where it does not say it."""

    study_id: str = ""
    title_zh: str = ""
    title_en: str = ""
    citation: str = ""
    data_source: str = ""

    @property
    def is_simulated(self) -> bool:
        """Whether the numbers come from the demo yearbook."""
        return SIMULATED in self.data_source


def rows_of(connection: duckdb.DuckDBPyConnection, table: str, order: str = "all") -> list[dict[str, Any]]:
    """The rows of ``schema.table`` by column name; none when there is no such table."""
    schema, name = table.split(".")
    found = connection.execute(
        "select count(*) from duckdb_tables() where database_name = current_database() and schema_name = ? "
        "and table_name = ?",
        [schema, name],
    ).fetchall()
    if not found[0][0]:
        return []
    result = connection.execute(f"select * from {table} order by {order}")
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def read_study(connection: duckdb.DuckDBPyConnection) -> Study:
    """The study of a build."""
    for row in rows_of(connection, "marts.dim_study"):
        return Study(**{name: str(row.get(name) or "") for name in Study.__dataclass_fields__})
    return Study()


def _rows_of_file(path: Path) -> list[dict[str, Any]]:
    with open(path, encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


class Labels:
    """Labels of tables and columns: a column of the study is called as the study calls it, any other as
    ``column_labels.csv`` does, in English else by its description.

    Attributes: ``study``; ``policies``: the columns that say whether a policy is on.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.study = read_study(connection)
        self.policies = {str(row["policy_id"]) for row in rows_of(connection, "staging.stg_policies")}
        self._general = {row["column"]: row for row in _rows_of_file(COLUMN_LABELS)}
        self._chinese = dict(self._chinese_names(connection))
        results = [row for row in rows_of(connection, "seeds.general_labels") if row["kind"] == "result"]
        self._tables = {row["table"]: row for row in _rows_of_file(TABLE_LABELS)}
        self._tables |= {str(row["key"]): row for row in results}

    @staticmethod
    def _chinese_names(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, str]]:
        """Column of the study's panel and its Chinese name, for all that have one."""
        for row in rows_of(connection, "staging.stg_indicators", "position"):
            for index in rows_of(connection, "intermediate.int_settings", "setting"):
                if index["setting"] == "index_name" and row["dimension_zh"]:
                    yield f"{index['value']}_{row['dimension']}", f"指数维度：{row['dimension_zh']}"
        for row in rows_of(connection, "staging.stg_samples", "position"):
            if row["name_zh"]:
                yield str(row["sample"]), f"样本：{row['name_zh']}"
        for row in rows_of(connection, "staging.stg_variables", "position"):
            if row["name_zh"]:
                yield str(row["column_name"]), str(row["name_zh"])
        for row in rows_of(connection, "staging.stg_policies", "position"):
            if row["name_zh"]:
                yield str(row["policy_id"]), f"{row['name_zh']}（0/1）"
                yield f"{row['policy_id']}_first_year", f"首个处理年份：{row['name_zh']}"

    def column(self, table: Table, column: Column, language: str) -> str:
        """The label of a column, not longer than Stata allows."""
        general = self._general.get(column.name, {})
        english = column.description
        if len(english) > LONGEST_LABEL and general.get("label_en"):
            english = general["label_en"]
        if language == "en":
            return shortened(english or column.name)
        # Only the panel has columns of the study; elsewhere a name such as `sample` means itself.
        own = self._chinese.get(column.name) if table.schema == "marts" else None
        return shortened(own or general.get("label_zh") or english or column.name)

    def table(self, table: Table, language: str) -> str:
        """The label of a table, not longer than Stata allows."""
        return shortened(self._tables.get(table.name, {}).get(f"label_{language}") or table.name)


def shortened(words: str) -> str:
    """Words in one line of at most ``LONGEST_LABEL`` characters, cut between words where they are longer."""
    words = " ".join(words.split())
    if len(words) <= LONGEST_LABEL:
        return words
    start = words[: LONGEST_LABEL - 1]
    return f"{(start.rpartition(' ')[0] or start).rstrip(',;:.')}…"
