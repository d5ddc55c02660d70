"""Proofs of two-stage least squares and its diagnostics: R's values, a published example, dummy regressions, grids."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from city_policy.estimation.computation.regression import Prepared, least_squares
from city_policy.estimation.contract.record import RECORD_COLUMNS
from city_policy.estimation.estimators.instrumental_variable import (
    DIAGNOSTIC_COLUMNS,
    _FirstStage,
    estimate_instrumental_variable,
)
from scipy.stats import f as f_distribution


def specification(**changes):
    row = {"spec_id": "one", "result": "instrumental_variable", "estimator": "instrumental_variable"}
    row |= {"paper_table": "4", "column_no": 2, "outcome": "y", "treatment": "d", "sample": "everyone"}
    return pd.DataFrame([row | {"cluster": "adcode", "variant": "z1"} | changes])


def simulate(seed=0, cities=40, years=6, strength=0.5, direct=0.0, gaps=0.1):
    """Panel and timing; y = 0.8 d + x, d endogenous and moved by z1, z2, z3; ``direct``: z2 in y as well."""
    rng = np.random.default_rng(seed)
    city, year = np.repeat(np.arange(cities), years), np.tile(np.arange(2011, 2011 + years), cities)
    n = len(city)
    panel = pd.DataFrame({"adcode": [f"{c:06d}" for c in city], "year": year, "everyone": True})
    for name in ("z1", "z2", "z3", "x"):
        panel[name] = rng.normal(size=n) + rng.normal(size=cities)[city]
    common = rng.normal(size=n) + 0.5 * rng.normal(size=cities)[city] * (year - 2013)
    panel["d"] = strength * (panel["z1"] + 0.5 * panel["z2"] - 0.5 * panel["z3"]) + 0.3 * panel["x"] + common
    panel["y"] = 0.8 * panel["d"] + panel["x"] + direct * panel["z2"] - common + rng.normal(size=n) + city
    panel["relief"] = np.abs(rng.normal(size=cities))[city]
    timing = pd.DataFrame({"adcode": [f"{c:06d}" for c in range(cities)], "policy_id": "dual"})
    timing["first_treated_year"] = pd.Series([2014 if c % 4 == 0 else None for c in range(cities)], dtype="Int64")
    panel["terrain_relief_proxy"] = panel["relief"]
    return panel[rng.random(n) >= gaps], timing


def dummies(panel):
    return np.column_stack(
        [pd.get_dummies(panel["adcode"], dtype=float), pd.get_dummies(panel["year"], dtype=float).iloc[:, 1:]]
    )


def anderson_rubin_test(panel, instruments):
    """A function of b and vcov: F of the instruments in the dummy regression of y - b d, and its 5 % bound."""
    x = np.column_stack([panel[instruments], panel["x"], dummies(panel)])
    (n, k), count = x.shape, len(instruments)
    bread = np.linalg.inv(x.T @ x)
    codes, cities = pd.factorize(panel["adcode"])
    counted = count + 1 + panel["year"].nunique()
    factor = len(cities) / (len(cities) - 1) * (n - 1) / (n - counted)
    part = slice(0, count)
    # Rows of (X'X)^-1 X' that belong to the instruments: what a row adds to their coefficients.
    weights = (bread @ x.T)[part]

    def test(b, vcov):
        y = (panel["y"] - b * panel["d"]).to_numpy()
        e = y - x @ (bread @ (x.T @ y))
        coefficients, degrees = weights @ y, n - k
        if vcov == "iid":
            covariance = e @ e / degrees * bread[part, part]
        elif vcov == "HC1":
            covariance = n / degrees * (weights * e**2) @ weights.T
        else:
            sums = np.array([np.bincount(codes, row * e) for row in weights])
            covariance, degrees = factor * sums @ sums.T, len(cities) - 1
        statistic = coefficients @ np.linalg.solve(covariance, coefficients) / count
        return statistic, f_distribution.ppf(0.95, count, degrees)

    return test


def test_the_values_of_r_on_the_simulated_panel(shared):
    panel = pd.read_csv(shared / "benchmarks" / "simulated_panel.csv")
    panel = panel.assign(adcode=panel["city"].astype(str), everyone=True)
    timing = pd.DataFrame({"adcode": ["1"], "policy_id": ["dual"], "first_treated_year": [2012]})
    estimates, diagnostics = estimate_instrumental_variable(
        panel, timing, specification(treatment="endog", variant="z z2"), ["x1", "x2"]
    )
    second = estimates[(estimates["term"] == "endog") & (estimates["vcov"] == "CRV1")].iloc[0]
    assert second["estimate"] == pytest.approx(0.299459824037, abs=1e-11)
    assert second["std_error"] == pytest.approx(0.00857852068141, abs=1e-13)
    by = diagnostics.set_index("vcov")
    assert by.loc["CRV1", "kp_rk_lm"] == pytest.approx(192.787458, abs=5e-7)
    assert by.loc["HC1", "kp_rk_lm"] == pytest.approx(554.5555, abs=5e-5)
    # The unrestricted Wald chi² 1422.5045 by the stated rule, and the F that the reference gives for it.
    factor = 275 / 274 * 3024 / (3025 - (2 + 2 + 11))
    assert by.loc["CRV1", "kp_wald_f"] * 2 * factor == pytest.approx(1422.5045, abs=5e-5)
    assert by.loc["CRV1", "kp_wald_f"] == pytest.approx(705.4, abs=0.05)


CARD_CONTROLS = ["exper", "expersq", "black", "south", "smsa", *(f"reg66{i}" for i in range(1, 9)), "smsa66"]


def card(instruments, controls):
    """Card's (1995) cross-section as prepared columns: the only effect is the constant."""
    data = pytest.importorskip("linearmodels.datasets.card").load()
    # The R package holds the log wage in single precision, linearmodels rounds it to six digits.
    data["lwage"] = np.log(data["wage"]).astype("float32")
    names = ["lwage", "educ", *instruments, *controls]
    raw = {name: data[name].to_numpy(dtype=float) for name in names}
    constant = np.zeros(len(data), dtype=int)
    return Prepared(
        rows=np.arange(len(data)),
        raw=raw,
        swept={name: column - column.mean() for name, column in raw.items()},
        controls=list(controls),
        absorbed=SimpleNamespace(rank=1, city=constant, effects=[constant]),
        cluster=np.arange(len(data)),
        root_weights=np.ones(len(data)),
    )


