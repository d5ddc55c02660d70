"""Coupling coordination of two subsystems (digital and real economy), each scored with entropy weights.

Over the n rows in which no indicator of the subsystem is missing, pooled over cities and years::

    x_ij = (X_ij - min_j) / (max_j - min_j), negative indicators (max_j - X_ij) / (max_j - min_j)
    p_ij = x_ij / sum_i x_ij
    e_j  = -(1 / ln n) sum_i p_ij ln p_ij,   0 ln 0 = 0 (its limit; nothing is shifted)
    w_j  = (1 - e_j) / sum_j (1 - e_j)
    U_i  = sum_j w_j x_ij, in [0, 1]

and of two subsystem scores::

    C = 2 sqrt(U1 U2) / (U1 + U2), T = U1 / 2 + U2 / 2, D = sqrt(C T), all in [0, 1]

Where both scores are 0 there is nothing to couple: C = 0 and D = 0.

Sources: entropy weights after C. E. Shannon (1948) as used throughout the literature the paper cites;
coupling coordination as in Shi and Sun (2023) and Xie et al. (2024), references [41] and [42] of Zhang and Ma
(2025).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from city_policy.errors import InputError
from city_policy.index.scaling import complete_rows, indicator_values


@dataclass(frozen=True)
class EntropyWeights:
    """Weights and scores of one subsystem.

    ``indicators``: one row per indicator, columns ``indicator``, ``direction``, ``entropy`` (e_j, in [0, 1]),
    ``weight`` (share, sums to 1). ``scores``: Series with the index of the input, U in [0, 1], missing where
    an indicator is missing. ``n_rows``, ``n_rows_incomplete``: rows used and rows with a gap.
    """

    indicators: pd.DataFrame
    scores: pd.Series
    n_rows: int
    n_rows_incomplete: int


def entropy_weights(frame: pd.DataFrame, directions: Mapping[str, int]) -> EntropyWeights:
    """Entropy weights and score of the subsystem whose indicators ``directions`` names.

    ``frame``: one row per city and year, any order, any unit. ``directions``: indicator -> 1 or -1.

    Raises InputError, naming the indicator, for a missing, empty, constant or non-numeric column or a
    direction other than 1 and -1, and for fewer than two complete rows.
    """
    values = indicator_values(frame, directions)
    complete = complete_rows(values, at_least=2)
    names = list(directions)
    sign = np.array([directions[name] for name in names], dtype="float64")
    data = values.to_numpy() * sign
    low, high = data[complete].min(axis=0), data[complete].max(axis=0)
    scaled = (data - low) / (high - low)
    # Sorted columns: the sums below do not depend on the order of the rows.
    used = np.sort(scaled[complete], axis=0)
    share = used / used.sum(axis=0)
    logs = np.log(share, where=share > 0, out=np.zeros_like(share))
    entropy = -(share * logs).sum(axis=0) / np.log(len(used))
    divergence = np.maximum(1 - entropy, 0.0)
    if not divergence.sum() > 0:
        raise InputError(f"The indicators {', '.join(names)} carry no information: every entropy is 1.")
    weights = divergence / divergence.sum()
    scores = pd.Series(np.nan, index=frame.index, dtype="float64")
    scores.iloc[np.flatnonzero(complete)] = np.clip(scaled[complete] @ weights, 0.0, 1.0)
    return EntropyWeights(
        indicators=pd.DataFrame(
            {
                "indicator": names,
                "direction": sign.astype("int64"),
                "entropy": np.clip(entropy, 0.0, 1.0),
                "weight": weights,
            }
        ),
        scores=scores,
        n_rows=int(complete.sum()),
        n_rows_incomplete=int((~complete).sum()),
    )


def coupling_coordination(first: pd.Series, second: pd.Series) -> pd.DataFrame:
    """Coupling C, coordination T and degree D of two subsystem scores.

    ``first``, ``second``: scores in [0, 1] with the same index, missing where unknown. Returns a frame with
    that index and the columns ``coupling`` (C), ``coordination`` (T), ``coupling_coordination`` (D), missing
    where either score is missing.

    Raises InputError for scores outside [0, 1] or with different indexes.
    """
    if not first.index.equals(second.index):
        raise InputError("The two subsystem scores belong to different rows; expected the same index.")
    u1, u2 = first.to_numpy(dtype="float64"), second.to_numpy(dtype="float64")
    for values in (u1, u2):
        outside = (values < 0) | (values > 1)
        if outside.any():
            raise InputError(f"A subsystem score is {values[outside][0]:g}; expected a number from 0 to 1.")
    total = u1 + u2
    coupling = np.divide(2 * np.sqrt(u1 * u2), total, where=total != 0, out=np.zeros_like(total))
    # 2 sqrt(U1 U2) <= U1 + U2, but for rounding
    coupling = np.minimum(coupling, 1.0)
    coordination = total / 2
    return pd.DataFrame(
        {
            "coupling": coupling,
            "coordination": coordination,
            "coupling_coordination": np.sqrt(coupling * coordination),
        },
        index=first.index,
    )
