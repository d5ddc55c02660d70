"""One pass over a study folder: its rows, what they may name, and the mistakes that were found so far."""

import re
from collections.abc import Iterable
from functools import cache, cached_property
from pathlib import Path

import duckdb

from city_policy.seeds import read_seed
from city_policy.study.contract import study_files
from city_policy.study.expressions import Expression
from city_policy.study.panel import Panel
from city_policy.study.places import Places
from city_policy.study.problems import Problem
from city_policy.study.reading import Row, read_folder

IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,62}")
AN_IDENTIFIER = "a name of small letters, digits and underscores that begins with a letter"
SAMPLE_FULL = "sample_full"


class Checking:
    """What the checks of one folder share.

    A file that is missing or cannot be read as a whole is in ``unread``: what other files name may stand in it, so that
    a check that needs it is left out and its mistake is told once.
    """

    def __init__(self, folder: Path, project: Path) -> None:
        self.folder = folder
        self.seeds = project / "seeds"
        self.files = study_files(project)
        self.places = Places(self.seeds)
        self.panel: Panel | None = None
        self.rows, self.problems = read_folder(folder, self.files)
        self.unread = {problem.about for problem in self.problems if problem.about}
        self.keys = {row["key"]: row for row in read_seed(self.seeds / "mapping" / "study_keys.csv")}
        self.settings: dict[str, str] = {}
        # Column of fct_study_panel -> the expression that makes it, None where that is wrong.
        self.columns: dict[str, Expression | None] = {}

    def tell(self, file: str, row: Row | int, column: str, sentence: str) -> None:
        """Note a mistake. ``row``: 0 for the file as a whole."""
        number = row if isinstance(row, int) else row.number
        self.problems.append(Problem(f"{file}.csv", number, column, sentence))

    def reads(self, *files: str) -> bool:
        """Whether these files are as whole as their author meant them."""
        return self.unread.isdisjoint(files)

    @cached_property
    def policies(self) -> dict[str, Row]:
        """Policy -> its row, the first one where a policy is there twice."""
        return {row["policy_id"]: row for row in reversed(self.rows["policies"]) if row["policy_id"]}

    @cached_property
    def roles(self) -> dict[str, str]:
        """Column of a variable -> its role; a policy is always a treatment."""
        roles = {column_of(row): row["role"] for row in reversed(self.rows["variables"])}
        return roles | {name: "treatment" for name in roles if name in self.policies}

    @cached_property
    def measures(self) -> list[str]:
        """What an expression or indicator may name of a yearbook."""
        series = [row["series"] for row in read_seed(self.seeds / "mapping" / "series.csv")]
        chosen = [row["measure"] for row in read_seed(self.seeds / "mapping" / "measures.csv")]
        return [*dict.fromkeys([*chosen, *series, "real_gdp", "real_investment"])]

    @cached_property
    def dimension_columns(self) -> list[str]:
        """The columns of the dimensions of the index."""
        prefix = self.settings["index_name"]
        return [*dict.fromkeys(f"{prefix}_{row['dimension']}" for row in self.rows["indicators"] if row["dimension"])]


def column_of(row: Row) -> str:
    """The column of a row of variables.csv, in lower case."""
    return (row["column_name"] or row["variable"]).lower()


def found(text: str) -> str:
    """How a sentence begins: what stands in a cell."""
    return f"found '{text}'" if text else "found nothing"


def listing(names: Iterable[str], last: str = "or") -> str:
    """``a, b or c``."""
    *first, end = names
    return f"{', '.join(first)} {last} {end}" if first else end


def is_number(text: str, whole: bool = False) -> bool:
    """Whether a cell is a number; ``whole``: without a fraction."""
    pattern = r"[+-]?\d+" if whole else r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
    return bool(re.fullmatch(pattern, text, flags=re.ASCII))


@cache
def reserved_words() -> frozenset[str]:
    """The words that SQL keeps for itself."""
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select keyword_name from duckdb_keywords() where keyword_category in ('reserved', 'type_function')"
        ).fetchall()
    return frozenset(str(row[0]) for row in rows)
