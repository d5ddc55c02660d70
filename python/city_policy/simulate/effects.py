"""The planted effects of the policies, per city and year, from the rows of a table.

A row of the table says: while a city is treated by ``policy_id`` and belongs to ``group``, its ``measure`` moves by

    level + per_year · (e − 2),    e = year − first treated year,

and all rows add up. Measures and their units: ``product`` (log points of real product), ``innovation`` (log points
of the innovation index) and ``index`` (units of the NQP index, the direct effect, spread over the indicators).
``dual`` comes on top of ``bcs`` and ``iic``. Every number is simulated.
"""

from dataclasses import dataclass

import numpy as np

from city_policy.simulate.world import World

MEASURES = ("product", "innovation", "index")
UNITS = {
    "product": "log points of real product",
    "innovation": "log points of the innovation index",
    "index": "units of the NQP index",
}
# e − CENTRE_YEAR: where the effect has its level.
CENTRE_YEAR = 2
# The group "relief" is the terrain relief less this, no 0/1: effects may rise or fall with it.
RELIEF_CENTRE = 1.0


@dataclass(frozen=True)
class EffectRow:
    """One row of the table of effects; see the module's docstring."""

    policy_id: str
    measure: str
    group: str
    level: float
    per_year: float = 0.0


def lasting_groups(world: World) -> dict[str, np.ndarray]:
    """Group → (cities,) membership, for what the lists decide: position, resources, order, cohort and relief."""
    bcs, iic, dual = (world.first_treated[name] for name in ("bcs", "iic", "dual"))
    groups = {
        "all": np.ones(world.size),
        "relief": world.relief - RELIEF_CENTRE,
        "central": world.is_central,
        "resource": world.is_resource,
        "bcs_first": (dual > 0) & (bcs < iic),
        "iic_first": (dual > 0) & (iic < bcs),
        "same_year": (dual > 0) & (iic == bcs),
    }
    for name, first in (("bcs", bcs), ("iic", iic), ("dual", dual)):
        for year in np.unique(first[first > 0]):
            groups[f"{name}_{year}"] = first == year
    return {name: np.asarray(member, dtype=float) for name, member in groups.items()}


def effect(
    rows: tuple[EffectRow, ...],
    policy_id: str,
    measure: str,
    world: World,
    years: range,
    groups: dict[str, np.ndarray],
    anticipation_years: int = 0,
) -> np.ndarray:
    """(cities, years) effect of one policy on one measure.

    Args:
        groups: name → (cities,) or (cities, years) membership, 0/1.
        anticipation_years: by how many years the effect comes before the treatment.
    """
    first = world.first_treated[policy_id][:, None]
    event_time = np.array(years)[None, :] - first
    treated = ((first > 0) & (event_time >= -anticipation_years)).astype(float)
    total = np.zeros(treated.shape)
    for row in rows:
        if row.policy_id == policy_id and row.measure == measure:
            member = groups[row.group]
            member = member[:, None] if member.ndim == 1 else member
            total += treated * member * (row.level + row.per_year * (event_time - CENTRE_YEAR))
    return total


def beyond_the_treated(
    world: World, years: range, index_effect: np.ndarray, trend_per_year: float, spillover_share: float
) -> np.ndarray:
    """(cities, years) what breaks parallel trends, in units of the index, and is no effect on the treated.

    The cities that bcs or iic ever reaches grow by ``trend_per_year`` a year more than others; the cities that they
    never reach get ``spillover_share`` of the mean effect of their province's cities in the year.
    """
    pilot = (world.first_treated["bcs"] > 0) | (world.first_treated["iic"] > 0)
    result = trend_per_year * np.outer(pilot, np.array(years) - years[0]).astype(float)
    for province in np.unique(world.province):
        own = world.province == province
        if (own & pilot).any():
            result[own & ~pilot] += spillover_share * index_effect[own & pilot].mean(axis=0)
    return result
