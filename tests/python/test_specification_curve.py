"""The specification curve: every point and every dealt draw refitted, index schemes by hand, the size of its test."""

import numpy as np
import pandas as pd
import pytest
from city_policy.errors import InputError
from city_policy.estimation.computation.cross_products import generator, permutations
from city_policy.estimation.computation.dealt_starts import DealtStarts
from city_policy.estimation.estimators.fixed_effects import estimate_fixed_effects
from city_policy.estimation.estimators.specification_curve import specification_curve
from city_policy.estimation.estimators.staggered import estimate_staggered
from city_policy.index.coupling import entropy_weights
from city_policy.index.schemes import Scheme, critic_weights, index_by_scheme, winsorised
from city_policy.index.weights import component_weights

DIRECTIONS = {"a": 1, "b": -1, "c": 1}


def simulate(cities=36, seed=0, effect=0.4, gaps=False):
    """Panel, timing and indicators; the second is better when lower."""
    rng = np.random.default_rng(seed)
    years = np.arange(2011, 2019)
    city, year = np.repeat(np.arange(cities), len(years)), np.tile(years, cities)
    starts = np.where(np.arange(cities) % 3 == 0, 2013.0, np.where(np.arange(cities) % 3 == 1, 2016.0, np.nan))
    panel = pd.DataFrame({"adcode": [f"{c:06d}" for c in city], "year": year, "everyone": True})
    panel["north"] = city < cities // 2
    panel["x1"], panel["x2"] = rng.normal(size=(2, len(city)))
    treated = (year >= starts[city]).astype(float)
    common = effect * treated + 0.2 * panel["x1"] + rng.normal(size=cities)[city]
    indicators = panel[["adcode", "year"]].copy()
    for name, sign in DIRECTIONS.items():
        indicators[name] = sign * common + 0.5 * rng.normal(size=len(city)) ** 3
    panel["y"] = common + rng.normal(size=len(city))
    if gaps:
        panel = panel[rng.random(len(panel)) < 0.85]
    timing = pd.DataFrame({"adcode": [f"{c:06d}" for c in range(cities)], "policy_id": "pilot"})
    timing["first_treated_year"] = starts
    return panel.reset_index(drop=True), timing, indicators


def specification(**changes):
    row = {"spec_id": "one", "outcome": "y", "treatment": "pilot", "sample": "everyone", "variant": "north"}
    row |= {"result": "specification_curve", "estimator": "specification_curve"}
    return pd.DataFrame([row | changes])


def refit(panel, timing, row):
    """The effect of one combination by the estimators of the build."""
    controls = {"all": ["x1", "x2"], "none": [], "without x1": ["x2"], "without x2": ["x1"]}[row["controls"]]
    one = specification(estimator="imputation", sample=row["sample"], variant=None, paper_table=None, panel=None)
    one = one.assign(column_no=None, lag=0, extra_controls=None, extra_fixed_effects=None, cluster="adcode")
    if row["estimator"] == "imputation":
        rows = estimate_staggered(panel, timing, one, controls)
        return rows[rows["event_time"].isna()].iloc[0]
    rows = estimate_fixed_effects(panel, timing, one.assign(estimator="fixed_effects"), controls)
    return rows[(rows["term"] == "pilot") & (rows["vcov"] == "CRV1")].iloc[0]


@pytest.mark.parametrize("gaps", [False, True])
def test_every_point_is_the_estimate_of_the_build(gaps):
    panel, timing, _ = simulate(gaps=gaps)
    curve, test = specification_curve(panel, timing, specification(), ["x1", "x2"], draws=9)
    # Three ways to winsorise, four sets of controls, two samples, two estimators.
    assert len(curve) == 48 and (curve["status"] == "ok").all() and test["n_regressions"].tolist() == [48]
    assert curve["is_main"].sum() == 1
    for _, row in curve[curve["winsorised_percent"] == 0].iterrows():
        expected = refit(panel, timing, row)
        assert row["estimate"] * row["outcome_std_dev"] == pytest.approx(expected["estimate"], rel=1e-6)
        assert row["std_error"] * row["outcome_std_dev"] == pytest.approx(expected["std_error"], rel=1e-5)
        assert row["n_obs"] == expected["n_obs"] and row["n_cities"] == expected["n_cities"]
        if row["estimator"] == "two_way":
            assert row["p_value"] == pytest.approx(expected["p_value"], rel=1e-8)
    cut = panel.assign(y=winsorised(panel["y"].to_numpy(), 5))
    row = curve[(curve["winsorised_percent"] == 5) & (curve["controls"] == "all")].iloc[0]
    assert row["estimate"] * row["outcome_std_dev"] == pytest.approx(refit(cut, timing, row)["estimate"], rel=1e-9)
    assert test["median"].iloc[0] == pytest.approx(curve["estimate"].median())
    assert test["significant_share"].iloc[0] == pytest.approx((curve["p_value"] < 0.05).mean())


