"""Draw the simulated panel: the equations of the package's docstring, before anything is printed."""

import zlib
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtri

from city_policy.simulate.parameters import Bounded, Scenario
from city_policy.simulate.world import World

MIDDLE_YEAR = 2016  # trends are zero here
CNY_10K_PER_TRILLION = 1e8  # a trillion yuan in units of 10,000 yuan


@dataclass(frozen=True)
class Panel:
    """A simulated panel of raw inputs.

    ``values``: raw input → array (cities, years) in the canonical units of
    ``seeds/mapping/raw_indicators.csv``, not yet rounded as printed. Names ending in ``_districts``
    hold 市辖区; ``real_gdp`` is in prices of 2011.
    ``provincial``: raw input → array (provinces, years); ``provinces`` names its rows.
    """

    world: World
    scenario: Scenario
    values: dict[str, np.ndarray]
    provinces: tuple[str, ...]
    provincial: dict[str, np.ndarray]


class Streams:
    """One independent random stream per quantity, keyed by the seed and the quantity's name."""

    def __init__(self, seed: int, persistence: float):
        self.seed = seed
        self.persistence = persistence

    def generator(self, name: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])

    def scores(self, name: str, size: int) -> np.ndarray:
        """(size,) normal scores in random order: mean 0, the shape of a normal sample without its luck."""
        return ndtri((self.generator(name).permutation(size) + 0.5) / size)

    def noise(self, name: str, size: int, periods: int) -> np.ndarray:
        """(size, periods) stationary AR(1) noise of unit variance."""
        shocks = self.generator(name).standard_normal((size, periods))
        result = np.empty_like(shocks)
        result[:, 0] = shocks[:, 0]
        scale = np.sqrt(1 - self.persistence**2)
        for period in range(1, periods):
            result[:, period] = self.persistence * result[:, period - 1] + scale * shocks[:, period]
        return result


def direct_effects(world: World, scenario: Scenario) -> dict[str, np.ndarray]:
    """Raw input → (cities, years) planted direct effect in log points, for inputs that have one."""
    result: dict[str, np.ndarray] = {}
    for effect in scenario.effects:
        planted = effect.log_points * world.treated(effect.policy_id, scenario.years)
        result[effect.raw_input] = result.get(effect.raw_input, 0.0) + planted
    return result


