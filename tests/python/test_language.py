"""The command line in Chinese: every sentence has a Chinese form, and what is an argument stays as it is."""

import argparse
import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from city_policy.arguments import build_parser
from city_policy.language import catalogue, in_chinese, language, without_chinese_form
from city_policy.messages import argument_pattern, parsed
from city_policy.report.study import full_width
from hypothesis import given
from hypothesis import strategies as st

# Calls whose first argument a user reads.
SAY = {"InputError", "PlaceError", "ExpressionError", "ArgumentTypeError", "said", "say"}
# What follows these is a name of the program and stays English in a Chinese sentence.
ENGLISH = re.compile(r"(?:\b[a-z][a-z'’]+ ){3,}[a-z]+")
HALF_WIDTH = re.compile(r"[\u4e00-\u9fff] ?[,;:?!()]|[,;:?!()] ?[\u4e00-\u9fff]")


def literals(node: ast.expr) -> Iterator[ast.JoinedStr | ast.Constant]:
    """The texts that an expression may be."""
    if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        yield node
    elif isinstance(node, ast.IfExp):
        yield from literals(node.body)
        yield from literals(node.orelse)


def examples(text: ast.JoinedStr | ast.Constant) -> list[str]:
    """A text with an example for each argument, once a word and once a number; what follows the place where a mistake
    is has a form of its own.
    """
    if isinstance(text, ast.Constant):
        return [text.value]
    found = [
        "".join(p.value if isinstance(p, ast.Constant) else argument for p in text.values) for argument in ("x", "3")
    ]
    clauses = [one.split(": ", 1)[1] for one in found if re.match("[x3]: ", one)]
    return [*found, *clauses, *(clause.removesuffix(".") for clause in clauses)]


def sentences(project: Path) -> Iterator[tuple[str, list[str]]]:
    """Where the program speaks to a user, and what it says."""
    for path in sorted([*(project / "python" / "city_policy").rglob("*.py"), *(project / "micro").glob("*.py")]):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args:
                name = ast.unparse(node.func).rsplit(".", 1)[-1]
                if name in SAY:
                    for text in literals(node.args[0]):
                        yield f"{path.relative_to(project)}:{node.lineno}", examples(text)


def test_every_sentence_of_the_program_has_a_chinese_form(project):
    found = list(sentences(project))
    assert len(found) > 250
    without = [
        (where, said[0])
        for where, said in found
        if all(parsed(one, catalogue()) is None and "\n" not in one for one in said)
    ]
    assert without == []


def test_every_code_stands_once_and_both_forms_take_the_same_arguments():
    codes = [message.code for message in catalogue()]
    assert len(codes) == len(set(codes))
    for message in catalogue():
        assert re.fullmatch(r"[a-z0-9_]+", message.code), message
        english = [int(number) for number, _ in argument_pattern.findall(message.english)]
        assert english == list(range(len(english))), message
        assert {int(number) for number, _ in argument_pattern.findall(message.chinese)} == set(english), message
        fixed = re.sub(r"`[^`]*`", "", argument_pattern.sub("", message.chinese))
        assert full_width(fixed) == fixed and not ENGLISH.search(fixed) and not HALF_WIDTH.search(fixed), message


@pytest.mark.parametrize("message", catalogue(), ids=lambda message: message.code)
def test_a_sentence_leads_back_to_its_code(message):
    sentence = argument_pattern.sub(lambda found: {":n": "7", ":m": ""}.get(found[2], "x1"), message.english)
    found, _ = parsed(sentence, catalogue())
    if len(argument_pattern.sub("", message.english)) > 12:
        assert found.code == message.code


@given(st.text(min_size=1))
def test_a_path_stays_letter_by_letter(path):
    assert in_chinese(f"{path} does not exist; run `make build` first.").startswith(path)


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        # No argument takes in the next sentence or line.
        (
            "The file a cannot be read (x). The folder b holds no table with cities in it.",
            "文件 a 无法读取（x）。文件夹 b 中没有含城市的表。",
        ),
        (
            "The study in s has 2 mistakes; nothing was built.\n  a.csv, row 2: Unheard of.\n"
            "  x y.csv: found a file that no study has; rename it or move it elsewhere.",
            "s 中的研究有 2 处错误；未作任何构建。\n  a.csv 第 2 行：Unheard of.\n"
            "  x y.csv：研究文件夹中没有这种文件；请改名或移走。",
        ),
        # An argument may hold what looks like the end of a sentence or line.
        ("The file a. B\nc cannot be read (x).", "文件 a. B\nc 无法读取（x）。"),
        ("cells               7 (county 2, other 5)", "单元格              7（县级 2、其他 5）"),
        (
            "variables.csv, row 3, column role: found 'x', expected one of a, b (did you mean a?); correct it.",
            "variables.csv 第 3 行 role 列：实际为“x”，应为 a、b 之一（是否指 a？）；请更正。",
        ),
    ],
)
def test_what_is_said_in_chinese(english, chinese):
    assert in_chinese(english) == chinese


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_TW.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "CITY_POLICY_LANGUAGE": "en"}, "en"),
        ({"LANG": "de_DE.UTF-8", "CITY_POLICY_LANGUAGE": "zh"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "CITY_POLICY_LANGUAGE": ""}, "zh"),
    ],
)
def test_the_language_is_that_of_the_terminal(monkeypatch, environment, expected):
    for name in ("CITY_POLICY_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert language() == expected


def test_every_word_of_the_help_has_a_chinese_form():
    def helps(parser: argparse.ArgumentParser) -> Iterator[str]:
        yield parser.description or ""
        for action in parser._actions:
            yield action.help or ""
            if isinstance(action, argparse._SubParsersAction):
                yield from (choice.help or "" for choice in action._choices_actions)
                for inner in action.choices.values():
                    yield from helps(inner)

    without = [words for words in dict.fromkeys(helps(build_parser())) if without_chinese_form(words)]
    assert without == []
