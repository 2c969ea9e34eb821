"""The knobs that `POST /_standin/settings` can turn while it runs."""

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any

from stripe_standin.wire import Json, invalid

OUTCOMES = ("succeeded", "failed")


@dataclass
class Settings:
    """Defaults are those of a start; a reset returns to them."""

    latency_ms: float = 0.0  # before every API answer
    delay_ms: float = 0.0  # from an event to its first delivery
    duplicate: int = 0  # further deliveries of every event
    drop: int | list[str] = 0  # the next n deliveries, or all of these types
    paused: bool = False  # hold all deliveries
    retry_first_ms: float = 1_000.0
    retry_max_ms: float = 60_000.0
    retry_attempts: int = 20
    bank_debit_seconds: float = 0.0  # 0: settled by a control call only
    bank_debit_outcome: str = "succeeded"
    _started_with: Json = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self._started_with = self.view()

    def view(self) -> Json:
        """Return all knobs."""
        return {
            knob.name: getattr(self, knob.name)
            for knob in dataclasses.fields(self)
            if not knob.name.startswith("_")
        }

    def turn(self, wanted: Json) -> None:
        """Set knobs; one that does not fit leaves all as they were.

        Raises:
            ApiError: 400 for an unknown knob or value.
        """
        for name, value in wanted.items():
            if name not in self._started_with or not _fits(name, value):
                raise invalid(f"Unknown setting or value: {name!r}.", param=name)
        for name, value in wanted.items():
            setattr(self, name, value)

    def reset(self) -> None:
        """Return to what it started with."""
        self.turn(self._started_with)


def _fits(name: str, value: Any) -> bool:
    if name == "paused":
        return isinstance(value, bool)
    if name == "bank_debit_outcome":
        return value in OUTCOMES
    if name == "drop" and isinstance(value, list):
        return all(isinstance(kind, str) for kind in value)
    if name in ("duplicate", "drop", "retry_attempts"):
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    real = isinstance(value, int | float) and not isinstance(value, bool)
    return real and math.isfinite(value) and value >= 0
