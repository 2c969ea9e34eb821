"""The wishes about providers in a manifest."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from batches.manifest.findings import Findings
from routing.contracts import Preferences

PROVIDERS_MAX = 32
PROVIDER_LENGTH_MAX = 64
LATENCY_MAX_SECONDS = 7 * 24 * 3600
_PATH = "provider_preferences"
_LISTS = ("only", "order", "exclude")
_FIELDS = (*_LISTS, "allow_fallbacks", "max_latency_seconds")


def read_preferences(found: Findings, value: Any) -> Preferences:
    """Read ``provider_preferences``; problems are noted."""
    if type(value) is not dict:
        found.wrong_type(_PATH, "an object")
        return Preferences()
    found.unknown(value, _FIELDS, _PATH)
    lists = {
        name: _providers(found, value[name], f"{_PATH}.{name}")
        for name in _LISTS
        if name in value
    }
    if "only" in lists and value["only"] == []:
        found.refuse(f"{_PATH}.only", "empty", "Name a provider, or leave it out.")
    fallbacks = value.get("allow_fallbacks", True)
    found.flag(fallbacks, f"{_PATH}.allow_fallbacks")
    latency = value.get("max_latency_seconds")
    if "max_latency_seconds" in value:
        found.whole(latency, f"{_PATH}.max_latency_seconds", 1, LATENCY_MAX_SECONDS)
    return Preferences(**lists, allow_fallbacks=fallbacks, max_latency_seconds=latency)


def _providers(found: Findings, value: Any, path: str) -> tuple[str, ...]:
    if type(value) is not list or len(value) > PROVIDERS_MAX:
        found.wrong_type(path, f"a list of at most {PROVIDERS_MAX} providers")
        return ()
    for index, name in enumerate(value):
        place = f"{path}[{index}]"
        if not found.text(name, place, length_max=PROVIDER_LENGTH_MAX):
            return ()
    if len(set(value)) != len(value):
        found.refuse(path, "duplicate", "A provider is named twice.")
    return tuple(value)


def preferences_json(preferences: Preferences) -> dict[str, Any]:
    """Return preferences as stored and shown."""
    values = asdict(preferences)
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in values.items()
    }


def stored_preferences(stored: Mapping[str, Any]) -> Preferences:
    """Return the preferences that :func:`preferences_json` wrote."""
    values = dict(stored)
    for name in _LISTS:
        values[name] = tuple(values[name])
    return Preferences(**values)
