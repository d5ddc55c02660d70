"""Every parameter of the simulated yearbook, in one place.

Numbers are chosen so that the simulated panel looks like the published summary statistics and like the usual
size of the printed quantities; none is an estimate from a yearbook. A scenario is one frozen ``Scenario``:
another scenario is ``dataclasses.replace(DEMO, ...)``. Quantities are in the canonical units of
``seeds/mapping/raw_indicators.csv``.
"""

from dataclasses import dataclass

DEFAULT_SEED = 20250201


@dataclass(frozen=True)
class RawInput:
    """One raw input X = base × exp(...): see the package's docstring for the equation.

    ``base``: resident, area, employees, fiscal, real_gdp, nominal_gdp or one.
    ``level``: median of X / base in 2016, in canonical units per unit of the base.
    ``development``: loading λ on the standardised development factor.
    ``city_sd``: σ, spread of the city effect that development does not explain.
    ``trend``: τ, log points per year.
    ``activity``: π, loading on the city's activity shock (a shock of unit variance).
    ``noise_sd``: s, standard deviation of the input's own AR(1) noise.
    ``via_product``, ``via_innovation``: elasticities η and ι to the city's product and innovation shocks.
    """

    name: str
    base: str
    level: float
    development: float
    city_sd: float
    trend: float
    activity: float
    noise_sd: float
    via_product: float = 0.0
    via_innovation: float = 0.0


RAW_INPUTS: tuple[RawInput, ...] = (
    # name, base, level, development, city_sd, trend, activity, noise_sd, via_product, via_innovation
    RawInput("fiscal_expenditure", "nominal_gdp", 0.17, -0.08, 0.15, 0.010, 0.00, 0.03),
    RawInput("higher_education_students", "resident", 0.0115, 0.55, 0.38, 0.012, 0.02, 0.04),
    RawInput("education_expenditure", "fiscal", 0.178, 0.07, 0.12, 0.000, 0.01, 0.03),
    RawInput("employees_information", "employees", 0.0115, 0.30, 0.22, 0.008, 0.03, 0.06, 0.2, 0.04),
    RawInput("employees_research", "employees", 0.0165, 0.32, 0.22, 0.008, 0.03, 0.06, 0.2, 0.06),
    RawInput("mobile_subscribers", "resident", 0.93, 0.15, 0.10, 0.040, 0.02, 0.03, 0.1, 0.02),
    RawInput("internet_subscribers", "resident", 0.23, 0.17, 0.13, 0.095, 0.03, 0.05, 0.2, 0.03),
    RawInput("optical_cable_length", "area", 0.125, 0.38, 0.28, 0.020, 0.01, 0.04, 0.1),
    RawInput("telecom_volume", "resident", 0.105, 0.25, 0.18, 0.060, 0.03, 0.06, 0.2, 0.03),
    RawInput("robots", "resident", 4.2e-4, 0.45, 0.35, 0.030, 0.04, 0.08, 0.4, 0.10),
    RawInput("environmental_expenditure", "fiscal", 0.027, 0.12, 0.25, 0.010, 0.01, 0.08),
    RawInput("science_expenditure", "fiscal", 0.0135, 0.40, 0.30, 0.015, 0.03, 0.07, 0.2, 0.10),
    RawInput("digital_invention_patents", "resident", 4.0e-5, 0.60, 0.38, 0.030, 0.05, 0.10, 0.4, 0.25),
    RawInput("digital_utility_patents", "resident", 7.5e-5, 0.55, 0.36, 0.030, 0.05, 0.10, 0.4, 0.20),
    RawInput("green_patents", "resident", 8.5e-5, 0.52, 0.36, 0.030, 0.05, 0.10, 0.4, 0.20),
    RawInput("ai_firms", "resident", 3.2e-5, 0.55, 0.36, 0.030, 0.05, 0.09, 0.4, 0.15),
    RawInput("high_tech_firms", "resident", 6.0e-5, 0.48, 0.34, 0.025, 0.04, 0.08, 0.4, 0.10),
    RawInput("high_tech_revenue", "nominal_gdp", 0.105, 0.42, 0.34, 0.015, 0.04, 0.08, 0.2, 0.08),
    RawInput("charging_pile_firms", "resident", 2.6e-5, 0.45, 0.36, 0.030, 0.04, 0.10, 0.4, 0.05),
    RawInput("green_coverage", "one", 39.0, 0.05, 0.06, 0.006, 0.005, 0.02),
    RawInput("industrial_waste_gas", "real_gdp", 1.15e-4, -0.20, 0.45, -0.070, -0.02, 0.09),
    RawInput("industrial_waste_water", "real_gdp", 2.9e-4, -0.18, 0.40, -0.100, -0.02, 0.09),
    RawInput("industrial_solid_waste", "real_gdp", 5.0e-5, -0.25, 0.50, -0.070, -0.02, 0.09),
    RawInput("chemical_oxygen_demand", "real_gdp", 2.1e-3, -0.20, 0.38, -0.110, -0.02, 0.09),
    RawInput("industry_university_word_frequency", "one", 8.0, 0.30, 0.20, 0.025, 0.05, 0.15, 0.2, 0.10),
)


@dataclass(frozen=True)
class Effect:
    """A planted direct effect: ``log_points`` added to the log of ``raw_input`` while a city is treated.

    ``policy_id`` is a policy of the pilot list, or ``dual`` (treated by bcs and by iic).
    """

    policy_id: str
    raw_input: str
    log_points: float


