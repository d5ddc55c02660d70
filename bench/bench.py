"""Timings as ratios, measured in one run on one machine: ``make bench``.

Every row times two ways to the same end, alternating, and prints the medians of five runs and their ratio. Where the
results must be equal the row checks that they are. Nothing here is a test: a machine may be busy.
"""

import argparse
import contextlib
import csv
import json
import logging
import os
import shutil
import statistics
import subprocess
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
        files = sorted(yearbooks.rglob("*.xlsx"))

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
        panel = connection.execute("select * from marts.fct_study_panel").df()
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
    from city_policy.estimation.estimators.placebo import placebo

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
        "city_policy.estimation.estimators.placebo",
        ours,
        f"pyfixest loop (timed on {sampled} draws)",
        theirs * draws * policies / sampled,
    )


def bench_resampling(database: Path):
    """Mediation bootstraps and group permutations, against one pyfixest fit per draw and regression."""
    import pyfixest
    from city_policy.estimation.estimators.group_differences import group_differences
    from city_policy.estimation.estimators.mediation import mediation_effects

    panel, timing, specifications, controls = study(database)
    mediations = specifications[specifications["estimator"] == "mediation"]
    pairs = specifications[
        (specifications["estimator"] == "group_difference") & (specifications["paper_table"] == "10")
    ]
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


def bench_fit(database: Path):
    """One regression with clustered errors on the city panel: against plain numpy and against pyfixest."""
    import numpy as np
    import pyfixest
    from city_policy.estimation.computation.cross_products import CrossProducts

    panel, _, _, controls = study(database)
    sample = panel[panel["sample_full"]].sort_values(["adcode", "year"], ignore_index=True)
    city, year = (np.unique(sample[name].to_numpy(), return_inverse=True)[1] for name in ("adcode", "year"))
    targets, others = (sample[names].to_numpy(dtype=float) for names in (["bcs", "nqp"], controls))
    grid = np.column_stack([targets[:, :1], others, targets[:, 1:]]).reshape(city.max() + 1, year.max() + 1, -1)
    found = {}

    def ours():
        fit = CrossProducts(city, year, targets, others).weigh().regress(1, [0], clustered=True)
        found["ours"] = fit.estimate[0, 0], fit.std_error_crv1[0, 0]

    def numpy_alone():
        # What a balanced panel allows, and nothing is checked: twice demeaned, least squares, a sandwich.
        z = grid - grid.mean(axis=1, keepdims=True) - grid.mean(axis=0, keepdims=True) + grid.mean(axis=(0, 1))
        x, y = z[:, :, :-1], z[:, :, -1]
        flat = x.reshape(-1, x.shape[2])
        bread = np.linalg.inv(flat.T @ flat)
        coefficients = bread @ (flat.T @ y.ravel())
        scores = np.einsum("ctk,ct->ck", x, y - x @ coefficients) @ bread
        (g, t, k), n = x.shape, y.size
        factor = g / (g - 1) * (n - 1) / (n - k - t)
        found["numpy"] = coefficients[0], np.sqrt(factor * (scores[:, 0] ** 2).sum())

    def library():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            formula = f"nqp ~ bcs + {' + '.join(controls)}|adcode + year"
            found["pyfixest"] = pyfixest.feols(formula, sample, vcov={"CRV1": "adcode"}).coef()["bcs"]

    def many(function):
        return lambda: [function() for _ in range(20)]

    library()
    ours_seconds, numpy_seconds = alternate(many(ours), many(numpy_alone))
    _, library_seconds = alternate(ours, library)
    np.testing.assert_allclose(found["ours"], found["numpy"], rtol=1e-9)
    np.testing.assert_allclose(found["ours"][0], found["pyfixest"], rtol=1e-6)
    what = f"one regression, {len(sample)} rows, clustered"
    return [
        (
            what,
            "CrossProducts(...).weigh().regress(...)",
            ours_seconds / 20,
            "plain numpy, balanced only",
            numpy_seconds / 20,
        ),
        (what, "CrossProducts(...).weigh().regress(...)", ours_seconds / 20, "pyfixest", library_seconds),
    ]


