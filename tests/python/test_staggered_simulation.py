"""The estimators of staggered policies where the truth is known: a small run of bench/coverage.py, and its two-way tests."""

import importlib.util

import numpy as np
import pandas as pd
import pytest
from city_policy.estimation.estimators.fixed_effects import estimate_fixed_effects


@pytest.fixture(scope="module")
def coverage(project):
    found = importlib.util.spec_from_file_location("coverage_program", project / "bench" / "coverage.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def panel(coverage):
    return coverage.empty_panel(60, {2013: 10, 2015: 12, 2016: 8}, range(2011, 2019))


def test_effects_of_any_shape_are_found_with_the_weights_that_are_stated(coverage, panel):
    """What an estimator misses is noise, so it is the same for constant, growing and cohort-specific effects."""
    table = coverage.simulate(panel, 3, 1).set_index(["estimator", "scenario"])["bias"].unstack()
    robust = table.drop("two_way")
    assert len(robust) == 8
    assert robust["growing"].to_numpy() == pytest.approx(robust["constant"].to_numpy(), abs=1e-6)
    assert robust["by cohort"].to_numpy() == pytest.approx(robust["constant"].to_numpy(), abs=1e-6)
    assert table.loc["two_way", "growing"] < table.loc["two_way", "constant"] - 0.05


def test_means_are_at_the_truth_and_intervals_cover_it(coverage, panel):
    """100 draws: a coverage of 95 % has a Monte Carlo error of 2.2 points, an error's ratio of 7 %.

    The estimate of imputation is that of extended two-way here; its intervals have the Monte Carlo of the index.
    """
    names = [name for name in coverage.ESTIMATORS if name not in ("two_way", "imputation")]
    table = coverage.simulate(panel, 100, 2, ["growing"], names).set_index("estimator")
    assert len(table) == 7
    assert (table["bias"].abs() < 3 * table["bias_mc_error"]).all(), table
    assert table["coverage"].between(0.88, 1.0).all(), table
    assert table["error_to_spread"].between(0.8, 1.25).all(), table


def test_two_way_of_the_program_is_that_of_the_build(coverage, panel):
    from dataclasses import replace

    rows = replace(panel, outcome=coverage.noise(np.random.default_rng(3), 60, 8) + coverage.planted(panel, "growing"))
    (effect,) = coverage.two_way(rows).effects
    frame = pd.DataFrame({"adcode": rows.adcodes[rows.city], "year": rows.years[rows.year - 1], "y": rows.outcome})
    starts = [rows.calendar(g) if g else None for g in rows.cohort]
    timing = pd.DataFrame({"adcode": rows.adcodes, "policy_id": "policy", "first_treated_year": starts})
    asked = {"spec_id": "one", "result": "any", "outcome": "y", "treatment": "policy", "sample": "everyone"}
    asked |= {"estimator": "fixed_effects", "lag": 0}
    for name in ("paper_table", "panel", "column_no", "extra_controls", "extra_fixed_effects", "cluster"):
        asked[name] = None
    record = estimate_fixed_effects(frame.assign(everyone=True), timing, pd.DataFrame([asked]), [])
    built = record[(record["vcov"] == "CRV1") & (record["term"] == "policy")].iloc[0]
    for name in ("estimate", "std_error", "p_value", "ci_low"):
        assert effect[name] == pytest.approx(built[name], rel=1e-10)


def test_few_treated_cities_are_too_few_for_clustered_errors(coverage):
    """Three treated cities: CRV1 rejects a true null far too often, the randomisation test does not."""
    sizes = coverage.few_treated(3, 60, 4)
    assert sizes["CRV1"] > 0.1 and sizes["randomisation"] < 0.15
    assert set(sizes) == {"iid", "CRV1", "CRV3", "wild_rademacher", "wild_webb", "randomisation"}
