"""The workbook reader: every rule with a small workbook made here."""

import hashlib
import os
import shutil
import subprocess
import sys
import time

import pyarrow.parquet as pq
import pytest
from city_policy.reader import ingest
from conftest import program
from reader_workbooks import (
    FIRST_ROWS,
    GEOGRAPHY,
    HEADER,
    LATER_ROWS,
    MAPPING,
    copy_seeds,
    read,
    table,
    values,
    write_workbook,
)


@pytest.fixture
def book(tmp_path):
    """Writes the sheets of one workbook of the 2012 edition and reads it."""

    def write_and_read(sheets, name="2012/any name.xlsx", **options):
        write_workbook(tmp_path / "yearbooks" / name, sheets)
        return read(tmp_path / "yearbooks", tmp_path / "landing", **options)

    return write_and_read


def test_bilingual_header_with_merged_cells_and_scopes(book):
    cells, summary = book({"1-7": table(HEADER + FIRST_ROWS)})
    assert values(cells, "年末总人口")["北京市"] == "1277.9"
    assert values(cells, "年末总人口", "districts")["北京市"] == "1207.1"
    assert values(cells, "年平均人口")["天津市"] == "990.6"
    assert values(cells, "年平均人口", "districts")["石家庄市"] == "245.1"
    beijing = next(cell for cell in cells if cell["city_raw"] == "北京市" and cell["column"] == 4)
    assert beijing == {
        "data_year": 2011,
        "edition": 2012,
        "level": "prefecture",
        "form": "table",
        "table_title": "人口状况",
        "header": "年末总人口",
        "unit": "万人",
        "scope": "districts",
        "city_raw": "北京市",
        "cell_text": "1207.1",
        "file": "2012/any name.xlsx",
        "sheet": "1-7",
        "row": 6,
        "column": 4,
    }
    assert len(cells) == 20
    assert (summary.n_tables, summary.n_cells, summary.editions) == (1, 20, {2012: 1})
    assert not (summary.unknown_tables or summary.unknown_headers or summary.unknown_names)


