"""Panels that people bring along: how they are read, the study that is started from one, and two real ones whose
published estimates come out again.
"""

import csv
import re
import shutil

import duckdb
import pandas as pd
import pytest
from city_policy.cli import main
from city_policy.errors import InputError
from city_policy.study import check_study, start_study
from city_policy.study.panel import find_cities, read_panel_file
from city_policy.study.places import PlaceError, Places
from conftest import run
from study_folders import small_panel, snapshot, write_folder, write_rows

CITIES = [("杭州市", 330100), ("襄阳市", 420600), ("北京市", 110000)]


@pytest.fixture(scope="session")
def places(project) -> Places:
    return Places(project / "seeds")


@pytest.fixture
def frame() -> pd.DataFrame:
    rows = [
        {"city": name, "year": year, "y": year / 7, "did": int(year > 2013)}
        for name, _ in CITIES
        for year in (2013, 2014)
    ]
    return pd.DataFrame(rows)


def read(path, places, city="", year=""):
    return find_cities(read_panel_file(path), places, city, year)


def refusal(path, places, city="", year="") -> str:
    with pytest.raises(InputError) as caught:
        read(path, places, city, year)
    message = str(caught.value)
    assert message.startswith(str(path)) and message.endswith(".") and "\n" not in message
    return message.removeprefix(str(path))


WRITERS = {
    "panel.csv": lambda frame, path: frame.to_csv(path, index=False),
    "bom.csv": lambda frame, path: frame.to_csv(path, index=False, encoding="utf-8-sig"),
    "windows.csv": lambda frame, path: frame.to_csv(path, index=False, encoding="gb18030"),
    "panel.xlsx": lambda frame, path: frame.to_excel(path, index=False),
    "PANEL.XLSX": lambda frame, path: frame.to_excel(path, index=False, engine="openpyxl"),
    "panel.dta": lambda frame, path: frame.to_stata(path, write_index=False, version=118),
    "panel.parquet": lambda frame, path: frame.to_parquet(path),
    "indexed.parquet": lambda frame, path: frame.set_index(["city", "year"]).to_parquet(path),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_panel_is_the_same_from_every_kind_of_file(tmp_path, places, frame, name):
    WRITERS[name](frame, tmp_path / name)
    panel = read(tmp_path / name, places)
    assert (panel.city_column, panel.year_column) == ("city", "year")
    assert panel.frame["adcode"].tolist() == ["110000"] * 2 + ["330100"] * 2 + ["420600"] * 2
    assert panel.frame["year"].tolist() == [2013, 2014] * 3
    expected = frame.set_index("city").loc[["北京市", "杭州市", "襄阳市"]]
    # Excel keeps sixteen digits.
    assert panel.frame["y"].tolist() == pytest.approx(expected["y"].tolist(), rel=1e-15 if "xls" in name.lower() else 0)
    assert panel.frame["panel_row"].min() == (1 if name.endswith((".dta", ".parquet")) else 2)


def test_the_parquet_of_a_panel_is_the_same_for_the_same_rows(tmp_path, places, frame):
    for number, rows in enumerate((frame, frame.sample(frac=1, random_state=1))):
        rows.to_parquet(tmp_path / f"{number}.parquet", index=False)
        panel = read(tmp_path / f"{number}.parquet", places)
        panel.write(tmp_path / f"written_{number}.parquet")
    columns = [
        duckdb.sql(f"select * exclude (panel_row) from '{tmp_path}/written_{number}.parquet'").fetchall()
        for number in (0, 1)
    ]
    assert columns[0] == columns[1]


def test_labels_of_stata(tmp_path, places, frame):
    # Cities as Stata's encode writes them: numbers of its own with a label each; other labelled numbers stay numbers.
    coded = frame.assign(
        city=pd.Categorical(frame["city"]), did=frame["did"].map({0: "no", 1: "yes"}).astype("category")
    )
    coded.to_stata(tmp_path / "panel.dta", write_index=False, version=118, variable_labels={"y": "产出"})
    panel = read(tmp_path / "panel.dta", places)
    assert panel.frame["adcode"].nunique() == 3 and panel.file.labels == {"y": "产出"}
    assert sorted(panel.frame["did"].unique()) == [0, 1]


@pytest.mark.parametrize(
    "values",
    [
        [330100, 420600, 110000], [330100.0, 420600.0, 110000.0], ["330100", "420600", "110000"],
        ["330100.0", "420600.0", "110000.0"], [3301, 4206, 1100], ["杭州", "襄阳", "北京"], ["杭州市", "襄樊市", "北京市"],
        [" 杭州市", "襄阳市 ", "北 京"], ["Hangzhou", "Xiangyang", "Beijing"], ["hangzhou city", "Xiangyang City", "BEIJING"],
    ],
    ids=str,
)  # fmt: skip
def test_a_city_is_found_however_it_is_written(tmp_path, places, values):
    rows = [{"city": value, "year": year, "y": 1.5} for value in values for year in (2008, 2014)]
    pd.DataFrame(rows).to_parquet(tmp_path / "panel.parquet")
    assert set(read(tmp_path / "panel.parquet", places).frame["adcode"]) == {"330100", "420600", "110000"}


def test_the_name_of_today_in_a_year_before_it(places):
    assert places.city("林芝市", 2012).adcode == places.city("林芝地区", 2012).adcode == "540400"
    assert places.city("襄樊市", 2015).adcode == "420600"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Suzhou", "苏州市 320500"), ("Taizhou", "台州市 331000"), ("昆山市", "county-level"), ("广东省", "a province"),
        ("连云巷市", "did you mean 连云港市"), ("杭州Beijing", "no city that the geography knows"), ("临夏", "may be several cities"),
        ("全国", "the nation"), ("", "no city"),
    ],
)  # fmt: skip
def test_a_name_that_is_no_city(places, name, words):
    with pytest.raises(PlaceError, match=re.escape(words)):
        places.city(name, 2014)


