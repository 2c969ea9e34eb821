"""List pages: newest first, filtered, before or after an object."""

import operator
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from stripe_standin import params
from stripe_standin.desk import Desk
from stripe_standin.kinds import Collection
from stripe_standin.wire import Json, invalid, public

DEFAULT_LIMIT = 10
MAX_LIMIT = 100
_BOUNDS: Mapping[str, Callable[[int, int], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


def page(desk: Desk, path: str, collection: Collection, given: Json) -> Json:
    """Return one page of a collection.

    Raises:
        ApiError: 400 for an unknown filter, a bad limit, or an unknown cursor.
    """
    params.known(
        given,
        "limit",
        "starting_after",
        "ending_before",
        "created",
        *collection.filters,
    )
    if given.get("starting_after") and given.get("ending_before"):
        raise invalid("Use either starting_after or ending_before.")
    limit = params.integer(
        given.get("limit", DEFAULT_LIMIT), "limit", least=1, most=MAX_LIMIT
    )
    backwards = bool(given.get("ending_before"))
    cursor = given.get("ending_before") or given.get("starting_after")
    found = desk.store.newest(collection.kind, backwards=backwards)
    if cursor:
        found = _beyond(found, str(desk.get(collection.kind, str(cursor))["id"]))
    fitting = (each for each in found if _fits(each, given, collection))
    data = [public(each) for each in islice(fitting, limit)]
    return {
        "object": "list",
        "data": data[::-1] if backwards else data,
        "has_more": next(fitting, None) is not None,
        "url": f"/v1/{path}",
    }


def _beyond(found: Iterator[Json], cursor: str) -> Iterator[Json]:
    for each in found:
        if each["id"] == cursor:
            break
    return found


def _fits(each: Json, given: Json, collection: Collection) -> bool:
    if not _created_fits(each["created"], given.get("created")):
        return False
    return all(
        _matches(each, name, given[name])
        for name in collection.filters
        if name in given
    )


def _created_fits(created: int, wanted: Any) -> bool:
    if wanted is None:
        return True
    if not isinstance(wanted, dict):
        return created == params.integer(wanted, "created", most=2**40)
    for name, bound in wanted.items():
        if name not in _BOUNDS:
            raise invalid(f"Invalid created filter: {name}", param="created")
        if not _BOUNDS[name](created, params.integer(bound, "created", most=2**40)):
            return False
    return True


def _matches(each: Json, name: str, wanted: Any) -> bool:
    if name == "types":
        return each["type"] in list(wanted)
    if name == "payout":
        return bool(each.get("_payout") == wanted)
    value = str(each.get(name))
    if name == "type" and str(wanted).endswith(".*"):
        return value.startswith(str(wanted)[:-1])
    return value == str(wanted)
