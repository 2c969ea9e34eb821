"""What leaves for Sentry when something breaks: the crash, and none of its secrets."""

import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.settings.processes import python

KEY = "ob_live_" + "c4n4ry" * 6
PASSWORD = "canary-report-8Lr3"

# No call here reaches a database. The view's exception quotes all that was sent.
CRASH = f"""
import django
django.setup()
import logging, sentry_sdk
from django.test import Client, override_settings
with override_settings(ROOT_URLCONF="tests.architecture.canary_urls"):
    reply = Client(raise_request_exception=False).post(
        "/v1/canary/crash?token=obt_usr_0123.canary-token-2",
        {{"password": "{PASSWORD}", "deep": [{{"new_password": "{PASSWORD}"}}]}},
        "application/json",
        headers={{
            "Host": "localhost",
            "Authorization": "Bearer {KEY}",
            "Cookie": "a={PASSWORD}",
        }},
    )
logging.getLogger("seeded").error("a line about %s", "{KEY}")
print(reply.status_code)
sentry_sdk.flush(10)
"""


class Sentry(ThreadingHTTPServer):
    """Takes reports and keeps them."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Door)
        self.reports: list[str] = []

    @property
    def dsn(self) -> str:
        return f"http://public@127.0.0.1:{self.server_port}/1"

    def events(self) -> list[str]:
        """Return the reports of crashes and error lines."""
        return [each for each in self.reports if '"type":"event"' in each]


class _Door(BaseHTTPRequestHandler):
    server: Sentry

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.reports.append(body.decode())
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def sentry() -> Iterator[Sentry]:
    with Sentry() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_crash_is_reported_without_any_secret(sentry: Sentry) -> None:
    done = python(CRASH, SENTRY_DSN=sentry.dsn)
    assert done.stdout == "500\n", done.stderr
    events = [json.loads(each.splitlines()[2]) for each in sentry.events()]
    crash, line = events
    assert crash["exception"]["values"][0]["type"] == "RuntimeError"
    assert line["logger"] == "seeded"
    everything = "\n".join(sentry.reports) + done.stderr
    assert [s for s in (KEY, PASSWORD, "canary-token-2") if s in everything] == []
