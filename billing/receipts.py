"""Freeze a document, sign it, and chain it to the organization's one before.

The signature covers the canonical JSON of the whole document, which carries the hash
of the document before, so no receipt can be changed, dropped or slipped in unseen.
"""

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypedDict

from django.conf import settings
from django.db import transaction

from accounts.models import Org
from batchrouter.kit import clock, strict_json
from batchrouter.kit.hashing import canonical_json, sha256_hex
from batchrouter.kit.signing import Signer
from billing.models import Receipt, ReceiptChain, ReceiptKind
from billing.models.receipt import new_receipt_id
from billing.verification import ALGORITHM, GENESIS_SHA256, ISSUED_FIELDS

_DEVELOPMENT_DOMAIN = b"batchrouter receipt signing seed v1\x00"


class SignedReceipt(TypedDict):
    """A receipt as the API gives it and as ``verify_receipt`` reads it."""

    receipt: dict[str, Any]
    sha256: str
    previous_sha256: str
    signature: str
    key_id: str
    algorithm: str


class PublicKey(TypedDict):
    """A key that receipts are signed with."""

    key_id: str
    algorithm: str
    public_key: str


def signer() -> Signer:
    """Return the server's signing key.

    Without ``RECEIPT_SIGNING_SEED_B64``, as in development, it is derived from
    ``SECRET_KEY``.

    Raises:
        ValueError: the seed is not 32 bytes in base64.
    """
    if settings.RECEIPT_SIGNING_SEED_B64:
        seed = base64.b64decode(settings.RECEIPT_SIGNING_SEED_B64, validate=True)
    else:
        secret = settings.SECRET_KEY.encode()
        seed = hashlib.sha256(_DEVELOPMENT_DOMAIN + secret).digest()
    return Signer.from_seed(seed)


def public_keys() -> list[PublicKey]:
    """Return the keys to check receipts with."""
    own = signer()
    return [
        {
            "key_id": own.key_id,
            "algorithm": ALGORITHM,
            "public_key": own.public_key_b64,
        }
    ]


@transaction.atomic
def issue_receipt(
    *,
    org: Org,
    kind: str,
    purpose: str,
    document: Mapping[str, Any],
    now: datetime,
) -> Receipt:
    """Sign a document as the organization's next receipt, once per kind and purpose.

    Asked again, it returns the first receipt: a receipt never changes.

    Args:
        org: whose chain it joins.
        kind: ``route`` or ``billing``.
        purpose: what it is about, such as ``batch:batch_01…``.
        document: plain JSON; money as decimal strings.
        now: the present instant.

    Raises:
        ValueError: the kind is unknown, the document is not plain JSON, or it holds a
            field that the issuer adds.
    """
    kind = ReceiptKind(kind).value
    clash = ISSUED_FIELDS & document.keys()
    if clash:
        raise ValueError(f"the issuer adds {', '.join(sorted(clash))}")
    chain = _lock_chain(org)
    issued = Receipt.objects.filter(kind=kind, purpose=purpose).first()
    if issued is not None:
        return _of_org(issued, org)
    receipt = Receipt(
        public_id=new_receipt_id(),
        org=org,
        kind=kind,
        purpose=purpose,
        number=chain.last_number + 1,
        previous_sha256=chain.last_sha256,
        created_at=now,
    )
    _sign(receipt, document)
    receipt.save(force_insert=True)
    chain.last_number, chain.last_sha256 = receipt.number, receipt.sha256
    chain.save(update_fields=["last_number", "last_sha256"])
    return receipt


def receipt_json(receipt: Receipt) -> SignedReceipt:
    """Return a receipt with its signature, for the API and for files."""
    return {
        "receipt": strict_json.loads(receipt.body.encode()),
        "sha256": receipt.sha256,
        "previous_sha256": receipt.previous_sha256,
        "signature": receipt.signature,
        "key_id": receipt.key_id,
        "algorithm": ALGORITHM,
    }


def _lock_chain(org: Org) -> ReceiptChain:
    ReceiptChain.objects.bulk_create(
        [ReceiptChain(org=org, last_number=0, last_sha256=GENESIS_SHA256)],
        ignore_conflicts=True,
    )
    return ReceiptChain.objects.select_for_update(no_key=True).get(org=org)


def _of_org(issued: Receipt, org: Org) -> Receipt:
    if issued.org_id != org.pk:
        raise ValueError(f"{issued.purpose} has a receipt of another organization")
    return issued


def _sign(receipt: Receipt, document: Mapping[str, Any]) -> None:
    body = _frozen(
        {
            **document,
            "receipt_id": receipt.public_id,
            "kind": receipt.kind,
            "org_id": receipt.org.public_id,
            "number": receipt.number,
            "issued_at": clock.iso(receipt.created_at),
            "previous_sha256": receipt.previous_sha256,
        }
    )
    own = signer()
    receipt.body = body.decode()
    receipt.sha256 = sha256_hex(body)
    receipt.signature = own.sign(body)
    receipt.key_id = own.key_id


def _frozen(document: dict[str, Any]) -> bytes:
    """Return the bytes to sign, sure that reading them gives the same document.

    Raises:
        ValueError: it holds what JSON cannot carry, such as NaN or a date.
    """
    try:
        body = canonical_json(document)
    except TypeError as error:
        raise ValueError(f"the document is not plain JSON: {error}") from error
    if strict_json.loads(body) != document:
        raise ValueError("the document is not plain JSON")
    return body
