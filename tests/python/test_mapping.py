"""What the seeds of seeds/mapping say of the yearbook: that they hold together, and that they mean what is printed."""

import csv
import re
from itertools import combinations

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from city_policy.reader import ingest
from city_policy.reader.knowledge import HeaderRow, load_knowledge
from city_policy.reader.text import parse_label, parse_number
from reader_workbooks import GEOGRAPHY, MAPPING
from test_reader_reference import INDICATORS

YEARS = range(1984, 2031)


def seed(name: str) -> list[dict[str, str]]:
    with (MAPPING / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, strict=True))


SERIES = {row["series"]: row for row in seed("series")}
HEADERS = seed("headers")
UNITS = seed("units")
TITLES = [row["table_title"] for row in seed("table_titles")]
FACTORS = {(row["unit"], row["canonical_unit"]): float(row["factor"]) for row in UNITS}


@pytest.fixture(scope="module")
def knowledge():
    return load_knowledge(MAPPING, GEOGRAPHY)


def years(row: dict[str, str]) -> set[int]:
    return set(YEARS) & set(range(int(row["valid_from"] or 0), int(row["valid_to"] or 9999) + 1))


def fit(row: dict[str, str], title: str) -> int:
    return HeaderRow(row["table_title"], "", "", "", 0, 9999).fit(title)


# The seeds alone


def test_every_series_is_described_in_both_languages():
    for name, row in SERIES.items():
        assert re.fullmatch("[a-z][a-z0-9_]*", name), name
        for column in ("name_zh", "definition_zh"):
            assert re.search("[\u4e00-\u9fff]", row[column]) or "R&D" in row[column], (name, column)
        for column in ("name_en", "definition_en"):
            assert re.search("[a-z]{3}", row[column]) and not re.search("[\u4e00-\u9fff]", row[column]), (name, column)
        assert row["definition_en"].endswith(".") and row["definition_zh"].endswith("。"), name
    for column in ("name_zh", "name_en"):
        names = [row[column] for row in SERIES.values()]
        assert sorted({name for name in names if names.count(name) > 1}) == [], column


def test_a_part_has_the_unit_of_its_whole_and_no_series_is_part_of_itself():
    for name, row in SERIES.items():
        chain = [name]
        while SERIES[chain[-1]]["part_of"]:
            whole = SERIES[chain[-1]]["part_of"]
            assert whole not in chain, chain
            assert SERIES[whole]["canonical_unit"] == row["canonical_unit"], (name, whole)
            chain.append(whole)
        if row["part_of"]:
            assert row["definition_en"] != SERIES[row["part_of"]]["definition_en"], name


def test_breaks_name_known_series_and_possible_years():
    breaks = seed("series_breaks")
    for row in breaks:
        assert row["series"] in SERIES
        assert 1985 <= int(row["first_year"]) <= 2030
        assert row["note_zh"] and row["note_en"].endswith(".")
    keys = [(row["series"], row["first_year"]) for row in breaks]
    assert len(set(keys)) == len(keys)


def test_every_header_names_a_series_and_a_unit_that_converts():
    for row in HEADERS:
        assert (row["series"] or row["note"]) and row["header"], row
        assert not row["series"] or row["series"] in SERIES, row
        assert years(row), row
        if row["default_unit"]:
            assert (row["default_unit"], SERIES[row["series"]]["canonical_unit"]) in FACTORS, row
            assert row["note"], ("a unit that is not printed needs a reason", row)
        if row["table_title"] and "*" not in row["table_title"]:
            assert row["table_title"] in TITLES, row


def test_a_scope_that_is_not_printed_stands_for_named_years_or_in_the_label():
    for row in HEADERS:
        if row["default_scope"]:
            assert row["note"], row
            said = "建成区" in row["header"] or "含市辖县" in row["header"]
            assert said or (row["valid_from"] and row["valid_to"] and row["table_title"]), row


