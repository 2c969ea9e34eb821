"""Past jobs at other providers: the list, sending a file, and what it taught."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from accounts.models import Org
from batches.import_rendering import import_json
from batches.models import Import
from batches.selectors import import_of, imports_of
from batches.services.import_uploads import import_upload
from batches.services.importing import ImportRuns, delete_import, read_window
from batchrouter.kit import clock
from batchrouter.kit.errors import NotFound
from console.current import Current, current, org_of
from console.forms import ImportForm
from console.import_sums import models_in, sums_of
from console.live import live_part
from console.paging import newest_first
from console.presenters import imports as show

_CHUNK_BYTES = 1 << 18


@csrf_exempt
@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def import_list(request: HttpRequest) -> HttpResponse:
    """GET and POST /reports/imports.

    Who may not submit is refused before the body is read, and so before the CSRF check,
    which reads the body; the view behind this one is protected.
    """
    visitor = current(request)
    if request.method == "POST" and not visitor.may_submit:
        raise PermissionDenied("A viewer may not import.")
    return _import_list(request, visitor)


@csrf_protect
def _import_list(request: HttpRequest, visitor: Current) -> HttpResponse:
    if request.method != "POST":
        return _page(request, visitor, ImportForm())
    form = ImportForm(request.POST, request.FILES)
    if form.is_valid():
        with form.refusals():
            made, is_new = _take(form, visitor.org)
            if not is_new:
                messages.info(
                    request, "This file was imported before; nothing counts twice."
                )
            return redirect("import", import_id=made.public_id)
    return _page(request, visitor, form)


def _take(form: ImportForm, org: Org) -> tuple[Import, bool]:
    now, upload = clock.now(), form.upload
    return import_upload(
        upload.chunks(_CHUNK_BYTES),
        org=org,
        filename=upload.name or "import",
        provider=form.cleaned_data["provider"] or None,
        window=read_window(form.window(), now=now),
        now=now,
    )


def _page(request: HttpRequest, visitor: Current, form: ImportForm) -> HttpResponse:
    page = newest_first(imports_of(visitor.org), request)
    sums = sums_of(visitor.org, page.rows)
    context = {
        "form": form,
        "may_import": visitor.may_submit,
        "imports": [show.import_line(row, sums[row.pk]) for row in page.rows],
        "first_url": page.first_url,
        "next_url": page.next_url,
    }
    return render(request, "console/imports.html", context, status=form.status)


@require_safe
@login_required
@never_cache
def import_detail(request: HttpRequest, import_id: str) -> HttpResponse:
    """GET /reports/imports/{id}."""
    visitor = current(request)
    row = _owned(visitor.org, import_id)
    sums = sums_of(visitor.org, [row])[row.pk]
    context = {
        "live": show.live(row, import_json(row)),
        "page": show.import_page(row, sums, models_in(row, now=clock.now())),
        "may_delete": visitor.may_submit,
    }
    return render(request, "console/import.html", context)


@require_safe
@login_required
@never_cache
def import_live(request: HttpRequest, import_id: str) -> HttpResponse:
    """GET /reports/imports/{id}/live: how far the file was read."""
    row = _owned(org_of(request), import_id)
    context = {"live": show.live(row, import_json(row))}
    return live_part(request, "console/_import_live.html", context)


@require_POST
@login_required
def import_delete(request: HttpRequest, import_id: str) -> HttpResponse:
    """POST /reports/imports/{id}/delete."""
    visitor = current(request)
    row = _owned(visitor.org, import_id)
    if not visitor.may_submit:
        raise PermissionDenied("A viewer may not delete an import.")
    try:
        delete_import(row)
    except ImportRuns as error:
        messages.error(request, error.message)
        return redirect("import", import_id=row.public_id)
    messages.success(request, "The import is gone, and all that was counted by it.")
    return redirect("imports")


def _owned(org: Org, import_id: str) -> Import:
    try:
        return import_of(org, import_id)
    except NotFound as error:
        raise Http404(error.message) from error
