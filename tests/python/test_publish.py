"""Publishing: readers see one whole publication at any moment, also when the publisher is killed at any step.

The databases are small, so that a publication takes a fraction of a second; `numbers` says in every table which
publication it belongs to.
"""

import contextlib
import csv
import filecmp
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from importlib.util import find_spec
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from city_policy import publish
from city_policy.errors import InputError
from city_policy.publish import postgresql
from conftest import environment, run

KEYS = {("marts", "cities"): ("adcode", "year"), ("results", "effects"): ("term",)}
N_CITIES = 2000


def write_build(data: Path, number: int, more: str = "") -> None:
    """A build file whose tables carry ``number``."""
    data.mkdir(exist_ok=True)
    path = data / "build.duckdb"
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"""
            create schema intermediate; create schema marts; create schema results; create schema quality;
            create table intermediate.steps as select {number} as publication;
            create table marts.cities as
            select (110000 + i % 200)::varchar as adcode, 2011 + i // 200 as year, i / 7.0 as "index",
            '城市''s' as name, {number} as publication from range({N_CITIES}) as t(i) order by hash(i);
            create table results.effects as
            select 'bcs' as term, 1 / 3.0 as estimate, sum(i) as sum_of_integers, {number} as publication
            from range(10) as t(i);
            create table quality.kinds as
            select
                1::utinyint as tiny, 2::usmallint as small, 3::uinteger as medium, 4::ubigint as big, 5::uhugeint as huge,
                'b'::enum('a', 'b') as choice, [1, 2] as list, {{'a': 1}} as structure, true as flag,
                date '2021-02-03' as day, timestamp '2021-02-03 04:05:06' as moment, 1.25::decimal(10, 2) as price,
                'nan'::double as not_a_number, null::varchar as nothing, {number} as publication;
            comment on table marts.cities is 'One row per city and year; it''s simulated';
            comment on column marts.cities.index is 'The index; 0 to 1';
            comment on table results.effects is '表三：效应';
            {more}
        """)


def publish_number(data: Path, number: int, more: str = "") -> None:
    write_build(data, number, more)
    publish.publish_files(data, KEYS)


def numbers_of_duckdb(data: Path) -> set[int]:
    """Which publications the tables of the DuckDB file belong to."""
    with duckdb.connect(str(data / "city_policy.duckdb"), read_only=True) as connection:
        return numbers(connection, "{schema}.{table}")


def numbers_of_parquet(data: Path) -> set[int]:
    """The same for the Parquet files, as a reader that resolves the link once."""
    version = (data / "published").resolve()
    with duckdb.connect() as connection:
        found = numbers(connection, f"'{version}/{{schema}}/{{table}}.parquet'")
    tables = json.loads((version / "data_dictionary.json").read_text(encoding="utf-8"))["tables"]
    assert len(tables) >= 3
    # Stata files belong to the same publication.
    for file in (table["stata_file"] for table in tables if table["stata_file"]):
        found |= set(pd.read_stata(version / file)["publication"])
    assert (version / "data_dictionary.csv").stat().st_size > 500
    return found


def numbers(connection, source: str) -> set[int]:
    tables = (("marts", "cities"), ("results", "effects"), ("quality", "kinds"))
    names = [source.format(schema=schema, table=table) for schema, table in tables]
    (rows,) = connection.execute(f"select count(*) from {names[0]}").fetchone()
    assert rows == N_CITIES
    return {
        number
        for name in names
        for (number,) in connection.execute(f"select distinct publication from {name}").fetchall()
    }


@contextlib.contextmanager
def readers(read, how_many: int = 2):
    """Threads that call ``read`` until the block ends; what they return, or raise, is collected."""
    stop, found, errors = threading.Event(), [], []

    def loop():
        while not stop.is_set():
            try:
                found.append(read())
            except BaseException as error:
                errors.append(error)
                return

    threads = [threading.Thread(target=loop) for _ in range(how_many)]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert errors == []


def test_a_reader_holds_the_file_open_during_ten_publications(tmp_path):
    publish_number(tmp_path, 0)
    with duckdb.connect(str(tmp_path / "city_policy.duckdb"), read_only=True) as holder:
        for number in range(1, 11):
            publish_number(tmp_path, number)
            assert numbers(holder, "{schema}.{table}") == {0}
            # DuckDB shares one open database per path within a process: another process sees the new one.
            code = f"import test_publish as t, pathlib; print(t.numbers_of_duckdb(pathlib.Path({str(tmp_path)!r})))"
            new = subprocess.run(
                [sys.executable, "-c", code], cwd=Path(__file__).parent, capture_output=True, text=True, check=True
            )
            assert new.stdout.strip() == str({number})
            assert numbers_of_parquet(tmp_path) == {number}


