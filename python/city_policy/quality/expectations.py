"""Great Expectations on pandas frames: the suite is a seed, the outcome a table.

Each row of ``seeds/studies/nqp/expectations.csv`` is one expectation: the name of an expectation class of Great
Expectations, its arguments as JSON, and which results are in doubt when it fails. The argument ``view`` is
ours and chooses what the expectation looks at:

- no ``view``: the rows of the table; of a table with an ``in_sample`` column only those where it is true;
- ``yearly_change``: the named column as the difference from the year before within a city (``adcode``,
  ``year``); a city's first year and the year after a gap have none;
- ``cities_per_year``: one row per year with the columns ``year`` and ``cities`` (number of different
  ``adcode``);
- ``years_per_city``: one row per city with the columns ``adcode`` and ``years``.

Great Expectations works on pandas frames; through SQLAlchemy and DuckDB it reports failure for everything.
"""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from city_policy import memory
from city_policy.errors import InputError
from city_policy.estimation.contract.record import cast_to_schema

SUITE_COLUMNS = (
    "expectation_id",
    "severity",
    "table_name",
    "column_name",
    "expectation",
    "arguments",
    "results_in_doubt",
    "note",
)
SEVERITIES = ("error", "warning")
RESULT_COLUMNS = {
    "expectation_id": "str",
    "severity": "str",
    "expectation": "str",
    "table_name": "str",
    "column_name": "str",
    "observed": "str",
    "bound": "str",
    "rows": "Int64",
    "passed": "boolean",
    "results_in_doubt": "str",
    "message": "str",
}
NOT_COVERED = "not covered by this input"


def run_expectations(frames: Mapping[str, pd.DataFrame], expectations: pd.DataFrame) -> pd.DataFrame:
    """Run the suite once and return one row per expectation, in the order of the suite.

    ``frames``: table name -> its rows (a mart as pandas frame; ``adcode`` text, ``year`` whole where a view
    needs them). ``expectations``: the seed, columns ``expectation_id, severity, table_name, column_name,
    expectation, arguments, results_in_doubt, note``; ``column_name`` is blank for an expectation about the
    table.

    Result columns: ``expectation_id, severity, expectation, table_name, column_name, observed, bound, rows,
    passed, results_in_doubt, message``. ``observed`` and ``bound`` are short texts; ``rows`` counts the rows
    looked at; ``passed`` is true, false, or NULL where the column (or the whole table) does not exist or holds
    no value, because the input does not cover it. ``message`` is a sentence, NULL when the expectation passed.
    An expectation that raised inside Great Expectations has ``passed`` false and says so: a check that cannot
    be made has not passed.

    Raises InputError for a suite with a missing column, a repeated id, an unknown severity, an unknown class
    of expectation or view, or arguments that are not a JSON object or that the class refuses.
    """
    suite = _check_suite(expectations)
    key = memory.digest(_parts(frames, expectations, suite)) if memory.is_kept() else None
    found = memory.recall(key) if key else None
    if found is None:
        found = _run(frames, suite)
        if key:
            memory.keep(key, found)
    return found


def _parts(frames, expectations, suite):
    """What the outcome depends on: the suite, the columns that it names, this code and the library."""
    yield memory.code_digest(Path(__file__).resolve().parent, ("great-expectations", "pandas", "numpy"))
    yield expectations.to_json(orient="records")
    named = {"adcode", "year", "in_sample"}
    for entry in suite:
        named |= {entry["column_name"], *entry["arguments"].get("column_list", ())}
    for name, frame in sorted(frames.items()):
        yield f"{name} {len(frame)}"
        for column in sorted(set(frame.columns) & named):
            yield f"{column} {frame[column].dtype}"
            yield pd.util.hash_pandas_object(frame[column], index=False).to_numpy()