def test_every_series_of_the_yearbook_has_a_unit_that_is_printed():
    printed = {row["series"] for row in HEADERS if row["series"]}
    for name in printed:
        unit = SERIES[name]["canonical_unit"]
        assert any(canonical == unit and text != unit for text, canonical in FACTORS), name


def test_powers_of_ten_of_units_agree():
    powers = {"百": 1e2, "千": 1e3, "万": 1e4, "亿": 1e8}
    checked = 0
    for (unit, canonical), factor in FACTORS.items():
        assert factor > 0
        if unit[0] in powers and (unit[1:], canonical) in FACTORS:
            assert factor == pytest.approx(powers[unit[0]] * FACTORS[unit[1:], canonical]), (unit, canonical)
            checked += 1
    assert checked > 30


def test_no_rate_converts_from_another_scale():
    """A misprinted unit of a rate must not pass: per cent is not per mille, tonnes per person are not kilograms."""
    for unit, canonical in (
        ("%", "per_mille"),
        ("万元", "cny_per_person"),
        ("吨", "kg_per_person"),
        ("万吨", "m3_per_person"),
        ("万元", "person_trips"),
        ("万人", "cny_10k"),
        ("万吨", "m3_10k"),
        ("万册", "per_100_persons"),
    ):
        assert (unit, canonical) not in FACTORS


def test_no_two_rows_of_a_header_hold_equally_for_a_table():
    """The reader takes the row that fits a title best; two that fit equally would be told apart by their order."""
    by_header: dict[str, list[dict[str, str]]] = {}
    for row in HEADERS:
        by_header.setdefault(row["header"], []).append(row)
    for header, rows in by_header.items():
        for one, other in combinations(rows, 2):
            if not years(one) & years(other):
                continue
            assert one["table_title"] != other["table_title"], (header, one, other)
            same = all(one[key] == other[key] for key in ("series", "default_unit", "default_scope"))
            for title in TITLES:
                fits = fit(one, title)
                assert same or fits <= 0 or fits != fit(other, title), (header, title, one, other)


def test_no_series_is_mapped_from_a_whole_and_from_its_part():
    """A column below another one (A|B) is never the series of A itself in the same table and year."""
    rows = [row for row in HEADERS if row["series"]]
    wholes: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        wholes.setdefault(row["header"], []).append(row)
    for row in rows:
        labels = row["header"].split("|")
        if re.fullmatch("(19|20)[0-9]{2}年|m?辖区", labels[-1]):
            # A year or a scope below the label is no part.
            continue
        for end in range(1, len(labels)):
            for whole in wholes.get("|".join(labels[:end]), ()):
                titles = [row["table_title"], whole["table_title"]]
                meet = (
                    "" in titles or titles[0] == titles[1] or any(fit(row, t) > 0 and fit(whole, t) > 0 for t in TITLES)
                )
                assert not (meet and whole["series"] == row["series"] and years(whole) & years(row)), (row, whole)


def test_the_reader_can_produce_every_label(knowledge):
    """A label that the reader would take apart (its bracket for a unit, its beginning for an enumerator) never comes."""
    for row in HEADERS:
        for label in row["header"].split("|"):
            parsed = parse_label(label, knowledge.units, knowledge.labels)
            assert parsed.text == label or parsed.unit, (row["header"], parsed)


