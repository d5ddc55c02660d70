"""Publish to PostgreSQL through DuckDB's extension: load into second schemas, then swap by renaming.

Loading takes a transaction of its own, so that every reader who meets the new tables sees their rows. The swap is one
short transaction: it locks the former tables, renames the schemas and drops the former ones. A publisher that is
killed leaves at most schemas named ``…_new``, which the next one replaces.
"""

import contextlib
import os
import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import duckdb

from city_policy.errors import InputError
from city_policy.publish.dictionary import PUBLISHED_SCHEMAS, Table, quoted, read_dictionary

# Comment on every published schema: what does not carry it is not ours and is never replaced.
MARK = "Published by city-policy"
# One publisher at a time per database: the key of PostgreSQL's advisory lock, any number of our own.
ADVISORY_LOCK = 20250201
SWAP_SECONDS = 60.0
# A page of PostgreSQL's indexes holds three entries, each of at most 2,704 bytes.
LONGEST_KEY = 2600
# What PostgreSQL has no type for, or DuckDB's extension would widen needlessly. Sums of integers are HUGEINT.
CASTS = {
    "HUGEINT": "double",
    "UHUGEINT": "double",
    "TINYINT": "smallint",
    "UTINYINT": "smallint",
    "USMALLINT": "integer",
    "UINTEGER": "bigint",
}

SCHEMAS = ", ".join(f"'{schema}'" for schema in PUBLISHED_SCHEMAS)
SECOND_SCHEMAS = ", ".join(f"'{schema}_new'" for schema in PUBLISHED_SCHEMAS)
FORMER_TABLES = f"""
    select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ({SCHEMAS}) and c.relkind = 'r' order by 1, 2
"""
# Schemas of the published names or their second names that somebody else made.
FOREIGN_SCHEMAS = f"""
    select nspname from pg_namespace
    where nspname in ({SCHEMAS}, {SECOND_SCHEMAS})
    and coalesce(obj_description(oid, 'pg_namespace'), '') not like '{MARK}%' order by 1
"""
# Ours, but of another role: only an owner may replace them.
UNOWNED_SCHEMAS = f"""
    select nspname, pg_get_userbyid(nspowner) from pg_namespace
    where nspname in ({SCHEMAS}) and not pg_has_role(nspowner, 'usage') order by 1
"""
# Views and foreign keys outside our tables that rest on them: dropping a former table would break them.
DEPENDENTS = f"""
    select distinct format('%I.%I', vn.nspname, v.relname) as dependent, format('%I.%I', n.nspname, c.relname) as read
    from pg_depend d
    join pg_class c on d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid
    join pg_namespace n on n.oid = c.relnamespace
    join pg_rewrite r on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
    join pg_class v on v.oid = r.ev_class
    join pg_namespace vn on vn.oid = v.relnamespace
    where n.nspname in ({SCHEMAS}) and c.relkind = 'r' and v.oid <> c.oid
    order by 1, 2
"""
# What stands in our schemas without being a table, an index or a type of one.
FOREIGN_RELATIONS = f"""
    select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ({SCHEMAS}) and c.relkind not in ('r', 'i', 't')
    union all
    select format('%I.%I', n.nspname, p.proname) from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname in ({SCHEMAS})
    order by 1
"""
_GRANTEE = "case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end"
_OPTION = "case when a.is_grantable then ' with grant option' else '' end"
_NEW_TABLE = "to_regclass(format('%I.%I', n.nspname || '_new', c.relname))"
# Statements that give later tables of the second schemas the default privileges of the first.
DEFAULT_PRIVILEGES = f"""
    select format(
        'alter default privileges for role %I in schema %I grant %s on tables to %s%s',
        pg_get_userbyid(d.defaclrole), n.nspname || '_new', a.privilege_type, {_GRANTEE}, {_OPTION}
    )
    from pg_default_acl d join pg_namespace n on n.oid = d.defaclnamespace, aclexplode(d.defaclacl) a
    where n.nspname in ({SCHEMAS}) and d.defaclobjtype = 'r'
"""
# Statements that give the second schemas the privileges of the first: a table that was there before keeps exactly what
# it had, a new one has the default privileges of its schema.
PRIVILEGES = f"""
    select statement from (
        select 1 as step, format('revoke all on %s from %s', {_NEW_TABLE}, {_GRANTEE}) as statement
        from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_class g on g.oid = {_NEW_TABLE},
        aclexplode(g.relacl) a
        where n.nspname in ({SCHEMAS}) and c.relkind = 'r' and a.grantee <> g.relowner
        union all
        select 2, format('grant %s on schema %I to %s%s', a.privilege_type, n.nspname || '_new', {_GRANTEE}, {_OPTION})
        from pg_namespace n, aclexplode(n.nspacl) a where n.nspname in ({SCHEMAS}) and a.grantee <> n.nspowner
        union all
        select 2, format('grant %s on %s to %s%s', a.privilege_type, {_NEW_TABLE}, {_GRANTEE}, {_OPTION})
        from pg_class c join pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) a
        where n.nspname in ({SCHEMAS}) and c.relkind = 'r' and a.grantee <> c.relowner and {_NEW_TABLE} is not null
        union all
        select 2, format(
            'grant %s (%I) on %s to %s%s', a.privilege_type, f.attname, {_NEW_TABLE}, {_GRANTEE}, {_OPTION}
        )
        from pg_attribute f join pg_class c on c.oid = f.attrelid join pg_namespace n on n.oid = c.relnamespace,
        aclexplode(f.attacl) a
        where n.nspname in ({SCHEMAS}) and c.relkind = 'r' and exists (
            select from pg_attribute g where g.attrelid = {_NEW_TABLE} and g.attname = f.attname and not g.attisdropped
        )
        union all
        select 2, format('grant %s on %s to %s%s', a.privilege_type, c.oid::regclass, {_GRANTEE}, {_OPTION})
        from pg_class c join pg_namespace m on m.oid = c.relnamespace
        join pg_namespace n on n.nspname || '_new' = m.nspname
        join pg_default_acl d on d.defaclnamespace = n.oid and d.defaclobjtype = 'r'
        and pg_has_role(d.defaclrole, 'usage'), aclexplode(d.defaclacl) a
        where n.nspname in ({SCHEMAS}) and c.relkind = 'r'
        and to_regclass(format('%I.%I', n.nspname, c.relname)) is null
    ) as statements
    order by step
"""


