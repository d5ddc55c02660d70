"""The panel that a study brings along: read from CSV, Stata, Excel or Parquet, its cities found, written as Parquet."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pandas as pd

from city_policy.errors import InputError
from city_policy.study.places import PlaceError, Places
from city_policy.study.problems import nearest

SUFFIXES = (".csv", ".dta", ".xlsx", ".parquet")
CITY_COLUMNS = ("adcode", "city_code", "citycode", "code", "city_id", "city", "city_name", "cityname", "name",
                "城市代码", "行政区划代码", "地区代码", "城市", "城市名称", "地级市", "地区")  # fmt: skip
YEAR_COLUMNS = ("year", "data_year", "年份", "年度", "年")
# Names that the warehouse gives to columns of its own.
RESERVED_PREFIX = "city_policy_"
TOLD = 5


@dataclass(frozen=True)
class PanelFile:
    """A panel as its author left it. ``frame``: one row per row of the file; ``labels``: column -> label (Stata)."""

    path: Path
    frame: pd.DataFrame
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def first_row(self) -> int:
        """Number of the row that holds the first observation."""
        return 1 if self.path.suffix.lower() in (".dta", ".parquet") else 2


@dataclass(frozen=True)
class Panel:
    """A panel with its cities found. ``frame``: columns adcode, year, panel_row and those of the file."""

    file: PanelFile
    frame: pd.DataFrame
    city_column: str
    year_column: str

    def types(self) -> dict[str, str]:
        """Column -> DuckDB type."""
        with duckdb.connect() as connection:
            connection.register("panel", self.frame)
            described = connection.execute("describe panel").fetchall()
        return {str(row[0]): str(row[1]) for row in described}

    def write(self, path: Path) -> None:
        """Write the panel as Parquet, the same bytes for the same rows."""
        with duckdb.connect(config={"threads": 1}) as connection:
            connection.register("panel", self.frame)
            target = str(path).replace("'", "''")
            connection.execute(
                f"copy (from panel order by adcode, year) to '{target}' (format parquet, compression zstd)"
            )


def read_panel_file(path: Path) -> PanelFile:
    """The rows of ``path``. Raises InputError for another kind of file, one that cannot be read, or bad columns."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(
            f"{path}: found a file '{suffix or path.name}', expected one of {', '.join(SUFFIXES)}; save it so."
        )
    if not path.is_file():
        raise InputError(f"{path}: no such file; give the panel's file.")
    labels: dict[str, str] = {}
    try:
        if suffix == ".csv":
            frame = _read_csv(path)
        elif suffix == ".xlsx":
            sheets = pd.read_excel(path, sheet_name=None, engine="calamine")
            filled = {name: sheet for name, sheet in sheets.items() if len(sheet)}
            if len(filled) != 1:
                raise InputError(
                    f"{path}: found {len(filled)} sheets with rows ({', '.join(map(str, filled))}), expected one; "
                    "keep the panel's sheet only."
                )
            frame = next(iter(filled.values()))
        elif suffix == ".dta":
            with pd.read_stata(path, iterator=True) as reader:
                labels = {name: text for name, text in reader.variable_labels().items() if text}
                frame = reader.read(convert_categoricals=True)
        else:
            frame = pd.read_parquet(path)
    except InputError:
        raise
    except (OSError, ValueError, KeyError, TypeError, ImportError, pd.errors.ParserError) as error:
        raise InputError(f"{path}: the file cannot be read ({str(error).splitlines()[0]}); save it again.") from error
    frame.columns = [str(name).strip() for name in frame.columns]
    _check_columns(path, frame)
    for name in frame.columns:
        if isinstance(frame[name].dtype, pd.CategoricalDtype):
            frame[name] = frame[name].astype("object")
    return PanelFile(path, frame, labels)


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, encoding="utf-8-sig")
    except UnicodeDecodeError:
        # What Excel writes on a Chinese machine.
        return pd.read_csv(path, encoding="gb18030")


