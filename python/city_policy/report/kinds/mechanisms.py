"""Mediation: the paths of every mediator, with Sobel's test and the bootstrap interval."""

from collections.abc import Mapping, Sequence

from city_policy.report.cells import CLUSTERED, IID, Cell, Panel, TableRow, plain
from city_policy.report.database import Row
from city_policy.report.kinds.regressions import with_sentence
from city_policy.report.kinds.tools import Draft, Tools
from city_policy.report.study import Text

Effects = Mapping[tuple[str, object], Row]


def mechanisms(tools: Tools, found: list[Row]) -> Draft:
    """One panel per mediator: the policies on it, it alone, and the policies beside it."""
    effects = {
        (str(row["spec_id"]), row["vcov"]): row
        for row in tools.database.rows("results.mediation_effects", "spec_id, vcov")
    }
    mediator_of = {name: tools.study.variable(row["mediator"]) for (name, _), row in effects.items()}
    mediators = dict.fromkeys([*tools.study.mediators, *mediator_of.values()])
    by_mediator: dict[str, list[Row]] = {mediator: [] for mediator in mediators}
    for row in tools.in_policy_order(found):
        # A path is named after its specification, the regression on the mediator alone after the mediator.
        name = _path(row)
        by_mediator.setdefault(mediator_of.get(name, tools.study.variable(name)), []).append(row)
    panels = [_mediator(tools, mediator, rows, effects) for mediator, rows in by_mediator.items() if rows]
    general = Text("Bootstrap 以城市为单位抽样。", "The bootstrap draws whole cities.")
    note = with_sentence(tools, "note_mediation_effects", general)
    sources = ["mediation_effects", "regression_coefficients"]
    return Draft(panels, sources, [note], [row["spec_id"] for row in found])


def _path(row: Row) -> str:
    return str(row["spec_id"]).split("__")[0]


def _mediator(tools: Tools, mediator: str, rows: Sequence[Row], effects: Effects) -> Panel:
    on_mediator = [row for row in rows if row["paper_outcome"] == mediator]
    alone = [row for row in rows if row not in on_mediator and row["paper_treatment"] == "none"]
    direct = [row for row in rows if row not in on_mediator and row not in alone]
    columns = [*on_mediator, *alone, *direct]
    headings = [tuple((tools.row(row["paper_outcome"]), 1) for row in columns)]
    if len({row["sample"] for row in columns}) > 1:
        headings.insert(0, tuple((tools.sample(row["sample"]), 1) for row in columns))

    extra = _tests(tools, mediator, direct, len(columns) - len(direct), effects)
    named = (tools.study.labelled("panel", row["panel"]) for row in columns if row["panel"])
    title = next((label for label in named if label), tools.row(mediator))
    return tools.panel(title, [row["spec_id"] for row in columns], tools.terms(rows, mediator), headings, extra)


def _tests(tools: Tools, mediator: str, direct: Sequence[Row], before: int, effects: Effects) -> list[TableRow]:
    """Sobel's test and the bootstrap interval, below the direct effects; ``before``: the columns left of these."""
    iid = [effects.get((_path(row), IID)) for row in direct]
    clustered = [effects.get((_path(row), CLUSTERED)) for row in direct]
    empty = (Cell(),) * before
    of_iid = tuple(_sobel(tools, effect, mediator, with_published=True) for effect in iid)
    of_clustered = tuple(_sobel(tools, effect, mediator) for effect in clustered)
    return [
        TableRow(Text("Sobel Z（iid）", "Sobel Z (iid)"), empty + of_iid),
        TableRow(Text("Sobel Z（城市聚类）", "Sobel Z (clustered)"), empty + of_clustered),
        TableRow(tools.row("bootstrap"), empty + tuple(map(_bootstrap, clustered))),
    ]


def _sobel(tools: Tools, effect: Row | None, mediator: str, *, with_published: bool = False) -> Cell:
    if effect is None:
        return Cell()
    published = tools.published.get(("Sobel Z", mediator, effect["treatment"])) if with_published else None
    return plain(effect["sobel_z"], published, 3)


def _bootstrap(effect: Row | None) -> Cell:
    if effect is None:
        return Cell()
    if effect["bootstrap_low"] is None:
        return Cell(missing=True)
    return Cell(interval=(effect["bootstrap_low"], effect["bootstrap_high"]))
