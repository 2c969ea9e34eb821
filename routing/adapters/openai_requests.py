"""The bodies of requests in OpenAI's wire forms, from one item.

Sources: openai/openai-openapi f85dbe2 and the requests recorded from openai 3.54.0,
both read 2026-11-22.
"""

from typing import Any, Final

from routing.adapters import messages
from routing.contracts import ItemRequest

Json = dict[str, Any]

SAMPLING_FIELDS: Final = ("temperature", "top_p")


def responses_body(item: ItemRequest) -> Json:
    """Return the body for ``/responses``.

    ``store`` is false, because the default keeps the prompt at the provider.
    """
    source = item.input
    body: Json = {
        "model": item.provider_model,
        "input": messages.responses_input(source),
        "store": False,
    }
    if item.max_output_tokens is not None:
        body["max_output_tokens"] = item.max_output_tokens
    for name in ("instructions", "text", "reasoning"):
        if name in source:
            body[name] = source[name]
    _add_sampling(body, item)
    if "tools" in source:
        body["tools"] = messages.responses_tools(source["tools"])
    if "tool_choice" in source:
        body["tool_choice"] = messages.responses_tool_choice(source["tool_choice"])
    return body


def chat_body(item: ItemRequest, *, cap_field: str) -> Json:
    """Return the body for ``/chat/completions``.

    Args:
        item: in either form.
        cap_field: the server's word for the output cap.
    """
    source = item.input
    body: Json = {
        "model": item.provider_model,
        "messages": messages.chat_messages(source),
    }
    if item.max_output_tokens is not None:
        body[cap_field] = item.max_output_tokens
    _add_sampling(body, item)
    if "stop" in source:
        body["stop"] = source["stop"]
    response_format = messages.chat_response_format(source.get("text"))
    if response_format is not None:
        body["response_format"] = response_format
    effort = _effort(source.get("reasoning"))
    if effort is not None:
        body["reasoning_effort"] = effort
    if "tools" in source:
        body["tools"] = messages.chat_tools(source["tools"])
    if "tool_choice" in source:
        body["tool_choice"] = messages.chat_tool_choice(source["tool_choice"])
    return body


def embeddings_body(item: ItemRequest, *, dimensions_field: str) -> Json:
    """Return the body for ``/embeddings``.

    Args:
        item: with ``input`` a text or a list of texts.
        dimensions_field: the server's word for the length of a vector.
    """
    body: Json = {"model": item.provider_model, "input": item.input.get("input")}
    if "dimensions" in item.input:
        body[dimensions_field] = item.input["dimensions"]
    return body


def dropped_from_responses(item: ItemRequest) -> tuple[str, ...]:
    """Name the fields of the item that ``/responses`` is not sent.

    ``stop``, which it does not know, and ``temperature`` and ``top_p`` where the model
    refuses them. The row and the receipt can say so.
    """
    stop = ("stop",) if "stop" in item.input else ()
    return stop + _dropped_sampling(item)


def dropped_from_chat(item: ItemRequest) -> tuple[str, ...]:
    """Name the fields of the item that ``/chat/completions`` is not sent.

    ``temperature`` and ``top_p`` where the model refuses them, and of ``reasoning``
    everything but ``effort``.
    """
    reasoning = item.input.get("reasoning")
    inner = sorted(reasoning) if isinstance(reasoning, dict) else []
    lost = tuple(f"reasoning.{name}" for name in inner if name != "effort")
    return _dropped_sampling(item) + lost


def _add_sampling(body: Json, item: ItemRequest) -> None:
    if item.supports_sampling:
        for name in SAMPLING_FIELDS:
            if name in item.input:
                body[name] = item.input[name]


def _dropped_sampling(item: ItemRequest) -> tuple[str, ...]:
    if item.supports_sampling:
        return ()
    return tuple(name for name in SAMPLING_FIELDS if name in item.input)


def _effort(reasoning: Any) -> Any:
    return reasoning.get("effort") if isinstance(reasoning, dict) else None
