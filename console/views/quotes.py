"""A binding quote: what it costs and why, and the buttons that accept it."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.models import Org
from batches.models import Quote
from batches.selectors import quote_of
from batches.services.composing import quote_file
from batches.services.creation import Order, create_batch
from batches.services.sample_runs import (
    ITEMS_MAX,
    SampleNotEligible,
    run_sample,
    sample_run_json,
)
from batches.services.submission import QuoteAccepted
from batchrouter.kit import clock, ids
from batchrouter.kit.errors import BatchRouterError, NotFound
from batchrouter.kit.money import parse_usd
from batchrouter.web.capabilities import capabilities
from billing.packs import packs_on_sale
from billing.selectors import funding_preview
from console.current import Current, current
from console.forms import NewBatchForm
from console.presenters import billing as show_billing
from console.presenters.quotes import controls, may_change, quote_view
from console.selectors import batch_from, sample_of

_NOT_YOURS = "A viewer may not submit a batch."


@require_safe
@login_required
@never_cache
def quote_detail(request: HttpRequest, quote_id: str) -> HttpResponse:
    """GET /batches/new/{quote_id}."""
    visitor = current(request)
    return _page(request, visitor, _owned(visitor.org, quote_id))


@require_POST
@login_required
def quote_submit(request: HttpRequest, quote_id: str) -> HttpResponse:
    """POST /batches/new/{quote_id}/submit: a second one finds the first one's batch."""
    visitor = current(request)
    quote = _owned(visitor.org, quote_id)
    if not visitor.may_submit:
        raise PermissionDenied(_NOT_YOURS)
    order = Order(org=visitor.org, key=None, is_test=False)
    try:
        batch = create_batch(order, {"quote_id": quote.public_id}, now=clock.now())
    except QuoteAccepted as error:
        made = batch_from(visitor.org, quote)
        if made is None:
            return _refused(request, visitor, quote, error)
        if made.quote_id != quote.pk:
            messages.info(request, f"Nothing new was submitted. {error.message}")
        return redirect("batch", batch_id=made.public_id)
    except BatchRouterError as error:
        return _refused(request, visitor, quote, error)
    return redirect("batch", batch_id=batch.public_id)


@require_POST
@login_required
def quote_again(request: HttpRequest, quote_id: str) -> HttpResponse:
    """POST /batches/new/{quote_id}/again: the same items with other wishes."""
    visitor = current(request)
    quote = _owned(visitor.org, quote_id)
    if not visitor.may_submit:
        raise PermissionDenied(_NOT_YOURS)
    if not may_change(quote):
        raise Http404("Its wishes have no controls on this page.")
    kept = {name: controls(quote)[name] for name in ("workflow", "input_file_id")}
    form = NewBatchForm(_with(request.POST, kept), models=())
    if form.is_valid():
        now, wishes = clock.now(), form.wishes()
        try:
            again = quote_file(
                kept["input_file_id"], org=visitor.org, wishes=wishes, now=now
            )
        except BatchRouterError as error:
            form.refuse(error)
            groups = error.details.get("groups")
            return _page(request, visitor, quote, form=form, groups=groups)
        return redirect("quote", quote_id=again.public_id)
    return _page(request, visitor, quote, form=form)


def _with(posted: QueryDict, values: dict[str, str]) -> QueryDict:
    data = posted.copy()
    for name, value in values.items():
        data[name] = value
    return data


@require_POST
@login_required
def quote_sample(request: HttpRequest, quote_id: str) -> HttpResponse:
    """POST /batches/new/{quote_id}/sample: the first rows on the house."""
    visitor = current(request)
    quote = _owned(visitor.org, quote_id)
    if not visitor.may_submit:
        raise PermissionDenied(_NOT_YOURS)
    try:
        batch = run_sample(quote, item_count=ITEMS_MAX, now=clock.now())
    except SampleNotEligible as error:
        made = sample_of(visitor.org, quote)
        if made is None:
            return _refused(request, visitor, quote, error)
        return redirect("batch", batch_id=made.public_id)
    except BatchRouterError as error:
        return _refused(request, visitor, quote, error)
    return redirect("batch", batch_id=batch.public_id)


def _owned(org: Org, quote_id: str) -> Quote:
    """Return a quote for live lanes; those of test keys are for the API.

    Raises:
        Http404: there is none of this organization.
    """
    try:
        quote = quote_of(org, quote_id)
    except NotFound as error:
        raise Http404(error.message) from error
    if quote.is_test:
        raise Http404("This quote was made with a test key.")
    # It is at hand, so that nothing below asks for it again.
    quote.org = org
    return quote


def _refused(
    request: HttpRequest, visitor: Current, quote: Quote, error: BatchRouterError
) -> HttpResponse:
    quote = _owned(visitor.org, quote.public_id)
    return _page(request, visitor, quote, refusal=error)


def _page(
    request: HttpRequest,
    visitor: Current,
    quote: Quote,
    *,
    refusal: BatchRouterError | None = None,
    form: NewBatchForm | None = None,
    groups: Any = None,
) -> HttpResponse:
    now = clock.now()
    view = quote_view(quote, now=now)
    batch = None if view.is_open else batch_from(visitor.org, quote)
    context: dict[str, Any] = {
        "quote": view,
        "refusal": "" if refusal is None else refusal.message,
        "may_submit": visitor.may_submit,
        "batch": batch,
        "is_same": batch is not None and batch.quote_id == quote.pk,
    }
    if view.is_open:
        context |= _funding(visitor, quote)
        context["sample"] = sample_run_json(quote, now=now)
    if view.may_change and visitor.may_submit:
        context["form"] = form or NewBatchForm(initial=controls(quote), models=())
        context["groups"] = groups
    status = 200 if form is None else form.status
    if refusal is not None:
        status = refusal.status
    return render(request, "console/quote.html", context, status=status)


def _funding(visitor: Current, quote: Quote) -> dict[str, Any]:
    """Return what is there and what is missing, and the packs where some is."""
    preview = funding_preview(visitor.org, quote.total_nanousd)
    if preview["can_fund"]:
        return {"available_nanousd": parse_usd(preview["available"]["amount"])}
    return {
        "available_nanousd": parse_usd(preview["available"]["amount"]),
        "shortfall_nanousd": parse_usd(preview["shortfall"]["amount"]),
        "may_buy": visitor.may_buy,
        "checkout": capabilities()["checkout"],
        "packs": [show_billing.pack_line(pack) for pack in packs_on_sale()],
        "nonce": ids.new_id("form"),
    }
