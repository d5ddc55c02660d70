"""Draw the simulated panel: the equations of the package's docstring, before anything is printed."""

import zlib
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtri

from city_policy.simulate.effects import MEASURES, beyond_the_treated, effect, lasting_groups
from city_policy.simulate.index import draw_inputs
from city_policy.simulate.moments import with_moments
from city_policy.simulate.parameters import Bounded, Scenario
from city_policy.simulate.production import draw_innovation, draw_production
from city_policy.simulate.world import World

MIDDLE_YEAR = 2016  # trends are zero here
CNY_10K_PER_TRILLION = 1e8  # a trillion yuan in units of 10,000 yuan
POLICIES = ("bcs", "iic", "dual", "big_data_zone", "five_g_pilot")


@dataclass(frozen=True)
class Panel:
    """A simulated panel of raw inputs.

    ``values``: raw input → array (cities, years) in the canonical units of
    ``seeds/mapping/series.csv``, not yet rounded as printed. Names ending in ``_districts``
    hold 市辖区; ``real_gdp`` is in prices of 2011.
    ``provincial``: raw input → array (provinces, years); ``provinces`` names its rows.
    ``covariates``: controls, mediators and groups of the study by name, (cities, years).
    ``index``: the planned NQP index, (cities, years): what the 26 indicators show, less their own noise.
    ``effects``: policy → measure → planted effect, (cities, years); see ``effects.py``.
    ``kept``: raw input → (city, year) positions that must be printed, because a published extreme hangs on them.
    """

    world: World
    scenario: Scenario
    values: dict[str, np.ndarray]
    provinces: tuple[str, ...]
    provincial: dict[str, np.ndarray]
    covariates: dict[str, np.ndarray]
    index: np.ndarray
    effects: dict[str, dict[str, np.ndarray]]
    kept: dict[str, list[tuple[int, int]]]


class Streams:
    """One independent random stream per measure, keyed by the seed and the measure's name."""

    def __init__(self, seed: int, persistence: float):
        self.seed = seed
        self.persistence = persistence

    def generator(self, name: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])

    def scores(self, name: str, size: int) -> np.ndarray:
        """(size,) normal scores in random order: mean 0, the shape of a normal sample without its luck."""
        return ndtri((self.generator(name).permutation(size) + 0.5) / size)

    def noise(self, name: str, size: int, periods: int, persistence: float | None = None) -> np.ndarray:
        """(size, periods) stationary AR(1) noise of unit variance."""
        rho = self.persistence if persistence is None else persistence
        shocks = self.generator(name).standard_normal((size, periods))
        result = np.empty_like(shocks)
        result[:, 0] = shocks[:, 0]
        scale = np.sqrt(1 - rho**2)
        for period in range(1, periods):
            result[:, period] = rho * result[:, period - 1] + scale * shocks[:, period]
        return result


