"""Notes below a table: each sentence once, and sentences that differ in one name or number as one."""

import pytest
from city_policy.report.notes import Said, notes_of_messages
from city_policy.report.study import Text

NAMES = {
    "bcs": Text("宽带中国", "Broadband China"),
    "iic": Text("产业集群", "cluster pilot"),
    "adcode": Text("城市", "cities"),
}
RESTS = (
    "The effective number of cities behind the effect is {}: below {} clustered errors are too small; p values by "
    "the wild bootstrap or randomisation are safer."
)
ABSORBS = "The fixed effects city have a group of their own for every row, so they absorb every variable, also {}."
NO_POLICY = (
    "The instrument contains no policy; exclusion still requires that it moves the outcome through the treatment only."
)


DROPPED = "Dropped as collinear: bcs."


def notes(*messages):
    return notes_of_messages(map(Said, messages), NAMES)


def english(*messages):
    return [note.en for note in notes(*messages)]


def about(message, *words):
    return Said(message, tuple(Text(f"{word}(中文)" if word else "", word) for word in words))


def test_numbers_of_cities_are_one_sentence_from_the_smallest():
    (note,) = notes(*(RESTS.format(number, 20) for number in ("18.2", "3.2", "10.1")))
    assert note.en.startswith("The effective number of cities behind the effect is 3.2, 10.1 and 18.2: below 20 ")
    assert "依托 3.2、10.1、18.2 个城市：不足 20 个时" in note.zh


def test_names_are_listed_in_the_order_in_which_they_come():
    (note,) = notes(ABSORBS.format("iic"), ABSORBS.format("bcs"))
    assert "absorb every variable, also cluster pilot and Broadband China." in note.en
    assert "吸收了一切变量，包括产业集群、宽带中国。" in note.zh


def test_every_sentence_of_a_message_stands_once():
    both = f"{NO_POLICY} {RESTS.format('3.8', 20)}"
    assert english(both, NO_POLICY, RESTS.format("3.8", 20), both) == [NO_POLICY, RESTS.format("3.8", 20)]


@pytest.mark.parametrize(
    "messages",
    [
        # Another argument differs too.
        (RESTS.format("3.8", 20), RESTS.format("3.9", 10)),
        # A list of numbers would be no sentence.
        ("Window from -3 to 5 years around the start.", "Window from -3 to 4 years around the start."),
        # No sentence of the catalogue.
        ("Something about bcs.", "Something about iic."),
    ],
)
def test_other_sentences_stay_apart(messages):
    assert len(english(*messages)) == 2


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # All rows of the table.
        ([(DROPPED, "Panel A", "iic"), (DROPPED, "Panel B", "iic")], "Dropped as"),
        # All rows of a panel; of two; of a policy.
        ([(DROPPED, "Panel A", "iic"), (DROPPED, "Panel A", "both"), ("", "Panel B", "both")], "Panel A: Dropped as"),
        (
            [(DROPPED, "Panel A", "iic"), (DROPPED, "panel B", "iic"), ("", "T3", "iic")],
            "Panel A and panel B: Dropped as",
        ),
        ([(DROPPED, "T1", "iic"), (DROPPED, "T2", "iic"), ("", "T1", "both"), ("", "T2", "both")], "Iic: Dropped as"),
        # One column, and two of one panel.
        ([(DROPPED, "T1", "iic"), ("", "T1", "both"), ("", "T2", "iic")], "T1, iic: Dropped as"),
        (
            [
                (DROPPED, "T1", "iic"),
                (DROPPED, "T1", "both"),
                ("", "T1", "none"),
                ("", "T2", "iic"),
                ("", "T2", "both"),
            ],
            "T1, iic and both: Dropped as",
        ),
        (
            [(DROPPED, "T1", "iic"), (DROPPED, "T2", "both"), ("", "T1", "both"), ("", "T2", "iic")],
            "T1, iic; T2, both: Dropped as",
        ),
        # A title with a colon; what the sentence names itself; rows without a name; too many to be told.
        ([(DROPPED, "Order: second", "iic"), ("", "T1", "iic")], "Order: second – Dropped as"),
        ([(DROPPED, "T1", "Broadband China"), ("", "T1", "iic")], "Dropped as"),
        # A part of a word names nothing.
        ([(DROPPED, "T1", "road"), ("", "T1", "iic")], "Road: Dropped as"),
        ([(DROPPED, "", "iic"), ("", "T1", "iic")], "Dropped as"),
        ([*((DROPPED, str(place), "iic") for place in range(5)), ("", "T1", "iic")], "Dropped as"),
    ],
)
def test_a_sentence_of_some_rows_says_which(rows, expected):
    (note,) = notes_of_messages([about(*row) for row in rows], NAMES)
    assert note.en == f"{expected} collinear: Broadband China."


def test_what_is_said_of_several_panels_names_only_what_tells_its_rows_apart():
    """Three panels of matches have the same counts for one policy, and no other rows have any."""
    counts = "Rows on the common support: {} of 9 treated and 8 of 9 control rows, of which 3 are matched."
    rows = [about(counts.format(number), panel, policy) for panel in "PQR" for policy, number in (("iic", 5), ("x", 6))]
    first, second = notes_of_messages([*rows, about("", "S", "iic"), about("", "S", "x")], NAMES)
    assert first.en.startswith("Iic: Rows on the common support: 5 of 9")
    assert second.en.startswith("X: Rows on the common support: 6 of 9")


def test_a_sentence_of_some_rows_says_which_in_chinese():
    (note,) = notes_of_messages([about(DROPPED, "T1", "iic"), about("", "T2", "iic")], NAMES)
    assert note.zh == "T1（中文）：因共线而剔除：宽带中国。"
