"""Sentences by code: an English and a Chinese form with arguments, in a CSV file.

The program says and stores English. The code and the arguments of a sentence are found from it, so that whoever shows
it to a reader of Chinese needs nothing but the sentence. The report and the command line have a file each.
"""

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# Kinds of arguments: a number, one with stars, a word, a clause with a row of its own that may be left out, a list with
# commas, one whose items have rows of their own, or anything.
_KINDS = {
    ":n": r"[-−]?\d[\d.,]*(?:e[-+]?\d+)?",
    ":s": r"[-−\d.]*\**",
    ":w": r"\w+",
    ":m": r".*?",
    ":l": r".+?",
    ":i": r".+?",
    "": r".+?",
}
argument_pattern = re.compile(r"\{(\d+)(:[nswmli])?\}")


@dataclass(frozen=True)
class Message:
    """A sentence by its code: ``english`` and ``chinese`` with ``{0}``, ``{1}`` … for its arguments.

    ``kinds``: the kind of each argument, ``pattern``: what a sentence of this form looks like, with the arguments as
    its groups, ``fixed``: its longest words that are no argument.
    """

    code: str
    english: str
    chinese: str
    kinds: tuple[str, ...]
    pattern: re.Pattern[str]
    fixed: str

    @property
    def arguments(self) -> int:
        """How many arguments it has."""
        return self.pattern.groups


def read_messages(file: Path) -> tuple[Message, ...]:
    """The messages of a file with the columns ``code``, ``message_en`` and ``message_zh``.

    Those with more fixed words come first, so that a general form takes none that has its own.
    """
    with open(file, encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    messages = [_message(row["code"], row["message_en"], row["message_zh"]) for row in rows]
    return tuple(sorted(messages, key=lambda message: -len(argument_pattern.sub("", message.english))))


def _message(code: str, english: str, chinese: str) -> Message:
    parts = argument_pattern.split(english)
    found, kinds = [re.escape(parts[0])], []
    for position in range(1, len(parts), 3):
        kinds.append(parts[position + 1] or "")
        found += [f"({_KINDS[kinds[-1]]})", re.escape(parts[position + 2])]
    fixed = max(parts[::3], key=len)
    return Message(code, english, chinese, tuple(kinds), re.compile("".join(found), re.DOTALL), fixed)


def parsed(sentence: str, messages: Iterable[Message]) -> tuple[Message, tuple[str, ...]] | None:
    """The message and the arguments of an English sentence; None for one that no message makes."""
    for message in messages:
        # Few sentences have the fixed words, and looking for these is quick.
        if message.fixed in sentence and (found := message.pattern.fullmatch(sentence)):
            return message, found.groups()
    return None
