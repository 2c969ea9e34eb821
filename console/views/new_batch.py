"""A new batch: items and wishes in, a binding quote out."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from batches.manifest.reader import FILE_BYTES_MAX
from batchrouter.kit.errors import BatchRouterError, NotFound
from catalog.queries import current_workflows
from catalog.selectors import model_profiles
from console.attempts import Attempt
from console.current import Current, current
from console.forms import PREVIEW, NewBatchForm
from console.presenters.manifests import kept_items, problem_lines
from console.presenters.tables import first_item, sheet_view
from console.selectors import kept_manifest, recent_batches
from console.starts import Start, start_of
from console.wishes import wishes_in


@csrf_exempt
@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new_batch(request: HttpRequest) -> HttpResponse:
    """GET and POST /batches/new.

    Who may not submit is refused before the body is read, and so before the CSRF check,
    which reads the body; the view behind this one is protected.
    """
    visitor = current(request)
    if not visitor.may_submit:
        context = {"org_name": visitor.org.name, "role": visitor.role}
        return render(request, "console/new_batch_refused.html", context, status=403)
    try:
        return _new_batch(request, visitor)
    except RequestDataTooBig:
        form = NewBatchForm(models=_models())
        attempt = Attempt(form, visitor.org)
        return _page(request, attempt, is_too_large=True, status=413)


@csrf_protect
def _new_batch(request: HttpRequest, visitor: Current) -> HttpResponse:
    if request.method != "POST":
        try:
            start = start_of(request.GET.dict(), visitor.org)
        except NotFound as error:
            raise Http404(error.message) from error
        initial = start.initial | wishes_in(request)
        form = NewBatchForm(initial=initial, models=_models())
        return _page(request, Attempt(form, visitor.org), start=start)
    form = NewBatchForm(request.POST, request.FILES, models=_models())
    form.full_clean()
    attempt = Attempt(form, visitor.org)
    attempt.look_at_file()
    attempt.find_table(request.POST)
    if request.POST.get("step") == PREVIEW:
        return _page(request, attempt)
    if not attempt.is_ready:
        attempt.keep_upload()
    if attempt.is_ready:
        try:
            quote = attempt.quote()
        except BatchRouterError as error:
            attempt.refuse(error)
        else:
            return redirect("quote", quote_id=quote.public_id)
    return _page(request, attempt, status=attempt.status)


def _models() -> list[tuple[str, str]]:
    found = model_profiles().values()
    return sorted(
        ((model.slug, model.display_name) for model in found),
        key=lambda one: one[1].casefold(),
    )


def _page(
    request: HttpRequest,
    attempt: Attempt,
    *,
    start: Start | None = None,
    is_too_large: bool = False,
    status: int = 200,
) -> HttpResponse:
    form, products = attempt.form, current_workflows()
    slug = form["workflow"].value() or ""
    file_id = form["input_file_id"].value()
    kept = kept_manifest(attempt.org, file_id) if file_id else None
    lines = problem_lines(attempt.errors, attempt.source, attempt.columns_of)
    context = {
        "form": form,
        "forms": [form] if attempt.mapping is None else [form, attempt.mapping],
        "problems": lines,
        "is_pasted": not form.is_bound or attempt.is_pasted,
        "more_problems": attempt.error_count - len(attempt.errors),
        "is_too_large": is_too_large,
        "start": start,
        "groups": attempt.refusal.details.get("groups") if attempt.refusal else None,
        "kept": None if kept is None else kept_items(kept),
        "file_bytes_max": FILE_BYTES_MAX,
        "workflow": next((one for one in products if one.slug == slug), None),
        "workflows": products,
    }
    if kept is None:
        context |= _table(attempt)
    if start is not None and not start.initial:
        context["batches"] = recent_batches(attempt.org)
    return render(request, "console/new_batch.html", context, status=status)


def _table(attempt: Attempt) -> dict[str, Any]:
    """Return the step in which the columns of a table are mapped."""
    sheet, mapping = attempt.sheet, attempt.mapping
    if sheet is None or mapping is None:
        return {}
    shown = {"mapping": mapping, "sheet": sheet_view(sheet)}
    if mapping.is_bound and not mapping.is_valid():
        return shown
    item = first_item(sheet.columns, sheet.rows, mapping.mapping(), attempt.item_of())
    return {**shown, "first_item": item}
