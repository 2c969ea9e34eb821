"""One receipt of a batch, checked from its bytes as a stranger would."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from batchrouter.kit.hashing import canonical_json
from billing.receipts import receipt_json
from billing.selectors import receipt_for
from console.current import current
from console.owned import owned_batch
from console.presenters.receipts import examine, receipt_card, receipt_url


@require_safe
@login_required
@never_cache
def receipt_detail(request: HttpRequest, batch_id: str, kind: str) -> HttpResponse:
    """GET /batches/{id}/receipts/{kind}: also what Verify shows in place."""
    visitor = current(request)
    batch = owned_batch(visitor.org, batch_id)
    receipt = receipt_for(visitor.org, kind=kind, purpose=batch.purpose)
    if receipt is None:
        raise Http404("There is no such receipt.")
    context = {
        "batch_id": batch.public_id,
        "receipt": receipt_card(receipt, url=receipt_url(batch, kind)),
        "finding": examine(canonical_json(receipt_json(receipt))),
    }
    return render(request, "console/batch_receipt.html", context)
