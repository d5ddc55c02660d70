"""The recipes of CONTRIBUTING, followed to the letter: rows of seeds alone make a policy, an indicator of a new
dimension, a control, an outcome, a mediator, a group, a sample and their regressions. One whole build with all tests
of dbt has them in every result, and the report has their names in both languages.
"""

import csv
import io
import json
from pathlib import Path

import duckdb
import pytest
from bs4 import BeautifulSoup
from conftest import copy_project, run

# The rows of each recipe: a seed, the columns that are filled, and the rows.
POLICY = {
    "studies/nqp/policies": """
policy_id,name_zh,name_en,kind,role,source
low_carbon,低碳城市试点,low-carbon city pilots,listed,study,"NDRC lists, second batch of 2012 and third batch of 2017"
""",
    "studies/nqp/pilot_units": """
policy_id,unit,adcode,city_name_zh,start_year,batch,confidence,source
low_carbon,秦皇岛市,130300,秦皇岛市,2013,2012,A,NDRC list of 2012
low_carbon,晋城市,140500,晋城市,2013,2012,A,NDRC list of 2012
low_carbon,呼伦贝尔市,150700,呼伦贝尔市,2013,2012,A,NDRC list of 2012
low_carbon,吉林市,220200,吉林市,2013,2012,A,NDRC list of 2012
low_carbon,淮安市,320800,淮安市,2013,2012,A,NDRC list of 2012
low_carbon,温州市,330300,温州市,2013,2012,A,NDRC list of 2012
low_carbon,池州市,341700,池州市,2013,2012,A,NDRC list of 2012
low_carbon,南平市,350700,南平市,2013,2012,A,NDRC list of 2012
low_carbon,景德镇市,360200,景德镇市,2013,2012,A,NDRC list of 2012
low_carbon,赣州市,360700,赣州市,2013,2012,A,NDRC list of 2012
low_carbon,桂林市,450300,桂林市,2013,2012,A,NDRC list of 2012
low_carbon,广元市,510800,广元市,2013,2012,A,NDRC list of 2012
low_carbon,遵义市,520300,遵义市,2013,2012,A,NDRC list of 2012
low_carbon,延安市,610600,延安市,2013,2012,A,NDRC list of 2012
low_carbon,大连市,210200,大连市,2017,2017,A,NDRC list of 2017
low_carbon,朝阳市,211300,朝阳市,2017,2017,A,NDRC list of 2017
low_carbon,常州市,320400,常州市,2017,2017,A,NDRC list of 2017
low_carbon,嘉兴市,330400,嘉兴市,2017,2017,A,NDRC list of 2017
low_carbon,淮北市,340600,淮北市,2017,2017,A,NDRC list of 2017
low_carbon,三明市,350400,三明市,2017,2017,A,NDRC list of 2017
low_carbon,吉安市,360800,吉安市,2017,2017,A,NDRC list of 2017
low_carbon,烟台市,370600,烟台市,2017,2017,A,NDRC list of 2017
low_carbon,郴州市,431000,郴州市,2017,2017,A,NDRC list of 2017
low_carbon,中山市,442000,中山市,2017,2017,A,NDRC list of 2017
low_carbon,柳州市,450200,柳州市,2017,2017,A,NDRC list of 2017
low_carbon,玉溪市,530400,玉溪市,2017,2017,A,NDRC list of 2017
low_carbon,安康市,610900,安康市,2017,2017,A,NDRC list of 2017
""",
}
INDICATOR = {
    "studies/nqp/indicators": """
indicator,name_zh,name_en,dimension,dimension_zh,dimension_en,subdimension_zh,subdimension_en,definition_zh,definition_en,direction,computed_by,numerator,denominator,factor,unit
foreign_capital,利用外资强度,Foreign capital,openness,对外开放,Openness,外资,Capital from abroad,实际使用外资/GDP,Foreign capital utilised / GDP,1,ratio,fdi,gdp,1,usd per cny
""",
}
VARIABLES = {
    "studies/nqp/variables": """
variable,column_name,role,name_zh,name_en,unit,expression,required_measures
fiscal_scale,fiscal_scale_share,control,财政支出规模,scale of fiscal expenditure,share,fiscal_expenditure / gdp,fiscal_expenditure gdp
ln_gdp,ln_gdp,outcome,地区生产总值对数,log of gross regional product,log,ln(gdp),gdp
investment,investment_share,mediator,投资强度,intensity of investment,share,fixed_asset_investment / gdp,fixed_asset_investment gdp
is_western,is_western,group,西部,western,boolean,region = 'west',
""",
}
SAMPLE = {
    "studies/nqp/samples": """
sample,condition,name_zh,name_en
sample_western,is_western,西部城市,western cities
""",
}
REGRESSIONS = {
    "studies/nqp/specifications": """
specification,result,panel,estimator,outcome,treatment,lag,sample,mediator,cluster,description
baseline_gdp,baseline_effects,,fixed_effects,ln_gdp,each,0,sample_full,,adcode,the baseline with gross regional product as outcome
western_cities,robustness_effects,G_western,fixed_effects,nqp,each,0,sample_western,,adcode,the baseline in western cities
western_gdp,robustness_effects,,fixed_effects,ln_gdp,each,0,sample_western,,adcode,gross regional product in western cities
mediation_investment,mediation_effects,,mediation,nqp,each,0,sample_full,investment_share,adcode,investment as mediator
""",
    "studies/nqp/labels": """
kind,key,label_zh,label_en
panel,G_western,西部城市样本（论文没有）,Western cities only (not in the paper)
specification,western_cities,仅西部城市,in western cities only
specification,western_gdp,西部城市的地区生产总值,Gross regional product of western cities
""",
}


