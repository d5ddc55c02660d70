"""Normalising printed text: names, header labels, titles, units and numbers.

Every function is pure. Normalising is idempotent: applied to its own result it changes nothing.
"""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

# Characters that print nothing: Unicode white space plus zero-width characters.
BLANK = r"[\s\u200b\u200c\u200d\u2060\ufeff]"
_blank = re.compile(BLANK + "+")
_outer_blank = re.compile(f"^{BLANK}+|{BLANK}+$")
ZERO_WIDTH = re.compile("[\u200b\u200c\u200d\u2060\ufeff]")

CHINESE = "\u3400-\u9fff"
_chinese = re.compile(f"[{CHINESE}]")
# A cell is a label if it holds two Chinese characters or four Latin letters in a row. Damaged numbers hold
# neither.
label_like = re.compile(f"[{CHINESE}].*[{CHINESE}]|[A-Za-z]{{4}}", re.DOTALL)

# A leading enumerator of a header label: (4), 4., ①, (一), 一、
_dot_between = re.compile(f"(?<=[{CHINESE}])[.·](?=[{CHINESE}])")
_enumerator = re.compile(
    r"^(?:\((?:\d{1,2}|[一二三四五六七八九十]{1,3})\)|\d{1,2}[.、](?!\d)|[一二三四五六七八九十]{1,3}、)"
)
_last_bracket = re.compile(r"\(([^()]*)\)$")
# The scope of a column, at the end of a label (with or without a separator) or in front of one (with a
# separator).
_scope_end = re.compile(r"[-_|:·(]?(全市|市辖区)\)?(?:TotalCity|DistrictsunderCity)?$", re.IGNORECASE)
_scope_start = re.compile(r"^\(?(全市|市辖区)[-_|:·)]")
# Every wording of a scope in lines and titles. 市 alone is no scope.
_district_words = re.compile(
    r"不(?:包括|含|包含|计)(?:市?辖县|市属县|郊县|县)|(?:只|仅)(?:包括|含)市(?:辖)?区|市辖区|市区"
)
_city_words = re.compile(r"(?:包括|含|包含)(?:市?辖县|市属县|郊县|县)|全市|全地区|地区")
# Measure words of the yearbooks: a bracket that holds one of them, with a power of ten and a denominator,
# is a unit.
_measure = (
    "人次|人公里|吨公里|户次|人|户|美元|元|吨标准煤|吨|公顷|亩|平方米|平方公里|平方千米|立方米|公里|千米|米|千瓦时|千瓦小时|千瓦|"
    "个|所|家|处|座|件|项|册|张|辆|标台|台|部|套|条|次|天|小时|艘|头|卷|种|微克|毫克|千克|公斤|克|分贝|升|床|篇|岁|年"
)
_unit_pattern = re.compile(
    rf"(?:[十百千万亿]*(?:{_measure})|[%‰])(?:[、,](?:[十百千万亿]*(?:{_measure})))*(?:/[十百千万亿]*(?:{_measure}))?"
)
_latin_unit = re.compile(r"[A-Za-z0-9%‰.,/㎡μ²³\s-]+")


@lru_cache(maxsize=1 << 16)
def squeeze(text: str) -> str:
    """The text in NFKC without white space, zero-width characters and Excel's escaped carriage returns."""
    squeezed = _blank.sub("", unicodedata.normalize("NFKC", _blank.sub("", text).replace("_x000D_", "")))
    # 巿 (fú, U+5DFF) is never meant: it looks like 市 and stands for it in scanned tables.
    return squeezed.replace("巿", "市")


def strip_blank(text: str) -> str:
    """The text without white space and zero-width characters at its ends."""
    return _outer_blank.sub("", text)


def has_chinese(text: str) -> bool:
    """Whether the text holds a Chinese character."""
    return _chinese.search(text) is not None


@lru_cache(maxsize=1 << 14)
def scope_of(text: str) -> str:
    """The scope that a squeezed cell prints and nothing else: 'city', 'districts' or ''.

    The English half decides where the Chinese one is lost or damaged (全辖市TotalCity).
    """
    chinese = "".join(_chinese.findall(text))
    latin = re.sub(r"[^a-z]", "", text.replace("1", "l").lower())
    if chinese == "建成区":
        return ""
    if _district_words.fullmatch(chinese):
        return "districts"
    if _city_words.fullmatch(chinese):
        return "city"
    if len(chinese) <= 4 and re.fullmatch(r"totall?cit[yv]?|totacity", latin):
        return "city"
    if len(chinese) <= 4 and re.fullmatch(r"distr\w*und?er\w*|districts?\w{0,4}ndercit[yv]", latin):
        return "districts"
    return ""


class Label(NamedTuple):
    """One header cell, taken apart."""

    text: str
    unit: str
    unit_english: str
    scope: str


