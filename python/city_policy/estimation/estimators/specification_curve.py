"""Every defensible way to estimate one effect: how far do the choices carry, and which of them matter?

Simonsohn, Simmons and Nelson (2020, Nature Human Behaviour 4). The choices are crossed:

- **index**: weights × scaling × winsorising (:mod:`city_policy.index.schemes`), where the outcome is the index of the
  study; another outcome is only winsorised;
- **controls**: all, none, and all but each of them;
- **sample**: that of the specification and those that its variant names;
- **estimator**: two-way fixed effects and imputation (Borusyak, Jaravel and Spiess).

Indices by different schemes have different units, so every effect is in **standard deviations of its outcome** in the
rows used. Errors are clustered by city.

**Joint test.** The start years are dealt to the cities in random order, as in :mod:`city_policy.estimation.estimators.
placebo`, and all regressions are made again in every draw (:mod:`city_policy.estimation.computation.dealt_starts`). The
p values, (1 + number of draws at least as extreme) / (1 + draws), are of the median of all effects (its size), and of
the share of effects with the sign of the median that lie beyond 1.96 standard deviations of their own distribution over
the draws, the observed curve among them. They hold for the curve as a whole, under the sharp null that the policy does
nothing to any city and pilots dealt at random; no single point of the curve is tested.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import t as student

from city_policy.errors import InputError
from city_policy.estimation.computation.cross_products import generator, permutations, resampling_columns, two_sided_p
from city_policy.estimation.computation.dealt_starts import ESTIMATORS, DealtStarts
from city_policy.estimation.contract.panel import Panel
from city_policy.estimation.contract.record import NotIdentifiedError
from city_policy.estimation.contract.request import Request
from city_policy.estimation.contract.runner import Estimator, Table, run
from city_policy.estimation.contract.specification import OPTIONAL_CELLS
from city_policy.index.schemes import WINSORISED_PERCENT, Scheme, index_by_scheme, winsorised

CURVE_COLUMNS = {
    "spec_id": "str",
    "outcome": "str",
    "treatment": "str",
    "index_weights": "str",
    "scaling": "str",
    "winsorised_percent": "Int64",
    "controls": "str",
    "sample": "str",
    "estimator": "str",
    "is_main": "boolean",
    "estimate": "float64",
    "std_error": "float64",
    "t_stat": "float64",
    "p_value": "float64",
    "ci_low": "float64",
    "ci_high": "float64",
    "outcome_std_dev": "float64",
    "n_obs": "Int64",
    "n_cities": "Int64",
    "status": "str",
    "message": "str",
}
TEST_COLUMNS = {
    "spec_id": "str",
    "outcome": "str",
    "treatment": "str",
    "n_regressions": "Int64",
    "median": "float64",
    "lowest": "float64",
    "highest": "float64",
    "same_sign_share": "float64",
    "significant_share": "float64",
    "beyond_share": "float64",
    "median_p": "float64",
    "beyond_p": "float64",
    "draws": "Int64",
    "seed": "Int64",
    "status": "str",
    "message": "str",
}
INDICATOR = "indicator "
BEYOND = 1.96
ALL, NONE = "all", "none"


def specification_curve(
    panel: pd.DataFrame,
    treatment_timing: pd.DataFrame,
    specifications: pd.DataFrame,
    controls: Sequence[str],
    controls_not_covered: Sequence[str] = (),
    indicators: pd.DataFrame | None = None,
    directions: Mapping[str, int] | None = None,
    index: str = "",
    scaling: str = "min_max",
    eigenvalue_threshold: float = 1.0,
    draws: int = 500,
    seed: int = 20250101,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The curve of every specification and its joint test; see the top of the module.

    ``panel``, ``treatment_timing``, ``controls``, ``controls_not_covered``: as in ``estimate_fixed_effects``.
    ``specifications``: one row each with ``spec_id``, ``outcome``, ``treatment`` (a policy) and ``sample``;
    ``variant``: further samples, separated by spaces. ``indicators``: one row per ``adcode`` and ``year``, a column per
    indicator; ``directions``: indicator -> 1 or -1; ``index``: the column of the panel that is made of them;
    ``scaling``, ``eigenvalue_threshold``: as the study makes it. ``draws``: of start years; ``seed``: not negative.

    Returns the curve, one row per specification and combination of choices, effects in standard deviations of the
    outcome, ``is_main`` where all choices are the study's own; and one row per specification with the joint test. A
    specification that cannot be run is one row in both, with a status and a sentence.

    Raises InputError for what makes the whole call meaningless, or draws below 1.
    """
    if draws < 1:
        raise InputError(f"The joint test was asked for {draws} draws; expected at least 1.")
    signs = dict(directions or {})
    if indicators is not None and signs:
        named = indicators[["adcode", "year", *signs]].rename(columns={name: INDICATOR + name for name in signs})
        panel = panel.merge(named, on=["adcode", "year"], how="left", validate="one_to_one")
    return run(
        SPECIFICATION_CURVE,
        Panel(panel, treatment_timing),
        specifications,
        controls,
        controls_not_covered,
        directions=" ".join(f"{name}:{sign}" for name, sign in signs.items()),
        index=index,
        scaling=scaling,
        threshold=eigenvalue_threshold,
        draws=draws,
        seed=seed,
    )


