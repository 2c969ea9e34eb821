"""Where the money is, and whom to tell about it."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from batchrouter.kit import ids
from batchrouter.kit.money import format_usd
from batchrouter.web.capabilities import capabilities
from billing import selectors
from billing.balance_watch import low_balance, threshold_of
from billing.packs import packs_on_sale
from billing.profiles import billing_email
from billing.profiles import change_profile as change_billing_profile
from billing.selectors import owed_nanousd
from billing.statements import statement_months
from console.current import Current, current
from console.forms import BillingForm
from console.paging import newest_first
from console.presenters import billing as show

_MONTHS_SHOWN = 12


@require_safe
@login_required
def overview(request: HttpRequest) -> HttpResponse:
    """GET /billing."""
    visitor = current(request)
    return render(request, "console/billing.html", _overview(request, visitor))


@require_POST
@login_required
def change_profile(request: HttpRequest) -> HttpResponse:
    """POST /billing/profile."""
    visitor = current(request)
    if not visitor.may_buy:
        raise PermissionDenied("A viewer may not change billing.")
    form = BillingForm(request.POST)
    if not form.is_valid():
        context = _overview(request, visitor) | {"form": form}
        return render(request, "console/billing.html", context, status=400)
    change_billing_profile(
        visitor.org,
        email=form.cleaned_data["billing_email"],
        threshold_nanousd=form.cleaned_data["low_balance_threshold"],
    )
    messages.success(request, "Saved.")
    return redirect("billing")


def _overview(request: HttpRequest, visitor: Current) -> dict[str, Any]:
    org = visitor.org
    ledger = newest_first(selectors.ledger_of(org), request)
    held = newest_first(selectors.reservations_of(org), request, name="held_before")
    bought = newest_first(selectors.top_ups_of(org), request, name="bought_before")
    return {
        "org_name": org.name,
        "balance": selectors.balance(org),
        "promotional": show.promotional_lines(selectors.promotional_of(org)),
        "low_balance": low_balance(org),
        "owed_nanousd": owed_nanousd(org),
        "packs": [show.pack_line(pack) for pack in packs_on_sale()],
        "checkout": capabilities()["checkout"],
        "checkout_canceled": request.GET.get("checkout") == "canceled",
        "may_buy": visitor.may_buy,
        # Two clicks on one page ask for one payment page.
        "nonce": ids.new_id("form"),
        "top_ups": [show.top_up_line(row) for row in bought.rows],
        "top_ups_page": bought,
        "statements": statement_months(org)[:_MONTHS_SHOWN],
        "form": _form(visitor),
        "ledger": [show.ledger_line(entry) for entry in ledger.rows],
        "ledger_page": ledger,
        "reservations": [show.reservation_line(row) for row in held.rows],
        "reservations_page": held,
    }


def _form(visitor: Current) -> BillingForm:
    return BillingForm(
        initial={
            "billing_email": billing_email(visitor.org),
            "low_balance_threshold": format_usd(threshold_of(visitor.org)),
        }
    )
