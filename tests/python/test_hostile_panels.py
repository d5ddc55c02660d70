"""The right number or a status, never a wrong number with the status ok: all estimators on panels that break them.

Truth is a dummy-variable regression in extended precision (``hostile_panels``) on the rows and without the controls
that the estimator says it left out. What has no such definition must not change with the order of the rows, the names
of the cities, units, city and year effects in the outcome, or an equivalent set of controls.
"""

import warnings

import numpy as np
import pandas as pd
import pytest
from city_policy.errors import InputError
from city_policy.estimation.computation.cross_products import CrossProducts
from city_policy.estimation.contract.panel import Panel
from city_policy.estimation.estimators.staggered import ESTIMATORS as STAGGERED_ESTIMATORS
from city_policy.estimation.large_panels.database_cross_products import read_moments
from estimator_cases import ESTIMATORS, run_one
from hostile_panels import KINDS, dummies, make, predict, regress
from resampling_reference import cross_product_table

SEEDS = range(2)
# Beside what doubles hold: a control that is another one plus noise of s has digits of 1e-16 / s only.
DIGITS, ROUNDING = 1e-9, 2e-13
ERRORS = ("std_error", "std_error_iid", "std_error_crv1", "std_error_1", "std_error_2", "se_a", "se_b")


def run_case(name, panel, case, **changes):
    with warnings.catch_warnings():
        # Divisions by zero are among what is tested.
        warnings.simplefilter("ignore")
        return run_one(name, ESTIMATORS[name], panel, case.controls, **{"sample": "everyone"} | changes | case.changes)


class Used:
    """The rows that a specification uses, from the panel itself: those with all columns, without what is alone."""

    def __init__(self, case, columns=(), sample="everyone", rows=None, lagged=True):
        frame = case.panel.sort_values(["adcode", "year"], ignore_index=True)
        starts = case.timing.set_index("adcode")["first_treated_year"]
        lag = case.changes.get("lag", 0) if lagged else 0
        start = frame["adcode"].map(starts).astype("float64")
        frame["start"], frame["pilot"] = start, (frame["year"] - lag >= start).astype("float64")
        if lag:
            before = pd.MultiIndex.from_arrays([frame["adcode"], frame["year"] - lag])
            there = before.isin(pd.MultiIndex.from_frame(frame[["adcode", "year"]]))
            frame.loc[~there, "pilot"] = np.nan
        for name in ("y", *case.controls):
            frame[name] = pd.to_numeric(frame[name])
        needed = ["pilot", "y", *case.controls, *columns] if lagged else ["y", *case.controls, *columns]
        keep = np.isfinite(frame[needed].to_numpy(dtype="float64")).all(axis=1) & frame[sample]
        if rows is not None:
            keys = pd.MultiIndex.from_frame(frame[["adcode", "year"]])
            keep &= keys.isin(rows)
        frame = frame[keep]
        self.effects = ["adcode", "year"]
        if case.changes.get("extra_fixed_effects"):
            frame = frame.assign(extra=frame["group"].astype(str) + "^" + frame["year"].astype(str))
            self.effects.append("extra")
        size = 0
        while size != len(frame):
            size = len(frame)
            for name in self.effects:
                frame = frame[frame.groupby(name)[name].transform("size") > 1]
        self.frame, self.cluster = frame.reset_index(drop=True), case.changes.get("cluster", "adcode")

    def regress(self, outcome, terms, weights=None):
        """``terms``: names, or columns (n,)."""
        frame = self.frame
        columns = np.column_stack([frame[term] if isinstance(term, str) else term for term in terms])
        outcome = frame[outcome] if isinstance(outcome, str) else outcome
        effects = [frame[name].to_numpy() for name in self.effects]
        if "extra" in self.effects:
            effects = [effects[0], effects[2]]
        inside = [self._nested(codes, frame[self.cluster].to_numpy()) for codes in effects]
        return regress(outcome, columns, effects, frame[self.cluster], weights, inside)

    @staticmethod
    def _nested(groups, cluster):
        return bool((pd.Series(cluster).groupby(groups).nunique() == 1).all())


def tolerance(reference):
    return DIGITS + ROUNDING / reference.left


