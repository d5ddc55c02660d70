"""Proofs of the Goodman-Bacon decomposition: bacondecomp's printed values, dummy regressions of every pair, diff-diff."""

import numpy as np
import pandas as pd
import pytest
from city_policy.estimation.estimators.bacon import COMPONENT_COLUMNS, GROUP_COLUMNS, decompose_bacon


def specification(**changes):
    row = {"spec_id": "one", "result": "bacon_decomposition", "estimator": "bacon", "outcome": "y"}
    return pd.DataFrame([row | {"treatment": "pilot", "sample": "everyone", "cluster": "adcode"} | changes])


def simulate(seed, cities=30, years=8, starts=(2011, 2013, 2014, 2017, None)):
    """Panel and timing; every start occurs, cohort sizes differ."""
    rng = np.random.default_rng(seed)
    chosen = [starts[c] if c < len(starts) else starts[rng.integers(len(starts))] for c in range(cities)]
    panel = pd.DataFrame(
        {
            "adcode": np.repeat([f"{c:06d}" for c in range(cities)], years),
            "year": np.tile(np.arange(2011, 2011 + years), cities),
            "everyone": True,
        }
    )
    panel["y"] = rng.normal(size=len(panel)) + np.repeat(rng.normal(size=cities), years)
    timing = pd.DataFrame({"adcode": [f"{c:06d}" for c in range(cities)], "policy_id": "pilot"})
    timing["first_treated_year"] = pd.Series(chosen, dtype="Int64")
    return panel, timing


def switched_on(panel, timing):
    start = panel["adcode"].map(timing.set_index("adcode")["first_treated_year"]).to_numpy(dtype="float64")
    return (panel["year"].to_numpy() >= start).astype(float), start


def twfe(panel, d):
    """Estimate, and sum of squares of the treatment with city and year dummies projected out."""
    dummies = np.column_stack(
        [pd.get_dummies(panel["adcode"], dtype=float), pd.get_dummies(panel["year"], dtype=float)]
    )
    left = d - dummies @ np.linalg.lstsq(dummies, d, rcond=None)[0]
    return left @ panel["y"].to_numpy() / (left @ left), left @ left


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("starts", [(2011, 2013, 2014, 2017, None), (2013, 2015), (2009, 2016), (2012, 2030)])
def test_weights_sum_to_one_and_the_weighted_sum_is_the_two_way_estimate(seed, starts):
    panel, timing = simulate(seed, starts=starts)
    components, groups = decompose_bacon(panel, timing, specification())
    expected, _ = twfe(panel, switched_on(panel, timing)[0])
    assert components["weight"].sum() == pytest.approx(1, abs=1e-12)
    assert (components["weight"] > 0).all()
    assert (components["weight"] * components["estimate"]).sum() == pytest.approx(expected, abs=1e-10)
    total = groups[groups["comparison"] == "weighted_total"].iloc[0]
    parts = groups[groups["comparison"] != "weighted_total"]
    assert total["estimate"] == pytest.approx(expected, abs=1e-10)
    assert total["twfe_estimate"] == pytest.approx(expected, abs=1e-10)
    assert parts["weight"].sum() == pytest.approx(1, abs=1e-12)
    assert (parts["weight"] * parts["estimate"]).sum() == pytest.approx(expected, abs=1e-10)


def test_every_comparison_is_the_two_way_regression_of_its_cities_and_years():
    panel, timing = simulate(4)
    components, _ = decompose_bacon(panel, timing, specification())
    d, start = switched_on(panel, timing)
    never, always = np.isnan(start), start <= 2011
    variances = []
    for row in components.itertuples():
        treated = start == row.treated_cohort
        control = {"never_treated": never, "always_treated": always}.get(row.comparison, start == row.control_cohort)
        rows = treated | control
        if row.comparison == "later_treated_as_control":
            rows &= panel["year"] < row.control_cohort
        elif row.comparison == "earlier_treated_as_control":
            rows &= panel["year"] >= row.control_cohort
        assert row.n_treated_cities == panel.loc[treated, "adcode"].nunique()
        assert row.n_control_cities == panel.loc[control, "adcode"].nunique()
        estimate, square = twfe(panel[rows], d[rows])
        assert row.estimate == pytest.approx(estimate, abs=1e-10), row
        # Goodman-Bacon's weight: rows of the comparison squared times its variance of the swept treatment.
        variances.append(rows.sum() ** 2 * square / rows.sum())
    np.testing.assert_allclose(components["weight"], np.array(variances) / np.sum(variances), rtol=1e-9)
    # Three cohorts within the years: three pairs both ways, and each against never and always treated.
    assert components["comparison"].value_counts().to_dict() == {
        "later_treated_as_control": 3,
        "earlier_treated_as_control": 3,
        "never_treated": 3,
        "always_treated": 3,
    }


