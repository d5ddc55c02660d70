"""Space: Conley's errors as fixest tests its own, double loops over rows, special cases, and the size of tests; Moran's I
as PySAL prints it; spillovers against dummy-variable regressions.
"""

import numpy as np
import pandas as pd
import pytest
from city_policy.errors import InputError
from city_policy.estimation.computation.space import (
    DEPENDENCE,
    KERNELS,
    Places,
    by_year,
    conley_variance,
    kernel_weights,
    moran,
    neighbour_weights,
)
from city_policy.estimation.estimators.fixed_effects import estimate_fixed_effects
from city_policy.estimation.estimators.spatial_inference import (
    MORAN_COLUMNS,
    SPATIAL_COLUMNS,
    residual_autocorrelation,
    spatial_inference,
)
from city_policy.estimation.estimators.spillovers import SPILLOVER_COLUMNS, spillovers
from resampling_reference import simulate
from sklearn.datasets import load_iris

# esda 2.9.0 and libpysal 4.14.1, ``Moran(y, w, transformation="r")`` on the points of `pysal_case`;
# tests/python/data/moran_reference.py prints them.
ESDA = {
    "within_100_km": {
        "I": 0.22515140183056295,
        "EI": -0.020833333333333332,
        "seI_norm": 0.07692613590638443,
        "z_norm": 3.1976743959068528,
        "p_norm": 0.0013854061202760485,
    },
    "nearest_4": {
        "I": 0.3459740584670601,
        "EI": -0.020833333333333332,
        "seI_norm": 0.09328921150983636,
        "z_norm": 3.9319379579247213,
        "p_norm": 8.42638151625133e-05,
    },
}


def coordinates_of(adcodes, seed=0):
    rng = np.random.default_rng(seed)
    places = pd.DataFrame({"adcode": sorted(set(adcodes))})
    places["longitude"] = rng.uniform(105, 120, len(places))
    places["latitude"] = rng.uniform(23, 40, len(places))
    return places


def starts_of(timing):
    """First treated years of the pilot by city, NaN for never."""
    return timing[timing["policy_id"] == "pilot"].set_index("adcode")["first_treated_year"].astype("float64")


def without_single_rows(panel, timing):
    """The panel without cities of one row, which no estimator uses."""
    return panel[panel.groupby("adcode")["year"].transform("size") > 1].reset_index(drop=True), timing


def specifications(estimator="fixed_effects", **changes):
    row = {"spec_id": "one", "result": "r", "estimator": estimator, "outcome": "y", "treatment": "pilot"}
    row |= {"sample": "everyone", "lag": 0, "cluster": "adcode", "variant": None, "paper_table": None, "panel": None}
    row |= {"column_no": None, "extra_controls": None, "extra_fixed_effects": None}
    return pd.DataFrame([row | changes])


# ---------------------------------------------------------------------------------------------- Conley's errors


def test_equals_the_cases_by_which_fixest_tests_its_conley():
    """fixest's tests/fixest_tests.R, "Checking the value of Conley SEs with equivalences": iris along three meridians
    far from each other is clustered by meridian at 200 km, and White's at 1 km.
    """
    iris = load_iris().data
    x = np.column_stack([np.ones(150), iris[:, 1]])
    residuals = iris[:, 0] - x @ np.linalg.lstsq(x, iris[:, 0], rcond=None)[0]
    moves = np.linalg.inv(x.T @ x)[1] @ x.T * residuals
    longitude = np.repeat([0.0, 80.0, 160.0], 50)
    places = pd.DataFrame({"adcode": np.arange(150).astype(str), "longitude": longitude})
    places["latitude"] = np.tile(np.linspace(-0.5, 0.5, 50), 3)
    distances = Places(places).distances(places["adcode"].tolist())
    table = moves[:, None]
    clustered = sum(moves[longitude == one].sum() ** 2 for one in (0, 80, 160))
    for dependence in DEPENDENCE:
        wide = conley_variance(table, kernel_weights(distances, "uniform", 200), dependence)
        assert wide == pytest.approx(clustered, rel=1e-12)
        close = conley_variance(table, kernel_weights(distances, "uniform", 1), dependence)
        assert close == pytest.approx(moves @ moves, rel=1e-12)


