"""DuckDB expressions of a study: parsed, and checked against the columns that exist, before anything is built."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import duckdb

from city_policy.study.problems import nearest

SETTING = re.compile(r"\{(\w+)\}")
# Their value depends on the order of rows or on the machine.
UNSTABLE_FUNCTIONS = frozenset(
    ("any_value", "arbitrary", "first", "last", "list", "array_agg", "string_agg", "group_concat", "mode", "error",
     "approx_quantile", "approx_count_distinct", "reservoir_quantile", "current_setting", "getvariable", "columns")
)  # fmt: skip
NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
           "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL")  # fmt: skip


class ExpressionError(ValueError):
    """What is wrong with an expression: a clause that follows ``found …``."""


@dataclass(frozen=True)
class Expression:
    """A checked expression: the columns that it names, in lower case, and the DuckDB type of its value."""

    names: frozenset[str]
    type: str

    @property
    def is_number(self) -> bool:
        """Whether its value can be a column of a regression."""
        return self.type.startswith(NUMBERS) or self.type == "BOOLEAN"

    @property
    def is_condition(self) -> bool:
        """Whether it is true or false."""
        return self.type in ("BOOLEAN", '"NULL"')


class Checker:
    """Checks expressions against columns. ``settings``: the values that ``{name}`` may stand for."""

    def __init__(self, columns: Mapping[str, str], settings: Mapping[str, str]) -> None:
        self._connection = duckdb.connect(config={"threads": 1})
        self._stability = dict(
            self._connection.execute(
                "select function_name, max(stability) from duckdb_functions() "
                "where function_type in ('scalar', 'aggregate', 'macro') group by 1"
            ).fetchall()
        )
        self._settings = settings
        self.columns: dict[str, str] = {}
        self.add(columns)

    def __enter__(self) -> "Checker":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def add(self, columns: Mapping[str, str]) -> None:
        """Let expressions name these columns too; one of the same name is replaced."""
        added = {name.lower() for name in columns}
        self.columns = {name: kind for name, kind in self.columns.items() if name.lower() not in added} | dict(columns)
        defined = ", ".join(f"{_quoted(name)} {kind}" for name, kind in self.columns.items())
        self._connection.execute(f"create or replace temp table city_years ({defined})")

    def check(self, text: str) -> Expression:
        """The checked expression. Raises ExpressionError with what was found, what is expected and what to do."""
        plain = SETTING.sub(self._value, text)
        if re.search(r"--|/\*|;|\n", re.sub(r"'(?:[^']|'')*'", "''", plain)):
            raise ExpressionError("expected one DuckDB expression on one line, without comments and semicolons")
        names = self._names(plain)
        try:
            described = self._connection.execute(f"describe select {plain} as value from city_years").fetchall()
        except duckdb.Error as error:
            raise ExpressionError(f"DuckDB refuses it ({_first_sentence(error)}); correct it") from error
        return Expression(names, str(described[0][1]))

    def _value(self, match: re.Match[str]) -> str:
        name = match[1]
        try:
            return repr(float(self._settings[name]))
        except KeyError:
            hint = nearest(name, self._settings)
            raise ExpressionError(f"the setting {{{name}}} is no key of study.csv{hint}; correct it") from None
        except ValueError:
            raise ExpressionError(f"the setting {{{name}}} is no number; name one that is") from None

    def _names(self, text: str) -> frozenset[str]:
        """The columns that a text names."""
        row = self._connection.execute("select json_serialize_sql(?)", [f"select {text} from city_years"]).fetchone()
        parsed = json.loads(row[0]) if row else {"error": True, "error_message": "nothing"}
        if parsed["error"]:
            raise ExpressionError(f"expected one DuckDB expression ({_words(parsed['error_message'])}); correct it")
        node = parsed["statements"][0]["node"]
        if (
            len(parsed["statements"]) != 1
            or node.get("type") != "SELECT_NODE"
            or len(node["select_list"]) != 1
            or node["select_list"][0].get("alias")
            or node["where_clause"] is not None
            or node["from_table"].get("table_name") != "city_years"
            or node["modifiers"]
            or node["group_expressions"]
            or node["having"] is not None
        ):
            raise ExpressionError("expected one DuckDB expression and nothing beside it; correct it")
        names = set()
        known = {name.lower() for name in self.columns}
        for part in _parts(node["select_list"][0]):
            kind = part.get("class")
            if kind in ("SUBQUERY", "STAR", "PARAMETER", "POSITIONAL_REFERENCE", "LAMBDA"):
                raise ExpressionError("expected columns, numbers and functions, without queries, stars and parameters")
            if kind == "COLUMN_REF":
                name = ".".join(part["column_names"])
                if name.lower() not in known:
                    raise ExpressionError(
                        f"{name} is no column that it may name{nearest(name, self.columns)}; correct the name"
                    )
                names.add(name.lower())
            if kind == "FUNCTION" and not part.get("is_operator"):
                function = str(part["function_name"]).lower()
                stability = self._stability.get(function, "unknown")
                if stability == "unknown":
                    raise ExpressionError(
                        f"{function} is no function of DuckDB{nearest(function, self._stability)}; correct the name"
                    )
                if stability in ("VOLATILE", "CONSISTENT_WITHIN_QUERY") or function in UNSTABLE_FUNCTIONS:
                    raise ExpressionError(
                        f"the function {function} may give another value in another build; use one that does not"
                    )
        return frozenset(names)


def _parts(node: object) -> Iterator[dict]:
    """Every object of the parsed expression."""
    if isinstance(node, dict):
        yield node
        for child in node.values():
            yield from _parts(child)
    elif isinstance(node, list):
        for child in node:
            yield from _parts(child)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _first_sentence(error: duckdb.Error) -> str:
    return _words(str(error).splitlines()[0].partition(": ")[2] or str(error))


def _words(text: str) -> str:
    return text.strip().rstrip(".!").splitlines()[0]
