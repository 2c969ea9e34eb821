"""Webhook endpoints: the configured one and those made by the API."""

from collections.abc import Iterator

from stripe_standin import params
from stripe_standin.desk import Desk
from stripe_standin.store import Store
from stripe_standin.wire import API_VERSION, Json, new_id
from stripe_standin.world import Configured

CONFIGURED_ID = "we_configured"


def every(store: Store) -> Iterator[Json]:
    """Yield all endpoints, oldest first."""
    return store.newest("webhook_endpoint", backwards=True)


def wants(endpoint: Json, kind: str) -> bool:
    """Tell whether an endpoint asked for events of this type."""
    enabled = endpoint["enabled_events"]
    return endpoint["status"] == "enabled" and ("*" in enabled or kind in enabled)


def configure(store: Store, configured: Configured, now: int) -> None:
    """Keep the endpoint of the command line as this start has it."""
    url = configured.webhook_url
    known = store.find(CONFIGURED_ID)
    if url is None and known is None:
        return
    endpoint = known or _shape(CONFIGURED_ID, url or "", ["*"], now)
    endpoint["status"] = "disabled" if url is None else "enabled"
    endpoint["url"] = url or endpoint["url"]
    endpoint["_secrets"] = list(configured.webhook_secrets)
    store.save(endpoint)


def create(desk: Desk, given: Json) -> Json:
    """POST /v1/webhook_endpoints; only this answer holds the secret."""
    params.known(
        given, "url", "enabled_events", "api_version", "description", "metadata"
    )
    wanted = params.required(given, "enabled_events")
    enabled = wanted if isinstance(wanted, list) else [str(wanted)]
    endpoint = _shape(new_id("we_"), params.url(given, "url"), enabled, desk.now)
    endpoint["api_version"] = given.get("api_version", API_VERSION)
    endpoint["description"] = given.get("description")
    endpoint["metadata"] = params.metadata(given)
    secret = new_id("whsec_", 32)
    endpoint["_secrets"] = [secret]
    desk.save(endpoint)
    return {**endpoint, "secret": secret}


def _shape(endpoint_id: str, url: str, enabled: list[str], now: int) -> Json:
    return {
        "id": endpoint_id,
        "object": "webhook_endpoint",
        "api_version": API_VERSION,
        "application": None,
        "created": now,
        "description": None,
        "enabled_events": enabled,
        "livemode": False,
        "metadata": {},
        "status": "enabled",
        "url": url,
    }
