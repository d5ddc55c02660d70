"""Proofs of entropy weights and coupling coordination: cases computed by hand, limits, properties."""

import math

import numpy as np
import pandas as pd
import pytest
from city_policy.errors import InputError
from city_policy.index.coupling import coupling_coordination, entropy_weights
from hypothesis import given, settings
from hypothesis import strategies as st


def test_entropy_weights_by_hand():
    """Four rows: a scales to 0, 1/3, 2/3, 1 (shares 0, 1/6, 1/3, 1/2); b to 0, 0, 0, 1 (shares the same)."""
    frame = pd.DataFrame({"a": [10.0, 20.0, 30.0, 40.0], "b": [5.0, 5.0, 5.0, 9.0]})
    entropy_a = (math.log(6) / 6 + math.log(3) / 3 + math.log(2) / 2) / math.log(4)
    weight_a = (1 - entropy_a) / ((1 - entropy_a) + 1)
    result = entropy_weights(frame, {"a": 1, "b": 1})
    np.testing.assert_allclose(result.indicators["entropy"], [entropy_a, 0], atol=1e-14)
    np.testing.assert_allclose(result.indicators["weight"], [weight_a, 1 - weight_a], atol=1e-14)
    np.testing.assert_allclose(result.scores, [0, weight_a / 3, weight_a * 2 / 3, 1], atol=1e-14)
    # The number itself, so that a mistake shared by formula and test is seen: e_a = .729574, w_a = .212862.
    assert entropy_a == pytest.approx(0.7295739585)
    assert weight_a == pytest.approx(0.2128624829)


def test_negative_indicators_are_scaled_from_the_maximum():
    frame = pd.DataFrame({"a": [10.0, 20.0, 30.0, 40.0], "b": [1.0, 2.0, 2.0, 4.0]})
    mirrored = frame.assign(a=100 - frame["a"])
    one, two = entropy_weights(frame, {"a": 1, "b": 1}), entropy_weights(mirrored, {"a": -1, "b": 1})
    np.testing.assert_allclose(two.scores, one.scores, atol=1e-14)
    np.testing.assert_allclose(two.indicators["weight"], one.indicators["weight"], atol=1e-14)


def test_rows_with_a_gap_have_no_score_and_do_not_count():
    frame = pd.DataFrame({"a": [10.0, 20.0, 30.0, 40.0, 1e9], "b": [5.0, 5.0, 5.0, 9.0, np.nan]}, index=[9, 8, 7, 6, 5])
    result = entropy_weights(frame, {"a": 1, "b": 1})
    expected = entropy_weights(frame.iloc[:4], {"a": 1, "b": 1})
    pd.testing.assert_series_equal(result.scores.iloc[:4], expected.scores)
    assert np.isnan(result.scores.loc[5])
    assert (result.n_rows, result.n_rows_incomplete) == (4, 1)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(3, 40))
def test_scores_lie_in_0_1_and_do_not_depend_on_order_or_units(seed, indicators, rows):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.lognormal(size=(rows, indicators)), columns=list("abcdef")[:indicators])
    directions = {name: int(rng.choice([1, -1])) for name in frame}
    result = entropy_weights(frame, directions)
    assert result.scores.between(0, 1).all()
    assert result.indicators["weight"].sum() == pytest.approx(1, abs=1e-12)
    assert (result.indicators["weight"] >= 0).all()
    shuffled = 1000 * frame.sample(frac=1, random_state=seed) - 3
    again = entropy_weights(shuffled, directions)
    np.testing.assert_allclose(again.scores.loc[frame.index], result.scores, atol=1e-9)
    np.testing.assert_allclose(again.indicators["weight"], result.indicators["weight"], atol=1e-9)


@pytest.mark.parametrize(
    ("values", "directions", "sentence"),
    [
        ({"a": [3.0, 3.0, 3.0]}, {"a": 1}, r"'a' has the same value \(3\)"),
        ({"a": [np.nan] * 3}, {"a": 1}, "'a' is empty in every row"),
        ({"a": [1.0, 2.0, 3.0]}, {"b": 1}, "'b' has no column"),
        ({"a": [1.0, np.nan, np.nan]}, {"a": 1}, "Only 1 rows hold all of a"),
        ({"a": ["x", "1", "2"]}, {"a": 1}, "'a' holds 'x'"),
        ({"a": [1.0, 2.0, 3.0]}, {"a": 0}, "'a' has the direction 0"),
    ],
)
def test_input_errors_name_the_indicator(values, directions, sentence):
    with pytest.raises(InputError, match=sentence):
        entropy_weights(pd.DataFrame(values), directions)


def test_coupling_by_hand():
    """U1 = .9, U2 = .4: C = 2 sqrt(.36) / 1.3 = 12/13, T = .65, D = sqrt(.6) = .774597."""
    result = coupling_coordination(pd.Series([0.9, 0.5, 1.0, 0.0, 0.0]), pd.Series([0.4, 0.5, 1.0, 0.8, 0.0]))
    np.testing.assert_allclose(result["coupling"], [12 / 13, 1, 1, 0, 0], atol=1e-14)
    np.testing.assert_allclose(result["coordination"], [0.65, 0.5, 1, 0.4, 0], atol=1e-14)
    np.testing.assert_allclose(result["coupling_coordination"], [0.7745966692, 0.7071067812, 1, 0, 0], atol=1e-10)


def test_coupling_keeps_gaps_and_index():
    index = pd.Index(["x", "y"])
    result = coupling_coordination(pd.Series([0.2, np.nan], index), pd.Series([0.2, 0.3], index))
    assert result.loc["y"].isna().all() and result.loc["x"].notna().all()


@given(st.floats(0, 1), st.floats(0, 1))
def test_coupling_is_symmetric_and_bounded(u1, u2):
    one = coupling_coordination(pd.Series([u1]), pd.Series([u2]))
    two = coupling_coordination(pd.Series([u2]), pd.Series([u1]))
    pd.testing.assert_frame_equal(one, two)
    assert one.ge(0).all(axis=None) and one.le(1).all(axis=None)
    # D = sqrt(C T) = (U1 U2)^(1/4)
    assert one["coupling_coordination"][0] == pytest.approx((u1 * u2) ** 0.25, abs=1e-7)


@pytest.mark.parametrize(
    ("first", "second", "sentence"),
    [
        (pd.Series([1.2]), pd.Series([0.5]), "is 1.2; expected a number from 0 to 1"),
        (pd.Series([0.2]), pd.Series([-0.5]), "is -0.5; expected"),
        (pd.Series([0.2]), pd.Series([0.5], index=[4]), "the same index"),
    ],
)
def test_coupling_refuses_what_is_not_a_pair_of_scores(first, second, sentence):
    with pytest.raises(InputError, match=sentence):
        coupling_coordination(first, second)
