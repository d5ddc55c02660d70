"""Bad input: one clear sentence, nothing half-written."""

import errno
import os

import pyarrow.parquet as pq
import pytest
from city_policy.errors import InputError
from city_policy.reader import ingest, ingest_supplementary
from reader_workbooks import FIRST_ROWS, GEOGRAPHY, HEADER, MAPPING, copy_seeds, table, write_workbook


@pytest.fixture
def landing(tmp_path):
    """A landing folder that holds the file of an earlier ingest."""
    folder = tmp_path / "landing"
    folder.mkdir()
    for name in ("yearbook_cells.parquet", "supplementary_values.parquet"):
        (folder / name).write_bytes(b"as it was")
    return folder


def refused(folder, landing, *words, mapping=MAPPING, run=ingest):
    """Asserts that an ingest is refused with one sentence that holds all words, and leaves the landing
    folder."""
    with pytest.raises(InputError) as caught:
        run(folder, landing, mapping, GEOGRAPHY, progress=False)
    message = str(caught.value)
    for word in words:
        assert word in message, message
    assert "\n" not in message and message.endswith(".")
    assert sorted(path.name for path in landing.iterdir()) == ["supplementary_values.parquet", "yearbook_cells.parquet"]
    assert all(path.read_bytes() == b"as it was" for path in landing.iterdir())


@pytest.fixture
def edition(tmp_path):
    """A folder with one good edition."""
    write_workbook(tmp_path / "in" / "2012" / "x.xlsx", {"1": table(HEADER + FIRST_ROWS)})
    return tmp_path / "in"


def test_missing_folder(tmp_path, landing):
    refused(tmp_path / "nowhere", landing, "nowhere", "does not exist")


def test_folder_without_editions(tmp_path, landing):
    (tmp_path / "in").mkdir()
    refused(tmp_path / "in", landing, "holds no edition")


def test_edition_without_workbooks(edition, landing):
    (edition / "2015").mkdir()
    refused(edition, landing, "2015", "no workbook")


@pytest.mark.parametrize("content", [b"", b"this is no workbook", b"PK\x03\x04 nor is this"])
def test_not_a_workbook(edition, landing, content):
    (edition / "2012" / "bad.xlsx").write_bytes(content)
    refused(edition, landing, "bad.xlsx", "not a workbook")


@pytest.mark.parametrize("share", [0.3, 0.6, 0.99])
def test_truncated_workbook(edition, landing, share):
    content = (edition / "2012" / "x.xlsx").read_bytes()
    (edition / "2012" / "cut.xlsx").write_bytes(content[: int(len(content) * share)])
    refused(edition, landing, "cut.xlsx", "truncated")


def test_csv_in_neither_encoding(edition, landing):
    (edition / "2012" / "bad.csv").write_bytes(b"\xff\xff\xff,1\n")
    refused(edition, landing, "bad.csv", "GB18030")


def test_edition_without_a_year(edition, landing):
    write_workbook(edition / "the last one" / "x.xlsx", {"1": table(HEADER + FIRST_ROWS)})
    refused(edition, landing, "the last one", "no year")


def test_edition_with_two_years(edition, landing):
    write_workbook(edition / "2015-2016" / "x.xlsx", {"1": table(HEADER + FIRST_ROWS)})
    refused(edition, landing, "2015-2016", "more than one year")


def test_two_editions_of_one_year(edition, landing):
    write_workbook(edition / "中国城市统计年鉴2012" / "x.xlsx", {"1": table(HEADER + FIRST_ROWS)})
    refused(edition, landing, "中国城市统计年鉴2012", "data year 2011", "keep one")


def test_printed_table_outside_an_edition_folder(edition, landing):
    write_workbook(edition / "2-1.xlsx", {"1": table(HEADER + FIRST_ROWS)})
    refused(edition, landing, "2-1.xlsx", "edition folder")


