"""Every estimator of staggered policies by another way: printed values, other packages, loops and dummies, the definition."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from city_policy.estimation.computation.regression import AbsorbedEffects
from city_policy.estimation.estimators.staggered import ESTIMATORS, estimate_staggered
from city_policy.estimation.estimators.staggered.comparison import Cells
from city_policy.estimation.estimators.staggered.synthetic_did import simplex_weights
from scipy.optimize import minimize
from test_staggered import averages, simulate, specifications, timing_of

OWN = tuple(name for name in ESTIMATORS if name != "imputation")


def by_time(record: pd.DataFrame) -> dict[int, tuple[float, float]]:
    rows = record[record["event_time"].notna()]
    return dict(zip(rows["event_time"], zip(rows["estimate"], rows["std_error"], strict=True), strict=True))


def estimate(panel, timing, name, controls=()) -> tuple[pd.Series, dict]:
    record = estimate_staggered(panel, timing, specifications(name), list(controls))
    average = record[record["event_time"].isna()].iloc[0]
    return average, by_time(record)


def wide(panel, timing, column="y"):
    """(cities, years) of a column, first treated years with infinity for never, and the years."""
    table = panel.pivot(index="adcode", columns="year", values=column)
    first = timing.set_index("adcode")["first_treated_year"].reindex(table.index).astype("float64").fillna(np.inf)
    return table.to_numpy(), first.to_numpy(), table.columns.to_numpy()


def with_gaps(seed, share=0.15, **changes):
    panel, timing, _ = simulate(seed=seed, **changes)
    keep = np.random.default_rng(seed).random(len(panel)) > share
    return panel[keep], timing


@pytest.fixture(scope="module")
def mpdta(shared):
    panel = pd.read_csv(shared / "benchmarks" / "mpdta.csv").rename(columns={"lemp": "y", "countyreal": "adcode"})
    panel = panel.assign(adcode=panel["adcode"].astype("str"), everyone=True)
    return panel, timing_of(panel.groupby("adcode")["first.treat"].first().to_dict())


# ---------------------------------------------------------------------------------------------- extended two-way


def test_extended_two_way_of_stata_and_r(mpdta):
    """jwdid's simple average of mpdta without covariates, not-yet-treated controls: -.0477099 (.013265)."""
    average, _ = estimate(*mpdta, "etwfe")
    assert average["estimate"] == pytest.approx(-0.0477099, abs=5e-8)
    assert average["std_error"] == pytest.approx(0.013265, abs=5e-7)


def test_cells_give_the_value_that_r_prints_with_a_covariate(mpdta):
    """etwfe(lemp ~ lpop, vcov = ~countyreal) |> emfx(): -0.0506270331230485; etwfe, inst/tinytest/test_emfx.R."""
    panel = mpdta[0].sort_values(["adcode", "year"])
    city, year = (pd.factorize(panel[name], sort=True)[0] for name in ("adcode", "year"))
    first, x = panel["first.treat"].to_numpy(), panel["lpop"].to_numpy()
    centred = x - panel.groupby("first.treat")["lpop"].transform("mean").to_numpy()
    treated = (first > 0) & (panel["year"].to_numpy() >= first)
    pairs = np.unique(np.column_stack([first, panel["year"]])[treated], axis=0)
    cells = np.column_stack([(first == g) & (panel["year"] == t) for g, t in pairs]).astype(float)
    others = np.column_stack([*(x * (year == t) for t in range(1, 5)), cells * centred[:, None]])
    effects = AbsorbedEffects([city, year])
    names = [f"c{i}" for i in range(others.shape[1])]
    regression = Cells(panel["y"].to_numpy(), others, names, cells, city, effects.sweep, effects.rank, 5)
    (row,) = regression.effects({None: cells.sum(axis=0) / cells.sum()}).effects
    assert row["estimate"] == pytest.approx(-0.0506270331230485, abs=1e-10)
    # R counts the slopes that our city effects absorb.
    assert row["std_error"] == pytest.approx(0.0124997858367792, rel=2e-3)


