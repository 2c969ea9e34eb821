"""One line of a manifest: every field checked by hand, and what it will weigh.

By hand because a manifest has up to 100,000 lines: the usual line costs some
microseconds. A field that is not in an allow-list is refused by name, so nothing
reaches a provider that was not priced.
"""

from typing import Any, NamedTuple

import orjson

from batches.golden import MATCHES
from batches.manifest import schemas
from batches.manifest.body import check_input
from batches.manifest.findings import Findings
from batches.manifest.identity import fingerprint
from batches.manifest.options import check_schema
from batches.manifest.problems import Problem

ID_LENGTH_MAX = 128
MODEL_LENGTH_MAX = 160
MODELS_MAX = 8
LENGTH_MAX = 1_000_000
OPERATIONS = ("responses", "embeddings", "vision")
ON_FAIL = ("retry", "fallback", "review")

_FIELDS = frozenset(
    {
        "customer_item_id",
        "operation",
        "model",
        "model_options",
        "input",
        "verify",
        "golden",
        "metadata",
    }
)
_VERIFY_FIELDS = ("json_schema", "min_length", "max_length", "regex", "on_fail")
_GOLDEN_FIELDS = ("expected", "match")
EXPECTED_BYTES_MAX = 64 * 1024
_MEANT = {
    "custom_id": "customer_item_id",
    "id": "customer_item_id",
    "body": "input",
    "params": "input",
    "messages": "input.messages",
    "models": "model_options",
    "max_output_tokens": "input.max_output_tokens",
    "instructions": "input.instructions",
}


class ItemFacts(NamedTuple):
    """What an accepted item needs and weighs.

    Attributes:
        models: acceptable slugs, best liked first.
        max_output_tokens: the cap that the item names, if it does.
        texts: what is to be counted in o200k tokens.
        repeated_texts: the same, likely to stand in other items too.
        message_count: messages, for their overhead in tokens; 0 for embeddings
            given as an object.
        image_tokens: our bound for the images, all together.
        fingerprint: equal for identical items (:mod:`batches.manifest.identity`).
        is_golden: the item's right answer is known.
    """

    customer_item_id: str
    operation: str
    models: tuple[str, ...]
    needs_vision: bool
    needs_schema: bool
    needs_tools: bool
    max_output_tokens: int | None
    texts: tuple[str, ...]
    repeated_texts: tuple[str, ...]
    message_count: int
    image_tokens: int
    fingerprint: bytes
    is_golden: bool = False


def check_item(item: Any) -> ItemFacts | list[Problem]:
    """Check one item as read from JSON: its facts, or all that is wrong with it."""
    if type(item) is not dict:
        return [Problem("", "wrong_type", "A line holds one JSON object.")]
    operation = item.get("operation", "responses")
    known = type(operation) is str and operation in OPERATIONS
    found = Findings(operation if known else "responses")
    if not item.keys() <= _FIELDS:
        _refuse_unknown(found, item)
    if not known:
        found.word(operation, OPERATIONS, "operation")
    _check_id(found, item.get("customer_item_id"))
    models = _models(found, item.get("model"), item)
    _check_input(found, item)
    if "verify" in item:
        _check_verify(found, item["verify"])
    if "golden" in item:
        _check_golden(found, item["golden"])
    if "metadata" in item:
        found.metadata(item["metadata"], "metadata")
    if found.problems:
        return found.problems
    return _facts(item, found, models)


def _facts(item: dict[str, Any], found: Findings, models: tuple[str, ...]) -> ItemFacts:
    return ItemFacts(
        item["customer_item_id"],
        found.operation,
        models,
        found.image_count > 0,
        found.needs_schema,
        found.needs_tools,
        found.max_output_tokens,
        tuple(found.texts),
        tuple(found.repeated),
        found.message_count,
        found.image_tokens,
        fingerprint(item, operation=found.operation, models=models),
        "golden" in item,
    )


def _refuse_unknown(found: Findings, item: dict[str, Any]) -> None:
    for name in item:
        if name not in _FIELDS:
            shown = name[:64]
            meant = _MEANT.get(name)
            hint = f" Is {meant} meant?" if meant else ""
            found.refuse(
                shown, "unknown_field", f"There is no field {shown!r} here.{hint}"
            )