def _signs(options):
    """Indicator -> 1 or -1."""
    pairs = (pair.rsplit(":", 1) for pair in str(options["directions"]).split())
    return {name: int(sign) for name, sign in pairs}


def _columns(panel, specification, controls, options):
    """Outcome, policy, the indicators where the outcome is their index, samples and controls."""
    if specification.treatment not in panel.timing:
        raise InputError(
            f"A specification curve deals out start years, and '{specification.treatment}' is not a policy of the "
            "treatment timing."
        )
    if specification.lag or specification.extra_fixed_effects:
        raise InputError("A specification curve has city and year effects and no lag; leave both cells blank.")
    columns, others = resampling_columns(panel, specification, controls, options)
    for name in (specification.variant or "").split():
        # A sample that does not exist is told before anything is computed.
        columns[f"sample {name}"] = panel.sample(name).astype("float64")
    if specification.outcome == options["index"]:
        columns |= {INDICATOR + name: panel.numbers(INDICATOR + name) for name in _signs(options)}
    return columns, others


def draw_curve(request: Request) -> Mapping[str, list[dict]]:
    """The curve of one request and its joint test."""
    one, options, used = request.specification, request.options, request.rows.used
    schemes, outcomes = _outcomes(request)
    names = list(request.controls)
    rng = generator(options["seed"], "specification curve", one.treatment, one.sample)
    start = np.nan_to_num(
        request.panel.frame["adcode"].map(request.panel.timing[one.treatment]).to_numpy(dtype="float64"), nan=np.inf
    )
    cities, first = np.unique(request.panel.city[used], return_index=True)
    dealt = permutations(start[used][first], options["draws"], rng)
    rows, drawn = [], []
    for sample in [one.sample, *(one.variant or "").split()]:
        own = used if sample == one.sample else used & (request.columns[f"sample {sample}"] > 0)
        own = own & _with_company(request.panel, own)
        if not own.any():
            raise NotIdentifiedError(f"The sample '{sample}' is empty.")
        codes = np.unique(request.panel.city[own])
        place = np.searchsorted(cities, codes)
        fit = DealtStarts(
            request.panel.city[own], request.panel.year[own], start[used][first][place],
            request.control_matrix(own), outcomes[own[used]],
        )  # fmt: skip
        spread = outcomes[own[used]].std(axis=0, ddof=1)
        kept = [name for name, fine in zip(names, fit.kept, strict=True) if fine]
        sets = _control_sets(kept)
        redrawn = fit.deal(dealt[:, place], list(sets.values()))
        for estimator in ESTIMATORS:
            for number, (label, chosen) in enumerate(sets.items()):
                fitted = fit.fit(estimator, chosen)
                cells = {"controls": label, "sample": sample, "estimator": estimator}
                cells |= {"n_obs": int(own.sum()), "n_cities": len(codes)}
                rows += _rows(schemes, fitted, spread, cells, request)
                drawn.append(redrawn[estimator][number] / spread)
    estimates = np.array([row.get("estimate", np.nan) for row in rows])
    return {"curve": rows, "test": [_joint_test(rows, estimates, np.column_stack(drawn), options)]}


def _outcomes(request):
    """The schemes and their outcomes (n, m) in the rows used."""
    one, options, used = request.specification, request.options, request.rows.used
    if one.outcome == options["index"] and options["directions"]:
        key = ("schemes", used.tobytes())
        if key in request.memo:
            return request.memo[key]
        signs = _signs(options)
        frame = pd.DataFrame({name: request.columns[INDICATOR + name][used] for name in signs})
        found = dict(index_by_scheme(frame, signs, options["threshold"]))
        request.memo[key] = list(found), np.column_stack(list(found.values()))
        return request.memo[key]
    outcome = request.outcome
    schemes = [Scheme("", "", percent) for percent in WINSORISED_PERCENT]
    return schemes, np.column_stack([winsorised(outcome, scheme.winsorised_percent) for scheme in schemes])