def draw_panel(seed: int, world: World, scenario: Scenario) -> Panel:
    """Draw every raw input of every city and year.

    Returns:
        Panel with arrays of shape (cities, years), years being ``scenario.years``.
    """
    streams = Streams(seed, scenario.persistence)
    size, periods = world.size, len(scenario.years)
    time = np.array(scenario.years) - MIDDLE_YEAR
    nothing = np.zeros((size, periods))
    effects = direct_effects(world, scenario)
    provinces = tuple(dict.fromkeys(world.province))
    of_province = np.array([provinces.index(name) for name in world.province])
    development = _development(streams, world, scenario)
    luck = _luck(world, scenario)
    values: dict[str, np.ndarray] = {}

    _draw_population(streams, world, scenario, development, time, values)
    provincial = _draw_prices(streams, scenario, len(provinces))

    # Product: real, nominal, growth.
    product_effect = effects.get("gdp", nothing)
    product_shock = (
        scenario.product_drift_sd * streams.scores("gdp drift", size)[:, None] * time
        + scenario.product_noise_sd * streams.noise("gdp", size, periods)
        + product_effect
    )
    growth = np.array(scenario.national_growth)
    _draw_production(streams, scenario, development, luck, time, product_shock, provincial, of_province, values)
    values["gdp"] = values["real_gdp"] * provincial["gdp_deflator"][of_province]
    ratio = np.empty((size, periods))
    ratio[:, 1:] = values["real_gdp"][:, 1:] / values["real_gdp"][:, :-1]
    ratio[:, 0] = 1 + growth[0] + scenario.product_noise_sd * streams.scores("gdp growth before", size)
    values["gdp_growth"] = 100 * (ratio - 1)
    district_share = expit(
        0.1
        + 0.9 * streams.scores("gdp districts", size)[:, None]
        + 1.2 * np.isin(world.kind, ["municipality"])[:, None]
    )
    values["gdp_districts"] = values["gdp"] * district_share

    # Innovation index.
    innovation_shock = scenario.innovation_noise_sd * streams.noise("innovation", size, periods) + effects.get(
        "innovation_index", nothing
    )
    values["innovation_index"] = np.exp(
        np.log(scenario.innovation_level)
        + scenario.innovation_development * development[:, None]
        + scenario.innovation_spread * (luck * streams.scores("innovation level", size))[:, None]
        + scenario.innovation_trend * time
        + innovation_shock
    )

    provincial |= _draw_marketization(streams, world, scenario, time, provinces)
    _draw_controls(streams, scenario, development, luck, time, values)
    activity = _activity(streams, scenario, values, provincial["marketization_index"][of_province])

    bases = {
        "resident": values["resident_population"],
        "area": values["land_area"],
        "real_gdp": values["real_gdp"],
        "nominal_gdp": values["gdp"],
        "employees": values["employees"],
        "one": np.ones((size, periods)),
    }
    for item in scenario.inputs:
        log_ratio = (
            np.log(item.level)
            + item.development * development[:, None]
            + item.city_sd * streams.scores(f"{item.name} level", size)[:, None]
            + item.trend * time
            + item.activity * activity
            + item.noise_sd * streams.noise(item.name, size, periods)
            + item.via_product * product_shock
            + item.via_innovation * innovation_shock
            + effects.get(item.name, nothing)
        )
        values[item.name] = bases[item.base] * np.exp(log_ratio)
        if item.name == "fiscal_expenditure":
            bases["fiscal"] = values[item.name]
    _draw_targets(streams, world, scenario, of_province, values, provincial)
    return Panel(world, scenario, values, provinces, provincial)


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
        tier + region + scenario.development_spread * _luck(world, scenario) * streams.scores("development", world.size)
    )
    return (raw - raw.mean()) / raw.std()


def _luck(world: World, scenario: Scenario) -> np.ndarray:
    """(cities,) share of the spread that a city keeps."""
    in_tier = np.isin(world.kind, ["municipality", "sub-provincial"]) | world.is_capital
    return np.where(in_tier, scenario.tier_luck, 1.0)


def _draw_population(
    streams: Streams,
    world: World,
    scenario: Scenario,
    development: np.ndarray,
    time: np.ndarray,
    values: dict[str, np.ndarray],
) -> None:
    """Land area and the populations: resident, registered, urban, and registered in the districts."""
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
        np.log(scenario.population_level)
        + scenario.population_development * development
        + region
        + scenario.population_municipality * (world.kind == "municipality")
        + scenario.population_area_elasticity * np.log(world.polygon_area / np.median(world.polygon_area))
        + scenario.population_spread * _luck(world, scenario) * streams.scores("population", size)
        + sum(landmark.residents * (world.adcode == landmark.adcode) for landmark in scenario.landmarks)
    )[:, None] + growth[:, None] * time
    noise = scenario.population_noise_sd * streams.noise("population", size, periods)
    resident = np.exp(log_population + noise)
    values["resident_population"] = resident
    registered = scenario.registered_level + (
        scenario.registered_development * development
        + scenario.registered_spread * streams.scores("registered population", size)
    )
    registered_noise = scenario.population_noise_sd * streams.noise("registered population", size, periods)
    values["registered_population"] = resident * np.exp(registered[:, None] + registered_noise)

    urban = _bounded(streams, "urbanization", scenario.urbanization, development, time) / 100
    values["urban_resident_population"] = resident * urban
    districts = np.where(
        world.kind == "municipality", 0.95, expit(-0.6 + 0.8 * streams.scores("population districts", size))
    )
    values["registered_population_districts"] = values["registered_population"] * districts[:, None]


