"""What a table of the report consists of: one definition that every writer prints.

A table is panels of rows of cells. A cell holds the number itself; writers print it through ``Cell.number`` and
``Cell.statistic``, so that a digit is the same in HTML, LaTeX, Word and Excel.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from city_policy.report.study import Text

CLUSTERED, IID = "CRV1", "iid"
MISSING = "—"
# From the strictest: p value below which a coefficient carries that many stars.
SIGNIFICANCE = ((0.01, "***"), (0.05, "**"), (0.1, "*"))

STARS_NOTE = Text(
    "*、**、*** 分别表示在 10%、5%、1% 的水平上显著。",
    "*, **, *** mark significance at 10, 5 and 1 percent.",
)
SIMULATED_NOTE = Text(
    "由模拟的示例年鉴得出:不是关于中国的证据。",
    "Made from the simulated demo yearbook: no evidence about China.",
)
BRACKETS_NOTE = Text(
    "圆括号内为按城市聚类的 t 值,星号据此;方括号内为 iid t 值。",
    "t values clustered by city in parentheses, which the stars rest on; iid t values in brackets.",
)
BRACKETS_NOTE_BESIDE_PAPER = Text(
    "圆括号内为按城市聚类的 t 值,星号据此;方括号内为 iid t 值(论文所报)。",
    "t values clustered by city in parentheses, which the stars rest on; iid t values, as the paper prints, in "
    "brackets.",
)
PARENTHESES_NOTE = Text(
    "圆括号内为按城市聚类的 t 值,星号据此。", "t values clustered by city in parentheses, which the stars rest on."
)
PARENTHESES_NOTE_WITHOUT_STARS = Text("圆括号内为按城市聚类的 t 值。", "t values clustered by city in parentheses.")
# More columns of numbers than this do not fit the width of a page; on a page of Word on its side it is two more.
MOST_COLUMNS = 8
MOST_COLUMNS_ASIDE = 10
# More decimals no spreadsheet shows.
MOST_PLACES = 30
YES = Text("是", "Yes")


def stars(p_value: float | None, significance: Sequence[tuple[float, str]] = SIGNIFICANCE) -> str:
    """The stars of a p value; none for none. ``significance``: limits and marks, the strictest first."""
    if p_value is None:
        return ""
    return next((mark for limit, mark in significance if p_value < limit), "")


def printed(value: float, decimals: int) -> str:
    """A number with so many decimals; what rounds to zero has no sign."""
    text = f"{value:.{decimals}f}"
    return text.lstrip("-") if float(text) == 0 else text


def places(value: float, decimals: int) -> int:
    """The decimals under which an estimate does not read as zero: ``decimals``, or as many as two digits take."""
    if value == 0 or float(f"{value:.{decimals}f}") != 0:
        return decimals
    return min(MOST_PLACES, 1 - math.floor(math.log10(abs(value))))


@dataclass(frozen=True)
class Statistic:
    """A t value and its p value under one variance estimator, and where a table asks for them error and interval."""

    t: float | None
    p: float | None
    std_error: float | None = None
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Line:
    """One line below the coefficients: ``kind`` is t, se, p, ci or published, under the variance estimator ``vcov``.

    ``name``: what a reader calls the line where its numbers stand alone, as after copying. ``switch``: a class of the
    page that shows and hides the line.
    """

    vcov: str
    name: Text
    kind: str = "t"
    brackets: str = "()"
    decimals: int = 2
    switch: str = ""


@dataclass(frozen=True)
class Layout:
    """What stands below the coefficients of a table, and what its stars rest on.

    ``notes``: what explains them, in place of the sentences of the report's own tables; ``is_starred_by_t``: whether
    the stars go by the t values in parentheses, else a note of the table says by what.
    """

    lines: tuple[Line, ...] = (
        Line(CLUSTERED, Text("t 值(聚类)", "t (clustered)"), switch="clustered"),
        Line(IID, Text("t 值(iid)", "t (iid)"), brackets="[]", switch="iid"),
    )
    starred_by: str = CLUSTERED
    significance: tuple[tuple[float, str], ...] = SIGNIFICANCE
    notes: tuple[Text, ...] | None = None
    is_starred_by_t: bool = True

    @property
    def is_report(self) -> bool:
        """Whether a reader of the page switches between clustered and iid t values."""
        return self.notes is None


@dataclass(frozen=True)
class Cell:
    """One cell: a number, words, an interval, or nothing.

    ``value``: the number, printed with ``decimals``, or with more where an estimate would read as zero. ``interval``:
    two numbers in place of one. ``statistics``: t and p by variance estimator. ``published``: what the paper prints
    here, as printed. ``missing``: an estimate that should be here and is not.
    """

    value: float | int | None = None
    decimals: int = 4
    statistics: Mapping[str, Statistic] = field(default_factory=dict)
    words: Text | None = None
    interval: tuple[float, float] | None = None
    published: str | None = None
    missing: bool = False

    @property
    def number(self) -> str:
        """The number as printed, the dash of a missing estimate, or nothing."""
        if self.interval is not None:
            return f"[{printed(self.interval[0], self.decimals)}, {printed(self.interval[1], self.decimals)}]"
        if self.value is None:
            return MISSING if self.missing else ""
        return printed(self.value, self.places)

    @property
    def places(self) -> int:
        """The decimals of the number: an estimate with a t value never reads as zero."""
        return places(self.value, self.decimals) if self.value is not None and self.is_estimate else self.decimals

    def stars(self, vcov: str, significance: Sequence[tuple[float, str]] = SIGNIFICANCE) -> str:
        """The stars under one variance estimator."""
        return stars(self.statistics[vcov].p, significance) if vcov in self.statistics else ""

    def marked(self, layout: Layout) -> str:
        """The stars that a table gives to the number."""
        return self.stars(layout.starred_by, layout.significance)

    def below(self, line: Line) -> str:
        """What stands in a line below the number, with its brackets, or nothing."""
        if line.kind == "published":
            return self.published or ""
        value = self.below_value(line)
        if isinstance(value, tuple):
            low, high = (printed(end, self.places_below(line)) for end in value)
            return f"[{low}, {high}]"
        number = "" if value is None else printed(value, self.places_below(line))
        return f"{line.brackets[:1]}{number}{line.brackets[1:]}" if number else ""

    def places_below(self, line: Line) -> int:
        """The decimals of a line below the number: errors and intervals have at least those of the number."""
        if line.kind not in ("se", "ci"):
            return line.decimals
        value = self.below_value(line)
        decimals = max(line.decimals, self.places)
        return places(value, decimals) if isinstance(value, float) else decimals

    def below_value(self, line: Line) -> float | tuple[float, float] | None:
        """The number or the interval of a line below the number."""
        found = self.statistics.get(line.vcov)
        if found is None or line.kind == "published":
            return None
        if line.kind == "ci":
            return found.interval
        return {"t": found.t, "se": found.std_error, "p": found.p}[line.kind]

    def statistic(self, vcov: str) -> str:
        """The t value as printed, or nothing."""
        t = self.statistics[vcov].t if vcov in self.statistics else None
        return "" if t is None else printed(t, 2)

    @property
    def is_estimate(self) -> bool:
        """Whether t values stand below the number."""
        return any(statistic.t is not None for statistic in self.statistics.values())


@dataclass(frozen=True)
class TableRow:
    """A label and its cells, one per column; ``is_heading``: the label alone, above the rows that follow."""

    label: Text
    cells: tuple[Cell, ...] = ()
    is_heading: bool = False


@dataclass(frozen=True)
class Panel:
    """Rows under common columns. ``headings``: lines of (words, columns spanned), the label's column not counted."""

    title: Text | None
    label_heading: Text
    headings: tuple[tuple[tuple[Text, int], ...], ...]
    rows: tuple[TableRow, ...]

    @property
    def n_columns(self) -> int:
        """Columns beside the label's."""
        return sum(span for _, span in self.headings[-1])