def has_noise(outcome, reference, swept=None):
    """Whether the residual is more than the rounding of the outcome."""
    return float(np.abs(reference.residual).max()) > 1e-11 * float(np.abs(np.asarray(outcome, dtype="float64")).max())


def check_row(row, reference, outcome, position=0, vcov=None):
    """A row of the record against one coefficient of a reference."""
    assert reference is not None, "the reference is collinear"
    b, error = reference.coefficients[position], {"iid": reference.iid, "CRV1": reference.crv1}[vcov or row["vcov"]]
    close = tolerance(reference)
    if not has_noise(outcome, reference):
        size = float(np.abs(reference.iid[position])) + abs(float(b))
        assert abs(float(row["estimate"] - b)) <= 1e-5 * size + 1e-9
        assert pd.isna(row["std_error"]) and isinstance(row["message"], str)
        return
    size = abs(float(b)) + float(reference.iid[position])
    # Digits that the outcome loses to its effects.
    lost = (
        1e-15
        * np.linalg.norm(np.asarray(outcome, dtype="float64"))
        / np.linalg.norm(reference.residual.astype("float64"))
    )
    assert abs(float(row["estimate"] - b)) <= (close + lost) * size, (
        row["estimate"],
        float(b),
        float(error[position] if error is not None else 0),
        reference.left,
    )
    if pd.notna(row["std_error"]):
        assert row["std_error"] == pytest.approx(float(error[position]), rel=10 * (close + lost)), reference.left


def kept_controls(row, case):
    dropped = row["dropped_terms"]
    return [name for name in case.controls if not (isinstance(dropped, str) and name in dropped.split())]


def check_fixed_effects(tables, case):
    rows = tables[0][tables[0]["status"] == "ok"]
    if not len(rows):
        return
    used, kept = Used(case), kept_controls(rows.iloc[0], case)
    reference = used.regress("y", ["pilot", *kept])
    assert len(used.frame) == rows["n_obs"].iloc[0]
    for _, row in rows.iterrows():
        if row["term"] != "(Intercept)":
            check_row(row, reference, used.frame["y"], ["pilot", *kept].index(row["term"]))
    if has_noise(used.frame["y"], reference):
        assert rows["r2_within"].iloc[0] == pytest.approx(float(reference.r2_within), abs=1e-6)
        fewer = used.regress("y", ["pilot"])
        assert rows["r2_within"].iloc[0] >= float(fewer.r2_within) - 1e-7


def event_times(used, low=-4, high=5):
    e = (used.frame["year"] - used.frame["start"]).to_numpy()
    seen = e[np.isfinite(e)]
    e = np.clip(e, max(low, seen.min()), min(high, seen.max()))
    times = [t for t in np.unique(e[np.isfinite(e)]) if t != -1]
    return times, [np.where(e == t, 1.0, 0.0) for t in times]


def check_event_study(tables, case):
    rows = tables[0][tables[0]["status"] == "ok"]
    if not len(rows):
        return
    used, kept = Used(case, lagged=False), kept_controls(rows.iloc[0], case)
    times, columns = event_times(used)
    reference = used.regress("y", [*columns, *kept])
    for _, row in rows.iterrows():
        if row["event_time"] != -1:
            check_row(row, reference, used.frame["y"], times.index(row["event_time"]))


def check_instrumental_variable(tables, case):
    estimates = tables[0][tables[0]["status"] == "ok"]
    if not len(estimates):
        return
    used, kept = Used(case, ["z"]), kept_controls(estimates.iloc[0], case)
    reduced, first = (used.regress(left, ["z", *kept]) for left in ("y", "pilot"))
    for _, row in estimates.iterrows():
        if row["panel"] == "first_stage":
            check_row(row, first, used.frame["pilot"])
        elif row["term"] == "pilot" and has_noise(used.frame["y"], reduced):
            expected = float(reduced.coefficients[0] / first.coefficients[0])
            size = abs(expected) + float(reduced.iid[0] / abs(first.coefficients[0]))
            strength = 1 + float(first.iid[0] / abs(first.coefficients[0]))
            close = tolerance(first) + tolerance(used.regress("y", ["pilot", *kept]))
            assert abs(row["estimate"] - expected) <= 10 * close * strength * size


