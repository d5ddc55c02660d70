"""What the models refuse: the SQL of a model on a few made-up rows ends in one sentence, never in an empty table."""

import re

import duckdb
import jinja2
import pytest


@pytest.fixture
def run(project):
    """Runs a model's SQL on ``tables`` (name -> its SQL) and ``settings``; returns its rows."""

    def run_model(model: str, tables: dict[str, str], settings: dict[str, str | None]) -> list[tuple]:
        text = (project / "models" / f"{model}.sql").read_text(encoding="utf-8")
        loader = jinja2.DictLoader({"setting": (project / "macros" / "setting.sql").read_text(encoding="utf-8")})
        environment = jinja2.Environment(loader=loader)
        environment.globals["ref"] = lambda name: name
        environment.globals["var"] = lambda name: "demo"
        text = "{% from 'setting' import setting with context %}" + text
        sql = environment.from_string(text).render()
        connection = duckdb.connect()
        connection.execute("create table int_settings (setting varchar, value varchar)")
        for item in settings.items():
            connection.execute("insert into int_settings values (?, ?)", item)
        for name, definition in tables.items():
            connection.execute(f"create table {name} as {definition}")
        return connection.execute(sql).fetchall()

    return run_model


@pytest.fixture
def refusal(run):
    """The sentence in which a model refuses its rows."""

    def refuse(*arguments) -> str:
        with pytest.raises(duckdb.InvalidInputException) as caught:
            run(*arguments)
        message = re.sub(r"^Invalid Input Error: ", "", str(caught.value))
        assert "\n" not in message and message.endswith(".")
        return message

    return refuse


FRAME = "intermediate/int_city_year_frame"
CELLS = """
    select * from (values (2011, 'yearbook', 'a', 1.0), (2012, 'yearbook', 'a', 1.0), (2020, 'yearbook', 'a', 1.0),
    (2023, 'yearbook', 'a', 1.0)) as cells (data_year, source, adcode, value)
"""
FRAME_TABLES = {
    "stg_cities": "select 'a' as adcode, true as is_prefecture_city_or_above",
    "cln_cell_values": CELLS,
    "stg_panel": "select 'a' as adcode, 2011 as year where false",
}
STUDY = {"study_first_year": "2011", "study_last_year": "2021", "first_year": None, "last_year": None}


def test_frame_as_it_should_be(run):
    assert [year for _, year in run(FRAME, FRAME_TABLES, STUDY)] == [2011, 2012, 2020]


@pytest.mark.parametrize(
    ("setting", "year"), [("first_year", "2010"), ("first_year", "2013"), ("last_year", "2021"), ("last_year", "2023")]
)
def test_a_bound_that_nobody_prints_or_the_study_leaves_out(refusal, setting, year):
    message = refusal(FRAME, FRAME_TABLES, STUDY | {setting: year})
    assert message.startswith(f"The setting {setting} of study.csv asks for {year}; ")
    assert "that the input has are 2011, 2012, 2020: set it to one of them or leave it blank" in message


def test_bounds_in_the_wrong_order(refusal):
    message = refusal(FRAME, FRAME_TABLES, STUDY | {"first_year": "2020", "last_year": "2012"})
    assert "start in 2020 (first_year) and end in 2012 (last_year)" in message


def test_no_year_of_the_study_is_printed(refusal):
    message = refusal(FRAME, FRAME_TABLES, STUDY | {"study_first_year": "2024", "study_last_year": "2030"})
    assert "has no year from study_first_year to study_last_year" in message and "(2024 to 2030)" in message


SERIES = "intermediate/int_measure_series"
SERIES_TABLES = {
    "measures": """
        select * from (values ('population', 1, 'resident_population', false),
        ('population', 2, 'registered_population', false)) as rows (measure, priority, series, is_proxy)
    """,
    "int_input_coverage": """
        select * from (values ('resident_population', 0.0, 2011, false, false),
        ('registered_population', 1.0, 2011, true, true))
        as rows (series, smallest_share, smallest_share_year, is_printed_every_year, is_covered)
    """,
}


def test_a_population_basis_that_the_input_does_not_cover(refusal):
    message = refusal(SERIES, SERIES_TABLES, {"population_basis": "resident_population"})
    assert "resident_population has values for 0 % of the cities in 2011" in message
    assert "set it to auto or to one of: registered_population" in message


def test_a_population_basis_that_is_not_offered(refusal):
    message = refusal(SERIES, SERIES_TABLES, {"population_basis": "households"})
    assert "asks for households; set it to auto or to one of resident_population, registered_population" in message


def test_no_indicator_is_covered(refusal):
    message = refusal(
        "intermediate/int_indicator_coverage",
        {
            "stg_indicators": "select 1 as position, 'robot_density' as indicator, 'ratio' as computed_by",
            "int_indicator_needs": """
                select 'robot_density' as indicator, null as subsystem, 'robots' as measure, null as proxy_note,
                'robots (values for 12 % of the cities in 2020)' as uncovered_reason
            """,
            "int_capital_stock": "select 'a' as adcode where false",
            "int_city_year_frame": "select 'a' as adcode, 2011 as year",
        },
        {"coverage_limit": "0.8"},
    )
    assert "robot_density: not covered by this input: robots (values for 12 % of the cities in 2020)" in message


def test_no_city_is_left_in_the_sample(refusal):
    message = refusal(
        "intermediate/int_sample_membership",
        {
            "int_city_year_frame": "select unnest(['a', 'b']) as adcode, 2020 as year",
            "int_sample_gaps": """
                select * from (values ('a', 'still missing', 'land_area', 2020, null),
                ('b', 'still missing', 'land_area', 2020, null), ('b', 'still missing', 'fdi', 2011, null))
                as rows (adcode, kind, input, year, missing_share)
            """,
        },
        {},
    )
    assert "No city is left in the sample: 2 of 2 cities lack land_area in 2020" in message
