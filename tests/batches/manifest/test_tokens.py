"""Exact counts, offline."""

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest

from batches.manifest import tokens
from tests.batches.manifest.helpers import PIXEL, asking, facts, item, vision

VOCABULARY = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
NAME = "fb374d419588a4632f3f557e76b4b70aebbca790"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("hello world", 2),
        ("<|endoftext|>", 7),
        ("日本語のテキスト", 6),
        ("a" * 1_000, 125),
    ],
)
def test_counts_o200k_tokens(text: str, count: int) -> None:
    assert tokens.count(text) == count


def test_remembers_a_repeated_text() -> None:
    assert tokens.count_repeated("hello world") == 2
    assert tokens.count_repeated("hello world") == 2


def test_survives_a_megabyte_of_spaces() -> None:
    # tiktoken itself panics on it.
    assert 5_000 < tokens.count("a" + " " * 1_048_000 + "b") < 50_000


def test_adds_four_tokens_a_message_and_three_an_item() -> None:
    assert tokens.count_item(facts(item(input="hello world"))) == 2 + 4 + 3


def test_counts_instructions_like_a_message() -> None:
    plain = tokens.count_item(facts(asking()))
    instructed = tokens.count_item(facts(asking(instructions="hello world")))

    assert instructed - plain == 2 + 4


def test_adds_the_bound_of_an_image() -> None:
    part = {"type": "input_image", "image_url": PIXEL, "detail": "low"}

    assert tokens.count_item(facts(vision(part))) == 640 + 4 + 3


def test_unpacks_the_vocabulary_once_for_many_callers(tmp_path: Path) -> None:
    folder = tmp_path / "tiktoken"
    with ThreadPoolExecutor(4) as pool:
        paths = set(pool.map(tokens.unpack, [folder] * 4))

    assert paths == {folder / NAME}
    assert [path.name for path in folder.iterdir()] == [NAME]
    assert sha256((folder / NAME).read_bytes()).hexdigest() == VOCABULARY


def test_replaces_a_broken_vocabulary(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"half")

    tokens.unpack(tmp_path)

    assert sha256((tmp_path / NAME).read_bytes()).hexdigest() == VOCABULARY
