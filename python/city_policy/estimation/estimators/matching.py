"""Propensity-score matching before difference-in-differences (Table 5, panel A).

1. **Treated** are all rows of the cities that the treatment reaches within the rows used, also those before its
   start: they are the treatment group of the regression that follows. The others are its controls.
2. **Propensity score**: a logit of treated on the controls, pooled over all city-years ("混合匹配"), by maximum
   likelihood without penalty (statsmodels).
3. **Common support** by minima and maxima (Dehejia and Wahba 1999, JASA 94; Caliendo and Kopeinig 2008, Journal
   of Economic Surveys 22): rows whose score lies between the larger of the two groups' minima and the smaller of
   their maxima, ends included.
4. **1:1 nearest neighbour with replacement**: every treated row on the support gets the control row on the support
   whose score is nearest; of equally near ones the first by adcode and year. A treated row weighs 1, a control row
   as often as it serves, any other row 0.
5. **Difference-in-differences** on the rows kept, through ``estimate_fixed_effects``.

Which rows are kept, and what they weigh there, is the specification's variant: ``common_support``, all rows on the
support, each once; ``matched``, those with a positive weight, each once; ``matched_weighted``, the same with their
weights, which is the sample that the match has balanced. The first is the default because it is what the paper's counts
imply: 1:1 pairs give at most two rows per treated one, 2 × 1,166 = 2,332 for the broadband cities, and the paper has
2,866 (2,628 and 1,943 against at most 1,166 and 660 for the other two).

Balance before, and in the rows and with the weights that are regressed. For each variable: standardised bias
100 (mean treated - mean control) / sqrt((var treated + var control) / 2) with the variances before matching throughout
(Rosenbaum and Rubin 1985, American Statistician 39); t of the difference with the pooled variance, a control row
counted as often as it weighs (Stata's pstest); ratio of the variances, treated to control.
"""

import warnings
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import t as student

from city_policy.errors import InputError
from city_policy.estimation.computation.regression import independent
from city_policy.estimation.contract.panel import Panel
from city_policy.estimation.contract.record import NotIdentifiedError
from city_policy.estimation.contract.request import Request
from city_policy.estimation.contract.runner import RECORD, Estimator, Table, run
from city_policy.estimation.contract.specification import Specification
from city_policy.estimation.estimators.fixed_effects import fixed_effects

VARIANTS = ("common_support", "matched", "matched_weighted")
MATCHED_COLUMNS = {
    "spec_id": "str",
    "adcode": "str",
    "year": "Int64",
    "role": "str",
    "propensity_score": "float64",
    "on_support": "boolean",
    "weight": "float64",
    "kept": "boolean",
    "neighbour_adcode": "str",
    "neighbour_year": "Int64",
}
BALANCE_COLUMNS = {
    "spec_id": "str",
    "treatment": "str",
    "variable": "str",
    "stage": "str",
    "mean_treated": "float64",
    "mean_control": "float64",
    "standardised_bias_percent": "float64",
    "t_stat": "float64",
    "p_value": "float64",
    "variance_ratio": "float64",
    "n_treated": "Int64",
    "n_control": "Int64",
    "status": "str",
    "message": "str",
}


def matched_rows(
    panel: pd.DataFrame,
    treatment_timing: pd.DataFrame,
    specifications: pd.DataFrame | Iterable[Specification],
    controls: Sequence[str],
) -> pd.DataFrame:
    """The match of every specification; rules at the top.

    ``panel``, ``treatment_timing``, ``specifications``, ``controls``: as in
    ``estimate_fixed_effects``. The optional column ``variant`` of the
    specifications says which rows are kept: ``common_support`` (also when blank), ``matched`` or
    ``matched_weighted``.

    Returns one row per specification and city-year of the sample with all variables: ``role`` (``treated`` or
    ``control``), propensity score, ``on_support``, ``weight``, ``kept``, and the neighbour of a treated row on
    the support. A specification that cannot be matched has no rows; :func:`estimate_matching` and
    :func:`compare_balance` say why.

    Raises InputError only for what makes the whole call meaningless (see ``estimate_fixed_effects``).
    """
    return run(MATCHED_ROWS, Panel(panel, treatment_timing), specifications, controls, matched={})[0]


