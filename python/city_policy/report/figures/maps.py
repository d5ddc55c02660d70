"""Maps of China's prefectures; the outlines are put in by ``with_outlines``."""

import math
from collections.abc import Sequence
from typing import Any

import altair as alt

from city_policy.report.database import Row
from city_policy.report.figures.chart import PALETTE, DataTable, Figure, figure, inline_data
from city_policy.report.figures.context import Context
from city_policy.report.study import Text, capital, same

# Stands in a specification where the outlines belong, so that the page carries them once.
OUTLINES = {"outlines": True}
# Viridis (van der Walt and Smith, 2015) in seven steps, without its darkest end, which vanishes on dark ground.
VIRIDIS = ["#46327e", "#365c8d", "#277f8e", "#1fa187", "#4ac16d", "#a0da39", "#fde725"]


def only_maps(context: Context) -> list[Figure]:
    """Level of the outcome in a year, its change, first treated year, and the order of two policies where one is made
    of both; the outlines are put in by ``with_outlines``.
    """
    names = context.city_names()
    levels: dict[str, dict[int, float]] = {}
    outcome = context.study.column_of.get(context.study.outcome, "")
    for row in context.database.rows("marts.fct_study_panel", "adcode, year"):
        if row.get(outcome) is not None and str(row["adcode"]) in names:
            levels.setdefault(str(row["adcode"]), {})[int(row["year"])] = row[outcome]
    maps = [_level_map(context, levels, names), _change_map(context, levels, names)]
    if context.study.policies:
        maps.append(_timing_map(context, names))
    pair = _two_policies(context)
    return [*maps, _order_map(context, names, pair)] if pair else maps


def _two_policies(context: Context) -> tuple[str, str] | None:
    """The two policies of which the first derived policy of the study is made."""
    for policy in context.study.policies:
        components = context.study.components[policy]
        if len(components) == 2:
            return components[0], components[1]
    return None


def _value(context: Context) -> Text:
    """What a map of the outcome shows: its name, and that it is an index."""
    name = context.study.name(context.study.outcome)
    if not context.study.has_index:
        return capital(name)
    return Text(f"{name.zh}指数", f"Index of {name.en}")


def _level_map(context: Context, levels: dict[str, dict[int, float]], names: dict[str, Text]) -> Figure:
    years = sorted({year for by_year in levels.values() for year in by_year})
    pooled = [value for by_year in levels.values() for value in by_year.values()]

    def draw(language: str) -> list[alt.TopLevelMixin]:
        values = [
            {"adcode": adcode, "city": names[adcode][language]} | {f"y{year}": value for year, value in by_year.items()}
            for adcode, by_year in sorted(levels.items())
        ]
        # A study of single years, such as every third edition, steps over the years between.
        options = alt.binding_select(options=years, name=Text("年份 ", "Year ")[language])
        year = alt.param(name="year", value=years[-1], bind=options)
        units = (
            _units(values, [f"y{year}" for year in years])
            .transform_calculate(level="datum['y' + year]")
            .encode(
                color=_or_land(
                    "level",
                    alt.Color(
                        "level:Q",
                        scale=_classes(pooled),
                        title=_value(context)[language],
                        legend=alt.Legend(gradientLength=320),
                    ),
                ),
                tooltip=[
                    alt.Tooltip("city:N", title=Text("城市", "city")[language]),
                    alt.Tooltip("level:Q", format=".4f", title=Text("数值", "value")[language]),
                ],
            )
        )
        return [_map(units).add_params(year)]

    last = years[-1] if years else ""
    name = context.study.name(context.study.outcome)
    return figure(
        "map_level",
        Text(f"{name.zh}:水平", f"Level of {name.en}"),
        Text(
            f"可选年份,图示 {last} 年;灰色地区没有数值。分级按各年合并的分位数。",
            f"The year can be chosen; shown first: {last}. Grey areas have no value. Classes by quantiles "
            f"pooled over the years.",
        ),
        Text(
            f"中国地级行政区地图,按{name.zh}的水平着色;灰色为无值地区,含港澳台与海上界线。",
            f"Map of China's prefectures coloured by the level of {name.en}; grey where there is no value; "
            "with Hong Kong, Macao, Taiwan and the maritime line.",
        ),
        draw,
        pooled,
        data=DataTable(
            (Text("城市", "City"), *(same(year) for year in years)),
            tuple(
                (names[adcode], *(by_year.get(year) for year in years)) for adcode, by_year in sorted(levels.items())
            ),
        ),
        wide=True,
        is_map=True,
        sources=["marts.fct_study_panel"],
    )


