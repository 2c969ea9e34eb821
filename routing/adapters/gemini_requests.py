"""The bodies of Gemini's requests, from one item.

Sources: providers.md 1.3, 2.1 and 2.3, the types of google-genai 3.4.0 and the requests
recorded from it, all read 2026-11-22.
"""

import mimetypes
from typing import Any, Final

from routing.adapters import asking
from routing.adapters.asking import (
    CallPart,
    ImagePart,
    Part,
    ResultPart,
    TextPart,
    Tool,
    ToolChoice,
    Turn,
)
from routing.adapters.gemini_models import thinking
from routing.adapters.gemini_schema import taken
from routing.contracts import ItemRequest

Json = dict[str, Any]

_CHOICE_MODES: Final = {
    "auto": "AUTO",
    "none": "NONE",
    **dict.fromkeys(("required", "named"), "ANY"),
}


def content_body(item: ItemRequest) -> Json:
    """Return the body for ``:generateContent``, or the ``request`` of a batch's line.

    The model stands in the path.
    """
    return _Writing(item).body


def embedding_requests(item: ItemRequest) -> list[Json]:
    """Return one request per text of an embeddings item."""
    size = item.input.get("dimensions")
    dimensions: Json = {} if size is None else {"outputDimensionality": size}
    return [
        {"content": _said("user", [{"text": text}]), **dimensions}
        for text in asking.embedding_texts(item)
    ]


def dropped_from_content(item: ItemRequest) -> tuple[str, ...]:
    """Name the fields of the item that Gemini is not sent.

    Sampling, where the model refuses it; reasoning, where the model has no such step or
    no room for it; an image's ``detail``, which has no equivalent.
    """
    return tuple(_Writing(item).dropped)


class _Writing:
    """One body in the making, and what did not get into it."""

    def __init__(self, item: ItemRequest) -> None:
        self.item = item
        self.asked = asking.read(item)
        self.dropped: list[str] = []
        self.config: Json = {}
        self.body: Json = {"contents": [_content(turn) for turn in self.asked.turns]}
        self._add_system()
        self._add_tools()
        self._add_limits()
        self._add_form()
        self._add_thinking()
        self._add_sampling()
        if self.config:
            self.body["generationConfig"] = self.config
        if asking.has_detail(self.asked):
            self.dropped.append("detail")

    def _add_system(self) -> None:
        if not self.asked.system:
            return
        parts = [{"text": self.asked.system}]
        if self.body["contents"]:
            self.body["systemInstruction"] = {"parts": parts}
        else:
            # Without any content it is 400.
            self.body["contents"] = [_said("user", parts)]

    def _add_tools(self) -> None:
        if not self.asked.tools:
            return
        functions = [_function(tool) for tool in self.asked.tools]
        self.body["tools"] = [{"functionDeclarations": functions}]
        if self.asked.tool_choice is not None:
            calling = _calling(self.asked.tool_choice)
            self.body["toolConfig"] = {"functionCallingConfig": calling}

    def _add_limits(self) -> None:
        if self.item.max_output_tokens is not None:
            self.config["maxOutputTokens"] = self.item.max_output_tokens
        if self.asked.stop:
            self.config["stopSequences"] = list(self.asked.stop)

    def _add_form(self) -> None:
        form = self.asked.form
        if form.kind == "text":
            return
        self.config["responseMimeType"] = "application/json"
        if form.kind == "json_schema":
            self.config["responseJsonSchema"] = taken(form.schema)

    def _add_thinking(self) -> None:
        effort = self.asked.effort
        if effort is None:
            return
        item = self.item
        config = thinking(item.provider_model, effort, item.max_output_tokens)
        if config is None:
            self.dropped.append("reasoning")
        else:
            self.config["thinkingConfig"] = config

    def _add_sampling(self) -> None:
        asked = self.asked
        for field, word, value in (
            ("temperature", "temperature", asked.temperature),
            ("top_p", "topP", asked.top_p),
        ):
            if value is None:
                continue
            if self.item.supports_sampling:
                self.config[word] = value
            else:
                self.dropped.append(field)


def _content(turn: Turn) -> Json:
    role = "model" if turn.role == "assistant" else "user"
    return _said(role, [_part(part) for part in turn.parts])


def _said(role: str, parts: list[Json]) -> Json:
    return {"parts": parts, "role": role}


def _part(part: Part) -> Json:
    match part:
        case TextPart(text):
            return {"text": text}
        case ImagePart():
            return _image(part)
        case CallPart(_, name, arguments):
            return {"functionCall": {"name": name, "args": arguments}}
        case ResultPart(_, name, output):
            response = {"output": output}
            return {"functionResponse": {"name": name, "response": response}}


def _image(image: ImagePart) -> Json:
    if image.inline is not None:
        media_type, data = image.inline
        return {"inlineData": {"mimeType": media_type, "data": data}}
    found: Json = {"fileUri": image.url}
    media_type = mimetypes.guess_type(image.url.partition("?")[0])[0] or ""
    if media_type.startswith("image/"):
        found["mimeType"] = media_type
    return {"fileData": found}


def _function(tool: Tool) -> Json:
    found: Json = {"name": tool.name}
    if tool.description:
        found["description"] = tool.description
    if tool.parameters:
        found["parametersJsonSchema"] = taken(tool.parameters)
    return found


def _calling(choice: ToolChoice) -> Json:
    found: Json = {"mode": _CHOICE_MODES[choice.mode]}
    if choice.mode == "named":
        found["allowedFunctionNames"] = [choice.name]
    return found
