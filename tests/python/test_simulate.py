"""The simulated demo yearbook: reproducible, plausible, damaged as planned, its planted effects recoverable.

Nothing here touches a real value: the tests read the committed demo seeds and draw new panels.
"""

import csv
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from city_policy.errors import InputError
from city_policy.index.frontier import total_factor_productivity
from city_policy.simulate import (
    DEFAULT_SEED,
    draw_panel,
    planted_averages,
    read_world,
    scenario,
    scenario_names,
    simulate,
)
from city_policy.simulate import damage as planted
from city_policy.simulate.topics import SUPPLEMENTARY, TOPICS, column_of, topic_of
from city_policy.simulate.truth import planted_parts
from city_policy.simulate.world import read_names
from scipy import stats

DEMO = scenario()
YEARS = list(DEMO.years)
SEEDS = Path(__file__).resolve().parents[2] / "seeds"
NAMES = read_names(SEEDS / "geography", DEMO.years)


@pytest.fixture(scope="module")
def world():
    return read_world(SEEDS / "geography", SEEDS / "policy")


@pytest.fixture(scope="module")
def panel(world):
    return draw_panel(DEFAULT_SEED, world, DEMO)


@pytest.fixture(scope="module")
def regenerated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("yearbook")
    return folder, simulate(DEFAULT_SEED, folder, SEEDS / "geography", SEEDS / "policy")


@pytest.fixture(scope="module")
def pages():
    """Topic → rows of the committed seed, as dictionaries."""
    result = {}
    for path in sorted((SEEDS / "yearbook").glob("demo_*.csv")):
        with path.open(encoding="utf-8", newline="") as handle:
            result[path.stem] = list(csv.DictReader(handle))
    return result


@pytest.fixture(scope="module")
def damaged(pages):
    return pages["demo_planted_damage"]


def rows_of(pages, measure, year, printed_name):
    """Cells of a measure in the rows of one year that print one name."""
    header = column_of(measure, year).header
    return [
        row[header] for row in pages[topic_of(measure).name] if row["年份"] == str(year) and row["城市"] == printed_name
    ]


def read_numbers(pages, world, measure):
    """(cities, years) array of what a careful reader makes of a committed seed; NaN = no number.

    Names are repaired by the tables that damaged them, so this is independent of the project's own cleaning.
    """
    official = {bad: name for _, _, name, bad in planted.DAMAGED_NAMES}
    official |= {old: name for old, name, _ in planted.FORMER_NAMES}
    official |= {
        printed: world.name[world.adcode == code][0] for (code, _), printed in NAMES.items() if code in world.adcode
    }
    position = {name: index for index, name in enumerate(world.name)}
    values = np.full((world.size, len(YEARS)), np.nan)
    part = np.zeros(len(YEARS))
    for row in pages[topic_of(measure).name]:
        year = int(row["年份"])
        column = column_of(measure, year)
        text = row[column.header].replace(",", "")
        if not re.fullmatch(r"-?\d+(\.\d+)?", text):
            continue
        number = float(text) / column.per_canonical
        name = official.get(row["城市"], row["城市"])
        if name == planted.MERGED_NAME:
            part[YEARS.index(year)] = number
        elif name in position:
            values[position[name], YEARS.index(year)] = number
    values[position[planted.MERGED_INTO]] += part
    return values


def within(variable):
    """Sweep city and year effects out of a balanced (cities, years) array."""
    return variable - variable.mean(1, keepdims=True) - variable.mean(0) + variable.mean()


def two_way(outcome, regressors):
    """TWFE on a balanced panel: coefficients, errors clustered by city, iid errors."""
    cities, years = outcome.shape
    x = np.stack([within(regressor).ravel() for regressor in regressors], axis=1)
    y = within(outcome).ravel()
    bread = np.linalg.inv(x.T @ x)
    beta = bread @ x.T @ y
    residual = y - x @ beta
    scores = (x * residual[:, None]).reshape(cities, years, -1).sum(1)
    clustered = np.sqrt(np.diag(bread @ scores.T @ scores @ bread) * cities / (cities - 1))
    freedom = y.size - cities - years + 1 - len(beta)
    iid = np.sqrt(np.diag(bread) * (residual @ residual) / freedom)
    return beta, clustered, iid


