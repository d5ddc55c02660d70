"""Proofs of matching: brute force, score equations of the logit, the subset handed to the fixed-effects estimator."""

import numpy as np
import pandas as pd
import pytest
from city_policy.errors import InputError
from city_policy.estimation.contract.record import RECORD_COLUMNS, NotIdentifiedError
from city_policy.estimation.contract.specification import read_specifications
from city_policy.estimation.estimators.fixed_effects import estimate_fixed_effects
from city_policy.estimation.estimators.matching import (
    BALANCE_COLUMNS,
    MATCHED_COLUMNS,
    compare_balance,
    estimate_matching,
    match_nearest,
    matched_rows,
    propensity_scores,
)
from pyfixest.estimation import feols
from scipy.stats import ttest_ind


def specification(**changes):
    row = {"spec_id": "one", "result": "robustness_effects", "estimator": "matching", "outcome": "y"}
    return pd.DataFrame([row | {"treatment": "pilot", "sample": "everyone", "cluster": "adcode"} | changes])


def simulate(seed=0, cities=40, years=6, pull=0.8):
    """Panel and timing; a third of the cities is treated, the more likely the larger x1."""
    rng = np.random.default_rng(seed)
    level = rng.normal(size=cities)
    treated = np.argsort(np.argsort(-(pull * level + rng.normal(size=cities)))) < cities // 3
    city, year = np.repeat(np.arange(cities), years), np.tile(np.arange(2011, 2011 + years), cities)
    panel = pd.DataFrame({"adcode": [f"{c:06d}" for c in city], "year": year, "everyone": True})
    panel["x1"] = level[city] + 0.5 * rng.normal(size=len(city))
    panel["x2"] = 1e4 * rng.normal(size=len(city))
    panel["y"] = city + panel["x1"] + (treated[city] & (year >= 2014)) + rng.normal(size=len(city))
    panel.loc[[3, 50], "x1"] = np.nan
    timing = pd.DataFrame({"adcode": [f"{c:06d}" for c in range(cities)], "policy_id": "pilot"})
    timing["first_treated_year"] = pd.Series([2014 if t else None for t in treated], dtype="Int64")
    return panel, timing


def match(panel, timing, specifications, controls):
    """Estimates, balance and rows: the match is made once, and the two others read it."""
    rows = matched_rows(panel, timing, specifications, controls)
    # In no order, as a table scan may give them.
    scanned = rows.sample(frac=1, random_state=1)
    estimates = estimate_matching(panel, timing, specifications, controls, [], scanned)
    return estimates, compare_balance(panel, timing, specifications, controls, scanned), rows


def by_brute_force(score, treated):
    low = max(min(score[treated]), min(score[~treated]))
    high = min(max(score[treated]), max(score[~treated]))
    support = [low <= s <= high for s in score]
    weight, neighbour = [0.0] * len(score), [-1] * len(score)
    for i in range(len(score)):
        if treated[i] and support[i]:
            best = None
            for j in range(len(score)):
                if not treated[j] and support[j]:
                    distance = abs(score[i] - score[j])
                    if best is None or distance < best[0]:
                        best = (distance, j)
            weight[i], neighbour[i] = 1.0, best[1]
            weight[best[1]] += 1.0
    return support, weight, neighbour


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("grid", [8, 64, None])
def test_neighbours_and_support_equal_brute_force_also_with_ties(seed, grid):
    rng = np.random.default_rng(seed)
    treated = rng.random(60) < 0.4
    score = np.clip(0.3 + 0.2 * treated + 0.2 * rng.normal(size=60), 0.01, 0.99)
    if grid:
        # Multiples of a power of two: equal distances are exactly equal.
        score = np.round(score * grid) / grid
    support, weight, neighbour = match_nearest(score, treated)
    expected = by_brute_force(score, treated)
    assert support.tolist() == expected[0]
    assert weight.tolist() == expected[1]
    assert neighbour.tolist() == expected[2]


def test_groups_that_do_not_overlap_have_no_neighbours():
    with pytest.raises(NotIdentifiedError, match="do not overlap"):
        match_nearest(np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, False, True, True]))


def test_the_scores_solve_the_equations_of_the_unpenalised_logit():
    rng = np.random.default_rng(1)
    x = np.column_stack([rng.normal(size=300), 1e5 + 1e4 * rng.normal(size=300)])
    treated = rng.random(300) < 1 / (1 + np.exp(-2 * x[:, 0]))
    score = propensity_scores(treated, x)
    scaled = (x - x.mean(axis=0)) / x.std(axis=0)
    design = np.column_stack([np.ones(300), scaled])
    # Score equations, and log odds that are linear in the covariates: together the maximum of the likelihood.
    np.testing.assert_allclose(design.T @ (treated - score), 0, atol=1e-8)
    odds = np.log(score / (1 - score))
    np.testing.assert_allclose(design @ np.linalg.lstsq(design, odds, rcond=None)[0], odds, atol=1e-9)