def test_extended_two_way_is_imputation_without_controls_and_its_dummies_with_them():
    panel, timing, _ = simulate(seed=6)
    average, times = estimate(panel, timing, "etwfe")
    imputed, imputed_times = estimate(panel, timing, "imputation")
    assert average["estimate"] == pytest.approx(imputed["estimate"], rel=1e-7)
    assert {e for e in imputed_times if e >= 0} == set(times)
    for e in times:
        assert times[e][0] == pytest.approx(imputed_times[e][0], rel=1e-7)

    panel, timing = with_gaps(7)
    average, times = estimate(panel, timing, "etwfe", ["x"])
    panel = panel.sort_values(["adcode", "year"])
    first = panel["adcode"].map(timing.set_index("adcode")["first_treated_year"]).astype(float).to_numpy()
    treated = panel["year"].to_numpy() >= first
    cells = pd.get_dummies(pd.Series([f"{g} {t}" for g, t in zip(first, panel["year"], strict=True)])[treated])
    parts = [pd.get_dummies(panel["adcode"]), pd.get_dummies(panel["year"]).iloc[:, 1:], panel[["x"]]]
    design = np.column_stack([np.zeros((len(panel), cells.shape[1])), *parts]).astype(float)
    design[np.flatnonzero(treated), : cells.shape[1]] = cells
    slopes = np.linalg.lstsq(design, panel["y"].to_numpy(), rcond=None)[0][: cells.shape[1]]
    assert average["estimate"] == pytest.approx(cells.sum().to_numpy() @ slopes / cells.to_numpy().sum(), rel=1e-9)


# ---------------------------------------------------------------------------------------------- Sun and Abraham


def test_sun_and_abraham_without_a_never_treated_city():
    """The last cohort is the comparison until its start: the regression with its dummies left out."""
    panel, timing, _ = simulate(seed=8, cohorts=(2013, 2015, 2018))
    average, times = estimate(panel, timing, "sun_abraham", ["x"])
    assert "the cohort of 2018 is the comparison" in average["message"]
    before = panel[panel["year"] < 2018]
    never = timing.assign(first_treated_year=timing["first_treated_year"].where(timing["first_treated_year"] < 2018))
    other, other_times = estimate(before, never, "sun_abraham", ["x"])
    assert average["estimate"] == pytest.approx(other["estimate"], rel=1e-12)
    assert times.keys() == other_times.keys()
    alone = panel[panel["adcode"].map(timing.set_index("adcode")["first_treated_year"]) == 2015]
    record = averages(estimate_staggered(alone, timing, specifications("sun_abraham"), ["x"]))
    assert record["status"].tolist() == ["not_identified"]


def test_sun_and_abraham_without_the_year_before_the_start():
    """A cohort that lacks it is measured from the year before that, and says so."""
    panel, timing, effect = simulate(noise=0)
    first = panel["adcode"].map(timing.set_index("adcode")["first_treated_year"])
    gone = (first == 2015) & (panel["year"] == 2014)
    average, times = estimate(panel[~gone], timing, "sun_abraham", ["x"])
    assert "The cohort of 2015 has no row in the year before its start and is measured from 2013." in average["message"]
    assert average["estimate"] == pytest.approx(effect[effect > 0].mean(), abs=1e-9)
    # -2 holds the other two cohorts, -1 is the reference of two cohorts.
    assert times[-2][0] == pytest.approx(0, abs=1e-9) and times[-1][0] == 0


# ---------------------------------------------------------------------------------------------- cohort differences


@pytest.mark.parametrize("gaps", [False, True])
def test_callaway_and_santanna_by_loops_weighted_by_the_cohorts(gaps):
    panel, timing = with_gaps(3, 0.25 if gaps else 0.0)
    average, times = estimate(panel, timing, "callaway_santanna")
    y, first, years = wide(panel, timing)
    always = np.array([np.isfinite(row[years < g]).sum() == 0 for row, g in zip(y, first, strict=True)])
    unseen = np.array([np.isfinite(row[years >= g]).sum() == 0 for row, g in zip(y, first, strict=True)])
    # A city without a treated row is a never treated one within these rows.
    y, first = y[~always], np.where(unseen, np.inf, first)[~always]
    parts: dict[int, list] = {}
    for g in (2013, 2015, 2018):
        for i, t in enumerate(years):
            change = y[:, i] - y[:, list(years).index(g - 1)]
            seen = np.isfinite(change)
            own, other = seen & (first == g), seen & (first > max(t, g - 1)) & (first != g)
            if t != g - 1 and own.any():
                parts.setdefault(t - g, []).append(((first == g).sum(), change[own].mean() - change[other].mean()))
    for e, cells in parts.items():
        sizes, effects = np.array(cells).T
        assert times[e][0] == pytest.approx(sizes @ effects / sizes.sum(), rel=1e-9)
    sizes, effects = np.array([cell for e, cells in parts.items() if e >= 0 for cell in cells]).T
    assert average["estimate"] == pytest.approx(sizes @ effects / sizes.sum(), rel=1e-9)