def test_mapped_header_with_an_unknown_unit_is_told_and_stops_nothing(edition, tmp_path):
    page = [["城市", "City", "年末总人口(万户)"], ["北京市", "Beijing", "5"]]
    write_workbook(edition / "2012" / "unit.xlsx", {"a": table(page)})
    summary = ingest(edition, tmp_path / "out", MAPPING, GEOGRAPHY, progress=False)
    assert summary.n_cells == 21
    [(key, example)] = summary.unknown_units.items()
    assert key == ("万户", "registered_population")
    assert example == (1, "2012/unit.xlsx, sheet a, row 3, column 3", 2011, 2011, "")


def test_unknown_unit_becomes_known_by_a_row_of_units(edition, tmp_path):
    page = [["城市", "City", "年末总人口(万户)"], ["北京市", "Beijing", "5"]]
    write_workbook(edition / "2012" / "unit.xlsx", {"a": table(page)})
    mapping = copy_seeds(
        MAPPING, tmp_path / "mapping", units=[{"unit": "万户", "canonical_unit": "persons", "factor": "30000"}]
    )
    assert ingest(edition, tmp_path / "out", mapping, GEOGRAPHY, progress=False).n_cells == 21


def test_seed_with_a_missing_column(edition, landing, tmp_path):
    mapping = copy_seeds(MAPPING, tmp_path / "mapping")
    (mapping / "units.csv").write_text("unit,factor\n人,1\n", encoding="utf-8")
    refused(edition, landing, "units.csv", "canonical_unit", mapping=mapping)


def test_missing_seed(edition, landing, tmp_path):
    mapping = copy_seeds(MAPPING, tmp_path / "mapping")
    (mapping / "headers.csv").unlink()
    refused(edition, landing, "headers.csv", "cannot be read", mapping=mapping)


def test_folder_without_tables(tmp_path, landing):
    write_workbook(tmp_path / "in" / "2012" / "x.xlsx", {"1": [["only a line"]]})
    refused(tmp_path / "in", landing, "holds no table")


@pytest.mark.parametrize("step", ["write_table", "replace"])
@pytest.mark.parametrize("run", [ingest, ingest_supplementary])
def test_full_disk(edition, landing, tmp_path, monkeypatch, step, run):
    def fail(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pq if step == "write_table" else os, step, fail)
    folder = edition if run is ingest else supplementary(tmp_path, "gdp,北京市,2012,1,万元,x")
    refused(folder, landing, "No space left on device", "unchanged", run=run)


def test_unwritable_target(edition, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot be written"):
        ingest(edition, tmp_path / "file" / "landing", MAPPING, GEOGRAPHY, progress=False)
    assert (tmp_path / "file").read_text() == "in the way"


def supplementary(tmp_path, *rows, header="indicator,city,year,value,unit,source"):
    """A folder with one supplementary CSV file."""
    folder = tmp_path / "supplementary"
    folder.mkdir(exist_ok=True)
    (folder / "x.csv").write_text("\n".join([header, *rows]), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("rows", "header", "words"),
    [
        (["gdp,北京市,2012,1,x"], "indicator,city,year,value,source", ("x.csv, row 1", "column unit is missing")),
        (["gdp,2012,1,万元,x"], "indicator,year,value,unit,source", ("adcode or city is missing",)),
        (["gdq,北京市,2012,1,万元,x"], None, ("x.csv, row 2", "'gdq'", "series.csv")),
        (["gdp,北京市,12,1,万元,x"], None, ("row 2", "'12'", "four digits")),
        (["gdp,北京市,2012,1,万人,x"], None, ("row 2", "'万人'", "cny_10k")),
        (["gdp,北京市,2012,1,万元,x", "gdp,北京市,2012,2,万元,x"], None, ("row 3", "row 2", "keep one")),
        (["gdp,北京市,2012,1,万元,x", "gdp,北京市,2012,1,亿元,x"], None, ("row 3", "亿元")),
    ],
)
def test_bad_supplementary_files(tmp_path, landing, rows, header, words):
    folder = supplementary(tmp_path, *rows, **({"header": header} if header else {}))
    refused(folder, landing, *words, run=ingest_supplementary)


def test_missing_and_empty_supplementary_folder(tmp_path, landing):
    refused(tmp_path / "nowhere", landing, "does not exist", run=ingest_supplementary)
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", landing, "no workbook and no CSV", run=ingest_supplementary)
