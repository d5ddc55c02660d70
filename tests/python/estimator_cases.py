"""What the tests of the contract share: every estimator by name, options for quick runs, and one specification."""

import importlib
import pkgutil

import numpy as np
import pandas as pd
from city_policy.estimation import estimators
from city_policy.estimation.computation.space import Places
from city_policy.estimation.contract.panel import Panel
from city_policy.estimation.contract.runner import Estimator, run

MODULES = [
    importlib.import_module(f"{estimators.__name__}.{found.name}")
    for found in pkgutil.iter_modules(estimators.__path__)
]
ESTIMATORS = {name: value for module in MODULES for name, value in vars(module).items() if isinstance(value, Estimator)}
# Where the cities of all panels of these tests lie: on a lattice, half a degree from each other.
CITIES = [*(f"{city:06d}" for city in range(60)), *(f"{110000 + 100 * city}" for city in range(60))]
COORDINATES = pd.DataFrame({"adcode": CITIES})
COORDINATES["longitude"] = 105 + 0.5 * (np.arange(120) % 11)
COORDINATES["latitude"] = 28 + 0.5 * (np.arange(120) // 11)
OPTIONS = {
    "SPATIAL_INFERENCE": {"places": Places(COORDINATES)},
    "RESIDUAL_AUTOCORRELATION": {"places": Places(COORDINATES), "draws": 9, "seed": 1},
    "SPILLOVERS": {"places": Places(COORDINATES)},
    "PLACEBO": {"draws": 5, "seed": 1},
    "MEDIATION": {"draws": 5, "seed": 1},
    "GROUP_DIFFERENCES": {"draws": 5, "seed": 1},
    "ROBUST_INFERENCE": {"bootstrap_draws": 5, "wild_draws": 9, "draws": 9, "seed": 1},
    # Signs of more cities than any panel of the tests has.
    "HYPOTHESES": {"weights": np.random.default_rng(0).choice([-1.0, 1.0], (9, 2000))},
    "SPECIFICATION_CURVE": {
        "draws": 5,
        "seed": 1,
        "directions": "",
        "index": "",
        "scaling": "min_max",
        "threshold": 1.0,
    },
    "EVENT_STUDY": {"first": -4, "last": 5},
    "HONEST_DID": {"first": -4, "last": 5},
    "DOUBLE_MACHINE_LEARNING": {"seed": 1, "folds": 2, "repetitions": 1},
    "MATCHED_ROWS": {"matched": {}},
    "MATCHING": {"matched": {}},
    "BALANCE": {"matched": {}},
}


def run_one(
    name: str, estimator: Estimator, panel: Panel, controls: list[str], /, **changes
) -> tuple[pd.DataFrame, ...]:
    """The tables of ``estimator`` for one specification, which all estimators can read; ``changes``: of its cells."""
    row = {"spec_id": "one", "result": "any", "paper_table": None, "panel": None, "column_no": None}
    row |= {"estimator": "imputation", "outcome": "y", "treatment": "pilot", "lag": 0, "cluster": "adcode"}
    row |= {"sample": "north", "comparison_sample": "south", "mediator": "m", "variant": None}
    row |= {"extra_controls": None, "extra_fixed_effects": None}
    if name == "INSTRUMENTAL_VARIABLE":
        row["variant"] = "x2"
    if name == "HONEST_DID":
        row["variant"] = "two_way"
    if name == "SPILLOVERS":
        row["variant"] = "neighbours:200"
    return run(estimator, panel, pd.DataFrame([row | changes]), controls, **OPTIONS.get(name, {}))
