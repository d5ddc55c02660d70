"""What the mapping and geography seeds know: titles, headers, units and names."""

import csv
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from city_policy.errors import InputError
from city_policy.reader.text import squeeze


def read_seed(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """The rows of a seed file; raises InputError if the file or one of the columns is missing."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            rows = list(reader)
            found = reader.fieldnames or []
    except OSError as error:
        raise InputError(f"The seed {path} cannot be read ({error.strerror}); restore it.") from error
    missing = [column for column in columns if column not in found]
    if missing:
        raise InputError(
            f"The seed {path} lacks the column {missing[0]}; expected are the columns {', '.join(columns)}."
        )
    return [{column: row[column] or "" for column in columns} for row in rows]


_province_kind = re.compile("(?:壮族自治区|回族自治区|维吾尔自治区|自治区|省|市)$")


def _year(text: str, default: int) -> int:
    return int(text) if text else default


@dataclass(frozen=True)
class HeaderRow:
    """One row of headers.csv: what a header means, in which tables and in which data years.

    ``table_title`` is a title, a pattern with * for a part of one, or '' for every table.
    """

    table_title: str
    series: str
    default_unit: str
    valid_from: int
    valid_to: int

    def fit(self, title: str) -> int:
        """How closely the row is made for a table: more for its own title than for a pattern, more for a long pattern
        than for a short one, 0 for any table, -1 if the row is not for it."""
        if self.table_title == title:
            return 1000
        if not self.table_title:
            return 0
        return len(self.table_title) if "*" in self.table_title and fnmatchcase(title, self.table_title) else -1


@dataclass(frozen=True)
class Knowledge:
    """The seeds, indexed for the reader. Years are data years; open ends are 0 and 9999."""

    used_titles: frozenset[str]
    unused_titles: frozenset[str]
    headers: dict[str, tuple[HeaderRow, ...]]
    labels: frozenset[str]
    units: frozenset[str]
    conversions: frozenset[tuple[str, str]]
    canonical_units: dict[str, str]
    indicator_names: dict[str, str]
    names: dict[str, tuple[tuple[int, int], ...]]
    city_names: dict[str, str]
    places: frozenset[str]
    row_names: frozenset[str]

    def is_known_title(self, title: str) -> bool:
        """Whether table_titles.csv lists the title."""
        return title in self.used_titles or title in self.unused_titles

    def header(self, header: str, title: str, data_year: int) -> HeaderRow | None:
        """The row of headers.csv that holds for a header of a table in a data year; the row that is made most closely
        for the table goes first."""
        rows = [row for row in self.headers.get(header, ()) if row.valid_from <= data_year <= row.valid_to]
        best = max(rows, key=lambda row: row.fit(title), default=None)
        return best if best and best.fit(title) >= 0 else None

    def kind_of(self, name: str, data_year: int) -> str:
        """'city' for a prefecture-level unit of a data year, 'row' for a province or total, '' for an unknown name."""
        if not self.knows_name(name, data_year):
            return ""
        return "row" if name in self.row_names else "city"

    def knows_name(self, name: str, data_year: int) -> bool:
        """Whether a printed name stands for a known unit, province or total in a data year."""
        return any(first <= data_year <= last for first, last in self.names.get(name, ()))


def load_knowledge(mapping_dir: Path, geography_dir: Path) -> Knowledge:
    """Reads the seeds of the two folders; raises InputError for a missing file or column."""
    titles = read_seed(mapping_dir / "table_titles.csv", ("table_title", "used"))
    headers: dict[str, list[HeaderRow]] = {}
    for row in read_seed(
        mapping_dir / "headers.csv",
        ("header", "table_title", "series", "default_unit", "valid_from", "valid_to"),
    ):
        headers.setdefault(row["header"], []).append(
            HeaderRow(
                row["table_title"],
                row["series"],
                row["default_unit"],
                _year(row["valid_from"], 0),
                _year(row["valid_to"], 9999),
            )
        )
    units = read_seed(mapping_dir / "units.csv", ("unit", "canonical_unit", "factor"))
    indicators = read_seed(mapping_dir / "series.csv", ("series", "name_zh", "canonical_unit"))
    cities = read_seed(geography_dir / "cities.csv", ("adcode", "name_zh", "name_short", "province_zh"))
    names: dict[str, list[tuple[int, int]]] = {}
    provinces = {squeeze(_province_kind.sub("", row["province_zh"])): row["province_zh"] for row in cities}
    for row in cities:
        names[row["name_zh"]] = [(0, 9999)]
        # 吉林 and 海南 are short for a province as well as for a part of it: nobody can tell which is meant.
        if provinces.get(row["name_short"], row["name_zh"]) == row["name_zh"]:
            names[row["name_short"]] = [(0, 9999)]
    aliases = read_seed(geography_dir / "city_names.csv", ("city_raw", "adcode", "kind", "valid_from", "valid_to"))
    for row in aliases:
        names.setdefault(squeeze(row["city_raw"]), []).append(
            (_year(row["valid_from"], 0), _year(row["valid_to"], 9999))
        )
    return Knowledge(
        used_titles=frozenset(row["table_title"] for row in titles if row["used"].lower() == "true"),
        unused_titles=frozenset(row["table_title"] for row in titles if row["used"].lower() != "true"),
        headers={header: tuple(rows) for header, rows in headers.items()},
        labels=frozenset(label for header in headers for label in header.split("|")),
        units=frozenset(row["unit"] for row in units),
        conversions=frozenset((row["unit"], row["canonical_unit"]) for row in units),
        canonical_units={row["series"]: row["canonical_unit"] for row in indicators},
        indicator_names={row["name_zh"]: row["series"] for row in indicators},
        names={name: tuple(years) for name, years in names.items()},
        city_names={row["name_zh"]: row["adcode"] for row in cities},
        row_names=frozenset(
            squeeze(row["city_raw"]) for row in aliases if row["kind"] in ("province_row", "total_row")
        ),
        places=frozenset(
            {row["adcode"] for row in cities}
            | {row["adcode"][:2] + "0000" for row in cities}
            | {row["province_zh"] for row in cities}
            | {"100000", "全国"}
        ),
    )
