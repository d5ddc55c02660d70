"""Where the publication of a study is, and where its report goes."""

import csv
import re
from pathlib import Path

from city_policy.directory import DEFAULT_STUDY, PUBLISHED_FILE, study_directory
from city_policy.errors import InputError

REPORT_DIRECTORY = "report"


def study_id(study: str) -> str:
    """The id of a study that is named by its folder or by the id itself.

    Raises InputError for a folder without a readable id, and for what is neither a folder nor an id.
    """
    folder = Path(study)
    if not folder.is_dir():
        if re.fullmatch(r"\w+", study):
            return study
        raise InputError(f"{study} is no folder of a study and no id; name the folder, or the id in its study.csv.")
    path = folder / "study.csv"
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read; name the folder of a study, which holds a study.csv.") from error
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    found = next((str(row.get("value") or "").strip() for row in rows if (row.get("key") or "").strip() == "id"), "")
    if not re.fullmatch(r"\w+", found):
        raise InputError(f"{path} gives no id; write one: a row with the key id and one word as its value.")
    return found


def report_directory(data: Path, study: str | None) -> Path:
    """Where the report of a study goes; that of the default study without a name."""
    return study_directory(data, DEFAULT_STUDY if study is None else study_id(study)) / REPORT_DIRECTORY


def published_database(data: Path, study: str | None) -> Path:
    """The published database of a study; that of the default study without a name.

    Raises InputError when a study that is named was never published.
    """
    identifier = DEFAULT_STUDY if study is None else study_id(study)
    database = study_directory(data, identifier) / PUBLISHED_FILE
    if study is not None and not database.is_file():
        option = "" if identifier == DEFAULT_STUDY else f" STUDY={study if Path(study).is_dir() else 'DIR'}"
        raise InputError(
            f"The study {identifier} has no publication at {database}; run `make build{option}` first, or name a file "
            "with --database."
        )
    return database