def check_matching(tables, case, matched):
    rows = tables[0][tables[0]["status"] == "ok"]
    if not len(rows):
        return
    matched = matched.copy()
    variant = matched.attrs["variant"]
    weight = matched["weight"] if variant == "matched_weighted" else matched["kept"].astype(float)
    matched = matched.assign(used=weight)[weight > 0].sort_values(["adcode", "year"])
    keyed = case.panel.assign(adcode=text(case.panel["adcode"]))
    timing = case.timing.assign(adcode=text(case.timing["adcode"]))
    case = type(case)(keyed, timing, case.controls, case.changes)
    used = Used(case, rows=pd.MultiIndex.from_frame(matched[["adcode", "year"]].astype({"year": "float64"})))
    assert len(used.frame) == rows["n_obs"].iloc[0]
    by = matched.set_index(["adcode", "year"])["used"]
    weights = by.reindex(pd.MultiIndex.from_frame(used.frame[["adcode", "year"]])).to_numpy()
    kept = kept_controls(rows.iloc[0], case)
    reference = used.regress("y", ["pilot", *kept], weights)
    for _, row in rows[rows["term"] != "(Intercept)"].iterrows():
        check_row(row, reference, used.frame["y"], ["pilot", *kept].index(row["term"]))


def text(cities):
    return cities.map(lambda city: city if isinstance(city, str) else str(int(city)))


def check_mediation(tables, case):
    rows = tables[0][tables[0]["status"] == "ok"]
    if not len(rows):
        return
    used = Used(case, ["m"])
    kept = controls_that_vary(used, case)
    if kept is None:
        return
    first, both, total = (
        used.regress(left, [*terms, *kept])
        for left, terms in (("m", ["pilot"]), ("y", ["pilot", "m"]), ("y", ["pilot"]))
    )
    for _, row in rows.iterrows():
        for name, fit, position, outcome in (
            ("a", first, 0, "m"),
            ("b", both, 1, "y"),
            ("total", total, 0, "y"),
            ("direct", both, 0, "y"),
        ):
            values = {
                "estimate": row[name],
                "std_error": row.get(f"se_{name}", np.nan),
                "vcov": row["vcov"],
                "message": row["message"],
            }
            check_row(values, fit, used.frame[outcome], position)


def controls_that_vary(used, case):
    """The controls that effects and those before them do not explain, where that is clear; None where it is not."""
    kept = []
    for name in case.controls:
        found = used.regress("y", [*kept, name])
        if found is not None and found.left < 1e-12:
            found = None
        if found is not None and 1e-12 <= found.left < 1e-9:
            return None
        kept += [name] if found is not None else []
    return kept


def check_group_differences(tables, case):
    rows = tables[0][tables[0]["status"] == "ok"]
    for _, row in rows.iterrows():
        for number, sample in ((1, "north"), (2, "south")):
            used = Used(case, sample=sample)
            kept = controls_that_vary(used, case)
            if kept is None:
                continue
            values = {
                "estimate": row[f"estimate_{number}"],
                "std_error": row[f"std_error_{number}"],
                "message": row["message"],
            }
            check_row(values, used.regress("y", ["pilot", *kept]), used.frame["y"], vcov="CRV1")


def check_robust_inference(tables, case):
    rows = tables[0][tables[0]["status"] == "ok"]
    if not len(rows):
        return
    used = Used(case)
    kept = controls_that_vary(used, case)
    if kept is None:
        return
    reference = used.regress("y", ["pilot", *kept])
    for _, row in rows.iterrows():
        if row["method"] in ("iid", "CRV1"):
            check_row(row, reference, used.frame["y"], vcov=row["method"])
        if row["method"] == "CRV3" and has_noise(used.frame["y"], reference):
            without = []
            for city in used.frame["adcode"].unique():
                frame, rest = used.frame, used.frame[used.frame["adcode"] != city]
                used.frame = rest
                less = controls_that_vary(used, case)
                found = None if less is None else used.regress("y", ["pilot", *less])
                used.frame = frame
                if found is None:
                    return
                without.append(float(found.coefficients[0]))
            g = len(without)
            error = np.sqrt((g - 1) / g * ((np.array(without) - float(reference.coefficients[0])) ** 2).sum())
            assert row["std_error"] == pytest.approx(error, rel=1e-6 + 1e3 * tolerance(reference))


