"""The policies of a study and who is treated by them since when."""

import re
from collections.abc import Iterable, Sequence

import pandas as pd

from city_policy.seeds import FIRST_POLICY_YEAR, read_seed
from city_policy.study.checking import Checking, found
from city_policy.study.contract import CHOICES, DESCRIBED_COLUMNS
from city_policy.study.places import PlaceError
from city_policy.study.problems import nearest
from city_policy.study.reading import Row

MOST_POLICIES = 6


def check_policies(study: Checking) -> None:
    """The rows of policies.csv."""
    if not study.reads("policies"):
        return
    rows = study.rows["policies"]
    known_roles = all(row["role"] in CHOICES["policies", "role"] for row in rows)
    n_studied = sum(row["role"] == "study" for row in rows)
    if known_roles and not 1 <= n_studied <= MOST_POLICIES:
        study.tell(
            "policies",
            0,
            "",
            f"found {n_studied} policies with the role study, expected one to {MOST_POLICIES}; the others take "
            "the role other.",
        )
    for name in ("name_zh", "name_en"):
        _own_names(study, rows, name)
    lists = {row["list_id"] for row in read_seed(study.seeds / "policy" / "pilot_lists.csv")}
    own = {row["policy_id"] for row in study.rows["pilot_units"]}
    for row in rows:
        policy, kind = row["policy_id"], row["kind"]
        if policy in DESCRIBED_COLUMNS or f"{policy}_first_year" in DESCRIBED_COLUMNS:
            study.tell("policies", row, "policy_id", f"found '{policy}', a column of every panel; rename it.")
        if study.policies.get(policy) is not row or kind not in CHOICES["policies", "kind"]:
            continue
        _cells_of_another_kind(study, row)
        if kind == "listed":
            _listed(study, row, lists, own)
        elif kind == "derived":
            _components(study, row)
        else:
            _policy_column(study, row, own)


def _own_names(study: Checking, rows: Sequence[Row], column: str) -> None:
    seen: dict[str, Row] = {}
    for row in rows:
        if row[column] and row[column] in seen:
            at = seen[row[column]].number
            study.tell(
                "policies",
                row,
                column,
                f"found '{row[column]}' as in row {at}, expected a name of its own; rename one.",
            )
        seen.setdefault(row[column], row)


def _cells_of_another_kind(study: Checking, row: Row) -> None:
    for kind, column, sentence in (
        ("derived", "components", "only a derived policy has components"),
        ("listed", "list_id", "only a listed policy has a list"),
        ("column", "panel_column", "only a policy of the kind column has one"),
    ):
        if row["kind"] != kind and row[column]:
            study.tell(
                "policies",
                row,
                column,
                f"found '{row[column]}' for the kind {row['kind']}, and {sentence}; clear it or change the kind.",
            )


def _listed(study: Checking, row: Row, lists: set[str], own: set[str]) -> None:
    policy, named = row["policy_id"], row["list_id"]
    if named and named not in lists:
        study.tell(
            "policies",
            row,
            "list_id",
            f"found '{named}', expected a list of seeds/policy/pilot_lists.csv{nearest(named, lists)}; correct it, or "
            "clear it and write pilot_units.csv.",
        )
    elif named and policy in own:
        study.tell(
            "policies",
            row,
            "list_id",
            f"found the list {named} here and units of {policy} in pilot_units.csv, expected one of them; clear the "
            "list or delete the units.",
        )
    elif not named and policy not in own and study.reads("pilot_units"):
        study.tell(
            "policies",
            row,
            "policy_id",
            f"nobody is treated by {policy}: found no list and no row of pilot_units.csv; name a list or add its "
            "units.",
        )


def _components(study: Checking, row: Row) -> None:
    components = row["components"].split()
    if len(components) < 2 or len(set(components)) != len(components):
        study.tell(
            "policies",
            row,
            "components",
            f"{found(row['components'])}, expected two or more different policies, separated by blanks; add them.",
        )
    for component in dict.fromkeys(components):
        if component == row["policy_id"]:
            sentence = f"{component} is made of itself; name other policies."
        elif component not in study.policies:
            hint = nearest(component, study.policies)
            sentence = f"found '{component}', expected policies of this file{hint}; correct it."
        elif study.policies[component]["kind"] == "derived":
            sentence = f"{component} is derived itself, expected policies that are listed or a column; name those."
        else:
            continue
        study.tell("policies", row, "components", sentence)


def _policy_column(study: Checking, row: Row, own: set[str]) -> None:
    policy, column = row["policy_id"], row["panel_column"]
    if study.panel is None:
        study.tell(
            "policies",
            row,
            "kind",
            "found column, which needs a panel of its own; build with --panel, or list the units.",
        )
        return
    columns = [str(name) for name in study.panel.file.frame.columns]
    if column.lower() not in {name.lower() for name in columns}:
        study.tell(
            "policies",
            row,
            "panel_column",
            f"{found(column)}, expected a column of the panel{nearest(column, columns)}; correct it.",
        )
    if policy in own:
        study.tell(
            "policies",
            row,
            "kind",
            f"found the kind column here and units of {policy} in pilot_units.csv, expected one of them; delete the "
            "units or take the kind listed.",
        )


# ---------------------------------------------------------------------------------------------------- units


