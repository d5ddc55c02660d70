"""Signs of the printed page: minus signs, narrow spaces, raised digits, and letters that stand for a statistic.

A table holds plain text. Each writer takes the parts that :func:`parts` cuts a text into and marks the italic ones.
"""

import re

MINUS = "\u2212"
NARROW, UNBROKEN = "\u202f", "\u00a0"

# Control characters, those that turn the direction of writing, and those that no XML holds.
_UNPRINTABLE = re.compile(
    "[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufffe\uffff\ud800-\udfff]"
)
_BLANK = re.compile("[\t\n\v\f\r\u0085\u2028\u2029]+")
_MINUS = re.compile(r"(?<![\w.)\]-])-(?=\.?\d)")
_PERCENT = re.compile(r"(?<=\d) %")
_RELATION = re.compile(r"(?<=\b[pPtFZzN]) ?([<>=≤≥]) ?(?=[\d.−])")
_SQUARE = re.compile(r"(?<![A-Za-z0-9])R2(?![A-Za-z0-9])")
_LARGE = re.compile(r"(?<![\d.])\d{5,}")
# A letter alone that stands for a statistic: before its kind, a relation, a bracket or the end.
_SYMBOL = re.compile(
    r"(?<![A-Za-z0-9'’.])(?:R(?=²)|[tpPFZzN](?=[ \u00a0]?(?:values?\b|statistics?\b|值|统计量|[<>=≤≥])|$)|"
    r"(?<=[Ww]ald )F(?![A-Za-z]))"
)


def one_line(words: str) -> str:
    """Words on one line without control characters and without signs that turn the direction of writing."""
    return _UNPRINTABLE.sub("", _BLANK.sub(" ", words))


def squared(words: str) -> str:
    """Words with R² in place of R2."""
    return _SQUARE.sub("R²", words)


def typeset(words: str) -> str:
    """Words as they are printed: minus signs, a raised square, narrow spaces that do not break."""
    words = _MINUS.sub(MINUS, squared(words))
    words = _PERCENT.sub(f"{NARROW}%", words)
    return _RELATION.sub(rf"{UNBROKEN}\1{UNBROKEN}", words)


def digits(text: str) -> str:
    """A printed number: minus signs, and digits in groups of three from five digits before the point on."""
    return _LARGE.sub(lambda found: f"{int(found[0]):,}".replace(",", NARROW), text.replace("-", MINUS))


def parts(words: str) -> list[tuple[str, bool]]:
    """Typeset words in parts, each with whether it stands in italics."""
    words = typeset(words)
    found: list[tuple[str, bool]] = []
    end = 0
    for symbol in _SYMBOL.finditer(words):
        found += [(words[end : symbol.start()], False), (symbol[0], True)]
        end = symbol.end()
    return [part for part in (*found, (words[end:], False)) if part[0]]