@dataclass(frozen=True)
class PaperTable:
    """One table. ``number``: none for a table outside the report; ``result``: the result that it shows; ``sources``:
    the tables it is made from.

    ``beside_paper``: whether the study has published numbers to stand beside ours.
    """

    number: int | None
    result: str
    title: Text
    panels: tuple[Panel, ...]
    notes: tuple[Text, ...]
    sources: tuple[str, ...]
    beside_paper: bool = False
    layout: Layout = Layout()

    @property
    def heading(self) -> Text:
        """The title with the number."""
        if self.number is None:
            return self.title
        return Text(f"表 {self.number}  {self.title.zh}", f"Table {self.number}. {self.title.en}")

    @property
    def has_estimates(self) -> bool:
        """Whether any cell has t values, so that the notes explain brackets and stars."""
        return any(cell.is_estimate for panel in self.panels for row in panel.rows for cell in row.cells)


def notes_of(table: PaperTable) -> tuple[Text, ...]:
    """The notes below a table on paper: what brackets and stars mean, then the table's own."""
    if table.layout.notes is not None:
        return (*table.layout.notes, *table.notes)
    if not table.has_estimates:
        return table.notes
    rows = [row for panel in table.panels for row in panel.rows]
    shown = {line.vcov for row in rows for line in lines_below(row, table.layout)}
    if IID in shown:
        brackets = BRACKETS_NOTE_BESIDE_PAPER if table.beside_paper else BRACKETS_NOTE
    else:
        brackets = PARENTHESES_NOTE if table.layout.is_starred_by_t else PARENTHESES_NOTE_WITHOUT_STARS
    return (brackets, STARS_NOTE, *table.notes)


