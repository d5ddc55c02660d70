"""pyfixest as an independent witness: it agrees, it notices a difference, and it does not depend on the hash seed."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from city_policy.estimation.estimators.cross_check import fit_with_pyfixest
from city_policy.estimation.estimators.fixed_effects import estimate_fixed_effects


def simulated(balanced: bool) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Panel, timing and two specifications of 40 made-up cities over 8 years."""
    rng = np.random.default_rng(5)
    panel = pd.MultiIndex.from_product(
        [[f"{city:06d}" for city in range(40)], range(2011, 2019)], names=["adcode", "year"]
    ).to_frame(index=False)
    first = dict(zip(sorted(panel["adcode"].unique()), rng.choice([2013, 2015, 0], 40), strict=True))
    timing = pd.DataFrame({"adcode": list(first), "policy_id": "p", "first_treated_year": list(first.values())})
    timing["first_treated_year"] = timing["first_treated_year"].replace(0, None).astype("Int64")
    panel["x"] = rng.normal(size=len(panel)) + panel["adcode"].astype(int) / 10
    treated = panel["year"] >= panel["adcode"].map(first).replace(0, 9999)
    panel["y"] = 0.5 * treated + 0.3 * panel["x"] + rng.normal(size=len(panel)) + panel["year"] / 7
    panel["sample_full"] = True if balanced else rng.random(len(panel)) < 0.85
    common = {"result": "baseline_effects", "paper_table": "3", "panel": None, "column_no": None, "cluster": "adcode"}
    common |= {"estimator": "fixed_effects", "outcome": "y", "treatment": "p", "sample": "sample_full"}
    common |= {"extra_controls": None, "extra_fixed_effects": None}
    specifications = pd.DataFrame([common | {"spec_id": "now", "lag": 0}, common | {"spec_id": "lagged", "lag": 1}])
    return panel, timing, specifications


@pytest.mark.parametrize("balanced", [True, False])
def test_pyfixest_agrees_with_our_numbers(balanced):
    panel, timing, specifications = simulated(balanced)
    ours = estimate_fixed_effects(panel, timing, specifications, ["x"]).set_index(["spec_id", "term", "vcov"])
    theirs = fit_with_pyfixest(panel, timing, specifications, ["x"]).set_index(["spec_id", "term", "vcov"])
    assert len(theirs) == 2 * 2 * 2
    both = theirs.join(ours, suffixes=("", "_ours"))
    np.testing.assert_allclose(both["pyfixest_estimate"], both["estimate"], rtol=1e-8)
    np.testing.assert_allclose(both["pyfixest_std_error"], both["std_error"], rtol=1e-8)
    assert (both["pyfixest_n_obs"] == both["n_obs"]).all()


def test_a_regression_that_cannot_run_is_a_sentence():
    panel, timing, specifications = simulated(True)
    rows = fit_with_pyfixest(panel, timing, specifications.assign(outcome="nothing"), ["x"])
    assert rows["status"].tolist() == ["failed"] * 4 and rows["message"].str.contains("no column 'nothing'").all()
    assert rows["pyfixest_estimate"].isna().all()


def test_the_hash_seed_does_not_matter(project):
    code = (
        "import sys; sys.path.insert(0, 'tests/python'); from test_cross_check import simulated; "
        "from city_policy.estimation.estimators.cross_check import fit_with_pyfixest; "
        "print(fit_with_pyfixest(*simulated(True), ['x']).to_json(double_precision=15))"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=project,
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "7")
    }
    assert len(printed) == 1
