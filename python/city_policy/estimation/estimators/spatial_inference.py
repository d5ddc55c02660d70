"""How sure is an effect when the errors of nearby cities hang together? Conley's standard errors at several distances,
and Moran's I of the residuals, which says whether they do.

The estimate is that of ``estimators.fixed_effects``; formulas, kernels and kinds of dependence are those of
``computation.space``. Every effect has its error by city (``within_city``: cutoff 0, with the factor of CRV1) and, for
nearby cities in the same year and in all years, two kernels and three cutoffs. t has one degree of freedom less than
cities, as beside CRV1; fixest takes n - K.

What is to be known of these errors: they are right in large samples, for a distance beyond which errors do not hang
together, which nobody knows. A small cutoff misses something, a large one leaves few cities that are far apart, and the
error comes out too small.

**Moran's I** of the residuals e_it of a regression, by year and over all years (no year), with the weights
``within_200_km`` and ``nearest_5``. The p value moves whole cities, with all their years, to one another's places; that
of the normal distribution beside it takes city-years as independent, which they are not over all years.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import norm

from city_policy.errors import InputError
from city_policy.estimation.computation.cross_products import generator
from city_policy.estimation.computation.regression import (
    ONE_CLUSTER,
    Fit,
    Prepared,
    cluster_factor,
    on_few_clusters,
    t_inference,
)
from city_policy.estimation.computation.space import (
    DEPENDENCE,
    KERNELS,
    Places,
    by_year,
    conley_variance,
    kernel_weights,
    moran,
    neighbour_weights,
    positive_variance,
)
from city_policy.estimation.contract.panel import Panel
from city_policy.estimation.contract.record import NotIdentifiedError
from city_policy.estimation.contract.request import Request
from city_policy.estimation.contract.runner import Estimator, Table, run
from city_policy.estimation.contract.specification import OPTIONAL_CELLS
from city_policy.estimation.estimators.fixed_effects import effect_columns, fit_effect

CUTOFFS = (100.0, 200.0, 400.0)
WITHIN_CITY = "within_city"
# Errors within a year only leave out that a city resembles itself: no effect should be read with them.
SHOWN_DEPENDENCE = tuple(kind for kind in DEPENDENCE if kind != "year")
# Kilometres within which cities are neighbours, or how many of the nearest ones are.
NEIGHBOURS: Mapping[str, tuple[float | None, int | None]] = {"within_200_km": (200.0, None), "nearest_5": (None, 5)}
SPATIAL_COLUMNS = {
    "spec_id": "str",
    "result": "str",
    "outcome": "str",
    "treatment": "str",
    "sample": "str",
    "dependence": "str",
    "kernel": "str",
    "cutoff_km": "float64",
    "mean_neighbours": "float64",
    "estimate": "float64",
    "std_error": "float64",
    "t_stat": "float64",
    "p_value": "float64",
    "ci_low": "float64",
    "ci_high": "float64",
    "n_obs": "Int64",
    "n_cities": "Int64",
    "status": "str",
    "message": "str",
}
MORAN_COLUMNS = {
    "spec_id": "str",
    "result": "str",
    "outcome": "str",
    "treatment": "str",
    "sample": "str",
    "weights": "str",
    "year": "Int64",
    "moran_i": "float64",
    "expected": "float64",
    "std_dev": "float64",
    "z": "float64",
    "normal_p": "float64",
    "permutation_p": "float64",
    "draws": "Int64",
    "seed": "Int64",
    "mean_neighbours": "float64",
    "n_obs": "Int64",
    "n_cities": "Int64",
    "status": "str",
    "message": "str",
}
ABSENT = {**OPTIONAL_CELLS, "result": "spatial_inference", "estimator": "fixed_effects"}


def spatial_inference(
    panel: pd.DataFrame,
    treatment_timing: pd.DataFrame,
    specifications: pd.DataFrame,
    coordinates: pd.DataFrame,
    controls: Sequence[str],
    controls_not_covered: Sequence[str] = (),
) -> pd.DataFrame:
    """The treatment's coefficient of every specification with Conley's errors; see the top of the module.

    ``panel``, ``treatment_timing``, ``specifications``, ``controls``, ``controls_not_covered``: as in
    ``estimate_fixed_effects``; ``coordinates``: one row per ``adcode`` with ``longitude`` and ``latitude`` in degrees.

    Returns one row per specification, kind of dependence, kernel and cutoff (kilometres), in units of the outcome;
    ``mean_neighbours``: other cities within the cutoff, on average. A specification that cannot be run, or whose cities
    lack coordinates, is one row with ``status`` and ``message``.

    Raises InputError for a panel, specifications or coordinates that are unusable as a whole.
    """
    return run(
        SPATIAL_INFERENCE,
        Panel(panel, treatment_timing),
        specifications,
        controls,
        controls_not_covered,
        places=Places(coordinates),
    )[0]


def residual_autocorrelation(
    panel: pd.DataFrame,
    treatment_timing: pd.DataFrame,
    specifications: pd.DataFrame,
    coordinates: pd.DataFrame,
    controls: Sequence[str],
    controls_not_covered: Sequence[str] = (),
    draws: int = 1000,
    seed: int = 20250101,
) -> pd.DataFrame:
    """Moran's I of the residuals of every specification; arguments as in :func:`spatial_inference`.

    ``draws``: permutations of the cities; ``seed``: not negative. The permutations depend on the seed and the number
    of cities only. Returns one row per specification, kind of weights and year, and one without year for all years.

    Raises InputError as :func:`spatial_inference`, or for draws below 1.
    """
    if draws < 1:
        raise InputError(f"Moran's I was asked for {draws} draws; expected at least 1.")
    return run(
        RESIDUAL_AUTOCORRELATION,
        Panel(panel, treatment_timing),
        specifications,
        controls,
        controls_not_covered,
        places=Places(coordinates),
        draws=draws,
        seed=seed,
    )[0]


def cities_of(request: Request, prepared: Prepared) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
    """The cities of the rows used, the code of the city and of the year of every row (n,), and the years.

    Raises NotIdentifiedError for a city without coordinates.
    """
    codes, city = np.unique(request.panel.city[prepared.rows], return_inverse=True)
    years, year = np.unique(request.panel.year[prepared.rows], return_inverse=True)
    cities = request.panel.adcodes[codes].tolist()
    request.options["places"].require(cities, "cities in the rows used")
    return cities, city, year, years


def conley_factor(prepared: Prepared, n_terms: int) -> float:
    """(n - 1) / (n - K), the factor of fixest's ``conley``. Raises NotIdentifiedError for a single city."""
    clusters = prepared.absorbed.city
    factor = cluster_factor(prepared.clustered_by(clusters), n_terms)
    if factor is None:
        raise NotIdentifiedError("The rows used hold one city, so there is no clustered error.")
    g = int(clusters.max()) + 1
    return factor * (g - 1) / g


