"""The reading gate: every kind of file and cell that is not what it seems is told, blanked or refused."""

import datetime
import os
import random
import stat
import struct
import sys
import zipfile
from io import BytesIO

import openpyxl
import pandas as pd
import pytest
from city_policy.errors import InputError
from city_policy.reader import ingest_supplementary
from city_policy.reader.archives import stored_archive
from city_policy.reader.cells import Remark, as_percent, number_format_kind, used_area
from city_policy.reader.files import FORMULA_WITHOUT_RESULT, is_readable, read_csv, read_sheets, unpack_zip
from city_policy.reader.open_xml import _Rewriter, look_at
from city_policy.reader.text import parse_number
from city_policy.report.messages import unknown_sentences
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import load_workbook
from reader_workbooks import GEOGRAPHY, MAPPING, PROJECT

sys.path.insert(0, str(PROJECT / "tests"))
from fuzz_reader import ods, run

ROWS = [
    ["城市", "City", "年末总人口(万人)", "地区生产总值(万元)"],
    ["北京市", "Beijing", 1277.9, 178794000],
    ["天津市", "Tianjin", 996.4, 130872000],
    ["石家庄市", "Shijiazhuang", 997.3, 45000000],
]


@pytest.fixture
def workbook(tmp_path):
    """Writes a workbook of one sheet, which a function may change first, and returns its path."""

    def write(change=None, rows=ROWS, name="x.xlsx"):
        book = openpyxl.Workbook()
        sheet = book.active
        sheet.title = "1"
        for row in rows:
            sheet.append(row)
        if change:
            change(sheet)
        book.save(tmp_path / name)
        return tmp_path / name

    return write


def edit(path, member, *replacements):
    """Replaces texts in a member of an archive; the checksums are right again."""
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    for old, new in replacements:
        assert old.encode() in members[member], members[member][:3000]
        members[member] = members[member].replace(old.encode(), new.encode())
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


SHEET = "xl/worksheets/sheet1.xml"


def only(path):
    """The one sheet of a file."""
    (sheet,) = read_sheets(path)
    return sheet


def kinds(sheet):
    """Kind, row and column of the remarks of a sheet, all of which can be said in Chinese."""
    assert [remark for remark in sheet.remarks if unknown_sentences(remark.message, {})] == []
    return [(remark.kind, remark.row, remark.column) for remark in sheet.remarks]


def refused(path, *words):
    """Asserts that a file is refused in one sentence with these words."""
    with pytest.raises(InputError) as caught:
        list(read_sheets(path))
    message = str(caught.value)
    assert "\n" not in message and message.endswith(".") and path.name in message
    for word in words:
        assert word in message, message


# Workbooks: what is plain is read as calamine reads it.


def test_a_plain_workbook(workbook):
    sheet = only(workbook())
    assert sheet == ("1", ROWS, [])


