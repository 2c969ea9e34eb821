"""Customers' JSON schemas and regular expressions, compiled once and safe to run.

A schema may not reach outside itself, its patterns run in linear time, and it may not
unfold to more than a bounded number of parts: a chain of 30 ``$ref`` pairs, each to the
next, is a kilobyte of text and a billion steps to check. (References back to an open
part cost nothing more: whether a value is valid, the validator remembers for each part.
It does not when it explains, so a schema that refers to itself gets no explanation.)

Linear is not cheap: ``(?:[ab]{0,30}){0,30}c`` takes RE2 29 microseconds a character. So
the steps of a check are bounded too: the size of what runs times the text it runs over.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote

import jsonschema_rs
import orjson
import re2

SCHEMA_BYTES_MAX = 64 * 1024
REGEX_LENGTH_MAX = 512
UNFOLDED_MAX = 20_000
PATTERNS_MAX = 32
_DEPTH_MAX = 120
# Memory of one compiled pattern; the defaults are 8 MiB (RE2) and 10 MiB (Rust).
_REGEX_BYTES = 1 << 20
_REGEXES_CACHED = 256
# Compiled sizes that a schema's pattern is sorted by, in KiB. The engine tells its size
# only by refusing a lower limit.
_PATTERN_STEPS_KIB = (16, 64, 256, 1024)
# What one check may cost, as size times text: two seconds on the machine measured on
# (15 ns a state of RE2 and character; 95 ns a KiB of a schema's pattern and character;
# 50 ns a part of a schema and value).
_REGEX_WORK_MAX = 120_000_000
_PATTERN_WORK_MAX = 20_000_000
_SCHEMA_WORK_MAX = 40_000_000
_PLACE_LENGTH_MAX = 80
# What compiled schemas may take in all, by a rough weight: a byte of text becomes some
# 20 in memory (measured: 37 MiB for 2 MiB of plain properties).
_CACHE_BYTES = 48 << 20
_BYTES_PER_BYTE = 20
_DATA_KEYWORDS = frozenset({"const", "default", "enum", "examples"})
# Under these stand names chosen by the customer, so "enum" there is no keyword.
_MAP_KEYWORDS = frozenset(
    {
        "$defs",
        "definitions",
        "dependencies",
        "dependentSchemas",
        "patternProperties",
        "properties",
    }
)
# In these a plain "id" moves what "#" points to, so that we would measure another part.
_OLD_DRAFTS = ("draft-03", "draft-04")
_DYNAMIC_KEYWORDS = frozenset({"$dynamicRef", "$recursiveRef"})
_POINTER = re.compile(r"#(?:/.*)?\Z", re.DOTALL)


class Compiled(NamedTuple):
    """A validator, or the reason why there is none.

    Attributes:
        parts: of the schema with every ``$ref`` written out once.
        patterns_kib: compiled size of all patterns in these parts.
        is_recursive: a part refers to itself.
    """

    validator: jsonschema_rs.Validator | None
    reason: str | None
    weight: int = 0
    parts: int = 0
    patterns_kib: int = 0
    is_recursive: bool = False

    def misfit(self, value: Any, text: str) -> str | None:
        """Say why a value does not meet the schema; None where it does.

        Args:
            value: JSON of 32 levels at most.
            text: that it was read from.
        """
        if self.validator is None:
            return self.reason or "The schema cannot be used."
        if self._is_costly(text):
            return "The answer is too long to be checked against this schema."
        if self.validator.is_valid(value):
            return None
        if self.is_recursive:
            return "The answer does not meet the schema, which refers to itself."
        try:
            self.validator.validate(value)
        except jsonschema_rs.ValidationError as error:
            place = "/".join(str(step) for step in error.instance_path)
            return f"{place[:_PLACE_LENGTH_MAX] or 'the whole'}: {error.message}"
        return None

    def _is_costly(self, text: str) -> bool:
        if self.patterns_kib * len(text) > _PATTERN_WORK_MAX:
            return True
        if self.parts * len(text) <= _SCHEMA_WORK_MAX:
            return False
        values = 1 + sum(map(text.count, ",:[{"))
        return self.parts * values > _SCHEMA_WORK_MAX


class _Refused(Exception):
    """The schema is not one that we run."""


def _too_deep() -> _Refused:
    return _Refused(f"Through its $refs the schema is over {_DEPTH_MAX} levels deep.")


class _Cache:
    """Compiled schemas by digest; emptied when they weigh too much."""

    def __init__(self) -> None:
        self._found: dict[bytes, Compiled] = {}
        self._weight = 0

    def get(self, key: bytes) -> Compiled | None:
        return self._found.get(key)

    def put(self, key: bytes, found: Compiled) -> None:
        if self._weight + found.weight > _CACHE_BYTES:
            self._found.clear()
            self._weight = 0
        self._found[key] = found
        self._weight += found.weight


_cache = _Cache()


def canonical(schema: Any) -> bytes:
    """Return the bytes by which equal schemas are known."""
    return orjson.dumps(schema, option=orjson.OPT_SORT_KEYS)


def compile_schema(schema: Any, text: bytes | None = None) -> Compiled:
    """Compile a JSON schema, or say in a sentence why not.

    Args:
        schema: the schema as read from JSON.
        text: its canonical bytes, where the caller has them.
    """
    data = canonical(schema) if text is None else text
    key = hashlib.blake2b(data, digest_size=16).digest()
    found = _cache.get(key)
    if found is None:
        found = _compile(schema, data)
        _cache.put(key, found)
    return found


def _compile(schema: Any, data: bytes) -> Compiled:
    if type(schema) is not dict:
        return _refused("A JSON schema is an object.")
    if len(data) > SCHEMA_BYTES_MAX:
        return _refused("A JSON schema may have 64 KiB at most.")
    unfolded = _Unfolded(schema)
    options = jsonschema_rs.RegexOptions(
        size_limit=_REGEX_BYTES, dfa_size_limit=_REGEX_BYTES
    )
    try:
        size = unfolded.check()
        validator = jsonschema_rs.validator_for(
            schema, pattern_options=options, offline=True
        )
    except _Refused as refusal:
        return _refused(str(refusal))
    except (jsonschema_rs.ValidationError, ValueError) as error:
        reason = str(error).partition("\n")[0][:200]
        return _refused(f"Not a valid JSON schema: {reason}")
    weight = _BYTES_PER_BYTE * len(data) + _REGEX_BYTES * len(unfolded.patterns)
    return Compiled(
        validator,
        None,
        weight,
        parts=size.parts,
        patterns_kib=size.patterns_kib,
        is_recursive=unfolded.is_recursive,
    )


def _refused(reason: str) -> Compiled:
    return Compiled(None, reason, _BYTES_PER_BYTE * len(reason))


def _schemas(values: Iterable[Any]) -> Iterator[Any]:
    return (value for value in values if type(value) in (dict, list))


class _Size(NamedTuple):
    """How many parts a schema unfolds to, how deep, and how much its patterns are."""

    parts: int
    depth: int
    patterns_kib: int = 0


class _Unfolded:
    """Measures a schema with every ``$ref`` written out once."""

    def __init__(self, root: dict[str, Any]) -> None:
        self.patterns: set[str] = set()
        self.is_recursive = False
        self._root = root
        self._sizes: dict[str, _Size] = {}
        self._open: set[str] = set()

    def check(self) -> _Size:
        size = self._size(self._root, 0)
        if size.parts > UNFOLDED_MAX:
            raise _Refused(
                f"With its $refs written out the schema has over {UNFOLDED_MAX} parts."
            )
        if size.depth > _DEPTH_MAX:
            raise _too_deep()
        if len(self.patterns) > PATTERNS_MAX:
            raise _Refused(f"A JSON schema may have {PATTERNS_MAX} patterns at most.")
        return size

    def _size(self, schema: Any, level: int) -> _Size:
        if level > _DEPTH_MAX:
            raise _too_deep()
        parts, depth, patterns_kib = 1, 0, _own_patterns_kib(schema)
        for value in self._inner(schema):
            inner = (
                self._size_of_ref(value, level + 1)
                if type(value) is str
                else self._size(value, level + 1)
            )
            parts, depth = parts + inner.parts, max(depth, inner.depth)
            patterns_kib += inner.patterns_kib
        return _Size(parts, depth + 1, patterns_kib)

    def _inner(self, schema: Any) -> Iterator[Any]:
        """Yield the schemas inside, and the text of ``$ref``."""
        if type(schema) is list:
            yield from _schemas(schema)
        if type(schema) is not dict:
            return
        for keyword, value in schema.items():
            if type(value) is str:
                if self._is_ref(keyword, value, schema):
                    yield value
            elif keyword in _MAP_KEYWORDS and type(value) is dict:
                self.patterns.update(value if keyword == "patternProperties" else ())
                yield from _schemas(value.values())
            elif keyword not in _DATA_KEYWORDS and type(value) in (dict, list):
                yield value

    def _is_ref(self, keyword: str, value: str, schema: Any) -> bool:
        if keyword == "pattern":
            self.patterns.add(value)
        if keyword in _DYNAMIC_KEYWORDS:
            raise _Refused(f"{keyword} is not supported; use $ref.")
        if keyword == "$schema" and any(draft in value for draft in _OLD_DRAFTS):
            raise _Refused("Use draft 6 of JSON Schema, or a later one.")
        if keyword == "$id" and schema is not self._root:
            raise _Refused("$id is accepted at the top only.")
        return keyword == "$ref"

    def _size_of_ref(self, ref: str, level: int) -> _Size:
        if ref in self._open:
            self.is_recursive = True
            return _Size(1, 1)
        if ref not in self._sizes:
            self._open.add(ref)
            self._sizes[ref] = self._size(self._target(ref), level)
            self._open.discard(ref)
        return self._sizes[ref]

    def _target(self, ref: str) -> Any:
        if not _POINTER.match(ref):
            raise _Refused("A $ref must point into the schema: #/$defs/name.")
        target: Any = self._root
        for step in unquote(ref[1:]).split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            if type(target) is dict and name in target:
                target = target[name]
            elif type(target) is list and name.isdecimal() and int(name) < len(target):
                target = target[int(name)]
            else:
                raise _Refused(f"The $ref {ref[:64]!r} points to nothing.")
        return target


def _own_patterns_kib(schema: Any) -> int:
    """Return the compiled size of the patterns that stand in a part itself."""
    if type(schema) is not dict:
        return 0
    found = []
    if type(schema.get("pattern")) is str:
        found.append(schema["pattern"])
    if type(schema.get("patternProperties")) is dict:
        found += schema["patternProperties"]
    return sum(map(_pattern_kib, found))


@lru_cache(maxsize=_REGEXES_CACHED)
def _pattern_kib(pattern: str) -> int:
    for step_kib in _PATTERN_STEPS_KIB[:-1]:
        options = jsonschema_rs.RegexOptions(
            size_limit=step_kib << 10, dfa_size_limit=_REGEX_BYTES
        )
        try:
            jsonschema_rs.validator_for(
                {"pattern": pattern}, pattern_options=options, offline=True
            )
        except (jsonschema_rs.ValidationError, ValueError):
            continue
        return step_kib
    return _PATTERN_STEPS_KIB[-1]


@lru_cache(maxsize=_REGEXES_CACHED)
def compile_regex(pattern: str) -> Any:
    """Compile a pattern by RE2, which runs in linear time.

    Raises:
        re2.error: it is not a pattern of RE2.
    """
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _REGEX_BYTES
    return re2.compile(pattern, options=options)


def regex_misfit(pattern: str, text: str) -> str | None:
    """Say why nothing in a text matches a pattern; None where something does."""
    reason = regex_problem(pattern)
    if reason is not None:
        return reason
    compiled = compile_regex(pattern)
    if compiled.programsize * len(text) > _REGEX_WORK_MAX:
        return "The text is too long to be searched for this pattern."
    # What UTF-8 cannot say, RE2 cannot read.
    if compiled.search(text.encode(errors="replace").decode()):
        return None
    return "Nothing in the text matches the pattern."


def regex_problem(pattern: str) -> str | None:
    """Say why a pattern cannot be used, or nothing."""
    if len(pattern) > REGEX_LENGTH_MAX:
        return f"A pattern has at most {REGEX_LENGTH_MAX} characters."
    try:
        compile_regex(pattern)
    except (re2.error, UnicodeEncodeError) as error:
        reason = error.args[0] if error.args else ""
        text = reason.decode(errors="replace") if type(reason) is bytes else str(reason)
        return f"RE2 does not accept this pattern: {text[:200]}"
    return None
