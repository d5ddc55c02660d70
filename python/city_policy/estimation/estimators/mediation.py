"""Mediation (Table 8): how much of a policy's effect runs through a mediator.

Equations (4)-(6) of Zhang and Ma (2025), with X the policy, M the mediator, city and year effects and
controls in all of them, on the same rows, and (1)-(3) for the total effect::

    (4)  M   = a X                      (1)-(3)  NQP = c X
    (5)  NQP = d M                      (6)      NQP = c' X + b M

The indirect effect is a b, the direct one c', and in least squares c = c' + a b exactly. Equation (5) is
printed in the paper but plays no part in the decomposition: it attributes to the mediator what the policy
does by other ways.

Tests of a b = 0, z = a b / se, against the standard normal distribution, with c_ab = Cov(a, b):

- Sobel (1982):    se^2 = b^2 se_a^2 + a^2 se_b^2 + 2 a b c_ab
- Aroian (1947):   se^2 = the same + se_a^2 se_b^2 + c_ab^2
- Goodman (1960):  se^2 = the same - se_a^2 se_b^2 - c_ab^2

The first is the delta method, the second the exact variance of the product of two normal variables with that
covariance, and Goodman's takes away what the second adds; a variance that is not positive has no z. Under iid errors
the residuals of (4) and (6) are orthogonal and c_ab is zero, as in the printed formulas. Under clustered errors the
two share the errors of a city, and c_ab = (f_a f_b)^1/2 sum over c of h_ac h_bc, with f the small-sample factors of
the two variances and h_ac = x~_c'e_c / x~'x~, what city c moves an estimate by.

Without c_ab no z exceeds min(|t_a|, |t_b|) in the first two cases. The product of two normal estimates is not
normal; the interval to read is the bootstrap's: cities are drawn with replacement, whole, and the interval is
from the 2.5 to the 97.5 percent quantile of a b (``computation.cross_products``; nothing is refitted).

A causal reading needs more than the numbers: that nothing left out moves both the mediator and the outcome.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.stats import norm

from city_policy.errors import InputError
from city_policy.estimation.computation.cross_products import (
    bootstrap_weights,
    check_resampling,
    cross_products_of,
    generator,
)
from city_policy.estimation.computation.regression import no_residual
from city_policy.estimation.contract.panel import Panel
from city_policy.estimation.contract.record import EXPECTED_ERRORS, VARIANCE_ESTIMATORS, NotIdentifiedError
from city_policy.estimation.contract.request import Request
from city_policy.estimation.contract.runner import (
    Estimator,
    Refusal,
    Table,
    answer,
    make_requests,
    regression_columns,
    run,
)
from city_policy.estimation.contract.specification import OPTIONAL_CELLS, read_specifications
from city_policy.estimation.estimators.fixed_effects import FIXED_EFFECTS

EFFECT_COLUMNS = {
    "spec_id": "str",
    "mediator": "str",
    "treatment": "str",
    "outcome": "str",
    "sample": "str",
    "vcov": "str",
    "a": "float64",
    "se_a": "float64",
    "b": "float64",
    "se_b": "float64",
    "cov_ab": "float64",
    "total": "float64",
    "direct": "float64",
    "indirect": "float64",
    "sobel_z": "float64",
    "sobel_p": "float64",
    "aroian_z": "float64",
    "aroian_p": "float64",
    "goodman_z": "float64",
    "goodman_p": "float64",
    "bootstrap_low": "float64",
    "bootstrap_high": "float64",
    "bootstrap_draws": "Int64",
    "share_mediated": "float64",
    "identity_gap": "float64",
    "n_obs": "Int64",
    "n_cities": "Int64",
    "status": "str",
    "message": "str",
}
# The columns of the engine's targets.
TREATMENT, MEDIATOR, OUTCOME = range(3)


def mediation_regressions(
    panel: pd.DataFrame,
    treatment_timing: pd.DataFrame,
    specifications: pd.DataFrame,
    controls: list[str],
    controls_not_covered: Sequence[str] = (),
) -> pd.DataFrame:
    """Equations (4), (5) and (6) of every specification, as rows of the estimate record.

    Arguments as in :func:`mediation_effects`. ``spec_id`` is that of the specification followed by
    ``__mediator`` (4) or ``__direct`` (6); equation (5), which knows no policy, appears once for all
    specifications with the same mediator, outcome, sample, extra controls and rows, as
    ``<mediator>__alone__<outcome>__<sample>`` with treatment ``none`` (a number follows where these are not
    enough). ``column_no`` follows the paper's layout where the specifications have one, k being the largest
    of them within the panel: i, k + 1, and k + 1 + i for equations (4), (5), (6).

    All regressions of a specification use the rows that have outcome, mediator, policy and controls, so that
    the identity c = c' + a b holds between the printed numbers; ``n_dropped_missing`` counts the others.
    """
    checked = Panel(panel, treatment_timing)
    asked = read_specifications(specifications, MEDIATION.absent, MEDIATION.required)
    requests, alone = [], dict[tuple, str]()
    for request, (fourth, fifth, sixth) in zip(
        make_requests(MEDIATION, checked, asked, controls, {}), _equations(asked), strict=True
    ):
        requests.append(_ask(checked, request, fourth, controls))
        # Equation (5) knows no policy: once for all specifications with the same rows.
        rows = None if isinstance(request, Refusal) else request.rows.used.tobytes()
        key = (fifth.mediator, fifth.outcome, fifth.sample, fifth.extra_controls, fifth.extra_fixed_effects, rows)
        if key not in alone:
            twins = sum(other[:3] == key[:3] for other in alone)
            name = f"{fifth.mediator}__alone__{fifth.outcome}__{fifth.sample}"
            alone[key] = name + (f"__{twins + 1}" * (twins > 0))
            requests.append(_ask(checked, request, replace(fifth, spec_id=alone[key]), controls))
        requests.append(_ask(checked, request, sixth, controls))
    (records,) = answer(FIXED_EFFECTS, requests, controls_not_covered)
    records.loc[records["spec_id"].isin(alone.values()), "treatment"] = "none"
    return records


def _equations(specifications):
    """For each specification its equations (4), (5) and (6) as regressions with fixed effects."""
    last: dict = {}
    for one in specifications:
        if one.column_no is not None:
            last[one.paper_table, one.panel] = max(last.get((one.paper_table, one.panel), 0), one.column_no)
    for one in specifications:
        base = replace(one, estimator="fixed_effects")
        place = one.column_no
        beside = (
            [None, None] if place is None else [last[one.paper_table, one.panel] + 1 + shift for shift in (0, place)]
        )
        yield (
            replace(base, spec_id=f"{one.spec_id}__mediator", outcome=one.mediator),
            replace(base, treatment=one.mediator, lag=0, column_no=beside[0]),
            replace(
                base,
                spec_id=f"{one.spec_id}__direct",
                extra_controls=(one.mediator, *one.extra_controls),
                column_no=beside[1],
            ),
        )


def _ask(panel, request, equation, controls):
    """The request of an equation, on the rows of the whole mediation if there are any."""
    if isinstance(request, Refusal):
        # The fixed-effects estimator says in its own words what is wrong with these rows.
        return make_requests(FIXED_EFFECTS, panel, [equation], controls, {})[0]
    try:
        return request.asking(equation, *regression_columns(panel, equation, controls, {}))
    except EXPECTED_ERRORS as problem:
        return Refusal(equation, problem)


def mediation_effects(
    panel: pd.DataFrame,
    treatment_timing: pd.DataFrame,
    specifications: pd.DataFrame,
    controls: list[str],
    controls_not_covered: Sequence[str] = (),
    draws: int = 1000,
    seed: int = 20250101,
) -> pd.DataFrame:
    """Direct, indirect and total effect of every specification with their tests; formulas at the top.

    ``panel``, ``treatment_timing``, ``controls``, ``controls_not_covered``: as in
    ``estimate_fixed_effects``. ``specifications``: one row each with
    ``spec_id``, ``mediator`` (a column of the panel), ``outcome``, ``treatment`` (a policy, or a column) and
    ``sample``; ``lag`` of the treatment, ``extra_controls``, ``paper_table``, ``panel`` and ``column_no`` if
    present. ``draws``: bootstrap draws of cities; ``seed``: not negative. Specifications with the same sample
    and rows are given the same draws.

    Returns two rows per specification, ``vcov`` ``iid`` and ``CRV1``, which differ in the standard errors and
    the tests. ``a`` is in units of the mediator, ``b`` in units of the outcome per unit of the mediator,
    ``total``, ``direct``, ``indirect`` and the bootstrap interval in units of the outcome. ``share_mediated``
    is indirect / total (it has no meaning where the two differ in sign). ``identity_gap`` is total - direct -
    indirect: rounding. A specification that cannot be run has its two rows with ``status`` and ``message``.

    Raises InputError for a panel or specifications that are unusable as a whole, or draws below 1.
    """
    if draws < 1:
        raise InputError(f"The bootstrap was asked for {draws} draws; expected at least 1.")
    return run(
        MEDIATION,
        Panel(panel, treatment_timing),
        specifications,
        controls,
        controls_not_covered,
        draws=draws,
        seed=seed,
    )[0]


def product_tests(a: float, se_a: float, b: float, se_b: float, cov_ab: float = 0.0) -> dict[str, float]:
    """Sobel, Aroian and Goodman z of the product ``a b``, with two-sided p; NaN where not defined.

    ``cov_ab``: the covariance of the two estimates. Formulas at the top.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        first = b**2 * se_a**2 + a**2 * se_b**2 + 2 * a * b * cov_ab
        second = se_a**2 * se_b**2 + cov_ab**2
        result: dict[str, float] = {}
        for name, variance in (("sobel", first), ("aroian", first + second), ("goodman", first - second)):
            z = a * b / np.sqrt(variance) if variance > 0 else np.nan
            result |= {f"{name}_z": z, f"{name}_p": 2 * norm.sf(abs(z))}
    return result


