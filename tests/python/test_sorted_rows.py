"""Cross products of rows that come sorted by unit, against the table that the macro makes and against dummy regressions."""

import sys
from itertools import pairwise

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from city_policy.errors import InputError
from city_policy.estimation.large_panels.database_cross_products import read_moments
from city_policy.estimation.large_panels.sorted_rows import sum_sorted_rows
from hypothesis import given, settings
from hypothesis import strategies as st
from resampling_reference import cross_product_table, dummy_regression, firm_panel

pytest.importorskip("numba", reason="numba is not installed (extra large)")

TERMS = ["cluster", "part", "first_term", "second_term"]


def readers(panel, batch=1000, cuts=(), types=None):
    """Readers of a frame whose first three columns are unit, cluster and period, cut before the rows ``cuts``."""
    table = pa.Table.from_pandas(panel.sort_values(panel.columns[0], kind="stable"), preserve_index=False)
    table = pa.table({name: table[name].cast((types or {}).get(name, table[name].type)) for name in table.column_names})
    ends = [0, *cuts, len(panel)]
    pieces = [table.slice(a, b - a) for a, b in pairwise(ends)]
    return [
        pa.RecordBatchReader.from_batches(table.schema, piece.combine_chunks().to_batches(max_chunksize=batch))
        for piece in pieces
    ]


def added(table):
    return table.groupby(TERMS, dropna=False)["value"].sum()


def same(table, reference):
    """Whether two tables say the same of the same terms, but for rounding."""
    ours, theirs = added(table), added(reference)
    assert ours.index.equals(theirs.index)
    # Swept sums are small where what was swept out is large: rounding is that of the squares of both columns.
    size = np.abs(theirs).groupby("part").transform("max")
    np.testing.assert_array_less(np.abs(ours - theirs), 1e-11 * size + 1e-12)


def firms(numbers=False, **options):
    """The firm panel with unit, cluster and period first, with text or whole numbers for labels."""
    panel = firm_panel(**options)[["firm", "city", "year", "y", "pilot", "size", "age"]]
    if numbers:
        panel["firm"] = panel["firm"].str[1:].astype(int) * 7 - 1000
        panel["city"] = panel["city"].str[1:].astype(int) * 100 + 110000
    return panel


@pytest.mark.parametrize("numbers", [False, True])
def test_the_table_is_that_of_the_macro(numbers):
    panel = firms(numbers)
    reference = cross_product_table(panel, "firm", "city", ["pilot", "size", "age"])
    same(sum_sorted_rows(*readers(panel)), reference)
    # Two parts of the panel, each in a thread of its own, added up.
    cut = int((panel["firm"].sort_values() == panel["firm"].sort_values().iloc[1500]).to_numpy().argmax())
    same(sum_sorted_rows(*readers(panel, cuts=[cut])), reference)


def test_batches_change_no_bit():
    panel = firms()
    expected = added(sum_sorted_rows(*readers(panel, batch=100_000)))
    for batch in (1, 2, 7, 500):
        assert added(sum_sorted_rows(*readers(panel, batch=batch))).equals(expected)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_panel_gives_what_the_macro_gives(data):
    cells = st.tuples(st.integers(0, 9), st.integers(-3, 12))
    rows = data.draw(st.lists(cells, min_size=1, max_size=60, unique=True))
    clusters = data.draw(st.lists(st.integers(-2, 3), min_size=10, max_size=10))
    value = st.floats(-1e3, 1e3).map(lambda number: round(number, 3))
    panel = pd.DataFrame(rows, columns=["unit", "period"]).assign(
        cluster=lambda frame: frame["unit"].map(lambda unit: clusters[unit]),
        y=data.draw(st.lists(value, min_size=len(rows), max_size=len(rows))),
        x=data.draw(st.lists(value, min_size=len(rows), max_size=len(rows))),
    )[["unit", "cluster", "period", "y", "x"]]
    sizes = np.cumsum(panel.groupby("unit").size().to_numpy())[:-1]
    cuts = sorted(data.draw(st.sets(st.sampled_from(sizes.tolist()), max_size=2))) if len(sizes) else []
    batch = data.draw(st.integers(1, 20))
    if data.draw(st.booleans()):
        panel = panel.astype({"unit": "str", "cluster": "str"})
    table = sum_sorted_rows(*readers(panel, batch, cuts))
    same(table, cross_product_table(panel, "unit", "cluster", ["x"], period="period"))


