"""Every model, column, seed, variable, macro, command and setting is described, and every room only looks back."""

import csv
import json
import re
import shutil

import duckdb
import pytest
from city_policy.cli import build_parser
from conftest import run

# Which rooms a model may read; within a room a model may read its own room.
MAY_READ = {
    "staging": {"seeds/geography", "seeds/policy", "seeds/mapping", "seeds/yearbook"},
    "cleaning": {"staging", "seeds/geography", "seeds/mapping"},
    "intermediate": {"staging", "cleaning", "seeds/geography", "seeds/mapping", "seeds/study"},
    "marts": {"staging", "cleaning", "intermediate", "seeds/mapping", "seeds/study"},
    "quality": {"staging", "cleaning", "intermediate", "marts", "seeds/study", "seeds/mapping", "seeds/geography"},
    "estimates": {"intermediate", "marts", "quality", "seeds/study"},
    "results": {"intermediate", "marts", "estimates", "seeds/study"},
    "replication": {"staging", "intermediate", "marts", "results", "seeds/study", "seeds/published"},
}


@pytest.fixture(scope="module")
def manifest(demo_build):
    return json.loads((demo_build / "target" / "manifest.json").read_text())


@pytest.fixture(scope="module")
def catalog(demo_build):
    """The columns that tables really have."""
    with duckdb.connect(str(demo_build / "build.duckdb"), read_only=True) as connection:
        return connection.execute(
            "select table_schema, table_name, column_name, data_type from information_schema.columns "
            "order by table_schema, table_name, ordinal_position"
        ).fetchall()


def nodes(manifest, kind):
    return [node for node in manifest["nodes"].values() if node["resource_type"] == kind]


def test_every_model_and_seed_and_column_is_described(manifest, catalog):
    described = {}
    for node in nodes(manifest, "model") + nodes(manifest, "seed"):
        assert len(node["description"]) > 20, node["name"]
        described[node["name"]] = {name.strip('"'): column["description"] for name, column in node["columns"].items()}
    for schema, table, column, _ in catalog:
        assert described[table].get(column), f"{schema}.{table}.{column} is not described"
    real = {(table, column) for _, table, column, _ in catalog}
    for table, columns in described.items():
        for column in columns:
            assert (table, column) in real, f"{table}.{column} is described but does not exist"


def test_the_documentation_site_builds_and_knows_every_table(demo_build, project, manifest, tmp_path):
    shutil.copy(demo_build / "build.duckdb", tmp_path)
    result = run(["dbt", "docs", "generate", "--static"], project, tmp_path)
    assert result.returncode == 0, result.stdout[-3000:]
    written = json.loads((tmp_path / "target" / "catalog.json").read_text(encoding="utf-8"))
    assert written["errors"] is None
    expected = {node["unique_id"] for node in nodes(manifest, "model") + nodes(manifest, "seed")}
    assert set(written["nodes"]) == expected
    for node in nodes(manifest, "model"):
        assert written["nodes"][node["unique_id"]]["metadata"]["comment"], node["name"]
    assert (tmp_path / "target" / "static_index.html").stat().st_size > 1e6


def test_every_exposure_is_described_and_names_what_it_reads(manifest, project):
    exposures = {exposure["name"]: exposure for exposure in manifest["exposures"].values()}
    assert {"report", "superset_dashboard", "questions"} <= set(exposures)
    for exposure in exposures.values():
        assert len(exposure["description"]) > 50 and "simulated" in exposure["description"]
        assert exposure["depends_on"]["nodes"], exposure["name"]
    rooms = {
        manifest["nodes"][parent]["schema"]
        for name in ("report", "superset_dashboard")
        for parent in exposures[name]["depends_on"]["nodes"]
    }
    assert rooms <= {"marts", "results", "replication", "quality"}
    # The report names its tables as texts, with or without their schema.
    sources = " ".join(
        path.read_text(encoding="utf-8") for path in (project / "python/city_policy/report").rglob("*.py")
    )
    named = set(re.findall(r"\"([a-z_]+)\"", sources)) | set(
        re.findall(r"(?:marts|results|replication|quality)\.(\w+)", sources)
    )
    read = {
        node["unique_id"]
        for node in nodes(manifest, "model")
        if node["schema"] in ("marts", "results", "replication", "quality") and node["name"] in named
    }
    assert set(exposures["report"]["depends_on"]["nodes"]) == read
    queried = {parent for node in nodes(manifest, "analysis") for parent in node["depends_on"]["nodes"]}
    assert set(exposures["questions"]["depends_on"]["nodes"]) == queried


