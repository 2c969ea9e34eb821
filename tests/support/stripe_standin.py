"""The Stripe stand-in as a child process."""

import time
from typing import Any, ClassVar

from tests.support.program import Json, Program

API_KEY = "sk_test_" + "standin0" * 4
WEBHOOK_SECRET = "whsec_" + "standin0" * 4

__all__ = ["API_KEY", "WEBHOOK_SECRET", "Json", "StripeStandin"]


class StripeStandin(Program):
    """Runs `python -m stripe_standin`.

    Options are those of the command line: ``webhook_url=url``, ``latency_ms=20``.
    Events are signed with ``WEBHOOK_SECRET`` unless another is given.
    """

    module: ClassVar[str] = "stripe_standin"

    def __init__(self, port: int | None = None, **options: Any) -> None:
        defaults = {"webhook_secret": WEBHOOK_SECRET, "retry_first_ms": 50}
        super().__init__(port, **{**defaults, **options})

    def control(self, path: str, body: Json | None = None) -> Json:
        """Do what a payer, a bank or the dashboard would: POST /_standin/{path}."""
        return self.call("POST", f"/_standin/{path}", body or {})

    def pay(self, session_id: str, **how: Any) -> Json:
        """Pay a session, by ``card="4000…"`` or ``bank_debit=True`` if not at once."""
        return self.control(f"sessions/{session_id}/pay", how)

    def settings(self, **knobs: Any) -> Json:
        """Turn knobs such as ``paused=True`` and return all of them."""
        return self.control("settings", knobs)

    def post_fault(self, kind: str, **options: Any) -> None:
        """Let the next API call fail."""
        self.control("faults", {"kind": kind, **options})

    def release(self, *order: str) -> list[str]:
        """Deliver what waits in this order of types or ids; returns the event ids."""
        body = {"order": list(order)} if order else {}
        released: list[str] = self.control("deliveries/release", body)["released"]
        return released

    def deliveries(self) -> list[Json]:
        """Return all deliveries with their state, oldest first."""
        found: list[Json] = self.call("GET", "/_standin/deliveries")["deliveries"]
        return found

    def wait_until_quiet(self, seconds: float = 120) -> None:
        """Wait until no delivery is pending.

        Raises:
            TimeoutError: one still is.
        """
        deadline = time.monotonic() + seconds
        while any(each["state"] == "pending" for each in self.deliveries()):
            if time.monotonic() > deadline:
                raise TimeoutError("events still wait for their delivery")
            time.sleep(0.02)

    def reset(self) -> None:
        """Forget everything but the options it was started with."""
        self.control("reset")
