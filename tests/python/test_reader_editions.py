"""Editions as they are sold: years, levels, scopes, archives and the wide form, each kind with a small workbook made
here."""

import zipfile

import pyarrow.parquet as pq
import pytest
from city_policy.errors import InputError
from city_policy.reader import ingest
from city_policy.reader.editions import level_of_path, year_of_folder, years_of_text
from reader_workbooks import FIRST_ROWS, GEOGRAPHY, HEADER, MAPPING, read, table, values, write_workbook

COUNTIES = ["辛集市", "藁城市", "晋州市", "新乐市", "鹿泉市", "遵化市", "迁安市", "武安市"]


def notes(landing):
    """The notes of the last ingest."""
    return pq.read_table(landing / "reader_notes.parquet").to_pylist()


@pytest.mark.parametrize(
    ("name", "year"),
    [
        ("2012", (2011, True)),
        ("2012年", (2011, True)),
        ("中国城市统计年鉴2012（excel）", (2011, True)),
        ("2012年中国城市统计年鉴", (2011, True)),
        ("二、2010年地级及以上城市统计资料", (2010, False)),
        ("2011年数据", (2011, False)),
        ("三、县级城市资料", None),
        ("3_3_土地资源_20190725_181635", None),
    ],
)
def test_year_of_a_folder(name, year):
    assert year_of_folder(name) == year


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("中国城市统计年鉴2012【地级市截面数据】", {2011}),
        ("2-3_2005年人口", {2005, 2004}),
        ("1-1 城市行政区划(1995年底)", {1995, 1994}),
        ("综合经济指标(按1980年不变价格计算)", set()),
        ("2000年比1999年增长", set()),
        ("2-13_综合经济", set()),
    ],
)
def test_years_that_a_text_can_mean(text, years):
    assert years_of_text(text) == years


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("2012/三、县级城市/3-1_人口.xlsx", "county"),
        ("2012/二、地级及以上城市/2-1_人口.xlsx", "prefecture"),
        ("2012/一、全国城市行政区划/1-1_分布.xlsx", "other"),
        ("2001/五、城市主要指标排序资料/5-1.xlsx", "other"),
        ("2012/中国城市统计年鉴2012【县级市截面数据】.xlsx", "county"),
        ("2012/x.xlsx", ""),
    ],
)
def test_level_of_a_path(name, level):
    assert level_of_path(name) == level


def test_county_tables_are_landed_and_kept_apart(tmp_path):
    header = [["城市", "City", "年末总人口(万人)"]]
    counties = [[name, "x", "40"] for name in [*COUNTIES, "铜仁市", "毕节市", "吐鲁番市"]]
    write_workbook(tmp_path / "in/2011/三、县级城市/3-1_人口.xlsx", {"1": table(header + counties)})
    write_workbook(tmp_path / "in/2011/二、地级及以上城市/2-1_人口.xlsx", {"1": table(HEADER + FIRST_ROWS)})
    cells, summary = read(tmp_path / "in", tmp_path / "landing")
    assert {cell["level"] for cell in cells if cell["city_raw"] == "铜仁市"} == {"county"}
    assert {cell["level"] for cell in cells if cell["city_raw"] == "北京市"} == {"prefecture"}
    assert summary.n_cells_by_level == {"county": 11, "prefecture": 20}
    assert not summary.unknown_names


def test_a_table_of_counties_is_none_of_prefectures_whatever_the_folder_says(tmp_path):
    header = [["城市", "City", "年末总人口(万人)"]]
    counties = [[name, "x", "40"] for name in [*COUNTIES, "铜仁市"]]
    for number, folder in enumerate(("2011", "2011/二、地级及以上城市")):
        write_workbook(tmp_path / f"{number}/{folder}/3-1.xlsx", {"1": table(header + counties)})
        cells, _ = read(tmp_path / str(number), tmp_path / "landing")
        assert {cell["level"] for cell in cells} == {"county"}


def test_damaged_unit_of_one_table_stops_nothing(tmp_path):
    header = [["城市", "City", "财政总收入"]]
    counties = [[name, "x", "40"] for name in COUNTIES]
    write_workbook(
        tmp_path / "in/2012/三、县级城市/3-5.xlsx", {"1": [["3-5 收支"], ["单位：力元"], *header, *counties]}
    )
    write_workbook(tmp_path / "in/2012/二、地级/2-1.xlsx", {"1": table(HEADER + FIRST_ROWS)})
    cells, _ = read(tmp_path / "in", tmp_path / "landing")
    assert values(cells, "年末总人口")["北京市"] == "1277.9"
    assert {cell["unit"] for cell in cells if cell["level"] == "county"} == {"力元"}