def rows_of(table: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table.strip())))


def follow(project: Path, recipe: dict[str, str]) -> None:
    """Append the rows of a recipe to its seeds; columns that are not named stay blank."""
    for seed, table in recipe.items():
        path = project / "seeds" / f"{seed}.csv"
        text = path.read_text(encoding="utf-8")
        columns = next(csv.reader(io.StringIO(text)))
        with open(path, "a", encoding="utf-8", newline="") as handle:
            handle.write("" if text.endswith("\n") else "\n")
            csv.DictWriter(handle, columns, restval="", lineterminator="\n").writerows(rows_of(table))


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """The data directory of one whole build, with all tests of dbt, and of the report, after all recipes."""
    folder = tmp_path_factory.mktemp("recipes")
    project, data = folder / "project", folder / "data"
    project.mkdir()
    copy_project(project)
    for recipe in (POLICY, INDICATOR, VARIABLES, SAMPLE, REGRESSIONS):
        follow(project, recipe)
    for command in (["build", "--threads", "2"], ["report"]):
        result = run(["city-policy", *command], project, data)
        assert result.returncode == 0, result.stdout[-5000:] + result.stderr[-3000:]
    return data


@pytest.fixture(scope="module")
def rows(data):
    """A function that asks the published database and returns rows."""
    with duckdb.connect(str(data / "city_policy.duckdb"), read_only=True) as connection:
        yield lambda query, *values: connection.execute(query, list(values)).fetchall()


@pytest.fixture(scope="module")
def page(data):
    return BeautifulSoup((data / "report" / "index.html").read_text(encoding="utf-8"), "html.parser")


