"""Whether the model that answered is the one that was asked."""

from datetime import UTC, datetime

import pytest

from batches.decisions import StageLane
from batches.engine.judging import is_model_asked_for
from tests.routing.values import LIST_PRICE


def lane(model: str, *, is_sandbox: bool = False) -> StageLane:
    return StageLane(
        offering_id=1,
        provider="openai",
        model="m",
        provider_model=model,
        mode="direct",
        adapter="openai",
        supports_sampling=True,
        is_sandbox=is_sandbox,
        price=LIST_PRICE,
        leave_at=datetime(2026, 11, 22, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("gpt-5.4-mini", "gpt-5.4-mini"),
        ("gpt-5.4-mini", None),
        ("gpt-5.4-mini", "gpt-5.4-mini-2026-03-05"),
        ("gpt-5.4-mini-2026-03-05", "gpt-5.4-mini"),
        ("mistral-large-latest", "mistral-large-2512"),
        ("meta-llama/Llama-4-Maverick", "llama-4-maverick"),
        ("openai/gpt-5.4", "gpt-5.4:free"),
    ],
)
def test_the_same_model_by_another_name_will_do(
    asked: str, answered: str | None
) -> None:
    assert is_model_asked_for(lane(asked), answered)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("gpt-5.4", "gpt-5.4-mini"),
        ("gpt-5.4-mini", "gpt-5.4"),
        ("gpt-5.4", "gpt-5"),
        ("gpt-5.4-mini", "unexpected-model-0000"),
        ("gpt-5.4-mini", ""),
    ],
)
def test_another_model_will_not(asked: str, answered: str) -> None:
    assert not is_model_asked_for(lane(asked), answered)


def test_the_simulator_may_call_itself_what_it_likes() -> None:
    assert is_model_asked_for(lane("gpt-5.4", is_sandbox=True), "stand-in")