def test_readers_in_a_loop_never_see_a_half_written_publication(tmp_path):
    publish_number(tmp_path, 0)
    with readers(lambda: numbers_of_parquet(tmp_path)) as parquet:
        # DuckDB readers in a process of their own, for the same reason as above.
        code = (
            "import test_publish as t, pathlib, sys\n"
            f"while True: print(*t.numbers_of_duckdb(pathlib.Path({str(tmp_path)!r})), flush=True)"
        )
        reader = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        reader.stdout.readline()
        for number in range(1, 11):
            publish_number(tmp_path, number)
        time.sleep(0.5)
        assert reader.poll() is None, reader.stderr.read()
        reader.kill()
        lines = reader.communicate()[0].splitlines()
    assert len(parquet) >= 10 and all(len(found) == 1 for found in parquet)
    assert len(lines) >= 10 and all(len(line.split()) == 1 for line in lines) and lines[-1].strip() == "10"


# A process that publishes again and again, each time killed one step later: before the n-th call to the operating
# system that names the data directory. Every attempt is a fork, because a start of Python would take longer than the publication.
KILLED = """
import os, pathlib, signal, sys
import test_publish as t
from city_policy import publish

data = pathlib.Path(sys.argv[1])

def forked(work):
    process = os.fork()
    if process == 0:
        try:
            work()
        except BaseException as error:
            print(repr(error), flush=True)
            os._exit(1)
        os._exit(0)
    return os.waitpid(process, 0)[1]

def killed_at(step):
    seen = 0
    def hook(event, arguments):
        nonlocal seen
        if any(str(argument).startswith(str(data)) for argument in arguments):
            seen += 1
            if seen == step:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(hook)
    publish.publish_files(data, t.KEYS)

def whole():
    duckdb, parquet = t.numbers_of_duckdb(data), t.numbers_of_parquet(data)
    assert duckdb == parquet and duckdb in ({0}, {1}), (duckdb, parquet)

step = killed = 0
while True:
    step += 1
    status = forked(lambda: killed_at(step))
    assert forked(whole) == 0, step
    if status == 0:
        break
    assert os.WIFSIGNALED(status), step
    killed += 1
print(killed)
"""


def test_a_publisher_killed_at_any_step_leaves_a_whole_publication(tmp_path):
    publish_number(tmp_path, 0)
    write_build(tmp_path, 1)
    result = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)], cwd=Path(__file__).parent, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert int(result.stdout) > 20
    assert numbers_of_duckdb(tmp_path) == numbers_of_parquet(tmp_path) == {1}
    # What the killed ones left goes after a while, and what readers may still have open stays until then.
    former = (tmp_path / "published").resolve()
    for path in tmp_path.glob(".published-*"):
        os.utime(path, (0, 0))
    publish.publish_files(tmp_path, KEYS)
    assert set(tmp_path.glob(".published-*")) == {former, (tmp_path / "published").resolve()}
    assert not list(tmp_path.glob("*.new"))


def test_a_publisher_killed_at_any_time_leaves_a_whole_publication(tmp_path):
    publish_number(tmp_path, 0)
    write_build(tmp_path, 1)
    code = f"import test_publish as t, pathlib; print(flush=True); t.publish.publish_files(pathlib.Path({str(tmp_path)!r}), t.KEYS)"
    for step in range(12):
        process = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parent, stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(step * 0.015)
        process.kill()
        process.communicate()
        # Database and files are exchanged together.
        assert numbers_of_parquet(tmp_path) == numbers_of_duckdb(tmp_path)
        assert numbers_of_duckdb(tmp_path) in ({0}, {1})


