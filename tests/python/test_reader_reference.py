"""The real yearbooks against an independent parser's cells, through the reader and the cleaning models."""

import duckdb
import pytest
from city_policy.reader import ingest
from city_policy.reader.knowledge import load_knowledge
from reader_workbooks import GEOGRAPHY, MAPPING

INDICATORS = {
    "pop_end": "registered_population",
    "pop_avg": "average_population",
    "land": "land_area",
    "gdp": "gdp",
    "gdp_pc": "gdp_per_capita",
    "gdp_growth": "gdp_growth",
    "tert": "tertiary_share",
    "fisc_exp": "fiscal_expenditure",
    "sci_exp": "science_expenditure",
    "edu_exp": "education_expenditure",
    "fai": "fixed_asset_investment",
    "fdi": "fdi",
    "emp_total": "employees",
    "emp_it": "employees_information",
    "emp_sci": "employees_research",
    "students": "higher_education_students",
    "telecom_rev": "telecom_revenue",
    "mobile": "mobile_subscribers",
    "internet": "internet_subscribers",
    "green": "green_coverage",
    "wastewater": "industrial_waste_water",
    "solid_util": "solid_waste_utilization",
    "so2": "so2_emissions",
    "dust": "industrial_dust",
    "pm25": "pm25",
    "patents": "patents_granted",
    "patents_inv": "invention_patents_granted",
    "rd": "research_expenditure",
    "urban_pop": "urban_resident_population",
}

# Cells that were looked at in the workbook and rightly end in quarantine: (edition, table, sheet, row) →
# reason.
LOOKED_AT = {
    ("2015", "2-11_行政区域土地面积及人口密度.xlsx", "1-8", 40): (
        "unparsed number",
        "the number ends in a decimal point; whether decimals are lost cannot be seen",
    ),
    ("2012", "2-15_地方财政一般预算内收支状况(全市).xlsx", "5", 7): (
        "conflicting duplicate",
        "the English name is Jingmen: the row of 荆门 carries the name of 荆州",
    ),
    ("2012", "2-15_地方财政一般预算内收支状况(全市).xlsx", "5", 9): (
        "conflicting duplicate",
        "the row of 荆州 itself, in conflict with the wrongly named row above",
    ),
}

# The only city that a printed table lacks, because its name is wrong there (see above).
LOST = {("2012/2-15_地方财政一般预算内收支状况(全市).xlsx", "420800")}


@pytest.fixture(scope="module")
def built(shared, request, tmp_path_factory):
    """A connection to the models of the four real editions, and the summary of their ingest."""
    folder = shared / "yearbooks"
    if not (folder / "reference_cells.csv").is_file():
        pytest.skip("the yearbook workbooks are not among the public test material")
    data = request.getfixturevalue("yearbooks_build")
    summary = ingest(folder, tmp_path_factory.mktemp("reference"), MAPPING, GEOGRAPHY, progress=False)
    connection = duckdb.connect()
    connection.execute(f"attach '{data / 'build.duckdb'}' as build (read_only)")
    connection.execute("use build")
    return connection, summary


@pytest.fixture(scope="module")
def compared(built, shared):
    """One row per reference cell with what the cleaning model made of the same cell."""
    connection, _ = built
    connection.execute("create temp table names (indicator varchar, series varchar)")
    connection.executemany("insert into names values (?, ?)", list(INDICATORS.items()))
    rows = connection.execute(
        """
        with reference as (
            select
                reference.*,
                case
                    when reference.indicator = 'pop_end' and data_year = '2020' then 'resident_population'
                    else names.series
                end as series,
                case when reference.indicator = 'green' then 'districts' else 'city' end as scope
            from read_csv(?, all_varchar = true, header = true) as reference
            inner join names using (indicator)
        )
        select
            reference.yearbook,
            reference.file,
            reference.sheet,
            reference.excel_row::integer,
            reference.parse_status,
            reference.value::double,
            reference.city_std,
            coalesce(cities.name_zh, case cells.part_adcode when '371200' then '莱芜市' end),
            cells.cell_status,
            cells.quarantine_reason,
            cells.printed_value,
            count(*) over (partition by reference.yearbook, reference.file, reference.sheet,
            reference.excel_row,
                           reference.indicator)
        from reference
        left join build.cleaning.cln_cell_values as cells
            on
                cells.file = reference.yearbook || '/' || reference.file
                and cells.sheet = reference.sheet
                and cells."row" = reference.excel_row::integer
                and cells.series = reference.series
                and cells.scope = reference.scope
                and cells.data_year = reference.data_year::integer
        left join build.seeds.cities as cities on cells.part_adcode = cities.adcode
        """,
        [str(shared / "yearbooks" / "reference_cells.csv")],
    ).fetchall()
    columns = [
        "edition",
        "file",
        "sheet",
        "row",
        "parse_status",
        "value",
        "city",
        "our_city",
        "status",
        "reason",
        "our_value",
        "copies",
    ]
    return [dict(zip(columns, row, strict=True)) for row in rows]


