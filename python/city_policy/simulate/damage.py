"""The printed mess: what is wrong with the simulated yearbook, planted so that cleaning always has work.

Two kinds. Fixed damage (names, numbers, a page printed twice) stands in the tables below and is listed, cell
by cell, in ``demo_planted_damage.csv`` with where it should end. Gaps are drawn at random, within limits that
keep every city of the sample repairable. The cities of ``excluded_cities.csv`` lose so much that they must
leave the sample; that list is a reconstruction of the cities that the paper's sample lacks, not a fact.

``ends_as`` of a planted damage:
    ``printed``       the cell is read after all (an alias knows the name, the number parses)
    ``interpolated``  the cell is lost or quarantined, and linear interpolation fills it
    ``deduplicated``  the row is printed twice and counts once
    ``merged``        the row belongs to a city that was later merged into another and is added to it
"""

from dataclasses import dataclass

import numpy as np

from city_policy.simulate.parameters import Scenario
from city_policy.simulate.process import Streams
from city_policy.simulate.topics import SUPPLEMENTARY, TOPICS, Topic
from city_policy.simulate.world import World

# (old name, official name, last data year in which the old name is printed), in every topic.
FORMER_NAMES = (("襄樊市", "襄阳市", 2011), ("思茅市", "普洱市", 2011))

# 莱芜市 is printed in its own row up to 2018; from 2019 it is part of 济南市.
MERGED_NAME, MERGED_INTO, MERGED_LAST_YEAR, MERGED_SHARE = "莱芜市", "济南市", 2018, 0.12

# (topic, data year, official name, name as printed): variants that seeds/geography/city_names.csv knows.
DAMAGED_NAMES = (
    ("demo_population", 2011, "日照市", "H照市"),
    ("demo_gdp", 2014, "日照市", "H照市"),
    ("demo_fiscal", 2011, "亳州市", "毫州市"),
    ("demo_environment", 2011, "亳州市", "毫州市"),
    ("demo_gdp", 2011, "厦门市", "厦fJ市"),
    ("demo_technology", 2017, "厦门市", "厦fJ市"),
    ("demo_telecom", 2014, "阜阳市", "阜阳巿"),
    ("demo_government", 2020, "阜阳市", "阜阳巿"),
    ("demo_employment", 2017, "荆州市", "荊州市"),
    ("demo_education", 2013, "秦皇岛市", "秦阜岛市"),
    ("demo_land", 2011, "固原市", "同原市"),
    ("demo_investment", 2018, "鸡西市", "鸡两市"),
    ("demo_fiscal", 2020, "池州市", "池外市"),
)

# The same, but no alias knows them: the row is quarantined and its cells are interpolated.
UNKNOWN_NAMES = (
    ("demo_telecom", 2016, "武汉市", "武汊市"),
    ("demo_environment", 2014, "苏州市", "苏洲市"),
    ("demo_education", 2015, "洛阳市", "洛陌市"),
)

# (raw input, data year, official name, kind): what happens to the printed number.
DAMAGED_NUMBERS = (
    ("green_coverage", 2015, "保定市", "stray_point"),
    ("tertiary_share", 2013, "绵阳市", "stray_point"),
    ("telecom_volume", 2018, "赣州市", "stray_point"),
    ("industrial_waste_gas", 2016, "大同市", "two_values"),
    ("mobile_subscribers", 2017, "桂林市", "two_values"),
    ("education_expenditure", 2012, "宜昌市", "thousands_separator"),
    ("industrial_waste_water", 2019, "南通市", "thousands_separator"),
    ("fdi", 2013, "株洲市", "thousands_separator"),
    ("high_tech_firms", 2015, "佛山市", "full_width"),
    ("higher_education_students", 2018, "吉林市", "full_width"),
    ("resident_population", 2017, "徐州市", "digit_lost"),
)
NUMBER_ENDS_AS = {
    "stray_point": "interpolated",
    "two_values": "interpolated",
    "thousands_separator": "printed",
    "full_width": "printed",
    "digit_lost": "interpolated",
}

# (topic, data year, first city on the page, rows): one page is printed twice, identically.
DUPLICATED_PAGE = ("demo_fiscal", 2016, "南昌市", 11)

# Random gaps.
CELL_GAP_SHARE = 0.02  # of the cells of a sample city
ROW_GAPS = 40  # whole rows of a topic that are printed without a number
SUPPLEMENTARY_GAP_SHARE = 0.01  # of the innovation index
MAX_GAPS_PER_CITY = 3  # missing years per raw input of a sample city
EXCLUDED_INPUTS = (8, 12)  # raw inputs that an excluded city loses in part, fewest and most
EXCLUDED_YEARS = (0.45, 0.70)  # share of years lost, least and most
# Signs for a cell without a number, and how often each is printed.
GAP_SIGNS = (("", 0.7), ("…", 0.2), ("-", 0.1))
# Never missing in the sample: a line between two years' growth targets is no target.
COMPLETE = ("growth_target", "growth_target_is_hard")
FULL_WIDTH = str.maketrans("0123456789.", "０１２３４５６７８９．")


@dataclass(frozen=True)
class PlantedDamage:
    """One damaged cell or row; blank ``series`` = the whole row of the topic."""

    file: str
    data_year: int
    adcode: str
    name_zh: str
    kind: str
    series: str
    printed: str
    undamaged: str
    ends_as: str


