"""Values that fit a JSON schema, taken from a text where it states them."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from simulator.entities import Entities
from simulator.labels import best_label
from simulator.text import best_sentences, stable_number
from simulator.wire import Json

MAX_DEPTH = 8  # a schema that refers to itself ends here
DEFAULT_ITEMS = 3

_YES = frozenset(
    {"yes", "true", "confirmed", "urgent", "agreed", "approved", "paid", "delivered"}
)
_FORMATS: Mapping[str, str] = {
    "email": "email",
    "date": "date",
    "uri": "url",
    "date-time": "timestamp",
    "uuid": "uuid",
    "time": "time",
}
# First match wins, so the narrow words come before the wide ones.
_HINTS: tuple[tuple[str, str], ...] = (
    ("email", "email"),
    ("phone", "phone"),
    ("url|link|website", "url"),
    ("date|deadline|_at$|_on$|day", "date"),
    ("currency", "currency"),
    ("keyword|tag|topic", "keyword"),
    ("summary|abstract|description|reason|rationale|explanation|text|note", "summary"),
    ("title|subject|headline", "title"),
    ("name|person|author|customer|vendor|company|sender|recipient", "name"),
    ("number|reference|(^|_)id$|code|sku", "reference"),
)


class Shaper:
    """Fills schemas from one text; equal inputs give equal values.

    ``text`` is the material; ``whole`` may hold the instruction too, for a fact that
    stands in it.
    """

    def __init__(self, root: Json, text: str, whole: str = "") -> None:
        self.root = root
        self.text = text
        self.facts = Entities(whole or text)
        self.material = Entities(text)

    def fill(self, schema: Any, name: str = "", depth: int = 0, nth: int = 0) -> Any:
        """Return a value for ``schema``; ``nth`` picks later facts inside lists."""
        shape = self._resolved(schema)
        if "const" in shape:
            return shape["const"]
        if shape.get("enum"):
            return self._choice(shape["enum"])
        return self._typed(shape, _Place(name, depth, nth))

    def _typed(self, shape: Json, place: "_Place") -> Any:
        makers: dict[str, Callable[[Json, _Place], Any]] = {
            "object": self._object,
            "array": self._array,
            "string": self._string,
            "integer": self._integer,
            "number": self._number,
            "boolean": self._boolean,
        }
        maker = makers.get(_type_of(shape))
        return maker(shape, place) if maker else None

    def _resolved(self, schema: Any) -> Json:
        shape = schema if isinstance(schema, dict) else {}
        for _ in range(MAX_DEPTH):
            if "$ref" in shape:
                shape = self._pointed(str(shape["$ref"]))
            elif shape.get("anyOf") or shape.get("oneOf"):
                shape = _first_real(shape.get("anyOf") or shape.get("oneOf"))
            elif shape.get("allOf"):
                shape = self._merged(shape)
            else:
                break
        return shape

    def _pointed(self, reference: str) -> Json:
        node: Any = self.root
        for step in reference.removeprefix("#").strip("/").split("/"):
            if step:
                node = node.get(step, {}) if isinstance(node, dict) else {}
        return node if isinstance(node, dict) else {}

    def _merged(self, shape: Json) -> Json:
        merged: Json = {k: v for k, v in shape.items() if k != "allOf"}
        for part in shape["allOf"]:
            piece = self._resolved(part)
            merged["properties"] = {
                **merged.get("properties", {}),
                **piece.get("properties", {}),
            }
            merged["required"] = [
                *merged.get("required", []),
                *piece.get("required", []),
            ]
            merged = {**piece, **merged}
        return merged

    def _choice(self, options: Sequence[Any]) -> Any:
        texts = [option for option in options if isinstance(option, str)]
        return best_label(texts, self.text) if texts else options[0]

    def _object(self, shape: Json, place: "_Place") -> Json:
        properties = shape.get("properties")
        if not isinstance(properties, dict):
            return {}
        required = shape.get("required") or []
        wanted = properties if place.depth < MAX_DEPTH else required
        if place.depth > MAX_DEPTH * 2:
            return {}
        return {
            key: self.fill(properties.get(key, {}), key, place.depth + 1, place.nth)
            for key in wanted
        }

    def _array(self, shape: Json, place: "_Place") -> list[Any]:
        low = _whole(shape.get("minItems"), 0)
        high = _whole(shape.get("maxItems"), max(low, DEFAULT_ITEMS))
        if place.depth >= MAX_DEPTH:
            high = low
        items = shape.get("items", {"type": "string"})
        count = max(low, min(high, self._plenty(items, place), DEFAULT_ITEMS + low))
        choices = self._resolved(items).get("enum")
        if choices and shape.get("uniqueItems"):
            best = self._choice(choices)
            return [best, *(c for c in choices if c != best)][:count]
        made = [self.fill(items, place.name, place.depth + 1, i) for i in range(count)]
        return _distinct(made, low) if shape.get("uniqueItems") else made

    def _plenty(self, items: Any, place: "_Place") -> int:
        shape = self._resolved(items)
        if _type_of(shape) == "string" and not shape.get("enum"):
            kind = _kind_of(shape, place.name)
            return max(1, len(self._options(kind)))
        return 1 if shape.get("enum") else 2

    def _string(self, shape: Json, place: "_Place") -> str:
        pattern = shape.get("pattern")
        if isinstance(pattern, str):
            return self._patterned(pattern)
        options = self._options(_kind_of(shape, place.name))
        value = options[place.nth % len(options)] if options else ""
        if not value:
            value = (self.material.keywords or ["unknown"])[0]
        return _fitted(value, shape)

    def _patterned(self, pattern: str) -> str:
        try:
            found = re.search(pattern.strip("^$"), self.text)
        except re.error:
            return "unknown"
        return found[0] if found else "unknown"

    def _options(self, kind: str) -> list[str]:
        facts = self.facts
        seed = stable_number(self.text)
        table: dict[str, Callable[[], list[str]]] = {
            "email": lambda: facts.emails or ["unknown@example.com"],
            "phone": lambda: facts.phones or ["unknown"],
            "url": lambda: facts.urls or ["https://example.com/"],
            "date": lambda: facts.dates or ["1970-01-01"],
            "timestamp": lambda: [
                f"{d}T00:00:00Z" for d in facts.dates or ["1970-01-01"]
            ],
            "time": lambda: ["00:00:00Z"],
            "uuid": lambda: [
                f"{seed:016x}"[:8] + "-0000-4000-8000-" + f"{seed:016x}"[4:]
            ],
            "currency": lambda: [facts.currency],
            "keyword": lambda: self.material.keywords or ["general"],
            "summary": lambda: best_sentences(self.text, 2) or ["unknown"],
            "title": lambda: (
                [s[:80] for s in self.material.sentences[:1]] or ["untitled"]
            ),
            "name": lambda: facts.names or ["unknown"],
            "reference": lambda: facts.references or ["unknown"],
            "plain": lambda: best_sentences(self.text, 3) or ["unknown"],
        }
        return table[kind]()

    def _integer(self, shape: Json, place: "_Place") -> int:
        limits = _Limits(shape)
        step = _whole(shape.get("multipleOf"), 1) or 1
        value = int(self._measure(place)) // step * step
        low, high = limits.least_whole, limits.most_whole
        if low is not None and value < low:
            value = -(-low // step) * step
        if high is not None and value > high:
            value = high // step * step
        return value

    def _number(self, shape: Json, place: "_Place") -> float:
        limits = _Limits(shape)
        value = self._measure(place)
        if limits.high is None and re.search("confidence|probab|score", place.name):
            value = 0.5 + stable_number(self.text) % 50 / 100
        return limits.held(value)

    def _measure(self, place: "_Place") -> float:
        money = re.search("amount|total|price|cost|sum|fee|paid", place.name)
        pool = self.facts.amounts if money else []
        pool = pool or self.facts.numbers
        return (
            pool[place.nth % len(pool)] if pool else float(len(self.material.sentences))
        )

    def _boolean(self, _shape: Json, place: "_Place") -> bool:
        lowered = self.text.lower()
        stem = re.sub(r"^(is|has|was|should|needs)_", "", place.name).split("_")[0]
        return bool(stem and stem in lowered) or any(word in lowered for word in _YES)


class _Place:
    def __init__(self, name: str, depth: int, nth: int) -> None:
        self.name = name.lower()
        self.depth = depth
        self.nth = nth


def _type_of(shape: Json) -> str:
    kind = shape.get("type")
    if isinstance(kind, list):
        kind = next((k for k in kind if k != "null"), "null")
    if kind is None and "properties" in shape:
        return "object"
    return kind if isinstance(kind, str) else "string"


def _kind_of(shape: Json, name: str) -> str:
    known = _FORMATS.get(str(shape.get("format")))
    if known:
        return known
    return next((kind for words, kind in _HINTS if re.search(words, name)), "plain")


def _first_real(options: Any) -> Json:
    shapes = [o for o in options if isinstance(o, dict)]
    real = [o for o in shapes if o.get("type") != "null"]
    return (real or shapes or [{}])[0]


def _fitted(value: str, shape: Json) -> str:
    low = _whole(shape.get("minLength"), 0)
    high = _whole(shape.get("maxLength"), len(value) + low)
    return value.ljust(low, ".")[:high]


def _whole(value: Any, default: int) -> int:
    return value if isinstance(value, int) and value >= 0 else default


class _Limits:
    """The range a number must lie in; an exclusive end is not part of it."""

    def __init__(self, shape: Json) -> None:
        open_low = _real(shape, "exclusiveMinimum")
        open_high = _real(shape, "exclusiveMaximum")
        self.is_open_low = open_low is not None
        self.is_open_high = open_high is not None
        self.low = open_low if self.is_open_low else _real(shape, "minimum")
        self.high = open_high if self.is_open_high else _real(shape, "maximum")

    @property
    def least_whole(self) -> int | None:
        if self.low is None:
            return None
        return math.floor(self.low) + 1 if self.is_open_low else math.ceil(self.low)

    @property
    def most_whole(self) -> int | None:
        if self.high is None:
            return None
        return math.ceil(self.high) - 1 if self.is_open_high else math.floor(self.high)

    def held(self, value: float) -> float:
        """Return ``value``, or the nearest sensible number within the limits."""
        low, high = self.low, self.high
        step = 1.0 if low is None or high is None else (high - low) / 2
        if low is not None and (value < low or (self.is_open_low and value == low)):
            return low + step if self.is_open_low else low
        if high is not None and (value > high or (self.is_open_high and value == high)):
            return high - step if self.is_open_high else high
        return value


def _real(shape: Json, key: str) -> float | None:
    value = shape.get(key)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number else None


def _distinct(made: list[Any], low: int) -> list[Any]:
    kept: list[Any] = []
    for value in made:
        fresh = value if value not in kept else f"{value} {len(kept) + 1}"
        if value not in kept or len(kept) < low:
            kept.append(fresh)
    return kept