def check_hypotheses(tables, case):
    rows = tables[0][tables[0]["status"] == "ok"]
    if len(rows):
        used = Used(case)
        kept = controls_that_vary(used, case)
        if kept is not None:
            reference, row = used.regress("y", ["pilot", *kept]), rows.iloc[0]
            assert has_noise(used.frame["y"], reference)
            check_row(
                dict(row) | {"std_error": row["estimate"] / row["t_stat"]}, reference, used.frame["y"], vcov="CRV1"
            )


def check_placebo(tables, case):
    rows = tables[1][tables[1]["status"] == "ok"]
    if len(rows):
        used = Used(case)
        kept = controls_that_vary(used, case)
        if kept is not None:
            check_row(
                dict(rows.iloc[0]) | {"std_error": np.nan, "message": "-"},
                used.regress("y", ["pilot", *kept]),
                used.frame["y"],
                vcov="iid",
            )


def check_bacon(tables, case):
    groups = tables[1][tables[1]["status"] == "ok"]
    if len(groups):
        plain = type(case)(case.panel, case.timing, [], case.changes)
        used = Used(plain)
        reference = used.regress("y", ["pilot"])
        total = groups[groups["comparison"] == "weighted_total"].iloc[0]
        for name in ("estimate", "twfe_estimate"):
            check_row(
                {"estimate": total[name], "std_error": np.nan, "message": "-"}, reference, used.frame["y"], vcov="iid"
            )


def check_curve(tables, case):
    rows = tables[0]
    rows = rows[(rows["status"] == "ok") & (rows["winsorised_percent"] == 0)]
    if not len(rows):
        return
    used = Used(case)
    every = controls_that_vary(used, case)
    if every is None:
        return
    spread = used.frame["y"].std()
    for _, row in rows.iterrows():
        kept = {"all": every, "none": []}.get(row["controls"], [x for x in every if f"without {x}" != row["controls"]])
        scaled = dict(row) | {"estimate": row["estimate"] * spread, "std_error": row["std_error"] * spread}
        if row["estimator"] == "two_way":
            check_row(scaled, used.regress("y", ["pilot", *kept]), used.frame["y"], vcov="CRV1")
        else:
            check_average(scaled["estimate"], imputed(used, kept), used.frame["y"])


def check_average(estimate, expected, outcome):
    assert expected is not None, "the reference does not identify it"
    value, left, size = expected
    close = DIGITS + ROUNDING / left
    assert abs(estimate - float(value)) <= close * (abs(float(value)) + size) + 1e-12 * np.abs(outcome).max(), (
        estimate,
        float(value),
        left,
    )


def compared(used):
    """The frame without cities that are treated in every row, and starts, 0 for never within the rows."""
    frame = used.frame
    on = frame["pilot"] > 0
    frame = frame[frame["adcode"].isin(frame.loc[~on, "adcode"])].reset_index(drop=True)
    ever = frame["adcode"].isin(frame.loc[frame["pilot"] > 0, "adcode"])
    years = np.unique(frame["year"])
    place = np.searchsorted(years, frame["year"]) + 1
    start = np.where(ever, np.searchsorted(years, frame["start"].fillna(0)) + 1, 0)
    return frame, place, start


def imputed(used, kept):
    frame, place, _ = compared(used)
    on = (frame["pilot"] > 0).to_numpy()
    columns = np.column_stack([dummies(frame["adcode"]), dummies(place), centred(frame[list(kept)])])
    found, left = predict(frame["y"], columns, ~on, on)
    gap = (np.asarray(frame["y"], dtype=np.longdouble)[on] - found)[np.isfinite(found)]
    return (gap.mean(), left, float(np.sqrt((gap**2).mean()))) if len(gap) else None


def centred(columns):
    values = columns.to_numpy(dtype="float64").astype(np.longdouble)
    return values - values.mean(axis=0)


