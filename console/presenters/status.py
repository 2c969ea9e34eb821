"""The state of the service in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from batchrouter.web.health import Readiness
from console.presenters.providers import ProviderLine

_NAMES = {
    "database": ("Database", "Quotes, batches, rows and money"),
    "migrations": ("Releases", "The database fits the running release"),
    "broker": ("Background work", "What tells workers that there is something to do"),
}


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the service and how it is."""

    name: str
    what: str
    state: str
    word: str


def parts(ready: Readiness) -> list[Part]:
    """Show the parts; that this page is answered shows the first."""
    found = [Part("API and console", "What answers you now", "ok", "working")]
    for key, word in ready["checks"].items():
        name, what = _NAMES.get(key, (key, ""))
        is_ok = word == "ok"
        found.append(
            Part(name, what, "ok" if is_ok else "bad", "working" if is_ok else word)
        )
    return found


def notes(ready: Readiness) -> list[Part]:
    """Show what apps note beside that, such as a freeze of spending."""
    return [
        Part(name.replace("_", " "), "", "ok" if word == "ok" else "warn", word)
        for name, word in ready["notes"].items()
    ]


def overall(ready: Readiness, providers: Sequence[ProviderLine]) -> Part:
    """Say it in a sentence."""
    if ready["status"] != "ok":
        return Part("Parts of the service are down", "", "bad", "disturbed")
    if any(word != "ok" for word in ready["notes"].values()):
        return Part("The service works, with a restriction", "", "warn", "restricted")
    paused = [line.name for line in providers if line.state == "warn"]
    if paused:
        text = f"All systems work; lanes of {', '.join(paused)} are paused"
        return Part(text, "", "warn", "working")
    return Part("All systems work", "", "ok", "working")