def resolved_units(study: Checking) -> list[dict[str, str]]:
    """The units of the study with their codes, provinces expanded, and the starts that columns of the panel say."""
    last = study.settings["study_last_year"]
    last_year = int(last) if last.isdigit() else 2100
    units: list[dict[str, str]] = []
    provinces: list[tuple[Row, str]] = []
    named: dict[str, set[str]] = {}
    for row in study.rows["pilot_units"]:
        _policy_of_unit(study, row)
        unit, year = row["adcode"] or row["unit"], row["start_year"]
        if not unit or not year:
            continue
        if not re.fullmatch(r"\d{4}", year, flags=re.ASCII) or not FIRST_POLICY_YEAR <= int(year) <= last_year:
            # Cells have told what is no number.
            if re.fullmatch(r"[+-]?\d+", year, flags=re.ASCII):
                study.tell(
                    "pilot_units",
                    row,
                    "start_year",
                    f"found '{year}', expected a year from {FIRST_POLICY_YEAR} to {last_year}; correct it, or change "
                    "study_last_year in study.csv.",
                )
            continue
        province = study.places.province(unit)
        if province:
            provinces.append((row, province))
            continue
        try:
            find = study.places.city if study.panel else study.places.printed_city
            city = find(unit, int(year))
        except PlaceError as problem:
            column = "adcode" if row["adcode"] else "unit"
            study.tell("pilot_units", row, column, f"found '{row[column]}', {problem}.")
            continue
        if row["adcode"]:
            _code_against_name(study, row, city.adcode, int(year))
        named.setdefault(row["policy_id"], set()).add(city.adcode)
        units.append(dict(row.cells) | {"adcode": city.adcode, "city_name_zh": city.name_zh})
    for row, province in provinces:
        # A province stands for its cities unless the list names the city itself.
        for city in study.places.cities_of(province):
            if city.adcode not in named.get(row["policy_id"], set()):
                units.append(dict(row.cells) | {"adcode": city.adcode, "city_name_zh": city.name_zh})
    return units + _units_of_columns(study)


def _policy_of_unit(study: Checking, row: Row) -> None:
    policy = row["policy_id"]
    if not policy or not study.reads("policies"):
        return
    if policy not in study.policies:
        hint = nearest(policy, study.policies)
        study.tell(
            "pilot_units", row, "policy_id", f"found '{policy}', expected a policy of policies.csv{hint}; correct it."
        )
    elif study.policies[policy]["kind"] == "derived":
        study.tell(
            "pilot_units",
            row,
            "policy_id",
            f"'{policy}' is derived from other policies and takes no units; remove the row.",
        )


def _code_against_name(study: Checking, row: Row, adcode: str, year: int) -> None:
    try:
        meant = study.places.city(row["unit"], year)
    except PlaceError:
        return
    if meant.adcode != adcode:
        name = study.places.cities[adcode].name_zh
        study.tell(
            "pilot_units",
            row,
            "adcode",
            f"the code {row['adcode']} is {name} and the unit is {row['unit']} ({meant.adcode}), expected one city; "
            "correct the one that is wrong.",
        )


def _units_of_columns(study: Checking) -> list[dict[str, str]]:
    """A city starts in the first year in which the column of a policy is 1, and stays treated."""
    units: list[dict[str, str]] = []
    for row in study.policies.values():
        if row["kind"] != "column" or study.panel is None:
            continue
        names = [name for name in study.panel.frame.columns if name.lower() == row["panel_column"].lower()]
        if not names:
            continue
        frame = study.panel.frame[["adcode", "year", "panel_row", names[0]]].rename(columns={names[0]: "value"})
        known = frame.dropna(subset=["value"])
        started = known[known["value"].isin([1])].groupby("adcode")["year"].min()
        sentence = _no_treatment(study, known, started, names[0])
        if sentence:
            study.tell("policies", row, "panel_column", sentence)
            continue
        units += [
            dict.fromkeys(study.files["pilot_units"].columns, "")
            | {
                "policy_id": row["policy_id"],
                "unit": study.places.cities[code].name_zh,
                "adcode": code,
                "city_name_zh": study.places.cities[code].name_zh,
                "start_year": str(year),
                "confidence": "A",
                "source": f"first year in which {names[0]} is 1",
            }
            for code, year in started.items()
        ]
    return units


def _no_treatment(study: Checking, known: pd.DataFrame, started: pd.Series, name: str) -> str:
    """Why a column does not say who is treated since when, if it does not. ``started``: adcode -> first year of 1."""
    instead = "declare the column as a variable with the role treatment instead."
    broken = known[~known["value"].isin([0, 1])]
    if len(broken):
        one = broken.sort_values("panel_row").iloc[0]
        return f"row {one['panel_row']} of the panel holds {one['value']} in {name}, expected 0 or 1; {instead}"
    if started.empty:
        return f"nobody is treated: {name} is 1 in no row of the panel; name another column or list the units."
    ended = known[known["value"].isin([0]) & (known["year"] > known["adcode"].map(started))]
    if len(ended):
        one = ended.sort_values("panel_row").iloc[0]
        city = study.places.cities[one["adcode"]].name_zh
        return (
            f"{name} is 1 in {city} from {started[one['adcode']]} on and 0 again in {one['year']} (row "
            f"{one['panel_row']} of the panel), expected a start without an end; {instead}"
        )
    return ""


def studied_policies(study: Checking) -> list[str]:
    """The policies for which a regression on ``each`` is run."""
    return [policy for policy, row in study.policies.items() if row["role"] == "study"]


def policy_columns(policies: Iterable[str]) -> dict[str, str]:
    """The columns of the panel that policies have, with their types."""
    columns: dict[str, str] = {}
    for policy in policies:
        columns |= {policy: "integer", f"{policy}_first_year": "integer"}
    return columns