def _run(frames, suite):
    """The outcome of the suite."""
    # 2 to 3 seconds to import: here, so that only who runs the suite pays for it.
    import great_expectations as gx
    from great_expectations.compatibility.pydantic import ValidationError
    from great_expectations.data_context.types.base import ProgressBarsConfig

    # Its modules set levels of their own, so the parent's does not hold for them.
    for name in [name for name in logging.root.manager.loggerDict if name.startswith("great_expectations")]:
        logging.getLogger(name).setLevel(logging.ERROR)
    # Views are shared between expectations; each is validated in one go.
    groups: dict[tuple, list] = {}
    rows: dict[str, dict] = {}
    for entry in suite:
        if not hasattr(gx.expectations, entry["expectation"]):
            raise InputError(
                f"Expectation '{entry['expectation_id']}' asks for {entry['expectation']}, which Great "
                "Expectations does not have."
            )
        frame = _view(frames.get(entry["table_name"]), entry)
        rows[entry["expectation_id"]] = {
            "observed": None,
            "bound": _bound(entry["arguments"]),
            "rows": None if frame is None else len(frame),
            "passed": None,
            "message": NOT_COVERED,
        }
        if frame is not None:
            key = (entry["table_name"], entry["view"], entry["column_name"] if entry["view"] else None)
            groups.setdefault(key, [frame, []])[1].append(entry)

    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    source = context.data_sources.add_pandas("marts")
    for number, (frame, entries) in enumerate(groups.values()):
        batch = source.add_dataframe_asset(f"view_{number}").add_batch_definition_whole_dataframe("all")
        checks = gx.ExpectationSuite(name=f"suite_{number}")
        for entry in entries:
            arguments = dict(entry["arguments"])
            if entry["column_name"]:
                arguments["column"] = entry["column_name"]
            try:
                check = getattr(gx.expectations, entry["expectation"])(
                    meta={"expectation_id": entry["expectation_id"]}, **arguments
                )
            except ValidationError as error:
                raise InputError(
                    f"Expectation '{entry['expectation_id']}' has arguments that {entry['expectation']} "
                    f"refuses: {' '.join(str(error).split())}"
                ) from error
            checks.add_expectation(check)
        context.suites.add(checks)
        validated = batch.get_batch({"dataframe": frame}).validate(checks, result_format="SUMMARY")
        for result in validated.results:
            configuration = result.expectation_config
            # Every check was given its meta above, and its result carries it.
            assert configuration is not None and configuration.meta is not None
            row = rows[configuration.meta["expectation_id"]]
            row |= _outcome(result, row["bound"])
    table = pd.DataFrame(
        [{**entry, "arguments": None, **rows[entry["expectation_id"]]} for entry in suite],
        columns=list(RESULT_COLUMNS),
    )
    return cast_to_schema(table, RESULT_COLUMNS)


def _check_suite(expectations):
    """The suite as a list of dicts with parsed arguments, ``view`` split off."""
    for column in SUITE_COLUMNS:
        if column not in expectations.columns:
            raise InputError(f"The expectations have no column '{column}'.")
    suite, seen = [], set()
    for row in expectations[list(SUITE_COLUMNS)].astype("object").to_dict("records"):
        entry: dict[str, Any] = {
            name: None if pd.isna(value) else str(value).strip() or None for name, value in row.items()
        }
        name = entry["expectation_id"]
        if name in seen:
            raise InputError(f"Expectation '{name}' is listed twice; expected one row each.")
        seen.add(name)
        if entry["severity"] not in SEVERITIES:
            raise InputError(f"Expectation '{name}' has the severity {entry['severity']!r}; expected error or warning.")
        try:
            arguments = json.loads(entry["arguments"] or "{}")
        except json.JSONDecodeError as error:
            raise InputError(f"The arguments of expectation '{name}' are not JSON: {error}.") from error
        if not isinstance(arguments, dict):
            raise InputError(f"The arguments of expectation '{name}' are not a JSON object.")
        entry["view"] = arguments.pop("view", None)
        entry["arguments"] = arguments
        if entry["view"] not in (None, *VIEWS):
            raise InputError(f"Expectation '{name}' has the view '{entry['view']}'; expected {', '.join(VIEWS)}.")
        suite.append(entry)
    return suite


