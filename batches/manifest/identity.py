"""What makes two items the same: everything that can change the answer, and no more.

Two items are identical when they ask the same operation of the same models in the same
order, with the same input, options and checks. The order of an object's keys and white
space between tokens say nothing in JSON and do not tell items apart, except inside a
schema that a provider is sent: models write an object's fields in the order of its
schema, so there the order is kept. Numbers are the same when they are written alike as
JSON values (``1`` and ``1.0`` are not), texts when their characters are.

The customer's id and the metadata of an item name it and are left out. A temperature
is an option like every other: see docs/decisions/0011.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from batches.manifest.body import input_object

FINGERPRINT_BYTES = 16

# What names an item, and what is replaced by its meaning.
_LEFT_OUT = frozenset({"customer_item_id", "metadata", "model_options"})


def fingerprint(
    item: Mapping[str, Any], *, operation: str, models: Sequence[str]
) -> bytes:
    """Return the digest that identical items share, of a checked item.

    A field that items may get later tells them apart without a change here.
    """
    asked = {name: value for name, value in item.items() if name not in _LEFT_OUT}
    asked["operation"] = operation
    asked["model"] = models
    asked["input"] = _in_order(input_object(item["input"]))
    canonical = orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(canonical, digest_size=FINGERPRINT_BYTES).digest()


def _in_order(source: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an input whose schemas are texts, so that sorting leaves their order."""
    if "text" not in source and "tools" not in source:
        return source
    shown = dict(source)
    if "text" in shown:
        form = shown["text"].get("format", {})
        shown["text"] = {"format": _frozen(form, "schema")}
    if "tools" in shown:
        shown["tools"] = [_tool(tool) for tool in shown["tools"]]
    return shown


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    if "function" in tool:
        return {**tool, "function": _frozen(tool["function"], "parameters")}
    return _frozen(tool, "parameters")


def _frozen(holder: Mapping[str, Any], name: str) -> dict[str, Any]:
    if name not in holder:
        return dict(holder)
    return {**holder, name: orjson.dumps(holder[name]).decode()}
