"""Supplementary sources: long files by code or name, in CSV and Excel."""

import hashlib

import pyarrow.parquet as pq
from city_policy.reader import ingest_supplementary
from reader_workbooks import GEOGRAPHY, MAPPING, write_workbook


def test_csv_and_excel_by_code_and_name(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    lines = [
        "\ufeffsource,year,indicator,value,city,unit",
        "A,2012,市场化总指数,8.5,河北省,index",
        "A,2012,market_unknown_place,1,,",
    ]
    (folder / "a.csv").write_text("\n".join(lines[:2]), encoding="utf-8")
    write_workbook(
        folder / "sub" / "b.xlsx",
        {
            "one": [
                ["indicator", "adcode", "year", "value", "unit", "source"],
                ["gdp_deflator", 100000, 2012, 1.02, "index", "B"],
                [None, None, None, None, None, None],
                ["patents_granted", 110000, 2012, "50,511", "件", "B"],
                ["patents_granted", 110000, 2012, "50,511", "件", "B"],
                ["patents_granted", "某某市", 2012, "5x", "件", "B"],
            ]
        },
    )
    (folder / "readme.md").write_text("no data")
    summary = ingest_supplementary(folder, tmp_path / "landing", MAPPING, GEOGRAPHY, progress=False)
    rows = pq.read_table(tmp_path / "landing" / "supplementary_values.parquet").to_pylist()
    assert rows[0] == {
        "indicator": "marketization_index",
        "place_raw": "河北省",
        "year": 2012,
        "value_text": "8.5",
        "unit": "index",
        "source": "A",
        "file": "a.csv",
        "row": 2,
    }
    assert [(row["place_raw"], row["value_text"], row["file"], row["row"]) for row in rows[1:]] == [
        ("100000", "1.02", "sub/b.xlsx#one", 2),
        ("110000", "50,511", "sub/b.xlsx#one", 4),
        ("某某市", "5x", "sub/b.xlsx#one", 6),
    ]
    assert summary.unknown_places == {"某某市": "sub/b.xlsx#one, row 6"}
    assert summary.unparsed_numbers == [("5x", "sub/b.xlsx#one, row 6")]
    assert summary.not_read == ["readme.md"]
    assert (summary.n_files, summary.n_values) == (2, 4)
    assert "patents_granted  2" in str(summary)


def test_same_input_gives_the_same_bytes(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.csv").write_text("indicator,city,year,value,unit,source\ngdp,北京市,2012,1,亿元,x\n", encoding="utf-8")
    digests = set()
    for _ in range(2):
        ingest_supplementary(folder, tmp_path / "landing", MAPPING, GEOGRAPHY, progress=False)
        digests.add(hashlib.sha256((tmp_path / "landing" / "supplementary_values.parquet").read_bytes()).hexdigest())
    assert len(digests) == 1
