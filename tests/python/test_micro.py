"""Counting firms and patents by city: against simulated extracts whose truth is known, by examples of every rule, and with
every mistake that a user can make."""

import csv
import importlib
import json
import os
import shutil
import subprocess
import sys

import duckdb
import pandas as pd
import pytest
from city_policy.estimation.large_panels.database_cross_products import read_moments
from city_policy.reader import ingest_supplementary
from conftest import PROJECT
from reader_workbooks import GEOGRAPHY
from reader_workbooks import MAPPING as MAPPING_SEEDS
from resampling_reference import cross_product_table, firm_panel
from simulated_extracts import MAPPING, simulate, truth

MICRO = PROJECT / "micro"
PYTHON = PROJECT / ".venv-micro" / "bin" / "python"

# Its modules are scripts beside each other, as they run in their own environment.
sys.path.insert(0, str(MICRO))
command, extracts, lists, mapping, results = (
    importlib.import_module(name) for name in ("count", "extracts", "lists", "mapping", "results")
)
sys.path.remove(str(MICRO))


def count(data, *options, **environment):
    """Run the command as `make micro` does; returns the finished process."""
    if not PYTHON.exists():
        pytest.skip("the environment that counts is not installed (make .venv-micro/installed)")
    program = [str(PYTHON), str(MICRO / "count.py"), *map(str, options)]
    settings = {**os.environ, "CITY_POLICY_DATA": str(data), **environment}
    return subprocess.run(program, capture_output=True, text=True, env=settings, cwd=data)


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def counts_of(data):
    """Counts by (indicator, adcode, year), without zeros."""
    rows = rows_of(data / "micro" / "supplementary" / "city_counts.csv")
    return {
        (row["indicator"], row["adcode"], int(row["year"])): int(row["value"]) for row in rows if row["value"] != "0"
    }


def balance_of(data):
    return {(row["extract"], row["status"]): int(row["rows"]) for row in rows_of(data / "micro" / "row_balance.csv")}


N_FIRMS, N_PATENTS = 60_000, 40_000


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """A folder with simulated extracts and, in ``data``, what DuckDB counted."""
    folder = tmp_path_factory.mktemp("micro")
    simulate(folder, N_FIRMS, N_PATENTS, rows_per_file=25_000)
    (folder / "data").mkdir()
    options = ["--firms", folder / "firms", "--patents", folder / "patents", "--mapping", folder / "mapping.csv"]
    finished = count(folder / "data", *options)
    assert finished.returncode == 0, finished.stderr
    return folder


def test_duckdb_counts_what_was_planted(simulated):
    counts, balance = truth(N_FIRMS, N_PATENTS)
    assert counts_of(simulated / "data") == counts
    assert balance_of(simulated / "data") == balance
    for extract, n_rows in (("firms", N_FIRMS), ("patents", N_PATENTS)):
        assert sum(rows for (one, _), rows in balance.items() if one == extract) == n_rows
    # Duplicates, ambiguous and unknown places were planted.
    assert min(balance["firms", status] for status in ("duplicate", "ambiguous", "unknown")) > 500


def test_every_city_and_year_of_the_frame_has_a_row(simulated):
    rows = rows_of(simulated / "data" / "micro" / "supplementary" / "city_counts.csv")
    cities = [
        row["adcode"]
        for row in rows_of(PROJECT / "seeds/geography/cities.csv")
        if row["is_prefecture_city_or_above"] == "1"
    ]
    expected = {
        (name, city, str(year))
        for name in ("green_patents", "high_tech_firms")
        for city in cities
        for year in range(2011, 2022)
    }
    assert {(row["indicator"], row["adcode"], row["year"]) for row in rows} == expected
    assert len(rows) == len(expected)
    assert any(row["value"] == "0" for row in rows)


def test_the_source_names_list_and_rules(simulated):
    sources = {
        row["indicator"]: row["source"]
        for row in rows_of(simulated / "data" / "micro" / "supplementary" / "city_counts.csv")
    }
    for words in (
        "IPC Green Inventory",
        "2018",
        "year of grant",
        "first applicant",
        "any class",
        "main group",
        "application number",
    ):
        assert words in sources["green_patents"]
    for words in ("National Bureau of Statistics of China", "2017", "end of the year", "names of 2021", "credit code"):
        assert words in sources["high_tech_firms"]


