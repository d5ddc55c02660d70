"""Many hypotheses: pyfixest's printed p values, every draw refitted, naive loops, and the level of the whole family."""

import duckdb
import jinja2
import numpy as np
import pandas as pd
import pytest
from city_policy.errors import InputError
from city_policy.estimation.computation.cross_products import WILD_WEIGHTS, generator
from city_policy.estimation.estimators.multiple_hypotheses import (
    HYPOTHESIS_COLUMNS,
    multiple_hypotheses,
    romano_wolf,
)
from statsmodels.stats.multitest import multipletests

# pyfixest 0.60.0 and wildboottest 0.3.2, ``rwolf(fits, "d", reps=9999, seed=3)`` and seed 4, on the panel of `simulate`:
# fits of y0 ... y3 on d, x and dummies of city and year, clustered by city.
PYFIXEST = {"y0": (0.593, 0.5989), "y1": (0.593, 0.5989), "y2": (0.0045, 0.0042), "y3": (0.0341, 0.0347)}


def simulate(effects=(0.0, 0.25, 0.45, 0.6), seed=11):
    """The panel that pyfixest was given, and its timing."""
    rng = np.random.default_rng(seed)
    cities, years = 40, 8
    city, year = np.repeat(np.arange(cities), years), np.tile(np.arange(2011, 2011 + years), cities)
    place = np.arange(cities) % 3
    starts = np.where(place == 0, 2014, np.where(place == 1, 2016, 9999))
    treated = (year >= starts[city]).astype(float)
    common = rng.normal(size=cities * years)
    drift = np.repeat(rng.normal(size=cities), years) * np.tile(np.arange(years), cities) / 8
    panel = pd.DataFrame({"adcode": city.astype("str"), "year": year, "everyone": True})
    panel["x"] = rng.normal(size=cities * years)
    for k, effect in enumerate(effects):
        noise = 0.7 * rng.normal(size=cities * years)
        panel[f"y{k}"] = effect * treated + 0.5 * common + drift * (k % 2) + noise + 0.3 * panel["x"]
    timing = pd.DataFrame({"adcode": np.arange(cities).astype("str"), "policy_id": "d"})
    timing["first_treated_year"] = np.where(starts == 9999, np.nan, starts)
    return panel, timing


def specifications(names=("y0", "y1", "y2", "y3"), **changes):
    rows = [{"spec_id": name, "outcome": name, "treatment": "d", "sample": "everyone", "result": "r"} for name in names]
    return pd.DataFrame([row | changes for row in rows])


def test_equals_what_pyfixest_prints():
    panel, timing = simulate()
    rows = multiple_hypotheses(panel, timing, specifications(), ["x"], draws=9999).set_index("spec_id")
    assert rows["family"].unique().tolist() == ["r"]
    for name, printed in PYFIXEST.items():
        # Its signs, our Webb weights: what remains is the error of drawing, and a little of the weights.
        error = 4 * np.sqrt(printed[0] * (1 - printed[0]) / 9999)
        assert rows.loc[name, "romano_wolf_p"] == pytest.approx(np.mean(printed), abs=error + 0.005)


def test_every_draw_equals_refitting_and_the_steps_equal_loops():
    panel, timing = simulate()
    rows = multiple_hypotheses(panel, timing, specifications(), ["x"], draws=40, seed=5).set_index("spec_id")
    weights = generator(5, "many hypotheses").choice(WILD_WEIGHTS["webb"], (40, 40))
    cities = np.sort(panel["adcode"].unique())
    code = np.searchsorted(cities, panel["adcode"])
    start = panel["adcode"].map(timing.set_index("adcode")["first_treated_year"])
    treated = (panel["year"] >= start).to_numpy(dtype=float)
    dummies = [pd.get_dummies(panel[name], dtype=float).to_numpy() for name in ("adcode", "year")]
    dummies[1] = dummies[1][:, 1:]
    nothing = np.column_stack([panel["x"], *dummies])
    full = np.column_stack([treated, nothing])

    def t_of(y):
        b = np.linalg.lstsq(full, y, rcond=None)[0]
        moves = np.bincount(code, np.linalg.pinv(full)[0] * (y - full @ b))
        factor = 40 / 39 * (320 - 1) / (320 - 2 - 8)
        return b[0] / np.sqrt(factor * moves @ moves)

    observed, drawn = {}, {}
    for name in PYFIXEST:
        y = panel[name].to_numpy()
        observed[name] = abs(t_of(y))
        fitted = nothing @ np.linalg.lstsq(nothing, y, rcond=None)[0]
        drawn[name] = [abs(t_of(fitted + v[code] * (y - fitted))) for v in weights]
        assert rows.loc[name, "t_stat"] == pytest.approx(t_of(y), rel=1e-9)
        alone = (1 + sum(t >= observed[name] for t in drawn[name])) / 41
        assert rows.loc[name, "p_value"] == pytest.approx(alone)
    remaining, before = sorted(observed, key=lambda name: -observed[name]), 0.0
    while remaining:
        beyond = sum(max(drawn[name][b] for name in remaining) >= observed[remaining[0]] for b in range(40))
        before = max(before, (1 + beyond) / 41)
        assert rows.loc[remaining.pop(0), "romano_wolf_p"] == pytest.approx(before)


