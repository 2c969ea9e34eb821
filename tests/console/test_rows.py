"""The rows of a batch: found, and one of them in full."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Org
from batches.models import Batch, ItemVerdict
from batches.services.retention import REQUEST, delete_content
from batchrouter.kit import clock
from tests.console.made import (
    Made,
    end_batch,
    failed,
    finished_batch,
    retried,
    running_batch,
    to_review,
)
from tests.console.test_batches import page_of, words
from tests.factories.batches import make_batch, make_item

HOSTILE = (
    "<script>alert(1)</script>\u202e\u0000\x1b[31m"
    '"><img src=x onerror=alert(2)> {{ 7|add:7 }} \u05e9\u05dc\u05d5\u05dd'
)


def found(client: Client, batch: Batch, query: str = "") -> list[str]:
    """Return the numbers of the rows that the results page shows."""
    text = words(page_of(client, batch, f"/results{query}"))
    return [part.split()[0] for part in text.split(" no. ")[1:]]


@pytest.fixture
def mixed(org: Org) -> Batch:
    """One row of each kind: completed, to review, failed, failed by its checks."""
    return finished_batch(
        org, "fine", to_review("unsure"), failed(), failed("verification_failed")
    )


@pytest.mark.parametrize(
    ("show", "rows"),
    [
        ("", ["0", "1", "2", "3"]),
        ("completed", ["0"]),
        ("review", ["1"]),
        ("failed", ["2", "3"]),
        ("expired", []),
        ("failed-check", ["1", "3"]),
        ("nonsense", ["0", "1", "2", "3"]),
    ],
)
def test_rows_are_filtered_by_what_became_of_them(
    show: str, rows: list[str], owner: Client, mixed: Batch
) -> None:
    assert found(owner, mixed, f"?show={show}") == rows


@pytest.mark.parametrize(
    ("search", "rows"),
    [
        ("item-2", ["2"]),
        ("EM-3", ["3"]),
        ("item", ["0", "1", "2", "3"]),
        ("%25", []),
        ("_", []),
    ],
)
def test_rows_are_searched_by_a_part_of_the_customers_id(
    search: str, rows: list[str], owner: Client, mixed: Batch
) -> None:
    assert found(owner, mixed, f"?q={search}") == rows


def test_a_search_and_a_filter_go_together(owner: Client, mixed: Batch) -> None:
    assert found(owner, mixed, "?q=3&show=failed") == ["3"]
    assert found(owner, mixed, "?q=3&show=completed") == []


def test_the_filter_says_how_many_there_are(owner: Client, mixed: Batch) -> None:
    text = words(page_of(owner, mixed, "/results"))
    assert "all 4 completed, 1 failed, 2 canceled, 0 expired, 0 review, 1" in text


def test_rows_come_fifty_at_a_time_both_ways(owner: Client, org: Org) -> None:
    many = finished_batch(org, *(f"answer {number}." for number in range(120)))
    path = f"/batches/{many.public_id}/results"
    assert found(owner, many) == [str(number) for number in range(50)]
    middle = page_of(owner, many, "/results?after=49")
    assert f'href="{path}?before=50"' in middle
    assert f'href="{path}?after=99"' in middle
    assert found(owner, many, "?before=50") == [str(number) for number in range(50)]
    assert found(owner, many, "?before=100") == [
        str(number) for number in range(50, 100)
    ]
    assert "Previous rows" not in page_of(owner, many, "/results?before=50")
    assert "Next rows" not in page_of(owner, many, "/results?after=99")


def test_pages_keep_the_filter(owner: Client, org: Org) -> None:
    many = finished_batch(org, *("an answer" for _ in range(60)))
    body = page_of(owner, many, "/results?q=item&show=completed")
    query = "q=item&amp;show=completed&amp;after=49"
    assert f'href="/batches/{many.public_id}/results?{query}"' in body


def test_a_retried_batch_shows_of_each_item_the_best_row(
    owner: Client, org: Org
) -> None:
    batch = finished_batch(org, "one", failed(), failed())
    retried(batch, {1: "two", 2: failed("timeout")})
    assert found(owner, batch, "?show=completed") == ["0", "1"]
    assert found(owner, batch, "?show=failed") == ["2"]
    text = words(page_of(owner, batch, "/results"))
    assert "no. 1 · from retry 1" in text
    assert "all 3 completed, 2 failed, 1" in text
    assert "timeout: No lane gave an answer." in text


def test_a_retry_shows_its_own_rows(owner: Client, org: Org) -> None:
    batch = finished_batch(org, "one", failed())
    assert found(owner, retried(batch, {1: "two"})) == ["1"]


def test_golden_rows_are_hidden_where_the_customer_wished(
    owner: Client, org: Org
) -> None:
    items = [make_item(number) for number in range(20)]
    items[3]["golden"] = {"expected": "yes"}
    batch = make_batch(org, items, exclude_golden=True)
    end_batch(batch, dict.fromkeys(range(20), "yes"))
    assert "3" not in found(owner, batch)
    assert owner.get(f"/batches/{batch.public_id}/rows/3").status_code == 404
    assert "/rows/4" in page_of(owner, batch, "/rows/2")


def test_rows_of_a_running_batch_can_be_read(owner: Client, org: Org) -> None:
    running = running_batch(org, items=4, answers=["so far"])
    body = page_of(owner, running, "/results")
    assert "so far" in body
    assert "these are the rows that exist now" in body


def test_an_item_without_a_row_shows_what_was_asked(owner: Client, org: Org) -> None:
    running = running_batch(org, items=4, answers=["so far"])
    text = words(page_of(owner, running, "/rows/3"))
    assert "There is no row yet" in text
    assert "Say hello." in text


def test_a_row_shows_what_was_asked_and_answered(owner: Client, org: Org) -> None:
    batch = finished_batch(org, to_review("an unsure answer", why="no vowel"))
    text = words(page_of(owner, batch, "/rows/0"))
    assert "An unsure answer".casefold() in text.casefold()
    assert "Say hello." in text
    assert "failed regex no vowel" in text
    assert "passed not_empty It has text." in text
    assert "openai:direct" in text
    assert "Input 12,345 tokens" in text
    assert "This run made the row." in text


def test_a_row_pretty_prints_json_and_tool_calls(owner: Client, org: Org) -> None:
    call = {"type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
    batch = finished_batch(
        org,
        Made('{"b":[1]}', parsed_json={"b": [1]}),
        Made(tool_calls=[call]),
        Made(refusal="I would rather not."),
    )
    assert "{\n  &quot;b&quot;: [\n    1\n  ]\n}" in page_of(owner, batch, "/rows/0")
    assert "&quot;arguments&quot;: {\n" in page_of(owner, batch, "/rows/1")
    assert "Refusal I would rather not." in words(page_of(owner, batch, "/rows/2"))


def test_a_row_tells_of_repairs_and_of_what_was_not_sent(
    owner: Client, org: Org
) -> None:
    batch = finished_batch(
        org, Made("{}", is_repaired=True, dropped_fields=("top_k", "seed"))
    )
    text = words(page_of(owner, batch, "/rows/0"))
    assert "The answer's JSON was repaired" in text.replace("&#x27;", "'")
    assert "top_k seed" in text


def test_rows_lead_to_those_beside_them(owner: Client, mixed: Batch) -> None:
    path = f"/batches/{mixed.public_id}/rows"
    body = page_of(owner, mixed, "/rows/1")
    assert f'data-shortcut="k" href="{path}/0"' in " ".join(body.split())
    assert f'data-shortcut="j" href="{path}/2"' in " ".join(body.split())
    assert "Previous row" not in page_of(owner, mixed, "/rows/0")
    assert "Next row" not in page_of(owner, mixed, "/rows/3")


def test_a_row_of_a_retried_batch_tells_of_all_attempts(
    owner: Client, org: Org
) -> None:
    batch = finished_batch(org, "one", failed())
    child = retried(batch, {1: "two"})
    text = words(page_of(owner, batch, "/rows/1"))
    assert f"from the retry {child.public_id}" in text
    assert text.count(child.public_id) == 2
    assert "This run made the row." in text


@pytest.mark.parametrize("part", ["", "/results", "/rows/0", "/review", "/rows/1"])
def test_hostile_text_is_shown_and_does_nothing(
    part: str, owner: Client, org: Org
) -> None:
    item = make_item(0, input={"input": HOSTILE.replace("\0", ""), "instructions": "x"})
    name = '"><script>alert(3)</script>'
    other = make_item(1, customer_item_id=name)
    batch = end_batch(
        make_batch(org, [item, other]),
        {0: to_review(HOSTILE, why=HOSTILE), 1: Made(tool_calls=[{"x": HOSTILE}])},
    )
    body = page_of(owner, batch, part)
    assert "<script>alert" not in body
    assert "<img" not in body
    assert "{{ 7" in body or part == "/rows/1"
    for hidden in ("\0", "\x1b", "\u202e"):
        assert hidden not in body


def test_a_long_answer_is_shown_whole_and_folded(owner: Client, org: Org) -> None:
    batch = finished_batch(org, "a" * 50_000)
    body = page_of(owner, batch, "/rows/0")
    assert "a" * 50_000 in body
    assert '<details class="fold">' in body
    assert "50,000 characters" in body
    assert "a" * 161 not in page_of(owner, batch, "/results")


def test_an_answer_without_end_is_cut(owner: Client, org: Org) -> None:
    body = page_of(owner, finished_batch(org, "a" * 60_001), "/rows/0")
    assert "a" * 60_000 in body
    assert "a" * 60_001 not in body
    assert "Cut here; the files have all of it." in body


def test_a_retry_whose_content_was_deleted_is_left_out(owner: Client, org: Org) -> None:
    batch = finished_batch(org, "one", failed())
    child = retried(batch, {1: "two"})
    delete_content(child, cause=REQUEST, now=clock.now())
    assert found(owner, batch, "?show=failed") == ["1"]
    text = words(page_of(owner, batch, "/rows/1"))
    assert "No lane gave an answer." in text
    assert "from the retry" not in text


def test_deleted_content_is_said_to_be_deleted(owner: Client, org: Org) -> None:
    batch = finished_batch(org, "a secret answer", failed())
    delete_content(batch, cause=REQUEST, now=clock.now())
    for part in ("", "/results", "/rows/0", "/review"):
        body = page_of(owner, batch, part)
        assert "were deleted" in body
        assert "a secret answer" not in body
        assert "Say hello" not in body
    assert "12,345 tokens" in words(page_of(owner, batch, "/rows/0"))


def test_a_row_is_judged_on_its_page(owner: Client, batch: Batch) -> None:
    sent = {"verdict": "corrected", "correction": "Better.", "reason": "too short"}
    reply = owner.post(f"/batches/{batch.public_id}/rows/1", sent, follow=True)
    verdict = ItemVerdict.objects.get()
    assert (verdict.batch_id, verdict.seq) == (batch.pk, 1)
    assert (verdict.verdict, verdict.correction) == ("corrected", "Better.")
    assert verdict.reason == "too short"
    body = reply.content.decode()
    assert "item-1 is corrected." in body
    assert "too short" in body


def test_a_row_that_a_retry_delivered_is_judged_there(owner: Client, org: Org) -> None:
    batch = finished_batch(org, "one", failed())
    child = retried(batch, {1: "two"})
    owner.post(f"/batches/{batch.public_id}/rows/1", {"verdict": "accepted"})
    verdict = ItemVerdict.objects.get()
    assert (verdict.batch_id, verdict.seq) == (child.pk, 1)
    assert "Accepted" in words(page_of(owner, batch, "/rows/1"))


def test_an_answer_of_json_is_corrected_by_json(owner: Client, org: Org) -> None:
    batch = finished_batch(org, Made('{"b":1}', parsed_json={"b": 1}))
    path = f"/batches/{batch.public_id}/rows/0"
    for wrong in ("{b: 2", '{"b":"\\u0000"}'):
        sent = {"verdict": "corrected", "correction": wrong, "reason": "typed"}
        reply = owner.post(path, sent)
        assert reply.status_code == 400
        assert "The answer is JSON." in reply.content.decode()
        assert 'value="typed"' in reply.content.decode()
    assert not ItemVerdict.objects.exists()
    owner.post(path, {"verdict": "corrected", "correction": '{"b": 2}'})
    assert ItemVerdict.objects.get().correction == {"b": 2}


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"verdict": "loved"},
        {"verdict": "corrected", "correction": "  "},
        {"verdict": "rejected", "reason": "a" * 1001},
        {"verdict": "rejected", "reason": "\0"},
        {"verdict": "corrected", "correction": "é" * 10_000},
    ],
)
def test_what_is_no_verdict_is_refused(
    sent: dict[str, str], owner: Client, batch: Batch
) -> None:
    reply = owner.post(f"/batches/{batch.public_id}/rows/0", sent)
    assert reply.status_code == 400
    assert 'role="alert"' in reply.content.decode()
    assert not ItemVerdict.objects.exists()


def test_a_row_without_an_answer_is_not_judged(owner: Client, mixed: Batch) -> None:
    path = f"/batches/{mixed.public_id}/rows/2"
    assert "Your verdict" not in page_of(owner, mixed, "/rows/2")
    reply = owner.post(path, {"verdict": "accepted"})
    assert reply.status_code == 400
    assert "only a delivered answer is judged" in reply.content.decode()
    assert not ItemVerdict.objects.exists()


def test_a_row_of_a_running_batch_is_not_judged(owner: Client, org: Org) -> None:
    running = running_batch(org, items=2, answers=["one"])
    path = f"/batches/{running.public_id}/rows/0"
    assert 'value="accepted"' not in page_of(owner, running, "/rows/0")
    assert owner.post(path, {"verdict": "accepted"}).status_code == 409
    assert not ItemVerdict.objects.exists()


@pytest.mark.parametrize("part", ["/results", "/results?q=item&show=failed", "/rows/2"])
def test_pages_of_rows_read_a_fixed_number_of_times(
    part: str, owner: Client, org: Org, django_assert_max_num_queries: Any
) -> None:
    batch = finished_batch(org, "one", to_review("two"), failed(), failed())
    retried(batch, {2: to_review("three"), 3: failed()})
    owner.post(f"/batches/{batch.public_id}/rows/2", {"verdict": "accepted"})
    page_of(owner, batch, part)
    with django_assert_max_num_queries(12):
        page_of(owner, batch, part)
