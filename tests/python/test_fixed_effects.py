"""Proofs of the fixed-effects estimator: reference values of R, dummy-variable regressions, sandwiches by
hand.

Reference values: R 4.2.2, fixest, on the simulated panel of the shared folder (275 cities, 11 years).
"""

import os
import subprocess
import sys
import warnings

import duckdb
import numpy as np
import pandas as pd
import pytest
from city_policy.errors import InputError
from city_policy.estimation.computation.regression import least_squares, sweep
from city_policy.estimation.contract.panel import Panel
from city_policy.estimation.contract.record import RECORD_COLUMNS, NotIdentifiedError, cast_to_schema
from city_policy.estimation.contract.runner import make_requests
from city_policy.estimation.contract.specification import Specification, read_specifications
from city_policy.estimation.estimators.fixed_effects import CONSTANT, FIXED_EFFECTS, estimate_fixed_effects
from city_policy.estimation.estimators.robust_inference import robust_inference
from scipy.stats import t as student


def specification(**changes):
    row = {
        "spec_id": "one",
        "result": "baseline_effects",
        "paper_table": "3",
        "panel": None,
        "column_no": 1,
        "estimator": "fixed_effects",
        "outcome": "y",
        "treatment": "pilot",
        "lag": 0,
        "sample": "everyone",
        "extra_controls": None,
        "extra_fixed_effects": None,
        "cluster": "adcode",
    }
    return pd.DataFrame([row | changes])


def simulate(seed=0, cities=60, years=8, gaps=0.0):
    """Panel and timing: four provinces, cohorts 2013 and 2015, controls of very different size."""
    rng = np.random.default_rng(seed)
    city = np.repeat(np.arange(cities), years)
    year = np.tile(np.arange(2011, 2011 + years), cities)
    first = np.where(np.arange(cities) % 3 == 0, 2013, np.where(np.arange(cities) % 3 == 1, 2015, 0))
    n = len(city)
    panel = pd.DataFrame(
        {
            "adcode": [f"{110000 + 100 * c}" for c in city],
            "year": year,
            "province": [f"p{c % 4}" for c in city],
            "x1": 1e-6 * (rng.normal(size=cities)[city] + rng.normal(size=n)),
            "x2": 1e5 + 1e4 * rng.normal(size=n),
            "everyone": True,
        }
    )
    treated = (first[city] > 0) & (year >= first[city])
    noise = rng.normal(size=cities)[city] * (year - 2014) * 0.1 + rng.normal(size=n)
    panel["y"] = 0.3 * treated + 4e5 * panel["x1"] + 2e-5 * panel["x2"] + rng.normal(size=cities)[city] + noise
    timing = pd.DataFrame(
        {
            "adcode": [f"{110000 + 100 * c}" for c in range(cities)],
            "policy_id": "pilot",
            "first_treated_year": pd.array([int(f) if f else None for f in first], dtype="Int64"),
        }
    )
    return panel[rng.uniform(size=n) >= gaps].reset_index(drop=True), timing


def estimate(panel, timing, controls=("x1", "x2"), not_covered=(), **changes):
    return estimate_fixed_effects(panel, timing, specification(**changes), list(controls), list(not_covered))


def treatment_of(panel, timing, policy="pilot"):
    rows = timing[timing["policy_id"] == policy]
    first = panel["adcode"].map(rows.set_index("adcode")["first_treated_year"].astype("float64"))
    return (panel["year"] >= first).to_numpy(dtype="float64")


def dummies(frame, *columns):
    """Dummies of the columns; the first with all its levels, the others without their first."""
    parts = [
        pd.get_dummies(frame[column], drop_first=i > 0).to_numpy(dtype="float64") for i, column in enumerate(columns)
    ]
    return np.column_stack(parts)


