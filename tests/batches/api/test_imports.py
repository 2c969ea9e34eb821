"""/v1/imports."""

from io import BytesIO
from typing import Any

import pytest

from batches.models import Import, StoredFile
from batches.services.importing import run_imports
from batchrouter.kit import clock
from tests.batches.conftest import Customer
from tests.batches.imports.files import lines, message_line, response_line
from tests.support.api_client import error_of

Json = dict[str, Any]
IMPORTS = "/v1/imports"


def uploaded(customer: Customer, data: bytes, purpose: str = "import") -> Json:
    form = BytesIO(data)
    form.name = "past.jsonl"
    response = customer.api.send_form("/v1/files", {"file": form, "purpose": purpose})
    found: Json = response.json()
    return found


def posted(customer: Customer, data: bytes, **fields: Any) -> Any:
    file_id = uploaded(customer, data)["id"]
    body = {"provider": "openai", "file_id": file_id, **fields}
    return customer.api.post(IMPORTS, body)


def test_a_file_is_uploaded_imported_and_told(owner: Customer) -> None:
    file = uploaded(owner, lines([response_line(1)]))
    assert file["purpose"] == "import"

    made = owner.api.post(IMPORTS, {"provider": "openai", "file_id": file["id"]})

    assert made.status_code == 202
    body = made.json()
    assert body["id"].startswith("imp_")
    assert (body["state"], body["kind"]) == ("queued", "openai_batch_output")
    assert body["progress"]["percent"] == 0.0
    run_imports(budget_seconds=60, now=clock.now())
    told = owner.api.get(f"{IMPORTS}/{body['id']}").json()
    assert told["state"] == "completed"
    assert told["cost"] == {"amount": "0.0006", "currency": "usd"}
    assert owner.api.get(f"/v1/files/{file['id']}").status_code == 404


def test_the_same_file_again_is_the_same_import(owner: Customer) -> None:
    first = posted(owner, lines([response_line(1)])).json()

    again = posted(owner, lines([response_line(1)]))

    assert again.status_code == 200
    assert again.json()["id"] == first["id"]
    assert Import.objects.count() == 1


def test_a_key_of_idempotency_repeats_the_reply(owner: Customer) -> None:
    file_id = uploaded(owner, lines([response_line(1)]))["id"]
    body = {"provider": "openai", "file_id": file_id}

    first = owner.api.post(IMPORTS, body, idempotency_key="k")
    again = owner.api.post(IMPORTS, body, idempotency_key="k")

    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()


def test_imports_are_listed_by_provider(owner: Customer, stranger: Customer) -> None:
    first = posted(owner, lines([response_line(1)])).json()
    posted(owner, lines([message_line(1)]), provider="anthropic")

    found = owner.api.get(f"{IMPORTS}?provider=openai").json()["data"]

    assert [each["id"] for each in found] == [first["id"]]
    assert len(owner.api.get(IMPORTS).json()["data"]) == 2
    assert stranger.api.get(IMPORTS).json()["data"] == []
    assert error_of(owner.api.get(f"{IMPORTS}?provider=acme"))[0] == 400


def test_another_orgs_file_and_import_are_not_found(
    owner: Customer, stranger: Customer
) -> None:
    file_id = uploaded(owner, lines([response_line(1)]))["id"]
    made = owner.api.post(IMPORTS, {"provider": "openai", "file_id": file_id}).json()

    taken = stranger.api.post(IMPORTS, {"provider": "openai", "file_id": file_id})

    assert error_of(taken) == (400, "invalid_request")
    assert stranger.api.get(f"{IMPORTS}/{made['id']}").status_code == 404
    assert Import.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"provider": "acme"}, "provider"),
        ({"provider": None}, "provider"),
        ({"file_id": "file_none"}, "file_id"),
        ({"file_id": ["x"]}, "file_id"),
        ({"file_id": "x" * 5000}, "file_id"),
        ({"window": "October"}, "window"),
        ({"window": {"from": "2026-10-31", "to": "x"}}, "window.to"),
        ({"more": 1}, "more"),
    ],
)
def test_a_bad_field_is_named(owner: Customer, fields: Json, param: str) -> None:
    response = posted(owner, lines([response_line(1)]), **fields)

    assert response.status_code == 400
    assert response.json()["error"]["param"] == param
    assert not Import.objects.exists()


def test_a_file_of_the_wrong_kind_is_refused_by_what_it_looks_like(
    owner: Customer,
) -> None:
    response = posted(owner, b"Dear diary.")

    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (400, "import_file_wrong_kind")
    assert error["details"]["looks_like"] == "text"
    assert not Import.objects.exists()


def test_an_import_can_be_deleted(owner: Customer) -> None:
    made = posted(owner, lines([response_line(1)])).json()
    path = f"{IMPORTS}/{made['id']}"
    assert error_of(owner.api.delete(path)) == (409, "import_running")
    run_imports(budget_seconds=60, now=clock.now())

    gone = owner.api.delete(path)

    assert gone.json() == {"id": made["id"], "object": "import", "deleted": True}
    assert owner.api.get(path).status_code == 404


def test_an_unknown_purpose_is_refused(owner: Customer) -> None:
    body = uploaded(owner, b"{}", purpose="assistants")

    assert body["error"]["param"] == "purpose"
    assert not StoredFile.objects.exists()
