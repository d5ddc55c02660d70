"""Two-stage least squares with city and year effects, and what tells whether its instrument is any good (Table 4).

::

    treatment_it = p' z_it + g' controls_it + city_i + year_t + v_it     first stage
    outcome_it   = b treatment_it + a' controls_it + city_i + year_t + e_it

An instrument that is a product with a policy contains that policy; a product with year dummies does not.

All below on columns with controls, city and year effects projected out: y outcome, d treatment, Z the L
instruments, n rows, p = (Z'Z)^-1 Z'd, v = d - Z p. S(u) is Z'Z u'u / n for ``iid``, the sum over rows of
u_i^2 z_i z_i' for ``HC1`` and the sum over clusters of Z_g'u_g u_g'Z_g for ``CRV1``.

- Kleibergen-Paap rk LM (Kleibergen and Paap 2006, Journal of Econometrics 133), the test of
  under-identification: d'Z S(d)^-1 Z'd, chi² with L degrees of freedom. With one endogenous variable its rank
  statistic is this score. No small-sample correction, as in ivreg2. For ``iid`` it is Anderson's LM, n R².
- Cragg-Donald F (1993, Econometric Theory 9): p'Z'Zp / L over v'v / (n - L - k - F).
- Kleibergen-Paap Wald F: p' V^-1 p / L with V the covariance of p by the same variance estimator, including
  its small-sample factor: exactly the first stage's F of the instruments. **Degrees of freedom**: V is scaled
  by n / (n - L - k - F) for ``iid`` and ``HC1``, by G / (G - 1) (n - 1) / (n - K) for ``CRV1``, K = L + k + 1 +
  (groups - 1) of the effects that are not nested in the cluster: the rule of ivreghdfe and of the first-stage
  rows. For ``iid`` it is the Cragg-Donald F.
- Anderson-Rubin interval (1949), valid with weak instruments: all b for which the F test of Z in the regression
  of y - b d on Z does not reject at 5 %, critical value L F(L, q), q = n - L - k - F (``iid``, ``HC1``) or G - 1
  (``CRV1``). With c(b) = p_y - b p and V(b) its covariance, quadratic in b, the set is {c'V^-1c <= critical
  value}; its ends are the roots of det(critical value V(b) - c c') = 0, a quadratic for one instrument (and for
  ``iid``) and a quadratic eigenvalue problem otherwise: solved, not searched on a grid. It is an interval
  (``bounded``), everything (``unbounded``), everything but an interval (``disjoint``: low and high are the ends
  of the gap) or ``empty`` (only with L > 1: the instruments contradict one another). It is open at both sides
  exactly if the Wald test of the first stage does not reject.

k counts the controls, F is the rank of the fixed effects.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy.linalg import eigvals
from scipy.stats import chi2
from scipy.stats import f as f_distribution

from city_policy.errors import InputError
from city_policy.estimation.computation.regression import (
    COLLINEAR_SHARE,
    Prepared,
    cluster_factor,
    cluster_sums,
    clustered_inference,
    goodness,
    least_squares,
    residual_degrees,
    sweep,
)
from city_policy.estimation.contract.panel import Panel
from city_policy.estimation.contract.record import VARIANCE_ESTIMATORS, NotIdentifiedError, notes_on_fit
from city_policy.estimation.contract.request import Request
from city_policy.estimation.contract.runner import RECORD, Estimator, Table, run
from city_policy.estimation.contract.specification import Specification

DIAGNOSTIC_VARIANCE_ESTIMATORS = ("iid", "HC1", "CRV1")
LEVEL = 0.95
DEGREES_RULE = {
    "iid": "residual degrees of freedom n - L - k - F, all fixed effects counted",
    "HC1": "covariance times n / (n - L - k - F), all fixed effects counted",
    "CRV1": "covariance times G / (G - 1) (n - 1) / (n - K), effects nested in the cluster not counted",
}
DIAGNOSTIC_COLUMNS = {
    "spec_id": "str",
    "treatment": "str",
    "instrument": "str",
    "vcov": "str",
    "kp_rk_lm": "float64",
    "kp_rk_lm_p": "float64",
    "cragg_donald_f": "float64",
    "kp_wald_f": "float64",
    "anderson_rubin_low": "float64",
    "anderson_rubin_high": "float64",
    "anderson_rubin_kind": "str",
    "n_instruments": "Int64",
    "n_obs": "Int64",
    "n_cities": "Int64",
    "degrees_rule": "str",
    "status": "str",
    "message": "str",
}


def estimate_instrumental_variable(
    panel: pd.DataFrame,
    treatment_timing: pd.DataFrame,
    specifications: pd.DataFrame | Iterable[Specification],
    controls: Sequence[str],
    controls_not_covered: Sequence[str] = (),
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both stages and the diagnostics of every specification; formulas at the top.

    ``panel``, ``treatment_timing``, ``specifications``, ``controls``, ``controls_not_covered``: as in
    ``estimate_fixed_effects``. The column ``variant`` of the specifications names the instrument and may not be blank:
    two factors joined by ``:``, each a policy or a column of the panel, or ``year`` for a dummy of every year but the
    first (``terrain_relief_proxy:year``); or plain columns separated by spaces.

    Returns two frames. Estimates: the estimate record with, for each variance estimator (``iid``, ``CRV1``), the
    first stage (panel ``first_stage``, outcome = treatment, terms ``instrument`` or ``instrument_<name>``, column
    number one less than the specification's) and the second (panel ``second_stage``, terms treatment and
    controls). ``r2`` of the second stage is 1 - residual / total sum of squares and may be negative.
    Diagnostics: one row per specification and variance estimator (``iid``, ``HC1``, ``CRV1``), with ends of
    the Anderson-Rubin set in units of the coefficient (missing where it is open or empty).
    A specification that cannot be run is a row per variance estimator with a status and a sentence.

    Raises InputError only for what makes the whole call meaningless (see ``estimate_fixed_effects``).
    """
    return run(INSTRUMENTAL_VARIABLE, Panel(panel, treatment_timing), specifications, controls, controls_not_covered)


