"""Small panels with everything that breaks estimators, and least squares in extended precision to compare with.

A case is a panel of about a dozen cities, the treatment timing, controls, and cells of the specification. The
reference works on the stored numbers in 64-bit mantissas (``numpy.longdouble``) where the platform has them, by
Gram-Schmidt with a second pass, so that what it says of a control that is another one plus noise of 1e-9 has ten digits.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

LONG = np.longdouble


@dataclass
class Case:
    """``changes``: cells of the specification; ``refused``: a part of the sentence that refuses the panel as a whole."""

    panel: pd.DataFrame
    timing: pd.DataFrame
    controls: list[str] = field(default_factory=lambda: ["x1", "x2"])
    changes: dict = field(default_factory=dict)
    refused: str | None = None


def simulate(rng, cities=12, years=7, first=2011, step=1):
    """A panel that has nothing wrong: a third never treated, two cohorts, and every column that estimators read."""
    city, year = np.repeat(np.arange(cities), years), np.tile(first + step * np.arange(years), cities)
    n = len(city)
    starts = np.full(cities, np.nan)
    order = rng.permutation(cities)
    starts[order[: cities // 3]] = first + step * (years // 2)
    starts[order[cities // 3 : cities // 3 + cities // 3]] = first + step * (years - 2)
    treated = year >= np.nan_to_num(starts, nan=9999)[city]
    panel = pd.DataFrame({"adcode": [f"{110000 + 100 * c}" for c in city], "year": year})
    for name in ("x1", "x2", "x3", "z"):
        panel[name] = rng.normal(size=cities)[city] + 0.3 * (year - first) / step + rng.normal(size=n)
    panel["m"] = 0.5 * treated + rng.normal(size=cities)[city] + rng.normal(size=n)
    noise = rng.normal(size=n) + 0.3 * rng.normal(size=cities)[city] * (year - first) / step
    panel["y"] = 0.4 * treated + rng.normal(size=cities)[city] + 0.1 * (year - first) + 0.3 * panel["x1"] + noise
    panel["everyone"] = True
    panel["north"] = (np.arange(cities) % 2 == 0)[rng.permutation(cities)][city]
    panel["south"] = ~panel["north"]
    panel["all_alike"], panel["half"], panel["cut"] = 1, city % 2, rng.integers(0, 6, n)
    panel["group"] = city // 2
    timing = pd.DataFrame({"adcode": sorted(panel["adcode"].unique()), "policy_id": "pilot"})
    timing["first_treated_year"] = starts
    return panel, timing


def _started(case_starts):
    def change(rng, panel, timing):
        return Case(panel, timing.assign(first_treated_year=case_starts(rng, timing, np.unique(panel["year"]))))

    return change


def _of(**columns):
    """A panel with some columns made anew; the functions take rng and panel."""

    def change(rng, panel, timing):
        panel = panel.copy()
        for name, make in columns.items():
            panel[name] = make(rng, panel)
        return Case(panel, timing, ["x1", "x2", "x3"] if "x3" in columns else ["x1", "x2"])

    return change


def _kept(choose, **size):
    def change(rng, panel, timing):
        return Case(panel[choose(rng, panel)].reset_index(drop=True), timing)

    change.size = size
    return change


def _sized(**size):
    def change(rng, panel, timing):
        return Case(panel, timing)

    change.size = size
    return change


def _with(**changes):
    return lambda rng, panel, timing: Case(panel, timing, changes=changes)


def _noise(rng, panel):
    return rng.normal(size=len(panel))


def _effects(rng, panel):
    """A city effect plus a year effect."""
    return panel.groupby("adcode")["z"].transform("mean") + panel.groupby("year")["z"].transform("mean")


def _on(panel, timing):
    starts = panel["adcode"].map(timing.set_index("adcode")["first_treated_year"]).fillna(9999)
    return (panel["year"] >= starts).astype("float64")


def _near_treatment(s):
    def change(rng, panel, timing):
        return Case(panel.assign(x2=_on(panel, timing) + s * _noise(rng, panel)), timing)

    return change


def _explained(controls, treated):
    """An outcome without a residual."""

    def change(rng, panel, timing):
        y = _effects(rng, panel) + treated * _on(panel, timing) + (2 * panel["x1"] if controls else 0)
        return Case(panel.assign(y=y), timing, ["x1"] if controls else [])

    return change


def _no_reference(rng, panel, timing):
    starts = panel["adcode"].map(timing.set_index("adcode")["first_treated_year"])
    return Case(panel[panel["year"] != starts - 1].reset_index(drop=True), timing)


def _spoilt(value, share):
    def change(rng, panel, timing):
        panel = panel.copy()
        panel.loc[rng.random(len(panel)) < share, "x1"] = value
        return Case(panel, timing)

    return change


def _missing_outcome(whole):
    def change(rng, panel, timing):
        keys = panel[whole].unique()
        gone = rng.choice(keys, 2, replace=False)
        return Case(panel.assign(y=panel["y"].mask(panel[whole].isin(gone))), timing)

    return change


def _cities(write):
    def change(rng, panel, timing):
        return Case(panel.assign(adcode=write(panel["adcode"])), timing.assign(adcode=write(timing["adcode"])))

    return change


def _twice(rng, panel, timing):
    return Case(pd.concat([panel, panel.iloc[[3]]], ignore_index=True), timing, refused="more than once")


def _only(count):
    """Starts of the first ``count`` cities, all in one year; from the end if negative."""

    def starts(rng, timing, years):
        at = np.full(len(timing), float(years[len(years) // 2]))
        at[rng.permutation(len(at))[count:]] = np.nan
        return at

    return starts


def _always_some(rng, timing, years):
    return np.where(np.arange(len(timing)) < 3, years[0], timing["first_treated_year"])


def _staggered_all(rng, timing, years):
    return rng.permutation(np.resize(years[1:], len(timing))).astype("float64")


KINDS = {
    "nothing wrong": _sized(),
    "no controls": lambda rng, panel, timing: Case(panel, timing, []),
    # Rows.
    "a year lacks": _kept(lambda rng, panel: panel["year"] != 2013),
    "years far apart": _sized(step=3),
    "a tenth lacks": _kept(lambda rng, panel: rng.random(len(panel)) > 0.1),
    "a third lacks": _kept(lambda rng, panel: rng.random(len(panel)) > 0.35),
    "half lacks": _kept(lambda rng, panel: rng.random(len(panel)) > 0.5, cities=20),
    "most lacks": _kept(lambda rng, panel: rng.random(len(panel)) > 0.75, cities=20),
    "cities of one row": _kept(lambda rng, panel: (panel["adcode"] > "110300") | (panel["year"] == 2014)),
    "years of one row": _kept(lambda rng, panel: (panel["year"] < 2016) | (panel["adcode"] == "110300")),
    "two periods": _sized(years=2, cities=14),
    "three periods": _sized(years=3, cities=14),
    "one city": _sized(cities=1),
    "two cities": _sized(cities=2),
    "four cities": _sized(cities=4),
    # Scales.
    **{
        f"{name} times {size:.0e}": _of(**{name: lambda rng, panel, name=name, size=size: size * panel[name]})
        for name in ("y", "x1")
        for size in (1e150, 1e60, 1e8, 1e-8, 1e-60, 1e-150)
    },
    "y and x1 far apart": _of(y=lambda rng, panel: 1e70 * panel["y"], x1=lambda rng, panel: 1e-70 * panel["x1"]),
    "m times 1e60": _of(m=lambda rng, panel: 1e60 * panel["m"]),
    "a mean of 1e9 in y": _of(y=lambda rng, panel: 1e9 + panel["y"]),
    "a mean of 1e6 in y": _of(y=lambda rng, panel: 1e6 + 0.01 * panel["y"]),
    "a mean of 1e9 in x1": _of(x1=lambda rng, panel: 1e9 + panel["x1"]),
    "a mean of 1e9, small variation in x1": _of(x1=lambda rng, panel: 1e9 + 1e-3 * panel["x1"]),
    "a mean of 1e12 in x1": _of(x1=lambda rng, panel: 1e12 + panel["x1"]),
    # Collinear.
    **{
        f"x2 is x1 but for {s:.0e}": _of(x2=lambda rng, panel, s=s: panel["x1"] + s * _noise(rng, panel))
        for s in (1e-3, 1e-5, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-13)
    },
    **{
        f"x1 is effects but for {s:.0e}": _of(x1=lambda rng, panel, s=s: _effects(rng, panel) + s * _noise(rng, panel))
        for s in (1e-3, 1e-6, 1e-8, 1e-9, 1e-11, 1e-13)
    },
    **{f"x2 is the treatment but for {s:.0e}": _near_treatment(s) for s in (1e-3, 1e-6, 1e-8, 1e-9, 1e-11, 1e-13)},
    **{
        f"x3 is x1 and x2 but for {s:.0e}": _of(
            x3=lambda rng, panel, s=s: panel["x1"] - 2 * panel["x2"] + s * _noise(rng, panel)
        )
        for s in (1e-3, 1e-6, 1e-8, 1e-9, 1e-11, 1e-13)
    },
    "x2 is a tiny x1 but for 1e-8": _of(x2=lambda rng, panel: 1e-30 * (panel["x1"] + 1e-8 * _noise(rng, panel))),
    "x2 is x1": _of(x2=lambda rng, panel: panel["x1"]),
    "x2 is constant": _of(x2=lambda rng, panel: 3.7),
    "x2 is zero": _of(x2=lambda rng, panel: 0.0),
    "x2 is of the city": _of(x2=lambda rng, panel: panel.groupby("adcode")["x2"].transform("mean")),
    "x2 is of the year": _of(x2=lambda rng, panel: panel.groupby("year")["x2"].transform("mean")),
    # Clusters.
    "one cluster": _with(cluster="all_alike"),
    "two clusters": _with(cluster="half"),
    "clusters of two cities": _with(cluster="group"),
    "clusters cut through cities": _with(cluster="cut"),
    # Treatment.
    "one treated": _started(_only(1)),
    "two treated": _started(_only(2)),
    "all but one treated": _started(_only(-1)),
    "nobody treated": _started(lambda rng, timing, years: np.nan),
    "everybody at once": _started(lambda rng, timing, years: years[3]),
    "everybody staggered": _started(_staggered_all),
    "everybody from the start": _started(lambda rng, timing, years: years[0]),
    "some from the start": _started(_always_some),
    "in the last year": _started(
        lambda rng, timing, years: np.where(timing["first_treated_year"].notna(), years[-1], np.nan)
    ),
    "in the second year": _started(
        lambda rng, timing, years: np.where(timing["first_treated_year"].notna(), years[1], np.nan)
    ),
    "after the last year": _started(lambda rng, timing, years: years[-1] + 1),
    "some after the last year": _started(
        lambda rng, timing, years: np.where(timing["first_treated_year"] == years[-2], years[-1] + 5, years[3])
    ),
    "no reference year": _no_reference,
    # Outcome and controls.
    "y lacks in whole years": _missing_outcome("year"),
    "y lacks in whole cities": _missing_outcome("adcode"),
    "y lacks everywhere": _of(y=lambda rng, panel: np.nan),
    "y is constant": _of(y=lambda rng, panel: 5.1),
    "y is zero": _of(y=lambda rng, panel: 0.0),
    "y is of the city": _of(y=lambda rng, panel: panel.groupby("adcode")["y"].transform("mean")),
    "y is effects": _explained(controls=False, treated=0.0),
    "y is effects and treatment": _explained(controls=False, treated=0.7),
    "y is all terms": _explained(controls=True, treated=0.7),
    "y is x1": _of(y=lambda rng, panel: 3 * panel["x1"]),
    "y is m": _of(y=lambda rng, panel: 3 * panel["m"]),
    "infinite controls": _spoilt(np.inf, 0.1),
    "missing controls": _spoilt(np.nan, 0.2),
    "controls of text": _of(x1=lambda rng, panel: panel["x1"].map(str)),
    # Keys.
    "cities are whole numbers": _cities(lambda cities: cities.astype("int64")),
    "cities are floats": _cities(lambda cities: cities.astype("float64")),
    "cities are words": _cities(lambda cities: "city " + cities.str[2:4]),
    "years are floats": lambda rng, panel, timing: Case(panel.assign(year=panel["year"].astype("float64")), timing),
    "a row twice": _twice,
    # Lags.
    "a lag of a year": _with(lag=1),
    "a lag of three years": _with(lag=3),
    "a lag beyond the panel": _with(lag=20),
    "effects of city groups by year": _with(extra_fixed_effects="group^year"),
}


def make(kind: str, seed: int) -> Case:
    """The panel of a kind; the same for the same seed."""
    rng = np.random.default_rng([seed, *kind.encode()])
    change = KINDS[kind]
    panel, timing = simulate(rng, **getattr(change, "size", {}))
    case = change(rng, panel, timing)
    # Rows in no order, as a table scan may give them.
    case.panel = case.panel.sample(frac=1, random_state=seed).reset_index(drop=True)
    return case


# ------------------------------------------------------------------------------------------- extended precision


def basis(columns, least=1e-13):
    """An orthonormal basis (n, m) of the ``columns``, which of them are in it, and what was left of each, relatively."""
    found, kept, left = [], [], []
    for column in np.asarray(columns, dtype=LONG).T:
        size = np.sqrt(column @ column)
        rest = column / size if size > 0 else column
        for _ in range(2):
            for q in found:
                rest = rest - q * (q @ rest)
        length = np.sqrt(rest @ rest)
        kept.append(bool(length > least))
        left.append(float(length))
        if kept[-1]:
            found.append(rest / length)
    return (np.column_stack(found) if found else np.zeros((len(columns), 0), dtype=LONG)), kept, left


def dummies(codes):
    return (np.unique(codes)[None, :] == np.asarray(codes)[:, None]).astype(LONG)


@dataclass
class Reference:
    """``coefficients`` of the terms, ``iid`` and ``CRV1`` errors, ``residual``, the least share that effects and other
    terms leave of a term, ``left``; ``scale``, of the outcome over a term: sizes beside which rounding is nothing.
    """

    coefficients: np.ndarray
    iid: np.ndarray
    crv1: np.ndarray | None
    residual: np.ndarray
    left: float
    r2_within: float
    swept: np.ndarray
    degrees: int


def regress(outcome, terms, effects, cluster, weights=None, nested=None):
    """Dummy-variable least squares of ``outcome`` (n,) on ``terms`` (n, k) and dummies of the codes ``effects``, the
    first the cities'; None if the terms are collinear or nothing is left.

    ``nested``: for each effect whether it is nested in the cluster, so that the small-sample factor does not count it.
    """
    root = np.sqrt(np.asarray(np.ones(len(outcome)) if weights is None else weights, dtype=LONG))
    y = np.asarray(outcome, dtype=LONG) * root
    x = np.asarray(terms, dtype=LONG) * root[:, None]
    fixed = np.column_stack([dummies(codes) for codes in effects]) * root[:, None]
    q, _, _ = basis(fixed)
    sizes = np.sqrt((x**2).sum(axis=0))
    swept = [y, *x.T]
    for _ in range(2):
        swept = [column - q @ (q.T @ column) for column in swept]
    y, x = swept[0], np.column_stack(swept[1:])
    k = x.shape[1]
    partial, left = [], []
    for j in range(k):
        others, kept, _ = basis(np.delete(x, j, axis=1))
        rest = x[:, j]
        for _ in range(2):
            rest = rest - others @ (others.T @ rest)
        length = np.sqrt(rest @ rest)
        if not all(kept) or not length > 1e-14 * sizes[j]:
            return None
        partial.append(rest / length**2)
        left.append(float(length / sizes[j]))
    partial = np.column_stack(partial)
    b = partial.T @ y
    # Not y - x b: where terms are nearly collinear, the rounding of each coefficient is larger than the residual.
    whole, residual = basis(x)[0], y
    for _ in range(2):
        residual = residual - whole @ (whole.T @ residual)
    n, rank = len(y), q.shape[1]
    degrees = n - k - rank
    if degrees <= 0:
        return None
    iid = np.sqrt(residual @ residual / degrees) * np.sqrt((partial**2).sum(axis=0))
    groups = dummies(cluster)
    g = groups.shape[1]
    crv1 = None
    if g > 1:
        nested = [i == 0 for i in range(len(effects))] if nested is None else nested
        counted = sum(len(np.unique(codes)) - 1 for codes, inside in zip(effects, nested, strict=True) if not inside)
        scores = groups.T @ (partial * residual[:, None])
        crv1 = np.sqrt(g / (g - 1) * (n - 1) / (n - k - 1 - counted) * (scores**2).sum(axis=0))
    return Reference(b, iid, crv1, residual, min(left), 1 - residual @ residual / (y @ y), y, degrees)


def predict(outcome, columns, rows, at):
    """The fit of ``outcome`` on ``columns`` (n, m) among ``rows`` for the rows ``at``, NaN where it is not determined;
    and the least share that other columns leave of one.
    """
    x, y = np.asarray(columns, dtype=LONG), np.asarray(outcome, dtype=LONG)
    sizes = np.sqrt((x**2).sum(axis=0))
    x = x[:, sizes > 0] / sizes[sizes > 0]
    q, kept, left = basis(x[rows], 1e-15)
    chosen = np.flatnonzero(kept)
    triangle = q.T @ x[rows][:, chosen]
    fit = x[at][:, chosen] @ back_substitute(triangle, q.T @ y[rows])
    for j in np.setdiff1d(np.arange(x.shape[1]), chosen):
        combination = back_substitute(triangle, q.T @ x[rows][:, j])
        fit[np.abs(x[at][:, j] - x[at][:, chosen] @ combination) > 1e-9] = np.nan
    # Beside the size of the column in all rows.
    share = np.array(left) * np.sqrt((x[rows] ** 2).sum(axis=0)) / np.sqrt((x**2).sum(axis=0))
    return fit, float(share[chosen].min())


def back_substitute(triangle, right):
    b = np.zeros(len(right), dtype=LONG)
    for j in reversed(range(len(right))):
        b[j] = (right[j] - triangle[j, j + 1 :] @ b[j + 1 :]) / triangle[j, j]
    return b
