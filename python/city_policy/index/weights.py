"""Weights of the indicators by principal components.

The rule, over the rows in which no indicator is missing (n rows, p indicators):

1. Negative indicators are multiplied by -1, then every column is standardised (mean 0, standard deviation 1,
   pooled over all cities and years). R = correlation matrix, p x p.
2. R = sum over k of lambda_k a_k a_k', lambda_1 >= lambda_2 >= ... The loading of indicator j on component k
   is l_jk = a_jk sqrt(lambda_k), the correlation between the two. Components with lambda_k above the
   threshold (1, Kaiser's rule) are retained; if there is none, the first.
3. An eigenvector has no sign of its own: each is turned so that its loadings sum to a positive number; if
   they sum to 0, so that the largest entry in absolute value is positive.
4. Score coefficient of indicator j on component k: l_jk / sqrt(lambda_k) = a_jk (as SPSS users divide the
   loading by the root of the eigenvalue). Combined over the K retained components by explained variance: c_j
   = sum_k a_jk lambda_k / sum_k lambda_k.
5. weight_j = |c_j| / sum_j |c_j|.

The absolute value in step 5 is our choice: after the reversal in step 1 every indicator is meant to raise the
index, and the paper prints 26 positive weights. An indicator with c_j < 0 runs against the retained
components; it is marked (``against_components``) rather than allowed to lower the index. Weights are
non-negative and sum to 1, and the index correlates positively with the common component of its indicators.

Source: Zhang and Ma (2025), section 3.2 (principal components on standardised indicators, linear weighting);
the score-coefficient form is the usual one of Chinese applied work with SPSS (loading / sqrt(eigenvalue),
averaged by explained variance). Kaiser, Educational and Psychological Measurement 20 (1960), 141-151, for the
threshold.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from city_policy.errors import InputError
from city_policy.index.scaling import complete_rows, indicator_values


@dataclass(frozen=True)
class ComponentWeights:
    """Weights of p indicators and the components behind them.

    ``indicators``: one row per indicator in the order of ``directions``, columns ``indicator``,
    ``direction``,
    ``combined_coefficient`` (c_j, signed), ``against_components`` (c_j < 0) and ``weight`` (share, sums to
    1).
    ``components``: one row per component, columns ``component`` (1 ...), ``eigenvalue``, ``explained_share``
    (of the total variance p), ``cumulative_share`` and ``retained``.
    ``loadings``: long, one row per indicator and component, columns ``indicator``, ``component``,
    ``eigenvector`` (a_jk) and ``loading`` (l_jk).
    ``n_rows``, ``n_rows_incomplete``: rows used and rows left out because an indicator was missing.
    """

    indicators: pd.DataFrame
    components: pd.DataFrame
    loadings: pd.DataFrame
    n_rows: int
    n_rows_incomplete: int


def component_weights(frame: pd.DataFrame, directions: Mapping[str, int], threshold: float = 1.0) -> ComponentWeights:
    """Weights of the indicators named by ``directions``; the rule stands at the top of this module.

    ``frame``: one row per city and year of the sample, any order; one numeric column per indicator, any unit.
    ``directions``: indicator -> 1 or -1. ``threshold``: components with a larger eigenvalue are retained.

    The result is the same, to the last bit, for every order of rows and of indicators (up to exactly repeated
    eigenvalues, whose vectors no rule makes unique).

    Raises InputError, naming the indicator, for a missing, empty, constant or non-numeric column or a
    direction other than 1 and -1, and for fewer than three complete rows.
    """
    values = indicator_values(frame, directions)
    complete = complete_rows(values, at_least=3)
    # One canonical order of columns and rows, so that sums and LAPACK see the same numbers whatever the input
    # order.
    names = sorted(directions)
    data = values.loc[complete, names].to_numpy() * np.array([directions[name] for name in names], dtype="float64")
    data = data[np.lexsort(data.T)]
    centred = data - data.mean(axis=0)
    standardised = centred / np.sqrt((centred**2).mean(axis=0))
    correlation = standardised.T @ standardised / len(data)
    np.fill_diagonal(correlation, 1.0)
    eigenvalues, vectors = np.linalg.eigh((correlation + correlation.T) / 2)
    eigenvalues, vectors = np.maximum(eigenvalues[::-1], 0.0), vectors[:, ::-1]
    vectors = vectors * _signs(vectors)
    loadings = vectors * np.sqrt(eigenvalues)
    retained = eigenvalues > threshold
    if not retained.any():
        retained[0] = True
    combined = vectors[:, retained] @ eigenvalues[retained] / eigenvalues[retained].sum()
    size = np.abs(combined)
    if not size.sum() > 0:
        raise InputError("The retained components give every indicator the weight 0; lower the threshold.")
    indicators = pd.DataFrame(
        {
            "indicator": names,
            "direction": np.array([directions[name] for name in names], dtype="int64"),
            "combined_coefficient": combined,
            "against_components": combined < 0,
            "weight": size / size.sum(),
        }
    )
    order = [names.index(name) for name in directions]
    number = np.arange(1, len(names) + 1)
    share = eigenvalues / len(names)
    return ComponentWeights(
        indicators=indicators.iloc[order].reset_index(drop=True),
        components=pd.DataFrame(
            {
                "component": number,
                "eigenvalue": eigenvalues,
                "explained_share": share,
                "cumulative_share": share.cumsum(),
                "retained": retained,
            }
        ),
        loadings=pd.DataFrame(
            {
                "indicator": np.repeat([names[i] for i in order], len(names)),
                "component": np.tile(number, len(names)),
                "eigenvector": vectors[order].ravel(),
                "loading": loadings[order].ravel(),
            }
        ),
        n_rows=int(complete.sum()),
        n_rows_incomplete=int((~complete).sum()),
    )


def _signs(vectors: np.ndarray) -> np.ndarray:
    """1 or -1 per column, (p, k) -> (k,): positive sum, or where that is rounding, positive largest entry."""
    sums = vectors.sum(axis=0)
    largest = vectors[np.abs(vectors).round(12).argmax(axis=0), np.arange(vectors.shape[1])]
    return np.where(np.abs(sums) > 1e-10, np.sign(sums), np.sign(largest))
