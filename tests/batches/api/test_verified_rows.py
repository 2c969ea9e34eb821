"""Verification as a customer meets it: by the public API, against the simulator."""

from typing import Any

import orjson
import pytest

from batches.models import Batch, Manifest, Quote, StoredFile
from tests.batches.conftest import Customer
from tests.factories.batches import run_batch
from tests.support.api_client import error_of

SCHEMA = {
    "type": "object",
    "properties": {"summary": {"type": "string"}},
    "required": ["summary"],
}


def item(name: str, text: str, **verify: Any) -> dict[str, Any]:
    form = {"type": "json_schema", "name": "s", "schema": SCHEMA}
    return {
        "customer_item_id": name,
        "operation": "responses",
        "model": "deepseek-flash",
        "model_options": ["deepseek-flash", "gpt-5.4-mini"],
        "input": {"input": text, "max_output_tokens": 200, "text": {"format": form}},
        **({"verify": verify} if verify else {}),
    }


@pytest.mark.usefixtures("simulator")
def test_a_batch_of_good_and_bad_answers_is_sorted_into_its_files(
    owner: Customer,
) -> None:
    body = {
        "items": [
            item("good", "Sum this up."),
            item("loose", "Sum this up. [[sim:loosejson]]"),
            item("review", "Sum it. [[sim:offschema]]", on_fail="review"),
            item("lost", "Sum this up. [[sim:offschema]] !"),
        ]
    }
    made = owner.api.post("/v1/batches", body).json()
    run_batch(Batch.objects.get(public_id=made["id"]))

    page = owner.api.get(f"/v1/batches/{made['id']}/results").json()
    rows = {row["customer_item_id"]: row for row in page["data"]}
    assert {name: row["status"] for name, row in rows.items()} == {
        "good": "completed",
        "loose": "completed",
        "review": "review",
        "lost": "failed",
    }
    assert [name for name, row in rows.items() if row["repaired"]] == ["loose"]
    assert rows["lost"]["error"]["code"] == "verification_failed"
    assert rows["lost"]["cost"]["charge"] == "0.00"
    for name in ("review", "lost"):
        assert rows[name]["verification"]["passed"] is False

    batch = owner.api.get(f"/v1/batches/{made['id']}").json()
    assert names_in(owner, batch["output_file_id"]) == ["good", "loose"]
    assert names_in(owner, batch["review_file_id"]) == ["review"]
    assert names_in(owner, batch["error_file_id"]) == ["lost"]
    assert names_in(owner, batch["retry_file_id"]) == ["lost"]
    again = owner.api.send(
        "/v1/batches/input-manifests", content_of(owner, batch["retry_file_id"])
    )
    assert again.status_code == 201


def content_of(owner: Customer, file_id: str) -> bytes:
    reply = owner.api.get(f"/v1/files/{file_id}/content")
    return bytes(reply.getvalue())


def names_in(owner: Customer, file_id: str) -> list[str]:
    lines = content_of(owner, file_id).splitlines()
    return [orjson.loads(line)["customer_item_id"] for line in lines]


DOUBLING = {
    "$defs": {
        "d0": {},
        **{f"d{n + 1}": {"allOf": [{"$ref": f"#/$defs/d{n}"}] * 2} for n in range(30)},
    },
    "$ref": "#/$defs/d30",
}


@pytest.mark.parametrize(
    ("field", "verify", "code"),
    [
        ("json_schema", {"$ref": "https://example.com/s.json"}, "invalid_schema"),
        ("json_schema", {"$ref": "file:///etc/passwd"}, "invalid_schema"),
        ("json_schema", DOUBLING, "invalid_schema"),
        ("json_schema", {"$dynamicRef": "#a"}, "invalid_schema"),
        ("json_schema", {"pattern": "(a)\\1"}, "invalid_schema"),
        ("json_schema", {"title": "x" * 65_536}, "invalid_schema"),
        ("regex", "(?=a)a", "invalid_regex"),
        ("regex", "(a)\\1", "invalid_regex"),
        ("regex", "a{1000}{1000}", "invalid_regex"),
    ],
)
def test_a_bomb_is_refused_by_line_and_field_and_leaves_nothing(
    owner: Customer, field: str, verify: Any, code: str
) -> None:
    bad = item("bad", "x")
    bad["verify"] = {field: verify}
    lines = b"\n".join(orjson.dumps(each) for each in (item("good", "x"), bad))

    reply = owner.api.send("/v1/batches/input-manifests", lines)

    assert error_of(reply)[0] == 400
    (problem,) = reply.json()["error"]["details"]["errors"]
    assert (problem["line"], problem["customer_item_id"]) == (2, "bad")
    assert (problem["field"], problem["code"]) == (f"verify.{field}", code)
    assert problem["message"]
    assert not Manifest.objects.exists()
    assert not StoredFile.objects.exists()
    assert not Quote.objects.exists()
