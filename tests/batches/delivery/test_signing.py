"""The headers of a delivery, as the library and an original client read them."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from batches.delivery.secrets import (
    WebhookSecretRefused,
    key_of,
    new_secret,
    seal,
    unseal,
)
from batches.delivery.signing import headers_of

BODY = b'{"id":"evt_1","type":"batch.completed"}'
PLAIN = "a plain secret of ours".replace(" ", "-") + "-24"


def signed(*secrets: str, at: datetime | None = None) -> dict[str, str]:
    timestamp = int((at or datetime.now(UTC)).timestamp())  # the library's
    return dict(headers_of("evt_1", BODY, secrets, timestamp=timestamp))


def test_a_secret_of_ours_is_32_random_bytes_and_seals() -> None:
    secret = new_secret()

    assert secret.startswith("whsec_")
    assert len(key_of(secret)) == 32
    assert secret != new_secret()
    assert secret not in seal(secret)
    assert unseal(seal(secret)) == secret


def test_the_official_library_verifies_it() -> None:
    secret = new_secret()

    assert Webhook(secret).verify(BODY, signed(secret)) == {
        "id": "evt_1",
        "type": "batch.completed",
    }


def test_the_official_library_verifies_a_plain_secret_by_its_bytes() -> None:
    assert Webhook(PLAIN.encode()).verify(BODY, signed(PLAIN))


def test_after_a_rotation_either_secret_verifies_it() -> None:
    new, old = new_secret(), new_secret()
    headers = signed(new, old)

    assert Webhook(new).verify(BODY, headers)
    assert Webhook(old).verify(BODY, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(BODY, headers)


def test_a_changed_body_or_another_id_is_refused() -> None:
    secret = new_secret()
    headers = signed(secret)

    for body, changed in (
        (BODY + b" ", headers),
        (BODY, {**headers, "webhook-id": "evt_2"}),
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, changed)


def test_a_signature_older_than_five_minutes_is_refused() -> None:
    secret = new_secret()
    at = datetime.now(UTC) - timedelta(seconds=301)  # the library's

    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY, signed(secret, at=at))


@pytest.mark.parametrize("secret", [new_secret(), PLAIN], ids=["made", "given"])
def test_the_originals_header_is_the_bodys_hmac_with_the_secrets_own_text(
    secret: str,
) -> None:
    expected = hmac.new(secret.encode(), BODY, hashlib.sha256).hexdigest()

    assert signed(secret)["X-BatchRouter-Signature"] == expected


def test_the_earlier_secret_signs_the_original_way_under_a_name_of_its_own() -> None:
    new, old = new_secret(), new_secret()
    headers = signed(new, old)

    for name, secret in (
        ("X-BatchRouter-Signature", new),
        ("X-BatchRouter-Signature-Previous", old),
    ):
        mac = hmac.new(secret.encode(), BODY, hashlib.sha256).hexdigest()
        assert headers[name] == mac


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "s" * 23,
        "s" * 65,
        "with a space in the middle of it",
        "é" * 24,
        "whsec_",
        "whsec_" + "QUJD" * 7,
        "whsec_" + "QUJD" * 22,
        "whsec_not*base64*not*base64*not*base64",
        "s" * 24 + "\n",
    ],
)
def test_a_secret_of_the_wrong_size_or_alphabet_is_refused(secret: str) -> None:
    with pytest.raises(WebhookSecretRefused):
        key_of(secret)


@pytest.mark.parametrize(
    ("secret", "key_bytes"),
    [
        ("s" * 24, 24),
        ("s" * 64, 64),
        ("whsec_" + "QUJD" * 8, 24),
        ("whsec_" + "QUJD" * 21 + "QQ==", 64),
    ],
)
def test_the_smallest_and_the_largest_secret_are_taken(
    secret: str, key_bytes: int
) -> None:
    assert len(key_of(secret)) == key_bytes
