"""From an index value to the printed cells behind it, walked on the demo build with nothing but the bridge and the files."""

import csv
import random
from collections import defaultdict

import duckdb
import pytest


@pytest.fixture(scope="module")
def built(demo_build):
    with duckdb.connect(str(demo_build / "build.duckdb"), read_only=True) as connection:
        yield connection


def records(connection, query, parameters=()):
    found = connection.execute(query, list(parameters))
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@pytest.fixture(scope="module")
def bridge(built):
    """The rows of the bridge by city, year and indicator."""
    rows = defaultdict(list)
    for row in records(built, "from marts.bridge_indicator_cell"):
        rows[row["adcode"], row["year"], row["indicator"]].append(row)
    return rows


@pytest.fixture(scope="module")
def chosen(built):
    """A hundred values of indicators of the sample, the same in every run."""
    values = records(
        built,
        "select adcode, year, indicator, value from marts.fct_city_year_indicator "
        "where value is not null and in_sample order by adcode, year, indicator",
    )
    return random.Random(20261126).sample(values, 100)


def test_every_cell_of_a_hundred_values_is_in_its_file(project, bridge, chosen):
    files = {}
    n_cells = 0
    for value in chosen:
        cells = bridge[value["adcode"], value["year"], value["indicator"]]
        assert cells, value
        for cell in cells:
            if cell["file"] not in files:
                with (project / cell["file"]).open(encoding="utf-8", newline="") as handle:
                    files[cell["file"]] = list(csv.reader(handle))
            rows = files[cell["file"]]
            # A long supplementary file has its values in the column of that name.
            column = cell["column"] - 1 if cell["column"] else rows[0].index("value")
            assert rows[cell["row"] - 1][column] == cell["cell_text"], cell
            n_cells += 1
    assert n_cells > 200


def value_of_series(cells, year):
    """The value of a series in a year from its cells: parts are added, neighbours in time are joined by a line."""
    of_year = defaultdict(float)
    for cell in sorted(cells, key=lambda cell: cell["part_adcode"]):
        of_year[cell["printed_year"]] += cell["cell_value"]
    (status,) = {cell["value_status"] for cell in cells}
    years = sorted(of_year)
    if status == "interpolated":
        first, last = years
        return of_year[first] + (of_year[last] - of_year[first]) * (year - first) / (last - first)
    (only,) = years
    return of_year[only]


def test_a_hundred_values_follow_from_their_cells(built, bridge, chosen):
    formulas = {row["indicator"]: row for row in records(built, "from seeds.indicators")}
    computed = 0
    for value in chosen:
        formula = formulas[value["indicator"]]
        if formula["computed_by"] not in ("ratio", "level"):
            continue
        measures = defaultdict(list)
        for cell in bridge[value["adcode"], value["year"], value["indicator"]]:
            measures[cell["measure"]].append(cell)
        result = formula["factor"] * value_of_series(measures.pop(formula["numerator"]), value["year"])
        if formula["denominator"]:
            result /= value_of_series(measures.pop(formula["denominator"]), value["year"])
        assert not measures
        assert result == pytest.approx(value["value"], rel=1e-12), value
        computed += 1
    assert computed > 70


def test_filled_values_and_merged_cities_lead_to_all_their_cells(built, bridge):
    """Interpolated values have two printed years, merged cities the cells of both parts."""
    interpolated = records(
        built,
        "select adcode, year, series from marts.fct_city_year_input where value_status = 'interpolated' "
        "and series in (select series from marts.bridge_indicator_cell) order by all limit 50",
    )
    assert interpolated
    for value in interpolated:
        years = records(
            built,
            "select distinct printed_year from marts.bridge_value_cell where adcode = ? and year = ? and series = ?",
            value.values(),
        )
        assert len(years) == 2
        assert min(y["printed_year"] for y in years) < value["year"] < max(y["printed_year"] for y in years)
    # Laiwu became part of Jinan in 2019.
    parts = {
        row["part_adcode"]
        for (adcode, year, _), rows in bridge.items()
        if adcode == "370100" and year == 2011
        for row in rows
        if row["series"] == "gdp"
    }
    assert parts == {"370100", "371200"}


def test_the_capital_stock_leads_to_the_investment_of_all_years_so_far(built, bridge):
    (frontier,) = [row["indicator"] for row in records(built, "from seeds.indicators where computed_by = 'frontier'")]
    cells = bridge["110000", 2015, frontier]
    assert {row["measure"] for row in cells} == {"real_gdp", "employees", "real_investment"}
    assert {row["measure_year"] for row in cells if row["measure"] == "real_investment"} == set(range(2011, 2016))
