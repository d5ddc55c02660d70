"""The regressions once more by pyfixest, a library of other authors, beside our own numbers.

Our estimators share one exact least squares (``computation.regression``), so that the same regression
gives the same digits wherever it is run. That it is the right regression is checked in every build, on the data of
that build, by pyfixest, which finds the two-way fixed effects by its own alternating projections.

pyfixest's clustered small-sample factor depends on Python's hash seed where it has to find out which effects are nested
in the cluster. Its ``k_fixef`` is therefore ``full`` for iid errors, where all effects count, and ``none`` for
clustered ones; the clustered variance is then brought to the rule of reghdfe and of R's fixest, by which city effects,
nested in the cluster, do not count and year effects do: times (n - k) / (n - k - T) for k terms and T years. The
coefficients too differ with the hash seed in their last bits, so the numbers are given to nine significant digits.
"""

import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from city_policy.errors import InputError
from city_policy.estimation.computation.regression import sweep
from city_policy.estimation.contract.exposure import exposed_columns
from city_policy.estimation.contract.panel import Panel
from city_policy.estimation.contract.record import VARIANCE_ESTIMATORS, NotIdentifiedError
from city_policy.estimation.contract.request import Request
from city_policy.estimation.contract.runner import Estimator, Table, run

CROSS_CHECK_COLUMNS = {
    "spec_id": "str",
    "treatment": "str",
    "term": "str",
    "vcov": "str",
    "pyfixest_estimate": "float64",
    "pyfixest_std_error": "float64",
    "pyfixest_n_obs": "Int64",
    "status": "str",
    "message": "str",
}


def fit_with_pyfixest(
    panel: pd.DataFrame,
    treatment_timing: pd.DataFrame,
    specifications: pd.DataFrame,
    controls: Sequence[str],
) -> pd.DataFrame:
    """Coefficients and standard errors of city and year fixed effects regressions as pyfixest finds them.

    Arguments as in ``estimate_fixed_effects``; the specifications have no
    extra fixed effects and cluster by city. Returns one row per specification, term and variance estimator (``iid``,
    ``CRV1``). A regression that cannot be run is a row per variance estimator with a status and a sentence.

    Raises InputError as ``estimate_fixed_effects`` does.
    """
    return run(CROSS_CHECK, Panel(panel, treatment_timing), specifications, controls)[0]


def cross_check(request: Request) -> Mapping[str, list[dict]]:
    """What pyfixest finds for one request: a row per variance estimator and term."""
    used, treatment = request.rows.used, request.specification.treatment
    names = [treatment, *request.controls]
    if sweep(request).explained([treatment], given=()):
        raise NotIdentifiedError(f"{treatment} is collinear with the fixed effects: pyfixest has nothing to estimate.")
    data = pd.DataFrame(
        {"city": request.panel.city[used], "year": request.panel.year[used], "outcome": request.outcome}
    )
    columns = {treatment: request.columns[treatment], **request.controls}
    for position, column in enumerate(columns.values()):
        data[f"x{position}"] = column[used]
    rows = []
    for vcov, (estimates, std_errors) in _fit(data, len(names)).items():
        n, k = len(data), len(estimates)
        factor = np.sqrt((n - k) / (n - k - data["year"].nunique())) if vcov == "CRV1" else 1.0
        for term, estimate in estimates.items():
            rows.append(
                {
                    "term": names[int(term[1:])],
                    "vcov": vcov,
                    "pyfixest_estimate": float(f"{estimate:.9g}"),
                    "pyfixest_std_error": float(f"{std_errors[term] * factor:.9g}"),
                    "pyfixest_n_obs": n,
                }
            )
    return {"check": rows}


def _columns(panel, specification, controls, options):
    """Outcome, treatment and controls."""
    if specification.extra_fixed_effects or specification.cluster != "adcode":
        raise InputError("The cross-check has city and year effects only and clusters by adcode.")
    columns = exposed_columns(panel, specification)
    return columns, panel.controls(specification, controls, columns)


def _fit(data, n_terms):
    """Coefficients and standard errors of ``outcome`` on the columns ``x0`` ... of ``data`` by variance estimator, as
    pyfixest finds them.

    Raises NotIdentifiedError where pyfixest says that these data do not identify the regression.
    """
    # 2 to 4 seconds to import and compile: here, so that only who checks pays for it.
    import pyfixest
    from pyfixest.errors import EmptyDesignMatrixError, EmptyVcovError, MatrixNotFullRankError, NonConvergenceError

    refusals = (
        EmptyDesignMatrixError,
        EmptyVcovError,
        MatrixNotFullRankError,
        NonConvergenceError,
        np.linalg.LinAlgError,
    )
    # pyfixest's tolerance is absolute. A scale that is a power of two changes no digit.
    scales = {name: _power_of_two(data[name]) for name in ("outcome", *(f"x{i}" for i in range(n_terms)))}
    data = data.assign(**{name: data[name] / scale for name, scale in scales.items()})
    formula = f"outcome ~ {' + '.join(f'x{position}' for position in range(n_terms))}|city + year"
    options = {"data": data, "fixef_tol": 1e-12}
    with warnings.catch_warnings():
        # pyfixest 0.60 uses what pandas 3 deprecates, and warns of singletons that we count ourselves.
        warnings.simplefilter("ignore")
        try:
            fits = {
                "iid": pyfixest.feols(formula, vcov="iid", ssc=pyfixest.ssc(k_fixef="full"), **options),
                "CRV1": pyfixest.feols(formula, vcov={"CRV1": "city"}, ssc=pyfixest.ssc(k_fixef="none"), **options),
            }
        except refusals as problem:
            raise NotIdentifiedError(f"pyfixest could not run it ({type(problem).__name__}: {problem}).") from problem
    units = {term: scales["outcome"] / scale for term, scale in scales.items()}
    return {
        vcov: tuple({term: value * units[term] for term, value in values.items()} for values in (fit.coef(), fit.se()))
        for vcov, fit in fits.items()
    }


def _power_of_two(column):
    """The power of two that is nearest to the standard deviation of a column; 1 for one that does not vary."""
    spread = float(np.std(column))
    return 2.0 ** round(np.log2(spread)) if np.isfinite(spread) and spread > 0 else 1.0


CROSS_CHECK = Estimator(
    {"check": Table(CROSS_CHECK_COLUMNS, ("vcov", VARIANCE_ESTIMATORS))},
    cross_check,
    columns=_columns,
    absent={"variant": None},
)
