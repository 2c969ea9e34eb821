"""The tokens of letters, as a person would find them in the mail."""

import re

from batchrouter.mail.kinds import kind_of
from batchrouter.mail.models import Letter

NASTY = {
    "script": "<script>alert(1)</script>",
    "image": '"><img src=x onerror=alert(1)>',
    "svg": "<svg/onload=alert(1)>",
    "attribute": "' autofocus onfocus=alert(1) x='",
    "template": "{{ 7|add:7 }}{% now 'Y' %}",
    "close": "</title></textarea><script>",
}


def token_for(address: str) -> str:
    """Return the token of the newest letter to an address."""
    letter = Letter.objects.filter(to=address).latest("pk")
    written = kind_of(letter.kind).write(address, letter.facts)
    assert written is not None
    return str(written.context["token"])


def letters_to(address: str) -> list[str]:
    """Return the kinds of all letters to an address, the oldest first."""
    letters = Letter.objects.filter(to=address).order_by("pk")
    return list(letters.values_list("kind", flat=True))


def is_inert(body: str, text: str) -> bool:
    """Tell whether a page shows a nasty text without taking it for markup."""
    risky = re.search(r"<(script|img|svg)[^>]*(alert|onerror|onload)", body)
    return risky is None and "<script>" not in body and text not in body
