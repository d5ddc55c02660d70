"""Many effects tested at once: which of them remain when the whole family is wrong by chance in one study of twenty?

Romano and Wolf (2005, Econometrica 73; 2016, Statistics and Probability Letters 113), by the wild cluster bootstrap
with the null imposed of every regression (``wild_bootstrap`` in ``computation.cross_products``, Webb's weights). A draw
gives a city one weight in all regressions, so that the statistics hang together as the data make them.

With |t| of the hypotheses of a family in descending order, t_1 >= t_2 >= ..., and t*_jb their statistics in draw b,

    p_j = (1 + number of draws with max over i >= j of |t*_ib| >= t_j) / (1 + draws), and at least p_(j-1).

The p value of each test on its own is (1 + number of |t*_j| >= |t_j|) / (1 + draws). Holm's, which assumes nothing of
how the tests hang together, is made of these in SQL (the macro ``holm``).

**Families**: all effects of a result (all policies, outcomes and groups of one table), and ``all``, those of all
results together. Robustness checks ask the same question again and are no further hypotheses. A regression that cannot
be run belongs to no family. What the correction cannot know is what was tried and not listed.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from city_policy.errors import InputError
from city_policy.estimation.computation.cross_products import (
    WILD_WEIGHTS,
    cross_products_of,
    generator,
    resampling_columns,
    two_sided_p,
    why_no_error,
    wild_bootstrap,
)
from city_policy.estimation.computation.regression import CANCELS, ONE_CLUSTER, on_few_clusters
from city_policy.estimation.contract.panel import Panel
from city_policy.estimation.contract.record import NotIdentifiedError, cast_to_schema
from city_policy.estimation.contract.request import Request
from city_policy.estimation.contract.runner import Estimator, Table, answer, make_requests
from city_policy.estimation.contract.specification import OPTIONAL_CELLS, read_specifications

TEST_COLUMNS = {
    "spec_id": "str",
    "result": "str",
    "outcome": "str",
    "treatment": "str",
    "sample": "str",
    "estimate": "float64",
    "t_stat": "float64",
    "p_value": "float64",
    "n_obs": "Int64",
    "n_cities": "Int64",
    "status": "str",
    "message": "str",
}
HYPOTHESIS_COLUMNS = {
    "family": "str",
    **TEST_COLUMNS,
    "romano_wolf_p": "float64",
    "n_hypotheses": "Int64",
    "draws": "Int64",
    "seed": "Int64",
}
EVERYTHING = "all"
TREATMENT, OUTCOME = range(2)


def multiple_hypotheses(
    panel: pd.DataFrame,
    treatment_timing: pd.DataFrame,
    specifications: pd.DataFrame,
    controls: Sequence[str],
    controls_not_covered: Sequence[str] = (),
    draws: int = 1000,
    seed: int = 20250101,
) -> pd.DataFrame:
    """The effects of all specifications, by family, with p values for one test and for all; formulas at the top.

    ``panel``, ``treatment_timing``, ``specifications``, ``controls``, ``controls_not_covered``: as in
    ``estimate_fixed_effects``; ``draws``: of the wild bootstrap; ``seed``: not negative. The draws depend on the seed
    and the cities of the panel only.

    Returns one row per family and specification, in order of family and size of t. A specification that cannot be run
    is a row of its family with ``status`` and ``message``, which counts for nothing.

    Raises InputError for a panel or specifications that are unusable as a whole, or draws below 1.
    """
    if draws < 1:
        raise InputError(f"The wild bootstrap was asked for {draws} draws; expected at least 1.")
    checked = Panel(panel, treatment_timing)
    asked = read_specifications(specifications, HYPOTHESES.absent, HYPOTHESES.required)
    weights = generator(seed, "many hypotheses").choice(WILD_WEIGHTS["webb"], (draws, len(checked.adcodes)))
    requests = make_requests(HYPOTHESES, checked, asked, controls, {"weights": weights})
    (tests,) = answer(HYPOTHESES, requests, controls_not_covered)
    drawn = next((request.memo for request in requests if isinstance(request, Request)), {})
    families = [(result, own) for result, own in tests.groupby("result", sort=True)]
    if len(families) > 1:
        families.append((EVERYTHING, tests))
    found = [_adjusted(own.reset_index(drop=True), drawn).assign(family=family) for family, own in families]
    if not found:
        return cast_to_schema(pd.DataFrame(), HYPOTHESIS_COLUMNS)
    return cast_to_schema(pd.concat(found, ignore_index=True).assign(draws=draws, seed=seed), HYPOTHESIS_COLUMNS)


def hypothesis(request: Request) -> Mapping[str, list[dict]]:
    """The row of one request; the statistics of its draws go to the memo that all requests share."""
    one = request.specification
    cross_products = cross_products_of(request, [one.treatment, one.outcome])
    whole = cross_products.weigh()
    fit = whole.regress(OUTCOME, [TREATMENT], clustered=True)
    if not np.isfinite(fit.estimate[0, 0]):
        raise NotIdentifiedError(f"{one.treatment} is collinear with the other terms and the fixed effects.")
    clustered = fit.std_error("CRV1")[0, 0]
    if not np.isfinite(clustered):
        raise NotIdentifiedError(why_no_error(cross_products, one.outcome))
    if not clustered > 0:
        raise NotIdentifiedError(CANCELS)
    effective = float(whole.effective_cities(OUTCOME, [TREATMENT])[0])
    few = on_few_clusters(effective, "adcode")
    if effective < ONE_CLUSTER:
        raise NotIdentifiedError(few[0])
    weights = request.options["weights"][:, cross_products.cities]
    wild = wild_bootstrap(cross_products, OUTCOME, TREATMENT, len(weights), weights)
    request.memo[one.spec_id] = np.abs(wild.draws)
    p_value, _ = two_sided_p(wild.t_stat, wild.draws)
    row = {"estimate": wild.estimate, "t_stat": wild.t_stat, "p_value": p_value, "n_obs": whole.n_obs[0]}
    return {"tests": [row | {"n_cities": cross_products.n_cities, "notes": few}]}


def _p_values(observed, drawn):
    """(1 + number of draws at least as large) / (1 + draws), for statistics (m,) and their draws (m, draws).

    What differs by rounding counts as equal.
    """
    beyond = drawn >= observed[:, None] * (1 - 1e-9)
    return (1 + beyond.sum(axis=1)) / (1 + drawn.shape[1])


def romano_wolf(observed: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Romano and Wolf's p values (m,) of m hypotheses.

    ``observed``: (m,) absolute statistics; ``drawn``: (m, draws) absolute statistics under the null, a column for each
    draw.
    """
    order = np.argsort(-observed, kind="stable")
    # The largest of a hypothesis and all that are less extreme than it.
    largest = np.maximum.accumulate(drawn[order][::-1], axis=0)[::-1]
    result = np.empty(len(observed))
    result[order] = np.maximum.accumulate(_p_values(observed[order], largest))
    return result


def _adjusted(tests, drawn):
    """The tests of one family with the p values of all together, in order of the size of t."""
    fine = tests["status"] == "ok"
    known = tests[fine]
    observed = known["t_stat"].abs().to_numpy()
    adjusted = pd.DataFrame(index=known.index)
    if len(known):
        statistics = np.stack([drawn[spec_id] for spec_id in known["spec_id"]])
        adjusted["romano_wolf_p"] = romano_wolf(observed, statistics)
    place = np.lexsort((tests["spec_id"], -tests["t_stat"].abs().fillna(-1)))
    return tests.join(adjusted).assign(n_hypotheses=int(fine.sum())).iloc[place]


HYPOTHESES = Estimator(
    {"tests": Table(TEST_COLUMNS)},
    hypothesis,
    columns=resampling_columns,
    absent={**OPTIONAL_CELLS, "result": "multiple_hypotheses", "estimator": "fixed_effects"},
    treated_cities=False,
)
