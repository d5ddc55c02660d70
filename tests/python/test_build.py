"""Whole runs: build the demo, read the tables, and what happens when something goes wrong."""

import csv
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
from city_policy.build import declared_keys
from city_policy.changes import STATE_FILE
from city_policy.directory import only_build
from city_policy.errors import InputError
from city_policy.publish import identity, publish_files
from city_policy.questions import is_question
from conftest import copy_project, environment, run
from filelock import FileLock

RESULT_SCHEMAS = ("marts", "estimates", "results", "replication", "quality")


def digests(database: Path, schemas=RESULT_SCHEMAS) -> dict[str, tuple]:
    """Table -> (rows, an order-independent digest of all values, as exact text)."""
    with duckdb.connect(str(database), read_only=True) as connection:
        tables = connection.execute(
            "select table_schema, table_name from information_schema.tables where table_schema in "
            f"{tuple(schemas)} order by all"
        ).fetchall()
        return {
            f"{schema}.{table}": connection.execute(
                f'select count(*), coalesce(bit_xor(hash(t::varchar)), 0) from "{schema}"."{table}" as t'
            ).fetchone()
            for schema, table in tables
        }


@pytest.fixture(scope="module")
def demo(demo_build, tmp_path_factory):
    """The data directory of a demo build that these tests may build and publish in again."""
    return Path(shutil.copytree(demo_build, tmp_path_factory.mktemp("demo") / "data", symlinks=True))


@pytest.fixture
def published(demo):
    with duckdb.connect(str(demo / "city_policy.duckdb"), read_only=True) as connection:
        yield connection


def test_build_prints_the_time_of_every_step_and_that_the_data_are_simulated(demo):
    output = (demo / "output.txt").read_text()
    for step in ("check seeds", "dbt build", "publish", "in all"):
        assert step in output
    assert "simulated" in output


def test_sample_is_the_published_one(published):
    cities, city_years = published.execute(
        "select count(distinct adcode), count(*) from marts.fct_study_panel where sample_full"
    ).fetchone()
    assert (cities, city_years) == (275, 3025)


def test_counts_that_the_lists_determine(published):
    rows = dict(published.execute("select count, value_from_lists from replication.sample_count_check").fetchall())
    # Broadband cohorts 37/35/34 give 745 city-years; the list has 55 cluster cities where the paper has 53.
    assert (rows["cities"], rows["bcs_cities"], rows["bcs_city_years"]) == (275, 106, 745)
    assert (rows["eastern_cities"], rows["central_region_cities"], rows["western_cities"]) == (99, 97, 79)
    assert (rows["iic_cities"], rows["dual_cities"]) == (55, 32)
    assert (rows["dual_iic_first_cities"], rows["dual_same_year_cities"]) == (8, 4)
    assert rows["pilot_city_obs"] == 11 * (rows["bcs_cities"] + rows["iic_cities"] - rows["dual_cities"])
    unexplained = published.execute(
        "select count from replication.sample_count_check where verdict = 'different' and explanation is null"
    ).fetchall()
    assert unexplained == []


def test_broadband_cohorts_and_same_year_cities(published):
    cohorts = published.execute(
        "select first_treated_year, count(*) from marts.fct_city_policy "
        "where policy_id = 'bcs' and in_sample and first_treated_year is not null group by 1 order by 1"
    ).fetchall()
    assert cohorts == [(2014, 37), (2015, 35), (2016, 34)]
    same_year = published.execute(
        "select distinct city_name_short from marts.fct_study_panel join marts.dim_city using (adcode) where dual_order = 'same_year' and sample_full"
    ).fetchall()
    assert {name for (name,) in same_year} == {"鞍山", "合肥", "济宁", "十堰"}


def test_baseline_rows_are_there_for_both_variance_estimators(published):
    rows = published.execute(
        "select treatment, vcov, estimate, t_stat, n_obs, status, published_estimate "
        "from replication.coefficient_comparison "
        "where result = 'baseline_effects' and term = treatment and spec_id != 'joint' order by all"
    ).fetchall()
    assert [(row[0], row[1]) for row in rows] == [
        (policy, vcov) for policy in ("bcs", "dual", "iic") for vcov in ("CRV1", "iid")
    ]
    for row in rows:
        assert row[4:6] == (3025, "ok") and row[2] > 0 and row[3] > 1.96 and row[6] is not None


