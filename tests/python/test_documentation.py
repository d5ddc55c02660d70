"""Every model, column, seed, variable, macro, command and setting is described, and every layer only looks back."""

import ast
import csv
import json
import re
import shutil

import duckdb
import pytest
import yaml
from city_policy.cli import build_parser
from city_policy.language import without_chinese_form
from conftest import run

# Which layers a model may read beside its own.
MAY_READ = {
    "staging": {"seeds/geography", "seeds/policy", "seeds/mapping", "seeds/yearbook", "seeds/studies/nqp"},
    "cleaning": {"staging", "seeds/geography", "seeds/mapping"},
    "intermediate": {"staging", "cleaning", "seeds/geography", "seeds/mapping", "seeds/studies/nqp"},
    "marts": {"staging", "cleaning", "intermediate", "seeds/mapping", "seeds/studies/nqp"},
    "quality": {
        "staging",
        "cleaning",
        "intermediate",
        "marts",
        "seeds/studies/nqp",
        "seeds/mapping",
        "seeds/geography",
    },
    "estimates": {"intermediate", "marts", "quality"},
    "results": {"staging", "intermediate", "marts", "quality", "estimates", "seeds/mapping", "seeds/studies/nqp"},
    "replication": {"staging", "intermediate", "marts", "results", "seeds/geography", "seeds/studies/nqp"},
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


@pytest.fixture(scope="module")
def rows_of_the_study(demo_build):
    """The names that rows of seeds give to columns; the rows describe them."""
    with duckdb.connect(str(demo_build / "build.duckdb"), read_only=True) as connection:
        found = connection.execute(
            "select column_name from staging.stg_variables union select sample from staging.stg_samples "
            "union select policy_id from seeds.policies union select policy_id || '_first_year' from seeds.policies "
            "union select value || '_' || dimension from seeds.indicators, intermediate.int_settings where setting = 'index_name' "
            "union select measure from intermediate.int_needed_measures"
        ).fetchall()
    return {name for (name,) in found}


def nodes(manifest, kind):
    return [node for node in manifest["nodes"].values() if node["resource_type"] == kind]


def test_every_model_and_seed_and_column_is_described(manifest, catalog, rows_of_the_study):
    described = {}
    for node in nodes(manifest, "model") + nodes(manifest, "seed"):
        assert len(node["description"]) > 20, node["name"]
        described[node["name"]] = {name.strip('"'): column["description"] for name, column in node["columns"].items()}
    from_rows = {node["name"] for node in nodes(manifest, "model") if node["config"]["meta"].get("columns_from_rows")}
    for schema, table, column, _ in catalog:
        is_row = table in from_rows and column in rows_of_the_study
        assert is_row or described[table].get(column), f"{schema}.{table}.{column} is not described"
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
    layers = {
        manifest["nodes"][parent]["schema"]
        for name in ("report", "superset_dashboard")
        for parent in exposures[name]["depends_on"]["nodes"]
    }
    assert layers <= {"marts", "results", "replication", "quality"}
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


def test_every_singular_test_says_what_goes_wrong_without_it(manifest):
    singular = [node for node in nodes(manifest, "test") if not node.get("test_metadata")]
    assert len(singular) > 15
    for node in singular:
        assert len(node["description"]) > 50, node["name"]


def test_every_description_tells_the_grain(manifest):
    for node in nodes(manifest, "model"):
        assert re.search(r"[Oo]ne row per", node["description"]), node["name"]


def test_every_model_has_a_key_test(manifest):
    tested = {
        test["attached_node"]
        for test in nodes(manifest, "test")
        if (test.get("test_metadata") or {}).get("name") in ("unique", "unique_combination")
    }
    for node in nodes(manifest, "model"):
        assert node["unique_id"] in tested, f"{node['name']}: no test that its rows are those of its grain"


def test_every_result_and_comparison_has_a_unit_test(manifest):
    tested = {test["model"] for test in manifest["unit_tests"].values()}
    for node in nodes(manifest, "model"):
        # dbt has no unit tests for models in Python; those of the library are in pytest.
        if node["schema"] in ("results", "replication") and node["language"] == "sql":
            assert node["name"] in tested, node["name"]


def test_what_a_test_warns_about_has_a_chinese_form(manifest):
    """The summary of a build says the description of a test that warns."""
    warning = [node for node in manifest["nodes"].values() if node["config"].get("severity", "").lower() == "warn"]
    assert len(warning) == 4
    assert [unknown for node in warning for unknown in without_chinese_form(node["description"])] == []


def test_public_tables_have_a_contract(manifest):
    for node in nodes(manifest, "model"):
        from_rows = node["config"]["meta"].get("columns_from_rows")
        if node["schema"] in ("marts", "results") and node["language"] == "sql" and not from_rows:
            assert node["contract"]["enforced"], node["name"]


def test_layers_only_look_back(manifest):
    def layer(unique_id):
        node = manifest["nodes"][unique_id]
        folder = node["original_file_path"].split("/")
        if folder[0] == "seeds" and folder[1] != "studies":
            return "/".join(folder[:2])
        # city-policy build reads a checked copy of the study, which lies among the data.
        return folder[1] if folder[0] == "models" else "seeds/studies/nqp"

    for node in nodes(manifest, "model"):
        own = layer(node["unique_id"])
        for parent in node["depends_on"]["nodes"]:
            assert layer(parent) == own or layer(parent) in MAY_READ[own], f"{node['name']} reads {parent}"


def test_python_models_are_thin(project):
    for path in (project / "models").rglob("*.py"):
        assert len(path.read_text().splitlines()) <= 40, path


def test_yaml_files_of_models_are_short(project):
    for path in (project / "models").rglob("*.yml"):
        assert len(path.read_text(encoding="utf-8").splitlines()) < 500, path


def test_every_macro_is_described(project):
    for path in [*(project / "macros").rglob("*.sql"), *(project / "micro" / "macros").rglob("*.sql")]:
        text = path.read_text()
        for name in re.findall(r"{%-?\s*macro\s+(\w+)", text):
            if "__" in name:
                # One engine's form of the macro above it.
                continue
            before = text[: text.index(f"macro {name}")]
            assert before.rstrip("{%- \n").endswith("#}"), f"{path.name}: {name} has no comment before it"


CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.DOTALL | re.MULTILINE)
HEADINGS = re.compile(r"^#+ (.+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def described(pages):
    """README and docs/ as one text."""
    return "\n".join(text for path, text in pages.items() if path.name != "CONTRIBUTING.md")


def commands_of(parser):
    """Name -> parser of every command; a command of a command has both words."""
    commands = {}
    for action in parser._actions:
        for name, command in (action.choices or {}).items() if action.dest.endswith("command") else ():
            commands |= {f"{name} {inner}": found for inner, found in commands_of(command).items()} or {name: command}
    return commands


def make_targets(project):
    """Name -> what `make help` says of it."""
    makefile = (project / "Makefile").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z-]+):.*## (.*)$", makefile, re.MULTILINE))


