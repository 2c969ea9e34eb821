"""Receive BatchRouter's webhooks: verify the signature, ignore what came before.

Python 3.11 or later, no packages. WEBHOOK_SECRET is the text that was shown once, or
your own; while you rotate, put both in with a space between them.

    WEBHOOK_SECRET=whsec_... PORT=9000 python examples/webhook_receiver.py
"""

import base64
import hashlib
import hmac
import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable
from email.message import Message
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

Event = dict[str, Any]

TOLERANCE_SECONDS = 300
BODY_BYTES_MAX = 64 * 1024


def key_of(secret: str) -> bytes:
    """Return the bytes that sign: decoded after whsec_, else the text's own."""
    if secret.startswith("whsec_"):
        return base64.b64decode(secret.removeprefix("whsec_"))
    return secret.encode()


def is_authentic(headers: Message, body: bytes, secrets: list[str], now: float) -> bool:
    """Tell whether one of the secrets signed this body, and not long ago."""
    event_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not event_id or not (timestamp.isascii() and timestamp.isdigit()):
        return False
    if abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    signed = f"{event_id}.{timestamp}.".encode() + body
    for secret in secrets:
        mac = hmac.new(key_of(secret), signed, hashlib.sha256).digest()
        expected = b"v1," + base64.b64encode(mac)
        for signature in headers.get("webhook-signature", "").split(" "):
            if hmac.compare_digest(signature.encode(), expected):
                return True
    return False


class Inbox:
    """Remembers which events were handled, across restarts too."""

    def __init__(self, path: str) -> None:
        self.database = sqlite3.connect(path)
        self.database.execute("CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY)")

    def handle_once(self, event: Event, handle: Callable[[Event], None]) -> bool:
        """Handle an event unless it was; both or neither is kept."""
        with self.database:
            sql = "INSERT OR IGNORE INTO seen VALUES (?)"
            is_new = self.database.execute(sql, [event["id"]]).rowcount == 1
            if is_new:
                handle(event)
        return is_new


def handle(event: Event) -> None:
    """Do what your product does. Events may come out of order: see data.sequence."""
    print("event", event["id"], event["type"], json.dumps(event["data"]), flush=True)


def receiver(secrets: list[str], inbox: Inbox) -> type[BaseHTTPRequestHandler]:
    """Return the handler of an HTTP server."""

    class Receiver(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            if length > BODY_BYTES_MAX:
                self.close_connection = True
                self.answer(413)
                return
            # The very bytes that came: parsed and written anew they would differ.
            body = self.rfile.read(length)
            if not is_authentic(self.headers, body, secrets, time.time()):
                self.answer(401)
                return
            event = json.loads(body)
            if not inbox.handle_once(event, handle):
                print("duplicate", event["id"], flush=True)
            self.answer(204)

        def answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep the output to the events."""

    return Receiver


def main() -> None:
    """Listen until interrupted."""
    secrets = os.environ.get("WEBHOOK_SECRET", "").split()
    if not secrets:
        sys.exit("Set WEBHOOK_SECRET to the secret of your webhook.")
    inbox = Inbox(os.environ.get("INBOX", "webhooks.sqlite3"))
    address = ("127.0.0.1", int(os.environ.get("PORT", "9000")))
    server = HTTPServer(address, receiver(secrets, inbox))
    print(f"listening http://127.0.0.1:{server.server_address[1]}/", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
