"""Heterogeneity-robust estimators: values that R prints, brute force, planted effects, and what cannot be run."""

import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from city_policy.errors import InputError
from city_policy.estimation.estimators.staggered import ESTIMATORS, STAGGERED_COLUMNS, estimate_staggered

POLICY = "pilot"


def specifications(*estimators, **changes):
    base = {"result": "heterogeneity_robust_effects", "outcome": "y", "treatment": POLICY, "sample": "everyone"}
    return pd.DataFrame([base | {"spec_id": name, "estimator": name} | changes for name in estimators])


def timing_of(first: dict) -> pd.DataFrame:
    """Treatment timing from city -> first treated year, 0 for never."""
    years = [year or None for year in first.values()]
    return pd.DataFrame({"adcode": list(first), "policy_id": POLICY, "first_treated_year": years})


def simulate(seed=0, noise=1.0, cities=80, cohorts=(0, 2013, 2015, 2018), years=range(2011, 2020)):
    """Effects 1 + event time / 2, larger by 1 in the first cohort; one control with slope 0.7."""
    rng = np.random.default_rng(seed)
    city, year = (part.ravel() for part in np.meshgrid(np.arange(cities), np.array(years), indexing="ij"))
    first = np.array([cohorts[c % len(cohorts)] for c in range(cities)])
    event = year - first[city]
    treated = (first[city] > 0) & (event >= 0)
    effect = np.where(treated, 1 + event / 2 + (first[city] == 2013), 0.0)
    panel = pd.DataFrame({"adcode": [f"{c:06d}" for c in city], "year": year, "everyone": True})
    panel["x"] = rng.normal(size=len(city)) + city / 10
    panel["y"] = city + year / 3 + 0.7 * panel["x"] + effect + noise * rng.normal(size=len(city))
    names = [f"{c:06d}" for c in range(cities)]
    return panel, timing_of(dict(zip(names, first.tolist(), strict=True))), effect


def averages(record):
    return record[record["event_time"].isna()].set_index("spec_id")


def test_values_that_r_prints(shared):
    """did, fixest::sunab and didimputation on public panels; figures from the folder's README."""
    panel = pd.read_csv(shared / "benchmarks" / "mpdta.csv").rename(columns={"lemp": "y", "countyreal": "adcode"})
    panel = panel.assign(adcode=panel["adcode"].astype("str"), everyone=True)
    timing = timing_of(panel.groupby("adcode")["first.treat"].first().to_dict())
    record = estimate_staggered(panel, timing, specifications(*ESTIMATORS), [])
    average = averages(record)
    # Without controls Sun and Abraham's average equals Callaway and Sant'Anna's against never-treated units.
    assert average.loc["sun_abraham", "estimate"] == pytest.approx(-0.03995, abs=5e-6)
    last = record[(record["event_time"] == 3) & (record["spec_id"] == "sun_abraham")]["estimate"].iloc[0]
    assert last == pytest.approx(-0.1008, abs=5e-5)

    panel = pd.read_csv(shared / "benchmarks" / "simulated_panel.csv").rename(columns={"city": "adcode"})
    panel = panel.assign(adcode=panel["adcode"].astype("str"), everyone=True)
    starts = panel[panel["treat"] == 1].groupby("adcode")["year"].min()
    timing = timing_of({city: int(starts.get(city, 0)) for city in panel["adcode"].unique()})
    found = {}
    for controls in ([], ["x1", "x2"]):
        found[len(controls)] = averages(estimate_staggered(panel, timing, specifications(*ESTIMATORS), controls))
    matches = [key for key in found if abs(found[key].loc["imputation", "estimate"] - 0.34220070) < 5e-9]
    assert matches, {key: table["estimate"].to_dict() for key, table in found.items()}
    matches = [key for key in found if abs(found[key].loc["sun_abraham", "estimate"] - 0.4020050) < 5e-8]
    assert matches, {key: table["estimate"].to_dict() for key, table in found.items()}


def test_without_noise_the_planted_effects_come_out():
    panel, timing, effect = simulate(noise=0)
    record = estimate_staggered(panel, timing, specifications("imputation", "sun_abraham"), ["x"])
    for _, row in averages(record).iterrows():
        assert row["estimate"] == pytest.approx(effect[effect > 0].mean(), abs=1e-9)
    start = panel["adcode"].map(timing.set_index("adcode")["first_treated_year"]).to_numpy(dtype="float64")
    for _, row in record[record["event_time"] >= 0].iterrows():
        own = panel["year"].to_numpy() - start == row["event_time"]
        assert row["estimate"] == pytest.approx(effect[own].mean(), abs=1e-9)
    for _, row in record[record["event_time"] < 0].iterrows():
        assert row["estimate"] == pytest.approx(0, abs=1e-9)


def test_imputation_equals_a_regression_on_untreated_rows():
    panel, timing, effect = simulate(seed=3)
    record = estimate_staggered(panel, timing, specifications("imputation"), ["x"])
    design = pd.concat(
        [
            pd.get_dummies(panel["adcode"], dtype=float),
            pd.get_dummies(panel["year"], dtype=float).iloc[:, 1:],
            panel["x"],
        ],
        axis=1,
    ).to_numpy()
    y, free = panel["y"].to_numpy(), effect == 0
    left = y - design @ np.linalg.lstsq(design[free], y[free], rcond=None)[0]
    assert averages(record).loc["imputation", "estimate"] == pytest.approx(left[~free].mean(), rel=1e-9)


