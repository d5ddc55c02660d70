"""What has changed since the last build, found by content: the parts that a build is made of, and their digests."""

import hashlib
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

STATE_FILE = "build_state.json"
# The part of a state that tells whether what was published is still as it was written.
PUBLICATION = "publication"
STUDY_PREFIX = "study/"
CODE = ("models", "macros", "tests", "python/city_policy", "dbt_project.yml", "profiles.yml")
CODE_SUFFIXES = (".sql", ".py", ".yml", ".csv")
LANDING_FILES = ("yearbook_cells.parquet", "supplementary_values.parquet", "reader_notes.parquet")
READER = ("python/city_policy/reader", "seeds/mapping", "seeds/geography")


@dataclass(frozen=True)
class Changes:
    """``parts``: part -> digest as they are now; ``study``: files of the study that changed; ``rest``: the other parts
    that did, None where no build is known.
    """

    parts: Mapping[str, str]
    study: tuple[str, ...]
    rest: tuple[str, ...] | None

    @property
    def nothing(self) -> bool:
        """Whether every part is as it was."""
        return self.rest == () and not self.study

    @property
    def only_study(self) -> bool:
        """Whether nothing but files of the study changed."""
        return self.rest == ()


def digest_of_files(paths: Iterable[Path], root: Path) -> str:
    """The digest of the names and contents of files below ``root``."""
    state = hashlib.sha256()
    for path in sorted(paths):
        for part in (str(path.relative_to(root)).encode(), path.read_bytes()):
            state.update(len(part).to_bytes(8, "little"))
            state.update(part)
    return state.hexdigest()


def files_below(folder: Path, suffixes: tuple[str, ...] = ()) -> list[Path]:
    """The files of a folder, or the file itself; ``suffixes``: only those."""
    if folder.is_file():
        return [folder]
    return [path for path in folder.rglob("*") if path.is_file() and (not suffixes or path.suffix in suffixes)]


def parts_of(project: Path, copy: Path, inputs: Iterable[Path], source: str, is_published: bool) -> dict[str, str]:
    """Part -> digest of what a build is made of. ``copy``: the checked study; ``inputs``: files that were read."""
    code = [
        path for name in CODE for path in files_below(project / name, CODE_SUFFIXES) if "tests/python" not in str(path)
    ]
    parts = {
        "code": digest_of_files(code, project),
        "libraries": libraries(),
        "source": f"{source} {is_published}",
    }
    for folder in ("geography", "mapping", "policy", "yearbook"):
        parts[f"seeds/{folder}"] = digest_of_files(files_below(project / "seeds" / folder), project)
    for path in copy.glob("*.csv"):
        parts[STUDY_PREFIX + path.stem] = digest_of_files([path], copy)
    for path in inputs:
        parts[f"input/{path.name}"] = digest_of_files([path], path.parent)
    return parts


def changes_since(directory: Path, parts: Mapping[str, str]) -> Changes:
    """How ``parts`` differ from those of the last build of ``directory``."""
    before = read_state(directory / STATE_FILE)
    if before is None:
        return Changes(parts, (), None)
    changed = sorted(name for name in {*before, *parts} if before.get(name) != parts.get(name))
    return Changes(
        parts,
        tuple(name.removeprefix(STUDY_PREFIX) for name in changed if name.startswith(STUDY_PREFIX)),
        tuple(name for name in changed if not name.startswith(STUDY_PREFIX)),
    )


def read_state(path: Path) -> dict[str, str] | None:
    """The parts of the last build, None where none is known."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def write_state(path: Path, parts: Mapping[str, str]) -> None:
    """Remember the parts of a build that succeeded."""
    write_aside(path, json.dumps(dict(parts), indent=1, sort_keys=True) + "\n")


def write_aside(path: Path, text: str) -> None:
    """Replace a file in one step: whoever is stopped leaves the former one."""
    aside = path.with_suffix(".new")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)


def reading_state(project: Path, inputs: Iterable[Path], landing: Path) -> dict[str, str]:
    """Part -> digest of what the landing files are made of, and of these files as they are now.

    ``inputs``: the folders or files that are read; with them count the reader, its seeds and its libraries. Whoever has
    written other landing files since, such as ``city-policy ingest``, makes another state.
    """
    parts = {name: digest_of_files(files_below(project / name, CODE_SUFFIXES), project) for name in READER}
    parts["libraries"] = libraries()
    for path in inputs:
        parts[str(path.resolve())] = digest_of_files(files_below(path), path if path.is_dir() else path.parent)
    for name in LANDING_FILES:
        parts[name] = digest_of_files(files_below(landing / name), landing) if (landing / name).is_file() else ""
    return parts


@cache
def libraries() -> str:
    """The digest of the interpreter and of every package of the environment with its version."""
    installed = sorted({f"{one.metadata['Name']} {one.version}" for one in distributions()})
    return hashlib.sha256("\n".join([sys.version, *installed]).encode()).hexdigest()