def test_the_estimate_is_that_of_the_dummy_regression():
    panel = firms(seed=5)
    fit = read_moments(sum_sorted_rows(*readers(panel)), ["pilot", "y"], ["size", "age"]).weigh()
    fit = fit.regress(1, [0], clustered=True)
    used = panel[panel.groupby("firm")["year"].transform("size") > 1]
    reference = dummy_regression(
        used["y"].to_numpy(),
        used[["pilot", "size", "age"]].to_numpy(),
        used["firm"].to_numpy(),
        used["year"].to_numpy(),
        used["city"].to_numpy(),
    )
    for ours, theirs in zip(fit[:3], reference, strict=True):
        np.testing.assert_allclose(ours[0, 0], theirs[0], rtol=1e-9)


def test_values_far_from_zero_lose_no_digits():
    near, far = (
        read_moments(sum_sorted_rows(*readers(firms(level=level))), ["pilot", "y"], ["size"]).weigh()
        for level in (0.0, 1e6)
    )
    for ours, theirs in zip(near.regress(1, [0], True)[:3], far.regress(1, [0], True)[:3], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-8)


@pytest.mark.parametrize("columns", [1, 4, 5, 9])
def test_any_number_of_columns(columns):
    panel = firms(firms=80)
    names = [f"x{number}" for number in range(columns - 1)]
    rng = np.random.default_rng(1)
    panel = panel[["firm", "city", "year", "y"]].assign(**{name: rng.normal(size=len(panel)) for name in names})
    same(sum_sorted_rows(*readers(panel)), cross_product_table(panel, "firm", "city", names))


def test_columns_and_labels_of_every_type():
    panel = firms(numbers=True)
    panel["pilot"] = panel["pilot"].astype(bool)
    panel["size"] = (panel["size"] * 100).round().astype(int)
    reference = cross_product_table(panel, "firm", "city", ["pilot", "size", "age"])
    types = {"year": pa.int16(), "size": pa.int32(), "age": pa.float32(), "firm": pa.int32(), "city": pa.int32()}
    single = panel.assign(age=panel["age"].astype("float32"))
    same(
        sum_sorted_rows(*readers(panel, types=types)),
        cross_product_table(single, "firm", "city", ["pilot", "size", "age"]),
    )
    # A hash is a number without a sign; an enumeration comes as a dictionary; decimals are no doubles.
    with duckdb.connect() as connection:
        connection.register("panel", panel)
        connection.execute("create type city as enum (select distinct city::varchar from panel)")
        rows = connection.execute(
            "select hash(firm) as firm, city::varchar::city as city, year, y, pilot, size::decimal(9, 2) as size, age "
            "from panel order by 1"
        ).to_arrow_reader(500)
        same(sum_sorted_rows(rows), reference)


def test_periods_and_clusters_may_come_late():
    # The second firm is seen earlier than the first, and clusters are far apart.
    panel = pd.DataFrame(
        {
            "unit": [1, 1, 2, 2, 3, 3],
            "cluster": [500, 500, -70, -70, 9_000_000, 9_000_000],
            "period": [60, 61, 5, 6, 66, 67],
            "y": [1.0, 2.0, 4.0, 3.0, 7.0, 9.0],
        }
    )
    reference = cross_product_table(panel, "unit", "cluster", [], period="period")
    for batch in (1, 2, 6):
        same(sum_sorted_rows(*readers(panel, batch)), reference)


def test_the_example_of_the_documentation_finds_what_the_macro_finds(project, pages, tmp_path, monkeypatch, capsys):
    panel = firms(numbers=True, firms=3000, cities=60).rename(columns={"y": "sales", "pilot": "treated"})
    panel["firm"] = panel["firm"] + 10_000
    panel.sort_values("firm").to_parquet(tmp_path / "firms.parquet")
    page = pages[project / "docs" / "large-panels.md"]
    code = page.split("<!-- sorted firms -->\n```python\n")[1].split("```")[0]
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "large-panels.md", "exec"), {})
    table = cross_product_table(panel, "firm", "city", ["treated", "age"], "sales")
    fit = read_moments(table, ["treated", "sales"], ["age"]).weigh().regress(1, [0], clustered=True)
    found = [float(word) for word in capsys.readouterr().out.split()]
    np.testing.assert_allclose(found, [fit.estimate[0, 0], fit.std_error_crv1[0, 0]], rtol=1e-9)