def instrumental_variable(request: Request) -> Mapping[str, list[dict]]:
    """Both stages of one request, and their diagnostics by three variance estimators."""
    specification = request.specification
    prepared, names = _prepare(request)
    caveat = _caveat(specification.treatment, specification.variant, request.panel.timing)
    return {
        "estimates": _stages(prepared, names, specification, caveat),
        "diagnostics": [
            _diagnose(prepared, names, specification, vcov, caveat) for vcov in DIAGNOSTIC_VARIANCE_ESTIMATORS
        ],
    }


def _caveat(treatment, instrument, timing):
    """What a reader must know about the exclusion restriction of this instrument."""
    policies = [factor for factor in instrument.replace(":", " ").split() if factor in timing]
    if policies == [treatment]:
        return f"The instrument contains the treatment itself ({treatment}), so exclusion is doubtful."
    if policies:
        return (
            f"The instrument contains the treatment: {policies[0]} is a pilot policy that acts on the outcome "
            "itself, so exclusion is doubtful."
        )
    return (
        "The instrument contains no policy; exclusion still requires that it moves the outcome through the "
        "treatment only."
    )


def _instruments(panel, instrument):
    """Name -> column (N,) of every instrument that ``instrument`` stands for."""
    if ":" not in instrument:
        names = instrument.split()
        columns = [panel.regressor(name) for name in names]
        return {f"instrument_{name}": column for name, column in zip(names, columns, strict=True)}
    factors = instrument.split(":")
    if len(factors) != 2 or factors[0] == "year":
        raise InputError(
            f"The instrument '{instrument}' is not understood; expected column:policy, column:year or columns."
        )
    left = panel.regressor(factors[0])
    if factors[1] != "year":
        return {"instrument": left * panel.regressor(factors[1])}
    return {f"instrument_{year}": left * (panel.year == year) for year in np.unique(panel.year)}


def _columns(panel, specification, controls, options):
    """Outcome, treatment and instruments; raises InputError for an instrument that stands in the equation itself."""
    instrument = specification.variant
    inside = {specification.outcome, specification.treatment, *specification.extra_controls, *controls}
    for name in instrument.split():
        if name in inside:
            raise InputError(
                f"The instrument '{name}' is outcome, treatment or control of the regression; an instrument must be "
                "left out of it."
            )
    columns = panel.variables(specification) | _instruments(panel, instrument)
    return columns, panel.controls(specification, controls, columns)


def _prepare(request):
    """The prepared columns, and the names of the instruments that are not collinear."""
    outcome, treatment = request.specification.outcome, request.specification.treatment
    instrument = request.specification.variant
    prepared = sweep(request)
    if prepared.explained([treatment], given=prepared.controls):
        raise NotIdentifiedError(f"{treatment} is collinear with the controls and the fixed effects.")
    names = [name for name in request.columns if name not in (outcome, treatment)]
    if instrument.endswith(":year"):
        # Relief does not vary within a city: one year's product is the sum of the others', with sign.
        names = [name for name in names if prepared.raw[name].any()][1:]
    explained = prepared.explained(names, given=prepared.controls)
    names = [name for name in names if name not in explained]
    if explained:
        # As a control that is collinear; the instruments of every year are one short by construction.
        told = " ".join(name.removeprefix("instrument_") for name in explained)
        prepared = replace(prepared, dropped_terms=f"{prepared.dropped_terms or ''} {told}".strip())
    if not names:
        raise NotIdentifiedError(f"The controls and the fixed effects explain the instrument {instrument}.")
    if len(names) == 1:
        raw, swept = prepared.raw[names[0]], prepared.swept[names[0]]
        prepared = replace(
            prepared, raw=prepared.raw | {"instrument": raw}, swept=prepared.swept | {"instrument": swept}
        )
        names = ["instrument"]
    return prepared, names