def test_folder_named_by_its_data_year(tmp_path):
    write_workbook(tmp_path / "a/二、2010年地级及以上城市统计资料/2-1.xlsx", {"1": table(HEADER + FIRST_ROWS)})
    cells, _ = read(tmp_path / "a", tmp_path / "landing")
    assert {(cell["data_year"], cell["edition"]) for cell in cells} == {(2010, 2011)}
    write_workbook(tmp_path / "b/2011/二、2010年地级及以上城市统计资料/2-1.xlsx", {"1": table(HEADER + FIRST_ROWS)})
    cells, _ = read(tmp_path / "b", tmp_path / "landing")
    assert {(cell["data_year"], cell["edition"]) for cell in cells} == {(2010, 2011)}


def test_chapters_of_one_edition_given_as_the_folder(tmp_path):
    for chapter in ("一、2010年城市行政区划", "二、2010年地级及以上城市统计资料"):
        write_workbook(tmp_path / "in" / chapter / "x.xlsx", {"1": table(HEADER + FIRST_ROWS)})
    cells, summary = read(tmp_path / "in", tmp_path / "landing")
    assert summary.editions == {2011: 2}
    write_workbook(tmp_path / "2012/二、地级/2-1.xlsx", {"1": table(HEADER + FIRST_ROWS)})
    cells, _ = read(tmp_path / "2012", tmp_path / "landing")
    assert {cell["data_year"] for cell in cells} == {2011}


@pytest.mark.parametrize(
    "contradiction",
    [
        "2012/二、2012年地级及以上城市统计资料/2-1.xlsx",
        "2012/中国城市统计年鉴2013.xlsx",
        "2012/2-1_2005年人口.xlsx",
    ],
)
def test_contradicting_years_refuse_the_edition_and_nothing_else(tmp_path, contradiction):
    write_workbook(tmp_path / "in" / contradiction, {"1": table(HEADER + FIRST_ROWS)})
    with pytest.raises(InputError, match="data year"):
        ingest(tmp_path / "in", tmp_path / "landing", MAPPING, GEOGRAPHY, progress=False)
    write_workbook(tmp_path / "in/2015/2-1.xlsx", {"1": table(HEADER + FIRST_ROWS)})
    cells, summary = read(tmp_path / "in", tmp_path / "landing")
    assert {cell["edition"] for cell in cells} == {2015}
    [sentence] = summary.refused
    assert sentence in str(summary).splitlines()[0] and "one more than the year of its data" in sentence
    assert [note["kind"] for note in notes(tmp_path / "landing")] == ["refused edition"]


def test_a_title_that_names_another_year_refuses_the_edition(tmp_path):
    good = table(HEADER + FIRST_ROWS)
    titled = table(HEADER + FIRST_ROWS, title=["2-1 人口状况(2005年)"])
    write_workbook(tmp_path / "in/2012/2-1.xlsx", {"1": titled})
    write_workbook(tmp_path / "in/2015/2-1.xlsx", {"1": good})
    cells, summary = read(tmp_path / "in", tmp_path / "landing")
    assert {cell["edition"] for cell in cells} == {2015}
    assert "2005" in summary.refused[0]
    # At the end of the year 2011 is the data year; a base year of prices is none.
    for number, title in enumerate(("2-1 人口状况(2011年底)", "2-1 人口状况(按2005年不变价格计算)")):
        write_workbook(tmp_path / f"{number}/2012/2-1.xlsx", {"1": table(HEADER + FIRST_ROWS, title=[title])})
        cells, summary = read(tmp_path / str(number), tmp_path / "landing")
        assert {cell["data_year"] for cell in cells} == {2011}
        assert not summary.refused


def test_the_innermost_edition_folder_counts(tmp_path):
    write_workbook(tmp_path / "in/2012/a.xlsx", {"1": table(HEADER + FIRST_ROWS)})
    write_workbook(tmp_path / "in/2012/2015/x.xlsx", {"1": table(HEADER + FIRST_ROWS)})
    cells, _ = read(tmp_path / "in", tmp_path / "landing")
    assert {(cell["file"], cell["data_year"]) for cell in cells} == {("2012/a.xlsx", 2011), ("2012/2015/x.xlsx", 2014)}