MEANINGS = [
    ("电信业务总量", "邮电", 2007, "telecom_volume"),
    ("电信业务收入", "邮电", 2005, "telecom_revenue"),
    ("电信业务总量", "地级市截面数据", 2003, "telecom_revenue"),
    ("国内生产总值|1999年", "综合经济", 2000, "gdp_previous_year"),
    ("国内生产总值|2000年", "综合经济", 2000, "gdp"),
    ("国内生产总值|1999年", "综合经济", 1999, "gdp"),
    ("国内生产总值", "综合经济指标(按1980年不变价格计算)", 1989, "gdp_constant_1980"),
    ("国内生产总值", "国内生产总值(按当年价格计算)", 1989, "gdp"),
    ("文化、体育、娱乐用房屋", "按行业分组的单位从业人员", 2014, "employees_culture"),
    ("第一产业|制造业", "按行业分组的单位从业人员", 2009, "employees_manufacturing"),
    ("第一产业(农、林、牧、渔业)", "按行业分组的单位从业人员", 2011, "employees_agriculture"),
    ("第一产业(农、林、牧、渔业)", "按产业划分的年末单位从业人员", 2011, "employees_primary"),
    ("第一产业|第二产业", "按三次产业的单位从业人员就业状况", 2009, "employees_secondary"),
    ("第一产业从业人员比重", "就业结构", 1995, "total_employment_primary_share"),
    ("第一产业从业人员比重", "单位从业人员就业结构", 2005, "employees_primary_share"),
    ("港、澳、台商|外商投资企业", "工业企业数", 2009, "industrial_enterprises_foreign"),
    ("港、澳、台商|投资企业", "规模以上工业总产值分组", 2009, "industrial_output_hmt"),
    ("工业企业数", "规模以上工业总产值分组", 2009, "industrial_output"),
    ("工业企业数", "规模以上工业企业数", 2016, "industrial_enterprises"),
    ("普通高等学校", "在校学生数", 2010, "higher_education_students"),
    ("普通高等学校", "学校数", 2010, "higher_education_schools"),
    ("普通高等学校", "专任教师数", 2010, "higher_education_teachers"),
    ("小学", "各类学校数", 1990, "primary_schools"),
    ("小学", "各类学校在校学生数", 1990, "primary_students"),
    ("住宅", "固定资产投资情况", 2012, "real_estate_investment_residential"),
    ("固定资产投资总额|住宅", "固定资产投资", 2000, "fixed_asset_investment_residential"),
    ("房地产投资总额中住宅投资", "固定资产投资", 2000, "fixed_asset_investment_residential"),
    ("房地产投资总额中住宅投资", "地级市截面数据", 2003, "real_estate_investment_residential"),
    ("可吸入颗粒物年平均浓度", "空气质量", 2017, "pm10"),
    ("可吸入细颗粒物年平均浓度", "空气质量", 2017, "pm25"),
    ("工业烟(粉)尘去除量", "工业烟(粉)尘去除及排放量", 2012, "soot_dust_removed"),
    ("工业烟(粉)尘产生量", "工业烟(粉)尘产生及排放量", 2015, "soot_dust_generated"),
    ("工业烟(粉)尘排放量", "工业烟(粉)尘产生及排放量", 2015, "industrial_dust"),
    ("工业烟尘排放量", "环境治理主要指标", 2009, "soot_emissions"),
    ("供水总量", "供水、供电", 2009, "water_supply"),
    ("售水量", "售水、用水及用电情况", 2017, "water_sales"),
    ("公路", "客运量", 1989, "passengers_road"),
    ("公路", "货运量", 1989, "freight_road"),
    ("每万人在校大学生数", "在校学生数", 2012, "higher_education_students_per_10k"),
    ("每万人在校大学生数", "在校学生数", 2013, "senior_secondary_students_per_10k"),
    ("城镇基本医疗保险参保人数", "社会保障主要指标", 2013, "employee_medical_insured"),
    ("城镇基本医疗保险参保人数", "社会保障主要指标", 2014, "urban_medical_insured"),
    ("批发零售贸易业从业人员数", "按行业分组人口", 2000, "employees_trade_catering_1994"),
    ("批发零售贸易业从业人员数", "地级市截面数据", 2003, "employees_trade"),
    ("货物出口额", "对外经济贸易", 2017, "goods_exports_usd"),
    ("货物出口额", "对外经济贸易", 2020, "goods_exports"),
    ("医院数", "卫生", 2000, "hospitals_to_2002"),
    ("医院数", "医院、床位和医生数", 2020, "hospitals"),
    ("家庭用量", "城市煤气用量", 2009, ""),
    ("国内生产总值", "综合经济(按1990年不变价格计算)", 1993, ""),
]


