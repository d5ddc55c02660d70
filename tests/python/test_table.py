"""One table for a paper: its numbers are those of the result tables, in every format, and no text does anything."""

import re
import shlex
import shutil
import subprocess
import zipfile
from dataclasses import replace

import docx
import duckdb
import pytest
from city_policy.cli import main
from city_policy.errors import InputError
from city_policy.report.cells import Cell, Layout, Line, Panel, PaperTable, Statistic, TableRow, lines_below
from city_policy.report.database import Database
from city_policy.report.files import WRITERS, make_table, write_table
from city_policy.report.latex import PREAMBLE, latex_file
from city_policy.report.markdown import markdown_table
from city_policy.report.study import LANGUAGES, Study, same
from city_policy.report.tables import build_tables
from city_policy.report.typography import digits, one_line, parts, typeset
from city_policy.table_options import TableOptions, options_of_row, read_stars
from conftest import program
from docx.shared import Pt
from openpyxl import load_workbook


@pytest.fixture(scope="session")
def database(demo_build):
    return demo_build / "city_policy.duckdb"


@pytest.fixture
def connection(database):
    with duckdb.connect(str(database), read_only=True) as connection:
        yield connection


def made(database, *specifications, **options) -> PaperTable:
    return make_table(database, TableOptions(specifications, **options))


def row_of(table: PaperTable, label: str) -> TableRow:
    return next(row for panel in table.panels for row in panel.rows if label in (row.label.en, row.label.zh))


def labels(table: PaperTable) -> list[str]:
    return [row.label.en for panel in table.panels for row in panel.rows]


def notes(table: PaperTable, language: str = "en") -> str:
    return " ".join(note[language] for note in (*(table.layout.notes or ()), *table.notes))


# -- the definition against the result tables ----------------------------------------------------------------------


def test_the_columns_hold_what_the_result_tables_hold(database, connection):
    specs = ["baseline_bcs", "baseline_iic", "baseline_dual"]
    table = made(database, "baseline")
    assert [row.label.en for row in table.panels[0].rows][3:6] == [
        "Marketization", "Foreign direct investment", "Tertiary industry share",
    ]  # fmt: skip
    for label, term in (
        ("Both pilots", "dual"),
        ("Urbanization rate", "urbanization_percent"),
        ("Constant", "(Intercept)"),
    ):
        wanted = dict(
            connection.execute(
                "select spec_id, (estimate, std_error, t_stat, p_value, ci_low, ci_high) from results.regression_coefficients "
                "where result = 'baseline_effects' and vcov = 'CRV1' and term = ?",
                [term],
            ).fetchall()
        )
        for spec, cell in zip(specs, row_of(table, label).cells, strict=True):
            if spec not in wanted:
                assert cell == Cell()
                continue
            found = cell.statistics["CRV1"]
            assert (cell.value, found.std_error, found.t, found.p, *found.interval) == tuple(wanted[spec])
    counts = connection.execute(
        "select distinct spec_id, n_obs, n_cities, n_treated_cities, r2, r2_within from results.baseline_effects "
        "where spec_id like 'baseline_%'"
    ).fetchall()
    by_spec = {row[0]: row[1:] for row in counts}
    shown = [
        [cell.value for cell in row_of(table, name).cells]
        for name in ("Observations", "Cities", "Treated cities", "R2", "Within R2")
    ]
    assert [tuple(column) for column in zip(*shown, strict=True)] == [by_spec[spec] for spec in specs]


def test_every_regression_of_the_build_makes_a_table(database, connection):
    """Every estimator, each with its own rows, in both languages and every format that is text."""
    for result, estimator in connection.execute(
        "select distinct result, estimator from (select result, estimator from results.regression_coefficients "
        "union all select result, estimator from estimates.est_staggered union all select result, estimator from estimates.est_event_study)"
    ).fetchall():
        name = connection.execute(
            "select any_value(spec_id order by spec_id) from (select spec_id, result, estimator from results.regression_coefficients union all "
            "select spec_id, result, estimator from estimates.est_staggered union all select spec_id, result, estimator from estimates.est_event_study) "
            "where result = ? and estimator = ?",
            [result, estimator],
        ).fetchone()[0]
        table = made(database, name)
        assert any(cell.is_estimate or cell.missing for cell in table.panels[0].rows[0].cells), name
        assert "simulated" in notes(table) and "Estimator: " in notes(table)
        for language in LANGUAGES:
            assert markdown_table(table, language).count("\n") > 8 and latex_file(table, language)