def test_two_publications_of_the_same_build_are_equal_byte_for_byte(tmp_path):
    write_build(tmp_path / "a", 3)
    write_build(tmp_path / "b", 3)
    for name in ("a", "b"):
        publish.publish_files(tmp_path / name, KEYS)
    first, second = tmp_path / "a" / "published", tmp_path / "b" / "published"
    files = sorted(str(path.relative_to(first)) for path in first.rglob("*") if path.is_file())
    assert files == [
        "city_policy.duckdb",
        "data_dictionary.csv",
        "data_dictionary.json",
        "marts/cities.parquet",
        "quality/kinds.parquet",
        "results/effects.dta",
        "results/effects.parquet",
    ]
    # The database is a copy of the build file, whose bytes hold when it was written.
    assert filecmp.cmpfiles(first, second, files[1:], shallow=False)[1:] == ([], [])


def test_parquet_and_dictionary_carry_comments_keys_and_exact_values(tmp_path):
    publish_number(tmp_path, 3)
    folder = tmp_path / "published"
    with open(folder / "data_dictionary.csv", encoding="utf-8", newline="") as handle:
        rows = {(row["table"], row["column"]): row for row in csv.DictReader(handle)}
    assert rows["cities", "index"]["description"] == "The index; 0 to 1"
    assert rows["cities", "index"]["table_description"] == "One row per city and year; it's simulated"
    assert rows["cities", "index"]["rows"] == str(N_CITIES)
    assert [name for (table, name), row in rows.items() if table == "cities" and row["is_key"] == "true"] == [
        "adcode",
        "year",
    ]
    assert ("steps", "publication") not in rows
    with duckdb.connect(str(tmp_path / "city_policy.duckdb"), read_only=True) as connection:
        for name in ("marts.cities", "results.effects"):
            path = folder / f"{name.replace('.', '/')}.parquet"
            assert connection.execute(f"select count(*) from (from {name} except all from '{path}')").fetchone() == (0,)
        metadata = dict(
            connection.execute(
                f"select key::varchar, value::varchar from parquet_kv_metadata('{folder}/marts/cities.parquet')"
            ).fetchall()
        )
        codecs = connection.execute(
            f"select distinct compression from parquet_metadata('{folder}/marts/cities.parquet')"
        ).fetchall()
        first = connection.execute(f"from '{folder}/marts/cities.parquet' limit 1").fetchone()[:2]
    assert metadata["description.index"] == "The index; 0 to 1"
    assert codecs == [("ZSTD",)]
    assert first == ("110000", 2011)


def test_a_build_of_the_project_publishes_every_public_table_with_its_key(demo_build):
    """The keys come from the tests that dbt declares."""
    from city_policy.build import declared_keys

    keys = declared_keys(demo_build / "target" / "manifest.json")
    assert keys["marts", "fct_city_year"] == ("adcode", "year")
    assert keys["results", "baseline_effects"] == ("spec_id", "term", "vcov")
    assert keys["marts", "dim_city"] == ("adcode",)


# PostgreSQL


