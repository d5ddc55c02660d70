"""What every figure is made of: themes and colours, the figure itself, its data table, and parts of charts.

Colours and line widths that depend on light or dark come from the configuration (``theme``), so that one specification
serves both.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
from altair.utils.schemapi import debug_mode

from city_policy.report.database import Row
from city_policy.report.messages import both_languages
from city_policy.report.study import LANGUAGES, Study, Text

Spec = dict[str, Any]

FONT = "system-ui, -apple-system, 'Segoe UI', 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif"
# Okabe and Ito's colours, which people with colour blindness tell apart; lighter on dark ground.
PALETTE = {
    "light": ["#0072B2", "#D55E00", "#007A5A", "#9C4A7C", "#8A6A00", "#4A4A4A"],
    "dark": ["#56B4E9", "#F28E4B", "#2FC299", "#DD92BC", "#E6C229", "#BFBFBF"],
}
GROUND = {"light": "#ffffff", "dark": "#161a20"}
INK = {"light": "#1c2128", "dark": "#e6e9ee"}
QUIET = {"light": "#5b6470", "dark": "#a3adba"}
LINE = {"light": "#d5dae1", "dark": "#39414d"}
LAND = {"light": "#e3e6ea", "dark": "#333a45"}


# The first colour of a theme, for marks of one kind.
FIRST = alt.value(alt.expr("first"))


def theme(name: str) -> Spec:
    """Vega-Lite configuration of ``light`` or ``dark``."""
    axis = {
        "labelColor": INK[name],
        "titleColor": INK[name],
        "gridColor": LINE[name],
        "domainColor": QUIET[name],
        "tickColor": QUIET[name],
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "labelLimit": 260,
    }
    # Numbers along a wide chart must not touch each other.
    horizontal = {"labelSeparation": 4}
    return {
        # A chart that is saved lies on ground that it can be read on.
        "background": GROUND[name],
        "font": FONT,
        "axis": axis,
        "axisX": horizontal,
        "legend": {
            "labelColor": INK[name],
            "titleColor": INK[name],
            "orient": "bottom",
            "columns": 3,
            "labelLimit": 240,
            "titleFontWeight": "normal",
            "titleLimit": 300,
            "gradientHorizontalMaxLength": 320,
        },
        "title": {"color": INK[name], "fontSize": 13, "fontWeight": 600, "anchor": "start"},
        "view": {"stroke": None},
        "range": {
            "category": PALETTE[name],
            "heatmap": {"scheme": "viridis"},
            "ramp": {"scheme": "viridis"},
        },
        "params": [{"name": "land", "value": LAND[name]}, {"name": "first", "value": PALETTE[name][0]}],
        "scale": {"invalid": {"color": {"value": LAND[name]}}},
        # Outlines without filling have the colour of their mark, which goes before their stroke.
        "style": {
            "reference": {"color": QUIET[name], "stroke": QUIET[name], "strokeDash": [4, 3], "strokeWidth": 1},
            "actual": {"color": PALETTE[name][1], "stroke": PALETTE[name][1], "strokeWidth": 2},
            "unit": {"stroke": GROUND[name], "strokeWidth": 0.3},
            "border": {"color": QUIET[name], "stroke": QUIET[name], "strokeWidth": 0.5, "filled": False},
            "maritime": {"color": QUIET[name], "stroke": QUIET[name], "strokeWidth": 1.2, "filled": False},
            "printed": {"color": INK[name], "stroke": INK[name], "strokeWidth": 1.2},
            "words": {"color": INK[name], "fill": INK[name], "fontSize": 11},
        },
    }


@dataclass(frozen=True)
class DataTable:
    """A figure's data in words: headings, and rows of text or numbers."""

    headings: tuple[Text, ...]
    rows: tuple[tuple[object, ...], ...]


@dataclass(frozen=True)
class Figure:
    """``charts``: language -> Vega-Lite specifications, side by side; a map has a third, ``both``, whose picture is
    heavy and therefore stored once. ``alternative``: what a figure shows, in words.

    ``wide``: the chart takes the whole width of the page. ``message``: why there is nothing to draw.
    """

    key: str
    title: Text
    caption: Text
    alternative: Text
    charts: Mapping[str, Sequence[Spec]]
    data: DataTable | None = None
    wide: bool = False
    sources: tuple[str, ...] = ()
    message: Text | None = None
    number: int | None = None

    @property
    def heading(self) -> Text:
        """The title, with the figure's number in the paper."""
        if self.number is None:
            return self.title
        return Text(f"图 {self.number} {self.title.zh}", f"Figure {self.number}. {self.title.en}")


def rounded(value: object, digits: int = 6) -> object:
    """A float shortened, so that the page carries no digits that nobody sees; others as they are."""
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value


def inline_data(rows: Sequence[Mapping[str, object]]) -> alt.Data:
    """Rows as a chart's own data."""
    return alt.Data(values=[{name: rounded(value) for name, value in row.items()} for row in rows])


def specification(chart: alt.TopLevelMixin, alternative: str) -> Spec:
    """The specification as plain data, filling its container's width."""
    spec = chart.to_dict(validate=False)
    spec.pop("config", None)
    spec["description"] = alternative
    spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    marks = _marks(spec)
    # Bars stand on their axis, and areas on the lower one; everything else keeps away from the edge.
    room = 0 if marks & {"bar", "rect"} else 6
    rooms = {"x": room, "y": 0 if "area" in marks else room}
    # Layers share their scales: where one of them says how much room there is, the others say nothing.
    _end_axes_with_data(spec, {channel: 0 if _sets_room(spec, channel) else rooms[channel] for channel in rooms})
    return spec


