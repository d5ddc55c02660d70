"""The sentences of the published tables in Chinese: every one is there, and it is what the report says."""

import re

import duckdb
import pandas as pd
import pytest
from city_policy.publish import PUBLISHED_SCHEMAS
from city_policy.report.database import Database
from city_policy.report.kinds.tools import Tools
from city_policy.report.messages import catalogue
from city_policy.report.sentences import (
    MESSAGE_COLUMNS,
    SENTENCES_SCHEMA,
    WORD_COLUMNS,
    chinese_sentences,
    words_in_both_languages,
)
from city_policy.report.study import Study

# Three English words and more in a row.
ENGLISH = re.compile(r"(?:\b[a-z][a-z'’-]+[ ,]+){3,}[a-z]+")
HALF_WIDTH = re.compile(r"[\u4e00-\u9fff] ?[,;:?!()]|[,;:?!()] ?[\u4e00-\u9fff]")
# Columns with English words that are no sentences: names and definitions, which have a Chinese column beside them, what
# a source is called, keys, and what is made of keys.
NO_SENTENCES = re.compile(
    r"name_en|definition_en|title_en|series_name_en|citation|source|required_measures|group_[12]_name|spec_id|check_id"
    r"|column_no|place|regression|verdict|file_and_sheet|unit|file|sheet|text"
)


def database_of(data):
    """The published file of a build."""
    return next(iter(data.glob("studies/*/city_policy.duckdb")), data / "city_policy.duckdb")


@pytest.fixture(params=["demo_build", "low_carbon_build"])
def published(request):
    """The published database of the paper's study and of another."""
    file = database_of(request.getfixturevalue(request.param))
    with duckdb.connect(str(file), read_only=True) as connection:
        yield connection


def text_columns(connection):
    """Schema, table and column of every text of the published tables."""
    return connection.execute(
        f"select table_schema, table_name, column_name from information_schema.columns where data_type = 'VARCHAR' "
        f"and table_schema in {PUBLISHED_SCHEMAS} and table_name not like '%sentences' order by all"
    ).fetchall()


def said_in(connection, schema, table, column):
    """The texts of a column that have a letter."""
    rows = connection.execute(
        f'select distinct "{column}" from {schema}.{table} where "{column}" is not null'
    ).fetchall()
    return {text for (text,) in rows if re.search("[A-Za-z]", text)}


def test_every_sentence_of_the_published_tables_has_its_chinese_form(published):
    known = {}
    for table in ("results.sentences", "replication.replication_sentences"):
        schema, name = table.split(".")
        if (schema, name) in published.execute("select schema_name, table_name from duckdb_tables()").fetchall():
            known[schema] = dict(published.execute(f"select sentence, sentence_zh from {table}").fetchall())
    checked = 0
    for schema, table, column in text_columns(published):
        if column not in MESSAGE_COLUMNS:
            continue
        rows = known["replication" if schema == "replication" else "results"]
        for sentence in said_in(published, schema, table, column):
            assert rows.get(sentence), (schema, table, column, sentence)
            checked += 1
    assert checked > 100
    for rows in known.values():
        for sentence, chinese in rows.items():
            assert not ENGLISH.search(chinese) and not HALF_WIDTH.search(chinese), (sentence, chinese)


def test_no_other_column_holds_sentences(published):
    """Whoever adds a column with sentences names it in the library, or here as none."""
    for schema, table, column in text_columns(published):
        if column not in (*MESSAGE_COLUMNS, *WORD_COLUMNS) and not NO_SENTENCES.fullmatch(column):
            found = [
                text for text in said_in(published, schema, table, column) if re.search(r"[a-z]+ [a-z]+ [a-z]+", text)
            ]
            assert not found, (schema, table, column, found[:3])


def test_codes_are_those_of_the_catalogue(published):
    codes = {message.code for message in catalogue()}
    rows = published.execute("select sentence, code from results.sentences where code is not null").fetchall()
    assert len(rows) > 20
    for sentence, code in rows:
        assert set(code.split(" ")) <= codes, (sentence, code)


def test_the_report_says_what_the_table_says(demo_build):
    with Database(demo_build / "city_policy.duckdb") as database:
        tools = Tools(database, Study(database))
        rows = database.rows("results.regression_coefficients", "all", "message is not null")
        table = {row["sentence"]: row["sentence_zh"] for row in database.rows("results.sentences", "sentence")}
        said = {row["message"] for row in rows}
        assert len(said) > 20
        for message in said:
            assert tools.note(message).zh == table[message]


def test_the_notes_of_the_reader_have_their_chinese_form(demo_build, words):
    """The demo yearbook gives no note, so that its table gets some here."""
    said = {
        "Hidden: rows 3 to 5 were left out.": "第 3～5 行已隐藏，未读入。",
        "The cell holds the error #DIV/0! instead of a value.": "单元格为错误值 #DIV/0!，没有数值。",
        "this page prints the unit 人, the other pages of the table 万人": "该页刊载的单位为“人”，该表其他各页为“万人”",
    }
    with duckdb.connect(str(demo_build / "city_policy.duckdb"), read_only=True) as connection:
        connection.register("given", pd.DataFrame({"message": list(said)}))
        notes = connection.sql("select * from quality.reader_notes union all by name select * from given")
        found = chinese_sentences([notes], words)
    forms = dict(zip(found["sentence"], found["sentence_zh"], strict=True))
    assert forms.items() >= said.items() and all(forms.values())


