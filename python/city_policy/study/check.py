"""Everything that is wrong with a study folder, told at once, before anything is built.

:func:`check_study` reads a folder, never writes to it, and returns the study as the models read it: every file with all
its columns, places resolved to codes, defaults filled in and the measures that expressions need.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from city_policy.study.cells import check_cells, check_settings
from city_policy.study.checking import SAMPLE_FULL, Checking
from city_policy.study.columns import check_index, check_samples, check_variables
from city_policy.study.contract import StudyFile
from city_policy.study.panel import Panel, find_cities, read_panel_file
from city_policy.study.problems import refuse
from city_policy.study.regressions import check_expectations, check_specifications
from city_policy.study.tables import check_tables
from city_policy.study.treated import check_policies, resolved_units

Rows = list[dict[str, str]]


@dataclass(frozen=True)
class CheckedStudy:
    """A study without mistakes. ``tables``: file -> rows, all columns as text; ``panel``: None on a yearbook;
    ``title``: by language.
    """

    study_id: str
    title: dict[str, str]
    tables: Mapping[str, Rows]
    files: Mapping[str, StudyFile]
    panel: Panel | None

    @property
    def is_published(self) -> bool:
        """Whether it brings published numbers to be compared with."""
        return any(rows for name, rows in self.tables.items() if name.startswith("published_"))


def check_study(folder: Path, project: Path, panel: Path | None = None) -> CheckedStudy:
    """The study in ``folder``. ``project``: the checkout; ``panel``: a file that takes the place of the yearbook.

    Raises InputError with a sentence per mistake, or with one about the panel's file.
    """
    panel_file = read_panel_file(panel) if panel else None
    study = Checking(folder, project)
    if not study.rows:
        refuse(folder, study.problems)
    check_settings(study)
    if panel_file:
        settings = study.settings
        study.panel = find_cities(panel_file, study.places, settings["panel_city"], settings["panel_year"])
    check_cells(study)
    check_policies(study)
    units = resolved_units(study)
    check_index(study)
    needed = check_variables(study)
    check_samples(study)
    check_specifications(study)
    check_tables(study)
    check_expectations(study)
    refuse(folder, study.problems)
    return _checked(study, units, needed)


# ---------------------------------------------------------------------------------------------- the checked study


def _checked(study: Checking, units: Rows, needed: Mapping[str, str]) -> CheckedStudy:
    """The study as the models read it: what may be blank in a folder is filled in."""
    tables = {name: [dict(row.cells) for row in rows] for name, rows in study.rows.items()}
    tables["pilot_units"] = units
    given = {row["key"]: row for row in tables["study"]}
    blank = {"value": "", "note": ""}
    tables["study"] = [given.get(key, blank) | {"key": key, "value": study.settings[key]} for key in study.keys]
    for row in tables["variables"]:
        row["column_name"] = row["column_name"] or row["variable"]
        row["required_measures"] = needed.get(row["variable"], "")
        if row["variable"] not in study.policies:
            row["expression"] = row["expression"] or row["variable"]
    for name, key, prefix in (
        ("policies", "policy_id", ""), ("variables", "variable", ""), ("samples", "sample", "sample_"),
        ("indicators", "indicator", ""),
    ):  # fmt: skip
        _name(tables[name], key, prefix)
    for row in tables["indicators"]:
        _describe_indicator(row)
    tables["variables"] = [*_policy_variables(study, tables), *tables["variables"]]
    if SAMPLE_FULL not in {row["sample"] for row in tables["samples"]}:
        full = {"sample": SAMPLE_FULL, "condition": "true", "name_zh": "全样本", "name_en": "full sample"}
        tables["samples"] = [dict.fromkeys(study.files["samples"].columns, "") | full, *tables["samples"]]
    for row in tables["specifications"]:
        row["cluster"] = row["cluster"] or study.settings["cluster"]
        row["description"] = row["description"] or row["specification"].replace("_", " ")
    settings = study.settings
    titles = {language: settings[f"title_{language}"] for language in ("zh", "en")}
    return CheckedStudy(settings["id"], titles, tables, study.files, study.panel)


def _name(rows: Rows, key: str, prefix: str) -> None:
    """A row without a name bears that of its key."""
    for row in rows:
        row["name_zh"] = row["name_zh"] or row[key]
        row["name_en"] = row["name_en"] or row[key].removeprefix(prefix).replace("_", " ")


def _describe_indicator(row: dict[str, str]) -> None:
    """An indicator without words for its place in the index bears the names of the tables."""
    formula = " / ".join(part for part in (row["numerator"], row["denominator"]) if part) or row["computed_by"]
    for language in ("zh", "en"):
        dimension = row[f"dimension_{language}"] = row[f"dimension_{language}"] or row["dimension"].replace("_", " ")
        row[f"subdimension_{language}"] = row[f"subdimension_{language}"] or dimension
        row[f"definition_{language}"] = row[f"definition_{language}"] or formula


def _policy_variables(study: Checking, tables: Mapping[str, Rows]) -> Iterator[dict[str, str]]:
    """A row for every policy of the study that variables.csv does not name, so that it has one in every table."""
    named = {row["variable"] for row in tables["variables"]}
    for row in tables["policies"]:
        policy = row["policy_id"]
        if row["role"] == "study" and policy not in named:
            yield dict.fromkeys(study.files["variables"].columns, "") | {
                "variable": policy,
                "column_name": policy,
                "role": "treatment",
                "name_zh": row["name_zh"],
                "name_en": row["name_en"],
                "unit": "0/1",
            }
