"""The real frame of the simulation: cities, their geography, and who was treated when."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from city_policy.errors import InputError

# What a city of the frame must say about itself.
CITY_COLUMNS = (
    "adcode", "name_zh", "name_short", "province_zh", "region", "type",
    "is_prefecture_city_or_above", "is_provincial_capital", "polygon_area_km2",
)  # fmt: skip
PILOT_COLUMNS = ("policy_id", "list_id", "start_year", "adcode", "included")
# What the study's settings choose too: the classes that count as resource-based, and the list of 5G pilots.
RESOURCE_CLASSES = ("growing", "mature", "declining")
FIVE_G_LIST = "cmcc_cucc_2019_first40"


@dataclass(frozen=True)
class World:
    """Cities in yearbook order (the order of the administrative codes), one array element per city.

    ``first_treated``: policy → array of first treated years, 0 = never. ``dual`` is derived from bcs and iic.
    ``relief``: the proxy of terrain relief, 0 where there is none.
    ``is_central``, ``is_resource``: the groups of Table 10 that are lists (resource-based without regenerating).
    ``excluded``: True for the cities that the demo drops from the sample (a reconstruction, see the seed).
    """

    adcode: np.ndarray
    name: np.ndarray
    province: np.ndarray
    region: np.ndarray
    kind: np.ndarray
    is_capital: np.ndarray
    polygon_area: np.ndarray
    excluded: np.ndarray
    is_central: np.ndarray
    is_resource: np.ndarray
    relief: np.ndarray
    first_treated: dict[str, np.ndarray]

    @property
    def size(self) -> int:
        return len(self.adcode)

    def position(self, name: str) -> int:
        """Row of a city by its official name.

        Raises:
            InputError: the frame has no such city.
        """
        found = np.flatnonzero(self.name == name)
        if not len(found):
            raise InputError(f"cities.csv has no city {name}, in whose rows damage is planted; add the city.")
        return int(found[0])

    def treated(self, policy_id: str, years: range) -> np.ndarray:
        """(cities, years) array of 0/1."""
        first = self.first_treated[policy_id][:, None]
        return ((first > 0) & (np.array(years)[None, :] >= first)).astype(float)


def read_world(geography: Path, policy: Path) -> World:
    """Read the project's geography and policy seeds.

    Args:
        geography: folder with ``cities.csv`` and ``excluded_cities.csv``.
        policy: folder with ``list_units.csv``.

    Raises:
        InputError: a file or one of its columns is missing, a code is unknown, or a year is no number.
    """
    cities = [
        row for row in _read(geography / "cities.csv", CITY_COLUMNS)
        if row["is_prefecture_city_or_above"] == "1"
    ]  # fmt: skip
    if not cities:
        raise InputError(
            f"{geography / 'cities.csv'}: no row has is_prefecture_city_or_above = 1; mark the cities to simulate."
        )
    cities.sort(key=lambda row: row["adcode"])
    adcode = np.array([row["adcode"] for row in cities])
    excluded = {row["adcode"] for row in _read(geography / "excluded_cities.csv", ("adcode",))}
    central = {row["adcode"] for row in _read(geography / "central_cities.csv", ("adcode",))}
    resource = {
        row["adcode"]
        for row in _read(geography / "resource_based_cities.csv", ("adcode", "class_en"))
        if row["class_en"] in RESOURCE_CLASSES
    }
    unknown = sorted(excluded - set(adcode))
    if unknown:
        raise InputError(
            f"{geography / 'excluded_cities.csv'}: adcode {unknown[0]} is no city of cities.csv; "
            "correct the code or add the city."
        )
    relief = {
        row["adcode"]: float(row["relief_proxy"])
        for row in _read(geography / "terrain_relief.csv", ("adcode", "relief_proxy"))
        if row["relief_proxy"] not in ("", "nan")
    }
    return World(
        adcode=adcode,
        name=np.array([row["name_zh"] for row in cities]),
        province=np.array([row["province_zh"] for row in cities]),
        region=np.array([row["region"] for row in cities]),
        kind=np.array([row["type"] for row in cities]),
        is_capital=np.array([row["is_provincial_capital"] == "1" for row in cities]),
        polygon_area=np.array([float(row["polygon_area_km2"]) for row in cities]),
        excluded=np.isin(adcode, sorted(excluded)),
        is_central=np.isin(adcode, sorted(central)),
        is_resource=np.isin(adcode, sorted(resource)),
        relief=np.array([relief.get(code, 0.0) for code in adcode]),
        first_treated=_first_treated(policy / "list_units.csv", adcode),
    )


def read_names(geography: Path, years: range) -> dict[tuple[str, int], str]:
    """(adcode, year) → the official name at the end of the year; no entry where the unit was no prefecture-level one.

    Args:
        geography: folder with ``prefecture_names.csv``.
        years: years to read the names of.

    Raises:
        InputError: the file or one of its columns is missing.
    """
    rows = _read(geography / "prefecture_names.csv", ("name", "form", "adcode", "status", "valid_from", "valid_to"))
    return {
        (row["adcode"], year): row["name"]
        for row in rows
        if row["form"] == "official" and row["status"] == "current"
        for year in years
        if int(row["valid_from"]) <= year <= int(row["valid_to"] or year)
    }


def invent_world(world: World, count: int, seed: int) -> World:
    """A frame of ``count`` invented cities, each a copy of a real sample city under a code and name of its own.

    Geography, groups and first treated years go together, so that treatment is as frequent as in the lists. The first
    cities are one copy of every real one, as far as they go, so that landmarks exist; the rest are drawn.
    """
    own = np.flatnonzero(~world.excluded)
    generator = np.random.default_rng([seed, count])
    # Landmarks and leaders are known by their codes: they come first, and once.
    order = own[np.argsort(world.kind[own] == "prefecture-level city", kind="stable")]
    again = order if len(order) >= count else np.concatenate([order, generator.choice(own, count - len(order))])
    chosen = np.sort(again[:count]) if len(order) >= count else again
    first_copy = np.zeros(len(chosen), dtype=bool)
    first_copy[np.unique(chosen, return_index=True)[1]] = True
    number = np.arange(len(chosen))
    return World(
        adcode=np.where(first_copy, world.adcode[chosen], [f"9{n:07d}" for n in number]),
        name=np.array([f"{name} {n}" for name, n in zip(world.name[chosen], number, strict=True)]),
        province=world.province[chosen],
        region=world.region[chosen],
        kind=world.kind[chosen],
        is_capital=world.is_capital[chosen],
        polygon_area=world.polygon_area[chosen] * np.exp(generator.normal(0, 0.1, len(chosen))),
        excluded=np.zeros(len(chosen), dtype=bool),
        is_central=world.is_central[chosen],
        is_resource=world.is_resource[chosen],
        relief=world.relief[chosen],
        first_treated={name: years[chosen] for name, years in world.first_treated.items()},
    )


def _first_treated(path: Path, adcode: np.ndarray) -> dict[str, np.ndarray]:
    """First treated year per policy and city (0 = never), with ``dual`` = the later of bcs and iic."""
    position = {code: index for index, code in enumerate(adcode)}
    first: dict[str, np.ndarray] = {}
    for line, row in enumerate(_read(path, PILOT_COLUMNS), start=2):
        if row["included"] != "1" or row["adcode"] not in position:
            continue  # listed districts, counties and autonomous prefectures are no city of the frame
        if row["policy_id"] == "five_g_pilot" and row["list_id"] != FIVE_G_LIST:
            continue
        if not row["start_year"].isdigit():
            raise InputError(
                f"{path}, line {line}: start_year is {row['start_year']!r}, expected a year such as 2014; correct it."
            )
        years = first.setdefault(row["policy_id"], np.zeros(len(adcode), dtype=int))
        index, year = position[row["adcode"]], int(row["start_year"])
        years[index] = min(years[index], year) if years[index] else year
    for policy_id in ("bcs", "iic"):
        if policy_id not in first:
            raise InputError(f"{path}: no included unit of policy {policy_id}; the simulation needs bcs and iic.")
    bcs, iic = first["bcs"], first["iic"]
    first["dual"] = np.where((bcs > 0) & (iic > 0), np.maximum(bcs, iic), 0)
    return first


def _read(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """Rows of a CSV as dictionaries, once its columns are known to be there."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; the simulation needs the project's seeds.")
    with path.open(encoding="utf-8", newline="") as handle:
        reader = csv.DictReader(handle)
        missing = [column for column in columns if column not in (reader.fieldnames or [])]
        if missing:
            raise InputError(
                f"{path}: column {missing[0]} is missing; expected {', '.join(columns)}; add it to the header line."
            )
        return list(reader)