def bench_wild(database: Path):
    """Wild cluster bootstrap, 9,999 draws with its interval, against wildboottest (p only) where it is installed."""
    import numpy as np
    from city_policy.estimation.computation.cross_products import CrossProducts, generator, wild_bootstrap

    panel, _, _, controls = study(database)
    sample = panel[panel["sample_full"]].sort_values(["adcode", "year"], ignore_index=True)
    city, year = (np.unique(sample[name].to_numpy(), return_inverse=True)[1] for name in ("adcode", "year"))
    targets, others = (sample[names].to_numpy(dtype=float) for names in (["bcs", "nqp"], controls))
    found = {}

    def ours():
        found["ours"] = wild_bootstrap(CrossProducts(city, year, targets, others), 1, 0, 9999, generator(1)).p_value

    what = "wild cluster bootstrap, 9999 draws"
    try:
        import statsmodels.api as sm
        from wildboottest.wildboottest import wildboottest
    except ImportError:
        seconds, _ = alternate(ours, lambda: None)
        return what, "wild_bootstrap", seconds, "wildboottest: not installed", None
    # wildboottest knows no fixed effects: the years stay as dummies, the cities are demeaned away.
    columns = np.column_stack([targets[:, 0], others, np.eye(year.max() + 1)[year][:, 1:]])
    swept = columns - np.array([columns[city == one].mean(axis=0) for one in range(city.max() + 1)])[city]
    outcome = targets[:, 1] - (np.bincount(city, targets[:, 1]) / np.bincount(city))[city]
    model = sm.OLS(outcome, swept / np.linalg.norm(swept, axis=0))

    def library():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = wildboottest(model, 9999, city, "x1", "rademacher", seed=1, show=False)
        found["wildboottest"] = float(result["p-value"].iloc[0])

    library()
    seconds, theirs = alternate(ours, library)
    assert abs(found["ours"] - found["wildboottest"]) < 0.03, found
    return what, "wild_bootstrap", seconds, "wildboottest (p only)", theirs


def bench_large(rows: int) -> list[tuple]:
    """One regression with clustered errors at 3,000 rows and every tenfold up to ``rows``, peak memory beside."""
    import bench_large as large
    import numpy as np

    result = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "panel.parquet"
        sizes = [size for size in (3 * 10**power for power in range(3, 12)) if size <= rows]
        for size in [*sizes, *([rows] if rows not in sizes else [])]:
            free = shutil.disk_usage(folder).free
            if free < 100 * size:
                result.append((f"one regression, {size} rows", "cluster_moments", None, "disk is full", None))
                break
            large.simulate(size, path)
            # In turn, so that a busy moment hits all of them; the largest once, since it takes long.
            repeats = RUNS if size <= 30_000_000 else 1
            ways = {way: [] for way in large.WAYS}
            for _ in range(repeats):
                for way, runs in ways.items():
                    if not runs or "failed" not in runs[-1]:
                        runs.append(large.run(way, path))
            middle = {way: statistics_of(runs) for way, runs in ways.items()}
            what = f"one regression, {size} rows, clustered, from Parquet"
            for way, name in (
                ("macro", "cluster_moments"),
                ("sorted_rows", "sum_sorted_rows, rows of a unit together"),
            ):
                ours = middle[way]
                if "failed" in ours:
                    result.append((what, f"{name}: {ours['failed']}", None, "", None))
                    continue
                for other_way, other_name in (
                    ("scan", "DuckDB summing the columns"),
                    ("pyfixest", "pyfixest, fastest"),
                ):
                    other = middle[other_way]
                    if "failed" in other:
                        other_name, other = f"{other_name}: {other['failed']}", {"seconds": None, "megabytes": None}
                    elif other_way == "pyfixest":
                        np.testing.assert_allclose(ours["estimate"], other["estimate"], rtol=1e-5)
                    seconds, megabytes = ([one[unit] for one in (ours, other)] for unit in ("seconds", "megabytes"))
                    result.append((what, name, seconds[0], other_name, seconds[1], *megabytes))
            if "failed" in middle["macro"] and "failed" in middle["sorted_rows"]:
                break
            if not any("failed" in middle[way] for way in ("macro", "sorted_rows")):
                for number in ("estimate", "std_error"):
                    np.testing.assert_allclose(middle["macro"][number], middle["sorted_rows"][number], rtol=1e-9)
    return result


def statistics_of(runs: list[dict]) -> dict:
    """The medians of several runs of one way; the failure if the last one failed."""
    if "failed" in runs[-1]:
        return runs[-1]
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def bench_fixest() -> tuple:
    """R's fixest on a panel of the same size, without reading; says so where it is not installed."""
    what, ours = "one regression, 3025 rows, clustered", "CrossProducts(...).weigh().regress(...)"
    code = (
        "suppressMessages(library(fixest)); set.seed(1); d <- expand.grid(t = 1:11, i = 1:275); "
        "d$x <- rnorm(3025); d$y <- d$x + rnorm(3025); f <- function() feols(y ~ x | i + t, d, cluster = ~i); f(); "
        "cat(median(sapply(1:20, function(k) system.time(f())[['elapsed']])))"
    )
    rscript = shutil.which("Rscript")
    done = rscript and subprocess.run([rscript, "-e", code], capture_output=True, text=True, check=False)
    if not done or done.returncode:
        return what, ours, None, "R fixest: not installed", None
    return what, ours, None, "R fixest (one regressor)", float(done.stdout)


def build_profile(run_results: Path) -> tuple[list[tuple[str, float]], float]:
    """Nodes of the last build by seconds, and how long dbt took from first to last."""
    content = json.loads(run_results.read_text())
    nodes = [(result["unique_id"], result["execution_time"]) for result in content["results"]]
    return sorted(nodes, key=lambda pair: -pair[1]), content["elapsed_time"]


