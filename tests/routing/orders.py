"""Orders of provider jobs that the adapters' tests send."""

from datetime import UTC, datetime
from typing import Any

from routing.contracts import JobOrder, OtherOrders


def make_order(client_ref: str = "ref_1", **changes: Any) -> JobOrder:
    """One item of gpt-5.4-mini, written down long before the test began."""
    values: dict[str, Any] = {
        "operation": "responses",
        "provider_model": "gpt-5.4-mini",
        "client_ref": client_ref,
        "item_count": 1,
        "sent_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return JobOrder(**(values | changes))


def open_fence() -> None:
    """Let the job be sent."""


def no_others() -> OtherOrders:
    """Know of no other order at the provider."""
    return OtherOrders(frozenset(), has_twin=False)
