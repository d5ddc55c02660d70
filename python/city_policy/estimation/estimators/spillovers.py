"""Does a policy reach the neighbours of the treated cities? Two-way fixed effects with what happens next door.

The regression is that of ``estimators.fixed_effects``; d(i, t) is the distance from city i to the nearest other city
that is treated in year t. The variant of the specification says what is added or left out:

- ``rings``: dummies of untreated city-years with d from 0 to 100, above 100 to 200 and above 200 to 400 kilometres,
  each city-year in the nearest ring. The treatment's effect is then that against untreated city-years farther away
  (Butts 2023, Difference-in-Differences with Spatial Spillovers). What lies beyond 400 kilometres counts as untouched.
- ``neighbours:200``: the share of treated cities among the others within 200 kilometres, of every city-year, treated
  ones too; ``neighbours_by_distance:200``: the same with weights 1 / distance (at least 1 kilometre). 0 where there is
  no other city. The coefficient is that of all neighbours treated, and takes the spillover as linear in the share.
- ``without_neighbours:100``: untreated city-years with d up to 100 kilometres are left out and counted as missing.

A neighbour is a city of the panel or of the treatment timing, in the sample or not: a city does not stop radiating
because its data are missing. Errors are clustered by the specification's column (``CRV1``), and Conley's (``conley``:
nearby cities in all years, Bartlett's kernel, 200 kilometres; ``computation.space``), because what the neighbours do
hangs together in space by construction.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from city_policy.errors import InputError
from city_policy.estimation.computation.regression import (
    ONE_CLUSTER,
    clustered_inference,
    goodness,
    least_squares,
    sweep,
    t_inference,
)
from city_policy.estimation.computation.space import (
    Places,
    by_year,
    conley_variance,
    kernel_weights,
    positive_variance,
)
from city_policy.estimation.contract.panel import Panel
from city_policy.estimation.contract.record import RECORD_COLUMNS, NotIdentifiedError, notes_on_fit
from city_policy.estimation.contract.request import Request
from city_policy.estimation.contract.runner import Estimator, Table, run
from city_policy.estimation.contract.specification import Specification
from city_policy.estimation.contract.spillover import Spillover
from city_policy.estimation.estimators.fixed_effects import refuse_explained
from city_policy.estimation.estimators.spatial_inference import cities_of, conley_factor, moves_of

ERRORS = ("CRV1", "conley")
CONLEY_KERNEL, CONLEY_CUTOFF = "bartlett", 200.0
SPILLOVER_COLUMNS = {
    **{name: RECORD_COLUMNS[name] for name in ("spec_id", "result", "outcome", "treatment", "sample")},
    "variant": "str",
    "term": "str",
    "distance_from_km": "float64",
    "distance_to_km": "float64",
    "vcov": "str",
    **{name: RECORD_COLUMNS[name] for name in ("estimate", "std_error", "t_stat", "p_value", "ci_low", "ci_high")},
    "n_city_years": "Int64",
    **{
        name: RECORD_COLUMNS[name]
        for name in (
            "n_obs", "n_cities", "n_treated_cities", "n_dropped_missing", "n_dropped_singletons", "dropped_terms", "r2",
            "r2_within", "status", "message",
        )
    },
}  # fmt: skip


def spillovers(
    panel: pd.DataFrame,
    treatment_timing: pd.DataFrame,
    specifications: pd.DataFrame,
    coordinates: pd.DataFrame,
    controls: Sequence[str],
    controls_not_covered: Sequence[str] = (),
) -> pd.DataFrame:
    """Effects with spillovers to nearby cities; see the top of the module.

    ``panel``, ``treatment_timing``, ``specifications``, ``controls``, ``controls_not_covered``: as in
    ``estimate_fixed_effects``, with a ``variant``; ``coordinates``: one row per ``adcode`` with ``longitude`` and
    ``latitude`` in degrees.

    Returns for every specification and kind of error the treatment's row and one per term beside it, in units of the
    outcome: distances in kilometres, and ``n_city_years`` where the term is not zero. A specification that cannot be
    run, or where a city of the sample or a treated one lacks coordinates, has a row per kind of error with ``status``
    and ``message``.

    Raises InputError for a panel, specifications or coordinates that are unusable as a whole.
    """
    return run(
        SPILLOVERS,
        Panel(panel, treatment_timing),
        specifications,
        controls,
        controls_not_covered,
        places=Places(coordinates),
    )[0]


def spillover_columns(
    panel: Panel, specification: Specification, controls: Sequence[str], options: Mapping[str, Any]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Name -> column (N,) of outcome, treatment and the terms of the variant, and of the controls.

    Raises InputError for an unknown variant or a treatment that is no policy, NotIdentifiedError for cities without
    coordinates.
    """
    chosen = Spillover.of(specification.variant)
    if specification.treatment not in panel.timing:
        raise InputError(
            f"Spillovers need the year of a start, and '{specification.treatment}' is no policy of the treatment "
            "timing."
        )
    columns = panel.variables(specification)
    others = panel.controls(specification, controls, columns)
    near = _Neighbours(panel, specification, options["places"])
    treated = columns[specification.treatment]
    if chosen.kind == "rings":
        nearest = near.nearest()
        for name, (low, high) in chosen.terms.items():
            inside = (nearest <= high) & ((nearest > low) | (low == 0))
            columns[name] = np.where(np.isnan(treated), np.nan, (inside & (treated == 0)).astype("float64"))
    elif chosen.kind == "without_neighbours":
        columns[specification.treatment] = np.where((near.nearest() <= chosen.km) & (treated == 0), np.nan, treated)
    else:
        (name,) = chosen.terms
        columns[name] = near.share(chosen.km, by_distance=chosen.kind == "neighbours_by_distance")
    return columns, others


