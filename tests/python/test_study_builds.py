"""Studies of any shape end in a build or in one sentence, and a user's folder is never written, not even by a build that
is killed.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from city_policy.errors import InputError
from city_policy.study import check_study, write_copy
from conftest import environment, run
from study_folders import PANEL_STUDY, small_panel, snapshot, write_folder, write_rows


def test_the_copy_of_a_killed_build_is_removed_by_the_next(project, tmp_path):
    small_panel(project).to_csv(tmp_path / "panel.csv", index=False)
    study = check_study(write_folder(tmp_path / "study", PANEL_STUDY), project, tmp_path / "panel.csv")
    write_folder(tmp_path / "data" / ".study-abc", {"study": "half"})
    write_copy(study, tmp_path / "data")
    assert {path.name for path in (tmp_path / "data").iterdir()} == {"study", "landing"}
    assert {path.name for path in (tmp_path / "data" / "landing").iterdir()} == {"panel.parquet"}


# ------------------------------------------------------------------------------------------- studies of random shape

RESULTS = {
    "baseline_effects": "fixed_effects", "event_study": "event_study", "placebo_test": "placebo",
    "robustness_effects": "matching", "bacon_decomposition": "bacon",
    "heterogeneity_robust_effects": "imputation", "instrumental_variable": "instrumental_variable",
}  # fmt: skip


def random_panel(project, generator: np.random.Generator) -> pd.DataFrame:
    """A panel with gaps, missing values, cities that are always treated, columns that never change, or few cities."""
    frame = small_panel(project, int(generator.choice([2, 5, 12, 30])))
    cities = frame["city"].unique()
    frame["constant"] = 1.0
    frame["always"] = (frame["city"].isin(cities[: len(cities) // 2])).astype(int)
    frame["slow"] = frame["city"].map({city: value for value, city in enumerate(cities)}).astype(float)
    frame["big"] = frame["x"] * 1e6
    for column in ("x", "y", "z"):
        if generator.random() < 0.4:
            frame.loc[generator.random(len(frame)) < 0.2, column] = np.nan
    if generator.random() < 0.5:
        frame = frame[generator.random(len(frame)) < 0.85]
    if generator.random() < 0.2:
        frame["x"] = np.nan
    return frame


def random_study(generator: np.random.Generator, number: int, results: Mapping[str, str]) -> dict[str, str]:
    """A study folder of one to six policies, one to three outcomes, and some controls and samples."""
    n_policies, n_outcomes = int(generator.integers(1, 7)), int(generator.integers(1, 4))
    policies: list[dict[str, str]] = []
    units: list[dict[str, str]] = []
    for position in range(n_policies):
        plain = [row["policy_id"] for row in policies if row["kind"] != "derived"]
        kind = str(
            generator.choice(["listed", "own", "column", "derived"] if len(plain) > 1 else ["listed", "own", "column"])
        )
        row = {
            "policy_id": f"p{position}",
            "kind": "listed" if kind == "own" else kind,
            "list_id": "",
            "panel_column": "",
            "components": "",
        }
        if kind == "listed":
            row["list_id"] = str(generator.choice(["miit_ndrc", "most_torch", "ndrc_low_carbon"]))
        elif kind == "own":
            year = int(generator.integers(2005, 2026))
            names = generator.choice(["杭州市", "广东省", "北京市", "成都市", "江苏省"], 2, replace=False)
            units += [{"policy_id": row["policy_id"], "unit": str(name), "start_year": str(year)} for name in names]
        elif kind == "column":
            row["panel_column"] = str(generator.choice(["did", "always"]))
        else:
            row["components"] = " ".join(map(str, generator.choice(plain, 2, replace=False)))
        policies.append(row)
    variables = [
        {
            "variable": f"y{position}",
            "role": "outcome",
            "expression": str(generator.choice(["y", "ln(y)", "y - x", "constant"])),
        }
        for position in range(n_outcomes)
    ]
    variables += [
        {"variable": f"c{position}", "role": "control", "expression": expression}
        for position, expression in enumerate(
            generator.choice(["x", "slow", "constant", "big", "ln(x)"], int(generator.integers(0, 5)), replace=False)
        )
    ]
    variables += [
        {"variable": "iv", "role": "instrument", "expression": "z"},
        {"variable": "grp", "role": "group", "expression": "kind"},
    ]
    conditions = {
        "sample_a": "grp = 'a'",
        "sample_none": "year > 2050",
        "sample_late": "year >= 2015 and p0 is not null",
    }
    samples = dict(list(conditions.items())[: int(generator.integers(0, 4))])
    specifications = [
        {
            "specification": f"s{position}_{result}", "result": result, "estimator": estimator,
            "outcome": f"y{int(generator.integers(n_outcomes))}", "treatment": str(generator.choice(["each", "p0"])),
            "sample": str(generator.choice(["sample_full", *samples])), "variant": "iv" if result == "instrumental_variable" else "",
        }
        for position, (result, estimator) in enumerate(results.items())
        if position == 0 or generator.random() < 0.6
    ]  # fmt: skip
    specifications += [
        {
            "specification": f"trends_{variant}", "result": "parallel_trends_sensitivity", "estimator": "honest_did",
            "outcome": "y0", "treatment": "each", "sample": "sample_full", "variant": variant,
        }
        for variant in ("two_way", "imputation", "sun_abraham")
    ]  # fmt: skip
    study = {
        "study": f"key,value\nid,random_{number}\ntitle_zh,随机\ntitle_en,Random\nplacebo_draws,20\nbootstrap_draws,20\n"
        "permutation_draws,20\nwild_draws,99\n",
        "policies": write_rows(policies), "variables": write_rows(variables), "specifications": write_rows(specifications),
    }  # fmt: skip
    if units:
        study["pilot_units"] = write_rows(units)
    if samples:
        study["samples"] = write_rows([{"sample": name, "condition": text} for name, text in samples.items()])
    return study


def random_folder(project, folder: Path, number: int, results: Mapping[str, str] = RESULTS) -> tuple[Path, Path]:
    """The study of a number and its panel."""
    generator = np.random.default_rng(number)
    panel = folder / f"panel_{number}.parquet"
    random_panel(project, generator).to_parquet(panel, index=False)
    return write_folder(folder / f"study_{number}", random_study(generator, number, results)), panel


@pytest.mark.parametrize("number", range(12))
def test_a_random_study_is_checked_and_copied_or_refused_in_sentences(project, tmp_path, number):
    folder, panel = random_folder(project, tmp_path, number)
    before = snapshot(tmp_path)
    try:
        study = check_study(folder, project, panel)
    except InputError as error:
        lines = str(error).splitlines()
        assert all(line.endswith(".") for line in lines[1:]) and "Traceback" not in str(error)
        assert snapshot(tmp_path) == before
        return
    copies = [write_copy(study, tmp_path / "copies" / str(attempt)) for attempt in (1, 1, 2)]
    assert snapshot(copies[0].parent) == snapshot(copies[2].parent)
    assert {path.name for path in copies[0].parent.iterdir()} == {"study", "landing"}
    n_rows = duckdb.sql(f"select count(*) from '{copies[0].parent}/landing/panel.parquet'").fetchone()[0]
    assert n_rows == len(pd.read_parquet(panel))
    assert {name: content for name, content in snapshot(tmp_path).items() if not name.startswith("copies")} == before


# ------------------------------------------------------------------------------------------- builds that are killed

# Seconds after which a build is killed: while it checks, reads seeds, cleans, estimates and publishes.
MOMENTS = (0.3, 1.5, 3.0, 5.0, 8.0, 12.0)


def test_builds_that_are_killed_and_the_next_leave_the_folder_as_it_was(project, tmp_path):
    """The study identifies little: its instruments, event studies and matches are rows without numbers."""
    mine = tmp_path / "mine"
    mine.mkdir()
    folder, panel = random_folder(project, mine, 11)
    before = snapshot(mine)
    times = {path: path.stat().st_mtime_ns for path in mine.rglob("*")}
    arguments = ["build", "--threads", "2", "--study", str(folder), "--panel", str(panel)]
    command = [str(Path(sys.executable).parent / "city-policy"), *arguments]
    # Two builds at a time, each in a data directory of its own, in which the next one goes on.
    for pair in zip(MOMENTS[::2], MOMENTS[1::2], strict=True):
        start = time.monotonic()
        builds = [
            subprocess.Popen(
                command, cwd=project, env=environment(tmp_path / f"data_{number}"), start_new_session=True,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )
            for number in (1, 2)
        ]  # fmt: skip
        for moment, build in zip(pair, builds, strict=True):
            time.sleep(max(0.0, start + moment - time.monotonic()))
            os.killpg(build.pid, signal.SIGKILL)
            assert build.wait() == -signal.SIGKILL, "the build ended before it was killed"
            assert snapshot(mine) == before
    # What the killed ones left behind disturbs no build, and a whole one changes nothing of the user's either.
    data = tmp_path / "data_2"
    result = run(["city-policy", *arguments], project, data)
    output = result.stdout + result.stderr
    assert "Traceback" not in output and result.returncode == 0, output[-3000:]
    assert snapshot(mine) == before
    assert {path: path.stat().st_mtime_ns for path in mine.rglob("*")} == times
    (path,) = (data / "studies").glob("*/city_policy.duckdb")
    assert not list(path.parent.glob(".study-*")), "a killed build left its copy behind"
    with duckdb.connect(str(path), read_only=True) as database:
        # What cannot be estimated is a row that says why.
        (n_rows,) = database.sql(
            "select count(*) from results.baseline_effects where status = 'ok' or message is not null"
        ).fetchone()
        assert n_rows > 0
        assert database.sql("select sentence from results.sentences where sentence_zh is null").fetchall() == []


def test_the_cross_check_of_large_numbers(project):
    from city_policy.estimation.estimators.cross_check import _fit

    generator = np.random.default_rng(1)
    frame = small_panel(project).drop(index=[3, 40, 77])
    data = frame.assign(outcome=frame["y"], x0=frame["did"], x1=1e9 * np.exp(generator.normal(size=len(frame))))
    assert set(_fit(data, 2)) == {"iid", "CRV1"}