# ---------------------------------------------------------------------------------------------- reproduction


def test_the_committed_seeds_come_out_of_the_seed_number_byte_for_byte(regenerated):
    folder, simulation = regenerated
    written = {path.name for path in folder.iterdir()}
    assert written == {f"{name}.csv" for name in simulation.rows} | {"_yearbook__seeds.yml"}
    assert written == {path.name for path in (SEEDS / "yearbook").iterdir() if path.suffix != ".md"}
    for name in sorted(written):
        assert (folder / name).read_bytes() == (SEEDS / "yearbook" / name).read_bytes(), name


def test_another_seed_gives_another_draw_of_the_same_shape(tmp_path, regenerated):
    folder, first = regenerated
    second = simulate(DEFAULT_SEED + 1, tmp_path, SEEDS / "geography", SEEDS / "policy")
    same_rows = {name for name in first.rows if name != "demo_supplementary"}
    assert {name: second.rows[name] for name in same_rows} == {name: first.rows[name] for name in same_rows}
    for topic in TOPICS:
        name = f"{topic.name}.csv"
        assert (tmp_path / name).read_bytes() != (folder / name).read_bytes()
    assert (tmp_path / "demo_planted_effects.csv").read_bytes() == (folder / "demo_planted_effects.csv").read_bytes()


def test_all_seeds_together_are_small(regenerated):
    assert sum(path.stat().st_size for path in regenerated[0].glob("*.csv")) < 4_000_000


def test_a_new_measure_leaves_every_other_draw_in_place(world, panel):
    more = replace(DEMO, inputs=(replace(DEMO.inputs[0], name="invented", weight=0.0), *DEMO.inputs))
    other = draw_panel(DEFAULT_SEED, world, more)
    for name, values in panel.values.items():
        np.testing.assert_array_equal(values, other.values[name], err_msg=name)


def test_the_seeds_do_not_depend_on_the_hash_seed(tmp_path):
    code = (
        "import sys; from pathlib import Path; from city_policy.simulate import simulate, DEFAULT_SEED; "
        "simulate(DEFAULT_SEED, Path(sys.argv[1]), Path(sys.argv[2]) / 'geography', Path(sys.argv[2]) / 'policy')"
    )
    for hash_seed in ("0", "7"):
        folder = tmp_path / hash_seed
        environment = dict(os.environ, PYTHONHASHSEED=hash_seed)
        subprocess.run([sys.executable, "-c", code, str(folder), str(SEEDS)], check=True, env=environment)
    for path in (tmp_path / "0").iterdir():
        assert path.read_bytes() == (tmp_path / "7" / path.name).read_bytes(), path.name


def test_every_seed_and_column_is_described_and_text(pages):
    yaml = pytest.importorskip("yaml")
    properties = yaml.safe_load((SEEDS / "yearbook" / "_yearbook__seeds.yml").read_text(encoding="utf-8"))
    described = {seed["name"]: seed for seed in properties["seeds"]}
    assert set(described) == set(pages)
    for name, rows in pages.items():
        seed = described[name]
        assert "SIMULATED" in seed["description"]
        assert [column["name"] for column in seed["columns"]] == list(rows[0])
        assert all(column["description"] for column in seed["columns"])
        assert seed["config"]["column_types"] == dict.fromkeys(rows[0], "varchar")


# ------------------------------------------------------------------------------------ identities and bounds


def test_every_raw_input_is_printed_in_every_year():
    with (SEEDS / "mapping" / "series.csv").open(encoding="utf-8") as handle:
        known = {row["series"] for row in csv.DictReader(handle)}
    measures = {column.measure for topic in TOPICS for column in topic.columns}
    printed = {name for name in measures if not name.endswith("_districts")}
    assert printed | set(SUPPLEMENTARY) <= known
    for measure in printed:
        for year in YEARS:
            assert column_of(measure, year)


