"""Lists by key, never by offset, with cursors that are signed and bound."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from django.core import signing
from django.db.models import Model, QuerySet
from rest_framework.request import Request

from batchrouter.kit import hashing
from batchrouter.kit.errors import InvalidRequest

LIMIT_DEFAULT = 20
LIMIT_MAX = 100
_SALT = "batchrouter.cursor"
_NOT_OURS = "This cursor is not one of ours."

Row = TypeVar("Row", bound=Model)


class InvalidCursor(InvalidRequest):
    """The cursor was changed, or belongs to another list."""

    code = "invalid_cursor"


@dataclass(frozen=True)
class PageRequest:
    """How much of which list, and from where.

    Attributes:
        after: the key of the last row of the page before; None at the start.
        binding: what a cursor of this list is bound to.
    """

    limit: int
    after: int | None
    binding: str


def single_value(request: Request, name: str) -> str | None:
    """Read a query parameter that may stand once.

    Raises:
        InvalidRequest: it stands twice.
    """
    values = request.query_params.getlist(name)
    if len(values) > 1:
        raise InvalidRequest(f"{name} stands twice in the address.", param=name)
    return values[0] if values else None


def read_page(
    request: Request, *, list_name: str, limit_default: int = LIMIT_DEFAULT
) -> PageRequest:
    """Read ``limit`` and ``cursor``.

    Args:
        request: the request; its other query parameters are part of the binding.
        list_name: what tells this list from all others, with the org's id in it.
        limit_default: rows where the caller says nothing.

    Raises:
        InvalidRequest: the limit is not 1 to 100.
        InvalidCursor.
    """
    filters = {
        key: request.query_params.getlist(key)
        for key in request.query_params
        if key not in {"limit", "cursor"}
    }
    canonical = hashing.canonical_json({"list": list_name, "filters": filters})
    binding = hashlib.sha256(canonical).hexdigest()[:16]
    cursor = single_value(request, "cursor")
    after = None if cursor is None else _open_cursor(cursor, binding)
    return PageRequest(_read_limit(request, limit_default), after, binding)


def _read_limit(request: Request, default: int) -> int:
    text = single_value(request, "limit")
    if text is None:
        return default
    if not (
        text.isascii()
        and text.isdigit()
        and len(text) <= 3
        and 1 <= int(text) <= LIMIT_MAX
    ):
        raise InvalidRequest(f"limit must be 1 to {LIMIT_MAX}.", param="limit")
    return int(text)


def make_cursor(after: int, binding: str) -> str:
    """Sign the key of the last row of a page."""
    return _in_base64(signing.Signer(salt=_SALT).sign(f"{after}.{binding}"))


def _in_base64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _open_cursor(cursor: str, binding: str) -> int:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        signed = base64.urlsafe_b64decode(padded.encode("ascii")).decode()
        after, _, bound_to = signing.Signer(salt=_SALT).unsign(signed).partition(".")
    except (signing.BadSignature, ValueError) as error:
        raise InvalidCursor(_NOT_OURS, param="cursor") from error
    if _in_base64(signed) != cursor:  # the decoder skips characters it does not know
        raise InvalidCursor(_NOT_OURS, param="cursor")
    if bound_to != binding:
        raise InvalidCursor("This cursor belongs to another list.", param="cursor")
    return int(after)


def list_json(
    data: list[Any], *, has_more: bool, next_cursor: str | None
) -> dict[str, Any]:
    """Return the list envelope."""
    return {
        "object": "list",
        "data": data,
        "has_more": has_more,
        "next_cursor": next_cursor,
    }


def page_of(
    rows: QuerySet[Row],
    request: Request,
    *,
    org_id: int,
    list_name: str,
    render: Callable[[Row], Mapping[str, Any]],
    key: str = "id",
) -> dict[str, Any]:
    """Return one page of rows, newest first, in the list envelope.

    Args:
        rows: already scoped to the org.
        request: for ``limit`` and ``cursor``.
        org_id: the cursor is bound to it.
        list_name: the name of the list, for the binding.
        render: one row to JSON.
        key: a unique, growing integer column.
    """
    page = read_page(request, list_name=f"{org_id}:{list_name}")
    if page.after is not None:
        rows = rows.filter(**{f"{key}__lt": page.after})
    found = list(rows.order_by(f"-{key}")[: page.limit + 1])
    shown, has_more = found[: page.limit], len(found) > page.limit
    cursor = (
        make_cursor(int(getattr(shown[-1], key)), page.binding) if has_more else None
    )
    return list_json(
        [render(row) for row in shown], has_more=has_more, next_cursor=cursor
    )
