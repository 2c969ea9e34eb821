"""Who was told of a batch by webhook, every try, and telling them again."""

from collections import defaultdict

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from batches.delivery.selectors import attempts_of, deliveries_of
from batches.services.delivery import replay
from batchrouter.kit import clock
from batchrouter.kit.errors import BatchRouterError
from console.current import current
from console.owned import owned_batch
from console.paging import newest_first
from console.presenters.batch_tabs import batch_tabs
from console.presenters.webhooks import delivery_line, try_lines

# Of the deliveries of a page; each has eight tries, and as many when sent again.
_TRIES_SHOWN = 500


@require_safe
@login_required
@never_cache
def delivery_list(request: HttpRequest, batch_id: str) -> HttpResponse:
    """GET /batches/{id}/webhooks, newest first."""
    visitor = current(request)
    batch = owned_batch(visitor.org, batch_id)
    page = newest_first(deliveries_of(visitor.org).filter(batch=batch), request)
    now, tries = clock.now(), defaultdict(list)
    attempts = attempts_of(batch).filter(delivery__in=[row.pk for row in page.rows])
    for attempt in attempts.order_by("-id")[:_TRIES_SHOWN]:
        tries[attempt.delivery_id].append(attempt)
    context = {
        "batch_id": batch.public_id,
        "tabs": batch_tabs(batch.public_id, "batch-webhooks"),
        "deliveries": [
            (delivery_line(row, now=now), try_lines(tries[row.pk])) for row in page.rows
        ],
        "first_url": page.first_url,
        "next_url": page.next_url,
        "may_replay": visitor.may_administer,
    }
    return render(request, "console/batch_webhooks.html", context)


@require_POST
@login_required
def delivery_replay(
    request: HttpRequest, batch_id: str, delivery_id: str
) -> HttpResponse:
    """POST /batches/{id}/webhooks/{delivery id}/replay."""
    visitor = current(request)
    batch = owned_batch(visitor.org, batch_id)
    rows = deliveries_of(visitor.org).filter(batch=batch, public_id=delivery_id)
    delivery = rows.first()
    if delivery is None:
        raise Http404("There is no such delivery.")
    if not visitor.may_administer:
        raise PermissionDenied("Only owners and admins may send a webhook again.")
    try:
        replay(delivery, now=clock.now())
    except BatchRouterError as error:
        messages.error(request, f"It was not sent again. {error.message}")
    else:
        messages.success(
            request, "The event is sent again, with the same id and the same bytes."
        )
    return redirect("batch-webhooks", batch_id=batch.public_id)