class Published:
    """What a Python model asks of dbt, answered from the published database."""

    def __init__(self, connection):
        self._connection = connection
        rows = connection.execute("select table_name, table_schema from information_schema.tables").fetchall()
        self._schemas = dict(rows)

    def ref(self, name):
        return self._connection.table(f"{self._schemas[name]}.{name}")


def own_code(database: Path) -> list[tuple[str, float]]:
    """Seconds of every Python model on the published tables, without dbt and with everything imported: a first call
    imports, the second is timed."""
    import duckdb

    found = []
    with duckdb.connect(str(database), read_only=True) as connection:
        dbt = Published(connection)
        for path in sorted((PROJECT / "models").rglob("*.py")):
            scope: dict = {}
            exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), scope)
            with warnings.catch_warnings(), open(os.devnull, "w") as silent, contextlib.redirect_stdout(silent):
                warnings.simplefilter("ignore")
                logging.disable()
                scope["model"](dbt, connection)
                start = time.perf_counter()
                scope["model"](dbt, connection)
                found.append((path.stem, time.perf_counter() - start))
    return sorted(found, key=lambda pair: -pair[1])


def import_profile() -> list[tuple[str, float]]:
    """Seconds of importing what the Python models import, each in a process of its own."""
    found = []
    modules = sorted(
        {
            line.split()[1]
            for path in (PROJECT / "models").rglob("*.py")
            for line in path.read_text(encoding="utf-8").splitlines()
            if line.strip().startswith("from city_policy")
        }
    )
    for module in [*modules, "pyfixest", "great_expectations", "dbt.cli.main"]:
        code = f"import time; s = time.perf_counter(); import {module}; print(time.perf_counter() - s)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=PROJECT)
        if done.returncode == 0:
            found.append((module, float(done.stdout.split()[-1])))
    return sorted(found, key=lambda pair: -pair[1])


def show(value, digits=3) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--yearbooks", type=Path, help="editions to read; without it made-up workbooks")
    parser.add_argument(
        "--rows", type=int, default=300_000, help="rows of the largest simulated panel (default 300000)"
    )
    parser.add_argument(
        "--out", type=Path, help="write the table there as CSV (default: bench.csv in the data directory)"
    )
    arguments = parser.parse_args()
    data = Path(os.environ.get("CITY_POLICY_DATA", PROJECT / "data"))
    database = data / "city_policy.duckdb"
    if not database.is_file():
        print(f"bench: {database} is missing; run make build first.", file=sys.stderr)
        return 2
    if arguments.rows < 3000:
        print(f"bench: {arguments.rows} rows were asked for; expected at least 3000.", file=sys.stderr)
        return 2
    from bench_micro import bench_micro

    placebo_row, resampling_row = bench_placebo(database), bench_resampling(database)
    together = [one + two for one, two in zip(placebo_row[2::2], resampling_row[2::2], strict=True)]
    rows = [
        bench_reader(arguments.yearbooks),
        *bench_fit(database),
        bench_fixest(),
        placebo_row,
        resampling_row,
        ("both together", "city_policy.estimation", together[0], "pyfixest loop", together[1]),
        bench_wild(database),
        *bench_large(arguments.rows),
        *bench_micro(arguments.rows),
    ]
    rows = [(*row, *[None] * (7 - len(row))) for row in rows]
    header = [
        "what",
        "ours",
        "seconds",
        "compared_with",
        "compared_seconds",
        "megabytes",
        "compared_megabytes",
        "ratio",
    ]
    print(f"{'what':55s} {'seconds':>9s} {'MB':>6s} {'compared with':45s} {'seconds':>9s} {'MB':>6s} {'ratio':>9s}")
    out = arguments.out or data / "bench.csv"
    aside = out.with_suffix(".new")
    with open(aside, "w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(header)
        for what, way, ours, other, theirs, ours_memory, their_memory in rows:
            ratio = None if ours is None or theirs is None else ours / theirs
            writer.writerow([what, way, ours, other, theirs, ours_memory, their_memory, ratio])
            print(
                f"{what:55s} {show(ours, 4):>9s} {show(ours_memory, 0):>6s} {other:45s} {show(theirs, 4):>9s} "
                f"{show(their_memory, 0):>6s} {show(ratio, 4):>9s}"
            )
    os.replace(aside, out)
    print(f"written to {out}")
    run_results = Path(os.environ.get("DBT_TARGET_PATH", PROJECT / "target")) / "run_results.json"
    if run_results.is_file():
        nodes, elapsed = build_profile(run_results)
        print("\nslowest nodes of the last build (seconds)")
        for node, seconds in nodes[:15]:
            print(f"{seconds:9.2f}  {node}")
        own = own_code(database)
        print("\nour own code: the Python models once more, without dbt and imports (seconds)")
        for model, seconds in own:
            print(f"{seconds:9.2f}  {model}")
        total = sum(seconds for _, seconds in own)
        print(f"{total:9.2f}  in all: {total / elapsed:.0%} of the {elapsed:.1f} s that dbt took")
        print("\nimports, each in a process of its own (seconds)")
        for module, seconds in import_profile():
            print(f"{seconds:9.2f}  {module}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