def test_callaway_and_santanna_and_sun_and_abraham_of_the_library():
    """On a balanced panel with never treated cities diff-diff has the same numbers, errors included."""
    import diff_diff

    panel, timing, _ = simulate(seed=9)
    frame = panel.merge(timing[["adcode", "first_treated_year"]].astype({"first_treated_year": float}))
    frame["first"] = frame["first_treated_year"].fillna(0).astype(int)
    names = {"outcome": "y", "unit": "adcode", "time": "year", "first_treat": "first", "covariates": ["x"]}
    models = {
        "callaway_santanna": diff_diff.CallawaySantAnna(
            control_group="not_yet_treated", estimation_method="reg", base_period="universal"
        ),
        "sun_abraham": diff_diff.SunAbraham(df_convention="cluster"),
    }
    for name, model in models.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit = model.fit(frame, **names)
        average, times = estimate(panel, timing, name, ["x"])
        expected = [fit.overall_att, fit.overall_se, fit.overall_p_value]
        assert average[["estimate", "std_error", "p_value"]].tolist() == pytest.approx(expected, rel=1e-8)
        if name == "sun_abraham":
            table = {e: (cell["effect"], cell["se"]) for e, cell in fit.event_study_effects.items()}
        else:
            event_study = fit.aggregate("event_study")
            table = dict(zip(event_study.event_time, zip(event_study.att, event_study.se, strict=True), strict=True))
            table.pop(-1)
        assert {e for e in times if e != -1} == set(table)
        for e, values in table.items():
            assert times[e] == pytest.approx(values, rel=1e-8)


@pytest.mark.parametrize("gaps", [False, True])
def test_de_chaisemartin_and_dhaultfoeuille_by_loops(gaps):
    panel, timing = with_gaps(4, 0.2 if gaps else 0.0)
    average, times = estimate(panel, timing, "chaisemartin_dhaultfoeuille")
    y, first, years = wide(panel, timing)
    place = {int(year): i for i, year in enumerate(years)}
    total = weight = 0.0
    for e in range(-7, 7):
        changes = []
        for i, g in enumerate(first):
            until = g + e if e >= 0 else g - 2 - e
            if e == -1 or not np.isfinite(g) or g - 1 not in place or g + e not in place or until not in place:
                continue
            own = y[i, place[g + e]] - y[i, place[g - 1]]
            others = (y[:, place[g + e]] - y[:, place[g - 1]])[first > until]
            if np.isfinite(own):
                changes.append(own - np.nanmean(others))
        if e != -1 and changes:
            assert times[e][0] == pytest.approx(np.mean(changes), rel=1e-9)
            if e >= 0:
                total, weight = total + np.sum(changes), weight + len(changes)
    assert average["estimate"] == pytest.approx(total / weight, rel=1e-9)


def test_de_chaisemartin_and_dhaultfoeuille_takes_off_what_changes_of_controls_explain():
    """The slope is that of yearly changes with year effects among city-years not yet treated."""
    panel, timing, _ = simulate(seed=5)
    average, times = estimate(panel, timing, "chaisemartin_dhaultfoeuille", ["x"])
    y, first, years = wide(panel, timing)
    x = wide(panel, timing, "x")[0]
    free = first[:, None] > years[1:]
    dy, dx = np.diff(y, axis=1), np.diff(x, axis=1)
    for table in (dy, dx):
        table -= np.where(free, table, 0).sum(axis=0) / free.sum(axis=0)
    slope = (dy * dx)[free].sum() / (dx**2)[free].sum()
    adjusted = panel.assign(y=panel["y"] - slope * panel["x"])
    other, other_times = estimate(adjusted, timing, "chaisemartin_dhaultfoeuille")
    assert average["estimate"] == pytest.approx(other["estimate"], rel=1e-10)
    assert {e: value[0] for e, value in times.items()} == pytest.approx(
        {e: value[0] for e, value in other_times.items()}, rel=1e-9, abs=1e-12
    )


