"""How the simulated panel is printed: topics, headers, units, and the years in which each header stands."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Column:
    """One printed column.

    ``measure``: the panel's array (a raw input, or ``…_districts`` for 市辖区).
    ``per_canonical``: printed value = canonical value × this. ``decimals``: as printed.
    ``first``, ``last``: data years in which the header is printed; None = open.
    """

    header: str
    measure: str
    description: str
    per_canonical: float = 1.0
    decimals: int = 0
    first: int | None = None
    last: int | None = None

    def printed_in(self, year: int) -> bool:
        return (self.first is None or year >= self.first) and (self.last is None or year <= self.last)


@dataclass(frozen=True)
class Topic:
    """One printed table, one CSV: ``年份``, ``城市``, then the columns."""

    name: str
    description: str
    columns: tuple[Column, ...] = field(default_factory=tuple)


PERSONS_TO_10K = 1e-4

TOPICS: tuple[Topic, ...] = (
    Topic(
        "demo_population",
        "Population at year-end",
        (
            Column(
                "年末总人口(万人)|全市",
                "registered_population",
                "Registered population of the whole city, under its name up to data year 2015",
                PERSONS_TO_10K,
                2,
                None,
                2015,
            ),
            Column(
                "年末总人口(万人)|市辖区",
                "registered_population_districts",
                "Registered population of the districts under the city, up to data year 2015",
                PERSONS_TO_10K,
                2,
                None,
                2015,
            ),
            Column(
                "年末户籍人口(万人)|全市",
                "registered_population",
                "Registered population of the whole city, under its name from data year 2016",
                PERSONS_TO_10K,
                2,
                2016,
                None,
            ),
            Column("常住人口(万人)|全市", "resident_population", "Resident population", PERSONS_TO_10K, 2),
            Column(
                "城镇常住人口(万人)|全市",
                "urban_resident_population",
                "Urban resident population",
                PERSONS_TO_10K,
                2,
            ),
        ),
    ),
    Topic(
        "demo_gdp",
        "Gross regional product",
        (
            Column(
                "地区生产总值(当年价格)(万元)|全市",
                "gdp",
                "Gross regional product of the whole city at current prices, in 10,000 yuan up to data year 2018",
                1.0,
                0,
                None,
                2018,
            ),
            Column(
                "地区生产总值(当年价格)(万元)|市辖区",
                "gdp_districts",
                "Gross regional product of the districts under the city, up to data year 2018",
                1.0,
                0,
                None,
                2018,
            ),
            Column(
                "地区生产总值(当年价格)(亿元)|全市",
                "gdp",
                "Gross regional product of the whole city at current prices, in 100 million yuan from data year 2019",
                1e-4,
                2,
                2019,
                None,
            ),
            Column("地区生产总值增长率(%)|全市", "gdp_growth", "Real growth of gross regional product", 1.0, 1),
            Column(
                "第三产业占地区生产总值的比重(%)|全市",
                "tertiary_share",
                "Tertiary industry as a share of gross regional product",
                1.0,
                2,
            ),
        ),
    ),
    Topic(
        "demo_fiscal",
        "Local budget expenditure (全市)",
        (
            Column(
                "地方财政一般预算内支出(万元)",
                "fiscal_expenditure",
                "General public budget expenditure, under its name up to data year 2013",
                1.0,
                0,
                None,
                2013,
            ),
            Column(
                "地方一般公共预算支出(万元)",
                "fiscal_expenditure",
                "General public budget expenditure, under its name from data year 2014",
                1.0,
                0,
                2014,
                None,
            ),
            Column("科学技术支出(万元)", "science_expenditure", "Budget expenditure for science and technology"),
            Column("教育支出(万元)", "education_expenditure", "Budget expenditure for education"),
            Column(
                "环境保护支出(万元)",
                "environmental_expenditure",
                "Budget expenditure for environmental protection",
            ),
        ),
    ),
    Topic(
        "demo_employment",
        "Persons employed in urban units by industry",
        (
            Column(
                "年末单位从业人员数(万人)|全市",
                "employees",
                "Persons employed in urban units, in 10,000 up to data year 2013",
                PERSONS_TO_10K,
                2,
                None,
                2013,
            ),
            Column(
                "城镇单位从业人员期末人数(人)|全市",
                "employees",
                "Persons employed in urban units, in persons from data year 2014",
                1.0,
                0,
                2014,
                None,
            ),
            Column(
                "信息传输、计算机服务和软件业(万人)|全市",
                "employees_information",
                "Employed in information transmission and software, in 10,000 up to data year 2013",
                PERSONS_TO_10K,
                2,
                None,
                2013,
            ),
            Column(
                "信息传输、软件和信息技术服务业(人)|全市",
                "employees_information",
                "Employed in information transmission and software, in persons from data year 2014",
                1.0,
                0,
                2014,
                None,
            ),
            Column(
                "科学研究、技术服务和地质勘查业(万人)|全市",
                "employees_research",
                "Employed in scientific research and technical service, in 10,000 up to data year 2013",
                PERSONS_TO_10K,
                2,
                None,
                2013,
            ),
            Column(
                "科学研究和技术服务业(人)|全市",
                "employees_research",
                "Employed in scientific research and technical service, in persons from data year 2014",
                1.0,
                0,
                2014,
                None,
            ),
        ),
    ),
    Topic(
        "demo_education",
        "Students enrolled",
        (
            Column(
                "普通高等学校在校学生数(人)|全市",
                "higher_education_students",
                "Students in regular higher education, under its name up to data year 2016",
                1.0,
                0,
                None,
                2016,
            ),
            Column(
                "普通本专科在校学生数(人)|全市",
                "higher_education_students",
                "Students in regular higher education, under its name from data year 2017",
                1.0,
                0,
                2017,
                None,
            ),
        ),
    ),
    Topic(
        "demo_telecom",
        "Post and telecommunication (全市)",
        (
            Column("移动电话年末用户数(万户)", "mobile_subscribers", "Mobile telephone subscribers", 1e-4, 2),
            Column(
                "国际互联网用户数(户)",
                "internet_subscribers",
                "Internet subscribers, in subscribers up to data year 2013",
                1.0,
                0,
                None,
                2013,
            ),
            Column(
                "互联网宽带接入用户数(万户)",
                "internet_subscribers",
                "Broadband internet subscribers, in 10,000 from data year 2014",
                1e-4,
                2,
                2014,
                None,
            ),
            Column("电信业务总量(万元)", "telecom_volume", "Business volume of telecommunication services"),
            Column(
                "长途光缆线路长度(公里)",
                "optical_cable_length",
                "Length of long-distance optical cable lines",
            ),
        ),
    ),
    Topic(
        "demo_land",
        "Land area and greening",
        (
            Column("行政区域土地面积(平方公里)|全市", "land_area", "Administrative land area"),
            Column(
                "建成区绿化覆盖率(%)|市辖区",
                "green_coverage",
                "Green coverage of the built-up area, printed for the districts under the city",
                1.0,
                2,
            ),
        ),
    ),
    Topic(
        "demo_environment",
        "Industrial emissions (全市)",
        (
            Column("工业废气排放总量(亿立方米)", "industrial_waste_gas", "Industrial waste gas emission", 1.0, 2),
            Column("工业废水排放量(万吨)", "industrial_waste_water", "Industrial waste water discharged"),
            Column(
                "一般工业固体废物产生量(万吨)",
                "industrial_solid_waste",
                "Industrial solid waste generated",
                1.0,
                2,
            ),
            Column("化学需氧量排放量(吨)", "chemical_oxygen_demand", "Chemical oxygen demand discharged"),
        ),
    ),
    Topic(
        "demo_investment",
        "Investment and foreign capital",
        (
            Column("固定资产投资(万元)|全市", "fixed_asset_investment", "Investment in fixed assets"),
            Column("当年实际使用外资金额(万美元)|全市", "fdi", "Foreign capital actually utilised"),
        ),
    ),
    Topic(
        "demo_technology",
        "Patents, robots and firms (全市)",
        (
            Column("数字发明专利授权数(件)", "digital_invention_patents", "Digital invention patents granted"),
            Column(
                "数字实用新型专利授权数(件)",
                "digital_utility_patents",
                "Digital utility-model patents granted",
            ),
            Column("绿色专利授权数(件)", "green_patents", "Green patents granted"),
            Column("工业机器人数量(台)", "robots", "Industrial robots in operation"),
            Column("人工智能企业数(个)", "ai_firms", "Artificial intelligence firms"),
            Column("高技术产业企业数(个)", "high_tech_firms", "High-technology industry firms"),
            Column(
                "高技术产业营业收入(万元)",
                "high_tech_revenue",
                "Business revenue of high-technology industry",
            ),
            Column("新能源充电桩企业数(个)", "charging_pile_firms", "Charging pile firms"),
        ),
    ),
    Topic(
        "demo_government",
        "Government work reports and news searches (全市)",
        (
            Column(
                "产学研合作词频(次)",
                "industry_university_word_frequency",
                "Words on industry-university-research cooperation in the government work report",
            ),
            Column(
                "金融科技搜索量(次)",
                "fintech_searches",
                "News search results for the city and fintech keywords",
            ),
            Column(
                "经济增长目标(%)",
                "growth_target",
                "Growth target of the city's government work report",
                1.0,
                1,
            ),
            Column(
                "增长目标硬约束(是否)",
                "growth_target_is_hard",
                "Whether the growth target is phrased as a floor: 1 = yes, 0 = no",
            ),
        ),
    ),
)

# The long table of other sources: raw input → (printed unit, decimals).
SUPPLEMENTARY = {
    "marketization_index": ("index", 3),
    "gdp_deflator": ("index", 4),
    "investment_price_index": ("index", 4),
    "provincial_growth_target": ("%", 1),
    "innovation_index": ("index", 4),
}


def topic_of(measure: str) -> Topic:
    """The topic that prints a measure."""
    return next(topic for topic in TOPICS if any(column.measure == measure for column in topic.columns))


def column_of(measure: str, year: int) -> Column:
    """The column in which a measure is printed in a year."""
    return next(column for column in topic_of(measure).columns if column.measure == measure and column.printed_in(year))
