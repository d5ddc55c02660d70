"""Proofs of the sensitivity to parallel trends: values that R and statspai print, linear programs, diff-diff, draws."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from city_policy.errors import InputError
from city_policy.estimation.computation.parallel_trends import (
    EventTimes,
    _Problems,
    detectable_effect,
    detectable_slope,
    relative_magnitudes,
    smoothness,
    smoothness_path,
)
from city_policy.estimation.contract.panel import Panel
from city_policy.estimation.contract.runner import make_requests
from city_policy.estimation.contract.specification import OPTIONAL_CELLS, read_specifications
from city_policy.estimation.estimators.event_study import estimate_event_study
from city_policy.estimation.estimators.event_times import event_study_by
from city_policy.estimation.estimators.fixed_effects import estimate_fixed_effects
from city_policy.estimation.estimators.honest_did import (
    HONEST_DID,
    POWER_COLUMNS,
    SENSITIVITY_COLUMNS,
    estimate_parallel_trends,
)
from city_policy.estimation.estimators.staggered import estimate_staggered
from diff_diff import ImputationDiD, SunAbraham
from scipy.optimize import linprog, minimize
from scipy.stats import f as f_distribution
from scipy.stats import ncf, norm
from scipy.stats import t as student
from sensitivity_cases import CASES, decaying
from test_staggered import simulate, timing_of

VARIANTS = ("two_way", "imputation", "sun_abraham")


def specifications(*variants, **changes):
    base = {"result": "parallel_trends_sensitivity", "estimator": "honest_did", "outcome": "y", "treatment": "pilot"}
    return pd.DataFrame([base | {"spec_id": v, "sample": "everyone", "variant": v} | changes for v in variants])


def study(panel, timing, variant, controls=(), first=-20, last=20):
    """The event study of one variant, and its request."""
    asked = read_specifications(specifications(variant))
    options = {"first": first, "last": last}
    request = make_requests(HONEST_DID, Panel(panel, timing), asked, list(controls), options)[0]
    return event_study_by(variant, request, first, last), request


def case(name):
    leads, effects, covariance = CASES[name]
    return EventTimes(np.array(leads), np.array(effects), covariance)


def weights_of(parameter, n):
    return np.eye(n)[0] if parameter == "first" else np.full(n, 1 / n)


# ----------------------------------------------------------------------------------------------------- printed values


def test_values_that_r_prints(shared):
    """HonestDiD on its Medicaid panel; figures from the folder's README. R's interval lies on a grid with a step of
    .00037, and its critical value is simulated from 1,000 draws; ours has neither.
    """
    panel = pd.read_csv(shared / "benchmarks" / "medicaid_expansion.csv")
    panel = panel[(panel["year"] < 2016) & (panel["yexp2"] != 2015)]
    first = panel.groupby("stfips")["yexp2"].first()
    timing = timing_of({state: int(year) if year == 2014 else 0 for state, year in first.items()})
    panel = panel.rename(columns={"stfips": "adcode", "dins": "y"}).assign(everyone=True)
    times = study(panel, timing, "two_way")[0].times
    assert (len(times.leads), len(times.effects)) == (5, 2)
    found = relative_magnitudes(times, np.array([1.0, 0.0]), np.array([0.5, 1, 1.5, 2]))
    printed = [[0.0241, 0.0673], [0.0171, 0.0720], [0.0086, 0.0796], [-0.0011, 0.0883]]
    np.testing.assert_allclose(found, printed, atol=5e-4)


def test_values_of_a_reference_implementation():
    # Made by tests/python/data/sensitivity_reference.py. With a single effect the reference does not use, in its second
    # stage, that the first one did not reject: its interval is a little longer.
    with open(Path(__file__).parent / "data" / "sensitivity_reference.csv", encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == 6 * 2 * 9
    for row in rows:
        times = case(row["case"])
        weights = weights_of(row["parameter"], len(times.effects))
        bound, error = float(row["bound"]), times.parameter(weights)[1]
        printed = np.array([float(row["ci_low"]), float(row["ci_high"])])
        if row["restriction"] == "smoothness":
            first_error = np.sqrt(times.covariance[len(times.leads), len(times.leads)])
            found = smoothness(smoothness_path(times, weights), np.array([bound * first_error]))[0]
            np.testing.assert_allclose(found, printed, atol=1e-4 * error)
        else:
            found = relative_magnitudes(times, weights, np.array([bound]))[0]
            np.testing.assert_allclose(found, printed, atol=(0.06 if row["case"] == "one_effect" else 0.04) * error)


# -------------------------------------------------------------------------------------------------------- brute force


def moments(times, weights, bound, place, sign):
    """A and the nuisance columns of the moments A b <= 0 of one lead step and sign, written out."""
    p, q = len(times.leads), len(times.effects)
    steps = np.zeros((p + q, p + q))
    for i in range(p + q):
        steps[i, i] += -1.0 if i < p else 1.0
        if i < p - 1:
            steps[i, i + 1] += 1.0
        if i > p:
            steps[i, i - 1] -= 1.0
    largest = sign * steps[place]
    a = np.concatenate([steps[p:] - bound * largest, -steps[p:] - bound * largest])
    # Effects t with l't = theta: t = theta l / l'l + nuisance.
    others = np.linalg.svd(weights[None, :])[2][1:].T
    return a, a[:, p:] @ (weights / (weights @ weights)), a[:, p:] @ others


@pytest.mark.parametrize("name", ["negative", "one_lead", "four_leads_five_lags"])
@pytest.mark.parametrize("parameter", ["first", "average"])
def test_the_statistic_is_the_linear_program_and_its_truncation_too(name, parameter):
    times = case(name)
    p = len(times.leads)
    weights = weights_of(parameter, len(times.effects))
    size = times.parameter(weights)[1]
    problems = _Problems(times, weights, np.array([1.5]), size)
    b = np.concatenate([times.leads, times.effects])
    rng = np.random.default_rng(5)
    for i in rng.choice(2 * p, 2, replace=False):
        a, on_theta, nuisance = moments(times, weights, 1.5, i % p, 1 if i < p else -1)
        spread = np.sqrt(np.diag(a @ times.covariance @ a.T))

        def program(y, spread=spread, nuisance=nuisance):
            columns = -np.column_stack([spread, nuisance])
            free = [(None, None)] * columns.shape[1]
            solved = linprog([1] + [0] * nuisance.shape[1], columns, -y, bounds=free)
            return solved.fun, -solved.ineqlin.marginals

        for theta in times.parameter(weights)[0] + size * rng.normal(size=4) * 4:
            y = a @ b - on_theta * theta
            eta, multipliers = program(y)
            gap = problems.x - theta / size
            values = problems.on_x[i] * gap + problems.on_z[i] * problems.z[i]
            assert values.max() == pytest.approx(eta, abs=1e-8)
            # The same vertex is the best along the direction in which its moment varies, between the truncation points.
            covariance = a @ times.covariance @ a.T
            variance = multipliers @ covariance @ multipliers
            direction = covariance @ multipliers / variance
            j = int(values.argmax())
            inner = np.array([[problems.variance_x, problems.covariance_xz[i]], [0, problems.variance_z[i]]])
            inner[1, 0] = inner[0, 1]
            sides = np.column_stack([problems.on_x[i], problems.on_z[i]])
            relative = sides @ inner @ sides[j] / (sides[j] @ inner @ sides[j])
            others = np.abs(relative - 1) > 1e-9
            ends = (values - relative * eta)[others] / (1 - relative[others])
            low = ends[relative[others] < 1].max()
            for at, same in ((low + 1e-3, True), (low - 1e-3, False)):
                there = program(y + direction * (at - eta))[0]
                assert (abs(there - at) < 1e-7) == same


def test_the_first_stage_has_its_size():
    times = case("sloping_leads")
    for parameter in ("first", "average"):
        weights = weights_of(parameter, 4)
        problems = _Problems(times, weights, np.array([0.0, 1.0]), times.parameter(weights)[1])
        rng = np.random.default_rng(8)
        for i in (0, 4, 6, 11):
            covariance = [
                [problems.variance_x, problems.covariance_xz[i]],
                [problems.covariance_xz[i], problems.variance_z[i]],
            ]
            drawn = rng.multivariate_normal([0, 0], covariance, 200_000)
            largest = (drawn @ np.array([problems.on_x[i], problems.on_z[i]])).max(axis=1)
            assert (largest > problems.critical[i]).mean() == pytest.approx(0.005, abs=6e-4)


@pytest.mark.parametrize("name", ["negative", "four_leads_five_lags", "one_effect"])
def test_the_smoothness_interval_is_the_shortest(name):
    times = case(name)
    p, q = len(times.leads), len(times.effects)
    weights, years = np.full(q, 1 / q), np.array([*range(-p - 1, -1), *range(q)])
    bound = 0.4 * times.parameter(weights)[1]
    # Bends at every year between the first lead and the last effect, and a slope, make every difference in trends.
    later = [np.maximum(years - at, 0) for at in range(q - 1)]
    bends = np.array([*(np.maximum(-at - years, 0) for at in range(1, p + 1)), *later], dtype=float)

    def length(free):
        v = np.concatenate([free, [0.0]])
        v[-1] = v[:-1] @ (years[: p - 1] + 1) + weights @ (years[p:] + 1)  # a slope gives no bias
        both = np.concatenate([v, weights])
        error, bias = np.sqrt(both @ times.covariance @ both), bound * np.abs(bends @ both).sum()
        lo, hi = 0.0, bias + 5 * error
        for _ in range(60):
            middle = (lo + hi) / 2
            inside = norm.cdf((middle - bias) / error) - norm.cdf((-middle - bias) / error)
            lo, hi = (middle, hi) if inside < 0.95 else (lo, middle)
        return hi

    starts = np.random.default_rng(2).normal(size=(2, p - 1))
    options = {"xatol": 1e-7, "fatol": 1e-10, "maxiter": 2000}
    best = min(minimize(length, start, method="Nelder-Mead", options=options).fun for start in starts)
    low, high = smoothness(smoothness_path(times, weights), np.array([bound]))[0]
    assert (high - low) / 2 == pytest.approx(best, rel=1e-5)


def test_without_any_difference_allowed_the_interval_is_the_original_one():
    for name in CASES:
        times = case(name)
        for parameter in ("first", "average"):
            weights = weights_of(parameter, len(times.effects))
            estimate, error = times.parameter(weights)
            half = norm.ppf(0.975) * error
            found = relative_magnitudes(times, weights, np.array([0.0]))[0]
            np.testing.assert_allclose(found, [estimate - half, estimate + half], atol=1e-4 * error)


def test_units_and_signs_do_not_matter():
    bounds = np.array([0.5, 2.0])
    times = case("negative")
    weights = np.full(5, 0.2)
    for method in (relative_magnitudes, lambda t, w, b: smoothness(smoothness_path(t, w), b * t.parameter(w)[1])):
        found = method(times, weights, bounds)
        for scale in (1e-140, 1e140, -1.0):
            scaled = EventTimes(times.leads * scale, times.effects * scale, times.covariance * scale * scale)
            again = method(scaled, weights, bounds) / scale
            np.testing.assert_allclose(again[:, ::-1] if scale < 0 else again, found, rtol=1e-9)


# ------------------------------------------------------------------------------------------------------------ coverage


def test_intervals_cover_what_the_restriction_allows():
    """400 draws; a share of 95 % has a standard error of 1.1 points."""
    covariance = decaying(np.full(6, 0.1), 0.5)
    years, effects = np.array([-4, -3, -2, 0, 1, 2]), np.array([0, 0, 0, 0.5, 0.6, 0.7])
    rng = np.random.default_rng(11)
    weights = np.array([1.0, 0, 0])
    covered = {}
    for slope in (0.0, 0.3):
        drawn = rng.multivariate_normal(effects + slope * (years + 1), covariance, 400)
        times = [EventTimes(b[:3], b[3:], covariance) for b in drawn]
        robust = np.array([relative_magnitudes(one, weights, np.array([1.0]))[0] for one in times])
        original = drawn[:, 3:4] + 1.96 * 0.1 * np.array([-1, 1])
        covered[slope] = [((ends[:, 0] <= 0.5) & (ends[:, 1] >= 0.5)).mean() for ends in (robust, original)]
    assert covered[0.0][0] >= 0.95 and covered[0.0][1] >= 0.92
    assert covered[0.3][0] >= 0.93 and covered[0.3][1] < 0.2


# --------------------------------------------------------------------------------------------------------------- power


def test_power_in_special_cases():
    # One lead and many clusters: F is the square of a normal.
    slope = detectable_slope(np.array([-2.0]), np.array([[0.09]]), 10**7, 0.8)
    shift = 2 * slope / 0.3
    assert norm.sf(1.959964 - shift) + norm.cdf(-1.959964 - shift) == pytest.approx(0.8, abs=1e-6)
    assert detectable_effect(2.0, 10**7, 0.8) == pytest.approx(2 * (1.959964 + 0.841621), rel=1e-5)
    assert detectable_effect(2.0, 20, 0.5) == pytest.approx(2 * student.ppf(0.975, 20))
    # Leads that know nothing of one another count by their squares.
    covariance, x = np.diag([0.04, 0.01]), np.array([-2.0, -1.0])
    slope = detectable_slope(x, covariance, 30, 0.5)
    noncentrality = slope**2 * (4 / 0.04 + 1 / 0.01)
    assert ncf.sf(f_distribution.ppf(0.95, 2, 30), 2, 30, noncentrality) == pytest.approx(0.5, abs=1e-9)


def test_power_is_the_share_of_draws_that_the_test_rejects():
    times = case("negative")
    covariance, x, degrees, draws = times.covariance[:4, :4], np.array([-4.0, -3, -2, -1]), 25, 40_000
    rng = np.random.default_rng(3)
    for power in (0.5, 0.8):
        slope = detectable_slope(x, covariance, degrees, power)
        drawn = rng.multivariate_normal(slope * x, covariance, draws)
        squares = np.einsum("di,ij,dj->d", drawn, np.linalg.inv(covariance), drawn) / 4
        statistics = squares / (rng.chisquare(degrees, draws) / degrees)
        assert (statistics > f_distribution.ppf(0.95, 4, degrees)).mean() == pytest.approx(power, abs=0.01)


# ------------------------------------------------------------------------------------------------------- event studies


def ragged(gaps, seed=3):
    panel, timing, _ = simulate(seed=seed, cohorts=(0, 2013, 2015, 2015, 2018))
    rng = np.random.default_rng(1)
    return panel.assign(z=rng.normal(size=len(panel)))[rng.random(len(panel)) >= gaps], timing


def as_diff_diff(request):
    """The rows of a request as diff-diff wants them, and the names of its controls."""
    used, panel = request.rows.used, request.panel
    frame = pd.DataFrame({"city": panel.city[used], "year": panel.year[used], "outcome": request.outcome})
    first = panel.first_treated_year(request.specification.treatment)[used]
    treated = frame["year"] >= first
    # A city without a treated row is a never treated one within these rows.
    frame["first"] = np.where(frame["city"].isin(frame["city"][treated]), np.nan_to_num(first), 0).astype(int)
    for position, column in enumerate(request.controls.values()):
        frame[f"control_{position}"] = (column[used] - column[used].mean()) / column[used].std()
    frame = frame[frame["city"].isin(frame["city"][~treated])]
    return frame, [f"control_{position}" for position in range(len(request.controls))]


@pytest.mark.parametrize("gaps", [0.0, 0.1])
def test_event_times_and_covariance_are_those_of_diff_diff(gaps):
    panel, timing = ragged(gaps)
    ours, request = study(panel, timing, "sun_abraham", ["x", "z"])
    frame, names = as_diff_diff(request)
    columns = {"outcome": "outcome", "unit": "city", "time": "year", "first_treat": "first"}
    fit = SunAbraham(df_convention="cluster").fit(frame, **columns, covariates=names)
    found = np.concatenate([ours.times.leads, ours.times.effects])
    np.testing.assert_allclose(found, [fit.event_study_effects[e]["effect"] for e in fit.event_study_vcov_index])
    np.testing.assert_allclose(ours.times.covariance, fit.event_study_vcov, atol=1e-10)
    assert ours.main == pytest.approx((fit.overall_att, fit.overall_se), rel=1e-8)

    ours, _ = study(panel, timing, "imputation", ["x", "z"])
    errors = np.sqrt(np.diag(ours.times.covariance))
    p = len(ours.times.leads)
    library = ImputationDiD(pretrends=True, leave_one_out=True, df_convention="cluster")
    fit = library.fit(frame, **columns, covariates=names)
    assert ours.main == pytest.approx((fit.overall_att, fit.overall_se), rel=1e-8)
    table = fit.aggregate("event_study")
    before = np.array(table.event_time) < -1
    np.testing.assert_allclose(ours.times.leads, np.array(table.att)[before], rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(errors[:p], np.array(table.se)[before], rtol=1e-7)
    # A control for every lead makes the library's effects those with the reference -1.
    time = np.where(frame["first"] > 0, frame["year"] - frame["first"], np.nan)
    leads = {f"lead_{-e:.0f}": (time == e).astype(float) for e in np.unique(time[time < -1])}
    fit = library.fit(frame.assign(**leads), **columns, covariates=[*names, *leads])
    table = fit.aggregate("event_study")
    after = np.array(table.event_time) >= 0
    np.testing.assert_allclose(ours.times.effects, np.array(table.att)[after], rtol=1e-7)
    np.testing.assert_allclose(errors[p:], np.array(table.se)[after], rtol=1e-7)


def test_the_covariance_of_the_imputation_is_that_of_draws():
    """300 panels: between leads and effects, too, the covariance is right and not zero."""
    drawn, thought = [], []
    for seed in range(300):
        panel, timing, _ = simulate(seed=seed, cohorts=(0, 2014), cities=40, years=range(2011, 2017))
        times = study(panel, timing, "imputation")[0].times
        drawn.append(np.concatenate([times.leads, times.effects]))
        thought.append(times.covariance)
    mean, true = np.mean(thought, axis=0), np.cov(np.array(drawn).T)
    np.testing.assert_allclose(mean, true, atol=0.2 * np.diag(true).max())
    assert abs(mean[0, 2]) > 0.3 * mean[2, 2]


def test_the_two_way_study_is_that_of_the_event_study_table():
    panel, timing = ragged(0.1)
    frame, power = estimate_parallel_trends(panel, timing, specifications("two_way"), ["x"])
    estimates, tests = estimate_event_study(panel, timing, specifications("two_way"), ["x"])
    first = estimates[(estimates["vcov"] == "CRV1") & (estimates["event_time"] == 0)].iloc[0]
    row = frame[frame["parameter"] == "first_effect"].iloc[0]
    for name in ("estimate", "std_error", "ci_low", "ci_high", "n_obs"):
        assert row[name] == pytest.approx(first[name], rel=1e-9)
    np.testing.assert_allclose([row["robust_ci_low"], row["robust_ci_high"]], first[["ci_low", "ci_high"]].astype(float),
                               atol=1e-4 * first["std_error"])  # fmt: skip
    test = tests[tests["vcov"] == "CRV1"].iloc[0]
    assert power["pretrend_p_value"].tolist() == pytest.approx([test["p_value"]] * 2, rel=1e-8)
    assert (power["n_leads"] == 3).all() and (frame["n_leads"] == 2).all() and (frame["n_effects"] == 5).all()
    asked = specifications("two_way").reindex(columns=[*OPTIONAL_CELLS, "spec_id", "result", "estimator", "outcome",
                                                       "treatment", "sample"])  # fmt: skip
    effects = estimate_fixed_effects(panel, timing, asked.assign(variant=None), ["x"])
    main = effects[(effects["vcov"] == "CRV1") & (effects["term"] == "pilot")].iloc[0]
    assert power[["estimate", "std_error"]].iloc[0].tolist() == pytest.approx(main[["estimate", "std_error"]].tolist())
    robust = estimate_staggered(panel, timing, specifications("imputation").assign(estimator="imputation"), ["x"])
    _, power = estimate_parallel_trends(panel, timing, specifications("imputation"), ["x"])
    average = robust[robust["event_time"].isna()].iloc[0]
    assert power[["estimate", "std_error"]].iloc[0].tolist() == pytest.approx(
        average[["estimate", "std_error"]].tolist()
    )


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_planted_slope_moves_the_estimates_as_said(variant):
    panel, timing = ragged(0.1)
    before, _ = study(panel, timing, variant, ["x"], first=-4, last=5)
    start = panel["adcode"].map(timing.set_index("adcode")["first_treated_year"]).to_numpy(dtype="float64")
    if variant != "two_way":  # a city that is not seen treated is a control there
        seen = panel["adcode"].isin(panel.loc[panel["year"] >= start, "adcode"])
        start = np.where(seen, start, np.nan)
    slope = np.where(np.isnan(start), 0.0, panel["year"] - start + 1)
    after, _ = study(panel.assign(y=panel["y"] + 0.3 * slope), timing, variant, ["x"], first=-4, last=5)
    np.testing.assert_allclose(after.leads - before.leads, 0.3 * before.leads_per_slope, atol=1e-9)
    np.testing.assert_allclose(after.times.effects - before.times.effects, 0.3 * before.effects_per_slope, atol=1e-9)


def test_planted_effects_break_down_where_they_should():
    panel, timing, _ = simulate(seed=2, noise=0.2)
    frame, power = estimate_parallel_trends(panel, timing, specifications(*VARIANTS), ["x"])
    assert (frame["status"] == "ok").all() and len(frame) == 3 * 18 and len(power) == 6
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == SENSITIVITY_COLUMNS
    assert {name: str(dtype) for name, dtype in power.dtypes.items()} == POWER_COLUMNS
    for _, row in frame.iterrows():
        without_zero = row["robust_ci_low"] > 0 or row["robust_ci_high"] < 0
        if row["breakdown"] == "value":
            assert without_zero == (row["bound"] <= row["breakdown_value"])
        else:
            assert without_zero == (row["breakdown"] == "above")
    # Nothing is found where there is nothing.
    quiet = panel.assign(y=np.random.default_rng(0).normal(size=len(panel)))
    frame, _ = estimate_parallel_trends(quiet, timing, specifications(*VARIANTS), ["x"])
    assert (frame["breakdown"] == "none").mean() > 0.7 and frame["breakdown_value"].isna().any()


def test_row_order_does_not_matter():
    panel, timing = ragged(0.1)
    straight = estimate_parallel_trends(panel, timing, specifications(*VARIANTS), ["x"])
    shuffled = estimate_parallel_trends(
        panel.sample(frac=1, random_state=1), timing.sample(frac=1, random_state=2), specifications(*VARIANTS), ["x"]
    )
    for ours, theirs in zip(straight, shuffled, strict=True):
        pd.testing.assert_frame_equal(ours, theirs, check_exact=True)


@pytest.mark.parametrize("scale", [1e-60, 1e60])
def test_the_size_of_the_outcome_does_not_matter(scale):
    panel, timing = ragged(0.0)
    plain = estimate_parallel_trends(panel, timing, specifications(*VARIANTS), ["x"])[0]
    scaled = estimate_parallel_trends(panel.assign(y=panel["y"] * scale), timing, specifications(*VARIANTS), ["x"])[0]
    np.testing.assert_allclose(scaled["robust_ci_low"] / scale, plain["robust_ci_low"], rtol=1e-6)


# ------------------------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("variants", "changes", "options", "status", "words"),
    [
        (("stacked",), {}, {}, "failed", "The variant is 'stacked'; expected one of two_way"),
        (VARIANTS, {"treatment": "x"}, {}, "failed", "not a policy"),
        (VARIANTS, {"lag": 1}, {}, "failed", "takes no lag"),
        (VARIANTS[1:], {"extra_fixed_effects": "adcode^year"}, {}, "failed", "leave extra_fixed_effects blank"),
        (VARIANTS, {"sample": "nobody"}, {}, "not_identified", "is empty"),
        (VARIANTS, {}, {"cohorts": (0, 0, 0, 2030)}, "not_identified", "No city"),
        (VARIANTS, {}, {"cohorts": (0, 2012)}, "not_identified", "no lead of a single year"),
        (VARIANTS, {}, {"years": (2011, 2014, 2015, 2016), "cohorts": (0, 2015)}, "not_identified", "have gaps"),
        (VARIANTS, {}, {"cohorts": (2014, 2016)}, "not_identified", ""),
        (VARIANTS, {}, {"cities": 4, "cohorts": (0, 0, 0, 2015)}, "not_identified", "no lead of a single year"),
        (VARIANTS, {}, {"cities": 6, "cohorts": (0, 2015)}, "not_identified", "too few clusters"),
        (VARIANTS, {}, {"years": (2011, 2012), "cohorts": (0, 2012)}, "not_identified", ""),
    ],
)
def test_what_cannot_be_run_is_a_row_with_a_sentence(variants, changes, options, status, words):
    panel, timing, _ = simulate(**options)
    for frame in estimate_parallel_trends(panel.assign(nobody=False), timing, specifications(*variants, **changes), []):
        assert len(frame) == len(variants)
        assert (frame["status"] == status).all() and frame["message"].str.contains(words, regex=False).all(), frame[
            "message"
        ].tolist()


def test_a_control_that_only_treated_rows_have_is_refused_or_left_out():
    panel, timing, effect = simulate(cohorts=(0, 2014, 2016))
    panel = panel.assign(late=np.where(effect > 0, np.random.default_rng(1).normal(size=len(panel)), 0.0))
    frame, _ = estimate_parallel_trends(panel, timing, specifications("imputation"), ["x", "late"])
    assert frame["status"].tolist() == ["not_identified"] and "varies in treated rows only" in frame["message"].iloc[0]
    frame, _ = estimate_parallel_trends(
        panel.assign(again=panel["x"]), timing, specifications(*VARIANTS), ["x", "again"]
    )
    assert (frame["status"] == "ok").all() and (frame["dropped_terms"] == "again").all()


def test_a_cohort_of_one_city_and_cities_treated_always():
    first = {f"{c:06d}": 0 if c < 20 else 2014 if c < 40 else 2016 for c in range(42)}
    first |= {"000040": 2015, "000041": 2005}
    panel, _, _ = simulate(cities=42, cohorts=(0,), years=range(2010, 2020))
    frame, _ = estimate_parallel_trends(panel, timing_of(first), specifications(*VARIANTS), ["x"])
    assert (frame["status"] == "ok").all()
    assert frame[frame["variant"] != "two_way"]["message"].str.contains("1 cities are treated in every year").all()


def test_a_window_without_a_lead_is_refused():
    panel, timing = ragged(0.0)
    with pytest.raises(InputError, match="Event times from -1"):
        estimate_parallel_trends(panel, timing, specifications("two_way"), [], first=-1)