def _change_map(context: Context, levels: dict[str, dict[int, float]], names: dict[str, Text]) -> Figure:
    years = sorted({year for by_year in levels.values() for year in by_year})
    first, last = (years[0], years[-1]) if years else (0, 0)
    changes = {
        adcode: by_year[last] - by_year[first]
        for adcode, by_year in sorted(levels.items())
        if first in by_year and last in by_year and first != last
    }
    name = context.study.name(context.study.outcome)

    def draw(language: str) -> list[alt.TopLevelMixin]:
        values = [
            {"adcode": adcode, "city": names[adcode][language], "change": change} for adcode, change in changes.items()
        ]
        units = _units(values, ["change"]).encode(
            color=_or_land(
                "change",
                alt.Color(
                    "change:Q",
                    scale=_classes(list(changes.values())),
                    title=Text(f"{first}—{last} 年的变化", f"Change {first} to {last}")[language],
                    legend=alt.Legend(gradientLength=320),
                ),
            ),
            tooltip=[
                alt.Tooltip("city:N", title=Text("城市", "city")[language]),
                alt.Tooltip("change:Q", format="+.4f", title=Text("变化", "change")[language]),
            ],
        )
        return [_map(units)]

    return figure(
        "map_change",
        Text(f"{name.zh}:变化", f"Change of {name.en}"),
        Text(f"{last} 年减 {first} 年;分级按分位数。", f"{last} less {first}; classes by quantiles."),
        Text(
            f"中国地级行政区地图,按首末年之间{name.zh}的变化着色;灰色为无值地区。",
            f"Map of China's prefectures coloured by the change of {name.en} between the first and the last "
            "year; grey where there is no value.",
        ),
        draw,
        list(changes),
        data=DataTable(
            (Text("城市", "City"), Text("变化", "Change")),
            tuple((names[adcode], change) for adcode, change in changes.items()),
        ),
        wide=True,
        is_map=True,
        sources=["marts.fct_study_panel"],
    )


def _timing_map(context: Context, names: dict[str, Text]) -> Figure:
    policies = context.study.policies
    several = len(policies) > 1
    # A field of its own per policy, so that no policy is called as another field is.
    fields = [f"policy_{number}" for number, _ in enumerate(policies)]
    starts: dict[str, dict[str, int]] = {}
    for (adcode, policy), year in context.first_years().items():
        if policy in policies and adcode in names:
            starts.setdefault(adcode, {})[policy] = year
    years = sorted({year for by_policy in starts.values() for year in by_policy.values()})

    def draw(language: str) -> list[alt.TopLevelMixin]:
        values = [
            {"adcode": adcode, "city": names[adcode][language]}
            | {field: by_policy.get(policy) for field, policy in zip(fields, policies, strict=True)}
            for adcode, by_policy in sorted(starts.items())
        ]
        labels = [context.study.label("row", policy)[language] for policy in policies]
        options = alt.binding_select(options=fields, labels=labels, name=Text("政策 ", "Policy ")[language])
        # One policy leaves nothing to choose.
        chosen = alt.param(name="policy", value=fields[0], bind=options if several else alt.Undefined)
        units = (
            _units(values, fields)
            .transform_calculate(start="datum[policy]")
            .encode(
                color=_or_land(
                    "start",
                    alt.Color(
                        "start:O",
                        scale=alt.Scale(domain=years, range=_spread(VIRIDIS, len(years))),
                        title=Text("首次试点年份", "First treated year")[language],
                        legend=alt.Legend(columns=7),
                    ),
                ),
                tooltip=[
                    alt.Tooltip("city:N", title=Text("城市", "city")[language]),
                    alt.Tooltip("start:O", title=Text("首次试点年份", "first treated year")[language]),
                ],
            )
        )
        return [_map(units).add_params(chosen)]

    first = context.study.label("row", policies[0])
    grey = Text("灰色为没有试点。", "Grey: no pilot.")
    choice = Text(f"可选政策,图示{first.zh};{grey.zh}", f"The policy can be chosen; shown first: {first.en}. {grey.en}")
    return figure(
        "map_timing",
        Text("试点时间", "Treatment timing"),
        choice
        if several
        else Text(f"{first.zh}的首次试点年份;{grey.zh}", f"{first.en}: first treated year. {grey.en}"),
        Text(
            "中国地级行政区地图,按首次试点年份着色;灰色为没有试点。",
            "Map of China's prefectures coloured by the first treated year; grey without a pilot.",
        ),
        draw,
        list(starts),
        data=DataTable(
            (Text("城市", "City"), *(context.study.short(policy) for policy in policies)),
            tuple(
                (names[adcode], *(by_policy.get(policy) for policy in policies))
                for adcode, by_policy in sorted(starts.items())
            ),
        ),
        wide=True,
        is_map=True,
        sources=["marts.fct_city_policy"],
    )