def test_event_study_names_its_policies_and_reference(database):
    table = made(database, "event_study")
    assert labels(table)[:5] == ["Year -4", "Year -3", "Year -2", "Year -1", "Year 0"]
    assert ["Year -1 is the reference." in notes(table), "Year -4 holds all earlier ones" in notes(table)] == [
        True,
        True,
    ]
    headings = [words.en for words, _ in table.panels[0].headings[1]]
    assert len(headings) == 3 and len(set(headings)) == 3
    assert row_of(table, "Controls").cells[0].words.en == "Yes"


def test_instruments_have_both_stages_and_their_strength(database, connection):
    spec = "instrument_relief_dual_dual"
    table = made(database, f"{spec}:first_stage", spec, rows=("treatments", "instrument"))
    strength = connection.execute(
        "select distinct kleibergen_paap_wald_f from results.instrumental_variable where spec_id = ? and vcov = 'CRV1'",
        [spec],
    ).fetchone()[0]
    cells = row_of(table, "Kleibergen-Paap Wald F (clustered)").cells
    assert (cells[0], cells[1].value) == (Cell(), strength)
    assert [bool(cell.value) for cell in row_of(table, "Instrument").cells] == [True, False]
    assert [bool(cell.value) for cell in row_of(table, "Both pilots").cells] == [False, True]


def test_what_is_not_identified_is_a_dash_with_its_sentence(database):
    table = made(database, "baseline_bcs", "city_year_effects_bcs", rows=("treatments",))
    first, second = row_of(table, "Broadband China demonstration cities").cells
    assert first.number == "0.0055" and second.number == "—" and not second.marked(table.layout)
    assert "Column (2): The fixed effects city × year have a group of their own" in notes(table)
    assert row_of(table, "City-by-year effects").cells[1].words.en == "Yes"


# -- choices -------------------------------------------------------------------------------------------------------


def test_rows_are_chosen_and_ordered_and_the_rest_collapses(database):
    table = made(database, "baseline_dual", rows=("urbanization", "dual", "fin*"), footer=("controls", "n_obs"))
    assert labels(table) == ["Urbanization rate", "Both pilots", "Financial technology", "Controls", "Observations"]
    assert "Controls" not in labels(made(database, "baseline_dual"))


def test_statistics_decimals_and_stars(database):
    table = made(
        database, "baseline_bcs", rows=("bcs",), statistics=("se", "ci"), decimals=2, stars=(0.5, 0.2, 0.1, 0.05)
    )
    cell = table.panels[0].rows[0].cells[0]
    assert (cell.number, cell.marked(table.layout)) == ("0.01", "****")
    assert [cell.below(line) for line in lines_below(table.panels[0].rows[0], table.layout)] == [
        # An error is never printed as zero.
        "(0.0013)",
        "[0.00, 0.01]",
    ]
    assert "Standard errors in parentheses, 95% confidence intervals in brackets; errors clustered by city" in notes(
        table
    )
    assert "* p < 0.5, ** p < 0.2, *** p < 0.1, **** p < 0.05." in notes(table)
    without = made(database, "baseline_bcs", stars=(), statistics=())
    assert not without.panels[0].rows[0].cells[0].marked(without.layout) and "p <" not in notes(without)


