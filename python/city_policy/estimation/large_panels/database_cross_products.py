"""CrossProducts that a database summed up: estimates, clustered errors and resampling on panels of any size.

The macro ``cluster_moments`` (``macros/portable/cluster_moments.sql``) computes, inside DuckDB, Spark or PostgreSQL,
the cross products by cluster of a panel with unit and period effects. Its result has clusters x k^2 rows, however many
rows the panel has, and :func:`read_moments` makes the engine's cross products of it
(:mod:`city_policy.estimation.computation.cross_products`).

With d_t the dummy of period t, x and z columns, n_i the rows of unit i and x~ the column x less the mean of the unit
over its rows, a cluster has, its units being summed over,

    x'z:    sum over rows of x~ z~
    d_t'x:  sum over rows of period t of x~
    d_s'd_t: sum over units seen in s and t of ([s = t] - 1 / n_i)

all of them sums of centred numbers, so that 100 million rows lose no more digits than a thousand, and exact for panels
with gaps. A cluster may be a unit or hold many (firms in cities); its weight in a draw is that of all its units.

Least squares on cross products squares the condition of the columns: a control that periods and other controls explain
to less than 1e-11 of its variation is taken for collinear, where the engine on rows can go to 1e-20.

Only unit and period effects, and one kind of cluster in which the units are nested. What needs the rows themselves is
refused: draws that choose periods of a unit (group membership that changes), and placebo policies, which need the
treatment that other start years would have given.
"""

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import pandas as pd

from city_policy.errors import InputError
from city_policy.estimation.computation.cross_products import PIVOT_SHARE, ClusterCrossProducts
from city_policy.estimation.computation.regression import COLLINEAR_SHARE

TABLE_COLUMNS = ("cluster", "part", "first_term", "second_term", "value")
PRODUCTS = ("periods", "period", "columns")


class DatabaseCrossProducts(ClusterCrossProducts):
    """The engine's cross products from a table that ``cluster_moments`` made; see :func:`read_moments`."""

    def __init__(self, cities, years, control_kept, target_varies, scale, tables, matrices):
        super().__init__(cities, years, control_kept, target_varies, scale, tables)
        self._matrices = matrices  # (cities, k, k)

    @cached_property
    def _packed(self):
        return np.ascontiguousarray(self._matrices[:, *self._triangle].T)

    def choose(self, cells):
        """Raises InputError: draws that choose periods of a unit need the rows."""
        raise InputError(
            "Draws that choose city-years need the rows of the panel; cross products of clusters do not have them."
        )