def test_an_edition_folder_inside_its_own_edition(tmp_path):
    write_workbook(tmp_path / "in/2012/a.xlsx", {"1": table(HEADER + FIRST_ROWS)})
    write_workbook(tmp_path / "in/2012/中国城市统计年鉴2012（excel）/x.xlsx", {"1": table(HEADER + FIRST_ROWS)})
    _, summary = read(tmp_path / "in", tmp_path / "landing")
    assert summary.editions == {2012: 2}


def test_linked_folders_are_read_once(tmp_path):
    write_workbook(tmp_path / "elsewhere/2-1.xlsx", {"1": table(HEADER + FIRST_ROWS)})
    (tmp_path / "in").mkdir()
    (tmp_path / "in/2012").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/again").symlink_to(tmp_path / "elsewhere")
    cells, _ = read(tmp_path / "in", tmp_path / "landing")
    assert {cell["file"] for cell in cells} == {"2012/2-1.xlsx"}


def test_archives(tmp_path):
    write_workbook(tmp_path / "made/二、地级/2-1.xlsx", {"1": table(HEADER + FIRST_ROWS)})
    (tmp_path / "in").mkdir()
    with zipfile.ZipFile(tmp_path / "in/2012.zip", "w") as archive:
        archive.write(tmp_path / "made/二、地级/2-1.xlsx", "二、地级/2-1.xlsx")
    (tmp_path / "in/2015.rar").write_bytes(b"Rar!")
    cells, summary = read(tmp_path / "in", tmp_path / "landing")
    assert {(cell["file"], cell["data_year"]) for cell in cells} == {("2012.zip/二、地级/2-1.xlsx", 2011)}
    [sentence] = summary.not_read
    assert "bsdtar -xf '2015.rar'" in sentence and sentence in str(summary)


# Pages, titles and scopes.


def test_label_of_names_on_a_line_of_its_own_is_no_title(tmp_path):
    """A continuation page keeps title, scope and unit of its table."""
    header = [["", "地方财政一般预算内收入(万元)", "地方财政一般预算内支出"], ["城市", "", ""]]
    first = [["2-26 财政(市辖区)"], ["单位：万元"], *header, ["石家庄市", "1", "2"], ["唐山市", "3", "4"]]
    second = [[], ["2-26续表1"], [], *header, ["秦皇岛市", "5", "6"]]
    write_workbook(tmp_path / "in/2006/2-26.xlsx", {"1": [*first, *second]})
    cells, summary = read(tmp_path / "in", tmp_path / "landing")
    assert {(cell["table_title"], cell["scope"], cell["unit"]) for cell in cells} == {("财政", "districts", "万元")}
    assert values(cells, "地方财政一般预算内支出", "districts") == {"石家庄市": "2", "唐山市": "4", "秦皇岛市": "6"}
    assert summary.n_tables == 1


def test_names_without_values_and_chapter_headings_are_no_titles(tmp_path):
    rows = [["(一)人口、劳动力及土地资源"], ["2-1 人口状况"], ["城市", "年末总人口(万人)"]]
    rows += [["石家庄市", "1"], ["珲春"], ["唐山市", "3"], ["绥芬河"]]
    rows += [["2-1 续表1"], ["城市", "年末总人口(万人)"], ["秦皇岛市", "5"]]
    write_workbook(tmp_path / "in/2006/2-1.xlsx", {"1": rows})
    cells, _ = read(tmp_path / "in", tmp_path / "landing")
    assert {cell["table_title"] for cell in cells} == {"人口状况"}
    assert values(cells, "年末总人口", "") == {
        "石家庄市": "1", "珲春": "", "唐山市": "3", "绥芬河": "", "秦皇岛市": "5"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("title", "scope"),
    [
        ("3—22 财政金融(不包括市辖县)", "districts"),
        ("3—23 财政金融(不含市辖县)", "districts"),
        ("3—23 财政金融(市区)", "districts"),
        ("3—13 财政金融(包括市辖县、当年价格)", "city"),
        ("3—13 财政金融(全市)", "city"),
        ("3—13 财政金融", ""),
    ],
)
def test_every_wording_of_a_scope(tmp_path, title, scope):
    rows = [[title], ["单位：万元"], ["城市", "地方财政预算内支出"], ["石家庄", "222424"], ["唐山", "190000"]]
    write_workbook(tmp_path / "in/2000/3-22.xlsx", {"1": rows})
    cells, _ = read(tmp_path / "in", tmp_path / "landing")
    assert {(cell["scope"], cell["unit"]) for cell in cells} == {(scope, "万元")}
    assert {cell["table_title"] for cell in cells} <= {"财政金融", "财政金融(当年价格)"}


