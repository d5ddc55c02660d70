"""Proofs of the component weights: against singular vectors, by hand, and by properties."""

import numpy as np
import pandas as pd
import pytest
from city_policy.errors import InputError
from city_policy.index.weights import component_weights
from hypothesis import given, settings
from hypothesis import strategies as st


def data_set(seed, rows=200, indicators=8):
    """Two common factors, so that at least two components are retained, and two negative indicators."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(rows, 2))
    loadings = np.where(np.arange(indicators)[:, None] % 2 == [0, 1], 1.0, 0.3)
    values = factors @ loadings.T + rng.normal(size=(rows, indicators))
    names = [f"indicator_{i}" for i in range(indicators)]
    directions = {name: -1 if i in (2, 5) else 1 for i, name in enumerate(names)}
    values *= [directions[name] for name in names]
    return pd.DataFrame(10.0 ** rng.integers(-3, 4, indicators) * values + 5, columns=names), directions


def independent_weights(frame, directions, threshold=1.0):
    """The rule once more, by singular values of the standardised data instead of the correlation matrix."""
    x = frame[list(directions)].to_numpy() * np.array(list(directions.values()))
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    _, singular, right = np.linalg.svd(z, full_matrices=False)
    eigenvalues = singular**2 / len(z)
    combined, total = np.zeros(len(directions)), 0.0
    for value, vector in zip(eigenvalues, right, strict=True):
        if value > threshold:
            combined += value * vector * (1 if vector.sum() > 0 else -1)
            total += value
    combined /= total
    return eigenvalues, combined, np.abs(combined) / np.abs(combined).sum()


@pytest.mark.parametrize("seed", range(5))
def test_weights_equal_an_independent_computation(seed):
    frame, directions = data_set(seed)
    result = component_weights(frame, directions)
    eigenvalues, combined, weights = independent_weights(frame, directions)
    np.testing.assert_allclose(result.components["eigenvalue"], eigenvalues, atol=1e-12)
    np.testing.assert_allclose(result.indicators["combined_coefficient"], combined, atol=1e-12)
    np.testing.assert_allclose(result.indicators["weight"], weights, atol=1e-12)
    assert result.components["retained"].sum() == (eigenvalues > 1).sum() >= 2
    assert list(result.indicators["indicator"]) == list(directions)
    assert list(result.indicators["direction"]) == list(directions.values())


def test_loadings_are_correlations_with_the_components():
    frame, directions = data_set(1)
    result = component_weights(frame, directions)
    x = frame.to_numpy() * np.array(list(directions.values()))
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    vectors = result.loadings.pivot(index="indicator", columns="component", values="eigenvector")
    loadings = result.loadings.pivot(index="indicator", columns="component", values="loading")
    scores = z @ vectors.loc[list(directions)].to_numpy()
    correlations = np.corrcoef(z.T, scores.T)[:8, 8:]
    np.testing.assert_allclose(loadings.loc[list(directions)], correlations, atol=1e-10)
    assert (loadings.sum() > 0).all()
    assert result.components["explained_share"].sum() == pytest.approx(1)
    assert result.components["cumulative_share"].iloc[-1] == pytest.approx(1)


def test_two_indicators_by_hand():
    """Correlation r: eigenvalues 1 + r and 1 - r, first vector (1, 1) / sqrt 2, so both weigh one half."""
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0], "b": [2.0, 1.0, 4.0, 3.0]})
    result = component_weights(frame, {"a": 1, "b": 1})
    np.testing.assert_allclose(result.components["eigenvalue"], [1.6, 0.4], atol=1e-14)
    np.testing.assert_allclose(result.components["explained_share"], [0.8, 0.2], atol=1e-14)
    np.testing.assert_allclose(result.indicators["weight"], [0.5, 0.5], atol=1e-14)
    np.testing.assert_allclose(result.indicators["combined_coefficient"], np.sqrt([0.5, 0.5]), atol=1e-14)
    # Reversing one turns the correlation round; the reversal of the direction turns it back.
    reversed_b = component_weights(frame.assign(b=-frame["b"]), {"a": 1, "b": -1})
    pd.testing.assert_frame_equal(
        reversed_b.indicators.drop(columns="direction"), result.indicators.drop(columns="direction")
    )


def test_an_indicator_against_the_components_is_marked_and_weighs_its_size():
    rng = np.random.default_rng(0)
    factor = rng.normal(size=300)
    frame = pd.DataFrame({name: factor + 0.5 * rng.normal(size=300) for name in "abc"})
    frame["d"] = -factor + 0.5 * rng.normal(size=300)
    result = component_weights(frame, dict.fromkeys("abcd", 1)).indicators.set_index("indicator")
    assert result["against_components"].to_dict() == {"a": False, "b": False, "c": False, "d": True}
    assert result.loc["d", "combined_coefficient"] < 0 < result.loc["d", "weight"]
    turned = component_weights(frame, {"a": 1, "b": 1, "c": 1, "d": -1}).indicators
    assert not turned["against_components"].any()


def test_threshold_decides_what_is_retained():
    frame, directions = data_set(2)
    eigenvalues, _, weights = independent_weights(frame, directions, threshold=0.5)
    result = component_weights(frame, directions, threshold=0.5)
    assert result.components["retained"].sum() == (eigenvalues > 0.5).sum() > 2
    np.testing.assert_allclose(result.indicators["weight"], weights, atol=1e-12)
    # None above the threshold: the first component alone.
    none = component_weights(frame, directions, threshold=100)
    assert list(none.components["retained"]) == [True] + 7 * [False]


def test_single_indicator_has_the_weight_one():
    result = component_weights(pd.DataFrame({"a": [1.0, 2.0, 4.0]}), {"a": 1})
    assert result.indicators["weight"].tolist() == [1.0]


def test_index_correlates_positively_with_its_indicators():
    frame, directions = data_set(3)
    result = component_weights(frame, directions)
    sign = np.array(list(directions.values()))
    x = frame.to_numpy() * sign
    scaled = (x - x.min(axis=0)) / np.ptp(x, axis=0)
    index = scaled @ result.indicators["weight"].to_numpy()
    assert (np.array([np.corrcoef(index, column)[0, 1] for column in x.T]) > 0).all()


def test_rows_with_a_gap_are_left_out_and_counted():
    frame, directions = data_set(4)
    holes = frame.copy()
    holes.loc[[3, 17], "indicator_1"] = np.nan
    holes.loc[[17, 40], "indicator_6"] = np.inf
    result = component_weights(holes, directions)
    assert (result.n_rows, result.n_rows_incomplete) == (197, 3)
    expected = component_weights(frame.drop(index=[3, 17, 40]), directions)
    pd.testing.assert_frame_equal(result.indicators, expected.indicators)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 10), st.integers(12, 60))
def test_weights_are_shares_and_do_not_depend_on_order(seed, indicators, rows):
    frame, directions = data_set(seed, rows, indicators)
    directions = {name: directions[name] for name in frame.columns}
    result = component_weights(frame, directions).indicators.set_index("indicator")
    assert (result["weight"] >= 0).all()
    assert result["weight"].sum() == pytest.approx(1, abs=1e-12)
    rng = np.random.default_rng(seed)
    names = list(rng.permutation(frame.columns))
    shuffled = frame.iloc[rng.permutation(len(frame))][names]
    again = component_weights(shuffled, {name: directions[name] for name in names}).indicators
    assert list(again["indicator"]) == names
    # Bit for bit, not only nearly.
    pd.testing.assert_frame_equal(again.set_index("indicator").loc[result.index], result, rtol=0, atol=0)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(1e-6, 1e6), st.floats(-1e3, 1e3))
def test_weights_do_not_depend_on_units(seed, factor, shift):
    frame, directions = data_set(seed)
    one = component_weights(frame, directions).indicators["weight"]
    changed = frame.assign(indicator_3=factor * (frame["indicator_3"] + shift))
    np.testing.assert_allclose(component_weights(changed, directions).indicators["weight"], one, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "directions", "sentence"),
    [
        ({"indicator_1": 7.0}, None, r"'indicator_1' has the same value \(7\)"),
        ({"indicator_1": np.nan}, None, "'indicator_1' is empty in every row"),
        ({"indicator_1": "high"}, None, "'indicator_1' holds 'high'; expected numbers"),
        ({}, {"nothing": 1}, "'nothing' has no column"),
        ({}, {"indicator_1": 2}, "'indicator_1' has the direction 2; expected 1 or -1"),
        ({}, {}, "No indicator was named"),
        ({"indicator_1": [1.0, 2.0] + 198 * [np.nan]}, None, "Only 2 rows hold all of"),
    ],
)
def test_input_errors_name_the_indicator(change, directions, sentence):
    frame, default = data_set(0)
    with pytest.raises(InputError, match=sentence):
        component_weights(frame.assign(**change), default if directions is None else directions)
