"""Robust inference and influence against brute-force refits and against the fixed-effects record."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from city_policy.errors import InputError
from city_policy.estimation.computation.cross_products import bootstrap_weights, generator
from city_policy.estimation.estimators.fixed_effects import estimate_fixed_effects
from city_policy.estimation.estimators.robust_inference import (
    METHODS,
    _pairs_bootstrap,
    city_influence,
    robust_inference,
)
from resampling_reference import dummy_regression, repeat_cities, simulate, treatment
from scipy.stats import t as student

SPECIFICATIONS = pd.DataFrame(
    {
        "spec_id": ["one", "two"],
        "outcome": "y",
        "treatment": ["pilot", "second"],
        "sample": "everyone",
        "cluster": "adcode",
    }
)


@pytest.fixture(scope="module", params=[False, True])
def study(request):
    panel, timing = simulate(unbalanced=request.param)
    rows = robust_inference(panel, timing, SPECIFICATIONS, ["x1"], bootstrap_draws=400, wild_draws=999, seed=7)
    return panel, timing, rows


def used_rows(panel):
    return panel[panel.groupby("adcode")["year"].transform("size") > 1].reset_index(drop=True)


def test_one_row_per_specification_and_method(study):
    _, _, rows = study
    assert rows[["spec_id", "method"]].values.tolist() == [[one, m] for one in ("one", "two") for m in METHODS]
    assert (rows["status"] == "ok").all()
    assert rows["message"].isna().all()
    assert rows.groupby("spec_id")["estimate"].nunique().eq(1).all()


def test_iid_and_clustered_errors_are_those_of_the_record(study):
    panel, timing, rows = study
    full = SPECIFICATIONS.assign(
        result="r", estimator="fixed_effects", paper_table=None, panel=None, column_no=None, lag=0,
        extra_controls=None, extra_fixed_effects=None,
    )  # fmt: skip
    record = estimate_fixed_effects(panel, timing, full, ["x1"])
    record = record[record["term"] == record["treatment"]].rename(columns={"vcov": "method"})
    both = record.merge(rows, on=["spec_id", "method"], suffixes=("", "_robust"))
    assert len(both) == 4
    for name in ("estimate", "std_error", "t_stat", "p_value", "ci_low", "ci_high", "n_obs", "n_cities"):
        np.testing.assert_allclose(both[f"{name}_robust"].astype(float), both[name].astype(float), rtol=1e-9)


def test_jackknife_and_influence_equal_refitting_without_each_city(study):
    panel, timing, rows = study
    influence = city_influence(panel, timing, SPECIFICATIONS, ["x1"])
    data = used_rows(panel)
    assert influence["adcode"].tolist() == sorted(data["adcode"].unique()) * 2
    for spec_id, policy in (("one", "pilot"), ("two", "second")):
        terms = np.column_stack([treatment(data, timing, policy), data["x1"]])
        y, city, year = data["y"].to_numpy(), data["adcode"].to_numpy(), data["year"].to_numpy()
        estimate = dummy_regression(y, terms, city, year)[0][0]
        without = []
        for one in np.unique(city):
            keep = city != one
            without.append(dummy_regression(y[keep], terms[keep], city[keep], year[keep])[0][0])
        own = influence[influence["spec_id"] == spec_id]
        np.testing.assert_allclose(own["estimate_without"], without, rtol=1e-9)
        np.testing.assert_allclose(own["change"], estimate - np.array(without), rtol=1e-6, atol=1e-12)
        assert np.corrcoef(own["change"], own["linear_change"])[0, 1] > 0.99
        np.testing.assert_allclose(own["variance_share"].sum(), 1)
        g = len(without)
        error = np.sqrt((g - 1) / g * ((np.array(without) - estimate) ** 2).sum())
        row = rows[(rows["spec_id"] == spec_id) & (rows["method"] == "CRV3")].iloc[0]
        np.testing.assert_allclose(row["std_error"], error, rtol=1e-8)
        np.testing.assert_allclose(row["p_value"], 2 * student.sf(abs(estimate / error), g - 1), rtol=1e-6)


def test_the_pairs_bootstrap_equals_refitting_the_drawn_cities(study):
    panel, timing, rows = study
    data = used_rows(panel)
    y, city, year = data["y"].to_numpy(), data["adcode"].to_numpy(), data["year"].to_numpy()
    terms = np.column_stack([treatment(data, timing, "pilot"), data["x1"]])
    weights = bootstrap_weights(len(np.unique(city)), 400, generator(7, "pairs bootstrap", "everyone"))
    drawn = []
    for weight in weights:
        chosen, copies = repeat_cities(city, weight)
        drawn.append(dummy_regression(y[chosen], terms[chosen], copies, year[chosen])[0][0])
    drawn = np.array(drawn)
    row = rows[(rows["spec_id"] == "one") & (rows["method"] == "pairs_bootstrap")].iloc[0]
    np.testing.assert_allclose(row[["ci_low", "ci_high"]].astype(float), np.quantile(drawn, [0.025, 0.975]), rtol=1e-8)
    np.testing.assert_allclose(row["std_error"], drawn.std(ddof=1), rtol=1e-8)
    tail = 1 + min((drawn <= 0).sum(), (drawn >= 0).sum())
    np.testing.assert_allclose(row["p_value"], 2 * tail / 401, rtol=1e-12)


def test_the_methods_that_know_of_clusters_keep_their_level():
    # No effect, errors that hang together within cities: iid rejects too often, the others about one time in twenty.
    rejected = dict.fromkeys(METHODS, 0)
    for seed in range(120):
        # The mediator carries an effect of 0.2, which this takes back.
        panel, timing = simulate(seed=seed, effect=-0.2, cities=40)
        cities = pd.factorize(panel["adcode"], sort=True)[0]
        panel["y"] += np.random.default_rng(seed).normal(size=40)[cities] * (panel["year"] - 2014) / 2
        one = SPECIFICATIONS.head(1)
        rows = robust_inference(panel, timing, one, [], bootstrap_draws=199, wild_draws=199, seed=seed)
        for method, p in zip(rows["method"], rows["p_value"], strict=True):
            rejected[method] += p < 0.05
    for method in ("CRV1", "CRV3", "pairs_bootstrap", "wild_rademacher", "wild_webb"):
        # 6 of 120 expected; 99.9 % of binomial draws lie below 15.
        assert rejected[method] < 15, rejected
    assert rejected["iid"] > 24, rejected


def test_what_cannot_be_run_says_why_and_the_draws_do_not_depend_on_the_order():
    panel, timing = simulate()
    one_city = panel["adcode"] == panel.sort_values("adcode")["adcode"].iloc[0]
    treated = panel["adcode"].isin(
        timing[(timing["policy_id"] == "pilot") & timing["first_treated_year"].notna()]["adcode"]
    )
    panel = panel.assign(lonely=one_city, never=~treated)
    # Only one city of the sample is ever treated: without it nothing is identified.
    panel["single"] = ~treated | (panel["adcode"] == panel[treated]["adcode"].min())
    specifications = pd.concat([SPECIFICATIONS.head(1)] * 5, ignore_index=True).assign(
        spec_id=list("abcde"), sample=["lonely", "never", "single", "everyone", "absent"]
    )
    rows = robust_inference(panel, timing, specifications, ["x1"], ["x9"], 50, 99)
    status = rows.groupby("spec_id")["status"].agg(list)
    assert set(status["a"]) == {"not_identified"}
    assert set(status["b"]) == {"not_identified"}
    assert status["c"] == ["ok", *["not_identified"] * 5, "ok"]
    assert set(status["d"]) == {"ok"}
    assert set(status["e"]) == {"failed"}
    assert rows["message"].str.contains("x9").all()
    influence = city_influence(panel, timing, specifications, ["x1"], ["x9"])
    assert influence.groupby("spec_id")["adcode"].count()[["a", "b", "e"]].eq(0).all()
    single = influence[(influence["spec_id"] == "c") & influence["estimate_without"].isna()]
    assert single["message"].str.contains("does not identify the effect of pilot").tolist() == [True]
    again = robust_inference(
        panel.sample(frac=1, random_state=1), timing, specifications.iloc[::-1], ["x1"], ["x9"], 50, 99
    )
    pd.testing.assert_frame_equal(
        again.sort_values("spec_id", kind="stable", ignore_index=True), rows, check_exact=True
    )
    with pytest.raises(InputError, match="wild bootstrap was asked for 0 draws"):
        robust_inference(panel, timing, specifications, [], wild_draws=0)


@pytest.mark.parametrize(
    "drawn, p_value, notes",
    [
        ([-1.0, 1.0, 2.0, 3.0], 0.8, []),
        ([np.nan, 1.0, 2.0, 3.0], 0.5, ["1 of 4 draws could not be estimated and do not count."]),
    ],
)
def test_a_draw_without_an_estimate_does_not_count_and_is_told(drawn, p_value, notes):
    fit = SimpleNamespace(estimate=np.array(drawn)[:, None])
    cross_products = SimpleNamespace(n_cities=3, weigh=lambda weights: SimpleNamespace(regress=lambda *names: fit))
    request = SimpleNamespace(
        options={"bootstrap_draws": len(drawn), "seed": 1}, specification=SimpleNamespace(sample="sample_full")
    )
    row = _pairs_bootstrap(request, cross_products, 2.0)
    counted = [value for value in drawn if np.isfinite(value)]
    assert row["notes"] == notes and row["draws"] == len(counted)
    assert row["p_value"] == pytest.approx(p_value)
    assert row["std_error"] == pytest.approx(np.std(counted, ddof=1))
    assert row["t_stat"] == pytest.approx(2.0 / row["std_error"])
