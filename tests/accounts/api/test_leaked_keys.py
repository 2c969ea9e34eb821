"""POST /v1/auth/secret-scanning/github, with real signatures and a real key list."""

import base64
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.cache import cache
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.keys import make_secret, revoke_key
from accounts.leaked_keys import BODY_BYTES_MAX, TOKENS_MAX
from accounts.models import ApiKey, Role
from batchrouter.kit import clock
from batchrouter.mail.models import Letter
from tests.accounts.api.people import member
from tests.factories.accounts import OrgFactory, make_key
from tests.support.api_client import error_of

pytestmark = pytest.mark.django_db

REPORT = "/v1/auth/secret-scanning/github"
WHERE = "https://github.com/octocat/hello/blob/1/settings.py"


class Scanner:
    """Somebody who finds keys, signs what was found, and publishes the public key."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.key_id = "key-1"
        self.asked = 0
        self.status = 200
        self.raw: bytes | None = None
        scanner = self

        class Keys(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                scanner.asked += 1
                body = scanner.key_list()
                self.send_response(scanner.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Keys)
        self.url = f"http://127.0.0.1:{self.server.server_port}/keys"

    def key_list(self) -> bytes:
        if self.raw is not None:
            return self.raw
        pem = self.key.public_key().public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        )
        listed = {
            "key_identifier": self.key_id,
            "key": pem.decode(),
            "is_current": True,
        }
        return orjson.dumps({"public_keys": [listed]})

    def sign(self, body: bytes) -> str:
        return base64.b64encode(self.key.sign(body, ec.ECDSA(SHA256()))).decode()

    def report(self, findings: Any, **headers: str) -> Any:
        return self.send(orjson.dumps(findings), **headers)

    def send(self, body: bytes, **headers: str) -> Any:
        sent = {"signature": self.sign(body), "identifier": self.key_id} | headers
        return Client(raise_request_exception=False).post(
            REPORT,
            body,
            content_type="application/json",
            headers={f"Github-Public-Key-{name}": text for name, text in sent.items()},
        )


@pytest.fixture
def scanner(settings: Settings) -> Iterator[Scanner]:
    made = Scanner()
    settings.SECRET_SCANNING_KEYS_URL = made.url
    cache.clear()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()
    cache.clear()


def finding(token: str, **more: Any) -> dict[str, Any]:
    return {"token": token, "type": "batchrouter_api_key", "url": WHERE, **more}


def nothing_changed() -> bool:
    ended = ApiKey.objects.exclude(revoked_at=None).exists()
    return not ended and not Letter.objects.exists()


def test_a_key_that_was_found_is_revoked_at_once(scanner: Scanner) -> None:
    made = make_key(OrgFactory.create())
    reply = scanner.report([finding(made.secret, source="content")])
    assert reply.status_code == 200
    assert reply.json() == [
        {
            "token_hash": hashlib.sha256(made.secret.encode()).hexdigest(),
            "token_type": "batchrouter_api_key",
            "label": "true_positive",
        }
    ]
    made.row.refresh_from_db()
    assert made.row.revoked_at is not None


def test_owners_and_admins_are_told_where(scanner: Scanner) -> None:
    owner = member()
    admin = member(org=owner.org, role=Role.ADMIN)
    member(org=owner.org, role=Role.MEMBER)
    member(org=owner.org, user__is_active=False)
    member()
    made = make_key(owner.org)
    scanner.report([finding(made.secret)])
    letters = Letter.objects.order_by("pk")
    assert [letter.to for letter in letters] == [owner.user.email, admin.user.email]
    assert {letter.kind for letter in letters} == {"key_revoked"}
    facts = {"key": made.row.public_id, "where": WHERE}
    assert [letter.facts for letter in letters] == [facts, facts]


def test_each_token_gets_its_verdict_in_order(scanner: Scanner) -> None:
    org = OrgFactory.create()
    live, ended, untouched = make_key(org), make_key(org), make_key(org)
    revoke_key(ended.row, now=clock.now())
    tokens = [
        make_secret(is_test=False),
        live.secret,
        "ob_live_mistyped",
        ended.secret,
        live.secret,
        "",
    ]
    reply = scanner.report([finding(token) for token in tokens])
    assert [row["label"] for row in reply.json()] == [
        "false_positive",
        "true_positive",
        "false_positive",
        "true_positive",
        "true_positive",
        "false_positive",
    ]
    untouched.row.refresh_from_db()
    assert untouched.row.revoked_at is None


def test_the_answer_repeats_no_token(scanner: Scanner) -> None:
    made, other = make_key(OrgFactory.create()), make_secret(is_test=True)
    reply = scanner.report([finding(made.secret), finding(other)])
    assert made.secret not in reply.content.decode()
    assert other not in reply.content.decode()


def test_the_same_report_again_changes_and_mails_nothing(scanner: Scanner) -> None:
    owner = member()
    made = make_key(owner.org)
    scanner.report([finding(made.secret)])
    revoked_at = ApiKey.objects.get().revoked_at
    assert scanner.report([finding(made.secret)]).status_code == 200
    assert ApiKey.objects.get().revoked_at == revoked_at
    assert Letter.objects.count() == 1


def test_a_long_or_odd_place_is_kept_short_and_as_text(scanner: Scanner) -> None:
    owner = member()
    long, odd = make_key(owner.org), make_key(owner.org)
    scanner.report(
        [finding(long.secret, url="x" * 9999), finding(odd.secret, url=["x"])]
    )
    wheres = [letter.facts["where"] for letter in Letter.objects.order_by("pk")]
    assert wheres == ["x" * 500, ""]


# --- Forged ---


def test_another_body_than_the_signed_one_is_refused(scanner: Scanner) -> None:
    made = make_key(member().org)
    signature = scanner.sign(b"[]")
    reply = scanner.report([finding(made.secret)], signature=signature)
    assert error_of(reply) == (401, "invalid_signature")
    assert nothing_changed()


def test_the_signature_of_another_key_is_refused(scanner: Scanner) -> None:
    made = make_key(member().org)
    body = orjson.dumps([finding(made.secret)])
    reply = scanner.send(body, signature=Scanner().sign(body))
    assert error_of(reply) == (401, "invalid_signature")
    assert nothing_changed()


@pytest.mark.parametrize("signature", ["", "x", "====", "AAAA", "é"])
def test_what_is_no_signature_is_refused(scanner: Scanner, signature: str) -> None:
    made = make_key(member().org)
    reply = scanner.report([finding(made.secret)], signature=signature)
    assert error_of(reply) == (401, "invalid_signature")
    assert nothing_changed()


def test_without_headers_it_is_refused(scanner: Scanner) -> None:
    made = make_key(member().org)
    reply = Client().post(
        REPORT, orjson.dumps([finding(made.secret)]), "application/json"
    )
    assert error_of(reply) == (401, "invalid_signature")
    assert nothing_changed()


def test_a_key_on_another_curve_is_refused(scanner: Scanner) -> None:
    made = make_key(member().org)
    scanner.key = ec.generate_private_key(ec.SECP384R1())
    reply = scanner.report([finding(made.secret)])
    assert error_of(reply) == (401, "invalid_signature")
    assert nothing_changed()


# --- The scanner's keys ---


def test_the_key_list_is_asked_for_once(scanner: Scanner) -> None:
    for _ in range(3):
        assert scanner.report([]).status_code == 200
    assert scanner.asked == 1


def test_an_unknown_key_asks_again_at_most_once_a_minute(scanner: Scanner) -> None:
    assert scanner.report([]).status_code == 200
    for number in range(3):
        reply = scanner.report([], identifier=f"unknown-{number}")
        assert error_of(reply) == (401, "invalid_signature")
    assert scanner.asked == 1
    scanner.key_id = "key-2"
    cache.delete(f"accounts.scanner_keys.fetched:{scanner.url}")
    assert scanner.report([]).status_code == 200
    assert scanner.asked == 2


@pytest.mark.parametrize(
    ("status", "raw"),
    [
        (500, None),
        (302, None),
        (200, b"no JSON"),
        (200, b"[]"),
        (200, b'{"public_keys": 1}'),
        (200, b'{"public_keys": [1]}'),
        (200, b"[" * 300_000),
    ],
    ids=["500", "302", "text", "list", "number", "numbers", "huge"],
)
def test_without_a_key_list_nothing_is_decided(
    scanner: Scanner, status: int, raw: bytes | None
) -> None:
    made = make_key(member().org)
    scanner.status, scanner.raw = status, raw
    for _ in range(2):
        reply = scanner.report([finding(made.secret)])
        assert error_of(reply) == (503, "scanner_keys_unavailable")
    assert scanner.asked == 1
    assert nothing_changed()


# --- Odd reports ---


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'"x"',
        b"[1]",
        b"[{}]",
        b'[{"token": 1}]',
        b'[{"token": null}]',
        b"\xff",
        b"[" * 5000,
    ],
    ids=["empty", "object", "text", "number", "bare", "int", "null", "utf8", "deep"],
)
def test_a_signed_report_of_another_form_is_refused(
    scanner: Scanner, body: bytes
) -> None:
    assert error_of(scanner.send(body)) == (400, "invalid_request")


def test_a_report_names_at_most_a_thousand_tokens(scanner: Scanner) -> None:
    made = make_key(member().org)
    many = [finding(made.secret)] * (TOKENS_MAX + 1)
    assert error_of(scanner.report(many)) == (400, "invalid_request")
    assert nothing_changed()
    assert scanner.report(many[:-1]).status_code == 200


def test_a_report_holds_at_most_a_mebibyte(scanner: Scanner) -> None:
    body = b"[]" + b" " * (BODY_BYTES_MAX - 2)
    assert scanner.send(body).status_code == 200
    assert error_of(scanner.send(body + b" ")) == (413, "request_too_large")
