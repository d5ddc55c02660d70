"""Names of units by year: against an independent list, in Python as in SQL, and suggestions only where they are good."""

import csv
import shutil
from collections import Counter

import duckdb
import pandas as pd
import pyarrow as pa
import pytest
from city_policy.errors import InputError
from city_policy.reader.knowledge import Place, load_knowledge
from city_policy.reader.suggestions import nearest_name, suggested_place, suggestions_of_unknown_names
from conftest import run
from reader_workbooks import GEOGRAPHY, MAPPING

YEARS = range(1984, 2025)
NO_PLACE = Place("unknown", "", "")


@pytest.fixture(scope="module")
def knowledge():
    return load_knowledge(MAPPING, GEOGRAPHY)


def rows(name):
    with open(GEOGRAPHY / f"{name}.csv", encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize(
    ("name", "year", "kind", "part"),
    [
        ("铜仁市", 2010, "county", ""),
        ("铜仁市", 2011, "city", "520600"),
        ("铜仁地区", 2010, "city", "520600"),
        ("铜仁地区", 2012, "city", "520600"),
        ("铜仁地区", 2013, None, None),
        ("毕节市", 2010, "county", ""),
        ("吐鲁番市", 2014, "county", ""),
        ("吐鲁番市", 2015, "city", "650400"),
        ("襄樊市", 2011, "city", "420600"),
        ("襄樊市", 2015, None, None),
        ("襄阳市", 2005, "city", "420600"),
        ("淮阴", 1999, "city", "320800"),
        ("淮安市", 1999, "county", ""),
        ("淮安市", 2000, "city", "320800"),
        ("莱芜市", 1991, "county", ""),
        ("莱芜", 2018, "city", "371200"),
        ("莱芜", 2019, None, None),
        ("巢湖市", 1998, "county", ""),
        ("巢湖市", 2010, "dissolved", "341400"),
        ("巢湖市", 2011, "county", ""),
        ("万县市", 1996, "dissolved", "511200"),
        ("涪陵市", 1994, "county", ""),
        ("黔江地区", 1996, "dissolved", "513500"),
        ("雁北地区", 1992, "dissolved", "142100"),
        ("阿坝", 2010, "city", "513200"),
        ("恩施州", 2010, "city", "422800"),
        # A short name that is also a province, a county-level city or another unit is never resolved.
        ("吉林", 2010, "ambiguous", ""),
        ("海南", 2010, "ambiguous", ""),
        ("恩施", 2010, "county", ""),
        ("毕节", 2010, "county", ""),
        ("毕节", 2011, "city", "520500"),
        ("衡水", 1990, "county", ""),
        ("石家庄", 1990, "city", "130100"),
        ("河北", 2010, "province", "130000"),
        ("南宫", 1990, "county", ""),
        ("海东市", 2010, None, None),
        ("某某市", 2010, None, None),
    ],
)
def test_names_hold_by_year(knowledge, name, year, kind, part):
    place = knowledge.place(name, year)
    assert (place and place.kind, place and place.part_adcode) == (kind, part)


@pytest.mark.parametrize(
    ("code", "year", "kind", "adcode"),
    [
        ("371200", 2016, "city", "370100"),
        ("371200", 2019, None, None),
        ("522200", 2010, "city", "520600"),
        ("520600", 2005, "city", "520600"),
        ("522401", 2010, None, None),
        ("341400", 2010, "dissolved", ""),
        ("510200", 1996, "city", "500000"),
        ("230000", 2010, "province", "230000"),
        ("全国", 2010, "nation", "100000"),
        ("1301", 2010, None, None),
    ],
)
def test_codes_of_supplementary_files_hold_by_year(knowledge, code, year, kind, adcode):
    place = knowledge.supplementary_place(code, year)
    assert (place and place.kind, place and place.adcode) == (kind, adcode)
    assert code == "全国" or knowledge.place(code, year) is None


def test_no_code_of_today_was_the_code_of_another_unit(knowledge):
    cities = {row["adcode"] for row in rows("cities")}
    for row in rows("prefecture_names"):
        if row["code"] in cities:
            assert row["adcode"] == row["code"], row


def test_no_name_is_a_prefecture_and_a_county_level_city_in_one_year(knowledge):
    for row in rows("prefecture_names"):
        if row["form"] != "short":
            years = range(int(row["valid_from"]), int(row["valid_to"] or 2026) + 1)
            for first, last in knowledge.counties.get(row["name"], ()):
                assert not any(first <= year <= last for year in years), row


def test_every_unit_of_today_has_one_official_name_per_year(knowledge):
    names = Counter()
    for row in rows("prefecture_names"):
        if row["form"] == "official" and row["status"] == "current":
            for year in range(int(row["valid_from"]), int(row["valid_to"] or 2024) + 1):
                names[row["adcode"], year] += 1
    assert set(names.values()) == {1}
    assert {adcode for adcode, year in names if year == 2021} == {row["adcode"] for row in rows("cities")}
    assert {row["adcode"]: row["name_zh"] for row in rows("cities")} == {
        row["adcode"]: row["name"]
        for row in rows("prefecture_names")
        if row["form"] == "official" and not row["valid_to"]
    }


# Where the list is wrong: the year-end code lists have another level or name in these years.
LIST_IS_WRONG = {
    ("莱芜市", 1990),
    ("莱芜市", 1991),
    *((name, year) for name in ("广安地区", "达川地区", "巴中地区") for year in (1990, 1991, 1992)),
    ("万县市", 1997),
    ("涪陵市", 1997),
}


def test_official_names_of_1990_to_2023_are_known_and_none_is_wrong(knowledge, shared):
    path = shared / "facts" / "crosswalk" / "entity_names_year_end_1987_2026.csv"
    if not path.is_file():
        pytest.skip("the list of names by year is not among the public test material")
    with open(path, encoding="utf-8-sig", newline="") as stream:
        listed = [row for row in csv.DictReader(stream) if row["name_zh"]]
    unit_of_today = {row["name_zh"]: row["adcode"] for row in rows("cities")}
    final = {row["entity_id"]: row["name_zh"] for row in listed}
    n_names, unknown = 0, set()
    for row in listed:
        for year in range(max(1990, int(row["start_year"])), min(2023, int(row["end_year"])) + 1):
            n_names += 1
            place = knowledge.place(row["name_zh"], year)
            if place is None or place.kind == "county":
                unknown.add((row["name_zh"], year))
            elif place.kind == "city" and place.part_adcode == place.adcode:
                assert place.adcode == unit_of_today[final[row["entity_id"]]], row
            else:
                assert final[row["entity_id"]] not in unit_of_today, row
    assert n_names == 11454
    assert unknown == LIST_IS_WRONG


def test_python_and_sql_resolve_every_name_and_code_in_every_year_alike(project, knowledge, tmp_path):
    texts = {row[column] for row in rows("prefecture_names") for column in ("name", "code")}
    texts |= {row["city_raw"] for row in rows("city_names")} | {row["adcode"] for row in rows("city_names")}
    texts |= {row["name_zh"].removesuffix("市") + end for row in rows("county_level_cities") for end in ("市", "")}
    texts |= {row["adcode"] for row in rows("cities")} | {"100000", "某某", "110100"}
    texts = sorted(texts - {""})
    landing = tmp_path / "landing"
    landing.mkdir()
    years = pa.array([year for _ in texts for year in YEARS], pa.int32())
    names = pa.array([text for text in texts for _ in YEARS])
    with duckdb.connect() as connection:
        connection.register("given", pa.table({"data_year": years, "name": names}))
        connection.execute(
            "copy (select data_year, data_year + 1 as edition, 'prefecture' as level, 'table' as form, '' as table_title, '' as header, '' as unit, '' as scope, "
            "name as city_raw, '' as cell_text, 'f' as file, '' as sheet, row_number() over () as row, 1 as column "
            f"from given) to '{landing / 'yearbook_cells.parquet'}'"
        )
        connection.execute(
            "copy (select 'gdp_deflator' as indicator, name as place_raw, data_year as year, '' as value_text, '' as unit, "
            "'' as source, 'f' as file, row_number() over () as row from given) "
            f"to '{landing / 'supplementary_values.parquet'}'"
        )
    seeds = ["prefecture_names", "city_names", "county_level_cities", "cities"]
    models = ["stg_yearbook_cells", "stg_supplementary_values", "cln_place_names", "cln_places"]
    command = ["dbt", "build", "--vars", "source: landing", "--exclude-resource-type", "test", "unit_test"]
    result = run([*command, "--select", *seeds, *models], project, tmp_path)
    assert result.returncode == 0, result.stdout
    with duckdb.connect(str(tmp_path / "build.duckdb"), read_only=True) as connection:
        found = connection.execute(
            "select place_raw, data_year, source, kind, coalesce(adcode, ''), coalesce(part_adcode, '') "
            "from cleaning.cln_places"
        ).fetchall()
    assert len(found) == 2 * len(texts) * len(YEARS)
    for text, year, source, *place in found:
        resolve = knowledge.place if source == "yearbook" else knowledge.supplementary_place
        assert tuple(place) == (resolve(text, year) or NO_PLACE), (text, year, source)


def near(knowledge, name, year):
    found = nearest_name(name, knowledge.official_names, year, knowledge.confusions)
    return found and found.name


@pytest.mark.parametrize(
    ("name", "year", "suggested"),
    [
        ("准北市", 2012, "淮北市"),
        ("白贡市", 2013, "自贡市"),
        ("石家庄市*", 2012, "石家庄市"),
        ("乌再木齐市", 2007, "乌鲁木齐市"),
        ("洒泉市", 2005, "酒泉市"),
        ("准北", 2012, None),
        ("北京市区", 2012, None),
        ("张家囗市", 2012, None),
        ("无常市", 2007, None),
        ("甲湖市", 2011, None),
        ("某某", 2012, None),
        ("", 2012, None),
    ],
)
def test_a_damaged_name_gets_a_suggestion_only_where_it_is_good(knowledge, name, year, suggested):
    assert near(knowledge, name, year) == suggested


def test_names_that_are_not_damaged_get_no_suggestion(knowledge):
    for name in ("海南", "吉林", "沙河", "铜仁市", "海东市", "任丘市"):
        assert suggested_place(name, 2009, knowledge) is None
    suggested = suggested_place("莱芜啊市", 2009, knowledge)
    assert (suggested.name, suggested.adcode) == ("莱芜市", "370100")


def damaged(name):
    """Copies of a name as character recognition damages it, with characters that occur in other names."""
    for character in "州山海城安阳江":
        for position in range(len(name) - 1):
            yield name[:position] + character + name[position + 1 :]
        yield character + name
        yield name + character
    for position in range(len(name)):
        yield name[:position] + name[position + 1 :]
    yield name[:-1] + "巿"


def test_suggestions_for_damaged_official_names_are_right(knowledge):
    outcomes = Counter()
    for row in rows("prefecture_names"):
        if row["form"] != "official" or row["status"] != "current" or row["valid_to"]:
            continue
        for name in damaged(row["name"]):
            if knowledge.place(name, 2016) is None:
                suggested = near(knowledge, name, 2016)
                outcomes["none" if suggested is None else "right" if suggested == row["name"] else "wrong"] += 1
    # 四平市 printed as 四安市 looks like 西安市, because 四 was seen printed for 西: a person checks every line.
    assert outcomes["wrong"] <= 0.002 * outcomes["right"]
    assert outcomes["right"] > 5000


def test_county_level_cities_that_no_list_holds_get_almost_no_suggestion(knowledge):
    suggested = 0
    for county in knowledge.counties:
        others = [official for official in knowledge.official_names if official.name != county]
        suggested += nearest_name(county, others, 2016, knowledge.confusions) is not None
    assert suggested <= 0.05 * len(knowledge.counties)


def test_seeds_of_names_are_refused_when_a_column_is_missing(tmp_path):
    shutil.copytree(GEOGRAPHY, tmp_path / "geography")
    (tmp_path / "geography" / "county_level_cities.csv").write_text("name_zh,valid_from\n", encoding="utf-8")
    with pytest.raises(InputError, match="lacks the column valid_to"):
        load_knowledge(MAPPING, tmp_path / "geography")


def test_the_table_of_suggestions_follows_the_same_rule_as_the_summary(knowledge):
    unknown = {
        (name, year): "f" for name in ("准北市", "白贡市", "海南", "任丘市", "H东市", "") for year in (1990, 2012)
    }
    seeds = {
        name: pd.read_csv(GEOGRAPHY / f"{name}.csv", dtype={"adcode": str, "code": str, "part_adcode": str})
        for name in ("prefecture_names", "county_level_cities", "city_names")
    }
    given = pd.DataFrame(list(unknown), columns=["place_raw", "data_year"])
    table = suggestions_of_unknown_names(given, **seeds)
    listed = {key: suggested_place(*key, knowledge) for key in unknown}
    found = {(row.place_raw, row.data_year): row.suggested_adcode for row in table.itertuples()}
    assert found == {key: place.adcode for key, place in listed.items() if place}
    assert len(found) == 4
