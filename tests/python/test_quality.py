"""Proofs of the expectation suite: what passes, what fails and what the input does not cover."""

import json
import logging
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from city_policy.errors import InputError
from city_policy.quality.expectations import RESULT_COLUMNS, SUITE_COLUMNS, run_expectations


def suite(*rows):
    """Rows (id, table, column, expectation, arguments) with the rest filled in."""
    return pd.DataFrame(
        [
            (name, "error", table, column, expectation, json.dumps(arguments), "baseline_effects", "why")
            for name, table, column, expectation, arguments in rows
        ],
        columns=list(SUITE_COLUMNS),
    )


def run(frames, *rows):
    return run_expectations(frames, suite(*rows)).set_index("expectation_id")


def quantiles(**ranges):
    """quantiles(q05=[0, 1]) -> the arguments of a quantile expectation."""
    return {
        "quantile_ranges": {
            "quantiles": [int(name[1:]) / 100 for name in ranges],
            "value_ranges": list(ranges.values()),
        }
    }


@pytest.fixture(scope="module")
def seed(project):
    paths = (project / "seeds/mapping/general_expectations.csv", project / "seeds/studies/nqp/expectations.csv")
    return pd.concat([pd.read_csv(path, dtype=str) for path in paths], ignore_index=True)


@pytest.fixture(scope="module")
def marts():
    """A plausible panel of 60 cities and 6 years, two of the cities outside the sample."""
    rng = np.random.default_rng(0)
    cities, years = 60, 6
    city = np.repeat(np.arange(cities), years)
    level = rng.normal(size=cities)[city]
    year = np.tile(np.arange(2015, 2015 + years), cities)
    frame = pd.DataFrame({"adcode": [f"{110000 + 100 * c}" for c in city], "year": year})
    n = len(frame)
    index = 0.25 + 0.05 * level + 0.01 * (year - 2015) + rng.normal(0, 0.005, n)
    frame = frame.assign(
        nqp=index,
        nqp_labor=0.2 * index,
        nqp_means_of_labor=0.4 * index,
        nqp_objects_of_labor=0.3 * index,
        nqp_optimal_combination=0.1 * index,
        marketization=7 + level,
        fdi_cny_trillion=0.004 * np.exp(level),
        tertiary_share=0.42 + 0.06 * np.tanh(level) + 0.01 * (year - 2015),
        urbanization_percent=52 + 9 * np.tanh(level) + 1.2 * (year - 2015),
        fintech=3.4 + level,
        agglomeration=np.exp(level),
        innovation=0.1 * np.exp(level),
        in_sample=city >= 2,
    )
    policy = pd.DataFrame(
        {
            "adcode": sorted(set(frame["adcode"])),
            "policy_id": "bcs",
            "first_treated_year": pd.array([2016] * 20 + [None] * 40, dtype="Int64"),
        }
    )
    indicator = pd.DataFrame({"indicator": list("abcd"), "weight": [0.3, 0.3, 0.4, None]})
    return {"fct_study_panel": frame, "fct_city_policy": policy, "dim_indicator": indicator}


def test_the_seed_passes_on_a_plausible_panel(marts, seed):
    result = run_expectations(marts, seed)
    assert list(result["expectation_id"]) == list(seed["expectation_id"])
    assert {name: str(dtype) for name, dtype in result.dtypes.items()} == RESULT_COLUMNS
    assert result["passed"].all(), result.loc[~result["passed"].fillna(True), ["expectation_id", "message"]]
    assert result["message"].isna().all()
    assert result[["observed", "severity", "table_name", "results_in_doubt"]].notna().all(axis=None)
    rows = result.set_index("expectation_id")["rows"]
    # Only the 58 cities of the sample are looked at.
    assert rows["nqp_level"] == 58 * 6 and rows["nqp_change"] == 58 * 5 and rows["cities_constant"] == 6


