"""Which optional features are on, and why one is off."""

from collections.abc import Callable
from typing import TypedDict

from django.conf import settings


class Capability(TypedDict):
    """A flag and, where it is off, the reason."""

    enabled: bool
    reason: str | None


def _on_if(condition: object, reason: str) -> Capability:
    return {"enabled": bool(condition), "reason": None if condition else reason}


def _off(reason: str) -> Callable[[], Capability]:
    return lambda: {"enabled": False, "reason": reason}


def _email(reason: str) -> Callable[[], Capability]:
    return lambda: _on_if(settings.MAIL_DIR or settings.RESEND_API_KEY, reason)


_FLAGS: dict[str, Callable[[], Capability]] = {
    "email": _email("RESEND_API_KEY is not set."),
    "checkout": lambda: _on_if(
        settings.STRIPE_SECRET_KEY, "STRIPE_SECRET_KEY is not set."
    ),
    "signup": _email("Addresses cannot be confirmed: RESEND_API_KEY is not set."),
    "sandbox_lanes": lambda: _on_if(
        settings.SANDBOX_PROVIDERS_URL, "SANDBOX_PROVIDERS_URL is not set."
    ),
    "object_storage": _off("Artifacts are kept on local disk."),
    "openai_compat": _off("Not part of this release."),
    "anthropic_compat": _off("Not part of this release."),
}


def register(name: str, flag: Callable[[], Capability]) -> None:
    """Let an app say whether a feature of its own is on."""
    _FLAGS[name] = flag


def capabilities() -> dict[str, Capability]:
    """Return every flag."""
    return {name: flag() for name, flag in _FLAGS.items()}