def _columns(panel, specification, controls, options):
    """Outcome, treatment, mediator and controls."""
    mediator = specification.mediator
    if mediator in (specification.treatment, specification.outcome):
        raise InputError(f"'{mediator}' cannot be the mediator and the treatment or the outcome as well.")
    check_resampling(panel, specification)
    columns = panel.variables(specification) | {mediator: panel.numbers(mediator)}
    return columns, panel.controls(specification, controls, columns)


def mediation(request: Request) -> Mapping[str, list[dict]]:
    """The two rows (iid, CRV1) of one request."""
    one, draws = request.specification, request.options["draws"]
    # `MEDIATION` requires it of a specification.
    assert one.mediator is not None
    names = [one.treatment, one.mediator, one.outcome]
    cross_products = cross_products_of(request, names)
    for target, name in enumerate(names):
        if not cross_products.target_varies[target]:
            raise NotIdentifiedError(f"{name} is collinear with the controls and the fixed effects.")
    whole = cross_products.weigh()
    first = whole.regress(MEDIATOR, [TREATMENT], clustered=True)
    both = whole.regress(OUTCOME, [TREATMENT, MEDIATOR], clustered=True)
    a, c = first.estimate[0, 0], whole.regress(OUTCOME, [TREATMENT]).estimate[0, 0]
    direct, b = both.estimate[0]
    if not np.isfinite([a, b, c]).all():
        raise NotIdentifiedError(f"{one.treatment} and {one.mediator} are collinear given the other terms.")
    base = {"a": a, "b": b, "total": c, "direct": direct, "indirect": a * b}
    base |= {"share_mediated": a * b / c if c else np.nan, "identity_gap": c - direct - a * b}
    base |= _bootstrap(cross_products, generator(request.options["seed"], "mediation", one.sample), draws)
    rows = []
    moves_a = whole.influence(MEDIATOR, [TREATMENT])[:, 0]
    moves_b = whole.influence(OUTCOME, [TREATMENT, MEDIATOR])[:, 1]
    for vcov in VARIANCE_ESTIMATORS:
        errors = [fit.std_error(vcov) for fit in (first, both)]
        se_a, se_b = errors[0][0, 0], errors[1][0, 1]
        for outcome, error, fit in ((one.mediator, se_a, first), (one.outcome, se_b, both)):
            if not error > 0 and fit.degrees_iid[0] > 0 and cross_products.n_cities > 1:
                raise NotIdentifiedError(no_residual(outcome))
        cov_ab = _clustered_covariance(moves_a, moves_b, se_a, se_b) if vcov == "CRV1" else 0.0
        cells = {"vcov": vcov, "se_a": se_a, "se_b": se_b, "cov_ab": cov_ab}
        rows.append(base | cells | product_tests(a, se_a, b, se_b, cov_ab))
    return {"effects": rows}


