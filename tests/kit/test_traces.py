"""An error in the log says where it came from and nothing of what it was about."""

import pytest

from batchrouter.kit.traces import outline


def read(text: str) -> int:
    return int(text)


def test_an_outline_has_type_and_places_and_no_words() -> None:
    with pytest.raises(ValueError, match="prompt") as raised:
        read("a customer's prompt")
    told = outline(raised.value)

    assert told.startswith("ValueError < test_traces.py:")
    assert " read < test_traces.py:" in told
    assert "prompt" not in told


def test_an_error_that_was_never_raised_is_its_type() -> None:
    assert outline(KeyError("secret")) == "KeyError"
