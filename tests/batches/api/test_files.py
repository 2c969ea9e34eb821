"""Uploads, files, their bytes, and signed links."""

import hashlib
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from batches.links import signed_url
from batches.manifest.reader import FILE_BYTES_MAX
from batches.models import Item, Manifest, StoredFile
from batches.services.finalizing import finalize_batch
from batches.store import store
from batchrouter.kit import clock
from tests.batches.conftest import Customer
from tests.factories.batches import lines_of, make_batch, make_items, make_manifest
from tests.support.api_client import ApiClient, error_of

UPLOAD = "/v1/batches/input-manifests"
FILES = "/v1/files"


def uploaded(customer: Customer, count: int = 2) -> dict[str, Any]:
    response = customer.api.send(UPLOAD, lines_of(make_items(count)))
    assert response.status_code == 201, response.content
    found: dict[str, Any] = response.json()
    return found


def bytes_of(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def link_to(file: StoredFile) -> str:
    """Return the path of a signed link."""
    return signed_url(file, now=clock.now()).removeprefix("http://127.0.0.1:8000")


def a_file(customer: Customer) -> StoredFile:
    return make_manifest(customer.org, make_items(1)).file


def test_lines_become_a_file(owner: Customer) -> None:
    body = uploaded(owner, 3)

    data = lines_of(make_items(3))
    assert body["id"].startswith("file_")
    assert body["purpose"] == "manifest"
    assert body["bytes"] == len(data)
    assert body["sha256"] == hashlib.sha256(data).hexdigest()
    assert (body["line_count"], body["item_count"]) == (3, 3)
    assert (body["duplicates"], body["skipped_count"]) == (2, 0)


def test_a_form_becomes_the_same_file(owner: Customer) -> None:
    data = lines_of(make_items(2))
    form = {"file": SimpleUploadedFile("../../etc/items.ndjson", data)}

    response = owner.api.send_form(FILES, form)

    assert response.status_code == 201
    assert response.json()["sha256"] == hashlib.sha256(data).hexdigest()
    assert response.json()["filename"] == "items.ndjson"


def test_a_form_without_a_file_is_refused(owner: Customer) -> None:
    response = owner.api.send_form(FILES, {"name": "x"})

    assert error_of(response) == (400, "invalid_request")
    assert response.json()["error"]["param"] == "file"


def test_a_refused_upload_names_its_lines_and_keeps_nothing(owner: Customer) -> None:
    data = lines_of(make_items(1)) + b"{not json}\n" + lines_of(make_items(1))

    response = owner.api.send(UPLOAD, data)

    assert error_of(response) == (400, "invalid_manifest")
    assert [
        (problem["line"], problem["code"])
        for problem in response.json()["error"]["details"]["errors"]
    ] == [(2, "json_syntax"), (3, "duplicate_id")]
    assert not StoredFile.objects.exists()
    assert not Manifest.objects.exists()
    assert not Item.objects.exists()
    assert [path for path in store().root.rglob("*") if path.is_file()] == []


def test_an_upload_may_leave_out_its_invalid_lines(owner: Customer) -> None:
    data = lines_of(make_items(2)) + b"{not json}\n"

    response = owner.api.send(f"{UPLOAD}?on_invalid=skip", data)

    assert response.status_code == 201
    assert response.json()["item_count"] == 2
    assert response.json()["skipped_count"] == 1
    assert response.json()["skipped"][0]["line"] == 3


def test_an_unknown_way_with_invalid_lines_is_refused(owner: Customer) -> None:
    response = owner.api.send(f"{UPLOAD}?on_invalid=fix", b"{}")

    assert error_of(response) == (400, "invalid_request")


def test_an_upload_of_unknown_length_is_refused(owner: Customer) -> None:
    response = owner.api.send(UPLOAD, b"{}", CONTENT_LENGTH="")

    assert error_of(response) == (411, "length_required")


def test_an_upload_that_is_too_long_is_refused_before_it_is_read(
    owner: Customer,
) -> None:
    response = owner.api.send(UPLOAD, b"{}", CONTENT_LENGTH=str(FILE_BYTES_MAX + 1))

    assert error_of(response) == (413, "request_too_large")


@pytest.mark.parametrize("kind", ["application/json", "text/csv", "application/zip"])
def test_an_upload_of_another_type_is_refused(owner: Customer, kind: str) -> None:
    response = owner.api.send(UPLOAD, b"{}", content_type=kind)

    assert error_of(response) == (415, "unsupported_media_type")


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "gzip, identity"])
def test_a_compressed_upload_is_refused(owner: Customer, coding: str) -> None:
    response = owner.api.send(UPLOAD, b"\x1f\x8b", HTTP_CONTENT_ENCODING=coding)

    assert error_of(response) == (415, "unsupported_media_type")


def test_gzip_bytes_without_the_header_are_refused(owner: Customer) -> None:
    response = owner.api.send(UPLOAD, b"\x1f\x8b\x08\x00")

    assert error_of(response) == (400, "invalid_manifest")


def test_files_are_listed_newest_first(owner: Customer, stranger: Customer) -> None:
    first, second = uploaded(owner), uploaded(owner)
    uploaded(stranger)

    body = owner.api.get(FILES).json()

    assert [file["id"] for file in body["data"]] == [second["id"], first["id"]]


