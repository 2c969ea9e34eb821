"""What holds for every page that nobody logs in for."""

import gzip
import re
from itertools import pairwise

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.console.public_pages import PUBLIC_PAGES

pytestmark = pytest.mark.usefixtures("market")

QUERIES_MAX = 12
BYTES_MAX = 100 * 1024


@pytest.mark.parametrize("path", PUBLIC_PAGES)
def test_the_page_asks_few_queries(
    path: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(QUERIES_MAX):
        assert Client().get(path).status_code == 200


@pytest.mark.parametrize("path", PUBLIC_PAGES)
def test_the_page_has_one_title_and_headings_without_gaps(path: str) -> None:
    body = Client().get(path).content.decode()
    levels = [int(level) for level in re.findall(r"<h([1-6])", body)]
    main = body[body.index("<main") : body.index("</main>")]
    assert re.findall(r"<h([1-6])", main)[0] == "1"
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("path", PUBLIC_PAGES)
def test_the_page_admits_no_inline_script_or_style(path: str) -> None:
    reply = Client().get(path)
    body = reply.content.decode()
    assert "unsafe" not in reply["Content-Security-Policy"]
    assert "<style" not in body
    assert " style=" not in body
    assert not re.search(r"\son[a-z]+=", body)


@pytest.mark.parametrize("path", PUBLIC_PAGES)
def test_the_page_has_a_word_for_what_nobody_knows(path: str) -> None:
    body = Client().get(path).content.decode()
    shown = re.sub(r"<(pre|code|script)\b.*?</\1>", "", body, flags=re.DOTALL)
    assert not re.search(r"\bNone\b", shown)


@pytest.mark.parametrize("path", PUBLIC_PAGES)
def test_visitors_get_it_from_caches_and_members_do_not(
    path: str, owner: Client
) -> None:
    reply = Client().get(path)
    assert reply["Cache-Control"] == "public, max-age=60"
    assert "Cookie" in reply["Vary"]
    assert not reply.cookies
    if path != "/":
        assert "private" in owner.get(path)["Cache-Control"]


@pytest.mark.parametrize("path", PUBLIC_PAGES)
def test_the_page_is_sent_small(path: str) -> None:
    reply = Client().get(path, headers={"accept-encoding": "gzip"})
    assert len(reply.content) < BYTES_MAX // 4
    assert b"</html>" in gzip.decompress(reply.content)


@pytest.mark.parametrize(
    "path",
    [
        "/catalog/models/none",
        "/catalog/providers/none",
        "/workflows/none",
        "/docs/none",
        "/docs/api/none",
        "/catalog/models/..%2f..%2fetc",
    ],
)
def test_what_is_not_there_is_404(path: str) -> None:
    assert Client().get(path).status_code == 404
