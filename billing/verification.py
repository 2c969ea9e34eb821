"""Check a signed receipt from its bytes alone: no database, no network, no Django."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from batchrouter.kit.hashing import canonical_json, sha256_hex
from batchrouter.kit.signing import verify

ALGORITHM = "ed25519"
# What the first receipt of a chain names as the one before.
GENESIS_SHA256 = "0" * 64

ENVELOPE_FIELDS = frozenset(
    {"receipt", "sha256", "previous_sha256", "signature", "key_id", "algorithm"}
)
# What the issuer adds to every document.
ISSUED_FIELDS = frozenset(
    {"receipt_id", "kind", "org_id", "number", "issued_at", "previous_sha256"}
)


@dataclass(frozen=True)
class Verdict:
    """Whether a receipt holds, and if not, every reason found."""

    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Tell whether nothing was wrong."""
        return not self.problems


def verify_receipt_document(doc: Any, public_keys: Mapping[str, str]) -> Verdict:
    """Check a receipt as ``receipt_json`` gives it.

    Args:
        doc: the parsed file; parse it with ``kit.strict_json``, so that no second
            reading of the same bytes is possible.
        public_keys: key id to base64 public key.
    """
    problems = _shape_problems(doc)
    if not problems:
        body = canonical_json(doc["receipt"])
        problems = [
            *_hash_problems(doc, body),
            *_signature_problems(doc, body, public_keys),
        ]
    return Verdict(tuple(problems))


def _shape_problems(doc: Any) -> list[str]:
    if not isinstance(doc, dict):
        return ["this is not a receipt: no JSON object"]
    missing = sorted(ENVELOPE_FIELDS - doc.keys())
    unsigned = sorted(doc.keys() - ENVELOPE_FIELDS)
    problems = [
        *(f"the field {name} is missing" for name in missing),
        *(f"the field {name} is not part of a receipt" for name in unsigned),
    ]
    return problems or _type_problems(doc)


def _type_problems(doc: Mapping[str, Any]) -> list[str]:
    problems = [
        f"{name} is not text"
        for name in sorted(ENVELOPE_FIELDS - {"receipt"})
        if not isinstance(doc[name], str)
    ]
    if not isinstance(doc["receipt"], dict):
        return [*problems, "receipt is not an object"]
    missing = sorted(ISSUED_FIELDS - doc["receipt"].keys())
    return [*problems, *(f"receipt.{name} is missing" for name in missing)]


def _hash_problems(doc: Mapping[str, Any], body: bytes) -> list[str]:
    problems = []
    if sha256_hex(body) != doc["sha256"]:
        problems.append("sha256 is not the hash of the receipt")
    if doc["receipt"]["previous_sha256"] != doc["previous_sha256"]:
        problems.append("previous_sha256 differs from the one that was signed")
    return problems


def _signature_problems(
    doc: Mapping[str, Any], body: bytes, public_keys: Mapping[str, str]
) -> list[str]:
    if doc["algorithm"] != ALGORITHM:
        return [f"the algorithm is not {ALGORITHM}"]
    public_key = public_keys.get(doc["key_id"])
    if public_key is None:
        return [f"the key {doc['key_id'][:64]} is not among the known keys"]
    if not verify(public_key, body, doc["signature"]):
        return ["the signature does not belong to this receipt and key"]
    return []
