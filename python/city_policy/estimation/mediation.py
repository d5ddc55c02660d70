"""Mediation (Table 8): how much of a policy's effect runs through a mediator.

Equations (4)-(6) of Zhang and Ma (2025), with X the policy, M the mediator, city and year effects and
controls in all of them, on the same rows, and (1)-(3) for the total effect::

    (4)  M   = a X                      (1)-(3)  NQP = c X
    (5)  NQP = d M                      (6)      NQP = c' X + b M

The indirect effect is a b, the direct one c', and in least squares c = c' + a b exactly. Equation (5) is
printed in the paper but plays no part in the decomposition: it attributes to the mediator what the policy
does by other ways.

Tests of a b = 0, z = a b / se, against the standard normal distribution:

- Sobel (1982):    se^2 = b^2 se_a^2 + a^2 se_b^2
- Aroian (1947):   se^2 = b^2 se_a^2 + a^2 se_b^2 + se_a^2 se_b^2
- Goodman (1960):  se^2 = b^2 se_a^2 + a^2 se_b^2 - se_a^2 se_b^2, not defined where that is negative

They cannot exceed min(|t_a|, |t_b|) in the first two cases. The product of two normal estimates is not
normal; the interval to read is the bootstrap's: cities are drawn with replacement, whole, and the interval is
from the 2.5 to the 97.5 percent quantile of a b (:mod:`city_policy.estimation.moments`; nothing is refitted).

A causal reading needs more than the numbers: that nothing left out moves both the mediator and the outcome.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.stats import norm

from city_policy.errors import InputError
from city_policy.estimation.fixed_effects import estimate_fixed_effects
from city_policy.estimation.moments import Moments, bootstrap_weights, check_resampling, generator
from city_policy.estimation.panel import Panel
from city_policy.estimation.record import (
    EXPECTED_ERRORS,
    RECORD_COLUMNS,
    VARIANCE_ESTIMATORS,
    NotIdentifiedError,
    cast_to_schema,
    coverage_sentence,
    problem_cells,
)
from city_policy.estimation.specification import OPTIONAL_CELLS, read_specifications, read_text

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
# What stands for a column that the specifications lack.
ABSENT = {**OPTIONAL_CELLS, "result": "mediation_effects", "estimator": "mediation"}
DROPPED = ("n_dropped_missing", "n_dropped_singletons")
# The columns of the engine's targets.
TREATMENT, MEDIATOR, OUTCOME = range(3)


def mediation_regressions(
    panel: pd.DataFrame,
    treatment_timing: pd.DataFrame,
    specifications: pd.DataFrame,
    controls: list[str],
    controls_not_covered: list[str] = (),
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
    mediators = read_text(specifications, "mediator")
    requests = read_specifications(specifications, ABSENT)
    columns_of_panel: dict = {}
    for one in requests:
        if one.column_no is not None:
            key = (one.paper_table, one.panel)
            columns_of_panel[key] = max(columns_of_panel.get(key, 0), one.column_no)
    masks, kept, regressions, alone = {}, {}, [], {}
    for one in requests:
        mediator, name, mask = mediators[one.spec_id], one.sample, None
        try:
            _, _, mask, counts = _read(checked, one, mediator, controls)
        except (InputError, NotIdentifiedError):
            # estimate_fixed_effects says in its own words what is wrong with these rows.
            pass
        else:
            name = f"rows of {one.spec_id}"
            masks[name], kept[name] = mask, (one.sample, *(counts[column] for column in DROPPED))
        last = columns_of_panel.get((one.paper_table, one.panel))
        position = one.column_no
        base = replace(one, estimator="fixed_effects", sample=name)
        key = (mediator, one.outcome, one.sample, one.extra_controls, one.extra_fixed_effects)
        key += (None if mask is None else mask.tobytes(),)
        regressions.append(replace(base, spec_id=f"{one.spec_id}__mediator", outcome=mediator))
        if key not in alone:
            twins = sum(other[:3] == key[:3] for other in alone)
            alone[key] = f"{mediator}__alone__{one.outcome}__{one.sample}" + (f"__{twins + 1}" * (twins > 0))
            column_no = None if position is None else last + 1
            regressions.append(replace(base, spec_id=alone[key], treatment=mediator, lag=0, column_no=column_no))
        column_no = None if position is None else last + 1 + position
        extra = (mediator, *one.extra_controls)
        regressions.append(replace(base, spec_id=f"{one.spec_id}__direct", extra_controls=extra, column_no=column_no))
    prepared = pd.concat([checked.frame, pd.DataFrame(masks, index=checked.frame.index)], axis=1)
    records = estimate_fixed_effects(prepared, treatment_timing, regressions, controls, controls_not_covered)
    records.loc[records["spec_id"].isin(alone.values()), "treatment"] = "none"
    for name, cells in kept.items():
        rows = records["sample"] == name
        records.loc[rows, ["sample", *DROPPED]] = cells
        records.loc[rows, "message"] = records.loc[rows, "message"].str.replace(name, cells[0], regex=False)
    return cast_to_schema(records, RECORD_COLUMNS)


def mediation_effects(
    panel: pd.DataFrame,
    treatment_timing: pd.DataFrame,
    specifications: pd.DataFrame,
    controls: list[str],
    controls_not_covered: list[str] = (),
    draws: int = 1000,
    seed: int = 20250101,
) -> pd.DataFrame:
    """Direct, indirect and total effect of every specification with their tests; formulas at the top.

    ``panel``, ``treatment_timing``, ``controls``, ``controls_not_covered``: as in
    :func:`city_policy.estimation.fixed_effects.estimate_fixed_effects`. ``specifications``: one row each with
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
    checked = Panel(panel, treatment_timing)
    mediators = read_text(specifications, "mediator")
    rows = []
    for one in read_specifications(specifications, ABSENT):
        mediator = mediators[one.spec_id]
        base = {
            "spec_id": one.spec_id,
            "mediator": mediator,
            "treatment": one.treatment,
            "outcome": one.outcome,
            "sample": one.sample,
        }
        sentences = coverage_sentence(controls_not_covered)
        try:
            effects = _effects(checked, one, mediator, controls, draws, seed)
        except EXPECTED_ERRORS as problem:
            base |= problem_cells(problem, sentences)
            rows += [base | {"vcov": vcov} for vcov in VARIANCE_ESTIMATORS]
            continue
        left_out = draws - effects[0]["bootstrap_draws"]
        if left_out:
            sentences.append(f"{left_out} of {draws} draws could not be estimated and do not count.")
        rows += [base | effect | {"status": "ok", "message": " ".join(sentences) or None} for effect in effects]
    return cast_to_schema(pd.DataFrame(rows), EFFECT_COLUMNS)