@pytest.mark.parametrize(
    ("value", "error", "decimals", "wanted"),
    [
        (0.00016, 0.00007, 3, ("0.00016", "(0.00007)")),
        (-0.00016, 0.00007, 3, ("-0.00016", "(0.00007)")),
        (0.00049, 0.0001, 3, ("0.00049", "(0.00010)")),
        (0.0006, 0.0001, 3, ("0.001", "(0.00010)")),
        (3.4e-9, 1.2e-9, 4, ("0.0000000034", "(0.0000000012)")),
        (0.4, 0.1, 0, ("0.40", "(0.10)")),
        (0.0, 0.1, 2, ("0.00", "(0.10)")),
        (float("nan"), 0.1, 2, ("nan", "(0.10)")),
    ],
)
def test_an_estimate_that_rounds_to_zero_has_more_decimals(value, error, decimals, wanted):
    layout = layout_with_errors(decimals)
    cell = Cell(value, decimals, {"CRV1": Statistic(2.1, 0.03, error, (value - error, value + error))})
    assert (cell.number, cell.below(layout.lines[0])) == wanted
    # What is no estimate has the decimals of its column.
    assert Cell(0.00016, 3).number == "0.000"


def layout_with_errors(decimals: int) -> Layout:
    return Layout((Line("CRV1", same("error"), "se", "()", decimals), Line("CRV1", same("95%"), "ci", "", decimals)))


def test_no_format_prints_an_effect_as_zero(tmp_path):
    """The digits of a small effect, its error and its interval are the same in every format."""
    cell = Cell(-0.00016, 3, {"CRV1": Statistic(-2.1, 0.03, 0.00007, (-0.00030, -0.00002))})
    panel = Panel(None, same("Variable"), (((same("y"), 1),),), (TableRow(same("x"), (cell,)),))
    table = PaperTable(None, "regressions", same("T"), (panel,), (), (), layout=layout_with_errors(3))
    write_table(table, tmp_path / "t", tuple(WRITERS), "en")
    wanted = ("\u22120.00016", "(0.00007)", "[\u22120.00030, \u22120.00002]")
    document = docx.Document(str(tmp_path / "t.docx"))
    markdown = (tmp_path / "t.md").read_text("utf-8").replace("\\", "")
    latex = (tmp_path / "t.tex").read_text("utf-8").replace("$-$", "\u2212").replace("{", "").replace("}", "")
    for text in (markdown, latex, "\n".join(one.text for one in document.tables[0]._cells)):
        assert [number for number in wanted if number not in text] == [], text
    sheet = load_workbook(tmp_path / "t.xlsx").worksheets[0]
    formats = {one.value: one.number_format for row in sheet.iter_rows() for one in row if isinstance(one.value, float)}
    assert formats == {-0.00016: '0.00000"**"', 0.00007: '"("0.00000")";"(-"0.00000")"'}


def test_stars_go_by_the_errors_that_were_chosen(database, connection):
    for errors in ("CRV1", "iid", "wild_webb", "CRV3"):
        table = made(database, "joint", rows=("dual",), errors=errors, statistics=("p",))
        wanted = connection.execute(
            "select p_value from results.robust_inference where spec_id = 'joint' and term = 'dual' and method = ?",
            [errors],
        ).fetchone()[0]
        cell = table.panels[0].rows[0].cells[0]
        assert cell.statistics[errors].p == pytest.approx(wanted, rel=1e-12)
        assert cell.marked(table.layout) == (
            "***" if wanted < 0.01 else "**" if wanted < 0.05 else "*" if wanted < 0.1 else ""
        )
    assert cell.marked(table.layout) != made(database, "joint", errors="iid").panels[0].rows[2].cells[0].stars("iid")


def test_a_regression_without_the_chosen_errors_says_so(database):
    table = made(database, "baseline_bcs", "imputation_bcs", rows=("bcs",), errors="iid")
    first, second = table.panels[0].rows[0].cells
    assert (
        first.below(table.layout.lines[0])
        and not second.below(table.layout.lines[0])
        and not second.marked(table.layout)
    )
    assert "Column (2) has no iid statistics" in notes(table)


