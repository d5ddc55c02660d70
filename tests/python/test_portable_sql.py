"""The macro cluster_moments is one text: the same cross products and the same refusals on DuckDB, PostgreSQL and Spark."""

import json
import shutil
import subprocess

import duckdb
import numpy as np
import pandas as pd
import pytest
from city_policy.estimation.large_panels.database_cross_products import read_moments
from conftest import PROJECT
from resampling_reference import cluster_moments, firm_panel
from test_publish import Client, database, server  # noqa: F401 (fixtures)

SPARK_PYTHON = PROJECT / ".venv-micro" / "bin" / "python"
KEYS = ["cluster", "part", "first_term", "second_term"]
REGRESSORS = ["pilot", "size"]
INCOMPLETE = "A row has no unit, cluster or period; expected complete rows only."


def large_panel(gaps):
    """3 x 10^5 rows: 30,000 firms in 275 cities over ten years, each year of a firm absent with probability ``gaps``."""
    rng = np.random.default_rng(8)
    firms, years = 30_000, 10
    firm, year = np.repeat(np.arange(firms), years), np.tile(2011 + np.arange(years), firms)
    city = rng.integers(0, 275, firms)[firm]
    size = rng.normal(size=firms)[firm] + rng.normal(size=len(firm))
    pilot = ((city % 3 == 0) & (year >= 2015)).astype(float)
    y = 0.3 * pilot + 0.5 * size + rng.normal(size=firms)[firm] + 0.1 * (year - 2011) + rng.normal(size=len(firm))
    panel = pd.DataFrame({"firm": firm, "city": city, "year": year, "pilot": pilot, "size": size, "y": y})
    return panel[rng.random(len(panel)) >= gaps].sample(frac=1, random_state=1)


def refused():
    """By name: a panel that the macro refuses, the columns of unit, cluster and period, and the sentence."""
    panel = firm_panel()[["firm", "city", "year", "pilot", "size", "y"]]
    firm = panel["firm"].iloc[0]
    here = panel["firm"] == firm
    year = panel.loc[here, "year"].max()
    columns = ("firm", "city", "year")
    first = here & (panel["year"] == year)
    return {
        "missing unit": (panel.assign(firm=panel["firm"].mask(first)), columns, INCOMPLETE),
        "missing cluster": (panel.assign(city=panel["city"].mask(first)), columns, INCOMPLETE),
        "missing period": (panel.assign(year=panel["year"].astype("Int64").mask(first)), columns, INCOMPLETE),
        "no unit at all": (
            panel.assign(firm=pd.Series([None] * len(panel), dtype="str", index=panel.index)),
            columns,
            INCOMPLETE,
        ),
        # No unit is left to raise; the last step must.
        "one row without unit": (
            panel[first].assign(firm=pd.Series([None], dtype="str").to_numpy()),
            columns,
            INCOMPLETE,
        ),
        "moved unit": (
            panel.assign(city=panel["city"].mask(first, "c99")),
            columns,
            f"Unit {firm} is in more than one cluster; expected one, so that errors can be clustered.",
        ),
        "twice": (pd.concat([panel, panel[first]]), columns, f"Unit {firm} has two rows in one period; expected one."),
        "span": (
            panel,
            ("firm", "city", "year * 20"),
            "The periods span more than 63; cluster_moments keeps the periods of a unit as bits.",
        ),
        "missing value": (
            panel.assign(size=panel["size"].mask(first)),
            columns,
            f"The cross products of size in cluster {panel['city'][first].iloc[0]} are not finite",
        ),
        "infinite value": (
            panel.assign(y=panel["y"].mask(first, np.inf)),
            columns,
            f"The cross products of y in cluster {panel['city'][first].iloc[0]} are not finite",
        ),
    }


def panels():
    """By name: the panels that every engine sums up."""
    return {"balanced": large_panel(0.0), "gaps": large_panel(0.2)}


def query(columns=("firm", "city", "year"), engine="default", relation="panel"):
    return cluster_moments(relation, *columns, "y", REGRESSORS, engine=engine)


def on_duckdb(panel, columns=("firm", "city", "year")):
    with duckdb.connect() as connection:
        connection.register("panel", panel)
        return connection.execute(query(columns)).df()


