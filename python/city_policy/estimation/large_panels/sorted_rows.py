"""Cross products by cluster from rows that come sorted by unit: one compiled pass over a panel of any size.

The table is the one that the macro ``cluster_moments`` (``macros/portable/cluster_moments.sql``) makes inside DuckDB
from rows in any order; ``large_panels.database_cross_products.read_moments`` reads either. DuckDB needs a second scan
and a join to sweep out unit effects, and multiplying columns costs it more than scanning them. Where a file has the
rows of a unit side by side, all of it is one pass over record batches as they stream by, several times faster and in
memory for clusters x k^2 numbers and a few batches.

The sums are those of ``database_cross_products``, of every value less the mean of its unit over the rows it has, added
unit by unit in the order of the rows: the size of the batches does not change a bit of them. Needs the package numba
(the extra ``large``).
"""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from city_policy.errors import InputError
from city_policy.estimation.large_panels.database_cross_products import TABLE_COLUMNS

MOST_PERIODS = 63  # as in the macro: the periods of a unit are bits of a number
WIDEST_NUMBERS = 10_000_000  # numbers of clusters are positions of a table


def sum_sorted_rows(*readers: pa.RecordBatchReader) -> pd.DataFrame:
    """The table that the macro ``cluster_moments`` makes, for ``read_moments``.

    ``readers``: what ``to_arrow_reader`` of a DuckDB query gives, or any readers of Arrow record batches; each has a
    thread of its own, and batches of 32,768 rows are quickest. The first column is the unit, the second its cluster,
    the third the period (whole numbers), the others are the outcome, treatments and controls (numbers), under whose
    names the result has them. The rows of all readers, one after the other, are in ascending order of the unit, a unit
    in one reader only; the periods of a unit in any order. Units with one row are left out, since their effect absorbs
    them.

    Raises InputError for rows that are not sorted; a unit that changes its cluster or has two rows in one period; a
    missing unit, cluster or period; periods that span more than 63; clusters whose numbers are ten million apart;
    columns that are not numbers or differ between readers; and if numba is absent.
    """
    schemas = [reader.schema for reader in readers]
    if not schemas or any(not schema.equals(schemas[0]) for schema in schemas):
        raise InputError("The readers have different columns; expected at least one, all with the same columns.")
    sums = [_Sums(schema) for schema in schemas]
    with ThreadPoolExecutor(len(readers)) as pool:
        tables = list(pool.map(_Sums.table_of, sums, readers))
    for before, after in pairwise(sums):
        after.check_order(before)
    return pd.concat(tables, ignore_index=True)


