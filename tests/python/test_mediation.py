"""Proofs of the mediation tests: identities, hand-computed statistics, refitted bootstrap draws, coverage."""

import numpy as np
import pandas as pd
import pytest
from city_policy.errors import InputError
from city_policy.estimation.computation.cross_products import bootstrap_weights, generator
from city_policy.estimation.contract.record import RECORD_COLUMNS
from city_policy.estimation.estimators.mediation import (
    EFFECT_COLUMNS,
    mediation_effects,
    mediation_regressions,
    product_tests,
)
from resampling_reference import dummy_regression, repeat_cities, simulate, treatment

CASES = pytest.mark.parametrize(
    ("unbalanced", "controls"), [(False, []), (False, ["x1", "x2"]), (True, []), (True, ["x1", "x2"])]
)


def specification(**changes):
    base = {"spec_id": "one", "mediator": "m", "outcome": "y", "treatment": "pilot", "sample": "everyone"}
    return pd.DataFrame([base | changes])


@CASES
def test_total_is_direct_plus_indirect_and_all_parts_are_those_of_the_records(unbalanced, controls):
    panel, timing = simulate(unbalanced=unbalanced)
    # Missing values in different rows: every equation must use the same ones.
    panel.loc[panel.index[:7], "m"] = np.nan
    panel.loc[panel.index[5:11], "y"] = np.nan
    records = mediation_regressions(panel, timing, specification(), controls)
    effects = mediation_effects(panel, timing, specification(), controls, draws=20)
    assert list(records.columns) == list(RECORD_COLUMNS) and list(effects.columns) == list(EFFECT_COLUMNS)
    assert (effects["status"] == "ok").all() and effects["vcov"].tolist() == ["iid", "CRV1"]
    assert (effects["identity_gap"].abs() < 1e-12).all()
    gap = effects["total"] - effects["direct"] - effects["a"] * effects["b"]
    assert (gap.abs() < 1e-12).all()
    keyed = records.set_index(["spec_id", "term", "vcov"])
    for _, row in effects.iterrows():
        vcov = row["vcov"]
        for spec_id, term, value, error in (
            ("one__mediator", "pilot", row["a"], row["se_a"]),
            ("one__direct", "m", row["b"], row["se_b"]),
            ("one__direct", "pilot", row["direct"], None),
        ):
            reference = keyed.loc[(spec_id, term, vcov)]
            assert value == pytest.approx(reference["estimate"], rel=1e-10)
            assert error is None or error == pytest.approx(reference["std_error"], rel=1e-10)
            assert row["n_obs"] == reference["n_obs"] and row["n_cities"] == reference["n_cities"]
    assert (records["n_dropped_missing"] == 11).all() and (records["sample"] == "everyone").all()
    assert records["spec_id"].unique().tolist() == ["one__mediator", "m__alone__y__everyone", "one__direct"]
    # Equation (5), and the total effect, on the same rows by dummies.
    used = panel.dropna()
    sizes = used.groupby("adcode")["year"].transform("size")
    used = used[sizes > 1]
    pilot = treatment(used, timing, "pilot")
    for term, ours in (
        (used["m"], keyed.loc[("m__alone__y__everyone", "m", "iid"), "estimate"]),
        (pilot, effects.loc[0, "total"]),
    ):
        terms = np.column_stack([term, used[controls]])
        reference = dummy_regression(used["y"], terms, used["adcode"], used["year"])[0][0]
        assert ours == pytest.approx(reference, rel=1e-10)


def test_sobel_aroian_and_goodman_by_hand():
    # a = 0.5 (0.1), b = 0.4 (0.2): a b = 0.2; Sobel variance 0.16*0.01 + 0.25*0.04 = 0.0116, product 0.0004.
    tests = product_tests(0.5, 0.1, 0.4, 0.2)
    assert tests["sobel_z"] == pytest.approx(0.2 / 0.0116**0.5)
    assert tests["aroian_z"] == pytest.approx(0.2 / 0.0120**0.5)
    assert tests["goodman_z"] == pytest.approx(0.2 / 0.0112**0.5)
    assert tests["sobel_p"] == pytest.approx(0.06332, abs=1e-5)
    assert abs(tests["sobel_z"]) < min(0.5 / 0.1, 0.4 / 0.2)
    assert product_tests(-0.5, 0.1, 0.4, 0.2)["sobel_z"] == -tests["sobel_z"]
    # Goodman's variance is negative when both t are small.
    weak = product_tests(0.05, 0.1, 0.1, 0.2)
    assert np.isnan(weak["goodman_z"]) and np.isnan(weak["goodman_p"]) and np.isfinite(weak["aroian_z"])
    assert np.isnan(product_tests(0.0, 0.0, 0.0, 0.0)["sobel_z"])