def test_the_published_return_to_schooling():
    """Wooldridge (2010), example 5.4 of Card's data: educ .132 (.055), instrument in the first stage .320 (.088)."""
    prepared = card(["nearc4"], CARD_CONTROLS)
    second = least_squares(prepared, "lwage", ["educ", *CARD_CONTROLS], ["nearc4", *CARD_CONTROLS]).inference(0, "iid")
    assert (round(second["estimate"], 3), round(second["std_error"], 3)) == (0.132, 0.055)
    first = least_squares(prepared, "educ", ["nearc4", *CARD_CONTROLS]).inference(0, "iid")
    assert (round(first["estimate"], 3), round(first["std_error"], 3)) == (0.320, 0.088)
    stage = _FirstStage(prepared, "lwage", "educ", ["nearc4"])
    assert stage.wald("iid") == pytest.approx(first["t_stat"] ** 2, rel=1e-10)


@pytest.mark.parametrize(
    ("instruments", "controls", "low", "high"),
    [
        # R package ivmodel, the values that its tests expect of AR.test on Card's data.
        (["nearc4"], [], 0.143037504074, 0.250862634531),
        (["nearc4", "nearc2"], [], 0.166084633236, 0.260253933988),
        (["nearc4"], CARD_CONTROLS, 0.0248048359651, 0.284823593339),
        (["nearc4", "nearc2"], CARD_CONTROLS, 0.0536002610089, 0.361980791255),
    ],
)
def test_published_anderson_rubin_intervals(instruments, controls, low, high):
    stage = _FirstStage(card(instruments, controls), "lwage", "educ", instruments)
    kind, ours_low, ours_high, between = stage.anderson_rubin("iid")
    assert (kind, between) == ("bounded", 0)
    assert (ours_low, ours_high) == pytest.approx((low, high), abs=1e-12)


@pytest.mark.parametrize("instruments", [["z1"], ["z1", "z2", "z3"]])
def test_equals_two_stages_on_all_dummies(instruments):
    panel, timing = simulate()
    estimates, _ = estimate_instrumental_variable(panel, timing, specification(variant=" ".join(instruments)), ["x"])
    x = np.column_stack([panel[["d", "x"]], dummies(panel)])
    z = np.column_stack([panel[instruments], panel["x"], dummies(panel)])
    y = panel["y"].to_numpy()
    hat = z @ np.linalg.lstsq(z, x, rcond=None)[0]
    bread = np.linalg.inv(hat.T @ hat)
    b = bread @ hat.T @ y
    e = y - x @ b
    n, k = x.shape
    codes, cities = pd.factorize(panel["adcode"])
    sums = np.zeros((len(cities), k))
    np.add.at(sums, codes, hat * e[:, None])
    factor = len(cities) / (len(cities) - 1) * (n - 1) / (n - 2 - panel["year"].nunique())
    for vcov, covariance in (
        ("iid", e @ e / (n - k) * bread),
        ("CRV1", factor * bread @ (sums.T @ sums) @ bread),
    ):
        ours = estimates[(estimates["vcov"] == vcov) & (estimates["panel"] == "second_stage")].set_index("term")
        np.testing.assert_allclose(ours.loc[["d", "x"], "estimate"], b[:2], rtol=1e-9)
        np.testing.assert_allclose(ours.loc[["d", "x"], "std_error"], np.sqrt(np.diag(covariance))[:2], rtol=1e-9)
        first = estimates[(estimates["vcov"] == vcov) & (estimates["panel"] == "first_stage")]
        assert first["estimate"].to_numpy() == pytest.approx(
            np.linalg.lstsq(z, panel["d"], rcond=None)[0][: len(instruments)]
        )
        assert (first["outcome"] == "d").all() and (first["column_no"] == 1).all()


