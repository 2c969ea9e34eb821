"""The /v1 doors: which method and path is answered by which function."""

import functools
import re
from collections.abc import Callable, Iterator

from stripe_standin import (
    account,
    customers,
    endpoints,
    listing,
    refunds,
    sessions,
)
from stripe_standin.desk import Desk
from stripe_standin.kinds import COLLECTIONS, Collection
from stripe_standin.wire import ApiError, Json, public

Answer = Callable[..., Json]


def answer(desk: Desk, method: str, path: str, given: Json) -> Json:
    """Answer one call with an object or a page.

    Raises:
        ApiError: 404 for a path that is not served, or what the door refuses.
    """
    for wanted_method, pattern, door in _DOORS:
        found = pattern.fullmatch(path)
        if found is not None and method == wanted_method:
            return public(door(desk, given, *found.groups()))
    raise ApiError(404, f"Unrecognized request URL ({method}: {path}).")


def _list(path: str, collection: Collection, desk: Desk, given: Json) -> Json:
    return listing.page(desk, path, collection, given)


def _retrieve(kind: str, desk: Desk, _given: Json, object_id: str) -> Json:
    return desk.get(kind, object_id)


def _doors() -> Iterator[tuple[str, str, Answer]]:
    yield "GET", "/v1/account", account.retrieve
    yield "GET", "/v1/accounts/{id}", account.retrieve
    yield "POST", "/v1/customers", customers.create
    yield "POST", "/v1/customers/{id}", customers.update
    yield "POST", "/v1/checkout/sessions", sessions.create
    yield "POST", "/v1/checkout/sessions/{id}/expire", sessions.expire
    yield "GET", "/v1/checkout/sessions/{id}/line_items", sessions.line_items
    yield "POST", "/v1/refunds", refunds.create
    yield "POST", "/v1/webhook_endpoints", endpoints.create
    for path, collection in COLLECTIONS.items():
        yield "GET", f"/v1/{path}", functools.partial(_list, path, collection)
        retrieve = functools.partial(_retrieve, collection.kind)
        yield "GET", f"/v1/{path}/{{id}}", retrieve


_DOORS = [
    (method, re.compile(path.replace("{id}", "([A-Za-z0-9_]+)")), door)
    for method, path, door in _doors()
]
