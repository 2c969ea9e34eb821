"""Signed receipts and what checking them says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from batches.models import Batch
from batchrouter.kit import strict_json
from batchrouter.kit.money import parse_usd
from billing.models import Receipt
from billing.models.receipt import ReceiptKind
from billing.receipts import public_keys, receipt_json
from billing.verification import Verdict, verify_receipt_document

_PATHS = {
    "route": "route-receipt",
    "billing": "billing-receipt",
    "deletion": "deletion-note",
}


def receipt_url(batch: Batch, kind: str) -> str:
    """Return where the API has a batch's receipt of a kind."""
    return f"/v1/batches/{batch.public_id}/{_PATHS[kind]}"


def released_nanousd(receipts: Sequence[Receipt]) -> int | None:
    """Return what came back of a reservation, as the billing receipt tells it."""
    for receipt in receipts:
        if receipt.kind == ReceiptKind.BILLING:
            return parse_usd(receipt_json(receipt)["receipt"]["released"])
    return None


@dataclass(frozen=True, slots=True)
class ReceiptCard:
    """A receipt with the result of checking its hash and signature."""

    kind: str
    public_id: str
    number: int
    sha256: str
    previous_sha256: str
    key_id: str
    issued_at: datetime
    url: str
    problems: tuple[str, ...]


def receipt_card(receipt: Receipt, *, url: str) -> ReceiptCard:
    """Show a receipt, freshly checked as a stranger would check its file."""
    return ReceiptCard(
        kind=receipt.kind,
        public_id=receipt.public_id,
        number=receipt.number,
        sha256=receipt.sha256,
        previous_sha256=receipt.previous_sha256,
        key_id=receipt.key_id,
        issued_at=receipt.created_at,
        url=url,
        problems=_check(receipt_json(receipt)).problems,
    )


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict on a document from outside; ``facts`` only where it is genuine."""

    problems: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]

    @property
    def is_genuine(self) -> bool:
        """Tell whether nothing was wrong."""
        return not self.problems


def examine(document: bytes) -> Finding:
    """Check a receipt from its bytes alone, with this server's public keys."""
    try:
        doc = strict_json.loads(document)
    except strict_json.StrictJsonError as error:
        return Finding((f"this is not one whole JSON document: {error.message}",), ())
    verdict = _check(doc)
    return Finding(verdict.problems, _facts(doc) if verdict.ok else ())


def _check(doc: Any) -> Verdict:
    keys = {key["key_id"]: key["public_key"] for key in public_keys()}
    return verify_receipt_document(doc, keys)


def _facts(doc: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    receipt = doc["receipt"]
    named = (
        ("Kind", f"{receipt['kind']} receipt"),
        ("Receipt", receipt["receipt_id"]),
        ("Number", receipt["number"]),
        ("Organization", receipt["org_id"]),
        ("Batch", receipt.get("batch_id")),
        ("Charged", _usd(receipt.get("charged"))),
        ("Issued", receipt["issued_at"]),
        ("SHA-256", doc["sha256"]),
        ("Previous", doc["previous_sha256"]),
        ("Signed by", doc["key_id"]),
    )
    return tuple((name, str(value)) for name, value in named if value is not None)


def _usd(amount: Any) -> str | None:
    return None if amount is None else f"{amount} USD"