def test_distances_are_those_of_great_circles():
    # Beijing to Shanghai is 1067 km, a degree of latitude 111.19 km, half the equator 20015 km.
    places = pd.DataFrame(
        {
            "adcode": list("abcde"),
            "longitude": [116.407, 121.474, 0, 0, 180],
            "latitude": [39.904, 31.230, 0, 1, 0],
        }
    )
    d = Places(places).distances(list("abcde"))
    assert d[0, 1] == pytest.approx(1067, abs=2)
    assert d[2, 3] == pytest.approx(np.pi * 6371 / 180, rel=1e-12)
    assert d[2, 4] == pytest.approx(np.pi * 6371, rel=1e-12)
    assert np.array_equal(d, d.T) and not np.diag(d).any()
    with pytest.raises(InputError, match="latitude from -90 to 90"):
        Places(places.assign(latitude=91))
    with pytest.raises(InputError, match="adcode a more than once"):
        Places(places.assign(adcode="a"))
    with pytest.raises(InputError, match="no column 'latitude'"):
        Places(places.drop(columns="latitude"))


@pytest.mark.parametrize("unbalanced", [False, True])
def test_equals_a_double_loop_over_rows(unbalanced):
    panel, timing = without_single_rows(*simulate(cities=20, years=6, unbalanced=unbalanced))
    places = coordinates_of(panel["adcode"])
    found = spatial_inference(panel, timing, specifications(), places, ["x1", "x2"])
    assert list(found.columns) == list(SPATIAL_COLUMNS) and (found["status"] == "ok").sum() > 9
    start = panel["adcode"].map(starts_of(timing))
    treated = (panel["year"] >= start).to_numpy(dtype=float)
    x = np.column_stack(
        [
            treated,
            panel["x1"] * 1e6,
            panel["x2"] / 1e5,
            pd.get_dummies(panel["adcode"], dtype=float),
            pd.get_dummies(panel["year"], dtype=float).iloc[:, 1:],
        ]
    )
    b = np.linalg.lstsq(x, panel["y"], rcond=None)[0]
    moves = np.linalg.pinv(x)[0] * (panel["y"] - x @ b).to_numpy()
    d = Places(places).distances(panel["adcode"].tolist())
    n, g, years = len(panel), panel["adcode"].nunique(), panel["year"].nunique()
    factor = (n - 1) / (n - 3 - years)
    city, year = panel["adcode"].to_numpy(), panel["year"].to_numpy()
    for row in found.itertuples():
        total = 0.0
        for i in range(n):
            for j in range(n):
                if city[i] == city[j]:
                    weight = 1.0
                elif d[i, j] > row.cutoff_km or (row.dependence == "same_year" and year[i] != year[j]):
                    weight = 0.0
                else:
                    weight = 1.0 if row.kernel == "uniform" else 1 - d[i, j] / row.cutoff_km
                total += weight * moves[i] * moves[j]
        if row.dependence == "within_city":
            total *= g / (g - 1)
        assert row.estimate == pytest.approx(b[0], rel=1e-8)
        if row.status == "ok":
            assert row.std_error == pytest.approx(np.sqrt(factor * total), rel=1e-8)
        else:
            assert total <= 1e-9


def test_without_a_neighbour_it_is_the_error_by_city():
    panel, timing = simulate()
    places = coordinates_of(panel["adcode"])
    # No two cities within 400 km: one per continent and ocean.
    places["longitude"] = np.linspace(-170, 170, len(places))
    places["latitude"] = np.tile([-60, 0, 60], len(places))[: len(places)]
    found = spatial_inference(panel, timing, specifications(), places, ["x1", "x2"])
    record = estimate_fixed_effects(panel, timing, specifications(), ["x1", "x2"])
    crv1 = record[(record["vcov"] == "CRV1") & (record["term"] == "pilot")].iloc[0]
    g = crv1["n_cities"]
    first, others = found.iloc[0], found.iloc[1:]
    for name in ("estimate", "std_error", "t_stat", "p_value", "ci_low", "ci_high"):
        assert first[name] == pytest.approx(crv1[name], rel=1e-12)
    assert np.allclose(others["std_error"], crv1["std_error"] * np.sqrt((g - 1) / g), rtol=1e-12)
    assert (others["mean_neighbours"] == 0).all()


