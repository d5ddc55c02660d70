"""Proofs of the tests between groups: each permutation refitted, p uniform, errors against dense regressions."""

import numpy as np
import pandas as pd
import pytest
from city_policy.errors import InputError
from city_policy.estimation.computation.cross_products import generator, permutations, two_sided_p
from city_policy.estimation.contract.specification import Specification
from city_policy.estimation.estimators import group_differences as module
from city_policy.estimation.estimators.fixed_effects import estimate_fixed_effects
from city_policy.estimation.estimators.group_differences import DIFFERENCE_COLUMNS, group_differences
from resampling_reference import dummy_regression, simulate, treatment
from scipy.stats import kstest, norm
from scipy.stats import t as student

KINDS = {
    "cities between groups": ("north", "south"),
    "membership paths": ("big", "small"),
    "order among cities in one sample": ("first_order", "second_order"),
}


def specification(kind="cities between groups", **changes):
    base = {"spec_id": "one", "outcome": "y", "treatment": "pilot"}
    return pd.DataFrame([base | dict(zip(("sample", "comparison_sample"), KINDS[kind], strict=True)) | changes])


def memberships(panel, kind):
    """City -> year -> label (1, 2 or 3 for both), and the cities that the labels are dealt to."""
    labels = panel[KINDS[kind][0]] + 2 * panel[KINDS[kind][1]]
    paths = {
        adcode: dict(zip(panel.loc[rows, "year"], labels[rows], strict=True))
        for adcode, rows in panel.groupby("adcode").groups.items()
    }
    movable = [adcode for adcode in sorted(paths) if 3 not in paths[adcode].values()]
    return paths, movable


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("unbalanced", "controls"), [(False, []), (False, ["x1", "x2"]), (True, []), (True, ["x1", "x2"])]
)
def test_every_permutation_equals_refitting(kind, unbalanced, controls, monkeypatch):
    panel, timing = simulate(unbalanced=unbalanced)
    seen = []
    monkeypatch.setattr(
        module, "two_sided_p", lambda observed, drawn: seen.append(drawn) or two_sided_p(observed, drawn)
    )
    result = group_differences(panel, timing, specification(kind), controls, draws=20, seed=4).iloc[0]
    assert result["status"] == "ok" and result["permuted"] == kind
    paths, movable = memberships(panel, kind)
    assert result["n_permuted_cities"] == len(movable)
    pilot = treatment(panel, timing, "pilot")

    def difference(owner):
        label = np.array(
            [
                paths[owner[adcode]].get(year, 0) if kind == "membership paths" else max(paths[owner[adcode]].values())
                for adcode, year in zip(panel["adcode"], panel["year"], strict=True)
            ]
        )
        estimates = []
        for own in (1, 2):
            used = (label == own) | (label == 3)
            terms = np.column_stack([pilot, panel[controls]])[used]
            used_panel = panel[used]
            estimates.append(dummy_regression(used_panel["y"], terms, used_panel["adcode"], used_panel["year"])[0][0])
        return estimates[0] - estimates[1]

    as_is = {adcode: adcode for adcode in paths}
    assert result["difference"] == pytest.approx(difference(as_is), rel=1e-10)
    dealt = permutations(np.arange(len(movable)), 20, generator(4, "groups", *KINDS[kind]))
    drawn = np.array([difference(as_is | {movable[i]: movable[own] for i, own in enumerate(order)}) for order in dealt])
    assert result["permutation_draws"] == 20
    extreme = (np.abs(drawn) >= abs(result["difference"])).sum()
    assert result["permutation_p"] == pytest.approx((1 + extreme) / 21)
    # The draws themselves, not only their count.
    np.testing.assert_allclose(seen[0], drawn, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("unbalanced", [False, True])
def test_estimates_are_those_of_the_records_and_wald_is_theirs(kind, unbalanced):
    panel, timing = simulate(unbalanced=unbalanced)
    result = group_differences(panel, timing, specification(kind), ["x1"], draws=5).iloc[0]
    regressions = []
    for sample in KINDS[kind]:
        base = dict.fromkeys(Specification.__dataclass_fields__) | {"spec_id": sample, "sample": sample, "lag": 0}
        base |= {"extra_controls": (), "extra_fixed_effects": (), "cluster": "adcode"}
        base |= {"result": "r", "estimator": "fixed_effects", "outcome": "y", "treatment": "pilot"}
        regressions.append(Specification(**base))
    records = estimate_fixed_effects(panel, timing, regressions, ["x1"])
    records = records[(records["term"] == "pilot") & (records["vcov"] == "CRV1")].reset_index(drop=True)
    for i in (0, 1):
        assert result[f"estimate_{i + 1}"] == pytest.approx(records.loc[i, "estimate"], rel=1e-10)
        assert result[f"std_error_{i + 1}"] == pytest.approx(records.loc[i, "std_error"], rel=1e-10)
        assert result[f"n_obs_{i + 1}"] == records.loc[i, "n_obs"]
        assert result[f"n_cities_{i + 1}"] == records.loc[i, "n_cities"]
    z = (records["estimate"][0] - records["estimate"][1]) / (records["std_error"] ** 2).sum() ** 0.5
    assert result["wald_p"] == pytest.approx(2 * norm.sf(abs(z)), rel=1e-8)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("unbalanced", [False, True])
def test_interaction_p_is_that_of_the_dense_interacted_regression(kind, unbalanced):
    panel, timing = simulate(unbalanced=unbalanced)
    panel["pilot"] = treatment(panel, timing, "pilot")
    stack = pd.concat([panel[panel[sample]].assign(group=i) for i, sample in enumerate(KINDS[kind])])
    while True:
        alone = stack.groupby(["adcode", "group"])["year"].transform("size") == 1
        alone |= stack.groupby(["year", "group"])["adcode"].transform("size") == 1
        if not alone.any():
            break
        stack = stack[~alone]
    second = stack["group"].to_numpy()
    # The last term is the treatment in group 2: its coefficient is the difference.
    terms = np.column_stack([stack["pilot"], stack["x1"], stack["x1"] * second, stack["pilot"] * second])
    cells = [stack[name].astype(str) + "/" + stack["group"].astype(str) for name in ("adcode", "year")]
    estimate, _, error = dummy_regression(stack["y"], terms, *cells, cluster=stack["adcode"])
    result = group_differences(panel, timing, specification(kind), ["x1"], draws=5).iloc[0]
    assert -estimate[3] == pytest.approx(result["difference"], rel=1e-9)
    p = 2 * student.sf(abs(estimate[3] / error[3]), stack["adcode"].nunique() - 1)
    assert result["interaction_p"] == pytest.approx(p, rel=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_p_is_uniform_under_the_null(kind):
    p = []
    for seed in range(200):
        panel, timing = simulate(seed + 1000, cities=40, years=6)
        # The policy has an effect, the same in both groups, and membership says nothing about a city.
        result = group_differences(panel, timing, specification(kind), [], draws=99, seed=seed).iloc[0]
        p.append(result[["permutation_p", "interaction_p"]].to_numpy(dtype=float))
    p = np.array(p)
    assert np.isfinite(p).all()
    assert kstest(p[:, 0] - 0.005, "uniform").pvalue > 0.01
    assert abs((p[:, 0] <= 0.1).mean() - 0.1) < 0.06


def test_a_real_difference_is_found():
    panel, timing = simulate(5, cities=100)
    pilot = treatment(panel, timing, "pilot")
    panel["y"] += 3 * pilot * panel["north"]
    result = group_differences(panel, timing, specification(), ["x1", "x2"], draws=199).iloc[0]
    assert result["permutation_p"] == 1 / 200
    assert result["interaction_p"] < 0.001 and result["wald_p"] < 0.001
    assert result["difference"] == pytest.approx(3, abs=1)
    turned = specification(sample="south", comparison_sample="north")
    other = group_differences(panel, timing, turned, ["x1", "x2"], draws=5).iloc[0]
    assert other["difference"] == pytest.approx(-result["difference"], rel=1e-12)
    assert other["interaction_p"] == pytest.approx(result["interaction_p"], rel=1e-6)


def test_rows_in_any_order_and_other_specifications_do_not_matter():
    panel, timing = simulate(unbalanced=True)
    for kind in KINDS:
        alone = group_differences(panel, timing, specification(kind), ["x1"], draws=50)
        many = pd.concat([specification(kind, spec_id="two", treatment="second"), specification(kind)])
        mixed = panel.sample(frac=1, random_state=1)
        again = group_differences(mixed, timing.iloc[::-1], many, ["x1"], draws=50)
        pd.testing.assert_frame_equal(alone, again.iloc[[1]].reset_index(drop=True), rtol=1e-12)


def test_what_cannot_be_run_is_a_row_with_a_sentence():
    panel, timing = simulate()
    panel = panel.assign(nobody=False, north_or_early=panel["north"] | (panel["year"] < 2013))
    never = (
        panel.groupby("adcode")["adcode"]
        .transform("first")
        .map(timing[timing["policy_id"] == "pilot"].set_index("adcode")["first_treated_year"])
    )
    panel["never"], panel["ever"] = never.isna(), never.notna()
    rows = {
        "fine": {},
        "no_policy": {"treatment": "railway"},
        "no_sample": {"comparison_sample": "elsewhere"},
        "empty": {"comparison_sample": "nobody"},
        "untreated": {"sample": "ever", "comparison_sample": "never"},
        "the_same": {"sample": "north", "comparison_sample": "north"},
        "nested": {"sample": "everyone", "comparison_sample": "north"},
        "overlap_in_time": {"sample": "north_or_early", "comparison_sample": "south"},
        "own_control": {"outcome": "x1"},
    }
    frame = pd.concat([specification(spec_id=name, **changes) for name, changes in rows.items()])
    result = group_differences(panel, timing, frame, ["x1"], ["fintech"], draws=10)
    assert list(result.columns) == list(DIFFERENCE_COLUMNS) and result["spec_id"].tolist() == list(rows)
    by_spec = result.set_index("spec_id")
    assert by_spec["status"].to_dict() == {
        "fine": "ok",
        "no_policy": "failed",
        "no_sample": "failed",
        "empty": "not_identified",
        "untreated": "not_identified",
        "the_same": "not_identified",
        "nested": "not_identified",
        "overlap_in_time": "failed",
        "own_control": "failed",
    }
    assert result["message"].str.endswith("Controls not covered by this input: fintech.").all()
    assert "whole cities" in by_spec.loc["overlap_in_time", "message"]
    assert "'never' does not identify" in by_spec.loc["untreated", "message"]
    for message, arguments, draws in (
        ("at least 1", (panel, timing, frame, []), 0),
        ("no column 'comparison_sample'", (panel, timing, frame.drop(columns="comparison_sample"), []), 5),
        ("no column 'sample'", (panel, timing, frame.drop(columns="sample"), []), 5),
        ("listed twice", (panel, timing, pd.concat([frame, frame]), []), 5),
    ):
        with pytest.raises(InputError, match=message):
            group_differences(*arguments, draws=draws)