def saturated(used, kept, leads):
    """Wooldridge's and Sun and Abraham's averages of cells; None where cells are not all identified."""
    frame, place, start = compared(used)
    e = place - start
    cell = (start > 0) & ((e >= 0) | (leads & (e != -1)))
    pairs = np.unique(np.column_stack([start, e])[cell], axis=0)
    columns = [np.where((start == g) & (e == t) & cell, 1.0, 0.0) for g, t in pairs]
    other = Used.__new__(Used)
    other.frame, other.effects, other.cluster = frame, used.effects, "adcode"
    reference = other.regress("y", [*columns, *kept])
    if reference is None:
        return None
    weights = np.array([column.sum() for column in columns])
    result = {}
    for t in [None, *np.unique(pairs[:, 1])]:
        own = pairs[:, 1] >= 0 if t is None else pairs[:, 1] == t
        share = weights * own / (weights * own).sum()
        value = share @ reference.coefficients[: len(pairs)]
        result[t] = (value, reference.left, float(reference.iid[: len(pairs)].max()))
    return result


def cohort_differences(used, kept):
    """ATT(g, t) of Callaway and Sant'Anna by loops, averaged by size; with controls in the year before."""
    frame, place, start = compared(used)
    table = frame.assign(place=place, **dict(zip(kept, centred(frame[list(kept)]).T, strict=True)))
    wide = {
        name: table.astype({name: "float64"}).pivot(index="adcode", columns="place", values=name).astype("float64")
        for name in ("y", *kept)
    }
    cohort = pd.Series(start, index=frame["adcode"]).groupby(level=0).first()
    cells = []
    for g in sorted(set(start) - {0}):
        for t in sorted(set(place)):
            if t < g or g - 1 not in wide["y"].columns:
                continue
            change = wide["y"][t] - wide["y"][g - 1]
            own = change.notna() & (cohort == g)
            other = change.notna() & ((cohort == 0) | (cohort > t)) & (cohort != g)
            if not own.any() or not other.any():
                continue
            x = np.column_stack([np.ones(len(change)), *(wide[name][g - 1] for name in kept)])
            if other.sum() <= x.shape[1]:
                return None
            found, left = predict(change.to_numpy(), np.nan_to_num(x), other.to_numpy(), own.to_numpy())
            if np.isnan(found).any():
                return None
            gap = (np.asarray(change[own], dtype=np.longdouble) - found).mean()
            cells.append((int((cohort == g).sum()), gap, left, float(change.abs().mean())))
    if not cells:
        return None
    sizes = np.array([cell[0] for cell in cells])
    value = sum(cell[0] * cell[1] for cell in cells) / sizes.sum()
    return value, min(cell[2] for cell in cells), max(cell[3] for cell in cells)


def check_staggered(tables, case, estimator):
    rows = tables[0][tables[0]["status"] == "ok"]
    if not len(rows):
        return
    used = Used(case)
    kept = kept_controls(rows.iloc[0], case)
    by_time = rows.set_index(rows["event_time"].astype("object").where(rows["event_time"].notna(), "all"))
    average = by_time.loc["all", "estimate"]
    if estimator == "imputation":
        check_average(average, imputed(used, kept), used.frame["y"])
    elif estimator in ("etwfe", "sun_abraham"):
        start = compared(used)[2]
        if estimator == "sun_abraham" and not (start == 0).any():
            return
        expected = saturated(used, kept, estimator == "sun_abraham")
        if expected is None:
            return
        for time, row in by_time.iterrows():
            if time != -1:
                check_average(row["estimate"], expected[None if time == "all" else time], used.frame["y"])
    elif estimator == "callaway_santanna":
        expected = cohort_differences(used, kept)
        if expected is not None and "no comparison" not in str(rows["message"].iloc[0]):
            check_average(average, expected, used.frame["y"])
    elif estimator == "chaisemartin_dhaultfoeuille" and not case.controls:
        frame, _, _ = compared(used)
        if len(frame) == frame["adcode"].nunique() * frame["year"].nunique():
            check_average(average, cohort_differences(used, []), used.frame["y"])