def test_the_product_of_correlated_estimates_by_hand():
    # As above with covariance 0.01: 2 a b c = 0.004 more, and c squared = 0.0001 in Aroian's and Goodman's.
    tests = product_tests(0.5, 0.1, 0.4, 0.2, 0.01)
    assert tests["sobel_z"] == pytest.approx(0.2 / 0.0156**0.5)
    assert tests["aroian_z"] == pytest.approx(0.2 / 0.0161**0.5)
    assert tests["goodman_z"] == pytest.approx(0.2 / 0.0151**0.5)
    # Aroian's is the variance of a product of two normal variables.
    rng = np.random.default_rng(0)
    a, b = rng.multivariate_normal([0.5, 0.4], [[0.01, 0.01], [0.01, 0.04]], 400_000).T
    assert np.var(a * b) == pytest.approx(0.0161, rel=0.01)


def test_clustered_covariance_of_both_effects_equals_stacked_regressions():
    """Equations (4) and (6) one below the other, every coefficient by equation, clustered by city."""
    panel, timing = simulate()
    effects = mediation_effects(panel, timing, specification(), ["x1", "x2"], draws=2).set_index("vcov")
    pilot = treatment(panel, timing, "pilot")
    # One year less: all dummies of both would be one too many.
    cities, years = (pd.get_dummies(panel[name], dtype=float).to_numpy() for name in ("adcode", "year"))
    dummies = np.column_stack([cities, years[:, 1:]])
    controls = panel[["x1", "x2"]].to_numpy() * [1e6, 1e-5]
    blocks = [np.column_stack([pilot, controls, dummies]), np.column_stack([panel["m"], pilot, controls, dummies])]
    moves, sizes = [], []
    for x, y in zip(blocks, (panel["m"], panel["y"]), strict=True):
        e = y.to_numpy() - x @ np.linalg.lstsq(x, y, rcond=None)[0]
        scores = (np.linalg.pinv(x)[0] * e)[:, None]
        moves.append(pd.DataFrame(scores).groupby(panel["adcode"].to_numpy()).sum().to_numpy()[:, 0])
        n, cities, terms = len(x), panel["adcode"].nunique(), x.shape[1] - dummies.shape[1]
        sizes.append(cities / (cities - 1) * (n - 1) / (n - terms - panel["year"].nunique()))
    expected = np.sqrt(sizes[0] * sizes[1]) * (moves[0] @ moves[1])
    assert effects.loc["CRV1", "cov_ab"] == pytest.approx(expected, rel=1e-9) and expected != 0
    assert effects.loc["iid", "cov_ab"] == 0
    assert effects.loc["CRV1", "se_a"] == pytest.approx(np.sqrt(sizes[0] * moves[0] @ moves[0]), rel=1e-9)


