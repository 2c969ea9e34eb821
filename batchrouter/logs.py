"""One logger for all processes: structured lines, with secrets scrubbed."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog
from django.core.exceptions import ImproperlyConfigured

from batchrouter.kit.traces import outline

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_BLOT = "[scrubbed]"
# Deeper than anything that we log; what lies below is blotted out as text.
_DEPTH_MAX = 8

# Loggers of what handles customers' and providers' texts.
_HANDLE_TEXTS = ("batches.engine", "routing.adapters")

# Our own keys and tokens, provider keys, and signed links. A token of a mail has dots.
_SECRETS = re.compile(
    r"(obt_)[0-9A-Za-z_\-.:]{8,}"
    r"|(ob_(?:live|test)_|obs_|whsec_|sk-|sk_(?:live|test)_|(?<![0-9A-Za-z_])re_)"
    r"[0-9A-Za-z_\-+/=]{8,}"
    r"|(?i:bearer\s+)[^\s\"']{8,}|(?<=signature=)[0-9A-Za-z_\-]{8,}"
)
# Names whose values are secret whatever they look like.
_NAMES = r"(?:password[s12]?|authorization|cookies?|sessionid|csrftoken|secret)"
_IS_SECRET = re.compile(rf"(?i)(?:.*[^a-z])?{_NAMES}\Z")
# Such a name and its value: in a header, a form, JSON, or JSON in a text. In quotes, up
# to the same quotes; else up to the end of the line or of the form's field.
_NAMED = re.compile(
    rf"""(?i)((?<![a-z]){_NAMES}\\*["']?\s*[:=]\s*)"""
    r"""(?:(\\*["'])(?:(?!\2)(?:\\.|.))+|[^\s"'][^\r\n&"']*)"""
)


def scrub(text: str) -> str:
    """Blot out what looks like a secret, and the values of what is called one."""
    named = _NAMED.sub(
        lambda found: f"{found[1]}{found[2] or ''}{_BLOT}",
        text,
    )
    return _SECRETS.sub(lambda found: (found[1] or found[2] or "") + _BLOT, named)


def scrub_value(value: Any, *, depth: int = 0) -> Any:
    """Return the same with every text in it scrubbed, however deep it lies."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return scrub(value)
    if depth < _DEPTH_MAX and isinstance(value, Mapping):
        return {
            scrub_value(name): _BLOT
            if isinstance(name, str) and _IS_SECRET.match(name)
            else scrub_value(inner, depth=depth + 1)
            for name, inner in value.items()
        }
    if depth < _DEPTH_MAX and isinstance(value, list | tuple | set | frozenset):
        return [scrub_value(inner, depth=depth + 1) for inner in value]
    # A renderer would write it like this.
    text = repr(value)
    scrubbed = scrub(text)
    return value if scrubbed == text else scrubbed


def scrub_report(report: Any, _hint: Any) -> Any:
    """Scrub an error report before it leaves for Sentry."""
    if _handles_texts(report.get("logger")):
        for error in (report.get("exception") or {}).get("values") or []:
            error["value"] = _BLOT
    return scrub_value(report)


def _handles_texts(logger: Any) -> bool:
    return isinstance(logger, str) and logger.startswith(_HANDLE_TEXTS)


def _outline_errors(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Keep the words of an error out where they may quote a prompt or an answer."""
    found = event.get("exc_info")
    if not found or not _handles_texts(event.get("logger")):
        return event
    del event["exc_info"]
    error = found if isinstance(found, BaseException) else sys.exc_info()[1]
    if isinstance(found, tuple):
        error = found[1]
    if error is not None:
        event["exception"] = outline(error)
    return event


def _scrub_event(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    scrubbed: MutableMapping[str, Any] = scrub_value(event)
    return scrubbed


def configure(*, level: str, json_lines: bool) -> None:
    """Send every log line to standard error through structlog.

    Raises:
        ImproperlyConfigured: the level is not one of logging's.
    """
    if level not in _LEVELS:
        raise ImproperlyConfigured(f"LOG_LEVEL={level!r}: say one of {_LEVELS}")
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(json_lines=json_lines))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("kombu", "amqp", "celery.redirected", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # A foreign Host is refused by 400 and logged as that; its trace tells nothing.
    logging.getLogger("django.security.DisallowedHost").setLevel(logging.CRITICAL)


def formatter(*, json_lines: bool) -> logging.Formatter:
    """Return what turns a record into a line without secrets."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _outline_errors,
        structlog.processors.format_exc_info,
    ]
    render = (
        structlog.processors.JSONRenderer()
        if json_lines
        else structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0)
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _scrub_event,
            render,
        ],
    )
