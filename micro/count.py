"""Count firms and patents by city and year, on DuckDB or Spark: ``make micro`` calls this.

The extracts and the mapping file are checked, dbt runs the models of this folder, and what comes out lies below
``data/micro`` (``CITY_POLICY_DATA`` moves it): ``supplementary/city_counts.csv`` for SUPPLEMENTARY,
``row_balance.csv``, ``unplaced_texts.csv``, ``unread_codes.csv`` and, of a panel, ``cross_products.parquet``.
"""

import contextlib
import json
import os
import shutil
import sys
from pathlib import Path

from extracts import open_extract
from filelock import FileLock, Timeout
from lists import write_lists
from mapping import EXTRACTS, fields, read_mapping
from results import check_balance, check_codes, write_cross_products, write_rows, write_supplementary
from terminal import InputError, Parser, said, say, translate

HERE = Path(__file__).resolve().parent
# The inputs that the project itself writes.
LISTS = {
    "frame": ("adcode", "year"),
    "indicators": ("indicator", "extract", "classification", "patent_type"),
    "classifications": ("classification", "scheme"),
    "classification_codes": ("classification", "first_code", "last_code"),
    "city_names": ("city_raw", "adcode", "part_adcode", "kind", "valid_from", "valid_to"),
    "prefecture_names": ("name", "form", "adcode", "code", "level", "status", "valid_from", "valid_to"),
    "county_names": ("name", "province_code", "adcode", "code", "valid_from", "valid_to"),
}


def main():
    options = _options()
    given = {extract: path for extract in EXTRACTS if (path := getattr(options, extract))}
    if not given:
        raise InputError("Nothing to count: give FIRMS=DIR, PATENTS=DIR or PANEL=DIR.")
    if options.target == "spark" and not shutil.which("java") and not os.environ.get("JAVA_HOME"):
        raise InputError("Spark needs Java 17 or 21, and no java was found; install it, or leave ENGINE=spark out.")
    mapping = read_mapping(Path(options.mapping).expanduser(), given)
    data = Path(os.environ.get("CITY_POLICY_DATA") or HERE.parent / "data").absolute() / "micro"
    with _only_count(data):
        _count(options, given, mapping, data)


@contextlib.contextmanager
def _only_count(data):
    """Raises InputError while another count works in the same folder."""
    data.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(data / "micro.lock", timeout=0):
            yield
    except Timeout:
        raise InputError(f"Another count is running in {data}; wait until it ends.") from None


def _count(options, given, mapping, data):
    """Check the inputs, count, and write the results below ``data``."""
    work = data / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    os.environ["CITY_POLICY_MICRO_WORK"] = str(work)
    extracts = {
        name: open_extract(name, path, _columns(mapping, name), mapping.settings["encoding"], work / "inputs")
        for name, path in given.items()
    }
    for name, extract in extracts.items():
        for file in extract.not_read:
            say(f"not read ({name}): {file}")
    own = Path(options.classifications).expanduser().absolute() if options.classifications else None
    indicators, classifications = write_lists(work / "inputs", mapping.settings, given, own)
    _check_types(indicators, mapping)
    variables = _variables(mapping, extracts, indicators, classifications, work / "inputs")
    results = _run(options.target, variables, work)
    _write(results, mapping, indicators, classifications, data)


def _options():
    parser = Parser(description="Count firms and patents by city and year.")
    parser.add_argument("--firms", metavar="DIR", help="Parquet or CSV files of firms")
    parser.add_argument("--patents", metavar="DIR", help="Parquet or CSV files of patents")
    parser.add_argument("--panel", metavar="DIR", help="Parquet or CSV files of a panel, for its cross products")
    parser.add_argument("--mapping", metavar="FILE", required=True, help="what the columns are called, and the rules")
    parser.add_argument("--classifications", metavar="DIR", help="your own cited lists, see docs/micro.md")
    parser.add_argument("--target", default="duckdb", help="target of micro/profiles.yml: duckdb, spark or your own")
    translate(parser)
    return parser.parse_args()


def _columns(mapping, extract):
    """The fields of an extract with the columns of its files."""
    if extract != "panel":
        return mapping.columns[extract]
    return mapping.columns[extract] | {f"regressor_{i}": name for i, name in enumerate(mapping.regressors, 1)}


def _check_types(indicators, mapping):
    """Raises InputError where an indicator asks for a type of patent that no text of the extract means."""
    for row in indicators:
        if row["patent_type"] and (
            row["patent_type"] not in mapping.texts.values() or "type" not in mapping.columns["patents"]
        ):
            raise InputError(
                f"{row['indicator']} counts patents of the type {row['patent_type']}: add the rows "
                f"'patents, type' (the column) and 'patents, {row['patent_type']}' (its text) to the mapping file."
            )