def test_baseline_equals_dummy_variable_least_squares(published):
    """An independent computation from the mart itself: numpy, 274 + 10 dummies."""
    import numpy as np

    panel = published.execute("select * from marts.fct_study_panel where sample_full order by adcode, year").df()
    controls = ["marketization", "fdi_cny_trillion", "tertiary_share", "urbanization_percent", "fintech"]
    cities = panel["adcode"].to_numpy()[:, None] == np.unique(panel["adcode"])[None, :]
    years = panel["year"].to_numpy()[:, None] == np.unique(panel["year"])[None, 1:]
    for policy in ("bcs", "iic", "dual"):
        design = np.hstack([panel[[policy, *controls]].to_numpy(float), cities, years])
        coefficients = np.linalg.lstsq(design, panel["nqp"].to_numpy(), rcond=None)[0]
        ours = dict(
            published.execute(
                "select term, estimate from results.baseline_effects where treatment = ? and vcov = 'iid' "
                "and spec_id != 'joint'",
                [policy],
            ).fetchall()
        )
        for position, term in enumerate([policy, *controls]):
            assert ours[term] == pytest.approx(coefficients[position], abs=1e-10)


def test_every_value_can_be_traced_to_a_printed_cell(published, project):
    row = published.execute(
        "select file_and_sheet, cell_row, cell_column, cell_text, printed_value from marts.fct_city_year_input "
        "where adcode = '110000' and year = 2015 and series = 'gdp'"
    ).fetchone()
    with open(project / row[0], encoding="utf-8", newline="") as handle:
        cells = list(csv.reader(handle))
    assert cells[int(row[1]) - 1][int(row[2]) - 1] == row[3]
    assert float(row[3]) == row[4]