def test_published_numbers_stand_below_ours(database):
    table = made(database, "baseline_bcs", rows=("bcs",), published=True)
    assert table.panels[0].rows[0].cells[0].below(table.layout.lines[1]) == "0.0057*** (8.61)"
    assert "0.0057\\*\\*\\* (8.61)" in markdown_table(table, "en")


def test_many_columns_go_on_in_a_second_part(database):
    table = made(database, "group_*_bcs", "baseline", "joint", "no_municipalities")
    columns = [panel.n_columns for panel in table.panels]
    assert sum(columns) == 17 and max(columns) <= 10 and len(columns) == 2


@pytest.mark.parametrize(
    ("specifications", "options", "words"),
    [
        (("baselin",), {}, ("baselin is no specification", "did you mean baseline")),
        (("nothing_*",), {}, ("nothing_* is no specification",)),
        (("placebo_bcs",), {}, ("placebo_test", "no coefficients")),
        (("baseline",), {"rows": ("fd",)}, ("fd is no row", "did you mean fdi")),
        (("baseline",), {"rows": ("event_times",)}, ("have none of event_times",)),
        (("baseline",), {"errors": "CRV2"}, ("CRV2", "did you mean CRV3", "wild_webb")),
        (("baseline",), {"headings": ("a", "b")}, ("2 headings for 3 columns",)),
    ],
)  # fmt: skip
def test_mistakes_are_one_sentence(database, specifications, options, words):
    with pytest.raises(InputError) as refused:
        made(database, *specifications, **options)
    assert "\n" not in str(refused.value) and all(word in str(refused.value) for word in words), str(refused.value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--stars", "0.01,0.05"], "from the largest to the smallest"),
        (["--stars", "much"], "expected none or up to 4 p values"),
        (["--decimals", "9"], "from 0 to 8"),
        (["--decimals", "-1"], "from 0 to 8"),
        (["--statistic", "f"], "expected none, or one or more of t, se, p, ci"),
        (["--footer", "r3"], "footer is 'r3'"),
        (["--format", "pdf"], "expected one or more of tex, docx, xlsx, md"),
        (["--out", "x.pdf"], "ends in no format"),
        (["--number", "0"], "from 1 to 99"),
    ],
)
def test_mistakes_in_options_are_one_sentence(database, capsys, arguments, words):
    options = [f"{arguments[0]}={arguments[1]}"]
    assert main(["table", "baseline", "--database", str(database), *options]) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1


def test_stars_are_read():
    assert read_stars("0.1, 0.05 0.01") == (0.1, 0.05, 0.01) and read_stars("none") == ()


# -- the examples of the documentation -----------------------------------------------------------------------------


def examples(project) -> list[list[str]]:
    text = (project / "docs" / "publishing.md").read_text(encoding="utf-8")
    section = text.partition("## One table for a paper")[2].partition("\n## ")[0]
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL))
    return [shlex.split(line)[1:] for line in blocks.splitlines() if "city-policy table" in line]


