"""Charts as files for a paper."""

import shutil
import xml.etree.ElementTree as ElementTree
from types import SimpleNamespace

import pytest
from city_policy.errors import InputError
from city_policy.report import charts
from city_policy.report.charts import has_chinese_font, write_charts
from city_policy.report.figures.chart import GROUND
from city_policy.report.study import Text
from conftest import program, run

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def database(demo_build):
    return demo_build / "city_policy.duckdb"


def test_a_figure_is_a_file_per_policy_and_language(database, tmp_path):
    written = write_charts(database, tmp_path, ["event_study", "cohorts"], ["svg"])
    assert sorted(str(path.relative_to(tmp_path)) for path in written) == [
        f"{language}/{name}-{number}.svg"
        for language in ("en", "zh")
        for name in ("cohorts", "event_study")
        for number in (1, 2, 3)
    ]
    for path in written:
        text = path.read_text(encoding="utf-8")
        root = ElementTree.fromstring(text)
        assert root.tag.endswith("svg") and GROUND["light"] in text.lower()
        assert ("首次试点年份" in text or "相对试点的年份" in text) == (path.parent.name == "zh")
    # The same bytes again, and nothing else in the folder.
    before = {path: path.read_bytes() for path in written}
    again = write_charts(database, tmp_path, ["cohorts", "event_study"], ["svg"])
    assert {path: path.read_bytes() for path in again} == before
    assert {path.name for path in tmp_path.iterdir()} == {"en", "zh"}


def test_a_png_has_as_many_pixels_as_are_asked_for(database, tmp_path):
    small, large = (
        write_charts(database, tmp_path / str(scale), ["inference"], ["png"], ["en"], "dark", 300, scale)[
            0
        ].read_bytes()
        for scale in (1, 2)
    )
    assert small.startswith(PNG) and large.startswith(PNG)
    width = [int.from_bytes(content[16:20], "big") for content in (small, large)]
    assert abs(width[1] - 2 * width[0]) <= 2 and width[0] >= 300


def test_an_unknown_figure_and_one_without_data_are_sentences(database, tmp_path):
    with pytest.raises(InputError, match=r"no figure 'event_stud'.*did you mean event_study"):
        write_charts(database, tmp_path, ["event_stud"])
    assert list(tmp_path.iterdir()) == []


def test_a_png_in_chinese_needs_a_font(database, tmp_path, monkeypatch):
    monkeypatch.setattr(charts, "has_chinese_font", lambda: False)
    with pytest.raises(InputError, match="fonts-noto-cjk"):
        write_charts(database, tmp_path, ["event_study"], ["png"])
    assert write_charts(database, tmp_path, ["event_study"], ["png"], ["en"])


def test_a_chinese_font_is_seen():
    fonts = program("fc-list", "fontconfig")
    import subprocess

    installed = subprocess.run([fonts, ":lang=zh"], capture_output=True, text=True, check=True).stdout
    assert has_chinese_font() is bool(installed.strip())


def test_the_command_writes_charts_of_the_demo(demo_build, project, tmp_path):
    result = run(
        ["city-policy", "chart", "event_study", "--format", "svg", "--out", str(tmp_path / "it's mine")],
        project,
        demo_build,
    )
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.splitlines()) == 6 and (tmp_path / "it's mine" / "zh" / "event_study-1.svg").is_file()
    result = run(["city-policy", "chart", "--format", "gif"], project, demo_build)
    assert result.returncode == 2 and "'gif' is not one of svg, png" in result.stderr
    shutil.rmtree(tmp_path / "it's mine")


def test_a_figure_without_data_says_why_in_both_languages(monkeypatch):
    figure = SimpleNamespace(key="bacon", message=Text("没有可画的数据。", "Nothing to draw."))
    monkeypatch.setattr(charts, "without_maps", lambda _: [figure])
    monkeypatch.setattr(charts.outlines, "available", lambda: False)
    with pytest.raises(InputError, match="The figure bacon has no data: Nothing to draw") as caught:
        charts._figures(None, ["bacon"])
    assert caught.value.chinese == "图 bacon 没有数据：没有可画的数据。"