def _sets_room(part: Any, channel: str) -> bool:
    """Whether a layer of a specification says how much room there is beyond the data."""
    if isinstance(part, list):
        return any(_sets_room(item, channel) for item in part)
    if not isinstance(part, dict):
        return False
    found = part.get("encoding", {}).get(channel)
    if isinstance(found, dict) and "padding" in (found.get("scale") or {}):
        return True
    return any(_sets_room(value, channel) for key, value in part.items() if key not in ("data", "datasets"))


def _marks(part: Any) -> set[str]:
    """The kinds of marks of a specification."""
    if isinstance(part, list):
        return set().union(*map(_marks, part))
    if not isinstance(part, dict):
        return set()
    mark = part.get("mark")
    own = {str(mark["type"] if isinstance(mark, dict) else mark)} if mark else set()
    return own.union(*(_marks(value) for key, value in part.items() if key not in ("data", "datasets")))


def _end_axes_with_data(part: Any, room: Mapping[str, int]) -> None:
    """Have numeric axes end where the data end, and not at the next round number. ``room``: pixels beyond them."""
    if isinstance(part, list):
        for item in part:
            _end_axes_with_data(item, room)
    elif isinstance(part, dict):
        for channel, padding in room.items():
            found = part.get("encoding", {}).get(channel)
            if isinstance(found, dict) and found.get("type") == "quantitative":
                scale = found.setdefault("scale", {})
                if scale is not None and "domain" not in scale:
                    scale.setdefault("nice", False)
                    if padding:
                        scale.setdefault("padding", padding)
        for key, value in part.items():
            if key not in ("data", "datasets"):
                _end_axes_with_data(value, room)


def reference_line(channel: str, value: float) -> alt.Chart:
    """A dashed line at ``value`` of channel x or y."""
    encoding = {channel: alt.datum(value)}
    return alt.Chart(alt.Data(values=[{}])).mark_rule(style="reference").encode(**encoding)


def interval_tooltips(language: str) -> list[alt.Tooltip]:
    """What a pointer on an estimate shows: the fields ``estimate``, ``low`` and ``high``."""
    return [
        alt.Tooltip("estimate:Q", format=".4f", title=Text("估计", "estimate")[language]),
        alt.Tooltip("low:Q", format=".4f", title=Text("95% 下限", "95% low")[language]),
        alt.Tooltip("high:Q", format=".4f", title=Text("95% 上限", "95% high")[language]),
    ]


def figure(
    key: str,
    title: Text,
    caption: Text,
    alternative: Text,
    draw: Callable[[str], list[alt.TopLevelMixin]],
    rows: Sequence[object],
    *,
    data: DataTable | None = None,
    wide: bool = False,
    sources: Sequence[str] = (),
    missing: Sequence[Row] = (),
    names: Mapping[str, Text] | None = None,
    number: int | None = None,
    is_map: bool = False,
) -> Figure:
    """A figure drawn in both languages; without rows a sentence in place of it, with the reasons that the rows
    ``missing`` give; ``names``: of the identifiers in them.
    """
    message = None
    if not rows:
        reasons = dict.fromkeys(str(row["message"]) for row in missing if row.get("message"))
        texts = [both_languages(reason, names or {}) for reason in reasons]
        message = Text(
            "这次构建没有可画的数据。" + "".join(text.zh for text in texts),
            " ".join(["This build has nothing to draw here.", *(text.en for text in texts)]),
        )
    # Altair checks every data row against its schema, which takes longer than drawing all figures.
    with debug_mode(False):
        charts = {
            language: [specification(chart, alternative[language]) for chart in draw(language)] if rows else []
            for language in (*LANGUAGES, *(["both"] if is_map else []))
        }
    tables = tuple(f"results.{name}" if "." not in name else name for name in sources)
    return Figure(key, title, caption, alternative, charts, data if rows else None, wide, tables, message, number)


def wrapped(words: str, width: int = 32, lines: int = 2) -> str:
    """Words in lines of about ``width`` characters, a Chinese one counting double; ``LINES`` shows them so."""
    pieces = re.findall(r"[\u4e00-\u9fff\uff00-\uffef]|[^\s\u4e00-\u9fff\uff00-\uffef]+\s*|\s+", words)
    found = [""]
    for piece in pieces:
        if found[-1] and _width(found[-1] + piece.rstrip()) > width and len(found) < lines:
            found.append("")
        found[-1] += piece
    return "\n".join(line.strip() for line in found)


def _width(words: str) -> int:
    return sum(2 if ord(character) > 0x2E7F else 1 for character in words)


# An axis whose labels have the lines that ``wrapped`` made.
LINES = "split(datum.label, '\\n')"


def per_policy(
    study: Study, rows: Sequence[Row], draw: Callable[[list[Row], str], alt.TopLevelMixin], language: str
) -> list[alt.TopLevelMixin]:
    """One chart per policy of the study that has rows, titled with its name."""
    charts = []
    for policy in policies_of(study, rows):
        mine = [row for row in rows if row["treatment"] == policy]
        title = wrapped(study.label("row", policy)[language], 44).split("\n")
        charts.append(draw(mine, language).properties(title=title, width="container"))
    return charts


def policies_of(study: Study, rows: Sequence[Row]) -> list[str]:
    """The policies of the study that have rows, in the study's order."""
    present = {str(row["treatment"]) for row in rows}
    return [policy for policy in study.policies if policy in present]
