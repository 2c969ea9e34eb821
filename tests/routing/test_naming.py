import pytest

from routing.adapters.naming import same_model


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("gpt-5.4-mini", "gpt-5.4-mini"),
        ("gpt-5.4-mini", "gpt-5.4-mini-2026-03-17"),
        ("gpt-5.4-mini", "gpt-5.4-mini-20260317"),
        ("openai/gpt-oss-120b", "gpt-oss-120b"),
        ("deepseek-ai/DeepSeek-V4.1", "deepseek-v4.1"),
        ("mistral-small-latest", "mistral-small-2506"),
    ],
)
def test_it_is_the_same_model(asked: str, answered: str) -> None:
    assert same_model(asked, answered)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("gpt-5.4", "gpt-5.4-mini"),
        ("gpt-5.4-mini", "gpt-5.4"),
        ("gpt-5.4", "gpt-5.4-mini-2026-03-17"),
        ("gpt-5.4", "gpt-5.41"),
        ("mistral-small-latest", "mistral-large-2506"),
        ("gpt-5.4", ""),
    ],
)
def test_it_is_another_model(asked: str, answered: str) -> None:
    assert not same_model(asked, answered)
