"""What was planted, on the scale of the planned index: the average effect on the treated, and its parts.

The effect of a policy in a treated city and year is the planned index less what it would be without the policy. A
city without one of two pilots does not hold both, so that

    bcs:  the rows of bcs and dual are taken away          iic:  the rows of iic and dual
    dual: the rows of bcs, iic and dual (both against none) others: their own rows

    total = direct + κ_a EG (1 − exp(−E_product)) + κ_n I (1 − exp(−E_innovation))

with E the sum of the rows taken away and κ the slopes of the two mediators. Averages are over treated city-years of
the sample. Every number is simulated.
"""

from dataclasses import dataclass

import numpy as np

from city_policy.simulate.effects import MEASURES
from city_policy.simulate.process import Panel

TAKEN_AWAY = {
    "bcs": ("bcs", "dual"),
    "iic": ("iic", "dual"),
    "dual": ("bcs", "iic", "dual"),
    "big_data_zone": ("big_data_zone",),
    "five_g_pilot": ("five_g_pilot",),
}


@dataclass(frozen=True)
class PlantedAverage:
    """Average planted effect on the treated of a group, in units of the index; ``event_time`` None = all years."""

    policy_id: str
    group: str
    event_time: int | None
    city_years: int
    total: float
    direct: float
    through_agglomeration: float
    through_innovation: float


def planted_parts(panel: Panel, policies: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(cities, years) direct effect of the policies' rows, and their effects through agglomeration and innovation."""
    nothing = np.zeros((panel.world.size, len(panel.scenario.years)))
    taken = {measure: sum((panel.effects[name][measure] for name in policies), nothing) for measure in MEASURES}
    slopes = dict(panel.scenario.mediator_slopes)
    return (
        taken["index"],
        slopes["agglomeration"] * panel.covariates["agglomeration"] * (1 - np.exp(-taken["product"])),
        slopes["innovation"] * panel.covariates["innovation"] * (1 - np.exp(-taken["innovation"])),
    )


def effect_of(panel: Panel, policies: tuple[str, ...]) -> np.ndarray:
    """(cities, years) effect of the policies' rows on the planned index."""
    direct, agglomeration, innovation = planted_parts(panel, policies)
    return direct + agglomeration + innovation


def planted_averages(panel: Panel) -> list[PlantedAverage]:
    """Averages per policy: all treated, by event time (of cities with one pilot too), and by the groups of
    Tables 9 and 10."""
    world, years = panel.world, panel.scenario.years
    sample = ~world.excluded
    whole = np.ones((world.size, len(years)), dtype=bool)
    lasting = {
        name: np.repeat(member[:, None].astype(bool), len(years), axis=1) for name, member in _lasting(panel).items()
    }
    moving = {
        "large": panel.covariates["large"] > 0,
        "small_medium": panel.covariates["large"] == 0,
        "soft_target": panel.covariates["soft_target"] > 0,
        "hard_target": panel.covariates["soft_target"] == 0,
        "not_raised_target": panel.covariates["not_raised"] > 0,
        "raised_target": panel.covariates["not_raised"] == 0,
    }
    result = []
    for policy_id in TAKEN_AWAY:
        if policy_id not in world.first_treated:
            continue
        parts = planted_parts(panel, TAKEN_AWAY[policy_id])
        treated = (world.treated(policy_id, years) > 0) & sample[:, None]
        event_time = np.array(years)[None, :] - world.first_treated[policy_id][:, None]
        cells = [("all", None, whole)]
        times = np.unique(event_time[treated]).tolist()
        cells += [("all", e, event_time == e) for e in times]
        cells += [("single", e, lasting["single"] & (event_time == e)) for e in times]
        cells += [(name, None, member) for name, member in (lasting | moving).items()]
        for group, when, member in cells:
            chosen = treated & member
            if chosen.any():
                means = [float(part[chosen].mean()) for part in parts]
                result.append(PlantedAverage(policy_id, group, when, int(chosen.sum()), sum(means), *means))
    return result


def _lasting(panel: Panel) -> dict[str, np.ndarray]:
    world = panel.world
    bcs, iic, dual = (world.first_treated[name] for name in ("bcs", "iic", "dual"))
    return {
        "single": ((bcs > 0) | (iic > 0)) & (dual == 0),
        "both": dual > 0,
        "bcs_first": (dual > 0) & (bcs < iic),
        "iic_first": (dual > 0) & (iic < bcs),
        "same_year": (dual > 0) & (bcs == iic),
        "resource": world.is_resource,
        "non_resource": ~world.is_resource,
        "central": world.is_central,
        "peripheral": ~world.is_central,
    }
