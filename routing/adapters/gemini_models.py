"""How Gemini models take the wish to think more or less.

Sources: ``ThinkingConfig`` of google-genai 3.4.0 (read 2026-11-22); the ranges are of
general knowledge and were not confirmed with the provider.
"""

from dataclasses import dataclass
from typing import Any, Final

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Budget:
    """Thoughts in tokens; ``can_be_off`` tells whether a budget of 0 is taken."""

    tokens_min: int
    tokens_max: int
    can_be_off: bool


# By the beginning of the model's name, the longer one first.
_BUDGETS: Final = {
    "gemini-2.5-flash-lite": Budget(512, 24_576, can_be_off=True),
    "gemini-2.5-flash": Budget(1, 24_576, can_be_off=True),
    "gemini-2.5-pro": Budget(128, 32_768, can_be_off=False),
}
# Share of the output cap that may be thought away.
_BUDGET_SHARES: Final = {
    **dict.fromkeys(("minimal", "low"), 0.2),
    "medium": 0.4,
    **dict.fromkeys(("high", "xhigh", "max"), 0.6),
}
# The steps that every later model takes; thinking cannot be switched off there.
_LEVELS: Final = {
    **dict.fromkeys(("minimal", "low"), "LOW"),
    "medium": "MEDIUM",
    **dict.fromkeys(("high", "xhigh", "max"), "HIGH"),
}


def thinking(model: str, effort: str, cap: int | None) -> Json | None:
    """Return the ``thinkingConfig`` for an effort, or None where none is right.

    Args:
        model: as the provider names it.
        effort: ``none`` to ``max``.
        cap: of the output in tokens, thoughts included.
    """
    for beginning, budget in _BUDGETS.items():
        if model.startswith(beginning):
            tokens = _budget_tokens(effort, cap, budget)
            return None if tokens is None else {"thinkingBudget": tokens}
    level = _LEVELS.get(effort)
    return None if level is None else {"thinkingLevel": level}


def _budget_tokens(effort: str, cap: int | None, budget: Budget) -> int | None:
    if effort == "none":
        return 0 if budget.can_be_off else None
    share = _BUDGET_SHARES.get(effort)
    if share is None or cap is None:
        return None
    tokens = min(int(cap * share), budget.tokens_max)
    return tokens if tokens >= budget.tokens_min else None