@pytest.mark.parametrize(
    ("column", "change", "failing"),
    [
        ("tertiary_share", lambda v: 100 * v, "tertiary_share_range"),
        ("urbanization_percent", lambda v: v / 100, "urbanization_level"),
        ("urbanization_percent", lambda v: v + 60, "urbanization_range"),
        ("fdi_cny_trillion", lambda v: 1e4 * v, "fdi_level"),
        ("fintech", np.exp, "fintech_range"),
        ("marketization", lambda v: 10 * v, "marketization_range"),
        ("nqp", lambda v: 0 * v + 0.3, "nqp_varies"),
        ("nqp", lambda v: v.where(v.index % 5 > 0), "nqp_present"),
        ("nqp_labor", lambda v: 0 * v, "nqp_labor_varies"),
        ("year", lambda v: v - 1000, "year_plausible"),
        ("year", lambda v: 0 * v + 2015, "city_year_unique"),
        ("agglomeration", lambda v: -v, "agglomeration_range"),
        ("innovation", lambda v: 1e4 * v, "innovation_skewed"),
        ("in_sample", lambda v: v & (v.index % 7 > 0), "cities_constant"),
        ("in_sample", lambda v: v & (v.index < 60), "cities_enough"),
        ("in_sample", lambda v: v & (v.index % 6 == 0), "years_per_city"),
    ],
)
def test_the_seed_finds_planted_damage(marts, seed, column, change, failing):
    frame = marts["fct_study_panel"]
    damaged = marts | {"fct_study_panel": frame.assign(**{column: change(frame[column])})}
    result = run_expectations(damaged, seed).set_index("expectation_id")
    assert failing in set(result.index[~result["passed"].fillna(True)])
    assert "found" in result.loc[failing, "message"]


def test_the_seed_finds_damage_in_policies_and_weights(marts, seed):
    policy, indicator = marts["fct_city_policy"], marts["dim_indicator"]
    damaged = {
        "fct_city_policy": pd.concat([policy.assign(first_treated_year=14), policy]),
        "dim_indicator": indicator.assign(weight=[-0.1, 0.7, 0.3, None]),
    }
    result = run_expectations(marts | damaged, seed).set_index("expectation_id")
    expected = {
        "city_policy_unique",
        "first_treated_year_plausible",
        "weights_range",
        "weights_sum",
        "weights_spread",
    }
    assert set(result.index[~result["passed"].fillna(True)]) == expected
    nobody = policy.assign(first_treated_year=pd.array([None] * 59 + [2016], dtype="Int64"))
    wide = pd.concat([nobody, nobody.assign(policy_id="iic", first_treated_year=pd.NA)])
    result = run_expectations(marts | {"fct_city_policy": wide}, seed).set_index("expectation_id")
    assert not result.loc["policies_have_cities", "passed"]


def test_an_empty_sample_is_an_error(marts, seed):
    nothing = marts["fct_study_panel"].assign(in_sample=False)
    result = run_expectations(marts | {"fct_study_panel": nothing}, seed).set_index("expectation_id")
    assert not result.loc["city_year_rows", "passed"] and result.loc["city_year_rows", "rows"] == 0
    assert pd.isna(result.loc["nqp_level", "passed"])


def test_what_the_input_does_not_cover_is_neither_passed_nor_failed(marts, seed):
    frame = marts["fct_study_panel"].drop(columns=["fintech"]).assign(innovation=None, marketization=np.nan)
    result = run_expectations({"fct_study_panel": frame}, seed).set_index("expectation_id")
    open_rows = result[result["passed"].isna()]
    assert set(open_rows.index) == {
        "fintech_range",
        "fintech_level",
        "innovation_range",
        "innovation_skewed",
        "marketization_range",
        "marketization_level",
        "city_policy_unique",
        "first_treated_year_plausible",
        "policies_have_cities",
        "weights_range",
        "weights_sum",
        "weights_spread",
    }
    assert (open_rows["message"] == "not covered by this input").all()
    assert result.drop(open_rows.index)["passed"].all()


def test_yearly_change_is_within_a_city_and_between_neighbouring_years():
    frame = pd.DataFrame(
        {
            "adcode": ["a", "a", "a", "b", "b", "b"],
            "year": [2013, 2011, 2012, 2011, 2013, 2014],
            "v": [7.0, 1.0, 3.0, 100.0, 200.0, 200.5],
        }
    )
    result = run(
        {"t": frame},
        ("max", "t", "v", "ExpectColumnMaxToBeBetween", {"view": "yearly_change", "max_value": 4}),
        ("min", "t", "v", "ExpectColumnMinToBeBetween", {"view": "yearly_change", "min_value": 0.6}),
        ("sum", "t", "v", "ExpectColumnSumToBeBetween", {"view": "yearly_change", "max_value": 6.5}),
    )
    # a: 2 and 4; b: 2013 has no year before, 2014 gives 0.5.
    assert list(result["rows"]) == [3, 3, 3]
    assert list(result["observed"]) == ["4", "0.5", "6.5"]
    assert list(result["passed"]) == [True, False, True]
    assert result.loc["min", "message"] == "Expected at least 0.6; found 0.5."


