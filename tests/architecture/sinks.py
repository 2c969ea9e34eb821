"""Every place that a secret could end up in, watched while something is done."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from celery.signals import before_task_publish
from django.db import connection
from django.test import Client

from batchrouter import logs
from batchrouter.mail.folder import newest_letters

# Logs keep these quieter than the rest.
_QUIET = ("kombu", "amqp", "celery.redirected", "urllib3")


@dataclass
class Sinks:
    """What was written, by place.

    Attributes:
        lines: the log, as our formatter writes it, for people and for programs.
        records: what loggers were handed, as any other handler would see it.
        refusals: every reply that is an error, with its headers.
        messages: every message to the broker.
    """

    mail_dir: Path
    lines: io.StringIO = field(default_factory=io.StringIO)
    records: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def contents(self) -> dict[str, str]:
        """Return everything that was written, but for the database."""
        subjects = [letter.subject for letter in newest_letters(self.mail_dir)]
        return {
            "log": self.lines.getvalue(),
            "records": "\n".join(self.records),
            "refusals": "\n".join(self.refusals),
            "messages": "\n".join(self.messages),
            "subjects": "\n".join(subjects),
        }

    def holding(self, canaries: dict[str, str]) -> list[str]:
        """Return a sentence for each canary in each place, database included."""
        found = [
            f"{name} is in {place}"
            for place, text in self.contents().items()
            for name, canary in canaries.items()
            if canary in text
        ]
        return found + [
            f"{name} is in {column}"
            for name, canary in canaries.items()
            for column in columns_holding(canary)
        ]


class _Handed(logging.Handler):
    """Keeps records as they were handed over: message, arguments, extra fields."""

    def __init__(self, records: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._records = records

    def emit(self, record: logging.LogRecord) -> None:
        # The exception is for the lines: whoever formats one must scrub it.
        self._records.append(f"{record.name} {record.getMessage()} {record.args!r}")


@contextmanager
def watched(mail_dir: Path) -> Iterator[Sinks]:
    """Watch logs at DEBUG, and the broker."""
    sinks = Sinks(mail_dir)

    def published(sender: Any = None, body: Any = None, **more: Any) -> None:
        sinks.messages.append(f"{sender} {body!r} {more!r}")

    handlers: list[logging.Handler] = [_Handed(sinks.records)]
    for json_lines in (True, False):
        written = logging.StreamHandler(sinks.lines)
        written.setFormatter(logs.formatter(json_lines=json_lines))
        handlers.append(written)
    root = logging.getLogger()
    loggers = [root, *map(logging.getLogger, _QUIET)]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    for handler in handlers:
        root.addHandler(handler)
    before_task_publish.connect(published)
    try:
        yield sinks
    finally:
        before_task_publish.disconnect(published)
        for handler in handlers:
            root.removeHandler(handler)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


class Caller:
    """A program that keeps its cookies, whose errors are watched."""

    def __init__(self, sinks: Sinks, secret: str = "") -> None:
        self._sinks = sinks
        self._client = Client(raise_request_exception=False)
        self._headers = {"Authorization": f"Bearer {secret}"} if secret else {}

    def post(self, path: str, body: Any, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        reply = self._client.post(
            path, body, "application/json", headers={**self._headers, **named}
        )
        if reply.status_code >= 400:
            self._sinks.refusals.append(f"{reply.headers} {reply.content.decode()}")
        return reply

    def delete(self, path: str) -> Any:
        return self._client.delete(path, headers=self._headers)


_COLUMNS = """
SELECT table_name, column_name, data_type FROM information_schema.columns
WHERE table_schema = 'public' AND data_type IN
    ('text', 'character varying', 'character', 'json', 'jsonb', 'bytea', 'ARRAY')
ORDER BY table_name, column_name
"""


def columns_holding(canary: str) -> list[str]:
    """Return each column of each table that has the text in some row."""
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS)
        columns = cursor.fetchall()
        found = []
        for table, column, kind in columns:
            needle, hay = "%s", f"{quote(column)}::text"
            if kind == "bytea":
                needle, hay = "convert_to(%s, 'UTF8')", quote(column)
            cursor.execute(
                f"SELECT 1 FROM {quote(table)} WHERE position({needle} in {hay}) > 0 "
                "LIMIT 1",
                [canary],
            )
            if cursor.fetchone():
                found.append(f"{table}.{column}")
    return found
