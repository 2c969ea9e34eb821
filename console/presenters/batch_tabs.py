"""The pages of one batch."""

from dataclasses import dataclass

from django.urls import reverse

_PAGES = (
    ("batch", "Overview"),
    ("batch-results", "Results"),
    ("batch-review", "Review"),
    ("batch-webhooks", "Webhooks"),
)


@dataclass(frozen=True, slots=True)
class Tab:
    """A page of a batch; ``count`` is what waits there, where it is known."""

    url: str
    name: str
    is_current: bool
    count: int | None


def batch_tabs(
    batch_id: str, current: str, *, to_review: int | None = None
) -> tuple[Tab, ...]:
    """Return the tabs of a batch's pages.

    Args:
        batch_id: the batch's public id.
        current: the name of the present page's address.
        to_review: rows that want a person's eye, where it is known.
    """
    return tuple(
        Tab(
            url=reverse(page, args=[batch_id]),
            name=name,
            is_current=page == current,
            count=to_review if page == "batch-review" else None,
        )
        for page, name in _PAGES
    )
