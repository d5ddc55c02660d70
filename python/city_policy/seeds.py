"""Checks of the seeds that any study uses, before anything is built: one clear sentence per mistake.

dbt's own tests find the same mistakes later and for every input; these name the file, the row and what to do.
"""

import csv
from pathlib import Path

import yaml

from city_policy.errors import InputError


def read_seed(path: Path) -> list[dict[str, str]]:
    """The rows of one seed file as text.

    Raises InputError for a file that is absent or not UTF-8, and for a row with too few or too many cells.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle, restkey="", strict=True)
            rows = list(reader)
    except FileNotFoundError:
        raise InputError(f"{path} is missing; restore it from the repository.") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 (byte {error.start}); save it as CSV in UTF-8.") from error
    except csv.Error as error:
        raise InputError(f"{path}, row {reader.line_num}: {error}; save it as CSV with quoted commas.") from error
    for number, row in enumerate(rows, start=2):
        if "" in row or None in row.values():
            found = len([value for value in row.values() if isinstance(value, str)]) + len(row.get("") or [])
            raise InputError(
                f"{path}, row {number}: found {found} cells, expected {len(reader.fieldnames or [])}; "
                "put text with a comma into double quotes."
            )
    return rows


def declared_seeds(seeds: Path) -> dict[str, list[str]]:
    """Seed name -> its declared columns, from the property files beside the seeds."""
    declared = {}
    for path in sorted(seeds.rglob("*.yml")):
        for seed in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("seeds", []):
            declared[seed["name"]] = [str(column["name"]) for column in seed.get("columns", [])]
    return declared


def check_columns(seeds: Path) -> None:
    """Raise InputError for a seed file that lacks a declared column, or is absent."""
    files = {path.stem: path for path in seeds.rglob("*.csv")}
    for name, columns in declared_seeds(seeds).items():
        if name not in files:
            raise InputError(f"The seed {name}.csv is missing below {seeds}; restore it from the repository.")
        try:
            with open(files[name], encoding="utf-8-sig", newline="") as handle:
                header = next(csv.reader(handle), [])
        except UnicodeDecodeError as error:
            raise InputError(f"{files[name]} is not UTF-8 (byte {error.start}); save it as CSV in UTF-8.") from error
        missing = [column for column in columns if column not in header]
        if missing:
            raise InputError(
                f"{files[name]}, row 1: the column '{missing[0]}' is missing, found {', '.join(header) or 'nothing'}; "
                "add the column or restore its name."
            )
        if header != columns:
            raise InputError(
                f"{files[name]}, row 1: found the columns {', '.join(header)}, expected {', '.join(columns)} in this "
                "order; columns are loaded by position, so reorder them or declare the new one in the property file."
            )


# No programme of the reform era is older; an earlier year is a slip of the pen.
FIRST_POLICY_YEAR = 1978
LAST_YEAR = 2100


def check_pilot_lists(seeds: Path) -> None:
    """Raise InputError for a listed unit of an unknown list, with an unknown city or an impossible year."""
    path = seeds / "policy" / "list_units.csv"
    cities = {row["adcode"] for row in read_seed(seeds / "geography" / "cities.csv")}
    lists = {row["list_id"] for row in read_seed(seeds / "policy" / "pilot_lists.csv")}
    for number, row in enumerate(read_seed(path), start=2):
        where = f"{path}, row {number} ({row['listed_name']})"
        if row["list_id"] not in lists:
            raise InputError(
                f"{where}, column list_id: found '{row['list_id']}', expected one of {', '.join(sorted(lists))}; "
                f"add the "
                "list to seeds/policy/pilot_lists.csv or correct it."
            )
        if row["included"] == "1" and row["adcode"] not in cities:
            raise InputError(
                f"{where}, column adcode: found '{row['adcode']}', which is no city of seeds/geography/cities.csv; "
                "give the six-digit code of a city there, or set included to 0."
            )
        if not row["start_year"].isdigit() or not FIRST_POLICY_YEAR <= int(row["start_year"]) <= LAST_YEAR:
            raise InputError(
                f"{where}, column start_year: found '{row['start_year']}', expected a year from {FIRST_POLICY_YEAR} to "
                f"{LAST_YEAR}; correct it."
            )


def check_seeds(seeds: Path) -> None:
    """Check the seeds that any study uses. Raises InputError with one sentence for the first mistake."""
    check_columns(seeds)
    check_pilot_lists(seeds)
