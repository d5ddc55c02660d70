"""The compiled part of ``large_panels.sorted_rows``: rows that come unit by unit, summed by cluster.

Compiled by numba when it is first called and kept on disk from then on. Positions are unsigned whole numbers, because
numba otherwise checks every access for a position counted from the end, at half the speed.
"""

from numba import njit
from numba import uint64 as position

LANES = 4  # columns that are multiplied at a time; the arrays are filled up with columns of zeros
# What add_units stops at.
END, NEW_CLUSTER, NEW_PERIOD, TWO_CLUSTERS, TWO_ROWS = range(5)


@njit(nogil=True, cache=True)
def add_units(start, units, clusters, periods, columns, positions, origin, work, sums):
    """Add the rows of whole units from row ``start`` on to the sums of their clusters.

    ``units``, ``clusters``, ``periods`` (rows,): whole numbers, those of a unit in a row; ``columns``: tuple of the
    columns, (rows,) each; ``origin``: the cluster number and the period that come first; ``positions``: where in the
    sums a cluster is, -1 for nowhere; ``work`` (63, w): zeros to work with; ``sums``: see ``sorted_rows``. Returns what
    it stopped at, and the first row of the unit that was not added.
    """
    products, by_period, between, n_units, n_rows, patterns, repeats, pairs = sums
    width, rows, spanned = position(work.shape[1]), position(len(units)), n_rows.shape[1]
    start = position(start)
    while start < rows:
        unit, cluster = units[start], clusters[start] - origin[0]
        if not 0 <= cluster < len(positions) or not 0 <= positions[cluster] < len(n_units):
            return NEW_CLUSTER, start
        c = position(positions[cluster])
        end, seen = start, position(0)
        while end < rows and units[end] == unit:
            slot = periods[end] - origin[1]
            if not 0 <= slot < spanned:
                return NEW_PERIOD, start
            bit = position(1) << position(slot)
            if clusters[end] != clusters[start]:
                return TWO_CLUSTERS, start
            if seen & bit:
                return TWO_ROWS, start
            seen |= bit
            end += position(1)
        n = end - start
        if n < position(2):
            start = end
            continue
        # Most units of a cluster are seen in the same periods as the one before: count them, and add once.
        if seen != patterns[c]:
            add_pattern(patterns[c], repeats[c], n_rows[c], pairs[c])
            patterns[c] = seen
            repeats[c] = 0
        repeats[c] += 1
        n_units[c] += 1
        for column in range(len(columns)):
            values, lane = columns[column], position(column)
            mean = 0.0
            row = start
            while row < end:
                mean += values[row]
                row += position(1)
            mean /= n
            between[c, lane] += n * mean * mean
            row = position(0)
            while row < n:
                work[row, lane] = values[start + row] - mean
                row += position(1)
        row = position(0)
        while row < n:
            slot = position(periods[start + row] - origin[1])
            lane = position(0)
            while lane < width:
                by_period[c, slot, lane] += work[row, lane]
                lane += position(1)
            row += position(1)
        first = position(0)
        while first < width:
            second = first
            while second < width:
                add_tile(work, n, first, second, products[c])
                second += position(LANES)
            first += position(LANES)
        start = end
    return END, rows


@njit(nogil=True, cache=True)
def add_pattern(pattern, units, n_rows, pairs):
    """Add the rows by period and the cross products of the periods of ``units`` units seen in the same periods: for
    periods s and t of a unit with n rows, [s = t] - 1 / n."""
    n = 0
    for slot in range(len(n_rows)):
        n += (pattern >> position(slot)) & position(1)
    for slot in range(len(n_rows)):
        if (pattern >> position(slot)) & position(1):
            n_rows[slot] += units
            pairs[slot, slot] += units
            for other in range(len(n_rows)):
                if (pattern >> position(other)) & position(1):
                    pairs[slot, other] -= units / n


@njit(nogil=True, cache=True, inline="always")
def add_tile(rows, n, first, second, products):
    """Add the cross products of four columns with four others; sixteen sums that the processor keeps in registers."""
    i0, i1, i2, i3 = first, first + position(1), first + position(2), first + position(3)
    j0, j1, j2, j3 = second, second + position(1), second + position(2), second + position(3)
    s00 = s01 = s02 = s03 = s10 = s11 = s12 = s13 = 0.0
    s20 = s21 = s22 = s23 = s30 = s31 = s32 = s33 = 0.0
    row = position(0)
    while row < n:
        x0, x1, x2, x3 = rows[row, i0], rows[row, i1], rows[row, i2], rows[row, i3]
        y0, y1, y2, y3 = rows[row, j0], rows[row, j1], rows[row, j2], rows[row, j3]
        s00 += x0 * y0
        s01 += x0 * y1
        s02 += x0 * y2
        s03 += x0 * y3
        s10 += x1 * y0
        s11 += x1 * y1
        s12 += x1 * y2
        s13 += x1 * y3
        s20 += x2 * y0
        s21 += x2 * y1
        s22 += x2 * y2
        s23 += x2 * y3
        s30 += x3 * y0
        s31 += x3 * y1
        s32 += x3 * y2
        s33 += x3 * y3
        row += position(1)
    products[i0, j0] += s00
    products[i0, j1] += s01
    products[i0, j2] += s02
    products[i0, j3] += s03
    products[i1, j0] += s10
    products[i1, j1] += s11
    products[i1, j2] += s12
    products[i1, j3] += s13
    products[i2, j0] += s20
    products[i2, j1] += s21
    products[i2, j2] += s22
    products[i2, j3] += s23
    products[i3, j0] += s30
    products[i3, j1] += s31
    products[i3, j2] += s32
    products[i3, j3] += s33
