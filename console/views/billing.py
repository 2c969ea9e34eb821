"""Where the money is."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from billing import selectors
from console.current import org_of
from console.paging import newest_first
from console.presenters.billing import ledger_line, reservation_line


@require_safe
@login_required
def overview(request: HttpRequest) -> HttpResponse:
    """GET /billing."""
    org = org_of(request)
    ledger = newest_first(selectors.ledger_of(org), request)
    held = newest_first(selectors.reservations_of(org), request, name="held_before")
    context = {
        "org_name": org.name,
        "balance": selectors.balance(org),
        "ledger": [ledger_line(entry) for entry in ledger.rows],
        "ledger_page": ledger,
        "reservations": [reservation_line(row) for row in held.rows],
        "reservations_page": held,
    }
    return render(request, "console/billing.html", context)