@pytest.mark.parametrize("instruments", [["z1"], ["z1", "z2", "z3"]])
def test_the_statistics_agree_with_linearmodels(instruments):
    common = pytest.importorskip("linearmodels.iv.common")
    panel, timing = simulate(1)
    _, diagnostics = estimate_instrumental_variable(panel, timing, specification(variant=" ".join(instruments)), ["x"])
    by = diagnostics.set_index("vcov")
    exogenous = np.column_stack([panel["x"], dummies(panel)])
    arguments = panel[["d"]].to_numpy(), panel[instruments].to_numpy(), exogenous
    clusters = {"clusters": pd.factorize(panel["adcode"])[0]}
    for vcov, kind, config in (("iid", "unadjusted", None), ("HC1", "robust", None), ("CRV1", "clustered", clusters)):
        theirs = common.kleibergen_paap(*arguments, cov_type=kind, cov_config=config)
        assert by.loc[vcov, "kp_rk_lm"] == pytest.approx(theirs.stat, rel=1e-8)
        assert by.loc[vcov, "kp_rk_lm_p"] == pytest.approx(theirs.pval, rel=1e-6)
    assert by["cragg_donald_f"].to_numpy() == pytest.approx(common.cragg_donald_f(*arguments), rel=1e-8)


@pytest.mark.parametrize("instruments", [["z1"], ["z1", "z2", "z3"]])
def test_the_wald_f_is_the_f_of_the_first_stage(instruments):
    panel, timing = simulate(2)
    _, diagnostics = estimate_instrumental_variable(panel, timing, specification(variant=" ".join(instruments)), ["x"])
    by = diagnostics.set_index("vcov")
    # The Anderson-Rubin statistic of -d in place of y, at zero, is the F of the first stage.
    turned = panel.assign(y=-panel["d"])
    for vcov in ("iid", "HC1", "CRV1"):
        expected = anderson_rubin_test(turned, instruments)(0.0, vcov)[0]
        assert by.loc[vcov, "kp_wald_f"] == pytest.approx(expected, rel=1e-8)
    assert by.loc["iid", "cragg_donald_f"] == pytest.approx(by.loc["iid", "kp_wald_f"], rel=1e-10)


def test_the_anderson_rubin_set_is_where_the_test_does_not_reject():
    """Closed form against the test itself on a grid, until every kind of set has occurred."""
    kinds = {}
    for seed in range(8):
        for strength, direct in ((0.5, 0.0), (0.08, 0.0), (0.0, 0.0), (0.5, 3.0)):
            for instruments in (["z1"], ["z1", "z2", "z3"]):
                panel, timing = simulate(seed, strength=strength, direct=direct)
                _, diagnostics = estimate_instrumental_variable(
                    panel, timing, specification(variant=" ".join(instruments)), ["x"]
                )
                test = anderson_rubin_test(panel, instruments)
                for row in diagnostics.itertuples():
                    kinds[row.anderson_rubin_kind] = kinds.get(row.anderson_rubin_kind, 0) + 1
                    low, high = row.anderson_rubin_low, row.anderson_rubin_high
                    if row.anderson_rubin_kind in ("bounded", "disjoint"):
                        width = high - low
                        points = [low - 0.01 * width, low + 0.01 * width, high - 0.01 * width, high + 0.01 * width]
                        if "further ends" in row.message:
                            points = [points[0], points[-1]]
                            expected = [row.anderson_rubin_kind == "disjoint"] * 2
                        elif row.anderson_rubin_kind == "bounded":
                            expected = [False, True, True, False]
                        else:
                            expected = [True, False, False, True]
                        for end in (low, high):
                            statistic, bound = test(end, row.vcov)
                            assert statistic == pytest.approx(bound, rel=1e-6)
                    else:
                        assert np.isnan(low) and np.isnan(high)
                        points = [*np.linspace(-6, 6, 25), -1e4, 1e4]
                        expected = [row.anderson_rubin_kind == "unbounded"] * len(points)
                    for b, inside in zip(points, expected, strict=True):
                        statistic, bound = test(b, row.vcov)
                        assert (statistic <= bound) == inside, (seed, row, b)
    assert set(kinds) == {"bounded", "unbounded", "disjoint", "empty"}, kinds