def test_clustered_sobel_is_right_where_both_effects_differ_between_cities_alike():
    """Effects that are large in the same cities: the spread of a b over replications is what the error says."""
    rng = np.random.default_rng(3)
    cities, years = 120, 8
    panel = pd.DataFrame({"adcode": np.repeat(np.arange(cities).astype("str"), years)})
    panel["year"] = np.tile(2010 + np.arange(years), cities)
    panel["everyone"] = True
    starts = np.where(np.arange(cities) % 2, 2014.0, np.nan)
    timing = pd.DataFrame({"adcode": np.arange(cities).astype("str"), "policy_id": "pilot"})
    timing["first_treated_year"] = starts
    pilot = (panel["year"] >= np.repeat(starts, years)).to_numpy(dtype=float)
    found = []
    for _ in range(150):
        both = 0.6 * np.repeat(rng.normal(size=cities), years)
        panel["m"] = (1 + both) * pilot + rng.normal(size=len(panel))
        panel["y"] = (0.5 + 0.5 * both) * panel["m"] + rng.normal(size=len(panel))
        row = mediation_effects(panel, timing, specification(), [], draws=1).set_index("vcov").loc["CRV1"]
        without = abs(row["indirect"] / product_tests(row["a"], row["se_a"], row["b"], row["se_b"])["sobel_z"])
        found.append((row["indirect"], abs(row["indirect"] / row["sobel_z"]), without))
    estimates, errors, without = np.array(found).T
    assert errors.mean() == pytest.approx(estimates.std(), rel=0.15)
    assert without.mean() < 0.95 * errors.mean()


@CASES
def test_bootstrap_draws_equal_refitting(unbalanced, controls):
    panel, timing = simulate(unbalanced=unbalanced)
    effects = mediation_effects(panel, timing, specification(), controls, draws=20, seed=8)
    sizes = panel.groupby("adcode")["year"].transform("size")
    panel = panel[sizes > 1]
    city = np.unique(panel["adcode"], return_inverse=True)[1]
    pilot, year = treatment(panel, timing, "pilot"), panel["year"].to_numpy()
    products = []
    for weights in bootstrap_weights(city.max() + 1, 20, generator(8, "mediation", "everyone")):
        rows, copies = repeat_cities(city, weights)
        others = panel[controls].to_numpy()[rows]
        m, y = panel["m"].to_numpy()[rows], panel["y"].to_numpy()[rows]
        a = dummy_regression(m, np.column_stack([pilot[rows], others]), copies, year[rows])[0][0]
        terms = np.column_stack([pilot[rows], m, others])
        products.append(a * dummy_regression(y, terms, copies, year[rows])[0][1])
    low, high = np.quantile(products, [0.025, 0.975])
    assert effects["bootstrap_low"].tolist() == pytest.approx([low, low], rel=1e-10)
    assert effects["bootstrap_high"].tolist() == pytest.approx([high, high], rel=1e-10)
    assert (effects["bootstrap_draws"] == 20).all()
    assert effects.loc[0, "share_mediated"] == pytest.approx(effects.loc[0, "indirect"] / effects.loc[0, "total"])


def test_bootstrap_interval_covers_the_planted_indirect_effect():
    # Planted: the policy moves the mediator by 0.5 and the mediator the outcome by 0.4.
    covered = []
    for seed in range(150):
        panel, timing = simulate(seed, cities=60, years=6)
        effects = mediation_effects(panel, timing, specification(), [], draws=300, seed=seed)
        covered.append(effects.loc[0, "bootstrap_low"] <= 0.2 <= effects.loc[0, "bootstrap_high"])
    # 95 percent, with a standard error of 1.8 points.
    assert 0.89 <= np.mean(covered) <= 0.995


def test_draws_depend_on_seed_and_sample_only():
    panel, timing = simulate(unbalanced=True)
    many = pd.concat([specification(spec_id="two", treatment="second"), specification()])
    one = mediation_effects(panel, timing, specification(), ["x1"], draws=50)
    mixed = panel.sample(frac=1, random_state=3)
    again = mediation_effects(mixed, timing.iloc[::-1], many, ["x1"], draws=50)
    pd.testing.assert_frame_equal(one, again[again["spec_id"] == "one"].reset_index(drop=True))
    other = mediation_effects(panel, timing, specification(), ["x1"], draws=50, seed=1)
    assert other.loc[0, "bootstrap_low"] != one.loc[0, "bootstrap_low"]


