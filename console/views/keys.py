"""API keys: the list, making, replacing and ending one."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.keys import NewKey, create_key, key_of, keys_of, revoke_key, rotate_key
from accounts.models import ApiKey, Org, Scope
from batchrouter.kit import clock
from batchrouter.kit.errors import NotFound
from console.current import Current, current
from console.forms import KeyForm, RotateForm
from console.presenters.keys import key_line


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def key_list(request: HttpRequest) -> HttpResponse:
    """GET and POST /account/keys; the page that answers a POST has the new secret."""
    visitor = current(request)
    if request.method != "POST":
        return _page(request, visitor)
    visitor.require_admin()
    form, now = KeyForm(request.POST), clock.now()
    if form.is_valid():
        with form.refusals():
            made = create_key(
                org=visitor.org,
                name=form.cleaned_data["name"],
                scopes=form.cleaned_data["scopes"],
                created_by=visitor.user,
                expires_at=form.expires_at(now=now),
                is_test=form.is_test,
                spend_limit_nanousd=form.cleaned_data["spend_limit"],
            )
            return _page(request, visitor, made=made)
    return _page(request, visitor, form=form)


@require_POST
@login_required
@never_cache
def rotate(request: HttpRequest, key_id: str) -> HttpResponse:
    """POST /account/keys/{id}/rotate; the answer has the new secret."""
    visitor = current(request)
    visitor.require_admin()
    key = _owned(visitor.org, key_id)
    form = RotateForm(request.POST)
    if form.is_valid():
        with form.refusals():
            made = rotate_key(
                key, overlap=form.overlap, created_by=visitor.user, now=clock.now()
            )
            return _page(request, visitor, made=made)
    return _page(request, visitor, refused=form)


@require_POST
@login_required
def revoke(request: HttpRequest, key_id: str) -> HttpResponse:
    """POST /account/keys/{id}/revoke."""
    visitor = current(request)
    visitor.require_admin()
    key = _owned(visitor.org, key_id)
    revoke_key(key, now=clock.now())
    messages.success(request, f"{key.name} is revoked and opens nothing any more.")
    return redirect("account-keys")


def _owned(org: Org, key_id: str) -> ApiKey:
    try:
        return key_of(org, key_id)
    except NotFound as error:
        raise Http404(error.message) from error


def _page(
    request: HttpRequest,
    visitor: Current,
    *,
    made: NewKey | None = None,
    form: KeyForm | None = None,
    refused: RotateForm | None = None,
) -> HttpResponse:
    """Show the keys, live ones first; the secret of a new one this once."""
    now = clock.now()
    lines = [key_line(key, now=now) for key in keys_of(visitor.org).order_by("-pk")]
    context: dict[str, Any] = {
        "org_name": visitor.org.name,
        "may_administer": visitor.may_administer,
        "live": [line for line in lines if line.is_live],
        "ended": [line for line in lines if not line.is_live],
        "made": made,
        "can_submit": made is not None and Scope.SUBMIT in made.row.scopes,
        "base_url": settings.PUBLIC_BASE_URL,
        "form": form or KeyForm(),
        "refused": refused,
        "rotate_form": RotateForm(auto_id=False),
    }
    typed = form or refused
    status = 200 if typed is None else typed.status
    return render(request, "console/keys.html", context, status=status)
