"""Checking a receipt from its bytes alone, as a function and as a command."""

import copy
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from batchrouter.kit.hashing import canonical_json, sha256_hex
from batchrouter.kit.signing import Signer
from billing.receipts import public_keys, signer
from billing.verification import GENESIS_SHA256, verify_receipt_document

KEYS = {key["key_id"]: key["public_key"] for key in public_keys()}


def signed(own: Signer) -> dict[str, Any]:
    receipt = {
        "receipt_id": "rcpt_1",
        "kind": "billing",
        "org_id": "org_1",
        "number": 1,
        "issued_at": "2026-11-22T12:00:00.000Z",
        "previous_sha256": GENESIS_SHA256,
        "totals": {"charged": "2.744082863", "score": 0.1},
    }
    body = canonical_json(receipt)
    return {
        "receipt": receipt,
        "sha256": sha256_hex(body),
        "previous_sha256": GENESIS_SHA256,
        "signature": own.sign(body),
        "key_id": own.key_id,
        "algorithm": "ed25519",
    }


@pytest.fixture
def doc() -> dict[str, Any]:
    return signed(signer())


def problems(doc: Any) -> tuple[str, ...]:
    return verify_receipt_document(doc, KEYS).problems


def test_a_receipt_as_issued_is_valid(doc: dict[str, Any]) -> None:
    verdict = verify_receipt_document(doc, KEYS)
    assert verdict.ok
    assert verdict.problems == ()


def test_the_order_of_keys_does_not_matter(doc: dict[str, Any]) -> None:
    doc["receipt"] = dict(reversed(doc["receipt"].items()))
    assert problems(doc) == ()


def test_a_changed_amount_is_found(doc: dict[str, Any]) -> None:
    doc["receipt"]["totals"]["charged"] = "0.744082863"
    assert problems(doc) == (
        "sha256 is not the hash of the receipt",
        "the signature does not belong to this receipt and key",
    )


def test_a_changed_amount_with_its_hash_renewed_is_found(doc: dict[str, Any]) -> None:
    doc["receipt"]["totals"]["charged"] = "0.744082863"
    doc["sha256"] = sha256_hex(canonical_json(doc["receipt"]))
    assert problems(doc) == ("the signature does not belong to this receipt and key",)


def test_an_added_field_is_found(doc: dict[str, Any]) -> None:
    doc["receipt"]["extra"] = 1
    assert not verify_receipt_document(doc, KEYS).ok


def test_another_chain_is_found(doc: dict[str, Any]) -> None:
    doc["previous_sha256"] = "1" * 64
    assert problems(doc) == ("previous_sha256 differs from the one that was signed",)


def test_a_receipt_of_somebody_elses_key_is_found() -> None:
    stranger = Signer.from_seed(bytes(32))
    assert problems(signed(stranger)) == (
        f"the key {stranger.key_id} is not among the known keys",
    )


def test_somebody_elses_signature_under_our_key_id_is_found(
    doc: dict[str, Any],
) -> None:
    doc["signature"] = signed(Signer.from_seed(bytes(32)))["signature"]
    assert problems(doc) == ("the signature does not belong to this receipt and key",)


@pytest.mark.parametrize("signature", ["", "!", "AAAA", "é"])
def test_a_signature_that_is_none_is_found(doc: dict[str, Any], signature: str) -> None:
    doc["signature"] = signature
    assert problems(doc) == ("the signature does not belong to this receipt and key",)


def test_another_algorithm_is_refused(doc: dict[str, Any]) -> None:
    doc["algorithm"] = "none"
    assert problems(doc) == ("the algorithm is not ed25519",)


@pytest.mark.parametrize("doc", [None, [], "receipt", 1])
def test_what_is_no_object_is_refused(doc: Any) -> None:
    assert problems(doc) == ("this is not a receipt: no JSON object",)


@pytest.mark.parametrize(
    "field", ["receipt", "sha256", "previous_sha256", "signature", "key_id"]
)
def test_a_missing_field_is_named(doc: dict[str, Any], field: str) -> None:
    del doc[field]
    assert problems(doc) == (f"the field {field} is missing",)


def test_a_field_beside_the_receipt_is_named(doc: dict[str, Any]) -> None:
    doc["note"] = "paid"
    assert problems(doc) == ("the field note is not part of a receipt",)


@pytest.mark.parametrize("field", ["sha256", "signature", "key_id", "algorithm"])
def test_a_field_that_is_no_text_is_named(doc: dict[str, Any], field: str) -> None:
    doc[field] = 1
    assert problems(doc) == (f"{field} is not text",)


def test_a_receipt_that_is_no_object_is_named(doc: dict[str, Any]) -> None:
    doc["receipt"] = []
    assert problems(doc) == ("receipt is not an object",)


def test_a_receipt_without_its_number_is_named(doc: dict[str, Any]) -> None:
    del doc["receipt"]["number"]
    assert problems(doc) == ("receipt.number is missing",)


def test_every_changed_leaf_is_found(doc: dict[str, Any]) -> None:
    for name in doc["receipt"]:
        changed = copy.deepcopy(doc)
        changed["receipt"][name] = "changed"
        assert not verify_receipt_document(changed, KEYS).ok, name


def _run(*args: Any) -> str:
    out = StringIO()
    call_command("verify_receipt", *args, stdout=out)
    return out.getvalue()


def _write(path: Path, document: Any) -> Path:
    path.write_text(json.dumps(document))
    return path


def test_the_command_says_what_it_found(tmp_path: Path, doc: dict[str, Any]) -> None:
    said = _run(_write(tmp_path / "receipt.json", doc))
    assert said.startswith("VALID: billing receipt rcpt_1, number 1 of org_1")
    assert doc["sha256"] in said
    assert doc["key_id"] in said


def test_the_command_takes_published_keys(tmp_path: Path) -> None:
    other = Signer.from_seed(bytes(32))
    keys = [{"key_id": other.key_id, "public_key": other.public_key_b64}]
    keys_file = _write(tmp_path / "keys.json", {"keys": keys})
    receipt = _write(tmp_path / "receipt.json", signed(other))
    assert _run(receipt, "--keys", keys_file).startswith("VALID")


def test_the_command_fails_on_a_changed_receipt(
    tmp_path: Path, doc: dict[str, Any]
) -> None:
    doc["receipt"]["number"] = 2
    with pytest.raises(CommandError, match="sha256 is not the hash") as refusal:
        _run(_write(tmp_path / "receipt.json", doc))
    assert refusal.value.returncode == 1
    assert str(refusal.value).startswith("NOT VALID")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"receipt": {}, "receipt": {}}', "stands twice"),
        ('{"receipt": {"number": NaN}}', "not valid JSON"),
        ('{"receipt": 1e400}', "number"),
        ("not json", "not valid JSON"),
        ("", "not valid JSON"),
    ],
)
def test_the_command_refuses_json_that_reads_in_two_ways(
    tmp_path: Path, text: str, reason: str
) -> None:
    path = tmp_path / "receipt.json"
    path.write_text(text)
    with pytest.raises(CommandError, match=reason):
        _run(path)


def test_the_command_names_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot read"):
        _run(tmp_path / "none.json")


@pytest.mark.parametrize("keys", [[], {}, {"keys": [{"key_id": "x"}]}, {"keys": 1}])
def test_the_command_refuses_a_keys_file_of_another_form(
    tmp_path: Path, doc: dict[str, Any], keys: Any
) -> None:
    receipt = _write(tmp_path / "receipt.json", doc)
    with pytest.raises(CommandError, match="no list of keys"):
        _run(receipt, "--keys", _write(tmp_path / "keys.json", keys))
