"""Reading supplementary sources: long tables with one value per row.

Columns, in any order: ``indicator`` (a raw input of seeds/mapping/series.csv, by its name or its
Chinese name), ``adcode`` or ``city`` (a city, a province or the nation, by code or name), ``year``,
``value``, ``unit`` and ``source``. Where both are given they must name the same place. A value for a province
or the nation stands for all its cities; it is refused in a series that adds up over cities, because a
province's count is no city's count.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from tqdm import tqdm

from city_policy.errors import InputError
from city_policy.reader.files import Sheet, is_readable, read_sheets
from city_policy.reader.knowledge import Knowledge, load_knowledge
from city_policy.reader.landing import write_parquet
from city_policy.reader.sheets import cell_to_text, squeezed_cell
from city_policy.reader.text import parse_number, squeeze

LANDING_FILE = "supplementary_values.parquet"
COLUMNS = ("indicator", "place", "year", "value", "unit", "source")

_year = re.compile(r"(?:19|20)\d{2}")


@dataclass
class SupplementarySummary:
    """What an ingest of supplementary files read. ``str`` gives the closing lines."""

    n_files: int
    n_values: int
    values_per_indicator: dict[str, int]
    unknown_places: dict[str, str]
    unparsed_numbers: list[tuple[str, str]]
    not_read: list[str]
    target: Path

    def __str__(self) -> str:
        lines = [
            f"supplementary files   {self.n_files}",
            f"supplementary values  {self.n_values}",
            *(f"  {indicator}  {count}" for indicator, count in sorted(self.values_per_indicator.items())),
            f"unknown places        {len(self.unknown_places)}",
            *(f"  {place}  {address}" for place, address in sorted(self.unknown_places.items())),
            f"unparsed numbers      {len(self.unparsed_numbers)}",
            *(f"  {text!r}  {address}" for text, address in self.unparsed_numbers),
        ]
        if self.not_read:
            lines += [f"not read              {len(self.not_read)}", *(f"  {name}" for name in self.not_read)]
        lines.append(f"written               {self.target}")
        return "\n".join(lines)


@dataclass(frozen=True)
class _Value:
    """One row of a supplementary file."""

    indicator: str
    place: str
    year: int
    value_text: str
    unit: str
    source: str
    file: str
    row: int


def _read_table(rows: Sequence[Sequence], name: str, knowledge: Knowledge) -> list[_Value]:
    """The values of one sheet; raises InputError for a missing column, a year or an indicator nobody knows,
    a unit that cannot be converted, a code beside another place's name, or a total of a province."""
    header = next((number for number, row in enumerate(rows) if any(cell not in ("", None) for cell in row)), None)
    if header is None:
        return []
    positions, place_columns = _columns(rows[header], header, name)
    values = []
    for number, row in enumerate(rows[header + 1 :], header + 2):
        texts = {
            column: cell_to_text(row[positions[column]]) if positions[column] < len(row) else "" for column in COLUMNS
        }
        if any(texts.values()):
            names = [squeezed_cell(row[position]) for position in place_columns if position < len(row)]
            values.append(_read_row(texts, names, name, number, knowledge))
    return values


def _columns(labels_row: Sequence, header: int, name: str) -> tuple[dict[str, int], list[int]]:
    """The positions of the columns, and of those that hold places; raises InputError for a missing one."""
    labels = [squeezed_cell(cell).lower() for cell in labels_row]
    positions = {label: position for position, label in enumerate(labels) if label}
    place_columns = [positions[column] for column in ("adcode", "city") if column in positions]
    positions["place"] = place_columns[0] if place_columns else -1
    for column in COLUMNS:
        if positions.get(column, -1) < 0:
            wanted = "adcode or city" if column == "place" else column
            raise InputError(
                f"{name}, row {header + 1}: the column {wanted} is missing; a supplementary file has the columns "
                "indicator, adcode or city, year, value, unit, source."
            )
    return positions, place_columns


def _read_row(texts: dict[str, str], names: list[str], name: str, number: int, knowledge: Knowledge) -> _Value:
    """One row, checked; ``names``: its code and its name of the place, or one of them."""
    address = f"{name}, row {number}"
    indicator = knowledge.indicator_names.get(texts["indicator"], texts["indicator"])
    canonical = knowledge.canonical_units.get(indicator)
    if canonical is None:
        raise InputError(
            f"{address}: the indicator {indicator!r} is not one of seeds/mapping/series.csv; correct it or "
            "add a row there."
        )
    if not _year.fullmatch(texts["year"]):
        raise InputError(f"{address}: the year {texts['year']!r} is not a year with four digits.")
    unit = squeeze(texts["unit"])
    if (unit, canonical) not in knowledge.conversions:
        raise InputError(
            f"{address}: {indicator} has the unit {unit!r}, which seeds/mapping/units.csv cannot convert to "
            f"{canonical}; correct it or add a row there."
        )
    year = int(texts["year"])
    place = next(filter(None, names), "")
    if len(names) == 2 and all(names):
        _check_code_and_name(names[0], names[1], year, address, knowledge)
    _check_additive(place, indicator, year, address, knowledge)
    return _Value(indicator, place, year, texts["value"], unit, texts["source"], name, number)


