"""The sentences that the warehouse keeps in its columns of notes, in both languages of the report.

Every sentence has a code, an English and a Chinese form with arguments in ``messages.csv``. The tables of the warehouse
hold the English form, with the identifiers of SQL as arguments; the code and the arguments of a sentence are found from
it. A reader of the report gets names in place of identifiers, and the Chinese form on the Chinese page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

from city_policy import messages
from city_policy.messages import Message, argument_pattern, read_messages
from city_policy.report.study import Text, full_width, joined, same

FILE = Path(__file__).with_name("messages.csv")
_negative = re.compile(r"-\d[\d.,]*")
_nested_quotes = re.compile(r"“([^“”]*)“([^“”]*)”([^“”]*)”")
_number_before_column = re.compile(r"(?<=\d)(?=第（)")
_sentence_end = re.compile(r"(?<=\.)\s+(?=[A-Z])")
# What stands in brackets belongs together.
_ITEMS = {
    "; ": re.compile(r"; (?![^()]*\))"),
    ", ": re.compile(r", (?![^()]*\))"),
    " / ": re.compile(r" / "),
    " and ": re.compile(r"(?<=\)) and (?=\d)"),
}
_CHINESE_SIGN = {", ": "、", "; ": "；", " and ": "与 ", " / ": " / "}


@cache
def catalogue() -> tuple[Message, ...]:
    """All messages of the report."""
    return read_messages(FILE)


def parsed(sentence: str) -> tuple[Message, tuple[str, ...]] | None:
    """The message and the arguments of an English sentence; None for one that no message makes."""
    return messages.parsed(sentence, catalogue())


def both_languages(message: str, names: Mapping[str, Text]) -> Text:
    """A note of the warehouse in Chinese and English.

    Parameters
    ----------
    message
        One or more sentences, as a column of notes holds them.
    names
        Names of the measures, series, variables and policies by their identifier.
    """
    return _sentences(message, lambda sentence: _translate(sentence, names))


def codes(message: str, names: Mapping[str, Text]) -> list[str]:
    """The codes of the sentences of a note in their order, each once; of a list those of its items."""
    found = [code for sentence in _sentence_end.split(message) for code in _codes(sentence, names)]
    return list(dict.fromkeys(found))


def _codes(words: str, names: Mapping[str, Text]) -> list[str]:
    if words in names:
        return []
    if found := parsed(words):
        return [found[0].code]
    _, items = next(_parts(words), ("", []))
    return [code for item in items for code in _codes(item, names)]


def unknown_sentences(message: str, names: Mapping[str, Text]) -> list[str]:
    """The sentences of a note that no message makes; tests want none."""
    return [sentence for sentence in _sentence_end.split(message) if not _is_known(sentence, names)]


def _is_known(words: str, names: Mapping[str, Text]) -> bool:
    if words in names or _negative.fullmatch(words) or parsed(words) is not None:
        return True
    return _are_names(words, names) or any(all(_is_known(item, names) for item in items) for _, items in _parts(words))


def _sentences(message: str, translate: Callable[[str], Text]) -> Text:
    """The sentences of a note, each translated."""
    texts = [translate(sentence) for sentence in _sentence_end.split(message)]
    # Chinese sentences follow each other without a blank.
    return Text(" ".join(text.zh for text in texts).replace("。 ", "。"), " ".join(text.en for text in texts))


def _are_names(words: str, names: Mapping[str, Text]) -> bool:
    """Whether words are identifiers with a blank between them, as a column that lists some has them."""
    return all(word in names for word in words.split(" "))


def _parts(words: str) -> Iterator[tuple[str, list[str]]]:
    """How a list can be taken apart: the sign between its items, and these; nothing for what is no list."""
    for sign, pattern in _ITEMS.items():
        items = pattern.split(words)
        if len(items) > 1:
            yield sign, items


def _translate(words: str, names: Mapping[str, Text]) -> Text:
    """A sentence, or an argument of one: a name, a message of its own, or a list of these."""
    if words in names:
        return names[words]
    if _negative.fullmatch(words):
        return same("−" + words[1:])
    if found := parsed(words):
        message, arguments = found
        texts = [_translate(argument, names) for argument in arguments]
        english, chinese = ([text.en for text in texts], [text.zh for text in texts])
        return Text(_filled(message.chinese, chinese), _filled(message.english, english))
    if "^" in words:
        # Fixed effects of several columns together.
        crossed = [_translate(item, names) for item in words.split("^")]
        return Text("×".join(text.zh for text in crossed), " × ".join(text.en for text in crossed))
    if _are_names(words, names):
        return joined(names[word] for word in words.split(" "))
    for sign, items in _parts(words):
        texts = [_translate(item, names) for item in items]
        return Text(_CHINESE_SIGN[sign].join(text.zh for text in texts), sign.join(text.en for text in texts))
    return same(words)


def _filled(form: str, arguments: list[str]) -> str:
    """A form with its arguments; braces in these stay what they are."""
    filled = full_width(argument_pattern.sub(lambda found: arguments[int(found[1])], form))
    # Between a number and Chinese stands a blank.
    filled = _number_before_column.sub(" ", filled)
    # A name that is quoted itself stands in the inner quotation marks.
    return _nested_quotes.sub(r"“\1‘\2’\3”", filled)