def test_accounting_identities_hold_in_print(pages, world):
    """Parts never exceed their totals, after rounding, wherever both are printed."""

    def at_most(part, total):
        comparable = np.isfinite(part) & np.isfinite(total)
        assert comparable.sum() > 2800
        assert (part[comparable] <= total[comparable]).all()

    numbers = {
        name: read_numbers(pages, world, name)
        for name in (
            "resident_population", "urban_resident_population", "fiscal_expenditure", "science_expenditure",
            "education_expenditure", "environmental_expenditure", "employees", "employees_information",
            "employees_research", "gdp",
        )
    }  # fmt: skip
    lost = [item for item in planted.DAMAGED_NUMBERS if item[3] == "digit_lost"]
    for measure, year, name, _ in lost:
        numbers[measure][world.position(name), YEARS.index(year)] = np.nan
    at_most(numbers["urban_resident_population"], numbers["resident_population"])
    at_most(
        numbers["science_expenditure"] + numbers["education_expenditure"] + numbers["environmental_expenditure"],
        numbers["fiscal_expenditure"],
    )
    at_most(numbers["employees_information"] + numbers["employees_research"], numbers["employees"])
    at_most(numbers["employees"], numbers["resident_population"])
    for row in pages["demo_gdp"]:
        whole, districts = (row[f"地区生产总值(当年价格)(万元)|{scope}"] for scope in ("全市", "市辖区"))
        if whole.isdigit() and districts.isdigit():
            assert int(districts) <= int(whole)


def test_nominal_product_is_real_product_times_the_deflator_and_growth_is_real(panel, pages, world):
    deflator = panel.provincial["gdp_deflator"][[panel.provinces.index(name) for name in world.province]]
    np.testing.assert_array_equal(deflator[:, 0], 1.0)
    np.testing.assert_allclose(panel.values["gdp"], panel.values["real_gdp"] * deflator, rtol=1e-12)
    printed = read_numbers(pages, world, "gdp") / deflator
    growth = read_numbers(pages, world, "gdp_growth")
    implied = 100 * (printed[:, 1:] / printed[:, :-1] - 1)
    # The merged city's two rows print the same rate, which the reader above adds up.
    alone = world.name != planted.MERGED_INTO
    difference = np.abs(implied - growth[:, 1:])[alone]
    assert np.nanmax(difference) < 0.06  # half of the last printed digit


def test_the_merged_city_and_its_host_add_up_to_the_whole(panel, pages, world):
    for measure in ("gdp", "resident_population", "land_area", "high_tech_firms", "fdi"):
        host = read_numbers(pages, world, measure)[world.position(planted.MERGED_INTO)]
        whole = panel.values[measure][world.position(planted.MERGED_INTO)]
        for year, total, expected in zip(YEARS, host, whole, strict=True):
            column = column_of(measure, year)
            last_digit = 10.0**-column.decimals / column.per_canonical
            assert abs(total - expected) <= 0.51 * last_digit, (measure, year)


def test_land_area_is_constant_and_near_the_polygon(panel, world):
    area = panel.values["land_area"]
    assert (area == area[:, :1]).all()
    assert np.abs(area[:, 0] / world.polygon_area - 1).max() <= 0.031


def test_no_undamaged_value_breaks_a_plausibility_rule(panel, world):
    with (SEEDS / "mapping" / "series.csv").open(encoding="utf-8") as handle:
        rules = {row["series"]: row for row in csv.DictReader(handle)}
    sample = ~world.excluded
    for measure, values in panel.values.items():
        if measure not in rules:
            continue
        rule, own = rules[measure], values[sample]
        lowest, highest = (
            float(rule[bound] or default) for bound, default in (("minimum", "-inf"), ("maximum", "inf"))
        )
        assert lowest <= own.min() and own.max() <= highest, measure
        if rule["max_ratio_to_median"]:
            median = np.median(own, axis=1, keepdims=True)
            ratio = np.maximum(own / median, median / own).max()
            assert ratio < float(rule["max_ratio_to_median"]), measure


# ------------------------------------------------------------------------------------------------- moments


@pytest.fixture(scope="module")
def controls(panel, world):
    return study_variables(panel, world)


