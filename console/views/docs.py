"""The documentation: guides, tables from the code, the API reference, llms.txt."""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from console.documents import pages, reference, tables
from console.public import public_page

_DOCS = settings.BASE_DIR / "docs"
_OPENAPI = _DOCS / "openapi.yaml"


@public_page
def index(request: HttpRequest) -> HttpResponse:
    """GET /docs."""
    return render(request, "console/docs.html", _navigation(""))


@public_page
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """GET /docs/{slug}."""
    entry = pages.entry(_DOCS, slug)
    if entry is None:
        raise Http404("There is no such page.")
    document = pages.document(_DOCS, entry, base_url=settings.PUBLIC_BASE_URL)
    context = {**_navigation(slug), "document": document, "entry": entry}
    if slug == "errors":
        context["errors"] = tables.error_lines()
        context["row_errors"] = tables.row_error_lines()
    if slug == "limits":
        context["limits"] = tables.limit_lines()
    return render(request, "console/docs_page.html", context)


@public_page
def api_reference(request: HttpRequest) -> HttpResponse:
    """GET /docs/api: every call, by what it is about."""
    return render(request, "console/api_reference.html", _navigation("api"))


@public_page
def api_section(request: HttpRequest, slug: str) -> HttpResponse:
    """GET /docs/api/{slug}: the calls about one thing."""
    sections = reference.sections(_OPENAPI)
    found = next((one for one in sections if one.slug == slug), None)
    if found is None:
        raise Http404("There is no such part of the API.")
    context = {**_navigation(f"api/{slug}"), "section": found}
    return render(request, "console/api_section.html", context)


@public_page
def llms(request: HttpRequest) -> HttpResponse:
    """GET /llms.txt: what this is and where everything is, for language models."""
    context = {**_navigation(""), "base_url": settings.PUBLIC_BASE_URL}
    return render(request, "console/llms.txt", context, content_type="text/plain")


def _navigation(current: str) -> dict[str, Any]:
    return {
        "current": current,
        "groups": pages.groups(_DOCS),
        "sections": reference.sections(_OPENAPI),
    }