def server_programs() -> Path | None:
    """The folder of initdb and pg_ctl, which Debian keeps out of the path."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return folders[-1] if folders else None


@pytest.fixture(scope="module")
def server():
    """A PostgreSQL server of its own; yields the function that gives a URL for a database and a user."""
    programs = server_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed (Debian: apt-get install postgresql)")
    if not find_spec("duckdb_extension_postgres"):
        pytest.skip("DuckDB's PostgreSQL extension is not installed (make .venv/postgresql)")
    # PostgreSQL refuses to run as root; the directory must be open to the user it runs as, which pytest's are not.
    as_user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="city-policy-"))
    (folder / "password").write_text("se:cr/et")
    if as_user:
        for path in (folder, folder / "password"):
            shutil.chown(path, "postgres", "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def call(*command):
        subprocess.run(
            [str(programs / command[0]), "-D", str(folder / "data"), *command[1:]],
            check=True,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            **as_user,
        )

    call("initdb", "-U", "postgres", "-A", "scram-sha-256", f"--pwfile={folder / 'password'}", "-E", "UTF8", "-N")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    call("pg_ctl", "-o", options, "-l", str(folder / "log"), "-w", "start")

    def url(database="postgres", user="postgres", password="se:cr/et"):
        from urllib.parse import quote

        return f"postgresql://{user}:{quote(password, safe='')}@127.0.0.1:{port}/{database}"

    yield url
    call("pg_ctl", "-m", "immediate", "stop")
    shutil.rmtree(folder)


class Client:
    """Somebody who reads a database, or prepares it; has nothing to do with the publisher."""

    def __init__(self, url: str):
        self._folder = tempfile.TemporaryDirectory()
        self.connection = duckdb.connect()
        postgresql._load_extension(self.connection, Path(self._folder.name))
        self.connection.execute(f"attach '{url}' as target (type postgres)")

    def execute(self, statement: str) -> None:
        self.connection.execute("call postgres_execute('target', $statement)", {"statement": statement})

    def query(self, statement: str) -> list[tuple]:
        escaped = statement.replace("'", "''")
        return self.connection.execute(f"from postgres_query('target', '{escaped}')").fetchall()

    def close(self) -> None:
        self.connection.close()
        self._folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


@pytest.fixture
def database(server, request):
    """The URL of an empty database."""
    name = f"d{abs(hash(request.node.name)) % 10**8}"
    with Client(server()) as client:
        client.connection.execute(f"call postgres_execute('target', 'create database {name}', use_transaction = false)")
    return server(name)


def read_all(client: Client) -> tuple[set[int], int]:
    """The publications that the tables belong to and the rows of one, in one transaction with one snapshot."""
    client.connection.execute("begin")
    try:
        (rows,) = client.query("select count(*) from marts.cities")[0]
        found = {
            number
            for table in ("quality.kinds", "marts.cities", "results.effects")
            for (number,) in client.query(f"select distinct publication from {table}")
        }
        # Also in one query: its tables are looked up one after the other.
        found |= set(
            client.query(
                "select min(c.publication) as one, min(e.publication) as other from marts.cities c cross join results.effects e"
            )[0]
        )
    finally:
        client.connection.execute("rollback")
    return found, rows


def test_a_key_that_no_index_holds_is_no_primary_key(tmp_path, database):
    """A sentence may be of any length; text that cannot be compressed is the worst."""
    long = "insert into results.effects select string_agg(md5(i::varchar), '' order by i), 1, 1, 1 from range(200) t(i)"
    for more, keys in (("", 2), (long, 1)):
        publish_number(tmp_path, 1, more)
        assert publish.publish_postgresql(tmp_path / "published", database) == 3
        with Client(database) as client:
            found = client.query(
                "select constraint_name from information_schema.table_constraints where constraint_type = 'PRIMARY KEY' "
                "and table_schema in ('marts', 'results')"
            )
            assert len(found) == keys
            assert client.query("select max(length(term)) from results.effects") == [(6400 if more else 3,)]


def test_postgresql_has_the_numbers_types_comments_and_keys(tmp_path, database):
    publish_number(tmp_path, 1)
    assert publish.publish_postgresql(tmp_path / "published", database) == 3
    with Client(database) as client:
        assert read_all(client) == ({1}, N_CITIES)
        types = dict(
            client.query("select column_name, data_type from information_schema.columns where table_schema = 'quality'")
        )
        assert types == {
            "tiny": "smallint",
            "small": "integer",
            "medium": "bigint",
            "big": "numeric",
            "huge": "double precision",
            "choice": "character varying",
            "list": "character varying",
            "structure": "character varying",
            "flag": "boolean",
            "day": "date",
            "moment": "timestamp without time zone",
            "price": "numeric",
            "not_a_number": "double precision",
            "nothing": "character varying",
            "publication": "integer",
        }
        assert client.query("select list, structure, choice, price, day::text from quality.kinds")[0] == (
            "[1,2]",
            '{"a":1}',
            "b",
            pytest.approx(1.25),
            "2021-02-03",
        )
        assert client.query(
            "select pg_typeof(sum_of_integers)::text, sum_of_integers, estimate from results.effects"
        ) == [("double precision", 45.0, 1 / 3.0)]
        folder = tmp_path / "published"
        assert client.connection.execute(
            f"select count(*) from (from '{folder}/marts/cities.parquet' except all from target.marts.cities)"
        ).fetchone() == (0,)
        assert client.query(
            "select obj_description('marts.cities'::regclass), col_description('marts.cities'::regclass, 3)"
        ) == [("One row per city and year; it's simulated", "The index; 0 to 1")]
        assert client.query("select obj_description('results.effects'::regclass)") == [("表三：效应",)]
        assert client.query(
            "select pg_get_constraintdef(oid) from pg_constraint where contype = 'p' and oid > 16384 order by 1"
        ) == [("PRIMARY KEY (adcode, year)",), ("PRIMARY KEY (term)",)]


def test_readers_of_postgresql_never_see_a_half_written_publication(tmp_path, database):
    publish_number(tmp_path, 0)
    publish.publish_postgresql(tmp_path / "published", database)
    clients = {}

    def read():
        me = threading.get_ident()
        if me not in clients:
            clients[me] = Client(database)
        return read_all(clients[me])

    with readers(read, how_many=3) as found:
        for number in range(1, 11):
            publish_number(tmp_path, number)
            publish.publish_postgresql(tmp_path / "published", database)
        seen = len(found)
        while len(found) < seen + 20:
            time.sleep(0.01)
    for client in clients.values():
        client.close()
    assert len(found) > 40
    assert all(len(publications) == 1 and rows == N_CITIES for publications, rows in found)
    assert found[-1][0] == {10}


def test_grants_are_kept_and_new_tables_have_the_default_ones(tmp_path, server, database):
    publish_number(tmp_path, 1)
    publish.publish_postgresql(tmp_path / "published", database)
    with Client(database) as client:
        client.execute(
            "create role bi login password 'x'; create role \"Some One\"; grant usage on schema marts, results to bi; "
            'grant select on marts.cities to bi with grant option; grant select (term) on results.effects to "Some One"; '
            "grant select on quality.kinds to public; "
            "alter default privileges in schema results grant select on tables to bi; "
            "alter default privileges grant insert on tables to bi"
        )
    publish_number(tmp_path, 2, "create table results.more as select 1 as one")
    publish.publish_postgresql(tmp_path / "published", database)
    with Client(server(database.rsplit("/", 1)[1], "bi", "x")) as client:
        assert client.query("select distinct publication from marts.cities") == [(2,)]
        assert client.query("select one from results.more") == [(1,)]
        with pytest.raises(duckdb.Error, match="permission denied"):
            client.query("select * from results.effects")
    with Client(database) as client:
        assert client.query(
            "select array[has_table_privilege('bi', 'marts.cities', 'select with grant option'), "
            "has_column_privilege('Some One', 'results.effects', 'term', 'select'), "
            "has_column_privilege('Some One', 'results.effects', 'estimate', 'select'), "
            "has_table_privilege('Some One', 'quality.kinds', 'select'), "
            "has_schema_privilege('Some One', 'marts', 'usage'), has_table_privilege('bi', 'marts.cities', 'insert')]"
        ) == [([True, True, False, True, False, False],)]


def test_a_table_that_is_no_longer_published_is_gone(tmp_path, database):
    publish_number(tmp_path, 1, "create table results.more as select 1 as one")
    publish.publish_postgresql(tmp_path / "published", database)
    publish_number(tmp_path, 2)
    publish.publish_postgresql(tmp_path / "published", database)
    with Client(database) as client:
        assert client.query("select count(*) from pg_tables where schemaname in ('marts', 'results', 'quality')") == [
            (3,)
        ]
        assert client.query("select count(*) from pg_namespace where nspname like '%_new'") == [(0,)]


# Publishes to PostgreSQL, killed before its n-th statement.
KILLED_POSTGRESQL = """
import os, pathlib, signal, sys
from city_policy.publish import postgresql

