"""The Monte Carlo as files: a table, and a figure of bias, coverage and rejection by scenario and policy."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import altair as alt
import pandas as pd
import vl_convert

from city_policy.errors import InputError
from city_policy.simulate.montecarlo import LEVEL, monte_carlo
from city_policy.simulate.parameters import Scenario
from city_policy.simulate.world import World
from city_policy.simulate.write import write_together

# Policies of the study in a palette that colour-blind readers can tell apart (Okabe and Ito).
COLOURS = {"bcs": "#0072b2", "iic": "#e69f00", "dual": "#009e73"}
PANELS = (
    ("bias", "bias, thousandths of the index", None),
    ("coverage", "coverage of the 95 % interval", LEVEL),
    ("rejection", "rejection of no effect at 5 %", None),
)
Z = 1.96  # half-width of a 95 % interval in Monte Carlo errors
WIDTH, STEP = 200, 22


def write_monte_carlo(
    world: World,
    scenarios: Sequence[Scenario],
    replications: int,
    seed: int,
    folder: Path,
    cities: int | None = None,
) -> str:
    """Run the scenarios and write ``montecarlo.csv`` and ``montecarlo.svg`` into ``folder``.

    ``cities``: how many cities a scenario that invents its cities shall have; see
    :func:`city_policy.simulate.montecarlo.monte_carlo` for the rest.

    Returns a short text: bias, coverage and rejection per scenario, estimator and policy.

    Raises InputError for what cannot be drawn, cities asked for where none are invented, and a folder that cannot be
    written.
    """
    if cities is not None:
        real = [scenario.name for scenario in scenarios if not scenario.cities]
        if real or cities < 1:
            raise InputError(
                f"{cities} cities are asked for, but the scenario {real[0]} has the real ones; ask for 'large'."
                if real
                else f"{cities} cities are asked for; expected at least 1."
            )
        scenarios = [replace(scenario, cities=cities) for scenario in scenarios]
    table = pd.concat([monte_carlo(world, scenario, replications, seed) for scenario in scenarios], ignore_index=True)
    write_together(
        folder,
        {
            "montecarlo.csv": table.to_csv(index=False, float_format="%.6g", lineterminator="\n"),
            "montecarlo.svg": monte_carlo_figure(table),
        },
    )
    short = table[["scenario", "estimator", "policy_id", "vcov", "truth", "bias", "rmse", "coverage", "rejection"]]
    text = short.to_string(index=False, float_format=lambda value: f"{value:.4f}")
    return f"{text}\n\nSimulated, never evidence about China. Written: {folder / 'montecarlo.csv'}, montecarlo.svg"


def monte_carlo_figure(table: pd.DataFrame) -> str:
    """SVG of a table of :func:`city_policy.simulate.montecarlo.monte_carlo`, several scenarios below one another.

    iid errors are left out of the figure: the table has them.
    """
    shown = table[table["vcov"] != "iid"]
    order = list(dict.fromkeys(shown["estimator"]))
    scenarios = list(dict.fromkeys(shown["scenario"]))
    rows = [
        alt.hconcat(
            *[
                _panel(shown[shown["scenario"] == name], order, *panel, name if k == 0 else "")
                for k, panel in enumerate(PANELS)
            ]
        )
        for name in scenarios
    ]
    replications = int(table["replications"].min())
    chart = (
        alt.vconcat(*rows)
        .properties(title=f"Monte Carlo on simulated data, {replications} replications (bars: Monte Carlo error)")
        .configure_view(stroke="#cccccc")
        .configure_axis(grid=False)
    )
    return vl_convert.vegalite_to_svg(chart.to_dict())


def _panel(table: pd.DataFrame, order: list[str], measure: str, title: str, mark: float | None, scenario: str):
    unit = 1000 if measure == "bias" else 1
    value = table[measure] * unit
    error = Z * table[f"{measure}_mc_error"] * unit
    data = pd.DataFrame(
        {
            "estimator": table["estimator"],
            "policy": table["policy_id"],
            "value": value,
            "low": value - error,
            "high": value + error,
        }
    )
    base = alt.Chart(data).encode(
        y=alt.Y("estimator:N", sort=order, title=scenario or None, axis=alt.Axis(labels=bool(scenario))),
        yOffset=alt.YOffset("policy:N", sort=list(COLOURS)),
        color=alt.Color("policy:N", scale=alt.Scale(domain=list(COLOURS), range=list(COLOURS.values()))),
    )
    x = alt.X("value:Q", title=title, scale=alt.Scale() if measure == "bias" else alt.Scale(domain=[0, 1]))
    layers = [
        base.mark_rule().encode(x=alt.X("low:Q", title=title), x2="high:Q"),
        base.mark_point(filled=True).encode(x=x),
    ]
    line = 0.0 if measure == "bias" else mark
    if line is not None:
        rule = alt.Chart(pd.DataFrame({"value": [line]})).mark_rule(color="#666666", strokeDash=[3, 3])
        layers.insert(0, rule.encode(x=alt.X("value:Q", title=title)))
    return alt.layer(*layers).properties(width=WIDTH, height=STEP * len(order))