class Server:
    """One DuckDB session with a PostgreSQL database attached as ``target``."""

    def __init__(self, connection: duckdb.DuckDBPyConnection):
        self._connection = connection

    def duckdb(self, statement: str) -> list[tuple]:
        """Run a statement of DuckDB, which may name ``target``."""
        return self._connection.execute(statement).fetchall()

    def execute(self, statements: Sequence[str]) -> None:
        """Run statements in PostgreSQL."""
        if statements:
            self.duckdb(f"call postgres_execute('target', {_literal('; '.join(statements))})")

    def query(self, statement: str) -> list[tuple]:
        """Rows of a query that PostgreSQL answers."""
        return self.duckdb(f"from postgres_query('target', {_literal(statement)})")

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing."""
        self.duckdb("begin")
        with contextlib.ExitStack() as undo:
            undo.callback(self.duckdb, "rollback")
            yield
            undo.pop_all()
        self.duckdb("commit")

    def second_session(self) -> "Server":
        """Another session with its own transactions."""
        return Server(self._connection.cursor())


def publish_postgresql(publication: Path, target: str) -> int:
    """Replace the schemas marts, results, replication and quality of the database ``target`` by a publication.

    ``publication``: the directory of Parquet files with its data dictionary. ``target``: a URL such as
    ``postgresql://user:password@host:5432/database``; the password may stand in PGPASSWORD or ~/.pgpass instead.
    Returns the number of tables.

    Raises InputError when nothing was published yet, for a URL that is none, an unreachable server, missing rights, a
    schema that is not ours, objects of others that rest on our tables, and when readers hold the former tables for
    longer than a minute; the previous publication then stays as it was.
    """
    if not (publication / "data_dictionary.json").is_file():
        raise InputError(f"{publication} holds no publication; run `make build` first.")
    # The link may be replaced while we read: stay with the version that it names now.
    publication = publication.resolve()
    tables = read_dictionary(publication)
    name = _shown(target)
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        _load_extension(connection, Path(folder))
        _attach(connection, target, name)
        server = Server(connection)
        try:
            guard = server.second_session()
            with guard.transaction():
                guard.query("select set_config('idle_in_transaction_session_timeout', '0', true)")
                if not guard.query(f"select pg_try_advisory_xact_lock({ADVISORY_LOCK})")[0][0]:
                    raise InputError(f"Another publication to {name} is running; wait until it ends.")
                _check_target(server, name)
                loaded_at, loaded_by = _load(server, tables, publication)
                _swap(server, name, loaded_at, loaded_by)
        except duckdb.Error as error:
            raise InputError(
                f"Publishing to {name} failed: {_reason(error)}. The previous publication there is unchanged."
            ) from None
    return len(tables)


def _load_extension(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Load DuckDB's PostgreSQL extension: from its wheel, or as DuckDB itself installs it."""
    wheel = find_spec("duckdb_extension_postgres")
    try:
        if wheel and wheel.origin:
            file = Path(wheel.origin).parent / f"extensions/v{duckdb.__version__}/postgres.duckdb_extension"
            # DuckDB derives the name of the entry point from the file's name; the wheel's file has the alias.
            link = folder / "postgres_scanner.duckdb_extension"
            link.symlink_to(file)
            connection.load_extension(str(link))
        else:
            connection.install_extension("postgres")
            connection.load_extension("postgres")
    except duckdb.Error:
        raise InputError(
            "DuckDB's PostgreSQL extension could not be loaded; install the wheel that requirements-postgresql.lock "
            "names (`make publish` does)."
        ) from None