def test_the_examples_of_the_documentation_run(project, demo_build, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CITY_POLICY_DATA", str(demo_build))
    commands = examples(project)
    assert len(commands) >= 8
    for command in commands:
        assert main(command) == 0, command
        said = capsys.readouterr().out
        if "--out" in command:
            assert all((tmp_path / path).stat().st_size > 500 for path in said.splitlines()) and said
        else:
            assert said.count("|") > 20 and ("模拟" in said or "simulated" in said)
    assert {path.suffix for path in (tmp_path / "paper").iterdir()} == {".tex", ".docx", ".xlsx", ".md"}


# -- tables.csv ----------------------------------------------------------------------------------------------------


def test_a_study_lists_tables_of_specifications(database, tmp_path):
    copy = tmp_path / "copy.duckdb"
    shutil.copy(database, copy)
    with duckdb.connect(str(copy)) as connection:
        connection.execute("delete from seeds.tables where table_no not in ('3', '5')")
        connection.execute(
            "update seeds.tables set result = null, title_zh = '稳健性', title_en = 'Robust', specifications = 'baseline no_municipalities', "
            "rows = 'treatments', statistic = 'se', decimals = '3', stars = '0.05', note_zh = '剔除直辖市。', note_en = 'No municipalities.' "
            "where table_no = '5'"
        )
        connection.execute(
            "insert into seeds.tables (table_no, title_zh, title_en, specifications) values ('7', '无', 'None', 'absent')"
        )
    with Database(copy) as opened:
        tables = build_tables(opened, Study(opened))
    assert [(table.number, table.title.en) for table in tables] == [
        (3, "Baseline estimates"),
        (5, "Robust"),
        (7, "None"),
    ]
    chosen = tables[1]
    assert [panel.n_columns for panel in chosen.panels] == [6] and labels(chosen)[3] == "Controls"
    cell = chosen.panels[0].rows[0].cells[0]
    assert (cell.number, cell.below(chosen.layout.lines[0]), cell.marked(chosen.layout)) == ("0.006", "(0.001)", "*")
    assert "No municipalities." in notes(chosen)
    assert tables[2].panels == () and "absent is no specification" in notes(tables[2])


def test_a_row_of_tables_csv_takes_the_defaults_of_the_command():
    cells = dict.fromkeys(
        ("rows", "statistic", "errors", "decimals", "stars", "note_zh", "note_en", "result", "title_zh", "title_en"),
        None,
    )
    assert options_of_row(cells | {"table_no": "2", "specifications": "baseline"}) == TableOptions(
        ("baseline",), number=2
    )


# -- typography ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        ("year -1 and -0.5", "year \u22121 and \u22120.5"), ("A-1 2011-2021 10-k", "A-1 2011-2021 10-k"), ("R2 of 5 %", "R² of 5\u202f%"),
        ("没有 R2。", "没有 R²。"), ("CR2 R2x", "CR2 R2x"), ("p < 0.05", "p\u00a0<\u00a00.05"), ("[-1, -2]", "[\u22121, \u22122]"),
    ],
)  # fmt: skip
def test_words_as_they_are_printed(words, printed):
    assert typeset(words) == printed


def test_numbers_as_they_are_printed():
    assert [digits(text) for text in ("-0.0168", "3025", "27225", "1234567.891", "(-2.34)")] == [
        "\u22120.0168", "3025", "27\u202f225", "1\u202f234\u202f567.891", "(\u22122.34)",
    ]  # fmt: skip


def test_letters_that_stand_for_a_statistic_are_italic():
    def italic(words):
        return [part for part, is_italic in parts(words) if is_italic]

    assert italic("t values and P 值, p < 0.1, within R2, Wald F") == ["t", "P", "p", "R", "F"]
    assert italic("the p-th city's t, plan F for a value; Panel F: F") == ["F"]
    assert italic("a value of N = 5 and don't") == ["N"]


def test_texts_are_one_line_without_control_characters():
    assert one_line("a\r\nb\tc\x00\x1b[0m\u202ed\u2066e\u200f\ufeff") == "a b c[0mde"
    assert same("x\ny\u202e").zh == "x y"


# -- texts do nothing ----------------------------------------------------------------------------------------------

PAYLOADS = (
    "<script>alert(1)</script>", "=1+1", "=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(1)", "\t=1+1", "\r=1+1",
    r"\input{/etc/passwd}", r"\write18{touch pwned}", "50% of a & b_c ^^M #1 {", "a | b || c", "`code` ``", "**bold** _i_ [a](javascript:1)",
    "![x](http://e.x/y.png)", "http://example.com www.example.com", "line\nbreak\n\n# head", "- item", "1. item", "---", "<!-- x -->", "&lt;b&gt;",
    "\u202eright\u2066 to left\u200f", "bell\x07 nul\x00 esc\x1b", "$x^2$ ~ \\\\ \\", "']; --", "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
)  # fmt: skip