def moves_of(fit: Fit, position: int) -> np.ndarray:
    """(n,) by how much every row moves a coefficient."""
    return fit.basis @ fit.root[position] * fit.residuals


def infer(request: Request) -> Mapping[str, list[dict]]:
    """One request under every kernel, cutoff and kind of dependence."""
    prepared, terms, fit = fit_effect(request)
    cities, city, year, _ = cities_of(request, prepared)
    factor, g = conley_factor(prepared, len(terms)), len(cities)
    table = by_year(moves_of(fit, 0), city, year)
    clustered = conley_variance(table, np.eye(g), "all_years")
    estimate = fit.coefficients[0]
    if not clustered > 0:
        raise NotIdentifiedError("The regression leaves no residual, so that its clustered error is zero.")
    effective = fit.effective_clusters(0, city)
    few = on_few_clusters(effective, "adcode")
    if effective < ONE_CLUSTER:
        raise NotIdentifiedError(few[0])
    error = np.sqrt(factor * g / (g - 1) * clustered)
    rows = [{"dependence": WITHIN_CITY, "cutoff_km": 0.0, "mean_neighbours": 0.0}]
    rows[0] |= t_inference(estimate, error, g - 1) | {"notes": few}
    distances, kernels = _kernels(request)
    used = np.unique(request.panel.city[prepared.rows])
    near = distances[np.ix_(used, used)]
    # The kernels are those of all cities of the panel; those that are not used move nothing.
    everywhere = np.zeros((len(distances), table.shape[1]))
    everywhere[used] = table
    for kernel in KERNELS:
        for cutoff in CUTOFFS:
            weights = kernels[kernel, cutoff]
            neighbours = float((near <= cutoff).sum() / g - 1)
            for dependence in SHOWN_DEPENDENCE:
                row = {"dependence": dependence, "kernel": kernel, "cutoff_km": cutoff, "mean_neighbours": neighbours}
                try:
                    variance = positive_variance(conley_variance(everywhere, weights, dependence), clustered)
                except NotIdentifiedError as problem:
                    row |= {"estimate": estimate, "status": "not_identified", "notes": [str(problem)]}
                else:
                    row |= t_inference(estimate, np.sqrt(factor * variance), g - 1) | {"notes": few}
                rows.append(row)
    return {"inference": rows}


