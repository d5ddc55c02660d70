"""A mistake of the program ends the run with its traceback; only what a specification or the data explain is a row."""

import ast
import inspect
import re
import sys
from dataclasses import replace

import pytest
import yaml
from city_policy.estimation.contract.panel import Panel
from city_policy.estimation.contract.record import EXPECTED_ERRORS
from estimator_cases import ESTIMATORS, run_one
from resampling_reference import simulate


@pytest.fixture(scope="module")
def panel():
    return Panel(*simulate())


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
def test_a_misspelt_attribute_ends_the_run(name, panel):
    estimator = ESTIMATORS[name]
    for table in run_one(name, estimator, panel, ["x1"]):
        assert "status" not in table or (table["status"] == "ok").any(), table["message"].tolist()
    with pytest.raises(AttributeError, match="misspelt"):
        run_one(name, replace(estimator, estimate=misspelt(estimator.estimate)), panel, ["x1"])


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_misspelt_attribute_where_rows_are_chosen_ends_the_run(name, monkeypatch):
    # As if the estimator had written panel.numbrs.
    monkeypatch.delattr(Panel, "numbers")
    with pytest.raises(AttributeError, match="no attribute 'numbers'"):
        run_one(name, ESTIMATORS[name], Panel(*simulate()), ["x1"])


@pytest.mark.parametrize("problem", [KeyError, ValueError, TypeError, ZeroDivisionError, AssertionError])
def test_only_the_two_expected_errors_become_rows(problem, panel):
    def broken(request):
        raise problem("a bug")

    estimator = replace(ESTIMATORS["FIXED_EFFECTS"], estimate=broken)
    with pytest.raises(problem, match="a bug"):
        run_one("FIXED_EFFECTS", estimator, panel, ["x1"])
    reason = "The panel has no column 'x'."
    for expected in EXPECTED_ERRORS:

        def refuses(request, expected=expected):
            raise expected(reason)

        (record,) = run_one("FIXED_EFFECTS", replace(estimator, estimate=refuses), panel, ["x1"])
        assert record["message"].tolist() == [reason] * 2 and (record["n_obs"] > 0).all()


def test_every_table_of_estimates_with_a_status_is_read_by_the_test_for_failed_ones(project):
    files = sorted((project / "models/estimates").glob("_*__models.yml"))
    models = [model for path in files for model in yaml.safe_load(path.read_text(encoding="utf-8"))["models"]]
    assert len(models) == len(list((project / "models/estimates").glob("est_*.py")))
    with_status = {model["name"] for model in models if "status" in {column["name"] for column in model["columns"]}}
    query = (project / "tests/assert_no_estimate_failed.sql").read_text(encoding="utf-8")
    assert set(re.findall(r"'(est_\w+)'", query)) == with_status
    # What has no status belongs to a table that has one.
    assert {model["name"] for model in models} - with_status == {"est_matched_sample", "est_placebo_draws"}


def test_nothing_catches_every_exception(project):
    """In the library: except where it is raised again, or where a library panics outside of Python's exceptions."""
    broad = re.compile(r"except\s*(Exception|BaseException)?(\s+as\s+\w+)?\s*:")
    allowed = {"landing.py", "open_xml.py", "cli.py"}
    for path in (project / "python/city_policy").rglob("*.py"):
        if path.name not in allowed:
            assert not broad.search(path.read_text(encoding="utf-8")), path
