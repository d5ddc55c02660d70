"""Proofs of the event study: a dummy-variable regression, F and Wald tests by hand, planted effects."""

import numpy as np
import pandas as pd
import pytest
from city_policy.errors import InputError
from city_policy.estimation.estimators.event_study import (
    EVENT_STUDY_COLUMNS,
    PRETREND_COLUMNS,
    estimate_event_study,
)
from scipy.stats import f as f_distribution


def specification(**changes):
    row = {"spec_id": "one", "result": "event_study", "estimator": "event_study", "outcome": "y"}
    return pd.DataFrame([row | {"treatment": "pilot", "sample": "everyone", "cluster": "adcode"} | changes])


def simulate(seed=0, cities=40, years=9, cohorts=(2013, 2015, 2018, None), noise=1.0, gaps=0.0):
    """Panel and timing; the effect of event time e >= 0 is 1 + e / 2, before it nothing."""
    rng = np.random.default_rng(seed)
    city, year = np.repeat(np.arange(cities), years), np.tile(np.arange(2011, 2011 + years), cities)
    first = pd.Series([cohorts[c % len(cohorts)] for c in range(cities)], dtype="Int64")
    event = year - first.to_numpy(dtype="float64", na_value=np.nan)[city]
    panel = pd.DataFrame({"adcode": [f"{c:06d}" for c in city], "year": year, "everyone": True})
    panel["x"] = rng.normal(size=len(city)) + city / 10
    panel["y"] = city + year / 3 + 0.7 * panel["x"] + np.where(event >= 0, 1 + np.maximum(event, 0) / 2, 0.0)
    panel["y"] += noise * (rng.normal(size=len(city)) + rng.normal(size=cities)[city] * (year - 2015) / 4)
    timing = pd.DataFrame({"adcode": [f"{c:06d}" for c in range(cities)], "policy_id": "pilot"})
    timing["first_treated_year"] = first
    return panel[rng.random(len(panel)) >= gaps], timing


def by_dummies(panel, timing, first, last):
    """Estimates, covariances and degrees of freedom from one regression on all dummies."""
    start = panel["adcode"].map(timing.set_index("adcode")["first_treated_year"]).to_numpy(dtype="float64")
    clipped = np.clip(panel["year"].to_numpy() - start, first, last)
    times = [time for time in range(first, last + 1) if time != -1]
    x = np.column_stack(
        [
            *[(clipped == time).astype(float) for time in times],
            panel["x"],
            pd.get_dummies(panel["adcode"], dtype=float),
            pd.get_dummies(panel["year"], dtype=float).iloc[:, 1:],
        ]
    )
    y = panel["y"].to_numpy()
    bread = np.linalg.inv(x.T @ x)
    b = bread @ x.T @ y
    e = y - x @ b
    n, k = x.shape
    codes, cities = pd.factorize(panel["adcode"])
    sums = np.zeros((len(cities), k))
    np.add.at(sums, codes, x * e[:, None])
    # City effects are nested in the cluster and not counted, the years and the constant are.
    counted = len(times) + 1 + panel["year"].nunique()
    factor = len(cities) / (len(cities) - 1) * (n - 1) / (n - counted)
    covariances = {
        "iid": (e @ e / (n - k) * bread, n - k),
        "CRV1": (factor * bread @ (sums.T @ sums) @ bread, len(cities) - 1),
    }
    return times, b, covariances, e @ e


# The cohort of 2005 is treated in every year: it has no lead and only helps to find the common years and controls.
@pytest.mark.parametrize("cohorts", [(2013, 2015, 2018, None), (2005, 2013, 2015, None)])
@pytest.mark.parametrize("gaps", [0.0, 0.15])
def test_equals_the_dummy_regression_and_its_joint_tests(gaps, cohorts):
    panel, timing = simulate(gaps=gaps, cohorts=cohorts)
    estimates, pretrend = estimate_event_study(panel, timing, specification(), ["x"], first=-3, last=4)
    times, b, covariances, _ = by_dummies(panel, timing, -3, 4)
    for vcov, (covariance, degrees) in covariances.items():
        ours = estimates[(estimates["vcov"] == vcov) & (estimates["event_time"] != -1)].set_index("event_time")
        assert ours.index.tolist() == times
        np.testing.assert_allclose(ours["estimate"], b[: len(times)], rtol=1e-9, atol=1e-10)
        np.testing.assert_allclose(ours["std_error"], np.sqrt(np.diag(covariance))[: len(times)], rtol=1e-9)
        leads = slice(0, 2)
        wald = b[leads] @ np.linalg.inv(covariance[leads, leads]) @ b[leads] / 2
        test = pretrend.set_index("vcov").loc[vcov]
        assert (test["n_leads"], test["df_num"], test["df_denom"]) == (2, 2, degrees)
        assert test["statistic"] == pytest.approx(wald, rel=1e-8)
        assert test["p_value"] == pytest.approx(f_distribution.sf(wald, 2, degrees), rel=1e-8)


