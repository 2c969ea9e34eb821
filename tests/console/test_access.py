"""Who may see which page."""

from urllib.parse import urlencode

import pytest
from django.test import Client

from batches.models import Batch, QualityFeedback
from tests.factories.accounts import UserFactory

ORG_PAGES = [
    *("/batches", "/batches/new", "/billing", "/billing/ledger"),
    *("/billing/reservations", "/live", "/reports", "/reports/imports"),
]
BATCH_PAGES = [
    *("", "/live", "/results", "/results?after=0", "/rows/0", "/review"),
    *("/webhooks", "/receipts/route"),
]
BATCH_ACTIONS = [
    *("/cancel", "/retry", "/delete-content", "/rows/0", "/review?row=0"),
    "/webhooks/whd_00000000000000000000000000/replay",
]
PUBLIC_PAGES = [
    "/",
    "/login",
    "/catalog/models",
    "/workflows",
    "/receipts/verify",
    "/docs/api",
]


@pytest.mark.usefixtures("market")
@pytest.mark.parametrize("path", PUBLIC_PAGES)
def test_public_pages_answer_anybody(path: str) -> None:
    assert Client().get(path).status_code == 200


@pytest.mark.parametrize("path", ["/", *ORG_PAGES, *PUBLIC_PAGES[2:]])
def test_pages_answer_an_owner(path: str, owner: Client) -> None:
    assert owner.get(path).status_code == 200


@pytest.mark.parametrize("part", BATCH_PAGES)
def test_a_batch_answers_its_owner(part: str, owner: Client, batch: Batch) -> None:
    assert owner.get(f"/batches/{batch.public_id}{part}").status_code == 200


@pytest.mark.parametrize("part", BATCH_PAGES)
def test_a_batch_is_nothing_to_a_stranger(
    part: str, stranger: Client, batch: Batch
) -> None:
    assert stranger.get(f"/batches/{batch.public_id}{part}").status_code == 404


@pytest.mark.parametrize("part", BATCH_ACTIONS)
def test_a_stranger_can_do_nothing_to_a_batch(
    part: str, stranger: Client, batch: Batch
) -> None:
    reply = stranger.post(f"/batches/{batch.public_id}{part}", {"verdict": "accepted"})
    assert reply.status_code == 404
    assert not QualityFeedback.objects.exists()
    batch.refresh_from_db()
    assert batch.content_deleted_at is None


@pytest.mark.parametrize("part", BATCH_ACTIONS[1:5])
def test_a_viewer_can_do_nothing_to_a_batch(
    part: str, viewer: Client, batch: Batch
) -> None:
    reply = viewer.post(f"/batches/{batch.public_id}{part}", {"verdict": "accepted"})
    assert reply.status_code == 403
    assert not QualityFeedback.objects.exists()
    batch.refresh_from_db()
    assert batch.content_deleted_at is None


@pytest.mark.parametrize("part", BATCH_PAGES)
def test_a_batch_answers_a_viewer(part: str, viewer: Client, batch: Batch) -> None:
    assert viewer.get(f"/batches/{batch.public_id}{part}").status_code == 200


def test_lists_show_a_stranger_nothing(stranger: Client, batch: Batch) -> None:
    for path in ("/", *ORG_PAGES, f"/batches?before={batch.public_id}"):
        reply = stranger.get(path)
        assert reply.status_code == 200
        # The address of a link to the next page may repeat what was asked for.
        assert batch.public_id not in reply.content.decode()


@pytest.mark.parametrize("path", ORG_PAGES)
def test_nobody_is_sent_to_log_in(path: str, db: None) -> None:
    reply = Client().get(path)
    assert (reply.status_code, reply["Location"]) == (302, f"/login?next={path}")


@pytest.mark.parametrize("part", BATCH_PAGES)
def test_nobody_is_sent_to_log_in_before_a_batch(part: str, batch: Batch) -> None:
    path = f"/batches/{batch.public_id}{part}"
    reply = Client().get(path)
    wanted = urlencode({"next": path}, safe="/")
    assert (reply.status_code, reply["Location"]) == (302, f"/login?{wanted}")


@pytest.mark.parametrize("path", ORG_PAGES)
def test_a_person_without_an_organization_is_refused(path: str, db: None) -> None:
    client = Client()
    client.force_login(UserFactory.create())
    assert client.get(path).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        *("/batches/batch_%00", "/batches/x", "/batches?before=x"),
        *("/billing/ledger?before=1", "/billing/reservations?before=1"),
        *("/reports/imports?before=1", "/reports/imports/imp_x"),
    ],
)
def test_addresses_that_name_nothing_are_404(path: str, owner: Client) -> None:
    assert owner.get(path).status_code == 404


@pytest.mark.parametrize("place", ["x", "-2", "1e3", "9999999999", ""])
@pytest.mark.parametrize("page", ["results?after", "results?before", "review?row"])
def test_a_place_that_is_no_item_is_404(
    page: str, place: str, owner: Client, batch: Batch
) -> None:
    path = f"/batches/{batch.public_id}/{page}={place}"
    assert owner.get(path).status_code == 404


@pytest.mark.parametrize("part", ["rows/2", "rows/01", "rows/x", "receipts/deletion"])
def test_what_a_batch_does_not_have_is_404(
    part: str, owner: Client, batch: Batch
) -> None:
    assert owner.get(f"/batches/{batch.public_id}/{part}").status_code == 404


def test_an_error_page_says_what_to_do(owner: Client) -> None:
    reply = owner.get("/nowhere", headers={"accept": "text/html"})
    body = reply.content.decode()
    assert reply.status_code == 404
    assert "There is nothing here" in body
    assert reply["X-Request-Id"] in body


@pytest.mark.usefixtures("market")
@pytest.mark.parametrize("path", PUBLIC_PAGES[:5])
def test_pages_admit_no_inline_script_or_style(path: str) -> None:
    reply = Client().get(path)
    assert "unsafe-inline" not in reply["Content-Security-Policy"]
    body = reply.content.decode()
    assert "<style" not in body
    assert " style=" not in body
