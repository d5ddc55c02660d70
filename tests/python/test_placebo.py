"""Proofs of the placebo test: each draw refitted, p uniform without an effect, and what it depends on."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from city_policy.errors import InputError
from city_policy.estimation.computation.cross_products import generator, permutations
from city_policy.estimation.contract.specification import Specification
from city_policy.estimation.estimators.fixed_effects import estimate_fixed_effects
from city_policy.estimation.estimators.placebo import DRAW_COLUMNS, SUMMARY_COLUMNS, placebo
from resampling_reference import dummy_regression, simulate, treatment
from scipy.stats import kstest


def specification(**changes):
    base = {"spec_id": "one", "outcome": "y", "treatment": "pilot", "sample": "everyone"}
    return pd.DataFrame([base | changes])


def one_regression(**changes):
    base = dict.fromkeys(Specification.__dataclass_fields__)
    base |= {"spec_id": "one", "result": "r", "estimator": "fixed_effects", "outcome": "y", "treatment": "pilot"}
    base |= {"lag": 0, "sample": "everyone", "extra_controls": (), "extra_fixed_effects": (), "cluster": "adcode"}
    return [Specification(**base | changes)]


@pytest.mark.parametrize("controls", [[], ["x1", "x2"]])
@pytest.mark.parametrize("unbalanced", [False, True])
@pytest.mark.parametrize("lag", [0, 1])
def test_every_draw_equals_refitting_the_policy_it_deals(unbalanced, controls, lag):
    panel, timing = simulate(unbalanced=unbalanced)
    drawn, summary = placebo(panel, timing, specification(lag=lag), controls, draws=20, seed=3)
    keys = pd.MultiIndex.from_frame(panel[["adcode", "year"]])
    wanted = pd.MultiIndex.from_arrays([panel["adcode"], panel["year"] - lag])
    used = panel[wanted.isin(keys)]
    # Cities that lose all rows but one take no part in the dealing.
    while True:
        sizes = used.groupby("adcode")["year"].transform("size")
        if (sizes > 1).all():
            break
        used = used[sizes > 1]
    cities = np.sort(used["adcode"].unique())
    first = timing[timing["policy_id"] == "pilot"].set_index("adcode")["first_treated_year"]
    start = first.reindex(cities).astype("float64").fillna(np.inf).to_numpy()
    dealt = permutations(start, 20, generator(3, "placebo", "pilot", lag, "everyone"))
    # Cohort sizes are as observed.
    assert (np.sort(dealt, axis=1) == np.sort(start)).all()
    for i in range(20):
        begins = used["adcode"].map(dict(zip(cities, dealt[i], strict=True)))
        terms = np.column_stack([used["year"] - lag >= begins, used[controls]]).astype(float)
        estimate, iid, clustered = dummy_regression(used["y"], terms, used["adcode"], used["year"])
        row = drawn.iloc[i]
        expected = [estimate[0], iid[0], estimate[0] / iid[0], clustered[0], estimate[0] / clustered[0]]
        np.testing.assert_allclose(
            row[["estimate", "std_error_iid", "t_iid", "std_error_crv1", "t_crv1"]].astype(float),
            expected,
            rtol=1e-10,
            atol=1e-10,
        )
    record = estimate_fixed_effects(panel, timing, one_regression(lag=lag), controls)
    record = record[record["term"] == "pilot"].set_index("vcov").loc["CRV1"]
    observed = summary.iloc[0]
    assert observed["estimate"] == pytest.approx(record["estimate"], rel=1e-10)
    for name in ("n_obs", "n_cities", "n_treated_cities"):
        assert observed[name] == record[name]
    larger = (drawn["estimate"].abs() >= abs(record["estimate"])).sum()
    assert observed["randomisation_p"] == pytest.approx((1 + larger) / 21)
    larger = (drawn["t_crv1"].abs() >= abs(record["t_stat"])).sum()
    assert observed["randomisation_p_t"] == pytest.approx((1 + larger) / 21)
    assert observed["mean_of_draws"] == pytest.approx(drawn["estimate"].mean())
    assert observed["sd_of_draws"] == pytest.approx(drawn["estimate"].std())
    assert observed["quantile_025"] == pytest.approx(drawn["estimate"].quantile(0.025))
    assert observed["quantile_975"] == pytest.approx(drawn["estimate"].quantile(0.975))


def test_a_start_before_the_first_year_is_dealt_like_any_other():
    panel, timing = simulate()
    pilots = timing[(timing["policy_id"] == "pilot") & timing["first_treated_year"].notna()].index
    timing.loc[pilots[:3], "first_treated_year"] = 1990
    drawn, summary = placebo(panel, timing, specification(), [], draws=5, seed=3)
    record = estimate_fixed_effects(panel, timing, one_regression(), [])
    record = record[record["term"] == "pilot"].set_index("vcov").loc["CRV1"]
    assert summary.iloc[0]["status"] == "ok" and drawn["estimate"].notna().all()
    for name in ("estimate", "n_treated_cities"):
        assert summary.iloc[0][name] == pytest.approx(record[name], rel=1e-10)


def test_p_is_uniform_without_an_effect_and_small_with_one():
    p = []
    for seed in range(200):
        panel, timing = simulate(seed, cities=30, years=6, effect=0)
        # The mediator carries an effect of its own; take the noise alone.
        panel["y"] -= 0.4 * panel["m"]
        _, summary = placebo(panel, timing, specification(), [], draws=99, seed=seed)
        p.append(summary[["randomisation_p", "randomisation_p_t"]].iloc[0].to_numpy(dtype=float))
    for column in np.array(p).T:
        assert kstest(column - 0.005, "uniform").pvalue > 0.01
        assert abs((column <= 0.1).mean() - 0.1) < 0.06
    panel, timing = simulate(1, cities=60, effect=3)
    _, summary = placebo(panel, timing, specification(), [], draws=199)
    assert summary.loc[0, "randomisation_p"] == summary.loc[0, "randomisation_p_t"] == 1 / 200


def test_rows_in_any_order_and_other_specifications_do_not_matter():
    panel, timing = simulate(unbalanced=True)
    both = pd.concat([specification(spec_id="other", treatment="second"), specification()])
    drawn, summary = placebo(panel, timing, specification(), ["x1"], draws=50, seed=1)
    mixed = panel.sample(frac=1, random_state=5)
    drawn_2, summary_2 = placebo(mixed, timing.iloc[::-1], both, ["x1"], draws=50, seed=1)
    pd.testing.assert_frame_equal(drawn, drawn_2[drawn_2["spec_id"] == "one"].reset_index(drop=True))
    pd.testing.assert_frame_equal(summary, summary_2.iloc[[1]].reset_index(drop=True))
    other_seed, _ = placebo(panel, timing, specification(), ["x1"], draws=50, seed=2)
    assert (drawn["estimate"] != other_seed["estimate"]).all()


def test_hash_seed_does_not_matter():
    script = """
