"""The provider simulator as a child process."""

from typing import ClassVar
from urllib.parse import quote

from tests.support.program import Json, Program


class SimulatorProcess(Program):
    """Runs `python -m simulator`.

    Options are those of the command line: ``batch_seconds=0.3``, ``api_key="k"``.
    """

    module: ClassVar[str] = "simulator"

    def post_fault(self, rule: Json) -> Json:
        """Add a fault rule and return it as the simulator keeps it."""
        added: Json = self.call("POST", "/_sim/faults", rule)["rules"][0]
        return added

    def clear_faults(self) -> None:
        """Remove all fault rules and forget counted tries."""
        self.call("DELETE", "/_sim/faults")

    def settings(self, **knobs: float) -> Json:
        """Turn knobs such as ``latency_ms=20`` and return all of them."""
        return self.call("POST", "/_sim/settings", knobs)

    def reset(self) -> None:
        """Forget faults, tries and counts."""
        self.call("POST", "/_sim/reset")

    def stats(self) -> Json:
        """Return the counts."""
        return self.call("GET", "/_sim/stats")

    def accepted(self, prefix: str = "") -> dict[str, int]:
        """Return how often each client reference was accepted."""
        found = self.call("GET", f"/_sim/accepted?prefix={quote(prefix)}")
        counts: dict[str, int] = found["accepted"]
        return counts
