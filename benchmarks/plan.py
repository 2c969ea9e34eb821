"""How much to measure."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Plan:
    """The sizes of a run.

    Attributes:
        runs: alternating rounds of the comparison.
        broker: what carries the product's messages.
    """

    is_quick: bool
    runs: int
    broker: Literal["files", "redis"]

    def items(self, full: int) -> int:
        """Return a number of items; a tenth of it in a quick run."""
        return full // 10 if self.is_quick else full

    def repeats(self, full: int) -> int:
        """Return how often to repeat; once in a quick run."""
        return 1 if self.is_quick else full
