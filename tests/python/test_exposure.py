"""How a policy enters a regression: every variant against a column made by hand, and what few treated cities make of it."""

import numpy as np
import pandas as pd
import pytest
from city_policy.errors import InputError
from city_policy.estimation.computation.regression import FEW_CLUSTERS, effective_number
from city_policy.estimation.contract.exposure import Exposure
from city_policy.estimation.estimators.cross_check import fit_with_pyfixest
from city_policy.estimation.estimators.fixed_effects import estimate_fixed_effects
from city_policy.estimation.estimators.placebo import placebo
from city_policy.estimation.estimators.robust_inference import robust_inference

VARIANTS = [None, "anticipation:1", "anticipation:2", "without_first:1", "without_first:3", "exposure", "dose:size"]


def specification(**changes):
    row = {"spec_id": "one", "result": "robustness_effects", "estimator": "fixed_effects", "outcome": "y"}
    row |= {"treatment": "pilot", "sample": "everyone", "paper_table": None, "panel": None, "column_no": None, "lag": 0}
    row |= {"extra_controls": None, "extra_fixed_effects": None, "cluster": "adcode"}
    return pd.DataFrame([row | changes])


def simulate(treated=20, cities=60, seed=0):
    """Panel and timing; the effect grows by 0.3 a year and with the size of the city."""
    rng = np.random.default_rng(seed)
    years = np.arange(2011, 2021)
    city, year = np.repeat(np.arange(cities), len(years)), np.tile(years, cities)
    starts = np.where(np.arange(cities) < treated, 2013.0 + np.arange(cities) % 4, np.nan)
    panel = pd.DataFrame({"adcode": [f"{c:06d}" for c in city], "year": year, "everyone": True})
    panel["size"] = rng.uniform(1, 3, cities)[city] + 0.1 * rng.normal(size=len(city))
    panel["x"] = rng.normal(size=len(city))
    e = year - starts[city]
    panel["y"] = city / 9 + panel["x"] + 0.3 * np.nan_to_num(np.maximum(e + 1, 0)) + rng.normal(size=len(city))
    timing = pd.DataFrame({"adcode": [f"{c:06d}" for c in range(cities)], "policy_id": "pilot"})
    timing["first_treated_year"] = starts
    return panel, timing


def by_hand(panel, timing, variant, lag=0):
    """The column of the policy, row by row."""
    start = panel["adcode"].map(timing.set_index("adcode")["first_treated_year"])
    column = []
    for year, first, size in zip(panel["year"] - lag, start, panel["size"], strict=True):
        kind, _, rest = (variant or "").partition(":")
        if kind == "anticipation":
            first -= int(rest)
        value = float(year >= first)
        if kind == "without_first" and first <= year < first + int(rest):
            value = np.nan
        if kind == "exposure":
            value = max(year - first + 1, 0) if first == first else 0.0
        if kind == "dose":
            value *= size
        column.append(value)
    return np.array(column)


@pytest.mark.parametrize("lag", [0, 2])
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_is_the_regression_on_the_column_that_it_names(variant, lag):
    panel, timing = simulate()
    panel["by_hand"] = by_hand(panel, timing, variant, lag)
    if lag:
        # A lag has no value before the panel, as for a policy without a variant.
        panel.loc[panel["year"] < 2011 + lag, "by_hand"] = np.nan if variant is None else panel["by_hand"]
    ours = estimate_fixed_effects(panel, timing, specification(variant=variant, lag=lag), ["x"])
    theirs = estimate_fixed_effects(panel, timing, specification(treatment="by_hand"), ["x"])
    assert (ours["status"] == "ok").all()
    for name in ("estimate", "std_error", "p_value", "n_obs", "n_dropped_missing", "r2"):
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)
    said = ours["message"].iloc[0]
    assert pd.isna(said) if variant is None else isinstance(said, str)
    # What resamples and what witnesses run the same regression.
    robust = robust_inference(panel, timing, specification(variant=variant, lag=lag), ["x"], (), 20, 20, 20)
    robust = robust.set_index("method")
    expected = ours[(ours["term"] == "pilot") & (ours["vcov"] == "CRV1")].iloc[0]
    assert robust.loc["CRV1", "estimate"] == pytest.approx(expected["estimate"], rel=1e-10)
    assert robust.loc["CRV1", "std_error"] == pytest.approx(expected["std_error"], rel=1e-10)
    dealt = robust.loc["randomisation"]
    if (variant or "").startswith("without_first"):
        assert dealt["status"] == "not_identified" and "chooses rows by the start" in dealt["message"]
    else:
        assert dealt["status"] == "ok" and dealt["t_stat"] == pytest.approx(expected["t_stat"], rel=1e-9)
        assert 0 < dealt["p_value"] <= 1
    witness = fit_with_pyfixest(panel, timing, specification(variant=variant, lag=lag), ["x"])
    witness = witness[(witness["term"] == "pilot") & (witness["vcov"] == "CRV1")].iloc[0]
    assert witness["pyfixest_estimate"] == pytest.approx(expected["estimate"], rel=1e-8)
    assert witness["pyfixest_std_error"] == pytest.approx(expected["std_error"], rel=1e-8)


