"""What becomes of answers that fail their checks, against the simulator."""

from collections import Counter
from typing import Any

import pytest

from batches.models import Batch, Manifest, Quote
from batches.services.finalizing import finalize_batch
from batches.services.manifests import upload_manifest
from batches.store import store
from batchrouter.kit import clock
from tests.batches.conftest import Customer
from tests.batches.engine.builders import (
    DIRECT,
    NATIVE,
    OTHER,
    dispatched,
    executions_of,
    make_due,
    make_texts,
    rows_of,
    run_direct,
)
from tests.factories.batches import book_problems, run_units
from tests.support.simulator import SimulatorProcess

pytestmark = pytest.mark.usefixtures("simulator")

SCHEMA = {
    "type": "object",
    "properties": {"summary": {"type": "string"}},
    "required": ["summary"],
}


def ask_for_json(text: str, cap: int = 200, **fields: Any) -> dict[str, Any]:
    (item,) = make_texts(text, **fields)
    item["input"] |= {
        "max_output_tokens": cap,
        "text": {"format": {"type": "json_schema", "name": "s", "schema": SCHEMA}},
    }
    return item


def run(owner: Customer, *items: Any, lanes: Any = (DIRECT,), **wishes: Any) -> Batch:
    batch = dispatched(owner.org, items, *lanes, **wishes)
    run_direct()
    return batch


def finish(batch: Batch) -> Batch:
    finalize_batch(batch.pk, now=clock.now())
    batch.refresh_from_db()
    return batch