def estimate_matching(
    panel: pd.DataFrame,
    treatment_timing: pd.DataFrame,
    specifications: pd.DataFrame | Iterable[Specification],
    controls: Sequence[str],
    controls_not_covered: Sequence[str],
    matched: pd.DataFrame,
) -> pd.DataFrame:
    """Difference-in-differences on the rows that the match of every specification keeps.

    ``panel``, ``treatment_timing``, ``specifications``, ``controls``: as in :func:`matched_rows`, and ``matched``
    what it returned for them, in any order; ``controls_not_covered``: as in ``estimate_fixed_effects``.

    Returns the estimate record, with the rows of ``estimate_fixed_effects``; the counts of dropped rows refer to
    the rows kept. A specification that cannot be run is a row per variance estimator with a status and a
    sentence.

    Raises InputError only for what makes the whole call meaningless (see ``estimate_fixed_effects``), or for
    matched rows that the panel does not have.
    """
    checked = Panel(panel, treatment_timing)
    located = _locate(checked, matched)
    return run(MATCHING, checked, specifications, controls, controls_not_covered, matched=located)[0]


def compare_balance(
    panel: pd.DataFrame,
    treatment_timing: pd.DataFrame,
    specifications: pd.DataFrame | Iterable[Specification],
    controls: Sequence[str],
    matched: pd.DataFrame,
) -> pd.DataFrame:
    """Balance of the controls before and after the match of every specification; formulas at the top.

    Arguments as in :func:`estimate_matching`. Returns one row per specification, control and stage (``before``, and
    the variant of the specification); biases in percent, counts of rows (a control row in ``matched_weighted`` as often
    as it serves). A specification that cannot be run is a row with a status and a sentence.

    Raises InputError as ``estimate_matching`` does.
    """
    checked = Panel(panel, treatment_timing)
    return run(BALANCE, checked, specifications, controls, matched=_locate(checked, matched))[0]


def _locate(panel, matched):
    """spec_id -> its rows of ``matched`` in the order of the panel, indexed by their position in it."""
    keys = pd.MultiIndex.from_frame(panel.frame[["adcode", "year"]])
    wanted = pd.MultiIndex.from_arrays([matched["adcode"].astype("str"), matched["year"].astype("int64")])
    positions = keys.get_indexer(wanted)
    if (positions < 0).any():
        adcode, year = wanted[positions < 0][0]
        raise InputError(f"The matched rows hold city {adcode}, year {year}, which the panel does not have.")
    return {spec_id: rows.sort_index() for spec_id, rows in matched.set_index(positions).groupby("spec_id")}


def _match_of(request):
    """The match of one request: as it was made before, or, if there is none, made here, which may say why."""
    known = request.options["matched"].get(request.specification.spec_id)
    return _match(request) if known is None else known


def match_request(request: Request) -> Mapping[str, list[dict]]:
    """The matched rows of one request."""
    return {"rows": _match_of(request).to_dict("records")}


def regress_on_match(request: Request) -> Mapping[str, list[dict]]:
    """The record of difference-in-differences on the rows that the match of one request keeps."""
    rows = _match_of(request)
    variant, sample = _variant(request.specification), request.specification.sample
    weights = np.zeros(len(request.panel.city))
    weights[rows.index] = _regressed(rows, variant)
    among_kept = request.within(weights > 0, variant)
    try:
        estimates = fixed_effects(among_kept, weights)["estimates"]
    except NotIdentifiedError as problem:
        # What is counted are the rows kept, not those that were matched.
        raise NotIdentifiedError(str(problem), {**among_kept.counts, **problem.counts}) from problem
    base, note = {**among_kept.counts, "sample": sample}, _note(rows, variant)
    return {"estimates": [base | row | {"notes": [note, *row["notes"]]} for row in estimates]}


def balance(request: Request) -> Mapping[str, list[dict]]:
    """The balance of the controls of one request before and after its match."""
    rows = _match_of(request)
    variant = _variant(request.specification)
    return {"balance": list(_balance(rows, _covariates(request, rows.index), variant))}


