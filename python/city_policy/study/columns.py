"""The index, the variables and the samples of a study: what becomes a column of fct_study_panel."""

from city_policy.study.checking import (
    IDENTIFIER,
    SAMPLE_FULL,
    Checking,
    column_of,
    found,
)
from city_policy.study.contract import CHOICES, COMPUTED_MEASURES, DESCRIBED_COLUMNS
from city_policy.study.expressions import Checker, Expression, ExpressionError
from city_policy.study.problems import nearest
from city_policy.study.reading import Row
from city_policy.study.treated import policy_columns, studied_policies

# What the inputs of an indicator are.
INPUTS_OF_INDICATORS = {"ratio": ("numerator", "denominator"), "level": ("numerator",)}


def check_index(study: Checking) -> None:
    """The indicators and the components of the coupling."""
    indicators, components = study.rows["indicators"], study.rows["coupling_components"]
    if study.panel and indicators:
        study.tell(
            "indicators",
            indicators[0],
            "indicator",
            "an index needs the measures of a yearbook, and this study has a panel of its own; delete the file.",
        )
        return
    coupled = any(row["computed_by"] == "coupling" for row in indicators)
    if coupled != bool(components) and study.reads("indicators", "coupling_components"):
        missing = "the components that it is made of" if coupled else "an indicator of indicators.csv that takes them"
        there = "an indicator that is computed by coupling" if coupled else "components of a coupling"
        study.tell("coupling_components", 0, "", f"found {there}, expected {missing}; add them, or delete the others.")
    names_of_dimensions: dict[str, tuple[str, str]] = {}
    for row in indicators:
        for column in INPUTS_OF_INDICATORS.get(row["computed_by"], ()):
            _measure(study, "indicators", row, column)
        names = (row["dimension_zh"], row["dimension_en"])
        first = names_of_dimensions.setdefault(row["dimension"], names)
        if first != names:
            study.tell(
                "indicators",
                row,
                "dimension",
                f"the dimension {row['dimension']} is called {' / '.join(names)} here and {' / '.join(first)} above, "
                "expected one name; correct it.",
            )
    for row in components:
        for column in ("numerator", "denominator"):
            if row[column]:
                _measure(study, "coupling_components", row, column)


def _measure(study: Checking, file: str, row: Row, column: str) -> None:
    if row[column] not in study.measures:
        hint = nearest(row[column], study.measures)
        study.tell(
            file,
            row,
            column,
            f"{found(row[column])}, expected a measure or a series of marts.dim_series{hint}; correct it.",
        )


def _input_columns(study: Checking) -> dict[str, str]:
    """What expressions may name beside each other: name -> DuckDB type."""
    policies = [name for name in studied_policies(study) if IDENTIFIER.fullmatch(name)]
    columns = dict(DESCRIBED_COLUMNS) | policy_columns(policies)
    if study.rows["indicators"]:
        columns |= dict.fromkeys(("index_value", *study.dimension_columns), "double")
    if study.panel is None:
        return dict.fromkeys((*study.measures, *COMPUTED_MEASURES), "double") | columns
    taken = {name.lower() for name in study.panel.frame.columns}
    described = {name: kind for name, kind in columns.items() if name not in taken}
    return described | study.panel.types() | {name: columns[name] for name in ("adcode", "year")}


def check_variables(study: Checking) -> dict[str, str]:
    """Checks variables and samples; returns variable -> the measures that its expression needs, between blanks."""
    needed: dict[str, str] = {}
    if not study.reads("study", "policies", "indicators"):
        # Their names may be those that an expression lacks.
        return needed
    frame = study.panel.frame if study.panel else None
    with Checker(_input_columns(study), study.settings, frame) as checker:
        seen: dict[str, Row] = {}
        types: dict[str, str] = {}
        for row in study.rows["variables"]:
            column, name = column_of(row), row["variable"]
            if not name:
                continue
            if not _own_column(study, row, seen):
                continue
            if name in study.policies or column in study.policies:
                _policy_as_variable(study, row)
                continue
            expression = _value(study, row, checker)
            study.columns[column] = expression
            types[column] = expression.type if expression else "double"
            if expression is not None:
                needed[name] = " ".join(_needed(study, expression))
                _required_measures(study, row, needed[name])
        checker.add(types)
        if study.reads("variables"):
            _conditions(study, checker)
            _counts(study, checker)
            if not any(row["role"] == "outcome" for row in study.rows["variables"]):
                study.tell("variables", 0, "", "found no variable with the role outcome, expected one or more; add it.")
    return needed


