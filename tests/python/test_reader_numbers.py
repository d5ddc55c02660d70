"""Numbers: the rules, and that Python and SQL follow the same ones."""

import duckdb
import jinja2
import pytest
from city_policy.reader.text import MISSING, parse_number
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.fixture(scope="module")
def sql(project):
    """Runs the SQL macros on texts: (status, number) per text."""
    source = (project / "macros" / "parse_number.sql").read_text(encoding="utf-8")
    macros = jinja2.Environment().from_string(source).module
    query = f"""
        select
            case
                when {macros.is_missing_text("plain")} then 'missing'
                when {macros.parse_number("plain")} is null then 'unparsed'
                else 'printed'
            end,
            {macros.parse_number("plain")}
        from (select {macros.plain_number("text")} as plain, position from unnest(?::varchar[]) with ordinality
              as texts (text, position))
        order by position
    """
    connection = duckdb.connect(config={"threads": 1})
    return lambda texts: connection.execute(query, [texts]).fetchall()


CASES = {
    "1277.9": 1277.9,
    "0": 0.0,
    "007": 7.0,
    "1,234,567.50": 1234567.5,
    "-3.1": -3.1,
    "+3.1": 3.1,
    "－３．１": -3.1,
    "−3": -3.0,
    "１，２３４": 1234.0,
    "\u3000 5\u00a0": 5.0,
    "\ufeff5\u200b": 5.0,
}
REJECTED = [
    "12,34",
    "1234,567",
    ",123",
    "12 34",
    "6253089\r\n3080590",
    "0.43.90",
    "16147C",
    "155(",
    "65:",
    "17-",
    "5.",
    ".5",
    "1e5",
    "nan",
    "inf",
    "12%",
    "--5",
    "l2",
    "〇",
    "٣",
    "1_000",
]


@pytest.mark.parametrize(("text", "number"), CASES.items())
def test_numbers(sql, text, number):
    assert parse_number(text) == ("printed", number)
    assert sql([text]) == [("printed", number)]


@pytest.mark.parametrize("text", REJECTED)
def test_what_is_no_number(sql, text):
    assert parse_number(text) == ("unparsed", None)
    assert sql([text]) == [("unparsed", None)]


@pytest.mark.parametrize("text", sorted(MISSING))
def test_what_says_that_nothing_was_reported(sql, text):
    assert parse_number(text) == ("missing", None)
    assert sql([text]) == [("missing", None)]


digits = st.text("0123456789０１５９", min_size=1, max_size=12)
printed = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(["", " ", "\u3000", "\t"]),
    st.sampled_from(["", "-", "+", "－", "−"]),
    digits,
    st.one_of(st.just(""), st.builds(".{}".format, digits), st.builds("，{}".format, digits)),
    st.sampled_from(["", "\u00a0", "\r\n", "(", "C", " 1"]),
)
soup = st.text("0123456789,.-+−－。．，０９ \u3000\u00a0\u200b\r\n\teE%#…—C(", max_size=14)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(printed, soup), min_size=1, max_size=50))
def test_python_and_sql_agree(sql, texts):
    assert sql(texts) == [parse_number(text) for text in texts]


@given(st.floats(-1e12, 1e12).map(lambda value: f"{value:.4f}"))
def test_printed_numbers_come_back(text):
    assert parse_number(text) == ("printed", float(text))


@given(st.integers(-(10**12), 10**12))
def test_thousands_groups_come_back(number):
    assert parse_number(f"{number:,}") == ("printed", float(number))