def test_errors_of_de_chaisemartin_and_dhaultfoeuille_by_event_time_are_those_of_the_library():
    """Its errors of single event times are right but for the factor n / (n - 1); its overall error is not."""
    import diff_diff

    panel, timing, _ = simulate(seed=10, cities=200)
    first = panel["adcode"].map(timing.set_index("adcode")["first_treated_year"]).astype(float)
    frame = panel.assign(treated=(panel["year"] >= first).astype(int))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = diff_diff.ChaisemartinDHaultfoeuille().fit(
            frame, outcome="y", group="adcode", time="year", treatment="treated", L_max=7
        )
    average, times = estimate(panel, timing, "chaisemartin_dhaultfoeuille")
    for step, cell in fit.event_study_effects.items():
        assert times[step - 1][0] == pytest.approx(cell["effect"], rel=1e-9)
        assert times[step - 1][1] == pytest.approx(cell["se"], rel=0.02)
    assert average["estimate"] == pytest.approx(fit.overall_att, rel=1e-9)
    assert fit.overall_se < 0.9 * average["std_error"]


def test_cohorts_of_one_city_do_not_make_the_error_smaller():
    """Three cohorts of one city each: centred on each other, not on themselves; one alone on nothing."""
    panel, _, _ = simulate(cities=43, cohorts=(0,))
    names = panel["adcode"].unique()
    for starts in ({0: 2013, 1: 2015, 2: 2016}, {0: 2014}):
        several = timing_of({city: starts.get(i, 0) for i, city in enumerate(names)})
        spread = []
        for seed in range(40):
            noise = np.random.default_rng(seed).normal(size=len(panel))
            average, _ = estimate(panel.assign(y=noise), several, "chaisemartin_dhaultfoeuille")
            spread.append((average["estimate"], average["std_error"]))
        estimates, errors = np.array(spread).T
        assert np.sqrt((errors**2).mean()) == pytest.approx(estimates.std(), rel=0.35)


# ---------------------------------------------------------------------------------------------- stacked


@pytest.mark.parametrize("controls", [[], ["x"]])
@pytest.mark.parametrize("gaps", [False, True])
def test_stacked_by_weighted_least_squares(controls, gaps):
    """The window is -2 to 4: later ends lose the cohort of 2018 or years, earlier ones years."""
    panel, timing = with_gaps(11, 0.05 if gaps else 0.0)
    average, times = estimate(panel, timing, "stacked", controls)
    assert average["message"].startswith("Window from -2 to 4 years around the start.")
    first = timing.set_index("adcode")["first_treated_year"].astype(float).fillna(np.inf)
    copies = []
    for g in (2013, 2015):
        window = panel[panel["year"].between(g - 2, g + 4)]
        whole = window.groupby("adcode")["year"].transform("size") == 7
        start = window["adcode"].map(first)
        own = window[whole & ((start == g) | (start > g + 4))]
        copies.append(own.assign(g=g, e=own["year"] - g, treated=(own["adcode"].map(first) == g).astype(float)))
    stack = pd.concat(copies, ignore_index=True)
    count = stack.drop_duplicates(["adcode", "g"]).groupby(["g", "treated"]).size().unstack()
    ratio = (count[1.0] / count[1.0].sum()) / (count[0.0] / count[0.0].sum())
    weight = np.where(stack["treated"] > 0, 1.0, stack["g"].map(ratio))
    shown = [-2, 0, 1, 2, 3, 4]
    cells = np.column_stack([stack["treated"] * (stack["e"] == e) for e in shown])
    if controls:
        blocks = [pd.get_dummies(stack["adcode"] + stack["g"].astype("str")), stack[["x"]]]
        blocks.append(pd.get_dummies(stack["e"].astype("str") + "_" + stack["g"].astype("str")))
    else:
        # Their own regression: a constant, the treated, event times and both.
        blocks = [pd.Series(1.0, stack.index), stack["treated"], pd.get_dummies(stack["e"]).drop(columns=-1)]
    design = np.column_stack([cells, *blocks]).astype(float)
    root = np.sqrt(weight)
    slopes = np.linalg.lstsq(design * root[:, None], stack["y"] * root, rcond=None)[0][:6]
    assert [times[e][0] for e in shown] == pytest.approx(slopes.tolist(), rel=1e-8)
    assert average["estimate"] == pytest.approx(slopes[1:].mean(), rel=1e-8)