def check_sane(table):
    """Numbers that are numbers; errors above zero; p within 0 and 1; intervals around their estimates."""
    if "status" not in table:
        ok = table
    else:
        ok, refused = table[table["status"] == "ok"], table[table["status"] != "ok"]
        assert refused["message"].notna().all()
    for name in ok.columns:
        if ok[name].dtype == "float64":
            assert np.isfinite(ok[name].dropna()).all(), name
        if name in ERRORS:
            assert (ok[name].dropna() > 0).all(), name
        if name.endswith("_p") or name.endswith("p_value"):
            assert ok[name].dropna().between(0, 1).all(), name
    for name in {"estimate", "difference", "statistic", "total"} & set(ok.columns):
        if "status" in table:
            assert ok[name].notna().all(), name
    if {"ci_low", "estimate"} <= set(ok.columns):
        # The quantiles of a bootstrap need not hold the estimate.
        inside = ok if "method" not in ok else ok[ok["method"] != "pairs_bootstrap"]
        assert not ((inside["ci_low"] > inside["estimate"]) | (inside["ci_high"] < inside["estimate"])).any()
    if "std_error" in ok and "message" in ok:
        told = ok["std_error"].notna() | ok["message"].notna()
        if "event_time" in ok:
            # The reference is zero and has no error.
            told |= ok["event_time"] == -1
        assert told.all()


# What runs on which panels: each check and every how many panels, because some take long.
BATTERY = [
    ("FIXED_EFFECTS", {}, check_fixed_effects, 3),
    ("EVENT_STUDY", {}, check_event_study, 5),
    ("INSTRUMENTAL_VARIABLE", {"variant": "z"}, check_instrumental_variable, 5),
    ("INSTRUMENTAL_VARIABLE", {"variant": "z:year"}, None, 9),
    *(("MATCHING", {"variant": variant}, check_matching, 9) for variant in ("common_support", "matched_weighted")),
    ("MATCHING", {"variant": "matched"}, check_matching, 9),
    ("BALANCE", {}, None, 5),
    ("MEDIATION", {}, check_mediation, 5),
    ("GROUP_DIFFERENCES", {"sample": "north"}, check_group_differences, 5),
    ("ROBUST_INFERENCE", {}, check_robust_inference, 7),
    ("CITY_INFLUENCE", {}, None, 5),
    ("HYPOTHESES", {}, check_hypotheses, 5),
    ("PLACEBO", {}, check_placebo, 5),
    ("BACON", {}, check_bacon, 5),
    ("SPECIFICATION_CURVE", {}, check_curve, 6),
    *(("HONEST_DID", {"variant": variant}, None, 11) for variant in ("two_way", "imputation", "sun_abraham")),
    *(
        ("STAGGERED", {"estimator": name}, check_staggered, 11 if name == "imputation" else 8)
        for name in STAGGERED_ESTIMATORS
    ),
    ("DOUBLE_MACHINE_LEARNING", {}, None, 11),
]
PANELS = [(kind, seed) for kind in KINDS for seed in SEEDS]


@pytest.mark.parametrize(("number", "kind", "seed"), [(n, *panel) for n, panel in enumerate(PANELS)])
def test_the_right_number_or_a_status(number, kind, seed):
    case = make(kind, seed)
    if case.refused:
        with pytest.raises(InputError, match=case.refused):
            Panel(case.panel, case.timing)
        return
    panel = Panel(case.panel, case.timing)
    for place, (name, changes, check, every) in enumerate(BATTERY):
        if (number + place) % every:
            continue
        tables = run_case(name, panel, case, **changes)
        for table in tables:
            check_sane(table)
        if name == "STAGGERED":
            check(tables, case, changes["estimator"])
        elif name == "MATCHING":
            matched = run_case("MATCHED_ROWS", panel, case, **changes)[0]
            matched.attrs["variant"] = changes["variant"]
            check(tables, case, matched)
        elif check is not None:
            check(tables, case)


ORDINARY = ("nothing wrong", "a tenth lacks", "one treated", "everybody staggered")