def test_observed_and_bound_are_readable():
    frame = pd.DataFrame({"v": [0.0, 1, 2, 3, 4, 5, 6, 7, 8, 9, np.nan], "k": ["x"] * 11, "l": 0})
    result = run(
        {"t": frame},
        ("a", "t", "v", "ExpectColumnValuesToBeBetween", {"min_value": 2, "max_value": 1e9, "mostly": 0.7}),
        ("b", "t", "v", "ExpectColumnQuantileValuesToBeBetween", quantiles(q50=[4, 5], q90=[None, 7])),
        ("c", "t", "", "ExpectCompoundColumnsToBeUnique", {"column_list": ["k", "l"]}),
        ("d", "t", "", "ExpectTableRowCountToBeBetween", {"max_value": 10}),
    )
    assert list(result["observed"]) == [
        "2 of 10 rows break it",
        "50 %: 4; 90 %: 8",
        "11 of 11 rows break it",
        "11",
    ]
    assert list(result["bound"]) == [
        "2 to 1000000000, mostly 0.7",
        "50 %: 4 to 5; 90 %: at most 7",
        "column list k, l",
        "at most 10",
    ]
    assert list(result["passed"]) == [True, False, False, False]
    assert result["column_name"].isna().tolist() == [False, False, True, True]


def test_an_exception_inside_is_not_a_pass_and_says_so():
    frame = pd.DataFrame({"v": ["text", "more", "x"], "w": [1.0, 2.0, 3.0]})
    result = run(
        {"t": frame},
        ("text", "t", "v", "ExpectColumnValuesToBeBetween", {"min_value": 2, "mostly": 0.01}),
        ("good", "t", "w", "ExpectColumnValuesToBeBetween", {"min_value": 0}),
    )
    assert not result.loc["text", "passed"]
    assert result.loc["text", "message"].startswith("The check could not be made: ")
    assert result.loc["good", "passed"]


def test_it_is_silent(marts, seed, capfd, caplog):
    with caplog.at_level(logging.INFO):
        run_expectations(marts, seed)
    captured = capfd.readouterr()
    assert captured.out == "" and captured.err == ""
    assert "great_expectations" in sys.modules


def test_importing_the_module_does_not_import_great_expectations(project):
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import city_policy.quality.expectations; "
        "print('great_expectations' in sys.modules)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program, str(project / "python")], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"severity": "fatal"}, "'one' has the severity 'fatal'; expected error or warning"),
        (
            {"expectation": "ExpectMiracles"},
            "'one' asks for ExpectMiracles, which Great Expectations does not",
        ),
        ({"arguments": "{min: 1}"}, "arguments of expectation 'one' are not JSON"),
        ({"arguments": "[1]"}, "arguments of expectation 'one' are not a JSON object"),
        (
            {"arguments": '{"view": "upside_down"}'},
            "'one' has the view 'upside_down'; expected yearly_change",
        ),
        ({"arguments": '{"minimum": 1}'}, "'one' has arguments that ExpectColumnValuesToBeBetween refuses"),
    ],
)
def test_input_errors(change, sentence):
    row = suite(("one", "t", "v", "ExpectColumnValuesToBeBetween", {"min_value": 1})).assign(**change)
    with pytest.raises(InputError, match=sentence):
        run_expectations({"t": pd.DataFrame({"v": [1.0]})}, row)


def test_a_suite_with_a_missing_column_or_a_repeated_id_is_refused():
    row = suite(("one", "t", "v", "ExpectColumnValuesToBeBetween", {"min_value": 1}))
    with pytest.raises(InputError, match="'one' is listed twice"):
        run_expectations({}, pd.concat([row, row]))
    with pytest.raises(InputError, match="no column 'arguments'"):
        run_expectations({}, row.drop(columns="arguments"))
