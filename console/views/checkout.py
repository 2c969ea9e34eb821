"""The way to the hosted payment page and back. The pages only read: a webhook posts."""

import re

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.models import Org
from batchrouter.kit import clock
from batchrouter.kit.errors import BatchRouterError, NotFound
from billing.checkout import open_checkout
from billing.models import CheckoutState
from billing.selectors import balance, checkout_of
from console.current import current, org_of
from console.live import live_part
from console.presenters.checkout import CheckoutView, checkout_view

_NONCE = re.compile(r"\Aform_[0-9a-z]{26}\Z")


@require_POST
@login_required
def buy(request: HttpRequest) -> HttpResponse:
    """POST /billing/checkout: 303 to the hosted page."""
    visitor = current(request)
    if not visitor.may_buy:
        raise PermissionDenied("A viewer may not buy credits.")
    try:
        url = _payment_page(visitor.org, request)
    except BatchRouterError as error:
        messages.error(request, f"Nothing was charged. {error.message}")
        return redirect("billing")
    reply = HttpResponseRedirect(url)
    # After a POST, and with GET from there on.
    reply.status_code = 303
    return reply


def _payment_page(org: Org, request: HttpRequest) -> str:
    pack_code = request.POST.get("pack_code", "")[:40]
    nonce = request.POST.get("nonce", "")
    key = f"{nonce}:{pack_code}" if _NONCE.match(nonce) else ""
    now = clock.now()
    opened = open_checkout(org=org, pack_code=pack_code, request_key=key, now=now)
    if opened.is_replay and opened.session.state != CheckoutState.OPEN:
        # An old page, gone back to after that payment ended: this is a new wish.
        opened = open_checkout(org=org, pack_code=pack_code, request_key="", now=now)
    return opened.session.url


@require_safe
@login_required
@never_cache
def waiting(request: HttpRequest, checkout_id: str) -> HttpResponse:
    """GET /billing/checkout/{id}: where the hosted page sends the customer back."""
    org = org_of(request)
    context = {"live": _view(org, checkout_id), "balance": balance(org)}
    return render(request, "console/checkout.html", context)


@require_safe
@login_required
@never_cache
def live(request: HttpRequest, checkout_id: str) -> HttpResponse:
    """GET /billing/checkout/{id}/live: the part of the page that turns."""
    context = {"live": _view(org_of(request), checkout_id)}
    return live_part(request, "console/_checkout_live.html", context)


def _view(org: Org, checkout_id: str) -> CheckoutView:
    try:
        return checkout_view(checkout_of(org, checkout_id))
    except NotFound as error:
        raise Http404(error.message) from error