def read_moments(table: pd.DataFrame, targets: Sequence[str], controls: Sequence[str] = ()) -> DatabaseCrossProducts:
    """The engine's cross products of the ``targets`` (outcomes, treatments, mediators) given the ``controls``.

    ``table``: the result of the macro ``cluster_moments``, columns ``cluster``, ``part``, ``first_term``,
    ``second_term``, ``value``, rows in any order; what stands in it more than once (tables of several parts of a
    panel, one below the other) is added up. ``targets`` and ``controls`` are columns that it was made for; those
    that are neither are left out. In the result the targets are addressed by their position, as always.

    Raises InputError for a table that lacks a column, a part or a term, or holds a value that is not finite (the panel
    had a missing value), and for a name that is listed twice.
    """
    names = [*controls, *targets]
    for name in TABLE_COLUMNS:
        if name not in table.columns:
            raise InputError(
                f"The table of cross products has no column '{name}'; make it with the macro cluster_moments."
            )
    if len(set(names)) < len(names) or not targets:
        raise InputError("CrossProducts need at least one target, and every target and control once.")
    broken = table[~np.isfinite(table["value"].to_numpy(dtype=float))]
    if len(broken):
        raise InputError(
            f"The cross products of {broken['second_term'].iloc[0]} in cluster {broken['cluster'].iloc[0]} are not "
            "finite: the panel holds missing or infinite values; leave those rows out before."
        )
    city, cities = pd.factorize(table["cluster"].astype("str"), sort=True)
    part, first, second = (_Terms(table[name]) for name in TABLE_COLUMNS[1:4])
    value = table["value"].to_numpy(dtype=float)
    known = sorted(second.names_where(part.among(["between"])))
    for name in names:
        if name not in known:
            raise InputError(
                f"The table of cross products has no column '{name}'; it has {', '.join(known) or 'none'}."
            )
    years = np.array(sorted(second.names_where(part.among(["rows"])), key=int))
    q, size = len(years) - 1, len(years) - 1 + len(names)

    def by_cluster(chosen, *positions, shape):
        """(cities, *shape): the values of rows of these parts, added up by cluster and positions, -1 for nowhere."""
        where = np.flatnonzero(part.among(chosen) & np.all([one >= 0 for one in positions], axis=0))
        cell = np.ravel_multi_index([one[where] for one in (city, *positions)], (len(cities), *shape))
        return np.bincount(cell, value[where], len(cities) * math.prod(shape)).reshape(len(cities), *shape)

    # The dummy of the last period is left out: it falls to the sum of the others.
    terms = [*years[:-1], *names]
    i, j = first.positions(terms), second.positions(terms)
    # A pair of terms stands once in the table, either of them first.
    matrices = by_cluster(PRODUCTS, np.minimum(i, j), np.maximum(i, j), shape=(size, size))
    matrices += np.triu(matrices, 1).transpose(0, 2, 1)
    rows = by_cluster(["rows"], second.positions(years), shape=(len(years),))
    between = by_cluster(["between"], second.positions(names), shape=(len(names),))
    units = by_cluster(["units"], shape=())
    raw = np.sqrt(between.sum(axis=0) + np.einsum("cjj->j", matrices[:, q:, q:]))
    transform, control_kept, target_varies, scale = _scheme(matrices.sum(axis=0), q, len(controls), raw)
    matrices = transform.T @ matrices @ transform
    tables = np.column_stack([rows.sum(axis=1), units, units > 0, rows])
    return DatabaseCrossProducts(cities.to_numpy(), years, control_kept, target_varies, scale, tables, matrices)


class _Terms:
    """A column of names, which are looked up once for each name and not for each row."""

    def __init__(self, column):
        self._codes, self._names = pd.factorize(column)

    def names_where(self, rows):
        """The names of the ``rows`` (a mask), each once."""
        codes = np.unique(self._codes[rows])
        return [self._names[code] for code in codes if code >= 0]

    def positions(self, names):
        """(rows,): the position of every row's name among ``names``, -1 if it is none of them."""
        position = {name: j for j, name in enumerate(names)}
        return np.array([*(position.get(name, -1) for name in self._names), -1])[self._codes]

    def among(self, names):
        return self.positions(names) >= 0


def _scheme(total, q, c, raw):
    """The combinations (size, k) of the columns by which the engine works: periods as they are, controls orthonormal,
    targets less periods and controls and of length 1; which controls are kept, which targets vary, their lengths.

    ``total``: (size, size) cross products of ``q`` periods, ``c`` controls and the targets; ``raw``: lengths of
    controls and targets before anything was swept out.
    """
    size = len(total)
    values, vectors = np.linalg.eigh(total[:q, :q])
    solid = values > 1e-12 * values.max(initial=0.0)
    basis = np.zeros((size, int(solid.sum())))
    basis[:q] = vectors[:, solid] / np.sqrt(values[solid])
    columns, varies, lengths = [], [], []
    for j in range(size - q):
        rest = np.zeros(size)
        rest[q + j] = 1.0
        within = max(total[q + j, q + j], 0.0)
        for _ in range(2):
            rest = rest - basis @ (basis.T @ (total @ rest))
        square = rest @ total @ rest
        # Swept of its unit's mean, a column that never changes leaves rounding; and so does one that others explain.
        fine = np.sqrt(within) > COLLINEAR_SHARE * raw[j] and square > PIVOT_SHARE * within
        varies.append(fine)
        lengths.append(np.sqrt(square) if fine else 1.0)
        if fine and j < c:
            basis = np.column_stack([basis, rest / lengths[j]])
        if fine or j >= c:
            columns.append(rest / lengths[j] * fine)
    vary = np.array(varies, dtype=bool)
    transform = np.column_stack([np.eye(size)[:, :q], *columns])
    return transform, vary[:c], vary[c:], np.array(lengths[c:])
