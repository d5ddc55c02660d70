"""Tables of effects: baseline, robustness, synergy, and effects in groups."""

from collections.abc import Sequence

from city_policy.report.cells import Cell, TableRow
from city_policy.report.database import Row
from city_policy.report.kinds.tools import Draft, Headings, Tools, merged
from city_policy.report.study import Text, joined

CONTROLLED = Text(
    "所有模型均控制了控制变量以及城市和年份固定效应。", "All models have the controls, city and year effects."
)


def with_sentence(tools: Tools, key: str, general: Text) -> Text:
    """What all models have, and a sentence more, for which the study may have its own."""
    more = tools.study.text(key, general)
    return Text(CONTROLLED.zh + more.zh, f"{CONTROLLED.en} {more.en}")


def _specs(rows: Sequence[Row]) -> list[object]:
    return [row["spec_id"] for row in rows]


def baseline(tools: Tools, found: list[Row]) -> Draft:
    """One column per policy and outcome, with the controls and what else a specification adds."""
    rows = tools.by_outcome(found)
    specs = set(_specs(rows))
    added = [str(row["paper_term"]) for row in tools.estimates.rows if row["spec_id"] in specs]
    others = [*tools.study.controls, *(term for term in added if term != "constant")]
    terms = tools.terms(rows, *others, "constant")
    effects = tools.effects(len(rows), controls=False)
    panel = tools.panel(None, _specs(rows), terms, tools.outcome_headings(rows), effects)
    return Draft([panel], ["baseline_effects"], spec_ids=_specs(rows))


def robustness(tools: Tools, found: list[Row]) -> Draft:
    """One panel per check, in the order of the study."""
    checks: dict[tuple[str, str], list[Row]] = {}
    for row in sorted(tools.by_outcome(found), key=tools.position):
        # A specification without a panel is one of its own.
        check = ("panel", str(row["panel"])) if row["panel"] else ("specification", tools.study.specification(row))
        checks.setdefault(check, []).append(row)
    panels = []
    for rows in checks.values():
        terms = tools.terms(rows, *tools.study.other_policies)
        panels.append(
            tools.panel(tools.specification_title(rows[0]), _specs(rows), terms, tools.outcome_headings(rows))
        )
    notes = [CONTROLLED]
    if any(row["estimator"] == "double_machine_learning" for row in found):
        notes = [
            Text(
                f"{CONTROLLED.zh[:-1]};双重机器学习没有 R2。",
                f"{CONTROLLED.en[:-1]}; double machine learning has no R2.",
            )
        ]
    return Draft(panels, ["robustness_effects"], notes, _specs(found))


def synergy(tools: Tools, found: list[Row]) -> Draft:
    """One column per comparison of policies, in the order of the study."""
    rows = sorted(tools.in_policy_order(found), key=tools.position)
    over = merged([tools.specification_title(row) or tools.sample(row["sample"]) for row in rows])
    headings = (over, tuple((tools.row(row["paper_outcome"]), 1) for row in rows))
    effects = tools.effects(len(rows), controls=True)
    panel = tools.panel(None, _specs(rows), tools.terms(rows), headings, effects)
    return Draft([panel], ["synergy_effects"], spec_ids=_specs(rows))


def grouped(tools: Tools, found: list[Row], result: str, p_label: str) -> Draft:
    """One panel per grouping, per policy one column per group, and below a pair the p value of its difference."""
    differences = tools.database.rows("results.group_differences", "spec_id")
    place = {sample: number for number, sample in enumerate(tools.study.samples)}
    groupings: dict[tuple[str, str], list[Row]] = {}
    for row in sorted(tools.by_outcome(found), key=tools.position):
        groupings.setdefault(_grouping(row, differences), []).append(row)
    panels = []
    for (_, label), unordered in groupings.items():
        policies = list(dict.fromkeys(row["treatment"] for row in tools.in_policy_order(unordered)))
        by_sample = sorted(unordered, key=lambda row: place.get(str(row["sample"]), len(place)))
        # Python's sort is stable: by sample within policy.
        rows = sorted(by_sample, key=lambda row, policies=policies: policies.index(row["treatment"]))  # type: ignore[misc]
        title = tools.study.labelled("panel", label)
        if title is None and len(groupings) > 1:
            title = joined(dict.fromkeys(tools.sample(row["sample"]) for row in rows), "与", " and ")
        headings: list[Headings] = [tuple((tools.sample(row["sample"]), 1) for row in rows)]
        if len({row["paper_outcome"] for row in rows}) > 1:
            headings.append(tuple((tools.row(row["paper_outcome"]), 1) for row in rows))
        extra = [TableRow(tools.row(p_label), _p_values(tools, rows, differences))]
        panels.append(tools.panel(title, _specs(rows), tools.terms(rows), headings, extra))
    note = Text(
        "P 值来自把整座城市在两组之间随机互换,写在每对的第一列。",
        "P values come from permuting whole cities between the groups and stand in the first column of each pair.",
    )
    notes = [Text(CONTROLLED.zh + note.zh, f"{CONTROLLED.en} {note.en}") if differences else CONTROLLED]
    return Draft(panels, [result, "group_differences"], notes, _specs(found))


def _grouping(row: Row, differences: Sequence[Row]) -> tuple[str, str]:
    """The panel of an estimate; without one, the pair of samples that its sample belongs to."""
    if row["panel"]:
        return "panel", str(row["panel"])
    for pair in differences:
        if row["sample"] in (pair["group_1"], pair["group_2"]):
            return "pair", f"{pair['group_1']} {pair['group_2']}"
    return "alone", ""


def _p_values(tools: Tools, rows: Sequence[Row], differences: Sequence[Row]) -> tuple[Cell, ...]:
    """Below the first column of each pair the p value of its difference."""
    samples = {row["sample"] for row in rows}
    pairs = [row for row in differences if {row["group_1"], row["group_2"]} <= samples]
    told: set[object] = set()
    cells = []
    for row in rows:
        pair = next(
            (
                pair
                for pair in pairs
                if (pair["treatment"], pair["outcome"], pair["panel"])
                == (row["treatment"], row["outcome"], row["panel"])
                and row["sample"] in (pair["group_1"], pair["group_2"])
                and pair["spec_id"] not in told
            ),
            None,
        )
        if pair is None:
            cells.append(Cell())
            continue
        told.add(pair["spec_id"])
        cells.append(
            tools.published_plain(pair["permutation_p_value"], "group difference", row["panel"], row["treatment"])
        )
    return tuple(cells)
