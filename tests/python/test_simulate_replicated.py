"""Estimators for many outcomes at once: each equals its counterpart that fits one."""

import numpy as np
import pandas as pd
import pytest
from city_policy.estimation.contract.specification import read_specifications
from city_policy.estimation.estimators.fixed_effects import estimate_fixed_effects
from city_policy.estimation.estimators.staggered import estimate_staggered
from city_policy.simulate.replicated import Rows, callaway_santanna, imputation, least_squares, sun_abraham

CONTROLS = ["x1", "x2"]


def draw(seed: int, balanced: bool = True) -> tuple[Rows, pd.DataFrame, pd.DataFrame]:
    """Rows with three outcomes, and the same as a panel with the treatment timing.

    Not balanced: early years are missing at random, and some cities are never seen treated, others always.
    """
    generator = np.random.default_rng(seed)
    years = np.arange(2011, 2020)
    first = generator.choice([0, 2014, 2015, 2017], size=60, p=[0.4, 0.2, 0.2, 0.2])
    city, year = (part.ravel() for part in np.meshgrid(np.arange(60), years, indexing="ij"))
    if not balanced:
        # Years before any treatment go missing, so that every city keeps the year before its start.
        kept = (year > 2012) | (generator.random(len(year)) < 0.6)
        kept &= ~((city % 10 == 1) & (year >= first[city])) | (first[city] == 0)
        kept &= ~((city % 10 == 2) & (year < first[city]))
        city, year = city[kept], year[kept]
    controls = generator.standard_normal((len(city), 2)) + 0.1 * (year - 2011)[:, None]
    noise = generator.standard_normal((len(city), 3))
    y = noise + generator.standard_normal(60)[city][:, None] + 0.3 * controls[:, :1]
    y[(first[city] > 0) & (year >= first[city])] += 0.7
    panel = pd.DataFrame({"adcode": [f"{c:06d}" for c in city], "year": year, "sample": True})
    panel[CONTROLS] = controls
    panel[["y0", "y1", "y2"]] = y
    timing = pd.DataFrame({"adcode": [f"{c:06d}" for c in range(60)], "policy_id": "p"})
    timing["first_treated_year"] = [int(value) if value else None for value in first]
    return Rows(city, year, first[city], controls, y), panel, timing


def specifications(estimator: str) -> pd.DataFrame:
    base = {"result": "r", "estimator": estimator, "treatment": "p", "sample": "sample"}
    return pd.DataFrame([base | {"spec_id": name, "outcome": name} for name in ("y0", "y1", "y2")])


@pytest.mark.parametrize("balanced", [True, False])
def test_least_squares_equals_the_regression(balanced):
    rows, panel, timing = draw(1, balanced)
    record = estimate_fixed_effects(panel, timing, read_specifications(specifications("fixed_effects")), CONTROLS)
    record = record[record["term"] == "p"].set_index(["vcov", "spec_id"])
    for vcov, (estimate, error, _) in least_squares(rows, rows.treated[:, None].astype("float64")).items():
        assert estimate == pytest.approx(record.loc[vcov, "estimate"].to_numpy(), rel=1e-10)
        assert error == pytest.approx(record.loc[vcov, "std_error"].to_numpy(), rel=1e-10)


@pytest.mark.parametrize(
    ("name", "function", "balanced"),
    [
        ("imputation", imputation, True),
        ("imputation", imputation, False),
        ("callaway_santanna", callaway_santanna, True),
        ("callaway_santanna", callaway_santanna, False),
        ("sun_abraham", sun_abraham, True),
        ("sun_abraham", sun_abraham, False),
    ],
)
def test_modern_estimators_equal_the_library(name, function, balanced):
    rows, panel, timing = draw(2, balanced)
    record = estimate_staggered(panel, timing, specifications(name), CONTROLS)
    average = record[record["event_time"].isna()]
    estimate, error = function(rows)[:2]
    assert estimate == pytest.approx(average["estimate"].to_numpy(), rel=1e-8)
    assert error == pytest.approx(average["std_error"].to_numpy(), rel=1e-8)