def test_names_go_before_numbers_of_the_author(tmp_path, places, frame):
    frame.assign(city_id=[1, 1, 2, 2, 3, 3]).to_csv(tmp_path / "panel.csv", index=False)
    assert read(tmp_path / "panel.csv", places).city_column == "city"


def test_columns_that_the_study_names(tmp_path, places, frame):
    frame.rename(columns={"city": "where", "year": "when"}).to_csv(tmp_path / "panel.csv", index=False)
    assert read(tmp_path / "panel.csv", places, "where", "when").frame["adcode"].nunique() == 3
    assert "did you mean where" in refusal(tmp_path / "panel.csv", places, "wher", "when")


def test_blank_rows_are_none_and_the_others_keep_their_numbers(tmp_path, places, frame):
    lines = frame.to_csv(index=False).splitlines()
    (tmp_path / "panel.csv").write_text("\n".join([*lines[:3], "", *lines[3:], "", ""]), encoding="utf-8")
    assert sorted(read(tmp_path / "panel.csv", places).frame["panel_row"]) == [2, 3, 5, 6, 7, 8]


def test_a_column_of_numbers_and_words_is_one_of_words(tmp_path, places, frame):
    mixed = frame.assign(mixed=pd.Series([1, "a", None, 2.5, True, 3], dtype="object"))
    mixed.to_excel(tmp_path / "panel.xlsx", index=False)
    panel = read(tmp_path / "panel.xlsx", places)
    assert panel.types()["mixed"] == "VARCHAR"
    panel.write(tmp_path / "written.parquet")


