"""Breaks the program in one place at a time and says which breaks no test sees.

    python tests/mutate.py --number 100 --seed 1

A place is an operator, a constant, a word such as ``inner``, ``max`` or ``iid``, or a column that another could be
taken for, in the SQL of ``models/`` or in the estimators and the index. SQL mutants run on a copy of the last build
(``CITY_POLICY_DATA``): the model with its unit and data tests, then the models and tests that read it. Python mutants
run the test files that import the module. The checkout is never written.

Verdicts: ``killed`` by a test; ``broken``, since the mutant does not run at all; ``equal on the demo``, since the table
of the mutant is that of the model row by row and no test failed; ``survived``.
"""

import argparse
import collections
import io
import multiprocessing
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import token
import tokenize
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).resolve().parents[1]
SQL_SECONDS = 120
PYTHON_SECONDS = 300


class Mutant(NamedTuple):
    """One change of one file."""

    path: str
    start: int
    end: int
    replacement: str

    def apply(self, text: str) -> str:
        return text[: self.start] + self.replacement + text[self.end :]

    def describe(self, text: str) -> tuple[str, str, str]:
        """Place, line before and line after."""
        number = text.count("\n", 0, self.start) + 1
        after = self.apply(text).splitlines()
        return f"{self.path}:{number}", text.splitlines()[number - 1].strip(), after[number - 1].strip()


OPERATORS = {
    "<": ["<=", ">"],
    "<=": ["<", ">="],
    ">": [">=", "<"],
    ">=": [">", "<="],
    "=": ["!="],
    "==": ["!="],
    "!=": ["="],
    "+": ["-"],
    "-": ["+"],
    "*": ["/"],
    "/": ["*"],
}
WORDS = {
    "and": "or",
    "or": "and",
    "min": "max",
    "max": "min",
    "least": "greatest",
    "greatest": "least",
    "inner": "left",
    "left": "inner",
    "stddev_samp": "stddev_pop",
    "desc": "asc",
    "not": "",
    "distinct": "",
    "true": "false",
    "false": "true",
    "True": "False",
    "False": "True",
    "floor": "ceil",
    "ceil": "floor",
    "union": "intersect",
}
TEXTS = {"iid": "CRV1", "CRV1": "iid"}
# Columns that could be taken for each other.
COLUMNS = [
    ("estimate", "std_error"),
    ("ci_low", "ci_high"),
    ("t_stat", "p_value"),
    ("n_obs", "n_cities"),
    ("published_estimate", "published_t_stat"),
    ("weight", "estimate"),
    ("mean", "std_dev"),
    ("minimum", "maximum"),
    ("first_year", "last_year"),
    ("permutation_p_value", "holm_p_value"),
    ("randomisation_p", "randomisation_p_t"),
    ("bootstrap_low", "bootstrap_high"),
    ("value", "printed_value"),
    ("is_treated", "in_sample"),
]
SWAPS = {a: b for pair in COLUMNS for a, b in (pair, pair[::-1])}


def numbers(text: str) -> list[str]:
    """Other constants in place of one."""
    value = float(text)
    if value == 0:
        return ["1"]
    whole = "." not in text and "e" not in text.lower()
    return [str(int(value) + 1), str(int(value) * 2)] if whole else [f"{value * 5:.12g}", f"{value * 2:.12g}"]


SQL_TOKEN = re.compile(
    r"(?P<skip>--[^\n]*|\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}|\"[^\"]*\"|::\s*\w+|\|\||->|=>)"
    r"|(?P<text>'(?:[^']|'')*')"
    r"|(?P<number>(?<![\w.])\d+(?:\.\d+)?(?:e-?\d+)?\b)"
    r"|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<operator><=|>=|!=|<|>|=|(?<= )[-+*/](?= ))",
    re.DOTALL,
)


