"""Uploads of past jobs: taken in at once, or let go unread."""

from datetime import timedelta
from typing import Any

import pytest

from batches.models import Import, StoredFile
from batches.services.import_uploads import forget_unread, import_upload
from batches.services.importing import WrongImportFile, keep_file, run_imports
from batches.services.tidying import tidy
from batches.states import ImportState
from batches.store import store
from batchrouter.kit import clock
from tests.batches.conftest import Customer
from tests.batches.imports.files import lines, message_line, response_line

MONTH = timedelta(days=30)


def uploaded(customer: Customer, number: int = 1) -> StoredFile:
    data = lines([response_line(number)])
    return keep_file([data], org=customer.org, filename="past", now=clock.now())


def is_there(file: StoredFile) -> bool:
    file.refresh_from_db()
    return file.deleted_at is None


def test_the_provider_is_found_out(owner: Customer) -> None:
    made, is_new = import_upload(
        [lines([message_line(1)])],
        org=owner.org,
        filename="past",
        provider=None,
        window=None,
        now=clock.now(),
    )
    assert (made.provider, made.state, is_new) == ("anthropic", "queued", True)


def test_what_is_refused_is_not_kept(owner: Customer) -> None:
    with pytest.raises(WrongImportFile, match="looks like plain text"):
        import_upload(
            [b"Dear diary."],
            org=owner.org,
            filename="past",
            provider=None,
            window=None,
            now=clock.now(),
        )
    assert not is_there(StoredFile.objects.get())
    assert not Import.objects.exists()


def test_an_upload_goes_when_its_retention_is_over(owner: Customer) -> None:
    file = uploaded(owner)

    assert forget_unread(now=file.created_at + MONTH - timedelta(seconds=1)) == 0
    assert is_there(file)
    tidy(now=file.created_at + MONTH)
    assert not is_there(file)


def test_its_bytes_go_with_it(
    owner: Customer, django_capture_on_commit_callbacks: Any
) -> None:
    file = uploaded(owner)
    path = store().path(file.storage_key)
    assert path.exists()

    with django_capture_on_commit_callbacks(execute=True):
        forget_unread(now=file.created_at + MONTH)

    assert not path.exists()


def test_an_upload_goes_when_its_organization_says(owner: Customer) -> None:
    owner.org.retention_days = 2
    owner.org.save()
    file = uploaded(owner)

    assert forget_unread(now=file.created_at + timedelta(days=2)) == 1
    assert not is_there(file)


def test_an_upload_that_is_read_stays(owner: Customer) -> None:
    made, _ = import_upload(
        [lines([response_line(1)])],
        org=owner.org,
        filename="past",
        provider="openai",
        window=None,
        now=clock.now(),
    )

    assert forget_unread(now=clock.now() + 2 * MONTH) == 0

    run_imports(budget_seconds=60, now=clock.now())
    made.refresh_from_db()
    assert made.state == ImportState.COMPLETED


def test_equal_bytes_of_another_file_stay(owner: Customer) -> None:
    old, new = uploaded(owner), uploaded(owner)
    StoredFile.objects.filter(pk=new.pk).update(created_at=clock.now() + MONTH)

    assert forget_unread(now=clock.now() + MONTH) == 1

    old.refresh_from_db()
    assert old.deleted_at is not None
    assert is_there(new)