def _stages(prepared, names, specification, caveat):
    """Record rows of both stages."""
    outcome, treatment, extra = specification.outcome, specification.treatment, prepared.controls
    first = least_squares(prepared, treatment, [*names, *extra])
    second = least_squares(prepared, outcome, [treatment, *extra], instruments=[*names, *extra])
    column = specification.column_no
    stages = (
        ("first_stage", column - 1 if column else None, treatment, names, first),
        ("second_stage", column, outcome, [treatment, *extra], second),
    )
    rows = []
    for vcov in VARIANCE_ESTIMATORS:
        for stage, column_no, left, terms, fit in stages:
            base = {"panel": stage, "column_no": column_no, "outcome": left, "vcov": vcov}
            base |= {"dropped_terms": prepared.dropped_terms} | goodness(prepared, left, fit.residuals)
            base["notes"] = [caveat, *notes_on_fit(specification, prepared.dropped_terms, fit.has(vcov))]
            for position, term in enumerate(terms):
                cells = fit.inference(position, vcov)
                if vcov == "CRV1" and term not in extra:
                    cells = clustered_inference(fit, prepared, position, specification.cluster)
                rows.append(base | {"term": term} | cells | {"notes": [*base["notes"], *cells.get("notes", ())]})
    return rows


def _diagnose(prepared, names, specification, vcov, caveat):
    """One row of the diagnostics, without its label."""
    stage = _FirstStage(prepared, specification.outcome, specification.treatment, names)
    result = {
        "vcov": vcov,
        "cragg_donald_f": stage.wald("iid") / stage.count,
        "n_instruments": stage.count,
        "n_obs": len(prepared.rows),
        "n_cities": int(prepared.absorbed.city.max()) + 1,
        "degrees_rule": DEGREES_RULE[vcov],
    }
    if vcov == "CRV1" and cluster_factor(prepared, 0) is None:
        return result | {
            "status": "not_identified",
            "notes": [f"No clustered statistics: the rows used hold one {specification.cluster}.", caveat],
        }
    try:
        lm = stage.rank_lm(vcov)
        kind, low, high, between = stage.anderson_rubin(vcov)
    except np.linalg.LinAlgError:
        return result | {
            "status": "not_identified",
            "notes": [f"There are too few clusters for {stage.count} instruments.", caveat],
        }
    notes = [caveat]
    if between:
        notes.append(f"The Anderson-Rubin set has {between} further ends between low and high.")
    return result | {
        "kp_rk_lm": lm,
        "kp_rk_lm_p": chi2.sf(lm, stage.count),
        "kp_wald_f": stage.wald(vcov) / stage.count,
        "anderson_rubin_low": low,
        "anderson_rubin_high": high,
        "anderson_rubin_kind": kind,
        "notes": notes,
    }