class _Sums:
    """Sums by cluster that grow with the clusters and periods that are met.

    ``self._sums``, by cluster: cross products of columns (w, w), filled in tiles from the diagonal to the right; sums
    by period (T, w); rows times squared means of units (w,); units; rows by period (T,); the periods, as bits, in which
    the last unit was seen, and how many of such units are still to be added to the rows by period and to the last of
    all, the cross products of the periods (T, T). The w columns are those of the panel, filled up with zeros to a
    multiple of ``LANES``.
    """

    def __init__(self, schema):
        try:
            from city_policy.estimation.large_panels import sorted_rows_kernel
        except ImportError as error:
            raise InputError(
                "Summing sorted rows needs the package numba: install what requirements-large.lock names, or use the "
                "macro cluster_moments, which needs nothing beyond DuckDB."
            ) from error
        self._kernel, self._names = sorted_rows_kernel, schema.names[3:]
        if not self._names or len(set(schema.names)) < len(schema.names):
            raise InputError(
                f"The rows have the columns {', '.join(schema.names)}; expected unit, cluster, period and at least one "
                "column of numbers, each name once."
            )
        if not pa.types.is_integer(schema.types[2]):
            raise InputError(f"The periods are of type {schema.types[2]}; expected whole numbers.")
        lanes = sorted_rows_kernel.LANES
        self._width = (len(self._names) + lanes - 1) // lanes * lanes
        self._work = np.zeros((MOST_PERIODS, self._width))
        self._clusters = _Clusters(_decoded(pa.array([], schema.types[1])))
        self._sums, self._first_period = self._zeros(0, 0), 0
        # The rows of the last unit, with which the next batch may go on, and the labels of the first and last unit.
        self._pending, self._first_unit, self._last_unit = None, None, None

    def _zeros(self, clusters, periods):
        w = self._width
        shapes = ((w, w), (periods, w), (w,), (), (periods,), (), (), (periods, periods))
        types = (float, float, float, float, float, np.uint64, float, float)
        return tuple(np.zeros((clusters, *shape), dtype) for shape, dtype in zip(shapes, types, strict=True))

    def table_of(self, reader: pa.RecordBatchReader) -> pd.DataFrame:
        """The table of all rows of ``reader``."""
        for batch in reader:
            if batch.num_rows:
                self._add(batch)
        if self._pending is not None:
            self._add_units(self._pending, lambda row: self._last_unit)
        return self._table()

    def check_order(self, before: "_Sums") -> None:
        """Raises InputError unless all units of ``before`` sort before those added here."""
        if before._last_unit is None or self._first_unit is None:
            return
        if not pc.less(before._last_unit, self._first_unit).as_py():
            raise _unsorted(before._last_unit, self._first_unit)

    def _add(self, batch):
        """Add the rows of one batch but for those of its last unit."""
        for name, column in zip(batch.schema.names[:3], batch.columns[:3], strict=True):
            if column.null_count:
                raise InputError(f"A row has no {name}; expected complete rows only.")
        unit, cluster, period, *columns = batch.columns
        unit, cluster = _decoded(unit), _decoded(cluster)
        units = self._unit_numbers(unit)
        arrays = [units, self._clusters.numbers(cluster), period.to_numpy().astype(np.int64, copy=False)]
        arrays += [_doubles(column, name) for column, name in zip(columns, self._names, strict=True)]
        start = 0
        if self._pending is not None:
            if unit[0] == self._last_unit:
                start = int(np.searchsorted(units, units[0], side="right"))
            self._pending = [np.concatenate([old, new[:start]]) for old, new in zip(self._pending, arrays, strict=True)]
            # Units that are not whole numbers are counted from 0 in every batch.
            self._pending[0][:] = self._pending[0][0]
            # No unit has more rows than there may be periods: one that has is refused, not gathered on and on.
            if start == len(units) and len(self._pending[0]) <= MOST_PERIODS:
                return
            self._add_units(self._pending, lambda row: self._last_unit)
        last = int(np.searchsorted(units, units[-1]))
        self._add_units([array[start:last] for array in arrays], lambda row: unit[start + row])
        self._pending, self._last_unit = [array[last:].copy() for array in arrays], unit[last]
        self._first_unit = unit[0] if self._first_unit is None else self._first_unit

    def _add_units(self, arrays, label):
        """Add rows of whole units: units, clusters, periods, columns; ``label``: of a row's unit, for a sentence."""
        for array in arrays:
            array.flags.writeable = False  # numba compiles a function anew for another mixture of arrays
        units, clusters, periods, *columns = arrays
        kernel, row, found = self._kernel, 0, None
        while found != kernel.END:
            origin = (self._clusters.least, self._first_period)
            found, row = kernel.add_units(
                row, units, clusters, periods, tuple(columns), self._clusters.positions, origin, self._work, self._sums
            )
            if found == kernel.TWO_CLUSTERS:
                raise InputError(
                    f"Unit {label(row)} is in more than one cluster; expected one, so that errors can be clustered."
                )
            if found == kernel.TWO_ROWS:
                raise InputError(f"Unit {label(row)} has two rows in one period; expected one.")
            if found == kernel.NEW_CLUSTER:
                self._clusters.meet(clusters)
            if found != kernel.END:
                self._reserve(int(periods.min()), int(periods.max()))

    def _unit_numbers(self, unit):
        """(rows,): whole numbers that are equal for equal units and grow with the units of the batch."""
        if _is_number(unit.type):
            numbers = unit.to_numpy().astype(np.int64, copy=False)
            falls = np.flatnonzero(numbers[1:] < numbers[:-1])
        else:
            values, ends = _runs(unit)
            numbers = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
            falls = ends[np.flatnonzero(pc.less(values[1:], values[:-1]))] - 1
        if len(falls):
            raise _unsorted(unit[falls[0]], unit[falls[0] + 1])
        if self._last_unit is not None and pc.less(unit[0], self._last_unit).as_py():
            raise _unsorted(self._last_unit, unit[0])
        return numbers

    def _reserve(self, first, last):
        """Make room for the clusters met so far and for the periods ``first`` to ``last``."""
        room, spanned = self._sums[4].shape
        start, end = self._first_period, self._first_period + spanned
        start, end = (first, last + 1) if spanned == 0 else (min(start, first), max(end, last + 1))
        clusters = len(self._clusters.labels)
        if clusters <= room and end - start == spanned:
            return
        if end - start > MOST_PERIODS:
            raise InputError(f"The periods {start} to {end - 1} span more than {MOST_PERIODS}; expected fewer.")
        before = self._first_period - start if spanned else 0
        here = slice(before, before + spanned)
        places = ((), (here,), (), (), (here,), (), (), (here, here))
        grown = self._zeros(room if clusters <= room else 2 * clusters, end - start)
        for old, new, place in zip(self._sums, grown, places, strict=True):
            new[(slice(room), *place)] = old
        grown[5][:] <<= np.uint64(before)
        self._sums, self._first_period = grown, start

    def _table(self):
        labels = np.array([str(label) for label in self._clusters.labels], dtype=object)
        if len(labels) == 0:
            return pd.DataFrame({name: pd.Series(dtype=float if name == "value" else str) for name in TABLE_COLUMNS})
        # There is room for more clusters than were met.
        products, by_period, between, n_units, n_rows, patterns, repeats, pairs = (
            one[: len(labels)] for one in self._sums
        )
        for cluster in np.flatnonzero(repeats):
            self._kernel.add_pattern(patterns[cluster], repeats[cluster], n_rows[cluster], pairs[cluster])
        names, periods = self._names, [str(self._first_period + slot) for slot in range(n_rows.shape[1])]
        k, seen, met = len(names), n_rows > 0, n_units > 0
        (a, b), (i, j) = np.triu_indices(len(periods)), np.triu_indices(k)
        pieces = []
        for part, first, second, values, known in (
            ("units", [None], [None], n_units[:, None], True),
            ("rows", [None], periods, n_rows, seen),
            ("between", [None], names, between[:, :k], True),
            ("periods", np.take(periods, a), np.take(periods, b), pairs[:, a, b], pairs[:, a, b] != 0),
            ("period", np.repeat(periods, k), names * len(periods), by_period[:, :, :k], seen[:, :, None]),
            ("columns", np.take(names, i), np.take(names, j), products[:, i, j], True),
        ):
            values, known = (array.reshape(len(labels), -1) for array in (values, np.broadcast_to(known, values.shape)))
            # A cluster whose units have one row each is none.
            known = known & met[:, None]
            met_cluster, term = np.nonzero(known)
            terms = (np.resize(np.array(side, dtype=object), known.shape[1])[term] for side in (first, second))
            parts = np.full(len(term), part, dtype=object)
            pieces.append((labels[met_cluster], parts, *terms, values[known]))
        columns = (np.concatenate(column) for column in zip(*pieces, strict=True))
        return pd.DataFrame(dict(zip(TABLE_COLUMNS, columns, strict=True)))