def test_separated_groups_have_no_logit():
    x = np.arange(20.0)[:, None]
    with pytest.raises(NotIdentifiedError, match="no finite estimate"):
        propensity_scores(x[:, 0] > 9, x)
    with pytest.raises(NotIdentifiedError, match="collinear"):
        propensity_scores(x[:, 0] % 2 > 0, np.column_stack([x, 2 * x]))


@pytest.mark.parametrize("variant", [None, "matched", "matched_weighted"])
def test_the_whole_chain_by_hand(variant):
    panel, timing = simulate()
    controls = ["x1", "x2"]
    estimates, balance, rows = match(panel, timing, specification(variant=variant), controls)
    used = panel.dropna().sort_values(["adcode", "year"], ignore_index=True)
    first = used["adcode"].map(timing.set_index("adcode")["first_treated_year"])
    treated = first.notna().to_numpy()
    score = propensity_scores(treated, used[controls].to_numpy())
    support, weight, neighbour = by_brute_force(score, treated)
    support, weight = np.array(support), np.array(weight)

    assert rows["adcode"].tolist() == used["adcode"].tolist() and rows["year"].tolist() == used["year"].tolist()
    np.testing.assert_allclose(rows["propensity_score"], score, rtol=1e-12)
    assert rows["on_support"].tolist() == support.tolist()
    assert rows["weight"].tolist() == weight.tolist()
    assert (rows["role"] == "treated").tolist() == treated.tolist()
    partner = [None if j < 0 else used["adcode"].iloc[j] for j in neighbour]
    assert [None if pd.isna(a) else a for a in rows["neighbour_adcode"]] == partner
    # Something is off the support, some control serves twice and some not at all: the case is not trivial.
    assert (~support).any() and weight.max() > 1 and ((weight == 0) & support).any()

    kept = weight > 0 if variant else support
    assert rows["kept"].tolist() == kept.tolist()
    if variant == "matched_weighted":
        weighted_by_hand(estimates, used[kept], first[kept], weight[kept], controls)
    else:
        expected = estimate_fixed_effects(used[kept], timing, read_specifications(specification()), controls)
        columns = ["term", "vcov", "estimate", "std_error", "n_obs", "n_cities", "n_treated_cities", "r2"]
        pd.testing.assert_frame_equal(estimates[columns], expected[columns], check_exact=False, rtol=1e-10)
    assert (estimates["sample"] == "everyone").all()
    assert estimates["message"].str.contains("matched").all()

    # The balance is that of the rows and weights that are regressed.
    regressed = {None: support, "matched": weight > 0, "matched_weighted": weight}[variant]
    assert balance["stage"].unique().tolist() == ["before", variant or "common_support"]
    for stage, counted in (("before", np.ones(len(used))), (variant or "common_support", regressed)):
        row = balance[(balance["stage"] == stage) & (balance["variable"] == "x1")].iloc[0]
        often = counted.astype(int)
        one = np.repeat(used["x1"].to_numpy()[treated], often[treated])
        two = np.repeat(used["x1"].to_numpy()[~treated], often[~treated])
        test = ttest_ind(one, two)
        spread = np.sqrt((used["x1"][treated].var() + used["x1"][~treated].var()) / 2)
        assert (row["n_treated"], row["n_control"]) == (len(one), len(two))
        assert row["mean_treated"] == pytest.approx(one.mean()) and row["mean_control"] == pytest.approx(two.mean())
        assert row["standardised_bias_percent"] == pytest.approx(100 * (one.mean() - two.mean()) / spread)
        assert row["t_stat"] == pytest.approx(test.statistic) and row["p_value"] == pytest.approx(test.pvalue)
        assert row["variance_ratio"] == pytest.approx(one.var(ddof=1) / two.var(ddof=1))


def weighted_by_hand(estimates, used, first, weight, controls):
    """Weighted least squares on dummies, and pyfixest's; rows are counted once each."""
    sizes = used.groupby("adcode")["year"].transform("size")
    used, first, weight = (frame[(sizes > 1).to_numpy()] for frame in (used, first, weight))
    pilot = (used["year"] >= first.astype("float64")).to_numpy(dtype=float)
    scaled = used[controls].to_numpy() * [1, 1e-4]
    dummies = [pd.get_dummies(used[name], dtype=float).to_numpy() for name in ("adcode", "year")]
    dummies[1] = dummies[1][:, 1:]
    design = np.column_stack([pilot, scaled, *dummies]) * np.sqrt(weight)[:, None]
    y = used["y"].to_numpy() * np.sqrt(weight)
    coefficients = np.linalg.lstsq(design, y, rcond=None)[0]
    e = y - design @ coefficients
    by_term = estimates.set_index(["vcov", "term"])
    assert by_term.loc[("CRV1", "pilot"), "estimate"] == pytest.approx(coefficients[0], rel=1e-10)
    assert by_term.loc[("CRV1", "x2"), "estimate"] == pytest.approx(coefficients[2] * 1e-4, rel=1e-10)
    n, cities, years = len(used), used["adcode"].nunique(), used["year"].nunique()
    moves = pd.Series(np.linalg.pinv(design)[0] * e).groupby(used["adcode"].to_numpy()).sum()
    factor = cities / (cities - 1) * (n - 1) / (n - 3 - years)
    assert by_term.loc[("CRV1", "pilot"), "std_error"] == pytest.approx(np.sqrt(factor * (moves @ moves)), rel=1e-9)
    iid = np.sqrt(e @ e / (n - np.linalg.matrix_rank(design)) * (np.linalg.pinv(design)[0] ** 2).sum())
    assert by_term.loc[("iid", "pilot"), "std_error"] == pytest.approx(iid, rel=1e-9)
    mean = np.average(used["y"], weights=weight)
    assert estimates["r2"].iloc[0] == pytest.approx(1 - e @ e / (weight @ (used["y"] - mean) ** 2), rel=1e-10)
    constant = mean - np.average(np.column_stack([pilot, scaled]), axis=0, weights=weight) @ coefficients[:3]
    assert by_term.loc[("iid", "(Intercept)"), "estimate"] == pytest.approx(constant, rel=1e-9)
    assert estimates["n_obs"].iloc[0] == n
    data = used.assign(pilot=pilot, s1=scaled[:, 0], s2=scaled[:, 1], w=weight)
    witness = feols("y ~ pilot + s1 + s2 | adcode + year", data, weights="w", vcov={"CRV1": "adcode"})
    assert witness.coef()["pilot"] == pytest.approx(coefficients[0], rel=1e-8)


