"""Supplementary sources: long files by code or name, in CSV and Excel."""

import hashlib

import pyarrow.parquet as pq
import pytest
from city_policy.errors import InputError
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


def ingest_lines(tmp_path, header, *lines):
    """The landed rows and the summary of one CSV file."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "s.csv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    summary = ingest_supplementary(folder, tmp_path / "landing", MAPPING, GEOGRAPHY, progress=False)
    return pq.read_table(tmp_path / "landing" / "supplementary_values.parquet").to_pylist(), summary


def test_provinces_without_their_kind_and_codes_of_former_units_are_known_by_year(tmp_path):
    _, summary = ingest_lines(
        tmp_path,
        "indicator,city,year,value,unit,source",
        *(
            f"marketization_index,{name},2016,6,index,x"
            for name in ("河北", "黑龙江", "内蒙古", "新疆", "北京", "全国")
        ),
        "fdi,371200,2016,9,百万美元,x",
        "fdi,522200,2010,9,百万美元,x",
        "fdi,毕节地区,2010,9,百万美元,x",
        # None of these is one known unit in its year.
        "fdi,371200,2019,9,百万美元,x",
        "marketization_index,吉林,2016,6,index,x",
        "marketization_index,海南,2016,6,index,x",
        "fdi,毕节市,2009,9,百万美元,x",
        "fdi,襄樊市,2015,9,百万美元,x",
    )
    assert list(summary.unknown_places.values()) == [f"s.csv, row {row}" for row in range(11, 16)]


@pytest.mark.parametrize(
    ("code", "name"),
    [("110000", "天津市"), ("370100", "莱芜"), ("371200", "济南市"), ("110000", "吉林"), ("110000", "昆山市")],
)
def test_a_code_beside_the_name_of_another_place_is_refused_with_its_row(tmp_path, code, name):
    with pytest.raises(InputError, match=f"^s.csv, row 3: the adcode {code} and the city {name} are different"):
        ingest_lines(
            tmp_path,
            "indicator,adcode,city,year,value,unit,source",
            "gdp,110000,北京市,2012,1,万元,x",
            f"gdp,{code},{name},2012,1,万元,x",
        )


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("371200", "莱芜市"),
        ("220200", "吉林"),
        ("520600", "铜仁市"),
        ("420600", "襄樊"),
        ("110000", "Beijing"),
        ("", "北京"),
        ("110000", ""),
    ],
)
def test_a_code_beside_a_name_of_the_same_place_is_read(tmp_path, code, name):
    rows, summary = ingest_lines(
        tmp_path, "indicator,adcode,city,year,value,unit,source", f"gdp,{code},{name},2012,1,万元,x"
    )
    assert rows[0]["place_raw"] == (code or name)
    assert not summary.unknown_places


@pytest.mark.parametrize(("place", "whole"), [("130000", "a province"), ("河北", "a province"), ("全国", "the nation")])
def test_a_total_of_several_cities_is_refused_in_a_series_that_adds_up(tmp_path, place, whole):
    with pytest.raises(InputError, match=f"^s.csv, row 2: robots of {place} is the sum over all cities of {whole}"):
        ingest_lines(tmp_path, "indicator,adcode,year,value,unit,source", f"robots,{place},2016,5120,count,x")
