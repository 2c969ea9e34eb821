"""Checking a receipt on its page."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from batches.models import Batch

PATH = "/receipts/verify"
GENUINE = "Genuine: signed here, and not changed since"
FORGED = "Not valid: do not rely on it"


@pytest.fixture
def receipt(owner: Client, batch: Batch) -> str:
    path = f"/v1/batches/{batch.public_id}/billing-receipt"
    return str(owner.get(path).content.decode())


def check(**form: object) -> tuple[int, str]:
    reply = Client().post(PATH, form)
    return reply.status_code, reply.content.decode()


def test_a_pasted_receipt_is_genuine(receipt: str, batch: Batch) -> None:
    status, body = check(text=receipt)
    assert (status, GENUINE in body) == (200, True)
    assert batch.public_id in body
    assert "0.00004236 USD" in body


def test_an_uploaded_receipt_is_genuine(receipt: str) -> None:
    file = SimpleUploadedFile("receipt.json", receipt.encode())
    status, body = check(file=file)
    assert (status, GENUINE in body) == (200, True)


def test_one_changed_digit_is_found(receipt: str) -> None:
    status, body = check(text=receipt.replace('"0.00004236"', '"0.00004235"'))
    assert (status, FORGED in body) == (200, True)
    assert GENUINE not in body
    assert "sha256 is not the hash of the receipt" in body


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "this is not one whole JSON document"),
        ("[]", "this is not a receipt"),
        ('{"receipt": {}}', "the field signature is missing"),
        ('{"a": 1, "a": 2}', "this is not one whole JSON document"),
    ],
)
@pytest.mark.django_db
def test_what_is_no_receipt_is_told_so(text: str, problem: str) -> None:
    status, body = check(text=text)
    assert (status, FORGED in body, problem in body) == (200, True, True)


@pytest.mark.django_db
def test_what_a_receipt_names_is_text_and_nothing_else() -> None:
    body = check(text='{"<script>x</script>": 1}')[1]
    assert "<script>x" not in body
    assert "&lt;script&gt;x" in body


@pytest.mark.django_db
def test_nothing_at_all_is_asked_for_again() -> None:
    status, body = check(text="  ")
    assert (status, "one of the two" in body) == (400, True)


@pytest.mark.django_db
def test_both_at_once_are_asked_for_again(receipt: str) -> None:
    file = SimpleUploadedFile("receipt.json", receipt.encode())
    assert check(text=receipt, file=file)[0] == 400


@pytest.mark.django_db
def test_a_file_that_is_too_large_is_refused_kindly() -> None:
    file = SimpleUploadedFile("receipt.json", b" " * (4 * 1024 * 1024 + 1))
    status, body = check(file=file)
    assert (status, "more than 4 MB" in body) == (413, True)


@pytest.mark.django_db
def test_a_huge_body_is_refused_before_it_is_read() -> None:
    reply = Client().generic("POST", PATH, b"x", CONTENT_LENGTH=str(10**9))
    assert reply.status_code == 413


@pytest.mark.django_db
def test_forms_of_other_sites_are_refused() -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post(PATH, {"text": "{}"}).status_code == 403
