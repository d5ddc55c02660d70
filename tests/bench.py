"""Timings as ratios, measured in one run on one machine: ``make bench``.

Every row times two ways to the same end, alternating, and prints the medians of five runs and their ratio. Where the
results must be equal the row checks that they are. Nothing here is a test: a machine may be busy.
"""

import argparse
import csv
import json
import os
import statistics
import sys
import tempfile
import time
import warnings
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
RUNS = 5


def alternate(first, second) -> tuple[float, float]:
    """Median seconds of two functions, run in turn so that a busy moment hits both."""
    times = ([], [])
    for _ in range(RUNS):
        for position, function in enumerate((first, second)):
            start = time.perf_counter()
            function()
            times[position].append(time.perf_counter() - start)
    return statistics.median(times[0]), statistics.median(times[1])


def bench_reader(yearbooks: Path | None):
    """Reading editions into the landing file, against python-calamine opening and reading the same workbooks."""
    from city_policy.reader import ingest
    from python_calamine import CalamineWorkbook

    with tempfile.TemporaryDirectory() as folder:
        if yearbooks is None:
            yearbooks = Path(folder) / "yearbooks"
            write_workbooks(yearbooks)
        files = sorted(yearbooks.glob("*/*.xlsx"))

        def bare():
            for path in files:
                workbook = CalamineWorkbook.from_path(str(path))
                for name in workbook.sheet_names:
                    workbook.get_sheet_by_name(name).to_python()

        def ours():
            ingest(yearbooks, Path(folder) / "landing", PROJECT / "seeds/mapping", PROJECT / "seeds/geography", False)

        ours_seconds, bare_seconds = alternate(ours, bare)
    return f"read {len(files)} workbooks", "city_policy.reader", ours_seconds, "python-calamine alone", bare_seconds


def write_workbooks(folder: Path) -> None:
    """Two editions of made-up printed tables, for machines without yearbooks."""
    from openpyxl import Workbook

    with open(PROJECT / "seeds/geography/cities.csv", encoding="utf-8", newline="") as handle:
        cities = [row["name_zh"] for row in csv.DictReader(handle)][:300]
    for edition in (2012, 2015):
        (folder / str(edition)).mkdir(parents=True)
        for table in range(30):
            workbook = Workbook()
            sheet = workbook.active
            sheet.append([f"2-{table} 人口状况"])
            sheet.append(["城市", "City", *["年末总人口(万人)", ""] * 3])
            sheet.append(["", "", *["全市 Total City", "市辖区 Districts under City"] * 3])
            for number, city in enumerate(cities):
                sheet.append([city, "City", *[f"{number}.{position}" for position in range(6)]])
            workbook.save(folder / str(edition) / f"{table}.xlsx")


def study(database: Path):
    """The panel, the treatment timing and the controls of the published build."""
    import duckdb

    with duckdb.connect(str(database), read_only=True) as connection:
        panel = connection.execute("select * from marts.fct_city_year").df()
        timing = connection.execute("select * from marts.fct_city_policy").df()
        specifications = connection.execute("select * from intermediate.int_specifications").df()
        controls = connection.execute(
            "select column_name from intermediate.int_variable_coverage where role = 'control' and is_covered"
        ).fetchall()
    return panel, timing, specifications, [name for (name,) in controls]


