"""Fixtures that several test files use."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def project() -> Path:
    """The project root."""
    return PROJECT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of public test material beside the checkout; the project itself never depends on it."""
    folder = PROJECT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the public test material (a folder 'shared' beside the checkout) is absent")
    return folder


def copy_project(folder: Path) -> Path:
    """A copy of what dbt reads, so that a test may break it."""
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(PROJECT / name, folder / name)
    for name in ("models", "seeds", "macros", "analysis"):
        shutil.copytree(PROJECT / name, folder / name)
    shutil.copytree(PROJECT / "tests", folder / "tests", ignore=shutil.ignore_patterns("python"))
    (folder / "data").mkdir()
    return folder


def run(command: list[str], folder: Path, data: Path, **options) -> subprocess.CompletedProcess:
    """Run a command of the environment in ``folder`` with its own data and dbt target directory."""
    return subprocess.run(
        [str(Path(sys.executable).parent / command[0]), *command[1:]],
        cwd=folder,
        env=environment(data),
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
    }
