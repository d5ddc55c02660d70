"""The record that every estimator writes: one row per specification, term and variance estimator; and what a row
says about a specification that could not be run, or of which something is to be known.
"""

from collections.abc import Sequence

import pandas as pd

from city_policy.errors import InputError
from city_policy.estimation.specification import Specification

VARIANCE_ESTIMATORS = ("iid", "CRV1")

# Column -> pandas dtype. `str` becomes VARCHAR, `Int64` BIGINT and `float64` DOUBLE in DuckDB, all of them
# also when every value is missing; `object` would become INTEGER then.
RECORD_COLUMNS = {
    "spec_id": "str",
    "result": "str",
    "paper_table": "str",
    "panel": "str",
    "column_no": "Int64",
    "estimator": "str",
    "outcome": "str",
    "treatment": "str",
    "term": "str",
    "sample": "str",
    "vcov": "str",
    "estimate": "float64",
    "std_error": "float64",
    "t_stat": "float64",
    "p_value": "float64",
    "ci_low": "float64",
    "ci_high": "float64",
    "n_obs": "Int64",
    "n_cities": "Int64",
    "n_treated_cities": "Int64",
    "n_dropped_missing": "Int64",
    "n_dropped_singletons": "Int64",
    "dropped_terms": "str",
    "r2": "float64",
    "r2_within": "float64",
    "status": "str",
    "message": "str",
}


class NotIdentifiedError(Exception):
    """The data of a specification cannot tell what it asks; the message says why."""


# What may keep a specification from being run, and becomes a row with a status and a message. Any other exception is
# a mistake of the program and ends the build with its traceback: a bug must not look like a result.
EXPECTED_ERRORS = (InputError, NotIdentifiedError)


def record_base(specification: Specification) -> dict:
    """The cells of the estimate record that the specification itself gives."""
    return {name: value for name, value in vars(specification).items() if name in RECORD_COLUMNS}


def coverage_sentence(controls_not_covered: Sequence[str]) -> list[str]:
    """One sentence that names the controls of the study that the input does not cover; none if it covers all."""
    if not controls_not_covered:
        return []
    return [f"Controls not covered by this input: {', '.join(controls_not_covered)}."]


def fit_sentences(
    specification: Specification, counts: dict, controls_not_covered: Sequence[str], clustered: bool
) -> list[str]:
    """What is to be known of a fit: controls not covered, terms dropped as collinear (``dropped_terms`` of
    ``counts``), and, unless ``clustered``, that there is no clustered error.
    """
    sentences = coverage_sentence(controls_not_covered)
    if counts["dropped_terms"]:
        sentences.append(f"Dropped as collinear: {counts['dropped_terms']}.")
    if not clustered:
        sentences.append(f"No clustered errors: the rows used hold one {specification.cluster}.")
    return sentences


def problem_cells(problem: InputError | NotIdentifiedError, sentences: Sequence[str] = ()) -> dict[str, str]:
    """``status`` and ``message`` of a specification that ended in ``problem``, followed by ``sentences``."""
    status = "not_identified" if isinstance(problem, NotIdentifiedError) else "failed"
    return {"status": status, "message": " ".join([str(problem), *sentences])}


def problem_rows(
    specification: Specification, counts: dict, problem: Exception, controls_not_covered: Sequence[str]
) -> list[dict]:
    """One record row per variance estimator for a specification that cannot be run, with the ``counts`` that are
    known.
    """
    row = record_base(specification) | counts | {"term": specification.treatment}
    row |= problem_cells(problem, coverage_sentence(controls_not_covered))
    return [row | {"vcov": vcov} for vcov in VARIANCE_ESTIMATORS]


def cast_to_schema(frame: pd.DataFrame, columns: dict[str, str] = RECORD_COLUMNS) -> pd.DataFrame:
    """``frame`` with exactly the declared columns, in order, with the declared dtypes.

    ``columns``: column -> pandas dtype (``str``, ``Int64``, ``float64``, ``boolean``). Columns that ``frame``
    lacks are added, all missing. Missing text stays missing (it does not become ``'nan'``), and a column
    without any value keeps its type, so that DuckDB does not guess INTEGER for it.

    Raises InputError for a column that is not declared, or a value that its type cannot hold.
    """
    unknown = [name for name in frame.columns if name not in columns]
    if unknown:
        raise InputError(f"Column '{unknown[0]}' is not declared; the declared columns are {', '.join(columns)}.")
    result = {}
    for name, dtype in columns.items():
        values = frame[name] if name in frame.columns else pd.Series(None, index=frame.index, dtype="object")
        try:
            if dtype == "str":
                # A text column that a reader took for numbers (paper table 3, NULL) must not become '3.0'.
                if pd.api.types.is_float_dtype(values.dtype) and (values.dropna() % 1 == 0).all():
                    values = values.astype("float64").astype("Int64")
                missing = values.isna()
                result[name] = values.astype("object").map(str).astype("str").mask(missing)
            elif dtype in ("Int64", "float64"):
                numbers = pd.to_numeric(values.astype("object").where(values.notna(), None))
                # By way of float64, whose cast to Int64 refuses a fraction instead of cutting it off.
                result[name] = numbers.astype("float64").astype(dtype)
            else:
                result[name] = values.astype(dtype)
        except (TypeError, ValueError) as error:
            raise InputError(f"Column '{name}' cannot be stored as {dtype}: {error}.") from error
    return pd.DataFrame(result, columns=list(columns)).reset_index(drop=True)
