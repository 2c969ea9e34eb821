import re

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from batchrouter.kit import ids

BATCH = "batch_01jd0000000000000000abcdef"


def test_an_id_is_a_prefix_and_twenty_six_base32_characters() -> None:
    assert re.fullmatch(r"batch_[0-9a-hjkmnp-tv-z]{26}", ids.new_id("batch"))


def test_a_thousand_ids_are_a_thousand_different_ones() -> None:
    assert len({ids.new_id("file") for _ in range(1000)}) == 1000


def test_ids_sort_by_the_time_they_were_made() -> None:
    made = []
    with time_machine.travel("2026-11-22T10:00:00Z", tick=False) as traveller:
        for _ in range(50):
            made.append(ids.new_id("evt"))
            traveller.shift(0.001)
    assert made == sorted(made)


def test_the_first_ten_characters_are_the_millisecond() -> None:
    with time_machine.travel("2026-11-22T10:00:00Z", tick=False):
        made = ids.new_id("evt")
    assert ids.decode(made.removeprefix("evt_")[:10]) == 1_795_341_600_000


def test_a_new_id_looks_like_one_of_its_prefix() -> None:
    assert ids.looks_like_id(ids.new_id("file"), "file")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "file_",
        "file_01jd",
        BATCH,
        "file_" + "0" * 25,
        "file_" + "0" * 27,
        "file_" + "0" * 26 + "\n",
        "file_" + "O" * 26,
        "file_" + "u" * 26,
        "file_" + "\u0660" * 26,
        "FILE_" + "0" * 26,
    ],
)
def test_what_is_not_a_file_id_does_not_look_like_one(text: str) -> None:
    assert not ids.looks_like_id(text, "file")


@given(st.integers(min_value=0, max_value=32**26 - 1))
def test_a_number_survives_writing_and_reading(number: int) -> None:
    assert ids.decode(ids.encode(number, 26)) == number


@pytest.mark.parametrize("text", ["u", "O", "l", "-", "\u0661"])
def test_reading_refuses_characters_of_no_digit(text: str) -> None:
    with pytest.raises(ValueError, match="substring not found"):
        ids.decode("0" + text)


@given(st.integers(min_value=0, max_value=32**6 - 1))
def test_an_item_id_ends_in_its_number(seq: int) -> None:
    made = ids.item_id(BATCH, seq)
    assert ids.looks_like_id(made, "item")
    assert made[:25] == "item_" + BATCH[6:26]
    assert ids.decode(made[-6:]) == seq


def test_an_item_id_is_the_same_each_time() -> None:
    assert ids.item_id(BATCH, 49_999) == "item_01jd0000000000000000001gtf"


@pytest.mark.parametrize("seq", [0, 31, 1024, 99_999])
def test_the_number_of_an_item_is_read_from_its_id(seq: int) -> None:
    name = ids.item_id("batch_" + "0123456789" * 2 + "abcdef", seq)

    assert ids.seq_of_item_id(name) == seq


@pytest.mark.parametrize(
    "text", ["", "item_1", "batch_" + "0" * 26, "item_" + "!" * 26]
)
def test_what_is_no_item_id_has_no_number(text: str) -> None:
    assert ids.seq_of_item_id(text) is None
