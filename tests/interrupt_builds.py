"""Stop builds at random moments and look at what is left; a script, because it takes longer than a test may.

    .venv/bin/python tests/interrupt_builds.py --points 40 -- --study my_study --panel panel.dta

After each signal: the publication is the former or the new one, whole; no process of the build is left; the lock is
free; readers, who look at the publication all the time, have met no error. At the end, and now and then, a build that
is left alone succeeds. ``--partial`` changes the title of a copy of the study before each build, so that each has
something new to publish.
"""

import argparse
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import duckdb

PROJECT = Path(__file__).resolve().parents[1]
COMMAND = str(Path(sys.executable).parent / "city-policy")
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


def processes(data: Path) -> list[str]:
    """The processes that write below a data directory."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environment = (entry / "environ").read_bytes()
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if f"CITY_POLICY_DATA={data}".encode() in environment.split(b"\0") and line.strip():
            found.append(f"{entry.name} {line[:100]}")
    return found


def publication(directory: Path) -> str:
    """The digest of all that is published, which must be of one version; empty where nothing is."""
    link, database = directory / "published", directory / "city_policy.duckdb"
    if not link.exists() and not database.exists():
        return ""
    state = hashlib.sha256()
    # A reader of several files resolves the link once.
    version = link.resolve(strict=True)
    for path in sorted(path for path in version.rglob("*") if path.is_file()):
        state.update(path.relative_to(version).as_posix().encode() + b"\0" + path.read_bytes())
    with duckdb.connect(str(database), read_only=True) as connection:
        ((published,),) = connection.execute("select count(*) from marts.fct_study_panel").fetchall()
        ((parquet,),) = connection.execute(
            f"select count(*) from read_parquet('{version / 'marts' / 'fct_study_panel.parquet'}')"
        ).fetchall()
    assert published == parquet, (published, parquet)
    return state.hexdigest()


def read_all_the_time(directory: Path, ended: threading.Event, met: Counter) -> None:
    """What a BI tool does while builds go on."""
    while not ended.is_set():
        if (directory / "city_policy.duckdb").exists():
            try:
                publication(directory)
                met["read"] += 1
            except Exception as error:
                met[f"{type(error).__name__}: {str(error)[:200]}"] += 1
        time.sleep(0.2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--study", type=Path, default=PROJECT / "seeds" / "studies" / "low_carbon")
    parser.add_argument("--partial", action="store_true")
    parser.add_argument("--late", action="store_true", help="all points near the end, when a build publishes")
    parser.add_argument("build", nargs="*", help="further arguments of city-policy build")
    arguments = parser.parse_args()
    draw = random.Random(arguments.seed)
    folder = Path(tempfile.mkdtemp(prefix="interrupt-"))
    study, data = folder / "study", folder / "data"
    shutil.copytree(arguments.study, study)
    command = [COMMAND, "build", "--study", str(study), *arguments.build]
    environment = os.environ | {"CITY_POLICY_DATA": str(data), "DBT_TARGET_PATH": str(folder / "target")}

    def build(number: int, wait: bool) -> subprocess.Popen:
        text = (arguments.study / "study.csv").read_text(encoding="utf-8")
        changed = [line + f" {number}" if line.startswith("title_en,") else line for line in text.splitlines()]
        (study / "study.csv").write_text("\n".join(changed) + "\n", encoding="utf-8")
        options = [] if arguments.partial else ["--fresh"]
        with open(folder / "output.txt", "w") as log:
            process = subprocess.Popen([*command, *options], cwd=PROJECT, env=environment, stdout=log, stderr=log)
        if wait and process.wait():
            sys.exit(f"build {number} failed:\n{(folder / 'output.txt').read_text()[-3000:]}")
        return process

    started = time.monotonic()
    build(0, wait=True)
    if arguments.partial:
        started = time.monotonic()
        build(1, wait=True)
    length = time.monotonic() - started
    (directory,) = (data / "studies").iterdir()
    before = publication(directory)
    ended, met, outcomes = threading.Event(), Counter[str](), Counter[str]()
    reader = threading.Thread(target=read_all_the_time, args=(directory, ended, met), daemon=True)
    reader.start()
    print(f"a build takes {length:.1f} s; {arguments.points} points", flush=True)
    for point in range(arguments.points):
        number = draw.choice(SIGNALS)
        moment = draw.uniform(0, 1.05 * length)
        if arguments.late or point % 4 == 3:
            # Publishing is short: a quarter of the points fall near the end.
            moment = draw.uniform(0.85, 1.05) * length
        process = build(point + 2, wait=False)
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            process.send_signal(number)
        code = process.wait()
        deadline = time.monotonic() + 3
        while (left := processes(data)) and time.monotonic() < deadline:
            time.sleep(0.02)
        after = publication(directory)
        what = "former" if after == before else "new"
        said = (folder / "output.txt").read_text().strip().splitlines()
        outcomes[f"{number.name} exit {code} {what}"] += 1
        problems = [f"left: {left}"] if left else []
        if number != signal.SIGKILL and code not in (0, 2) and what == "former" and "has changed" not in said[-1]:
            problems.append(f"says: {said[-3:]}")
        if any("Traceback" in line for line in said):
            problems.append(f"traceback: {said[-8:]}")
        print(f"{point:3d} {number.name:8s} at {moment:5.1f} s: exit {code}, {what} {problems or ''}", flush=True)
        before = after
        if point % 10 == 9:
            build(1000 + point, wait=True)
            before = publication(directory)
    build(2000, wait=True)
    assert publication(directory)
    ended.set()
    reader.join()
    print(dict(sorted(outcomes.items())), dict(met))
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