def _regressed(rows, variant):
    """(n,) how much every row of a match weighs in the regression."""
    return (rows["weight"] if variant == "matched_weighted" else rows["kept"]).to_numpy(dtype="float64")


def _variant(specification):
    return specification.variant or VARIANTS[0]


def _match(request):
    """The rows with role, score, support, weight and neighbour, indexed by their position in the sorted panel."""
    variant = _variant(request.specification)
    if variant not in VARIANTS:
        raise InputError(f"The variant '{variant}' is unknown; expected {', '.join(VARIANTS[:-1])} or {VARIANTS[-1]}.")
    treatment, used = request.specification.treatment, request.rows.used
    on, city = request.treatment, request.panel.city[used]
    if not np.isin(on, (0.0, 1.0)).all():
        raise InputError(f"Matching needs a treatment of 0 and 1; '{treatment}' has other values.")
    treated = np.isin(city, np.unique(city[on == 1.0]))
    if treated.all() or not treated.any():
        raise NotIdentifiedError(
            f"{'Every' if treated.all() else 'No'} city of the sample '{request.specification.sample}' is treated by "
            f"{treatment}, so there is nothing to match."
        )
    covariates = _covariates(request, used)
    if not covariates:
        raise NotIdentifiedError("Matching needs a control that varies.")
    score = propensity_scores(treated, np.column_stack(list(covariates.values())))
    on_support, weight, neighbour = match_nearest(score, treated)
    rows = request.panel.frame.loc[used, ["adcode", "year"]]
    partner = rows.reset_index(drop=True).reindex(neighbour)
    return rows.assign(
        role=np.where(treated, "treated", "control"),
        propensity_score=score,
        on_support=on_support,
        weight=weight,
        kept=on_support if variant == "common_support" else weight > 0,
        neighbour_adcode=partner["adcode"].to_numpy(),
        neighbour_year=partner["year"].to_numpy(),
    )


def _covariates(request, rows):
    """Name -> values (n,) in ``rows`` of every control that varies there."""
    values = {name: column[rows] for name, column in request.controls.items()}
    return {name: column for name, column in values.items() if column.std() > 0}


def propensity_scores(treated: np.ndarray, covariates: np.ndarray) -> np.ndarray:
    """Fitted probabilities (n,) of the logit of ``treated`` (n,) boolean on ``covariates`` (n, k) and a constant.

    Raises NotIdentifiedError if the maximum likelihood estimate does not exist (the covariates separate the groups)
    or is not unique.
    """
    # More than a second of imports; only who matches pays for them.
    from statsmodels.discrete.discrete_model import Logit
    from statsmodels.tools.sm_exceptions import PerfectSeparationError, PerfectSeparationWarning

    scaled = (covariates - covariates.mean(axis=0)) / covariates.std(axis=0)
    # The scores depend on the space of the covariates only: an orthonormal basis of it keeps the digits where one is
    # nearly another.
    kept, basis = independent(scaled, np.linalg.norm(scaled, axis=0))
    if not kept.all():
        raise NotIdentifiedError("The controls are collinear, so the logit of the propensity score is not unique.")
    design = np.column_stack([np.ones(len(scaled)), basis * np.sqrt(len(scaled))])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", category=PerfectSeparationWarning)
        try:
            fit = Logit(treated.astype("float64"), design).fit(disp=0, maxiter=100, tol=1e-12)
        except (PerfectSeparationError, PerfectSeparationWarning, np.linalg.LinAlgError):
            fit = None
    if fit is None or not fit.mle_retvals["converged"]:
        raise NotIdentifiedError(
            "The logit of the propensity score has no finite estimate: the controls tell the treated cities apart "
            "without error."
        )
    return np.asarray(fit.predict())