def study_variables(panel, world):
    """The paper's controls and mediators over the sample, (cities, years) each."""
    sample, values = ~world.excluded, panel.values
    province = [panel.provinces.index(name) for name in world.province]
    density = values["real_gdp"][sample] / values["real_gdp"][sample].sum(0)
    space = values["land_area"][sample] / values["land_area"][sample].sum(0)
    return {
        "marketization": panel.provincial["marketization_index"][province][sample],
        "fdi": values["fdi"][sample] * np.array(DEMO.cny_per_usd) / 1e8,
        "tertiary_share": values["tertiary_share"][sample] / 100,
        "urbanization": 100 * (values["urban_resident_population"] / values["resident_population"])[sample],
        "fintech": np.log1p(np.round(values["fintech_searches"][sample])),
        "agglomeration": density / space,
        "innovation": values["innovation_index"][sample],
    }


def published_moments():
    with (SEEDS / "studies" / "nqp" / "published_summary_statistics.csv").open(encoding="utf-8") as handle:
        rows = {row["variable"]: row for row in csv.DictReader(handle)}
    names = ("mean", "std_dev", "minimum", "maximum")
    return {variable: [float(row[name]) for name in names] for variable, row in rows.items()}


@pytest.mark.parametrize("seed", [DEFAULT_SEED, 1, 2])
def test_controls_and_mediators_have_the_published_moments(world, seed):
    variables = study_variables(draw_panel(seed, world, DEMO), world)
    published = published_moments()
    for name, values in variables.items():
        ours = [values.mean(), values.std(ddof=1), values.min(), values.max()]
        for own, printed in zip(ours, published[name], strict=True):
            assert abs(own - printed) <= max(0.02 * abs(printed), 1e-4), (name, own, printed)


def test_groups_have_the_published_sizes(panel, world):
    assert (~world.excluded).sum() == 275
    values, sample = panel.values, ~world.excluded
    province = [panel.provinces.index(name) for name in world.province]
    provincial = panel.provincial["provincial_growth_target"][province]
    assert (values["resident_population"] > 5e6)[sample].sum() == 954
    assert values["growth_target_is_hard"][sample].sum() == 2277
    assert (values["growth_target"] > provincial)[sample].sum() == 2118


def test_growth_falls_and_dips_in_2020_and_errors_are_serially_correlated(panel, world):
    growth = panel.values["gdp_growth"].mean(0)
    assert growth[0] > 9.5 > 7.5 > growth[8] > 5.5
    assert growth[9] < 3.5 < 6 < growth[10]
    noise = within(np.log(panel.values["robots"]))
    assert np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())[0, 1] > 0.2


@pytest.mark.parametrize("seed", [DEFAULT_SEED, 1, 2])
def test_the_production_frontier_is_recovered(world, seed):
    """The study's frontier on the study's own capital stock finds the planted technology again."""
    panel = draw_panel(seed, world, DEMO)
    values, sample = panel.values, ~world.excluded
    province = [panel.provinces.index(name) for name in world.province]
    investment = (values["fixed_asset_investment"] / panel.provincial["investment_price_index"][province])[sample]
    capital = np.empty_like(investment)
    capital[:, 0] = investment[:, 0] / 0.1
    for period in range(1, len(YEARS)):
        capital[:, period] = 0.904 * capital[:, period - 1] + investment[:, period]
    frame = pd.DataFrame(
        {
            "city": np.repeat(world.adcode[sample], len(YEARS)),
            "year": np.tile(YEARS, sample.sum()),
            "product": values["real_gdp"][sample].ravel(),
            "capital": capital.ravel(),
            "labour": values["employees"][sample].ravel(),
        }
    )
    result = total_factor_productivity(frame, "product", "capital", "labour", "city", "year")
    assert result.status == "ok"
    coefficients = result.frontier.coefficients
    assert abs(coefficients["k"] - DEMO.capital_elasticity) < 0.1
    assert abs(coefficients["l"] - DEMO.labour_elasticity) < 0.1
    assert np.sqrt((1 - result.frontier.gamma) * result.frontier.sigma2) > 0.05
    assert 0.6 < result.values["efficiency"].mean() < 0.8


