"""Suggesting the official name that a damaged printed name may stand for: only where the suggestion is good.

A wrong suggestion is worse than none, because a person in a hurry pastes it. So a name gets one only if a
single official name of that data year is one damaged character away, or if character recognition is known to
confuse the two characters. Names of county-level cities compete: 龙n市 may be 龙岩市 or 龙口市.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rapidfuzz.distance import Levenshtein

from city_policy.reader.knowledge import Knowledge, OfficialName, confusions, official_names
from city_policy.reader.text import squeeze

if TYPE_CHECKING:
    # The reader needs no pandas, which takes as long to import as an edition takes to read.
    import pandas as pd

# Shorter names are one character away from the names of too many places, printed or not.
SHORTEST = 3
# These end the names of parts of a city or of units of another level: 北京市区 is no damaged 北京市.
OTHER_UNITS = ("区", "县", "旗", "镇", "乡", "省", "盟", "州")


def nearest_name(
    name: str, names: Iterable[OfficialName], data_year: int, confused_pairs: frozenset[tuple[str, str]]
) -> OfficialName | None:
    """The official name that a squeezed unknown name most probably stands for in a data year, or None.

    Parameters
    ----------
    name
        The name as printed, squeezed.
    names
        Official names with the data years for which they hold. Those of county-level cities have no adcode and
        are never suggested, but another name that is as near is then not suggested either.
    data_year
        Names of other years are no candidates.
    confused_pairs
        Pairs (printed, meant) of characters that are known to be confused; such a pair decides between
        several candidates.
    """
    if len(name) < SHORTEST or name.endswith(OTHER_UNITS):
        return None
    candidates = [
        official
        for official in names
        if official.valid_from <= data_year <= official.valid_to and _is_near(name, official.name)
    ]
    confused = [official for official in candidates if _difference(name, official.name) in confused_pairs]
    for group in (confused, candidates):
        if len(group) == 1:
            return group[0] if group[0].adcode else None
    return None


def _is_near(name: str, official: str) -> bool:
    """Whether one character was replaced, lost or added. Of three characters none may be lost: 州市 is half of
    many names."""
    shorter = min(len(name), len(official))
    return shorter >= SHORTEST and Levenshtein.distance(name, official, score_cutoff=1) == 1


def _difference(name: str, official: str) -> tuple[str, str] | None:
    """The characters (printed, meant) in which two names of one length differ; None for other lengths."""
    if len(name) != len(official):
        return None
    return next((a, b) for a, b in zip(name, official, strict=True) if a != b)


def suggest(unknown: dict[tuple[str, int], str], knowledge: Knowledge) -> list[str]:
    """A line for city_names.csv per unknown name, to be checked by a person.

    ``unknown`` holds the address of the first cell per name and data year. A name without a good suggestion
    has no adcode in its line.
    """
    lines = []
    for (name, year), address in unknown.items():
        # A name of another year, or one that stands for several places, is not damaged.
        is_damaged = not {name, name + "市"} & knowledge.unit_names
        nearest = nearest_name(name, knowledge.official_names, year, knowledge.confusions) if is_damaged else None
        codes, remark = ("", ""), "no similar name;"
        if nearest:
            codes, remark = (nearest.adcode, nearest.part_adcode), f"{nearest.name}?"
        # A damaged name of a merged unit is a name of that unit: its values are added to those of its successor.
        kind = "merged_into" if codes[1] else "ocr_variant"
        lines.append(f"{name},{','.join(codes)},{kind},{year},{year},{remark} {address.replace(',', ';')}")
    return lines


def suggestions_of_unknown_names(
    unknown: "pd.DataFrame",
    prefecture_names: "pd.DataFrame",
    county_level_cities: "pd.DataFrame",
    city_names: "pd.DataFrame",
) -> "pd.DataFrame":
    """The good suggestions for unknown names, by the same rule as :func:`suggest`.

    Parameters
    ----------
    unknown
        Columns ``data_year`` and ``place_raw``, one row each.
    prefecture_names, county_level_cities, city_names
        The seeds of these names.

    Returns
    -------
    pandas.DataFrame
        The rows of ``unknown`` that have a suggestion, with ``suggested_name`` and ``suggested_adcode``.
    """
    prefectures, counties, aliases = (
        seed.convert_dtypes().astype("string").fillna("").to_dict("records")
        for seed in (prefecture_names, county_level_cities, city_names)
    )
    names = official_names(prefectures, counties)
    pairs = confusions(aliases, names)
    unit_names = {row["name"] for row in prefectures} | {row["name_zh"] for row in counties}
    found = [
        None if {squeeze(name), squeeze(name) + "市"} & unit_names else nearest_name(squeeze(name), names, year, pairs)
        for year, name in unknown[["data_year", "place_raw"]].itertuples(index=False)
    ]
    return unknown.assign(
        suggested_name=[official.name if official else None for official in found],
        suggested_adcode=[official.adcode if official else None for official in found],
    ).dropna(subset="suggested_name")
