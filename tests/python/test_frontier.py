"""Proofs of the stochastic frontier.

``data/front41.csv``: the 60 firms that T. Coelli ships with FRONTIER 4.1, from the R package ``frontier``
(data set
``front41Data``, GPL >= 2). Reference values: R 4.2.2, package frontier, ``sfa``. The rice data
(``riceProdPhil``) stay in the shared folder.
"""

import numpy as np
import pandas as pd
import pytest
from city_policy.errors import InputError
from city_policy.index.frontier import _Likelihood, estimate_frontier, total_factor_productivity
from scipy.integrate import quad
from scipy.optimize import approx_fprime
from scipy.stats import norm, spearmanr

# FRONTIER's log likelihood lies above the exact one by this much per row, in every model: its ln(2 pi) is
# rounded.
FRONTIER_CONSTANT = 2.4026e-8


@pytest.fixture(scope="module")
def firms(project):
    frame = pd.read_csv(project / "tests/python/data/front41.csv")
    return frame.assign(**{f"ln_{name}": np.log(frame[name]) for name in ("output", "capital", "labour")})


@pytest.fixture(scope="module")
def rice(shared):
    frame = pd.read_csv(shared / "benchmarks/rice_prod_phil.csv")
    return frame.assign(**{f"ln_{name}": np.log(frame[name]) for name in ("PROD", "AREA", "LABOR", "NPK")})


def rice_frontier(rice, **options):
    return estimate_frontier(rice, "ln_PROD", ["ln_AREA", "ln_LABOR", "ln_NPK"], "FMERCODE", "YEARDUM", **options)


def simulate(seed, cities=297, years=11, gamma=0.8, eta=0.03, mu=0.0, sigma2=0.25):
    rng = np.random.default_rng(seed)
    n = cities * years
    city = np.repeat(np.arange(cities), years)
    year = np.tile(np.arange(2011, 2011 + years), cities)
    scale = np.sqrt(gamma * sigma2)
    u = scale * norm.ppf(rng.uniform(norm.cdf(-mu / scale), 1, cities)) + mu
    u = u[city] * np.exp(-eta * (year - year.max()))
    v = rng.normal(0, np.sqrt((1 - gamma) * sigma2), n)
    k = rng.normal(12, 1, cities)[city] + rng.normal(0, 0.3, n)
    labour = rng.normal(8, 0.8, cities)[city] + rng.normal(0, 0.2, n)
    t = year - 2011.0
    y = 1.5 + 0.45 * k + 0.5 * labour + 0.03 * t + v - u
    return pd.DataFrame({"city": city, "year": year, "y": y, "k": k, "l": labour, "t": t, "u": u})


def test_cross_section_reference(firms):
    result = estimate_frontier(firms, "ln_output", ["ln_capital", "ln_labour"], "firm")
    printed = [0.5616192866, 0.2811021864, 0.5364797866, 0.2170002908, 0.7972068999]
    # The reference stops at a relative change of 1e-5; ours is the exact optimum.
    np.testing.assert_allclose(result.coefficients, printed, rtol=1e-5)
    assert list(result.coefficients.index) == ["(Intercept)", "ln_capital", "ln_labour", "sigma2", "gamma"]
    assert result.log_likelihood == pytest.approx(-17.02722398 - 60 * FRONTIER_CONSTANT, abs=2e-8)
    # Printed in Coelli's guide (his standard errors are those of a quasi-Newton Hessian).
    assert result.likelihood_ratio == pytest.approx(2.8392402, abs=2e-5)
    np.testing.assert_allclose(
        result.standard_errors, [0.20261668, 0.047643365, 0.045251553, 0.063909106, 0.13642399], rtol=0.02
    )
    assert result.observations["efficiency"].mean() == pytest.approx(0.74056772, abs=1e-6)
    assert (result.status, result.n_obs, result.n_units, result.n_periods) == ("ok", 60, 60, 1)


@pytest.mark.parametrize(
    ("options", "printed", "log_likelihood"),
    [
        (
            {},
            [-0.8321685673, 0.4538970416, 0.2889236990, 0.2275438491, 0.1553769513, 0.4643116658],
            -86.43041954,
        ),
        (
            {"time_varying": True},
            [
                -0.7539187554,
                0.4749175840,
                0.3000956070,
                0.1994615165,
                0.1299556674,
                0.3696349504,
                0.0589095180,
            ],
            -84.55035781,
        ),
    ],
)
def test_panel_reference(rice, options, printed, log_likelihood):
    result = rice_frontier(rice, **options)
    np.testing.assert_allclose(result.coefficients, printed, rtol=1e-5)
    assert result.log_likelihood == pytest.approx(log_likelihood - 344 * FRONTIER_CONSTANT, abs=2e-8)