def test_table_8_has_the_paper_s_columns(shared):
    published = pd.read_csv(shared / "published" / "estimates.csv", dtype="str")
    published = published[published["table_no"] == "8"]
    panel, timing = simulate()
    panel = panel.rename(columns={"y": "nqp", "m": "agglomeration"})
    panel["innovation"] = panel["agglomeration"] + np.arange(len(panel)) % 7
    timing = pd.concat(
        [
            timing.replace({"pilot": "bcs", "second": "iic"}),
            timing[timing["policy_id"] == "second"].assign(policy_id="dual", first_treated_year=2016),
        ]
    )
    late = timing["adcode"].isin(sorted(set(timing["adcode"]))[::2])
    timing.loc[(timing["policy_id"] == "dual") & late, "first_treated_year"] = pd.NA
    frame = pd.concat(
        specification(
            spec_id=f"{mediator}_{policy}",
            mediator=mediator,
            outcome="nqp",
            treatment=policy,
            paper_table="8",
            panel=name,
            column_no=i,
        )
        for mediator, name in (("agglomeration", "A_agglomeration"), ("innovation", "B_innovation"))
        for i, policy in enumerate(("bcs", "iic", "dual"), start=1)
    )
    records = mediation_regressions(panel, timing, frame, ["x1"])
    keys = ["panel", "column_no", "outcome", "treatment", "term"]
    records["column_no"] = records["column_no"].astype(str)
    ours = records[records["vcov"] == "iid"].set_index(keys)
    for key in published[keys].itertuples(index=False):
        assert ours.loc[[tuple(key)], "status"].tolist() == ["ok"], key
    assert records["spec_id"].nunique() == 14
    # A second sample of the same mediator makes an equation (5) of its own, under a name of its own.
    more = pd.concat([frame, specification(outcome="nqp", mediator="innovation", treatment="bcs", sample="north")])
    records = mediation_regressions(panel, timing, more, ["x1"])
    assert "innovation__alone__nqp__north" in set(records["spec_id"])


def test_what_cannot_be_run_is_a_row_with_a_sentence():
    panel, timing = simulate()
    panel = panel.assign(nobody=False, flat=1.0, idle=panel["year"] * 1.0, blank=np.nan)
    panel["like_pilot"] = treatment(panel, timing, "pilot")
    rows = {
        "fine": {},
        "no_mediator": {"mediator": "talent"},
        "no_policy": {"treatment": "railway"},
        "itself": {"mediator": "y"},
        "empty_sample": {"sample": "nobody"},
        "flat_mediator": {"mediator": "flat"},
        "year_mediator": {"mediator": "idle"},
        "blank_mediator": {"mediator": "blank"},
        "same_as_policy": {"mediator": "like_pilot"},
        "own_control": {"outcome": "x1"},
    }
    frame = pd.concat([specification(spec_id=name, **changes) for name, changes in rows.items()])
    records = mediation_regressions(panel, timing, frame, ["x1"], ["fintech"])
    effects = mediation_effects(panel, timing, frame, ["x1"], ["fintech"], draws=10)
    status = effects.drop_duplicates("spec_id").set_index("spec_id")["status"].to_dict()
    assert status == {
        "fine": "ok",
        "no_mediator": "failed",
        "no_policy": "failed",
        "itself": "failed",
        "empty_sample": "not_identified",
        "flat_mediator": "not_identified",
        "year_mediator": "not_identified",
        "blank_mediator": "not_identified",
        "same_as_policy": "not_identified",
        "own_control": "failed",
    }
    assert len(effects) == 2 * len(rows)
    assert effects["message"].str.endswith("Controls not covered by this input: fintech.").all()
    messages = effects.drop_duplicates("spec_id").set_index("spec_id")["message"]
    assert "blank is missing in every row" in messages["blank_mediator"]
    by_spec = records.drop_duplicates("spec_id").set_index("spec_id")
    assert by_spec.loc["no_mediator__mediator", "status"] == "failed"
    assert by_spec.loc["flat_mediator__direct", "status"] == "ok"
    assert by_spec.loc["empty_sample__mediator", "status"] == "not_identified"
    assert not records["message"].str.contains("rows of").any()
    for message, arguments, draws in (
        ("at least 1", (panel, timing, frame, []), 0),
        ("no column 'mediator'", (panel, timing, frame.drop(columns="mediator"), []), 5),
        ("blank mediator", (panel, timing, specification(mediator=None), []), 5),
        ("listed twice", (panel, timing, pd.concat([frame, frame]), []), 5),
    ):
        with pytest.raises(InputError, match=message):
            mediation_effects(*arguments, draws=draws)