def texts_in(value: Any) -> list[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for inner in value for text in texts_in(inner)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("lane", [DIRECT, NATIVE])
def test_broken_json_is_mended_without_another_try(owner: Customer, lane: Any) -> None:
    item = ask_for_json("Sum this up. [[sim:loosejson]]")
    batch = dispatched(owner.org, [item], lane)
    run_units(batch)

    (row,) = rows_of(batch)
    assert (row["status"], row["attempts"], row["repaired"]) == ("completed", 1, True)
    assert row["output"]["json"].keys() == {"summary"}
    assert row["output"]["text"].endswith("}")
    (said,) = (text for text in texts_in(row["raw"]) if text.startswith("{"))
    assert said.endswith(",")
    assert executions_of(batch)[0].checks["json_parse"] == [0, 1, 0]
    assert executions_of(batch)[0].failures == {}


def test_a_row_that_needed_no_repair_says_so(owner: Customer) -> None:
    batch = run(owner, ask_for_json("Sum this up."))

    assert rows_of(batch)[0]["repaired"] is False


def test_a_missed_schema_is_tried_again_and_then_elsewhere(owner: Customer) -> None:
    item = ask_for_json("Sum this up. [[sim:offschema@openai]]")
    batch = run(owner, item, lanes=(DIRECT, OTHER))

    (row,) = rows_of(batch)
    assert (row["status"], row["lane"]) == ("completed", "deepseek:direct")
    first, second = executions_of(batch)
    assert first.failures == {"verification_failed": 2}
    assert (first.cost_nanousd > 0, second.cost_nanousd > 0) == (True, True)
    finish(batch)
    assert batch.charged_nanousd is not None
    assert batch.charged_nanousd <= batch.quote.total_nanousd
    assert book_problems() == []


def test_a_row_that_never_passes_costs_nothing_and_says_what_failed(
    owner: Customer,
) -> None:
    batch = finish(run(owner, ask_for_json("Sum this up. [[sim:offschema]]")))

    (row,) = rows_of(batch)
    assert (row["status"], row["error"]["code"]) == ("failed", "verification_failed")
    assert (row["output"], row["cost"]["charge"]) == (None, "0.00")
    (missed,) = (c for c in row["verification"]["checks"] if not c["passed"])
    assert missed["name"] == "format_schema"
    assert '"summary" is a required property' in missed["message"]
    assert batch.charged_nanousd == 0
    assert executions_of(batch)[0].cost_nanousd > 0
    assert book_problems() == []


def test_answers_that_never_pass_are_bounded_however_many_there_are(
    owner: Customer,
) -> None:
    items = make_texts(*["hello"] * 8, verify={"regex": "^never$"})
    batch = run(owner, *items)
    make_due(batch)
    run_direct()

    assert {row["attempts"] for row in rows_of(batch)} == {2}
    assert {row["status"] for row in rows_of(batch)} == {"failed"}
    assert len(executions_of(batch)) == 1


def test_the_retry_file_can_be_uploaded_as_it_stands(owner: Customer) -> None:
    items = [ask_for_json("Sum this up. [[sim:offschema]]"), *make_texts("a", "b")[1:]]
    batch = finish(run(owner, *items))

    assert batch.retry_file is not None
    data = store().path(batch.retry_file.storage_key).read_bytes()
    again = upload_manifest(
        [data], org=owner.org, filename="r", on_invalid="reject", now=clock.now()
    )
    assert Manifest.objects.get(file=again).item_count == 1


def test_an_answer_that_was_cut_off_goes_to_review(owner: Customer) -> None:
    (item,) = make_texts("word " * 60)
    item["input"]["max_output_tokens"] = 16
    batch = finish(run(owner, item))

    (row,) = rows_of(batch)
    assert (row["status"], row["output"]["finish_reason"]) == ("review", "length")
    assert row["attempts"] == 1
    assert row["cost"]["charge"] != "0.00"
    assert batch.review_file is not None


WORKFLOW = "classify-support-tickets"


def test_a_workflow_batch_is_checked_by_its_product(owner: Customer) -> None:
    batch = run(owner, *make_texts("say hello"), workflow=WORKFLOW)

    (row,) = rows_of(batch)
    assert row["status"] == "review"
    assert row["attempts"] == 2
    assert [c["name"] for c in row["verification"]["checks"] if not c["passed"]] == [
        "json_parse"
    ]
    finish(batch)
    assert batch.review_file is not None
    assert (batch.charged_nanousd or 0) > 0
    assert executions_of(batch)[0].completed == 1
    assert book_problems() == []


def test_a_workflows_checks_are_those_of_the_version_that_was_quoted(
    owner: Customer,
) -> None:
    body = {"items": make_texts("hello"), "workflow": WORKFLOW}
    quoted = owner.api.post("/v1/batches/quote", body).json()

    quote = Quote.objects.get(public_id=quoted["quote_id"])
    assert quote.spec["workflow_version"] == 1


IMPOSSIBLE = {"regex": "^never$", "on_fail": "retry"}


def test_a_batch_whose_checks_nothing_passes_is_not_asked_to_its_end(
    owner: Customer, simulator: SimulatorProcess, settings: Any
) -> None:
    settings.REJECTED_ITEMS_MAX = 4
    settings.DIRECT_UNIT_ITEMS = 1
    settings.DIRECT_WINDOW = 4
    batch = run(owner, *make_texts(*["a"] * 120, verify=IMPOSSIBLE))

    codes = Counter(row["error"]["code"] for row in rows_of(batch))
    assert codes.keys() == {"verification_failed", "checks_never_pass"}
    assert 4 <= codes["verification_failed"] < 120
    assert sum(codes.values()) == 120
    # Each was asked twice, and the others not at all.
    asked = sum(simulator.accepted("pexec_").values())
    assert asked == 2 * codes["verification_failed"]
    assert finish(batch).charged_nanousd == 0
    assert book_problems() == []


def test_a_batch_with_one_delivered_answer_is_asked_to_its_end(
    owner: Customer, settings: Any
) -> None:
    settings.REJECTED_ITEMS_MAX = 4
    settings.DIRECT_UNIT_ITEMS = 4
    settings.DIRECT_WINDOW = 4
    items = make_texts(*["a"] * 20, verify=IMPOSSIBLE)
    del items[0]["verify"]
    batch = run(owner, *items)

    found = Counter(
        row["status"] if row["error"] is None else row["error"]["code"]
        for row in rows_of(batch)
    )
    assert found == {"completed": 1, "verification_failed": 19}