def test_panel_reference_efficiencies(rice):
    efficiency = rice_frontier(rice, time_varying=True).observations["efficiency"]
    first = efficiency[rice["FMERCODE"] == 1][rice["YEARDUM"] <= 4]
    np.testing.assert_allclose(first, [0.703659098, 0.7176991505, 0.7312208671, 0.744227963], atol=1e-6)


def test_truncated_normal_reference(rice):
    result = rice_frontier(rice, time_varying=True, distribution="truncated_normal")
    assert result.log_likelihood == pytest.approx(-84.40679, abs=2e-5)
    assert result.mu < 0 and "mu" in result.coefficients.index


def small_panel():
    """Three units, observed in different periods, with the last period missing for one of them."""
    rng = np.random.default_rng(3)
    starts = np.array([0, 3, 4])
    tau = np.array([-3.0, -1.0, 0.0, 0.0, -3.0, -2.0, -1.0])
    design = np.column_stack([np.ones(7), rng.normal(size=7)])
    return rng.normal(size=7), design, starts, tau


@pytest.mark.parametrize("mu", [-0.4, 0.0, 0.7])
@pytest.mark.parametrize("eta", [0.0, 0.15])
def test_likelihood_is_the_integral_over_inefficiency(mu, eta):
    """The closed form against numerical integration of the joint density over u."""
    y, design, starts, tau = small_panel()
    b, sigma2, gamma = np.array([0.2, 0.5]), 0.9, 0.6
    likelihood = _Likelihood(y, design, starts, tau, True, True)
    value, _ = likelihood.negative(np.r_[b, np.log(sigma2), np.log(gamma / (1 - gamma)), mu, eta])
    residual = y - design @ b
    deviation_u, deviation_v = np.sqrt(gamma * sigma2), np.sqrt((1 - gamma) * sigma2)
    expected = 0.0
    for part in np.split(np.arange(7), starts[1:]):

        def density(u, part=part):
            noise = norm.pdf(residual[part] + np.exp(-eta * tau[part]) * u, scale=deviation_v)
            return noise.prod() * norm.pdf(u, mu, deviation_u) / norm.cdf(mu / deviation_u)

        expected += np.log(quad(density, 0, 12, epsabs=1e-14, epsrel=1e-12)[0])
    assert -value == pytest.approx(expected, abs=1e-9)


def test_gradient_is_the_derivative():
    likelihood = _Likelihood(*small_panel(), True, True)
    rng = np.random.default_rng(0)
    for _ in range(20):
        parameters = rng.normal(0, 0.7, 6)
        numerical = approx_fprime(parameters, lambda p: likelihood.negative(p)[0], 1e-7)
        np.testing.assert_allclose(likelihood.negative(parameters)[1], numerical, rtol=2e-5, atol=2e-5)


def test_expectations_are_integrals_over_inefficiency():
    """E[u|e] and E[exp(-u)|e] of one city against numerical integration at the estimated parameters."""
    data = simulate(5, cities=60, years=5)
    data = data.drop(index=[1, 2, 9])
    result = estimate_frontier(data, "y", ["k", "l", "t"], "city", "year", time_varying=True)
    part = data["city"] == 0
    residual = result.observations.loc[part, "residual"].to_numpy()
    decay = np.exp(-result.eta * (data.loc[part, "year"].to_numpy() - 2015))
    deviation_u, deviation_v = (
        np.sqrt(result.gamma * result.sigma2),
        np.sqrt((1 - result.gamma) * result.sigma2),
    )

    def density(u):
        return norm.pdf(residual + decay * u, scale=deviation_v).prod() * norm.pdf(u, 0, deviation_u)

    total = quad(density, 0, 6, epsabs=1e-14, epsrel=1e-12)[0]
    for row, factor in zip(result.observations[part].itertuples(), decay, strict=True):
        mean = quad(lambda u, f=factor: f * u * density(u), 0, 6, epsabs=1e-14, epsrel=1e-12)[0] / total
        efficiency = quad(lambda u, f=factor: np.exp(-f * u) * density(u), 0, 6, epsrel=1e-12)[0] / total
        assert row.inefficiency == pytest.approx(mean, abs=1e-8)
        assert row.efficiency == pytest.approx(efficiency, abs=1e-8)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_simulation_recovers_the_truth(seed):
    data = simulate(seed)
    # An unbalanced panel: one row in ten is gone.
    data = data[np.random.default_rng(seed).uniform(size=len(data)) > 0.1]
    result = estimate_frontier(data, "y", ["k", "l", "t"], "city", "year", time_varying=True)
    truth = np.array([1.5, 0.45, 0.5, 0.03, 0.25, 0.8, 0.03])
    assert result.status == "ok"
    assert (np.abs(result.coefficients - truth) < 3.5 * result.standard_errors).all()
    assert result.standard_errors.gt(0).all() and result.standard_errors["k"] < 0.05
    assert np.corrcoef(result.observations["inefficiency"], data["u"])[0, 1] > 0.95
    assert result.observations["inefficiency"].mean() == pytest.approx(data["u"].mean(), abs=0.05)