def product_tests(a, se_a, b, se_b) -> dict[str, float]:
    """Sobel, Aroian and Goodman z of the product ``a b``, with two-sided p; NaN where not defined."""
    with np.errstate(invalid="ignore", divide="ignore"):
        first, second = b**2 * se_a**2 + a**2 * se_b**2, se_a**2 * se_b**2
        result = {}
        for name, variance in (("sobel", first), ("aroian", first + second), ("goodman", first - second)):
            z = a * b / np.sqrt(variance) if variance > 0 else np.nan
            result |= {f"{name}_z": z, f"{name}_p": 2 * norm.sf(abs(z))}
    return result


def _read(panel, one, mediator, controls):
    """Treatment, mediator and outcome, controls, the mask of the rows that have them all, and the counts."""
    check_resampling(panel, one)
    if mediator in (one.treatment, one.outcome):
        raise InputError(f"'{mediator}' cannot be the mediator and the treatment or the outcome as well.")
    columns = panel.variables(one) | {mediator: panel.numbers(mediator)}
    others = panel.controls(one, controls, columns)
    counts: dict = {}
    used = panel.usable_rows(one, columns | others, counts)
    return [columns[name] for name in (one.treatment, mediator, one.outcome)], list(others.values()), used, counts


def _effects(panel, one, mediator, controls, draws, seed):
    """The two rows (iid, CRV1) of one specification."""
    targets, others, used, counts = _read(panel, one, mediator, controls)
    moments = Moments(
        panel.city[used],
        panel.year[used],
        np.column_stack([column[used] for column in targets]),
        np.column_stack([column[used] for column in others]) if others else None,
    )
    for target, name in ((TREATMENT, one.treatment), (MEDIATOR, mediator), (OUTCOME, one.outcome)):
        if not moments.target_varies[target]:
            raise NotIdentifiedError(f"{name} is collinear with the controls and the fixed effects.")
    whole = moments.weigh()
    first = whole.regress(MEDIATOR, [TREATMENT], clustered=True)
    both = whole.regress(OUTCOME, [TREATMENT, MEDIATOR], clustered=True)
    total = whole.regress(OUTCOME, [TREATMENT])
    a, c = first.estimate[0, 0], total.estimate[0, 0]
    direct, b = both.estimate[0]
    if not np.isfinite([a, b, c]).all():
        raise NotIdentifiedError(f"{one.treatment} and {mediator} are collinear given the other terms.")
    rng = generator(seed, "mediation", one.sample)
    drawn = moments.weigh(bootstrap_weights(moments.n_cities, draws, rng))
    products = (
        drawn.regress(MEDIATOR, [TREATMENT]).estimate[:, 0]
        * drawn.regress(OUTCOME, [TREATMENT, MEDIATOR]).estimate[:, 1]
    )
    products = products[np.isfinite(products)]
    low, high = np.quantile(products, [0.025, 0.975]) if len(products) else (np.nan, np.nan)
    result = []
    for vcov in VARIANCE_ESTIMATORS:
        errors = [fit.std_error_iid if vcov == "iid" else fit.std_error_crv1 for fit in (first, both)]
        se_a, se_b = errors[0][0, 0], errors[1][0, 1]
        result.append(
            {"vcov": vcov, "a": a, "se_a": se_a, "b": b, "se_b": se_b}
            | {"total": c, "direct": direct, "indirect": a * b}
            | product_tests(a, se_a, b, se_b)
            | {"bootstrap_low": low, "bootstrap_high": high, "bootstrap_draws": len(products)}
            | {
                "share_mediated": a * b / c if c else np.nan,
                "identity_gap": c - direct - a * b,
                "n_obs": counts["n_obs"],
                "n_cities": moments.n_cities,
            }
        )
    return result