def test_every_description_tells_the_grain(manifest):
    for node in nodes(manifest, "model"):
        assert re.search(r"[Oo]ne row per", node["description"]), node["name"]


def test_every_model_has_a_key_test(manifest):
    tested = {
        test["attached_node"]
        for test in nodes(manifest, "test")
        if (test.get("test_metadata") or {}).get("name") in ("unique", "unique_combination", "not_null")
    }
    for node in nodes(manifest, "model"):
        assert node["unique_id"] in tested, node["name"]


def test_public_tables_have_a_contract(manifest):
    for node in nodes(manifest, "model"):
        if node["schema"] in ("marts", "results") and node["language"] == "sql":
            assert node["contract"]["enforced"], node["name"]


def test_rooms_only_look_back(manifest):
    def room(unique_id):
        node = manifest["nodes"][unique_id]
        folder = node["original_file_path"].split("/")
        return folder[1] if folder[0] == "models" else "/".join(folder[:2])

    for node in nodes(manifest, "model"):
        own = room(node["unique_id"])
        for parent in node["depends_on"]["nodes"]:
            assert room(parent) == own or room(parent) in MAY_READ[own], f"{node['name']} reads {parent}"


def test_python_models_are_thin(project):
    for path in (project / "models").rglob("*.py"):
        assert len(path.read_text().splitlines()) <= 45, path


def test_every_macro_is_described(project):
    for path in (project / "macros").glob("*.sql"):
        text = path.read_text()
        for name in re.findall(r"{%-?\s*macro\s+(\w+)", text):
            before = text[: text.index(f"macro {name}")]
            assert before.rstrip("{%- \n").endswith("#}"), f"{path.name}: {name} has no comment before it"


def test_readme_tells_every_setting_variable_command_and_option(project):
    readme = (project / "README.md").read_text(encoding="utf-8")
    with open(project / "seeds" / "study" / "settings.csv", encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            assert f"`{row['setting']}`" in readme, row["setting"]
    for name in ("source", "CITY_POLICY_DATA", "YEARBOOKS", "SUPPLEMENTARY", "TARGET", "PYTHON"):
        assert f"`{name}`" in readme, name
    parser = build_parser()
    (commands,) = (action.choices for action in parser._actions if action.dest == "command")
    for name, command in commands.items():
        assert f"`city-policy {name}" in readme, name
        assert command.description
        for action in command._actions:
            assert action.help, f"{name} {action.dest}"
            if action.option_strings and action.dest != "help":
                assert action.option_strings[-1] in readme, f"{name} {action.option_strings[-1]}"


def test_readme_names_the_model_of_every_result(project):
    readme = (project / "README.md").read_text(encoding="utf-8")
    for path in (project / "models" / "results").glob("*.sql"):
        assert f"`{path.stem}`" in readme, path.stem


def test_every_analysis_says_what_it_answers_and_compiles(project, manifest):
    found = nodes(manifest, "analysis")
    assert len(found) >= 10
    for node in found:
        assert node["raw_code"].startswith("-- "), node["name"]


def test_every_seed_names_where_it_comes_from(project):
    readme = (project / "README.md").read_text(encoding="utf-8")
    for path in (project / "seeds").rglob("*.csv"):
        folder = path.parent.name
        assert f"`{path.stem}`" in readme or f"`seeds/{folder}`" in readme, path
