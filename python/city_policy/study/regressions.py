"""The regressions of a study and its data quality checks."""

import importlib.util
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from city_policy.errors import InputError
from city_policy.estimation.contract import exposure, spillover
from city_policy.study.checking import SAMPLE_FULL, Checking, found, is_number, listing
from city_policy.study.contract import (
    CHOICES,
    DESCRIBED_COLUMNS,
    ESTIMATORS_OF_RESULTS,
    ROBUST_ESTIMATORS,
)
from city_policy.study.problems import nearest
from city_policy.study.reading import Row
from city_policy.study.treated import policy_columns, studied_policies

# They compare cities before and after a start, which a variable does not have.
ESTIMATORS_WITH_A_START = (
    "event_study", "placebo", "bacon", *ROBUST_ESTIMATORS, "honest_did", "specification_curve", "spillovers",
)  # fmt: skip
REQUIRED_BY_ESTIMATORS: Mapping[str, tuple[str, str]] = {
    "mediation": ("mediator", "the variable through which the effect runs"),
    "group_difference": ("comparison_sample", "the second sample"),
    "instrumental_variable": ("variant", "the instruments, separated by blanks"),
    "honest_did": ("variant", "the estimator of the event study"),
    "spillovers": ("variant", spillover.EXPECTED),
}
# What the variant may be, beside a blank cell.
VARIANTS: Mapping[str, tuple[str, ...]] = {
    "matching": ("common_support", "matched", "matched_weighted"),
    "honest_did": ("two_way", "imputation", "sun_abraham"),
}
LONGEST_LAG = 30
CHECKED_TABLES = ("dim_indicator", "fct_city_policy", "fct_study_panel")
EXPECTATION_FILES = "expectations/core"


def check_specifications(study: Checking) -> None:
    """The rows of specifications.csv."""
    rows = study.rows["specifications"]
    if not rows and study.reads("specifications"):
        study.tell("specifications", 0, "", "found no rows, expected one per regression; add them.")
    _spec_ids(study)
    for row in rows:
        _result(study, row)
        _lag_and_variant(study, row)
        if study.reads("samples"):
            _samples(study, row)
        if study.reads("study", "policies", "variables", "indicators"):
            _Regression(study, row).check()
    if study.reads("study", "policies", "variables", "indicators"):
        _clusters_of_the_study(study)


def _spec_ids(study: Checking) -> None:
    """A specification and a regression that it makes may not bear one name."""
    seen: dict[str, Row] = {}
    for row in study.rows["specifications"]:
        name = row["specification"]
        each = row["treatment"] == "each"
        for spec_id in [f"{name}_{policy}" for policy in studied_policies(study)] if each else [name]:
            first = seen.setdefault(spec_id, row)
            # The same specification twice has been told by then.
            if first is not row and first["specification"] != name:
                study.tell(
                    "specifications",
                    row,
                    "specification",
                    f"the regression {spec_id} is that of row {first.number} too; rename one.",
                )


def _result(study: Checking, row: Row) -> None:
    result, estimator = row["result"], row["estimator"]
    if not result or not estimator:
        return
    known = ESTIMATORS_OF_RESULTS.get(result)
    if known is None:
        hint = nearest(result, ESTIMATORS_OF_RESULTS)
        study.tell(
            "specifications",
            row,
            "result",
            f"found '{result}', expected one of {', '.join(ESTIMATORS_OF_RESULTS)}{hint}; correct it.",
        )
    elif estimator in CHOICES["specifications", "estimator"] and estimator not in known:
        study.tell(
            "specifications",
            row,
            "estimator",
            f"found '{estimator}' for {result}, expected {listing(known)}; correct one of them.",
        )


def _samples(study: Checking, row: Row) -> None:
    samples = {row["sample"] for row in study.rows["samples"]} | {SAMPLE_FULL}
    named = [("sample", row["sample"]), ("comparison_sample", row["comparison_sample"])]
    if row["estimator"] == "specification_curve":
        named += [("variant", name) for name in row["variant"].split()]
    for column, name in named:
        if name and name not in samples:
            study.tell(
                "specifications",
                row,
                column,
                f"found '{name}', expected a sample of samples.csv{nearest(name, samples)}; correct it.",
            )
    if row["comparison_sample"] and row["comparison_sample"] == row["sample"]:
        study.tell(
            "specifications",
            row,
            "comparison_sample",
            f"found '{row['comparison_sample']}' twice, expected another sample than the first; correct it.",
        )