def test_holm_of_the_database_equals_statsmodels(project):
    rng = np.random.default_rng(0)
    tests = pd.DataFrame({"family": np.repeat(["a", "b", "c"], [12, 5, 1]), "spec_id": [f"t{i}" for i in range(18)]})
    tests["p_value"] = rng.uniform(0, 0.3, 18).round(2)
    # Two tests alike, and one that could not be made.
    tests.loc[3, "p_value"], tests.loc[15, "p_value"] = tests.loc[4, "p_value"], np.nan
    macro = jinja2.Environment().from_string((project / "macros" / "holm.sql").read_text()).module.holm
    with duckdb.connect() as connection:
        connection.register("tests", tests.sample(frac=1, random_state=1))
        found = connection.sql(macro("tests", "family", "p_value")).df().set_index(["family", "spec_id"])
    known = tests.dropna()
    assert len(found) == len(known) == 17
    for family, own in known.groupby("family"):
        rows = found.loc[family].loc[own["spec_id"]]
        np.testing.assert_allclose(rows["holm_p_value"], multipletests(own["p_value"], method="holm")[1])
        assert (rows["n_tests"] == len(own)).all()


def test_one_hypothesis_needs_no_correction_and_twins_cost_nothing():
    drawn = np.abs(np.random.default_rng(1).normal(size=(1, 199)))
    alone = romano_wolf(np.array([2.0]), drawn)
    assert alone[0] == (1 + (drawn >= 2).sum()) / 200
    # The same hypothesis three times is one hypothesis.
    np.testing.assert_array_equal(romano_wolf(np.full(3, 2.0), np.repeat(drawn, 3, axis=0)), np.repeat(alone, 3))


def test_families_and_what_cannot_be_tested():
    panel, timing = simulate()
    panel["few"] = panel["adcode"].isin(["0", "2", "5", "8", "11", "14"])
    both = pd.concat(
        [
            specifications(("y2", "y3")),
            specifications(("y0", "y1")).assign(result="s"),
            specifications(("y2",)).assign(spec_id="one_city", sample="few"),
            specifications(("absent",)).assign(spec_id="absent"),
        ]
    )
    rows = multiple_hypotheses(panel, timing, both, ["x"], ["z"], draws=99)
    assert list(rows.columns) == list(HYPOTHESIS_COLUMNS)
    assert rows.groupby("family")["n_hypotheses"].first().to_dict() == {"all": 4, "r": 2, "s": 2}
    by_spec = rows[rows["family"] == "r"].set_index("spec_id")
    assert by_spec.loc["one_city", "status"] == "not_identified" and by_spec.loc["absent", "status"] == "failed"
    assert by_spec.loc[["one_city", "absent"], ["p_value", "romano_wolf_p"]].isna().all(axis=None)
    assert rows["message"].str.contains("Controls not covered by this input: z.", regex=False).all()
    fine = rows[rows["status"] == "ok"]
    assert (fine["romano_wolf_p"] >= fine["p_value"] - 1e-12).all()
    every = fine[fine["family"] == "all"].set_index("spec_id")["romano_wolf_p"]
    within = fine[fine["family"] != "all"].set_index("spec_id")["romano_wolf_p"]
    assert (every[within.index] >= within - 1e-12).all()
    again = multiple_hypotheses(panel.sample(frac=1, random_state=0), timing, both.iloc[::-1], ["x"], ["z"], draws=99)
    pd.testing.assert_frame_equal(again, rows, check_exact=True)
    with pytest.raises(InputError, match="asked for 0 draws"):
        multiple_hypotheses(panel, timing, both, [], draws=0)


def test_the_family_keeps_its_level():
    """No effect anywhere: some single test rejects far too often, the corrected family about one time in twenty."""
    single, family = 0, 0
    for seed in range(120):
        panel, timing = simulate(effects=(0.0,) * 6, seed=seed)
        names = tuple(f"y{k}" for k in range(6))
        rows = multiple_hypotheses(panel, timing, specifications(names), [], draws=199, seed=seed)
        single += (rows["p_value"] < 0.05).any()
        family += (rows["romano_wolf_p"] < 0.05).any()
    # 6 of 120 expected; 99.9 % of binomial draws lie below 15.
    assert family < 15 < single