def by_hand(panel, timing, effects=("adcode", "year"), cluster="adcode"):
    """Dummy-variable least squares, and the sandwich with reghdfe's factor, for pilot, x1, x2, constant."""
    x = np.column_stack([treatment_of(panel, timing), panel["x1"] * 1e6, panel["x2"] / 1e5])
    y, n = panel["y"].to_numpy(), len(panel)
    d = dummies(panel, *effects)
    full = np.column_stack([x, d])
    b, _, rank, _ = np.linalg.lstsq(full, y, rcond=None)
    e = y - full @ b
    inverse = np.linalg.pinv(full.T @ full, rcond=1e-12)
    # The constant: the mean over the rows of what the dummies contribute.
    pick = np.zeros((4, full.shape[1]))
    pick[:3, :3] = np.eye(3)
    pick[3, 3:] = d.mean(axis=0)
    iid = e @ e / (n - rank) * pick @ inverse @ pick.T
    # The regression that reghdfe reports a constant from: swept plus mean on swept plus mean and 1.
    # The dummies overlap: what their overlap leaves of a singular value is rounding, and differs from one LAPACK to another.
    sweep = np.eye(n) - d @ np.linalg.pinv(d, rcond=1e-12)
    z = np.column_stack([sweep @ x + x.mean(axis=0), np.ones(n)])
    c = np.linalg.lstsq(z, sweep @ y + y.mean(), rcond=None)[0]
    scores = pd.DataFrame(z * (sweep @ y + y.mean() - z @ c)[:, None]).groupby(panel[cluster].to_numpy()).sum()
    groups = len(scores)
    nested = [column for column in effects if panel.groupby(column)[cluster].nunique().max() == 1]
    counted = 3 + 1 + sum(panel[column].nunique() - 1 for column in effects if column not in nested)
    bread = np.linalg.inv(z.T @ z)
    factor = groups / (groups - 1) * (n - 1) / (n - counted)
    clustered = factor * bread @ scores.T.to_numpy() @ scores.to_numpy() @ bread
    scale = np.array([1, 1e6, 1e-5, 1])
    return {
        "estimate": np.r_[b[:3], pick[3] @ b] * scale,
        "regression": c * scale,
        "iid": np.sqrt(np.diag(iid)) * scale,
        "CRV1": np.sqrt(np.diag(clustered)) * scale,
        "degrees": {"iid": n - rank, "CRV1": groups - 1},
        "r2": 1 - e @ e / ((y - y.mean()) ** 2).sum(),
        "r2_within": 1 - e @ e / ((sweep @ y) ** 2).sum(),
    }


def check_against_hand(result, hand):
    assert (result["status"] == "ok").all()
    for vcov in ("iid", "CRV1"):
        rows = result[result["vcov"] == vcov].set_index("term")
        assert list(rows.index) == ["pilot", "x1", "x2", "(Intercept)"]
        np.testing.assert_allclose(rows["estimate"], hand["estimate"], rtol=1e-10)
        np.testing.assert_allclose(rows["estimate"], hand["regression"], rtol=1e-10)
        np.testing.assert_allclose(rows["std_error"], hand[vcov], rtol=1e-9)
        np.testing.assert_allclose(rows["t_stat"], rows["estimate"] / rows["std_error"], rtol=1e-14)
        degrees = hand["degrees"][vcov]
        np.testing.assert_allclose(rows["p_value"], 2 * student.cdf(-rows["t_stat"].abs(), degrees), rtol=1e-9)
        half = student.isf(0.025, degrees) * rows["std_error"]
        np.testing.assert_allclose(rows["ci_low"], rows["estimate"] - half, rtol=1e-9)
        np.testing.assert_allclose(rows["ci_high"], rows["estimate"] + half, rtol=1e-9)
        np.testing.assert_allclose(rows["r2"], hand["r2"], rtol=1e-10)
        np.testing.assert_allclose(rows["r2_within"], hand["r2_within"], rtol=1e-10)


@pytest.fixture(scope="module")
def benchmark(shared):
    frame = pd.read_csv(shared / "benchmarks/simulated_panel.csv")
    panel = frame.rename(columns={"city": "adcode"}).assign(everyone=True)
    first = frame.groupby("city")["g"].first()
    timing = pd.DataFrame(
        {
            "adcode": first.index,
            "policy_id": "pilot",
            "first_treated_year": first.where(first > 0).astype("Int64").to_numpy(),
        }
    )
    return panel, timing


