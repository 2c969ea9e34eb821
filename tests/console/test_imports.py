"""Importing past jobs in the browser."""

import gzip
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import Org
from batches.models import Import, ImportedDay, StoredFile
from batches.services.importing import run_imports
from batchrouter.kit import clock
from tests.batches.imports.files import (
    chat_line,
    lines,
    message_line,
    openai_csv,
    openai_row,
    response_line,
)
from tests.factories.imports import ImportFactory

IMPORTS = "/reports/imports"
ATTACK = "<script>alert(1)</script>"


def text_of(client: Client, path: str = IMPORTS) -> str:
    reply = client.get(path)
    assert reply.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", reply.content.decode()).split())


def send(client: Client, data: bytes, name: str = "past.jsonl", **fields: str) -> Any:
    return client.post(IMPORTS, {"file": SimpleUploadedFile(name, data), **fields})


def sent(client: Client, data: bytes, **fields: str) -> Import:
    """Return the import whose page a file leads to."""
    reply = send(client, data, **fields)
    assert reply.status_code == 302, reply.content.decode()
    row = Import.objects.latest("pk")
    assert reply["Location"] == page_of(row)
    return row


def read(client: Client, data: bytes, **fields: str) -> Import:
    row = sent(client, data, **fields)
    run_imports(budget_seconds=60, now=clock.now())
    row.refresh_from_db()
    return row


def refused(client: Client, data: bytes, **fields: str) -> str:
    """Return the page that a refused file shows; nothing of it was kept."""
    reply = send(client, data, **fields)
    assert reply.status_code == 400
    assert not Import.objects.exists()
    assert not StoredFile.objects.filter(deleted_at=None).exists()
    return " ".join(re.sub(r"<[^>]+>", " ", reply.content.decode()).split())


def page_of(row: Import, act: str = "") -> str:
    return f"{IMPORTS}/{row.public_id}{act}"


def test_an_empty_list_says_what_to_do(owner: Client) -> None:
    assert "Nothing was imported yet. Download a usage export" in text_of(owner)


@pytest.mark.parametrize(
    ("data", "provider", "kind"),
    [
        (lines([response_line(1)]), "openai", "openai_batch_output"),
        (openai_csv(openai_row()), "openai", "openai_usage_csv"),
        (lines([message_line(1)]), "anthropic", "anthropic_batch_results"),
    ],
)
def test_the_kind_is_found_out_from_the_file(
    data: bytes, provider: str, kind: str, owner: Client
) -> None:
    row = sent(owner, data)
    assert (row.provider, row.kind, row.state) == (provider, kind, "queued")


def test_progress_is_asked_for_until_the_file_is_read(owner: Client) -> None:
    row = sent(owner, lines([response_line(1)]))
    assert (
        f'hx-get="{page_of(row, "/live")}"' in owner.get(page_of(row)).content.decode()
    )
    waiting = owner.get(page_of(row, "/live"))
    assert "HX-Refresh" not in waiting.headers
    assert "0 % read" in waiting.content.decode()

    run_imports(budget_seconds=60, now=clock.now())

    ended = owner.get(page_of(row, "/live"))
    assert ended.headers["HX-Refresh"] == "true"
    assert "100 % read" in ended.content.decode()
    assert "hx-get" not in ended.content.decode()


def test_a_read_file_says_what_it_taught(owner: Client) -> None:
    row = read(owner, lines([response_line(1), chat_line(2)]))

    text = text_of(owner, page_of(row))

    assert "Tokens 2,200 Items and requests 2" in text
    assert "At list price $0.0011 " in text
    assert "gpt-5.4-mini responses, batch 2 2,000 400 200" in text
    assert "openai, batch" in text.casefold()
    assert "past.jsonl OpenAI batch output or error file" in text_of(owner)


def test_bad_lines_are_named_with_their_mend(owner: Client) -> None:
    lying = response_line(2, usage={"input_tokens": -1, "output_tokens": 1})
    row = read(owner, lines([response_line(1), lying]) + b"{\n")

    text = text_of(owner, page_of(row))

    assert "2 bad lines" in text
    assert "2 response.body.usage The usage is missing" in text
    assert "Export the file again; if it stays so, ask the provider." in text
    assert "3 the whole" in text
    assert "Mend the line and import the file again" in text


def test_days_that_are_not_wanted_are_left_out(owner: Client) -> None:
    late = response_line(2, created_at=1_793_000_000)
    row = read(
        owner, lines([response_line(1), late]), first="2026-10-01", last="2026-10-20"
    )
    text = text_of(owner, page_of(row))
    assert "On other days 1" in text
    assert "Days wanted 2026-10-01 to 2026-10-20" in text


def test_the_same_file_again_is_the_same_import(owner: Client) -> None:
    row = read(owner, lines([response_line(1)]))

    reply = send(owner, lines([response_line(1)]), "other name.jsonl")

    assert reply["Location"] == page_of(row)
    assert "This file was imported before" in text_of(owner, page_of(row))
    assert Import.objects.count() == 1
    assert not StoredFile.objects.filter(deleted_at=None).exists()


def test_another_window_of_the_same_file_is_refused(owner: Client) -> None:
    row = read(owner, lines([response_line(1)]))

    reply = send(
        owner, lines([response_line(1)]), first="2026-10-01", last="2026-10-20"
    )

    assert reply.status_code == 409
    assert f"{row.public_id} holds the same content" in reply.content.decode()
    assert not StoredFile.objects.filter(deleted_at=None).exists()


