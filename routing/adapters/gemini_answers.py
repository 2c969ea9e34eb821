"""Read Gemini's answers (providers.md 1.3 and 2.2)."""

from typing import Any, Final

import orjson

from routing.adapters import replies
from routing.adapters.replies import BadShape, Json, text_of, tool_call
from routing.contracts import Answer, Output, Usage
from routing.failures import Failure, FailureKind

_LENGTH: Final = frozenset({"MAX_TOKENS", "CONTINUATION"})
_FILTERED: Final = frozenset(
    {
        *(
            "SAFETY",
            "RECITATION",
            "LANGUAGE",
            "BLOCKLIST",
            "PROHIBITED_CONTENT",
            "SPII",
        ),
        *("MODEL_ARMOR", "ESCALATION", "PUP_LIMITED_DISABLED"),
    }
)
# The model or the server broke off; another try may do better.
_BROKEN: Final = frozenset(
    {
        *("MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL"),
        *("TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE", "OTHER"),
    }
)


def read_content(value: Json, raw: bytes | None) -> Answer:
    """Read a generateContent reply; its thoughts are left out.

    A prompt that was blocked is an answer too: no candidates, and the reason.
    """
    if "error" in value:
        return replies.failed(value, raw)
    try:
        candidate = _candidate(value)
        if candidate is None:
            return _answered(value, _blocked(value), raw)
        if candidate.get("finishReason") in _BROKEN:
            failure = Failure(FailureKind.OVERLOADED, 200)
            model = replies.model_name(value.get("modelVersion"))
            return Answer(None, _usage(value), model, raw, failure, 200)
        output = _output(candidate)
    except BadShape:
        return replies.malformed(200, raw)
    return _answered(value, output, raw)


def read_embeddings(value: Json, raw: bytes | None) -> Answer:
    """Read a batchEmbedContents reply, or the one embedding of a batch's row.

    One vector is returned as itself, several as a list.
    """
    if "error" in value:
        return replies.failed(value, raw)
    entries = value.get("embeddings", [value.get("embedding")])
    try:
        vectors = [_vector(entry) for entry in _listed(entries)]
    except BadShape:
        return replies.malformed(200, raw)
    if not vectors:
        return replies.malformed(200, raw)
    output = Output(
        text=None,
        finish_reason="stop",
        embedding=vectors[0] if len(vectors) == 1 else vectors,
    )
    return Answer(output, _embedding_usage(value), None, raw, None, 200)


def _answered(value: Json, output: Output, raw: bytes | None) -> Answer:
    model = replies.model_name(value.get("modelVersion"))
    return Answer(output, _usage(value), model, raw, None, 200)


def _candidate(value: Json) -> Json | None:
    """Return the first candidate, or None where the prompt was blocked."""
    candidates = value.get("candidates")
    if not candidates and _block_reason(value) is not None:
        return None
    listed = _listed(candidates)
    if not listed or not isinstance(listed[0], dict):
        raise BadShape
    return listed[0]


def _blocked(value: Json) -> Output:
    return Output(
        text=None, finish_reason="content_filter", refusal=_block_reason(value)
    )


def _block_reason(value: Json) -> str | None:
    feedback = value.get("promptFeedback")
    reason = feedback.get("blockReason") if isinstance(feedback, dict) else None
    return reason if isinstance(reason, str) and reason else None


def _output(candidate: Json) -> Output:
    texts: list[str] = []
    calls: list[Json] = []
    for part in _parts(candidate.get("content")):
        if part.get("thought") is True:
            continue
        if "functionCall" in part:
            calls.append(_call(part["functionCall"], len(calls)))
        elif "text" in part:
            texts.append(text_of(part["text"]))
    finish = _finish(candidate, has_calls=bool(calls))
    if not texts and not calls and "finishReason" not in candidate:
        raise BadShape
    return Output(
        text="".join(texts) if texts else None,
        finish_reason=finish,
        tool_calls=calls or None,
        refusal=_refusal(candidate) if finish == "content_filter" else None,
    )


def _parts(content: Any) -> list[Json]:
    """Return the parts; a candidate that was cut off has none."""
    if content is None:
        return []
    if not isinstance(content, dict):
        raise BadShape
    parts = _listed(content.get("parts", []))
    return [part for part in parts if isinstance(part, dict)]


def _call(call: Any, place: int) -> Json:
    """Return a call; where the provider names none, its place is its id."""
    if not isinstance(call, dict) or not isinstance(call.get("args", {}), dict):
        raise BadShape
    try:
        arguments = orjson.dumps(call.get("args", {})).decode()
    except orjson.JSONEncodeError as error:
        raise BadShape from error
    return tool_call(call.get("id") or f"call_{place}", call.get("name"), arguments)


def _finish(candidate: Json, *, has_calls: bool) -> str:
    reason = candidate.get("finishReason")
    if not isinstance(reason, str):
        return "tool_calls" if has_calls else "stop"
    if reason in _LENGTH:
        return "length"
    if reason in _FILTERED or reason.startswith("IMAGE_"):
        return "content_filter"
    return "tool_calls" if has_calls else "stop"


def _refusal(candidate: Json) -> str | None:
    message = candidate.get("finishMessage")
    if isinstance(message, str) and message:
        return message
    return str(candidate.get("finishReason"))


def _vector(entry: Any) -> list[float]:
    return replies.vector(entry.get("values") if isinstance(entry, dict) else None)


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise BadShape
    return value


def _usage(value: Json) -> Usage | None:
    """Return the usage; counts that are not there are 0, thoughts are output."""
    found = value.get("usageMetadata")
    if not isinstance(found, dict):
        return None
    prompt, tools = _count(found, "promptTokenCount"), _tool_count(found)
    made, thoughts = (
        _count(found, name) for name in ("candidatesTokenCount", "thoughtsTokenCount")
    )
    if prompt is None or tools is None or made is None or thoughts is None:
        return None
    if "promptTokenCount" not in found:
        return None
    return replies.usage_of(
        prompt + tools,
        _count(found, "cachedContentTokenCount"),
        made + thoughts,
        thoughts,
    )


def _tool_count(found: Json) -> int | None:
    return _count(found, "toolUsePromptTokenCount")


def _embedding_usage(value: Json) -> Usage | None:
    """Return the usage of vectors: a batch's row has its count as text."""
    found = value.get("usageMetadata")
    if isinstance(found, dict):
        return replies.usage_of(_count(found, "promptTokenCount"), 0, 0, 0)
    if "tokenCount" in value:
        return replies.usage_of(_count(value, "tokenCount"), 0, 0, 0)
    return None


def _count(found: Json, name: str) -> int | None:
    """Return a count, which may be text; None where it can be none."""
    value = found.get(name, 0)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:16])
    return value if type(value) is int and value >= 0 else None
