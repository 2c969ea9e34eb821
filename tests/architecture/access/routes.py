"""Every call below /v1/, as the URL configuration and the views declare it.

A route that is added falls in by itself.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_CONVERTER = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True)
class Call:
    """A method of an address.

    Attributes:
        ids: the names of the ids in the address.
        scope: what its view declares for the method, if anything.
    """

    method: str
    route: str
    ids: tuple[str, ...]
    scope: str | None

    def __str__(self) -> str:
        return f"{self.method} /{self.route}"

    @property
    def is_safe(self) -> bool:
        return self.method == "GET"

    def path(self, values: dict[str, str]) -> str:
        return "/" + _CONVERTER.sub(lambda found: values[found[1]], self.route)


def calls(urlconf: str | None = None) -> list[Call]:
    """Return all calls of a URL configuration, the site's where none is named."""
    return list(_calls(get_resolver(urlconf)))


def _calls(resolver: URLResolver) -> Iterator[Call]:
    for route, pattern in _patterns(resolver):
        if not route.startswith("v1/"):
            continue
        callback: Any = pattern.callback
        view = getattr(callback, "cls", None) or getattr(callback, "view_class", None)
        for method in METHODS:
            # A plain function takes any method.
            if view is None or hasattr(view, method.lower()):
                ids = tuple(pattern.pattern.converters)
                yield Call(method, route, ids, _scope(callback, view, method))


def _patterns(
    resolver: URLResolver, prefix: str = ""
) -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _patterns(entry, route)
        else:
            yield route, entry


def _scope(callback: Any, view: Any, method: str) -> str | None:
    given = getattr(callback, "initkwargs", {})
    scopes = given.get("scopes", getattr(view, "scopes", {}))
    scope = scopes.get(method, given.get("scope", getattr(view, "scope", None)))
    return None if scope is None else str(scope)
