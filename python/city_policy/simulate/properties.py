"""The dbt properties of the demo seeds, written from the same tables that print them."""

from city_policy.simulate.topics import TOPICS

PROPERTIES_FILE = "_yearbook__seeds.yml"
EFFECT_COLUMNS = ("policy_id", "measure", "group", "level", "per_year", "unit", "description")
TRUTH_COLUMNS = (
    "scenario", "policy_id", "group", "event_time", "city_years", "total", "direct", "through_agglomeration",
    "through_innovation", "source",
)  # fmt: skip
SUPPLEMENTARY_COLUMNS = ("indicator", "adcode", "year", "value", "unit", "source")

_SIMULATED = "SIMULATED, no value is a yearbook's."
_OTHER_SEEDS = {
    "demo_supplementary": (
        "Sources other than the yearbook, long: provincial marketization index, price indices and growth "
        f"targets, and the city innovation index. {_SIMULATED} One row per indicator, place and year.",
        {
            "indicator": "Raw indicator of the seed series",
            "adcode": "Administrative code of a city, or of a province (xx0000) for all its cities",
            "year": "Data year",
            "value": "Value as printed",
            "unit": "Unit as printed",
            "source": "Always: simulated",
        },
    ),
    "demo_planted_effects": (
        "What was planted in the demo yearbook: how every policy moves product, innovation and the index while a city "
        f"is treated and belongs to a group. {_SIMULATED} One row per policy, measure and group; all rows that apply "
        "to a city add up, those of dual on top of bcs and iic.",
        {
            "policy_id": "bcs, iic, dual = treated by both, big_data_zone or five_g_pilot",
            "measure": "product, innovation, or index = the direct effect",
            "group": "Cities or city-years that the row is about; all = every treated one",
            "level": "Effect in the third treated year",
            "per_year": "What every further year adds",
            "unit": "Unit of level and per_year",
            "description": "The row in words",
        },
    ),
    "demo_truth": (
        "The truth of the demo yearbook: average planted effect on the treated city-years of the sample, in units of "
        f"the NQP index, and its parts. {_SIMULATED} One row per policy, group and event time. bcs and iic count "
        "against a city without the policy, which then does not hold both; dual counts against a city with neither.",
        {
            "scenario": "Scenario of the simulation",
            "policy_id": "bcs, iic, dual = treated by both, big_data_zone or five_g_pilot",
            "group": "Treated city-years that the average is over; all = every one",
            "event_time": "Years since the first treated year; blank = all treated years",
            "city_years": "Treated city-years in the average",
            "total": "Average effect: the sum of the three parts",
            "direct": "Part that reaches the indicators directly",
            "through_agglomeration": "Part that runs through the city's real product",
            "through_innovation": "Part that runs through the innovation index",
            "source": "Always: simulated",
        },
    ),
    "demo_planted_damage": (
        f"Every name, number and page that was damaged on purpose in the demo yearbook. {_SIMULATED} One row "
        "per damaged cell or row. Missing cells are not listed.",
        {
            "file": "Seed file that holds the damage",
            "data_year": "Data year of the damaged row",
            "adcode": "Administrative code of the city that the row belongs to",
            "name_zh": "Official name of the city",
            "kind": "former_name, damaged_name, unknown_name, merged_city, stray_point, two_values, "
            "thousands_separator, full_width, digit_lost or duplicated_row",
            "series": "Raw indicator of the damaged number; blank where the whole row is meant",
            "printed": "Name or number as printed",
            "undamaged": "Name or number as it should be",
            "ends_as": "Where it should end: printed, interpolated, deduplicated or merged",
        },
    ),
}


def seed_properties() -> str:
    """YAML text of the properties file: every seed and column described and typed as text."""
    seeds: dict[str, tuple[str, dict[str, str]]] = {}
    for topic in TOPICS:
        columns = {"年份": "Data year", "城市": "City as printed, with the printed damage"}
        for column in topic.columns:
            columns[column.header] = f"{column.description}, as printed"
        seeds[topic.name] = (
            f"Demo yearbook: {topic.description}. {_SIMULATED} One row per data year and printed city; a "
            "page printed twice repeats its rows.",
            columns,
        )
    lines = [
        "# Written by city-policy simulate: change python/city_policy/simulate, not this file.",
        "version: 2",
        "",
        "seeds:",
    ]
    for name, (description, columns) in (seeds | _OTHER_SEEDS).items():
        lines += [
            f"  - name: {name}",
            f"    description: {_quoted(description)}",
            "    config:",
            "      quote_columns: true",
            "      column_types:",
            *(f"        {_quoted(name_of_column)}: varchar" for name_of_column in columns),
            "    columns:",
        ]
        for name_of_column, text in columns.items():
            lines += [
                f"      - name: {_quoted(name_of_column)}",
                f"        description: {_quoted(text)}",
                "        quote: true",
            ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A YAML double-quoted scalar."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