def test_supplementary_reads_the_counts(simulated, tmp_path):
    folder = simulated / "data" / "micro" / "supplementary"
    summary = ingest_supplementary(folder, tmp_path, MAPPING_SEEDS, GEOGRAPHY, progress=False)
    assert summary.values_per_indicator == {"green_patents": 297 * 11, "high_tech_firms": 297 * 11}
    assert not summary.unknown_places and not summary.unparsed_numbers
    landed = duckdb.sql(f"select distinct indicator, source from '{tmp_path}/supplementary_values.parquet'").fetchall()
    assert any("year of grant" in source for _, source in landed)


def test_no_name_of_a_person_is_read(simulated):
    """The extracts hold 张某某 and 李某某; nothing that a count leaves behind does."""
    for path in (simulated / "data").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert "张某某".encode() not in content and "李某某".encode() not in content, path
    with duckdb.connect(str(simulated / "data" / "micro" / "work" / "micro.duckdb"), read_only=True) as connection:
        for view in ("input_firms", "input_patents"):
            (sql,) = connection.execute("select sql from duckdb_views() where view_name = ?", [view]).fetchone()
            assert "法定代表人" not in sql and "发明人" not in sql


def test_spark_counts_the_same(simulated, tmp_path):
    if not shutil.which("java"):
        pytest.skip("no Java is installed, which Spark needs")
    if PYTHON.exists() and not list((PYTHON.parents[1] / "lib").glob("python*/site-packages/pyspark")):
        pytest.skip("Spark is not installed (make .venv-micro/installed)")
    options = [
        "--firms",
        simulated / "firms",
        "--patents",
        simulated / "patents",
        "--mapping",
        simulated / "mapping.csv",
    ]
    finished = count(tmp_path, *options, "--target", "spark")
    assert finished.returncode == 0, finished.stderr
    for name in ("supplementary/city_counts.csv", "row_balance.csv", "unplaced_texts.csv", "unread_codes.csv"):
        assert (tmp_path / "micro" / name).read_bytes() == (simulated / "data/micro" / name).read_bytes(), name


def test_without_java_spark_says_so(simulated, tmp_path):
    options = ["--firms", simulated / "firms", "--mapping", simulated / "mapping.csv", "--target", "spark"]
    environment = {"PATH": str(PYTHON.parent), "JAVA_HOME": ""}
    finished = count(tmp_path, *options, **environment)
    assert finished.returncode == 1
    assert "Spark needs Java 17 or 21, and no java was found" in finished.stderr


def test_the_order_of_files_and_threads_do_not_matter(simulated, tmp_path):
    folder = tmp_path / "renamed"
    folder.mkdir()
    for number, file in enumerate(sorted((simulated / "firms").iterdir(), reverse=True)):
        (folder / f"{number}.parquet").symlink_to(file)
    finished = count(
        tmp_path,
        "--firms",
        folder,
        "--mapping",
        simulated / "mapping.csv",
        CITY_POLICY_MICRO_THREADS="1",
        TZ="Asia/Shanghai",
    )
    assert finished.returncode == 0, finished.stderr
    expected = {key: value for key, value in counts_of(simulated / "data").items() if key[0] == "high_tech_firms"}
    assert counts_of(tmp_path) == expected


def test_what_memory_does_not_hold_is_written_aside(simulated, tmp_path):
    """Once something was, DuckDB lets nobody name another directory for it."""
    options = ["--firms", simulated / "firms", "--mapping", simulated / "mapping.csv"]
    finished = count(tmp_path, *options, CITY_POLICY_MICRO_MEMORY="330MB")
    assert finished.returncode == 0, finished.stderr
    expected = {key: value for key, value in counts_of(simulated / "data").items() if key[0] == "high_tech_firms"}
    assert counts_of(tmp_path) == expected


# Rules by example