@pytest.mark.parametrize(("header", "title", "year", "series"), MEANINGS)
def test_what_a_column_means(knowledge, header, title, year, series):
    assert knowledge.header(header, title, year).series == series


@pytest.mark.parametrize(
    ("header", "title", "year"),
    [
        ("住宅", "固定资产投资", 2001),
        ("批发零售贸易业商品销售总额", "商业经济", 2003),
        ("普通高等学校", "某表", 2010),
        ("第一产业", "某表", 2010),
        ("教育", "财政", 2010),
        ("利润总额", "某表", 2010),
        ("国内生产总值|1998年", "综合经济", 2000),
    ],
)
def test_a_column_that_is_not_certain_means_nothing(knowledge, header, title, year):
    assert knowledge.header(header, title, year) is None


# The real editions: both forms, against each other and against independent parsers

# Values that the two forms print differently for a known reason: (edition, series).
KNOWN_DIFFERENCES = {
    (2006, "mobile_subscribers"): "the wide form prints 万户 for 户",
    (2010, "population_density"): "rows of one province are shifted in the wide form",
    (2010, "construction_land_share"): "rows of one province are shifted in the wide form",
    (2012, "air_quality_days"): "the wide form is shifted by one row",
}
COMMON_VALUES = 570_000


@pytest.fixture(scope="module")
def values(shared, knowledge, tmp_path_factory):
    """A connection with the table ``printed_values``: one row per printed number of a prefecture-level city, with the series,
    scope and value in the canonical unit that the mapping gives it, or nulls."""
    folders = [shared / "editions", shared / "cross_sections"]
    if not all(folder.is_dir() for folder in folders):
        pytest.skip("the yearbook editions are not among the public test material")
    connection = duckdb.connect()
    parts = []
    for number, folder in enumerate(folders):
        landing = tmp_path_factory.mktemp("landing") / str(number)
        ingest(folder, landing, MAPPING, GEOGRAPHY, progress=False)
        parts.append(pq.read_table(landing / "yearbook_cells.parquet"))
    cells = pa.concat_tables(parts)
    connection.register("landed", cells)
    connection.execute("create table cells as select * from landed where level = 'prefecture'")

    def keep(columns: list[str], rows: list[tuple], name: str) -> None:
        table = pa.table({column: [row[i] for row in rows] for i, column in enumerate(columns)})
        connection.register("rows", table)
        connection.execute(f"create table {name} as select * from rows")
        connection.unregister("rows")

    texts = [row[0] for row in connection.execute("select distinct cell_text from cells").fetchall()]
    keep(
        ["cell_text", "number"],
        [(text, number) for text in texts if (number := parse_number(text)[1]) is not None],
        "numbers",
    )
    names = connection.execute("select distinct city_raw, data_year from cells").fetchall()
    keep(
        ["city_raw", "data_year"],
        [(name, year) for name, year in names if knowledge.kinds(year)[name] == "city"],
        "places",
    )
    scopes = {
        (row["header"], row["table_title"], row["valid_from"], row["valid_to"]): row["default_scope"] for row in HEADERS
    }
    headers = []
    for header, title, year in connection.execute(
        "select distinct header, table_title, data_year from cells"
    ).fetchall():
        row = knowledge.header(header, title, year)
        if row and row.series:
            key = (
                header,
                row.table_title,
                str(row.valid_from) if row.valid_from else "",
                str(row.valid_to) if row.valid_to != 9999 else "",
            )
            unit = SERIES[row.series]["canonical_unit"]
            headers.append((header, title, year, row.series, unit, row.default_unit, scopes[key]))
    columns = ["header", "table_title", "data_year", "series", "canonical_unit", "default_unit", "default_scope"]
    keep(columns, headers, "known_headers")
    factors = [(unit, canonical, factor) for (unit, canonical), factor in FACTORS.items()]
    keep(["unit", "canonical_unit", "factor"], factors, "units")
    connection.execute(
        """
        create table printed_values as
        select
            cells.form, cells.edition, cells.data_year, cells.file, cells.sheet, cells."row", cells."column",
            rtrim(cells.city_raw, '市') as city, known_headers.series,
            case
                when cells.scope in ('city', 'districts') then cells.scope
                when default_scope != '' then default_scope
                when form = 'wide' and cells.scope = '' then 'city'
            end as scope,
            round(number * factor, 6) as value,
            number
        from cells
        inner join numbers using (cell_text)
        inner join places using (city_raw, data_year)
        left join known_headers using (header, table_title, data_year)
        left join units
            on units.canonical_unit = known_headers.canonical_unit
            and units.unit = case when cells.unit = '' then default_unit else cells.unit end
        """
    )
    # A city's value that a form prints twice and differently is no value.
    connection.execute(
        """
        create table one_value as
        select form, edition, city, series, scope, min(value) as value
        from printed_values where value is not null and scope is not null
        group by all having min(value) = max(value)
        """
    )
    return connection