def test_the_documentation_tells_every_setting_command_and_option(project, described):
    with open(project / "seeds" / "mapping" / "study_keys.csv", encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            assert f"`{row['key']}`" in described, row["key"]
    for name, command in commands_of(build_parser()).items():
        assert f"`city-policy {name}" in described, name
        assert command.description
        for action in command._actions:
            assert action.help, f"{name} {action.dest}"
            if action.option_strings and action.dest != "help":
                assert action.option_strings[-1] in described, f"{name} {action.option_strings[-1]}"
    for target in make_targets(project):
        assert f"`make {target}`" in described, target


def test_the_documentation_tells_every_variable(project, described):
    makefile = (project / "Makefile").read_text(encoding="utf-8")
    names = set(re.findall(r"\b([A-Z]+)=", " ".join(make_targets(project).values())))
    names |= set(re.findall(r"^([A-Z]+) \?=", makefile, re.MULTILINE))
    serve = (project / "bi" / "superset" / "serve").read_text(encoding="utf-8")
    names |= set(re.findall(r"\$\{([A-Z_]+):-", serve))
    names |= set(re.findall(r"env_var\('(\w+)'", (project / "profiles.yml").read_text(encoding="utf-8")))
    for path in (project / "python").rglob("*.py"):
        names |= set(re.findall(r"environ\.\w+\(\"(\w+)\"", path.read_text(encoding="utf-8")))
    names |= set(yaml.safe_load((project / "dbt_project.yml").read_text(encoding="utf-8"))["vars"])
    assert {"CITY_POLICY_DATA", "YEARBOOKS", "SUPPLEMENTARY", "TARGET", "PYTHON", "SUPERSET_PORT", "source"} <= names
    for name in names:
        assert f"`{name}`" in described, name


def test_the_documentation_names_the_model_of_every_result(project, described):
    for layer in ("results", "replication"):
        for path in [*(project / "models" / layer).glob("*.sql"), *(project / "models" / layer).glob("*.py")]:
            assert path.stem.startswith("aud_") or f"`{path.stem}`" in described, path.stem


def test_the_documentation_names_where_every_seed_comes_from(project, described):
    for path in (project / "seeds").rglob("*.csv"):
        where = path.parent.relative_to(project)
        assert f"`{path.stem}`" in described or f"`{where}`" in described, path


def test_the_documentation_names_every_file_of_a_study(project, pages):
    page = pages[project / "docs" / "studies.md"]
    for folder in ("studies/nqp", "policy"):
        for path in (project / "seeds" / folder).glob("*.csv"):
            assert f"`{path.name}`" in page, path.name


def test_the_readme_is_short(project, pages):
    assert len(pages[project / "README.md"].split()) <= 1000


def test_table_3_of_the_readme_is_that_of_the_demo(demo_build, project, pages):
    lines = pages[project / "README.md"].split("<!-- table 3 -->")[1].splitlines()
    with duckdb.connect(str(demo_build / "city_policy.duckdb"), read_only=True) as connection:
        rows = connection.execute(
            "select first(estimate), max(t_stat) filter (where vcov = 'iid'), max(t_stat) filter (where vcov = 'CRV1'), "
            "first(r2) from results.baseline_effects where term = treatment group by treatment order by first(estimate)"
        ).fetchall()
    assert len(rows) == 3
    for line, (estimate, t_iid, t_clustered, r2) in zip(lines[3:], rows, strict=False):
        cells = [cell.strip() for cell in line.split("|")]
        assert cells[2:5] == [f"{estimate:.4f}", f"{t_iid:.2f}", f"{t_clustered:.2f}"]
        assert cells[7] == f"{r2:.4f}"


def anchors(path):
    """The names by which links reach the headings of a page."""
    text = CODE.sub(lambda code: "" if code[0].startswith("```") else code[0], path.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADINGS.findall(text)}


def test_every_link_leads_to_a_file_or_a_heading(project):
    linked = set()
    paths = [*project.glob("*.md"), *(project / "docs").glob("*.md")]
    for path in paths:
        for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
            if re.match(r"\w+://|mailto:", target):
                continue
            name, _, heading = target.partition("#")
            file = (path.parent / name).resolve() if name else path
            assert file.exists(), f"{path.name} links to {target}"
            assert not heading or heading in anchors(file), f"{path.name} links to {target}"
            if file != path:
                linked.add(file)
    for path in paths:
        assert path in linked or path.name == "README.md", f"no page links to {path.name}"


def test_commands_and_paths_in_the_documentation_exist(project, pages):
    commands = commands_of(build_parser())
    targets = make_targets(project)
    makefile = (project / "Makefile").read_text(encoding="utf-8")
    tops = {path.name for path in project.iterdir() if path.is_dir()} - {"data", "target", "logs"}
    for path, text in pages.items():
        for code in CODE.findall(text):
            for target in re.findall(r"(?<!\w)make (?:[A-Z]+=\S+ )*([a-z]+)", code):
                assert target in targets, f"{path.name}: make {target}"
            for variable in re.findall(r"(?<!\w)make .*?\b([A-Z]+)=", code):
                assert re.search(rf"\$\(?{variable}\b", makefile), f"{path.name}: {variable}"
            for name, rest in re.findall(r"(?<![\w/:])city-policy (study [a-z]+|[a-z]+)(.*)", code):
                assert name in commands, f"{path.name}: city-policy {name}"
                options = {option for action in commands[name]._actions for option in action.option_strings}
                for option in re.findall(r"--[a-z-]+", rest):
                    assert option in options, f"{path.name}: city-policy {name} {option}"
            if re.fullmatch(r"`[\w./-]+`", code) and code.strip("`").split("/")[0] in tops:
                assert (project / code.strip("`")).exists(), f"{path.name}: {code}"


def test_tables_in_the_documentation_exist(manifest, pages):
    tables = {(node["schema"], node["name"]) for node in nodes(manifest, "model") + nodes(manifest, "seed")}
    schemas, names = {schema for schema, _ in tables}, {name for _, name in tables}
    for path, text in pages.items():
        for code in CODE.findall(text):
            for schema, table in re.findall(r"\b([a-z]+)\.([a-z_]+)\b", code):
                assert schema not in schemas or (schema, table) in tables, f"{path.name}: {schema}.{table}"
            for name in re.findall(r"\b(?:stg|cln|int|dim|fct|est)_[a-z_]+\b", code):
                assert name in names, f"{path.name}: {name}"


def test_queries_in_the_documentation_run(demo_build, pages):
    queries = [query for text in pages.values() for query in re.findall(r"```sql\n(.*?)```", text, re.DOTALL)]
    assert len(queries) >= 5
    with duckdb.connect(str(demo_build / "city_policy.duckdb"), read_only=True) as connection:
        for query in queries:
            connection.execute(query).fetchall()


def test_the_example_of_the_architecture_is_that_of_the_demo(demo_build, project, pages):
    page = pages[project / "docs" / "architecture.md"]
    with duckdb.connect(str(demo_build / "city_policy.duckdb"), read_only=True) as connection:
        cell = connection.execute(
            'select cell_text, file, "row", "column" from marts.fct_city_year_series '
            "where adcode = '320500' and year = 2016 and series = 'education_expenditure'"
        ).fetchone()
        numbers = connection.execute(
            "select indicator.value, scaled_value, weight, contribution, nqp from marts.fct_city_year_indicator as indicator "
            "inner join marts.fct_study_panel using (adcode, year) "
            "where adcode = '320500' and year = 2016 and indicator = 'education_spending'"
        ).fetchone()
        numbers += connection.execute(
            "select estimate, std_error from results.baseline_effects "
            "where treatment = 'dual' and term = 'dual' and vcov = 'CRV1'"
        ).fetchone()
    assert f"苏州市: {cell[0]}" in page and f"{cell[1]}, row {cell[2]}, column {cell[3]}" in page
    for number in numbers:
        assert f"{number:.4f}" in page, number


def texts_of_the_program(project):
    """What the program may say: every text in its code, … in place of what is filled in."""
    for path in (project / "python" / "city_policy").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                yield "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
    for path in (project / "models").rglob("*.sql"):
        # Pieces that one expression puts together are one text.
        yield re.sub(r"'\s*\|\|\s*'", "", path.read_text(encoding="utf-8")).replace("{{ bound }}", "first_year")
    yield (project / "Makefile").read_text(encoding="utf-8")
    yield (project / "bi" / "superset" / "serve").read_text(encoding="utf-8")


def test_the_messages_of_the_troubleshooting_page_are_those_of_the_program(project, pages):
    page = pages[project / "docs" / "troubleshooting.md"].split("## Other programs")[0]
    texts = list(texts_of_the_program(project))
    first_cells = [line.split(" | ")[0] for line in page.splitlines() if line.startswith("| ")]
    # Names of tables and columns have no blank; they need no check here.
    messages = [code.strip("`") for cell in first_cells for code in CODE.findall(cell) if " " in code]
    messages = [message for message in messages if not message.startswith("select ")]
    assert len(messages) > 50
    for message in messages:
        pattern = re.compile(".*".join(map(re.escape, re.split(" ?… ?", message))))
        assert any(pattern.search(text) for text in texts), message


def test_the_documentation_keeps_to_the_words_of_the_project(pages):
    """One word for one thing: see the words of docs/architecture.md."""
    for path, text in pages.items():
        found = re.findall(r"(?i)\brooms?\b|\bmoments?\b|\bplanted (?:effect|truth)", CODE.sub("", text))
        assert not found, f"{path.name}: {found}"


def test_every_analysis_says_what_it_answers_and_compiles(project, manifest):
    found = nodes(manifest, "analysis")
    assert len(found) >= 10
    for node in found:
        assert node["raw_code"].startswith("-- "), node["name"]