@pytest.mark.parametrize("variant", ["anticipation:2", "exposure", "dose:size"])
def test_dealt_starts_make_the_variant_of_the_dealt_start(variant):
    """Every draw refitted by hand."""
    panel, timing = simulate(treated=12, cities=30)
    panel["size"] = panel.groupby("adcode")["size"].transform("mean")
    one = specification(variant=variant)
    draws, summary = placebo(panel, timing, one, ["x"], draws=6, seed=3)
    actual = estimate_fixed_effects(panel, timing, one, ["x"])
    assert summary["estimate"].iloc[0] == pytest.approx(actual["estimate"].iloc[0], rel=1e-9)
    starts = np.nan_to_num(timing["first_treated_year"].to_numpy(), nan=np.inf)
    cohorts, cohort = np.unique(starts, return_inverse=True)
    from city_policy.estimation.computation.cross_products import generator, permutations

    dealt = permutations(cohort, 6, generator(3, "placebo", "pilot", 0, "everyone"))
    for draw, own in zip(draws["estimate"], dealt, strict=True):
        other = timing.assign(first_treated_year=np.where(np.isinf(cohorts[own]), np.nan, cohorts[own]))
        refitted = estimate_fixed_effects(panel, other, one, ["x"])
        assert draw == pytest.approx(refitted["estimate"].iloc[0], rel=1e-8)


@pytest.mark.parametrize(
    "variant", ["anticipation", "anticipation:0", "anticipation:x", "dose", "exposure:2", "later:1"]
)
def test_a_variant_that_is_not_understood_is_a_sentence(variant):
    panel, timing = simulate()
    with pytest.raises(InputError, match="is unknown; expected nothing, anticipation:1, without_first:1"):
        Exposure.of(variant)
    rows = estimate_fixed_effects(panel, timing, specification(variant=variant), ["x"])
    assert (rows["status"] == "failed").all() and rows["message"].str.contains("is unknown").all()
    rows = estimate_fixed_effects(panel, timing, specification(variant="exposure", treatment="size"), ["x"])
    assert (rows["status"] == "failed").all() and rows["message"].str.contains("needs a start").all()


def test_the_effective_number_of_clusters():
    assert effective_number(np.ones(7)) == pytest.approx(7)
    assert effective_number(np.array([1.0, 0, 0])) == pytest.approx(1)
    assert effective_number(np.array([2.0, 1.0])) == pytest.approx(9 / 5)
    assert np.isnan(effective_number(np.zeros(3)))


@pytest.mark.parametrize("swapped", [False, True])
def test_few_treated_cities_are_told_and_one_has_no_clustered_error(swapped):
    for treated, expected in ((1, "not_identified"), (3, "ok"), (40, "ok")):
        panel, timing = simulate(treated=treated, cities=80)
        timing["first_treated_year"] = np.where(timing["first_treated_year"].notna(), 2015.0, np.nan)
        if swapped:
            # As few cities that are never treated are as few.
            never = timing["first_treated_year"].notna()
            timing["first_treated_year"] = np.where(never, np.nan, 2015.0)
        rows = estimate_fixed_effects(panel, timing, specification(), ["x"])
        row = rows[(rows["term"] == "pilot") & (rows["vcov"] == "CRV1")].iloc[0]
        assert row["status"] == expected
        robust = robust_inference(panel, timing, specification(), ["x"], (), 50, 99, 99).set_index("method")
        # Equal cities at one start: the effective number is that of the smaller group, nearly.
        effective = robust.loc["CRV1", "effective_cities"]
        assert effective == pytest.approx(treated if treated < 10 else 80, rel=0.15)
        if treated == 1:
            assert pd.isna(row["p_value"]) and "cannot be estimated" in row["message"]
            assert (robust["status"] == "ok").sum() == 2 and robust.loc["randomisation", "p_value"] > 0
        elif treated == 3:
            assert f"below {FEW_CLUSTERS} clustered errors are too small" in row["message"]
            assert robust.loc["CRV3", "message"] == robust.loc["CRV1", "message"] == row["message"]
        else:
            assert pd.isna(row["message"])


def test_size_with_three_treated_cities():
    """No effect and errors that hang together: CRV1 rejects a true null far too often, and the row says so; dealing
    start years keeps the level.
    """
    rng = np.random.default_rng(5)
    rejected = dict.fromkeys(("CRV1", "wild_webb", "randomisation"), 0)
    for _ in range(150):
        panel, timing = simulate(treated=3, cities=60, seed=int(rng.integers(1e9)))
        timing["first_treated_year"] = np.where(timing["first_treated_year"].notna(), 2015.0, np.nan)
        drift = np.repeat(rng.normal(size=60), 10) * np.tile(np.arange(10), 60) / 5
        panel["y"] = panel["x"] + drift + rng.normal(size=len(panel))
        rows = robust_inference(panel, timing, specification(), ["x"], (), 1, 199, 199).set_index("method")
        assert "clustered errors are too small" in rows.loc["CRV1", "message"]
        for method in rejected:
            rejected[method] += rows.loc[method, "p_value"] < 0.05
    assert rejected["CRV1"] > 20  # of 150, 7.5 expected of a test that keeps its level
    assert rejected["wild_webb"] <= 15 and rejected["randomisation"] <= 15
