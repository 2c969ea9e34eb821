"""The API reference as values, read from our OpenAPI document."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

JSON = Mapping[str, Any]

_METHODS = ("get", "post", "put", "patch", "delete")
_WORDS = re.compile(r"[^a-z0-9]+")
# Deeper fields are in the document itself; pages would drown in them.
_DEPTH_MAX = 3
# What the serializers' base class says of itself.
_NO_TEXT = "A serializer that only documents."
_STATUS_WORDS = {
    "200": "OK",
    "201": "Created",
    "202": "Accepted",
    "204": "No content",
    "304": "Not modified",
}


@dataclass(frozen=True, slots=True)
class Field:
    """A field, dotted where it lies in another; lists end in ``[]``."""

    name: str
    kind: str
    is_required: bool
    text: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter and where it stands."""

    field: Field
    place: str


@dataclass(frozen=True, slots=True)
class Reply:
    """A good answer."""

    status: str
    word: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """A call.

    Attributes:
        refusals: HTTP statuses that are documented for it, as one text.
    """

    anchor: str
    method: str
    path: str
    title: str
    text: str
    is_public: bool
    parameters: tuple[Parameter, ...]
    body: tuple[Field, ...]
    replies: tuple[Reply, ...]
    refusals: str


@dataclass(frozen=True, slots=True)
class Section:
    """The calls about one thing."""

    slug: str
    name: str
    operations: tuple[Operation, ...]


def sections(path: Path) -> tuple[Section, ...]:
    """Return the reference; it is read anew when the document changes."""
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=2)
def _read(path: Path, _changed_at_ns: int) -> tuple[Section, ...]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    # Our own file, by a loader that makes plain values only.
    document = yaml.load(path.read_text(), Loader=loader)  # noqa: S506
    return section_values(document)


def section_values(document: JSON) -> tuple[Section, ...]:
    """Return the calls of an OpenAPI document, by their first tag."""
    found: dict[str, list[Operation]] = {}
    for address, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                body = item[method]
                tag = (body.get("tags") or ["Other"])[0]
                operation = _operation(document, address, method, body)
                found.setdefault(tag[:1].upper() + tag[1:], []).append(operation)
    return tuple(Section(_slug(tag), tag, tuple(found[tag])) for tag in sorted(found))


def _operation(document: JSON, address: str, method: str, body: JSON) -> Operation:
    replies = body.get("responses", {})
    title = body.get("summary") or body["operationId"].replace("_", " ").capitalize()
    return Operation(
        anchor=_slug(body["operationId"]),
        method=method.upper(),
        path=address,
        title=title,
        text=_text(body),
        is_public=not body.get("security"),
        parameters=tuple(
            _parameter(document, one) for one in body.get("parameters", [])
        ),
        body=_content(document, body.get("requestBody", {})),
        replies=tuple(
            Reply(
                str(status),
                _STATUS_WORDS.get(str(status), ""),
                _content(document, reply),
            )
            for status, reply in replies.items()
            if str(status) < "400"
        ),
        refusals=", ".join(str(one) for one in replies if str(one) >= "400"),
    )


def _parameter(document: JSON, body: JSON) -> Parameter:
    schema = _resolved(document, body.get("schema", {}))
    field = Field(
        name=body["name"],
        kind=_kind(document, schema),
        is_required=bool(body.get("required")),
        text=_text(body) or _text(schema),
    )
    return Parameter(field, body["in"])


def _content(document: JSON, body: JSON) -> tuple[Field, ...]:
    """Return the fields of a JSON body or reply."""
    content = body.get("content", {})
    media: JSON = content.get("application/json") or next(iter(content.values()), {})
    schema = _resolved(document, media.get("schema", {}))
    return tuple(_fields(document, schema, "", 1))


def _fields(document: JSON, schema: JSON, prefix: str, depth: int) -> Iterator[Field]:
    required = schema.get("required", ())
    for name, part in schema.get("properties", {}).items():
        inner = _resolved(document, part)
        is_list = inner.get("type") == "array"
        yield Field(
            name=f"{prefix}{name}",
            kind=_kind(document, inner),
            is_required=name in required,
            text=_text(part) or _text(inner),
        )
        below = _resolved(document, inner.get("items", {})) if is_list else inner
        if depth < _DEPTH_MAX:
            dot = "[]." if is_list else "."
            yield from _fields(document, below, f"{prefix}{name}{dot}", depth + 1)


def _resolved(document: JSON, schema: JSON) -> JSON:
    """Follow references, and the one real choice of a nullable schema."""
    while True:
        if "$ref" in schema:
            name = schema["$ref"].rsplit("/", 1)[-1]
            schema = document["components"]["schemas"][name]
            continue
        choices = [
            one
            for key in ("allOf", "oneOf", "anyOf")
            for one in schema.get(key, [])
            if one.get("type") != "null"
        ]
        if len(choices) != 1:
            return schema
        schema = choices[0]


def _kind(document: JSON, schema: JSON) -> str:
    if "enum" in schema:
        words = [str(word) for word in schema["enum"] if word is not None]
        return "one of " + ", ".join(words)
    kind = schema.get("type", "any")
    if isinstance(kind, list):
        kind = " or ".join(str(one) for one in kind)
    if kind == "array":
        inner = _kind(document, _resolved(document, schema.get("items", {})))
        return f"list of {inner}"
    form = {"date-time": "time (RFC 3339)", "uri": "address", "date": "date"}
    return form.get(schema.get("format", ""), str(kind))


def _text(body: JSON) -> str:
    text = str(body.get("description", "")).strip()
    # The generator lists the words of a choice once more; the type has them already.
    text = text.partition("* `")[0].strip()
    return "" if text == _NO_TEXT else text


def _slug(text: str) -> str:
    return _WORDS.sub("-", text.lower()).strip("-")