def test_callaway_santanna_equals_differences_by_hand():
    panel, timing, _ = simulate(seed=4)
    record = estimate_staggered(panel, timing, specifications("callaway_santanna"), [])
    wide = panel.pivot(index="adcode", columns="year", values="y")
    first = timing.set_index("adcode")["first_treated_year"].reindex(wide.index).to_numpy(dtype="float64")
    total, weight = 0.0, 0
    for g in (2013, 2015, 2018):
        for t in range(g, 2020):
            change = (wide[t] - wide[g - 1]).to_numpy()
            waiting = np.isnan(first) | (first > t)
            total += (first == g).sum() * (change[first == g].mean() - change[waiting].mean())
            weight += (first == g).sum()
    assert averages(record).loc["callaway_santanna", "estimate"] == pytest.approx(total / weight, rel=1e-9)


def test_what_cannot_be_compared_is_left_out_and_counted():
    panel, timing, _ = simulate(cohorts=(0, 2011, 2015, 2030))
    record = averages(estimate_staggered(panel, timing, specifications(*ESTIMATORS), ["x"]))
    for _, row in record.iterrows():
        assert row["status"] == "ok" and row["n_cities"] == 60 and row["n_treated_cities"] == 20
        assert "20 cities are treated in every year used" in row["message"]


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"estimator": "synthetic"}, "failed", "'synthetic'; expected one of imputation"),
        ({"treatment": "x"}, "failed", "'x' is no policy"),
        ({"lag": "1"}, "failed", "no lag"),
        ({"extra_fixed_effects": "adcode^year"}, "failed", "no lag"),
        ({"sample": "nobody"}, "not_identified", "is empty"),
        ({"sample": "untreated"}, "not_identified", "No city of the sample changes"),
    ],
)
def test_what_cannot_be_run_is_a_row_with_a_sentence(changes, status, words):
    panel, timing, effect = simulate()
    panel = panel.assign(nobody=False, untreated=effect == 0)
    record = estimate_staggered(panel, timing, specifications("imputation", **changes), ["x"], ["fintech"])
    assert list(record.columns) == list(STAGGERED_COLUMNS)
    assert record["status"].tolist() == [status]
    assert words in record["message"].iloc[0] and "fintech" in record["message"].iloc[0]


def test_a_gap_of_years_is_no_obstacle():
    """Editions every three years: cohorts that start between two of them."""
    panel, timing, _ = simulate(cohorts=(0, 2013, 2015, 2018), years=(2011, 2014, 2017, 2020))
    record = averages(estimate_staggered(panel, timing, specifications(*ESTIMATORS), ["x"]))
    assert "the cohort of 2014 has 1" in record.loc["synthetic_did", "message"]
    record = record.drop("synthetic_did")
    assert (record["status"] == "ok").all(), record["message"].tolist()
    assert record["message"].str.contains("The years have gaps").all()


def test_what_another_thread_warns_of_is_no_remark_of_ours():
    """dbt runs two models at a time in one process; messages must not depend on which."""
    done = threading.Event()

    def warn():
        while not done.wait(0.0005):
            warnings.warn("from elsewhere", UserWarning, stacklevel=1)

    panel, timing, _ = simulate()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        thread = threading.Thread(target=warn)
        thread.start()
        try:
            record = estimate_staggered(panel, timing, specifications("imputation"), ["x"])
        finally:
            done.set()
            thread.join()
    assert record["message"].isna().all(), record["message"].dropna().unique()


def test_a_collinear_control_is_remarked():
    """A control that stands twice and one that does not vary are named, and the effects are those without them."""
    panel, timing, _ = simulate(cohorts=(0, 2013, 2015))
    panel = panel.assign(again=panel["x"] * 3 + 1, flat=2.0)
    own = [name for name in ESTIMATORS if name not in ("imputation", "callaway_santanna")]
    record = averages(estimate_staggered(panel, timing, specifications(*own), ["x", "again", "flat"]))
    alone = averages(estimate_staggered(panel, timing, specifications(*own), ["x"]))
    assert record["message"].str.contains("Dropped as collinear: flat again.", regex=False).all()
    assert record["estimate"].to_numpy() == pytest.approx(alone["estimate"].to_numpy(), rel=1e-10)
    assert record["std_error"].to_numpy() == pytest.approx(alone["std_error"].to_numpy(), rel=1e-10)


def test_unusable_arguments_are_refused():
    panel, timing, _ = simulate()
    with pytest.raises(InputError, match="listed twice"):
        estimate_staggered(panel, timing, specifications("imputation", "imputation"), ["x"])


def test_the_same_digits_under_every_hash_seed():
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import test_staggered as t\n"
        "panel, timing, _ = t.simulate(seed=5)\n"
        "print(t.estimate_staggered(panel, timing, t.specifications(*t.ESTIMATORS), ['x']).to_csv())"
    )
    outputs = set()
    for hash_seed in ("0", "1", "7"):
        command = [sys.executable, "-c", code, str(Path(__file__).parent)]
        result = subprocess.run(command, capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": hash_seed})
        outputs.add(result.stdout)
    assert len(outputs) == 1