@pytest.mark.parametrize("gaps", [False, True])
def test_every_dealt_draw_equals_refitting(gaps):
    panel, timing, _ = simulate(gaps=gaps, cities=24)
    ordered = panel.sort_values(["adcode", "year"])
    codes, city = np.unique(ordered["adcode"], return_inverse=True)
    start = np.nan_to_num(timing.set_index("adcode")["first_treated_year"][codes].to_numpy(), nan=np.inf)
    fit = DealtStarts(
        city, ordered["year"].to_numpy(), start, ordered[["x1", "x2"]].to_numpy(), ordered[["y"]].to_numpy()
    )
    dealt = permutations(start, 5, generator(1, "x"))
    sets = {"all": [0, 1], "none": [], "without x1": [1]}
    drawn = fit.deal(dealt, list(sets.values()))
    for draw in range(5):
        other = pd.DataFrame({"adcode": codes, "policy_id": "pilot"})
        other["first_treated_year"] = np.where(np.isinf(dealt[draw]), np.nan, dealt[draw])
        for estimator in ("two_way", "imputation"):
            for number, controls in enumerate(sets):
                row = {"controls": controls, "sample": "everyone", "estimator": estimator}
                expected = refit(panel, other, row)["estimate"]
                assert drawn[estimator][number][draw, 0] == pytest.approx(expected, rel=1e-6)
    # The real start years are one draw of them.
    real = fit.deal(start[None], [[0, 1]])
    for estimator in ("two_way", "imputation"):
        assert real[estimator][0][0, 0] == pytest.approx(fit.fit(estimator, [0, 1]).estimate[0], rel=1e-9)


def test_a_draw_that_untreated_rows_cannot_tell_is_no_estimate_and_costs_no_other():
    rng = np.random.default_rng(4)
    city, year = np.repeat(np.arange(12), 6), np.tile(np.arange(2011, 2017), 12)
    # Only rows of the first city from 2014 on say anything of the second control.
    alone = np.where((city == 0) & (year >= 2014), rng.normal(size=72), 0.0)
    controls, y = np.column_stack([rng.normal(size=72), alone]), rng.normal(size=(72, 2))
    start = np.where(np.arange(12) < 6, 2014.0, np.inf)
    dealt = np.array([start, start[::-1], np.roll(start, 3), np.roll(start, -1), np.repeat(2014.0, 12)])
    fit = DealtStarts(city, year, start, controls, y)
    sets = [[0, 1], [0], []]
    drawn = fit.deal(dealt, sets)
    unknown = []
    for estimator in ("two_way", "imputation"):
        for number, chosen in enumerate(sets):
            refitted = [DealtStarts(city, year, one, controls, y).fit(estimator, chosen).estimate for one in dealt]
            np.testing.assert_allclose(drawn[estimator][number], refitted, rtol=1e-6)
            unknown.append(np.isnan(drawn[estimator][number][:, 0]).nonzero()[0].tolist())
    # Nobody is left untreated in the last draw; the first city is treated in the first and the fourth.
    assert unknown == [[4], [4], [4], [0, 3, 4], [4], [4]]


def test_an_index_is_made_by_every_scheme_and_the_main_one_is_the_studys():
    panel, timing, indicators = simulate()
    weights = component_weights(indicators, DIRECTIONS).indicators.set_index("indicator")["weight"]
    unit = {
        name: (sign * indicators[name] - (sign * indicators[name]).min()) / np.ptp(indicators[name])
        for name, sign in DIRECTIONS.items()
    }
    panel["index"] = sum(weights[name] * unit[name] for name in DIRECTIONS)
    one = specification(outcome="index", variant=None)
    curve, _ = specification_curve(
        panel, timing, one, ["x1", "x2"], indicators=indicators, directions=DIRECTIONS, index="index", draws=5
    )
    assert len(curve) == 5 * 2 * 3 * 4 * 2
    main = curve[curve["is_main"]]
    assert main[["index_weights", "scaling", "winsorised_percent"]].values.tolist() == [["components", "min_max", 0]]
    expected = refit(panel.assign(y=panel["index"]), timing, main.iloc[0])
    assert main["estimate"].iloc[0] == pytest.approx(expected["estimate"] / panel["index"].std(), rel=1e-9)
    # The p value knows no unit.
    assert main["p_value"].iloc[0] == pytest.approx(expected["p_value"], rel=1e-7)


