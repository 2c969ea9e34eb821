"""Light or dark: the reader's choice in a cookie, so that pages come in it at once."""

from typing import Literal, cast

from django.http import HttpRequest

Theme = Literal["system", "light", "dark"]

COOKIE = "theme"
COOKIE_SECONDS = 365 * 24 * 3600
_CHOICES = ("light", "dark")


def theme_named(word: str | None) -> Theme:
    """Return the theme of this name; any other word is what the system says."""
    return cast("Theme", word) if word in _CHOICES else "system"


def theme_of(request: HttpRequest) -> Theme:
    """Return what the reader has chosen."""
    return theme_named(request.COOKIES.get(COOKIE))


def theme(request: HttpRequest) -> dict[str, Theme]:
    """Give every template its ``theme``."""
    return {"theme": theme_of(request)}
