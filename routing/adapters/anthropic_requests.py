"""The body of a Messages request, from one item.

Sources: providers.md 1.2 and 2.1, ``MessageCreateParams`` of anthropic 2.12.0 and the
requests recorded from it, all read 2026-11-22.
"""

from collections.abc import Iterator
from typing import Any, Final

from routing.adapters import asking
from routing.adapters.anthropic_models import Traits, traits_of
from routing.adapters.anthropic_schema import closed
from routing.adapters.asking import (
    CallPart,
    ImagePart,
    Part,
    ResultPart,
    TextPart,
    Tool,
    Turn,
)
from routing.contracts import ItemRequest

Json = dict[str, Any]

NEWEST_VERSION: Final = "2026-10-21"
# The last version under which sampling parameters are taken, by models that have them.
SAMPLING_VERSION: Final = "2023-06-01"

# ``max_tokens`` is required; the manifest gives every item a cap, so this is for none.
_MAX_TOKENS: Final = 4096
# Of the wire; OpenAI's reaches 2.
_TEMPERATURE_MAX: Final = 1.0
_BUDGET_TOKENS_MIN: Final = 1024
# Share of the cap that a model without adaptive thinking may think away.
_BUDGET_SHARES: Final = {
    **dict.fromkeys(("minimal", "low"), 0.2),
    "medium": 0.4,
    **dict.fromkeys(("high", "xhigh", "max"), 0.6),
}
_JSON_ONLY: Final = "Answer with one JSON object and nothing else."


def messages_body(item: ItemRequest, *, version: str) -> Json:
    """Return the body for ``/v1/messages``, or the ``params`` of a batch's request."""
    return _Writing(item, version).body


def dropped_from_messages(item: ItemRequest, *, version: str) -> tuple[str, ...]:
    """Name the fields of the item that Anthropic is not sent as they were meant.

    Sampling, where the version, the model or thinking refuses it; a demanded tool call,
    where the model refuses to be made; reasoning, where there is no room for it; an
    image's ``detail``, which has no equivalent.
    """
    return tuple(_Writing(item, version).dropped)


class _Writing:
    """One body in the making, and what did not get into it."""

    def __init__(self, item: ItemRequest, version: str) -> None:
        self.item = item
        self.asked = asking.read(item)
        self.traits = traits_of(item.provider_model)
        self.dropped: list[str] = []
        self.body: Json = {
            "model": item.provider_model,
            "max_tokens": item.max_output_tokens or _MAX_TOKENS,
            "messages": [_message(turn) for turn in self.asked.turns],
        }
        self._add_system()
        if self.asked.stop:
            self.body["stop_sequences"] = list(self.asked.stop)
        self._add_tools()
        self._add_thinking()
        self._add_form()
        self._add_sampling(version)
        if asking.has_detail(self.asked):
            self.dropped.append("detail")

    def _add_system(self) -> None:
        words = [self.asked.system] if self.asked.system else []
        if self.asked.form.kind == "json_object":
            words.append(_JSON_ONLY)
        if words:
            self.body["system"] = "\n\n".join(words)

    def _add_tools(self) -> None:
        asked = self.asked
        if not asked.tools:
            return
        self.body["tools"] = [_tool(tool) for tool in asked.tools]
        if asked.tool_choice is None:
            return
        mode = asked.tool_choice.mode
        is_forced = mode in ("required", "named")
        if is_forced and not self.traits.takes_forced_tools:
            self.dropped.append("tool_choice")
        elif mode == "named":
            choice = {"type": "tool", "name": asked.tool_choice.name}
            self.body["tool_choice"] = choice
        else:
            self.body["tool_choice"] = {"type": "any" if is_forced else mode}

    def _add_thinking(self) -> None:
        effort = self.asked.effort
        if effort is None:
            return
        thinking = _thinking(effort, self.body["max_tokens"], self.traits)
        if thinking is None or (self._is_forced and thinking["type"] != "disabled"):
            # Thinking and a demanded call exclude each other.
            self.dropped.append("reasoning")
            return
        self.body["thinking"] = thinking
        if thinking["type"] == "adaptive":
            self.body["output_config"] = {"effort": _effort(effort)}

    @property
    def _is_forced(self) -> bool:
        choice: Json = self.body.get("tool_choice", {})
        return choice.get("type") in ("any", "tool")

    def _add_form(self) -> None:
        form = self.asked.form
        if form.kind == "json_schema":
            schema = {"type": "json_schema", "schema": closed(form.schema)}
            config: Json = self.body.setdefault("output_config", {})
            config["format"] = schema

    def _add_sampling(self, version: str) -> None:
        asked = self.asked
        thinks = self.body.get("thinking", {}).get("type") in ("adaptive", "enabled")
        is_taken = (
            version == SAMPLING_VERSION and self.item.supports_sampling and not thinks
        )
        for name, value in (("temperature", asked.temperature), ("top_p", asked.top_p)):
            # The 4.x models take one of the two.
            if value is None:
                continue
            if is_taken and "temperature" not in self.body:
                self.body[name] = min(value, _TEMPERATURE_MAX)
            else:
                self.dropped.append(name)


def _message(turn: Turn) -> Json:
    parts = turn.parts
    only = parts[0] if len(parts) == 1 else None
    if isinstance(only, TextPart):
        return {"role": turn.role, "content": only.text}
    return {"role": turn.role, "content": list(_blocks(parts))}


def _blocks(parts: tuple[Part, ...]) -> Iterator[Json]:
    """Yield the blocks of one turn; results of tools have to come first."""
    for part in sorted(parts, key=lambda part: not isinstance(part, ResultPart)):
        yield _block(part)


def _block(part: Part) -> Json:
    match part:
        case TextPart(text):
            return {"type": "text", "text": text}
        case ImagePart():
            return {"type": "image", "source": _source(part)}
        case CallPart(call_id, name, arguments):
            return {
                "type": "tool_use",
                "id": call_id,
                "name": name,
                "input": arguments,
            }
        case ResultPart(call_id, _, output):
            return {
                "type": "tool_result",
                "tool_use_id": call_id,
                "content": output,
            }


def _source(image: ImagePart) -> Json:
    if image.inline is None:
        return {"type": "url", "url": image.url}
    media_type, data = image.inline
    return {"type": "base64", "media_type": media_type, "data": data}


def _tool(tool: Tool) -> Json:
    schema = tool.parameters or {"type": "object", "properties": {}}
    found: Json = {"name": tool.name, "input_schema": schema}
    if tool.description:
        found["description"] = tool.description
    if tool.strict:
        found["strict"] = True
        found["input_schema"] = closed(schema)
    return found


def _thinking(effort: str, cap: int, traits: Traits) -> Json | None:
    """Return the ``thinking`` object for an effort, or None where none is right."""
    if effort == "none":
        return None if traits.thinks_always else {"type": "disabled"}
    if traits.thinks_adaptively:
        return {"type": "adaptive"}
    budget = int(cap * _BUDGET_SHARES.get(effort, 0.4))
    if budget < _BUDGET_TOKENS_MIN:
        return None
    return {"type": "enabled", "budget_tokens": budget}


def _effort(effort: str) -> str:
    return "low" if effort == "minimal" else effort
