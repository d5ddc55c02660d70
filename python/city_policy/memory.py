"""What earlier builds computed, kept by the digest of everything that it depends on.

``city-policy build`` names the folder in the environment; without it nothing is remembered, and every computation runs.
"""

import hashlib
import os
import pickle
import tempfile
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

MEMORY_DIRECTORY = "CITY_POLICY_MEMORY"

Part = str | bytes | np.ndarray | None


def is_kept() -> bool:
    """Whether there is a folder to remember in."""
    return bool(os.environ.get(MEMORY_DIRECTORY))


def digest(parts: Iterable[Part]) -> str:
    """The digest of parts in their order, each with its length, so that two parts are never taken for one."""
    state = hashlib.sha256()
    for part in parts:
        content: str | bytes
        if isinstance(part, np.ndarray):
            content = f"{part.dtype.str} {part.shape} ".encode() + np.ascontiguousarray(part).tobytes()
        else:
            content = "nothing" if part is None else part
        data = content.encode() if isinstance(content, str) else content
        state.update(len(data).to_bytes(8, "little"))
        state.update(data)
    return state.hexdigest()


@cache
def code_digest(folder: Path, libraries: tuple[str, ...]) -> str:
    """The digest of the Python files below ``folder`` and of the versions of the libraries that they compute with."""
    parts: list[Part] = []
    for path in sorted(folder.rglob("*.py")):
        parts += [str(path.relative_to(folder)), path.read_bytes()]
    for name in libraries:
        try:
            parts.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            parts.append(f"{name} absent")
    return digest(parts)


def recall(key: str) -> Any:
    """What was kept under a digest; None where nothing was."""
    path = _path(key)
    try:
        content = pickle.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    # What was used last stays when a build tidies up.
    os.utime(path)
    return content


def keep(key: str, content: Any) -> None:
    """Keep what was computed. It is written aside, then replaced: a build that is killed leaves no half of it."""
    path = _path(key)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as stream:
        stream.write(pickle.dumps(content, protocol=5))
    os.replace(aside, path)


def forget_unused(folder: Path, since: float) -> None:
    """Remove what no build has asked for after the time ``since``, in seconds as of ``time.time``."""
    for path in folder.glob("*/*"):
        if path.stat().st_mtime < since:
            path.unlink()


def _path(key: str) -> Path:
    return Path(os.environ[MEMORY_DIRECTORY]) / key[:2] / key