def damage_number(text: str, kind: str, neighbour: str) -> str:
    """Damage a printed number; ``neighbour``, the next one of its column, is for ``two_values``."""
    if kind == "stray_point":
        return text[:1] + "." + text[1:] if "." in text else f"{text[:1]}.{text[1:3]}.{text[3:]}"
    if kind == "two_values":
        return f"{text} {neighbour}"
    if kind == "thousands_separator":
        whole, point, rest = text.partition(".")
        return f"{int(whole):,}{point}{rest}"
    if kind == "full_width":
        return text.translate(FULL_WIDTH)
    if kind == "digit_lost":
        whole, point, rest = text.partition(".")
        return whole[:-1] + point + rest
    raise ValueError(kind)


def draw_gaps(
    streams: Streams, world: World, scenario: Scenario, kept: dict[str, list[tuple[int, int]]]
) -> dict[str, np.ndarray]:
    """Measure → (cities, years) array, True where no number is printed.

    Args:
        kept: measure → (city, year) positions that stay printed, because a published extreme hangs on them.
    """
    years = list(scenario.years)
    size, periods = world.size, len(years)
    sample = ~world.excluded
    # Neither part of the merged city has gaps: a sum with a part missing would be a wrong number, not a gap.
    whole = np.isin(world.name, [MERGED_INTO])
    gaps: dict[str, np.ndarray] = {}
    rows = _row_gaps(streams.generator("row gaps"), world, scenario)
    for topic in TOPICS:
        for measure in dict.fromkeys(column.measure for column in topic.columns):
            drawn = streams.generator(f"gaps {measure}").random((size, periods)) < CELL_GAP_SHARE
            if measure in COMPLETE:
                drawn[:] = False
            drawn |= rows.get(topic.name, False)
            lost = _lost_otherwise(measure, topic, world, years)
            drawn[whole] = False
            for city, year in kept.get(measure, ()):
                drawn[city, year] = False
            gaps[measure] = _keep_repairable(drawn, lost, sample)
    for measure in SUPPLEMENTARY:
        if measure == "innovation_index":
            drawn = streams.generator(f"gaps {measure}").random((size, periods)) < SUPPLEMENTARY_GAP_SHARE
            for city, year in kept.get(measure, ()):
                drawn[city, year] = False
            gaps[measure] = _keep_repairable(drawn, np.zeros_like(drawn), sample)
    _strike_excluded(streams, world, periods, gaps)
    return gaps


def _row_gaps(generator: np.random.Generator, world: World, scenario: Scenario) -> dict[str, np.ndarray]:
    """Topic → (cities, years): rows of a topic without any number, never in the first or last year."""
    periods = len(scenario.years)
    allowed = [topic for topic in TOPICS if not any(column.measure in COMPLETE for column in topic.columns)]
    result = {topic.name: np.zeros((world.size, periods), dtype=bool) for topic in allowed}
    candidates = np.flatnonzero(~world.excluded & (world.name != MERGED_INTO))
    for city in generator.choice(candidates, ROW_GAPS, replace=False):
        topic = allowed[generator.integers(len(allowed))]
        result[topic.name][city, generator.integers(1, periods - 1)] = True
    return result


def _lost_otherwise(measure: str, topic: Topic, world: World, years: list[int]) -> np.ndarray:
    """(cities, years): cells that the fixed damage costs, so that gaps do not pile up on them."""
    lost = np.zeros((world.size, len(years)), dtype=bool)
    for name, year, city, _ in UNKNOWN_NAMES:
        if name == topic.name:
            lost[world.position(city), years.index(year)] = True
    for damaged, year, city, _ in DAMAGED_NUMBERS:
        # A number that parses needs its cell too: it must be printed to be damaged.
        if damaged == measure:
            lost[world.position(city), years.index(year)] = True
    return lost


def _keep_repairable(drawn: np.ndarray, lost: np.ndarray, sample: np.ndarray) -> np.ndarray:
    """Take gaps back until every sample city can be repaired.

    At most ``MAX_GAPS_PER_CITY`` missing years per city, at each end at most one, none beside a cell that the
    fixed damage costs already.
    """
    gaps = drawn & ~lost
    gaps[lost.any(axis=1)] = False
    for city in np.flatnonzero(sample):
        if gaps[city, 0]:
            gaps[city, 1] = False
        if gaps[city, -1]:
            gaps[city, -2] = False
        for year in np.flatnonzero(gaps[city])[MAX_GAPS_PER_CITY:]:
            gaps[city, year] = False
    return gaps


def _strike_excluded(streams: Streams, world: World, periods: int, gaps: dict[str, np.ndarray]) -> None:
    """Take a large part of several raw inputs from the excluded cities, in place."""
    # What a study may do without does not drive a city out of its sample.
    optional = ("gdp_growth", "innovation_index", "registered_population", *COMPLETE)
    required = [name for name in gaps if not name.endswith("_districts") and name not in optional]
    for city in np.flatnonzero(world.excluded):
        generator = streams.generator(f"excluded {world.adcode[city]}")
        struck = generator.choice(required, generator.integers(EXCLUDED_INPUTS[0], EXCLUDED_INPUTS[1] + 1), False)
        for measure in struck:
            fewest, most = (round(share * periods) for share in EXCLUDED_YEARS)
            years = generator.choice(periods, generator.integers(fewest, most + 1), replace=False)
            gaps[measure][city, years] = True
