"""Is an answer what the item asked for? The checks behind a row's ``verification``.

Pure: the item's own words and the output go in, a verdict comes out.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from batches.manifest import schemas
from batchrouter.kit import strict_json
from routing.contracts import Output

_MESSAGE_LENGTH_MAX = 300
_FENCE = "```"
_JSON_FORMATS = ("json_object", "json_schema")


class Check(TypedDict):
    """One check of a row; ``message`` says what is wrong, or how it was passed."""

    name: str
    passed: bool
    message: str | None


@dataclass(frozen=True, slots=True)
class Verification:
    """The verdict on an answer.

    Attributes:
        parsed_json: the JSON in the text, where the item asked for JSON and it is.
    """

    passed: bool
    checks: tuple[Check, ...]
    parsed_json: Any = None


def check_answer(
    item_input: Mapping[str, Any] | str,
    verify: Mapping[str, Any] | None,
    output: Output,
) -> Verification:
    """Check an answer against what its item asked for.

    A refusal is an answer, billed and final: the other checks are left out. So they
    are where the model called tools and wrote nothing.

    Args:
        item_input: the item's ``input``.
        verify: the item's ``verify``.
        output: the provider's answer, in our shape.
    """
    wanted = verify or {}
    source = {"input": item_input} if isinstance(item_input, str) else item_input
    if output.embedding is not None:
        return _verdict(_vector_checks(source, output.embedding))
    if output.refusal or output.finish_reason == "content_filter":
        return _verdict([_passed("refusal", "The provider declined to answer.")])
    text = output.text or ""
    if not text.strip():
        if output.tool_calls:
            return _verdict([_passed("not_empty", "The answer is tool calls.")])
        return _verdict([_failed("not_empty", "The answer is empty.")])
    return _text_verdict(source, wanted, text)


def _text_verdict(
    source: Mapping[str, Any], wanted: Mapping[str, Any], text: str
) -> Verification:
    checks = [_passed("not_empty")]
    parsed: Any = None
    form = _format(source)
    if form.get("type") in _JSON_FORMATS or "json_schema" in wanted:
        parsed, is_json, check = _read_json(text, as_object=form.get("type"))
        checks.append(check)
        if is_json:
            checks += _schema_checks(parsed, _wanted_schemas(form, wanted))
    if "min_length" in wanted:
        checks.append(_length_check(text, wanted["min_length"]))
    if "regex" in wanted:
        checks.append(_regex_check(text, wanted["regex"]))
    return _verdict(checks, parsed)


def _format(source: Mapping[str, Any]) -> Mapping[str, Any]:
    text = source.get("text")
    form = text.get("format") if isinstance(text, Mapping) else None
    return form if isinstance(form, Mapping) else {}


def _wanted_schemas(
    form: Mapping[str, Any], wanted: Mapping[str, Any]
) -> list[tuple[str, Any]]:
    found = []
    if form.get("type") == "json_schema":
        found.append(("format_schema", form.get("schema")))
    if (
        "json_schema" in wanted
        and ("format_schema", wanted["json_schema"]) not in found
    ):
        found.append(("json_schema", wanted["json_schema"]))
    return found


def _schema_checks(parsed: Any, wanted: Sequence[tuple[str, Any]]) -> list[Check]:
    return [_schema_check(name, parsed, schema) for name, schema in wanted]


def _schema_check(name: str, parsed: Any, schema: Any) -> Check:
    compiled = schemas.compile_schema(schema)
    if compiled.validator is None:
        return _failed(name, compiled.reason or "The schema cannot be used.")
    error = next(iter(compiled.validator.iter_errors(parsed)), None)
    if error is None:
        return _passed(name)
    place = "/".join(str(step) for step in error.instance_path) or "the whole"
    return _failed(name, f"{place}: {error.message}")


def _length_check(text: str, length_min: int) -> Check:
    if len(text) >= length_min:
        return _passed("min_length")
    return _failed(
        "min_length", f"{len(text)} characters, at least {length_min} asked."
    )


def _regex_check(text: str, pattern: str) -> Check:
    reason = schemas.regex_problem(pattern)
    if reason is not None:
        return _failed("regex", reason)
    # What UTF-8 cannot say, RE2 cannot read.
    readable = text.encode(errors="replace").decode()
    if schemas.compile_regex(pattern).search(readable):
        return _passed("regex")
    return _failed("regex", "Nothing in the answer matches the pattern.")


def _read_json(text: str, *, as_object: str | None) -> tuple[Any, bool, Check]:
    """Read the answer as JSON: as it stands, then fenced, then inside prose."""
    reason = "The answer is not JSON."
    for candidate, how in _candidates(text):
        try:
            parsed = strict_json.loads(candidate.encode(errors="surrogatepass"))
        except strict_json.StrictJsonError as error:
            reason = error.message if how is None else reason
            continue
        if as_object == "json_object" and not isinstance(parsed, dict):
            return None, False, _failed("json_parse", "The answer is no JSON object.")
        return parsed, True, _passed("json_parse", how)
    return None, False, _failed("json_parse", reason)


def _candidates(text: str) -> list[tuple[str, str | None]]:
    found: list[tuple[str, str | None]] = [(text.strip().removeprefix("\ufeff"), None)]
    opening = text.find(_FENCE)
    closing = text.rfind(_FENCE)
    if 0 <= opening < closing:
        # The first line of a fence may name the language.
        inner = text[opening + len(_FENCE) : closing].partition("\n")[2]
        found.append((inner.strip(), "Read from a code fence."))
    first, last = text.find("{"), text.rfind("}")
    if 0 <= first < last:
        found.append((text[first : last + 1], "Read from amid other text."))
    return found


def _vector_checks(source: Mapping[str, Any], embedding: Sequence[Any]) -> list[Check]:
    vectors = embedding if embedding and isinstance(embedding[0], list) else [embedding]
    asked = source.get("input")
    count = len(asked) if isinstance(asked, list) else 1
    if not all(isinstance(vector, list) and vector for vector in vectors):
        return [_failed("not_empty", "A vector is empty.")]
    return [
        _passed("not_empty"),
        _count_check(len(vectors), count),
        _finite_check(vectors),
        _dimensions_check(vectors, source.get("dimensions")),
    ]


def _count_check(found: int, asked: int) -> Check:
    if found == asked:
        return _passed("vector_count")
    return _failed("vector_count", f"{found} vectors for {asked} texts.")


def _finite_check(vectors: Sequence[Sequence[Any]]) -> Check:
    try:
        is_finite = all(all(map(math.isfinite, vector)) for vector in vectors)
    except (TypeError, OverflowError):
        is_finite = False
    if is_finite:
        return _passed("finite")
    return _failed("finite", "A vector holds something else than finite numbers.")


def _dimensions_check(vectors: Sequence[Sequence[Any]], asked: int | None) -> Check:
    lengths = {len(vector) for vector in vectors}
    if len(lengths) != 1:
        return _failed("dimensions", "The vectors differ in length.")
    (length,) = lengths
    if asked is None or length == asked:
        return _passed("dimensions")
    return _failed("dimensions", f"{length} dimensions, {asked} asked.")


def _passed(name: str, message: str | None = None) -> Check:
    return {"name": name, "passed": True, "message": message}


def _failed(name: str, message: str) -> Check:
    return {"name": name, "passed": False, "message": message[:_MESSAGE_LENGTH_MAX]}


def _verdict(checks: list[Check], parsed_json: Any = None) -> Verification:
    passed = all(check["passed"] for check in checks)
    return Verification(passed, tuple(checks), parsed_json)