def transformed(case, name):
    """The case with rows in another order, cities renamed, the outcome times 1000 with a constant and effects added,
    and controls turned into combinations of themselves in another unit.
    """
    rng = np.random.default_rng(5)
    codes, city = np.unique(case.panel["adcode"], return_inverse=True)
    order = rng.permutation(len(codes))
    if name == "DOUBLE_MACHINE_LEARNING":
        # Its folds are dealt to the cities in their order.
        order = np.sort(order)
    names = np.array([f"city {c:03d}" for c in order])
    years = case.panel["year"] - case.panel["year"].min()
    y = 1000 * case.panel["y"] + 7 + 50 * rng.normal(size=len(codes))[city]
    if name != "synthetic_did":
        # Its penalty is made of yearly changes, year effects included: so its authors define it.
        y = y + 30 * np.sin(years)
    x1, x2 = case.panel["x1"], case.panel["x2"]
    if name != "DOUBLE_MACHINE_LEARNING":
        # The lasso chooses among the controls as they are.
        x1, x2 = x1 + 2 * x2, x1 - x2
    panel = case.panel.assign(adcode=names[city], y=y, x1=1e-6 * x1, x2=1e6 * x2).sample(frac=1, random_state=3)
    timing = case.timing.assign(adcode=names[np.searchsorted(codes, case.timing["adcode"])])
    return type(case)(panel.reset_index(drop=True), timing, case.controls, case.changes)


@pytest.mark.parametrize("kind", ORDINARY)
def test_units_effects_names_and_equivalent_controls_do_not_matter(kind):
    case = make(kind, 3)
    panel = Panel(case.panel, case.timing)
    for name, changes, _, _ in BATTERY:
        if name in ("BALANCE", "SPECIFICATION_CURVE", "CITY_INFLUENCE") or changes.get("variant") == "z:year":
            continue
        other = transformed(case, changes.get("estimator", name))
        again = Panel(other.panel, other.timing)
        for ours, theirs in zip(
            run_case(name, panel, case, **changes), run_case(name, again, other, **changes), strict=True
        ):
            if "status" not in ours:
                continue
            # Drawn errors follow the order of the cities.
            fixed = ~ours.get("message", pd.Series("", ours.index)).fillna("").str.contains("placebos")
            if "method" in ours:
                fixed &= ours["method"].isin(["iid", "CRV1", "CRV3"])
            if "term" in ours:
                fixed &= ~ours["term"].isin(["x1", "x2", "(Intercept)", "instrument"])
            assert ours["status"].tolist() == theirs["status"].tolist(), (name, changes)
            for column in ("estimate", "std_error", "difference", "total", "b", "se_b"):
                if column in ours:
                    np.testing.assert_allclose(
                        theirs.loc[fixed, column],
                        1000 * ours.loc[fixed, column],
                        rtol=2e-6,
                        atol=1e-7,
                        err_msg=f"{name} {changes}",
                    )


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "but for" in kind or "times" in kind or "lacks" in kind])
def test_cross_products_by_cluster_are_right_or_leave_a_control_out(kind):
    case = make(kind, 0)
    used = Used(case)
    frame = used.frame
    if len(frame) == 0 or not np.isfinite(frame["y"]).all():
        return
    sizes = np.abs(frame[["y", *case.controls]]).max()
    if not sizes.between(1e-75, 1e75).all():
        return
    table = cross_product_table(frame.assign(everyone=1), "adcode", "adcode", ["pilot", *case.controls])
    of_rows = CrossProducts(frame["adcode"], frame["year"], frame[["pilot", "y"]], frame[case.controls])
    summed = read_moments(table, ["pilot", "y"], case.controls)
    for products in (of_rows, summed):
        fit = products.weigh().regress(1, [0], clustered=True)
        kept = [name for name, fine in zip(case.controls, products.control_kept, strict=True) if fine]
        if not products.target_varies[0]:
            continue
        reference = used.regress("y", ["pilot", *kept])
        # Sums of squares carry half the digits.
        close = 1e-8 + (1e-14 / reference.left**2 if products is summed else tolerance(reference))
        b, size = float(reference.coefficients[0]), float(reference.iid[0])
        assert abs(fit.estimate[0, 0] - b) <= close * (abs(b) + size), (type(products).__name__, reference.left)
        assert fit.std_error_crv1[0, 0] == pytest.approx(float(reference.crv1[0]), rel=10 * close)
