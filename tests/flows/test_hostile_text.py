"""What customers, models and receivers write is text on every page, and no more."""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urldefrag, urlsplit

import pytest
from playwright.sync_api import Page, expect

from batches.management.commands.make_demo import EMAIL, PASSWORD
from tests.support.browser import browsing
from tests.support.hostile_texts import HOSTILE_TEXTS, PROBE
from tests.support.product import Product
from tests.support.receiver import Answer, Receiver

pytestmark = [
    pytest.mark.processes,
    pytest.mark.browser,
    pytest.mark.skipif("CHROMIUM" not in os.environ, reason="there is no Chromium"),
]

_WEBHOOK = "/v1/auth/account/delivery-webhook"
# Of pages that differ only by an id or a number, so many are looked at.
_OF_A_KIND = 3
_PAGES_MAX = 150
_ID = re.compile(r"[a-z]+_[0-9a-z]{26}|\b[0-9]+\b")
# What sends a row to review.
_TOO_SHORT = {"max_length": 20, "on_fail": "review"}
# Public pages hold no text of customers; others end the login or hand out a file.
_LEFT_OUT = (
    *("/docs", "/catalog", "/logout", "/v1/", "/dev/", "/static", "/llms.txt"),
    *(
        "/healthz",
        "/readyz",
        "/.well-known",
        "/billing/ledger.csv",
        "/billing/statements",
    ),
)


def test_hostile_texts_are_text_on_every_page(tmp_path: Path) -> None:
    with (
        Receiver(answer=lambda _got: _refusal()) as receiver,
        Product(tmp_path, with_redis=False) as product,
    ):
        batch_id = _fill(product, receiver)
        with browsing(product.address) as page:
            asked: list[str] = []
            page.on("request", lambda request: asked.append(request.url))
            page.on("dialog", lambda dialog: pytest.fail(dialog.message))
            _log_in(page)
            seen = [path for path in _walk(page) if _is_harmless(page, path)]
    assert f"/batches/{batch_id}" in seen
    hosts = {urlsplit(url).netloc for url in asked if url.startswith("http")}
    assert hosts == {urlsplit(product.address).netloc}


def _refusal() -> Answer:
    return Answer(status=500, body=" ".join(HOSTILE_TEXTS).encode())


def _fill(product: Product, receiver: Receiver) -> str:
    """Bring every text in by the door that customers have for it; return a batch."""
    product.use_key_of_all_scopes()
    url = f"{receiver.url}?a={quote(HOSTILE_TEXTS[1])}"
    status, said = product.call(_WEBHOOK, {"url": url}, method="PUT")
    assert status == 200, said
    status, said = product.call(f"{_WEBHOOK}/test", {})
    assert status == 202, said
    names = json.dumps(HOSTILE_TEXTS[:3])
    code = (
        "from accounts.models import ApiKey, Org, User; import json; "
        f"org, key, name = json.loads({names!r}); "
        "Org.objects.update(name=org); ApiKey.objects.update(name=key); "
        "User.objects.update(name=name)"
    )
    product.manage("shell", "-v0", "-c", code)
    lines = [_line(number, text) for number, text in enumerate(HOSTILE_TEXTS)]
    batch_id = product.submit(lines, metadata={"note": HOSTILE_TEXTS[0]})
    product.wait_for(batch_id, seconds=300)
    rows = product.call(f"/v1/batches/{batch_id}/results?limit=100")[1]["data"]
    answers = [row["output"]["text"] for row in rows if row["output"]]
    # The simulator's answers repeat what they were asked.
    assert sum(PROBE in answer for answer in answers) >= len(HOSTILE_TEXTS) // 2
    judged = {
        "comment": HOSTILE_TEXTS[0],
        "items": [
            {
                "customer_item_id": rows[0]["customer_item_id"],
                "verdict": "rejected",
                "reason": HOSTILE_TEXTS[1],
            }
        ],
    }
    status, said = product.call(f"/v1/batches/{batch_id}/quality-feedback", judged)
    assert status in {200, 201}, said
    return batch_id


def _line(number: int, text: str) -> dict[str, object]:
    return {
        "customer_item_id": "".join(filter(str.isprintable, f"{number} {text}")),
        "operation": "responses",
        "model": "gpt-5.4-mini",
        "input": {"input": text, "max_output_tokens": 200},
        **({"verify": _TOO_SHORT} if number % 3 == 0 else {}),
    }


def _log_in(page: Page) -> None:
    page.goto("/login")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page).not_to_have_url(re.compile("/login"))


def _walk(page: Page) -> Iterator[str]:
    """Open every page that links lead to, a few of each kind; yield its address."""
    waiting, known, kinds = ["/"], {"/"}, Counter[str]()
    while waiting and sum(kinds.values()) < _PAGES_MAX:
        path = waiting.pop(0)
        kind = _ID.sub("*", path.partition("?")[0])
        if kinds[kind] >= _OF_A_KIND:
            continue
        kinds[kind] += 1
        reply = page.goto(path)
        assert reply is not None
        assert reply.status == 200, (path, reply.status)
        yield path
        for link in page.locator("a[href]").evaluate_all(
            "found => found.map(one => one.href)"
        ):
            parts = urlsplit(urldefrag(link).url)
            onward = parts._replace(scheme="", netloc="").geturl()
            if parts.netloc == urlsplit(page.url).netloc and onward not in known:
                known.add(onward)
                if not onward.startswith(_LEFT_OUT):
                    waiting.append(onward)


def _is_harmless(page: Page, path: str) -> bool:
    """See that no text became a part of the page; such a page is told."""
    assert page.locator(f"#{PROBE}").count() == 0, path
    assert page.title() != "taken", path
    assert page.locator("main").is_visible(), path
    return True