class _Neighbours:
    """The distances from the cities of a panel to all others, and which of these are treated in every row's year."""

    def __init__(self, panel: Panel, specification: Specification, places: Places):
        starts = panel.timing[specification.treatment]
        in_sample = panel.adcodes[np.unique(panel.city[panel.sample(specification.sample)])].tolist()
        ever = starts.index[starts.notna()].astype("str").tolist()
        needed = sorted({*in_sample, *ever})
        places.require(needed, f"cities that the sample holds or {specification.treatment} treats")
        others = sorted({*panel.adcodes.tolist(), *starts.index.astype("str")})
        self.distances = places.distances(panel.adcodes.tolist(), others)
        self.distances[panel.adcodes[:, None] == np.array(others)[None]] = np.nan
        first = starts.reindex(others).to_numpy(dtype="float64")
        years, year = np.unique(panel.year, return_inverse=True)
        # (years, others); a lag delays the treatment of the neighbours too.
        self.on = (years - specification.lag)[:, None] >= np.nan_to_num(first, nan=np.inf)[None]
        self.city, self.year = panel.city, year

    def nearest(self) -> np.ndarray:
        """(N,) kilometres to the nearest treated city, infinite without any."""
        away = np.where(np.isnan(self.distances), np.inf, self.distances)
        table = np.column_stack([away[:, on].min(axis=1, initial=np.inf) for on in self.on])
        return table[self.city, self.year]

    def share(self, km: float, *, by_distance: bool) -> np.ndarray:
        """(N,) the share of treated cities among the others within ``km``; 0 where there is no other."""
        near = self.distances <= km
        weights = near / np.maximum(self.distances, 1.0) if by_distance else near.astype("float64")
        weights = np.where(near, weights, 0.0)
        total = weights.sum(axis=1)
        treated = weights @ self.on.T.astype("float64")
        shares = np.divide(treated, total[:, None], out=np.zeros_like(treated), where=total[:, None] > 0)
        return shares[self.city, self.year]


def spill(request: Request) -> Mapping[str, list[dict]]:
    """The rows of one request: the treatment and the terms of the variant, by kind of error."""
    one = request.specification
    chosen, outcome, treatment = Spillover.of(one.variant), one.outcome, one.treatment
    prepared = sweep(request)
    refuse_explained(prepared, treatment)
    if prepared.explained([treatment], given=[*prepared.controls, *chosen.terms]):
        raise NotIdentifiedError(
            f"The terms of the neighbours explain {treatment}: no untreated city is far enough from the treated ones."
        )
    lost = prepared.explained(list(chosen.terms), given=[treatment, *prepared.controls])
    kept = [name for name in chosen.terms if name not in lost]
    terms = [treatment, *kept, *prepared.controls]
    fit = least_squares(prepared, outcome, terms)
    cities, city, year, _ = cities_of(request, prepared)
    weights = kernel_weights(request.options["places"].distances(cities), CONLEY_KERNEL, CONLEY_CUTOFF)
    base = {"dropped_terms": prepared.dropped_terms} | goodness(prepared, outcome, fit.residuals)
    remarks = _remarks(request, chosen) + notes_on_fit(one, prepared.dropped_terms, fit.has("CRV1"))

    def conley(position):
        table = by_year(moves_of(fit, position), city, year)
        by_city = conley_variance(table, np.eye(len(cities)), "all_years")
        effective = fit.effective_clusters(position, city)
        estimate = {"estimate": fit.coefficients[position]}
        if effective < ONE_CLUSTER:
            return clustered_inference(fit, prepared.clustered_by(city), position, "adcode")
        try:
            variance = positive_variance(conley_variance(table, weights, "all_years"), by_city)
        except NotIdentifiedError as problem:
            return estimate | {"status": "not_identified", "notes": [str(problem)]}
        error = np.sqrt(conley_factor(prepared, len(terms)) * variance)
        return t_inference(fit.coefficients[position], error, len(cities) - 1)

    rows = []
    for vcov in ERRORS:
        for name in (treatment, *chosen.terms):
            low, high = chosen.terms.get(name, (None, None))
            row = base | {"vcov": vcov, "term": name, "distance_from_km": low, "distance_to_km": high}
            row["n_city_years"] = int((prepared.raw[name] != 0).sum())
            if name in lost:
                rows.append(row | {"status": "not_identified", "notes": [_why_lost(row)]})
                continue
            position = terms.index(name)
            found = conley(position) if vcov == "conley" else clustered_inference(fit, prepared, position, one.cluster)
            rows.append(row | found | {"notes": [*remarks, *found.get("notes", ())]})
    return {"estimates": rows}


def _why_lost(row):
    if row["n_city_years"] == 0:
        low, high = row["distance_from_km"], row["distance_to_km"]
        return f"No city-year has its treated neighbours {low} to {high} kilometres away."
    return f"{row['term']} is collinear with the other terms and the fixed effects."


def _remarks(request, chosen):
    """What a reader of the estimate must know of the rows."""
    if chosen.kind != "without_neighbours":
        return []
    treated = request.panel.regressor(request.specification.treatment, request.specification.lag)
    left_out = request.panel.sample(request.specification.sample) & np.isfinite(treated)
    left_out &= np.isnan(request.columns[request.specification.treatment])
    return [
        f"Untreated city-years within {chosen.km} kilometres of a city treated by {request.specification.treatment}, "
        f"left out and counted as missing: {int(left_out.sum())}."
    ]


SPILLOVERS = Estimator(
    {"estimates": Table(SPILLOVER_COLUMNS, ("vcov", ERRORS))}, spill, columns=spillover_columns, treated_cities=True
)
