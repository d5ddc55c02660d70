"""What a count knows beside the extracts: names of places, cities of the frame, classifications and indicators."""

import csv
import re
import shutil

from mapping import SEEDS
from terminal import InputError

PROJECT = SEEDS.parents[1]
GEOGRAPHY = PROJECT / "seeds" / "geography"
SERIES = PROJECT / "seeds" / "mapping" / "series.csv"
SCHEMES = {
    "ipc": re.compile(r"[A-H]\d\d(?:[A-Z](?: ?\d{1,4}/\d{2,6})?)?"),
    "gbt4754_2017": re.compile(r"\d{2,4}"),
    "keyword": re.compile(r"\S.+"),
}
EXTRACT_OF_SCHEME = {"ipc": "patents", "gbt4754_2017": "firms", "keyword": "firms"}
CITATION = ("name_en", "issuer_en", "edition", "date", "source")
FILES = ("classifications.csv", "classification_codes.csv", "indicators.csv")


def write_lists(work, settings, extracts, own):
    """Write the inputs of a run below ``work``, one folder each, and return what is to be counted.

    ``own``: a user's folder with classifications.csv, classification_codes.csv and indicators.csv of the same columns,
    or None. Its indicators take the place of those of the project that have the same name.

    Returns (indicators, classifications): rows of the indicators of the ``extracts``, and the cited lists by name.
    Raises InputError for a list without a source, edition or date, a code that is none, and an indicator that is no
    series of seeds/mapping/series.csv.
    """
    tables = {name: _table(SEEDS / name) for name in FILES}
    if own is not None:
        for name in FILES:
            tables[name] = _merged(tables[name], _table(own / name), name)
    for name, key in (("classifications.csv", "classification"), ("indicators.csv", "indicator")):
        _check_once(tables[name], key)
    classifications = {row["classification"]: row for _, row in tables["classifications.csv"]}
    for address, row in tables["classifications.csv"]:
        _check_classification(address, row)
    for address, row in tables["classification_codes.csv"]:
        _check_code(address, row, classifications)
    coded = {row["classification"] for _, row in tables["classification_codes.csv"]}
    indicators = [
        row
        for address, row in tables["indicators.csv"]
        if _check_indicator(address, row, classifications, coded) and row["extract"] in extracts
    ]
    used = {row["classification"] for row in indicators}
    codes = [row for _, row in tables["classification_codes.csv"] if row["classification"] in used]
    _write(work / "classifications", [classifications[name] for name in sorted(used)], ["classification", "scheme"])
    _write(work / "classification_codes", codes, ["classification", "first_code", "last_code"])
    _write(work / "indicators", indicators, ["indicator", "extract", "classification", "patent_type"])
    _write(work / "frame", frame(settings), ["adcode", "year"])
    for name in ("city_names", "prefecture_names"):
        _link(GEOGRAPHY / f"{name}.csv", work / name)
    _link(SEEDS / "county_names.csv", work / "county_names")
    return indicators, {name: classifications[name] for name in used}


def frame(settings):
    """Every city and year of the counts, as rows with ``adcode`` and ``year``; none where a panel alone is given."""
    if not settings["first_year"]:
        return []
    with (GEOGRAPHY / "cities.csv").open(encoding="utf-8", newline="") as file:
        cities = list(csv.DictReader(file))
    provinces = [code.strip()[:2] for code in settings["provinces"].split(";") if code.strip()]
    unknown = [code for code in provinces if code not in {city["adcode"][:2] for city in cities}]
    if unknown:
        raise InputError(f"settings, provinces: {unknown[0]}0000 is no code of a province.")
    return [
        {"adcode": city["adcode"], "year": year}
        for city in cities
        if settings["cities"] == "all" or city["is_prefecture_city_or_above"] == "1"
        if not provinces or city["adcode"][:2] in provinces
        for year in range(int(settings["first_year"]), int(settings["last_year"]) + 1)
    ]