def _kernels(request):
    """The distances between all cities of the panel, and their weights by kernel and cutoff, for all requests."""
    if "kernels" not in request.memo:
        distances = request.options["places"].distances(request.panel.adcodes.tolist())
        weights = {
            (kernel, cutoff): kernel_weights(distances, kernel, cutoff) for kernel in KERNELS for cutoff in CUTOFFS
        }
        request.memo["kernels"] = distances, weights
    return request.memo["kernels"]


def autocorrelate(request: Request) -> Mapping[str, list[dict]]:
    """Moran's I of the residuals of one request."""
    prepared, _, fit = fit_effect(request)
    cities, city, year, years = cities_of(request, prepared)
    residuals = by_year(fit.residuals, city, year)
    present = by_year(np.ones(len(city)), city, year) > 0
    size = np.linalg.norm(prepared.raw[request.specification.outcome])
    if not np.linalg.norm(residuals) > 1e-12 * size:
        raise NotIdentifiedError("The regression leaves no residual.")
    draws, seed = request.options["draws"], request.options["seed"]
    # Residuals of any unit: their squares neither overflow nor vanish.
    residuals = residuals / np.abs(residuals).max()
    order = generator(seed, "Moran", len(cities)).random((draws, len(cities)))
    permutations = np.argsort(order, axis=1, kind="stable")
    distances = request.options["places"].distances(cities)
    shown = [*years.tolist(), None]
    n_obs = [*present.sum(axis=0).tolist(), int(present.sum())]
    rows = []
    for name, (within, nearest) in NEIGHBOURS.items():
        weights = neighbour_weights(distances, within, nearest)
        found = moran(residuals, present, weights, permutations)
        near = float(weights.count_nonzero() / len(cities))
        z = (found.statistic - found.expected) / found.std_dev
        for place, one in enumerate(shown):
            row = {"weights": name, "year": one, "n_obs": n_obs[place], "mean_neighbours": near}
            row["n_cities"] = len(cities) if one is None else n_obs[place]
            if np.isfinite(found.statistic[place]):
                row |= {"moran_i": found.statistic[place], "expected": found.expected[place]}
                row |= {"std_dev": found.std_dev[place], "z": z[place], "normal_p": 2 * norm.sf(abs(z[place]))}
                row |= {"permutation_p": found.p_value[place], "draws": int(found.draws[place]), "seed": seed}
            else:
                row |= {"status": "not_identified", "notes": ["No city has a neighbour, or the residuals are zero."]}
            rows.append(row)
    return {"autocorrelation": rows}


SPATIAL_INFERENCE = Estimator({"inference": Table(SPATIAL_COLUMNS)}, infer, columns=effect_columns, absent=ABSENT)
RESIDUAL_AUTOCORRELATION = Estimator(
    {"autocorrelation": Table(MORAN_COLUMNS)}, autocorrelate, columns=effect_columns, absent=ABSENT
)
