"""Tables that describe the data: the indicators of an index, and the variables."""

from city_policy.report.cells import Cell, Panel, TableRow
from city_policy.report.database import Row
from city_policy.report.kinds.tools import Draft, Tools
from city_policy.report.study import Text, joined, same


def index_weights(tools: Tools, found: list[Row]) -> Draft:
    """One row per indicator under its dimension, with definition, direction and weight."""
    definitions = {row["indicator"]: row for row in tools.database.rows("staging.stg_indicators", "position")}
    rows: list[TableRow] = []
    group = None
    # The indicators of a dimension stand together, wherever in the list a new one was added.
    dimensions = list(dict.fromkeys(row["dimension"] for row in found))
    for row in sorted(found, key=lambda row: dimensions.index(row["dimension"])):
        seed = definitions.get(row["indicator"], {})
        dimension = Text(
            str(row["dimension_zh"] or row["dimension"]), str(seed.get("dimension_en") or row["dimension"])
        )
        if dimension != group:
            rows.append(TableRow(dimension, is_heading=True))
            group = dimension
        definition = Text(str(seed.get("definition_zh") or ""), str(seed.get("definition_en") or ""))
        subdimension = Text(str(seed.get("subdimension_zh") or ""), str(seed.get("subdimension_en") or ""))
        rows.append(
            TableRow(
                Text(str(row["name_zh"] or row["indicator"]), str(row["name_en"] or row["indicator"])),
                (
                    Cell(words=subdimension),
                    Cell(words=definition),
                    Cell(words=same("+" if row["direction"] > 0 else "−")),
                    tools.published_plain(row["weight"], "index weight", row["dimension"], row["indicator"]),
                ),
            )
        )
    headings = (tuple((tools.heading(key), 1) for key in ("second_level", "definition", "direction", "weight")),)
    reasons = []
    for row in found:
        if row["uncovered_reason"] is not None:
            reason = tools.note(row["uncovered_reason"])
            reasons.append(Text(f"{row['name_zh']}:{reason.zh}", f"{row['name_en']}: {reason.en}"))
    panel = Panel(None, tools.heading("indicator"), headings, tuple(rows))
    return Draft([panel], ["index_weights"], [*_proxies(tools, definitions), *reasons])


def _proxies(tools: Tools, definitions: dict[object, Row]) -> list[Text]:
    """One note per proxy: which indicators use it, and what it stands for."""
    notes = []
    for row in tools.database.rows("quality.input_summary", "measure", "is_proxy"):
        users = [definitions[name] for name in str(row["used_by"]).split() if name in definitions]
        measure, basis = tools.study.measure(row), tools.study.basis(row)
        names = joined(Text(str(user["name_zh"]), str(user["name_en"])) for user in users)
        if users:
            notes.append(
                Text(
                    f"{names.zh}:以{basis.zh}代替{measure.zh}(代理变量)。",
                    f"{names.en}: {basis.en} stands for {measure.en} (a proxy).",
                )
            )
    return notes


def summary_statistics(tools: Tools, found: list[Row]) -> Draft:
    """One row per variable under its role."""
    position = {variable: number for number, variable in enumerate(tools.study.column_of)}
    in_order = sorted(found, key=lambda row: position.get(str(row["variable"]), len(position)))
    # The variables of a role stand together, wherever in the list a new one was added; the outcome comes first.
    roles = sorted(dict.fromkeys(row["role"] for row in in_order), key=lambda role: role != "outcome")
    rows: list[TableRow] = []
    role = None
    for row in sorted(in_order, key=lambda row: roles.index(row["role"])):
        if row["role"] != role:
            role = row["role"]
            rows.append(TableRow(tools.study.label("role", role), is_heading=True))
        statistics = [
            tools.published_plain(row[name], "summary statistic", role, f"{row['variable']} / {name}")
            for name in ("mean", "std_dev", "minimum", "maximum")
        ]
        n_obs = tools.published_plain(row["n_obs"], "observations", role, row["variable"], 0)
        rows.append(TableRow(tools.row(row["variable"]), (n_obs, *statistics)))
    headings = (tuple((tools.heading(key), 1) for key in ("n_obs", "mean", "std_dev", "minimum", "maximum")),)
    panel = Panel(None, tools.heading("variable"), headings, tuple(rows))
    notes = [*_population(tools), *_filled(tools, found), *_missing(tools, in_order)]
    return Draft([panel], ["summary_statistics"], notes)


def _population(tools: Tools) -> list[Text]:
    """What population is in every year, where the input has it."""
    notes = []
    for row in tools.database.rows("quality.input_summary", "measure", "measure = 'population'"):
        basis, filled = tools.study.basis(row), row["n_interpolated"] + row["n_carried"]
        notes.append(
            Text(
                f"全部年份的人口均为{basis.zh};{row['n_values']} 个数值中有 {filled} 个是填补的。",
                f"Population is {basis.en} in every year; {filled} of {row['n_values']} values are filled.",
            )
        )
    return notes


def _filled(tools: Tools, found: list[Row]) -> list[Text]:
    """How many values of the outcomes rest on filled ones."""
    notes = []
    for row in found:
        if row["role"] == "outcome" and row["n_filled"]:
            name = tools.row(row["variable"])
            notes.append(
                Text(
                    f"{name.zh}:{row['n_obs']} 个观测中有 {row['n_filled']} 个至少用到一个填补的数值。",
                    f"{name.en}: {row['n_filled']} of {row['n_obs']} observations use at least one filled value.",
                )
            )
    return notes


def _missing(tools: Tools, found: list[Row]) -> list[Text]:
    """What the rows say of themselves, each sentence once after the variables that it is about."""
    said: dict[str, list[Text]] = {}
    for row in found:
        if row["message"]:
            said.setdefault(str(row["message"]), []).append(tools.row(row["variable"]))
    notes = []
    for message, variables in said.items():
        names, note = joined(variables), tools.note(message)
        notes.append(Text(f"{names.zh}:{note.zh}", f"{names.en}: {note.en}"))
    return notes