def test_the_demo_and_the_second_study_lack_no_chinese_form(demo_build, low_carbon_build):
    for data in (demo_build, low_carbon_build):
        assert "messages.csv" not in (data / "output.txt").read_text(encoding="utf-8")


@pytest.fixture
def words():
    """Names and words of a small study: one policy, one variable, one topic with Chinese and one without."""
    named = {"name_zh": ["外资"], "name_en": ["capital"], "position": [1]}
    empty = pd.DataFrame(columns=["kind", "key", "label_zh", "label_en"])
    topics = pd.DataFrame(
        {
            "topic": ["few cities", "my own doubt"],
            "topic_zh": ["城市太少", None],
            "note": ["Read baseline_effects.", "I doubt this number very much."],
            "note_zh": ["读 baseline_effects。", None],
            "what_to_read_instead": [None, None],
            "what_to_read_instead_zh": [None, None],
        }
    )
    labels = pd.DataFrame([("result", "baseline_effects", "基准回归", "Baseline")], columns=list(empty.columns))
    return words_in_both_languages(
        labels=[labels, empty],
        series=pd.DataFrame({"series": ["gdp"], "name_zh": ["地区生产总值"], "name_en": ["regional product"]}),
        indicators=pd.DataFrame(
            columns=["indicator", "name_zh", "name_en", "dimension", "dimension_zh", "dimension_en"]
        ),
        variables=pd.DataFrame({"variable": ["fdi"], "column_name": ["fdi_cny"], "role": ["control"], **named}),
        policies=pd.DataFrame(
            {"policy_id": ["zone"], "role": ["study"], "short_zh": ["新区"], "short_en": ["zone"], **named}
        ),
        samples=pd.DataFrame({"sample": ["sample_full"], "published_sample": [None], **named}),
        topics=[topics],
        breaks=pd.DataFrame({"note_en": ["Printed anew."], "note_zh": ["重新刊载。"]}),
        published=[
            pd.DataFrame({"claim": ["Table 3: a above b", "my own"], "claim_zh": ["表 3：甲大于乙", None]}),
            pd.DataFrame({"reason": ["Founded in 2012."], "reason_zh": ["2012 年设立。"]}),
        ],
    )


def translated(words, **columns):
    """Sentence -> code and Chinese form, for a table with one row."""
    table = duckdb.from_df(pd.DataFrame({name: [value] for name, value in columns.items()}).astype("str"))
    frame = chinese_sentences([table], words)
    assert list(frame.columns) == list(SENTENCES_SCHEMA)
    return {row.sentence: (row.code, row.sentence_zh) for row in frame.itertuples()}


def test_names_stand_in_place_of_identifiers(words):
    found = translated(
        words, message="Dropped as collinear: fdi_cny, gdp. The effect is that of one more year of exposure."
    )
    assert list(found.values()) == [
        (
            "dropped_as_collinear the_effect_is_that_of",
            "因共线而剔除：外资、地区生产总值。系数为试点每多持续一年的效应。",
        )
    ]
    assert translated(
        words, exclusion_reason="2 inputs miss more than the allowed share of their cells (up to 73 %): gdp fdi"
    ) == {
        "2 inputs miss more than the allowed share of their cells (up to 73 %): gdp fdi": (
            "inputs_miss_more_than_the",
            "2 项原始指标的缺失比例超过上限（最高 73%）：地区生产总值、外资",
        )
    }


def test_a_sentence_that_nobody_translated_has_an_empty_chinese_form(words):
    ((sentence, (code, chinese)),) = translated(words, message="Pigs may fly.").items()
    assert sentence == "Pigs may fly." and pd.isna(code) and pd.isna(chinese)


def test_words_of_a_study_have_the_chinese_that_it_gives_and_no_row_without(words):
    found = translated(words, topic="few cities", note="Read baseline_effects.", known_break="Printed anew.")
    assert {sentence: chinese for sentence, (_, chinese) in found.items()} == {
        "few cities": "城市太少",
        "Read baseline_effects.": "读“基准回归”。",
        "Printed anew.": "重新刊载。",
    }
    assert all(pd.isna(code) for code, _ in found.values())
    published = translated(words, subject="Table 3: a above b", exclusion_reason="Founded in 2012.")
    assert [chinese for _, chinese in published.values()] == ["2012 年设立。", "表 3：甲大于乙"]
    assert translated(words, subject="my own") == {}
    assert (
        translated(words, topic="my own doubt", note="I doubt this number very much.", bound="value set red, blue")
        == {}
    )
    # An argument in the words of a study would leave half a sentence English.
    assert translated(words, subject="Table 3: my effect above yours") == {}


def test_numbers_and_other_columns_are_left_out(words):
    assert translated(words, observed="0.25", published="***", estimator="fixed_effects", file="a b c") == {}
    assert translated(words, observed="50 %: 0.25", bound="-0.5") == {
        "50 %: 0.25": ("value_at_percentile", "50% 分位数：0.25")
    }
    table = duckdb.sql("select 1.5 as bound, 'The sample ''x'' is empty.' as message union all select 2, null")
    assert list(chinese_sentences([table], words)["sentence_zh"]) == ["样本“x”没有观测。"]
    none = duckdb.sql("select null::varchar as message where false")
    frame = chinese_sentences([none], words)
    assert frame.empty and list(frame.columns) == list(SENTENCES_SCHEMA)
