"""Issuing signed, chained receipts."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from accounts.models import Org
from batchrouter.kit.hashing import canonical_json, sha256_hex
from batchrouter.kit.signing import Signer, verify
from billing.models import Receipt, ReceiptChain
from billing.receipts import issue_receipt, public_keys, receipt_json, signer
from billing.selectors import receipt_for
from tests.factories.accounts import OrgFactory
from tests.factories.billing import NOON

pytestmark = pytest.mark.django_db

DOCUMENT = {"totals": {"charged": "2.744082863"}, "scores": [0.92, 1.0], "note": "é"}


@pytest.fixture
def org() -> Org:
    return OrgFactory.create()


def _issue(org: Org, purpose: str = "batch:1", kind: str = "billing") -> Receipt:
    return issue_receipt(
        org=org, kind=kind, purpose=purpose, document=DOCUMENT, now=NOON
    )


def test_adds_what_names_the_receipt(org: Org) -> None:
    receipt = _issue(org)
    assert json.loads(receipt.body) == {
        **DOCUMENT,
        "receipt_id": receipt.public_id,
        "kind": "billing",
        "org_id": org.public_id,
        "number": 1,
        "issued_at": "2026-11-22T12:00:00.000Z",
        "previous_sha256": "0" * 64,
    }
    assert receipt.public_id.startswith("rcpt_")


def test_stores_the_canonical_bytes_and_their_hash(org: Org) -> None:
    receipt = _issue(org)
    receipt.refresh_from_db()
    body = receipt.body.encode()
    assert canonical_json(json.loads(body)) == body
    assert sha256_hex(body) == receipt.sha256


def test_signs_the_canonical_bytes(org: Org) -> None:
    receipt = _issue(org)
    key = public_keys()[0]
    assert receipt.key_id == key["key_id"]
    assert verify(key["public_key"], receipt.body.encode(), receipt.signature)


def test_chains_to_the_receipt_before(org: Org) -> None:
    first, second = _issue(org, "batch:1"), _issue(org, "batch:2")
    assert (first.number, second.number) == (1, 2)
    assert second.previous_sha256 == first.sha256
    assert ReceiptChain.objects.get(org=org).last_sha256 == second.sha256


def test_a_route_and_a_billing_receipt_share_one_chain(org: Org) -> None:
    route, billing = _issue(org, kind="route"), _issue(org, kind="billing")
    assert (route.number, billing.number) == (1, 2)
    assert billing.previous_sha256 == route.sha256


def test_organizations_have_chains_of_their_own(org: Org) -> None:
    _issue(org)
    other = _issue(OrgFactory.create(), "batch:2")
    assert (other.number, other.previous_sha256) == (1, "0" * 64)


def test_issues_one_receipt_per_kind_and_purpose(org: Org) -> None:
    first = _issue(org)
    again = issue_receipt(
        org=org,
        kind="billing",
        purpose="batch:1",
        document={"other": True},
        now=NOON + timedelta(days=1),
    )
    assert again == first
    assert again.body == first.body
    assert ReceiptChain.objects.get(org=org).last_number == 1


def test_refuses_the_purpose_of_another_organization(org: Org) -> None:
    _issue(org)
    with pytest.raises(ValueError, match="another organization"):
        _issue(OrgFactory.create())


def test_refuses_an_unknown_kind(org: Org) -> None:
    with pytest.raises(ValueError, match="gift"):
        _issue(org, kind="gift")


@pytest.mark.parametrize(
    "document",
    [
        {"number": 7},
        {"score": float("nan")},
        {"at": NOON},
        {1: "one"},
        {"big": 2**64},
        {"raw": b"x"},
    ],
)
def test_refuses_a_document_that_cannot_be_signed(
    org: Org, document: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"issuer adds|not plain JSON"):
        issue_receipt(
            org=org, kind="route", purpose="batch:1", document=document, now=NOON
        )
    assert not Receipt.objects.exists()


def test_shows_the_receipt_with_its_signature(org: Org) -> None:
    receipt = _issue(org)
    assert receipt_json(receipt) == {
        "receipt": json.loads(receipt.body),
        "sha256": receipt.sha256,
        "previous_sha256": "0" * 64,
        "signature": receipt.signature,
        "key_id": receipt.key_id,
        "algorithm": "ed25519",
    }


def test_finds_a_receipt_of_its_own_organization_only(org: Org) -> None:
    receipt = _issue(org)
    stranger = OrgFactory.create()
    assert receipt_for(org, kind="billing", purpose="batch:1") == receipt
    assert receipt_for(stranger, kind="billing", purpose="batch:1") is None


def test_signs_with_the_seed_of_the_settings(settings: Settings) -> None:
    seed = bytes(range(32))
    settings.RECEIPT_SIGNING_SEED_B64 = base64.b64encode(seed).decode()
    assert signer().key_id == Signer.from_seed(seed).key_id


def test_the_development_key_depends_on_the_secret_key(
    settings: Settings,
) -> None:
    settings.RECEIPT_SIGNING_SEED_B64 = ""
    settings.SECRET_KEY = "one"
    first = signer().key_id
    settings.SECRET_KEY = "two"
    assert signer().key_id != first


@pytest.mark.parametrize("seed", ["short", "AAAA"])
def test_refuses_a_seed_of_another_length(settings: Settings, seed: str) -> None:
    settings.RECEIPT_SIGNING_SEED_B64 = seed
    with pytest.raises(ValueError, match=r"."):
        signer()
