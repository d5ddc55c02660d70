"""Sixteen editions as they are sold, and the wide form of ten of them: an independent parser's cells, the two forms
against each other, and what is understood."""

import shutil

import duckdb
import pytest
from city_policy.reader import ingest
from conftest import run
from reader_workbooks import GEOGRAPHY, MAPPING
from test_reader_reference import INDICATORS

# Cells that the independent parser marks ok and that rightly end in quarantine: (edition, city as printed, indicator).
# It took 335,2 for 3352; damaged names are not guessed.
QUARANTINED = {
    ("2013", "长治市", "pop_avg"): "unparsed number",
    ("2013", "铜川市", "pop_avg"): "unparsed number",
    ("2017", "黄石市", "tert"): "unparsed number",
    ("2013", "张家n市", "so2"): "unknown city name",
    ("2013", "张家n市", "wastewater"): "unknown city name",
    ("2013", "张家门市", "solid_util"): "unknown city name",
    ("2016", "准北市", "dust"): "unknown city name",
    ("2017", "·阳泉市", "so2"): "unknown city name",
    ("2017", "·阳泉市", "wastewater"): "unknown city name",
}

# Series and years in which the two forms print different numbers for many cities; the workbooks were looked at. A page of
# one of them is shifted by a row, or prints another unit.
DIFFERENT_PRINTS = {
    ("mobile_subscribers", 2005): "the wide form prints subscribers under the unit 10,000 subscribers",
    ("population_density", 2009): "the wide form prints the rows of other cities on one page",
    ("construction_land_share", 2009): "the same page of the wide form",
    ("primary_share", 2009): "the wide form prints the secondary for the primary industry in some rows",
    ("air_quality_days", 2011): "the wide form is shifted by a row on one page",
}


@pytest.fixture(scope="module")
def built(shared, project, tmp_path_factory):
    """A connection to the cleaning models of all editions in both forms, and the summary of their ingest."""
    if not (shared / "editions" / "reference_cells.csv").is_file():
        pytest.skip("the editions as they are sold are not among the public test material")
    data = tmp_path_factory.mktemp("editions")
    for edition in sorted(path for path in (shared / "editions").iterdir() if path.is_dir()):
        (data / "in").mkdir(exist_ok=True)
        shutil.copytree(edition, data / "in" / edition.name)
    for edition in sorted((shared / "cross_sections").iterdir()):
        for path in edition.iterdir():
            shutil.copy(path, data / "in" / edition.name)
    summary = ingest(data / "in", data / "landing", MAPPING, GEOGRAPHY, progress=False)
    chosen = ["+form_comparison", "+printed_totals", "+fct_city_year_series", "cln_headers"]
    command = ["dbt", "build", "--vars", "source: landing", "--exclude-resource-type", "unit_test"]
    result = run([*command, "--exclude-resource-type", "test", "--select", *chosen], project, data)
    assert result.returncode == 0, result.stdout
    connection = duckdb.connect()
    connection.execute(f"attach '{data / 'build.duckdb'}' as build (read_only)")
    connection.execute("use build")
    return connection, summary


def test_editions_are_read_whole(built):
    _, summary = built
    assert len(summary.editions) == 16
    assert not summary.refused
    not_understood = sum(count for count, _ in summary.unknowns())
    assert not_understood < 0.01 * summary.n_cells
    assert len(str(summary).splitlines()) <= 24


def test_every_reference_cell_agrees_or_is_listed(built, shared):
    connection, _ = built
    connection.execute("create temp table names (indicator varchar, series varchar)")
    connection.executemany("insert into names values (?, ?)", list(INDICATORS.items()))
    rows = connection.execute(
        """
        select
            reference.yearbook, reference.city_raw, reference.indicator, reference.parse_status, reference.value::double,
            cells.cell_status, cells.quarantine_reason, cells.printed_value
        from read_csv(?, all_varchar = true, header = true) as reference
        inner join names using (indicator)
        left join build.cleaning.cln_cell_values as cells
            on
                cells.edition = reference.yearbook::integer
                and split_part(cells.file, '/', -1) = reference.file
                and cells.sheet = reference.sheet
                and cells."row" = reference.excel_row::integer
                and cells.series = names.series
                and cells.scope = if(reference.indicator = 'green', 'districts', 'city')
        """,
        [str(shared / "editions" / "reference_cells.csv")],
    ).fetchall()
    assert len(rows) == 28008
    wrong, listed = [], {}
    for edition, city, indicator, parse_status, value, status, reason, printed in rows:
        if parse_status != "ok":
            assert printed is None and status in ("missing", "quarantined")
        elif status in ("printed", "corrected"):
            if printed != value:
                wrong.append((edition, city, indicator, value, printed))
        else:
            listed[edition, city, indicator] = reason
    assert wrong == []
    assert listed == QUARANTINED


def test_the_two_forms_agree(built):
    connection, _ = built
    counts = connection.execute(
        "select series, data_year, count(*), count(*) filter (not is_equal) from build.quality.form_comparison group by 1, 2"
    ).fetchall()
    others = [row for row in counts if row[:2] not in DIFFERENT_PRINTS]
    common, different = sum(row[2] for row in others), sum(row[3] for row in others)
    assert sum(row[2] for row in counts) > 500_000
    assert different <= 0.001 * common
    # Beyond the listed pages no series differs in more than a handful of cities.
    assert max(row[3] for row in others) <= 5


def test_printed_totals_agree_or_say_why(built):
    connection, _ = built
    rows = connection.execute(
        """
        select data_year, row_kind, avg(agrees::integer), count(*) filter (not agrees and explanation is null)
        from build.quality.printed_totals
        where form = 'table'
        group by 1, 2
        """
    ).fetchall()
    shares = {(year, kind): share for year, kind, share, _ in rows}
    assert all(unsaid == 0 for *_, unsaid in rows)
    assert {year for year, kind in shares if kind == "total"} == {
        1989, 1995, 2000, 2003, 2005, 2007, 2009, 2011, 2012, 2013, 2014, 2015
    }  # fmt: skip
    assert min(share for (year, kind), share in shares.items() if kind == "province") > 0.87
    assert min(share for (year, kind), share in shares.items() if year >= 2011) > 0.8


def test_county_level_tables_never_reach_a_series(built):
    connection, _ = built
    levels = dict(
        connection.execute("select level, count(*) from build.staging.stg_yearbook_cells group by 1").fetchall()
    )
    assert levels["county"] > 250_000
    files = connection.execute("select distinct file from build.marts.fct_city_year_series").fetchall()
    assert not [file for (file,) in files if "县级" in file]
    # As a county-level city 铜仁市 has values before it became a prefecture; none of them is one of the prefecture.
    early = "select count(*) from build.marts.fct_city_year_series where adcode in ('520600', '650400') and year < 2010"
    assert connection.execute(early).fetchone() == (0,)