def draw_panel(seed: int, world: World, scenario: Scenario, without: tuple[str, ...] = ()) -> Panel:
    """Draw every raw input of every city and year.

    Args:
        without: policies whose effects are taken out of the finished draw: every number that no effect reaches
            stays as it is, so that two draws are exact counterfactuals.

    Returns:
        Panel with arrays of shape (cities, years), years being ``scenario.years``.
    """
    streams = Streams(seed, scenario.persistence)
    size, periods = world.size, len(scenario.years)
    time = np.array(scenario.years) - MIDDLE_YEAR
    provinces = tuple(dict.fromkeys(world.province))
    of_province = np.array([provinces.index(name) for name in world.province])
    sample = ~world.excluded
    development = _development(streams, world, scenario)
    luck = luck_of(world, scenario)
    values: dict[str, np.ndarray] = {}

    _draw_population(streams, world, scenario, development, luck, time, values)
    provincial = _draw_prices(streams, scenario, len(provinces))
    counts = np.bincount(of_province, weights=sample, minlength=len(provinces))
    provincial |= _draw_marketization(streams, world, scenario, time, provinces, counts)
    covariates = {"marketization": provincial["marketization_index"][of_province]}
    _draw_controls(streams, scenario, development, luck, time, sample, values, covariates)
    _draw_targets(streams, world, scenario, of_province, values, provincial)

    groups = lasting_groups(world) | {
        "large": (values["resident_population"] > scenario.large_city).astype(float),
        "soft_target": 1 - values["growth_target_is_hard"],
        "not_raised": (values["growth_target"] <= provincial["provincial_growth_target"][of_province]).astype(float),
    }
    effects = {
        policy: {
            measure: effect(
                scenario.effects, policy, measure, world, scenario.years, groups, scenario.anticipation_years
            )
            for measure in MEASURES
        }
        for policy in POLICIES
    }
    nothing = np.zeros((size, periods))
    full = {name: sum((effects[policy][name] for policy in POLICIES), nothing) for name in MEASURES}
    beyond = beyond_the_treated(world, scenario.years, full["index"], scenario.trend_per_year, scenario.spillover_share)
    taken = {name: sum((effects[policy][name] for policy in without), nothing) for name in MEASURES}

    covariates["agglomeration"], inefficiency = draw_production(
        streams, world, scenario, development, luck, time, full["product"], provincial, of_province, values
    )
    covariates["innovation"] = draw_innovation(
        streams, world, scenario, development, luck, time, full["innovation"], values
    )
    # What the mediators lose without the effects, in levels; the draw itself is made with all of them.
    lost = {
        "agglomeration": covariates["agglomeration"] * (1 - np.exp(-taken["product"])),
        "innovation": covariates["innovation"] * (1 - np.exp(-taken["innovation"])),
    }
    values["real_gdp"] = values["real_gdp"] * np.exp(-taken["product"])
    values["gdp"] = values["real_gdp"] * provincial["gdp_deflator"][of_province]
    values["innovation_index"] = covariates["innovation"] - lost["innovation"]
    _draw_growth(streams, world, scenario, values)

    # The groups as they mostly are: the noise of the index is drawn balanced over them.
    balanced = {name: groups[name] for name in ("central", "resource", "iic_first", "same_year")}
    balanced |= {name: groups[name].mean(axis=1) for name in ("large", "soft_target", "not_raised")}
    index, kept = draw_inputs(
        streams, world, scenario, development, luck, time, covariates, lost,
        full["index"] + beyond, taken["index"], inefficiency, balanced, values,
    )  # fmt: skip
    for name, mediator in lost.items():
        covariates[name] = covariates[name] - mediator
    covariates |= {name: groups[name] for name in ("large", "soft_target", "not_raised")}
    for name, inputs in (
        ("fdi", ("fdi",)),
        ("tertiary_share", ("tertiary_share",)),
        ("urbanization", ("urban_resident_population", "resident_population")),
        ("fintech", ("fintech_searches",)),
        ("agglomeration", ("gdp", "land_area")),
        ("innovation", ("innovation_index",)),
    ):
        own = np.where(sample[:, None], covariates[name], np.nan)
        far = np.flatnonzero(own > np.nanmean(own) + 6 * np.nanstd(own))
        for place in (np.nanargmin(own), np.nanargmax(own), *far):
            city, period = divmod(int(place), periods)
            for measure in inputs:
                kept.setdefault(measure, []).append((city, period))
    # A line drawn through a gap could carry a city over the line of large cities.
    near = np.abs(values["resident_population"] / scenario.large_city - 1) < 0.03
    kept.setdefault("resident_population", []).extend((int(i), int(t)) for i, t in np.argwhere(near))
    return Panel(world, scenario, values, provinces, provincial, covariates, index, effects, kept)


def _development(streams: Streams, world: World, scenario: Scenario) -> np.ndarray:
    """(cities,) development factor f, mean 0 and variance 1 over the cities."""
    tier = np.select(
        [world.kind == "municipality", world.kind == "sub-provincial", world.is_capital],
        [scenario.municipality_tier, scenario.sub_provincial_tier, scenario.capital_tier],
        0.0,
    )
    region = np.array([dict(scenario.region_tier)[name] for name in world.region])
    for landmark in scenario.landmarks:
        tier = tier + landmark.tier * (world.adcode == landmark.adcode)
    raw = (
        tier
        + region
        + scenario.development_spread * luck_of(world, scenario) * streams.scores("development", world.size)
    )
    return (raw - raw.mean()) / raw.std()


def luck_of(world: World, scenario: Scenario) -> np.ndarray:
    """(cities,) share of the spread that a city keeps."""
    in_tier = np.isin(world.kind, ["municipality", "sub-provincial"]) | world.is_capital
    in_tier |= np.isin(world.adcode, [landmark.adcode for landmark in scenario.landmarks])
    return np.where(in_tier, scenario.tier_luck, 1.0)


