"""What the resampling tests share: simulated panels, and the dummy-variable regression that is the reference."""

from pathlib import Path

import duckdb
import jinja2
import numpy as np
import pandas as pd

PORTABLE_MACROS = Path(__file__).resolve().parents[2] / "macros" / "portable"


def simulate(seed=0, cities=45, years=8, unbalanced=False, effect=0.3):
    """Panel and treatment timing: cohorts of different size, trending noise, controls of very different size.

    ``pilot`` has the cohorts 2013 (a third of the cities) and 2015 (a fifth); ``second`` others. Groups:
    ``north``/``south`` never change, ``big``/``small`` change within cities, and the samples
    ``first_order``/``second_order`` share the cities that are not in ``dual``.
    """
    rng = np.random.default_rng(seed)
    city, year = np.repeat(np.arange(cities), years), np.tile(2011 + np.arange(years), cities)
    n = len(city)
    first = np.full(cities, np.nan)
    order = rng.permutation(cities)
    first[order[: cities // 3]] = 2013
    first[order[cities // 3 : cities // 3 + cities // 5]] = 2015
    second = np.where(rng.random(cities) < 0.4, 2014.0, np.nan)
    treated = year >= np.nan_to_num(first, nan=9999)[city]
    noise = rng.normal(size=cities)[city] * (year - 2014) * 0.1 + rng.normal(size=n)
    mediator = 0.5 * treated + rng.normal(size=cities)[city] + rng.normal(size=n)
    north = (rng.random(cities) < 0.5)[city]
    size = rng.normal(size=cities)[city] + 0.25 * (year - 2014) + 0.2 * rng.normal(size=n)
    dual = order[cities // 3 :]
    panel = pd.DataFrame(
        {
            "adcode": [f"{110000 + 100 * c}" for c in city],
            "year": year,
            "x1": 1e-6 * (rng.normal(size=cities)[city] + rng.normal(size=n)),
            "x2": 1e5 + 1e4 * rng.normal(size=n),
            "m": mediator,
            "y": effect * treated + 0.4 * mediator + rng.normal(size=cities)[city] + 0.05 * (year - 2011) + noise,
            "everyone": True,
            "north": north,
            "south": ~north,
            "big": size > 0,
            "small": size <= 0,
            "first_order": ~np.isin(city, dual[::2]),
            "second_order": ~np.isin(city, dual[1::2]),
        }
    )
    panel["y"] += 3e5 * panel["x1"] + 1e-5 * panel["x2"]
    keep = rng.random(n) > 0.2 if unbalanced else np.ones(n, dtype=bool)
    if unbalanced:
        # Two cities with one row, which their effect absorbs.
        keep &= (city > 1) | (year == 2013)
        keep[[2, years + 2]] = True
    adcodes = panel["adcode"].unique()
    timing = pd.DataFrame(
        {
            "adcode": np.tile(adcodes, 2),
            "policy_id": np.repeat(["pilot", "second"], cities),
            "first_treated_year": pd.array(np.r_[first, second], dtype="Int64"),
        }
    )
    # Rows in no order, as a table scan may give them.
    return panel[keep].sample(frac=1, random_state=seed).reset_index(drop=True), timing


def treatment(panel, timing, policy):
    first = timing[timing["policy_id"] == policy].set_index("adcode")["first_treated_year"]
    years = panel["adcode"].map(first).astype("float64").fillna(9999)
    return (panel["year"] >= years).to_numpy(dtype=float)


def firm_panel(seed=3, firms=600, cities=30, years=9, dropped=0.3, level=0.0):
    """Firms in cities, a policy by city, entry and exit and gaps; effects, controls and errors share city shocks."""
    rng = np.random.default_rng(seed)
    firm, year = np.repeat(np.arange(firms), years), np.tile(np.arange(2001, 2001 + years), firms)
    city = rng.integers(0, cities, firms)[firm]
    first = np.where(rng.random(cities) < 0.5, rng.integers(2004, 2008, cities), 9999)
    n = len(firm)
    shock = rng.normal(size=(cities, years))[city, year - 2001]
    panel = pd.DataFrame(
        {
            "firm": [f"f{number:05d}" for number in firm],
            "city": [f"c{number:02d}" for number in city],
            "year": year,
            "pilot": (year >= first[city]).astype(float),
            "size": level + rng.normal(size=firms)[firm] + 0.3 * rng.normal(size=n) + 0.1 * shock,
            "age": 1e-3 * (year - 1990 + rng.integers(0, 9, firms)[firm] + rng.normal(size=n)),
        }
    )
    panel["y"] = level + 0.2 * panel["pilot"] + 0.5 * (panel["size"] - level) + 50 * panel["age"] + shock
    panel["y"] += 2 * rng.normal(size=firms)[firm] + rng.normal(size=n)
    keep = rng.random(n) > dropped
    # A firm with one row, and a city whose firms have one row each.
    keep &= (firm > 0) | (year == 2004)
    keep &= (city > 0) | (year == 2003)
    return panel[keep].sample(frac=1, random_state=seed).reset_index(drop=True)


def cluster_moments(*arguments, engine="default"):
    """The query that the macro makes for an ``engine`` (``default`` is DuckDB), rendered by jinja alone: of dbt it uses
    the dispatch only."""
    macros = jinja2.Environment().from_string(
        "".join(path.read_text() for path in sorted(PORTABLE_MACROS.glob("*.sql")))
    )

    class Adapter:
        @staticmethod
        def dispatch(name):
            return getattr(module, f"{engine}__{name}", None) or getattr(module, f"default__{name}")

    macros.globals["adapter"] = Adapter
    module = macros.module
    return module.cluster_moments(*arguments)


def cross_product_table(panel, unit, cluster, regressors, outcome="y", period="year"):
    """The table that the macro makes of a pandas frame."""
    with duckdb.connect() as connection:
        connection.register("panel", panel)
        query = cluster_moments("panel", unit, cluster, period, outcome, regressors)
        return connection.execute(query).df()


def dummy_regression(y, terms, city, year, cluster=None):
    """Least squares with a dummy for every city and year: coefficients, iid and clustered errors of ``terms``.

    ``terms`` (n, k). Written without any of the library's ideas: one dense matrix, a QR with pivoting by rank.
    """
    city, year = (np.unique(groups, return_inverse=True)[1] for groups in (city, year))
    terms = np.asarray(terms, dtype=float).reshape(len(y), -1)
    size = np.abs(terms).max(axis=0)
    dummies = np.column_stack([np.eye(city.max() + 1)[city], np.eye(year.max() + 1)[year][:, 1:]])
    # Frisch, Waugh and Lovell on the dummies: an SVD, whose rank is exact, twice against rounding.
    left, values, _ = np.linalg.svd(dummies, full_matrices=False)
    left = left[:, values > 1e-9 * values[0]]
    x, z = terms / size, np.asarray(y, dtype=float)
    for _ in range(2):
        x, z = x - left @ (left.T @ x), z - left @ (left.T @ z)
    coefficients = np.linalg.lstsq(x, z, rcond=None)[0]
    residual = z - x @ coefficients
    bread = np.linalg.inv(x.T @ x)
    n, k = x.shape
    iid = np.sqrt(np.diag(bread) * (residual @ residual) / (n - k - left.shape[1])) / size
    cluster = city if cluster is None else np.unique(cluster, return_inverse=True)[1]
    # A city with one row explains itself: it is neither a row nor a cluster.
    counted = np.bincount(city)[city] > 1
    scores = np.zeros((cluster.max() + 1, k))
    np.add.at(scores, cluster, x * residual[:, None])
    g, n = len(np.unique(cluster[counted])), counted.sum()
    factor = g / (g - 1) * (n - 1) / (n - k - year.max() - 1)
    clustered = np.sqrt(np.diag(bread @ (scores.T @ scores) @ bread) * factor) / size
    return coefficients / size, iid, clustered


def repeat_cities(city, weights):
    """Row numbers and city codes of the panel in which city c occurs ``weights[c]`` times."""
    rows, codes, copies = [], [], 0
    for number, label in enumerate(np.unique(city)):
        for _ in range(weights[number]):
            own = np.flatnonzero(city == label)
            rows.append(own)
            codes.append(np.full(len(own), copies))
            copies += 1
    return np.concatenate(rows), np.concatenate(codes)
