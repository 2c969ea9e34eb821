"""Links of the header, the present one marked."""

from typing import Any
from urllib.parse import urlencode

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from batchrouter.web.capabilities import capabilities
from billing.api import signing_keys
from billing.overview import spending_json

register = template.Library()


@register.simple_tag(takes_context=True)
def nav_link(
    context: dict[str, Any], name: str, label: str, shortcut: str = ""
) -> SafeString:
    """Return a link to a page; pages below it count as present too.

    ``shortcut`` are keys that follow it, such as "g b"; the list behind "?" tells them.
    """
    target = reverse(name)
    # Error pages are rendered without a request.
    request = context.get("request")
    path = "" if request is None else str(request.path)
    return format_html(
        '<a href="{}"{}{}>{}</a>',
        target,
        _presence(target, path),
        format_html(' data-shortcut="{}"', shortcut) if shortcut else "",
        label,
    )


def _presence(target: str, path: str) -> SafeString | str:
    if path == target:
        return format_html(' aria-current="{}"', "page")
    if path.startswith(f"{target}/"):
        return format_html(' aria-current="{}"', "true")
    return ""


@register.simple_tag
def new_batch_url(**chosen: str) -> str:
    """Return the page of a new batch with a workflow or a model chosen."""
    return f"{reverse('new-batch')}?{urlencode(chosen)}"


@register.inclusion_tag("components/spending_notice.html")
def spending_notice() -> dict[str, Any]:
    """Say on every page of a visitor who is logged in that spending stands still."""
    return {"frozen": spending_json()["reason"]}


@register.simple_tag
def receipt_keys_url() -> str:
    """Return the address of the public keys that receipts are checked with."""
    return reverse(signing_keys)


@register.simple_tag
def capability(name: str) -> bool:
    """Tell whether an optional feature of this server is on."""
    return capabilities()[name]["enabled"]
