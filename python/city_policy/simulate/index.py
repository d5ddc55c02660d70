"""Draw the planned index, and the raw inputs of the indicators that show it."""

import numpy as np

from city_policy.simulate.moments import ranked, solve
from city_policy.simulate.parameters import Scenario
from city_policy.simulate.world import World

# The floor of the study's scaling: an indicator at its minimum counts one half, at its maximum one.
INDEX_FLOOR = 0.5


def draw_inputs(
    streams,
    world: World,
    scenario: Scenario,
    development: np.ndarray,
    luck: np.ndarray,
    time: np.ndarray,
    covariates: dict[str, np.ndarray],
    lost: dict[str, np.ndarray],
    index_effect: np.ndarray,
    index_effect_lost: np.ndarray,
    inefficiency: np.ndarray,
    groups: dict[str, np.ndarray],
    values: dict[str, np.ndarray],
) -> tuple[np.ndarray, dict[str, list[tuple[int, int]]]]:
    """Add the raw inputs of the 24 indicators that are ratios or levels to ``values``.

    Returns:
        The planned index, (cities, years), and the (city, year) positions of every input's extremes.
    """
    drawn = _planned_index(streams, world, scenario, development, luck, time, covariates, index_effect, groups)
    index = drawn - index_effect_lost
    for name, slope in scenario.mediator_slopes:
        index = index - slope * lost[name]
    own_draws = _scores(streams, world, scenario, luck, time, drawn, inefficiency)
    change = (index - drawn) / (1 - INDEX_FLOOR)
    bases = {
        "resident": values["resident_population"],
        "area": values["land_area"],
        "employees": values["employees"],
        "nominal_gdp": values["gdp"],
        "one": np.ones(index.shape),
    }
    fiscal = (
        np.log(scenario.fiscal_level)
        + scenario.fiscal_development * development[:, None]
        + scenario.fiscal_spread * streams.scores("fiscal_expenditure level", world.size)[:, None]
        + 0.03 * streams.noise("fiscal_expenditure", *index.shape)
    )
    values["fiscal_expenditure"] = bases["nominal_gdp"] * np.exp(fiscal)
    bases["fiscal"] = values["fiscal_expenditure"]
    kept: dict[str, list[tuple[int, int]]] = {}
    for item in scenario.inputs:
        score, extremes = own_draws[item.name]
        score = score + item.slope * scenario.slope * change
        share = score if not item.negative else 1 - score
        values[item.name] = bases[item.base] * (item.low + (item.high - item.low) * share)
        kept[item.name] = extremes
    for base, names in (
        ("resident_population", ("resident",)),
        ("employees", ("employees",)),
        ("gdp", ("nominal_gdp",)),
        ("fiscal_expenditure", ("fiscal",)),
    ):
        for item in scenario.inputs:
            if item.base in names:
                kept.setdefault(base, []).extend(kept[item.name])
    return index, kept


def _planned_index(
    streams,
    world: World,
    scenario: Scenario,
    development: np.ndarray,
    luck: np.ndarray,
    time: np.ndarray,
    covariates: dict[str, np.ndarray],
    index_effect: np.ndarray,
    groups: dict[str, np.ndarray],
) -> np.ndarray:
    """(cities, years) the index that the inputs are to show; equation in the package's docstring."""
    size, periods = len(development), len(time)
    sample = ~world.excluded
    # Capitals and landmarks, where luck counts less, are quieter too.
    calm = np.where(luck < 1, scenario.tier_calm, 1.0)[:, None]
    noise = scenario.index_noise_sd * calm * streams.noise("index", size, periods, scenario.index_persistence)
    noise += scenario.index_drift_sd * streams.scores("index drift", size)[:, None] * time
    moving = _without_luck_between_groups(noise, world, scenario, groups) + index_effect
    for name, slope in (*scenario.control_slopes, *scenario.mediator_slopes):
        moving = moving + slope * covariates[name]
    # A city's mean is a matter of its level.
    moving = moving - moving.mean(axis=1, keepdims=True) + scenario.index_trend * time
    moving = moving - moving[sample].mean(axis=0) + scenario.index_trend * time
    wanted = scenario.moments_of("nqp")
    leader = np.flatnonzero(world.adcode == scenario.leader)[0]
    level = ranked(development + scenario.index_spread * luck * streams.scores("index level", size), sample, leader)
    shape = np.exp(scenario.index_shape * level)

    def image(parameters):
        constant, scale, top = parameters
        city = constant + scale * shape
        city[leader] += top
        return city[:, None] + moving

    def gap(parameters):
        own = image(parameters)[sample]
        return [
            (own.mean() - wanted.mean) / 0.01,
            own.std() / wanted.deviation - 1,
            (own.max() - wanted.maximum) / 0.01,
        ]

    if scenario.published_shape:
        return image(solve(gap, [wanted.mean, 0.01, 0.0], "the index"))
    scale = wanted.deviation / shape[sample].std()
    return image([wanted.mean - scale * shape[sample].mean(), scale, 0.0])


