"""A new batch: items and wishes in, a binding quote out."""

import json
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from accounts.models import Org
from batches.manifest.pasting import item_lines, prompt_lines
from batches.manifest.problems import InvalidManifest
from batches.models import Quote
from batches.selectors import quote_of
from batches.services.composing import keep_items, prompt_template, quote_file
from batchrouter.kit import clock
from batchrouter.kit.errors import BatchRouterError, NotFound
from catalog.models import ModelProfile
from catalog.queries import current_workflows
from catalog.rendering import example_manifest
from catalog.selectors import UnknownWorkflow, model_profiles, workflow_row
from console.current import Current, current
from console.forms import ITEMS, PROMPTS, NewBatchForm
from console.presenters.quotes import controls

_CHUNK_BYTES = 1 << 18
_HEAD = ("customer_item_id", "operation", "model", "model_options", "input")
_WISHES = ("sla_tier", "routing_mode", "privacy_tier", "allowed_regions", "dedupe")


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
        return _page(request, form, is_too_large=True, status=413)


@csrf_protect
def _new_batch(request: HttpRequest, visitor: Current) -> HttpResponse:
    if request.method != "POST":
        start = _start(request, visitor.org)
        return _page(request, NewBatchForm(initial=start, models=_models()))
    form = NewBatchForm(request.POST, request.FILES, models=_models())
    problems: list[dict[str, Any]] = []
    if form.is_valid():
        try:
            quote = _quote(form, visitor.org)
        except InvalidManifest as error:
            form.refuse_items(error)
            problems = error.details["errors"]
        except BatchRouterError as error:
            form.refuse(error)
            return _page(request, form, refusal=error, status=form.status)
        else:
            return redirect("quote", quote_id=quote.public_id)
    return _page(request, form, problems=problems, status=form.status)


def _quote(form: NewBatchForm, org: Org) -> Quote:
    now, wishes = clock.now(), form.wishes()
    upload = form.upload
    file_id = form.cleaned_data["input_file_id"]
    if upload is not None:
        file_id = keep_items(
            upload.chunks(_CHUNK_BYTES),
            org=org,
            filename=upload.name or "items.ndjson",
            wishes=wishes,
            now=now,
        )
        form.keep_file(file_id)
    elif not file_id:
        file_id = keep_items(
            [_lines(form)], org=org, filename="pasted.ndjson", wishes=wishes, now=now
        )
    return quote_file(file_id, org=org, wishes=wishes, now=now)


def _lines(form: NewBatchForm) -> bytes:
    cleaned = form.cleaned_data
    if cleaned["kind"] != PROMPTS:
        return item_lines(cleaned["text"])
    template = prompt_template(
        workflow=cleaned["workflow"],
        model=cleaned["model"],
        max_output_tokens=cleaned["max_output_tokens"],
    )
    return prompt_lines(cleaned["text"], template)


def _start(request: HttpRequest, org: Org) -> dict[str, Any]:
    """Return what the page begins with.

    Raises:
        Http404: what the address names is not there.
    """
    asked = {name: request.GET.get(name) for name in ("quote", "workflow", "model")}
    try:
        if asked["quote"]:
            return controls(quote_of(org, asked["quote"]))
        if asked["workflow"]:
            row = workflow_row(asked["workflow"])
            return _of_manifest(row.preset_manifest) | {"workflow": row.slug}
    except (NotFound, UnknownWorkflow) as error:
        raise Http404(error.message) from error
    if asked["model"]:
        model = ModelProfile.objects.filter(slug=asked["model"]).first()
        if model is None:
            raise Http404("There is no such model.")
        return _of_manifest(example_manifest(model)) | {"model": model.slug}
    return {}


def _of_manifest(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return a manifest's wishes, and its items one a line."""
    lines = (
        json.dumps({name: item[name] for name in _order(item)}, ensure_ascii=False)
        for item in manifest["items"]
    )
    wishes = {name: manifest[name] for name in _WISHES if name in manifest}
    return {**wishes, "kind": ITEMS, "text": "\n".join(lines)}


def _order(item: dict[str, Any]) -> list[str]:
    """Return an item's fields as a person reads them; stored JSON has no order."""
    return [*(name for name in _HEAD if name in item), *sorted(item.keys() - {*_HEAD})]


def _models() -> list[tuple[str, str]]:
    found = model_profiles().values()
    return sorted(
        ((model.slug, model.display_name) for model in found),
        key=lambda one: one[1].casefold(),
    )


def _page(
    request: HttpRequest,
    form: NewBatchForm,
    *,
    problems: list[dict[str, Any]] | None = None,
    refusal: BatchRouterError | None = None,
    is_too_large: bool = False,
    status: int = 200,
) -> HttpResponse:
    products = current_workflows()
    slug = form["workflow"].value() or ""
    context = {
        "form": form,
        "problems": problems,
        "is_too_large": is_too_large,
        "groups": refusal.details.get("groups") if refusal else None,
        "file_id": form["input_file_id"].value(),
        "workflow": next((one for one in products if one.slug == slug), None),
        "workflows": products,
    }
    return render(request, "console/new_batch.html", context, status=status)