def _lag_and_variant(study: Checking, row: Row) -> None:
    estimator, lag = row["estimator"], row["lag"]
    column, what = REQUIRED_BY_ESTIMATORS.get(estimator, ("", ""))
    if column and not row[column]:
        study.tell("specifications", row, column, f"found nothing, expected {what} for {estimator}; fill the cell.")
    if estimator == "fixed_effects" and row["variant"]:
        _exposure(study, row)
    if estimator == "spillovers" and row["variant"]:
        _understood(study, row, spillover.Spillover.of, spillover.EXPECTED)
    known = VARIANTS.get(estimator)
    if known and row["variant"] not in ("", *known):
        study.tell(
            "specifications", row, "variant", f"found '{row['variant']}', expected {listing(known)}; correct it."
        )
    if is_number(lag, whole=True) and not 0 <= int(lag) <= LONGEST_LAG:
        study.tell("specifications", row, "lag", f"found '{lag}', expected years from 0 to {LONGEST_LAG}; correct it.")


def _understood(study: Checking, row: Row, of: Callable[[str], object], expected: str) -> bool:
    """Whether the estimator understands the variant; tells it where it does not."""
    try:
        of(row["variant"])
    except InputError:
        study.tell(
            "specifications",
            row,
            "variant",
            f"found '{row['variant']}' for {row['estimator']}, expected {expected}; correct it.",
        )
        return False
    return True


def _exposure(study: Checking, row: Row) -> None:
    """How a policy enters a regression with fixed effects."""
    understood = _understood(study, row, exposure.Exposure.of, exposure.EXPECTED)
    if understood and row["treatment"] not in ("", "each", *study.policies):
        study.tell(
            "specifications",
            row,
            "variant",
            f"found '{row['variant']}', which needs the year of a start, and '{row['treatment']}' is no policy; name a "
            "policy or each.",
        )


class _Regression:
    """One row of specifications.csv and the columns that it names."""

    def __init__(self, study: Checking, row: Row) -> None:
        self.study, self.row = study, row
        self.roles = study.roles
        self.columns = known_columns(study)
        self.controls = {name for name, role in self.roles.items() if role == "control"}

    def tell(self, column: str, sentence: str) -> None:
        self.study.tell("specifications", self.row, column, sentence)

    def check(self) -> None:
        """Every cell that names a column."""
        row = self.row
        self._outcome(row["outcome"])
        self._treatment(row["treatment"])
        if len(row["mediator"].split()) > 1:
            self.tell("mediator", f"found '{row['mediator']}', expected one variable; write a row for each.")
        else:
            self._number("mediator", row["mediator"])
        for name in dict.fromkeys(row["extra_controls"].split()):
            if name == row["treatment"]:
                self.tell("extra_controls", f"found '{name}', the treatment of the regression; name other variables.")
            elif name != row["outcome"]:
                self._number("extra_controls", name)
        for word in row["extra_fixed_effects"].split():
            for name in word.split("^"):
                self._known("extra_fixed_effects", name)
        self._clusters(row["cluster"])
        if row["estimator"] == "fixed_effects" and row["variant"].startswith("dose:"):
            self._dose(row["variant"].removeprefix("dose:"))
        if row["estimator"] == "instrumental_variable":
            self._instruments(row["variant"])
        others = (row["treatment"], row["mediator"], *row["extra_controls"].split())
        if row["outcome"] and row["outcome"] in others:
            self.tell(
                "outcome",
                f"found '{row['outcome']}' on both sides of the regression, expected different variables; correct it.",
            )

    def _dose(self, name: str) -> None:
        if self._known("variant", name) and self.columns[name.lower()] not in ("", "number"):
            kind = self.columns[name.lower()]
            self.tell("variant", f"found '{name}', whose value is {kind}, expected a number; name another variable.")

    def _outcome(self, name: str) -> None:
        if not name:
            return
        if name.lower() not in self.roles:
            hint = nearest(name, self.roles)
            self.tell("outcome", f"found '{name}', expected a variable of variables.csv{hint}; correct it.")
        else:
            self._number("outcome", name)

    def _treatment(self, name: str) -> None:
        if name in ("", "each", *self.study.policies):
            return
        estimator = self.row["estimator"]
        if estimator in ESTIMATORS_WITH_A_START:
            hint = nearest(name, self.study.policies)
            self.tell(
                "treatment",
                f"found '{name}', expected each or a policy of policies.csv, because {estimator} needs the year of the "
                f"start{hint}; correct it.",
            )
        elif name.lower() not in self.columns:
            hint = nearest(name, [*self.columns, "each"])
            self.tell("treatment", f"found '{name}', expected each, a policy or a variable{hint}; correct it.")
        elif name != self.row["outcome"]:
            self._number("treatment", name)

    def _known(self, column: str, name: str) -> bool:
        if name.lower() in self.columns:
            return True
        hint = nearest(name, self.columns)
        self.tell(column, f"{found(name)}, expected a policy or a variable{hint}; correct it.")
        return False

    def _number(self, column: str, name: str) -> None:
        """A column on one side of a regression: it exists, is a number, and not in every regression already."""
        if not name or not self._known(column, name):
            return
        if name.lower() in self.controls:
            self.tell(
                column,
                f"found '{name}', which is a control of every regression; give it another role in variables.csv "
                "or name another variable.",
            )
        elif self.columns[name.lower()] not in ("", "number"):
            self.tell(
                column,
                f"found '{name}', whose value is {self.columns[name.lower()]}, expected a number; name another "
                "variable.",
            )

    def _instruments(self, variant: str) -> None:
        for word in variant.split():
            parts = [part for part in word.split(":") if part != "year"]
            if not all([self._known("variant", part) for part in parts]):
                continue
            if word in (self.row["treatment"], self.row["outcome"]):
                self.tell(
                    "variant", f"found '{word}', expected an instrument and not the treatment or outcome; correct it."
                )
            elif taken := [part for part in parts if part.lower() in self.controls]:
                self.tell(
                    "variant",
                    f"found '{taken[0]}', which is a control of every regression and so no instrument; give it "
                    "the role instrument.",
                )

    def _clusters(self, text: str) -> None:
        if " " in text:
            self.tell("cluster", f"found '{text}', expected one column; shorten it.")
        else:
            # Two columns joined by ^ are one grouping.
            for name in filter(None, text.split("^")):
                self._known("cluster", name)


