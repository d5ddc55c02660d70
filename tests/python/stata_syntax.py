"""Checks a do-file without Stata: every line against the syntax of the commands that our scripts use.

What it knows of Stata is written out below; a command, an option or a variable that is not there is a mistake.
"""

import re
from pathlib import Path

NAME = r"[A-Za-z_]\w{0,31}"
FUNCTIONS = {"group", "missing", "max", "abs", "r", "e", "_b", "_se", "_merge"}
OPTIONS = {
    "clear": {"clear"},
    "use": {"clear"},
    "display": set(),
    "egen": set(),
    "generate": set(),
    "reghdfe": {"absorb", "vce", "dofadjustments", "tolerance"},
    "import": {"clear", "varnames", "case", "asdouble", "stringcols", "encoding"},
    "merge": set(),
    "collapse": {"by"},
    "list": {"noobs"},
    "summarize": {"meanonly"},
}


class DoFile:
    """Reads a do-file line by line and keeps what is defined: variables, local macros, open braces.

    ``variables``: those of the data that the first ``use`` reads. ``regressions``: the words of every ``reghdfe``.
    Raises AssertionError with the line for whatever Stata would not understand.
    """

    def __init__(self, path: Path, variables: set[str], published: set[str]) -> None:
        self.panel, self.published = variables, published
        self.variables: set[str] = set()
        self.locals: set[str] = set()
        self.depth = 0
        self.regressions: list[dict[str, str]] = []
        self.posted: list[tuple[str, str]] = []
        text = path.read_text(encoding="utf-8")
        assert "\t" not in text and "\r" not in text
        for number, line in enumerate(logical_lines(text), start=1):
            try:
                self._read(line)
            except AssertionError as error:
                raise AssertionError(f"{path.name}, command {number}: {line!r}: {error}") from error
        assert self.depth == 0, "a brace is not closed"

    def _read(self, line: str) -> None:
        if line == "}":
            self.depth -= 1
            assert self.depth >= 0
            return
        assert line.count('"') % 2 == 0 and line.count("(") == line.count(")"), "quotes or brackets do not match"
        for macro in re.findall(r"`(\w+)'", line):
            assert macro in self.locals, f"the local macro {macro} is not defined"
        assert line.count("`") == len(re.findall(r"`\w+'", line)) and "$" not in line
        command, _, rest = line.partition(" ")
        reader = getattr(self, f"_{command}", None)
        assert reader is not None, f"the command {command} is unknown"
        reader(rest)

    # ------------------------------------------------------------------------------------------- commands

    def _version(self, rest):
        assert rest == "16"

    def _clear(self, rest):
        assert rest == "all"

    def _set(self, rest):
        assert rest in ("more off", "varabbrev off")

    def _capture(self, rest):
        assert rest == "which reghdfe"

    def _if(self, rest):
        assert rest.endswith("{") and rest[:-1].strip() in ("_rc", "r(N) > 0")
        self.depth += 1

    def _exit(self, rest):
        assert rest.isdecimal()

    def _display(self, rest):
        assert re.fullmatch(r'(as error )?"[^"]*"( r\(max\))?', rest)

    def _use(self, rest):
        file, options = split_options(rest)
        assert file == '"../marts/fct_study_panel.dta"' and set(options) == {"clear"}
        self.variables = set(self.panel)

    def _egen(self, rest):
        found = re.fullmatch(rf"long ({NAME}) = group\(([\w ]+)\)", rest)
        assert found, "egen"
        self._known(found[2].split())
        self._new(found[1])

    def _tempname(self, rest):
        self.locals |= set(rest.split())

    _tempfile = _tempname

    def _postfile(self, rest):
        declared = " ".join(
            rf"(?:str(\d+)|double) {name}" for name in ("spec_id", "term", "estimate", "std_error", "n_obs")
        )
        found = re.fullmatch(rf"`estimates' {declared} using \"`reproduced'\"", rest)
        assert found and all(int(width) <= 2045 for width in found.groups() if width), "postfile"

    def _post(self, rest):
        pattern = rf'`estimates\' \("(\w{{1,200}})"\) \("([\w-]{{1,80}})"\) \(_b\[({NAME})\]\) \(_se\[\3\]\) \(e\(N\)\)'
        found = re.fullmatch(pattern, rest)
        assert found, "post"
        assert found[3] in self.regressions[-1]["terms"].split()[1:], f"{found[3]} is no term of the last regression"
        self.posted.append((found[1], found[2]))

    def _postclose(self, rest):
        assert rest == "`estimates'"

    def _generate(self, rest):
        found = re.fullmatch(rf"(byte|long|double) ({NAME}) = (.+)", rest)
        assert found, "generate"
        self._expression(found[3])
        self._new(found[2])

    def _reghdfe(self, rest):
        body, options = split_options(rest)
        assert set(options) == OPTIONS["reghdfe"]
        terms, _, condition = body.partition(" if ")
        self._known(terms.split())
        self._known(options["absorb"].split())
        assert options["vce"].split()[0] == "cluster" and len(options["vce"].split()) == 2
        self._known(options["vce"].split()[1:])
        assert options["dofadjustments"] == "clusters" and float(options["tolerance"]) < 1e-8
        self._expression(condition)
        self.regressions.append(options | {"terms": terms, "if": condition})

    def _drop(self, rest):
        self._known(rest.split())
        self.variables -= set(rest.split())

    def _import(self, rest):
        body, options = split_options(rest)
        assert body == 'delimited using "published_estimates.csv"' and set(options) == OPTIONS["import"]
        self.variables = set(self.published)

    def _merge(self, rest):
        assert rest == '1:1 spec_id term using "`reproduced\'"'
        self.variables |= {"_merge", "estimate", "std_error", "n_obs"}

    def _collapse(self, rest):
        body, options = split_options(rest)
        found = re.fullmatch(r"\(sum\) ([\w ]+) \(max\) ([\w ]+)", body)
        assert found and set(options) == OPTIONS["collapse"], "collapse"
        self._known([*found[1].split(), *found[2].split(), options["by"]])
        self.variables = {*found[1].split(), *found[2].split(), options["by"]}

    def _list(self, rest):
        body, options = split_options(rest)
        assert set(options) == OPTIONS["list"]
        self._known(body.split())

    def _summarize(self, rest):
        body, options = split_options(rest)
        assert set(options) == OPTIONS["summarize"]
        self._known(body.split())

    def _count(self, rest):
        assert rest.startswith("if ")
        self._expression(rest[3:])

    # ------------------------------------------------------------------------------------------- their parts

    def _known(self, names):
        for name in names:
            assert name in self.variables, f"there is no variable {name}"

    def _new(self, name):
        assert name not in self.variables, f"the variable {name} is there already"
        self.variables.add(name)

    def _expression(self, text):
        assert re.fullmatch(r"[\w\s().,&|!=<>/+*-]+", text), "the expression has signs that none of ours has"
        assert not re.search(r"[^=<>!]=[^=]", text), "= in place of =="
        for name in re.findall(r"(?<![\w.])[A-Za-z_]\w*", text):
            assert name in self.variables or name in FUNCTIONS, f"there is no variable {name}"


