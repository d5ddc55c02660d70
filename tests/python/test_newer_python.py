"""The library on a newer Python than the environment's, from the same lock: estimators and reader give what they give here.

The lock holds other versions of numpy and scipy for newer interpreters, so this is a test of these too. The environment is
made once, in ``.venv-3.13`` beside ``.venv``, and made anew when the lock changes.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PROJECT
from filelock import FileLock

NEWEST = 14
INSTALL_SECONDS = 300
TESTS = (
    "weights",
    "coupling",
    "fixed_effects",
    "event_study",
    "instrumental_variable",
    "matching",
    "reader_numbers",
    "reader_text",
    "reader_files",
    "reader_bad_input",
    "reader_supplementary",
)
# The compiled pass over sorted rows needs the extra `large`.
IMPORT_ALL = """
import importlib, pkgutil, city_policy
for module in pkgutil.walk_packages(city_policy.__path__, "city_policy."):
    if not module.name.endswith(".sorted_rows_kernel"):
        importlib.import_module(module.name)
"""


def newer_interpreter() -> tuple[str, Path]:
    """Version and path of the newest Python above this one, on PATH or among pyenv's; the test is skipped without."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for minor in range(NEWEST, sys.version_info.minor, -1):
        name = f"python3.{minor}"
        for path in (shutil.which(name), *sorted(pyenv.glob(f"3.{minor}.*/bin/{name}"), reverse=True)):
            # A name on PATH may stand for an interpreter that is switched off.
            if path and subprocess.run([path, "-c", "import venv, ensurepip"], capture_output=True).returncode == 0:
                return f"3.{minor}", Path(path)
    pytest.skip(f"no Python newer than 3.{sys.version_info.minor} is installed")


def environment_of(version: str, interpreter: Path) -> Path:
    """The Python of the environment in ``.venv-<version>``; the test is skipped where it cannot be made."""
    folder = PROJECT / f".venv-{version}"
    python, stamp = folder / "bin" / "python", folder / "lock.sha256"
    digest = hashlib.sha256((PROJECT / "requirements.lock").read_bytes()).hexdigest()
    with FileLock(f"{folder}.lock"):
        if not stamp.is_file() or stamp.read_text() != digest:
            # The lock is complete, and most modules of its packages are never imported, so that none is compiled ahead.
            install = ["install", "--quiet", "--require-hashes", "--no-deps", "--no-compile", "-r", "requirements.lock"]
            for command in (
                [interpreter, "-m", "venv", "--clear", folder],
                [python, "-m", "pip", *install],
            ):
                try:
                    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=INSTALL_SECONDS)
                except subprocess.TimeoutExpired:
                    pytest.skip(f"the environment of Python {version} is not made within {INSTALL_SECONDS} seconds")
                if done.returncode:
                    reason = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1]
                    pytest.skip(f"the environment of Python {version} cannot be made here: {reason}")
            (site,) = folder.glob("lib/python3.*/site-packages")
            (site / "city_policy.pth").write_text(f"{PROJECT / 'python'}\n")
            stamp.write_text(digest)
    return python


def test_the_library_works_on_a_newer_python():
    version, interpreter = newer_interpreter()
    python = environment_of(version, interpreter)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PYTHON"))}
    files = [f"tests/python/test_{name}.py" for name in TESTS]
    for command in (
        ["-W", "error::SyntaxWarning", "-m", "compileall", "-q", "-f", "python/city_policy"],
        ["-c", IMPORT_ALL],
        ["-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", *files],
    ):
        done = subprocess.run([python, *command], cwd=PROJECT, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"Python {version}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
