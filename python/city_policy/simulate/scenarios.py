"""The scenarios: each a row of ``scenarios.csv``, its effects the rows of ``effects.csv`` with its set's name."""

import csv
from dataclasses import replace
from importlib.resources import files

from city_policy.errors import InputError
from city_policy.simulate.effects import EffectRow
from city_policy.simulate.parameters import Scenario

DEFAULT_SCENARIO = "paper"


def _rows(name: str) -> list[dict[str, str]]:
    text = files("city_policy.simulate").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def scenario_names() -> list[str]:
    """The names of the scenarios, in the order of the table."""
    return [row["scenario"] for row in _rows("scenarios.csv")]


def scenarios_with_real_cities() -> list[str]:
    """The names of the scenarios that do not invent their cities."""
    return [row["scenario"] for row in _rows("scenarios.csv") if not row["cities"]]


def scenario_description(name: str) -> str:
    """What a scenario is for, in a sentence."""
    return _row(name)["description"]


def _row(name: str) -> dict[str, str]:
    for row in _rows("scenarios.csv"):
        if row["scenario"] == name:
            return row
    raise InputError(f"There is no scenario '{name}'; choose one of {', '.join(scenario_names())}.")


def effect_rows(name: str) -> tuple[EffectRow, ...]:
    """The planted effects of a set, in the order of the table."""
    return tuple(
        EffectRow(row["policy_id"], row["measure"], row["group"], float(row["level"]), float(row["per_year"]))
        for row in _rows("effects.csv")
        if row["effects"] == name
    )


def scenario(name: str = DEFAULT_SCENARIO) -> Scenario:
    """All parameters of a scenario.

    Raises:
        InputError: there is no scenario of this name.
    """
    row = _row(name)
    return replace(
        Scenario(),
        name=name,
        effects=effect_rows(row["effects"]),
        anticipation_years=int(row["anticipation_years"]),
        trend_per_year=float(row["trend_per_year"]),
        spillover_share=float(row["spillover_share"]),
        balance=float(row["balance"]),
        published_shape=row["published_shape"] == "1",
        cities=int(row["cities"]) if row["cities"] else None,
    )