# -------------------------------------------------------------------------------------------------- damage


def test_every_planted_damage_is_listed_and_printed(pages, damaged):
    listed = {(row["file"], row["data_year"], row["printed"]) for row in damaged}
    for topic, year, _, bad in (*planted.DAMAGED_NAMES, *planted.UNKNOWN_NAMES):
        assert (f"{topic}.csv", str(year), bad) in listed
        assert [row for row in pages[topic] if row["城市"] == bad and row["年份"] == str(year)]
    for old, name, last in planted.FORMER_NAMES:
        for topic in TOPICS:
            years = [int(row["年份"]) for row in pages[topic.name] if row["城市"] == old]
            assert years == [year for year in YEARS if year <= last]
            assert not [row for row in pages[topic.name] if row["城市"] == name and int(row["年份"]) <= last]
    for measure, year, name, kind in planted.DAMAGED_NUMBERS:
        (entry,) = [
            row for row in damaged
            if (row["series"], row["data_year"], row["name_zh"]) == (measure, str(year), name)
        ]  # fmt: skip
        (printed,) = rows_of(pages, measure, year, name)
        assert printed == entry["printed"] != entry["undamaged"]
        assert (kind, planted.NUMBER_ENDS_AS[kind]) == (entry["kind"], entry["ends_as"])
        float(entry["undamaged"])
        shape = {
            "stray_point": r"\d\.\d+\.\d+",
            "two_values": r"[\d.]+ [\d.]+",
            "thousands_separator": r"\d{1,3}(,\d{3})+(\.\d+)?",
            "full_width": r"[０-９．]+",
            "digit_lost": r"\d+(\.\d+)?",
        }[kind]
        assert re.fullmatch(shape, printed), printed


def test_the_merged_city_is_printed_until_it_is_merged(pages):
    for topic in TOPICS:
        years = [int(row["年份"]) for row in pages[topic.name] if row["城市"] == planted.MERGED_NAME]
        assert years == [year for year in YEARS if year <= planted.MERGED_LAST_YEAR]


def test_one_page_is_printed_twice_identically(pages, damaged):
    for topic in TOPICS:
        seen, repeated = set(), []
        for row in pages[topic.name]:
            key = (row["年份"], row["城市"])
            if key in seen:
                repeated.append(key)
            seen.add(key)
        expected = [
            (row["data_year"], row["name_zh"]) for row in damaged
            if row["kind"] == "duplicated_row" and row["file"] == f"{topic.name}.csv"
        ]  # fmt: skip
        assert repeated == expected
        for key in repeated:
            first, second = [row for row in pages[topic.name] if (row["年份"], row["城市"]) == key]
            assert first == second
    assert planted.DUPLICATED_PAGE[3] == sum(row["kind"] == "duplicated_row" for row in damaged)


def test_the_lost_digit_stands_out_from_the_other_years(pages, world):
    (measure, year, name, _), *others = [item for item in planted.DAMAGED_NUMBERS if item[3] == "digit_lost"]
    assert not others
    series = read_numbers(pages, world, measure)[world.position(name)]
    assert series[YEARS.index(year)] < np.nanmedian(series) / 2


def missing_cells(pages, world, measure):
    """(cities, years): no usable number, counting what the fixed damage costs."""
    missing = ~np.isfinite(read_numbers(pages, world, measure))
    for damaged_measure, year, name, kind in planted.DAMAGED_NUMBERS:
        if damaged_measure == measure:
            lost = planted.NUMBER_ENDS_AS[kind] == "interpolated"
            missing[world.position(name), YEARS.index(year)] = lost
    return missing


MEASURES = sorted(
    {column.measure for topic in TOPICS for column in topic.columns if not column.measure.endswith("_districts")}
)


@pytest.mark.parametrize("measure", MEASURES)
def test_the_sample_is_repairable(pages, world, measure):
    missing = missing_cells(pages, world, measure)[~world.excluded]
    assert missing.sum(1).max() <= planted.MAX_GAPS_PER_CITY
    assert not (missing[:, 0] & missing[:, 1]).any()
    assert not (missing[:, -1] & missing[:, -2]).any()
    if measure in planted.COMPLETE:
        assert not missing.any()
    else:
        assert 0.01 < missing.mean() < 0.05