def test_all_plain_sheets_of_a_random_workbook_read_as_by_calamine(workbook):
    rng = random.Random(1)
    cells = ["", None, "北京市", " x ", "a&b<c>", 0, -1.5, 1e-7, 123456789012, "1,277.9", "'", '"', "_x000D_", "\n"]
    rows = [[rng.choice(cells) for _ in range(30)] for _ in range(60)]
    path = workbook(rows=rows)
    assert only(path).rows == load_workbook(str(path)).get_sheet_by_index(0).to_python(skip_empty_area=False)
    assert only(path).remarks == []


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.none() | st.integers(-9, 10**9) | st.text("北京a<&>'\" _x0\n", max_size=6), max_size=5)))
def test_a_sheet_written_anew_reads_as_the_sheet_itself(rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append([None if isinstance(cell, str) and cell.startswith("=") else cell for cell in row])
    buffer = BytesIO()
    book.save(buffer)
    with zipfile.ZipFile(buffer) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    assert look_at(members[SHEET])[0]
    buffer.seek(0)
    before = load_workbook(buffer).get_sheet_by_index(0).to_python(skip_empty_area=False)
    members[SHEET] = _Rewriter("1", {}, False).rewrite(members[SHEET]).xml
    after = load_workbook(BytesIO(stored_archive(list(members.items())))).get_sheet_by_index(0)
    assert _trimmed(after.to_python(skip_empty_area=False)) == _trimmed(before)


def _trimmed(rows):
    """Rows without blank cells and rows at their ends."""
    cells = {(r, c): cell for r, row in enumerate(rows) for c, cell in enumerate(row) if cell != ""}
    return cells


def test_sheets_keep_their_order_names_and_kinds(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = 'b & <c> "d" \'e'
    book.active["B3"] = 5
    book.create_chartsheet("图")
    book.create_sheet("空")
    book.save(tmp_path / "x.xlsx")
    first, chart, empty = read_sheets(tmp_path / "x.xlsx")
    assert first.name == 'b & <c> "d" \'e' and first.rows == [["", ""], ["", ""], ["", 5]]
    assert (chart.name, chart.rows, kinds(chart)) == ("图", [], [("sheet without cells", 0, 0)])
    assert empty == ("空", [], [])


# Cells that calamine reads as blanks.


@pytest.mark.parametrize("error", ["#DIV/0!", "#N/A", "#REF!", "#NAME?", "#VALUE!", "#NUM!", "#NULL!"])
def test_an_error_cell_is_a_text_and_told(workbook, error):
    sheet = only(workbook(lambda sheet: sheet.__setitem__("C3", error)))
    assert sheet.rows[2] == ["天津市", "Tianjin", error, 130872000]
    assert kinds(sheet) == [("error cell", 3, 3)] and sheet.remarks[0].text == error
    assert parse_number(error)[0] == "unparsed"


def test_a_formula_without_a_result_is_a_text_and_told(workbook):
    sheet = only(workbook(lambda sheet: sheet.__setitem__("C3", "=1+1")))
    assert sheet.rows[2][2] == FORMULA_WITHOUT_RESULT == "#FORMULA!"
    assert kinds(sheet) == [("formula without result", 3, 3)]
    assert parse_number(FORMULA_WITHOUT_RESULT)[0] == "unparsed"


FORMULA = ("<v>996.4</v>", "<f>500+496.4</f><v>996.4</v>")


def test_a_formula_with_a_result_is_its_result(workbook):
    sheet = only(edit(workbook(), SHEET, FORMULA))
    assert sheet == ("1", ROWS, [])


@pytest.mark.parametrize(("ask", "read"), [("1", "#FORMULA!"), ("0", 0)])
def test_a_result_of_nought_that_waits_for_a_computation_is_no_result(workbook, ask, read):
    path = edit(workbook(), SHEET, ("<v>996.4</v>", "<f>500+496.4</f><v>0</v>"))
    edit(path, "xl/workbook.xml", ('fullCalcOnLoad="1"', f'fullCalcOnLoad="{ask}"'))
    assert only(path).rows[2][2] == read


def test_a_formula_whose_result_is_the_empty_text_is_blank(workbook):
    path = edit(workbook(), SHEET, ('<c r="C3" t="n"><v>996.4</v>', '<c r="C3" t="str"><f>""</f><v></v>'))
    assert only(path).rows[2][2] == "" and kinds(only(path)) == []


def test_truth_values_and_dates_are_texts_and_told(workbook):
    def change(sheet):
        sheet["C2"], sheet["C3"] = True, False
        sheet["D2"] = datetime.date(2012, 1, 1)
        sheet["D3"] = datetime.datetime(2012, 1, 1, 12, 30)
        sheet["D4"] = datetime.time(6, 5)

    sheet = only(workbook(change))
    assert [row[2:] for row in sheet.rows[1:]] == [
        ["TRUE", "2012-01-01"],
        ["FALSE", "2012-01-01T12:30:00"],
        [997.3, "06:05:00"],
    ]
    assert kinds(sheet) == [("boolean", 2, 3), ("boolean", 3, 3), ("date", 2, 4)]
    assert all(parse_number(str(cell))[0] == "unparsed" for row in sheet.rows[1:] for cell in row[3:])


def test_dates_that_count_from_1904(workbook):
    path = workbook(lambda sheet: sheet.__setitem__("C2", datetime.date(2012, 1, 1)))
    edit(path, "xl/workbook.xml", ("<workbookPr/>", '<workbookPr date1904="1"/>'))
    assert only(path).rows[1][2] == "2016-01-02"


# Number formats.


def test_a_percent_format_gives_the_number_that_is_shown(workbook):
    def change(sheet):
        for row, share in zip((2, 3, 4), (0.761, 0.07, 1.1), strict=True):
            sheet.cell(row, 3, share).number_format = "0.0%"

    sheet = only(workbook(change))
    assert [row[2] for row in sheet.rows[1:]] == [76.1, 7.0, 110.0]
    (remark,) = sheet.remarks
    assert (
        remark[:4] == ("percent format", 2, 3, "0.761") and "3 numbers" in remark.message and "76.1" in remark.message
    )


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("0%", "percent"),
        ("0.00%;[Red]-0.00%", "percent"),
        ('0.0"%"', ""),
        (r"0.0\%", ""),
        ("#,##0.00_);[Red](#,##0.00)", ""),
        ("#,##0,", "scaled"),
        ('0!.0,"万"', "scaled"),
        ('yyyy"年"m"月"', "date"),
        ("[h]:mm", "date"),
        ("[$-804]General", ""),
        ("0.00E+00", ""),
        ('_ * "-"??_ ;_ @_ ', ""),
    ],
)
def test_what_number_formats_do(code, kind):
    assert number_format_kind(code) == kind


def test_number_formats_that_show_the_number_itself_change_nothing(workbook):
    def change(sheet):
        sheet["C2"].number_format = '0.0"%"'
        sheet["C3"].number_format = "#,##0.00"
        sheet["C4"].number_format = "@"

    assert only(workbook(change)) == ("1", ROWS, [])


def test_a_number_shown_in_thousands_is_told(workbook):
    sheet = only(workbook(lambda sheet: setattr(sheet["D2"], "number_format", "#,##0,")))
    assert sheet.rows == ROWS and kinds(sheet) == [("scaled format", 2, 4)]


