"""The review queue: one answer after the other."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Org
from batches.models import Batch, ItemVerdict
from tests.console.made import (
    failed,
    finished_batch,
    retried,
    running_batch,
    to_review,
)
from tests.console.test_batches import page_of, words


@pytest.fixture
def waiting(org: Org) -> Batch:
    """Three answers that want a person's eye, and two that do not."""
    return finished_batch(
        org,
        "fine",
        *(to_review(text) for text in ("unsure one", "unsure two", "unsure three")),
        failed(),
    )


def judge(client: Client, batch: Batch, seq: int, **sent: str) -> str:
    """Press a button of the queue and return where it leads."""
    path = f"/batches/{batch.public_id}/review?row={seq}"
    reply = client.post(path, {"verdict": "accepted", **sent})
    assert reply.status_code == 302, reply.content
    return str(reply["Location"]).removeprefix(f"/batches/{batch.public_id}")


def test_the_queue_begins_with_the_first_answer(owner: Client, waiting: Batch) -> None:
    text = words(page_of(owner, waiting, "/review"))
    assert "0 of 3 looked at" in text
    assert "unsure one" in text
    assert "Review 3" in text


def test_a_verdict_moves_on_to_the_next_one(owner: Client, waiting: Batch) -> None:
    after = judge(owner, waiting, 1, verdict="rejected", reason="off topic")
    assert after == "/review?after=1"
    text = words(page_of(owner, waiting, after))
    assert "item-1 is rejected." in text
    assert "1 of 3 looked at" in text
    assert "unsure two" in text
    verdict = ItemVerdict.objects.get()
    assert (verdict.seq, verdict.verdict) == (1, "rejected")
    assert verdict.reason == "off topic"


def test_what_was_skipped_comes_again_at_the_end(owner: Client, waiting: Batch) -> None:
    judge(owner, waiting, 2)
    after = judge(owner, waiting, 3)
    assert "unsure one" in words(page_of(owner, waiting, after))


def test_the_queue_ends_when_all_were_looked_at(owner: Client, waiting: Batch) -> None:
    judge(owner, waiting, 1)
    judge(owner, waiting, 2)
    text = words(page_of(owner, waiting, judge(owner, waiting, 3)))
    assert "3 of 3 looked at" in text
    assert "All of them were looked at" in text


def test_completed_answers_are_looked_at_on_request(
    owner: Client, waiting: Batch
) -> None:
    text = words(page_of(owner, waiting, "/review?rows=all"))
    assert "0 of 4 looked at" in text
    assert "fine" in text
    path = f"/batches/{waiting.public_id}/review?rows=all&row=0"
    reply = owner.post(path, {"verdict": "accepted"})
    assert str(reply["Location"]).endswith("/review?rows=all&after=0")


def test_every_verdict_is_one_key(owner: Client, waiting: Batch) -> None:
    body = page_of(owner, waiting, "/review")
    for key in ("a", "r", "e", "c", "j"):
        assert f'data-shortcut="{key}"' in body


def test_the_way_back_is_a_key_as_well(owner: Client, waiting: Batch) -> None:
    path = f"/batches/{waiting.public_id}/review"
    assert f'href="{path}?row=1"' in page_of(owner, waiting, "/review?after=1")
    assert f'href="{path}?row=2"' in page_of(owner, waiting, "/review?row=3")


def test_a_correction_begins_with_the_answer(owner: Client, waiting: Batch) -> None:
    body = page_of(owner, waiting, "/review")
    assert "unsure one</textarea>" in body


def test_a_refused_verdict_keeps_what_was_typed(owner: Client, waiting: Batch) -> None:
    path = f"/batches/{waiting.public_id}/review?row=1"
    sent = {"verdict": "corrected", "correction": " ", "reason": "a long story"}
    reply = owner.post(path, sent)
    body = reply.content.decode()
    assert reply.status_code == 400
    assert "Write what the answer should have been." in body
    assert 'value="a long story"' in body
    assert not ItemVerdict.objects.exists()


def test_answers_of_retries_are_in_the_queue(owner: Client, org: Org) -> None:
    batch = finished_batch(org, "fine", failed())
    child = retried(batch, {1: to_review("unsure at last")})
    text = words(page_of(owner, batch, "/review"))
    assert "0 of 1 looked at" in text
    assert "unsure at last" in text
    judge(owner, batch, 1)
    assert ItemVerdict.objects.get().batch_id == child.pk
    assert "1 of 1 looked at" in words(page_of(owner, batch, "/review"))


def test_a_viewer_reads_and_does_not_judge(viewer: Client, waiting: Batch) -> None:
    body = page_of(viewer, waiting, "/review")
    assert "A viewer may not judge answers." in body
    assert 'value="accepted"' not in body


def test_a_running_batch_is_judged_later(owner: Client, org: Org) -> None:
    running = running_batch(org, items=3, answers=[to_review("unsure")])
    body = page_of(owner, running, "/review")
    assert "Answers are judged when the batch has ended." in body
    assert 'value="accepted"' not in body


def test_a_batch_without_doubts_has_an_empty_queue(owner: Client, batch: Batch) -> None:
    assert "Nothing waits for a person" in page_of(owner, batch, "/review")


def test_a_verdict_names_its_row(owner: Client, waiting: Batch) -> None:
    for query in ("", "?row=x", "?row=-1", "?row=99"):
        path = f"/batches/{waiting.public_id}/review{query}"
        assert owner.post(path, {"verdict": "accepted"}).status_code == 404
    assert not ItemVerdict.objects.exists()


def test_the_queue_reads_a_fixed_number_of_times(
    owner: Client, org: Org, django_assert_max_num_queries: Any
) -> None:
    batch = finished_batch(org, to_review("one"), failed(), to_review("two"))
    retried(batch, {1: to_review("three")})
    judge(owner, batch, 0)
    page_of(owner, batch, "/review?after=0")
    with django_assert_max_num_queries(12):
        page_of(owner, batch, "/review?after=0")
