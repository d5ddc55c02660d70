"""What a publication says about its study: tables, columns, and the names of policies, variables, samples and so on.

Nothing here needs Superset: ``query`` runs one SQL statement on the publication and returns its rows.
"""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]
LANGUAGES = ("en", "zh")
# The beginning of marts.dim_study.data_source of the demo yearbook.
SIMULATED = "simulated"
# A longer name of a series does not fit beside a chart, and its key says the same in short.
LONGEST_SERIES = 32
Query = Callable[[str], Sequence[Sequence[Any]]]
# Kind of names -> key -> name by language.
Names = dict[str, dict[str, dict[str, str]]]


@dataclass(frozen=True)
class Specification:
    """A regression of the publication and the policy whose effect it estimates."""

    spec_id: str
    policy: str


@dataclass(frozen=True)
class Publication:
    """What the dashboards take from a publication.

    ``tables``: those that exist, as ``schema.table``. ``variables``: columns of the study's panel that the table of
    city-years shows. ``names``: kind -> key -> language -> name.
    """

    tables: frozenset[str]
    outcome: str
    variables: tuple[str, ...]
    dimensions: tuple[tuple[str, str], ...]
    event_studies: tuple[Specification, ...]
    names: Names


def read_publication(query: Query) -> Publication:
    """Read a publication; ``LookupError`` says which table is missing, or that the study has no outcome."""
    columns: dict[str, set[str]] = {}
    for schema, table, column in query("select table_schema, table_name, column_name from information_schema.columns"):
        columns.setdefault(f"{schema}.{table}", set()).add(column)
    for needed in ("marts.dim_study", "marts.fct_study_panel", "results.summary_statistics", "results.event_study"):
        if needed not in columns:
            raise LookupError(f"the publication has no table {needed}; run `make build`")
    panel = columns["marts.fct_study_panel"]
    roles = [
        (str(column), str(role))
        for column, role in query("select column_name, role from results.summary_statistics order by variable")
        if column in panel
    ]
    estimated = {str(outcome) for (outcome,) in query("select distinct outcome from results.baseline_effects")}
    outcomes = [column for column, role in roles if role == "outcome"]
    outcomes.sort(key=lambda column: column not in estimated)
    if not outcomes:
        raise LookupError("no outcome of the study is a column of marts.fct_study_panel; run `make build`")
    dimensions = [
        (str(dimension), f"{outcomes[0]}_{dimension}")
        for (dimension,) in query(
            "select dimension from marts.dim_indicator where dimension is not null group by dimension "
            "order by min(position)"
        )
    ]
    return Publication(
        tables=frozenset(columns),
        outcome=outcomes[0],
        variables=tuple(column for column, role in roles if role in ("control", "mediator")),
        dimensions=tuple((dimension, column) for dimension, column in dimensions if column in panel),
        event_studies=tuple(
            Specification(str(spec_id), str(policy))
            for spec_id, policy in query(
                "select distinct spec_id, treatment from results.event_study where vcov = 'CRV1' order by spec_id"
            )
        ),
        names=_names(query, frozenset(columns)),
    )


def _names(query: Query, tables: frozenset[str]) -> Names:
    """Names in both languages; where the publication has one in one language only, it serves for both."""
    names: Names = {}

    def add(kind: str, key: Any, chinese: Any, english: Any) -> None:
        zh, en = str(chinese or ""), str(english or "")
        if zh or en:
            names.setdefault(kind, {})[str(key)] = {"zh": zh or en, "en": en or zh}

    for row in _rows_of_file(PROJECT / "seeds" / "mapping" / "general_labels.csv"):
        add(row["kind"], row["key"], row["label_zh"], row["label_en"])
    # What is read here is as the tables have it; the last of two names wins.
    statements = {
        "policy": ("marts.dim_policy", "policy_id, name_zh, name_en"),
        "variable": ("results.summary_statistics", "column_name, name_zh, name_en"),
        "series": ("marts.dim_series", "series, name_zh, name_en"),
        "dimension": ("marts.dim_indicator", "dimension, dimension_zh, replace(dimension, '_', ' ')"),
        # The next are in the DuckDB file only; PostgreSQL has the published schemas.
        "sample": ("staging.stg_samples", "sample, name_zh, name_en"),
        "panel": ("seeds.labels", "key, label_zh, label_en"),
    }
    where = {"panel": " where kind = 'panel'", "dimension": " where dimension is not null"}
    for kind, (table, selected) in statements.items():
        if table in tables:
            for key, chinese, english in query(f"select {selected} from {table}{where.get(kind, '')}"):
                is_long = kind == "series" and len(english or "") > LONGEST_SERIES
                add(kind, key, chinese, key.replace("_", " ") if is_long else english)
    if {"seeds.labels", "results.baseline_effects"} <= tables:
        # A specification of each policy has a regression per policy, named after both.
        for key, chinese, english in query(
            "select distinct spec_id, label_zh, label_en from results.baseline_effects inner join seeds.labels on "
            "kind = 'specification' and (key = split_part(spec_id, '__', 1) or concat(key, '_', treatment) = spec_id) "
            "order by spec_id"
        ):
            add("specification", key, chinese, english)
    if "staging.stg_policies" in tables:
        for key, chinese, english in query("select policy_id, short_zh, short_en from staging.stg_policies"):
            add("policy", key, chinese, english)
    return names


def _rows_of_file(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))
