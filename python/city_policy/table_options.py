"""What a person chooses about a table of regressions, in the same words on the command line and in ``tables.csv``."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from city_policy.errors import InputError

# What may stand below a coefficient, and whether it needs an error.
STATISTICS = ("t", "se", "p", "ci")
# Variance estimators and ways of inference; a regression may have some of them.
ERRORS = ("CRV1", "iid", "CRV3", "conley", "pairs_bootstrap", "wild_rademacher", "wild_webb", "randomisation")
# Rows below the coefficients, in the order in which they stand.
FOOTER = (
    "controls", "city_effects", "year_effects", "extra_effects", "cluster", "kleibergen_paap_wald_f", "pretrend_p",
    "wild_bootstrap_p", "randomisation_p", "n_obs", "n_cities", "n_treated_cities", "r2", "r2_within",
)  # fmt: skip
# Rows that a table has unless it asks for others: p values by resampling are asked for.
USUAL_FOOTER = tuple(name for name in FOOTER if name not in ("wild_bootstrap_p", "randomisation_p"))
# Words for several rows of coefficients at once.
GROUPS = ("treatments", "event_times", "others", "controls", "constant")
USUAL_STARS = (0.1, 0.05, 0.01)
MOST_DECIMALS, MOST_STARS = 8, 4


@dataclass(frozen=True)
class TableOptions:
    """The choices of one table.

    ``specifications``: spec_ids, names or patterns, a column each. ``rows``: terms or groups of them in their order,
    none for all. ``statistics``: lines below a coefficient. ``errors``: the variance estimator. ``stars``: p values
    below which a coefficient has one, two … stars. ``headings``: words above the columns in place of ours.
    """

    specifications: tuple[str, ...]
    rows: tuple[str, ...] = ()
    statistics: tuple[str, ...] = ("t",)
    errors: str = "CRV1"
    decimals: int = 4
    stars: tuple[float, ...] = USUAL_STARS
    headings: tuple[str, ...] = ()
    footer: tuple[str, ...] = USUAL_FOOTER
    title_zh: str = ""
    title_en: str = ""
    notes_zh: tuple[str, ...] = ()
    notes_en: tuple[str, ...] = ()
    published: bool = False
    number: int | None = None


def options_of_command(given: Mapping[str, Any]) -> TableOptions:
    """The options of the command line; a title and notes are in the language of the table.

    Raises InputError for a value that is none.
    """
    language = given["language"]
    listed = {name: " ".join(_parts(given[name])) for name in ("rows", "statistic", "stars", "footer")}
    return TableOptions(
        specifications=tuple(given["specifications"]),
        rows=words(listed["rows"]),
        statistics=read_statistics(listed["statistic"]),
        errors=given["errors"],
        decimals=read_decimals(given["decimals"]),
        stars=read_stars(listed["stars"]),
        headings=tuple(given["columns"]),
        footer=read_footer(listed["footer"]),
        published=given["published"],
        number=None if given["number"] is None else read_number(given["number"]),
        **{f"title_{language}": given["title"], f"notes_{language}": tuple(given["notes"])},
    )


def _parts(given: str | Sequence[str]) -> Sequence[str]:
    """The parts of an option, which may be given with blanks or with commas between them."""
    return [given] if isinstance(given, str) else given


def options_of_row(row: Mapping[str, Any]) -> TableOptions:
    """The options of a row of ``tables.csv``; a blank cell takes the default.

    Raises InputError for a value that is none.
    """
    cells = {name: str(value or "").strip() for name, value in row.items()}

    def cell(name: str, default: str) -> str:
        return cells.get(name) or default

    return TableOptions(
        specifications=words(cell("specifications", "")),
        rows=words(cell("rows", "")),
        statistics=read_statistics(cell("statistic", "t")),
        errors=cell("errors", "CRV1"),
        decimals=read_decimals(cell("decimals", "4")),
        stars=read_stars(cell("stars", "0.1,0.05,0.01")),
        title_zh=cell("title_zh", ""),
        title_en=cell("title_en", ""),
        notes_zh=(note,) if (note := cell("note_zh", "")) else (),
        notes_en=(note,) if (note := cell("note_en", "")) else (),
        number=read_number(cell("table_no", "1")),
    )


def words(text: str) -> tuple[str, ...]:
    """Names in a cell or an option, separated by blanks or commas."""
    return tuple(word for word in re.split(r"[\s,\uff0c]+", text) if word)


def read_stars(text: str) -> tuple[float, ...]:
    """Limits of p values from the largest; none for ``none``. Raises InputError for what is no such list."""
    if text.strip() == "none":
        return ()
    try:
        limits = [float(word) for word in words(text)]
    except ValueError:
        limits = []
    right = limits and len(limits) <= MOST_STARS and all(0 < limit < 1 for limit in limits)
    if not right or sorted(set(limits), reverse=True) != limits:
        raise InputError(
            f"stars are '{text}', expected none or up to {MOST_STARS} p values from the largest to the smallest, such "
            "as 0.1,0.05,0.01."
        )
    return tuple(limits)


def read_decimals(text: str) -> int:
    """A number of decimals. Raises InputError for what is none."""
    if not re.fullmatch(r"\d", text.strip(), flags=re.ASCII) or int(text) > MOST_DECIMALS:
        raise InputError(f"decimals are '{text}', expected a whole number from 0 to {MOST_DECIMALS}.")
    return int(text)


def read_number(text: str) -> int:
    """The number of a table. Raises InputError for what is none."""
    if not re.fullmatch(r"[1-9]\d?", text.strip(), flags=re.ASCII):
        raise InputError(f"the number of the table is '{text}', expected a number from 1 to 99.")
    return int(text)


def read_statistics(text: str) -> tuple[str, ...]:
    """Which statistics stand below a coefficient. Raises InputError for an unknown one."""
    return _known(text, STATISTICS, "statistic")


def read_footer(text: str) -> tuple[str, ...]:
    """Rows below the coefficients; ``usual``: those without choice. Raises InputError for an unknown one."""
    names = tuple(name for word in words(text) for name in (USUAL_FOOTER if word == "usual" else (word,)))
    return tuple(dict.fromkeys(_known(" ".join(names), FOOTER, "footer"))) if text.strip() != "none" else ()


def _known(text: str, known: Sequence[str], what: str) -> tuple[str, ...]:
    if text.strip() == "none":
        return ()
    chosen = words(text)
    unknown = [word for word in chosen if word not in known]
    if unknown or not chosen:
        raise InputError(f"{what} is '{' '.join(unknown)}', expected none, or one or more of {', '.join(known)}.")
    return tuple(dict.fromkeys(chosen))
