"""Panels that hardly hold anything: few cities, years or rows, what does not vary, what is missing, what is collinear.

Whatever is wrong with the data of a user becomes rows with a status and a sentence, and never ends a build.
"""

import warnings

import numpy as np
import pandas as pd
import pytest
from city_policy.estimation.contract.panel import Panel
from city_policy.estimation.estimators.staggered import ESTIMATORS as STAGGERED_ESTIMATORS
from estimator_cases import ESTIMATORS, run_one


def degenerate(seed):
    """A panel of at most 13 cities and six years, and its treatment timing; every kind of defect at random."""
    rng = np.random.default_rng(seed)
    cities, years, step = rng.integers(1, 14), rng.integers(1, 7), rng.choice([1, 1, 1, 3])
    city, year = np.repeat(np.arange(cities), years), np.tile(2011 + step * np.arange(years), cities)
    n = len(city)
    panel = pd.DataFrame({"adcode": [f"{c:06d}" for c in city], "year": year})
    panel["x1"] = rng.choice([0, 1]) * rng.normal(size=n) + rng.choice([0, 1]) * rng.normal(size=cities)[city]
    panel["x2"] = rng.choice([0, 1]) * (year - 2011.0) + rng.choice([0, 1e-9, 1]) * rng.normal(size=n)
    if rng.random() < 0.2:
        panel["x2"] = panel["x1"]
    panel["m"] = rng.choice([0, 1, 1]) * rng.normal(size=n)
    panel["y"] = rng.choice([0, 1, 1, 1]) * rng.normal(size=n) + rng.choice([0, 1]) * city
    for name in ("x1", "x2", "m", "y"):
        if rng.random() < 0.3:
            panel.loc[rng.random(n) < rng.choice([0.1, 0.5, 1]), name] = np.nan
    panel["everyone"] = rng.random(n) < rng.choice([1, 1, 0.8, 0.4])
    panel["north"] = (rng.random(cities) < 0.5)[city] if rng.random() < 0.6 else rng.random(n) < 0.5
    panel["south"] = ~panel["north"] if rng.random() < 0.8 else rng.random(n) < 0.7
    panel["country"] = 1
    if rng.random() < 0.4:
        panel = panel[rng.random(n) < 0.75]
    starts = rng.choice([2009, 2011, 2012, 2013, 2014, 2015, 2017, 2030, np.nan], size=cities)
    if rng.random() < 0.5:
        starts = rng.choice([2013, np.nan], size=cities)
    timing = pd.DataFrame({"adcode": [f"{c:06d}" for c in range(cities)], "policy_id": "pilot"})
    timing["first_treated_year"] = starts
    return panel, timing, [name for name in ("x1", "x2") if rng.random() < 0.6]


@pytest.mark.parametrize("name", ESTIMATORS)
def test_whatever_is_wrong_with_the_data_is_a_row(name):
    changes = {
        "INSTRUMENTAL_VARIABLE": [{"variant": variant} for variant in ("x2", "x1 m", "m:year", "m:pilot")],
        "STAGGERED": [{"estimator": one} for one in STAGGERED_ESTIMATORS],
        "GROUP_DIFFERENCES": [{"sample": "north"}],
        "SPILLOVERS": [
            {"variant": one}
            for one in ("rings", "neighbours:100", "neighbours_by_distance:400", "without_neighbours:60")
        ],
        "FIXED_EFFECTS": [{}, {"cluster": "country"}],
        "EVENT_STUDY": [{}, {"cluster": "country"}],
        "HONEST_DID": [
            *({"variant": one} for one in ("two_way", "imputation", "sun_abraham")),
            {"variant": "two_way", "cluster": "country"},
        ],
    }
    identified = 0
    for seed in range(40):
        panel, timing, controls = degenerate(seed)
        for change in changes.get(name, [{}]):
            with warnings.catch_warnings():
                # Divisions by zero are what is tested.
                warnings.simplefilter("ignore")
                tables = run_one(
                    name, ESTIMATORS[name], Panel(panel, timing), controls, **{"sample": "everyone"} | change
                )
            for table in tables:
                if "status" not in table:
                    identified += len(table)
                    continue
                ok = table["status"] == "ok"
                identified += ok.sum()
                assert len(table), (name, seed)
                assert table.loc[~ok, "message"].notna().all(), (name, seed)
                for column in {"estimate", "std_error", "p_value"} & set(table.columns):
                    assert np.isfinite(table.loc[ok, column].dropna().astype(float)).all(), (name, seed, column)
    # The panels are not so bad that nothing is ever estimated.
    assert identified or name == "DOUBLE_MACHINE_LEARNING"
