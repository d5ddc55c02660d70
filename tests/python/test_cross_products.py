"""Proofs of the resampling engine: every kind of draw against the dummy-variable regression of that draw."""

import csv
import time
from pathlib import Path

import numpy as np
import pytest
from city_policy.errors import InputError
from city_policy.estimation.computation import cross_products as engine
from city_policy.estimation.computation.cross_products import (
    CrossProducts,
    bootstrap_weights,
    check_resampling,
    generator,
    jackknife_weights,
    permutations,
    two_sided_p,
    wild_bootstrap,
)
from city_policy.estimation.contract.panel import Panel
from city_policy.estimation.contract.specification import Specification
from city_policy.estimation.estimators.fixed_effects import estimate_fixed_effects
from resampling_reference import dummy_regression, repeat_cities, simulate, treatment

CASES = pytest.mark.parametrize(
    ("unbalanced", "controls"), [(False, []), (False, ["x1", "x2"]), (True, []), (True, ["x1", "x2"])]
)


def load(unbalanced, controls, **options):
    """city, year, targets (pilot, second, m, y) and controls, rows in no order."""
    panel, timing = simulate(unbalanced=unbalanced, **options)
    pilots = [treatment(panel, timing, policy) for policy in ("pilot", "second")]
    targets = np.column_stack([*pilots, panel["m"], panel["y"]])
    return panel["adcode"].to_numpy(), panel["year"].to_numpy(), targets, panel[controls].to_numpy(dtype=float)


def as_cells(cross_products, city, year, rows):
    """(draws, cities, years) from (draws, n)."""
    cells = np.zeros((len(rows), cross_products.n_cities, len(cross_products.years)), dtype=bool)
    cells[:, np.searchsorted(cross_products.cities, city), np.searchsorted(cross_products.years, year)] = rows
    return cells


def close(ours, reference, digits=1e-10):
    return np.testing.assert_allclose(ours, reference, rtol=digits, atol=digits * np.abs(reference).max())


@CASES
@pytest.mark.parametrize("kind", ["bootstrap", "jackknife", "permutation"])
def test_weighted_draws_equal_refitting(unbalanced, controls, kind):
    city, year, targets, others = load(unbalanced, controls)
    cross_products = CrossProducts(city, year, targets, others)
    rng = generator(5, kind)
    weights = {
        "bootstrap": lambda: bootstrap_weights(cross_products.n_cities, 20, rng),
        "jackknife": lambda: jackknife_weights(cross_products.n_cities)[:20],
        "permutation": lambda: permutations(np.arange(cross_products.n_cities) % 2, 20, rng),
    }[kind]()
    draws = cross_products.weigh(weights)
    # One treatment, two treatments, two outcomes.
    for outcome, regressors in ((3, [0]), (3, [0, 1]), (2, [1]), (3, [0, 1, 2])):
        fit = draws.regress(outcome, regressors, clustered=True)
        for i, weight in enumerate(weights):
            rows, copies = repeat_cities(city, weight)
            terms = np.column_stack([targets[rows][:, regressors], others[rows]])
            reference = dummy_regression(targets[rows, outcome], terms, copies, year[rows])
            for ours, theirs in zip(fit[:3], reference, strict=True):
                close(ours[i], theirs[: len(regressors)])


@CASES
def test_chosen_rows_equal_refitting(unbalanced, controls):
    city, year, targets, others = load(unbalanced, controls)
    cross_products = CrossProducts(city, year, targets, others)
    rows = generator(5, "rows").random((20, len(city))) < 0.6
    fit = cross_products.choose(as_cells(cross_products, city, year, rows)).regress(3, [0, 1])
    for i, chosen in enumerate(rows):
        terms = np.column_stack([targets[chosen][:, :2], others[chosen]])
        estimate, iid, _ = dummy_regression(targets[chosen, 3], terms, city[chosen], year[chosen])
        close(fit.estimate[i], estimate[:2])
        close(fit.std_error_iid[i], iid[:2])