def test_excluded_cities_lose_too_much_of_several_inputs_and_no_other_city_does(pages, world):
    share = np.stack([missing_cells(pages, world, measure).mean(1) for measure in MEASURES])
    heavy = (share >= 0.4).sum(0)
    assert (heavy[world.excluded] >= 6).all()
    assert (heavy[~world.excluded] == 0).all()
    known = np.array([[(code, year) in NAMES for year in YEARS] for code in world.adcode])
    assert share[:, known.all(1)].max() <= 0.9


def test_a_unit_is_printed_under_its_name_of_the_year_and_not_before_it_was_a_city(pages):
    names = {(row["年份"], row["城市"]) for topic in TOPICS for row in pages[topic.name]}
    assert {year for year, name in names if name == "哈密地区"} == {str(year) for year in range(2011, 2016)}
    assert {year for year, name in names if name == "哈密市"} == {str(year) for year in range(2016, 2022)}
    assert min(year for year, name in names if name == "儋州市") == "2015"
    assert min(year for year, name in names if name == "三沙市") == "2012"


def test_gaps_are_printed_in_three_ways_and_rows_can_be_empty(pages):
    signs = {"…": 0, "-": 0}
    empty = 0
    for topic in TOPICS:
        for row in pages[topic.name]:
            year = int(row["年份"])
            cells = [row[column.header] for column in topic.columns if column.printed_in(year)]
            empty += all(cell in ("", "…", "-") for cell in cells)
            for sign in signs:
                signs[sign] += cells.count(sign)
    assert min(signs.values()) > 50
    assert empty >= planted.ROW_GAPS // 2


# ------------------------------------------------------------------------------------------- planted effects


def treatments(world, sample):
    return [world.treated(policy_id, DEMO.years)[sample] for policy_id in ("bcs", "iic", "dual")]


@pytest.mark.parametrize(
    ("policy_id", "without"), [("bcs", ("bcs", "dual")), ("iic", ("iic", "dual")), ("dual", ("bcs", "iic", "dual"))]
)
def test_the_truth_table_equals_the_exact_counterfactual(panel, world, policy_id, without):
    """The same draw without the policy's effects: planned index, mediators and untreated cities say the same."""
    other = draw_panel(DEFAULT_SEED, world, DEMO, without=without)
    parts = planted_parts(panel, without)
    np.testing.assert_allclose(panel.index - other.index, sum(parts), atol=1e-12)
    never = (world.first_treated["bcs"] == 0) & (world.first_treated["iic"] == 0)
    for name, values in panel.values.items():
        np.testing.assert_allclose(values[never], other.values[name][never], rtol=1e-12, err_msg=name)
    treated = (world.treated(policy_id, DEMO.years) > 0) & ~world.excluded[:, None]
    (average,) = [
        item for item in planted_averages(panel)
        if item.policy_id == policy_id and item.group == "all" and item.event_time is None
    ]  # fmt: skip
    assert average.city_years == treated.sum()
    assert abs(average.total - (panel.index - other.index)[treated].mean()) < 1e-12


def test_the_planned_effects_reach_the_index_through_the_raw_inputs(panel, world):
    """The index of the study on the raw inputs, less the same index without the effects, is what was planned."""
    other = draw_panel(DEFAULT_SEED, world, DEMO, without=("bcs", "iic", "dual", "big_data_zone", "five_g_pilot"))
    x = indicators(panel, world)
    _, weights = index(panel, world)
    span = x.max(0) - x.min(0)
    moved = 0.5 * (((x - indicators(other, world)) / span) @ weights).reshape(-1, len(YEARS))
    planned = (panel.index - other.index)[~world.excluded]
    slope = (moved * planned).sum() / (planned**2).sum()
    assert 0.9 < slope < 1.1
    assert np.corrcoef(moved.ravel(), planned.ravel())[0, 1] > 0.99


