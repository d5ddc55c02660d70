"""What a build says while it works, when it fails, and in whatever locale it runs."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from city_policy.directory import is_refusal_to_write, writable
from city_policy.running.dbt import Failure, Run, run_dbt
from city_policy.running.progress import Progress
from city_policy.running.stopping import Stopped
from conftest import environment, run
from filelock import FileLock

COMMAND = str(Path(sys.executable).parent / "city-policy")


def test_progress_follows_the_seconds_of_the_build_before():
    stream = io.StringIO()
    progress = Progress({"a": 1.0, "b": 8.0, "c": 1.0}, stream=stream)
    progress.begin(3)
    shares = []
    for node in ("a", "b", "c"):
        progress.done(node, node)
        shares.append(progress.share)
    progress.end()
    assert shares == pytest.approx([0.1, 0.9, 1.0])
    assert [line.split("%")[0].strip() for line in stream.getvalue().splitlines()] == [
        "dbt build: 10",
        "dbt build: 90",
        "dbt build: 100",
    ]


def test_progress_of_a_first_build_goes_by_the_nodes():
    progress = Progress({}, stream=io.StringIO())
    progress.begin(100)
    shares = []
    for number in range(100):
        progress.done(str(number), "")
        shares.append(progress.share)
    assert shares == sorted(shares) and shares[-1] == 1.0
    # The estimates, which take most of the time, come late.
    assert shares[49] < 0.3


def test_a_terminal_has_one_line_that_goes_away():
    pytest.importorskip("pty")
    import pty

    parent, child = pty.openpty()
    with open(child, "w", closefd=False) as stream:
        progress = Progress({"a": 1.0, "b": 1.0}, stream=stream)
        progress.begin(2)
        progress.line.mininterval = 0
        progress.done("a", "estimates.est_event_study")
        progress.end()
    said = os.read(parent, 10_000).decode()
    assert "est_event_study" in said and "50 %" in said and "\n" not in said.replace("\r\n", "")


def test_a_failure_is_told_with_its_node_and_what_it_is_for():
    run_ = Run(
        failures=[
            Failure("test.x", "Failure in test x (tests/x.sql)\n  Got 1 result, configured to fail if != 0"),
            Failure("model.y", "Failure in model y (models/y.sql)"),
        ],
        skipped=7,
    )
    assert run_.told({"test.x": "Weights add up to one."}).splitlines() == [
        "  Failure in test x (tests/x.sql)",
        "  Weights add up to one.",
        "  Got 1 result, configured to fail if != 0",
        "  (1 more failures, 7 nodes skipped)",
    ]
    assert Run(last_lines=["Traceback", "MemoryError"]).told({}).splitlines() == ["  Traceback", "  MemoryError"]
    assert "Another process ended dbt by SIGKILL" in Run(exit_code=-9).told({})


def test_of_a_traceback_the_error_is_told():
    words = """Failure in model x (models/x.py)
  Runtime Error in model x (models/x.py)
  Python model failed:
  Traceback (most recent call last):
    File "x.py", line 3, in model
      return table["no"]
             ~~~~~^^^^^^
  KeyError: 'no'
  """
    assert Run(failures=[Failure("model.x", words)]).told({}).splitlines() == [
        "  Runtime Error in model x (models/x.py)",
        "  Python model failed:",
        "  KeyError: 'no'",
    ]


def test_dbt_runs_with_its_words_in_the_log(tmp_path, capsys):
    log, project = tmp_path / "build.log", tmp_path / "project"
    project.mkdir()
    (project / "dbt_project.yml").write_text("name: small\nprofile: small\n")
    (project / "profiles.yml").write_text("small: {outputs: {default: {type: duckdb, path: ':memory:'}}}\n")
    settings = {"DBT_TARGET_PATH": str(tmp_path / "target"), "CITY_POLICY_DATA": str(tmp_path)}
    arguments = ["run-operation", "no_such_macro"]
    outcome = run_dbt(arguments, project, tmp_path, settings, log, {})
    assert outcome.exit_code != 0
    assert "no_such_macro" in log.read_text(encoding="utf-8") and "no_such_macro" in outcome.told({})
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("words", "has_no_space"),
    [
        ('IO Error: Could not write file "x": No space left on device', True),
        ("Out of Memory Error: failed to offload data block; set by 'max_temp_directory_size'", True),
        ("OSError: [Errno 28] No space left on device: '/x/target/manifest.json'", True),
        ("Catalog Error: Table with name space does not exist", False),
        ("Catalog Error: Could not create view x, because a table has its name", False),
    ],
)
def test_a_full_disk_is_known_by_its_words(words, has_no_space):
    assert Run(failures=[Failure("model.x", f"Failure in model x\n  {words}")]).has_no_space is has_no_space
    assert Run(last_lines=[words]).has_no_space is has_no_space


def test_who_stops_a_command_is_told_what_became_of_it():
    stopped = Stopped(15)
    assert (stopped.exit_code, stopped.words) == (143, "Stopped by SIGTERM. What was not finished was not written.")


def test_a_locale_without_utf_8_changes_no_path_and_ends_no_command(project, tmp_path):
    settings = environment(tmp_path) | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    result = subprocess.run(
        [COMMAND, "study", "check", str(tmp_path / "没有的研究")], cwd=project, env=settings, capture_output=True
    )
    assert result.returncode == 2
    assert b"no such folder" in result.stderr and b"Traceback" not in result.stderr
    # What the terminal cannot show is shown by its number.
    assert ascii("没有的研究").strip("'").encode() in result.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["build", "--threads", "0"], "'0' is not a whole number from 1 on"),
        (["ingest", "x", "--workers", "-1"], "'-1' is not a whole number from 1 on"),
        (["montecarlo", "--replications", "0"], "'0' is not a whole number from 1 on"),
    ],
)
def test_a_number_that_is_none_is_one_sentence(project, tmp_path, arguments, sentence):
    result = run(["city-policy", *arguments], project, tmp_path)
    assert result.returncode == 2 and sentence in result.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    "command",
    [
        ["build"], ["ingest", "."], ["accept"], ["questions"], ["simulate"], ["montecarlo"], ["report"],
        ["publish", "--target", "postgresql://nobody@localhost/x"], ["study", "check", "."],
    ],
)  # fmt: skip
def test_a_command_in_another_folder_is_one_sentence(tmp_path, command):
    settings = {name: value for name, value in os.environ.items() if name != "CITY_POLICY_DATA"}
    result = subprocess.run([COMMAND, *command], cwd=tmp_path, env=settings, capture_output=True, text=True)
    assert result.returncode == 2
    assert "holds no dbt_project.yml" in result.stderr and result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_seconds_are_kept_for_the_next_build(demo_build):
    seconds = json.loads((demo_build / "seconds.json").read_text(encoding="utf-8"))
    assert seconds["model.city_policy.est_fixed_effects"] > 0 and len(seconds) > 700
    log = (demo_build / "build.log").read_text(encoding="utf-8")
    assert "Completed successfully" in log and "\x1b" not in log


def test_nothing_is_read_into_a_directory_where_a_build_runs(project, tmp_path):
    (tmp_path / "editions").mkdir()
    with FileLock(tmp_path / "build.lock"):
        result = run(["city-policy", "ingest", str(tmp_path / "editions")], project, tmp_path)
    assert result.returncode == 2 and "Another build is running" in result.stderr
    assert not (tmp_path / "landing").exists()


def test_a_file_that_may_not_be_read_is_not_called_full_disk():
    assert not is_refusal_to_write(PermissionError(13, "Permission denied", "panel.csv"))
    assert is_refusal_to_write(OSError(28, "No space left on device"))
    with pytest.raises(ZeroDivisionError), writable(Path("x")):
        print(1 // 0)
