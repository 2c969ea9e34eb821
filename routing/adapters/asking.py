"""One reading of an item's input, for providers whose wire is neither of its forms.

A customer writes the Responses form, the chat form or plain text; Anthropic and Gemini
want turns of parts, a system prompt beside them, and their own words for the rest. Here
the input becomes one value, so that their adapters translate once. The manifest has
checked every input before; what is of another shape all the same is left out.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

from routing.adapters import messages
from routing.contracts import ItemRequest

Json = dict[str, Any]
Role = Literal["user", "assistant"]

_SYSTEM_ROLES: Final = frozenset({"system", "developer"})
_TEXT_PARTS: Final = frozenset({"input_text", "output_text", "text"})


@dataclass(frozen=True, slots=True)
class TextPart:
    """Words, never blank."""

    text: str


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image, by https address or inside a ``data:`` URL.

    Attributes:
        detail: ``auto``, ``low`` or ``high``; None where the customer named none.
    """

    url: str
    detail: str | None = None

    @property
    def inline(self) -> tuple[str, str] | None:
        """The media type and the base64 text of a ``data:`` URL, else None."""
        head, comma, data = self.url.partition(";base64,")
        if not (comma and head.startswith("data:")):
            return None
        return head.removeprefix("data:"), data


@dataclass(frozen=True, slots=True)
class CallPart:
    """A function that the assistant called in an earlier turn."""

    call_id: str
    name: str
    arguments: Json


@dataclass(frozen=True, slots=True)
class ResultPart:
    """What such a call gave; ``name`` is the function's, empty where it is unknown."""

    call_id: str
    name: str
    output: str


Part = TextPart | ImagePart | CallPart | ResultPart


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side said until the other spoke; never without parts."""

    role: Role
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call; ``parameters`` is a JSON schema."""

    name: str
    description: str | None
    parameters: Json | None
    strict: bool


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """Which function has to be called: ``name`` is only there in mode ``named``."""

    mode: Literal["auto", "none", "required", "named"]
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """The form that the text has to have; ``schema`` is there for a JSON schema."""

    kind: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    schema: Json | None = None
    strict: bool = False


PLAIN: Final = Form("text")


@dataclass(frozen=True, slots=True)
class Asked:
    """Everything an item asks for.

    Attributes:
        system: instructions and the messages of the system, joined; may be empty.
        turns: alternate between user and assistant; results of tools are the user's.
        effort: one of ``none``, ``minimal``, ``low`` to ``xhigh`` and ``max``.
    """

    system: str
    turns: tuple[Turn, ...]
    form: Form
    tools: tuple[Tool, ...]
    tool_choice: ToolChoice | None
    stop: tuple[str, ...]
    temperature: float | None
    top_p: float | None
    effort: str | None


def read(item: ItemRequest) -> Asked:
    """Return what a responses or vision item asks for."""
    source = item.input
    reading = _Reading()
    reading.add_system(source.get("instructions"))
    given = messages.responses_input(source)
    entries = given if isinstance(given, list) else [{"role": "user", "content": given}]
    for entry in entries:
        if isinstance(entry, dict):
            reading.add(entry)
    reasoning = source.get("reasoning")
    return Asked(
        system="\n\n".join(reading.system),
        turns=tuple(_merged(reading.turns)),
        form=_form(source.get("text")),
        tools=tuple(_tools(source.get("tools"))),
        tool_choice=_choice(source.get("tool_choice")),
        stop=_stop(source.get("stop")),
        temperature=source.get("temperature"),
        top_p=source.get("top_p"),
        effort=reasoning.get("effort") if isinstance(reasoning, dict) else None,
    )


def has_detail(asked: Asked) -> bool:
    """Tell whether an image asks for a detail, which not every wire has a word for."""
    return any(
        isinstance(part, ImagePart) and part.detail not in (None, "auto")
        for turn in asked.turns
        for part in turn.parts
    )


def embedding_texts(item: ItemRequest) -> list[str]:
    """Return the texts of an embeddings item, one or more."""
    given = item.input.get("input")
    return [given] if isinstance(given, str) else list(given or [])


