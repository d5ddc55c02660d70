"""The same indicators as an index in other ways: by weights, scaling and winsorising.

Weights, over n rows and p indicators x, each scaled to 0 ... 1 with negative ones reversed:

- ``components``: principal components (:mod:`city_policy.index.weights`);
- ``equal``: 1 / p;
- ``entropy``: (1 - e_j) / sum of (1 - e_j) (:mod:`city_policy.index.coupling`);
- ``critic``: s_j sum over k of (1 - r_jk), normalised, s the standard deviation and r the correlations (Diakoulaki,
  Mavrotas and Papayannakis 1995, Computers and Operations Research 22);
- ``topsis``: entropy weights, and in place of the sum the closeness D- / (D+ + D-), D+ and D- the distances from the
  best and the worst value of every weighted indicator (Hwang and Yoon 1981).

Scaling: ``min_max`` or ``z_score``, pooled. Winsorising: every indicator is cut at its quantiles w and 1 - w first.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from city_policy.index.coupling import entropy_weights
from city_policy.index.scaling import complete_rows, indicator_values
from city_policy.index.weights import component_weights

WEIGHTS = ("components", "equal", "entropy", "critic", "topsis")
SCALINGS = ("min_max", "z_score")
WINSORISED_PERCENT = (0, 1, 5)


class Scheme(NamedTuple):
    """One way to make an index."""

    weights: str
    scaling: str
    winsorised_percent: int


def winsorised(values: np.ndarray, percent: int) -> np.ndarray:
    """``values`` (n, ...) cut at their quantiles ``percent`` and 100 - ``percent``, column by column."""
    if not percent:
        return values
    low, high = np.quantile(values, [percent / 100, 1 - percent / 100], axis=0)
    return np.clip(values, low, high)


def index_by_scheme(
    frame: pd.DataFrame, directions: Mapping[str, int], threshold: float = 1.0
) -> Iterator[tuple[Scheme, np.ndarray]]:
    """Every scheme with its index, (n,), over the rows of ``frame``.

    ``frame``: n rows without a gap, one numeric column per indicator; ``directions``: indicator -> 1 or -1;
    ``threshold``: of the eigenvalues (see :func:`~city_policy.index.weights.component_weights`).

    An indicator that winsorising makes constant is left out of that scheme. Raises InputError for an indicator that is
    missing, empty or constant, and if a scheme has no weights.
    """
    values = indicator_values(frame, directions)
    complete_rows(values, at_least=3)
    for percent in WINSORISED_PERCENT:
        data = pd.DataFrame(winsorised(values.to_numpy(), percent), columns=values.columns)
        spread = data.max() - data.min()
        data = data.loc[:, spread > 1e-12 * data.abs().max()]
        signs = {name: directions[name] for name in data.columns}
        weights = _weights(data, signs, threshold)
        signed = data.to_numpy() * np.array(list(signs.values()), dtype="float64")
        unit = (signed - signed.min(axis=0)) / np.ptp(signed, axis=0)
        standard = (signed - signed.mean(axis=0)) / signed.std(axis=0, ddof=1)
        for scaling, scaled in (("min_max", unit), ("z_score", standard)):
            for name in WEIGHTS:
                index = _closeness(scaled * weights[name]) if name == "topsis" else scaled @ weights[name]
                yield Scheme(name, scaling, percent), index


def _weights(data, signs, threshold):
    """Weights (p,) by their name."""
    names = list(signs)
    components = component_weights(data, signs, threshold).indicators.set_index("indicator")["weight"]
    entropy = entropy_weights(data, signs).indicators.set_index("indicator")["weight"][names].to_numpy()
    return {
        "components": components[names].to_numpy(),
        "equal": np.full(len(names), 1 / len(names)),
        "entropy": entropy,
        "critic": critic_weights(data.to_numpy() * np.array(list(signs.values()), dtype="float64")),
        "topsis": entropy,
    }


def critic_weights(signed: np.ndarray) -> np.ndarray:
    """CRITIC weights (p,) of indicators (n, p) of which more is better; formula at the top."""
    unit = (signed - signed.min(axis=0)) / np.ptp(signed, axis=0)
    conflict = (1 - np.corrcoef(unit, rowvar=False).reshape(unit.shape[1], -1)).sum(axis=0)
    size = unit.std(axis=0, ddof=1) * conflict
    return size / size.sum() if size.sum() > 0 else np.full(len(size), 1 / len(size))


def _closeness(weighted):
    """TOPSIS: how far from the worst, as a share of the distances from worst and best; (n,)."""
    best, worst = (np.sqrt(((weighted - end(axis=0)) ** 2).sum(axis=1)) for end in (weighted.max, weighted.min))
    return worst / (best + worst)
