"""Event studies on which the sensitivity of parallel trends is compared with a reference implementation."""

import numpy as np

RELATIVE_MAGNITUDES, SMOOTHNESS = (0.0, 0.5, 1.0, 1.5, 2.0), (0.0, 0.25, 0.5, 1.0)


def decaying(errors, share):
    """A covariance with the correlation ``share`` to the power of the distance."""
    distance = np.abs(np.subtract.outer(np.arange(len(errors)), np.arange(len(errors))))
    return np.outer(errors, errors) * share**distance


def common(errors, share):
    """A covariance with one correlation between all."""
    n = len(errors)
    return np.outer(errors, errors) * (share + (1 - share) * np.eye(n))


# Name -> leads, effects, covariance.
CASES = {
    "negative": (
        [0.02, -0.01, 0.03, 0.01],
        [-0.20, -0.25, -0.31, -0.28, -0.35],
        decaying(np.array([0.05, 0.04, 0.04, 0.03, 0.03, 0.04, 0.05, 0.05, 0.06]), 0.5),
    ),
    "one_lead": ([-0.05], [0.40, 0.35, 0.50], common(np.array([0.06, 0.07, 0.08, 0.09]), 0.5)),
    "four_leads_five_lags": (
        [-0.4, 0.3, -0.2, 0.5],
        [1.5, 2.0, 1.0, 2.5, 3.0],
        common(np.array([0.5, 0.45, 0.4, 0.35, 0.35, 0.4, 0.45, 0.5, 0.55]), 0.6),
    ),
    "one_effect": ([0.01, 0.02, -0.01], [0.10], common(np.array([0.02, 0.02, 0.02, 0.025]), 0.4)),
    "sloping_leads": (
        [-0.30, -0.20, -0.10],
        [0.30, 0.45, 0.55, 0.70],
        decaying(np.array([0.06, 0.05, 0.04, 0.04, 0.05, 0.06, 0.07]), 0.7),
    ),
    "highly_correlated": ([0.001, -0.002], [0.030, 0.028], common(np.array([0.01, 0.012, 0.011, 0.013]), 0.9)),
}
