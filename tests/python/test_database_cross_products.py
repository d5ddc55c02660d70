"""CrossProducts summed up by the database against the engine on rows, against dummy regressions and against pyfixest."""

import warnings

import duckdb
import numpy as np
import pandas as pd
import pytest
from city_policy.errors import InputError
from city_policy.estimation.computation.cross_products import (
    CrossProducts,
    bootstrap_weights,
    generator,
    jackknife_weights,
    permutations,
    wild_bootstrap,
)
from city_policy.estimation.large_panels.database_cross_products import read_moments
from conftest import run
from resampling_reference import cross_product_table, dummy_regression, firm_panel, simulate, treatment


def city_panel(unbalanced):
    panel, timing = simulate(unbalanced=unbalanced)
    return panel.assign(pilot=treatment(panel, timing, "pilot"), second=treatment(panel, timing, "second"))


def close(ours, reference, digits=1e-9):
    return np.testing.assert_allclose(ours, reference, rtol=digits, atol=digits * np.abs(reference).max())


@pytest.mark.parametrize("unbalanced", [False, True])
@pytest.mark.parametrize("controls", [[], ["x1", "x2"]])
def test_the_city_panel_gives_what_the_engine_gives_on_rows(unbalanced, controls):
    panel = city_panel(unbalanced)
    table = cross_product_table(panel, "adcode", "adcode", ["pilot", "second", "m", *controls])
    ours = read_moments(table, ["pilot", "second", "m", "y"], controls)
    # Cities with one row are left out by the query; the engine on rows keeps them without weight.
    rows = panel[panel.groupby("adcode")["year"].transform("size") > 1]
    theirs = CrossProducts(rows["adcode"], rows["year"], rows[["pilot", "second", "m", "y"]], rows[controls])
    assert ours.cities.tolist() == theirs.cities.tolist()
    assert [int(year) for year in ours.years] == theirs.years.tolist()
    rng = generator(5)
    for weights in (
        None,
        bootstrap_weights(ours.n_cities, 30, rng),
        jackknife_weights(ours.n_cities),
        permutations(np.arange(ours.n_cities) % 2, 30, rng),
    ):
        mine, other = ours.weigh(weights), theirs.weigh(weights)
        for outcome, regressors in ((3, [0]), (3, [0, 1, 2]), (2, [1])):
            for one, two in zip(
                mine.regress(outcome, regressors, clustered=True),
                other.regress(outcome, regressors, clustered=True),
                strict=True,
            ):
                close(one, two)
        close(mine.influence(3, [0]), other.influence(3, [0]))
        assert (mine.n_obs == other.n_obs).all()
    for kind in ("rademacher", "webb"):
        mine, other = (wild_bootstrap(one, 3, 0, 99, generator(2), kind) for one in (ours, theirs))
        close(mine.draws, other.draws)
        assert mine.p_value == other.p_value


def test_firms_in_cities_equal_the_dummy_regression_of_every_draw():
    panel = firm_panel()
    ours = read_moments(
        cross_product_table(panel, "firm", "city", ["pilot", "size", "age"]), ["pilot", "y"], ["size", "age"]
    )
    # A city whose firms have one row each is no cluster.
    assert "c00" not in ours.cities
    used = panel[panel.groupby("firm")["year"].transform("size") > 1].reset_index(drop=True)
    assert ours.weigh().n_obs[0] == len(used)
    assert ours.weigh().n_units[0] == used["firm"].nunique()
    weights = np.vstack([np.ones(ours.n_cities, dtype=int), bootstrap_weights(ours.n_cities, 5, generator(8))])
    fit = ours.weigh(weights).regress(1, [0], clustered=True)
    for i, weight in enumerate(weights):
        copies = pd.concat(
            [used[used["city"].isin(ours.cities[weight > copy])].assign(copy=copy) for copy in range(weight.max())]
        )
        suffix = copies["copy"].astype(str)
        reference = dummy_regression(
            copies["y"].to_numpy(),
            copies[["pilot", "size", "age"]].to_numpy(),
            (copies["firm"] + suffix).to_numpy(),
            copies["year"].to_numpy(),
            (copies["city"] + suffix).to_numpy(),
        )
        for one, two in zip(fit[:3], reference, strict=True):
            close(one[i, 0], two[0])


