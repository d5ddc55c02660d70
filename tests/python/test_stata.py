"""Stata files: the values of the Parquet files to the last bit, labels in both languages, notes, and what Stata cannot
hold.
"""

import csv
import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pytest
from city_policy import publish
from city_policy.errors import InputError
from city_policy.publish.dictionary import Column, Table, read_dictionary
from city_policy.publish.labels import COLUMN_LABELS, LONGEST_LABEL, shortened
from city_policy.publish.stata import RESERVED, stata_names
from conftest import environment
from stata_files import characteristics, read, value_label_names


def published(data: Path, statement: str) -> Path:
    """The publication of a build that ``statement`` makes."""
    data.mkdir(exist_ok=True)
    (data / "build.duckdb").unlink(missing_ok=True)
    with duckdb.connect(str(data / "build.duckdb")) as connection:
        connection.execute(f"create schema marts; create schema results; {statement}")
    publish.publish_files(data, {})
    return data / "published"


KINDS = """
create table results.kinds as select * from (values
    (1, true, 100::bigint, -127, 2147483620::bigint, 2147483621::bigint, 1.5::double, 'a', date '2021-02-03'),
    (2, false, 101, -128, -2147483647, 9007199254740992, 'nan', '城市''s "x"', date '1959-12-31'),
    (3, null, null, null, null, null, 'infinity', null, null),
    (4, null, null, null, null, null, 1e308, repeat('长', 3000), 'infinity'),
    (5, null, null, null, null, null, 8.98e307, '', null),
    (6, null, null, null, null, null, null, 'tab' || chr(9) || 'line' || chr(10) || 'end', null),
    (7, null, null, null, null, null, 5e-324, 'b', null)
) as t(id, flag, small, smaller, "long", "double", number, words, day);
alter table results.kinds add column moment timestamp default timestamp '2021-02-03 04:05:06.789';
alter table results.kinds add column list integer[] default [1, 2];
alter table results.kinds add column choice enum('no', 'yes') default 'yes';
alter table results.kinds add column sum_of_integers hugeint default 45;
alter table results.kinds add column price decimal(10, 2) default 1.25;
alter table results.kinds add column nothing varchar;
alter table results.kinds add column no_number double;
alter table results.kinds add column no_integer integer;
comment on table results.kinds is 'Table 3. One row per kind: of value. Numbers are simulated.';
comment on column results.kinds.number is 'A number; 0 to 1';
"""


def test_every_kind_of_value_is_itself_or_missing(tmp_path):
    path = published(tmp_path, KINDS) / "results" / "kinds.dta"
    data, reader = read(path)
    assert data["id"].tolist() == [1, 2, 3, 4, 5, 6, 7] and data["id"].dtype == np.int8
    assert data["flag"].tolist()[:2] == [1, 0] and data["flag"][2:].isna().all()
    assert data["small"].tolist()[:2] == [100, 101] and data["smaller"].tolist()[:2] == [-127, -128]
    assert data["_long_"].tolist()[:2] == [2147483620, -2147483647] and data["_long_"][2:].isna().all()
    assert data["_double_"].tolist()[:2] == [2147483621, 2**53]
    numbers = data["number"].to_numpy()
    assert numbers[[0, 4, 6]].tolist() == [1.5, 8.98e307, 5e-324] and np.isnan(numbers[[1, 2, 3, 5]]).all()
    assert data["words"].tolist() == ["a", '城市\'s "x"', "", "长" * 3000, "", "tab\tline\nend", "b"]
    # Stata counts days and milliseconds from the beginning of 1960.
    assert data["day"].tolist()[:2] == [22314, -1] and data["day"][2:].isna().all()
    moment = np.datetime64("2021-02-03T04:05:06.789") - np.datetime64("1960-01-01T00:00:00.000")
    assert set(data["moment"]) == {moment.astype("int64")}
    assert set(data["list"]) == {"[1,2]"} and set(data["choice"]) == {"yes"} and set(data["price"]) == {1.25}
    assert set(data["sum_of_integers"]) == {45} and set(data["nothing"]) == {""}
    assert data["no_number"].isna().all() and data["no_integer"].isna().all()
    found = characteristics(path)
    assert found["number", "note1"] == "A number; 0 to 1"
    assert found["number", "note2"].startswith("3 values that Stata cannot hold")
    assert found["number", "note0"] == "2"
    assert found["_long_", "note1"] == "Called long in the other files of the publication."
    assert found["_dta", "note1"].startswith("Table 3. One row per kind")
    assert reader.data_label == "kinds"


