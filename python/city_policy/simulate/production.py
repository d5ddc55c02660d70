"""Draw production, agglomeration and innovation: the two mediators and what is needed to make them."""

import numpy as np
from scipy.special import ndtri

from city_policy.simulate.moments import ranked, solve
from city_policy.simulate.parameters import Scenario
from city_policy.simulate.world import World


def draw_production(
    streams,
    world: World,
    scenario: Scenario,
    development: np.ndarray,
    luck: np.ndarray,
    time: np.ndarray,
    product_effect: np.ndarray,
    provincial: dict[str, np.ndarray],
    of_province: np.ndarray,
    values: dict[str, np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Employees, investment and real product on one production frontier (the package's docstring).

    Returns:
        Agglomeration, (cities, years): the city's share of real product over its share of land, in the scenario of
        the paper with the published moments over the sample; and inefficiency u, (cities,), in log points.
    """
    size, periods = len(development), len(time)
    sample = ~world.excluded
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
    explained = log_resident.mean(axis=1) + scenario.product_development * development + own_level
    half_normal = ndtri(0.5 + 0.5 * (streams.generator("inefficiency").permutation(size) + 0.5) / size)
    # Cities of a tier are near the middle: their rank among the inefficient is no matter of luck.
    half_normal = np.where(luck < 1, np.median(half_normal), half_normal)
    inefficiency = scenario.inefficiency_sd * half_normal
    national = np.concatenate([[0.0], np.cumsum(np.log1p(np.array(scenario.national_growth[1:])))])
    log_area = np.log(values["land_area"][:, 0])
    leader = np.flatnonzero(world.adcode == scenario.leader)[0]
    level = scenario.agglomeration_spread * ranked(explained - inefficiency - log_area, sample, leader)
    # Dense cities are the sum of more firms: the denser, the less noise. Landmarks swing instead.
    calm = np.minimum(1.0, np.exp(-scenario.product_calm * (level - 1.0)))
    swing = sum(
        (landmark.product_swing * (world.adcode == landmark.adcode) for landmark in scenario.landmarks),
        np.zeros(size),
    )
    moving = (
        scenario.product_drift_sd * (calm * streams.scores("gdp drift", size))[:, None] * time
        + scenario.product_noise_sd * calm[:, None] * streams.noise("gdp", size, periods)
        + swing[:, None] * np.cos(4 * np.pi * (time - time[0] + 0.5) / 11)
        + product_effect
    )
    agglomeration = _agglomeration(scenario, level, log_area, moving, sample)
    land = values["land_area"]
    # Density of the sample as a whole: the level of product per resident, and national growth.
    total = scenario.product_level * values["resident_population"][sample, 0].sum()
    density = total * np.exp(national) / land[sample].sum(axis=0)
    values["real_gdp"] = agglomeration * land * density

    # Capital explains what employees and inefficiency leave of a city's level of product.
    investment_path = np.exp(
        np.concatenate([[0.0], np.cumsum(np.log1p(np.array(scenario.investment_growth)))])
        + scenario.investment_drift_sd * streams.scores("investment drift", size)[:, None] * (time - time[0])
        + scenario.investment_noise_sd * streams.noise("investment", size, periods)
    )
    capital_path = _perpetual_inventory(investment_path, scenario)
    a, b = scenario.capital_elasticity, scenario.labour_elasticity
    without_shock = np.log(values["real_gdp"]) - moving
    left = without_shock + inefficiency[:, None] - b * log_employees - a * np.log(capital_path)
    real = np.exp(left.mean(axis=1) / a)[:, None] * investment_path
    nominal = real * provincial["investment_price_index"][of_province]
    product = np.exp(without_shock) * provincial["gdp_deflator"][of_province]
    # One level of investment for all; the frontier's constant takes it up.
    values["fixed_asset_investment"] = nominal * scenario.investment_level * product.sum() / nominal.sum()
    return agglomeration, inefficiency


def _agglomeration(
    scenario: Scenario, level: np.ndarray, log_area: np.ndarray, moving: np.ndarray, sample: np.ndarray
) -> np.ndarray:
    """(cities, years) EG, area-weighted mean 1 in every year, and the published moments over the sample.

    ln EG_it = b level_i − c (ln A_i − mean) + moving_it + t [i densest] + s [i least dense] − ln(weighted mean of
    year t); b, c, t and s are solved for standard deviation, mean, maximum and minimum; without the
    published shape they are 1, 0, 0 and 0.
    """
    wanted = scenario.moments_of("agglomeration")
    area = np.exp(log_area)[sample]
    centred = log_area - log_area[sample].mean()
    first = level - scenario.agglomeration_area * centred
    own = np.flatnonzero(sample)
    densest, least = own[np.argmax(first[own])], own[np.argmin(first[own])]

    def image(parameters):
        log_b, c, top, bottom = parameters
        logs = np.exp(log_b) * level - c * centred
        logs[densest] += top
        logs[least] += bottom
        ratio = np.exp(logs[:, None] + moving)
        return ratio / (area @ ratio[sample] / area.sum())

    def gap(parameters):
        own_image = image(parameters)[sample]
        return [
            own_image.mean() / wanted.mean - 1,
            own_image.std() / wanted.deviation - 1,
            np.log(own_image.max() / wanted.maximum),
            np.log(own_image.min() / wanted.minimum),
        ]

    start = [0.0, scenario.agglomeration_area, 0.0, 0.0]
    return image(solve(gap, start, "agglomeration") if scenario.published_shape else start)


def draw_innovation(
    streams,
    world: World,
    scenario: Scenario,
    development: np.ndarray,
    luck: np.ndarray,
    time: np.ndarray,
    innovation_effect: np.ndarray,
    values: dict[str, np.ndarray],
) -> np.ndarray:
    """(cities, years) innovation index, with the published moments over the sample.

    ln I_it = a + b level_i + t [i leads] + s [i is last] + τ (t − 2016) + noise + effect; a, b, t and s are solved for
    mean, standard deviation, maximum and minimum; without the published shape they are set, 1, 0 and 0.
    """
    size, periods = len(development), len(time)
    sample = ~world.excluded
    wanted = scenario.moments_of("innovation")
    leader = np.flatnonzero(world.adcode == scenario.leader)[0]
    level = scenario.innovation_spread * ranked(
        development + scenario.innovation_luck * luck * streams.scores("innovation level", size), sample, leader
    )
    own = np.flatnonzero(sample)
    last = own[np.argmin(level[own])]
    calm = np.minimum(1.0, np.exp(-scenario.innovation_calm * (level - scenario.innovation_calm_from)))
    moving = (
        scenario.innovation_trend * time
        + scenario.innovation_noise_sd * calm[:, None] * streams.noise("innovation", size, periods)
        + innovation_effect
    )

    def image(parameters):
        a, log_b, top, bottom = parameters
        logs = a + np.exp(log_b) * level
        logs[leader] += top
        logs[last] += bottom
        return np.exp(logs[:, None] + moving)

    def gap(parameters):
        own = image(parameters)[sample]
        return [
            own.mean() / wanted.mean - 1,
            own.std() / wanted.deviation - 1,
            np.log(own.max() / wanted.maximum),
            np.log(own.min() / wanted.minimum),
        ]

    start = [np.log(scenario.innovation_level), 0.0, 0.0, 0.0]
    return image(solve(gap, start, "innovation") if scenario.published_shape else start)


def _perpetual_inventory(investment: np.ndarray, scenario: Scenario) -> np.ndarray:
    """(cities, years) K_t = (1 − depreciation) K_t-1 + I_t, K_0 = I_0 / initial ratio; as the study does."""
    capital = np.empty_like(investment)
    capital[:, 0] = investment[:, 0] / scenario.initial_capital_ratio
    for period in range(1, investment.shape[1]):
        capital[:, period] = (1 - scenario.depreciation_rate) * capital[:, period - 1] + investment[:, period]
    return capital