def test_stacked_errors_of_the_library():
    import diff_diff

    panel, timing, _ = simulate(seed=12, cities=120)
    frame = panel.merge(timing[["adcode", "first_treated_year"]].astype({"first_treated_year": float}))
    frame["first"] = frame["first_treated_year"].fillna(0).astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = diff_diff.StackedDiD(kappa_pre=2, kappa_post=4, df_convention="cluster").fit(
            frame, outcome="y", unit="adcode", time="year", first_treat="first"
        )
    average, _ = estimate(panel, timing, "stacked")
    assert average["estimate"] == pytest.approx(fit.overall_att, rel=1e-9)
    # Its regression, the paper's, has one effect of an event time for all cohorts: what years differ in stays in the error.
    assert 0.95 * fit.overall_se < average["std_error"] < fit.overall_se


# ---------------------------------------------------------------------------------------------- local projections


def test_local_projections_of_pyfixest():
    from pyfixest.did.estimation import lpdid

    panel, timing, _ = simulate(seed=13)
    frame = panel.merge(timing[["adcode", "first_treated_year"]].astype({"first_treated_year": float}))
    frame["first"] = frame["first_treated_year"].fillna(0).astype(int)
    frame["unit"] = frame["adcode"].astype(int)
    names = {"yname": "y", "idname": "unit", "tname": "year", "gname": "first", "vcov": {"CRV1": "unit"}}
    average, times = estimate(panel, timing, "local_projections")
    assert average["message"].startswith("The pooled effect is over event times 0 to 4.")
    table = lpdid(data=frame, att=False, pre_window=-7, post_window=6, **names).tidy()
    for label, row in table.iterrows():
        time = int(str(label).split("::")[1])
        assert times[time] == pytest.approx((row["Estimate"], row["Std. Error"]), rel=1e-6)
    pooled = lpdid(data=frame, att=True, pre_window=-7, post_window=4, **names).tidy().iloc[0]
    expected = [pooled["Estimate"], pooled["Std. Error"]]
    assert average[["estimate", "std_error"]].tolist() == pytest.approx(expected, rel=1e-6)


def test_local_projections_by_a_stacked_regression_with_gaps_and_controls():
    panel, timing = with_gaps(14)
    average, times = estimate(panel, timing, "local_projections", ["x"])
    y, first, _ = wide(panel, timing)
    x = wide(panel, timing, "x")[0]

    def regress(spans):
        rows = []
        for t in range(2012, 2020):
            if min(t + h for h in spans) < 2011 or max(t + h for h in spans) > 2019:
                continue
            later = [t + h - 2011 for h in spans]
            for i, g in enumerate(first):
                if g == t or g > max(t, t + max(spans)):
                    rows.append([y[i, later].mean() - y[i, t - 2012], x[i, later].mean() - x[i, t - 2012], g == t, t])
        table = np.array(rows, dtype=float)
        table = table[np.isfinite(table).all(axis=1)]
        design = np.column_stack([table[:, 2], table[:, 1], *(table[:, 3] == t for t in np.unique(table[:, 3]))])
        return np.linalg.lstsq(design, table[:, 0], rcond=None)[0][0]

    for e in (-4, -2, 0, 1, 3, 6):
        assert times[e][0] == pytest.approx(regress([e]), rel=1e-8)
    assert average["estimate"] == pytest.approx(regress(list(range(5))), rel=1e-8)


# ---------------------------------------------------------------------------------------------- synthetic


def test_simplex_weights_by_another_solver():
    rng = np.random.default_rng(0)
    for columns, ridge in (((6, 15), 2.0), ((30, 5), 1e-8), ((4, 40), 0.5)):
        a, b = rng.normal(size=columns), rng.normal(size=columns[0]) + 5
        centred, target = a - a.mean(axis=0), b - b.mean()

        def loss(w, centred=centred, target=target, ridge=ridge):
            return ((centred @ w - target) ** 2).sum() + ridge * (w @ w)

        start = np.full(columns[1], 1 / columns[1])
        total = {"type": "eq", "fun": lambda w: w.sum() - 1}
        other = minimize(loss, start, bounds=[(0, 1)] * columns[1], constraints=total, options={"ftol": 1e-15})
        found = simplex_weights(a, b, ridge)
        assert found.min() >= 0 and found.sum() == pytest.approx(1, abs=1e-12)
        assert loss(found) <= loss(other.x) + 1e-9
        assert found == pytest.approx(other.x, abs=2e-4)
        for scale in (1e-100, 1e100):
            again = simplex_weights(a * scale, b * scale, ridge * scale**2)
            assert again == pytest.approx(found, abs=1e-9)


