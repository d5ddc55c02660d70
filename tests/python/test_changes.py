"""A build after a change: found by content, from the change on, and equal to a build from scratch in every byte."""

import filecmp
import shutil
from pathlib import Path

import duckdb
import pytest
from city_policy.build import _read
from city_policy.changes import STATE_FILE, changes_since, read_state, write_state
from conftest import PROJECT, run

STUDY = PROJECT / "seeds" / "studies" / "low_carbon"


def published(data: Path) -> Path:
    return data / "studies" / "low_carbon" / "published"


def build(study: Path, data: Path, *options: str) -> str:
    result = run(["city-policy", "build", "--study", str(study), *options], PROJECT, data)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    if "so nothing was built" in result.stdout:
        return result.stdout
    return result.stdout + (data / "studies" / "low_carbon" / "build.log").read_text(encoding="utf-8")


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
    # Whoever ran dbt by hand since the last build has changed its file, but not what was published.
    with duckdb.connect(str(data / "studies" / "low_carbon" / "build.duckdb")) as connection:
        connection.execute("update intermediate.int_city_year_measures set waste_gas = 2 * waste_gas where year > 2015")
    output = build(study, data)
    # Neither the yearbook nor the index is made again.
    assert "stg_yearbook_cells" not in output and "int_filled_values" not in output
    assert 50 < nodes_built(output) < 400
    # From scratch, with another number of threads and in another language too.
    again = tmp_path / "fresh"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CITY_POLICY_LANGUAGE", "zh")
        whole = build(study, again, "--fresh", "--threads", "1")
    assert "模拟的示例年鉴" in whole
    assert nodes_built(whole) > nodes_built(output)
    ours, theirs = published(data), published(again)
    names = sorted(str(path.relative_to(theirs)) for path in theirs.rglob("*") if path.is_file())
    assert len(names) > 50
    # A database file holds its rows in the order of their writing; what is read of it is in the other files.
    names.remove("city_policy.duckdb")
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


@pytest.fixture
def reading(tmp_path, monkeypatch):
    """Reads a folder into landing files as a build does; returns how often a reader was called."""
    calls = []
    landing = tmp_path / "landing"
    landing.mkdir()

    def ingest(source, folder, *seeds):
        calls.append(source)
        for name in ("yearbook_cells", "reader_notes"):
            (folder / f"{name}.parquet").write_bytes(b"cells of " + str(source).encode())
        return ""

    monkeypatch.setattr("city_policy.reader.ingest", ingest)

    def read(source, fresh=False):
        _read(source, None, landing, PROJECT, fresh)
        return len(calls)

    return read, landing


def test_workbooks_are_read_again_when_anything_that_they_become_changed(reading, tmp_path):
    read, landing = reading
    editions = tmp_path / "editions"
    editions.mkdir()
    (editions / "a.xlsx").write_bytes(b"one")
    assert [read(editions), read(editions)] == [1, 1]
    assert read(editions, fresh=True) == 2
    (editions / "a.xlsx").write_bytes(b"two")
    assert [read(editions), read(editions)] == [3, 3]
    # `city-policy ingest` of another folder leaves other landing files behind.
    (landing / "yearbook_cells.parquet").write_bytes(b"cells of another folder")
    assert [read(editions), read(editions)] == [4, 4]
    (landing / "reader_notes.parquet").unlink()
    assert read(editions) == 5
    (landing / "supplementary_values.parquet").write_bytes(b"of an earlier ingest")
    assert read(editions) == 6 and not (landing / "supplementary_values.parquet").exists()


def test_an_archive_is_read_again_when_it_changed(reading, tmp_path):
    read, _ = reading
    archive = tmp_path / "editions.zip"
    archive.write_bytes(b"one")
    assert [read(archive), read(archive)] == [1, 1]
    archive.write_bytes(b"two")
    assert read(archive) == 2


def test_dbt_refuses_a_study_folder_that_it_would_overwrite(tmp_path, monkeypatch):
    folder = shutil.copytree(STUDY.parent / "nqp", tmp_path / "study")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setenv("CITY_POLICY_CHECKED_STUDY", str(folder))
    (tmp_path / "data").mkdir()
    result = run(["dbt", "seed", "--select", "variables", "samples"], PROJECT, tmp_path / "data")
    assert result.returncode != 0 and "is no copy that city-policy made" in result.stdout
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


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