def _shown(target: str) -> str:
    """The target as messages show it, without a password. Raises InputError for what is no URL of PostgreSQL."""
    try:
        parts = urlsplit(target)
        port = parts.port
    except ValueError:
        parts = None
    if parts is None or parts.scheme not in ("postgresql", "postgres") or not parts.path.strip("/"):
        raise InputError(
            "The target is not a URL of a PostgreSQL database; write postgresql://user:password@host:5432/database."
        )
    host = parts.hostname or parse_qs(parts.query).get("host", ["the local socket"])[0]
    return f"{host}{f':{port}' if port else ''}/{parts.path.strip('/')}"


def _attach(connection: duckdb.DuckDBPyConnection, target: str, name: str) -> None:
    """Attach the database. Raises InputError when it cannot be reached; libpq's own message may show the password."""
    os.environ.setdefault("PGCONNECT_TIMEOUT", "10")
    try:
        connection.execute(f"attach {_literal(target)} as target (type postgres, isolation_level 'read committed')")
    except duckdb.Error as error:
        found = re.search(r"(?:FATAL: +|failed: )([^\n]*)$", str(error).strip().split("\n")[0])
        raise InputError(
            f"PostgreSQL at {name} cannot be reached ({found[1] if found else 'the URL or the server is wrong'}); "
            "check host, port, database, user and password. Nothing was published there."
        ) from None


def _check_target(server: Server, name: str) -> None:
    """Refuse what would fail later or would take something from others. Raises InputError."""
    if not server.query("select has_database_privilege(current_database(), 'create')")[0][0]:
        raise InputError(
            f"The user may not create schemas in {name}; grant it with: grant create on database … to the user."
        )
    if foreign := server.query(FOREIGN_SCHEMAS):
        raise InputError(
            f"Schema {foreign[0][0]} of {name} was not made by city-policy (its comment does not begin with "
            f"'{MARK}'); rename it or publish to another database."
        )
    if unowned := server.query(UNOWNED_SCHEMAS):
        raise InputError(
            f"Schema {unowned[0][0]} of {name} belongs to {unowned[0][1]}; publish as that role or as a member of it."
        )
    if dependents := server.query(DEPENDENTS):
        view, table = dependents[0]
        raise InputError(
            f"{view} in {name} reads {table}, which publishing replaces ({len(dependents)} such views); drop it and "
            "create it again afterwards, or copy the table with `create table as`."
        )
    if relations := server.query(FOREIGN_RELATIONS):
        raise InputError(
            f"{relations[0][0]} in {name} was not published by city-policy; move it to another schema, because "
            "publishing replaces this one."
        )


def _load(server: Server, tables: Sequence[Table], publication: Path) -> tuple[str, int]:
    """Write the second schemas in one transaction; returns when it was committed and its transaction number."""
    with server.transaction():
        for schema in PUBLISHED_SCHEMAS:
            second = quoted(f"{schema}_new")
            server.execute(
                [
                    f"drop schema if exists {second} cascade",
                    f"create schema {second}",
                    f"comment on schema {second} is '{MARK}: tables of the layer {schema}'",
                ]
            )
        server.duckdb("call pg_clear_cache()")
        for table in tables:
            _load_table(server, table, publication / table.file)
        server.execute([statement for (statement,) in server.query(DEFAULT_PRIVILEGES)])
        transaction = server.query("select pg_current_xact_id()::text::bigint")[0][0]
    return server.query("select clock_timestamp()::text")[0][0], transaction


