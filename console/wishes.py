"""Wishes that a link to the page of a new batch may carry."""

from django.http import HttpRequest

from batches.manifest.envelope import ROUTING_MODES, SLA_HOURS
from console.public import choice


def wishes_in(request: HttpRequest) -> dict[str, str]:
    """Return the wishes in an address; words that are none are left out."""
    allowed = {"sla_tier": list(SLA_HOURS), "routing_mode": list(ROUTING_MODES)}
    asked = {name: choice(request, name, words) for name, words in allowed.items()}
    return {name: word for name, word in asked.items() if word}