def test_scope_beside_the_unit_and_titles_without_numbers(tmp_path):
    """The form of 1990: floating labels, blank rows inside the header, scope and unit in one line."""
    rows = [
        [], ["全部工业企业财务"], [], ["(包括市辖县) 单位：万元"], [],
        ["", "", "", "工业总产值", "", "工业净产值"],
        ["城市名称", "利税总额", "资金总额"],
        ["", "", "", "按1980年不变价格计算", "按当年价格计算", "(按当年价格计算)"],
        [],
        ["450个城市合计", "9", "9", "9", "9", "9"],
        ["  北  京", "1", "2", "3", "4", "5"],
        ["  石家庄", "6", "7", "8", "9", "10"],
    ]  # fmt: skip
    write_workbook(tmp_path / "in/1990/第二部分 各市资料篇/财务.xlsx", {"1": rows})
    cells, _ = read(tmp_path / "in", tmp_path / "landing")
    beijing = {cell["header"]: cell["cell_text"] for cell in cells if cell["city_raw"] == "北京"}
    assert beijing == {
        "利税总额": "1",
        "资金总额": "2",
        "工业总产值|按1980年不变价格计算": "3",
        "工业总产值|按当年价格计算": "4",
        "工业净产值|(按当年价格计算)": "5",
    }
    assert {(cell["table_title"], cell["scope"], cell["unit"]) for cell in cells} == {
        ("全部工业企业财务", "city", "万元")
    }


def test_a_row_of_scopes_is_no_row_of_names(tmp_path):
    rows = [["3-9 土地资源"], ["城市", "土地面积(平方公里)", "", ""], ["", "地区", "市区", "建成区"]]
    rows += [["石家庄", "1", "2", "3"], ["唐山", "4", "5", "6"]]
    write_workbook(tmp_path / "in/2001/3-9.xlsx", {"1": rows})
    cells, _ = read(tmp_path / "in", tmp_path / "landing")
    assert {(cell["header"], cell["scope"], cell["cell_text"]) for cell in cells if cell["city_raw"] == "石家庄"} == {
        ("土地面积", "city", "1"),
        ("土地面积", "districts", "2"),
        ("土地面积|建成区", "unclear", "3"),
    }


def test_label_broken_over_several_cells_is_one_label(tmp_path):
    rows = [["2-1 人口"], ["城市", "年末总"], ["", "人口(万人)"], ["石家庄市", "1"]]
    write_workbook(tmp_path / "in/2006/2-1.xlsx", {"1": rows})
    cells, _ = read(tmp_path / "in", tmp_path / "landing")
    assert {(cell["header"], cell["unit"]) for cell in cells} == {("年末总人口", "万人")}


# The wide form.


def wide(tmp_path, rows, name="2012/中国城市统计年鉴2012【地级市截面数据】.xlsx"):
    """The landed cells of one wide workbook."""
    write_workbook(tmp_path / "in" / name, {"Sheet1": rows})
    return read(tmp_path / "in", tmp_path / "landing")


def test_wide_workbook_with_titles_as_group_labels(tmp_path):
    rows = [
        ["中国2011年地级以上城市数据", "人口状况", "", "2-9 地方财政收支状况(市辖区)（万元）", "", "地区生产总值", ""],
        ["", "", "", "", "支出合计"],
        ["城市", "年末总人口(万人)", "", "财政收入", "教育支出", "地区生产总值(当年价格)(万元)", ""],
        ["", "全市", "市辖区", "", "", "全市", "市辖区"],
        ["城市合计", "126966.6", "39815.0", "7", "8", "1", "1"],
        ["石家庄市", "997.3", "245.0", "5", "6", "40826808", "14000000"],
    ]
    cells, summary = wide(tmp_path, rows)
    found = {
        (cell["table_title"], cell["header"], cell["unit"], cell["scope"]): cell["cell_text"]
        for cell in cells
        if cell["city_raw"] == "石家庄市"
    }
    assert found == {
        ("人口状况", "年末总人口", "万人", "city"): "997.3",
        ("人口状况", "年末总人口", "万人", "districts"): "245.0",
        ("地方财政收支状况", "财政收入", "万元", "districts"): "5",
        ("地方财政收支状况", "支出合计|教育支出", "万元", "districts"): "6",
        ("地区生产总值", "地区生产总值(当年价格)", "万元", "city"): "40826808",
        ("地区生产总值", "地区生产总值(当年价格)", "万元", "districts"): "14000000",
    }
    assert {(cell["form"], cell["level"], cell["data_year"]) for cell in cells} == {("wide", "prefecture", 2011)}
    # A label above one group does not reach into the next.
    assert not any("支出合计|地区" in cell["header"] for cell in cells)
    assert summary.n_cells == 12