FIRM_SETTINGS = "\n".join(line for line in MAPPING.splitlines() if not line.startswith("patents"))
PATENT_SETTINGS = "\n".join(line for line in MAPPING.splitlines() if not line.startswith("firms"))


def patents_csv(folder, *rows, encoding="utf-8"):
    """An extract of patents as CSV; a row has number, type, applied, granted, classes, addresses."""
    folder.mkdir()
    header = "申请号,专利类型,申请日,授权公告日,IPC分类号,申请人地址,更新日期,发明人"
    lines = [",".join(f'"{cell}"' for cell in (*row, "2022-01-01", "李某某")) for row in rows]
    (folder / "patents.csv").write_text("\n".join([header, *lines]) + "\n", encoding=encoding)
    return folder


PATENTS = (
    # Granted in 2012, applied for in 2010; applicants in two cities, and one of them twice.
    (
        "A",
        "发明授权",
        "2010-01-02",
        "2012-03-04",
        "G06F 17/30; F03D 1/04",
        "北京市海淀区1号；广东省深圳市2号；深圳市3号",
    ),
    # Its first class is in the list, and a main group's subgroup.
    ("B", "实用新型", "2012.05.06", "20130708", "C10L 5/00; A63F 1/00", "江苏省昆山市4号"),
    ("C", "实用新型", "2012年5月6日", "2013年7月8日", "C10L 5/20", "吉林省吉林市5号"),
    ("D", "外观设计", "2012-05-06", "", "F03D 1/04", "深圳市6号"),
)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, {("110000", 2012): 1, ("320500", 2013): 1, ("220200", 2013): 1}),
        ({"applicants": "all"}, {("110000", 2012): 1, ("440300", 2012): 1, ("320500", 2013): 1, ("220200", 2013): 1}),
        ({"classes": "first"}, {("320500", 2013): 1, ("220200", 2013): 1}),
        ({"ipc_main_groups": "alone"}, {("110000", 2012): 1, ("320500", 2013): 1}),
        (
            {"patent_year": "application", "first_year": "2010"},
            {("110000", 2010): 1, ("320500", 2012): 1, ("220200", 2012): 1, ("440300", 2012): 1},
        ),
        ({"provinces": "320000;110000", "encoding": "gb18030"}, {("110000", 2012): 1, ("320500", 2013): 1}),
    ],
)
def test_rules_of_patents(tmp_path, settings, expected):
    lines = PATENT_SETTINGS
    for field, value in settings.items():
        lines = (
            "\n".join(line for line in lines.splitlines() if not line.startswith(f"settings,{field},"))
            + f"\nsettings,{field},{value}"
        )
    (tmp_path / "mapping.csv").write_text(lines + "\n", encoding="utf-8")
    folder = patents_csv(tmp_path / "patents", *PATENTS, encoding=settings.get("encoding", "utf-8-sig"))
    before = (folder / "patents.csv").read_bytes()
    finished = count(tmp_path, "--patents", folder, "--mapping", tmp_path / "mapping.csv")
    assert finished.returncode == 0, finished.stderr
    assert {key[1:]: value for key, value in counts_of(tmp_path).items()} == expected
    assert sum(balance_of(tmp_path).values()) == len(PATENTS)
    assert (folder / "patents.csv").read_bytes() == before
    source = rows_of(tmp_path / "micro/supplementary/city_counts.csv")[0]["source"]
    if settings.get("applicants") == "all":
        assert "once in every city of its applicants" in source


