"""Print the simulated panel as a yearbook: one CSV per topic, other sources, and the truth tables."""

import csv
import io
import os
import tempfile
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np

from city_policy.errors import InputError
from city_policy.simulate import damage
from city_policy.simulate.damage import PlantedDamage
from city_policy.simulate.effects import UNITS
from city_policy.simulate.parameters import Scenario
from city_policy.simulate.process import Panel, Streams, draw_panel
from city_policy.simulate.properties import (
    EFFECT_COLUMNS,
    PROPERTIES_FILE,
    SUPPLEMENTARY_COLUMNS,
    TRUTH_COLUMNS,
    seed_properties,
)
from city_policy.simulate.scenarios import DEFAULT_SCENARIO, scenario
from city_policy.simulate.topics import SUPPLEMENTARY, TOPICS, Topic, column_of, topic_of
from city_policy.simulate.truth import planted_averages
from city_policy.simulate.world import World, read_names, read_world

# Printed as a whole by the merged city's row, not split: rates, and counts that the city reports as one.
NOT_SPLIT = frozenset(
    ("gdp_growth", "green_coverage", "growth_target", "growth_target_is_hard",
     "industry_university_word_frequency", "fintech_searches")
)  # fmt: skip
TERTIARY_GAP_OF_MERGED = 6.0  # points by which the merged city's tertiary share lies below the whole's


@dataclass(frozen=True)
class Simulation:
    """What ``simulate`` wrote: rows per file, the planted damage, and the panel before printing."""

    rows: dict[str, int]
    damage: tuple[PlantedDamage, ...]
    panel: Panel


def simulate(
    seed: int,
    output: Path,
    geography: Path,
    policy: Path,
    parameters: Scenario | None = None,
    cities: int | None = None,
    years: tuple[int, int] | None = None,
) -> Simulation:
    """Simulate the demo yearbook and write it. Every number in it is simulated.

    Args:
        seed: the same seed gives the same files, byte for byte.
        output: folder for the CSV files and their dbt properties; made when it does not exist.
        geography: folder with the project's seeds ``cities.csv``, ``prefecture_names.csv``, ``excluded_cities.csv``,
            ``central_cities.csv``, ``resource_based_cities.csv`` and ``terrain_relief.csv``.
        policy: folder with the project's seed ``list_units.csv``.
        parameters: of the process; without them those of the scenario of the paper.
        cities: print so many of the cities only, spread evenly over the yearbook's order; the draw stays as it is.
        years: print the years from the first to the last of these only; the draw stays as it is.

    Raises:
        InputError: the seed is negative, more cities or other years are asked for than there are, the scenario invents
            its cities, a file is missing or incomplete, or the folder cannot be written.
    """
    if seed < 0:
        raise InputError(f"seed is {seed}, expected a whole number of at least 0; give another seed.")
    parameters = scenario(DEFAULT_SCENARIO) if parameters is None else parameters
    if parameters.cities:
        raise InputError(
            f"The scenario {parameters.name} invents its cities, which the geography seeds do not know; "
            "it is for the Monte Carlo only."
        )
    world = read_world(geography, policy)
    printed_cities = _printed_cities(world, cities)
    printed_years = _printed_years(parameters, years)
    names_by_year = read_names(geography, printed_years)
    panel = draw_panel(seed, world, parameters)
    streams = Streams(seed, parameters.persistence)
    gaps = damage.draw_gaps(streams, world, parameters, panel.kept)
    files: dict[str, list[list[str]]] = {}
    planted: list[PlantedDamage] = []
    for topic in TOPICS:
        printed = {name: _print_numbers(panel, name) for name in _measures(topic)}
        signs = streams.generator(f"gap signs {topic.name}")
        pages = _print_topic(topic, panel, printed, gaps, signs, planted, printed_cities, printed_years, names_by_year)
        files[topic.name] = pages
    files["demo_supplementary"] = _print_supplementary(panel, gaps, printed_cities, printed_years)
    files["demo_planted_effects"] = _print_effects(parameters)
    files["demo_truth"] = _print_truth(panel)
    names = [field.name for field in fields(PlantedDamage)]
    files["demo_planted_damage"] = [names, *([str(value) for value in astuple(item)] for item in planted)]

    texts = {f"{name}.csv": _csv(lines) for name, lines in files.items()}
    write_together(output, texts | {PROPERTIES_FILE: seed_properties()})
    return Simulation({name: len(lines) - 1 for name, lines in files.items()}, tuple(planted), panel)


def _printed_cities(world: World, cities: int | None) -> np.ndarray:
    """(cities,) True for the cities to print."""
    count = world.size if cities is None else cities
    if not 1 <= count <= world.size:
        raise InputError(f"{count} cities are asked for; the frame has {world.size}: ask for 1 to {world.size}.")
    chosen = np.zeros(world.size, dtype=bool)
    chosen[np.linspace(0, world.size - 1, count).round().astype(int)] = True
    return chosen