def by_definition(y, first, years):
    """Effect of the only cohort: two-way least squares with weights omega x lambda, and these weights by SLSQP."""
    own, others = np.isfinite(first), ~np.isfinite(first)
    before = years < first[own][0]
    noise = np.diff(y[others][:, before], axis=1).std(ddof=1)
    zeta = (own.sum() * (~before).sum()) ** 0.25 * noise

    def solve(columns, target, ridge):
        columns, target = columns - columns.mean(axis=0), target - target.mean()
        m = columns.shape[1]
        return minimize(
            lambda w: ((columns @ w - target) ** 2).sum() + ridge * (w @ w),
            np.full(m, 1 / m),
            jac=lambda w: 2 * columns.T @ (columns @ w - target) + 2 * ridge * w,
            bounds=[(0, 1)] * m,
            constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda w: np.ones(m)},
            options={"ftol": 1e-16, "maxiter": 1000},
        ).x

    omega = solve(y[others][:, before].T, y[own][:, before].mean(axis=0), zeta**2 * before.sum())
    lambda_ = solve(y[others][:, before], y[others][:, ~before].mean(axis=1), (1e-6 * noise) ** 2 * others.sum())
    row_weight = np.where(own, 1 / own.sum(), 0.0)
    row_weight[others] = omega
    column_weight = np.where(before, 0.0, 1 / (~before).sum())
    column_weight[before] = lambda_
    weight = np.sqrt(np.outer(row_weight, column_weight).ravel())
    n, t = y.shape
    i, j = np.repeat(np.arange(n), t), np.tile(np.arange(t), n)
    design = np.column_stack([own[i] & ~before[j], np.eye(n)[i], np.eye(t)[j]]).astype(float)
    return np.linalg.lstsq(design * weight[:, None], y.ravel() * weight, rcond=None)[0][0]


def test_synthetic_did_by_its_definition():
    panel, timing, _ = simulate(seed=15, cities=24, cohorts=(0, 0, 2016))
    average, times = estimate(panel, timing, "synthetic_did")
    assert average["estimate"] == pytest.approx(by_definition(*wide(panel, timing)), rel=1e-4)
    assert sorted(times) == [0, 1, 2, 3]
    assert average["estimate"] == pytest.approx(np.mean([value for value, _ in times.values()]), rel=1e-9)


