"""GET and POST /v1/batches/{id}/quality-feedback, and the loop that learns from it."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from batches.models import Batch, ItemVerdict, QualityDay, QualityFeedback
from batches.selectors import batch_of
from catalog.models import Offering, Provider
from tests.batches.conftest import Customer, make_customer
from tests.factories.batches import make_batch, make_item, make_items, run_batch
from tests.factories.catalog import (
    ModelProfileFactory,
    OfferingFactory,
    OfferingPriceFactory,
)
from tests.support.api_client import error_of

Json = dict[str, Any]

TWIN = "twin-model"


@pytest.fixture
def twins(simulator: Any) -> list[str]:
    """Two lanes that differ in nothing but their provider; the first wins a tie."""
    providers = ["groq", "together"]
    Provider.objects.filter(key__in=providers).update(
        message_overhead_tokens=16, token_factor_bps=10_000
    )
    model = ModelProfileFactory.create(slug=TWIN)
    for key in providers:
        offering = OfferingFactory.create(
            model=model,
            provider=Provider.objects.get(key=key),
            adapter=Offering.objects.filter(provider__key=key, mode="direct")
            .exclude(adapter="")
            .values_list("adapter", flat=True)[0],
        )
        OfferingPriceFactory.create(offering=offering)
    return providers


def quote(customer: Customer, **wishes: Any) -> Json:
    """Quote three items of the twin model."""
    body = {"items": make_items(3, model=TWIN), **wishes}
    response = customer.api.post("/v1/batches/quote", body)
    assert response.status_code == 200, response.content
    found: Json = response.json()
    return found


def ran(customer: Customer, **wishes: Any) -> Batch:
    """Submit the quoted items through the API and take them to their end."""
    made = customer.api.post(
        "/v1/batches", {"quote_id": quote(customer, **wishes)["quote_id"]}
    )
    assert made.status_code == 202, made.content
    batch = run_batch(batch_of(customer.org, made.json()["id"]))
    assert batch.state == "completed"
    return batch


def judge(customer: Customer, batch: Batch, body: Json, **headers: str) -> Any:
    path = f"/v1/batches/{batch.public_id}/quality-feedback"
    return customer.api.post(path, body, **headers)


def verdicts(verdict: str, *numbers: int) -> Json:
    """Return the same verdict on some rows."""
    return {
        "items": [
            {"customer_item_id": f"item-{number}", "verdict": verdict}
            for number in numbers
        ]
    }


def read(customer: Customer, batch: Batch) -> Json:
    found: Json = customer.api.get(
        f"/v1/batches/{batch.public_id}/quality-feedback"
    ).json()
    return found


def trust_in(customer: Customer, provider: str) -> float:
    """Return the trust that the next quote has in a provider's lane."""
    lanes = {lane["provider"]: lane for lane in quote(customer)["lanes"]}
    trust: float = lanes[provider]["trust_score"]
    return trust


def pass_days(count: int) -> None:
    """Let what is known grow older."""
    QualityDay.objects.update(day=F("day") - timedelta(days=count))


def test_feedback_against_one_of_two_equal_lanes_turns_the_next_quote(
    owner: Customer, twins: list[str]
) -> None:
    first, second = twins
    batch = ran(owner)
    assert quote(owner)["route_decision"]["selected_provider"] == first

    judged = judge(owner, batch, verdicts("rejected", 0, 1, 2))

    assert judged.status_code == 201
    after = quote(owner)
    assert after["route_decision"]["selected_provider"] == second
    next_batch = ran(owner)
    receipt = owner.api.get(f"/v1/batches/{next_batch.public_id}/route-receipt").json()
    (decision,) = receipt["receipt"]["decisions"]
    assert decision["route_decision"]["selected_provider"] == second
    chosen, left = decision["candidates"]
    assert (chosen["provider"], left["provider"]) == (second, first)
    assert left["trust_score"] < chosen["trust_score"] == 0.985
    assert left["reason"] == (
        f"Fallback 1: {TWIN} at Groq by direct calls. Your feedback lowers its trust "
        "by 23.0 %: 3.0 verdicts against its answers and 0.0 for them, older ones "
        "counting less."
    )


def test_the_effect_of_feedback_fades_with_time(
    owner: Customer, twins: list[str]
) -> None:
    first, _ = twins
    batch = ran(owner)
    judge(owner, batch, verdicts("rejected", 0, 1, 2))
    at_once = trust_in(owner, first)

    pass_days(14)
    half_gone = trust_in(owner, first)
    pass_days(14)
    mostly_gone = trust_in(owner, first)
    pass_days(63)

    assert at_once < half_gone < mostly_gone < 0.985
    assert trust_in(owner, first) == 0.985
    assert quote(owner)["route_decision"]["selected_provider"] == first


