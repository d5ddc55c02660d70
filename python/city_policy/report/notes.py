"""The messages of many regressions as notes below one table: each sentence once, and sentences of one kind as one."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations

from city_policy.report.messages import both_languages, parsed
from city_policy.report.study import Text, capital, joined

_sentence_end = re.compile(r"(?<=\.)\s+(?=[A-Z])")
# Messages whose numbers are listed where only one of them differs, with the place of this number. Names always are.
_LISTED_NUMBERS = {"effective_number_of_cities": 0, "effective_number_of_groups": 1}
# Of more rows than this a sentence does not say which they are: by one name, and by the first of two.
_MOST_NAMED, _MOST_PAIRS = 4, 2
# What stands in a sentence for the list, before it is known: as a name and as a number.
_A_NAME, _A_NUMBER = "listed_in_its_place", "9081726354"


@dataclass(frozen=True)
class Said:
    """A message and what it is about: one text per aspect (its specification, outcome, sample and policy)."""

    message: str
    about: tuple[Text, ...] = ()


def notes_of_messages(said: Iterable[Said], names: Mapping[str, Text]) -> list[Text]:
    """The sentences of some messages, each once, in the order of their first, with what they are about in front.

    A sentence of all rows has nothing in front, and one of some rows the aspect that tells these from the others.
    Sentences that differ in one name become one that lists the names, and those that say on how many cities an effect
    rests one that lists the numbers from the smallest.

    Parameters
    ----------
    said
        One or more sentences each, in English and with identifiers, as a column of notes holds them; the rows of the
        table that say nothing too.
    names
        Names of measures, series, variables and policies by their identifier.
    """
    rows = list(said)
    about: dict[str, list[tuple[Text, ...]]] = {}
    for row in rows:
        for sentence in filter(None, _sentence_end.split(row.message)):
            about.setdefault(sentence, []).append(row.about)
    alike: dict[object, list[str]] = {}
    for sentence in about:
        alike.setdefault(_form(sentence, names), []).append(sentence)
    everything = list(dict.fromkeys(row.about for row in rows))
    alike_in_kind: dict[str, set[tuple[Text, ...]]] = {}
    for sentence, rows_about in about.items():
        alike_in_kind.setdefault(_kind(sentence), set()).update(rows_about)
    notes = []
    for group in alike.values():
        note = both_languages(group[0], names) if len(group) == 1 else _listed(group, names)
        # What the sentence names itself is not named again.
        unnamed = {text for text in chain.from_iterable(everything) if _holds(note.en, text.en)}
        these = set(chain.from_iterable(about[sentence] for sentence in group))
        # Where telling them from all rows takes a long list, from those of which the like is said.
        kin = [row for row in everything if row in alike_in_kind[_kind(group[0])]]
        where = _where(these, everything, unnamed) or _where(these, kin, unnamed) or Text("", "")
        notes.append(Text(f"{where.zh}{note.zh}", f"{where.en}{note.en}"))
    return list(dict.fromkeys(notes))


def _holds(sentence: str, name: str) -> bool:
    """Whether a sentence holds a name as whole words."""
    return bool(name) and bool(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", sentence, re.IGNORECASE))


def _kind(sentence: str) -> str:
    """The message of a sentence, else the sentence itself."""
    found = parsed(sentence)
    return found[0].code if found else sentence


def _where(
    these: Collection[tuple[Text, ...]], everything: Sequence[tuple[Text, ...]], unnamed: Collection[Text]
) -> Text | None:
    """What tells some rows from others, as the beginning of a sentence: one aspect, else two; None where that would be
    a long list.
    """
    rows = [row for row in everything if row in these]
    if len(rows) == len(everything):
        return Text("", "")
    aspects = range(len(everything[0]))
    for chosen, most in chain(
        ((one, _MOST_NAMED) for one in combinations(aspects, 1)),
        ((two, _MOST_PAIRS) for two in combinations(aspects, 2)),
    ):
        theirs = list(dict.fromkeys(tuple(row[aspect] for aspect in chosen) for row in rows))
        others = {tuple(row[aspect] for aspect in chosen) for row in everything if row not in these}
        is_told = all(text for parts in theirs for text in parts)
        if is_told and len({parts[0] for parts in theirs}) <= most and not others.intersection(theirs):
            return _named([[text for text in parts if text not in unnamed] for parts in theirs])
    return None


def _named(rows: Iterable[Sequence[Text]]) -> Text:
    """Rows by one or two aspects, those that share the first together."""
    by_first: dict[Text, list[Text]] = {}
    for first, *second in filter(None, rows):
        by_first.setdefault(first, []).extend(second)
    groups = [joined([first, *([_and(second)] if second else [])], ",", ", ") for first, second in by_first.items()]
    if not groups:
        return Text("", "")
    found = joined(groups, ";", "; ") if any(by_first.values()) else _and(groups)
    # A title with a colon stands apart from the sentence by a dash.
    zh, en = ("——", " – ") if ":" in found.en else (":", ": ")
    return capital(Text(f"{found.zh}{zh}", f"{found.en}{en}"))


def _and(words: Sequence[Text]) -> Text:
    """Words with "and" before the last."""
    first, last = joined(words[:-1]), words[-1]
    return Text(f"{first.zh}、{last.zh}", f"{first.en} and {last.en}") if first else last


def _place(sentence: str, names: Mapping[str, Text]) -> int | None:
    """Which argument of a sentence may become a list."""
    found = parsed(sentence)
    if found is None:
        return None
    message, arguments = found
    named = [place for place, argument in enumerate(arguments) if argument in names]
    return _LISTED_NUMBERS.get(message.code, named[0] if len(named) == 1 else None)


def _form(sentence: str, names: Mapping[str, Text]) -> object:
    """What sentences have in common that become one: the message and the arguments that are not listed."""
    place = _place(sentence, names)
    if place is None or (found := parsed(sentence)) is None:
        return sentence
    message, arguments = found
    return message.code, arguments[:place], arguments[place + 1 :]


def _listed(group: Sequence[str], names: Mapping[str, Text]) -> Text:
    """One sentence in the place of several of one form."""
    place = _place(group[0], names)
    parts = [found[1] for sentence in group if (found := parsed(sentence))]
    assert place is not None
    listed = [arguments[place] for arguments in parts]
    is_named = listed[0] in names
    if not is_named:
        listed.sort(key=float)
    words = [names[one] if is_named else Text(one, one) for one in listed]
    stand_in = _A_NAME if is_named else _A_NUMBER
    start, end = _around(group[0], place)
    sentence = both_languages(f"{start}{stand_in}{end}", {**names, _A_NAME: Text(_A_NAME, _A_NAME)})
    listed_words = _and(words)
    return Text(
        sentence.zh.replace(stand_in, listed_words.zh),
        sentence.en.replace(stand_in, listed_words.en),
    )


def _around(sentence: str, place: int) -> tuple[str, str]:
    """What stands before and after an argument of a sentence."""
    found = parsed(sentence)
    match = found and found[0].pattern.fullmatch(sentence)
    assert match
    return sentence[: match.start(place + 1)], sentence[match.end(place + 1) :]