def test_matching_balances_what_drove_the_choice():
    panel, timing = simulate(2, cities=150)
    _, balance, _ = match(panel, timing, specification(variant="matched_weighted"), ["x1", "x2"])
    bias = balance[balance["variable"] == "x1"].set_index("stage")["standardised_bias_percent"]
    assert bias["before"] > 50
    assert abs(bias["matched_weighted"]) < 10


def test_scores_do_not_lose_their_digits_where_a_covariate_is_nearly_another():
    rng = np.random.default_rng(4)
    x, z = rng.normal(size=(2, 400))
    treated = rng.random(400) < 1 / (1 + np.exp(-x - z))
    expected = propensity_scores(treated, np.column_stack([x, z]))
    nearly = propensity_scores(treated, np.column_stack([x, x + 1e-8 * z]))
    np.testing.assert_allclose(nearly, expected, rtol=1e-6)


def test_estimates_and_balance_read_the_match_and_do_not_make_it_again(monkeypatch):
    panel, timing = simulate(5)
    both = pd.concat([specification(), specification(spec_id="two", variant="matched")])
    expected = match(panel, timing, both, ["x1", "x2"])
    rows = expected[2]

    def again(*arguments):
        raise AssertionError("a second match")

    monkeypatch.setattr("city_policy.estimation.estimators.matching.propensity_scores", again)
    estimates = estimate_matching(panel, timing, both, ["x1", "x2"], [], rows)
    balance = compare_balance(panel, timing, both, ["x1", "x2"], rows)
    for ours, theirs in zip((estimates, balance), expected, strict=False):
        assert (ours["status"] == "ok").all()
        pd.testing.assert_frame_equal(ours, theirs, check_exact=True)
    foreign = rows.assign(year=rows["year"] + 100)
    with pytest.raises(InputError, match="which the panel does not have"):
        compare_balance(panel, timing, both, ["x1", "x2"], foreign)


def test_row_order_does_not_matter_and_types_are_declared():
    panel, timing = simulate(3)
    straight = match(panel, timing, specification(), ["x1", "x2"])
    shuffled = match(panel.sample(frac=1, random_state=1), timing.iloc[::-1], specification(), ["x1", "x2"])
    declared = (RECORD_COLUMNS, BALANCE_COLUMNS, MATCHED_COLUMNS)
    for ours, theirs, columns in zip(straight, shuffled, declared, strict=True):
        pd.testing.assert_frame_equal(ours, theirs, check_exact=True)
        assert {name: str(dtype) for name, dtype in ours.dtypes.items()} == columns


@pytest.mark.parametrize(
    ("changes", "controls", "status", "sentence"),
    [
        ({"variant": "kernel"}, ["x1"], "failed", "'kernel' is unknown"),
        ({"treatment": "x2"}, ["x1"], "failed", "0 and 1"),
        ({"treatment": "nothing"}, ["x1"], "failed", "neither a policy"),
        ({}, [], "not_identified", "needs a control"),
        ({}, ["ever"], "not_identified", "no finite estimate"),
        ({"sample": "pilots"}, ["x1"], "not_identified", "Every city"),
        ({"sample": "others"}, ["x1"], "not_identified", "No city"),
    ],
)
def test_what_cannot_be_run_is_a_row_with_a_sentence(changes, controls, status, sentence):
    panel, timing = simulate(4)
    ever = panel["adcode"].map(timing.set_index("adcode")["first_treated_year"]).notna()
    panel = panel.assign(ever=ever.astype(float), pilots=ever, others=~ever)
    estimates, balance, rows = match(panel, timing, specification(**changes), controls)
    assert estimates["vcov"].tolist() == ["iid", "CRV1"] and len(balance) == 1 and len(rows) == 0
    for frame in (estimates, balance):
        assert (frame["status"] == status).all()
        assert frame["message"].str.contains(sentence, regex=False).all()
