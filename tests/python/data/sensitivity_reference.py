"""Makes sensitivity_reference.csv: intervals of statspai 1.40.0 for the cases of sensitivity_cases.py.

Needs `pip install statspai==1.40.0` in an environment of its own; run it in tests/python. The values of M of the
smoothness restriction are multiples of the standard error of the first effect. Intervals of relative magnitudes lie on a
grid, and their critical value is simulated from 1,000 draws: the ends are means over 25 seeds.
"""

import csv

import numpy as np
import statspai
from sensitivity_cases import CASES, RELATIVE_MAGNITUDES, SMOOTHNESS

with open("data/sensitivity_reference.csv", "w", encoding="utf-8", newline="") as handle:
    writer = csv.writer(handle, lineterminator="\n")
    writer.writerow(["case", "restriction", "parameter", "bound", "ci_low", "ci_high"])
    for case, (leads, effects, covariance) in CASES.items():
        p, q = len(leads), len(effects)
        times = [*range(-p - 1, -1), *range(q)]
        error = float(np.sqrt(covariance[p, p]))
        for parameter, weights in (("first", np.eye(q)[0]), ("average", np.full(q, 1 / q))):
            for method, bounds, unit in (
                ("relative_magnitude", RELATIVE_MAGNITUDES, 1.0),
                ("smoothness", SMOOTHNESS, error),
            ):
                found = [
                    statspai.honest_did_from_moments(
                        np.array([*leads, *effects]),
                        covariance,
                        event_times=times,
                        method=method,
                        m_grid=[bound * unit for bound in bounds],
                        l_vec=weights,
                        grid_points=2000,
                        seed=seed,
                    )[["ci_lower", "ci_upper"]].to_numpy()
                    for seed in range(25 if method == "relative_magnitude" else 1)
                ]
                for bound, (low, high) in zip(bounds, np.mean(found, axis=0), strict=True):
                    writer.writerow([case, method, parameter, bound, float(low), float(high)])