def test_a_variance_that_is_not_positive_is_a_status():
    panel, timing = simulate()
    # All cities in one place: the moves of all rows sum to zero.
    places = coordinates_of(panel["adcode"]).assign(longitude=110.0, latitude=30.0)
    found = spatial_inference(panel, timing, specifications(), places, ["x1"])
    everywhere = found[found["dependence"] == "all_years"]
    assert (everywhere["status"] == "not_identified").all() and everywhere["std_error"].isna().all()
    assert everywhere["message"].str.contains("zero or negative").all() and everywhere["estimate"].notna().all()


def test_cities_without_coordinates_are_counted_and_named():
    panel, timing = simulate()
    places = coordinates_of(panel["adcode"])
    for gone in (places.iloc[2:], places.assign(longitude=places["longitude"].where(places.index > 1))):
        for rows in (
            spatial_inference(panel, timing, specifications(), gone, []),
            residual_autocorrelation(panel, timing, specifications(), gone, [], draws=9),
            spillovers(panel, timing, specifications("spillovers", variant="rings"), gone, []),
        ):
            assert (rows["status"] == "not_identified").all()
            assert rows["message"].str.contains(r"2 of the 45 cities .* have no coordinates: 110000, 110100").all()


def test_nearby_errors_widen_the_error_and_give_the_test_its_size():
    """Sixty places of four cities within a few kilometres, errors of a place alike, treatment by place."""
    rng = np.random.default_rng(3)
    spots, each, years, draws = 60, 4, 6, 800
    g = spots * each
    places = pd.DataFrame({"adcode": np.arange(g).astype(str)})
    places["longitude"] = np.repeat(-170 + 20.0 * (np.arange(spots) % 15), each) + 0.02 * np.tile(
        np.arange(each), spots
    )
    places["latitude"] = np.repeat(-45 + 30.0 * (np.arange(spots) // 15), each)
    distances = Places(places).distances(places["adcode"].tolist())
    kernels = {one: kernel_weights(distances, one, 200) for one in KERNELS}

    def demeaned(table):
        return table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + table.mean()

    rejected = {"CRV1": 0, "uniform": 0, "bartlett": 0}
    for _ in range(draws):
        common = rng.normal(size=(spots, years))
        common[:, 1:] += 0.5 * common[:, :-1]
        errors = np.repeat(common, each, axis=0) + rng.normal(size=(g, years))
        starts = np.repeat(np.where(rng.random(spots) < 0.5, rng.integers(2, 5, spots), 99), each)
        d = demeaned((np.arange(years)[None] >= starts[:, None]).astype(float))
        y, squares = demeaned(errors), (d**2).sum()
        b = (d * y).sum() / squares
        moves = d * (y - b * d) / squares
        variances = {"CRV1": conley_variance(moves, np.eye(g), "all_years")}
        variances |= {one: conley_variance(moves, kernels[one], "all_years") for one in KERNELS}
        for name, variance in variances.items():
            rejected[name] += abs(b) > 1.96 * np.sqrt(variance)
    assert rejected["CRV1"] / draws > 0.15
    # 5 % and two Monte Carlo errors.
    assert 0.035 < rejected["uniform"] / draws < 0.065
    assert 0.035 < rejected["bartlett"] / draws < 0.065


# ---------------------------------------------------------------------------------------------- Moran's I


def pysal_case():
    """49 places off a lattice, values that rise to the north, and their distances."""
    places = pd.DataFrame({"adcode": np.arange(49).astype(str)})
    k = np.arange(49)
    places["longitude"], places["latitude"] = 110 + 0.7 * (k % 7) + 0.05 * np.sin(3 * k), 30 + 0.61 * (k // 7)
    values = np.sin(np.arange(49) * 1.7) + 0.03 * np.arange(49)
    return values - values.mean(), Places(places).distances(places["adcode"].tolist())


@pytest.mark.parametrize("name", ESDA)
def test_moran_equals_what_pysal_prints(name):
    values, distances = pysal_case()
    rule = {"within_100_km": {"cutoff": 100.0}, "nearest_4": {"nearest": 4}}[name]
    weights = neighbour_weights(distances, **rule)
    permutations = np.argsort(np.random.default_rng(0).random((99, 49)), axis=1)
    found = moran(values[:, None], np.ones((49, 1), dtype=bool), weights, permutations)
    printed = ESDA[name]
    for place in (0, 1):
        # One year: it is all years too.
        assert found.statistic[place] == pytest.approx(printed["I"], abs=1e-10)
        assert found.expected[place] == pytest.approx(printed["EI"], abs=1e-10)
        assert found.std_dev[place] == pytest.approx(printed["seI_norm"], abs=1e-10)
        z = (found.statistic[place] - found.expected[place]) / found.std_dev[place]
        assert z == pytest.approx(printed["z_norm"], abs=1e-8)


def test_moran_of_a_panel_with_gaps_and_its_permutations_equal_loops():
    rng = np.random.default_rng(1)
    g, years, draws = 9, 4, 30
    distances = Places(coordinates_of(np.arange(g).astype(str))).distances([str(one) for one in range(g)])
    weights = neighbour_weights(distances, nearest=3)
    dense = weights.toarray()
    present = rng.random((g, years)) < 0.8
    residuals = np.where(present, rng.normal(size=(g, years)), 0.0)
    permutations = np.argsort(rng.random((draws, g)), axis=1)

    def loops(e, mask, chosen):
        product = total = squares = 0.0
        for t in chosen:
            for i in range(g):
                squares += e[i, t] ** 2
                for j in range(g):
                    product += dense[i, j] * e[i, t] * e[j, t]
                    total += dense[i, j] * mask[i, t] * mask[j, t]
        return mask[:, chosen].sum() / total * product / squares

    found = moran(residuals, present, weights, permutations)
    for place, chosen in enumerate([*([t] for t in range(years)), list(range(years))]):
        statistic = loops(residuals, present, chosen)
        drawn = np.array([loops(residuals[one], present[one], chosen) for one in permutations])
        middle = drawn.mean()
        p = (1 + (np.abs(drawn - middle) >= abs(statistic - middle)).sum()) / (1 + draws)
        assert found.statistic[place] == pytest.approx(statistic, rel=1e-10)
        assert found.p_value[place] == pytest.approx(p)


def test_a_draw_that_leaves_a_year_without_neighbours_does_not_count():
    # Four pairs of neighbours; in the first year there are three cities, of which two are neighbours.
    pair = np.arange(8) // 2
    weights = neighbour_weights(np.where(pair[:, None] == pair[None], 50.0, 500.0), cutoff=100.0)
    rng = np.random.default_rng(6)
    present = np.ones((8, 2), dtype=bool)
    present[3:, 0] = False
    residuals = np.where(present, rng.normal(size=(8, 2)), 0.0)
    permutations = np.argsort(rng.random((60, 8)), axis=1)
    found = moran(residuals, present, weights, permutations)
    drawn = []
    for one in permutations:
        here = [place for place in range(8) if one[place] < 3]
        sides = [(a, b) for a in here for b in here if a != b and pair[a] == pair[b]]
        if sides:
            product = sum(residuals[one[a], 0] * residuals[one[b], 0] for a, b in sides)
            drawn.append(3 / len(sides) * product / (residuals[:, 0] ** 2).sum())
    statistic = 3 * residuals[0, 0] * residuals[1, 0] / (residuals[:, 0] ** 2).sum()
    away = np.abs(np.array(drawn) - np.mean(drawn))
    assert 5 < len(drawn) < 40 and found.draws.tolist() == [len(drawn), 60, 60]
    assert found.statistic[0] == pytest.approx(statistic)
    extreme = (away >= abs(statistic - np.mean(drawn)) * (1 - 1e-9)).sum()
    assert found.p_value[0] == pytest.approx((1 + extreme) / (1 + len(drawn)))


def test_residuals_that_hang_together_are_found_and_others_are_not():
    panel, timing = simulate(cities=45, years=8)
    places = coordinates_of(panel["adcode"])
    found = residual_autocorrelation(panel, timing, specifications(), places, ["x1", "x2"], draws=199)
    assert list(found.columns) == list(MORAN_COLUMNS) and len(found) == 2 * 9
    pooled = found[found["year"].isna()]
    assert (pooled["permutation_p"] > 0.05).all() and (found["permutation_p"] >= 1 / 200).all()
    # A wide wave over the map that grows from year to year.
    height = panel["adcode"].map(places.set_index("adcode")["latitude"])
    moved = panel.assign(y=panel["y"] + 3 * np.sin(height / 3) * (panel["year"] - 2014))
    found = residual_autocorrelation(moved, timing, specifications(), places, ["x1", "x2"], draws=199)
    pooled = found[found["year"].isna()]
    assert (pooled["permutation_p"] == 1 / 200).all() and (pooled["moran_i"] > 0.1).all()
    again = residual_autocorrelation(
        moved.sample(frac=1, random_state=0), timing, specifications(), places.iloc[::-1], ["x1", "x2"], draws=199
    )
    pd.testing.assert_frame_equal(found, again, rtol=1e-9)
    with pytest.raises(InputError, match="at least 1"):
        residual_autocorrelation(panel, timing, specifications(), places, [], draws=0)


# ---------------------------------------------------------------------------------------------- spillovers


def by_hand(panel, timing, places, km=200.0, lag=0):
    """Nearest treated city and shares of treated cities of every row, by loops; and the treatment."""
    start = starts_of(timing)
    cities = sorted({*panel["adcode"], *start.index})
    d = Places(places).distances(cities)
    nearest, share, by_distance, treated = [], [], [], []
    for city, year in zip(panel["adcode"], panel["year"], strict=True):
        i = cities.index(city)
        closest, on, count, weight_on, weight = np.inf, 0, 0, 0.0, 0.0
        for j, other in enumerate(cities):
            if other == city:
                continue
            is_on = year - lag >= start.get(other, np.nan)
            if is_on:
                closest = min(closest, d[i, j])
            if d[i, j] <= km:
                count, weight = count + 1, weight + 1 / d[i, j]
                on, weight_on = on + is_on, weight_on + is_on / d[i, j]
        nearest.append(closest)
        share.append(on / count if count else 0)
        by_distance.append(weight_on / weight if count else 0)
        treated.append(float(year - lag >= start.get(city, np.nan)))
    return np.array(nearest), np.array(share), np.array(by_distance), np.array(treated)


def regress(panel, terms):
    x = np.column_stack(
        [*terms, pd.get_dummies(panel["adcode"], dtype=float), pd.get_dummies(panel["year"], dtype=float).iloc[:, 1:]]
    )
    return np.linalg.lstsq(x, panel["y"], rcond=None)[0]


def spread(panel, timing, seed=4):
    """Few treated cities, so that some are far from them, and one treated city without any row."""
    places = coordinates_of([*panel["adcode"], *timing["adcode"], "999999"], seed)
    few = timing[timing["adcode"].isin(sorted(timing["adcode"].unique())[:16]) & (timing["policy_id"] == "pilot")]
    lost = pd.DataFrame({"adcode": ["999999"], "policy_id": ["pilot"], "first_treated_year": [2012.0]})
    return pd.concat([few, lost], ignore_index=True), places


def test_rings_and_shares_equal_dummy_variable_regressions_on_loops():
    panel, timing = without_single_rows(*simulate(unbalanced=True))
    timing, places = spread(panel, timing)
    nearest, share, by_distance, treated = by_hand(panel, timing, places)
    untreated = treated == 0
    rings = [untreated & (nearest > low) & (nearest <= high) for low, high in ((0, 100), (100, 200), (200, 400))]
    expected = {
        "rings": regress(panel, [treated, *(ring.astype(float) for ring in rings)])[:4],
        "neighbours:200": regress(panel, [treated, share])[:2],
        "neighbours_by_distance:200": regress(panel, [treated, by_distance])[:2],
    }
    for variant, coefficients in expected.items():
        rows = spillovers(panel, timing, specifications("spillovers", variant=variant), places, [])
        assert list(rows.columns) == list(SPILLOVER_COLUMNS)
        assert (rows["status"] == "ok").all() and rows["vcov"].unique().tolist() == ["CRV1", "conley"]
        for _, part in rows.groupby("vcov"):
            assert part["estimate"].to_numpy() == pytest.approx(coefficients, rel=1e-8)
    rows = spillovers(panel, timing, specifications("spillovers", variant="rings"), places, [])
    assert rows["n_city_years"].tolist()[1:4] == [ring.sum() for ring in rings]
    lagged = spillovers(panel, timing, specifications("spillovers", variant="neighbours:300"), places, [])
    share_300 = by_hand(panel, timing, places, km=300.0)[1]
    assert lagged["estimate"].iloc[1] == pytest.approx(regress(panel, [treated, share_300])[1], rel=1e-8)


def test_the_errors_of_spillovers_are_those_of_the_same_regression():
    panel, timing = simulate()
    timing, places = spread(panel, timing)
    rows = spillovers(panel, timing, specifications("spillovers", variant="neighbours:200"), places, ["x1"])
    share = by_hand(panel, timing, places)[1]
    same = panel.assign(share=share)
    record = estimate_fixed_effects(same, timing, specifications(extra_controls="share"), ["x1"])
    crv1 = record[record["vcov"] == "CRV1"].set_index("term")
    mine = rows[rows["vcov"] == "CRV1"].set_index("term")
    for term, other in (("pilot", "pilot"), ("neighbours_200_km", "share")):
        assert mine.loc[term, "std_error"] == pytest.approx(crv1.loc[other, "std_error"], rel=1e-10)
        assert mine.loc[term, "p_value"] == pytest.approx(crv1.loc[other, "p_value"], rel=1e-9)
    conley = spatial_inference(same, timing, specifications(extra_controls="share"), places, ["x1"])
    shown = conley.query("dependence == 'all_years' and kernel == 'bartlett' and cutoff_km == 200").iloc[0]
    assert rows[rows["vcov"] == "conley"].iloc[0]["std_error"] == pytest.approx(shown["std_error"], rel=1e-10)


def test_the_neighbours_of_treated_cities_are_left_out_and_counted():
    panel, timing = simulate()
    timing, places = spread(panel, timing)
    nearest, _, _, treated = by_hand(panel, timing, places)
    out = (treated == 0) & (nearest <= 150)
    rows = spillovers(panel, timing, specifications("spillovers", variant="without_neighbours:150"), places, ["x1"])
    record = estimate_fixed_effects(panel[~out], timing, specifications(), ["x1"])
    crv1 = record[(record["vcov"] == "CRV1") & (record["term"] == "pilot")].iloc[0]
    assert out.sum() > 5 and len(rows) == 2
    assert rows["estimate"].to_numpy() == pytest.approx(crv1["estimate"], rel=1e-9)
    assert rows["std_error"].iloc[0] == pytest.approx(crv1["std_error"], rel=1e-9)
    assert rows["message"].str.contains(f"left out and counted as missing: {out.sum()}").all()


def test_planted_spillovers_are_found_and_the_plain_effect_is_biased():
    panel, timing = simulate(cities=45, years=8, effect=0.0)
    timing, places = spread(panel, timing)
    nearest, _, _, treated = by_hand(panel, timing, places)
    near = (treated == 0) & (nearest <= 200)
    planted = panel.assign(y=0.001 * panel["y"] + 1.0 * treated + 0.6 * near)
    rows = spillovers(planted, timing, specifications("spillovers", variant="rings"), places, [])
    effect = rows[rows["vcov"] == "conley"].set_index("term")["estimate"]
    assert effect["pilot"] == pytest.approx(1, abs=0.02) and effect["ring_200_400_km"] == pytest.approx(0, abs=0.02)
    assert effect["ring_0_100_km"] == pytest.approx(0.6, abs=0.02)
    assert effect["ring_100_200_km"] == pytest.approx(0.6, abs=0.02)
    plain = estimate_fixed_effects(planted, timing, specifications(), [])
    assert plain["estimate"].iloc[0] < 0.95


def test_what_the_rings_cannot_tell_is_a_status():
    panel, timing = simulate()
    few, places = spread(panel, timing)
    # Everybody within a few kilometres: no untreated city is far from a treated one once the policy runs.
    close = places.assign(longitude=110 + places["longitude"] / 1e4, latitude=30 + places["latitude"] / 1e4)
    timing = few.assign(first_treated_year=few["first_treated_year"].where(few["first_treated_year"].isna(), 2014.0))
    rows = spillovers(panel, timing, specifications("spillovers", variant="rings"), close, [])
    assert (rows["status"] == "not_identified").all() and rows["message"].str.contains("far enough").all()
    # A ring without a city-year has no effect, the others do.
    wide = places.assign(longitude=np.linspace(-170, 170, len(places)), latitude=0.0)
    wide.loc[wide["adcode"] == "113000", ["longitude", "latitude"]] = wide.iloc[0][["longitude", "latitude"]].tolist()
    wide.loc[wide["adcode"] == "113000", "latitude"] = 1.5
    rows = spillovers(panel, few, specifications("spillovers", variant="rings"), wide, [])
    lost = rows[rows["term"] == "ring_0_100_km"]
    assert (lost["status"] == "not_identified").all() and lost["estimate"].isna().all()
    assert lost["message"].str.contains("0 to 100 kilometres").all()
    assert (rows.loc[rows["term"] == "pilot", "status"] == "ok").all()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"variant": None}, "variant 'None' is unknown"),
        ({"variant": "rings:3"}, "is unknown; expected rings"),
        ({"variant": "neighbours:0"}, "kilometres up to 5000"),
        ({"variant": "rings", "treatment": "m"}, "'m' is no policy"),
    ],
)
def test_a_specification_that_names_what_does_not_exist_fails(changes, words):
    panel, timing = simulate()
    rows = spillovers(panel, timing, specifications("spillovers", **changes), coordinates_of(panel["adcode"]), [])
    assert (rows["status"] == "failed").all() and rows["message"].str.contains(words).all()


@pytest.mark.parametrize("scale", [1e-70, 1e70])
def test_the_unit_of_the_outcome_changes_nothing_else(scale):
    panel, timing = simulate()
    timing, places = spread(panel, timing)
    scaled = panel.assign(y=panel["y"] * scale)
    for method, asked in (
        (spatial_inference, specifications()),
        (spillovers, specifications("spillovers", variant="rings")),
    ):
        one, other = (method(data, timing, asked, places, ["x1"]) for data in (panel, scaled))
        assert one["status"].tolist() == other["status"].tolist()
        assert np.allclose(one["t_stat"], other["t_stat"], rtol=1e-7, equal_nan=True)
    one, other = (
        residual_autocorrelation(data, timing, specifications(), places, ["x1"], draws=19) for data in (panel, scaled)
    )
    assert np.allclose(one["moran_i"], other["moran_i"], rtol=1e-7)


def test_a_table_by_year_has_zeros_where_rows_lack():
    assert by_year(np.array([1.0, 2, 3]), np.array([0, 0, 1]), np.array([0, 1, 1])).tolist() == [[1, 2], [0, 3]]