def test_choosing_all_rows_or_whole_cities_equals_weighing():
    city, year, targets, others = load(True, ["x1", "x2"])
    cross_products = CrossProducts(city, year, targets, others)
    halves = permutations(np.arange(cross_products.n_cities) % 2, 3, generator(1))
    weighed = cross_products.weigh(halves).regress(3, [0])
    # Cells without a row are chosen too, and stay empty.
    chosen = cross_products.choose(np.repeat(halves[:, :, None] == 1, 8, axis=2)).regress(3, [0])
    close(weighed.estimate, chosen.estimate)
    close(weighed.std_error_iid, chosen.std_error_iid)
    assert (weighed.degrees_iid == chosen.degrees_iid).all()


@CASES
def test_one_draw_is_the_estimate_of_the_record(unbalanced, controls):
    panel, timing = simulate(unbalanced=unbalanced)
    specification = Specification(
        "one", "r", None, None, None, "fixed_effects", "y", "pilot", 0, "everyone", (), (), "adcode"
    )
    record = estimate_fixed_effects(panel, timing, [specification], controls)
    record = record[record["term"] == "pilot"].set_index("vcov")
    checked = Panel(panel, timing)
    columns = checked.variables(specification)
    others = checked.controls(specification, controls, columns)
    rows = checked.usable_rows(specification, columns | others).used
    cross_products = CrossProducts(
        checked.city[rows],
        checked.year[rows],
        np.column_stack([columns["pilot"], columns["y"]])[rows],
        np.column_stack([np.empty((len(rows), 0)), *others.values()])[rows],
    )
    fit = cross_products.weigh().regress(1, [0], clustered=True)
    close(fit.estimate[0, 0], record.loc["iid", "estimate"])
    close(fit.std_error_iid[0, 0], record.loc["iid", "std_error"])
    close(fit.std_error_crv1[0, 0], record.loc["CRV1", "std_error"])
    assert rows.sum() == record.loc["iid", "n_obs"]


@CASES
def test_the_regression_on_all_rows_needs_no_cross_products(unbalanced, controls):
    city, year, targets, others = load(unbalanced, controls)
    cross_products = CrossProducts(city, year, targets, others)
    rows, by_rows = cross_products.weigh(), []
    for outcome, regressors in ((3, [0]), (3, [0, 1]), (2, [1, 0])):
        by_rows.append((*rows.regress(outcome, regressors, clustered=True), rows.influence(outcome, regressors)))
    assert "_packed" not in vars(cross_products)
    # The same draw from the cross products of the cities.
    weighed = cross_products.weigh(np.ones((1, cross_products.n_cities)))
    for (outcome, regressors), ours in zip(((3, [0]), (3, [0, 1]), (2, [1, 0])), by_rows, strict=True):
        theirs = (*weighed.regress(outcome, regressors, clustered=True), weighed.influence(outcome, regressors))
        for one, two in zip(ours, theirs, strict=True):
            close(one, two, 1e-12)
    # Labels of any kind; whole numbers that lie far apart.
    for labels in (np.unique(city, return_inverse=True)[1], city.astype("int64") * 10**6):
        fit = CrossProducts(labels, year, targets, others).weigh().regress(3, [0], clustered=True)
        assert all((one == two).all() for one, two in zip(fit, by_rows[0][:5], strict=True))


def test_a_draw_without_a_year_or_with_an_idle_control_leaves_them_out():
    city, year, targets, others = load(True, ["x1"])
    # 2011 is seen in ten cities only, and the second control moves in one city only.
    cities = np.unique(city)
    keep = (year > 2011) | np.isin(city, cities[:10])
    idle = np.where((city == cities[0]) & (year == 2014), 1.0, 0.0)
    others = np.column_stack([others, idle])
    city, year, targets, others = city[keep], year[keep], targets[keep], others[keep]
    cross_products = CrossProducts(city, year, targets, others)
    weights = np.ones((1, cross_products.n_cities), dtype=int)
    weights[0, :10] = 0
    draws = cross_products.weigh(weights)
    fit = draws.regress(3, [0], clustered=True)
    used = ~np.isin(city, cities[:10])
    terms = np.column_stack([targets[used, 0], others[used, 0]])
    for ours, theirs in zip(fit[:3], dummy_regression(targets[used, 3], terms, city[used], year[used]), strict=True):
        close(ours[0, 0], theirs[0])
    assert draws.n_years[0] == 7


