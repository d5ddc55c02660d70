"""Notes below a table: each sentence once, and sentences that differ in one name or number as one."""

import pytest
from city_policy.report.notes import notes_of_messages
from city_policy.report.study import Text

NAMES = {
    "bcs": Text("宽带中国", "Broadband China"),
    "iic": Text("产业集群", "cluster pilot"),
    "adcode": Text("城市", "cities"),
}
RESTS = (
    "The effective number of cities behind the effect is {}: below {} clustered errors are too small; read the wild "
    "bootstrap and the randomisation p value."
)
ABSORBS = "The fixed effects city have a group of their own for every row, so they absorb {} and everything else."
NO_POLICY = (
    "The instrument contains no policy; exclusion still requires that it moves the outcome through the treatment only."
)


def english(*messages):
    return [note.en for note in notes_of_messages(messages, NAMES)]


def test_numbers_of_cities_are_one_sentence_from_the_smallest():
    (note,) = notes_of_messages([RESTS.format(number, 20) for number in ("18.2", "3.2", "10.1")], NAMES)
    assert note.en.startswith("The effective number of cities behind the effect is 3.2, 10.1 and 18.2: below 20 ")
    assert "依托 3.2、10.1、18.2 个城市：不足 20 个时" in note.zh


def test_names_are_listed_in_the_order_in_which_they_come():
    (note,) = notes_of_messages([ABSORBS.format("iic"), ABSORBS.format("bcs")], NAMES)
    assert "absorb cluster pilot and Broadband China and everything else." in note.en
    assert "吸收了产业集群、宽带中国和其他一切变量。" in note.zh


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
