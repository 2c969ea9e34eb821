"""Lists by key: the address names the last row of the page before."""

import re
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest

PAGE_ROWS = 25
_PUBLIC_ID = re.compile(r"\A[a-z]{2,8}_[0-9a-z]{26}\Z")
_SEQ = re.compile(r"\A(-1|[0-9]{1,9})\Z")

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows of one page; ``next_key`` is None on the last one."""

    rows: list[Row]
    next_key: str | None


def newest_first(
    rows: QuerySet[Row], request: HttpRequest, *, name: str = "before"
) -> Page[Row]:
    """Return one page of rows that have a ``public_id``, the newest first.

    Args:
        rows: already scoped to the org, so that a stranger's key finds nothing.
        request: its query parameter ``name`` is the public id to go on from.
        name: tells two lists on one page apart.

    Raises:
        Http404: the key is no public id.
    """
    before = request.GET.get(name)
    if before is not None:
        if _PUBLIC_ID.match(before) is None:
            raise Http404("There is no such page.")
        rows = rows.filter(pk__lt=rows.filter(public_id=before).values("pk"))
    found = list(rows.order_by("-pk")[: PAGE_ROWS + 1])
    shown = found[:PAGE_ROWS]
    has_more = len(found) > PAGE_ROWS
    return Page(shown, str(getattr(shown[-1], "public_id")) if has_more else None)  # noqa: B009 # the bound of Row has no such field


def item_number(request: HttpRequest) -> int | None:
    """Read ``after``, the number of the last item shown; -1 is before the first.

    Raises:
        Http404: it is no number of an item.
    """
    after = request.GET.get("after")
    if after is None:
        return None
    if _SEQ.match(after) is None:
        raise Http404("There is no such page.")
    return int(after)
