"""The figures of a report as files for a paper: one SVG or PNG per chart."""

import difflib
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import vl_convert

from city_policy.errors import InputError
from city_policy.report import outlines
from city_policy.report.database import Database
from city_policy.report.figures import Context, Figure, only_maps, theme, with_outlines, without_maps
from city_policy.report.figures.chart import Spec
from city_policy.report.study import Study

FORMATS = ("svg", "png")
# Width of a chart in pixels: a column of a page, and a figure of several policies side by side.
WIDE, NARROW = 760, 360


def write_charts(
    database: Path,
    out: Path,
    names: Sequence[str] = (),
    formats: Sequence[str] = FORMATS,
    languages: Sequence[str] = ("zh", "en"),
    ground: str = "light",
    width: int | None = None,
    scale: float = 3.0,
) -> list[Path]:
    """Write figures below ``out``, a folder per language; returns the files.

    ``names``: the keys of figures, all that have data without any; ``formats``: of ``FORMATS``; ``ground``: ``light``
    or ``dark``; ``width``: of a chart in pixels; ``scale``: pixels of a PNG per pixel of a chart. A figure of several
    charts becomes as many files, numbered. Raises InputError for an unknown figure, one without data, and a PNG in
    Chinese where no installed font has Chinese characters.
    """
    with Database(database) as source:
        drawn = _figures(Context(source, Study(source)), names)
    if "png" in formats and "zh" in languages and not has_chinese_font():
        raise InputError(
            "No installed font has Chinese characters, so a PNG in Chinese would show boxes; install one "
            "(Debian: fonts-noto-cjk), or ask for --format svg or --language en."
        )
    topology = outlines.read_outlines().topology if outlines.available() else None
    out.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".charts-", dir=out))
    written = []
    try:
        for figure in drawn:
            for language in languages:
                charts = figure.charts[language]
                for number, spec in enumerate(charts, start=1):
                    name = figure.key if len(charts) == 1 else f"{figure.key}-{number}"
                    wide = figure.wide or len(charts) == 1
                    whole = with_outlines(spec, topology) | {"width": width or (WIDE if wide else NARROW)}
                    for kind in formats:
                        content = _picture(whole, kind, ground, scale)
                        (aside / f"{language}-{name}.{kind}").write_bytes(content)
                        written.append((f"{language}-{name}.{kind}", out / language / f"{name}.{kind}"))
        for name, target in written:
            target.parent.mkdir(exist_ok=True)
            os.replace(aside / name, target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return [target for _, target in written]


def _figures(context: Context, names: Sequence[str]) -> list[Figure]:
    """The figures that are asked for, in the order of the report."""
    figures = without_maps(context) + (only_maps(context) if outlines.available() else [])
    known = {figure.key: figure for figure in figures}
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            maps = "" if outlines.available() else " Maps need the outlines: run `make report` once."
            if near:
                raise InputError(
                    f"There is no figure '{name}' of this study; there are {', '.join(known)}; did you mean "
                    f"{near[0]}?{maps}"
                )
            raise InputError(f"There is no figure '{name}' of this study; there are {', '.join(known)}.{maps}")
        if message := known[name].message:
            error = InputError(f"The figure {name} has no data: {message.en}")
            error.chinese = f"图 {name} 没有数据：{message.zh}"
            raise error
    return [figure for figure in figures if not figure.message and (not names or figure.key in names)]


def _picture(spec: Spec, kind: str, ground: str, scale: float) -> bytes:
    """A chart as the content of a file."""
    config = theme(ground) | {"padding": 8}
    if kind == "svg":
        return vl_convert.vegalite_to_svg(spec, config=config).encode()
    return vl_convert.vegalite_to_png(spec, config=config, scale=scale)


def has_chinese_font() -> bool:
    """Whether two Chinese characters look different when they are drawn: without a font both are the same box."""

    def drawn(character: str) -> bytes:
        mark = {"type": "text", "text": character, "fontSize": 20}
        return vl_convert.vegalite_to_png({"data": {"values": [{}]}, "mark": mark, "width": 40, "height": 40})

    return drawn("中") != drawn("国")
