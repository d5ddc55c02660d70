"""The Superset dashboards: every dataset can be read from the published database, every chart asks for what is there,
and both languages and forms have all of it.

Superset itself is not started: it is far larger than the project. What needs its packages is skipped where
`make superset` has not installed them.
"""

import csv
import dataclasses
import json
import os
import re
import stat
import subprocess
import sys
import uuid

import duckdb
import pytest
import yaml
from city_policy.publish import PUBLISHED_SCHEMAS
from city_policy.publish.labels import NOTICE

# What a parameter of a chart may name: a column of its dataset.
COLUMN_PARAMETERS = ("all_columns", "groupby", "columns")
SINGLE_COLUMN_PARAMETERS = ("x_axis", "entity", "series")
METRIC_PARAMETERS = ("metrics", "metric", "x", "y", "size", "timeseries_limit_metric")
# Names that a study might have, and that would do something if they were run.
HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)>",
    'O\'Brien "and" 100 % :name {{ 1 + 1 }} {outcome} {% raw %}',
    "'; drop table marts.dim_study; --",
    "\\ @text(a) @outcome ${x} \x07 _",
)


@pytest.fixture(scope="module")
def superset(project):
    """The modules that make the dashboards."""
    folder = str(project / "bi" / "superset")
    sys.path.insert(0, folder)
    try:
        import dashboards
        import publication

        yield dashboards, publication
    finally:
        sys.path.remove(folder)


