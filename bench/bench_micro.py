"""Counting simulated firms on DuckDB and Spark: seconds, peak memory of all processes, and disk beside the extract."""

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

PROJECT = Path(__file__).resolve().parents[1]
PYTHON = PROJECT / ".venv-micro" / "bin" / "python"
# Spark is compared up to here; beyond, one machine would take hours.
LARGEST_ON_SPARK = 10_000_000


def bench_micro(rows: int) -> list[tuple]:
    """Counts of a million simulated firms and every tenfold up to ``rows``."""
    if not PYTHON.exists():
        return [("count of simulated firms", "not installed (make .venv-micro/installed)", None, "", None)]
    sys.path.insert(0, str(PROJECT / "tests" / "python"))
    from simulated_extracts import simulate

    result = []
    for size in (10**power for power in range(6, 12) if 10**power <= rows):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
            folder = Path(name)
            simulate(folder, size)
            ours = _count(folder, "duckdb")
            theirs = _count(folder, "spark") if size <= LARGEST_ON_SPARK else {}
            if theirs and theirs["counts"] != ours["counts"]:
                raise RuntimeError(f"DuckDB and Spark count differently over {size} simulated firms.")
        result.append(
            (
                f"count of {size} simulated firms",
                f"DuckDB, {ours['disk']:.1f} GB of disk",
                ours["seconds"],
                f"Spark, {theirs['disk']:.1f} GB of disk" if theirs else "",
                theirs.get("seconds"),
                ours["megabytes"],
                theirs.get("megabytes"),
            )
        )
    return result


def _count(folder, engine):
    """One count in processes of its own, looked at twice a second."""
    data = folder / engine
    data.mkdir()
    command = [PYTHON, PROJECT / "micro" / "count.py", "--firms", folder / "firms", "--mapping", folder / "mapping.csv"]
    start = time.perf_counter()
    process = subprocess.Popen(
        [*map(str, command), "--target", engine],
        env=os.environ | {"CITY_POLICY_DATA": str(data)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    peaks = {"megabytes": 0.0, "disk": 0.0}
    ended = threading.Event()
    watcher = threading.Thread(target=_watch, args=(process.pid, data, peaks, ended))
    watcher.start()
    _, errors = process.communicate()
    seconds = time.perf_counter() - start
    ended.set()
    watcher.join()
    if process.returncode:
        raise RuntimeError(f"The count on {engine} failed: {errors[-500:]}")
    counts = (data / "micro" / "supplementary" / "city_counts.csv").read_bytes()
    return {"seconds": seconds, "counts": counts, **peaks}


def _watch(process, data, peaks, ended):
    """Keep the largest sums: resident memory of a process and its descendants, and size of the files below ``data``."""
    while not ended.wait(0.5):
        memory = disk = 0
        try:
            family = psutil.Process(process)
            for one in (family, *family.children(recursive=True)):
                memory += one.memory_info().rss
        except psutil.NoSuchProcess:
            continue
        for file in data.rglob("*"):
            try:
                disk += file.stat().st_blocks * 512
            except FileNotFoundError:
                continue
        peaks["megabytes"] = max(peaks["megabytes"], memory / 1e6)
        peaks["disk"] = max(peaks["disk"], disk / 1e9)