class _FirstStage:
    """Outcome, treatment and instruments with controls and effects projected out; the instruments orthonormal,
    which changes none of the statistics.
    """

    def __init__(self, prepared: Prepared, outcome: str, treatment: str, names: Sequence[str]):
        self.prepared = prepared
        self.count = len(names)
        self.n_terms = len(names) + len(prepared.controls)
        self.degrees = residual_degrees(prepared, self.n_terms)
        columns = prepared.stack([outcome, treatment, *names])
        controls = prepared.stack(prepared.controls)
        if controls.shape[1]:
            basis = np.linalg.qr(controls / np.linalg.norm(controls, axis=0))[0]
            for _ in range(2):
                columns = columns - basis @ (basis.T @ columns)
        self.y, self.d = columns[:, 0], columns[:, 1]
        z = columns[:, 2:]
        self.z = np.linalg.qr(z / np.linalg.norm(z, axis=0))[0]
        # With Z'Z = 1 the coefficients on Z are Z'y and Z'd.
        self.reduced, self.first = self.z.T @ self.y, self.z.T @ self.d

    def _meat(self, u, w, vcov):
        """S(u, w): the covariance of Z'u with Z'w, (L, L), without small-sample factor."""
        if vcov == "iid":
            return np.eye(self.count) * (u @ w) / len(u)
        left, right = self.z * u[:, None], self.z * w[:, None]
        if vcov == "CRV1":
            left, right = (cluster_sums(scores, self.prepared.cluster) for scores in (left, right))
        return (left.T @ right + right.T @ left) / 2

    def _factor(self, vcov):
        if vcov == "CRV1":
            return cluster_factor(self.prepared, self.n_terms)
        return len(self.y) / self.degrees

    def rank_lm(self, vcov: str) -> float:
        """The Kleibergen-Paap rk LM statistic; raises LinAlgError if its covariance is singular."""
        return _quadratic(self.first, self._meat(self.d, self.d, vcov))

    def wald(self, vcov: str) -> float:
        """The Wald statistic of the instruments in the first stage, with the small-sample factor."""
        v = self.d - self.z @ self.first
        return _quadratic(self.first, self._factor(vcov) * self._meat(v, v, vcov))

    def anderson_rubin(self, vcov: str, level: float = LEVEL) -> tuple[str, float | None, float | None, int]:
        """Kind, low and high of the Anderson-Rubin set, and how many further roots lie between low and high
        (robust statistics with several instruments may leave islands); raises LinAlgError if a covariance is
        singular.
        """
        degrees = self.degrees if vcov != "CRV1" else int(self.prepared.cluster.max())
        bound = self.count * f_distribution.ppf(level, self.count, degrees)
        factor = self._factor(vcov)
        e = self.y - self.z @ self.reduced
        v = self.d - self.z @ self.first
        # In units in which the outcome's and the treatment's residuals are of one size.
        unit = np.linalg.norm(self.y) / np.linalg.norm(self.d)
        first, v = self.first * unit, v * unit
        constant = factor * self._meat(e, e, vcov)
        linear = -2 * factor * self._meat(e, v, vcov)
        square = factor * self._meat(v, v, vcov)

        def excess(b):
            return _quadratic(self.reduced - b * first, constant + b * linear + b * b * square) - bound

        # bound V(b) - c(b) c(b)' = A0 + b A1 + b² A2 is singular exactly where the statistic is the bound.
        a0 = bound * constant - np.outer(self.reduced, self.reduced)
        a1 = bound * linear + np.outer(self.reduced, first) + np.outer(first, self.reduced)
        a2 = bound * square - np.outer(first, first)
        outside_at_infinity = _quadratic(first, square) > bound
        roots = _crossings(_real_roots(a0, a1, a2), excess)
        inside = [excess(b) <= 0 for b in _between(roots)]
        low, high = (roots[0] * unit, roots[-1] * unit) if roots else (None, None)
        between = max(len(roots) - 2, 0)
        if outside_at_infinity:
            return ("bounded", low, high, between) if any(inside) else ("empty", None, None, 0)
        return ("unbounded", None, None, 0) if all(inside) else ("disjoint", low, high, between)


def _quadratic(vector, matrix):
    """vector' matrix^-1 vector; raises LinAlgError if the matrix is singular to working precision."""
    size = np.sqrt(np.diag(matrix))
    if not (size > 0).all():
        raise np.linalg.LinAlgError("singular covariance")
    scaled = matrix / np.outer(size, size)
    if np.linalg.eigvalsh(scaled)[0] < COLLINEAR_SHARE:
        raise np.linalg.LinAlgError("singular covariance")
    return float((vector / size) @ np.linalg.solve(scaled, vector / size))


def _real_roots(a0, a1, a2):
    """Real b at which a0 + b a1 + b² a2 is singular, ascending: by formula for 1 × 1, else by eigenvalues of the
    companion pencil.
    """
    if len(a0) == 1:
        roots = np.roots([a2[0, 0], a1[0, 0], a0[0, 0]])
    else:
        zero, one = np.zeros_like(a0), np.eye(len(a0))
        pencil = np.block([[zero, one], [-a0, -a1]]), np.block([[one, zero], [zero, a2]])
        roots = eigvals(*pencil)
    roots = roots[np.isfinite(roots)]
    return np.sort(roots[np.abs(roots.imag) <= 1e-7 * (1 + np.abs(roots.real))].real)


def _between(roots):
    """A point before the first root, between all neighbours and after the last."""
    if len(roots) == 0:
        return [0.0]
    margin = 1 + np.abs(roots).max()
    ends = [roots[0] - margin, *roots, roots[-1] + margin]
    return [(left + right) / 2 for left, right in pairwise(ends)]


def _crossings(roots, excess):
    """The roots at which the statistic passes the bound, not merely touches it."""
    roots = list(roots)
    while True:
        signs = [excess(b) <= 0 for b in _between(roots)]
        same = [i for i in range(len(roots)) if signs[i] == signs[i + 1]]
        if not same:
            return roots
        roots.pop(same[0])


INSTRUMENTAL_VARIABLE = Estimator(
    {
        "estimates": RECORD,
        "diagnostics": Table(DIAGNOSTIC_COLUMNS, ("vcov", DIAGNOSTIC_VARIANCE_ESTIMATORS), says_coverage=False),
    },
    instrumental_variable,
    columns=_columns,
    required=("variant",),
    label=lambda specification, options: {"instrument": specification.variant},
    treated_cities=True,
)
