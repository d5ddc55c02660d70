"""Proofs of double machine learning: a known effect, cross-fitting by hand, invariance."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from city_policy.errors import InputError
from city_policy.estimation.contract.record import RECORD_COLUMNS
from city_policy.estimation.contract.specification import read_specifications
from city_policy.estimation.estimators.double_machine_learning import _splits, estimate_double_machine_learning
from city_policy.estimation.estimators.fixed_effects import estimate_fixed_effects

TRUTH = 0.5


def specification(**changes):
    row = {"spec_id": "one", "result": "robustness_effects", "estimator": "double_machine_learning", "outcome": "y"}
    return pd.DataFrame([row | {"treatment": "d", "sample": "everyone", "cluster": "adcode"} | changes])


def simulate(seed=0, cities=120, years=8):
    """Panel and timing; squares and products of the controls move both the treatment and the outcome."""
    rng = np.random.default_rng(seed)
    city, year = np.repeat(np.arange(cities), years), np.tile(np.arange(2011, 2011 + years), cities)
    n = len(city)
    panel = pd.DataFrame({"adcode": [f"{c:06d}" for c in city], "year": year, "everyone": True})
    for name, size in (("x1", 1.0), ("x2", 1e4), ("x3", 1e-3)):
        panel[name] = size * (rng.normal(size=n) + 0.5 * rng.normal(size=cities)[city])
    x1, x2 = panel["x1"], panel["x2"] / 1e4
    common = x1**2 + x1 * x2
    serial = rng.normal(size=cities)[city] * (year - 2014) / 4
    panel["d"] = 0.5 * common + 0.3 * x1 + city / 50 + rng.normal(size=n) + serial
    panel["y"] = TRUTH * panel["d"] + common - x2 + city / 20 + year / 5 + rng.normal(size=n)
    panel["y"] += rng.normal(size=cities)[city] * (year - 2014) / 4
    timing = pd.DataFrame({"adcode": [f"{c:06d}" for c in range(cities)], "policy_id": "pilot"})
    timing["first_treated_year"] = pd.Series([2014 if c % 3 == 0 else None for c in range(cities)], dtype="Int64")
    return panel, timing


CONTROLS = ["x1", "x2", "x3"]


@pytest.mark.parametrize("seed", range(4))
def test_the_planted_effect_lies_within_three_standard_errors_where_linear_controls_fail(seed):
    panel, timing = simulate(seed)
    ours = estimate_double_machine_learning(panel, timing, specification(), CONTROLS).set_index("vcov").loc["CRV1"]
    assert ours["status"] == "ok" and ours["term"] == "d"
    assert abs(ours["estimate"] - TRUTH) < 3 * ours["std_error"]
    assert ours["std_error"] < 0.1
    linear = estimate_fixed_effects(panel, timing, read_specifications(specification()), CONTROLS)
    linear = linear[(linear["term"] == "d") & (linear["vcov"] == "CRV1")].iloc[0]
    assert abs(linear["estimate"] - TRUTH) > 3 * linear["std_error"]


def test_equals_cross_fitting_by_hand():
    from sklearn.linear_model import LassoCV

    panel, timing = simulate(1, cities=40)
    ours = estimate_double_machine_learning(
        panel, timing, specification(), CONTROLS, seed=7, folds=4, repetitions=3
    ).set_index("vcov")
    z = (panel[CONTROLS] - panel[CONTROLS].mean()) / panel[CONTROLS].std(ddof=0)
    columns = [panel["y"], panel["d"], *(z[name] for name in CONTROLS)]
    columns += [z[a] * z[b] for i, a in enumerate(CONTROLS) for b in CONTROLS[i:]]
    dummies = np.column_stack(
        [pd.get_dummies(panel["adcode"], dtype=float), pd.get_dummies(panel["year"], dtype=float).iloc[:, 1:]]
    )
    data = np.column_stack(columns)
    data -= dummies @ np.linalg.lstsq(dummies, data, rcond=None)[0]
    data /= data.std(axis=0) * np.r_[1 / data.std(axis=0)[:2], np.ones(data.shape[1] - 2)]
    y, d, x = data[:, 0], data[:, 1], data[:, 2:]
    city = pd.factorize(panel["adcode"])[0]
    rng = np.random.default_rng(7)
    results = []
    for _ in range(3):
        u, v = np.empty(len(y)), np.empty(len(y))
        for train, test in _splits(city, 4, rng):
            for target, left in ((y, u), (d, v)):
                lasso = LassoCV(cv=3, alphas=50, fit_intercept=False, max_iter=10_000)
                lasso.fit(x[train], target[train] / target.std())
                left[test] = target[test] - lasso.predict(x[test]) * target.std()
        b = v @ u / (v @ v)
        e = u - b * v
        scores = np.bincount(city, v * e)
        n, effects = len(y), 40 + 7
        factor = 40 / 39 * (n - 1) / (n - 1 - 1 - 7)
        results.append((b, e @ e / (n - 1 - effects) / (v @ v), factor * (scores @ scores) / (v @ v) ** 2))
    b, iid, clustered = np.array(results).T
    middle = np.median(b)
    for vcov, variance in (("iid", iid), ("CRV1", clustered)):
        assert ours.loc[vcov, "estimate"] == pytest.approx(middle, rel=1e-6)
        expected = np.sqrt(np.median(variance + (b - middle) ** 2))
        assert ours.loc[vcov, "std_error"] == pytest.approx(expected, rel=1e-6)
    assert np.ptp(b) > 0


def test_a_city_lies_in_one_fold_and_every_row_is_tested_once():
    city = np.repeat(np.arange(23), 5)
    splits = _splits(city, 4, np.random.default_rng(0))
    assert sorted(np.concatenate([test for _, test in splits])) == list(range(len(city)))
    for train, test in splits:
        assert not set(city[train]) & set(city[test])
        assert len(train) + len(test) == len(city)


def test_neither_row_order_nor_other_specifications_nor_a_second_run_matter():
    panel, timing = simulate(2, cities=40)
    straight = estimate_double_machine_learning(panel, timing, specification(), CONTROLS, repetitions=2)
    both = pd.concat([specification(spec_id="zero", treatment="pilot"), specification()])
    shuffled = estimate_double_machine_learning(
        panel.sample(frac=1, random_state=1), timing.sample(frac=1, random_state=1), both, CONTROLS, repetitions=2
    )
    pd.testing.assert_frame_equal(
        straight, shuffled[shuffled["spec_id"] == "one"].reset_index(drop=True), check_exact=True
    )
    assert {name: str(dtype) for name, dtype in straight.dtypes.items()} == RECORD_COLUMNS
    other = estimate_double_machine_learning(panel, timing, specification(), CONTROLS, seed=1, repetitions=2)
    assert other["estimate"].iloc[0] != straight["estimate"].iloc[0]


def test_pythons_hash_seed_does_not_matter():
    script = (
        "from test_double_machine_learning import *\n"
        "panel, timing = simulate(3, cities=30)\n"
        "rows = estimate_double_machine_learning(panel, timing, specification(), CONTROLS, repetitions=1)\n"
        "print(rows[['estimate', 'std_error']].to_numpy().tolist())\n"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=Path(__file__).parent,
            env=os.environ | {"PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in (0, 1)
    }
    assert len(printed) == 1 and printed.pop().startswith("[[")


@pytest.mark.parametrize(
    ("changes", "controls", "status", "sentence"),
    [
        ({"treatment": "nothing"}, CONTROLS, "failed", "neither a policy"),
        ({}, [], "not_identified", "needs a control"),
        ({"treatment": "never"}, CONTROLS, "not_identified", "No city"),
        ({"treatment": "fixed"}, CONTROLS, "not_identified", "fixed is collinear"),
        ({"sample": "few"}, CONTROLS, "not_identified", "too few for 5 folds"),
    ],
)
def test_what_cannot_be_run_is_a_row_with_a_sentence(changes, controls, status, sentence):
    panel, timing = simulate(4, cities=20)
    number = panel["adcode"].astype(int)
    panel = panel.assign(never=0, fixed=number + 0.5, few=number < 9)
    rows = estimate_double_machine_learning(panel, timing, specification(**changes), controls, ["fintech"])
    assert rows["vcov"].tolist() == ["iid", "CRV1"]
    assert (rows["status"] == status).all()
    assert rows["message"].str.contains(sentence, regex=False).all()
    assert rows["message"].str.contains("fintech").all()


def test_a_single_fold_is_refused():
    panel, timing = simulate(5, cities=20)
    with pytest.raises(InputError, match="1 folds"):
        estimate_double_machine_learning(panel, timing, specification(), CONTROLS, folds=1)
