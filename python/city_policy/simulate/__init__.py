"""A simulated demo yearbook of Chinese cities, with known policy effects planted in its raw inputs.

Everything that this package writes is SIMULATED. City names, administrative geography and pilot lists are
real, every number is drawn from the process below: nothing is a yearbook's value, and no result computed from
it says anything about a real city or a real policy.

The process, for city i in province p, year t = 2011 … 2021 and raw input k (values in ``parameters.py``)
----------------------------------------------------------------------------------------------------------
Treatment. b_it, c_it = 1 from the first year in which city i is listed (``bcs``, ``iic``); the dual policy is
    d_it = b_it · c_it. Direct effects are constant over time, in log points:
    E_k(i,t) = β_k,bcs b_it + β_k,iic c_it + β_k,dual d_it

Development. f_i = tier_i + region_i + σ_f z_i, standardised to mean 0 and variance 1 over the cities.
    Every city effect z is a random permutation of the n normal scores Φ⁻¹((r − ½)/n): cities are drawn at
    random, the cross-section's moments are not, so that they hold for every seed.

Serial correlation. Every noise a_it is AR(1), a_it = ρ a_i,t-1 + √(1 − ρ²) u_it, u ~ N(0, 1), started in its
    stationary distribution. Hence errors clustered by city exceed iid ones.

Population. ln N_it = μ_N + λ_N f_i + region + municipality + κ ln(A_i / median A) + σ_N z_i + g_Ni (t − 2016)
    Registered, urban and district population are shares of it. Land area A_i is the polygon's area ± 3 %.

Production. The inputs come first, product follows from them on one frontier (K measured as the study does:
    K_it = (1 − 0.096) K_i,t-1 + I_it, K_i,2011 = I_i,2011 / 0.1, with I real investment):
    ln L_it = ln N_it + μ_L + λ_L f_i + κ_L y_i + σ_L z_i + τ_L (t − 2016) + s_L a_it,   y_i = σ_y z_i
    ln I_it = ι_i + common growth + drift_i (t − 2011) + s_I a_it
    ln Y_it = α ln K_it + β ln L_it + γ_t − u_i + m^Y_it,   u_i ~ |N(0, σ_u)|
    m^Y_it = drift_i (t − 2016) + σ_Y a_it + E_Y(i,t)
    ι_i is what α ln K + β ln L in 2011 needs to equal ln N_i + μ_y + λ_y f_i + y_i. γ_t makes the mean city
    grow as the nation does: 10 % falling to 6 %, with the dip of 2020. Prices are of 2011; nominal product =
    real product × the province's deflator. Printed growth is Y_it / Y_i,t-1 − 1.

Innovation index. ln I_it = μ_I + λ_I f_i + σ_I z_i + τ_I (t − 2016) + m^I_it,   m^I_it = σ a_it + E_I(i,t)

Controls. Marketization (by province), foreign capital, tertiary share, urbanisation and fintech searches
    follow f_i, a national trend and AR(1) noise, none of them touched by the policies.

Activity. g_it = σ_g a_it + Σ_c θ_c (control_c,it − its city mean − its year mean), shared by a city's inputs.

Raw inputs. X_kit = B_kit · exp( μ_k + λ_k f_i + σ_k z_ki + τ_k (t − 2016) + π_k g_it + s_k a_kit
                               + η_k m^Y_it + ι_k m^I_it + E_k(i,t) )
    B_k is what the index later divides by (residents, land area, employees, fiscal expenditure, product).
    So a policy reaches an input directly (E_k), through agglomeration ((η_k + elasticity of B_k) E_Y) and
    through innovation (ι_k E_I). The parts and their sum are in ``demo_planted_effects.csv``.

Parallel trends. An index of min-max scaled *levels* and effects planted in *logs* cannot both have parallel
    trends when treated cities are more developed, unless the trend τ_k is small where the loading λ_k is
    large. ``parameters.py`` keeps to that: penetration of telephones and internet rises steeply and nearly
    alike in all cities; patents, firms and robots per person, which differ a lot, rise slowly.

Printing. The panel is then printed as a yearbook prints it (``topics.py``), and damaged as a yearbook is
damaged (``damage.py``): renamed and merged cities, changes of header and unit, unreadable names and numbers,
gaps. ``demo_planted_damage.csv`` lists every damaged name, number and page and where it should end.

Every quantity draws from its own random stream, keyed by the seed and the quantity's name: adding a quantity
leaves all others as they were, and switching an effect off leaves every draw in place, so that two runs give
exact counterfactuals.
"""

from city_policy.simulate.parameters import DEFAULT_SEED, DEMO, Scenario
from city_policy.simulate.process import Panel, draw_panel
from city_policy.simulate.truth import planted_effects
from city_policy.simulate.world import World, read_world
from city_policy.simulate.write import Simulation, simulate

__all__ = [
    "DEFAULT_SEED",
    "DEMO",
    "Panel",
    "Scenario",
    "Simulation",
    "World",
    "draw_panel",
    "planted_effects",
    "read_world",
    "simulate",
]