def test_reference_of_fixest(benchmark):
    result = estimate(*benchmark).set_index(["vcov", "term"])
    clustered = result.loc["CRV1"]
    np.testing.assert_allclose(
        clustered["estimate"].iloc[:3], [0.247800939694, 0.228132426909, -0.104170238153], atol=5.1e-13
    )
    np.testing.assert_allclose(
        clustered["std_error"].iloc[:3], [0.04069637087228, 0.00828436991858, 0.00949166989906], atol=5.1e-14
    )
    assert (result["r2"] - 0.868681).abs().max() < 5e-7
    assert (result["r2_within"] - 0.22546).abs().max() < 5e-6
    assert (result["n_obs"] == 3025).all() and (result["n_cities"] == 275).all()
    assert (result["n_treated_cities"] == 38 + 63 + 46).all()


def test_reference_of_fixest_with_province_years(benchmark):
    result = estimate(*benchmark, extra_fixed_effects="prov^year")
    row = result[(result["vcov"] == "CRV1") & (result["term"] == "pilot")].iloc[0]
    assert row["estimate"] == pytest.approx(0.261366000932, abs=5.1e-13)
    assert row["std_error"] == pytest.approx(0.04309902684270, abs=5.1e-14)


@pytest.mark.parametrize("gaps", [0.0, 0.25])
@pytest.mark.parametrize("seed", [0, 1])
def test_equals_dummy_variable_least_squares_and_hand_written_sandwich(seed, gaps):
    panel, timing = simulate(seed, gaps=gaps)
    check_against_hand(estimate(panel, timing), by_hand(panel, timing))


def test_province_years_equal_dummy_variable_least_squares():
    panel, timing = simulate(2, gaps=0.1)
    panel["province_year"] = panel["province"] + "_" + panel["year"].astype("str")
    hand = by_hand(panel, timing, effects=("adcode", "province_year"))
    check_against_hand(estimate(panel, timing, extra_fixed_effects="province^year"), hand)
    # The same column by its name, beside the year that it contains.
    check_against_hand(estimate(panel, timing, extra_fixed_effects="province_year"), hand)


def test_other_clusters_equal_the_hand_written_sandwich():
    """Clusters that contain the cities, and others that cut through them (residuals do not sum to 0)."""
    panel, timing = simulate(3, gaps=0.1)
    panel["half"] = panel["adcode"] + (panel["year"] > 2014).astype("str")
    for cluster in ("province", "half"):
        check_against_hand(estimate(panel, timing, cluster=cluster), by_hand(panel, timing, cluster=cluster))


