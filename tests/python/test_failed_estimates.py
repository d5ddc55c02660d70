"""A mistake of the program ends the run with its traceback; only what a specification or the data explain is a row."""

import re

import pandas as pd
import pytest
import yaml
from city_policy.estimation.bacon import decompose_bacon
from city_policy.estimation.cross_check import fit_with_pyfixest
from city_policy.estimation.double_machine_learning import estimate_double_machine_learning
from city_policy.estimation.event_study import estimate_event_study
from city_policy.estimation.fixed_effects import estimate_fixed_effects
from city_policy.estimation.group_differences import group_differences
from city_policy.estimation.instrumental_variable import estimate_instrumental_variable
from city_policy.estimation.matching import matched_rows
from city_policy.estimation.mediation import mediation_effects, mediation_regressions
from city_policy.estimation.panel import Panel
from city_policy.estimation.placebo import placebo
from city_policy.estimation.robust_inference import city_influence, robust_inference
from city_policy.estimation.staggered import estimate_staggered
from resampling_reference import simulate

RUNS = {
    decompose_bacon: {},
    fit_with_pyfixest: {},
    estimate_double_machine_learning: {},
    estimate_event_study: {},
    estimate_fixed_effects: {},
    group_differences: {"draws": 5},
    estimate_instrumental_variable: {},
    matched_rows: {},
    mediation_effects: {"draws": 5},
    mediation_regressions: {},
    placebo: {"draws": 5},
    robust_inference: {"bootstrap_draws": 5, "wild_draws": 9},
    city_influence: {},
    estimate_staggered: {},
}


def arguments(run):
    """Panel, timing, a specification that every estimator can read, and controls for those that take them."""
    panel, timing = simulate()
    row = {"spec_id": "one", "result": "any", "paper_table": None, "panel": None, "column_no": None}
    row |= {"estimator": "imputation", "outcome": "y", "treatment": "pilot", "lag": 0, "sample": "everyone"}
    row |= {"sample_1": "north", "sample_2": "south", "mediator": "m", "variant": None, "cluster": "adcode"}
    row |= {"extra_controls": None, "extra_fixed_effects": None}
    if run is estimate_instrumental_variable:
        row["variant"] = "x2"
    controls = [] if run is decompose_bacon else [["x1"]]
    return panel, timing, pd.DataFrame([row]), *controls


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.__name__)
def test_a_misspelt_attribute_ends_the_run(run, monkeypatch):
    # As if the estimator had written panel.variabels.
    monkeypatch.delattr(Panel, "numbers")
    with pytest.raises(AttributeError, match="no attribute 'numbers'"):
        run(*arguments(run), **RUNS[run])


def test_every_table_of_estimates_with_a_status_is_read_by_the_test_for_failed_ones(project):
    models = yaml.safe_load((project / "models/estimates/_estimates__models.yml").read_text(encoding="utf-8"))["models"]
    with_status = {model["name"] for model in models if "status" in {column["name"] for column in model["columns"]}}
    query = (project / "tests/assert_no_estimate_failed.sql").read_text(encoding="utf-8")
    assert set(re.findall(r"'(est_\w+)'", query)) == with_status
    # What has no status belongs to a table that has one.
    assert {model["name"] for model in models} - with_status == {"est_matched_sample", "est_placebo_draws"}
