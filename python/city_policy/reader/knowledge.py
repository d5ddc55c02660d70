"""What the mapping and geography seeds know: titles, headers, units and names."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

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
    default_scope: str
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


class Place(NamedTuple):
    """What a name or code stands for in a data year.

    ``kind``: city (a prefecture-level unit), dissolved (a former one whose values are left out), county (a
    county-level city), province, nation, total, or ambiguous (several units could be meant).
    ``adcode`` is the unit of cities.csv, or the province or nation, and empty for other kinds; ``part_adcode``
    is the code of the named unit itself, which is another one where the unit was merged or divided later.
    """

    kind: str
    adcode: str
    part_adcode: str


class PlaceRow(NamedTuple):
    """A place and the data years for which a name or code stands for it."""

    place: Place
    valid_from: int
    valid_to: int


class OfficialName(NamedTuple):
    """An official name of a prefecture-level unit, or of a county-level city, which has no ``adcode`` here.

    ``part_adcode`` is the code of a unit that was merged into that of ``adcode``, and empty for others.
    """

    name: str
    adcode: str
    part_adcode: str
    valid_from: int
    valid_to: int


@dataclass(frozen=True)
class Knowledge:
    """The seeds, indexed for the reader. Years are data years; open ends are 0 and 9999.

    ``names`` and ``codes`` hold, per name or code, the places in the order in which they are tried;
    ``unit_names`` are the names of units in any year, without the damaged ones.
    """

    used_titles: frozenset[str]
    unused_titles: frozenset[str]
    headers: dict[str, tuple[HeaderRow, ...]]
    labels: frozenset[str]
    units: frozenset[str]
    conversions: frozenset[tuple[str, str]]
    canonical_units: dict[str, str]
    additive_series: frozenset[str]
    indicator_names: dict[str, str]
    names: dict[str, tuple[PlaceRow, ...]]
    codes: dict[str, tuple[PlaceRow, ...]]
    counties: dict[str, tuple[tuple[int, int], ...]]
    official_names: tuple[OfficialName, ...]
    unit_names: frozenset[str]
    confusions: frozenset[tuple[str, str]]

    def is_known_title(self, title: str) -> bool:
        """Whether table_titles.csv lists the title."""
        return title in self.used_titles or title in self.unused_titles

    def header(self, header: str, title: str, data_year: int) -> HeaderRow | None:
        """The row of headers.csv that holds for a header of a table in a data year; the row that is made most closely
        for the table goes first."""
        rows = [row for row in self.headers.get(header, ()) if row.valid_from <= data_year <= row.valid_to]
        best = max(rows, key=lambda row: row.fit(title), default=None)
        return best if best and best.fit(title) >= 0 else None

    def place(self, name: str, data_year: int) -> Place | None:
        """What a squeezed printed name stands for in a data year; None for a name that no seed knows.

        The names of prefecture-level units go first, then the rows of city_names.csv, then the county-level
        cities, whose 市 may be missing. The model cln_places follows the same order.
        """
        found = _valid(self.names.get(name, ()), data_year)
        if found is not None and found.kind != "ambiguous":
            return found
        # The yearbook prints cities: 玉溪 is the county-level city as long as the prefecture around it is none.
        years = (*self.counties.get(name, ()), *self.counties.get(name + "市", ()))
        if any(first <= data_year <= last for first, last in years):
            return Place("county", "", "")
        return found

    def supplementary_place(self, text: str, data_year: int) -> Place | None:
        """What a name or code of a supplementary file stands for in a year; None if nothing is known."""
        if text in ("全国", "100000"):
            return Place("nation", "100000", "100000")
        found = _valid(self.names.get(text, ()), data_year) or self.place(text, data_year)
        return found or _valid(self.codes.get(text, ()), data_year)

    def kinds(self, data_year: int) -> "Kinds":
        """What kind of place every printed name stands for in a data year, '' for an unknown name."""
        return self._kinds.setdefault(data_year, Kinds(self, data_year))

    @cached_property
    def _kinds(self) -> dict[int, "Kinds"]:
        """The kinds that were asked for: names repeat from table to table."""
        return {}

    def knows_name(self, name: str, data_year: int) -> bool:
        """Whether a printed name stands for one known unit, province or total in a data year."""
        place = self.place(name, data_year)
        return place is not None and place.kind != "ambiguous"

    def parts_named(self, name: str) -> frozenset[str] | None:
        """The codes of all units and provinces that a name may stand for in any year; None for a name that no
        seed knows. A county-level city has no code here."""
        rows = self.names.get(name, ())
        if any(row.place.kind == "ambiguous" for row in rows):
            rows = tuple(row for other, others in self.names.items() if other.startswith(name) for row in others)
        if not rows and name not in self.unit_names:
            return None
        return frozenset(row.place.part_adcode for row in rows)

    @cached_property
    def row_names(self) -> frozenset[str]:
        """The names that make a row one of values wherever they stand in the column of names."""
        return frozenset(
            name for name, rows in self.names.items() if any(row.place.kind != "ambiguous" for row in rows)
        ) | frozenset(form for name in self.counties for form in (name, name.removesuffix("市")) if len(form) > 1)

    @cached_property
    def city_names(self) -> frozenset[str]:
        """The names that stand for a prefecture-level unit in some year."""
        return frozenset(name for name, rows in self.names.items() if any(row.place.kind == "city" for row in rows))


class Kinds(dict[str, str]):
    """The kind of place of every name in one data year, looked up when it is first asked for."""

    def __init__(self, knowledge: Knowledge, data_year: int):
        super().__init__()
        self.knowledge = knowledge
        self.data_year = data_year

    def __missing__(self, name: str) -> str:
        place = self.knowledge.place(name, self.data_year)
        kind = self[name] = place.kind if place else ""
        return kind


def _valid(rows: Iterable[PlaceRow], data_year: int) -> Place | None:
    """The first place whose row holds for the data year."""
    return next((row.place for row in rows if row.valid_from <= data_year <= row.valid_to), None)


_kind_of_status = {"current": "city", "added": "city", "left_out": "dissolved", "ambiguous": "ambiguous"}
_kind_of_alias = {"province_row": "province", "total_row": "total"}


def _prefecture_rows(row: dict[str, str]) -> PlaceRow:
    """A row of prefecture_names.csv."""
    kind = _kind_of_status[row["status"]]
    adcode = row["adcode"] if kind == "city" else ""
    # The code of a unit may change without the unit: 铜仁地区 is 520600 like 铜仁市. A merged unit keeps its own.
    part = row["adcode"] if row["status"] == "current" else row["code"]
    return PlaceRow(Place(kind, adcode, part), _year(row["valid_from"], 0), _year(row["valid_to"], 9999))


def load_knowledge(mapping_dir: Path, geography_dir: Path) -> Knowledge:
    """Reads the seeds of the two folders; raises InputError for a missing file or column."""
    titles = read_seed(mapping_dir / "table_titles.csv", ("table_title", "used"))
    headers = _header_rows(mapping_dir)
    units = read_seed(mapping_dir / "units.csv", ("unit", "canonical_unit", "factor"))
    series = read_seed(mapping_dir / "series.csv", ("series", "name_zh", "canonical_unit", "additive"))
    cities = read_seed(geography_dir / "cities.csv", ("adcode",))
    prefectures = read_seed(
        geography_dir / "prefecture_names.csv",
        ("name", "form", "adcode", "code", "status", "valid_from", "valid_to"),
    )
    aliases = read_seed(
        geography_dir / "city_names.csv", ("city_raw", "adcode", "part_adcode", "kind", "valid_from", "valid_to")
    )
    county_rows = read_seed(geography_dir / "county_level_cities.csv", ("name_zh", "valid_from", "valid_to"))
    counties: dict[str, list[tuple[int, int]]] = {}
    for row in county_rows:
        counties.setdefault(row["name_zh"], []).append((_year(row["valid_from"], 0), _year(row["valid_to"], 9999)))
    names, codes = _places(prefectures, cities, aliases)
    official = official_names(prefectures, county_rows)
    return Knowledge(
        used_titles=frozenset(row["table_title"] for row in titles if row["used"].lower() == "true"),
        unused_titles=frozenset(row["table_title"] for row in titles if row["used"].lower() != "true"),
        headers={header: tuple(rows) for header, rows in headers.items()},
        labels=frozenset(label for header in headers for label in header.split("|")),
        units=frozenset(row["unit"] for row in units),
        conversions=frozenset((row["unit"], row["canonical_unit"]) for row in units),
        canonical_units={row["series"]: row["canonical_unit"] for row in series},
        additive_series=frozenset(row["series"] for row in series if row["additive"].lower() == "true"),
        indicator_names={row["name_zh"]: row["series"] for row in series},
        names={name: tuple(rows) for name, rows in names.items()},
        codes={code: tuple(rows) for code, rows in codes.items()},
        counties={name: tuple(years) for name, years in counties.items()},
        official_names=official,
        unit_names=frozenset(row["name"] for row in prefectures) | frozenset(counties),
        confusions=confusions(aliases, official),
    )


def _header_rows(mapping_dir: Path) -> dict[str, list[HeaderRow]]:
    """The rows of headers.csv by header."""
    headers: dict[str, list[HeaderRow]] = {}
    for row in read_seed(
        mapping_dir / "headers.csv",
        ("header", "table_title", "series", "default_unit", "default_scope", "valid_from", "valid_to"),
    ):
        headers.setdefault(row["header"], []).append(
            HeaderRow(
                row["table_title"],
                row["series"],
                row["default_unit"],
                row["default_scope"],
                _year(row["valid_from"], 0),
                _year(row["valid_to"], 9999),
            )
        )
    return headers


def _places(
    prefectures: list[dict[str, str]], cities: list[dict[str, str]], aliases: list[dict[str, str]]
) -> tuple[dict[str, list[PlaceRow]], dict[str, list[PlaceRow]]]:
    """What names and what codes stand for, the rows that go first in front."""
    names: dict[str, list[PlaceRow]] = {}
    codes: dict[str, list[PlaceRow]] = {}
    for row in sorted(prefectures, key=lambda row: row["form"] == "former"):
        found = _prefecture_rows(row)
        names.setdefault(row["name"], []).append(found)
        if row["form"] in ("official", "former"):
            codes.setdefault(row["code"], []).append(found)
    # A code of today is never the code of another unit, so it holds for all years.
    for row in cities:
        codes.setdefault(row["adcode"], []).append(PlaceRow(Place("city", row["adcode"], row["adcode"]), 0, 9999))
    for row in sorted(aliases, key=lambda row: row["kind"] == "total_row"):
        kind = _kind_of_alias.get(row["kind"], "city")
        place = Place(kind, row["adcode"], row["part_adcode"] or row["adcode"])
        names.setdefault(squeeze(row["city_raw"]), []).append(
            PlaceRow(place, _year(row["valid_from"], 0), _year(row["valid_to"], 9999))
        )
        if kind == "province":
            codes.setdefault(row["adcode"], []).append(PlaceRow(place, 0, 9999))
    return names, codes


def official_names(prefectures: list[dict[str, str]], counties: list[dict[str, str]]) -> tuple[OfficialName, ...]:
    """The official names in rows of prefecture_names.csv, whose values are used, and of county_level_cities.csv."""
    named = [
        (row["name"], row["adcode"], row["code"] if row["status"] == "added" else "", row)
        for row in prefectures
        if row["form"] == "official" and row["status"] in ("current", "added")
    ]
    named += [(row["name_zh"], "", "", row) for row in counties]
    return tuple(
        OfficialName(name, adcode, code, _year(row["valid_from"], 0), _year(row["valid_to"], 9999))
        for name, adcode, code, row in named
    )


def confusions(aliases: list[dict[str, str]], official: tuple[OfficialName, ...]) -> frozenset[tuple[str, str]]:
    """The pairs (printed, meant) of characters that character recognition confused in city_names.csv."""
    of_adcode: dict[str, list[str]] = {}
    for known in official:
        of_adcode.setdefault(known.adcode, []).append(known.name)
    pairs = set()
    for row in aliases:
        printed = squeeze(row["city_raw"])
        for name in of_adcode.get(row["adcode"], ()) if row["kind"] == "ocr_variant" else ():
            different = [(a, b) for a, b in zip(printed, name, strict=False) if a != b]
            if len(printed) == len(name) and len(different) == 1:
                pairs.add(different[0])
    return frozenset(pairs)