def _without_luck_between_groups(
    noise: np.ndarray, world: World, scenario: Scenario, groups: dict[str, np.ndarray]
) -> np.ndarray:
    """Draw the noise balanced: in every year its mean is zero in every cohort and every group of a pilot group.

    Cohorts are the sample cities with the same pilot years (few cities go together by pilot group: never, bcs alone,
    iic alone, both); groups are those of Tables 9 and 10 within the pilot groups. With D their dummies and H = D D⁺,
    noise becomes (noise − balance · H noise), divided by what is left of its standard deviation in each city,
    √(1 − (1 − (1 − balance)²) H_ii). It is the usual balanced sampling: cities are drawn at random, the groups' means
    are not. With balance 0 the noise stays as drawn.
    """
    own = np.flatnonzero(~world.excluded)
    bcs, iic = world.first_treated["bcs"], world.first_treated["iic"]
    pilot = 2 * (bcs > 0) + (iic > 0)
    cohort = 10_000 * pilot + 100 * np.maximum(bcs - 2000, 0) + np.maximum(iic - 2000, 0)
    members = [cohort == name for name in np.unique(cohort)]
    members += [(pilot == name) & (group > 0.5) for name in np.unique(pilot) for group in groups.values()]
    members += [pilot == name for name in np.unique(pilot)]
    dummies = np.stack([m[own] for m in members if m[own].sum() >= scenario.smallest_cohort], axis=1).astype(float)
    hat = dummies @ np.linalg.pinv(dummies)
    left = 1 - (1 - (1 - scenario.balance) ** 2) * np.diag(hat)
    result = noise.copy()
    result[own] = (noise[own] - scenario.balance * (hat @ noise[own])) / np.sqrt(np.maximum(left, 0.25))[:, None]
    return result


def _scores(
    streams,
    world: World,
    scenario: Scenario,
    luck: np.ndarray,
    time: np.ndarray,
    drawn: np.ndarray,
    inefficiency: np.ndarray,
) -> dict[str, tuple[np.ndarray, list[tuple[int, int]]]]:
    """Input → its place between floor (0) and ceiling (1), (cities, years), and where it touches them.

    s_jit = m_i g_ji + κ_j (U_it − its city mean) + τ_j (t − 2016) + noise,   U = (index − ½) / ½
    """
    size, periods = drawn.shape
    sample = ~world.excluded
    target = (drawn - INDEX_FLOOR) / (1 - INDEX_FLOOR)
    city = target.mean(axis=1)
    middle = city[sample].mean()
    within = target - city[:, None]
    result: dict[str, tuple[np.ndarray, list[tuple[int, int]]]] = {}
    strengths, middles = {}, {}
    for item in scenario.inputs:
        z = streams.scores(f"{item.name} level", size)
        mean = item.middle + item.level * (city - middle)
        if item.negative:
            lasting = mean + item.spread * z * np.where(luck < 1, 0.5, 1.0)
        else:
            # The spread is relative, so that no city falls through the floor, and smaller where luck counts less.
            own = item.spread * luck
            lasting = mean * np.exp(own * z - 0.5 * own**2)
        strengths[item.name], middles[item.name] = lasting - mean, mean
    # Strengths are relative: by the published weights a city's own, its efficiency included, average to nothing.
    follow = sum(item.weight for item in scenario.inputs if not item.negative)
    efficiency = -(inefficiency - inefficiency[sample].mean()) / scenario.productivity_range
    common = scenario.productivity_weight * efficiency
    common = (common + sum(item.weight * strengths[item.name] for item in scenario.inputs)) / follow
    for item in scenario.inputs:
        lasting = middles[item.name] + strengths[item.name] - (0.0 if item.negative else common)
        score = (
            lasting[:, None]
            + item.slope * scenario.slope * within
            + item.trend * time / 10
            + item.noise_sd
            * np.clip(lasting / item.middle, 0.0, 1.0)[:, None]
            * streams.noise(item.name, size, periods)
        )
        result[item.name] = (score, [])
    # Every indicator has a leader that stands at its ceiling in the last year: the whole path of the leading city is
    # lifted there, and its other indicators lowered by as much together.
    for code, led in scenario.leaders:
        place = np.flatnonzero(world.adcode == code)[0]
        lifted = 0.0
        others = [item for item in scenario.inputs if not item.negative and item.name not in led]
        for item in scenario.inputs:
            if item.name in led:
                score = result[item.name][0]
                lift = 1.0 - score[place, -1]
                score[place] += lift
                lifted += item.weight * lift
        for item in others:
            result[item.name][0][place] -= lifted / sum(other.weight for other in others)
    ordinary = np.flatnonzero(
        sample & (luck == 1) & ~world.is_central & (world.first_treated["bcs"] == 0) & (world.first_treated["iic"] == 0)
        & (city < np.median(city[sample]))
    )  # fmt: skip
    leading = {name: np.flatnonzero(world.adcode == code)[0] for code, led in scenario.leaders for name in led}
    for item in scenario.inputs:
        score = np.clip(result[item.name][0], 0.004, 0.996)
        laggard = int(streams.generator(f"laggard {item.name}").choice(ordinary))
        leader = int(leading.get(item.name, laggard))
        # The laggard of the first year stands at the floor.
        score[laggard, 0] = 0.0
        score[leader, -1] = 1.0
        result[item.name] = (score, [(laggard, 0), (leader, periods - 1)])
    return result