def _load_table(server: Server, table: Table, file: Path) -> None:
    """One table with its rows, comments, key and statistics for the planner."""
    second = quoted(f"{table.schema}_new", table.name)
    source = f"read_parquet({_literal(str(file))})"
    types = server.duckdb(f"select column_name, column_type from (describe from {source})")
    columns = ", ".join(_converted(column, type_) for column, type_ in types)
    server.duckdb(f"create table target.{second} as select {columns} from {source}")
    statements = [f"comment on table {second} is {_literal(table.description)}"] + [
        f"comment on column {second}.{quoted(column.name)} is {_literal(column.description)}"
        for column in table.columns
    ]
    if table.key and _fits_an_index(server, table.key, source):
        statements.append(f"alter table {second} add primary key ({', '.join(quoted(name) for name in table.key)})")
    server.execute([*statements, f"analyze {second}"])


def _fits_an_index(server: Server, key: Sequence[str], source: str) -> bool:
    """Whether a key is as short as an index demands; that of ``results.sentences`` is a text of any length."""
    length = " + ".join(f"max(strlen({quoted(name)}::varchar))" for name in key)
    return (server.duckdb(f"select {length} from {source}")[0][0] or 0) <= LONGEST_KEY


def _converted(column: str, type_: str) -> str:
    """A column as PostgreSQL can hold it: HUGEINT as double precision, lists and structures as JSON text."""
    name = quoted(column)
    if type_.endswith("]") or type_.startswith(("STRUCT", "MAP", "UNION")):
        return f"to_json({name})::varchar as {name}"
    return f"{name}::{CASTS[type_]} as {name}" if type_ in CASTS else name


def _swap(server: Server, name: str, loaded_at: str, loaded_by: int) -> None:
    """Make the second schemas the first, in one short transaction that is tried again while readers are in the way.

    Raises InputError after SWAP_SECONDS.
    """
    former = [quoted(*names) for names in server.query(FORMER_TABLES)]
    schemas = {schema for (schema,) in server.query(f"select nspname from pg_namespace where nspname in ({SCHEMAS})")}
    statements = [f"drop table {', '.join(former)}"] if former else []
    for schema in PUBLISHED_SCHEMAS:
        if schema in schemas:
            statements.append(f"drop schema {quoted(schema)}")
        statements.append(f"alter schema {quoted(f'{schema}_new')} rename to {quoted(schema)}")
    # A session whose snapshot is older than the loading would find the new tables empty. Ages count transactions.
    older_snapshots = f"""
        select count(*) from pg_stat_activity
        where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()
        and age(backend_xmin) >= age('{loaded_by}'::xid)
        and (xact_start is null or xact_start <= '{loaded_at}'::timestamptz)
    """
    # Half the time after which PostgreSQL looks for deadlocks: a reader that waits for us, while we wait for it, is let
    # go before its query would be cancelled.
    patience = server.query("select setting::int / 2 from pg_settings where name = 'deadlock_timeout'")[0][0]
    deadline, pause = time.monotonic() + SWAP_SECONDS, 0.05
    while True:
        waits_for = "a transaction that is older than the new tables"
        if not server.query(older_snapshots)[0][0]:
            waits_for = "a transaction that reads the former tables"
            with contextlib.suppress(_Busy), server.transaction():
                server.execute([statement for (statement,) in server.query(PRIVILEGES)])
                if former:
                    # Somebody in the middle of the former tables must not meet the new ones.
                    _lock(server, former, patience)
                server.execute(statements)
                return
        if time.monotonic() > deadline:
            raise InputError(
                f"{name} could not be switched to the new tables within {SWAP_SECONDS:.0f} seconds, because "
                f"{waits_for} stays open; end it (pg_stat_activity shows it) and publish again. The previous "
                "publication there is unchanged."
            )
        time.sleep(pause)
        pause = min(2 * pause, 2.0)


class _Busy(Exception):
    """Readers hold the former tables."""


def _lock(server: Server, tables: Sequence[str], milliseconds: int) -> None:
    """Lock tables against everybody for the rest of the transaction, or raise _Busy."""
    server.execute([f"set local statement_timeout = {milliseconds}"])
    try:
        server.execute([f"lock table {', '.join(tables)} in access exclusive mode"])
    except duckdb.Error as error:
        raise _Busy from error
    server.execute(["set local statement_timeout = 0"])


def _reason(error: duckdb.Error) -> str:
    """PostgreSQL's own sentence in an error of DuckDB."""
    found = re.search(r"(?:ERROR|FATAL): +([^\n]*)", str(error))
    return found[1] if found else str(error).strip().split("\n")[0]


def _literal(text: str) -> str:
    """SQL text literal, the same in DuckDB and PostgreSQL with standard-conforming strings."""
    return "'" + text.replace("'", "''") + "'"
