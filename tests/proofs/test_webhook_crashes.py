"""The campaign must see what it is there to see."""

import orjson
import pytest

from proofs.webhook_crashes import compare
from tests.support.receiver import Got

EVENTS = {
    name: orjson.dumps({"id": name, "data": {"number": number}})
    for number, name in enumerate(("evt_a", "evt_b"))
}


def got(name: str, body: bytes | None = None) -> Got:
    return Got("/", {"webhook-id": name}, EVENTS[name] if body is None else body)


def test_every_event_once_or_more_to_the_byte_is_right() -> None:
    assert list(compare(EVENTS, [got("evt_a"), got("evt_b"), got("evt_a")])) == []


@pytest.mark.parametrize(
    ("arrived", "problem"),
    [
        ([got("evt_a")], "evt_b did not arrive"),
        (
            [got("evt_a"), got("evt_b"), got("evt_b", EVENTS["evt_b"] + b" ")],
            "evt_b arrived with other bytes",
        ),
    ],
    ids=["lost", "other bytes"],
)
def test_what_is_lost_or_changed_is_told(arrived: list[Got], problem: str) -> None:
    assert list(compare(EVENTS, arrived)) == [problem]
