"""Which city a code or name of a study means."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from city_policy.reader.knowledge import Knowledge, Place, load_knowledge, read_seed
from city_policy.reader.suggestions import suggested_place
from city_policy.reader.text import squeeze

CITY_COLUMNS = ("adcode", "name_zh", "name_en", "province_zh", "province_en", "is_prefecture_city_or_above")


class PlaceError(ValueError):
    """Why a text is no city: a clause that follows ``found …``."""


@dataclass(frozen=True)
class City:
    """A prefecture-level unit."""

    adcode: str
    name_zh: str
    province_zh: str
    is_prefecture_city_or_above: bool


class Places:
    """The cities and provinces of the geography, found by code, Chinese name by year, or English name."""

    def __init__(self, seeds: Path) -> None:
        self._knowledge: Knowledge = load_knowledge(seeds / "mapping", seeds / "geography")
        rows = read_seed(seeds / "geography" / "cities.csv", CITY_COLUMNS)
        self.cities = {
            row["adcode"]: City(
                row["adcode"], row["name_zh"], row["province_zh"], row["is_prefecture_city_or_above"] == "1"
            )
            for row in rows
        }
        self._english: dict[str, set[str]] = {}
        for row in rows:
            # Suzhou (Anhui) is found as Suzhou too, and is then one of two.
            for name in filter(None, {row["name_en"], row["name_en"].partition(" (")[0]}):
                self._english.setdefault(_plain(name), set()).add(row["adcode"])
        self._provinces: dict[str, str] = {}
        for row in rows:
            code, name = row["adcode"][:2] + "0000", row["province_zh"]
            short = re.sub("(壮族自治区|回族自治区|维吾尔自治区|自治区|省|市)$", "", name)
            for known in (code, name, short, _plain(row["province_en"])):
                self._provinces[known] = name
        self._municipalities = {city.name_zh for city in self.cities.values() if city.name_zh == city.province_zh}

    def city(self, text: str, year: int) -> City:
        """The city that a code or name stands for in a year.

        Raises PlaceError for an unknown or ambiguous name, and for a county, province or total.
        """
        name = squeeze(text)
        name = re.sub(r"^(\d{6})\.0$|^(\d{4})$", lambda m: m[1] or f"{m[2]}00", name)
        place = self._knowledge.supplementary_place(name, year) or self._of_another_year(name)
        if place is None and text.isascii() and (codes := self._english.get(_plain(text))):
            if len(codes) > 1:
                names = ", ".join(f"{self.cities[code].name_zh} {code}" for code in sorted(codes))
                raise PlaceError(f"which may be {names}; give the six-digit code of the one that is meant")
            return self.cities[next(iter(codes))]
        if place is not None and place.kind == "city" and place.adcode in self.cities:
            return self.cities[place.adcode]
        if place is None:
            hint = self._suggestion(name, year)
            raise PlaceError(f"which is no city that the geography knows{hint}; give its six-digit code or correct it")
        if place.kind == "ambiguous":
            raise PlaceError("which may be several cities; give the six-digit code of the one that is meant")
        kinds = {
            "county": "a county-level unit",
            "dissolved": "a unit that was dissolved",
            "province": "a province",
            "nation": "the nation",
            "total": "a total",
        }
        raise PlaceError(
            f"which is {kinds.get(place.kind, place.kind)} and no city; leave the row out or name the city"
        )

    def printed_city(self, text: str, year: int) -> City:
        """As :meth:`city`, of what a yearbook prints; raises PlaceError for a prefecture that is no city as well."""
        city = self.city(text, year)
        if not city.is_prefecture_city_or_above:
            raise PlaceError("which is no prefecture-level city, so the yearbook does not print it; delete the row")
        return city

    def province(self, text: str) -> str | None:
        """The Chinese name of the province that a code or name stands for; None for a city, municipalities included."""
        name = self._provinces.get(squeeze(text)) or self._provinces.get(_plain(text))
        return None if name is None or name in self._municipalities else name

    def cities_of(self, province: str) -> Sequence[City]:
        """The prefecture-level cities of a province, by code."""
        return [
            city
            for _, city in sorted(self.cities.items())
            if city.province_zh == province and city.is_prefecture_city_or_above
        ]

    def _of_another_year(self, name: str) -> Place | None:
        """The one city that bears a name or code in some year: panels often have the names of today in all years."""
        rows = [*self._knowledge.names.get(name, ()), *self._knowledge.codes.get(name, ())]
        places = {row.place.adcode: row.place for row in rows if row.place.kind == "city"}
        return next(iter(places.values())) if len(places) == 1 else None

    def _suggestion(self, name: str, year: int) -> str:
        found = suggested_place(name, year, self._knowledge)
        return f" (did you mean {found.name}?)" if found else ""


def _plain(text: str) -> str:
    """An English name without case, blanks and ``City``."""
    return re.sub(r"[^a-z]", "", re.sub(r"\b(city|shi|prefecture|province)\b", "", text.lower()))