def closing(text: str, opening: int) -> int:
    """The place of the parenthesis that closes the one at ``opening``."""
    depth = 0
    for place in range(opening, len(text)):
        depth += (text[place] == "(") - (text[place] == ")")
        if depth == 0:
            return place
    return -1


def mutants_of_sql(path: str, text: str) -> list[Mutant]:
    found = []
    for match in SQL_TOKEN.finditer(text):
        start, end, code = match.start(), match.end(), match.group()
        others = []
        if match["operator"]:
            others = OPERATORS[code] if not re.search(r"select $|\bselect\s+distinct $", text[:start]) else []
        elif match["number"]:
            others = numbers(code)
        elif match["text"] and code[1:-1] in TEXTS:
            others = [f"'{TEXTS[code[1:-1]]}'"]
        elif match["word"]:
            if code in ("coalesce", "filter", "abs") and text[end:].lstrip()[:1] == "(":
                opening = text.index("(", end)
                close = closing(text, opening)
                inside = text[opening + 1 : close]
                kept = "" if code == "filter" else f"({split_arguments(inside)[0]})"
                found.append(Mutant(path, start, close + 1, kept))
            elif code in WORDS and not (code == "left" and text[end] == "("):
                others = [WORDS[code]]
            elif code in SWAPS:
                others = [swapped(text, start, end, SWAPS[code])]
        found += [Mutant(path, start, end, other) for other in others if other is not None]
    # A line of a condition that is missing.
    for match in re.finditer(r"(?<=\n)[ ]*(?:and|or) [^\n{]*\n", text):
        if match.group().count("(") == match.group().count(")") and " then " not in match.group():
            found.append(Mutant(path, match.start(), match.end() - 1, ""))
    return found