@pytest.fixture(scope="module")
def reference():
    return {name: on_duckdb(panel) for name, panel in panels().items()}


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    """All panels through one session of Spark; by name, the cross products or the error."""
    if not shutil.which("java"):
        pytest.skip("no Java is installed, which Spark needs")
    if not SPARK_PYTHON.exists():
        pytest.skip("Spark is not installed (make .venv-micro/installed)")
    folder = tmp_path_factory.mktemp("spark")
    cases = {name: (panel, ("firm", "city", "year")) for name, panel in panels().items()}
    cases |= {name: (panel, columns) for name, (panel, columns, _) in refused().items()}
    tasks = []
    for number, (name, (panel, columns)) in enumerate(cases.items()):
        file = folder / f"{number}.parquet"
        with duckdb.connect() as connection:
            connection.register("panel", panel)
            connection.execute(f"copy panel to '{file}' (format parquet)")
        tasks.append(
            {
                "name": name,
                "view": "panel",
                "parquet": str(file),
                "query": query(columns, "spark"),
                "result": str(folder / f"result {number}"),
            }
        )
    (folder / "tasks.json").write_text(json.dumps(tasks))
    subprocess.run(
        [str(SPARK_PYTHON), str(PROJECT / "tests/python/spark_queries.py"), str(folder / "tasks.json")],
        check=True,
        cwd=folder,
        capture_output=True,
    )
    answers = json.loads((folder / "answers.json").read_text())
    return {
        task["name"]: answers[task["name"]] or duckdb.sql(f"from read_parquet('{task['result']}/*.parquet')").df()
        for task in tasks
    }


@pytest.fixture
def postgres(database):  # noqa: F811
    """A function that runs the macro on PostgreSQL."""

    def run(panel, columns=("firm", "city", "year")):
        with Client(database) as client:
            client.connection.register("panel", panel)
            client.connection.execute("create or replace table target.public.panel as from panel")
            return client.connection.execute(
                "from postgres_query('target', $query)", {"query": query(columns, "postgres", "public.panel")}
            ).df()

    return run


def same(ours, theirs):
    """No row unmatched, every value equal to 1e-9 of the largest of its part, and so are estimate and clustered error."""
    merged = ours.merge(theirs, on=KEYS, how="outer", indicator=True)
    assert (merged["_merge"] == "both").all()
    assert len(merged) == len(ours) == len(theirs)
    for _, part in merged.groupby("part"):
        np.testing.assert_allclose(part["value_x"], part["value_y"], rtol=1e-9, atol=1e-9 * part["value_x"].abs().max())
    one, two = (
        read_moments(table, ["pilot", "y"], ["size"]).weigh().regress(1, [0], clustered=True)
        for table in (ours, theirs)
    )
    for name in ("estimate", "std_error_crv1"):
        np.testing.assert_allclose(getattr(one, name), getattr(two, name), rtol=1e-9)


@pytest.mark.parametrize("name", ["balanced", "gaps"])
def test_spark_gives_the_cross_products_of_duckdb(reference, spark, name):
    same(reference[name], spark[name])


@pytest.mark.parametrize("name", ["balanced", "gaps"])
def test_postgresql_gives_the_cross_products_of_duckdb(reference, postgres, name):
    same(reference[name], postgres(panels()[name]))


@pytest.mark.parametrize("name", refused())
def test_duckdb_refuses_with_a_sentence(name):
    panel, columns, sentence = refused()[name]
    with pytest.raises(duckdb.Error) as error:
        on_duckdb(panel, columns)
    assert sentence in str(error.value)


@pytest.mark.parametrize("name", refused())
def test_spark_refuses_with_a_sentence(spark, name):
    _, _, sentence = refused()[name]
    assert isinstance(spark[name], str)
    assert sentence in spark[name]


@pytest.mark.parametrize("name", refused())
def test_postgresql_refuses_with_a_sentence(postgres, name):
    panel, columns, sentence = refused()[name]
    with pytest.raises(duckdb.Error) as error:
        postgres(panel, columns)
    assert sentence in str(error.value)
