"""What is remembered is what was computed, and anything that an answer depends on makes it another question."""

import numpy as np
import pandas as pd
import pytest
from city_policy import memory
from city_policy.errors import InputError
from city_policy.estimation.contract import memory as answers
from city_policy.estimation.contract.record import NotIdentifiedError
from city_policy.estimation.estimators.fixed_effects import estimate_fixed_effects


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setenv(memory.MEMORY_DIRECTORY, str(tmp_path))
    return tmp_path


def panel(seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame([(f"{c:06d}", y) for c in range(40) for y in range(2010, 2018)], columns=["adcode", "year"])
    frame["outcome"], frame["control"] = rng.normal(size=(2, len(frame)))
    frame["province"] = frame["adcode"].str[-1]
    frame["chosen"], frame["fewer"] = True, frame["year"] > 2011
    timing = pd.DataFrame({"adcode": [f"{c:06d}" for c in range(15)], "policy_id": "pilot", "first_treated_year": 2014})
    return frame, timing


def ask(frame, timing, controls=("control",), **cells):
    blank = dict.fromkeys(
        ("paper_table", "panel", "column_no", "lag", "extra_controls", "extra_fixed_effects", "cluster")
    )
    one = blank | {"spec_id": "one", "result": "r", "estimator": "fixed_effects", "outcome": "outcome", "treatment": "pilot",
           "sample": "chosen"} | cells  # fmt: skip
    return estimate_fixed_effects(frame, timing, pd.DataFrame([one]), list(controls))


def count(folder):
    return len(list(folder.glob("*/*")))


def test_an_answer_from_memory_is_the_answer(kept):
    frame, timing = panel()
    first = ask(frame, timing)
    assert count(kept) == 1
    pd.testing.assert_frame_equal(ask(frame.sample(frac=1, random_state=1), timing), first)
    assert count(kept) == 1


def test_another_column_of_the_panel_is_no_other_question(kept):
    frame, timing = panel()
    first = ask(frame, timing)
    pd.testing.assert_frame_equal(ask(frame.assign(another=1.0), timing), first)
    assert count(kept) == 1


@pytest.mark.parametrize("change", ["outcome", "control", "timing", "sample", "controls", "cluster", "lag", "spec_id"])
def test_whatever_an_answer_depends_on_makes_another_question(kept, change):
    frame, timing = panel()
    ask(frame, timing)
    if change in ("outcome", "control"):
        frame.loc[7, change] += 1e-9
    # What has no rows to use never asks an estimator.
    if change == "timing":
        timing.loc[0, "first_treated_year"] = 2015
    cells = {
        "sample": {"sample": "fewer"},
        "cluster": {"cluster": "province"},
        "lag": {"lag": 1},
        "spec_id": {"spec_id": "two"},
    }
    controls = () if change == "controls" else ("control",)
    ask(frame, timing, controls, **cells.get(change, {}))
    assert count(kept) == 2


def test_other_code_and_other_libraries_are_other_questions(kept, monkeypatch):
    frame, timing = panel()
    ask(frame, timing)
    monkeypatch.setattr(memory, "code_digest", lambda folder, libraries: "other")
    ask(frame, timing)
    assert count(kept) == 2


def test_what_the_data_cannot_tell_is_remembered_as_that(kept):
    frame, timing = panel()
    timing["first_treated_year"] = 2000
    first = ask(frame, timing)
    assert set(first["status"]) == {"not_identified"}
    pd.testing.assert_frame_equal(ask(frame, timing), first)


def test_an_expected_error_keeps_its_kind_and_counts(kept):
    class Request:
        pass

    calls = []

    def fail(request):
        calls.append(1)
        raise problem

    answers_parts, answers.parts_of = answers.parts_of, lambda estimate, request: [str(type(problem))]
    try:
        for problem in (
            NotIdentifiedError("nobody is treated", {"n_obs": 3}),
            InputError("The panel has no column 'x'."),
        ):
            for _ in range(2):
                with pytest.raises(type(problem), match=str(problem)) as caught:
                    answers.remembered(fail, Request())
                assert getattr(caught.value, "counts", None) == getattr(problem, "counts", None)
    finally:
        answers.parts_of = answers_parts
    assert len(calls) == 2


def test_without_a_folder_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.delenv(memory.MEMORY_DIRECTORY, raising=False)
    ask(*panel())
    assert count(tmp_path) == 0


def test_what_no_build_asks_for_is_forgotten(kept):
    frame, timing = panel()
    ask(frame, timing)
    memory.forget_unused(kept, 0)
    assert count(kept) == 1
    memory.forget_unused(kept, 4e9)
    assert count(kept) == 0