def test_what_a_draw_cannot_identify_is_nan_and_the_other_draws_are_not():
    city, year, targets, others = load(False, ["x1"])
    cross_products = CrossProducts(city, year, targets, others)
    never = [targets[city == one, 0].max() == 0 for one in cross_products.cities]
    fit = cross_products.weigh(np.vstack([np.ones(cross_products.n_cities), never])).regress(3, [0], clustered=True)
    assert np.isfinite([values[0, 0] for values in fit[:3]]).all()
    assert np.isnan([values[1, 0] for values in fit[:3]]).all()
    # The same column twice: neither coefficient is identified.
    twice = CrossProducts(city, year, targets[:, [0, 0, 3]], others).weigh()
    assert np.isnan(twice.regress(2, [0, 1]).estimate).all()
    assert np.isfinite(twice.regress(2, [0]).estimate).all()


def test_collinear_controls_and_constant_targets_are_noticed():
    city, year, targets, others = load(False, ["x1", "x2"])
    doubled = np.column_stack([others, others[:, 0] * 2, year.astype(float)])
    cross_products = CrossProducts(city, year, np.column_stack([targets, year]), doubled)
    assert cross_products.control_kept.tolist() == [True, True, False, False]
    assert cross_products.target_varies.tolist() == [True] * 4 + [False]
    plain = CrossProducts(city, year, targets, others).weigh().regress(3, [0], clustered=True)
    for ours, theirs in zip(cross_products.weigh().regress(3, [0], clustered=True), plain, strict=True):
        close(ours, theirs)
    assert np.isnan(cross_products.weigh().regress(4, [0]).estimate).all()
    assert np.isnan(cross_products.weigh().regress(3, [4]).estimate).all()


def test_influence_adds_up_to_the_clustered_error_and_to_the_jackknife():
    city, year, targets, others = load(True, ["x1"])
    cross_products = CrossProducts(city, year, targets, others)
    whole = cross_products.weigh()
    influence = whole.influence(3, [0, 1])
    fit = whole.regress(3, [0, 1], clustered=True)
    g, n = whole.n_cities[0], whole.n_obs[0]
    factor = g / (g - 1) * (n - 1) / (n - 2 - 1 - len(cross_products.years))
    np.testing.assert_allclose(influence.sum(axis=0), 0, atol=1e-12)
    close(np.sqrt(factor * (influence**2).sum(axis=0)), fit.std_error_crv1[0])
    # Leaving a city out moves the estimate by about its influence.
    left_out = cross_products.weigh(jackknife_weights(cross_products.n_cities)).regress(3, [0, 1]).estimate
    assert np.corrcoef(fit.estimate - left_out, influence, rowvar=False)[0, 2] > 0.99


@pytest.mark.parametrize(("kind", "null"), [("rademacher", 0.0), ("webb", 0.2)])
def test_wild_bootstrap_equals_refitting_with_the_null_imposed(kind, null):
    city, year, targets, others = load(True, ["x1"])
    # A city with one row is neither a row nor a cluster in either computation.
    cross_products = CrossProducts(city, year, targets, others)
    code = np.unique(city, return_inverse=True)[1]
    result = wild_bootstrap(cross_products, 3, 0, 20, generator(3), kind, null)
    points = {"rademacher": [-1, 1], "webb": [-(0.5**0.5), -1, -(1.5**0.5), 0.5**0.5, 1, 1.5**0.5]}[kind]
    v = generator(3).choice(points, (20, cross_products.n_cities))
    y, x = targets[:, 3], targets[:, 0]
    dummies = np.column_stack([np.eye(code.max() + 1)[code], np.eye(8)[year - 2011][:, 1:], others * 1e6])
    restricted = dummies @ np.linalg.lstsq(dummies, y - null * x, rcond=None)[0] + null * x
    for i in range(20):
        drawn = restricted + v[i][code] * (y - restricted)
        estimate, _, error = dummy_regression(drawn, np.column_stack([x, others]), city, year)
        close(result.draws[i], (estimate[0] - null) / error[0], 1e-9)
    estimate, _, error = dummy_regression(y, np.column_stack([x, others]), city, year)
    close(result.t_stat, (estimate[0] - null) / error[0])
    beyond = int((np.abs(result.draws) > abs(result.t_stat)).sum())
    assert result.p_value == (1 + beyond) / (1 + len(result.draws))