@pytest.mark.parametrize(
    ("file", "unit", "outcome", "expected", "total"),
    [
        # R package bacondecomp, values from the README of the benchmarks.
        ("castle", "state", "l_homicide", [(0.05976, -0.00554), (0.03190, 0.07032), (0.90834, 0.08796)], 0.0818),
        ("simulated_panel", "city", "y", [(0.09633, 0.31144), (0.11963, 0.06626), (0.78404, 0.30344)], None),
    ],
)
def test_published_decompositions(shared, file, unit, outcome, expected, total):
    panel = pd.read_csv(shared / "benchmarks" / f"{file}.csv")
    panel = panel.assign(adcode=panel[unit].astype(str), everyone=True)
    on = panel[panel["post" if file == "castle" else "treat"] == 1]
    timing = on.groupby("adcode", as_index=False)["year"].min().rename(columns={"year": "first_treated_year"})
    _, groups = decompose_bacon(panel, timing.assign(policy_id="pilot"), specification(outcome=outcome))
    assert groups["comparison"].tolist() == [
        "later_treated_as_control",
        "earlier_treated_as_control",
        "never_treated",
        "weighted_total",
    ]
    np.testing.assert_allclose(groups[["weight", "estimate"]].to_numpy()[:3], expected, atol=5.1e-6)
    if total:
        assert groups["estimate"].iloc[3] == pytest.approx(total, abs=5.1e-5)


def test_agrees_with_diff_diff():
    diff_diff = pytest.importorskip("diff_diff")
    panel, timing = simulate(7, starts=(2013, 2014, 2017, None))
    _, groups = decompose_bacon(panel, timing, specification())
    start = panel["adcode"].map(timing.set_index("adcode")["first_treated_year"])
    theirs = diff_diff.BaconDecomposition(weights="exact").fit(
        panel.assign(start=start.fillna(0).astype(int)), outcome="y", unit="adcode", time="year", first_treat="start"
    )
    ours = groups.set_index("comparison")
    assert theirs.twfe_estimate == pytest.approx(ours.loc["weighted_total", "estimate"], abs=1e-10)
    for name, comparison in (
        ("treated_vs_never", "never_treated"),
        ("earlier_vs_later", "later_treated_as_control"),
        ("later_vs_earlier", "earlier_treated_as_control"),
    ):
        assert getattr(theirs, f"total_weight_{name}") == pytest.approx(ours.loc[comparison, "weight"], abs=1e-10)
        assert getattr(theirs, f"weighted_avg_{name}") == pytest.approx(ours.loc[comparison, "estimate"], abs=1e-10)


def test_row_order_does_not_matter_and_types_are_declared():
    panel, timing = simulate(1)
    straight = decompose_bacon(panel, timing, specification())
    shuffled = decompose_bacon(panel.sample(frac=1, random_state=1), timing.iloc[::-1], specification())
    for ours, theirs, columns in zip(straight, shuffled, (COMPONENT_COLUMNS, GROUP_COLUMNS), strict=True):
        pd.testing.assert_frame_equal(ours, theirs, check_exact=True)
        assert {name: str(dtype) for name, dtype in ours.dtypes.items()} == columns


def test_an_unbalanced_panel_is_not_decomposed():
    panel, timing = simulate(2)
    cases = {
        "gone": panel.drop(index=5),
        "missing": panel.assign(y=panel["y"].mask(panel.index == 5)),
    }
    for name, broken in cases.items():
        for frame in decompose_bacon(broken, timing, specification()):
            assert len(frame) == 1, name
            assert frame["status"].item() == "not_identified"
            assert "balanced panel" in frame["message"].item() and "1 missing" in frame["message"].item()
    # The sample column makes it balanced again.
    city = panel["adcode"].iloc[5]
    whole = cases["gone"].assign(everyone=cases["gone"]["adcode"] != city)
    assert (decompose_bacon(whole, timing, specification())[1]["status"] == "ok").all()


@pytest.mark.parametrize(
    ("changes", "starts", "status", "sentence"),
    [
        ({"treatment": "y"}, (2013, None), "failed", "not a policy"),
        ({"lag": 1}, (2013, None), "failed", "takes no lag"),
        ({"sample": "nobody"}, (2013, None), "failed", "no column 'nobody'"),
        ({}, (None,), "not_identified", "changes its treatment"),
        ({}, (2010, None), "not_identified", "changes its treatment"),
        ({}, (2014,), "not_identified", "changes its treatment"),
    ],
)
def test_what_cannot_be_decomposed_is_a_row_with_a_sentence(changes, starts, status, sentence):
    panel, timing = simulate(3, starts=starts)
    for frame in decompose_bacon(panel, timing, specification(**changes)):
        assert frame["status"].tolist() == [status]
        assert sentence in frame["message"].item()