def _variables(mapping, extracts, indicators, classifications, folder):
    """The variables of dbt_project.yml for this run."""
    settings = mapping.settings
    inputs = {name: _input(folder / name, "csv", {one: one for one in columns}) for name, columns in LISTS.items()}
    for name in ("firms", "patents"):
        wanted = [field for (extract, field), rule in fields().items() if extract == name and rule.allowed == "column"]
        # `type` means something in SQL.
        names = {field: "patent_type" if field == "type" else field for field in wanted}
        if name in extracts:
            columns = {names[field]: mapping.columns[name].get(field) for field in wanted}
            inputs[name] = _input(extracts[name].folder, extracts[name].format, columns)
        else:
            (folder / name).mkdir()
            (folder / name / "rows.csv").write_text(",".join(names.values()) + "\n", encoding="utf-8")
            inputs[name] = _input(folder / name, "csv", {column: column for column in names.values()})
    regressors = []
    if "panel" in extracts:
        columns = _columns(mapping, "panel")
        regressors = [name for name in columns if name.startswith("regressor_")]
        inputs["panel"] = _input(extracts["panel"].folder, extracts["panel"].format, columns, numbers=True)
    return {
        "inputs": inputs,
        "first_year": int(settings["first_year"] or 2000),
        "last_year": int(settings["last_year"] or 2000),
        "address_year": int(settings["address_year"] or 2000),
        **{name: settings[name] for name in ("firm_count", "patent_year", "applicants", "classes", "ipc_main_groups")},
        "keywords": any(row["scheme"] == "keyword" for row in classifications.values()),
        "patent_types": mapping.texts if any(row["patent_type"] for row in indicators) else {},
        "regressors": regressors,
    }


def _input(folder, format_, columns, numbers=False):
    """An input as the macro read_inputs takes it. Numbers of a Parquet file keep their type, all else is text."""
    return {"folder": str(folder), "format": format_, "numbers": numbers and format_ == "parquet", "columns": columns}


def _run(target, variables, work):
    """Run dbt and return the rows of the results by table.

    Raises InputError with the engine's sentence for a model that fails; all messages are in the log of the work folder.
    """
    # dbt is imported late, so that a mistake in the mapping file is told at once.
    from dbt.adapters.factory import FACTORY
    from dbt.cli.main import dbtRunner

    say(f"Counting on {target} …")
    log = work / "logs" / "dbt.log"
    place = ["--project-dir", str(HERE), "--profiles-dir", str(HERE), "--target", target]
    files = ["--log-path", str(log.parent), "--target-path", str(work / "target")]
    quiet = ["--log-level", "none", "--log-level-file", "info"]
    # Spark's metastore leaves a log where it is started.
    os.chdir(work)
    answer = dbtRunner().invoke(
        [*quiet, "build", "--exclude-resource-type", "unit_test", *place, *files, "--vars", json.dumps(variables)]
    )
    if not answer.success:
        node, told = _failure(answer)
        raise InputError(
            f"{node} failed: {told} (all messages: {log})"
            if node
            else f"dbt could not run: {told} (all messages: {log})"
        )
    (adapter,) = FACTORY.adapters.values()
    schema = adapter.config.credentials.schema
    tables = {
        "city_counts": "indicator, adcode, year, value",
        "row_balance": "extract, status, n_rows",
        "unplaced_texts": "extract, position, answer, place_text, n_rows",
        "unread_codes": "extract, position, code_text, n_rows, n_unread, n_codes",
    }
    if variables["regressors"]:
        tables["cross_products"] = "cluster, part, first_term, second_term, value"
    with adapter.connection_named("results"):
        rows = {name: _fetch(adapter, f"select {columns} from {schema}.{name}") for name, columns in tables.items()}
        rows["read"] = {
            name: _fetch(adapter, f"select count(*) from {schema}.input_{name}")[0][0]
            for name in EXTRACTS
            if name in variables["inputs"]
        }
    adapter.cleanup_connections()
    return rows


def _fetch(adapter, query):
    _, cursor = adapter.connections.add_query(query, auto_begin=False)
    return [tuple(row) for row in cursor.fetchall()]


def _failure(answer):
    """Which model or test failed, empty for dbt itself, and the line of what the engine says of it."""
    failed = [result for result in getattr(answer.result, "results", []) if result.status in ("error", "fail")]
    if not failed:
        return "", str(answer.exception or "it gave no reason")
    lines = [line.strip() for line in (failed[0].message or "").splitlines() if line.strip()]
    told = next((line for line in lines if "Error:" in line or "ERROR" in line), lines[-1] if lines else "no message")
    return failed[0].node.name, told


def _write(results, mapping, indicators, classifications, data):
    """Check the balance, write what comes out, and say it."""
    balance = sorted(results["row_balance"])
    check_balance(results["read"], balance)
    check_codes(results["unread_codes"])
    write_rows(["extract", "status", "rows"], balance, data / "row_balance.csv")
    if indicators:
        write_supplementary(
            results["city_counts"],
            indicators,
            classifications,
            mapping.settings,
            data / "supplementary" / "city_counts.csv",
        )
        unplaced = sorted(results["unplaced_texts"])
        write_rows(["extract", "position", "answer", "text", "rows"], unplaced, data / "unplaced_texts.csv")
        unread = [row[:4] for row in sorted(results["unread_codes"])]
        write_rows(["extract", "position", "text", "rows"], unread, data / "unread_codes.csv")
    for extract, status, n_rows in balance:
        print(f"{extract:8} {status:50} {n_rows:>14,}")
    for name, total in results["read"].items():
        if total:
            print(f"{name:8} {'read':50} {total:>14,}")
    if indicators:
        say(f"written: {data / 'supplementary'} (for SUPPLEMENTARY)")
        say(f"written: unplaced_texts.csv and unread_codes.csv in {data}")
    say(f"written: {data / 'row_balance.csv'}")
    if "cross_products" in results:
        names = {f"regressor_{i}": column for i, column in enumerate(mapping.regressors, 1)}
        names["outcome"] = mapping.columns["panel"]["outcome"]
        write_cross_products(results["cross_products"], names, data / "cross_products.parquet")
        say(f"written: {data / 'cross_products.parquet'}")


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"micro: {said(str(error))}")
    except KeyboardInterrupt:
        sys.exit("micro: " + said("stopped; what an earlier count wrote is unchanged."))