PLACES = {
    # Columns of province and city, and the address: the city, or why there is none.
    ("广东省", "深圳市", ""): "440300",
    ("广东", "深圳", "南山区1号"): "440300",
    ("北京市", "市辖区", ""): "110000",
    ("北京市", "", ""): "110000",
    ("广东省", "", "深圳市南山区1号"): "440300",
    ("", "深圳市", "广东省深圳市1号"): "440300",
    # Columns and address contradict each other.
    ("广东省", "深圳市", "广东省广州市1号"): "ambiguous",
    # A column that says nothing of a city leaves it to the address, and the other way round.
    ("江苏省", "省直辖", "江苏省昆山市1号"): "320500",
    ("广东省", "深圳市", "北京路1号"): "440300",
    # A short name that the seeds call ambiguous is none, with its province too.
    ("吉林", "吉林", ""): "unknown",
    ("", "", "昆山市花桥镇"): "320500",
    ("", "", "海南三亚市1号"): "460200",
    ("", "", "海南藏族自治州共和县"): "632500",
    ("", "", "南山区科技园"): "ambiguous",
    ("", "", "深圳南山区科技园"): "ambiguous",
    ("", "", "湖北省仙桃市1号"): "unknown",
    ("", "", "莱芜市莱城区1号"): "unknown",
    ("", "", "科技园"): "unknown",
    ("", "", ""): "unknown",
}


