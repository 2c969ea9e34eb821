"""Where the money is, and whom to tell about it."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from batchrouter.kit import ids
from batchrouter.kit.money import format_usd
from batchrouter.web.capabilities import capabilities
from billing import selectors
from billing.models import LedgerTransaction
from billing.overview import position_of
from billing.packs import packs_on_sale
from billing.profiles import billing_email
from billing.profiles import change_profile as change_billing_profile
from billing.statement_csv import ledger_csv as written_as_csv
from billing.statements import Holding, statement_lines, statement_months
from billing.statements_api import csv_file
from console.current import Current, current, org_of
from console.forms import BillingForm, LedgerForm, ReservationsForm
from console.paging import newest_first
from console.presenters import billing as show

_LEDGER_FILTERS = ("kind", "since", "until", "batch")
_HELD_SHOWN = 10
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
    position = position_of(org)
    bought = newest_first(selectors.top_ups_of(org), request, name="bought_before")
    held = selectors.open_reservations_of(org)[: _HELD_SHOWN + 1]
    reservations = [show.reservation_line(row) for row in held]
    return {
        "org_name": org.name,
        "position": position,
        "promotional": show.promotional_lines(selectors.promotional_of(org)),
        "packs": [show.pack_line(pack) for pack in packs_on_sale()],
        "checkout": capabilities()["checkout"],
        "checkout_canceled": request.GET.get("checkout") == "canceled",
        "may_buy": visitor.may_buy,
        # Two clicks on one page ask for one payment page.
        "nonce": ids.new_id("form"),
        "reservations": reservations[:_HELD_SHOWN],
        "has_more_held": len(reservations) > _HELD_SHOWN,
        "top_ups": [show.top_up_line(row) for row in bought.rows],
        "top_ups_page": bought,
        "statements": statement_months(org)[:_MONTHS_SHOWN],
        "form": BillingForm(
            initial={
                "billing_email": billing_email(org),
                "low_balance_threshold": format_usd(position.threshold_nanousd),
            }
        ),
    }


@require_safe
@login_required
def ledger(request: HttpRequest) -> HttpResponse:
    """GET /billing/ledger: every change of the credits, or some of them."""
    org = org_of(request)
    form = LedgerForm(request.GET)
    part = form.part if form.is_valid() else None
    rows = LedgerTransaction.objects.none()
    if part is not None:
        rows = selectors.ledger_part_of(org, part)
    page = newest_first(rows, request, keep=_LEDGER_FILTERS)
    filters = {one: request.GET[one] for one in _LEDGER_FILTERS if request.GET.get(one)}
    context = {
        "org_name": org.name,
        "form": form,
        "is_filtered": bool(filters),
        "csv_url": f"{reverse('billing-ledger-csv')}?{urlencode(filters)}",
        "ledger": [show.ledger_line(entry) for entry in page.rows],
        "page": page,
    }
    status = 200 if part is not None else 400
    return render(request, "console/ledger.html", context, status=status)


@require_safe
@login_required
def ledger_csv(request: HttpRequest) -> StreamingHttpResponse:
    """GET /billing/ledger.csv: what the page shows with these filters, oldest first."""
    org = org_of(request)
    form = LedgerForm(request.GET)
    if not form.is_valid():
        raise Http404("There is no such part of the ledger.")
    entries = selectors.ledger_part_of(org, form.part).order_by("id")
    lines = statement_lines(entries, Holding())
    return csv_file(written_as_csv(lines), name="ledger")


@require_safe
@login_required
def reservations(request: HttpRequest) -> HttpResponse:
    """GET /billing/reservations: what is or was held, for what and why."""
    org = org_of(request)
    form = ReservationsForm(request.GET)
    rows = selectors.reservations_of(org)
    if form.is_valid() and form.cleaned_data["state"]:
        rows = rows.filter(state=form.cleaned_data["state"])
    page = newest_first(rows, request, keep=("state",))
    context = {
        "org_name": org.name,
        "form": form,
        "is_filtered": bool(request.GET.get("state")),
        "reservations": [show.reservation_line(row) for row in page.rows],
        "page": page,
    }
    return render(request, "console/reservations.html", context)