def _check_id(found: Findings, value: Any) -> None:
    field = "customer_item_id"
    if type(value) is str and 0 < len(value) <= ID_LENGTH_MAX:
        if value.isprintable() and value == value.strip():
            return
        found.refuse(
            field, "invalid_id", "An id has visible characters and no space around it."
        )
    elif value is None:
        found.refuse(field, "required", "Give every item an id of your own.")
    elif type(value) is not str:
        found.wrong_type(field, "text")
    else:
        found.refuse(field, "invalid_id", f"An id has 1 to {ID_LENGTH_MAX} characters.")


def _models(found: Findings, model: Any, item: dict[str, Any]) -> tuple[str, ...]:
    if model is None:
        found.refuse("model", "required", "Name a model of the catalog.")
        return ()
    if not _is_slug(found, model, "model"):
        return ()
    if "model_options" not in item:
        return (model,)
    options = item["model_options"]
    if type(options) is not list or not 1 <= len(options) <= MODELS_MAX:
        found.wrong_type("model_options", f"a list of 1 to {MODELS_MAX} models")
        return ()
    for index, option in enumerate(options):
        if not _is_slug(found, option, f"model_options[{index}]"):
            return ()
    if len(set(options)) != len(options):
        found.refuse("model_options", "duplicate", "A model is named twice.")
    return tuple(options) if model in options else (model, *options)


def _is_slug(found: Findings, value: Any, field: str) -> bool:
    if not found.text(value, field, length_max=MODEL_LENGTH_MAX):
        return False
    if value.isprintable() and " " not in value:
        return True
    found.refuse(field, "invalid_name", "A model's name has visible characters only.")
    return False


def _check_input(found: Findings, item: dict[str, Any]) -> None:
    if "input" not in item:
        found.refuse("input", "required", "Give the input.")
        return
    check_input(found, item["input"])
    if found.operation == "vision" and not found.image_count and not found.problems:
        found.refuse("input", "image_required", "A vision item has at least one image.")


def _check_verify(found: Findings, value: Any) -> None:
    if type(value) is not dict:
        found.wrong_type("verify", "an object")
        return
    found.unknown(value, _VERIFY_FIELDS, "verify")
    if found.operation == "embeddings" and value.keys() - {"on_fail"}:
        found.refuse("verify", "unsupported_option", "A vector has no text to verify.")
        return
    if "json_schema" in value:
        check_schema(found, value["json_schema"], "verify.json_schema")
    _check_lengths(found, value)
    if "regex" in value and found.text(value["regex"], "verify.regex"):
        reason = schemas.regex_problem(value["regex"])
        if reason is not None:
            found.refuse("verify.regex", "invalid_regex", reason)
    if "on_fail" in value:
        found.word(value["on_fail"], ON_FAIL, "verify.on_fail")


def _check_lengths(found: Findings, value: dict[str, Any]) -> None:
    given = [name for name in ("min_length", "max_length") if name in value]
    are_whole = [
        found.whole(value[name], f"verify.{name}", 1, LENGTH_MAX) for name in given
    ]
    if len(given) == 2 and all(are_whole) and value["min_length"] > value["max_length"]:
        found.refuse(
            "verify.max_length",
            "out_of_range",
            "It is below min_length, so no answer could pass.",
        )


def _check_golden(found: Findings, value: Any) -> None:
    if type(value) is not dict:
        found.wrong_type("golden", "an object with expected")
        return
    found.unknown(value, _GOLDEN_FIELDS, "golden")
    if found.operation == "embeddings":
        found.refuse("golden", "unsupported_option", "A vector has no text to compare.")
        return
    if "expected" not in value:
        found.refuse("golden.expected", "required", "Give the right answer.")
        return
    match = value.get("match", "exact")
    if found.word(match, MATCHES, "golden.match"):
        _check_expected(found, value["expected"], match)


def _check_expected(found: Findings, expected: Any, match: str) -> None:
    field = "golden.expected"
    if match != "json" and not found.text(expected, field):
        return
    if len(orjson.dumps(expected)) > EXPECTED_BYTES_MAX:
        found.refuse(field, "too_long", "An expected answer may have 64 KiB at most.")
    elif match == "regex":
        reason = schemas.regex_problem(expected)
        if reason is not None:
            found.refuse(field, "invalid_regex", reason)
