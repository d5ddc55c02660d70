"""A simulated demo yearbook of Chinese cities, with known policy effects planted in its raw inputs.

Everything that this package writes is SIMULATED. City names, administrative geography and pilot lists are real, every
number is drawn from the process below: nothing is a yearbook's value, and no result computed from it says anything
about a real city or a real policy. In the scenario ``paper`` the process is calibrated to everything that Zhang and Ma
(2025) print, so that agreement with the printed numbers says nothing about the paper either.

The process, for city i in province p, year t = 2011 … 2021 and raw input k (values in ``parameters.py``)
----------------------------------------------------------------------------------------------------------
z_i are normal scores in random order: who stands where is drawn, the shape of the cross-section is not. a_it are AR(1)
noises of unit variance, a_it = ρ a_i,t-1 + √(1 − ρ²) u_it, started in their stationary distribution.

Development. f_i = tier_i + region_i + σ_f z_i, standardised over the cities.

Population. ln N_it = λ_N f_i + region + municipality + κ ln A_i + σ_N z_i + g_Ni (t − 2016) + s_N a_it + constant, the
    constant such that the published number of city-years lies above 5 million. Land area A_i is the polygon's ± 3 %.

Moments. x = M(latent) is a monotone map that gives the sample's 275 × 11 values the published mean, standard deviation,
    minimum and maximum: with s the latent's place between its own extremes, x = min + (max − min) g,
    logit g = a + b logit s, and (a, b) solved for mean and deviation (``moments.py``).

Controls. Marketization (by province), foreign capital (lognormal), tertiary share, urbanisation and fintech searches
    are M(level + λ f_i + σ z_i + τ (t − 2016) + s a_it). No policy touches them.

Targets. A city's habit to phrase its target as a floor is lasting; whether it raises the province's target moves.

Effects. E_q(i,t) = Σ over the rows of ``effects.csv`` for measure q of 1[treated] 1[group] (level + per_year (e − 2)),
    e = t − first treated year, q = product, innovation (log points) or index (units of the index). So effects differ by
    policy, holding both, order, cohort, event time, position, resources, size, targets and terrain.

Production. ln L_it = ln N_it + μ_L + λ_L f_i + κ_L y_i + σ_L z_i + τ_L (t − 2016) + s_L a_it
    ln I_it = ι_i + common growth + drift_i (t − 2011) + s_I a_it
    ln Y_it = α ln K_it + β ln L_it + γ_t − u_i + v_it,   u_i ~ |N(0, σ_u)|
    K is the perpetual inventory of I as the study computes it. v_it holds drift, noise (the denser the city, the less)
    and E_product. Agglomeration comes first: ln EG_it = b r_i − c ln A_i + v_it − year mean, r_i the normal scores of
    ln(product of inputs, inefficiency and land), b and c (and the two extreme cities) solved for the published moments;
    then Y_it = EG_it A_i × national density, and ι_i is what the frontier needs to hold. Prices are of 2011; nominal
    product = Y × the province's deflator; printed growth is Y_it / Y_i,t-1 − 1.

Innovation. ln I_it = a + b r_i + τ (t − 2016) + s a_it + E_innovation, with the published moments like agglomeration.

Planned index. q_it = B_i + γ (t − 2016) + (w_it − its city mean − its year mean), B_i = c + d exp(shape · r_i),
    w_it = Σ slope × control + κ_a EG_it + κ_n I_it + E_index + noise_it
    with c, d (and the leading city) solved for mean, deviation and maximum. Noise is AR(1) and drawn balanced: in every
    year its mean over each cohort and over each group of Tables 9 and 10 within the pilot groups is zero
    (``balance`` = 1; the other scenarios draw it plainly, ``balance`` = 0, which is what standard errors assume).
    Errors clustered by city exceed iid ones, because noise is serially correlated and effects differ between cities.

Raw inputs. X_kit = base_kit × (low_k + (high_k − low_k) s_kit), the base being what the index later divides by,
    s_kit = own level_ki + κ (U_it − its city mean) + τ_k (t − 2016) + noise,   U = (q − ½) / ½
    (1 − s where less is better). Own levels follow B_i; a city's own strengths average to nothing over the indicators.
    One laggard and one leader per indicator stand at 0 and 1, so that the study's min-max scaling finds s again, and
    its index, weighted by whatever the principal components give, shows q: Σ weight × (½ + ½ s) ≈ q.
    So policies reach the index through 24 raw inputs, and partly through product and innovation.

Truth. ``demo_truth.csv`` holds the planted average effects on the treated and their parts (``truth.py``),
    ``demo_planted_effects.csv`` the rows of the effects.

Printing. The panel is then printed as a yearbook prints it (``topics.py``), and damaged as a yearbook is damaged
(``damage.py``): renamed and merged cities, changes of header and unit, unreadable names and numbers, gaps.
``demo_planted_damage.csv`` lists every damaged name, number and page and where it should end.

Every measure draws from its own random stream, keyed by the seed and the measure's name: adding a measure leaves all
others as they were, and taking a policy's effects out of a draw leaves everything else in place, so that two draws are
exact counterfactuals.
"""

from city_policy.simulate.parameters import DEFAULT_SEED, Scenario
from city_policy.simulate.process import Panel, draw_panel
from city_policy.simulate.scenarios import DEFAULT_SCENARIO, scenario, scenario_names, scenarios_with_real_cities
from city_policy.simulate.truth import PlantedAverage, planted_averages
from city_policy.simulate.world import World, read_world
from city_policy.simulate.write import Simulation, simulate

__all__ = [
    "DEFAULT_SCENARIO",
    "DEFAULT_SEED",
    "Panel",
    "PlantedAverage",
    "Scenario",
    "Simulation",
    "World",
    "draw_panel",
    "planted_averages",
    "read_world",
    "scenario",
    "scenario_names",
    "scenarios_with_real_cities",
    "simulate",
]