def _check_code_and_name(code: str, name: str, year: int, address: str, knowledge: Knowledge) -> None:
    """Raises InputError if the name beside a code is that of other units only. A name that no seed knows, such
    as one in English, contradicts nothing."""
    place = knowledge.supplementary_place(code, year)
    named = knowledge.parts_named(name)
    if place is not None and named is not None and place.part_adcode not in named:
        raise InputError(
            f"{address}: the adcode {code} and the city {name} are different places; correct one of them or leave "
            "one cell empty."
        )


def _check_additive(place: str, indicator: str, year: int, address: str, knowledge: Knowledge) -> None:
    """Raises InputError for a value of a province or the nation in a series that adds up over cities."""
    found = knowledge.supplementary_place(place, year)
    if indicator in knowledge.additive_series and found is not None and found.kind in ("province", "nation"):
        whole = "the nation" if found.kind == "nation" else "a province"
        raise InputError(
            f"{address}: {indicator} of {place} is the sum over all cities of {whole} and cannot stand for each of "
            "them; give the values of the cities or remove the row."
        )


def _told(sheet: Sheet, name: str) -> list[str]:
    """What the reading gate says of a sheet; raises InputError for a cell that holds no value but an
    error."""
    for remark in sheet.remarks:
        if remark.kind in ("error cell", "formula without result"):
            raise InputError(
                f"{name}, row {remark.row}, column {remark.column}: {remark.message.rstrip('.')}; write the value or "
                "leave the row out."
            )
    return [
        f"{name}" + (f", row {remark.row}" if remark.row else "") + f": {remark.message.rstrip('.')}"
        for remark in sheet.remarks
    ]


def _check_duplicates(values: list[_Value]) -> None:
    """Raises InputError if an indicator has two different values for a place and year."""
    seen: dict[tuple[str, str, int], _Value] = {}
    for value in values:
        first = seen.setdefault((value.indicator, value.place, value.year), value)
        if (first.value_text, first.unit) != (value.value_text, value.unit):
            raise InputError(
                f"{value.file}, row {value.row}: {value.indicator} of {value.place} in {value.year} is "
                f"{value.value_text} {value.unit}, but {first.value_text} {first.unit} in {first.file}, "
                f"row {first.row}; keep one of them."
            )


def ingest_supplementary(
    folder: Path | str,
    landing_dir: Path | str,
    mapping_dir: Path | str,
    geography_dir: Path | str,
    progress: bool = True,
) -> SupplementarySummary:
    """Reads every CSV file and workbook below ``folder`` and writes
    ``landing_dir/supplementary_values.parquet``.

    Columns: indicator, place_raw, year, value_text, unit, source, file and row (from 1). Repeated rows are
    landed once. Raises InputError with one sentence for bad input; the file of an earlier ingest is then
    unchanged.
    """
    knowledge = load_knowledge(Path(mapping_dir), Path(geography_dir))
    values, not_read, n_files = _read_folder(Path(folder), knowledge, progress)
    _check_duplicates(values)
    unique = list({(value.indicator, value.place, value.year): value for value in reversed(values)}.values())
    unique.reverse()
    unknown_places, unparsed_numbers = _unusable(unique, knowledge)
    target = Path(landing_dir) / LANDING_FILE
    write_parquet(_landing_table(unique), target)
    return SupplementarySummary(
        n_files=n_files,
        n_values=len(unique),
        values_per_indicator=dict(Counter(value.indicator for value in unique)),
        unknown_places=unknown_places,
        unparsed_numbers=unparsed_numbers,
        not_read=not_read,
        target=target,
    )


def _read_folder(folder: Path, knowledge: Knowledge, progress: bool) -> tuple[list[_Value], list[str], int]:
    """The values of all files below a folder, what was not read, and the number of files that were."""
    if not folder.is_dir():
        raise InputError(f"The folder {folder} does not exist; give the folder that holds the supplementary files.")
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith((".", "~$")))
    readable = [path for path in paths if is_readable(path)]
    if not readable:
        raise InputError(f"The folder {folder} holds no workbook and no CSV file.")
    values: list[_Value] = []
    not_read = [path.relative_to(folder).as_posix() for path in paths if path not in readable]
    for path in tqdm(readable, unit="file", disable=not progress):
        name = path.relative_to(folder).as_posix()
        for sheet in read_sheets(path):
            table = f"{name}#{sheet.name}" if sheet.name else name
            not_read += _told(sheet, table)
            if sheet.rows:
                values += _read_table(sheet.rows, table, knowledge)
    return values, not_read, len(readable)


def _unusable(values: list[_Value], knowledge: Knowledge) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The places that nobody knows, by name with their first address, and the texts that are no numbers."""
    unknown_places: dict[str, str] = {}
    unparsed_numbers: list[tuple[str, str]] = []
    for value in values:
        address = f"{value.file}, row {value.row}"
        place = knowledge.supplementary_place(value.place, value.year)
        if place is None or place.kind in ("ambiguous", "county"):
            unknown_places.setdefault(value.place, address)
        if parse_number(value.value_text)[0] == "unparsed":
            unparsed_numbers.append((value.value_text, address))
    return unknown_places, unparsed_numbers


def _landing_table(values: list[_Value]) -> pa.Table:
    """The values as the landing file holds them."""
    types = {"indicator": pa.string(), "place": pa.string(), "year": pa.int32(), "value_text": pa.string()}
    types |= {"unit": pa.string(), "source": pa.string(), "file": pa.string(), "row": pa.int32()}
    columns = {name: pa.array([getattr(value, name) for value in values], type_) for name, type_ in types.items()}
    return pa.table({"place_raw" if name == "place" else name: column for name, column in columns.items()})
