"""The Superset assets: every dataset can be read from the published database, and every chart asks for what is there.

Superset itself is not started: it is far larger than the project.
"""

import json
import re
import subprocess
import uuid

import duckdb
import pytest
import yaml
from city_policy.publish import PUBLISHED_SCHEMAS

# What a parameter of a chart may name: a column of its dataset.
COLUMN_PARAMETERS = ("all_columns", "groupby", "columns")
SINGLE_COLUMN_PARAMETERS = ("x_axis", "entity", "series")
METRIC_PARAMETERS = ("metrics", "metric", "x", "y", "size", "timeseries_limit_metric")


@pytest.fixture(scope="module")
def assets(project):
    """Kind -> file name -> content."""
    folder = project / "bi" / "superset" / "assets"
    return {
        kind: {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in (folder / kind).glob("*.yaml")}
        for kind in ("databases", "datasets", "charts", "dashboards")
    }


@pytest.fixture(scope="module")
def tables(demo_build):
    """The published database of the demo build."""
    with duckdb.connect(str(demo_build / "city_policy.duckdb"), read_only=True) as connection:
        yield connection


def source(dataset: dict) -> str:
    """What Superset reads from: the query of a virtual dataset, or the table."""
    return f"({dataset['sql']})" if "sql" in dataset else f"{dataset['schema']}.{dataset['table_name']}"


def listed(value: object) -> list:
    return value if isinstance(value, list) else [value]


def test_every_dataset_has_the_columns_that_it_declares(assets, tables):
    assert len(assets["datasets"]) >= 10
    for name, dataset in assets["datasets"].items():
        real = {
            column: kind
            for column, kind, *_ in tables.execute(f"describe from {source(dataset)} as dataset").fetchall()
        }
        assert {column["column_name"]: column["type"] for column in dataset["columns"]} == real, name
        assert tables.execute(f"select count(*) from {source(dataset)} as dataset").fetchone()[0] > 0, name
        assert dataset["description"] and all(column["description"] for column in dataset["columns"]), name


def test_every_chart_can_ask_its_questions(assets, tables):
    datasets = {dataset["uuid"]: dataset for dataset in assets["datasets"].values()}
    for name, chart in assets["charts"].items():
        dataset = datasets[chart["dataset_uuid"]]
        columns = {column["column_name"] for column in dataset["columns"]}
        parameters = chart["params"]
        named = [parameters[key] for key in SINGLE_COLUMN_PARAMETERS if parameters.get(key)]
        named += [column for key in COLUMN_PARAMETERS for column in listed(parameters.get(key, []))]
        named += [json.loads(text)[0] for text in parameters.get("order_by_cols", [])]
        named += [condition["subject"] for condition in parameters["adhoc_filters"]]
        assert set(named) <= columns, (name, set(named) - columns)
        metrics = [metric for key in METRIC_PARAMETERS for metric in listed(parameters.get(key, []))]
        assert named or metrics, name
        for metric in metrics:
            tables.execute(f"select {metric['sqlExpression']} from {source(dataset)} as dataset")
        assert chart["description"] and chart["viz_type"] == parameters["viz_type"], name


def test_the_dashboard_shows_every_chart_once_and_its_filters_exist(assets):
    (dashboard,) = assets["dashboards"].values()
    position = dashboard["position"]
    shown = [part["meta"]["uuid"] for part in position.values() if isinstance(part, dict) and part["type"] == "CHART"]
    assert sorted(shown) == sorted(chart["uuid"] for chart in assets["charts"].values())
    tabs = [part["meta"]["text"] for part in position.values() if isinstance(part, dict) and part["type"] == "TAB"]
    assert tabs == ["Panel explorer", "Map", "Event study", "Heterogeneity", "Scorecard", "Data quality"]
    columns = {
        dataset["uuid"]: {column["column_name"] for column in dataset["columns"]}
        for dataset in assets["datasets"].values()
    }
    for filter_ in dashboard["metadata"]["native_filter_configuration"]:
        for target in filter_["targets"]:
            assert target["column"]["name"] in columns[target["datasetUuid"]]


def test_the_exposure_of_the_dashboard_names_what_its_datasets_read(assets, project):
    text = " ".join(source(dataset) for dataset in assets["datasets"].values())
    read = set(re.findall(rf"\b(?:{'|'.join(PUBLISHED_SCHEMAS)})\.(\w+)", text))
    exposures = yaml.safe_load((project / "models" / "exposures.yml").read_text(encoding="utf-8"))["exposures"]
    (dashboard,) = [
        exposure for exposure in exposures if exposure["type"] == "dashboard" and "Superset" in exposure["label"]
    ]
    assert {reference.removeprefix("ref('").removesuffix("')") for reference in dashboard["depends_on"]} == read


def test_names_and_identifiers_are_unique_and_the_database_is_read_only(assets):
    everything = [asset for kind in assets.values() for asset in kind.values()]
    identifiers = [asset["uuid"] for asset in everything]
    assert len(set(identifiers)) == len(identifiers) and all(uuid.UUID(identifier) for identifier in identifiers)
    # Two datasets of one name clash in Superset's own database.
    names = [dataset["table_name"] for dataset in assets["datasets"].values()]
    assert len(set(names)) == len(names)
    (database,) = assets["databases"].values()
    assert database["sqlalchemy_uri"].endswith("?access_mode=read_only") and not database["allow_dml"]
    assert {dataset["database_uuid"] for dataset in assets["datasets"].values()} == {database["uuid"]}


def test_the_dashboard_says_what_the_data_are(assets, tables):
    dataset = assets["datasets"]["data_source"]
    ((_, sentence),) = tables.execute(dataset["sql"]).fetchall()
    assert sentence.startswith("Study: ") and "SIMULATED" in sentence
    (chart,) = [chart for chart in assets["charts"].values() if chart["dataset_uuid"] == dataset["uuid"]]
    (dashboard,) = assets["dashboards"].values()
    first = dashboard["position"]["GRID_ID"]["children"][0]
    (place,) = dashboard["position"][first]["children"]
    assert dashboard["position"][place]["meta"]["uuid"] == chart["uuid"]


def test_the_lock_names_no_index_and_pins_everything_with_hashes(project):
    lock = (project / "bi" / "superset" / "requirements.lock").read_text()
    assert "://" not in lock
    for pin in (
        "apache-superset==6.1.0",
        "flask-caching==2.3.1",
        "duckdb==1.5.5",
        "duckdb-engine==0.17.0",
        "rich==",
        "cachetools==",
    ):
        assert re.search(rf"^{re.escape(pin)}", lock, re.MULTILINE), pin
    for block in re.split(r"\n(?=[a-z0-9])", lock)[1:]:
        assert "==" in block and "--hash=sha256:" in block, block


def test_without_a_publication_superset_says_what_to_do(project, tmp_path):
    result = subprocess.run(
        [str(project / "bi" / "superset" / "serve"), "/nowhere"],
        env={"PATH": "/usr/bin:/bin", "CITY_POLICY_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 2 and "make build" in result.stderr and result.stderr.count("\n") == 1