def test_the_numbers_of_the_prefecture_tables_belong_to_a_series(values):
    shares = values.execute(
        "select form, edition, avg((value is not null and scope is not null)::int) from printed_values group by all order by all"
    ).fetchall()
    assert len(shares) == 26
    low = [row for row in shares if row[2] < (0.97 if row[1] >= 2001 else 0.95)]
    assert low == []


def test_both_forms_of_an_edition_print_the_same_values(values):
    rows = values.execute(
        """
        select
            edition, series, count(*), count(*) filter (abs(of_table.value - of_wide.value) > 1e-6 * abs(of_table.value))
        from one_value as of_table
        inner join one_value as of_wide using (edition, city, series, scope)
        where of_table.form = 'table' and of_wide.form = 'wide'
        group by all
        """
    ).fetchall()
    known = {row[:2]: row for row in rows if row[:2] in KNOWN_DIFFERENCES}
    assert set(known) == set(KNOWN_DIFFERENCES)
    others = [row for row in rows if row[:2] not in KNOWN_DIFFERENCES]
    assert sum(row[2] for row in others) >= COMMON_VALUES
    assert sum(row[3] for row in others) / sum(row[2] for row in others) < 0.001
    # A wrong column or unit shows as a series that differs in many cities.
    assert [row for row in others if row[3] > 5] == []


def test_medians_of_both_forms_have_one_scale(values):
    rows = values.execute(
        """
        with medians as (
            select edition, series, scope, form, median(value) as value from one_value group by all
        )
        select edition, series, scope, of_wide.value / of_table.value as ratio
        from medians as of_table inner join medians as of_wide using (edition, series, scope)
        where of_table.form = 'table' and of_wide.form = 'wide' and of_table.value > 0
        and ratio not between 0.67 and 1.5
        """
    ).fetchall()
    assert {row[:2] for row in rows} <= {(2006, "mobile_subscribers")}


def test_a_part_does_not_exceed_its_whole(values):
    """In no edition do more than 3 % of the cities print a part above its whole: it would be another column or unit."""
    parts = [(name, row["part_of"]) for name, row in SERIES.items() if row["part_of"]]
    values.register("parts", pa.table({"part": [row[0] for row in parts], "whole": [row[1] for row in parts]}))
    rows = values.execute(
        """
        select part, whole, of_part.form, of_part.edition, count(*), count(*) filter (of_part.value > of_whole.value * 1.001 + 0.05) as above
        from parts
        inner join one_value as of_part on of_part.series = part
        inner join one_value as of_whole
            on of_whole.series = whole
            and (of_whole.form, of_whole.edition, of_whole.city, of_whole.scope)
            = (of_part.form, of_part.edition, of_part.city, of_part.scope)
        -- A profit may be a loss: a part of a loss can be larger than the whole.
        where part not like '%profit%'
        group by all having above > 0.03 * count(*) and above > 3
        """
    ).fetchall()
    values.unregister("parts")
    assert rows == []


