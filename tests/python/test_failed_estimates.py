"""A mistake of the program ends the run with its traceback; only what a specification or the data explain is a row."""

import ast
import importlib
import inspect
import pkgutil
import re
import sys
from dataclasses import replace

import pandas as pd
import pytest
import yaml
from city_policy.estimation import estimators
from city_policy.estimation.contract.panel import Panel
from city_policy.estimation.contract.record import EXPECTED_ERRORS
from city_policy.estimation.contract.runner import Estimator, run
from resampling_reference import simulate

MODULES = [
    importlib.import_module(f"{estimators.__name__}.{found.name}")
    for found in pkgutil.iter_modules(estimators.__path__)
]
ESTIMATORS = {name: value for module in MODULES for name, value in vars(module).items() if isinstance(value, Estimator)}
OPTIONS = {
    "PLACEBO": {"draws": 5, "seed": 1},
    "MEDIATION": {"draws": 5, "seed": 1},
    "GROUP_DIFFERENCES": {"draws": 5, "seed": 1},
    "ROBUST_INFERENCE": {"bootstrap_draws": 5, "wild_draws": 9, "seed": 1},
    "EVENT_STUDY": {"first": -4, "last": 5},
    "DOUBLE_MACHINE_LEARNING": {"seed": 1, "folds": 2, "repetitions": 1},
    "MATCHED_ROWS": {"matched": {}},
    "MATCHING": {"matched": {}},
    "BALANCE": {"matched": {}},
}


def run_one(name, estimator):
    """The tables of ``estimator`` for one specification, which all estimators can read."""
    row = {"spec_id": "one", "result": "any", "paper_table": None, "panel": None, "column_no": None}
    row |= {"estimator": "imputation", "outcome": "y", "treatment": "pilot", "lag": 0, "cluster": "adcode"}
    row |= {"sample": "north", "comparison_sample": "south", "mediator": "m", "variant": None}
    row |= {"extra_controls": None, "extra_fixed_effects": None}
    if name == "INSTRUMENTAL_VARIABLE":
        row["variant"] = "x2"
    return run(estimator, Panel(*simulate()), pd.DataFrame([row]), ["x1"], **OPTIONS.get(name, {}))


class _Misspell(ast.NodeTransformer):
    """Misspells the first attribute that is met."""

    done = False

    def visit_Attribute(self, node):
        if not self.done:
            self.done, node.attr = True, f"{node.attr}_misspelt"
        return node


def misspelt(function):
    """``function`` with its first attribute misspelt, in the names of its module."""
    tree, misspell = ast.parse(inspect.getsource(function)), _Misspell()
    # The annotations and the docstring do not run.
    tree.body[0].body = [misspell.visit(statement) for statement in tree.body[0].body[1:]]
    assert misspell.done
    names = dict(vars(sys.modules[function.__module__]))
    exec(compile(tree, function.__module__, "exec"), names)
    return names[function.__name__]


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_misspelt_attribute_ends_the_run(name):
    estimator = ESTIMATORS[name]
    for table in run_one(name, estimator):
        assert "status" not in table or (table["status"] == "ok").any(), table["message"].tolist()
    with pytest.raises(AttributeError, match="misspelt"):
        run_one(name, replace(estimator, estimate=misspelt(estimator.estimate)))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_misspelt_attribute_where_rows_are_chosen_ends_the_run(name, monkeypatch):
    # As if the estimator had written panel.numbrs.
    monkeypatch.delattr(Panel, "numbers")
    with pytest.raises(AttributeError, match="no attribute 'numbers'"):
        run_one(name, ESTIMATORS[name])


@pytest.mark.parametrize("problem", [KeyError, ValueError, TypeError, ZeroDivisionError, AssertionError])
def test_only_the_two_expected_errors_become_rows(problem):
    def broken(request):
        raise problem("a bug")

    estimator = replace(ESTIMATORS["FIXED_EFFECTS"], estimate=broken)
    with pytest.raises(problem, match="a bug"):
        run_one("FIXED_EFFECTS", estimator)
    for expected in EXPECTED_ERRORS:

        def refuses(request, expected=expected):
            raise expected("the reason")

        (record,) = run_one("FIXED_EFFECTS", replace(estimator, estimate=refuses))
        assert record["message"].tolist() == ["the reason"] * 2 and (record["n_obs"] > 0).all()


def test_every_table_of_estimates_with_a_status_is_read_by_the_test_for_failed_ones(project):
    models = yaml.safe_load((project / "models/estimates/_estimates__models.yml").read_text(encoding="utf-8"))["models"]
    with_status = {model["name"] for model in models if "status" in {column["name"] for column in model["columns"]}}
    query = (project / "tests/assert_no_estimate_failed.sql").read_text(encoding="utf-8")
    assert set(re.findall(r"'(est_\w+)'", query)) == with_status
    # What has no status belongs to a table that has one.
    assert {model["name"] for model in models} - with_status == {"est_matched_sample", "est_placebo_draws"}


def test_nothing_catches_every_exception(project):
    """In the library: except where it is raised again, or where a library panics outside of Python's exceptions."""
    broad = re.compile(r"except\s*(Exception|BaseException)?(\s+as\s+\w+)?\s*:")
    allowed = {"landing.py", "open_xml.py"}
    for path in (project / "python/city_policy").rglob("*.py"):
        if path.name not in allowed:
            assert not broad.search(path.read_text(encoding="utf-8")), path