def _bounded(streams: Streams, name: str, share: Bounded, development: np.ndarray, time: np.ndarray) -> np.ndarray:
    """(cities, years) share between its bounds."""
    size = len(development)
    index = (
        share.level
        + share.development * development[:, None]
        + share.city_sd * streams.scores(f"{name} level", size)[:, None]
        + share.trend * time
        + share.noise_sd * streams.noise(name, size, len(time))
    )
    return share.low + (share.high - share.low) * expit(index)


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
    streams: Streams, world: World, scenario: Scenario, time: np.ndarray, provinces: tuple[str, ...]
) -> dict[str, np.ndarray]:
    """Provincial marketization index: level by region, trend, AR(1) noise."""
    region_of = dict(zip(world.province, world.region, strict=True))
    level = np.array([dict(scenario.marketization_region)[region_of[name]] for name in provinces])
    size = len(provinces)
    index = (
        level[:, None]
        + scenario.marketization_spread * streams.scores("marketization level", size)[:, None]
        + scenario.marketization_trend * time
        + scenario.marketization_noise_sd * streams.noise("marketization", size, len(time))
    )
    return {"marketization_index": np.round(index, 3)}


def _draw_controls(
    streams: Streams,
    scenario: Scenario,
    development: np.ndarray,
    luck: np.ndarray,
    time: np.ndarray,
    values: dict[str, np.ndarray],
) -> None:
    """Foreign capital, tertiary share and fintech searches."""
    size, periods = len(development), len(time)
    fdi = scenario.fdi_level * np.exp(
        scenario.fdi_development * development[:, None]
        + scenario.fdi_spread * (luck * streams.scores("fdi level", size))[:, None]
        + scenario.fdi_trend * time
        + scenario.fdi_noise_sd * streams.noise("fdi", size, periods)
    )
    values["fdi"] = fdi * CNY_10K_PER_TRILLION / np.array(scenario.cny_per_usd)
    values["tertiary_share"] = _bounded(streams, "tertiary_share", scenario.tertiary_share, development, time)
    log_searches = (
        scenario.fintech_level
        + scenario.fintech_development * development[:, None]
        + scenario.fintech_spread * streams.scores("fintech level", size)[:, None]
        + scenario.fintech_trend * time
        + scenario.fintech_noise_sd * streams.noise("fintech", size, periods)
    )
    values["fintech_searches"] = np.expm1(np.maximum(log_searches, 0.0))


def _activity(
    streams: Streams, scenario: Scenario, values: dict[str, np.ndarray], marketization: np.ndarray
) -> np.ndarray:
    """(cities, years) shock shared by a city's inputs: AR(1) noise and the controls' own movements."""
    size, periods = marketization.shape
    controls = {
        "marketization_index": marketization,
        "fdi": values["fdi"] * np.array(scenario.cny_per_usd) / CNY_10K_PER_TRILLION,
        "tertiary_share": values["tertiary_share"],
        "urbanization": 100 * values["urban_resident_population"] / values["resident_population"],
        "fintech": np.log1p(values["fintech_searches"]),
    }
    activity = scenario.activity_sd * streams.noise("activity", size, periods)
    for name, weight in scenario.activity_controls:
        control = controls[name]
        movement = control - control.mean(axis=1, keepdims=True) - control.mean(axis=0) + control.mean()
        activity += weight * movement
    return activity