class _Clusters:
    """The clusters met so far: ``labels``, and ``positions`` (n,) among these by number less ``least``, -1 if not met.

    Whole numbers are their own numbers; other labels are numbered in the order in which they come.
    """

    def __init__(self, none):
        self.labels = none
        self.least, self.positions = 0, np.empty(0, dtype=np.int64)

    def numbers(self, cluster):
        """(rows,): the number of every row's cluster."""
        if _is_number(cluster.type):
            return cluster.to_numpy().astype(np.int64, copy=False)
        values, ends = _runs(cluster)
        numbers = pc.index_in(values, self.labels)
        if numbers.null_count:
            self.labels = pa.concat_arrays([self.labels, values.filter(pc.is_null(numbers)).unique()])
            self.positions = np.arange(len(self.labels))
            numbers = pc.index_in(values, self.labels)
        return np.repeat(numbers.to_numpy().astype(np.int64), np.diff(ends, prepend=0))

    def meet(self, numbers):
        """Give positions to those of the ``numbers`` that have none yet."""
        numbers = np.unique(numbers)
        least, most = int(numbers[0]), int(numbers[-1])
        if len(self.positions):
            least, most = min(least, self.least), max(most, self.least + len(self.positions) - 1)
        if most - least > WIDEST_NUMBERS:
            raise InputError(
                f"The clusters are numbered from {least} to {most}; numbers may be at most {WIDEST_NUMBERS:,} apart: "
                "give them as text."
            )
        positions = np.full(most - least + 1, -1)
        positions[self.least - least :][: len(self.positions)] = self.positions
        new = numbers[positions[numbers - least] < 0]
        positions[new - least] = len(self.labels) + np.arange(len(new))
        if len(new):
            self.labels = pa.concat_arrays([self.labels, pa.array(new, self.labels.type)])
        self.least, self.positions = least, positions


def _decoded(column):
    """A column without the codes of a dictionary, such as those of DuckDB's enumerations."""
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _is_number(column_type):
    """Whether values are whole numbers that a signed number of 64 bits holds."""
    return pa.types.is_integer(column_type) and not pa.types.is_uint64(column_type)


def _runs(column):
    """The value of every run of equal values, and the positions behind the runs."""
    runs = pc.run_end_encode(column, run_end_type=pa.int64())
    return runs.values, runs.run_ends.to_numpy()


def _unsorted(above, below):
    return InputError(
        f"The rows of unit {below} come after those of unit {above}; expected ascending units: add 'order by' and the "
        "unit to the query, or use the macro cluster_moments, which takes rows in any order."
    )


def _doubles(column, name):
    """A column as doubles, missing values as not a number."""
    try:
        column = column if column.type == pa.float64() else column.cast(pa.float64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InputError(f"The column {name} is of type {column.type}; expected numbers.") from error
    return column.to_numpy(zero_copy_only=False)
