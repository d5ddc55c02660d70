"""DuckDB expressions of a study: parsed, and checked against the columns that exist, before anything is built."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import duckdb
import pandas as pd

from city_policy.study.problems import nearest

# Texts and quoted names, which may hold any sign.
TEXTS = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
SETTING = re.compile(r"\{(\w+)\}")
# Their value depends on the order of rows or on the machine.
UNSTABLE_FUNCTIONS = frozenset(
    ("any_value", "arbitrary", "first", "last", "list", "array_agg", "string_agg", "group_concat", "mode", "error",
     "approx_quantile", "approx_count_distinct", "reservoir_quantile", "current_setting", "getvariable", "columns")
)  # fmt: skip
NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
           "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL")  # fmt: skip
KINDS = {"VARCHAR": "text", '"NULL"': "always missing", "BOOLEAN": "true or false"}
# What these give depends on the order of rows, so that they need one.
ORDERED_WINDOWS = frozenset(
    ("row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lag", "lead", "first_value",
     "last_value", "nth_value")
)  # fmt: skip


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
    def kind(self) -> str:
        """What its value is, in words."""
        return "a number" if self.type.startswith(NUMBERS) else KINDS.get(self.type, self.type.lower())

    @property
    def is_condition(self) -> bool:
        """Whether it is true or false."""
        return self.type in ("BOOLEAN", '"NULL"')


class Checker:
    """Checks expressions against columns. ``settings``: the values that ``{name}`` may stand for; ``frame``: the rows
    that hold some of the columns, on which expressions are tried.
    """

    def __init__(
        self, columns: Mapping[str, str], settings: Mapping[str, str], frame: pd.DataFrame | None = None
    ) -> None:
        self._connection = duckdb.connect(config={"threads": 1, "enable_external_access": False})
        functions = self._connection.execute(
            "select function_name, max(stability), bool_and(function_type = 'aggregate') from duckdb_functions() "
            "where function_type in ('scalar', 'aggregate', 'macro') group by 1"
        ).fetchall()
        self._stability = {str(name): stability for name, stability, _ in functions}
        self._aggregates = {str(name) for name, _, is_aggregate in functions if is_aggregate}
        self._settings = settings
        self._rows = frame
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
        held = {str(name) for name in (self._rows.columns if self._rows is not None else ())}
        defined = ", ".join(
            quoted(name) if name in held else f"null::{kind} as {quoted(name)}" for name, kind in self.columns.items()
        )
        if self._rows is not None:
            self._connection.register("given_rows", self._rows)
        source = "given_rows" if self._rows is not None else "(select 1) limit 0"
        self._connection.execute(f"create or replace temp table city_years as select {defined} from {source}")

    def check(self, text: str, is_tried: bool = True, is_count: bool = False) -> Expression:
        """The checked expression. ``is_tried``: whether a value that cannot be computed becomes missing in the build;
        ``is_count``: whether it is one value of all rows and not one of each.

        Raises ExpressionError with what was found, what is expected and what to do.
        """
        plain = self._plain(text)
        names, has_window = self._names(plain, is_count)
        try:
            described = self._connection.execute(f"describe select {plain} as value from city_years").fetchall()
        except duckdb.Error as error:
            raise ExpressionError(f"DuckDB refuses it ({_first_sentence(error)}); correct it") from error
        if not is_tried or has_window:
            try:
                self._connection.execute(f"select {plain} as value from city_years").fetchall()
            except duckdb.Error as error:
                raise ExpressionError(f"DuckDB cannot compute it ({_first_sentence(error)}); correct it") from error
        return Expression(names, str(described[0][1]))

    def words(self, text: str) -> set[str]:
        """The words of a text that may be names of columns, in lower case."""
        return set(re.findall(r"\w+", text.lower()))

    def _plain(self, text: str) -> str:
        """The text with every setting replaced by its number."""
        plain = SETTING.sub(self._value, text)
        if re.search(r"--|/\*|;|\n", TEXTS.sub("", plain)):
            raise ExpressionError("expected one DuckDB expression on one line, without comments and semicolons")
        return plain

    def _value(self, match: re.Match[str]) -> str:
        name = match[1]
        try:
            return repr(float(self._settings[name]))
        except KeyError:
            hint = nearest(name, self._settings)
            raise ExpressionError(f"the setting {{{name}}} is no key of study.csv{hint}; correct it") from None
        except ValueError:
            raise ExpressionError(f"the setting {{{name}}} is no number; name one that is") from None

    def _names(self, text: str, is_count: bool) -> tuple[frozenset[str], bool]:
        """The columns that a text names, and whether it looks through a window."""
        names: set[str] = set()
        has_window = False
        known = {name.lower() for name in self.columns}
        for part in _parts(self._parsed(text)):
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
            if kind == "WINDOW":
                has_window = True
                self._function(part)
                if part["function_name"] in ORDERED_WINDOWS and not (part["orders"] or part.get("arg_orders")):
                    raise ExpressionError(f"{part['function_name']} needs an order; write order by into its window")
            elif kind == "FUNCTION" and not part.get("is_operator"):
                self._function(part)
                if part["function_name"] in self._aggregates and not is_count:
                    raise ExpressionError(
                        f"{part['function_name']} adds up many rows; write over (partition by …) behind it"
                    )
        if has_window and " over" not in text.lower():
            # By this the models know a window, in which a value cannot be tried.
            raise ExpressionError("expected a blank before over; add it")
        return frozenset(names), has_window

    def _parsed(self, text: str) -> dict:
        """The tree of a text that is one expression and nothing beside it."""
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
            or any(node[clause] for clause in ("modifiers", "group_expressions", "having"))
        ):
            raise ExpressionError("expected one DuckDB expression and nothing beside it; correct it")
        expression: dict = node["select_list"][0]
        return expression

    def _function(self, part: Mapping) -> None:
        """Refuse a function that does not exist or whose value is not the same in every build."""
        function = str(part["function_name"]).lower()
        stability = self._stability.get(function, "" if function in ORDERED_WINDOWS else "unknown")
        if stability == "unknown":
            raise ExpressionError(
                f"{function} is no function of DuckDB{nearest(function, self._stability)}; correct the name"
            )
        if stability in ("VOLATILE", "CONSISTENT_WITHIN_QUERY") or function in UNSTABLE_FUNCTIONS:
            raise ExpressionError(f"{function} may give another value in another build; use a function that does not")


def _parts(node: object) -> Iterator[dict]:
    """Every object of the parsed expression."""
    if isinstance(node, dict):
        yield node
        for child in node.values():
            yield from _parts(child)
    elif isinstance(node, list):
        for child in node:
            yield from _parts(child)


def quoted(name: str) -> str:
    """A name as SQL quotes it."""
    return '"' + name.replace('"', '""') + '"'


def _first_sentence(error: duckdb.Error) -> str:
    return _words(str(error).splitlines()[0].partition(": ")[2] or str(error))


def _words(text: str) -> str:
    return text.strip().rstrip(".!").splitlines()[0]