def _split_english(text: str) -> tuple[str, str]:
    """Chinese label and its English translation: the translation begins after the last Chinese character,
    its closing brackets and the bracket groups that follow it directly."""
    last = max((i for i, character in enumerate(text) if _chinese.match(character)), default=-1)
    if last < 0:
        return "", text
    end = last + 1
    while end < len(text) and text[end] in ")]":
        end += 1
    while end < len(text) and text[end] == "(" and ")" in text[end:]:
        end = text.index(")", end) + 1
    return text[:end], text[end:]


def is_unit(text: str, known_units: frozenset[str]) -> bool:
    """Whether a squeezed text is a unit: one that the mapping knows, or one that is built like a unit."""
    return text in known_units or _unit_pattern.fullmatch(text) is not None


@lru_cache(maxsize=4096)
def parse_label(cell: str, known_units: frozenset[str], known_labels: frozenset[str]) -> Label:
    """Takes a printed header cell apart into label, unit, English unit and scope.

    ``known_labels`` are the labels of the mapping: a bracket that belongs to one of them is never cut off,
    and one behind a known label is its unit if it is built like one.
    """
    text = squeeze(cell)
    scope = scope_of(text)
    if scope:
        return Label("", "", "", scope)
    scope, text = _cut_scope(text)
    chinese, english = _split_english(text)
    # An unlabelled unit row below the labels ("万元" is Chinese, "%" is not).
    unit = (chinese or text).strip("()")
    if is_unit(unit, known_units):
        return Label("", unit, "", scope)
    if not chinese:
        if english.isdecimal():
            # Columns for several years.
            return Label(english, "", "", scope)
        bracket = _last_bracket.search(english)
        return Label("", "", bracket.group(1) if bracket else "", scope)
    label, unit = _cut_unit(_clean_label(chinese, known_labels), known_units, known_labels)
    bracket = _last_bracket.search(english)
    unit_english = bracket.group(1) if bracket and bracket.group(1).lower() not in _not_english_units else ""
    return Label(label, unit, unit_english, scope)


def _cut_scope(text: str) -> tuple[str, str]:
    """The scope that stands before or behind a label, and the rest."""
    found = _scope_end.search(text)
    if found and found.start() > 0:
        return scope_of(found.group(1)), text[: found.start()]
    found = _scope_start.search(text)
    return (scope_of(found.group(1)), text[found.end() :]) if found else ("", text)


def _clean_label(chinese: str, known_labels: frozenset[str]) -> str:
    """A Chinese label without note signs, enumerators and 其中."""
    # A note sign between label and translation is not part of the label.
    label = re.sub(r"^[#*]+|['‘’`\"“”*#]+$", "", _dot_between.sub("、", chinese))
    if label.count("(") == label.count(")") + 1:
        label += ")"
    if label not in known_labels:
        # 其中 says that the column is a part of the one before, which its own words say, too.
        label = re.sub(r"^其[中屮][:、]?(?=.)", "", label)
    while True:
        cut = _enumerator.sub("", label)
        if cut == label or not cut:
            return label
        label = cut


def _cut_unit(label: str, known_units: frozenset[str], known_labels: frozenset[str]) -> tuple[str, str]:
    """A label and the unit in the bracket at its end, '' if there is none."""
    bracket = _last_bracket.search(label)
    if bracket and label not in known_labels and bracket.start() > 0:
        inside = bracket.group(1)
        if is_unit(inside, known_units) or (inside and _latin_unit.fullmatch(inside)):
            return label[: bracket.start()], inside
    return label, ""


_not_english_units = {"currentprices", "currentprice", "totalcity", "districtsundercity", "dust"}

# 2-10, 表2—10, 3-1-2; a year may follow without a blank (1—52005年度…).
_table_number = re.compile(r"^表?\d{1,2}[-—–－_.]\d{1,3}?(?:[-—–－_.]\d{1,3})?(?:(?!\d)|(?=(?:19|20)\d{2}年))")
# The short form of older editions: 10.工业总产值.
_short_number = re.compile(r"^\d{1,2}[.、](?!\d)")
_continued = re.compile(
    r"\(续表?[一二三四五六七八九十\d]*\)|续表[一二三四五六七八九十\d]*|c?contin?ued?\d*|coninued\d*|续[一二三四五六七八九十\d]*$",
    re.IGNORECASE,
)
_title_tail = re.compile(r"\((?:[一二三四五六七八九十]{1,3}|\d{1,2}|[IVX]{1,5})\)$")
_title_bracket = re.compile(r"\(([^()]*)\)")
_note = re.compile(r"^(?:注[::\d]|说明|资料来源|[a-z]\)|\d\)|[①-⑳*※])")