def _draw_population(
    streams: Streams,
    world: World,
    scenario: Scenario,
    development: np.ndarray,
    luck: np.ndarray,
    time: np.ndarray,
    values: dict[str, np.ndarray],
) -> None:
    """Land area and the populations: resident, registered, and registered in the districts."""
    size, periods = world.size, len(time)
    measured = np.clip(streams.generator("land area").normal(0, 0.01, size), -0.03, 0.03)
    area = np.maximum(np.round(world.polygon_area * (1 + measured)), np.ceil(world.polygon_area * 0.97))
    values["land_area"] = np.repeat(area[:, None], periods, axis=1)

    region = np.array([dict(scenario.population_region)[name] for name in world.region])
    growth = (
        scenario.population_growth_mean
        + scenario.population_growth_development * development
        + scenario.population_growth_sd * streams.scores("population growth", size)
    )
    log_population = (
        scenario.population_development * development
        + region
        + scenario.population_municipality * (world.kind == "municipality")
        + scenario.population_area_elasticity * np.log(world.polygon_area / np.median(world.polygon_area))
        + scenario.population_spread * luck * streams.scores("population", size)
        + sum(landmark.residents * (world.adcode == landmark.adcode) for landmark in scenario.landmarks)
    )[:, None] + growth[:, None] * time
    shape = np.exp(log_population + scenario.population_noise_sd * streams.noise("population", size, periods))
    # One level for all: the published number of sample city-years is above the line of large cities.
    ranked = np.sort(shape[~world.excluded].ravel())[::-1]
    cut = round(scenario.large_share * ranked.size)
    resident = shape * scenario.large_city / np.sqrt(ranked[cut - 1] * ranked[cut])
    # Rounding in print must not move a city over the line.
    close = np.abs(resident / scenario.large_city - 1) < 1e-4
    resident = np.where(close, resident * np.where(resident > scenario.large_city, 1.0002, 0.9998), resident)
    # No city is larger than the largest there are: what is above 20 million counts for less.
    giant = 2e7
    resident = np.where(resident > giant, giant * (resident / giant) ** 0.4, resident)
    values["resident_population"] = resident
    registered = scenario.registered_level + (
        scenario.registered_development * development
        + scenario.registered_spread * streams.scores("registered population", size)
    )
    registered_noise = scenario.population_noise_sd * streams.noise("registered population", size, periods)
    values["registered_population"] = resident * np.exp(registered[:, None] + registered_noise)
    districts = np.where(
        world.kind == "municipality", 0.95, expit(-0.6 + 0.8 * streams.scores("population districts", size))
    )
    values["registered_population_districts"] = values["registered_population"] * districts[:, None]


def _latent(streams: Streams, name: str, share: Bounded, development: np.ndarray, time: np.ndarray) -> np.ndarray:
    """(cities, years) latent draw of a control; expit(latent) is its share between its bounds before the map."""
    size = len(development)
    return (
        share.level
        + share.development * development[:, None]
        + share.city_sd * streams.scores(f"{name} level", size)[:, None]
        + share.trend * time
        + share.noise_sd * streams.noise(name, size, len(time), share.persistence)
    )


def _draw_prices(streams: Streams, scenario: Scenario, provinces: int) -> dict[str, np.ndarray]:
    """Provincial deflators, 2011 = 1, rounded as printed so that nominal = real × deflator exactly."""
    result = {}
    for name, national in (
        ("gdp_deflator", scenario.inflation),
        ("investment_price_index", scenario.investment_inflation),
    ):
        change = np.array(national) + scenario.inflation_sd * streams.generator(name).standard_normal(
            (provinces, len(national))
        )
        index = np.concatenate([np.ones((provinces, 1)), np.cumprod(1 + change, axis=1)], axis=1)
        result[name] = np.round(index, 4)
    return result


def _draw_marketization(
    streams: Streams,
    world: World,
    scenario: Scenario,
    time: np.ndarray,
    provinces: tuple[str, ...],
    counts: np.ndarray,
) -> dict[str, np.ndarray]:
    """Provincial marketization index: level by region, trend, AR(1) noise; a province counts by its cities."""
    region_of = dict(zip(world.province, world.region, strict=True))
    level = np.array([dict(scenario.marketization_region)[region_of[name]] for name in provinces])
    size = len(provinces)
    latent = (
        level[:, None]
        + scenario.marketization_spread * streams.scores("marketization level", size)[:, None]
        + scenario.marketization_trend * time
        + scenario.marketization_noise_sd
        * streams.noise("marketization", size, len(time), scenario.marketization_persistence)
    )
    weight = np.repeat(counts[:, None], len(time), axis=1)
    index = with_moments(latent, weight, scenario.moments_of("marketization"), "marketization")
    return {"marketization_index": np.round(index, 3)}


