"""What the handling of one call works with, inside one transaction."""

from dataclasses import dataclass

from stripe_standin.settings import Settings
from stripe_standin.store import Store
from stripe_standin.wire import Json


@dataclass(frozen=True)
class Desk:
    store: Store
    settings: Settings
    now: int  # Unix seconds; one call happens at one moment
    base_url: str = ""  # where a browser reaches us
    request_id: str | None = None  # None: happened without an API call
    idempotency_key: str | None = None

    def get(self, kind: str, object_id: str) -> Json:
        """Return an object.

        Raises:
            ApiError: 404.
        """
        return self.store.get(kind, object_id)

    def save(self, value: Json) -> Json:
        """Keep an object, and return it."""
        return self.store.save(value)