def test_schemes_by_hand():
    _, _, indicators = simulate(cities=10)
    found = dict(index_by_scheme(indicators, DIRECTIONS))
    assert len(found) == 30
    signed = indicators[list(DIRECTIONS)].to_numpy() * [1, -1, 1]
    unit = (signed - signed.min(axis=0)) / np.ptp(signed, axis=0)
    standard = (signed - signed.mean(axis=0)) / signed.std(axis=0, ddof=1)
    np.testing.assert_allclose(found[Scheme("equal", "min_max", 0)], unit.mean(axis=1))
    np.testing.assert_allclose(found[Scheme("equal", "z_score", 0)], standard.mean(axis=1), atol=1e-12)
    entropy = entropy_weights(indicators, DIRECTIONS).indicators["weight"].to_numpy()
    np.testing.assert_allclose(found[Scheme("entropy", "min_max", 0)], unit @ entropy)
    weighted = unit * entropy
    best = np.sqrt(((weighted - weighted.max(axis=0)) ** 2).sum(axis=1))
    worst = np.sqrt(((weighted - weighted.min(axis=0)) ** 2).sum(axis=1))
    np.testing.assert_allclose(found[Scheme("topsis", "min_max", 0)], worst / (best + worst))
    low, high = np.quantile(indicators["a"], [0.05, 0.95])
    cut = winsorised(indicators["a"].to_numpy(), 5)
    np.testing.assert_allclose(cut, indicators["a"].clip(low, high))
    # CRITIC of three indicators, two of them the same: conflict 0 + (1 - r) and 2 (1 - r).
    x, z = np.random.default_rng(0).normal(size=(2, 50))
    r = np.corrcoef(x, z)[0, 1]
    spread = [np.std((v - v.min()) / np.ptp(v), ddof=1) for v in (x, x, z)]
    by_hand = np.array(spread) * [1 - r, 1 - r, 2 * (1 - r)]
    np.testing.assert_allclose(critic_weights(np.column_stack([x, x, z])), by_hand / by_hand.sum())


def test_what_cannot_be_drawn_is_a_row_and_order_does_not_matter():
    panel, timing, _ = simulate()
    panel["nobody"] = False
    both = pd.concat(
        [
            specification(),
            specification(spec_id="absent", outcome="nothing"),
            specification(spec_id="sample", variant="nowhere"),
            specification(spec_id="empty", variant="nobody"),
            specification(spec_id="column", treatment="x1"),
        ]
    )
    curve, test = specification_curve(panel, timing, both, ["x1"], ["z"], draws=7)
    status = test.set_index("spec_id")["status"]
    assert status.to_dict() == {
        "one": "ok", "absent": "failed", "sample": "failed", "empty": "not_identified", "column": "failed",
    }  # fmt: skip
    for frame in (curve, test):
        assert frame.loc[frame["status"] != "ok", "message"].notna().all()
    again = specification_curve(panel.sample(frac=1, random_state=0), timing.iloc[::-1], both, ["x1"], ["z"], draws=7)
    pd.testing.assert_frame_equal(again[0], curve, check_exact=True)
    pd.testing.assert_frame_equal(again[1], test, check_exact=True)
    with pytest.raises(InputError, match="asked for 0 draws"):
        specification_curve(panel, timing, both, [], draws=0)


def test_the_joint_test_keeps_its_level_and_finds_an_effect():
    rejected, found = 0, 0
    for seed in range(100):
        panel, timing, _ = simulate(seed=seed, effect=0.0)
        # Errors that hang together within a city.
        panel["y"] += np.repeat(np.random.default_rng(seed).normal(size=36), 8) * (panel["year"] - 2014) / 4
        for effect in (0.0, 0.8):
            start = panel["adcode"].map(timing.set_index("adcode")["first_treated_year"])
            moved = panel.assign(y=panel["y"] + effect * (panel["year"] >= start))
            _, test = specification_curve(moved, timing, specification(variant=None), ["x1"], draws=99, seed=seed)
            p = test["median_p"].iloc[0]
            rejected, found = rejected + (effect == 0 and p < 0.05), found + (effect > 0 and p < 0.05)
    # 5 of 100 expected; 99.9 % of binomial draws lie below 13.
    assert rejected < 13 and found > 40