def test_every_reference_cell_is_compared_once(compared):
    assert len(compared) == 25775
    assert all(cell["copies"] == 1 for cell in compared)


def test_every_city_is_that_of_the_reference(compared):
    assert [cell for cell in compared if cell["our_city"] != cell["city"]] == []


def test_every_number_marked_ok_agrees(compared):
    wrong = []
    for cell in compared:
        if not cell["parse_status"].startswith("ok"):
            continue
        looked_at = LOOKED_AT.get((cell["edition"], cell["file"], cell["sheet"], cell["row"]))
        if looked_at:
            if (cell["status"], cell["reason"]) != ("quarantined", looked_at[0]):
                wrong.append(cell)
        elif cell["our_value"] != cell["value"] or cell["status"] not in ("printed", "corrected"):
            wrong.append(cell)
    assert wrong == []


def test_what_the_reference_could_not_parse_is_no_number_here_either(compared):
    for cell in compared:
        if not cell["parse_status"].startswith("ok"):
            assert cell["our_value"] is None
            assert cell["status"] in ("missing", "quarantined")


def test_nothing_is_unknown(built):
    connection, summary = built
    assert summary.unknown_tables == {}
    assert summary.unknown_headers == {}
    assert summary.unknown_names == {}
    assert connection.execute("select count(*) from build.quality.unknown_headers").fetchone() == (0,)
    reasons = dict(
        connection.execute(
            "select quarantine_reason, count(*) from build.cleaning.cln_cell_values "
            f"where cell_status = 'quarantined' and series in {tuple(INDICATORS.values())} group by all"
        ).fetchall()
    )
    # The two rows that both say 荆州市 print four of these series; 12 numbers are damaged.
    assert reasons == {"conflicting duplicate": 6, "unparsed number": 12}


def test_no_city_is_lost_in_any_table(built):
    """Every city that some table of an edition prints is printed, under one name, in every table of that
    edition."""
    connection, _ = built
    knowledge = load_knowledge(MAPPING, GEOGRAPHY)
    printed: dict[int, dict[str, set[str]]] = {}
    for year, file, name in connection.execute(
        "select distinct data_year, file, city_raw from build.staging.stg_yearbook_cells"
    ).fetchall():
        cities = printed.setdefault(year, {}).setdefault(file, set())
        place = knowledge.place(name, year)
        if place is not None and place.kind == "city":
            cities.add(place.part_adcode)
    assert {year: len(set().union(*files.values())) for year, files in printed.items()} == {
        2011: 288,
        2014: 290,
        2017: 298,
        2020: 297,
    }
    lost = {
        (file, code)
        for files in printed.values()
        for file, cities in files.items()
        for code in set().union(*files.values()) - cities
    }
    assert lost == LOST


def test_beijing_land_area_is_corrected_where_a_digit_is_lost(built):
    connection, _ = built
    rows = connection.execute(
        """
        select data_year, cell_status, value > printed_value from build.cleaning.cln_cell_values
        where series = 'land_area' and adcode = '110000' and scope = 'city'
        order by data_year
        """
    ).fetchall()
    assert rows == [(2011, "corrected", True), (2014, "printed", False), (2017, "printed", False)]