def _draw_controls(
    streams: Streams,
    scenario: Scenario,
    development: np.ndarray,
    luck: np.ndarray,
    time: np.ndarray,
    sample: np.ndarray,
    values: dict[str, np.ndarray],
    covariates: dict[str, np.ndarray],
) -> None:
    """Foreign capital, tertiary share, urbanisation and fintech searches: latent draws, then the published moments."""
    size, periods = len(development), len(time)
    weight = np.repeat(sample[:, None].astype(float), periods, axis=1)
    latent = {
        "fdi": np.exp(
            scenario.fdi_development * development[:, None]
            + scenario.fdi_spread * (luck * streams.scores("fdi level", size))[:, None]
            + scenario.fdi_trend * time
            + scenario.fdi_noise_sd * streams.noise("fdi", size, periods, scenario.fdi_persistence)
        ),
        "tertiary_share": expit(_latent(streams, "tertiary_share", scenario.tertiary_share, development, time)),
        "urbanization": expit(_latent(streams, "urbanization", scenario.urbanization, development, time)),
        "fintech": _latent(streams, "fintech", scenario.fintech, development, time),
    }
    for name, draw in latent.items():
        covariates[name] = with_moments(draw, weight, scenario.moments_of(name), name)
    values["fdi"] = covariates["fdi"] * CNY_10K_PER_TRILLION / np.array(scenario.cny_per_usd)
    values["tertiary_share"] = 100 * covariates["tertiary_share"]
    values["urban_resident_population"] = values["resident_population"] * covariates["urbanization"] / 100
    values["fintech_searches"] = np.expm1(covariates["fintech"])


def _draw_growth(streams: Streams, world: World, scenario: Scenario, values: dict[str, np.ndarray]) -> None:
    """Printed growth of real product, and the product of the districts."""
    size, periods = world.size, len(scenario.years)
    ratio = np.empty((size, periods))
    ratio[:, 1:] = values["real_gdp"][:, 1:] / values["real_gdp"][:, :-1]
    ratio[:, 0] = 1 + scenario.national_growth[0] + 0.015 * streams.scores("gdp growth before", size)
    values["gdp_growth"] = 100 * (ratio - 1)
    district_share = expit(
        0.1
        + 0.9 * streams.scores("gdp districts", size)[:, None]
        + 1.2 * np.isin(world.kind, ["municipality"])[:, None]
    )
    values["gdp_districts"] = values["gdp"] * district_share


def _draw_targets(
    streams: Streams,
    world: World,
    scenario: Scenario,
    of_province: np.ndarray,
    values: dict[str, np.ndarray],
    provincial: dict[str, np.ndarray],
) -> None:
    """Growth targets in steps of half a point: the province's, the city's, and whether the city's is hard."""
    periods = len(scenario.years)
    provinces = len(provincial["gdp_deflator"])
    # The target looks at the growth of the year before, and 2020's was set before the pandemic.
    expected = 100 * np.array((scenario.national_growth[0] + 0.005, *scenario.national_growth[: periods - 1]))
    expected = np.maximum(expected, 5.9)
    own = scenario.provincial_target_sd * streams.scores("provincial target", provinces)[:, None]
    moving = 0.2 * streams.noise("provincial target", provinces, periods)
    target = np.round(2 * (expected + scenario.provincial_target_margin + own + moving)) / 2
    provincial["provincial_growth_target"] = target

    size, sample = world.size, ~world.excluded
    # The capitals and landmarks raise their targets and phrase them as floors, whatever the draw.
    tier = 2.0 * (luck_of(world, scenario) < 1)
    # The others draw within the kinds of pilot, so that no kind has all the hard or raised targets.
    bcs, iic = world.first_treated["bcs"] > 0, world.first_treated["iic"] > 0
    kind = 10 * bcs + 20 * iic + world.is_resource + 5 * (bcs & iic & (world.first_treated["iic"] < 2015))
    # A city's leaning and the year's mood: whether the target is raised, and by how much. The published number of
    # sample city-years is raised.
    mood = (scenario.target_leaning * _within(streams.scores("target raised", size), kind) + tier)[
        :, None
    ] + 0.8 * streams.noise("target raised", size, periods)
    raised = mood > _line(mood[sample].ravel(), scenario.target_raised_share)
    steps = 1 + streams.generator("target steps").binomial(3, 0.3, (size, periods))
    below = streams.generator("target below").binomial(2, 0.25, (size, periods))
    values["growth_target"] = target[of_province] + np.where(raised, 0.5 * steps, -0.5 * below)
    # Whether the target is phrased as a floor is a habit of the city.
    habit = _within(streams.scores("target hard", size), kind) + tier
    hard = habit > _line(habit[sample], scenario.target_hard_share)
    values["growth_target_is_hard"] = np.repeat(hard[:, None].astype(float), periods, axis=1)


def _within(scores: np.ndarray, kind: np.ndarray) -> np.ndarray:
    """(cities,) normal scores of the ranks of ``scores`` within each kind."""
    result = np.empty(len(scores))
    for name in np.unique(kind):
        own = kind == name
        result[own] = ndtri((np.argsort(np.argsort(scores[own])) + 0.5) / own.sum()) + 1e-6 * scores[own]
    return result


def _line(values: np.ndarray, share: float) -> float:
    """The line above which this share of the values lies."""
    ranked = np.sort(values)[::-1]
    cut = round(share * ranked.size)
    return 0.5 * (ranked[cut - 1] + ranked[cut])
