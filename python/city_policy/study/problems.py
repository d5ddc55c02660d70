"""What is wrong with a study folder: one sentence per mistake, all of them at once."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from city_policy.errors import InputError


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake. ``row``: row of the file, 0 for the file as a whole; ``sentence``: found, expected and what to do.

    ``about``: the file that cannot be relied on because of it, without ``.csv``.
    """

    file: str
    row: int
    column: str
    sentence: str
    about: str = ""

    def __str__(self) -> str:
        place = self.file
        if self.row:
            place += f", row {self.row}"
        if self.column:
            place += f", column {self.column}"
        return f"{place}: {self.sentence}"


def refuse(folder: object, problems: Iterable[Problem]) -> None:
    """Raise InputError with every problem on a line of its own, if there is any."""
    told = sorted(set(problems))
    if told:
        count = "1 mistake" if len(told) == 1 else f"{len(told)} mistakes"
        lines = "\n".join(f"  {problem}" for problem in told)
        raise InputError(f"The study in {folder} has {count}; nothing was built.\n{lines}")


def nearest(name: str, known: Iterable[str], count: int = 3) -> str:
    """`` (did you mean a, b?)`` with the names most like ``name``, or nothing."""
    if not name:
        return ""
    names = sorted(set(known))
    by_lower = {one.lower(): one for one in names}
    found = difflib.get_close_matches(name.lower(), list(by_lower), n=count, cutoff=0.6)
    found += [lower for lower in by_lower if name.lower() in lower and lower not in found][: count - len(found)]
    return f" (did you mean {', '.join(by_lower[lower] for lower in found)}?)" if found else ""
