"""What was planted: the effect of every policy on every raw input, in log points."""

from dataclasses import dataclass

from city_policy.simulate.parameters import Scenario


@dataclass(frozen=True)
class PlantedEffect:
    """Planted effect of one policy on one raw input, in log points; ``total`` is the sum of the three parts.

    ``via_product`` runs through the city's real product (agglomeration), also where the input is a share of
    it; ``via_innovation`` through the innovation index.
    """

    policy_id: str
    raw_input: str
    direct: float
    via_product: float
    via_innovation: float

    @property
    def total(self) -> float:
        return self.direct + self.via_product + self.via_innovation


def planted_effects(scenario: Scenario) -> list[PlantedEffect]:
    """Every policy's effect on every raw input that it moves, mediators first."""
    direct = {(effect.policy_id, effect.raw_input): 0.0 for effect in scenario.effects}
    for effect in scenario.effects:
        direct[effect.policy_id, effect.raw_input] += effect.log_points
    inputs = {item.name: item for item in scenario.inputs}
    result = []
    for policy_id in dict.fromkeys(effect.policy_id for effect in scenario.effects):
        product = direct.get((policy_id, "gdp"), 0.0)
        innovation = direct.get((policy_id, "innovation_index"), 0.0)
        result.append(PlantedEffect(policy_id, "gdp", product, 0.0, 0.0))
        result.append(PlantedEffect(policy_id, "innovation_index", innovation, 0.0, 0.0))

        through_product = {"real_gdp": product, "nominal_gdp": product}
        through_innovation: dict[str, float] = {}
        of_base = {"resident": 0.0, "area": 0.0, "one": 0.0}
        for name, item in inputs.items():
            base_direct = of_base.get(item.base, 0.0)
            part = PlantedEffect(
                policy_id,
                name,
                direct.get((policy_id, name), 0.0) + base_direct,
                item.via_product * product + through_product.get(item.base, 0.0),
                item.via_innovation * innovation + through_innovation.get(item.base, 0.0),
            )
            # An input that is itself the base of others hands its effect on.
            base_name = {"fiscal_expenditure": "fiscal", "employees": "employees"}.get(name)
            if base_name:
                of_base[base_name] = part.direct
                through_product[base_name] = part.via_product
                through_innovation[base_name] = part.via_innovation
            if part.total:
                result.append(part)
    return result