import sys
sys.path.insert(0, sys.argv[1])
from resampling_reference import simulate
import pandas as pd
from city_policy.estimation.estimators.placebo import placebo
from city_policy.estimation.estimators.mediation import mediation_effects
from city_policy.estimation.estimators.group_differences import group_differences
from city_policy.estimation.computation.regression import AbsorbedEffects
refits = []
AbsorbedEffects.__init__ = lambda *arguments: refits.append(arguments)
panel, timing = simulate(unbalanced=True)
base = {"spec_id": "a", "outcome": "y", "treatment": "pilot", "sample": "everyone", "mediator": "m"}
specifications = pd.DataFrame([base | {"sample": "big", "comparison_sample": "small"}])
for frame in (
    *placebo(panel, timing, specifications, ["x1"], draws=50),
    mediation_effects(panel, timing, specifications, ["x1"], draws=50),
    group_differences(panel, timing, specifications, ["x1"], draws=50),
):
    print(frame.map(lambda value: value.hex() if isinstance(value, float) else str(value)).to_csv())
assert not refits, "a refit crept in"
"""
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script, os.path.dirname(__file__)],
            env=os.environ | {"PYTHONHASHSEED": seed, "OPENBLAS_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "7")
    }
    assert len(outputs) == 1 and "ok" in outputs.pop()


def test_what_cannot_be_run_is_a_row_with_a_sentence():
    panel, timing = simulate()
    panel = panel.assign(nobody=False, empty=np.nan, constant=1.0)
    rows = {
        "fine": {},
        "no_policy": {"treatment": "x1"},
        "unknown": {"treatment": "railway"},
        "no_outcome": {"outcome": "gdp"},
        "no_sample": {"sample": "elsewhere"},
        "empty_sample": {"sample": "nobody"},
        "all_missing": {"outcome": "empty"},
        "constant_outcome": {"outcome": "constant"},
        "by_year": {"extra_fixed_effects": "year^big"},
        "by_region": {"cluster": "north"},
    }
    frame = pd.concat([specification(spec_id=name, **changes) for name, changes in rows.items()])
    drawn, summary = placebo(panel, timing, frame, ["x1"], ["fintech"], draws=5)
    assert list(drawn.columns) == list(DRAW_COLUMNS) and list(summary.columns) == list(SUMMARY_COLUMNS)
    status = summary.set_index("spec_id")["status"].to_dict()
    assert status == {
        "fine": "ok",
        "no_policy": "failed",
        "unknown": "failed",
        "no_outcome": "failed",
        "no_sample": "failed",
        "empty_sample": "not_identified",
        "all_missing": "not_identified",
        "constant_outcome": "not_identified",
        "by_year": "failed",
        "by_region": "failed",
    }
    assert set(drawn["spec_id"]) == {"fine"}
    assert summary["message"].str.endswith("Controls not covered by this input: fintech.").all()
    message = summary.set_index("spec_id")["message"]
    assert "not a policy" in message["no_policy"] and "changes within a city" in message["by_year"]
    drawn, summary = placebo(panel, timing, frame.iloc[1:3], ["x1"], draws=5)
    assert drawn.empty and (drawn.dtypes["estimate"], len(summary)) == (np.dtype("float64"), 2)
    for message, arguments in (
        ("at least 1", (panel, timing, frame, [])),
        ("no column 'spec_id'", (panel, timing, frame.drop(columns="spec_id"), [])),
        ("listed twice", (panel, timing, pd.concat([frame, frame]), [])),
        ("more than once", (pd.concat([panel, panel]), timing, frame, [])),
    ):
        with pytest.raises(InputError, match=message):
            placebo(*arguments, draws=0 if message == "at least 1" else 5)


def test_the_draws_are_centred_where_the_real_policy_is_not():
    panel, timing = simulate(2, cities=80, effect=2)
    drawn, summary = placebo(panel, timing, specification(), ["x1", "x2"], draws=400)
    assert abs(drawn["estimate"].mean()) < 4 * drawn["estimate"].std() / 20
    assert summary.loc[0, "estimate"] > drawn["estimate"].max()
    assert treatment(panel, timing, "pilot").sum() > 0