@pytest.fixture(scope="module")
def tables(demo_build):
    """The published database of the demo build."""
    with duckdb.connect(str(demo_build / "city_policy.duckdb"), read_only=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def low_carbon_tables(low_carbon_build):
    """The published database of a study without index and without published numbers."""
    path = low_carbon_build / "studies" / "low_carbon" / "city_policy.duckdb"
    with duckdb.connect(str(path), read_only=True) as connection:
        yield connection


def asker(connection):
    return lambda sql: connection.execute(sql).fetchall()


def made(superset, connection, change=None) -> dict[str, dict[str, dict]]:
    """Kind -> name of the file -> content of all assets that a publication gives. ``change`` alters what was read."""
    dashboards, publication = superset
    read = publication.read_publication(asker(connection))
    has_rows = lambda sql: bool(connection.execute(f"select 1 from ({sql}) as asked limit 1").fetchall())  # noqa: E731
    contents = dashboards.make_assets(change(read) if change else read, "duckdb:///x?access_mode=read_only", has_rows)
    assets: dict[str, dict[str, dict]] = {}
    for path, text in contents.items():
        kind, _, name = path.partition("/")
        assets.setdefault(kind, {})[name.removesuffix(".yaml")] = yaml.safe_load(text)
    return assets


@pytest.fixture(scope="module")
def assets(superset, tables):
    """The assets of the demo build."""
    return made(superset, tables)


@pytest.fixture(scope="module")
def low_carbon_assets(superset, low_carbon_tables):
    """The assets of the second study."""
    return made(superset, low_carbon_tables)


def listed(value: object) -> list:
    return value if isinstance(value, list) else [value]


def shown_charts(dashboard: dict) -> list[str]:
    return [
        part["meta"]["uuid"]
        for part in dashboard["position"].values()
        if isinstance(part, dict) and part["type"] == "CHART"
    ]


def tabs(dashboard: dict) -> list[str]:
    position = dashboard["position"]
    (row,) = [part for part in position.values() if isinstance(part, dict) and part["type"] == "TABS"]
    return [position[tab]["meta"]["text"] for tab in row["children"]]


def check_datasets(assets, tables):
    for name, dataset in assets["datasets"].items():
        real = {
            column: kind
            for column, kind, *_ in tables.execute(f"describe from ({dataset['sql']}) as dataset").fetchall()
        }
        assert {column["column_name"]: column["type"] for column in dataset["columns"]} == real, name
        assert dataset["description"] and all(
            column["description"] and column["verbose_name"] for column in dataset["columns"]
        ), name


def check_charts(assets, tables):
    datasets = {dataset["uuid"]: dataset for dataset in assets["datasets"].values()}
    for name, chart in assets["charts"].items():
        dataset = datasets[chart["dataset_uuid"]]
        columns = {column["column_name"] for column in dataset["columns"]}
        parameters = chart["params"]
        named = [parameters[key] for key in SINGLE_COLUMN_PARAMETERS if parameters.get(key)]
        named += [column for key in COLUMN_PARAMETERS for column in listed(parameters.get(key, []))]
        named += [json.loads(text)[0] for text in parameters.get("order_by_cols", [])]
        named += [condition["subject"] for condition in parameters["adhoc_filters"]]
        assert set(named) | set(parameters.get("column_config", {})) <= columns, (name, set(named) - columns)
        metrics = [metric for key in METRIC_PARAMETERS for metric in listed(parameters.get(key, []))]
        assert named or metrics, name
        for metric in metrics:
            tables.execute(f"select {metric['sqlExpression']} from ({dataset['sql']}) as dataset")
        if parameters.get("x_axis_sort"):
            assert parameters["x_axis_sort"] in columns | {metric["label"] for metric in metrics}, name
        assert chart["description"] and chart["viz_type"] == parameters["viz_type"], name


def check_dashboards(assets):
    assert len(assets["dashboards"]) == 4
    columns = {
        dataset["uuid"]: {column["column_name"] for column in dataset["columns"]}
        for dataset in assets["datasets"].values()
    }
    shown = {
        language: sorted(c["uuid"] for n, c in assets["charts"].items() if n.endswith(language))
        for language in ("en", "zh")
    }
    for name, dashboard in assets["dashboards"].items():
        language = name.removeprefix("city_policy_")[:2]
        assert sorted(shown_charts(dashboard)) == shown[language], name
        for filter_ in dashboard["metadata"]["native_filter_configuration"]:
            assert set(filter_["scope"]["rootPath"]) <= set(dashboard["position"])
            for target in filter_["targets"]:
                assert target["column"]["name"] in columns[target["datasetUuid"]]


def test_every_dataset_has_the_columns_that_it_declares(assets, tables):
    assert len(assets["datasets"]) == 28
    check_datasets(assets, tables)
    for name, dataset in assets["datasets"].items():
        assert tables.execute(f"select count(*) from ({dataset['sql']}) as dataset").fetchone()[0] > 0, name


def test_every_chart_can_ask_its_questions(assets, tables):
    check_charts(assets, tables)


def test_every_dashboard_shows_every_chart_once_and_its_filters_exist(assets):
    check_dashboards(assets)
    wide, phone = (assets["dashboards"][f"city_policy_{form}"] for form in ("en", "enphone"))
    assert tabs(wide) == [
        "Panel explorer",
        "Map",
        "Event study",
        "Heterogeneity",
        "Scorecard",
        "Soundness",
        "Data quality",
    ]
    assert tabs(phone) == tabs(wide)
    assert tabs(assets["dashboards"]["city_policy_zh"])[:3] == ["面板数据", "地图", "事件研究"]
    rows = [part for part in phone["position"].values() if isinstance(part, dict) and part["type"] == "ROW"]
    assert all(len(row["children"]) == 1 for row in rows)
    slugs = [dashboard["slug"] for dashboard in assets["dashboards"].values()]
    assert slugs == ["city-policy", "city-policy-phone", "city-policy-zh", "city-policy-zh-phone"]


def test_another_study_has_its_own_outcome_policies_and_charts(low_carbon_assets, low_carbon_tables):
    check_datasets(low_carbon_assets, low_carbon_tables)
    check_charts(low_carbon_assets, low_carbon_tables)
    check_dashboards(low_carbon_assets)
    charts = low_carbon_assets["charts"]
    assert charts["event_study_0_en"]["slice_name"] == "Event study: low-carbon pilot"
    assert charts["event_study_0_zh"]["slice_name"] == "事件研究：低碳试点"
    assert "event_study_1_en" not in charts
    assert charts["outcome_by_city_0_zh"]["params"]["y_axis_title"].startswith("工业废气排放强度")
    # Nothing was published that could be compared, and there is no index.
    assert not any(name.startswith(("scorecard", "published", "dimensions")) for name in charts)
    assert "Scorecard" not in tabs(low_carbon_assets["dashboards"]["city_policy_en"])
    assert "nqp" not in json.dumps(low_carbon_assets) and "bcs" not in json.dumps(low_carbon_assets)


def test_an_effect_belongs_to_one_specification(assets, tables):
    """No aggregate mixes the effects of two regressions of one policy."""
    for name in ("main_effects", "published_main_effects"):
        rows = tables.execute(
            f"select spec_id, effect from ({assets['datasets'][f'{name}_en']['sql']}) as dataset order by spec_id"
        ).fetchall()
        expected = tables.execute(
            "select spec_id, 100 * estimate from results.baseline_effects where term = treatment and vcov = 'CRV1' "
            "order by spec_id"
        ).fetchall()
        assert len(rows) >= 3 and set(rows) <= set(expected)
    # Two regressions of one policy are told apart by their names.
    for language, joint in (("en", "all three in one regression"), ("zh", "三项处理同时进入")):
        named = tables.execute(
            f"select spec_id, regression from ({assets['datasets'][f'main_effects_{language}']['sql']}) as dataset"
        ).fetchall()
        assert dict(named)["joint"] == joint and dict(named)["baseline_dual"] != joint
    conditions = [
        condition["comparator"]
        for name, chart in assets["charts"].items()
        if name.startswith("event_study_") and name.endswith("_en") and chart["viz_type"] != "table"
        for condition in chart["params"]["adhoc_filters"]
    ]
    assert conditions == ["event_study_bcs", "event_study_dual", "event_study_iic"]
    # Superset draws the band of a forecast from zero where its lower end is negative: intervals are lines.
    assert "__yhat" not in json.dumps(assets)


def test_both_languages_have_all_texts(assets, superset, project):
    """Every text of the Chinese dashboard is Chinese, and texts.csv holds no text that nobody uses."""
    english_only = re.compile(r"[A-Za-z]{3}")
    # What has no other name: statistics, programs, and variables of codes.
    known = re.compile(r"iid|Holm|Superset|Great Expectations|SQL|Sobel|Bacon")
    for kind in ("charts", "dashboards", "datasets"):
        for name, asset in assets[kind].items():
            if "_zh" not in name:
                continue
            words = [asset.get(key) for key in ("slice_name", "description", "dashboard_title")]
            parameters = asset.get("params", {})
            words += [parameters.get(key) for key in ("y_axis_title", "x_axis_title")]
            words += [metric["label"] for key in METRIC_PARAMETERS for metric in listed(parameters.get(key, []))]
            words += [column["verbose_name"] for column in asset.get("columns", [])]
            words += [filter_["name"] for filter_ in asset.get("metadata", {}).get("native_filter_configuration", [])]
            for text in filter(None, words):
                assert not english_only.search(known.sub("", text)), (name, text)
    with open(project / "bi" / "superset" / "texts.csv", encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert len({row["en"] for row in rows}) == len(rows)
    definition = "".join(
        re.sub(r"\s+", " ", path.read_text(encoding="utf-8"))
        for path in (project / "bi" / "superset").rglob("*")
        if path.suffix in (".yaml", ".py")
    ).replace("''", "'")
    for row in rows:
        assert row["zh"] and not re.search(r"[一-鿿][,;:()]|[,;:()][一-鿿]", row["zh"]), row
        if not row["en"].startswith(tuple(f"{kind}: " for kind in superset[0].KINDS_OF_TEXTS)):
            assert row["en"] in definition, row


def test_the_names_of_a_study_are_shown_and_never_run(superset, tables):
    def hostile(read):
        names = {
            kind: {
                key: {language: HOSTILE[number % len(HOSTILE)] for language in by_language}
                for number, (key, by_language) in enumerate(sorted(keys.items()))
            }
            for kind, keys in read.names.items()
        }
        return dataclasses.replace(read, names=names)

    assets = made(superset, tables, hostile)
    check_datasets(assets, tables)
    check_charts(assets, tables)
    for language in ("en", "zh"):
        sql = assets["datasets"][f"city_panel_{language}"]["sql"]
        found = tables.execute(
            f"select distinct unnest(string_split(pilots, ' + ')) from ({sql}) as dataset"
        ).fetchall()
        assert {text for (text,) in found} & set(HOSTILE)
    titles = {chart["slice_name"] for name, chart in assets["charts"].items() if name.startswith("event_study_")}
    assert any(HOSTILE[0] in title for title in titles)
    # Superset shows what looks like HTML as HTML unless a table forbids it.
    assert all(
        chart["params"]["allow_render_html"] is False
        for chart in assets["charts"].values()
        if chart["viz_type"] == "table"
    )


def test_the_configuration_runs_no_text_and_shows_both_languages(project):
    text = (project / "bi" / "superset" / "superset_config.py").read_text(encoding="utf-8")
    assert '"ENABLE_TEMPLATE_PROCESSING": False' in text and '"ESCAPE_MARKDOWN_HTML": True' in text
    assert re.search(r"^LANGUAGES = .*\"en\".*\"zh\"", text, re.MULTILINE)


def test_the_exposure_of_the_dashboard_names_what_its_datasets_read(assets, project):
    text = " ".join(dataset["sql"] for dataset in assets["datasets"].values())
    read = set(re.findall(rf"\b(?:from|join) (?:{'|'.join(PUBLISHED_SCHEMAS)})\.(\w+)", text))
    exposures = yaml.safe_load((project / "models" / "exposures.yml").read_text(encoding="utf-8"))["exposures"]
    (dashboard,) = [
        exposure for exposure in exposures if exposure["type"] == "dashboard" and "Superset" in exposure["label"]
    ]
    named = {reference.removeprefix("ref('").removesuffix("')") for reference in dashboard["depends_on"]}
    # These are read for names alone.
    assert named == read | {"dim_indicator", "dim_series", "summary_statistics"}


def test_names_and_identifiers_are_unique_and_the_database_is_read_only(assets):
    everything = [
        asset for kind in assets.values() for asset in kind.values() if isinstance(asset, dict) and "uuid" in asset
    ]
    identifiers = [asset["uuid"] for asset in everything]
    assert len(set(identifiers)) == len(identifiers) and all(uuid.UUID(identifier) for identifier in identifiers)
    # Two datasets of one name clash in Superset's own database.
    names = [dataset["table_name"] for dataset in assets["datasets"].values()]
    assert len(set(names)) == len(names)
    (database,) = assets["databases"].values()
    assert database["sqlalchemy_uri"].endswith("?access_mode=read_only") and not database["allow_dml"]
    assert {dataset["database_uuid"] for dataset in assets["datasets"].values()} == {database["uuid"]}


def test_the_dashboard_says_what_the_data_are(assets, tables, project):
    with open(project / "bi" / "superset" / "notices.csv", encoding="utf-8", newline="") as handle:
        notices = {row.pop("kind"): row for row in csv.DictReader(handle)}
    assert notices["simulated"] == NOTICE
    template = (project / "bi" / "superset" / "templates" / "tail_js_custom_extra.html").read_text(encoding="utf-8")
    assert "position: fixed" in template and "{{ sentence }}" in template
    for language, simulated in (("en", "simulated demo yearbook"), ("zh", "模拟的示例年鉴")):
        ((_, years, source, _),) = tables.execute(assets["datasets"][f"data_source_{language}"]["sql"]).fetchall()
        assert source == simulated and years.startswith("2011")


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


def serve(project, folder, **environment):
    return subprocess.run(
        [str(project / "bi" / "superset" / "serve"), str(folder / "bin")],
        env={"PATH": "/usr/bin:/bin", "CITY_POLICY_DATA": str(folder / "data"), **environment},
        capture_output=True,
        text=True,
    )


def test_without_a_publication_superset_says_what_to_do(project, tmp_path):
    result = serve(project, tmp_path)
    assert result.returncode == 2 and "make build" in result.stderr and result.stderr.count("\n") == 1


@pytest.mark.parametrize("study", [None, "mine", "folder"])
def test_superset_is_served_on_localhost_and_the_password_is_on_the_terminal_alone(project, tmp_path, study):
    data = tmp_path / "data" / ("studies/mine" if study else "")
    data.mkdir(parents=True)
    (data / "city_policy.duckdb").touch()
    programs = {
        "python": 'echo log; echo "password abc" >&3; env >&1',
        "gunicorn": 'echo "arguments $*"; env',
    }
    (tmp_path / "bin").mkdir()
    for name, script in programs.items():
        path = tmp_path / "bin" / name
        path.write_text(f"#!/bin/bash\n{script}\n")
        path.chmod(0o755)
    environment = {"SUPERSET_PASSWORD": "xyz", "SUPERSET_PORT": "8123"}
    if study == "folder":
        (tmp_path / "study").mkdir()
        (tmp_path / "study" / "study.csv").write_text('key,value,note\n"id","mine",\n')
    if study:
        environment["STUDY"] = str(tmp_path / "study") if study == "folder" else study
    result = serve(project, tmp_path, **environment)
    assert result.returncode == 0, result.stderr
    assert "password abc" in result.stdout and "--bind 127.0.0.1:8123" in result.stdout
    assert "SUPERSET_PASSWORD" not in result.stdout
    log = data / "superset" / "prepare.log"
    assert "password abc" not in log.read_text() and f"{data}/city_policy.duckdb" in log.read_text()
    assert stat.S_IMODE(os.stat(log).st_mode) == 0o600


DRAWING = """
import os, sys
sys.path.insert(0, {folder!r})
import prepare
from werkzeug.security import generate_password_hash
class User:
    id, password = 1, ""
class Manager:
    user = None
    find_user = lambda self, name: self.user
    find_role = lambda self, name: name
    def add_user(self, *arguments, password):
        self.user = User()
        self.reset_password(1, password)
        return self.user
    def reset_password(self, identifier, password):
        self.user.password = generate_password_hash(password)
manager = Manager()
for given in (None, None, "mine", None, "admin", None):
    os.environ.pop("SUPERSET_PASSWORD", None)
    if given:
        os.environ["SUPERSET_PASSWORD"] = given
    prepare.user_with_password(manager, "admin")
    print(manager.user.password)
"""


def test_a_password_is_drawn_once_and_kept_as_a_hash(project):
    python = project / ".venv-superset" / "bin" / "python"
    if not python.is_file():
        pytest.skip("Superset is not installed; `make superset` does it")
    script = DRAWING.format(folder=str(project / "bi" / "superset"))
    result = subprocess.run(
        ["/bin/bash", "-c", '"$0" -c "$1" 3>&2', str(python), script], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    told = [line for line in result.stderr.splitlines() if line.startswith("User admin")]
    hashes = result.stdout.split()
    drawn = [re.search(r", password (\S{20,}) \(shown this once", line) for line in told]
    assert [bool(found) for found in drawn] == [True, False, False, False, False, True]
    assert "first start holds" in told[1] and "SUPERSET_PASSWORD" in told[2]
    assert hashes[0] == hashes[1] != hashes[2] == hashes[3]
    assert len({found[1] for found in drawn if found}) == 2
    assert not any(found[1] in result.stdout for found in drawn if found)
