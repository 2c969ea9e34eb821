"""One view of a request, whichever of the two text endpoints it came through."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from simulator import usage
from simulator.wire import Json

MARKER = re.compile(r"\[\[sim:([a-z0-9_-]+)(?:@([a-z]+))?(?::([\w.-]+))?\]\]")


@dataclass(frozen=True)
class Prompt:
    """What an answer depends on. ``user`` is free of fault markers."""

    model: str
    system: str
    user: str
    images: tuple[str, ...]
    input_tokens: int
    max_tokens: int | None
    format_type: str  # text, json_object or json_schema
    schema: Json | None
    tool: Json | None  # the function the caller insists on
    stop: tuple[str, ...]
    effort: str | None


@dataclass
class Reading:
    """The texts, images and tokens of a body while it is read."""

    system: list[str]
    user: list[str]
    images: list[str]
    tokens: int = 0

    def take(self, role: str, content: Any) -> None:
        """Take one message: a text, or parts in OpenAI's words."""
        self.tokens += usage.TOKENS_PER_MESSAGE
        for part in _parts(content):
            self._take_part(role, part)

    def _take_part(self, role: str, part: Mapping[str, Any]) -> None:
        text = part.get("text") or part.get("refusal")
        if isinstance(text, str):
            self.tokens += usage.count_tokens(text)
            if role in ("system", "developer"):
                self.system.append(text)
            elif role == "user":
                self.user.append(text)
        elif part.get("type") in ("input_image", "image_url"):
            self._take_image(part)

    def _take_image(self, part: Mapping[str, Any]) -> None:
        image = part.get("image_url")
        nested = image if isinstance(image, dict) else {}
        detail = nested.get("detail") or part.get("detail")
        low = detail == "low"
        self.tokens += usage.IMAGE_TOKENS_LOW if low else usage.IMAGE_TOKENS
        self.images.append(str(nested.get("url") or image or part.get("file_id")))


def from_responses(body: Json) -> Prompt:
    """Read a checked ``/responses`` body."""
    reading = Reading([], [], [])
    if body.get("instructions"):
        reading.take("system", body["instructions"])
    given = body.get("input")
    for item in (
        [{"role": "user", "content": given}] if isinstance(given, str) else given or []
    ):
        reading.take(str(item.get("role", "tool")), _item_content(item))
    wanted = (body.get("text") or {}).get("format") or {}
    return make_prompt(
        body,
        reading,
        shape=(wanted.get("type", "text"), wanted.get("schema")),
        max_tokens=body.get("max_output_tokens"),
        effort=(body.get("reasoning") or {}).get("effort"),
    )


def from_chat(body: Json) -> Prompt:
    """Read a checked ``/chat/completions`` body."""
    reading = Reading([], [], [])
    for message in body["messages"]:
        reading.take(message["role"], message.get("content"))
    wanted = body.get("response_format") or {}
    schema = (wanted.get("json_schema") or {}).get("schema")
    return make_prompt(
        body,
        reading,
        shape=(wanted.get("type", "text"), schema),
        max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
        effort=body.get("reasoning_effort"),
    )


def make_prompt(
    body: Json,
    reading: Reading,
    *,
    shape: tuple[str, Json | None],
    max_tokens: int | None,
    effort: str | None,
) -> Prompt:
    """Return the prompt for a body in either of OpenAI's words and what was read."""
    extra = [value for value in (shape[1], body.get("tools")) if value]
    stop = body.get("stop") or ()
    return Prompt(
        model=body["model"],
        system=_plain(reading.system),
        user=_plain(reading.user),
        images=tuple(reading.images),
        input_tokens=reading.tokens + sum(map(usage.count_json_tokens, extra)),
        max_tokens=max_tokens,
        format_type=shape[0],
        schema=shape[1],
        tool=_forced_tool(body),
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        effort=effort,
    )


def _plain(texts: Iterable[str]) -> str:
    return MARKER.sub("", "\n".join(texts)).strip()


def _parts(content: Any) -> list[Mapping[str, Any]]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [part for part in content or [] if isinstance(part, dict)]


def _item_content(item: Mapping[str, Any]) -> Any:
    """Return the text of a message, or of a tool's output fed back."""
    return item.get("content") or item.get("output") or item.get("arguments")


def _forced_tool(body: Json) -> Json | None:
    choice = body.get("tool_choice")
    named = None
    if isinstance(choice, dict):
        named = choice.get("name") or (choice.get("function") or {}).get("name")
    elif choice != "required":
        return None
    tools = [tool.get("function") or tool for tool in body.get("tools") or []]
    wanted = [t for t in tools if t.get("name") and named in (None, t["name"])]
    return wanted[0] if wanted else None