def test_the_truth_seed_tells_its_scenario_and_adds_up(pages):
    rows = pages["demo_truth"]
    assert {row["scenario"] for row in rows} == {"paper"} and {row["source"] for row in rows} == {"simulated"}
    for row in rows:
        parts = [float(row[name]) for name in ("direct", "through_agglomeration", "through_innovation")]
        assert abs(float(row["total"]) - sum(parts)) < 2e-6
    everyone = {
        row["policy_id"]: float(row["total"]) for row in rows if (row["group"], row["event_time"]) == ("all", "")
    }
    assert everyone["dual"] > everyone["iic"] > everyone["bcs"] > 0


def indicators(panel, world):
    """(observations, indicators): 25 of the 26 indicators, signed; productivity is a simple residual."""
    values = panel.values
    population, product = values["resident_population"], values["gdp"]
    ratios = [
        values[name] / population
        for name in (
            "higher_education_students",
            "mobile_subscribers",
            "internet_subscribers",
            "telecom_volume",
            "robots",
            "digital_invention_patents",
            "digital_utility_patents",
            "green_patents",
            "high_tech_firms",
            "ai_firms",
            "charging_pile_firms",
        )
    ]  # fmt: skip
    ratios += [
        values[name] / values["fiscal_expenditure"]
        for name in ("education_expenditure", "science_expenditure", "environmental_expenditure")
    ]
    ratios += [values[name] / values["employees"] for name in ("employees_information", "employees_research")]
    ratios += [
        values["optical_cable_length"] / values["land_area"],
        values["high_tech_revenue"] / product,
        values["green_coverage"],
        values["industry_university_word_frequency"],
        np.log(values["real_gdp"] / (values["fixed_asset_investment"] ** 0.6 * values["employees"] ** 0.3)),
    ]
    ratios += [
        -values[name] / product
        for name in ("industrial_waste_gas", "industrial_waste_water", "industrial_solid_waste",
                     "chemical_oxygen_demand")
    ]  # fmt: skip
    return np.stack([ratio[~world.excluded].ravel() for ratio in ratios], axis=1)


def index(panel, world):
    """(cities, years) index: PCA weights on standardised, weighted sum of min-max scaled indicators."""
    x = indicators(panel, world)
    values, vectors = np.linalg.eigh(np.corrcoef(x.T))
    kept = values > 1
    values, vectors = values[kept], vectors[:, kept] * np.sign(vectors[:, kept].sum(0))
    weights = (vectors * np.sqrt(values)).sum(1) / values.sum()
    weights = np.abs(weights) / np.abs(weights).sum()
    scaled = (x - x.min(0)) / (x.max(0) - x.min(0))
    return (scaled @ weights).reshape(-1, len(YEARS)), weights


def baseline(panel, world):
    """Policy → (estimate, t clustered, t iid) of the index on one treatment and the controls."""
    sample = ~world.excluded
    outcome, _ = index(panel, world)
    variables = study_variables(panel, world)
    others = [variables[name] for name in ("marketization", "fdi", "tertiary_share", "urbanization", "fintech")]
    result = {}
    for policy_id, treatment in zip(("bcs", "iic", "dual"), treatments(world, sample), strict=True):
        beta, clustered, iid = two_way(outcome, [treatment, *others])
        result[policy_id] = (beta[0], beta[0] / clustered[0], beta[0] / iid[0])
    return result


@pytest.mark.parametrize("seed", [DEFAULT_SEED, 1, 2])
def test_the_index_shows_all_three_policies_in_the_papers_order(world, seed):
    panel = draw_panel(seed, world, DEMO)
    estimates = baseline(panel, world)
    assert estimates["dual"][0] > estimates["iic"][0] > estimates["bcs"][0] > 0
    for _, clustered, iid in estimates.values():
        assert clustered > stats.norm.ppf(0.995)
        assert iid > 1.3 * clustered  # errors clustered by city exceed iid ones


def test_without_effects_the_index_shows_little(world):
    null = baseline(draw_panel(DEFAULT_SEED, world, scenario("null")), world)
    real = baseline(draw_panel(DEFAULT_SEED, world, DEMO), world)
    for policy_id, (estimate, clustered, _) in null.items():
        assert abs(clustered) < 3
        assert abs(estimate) < 0.35 * real[policy_id][0]