def test_the_iid_pretrend_test_is_the_f_test_of_the_restricted_regression():
    panel, timing = simulate(seed=3)
    _, pretrend = estimate_event_study(panel, timing, specification(), ["x"], first=-3, last=4)
    _, _, covariances, free = by_dummies(panel, timing, -3, 4)
    start = panel["adcode"].map(timing.set_index("adcode")["first_treated_year"]).to_numpy(dtype="float64")
    clipped = np.clip(panel["year"].to_numpy() - start, -3, 4)
    x = np.column_stack(
        [
            *[(clipped == time).astype(float) for time in range(5)],
            panel["x"],
            pd.get_dummies(panel["adcode"], dtype=float),
            pd.get_dummies(panel["year"], dtype=float).iloc[:, 1:],
        ]
    )
    residual = panel["y"] - x @ np.linalg.lstsq(x, panel["y"], rcond=None)[0]
    degrees = covariances["iid"][1]
    expected = (residual @ residual - free) / 2 / (free / degrees)
    assert pretrend.set_index("vcov").loc["iid", "statistic"] == pytest.approx(expected, rel=1e-8)


def test_planted_effects_come_back_exactly_and_never_treated_cities_are_in_no_bin():
    # Without any noise there is no error to estimate, and the whole is refused.
    panel, timing = simulate(noise=1e-9, cohorts=(2014, None), years=7)
    estimates, _ = estimate_event_study(panel, timing, specification(), ["x"])
    iid = estimates[estimates["vcov"] == "iid"].set_index("event_time")
    # 2011 to 2017 around 2014: the ends asked for (-4 and 5) are moved in, so nothing lies beyond them.
    assert iid.index.tolist() == [-3, -2, -1, 0, 1, 2, 3]
    assert not iid["is_binned"].any()
    np.testing.assert_allclose(iid["estimate"], [0, 0, 0, 1, 1.5, 2, 2.5], atol=1e-8)
    assert iid.loc[-1, "estimate"] == 0 and np.isnan(iid.loc[-1, "std_error"])
    assert (iid["n_treated_cities"] == 20).all() and (iid["n_cities"] == 40).all()


def test_the_ends_hold_what_lies_beyond_them_and_say_so():
    panel, timing = simulate()
    estimates, _ = estimate_event_study(panel, timing, specification(), ["x"])
    iid = estimates[estimates["vcov"] == "iid"].set_index("event_time")
    assert iid.index.tolist() == list(range(-4, 6))
    assert iid.index[iid["is_binned"]].tolist() == [-4, 5]
    assert "all earlier ones" in iid.loc[-4, "message"] and "all later ones" in iid.loc[5, "message"]
    assert iid["term"].tolist()[0] == "event_time_-4"


def test_row_order_does_not_matter_and_types_are_declared():
    panel, timing = simulate(gaps=0.1)
    straight = estimate_event_study(panel, timing, specification(), ["x"])
    shuffled = estimate_event_study(
        panel.sample(frac=1, random_state=1), timing.sample(frac=1, random_state=2), specification(), ["x"]
    )
    for ours, theirs, columns in zip(straight, shuffled, (EVENT_STUDY_COLUMNS, PRETREND_COLUMNS), strict=True):
        pd.testing.assert_frame_equal(ours, theirs, check_exact=True)
        assert {name: str(dtype) for name, dtype in ours.dtypes.items()} == columns


@pytest.mark.parametrize(
    ("changes", "options", "status", "sentence"),
    [
        ({"treatment": "x"}, {}, "failed", "not a policy"),
        ({"lag": 1}, {}, "failed", "takes no lag"),
        ({"outcome": "nothing"}, {}, "failed", "no column 'nothing'"),
        ({}, {"cohorts": (2030, None)}, "not_identified", "No city"),
        ({}, {"cohorts": (2011, None)}, "not_identified", "No row is at event time -1"),
        ({}, {"cohorts": (2013, 2014), "years": 5}, "not_identified", "collinear"),
    ],
)
def test_what_cannot_be_run_is_a_row_with_a_sentence(changes, options, status, sentence):
    panel, timing = simulate(**options)
    estimates, pretrend = estimate_event_study(panel, timing, specification(**changes), ["x"])
    for frame in (estimates, pretrend):
        assert frame["vcov"].tolist() == ["iid", "CRV1"]
        assert (frame["status"] == status).all()
        assert frame["message"].str.contains(sentence, regex=False).all()


def test_without_leads_there_is_nothing_to_test():
    panel, timing = simulate(cohorts=(2012, None))
    estimates, pretrend = estimate_event_study(panel, timing, specification(), ["x"])
    assert (estimates["status"] == "ok").all()
    assert (pretrend["status"] == "not_identified").all() and (pretrend["n_leads"] == 0).all()


def test_a_window_without_a_lead_is_refused():
    panel, timing = simulate()
    with pytest.raises(InputError, match="Event times from -1"):
        estimate_event_study(panel, timing, specification(), ["x"], first=-1)