@given(st.integers(-(10**9), 10**9), st.integers(0, 12))
def test_shares_in_per_cent_are_exact(digits, places):
    share = float(f"{digits}e-{places}")
    assert as_percent(share) == float(f"{digits}e{2 - places}")


# Hidden sheets, rows and columns.


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_a_hidden_sheet_is_left_out_and_told(tmp_path, state):
    book = openpyxl.Workbook()
    book.active["A1"] = "visible"
    draft = book.create_sheet("草稿")
    draft["A1"], draft.sheet_state = 5, state
    book.save(tmp_path / "x.xlsx")
    visible, hidden = read_sheets(tmp_path / "x.xlsx")
    assert visible.rows == [["visible"]] and visible.remarks == []
    assert hidden.rows == [] and hidden.remarks[0].kind == "hidden sheet" and "草稿" in hidden.remarks[0].message


def test_hidden_rows_and_columns_are_blank_keep_their_place_and_are_told(workbook):
    def change(sheet):
        for row in (3, 4):
            sheet.row_dimensions[row].hidden = True
        sheet.append(["唐山市", "Tangshan", 737.1, 1])
        sheet.column_dimensions["B"].hidden = True
        sheet.column_dimensions["J"].hidden = True
        sheet.row_dimensions[9].hidden = True

    sheet = only(workbook(change))
    assert [(row[0], row[1]) for row in sheet.rows] == [
        ("城市", ""),
        ("北京市", ""),
        ("", ""),
        ("", ""),
        ("唐山市", ""),
    ]
    # Hidden rows and columns without cells are not worth a word.
    assert kinds(sheet) == [("hidden rows", 3, 0), ("hidden columns", 0, 2)]
    assert sheet.remarks[0].message == "Hidden: rows 3 to 4 were left out."


def test_a_column_of_no_width_is_hidden(workbook):
    def change(sheet):
        sheet["E2"] = 7
        sheet.column_dimensions["E"].width = 33
        sheet.row_dimensions[9].hidden = True

    path = edit(workbook(change), SHEET, ('width="33"', 'width="0"'))
    assert kinds(only(path)) == [("hidden columns", 0, 5)]


# Far cells and sizes.


@pytest.mark.parametrize("cell", ["XFD1048576", "A1048576", "XFD1", "HA1", "A10000", "IV65536", "GZ9999"])
def test_no_stray_cell_ends_the_process(workbook, cell):
    sheet = only(workbook(lambda sheet: sheet.__setitem__(cell, 7)))
    assert [row[:4] for row in sheet.rows[:4]] == ROWS
    if cell in ("XFD1048576", "IV65536", "A1048576"):
        assert [remark.text for remark in sheet.remarks] == [cell] and sheet.remarks[0].kind == "far cell"
    else:
        assert sheet.remarks == [] and max(map(max, [[c == 7 for c in row] for row in sheet.rows]))


def test_many_far_cells_are_refused(workbook):
    def change(sheet):
        for row in range(200):
            sheet.cell(1_000_000 + row, 16_000, row)

    refused(workbook(change), "WQJ1000199", "4,000,000 cells")


def test_the_used_area_at_its_limits():
    table = [(row, column) for row in range(1, 101) for column in range(1, 11)]
    assert used_area([]) == (0, 0, [])
    assert used_area([(2000, 2000)]) == (2000, 2000, [])
    assert used_area([*table, (400_000, 10)]) == (400_000, 10, [])
    assert used_area([*table, (400_001, 10)]) == (100, 10, [(400_001, 10)])
    assert used_area([*table, (100_000, 10), (1, 16_384)]) == (100, 10, [(100_000, 10), (1, 16_384)])
    assert used_area([*table, *((1_000_000, column) for column in range(1, 102))]) is None


def test_a_large_table_is_read(workbook):
    path = workbook(rows=[[row, "x", 1.5] for row in range(12_000)])
    assert only(path).rows[-1] == [11_999, "x", 1.5] and look_at(zipfile.ZipFile(path).read(SHEET)) == (True, True)


def test_cells_without_positions_count_on(workbook):
    path = edit(workbook(), SHEET, ('<c r="B3"', "<c"), ('<row r="4"', "<row"), ('<c r="A4"', "<c"))
    assert only(path) == ("1", ROWS, [])


@pytest.mark.parametrize(
    "change",
    [('<c r="C3"', '<c r="C4"'), ('<c r="C3"', '<c r="C2"'), ('<c r="C3"', '<c r="D3"'), ('<c r="C3"', '<c r="C0"')],
)
def test_a_cell_in_a_wrong_place_or_twice_is_refused(workbook, change):
    refused(edit(workbook(), SHEET, change), "sheet 1", "cell")


@pytest.mark.parametrize("change", [("</row>", "</row><c><v>1</v></c>"), ("<v>996.4", "<c><v>1</v></c><v>996.4")])
def test_a_cell_outside_a_row_or_within_another_is_refused(workbook, change):
    refused(edit(workbook(), SHEET, change), "outside a row, or within another")


