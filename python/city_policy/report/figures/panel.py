"""Which city is treated when: cohorts and the view of the panel."""

import itertools

import altair as alt

from city_policy.report.database import Row
from city_policy.report.figures.chart import PALETTE, DataTable, Figure, figure, inline_data, per_policy
from city_policy.report.figures.context import Context
from city_policy.report.study import Study, Text, joined, same

# Colours of up to six policies that show on light and on dark ground, and beside the grey of none.
POLICY_COLOURS = (*PALETTE["dark"][:2], "#7a3b68", *PALETTE["dark"][2:5])


def cohorts(context: Context) -> Figure:
    """How many cities started when, by region."""
    cities = {str(row["adcode"]): row for row in context.cities() if row["in_sample"]}
    counts: dict[tuple[str, int, str], int] = {}
    for (adcode, policy), year in context.first_years().items():
        if adcode in cities and policy in context.study.policies:
            key = (policy, year, str(cities[adcode]["region"] or "—"))
            counts[key] = counts.get(key, 0) + 1
    rows = [
        {"treatment": policy, "year": year, "region": region, "cities": number}
        for (policy, year, region), number in sorted(counts.items())
    ]
    regions = [region for region in ("east", "central", "west") if any(row["region"] == region for row in rows)]
    regions += sorted({str(row["region"]) for row in rows} - set(regions))

    def draw(mine: list[Row], language: str) -> alt.TopLevelMixin:
        names = [context.study.label("region", region)[language] for region in regions]
        values = [row | {"region": context.study.label("region", row["region"])[language]} for row in mine]
        return (
            alt.Chart(inline_data(values))
            .mark_bar()
            .encode(
                x=alt.X(
                    "year:O",
                    title=Text("首次试点年份", "First treated year")[language],
                    axis=alt.Axis(labelAngle=0),
                ),
                y=alt.Y("sum(cities):Q", title=Text("城市数", "Cities")[language]),
                color=alt.Color("region:N", title=None, scale=alt.Scale(domain=names)),
                tooltip=[
                    alt.Tooltip("year:O", title=Text("年份", "year")[language]),
                    alt.Tooltip("region:N", title=Text("地区", "region")[language]),
                    alt.Tooltip("cities:Q", title=Text("城市数", "cities")[language]),
                ],
            )
            .properties(height=200)
        )

    return figure(
        "cohorts",
        Text("试点批次的构成", "Composition of the cohorts"),
        Text("样本城市按首次试点年份与地区计数。", "Sample cities by first treated year and region."),
        Text(
            "每项政策一幅图:每个首次试点年份的城市数,按东中西部堆叠。",
            "One chart per policy: number of cities per first treated year, stacked by region.",
        ),
        lambda language: per_policy(context.study, rows, draw, language),
        rows,
        data=DataTable(
            (Text("政策", "Policy"), Text("年份", "Year"), Text("地区", "Region"), Text("城市数", "Cities")),
            tuple(
                (
                    context.study.short(str(row["treatment"])),
                    row["year"],
                    context.study.label("region", row["region"]),
                    row["cities"],
                )
                for row in rows
            ),
        ),
        sources=["marts.fct_city_policy", "marts.dim_city"],
    )