def _own_column(study: Checking, row: Row, seen: dict[str, Row]) -> bool:
    """Whether the column of a variable is its own; the same variable twice has been told by then."""
    column, place = column_of(row), "column_name" if row["column_name"] else "variable"
    if column in seen:
        if row["variable"].lower() != seen[column]["variable"].lower():
            study.tell(
                "variables",
                row,
                place,
                f"found '{column}' as in row {seen[column].number}, expected a column of its own; rename it.",
            )
        return False
    seen[column] = row
    made = {*DESCRIBED_COLUMNS, *(study.dimension_columns), *(f"{policy}_first_year" for policy in study.policies)}
    if column in made:
        study.tell("variables", row, place, f"found '{column}', a column of every panel; rename it.")
        return False
    panel = {name.lower(): name for name in study.panel.frame.columns} if study.panel else {}
    if f"covers_{row['variable']}" in panel:
        name = panel[f"covers_{row['variable']}"]
        study.tell(
            "variables",
            row,
            "variable",
            f"found '{row['variable']}' beside the panel's column {name}; rename one of them.",
        )
    return True


def _policy_as_variable(study: Checking, row: Row) -> None:
    name = row["variable"]
    if row["expression"]:
        study.tell(
            "variables", row, "expression", f"{name} is a policy, whose list says who is treated; clear the expression."
        )
    if row["role"] in CHOICES["variables", "role"] and row["role"] != "treatment":
        study.tell(
            "variables",
            row,
            "role",
            f"{name} is a policy, expected the role treatment and not {row['role']}; correct it.",
        )


def _value(study: Checking, row: Row, checker: Checker) -> Expression | None:
    """The checked expression of a variable; None where it is wrong."""
    text, role = row["expression"] or row["variable"], row["role"]
    expression = _expression(
        study, "variables", row, "expression", text, checker, is_tried=role not in ("group", "measure")
    )
    if expression is None or role in ("group", "measure") or role not in CHOICES["variables", "role"]:
        return expression
    if not expression.is_number:
        study.tell(
            "variables",
            row,
            "expression",
            f"found '{text}': its value is {expression.kind}, expected a number for the role {role}; correct it.",
        )
        return None
    return expression


def _required_measures(study: Checking, row: Row, needed: str) -> None:
    given = row["required_measures"]
    if given and set(given.split()) != set(needed.split()):
        expected = f"'{needed}', which the expression names" if needed else "nothing, because the expression names none"
        study.tell(
            "variables",
            row,
            "required_measures",
            f"found '{given}', expected {expected}; correct it or leave the cell blank.",
        )


def _needed(study: Checking, expression: Expression) -> list[str]:
    if study.panel:
        return []
    names: list[str] = []
    for name in sorted(expression.names):
        if name in COMPUTED_MEASURES:
            names += COMPUTED_MEASURES[name]
        elif name in study.measures:
            names.append(name)
    return list(dict.fromkeys(names))


def _expression(
    study: Checking, file: str, row: Row, column: str, text: str, checker: Checker, is_tried: bool
) -> Expression | None:
    try:
        return checker.check(text, is_tried)
    except ExpressionError as problem:
        study.tell(file, row, column, f"found '{text}': {problem}.")
        return None


def _conditions(study: Checking, checker: Checker) -> None:
    measures = {*study.measures, *COMPUTED_MEASURES} - {*study.columns, *DESCRIBED_COLUMNS}
    broken = {name for name, expression in study.columns.items() if expression is None}
    for row in study.rows["samples"]:
        text = row["condition"]
        if not text or broken & checker.words(text):
            # A variable that is wrong makes no sample wrong.
            continue
        expression = _expression(study, "samples", row, "condition", text, checker, is_tried=False)
        if expression is None:
            continue
        unnamed = sorted(expression.names & measures)
        if not expression.is_condition:
            sentence = f"found '{text}': its value is {expression.kind}, expected true or false; write a comparison."
        elif unnamed and not study.panel:
            sentence = (
                f"found '{text}': {unnamed[0]} is a measure of the yearbook; make it a variable with the role measure "
                "first, so that its coverage is known."
            )
        else:
            continue
        study.tell("samples", row, "condition", sentence)


def _counts(study: Checking, checker: Checker) -> None:
    """The counts of a paper are made from the same panel, its samples included."""
    if None in study.columns.values() or not study.reads("samples"):
        return
    checker.add({row["sample"]: "boolean" for row in study.rows["samples"] if IDENTIFIER.fullmatch(row["sample"])})
    for row in study.rows["published_sample_counts"]:
        text = row["expression"]
        try:
            is_number = not text or checker.check(text, is_count=True).is_number
        except ExpressionError as problem:
            study.tell("published_sample_counts", row, "expression", f"found '{text}': {problem}.")
            continue
        if not is_number:
            sentence = f"found '{text}', expected a count such as count(distinct adcode); correct it."
            study.tell("published_sample_counts", row, "expression", sentence)


def check_samples(study: Checking) -> None:
    """The names of the samples."""
    policies = policy_columns(study.policies)
    taken = {*study.columns, *DESCRIBED_COLUMNS, *policies, *study.dimension_columns}
    for row in study.rows["samples"]:
        name = row["sample"]
        if name.lower() in taken:
            study.tell("samples", row, "sample", f"found '{name}', another column of the panel; rename it.")
        if name == SAMPLE_FULL and row["condition"].lower() not in ("", "true"):
            study.tell(
                "samples",
                row,
                "condition",
                f"found '{row['condition']}', expected true: {SAMPLE_FULL} is the whole sample of the study; rename "
                "the sample.",
            )