def payload_table() -> PaperTable:
    """Every kind of text is a payload; the numbers say which."""
    rows = []
    for number, payload in enumerate(PAYLOADS):
        rows.append(TableRow(same(payload), is_heading=True))
        rows.append(
            TableRow(
                same(payload),
                (Cell(words=same(payload)), Cell(-number - 0.5, statistics={"CRV1": Statistic(-2.0, 0.001)})),
            )
        )
    panels = tuple(
        Panel(
            same(payload),
            same(payload),
            (((same(payload), 2),), ((same(payload), 1), (same(payload), 1))),
            tuple(rows) if payload == PAYLOADS[0] else tuple(rows[:2]),
        )
        for payload in PAYLOADS
    )
    return PaperTable(None, "regressions", same(" ".join(PAYLOADS)), panels, tuple(map(same, PAYLOADS)), ())


@pytest.fixture(scope="module")
def payloads(tmp_path_factory):
    folder = tmp_path_factory.mktemp("payloads")
    write_table(payload_table(), folder / "table", tuple(WRITERS), "en")
    return folder


def test_texts_are_texts_in_excel(payloads, tmp_path):
    """Neither openpyxl nor a spreadsheet program finds a formula, and numbers are numbers."""
    book = load_workbook(payloads / "table.xlsx")
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert not [cell for cell in cells if cell.data_type == "f"] and len(cells) > 300
    assert all(
        cell.quotePrefix for cell in cells if isinstance(cell.value, str) and cell.value.strip()[:1] in tuple("=+-@")
    )
    assert sum(isinstance(cell.value, float) for cell in cells) > len(PAYLOADS)
    with zipfile.ZipFile(payloads / "table.xlsx") as archive:
        assert not any(b"<f>" in archive.read(name) or b"<f " in archive.read(name) for name in archive.namelist())
    soffice = program("soffice", "libreoffice-calc-nogui")
    subprocess.run(
        [soffice, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", "fods", "--outdir", str(tmp_path),
         str(payloads / "table.xlsx")], capture_output=True, timeout=300, check=True,
    )  # fmt: skip
    text = (tmp_path / "table.fods").read_text(encoding="utf-8")
    assert "table:formula" not in text and text.count('office:value-type="float"') > len(PAYLOADS)
    assert "=1+1" in text


def test_texts_are_texts_in_word(payloads):
    document = docx.Document(str(payloads / "table.docx"))
    text = "\n".join(cell.text for cell in document.tables[0]._cells) + "\n".join(p.text for p in document.paragraphs)
    for payload in ("<script>alert(1)</script>", "=cmd|' /C calc'!A0", r"\input{/etc/passwd}"):
        assert payload in text
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", text)
    with zipfile.ZipFile(payloads / "table.docx") as archive:
        body = archive.read("word/document.xml").decode("utf-8")
    assert (
        "<script" not in body and "w:fldSimple" not in body and "w:instrText" not in body and "w:hyperlink" not in body
    )


