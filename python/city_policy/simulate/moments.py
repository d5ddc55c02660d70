"""Give a latent draw the published mean, standard deviation, minimum and maximum, by a monotone map."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import root
from scipy.special import expit, logit, ndtri

from city_policy.errors import InputError


@dataclass(frozen=True)
class Moments:
    """Mean, standard deviation, minimum and maximum of a variable over the sample, as Table 2 prints them."""

    mean: float
    deviation: float
    minimum: float
    maximum: float


def solve(gap, start: list[float], what: str) -> np.ndarray:
    """The root of ``gap``, a function of as many numbers as it returns.

    Raises:
        InputError: no root is found, which means that the scenario's draws cannot have the wanted moments.
    """
    with np.errstate(all="ignore"):
        for method in ("hybr", "lm"):
            solution = root(gap, start, method=method)
            if np.isfinite(solution.fun).all() and np.abs(solution.fun).max() < 1e-6:
                return solution.x
    raise InputError(
        f"The scenario's draws of {what} cannot be given the wanted moments; change their parameters or the seed."
    )


def ranked(level: np.ndarray, sample: np.ndarray, leader: int | None = None) -> np.ndarray:
    """(cities,) normal scores of the ranks of ``level`` within the sample: who stands where is drawn, the shape is not.

    Other cities get the score of the place they would take; ``leader`` is put first.
    """
    level = level.copy()
    if leader is not None:
        level[leader] = level.max() + 1
    places = np.searchsorted(np.sort(level[sample]), level)
    return ndtri((np.minimum(places, sample.sum() - 1) + 0.5) / sample.sum())


def with_moments(latent: np.ndarray, weight: np.ndarray, wanted: Moments, what: str) -> np.ndarray:
    """Map a latent draw monotonically so that it has the wanted moments where ``weight`` is positive.

    With s = (latent − min) / (max − min) over the weighted places,
        x = minimum + (maximum − minimum) · g(s),   logit g = a + b logit s,   b > 0,
    a and b solved for mean and standard deviation. Places without weight outside the range get its ends.

    Args:
        latent: any shape.
        weight: same shape, not negative; how often a place counts.
    """
    inside = weight > 0
    low, high = latent[inside].min(), latent[inside].max()
    share = np.clip((latent - low) / (high - low), 0.0, 1.0)
    with np.errstate(divide="ignore"):
        logits = logit(share)
    scale = wanted.maximum - wanted.minimum
    own, counts = logits[inside], weight[inside] / weight[inside].sum()
    mean, deviation = (wanted.mean - wanted.minimum) / scale, wanted.deviation / scale

    def gap(parameters):
        image = expit(parameters[0] + np.exp(parameters[1]) * own)
        centre = counts @ image
        return [centre / mean - 1, np.sqrt(counts @ (image - centre) ** 2) / deviation - 1]

    a, log_b = solve(gap, [0.0, 0.0], what)
    return wanted.minimum + scale * expit(a + np.exp(log_b) * logits)
