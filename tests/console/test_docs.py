"""The pages of the documentation."""

import re
from pathlib import Path

import pytest
from django.test import Client

from console.documents.pages import groups

DOCS = Path(__file__).parents[2] / "docs"

pytestmark = pytest.mark.usefixtures("market")


def test_every_document_has_a_page_and_a_place_in_the_navigation() -> None:
    body = Client().get("/docs").content.decode()
    entries = [entry for group in groups(DOCS) for entry in group.entries]
    assert len(entries) >= 8
    for entry in entries:
        assert f'href="/docs/{entry.slug}"' in body
        assert Client().get(f"/docs/{entry.slug}").status_code == 200


def test_links_of_the_documents_lead_somewhere() -> None:
    for group in groups(DOCS):
        for entry in group.entries:
            text = Client().get(f"/docs/{entry.slug}").content.decode()
            article = text[text.index("<article") : text.index("</article>")]
            for path in set(re.findall(r'href="(/[^"#]*)', article)):
                status = Client().get(path).status_code
                assert status in {200, 302}, (entry.slug, path)


def test_samples_call_this_server() -> None:
    body = re.sub(r"<[^>]+>", "", Client().get("/docs/curl").content.decode())
    assert "https://batchrouter.example" in body
    assert "127.0.0.1" not in body


def test_errors_and_limits_end_with_what_the_code_says() -> None:
    assert "<code>quote_expired</code>" in Client().get("/docs/errors").content.decode()
    assert "100,000" in Client().get("/docs/limits").content.decode()


def test_the_reference_leads_to_every_part() -> None:
    body = Client().get("/docs/api").content.decode()
    parts = set(re.findall(r'href="(/docs/api/[a-z-]+)"', body))
    assert "/docs/api/batches" in parts
    assert all(Client().get(path).status_code == 200 for path in parts)


def test_language_models_find_everything_in_one_text() -> None:
    reply = Client().get("/llms.txt")
    text = reply.content.decode()
    assert reply["Content-Type"].startswith("text/plain")
    assert text.startswith("# BatchRouter\n")
    assert "(https://batchrouter.example/docs/agents)" in text
    assert "https://batchrouter.example/v1/openapi.json" in text
    assert "&" not in text
