"""The command line: what a user types, what comes out, and one sentence for a mistake."""

import filecmp
import shutil

import pytest
from city_policy import __version__
from city_policy.errors import InputError
from conftest import run


def test_version_and_help(project, tmp_path):
    assert run(["city-policy", "--version"], project, tmp_path).stdout.strip() == __version__
    output = run(["city-policy", "--help"], project, tmp_path).stdout
    for command in ("build", "ingest", "montecarlo", "publish", "questions", "report", "simulate", "table"):
        assert command in output


def test_simulate_reproduces_the_committed_seeds(project, tmp_path):
    result = run(["city-policy", "simulate", "--out", str(tmp_path / "out")], project, tmp_path)
    assert result.returncode == 0, result.stderr
    committed = sorted(path.name for path in (project / "seeds" / "yearbook").glob("*.csv"))
    written = sorted(path.name for path in (tmp_path / "out").glob("*.csv"))
    assert written == committed
    _, different, broken = filecmp.cmpfiles(project / "seeds" / "yearbook", tmp_path / "out", committed, shallow=False)
    assert different == broken == []


def test_simulate_prints_fewer_cities_and_years(project, tmp_path):
    arguments = ["city-policy", "simulate", "--cities", "40", "--years", "2013-2019", "--out", str(tmp_path / "few")]
    assert run(arguments, project, tmp_path).returncode == 0
    printed = (tmp_path / "few" / "demo_gdp.csv").read_text(encoding="utf-8").splitlines()
    committed = (project / "seeds" / "yearbook" / "demo_gdp.csv").read_text(encoding="utf-8").splitlines()
    assert set(printed) < set(committed)
    assert len(printed) - 1 == pytest.approx(40 * 7, abs=5)


def test_monte_carlo_writes_a_table_and_a_figure(project, tmp_path):
    arguments = ["city-policy", "montecarlo", "--scenario", "null", "--scenario", "dynamic", "--replications", "3"]
    result = run([*arguments], project, tmp_path)
    assert result.returncode == 0, result.stderr
    assert "never evidence about China" in result.stdout
    table = (tmp_path / "montecarlo" / "montecarlo.csv").read_text(encoding="utf-8").splitlines()
    assert table[0].startswith("scenario,estimator,policy_id,vcov,truth,replications")
    assert {line.split(",")[0] for line in table[1:]} == {"null", "dynamic"}
    figure = (tmp_path / "montecarlo" / "montecarlo.svg").read_text(encoding="utf-8")
    assert "simulated data, 3 replications" in figure and "sun_abraham" in figure and "http-equiv" not in figure


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ingest", "nowhere"], ("nowhere",)),
        (["questions"], ("does not exist", "make build")),
        (["build", "--supplementary", "somewhere"], ("without yearbooks",)),
        (["build", "--yearbooks", "nowhere"], ("nowhere",)),
        (["simulate", "--scenario", "nothing", "--out", "unused"], ("'nothing'", "paper, null")),
        (["montecarlo", "--replications", "1"], ("1 replications",)),
        (["montecarlo", "--scenario", "null", "--cities", "9"], ("9 cities", "'large'")),
        (["simulate", "--cities", "0", "--out", "unused"], ("0 cities", "1 to")),
        (["simulate", "--years", "2019-2013", "--out", "unused"], ("2019", "2013")),
    ],
)
def test_mistakes_are_one_sentence(project, tmp_path, arguments, words):
    result = run(["city-policy", *arguments], project, tmp_path)
    assert result.returncode == 2
    assert result.stderr.startswith("city-policy: ") and result.stderr.count("\n") == 1, result.stderr
    for word in words:
        assert word in result.stderr


def test_ingest_reads_a_printed_table_and_says_what_it_read(project, tmp_path):
    (tmp_path / "books" / "2012").mkdir(parents=True)
    (tmp_path / "books" / "2012" / "table.csv").write_text(
        "2-1 人口状况,,\n城市,City,年末总人口(万人)\n北京市,Beijing,1278\n天律市,Tianjin,996\n石家庄市,Shijiazhuang,99.7.3\n",
        encoding="gb18030",
    )
    result = run(["city-policy", "ingest", str(tmp_path / "books"), "--quiet"], project, tmp_path / "data")
    assert result.returncode == 0, result.stderr
    assert "天律市" in result.stdout and "99.7.3" in result.stdout
    assert (tmp_path / "data" / "landing" / "yearbook_cells.parquet").is_file()


def test_an_interrupted_ingest_keeps_the_landing_file(project, tmp_path):
    landing = tmp_path / "data" / "landing"
    landing.mkdir(parents=True)
    (landing / "yearbook_cells.parquet").write_bytes(b"as it was")
    (tmp_path / "books" / "2012").mkdir(parents=True)
    shutil.copy(project / "README.md", tmp_path / "books" / "2012" / "table.xlsx")
    result = run(["city-policy", "ingest", str(tmp_path / "books"), "--quiet"], project, tmp_path / "data")
    assert result.returncode == 2 and "table.xlsx" in result.stderr
    assert (landing / "yearbook_cells.parquet").read_bytes() == b"as it was"


def test_the_supplementary_example_of_the_documentation_is_read(project, pages, tmp_path):
    page = pages[project / "docs" / "yearbooks.md"]
    example = page.split("```csv\n")[1].split("```")[0]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "example.csv").write_text(example, encoding="utf-8")
    (tmp_path / "books" / "2012").mkdir(parents=True)
    (tmp_path / "books" / "2012" / "table.csv").write_text(
        "2-1 人口状况,,\n城市,City,年末总人口(万人)\n北京市,Beijing,1278\n天津市,Tianjin,996\n", encoding="utf-8"
    )
    command = ["city-policy", "ingest", str(tmp_path / "books"), "--supplementary", str(tmp_path / "other"), "--quiet"]
    result = run(command, project, tmp_path / "data")
    assert result.returncode == 0, result.stderr
    assert "unknown places        0" in result.stdout and "unparsed numbers      0" in result.stdout
    assert (tmp_path / "data" / "landing" / "supplementary_values.parquet").is_file()


def test_a_mistake_that_brings_its_chinese_form_is_said_in_it(monkeypatch, capsys):
    from city_policy.cli import _ended

    error = InputError("The figure map has no data: This build has nothing to draw here.")
    error.chinese = "图 map 没有数据：这次构建没有可画的数据。"
    for language, said in (("en", str(error)), ("zh", error.chinese)):
        monkeypatch.setenv("CITY_POLICY_LANGUAGE", language)
        assert _ended(error) == 2
        assert capsys.readouterr().err == f"city-policy: {said}\n"
