"""Every parameter of the simulated yearbook, in one place.

Numbers are chosen so that the simulated panel looks like what the paper prints and like the usual size of the printed
measures; none is an estimate from a yearbook. A scenario is one frozen ``Scenario``: the scenarios and their effects
are rows of ``scenarios.csv`` and ``effects.csv``. Measures are in the canonical units of
``seeds/mapping/series.csv``.
"""

from dataclasses import dataclass

from city_policy.simulate.effects import EffectRow
from city_policy.simulate.moments import Moments

# The first of 1, 2, 3 … whose draw keeps Table 2 within its limits and shows every ordering that can hold.
DEFAULT_SEED = 2


@dataclass(frozen=True)
class IndexInput:
    """One raw input X = base × (low + (high − low) s), s between floor 0 and ceiling 1: see ``index.py``.

    ``base``: resident, area, employees, fiscal, nominal_gdp or one.
    ``weight``: of Table 1, by which a city's own strengths are balanced.
    ``low``, ``high``: X / base at the floor and at the ceiling, in canonical units per unit of the base.
    ``spread``: of the city's own level, relative (in score points where ``negative``).
    ``trend``: score points in ten years. ``noise_sd``: standard deviation of the input's own AR(1) noise, score points.
    ``middle``, ``level``, ``slope``: mean score, and how it follows the city's mean index and its movements.
    ``negative``: less is better, the cleanest has score 1.
    """

    name: str
    base: str
    weight: float
    low: float
    high: float
    spread: float
    trend: float
    noise_sd: float = 0.008
    middle: float = 0.152
    level: float = 1.10
    slope: float = 1.0
    negative: bool = False


INDEX_INPUTS: tuple[IndexInput, ...] = (
    # name, base, weight, low, high, spread, trend
    IndexInput("higher_education_students", "resident", 0.0512, 0.0010, 0.1300, 0.45, 0.00),
    IndexInput("education_expenditure", "fiscal", 0.0483, 0.130, 0.360, 0.50, -0.02),
    IndexInput("employees_information", "employees", 0.0588, 0.0035, 0.0900, 0.38, 0.01),
    IndexInput("employees_research", "employees", 0.0662, 0.0050, 0.1300, 0.30, 0.01),
    IndexInput("mobile_subscribers", "resident", 0.0367, 0.62, 3.10, 0.65, 0.03),
    IndexInput("internet_subscribers", "resident", 0.0344, 0.06, 1.35, 0.70, 0.04),
    IndexInput("optical_cable_length", "area", 0.0407, 0.030, 1.150, 0.60, 0.01),
    IndexInput("telecom_volume", "resident", 0.0458, 0.030, 0.900, 0.50, 0.03),
    IndexInput("robots", "resident", 0.0453, 2.0e-5, 6.0e-3, 0.50, 0.01),
    IndexInput("environmental_expenditure", "fiscal", 0.0344, 0.010, 0.130, 0.70, -0.01),
    IndexInput("science_expenditure", "fiscal", 0.0469, 0.0030, 0.0900, 0.48, 0.00),
    IndexInput("digital_invention_patents", "resident", 0.0403, 5.0e-6, 2.5e-3, 0.60, 0.00),
    IndexInput("digital_utility_patents", "resident", 0.0374, 1.0e-5, 3.5e-3, 0.65, 0.00),
    IndexInput("green_patents", "resident", 0.0388, 1.0e-5, 2.5e-3, 0.62, 0.00),
    IndexInput("high_tech_firms", "resident", 0.0536, 1.0e-5, 2.0e-3, 0.42, 0.01),
    IndexInput("high_tech_revenue", "nominal_gdp", 0.0508, 0.010, 0.900, 0.45, 0.00),
    IndexInput("charging_pile_firms", "resident", 0.0395, 5.0e-6, 1.2e-3, 0.60, 0.02),
    IndexInput("ai_firms", "resident", 0.0493, 5.0e-6, 1.5e-3, 0.46, 0.01),
    IndexInput("green_coverage", "one", 0.0325, 34.0, 66.0, 0.75, 0.02),
    IndexInput(
        "industrial_waste_gas", "nominal_gdp", 0.0096, 1.0e-5, 4.0e-4, 0.07, 0.015, 0.006, 0.30, 0.22, 0.2, True
    ),
    IndexInput(
        "industrial_waste_water", "nominal_gdp", 0.0089, 1.0e-5, 1.1e-3, 0.07, 0.02, 0.006, 0.30, 0.20, 0.2, True
    ),
    IndexInput(
        "industrial_solid_waste", "nominal_gdp", 0.0101, 2.0e-6, 2.0e-4, 0.07, 0.015, 0.006, 0.30, 0.24, 0.2, True
    ),
    IndexInput(
        "chemical_oxygen_demand", "nominal_gdp", 0.0064, 5.0e-5, 6.0e-3, 0.07, 0.02, 0.006, 0.30, 0.16, 0.2, True
    ),
    IndexInput("industry_university_word_frequency", "one", 0.0367, 1.0, 61.0, 0.62, 0.01),
)


