"""Makes wildboottest_reference.csv: p values of wildboottest 0.3.2 on simulated panels, for test_cross_products.py.

Needs `pip install wildboottest` in an environment of its own; run it in tests/python. With fewer than 2^12 sign patterns
wildboottest goes through all of them, so that its Rademacher p is exact for these panels of 11 cities.
"""

import csv
import warnings

import numpy as np
import statsmodels.api as sm
from resampling_reference import simulate, treatment
from wildboottest.wildboottest import wildboottest

with open("data/wildboottest_reference.csv", "w", encoding="utf-8", newline="") as handle:
    writer = csv.writer(handle, lineterminator="\n")
    writer.writerow(["seed", "unbalanced", "weights", "draws", "p_value"])
    for seed, unbalanced in ((1, False), (2, False), (3, True), (4, True)):
        panel, timing = simulate(seed=seed, cities=11, unbalanced=unbalanced)
        # Cities with one row are clusters to wildboottest and none to the engine.
        panel = panel.assign(pilot=treatment(panel, timing, "pilot"))
        panel = panel[panel.groupby("adcode")["year"].transform("size") > 1]
        cities, years = (np.unique(panel[name], return_inverse=True)[1] for name in ("adcode", "year"))
        columns = [
            panel["pilot"],
            panel["x1"] * 1e6,
            np.eye(cities.max() + 1)[cities],
            np.eye(years.max() + 1)[years][:, 1:],
        ]
        model = sm.OLS(panel["y"].to_numpy(), np.column_stack(columns))
        for weights in ("rademacher", "webb"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                result = wildboottest(model, 99_999, cities, "x1", weights, seed=1, show=False)
            writer.writerow([seed, unbalanced, weights, 99_999, float(result["p-value"].iloc[0])])
