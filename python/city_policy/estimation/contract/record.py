"""The record that most estimators write, one row per specification, term and variance estimator; the errors that
become rows; and the types of every table.
"""

from collections.abc import Mapping
from types import MappingProxyType

import pandas as pd

from city_policy.errors import InputError
from city_policy.estimation.contract.specification import Specification

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
    """The data of a specification cannot tell what it asks; the message says why, ``counts`` what was counted."""

    def __init__(self, message: str, counts: Mapping[str, int | str | None] = MappingProxyType({})):
        super().__init__(message)
        self.counts = dict(counts)


# What may keep a specification from being run, and becomes a row with a status and a message. Any other exception is
# a mistake of the program and ends the build with its traceback: a bug must not look like a result.
EXPECTED_ERRORS = (InputError, NotIdentifiedError)


def notes_on_fit(specification: Specification, dropped_terms: str | None, clustered: bool) -> list[str]:
    """What is to be known of a fit: terms dropped as collinear, and, unless ``clustered``, that there is no clustered
    error.
    """
    notes = [f"Dropped as collinear: {dropped_terms}."] if dropped_terms else []
    if not clustered:
        notes.append(f"No clustered errors: the rows used hold one {specification.cluster}.")
    return notes


def cast_to_schema(frame: pd.DataFrame, columns: Mapping[str, str] = RECORD_COLUMNS) -> pd.DataFrame:
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
