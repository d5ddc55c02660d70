"""A build after a change: found by content, from the change on, and equal to a build from scratch in every byte."""

import filecmp
import shutil
from pathlib import Path

import duckdb
import pytest
from city_policy.changes import STATE_FILE, changes_since, read_state, write_state
from conftest import PROJECT, run

STUDY = PROJECT / "seeds" / "studies" / "low_carbon"


def published(data: Path) -> Path:
    return data / "studies" / "low_carbon" / "published"


def build(study: Path, data: Path, *options: str) -> str:
    result = run(["city-policy", "build", "--study", str(study), *options], PROJECT, data)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return result.stdout


@pytest.fixture(scope="module")
def changed(low_carbon_build, tmp_path_factory):
    """A study with changes of every kind, built after the study without them, and what the build printed."""
    folder = tmp_path_factory.mktemp("changed")
    data, study = folder / "data", folder / "study"
    shutil.copytree(low_carbon_build, data, symlinks=True)
    shutil.copytree(STUDY, study)
    return study, data


def append(path: Path, line: str) -> None:
    path.write_text(path.read_text(encoding="utf-8").rstrip("\n") + "\n" + line + "\n", encoding="utf-8")


def nodes_built(output: str) -> int:
    return int(output.split("TOTAL=")[1].split()[0])


def test_without_a_change_nothing_is_built(changed):
    study, data = changed
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*.parquet")}
    output = build(study, data)
    assert "so nothing was built" in output and "TOTAL=" not in output
    assert {path: path.stat().st_mtime_ns for path in data.rglob("*.parquet")} == before


def test_a_change_is_built_from_there_on_and_equals_a_build_from_scratch(changed, tmp_path):
    study, data = changed
    append(study / "samples.csv", "sample_west,region = 'west',西部城市,western cities")
    append(
        study / "specifications.csv",
        "west,robustness_effects,west,fixed_effects,waste_gas_intensity,each,0,sample_west,,,,,baseline in the west",
    )
    append(study / "labels.csv", "panel,west,Panel G:西部城市,Panel G: western cities")
    output = build(study, data)
    # Neither the yearbook nor the index is made again.
    assert "stg_yearbook_cells" not in output and "int_filled_values" not in output
    assert 50 < nodes_built(output) < 400
    again = tmp_path / "fresh"
    whole = build(study, again, "--fresh")
    assert nodes_built(whole) > nodes_built(output)
    ours, theirs = published(data), published(again)
    names = sorted(str(path.relative_to(theirs)) for path in theirs.rglob("*") if path.is_file())
    assert len(names) > 50
    _, different, missing = filecmp.cmpfiles(ours, theirs, names, shallow=False)
    assert (different, missing) == ([], [])
    with duckdb.connect(str(data / "studies" / "low_carbon" / "city_policy.duckdb"), read_only=True) as connection:
        found = connection.execute(
            "select n_cities > 50 and status = 'ok' from results.robustness_effects "
            "where spec_id = 'west_low_carbon' and term = 'low_carbon' and vcov = 'CRV1'"
        ).fetchall()
    assert found == [(True,)]


def test_a_build_that_fails_is_no_base_for_the_next(changed):
    study, data = changed
    expectations = "expectation_id,severity,table_name,column_name,expectation,arguments,results_in_doubt,note\n"
    row = 'impossible,error,fct_study_panel,urbanization,ExpectColumnValuesToBeBetween,"{""min_value"": 5}",baseline_effects,'
    (study / "expectations.csv").write_text(expectations + row + "\n", encoding="utf-8")
    result = run(["city-policy", "build", "--study", str(study)], PROJECT, data)
    assert result.returncode == 2 and "was not replaced" in result.stderr
    assert not (data / "studies" / "low_carbon" / STATE_FILE).exists()


def test_what_counts_as_a_change(tmp_path):
    write_state(tmp_path / STATE_FILE, {"code": "a", "study/samples": "b", "study/labels": "c"})
    assert changes_since(tmp_path, {"code": "a", "study/samples": "b", "study/labels": "c"}).nothing
    found = changes_since(tmp_path, {"code": "a", "study/samples": "x", "study/labels": "c", "study/tables": "d"})
    assert found.only_study and found.study == ("samples", "tables") and not found.nothing
    found = changes_since(tmp_path, {"code": "z", "study/samples": "b", "study/labels": "c"})
    assert not found.only_study and found.rest == ("code",)
    (tmp_path / STATE_FILE).write_text("{half", encoding="utf-8")
    assert read_state(tmp_path / STATE_FILE) is None
    assert changes_since(tmp_path, {"code": "a"}).rest is None