def _with_company(panel, rows):
    """Mask (N,) of the rows whose city has another one among ``rows``."""
    sizes = np.bincount(panel.city[rows], minlength=len(panel.adcodes))
    return sizes[panel.city] > 1


def _control_sets(names):
    """Label -> numbers of the controls that are in."""
    every = list(range(len(names)))
    sets = {ALL: every}
    if names:
        sets[NONE] = []
    if len(names) > 1:
        sets |= {f"without {name}": [i for i in every if i != at] for at, name in enumerate(names)}
    return sets


def _rows(schemes, fitted, spread, cells, request):
    """One row per scheme."""
    options, one = request.options, request.specification
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = fitted.std_error / spread
        # t with G - 1 degrees of freedom, for imputation too.
        p_values = 2 * student.sf(np.abs(fitted.estimate / fitted.std_error), max(fitted.degrees, 1))
    known = (errors > 0) & (fitted.degrees >= 1)
    half = student.ppf(0.975, max(fitted.degrees, 1))
    rows = []
    for position, scheme in enumerate(schemes):
        estimate = fitted.estimate[position] / spread[position] if spread[position] > 0 else np.nan
        main = cells["controls"] == ALL and cells["sample"] == one.sample and cells["estimator"] == "two_way"
        main = main and scheme in (Scheme("components", options["scaling"], 0), Scheme("", "", 0))
        row = {
            "index_weights": scheme.weights or None,
            "scaling": scheme.scaling or None,
            "winsorised_percent": scheme.winsorised_percent,
            "is_main": main,
            "outcome_std_dev": spread[position],
        } | cells
        if not np.isfinite(estimate):
            reason = f"The estimator {cells['estimator']} does not identify the effect with these choices."
            rows.append(row | {"status": "not_identified", "notes": [reason]})
            continue
        row["estimate"] = estimate
        if known[position]:
            error = errors[position]
            row |= {"std_error": error, "t_stat": estimate / error, "p_value": p_values[position]}
            row |= {"ci_low": estimate - half * error, "ci_high": estimate + half * error}
        else:
            row["notes"] = ["There is no clustered error."]
        rows.append(row)
    return rows


def _joint_test(rows, estimates, drawn, options):
    """The row of the joint test; ``drawn``: (draws, regressions)."""
    known = np.isfinite(estimates)
    if not known.any():
        raise NotIdentifiedError("No combination of choices identifies the effect.")
    estimates, drawn = estimates[known], drawn[:, known]
    # A draw in which some regression is not identified is no draw of the curve.
    drawn = drawn[np.isfinite(drawn).all(axis=1)]
    curves = np.vstack([estimates, drawn])
    medians = np.median(curves, axis=1)
    # In units of a spread that treats all curves alike, so that the observed one is one among them.
    turned = curves / np.maximum(curves.std(axis=0), np.finfo(float).tiny) * np.sign(medians)[:, None]
    beyond = (turned > BEYOND).mean(axis=1)
    p, counted = two_sided_p(medians[0], medians[1:])
    fine = [row for row, ok in zip(rows, known, strict=True) if ok]
    significant = np.mean([row.get("p_value", 1.0) < 0.05 and row["estimate"] * medians[0] > 0 for row in fine])
    left_out = options["draws"] - counted
    return {
        "n_regressions": len(estimates),
        "median": medians[0],
        "lowest": estimates.min(),
        "highest": estimates.max(),
        "same_sign_share": (turned[0] > 0).mean(),
        "significant_share": significant,
        "beyond_share": beyond[0],
        "median_p": p,
        "beyond_p": (1 + int((beyond[1:] >= beyond[0] - 1e-12).sum())) / (1 + counted) if counted else np.nan,
        "draws": counted,
        "notes": [f"{left_out} of {options['draws']} draws could not be estimated and do not count."] * (left_out > 0),
    }


SPECIFICATION_CURVE = Estimator(
    {"curve": Table(CURVE_COLUMNS), "test": Table(TEST_COLUMNS)},
    draw_curve,
    columns=_columns,
    label=lambda specification, options: {"seed": options["seed"]},
    absent={**OPTIONAL_CELLS, "result": "specification_curve", "estimator": "specification_curve"},
    treated_cities=True,
)
