"""The organization's webhook: address, secret, how it fares, and what was told."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from accounts.models import Org
from batches.delivery import selectors
from batches.models import WebhookDelivery
from batches.services import delivery as webhooks
from batchrouter.kit import clock
from batchrouter.kit.errors import NotFound
from console.current import Current, current, org_of
from console.forms import SecretForm, WebhookForm
from console.forms.base import ServiceForm
from console.live import live_part
from console.paging import newest_first
from console.presenters import webhooks as show

_ENDPOINTS_SHOWN = 10


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@sensitive_post_parameters("secret")
@never_cache
def overview(request: HttpRequest) -> HttpResponse:
    """GET /account/webhooks; POST sets the address, and may show the first secret."""
    visitor = current(request)
    if request.method != "POST":
        return _page(request, visitor)
    visitor.require_admin()
    form = WebhookForm(request.POST, auto_id="webhook-%s")
    if form.is_valid():
        with form.refusals():
            shown = webhooks.set_default(
                visitor.org,
                url=form.cleaned_data["url"],
                secret=form.own_secret,
                now=clock.now(),
            )
            if shown.secret is not None:
                return _page(request, visitor, secret=shown.secret)
            messages.success(request, "The webhook is set. Send a test to try it.")
            return redirect("account-webhooks")
    return _page(request, visitor, form=form)


@require_POST
@login_required
@sensitive_post_parameters("secret")
@never_cache
def rotate(request: HttpRequest) -> HttpResponse:
    """POST /account/webhooks/rotate; the answer has a new secret of ours."""
    visitor = current(request)
    visitor.require_admin()
    form = SecretForm(request.POST, auto_id="rotate-%s")
    if form.is_valid():
        with form.refusals():
            own = form.own_secret
            made = webhooks.rotate_secret(visitor.org, secret=own, now=clock.now())
            if own is None:
                return _page(request, visitor, secret=made)
            messages.success(
                request, "Your secret signs from now on; for a day both do."
            )
            return redirect("account-webhooks")
    return _page(request, visitor, rotate_form=form)


@require_POST
@login_required
@never_cache
def remove(request: HttpRequest) -> HttpResponse:
    """POST /account/webhooks/remove."""
    visitor = current(request)
    visitor.require_admin()
    form = ServiceForm(request.POST)
    with form.refusals():
        webhooks.remove_default(visitor.org)
        messages.success(
            request, "The webhook is removed. What was on its way is still sent."
        )
        return redirect("account-webhooks")
    return _page(request, visitor, refused=form)


@require_POST
@login_required
@never_cache
def test(request: HttpRequest) -> HttpResponse:
    """POST /account/webhooks/test: on to the delivery, to see what comes of it."""
    visitor = current(request)
    visitor.require_admin()
    form = ServiceForm(request.POST)
    with form.refusals():
        sent = webhooks.send_test(visitor.org, now=clock.now())
        return redirect("webhook-delivery", delivery_id=sent.public_id)
    return _page(request, visitor, refused=form)


@require_safe
@login_required
@never_cache
def delivery(request: HttpRequest, delivery_id: str) -> HttpResponse:
    """GET /account/webhooks/deliveries/{id}: its tries and the text that is sent."""
    visitor = current(request)
    return _delivery_page(request, visitor, _owned(visitor.org, delivery_id))


@require_safe
@login_required
@never_cache
def delivery_live(request: HttpRequest, delivery_id: str) -> HttpResponse:
    """GET /account/webhooks/deliveries/{id}/live: the part that moves."""
    org = org_of(request)
    found = _owned(org, delivery_id)
    return live_part(request, "console/_webhook_delivery.html", _moving(org, found))


@require_POST
@login_required
@never_cache
def replay(request: HttpRequest, delivery_id: str) -> HttpResponse:
    """POST /account/webhooks/deliveries/{id}/replay: the same bytes once more."""
    visitor = current(request)
    visitor.require_admin()
    found = _owned(visitor.org, delivery_id)
    form = ServiceForm(request.POST)
    with form.refusals():
        webhooks.replay(found, now=clock.now())
        messages.success(request, "It is sent again, with the same id and bytes.")
        return redirect("webhook-delivery", delivery_id=found.public_id)
    return _delivery_page(request, visitor, found, refused=form)


def _owned(org: Org, delivery_id: str) -> WebhookDelivery:
    try:
        return selectors.delivery_of(org, delivery_id)
    except NotFound as error:
        raise Http404(error.message) from error


def _moving(org: Org, found: WebhookDelivery) -> dict[str, Any]:
    return {
        "live": show.delivery_line(found, now=clock.now()),
        "tries": show.try_lines(selectors.attempts_to(org, found)),
    }


def _delivery_page(
    request: HttpRequest,
    visitor: Current,
    found: WebhookDelivery,
    *,
    refused: ServiceForm | None = None,
) -> HttpResponse:
    context = {
        **_moving(visitor.org, found),
        "body": found.event.body,
        "may_administer": visitor.may_administer,
        "refused": refused,
    }
    status = 200 if refused is None else refused.status
    return render(request, "console/webhook_delivery.html", context, status=status)


def _page(
    request: HttpRequest,
    visitor: Current,
    *,
    secret: str | None = None,
    form: WebhookForm | None = None,
    rotate_form: SecretForm | None = None,
    refused: ServiceForm | None = None,
) -> HttpResponse:
    """Show everything; a secret of ours at the moment it is made, and never again."""
    now, org = clock.now(), visitor.org
    webhook = selectors.webhook_of(org, now=now)
    endpoint = webhook.endpoint
    state = request.GET.get("state", "")
    rows = selectors.deliveries_of(org)
    if state:
        rows = rows.filter(state=state)
    page = newest_first(rows, request, keep=("state",))
    others = selectors.endpoints_of(org).filter(is_default=False)
    url = "" if endpoint is None else endpoint.url
    context = {
        "org_name": org.name,
        "may_administer": visitor.may_administer,
        "default": endpoint and show.endpoint_line(endpoint, now=now),
        "secret_changed_at": webhook.secret_changed_at,
        "previous_secret_until": webhook.previous_secret_until,
        "secret": secret,
        "form": form or WebhookForm(initial={"url": url}, auto_id="webhook-%s"),
        "rotate_form": rotate_form or SecretForm(auto_id="rotate-%s"),
        "refused": refused,
        "others": [
            show.endpoint_line(one, now=now) for one in others[:_ENDPOINTS_SHOWN]
        ],
        "tabs": show.state_tabs(state),
        "is_filtered": bool(state),
        "deliveries": [show.delivery_line(row, now=now) for row in page.rows],
        "page": page,
    }
    typed = form or rotate_form or refused
    status = 200 if typed is None else typed.status
    return render(request, "console/webhooks.html", context, status=status)