EFFECTS: tuple[Effect, ...] = (
    # The two mediators: product (agglomeration) and the innovation index.
    Effect("bcs", "gdp", 0.01),
    Effect("iic", "gdp", 0.014),
    Effect("dual", "gdp", 0.01),
    Effect("bcs", "innovation_index", 0.08),
    Effect("iic", "innovation_index", 0.14),
    Effect("dual", "innovation_index", 0.08),
    # Broadband China: connection, and work and inventions that live on it.
    Effect("bcs", "internet_subscribers", 0.08),
    Effect("bcs", "mobile_subscribers", 0.032),
    Effect("bcs", "telecom_volume", 0.072),
    Effect("bcs", "optical_cable_length", 0.072),
    Effect("bcs", "employees_information", 0.064),
    Effect("bcs", "digital_invention_patents", 0.064),
    Effect("bcs", "digital_utility_patents", 0.064),
    # Innovative industry clusters: research, high technology, patents.
    Effect("iic", "employees_research", 0.18),
    Effect("iic", "science_expenditure", 0.18),
    Effect("iic", "robots", 0.12),
    Effect("iic", "high_tech_firms", 0.2),
    Effect("iic", "high_tech_revenue", 0.18),
    Effect("iic", "ai_firms", 0.18),
    Effect("iic", "digital_invention_patents", 0.12),
    Effect("iic", "digital_utility_patents", 0.12),
    Effect("iic", "green_patents", 0.15),
    # Both: what one adds to the other.
    Effect("dual", "internet_subscribers", 0.05),
    Effect("dual", "telecom_volume", 0.05),
    Effect("dual", "employees_information", 0.07),
    Effect("dual", "employees_research", 0.06),
    Effect("dual", "digital_invention_patents", 0.09),
    Effect("dual", "high_tech_firms", 0.07),
    Effect("dual", "high_tech_revenue", 0.06),
    Effect("dual", "ai_firms", 0.07),
)


@dataclass(frozen=True)
class Bounded:
    """A share between two bounds.

    low + (high − low) · logistic(level + development f + city_sd z + trend (t − 2016) + noise_sd a)
    """

    low: float
    high: float
    level: float
    development: float
    city_sd: float
    trend: float
    noise_sd: float


@dataclass(frozen=True)
class Landmark:
    """A city whose place its rank alone does not tell: what is added to its tier and its ln residents."""

    adcode: str
    name_zh: str
    tier: float
    residents: float


LANDMARKS: tuple[Landmark, ...] = (
    Landmark("110000", "北京市", 0.7, 0.4),
    Landmark("310000", "上海市", 0.7, 0.6),
    Landmark("440300", "深圳市", 1.5, 0.45),
    Landmark("320500", "苏州市", 1.6, 0.6),
    Landmark("320200", "无锡市", 1.0, 0.3),
    Landmark("440600", "佛山市", 1.0, 0.5),
    Landmark("441900", "东莞市", 1.0, 0.6),
    Landmark("500000", "重庆市", -1.4, 1.1),
)


@dataclass(frozen=True)
class Scenario:
    """All parameters of one simulated yearbook; defaults are the demo."""

    name: str = "demo"
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

    # Residents: median city in persons; elasticities and spreads in logs.
    population_level: float = 3.42e6
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

    # Innovation index.
    innovation_level: float = 0.0200
    innovation_development: float = 1.66
    innovation_spread: float = 0.80
    innovation_trend: float = 0.05
    innovation_noise_sd: float = 0.10

    # Controls.
    marketization_region: tuple[tuple[str, float], ...] = (("east", 8.7), ("central", 6.85), ("west", 5.3))
    marketization_spread: float = 0.95
    marketization_trend: float = 0.17
    marketization_noise_sd: float = 0.28
    fdi_level: float = 1.5e-3  # trillion cny
    fdi_development: float = 1.40
    fdi_spread: float = 1.00
    fdi_trend: float = 0.015
    fdi_noise_sd: float = 0.30
    cny_per_usd: tuple[float, ...] = (6.46, 6.31, 6.19, 6.14, 6.23, 6.64, 6.75, 6.62, 6.90, 6.90, 6.45)
    urbanization: Bounded = Bounded(10.0, 100.0, -0.13, 0.43, 0.50, 0.060, 0.035)
    tertiary_share: Bounded = Bounded(16.0, 72.0, -0.15, 0.37, 0.60, 0.105, 0.17)
    fintech_level: float = 3.38  # mean of ln(1 + searches)
    fintech_development: float = 0.58
    fintech_spread: float = 1.12
    fintech_trend: float = 0.22
    fintech_noise_sd: float = 0.55
    # Activity: spread of its AR(1) noise, and what one unit of a control's own movement adds.
    activity_sd: float = 2.4
    activity_controls: tuple[tuple[str, float], ...] = (
        ("marketization_index", 0.80),
        ("fdi", 8.0),
        ("tertiary_share", -0.04),
        ("urbanization", 0.06),
        ("fintech", 0.25),
    )

    # Growth targets of government work reports, in percent.
    provincial_target_margin: float = 0.6
    provincial_target_sd: float = 0.6
    target_raised_share: float = 0.70
    target_hard_share: float = 0.753

    inputs: tuple[RawInput, ...] = RAW_INPUTS
    effects: tuple[Effect, ...] = EFFECTS

    @property
    def years(self) -> range:
        return range(self.first_year, self.last_year + 1)


DEMO = Scenario()