def test_the_papers_instrument_and_relief_by_year():
    panel, timing = simulate(3, gaps=0.0)
    panel["dual_again"] = (panel["year"] >= 2014) & (panel["adcode"].astype(int) % 4 == 0)
    panel["product"] = panel["relief"] * panel["dual_again"]
    paper = specification(variant="terrain_relief_proxy:dual")
    by_year = specification(spec_id="two", variant="terrain_relief_proxy:year")
    plain = specification(spec_id="three", variant="product")
    estimates, diagnostics = estimate_instrumental_variable(panel, timing, pd.concat([paper, by_year, plain]), ["x"])
    one, two, three = (diagnostics[diagnostics["spec_id"] == name] for name in ("one", "two", "three"))
    assert one["instrument"].unique().tolist() == ["terrain_relief_proxy:dual"]
    assert one["kp_rk_lm"].to_numpy() == pytest.approx(three["kp_rk_lm"].to_numpy(), rel=1e-12)
    assert one["message"].str.contains("The instrument contains the treatment").all()
    assert one["message"].str.contains("exclusion is doubtful").all()
    assert not two["message"].str.contains("exclusion is doubtful").any()
    assert (two["n_instruments"] == 5).all()
    terms = estimates[(estimates["spec_id"] == "two") & (estimates["panel"] == "first_stage")]["term"]
    assert terms.unique().tolist() == [f"instrument_{year}" for year in range(2012, 2017)]
    first = estimates[(estimates["spec_id"] == "one") & (estimates["panel"] == "first_stage")]
    assert first["term"].unique().tolist() == ["instrument"]
    keys = estimates[["spec_id", "term", "vcov"]]
    assert not keys.duplicated().any()


def test_an_instrument_made_of_the_treatment_says_so():
    panel, timing = simulate(3, gaps=0.0)
    _, diagnostics = estimate_instrumental_variable(
        panel, timing, specification(treatment="dual", variant="terrain_relief_proxy:dual"), ["x"]
    )
    assert (diagnostics["status"] == "ok").all()
    assert diagnostics["message"].str.contains("contains the treatment itself (dual)", regex=False).all()


def test_row_order_does_not_matter_and_types_are_declared():
    panel, timing = simulate(4)
    straight = estimate_instrumental_variable(panel, timing, specification(variant="z1 z2"), ["x"])
    shuffled = estimate_instrumental_variable(
        panel.sample(frac=1, random_state=1), timing, specification(variant="z1 z2"), ["x"]
    )
    for ours, theirs, columns in zip(straight, shuffled, (RECORD_COLUMNS, DIAGNOSTIC_COLUMNS), strict=True):
        pd.testing.assert_frame_equal(ours, theirs, check_exact=True)
        assert {name: str(dtype) for name, dtype in ours.dtypes.items()} == columns


@pytest.mark.parametrize(
    ("changes", "status", "sentence"),
    [
        ({"variant": "altitude:dual"}, "failed", "'altitude' is neither a policy"),
        ({"variant": "a:b:c"}, "failed", "is not understood"),
        ({"variant": "relief"}, "not_identified", "explain the instrument relief"),
        ({"treatment": "relief"}, "not_identified", "relief is collinear"),
        ({"treatment": "never"}, "not_identified", "No city"),
    ],
)
def test_what_cannot_be_run_is_a_row_with_a_sentence(changes, status, sentence):
    panel, timing = simulate(5)
    estimates, diagnostics = estimate_instrumental_variable(
        panel.assign(never=0), timing, specification(**changes), ["x"]
    )
    assert estimates["vcov"].tolist() == ["iid", "CRV1"]
    assert diagnostics["vcov"].tolist() == ["iid", "HC1", "CRV1"]
    for frame in (estimates, diagnostics):
        assert (frame["status"] == status).all()
        assert frame["message"].str.contains(sentence, regex=False).all()


def test_too_few_clusters_leave_the_other_statistics():
    panel, timing = simulate(6, cities=12)
    panel["half"] = panel["adcode"].astype(int) % 2
    for cluster, sentence in (("half", "too few clusters"), ("everyone", "one everyone")):
        _, diagnostics = estimate_instrumental_variable(
            panel, timing, specification(variant="z1 z2 z3", cluster=cluster), ["x"]
        )
        assert diagnostics["status"].tolist() == ["ok", "ok", "not_identified"]
        assert sentence in diagnostics["message"].iloc[2]
