"""The messages of many regressions as notes below one table: each sentence once, and sentences of one kind as one."""

import re
from collections.abc import Iterable, Mapping, Sequence

from city_policy.report.messages import both_languages, parsed
from city_policy.report.study import Text, joined

_sentence_end = re.compile(r"(?<=\.)\s+(?=[A-Z])")
# Messages whose numbers are listed where only one of them differs, with the place of this number. Names always are.
_LISTED_NUMBERS = {"effective_number_of_cities": 0, "effective_number_of_groups": 1}
# What stands in a sentence for the list, before it is known: as a name and as a number.
_A_NAME, _A_NUMBER = "listed_in_its_place", "9081726354"


def notes_of_messages(messages: Iterable[object], names: Mapping[str, Text]) -> list[Text]:
    """The sentences of some messages, each once and in the order of their first.

    Sentences that differ in one name become one that lists the names, and those that say on how many cities an effect
    rests one that lists the numbers from the smallest.

    Parameters
    ----------
    messages
        One or more sentences each, in English and with identifiers, as a column of notes holds them.
    names
        Names of measures, series, variables and policies by their identifier.
    """
    sentences = dict.fromkeys(sentence for message in messages for sentence in _sentence_end.split(str(message)))
    alike: dict[object, list[str]] = {}
    for sentence in sentences:
        alike.setdefault(_form(sentence, names), []).append(sentence)
    return [both_languages(group[0], names) if len(group) == 1 else _listed(group, names) for group in alike.values()]


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
    first = joined(words[:-1])
    last = words[-1]
    return Text(
        sentence.zh.replace(stand_in, f"{first.zh}、{last.zh}"),
        sentence.en.replace(stand_in, f"{first.en} and {last.en}"),
    )


def _around(sentence: str, place: int) -> tuple[str, str]:
    """What stands before and after an argument of a sentence."""
    found = parsed(sentence)
    match = found and found[0].pattern.fullmatch(sentence)
    assert match
    return sentence[: match.start(place + 1)], sentence[match.end(place + 1) :]
