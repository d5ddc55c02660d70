"""Fixtures that several test files use."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

PROJECT = Path(__file__).resolve().parents[2]

# The tests read English, whatever the locale of the machine.
os.environ["CITY_POLICY_LANGUAGE"] = "en"
# Spark lives for less than a minute here: not long enough for the second compiler or several collectors to pay.
os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")


@pytest.fixture(autouse=True)
def every_refusal_has_a_chinese_form(monkeypatch):
    """Whatever a test makes the program refuse can be said in Chinese too."""
    from city_policy.errors import InputError
    from city_policy.language import without_chinese_form

    raised: list[InputError] = []

    def remember(self, *arguments):
        Exception.__init__(self, *arguments)
        raised.append(self)

    monkeypatch.setattr(InputError, "__init__", remember, raising=False)
    yield
    # One that speaks of a study brings its Chinese form along.
    said = {str(error) for error in raised if not error.chinese}
    assert [unknown for sentence in sorted(said) for unknown in without_chinese_form(sentence)] == []


@pytest.fixture(scope="session")
def project() -> Path:
    """The project root."""
    return PROJECT


@pytest.fixture(scope="session")
def pages(project) -> dict[Path, str]:
    """The pages that people write and read: README, CONTRIBUTING and docs/, without the one that a command writes."""
    paths = [project / "README.md", project / "CONTRIBUTING.md", *sorted((project / "docs").glob("*.md"))]
    return {path: path.read_text(encoding="utf-8") for path in paths if path.name != "questions.md"}


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of public test material beside the checkout; the project itself never depends on it."""
    folder = PROJECT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the public test material (a folder 'shared' beside the checkout) is absent")
    return folder


@pytest.fixture(scope="session")
def demo_build(project, tmp_path_factory) -> Path:
    """The data directory of one whole build of the demo seeds, which all tests of a run share: read it, never change
    it. What the build printed is in ``output.txt``, dbt's artifacts are in ``target``.
    """
    return built_once("demo_build", ["--threads", "2"], project, tmp_path_factory, with_unit_tests=True)


@pytest.fixture(scope="session")
def low_carbon_build(project, tmp_path_factory) -> Path:
    """The data directory of one build of the second study on the demo yearbook: read it, never change it."""
    return built_once("low_carbon_build", ["--study", "seeds/studies/low_carbon"], project, tmp_path_factory)


@pytest.fixture(scope="session")
def yearbooks_build(project, shared, tmp_path_factory) -> Path:
    """The data directory of one whole build of four real editions: read it, never change it."""
    return built_once("yearbooks_build", ["--yearbooks", str(shared / "yearbooks")], project, tmp_path_factory)


def built_once(name: str, arguments: list[str], project: Path, tmp_path_factory, **options) -> Path:
    """The data directory of a build that all workers of a run share: the first that comes builds, the others wait."""
    base = tmp_path_factory.getbasetemp()
    data = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / name
    with FileLock(f"{data}.lock"):
        if not (data / "output.txt").is_file():
            result = run(["city-policy", "build", *arguments], project, data, **options)
            assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
            (data / "output.txt").write_text(result.stdout, encoding="utf-8")
    return data


def program(name: str, package: str) -> str:
    """The path of a program of the machine; the test is skipped where it is absent."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed (Debian: {package})")
    return path


def copy_project(folder: Path) -> Path:
    """A copy of what dbt reads, so that a test may break it."""
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(PROJECT / name, folder / name)
    for name in ("models", "seeds", "macros", "analysis"):
        shutil.copytree(PROJECT / name, folder / name)
    shutil.copytree(PROJECT / "tests", folder / "tests", ignore=shutil.ignore_patterns("python"))
    (folder / "data").mkdir()
    return folder


def run(
    command: list[str], folder: Path, data: Path, with_unit_tests: bool = False, **options
) -> subprocess.CompletedProcess:
    """Run a command of the environment in ``folder`` with its own data and dbt target directory.

    dbt's unit tests have rows of their own, whatever the study or the input: the demo build runs them for all.
    """
    return subprocess.run(
        [str(Path(sys.executable).parent / command[0]), *command[1:]],
        cwd=folder,
        env=environment(data) | ({"DBT_EXCLUDE_RESOURCE_TYPES": ""} if with_unit_tests else {}),
        capture_output=True,
        text=True,
        **options,
    )


def environment(data: Path) -> dict[str, str]:
    """The environment of a run that writes below ``data`` only."""
    return os.environ | {
        "CITY_POLICY_DATA": str(data),
        "DBT_TARGET_PATH": str(data / "target"),
        "DBT_LOG_PATH": str(data / "logs"),
        "DBT_EXCLUDE_RESOURCE_TYPES": "unit_test",
    }


def pytest_collection_modifyitems(items):
    """The files that take longest begin first, so that no process waits for them in the end."""
    longest = (
        "test_build.py",
        "test_changes.py",
        "test_study_panel.py",
        "test_study_builds.py",
        "test_recipes.py",
        "test_report.py",
        "test_real_editions.py",
        "test_newer_python.py",
        "test_report_studies.py",
        "test_study_mistakes.py",
        "test_publish.py",
        "test_hostile_panels.py",
        "test_degenerate_panels.py",
    )
    items.sort(key=lambda item: longest.index(item.path.name) if item.path.name in longest else len(longest))