@pytest.mark.parametrize(("seed", "gaps"), [(4, 0.1), (5, 0.0), (6, 0.4)])
def test_equals_pyfixest_with_both_effects(seed, gaps):
    """pyfixest's own two-way fit; its errors with the effects' count that its hash-seed trap gets wrong."""
    import pyfixest

    panel, timing = simulate(seed, gaps=gaps)
    data = panel.assign(d=treatment_of(panel, timing), x1=panel["x1"] * 1e6, x2=panel["x2"] / 1e5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = pyfixest.feols(
            "y ~ d + x1 + x2|adcode + year",
            data,
            vcov={"CRV1": "adcode"},
            ssc=pyfixest.ssc(k_fixef="none"),
            demeaner=pyfixest.MapDemeaner(fixef_tol=1e-12),
        )
        errors = {"CRV1": fit.se(), "iid": fit.vcov("iid").se()}
    scale = np.array([1, 1e6, 1e-5])
    n, years = fit._N, 8
    # Years count for both; cities, which are the clusters, for iid only.
    counted = {"CRV1": years, "iid": years - 1 + panel["adcode"].nunique()}
    for vcov, error in errors.items():
        rows = estimate(panel, timing).query("vcov == @vcov").iloc[:3]
        np.testing.assert_allclose(rows["estimate"], fit.coef() * scale, rtol=1e-8)
        factor = np.sqrt((n - 3) / (n - 3 - counted[vcov]))
        np.testing.assert_allclose(rows["std_error"], error * factor * scale, rtol=1e-8)
        assert rows["r2"].iloc[0] == pytest.approx(fit._r2, abs=1e-10)
        assert rows["r2_within"].iloc[0] == pytest.approx(fit._r2_within, abs=1e-10)


def test_does_not_depend_on_the_hash_seed(project):
    """The whole record, bit for bit, in fresh interpreters under several hash seeds."""
    program = (
        "import hashlib, sys\n"
        "sys.path[:0] = sys.argv[1:]\n"
        "from test_fixed_effects import simulate, estimate\n"
        "result = estimate(*simulate(5, gaps=0.1), extra_fixed_effects='province^year')\n"
        "assert (result['status'] == 'ok').all()\n"
        "print(hashlib.sha256(result.to_csv(float_format='%.17g').encode()).hexdigest())\n"
    )
    folders = [str(project / "tests/python"), str(project / "python")]
    runs = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", program, *folders],
            env=os.environ | {"PYTHONHASHSEED": seed, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("0", "1", "4", "7")
    ]
    answers = {run.communicate(timeout=120)[0].strip() for run in runs}
    assert all(run.returncode == 0 for run in runs)
    assert len(answers) == 1 and len(answers.pop()) == 64


def test_row_order_does_not_matter():
    panel, timing = simulate(6, gaps=0.1)
    one = estimate(panel, timing)
    two = estimate(panel.sample(frac=1, random_state=1), timing.sample(frac=1, random_state=2))
    pd.testing.assert_frame_equal(one, two, rtol=0, atol=0)


def test_lag_takes_the_row_of_the_year_before():
    panel, timing = simulate(7)
    panel = panel.drop(index=11).reset_index(drop=True)  # city 1 has no 2014
    result = estimate(panel, timing, lag=1)
    # First year of every city, and the year after the gap.
    assert (result["n_dropped_missing"] == 60 + 1).all()
    keys = set(zip(panel["adcode"], panel["year"], strict=True))
    kept = panel[[(c, y - 1) in keys for c, y in zip(panel["adcode"], panel["year"], strict=True)]]
    later = timing.assign(first_treated_year=timing["first_treated_year"] + 1)
    hand = by_hand(kept.reset_index(drop=True), later)
    check_against_hand(result, hand)


def test_missing_rows_and_singletons_are_counted():
    panel, timing = simulate(8)
    panel.loc[[0, 5, 9], "x1"] = np.nan
    panel.loc[9, "y"] = np.nan
    panel.loc[13, "x2"] = np.inf
    panel.loc[14, "province"] = None
    # City 2 (rows 16 to 23) keeps one usable row, city 3 is outside the sample.
    panel.loc[16:22, "y"] = np.nan
    panel.loc[24:31, "everyone"] = False
    result = estimate(panel, timing, cluster="province")
    assert (result["n_dropped_missing"] == 5 + 7).all()
    assert (result["n_dropped_singletons"] == 1).all()
    assert (result["n_obs"] == 480 - 8 - 12 - 1).all() and (result["n_cities"] == 58).all()
    used = panel.drop(index=[0, 5, 9, 13, 14, *range(16, 32)]).reset_index(drop=True)
    check_against_hand(result, by_hand(used, timing, cluster="province"))


def test_collinear_controls_are_named_and_the_treatment_stays():
    panel, timing = simulate(9)
    panel["constant"] = 3.0
    panel["x3"] = 2 * panel["x2"] - panel["year"]
    plain = estimate(panel, timing)
    result = estimate(panel, timing, controls=("x1", "x2", "constant", "x3"))
    assert set(result["dropped_terms"]) == {"constant x3"}
    assert (result["message"] == "Dropped as collinear: constant x3.").all()
    assert "x3" not in set(result["term"])
    np.testing.assert_allclose(result["estimate"], plain["estimate"], rtol=1e-12)
    np.testing.assert_allclose(result["std_error"], plain["std_error"], rtol=1e-12)
    assert plain["dropped_terms"].isna().all() and plain["message"].isna().all()


def test_extra_controls_are_policies_or_columns():
    panel, timing = simulate(10)
    other = timing.iloc[::2].assign(policy_id="other", first_treated_year=2016)
    both = pd.concat([timing, other], ignore_index=True)
    result = estimate(panel, both, controls=("x1",), extra_controls="other x2")
    terms = result[result["vcov"] == "iid"].set_index("term")["estimate"]
    assert list(terms.index) == ["pilot", "other", "x2", "x1", "(Intercept)"]
    # A city without a row of the policy is never treated by it.
    x = np.column_stack(
        [
            treatment_of(panel, both),
            treatment_of(panel, both, "other"),
            panel["x2"] / 1e5,
            panel["x1"] * 1e6,
            dummies(panel, "adcode", "year"),
        ]
    )
    expected = np.linalg.lstsq(x, panel["y"], rcond=None)[0][:4] * [1, 1, 1e-5, 1e6]
    np.testing.assert_allclose(terms.iloc[:4], expected, rtol=1e-9)


def test_a_column_of_the_panel_can_be_the_treatment():
    panel, timing = simulate(11)
    result = estimate(panel, timing, controls=("x2",), treatment="x1")
    assert result["term"].iloc[0] == "x1" and result["n_treated_cities"].isna().all()
    assert (result["status"] == "ok").all()


def not_run(result, status, sentence):
    assert list(result["vcov"]) == ["iid", "CRV1"]
    assert (result["status"] == status).all()
    assert result["message"].str.contains(sentence, regex=False).all(), result["message"].iloc[0]
    assert result[["estimate", "std_error", "t_stat", "p_value", "ci_low", "ci_high"]].isna().all(axis=None)


def test_what_the_data_cannot_tell_is_a_row():
    panel, timing = simulate(12)
    not_run(estimate(panel, timing, extra_fixed_effects="adcode^year"), "not_identified", "every variable, also pilot.")
    everywhere = timing.assign(first_treated_year=2014)
    not_run(estimate(panel, everywhere), "not_identified", "pilot is collinear with the fixed effects")
    never = timing.assign(first_treated_year=pd.array([None] * 60, dtype="Int64"))
    not_run(estimate(panel, never), "not_identified", "No city of the sample 'everyone' is treated by pilot")
    not_run(estimate(panel.assign(everyone=False), timing), "not_identified", "'everyone' is empty")
    not_run(estimate(panel.assign(x1=np.nan), timing), "not_identified", "x1 is missing in every row")
    not_run(estimate(panel[panel["year"] == 2016], timing), "not_identified", "alone in its city or year")
    same = panel.assign(x3=7 * treatment_of(panel, timing) + panel["x2"])
    result = estimate(same, timing, controls=("x1", "x2", "x3"))
    not_run(result, "not_identified", "collinear with the other terms")
    flat = panel.assign(y=panel["year"] * 2.0)
    not_run(estimate(flat, timing), "not_identified", "explain y without a remainder")
    few = panel[panel["adcode"].isin(panel["adcode"].unique()[1:4]) & panel["year"].isin([2014, 2015])]
    # Three cities in two years: six rows, four dimensions of effects, two terms.
    not_run(estimate(few, timing, controls=("x1",)), "not_identified", "6 rows cannot determine 2 terms")


def test_what_does_not_exist_is_a_row():
    panel, timing = simulate(13)
    not_run(estimate(panel, timing, outcome="nothing"), "failed", "no column 'nothing'")
    not_run(estimate(panel, timing, treatment="nothing"), "failed", "'nothing' is neither a policy")
    not_run(estimate(panel, timing, sample="nothing"), "failed", "no column 'nothing'")
    not_run(estimate(panel, timing, sample="x1"), "failed", "'x1' of the panel is not boolean")
    not_run(estimate(panel, timing, controls=("nothing",)), "failed", "'nothing' is neither")
    not_run(estimate(panel, timing, extra_fixed_effects="nothing"), "failed", "no column 'nothing'")
    not_run(estimate(panel, timing, cluster="nothing"), "failed", "no column 'nothing'")
    not_run(estimate(panel, timing, outcome="province"), "failed", "holds 'p0'; expected numbers")
    not_run(estimate(panel, timing, outcome="x1"), "failed", "'x1' stands on both sides")


@pytest.mark.parametrize("noise", [1e-3, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-13])
def test_a_control_that_is_nearly_another_keeps_the_effect_right_or_is_dropped(noise):
    """Cross products lose their digits here: at 1e-8 they moved an effect by a tenth, with status ok."""
    panel, timing = simulate(14)
    rng = np.random.default_rng(14)
    panel["z"] = rng.normal(size=len(panel))
    panel["y"] += 2 * panel["z"]
    panel["nearly_x1"] = panel["x1"] + noise * panel["x1"].std() * panel["z"]
    result = estimate(panel, timing, controls=("x1", "nearly_x1"))
    # The two columns span what x1 and z do, up to the digits that are left of their difference.
    kept = result["dropped_terms"].isna().all()
    reference = estimate(panel, timing, controls=("x1", "z") if kept else ("x1",))
    assert kept == (noise > 1e-10) and (kept or (result["dropped_terms"] == "nearly_x1").all())
    for term in ("pilot", CONSTANT):
        ours, truth = (frame[frame["term"] == term] for frame in (result, reference))
        if term == CONSTANT and noise < 1e-4 and kept:
            continue  # its own digits go with those of the two coefficients, as its standard error says
        for name in ("estimate", "std_error", "r2", "r2_within"):
            np.testing.assert_allclose(ours[name], truth[name], rtol=max(1e-9, 1e-15 / noise * 10 if kept else 0))
    without = estimate(panel, timing, controls=("x1",))
    assert (result["r2"].to_numpy()[0] >= without["r2"].to_numpy()[0] - 1e-12).all()
    resampled = robust_inference(panel, timing, specification(), ["x1", "nearly_x1"], bootstrap_draws=1, wild_draws=1)
    by_method = resampled.set_index("method")
    for vcov in ("iid", "CRV1"):
        ours = result[(result["term"] == "pilot") & (result["vcov"] == vcov)].iloc[0]
        assert by_method.loc[vcov, "estimate"] == pytest.approx(ours["estimate"], rel=1e-6)
        assert by_method.loc[vcov, "std_error"] == pytest.approx(ours["std_error"], rel=1e-6)


def test_terms_that_are_combinations_of_one_another_are_refused():
    panel, timing = simulate(14)
    checked = Panel(panel, timing)
    (request,) = make_requests(
        FIXED_EFFECTS, checked, read_specifications(specification(), FIXED_EFFECTS.absent), ["x1", "x2"], {}
    )
    prepared = sweep(request)
    with pytest.raises(NotIdentifiedError, match="one is a combination of the others"):
        least_squares(prepared, "y", ["pilot", "x1", "pilot"])


def test_one_bad_specification_leaves_the_others_alone():
    panel, timing = simulate(15)
    specifications = pd.concat(
        [specification(spec_id="bad", outcome="nothing"), specification(spec_id="good", paper_table=None)]
    )
    result = estimate_fixed_effects(panel, timing, specifications, ["x1", "x2"])
    assert result.groupby("spec_id")["status"].unique().map(list).to_dict() == {
        "bad": ["failed"],
        "good": ["ok"],
    }
    alone = estimate(panel, timing, spec_id="good", paper_table=None)
    good = result[result["spec_id"] == "good"].reset_index(drop=True)
    pd.testing.assert_frame_equal(good, alone)


def test_controls_that_the_input_does_not_cover_are_named():
    panel, timing = simulate(16)
    result = estimate(panel, timing, not_covered=("fintech", "marketization"))
    assert (result["message"] == "Controls not covered by this input: fintech, marketization.").all()
    failed = estimate(panel, timing, not_covered=("fintech",), outcome="nothing")
    assert failed["message"].str.endswith("Controls not covered by this input: fintech.").all()


def test_a_single_cluster_has_no_clustered_error():
    panel, timing = simulate(17)
    result = estimate(panel.assign(country="cn"), timing, cluster="country").set_index("vcov")
    assert result.loc["iid", "std_error"].notna().all() and result.loc["CRV1", "std_error"].isna().all()
    assert result.loc["CRV1", "message"].str.contains("hold one country").all()
    assert result["estimate"].notna().all()


def test_nullable_and_decimal_columns_as_duckdb_gives_them():
    panel, timing = simulate(18)
    plain = estimate(panel, timing)
    other = panel.assign(
        y=panel["y"].astype("Float64"),
        x1=panel["x1"].astype("object"),
        year=panel["year"].astype("Int32"),
        everyone=panel["everyone"].astype("object").where(panel.index != 3, None),
    )
    result = estimate(other, timing)
    assert (result["n_obs"] == plain["n_obs"] - 1).all() and (result["n_dropped_missing"] == 0).all()
    pd.testing.assert_frame_equal(estimate(other.assign(everyone=True), timing), plain)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda p, t, s: (p.drop(columns="year"), t, s), "panel has no column 'year'"),
        (lambda p, t, s: (pd.concat([p, p.iloc[[5]]]), t, s), "adcode 110000, year 2016 more than once"),
        (lambda p, t, s: (p, pd.concat([t, t.iloc[[0]]]), s), "policy_id pilot more than once"),
        (lambda p, t, s: (p, t.drop(columns="first_treated_year"), s), "no column 'first_treated_year'"),
        (lambda p, t, s: (p, t.assign(first_treated_year=2013.5), s), "is 2013.5; expected a whole year"),
        (lambda p, t, s: (p, t, pd.concat([s, s])), "'one' is listed twice"),
        (lambda p, t, s: (p, t, s.drop(columns="lag")), "no column 'lag'"),
        (lambda p, t, s: (p, t, s.assign(lag="soon")), "has the lag 'soon'; expected a whole number"),
        (lambda p, t, s: (p, t, s.assign(outcome=None)), "'one' has a blank outcome"),
        (lambda p, t, s: (p.assign(adcode=None), t, s), "panel has a row without adcode"),
    ],
)
def test_input_errors(change, sentence):
    panel, timing, specifications = change(*simulate(19), specification())
    with pytest.raises(InputError, match=sentence):
        estimate_fixed_effects(panel, timing, specifications, ["x1", "x2"])