class _Reading:
    """Gathers the system's words and the turns, in the order of the entries."""

    def __init__(self) -> None:
        self.system: list[str] = []
        self.turns: list[tuple[Role, list[Part]]] = []
        self._names: dict[str, str] = {}

    def add_system(self, content: Any) -> None:
        self.system += [
            part.text for part in _parts(content) if isinstance(part, TextPart)
        ]

    def add(self, entry: Json) -> None:
        """Add one entry of the Responses form."""
        if entry.get("type") == "function_call":
            self._add_call(entry)
        elif entry.get("type") == "function_call_output":
            self._add_result(entry)
        elif entry.get("role") in _SYSTEM_ROLES:
            self.add_system(entry.get("content"))
        else:
            role: Role = "assistant" if entry.get("role") == "assistant" else "user"
            self.turns.append((role, list(_parts(entry.get("content")))))

    def _add_call(self, entry: Json) -> None:
        call_id, name = str(entry.get("call_id")), str(entry.get("name"))
        self._names[call_id] = name
        call = CallPart(call_id, name, _arguments(entry.get("arguments")))
        self.turns.append(("assistant", [call]))

    def _add_result(self, entry: Json) -> None:
        call_id = str(entry.get("call_id"))
        output = entry.get("output")
        text = output if isinstance(output, str) else orjson.dumps(output).decode()
        result = ResultPart(call_id, self._names.get(call_id, ""), text)
        self.turns.append(("user", [result]))


def _merged(turns: Iterable[tuple[Role, list[Part]]]) -> Iterator[Turn]:
    """Join neighbours of one side and leave empty turns out."""
    role: Role = "user"
    parts: list[Part] = []
    for next_role, next_parts in turns:
        if not next_parts:
            continue
        if next_role != role and parts:
            yield Turn(role, tuple(parts))
            parts = []
        role = next_role
        parts += next_parts
    if parts:
        yield Turn(role, tuple(parts))


def _parts(content: Any) -> Iterator[Part]:
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    for part in content if isinstance(content, list) else ():
        found = _part(part) if isinstance(part, dict) else None
        if found is not None:
            yield found


def _part(part: Json) -> Part | None:
    kind = part.get("type")
    if kind in _TEXT_PARTS:
        text = part.get("text")
        return TextPart(text) if isinstance(text, str) and text.strip() else None
    if kind == "input_image" and isinstance(part.get("image_url"), str):
        return ImagePart(part["image_url"], part.get("detail"))
    return None


def _arguments(text: Any) -> Json:
    """Return a call's arguments as the object that they stand for."""
    try:
        value = orjson.loads(text)
    except (orjson.JSONDecodeError, TypeError):
        value = text
    return value if isinstance(value, dict) else {"arguments": value}


def _form(text: Any) -> Form:
    wanted = text.get("format") if isinstance(text, dict) else None
    if not isinstance(wanted, dict):
        return PLAIN
    if wanted.get("type") == "json_object":
        return Form("json_object")
    if wanted.get("type") != "json_schema":
        return PLAIN
    return Form(
        "json_schema",
        name=wanted.get("name"),
        schema=wanted.get("schema"),
        strict=wanted.get("strict") is True,
    )


def _tools(tools: Any) -> Iterator[Tool]:
    for tool in messages.responses_tools(tools or ()):
        if isinstance(tool, dict) and isinstance(tool.get("name"), str):
            yield Tool(
                name=tool["name"],
                description=tool.get("description"),
                parameters=tool.get("parameters"),
                strict=tool.get("strict") is True,
            )


def _choice(choice: Any) -> ToolChoice | None:
    flat = messages.responses_tool_choice(choice)
    if isinstance(flat, Mapping) and isinstance(flat.get("name"), str):
        return ToolChoice("named", flat["name"])
    return ToolChoice(flat) if flat in ("auto", "none", "required") else None


def _stop(stop: Any) -> tuple[str, ...]:
    if stop is None:
        return ()
    return (stop,) if isinstance(stop, str) else tuple(stop)