def test_row_order_and_units_do_not_matter():
    data = simulate(4, cities=50, years=4)
    options = {"time_varying": True, "distribution": "half_normal"}
    one = estimate_frontier(data, "y", ["k", "l", "t"], "city", "year", **options)
    shuffled = data.sample(frac=1, random_state=0)
    two = estimate_frontier(shuffled, "y", ["k", "l", "t"], "city", "year", **options)
    pd.testing.assert_series_equal(one.coefficients, two.coefficients, rtol=0, atol=0)
    pd.testing.assert_frame_equal(one.observations, two.observations.loc[data.index], rtol=0, atol=0)
    three = estimate_frontier(data.assign(k=1e6 * data["k"]), "y", ["k", "l", "t"], "city", "year", **options)
    assert three.log_likelihood == pytest.approx(one.log_likelihood, abs=1e-8)
    assert three.coefficients["k"] == pytest.approx(one.coefficients["k"] / 1e6, rel=1e-6)


@pytest.mark.parametrize(("years", "time_varying"), [(1, False), (5, False), (5, True)])
@pytest.mark.parametrize("distribution", ["half_normal", "truncated_normal"])
def test_wrong_skewness_is_said_and_not_a_crash(years, time_varying, distribution):
    data = simulate(6, cities=80, years=years)
    # Skewed to the right, independent over the years: nothing looks like persistent inefficiency.
    data["y"] = 0.45 * data["k"] + np.random.default_rng(0).exponential(0.3, len(data))
    result = estimate_frontier(data, "y", ["k"], "city", "year", time_varying=time_varying, distribution=distribution)
    assert result.observations.notna().all(axis=None)
    if distribution == "half_normal" and not time_varying:
        assert result.status == "boundary"
        assert "no inefficiency (the residuals are skewed the wrong way, +" in result.message
        assert result.gamma < 1e-4 and result.standard_errors.isna().all()
        assert result.observations["efficiency"].min() > 0.98
        assert result.log_likelihood == pytest.approx(result.log_likelihood_ols, abs=1e-3)


@pytest.mark.parametrize("distribution", ["half_normal", "truncated_normal"])
def test_lasting_differences_with_little_noise_converge(distribution):
    """Noise of a ten-thousandth of the variance, as in city data: a narrow ridge, but a clear maximum."""
    data = simulate(14, gamma=0.9999, eta=0.002, mu=2.0 if distribution == "truncated_normal" else 0.0)
    result = estimate_frontier(data, "y", ["k", "l", "t"], "city", "year", time_varying=True, distribution=distribution)
    assert (result.status, result.message) == ("ok", "")
    assert result.standard_errors.notna().all()
    assert abs(result.coefficients["k"] - 0.45) < 3.5 * result.standard_errors["k"] < 0.01
    assert abs(result.eta - 0.002) < 3.5 * result.standard_errors["eta"] < 0.01
    assert result.gamma == pytest.approx(0.9999, abs=5e-5)


def test_no_noise_is_said():
    data = simulate(7, cities=200, years=1)
    data["y"] = 1 + 0.4 * data["k"] - data["u"]
    result = estimate_frontier(data, "y", ["k"], "city")
    assert result.status == "boundary" and result.message
    assert np.isfinite(result.observations["efficiency"]).all()


@pytest.mark.parametrize(
    ("change", "arguments", "sentence"),
    [
        ({}, {"regressors": ["k", "nothing"]}, "no column 'nothing'"),
        ({}, {"unit": "nothing"}, "no column 'nothing'"),
        (
            {"k2": lambda d: 2 * d["k"] + 1},
            {"regressors": ["k", "k2"]},
            "'k2' of the frontier is constant or",
        ),
        ({}, {"distribution": "gamma"}, "Unknown distribution 'gamma'"),
        ({}, {"period": None, "time_varying": True}, "needs a period column"),
        ({"year": 2011}, {}, "more than once"),
        ({"k": "many"}, {}, "holds the text 'many'"),
        ({"y": np.nan}, {}, "more than 4 complete rows; the data has 0"),
        ({"y": lambda d: 3 * d["k"]}, {}, "without a remainder"),
    ],
)
def test_input_errors(change, arguments, sentence):
    data = simulate(8, cities=20, years=3).assign(**change)
    defaults = {"output": "y", "regressors": ["k"], "unit": "city", "period": "year"}
    with pytest.raises(InputError, match=sentence):
        estimate_frontier(data, **(defaults | arguments))