def test_wild_bootstrap_agrees_with_wildboottest():
    # Made by tests/python/data/wildboottest_reference.py; the Rademacher values go through every sign pattern.
    folder = Path(__file__).parent / "data"
    with open(folder / "wildboottest_reference.csv", encoding="utf-8", newline="") as handle:
        reference = list(csv.DictReader(handle))
    assert len(reference) == 8
    for row in reference:
        city, year, targets, others = load(row["unbalanced"] == "True", ["x1"], seed=int(row["seed"]), cities=11)
        ours = wild_bootstrap(
            CrossProducts(city, year, targets, others), 3, 0, 40_000, generator(1), row["weights"]
        ).p_value
        p = float(row["p_value"])
        # Monte Carlo error of 40,000 draws, and of 99,999 with Webb's weights.
        assert abs(ours - p) < 4 * np.sqrt(p * (1 - p) * (1 / 40_000 + 1 / 99_999)), row


@pytest.mark.parametrize("kind", ["rademacher", "webb"])
def test_the_wild_interval_holds_what_the_same_draws_do_not_reject(kind):
    city, year, targets, others = load(True, ["x1"])
    cross_products = CrossProducts(city, year, targets, others)

    def at(null):
        return wild_bootstrap(cross_products, 3, 0, 999, generator(3), kind, null)

    result = at(0.0)
    assert result.ci_low < result.estimate < result.ci_high
    step = 1e-6 * (result.ci_high - result.ci_low)
    for end, outwards in ((result.ci_low, -step), (result.ci_high, step)):
        assert at(end + outwards).p_value <= 0.05 < at(end - outwards).p_value


def test_draws_do_not_depend_on_the_order_of_rows_or_on_the_other_draws():
    city, year, targets, others = load(True, ["x1", "x2"])
    cross_products = CrossProducts(city, year, targets, others)
    order = np.random.default_rng(1).permutation(len(city))
    other = CrossProducts(city[order], year[order], targets[order], others[order])
    weights = bootstrap_weights(cross_products.n_cities, 600, generator(9))
    ours = cross_products.weigh(weights).regress(3, [0], clustered=True)
    theirs = other.weigh(weights).regress(3, [0], clustered=True)
    assert all((one == two).all() for one, two in zip(ours, theirs, strict=True))
    # The 600 draws went through in three passes; a pass of its own gives the same.
    alone = cross_products.weigh(weights[511:512]).regress(3, [0], clustered=True)
    close(alone.std_error_crv1[0], ours.std_error_crv1[511], 1e-12)
    cells = np.random.default_rng(2).random((3, cross_products.n_cities, len(cross_products.years))) < 0.5
    fits = [one.choose(cells).regress(3, [0]).estimate for one in (cross_products, other)]
    assert (fits[0] == fits[1]).all()


def test_draws_are_a_matrix_product_and_not_a_loop_of_refits():
    # 1,000 draws with both errors take less than 30 single dummy regressions (the ratio is above 500 in fact).
    city, year, targets, others = load(False, ["x1", "x2"], cities=275, years=11)
    cross_products = CrossProducts(city, year, targets, others)
    weights = bootstrap_weights(cross_products.n_cities, 1000, generator(1))
    start = time.perf_counter()
    cross_products.weigh(weights).regress(3, [0], clustered=True)
    engine_time = time.perf_counter() - start
    start = time.perf_counter()
    dummy_regression(targets[:, 3], np.column_stack([targets[:, 0], others]), city, year)
    assert engine_time < 30 * (time.perf_counter() - start)