# -------------------------------------------------------------------------------------------------- scenarios


def test_every_scenario_is_a_row_that_draws(world):
    assert scenario_names()[0] == "paper"
    assert {"null", "constant", "dynamic", "anticipation", "trend", "spillover", "large"} <= set(scenario_names())
    for name in scenario_names():
        parameters = scenario(name)
        assert parameters.name == name
        drawn = draw_panel(1, world, parameters)
        assert np.isfinite(drawn.index).all()
    with pytest.raises(InputError, match="no scenario 'best'; choose one of paper"):
        scenario("best")


def test_scenarios_break_what_they_say(world):
    pilot = (world.first_treated["bcs"] > 0) | (world.first_treated["iic"] > 0)

    def effect_of(name):
        return draw_panel(1, world, scenario(name)).effects["bcs"]["index"]

    first = world.first_treated["bcs"][:, None]
    early = (first > 0) & (np.array(YEARS)[None, :] < first) & (np.array(YEARS)[None, :] >= first - 2)
    assert not effect_of("null").any()
    assert (effect_of("constant")[early] == 0).all() and (effect_of("anticipation")[early] > 0).all()
    assert np.unique(effect_of("constant")).size == 2 < np.unique(effect_of("dynamic")).size
    plain = draw_panel(1, world, scenario("constant"))
    for name, cities in (("trend", pilot), ("spillover", ~pilot)):
        other = draw_panel(1, world, scenario(name))
        change = (other.index - plain.index)[:, -1] - (other.index - plain.index)[:, 0]
        assert change[cities & ~world.excluded].mean() > 0.0005 + change[~cities & ~world.excluded].mean(), name


# -------------------------------------------------------------------------------------------------- bad input


def test_bad_input_is_one_clear_sentence(tmp_path, world):
    with pytest.raises(InputError, match="seed is -1"):
        simulate(-1, tmp_path, SEEDS / "geography", SEEDS / "policy")
    with pytest.raises(InputError, match="no such file"):
        simulate(1, tmp_path, tmp_path, SEEDS / "policy")
    (tmp_path / "list_units.csv").write_text("policy_id,list_id,start_year,adcode\n", encoding="utf-8")
    with pytest.raises(InputError, match="column included is missing"):
        simulate(1, tmp_path, SEEDS / "geography", tmp_path)
    (tmp_path / "list_units.csv").write_text(
        "policy_id,list_id,start_year,adcode,included\nbcs,one,soon,110000,1\n", encoding="utf-8"
    )
    with pytest.raises(InputError, match="line 2: start_year is 'soon'"):
        simulate(1, tmp_path, SEEDS / "geography", tmp_path)
    occupied = tmp_path / "occupied"
    occupied.write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be written"):
        simulate(1, occupied, SEEDS / "geography", SEEDS / "policy")


def test_fewer_cities_and_years_are_the_same_rows_less(tmp_path, pages):
    simulate(DEFAULT_SEED, tmp_path, SEEDS / "geography", SEEDS / "policy", cities=60, years=(2013, 2018))
    for topic in TOPICS:
        with (tmp_path / f"{topic.name}.csv").open(encoding="utf-8", newline="") as handle:
            few = list(csv.DictReader(handle))
        assert {row["年份"] for row in few} == {str(year) for year in range(2013, 2019)}
        for year in range(2013, 2019):
            assert len({row["城市"] for row in few if row["年份"] == str(year)}) <= 61
        everything = [tuple(row.values()) for row in pages[topic.name]]
        assert {tuple(row.values()) for row in few} <= set(everything)
    for wrong, message in (
        ({"cities": 400}, "400 cities are asked for; the frame has 297"),
        ({"years": (2010, 2015)}, "years 2010-2015 are asked for"),
        ({"parameters": scenario("large")}, "the scenario large invents its cities|The scenario large invents"),
    ):
        with pytest.raises(InputError, match=message):
            simulate(1, tmp_path, SEEDS / "geography", SEEDS / "policy", **wrong)
