"""One regression on a large simulated panel, each way in a process of its own: called by ``bench/bench.py``.

``python bench/bench_large.py WAY PARQUET`` runs one way and prints seconds (imports not counted), peak memory and the
estimate as JSON. The ways: ``scan`` (DuckDB sums the columns and does nothing else), ``macro`` (the macro
cluster_moments and the regression that follows from it), ``sorted_rows`` (the same by sum_sorted_rows, since the file
has the rows of a unit side by side; half of the units in each of two threads), ``pyfixest`` (its fastest setting of
those that its documentation offers: no copies, nothing stored).
"""

import json
import os
import resource
import subprocess
import sys
import time
import warnings
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
REGRESSORS = ["treated", "x1", "x2", "x3", "x4", "x5"]
COLUMNS = ["y", *REGRESSORS]
YEARS = 10
CITIES = 275


def simulate(rows: int, path: Path, threads: int = 2) -> None:
    """A simulated panel of firms in 275 cities over ten years as Parquet, written by DuckDB, an effect of 0.1 planted.

    Numbers come from hashes, so that the file is the same on every machine. Rows are in order of unit and year.
    """
    import duckdb

    def normal(number):
        # Box and Muller; hash gives 64 bits.
        first, second = (f"(hash(code + {2 * number + part}) // 2048 / 9007199254740992.0)" for part in (0, 1))
        return f"sqrt(-2 * ln({first} + 1e-17)) * cos(2 * pi() * {second})"

    with duckdb.connect(config={"threads": threads}) as connection:
        connection.execute(f"""
            copy (
                with units as (
                    select range as unit, (hash(range) % {CITIES})::integer as city,
                        (hash(range + 1) % 1000) / 100.0 as level
                    from range({rows // YEARS})
                ),
                cells as (
                    select *, (year >= 2014 + city % 5)::integer * (city % 3 = 0)::integer as treated,
                        (unit * {YEARS} + year) * 100 as code
                    from (select *, unnest(range(2011, 2011 + {YEARS})) as year from units)
                ),
                controls as (
                    select *, {", ".join(f"level + {normal(number)} as x{number}" for number in range(1, 6))} from cells
                )
                select unit, city, year, treated::double as treated, x1, x2, x3, x4, x5,
                    0.1 * treated + 0.3 * x1 - 0.2 * x2 + level + 0.02 * (year - 2011) + {normal(6)} as y
                from controls
            ) to '{path}' (format parquet)""")


def scan(path):
    import duckdb

    with duckdb.connect() as connection:
        start = time.perf_counter()
        sums = ", ".join(f"sum({column})" for column in ["unit", "city", "year", *COLUMNS])
        connection.execute(f"select {sums} from read_parquet('{path}')").fetchall()
        return {"seconds": time.perf_counter() - start}


def macro(path):
    import duckdb
    import pandas  # noqa: F401 (DuckDB imports it when the first frame is asked for)
    from city_policy.estimation.large_panels.database_cross_products import read_moments

    sys.path.insert(0, str(PROJECT / "tests" / "python"))
    from resampling_reference import cluster_moments

    with duckdb.connect(config={"temp_directory": str(path.parent / "spilled")}) as connection:
        start = time.perf_counter()
        relation = f"read_parquet('{path}')"
        table = connection.execute(cluster_moments(relation, "unit", "city", "year", "y", REGRESSORS)).df()
        in_database = time.perf_counter() - start
        fit = read_moments(table, ["treated", "y"], REGRESSORS[1:]).weigh().regress(1, [0], clustered=True)
        return {
            "seconds": time.perf_counter() - start,
            "in_database": in_database,
            "estimate": fit.estimate[0, 0],
            "std_error": fit.std_error_crv1[0, 0],
        }


def sorted_rows(path):
    import duckdb
    from city_policy.estimation.large_panels.database_cross_products import read_moments
    from city_policy.estimation.large_panels.sorted_rows import sum_sorted_rows

    query = f"select unit, city, year, {', '.join(COLUMNS)} from read_parquet('{path}') where unit"

    def regression(*conditions):
        # Every reader scans in the thread that sums, while the batch is in the processor's cache.
        with duckdb.connect(config={"threads": 1}) as connection:
            cursors = [connection.cursor().execute(query + condition) for condition in conditions]
            table = sum_sorted_rows(*(cursor.to_arrow_reader(32_768) for cursor in cursors))
        return read_moments(table, ["treated", "y"], REGRESSORS[1:]).weigh().regress(1, [0], clustered=True)

    # A small one first: what is compiled or imported at the first one is not counted.
    regression(" < 300")
    start = time.perf_counter()
    units = duckdb.execute(f"select max(unit) + 1 from read_parquet('{path}')").fetchone()[0]
    fit = regression(f" < {units // 2}", f" >= {units // 2}")
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "estimate": fit.estimate[0, 0], "std_error": fit.std_error_crv1[0, 0]}


def pyfixest(path):
    import pyarrow.parquet as parquet
    import pyfixest as library

    formula = f"y ~ {' + '.join(REGRESSORS)} | unit + year"
    options = {"vcov": {"CRV1": "city"}, "copy_data": False, "store_data": False, "lean": True}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # A small fit first: what is compiled or imported at the first one is not counted.
        data = parquet.read_table(path, columns=["unit", "city", "year", *COLUMNS]).to_pandas()
        library.feols(formula, data[data["unit"] < 300], **options)
        start = time.perf_counter()
        data = parquet.read_table(path, columns=["unit", "city", "year", *COLUMNS]).to_pandas()
        fit = library.feols(formula, data, **options)
        seconds = time.perf_counter() - start
    return {"seconds": seconds, "estimate": fit.coef()["treated"], "std_error": fit.se()["treated"]}


WAYS = {"scan": scan, "macro": macro, "sorted_rows": sorted_rows, "pyfixest": pyfixest}


def available_memory() -> int:
    """Bytes that a process may take without the machine running out."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("/proc/meminfo does not say how much memory is available")


def run(way: str, path: Path) -> dict:
    """One way in a process of its own, which may take nine tenths of the memory that is free."""
    limit = int(0.9 * available_memory())

    def capped():
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))

    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(PROJECT / "python"), os.environ.get("PYTHONPATH", "")])
    }
    done = subprocess.run(
        [sys.executable, __file__, way, str(path)],
        capture_output=True,
        text=True,
        env=environment,
        preexec_fn=capped,
        check=False,
    )
    if done.returncode:
        return {"failed": f"needs more than {limit / 1e9:.0f} GB" if "emory" in done.stderr else done.stderr[-300:]}
    return json.loads(done.stdout)


if __name__ == "__main__":
    result = WAYS[sys.argv[1]](Path(sys.argv[2]))
    # Not getrusage: its peak starts from that of the process which started this one.
    (peak,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    result["megabytes"] = int(peak.split()[1]) / 1024
    print(json.dumps({name: float(value) for name, value in result.items()}))