def test_weights_are_what_their_names_say():
    weights = bootstrap_weights(40, 2000, generator(4))
    assert (weights.sum(axis=1) == 40).all()
    # Multinomial: mean 1, variance 1 - 1/40.
    assert abs(weights.var() - (1 - 1 / 40)) < 0.02
    assert (weights.mean(axis=0) - 1).max() < 0.1
    labels = np.array([0, 0, 0, 1, 1, 2])
    dealt = permutations(labels, 500, generator(4))
    assert (np.sort(dealt, axis=1) == labels).all()
    assert abs((dealt == 2).mean(axis=0) - 1 / 6).max() < 0.06
    assert jackknife_weights(3).tolist() == [[0, 1, 1], [1, 0, 1], [1, 1, 0]]
    assert (generator(1, "a").random(3) != generator(1, "b").random(3)).all()
    assert (generator(1, "a").random(3) == generator(1, "a").random(3)).all()


def test_p_counts_the_observed_value_ties_and_only_draws_that_exist():
    assert two_sided_p(2.0, np.array([-3.0, 1.0, 2.0, np.nan])) == (3 / 4, 3)
    assert two_sided_p(2.0, np.array([-2.0 * (1 - 1e-13), 0.0])) == (2 / 3, 2)
    assert two_sided_p(9.0, np.zeros(999)) == (1 / 1000, 999)
    assert np.isnan(two_sided_p(np.nan, np.ones(3))[0])


def test_refusals_are_sentences():
    city, year, targets, others = load(False, ["x1"])
    cross_products = CrossProducts(city, year, targets, others)
    for message, call in (
        ("more than once", lambda: CrossProducts(city, np.full(len(year), 2011), targets)),
        ("missing values", lambda: CrossProducts(city, year, np.where(targets == 1, np.nan, targets))),
        ("the same number", lambda: CrossProducts(city[1:], year, targets)),
        ("weigh 3 cities; the panel has 45", lambda: cross_products.weigh(np.ones((2, 3)))),
        ("negative", lambda: cross_products.weigh(-np.ones((2, cross_products.n_cities)))),
        ("choose among 3 x 8 cells", lambda: cross_products.choose(np.ones((2, 3, 8)))),
        (
            "not for draws that choose city-years",
            lambda: cross_products.choose(np.ones((1, 45, 8))).regress(3, [0], clustered=True),
        ),
        ("not for draws that choose city-years", lambda: cross_products.choose(np.ones((1, 45, 8))).influence(3, [0])),
        ("rademacher, webb", lambda: wild_bootstrap(cross_products, 3, 0, 9, generator(1), "mammen")),
    ):
        with pytest.raises(InputError, match=message):
            call()
    panel, timing = simulate()
    checked = Panel(panel.assign(half=panel["year"] > 2014, region="a"), timing)
    base = {
        "spec_id": "one",
        "result": "r",
        "paper_table": None,
        "panel": None,
        "column_no": None,
        "estimator": "resampling",
        "outcome": "y",
        "treatment": "pilot",
        "lag": 0,
        "sample": "everyone",
        "extra_controls": (),
        "extra_fixed_effects": ("region",),
        "cluster": "adcode",
    }
    check_resampling(checked, Specification(**base))
    with pytest.raises(InputError, match="'half' changes within a city"):
        check_resampling(checked, Specification(**base | {"extra_fixed_effects": ("half",)}))
    with pytest.raises(InputError, match="cannot cluster by 'region'"):
        check_resampling(checked, Specification(**base | {"cluster": "region"}))


def test_passes_do_not_change_results(monkeypatch):
    city, year, targets, others = load(True, ["x1"])
    cross_products = CrossProducts(city, year, targets, others)
    weights = bootstrap_weights(cross_products.n_cities, 30, generator(9))
    cells = np.random.default_rng(2).random((30, cross_products.n_cities, len(cross_products.years))) < 0.5
    before = (
        cross_products.weigh(weights).regress(3, [0]).estimate,
        cross_products.choose(cells).regress(3, [0]).estimate,
    )
    monkeypatch.setattr(engine, "DRAWS_PER_PASS", 7)
    monkeypatch.setattr(engine, "CELLS_PER_PASS", 4)
    close(cross_products.weigh(weights).regress(3, [0]).estimate, before[0], 1e-12)
    close(cross_products.choose(cells).regress(3, [0]).estimate, before[1], 1e-12)