def lines_below(row: "TableRow", layout: Layout) -> list[Line]:
    """The lines that stand below a row of coefficients: those in which some cell says something."""
    return [line for line in layout.lines if any(cell.below(line) for cell in row.cells)]


def plain(value: float | None, published: float | None = None, decimals: int = 4) -> Cell:
    """A number without t value beside the published one."""
    return Cell(
        value,
        decimals,
        published=None if published is None else printed(published, decimals),
        missing=value is None,
    )


def split(panel: Panel, most: int = MOST_COLUMNS) -> list[Panel]:
    """The panel in parts of at most ``most`` columns, as a page is wide; columns under one heading stay together, but
    under one that a part has no room for.
    """
    if panel.n_columns <= most:
        return [panel]
    lines = [[span for _, span in line] for line in panel.headings]
    spans = next((line for line in lines if max(line) <= most), lines[-1])
    least = math.ceil(panel.n_columns / math.ceil(panel.n_columns / most))
    # Few parts, and these about equally wide.
    parts = min((_filled(spans, size) for size in range(least, max(most, least) + 1)), key=len)
    found = []
    for number, columns in enumerate(parts):
        rows = [
            row if row.is_heading else replace(row, cells=tuple(row.cells[at] for at in columns)) for row in panel.rows
        ]
        title = panel.title
        if title and number:
            title = Text(f"{title.zh}(续)", f"{title.en} (continued)")
        found.append(
            replace(
                panel,
                title=title,
                headings=tuple(_part(line, columns) for line in panel.headings),
                # A row that says nothing about these columns is left to the others.
                rows=tuple(row for row in rows if row.is_heading or any(cell != Cell() for cell in row.cells)),
            )
        )
    return found


def _filled(spans: Sequence[int], size: int) -> list[list[int]]:
    """Columns in parts of at most ``size``, but for a heading that is wider itself."""
    parts: list[list[int]] = [[]]
    column = 0
    for span in spans:
        if parts[-1] and len(parts[-1]) + span > max(size, span):
            parts.append([])
        parts[-1] += range(column, column + span)
        column += span
    return parts


def _part(line: Sequence[tuple[Text, int]], columns: Sequence[int]) -> tuple[tuple[Text, int], ...]:
    """The words above some columns of a line of headings."""
    above = [number for number, (_, span) in enumerate(line) for _ in range(span)]
    wanted = [above[column] for column in columns]
    return tuple((line[number][0], wanted.count(number)) for number in dict.fromkeys(wanted))
