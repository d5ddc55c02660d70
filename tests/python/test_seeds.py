"""What a person may get wrong in a seed: one clear sentence each."""

import re
import shutil

import pandas as pd
import pytest
from city_policy.errors import InputError
from city_policy.seeds import check_seeds


@pytest.fixture
def seeds(project, tmp_path):
    return shutil.copytree(project / "seeds", tmp_path / "seeds")


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def sentence(seeds) -> str:
    with pytest.raises(InputError) as caught:
        check_seeds(seeds)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_committed_seeds_are_fine(seeds):
    check_seeds(seeds)


def test_unknown_city(seeds):
    edit(seeds / "policy" / "list_units.csv", "municipality,110000", "municipality,119999")
    message = sentence(seeds)
    assert "list_units.csv, row 2 (北京市), column adcode: found '119999'" in message
    assert "set included to 0" in message


@pytest.mark.parametrize("year", ["2101", "1977", "soon"])
def test_impossible_pilot_year(seeds, year):
    edit(
        seeds / "policy" / "list_units.csv",
        "bcs,miit_ndrc,2014,2014,北京市",
        f"bcs,miit_ndrc,2014,{year},北京市",
    )
    message = sentence(seeds)
    assert f"row 2 (北京市), column start_year: found '{year}', expected a year from 1978 to 2100" in message


def test_unknown_list(seeds):
    edit(
        seeds / "policy" / "list_units.csv",
        "bcs,miit_ndrc,2014,2014,北京市",
        "bcs,miit,2014,2014,北京市",
    )
    assert "column list_id: found 'miit', expected one of cmcc_2018_field_test" in sentence(seeds)


def test_missing_column(seeds):
    edit(seeds / "mapping" / "measures.csv", "measure,priority", "quantity,priority")
    message = sentence(seeds)
    assert "measures.csv, row 1: the column 'measure' is missing" in message and "restore its name" in message


def test_reordered_columns(seeds):
    edit(seeds / "mapping" / "measures.csv", "measure,priority", "priority,measure")
    assert "column" in sentence(seeds) and "loaded by position" in sentence(seeds)


def test_missing_file(seeds):
    (seeds / "mapping" / "units.csv").unlink()
    assert "The seed units.csv is missing" in sentence(seeds)


def test_too_many_cells(seeds):
    edit(seeds / "policy" / "pilot_lists.csv", "MIIT and NDRC announcements", "MIIT, and NDRC announcements")
    assert "pilot_lists.csv, row 2: found 6 cells, expected 5" in sentence(seeds)


def test_wrong_encoding(seeds):
    path = seeds / "policy" / "pilot_lists.csv"
    path.write_bytes(path.read_text(encoding="utf-8").encode("gb18030"))
    assert "is not UTF-8" in sentence(seeds)


def test_series_that_models_name_are_filled(project):
    """A series that SQL reads by name but nobody lists as one of the study's would be missing without a word."""
    series = set(pd.read_csv(project / "seeds/mapping/series.csv")["series"])
    folder = project / "models" / "intermediate"
    listed = (folder / "int_study_series.sql").read_text(encoding="utf-8")
    read = {
        name
        for path in folder.glob("*.sql")
        if path.stem != "int_study_series"
        and re.search(r"ref\('int_(?:measures|filled_values)'\)", text := path.read_text(encoding="utf-8"))
        for name in re.findall(r"'([a-z_]+)'", text)
        if name in series
    }
    assert {"gdp", "employees", "land_area"} <= read
    study, mapping = project / "seeds/studies/nqp", project / "seeds/mapping"
    files = [study / f"{name}.csv" for name in ("indicators", "coupling_components", "variables")]
    named = {
        word
        for path in [*files, mapping / "measures.csv"]
        for word in re.findall("[a-z_]+", path.read_text(encoding="utf-8"))
    }
    assert {name for name in read - named if f"'{name}'" not in listed} == set()
