"""Messages: a code with arguments, one English and one Chinese form, and no other sentence in the tables."""

import ast
import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from city_policy.report.database import Database
from city_policy.report.messages import both_languages, catalogue, parsed, unknown_sentences
from city_policy.report.study import Study, Text, full_width
from hypothesis import given
from hypothesis import strategies as st

ARGUMENT = re.compile(r"\{(\d+)(:[nsw])?\}")
# Three English words and more in a row are a sentence, not a name of a method.
ENGLISH = re.compile(r"(?:\b[a-z][a-z'’-]+[ ,]+){3,}[a-z]+")
HALF_WIDTH = re.compile(r"[\u4e00-\u9fff] ?[,;:?!()]|[,;:?!()] ?[\u4e00-\u9fff]")
# Clauses that a refusal takes from elsewhere.
CLAUSES = {"which": "cities in the rows used", "reason": "some_name is missing in every row"}
EXAMPLES = {":n": "7.5", ":s": "0.0108***", ":w": "some_name", None: "x1"}


def filled(form: str, values=EXAMPLES) -> str:
    """A form with an example for each argument."""
    return ARGUMENT.sub(lambda found: values[found[2]], form)


def test_every_code_stands_once_and_both_forms_take_the_same_arguments():
    codes = [message.code for message in catalogue()]
    assert len(codes) == len(set(codes)) > 250
    for message in catalogue():
        assert re.fullmatch(r"[a-z0-9_]+", message.code), message
        english = [int(number) for number, _ in ARGUMENT.findall(message.english)]
        assert english == list(range(len(english))), message
        # Chinese may say the same with other words for a number, and leaves out no argument.
        assert {int(number) for number, _ in ARGUMENT.findall(message.chinese)} == set(english), message
        assert full_width(message.chinese) == message.chinese and not ENGLISH.search(message.chinese), message


@pytest.mark.parametrize("message", catalogue(), ids=lambda message: message.code)
def test_between_a_number_and_chinese_stands_a_blank(message):
    for place, kind in enumerate(message.kinds):
        if kind == ":n":
            assert not re.search(rf"[\u4e00-\u9fff]\{{{place}\}}|\{{{place}\}}[\u4e00-\u9fff]", message.chinese)


@pytest.mark.parametrize("message", catalogue(), ids=lambda message: message.code)
def test_a_sentence_leads_back_to_its_code(message):
    sentence = filled(message.english)
    found, arguments = parsed(sentence)
    assert filled(found.english) == sentence and len(arguments) == found.arguments
    if "{" in message.english and len(ARGUMENT.sub("", message.english)) > 12:
        assert found.code == message.code


@given(st.floats(-1e6, 1e6), st.sampled_from(["fdi", "bcs", "a_b"]))
def test_arguments_come_back_as_they_were(number, word):
    said = f"{number:.4f}"
    text = both_languages(f"Weight of the forbidden comparisons: {word} {said} %.", {word: Text("外资", "capital")})
    assert text.en == f"Weight of the forbidden comparisons: capital {said.replace('-', '−')} %."
    assert text.zh == f"禁止比较的权重：外资 {said.replace('-', '−')}%。"


def test_braces_and_patterns_in_an_argument_stay():
    text = both_languages("Dropped as collinear: {0}, a|b, x.", {"x": Text("“甲”", "X")})
    assert text == Text("因共线而剔除：{0}、a|b、“甲”。", "Dropped as collinear: {0}, a|b, X.")
    assert both_languages("The sample 'x' is empty.", {"x": Text("“甲”城市", "x")}).zh == "样本“‘甲’城市”没有观测。"


def refusals(folder: Path) -> Iterator[tuple[str, str]]:
    """Where estimators refuse, and the sentence with examples for its arguments."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") != "NotIdentifiedError":
                continue
            argument = node.args[0]
            if isinstance(argument, ast.JoinedStr | ast.Constant):
                yield f"{path.name}:{node.lineno}", example(argument)


def example(argument: ast.expr) -> str:
    """An f-string with examples: a number for what counts, a name for what names."""
    if isinstance(argument, ast.Constant):
        return str(argument.value)
    said = ""
    for part in argument.values:
        if isinstance(part, ast.Constant):
            said += part.value
            continue
        source = ast.unparse(part.value)
        if source in CLAUSES:
            said += CLAUSES[source]
            continue
        counts = re.search(
            r"^n\b|^n_|len\(|int\(|sum\(|count|terms|rank|folds|years?\[|^cit|^m$|first|last|missing", source
        )
        counts = counts or re.search(r"FEWEST|calendar|early|controls\b|treated\b$|REFERENCE", source)
        choices = re.fullmatch(r"'(\w+)' if .* else '(\w+)'", source)
        said += choices[1] if choices else "3" if counts and "treatment" not in source else "some_name"
    return said


def test_every_refusal_of_an_estimator_is_a_message(project):
    found = list(refusals(project / "python" / "city_policy" / "estimation"))
    assert len(found) > 60
    # A name where the form has a number is a matter of the example.
    unknown = [
        (where, said)
        for where, said in found
        if not any(parsed(said.replace("some_name", x)) for x in ("some_name", "3"))
    ]
    assert not unknown


@pytest.mark.parametrize("build", ["demo_build", "low_carbon_build"])
def test_what_the_tables_say_is_a_message(build, request):
    data = request.getfixturevalue(build)
    file = next(iter(data.glob("studies/*/city_policy.duckdb")), data / "city_policy.duckdb")
    with Database(file) as database:
        study = Study(database)
        said = {
            (table, str(row[column]))
            for table, column in (
                ("results.regression_coefficients", "message"),
                ("results.robust_inference", "message"),
                ("results.group_differences", "message"),
                ("results.heterogeneity_robust_effects", "message"),
                ("results.parallel_trends_sensitivity", "message"),
                ("results.pretrend_power", "message"),
                ("results.spatial_inference", "message"),
                ("results.specification_curve", "message"),
                ("results.summary_statistics", "message"),
                ("results.index_weights", "uncovered_reason"),
                ("results.soundness_notes", "evidence"),
            )
            for row in database.rows(table, "all")
            if row[column]
        }
        for row in database.rows("replication.published_consistency_audit", "check_id"):
            if row["verdict"] in ("suspicious", "inconsistent"):
                said |= {("audit", str(row[column])) for column in ("published", "implied", "sentence")}
        names = study.identifiers
    assert len(said) > 20
    for table, words in sorted(said):
        assert unknown_sentences(words, names) == [], table
        text = both_languages(words, names)
        assert not ENGLISH.search(text.zh) and not HALF_WIDTH.search(text.zh), (table, text.zh)
        for language in (text.zh, text.en):
            assert not re.search(r"\w\^\w|\b(?:bcs|iic|dual)\b", language), (table, language)


def test_chinese_texts_of_the_seeds_have_full_width_punctuation(project):
    checked = 0
    for path in [*(project / "seeds").rglob("*.csv"), *(project / "python" / "city_policy").rglob("*.csv")]:
        # What the paper prints stands as it is printed.
        if path.name.startswith("published_") or "yearbook" in path.parts:
            continue
        with open(path, encoding="utf-8", newline="") as handle:
            lines = [line for line in handle if not line.startswith("#")]
        for row in csv.DictReader(lines):
            for column, words in row.items():
                if column and column.endswith("_zh") and words:
                    # Commands and values stay as they are typed.
                    plain = re.sub(r"`[^`]*`", "", words)
                    assert full_width(plain) == plain and not ENGLISH.search(plain), (path.name, words)
                    checked += 1
    assert checked > 2000