def test_readers_without_rows_or_without_units_of_two_rows_add_nothing():
    panel = firms(numbers=True)
    single = panel.drop_duplicates("firm")
    for empty in (panel[:0], single):
        with pytest.raises(InputError, match="has no column 'y'; it has none"):
            read_moments(sum_sorted_rows(*readers(empty)), ["y"])
    expected = sum_sorted_rows(*readers(panel))
    assert added(sum_sorted_rows(*readers(panel, cuts=[0, 0, len(panel)]))).equals(added(expected))


def test_refusals_are_sentences(monkeypatch):
    panel = firms(firms=60)
    rows = panel.sort_values("firm", kind="stable", ignore_index=True)
    second = rows["firm"].drop_duplicates().iloc[1]
    moved = rows.assign(city=rows["city"].where(~(rows["firm"] == second) | (rows["year"] < 2005), "c99"))
    numbers = firms(numbers=True, firms=60)
    falling = [
        pa.Table.from_pandas(frame.sort_values("firm", ascending=False), preserve_index=False)
        for frame in (rows, numbers)
    ]
    one_firm = rows.assign(firm="f", city="c", year=range(2000, 2000 + len(rows)))
    first, last = readers(panel, cuts=[len(rows) // 2])
    inside = int(np.flatnonzero(rows["firm"] == second)[1])
    for batch in (1, 10_000):
        for message, call in (
            (f"Unit {second} is in more than one cluster", lambda batch: readers(moved, batch)),
            (
                f"Unit {second} has two rows in one period",
                lambda batch: readers(pd.concat([rows, rows[rows["firm"] == second]]), batch),
            ),
            ("two rows in one period|span more than 63", lambda batch: readers(one_firm, batch)),
            ("span more than 63", lambda batch: readers(rows.assign(year=rows["year"] * 20), batch)),
            ("A row has no city", lambda batch: readers(rows.assign(city=rows["city"].where(rows.index != 9)), batch)),
        ):
            with pytest.raises(InputError, match=message):
                sum_sorted_rows(*call(batch))
    # Within a batch, and from one batch to the next.
    for table, batch in ((table, batch) for table in falling for batch in (1, 10_000)):
        with pytest.raises(InputError, match=r"The rows of unit (f\d+|-?\d+) come after those of unit"):
            sum_sorted_rows(table.to_reader(batch))
    for message, call in (
        ("The rows of unit .* come after those of unit f00059", lambda: [last, first]),
        (f"The rows of unit {second} come after those of unit {second}", lambda: readers(rows, cuts=[inside])),
        ("of type .*string; expected whole numbers", lambda: readers(rows.assign(year=rows["year"].astype(str)))),
        ("age is of type .*string; expected numbers", lambda: readers(rows.assign(age="old"))),
        ("at least one column of numbers", lambda: readers(rows[["firm", "city", "year"]])),
        ("different columns", lambda: [*readers(rows), *readers(rows.drop(columns="age"))]),
        ("different columns", lambda: []),
        ("at most 10,000,000 apart", lambda: readers(numbers.assign(city=numbers["city"] * 10**6))),
    ):
        with pytest.raises(InputError, match=message):
            sum_sorted_rows(*call())
    with pytest.raises(InputError, match=r"of size in cluster .* are not finite"):
        read_moments(sum_sorted_rows(*readers(rows.assign(size=rows["size"].where(rows.index != 20)))), ["y"])
    monkeypatch.setitem(sys.modules, "city_policy.estimation.large_panels.sorted_rows_kernel", None)
    monkeypatch.delattr("city_policy.estimation.large_panels.sorted_rows_kernel", raising=False)
    with pytest.raises(InputError, match="needs the package numba"):
        sum_sorted_rows(*readers(rows))