# The paper's Table 2; over the 275 cities and 11 years of its sample.
PUBLISHED_MOMENTS: tuple[tuple[str, Moments], ...] = (
    # As planned; the inputs' own noise then makes it the published 0.6000, 0.0295, 0.5540 and 0.9540.
    ("nqp", Moments(0.6005, 0.0281, 0.5540, 0.9640)),
    ("marketization", Moments(7.1507, 1.7839, 2.3300, 12.6310)),
    ("fdi", Moments(0.0074, 0.0225, 0.0000, 0.4710)),
    ("tertiary_share", Moments(0.4225, 0.0989, 0.1965, 0.6972)),
    ("urbanization", Moments(52.6540, 13.7924, 18.4205, 99.4695)),
    ("fintech", Moments(3.3800, 1.5729, 0.0000, 7.7096)),
    ("agglomeration", Moments(2.0732, 4.6525, 0.0181, 67.3995)),
    ("innovation", Moments(0.1394, 0.6099, 0.0001, 14.5393)),
)


@dataclass(frozen=True)
class Bounded:
    """The latent draw of a control: level + development f + city_sd z + trend (t − 2016) + noise_sd a."""

    level: float
    development: float
    city_sd: float
    trend: float
    noise_sd: float
    persistence: float = 0.3


@dataclass(frozen=True)
class Landmark:
    """A city whose place its rank alone does not tell: what is added to its tier and its ln residents, and how far, in
    log points, its product swings about its path with a period of five and a half years."""

    adcode: str
    name_zh: str
    tier: float
    residents: float
    product_swing: float = 0.0


LANDMARKS: tuple[Landmark, ...] = (
    Landmark("110000", "北京市", 0.7, 0.4, -0.06),
    Landmark("310000", "上海市", 0.7, 0.6, -0.09),
    Landmark("440300", "深圳市", 1.5, 0.45, 0.09),
    Landmark("320500", "苏州市", 1.6, 0.6, -0.09),
    Landmark("320200", "无锡市", 1.0, 0.3, 0.09),
    Landmark("440600", "佛山市", 1.0, 0.5, -0.09),
    Landmark("441900", "东莞市", 1.0, 0.6, 0.09),
    Landmark("500000", "重庆市", -1.4, 1.1),
)

# Which landmark stands at the ceiling of which indicator in the last year.
LEADERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("440300", ("digital_invention_patents", "digital_utility_patents", "high_tech_revenue", "high_tech_firms",
                "science_expenditure", "mobile_subscribers", "internet_subscribers", "telecom_volume", "robots",
                "optical_cable_length")),
    ("110000", ("employees_research", "ai_firms")),
    ("310000", ("employees_information", "charging_pile_firms")),
    ("440100", ("higher_education_students", "green_coverage")),
    ("330100", ("education_expenditure", "environmental_expenditure")),
    ("320500", ("green_patents", "industry_university_word_frequency")),
)  # fmt: skip