def _yearly_change(frame, column):
    """The rows that have a year before, ``column`` being the difference from it."""
    values = pd.to_numeric(frame[column], errors="coerce").astype("float64")
    by_key = pd.Series(values.to_numpy(), index=pd.MultiIndex.from_frame(frame[["adcode", "year"]]))
    # A repeated city-year has no one value; that it exists is for another expectation to say.
    by_key = by_key[~by_key.index.duplicated(keep=False)]
    before = pd.MultiIndex.from_arrays([frame["adcode"], frame["year"] - 1])
    return frame.assign(**{column: values.to_numpy() - by_key.reindex(before).to_numpy()}).dropna(subset=[column])


def _cities_per_year(frame, column):
    return frame.groupby("year")["adcode"].nunique().rename("cities").reset_index()


def _years_per_city(frame, column):
    return frame.groupby("adcode")["year"].nunique().rename("years").reset_index()


VIEWS = {
    "yearly_change": _yearly_change,
    "cities_per_year": _cities_per_year,
    "years_per_city": _years_per_city,
}


def _view(frame, entry):
    """The rows an expectation looks at, or None if the input does not cover them."""
    if frame is None:
        return None
    if "in_sample" in frame.columns:
        frame = frame[frame["in_sample"].astype("boolean").fillna(False).to_numpy(dtype=bool)]
    column, view = entry["column_name"], entry["view"]
    needed = entry["arguments"].get("column_list", [])
    if view in (None, "yearly_change"):
        needed = [*needed, *([column] if column else [])]
    for name in needed:
        if name not in frame.columns or (len(frame) and frame[name].isna().all()):
            return None
    if column and frame.empty:
        return None
    if view is not None:
        frame = VIEWS[view](frame, column)
        if frame.empty:
            return None
    return frame.reset_index(drop=True)


def _bound(arguments):
    """The arguments as a short text: ``min 0, max 1, mostly 0.99``, ``5 %: -1 to 2; 50 %: 0 to 1``."""
    if "quantile_ranges" in arguments:
        ranges = arguments["quantile_ranges"]
        parts = []
        for quantile, (low, high) in zip(ranges["quantiles"], ranges["value_ranges"], strict=True):
            parts.append(f"{quantile * 100:g} %: {_interval(low, high)}")
        return "; ".join(parts)
    low, high = arguments.get("min_value"), arguments.get("max_value")
    parts = [_interval(low, high)] if low is not None or high is not None else []
    for name, value in arguments.items():
        if name not in ("min_value", "max_value"):
            text = ", ".join(map(str, value)) if isinstance(value, list) else value
            parts.append(f"{name.replace('_', ' ')} {text}")
    return ", ".join(parts) or None


def _interval(low, high):
    if low is None:
        return f"at most {high:.10g}"
    return f"at least {low:.10g}" if high is None else f"{low:.10g} to {high:.10g}"


def _outcome(result, bound):
    """Observed value, verdict and sentence of one validated expectation."""
    raised = _exception(result.exception_info)
    if raised:
        return {"observed": None, "passed": False, "message": f"The check could not be made: {raised}"}
    found = result.result
    observed = found.get("observed_value")
    if isinstance(observed, dict):
        pairs = zip(observed["quantiles"], observed["values"], strict=True)
        text = "; ".join(f"{quantile * 100:g} %: {value:.6g}" for quantile, value in pairs)
    elif observed is not None:
        text = f"{observed:.6g}" if isinstance(observed, float) else str(observed)
    else:
        count, total = found["unexpected_count"], found["element_count"] - found.get("missing_count", 0)
        text = f"{count} of {total} rows break it"
    passed = bool(result.success)
    return {
        "observed": text,
        "passed": passed,
        "message": None if passed else f"Expected {bound or 'no exception'}; found {text}.",
    }


def _exception(info):
    """The message of an exception inside Great Expectations; it keeps one per metric or one in all."""
    for entry in [info, *(value for value in info.values() if isinstance(value, dict))]:
        if entry.get("raised_exception"):
            return " ".join(str(entry.get("exception_message")).split())
    return None