def test_specification_reads_lists_blanks_and_numbers():
    row = specification(
        extra_controls="big_data_zone five_g_pilot",
        lag=1.0,
        column_no=np.nan,
        cluster=None,
        paper_table=" 5 ",
    ).iloc[0]
    value = Specification.from_row(row)
    assert value.extra_controls == ("big_data_zone", "five_g_pilot")
    assert value.extra_fixed_effects == () and value.panel is None and value.column_no is None
    assert (value.lag, value.cluster, value.paper_table) == (1, "adcode", "5")
    with pytest.raises(AttributeError):
        value.lag = 2


def test_the_seed_of_specifications_is_readable(project):
    seed = pd.read_csv(project / "seeds/studies/nqp/specifications.csv", dtype=str)
    # The seed names specifications; int_specifications makes one of each for every treatment.
    rows = seed.rename(columns={"specification": "spec_id"})
    assert [one.spec_id for one in read_specifications(rows)] == list(seed["specification"])


def test_record_keeps_its_types_in_duckdb_when_everything_is_missing():
    kinds = {"str": "VARCHAR", "Int64": "BIGINT", "float64": "DOUBLE", "boolean": "BOOLEAN"}
    columns = RECORD_COLUMNS | {"flag": "boolean"}
    for rows in (2, 0):
        record = cast_to_schema(pd.DataFrame({"spec_id": [None] * rows}), columns)
        assert list(record.columns) == list(columns) and len(record) == rows
        described = duckdb.sql("describe select * from record").df().set_index("column_name")["column_type"]
        assert described.to_dict() == {name: kinds[kind] for name, kind in columns.items()}
        for name in columns:
            assert duckdb.sql(f"select count({name}) from record").fetchone() == (0,)


def test_record_casts_values_and_refuses_what_does_not_fit():
    record = cast_to_schema(
        pd.DataFrame({"paper_table": [3, None], "column_no": [1.0, None], "estimate": ["0.5", None]}, index=[7, 7])
    )
    assert record["paper_table"].iloc[0] == "3" and record["paper_table"].isna().iloc[1]
    assert record["column_no"].iloc[0] == 1 and record["column_no"].isna().iloc[1]
    assert record["estimate"].iloc[0] == 0.5 and list(record.index) == [0, 1]
    with pytest.raises(InputError, match="Column 'n_obs' cannot be stored as Int64"):
        cast_to_schema(pd.DataFrame({"n_obs": [1.5]}))
    with pytest.raises(InputError, match="Column 'estimate' cannot be stored as float64"):
        cast_to_schema(pd.DataFrame({"estimate": ["many"]}))
    with pytest.raises(InputError, match="Column 'controls' is not declared"):
        cast_to_schema(pd.DataFrame({"controls": ["x"]}))
