"""Checks of the seed files before anything is built: one clear sentence per mistake a person can make there.

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


def _setting(seeds: Path, name: str) -> str:
    """The text of a setting of the study, '' where its row is absent."""
    rows = read_seed(seeds / "study" / "settings.csv")
    return next((row["value"] for row in rows if row["setting"] == name), "")


def check_settings(seeds: Path) -> None:
    """Raise InputError for a year setting that is no year, and for a population basis that is not offered.

    Whether the input prints the years and covers the basis is known only when it has been read: the models ask that.
    """
    path = seeds / "study" / "settings.csv"
    bases = [row["series"] for row in read_seed(seeds / "study" / "measures.csv") if row["measure"] == "population"]
    for number, row in enumerate(read_seed(path), start=2):
        where = f"{path}, row {number} ({row['setting']}), column value: found '{row['value']}'"
        if row["unit"] == "year" and row["value"] and not (row["value"].isdigit() and len(row["value"]) == 4):
            raise InputError(f"{where}, expected a year of four digits or nothing; correct it.")
        if row["setting"] == "population_basis" and row["value"] not in ("auto", *bases):
            raise InputError(f"{where}, expected auto or one of {', '.join(bases)}; correct it.")


def check_policies(seeds: Path) -> None:
    """Raise InputError for a pilot unit with an unknown policy or city or an impossible year.

    A start before the frame is possible: the city is then treated in every year.
    """
    path = seeds / "policy" / "pilot_units.csv"
    cities = {row["adcode"] for row in read_seed(seeds / "geography" / "cities.csv")}
    policies = {row["policy_id"]: row for row in read_seed(seeds / "policy" / "policies.csv")}
    last = int(_setting(seeds, "study_last_year") or 9999)
    for number, row in enumerate(read_seed(path), start=2):
        where = f"{path}, row {number} ({row['listed_name']})"
        if row["policy_id"] not in policies:
            raise InputError(
                f"{where}, column policy_id: found '{row['policy_id']}', expected one of {', '.join(policies)}; "
                "add the policy to seeds/policy/policies.csv or correct it."
            )
        if policies[row["policy_id"]]["kind"] != "listed":
            raise InputError(
                f"{where}, column policy_id: '{row['policy_id']}' is derived from other policies and takes no list; "
                "remove the row."
            )
        if row["included"] == "1" and row["adcode"] not in cities:
            raise InputError(
                f"{where}, column adcode: found '{row['adcode']}', which is no city of seeds/geography/cities.csv; "
                "give the six-digit code of a city there, or set included to 0."
            )
        if not row["start_year"].isdigit() or not FIRST_POLICY_YEAR <= int(row["start_year"]) <= last:
            raise InputError(
                f"{where}, column start_year: found '{row['start_year']}', expected a year from {FIRST_POLICY_YEAR} to "
                f"{last}, the last one of the study; correct it, or change study_last_year in seeds/study/settings.csv."
            )
    for number, row in enumerate(read_seed(seeds / "policy" / "policies.csv"), start=2):
        for component in row["components"].split():
            if component not in policies:
                raise InputError(
                    f"{seeds / 'policy' / 'policies.csv'}, row {number}, column components: found '{component}', "
                    f"expected policies among {', '.join(policies)}; correct it."
                )


def check_seeds(seeds: Path) -> None:
    """Check what a person edits. Raises InputError with one sentence for the first mistake."""
    check_columns(seeds)
    check_settings(seeds)
    check_policies(seeds)