@dataclass(frozen=True)
class Scenario:
    """All parameters of one simulated yearbook; defaults are those of the paper."""

    name: str = "paper"
    first_year: int = 2011
    last_year: int = 2021
    persistence: float = 0.75  # ρ of every AR(1) noise

    # Development factor: tier + region + spread · z, then standardised.
    municipality_tier: float = 2.6
    sub_provincial_tier: float = 2.0
    capital_tier: float = 1.3
    region_tier: tuple[tuple[str, float], ...] = (("east", 0.55), ("central", 0.0), ("west", -0.25))
    development_spread: float = 0.75
    # Luck counts for less in the cities of a tier (municipality, sub-provincial, capital): the share that
    # they keep of the spreads of development, residents, product, innovation and foreign capital.
    tier_luck: float = 0.3
    landmarks: tuple[Landmark, ...] = LANDMARKS

    # Residents: elasticities and spreads in logs; the level follows from the share of large cities.
    large_city: float = 5e6  # the study's line of large cities, and the share of city-years above it
    large_share: float = 954 / 3025
    population_development: float = 0.28
    population_region: tuple[tuple[str, float], ...] = (("east", 0.16), ("central", 0.10), ("west", -0.16))
    population_municipality: float = 0.55
    population_area_elasticity: float = 0.05
    population_spread: float = 0.54
    population_growth_mean: float = 0.004
    population_growth_development: float = 0.006
    population_growth_sd: float = 0.005
    population_noise_sd: float = 0.004
    registered_level: float = 0.03  # ln(registered / resident) of the median city
    registered_development: float = -0.12
    registered_spread: float = 0.09

    # Real product per resident of 2011 (cny_10k of 2011), its national growth and noise.
    product_level: float = 3.15
    product_development: float = 0.38
    product_spread: float = 0.26
    national_growth: tuple[float, ...] = (
        # 2011 … 2021; the first is the growth on a year before the panel and only printed
        0.108, 0.098, 0.093, 0.086, 0.081, 0.077, 0.074, 0.069, 0.063, 0.024, 0.079,
    )  # fmt: skip
    product_drift_sd: float = 0.003
    product_noise_sd: float = 0.055

    # Provincial prices: mean yearly change and its spread over provinces and years.
    inflation: tuple[float, ...] = (0.022, 0.021, 0.010, 0.001, 0.012, 0.040, 0.035, 0.013, 0.006, 0.045)
    inflation_sd: float = 0.006
    investment_inflation: tuple[float, ...] = (
        0.011,
        0.003,
        0.005,
        -0.018,
        -0.006,
        0.058,
        0.054,
        0.026,
        0.001,
        0.040,
    )

    # Production: the elasticities of the frontier, inefficiency u ~ |N(0, sd)|, and the two inputs.
    capital_elasticity: float = 0.45
    labour_elasticity: float = 0.45
    inefficiency_sd: float = 0.42
    employees_level: float = 0.115  # employees per resident of the median city in 2016
    employees_development: float = 0.40
    employees_product: float = 0.9  # share of the product level's own spread that shows in employees
    employees_spread: float = 0.15
    employees_trend: float = 0.006
    employees_noise_sd: float = 0.03
    investment_level: float = 0.55  # nominal investment over nominal product, all cities and years together
    investment_growth: tuple[float, ...] = (
        0.25, 0.22, 0.18, 0.13, 0.09, 0.06, 0.04, 0.03, 0.01, 0.03,
    )  # fmt: skip
    investment_drift_sd: float = 0.012
    investment_noise_sd: float = 0.08
    # What the perpetual inventory of the study assumes; its settings are the same.
    depreciation_rate: float = 0.096
    initial_capital_ratio: float = 0.1

    # Agglomeration: how the map to its moments starts, and how fast noise fades with density.
    agglomeration_spread: float = 1.25
    agglomeration_area: float = 0.0
    product_calm: float = 0.8

    # Innovation index.
    leader: str = "440300"  # the city that leads the index and innovation
    innovation_level: float = 0.0200
    innovation_spread: float = 1.6
    innovation_luck: float = 0.35
    innovation_trend: float = 0.03
    innovation_noise_sd: float = 0.10
    innovation_calm: float = 0.6
    innovation_calm_from: float = 1.0

    # Controls: latent draws, which are then given the published moments.
    marketization_region: tuple[tuple[str, float], ...] = (("east", 8.7), ("central", 6.85), ("west", 5.3))
    marketization_spread: float = 0.95
    marketization_trend: float = 0.17
    marketization_noise_sd: float = 0.46
    marketization_persistence: float = 0.4
    fdi_development: float = 0.45
    fdi_spread: float = 1.25
    fdi_trend: float = 0.015
    fdi_noise_sd: float = 0.72
    fdi_persistence: float = 0.2
    cny_per_usd: tuple[float, ...] = (6.46, 6.31, 6.19, 6.14, 6.23, 6.64, 6.75, 6.62, 6.90, 6.90, 6.45)
    urbanization: Bounded = Bounded(-0.13, 0.43, 0.50, 0.060, 0.19)
    tertiary_share: Bounded = Bounded(-0.15, 0.37, 0.60, 0.105, 0.38)
    fintech: Bounded = Bounded(3.38, 0.58, 1.12, 0.22, 0.62)

    # The planned index: what controls and mediators add, the noise, the city's level exp(shape · level).
    control_slopes: tuple[tuple[str, float], ...] = (
        ("marketization", 0.002742),
        ("fdi", 0.121461),
        ("tertiary_share", -0.016721),
        ("urbanization", 0.000193),
        ("fintech", 0.000760),
    )
    mediator_slopes: tuple[tuple[str, float], ...] = (("agglomeration", 0.004571), ("innovation", 0.006726))
    index_noise_sd: float = 0.0080
    index_persistence: float = 0.4
    tier_calm: float = 0.4
    balance: float = 1.0  # share of its luck between cohorts and groups that the noise of the index loses
    smallest_cohort: int = 3
    index_drift_sd: float = 0.0004
    index_trend: float = 0.0012
    index_spread: float = 0.35
    index_shape: float = 0.95
    slope: float = 1.17
    leaders: tuple[tuple[str, tuple[str, ...]], ...] = LEADERS
    # Total factor productivity: its weight, and about how far its logs reach from the worst to the best.
    productivity_weight: float = 0.0379
    productivity_range: float = 1.75
    fiscal_level: float = 0.17
    fiscal_development: float = -0.08
    fiscal_spread: float = 0.15

    # Growth targets of government work reports, in percent.
    provincial_target_margin: float = 0.6
    provincial_target_sd: float = 0.6
    target_raised_share: float = 2118 / 3025
    target_leaning: float = 2.5
    target_hard_share: float = 207 / 275

    moments: tuple[tuple[str, Moments], ...] = PUBLISHED_MOMENTS
    # Whether agglomeration, innovation and the index too are given the published moments, extremes included: that
    # needs the effects of the paper. The controls always get theirs.
    published_shape: bool = True
    inputs: tuple[IndexInput, ...] = INDEX_INPUTS
    effects: tuple[EffectRow, ...] = ()
    # How parallel trends can fail: years by which effects come early, the index's own trend in the cities that any
    # pilot reaches (units a year), and the share of the mean effect that reaches a province's untreated cities.
    anticipation_years: int = 0
    trend_per_year: float = 0.0
    spillover_share: float = 0.0
    # Invented cities instead of the real ones, if a number is given.
    cities: int | None = None

    def moments_of(self, variable: str) -> Moments:
        """The moments that a variable of the study is given."""
        return dict(self.moments)[variable]

    @property
    def years(self) -> range:
        return range(self.first_year, self.last_year + 1)