def test_synthetic_did_of_the_library():
    """diff-diff takes R's Frank-Wolfe steps, which stop a little before the optimum; its jackknife is R's too."""
    import diff_diff

    panel, timing, _ = simulate(seed=16, cities=24, cohorts=(0, 0, 2016))
    first = panel["adcode"].map(timing.set_index("adcode")["first_treated_year"])
    frame = panel.assign(treated=first.notna().astype(int))
    names = {"outcome": "y", "treatment": "treated", "unit": "adcode", "time": "year"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = diff_diff.SyntheticDiD(variance_method="jackknife").fit(frame, post_periods=[*range(2016, 2020)], **names)
    average, _ = estimate(panel, timing, "synthetic_did")
    assert average[["estimate", "std_error"]].tolist() == pytest.approx([fit.att, fit.se], rel=2e-4)


def frank_wolfe(table: np.ndarray, zeta: float, weights: np.ndarray, decrease: float, steps: int) -> np.ndarray:
    """Weights of all columns but the last for the last, as R's synthdid looks for them: Frank-Wolfe steps from
    ``weights`` until a step gains less than ``decrease`` squared.
    """
    table = table - table.mean(axis=0)
    columns, target, eta, values = table[:, :-1], table[:, -1], len(table) * zeta**2, []
    while len(values) < steps and (len(values) < 2 or values[-2] - values[-1] > decrease**2):
        gap = columns @ weights - target
        gradient = gap @ columns + eta * weights
        vertex = gradient.argmin()
        move = np.where(np.arange(len(weights)) == vertex, 1.0, 0.0) - weights
        change = columns @ move
        curvature = change @ change + eta * (move @ move)
        if curvature > 0:
            weights = weights + np.clip(-(gradient @ move) / curvature, 0, 1) * move
        gap = columns @ weights - target
        values.append(zeta**2 * (weights @ weights) + gap @ gap / len(table))
    return weights


def test_synthetic_did_of_california():
    """R's synthdid prints -15.60382787 for the cigarette sales of Abadie, Diamond and Hainmueller (2010) and -27.34911 for
    plain difference-in-differences. Its weights stop short of the minimum; ours, exact, move the effect by 0.0016.
    """
    table = pd.read_csv(Path(__file__).parent / "data" / "california_cigarettes.csv", index_col="year")
    # The package holds single precision.
    y = table.to_numpy(dtype="float32").astype("float64").T
    before, others = int((table.index < 1989).sum()), y[:-1]
    own = y[-1, before:].mean() - y[-1, :before].mean()
    assert own - (others[:, before:].mean() - others[:, :before].mean()) == pytest.approx(-27.34911, abs=5e-6)

    noise = np.diff(others[:, :before], axis=1).std(ddof=1)
    collapsed = np.column_stack([y[:, :before], y[:, before:].mean(axis=1)])

    def weights(table, zeta):
        start = frank_wolfe(table, zeta, np.full(table.shape[1] - 1, 1 / (table.shape[1] - 1)), 1e-5 * noise, 100)
        start = np.where(start <= start.max() / 4, 0, start)
        return frank_wolfe(table, zeta, start / start.sum(), 1e-5 * noise, 10_000)

    years = weights(collapsed[:-1], 1e-6 * noise)
    states = weights(collapsed[:, :before].T, len(y[0, before:]) ** 0.25 * noise)
    after = np.full(y.shape[1] - before, 1 / (y.shape[1] - before))
    printed = np.r_[-states, 1] @ y @ np.r_[-years, after]
    assert printed == pytest.approx(-15.60382787, abs=5e-8)

    panel = table.rename_axis(columns="adcode").stack().rename("y").reset_index().assign(everyone=True)
    timing = timing_of({name: 1989 if name == "California" else None for name in table.columns})
    average, _ = estimate(panel, timing, "synthetic_did")
    assert average["estimate"] == pytest.approx(printed, abs=0.002)


def test_synthetic_did_averages_cohorts_by_treated_city_years():
    panel, timing, _ = simulate(seed=16, cities=41, cohorts=(0, 0, 2014, 2014, 2017))
    average, _ = estimate(panel, timing, "synthetic_did")
    parts = []
    for g, years in ((2014, 6), (2017, 3)):
        chosen = timing[timing["first_treated_year"].isna() | (timing["first_treated_year"] == g)]
        alone, _ = estimate(panel[panel["adcode"].isin(chosen["adcode"])], chosen, "synthetic_did")
        parts.append((alone["estimate"], (timing["first_treated_year"] == g).sum() * years))
    effects, sizes = np.array(parts).T
    assert average["estimate"] == pytest.approx(effects @ sizes / sizes.sum(), rel=1e-9)


def test_synthetic_did_says_what_it_needs():
    panel, timing, _ = simulate()
    missing = panel.drop(panel.index[[12, 40]])
    assert (
        "2 of 80 cities lack a year (first 000001 in 2014)" in estimate(missing, timing, "synthetic_did")[0]["message"]
    )
    assert estimate(missing, timing, "synthetic_did")[0][["n_cities", "n_treated_cities"]].tolist() == [80, 60]
    early = timing.assign(first_treated_year=timing["first_treated_year"].replace(2013, 2012))
    assert "2 years before a start: the cohort of 2012 has 1." in estimate(panel, early, "synthetic_did")[0]["message"]
    everyone = timing.assign(first_treated_year=timing["first_treated_year"].fillna(2016))
    average, _ = estimate(panel, everyone, "synthetic_did")
    assert average["status"] == "not_identified" and "the rows hold 0" in average["message"]


def test_one_treated_city_has_the_error_of_placebos():
    panel, timing, _ = simulate(seed=17, cities=40, cohorts=(0,))
    timing = timing.assign(first_treated_year=[2015.0] + [np.nan] * 39)
    average, _ = estimate(panel, timing, "synthetic_did")
    assert average["message"] == "Standard errors from 100 placebos among the cities never treated."
    drawn = []
    for city in timing["adcode"][1:]:
        rest = panel[panel["adcode"] != "000000"]
        one = timing.assign(first_treated_year=np.where(timing["adcode"] == city, 2015.0, np.nan))
        drawn.append(estimate(rest, one[one["adcode"] != "000000"], "synthetic_did")[0]["estimate"])
    assert average["std_error"] == pytest.approx(np.std(drawn), rel=0.25)


# ---------------------------------------------------------------------------------------------- all of them


def test_a_cohort_of_one_city_is_told():
    panel, timing, _ = simulate(cities=21, cohorts=(0,))
    starts = timing.assign(first_treated_year=[2014.0, 2015.0, 2015.0] + [np.nan] * 18)
    record = averages(estimate_staggered(panel, starts, specifications(*ESTIMATORS), []))
    told = record["message"].str.contains("Cohorts of one city: 1; their own noise", regex=False, na=False)
    assert sorted(record.index[told]) == ["callaway_santanna", "etwfe", "imputation", "sun_abraham"]


def test_no_noise_leaves_the_planted_effects():
    panel, timing, effect = simulate(noise=0, cohorts=(0, 2014, 2016))
    panel["y"] -= 0.7 * panel["x"]
    effect = np.where(effect > 0, 2.0, 0.0)
    start = panel["adcode"].map(timing.set_index("adcode")["first_treated_year"]).to_numpy(dtype="float64")
    panel["y"] = panel["adcode"].astype(int) + panel["year"] / 3 + np.where(panel["year"] >= start, 2.0, 0.0)
    record = estimate_staggered(panel, timing, specifications(*ESTIMATORS), [])
    assert (record["status"] == "ok").all()
    later = record["event_time"].isna() | (record["event_time"] >= 0)
    assert record.loc[later, "estimate"].to_numpy() == pytest.approx(2.0, abs=1e-6)
    assert record.loc[~later, "estimate"].to_numpy() == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("size", [1e-35, 1e35])
def test_units_do_not_matter(size):
    panel, timing, _ = simulate(seed=18, cities=40)
    plain = averages(estimate_staggered(panel, timing, specifications(*OWN), ["x"]))
    scaled = panel.assign(y=panel["y"] * size, x=panel["x"] / size + 5 / size)
    other = averages(estimate_staggered(scaled, timing, specifications(*OWN), ["x"]))
    for column in ("estimate", "std_error"):
        expected = plain[column].to_numpy() * size
        assert other[column].to_numpy() == pytest.approx(expected, rel=1e-7, abs=0)


@pytest.mark.parametrize(
    ("cohorts", "years"),
    [
        ((0, 2012), (2011, 2012)),
        ((2012, 2013), (2011, 2012, 2013)),
        ((2013,), range(2011, 2016)),
        ((0, 2015), (2011, 2015)),
    ],
)
def test_few_years_or_cohorts_give_a_number_or_a_sentence(cohorts, years):
    panel, timing, _ = simulate(cohorts=cohorts, years=years, cities=12)
    record = averages(estimate_staggered(panel, timing, specifications(*OWN), []))
    for name, row in record.iterrows():
        if cohorts == (2013,):
            assert row["status"] == "not_identified", name
        if row["status"] == "ok":
            assert np.isfinite(row["estimate"]) and row["std_error"] > 0
        else:
            assert row["status"] == "not_identified" and row["message"], name
    if cohorts == (0, 2012):
        # Two years, two groups: every estimator is the difference in differences.
        y, first, _ = wide(panel, timing)
        change = y[:, 1] - y[:, 0]
        simple = change[np.isfinite(first)].mean() - change[~np.isfinite(first)].mean()
        ok = record[record["status"] == "ok"]
        assert len(ok) == len(OWN) - 1 and ok["estimate"].to_numpy() == pytest.approx(simple, rel=1e-9)


def test_the_order_of_the_rows_does_not_matter():
    panel, timing, _ = simulate(seed=19, cities=40)
    mixed = panel.sample(frac=1, random_state=1)
    one, other = (estimate_staggered(frame, timing, specifications(*OWN), ["x"]) for frame in (panel, mixed))
    pd.testing.assert_frame_equal(one, other)