def _printed_years(parameters: Scenario, years: tuple[int, int] | None) -> range:
    first, last = (parameters.first_year, parameters.last_year) if years is None else years
    if not parameters.first_year <= first <= last <= parameters.last_year:
        raise InputError(
            f"The years {first}-{last} are asked for; the simulation has {parameters.first_year} to "
            f"{parameters.last_year}: ask for years within."
        )
    return range(first, last + 1)


def write_together(output: Path, texts: dict[str, str]) -> None:
    """Write all files (name → text) beside their places in ``output``, then move them in: a full disk leaves the old
    files whole. Raises InputError when the folder cannot be written.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".simulate-", dir=output) as beside:
            for name, text in texts.items():
                (Path(beside) / name).write_text(text, encoding="utf-8", newline="")
            for name in texts:
                os.replace(Path(beside) / name, output / name)
    except OSError as error:
        raise InputError(
            f"{output}: the simulated numbers cannot be written ({error.strerror}); choose another folder."
        ) from error


def _measures(topic: Topic) -> list[str]:
    return list(dict.fromkeys(column.measure for column in topic.columns))


def _print_numbers(panel: Panel, measure: str) -> dict[str, np.ndarray]:
    """A measure in printed units and rounding: ``whole`` (cities, years), ``part`` and ``rest`` (years,).

    ``part`` is the merged city before the merger, ``rest`` the city it later joined without it.
    """
    years = panel.scenario.years
    columns = [column_of(measure, year) if _is_printed(measure, year) else None for year in years]
    whole = panel.values[measure] * np.array([column.per_canonical if column else np.nan for column in columns])
    decimals = [column.decimals if column else 0 for column in columns]
    # Adding zero turns -0.0 into 0.0.
    whole = np.stack([np.round(whole[:, index], places) for index, places in enumerate(decimals)], axis=1) + 0.0
    city = panel.world.position(damage.MERGED_INTO)
    together = whole[city]
    if measure in NOT_SPLIT:
        part, rest = together.copy(), together.copy()
    elif measure == "tertiary_share":
        part = np.round(together - TERTIARY_GAP_OF_MERGED, 2)
        share = damage.MERGED_SHARE
        rest = np.round((together - share * part) / (1 - share), 2)
    else:
        part = np.array([np.round(damage.MERGED_SHARE * x, d) for x, d in zip(together, decimals, strict=True)])
        rest = np.array([np.round(x - y, d) for x, y, d in zip(together, part, decimals, strict=True)])
    return {"whole": whole, "part": part, "rest": rest}


def _is_printed(measure: str, year: int) -> bool:
    return any(column.measure == measure and column.printed_in(year) for column in topic_of(measure).columns)


def _print_topic(
    topic: Topic,
    panel: Panel,
    printed: dict[str, dict[str, np.ndarray]],
    gaps: dict[str, np.ndarray],
    signs: np.random.Generator,
    planted: list[PlantedDamage],
    printed_cities: np.ndarray,
    printed_years: range,
    names_by_year: dict[tuple[str, int], str],
) -> list[list[str]]:
    """Header and rows of one topic, damaged; appends what was damaged to ``planted``."""
    world, years = panel.world, list(panel.scenario.years)
    labels = [label for label, _ in damage.GAP_SIGNS]
    shares = [share for _, share in damage.GAP_SIGNS]
    lines = [["年份", "城市", *(column.header for column in topic.columns)]]
    merged_city = world.position(damage.MERGED_INTO)
    for index, year in enumerate(years):
        page: list[list[str]] = []
        for city, name in enumerate(world.name):
            before_merger = city == merged_city and year <= damage.MERGED_LAST_YEAR
            cells = []
            for column in topic.columns:
                if not column.printed_in(year):
                    cells.append("")
                elif gaps[column.measure][city, index]:
                    cells.append(str(signs.choice(labels, p=shares)))
                else:
                    numbers = printed[column.measure]
                    value = numbers["rest"][index] if before_merger else numbers["whole"][city, index]
                    cells.append(f"{value:.{column.decimals}f}")
            # Left out after its signs are drawn, so that the other rows stay as they are.
            if not printed_cities[city] or (world.adcode[city], year) not in names_by_year:
                continue
            page.append([str(year), str(name), *cells])
            if before_merger:
                part = [
                    f"{printed[column.measure]['part'][index]:.{column.decimals}f}" if column.printed_in(year) else ""
                    for column in topic.columns
                ]
                page.append([str(year), damage.MERGED_NAME, *part])
                planted.append(_row_damage(topic, year, world, city, "merged_city", damage.MERGED_NAME, "merged"))
        _damage_page(topic, year, world, page, planted)
        # A yearbook prints the names of its year: 哈密地区 before it became 哈密市.
        name_of_year = {
            name: names_by_year[code, year]
            for code, name in zip(world.adcode, world.name, strict=True)
            if (code, year) in names_by_year
        }
        lines += [[row[0], name_of_year.get(row[1], row[1]), *row[2:]] for row in page]
    return lines


def _row_damage(
    topic: Topic, year: int, world: World, city: int, kind: str, printed: str, ends_as: str
) -> PlantedDamage:
    name = str(world.name[city])
    return PlantedDamage(
        f"{topic.name}.csv", year, str(world.adcode[city]), name, kind, "", printed, name, ends_as
    )  # fmt: skip


def _damage_page(topic: Topic, year: int, world: World, page: list[list[str]], planted: list[PlantedDamage]) -> None:
    """Damage one year of one topic, in place: numbers, then names, then a page printed twice."""
    rows = {row[1]: position for position, row in enumerate(page)}
    _damage_numbers(topic, year, world, page, rows, planted)
    for as_printed, name, kind, ends_as in _names_printed_otherwise(topic, year):
        if name in rows:
            page[rows[name]][1] = as_printed
            planted.append(_row_damage(topic, year, world, world.position(name), kind, as_printed, ends_as))
    file, when, first, count = damage.DUPLICATED_PAGE
    if file == topic.name and when == year and first in rows:
        start = rows[first]
        repeated = [list(row) for row in page[start : start + count]]
        page[start + count : start + count] = repeated
        for row in repeated:
            city = world.position(row[1])
            planted.append(_row_damage(topic, year, world, city, "duplicated_row", row[1], "deduplicated"))


def _damage_numbers(
    topic: Topic, year: int, world: World, page: list[list[str]], rows: dict[str, int], planted: list[PlantedDamage]
) -> None:
    for measure, damaged_year, name, kind in damage.DAMAGED_NUMBERS:
        if damaged_year != year or topic_of(measure) is not topic or name not in rows:
            continue
        cell = 2 + topic.columns.index(column_of(measure, year))
        row = page[rows[name]]
        text = row[cell]
        neighbour = next((below[cell] for below in page[rows[name] + 1 :] if below[cell][:1].isdigit()), text)
        row[cell] = damage.damage_number(text, kind, neighbour)
        city = world.position(name)
        planted.append(
            PlantedDamage(
                f"{topic.name}.csv", year, str(world.adcode[city]), name, kind, measure, row[cell], text,
                damage.NUMBER_ENDS_AS[kind],
            )
        )  # fmt: skip


def _names_printed_otherwise(topic: Topic, year: int) -> Iterator[tuple[str, str, str, str]]:
    """As printed, name, kind of damage, and how it ends."""
    for old, name, last in damage.FORMER_NAMES:
        if year <= last:
            yield old, name, "former_name", "printed"
    for file, when, name, bad in damage.DAMAGED_NAMES:
        if file == topic.name and when == year:
            yield bad, name, "damaged_name", "printed"
    for file, when, name, bad in damage.UNKNOWN_NAMES:
        if file == topic.name and when == year:
            yield bad, name, "unknown_name", "interpolated"


def _print_supplementary(
    panel: Panel, gaps: dict[str, np.ndarray], printed_cities: np.ndarray, printed_years: range
) -> list[list[str]]:
    """The long table of other sources, by province (code xx0000) or by city."""
    world, years = panel.world, panel.scenario.years
    code_of = {province: f"{code[:2]}0000" for province, code in zip(world.province, world.adcode, strict=True)}
    lines = [list(SUPPLEMENTARY_COLUMNS)]
    for indicator, (unit, decimals) in SUPPLEMENTARY.items():
        if indicator in panel.provincial:
            places = [code_of[province] for province in panel.provinces]
            values = panel.provincial[indicator]
            missing = np.zeros(values.shape, dtype=bool)
        else:
            places, missing = list(world.adcode), gaps[indicator] | ~printed_cities[:, None]
            # The source prints no zero: its smallest value is one in the last printed place.
            values = np.maximum(panel.values[indicator], 10.0**-decimals)
        for place, series, absent in zip(places, values, missing, strict=True):
            for year, value, gone in zip(years, series, absent, strict=True):
                if not gone and year in printed_years:
                    lines.append([indicator, place, str(year), f"{value:.{decimals}f}", unit, "simulated"])
    return lines


def _print_effects(parameters: Scenario) -> list[list[str]]:
    lines = [list(EFFECT_COLUMNS)]
    for row in parameters.effects:
        where = "" if row.group == "all" else f" in the group {row.group}"
        description = (
            f"simulated: {row.policy_id} moves {row.measure}{where} by {row.level:+.5f} and {row.per_year:+.5f} more "
            "for every year after the third"
        )
        lines.append(
            [
                row.policy_id,
                row.measure,
                row.group,
                f"{row.level:.6f}",
                f"{row.per_year:.6f}",
                UNITS[row.measure],
                description,
            ]
        )
    return lines


def _print_truth(panel: Panel) -> list[list[str]]:
    lines = [list(TRUTH_COLUMNS)]
    for item in planted_averages(panel):
        lines.append(
            [
                panel.scenario.name,
                item.policy_id,
                item.group,
                "" if item.event_time is None else str(item.event_time),
                str(item.city_years),
                *(
                    f"{value:.6f}"
                    for value in (item.total, item.direct, item.through_agglomeration, item.through_innovation)
                ),
                "simulated",
            ]
        )
    return lines


def _csv(lines: list[list[str]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(lines)
    return buffer.getvalue()