def split_arguments(text: str) -> list[str]:
    """The arguments of a call, at the commas that no parenthesis encloses."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def swapped(text: str, start: int, end: int, other: str) -> str:
    """The other column; where the column is a whole line of a select, under the name that is expected."""
    line = text[text.rfind("\n", 0, start) + 1 : start]
    rest = text[end : text.find("\n", end)]
    if re.fullmatch(r"\s+(\w+\.)?", line) and rest in ("", ","):
        return f"{other} as {text[start:end]}"
    return other


def mutants_of_python(path: str, text: str) -> list[Mutant]:
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = []
    for item in tokenize.generate_tokens(io.StringIO(text).readline):
        start = starts[item.start[0] - 1] + item.start[1]
        end = starts[item.end[0] - 1] + item.end[1]
        others = []
        if item.type == token.OP and item.string in OPERATORS and item.string != "=":
            if text[start - 1] == " " and text[end : end + 1] == " ":
                others = ["==" if other == "=" else other for other in OPERATORS[item.string]]
        elif item.type == token.NUMBER and re.fullmatch(r"\d+(\.\d+)?(e-?\d+)?", item.string):
            others = numbers(item.string)
        elif item.type == token.STRING and item.string[1:-1] in TEXTS:
            others = [f'"{TEXTS[item.string[1:-1]]}"']
        elif item.type == token.NAME and item.string in WORDS:
            others = [WORDS[item.string]]
        found += [Mutant(path, start, end, other) for other in others]
    return found


def copy_of_project(folder: Path) -> Path:
    """What dbt and the tests read, without data and environments."""
    keep = ("dbt_project.yml", "profiles.yml", "pyproject.toml", "Makefile", "README.md", "CONTRIBUTING.md")
    for name in keep:
        shutil.copy(PROJECT / name, folder / name)
    for name in ("models", "seeds", "macros", "analysis", "tests", "python", "docs"):
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    return folder


def differs(connection, table: str) -> bool:
    """Whether a table is not that of the build row by row, in any order."""
    import duckdb

    one, two = f"(select * from unmutated.{table})", f"(select * from {table})"
    try:
        query = f"select count(*) from (({one} except all {two}) union all ({two} except all {one}))"
        return connection.execute(query).fetchone()[0] > 0
    except duckdb.Error:
        return True


def serve_sql(pipe, project: Path, build: Path) -> None:
    """Judges SQL mutants in one process: dbt reads the project once, and a mutant changes a model in memory."""
    data = Path(tempfile.mkdtemp(dir=project))
    os.environ.update(CITY_POLICY_DATA=str(data), DBT_TARGET_PATH=str(data / "target"), DBT_LOG_PATH=str(data / "logs"))
    os.chdir(project)
    import duckdb
    from dbt.cli.main import dbtRunner

    mutated = data / "build.duckdb"
    shutil.copy(build, mutated)
    manifest = dbtRunner().invoke(["parse", "--quiet"]).result
    runner = dbtRunner(manifest=manifest)
    nodes = {node.original_file_path: node for node in manifest.nodes.values() if node.resource_type == "model"}
    built = {node.unique_id for node in nodes.values() if node.schema != "estimates"}

    def failures(*selection):
        outcome = runner.invoke(["build", "--quiet", "--log-level", "none", *selection])
        if outcome.exception is not None:
            return [("dbt", "error", str(outcome.exception))]
        return [
            (item.node.name, str(item.status), str(item.message or ""))
            for item in outcome.result.results
            if str(item.status) in ("fail", "error")
        ]

    def judged(mutant):
        node = nodes[mutant.path]
        table = f"{node.schema}.{node.name}"
        children = [
            f"{manifest.nodes[child].schema}.{manifest.nodes[child].name}"
            for child in manifest.child_map[node.unique_id]
            if child in built
        ]
        original = node.raw_code
        node.raw_code = mutant.apply((project / mutant.path).read_text(encoding="utf-8")).strip()
        try:
            failed = failures("--select", node.name)
            with duckdb.connect(str(mutated)) as connection:
                connection.execute(f"attach if not exists '{build}' as unmutated (read_only)")
                changed = not failed and differs(connection, table)
            if changed:
                failed = failures("--select", f"{node.name}+1", "--exclude", node.name, "models/estimates")
        finally:
            node.raw_code = original
            with duckdb.connect(str(mutated)) as connection:
                connection.execute(f"attach if not exists '{build}' as unmutated (read_only)")
                for name in [table, *children]:
                    connection.execute(f"create or replace table {name} as from unmutated.{name}")
        if not failed:
            return "survived" if changed else "equal on the demo"
        name, status, message = failed[0]
        own = status == "error" and (name == node.name or "Binder Error" in message or "Parser Error" in message)
        return ("broken" if own else "killed") + f" ({name})"

    while True:
        pipe.send(judged(pipe.recv()))


class SqlJudge:
    """The process that judges SQL mutants; another one takes its place when a mutant does not end."""

    def __init__(self, project: Path, build: Path):
        self.project, self.build, self.process = project, build, None

    def judge(self, mutant: Mutant, text: str) -> str:
        if self.process is None:
            context = multiprocessing.get_context("spawn")
            self.pipe, other = context.Pipe()
            self.process = context.Process(target=serve_sql, args=(other, self.project, self.build), daemon=True)
            self.process.start()
        self.pipe.send(mutant)
        if self.pipe.poll(SQL_SECONDS):
            try:
                return self.pipe.recv()
            except EOFError:
                self.process = None
                return "broken (the process ended)"
        self.process.kill()
        self.process = None
        return f"killed (no end after {SQL_SECONDS} seconds)"


def tests_of(project: Path, path: str) -> list[str]:
    """The test files that import a module, its own first."""
    stem = Path(path).stem
    module = ".".join(Path(path).with_suffix("").parts[1:])
    parent, _, name = module.rpartition(".")
    pattern = re.compile(rf"{re.escape(module)}\b|from {re.escape(parent)} import [^\n]*\b{name}\b")
    files = [
        file
        for file in sorted((project / "tests/python").glob("test_*.py"))
        if file.stem == f"test_{stem}" or pattern.search(file.read_text(encoding="utf-8"))
    ]
    # Files that simulate or build take minutes; the estimators have files of their own.
    files = [file for file in files if "simulate" not in file.name and "demo_build" not in file.read_text("utf-8")]
    if not files:
        files = [project / f"tests/python/test_{name}.py" for name in ("fixed_effects", "degenerate_panels")]
    return [str(file) for file in sorted(files, key=lambda file: (file.stem != f"test_{stem}", file.stat().st_size))]


class PythonJudge:
    """Judges mutants of Python by the test files that import the module."""

    def __init__(self, project: Path):
        self.project = project

    def judge(self, mutant: Mutant, text: str) -> str:
        file = self.project / mutant.path
        file.write_text(mutant.apply(text), encoding="utf-8")
        environment = os.environ | {"PYTHONPATH": str(self.project / "python"), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
        try:
            outcome = subprocess.run(
                [*command, *tests_of(self.project, mutant.path)],
                cwd=self.project,
                env=environment,
                capture_output=True,
                text=True,
                timeout=PYTHON_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return f"killed (no end after {PYTHON_SECONDS} seconds)"
        finally:
            file.write_text(text, encoding="utf-8")
        if outcome.returncode == 0:
            return "survived"
        failed = re.search(r"^(?:FAILED|ERROR) (\S+)", outcome.stdout, re.MULTILINE)
        return f"killed ({Path(failed[1]).name if failed else 'no test ran'})"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--number", type=int, default=50, help="mutants (50)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the choice (0)")
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--sql-only", action="store_true", help="only models")
    kinds.add_argument("--python-only", action="store_true", help="only estimators and index")
    parser.add_argument("--models", default="", help="only files whose path has this regular expression")
    parser.add_argument("--lines", default="", help="only lines that have this regular expression")
    arguments = parser.parse_args()

    build = (Path(os.environ.get("CITY_POLICY_DATA", PROJECT / "data")) / "build.duckdb").resolve()
    if not arguments.python_only and not build.is_file():
        parser.error(f"{build} is missing: run make build first")
    with tempfile.TemporaryDirectory() as folder:
        project = copy_of_project(Path(folder))
        files = [] if arguments.python_only else sorted((project / "models").rglob("*.sql"))
        if not arguments.sql_only:
            files += sorted((project / "python/city_policy/estimation").rglob("*.py"))
            files += sorted((project / "python/city_policy/index").rglob("*.py"))
        texts, mutants = {}, []
        for file in files:
            path = str(file.relative_to(project))
            if re.search(arguments.models, path):
                texts[path] = file.read_text(encoding="utf-8")
                find = mutants_of_sql if file.suffix == ".sql" else mutants_of_python
                mutants += find(path, texts[path])
        mutants = [mutant for mutant in mutants if re.search(arguments.lines, mutant.describe(texts[mutant.path])[1])]
        chosen = random.Random(arguments.seed).sample(mutants, min(arguments.number, len(mutants)))
        judges = {".sql": SqlJudge(project, build), ".py": PythonJudge(project)}
        counts = collections.Counter()
        left = []
        for mutant in chosen:
            verdict = judges[Path(mutant.path).suffix].judge(mutant, texts[mutant.path])
            place, before, after = mutant.describe(texts[mutant.path])
            counts[verdict.split(" (")[0]] += 1
            print(f"{verdict:40} {place}\n    - {before}\n    + {after}", flush=True)
            if verdict in ("survived", "equal on the demo"):
                left.append((verdict, place, before, after))
        print(f"\n{len(chosen)} of {len(mutants)} mutants:", ", ".join(f"{n} {what}" for what, n in counts.items()))
        for verdict, place, before, after in sorted(left, reverse=True):
            print(f"{verdict}: {place}\n    - {before}\n    + {after}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
