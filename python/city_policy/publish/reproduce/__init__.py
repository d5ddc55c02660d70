"""Scripts that run the published regressions again in Stata, R and Python, written for the study at hand.

They cover the baseline, the event study and the group effects. A script reads the published panel, runs each
regression by a well-known command of its language, and compares coefficients and clustered errors with the published
ones.
"""

import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import jinja2

from city_policy.publish.dictionary import PANEL, Table, quoted
from city_policy.publish.labels import NOTICE, read_study
from city_policy.publish.reproduce.regressions import SECTIONS, Regression, read_regressions
from city_policy.publish.stata import stata_names

FOLDER = Path(__file__).parent
TOLERANCE = "1e-6"
SCRIPTS = ("reproduce.do", "reproduce.R", "reproduce.py")
PUBLISHED_FILE = "published_estimates.csv"
PANEL_FILE = "panel.csv"


def write_scripts(connection: duckdb.DuckDBPyConnection, tables: Sequence[Table], folder: Path) -> None:
    """Write the scripts, the columns of the panel that R reads and the published estimates to ``folder``.

    ``tables``: the published tables. Nothing is written when no regression of the three results can be run again.
    """
    panel = next((table for table in tables if (table.schema, table.name) == PANEL), None)
    if panel is None:
        return
    regressions, left_out = read_regressions(connection, panel)
    if not regressions:
        return
    folder.mkdir()
    _write_published(regressions, folder / PUBLISHED_FILE)
    text_columns = _write_panel(connection, panel, regressions, folder / PANEL_FILE)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        # Scripts are no HTML; what a study says goes through `plain` or `harmless`.
        autoescape=False,
    )
    environment.filters["wrapped"] = wrapped
    names = stata_names(panel)
    stata = StataWords(names, regressions)
    sections = [
        {"heading": heading, "regressions": [stata.described(one) for one in regressions if one.result == result]}
        for result, heading in SECTIONS.items()
    ]
    for script in SCRIPTS:
        content = environment.get_template(f"{script}.j2").render(
            study=read_study(connection),
            notice=NOTICE,
            left_out=left_out,
            sections=[section for section in sections if section["regressions"]],
            text_columns=text_columns,
            groups=stata.groups,
            stata=names,
            tolerance=TOLERANCE,
            plain=plain,
            harmless=harmless,
        )
        (folder / script).write_text(content.lstrip("\n"), encoding="utf-8")


def plain(text: object) -> str:
    """A text of a study in one line, so that it cannot end the comment that it stands in."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in str(text)).split())


def harmless(text: object) -> str:
    """The same for a comment of Stata, where quotes of macros, $ and signs of further comments mean something."""
    words = plain(text).replace("`", "'").replace("$", "＄")
    while found := re.search(r"/\*|\*/|//(?=/)|(?<!\S)//", words):
        words = f"{words[: found.start() + 1]} {words[found.start() + 1 :]}"
    return words


def wrapped(words: Sequence[str]) -> str:
    """Words of a command of Stata in lines that are continued."""
    return " ///\n    ".join(textwrap.wrap(" ".join(words), 100, break_long_words=False, break_on_hyphens=False))


def _write_published(regressions: Sequence[Regression], path: Path) -> None:
    lines = ["spec_id,result,term,published_estimate,published_std_error,published_n_obs"]
    for one in regressions:
        for term in (term for term in one.terms if term in one.published):
            estimate, std_error = one.published[term]
            error = "" if std_error is None else repr(std_error)
            lines.append(f"{one.spec_id},{one.result},{term},{estimate!r},{error},{one.n_obs}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_panel(
    connection: duckdb.DuckDBPyConnection, panel: Table, regressions: Sequence[Regression], path: Path
) -> list[str]:
    """The columns that the regressions use, with all digits; returns those that hold text."""
    used = {"adcode", "year"}.union(*(one.columns for one in regressions))
    chosen = [column for column in panel.columns if column.name in used]
    expressions = ", ".join(
        f"{quoted(column.name)}::tinyint as {quoted(column.name)}" if column.type == "BOOLEAN" else quoted(column.name)
        for column in chosen
    )
    target = str(path).replace("'", "''")
    connection.execute(
        f"copy (select {expressions} from {quoted(panel.schema, panel.name)} order by adcode, year) to '{target}' "
        "(format csv, header)"
    )
    return [column.name for column in chosen if column.type == "VARCHAR"]


class StataWords:
    """What the do-file calls things: the names of the variables, and variables for groups that are not numbers.

    ``groups``: the variables that are made at its head, with the parts of each.
    """

    def __init__(self, names: Mapping[str, str], regressions: Sequence[Regression]) -> None:
        self._names = names
        effects = dict.fromkeys(name for one in regressions for name in (*one.effects, one.cluster))
        self._group = {name: self._free(f"absorbed_{number}") for number, name in enumerate(effects, start=1)}
        self.groups = [
            {"variable": variable, "parts": [names[part] for part in name.split("^")]}
            for name, variable in self._group.items()
        ]

    def _free(self, name: str) -> str:
        """A name that no variable of the panel has."""
        while name in self._names.values():
            name += "_"
        return name

    def described(self, one: Regression) -> dict[str, Any]:
        """A regression with what only the do-file needs, by name."""
        dummies = []
        for time in one.event_times:
            sign = "<=" if time == one.first else ">=" if time == one.last else "=="
            variable = self._free(f"event_{'m' if time < 0 else 'p'}{abs(time)}")
            condition = f"(year - {self._names[one.first_year]} {sign} {time})"
            dummies.append({"variable": variable, "condition": condition})
        variables = {
            f"event_time_{time}": dummy["variable"] for time, dummy in zip(one.event_times, dummies, strict=True)
        }
        variables |= {name: self._names[name] for name in one.controls}
        conditions = [f"{self._names[one.sample]} == 1"]
        conditions += [f"!missing({self._names[name]})" for name in one.also_needed]
        return vars(one) | {
            "dummies": dummies,
            "stata_terms": [self._names[one.outcome], *(variables[term] for term in one.terms)],
            "stata_condition": " & ".join(conditions),
            "stata_effects": [self._group[name] for name in one.effects],
            "stata_cluster": self._group[one.cluster],
            "posted": [(variables[term], term) for term in one.terms if term in one.published],
        }