def _table(path):
    """The rows of a list with their addresses. Raises InputError for a file that is missing or has other columns."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            rows = [(f"{path}, row {number}", row) for number, row in enumerate(reader, 2)]
            found = reader.fieldnames
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; a folder of lists holds {', '.join(FILES)}.") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not in UTF-8; save it as CSV UTF-8.") from None
    with (SEEDS / path.name).open(encoding="utf-8", newline="") as file:
        expected = next(csv.reader(file))
    if found != expected:
        raise InputError(
            f"{path}, row 1: found the columns {', '.join(found or ['nothing'])}; expected {', '.join(expected)}."
        )
    for address, row in rows:
        if None in row or None in row.values():
            raise InputError(f"{address}: expected {len(expected)} cells.")
    return [(address, {key: cell.strip() for key, cell in row.items()}) for address, row in rows]


def _merged(ours, theirs, name):
    """Our rows and the user's; an indicator or a classification of the user takes the place of ours."""
    key = "indicator" if name == "indicators.csv" else "classification"
    taken = {row[key] for _, row in theirs}
    return [(address, row) for address, row in ours if row[key] not in taken] + theirs


def _check_once(table, key):
    """Raises InputError for a key that stands twice: what it names would be counted twice."""
    seen = set()
    for address, row in table:
        if row[key] in seen:
            raise InputError(f"{address}: {key} '{row[key]}' stands twice; keep one row.")
        seen.add(row[key])


def _check_classification(address, row):
    for field in CITATION:
        if not row[field]:
            raise InputError(
                f"{address}: {row['classification']} has no {field}; a list is used with its citation only."
            )
    if row["scheme"] not in SCHEMES:
        raise InputError(f"{address}: the scheme is '{row['scheme']}'; expected one of {', '.join(SCHEMES)}.")


def _check_code(address, row, classifications):
    if row["classification"] not in classifications:
        raise InputError(f"{address}: classification '{row['classification']}' is not in classifications.csv.")
    scheme = classifications[row["classification"]]["scheme"]
    for field in ("first_code", "last_code"):
        if (row[field] or field == "first_code") and not SCHEMES[scheme].fullmatch(row[field]):
            raise InputError(f"{address}: {field} '{row[field]}' is no code of the scheme {scheme}.")
    if row["last_code"] and (scheme != "ipc" or "/" not in row["first_code"] or "/" not in row["last_code"]):
        raise InputError(
            f"{address}: a range needs two symbols of the IPC with groups, such as H01L 31/04 and H01L 31/078."
        )
    if row["last_code"] and row["last_code"][:4] != row["first_code"][:4]:
        raise InputError(f"{address}: the range {row['first_code']} to {row['last_code']} leaves its subclass.")
    if row["last_code"] and _group(row["last_code"]) < _group(row["first_code"]):
        raise InputError(f"{address}: the range {row['first_code']} to {row['last_code']} ends before it begins.")


def _group(symbol):
    """Main group and subgroup of a symbol, which sort as the classification does: 31/02 is before 31/1."""
    main, sub = symbol[4:].split("/")
    return int(main), sub


def _check_indicator(address, row, classifications, coded):
    """True. Raises InputError for an indicator that cannot be counted."""
    with SERIES.open(encoding="utf-8", newline="") as file:
        counts = {series["series"] for series in csv.DictReader(file) if series["canonical_unit"] == "count"}
    if row["indicator"] not in counts:
        raise InputError(
            f"{address}: {row['indicator']} is no series of counts in seeds/mapping/series.csv; correct it "
            "or add a row there."
        )
    if row["classification"] not in classifications or row["classification"] not in coded:
        raise InputError(
            f"{address}: {row['indicator']} has no cited list; '{row['classification']}' needs a row in "
            "classifications.csv and codes in classification_codes.csv."
        )
    expected = EXTRACT_OF_SCHEME[classifications[row["classification"]]["scheme"]]
    if row["extract"] != expected:
        raise InputError(f"{address}: the extract is '{row['extract']}'; expected {expected} for this classification.")
    if row["patent_type"] not in ("", "invention", "utility_model", "design"):
        raise InputError(
            f"{address}: patent_type is '{row['patent_type']}'; expected invention, utility_model, design or nothing."
        )
    return True


def _write(folder, rows, columns):
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "rows.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _link(file, folder):
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, folder / "rows.csv")