folder, url, step = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
statements = 0
run = postgresql.Server.duckdb

def counted(self, statement):
    global statements
    statements += 1
    if statements == step:
        os.kill(os.getpid(), signal.SIGKILL)
    return run(self, statement)

postgresql.Server.duckdb = counted
postgresql.publish_postgresql(folder, url)
"""


def test_a_publisher_killed_at_any_statement_leaves_postgresql_whole(tmp_path, database):
    publish_number(tmp_path, 0)
    publish.publish_postgresql(tmp_path / "published", database)
    publish_number(tmp_path, 1)
    step, codes = 0, []
    with Client(database) as client:
        client.execute("create role reader; grant select on results.effects to reader")
        while not codes or codes[-1] == -signal.SIGKILL:
            step += 1
            for _ in range(50):
                result = subprocess.run(
                    [sys.executable, "-c", KILLED_POSTGRESQL, str(tmp_path / "published"), database, str(step)],
                    capture_output=True,
                    text=True,
                )
                # The server notices a moment later that the one killed before is gone.
                if "Another publication" not in result.stderr:
                    break
                time.sleep(0.1)
            codes.append(result.returncode)
            found, rows = read_all(client)
            assert found in ({0}, {1}) and rows == N_CITIES, step
            assert client.query("select has_table_privilege('reader', 'results.effects', 'select')") == [(True,)]
        assert codes[-1] == 0, result.stderr
        assert len(codes) > 20
        assert read_all(client) == ({1}, N_CITIES)
        assert client.query("select count(*) from pg_namespace where nspname like '%_new'") == [(0,)]


def test_a_reader_that_stays_in_the_way_is_named_and_nothing_changes(tmp_path, database, monkeypatch):
    monkeypatch.setattr(postgresql, "SWAP_SECONDS", 1.0)
    publish_number(tmp_path, 1)
    publish.publish_postgresql(tmp_path / "published", database)
    publish_number(tmp_path, 2)
    with Client(database) as holder, Client(database) as other:
        holder.connection.execute("begin")
        holder.query("select count(*) from results.effects")
        with pytest.raises(InputError, match=r"within 1 seconds, because a transaction that .* stays open"):
            publish.publish_postgresql(tmp_path / "published", database)
        assert read_all(other) == ({1}, N_CITIES)
        holder.connection.execute("rollback")
        publish.publish_postgresql(tmp_path / "published", database)
        assert read_all(other) == ({2}, N_CITIES)


def test_what_others_made_is_never_replaced(tmp_path, server, database):
    publish_number(tmp_path, 1)
    target = tmp_path / "published"
    with Client(database) as client:
        client.execute("create schema marts; create table marts.mine as select 1 as one")
        with pytest.raises(InputError, match=r"Schema marts of .* was not made by city-policy"):
            publish.publish_postgresql(target, database)
        client.execute("alter schema marts rename to other")
        publish.publish_postgresql(target, database)
        client.execute("create view other.view as select * from results.effects")
        with pytest.raises(InputError, match=r"other\.view .* reads results\.effects"):
            publish.publish_postgresql(target, database)
        client.execute("drop view other.view; create view results.view as select 1 as one")
        with pytest.raises(InputError, match=r"results\.view .* was not published by city-policy"):
            publish.publish_postgresql(target, database)
        client.execute("drop view results.view; create role weak login password 'weak'")
        name = database.rsplit("/", 1)[1]
        with pytest.raises(InputError, match="may not create schemas"):
            publish.publish_postgresql(target, server(name, "weak", "weak"))
        client.execute(f"grant create on database {name} to weak")
        with pytest.raises(InputError, match=r"Schema marts of .* belongs to postgres"):
            publish.publish_postgresql(target, server(name, "weak", "weak"))
        assert read_all(client) == ({1}, N_CITIES)


def test_wrong_targets_are_one_sentence_without_the_password(tmp_path, server, project):
    publish_number(tmp_path, 1)
    secret = "hidden-word"
    for url, words in (
        (server(password=secret), "password authentication failed"),
        (server("nowhere"), 'database "nowhere" does not exist'),
        (f"postgresql://postgres:{secret}@127.0.0.1:1/postgres", "Connection refused"),
        (f"postgresql://postgres:{secret}@127.0.0.1:x/postgres", "not a URL"),
        (f"postgresql://postgres:{secret}@127.0.0.1/postgres?{secret}=1", "cannot be reached"),
        (f"mysql://postgres:{secret}@127.0.0.1/postgres", "not a URL"),
        (f"host=127.0.0.1 password={secret}", "not a URL"),
    ):
        result = run(["city-policy", "publish", "--target", url], project, tmp_path)
        assert result.returncode == 2
        assert result.stderr.startswith("city-policy: ") and result.stderr.count("\n") == 1, result.stderr
        assert words in result.stderr and secret not in result.stderr + result.stdout, result.stderr
        assert "se:cr" not in result.stderr and "se%3Acr" not in result.stderr


def test_without_a_publication_publishing_says_what_to_do(tmp_path, project):
    result = run(["city-policy", "publish", "--target", "postgresql://localhost/x"], project, tmp_path)
    assert result.returncode == 2 and "run `make build` first" in result.stderr


def test_make_does_not_show_the_password(project, tmp_path):
    shown = subprocess.run(
        ["make", "--dry-run", "--silent", "publish", "TARGET=unused"], cwd=project, capture_output=True, text=True
    )
    assert shown.returncode == 0, shown.stderr
    makefile = (project / "Makefile").read_text()
    (recipe,) = [line for line in makefile.splitlines() if "city-policy publish" in line]
    assert recipe.startswith("\t@")
    assert environment(tmp_path)["CITY_POLICY_DATA"] == str(tmp_path)