def panel_view(context: Context) -> Figure:
    """Which city is treated by what in which year."""
    found = context.database.rows("marts.fct_study_panel", "adcode, year", "in_sample")
    names = context.city_names()
    by_city: dict[str, list[tuple[int, str]]] = {}
    for row in found:
        by_city.setdefault(str(row["adcode"]), []).append((int(row["year"]), _status(context.study, row)))
    # Cities of one history lie together: the earliest treated on top.
    order = sorted(
        by_city,
        key=lambda adcode: (
            next((year for year, s in by_city[adcode] if s != "none"), 9999),
            [s for _, s in by_city[adcode]],
            adcode,
        ),
    )
    # Years that the whole panel steps over leave no gap, years that a city lacks do.
    years = sorted({year for by_year in by_city.values() for year, _ in by_year})
    before = {year: previous for previous, year in itertools.pairwise(years)}
    has_gaps = any(len(by_year) < len(years) for by_year in by_city.values())
    segments: list[Row] = []
    for place, adcode in enumerate(order):
        for year, status in by_city[adcode]:
            last = segments[-1] if segments and segments[-1]["place"] == place else None
            if last and last["status"] == status and last["end"] - 1 == before.get(year):
                last["end"] = year + 1
            else:
                segments.append(
                    {
                        "place": place,
                        "adcode": adcode,
                        "status": status,
                        "start": year,
                        "end": year + 1,
                    }
                )
    study = context.study
    kinds = {_kind(str(row["status"])) for row in segments}
    # The policies keep their colours, whichever of them the panel holds.
    statuses = ["none", *study.policies, *(["several"] if "several" in kinds else [])]
    colours = dict(zip(study.policies, POLICY_COLOURS, strict=False)) | {"several": "#8c2d19"}

    def draw(language: str) -> list[alt.TopLevelMixin]:
        values = [
            {
                "place": row["place"],
                # Rows overlap a little: no ground shows between them.
                "below": min(row["place"] + 1.4, len(order)),
                "left": row["start"] - 0.5,
                "right": row["end"] - 0.5,
                "start": row["start"],
                "city": (names.get(str(row["adcode"])) or same(row["adcode"]))[language],
                "status": study.label("status", _kind(str(row["status"])))[language],
                "held": _status_name(study, str(row["status"]))[language],
                "last": row["end"] - 1,
            }
            for row in segments
        ]
        chart = (
            alt.Chart(inline_data(values))
            .mark_rect()
            .encode(
                x=alt.X(
                    "left:Q",
                    title=Text("年份", "Year")[language],
                    scale=alt.Scale(zero=False, nice=False),
                    axis=alt.Axis(format="d", values=years, grid=False),
                ),
                x2="right:Q",
                y=alt.Y(
                    "place:Q",
                    title=Text("样本城市,每行一个", "Sample cities, one per row")[language],
                    axis=alt.Axis(labels=False, ticks=False, grid=False),
                    scale=alt.Scale(reverse=True, nice=False, domain=[0, max(len(order), 1)]),
                ),
                y2="below:Q",
                color=alt.Color(
                    "status:N",
                    title=None,
                    scale=alt.Scale(
                        domain=[study.label("status", status)[language] for status in statuses],
                        range=[
                            alt.ExprRef("land") if status == "none" else colours.get(status, PALETTE["light"][5])
                            for status in statuses
                        ],
                    ),
                ),
                tooltip=[
                    alt.Tooltip("city:N", title=Text("城市", "city")[language]),
                    alt.Tooltip("held:N", title=Text("状态", "status")[language]),
                    alt.Tooltip("start:Q", format="d", title=Text("自", "from")[language]),
                    alt.Tooltip("last:Q", format="d", title=Text("至", "to")[language]),
                ],
            )
            .properties(height=440, width="container")
        )
        return [chart]

    return figure(
        "panel_view",
        Text("试点时间的面板视图", "Treatment timing in the panel"),
        Text(
            "每行一个样本城市,按首次试点年份排列。" + "空白:面板中没有的城市—年份。" * has_gaps,
            "One row per sample city, ordered by its first treated year."
            + " Blank: city-years that the panel lacks." * has_gaps,
        ),
        Text(
            "城市与年份的矩阵:灰色为未试点,颜色表示该年所持的试点。",
            "A matrix of cities and years: grey before any pilot, then a colour for the pilots that a city holds.",
        ),
        draw,
        segments,
        wide=True,
        sources=["marts.fct_study_panel"],
    )


def _status(study: Study, row: Row) -> str:
    """The policies that treat a city in a year, "none" without any; a derived policy stands for its components."""
    held = [policy for policy in study.policies if row.get(policy)]
    parts = {component for policy in held for component in study.components[policy]}
    return " ".join(policy for policy in held if policy not in parts) or "none"


def _kind(status: str) -> str:
    """What a status is coloured as: none, one policy, or several."""
    return "several" if " " in status else status


def _status_name(study: Study, status: str) -> Text:
    return joined((study.label("status", policy) for policy in status.split()), " + ", " + ")