def test_the_effect_of_feedback_fades_with_evidence(
    owner: Customer, twins: list[str]
) -> None:
    first, second = twins
    batch = ran(owner)
    judge(owner, batch, verdicts("rejected", 0))
    at_once = trust_in(owner, first)
    again = ran(owner, provider_preferences={"only": [first]})

    judge(owner, again, verdicts("accepted", 0, 1, 2))

    assert at_once < trust_in(owner, first) < 0.985
    other = ran(owner, provider_preferences={"only": [second]})
    judge(owner, other, verdicts("rejected", 0, 1, 2))
    assert quote(owner)["route_decision"]["selected_provider"] == first


def test_others_learn_from_feedback_with_less_weight(
    owner: Customer, stranger: Customer, twins: list[str]
) -> None:
    first, second = twins
    batch = ran(owner)

    judge(owner, batch, verdicts("rejected", 0, 1, 2))

    found = quote(stranger)
    assert found["route_decision"]["selected_provider"] == second
    (lane,) = [lane for lane in found["lanes"] if lane["provider"] == first]
    assert trust_in(owner, first) < lane["trust_score"] < 0.985
    assert lane["reason"].endswith(
        "Feedback of other customers lowers its trust by 7.0 %."
    )


def test_one_other_customer_cannot_sink_a_lane(
    owner: Customer, stranger: Customer, twins: list[str]
) -> None:
    first, _ = twins
    batch = ran(owner)
    judge(owner, batch, verdicts("rejected", 0, 1, 2))
    QualityDay.objects.filter(source="feedback").update(failed=1_000_000)

    assert trust_in(stranger, first) > 0.985 * 0.79


def test_a_test_keys_feedback_is_kept_and_teaches_nothing(
    market: None, twins: list[str]
) -> None:
    tester = make_customer(is_test=True)
    batch = ran(tester)

    judged = judge(tester, batch, {"rating": 1} | verdicts("rejected", 0))

    assert judged.status_code == 201
    assert QualityFeedback.objects.get().rating == 1
    assert not QualityDay.objects.exists()


@pytest.fixture
def done(owner: Customer, twins: list[str]) -> Batch:
    return ran(owner)


def counts(source: str = "feedback") -> tuple[int, int, int]:
    row = QualityDay.objects.get(source=source)
    return row.passed, row.repaired, row.failed


