"""The language in which the command line speaks: that of the terminal, English or Chinese."""

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TextIO

from city_policy.messages import Message, argument_pattern, parsed, read_messages

FILE = Path(__file__).with_name("command_messages.csv")
# What the locale of the shell is called, the strongest first.
_LOCALE_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")
_begins_with_words = re.compile(r"\{0(:[wmli])?\}")
_between_items = re.compile(r", (?![^()]*\))")
_sentence_end = re.compile(r"(?<=[.。]) (?=[A-Z])")


def language() -> str:
    """``zh`` where CITY_POLICY_LANGUAGE says so or else the locale is Chinese, otherwise ``en``."""
    chosen = os.environ.get("CITY_POLICY_LANGUAGE", "")
    if chosen in ("en", "zh"):
        return chosen
    locale = next(filter(None, map(os.environ.get, _LOCALE_VARIABLES)), "")
    return "zh" if locale.lower().startswith("zh") else "en"


def said(words: str) -> str:
    """English words as the user reads them; without a Chinese form they stay English."""
    return in_chinese(words) if language() == "zh" else words


def say(words: object, stream: TextIO | None = None) -> None:
    """Print English words as the user reads them."""
    print(said(str(words)), file=stream, flush=True)


@cache
def catalogue() -> tuple[Message, ...]:
    """All messages of the command line; those whose first words may be any come last."""
    return tuple(sorted(read_messages(FILE), key=lambda message: bool(_begins_with_words.match(message.english))))


def in_chinese(words: str) -> str:
    """The Chinese form of what the command line says: a sentence, several on a line, or several lines.

    Arguments such as paths and names are shown letter by letter as they are; words without a Chinese form stay English.
    """
    if not words.strip():
        return words
    separator, parts = next(_parts(words), ("", []))
    if found := _as_a_whole(words, parts):
        message, arguments = found
        texts = [_argument(kind, text) for kind, text in zip(message.kinds, arguments, strict=True)]
        return argument_pattern.sub(lambda place: texts[int(place[1])], message.chinese)
    if not parts:
        return words
    said = separator.join(in_chinese(part) for part in parts)
    return said.replace("。 ", "。") if separator == " " else said


def without_chinese_form(words: str) -> list[str]:
    """The sentences and clauses among ``words`` that have no Chinese form; tests want none."""
    if not re.search(r"[A-Za-z]", words):
        return []
    _, parts = next(_parts(words), ("", []))
    if found := _as_a_whole(words, parts):
        message, arguments = found
        clauses = [
            clause
            for kind, text in zip(message.kinds, arguments, strict=True)
            if kind in (":m", ":i")
            for clause in (_items(text) if kind == ":i" else [text])
        ]
        return [unknown for clause in clauses for unknown in without_chinese_form(clause)]
    return [unknown for part in parts for unknown in without_chinese_form(part)] if parts else [words]


def _as_a_whole(words: str, parts: list[str]) -> tuple[Message, tuple[str, ...]] | None:
    """The message that words are as a whole, with its arguments; no argument takes in a sentence of its own or the
    blanks that set a line in.
    """
    first = next((part for part in parts if re.search(r"[A-Za-z]", part)), "")
    if first and not without_chinese_form(first):
        return None
    found = parsed(words, catalogue())
    return None if found and words.startswith(" ") and not found[0].english.startswith(" ") else found


def _argument(kind: str, text: str) -> str:
    """An argument in a Chinese sentence."""
    if kind == ":m":
        return in_chinese(text)
    if kind == ":i":
        return "、".join(map(in_chinese, _items(text)))
    return text.replace(", ", "、") if kind == ":l" else text


def _items(text: str) -> list[str]:
    """The items of a list; what stands in brackets belongs together."""
    return _between_items.split(text)


def _parts(words: str) -> Iterator[tuple[str, list[str]]]:
    """How words that are no single message can be taken apart: lines, then what is set in, then sentences."""
    if "\n" in words:
        yield "\n", words.split("\n")
    elif words != words.strip():
        set_in = len(words) - len(words.lstrip())
        yield "", [words[:set_in], words.strip(), words[set_in + len(words.strip()) :]]
    elif len(sentences := _sentence_end.split(words)) > 1:
        yield " ", sentences