def _order_map(context: Context, names: dict[str, Text], pair: tuple[str, str]) -> Figure:
    groups = _groups(context, pair)
    first_years = context.first_years()
    rows = [
        {"adcode": adcode, "group": group}
        for adcode in names
        if (group := _group(pair, *(first_years.get((adcode, policy)) for policy in pair)))
    ]

    def draw(language: str) -> list[alt.TopLevelMixin]:
        labels = [group[language] for group in groups.values()]
        values = [
            {
                "adcode": row["adcode"],
                "city": names[row["adcode"]][language],
                "group": groups[row["group"]][language],
            }
            for row in rows
        ]
        units = _units(values, ["group"]).encode(
            color=_or_land(
                "group",
                alt.Color(
                    "group:N",
                    title=None,
                    scale=alt.Scale(domain=labels, range=[*PALETTE["dark"][:2], "#1d7f5f", "#b5488c", "#c9a800"]),
                ),
            ),
            tooltip=[
                alt.Tooltip("city:N", title=Text("城市", "city")[language]),
                alt.Tooltip("group:N", title=Text("试点", "pilots")[language]),
            ],
        )
        return [_map(units)]

    return figure(
        "map_order",
        Text("一项试点、两项试点与实施顺序", "Single pilots, both pilots, and their order"),
        Text("灰色为没有试点。", "Grey: no pilot."),
        Text(
            "中国地级行政区地图,按持有一项、两项试点及其先后着色;灰色为没有试点。",
            "Map of China's prefectures coloured by single pilot, both pilots and which came first; grey "
            "without a pilot.",
        ),
        draw,
        rows,
        data=DataTable(
            (Text("城市", "City"), Text("试点", "Pilots")),
            tuple((names[row["adcode"]], groups[row["group"]]) for row in rows),
        ),
        wide=True,
        is_map=True,
        sources=["marts.fct_city_policy"],
    )


def _group(pair: tuple[str, str], first: int | None, second: int | None) -> str | None:
    """Which of two policies a city holds, and which came first; none for neither."""
    if first is None or second is None:
        held = [policy for policy, year in zip(pair, (first, second), strict=True) if year is not None]
        return f"{held[0]}_only" if held else None
    if first == second:
        return "same_year"
    return f"{pair[0] if first < second else pair[1]}_first"


def _groups(context: Context, pair: tuple[str, str]) -> dict[str, Text]:
    """Group -> what the study calls it, else words made of the policies' names."""
    names = {policy: context.study.short(policy) for policy in pair}
    general = {f"{policy}_only": Text(f"仅{name.zh}", f"{name.en} only") for policy, name in names.items()}
    general |= {
        f"{policy}_first": Text(f"两项:先{name.zh}", f"both, {name.en} first") for policy, name in names.items()
    }
    general["same_year"] = Text("两项:同年", "both, same year")
    return {group: context.study.labelled("group", group) or words for group, words in general.items()}


def _map(coloured: alt.Chart) -> alt.LayerChart:
    """The units, grey where there is no value, then borders of provinces, coast and the maritime line."""

    def layer(feature: str, style: str) -> alt.Chart:
        data = alt.Data(values=OUTLINES, format=alt.TopoDataFormat(type="topojson", feature=feature))
        return alt.Chart(data).mark_geoshape(style=style, filled=False)

    chart = alt.LayerChart(layer=[coloured, layer("provinces", "border"), layer("maritime", "maritime")])
    return chart.project(type="identity", reflectY=True).properties(height=540, width="container")


def _units(values: Sequence[Row], fields: Sequence[str]) -> alt.Chart:
    data = alt.Data(values=OUTLINES, format=alt.TopoDataFormat(type="topojson", feature="units"))
    return (
        alt.Chart(data)
        .mark_geoshape(style="unit", invalid=None)
        .transform_lookup("id", alt.LookupData(inline_data(values), key="adcode", fields=["city", *fields]))
    )


def _classes(values: Sequence[float]) -> alt.Scale:
    """Seven classes with breaks at quantiles, because a few cities lie far above the rest."""
    ordered = sorted(values)
    spread = ordered[-1] - ordered[0]
    # Three digits tell the classes apart, whatever the unit.
    digits = 2 - math.floor(math.log10(spread)) if spread > 0 else 3
    breaks = sorted(
        {round(ordered[int(share * (len(ordered) - 1))], digits) for share in (0.05, 0.2, 0.4, 0.6, 0.8, 0.95)}
    )
    colours = VIRIDIS[: len(breaks) + 1]
    return alt.Scale(type="threshold", domain=breaks, range=colours)


def _or_land(field: str, colour: alt.Color) -> Any:
    """A colour where the unit has a value, the colour of land elsewhere: what has no value must not vanish."""
    return alt.condition(f"isValid(datum.{field})", colour, alt.value(alt.expr("land")))


def _spread(colours: Sequence[str], number: int) -> list[str]:
    """``number`` colours spread over the whole range."""
    if number <= 1:
        return [colours[len(colours) // 2]]
    return [colours[round(place * (len(colours) - 1) / (number - 1))] for place in range(number)]


def with_outlines(spec: Any, topology: dict | None) -> Any:
    """A specification with the outlines in place of their stand-in."""
    if spec == OUTLINES:
        return topology
    if isinstance(spec, dict):
        return {key: with_outlines(value, topology) for key, value in spec.items()}
    if isinstance(spec, list):
        return [with_outlines(value, topology) for value in spec]
    return spec
