"""Logins in plain words."""

from dataclasses import dataclass
from datetime import datetime

from accounts.sessions import SessionFacts

# The first that is found names it: browsers name those they descend from as well.
_PROGRAMS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("python", "Python"),
    ("node", "Node.js"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
_SHOWN_MAX = 60


@dataclass(frozen=True, slots=True)
class SessionLine:
    """One login."""

    id: str
    device: str
    user_agent: str
    is_token: bool
    ip: str
    created_at: datetime
    last_seen_at: datetime
    is_current: bool


def session_line(facts: SessionFacts) -> SessionLine:
    """Show a login."""
    return SessionLine(
        id=facts.id,
        device=device_words(facts.user_agent),
        user_agent=facts.user_agent,
        is_token=facts.kind == "token",
        ip=facts.ip or "unknown",
        created_at=facts.created_at,
        last_seen_at=facts.last_seen_at,
        is_current=facts.is_current,
    )


def device_words(user_agent: str) -> str:
    """Say what a client calls itself as people would: ``Firefox on Windows``."""
    program = _first(_PROGRAMS, user_agent)
    system = _first(_SYSTEMS, user_agent)
    if program and system:
        return f"{program} on {system}"
    return program or system or user_agent[:_SHOWN_MAX] or "An unnamed program"


def _first(names: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for mark, name in names if mark in user_agent), "")