@pytest.mark.parametrize(
    ("data", "looks"),
    [
        (b"", "an empty file"),
        (b"Dear diary.", "plain text"),
        (gzip.compress(lines([response_line(1)]), mtime=0), "a gzip-compressed file"),
        (b"a\0b\n", "a binary file"),
        (b"%PDF-1.7", "a PDF"),
        (b"PK\x03\x04", "a ZIP archive or a spreadsheet"),
        (b"\xff\xfe{\0}\0", "UTF-16 text; save it as UTF-8"),
        (b"<script>alert(1)</script>", "a web page or XML"),
        (b"{" * 100_000, "JSON that cannot be read"),
        (
            b'{"customer_item_id":"a","operation":"responses","input":{}}\n',
            "a BatchRouter",
        ),
    ],
)
def test_a_file_of_another_kind_is_refused_by_what_it_looks_like(
    data: bytes, looks: str, owner: Client
) -> None:
    assert f"The file looks like {looks}" in refused(owner, data)


def test_a_file_of_the_other_provider_says_how_to_mend_it(owner: Client) -> None:
    text = refused(owner, lines([message_line(1)]), provider="openai")
    assert "Import it with provider anthropic." in text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"first": "2026-10-01"}, "Enter both days, or none."),
        ({"first": "x", "last": "2026-10-31"}, "Enter a day such as"),
        ({"first": "2026-10-31", "last": "2026-10-01"}, "window.from is not after"),
        ({"first": "2026-10-01", "last": "2999-01-01"}, "not in the future"),
        ({"provider": "acme"}, "Select a valid choice"),
    ],
)
def test_a_field_that_is_wrong_is_named_and_kept(
    fields: dict[str, str], words: str, owner: Client
) -> None:
    assert words in refused(owner, lines([response_line(1)]), **fields)


def test_a_form_without_a_file_asks_for_one(owner: Client) -> None:
    reply = owner.post(IMPORTS, {"provider": ""})
    assert reply.status_code == 400
    assert "Choose a file." in reply.content.decode()
    assert not Import.objects.exists()


def test_a_file_that_claims_a_gigabyte_is_refused_unread(owner: Client) -> None:
    reply = owner.post(
        IMPORTS, {"provider": ""}, headers={"content-length": "1073741824"}
    )
    assert reply.status_code == 413
    assert not StoredFile.objects.exists()


def test_names_in_a_file_are_text(owner: Client) -> None:
    hostile = response_line(1, model=ATTACK)
    hostile["custom_id"] = ATTACK
    row = read(owner, lines([hostile]))
    StoredFile.objects.filter(pk=row.file_id).update(filename=ATTACK)

    for path in (IMPORTS, page_of(row)):
        body = owner.get(path).content.decode()
        assert ATTACK not in body
        assert "&lt;script&gt;" in body


def test_an_import_can_be_deleted(owner: Client) -> None:
    row = read(owner, lines([response_line(1)]))

    reply = owner.post(page_of(row, "/delete"))

    assert reply["Location"] == IMPORTS
    assert not Import.objects.exists()
    assert not ImportedDay.objects.exists()


def test_an_import_that_is_read_is_not_deleted(owner: Client) -> None:
    row = sent(owner, lines([response_line(1)]))

    owner.post(page_of(row, "/delete"))

    assert "still being read" in text_of(owner, page_of(row))
    assert Import.objects.count() == 1


def test_a_viewer_looks_and_changes_nothing(owner: Client, viewer: Client) -> None:
    row = read(owner, lines([response_line(1)]))

    assert "A viewer may look at imports" in text_of(viewer)
    assert "Delete" not in text_of(viewer, page_of(row))
    assert send(viewer, lines([response_line(2)])).status_code == 403
    assert viewer.post(page_of(row, "/delete")).status_code == 403
    assert Import.objects.count() == 1


@pytest.mark.parametrize("act", ["", "/live"])
def test_an_import_is_nothing_to_a_stranger(
    act: str, owner: Client, stranger: Client
) -> None:
    row = sent(owner, lines([response_line(1)]))
    assert stranger.get(page_of(row, act)).status_code == 404
    assert stranger.post(page_of(row, "/delete")).status_code == 404
    assert Import.objects.count() == 1
    assert "past.jsonl" not in text_of(stranger)


def test_a_form_of_another_site_is_refused(org: Org, owner: Client) -> None:
    careful = Client(enforce_csrf_checks=True)
    careful.cookies = owner.cookies
    assert send(careful, lines([response_line(1)])).status_code == 403
    assert not Import.objects.exists()


def test_the_list_goes_on_by_key_and_asks_few_queries(
    owner: Client, org: Org, django_assert_max_num_queries: Any
) -> None:
    for number in range(26):
        ImportFactory.create(org=org, created_at=clock.now() - timedelta(days=number))
    owner.get(IMPORTS)

    with django_assert_max_num_queries(8):
        body = owner.get(IMPORTS).content.decode()

    found = re.search(rf'href="({IMPORTS}\?before=imp_[^"#]+)', body)
    assert found is not None
    assert owner.get(found[1]).content.decode().count("/reports/imports/imp_") == 1


def test_an_import_asks_few_queries(
    owner: Client, django_assert_max_num_queries: Any
) -> None:
    row = read(owner, lines([response_line(1), chat_line(2)]))
    owner.get(page_of(row))
    with django_assert_max_num_queries(12):
        owner.get(page_of(row))
