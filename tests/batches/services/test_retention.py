"""Content is deleted on request or when its time is over; facts and a note stay."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections, transaction

from batches.blobs import claim_blob, name_blob, remove_unnamed
from batches.content import ContentDeleted
from batches.models import Batch, BlobClaim, Item, Manifest, ResultRow, StoredFile
from batches.models.file import FilePurpose
from batches.selectors import batch_of, row_page, stream_rows
from batches.services.cancellation import cancel_batch
from batches.services.creation import Order, retry_batch, retry_quote
from batches.services.finalizing import finalize_batch
from batches.services.manifests import delete_file, take_manifest
from batches.services.quoting import quote_manifest
from batches.services.retention import (
    REQUEST,
    BatchRunning,
    delete_content,
    purge_unused,
    sweep_content,
)
from batches.services.retrying import Wanted
from batches.services.submission import submit_quote
from batches.services.tidying import tidy
from batches.store import store
from batchrouter.kit import clock
from batchrouter.kit.errors import BatchRouterError
from billing.models import Receipt
from billing.receipts import public_keys
from billing.verification import verify_receipt_document
from tests.batches.conftest import Customer
from tests.batches.services.test_retrying import canceled, order_of
from tests.factories.batches import (
    book_problems,
    make_batch,
    make_items,
    make_manifest,
    make_quote,
    run_batch,
)
from tests.support.meanwhile import meanwhile

LANE: dict[str, Any] = {"model": "deepseek-flash"}
DAY = timedelta(days=1)


def path_of(file: StoredFile | None) -> Any:
    assert file is not None
    return store().path(file.storage_key)


@pytest.mark.usefixtures("simulator")
class TestAnEndedBatch:
    """A batch that was delivered and whose content is deleted then."""

    @pytest.fixture
    def batch(self, owner: Customer) -> Batch:
        return run_batch(make_batch(owner.org, make_items(3, **LANE)))

    def test_loses_its_bytes(self, batch: Batch) -> None:
        paths = [path_of(batch.manifest.file), path_of(batch.output_file)]
        segments = store().path(f"segments/{batch.pk}")
        assert all(path.exists() for path in [*paths, segments])

        delete_content(batch, cause=REQUEST, now=clock.now())

        assert not any(path.exists() for path in [*paths, segments])

    def test_keeps_its_facts(self, batch: Batch) -> None:
        before = list(ResultRow.objects.filter(batch_id=batch.pk).values())
        counts, charged = batch.result_counts, batch.charged_nanousd

        delete_content(batch, cause=REQUEST, now=clock.now())

        batch.refresh_from_db()
        assert list(ResultRow.objects.filter(batch_id=batch.pk).values()) == before
        assert (batch.result_counts, batch.charged_nanousd) == (counts, charged)
        assert path_of(batch.route_receipt_file).exists()
        assert book_problems() == []

    def test_gets_a_note_that_can_be_verified(self, batch: Batch) -> None:
        now = clock.now()
        output, given = batch.output_file, batch.manifest.file
        assert output is not None

        note = delete_content(batch, cause=REQUEST, now=now)

        keys = {key["key_id"]: key["public_key"] for key in public_keys()}
        assert verify_receipt_document(note, keys).problems == ()
        told = note["receipt"]
        assert (told["kind"], told["cause"], told["batch_id"]) == (
            "deletion",
            "request",
            batch.public_id,
        )
        assert told["deleted_at"] == clock.iso(now)
        assert told["files"] == [
            {
                "name": name,
                "file_id": file.public_id,
                "sha256": file.sha256,
                "bytes": file.size_bytes,
                "lines": 3,
                "deleted": True,
                "kept_because": None,
            }
            for name, file in (("input", given), ("output", output))
        ]
        assert told["rows"] == {"count": 3, "parts": 1, "bytes": output.size_bytes}
        last = Receipt.objects.exclude(kind="deletion").order_by("number").last()
        assert last is not None
        assert told["previous_sha256"] == last.sha256

    def test_gets_the_same_note_again(self, batch: Batch) -> None:
        first = delete_content(batch, cause=REQUEST, now=clock.now())
        second = delete_content(batch, cause=REQUEST, now=clock.now() + DAY)

        assert first == second
        assert Receipt.objects.filter(kind="deletion").count() == 1

    def test_shows_no_rows_any_more(self, batch: Batch) -> None:
        delete_content(batch, cause=REQUEST, now=clock.now())
        batch.refresh_from_db()

        with pytest.raises(ContentDeleted):
            row_page(batch, after=-1, limit=1, status=None, with_raw=False)

    def test_ends_a_stream_that_is_under_way(self, batch: Batch) -> None:
        lines = stream_rows(batch, status=None, with_raw=False, chunk=1)
        assert next(lines).startswith(b'{"customer_item_id":"item-0"')

        delete_content(batch, cause=REQUEST, now=clock.now())

        with pytest.raises(ContentDeleted):
            next(lines)

    def test_lets_a_download_that_is_under_way_end(
        self, owner: Customer, batch: Batch
    ) -> None:
        file = batch.output_file
        assert file is not None
        whole = path_of(file).read_bytes()
        reply = owner.api.get(f"/v1/files/{file.public_id}/content")

        delete_content(batch, cause=REQUEST, now=clock.now())

        assert b"".join(reply.streaming_content) == whole
        again = owner.api.get(f"/v1/files/{file.public_id}/content")
        assert again.status_code == 404

    def test_is_finished_by_the_sweep_after_a_crash(self, batch: Batch) -> None:
        file = batch.output_file
        assert file is not None
        path = path_of(file)
        Batch.objects.filter(pk=batch.pk).update(
            content_deleted_at=clock.now(), deletion_cause=REQUEST
        )
        StoredFile.objects.filter(pk=file.pk).update(deleted_at=clock.now())

        assert sweep_content(now=clock.now()) == 1

        assert not path.exists()
        assert Receipt.objects.filter(kind="deletion").count() == 1
        assert sweep_content(now=clock.now()) == 0


def test_a_running_batch_keeps_its_content(owner: Customer) -> None:
    batch = make_batch(owner.org, make_items(2))

    with pytest.raises(BatchRunning) as caught:
        delete_content(batch, cause=REQUEST, now=clock.now())

    assert (caught.value.code, caught.value.status) == ("batch_running", 409)
    batch.refresh_from_db()
    assert batch.content_deleted_at is None
    assert path_of(batch.manifest.file).exists()


class TestRetentionDays:
    """Whose wish holds, and when."""

    def left(self, owner: Customer, days: float, **wishes: Any) -> bool:
        """Tell whether content is still there that long after the end."""
        batch = make_batch(owner.org, make_items(1), **wishes)
        cancel_batch(batch, now=clock.now())
        finalize_batch(batch.pk, now=clock.now())
        batch = batch_of(owner.org, batch.public_id)
        assert batch.completed_at is not None
        sweep_content(now=batch.completed_at + timedelta(days=days))
        batch.refresh_from_db()
        return batch.content_deleted_at is None

    def test_are_the_servers_where_nobody_says(
        self, owner: Customer, settings: Any
    ) -> None:
        settings.RETENTION_DAYS = 10

        assert self.left(owner, 9.9)
        assert not self.left(owner, 10)

    def test_are_the_organizations_before_the_servers(self, owner: Customer) -> None:
        owner.org.retention_days = 40
        owner.org.save()

        assert self.left(owner, 39.9)
        assert not self.left(owner, 40)

    def test_are_the_manifests_before_all(self, owner: Customer) -> None:
        owner.org.retention_days = 1
        owner.org.save()

        assert self.left(owner, 2.9, retention_days=3)
        assert not self.left(owner, 3, retention_days=3)


class TestSharedInputs:
    """A file that several batches have as their input."""

    def test_live_until_the_last(self, owner: Customer) -> None:
        parent = canceled(owner)
        child = retry_batch(order_of(owner), parent, Wanted(), now=clock.now())
        path = path_of(parent.manifest.file)

        note = delete_content(parent, cause=REQUEST, now=clock.now())

        (told,) = [file for file in note["receipt"]["files"] if file["name"] == "input"]
        assert (told["deleted"], told["kept_because"]) == (
            False,
            "it is the content of another batch",
        )
        assert path.exists()
        Batch.objects.filter(pk=child.pk).update(
            state="canceled", completed_at=clock.now()
        )
        delete_content(child, cause=REQUEST, now=clock.now())
        assert not path.exists()

    def test_keep_their_bytes_for_another_organization(
        self, owner: Customer, stranger: Customer
    ) -> None:
        parent = canceled(owner)
        theirs = canceled(stranger)
        path = path_of(parent.manifest.file)
        assert path == path_of(theirs.manifest.file)

        note = delete_content(parent, cause=REQUEST, now=clock.now())

        (told,) = [file for file in note["receipt"]["files"] if file["name"] == "input"]
        # Nobody learns from a note that somebody else has the same bytes.
        assert (told["deleted"], told["kept_because"]) == (True, None)
        assert path.exists()
        delete_content(theirs, cause=REQUEST, now=clock.now())
        assert not path.exists()


class TestUnusedInputs:
    """Items that were quoted and never submitted."""

    def test_of_a_request_go_with_its_quote(self, owner: Customer) -> None:
        body = {"items": make_items(2)}
        spec, manifest = take_manifest(body, org=owner.org, now=clock.now())
        quote_manifest(
            org=owner.org, manifest=manifest, spec=spec, is_test=False, now=clock.now()
        )
        path = path_of(manifest.file)

        assert purge_unused(now=clock.now() + timedelta(minutes=59)) == 0
        assert path.exists()
        assert purge_unused(now=clock.now() + timedelta(minutes=61)) == 1

        assert not path.exists()
        assert not Item.objects.filter(manifest_id=manifest.pk).exists()
        assert purge_unused(now=clock.now() + DAY) == 0

    def test_chosen_for_a_retry_leave_the_parents_bytes(self, owner: Customer) -> None:
        parent = canceled(owner)
        quote = retry_quote(order_of(owner), parent, Wanted(), now=clock.now())

        assert purge_unused(now=clock.now() + timedelta(hours=2)) == 1

        assert not Item.objects.filter(manifest_id=quote.manifest_id).exists()
        assert path_of(parent.manifest.file).exists()
        assert Item.objects.filter(manifest_id=parent.manifest_id).count() == 4

    def test_that_were_uploaded_stay_for_the_retention(self, owner: Customer) -> None:
        manifest = make_manifest(owner.org, make_items(2))
        path = path_of(manifest.file)

        assert purge_unused(now=clock.now() + 29 * DAY) == 0
        assert path.exists()
        assert purge_unused(now=clock.now() + 31 * DAY) == 1
        assert not path.exists()

    def test_that_a_batch_came_of_are_left_alone(self, owner: Customer) -> None:
        make_batch(owner.org, make_items(2))

        assert purge_unused(now=clock.now() + 400 * DAY) == 0

    def test_are_refused_at_the_submit(self, owner: Customer) -> None:
        quote = make_quote(owner.org)
        delete_file(quote.manifest.file, now=clock.now())

        with pytest.raises(ContentDeleted):
            submit_quote(org=owner.org, quote=quote, api_key=None, now=clock.now())

        assert not Batch.objects.exists()


def test_what_a_lost_worker_wrote_afterwards_is_tidied(owner: Customer) -> None:
    batch = canceled(owner)
    delete_content(batch, cause=REQUEST, now=clock.now())
    late = store().open_part(f"segments/{batch.pk}/late")
    late.append(b"{}")
    late.close()

    tidy(now=clock.now())

    assert not store().path(f"segments/{batch.pk}").exists()


class TestBytes:
    """When bytes that a hash names may leave the disk."""

    def blob(self, text: bytes = b"same") -> Any:
        with store().new_blob() as writer:
            writer.write(text)
            return writer.keep()

    def named(self, owner: Customer, blob: Any) -> StoredFile:
        return name_blob(
            blob,
            org_id=owner.org.pk,
            purpose=FilePurpose.OUTPUT,
            filename="a",
            line_count=1,
            now=clock.now(),
        )

    def test_stay_while_a_file_names_them(self, owner: Customer) -> None:
        one, other = (self.named(owner, self.blob()) for _ in range(2))
        assert BlobClaim.objects.count() == 0

        delete_file(one, now=clock.now())
        assert path_of(other).read_bytes() == b"same"

        delete_file(other, now=clock.now())
        assert not path_of(other).exists()

    def test_stay_while_a_writer_is_about_to_name_them(self, owner: Customer) -> None:
        first = self.named(owner, self.blob())
        again = self.blob()

        delete_file(first, now=clock.now())

        assert path_of(first).exists()
        self.named(owner, again)
        assert path_of(first).read_bytes() == b"same"

    def test_are_tidied_with_a_claim_that_nobody_kept(
        self, owner: Customer, settings: Any
    ) -> None:
        blob = self.blob()
        BlobClaim.objects.update(created_at=clock.now() - 2 * DAY)

        tidy(now=clock.now() + 2 * DAY)

        assert BlobClaim.objects.count() == 0
        assert not store().path(blob.key).exists()

    @pytest.mark.usefixtures("committed_db")
    def test_survive_writers_and_deleters_at_once(self, owner: Customer) -> None:
        lost: list[str] = []
        start = threading.Barrier(4)

        def work() -> None:
            try:
                start.wait(60)
                for _ in range(25):
                    file = self.named(owner, self.blob())
                    if not path_of(file).exists():
                        lost.append(file.public_id)
                    delete_file(file, now=clock.now())
            finally:
                connections.close_all()

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)

        assert lost == []
        assert BlobClaim.objects.count() == 0

    @pytest.mark.usefixtures("committed_db")
    def test_survive_a_file_named_between_the_two_looks(self, owner: Customer) -> None:
        blob = self.blob()

        with meanwhile(lambda: self.named(owner, blob), after='AS "a" FROM'):
            assert not remove_unnamed(blob.key, store())

        assert store().path(blob.key).read_bytes() == b"same"

    @pytest.mark.usefixtures("committed_db")
    def test_a_claim_waits_for_a_removal_under_way(self, owner: Customer) -> None:
        blob = self.blob()
        BlobClaim.objects.all().delete()
        claimed = threading.Event()

        def claim() -> None:
            claim_blob(blob.key)
            claimed.set()
            connections.close_all()

        with transaction.atomic():
            assert remove_unnamed(blob.key, store())
            thread = threading.Thread(target=claim)
            thread.start()
            assert not claimed.wait(0.3)
        thread.join(60)

        assert claimed.is_set()
        assert not remove_unnamed(blob.key, store())


@pytest.mark.usefixtures("committed_db")
def test_a_retry_and_the_sweep_at_once_leave_one_of_them(owner: Customer) -> None:
    parent = canceled(owner)
    assert parent.completed_at is not None
    later = parent.completed_at + 31 * DAY
    start, outcomes = threading.Barrier(2), []

    def attempt(what: Any) -> None:
        start.wait(60)
        try:
            what()
            outcomes.append("done")
        except BatchRouterError as error:
            outcomes.append(error.code)
        finally:
            connections.close_all()

    order = Order(org=owner.org, key=owner.key, is_test=False)
    jobs = [
        lambda: retry_batch(order, parent, Wanted(), now=clock.now()),
        lambda: sweep_content(now=later),
    ]
    threads = [threading.Thread(target=attempt, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    is_retried = parent.retries.exists()
    assert sorted(outcomes) == (
        ["done", "done"] if is_retried else ["content_deleted", "done"]
    )
    # Whoever came first, a retry that was made can read its input.
    assert path_of(parent.manifest.file).exists() is is_retried


def test_manifests_of_a_file_are_one_and_its_parts(owner: Customer) -> None:
    parent = canceled(owner)
    retry_quote(order_of(owner), parent, Wanted(), now=clock.now())

    found = Manifest.objects.filter(file=parent.manifest.file).order_by("id")

    assert list(found.values_list("part_of", flat=True)) == [None, parent.manifest_id]