def processes_of(data: Path) -> list[str]:
    """The processes whose environment names a data directory."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environ, command = (entry / "environ").read_bytes(), (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if f"CITY_POLICY_DATA={data}".encode() in environ.split(b"\0") and command:
            found.append(command.replace(b"\0", b" ").decode())
    return found


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are looked up in /proc")
def test_a_build_that_is_stopped_leaves_the_publication_and_nothing_else(demo, project):
    """And the next one is right."""
    before, built = digests(demo / "city_policy.duckdb"), digests(demo / "build.duckdb")
    command = [str(Path(sys.executable).parent / "city-policy"), "build"]
    # Without it every build is a whole one.
    (demo / STATE_FILE).unlink()
    for seconds, number, code in ((4, signal.SIGINT, 130), (7, signal.SIGKILL, -9), (11, signal.SIGTERM, 143)):
        process = subprocess.Popen(
            command,
            cwd=project,
            env=environment(demo),
            stderr=subprocess.PIPE,
            text=True,
            # A shell that runs the tests in the background has them ignore Ctrl-C, and what they start as well.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        time.sleep(seconds)
        # The process that the user started alone, as `kill` does, not the group.
        process.send_signal(number)
        _, said = process.communicate()
        assert process.returncode == code
        if code > 0:
            assert "at 'dbt build'. Nothing that was published has changed." in said and "Traceback" not in said
        deadline = time.monotonic() + 5
        while (left := processes_of(demo)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert left == []
        for name in ("build.lock", "build.dbt.lock"):
            # A process whose memory is gone may hold its files a moment longer.
            with FileLock(demo / name, timeout=5):
                pass
        assert digests(demo / "city_policy.duckdb") == before
    result = run(["city-policy", "build", "--threads", "2"], project, demo)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    assert digests(demo / "city_policy.duckdb") == before
    assert digests(demo / "build.duckdb") == built


def test_the_dbt_of_a_killed_build_counts_as_running(tmp_path, monkeypatch):
    monkeypatch.setattr("city_policy.directory.ENDING_SECONDS", 0.2)
    with (
        FileLock(tmp_path / "build.dbt.lock"),
        pytest.raises(InputError, match="Another build is running"),
        only_build(tmp_path),
    ):
        pass
    with only_build(tmp_path):
        assert (tmp_path / "build.pid").read_text() == str(os.getpid())


def test_a_publication_that_somebody_changed_is_built_again(demo):
    before = identity(demo)
    assert before
    file = demo / "published" / "results" / "baseline_effects.parquet"
    content, moment = file.read_bytes(), file.stat().st_mtime_ns
    file.write_bytes(content[:-1])
    assert identity(demo) != before
    file.write_bytes(content)
    os.utime(file, ns=(moment, moment))
    assert identity(demo) == before


def test_a_reader_keeps_the_publication_it_has_open(demo):
    keys = declared_keys(demo / "target" / "manifest.json")
    with duckdb.connect(str(demo / "city_policy.duckdb"), read_only=True) as reader:
        publish_files(demo, keys)
        assert reader.execute("select count(*) from marts.fct_city_year").fetchone() == (297 * 11,)


def test_the_parquet_files_hold_what_the_tables_hold(demo, published):
    dictionary = json.loads((demo / "published" / "data_dictionary.json").read_text(encoding="utf-8"))["tables"]
    tables = published.execute(
        "select table_schema, table_name from information_schema.tables "
        "where table_schema in ('marts', 'results', 'replication', 'quality') order by all"
    ).fetchall()
    assert [(table["schema"], table["name"]) for table in dictionary] == tables
    for table in dictionary:
        file = demo / "published" / table["file"]
        name = f"{table['schema']}.{table['name']}"
        for one, other in ((name, f"'{file}'"), (f"'{file}'", name)):
            assert published.execute(f"select count(*) from (from {one} except all from {other})").fetchone() == (0,)
        assert table["description"] and all(column["description"] for column in table["columns"])


def test_the_page_of_questions_is_what_the_queries_answer(demo, project, tmp_path):
    page = tmp_path / "questions.md"
    assert run(["city-policy", "questions", "--out", str(page)], project, demo).returncode == 0
    text = page.read_text(encoding="utf-8")
    assert text == (project / "docs" / "questions.md").read_text(encoding="utf-8")
    assert (
        "simulated" in text
        and text.count("\n## ") == len(list(filter(is_question, (project / "analysis").glob("*.sql")))) >= 10
    )


@pytest.mark.parametrize(
    ("step", "error"),
    [
        ("shutil.copyfile", OSError(28, "No space left on device")),
        (
            "city_policy.publish.files._write_files",
            duckdb.IOException('IO Error: Could not write all bytes to file "x": No space left on device'),
        ),
        ("city_policy.publish.files._flush", OSError(28, "No space left on device")),
    ],
)
def test_publishing_that_fails_keeps_the_publication(demo, monkeypatch, step, error):
    before, version = digests(demo / "city_policy.duckdb"), (demo / "published").resolve()

    def full_disk(*_):
        raise error

    monkeypatch.setattr(step, full_disk)
    with pytest.raises(
        InputError, match=r"No space left on device\).*free space.*Nothing that was published has changed"
    ):
        publish_files(demo, {})
    assert digests(demo / "city_policy.duckdb") == before
    assert (demo / "published").resolve() == version and version.is_dir()
    assert not list(demo.glob("*.new"))


def test_a_disk_that_is_full_after_publishing_does_not_deny_it(demo, monkeypatch):
    version = (demo / "published").resolve()

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("city_policy.publish.files._remove_former_versions", full_disk)
    with pytest.raises(InputError, match="The new publication is in place"):
        publish_files(demo, declared_keys(demo / "target" / "manifest.json"))
    assert (demo / "published").resolve() != version
    assert (demo / "city_policy.duckdb").resolve().parent == (demo / "published").resolve()


def test_a_full_disk_is_one_sentence_and_keeps_the_publication(demo, project):
    before = digests(demo / "city_policy.duckdb")
    limit = 5 * 2**20  # the build file needs much more
    result = run(
        ["city-policy", "build", "--fresh"],
        project,
        demo,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert result.returncode == 2
    said = result.stderr.strip().splitlines()[-1]
    assert said.startswith(f"city-policy: {demo / 'build.duckdb'} cannot be written (")
    assert "File too large" in said and "Nothing that was published has changed." in said
    assert "Traceback" not in result.stderr
    assert digests(demo / "city_policy.duckdb") == before


def test_a_second_build_is_refused(project, tmp_path):
    with FileLock(tmp_path / "build.lock"):
        (tmp_path / "build.pid").write_text("4711")
        result = run(["city-policy", "build"], project, tmp_path)
    assert result.returncode == 2
    assert result.stderr.startswith("city-policy: Another build is running") and "4711" in result.stderr
    assert result.stderr.count("\n") == 1


def test_an_unwritable_target_is_one_sentence(project, tmp_path):
    (tmp_path / "file").write_text("not a directory")
    result = run(["city-policy", "build"], project, tmp_path / "file" / "data")
    assert result.returncode == 2
    assert "cannot be written" in result.stderr and result.stderr.count("\n") == 1


def test_a_data_directory_that_dbt_cannot_read_is_one_sentence(project, tmp_path):
    result = run(["city-policy", "build"], project, tmp_path / "it's mine")
    assert result.returncode == 2
    assert "holds an apostrophe or brace" in result.stderr and result.stderr.count("\n") == 1
    assert not (tmp_path / "it's mine").exists()


def test_outside_the_project_is_one_sentence(tmp_path):
    result = run(["city-policy", "build"], tmp_path, tmp_path)
    assert result.returncode == 2
    assert "holds no dbt_project.yml" in result.stderr and result.stderr.count("\n") == 1


def test_a_failed_quality_check_stops_the_estimates(demo_build, tmp_path):
    folder = copy_project(tmp_path)
    # What the checks look at is there already; all that follows from them is built.
    shutil.copy(demo_build / "build.duckdb", folder / "data")
    with open(folder / "seeds" / "studies" / "nqp" / "expectations.csv", "a", encoding="utf-8") as handle:
        handle.write(
            'impossible,error,fct_study_panel,nqp,ExpectColumnValuesToBeBetween,"{""min_value"": 5}",baseline_effects,\n'
        )
    result = run(["dbt", "build", "--select", "fct_study_panel", "expectations+"], folder, tmp_path / "data")
    assert result.returncode != 0
    statuses = {
        item["unique_id"]: item["status"]
        for item in json.loads((tmp_path / "data" / "target" / "run_results.json").read_text())["results"]
    }
    assert statuses["test.city_policy.assert_no_expectation_of_severity_error_fails"] == "fail"
    assert statuses["model.city_policy.est_fixed_effects"] == "skipped"
    assert statuses["model.city_policy.baseline_effects"] == "skipped"
    assert statuses["model.city_policy.fct_study_panel"] == "success"


def test_a_regression_that_cannot_be_run_is_a_row_that_says_why(demo_build, tmp_path):
    folder = copy_project(tmp_path)
    shutil.copy(demo_build / "build.duckdb", folder / "data")
    with open(folder / "seeds" / "studies" / "nqp" / "specifications.csv", "a", encoding="utf-8") as handle:
        handle.write(
            "broken,robustness_effects,,broken,fixed_effects,no_such_column,bcs,0,sample_full,,,,,,adcode,broken\n"
        )
    # What the result is made from and follows from the changed seed.
    changed = ["--select", "specifications+,+robustness_effects"]
    result = run(["dbt", "build", "--exclude-resource-type", "test", "unit_test", *changed], folder, tmp_path / "data")
    assert result.returncode == 0, result.stdout[-3000:]
    with duckdb.connect(str(tmp_path / "data" / "build.duckdb"), read_only=True) as connection:
        status, message = connection.execute(
            "select distinct status, message from results.robustness_effects where spec_id = 'broken'"
        ).fetchone()
        assert status == "failed" and "no_such_column" in message


def test_every_published_coefficient_is_found_by_key(published):
    printed = published.execute("select count(*) from seeds.published_estimates").fetchone()[0]
    assert printed == 110
    found = published.execute(
        "select count(*) from (select distinct table_no, panel, subject from replication.replication_scorecard "
        "where kind = 'coefficient' and our_value is not null)"
    ).fetchone()[0]
    assert found == printed
    # Every claimed ordering holds in the paper's own numbers, so that it is the paper's claim we check.
    assert published.execute(
        "select count(*) from replication.replication_scorecard where kind = 'claimed ordering' and not published_value > 0"
    ).fetchone() == (0,)


def test_scorecard_and_notes_say_that_the_data_are_simulated(published):
    for table in (
        "replication.replication_scorecard",
        "replication.replication_summary",
        "replication.replication_notes",
        "results.soundness_notes",
    ):
        assert published.execute(f"select distinct data_source like 'simulated%' from {table}").fetchall() == [(True,)]


def test_the_demo_agrees_with_what_the_paper_prints(published):
    """The shares that the calibration promises for the default seed; slips of the paper do not count."""
    shares = published.sql("from replication.replication_summary").df().set_index("kind")
    coefficients = shares.loc["coefficient"]
    assert coefficients["share_same_sign"] >= 0.95
    assert coefficients["share_same_significance_at_5_percent"] >= 0.90
    assert coefficients["share_agrees"] >= 0.85
    for kind in ("claimed ordering", "Bacon weight"):
        assert shares.loc[kind, "share_agrees"] == 1
    different = published.sql(
        "select subject from replication.replication_scorecard where kind = 'summary statistic' and not agrees"
    ).fetchall()
    # Which cities are treated stands in the lists, so these two are counts, not simulation.
    assert all(subject.startswith(("iic", "dual")) for (subject,) in different), different
    r2 = published.sql(
        "select distinct r2, published_r2 from replication.coefficient_comparison "
        "where result = 'baseline_effects' and is_published"
    ).fetchall()
    assert r2 and all(abs(ours - theirs) < 0.01 for ours, theirs in r2)


def test_modern_estimators_find_the_planted_effects(published):
    rows = published.sql(
        "select spec_id, error_in_std_errors from replication.recovery "
        "where estimator in ('imputation', 'callaway_santanna', 'sun_abraham', 'etwfe', 'stacked', 'local_projections', "
        "'synthetic_did', 'chaisemartin_dhaultfoeuille')"
    ).fetchall()
    assert len(rows) >= 8 * 5
    assert all(abs(error) < 3 for _, error in rows), rows


def test_city_by_year_effects_are_not_identified(published):
    rows = published.execute(
        "select distinct status, message from results.robustness_effects where spec_id like 'city_year_effects%'"
    ).fetchall()
    assert {status for status, _ in rows} == {"not_identified"} and all(message for _, message in rows)


def test_real_yearbooks_end_with_an_index_and_three_estimates(yearbooks_build):
    assert "simulated" not in (yearbooks_build / "output.txt").read_text(encoding="utf-8").split("seconds  step")[1]
    with duckdb.connect(str(yearbooks_build / "city_policy.duckdb"), read_only=True) as connection:
        years = connection.execute("select distinct year from marts.fct_city_year order by 1").fetchall()
        assert years == [(2011,), (2014,), (2017,), (2020,)]
        covered = connection.execute(
            "select indicator from marts.dim_indicator where is_covered and weight > 0"
        ).fetchall()
        assert {"science_spending", "education_spending", "higher_education", "green_coverage"} <= {
            name for (name,) in covered
        }
        assert connection.execute(
            "select count(*) from marts.dim_indicator where not is_covered and uncovered_reason is null"
        ).fetchone() == (0,)
        index, agglomeration, sample = connection.execute(
            "select count(nqp), count(agglomeration), count(*) from marts.fct_study_panel where sample_full"
        ).fetchone()
        assert index == agglomeration == sample > 4 * 200
        estimates = connection.execute(
            "select treatment, vcov, status, n_obs, message from results.baseline_effects where term = treatment"
        ).fetchall()
    # Three policies alone, and all of them in one regression, by two variance estimators.
    assert len(estimates) == 8
    for _, _, status, n_obs, message in estimates:
        assert status == "ok" and n_obs == sample
        assert "not covered by this input" in message