def test_a_table_without_rows_is_a_file_without_rows(tmp_path):
    path = published(tmp_path, "create table results.empty (term varchar, estimate double, n bigint, ok boolean)")
    data, _ = read(path / "results" / "empty.dta")
    assert list(data.columns) == ["term", "estimate", "n", "ok"] and len(data) == 0


@pytest.mark.parametrize("value", ["9007199254740993::bigint", "-9007199254740993::bigint", "1e30::hugeint"])
def test_a_whole_number_that_stata_would_round_is_refused(tmp_path, value):
    published(tmp_path, "create table results.counts as select 1 as n")
    before = (tmp_path / "published").resolve()
    with pytest.raises(InputError, match=r"results\.counts holds .*make the column text"):
        published(tmp_path, f"create table results.counts as select {value} as n")
    # What was published stays, and nothing half-written with it.
    assert (tmp_path / "published").resolve() == before
    assert [path.name for path in tmp_path.glob(".published-*")] == [before.name]


def table_of(*names: str) -> Table:
    return Table("results", "t", "", 0, (), tuple(Column(name, "DOUBLE", "") for name in names))


def test_names_are_those_that_stata_allows():
    long = "sample_without_municipalities_and_capitals"
    names = stata_names(table_of("nqp", "if", "str12", "2sls", f"{long}_east", f"{long}_west", "城市", "a b"))
    assert names["nqp"] == "nqp" and names["if"] == "_if_" and names["str12"] == "_str12_" and names["2sls"] == "_2sls_"
    assert names["城市"] == "城市" and names["a b"] == "a_b"
    assert names[f"{long}_east"] != names[f"{long}_west"]
    for name in names.values():
        assert re.fullmatch(r"[^\W\d]\w{0,31}", name) and name not in RESERVED
    with pytest.raises(InputError, match=r"'a b' and 'a_b' of results\.t would both be called 'a_b' in Stata"):
        stata_names(table_of("a b", "a_b"))


def test_a_label_is_cut_between_words():
    assert shortened("x" * LONGEST_LABEL) == "x" * LONGEST_LABEL
    assert shortened("word " * 30) == " ".join(["word"] * 15) + "…"
    assert shortened("长" * 90) == "长" * 79 + "…" and shortened("a\n b") == "a b"


def stata_tables(data: Path) -> list[Table]:
    return [table for table in read_dictionary(data / "published") if table.stata_file]


def test_the_values_of_a_build_are_those_of_the_parquet_files(demo_build):
    tables = stata_tables(demo_build)
    assert len(tables) > 30
    folder = demo_build / "published"
    with duckdb.connect() as connection:
        for table in tables:
            arrays = connection.execute(f"from '{folder / table.file}'").fetchnumpy()
            data, _ = read(folder / table.stata_file)
            names = stata_names(table)
            assert list(data.columns) == list(names.values())
            for column in table.columns:
                ours = data[names[column.name]]
                missing, plain = np.ma.getmaskarray(arrays[column.name]), np.ma.getdata(arrays[column.name])
                if column.type == "VARCHAR":
                    expected = [
                        "" if gone or value is None else value for value, gone in zip(plain, missing, strict=True)
                    ]
                    assert ours.tolist() == expected, (table.name, column.name)
                    continue
                values = ours.to_numpy(dtype="float64", na_value=np.nan)
                gone = missing | np.isnan(plain.astype("float64"))
                assert (np.isnan(values) == gone).all(), (table.name, column.name)
                assert (values[~gone] == plain[~gone].astype("float64")).all(), (table.name, column.name)