def bench_placebo(database: Path):
    """Placebo draws on the swept panel, against pyfixest fitting each draw; the loop is timed on a sample of it."""
    import numpy as np
    import pyfixest
    from city_policy.estimation.placebo import placebo

    panel, timing, specifications, controls = study(database)
    chosen = specifications[specifications["estimator"] == "placebo"]
    draws, sampled = 500, 10
    sample = panel[panel["sample_full"]].sort_values(["adcode", "year"])
    rng = np.random.default_rng(1)
    first = timing[timing["policy_id"] == "bcs"].set_index("adcode")["first_treated_year"]

    def loop():
        for _ in range(sampled):
            shuffled = dict(
                zip(first.index, rng.permutation(first.to_numpy(dtype=float, na_value=np.inf)), strict=True)
            )
            data = sample.assign(treated=(sample["year"] >= sample["adcode"].map(shuffled)).astype(float))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                pyfixest.feols(f"nqp ~ treated + {' + '.join(controls)}|adcode + year", data, vcov={"CRV1": "adcode"})

    loop()
    ours, theirs = alternate(lambda: placebo(panel, timing, chosen, controls, draws=draws), loop)
    policies = len(chosen)
    return (
        f"{policies} x {draws} placebo draws",
        "city_policy.estimation.placebo",
        ours,
        f"pyfixest loop (timed on {sampled} draws)",
        theirs * draws * policies / sampled,
    )


def bench_resampling(database: Path):
    """Mediation bootstraps and group permutations, against one pyfixest fit per draw and regression."""
    import pyfixest
    from city_policy.estimation.group_differences import group_differences
    from city_policy.estimation.mediation import mediation_effects

    panel, timing, specifications, controls = study(database)
    mediations = specifications[specifications["estimator"] == "mediation"]
    pairs = specifications[
        (specifications["estimator"] == "group_difference") & (specifications["paper_table"] == "10")
    ]
    pairs = pairs.rename(columns={"sample": "sample_1", "comparison_sample": "sample_2"})
    sample = panel[panel["sample_full"]]
    sampled = 10

    def loop():
        for _ in range(sampled):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                pyfixest.feols(f"nqp ~ bcs + {' + '.join(controls)}|adcode + year", sample, vcov="iid")

    def ours():
        mediation_effects(panel, timing, mediations, controls, draws=1000)
        group_differences(panel, timing, pairs, controls, draws=1000)

    loop()
    ours_seconds, theirs = alternate(ours, loop)
    fits = len(mediations) * 1000 * 2 + len(pairs) * 1000 * 2
    return (
        f"{len(mediations)} x 1000 bootstraps and {len(pairs)} x 1000 permutations",
        "city_policy.estimation",
        ours_seconds,
        f"pyfixest loop (timed on {sampled} of {fits} fits)",
        theirs * fits / sampled,
    )


def build_profile(run_results: Path) -> list[tuple[str, float]]:
    """Seconds of the slowest nodes of the last build."""
    results = json.loads(run_results.read_text())["results"]
    ordered = sorted(results, key=lambda result: -result["execution_time"])
    return [(result["unique_id"], result["execution_time"]) for result in ordered[:15]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--yearbooks", type=Path, help="editions to read; without it made-up workbooks")
    parser.add_argument("--out", type=Path, help="write the table there as CSV")
    arguments = parser.parse_args()
    data = Path(os.environ.get("CITY_POLICY_DATA", PROJECT / "data"))
    database = data / "city_policy.duckdb"
    if not database.is_file():
        print(f"bench: {database} is missing; run make build first.", file=sys.stderr)
        return 2
    rows = [bench_reader(arguments.yearbooks), bench_placebo(database), bench_resampling(database)]
    print(f"{'what':55s} {'seconds':>9s} {'compared with':45s} {'seconds':>9s} {'ratio':>9s}")
    for what, _, ours, other, theirs in rows:
        print(f"{what:55s} {ours:9.3f} {other:45s} {theirs:9.3f} {ours / theirs:9.4f}")
    if arguments.out:
        with open(arguments.out, "w", encoding="utf-8", newline="") as handle:
            writer = csv.writer(handle, lineterminator="\n")
            writer.writerow(["what", "ours", "ours_seconds", "compared_with", "compared_seconds", "ratio"])
            writer.writerows([*row, row[2] / row[4]] for row in rows)
    run_results = Path(os.environ.get("DBT_TARGET_PATH", PROJECT / "target")) / "run_results.json"
    if run_results.is_file():
        print("\nslowest nodes of the last build (seconds)")
        for node, seconds in build_profile(run_results):
            print(f"{seconds:9.2f}  {node}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
