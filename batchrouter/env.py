"""Typed readers of the environment; a bad value stops the start with its name."""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str = "") -> str:
    """Read a variable as text, or from the file that ``NAME_FILE`` names.

    One that is set but empty counts as one that is not set.
    """
    path = os.environ.get(f"{name}_FILE")
    if path:
        try:
            return Path(path).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ImproperlyConfigured(f"{name}_FILE: {error}") from error
    return os.environ.get(name) or default


def required(name: str, why: str) -> str:
    """Read a variable that must be set."""
    value = text(name)
    if not value:
        raise ImproperlyConfigured(f"Set {name}: {why}")
    return value


def flag(name: str, *, default: bool = False) -> bool:
    """Read ``1 true yes on`` or ``0 false no off``."""
    value = text(name).lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    if value == "":
        return default
    raise ImproperlyConfigured(f"{name}={value!r} is not a flag; say 1 or 0")


def number(name: str, default: int, *, minimum: int = 0) -> int:
    """Read a whole number that is at least ``minimum``."""
    value = text(name)
    if not value:
        return default
    try:
        parsed = int(value)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}={value!r} is not a number") from error
    if parsed < minimum:
        raise ImproperlyConfigured(f"{name}={parsed} is below {minimum}")
    return parsed


def words(name: str, default: str = "") -> list[str]:
    """Read a comma-separated list."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]