def _check_columns(path: Path, frame: pd.DataFrame) -> None:
    if frame.empty:
        raise InputError(f"{path}: found no rows, expected one per city and year; add them.")
    seen: dict[str, str] = {}
    for name in frame.columns:
        if not name or name.lower().startswith("unnamed:"):
            raise InputError(f"{path}, row 1: found a column without a name, expected a name for each; add it.")
        if name.lower() in seen:
            raise InputError(
                f"{path}, row 1: found the columns '{seen[name.lower()]}' and '{name}', expected names that differ in "
                "more than case; rename one."
            )
        if name.lower().startswith(RESERVED_PREFIX) or name.lower() == "panel_row":
            raise InputError(f"{path}, row 1: found the column '{name}', a name that the project keeps; rename it.")
        seen[name.lower()] = name


def guess_column(frame: pd.DataFrame, known: tuple[str, ...]) -> str | None:
    """The first column whose name is one of ``known``, case aside."""
    by_lower = {str(name).lower(): str(name) for name in frame.columns}
    return next((by_lower[name] for name in known if name in by_lower), None)


def find_cities(file: PanelFile, places: Places, city_column: str = "", year_column: str = "") -> Panel:
    """The panel with the codes of its cities.

    ``city_column``, ``year_column``: blank for the usual names. Raises InputError for columns that do not exist, years
    that are none, cities that nobody knows, and two rows of one city and year.
    """
    path, frame = file.path, file.frame
    city_column = _column(path, frame, city_column, CITY_COLUMNS, "panel_city", "cities")
    year_column = _column(path, frame, year_column, YEAR_COLUMNS, "panel_year", "years")
    years = pd.to_numeric(frame[year_column], errors="coerce")
    broken = years.isna() | (years % 1 != 0) | (years < 1949) | (years > 2100)
    if broken.any():
        at = int(broken.to_numpy().argmax())
        raise InputError(
            f"{path}, row {at + file.first_row}, column {year_column}: found '{frame[year_column].iloc[at]}', "
            f"expected a "
            "year such as 2015; correct it."
        )
    years = years.astype("int64")
    known: dict[tuple[str, int], str] = {}
    unknown: dict[str, str] = {}
    codes = []
    for position, (value, year) in enumerate(zip(frame[city_column], years, strict=True)):
        text = "" if pd.isna(value) else str(value).strip()
        text = text.removesuffix(".0")
        if (text, year) not in known and text not in unknown:
            try:
                known[text, year] = places.city(text, int(year)).adcode
            except PlaceError as problem:
                unknown[text] = f"row {position + file.first_row}: found '{text}', {problem}"
        codes.append(known.get((text, year), ""))
    if unknown:
        more = f" And {len(unknown) - TOLD} other names." if len(unknown) > TOLD else ""
        told = "; ".join(list(unknown.values())[:TOLD])
        raise InputError(f"{path}, column {city_column}: {told}.{more}")
    result = frame.drop(columns=[name for name in frame.columns if name.lower() in ("adcode", "year")])
    result = result.assign(
        adcode=pd.array(codes, dtype="str"),
        year=years.astype("int32").to_numpy(),
        panel_row=range(file.first_row, len(frame) + file.first_row),
    )
    twice = result.duplicated(["adcode", "year"], keep=False)
    if twice.any():
        one = result[twice].iloc[0]
        same = result[(result["adcode"] == one["adcode"]) & (result["year"] == one["year"])]["panel_row"].tolist()
        raise InputError(
            f"{path}: found the city {places.cities[one['adcode']].name_zh} ({one['adcode']}) in {one['year']} in "
            f"the rows "
            f"{', '.join(map(str, same[:TOLD]))}, expected one; delete the others, or add up units that were merged."
        )
    return Panel(file, result.sort_values(["adcode", "year"], ignore_index=True), city_column, year_column)


def _column(path: Path, frame: pd.DataFrame, asked: str, known: tuple[str, ...], key: str, what: str) -> str:
    if not asked:
        found = guess_column(frame, known)
        if found is None:
            raise InputError(
                f"{path}, row 1: found no column of {what} among {', '.join(frame.columns)}; name it with the key "
                f"{key} "
                "of study.csv."
            )
        return found
    if asked not in frame.columns:
        raise InputError(
            f"{path}, row 1: the column '{asked}' of {what}, which {key} of study.csv names, is not there"
            f"{nearest(asked, frame.columns)}; correct the key."
        )
    return asked
