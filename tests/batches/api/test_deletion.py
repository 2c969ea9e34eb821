"""DELETE /v1/batches/{id}, what is answered afterwards, and the account's retention."""

import pytest

from batches.models import Batch, ItemVerdict, QualityFeedback
from tests.batches.conftest import Customer
from tests.batches.services.test_retrying import canceled
from tests.factories.batches import make_batch
from tests.support.api_client import error_of


def path_of(batch: Batch, rest: str = "") -> str:
    return f"/v1/batches/{batch.public_id}{rest}"


def test_deletes_the_content_and_answers_with_the_note(owner: Customer) -> None:
    batch = canceled(owner)

    reply = owner.api.delete(path_of(batch))

    assert reply.status_code == 200
    body = reply.json()
    assert (body["id"], body["deleted"]) == (batch.public_id, True)
    assert (
        owner.api.get(path_of(batch, "/deletion-note")).json()
        == (body["deletion_note"])
    )
    assert owner.api.delete(path_of(batch)).json() == body


def test_leaves_the_batch_without_files(owner: Customer) -> None:
    batch = canceled(owner)
    assert batch.error_file is not None
    owner.api.delete(path_of(batch))

    shown = owner.api.get(path_of(batch)).json()

    assert shown["error_file_id"] is shown["retry_file_url"] is None
    assert shown["route_receipt_file_id"] is not None
    assert shown["content_deleted_at"] is not None
    assert shown["content_expires_at"] is None
    assert shown["counts"]["canceled"] == 4
    for file in (batch.error_file, batch.manifest.file):
        gone = owner.api.get(f"/v1/files/{file.public_id}/content")
        assert error_of(gone) == (404, "not_found")


def test_erases_what_was_said_of_answers_and_keeps_the_verdict(owner: Customer) -> None:
    batch = canceled(owner)
    said = QualityFeedback.objects.create(batch=batch, rating=2, comment="too long")
    ItemVerdict.objects.create(
        feedback=said,
        batch_id=batch.pk,
        seq=0,
        verdict="corrected",
        correction={"text": "short"},
        reason="too long",
    )

    owner.api.delete(path_of(batch))

    said.refresh_from_db()
    verdict = said.verdicts.get()
    assert (said.rating, said.comment) == (2, "")
    assert (verdict.verdict, verdict.correction, verdict.reason) == (
        "corrected",
        None,
        "",
    )


@pytest.mark.parametrize("accept", ["application/json", "application/x-ndjson"])
def test_leaves_no_rows_to_read(owner: Customer, accept: str) -> None:
    batch = canceled(owner)
    owner.api.delete(path_of(batch))

    refused = owner.api.get(path_of(batch, "/results"), accept=accept)

    assert refused.status_code == 410


def test_leaves_nothing_to_retry(owner: Customer) -> None:
    batch = canceled(owner)
    owner.api.delete(path_of(batch))

    refused = owner.api.post(path_of(batch, "/retry"), {"submit": True})

    assert error_of(refused) == (410, "content_deleted")
    assert not batch.retries.exists()


def test_a_running_batch_is_refused(owner: Customer) -> None:
    batch = make_batch(owner.org)

    assert error_of(owner.api.delete(path_of(batch))) == (409, "batch_running")
    note = owner.api.get(path_of(batch, "/deletion-note"))
    assert error_of(note) == (404, "content_not_deleted")


def test_a_strangers_batch_is_not_found(owner: Customer, stranger: Customer) -> None:
    batch = canceled(owner)

    assert error_of(stranger.api.delete(path_of(batch))) == (404, "not_found")
    batch.refresh_from_db()
    assert batch.content_deleted_at is None


class TestTheAccountsRetention:
    """``retention`` of /v1/auth/account."""

    def test_is_the_servers_until_it_is_set(self, owner: Customer) -> None:
        assert owner.api.get("/v1/auth/account").json()["retention"] == {
            "days": 30,
            "is_default": True,
        }

    def test_is_set_and_given_back(self, owner: Customer) -> None:
        name = owner.org.name
        reply = owner.api.patch("/v1/auth/account", {"retention_days": 7})
        assert reply.json()["retention"] == {"days": 7, "is_default": False}
        assert reply.json()["org"]["name"] == name

        reply = owner.api.patch("/v1/auth/account", {"retention_days": None})
        assert reply.json()["retention"] == {"days": 30, "is_default": True}

    @pytest.mark.parametrize("days", [0, 366, -1, "7", 7.5, True])
    def test_refuses_what_is_no_number_of_days(
        self, owner: Customer, days: object
    ) -> None:
        reply = owner.api.patch("/v1/auth/account", {"retention_days": days})

        assert error_of(reply) == (400, "invalid_request")
        owner.org.refresh_from_db()
        assert owner.org.retention_days is None
