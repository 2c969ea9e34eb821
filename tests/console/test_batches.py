"""The pages of batches."""

import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import Org
from batches.models import Batch, Execution, GoldenOutcome, RoutePlan, WorkUnit
from tests.console.made import (
    Answer,
    end_batch,
    failed,
    finished_batch,
    retried,
    running_batch,
    to_review,
)
from tests.factories.batches import make_batch, make_items

ATTACK = "<script>alert(1)</script>\n<img src=x onerror=alert(2)>"


def read(client: Client, path: str) -> str:
    reply = client.get(path)
    assert reply.status_code == 200
    return str(reply.content.decode())


def page_of(client: Client, batch: Batch, part: str = "") -> str:
    return read(client, f"/batches/{batch.public_id}{part}")


def words(html: str) -> str:
    """Return a page's text with single spaces."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_a_finished_batch_shows_its_state_and_counts(
    owner: Client, batch: Batch
) -> None:
    text = words(page_of(owner, batch))
    assert "completed Finished. 2 of 2 items done, 100 %" in text
    assert "pending 0 running 0 completed 2 failed 0" in text


def test_money_is_rounded_for_the_eye_and_exact_in_the_title(
    owner: Client, batch: Batch
) -> None:
    # Two rows of 0.00002 and a fee of 5.9 percent, rounded up once.
    assert (
        '<data class="money" value="0.00004236" title="0.00004236 USD">$0.000042</data>'
    ) in page_of(owner, batch)


def test_what_was_not_used_is_shown_as_released(owner: Client, batch: Batch) -> None:
    released = batch.quote.total_nanousd - 42_360
    assert f'value="0.{released:09d}'.rstrip("0") in page_of(owner, batch)


def test_answers_are_shown_in_the_order_of_the_input(
    owner: Client, batch: Batch
) -> None:
    text = words(page_of(owner, batch))
    assert text.index("item-0 no. 0") < text.index("The first answer.")
    assert text.index("The first answer.") < text.index("The second answer.")


@pytest.mark.parametrize("part", ["", "/results", "/rows/0"])
def test_what_a_model_wrote_is_text_and_nothing_else(
    part: str, owner: Client, org: Org
) -> None:
    body = page_of(owner, finished_batch(org, ATTACK), part)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in body
    assert "<script>" not in body
    assert "<img" not in body


def test_files_have_links_that_open_them(owner: Client, batch: Batch) -> None:
    assert batch.output_file is not None
    link = f"https://batchrouter.example/v1/files/{batch.output_file.public_id}"
    found = re.search(rf'href="{re.escape(link)}([^"]+)"', page_of(owner, batch))
    assert found is not None
    path = f"/v1/files/{batch.output_file.public_id}{found[1]}"
    assert Client().get(path.replace("&amp;", "&")).status_code == 200


def test_both_receipts_are_shown_verified(owner: Client, batch: Batch) -> None:
    text = words(page_of(owner, batch))
    assert "Billing receipt no. 2 verified" in text
    assert "Route receipt no. 1 verified" in text


def test_a_receipt_can_be_downloaded_as_shown(owner: Client, batch: Batch) -> None:
    path = f"/v1/batches/{batch.public_id}/billing-receipt"
    assert f'href="{path}"' in page_of(owner, batch)
    assert owner.get(path).json()["sha256"] in page_of(owner, batch)


def test_the_timeline_tells_what_happened(owner: Client, batch: Batch) -> None:
    text = words(page_of(owner, batch))
    assert text.index("Submitted") < text.index("Queued") < text.rindex("Completed")


def test_a_finished_batch_with_everything_reads_at_most_twelve_times(
    owner: Client, org: Org, django_assert_max_num_queries: Any
) -> None:
    batch = finished_batch_with_everything(org)
    text = words(page_of(owner, batch))
    for part in ("What is left", "Retries", "Golden items", "Receipts", "Timeline"):
        assert part in text
    with django_assert_max_num_queries(12):
        page_of(owner, batch)


def finished_batch_with_everything(org: Org) -> Batch:
    """Return one with golden items, rows to review, failed ones, and a retry."""
    items = make_items(20)
    items[0]["golden"] = {"expected": "yes"}
    answers: list[Answer] = [
        "yes",
        to_review("unsure"),
        failed(),
        failed(),
        *["fine"] * 16,
    ]
    batch = end_batch(make_batch(org, items), dict(enumerate(answers)))
    execution = Execution.objects.get(batch=batch)
    GoldenOutcome.objects.create(
        batch_id=batch.pk, seq=0, execution_id=execution.pk, is_right=True
    )
    retried(batch, {2: "late", 3: failed()})
    return batch


def test_golden_items_show_how_often_they_were_right(owner: Client, org: Org) -> None:
    text = words(page_of(owner, finished_batch_with_everything(org)))
    assert "All lanes 1 of 1 right, 100 %" in text


def test_a_batch_lists_its_retries_and_what_they_changed(
    owner: Client, org: Org
) -> None:
    batch = finished_batch(org, "one", failed())
    child = retried(batch, {1: "two"})
    body = page_of(owner, batch)
    assert f'href="/batches/{child.public_id}">{child.public_id}</a>' in body
    assert "With them: 2 completed" in words(body)


def test_a_retry_leads_back_to_its_batch(owner: Client, org: Org) -> None:
    batch = finished_batch(org, "one", failed())
    body = page_of(owner, retried(batch, {1: "two"}))
    assert f'href="/batches/{batch.public_id}">{batch.public_id}</a>' in body
    assert "A retry of" in body


def test_a_running_batch_reads_at_most_twelve_times(
    owner: Client, org: Org, django_assert_max_num_queries: Any
) -> None:
    running = running_batch(org, items=4, answers=["one"])
    page_of(owner, running)
    with django_assert_max_num_queries(12):
        page_of(owner, running)


def test_a_running_batch_shows_how_far_it_is(owner: Client, org: Org) -> None:
    running = running_batch(org, items=4, answers=["one"])
    text = words(page_of(owner, running))
    assert "1 of 4 items done, 25 %" in text
    assert "pending 0 running 3 completed 1" in text
    assert "left" in text


def test_a_running_batch_refreshes_by_script_and_by_hand(
    owner: Client, org: Org
) -> None:
    running = running_batch(org, items=4, answers=["one"])
    body = page_of(owner, running)
    assert f'hx-get="/batches/{running.public_id}/live" hx-trigger="every 2s"' in body
    assert f'href="/batches/{running.public_id}">Refresh</a>' in body


def test_the_live_part_alone_is_a_fragment(owner: Client, org: Org) -> None:
    running = running_batch(org, items=4, answers=["one"])
    body = page_of(owner, running, "/live")
    assert "1 of 4 items" in words(body)
    assert "<html" not in body


def test_an_ended_batch_asks_for_no_more(owner: Client, batch: Batch) -> None:
    reply = owner.get(f"/batches/{batch.public_id}/live")
    assert "hx-get" not in reply.content.decode()
    assert reply["HX-Refresh"] == "true"


def test_a_poll_asks_for_the_batch_once(
    owner: Client, org: Org, django_assert_num_queries: Any
) -> None:
    running = running_batch(org, items=4, answers=["one"])
    page_of(owner, running, "/live")
    # Session, person and place; the batch with all that moves.
    with django_assert_num_queries(4):
        page_of(owner, running, "/live")


def test_a_running_batch_tells_what_it_costs_so_far(owner: Client, org: Org) -> None:
    running = running_batch(org, items=4, answers=["one", "two"])
    assert 'value="0.000042" title="0.000042 USD"' in page_of(owner, running, "/live")


def test_a_batch_tells_who_delivered_and_how_often_it_was_tried(
    owner: Client, org: Org
) -> None:
    running = running_batch(org, items=4, answers=["one"])
    first = Execution.objects.get(batch=running)
    first.failures = {"timeout": 2, "provider_overloaded": 1}
    first.save()
    first.pk, first.public_id = None, "pexec_00000000000000000000000000"
    first.provider, first.stage, first.completed = "elsewhere", 1, 7
    first.save(force_insert=True)
    text = words(page_of(owner, running, "/live"))
    assert "openai delivered 1 · elsewhere delivered 7 · 1 fallback · 6 retries" in text


def test_a_unit_on_a_later_plan_shows_the_lane_of_that(owner: Client, org: Org) -> None:
    running = running_batch(org, items=4, answers=["one"])
    stage = running.quote.decisions[0]["stages"][0]
    plan = RoutePlan.objects.create(
        batch=running,
        group_no=0,
        kept=1,
        cause="breaker_open",
        stages=[stage, {**stage, "provider": "elsewhere"}],
    )
    WorkUnit.objects.filter(batch=running).update(plan=plan, stage=1)
    assert "elsewhere:" in page_of(owner, running, "/live")


def test_the_list_shows_the_newest_first(owner: Client, org: Org) -> None:
    older, newer = finished_batch(org, "a"), finished_batch(org, "b")
    body = read(owner, "/batches")
    assert body.index(newer.public_id) < body.index(older.public_id)


def test_the_list_goes_on_by_key(owner: Client, org: Org) -> None:
    made = [make_batch(org) for _ in range(26)]
    first = read(owner, "/batches")
    link = f"/batches?before={made[1].public_id}"
    assert f'href="{link}#before"' in first
    assert made[0].public_id not in first
    second = read(owner, link)
    assert made[0].public_id in second
    assert made[1].public_id not in second


def test_the_list_reads_a_fixed_number_of_times(
    owner: Client, org: Org, django_assert_max_num_queries: Any
) -> None:
    for _ in range(4):
        running_batch(org, items=2, answers=["one"])
    read(owner, "/batches")
    with django_assert_max_num_queries(6):
        read(owner, "/batches")


def test_cancel_asks_the_batch_to_stop(owner: Client, org: Org) -> None:
    running = running_batch(org, items=4, answers=["one"])
    assert "Stop this batch" in page_of(owner, running)
    reply = owner.post(f"/batches/{running.public_id}/cancel", follow=True)
    running.refresh_from_db()
    assert running.cancel_requested_at is not None
    assert "The batch is being stopped." in reply.content.decode()
    assert "Stop this batch" not in reply.content.decode()


def test_cancelling_an_ended_batch_says_so(owner: Client, batch: Batch) -> None:
    reply = owner.post(f"/batches/{batch.public_id}/cancel", follow=True)
    assert "There was nothing left to stop." in reply.content.decode()


def test_a_viewer_cannot_cancel(viewer: Client, org: Org) -> None:
    running = running_batch(org, items=4, answers=["one"])
    assert "Stop this batch" not in page_of(viewer, running)
    assert viewer.post(f"/batches/{running.public_id}/cancel").status_code == 403
    running.refresh_from_db()
    assert running.cancel_requested_at is None


def test_cancel_wants_a_form_of_ours(org: Org, owner: Client) -> None:
    running = running_batch(org, items=4, answers=["one"])
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = owner.cookies
    assert strict.post(f"/batches/{running.public_id}/cancel").status_code == 403
    running.refresh_from_db()
    assert running.cancel_requested_at is None