def test_labels_are_in_both_languages(demo_build):
    path = demo_build / "published" / "marts" / "fct_study_panel.dta"
    found, (data, reader) = characteristics(path), read(path)
    assert found["_dta", "_lang_list"] == "en zh" and found["_dta", "_lang_c"] == "en"
    labels = reader.variable_labels()
    assert labels["nqp"] == "new quality productive forces (index)" and found["nqp", "_lang_v_zh"] == "新质生产力"
    assert (
        labels["n_indicators"] == "Indicators in the index"
        and found["n_indicators", "_lang_v_zh"] == "指数包含的指标数"
    )
    assert found["sample_full", "_lang_v_zh"] == "样本：全样本"
    values = reader.value_labels()
    assert values["no_yes_en"] == {0: "no", 1: "yes"} and values["no_yes_zh"] == {0: "否", 1: "是"}
    assert values["untreated_treated_zh"] == {0: "未处理", 1: "已处理"}
    of = dict(zip(data.columns, value_label_names(path), strict=True))
    assert of["sample_full"] == "no_yes_en" and found["sample_full", "_lang_l_zh"] == "no_yes_zh"
    assert of["bcs"] == "untreated_treated_en" and of["bcs_first_year"] == "" == of["nqp"]
    notes = [text for (owner, name), text in found.items() if owner == "_dta" and re.fullmatch(r"note[1-9]", name)]
    assert any("simulated" in text for text in notes) and any("模拟" in text for text in notes)


def test_every_column_of_every_file_has_a_label_in_both_languages(demo_build):
    known = {row["column"] for row in csv.DictReader(COLUMN_LABELS.open(encoding="utf-8", newline=""))}
    used = set()
    for table in stata_tables(demo_build):
        path = demo_build / "published" / table.stata_file
        found, (_, reader) = characteristics(path), read(path)
        assert table.name not in (reader.data_label, found["_dta", "_lang_v_zh"]), "no row in table_labels.csv"
        assert len(reader.data_label) <= LONGEST_LABEL
        for column in table.columns:
            used.add(column.name)
            name = stata_names(table)[column.name]
            english, chinese = reader.variable_labels()[name], found[name, "_lang_v_zh"]
            assert 0 < len(english) <= LONGEST_LABEL and 0 < len(chinese) <= LONGEST_LABEL
            assert column.name in known or chinese != column.description, (
                f"{column.name} has no Chinese label in column_labels.csv"
            )
            assert found[name, "note1"] == column.description
            assert not english.endswith("…"), f"{column.name} has no English label in column_labels.csv"
    assert known - used == set(), "column_labels.csv names columns that no file has"


def test_the_same_build_gives_the_same_bytes_whatever_the_hash_seed(demo_build, tmp_path):
    for source, copy in (("city_policy.duckdb", "build.duckdb"), ("keys.json", "keys.json")):
        shutil.copy(demo_build / source, tmp_path / copy)
    code = """if True:
        import json, pathlib, sys
        from city_policy import publish
        data = pathlib.Path(sys.argv[1])
        keys = json.loads((data / "keys.json").read_text(encoding="utf-8"))
        publish.publish_files(data, {(schema, table): columns for schema, table, columns in keys})
    """
    other = {"PYTHONHASHSEED": "2", "LC_ALL": "C", "TZ": "Asia/Shanghai"}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, env=environment(tmp_path) | other)
    first, second = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in ((demo_build / "published").resolve(), (tmp_path / "published").resolve())
    )
    assert len([path for path in first if path.suffix == ".dta"]) > 30 and first == second