def test_a_firm_panel_equals_pyfixest():
    import pyfixest

    panel = firm_panel(seed=11, firms=3000, cities=60)
    ours = read_moments(
        cross_product_table(panel, "firm", "city", ["pilot", "size", "age"]), ["pilot", "y"], ["size", "age"]
    )
    fit = ours.weigh().regress(1, [0], clustered=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = panel[panel.groupby("firm")["year"].transform("size") > 1]
        options = {"data": data, "fixef_tol": 1e-12}
        formula = "y ~ pilot + size + age|firm + year"
        iid = pyfixest.feols(formula, vcov="iid", ssc=pyfixest.ssc(k_fixef="full"), **options)
        clustered = pyfixest.feols(formula, vcov={"CRV1": "city"}, ssc=pyfixest.ssc(k_fixef="none"), **options)
    n, k, years = len(data), 3, data["year"].nunique()
    # pyfixest's factor counts terms only; firms are nested in the cluster, years are not.
    factor = np.sqrt((n - k) / (n - k - years))
    close(fit.estimate[0, 0], iid.coef()["pilot"], 1e-9)
    close(fit.std_error_iid[0, 0], iid.se()["pilot"], 1e-8)
    close(fit.std_error_crv1[0, 0], clustered.se()["pilot"] * factor, 1e-8)
    # The panel is simulated with an effect of 0.2.
    assert abs(fit.estimate[0, 0] - 0.2) < 3 * fit.std_error_crv1[0, 0]


def test_values_far_from_zero_lose_no_digits():
    # A million added to outcome and control: sums of raw squares would keep four digits of what varies.
    near = read_moments(
        cross_product_table(firm_panel(), "firm", "city", ["pilot", "size", "age"]), ["pilot", "y"], ["size"]
    )
    table = cross_product_table(firm_panel(level=1e6), "firm", "city", ["pilot", "size", "age"])
    far = read_moments(table, ["pilot", "y"], ["size"])
    for one, two in zip(
        near.weigh().regress(1, [0], clustered=True)[:3], far.weigh().regress(1, [0], clustered=True)[:3], strict=True
    ):
        close(one, two, 1e-8)


def test_what_units_periods_and_controls_explain_is_noticed():
    panel = firm_panel().assign(
        constant=1e7, trend=lambda frame: frame["year"] * 3.0, twice=lambda frame: frame["size"] * 2
    )
    panel["born"] = panel.groupby("firm")["year"].transform("min").astype(float)
    columns = ["pilot", "size", "twice", "trend", "born", "constant"]
    table = cross_product_table(panel, "firm", "city", columns)
    cross_products = read_moments(table, ["pilot", "y", "born"], ["constant", "size", "trend", "twice"])
    assert cross_products.control_kept.tolist() == [False, True, False, False]
    assert cross_products.target_varies.tolist() == [True, True, False]
    plain = read_moments(table, ["pilot", "y"], ["size"]).weigh().regress(1, [0], clustered=True)
    for one, two in zip(cross_products.weigh().regress(1, [0], clustered=True), plain, strict=True):
        close(one, two)
    assert np.isnan(cross_products.weigh().regress(1, [2]).estimate).all()


def test_expressions_and_whole_numbers_are_columns_too():
    panel = firm_panel()
    table = cross_product_table(
        panel, "firm", "city", ["pilot::int", "size * 2"], outcome="y - length('a')", period="year - 2000"
    )
    ours = read_moments(table, ["pilot::int", "y - length('a')"], ["size * 2"]).weigh().regress(1, [0])
    plain = read_moments(cross_product_table(panel, "firm", "city", ["pilot", "size"]), ["pilot", "y"], ["size"])
    close(ours.estimate, plain.weigh().regress(1, [0]).estimate)


def test_the_example_of_the_documentation_finds_the_true_effect(project, pages, tmp_path, monkeypatch, capsys):
    result = run(["dbt", "compile", "--select", "moments_of_a_simulated_firm_panel"], project, tmp_path / "data")
    assert result.returncode == 0, result.stdout[-3000:]
    (tmp_path / "target").symlink_to(tmp_path / "data" / "target")
    with duckdb.connect(str(tmp_path / "data" / "build.duckdb")) as connection:
        # The one table that the example reads; the first years of 60 cities, half of them never treated.
        connection.execute("create schema if not exists marts")
        connection.execute(
            "create table marts.fct_city_policy as select (110000 + range)::varchar as adcode, 'bcs' as policy_id, "
            "case when range % 2 = 0 then 2014 + range % 3 end as first_treated_year from range(60)"
        )
    page = pages[project / "docs" / "large-panels.md"]
    code = page.split("<!-- firm panel -->\n```python\n")[1].split("```")[0]
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "large-panels.md", "exec"), {})
    estimate, error, spread = map(float, capsys.readouterr().out.split())
    assert abs(estimate - 0.1) < 3 * error
    assert 0.5 < spread / error < 2
    assert error < 0.02


def test_a_table_that_cannot_be_read_is_refused_with_a_sentence():
    panel = firm_panel()
    table = cross_product_table(panel, "firm", "city", ["pilot", "size"])
    # The macro refuses a missing value; a table from elsewhere may have one.
    broken = table.assign(value=table["value"].mask(table["second_term"] == "size"))
    for message, call in (
        ("has no column 'sise'; it has pilot, size, y", lambda: read_moments(table, ["pilot", "y"], ["sise"])),
        ("no column 'part'", lambda: read_moments(table.drop(columns="part"), ["y"])),
        ("every target and control once", lambda: read_moments(table, ["y", "y"])),
        ("at least one target", lambda: read_moments(table, [])),
        ("not finite", lambda: read_moments(broken, ["y"])),
        ("need the rows of the panel", lambda: read_moments(table, ["y"]).choose(np.ones((1, 3, 3)))),
    ):
        with pytest.raises(InputError, match=message):
            call()
