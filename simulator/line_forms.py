"""How one provider writes the lines of a batch, and the rows that they become."""

from dataclasses import dataclass
from typing import Final, Protocol

from simulator.faults import Plan
from simulator.world import World

MAX_LINE_BYTES: Final = 16 * 1024 * 1024

# Why a line never ran.
EXPIRED: Final = "batch_expired"
CANCELLED: Final = "batch_cancelled"


@dataclass(frozen=True)
class Row:
    """What one line became. ``copies`` is 0 for a lost row, 2 for a doubled one."""

    data: bytes
    is_success: bool
    copies: int = 1
    cuts_file: bool = False
    input_tokens: int = 0
    output_tokens: int = 0


class LineError(Exception):
    """A line that fails the whole batch while it is validated."""

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param


class LineForm(Protocol):
    """The lines of one provider; input files hold one a line, ending in a newline.

    Attributes:
        lines_max: more of them fail the batch.
        has_one_model: all lines must name the same model.
    """

    lines_max: int
    has_one_model: bool

    def check(self, raw: bytes, endpoint: str) -> tuple[str, str]:
        """Return the custom id and model of a line.

        Raises:
            LineError: the line fails the whole batch.
        """
        ...

    def run(self, world: World, provider: str, raw: bytes) -> Row:
        """Execute a checked line; it counts as accepted when it succeeds."""
        ...

    def failed(self, raw: bytes) -> bytes:
        """Return the row of a line that failed inside the provider."""
        ...

    def unexecuted(self, raw: bytes, code: str) -> bytes:
        """Return the row of a line that never ran; ``code`` is EXPIRED or CANCELLED."""
        ...


def copies_of(plan: Plan) -> int:
    """Return how many rows a line leaves under the row faults that struck it."""
    if plan.get("missing"):
        return 0
    return 2 if plan.get("duplicate") else 1
