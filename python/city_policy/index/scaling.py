"""Pooled scaling of indicators, shared by the component weights and the coupling scores."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from city_policy.errors import InputError

# A column whose spread is below this share of its size differs by rounding only.
CONSTANT_SPREAD = 1e-12


def indicator_values(frame: pd.DataFrame, directions: Mapping[str, int]) -> pd.DataFrame:
    """The indicators as finite floats or NaN, in the order of ``directions``; negative ones are still as
    given.

    ``frame``: any rows, at least the columns named by ``directions``; ``directions``: indicator -> 1 (more is
    better) or -1 (less is better).

    Raises InputError for no indicator, a missing column, text where numbers belong, a direction other than 1
    and -1, or a constant or empty column.
    """
    if not directions:
        raise InputError("No indicator was named; expected at least one.")
    values = {}
    for name, direction in directions.items():
        if name not in frame.columns:
            raise InputError(f"Indicator '{name}' has no column in the data.")
        if direction not in (1, -1):
            raise InputError(f"Indicator '{name}' has the direction {direction!r}; expected 1 or -1.")
        numbers = pd.to_numeric(frame[name], errors="coerce").astype("float64").to_numpy()
        text = frame[name].notna().to_numpy() & np.isnan(numbers)
        if text.any():
            raise InputError(f"Indicator '{name}' holds {frame[name].to_numpy()[text][0]!r}; expected numbers.")
        values[name] = np.where(np.isfinite(numbers), numbers, np.nan)
    return pd.DataFrame(values, index=frame.index)


def complete_rows(values: pd.DataFrame, at_least: int) -> np.ndarray:
    """Boolean mask (n,) of the rows without a gap; InputError if they are too few or an indicator is
    constant.
    """
    for name in values.columns:
        if values[name].isna().all():
            raise InputError(f"Indicator '{name}' is empty in every row; leave it out.")
    complete = values.notna().all(axis=1).to_numpy()
    if complete.sum() < at_least:
        raise InputError(
            f"Only {int(complete.sum())} rows hold all of {', '.join(values.columns)}; at least {at_least} are needed."
        )
    for name in values.columns:
        column = values[name].to_numpy()[complete]
        if np.ptp(column) <= CONSTANT_SPREAD * np.abs(column).max():
            raise InputError(
                f"Indicator '{name}' has the same value ({column[0]:g}) in every complete row; "
                "it cannot be scaled: leave it out."
            )
    return complete
