"""One logger for all processes: structured lines, with secrets scrubbed."""

import logging
import re
from collections.abc import MutableMapping
from typing import Any

import structlog
from django.core.exceptions import ImproperlyConfigured

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

# Our own keys and tokens, provider keys, and signed links.
_SECRETS = re.compile(
    r"(ob_(?:live|test)_|obs_|whsec_|sk-|sk_(?:live|test)_)[0-9A-Za-z_\-+/=]{8,}"
    r"|(?i:bearer\s+)[^\s\"']{8,}|(?<=signature=)[0-9A-Za-z_\-]{8,}"
)


def scrub(text: str) -> str:
    """Blot out what looks like a secret."""
    return _SECRETS.sub(lambda found: (found.group(1) or "") + "[scrubbed]", text)


def _scrub_event(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = scrub(value)
    return event


def configure(*, level: str, json_lines: bool) -> None:
    """Send every log line to standard error through structlog.

    Raises:
        ImproperlyConfigured: the level is not one of logging's.
    """
    if level not in _LEVELS:
        raise ImproperlyConfigured(f"LOG_LEVEL={level!r}: say one of {_LEVELS}")
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    render = (
        structlog.processors.JSONRenderer()
        if json_lines
        else structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0)
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _scrub_event,
            render,
        ],
    )
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("kombu", "amqp", "celery.redirected", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