def test_places_by_columns_and_address(tmp_path):
    firms = tmp_path / "firms"
    firms.mkdir()
    header = "统一社会信用代码,省份,城市,企业地址,成立日期,注销日期,行业代码,更新日期"
    lines = [f"{i},{province},{city},{address},2015-01-01,,3911," for i, (province, city, address) in enumerate(PLACES)]
    (firms / "f.csv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    # Laiwu was a city of its own until 2018; its name holds two years longer.
    rows = FIRM_SETTINGS + "\nfirms,province,省份\nfirms,city,城市\nsettings,cities,all\n"
    (tmp_path / "mapping.csv").write_text(rows, encoding="utf-8")
    finished = count(tmp_path, "--firms", firms, "--mapping", tmp_path / "mapping.csv")
    assert finished.returncode == 0, finished.stderr
    with duckdb.connect(str(tmp_path / "micro" / "work" / "micro.duckdb"), read_only=True) as connection:
        found = dict(connection.execute("select credit_code, adcode from int_firms").fetchall())
    assert {place: found[str(i)] for i, place in enumerate(PLACES)} == PLACES


def test_a_list_of_ones_own_counts_by_keyword_and_by_type(tmp_path):
    """Firms by words in the scope of business, and inventions of a class; both with a citation."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "classifications.csv").write_text(
        "classification,name_en,name_zh,issuer_en,issuer_zh,edition,date,scheme,source,checked,note\n"
        "piles,Words for charging piles,充电桩关键词,the authors,作者,2025,2025,keyword,Table A1 of the paper,,\n"
        "electric,Electric digital data processing,电数字数据处理,the authors,作者,2025,2025,ipc,Table A2 of the paper,,\n",
        encoding="utf-8",
    )
    (own / "classification_codes.csv").write_text(
        "classification,first_code,last_code,label_zh,printed\npiles,充电桩,,,\npiles,充电设施,,,\nelectric,G06F,,,\n",
        encoding="utf-8",
    )
    (own / "indicators.csv").write_text(
        "indicator,extract,classification,patent_type\ncharging_pile_firms,firms,piles,\n"
        "digital_invention_patents,patents,electric,invention\n",
        encoding="utf-8",
    )
    firms = tmp_path / "firms"
    firms.mkdir()
    (firms / "f.csv").write_text(
        "code,founded,closed,industry,address,scope\n"
        "1,2015-01-01,,6510,深圳市1号,充电桩及充电设施的销售\n2,2016-01-01,2018-01-01,6510,深圳市2号,建设充电设施\n3,2016-01-01,,6510,深圳市3号,软件\n",
        encoding="utf-8",
    )
    lines = (
        PATENT_SETTINGS
        + "\nfirms,credit_code,code\nfirms,founded,founded\nfirms,closed,closed\nfirms,industry,industry\nfirms,address,address\nfirms,business_scope,scope\n"
    )
    (tmp_path / "mapping.csv").write_text(lines, encoding="utf-8")
    patents = patents_csv(
        tmp_path / "patents",
        ("A", "发明授权", "2010-01-02", "2012-03-04", "G06F 17/30", "北京市1号"),
        ("B", "实用新型", "2010-01-02", "2012-03-04", "G06F 17/30", "北京市2号"),
        ("C", "未知", "2010-01-02", "2012-03-04", "G06F 17/30", "北京市3号"),
    )
    finished = count(
        tmp_path,
        "--firms",
        firms,
        "--patents",
        patents,
        "--mapping",
        tmp_path / "mapping.csv",
        "--classifications",
        own,
    )
    assert finished.returncode == 0, finished.stderr
    found = counts_of(tmp_path)
    assert {key: value for key, value in found.items() if key[0] == "charging_pile_firms"} == {
        ("charging_pile_firms", "440300", year): {2015: 1, 2016: 2, 2017: 2}.get(year, 1) for year in range(2015, 2022)
    }
    assert {key: value for key, value in found.items() if key[0].startswith("digital")} == {
        ("digital_invention_patents", "110000", 2012): 1
    }
    assert balance_of(tmp_path)["patents", "dropped: unknown type of patent"] == 1
    sources = {row["source"] for row in rows_of(tmp_path / "micro/supplementary/city_counts.csv")}
    assert any("Words for charging piles (the authors; 2025)" in source for source in sources)


def test_the_cross_products_of_a_panel_are_those_of_its_rows(tmp_path):
    panel = firm_panel()
    (tmp_path / "panel").mkdir()
    missing = panel.head(3).assign(size=None, firm="another")
    written = pd.concat([panel, missing])  # noqa: F841 (DuckDB reads it by its name)
    duckdb.sql(f"copy written to '{tmp_path}/panel/p.parquet' (format parquet)")
    rows = "extract,field,value\npanel,unit,firm\npanel,cluster,city\npanel,period,year\npanel,outcome,y\npanel,regressor,pilot\npanel,regressor,size\n"
    (tmp_path / "mapping.csv").write_text(rows, encoding="utf-8")
    finished = count(tmp_path, "--panel", tmp_path / "panel", "--mapping", tmp_path / "mapping.csv")
    assert finished.returncode == 0, finished.stderr
    assert balance_of(tmp_path) == {("panel", "used"): len(panel), ("panel", "dropped: a value is missing"): 3}
    table = pd.read_parquet(tmp_path / "micro" / "cross_products.parquet")
    ours, theirs = (
        read_moments(one, ["pilot", "y"], ["size"]).weigh().regress(1, [0], clustered=True)
        for one in (table, cross_product_table(panel, "firm", "city", ["pilot", "size"]))
    )
    assert ours.estimate[0, 0] == pytest.approx(theirs.estimate[0, 0], rel=1e-12)
    assert ours.std_error_crv1[0, 0] == pytest.approx(theirs.std_error_crv1[0, 0], rel=1e-12)


def test_a_panel_that_is_refused_says_why(tmp_path):
    panel = firm_panel()
    panel = pd.concat([panel, panel.head(1)])
    (tmp_path / "panel").mkdir()
    duckdb.sql(f"copy panel to '{tmp_path}/panel/p.parquet' (format parquet)")
    rows = "extract,field,value\npanel,unit,firm\npanel,cluster,city\npanel,period,year\npanel,outcome,y\npanel,regressor,pilot\n"
    (tmp_path / "mapping.csv").write_text(rows, encoding="utf-8")
    finished = count(tmp_path, "--panel", tmp_path / "panel", "--mapping", tmp_path / "mapping.csv")
    assert finished.returncode == 1
    assert "has two rows in one period; expected one." in finished.stderr
    assert not (tmp_path / "micro" / "cross_products.parquet").exists()


def test_industries_in_words_are_refused(tmp_path):
    """A column of words would give zeros everywhere."""
    firms = tmp_path / "firms"
    firms.mkdir()
    lines = [
        "统一社会信用代码,企业地址,成立日期,注销日期,行业代码,更新日期",
        *(f"{i},深圳市1号,2015-01-01,,软件和信息技术服务业," for i in range(9)),
    ]
    (firms / "f.csv").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "mapping.csv").write_text(FIRM_SETTINGS, encoding="utf-8")
    finished = count(tmp_path, "--firms", firms, "--mapping", tmp_path / "mapping.csv")
    assert finished.returncode == 1
    assert "9 of 9 codes of the firms cannot be read, such as '软件和信息技术服务业'" in finished.stderr
    assert not (tmp_path / "micro" / "supplementary").exists()


def test_unit_tests_of_the_models(tmp_path):
    if not PYTHON.exists():
        pytest.skip("the environment that counts is not installed (make .venv-micro/installed)")
    place = ["--project-dir", str(MICRO), "--profiles-dir", str(MICRO), "--target-path", str(tmp_path / "target")]
    files = ["--log-path", str(tmp_path / "logs")]
    program = [str(PYTHON.parent / "dbt"), "build", "--empty", *place, *files]
    environment = {**os.environ, "CITY_POLICY_MICRO_WORK": str(tmp_path)}
    empty = inputs(tmp_path)
    finished = subprocess.run([*program, "--vars", empty], capture_output=True, text=True, env=environment)
    assert finished.returncode == 0, finished.stdout
    assert "unit_test" in finished.stdout


def inputs(folder):
    """The variable ``inputs`` with an empty file for each, so that the models can be made."""
    columns = dict(command.LISTS)
    for name in ("firms", "patents"):
        fields = [
            field for (extract, field), rule in mapping.fields().items() if extract == name and rule.allowed == "column"
        ]
        columns[name] = ["patent_type" if field == "type" else field for field in fields]
    found = {}
    for name, names in columns.items():
        (folder / name).mkdir()
        (folder / name / "rows.csv").write_text(",".join(names) + "\n")
        found[name] = command._input(folder / name, "csv", {one: one for one in names})
    return json.dumps({"inputs": found})


# Mistakes


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("firms,founded,法定代表人", "the column '法定代表人' holds names of persons, which a count never reads"),
        ("firms,foundet,成立日期", "'firms, foundet' is no field; did you mean 'firms, founded'?"),
        ("firms,industry,", "'firms, industry' has no value"),
        ("firms,address,企业地址", "'firms, address' stands twice; keep one row"),
        ("settings,address_year,1911", "address_year is '1911'; expected a year from 1984 to 2100"),
        ("settings,classes,some", "classes is 'some'; expected one of any, first"),
        ("settings,provinces,44", "'44' is no code of a province; expected six digits"),
        ("patents,invention,发明授权", "the type '发明授权' stands twice"),
        ("firms,industry", "expected three cells: extract, field, value"),
    ],
)
def test_a_mistake_in_the_mapping_file_is_a_sentence(tmp_path, row, words):
    path = tmp_path / "mapping.csv"
    path.write_text(MAPPING + row + "\n", encoding="utf-8")
    with pytest.raises(mapping.InputError) as error:
        mapping.read_mapping(path, ["firms", "patents"])
    assert words in str(error.value)
    assert str(error.value).startswith(f"mapping.csv, row {len(MAPPING.splitlines()) + 1}: ")


def test_the_command_speaks_chinese(tmp_path):
    (tmp_path / "mapping.csv").write_text(MAPPING + "firms,foundet,成立日期\n", encoding="utf-8")
    options = ["--firms", tmp_path, "--mapping", tmp_path / "mapping.csv"]
    finished = count(tmp_path, *options, CITY_POLICY_LANGUAGE="zh")
    row = len(MAPPING.splitlines()) + 1
    assert (
        finished.stderr == f"micro: mapping.csv 第 {row} 行：“firms, foundet”不是可用的字段；是否指“firms, founded”？\n"
    )
    finished = count(tmp_path, "--help", CITY_POLICY_LANGUAGE="zh")
    assert "按城市和年份统计企业与专利。" in finished.stdout and "选项" in finished.stdout


@pytest.mark.parametrize(
    ("without", "words"),
    [
        ("settings,last_year", "the row 'settings, last_year' is missing (Last year of the counts)."),
        ("firms,credit_code", "the row 'firms, credit_code' is missing"),
        ("firms,address", "no row says where firms are; add firms, address or firms, city."),
        ("patents,grant_date", "patents are counted by grant, and the row 'patents, grant_date' is missing."),
    ],
)
def test_a_row_that_is_missing_is_named(tmp_path, without, words):
    path = tmp_path / "mapping.csv"
    path.write_text("\n".join(line for line in MAPPING.splitlines() if not line.startswith(without)), encoding="utf-8")
    with pytest.raises(mapping.InputError) as error:
        mapping.read_mapping(path, ["firms", "patents"])
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "holds no file that ends in .parquet or .csv."),
        ({"a.csv": b"code\n1\n", "b.parquet": b""}, "holds both Parquet and CSV files; keep one kind."),
        ({"a.csv": b"code\n1\n", "b.csv": b"cod\n1\n"}, "its columns are not those of"),
        ({"a.csv": b"cod\n1\n"}, "the column 'code' does not exist; did you mean 'cod'?"),
        ({"a.csv": b"code,code\n1,2\n"}, "the column 'code' stands twice"),
        (
            {"a.csv": b"code\n" + "中".encode("gb18030")},
            "is not in utf-8; write 'settings,encoding,gb18030' into the mapping file",
        ),
        ({"a.csv": b""}, "is empty; expected a row of column names."),
        ({"a.parquet": b"PAR1"}, "is no Parquet file, or it is damaged."),
    ],
)
def test_an_extract_that_cannot_be_read_is_a_sentence(tmp_path, files, words):
    (tmp_path / "in").mkdir()
    for name, content in files.items():
        (tmp_path / "in" / name).write_bytes(content)
    with pytest.raises(mapping.InputError) as error:
        extracts.open_extract("firms", tmp_path / "in", {"credit_code": "code"}, "utf-8", tmp_path / "work")
    assert words in str(error.value)


def test_columns_that_differ_in_capitals_only_are_refused(tmp_path):
    """DuckDB would take one of them in silence."""
    (tmp_path / "a.csv").write_text("code,Code\n1,2\n")
    with pytest.raises(mapping.InputError, match="the column 'code' stands twice"):
        extracts.open_extract("firms", tmp_path, {"credit_code": "code"}, "utf-8", tmp_path / "work")


def test_two_counts_in_one_folder_do_not_mix(tmp_path):
    refused = pytest.raises(mapping.InputError, match="Another count is running in")
    with command._only_count(tmp_path), refused, command._only_count(tmp_path):
        pass
    with command._only_count(tmp_path):
        pass


def test_a_folder_that_does_not_exist_is_a_sentence(tmp_path):
    with pytest.raises(mapping.InputError, match="does not exist; give the folder of the firms as FIRMS="):
        extracts.open_extract("firms", tmp_path / "nowhere", {}, "utf-8", tmp_path)


@pytest.mark.parametrize(
    ("file", "row", "words"),
    [
        (
            "classifications.csv",
            "mine,My list,我的,me,我,,2020,ipc,a paper,,",
            "mine has no edition; a list is used with its citation only.",
        ),
        ("classifications.csv", "mine,My list,我的,me,我,1,2020,ipc,,,", "mine has no source"),
        (
            "classifications.csv",
            "mine,My list,我的,me,我,1,2020,cpc,a paper,,",
            "the scheme is 'cpc'; expected one of ipc, gbt4754_2017, keyword.",
        ),
        (
            "classification_codes.csv",
            "nbs_high_tech_manufacturing_2017,F03D,,,",
            "first_code 'F03D' is no code of the scheme gbt4754_2017.",
        ),
        ("classification_codes.csv", "nothing,F03D,,,", "classification 'nothing' is not in classifications.csv."),
        (
            "classification_codes.csv",
            "ipc_green_inventory_2018,F03D 1/00,H01L 1/00,,",
            "the range F03D 1/00 to H01L 1/00 leaves its subclass.",
        ),
        (
            "classification_codes.csv",
            "ipc_green_inventory_2018,H01L 31/10,H01L 31/04,,",
            "the range H01L 31/10 to H01L 31/04 ends before it begins.",
        ),
        ("indicators.csv", "ai_firms,firms,ai,", "ai_firms has no cited list; 'ai' needs a row in classifications.csv"),
        (
            "indicators.csv",
            "robot_firms,firms,nbs_high_tech_manufacturing_2017,",
            "robot_firms is no series of counts in seeds/mapping/series.csv",
        ),
        (
            "indicators.csv",
            "ai_firms,patents,nbs_high_tech_manufacturing_2017,",
            "the extract is 'patents'; expected firms for this classification.",
        ),
        (
            "indicators.csv",
            "ai_firms,firms,nbs_high_tech_manufacturing_2017,plant",
            "patent_type is 'plant'; expected invention, utility_model, design or nothing.",
        ),
        ("indicators.csv", "ai_firms,firms", "expected 4 cells."),
    ],
)
def test_a_list_without_citation_or_with_a_wrong_code_is_refused(tmp_path, file, row, words):
    own = tmp_path / "own"
    own.mkdir()
    for name in lists.FILES:
        header = (lists.SEEDS / name).read_text(encoding="utf-8").splitlines()[0]
        (own / name).write_text(header + "\n" + (row + "\n" if name == file else ""), encoding="utf-8")
    settings = {"provinces": "", "cities": "all", "first_year": "2011", "last_year": "2012"}
    if file == "classification_codes.csv":
        # The user's codes of a list take the place of ours, and so its description must be there too.
        shutil.copy(lists.SEEDS / "classifications.csv", own / "classifications.csv")
    with pytest.raises(mapping.InputError) as error:
        lists.write_lists(tmp_path / "work", settings, ["firms", "patents"], own)
    assert words in str(error.value)
    assert f"{file}, row 2" in str(error.value)


@pytest.mark.parametrize("file", ["indicators.csv", "classifications.csv"])
def test_what_stands_twice_in_a_list_is_refused(tmp_path, file):
    for name in lists.FILES:
        rows = (lists.SEEDS / name).read_text(encoding="utf-8").splitlines()
        (tmp_path / name).write_text("\n".join([*rows, rows[1]] if name == file else rows) + "\n", encoding="utf-8")
    settings = {"provinces": "", "cities": "all", "first_year": "2011", "last_year": "2012"}
    with pytest.raises(mapping.InputError, match=rf"{file}, row 4: .* stands twice; keep one row"):
        lists.write_lists(tmp_path / "work", settings, ["firms", "patents"], tmp_path)


def test_a_balance_that_does_not_hold_ends_the_run():
    results.check_balance({"firms": 3}, [("firms", "placed", 2), ("firms", "unknown", 1)])
    for balance in ([("firms", "placed", 2)], [("firms", "placed", 2), ("firms", "lost", 1)]):
        with pytest.raises(RuntimeError, match="The balance of firms does not hold"):
            results.check_balance({"firms": 3}, balance)


def test_seeds_of_lists_are_cited_and_complete():
    classifications = {row["classification"]: row for row in rows_of(MICRO / "seeds" / "classifications.csv")}
    codes = rows_of(MICRO / "seeds" / "classification_codes.csv")
    assert {row["classification"] for row in codes} == set(classifications)
    assert {name: sum(row["classification"] == name for row in codes) for name in classifications} == {
        "ipc_green_inventory_2018": 310,
        "nbs_high_tech_manufacturing_2017": 85,
    }
    for row in classifications.values():
        assert all(
            row[field]
            for field in (
                "name_en",
                "name_zh",
                "issuer_en",
                "issuer_zh",
                "edition",
                "date",
                "source",
                "checked",
                "note",
            )
        )
    assert len({(row["classification"], row["first_code"], row["last_code"]) for row in codes}) == len(codes)


def test_no_name_of_a_place_is_longer_than_the_joins():
    """The models join beginnings of up to 23 characters: the longest name of a province and of a unit together."""
    longest_unit = max(len(row["name"]) for row in rows_of(MICRO / "seeds" / "county_names.csv"))
    longest_prefecture = max(len(row["name"]) for row in rows_of(PROJECT / "seeds/geography/prefecture_names.csv"))
    provinces = [
        row["city_raw"] for row in rows_of(PROJECT / "seeds/geography/city_names.csv") if row["kind"] == "province_row"
    ]
    assert max(longest_unit, longest_prefecture) + max(map(len, provinces)) <= 23
