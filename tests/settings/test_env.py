"""Readers of the environment, in the environment of this process."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from batchrouter import env

NAME = "BATCHROUTER_TEST_VALUE"


@pytest.fixture
def put(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that sets the variable for this test."""
    return lambda value: monkeypatch.setenv(NAME, value)


def test_text_that_is_not_set_is_the_default() -> None:
    assert env.text(NAME) == ""
    assert env.text(NAME, "other") == "other"


def test_text_that_is_empty_is_the_default(put: Callable[[str], None]) -> None:
    put("")
    assert env.text(NAME, "other") == "other"


def test_text_is_taken_as_it_is(put: Callable[[str], None]) -> None:
    put(" a b ")
    assert env.text(NAME, "other") == " a b "


def test_a_file_may_hold_the_value(
    monkeypatch: pytest.MonkeyPatch, put: Callable[[str], None], tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("from the file\n")
    put("from the variable")
    monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path / "secret"))
    assert env.text(NAME) == "from the file"


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv(f"{NAME}_FILE", str(path))
    with pytest.raises(ImproperlyConfigured, match=f"{NAME}_FILE: "):
        env.text(NAME)


def test_what_is_required_is_named_with_the_reason() -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^Set {NAME}: for the test$"):
        env.required(NAME, "for the test")


def test_what_is_required_may_not_be_empty(put: Callable[[str], None]) -> None:
    put("")
    with pytest.raises(ImproperlyConfigured, match=NAME):
        env.required(NAME, "for the test")


@pytest.mark.parametrize("value", ["1", "true", "YES", "On"])
def test_a_flag_is_on(put: Callable[[str], None], value: str) -> None:
    put(value)
    assert env.flag(NAME) is True


@pytest.mark.parametrize("value", ["0", "false", "NO", "Off"])
def test_a_flag_is_off(put: Callable[[str], None], value: str) -> None:
    put(value)
    assert env.flag(NAME, default=True) is False


@pytest.mark.parametrize("default", [True, False])
def test_a_flag_that_is_not_set_is_the_default(*, default: bool) -> None:
    assert env.flag(NAME, default=default) is default


@pytest.mark.parametrize("value", ["2", "maybe", " 1"])
def test_a_flag_that_is_none_is_named(put: Callable[[str], None], value: str) -> None:
    put(value)
    with pytest.raises(ImproperlyConfigured, match=f"{NAME}=.* is not a flag"):
        env.flag(NAME)


def test_a_number_is_read(put: Callable[[str], None]) -> None:
    put("42")
    assert env.number(NAME, 7, minimum=42) == 42


def test_a_number_that_is_not_set_is_the_default() -> None:
    assert env.number(NAME, 7) == 7


@pytest.mark.parametrize("value", ["x", "1.5", "1e3", "0x10"])
def test_a_number_that_is_none_is_named(put: Callable[[str], None], value: str) -> None:
    put(value)
    with pytest.raises(ImproperlyConfigured, match=f"{NAME}='.*' is not a number"):
        env.number(NAME, 7)


def test_a_number_that_is_too_small_is_named(put: Callable[[str], None]) -> None:
    put("1")
    with pytest.raises(ImproperlyConfigured, match=f"{NAME}=1 is below 2"):
        env.number(NAME, 7, minimum=2)


@pytest.mark.parametrize(
    ("value", "words"), [("a, b,,c ", ["a", "b", "c"]), (",", []), ("", [])]
)
def test_words_are_divided_by_commas(
    put: Callable[[str], None], value: str, words: list[str]
) -> None:
    put(value)
    assert env.words(NAME) == words


def test_words_that_are_not_set_are_the_default() -> None:
    assert env.words(NAME, "a,b") == ["a", "b"]