def test_wide_workbook_with_as_many_titles_as_labels(tmp_path):
    rows = [
        ["中国2011年地级以上城市数据", "人口状况", "", "地区生产总值", ""],
        ["城市", "年末总人口(万人)", "", "地区生产总值(当年价格)(万元)", ""],
        ["", "全市", "市辖区", "全市", "市辖区"],
        ["石家庄市", "997.3", "245.0", "40826808", "14000000"],
    ]
    cells, _ = wide(tmp_path, rows)
    assert {(cell["table_title"], cell["header"]) for cell in cells} == {
        ("人口状况", "年末总人口"),
        ("地区生产总值", "地区生产总值(当年价格)"),
    }


def test_wide_workbook_with_labels_beside_the_corner(tmp_path):
    rows = [
        ["中国2011年地级以上城市数据", "年末总人口(万人)", "", "人口密度"],
        ["城市", "全市", "市辖区", "市辖区"],
        ["", "万人", "万人", "人/平方公里"],
        ["石家庄市", "997.3", "245.0", "3"],
    ]
    cells, _ = wide(tmp_path, rows)
    assert {(cell["table_title"], cell["header"], cell["unit"], cell["scope"]) for cell in cells} == {
        ("地级市截面数据", "年末总人口", "万人", "city"),
        ("地级市截面数据", "年末总人口", "万人", "districts"),
        ("地级市截面数据", "人口密度", "人/平方公里", "districts"),
    }


def test_wide_workbook_of_counties_and_wrong_year(tmp_path):
    rows = [["中国2011年县级市数据", "人口状况"], ["城市", "年末总人口(万人)"], *([name, "9"] for name in COUNTIES)]
    cells, _ = wide(tmp_path, rows, "2012/中国城市统计年鉴2012【县级市截面数据】.xlsx")
    assert {cell["level"] for cell in cells} == {"county"}
    rows = [["中国2012年地级以上城市数据", "人口状况"], ["城市", "年末总人口(万人)"], ["石家庄市", "9"]]
    with pytest.raises(InputError, match="says 2012, but its folder means data year 2011"):
        wide(tmp_path / "other", rows)


def test_wide_workbook_in_a_folder_named_by_its_data_year(tmp_path):
    rows = [["中国2011年地级以上城市数据", "年末总人口(万人)"], ["城市", "全市"], ["石家庄市", "9"]]
    cells, _ = wide(tmp_path, rows, "2011年数据/中国城市统计年鉴2012【地级市截面数据】.xlsx")
    assert {cell["data_year"] for cell in cells} == {2011}


@pytest.mark.parametrize("file", ["2012/panel.xlsx", "panel.xlsx"])
@pytest.mark.parametrize("year", ["2o14", "", "2014-01-01", "14"])
def test_panel_row_without_a_readable_year_is_told_and_left_out(tmp_path, file, year):
    """The year of the folder is no year of such a row: the panel says its years itself."""
    rows = [
        ["城市", "年份", "年末总人口(万人)", "地区生产总值(万元)"],
        ["石家庄市", "2013", "1003.0", "48636700"],
        ["石家庄市", year, "1028.8", "51702654"],
        ["石家庄市", "2015", "1028.84", "54405999"],
    ]
    cells, _ = wide(tmp_path, rows, file)
    assert {cell["data_year"] for cell in cells} == {2013, 2015}
    assert {cell["cell_text"] for cell in cells}.isdisjoint({"1028.8", "51702654"})
    (note,) = notes(tmp_path / "landing")
    assert (note["kind"], note["row"], note["column"], note["text"]) == ("unreadable year", 3, 2, "石家庄市")
    assert "the 2 values of this row were left out" in note["message"]
