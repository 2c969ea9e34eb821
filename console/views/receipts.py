"""Check a receipt that somebody holds in hand."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from console.forms import RECEIPT_BYTES_MAX, ReceiptForm
from console.presenters.receipts import examine

# A receipt as a form field may grow threefold by its encoding.
_BODY_BYTES_MAX = 3 * RECEIPT_BYTES_MAX + 64 * 1024


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest) -> HttpResponse:
    """GET and POST /receipts/verify; open to everybody.

    The size is judged before the body is read, and so before the CSRF check, which
    reads the body; the view behind this one is protected.
    """
    if _content_length(request) > _BODY_BYTES_MAX:
        return _too_large(request)
    return _verify(request)


@csrf_protect
def _verify(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        context = {"form": ReceiptForm(), "is_too_large": False}
        return render(request, "console/receipt_verify.html", context)
    form = ReceiptForm(request.POST, request.FILES)
    if not form.is_valid():
        context = {"form": form, "is_too_large": False}
        return render(request, "console/receipt_verify.html", context, status=400)
    document = form.document()
    if len(document) > RECEIPT_BYTES_MAX:
        return _too_large(request)
    context = {"form": form, "is_too_large": False, "finding": examine(document)}
    return render(request, "console/receipt_verify.html", context)


def _too_large(request: HttpRequest) -> HttpResponse:
    context = {"form": ReceiptForm(), "is_too_large": True}
    return render(request, "console/receipt_verify.html", context, status=413)


def _content_length(request: HttpRequest) -> int:
    text = str(request.META.get("CONTENT_LENGTH") or "0")
    return int(text) if text.isascii() and text.isdigit() else 0