def old_workbooks(folder, yearbooks, profile):
    """The workbooks of ``yearbooks`` as Excel wrote them until 2003, in ``folder``, saved by LibreOffice."""
    soffice = program("soffice", "libreoffice-calc-nogui")
    for path in sorted(yearbooks.glob("*/*.xlsx")):
        command = [soffice, f"-env:UserInstallation=file://{profile}", "--headless", "--convert-to", "xls", "--outdir"]
        command += [str(folder / path.parent.name), str(path)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert result.returncode == 0, result.stderr
    assert sorted(path.stem for path in folder.glob("*/*.xls")) == sorted(path.stem for path in yearbooks.glob("*/*"))
    return folder


def test_workbooks_of_the_old_format_give_the_same_cells(tmp_path):
    sheets = {"1-7": table(HEADER + FIRST_ROWS, HEADER + LATER_ROWS), "a": [["更多数据"]]}
    write_workbook(tmp_path / "new" / "2012" / "table.xlsx", sheets)
    old_workbooks(tmp_path / "old", tmp_path / "new", tmp_path / "profile")
    new, old = (read(tmp_path / name, tmp_path / f"landing {name}")[0] for name in ("new", "old"))
    assert [cell | {"file": None} for cell in old] == [cell | {"file": None} for cell in new]
    assert {cell["file"] for cell in old} == {"2012/table.xls"}


def test_a_printed_table_of_the_old_format_gives_the_same_cells(shared, tmp_path):
    (tmp_path / "new" / "2012").mkdir(parents=True)
    for path in sorted((shared / "yearbooks" / "2012").glob("2-1[45]_*.xlsx")):
        shutil.copy(path, tmp_path / "new" / "2012")
    old_workbooks(tmp_path / "old", tmp_path / "new", tmp_path / "profile")
    new, old = (read(tmp_path / name, tmp_path / f"landing {name}")[0] for name in ("new", "old"))
    assert len(new) > 3000
    assert [cell | {"file": None} for cell in old] == [cell | {"file": None} for cell in new]


def test_pages_with_repeated_headers_and_continuation_lines(book):
    cells, summary = book({"1-7": table(HEADER + FIRST_ROWS, HEADER + LATER_ROWS)})
    assert values(cells, "年末总人口")["邯郸市"] == "984.9"
    assert {cell["table_title"] for cell in cells} == {"人口状况"}
    assert summary.n_tables == 1


def test_table_spread_over_sheets_between_watermarks(book):
    watermark = [["更多数据"], [""], ["尽在某某网"]]
    pages = table(HEADER + FIRST_ROWS), [["2-1 续表1 continued 1"], *HEADER, *LATER_ROWS]
    cells, summary = book({"CNKI": watermark, "a": pages[0], "again": watermark, "b": pages[1], "last": watermark})
    assert values(cells, "年末总人口").keys() >= {"北京市", "唐山市"}
    assert {(cell["table_title"], cell["sheet"]) for cell in cells} == {("人口状况", "a"), ("人口状况", "b")}
    assert not summary.unknown_tables


@pytest.mark.parametrize("damaged", ["年未总人口(万人)", "年末总入口(万人)", "末总人口(万人)"])
def test_damaged_label_of_a_repeated_page_is_that_of_the_first_page(book, damaged):
    second = [[*HEADER[0][:2], damaged, *HEADER[0][3:]], HEADER[1]]
    cells, summary = book({"1": table(HEADER + FIRST_ROWS, second + LATER_ROWS)})
    assert values(cells, "年末总人口")["唐山市"] == "737.1"
    assert not summary.unknown_headers


def test_damaged_label_on_the_first_page_is_unknown(book):
    first = [[*HEADER[0][:2], "年未总人口(万人)", *HEADER[0][3:]], HEADER[1]]
    _, summary = book({"1": table(first + FIRST_ROWS)})
    assert list(summary.unknown_headers) == [("人口状况", "年未总人口")]
    assert summary.unknown_headers["人口状况", "年未总人口"].address.endswith("sheet 1, row 3, column 3")


def test_other_label_on_a_repeated_page_is_kept(book):
    second = [[*HEADER[0][:2], "暂住人口(万人)", *HEADER[0][3:]], HEADER[1]]
    cells, summary = book({"1": table(HEADER + FIRST_ROWS, second + LATER_ROWS)})
    assert "唐山市" not in values(cells, "年末总人口")
    assert ("人口状况", "暂住人口") in summary.unknown_headers


def test_similar_label_above_the_same_cities_is_another_column(book):
    """A wide table goes on with other columns for the same cities; few characters make the difference."""
    first = [["城市", "City", "年末总人口(万人)"]]
    second = [["城市", "City", "年初总人口(万人)"]]
    rows = [[name, english, value] for name, english, value, *_ in FIRST_ROWS]
    cells, summary = book({"1": table(first + rows, second + rows)})
    assert ("人口状况", "年初总人口") in summary.unknown_headers
    assert len([cell for cell in cells if cell["header"] == "年末总人口" and cell["city_raw"] == "北京市"]) == 1


def test_known_label_is_never_replaced(book):
    second = [[*HEADER[0][:2], "年末户籍人口(万人)", *HEADER[0][3:]], HEADER[1]]
    cells, _ = book({"1": table(HEADER + FIRST_ROWS, second + LATER_ROWS)})
    assert values(cells, "年末户籍人口")["唐山市"] == "737.1"


def test_damaged_scope_label(book):
    scopes = ["", "", "Total City", "市辖区 Districts under Citv", "全辖市 Total City", "Distrcts under City"]
    cells, _ = book({"1": table(HEADER + FIRST_ROWS, [HEADER[0], scopes] + LATER_ROWS)})
    assert values(cells, "年末总人口")["唐山市"] == "737.1"
    assert values(cells, "年末总人口", "districts")["唐山市"] == "307.3"
    assert values(cells, "年平均人口")["唐山市"] == "736.0"
    assert values(cells, "年平均人口", "districts")["唐山市"] == "307.2"
    cells, _ = book({"1": table([HEADER[0], scopes] + FIRST_ROWS)})
    assert values(cells, "年末总人口")["北京市"] == "1277.9"
    assert values(cells, "年平均人口")["北京市"] == "1267.9"


def test_page_with_the_scopes_in_another_order_keeps_its_own(book):
    scopes = ["", "", "市辖区", "全市", "市辖区", "全市"]
    cells, _ = book({"1": table(HEADER + FIRST_ROWS, [HEADER[0], scopes, *LATER_ROWS])})
    assert values(cells, "年末总人口", "districts")["唐山市"] == "737.1"
    assert values(cells, "年末总人口")["唐山市"] == "307.3"


def test_lost_scope_label_comes_from_the_first_page_or_is_unclear(book):
    scopes = ["", "", "", "市辖区", "全市", "市辖区"]
    cells, _ = book({"1": table(HEADER + FIRST_ROWS, [HEADER[0], scopes] + LATER_ROWS)})
    assert values(cells, "年末总人口")["唐山市"] == "737.1"
    cells, _ = book({"1": table([HEADER[0], scopes] + FIRST_ROWS)})
    assert values(cells, "年末总人口", "unclear")["北京市"] == "1277.9"
    assert "北京市" not in values(cells, "年末总人口")


@pytest.mark.parametrize(
    ("lines", "label", "unit"),
    [
        ([], "年末总人口(万人)Total Population(persons)", "万人"),
        ([["单位：万人"], ["(10000 persons)"]], "年末总人口 Total Population", "万人"),
        ([["", "", "单位:万人"]], "年末总人口", "万人"),
        ([["单位：(万人)"]], "年末总人口", "万人"),
        ([["单位：千人"]], "年末总人口(万人)", "万人"),
        ([["(10000 persons)"]], "年末总人口", "10000persons"),
        ([], "年末总人口 Total Population (10000 persons)", "10000persons"),
        ([], "年末总人口 Total Population", ""),
        ([["单位：人、%"]], "年末总人口", ""),
    ],
)
def test_unit_in_header_line_or_english(book, lines, label, unit):
    rows = [[name, english, value] for name, english, value, *_ in FIRST_ROWS]
    cells, _ = book({"1": table([*lines, ["城市", "City", label], *rows])})
    assert {(cell["header"], cell["unit"]) for cell in cells} == {("年末总人口", unit)}


def test_damaged_or_lost_unit_line_of_a_later_page(book):
    rows = [[name, english, value] for name, english, value, *_ in FIRST_ROWS]
    later = [[name, english, value] for name, english, value, *_ in LATER_ROWS]
    header = ["城市", "City", "年末总人口"]
    pages = [["单位：万人"], header, *rows], [["单位：万入"], header, *later]
    cells, _ = book({"1": table(*pages)})
    assert {cell["unit"] for cell in cells} == {"万人"}
    pages = [["单位：万人"], header, *rows], [header, *later]
    cells, _ = book({"1": table(*pages)})
    assert {cell["unit"] for cell in cells} == {"万人"}
    pages = [["单位：万人"], header, *rows], [["单位：人"], header, *later]
    cells, _ = book({"1": table(*pages)})
    assert {cell["unit"] for cell in cells} == {"万人"}


def test_a_page_whose_unit_contradicts_its_table_is_told(book, tmp_path):
    """A page of 人 in a table of 万人 is a misprint, the first page included if the others agree."""
    rows = [[name, english, value] for name, english, value, *_ in FIRST_ROWS]
    header = ["城市", "City", "年末总人口"]
    pages = [[[f"单位：{unit}"], header, *rows] for unit in ("人", "万人", "万人")]
    cells, _ = book({"1": table(*pages)})
    assert {cell["unit"] for cell in cells} == {"万人"}
    notes = pq.read_table(tmp_path / "landing" / "reader_notes.parquet").to_pylist()
    assert [(note["kind"], note["row"], note["column"], note["text"]) for note in notes] == [
        ("unit of page", 4, 3, "年末总人口")
    ]
    assert "人, the other pages of the table 万人" in notes[0]["message"]


def test_scope_in_the_title(book):
    header = [["城市", "City", "教育支出(万元) Expenditure for Education"]]
    rows = [[name, english, value] for name, english, value, *_ in FIRST_ROWS]
    cells, _ = book({"1": table(header + rows, title=["2-16 地方财政一般预算内收支状况（市辖区）"])})
    assert {(cell["table_title"], cell["scope"]) for cell in cells} == {("地方财政一般预算内收支状况", "districts")}
    cells, _ = book({"1": table(header + rows, title=["2-16 地方财政一般预算内收支状况(全市)", "Budget (Total City)"])})
    assert {cell["scope"] for cell in cells} == {"city"}


def test_title_over_two_lines_with_enumerator(book):
    header = [["城市", "City", "普通高等学校(人)"]]
    rows = [[name, english, value] for name, english, value, *_ in FIRST_ROWS]
    cells, _ = book({"1": table(header + rows, title=["3-9 在校", "学生数（一）", "Students"])})
    assert {cell["table_title"] for cell in cells} == {"在校学生数"}


def test_label_in_the_second_header_row_has_its_parents_path(book):
    header = [
        ["城市", "City", "专利授权数(件)", "", "专利申请数(件)"],
        ["", "", "", "发明(件) Invention (piece)", ""],
    ]
    cells, summary = book(
        {"1": table(header + [["北京市", "Beijing", "5", "2", "9"]], title=["2-17 科技创新情况(全市)"])}
    )
    assert {cell["header"]: cell["cell_text"] for cell in cells} == {
        "专利授权数": "5",
        "专利授权数|发明": "2",
        "专利申请数": "9",
    }
    assert {cell["unit"] for cell in cells} == {"件"}
    assert not summary.unknown_headers


def test_two_tables_in_one_sheet(book):
    first = table(HEADER + FIRST_ROWS)
    second = table(
        [["城市", "City", "教育支出(万元)"], ["北京市", "Beijing", "7"]], title=["2-2 地方公共财政收支状况(全市)"]
    )
    cells, _ = book({"1": [*first, [], *second]})
    assert values(cells, "教育支出") == {"北京市": "7"}
    assert {cell["table_title"] for cell in cells} == {"人口状况", "地方公共财政收支状况"}


def test_nothing_is_lost_blank_cells_unknown_names_and_rows_without_name(book):
    rows = [
        ["同原市", "Guyuan", "1", "2", "3", "4"],
        ["白色市", "Baise", "", "", "", ""],
        ["", "", "7", "8", "9", "10"],
        ["三沙市", "Sansha", "", "", "", ""],
    ]
    cells, summary = book({"1": table(HEADER + FIRST_ROWS + rows)}, name="2015/x.xlsx")
    assert len(cells) == 36
    assert values(cells, "年末总人口")["白色市"] == ""
    assert values(cells, "年末总人口")["三沙市"] == ""
    assert values(cells, "年末总人口")[""] == "7"
    # 同原市 and 白色市 are known as damaged names of data year 2011 only.
    assert set(summary.unknown_names) == {("同原市", 2014), ("白色市", 2014), ("", 2014)}


def test_an_unknown_name_without_values_is_landed_and_reported(book):
    rows = [["汩罗", "", "", "", "", ""], ["三沙市", "Sansha", "1", "2", "3", "4"]]
    cells, summary = book({"1": table(HEADER + FIRST_ROWS + rows)}, name="2015/x.xlsx")
    assert values(cells, "年末总人口")["汩罗"] == ""
    assert values(cells, "年末总人口")["三沙市"] == "1"
    assert set(summary.unknown_names) == {("汩罗", 2014)}


def test_notes_below_a_table_are_no_cities(book):
    notes = [["注：本表按当年价格计算。"], ["a) Data of this table are preliminary."], ["资料来源:统计局"]]
    cells, summary = book({"1": table(HEADER + FIRST_ROWS + notes)})
    assert len(cells) == 20
    assert not summary.unknown_names


def test_numbers_stored_as_numbers(book):
    rows = [["北京市", "Beijing", 1277.9, 1207, 0.00001, 1e6]]
    cells, _ = book({"1": table(HEADER + rows)})
    assert [cell["cell_text"] for cell in cells] == ["1277.9", "1207", "0.00001", "1000000"]


def test_unknown_table_is_reported_and_its_known_headers_are_read(book):
    cells, summary = book({"1": table(HEADER + FIRST_ROWS, title=["9-9 某个新表"])})
    assert list(summary.unknown_tables) == ["某个新表"]
    assert values(cells, "年末总人口")["北京市"] == "1277.9"
    assert not summary.unknown_headers


def test_headers_of_unused_tables_are_no_news(tmp_path):
    mapping = copy_seeds(MAPPING, tmp_path / "mapping", table_titles=[{"table_title": "某名单", "used": "false"}])
    header = [["城市", "City", "某个没人要的指标(个)"], ["北京市", "Beijing", "5"]]
    write_workbook(tmp_path / "in/2012/x.xlsx", {"1": table(header, title=["2-30 某名单(一)"])})
    cells, summary = read(tmp_path / "in", tmp_path / "landing", mapping)
    assert len(cells) == 1
    assert not summary.unknown_headers and not summary.unknown_tables


def test_unparsed_numbers_are_counted_with_their_address(book):
    rows = [["北京市", "Beijing", "0.43.90", "12 34", "16147C", "-"]]
    cells, summary = book({"1": table(HEADER + rows)})
    assert [text for text, _ in summary.unparsed_numbers] == ["0.43.90", "12 34", "16147C"]
    assert summary.unparsed_numbers[0][1] == "2012/any name.xlsx, sheet 1, row 5, column 3"
    assert cells[0]["cell_text"] == "0.43.90"


def test_data_without_any_header_is_landed_without_header(book):
    cells, summary = book({"1": [["2-1 人口状况"], ["北京市", "Beijing", "5"]]})
    assert [(cell["header"], cell["cell_text"]) for cell in cells] == [("", "5")]
    assert ("人口状况", "") in summary.unknown_headers


def test_name_column_without_translation_and_damaged_name_label(book):
    rows = [["北京市", "5"], ["天津市", "6"]]
    cells, _ = book({"1": table([["城市", "年末总人口(万人)"], *rows])})
    assert values(cells, "年末总人口", "") == {"北京市": "5", "天津市": "6"}
    rows = [["北京市", "Beijing", "5"], ["天津市", "Tianjin", "6"]]
    cells, _ = book({"1": table([["程巾", "City", "年末总人口(万人)"], *rows])})
    assert values(cells, "年末总人口", "") == {"北京市": "5", "天津市": "6"}


def test_two_panels_beside_each_other(book):
    header = ["城市", "City", "年末总人口(万人)"]
    rows = [
        [*header, *header],
        ["北京市", "Beijing", "1", "天津市", "Tianjin", "2"],
        ["唐山市", "Tangshan", "3", "", "", ""],
    ]
    cells, summary = book({"1": table([["单位：人"], *rows])})
    assert values(cells, "年末总人口", "") == {"北京市": "1", "天津市": "2", "唐山市": "3"}
    assert {cell["city_raw"]: cell["column"] for cell in cells} == {"北京市": 3, "天津市": 6, "唐山市": 3}
    assert {cell["table_title"] for cell in cells} == {"人口状况"}
    assert not summary.unknown_headers and not summary.unknown_names


def test_every_cell_of_panels_beside_each_other_is_landed_once(book):
    """Rankings print their places beside the names; every panel has its own columns."""
    header = ["位次", "城市", "数值"]
    rows = [[*header, *header], ["1", "北京市", "9", "4", "天津市", "6"], ["2", "唐山市", "8", "", "", ""]]
    cells, _ = book({"1": [["5-1 年末总人口"], ["单位：万人"], *rows]})
    addresses = [(cell["row"], cell["column"]) for cell in cells]
    assert len(addresses) == len(set(addresses))
    assert {cell["city_raw"]: cell["cell_text"] for cell in cells if cell["cell_text"]} == {
        "北京市": "9", "天津市": "6", "唐山市": "8"
    }  # fmt: skip


def test_columns_for_several_years_are_not_taken_for_one(book):
    header = [["城市", "City", "年末总人口(万人)", ""], ["", "", "2010", "2011"]]
    _, summary = book({"1": table(header + [["北京市", "Beijing", "1", "2"]])})
    assert len(summary.unknown_headers) == 2


def test_cross_section_workbook_with_one_sheet_per_data_year(tmp_path):
    header = [
        "行政区划代码",
        "省份",
        "城市",
        "地区生产总值（亿元）",
        "年末总人口(万人)_全市",
        "年末总人口(万人)_市辖区",
        "没见过的指标",
    ]
    write_workbook(
        tmp_path / "in" / "地级市截面数据.xlsx",
        {
            "2015": [
                header,
                ["110000", "北京市", "北京市", 23014.6, 1345, 1345, 1],
                ["130100", "河北", "石家庄", 5440, 1028, 400, 2],
            ],
            "2016年": [header, ["110000", "北京市", "北京市", 25669.1, 1363, 1363, 3]],
        },
    )
    cells, summary = read(tmp_path / "in", tmp_path / "landing")
    gdp = {
        (cell["data_year"], cell["city_raw"]): (cell["cell_text"], cell["unit"])
        for cell in cells
        if "生产" in cell["header"]
    }
    assert gdp == {
        (2015, "北京市"): ("23014.6", "亿元"),
        (2015, "石家庄"): ("5440", "亿元"),
        (2016, "北京市"): ("25669.1", "亿元"),
    }
    assert values(cells, "年末总人口", "districts")["石家庄"] == "400"
    assert {cell["edition"] for cell in cells} == {2016, 2017}
    assert list(summary.unknown_headers) == [("地级市截面数据", "没见过的指标")]
    assert not summary.unknown_names


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv_in_the_printed_shape_and_as_cross_section(tmp_path, encoding):
    lines = ["2-1 人口状况,,", "单位：万人,,", "城市,City,年末总人口", "北京市,Beijing,1277.9", "河北省,Hebei,1", ""]
    (tmp_path / "in" / "2012").mkdir(parents=True)
    (tmp_path / "in" / "2012" / "2-1.csv").write_text("\n".join(lines), encoding=encoding)
    lines = ["年份,城市,年末总人口(万人)", "2014,北京市,1333.4", "2015,北京市,1345.2", "2015,天津市,1026.9"]
    (tmp_path / "in" / "panel.csv").write_text("\r\n".join(lines), encoding=encoding)
    (tmp_path / "in" / "other.csv").write_text("a,b\n1,2\n", encoding=encoding)
    cells, summary = read(tmp_path / "in", tmp_path / "landing")
    assert {(cell["data_year"], cell["city_raw"], cell["cell_text"], cell["unit"]) for cell in cells} == {
        (2011, "北京市", "1277.9", "万人"),
        (2011, "河北省", "1", "万人"),
        (2014, "北京市", "1333.4", "万人"),
        (2015, "北京市", "1345.2", "万人"),
        (2015, "天津市", "1026.9", "万人"),
    }
    assert summary.not_read == ["other.csv"]


def test_header_is_valid_in_its_data_years(tmp_path):
    rows = [{"header": "旧人口", "series": "registered_population", "valid_to": "2005"}]
    mapping = copy_seeds(MAPPING, tmp_path / "mapping", headers=rows)
    page = table([["城市", "City", "旧人口(万人)"], ["北京市", "Beijing", "5"]])
    for edition in ("2006", "2012"):
        write_workbook(tmp_path / "in" / edition / "x.xlsx", {"1": page})
    _, summary = read(tmp_path / "in", tmp_path / "landing", mapping)
    assert [example.address[:4] for example in summary.unknown_headers.values()] == ["2012"]


def test_same_input_gives_the_same_bytes(tmp_path):
    for edition in range(2012, 2018):
        rows = [[*row[:2], *(f"{edition}{value}" for value in row[2:])] for row in FIRST_ROWS]
        write_workbook(tmp_path / "in" / str(edition) / "x.xlsx", {"1": table(HEADER + rows)})
    digests = set()
    for workers in (1, 2, 2, 3):
        ingest(tmp_path / "in", tmp_path / "landing", MAPPING, GEOGRAPHY, progress=False, workers=workers)
        digests.add(hashlib.sha256((tmp_path / "landing" / "yearbook_cells.parquet").read_bytes()).hexdigest())
    assert len(digests) == 1


def test_summary_prints_what_it_counted_the_most_consequential_first(book):
    header = [["城市", "City", "年末总人口(万人)", "从没见过的指标(个)"]]
    rows = [["洛陌市", "Luoyang", "1", "2"], ["北京市", "Beijing", "x9", "4"], ["天津市", "Tianjin", "5", "6"]]
    _, summary = book({"1": table(header + rows, title=["2-1 人口状况(全市)", "Population"])}, name="2012/x.xlsx")
    lines = str(summary).splitlines()
    assert lines[0] == "editions            1 (tables per edition: 2012: 1)"
    assert lines[2] == "cells               6 (prefecture 6)"
    assert (
        lines[3]
        == "not understood      5 filled cells of prefecture-level tables: 1 headers, 0 units, 0 scopes, 1 names"
    )
    assert lines[4] == "         3 cells  header 从没见过的指标 of 人口状况: 2012/x.xlsx, sheet 1, row 3, column 4"
    assert lines[5] == "         2 cells  name 洛陌市 in 2011: 2012/x.xlsx, sheet 1, row 4"
    assert lines[7] == "unparsed numbers    1, the first 'x9' in 2012/x.xlsx, sheet 1, row 5, column 3"
    assert len(lines) == 11


def test_summary_fits_on_a_screen_and_says_how_much_is_in_the_files(book):
    header = [["城市", "City", *(f"没见过的指标{n}(个)" for n in range(40))]]
    _, summary = book({"1": table(header + [["北京市", "Beijing", *map(str, range(40))]])})
    text = str(summary)
    assert len(text.splitlines()) < 24
    assert "and 28 more in the files of proposals" in text


def test_a_scope_that_nothing_says_is_told(book):
    rows = [["城市", "City", "年末总人口(万人)"], ["北京市", "Beijing", "1"]]
    cells, summary = book({"1": table(rows)})
    assert cells[0]["scope"] == ""
    assert list(summary.unknown_scopes) == [("人口状况", "年末总人口")]
    assert "scope of header 年末总人口 of 人口状况" in str(summary)
    _, summary = book({"1": table(rows, title=["2-1 人口状况(全市)"])})
    assert not summary.unknown_scopes


KILLED_READER = """
import importlib, time
ingest = importlib.import_module("city_policy.reader.ingest")
ingest.read_file = lambda *_: time.sleep(0.02) or "x" * 200_000
print("ready", flush=True)
list(ingest.read_files(list(range(1000)), None, False, 2))
"""


@pytest.mark.skipif(os.name != "posix", reason="processes are killed by POSIX signals")
def test_the_workers_of_a_killed_reader_end_without_a_word():
    reader = subprocess.Popen(
        [sys.executable, "-c", KILLED_READER], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert reader.stdout.readline() == "ready\n"
    time.sleep(0.5)
    reader.kill()
    # The pipes are closed once the workers have ended too.
    assert reader.communicate(timeout=30) == ("", "")