class TestAFinishedBatch:
    """Feedback on three delivered rows."""

    def test_the_signal_has_a_score_with_interval_and_sample(
        self, owner: Customer, done: Batch
    ) -> None:
        judge(owner, done, verdicts("accepted", 0, 1))
        judge(owner, done, verdicts("corrected", 2))

        signal = read(owner, done)["customer_quality_signal"]

        assert (signal["score"], signal["sample_size"]) == (0.8333, 3)
        assert signal["interval"] == {
            "low": 0.31,
            "high": 0.9823,
            "confidence": 0.95,
            "method": "wilson",
        }
        assert signal["trend"]["direction"] == "unknown"
        assert signal["this_batch"] == {"accepted": 2, "corrected": 1, "rejected": 0}

    def test_each_lane_learns_its_slice_and_says_what_changed(
        self, owner: Customer, done: Batch, twins: list[str]
    ) -> None:
        judge(owner, done, verdicts("rejected", 0))

        (lane,) = read(owner, done)["provider_attribution"]

        assert (lane["provider"], lane["model"], lane["items"]) == (twins[0], TWIN, 3)
        assert lane["operation"] == "responses"
        assert lane["workload_key"] == "model:responses"
        assert lane["verdicts"] == {"accepted": 0, "corrected": 0, "rejected": 1}
        assert lane["since_quote"]["quality_score"] == {"quoted": 0.92, "now": 0.836817}
        assert lane["since_quote"]["trust_score"] == {"quoted": 0.985, "now": 0.89594}
        (reason,) = lane["since_quote"]["reasons"]
        assert reason == (
            "Your feedback lowers its trust by 9.0 %: 1.0 verdicts against its "
            "answers and 0.0 for them, older ones counting less."
        )

    def test_before_any_feedback_there_is_no_score(
        self, owner: Customer, done: Batch
    ) -> None:
        found = read(owner, done)

        assert found["customer_quality_signal"]["score"] is None
        assert found["customer_quality_signal"]["sample_size"] == 0
        assert found["feedback"] == []

    def test_the_reply_names_the_feedback_and_what_was_counted(
        self, owner: Customer, done: Batch
    ) -> None:
        body = {"rating": 4, "comment": "Good."} | verdicts("accepted", 0)

        reply = judge(owner, done, body).json()

        assert reply["id"].startswith("fb_")
        assert (reply["rating"], reply["accepted"]) == (4, None)
        assert reply["verdicts"] == {"accepted": 1, "corrected": 0, "rejected": 0}
        assert reply["feedback"][0]["comment"] == "Good."

    def test_a_later_verdict_takes_the_place_of_the_earlier(
        self, owner: Customer, done: Batch
    ) -> None:
        judge(owner, done, verdicts("rejected", 0))
        judge(owner, done, verdicts("accepted", 0))

        assert counts() == (1, 0, 0)
        kept = ItemVerdict.objects.order_by("id").values_list("verdict", "is_current")
        assert list(kept) == [("rejected", False), ("accepted", True)]

    def test_a_verdict_is_taken_off_the_day_it_was_given(
        self, owner: Customer, done: Batch
    ) -> None:
        judge(owner, done, verdicts("rejected", 0))
        pass_days(3)
        QualityFeedback.objects.update(created_at=F("created_at") - timedelta(days=3))

        judge(owner, done, verdicts("accepted", 0))

        found = QualityDay.objects.filter(source="feedback").order_by("day")
        assert [(row.passed, row.failed) for row in found] == [(0, 0), (1, 0)]

    def test_a_verdict_on_the_batch_counts_once_for_each_lane(
        self, owner: Customer, done: Batch
    ) -> None:
        judge(owner, done, {"rating": 5})
        judge(owner, done, {"accepted": False})

        assert counts("rating") == (0, 0, 1)

    def test_a_correction_is_kept_as_it_was_sent(
        self, owner: Customer, done: Batch
    ) -> None:
        item = {
            "customer_item_id": "item-1",
            "verdict": "corrected",
            "correction": {"label": "late", "score": 0.5},
            "reason": "The parcel came late.",
        }

        judge(owner, done, {"items": [item]})

        row = ItemVerdict.objects.get()
        assert row.correction == {"label": "late", "score": 0.5}
        assert (row.seq, row.reason) == (1, "The parcel came late.")

    def test_a_repeat_with_the_same_key_counts_once(
        self, owner: Customer, done: Batch
    ) -> None:
        body = verdicts("rejected", 0)

        first = judge(owner, done, body, idempotency_key="once")
        again = judge(owner, done, body, idempotency_key="once")

        assert again.json() == first.json()
        assert again["Idempotent-Replayed"] == "true"
        assert QualityFeedback.objects.count() == 1
        assert counts() == (0, 0, 1)

    def test_a_strangers_batch_is_not_there(
        self, stranger: Customer, done: Batch
    ) -> None:
        assert error_of(judge(stranger, done, {"rating": 1})) == (404, "not_found")
        assert not QualityFeedback.objects.exists()

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({"rating": 6}, "invalid_rating"),
            (verdicts("accepted", 0, 0), "duplicate_item"),
            (verdicts("accepted", 0, 7), "item_not_found"),
        ],
    )
    def test_bad_feedback_is_refused_whole(
        self, owner: Customer, done: Batch, body: Json, code: str
    ) -> None:
        before = list(QualityDay.objects.order_by("id").values())

        assert error_of(judge(owner, done, {"accepted": True} | body)) == (400, code)
        assert not QualityFeedback.objects.exists()
        assert not ItemVerdict.objects.exists()
        assert list(QualityDay.objects.order_by("id").values()) == before

    def test_a_refusal_names_each_row_and_what_is_wrong(
        self, owner: Customer, done: Batch
    ) -> None:
        error = judge(owner, done, verdicts("accepted", 0, 7, 8)).json()["error"]

        assert error["code"] == "item_not_found"
        assert error["details"]["error_count"] == 2
        assert error["details"]["errors"][0] == {
            "line": None,
            "customer_item_id": "item-7",
            "field": "items[1].customer_item_id",
            "code": "item_not_found",
            "message": "The batch has no item of this id.",
        }


def test_a_verdict_on_a_copy_is_one_on_the_lane_of_its_answer(
    owner: Customer, simulator: Any
) -> None:
    items = make_items(2, model="deepseek-flash")
    batch = run_batch(make_batch(owner.org, items, dedupe=True))

    assert judge(owner, batch, verdicts("rejected", 1)).status_code == 201
    (lane,) = read(owner, batch)["provider_attribution"]
    assert (lane["provider"], lane["verdicts"]["rejected"]) == ("deepseek", 1)


def test_a_row_without_an_answer_cannot_be_judged(
    owner: Customer, simulator: Any
) -> None:
    bad = make_item(1, model="deepseek-flash", input="[[sim:400]] Say hello.")
    batch = run_batch(
        make_batch(owner.org, [make_item(0, model="deepseek-flash"), bad])
    )

    refused = judge(owner, batch, verdicts("rejected", 0, 1))

    assert error_of(refused) == (400, "item_not_delivered")
    assert not ItemVerdict.objects.exists()


def test_a_batch_that_still_runs_cannot_be_judged(owner: Customer) -> None:
    batch = make_batch(owner.org, make_items(1))

    assert error_of(judge(owner, batch, {"rating": 1})) == (409, "batch_not_finished")
    assert not QualityFeedback.objects.exists()