def levels(data):
    return pd.DataFrame(
        {
            "adcode": data["city"].map("{:06d}".format),
            "year": data["year"],
            "gdp": np.exp(data["y"]),
            "capital": np.exp(data["k"]),
            "labour": np.exp(data["l"]),
        }
    )


@pytest.mark.parametrize("form", ["cobb_douglas", "translog"])
def test_productivity_is_what_inputs_and_noise_leave(form):
    """ln Y = ln TFP + terms of the inputs alone + (residual + E[u|e]): an identity, computed apart."""
    data = simulate(9, cities=100, years=5)
    frame = levels(data)
    result = total_factor_productivity(frame, "gdp", "capital", "labour", "adcode", "year", form)
    assert result.status == "ok"
    b = result.frontier.coefficients
    k, labour = data["k"] - data["k"].mean(), data["l"] - data["l"].mean()
    inputs = b["k"] * k + b["l"] * labour
    if form == "translog":
        inputs += b["kk"] * k**2 / 2 + b["ll"] * labour**2 / 2 + b["kl"] * k * labour
        assert {"tt", "kt", "lt"} <= set(b.index)
    noise = result.frontier.observations["residual"] + result.values["inefficiency"]
    np.testing.assert_allclose(result.values["ln_tfp"] + inputs + noise, data["y"], atol=1e-10)
    np.testing.assert_allclose(result.values["tfp"], np.exp(result.values["ln_tfp"]), rtol=1e-14)
    assert list(result.values.columns) == [
        "adcode",
        "year",
        "ln_tfp",
        "tfp",
        "inefficiency",
        "efficiency",
    ]


def test_productivity_ranks_cities_as_planted():
    data = simulate(10)
    result = total_factor_productivity(levels(data), "gdp", "capital", "labour", "adcode", "year")
    planted = 0.03 * data["t"] - data["u"]
    assert spearmanr(result.values["ln_tfp"], planted).statistic > 0.95
    # Constant: frontier output at the geometric mean of the inputs in the first year, 1.5 + .45 k + .5 l.
    expected = 1.5 + 0.45 * data["k"].mean() + 0.5 * data["l"].mean() + planted
    assert (result.values["ln_tfp"] - expected).mean() == pytest.approx(0, abs=0.05)


def test_productivity_does_not_depend_on_units():
    frame = levels(simulate(11, cities=60, years=4))
    one = total_factor_productivity(frame, "gdp", "capital", "labour", "adcode", "year", "translog")
    other = frame.assign(capital=1e4 * frame["capital"], gdp=frame["gdp"] / 100)
    two = total_factor_productivity(other, "gdp", "capital", "labour", "adcode", "year", "translog")
    np.testing.assert_allclose(two.values["ln_tfp"], one.values["ln_tfp"] - np.log(100), atol=1e-6)


def test_productivity_with_gaps_one_year_and_nothing():
    frame = levels(simulate(12, cities=60, years=4))
    gaps = frame.copy()
    gaps.loc[[3, 50], "labour"] = np.nan
    result = total_factor_productivity(gaps, "gdp", "capital", "labour", "adcode", "year")
    assert result.values["ln_tfp"].isna().sum() == 2 and result.values.loc[[3, 50], "tfp"].isna().all()
    assert len(result.values) == len(gaps)

    one_year = frame[frame["year"] == 2012]
    result = total_factor_productivity(one_year, "gdp", "capital", "labour", "adcode", "year")
    assert "one year" in result.message and result.values["ln_tfp"].notna().all()
    assert "t" not in result.frontier.coefficients.index

    result = total_factor_productivity(frame.assign(capital=np.nan), "gdp", "capital", "labour", "adcode", "year")
    assert result.status == "not_estimated" and "0 rows" in result.message
    assert result.values["tfp"].isna().all() and result.frontier is None


@pytest.mark.parametrize("value", [0.0, -3.0])
def test_productivity_names_the_level_that_has_no_log(value):
    frame = levels(simulate(13, cities=30, years=3))
    frame.loc[4, "capital"] = value
    with pytest.raises(InputError, match=r"capital of adcode 000001 in year 2012 is .*must be positive"):
        total_factor_productivity(frame, "gdp", "capital", "labour", "adcode", "year")


def test_productivity_rejects_an_unknown_form():
    with pytest.raises(InputError, match="cobb_douglas or translog"):
        total_factor_productivity(levels(simulate(1, 5, 2)), "gdp", "capital", "labour", "adcode", "year", "ces")
