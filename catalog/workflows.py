"""Make packaged jobs from data/workflow_products.json, where each fact stands once."""

from typing import Any

from catalog.datafiles import JSON

Fields = dict[str, Any]


def products(document: JSON) -> dict[tuple[str, int], Fields]:
    """Return the columns of every product, by slug and version."""
    return {
        (entry["slug"], entry["version"]): _product(entry, document["shared"])
        for entry in document["products"]
    }


def _product(entry: JSON, shared: JSON) -> Fields:
    return {
        "name": entry["name"],
        "summary": entry["summary"],
        "preset_manifest": _manifest(entry),
        "default_route_products": entry["default_route_products"],
        "artifact_contract": _artifacts(entry, shared["artifacts"]),
        "webhook_contract": shared["webhook_contract"],
        "success_sla": shared["success_sla"]
        | {"completed_percent_min": entry["completed_percent_min"]},
        "workflow_fee_bps": entry["workflow_fee_bps"],
        "verification": {
            "checks": entry["checks"],
            "json_schema": _answer_schema(entry),
            "on_fail": entry["on_fail"],
        },
    }


def _answer_schema(entry: JSON) -> Any:
    """Return the schema that an answer's text must meet; vectors have no text."""
    is_text = entry["item"]["operation"] != "embeddings"
    return entry["output"]["schema"] if is_text else None


def _manifest(entry: JSON) -> Fields:
    items = [_item(entry, sample) for sample in entry["samples"]]
    return {"workflow": entry["slug"], **entry["manifest"], "items": items}


def _item(entry: JSON, sample: JSON) -> Fields:
    head = {"customer_item_id": sample["customer_item_id"], **entry["item"]}
    schema = _answer_schema(entry)
    if schema is None:
        return {**head, "input": {**entry["input"], "input": sample["text"]}}
    answer_format = {
        "type": "json_schema",
        "name": entry["output"]["name"],
        "strict": True,
        "schema": schema,
    }
    return {
        **head,
        "input": {
            **entry["input"],
            "input": [{"role": "user", "content": sample["text"]}],
            "text": {"format": answer_format},
        },
        "verify": {"json_schema": schema, "on_fail": entry["on_fail"]},
    }


def _artifacts(entry: JSON, shared: JSON) -> Fields:
    return {
        **shared,
        "output": {**shared["output"], "output_schema": entry["output"]["schema"]},
        "review": {**shared["review"], "holds": entry["review_file"]},
    }