def logical_lines(text: str) -> list[str]:
    """The commands of a do-file, continued lines joined, without comments and blank lines.

    A comment may hold nothing that begins or ends another one, continues its line or expands.
    """
    lines: list[str] = []
    continued = ""
    for line in text.split("\n"):
        if not continued and line.startswith("*"):
            assert not re.search(r"/\*|\*/|///|`|\$|(?<=\s)//", line), (
                f"the comment {line!r} does not end where it ends"
            )
            continue
        assert "//" not in line.removesuffix(" ///").replace("../", ""), line
        assert len(line) <= 244, "the line is longer than editors of Stata show"
        joined = f"{continued} {line.strip()}".strip()
        if line.endswith(" ///"):
            continued = joined.removesuffix("///").strip()
            continue
        continued = ""
        if joined:
            lines.append(joined)
    assert not continued
    return lines


def split_options(text: str) -> tuple[str, dict[str, str]]:
    """What stands before the comma outside of brackets and quotes, and the options behind it with their arguments."""
    depth, quoted = 0, False
    for position, sign in enumerate(text):
        quoted ^= sign == '"'
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0 and not quoted:
            found = re.findall(r"(\w+)(?:\(((?:[^()]|\([^()]*\))*)\))?", text[position + 1 :])
            return text[:position].strip(), {name: argument for name, argument in found}
    return text.strip(), {}
