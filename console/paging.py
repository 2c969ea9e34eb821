"""Lists by key: the address names the last row of the page before."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest
from django.utils.http import urlencode

PAGE_ROWS = 25
_PUBLIC_ID = re.compile(r"\A[a-z]{2,8}_[0-9a-z]{26}\Z")
_KEY = "public_id"
_SEQ = re.compile(r"\A(-1|[0-9]{1,9})\Z")

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows of one page, and the addresses beside it; empty where there is none."""

    rows: list[Row]
    first_url: str
    next_url: str


def newest_first(
    rows: QuerySet[Row],
    request: HttpRequest,
    *,
    name: str = "before",
    keep: Collection[str] = (),
) -> Page[Row]:
    """Return one page of rows that have a ``public_id``, the newest first.

    Args:
        rows: already scoped to the org, so that a stranger's key finds nothing.
        request: its query parameter ``name`` is the public id to go on from.
        name: tells two lists on one page apart; the list's element has it as its id.
        keep: query parameters that go along to the pages beside it: filters.

    Raises:
        Http404: the key is no public id.
    """
    before = request.GET.get(name)
    filters = {one: request.GET[one] for one in keep if request.GET.get(one)}
    if before is not None:
        if _PUBLIC_ID.match(before) is None:
            raise Http404("There is no such page.")
        rows = rows.filter(pk__lt=rows.filter(public_id=before).values("pk"))
    found = list(rows.order_by("-pk")[: PAGE_ROWS + 1])
    shown = found[:PAGE_ROWS]
    next_url = ""
    if len(found) > PAGE_ROWS:
        key = getattr(shown[-1], _KEY)
        next_url = _address(request, {**filters, name: key}, name)
    first_url = "" if before is None else _address(request, filters, name)
    return Page(shown, first_url, next_url)


def _address(request: HttpRequest, query: Mapping[str, str], place: str) -> str:
    asked = f"?{urlencode(query)}" if query else ""
    return f"{request.path}{asked}#{place}"


def item_number(request: HttpRequest, name: str = "after") -> int | None:
    """Read the number of the item that a page comes after, or before.

    Raises:
        Http404: it is no number of an item.
    """
    text = request.GET.get(name)
    if text is None:
        return None
    if _SEQ.match(text) is None:
        raise Http404("There is no such page.")
    return int(text)