def known_columns(study: Checking) -> dict[str, str]:
    """Column of fct_study_panel -> ``number``, or what else its value is; blank where that is not known."""
    kinds = {name: "text" if kind == "varchar" else "number" for name, kind in DESCRIBED_COLUMNS.items()}
    kinds |= dict.fromkeys((*policy_columns(study.policies), *study.dimension_columns), "number")
    for name in study.roles:
        expression = study.columns.get(name)
        kinds[name] = "" if expression is None else "number" if expression.is_number else expression.kind
    return kinds


def _clusters_of_the_study(study: Checking) -> None:
    columns = known_columns(study)
    at = next((row for row in study.rows["study"] if row["key"] == "cluster"), None)
    for name in study.settings["cluster"].split():
        if at is not None and any(part.lower() not in columns for part in name.split("^")):
            study.tell(
                "study",
                at,
                "value",
                f"cluster is '{study.settings['cluster']}', expected a column of the panel"
                f"{nearest(name, columns)}; correct it.",
            )


# --------------------------------------------------------------------------------------------- data quality checks


def check_expectations(study: Checking) -> None:
    """The rows of expectations.csv."""
    rows = study.rows["expectations"]
    columns = {*known_columns(study), *(row["sample"] for row in study.rows["samples"]), SAMPLE_FULL}
    is_whole = study.reads("study", "policies", "variables", "indicators", "samples")
    known = expectation_names() if rows else []
    for row in rows:
        table, column, name = row["table_name"], row["column_name"], row["expectation"]
        if table and table not in CHECKED_TABLES:
            hint = nearest(table, CHECKED_TABLES)
            study.tell(
                "expectations",
                row,
                "table_name",
                f"found '{table}', expected {listing(CHECKED_TABLES)}{hint}; correct it.",
            )
        elif table == "fct_study_panel" and column and is_whole and column.lower() not in columns:
            study.tell(
                "expectations",
                row,
                "column_name",
                f"found '{column}', expected a column of {table}{nearest(column, columns)}; correct it.",
            )
        if name and known and name not in known:
            study.tell(
                "expectations",
                row,
                "expectation",
                f"found '{name}', expected an expectation of Great Expectations{nearest(name, known)}; correct it.",
            )
        if row["arguments"] and not _is_json_object(row["arguments"]):
            study.tell(
                "expectations",
                row,
                "arguments",
                f"found '{row['arguments']}', expected a JSON object such as {{\"mostly\": 0.9}}; correct it.",
            )


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def expectation_names() -> list[str]:
    """The expectations of Great Expectations, from the names of its files: importing it takes seconds."""
    found_module = importlib.util.find_spec("great_expectations")
    if found_module is None or found_module.origin is None:
        return []
    files = (Path(found_module.origin).parent / EXPECTATION_FILES).glob("expect_*.py")
    return sorted("".join(word.capitalize() for word in path.stem.split("_")) for path in files)