def table_number(text: str) -> str:
    """The number of a printed table that a squeezed line begins with, '' if there is none."""
    found = _table_number.match(text) or _short_number.match(text)
    return found.group(0) if found else ""


def has_table_number(text: str) -> bool:
    """Whether a squeezed line begins with the number of a printed table."""
    return table_number(text) != ""


def is_continuation(text: str) -> bool:
    """Whether a squeezed line says that a table goes on (2-10续表1 continued 1)."""
    return _continued.search(text) is not None


def is_note(text: str) -> bool:
    """Whether a squeezed line is a footnote."""
    return _note.match(text) is not None


def scope_of_phrase(text: str) -> str:
    """The scope that a squeezed phrase of a title or line means: (不包括市辖县) → 'districts'; '' for any other."""
    plain = text.strip("()[]")
    if _district_words.fullmatch(plain):
        return "districts"
    return "city" if _city_words.fullmatch(plain) else ""


def _without_scope(title: str) -> tuple[str, str]:
    """A title without the phrases of its brackets that name a scope, and that scope."""
    scope = ""

    def rest(found: re.Match) -> str:
        nonlocal scope
        kept = []
        for phrase in re.split("[,，、;]", found.group(1)):
            of_phrase = scope_of_phrase(phrase)
            scope = scope or of_phrase
            if not of_phrase:
                kept.append(phrase)
        if len(kept) == len(re.split("[,，、;]", found.group(1))):
            return found.group(0)
        return f"({','.join(kept)})" if kept else ""

    return _title_bracket.sub(rest, title), scope


def parse_title(text: str) -> tuple[str, str]:
    """Title key and scope of a squeezed title: without table number, continuation mark, enumerator and
    English."""
    scope = ""
    while True:
        cut = text[len(table_number(text)) :]
        cut = _dot_between.sub("、", _split_english(re.sub(r"[A-Za-z]{4,}.*$", "", cut) or cut)[0] or cut)
        cut, of_bracket = _without_scope(cut)
        scope = scope or of_bracket
        cut = _title_tail.sub("", _continued.sub("", cut)).strip("、.·:-_")
        if cut == text:
            # What is left of a damaged table number (232续表3) is no title.
            return (text if has_chinese(text) else ""), scope
        text = cut


_unit_line = re.compile(rf"\(?(?:计量)?单位(?:[::](.*)|[、.]({_unit_pattern.pattern}))$")
_english_unit_line = re.compile(r"\(([^()]*)\)|(%|‰)")


def split_unit(text: str) -> tuple[str, str | None]:
    """A squeezed line without its 单位:…, and the unit that this prints: None if the line prints none, '' for a
    list of several units."""
    found = _unit_line.search(text) if "单位" in text else None
    if not found:
        return text, None
    printed = found.group(1) or found.group(2) or ""
    if re.search("[、,;]", printed):
        return text[: found.start()], ""
    unit = _split_english(printed)[0] or printed
    unit = unit[1:-1] if unit.startswith("(") and unit.endswith(")") else unit.removesuffix(")")
    return text[: found.start()], unit


def unit_of_line(text: str) -> str | None:
    """The unit that a squeezed line 单位:… prints, None for any other line, '' for a list of several
    units."""
    before, unit = split_unit(text)
    return unit if not has_chinese(before) else None


def english_unit_of_line(text: str) -> str | None:
    """The unit of a squeezed line that holds nothing but an English unit in brackets or a per cent sign."""
    found = _english_unit_line.fullmatch(text)
    if not found or has_chinese(text):
        return None
    return found.group(1) or found.group(2) or ""


# Numbers. The SQL macro parse_number follows the same rules; tests/python/test_reader_numbers.py compares
# the two.
FULL_WIDTH = "０１２３４５６７８９．，－＋−\u3000\u00a0\u200b\ufeff\t\r\n"
ASCII = "0123456789.,-+-" + " " * 7
_to_ascii = str.maketrans(FULL_WIDTH, ASCII)
MISSING = frozenset({"", "-", "--", "---", "—", "——", "–", "―", "…", "……", "...", "......", "#", "##", "*", "/", "无"})
_number = re.compile(r"[+-]?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?")


def parse_number(text: str) -> tuple[str, float | None]:
    """('printed', value), ('missing', None) or ('unparsed', None).

    Accepted: a sign, digits with or without complete thousands groups, a decimal point followed by digits,
    in ASCII or full width. Rejected, because repairing would be guessing: notes behind the number, two
    numbers in a cell, incomplete thousands groups, a decimal point without digits.
    """
    plain = text.translate(_to_ascii).strip(" ")
    if plain in MISSING:
        return "missing", None
    if _number.fullmatch(plain):
        return "printed", float(plain.replace(",", ""))
    return "unparsed", None