def test_a_file_is_read_again(owner: Customer) -> None:
    made = uploaded(owner)

    assert owner.api.get(f"{FILES}/{made['id']}").json() == made


def test_the_content_is_what_was_sent(owner: Customer) -> None:
    made = uploaded(owner, 5)

    response = owner.api.get(f"{FILES}/{made['id']}/content")

    assert bytes_of(response) == lines_of(make_items(5))


def test_a_download_cannot_run_in_a_browser(owner: Customer) -> None:
    made = uploaded(owner)

    headers = owner.api.get(f"{FILES}/{made['id']}/content").headers

    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"] == 'attachment; filename="manifest.ndjson"'
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert headers["Cache-Control"] == "private, no-store"
    assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("tail", ["", "/content"])
def test_a_strangers_file_is_not_found(
    owner: Customer, stranger: Customer, tail: str
) -> None:
    made = uploaded(owner)

    response = stranger.api.get(f"{FILES}/{made['id']}{tail}")

    assert error_of(response) == (404, "not_found")


def test_a_file_is_deleted(owner: Customer) -> None:
    made = uploaded(owner)

    response = owner.api.delete(f"{FILES}/{made['id']}")

    assert response.json() == {"id": made["id"], "object": "file", "deleted": True}
    assert error_of(owner.api.get(f"{FILES}/{made['id']}")) == (404, "not_found")
    assert owner.api.get(FILES).json()["data"] == []


def test_a_stranger_deletes_nothing(owner: Customer, stranger: Customer) -> None:
    made = uploaded(owner)

    assert error_of(stranger.api.delete(f"{FILES}/{made['id']}")) == (404, "not_found")
    assert owner.api.get(f"{FILES}/{made['id']}").status_code == 200


def test_a_file_that_an_open_batch_reads_is_kept(owner: Customer) -> None:
    batch = make_batch(owner.org)

    response = owner.api.delete(f"{FILES}/{batch.manifest.file.public_id}")

    assert error_of(response) == (409, "file_in_use")
    assert StoredFile.objects.get().deleted_at is None


def test_a_file_of_an_ended_batch_can_be_deleted(owner: Customer) -> None:
    batch = make_batch(owner.org)
    owner.api.post(f"/v1/batches/{batch.public_id}/cancel")
    finalize_batch(batch.pk, now=clock.now())

    response = owner.api.delete(f"{FILES}/{batch.manifest.file.public_id}")

    assert response.status_code == 200


def test_a_deleted_file_is_no_manifest_any_more(owner: Customer) -> None:
    made = uploaded(owner)
    owner.api.delete(f"{FILES}/{made['id']}")

    response = owner.api.post("/v1/batches/quote", {"input_file_id": made["id"]})

    assert error_of(response) == (400, "invalid_request")


def test_a_signed_link_needs_no_login(owner: Customer) -> None:
    response = ApiClient().get(link_to(a_file(owner)))

    assert response.status_code == 200
    assert bytes_of(response) == lines_of(make_items(1))


def test_every_changed_character_of_a_link_is_refused(owner: Customer) -> None:
    link = link_to(a_file(owner))
    begin = link.index("expires=") + len("expires=")

    for place in range(begin, len(link)):
        if link[place] in "&=" or link[begin:place].endswith("&signature"[:place]):
            continue
        other = "1" if link[place] != "1" else "2"
        changed = link[:place] + other + link[place + 1 :]
        if re.search(r"expires=\d+&signature=[\w-]+$", changed) is None:
            continue
        assert error_of(ApiClient().get(changed)) == (403, "link_invalid"), changed


def test_a_link_to_one_file_does_not_open_another(owner: Customer) -> None:
    one, other = a_file(owner), a_file(owner)
    link = link_to(one).replace(one.public_id, other.public_id)

    assert error_of(ApiClient().get(link)) == (403, "link_invalid")


def test_a_link_ends_after_fifteen_minutes(owner: Customer) -> None:
    made_at = clock.now() - timedelta(seconds=901)
    link = signed_url(a_file(owner), now=made_at).partition("8000")[2]

    assert error_of(ApiClient().get(link)) == (403, "link_invalid")


@pytest.mark.parametrize(
    "query",
    ["", "?expires=9999999999", "?signature=x", "?expires=a&signature=b"],
)
def test_a_link_without_its_parts_is_refused(owner: Customer, query: str) -> None:
    path = f"{FILES}/{a_file(owner).public_id}/download{query}"

    assert error_of(ApiClient().get(path)) == (403, "link_invalid")


def test_a_link_to_a_deleted_file_finds_nothing(owner: Customer) -> None:
    file = a_file(owner)
    link = link_to(file)
    owner.api.delete(f"{FILES}/{file.public_id}")

    assert error_of(ApiClient().get(link)) == (404, "not_found")


def test_a_key_of_the_owner_does_not_open_a_bad_link(owner: Customer) -> None:
    link = link_to(a_file(owner)) + "x"

    assert error_of(owner.api.get(link)) == (403, "link_invalid")
