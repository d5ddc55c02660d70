"""The panel that a study brings along: read from CSV, Stata, Excel or Parquet, its cities found, written as Parquet."""

import contextlib
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from python_calamine import CalamineError

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
UNREADABLE = (OSError, ValueError, KeyError, TypeError, ImportError, EOFError, struct.error, CalamineError)
# So many names decide which of several columns holds the cities.
TRIED_NAMES = 50


@dataclass(frozen=True)
class PanelFile:
    """A panel as its author left it.

    ``frame``: one row per row of the file; ``labels``: column -> label (Stata); ``words``: column -> the labels of its
    values where these are numbers (Stata).
    """

    path: Path
    frame: pd.DataFrame
    labels: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, pd.Series] = field(default_factory=dict)

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
    try:
        if suffix == ".dta":
            file = _read_stata(path)
        elif suffix == ".csv":
            file = PanelFile(path, _read_csv(path))
        elif suffix == ".xlsx":
            file = PanelFile(path, _read_excel(path))
        else:
            file = PanelFile(path, _without_index(pd.read_parquet(path)))
    except InputError:
        raise
    except UNREADABLE as error:
        reason = (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
        raise InputError(f"{path}: the file cannot be read ({reason}); save it again as {suffix}.") from error
    # Blank rows at the end are no observations; the others keep their numbers.
    frame = file.frame.dropna(how="all")
    # Excel breaks long headers into lines.
    frame.columns = [" ".join(str(name).split()) for name in frame.columns]
    _check_columns(path, frame)
    return replace(file, frame=frame.apply(_plain_values))


def _read_excel(path: Path) -> pd.DataFrame:
    sheets = pd.read_excel(path, sheet_name=None, engine="calamine")
    filled = {name: sheet for name, sheet in sheets.items() if len(sheet)}
    if len(filled) != 1:
        raise InputError(
            f"{path}: found {len(filled)} sheets with rows ({', '.join(map(str, filled))}), expected one; keep the "
            "panel's sheet only."
            if filled
            else f"{path}: found no rows, expected one per city and year; add them."
        )
    name, frame = next(iter(filled.items()))
    if _seems_renamed(frame):
        header = pd.read_excel(path, sheet_name=name, engine="calamine", header=None, nrows=1)
        _check_repeated(path, [str(text) for text in header.iloc[0]])
    return frame


def _seems_renamed(frame: pd.DataFrame) -> bool:
    """Whether pandas may have renamed a column that is there twice to ``name.1``."""
    columns = {str(name) for name in frame.columns}
    return any(re.fullmatch(r".+\.\d+", name) and name.rpartition(".")[0] in columns for name in columns)


def _check_repeated(path: Path, header: list[str]) -> None:
    for name in header:
        if header.count(name) > 1:
            raise InputError(f"{path}, row 1: found the column '{name}' twice, expected it once; rename or delete one.")


def _read_stata(path: Path) -> PanelFile:
    """Numbers stay numbers; what their labels say is kept beside them, for a column of cities."""
    with pd.read_stata(path, iterator=True) as reader:
        labels = {name: text for name, text in reader.variable_labels().items() if text}
        frame = reader.read(convert_categoricals=False)
    try:
        labelled = pd.read_stata(path, convert_categoricals=True)
    except ValueError:
        # One label for two numbers: the numbers must do.
        labelled = frame
    words = {
        name: labelled[name].astype("object")
        for name in frame.columns
        if isinstance(labelled[name].dtype, pd.CategoricalDtype)
    }
    return PanelFile(path, frame, labels, words)


def _without_index(frame: pd.DataFrame) -> pd.DataFrame:
    """Cities and years that pandas has written as an index are columns too."""
    return frame.reset_index() if any(name is not None for name in frame.index.names) else frame


def _plain_values(values: pd.Series) -> pd.Series:
    """A column of numbers or texts: categories become texts, and so does a column that mixes both."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype("object")
    if values.dtype == object:
        known = values.dropna()
        if all(isinstance(value, int | float | np.number) for value in known):
            return pd.to_numeric(values)
        if not all(isinstance(value, str) for value in known):
            return values.map(lambda value: value if pd.isna(value) else str(value))
    return values


def _read_csv(path: Path) -> pd.DataFrame:
    encoding = "utf-8-sig"
    try:
        frame = pd.read_csv(path, encoding=encoding, skip_blank_lines=False)
    except UnicodeDecodeError:
        # What Excel writes on a Chinese machine.
        encoding = "gb18030"
        frame = pd.read_csv(path, encoding=encoding, skip_blank_lines=False)
    if not isinstance(frame.index, pd.RangeIndex):
        raise InputError(
            f"{path}: found rows with more cells than the header, expected as many; name every column in row 1."
        )
    if _seems_renamed(frame):
        header = pd.read_csv(path, encoding=encoding, header=None, nrows=1, dtype="str", skip_blank_lines=False)
        _check_repeated(path, [str(text) for text in header.iloc[0]])
    return frame


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
    return next(iter(_guesses(frame, known)), None)


def find_cities(file: PanelFile, places: Places, city_column: str = "", year_column: str = "") -> Panel:
    """The panel with the codes of its cities.

    ``city_column``, ``year_column``: blank for the usual names. Raises InputError for columns that do not exist, years
    that are none, cities that nobody knows, and two rows of one city and year.
    """
    path, frame = file.path, file.frame
    year_column = _column(path, frame, year_column, YEAR_COLUMNS, "panel_year", "years")
    years = _years(file, year_column)
    guesses = [name for name in _guesses(frame, CITY_COLUMNS) if name != year_column]
    if city_column or not guesses:
        city_column = _column(path, frame, city_column, CITY_COLUMNS, "panel_city", "cities")
    else:
        # Numbers of the author's own, such as a city_id from 1 on, are no cities; names beside them are.
        city_column = max(guesses, key=lambda name: _share_of_cities(file, places, name, years))
    codes = _codes(file, places, city_column, years)
    result = frame.drop(columns=[name for name in frame.columns if name.lower() in ("adcode", "year")])
    result = result.assign(
        adcode=pd.array(codes, dtype="str"),
        year=years.astype("int32").to_numpy(),
        panel_row=frame.index + file.first_row,
    )
    twice = result.duplicated(["adcode", "year"], keep=False)
    if twice.any():
        one = result[twice].iloc[0]
        same = result[(result["adcode"] == one["adcode"]) & (result["year"] == one["year"])]["panel_row"].tolist()
        city = places.cities[one["adcode"]]
        raise InputError(
            f"{path}: found the city {city.name_zh} ({city.adcode}) in {one['year']} in the rows "
            f"{', '.join(map(str, same[:TOLD]))}, expected one; delete the others, or add up units that were merged."
        )
    return Panel(file, result.sort_values(["adcode", "year"], ignore_index=True), city_column, year_column)


def _years(file: PanelFile, year_column: str) -> pd.Series:
    path, frame = file.path, file.frame
    years = pd.to_numeric(frame[year_column], errors="coerce")
    broken = years.isna() | (years % 1 != 0) | (years < 1949) | (years > 2100)
    if broken.any():
        at = frame.index[broken.to_numpy().argmax()]
        value = frame.loc[at, year_column]
        found = "nothing" if pd.isna(value) else f"'{value}'"
        raise InputError(
            f"{path}, row {at + file.first_row}, column {year_column}: found {found}, expected a year such as 2015; "
            "correct it."
        )
    return years.astype("int64")


def _texts(file: PanelFile, column: str) -> list[str]:
    """The cells of a column of cities as text."""
    values = file.words.get(column, file.frame[column]).loc[file.frame.index]
    return ["" if pd.isna(value) else str(value).strip().removesuffix(".0") for value in values]


def _share_of_cities(file: PanelFile, places: Places, column: str, years: pd.Series) -> float:
    """The share of the first names of a column that are cities."""
    names = list(dict(zip(_texts(file, column), years, strict=True)).items())[:TRIED_NAMES]
    n_found = 0
    for text, year in names:
        with contextlib.suppress(PlaceError):
            places.city(text, int(year))
            n_found += 1
    return n_found / len(names)


def _codes(file: PanelFile, places: Places, city_column: str, years: pd.Series) -> list[str]:
    """The code of the city of every row. Raises InputError with the names that nobody knows."""
    known: dict[tuple[str, int], str] = {}
    unknown: dict[str, str] = {}
    codes = []
    for position, text, year in zip(file.frame.index, _texts(file, city_column), years, strict=True):
        if (text, year) not in known and text not in unknown:
            try:
                known[text, year] = places.city(text, int(year)).adcode
            except PlaceError as problem:
                sentence = f"found '{text}', {problem}" if text else "found nothing; name the city or delete the row"
                unknown[text] = f"{position + file.first_row}: {sentence}"
        codes.append(known.get((text, year), ""))
    if unknown:
        more = f". Other names: {len(unknown) - TOLD}" if len(unknown) > TOLD else ""
        told = ". Row ".join(list(unknown.values())[:TOLD])
        raise InputError(f"{file.path}, column {city_column}: row {told}{more}.")
    return codes


def _guesses(frame: pd.DataFrame, known: tuple[str, ...]) -> list[str]:
    """The columns whose names are among ``known``, case aside, in that order."""
    by_lower = {str(name).lower(): str(name) for name in frame.columns}
    return [by_lower[name] for name in known if name in by_lower]


def _column(path: Path, frame: pd.DataFrame, asked: str, known: tuple[str, ...], key: str, what: str) -> str:
    if not asked:
        found = guess_column(frame, known)
        if found is None:
            raise InputError(
                f"{path}, row 1: found no column of {what} among {', '.join(frame.columns)}; name it with the key "
                f"{key} of study.csv."
            )
        return found
    if asked not in frame.columns:
        raise InputError(
            f"{path}, row 1: the column '{asked}' of {what}, which {key} of study.csv names, is not there"
            f"{nearest(asked, frame.columns)}; correct the key."
        )
    return asked