def match_nearest(score: np.ndarray, treated: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Common support and nearest neighbours with replacement, by the rules at the top.

    ``score`` (n,), ``treated`` (n,) boolean, rows in the order that breaks ties. Returns ``on_support`` (n,)
    boolean, ``weight`` (n,), and ``neighbour`` (n,): the row number of a treated row's neighbour, -1 for others.

    Raises NotIdentifiedError if a group has no row on the support.
    """
    low = max(score[treated].min(), score[~treated].min())
    high = min(score[treated].max(), score[~treated].max())
    on_support = (score >= low) & (score <= high)
    candidates = np.flatnonzero(on_support & ~treated)
    wanted = np.flatnonzero(on_support & treated)
    if len(candidates) == 0 or len(wanted) == 0:
        raise NotIdentifiedError("The propensity scores of treated and control rows do not overlap.")
    # By score, and of equal scores the first row first.
    ordered = candidates[np.argsort(score[candidates], kind="stable")]
    scores = score[ordered]
    right = np.searchsorted(scores, score[wanted], side="left")
    above = np.minimum(right, len(scores) - 1)
    below = np.searchsorted(scores, scores[np.maximum(right - 1, 0)], side="left")
    distance_above = np.abs(scores[above] - score[wanted])
    distance_below = np.abs(scores[below] - score[wanted])
    first_is_below = ordered[below] < ordered[above]
    take_below = (distance_below < distance_above) | ((distance_below == distance_above) & first_is_below)
    neighbour = np.full(len(score), -1)
    neighbour[wanted] = ordered[np.where(take_below, below, above)]
    weight = np.bincount(neighbour[wanted], minlength=len(score)).astype("float64")
    weight[wanted] = 1.0
    return on_support, weight, neighbour


def _note(matched, variant):
    """The sentences that say which rows are kept and how many there are."""
    groups = matched.groupby("role")["on_support"].agg(["sum", "size"])
    used = int((matched.loc[matched["role"] == "control", "weight"] > 0).sum())
    rule = {
        "common_support": "All rows on the common support are kept",
        "matched": "The matched rows are kept, each once",
        "matched_weighted": "The matched rows are kept, a control row as often as it serves",
    }[variant]
    treated, control = groups.loc["treated"], groups.loc["control"]
    return (
        f"{rule}. Rows on the common support: {treated['sum']} of {treated['size']} treated and {control['sum']} of "
        f"{control['size']} control rows, of which {used} are matched."
    )


def _balance(matched, covariates, variant):
    """One row (dict) per covariate and stage, without its label."""
    treated = (matched["role"] == "treated").to_numpy()
    weights = {"before": np.ones(len(matched)), variant: _regressed(matched, variant)}
    for variable, column in covariates.items():
        spread = np.sqrt((column[treated].var(ddof=1) + column[~treated].var(ddof=1)) / 2)
        for stage, weight in weights.items():
            yield {"variable": variable, "stage": stage} | _compare(column, treated, weight, spread)


def _compare(column, treated, weight, spread):
    """Means, bias, t, p and variance ratio of one variable; ``weight``: how often a row counts."""
    means, variances, sizes = [], [], []
    for group in (treated, ~treated):
        size = weight[group].sum()
        mean = (weight[group] * column[group]).sum() / size
        sizes.append(size)
        means.append(mean)
        variances.append((weight[group] * (column[group] - mean) ** 2).sum() / (size - 1) if size > 1 else np.nan)
    difference, degrees = means[0] - means[1], sum(sizes) - 2
    result = {
        "mean_treated": means[0],
        "mean_control": means[1],
        "standardised_bias_percent": 100 * difference / spread,
        "n_treated": int(sizes[0]),
        "n_control": int(sizes[1]),
    }
    if degrees > 0 and min(variances) > 0:
        pooled = ((sizes[0] - 1) * variances[0] + (sizes[1] - 1) * variances[1]) / degrees
        t_stat = difference / np.sqrt(pooled * (1 / sizes[0] + 1 / sizes[1]))
        result |= {
            "t_stat": t_stat,
            "p_value": 2 * student.sf(abs(t_stat), degrees),
            "variance_ratio": variances[0] / variances[1],
        }
    return result


MATCHED_ROWS = Estimator({"rows": Table(MATCHED_COLUMNS)}, match_request)
MATCHING = Estimator({"estimates": RECORD}, regress_on_match)
BALANCE = Estimator({"balance": Table(BALANCE_COLUMNS)}, balance)