def test_texts_are_texts_in_markdown(payloads):
    markdown_it = pytest.importorskip("markdown_it")
    text = (payloads / "table.md").read_text(encoding="utf-8")
    html = markdown_it.MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    assert not re.search(r"<(script|a|img|code|pre|h\d|ul|ol|hr|li)\b|<!--", html)
    # Emphasis is ours: the title and letters that stand for a statistic.
    assert set(re.findall(r"<em>(.*?)</em>", html)) <= {"t", "p", "P", "R", "F", "N", "Z"}
    assert html.count("<table>") == len(PAYLOADS)
    assert all(row.count("<td") == 3 for row in re.findall(r"<tr>\n<td.*?</tr>", html, re.DOTALL))


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_are_texts_in_latex(tmp_path, language):
    xelatex = program("xelatex", "texlive-xetex texlive-lang-chinese")
    table = latex_file(payload_table(), language)
    (tmp_path / "table.tex").write_text(table, encoding="utf-8")
    (tmp_path / "main.tex").write_text(
        PREAMBLE["zh"]
        + "\\usepackage{array,booktabs}\\usepackage[a4paper,margin=2cm]{geometry}\\begin{document}\\input{table.tex}\\end{document}\n",
        encoding="utf-8",
    )
    result = subprocess.run(
        [xelatex, "-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "main.tex"],
        cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=300,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout[-1500:]
    assert not (tmp_path / "pwned").exists() and "/etc/passwd" not in result.stdout
    assert not re.search(r"(?<!\\)(?:\\\\)*\\(input|write|include|openin)\b", table)


# -- Word and LaTeX as documents -----------------------------------------------------------------------------------


def test_word_keeps_a_number_with_its_t_value_and_repeats_headings(database, tmp_path):
    table = made(database, "baseline", "group_*_bcs")
    write_table(table, tmp_path / "table", ("docx",), "zh")
    document = docx.Document(str(tmp_path / "table.docx"))
    width = document.sections[0].page_width - document.sections[0].left_margin - document.sections[0].right_margin
    for grid, panel in zip(document.tables, table.panels, strict=True):
        n_headings = len(panel.headings) + bool(panel.title)
        is_heading = ["w:tblHeader" in row._tr.xml for row in grid.rows]
        assert is_heading == [True] * n_headings + [False] * (len(grid.rows) - n_headings)
        assert all("w:cantSplit" in row._tr.xml for row in grid.rows)
        lines = [[cell.text for cell in row.cells] for row in grid.rows]
        kept = [row.cells[1].paragraphs[0].paragraph_format.keep_with_next for row in grid.rows]
        for number in range(n_headings, len(lines) - 1):
            if any(re.fullmatch(r"\([−\d.]+\)", text) for text in lines[number + 1][1:]):
                assert kept[number], lines[number]
        assert kept[-1] and sum(column.width for column in grid.columns) <= width + Pt(1)
    assert {panel.n_columns for panel in table.panels} <= set(range(3, 11))


def test_long_labels_and_ten_columns_fit_in_latex(database, tmp_path):
    xelatex = program("xelatex", "texlive-xetex texlive-lang-chinese")
    table = made(database, "group_*_bcs", statistics=("t", "se"))
    long = replace(
        table.panels[0].rows[0],
        label=same("A label that is much longer than a column of labels of a table can ever be wide"),
    )
    table = replace(table, panels=(replace(table.panels[0], rows=(long, *table.panels[0].rows)),))
    for language in LANGUAGES:
        (tmp_path / f"{language}.tex").write_text(latex_file(table, language), encoding="utf-8")
    (tmp_path / "main.tex").write_text(
        PREAMBLE["zh"]
        + "\\usepackage{array,booktabs}\\usepackage[a4paper,margin=2cm]{geometry}\\begin{document}\\input{zh}\\input{en}\\end{document}\n",
        encoding="utf-8",
    )
    result = subprocess.run(
        [xelatex, "-interaction=nonstopmode", "-halt-on-error", "main.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=300,
    )
    assert result.returncode == 0, result.stdout[-1500:]
    log = (tmp_path / "main.log").read_text(encoding="utf-8", errors="replace")
    assert (
        max([float(points) for points in re.findall(r"Overfull \\hbox \(([\d.]+)pt too wide\)", log)], default=0) < 12
    )
    assert "Missing character" not in log and "Float too large" not in log


def test_the_same_table_is_the_same_bytes(database, tmp_path):
    for name in ("one", "two"):
        write_table(made(database, "baseline", "imputation"), tmp_path / name / "table", tuple(WRITERS), "zh")
    for ending in WRITERS:
        assert (tmp_path / f"one/table.{ending}").read_bytes() == (tmp_path / f"two/table.{ending}").read_bytes()


def test_nothing_is_half_written(database, tmp_path):
    (tmp_path / "table.md").write_text("mine", encoding="utf-8")
    (tmp_path / "table.docx").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        write_table(made(database, "baseline"), tmp_path / "table", ("docx", "md"), "zh")
    assert (tmp_path / "table.md").read_text(encoding="utf-8") == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {"table.md", "table.docx"}