@pytest.mark.parametrize(
    "change",
    [
        ('<c r="C3" t="n">', "<c r='C3' t = 'n' >"),
        ("<v>996.4</v>", "<v><![CDATA[996.4]]></v>"),
        ("<v>996.4</v>", "<v>996<!-- . -->.4</v>"),
        ("<v>996.4</v>", "<v>&#57;96.4</v>"),
    ],
)
def test_other_spellings_of_the_same_xml(workbook, change):
    assert only(edit(workbook(), SHEET, change)) == ("1", ROWS, [])


def test_xml_in_another_encoding_and_with_prefixes(workbook):
    path = workbook()
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    sheet = members[SHEET].decode().replace("<", "<x:").replace("<x:/", "</x:").replace("xmlns=", "xmlns:x=")
    members[SHEET] = ('<?xml version="1.0" encoding="UTF-16"?>' + sheet).encode("utf-16")
    path.write_bytes(stored_archive(list(members.items())))
    assert only(path) == ("1", ROWS, [])


def test_the_separator_between_processes_cannot_come_from_a_cell(workbook):
    path = edit(workbook(), SHEET, ("Tianjin", "Tian&#31;jin"))
    assert only(path).rows[2][1] == "Tian jin"
    path.write_bytes(raw_workbook('<row r="1"><c r="A1" t="s"><v>0</v></c></row>', "<si><t>Tian&#x1F;jin</t></si>"))
    assert only(path).rows == [["Tian jin"]]


MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def raw_workbook(rows, strings="<si><t>北京市</t></si><si><t/></si><si><r><t>天津</t></r><r><t>市</t></r></si>"):
    """A workbook of one sheet from the XML of its rows and of its shared texts."""
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    relations = "".join(
        f'<Relationship Id="r{number}" Type="{kind}/{name}" Target="{target}"/>'
        for number, (name, target) in enumerate([("worksheet", SHEET[3:]), ("sharedStrings", "sharedStrings.xml")])
    )
    members = {
        "xl/workbook.xml": f'<workbook {MAIN} xmlns:r="{kind}"><sheets><sheet name="1" r:id="r0"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f"<Relationships>{relations}</Relationships>",
        SHEET: f"<worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>",
        "xl/sharedStrings.xml": f"<sst {MAIN}>{strings}</sst>",
    }
    return stored_archive([(name, content.encode()) for name, content in members.items()])


def test_shared_texts(tmp_path):
    path = tmp_path / "x.xlsx"
    cells = "".join(f'<c r="{column}1" t="s"><v>{number}</v></c>' for number, column in enumerate("ABC"))
    path.write_bytes(raw_workbook(f'<row r="1">{cells}<c r="D1" t="e"><v>#N/A</v></c></row>'))
    assert only(path).rows == [["北京市", "", "天津市", "#N/A"]]
    path.write_bytes(raw_workbook(f'<row r="1">{cells}<c r="D1" t="s"><v>3</v></c></row>'))
    refused(path, "damaged")
    path.write_bytes(raw_workbook(f'<row r="1">{cells}<c r="D1" t="s"><v></v></c></row>'))
    refused(path, "no text in the cell D1")


def test_a_workbook_without_sheets(workbook):
    path = edit(workbook(), "xl/workbook.xml", ("<sheet ", "<sheat "))
    refused(path, "no sheet")


# Damaged files.


def test_one_changed_bit_is_refused(workbook):
    path = workbook()
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(SHEET)
        members = {one.filename: archive.read(one) for one in archive.infolist()}
    content[info.header_offset + 30 + len(SHEET) + info.compress_size // 2] ^= 1
    path.write_bytes(content)
    refused(path, SHEET)
    # Without compression nothing but the checksum can tell.
    stored = stored_archive(list(members.items()))
    path.write_bytes(stored.replace(b"<v>996.4</v>", b"<v>986.4</v>"))
    refused(path, SHEET, "checksum")


@pytest.mark.parametrize("suffix", [".xlsx", ".xls", ".ods", ".dta", ".xlsm", ".xlsb"])
@pytest.mark.parametrize(
    "content", [b"", b"\0\0\0", b"this is no workbook", b"PK\x03\x04 nor is this", b"\xd0\xcf\x11\xe0"]
)
def test_what_is_no_workbook(tmp_path, suffix, content):
    path = tmp_path / f"x{suffix}"
    path.write_bytes(content)
    refused(path, "not a workbook")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "password"),
        (b"<html><table><tr><td>1</td></tr></table></html>", "HTML"),
        (b"\xef\xbb\xbf<!DOCTYPE html><p>", "HTML"),
        (b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">', "XML"),
        (b"%PDF-1.4", ".pdf"),
        (b"Rar!\x1a\x07\x01\x00", ".rar"),
        (b"MIME-Version: 1.0\r\n", "web page"),
    ],
)
@pytest.mark.parametrize("suffix", [".xls", ".xlsx", ".csv"])
def test_other_content_is_named(tmp_path, content, words, suffix):
    path = tmp_path / f"x{suffix}"
    path.write_bytes(content)
    refused(path, words)


def test_a_wrong_suffix_is_told(workbook, tmp_path):
    for name in ("x.xls", "x.csv"):
        workbook().rename(tmp_path / name)
        sheet = only(tmp_path / name)
        assert sheet.rows == ROWS and kinds(sheet) == [("other format", 0, 0)]
        assert sheet.remarks[0].message == f"The name of the file says .{name[2:]}, its content is .xlsx."
    with pytest.raises(InputError, match="under the name of a text file"):
        read_csv(tmp_path / "x.csv")