REFUSALS = {
    "no city column": ("city,year,y", "place,year,y", "found no column of cities among place, year, y, did; name it with the key panel_city"),
    "no year column": ("city,year,y", "city,time,y", "found no column of years among city, time, y, did; name it with the key panel_year"),
    "an unknown city": ("杭州市,2014", "连云巷市,2014", ", column city: row 3: found '连云巷市', which is no city that the geography knows (did you mean 连云港市?)"),
    "a blank city": ("杭州市,2014", ",2014", "row 3: found nothing; name the city"),
    "a county-level city": ("杭州市,2014", "昆山市,2014", "found '昆山市', which is a county-level unit"),
    "a blank year": ("杭州市,2014", "杭州市,", "row 3, column year: found nothing, expected a year"),
    "a year in words": ("杭州市,2014", "杭州市,2014年", "row 3, column year: found '2014年', expected a year"),
    "a broken year": ("杭州市,2014", "杭州市,2014.5", "row 3, column year: found '2014.5'"),
    "a year of another age": ("杭州市,2014", "杭州市,14", "row 3, column year: found '14'"),
    "a city-year twice": ("杭州市,2014", "杭州市,2013", "found the city 杭州市 (330100) in 2013 in the rows 2, 3, expected one"),
    "two names of one city": ("杭州市,2014", "杭州,2013", "found the city 杭州市 (330100) in 2013 in the rows 2, 3"),
    "columns of one name but for case": ("y,did", "y,Y", "found the columns 'y' and 'Y', expected names that differ in more than case"),
    "columns of one name": ("y,did", "y,y", "found the column 'y' twice"),
    "a column without a name": ("y,did", "y,", "found a column without a name"),
    "a reserved name": ("y,did", "y,panel_row", "found the column 'panel_row', a name that the project keeps"),
    "a reserved beginning": ("y,did", "y,city_policy_x", "found the column 'city_policy_x'"),
    "more cells than names": ("city,year,y,did", "city,year,y", "more cells than the header"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_a_panel_that_is_refused(tmp_path, places, frame, name):
    old, new, words = REFUSALS[name]
    text = frame.to_csv(index=False)
    assert text.count(old) == 1
    (tmp_path / "panel.csv").write_text(text.replace(old, new), encoding="utf-8")
    assert words in refusal(tmp_path / "panel.csv", places)


def test_more_unknown_cities_than_are_told(tmp_path, places, frame):
    frame.assign(city=[f"无名{number}市" for number in "甲乙丙丁戊己"]).to_csv(tmp_path / "panel.csv", index=False)
    message = refusal(tmp_path / "panel.csv", places)
    assert message.count("found '") == 5 and message.endswith("correct it. Other names: 1.")


def test_files_that_are_no_panel(tmp_path, places, frame):
    with pd.ExcelWriter(tmp_path / "two.xlsx") as writer:
        frame.to_excel(writer, sheet_name="a", index=False)
        frame.to_excel(writer, sheet_name="b", index=False)
    assert "found 2 sheets with rows (a, b), expected one" in refusal(tmp_path / "two.xlsx", places)
    frame.iloc[:0].to_excel(tmp_path / "empty.xlsx", index=False)
    assert "found no rows" in refusal(tmp_path / "empty.xlsx", places)
    (tmp_path / "panel.sav").write_text("x")
    assert "found a file '.sav', expected one of .csv, .dta, .xlsx, .parquet" in refusal(tmp_path / "panel.sav", places)
    assert "no such file" in refusal(tmp_path / "absent.csv", places)
    for suffix in ("csv", "dta", "xlsx", "parquet"):
        for number, content in enumerate((b"", b"\xff\xfe\x00\x01" * 50)):
            path = tmp_path / f"broken_{number}.{suffix}"
            path.write_bytes(content)
            message = refusal(path, places)
            assert "cannot be read" in message or "found no" in message, message


def test_two_sheets_of_which_one_is_empty(tmp_path, places, frame):
    with pd.ExcelWriter(tmp_path / "panel.xlsx") as writer:
        frame.to_excel(writer, sheet_name="a", index=False)
        pd.DataFrame().to_excel(writer, sheet_name="b", index=False)
    assert len(read(tmp_path / "panel.xlsx", places).frame) == 6


# ---------------------------------------------------------------------------------------------------- study new


def rows_of(path) -> list[dict[str, str]]:
    """The rows of a file that study new has written, without its comments."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines(keepends=True) if not line.startswith("#")]
    return list(csv.DictReader(lines))


@pytest.fixture
def panel_path(project, tmp_path):
    path = tmp_path / "panel.csv"
    frame = small_panel(project).rename(columns={"z": "iv_z"})
    frame.assign(post=(frame["year"] > 2014).astype(int), row=range(len(frame)), same=1).to_csv(path, index=False)
    return path


def test_a_study_from_a_panel(project, tmp_path, panel_path):
    started = start_study(tmp_path / "My Study-2", project, panel_path, outcome="y")
    roles = {row["variable"]: row["role"] for row in rows_of(started.folder / "variables.csv")}
    assert roles == {"x": "control", "iv_z": "instrument", "kind": "group", "y": "outcome", "post": "group"}
    (policy,) = rows_of(started.folder / "policies.csv")
    assert (policy["kind"], policy["panel_column"], policy["role"]) == ("column", "did", "study")
    variants = {row["variant"] for row in rows_of(started.folder / "specifications.csv")}
    assert variants >= {"", "iv_z", "common_support", "matched_weighted", "exposure", "two_way", "rings"}
    study = check_study(started.folder, project, panel_path)
    assert study.study_id == "my_study_2"
    assert {row["start_year"] for row in study.tables["pilot_units"]} == {"2014", "2016"}
    assert len(study.tables["pilot_units"]) == 20


def test_a_study_on_the_yearbook(project, tmp_path):
    started = start_study(tmp_path / "new", project)
    assert any("is an example" in note for note in started.notes)
    assert check_study(started.folder, project).study_id == "new"


def test_the_first_number_is_the_outcome(project, tmp_path, panel_path):
    started = start_study(tmp_path / "new", project, panel_path)
    assert any(note.startswith("x was taken for the outcome") for note in started.notes)
    check_study(started.folder, project, panel_path)


def test_a_list_of_pilots(project, tmp_path, panel_path):
    pilots = tmp_path / "pilots.csv"
    pilots.write_text(
        "unit,year,batch,policy\n浙江省,2014年,第一批,低碳城市\n杭州市,2012,第一批,低碳城市\n广州,2015,,智慧城市\n昆山市,2015,,智慧城市\n"
        ",2016,,智慧城市\n",
        encoding="utf-8",
    )  # fmt: skip
    started = start_study(tmp_path / "new", project, panel_path, pilots, outcome="y")
    policies = rows_of(started.folder / "policies.csv")
    assert [row["name_zh"] for row in policies] == ["低碳城市", "智慧城市"]
    assert len({row["policy_id"] for row in policies}) == 2
    units = rows_of(started.folder / "pilot_units.csv")
    assert [(row["unit"], row["adcode"], row["start_year"]) for row in units] == [
        ("浙江省", "", "2014"), ("杭州市", "330100", "2012"), ("广州", "440100", "2015"), ("昆山市", "", "2015")
    ]  # fmt: skip
    assert units[3]["note"].startswith("DECIDE: found '昆山市', which is a county-level unit")
    assert any("1 name of the list must be decided" in note for note in started.notes)
    # The undecided name, and nothing else, is what a check tells.
    with pytest.raises(InputError) as caught:
        check_study(started.folder, project, panel_path)
    assert [line.partition(":")[0].strip() for line in str(caught.value).splitlines()[1:]] == [
        "pilot_units.csv, row 7, column unit"
    ]
    path = started.folder / "pilot_units.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(line for line in lines if "昆山" not in line) + "\n", encoding="utf-8")
    starts = {
        row["city_name_zh"]: row["start_year"]
        for row in check_study(started.folder, project, panel_path).tables["pilot_units"]
    }
    # A province stands for its cities, except the one that the list names itself.
    assert starts["杭州市"] == "2012" and starts["宁波市"] == "2014" and len(starts) == 12


ODD_NAMES = [
    "GDP;亿元", "GDP--real", "工业 增加值\n(万元)", "select", "<b>y</b>", "=sum", "\\alpha", "a\"b", "it's", "year_1", "region",
    "1st", "人口/万人", "policy_id", "sample_east", "covers_y",
]  # fmt: skip


def test_odd_names_of_columns_make_a_right_study(project, tmp_path):
    frame = small_panel(project)
    for number, name in enumerate(ODD_NAMES):
        frame[name] = frame["x"] * (number + 2)
    path = tmp_path / "panel.parquet"
    frame.to_parquet(path)
    started = start_study(tmp_path / "new", project, path, outcome="y")
    study = check_study(started.folder, project, path)
    assert len(study.tables["variables"]) == len(ODD_NAMES) + 5


def test_many_treatments_and_many_numbers(project, tmp_path):
    frame = small_panel(project)
    for number in range(9):
        frame[f"did_{number}"] = frame["did"]
    for number in range(20):
        frame[f"c{number}"] = frame["x"] + number * frame["z"]
    path = tmp_path / "panel.csv"
    frame.to_csv(path, index=False)
    started = start_study(tmp_path / "new", project, path, outcome="y")
    check_study(started.folder, project, path)
    roles = [row["role"] for row in rows_of(started.folder / "policies.csv")]
    assert roles == ["study"] * 6 + ["other"] * 4
    assert [row["role"] for row in rows_of(started.folder / "variables.csv")].count("control") == 12


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"outcome": "yy"}, "the outcome 'yy' is no column that varies (did you mean y?)"),
        ({"outcome": "kind"}, "found text in the column 'kind', expected numbers for an outcome"),
        ({"outcome": "same"}, "the outcome 'same' is no column that varies"),
        ({"pilots": "unit,year\n杭州市,soon\n"}, "row 2, column year: found 'soon', expected a year"),
        ({"pilots": "who,year\n杭州市,2014\n"}, "found no column of names of the pilot units among who, year"),
        ({"pilots": "unit,when\n杭州市,2014\n"}, "found no column of first years among unit, when"),
    ],
)
def test_what_cannot_be_started_writes_nothing(project, tmp_path, panel_path, arguments, words):
    pilots = None
    if "pilots" in arguments:
        pilots = tmp_path / "pilots.csv"
        pilots.write_text(arguments["pilots"], encoding="utf-8")
    before = snapshot(tmp_path)
    with pytest.raises(InputError) as caught:
        start_study(tmp_path / "a" / "new", project, panel_path, pilots, arguments.get("outcome", ""))
    assert words in str(caught.value) and str(caught.value).endswith(".")
    assert snapshot(tmp_path) == before


def test_a_panel_without_numbers_is_refused(project, tmp_path):
    small_panel(project)[["city", "year", "kind", "did"]].to_csv(tmp_path / "panel.csv", index=False)
    with pytest.raises(InputError, match="no column of numbers that may be the outcome"):
        start_study(tmp_path / "new", project, tmp_path / "panel.csv")


def test_a_folder_with_files_is_refused_and_stays(project, tmp_path):
    folder = write_folder(tmp_path / "mine", {"notes": "a\n"})
    before = snapshot(tmp_path)
    with pytest.raises(InputError, match="exists and is not empty"):
        start_study(folder, project)
    with pytest.raises(InputError, match="exists and is not empty"):
        start_study(folder / "notes.csv", project)
    assert snapshot(tmp_path) == before
    (tmp_path / "empty").mkdir()
    start_study(tmp_path / "empty", project)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_disk_that_is_full_leaves_nothing_half_written(project, tmp_path, monkeypatch):
    from pathlib import Path

    write_text = Path.write_text

    def full(path, *arguments, **options):
        if path.name == "samples.csv":
            raise OSError(28, "No space left on device")
        return write_text(path, *arguments, **options)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(InputError, match="cannot be written"):
        start_study(tmp_path / "new", project)
    assert not list(tmp_path.iterdir())


def test_the_commands_start_and_check_a_study(project, tmp_path, panel_path, monkeypatch, capsys):
    monkeypatch.chdir(project)
    folder = tmp_path / "new"
    assert main(["study", "new", str(folder), "--panel", str(panel_path), "--outcome", "y"]) == 0
    assert "Next: read and change the files" in capsys.readouterr().out
    assert main(["study", "check", str(folder), "--panel", str(panel_path)]) == 0
    assert "is right: 1 policies, 6 variables, 3 samples" in capsys.readouterr().out


# ------------------------------------------------------------------------------- two real panels, see their README


@pytest.fixture(scope="session")
def panels(shared):
    folder = shared / "panels"
    if not folder.is_dir():
        pytest.skip("the two real panels (a folder 'panels' in the public test material) are absent")
    return folder


@pytest.fixture(scope="session")
def reference(panels) -> pd.DataFrame:
    return pd.read_csv(panels / "reference.csv")


def built(project, folder, panel, data) -> duckdb.DuckDBPyConnection:
    """The published database of a study that the command builds on a panel."""
    result = run(
        ["city-policy", "build", "--study", str(folder), "--panel", str(panel), "--threads", "2"], project, data
    )
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    # Every sentence of the project has a Chinese form.
    assert "messages.csv" not in result.stdout
    (path,) = data.glob("studies/*/city_policy.duckdb")
    return duckdb.connect(str(path), read_only=True)


@pytest.fixture(scope="session")
def low_carbon_folder(project, panels, tmp_path_factory):
    """A folder with the low-carbon study as commands alone make it, ``carbon``, and its build, ``data``."""
    base = tmp_path_factory.mktemp("low_carbon")
    folder, panel = base / "carbon", panels / "low_carbon" / "panel.xlsx"
    pilots = panels / "low_carbon" / "pilot_list.xlsx"
    for command in (
        ["study", "new", str(folder), "--panel", str(panel), "--pilots", str(pilots)],
        ["study", "check", str(folder), "--panel", str(panel)],
    ):
        result = run(["city-policy", *command], project, base / "data")
        assert result.returncode == 0, result.stderr
    built(project, folder, panel, base / "data").close()
    return base


@pytest.fixture(scope="session")
def low_carbon(low_carbon_folder):
    """The published database of the low-carbon study."""
    database = low_carbon_folder / "data" / "studies" / "carbon" / "city_policy.duckdb"
    with duckdb.connect(str(database), read_only=True) as connection:
        yield connection


def assert_row(database, query: str, expected: dict, tolerance: float) -> None:
    """One estimate is that of the reference: effect, error, rows, cities and R²."""
    rows = database.sql(f"select estimate, std_error, n_obs, n_cities, status from ({query})").df()
    assert len(rows) == 1 and rows["status"].tolist() == ["ok"], query
    row = rows.iloc[0]
    assert (row["n_obs"], row["n_cities"]) == (expected["n_obs"], expected["n_cities"])
    assert row["estimate"] == pytest.approx(expected["estimate"], rel=tolerance)
    assert row["std_error"] == pytest.approx(expected["std_error"], rel=tolerance)


def test_low_carbon_pilots_by_commands_alone(low_carbon, reference):
    rows = reference[(reference["study"] == "low_carbon") & ~reference["specification"].str.startswith("no controls")]
    assert len(rows) == 7
    for row in rows.to_dict("records"):
        errors = "iid" if "iid" in row["specification"] else "CRV1"
        term = "pilot" if row["term"] == "did" else row["term"]
        query = f"from results.baseline_effects where term = '{term}' and vcov = '{errors}'"
        assert_row(low_carbon, query, row, 1e-9)
        r2 = low_carbon.sql(f"select r2, r2_within from ({query})").fetchone()
        assert r2 == pytest.approx((row["r2"], row["r2_within"]), rel=1e-9)


def test_low_carbon_pilots_without_controls(low_carbon_folder, project, panels, reference, tmp_path):
    # The controls of a study are its variables with that role, so that it is built again without them.
    folder = shutil.copytree(low_carbon_folder / "carbon", tmp_path / "carbon")
    data = shutil.copytree(low_carbon_folder / "data", tmp_path / "data", symlinks=True)
    for name, keep in (("variables", "outcome"), ("specifications", "baseline")):
        path = folder / f"{name}.csv"
        header, *lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
        path.write_text("\n".join([header, *(line for line in lines if f"{keep}," in line[:40])]), encoding="utf-8")
    (row,) = reference[reference["specification"].str.startswith("no controls")].to_dict("records")
    with built(project, folder, panels / "low_carbon" / "panel.xlsx", data) as database:
        assert_row(database, "from results.baseline_effects where term = 'pilot' and vcov = 'CRV1'", row, 1e-9)


def test_the_list_makes_the_column_of_the_author(low_carbon):
    n, n_same, n_treated = low_carbon.sql(
        "select count(*), count(*) filter (pilot = did), sum(pilot) from marts.fct_study_panel where in_sample"
    ).fetchone()
    assert n == n_same == 3623 and 0 < n_treated < n


CONTROLS = {
    "population": "population", "populationdensity": "PopulationDensity", "gdp_percapita": "gdp_percapita",
    "proportion_secondaryindustry": "Proportion_SecondaryIndustry", "proportion_thirdindustry": "Proportion_ThirdIndustry",
    "retailassumption": "retailAssumption", "leader_change": "leader_change", "mayor_tenure": "mayor_tenure",
    "municipal_tenure": "Municipal_tenure",
}  # fmt: skip
FREQUENCIES = {"content": "Freq_city_gdpContent", "data": "Freq_city_gdpData", "nodata": "Freq_city_gdpnoData"}


def wechat_study() -> dict[str, str]:
    """The study of official accounts: a policy that starts in some cities, and three frequencies as treatments."""
    needed = ["gdp_ratio", *CONTROLS.values(), *FREQUENCIES.values()]
    # Windows see every row of the panel, those that the sample leaves out included.
    variables = [
        {"variable": "gdp_ratio", "role": "outcome", "expression": ""},
        *({"variable": name, "role": "control", "expression": column} for name, column in CONTROLS.items()),
        {"variable": "iv_account", "role": "instrument", "expression": "iv_if_officialWechat"},
    ]
    for name, column in FREQUENCIES.items():
        mean = f"avg({column}) over (partition by province_code, year)"
        variables += [
            {"variable": f"log_freq_{name}", "role": "treatment", "expression": f"ln(1 + {column})"},
            {"variable": f"iv_freq_{name}", "role": "instrument", "expression": f"ln(1 + {mean})"},
        ]
    regressions = [
        ("column_1", "fixed_effects", "account", "", ""),
        ("column_2", "instrumental_variable", "account", "", "iv_account"),
        ("column_3", "fixed_effects", "log_freq_content", "", ""),
        ("column_4", "instrumental_variable", "log_freq_content", "", "iv_freq_content"),
        ("column_5", "fixed_effects", "log_freq_data", "", ""),
        ("column_7", "fixed_effects", "log_freq_data", "log_freq_nodata", ""),
    ]
    return {
        "study": "key,value\nid,accounts\ntitle_zh,公众号\ntitle_en,Official accounts\n",
        "policies": write_rows(
            [{"policy_id": "account", "kind": "column", "panel_column": "if_officialWechat", "name_en": "official account"}]
        ),
        "variables": write_rows(variables),
        "samples": write_rows(
            [{"sample": "sample_complete", "condition": " and ".join(f"{column} is not null" for column in needed)}]
        ),
        "specifications": write_rows(
            [
                {
                    "specification": name, "estimator": estimator, "outcome": "gdp_ratio", "treatment": treatment,
                    "result": "instrumental_variable" if variant else "baseline_effects", "sample": "sample_complete",
                    "extra_controls": extra, "variant": variant,
                }
                for name, estimator, treatment, extra, variant in regressions
            ]
        ),
    }  # fmt: skip


@pytest.fixture(scope="session")
def accounts(project, panels, tmp_path_factory):
    base = tmp_path_factory.mktemp("accounts")
    folder = write_folder(base / "accounts", wechat_study())
    with built(project, folder, panels / "wechat_accounts" / "panel.csv", base / "data") as database:
        yield database


def test_official_accounts_row_by_row(accounts, reference):
    rows = reference[reference["study"] == "wechat_accounts"]
    assert len(rows) == 16
    for row in rows.to_dict("records"):
        column = re.search(r"column (\d)", row["specification"])[1]
        table = "instrumental_variable" if "2SLS" in row["specification"] else "baseline_effects"
        term = (
            row["term"].removeprefix("fit_").replace("freq_city_gdp", "freq_").replace("if_officialwechat", "account")
        )
        query = f"from results.{table} where spec_id = 'column_{column}' and term = '{term}' and vcov = 'CRV1'"
        assert_row(accounts, query, row, 1e-8)