def test_contributing_names_every_seed_that_a_recipe_fills(project):
    recipes = (project / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for recipe in (POLICY, INDICATOR, VARIABLES, SAMPLE, REGRESSIONS):
        for seed in recipe:
            assert f"`seeds/{seed}.csv`" in recipes, seed


def test_the_new_policy_is_in_every_result_that_asks_for_each(rows):
    specifications = rows("select specification, result, estimator from seeds.specifications where treatment = 'each'")
    assert {result for _, result, _ in specifications} >= {
        "baseline_effects",
        "event_study",
        "placebo_test",
        "instrumental_variable",
        "robustness_effects",
        "bacon_decomposition",
        "mediation_effects",
        "heterogeneous_effects",
        "group_differences",
        "heterogeneity_robust_effects",
    }
    for specification, result, _ in specifications:
        found = rows(
            f"select distinct status from results.{result} where spec_id = ? and treatment = 'low_carbon'",
            f"{specification}_low_carbon",
        )
        statuses = {status for (status,) in found}
        # An effect that rests on one city has no clustered error.
        assert statuses <= {"ok", "not_identified"}, specification
        assert ("ok" in statuses) == (specification != "city_year_effects"), specification
    draws = rows("select n_draws from results.placebo_test where treatment = 'low_carbon'")
    assert draws == rows("select count(*) from results.placebo_draws where spec_id = 'placebo_low_carbon'")
    for table in ("robust_inference", "city_influence", "estimate_cross_check"):
        assert rows(f"select 1 from results.{table} where spec_id = 'baseline_low_carbon'"), table


def test_the_new_policy_treats_the_cities_that_are_listed(rows):
    included = [unit["adcode"] for unit in rows_of(POLICY["studies/nqp/pilot_units"])]
    ((listed,),) = rows("select count(*) from marts.dim_city where in_sample and list_contains(?, adcode)", included)
    assert listed > 20
    assert rows("select n_treated_sample_cities from marts.dim_policy where policy_id = 'low_carbon'") == [(listed,)]
    for result in ("baseline_effects", "event_study", "placebo_test", "heterogeneity_robust_effects"):
        found = rows(
            f"select distinct n_treated_cities from results.{result} where treatment = 'low_carbon' and sample = 'sample_full'"
        )
        assert found == [(listed,)], result


def test_the_new_indicator_makes_a_dimension_of_the_index(rows, data):
    ((share, low, high),) = rows(
        "select count(nqp_openness) / count(*), min(nqp_openness), max(nqp_openness) "
        "from marts.fct_study_panel where sample_full"
    )
    assert share == 1 and low < high
    with duckdb.connect(str(data / "build.duckdb"), read_only=True) as connection:
        dimensions = connection.execute("select distinct dimension from intermediate.int_index_dimensions").fetchall()
    assert ("openness",) in dimensions and len(dimensions) == 5
    ((total, n),) = rows("select sum(weight), count(weight) from results.index_weights")
    assert total == pytest.approx(1, abs=1e-12) and n == 27
    assert rows("select weight > 0 from results.index_weights where dimension = 'openness'") == [(True,)]
    assert rows("select 1 from marts.bridge_indicator_cell where indicator = 'foreign_capital' limit 1")


def test_the_new_control_stands_in_table_2_and_in_every_baseline_regression(rows):
    assert rows("select role, n_obs, message from results.summary_statistics where variable = 'fiscal_scale'") == [
        ("control", 3025, None)
    ]
    without = rows(
        "select spec_id, vcov from results.baseline_effects group by all "
        "having count(estimate) filter (term = 'fiscal_scale_share') != 1"
    )
    assert without == []


def test_the_other_outcome_has_its_own_rows_and_stands_beside_no_effect_on_the_index(rows):
    ((n_policies,),) = rows("select count(*) from marts.dim_policy where role = 'study'")
    same_sample = rows(
        "select gdp.treatment from results.baseline_effects as gdp "
        "inner join results.baseline_effects as nqp using (treatment, term, vcov, n_obs, n_cities, n_treated_cities) "
        "where gdp.outcome = 'ln_gdp' and nqp.outcome = 'nqp' and term = treatment and vcov = 'CRV1' "
        "and gdp.estimate != nqp.estimate and nqp.spec_id != 'joint'"
    )
    assert len(same_sample) == n_policies
    beside = rows(
        "select robust.twfe_estimate = baseline.estimate and robust.twfe_std_error = baseline.std_error "
        "from results.heterogeneity_robust_effects as robust "
        "inner join results.baseline_effects as baseline on robust.treatment = baseline.treatment "
        "where robust.event_time is null and robust.sample = 'sample_full' and baseline.outcome = 'nqp' "
        "and baseline.term = baseline.treatment and baseline.vcov = 'CRV1' and baseline.spec_id != 'joint'"
    )
    assert beside == [(True,)] * (8 * n_policies)
    # A robust inference is one of its own regression.
    assert rows(
        "select count(*) from results.robust_inference as robust "
        "inner join results.regression_coefficients as own on robust.spec_id = own.spec_id and own.term = own.treatment "
        "and own.vcov = 'CRV1' where robust.outcome != own.outcome or abs(robust.estimate - own.estimate) > 1e-9"
    ) == [(0,)]
    assert rows(
        "select count(*) from results.robust_inference "
        "where outcome = 'ln_gdp' and method = 'randomisation' and p_value > 0"
    ) == [(2 * n_policies,)]
    assert rows("select count(*) from replication.recovery where spec_id like '%gdp%'") == [(0,)]
    # What the paper prints stands beside an effect on the index or on one of the paper's mediators.
    published = rows(
        "select distinct spec_id from replication.coefficient_comparison "
        "where is_published and (outcome = 'ln_gdp' or spec_id like '%gdp%')"
    )
    assert published == []
    assert rows(
        "select count(*) from replication.replication_scorecard as card inner join results.baseline_effects as nqp "
        "on card.subject = concat_ws(' / ', 'nqp', nqp.treatment, nqp.treatment, 'full') and nqp.term = nqp.treatment "
        "where card.table_no = '3' and nqp.outcome = 'nqp' and nqp.vcov = 'CRV1' and card.our_value = nqp.estimate"
    ) == [(3,)]
    # It rests on its own measures, not on the indicators of the index.
    ((index_filled, filled),) = rows(
        "select max(n_filled) filter (variable = 'nqp'), max(n_filled) filter (variable = 'ln_gdp') "
        "from results.summary_statistics"
    )
    assert 0 < filled < index_filled / 3


def test_the_notes_keep_speaking_of_the_index(rows):
    evidence = dict(rows("select result, evidence from results.soundness_notes"))
    ((share,),) = rows(
        "select round((maximum - mean) / std_dev, 1)::varchar from results.summary_statistics where variable = 'nqp'"
    )
    assert (
        f"The largest value of the outcome lies {share} standard deviations above the mean"
        in evidence["summary_statistics"]
    )
    assert " of 5 effects are significant" in evidence["baseline_effects"]


def test_the_new_mediator_has_paths_and_the_new_sample_fewer_cities(rows):
    assert rows(
        "select count(indirect_effect) from results.mediation_effects where mediator = 'investment_share' and vcov = 'CRV1'"
    ) == [(4,)]
    ((cities, all_cities),) = rows(
        "select max(n_cities) filter (sample = 'sample_western'), max(n_cities) from results.robustness_effects"
    )
    western = rows("select count(distinct adcode) from marts.fct_study_panel where sample_full and region = 'west'")
    assert [(cities,)] == western and cities < all_cities
    assert rows("select bool_and(is_western = (region = 'west')) from marts.fct_study_panel") == [(True,)]


def test_every_new_thing_is_named_in_the_report_in_both_languages(page):
    chinese = " ".join(element.get_text(" ", strip=True) for element in page.select(".zh")).lower()
    english = " ".join(element.get_text(" ", strip=True) for element in page.select(".en")).lower()
    new = [
        row
        for recipe in (POLICY, INDICATOR, VARIABLES, SAMPLE, REGRESSIONS)
        for table in recipe.values()
        for row in rows_of(table)
        if row.get("role") != "group"
    ]
    for language, words in (("zh", chinese), ("en", english)):
        names = [row[name] for row in new for name in row if name.endswith(f"_{language}") and name != "city_name_zh"]
        assert len(names) > 10
        assert [name for name in names if name.lower() not in words] == []
    assert "not covered" not in english and "未覆盖" not in chinese
    for key in ("baseline_gdp", "western_gdp", "ln_gdp", "fiscal_scale", "sample_western", "investment_share"):
        assert key not in chinese and key not in english


def headings(table, language: str) -> list[str]:
    return [cell.select_one(f".{language}").text for cell in table.select("thead tr:last-child th")][1:]


def test_the_report_names_the_outcome_of_every_column(page):
    names = ["New quality productive forces", "Log of gross regional product"]
    # The four policies, all in one regression, and the four on the other outcome, in two parts as a page is wide.
    parts = page.select("#table-3 table.paper")
    assert [name for part in parts for name in headings(part, "en")] == [names[0]] * 5 + [names[1]] * 4
    assert [name for part in parts for name in headings(part, "zh")] == ["新质生产力"] * 5 + ["地区生产总值对数"] * 4
    panels = {table.caption.select_one(".en").text: table for table in page.select("#table-5 table.paper")}
    assert headings(panels["Western cities only (not in the paper)"], "en") == [names[0]] * 4
    assert headings(panels["Gross regional product of western cities"], "en") == [names[1]] * 4
    mechanisms = [table.caption.select_one(".en").text for table in page.select("#table-8 table.paper")]
    mechanisms = [caption for caption in mechanisms if not caption.endswith("(continued)")]
    assert len(mechanisms) == 3 and mechanisms[2] == "Intensity of investment"
    groups = [row.select_one(".en").text for row in page.select("#table-2 th.group")]
    assert groups == ["Outcome", "Treatments", "Controls", "Mediators"]
    assert [row.select_one(".en").text for row in page.select("#table-1 th.group")][-1] == "Openness"


def test_the_figures_show_the_new_policy_and_only_effects_on_the_index(page, rows):
    figures = json.loads(page.select_one("#figures-data").string)["figures"]
    for key in ("cohorts", "panel_view", "event_study", "placebo", "coefficients", "inference", "influence", "bacon"):
        for language, name in (("zh", "低碳城市试点"), ("en", "Low-carbon city pilots")):
            assert name in json.dumps(figures[key][language], ensure_ascii=False), (key, language)
    # One estimate per policy and kind of inference: none on another outcome beside it.
    assert len(figures["inference"]["en"]) == 4
    shown = [row.select("td .en")[0].text for row in page.select("#figure-inference details tbody tr")]
    assert len(shown) == 7 * 4
    coefficients = page.select_one("#figure-coefficients details").get_text(" ")
    assert "in western cities only" in coefficients and "Gross regional product" not in coefficients


def test_the_data_dictionary_describes_the_new_columns(data):
    with open(data / "published" / "data_dictionary.csv", encoding="utf-8", newline="") as handle:
        described = {
            row["column"]: row["description"] for row in csv.DictReader(handle) if row["table"] == "fct_study_panel"
        }
    for column, words in {
        "low_carbon": "low-carbon city pilots",
        "low_carbon_first_year": "low-carbon city pilots",
        "nqp_openness": "Openness",
        "fiscal_scale_share": "scale of fiscal expenditure",
        "ln_gdp": "log of gross regional product",
        "investment_share": "intensity of investment",
        "sample_western": "western cities",
    }.items():
        assert words in described[column], column