def test_a_binary_workbook_is_refused_with_the_reason(tmp_path):
    path = tmp_path / "x.xlsb"
    path.write_bytes(stored_archive([("xl/workbook.bin", b"x")]))
    refused(path, "binary workbook", ".xlsx")


def archive_of(**sizes):
    """A zip archive whose members are blanks."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, size in sizes.items():
            archive.writestr(name, b" " * size)
    return buffer.getvalue()


def test_zip_bombs_are_refused(tmp_path):
    path = tmp_path / "x.xlsx"
    path.write_bytes(archive_of(xl_workbook=30 * 2**20))
    refused(path, "compressed beyond reason")
    content = archive_of(xl_workbook=100)
    path.write_bytes(content.replace(struct.pack("<L", 100), struct.pack("<L", 2**31 - 1)))
    refused(path, "2047 MB", "limit")
    # A member that says it is small.
    path.write_bytes(archive_of(xl_workbook=10**6).replace(struct.pack("<L", 10**6), struct.pack("<L", 100)))
    refused(path, "xl_workbook")


def test_members_that_exist_twice_or_are_encrypted_are_refused(tmp_path):
    path = tmp_path / "x.xlsx"
    path.write_bytes(stored_archive([("xl/workbook.xml", b"<a/>"), ("XL/workbook.xml", b"<a/>")]))
    refused(path, "twice")
    content = bytearray(stored_archive([("xl/workbook.xml", b"<a/>")]))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    refused(path, "password")


def test_a_declared_entity_is_refused(workbook):
    sheet = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bb">]><worksheet'
    refused(edit(workbook(), SHEET, ("<worksheet", sheet)), "document type")


def test_an_unreadable_file_is_refused(tmp_path):
    (tmp_path / "x.xlsx").mkdir()
    refused(tmp_path / "x.xlsx", "cannot be read")


# Other workbooks.


def test_excel_97(project, tmp_path):
    sheet, draft = read_sheets(project / "tests/python/data/odd_cells.xls")
    assert sheet.rows[0] == ["城市", "City", "地区生产总值(万元)", "第三产业比重(%)", "年末总人口(万人)"]
    assert [row[3] for row in sheet.rows[1:5]] == [76.1, 46.2, 40.1, 33.3]
    assert sheet.rows[5] == ["邯郸市", "", "#DIV/0!", "TRUE", "#FORMULA!"]
    assert sheet.rows[6] == ["邢台市", "", "2012-01-01", "", 123456.0]
    assert len(sheet.rows) == 7
    assert kinds(sheet) == [
        ("hidden rows", 8, 0),
        ("hidden columns", 0, 7),
        ("error cell", 6, 3),
        ("boolean", 6, 4),
        ("formula without result", 6, 5),
        ("date", 7, 3),
        ("percent format", 2, 4),
        ("scaled format", 7, 5),
    ]
    assert draft.rows == [] and kinds(draft) == [("hidden sheet", 0, 0)]
    content = (project / "tests/python/data/odd_cells.xls").read_bytes()
    for share in (0.2, 0.5, 0.9):
        (tmp_path / "cut.xls").write_bytes(content[: int(len(content) * share)])
        refused(tmp_path / "cut.xls", "damaged")


def test_stata(tmp_path):
    frame = pd.DataFrame(
        {
            "city": ["北京市", "天津市"],
            "pop": pd.Series([1028.84, None], dtype="float32"),
            "kind": pd.Categorical(["东部", "中部"]),
            "n": pd.Series([1, 2], dtype="int16"),
            "day": pd.to_datetime(["2012-01-01", "2013-01-01"]),
        }
    )
    labels = {"city": "城市", "pop": "年末总人口(万人)"}
    frame.to_stata(
        tmp_path / "x.dta", variable_labels=labels, write_index=False, version=118, convert_dates={"day": "td"}
    )
    sheet = only(tmp_path / "x.dta")
    assert sheet.rows == [
        ["城市", "年末总人口(万人)", "kind", "n", "day"],
        ["北京市", 1028.84, "东部", 1, "2012-01-01"],
        ["天津市", "", "中部", 2, "2013-01-01"],
    ]
    assert kinds(sheet) == [("date", 2, 5)]


def test_stata_before_unicode(tmp_path):
    def latin(text):
        return text.encode("gb18030").decode("latin-1")

    frame = pd.DataFrame({"city": [latin("北京市")], "k": pd.Categorical([latin("东部")]), "v": [1.5]})
    frame.to_stata(tmp_path / "x.dta", version=114, write_index=False, variable_labels={"city": latin("城市")})
    assert only(tmp_path / "x.dta").rows == [["城市", "k", "v"], ["北京市", "东部", 1.5]]


CELL = "<table:table-cell {}>{}</table:table-cell>"


def test_open_document(tmp_path):
    def cell(attributes, shown=""):
        return CELL.format(attributes, f"<text:p>{shown}</text:p>" if shown else "")

    number = 'office:value-type="float" office:value="{}"'
    rows = [
        cell('office:value-type="string"', "城<text:s/>市")
        + cell("", "a<text:span>b</text:span>")
        + cell(number.format(3), "3"),
        cell(number.format("1e3"), "1000") + cell('office:value-type="percentage" office:value="0.761"', "76%"),
        cell('office:value-type="string" calcext:value-type="error"', "#DIV/0!") + cell('table:formula="of:=1"'),
        cell('office:value-type="boolean" office:boolean-value="true"')
        + cell('office:value-type="date" office:date-value="2012-01-01"'),
        cell('table:number-columns-repeated="2" ' + number.format(5)) + cell('table:number-columns-repeated="16380"'),
    ]
    body = "".join(f"<table:table-row>{row}</table:table-row>" for row in rows)
    body += f'<table:table-row table:visibility="collapse">{cell(number.format(9))}</table:table-row>'
    body += '<table:table-row table:number-rows-repeated="1048000"><table:table-cell/></table:table-row>'
    hidden = '<table:table table:name="h" table:style-name="hidden"><table:table-row>x</table:table-row></table:table>'
    (tmp_path / "x.ods").write_bytes(ods(f'<table:table table:name="1">{body}</table:table>{hidden}'))
    sheet, draft = read_sheets(tmp_path / "x.ods")
    assert sheet.rows == [
        ["城 市", "ab", 3],
        [1000, 76.1, ""],
        ["#DIV/0!", "#FORMULA!", ""],
        ["TRUE", "2012-01-01", ""],
        [5, 5, ""],
    ]
    assert kinds(sheet) == [
        ("hidden rows", 6, 0),
        ("error cell", 3, 1),
        ("formula without result", 3, 2),
        ("boolean", 4, 1),
        ("date", 4, 2),
        ("percent format", 2, 2),
    ]
    assert kinds(draft) == [("hidden sheet", 0, 0)]


def test_open_document_beyond_reason(tmp_path):
    row = f'<table:table-row table:number-rows-repeated="1000000">{CELL.format("", "<text:p>x</text:p>")}</table:table-row>'
    (tmp_path / "x.ods").write_bytes(ods(f'<table:table table:name="1">{row}</table:table>'))
    refused(tmp_path / "x.ods", "beyond reason")


# Text files.

TEXT = [
    ["城市", "年份", "地区生产总值(万元)"],
    ["石家庄市", "2014", "54405999"],
    ["唐山市", "2015", "61,030,600"],
]


def text_file(tmp_path, content, name="x.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def joined(separator, end="\r\n"):
    """The table as text, cells with the separator in marks."""
    return "".join(separator.join(f'"{cell}"' if separator in cell else cell for cell in row) + end for row in TEXT)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize(
    ("separator", "suffix"), [(",", ".csv"), ("\t", ".csv"), (";", ".csv"), ("|", ".txt"), ("\t", ".tsv")]
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_separators_and_line_ends(tmp_path, encoding, separator, suffix, end):
    path = text_file(tmp_path, joined(separator, end).encode(encoding), f"x{suffix}")
    assert only(path) == ("", TEXT, [])


def test_big5(tmp_path):
    text = "城市,年份,地區生產總值(萬元)\n石家莊市,2014,54405999\n"
    assert only(text_file(tmp_path, text.encode("big5"))).rows[0] == ["城市", "年份", "地區生產總值(萬元)"]


def test_chinese_without_known_words(tmp_path):
    assert only(text_file(tmp_path, "保定,1\n邢台,2\n".encode("gb18030"))).rows == [["保定", "1"], ["邢台", "2"]]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xff\xff,1\n", "GB18030"),
        ("城市,年份\n北京市,5\n".encode() + b"caf\xe9,1\n", "line 3"),
        ("旴淓,1\n巑,2\n".encode("gb18030"), "not certain"),
        (b"a,b\n1,\0\n", "zero byte"),
        ("a,b\n1,\0\n".encode("utf-8-sig"), "line 2"),
        ("城市,年份\n".encode("utf-16")[:-1], "damaged"),
        (b"\0" * 50 + b"\1", "zero byte"),
    ],
)
def test_texts_in_doubt_are_refused(tmp_path, content, words):
    refused(text_file(tmp_path, content), words)


def test_a_line_that_names_the_separator(tmp_path):
    assert only(text_file(tmp_path, "sep=;\na;b,c\n1;2,3\n")).rows == [["", ""], ["a", "b,c"], ["1", "2,3"]]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("城市;值\n北京;1,5\n天津;2,5\n", [["城市", "值"], ["北京", "1,5"], ["天津", "2,5"]]),
        ("城市,备注\n北京,a;b\n天津,c\n", [["城市", "备注"], ["北京", "a;b"], ["天津", "c"]]),
        ("城市\n北京\n", [["城市"], ["北京"]]),
        ('城市,"注;a"\n北京,"x;y"\n', [["城市", "注;a"], ["北京", "x;y"]]),
    ],
)
def test_the_separator_that_splits_the_whole_file(tmp_path, text, rows):
    assert only(text_file(tmp_path, text)).rows == rows


def test_two_separators_that_split_equally_well_are_refused(tmp_path):
    refused(text_file(tmp_path, "2012;1,5\n2013;2,5\n"), "comma", "semicolon", "sep=")


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ('a,b\n1,2\n"3,4\n5,6\n', "row 3"),
        ('a,b\n1,2\n3,"4"x\n5,6\n', "row 3"),
        ('a,b\n1,2"\n', "row 2"),
        ('a,b\n1,"2\n3,4\n5,6",7\n', "row 2"),
        ('a,b,c\n"1,2,3\n4,5,6\n7,8",9\n', "row 2"),
        ('a,b\n1,"x', "row 2"),
    ],
)
def test_a_quotation_mark_out_of_place_is_refused_with_its_row(tmp_path, text, row):
    refused(text_file(tmp_path, text), row, "quotation mark")


def test_quotation_marks_in_place(tmp_path):
    text = 'a,"b ""c"" d","e\nf"\n"1,5",,""\n'
    assert only(text_file(tmp_path, text)).rows == [["a", 'b "c" d', "e\nf"], ["1,5", "", ""]]


def test_rows_with_fewer_or_more_cells_are_told(tmp_path):
    text = "标题\n城市,a,b\n北京,1\n天津,2\n唐山,1,2\n邢台,1,2,3\n保定,4,5,\n"
    sheet = only(text_file(tmp_path, text))
    assert all(len(row) == 4 for row in sheet.rows)
    assert kinds(sheet) == [("short row", 3, 2), ("long row", 6, 4)]
    assert "Rows 3 to 4 have 2 cells each" in sheet.remarks[0].message


def test_a_text_without_a_table_is_left_out(tmp_path):
    sheet = only(text_file(tmp_path, '数据来源："某平台"。\n请勿外传, 谢谢。\n再见。', "说明.txt"))
    assert sheet.rows == [] and kinds(sheet) == [("text without table", 0, 0)]


def test_empty_text_files(tmp_path):
    for content in ("", "\n", "\ufeff"):
        assert [cell for row in only(text_file(tmp_path, content)).rows for cell in row if cell] == []


def test_the_first_rows_of_a_text_file(tmp_path):
    assert read_csv(text_file(tmp_path, "a,b\n1,2\n3,4\n"), 2) == [["a", "b"], ["1", "2"]]


def test_which_files_are_read_by_name(tmp_path):
    names = ["a.XLSX", "a.xls", "a.ods", "a.dta", "a.tsv", "a.txt", "a.csv", "a.pdf", "~$a.xlsx", ".a.csv", "a"]
    assert [is_readable(tmp_path / name) for name in names] == [True] * 7 + [False] * 4


# Archives.


def packed(tmp_path, *members, name="x.zip"):
    """A zip archive of names (or ZipInfo) and contents."""
    with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members:
            archive.writestr(member, content)
    return tmp_path / name


def test_unpacking_with_names_in_gbk(tmp_path):
    marker = "一" * 3
    path = packed(tmp_path, ("NAME01/2-1.csv", b"a,b\n"), ("NAME01/x/", b""))
    path.write_bytes(path.read_bytes().replace(b"NAME01", marker.encode("gb18030")))
    into = unpack_zip(path, tmp_path / "out")
    assert [file.relative_to(into).as_posix() for file in into.rglob("*") if file.is_file()] == [f"{marker}/2-1.csv"]
    assert (into / marker / "2-1.csv").read_bytes() == b"a,b\n"


def test_unpacking_with_names_in_utf_8(tmp_path):
    path = packed(tmp_path, ("2012/人口.csv", b"x"))
    assert (unpack_zip(path, tmp_path / "out") / "2012" / "人口.csv").is_file()


def link(name):
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    ("member", "words"),
    [
        ("../x.csv", "outside"),
        ("a/../../x.csv", "outside"),
        ("/etc/x.csv", "outside"),
        ("C:\\x.csv", "outside"),
        ("..\\x.csv", "outside"),
        ("a\nb.csv", "outside"),
        (link("x.csv"), "link"),
        ("A.csv", "one name"),
    ],
)
def test_an_archive_with_a_surprise_is_refused_and_leaves_nothing(tmp_path, member, words):
    path = packed(tmp_path, ("a.csv", b"1"), (member, b"/etc/passwd"))
    with pytest.raises(InputError, match=words) as caught:
        unpack_zip(path, tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [path]


def test_damaged_and_encrypted_archives_are_refused(tmp_path):
    path = packed(tmp_path, ("a.csv", os.urandom(5000)), ("b.csv", b"1"))
    content = path.read_bytes()
    damaged = bytearray(content)
    damaged[2000] ^= 1
    encrypted = bytearray(content)
    encrypted[content.index(b"PK\x01\x02") + 8] |= 1
    for bad, words in ((damaged, "CRC"), (encrypted, "password"), (content[:3000], "damaged"), (b"", "damaged")):
        path.write_bytes(bad)
        with pytest.raises(InputError, match=words):
            unpack_zip(path, tmp_path / "out")
        assert [file for file in tmp_path.rglob("*") if file.is_file()] == [path]


# Supplementary files.


@pytest.mark.parametrize("value", ["#DIV/0!", "=1+1"])
def test_a_supplementary_value_that_is_none_is_refused(tmp_path, value):
    book = openpyxl.Workbook()
    book.active.title = "s"
    for row in (["indicator", "city", "year", "value", "unit", "source"], ["gdp", "北京市", 2012, value, "万元", "x"]):
        book.active.append(row)
    (tmp_path / "in").mkdir()
    book.save(tmp_path / "in" / "x.xlsx")
    with pytest.raises(InputError, match=r"x.xlsx#s, row 2, column 4: The cell holds"):
        ingest_supplementary(tmp_path / "in", tmp_path / "out", MAPPING, GEOGRAPHY, progress=False)


def test_a_hidden_supplementary_sheet_is_told(tmp_path):
    book = openpyxl.Workbook()
    for row in (["indicator", "city", "year", "value", "unit", "source"], ["gdp", "北京市", 2012, 5, "万元", "x"]):
        book.active.append(row)
    book.create_sheet("draft").sheet_state = "hidden"
    (tmp_path / "in").mkdir()
    book.save(tmp_path / "in" / "x.xlsx")
    summary = ingest_supplementary(tmp_path / "in", tmp_path / "out", MAPPING, GEOGRAPHY, progress=False)
    assert summary.n_values == 1 and summary.not_read == ["x.xlsx#draft: The sheet draft is hidden and was left out"]


# Damage at random; tests/fuzz_reader.py runs more of it.


def test_no_damage_ends_the_reader_or_gives_a_traceback():
    counts = run(700, seed=20)
    assert sum(counts.values()) == 700
    assert counts["traceback"] == counts["abort"] == counts["hang"] == 0
    assert counts["refused"] > 250


# Real files of every kind that once failed.


@pytest.mark.parametrize(
    ("case", "remarks"),
    [
        ("c01_odd_cells/2016/t.xlsx", {"error cell", "formula without result"}),
        ("c02_hidden/2016/t.xlsx", {"hidden sheet", "hidden rows"}),
        ("xlsx_error_cell/2012/x.xlsx", {"error cell"}),
        ("error_cell_three_editions/yb/2013/x.xlsx", {"error cell"}),
        ("xlsx_formula_no_cache/2012/x.xlsx", {"formula without result"}),
        ("xlsx_far_cell/2012/x.xlsx", {"far cell"}),
        ("xlsx_percent_format/2012/x.xlsx", {"percent format"}),
        ("csv_short_row/2012/x.csv", {"short row"}),
        ("c13_containers/xls_really_xlsx/panel.xls", {"other format"}),
        ("c13_containers/xlsx_really_xls/panel.xlsx", {"other format"}),
    ],
)
def test_cases_that_are_told(shared, case, remarks):
    assert {remark.kind for sheet in read_sheets(shared / "cases" / case) for remark in sheet.remarks} >= remarks


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("crc_1.xlsx", "checksum"),
        ("crc_2.xlsx", "checksum"),
        ("csv_quote/2012/x.csv", "row 4"),
        ("sup_quote/s/s.csv", "row 2"),
        ("c13_containers/truncated/panel.xlsx", "truncated"),
        ("c13_containers/password/panel.xlsx", "password"),
        ("c13_containers/xls_html/panel.xls", "HTML"),
        ("c13_containers/latin_mix/panel.csv", "line 7"),
    ],
)
def test_cases_that_are_refused(shared, case, words):
    refused(shared / "cases" / case, words)


@pytest.mark.parametrize(
    "container",
    [
        "big5",
        "cr_only",
        "dta",
        "gb18030",
        "ods",
        "semicolon",
        "sepline",
        "tab",
        "tsv",
        "txt",
        "utf16",
        "utf16be_nobom",
        "utf8",
        "utf8bom",
        "xls",
        "xlsm",
        "xlsx",
        "xls_really_xlsx",
        "xlsx_really_xls",
        "note_lines",
    ],
)
def test_one_panel_in_many_containers(shared, container):
    (path,) = (shared / "cases" / "c13_containers" / container).iterdir()
    rows = [row for row in only(path).rows if str(row[0]).endswith("市") and row[0] != "城市"]
    numbers = [[float(str(cell).replace(",", "")) for cell in row[1:]] for row in rows]
    assert [row[0] for row in rows] == ["石家庄市"] * 2 + ["唐山市"] * 2
    assert numbers == [
        [2014, 54405999, 1028.84],
        [2015, 54405999, 1028.84],
        [2014, 61030600, 754.5],
        [2015, 61030600, 754.5],
    ]


def test_real_editions_read_as_by_calamine(shared):
    """Plain sheets are untouched; written anew, they read the same."""
    paths = sorted((shared / "editions").rglob("*.xlsx"))
    for path in random.Random(1).sample(paths, 25):
        workbook = load_workbook(str(path))
        for sheet in read_sheets(path):
            if {remark.kind for remark in sheet.remarks} <= {"hidden sheet"} and sheet.rows:
                assert sheet.rows == workbook.get_sheet_by_name(sheet.name).to_python(skip_empty_area=False)


def test_a_remark_is_a_plain_record():
    assert Remark("kind", 1, 2, "text", "message")._fields == ("kind", "row", "column", "text", "message")
