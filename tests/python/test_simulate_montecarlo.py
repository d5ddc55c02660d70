"""The Monte Carlo: small runs whose outcome is known, and a regression that equals another computation."""

from pathlib import Path

import numpy as np
import pytest
from city_policy.errors import InputError
from city_policy.simulate import montecarlo, read_world, scenario
from city_policy.simulate.montecarlo import monte_carlo
from city_policy.simulate.world import invent_world

SEEDS = Path(__file__).resolve().parents[2] / "seeds"
REPLICATIONS = 1000


@pytest.fixture(scope="module")
def world():
    return read_world(SEEDS / "geography", SEEDS / "policy")


@pytest.fixture(scope="module")
def tables(world):
    return {
        name: monte_carlo(world, scenario(name), REPLICATIONS, 1).set_index(["estimator", "policy_id", "vcov"])
        for name in ("null", "constant", "dynamic")
    }


def test_clustered_errors_cover_and_iid_errors_do_not(tables):
    """Shares of 1,000 replications have a standard error of 0.7 points."""
    null = tables["null"].loc[["twfe", "twfe_joint", "twfe_net"]]
    clustered = null.xs("CRV1", level="vcov")["rejection"]
    iid = null.xs("iid", level="vcov")["rejection"]
    assert clustered.between(0.035, 0.065).all(), clustered
    assert (iid > 0.08).all() and iid.mean() > 0.12
    # One policy at a time without the others has another planted effect than what it estimates.
    constant = tables["constant"].loc[["twfe_joint", "twfe_net"]].xs("CRV1", level="vcov")
    assert constant["coverage"].between(0.93, 0.97).all(), constant["coverage"]
    assert tables["constant"].loc["imputation"]["coverage"].between(0.93, 0.97).all()


def test_bias_appears_where_effects_grow_and_imputation_has_none(tables):
    dynamic = tables["dynamic"]
    for policy_id in ("bcs", "iic", "dual"):
        twfe = dynamic.loc[("twfe_net", policy_id, "CRV1")]
        robust = dynamic.loc[("imputation", policy_id, "cluster")]
        assert twfe["bias"] < -5 * twfe["bias_mc_error"]
        assert abs(robust["bias"]) < 4 * robust["bias_mc_error"]
        for name in {"callaway_santanna", "sun_abraham"} if policy_id != "dual" else ():
            # Callaway and Sant'Anna see the controls of the base year only, which these trend away from.
            row = dynamic.loc[(name, policy_id, "cluster")]
            assert abs(row["bias"]) < 0.0006
        assert abs(tables["constant"].loc[("twfe_net", policy_id, "CRV1")]["bias"]) < 0.0006


def test_the_table_is_complete_and_consistent(tables):
    for name, table in tables.items():
        assert len(table) == 3 * 3 * 2 + 3 + 2 * 2
        assert (table["scenario"] == name).all() and (table["replications"] == REPLICATIONS).all()
        assert np.allclose(table["mean_estimate"] - table["truth"], table["bias"])
        assert (table["rmse"] >= table["bias"].abs() - 1e-15).all()
        share = table["coverage"]
        assert np.allclose(table["coverage_mc_error"], np.sqrt(share * (1 - share) / REPLICATIONS))
    assert (tables["null"]["truth"] == 0).all()


def test_the_same_seed_gives_the_same_table(world):
    first, second = (monte_carlo(world, scenario("constant"), 5, 3) for _ in range(2))
    assert first.equals(second)


def test_invented_cities_keep_the_frequency_of_treatment(world):
    many = invent_world(world, 900, 1)
    assert many.size == 900 == len(set(many.adcode)) == len(set(many.name))
    own = ~world.excluded
    for name, years in world.first_treated.items():
        assert abs((many.first_treated[name] > 0).mean() - (years[own] > 0).mean()) < 0.05
    table = monte_carlo(world, scenario("large"), 2, 1)
    assert np.isfinite(table["mean_estimate"]).all()


def test_too_few_replications_are_refused(world):
    with pytest.raises(InputError, match="1 replications are too few"):
        monte_carlo(world, scenario("null"), 1, 1)


@pytest.mark.parametrize("name", ["least_squares", "imputation", "callaway_santanna", "sun_abraham"])
def test_an_estimator_that_the_build_does_not_run_is_not_graded(world, monkeypatch, name):
    """Estimates off by a hundredth of a percent end the run."""
    copy = getattr(montecarlo, name)

    def other(*arguments):
        result = copy(*arguments)
        if name == "least_squares":
            return {vcov: (fit[0] * 1.0001, *fit[1:]) for vcov, fit in result.items()}
        return (result[0] * 1.0001, *result[1:])

    monkeypatch.setattr(montecarlo, name, other)
    with pytest.raises(AssertionError, match="would grade another estimator"):
        monte_carlo(world, scenario("dynamic"), 2, 1)