def _clustered_covariance(moves_a, moves_b, se_a, se_b):
    """Cov(a, b) with the factors that the standard errors have: their correlation is that of the moves."""
    lengths = np.linalg.norm(moves_a) * np.linalg.norm(moves_b)
    return moves_a @ moves_b / lengths * se_a * se_b if lengths > 0 else 0.0


def _bootstrap(cross_products, rng, draws):
    """The interval of a b from cities drawn with replacement, and how many draws could be estimated."""
    drawn = cross_products.weigh(bootstrap_weights(cross_products.n_cities, draws, rng))
    products = (
        drawn.regress(MEDIATOR, [TREATMENT]).estimate[:, 0]
        * drawn.regress(OUTCOME, [TREATMENT, MEDIATOR]).estimate[:, 1]
    )
    products = products[np.isfinite(products)]
    low, high = np.quantile(products, [0.025, 0.975]) if len(products) else (np.nan, np.nan)
    left_out = draws - len(products)
    notes = [f"{left_out} of {draws} draws could not be estimated and do not count."] * (left_out > 0)
    return {"bootstrap_low": low, "bootstrap_high": high, "bootstrap_draws": len(products), "notes": notes}


MEDIATION = Estimator(
    {"effects": Table(EFFECT_COLUMNS, ("vcov", VARIANCE_ESTIMATORS))},
    mediation,
    columns=_columns,
    absent={**OPTIONAL_CELLS, "result": "mediation_effects", "estimator": "mediation"},
    required=("mediator",),
)
