"""Proposed mapping rows: written, edited by a person, taken into the seeds."""

import csv

import pytest
from city_policy.cli import main
from city_policy.errors import InputError
from city_policy.reader import accept_proposals, ingest
from city_policy.reader.proposals import OWN_COLUMNS, SEED_COLUMNS, write_rows
from reader_workbooks import GEOGRAPHY, MAPPING, copy_seeds, table, write_workbook

ROWS = [["北京市", "Beijing", "1", "2"], ["洛陌市", "Luoyang", "3", "4"]]


@pytest.fixture
def seeds(tmp_path):
    """Copies of the seed folders that a test may change."""
    mapping = copy_seeds(MAPPING, tmp_path / "project" / "seeds" / "mapping")
    return mapping, copy_seeds(GEOGRAPHY, tmp_path / "project" / "seeds" / "geography")


@pytest.fixture
def read_again(tmp_path, seeds):
    """Reads one workbook with an unknown header, title, unit and name; returns the summary."""
    header = [["城市", "City", "某某指标(万元)", "年末总人口(万户)"]]
    write_workbook(tmp_path / "in/2012/x.xlsx", {"1": table(header + ROWS, title=["2-1 没见过的表(全市)"])})

    def run():
        return ingest(tmp_path / "in", tmp_path / "data" / "landing", *seeds, progress=False)

    return run


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def edit(path, **changes):
    """Fills columns of the first row of a file of proposals."""
    rows = rows_of(path)
    rows[0] |= changes
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def test_proposals_say_what_a_row_would_free_and_where(read_again):
    folder = read_again().proposals
    [header] = rows_of(folder / "headers.csv")
    assert (header["header"], header["table_title"], header["n_cells"]) == ("某某指标", "没见过的表", "2")
    assert (header["valid_from"], header["valid_to"], header["note"]) == ("2011", "2011", "printed unit 万元")
    assert header["example"] == "2012/x.xlsx, sheet 1, row 2, column 3"
    assert header["accept"] == header["series"] == ""
    [unit] = rows_of(folder / "units.csv")
    assert (unit["unit"], unit["canonical_unit"], unit["factor"]) == ("万户", "persons", "")
    [name] = rows_of(folder / "city_names.csv")
    assert (name["city_raw"], name["kind"], name["valid_from"]) == ("洛陌市", "ocr_variant", "2011")
    [title] = rows_of(folder / "table_titles.csv")
    assert (title["table_title"], title["used"]) == ("没见过的表", "true")


def test_accepted_rows_go_into_the_seeds_and_the_next_reading_knows_them(read_again, seeds):
    folder = read_again().proposals
    edit(folder / "headers.csv", accept="yes", series="gdp")
    edit(folder / "units.csv", accept="是", factor="30000")
    edit(folder / "city_names.csv", accept="x", adcode="410300")
    edit(folder / "table_titles.csv", accept="yes")
    assert accept_proposals(folder, *seeds) == {"headers": 1, "table_titles": 1, "units": 1, "city_names": 1}
    assert rows_of(seeds[0] / "headers.csv")[-1]["series"] == "gdp"
    assert rows_of(seeds[1] / "city_names.csv")[-1]["adcode"] == "410300"
    summary = read_again()
    assert not summary.unknowns() and not summary.unknown_tables
    assert rows_of(folder / "headers.csv") == []


def test_a_persons_decisions_survive_the_next_reading(read_again):
    folder = read_again().proposals
    edit(folder / "headers.csv", accept="no", note="asked a colleague")
    read_again()
    [row] = rows_of(folder / "headers.csv")
    assert (row["accept"], row["note"]) == ("no", "asked a colleague")


@pytest.mark.parametrize(
    ("file", "changes", "words"),
    [
        ("headers", {"series": "gdq"}, "the series 'gdq' is not in series.csv"),
        ("headers", {"series": "gdp", "default_unit": "万人"}, "cannot convert the default_unit '万人' to cny_10k"),
        ("headers", {"series": "gdp", "default_scope": "全市"}, "default_scope is '全市'"),
        ("headers", {"series": "gdp", "valid_from": "12"}, "valid_from is '12'"),
        ("units", {"factor": "-1"}, "factor is '-1'"),
        ("units", {"factor": "many"}, "factor is 'many'"),
        ("units", {"factor": "1", "canonical_unit": "people"}, "canonical_unit 'people'"),
        ("city_names", {"adcode": "Luoyang"}, "adcode is 'Luoyang'"),
        ("city_names", {"adcode": "410300", "kind": "typo"}, "kind is 'typo'"),
        ("table_titles", {"used": "maybe"}, "used is 'maybe'"),
        ("table_titles", {"table_title": "人口状况"}, "holds a row for 人口状况 already"),
    ],
)
def test_a_row_that_cannot_be_taken_over_changes_nothing(read_again, seeds, file, changes, words):
    folder = read_again().proposals
    edit(folder / "headers.csv", accept="yes", series="gdp")
    edit(folder / f"{file}.csv", accept="yes", **changes)
    before = {path: path.read_bytes() for folder in seeds for path in folder.glob("*.csv")}
    with pytest.raises(InputError, match="row 2") as caught:
        accept_proposals(folder, *seeds)
    assert words in str(caught.value) and f"{file}.csv" in str(caught.value)
    assert {path: path.read_bytes() for folder in seeds for path in folder.glob("*.csv")} == before


def test_command(read_again, seeds, tmp_path, monkeypatch, capsys):
    folder = read_again().proposals
    (tmp_path / "project" / "dbt_project.yml").touch()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("CITY_POLICY_DATA", str(tmp_path / "data"))
    assert main(["accept"]) == 0
    assert "No row" in capsys.readouterr().out
    edit(folder / "units.csv", accept="yes", factor="30000")
    assert main(["accept", str(folder)]) == 0
    assert "1 into units.csv" in capsys.readouterr().out
    assert main(["accept", str(tmp_path / "nowhere")]) == 2
    assert "does not exist" in capsys.readouterr().err


@pytest.mark.parametrize("header", ["=1+1", "@SUM(A1)", "+某某指标", "-某某指标", "'=1+1"])
def test_proposals_hold_no_formulas_and_are_taken_as_they_were(tmp_path, seeds, header):
    """A text that a spreadsheet would compute is marked in the file for people, and not in the seeds."""
    proposed = tmp_path / "proposals" / "headers.csv"
    row = {
        "accept": "yes",
        "n_cells": 2,
        "example": "x",
        "header": header,
        "table_title": "没见过的表",
        "valid_from": "2011",
    }
    write_rows(proposed, (*OWN_COLUMNS, *SEED_COLUMNS["headers"]), [row])
    [written] = rows_of(proposed)
    assert written["header"] == f"'{header}" and written["table_title"] == "没见过的表"
    assert accept_proposals(proposed.parent, *seeds) == {"headers": 1}
    assert rows_of(seeds[0] / "headers.csv")[-1]["header"] == header