# Parts that the yearbook prints completely.
COMPLETE_PARTS = {
    "employees": ["employees_primary", "employees_secondary", "employees_tertiary"],
    "gdp": ["gdp_primary", "gdp_secondary", "gdp_tertiary"],
    "total_employment": ["total_employment_primary", "total_employment_secondary", "total_employment_tertiary"],
    "industrial_enterprises": [
        "industrial_enterprises_domestic",
        "industrial_enterprises_hmt",
        "industrial_enterprises_foreign",
    ],
    "industrial_output": ["industrial_output_domestic", "industrial_output_hmt", "industrial_output_foreign"],
    "all_industrial_output": [
        "all_industrial_output_state",
        "all_industrial_output_collective",
        "all_industrial_output_other",
    ],
    "national_income": [
        "national_income_agriculture",
        "national_income_industry",
        "national_income_construction",
        "national_income_transport",
        "national_income_commerce",
    ],
}


@pytest.mark.parametrize("whole", COMPLETE_PARTS)
def test_parts_add_up_to_their_whole(values, whole):
    """In at least nine of ten cities of every edition and form that print all parts, they add up within one per cent: a column
    that belongs to another series would not."""
    parts = COMPLETE_PARTS[whole]
    rows = values.execute(
        """
        with sums as (
            select form, edition, city, scope, sum(value) as parts from one_value
            where list_contains(?, series) group by all having count(*) = ?
        )
        select sums.form, sums.edition, scope, count(*), avg((abs(parts - value) <= 0.01 * value)::int) as share
        from sums inner join one_value using (form, edition, city, scope)
        where series = ? group by all
        """,
        [parts, len(parts), whole],
    ).fetchall()
    assert sum(row[3] for row in rows) > 150
    assert [row for row in rows if row[4] < 0.9] == []


def test_the_values_are_those_of_an_independent_parser(values, shared):
    """Every reference cell marked ok lies in a column of its series and has its value, but for cells whose column the page
    heads otherwise."""
    files = [shared / "editions" / "reference_cells.csv", shared / "yearbooks" / "reference_cells.csv"]
    if not all(file.is_file() for file in files):
        pytest.skip("the reference cells are not among the public test material")
    values.register("indicators", pa.table({"indicator": list(INDICATORS), "named": list(INDICATORS.values())}))
    rows = values.execute(
        """
        with reference as (
            select
                yearbook::integer as edition, file, sheet, excel_row::integer as "row", value::double as number,
                case when indicator = 'pop_end' and data_year = '2020' then 'resident_population' else named end as series,
                case when indicator = 'green' then 'districts' else 'city' end as scope
            from read_csv(?, all_varchar = true, header = true) inner join indicators using (indicator)
            where parse_status like 'ok%'
        )
        select reference.series, count(*), count(*) filter (reference.number = of_form.number), count(of_form.number)
        from reference
        left join printed_values as of_form
            on
                of_form.form = 'table'
                and of_form.edition = reference.edition
                and split_part(of_form.file, '/', -1) = reference.file
                and (of_form.sheet, of_form."row", of_form.series, of_form.scope)
                = (reference.sheet, reference."row", reference.series, reference.scope)
        group by all
        """,
        [[str(file) for file in files]],
    ).fetchall()
    values.unregister("indicators")
    n_cells, n_equal, n_found = (sum(row[i] for row in rows) for i in (1, 2, 3))
    assert n_cells > 52_000
    assert n_found - n_equal <= 5, [row for row in rows if row[2] != row[3]]
    assert n_equal / n_cells > 0.999, [row for row in rows if row[1] != row[2]]