def _draw_production(
    streams: Streams,
    scenario: Scenario,
    development: np.ndarray,
    luck: np.ndarray,
    time: np.ndarray,
    product_shock: np.ndarray,
    provincial: dict[str, np.ndarray],
    of_province: np.ndarray,
    values: dict[str, np.ndarray],
) -> None:
    """Employees, investment and real product on one production frontier (the package's docstring)."""
    size, periods = len(development), len(time)
    log_resident = np.log(values["resident_population"])
    own_level = scenario.product_spread * luck * streams.scores("gdp level", size)
    log_employees = (
        log_resident
        + np.log(scenario.employees_level)
        + scenario.employees_development * development[:, None]
        + scenario.employees_product * own_level[:, None]
        + scenario.employees_spread * streams.scores("employees level", size)[:, None]
        + scenario.employees_trend * time
        + scenario.employees_noise_sd * streams.noise("employees", size, periods)
    )
    values["employees"] = np.exp(log_employees)
    # The level of product that capital and labour are to explain: per resident, by development.
    explained = (
        log_resident[:, 0] + np.log(scenario.product_level) + scenario.product_development * development + own_level
    )
    investment_path = np.exp(
        np.concatenate([[0.0], np.cumsum(np.log1p(np.array(scenario.investment_growth)))])
        + scenario.investment_drift_sd * streams.scores("investment drift", size)[:, None] * (time - time[0])
        + scenario.investment_noise_sd * streams.noise("investment", size, periods)
    )
    capital_path = _perpetual_inventory(investment_path, scenario)
    a, b = scenario.capital_elasticity, scenario.labour_elasticity
    log_capital = (explained - b * log_employees[:, 0]) / a
    log_contribution = a * (log_capital[:, None] + np.log(capital_path / capital_path[:, [0]]))
    log_contribution += b * log_employees
    # The year's frontier: national growth less what the inputs of the mean city contribute.
    national = np.concatenate([[0.0], np.cumsum(np.log1p(np.array(scenario.national_growth[1:])))])
    frontier = national - (log_contribution - log_contribution[:, [0]]).mean(axis=0)
    half_normal = ndtri(0.5 + 0.5 * (streams.generator("inefficiency").permutation(size) + 0.5) / size)
    inefficiency = scenario.inefficiency_sd * half_normal
    # Measured from the mean city's inefficiency, so that the level of product stays.
    without_shock = np.exp(log_contribution + frontier - (inefficiency - inefficiency.mean())[:, None])
    values["real_gdp"] = without_shock * np.exp(product_shock)
    # One level of investment for all; the frontier's constant takes it up.
    real = np.exp(log_capital)[:, None] * investment_path / capital_path[:, [0]]
    nominal = real * provincial["investment_price_index"][of_province]
    product = without_shock * provincial["gdp_deflator"][of_province]
    values["fixed_asset_investment"] = nominal * scenario.investment_level * product.sum() / nominal.sum()


def _perpetual_inventory(investment: np.ndarray, scenario: Scenario) -> np.ndarray:
    """(cities, years) K_t = (1 − depreciation) K_t-1 + I_t, K_0 = I_0 / initial ratio; as the study does."""
    capital = np.empty_like(investment)
    capital[:, 0] = investment[:, 0] / scenario.initial_capital_ratio
    for period in range(1, investment.shape[1]):
        capital[:, period] = (1 - scenario.depreciation_rate) * capital[:, period - 1] + investment[:, period]
    return capital


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

    size = world.size
    # A city's leaning and the year's mood: whether the target is raised, and by how much.
    mood = (
        streams.scores("target raised", size)[:, None] + 0.8 * streams.noise("target raised", size, periods)
    ) / np.hypot(1, 0.8)
    raised = mood > ndtri(1 - scenario.target_raised_share)
    steps = 1 + streams.generator("target steps").binomial(3, 0.3, (size, periods))
    below = streams.generator("target below").binomial(2, 0.25, (size, periods))
    values["growth_target"] = target[of_province] + np.where(raised, 0.5 * steps, -0.5 * below)
    hard = (
        streams.scores("target hard", size)[:, None] + 0.8 * streams.noise("target hard", size, periods)
    ) / np.hypot(1, 0.8)
    values["growth_target_is_hard"] = (hard > ndtri(1 - scenario.target_hard_share)).astype(float)
