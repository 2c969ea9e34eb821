"""Unit vectors made of hashed words, so that similar texts lie nearer."""

import base64
import math
import struct
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from simulator.text import ANALYSED_CHARS, words
from simulator.usage import count_tokens
from simulator.wire import Json

DIMENSIONS: Mapping[str, int] = {
    "text-embedding-3-large": 3072,
    "text-embedding-3-small": 1536,
    "text-embedding-ada-002": 1536,
    "mistral-embed": 1024,
}
DEFAULT_DIMENSIONS = 768
_POINTS_PER_WORD = 16


def embed(text: str, dimensions: int) -> list[float]:
    """Return the unit vector of ``text``."""
    vector = [0.0] * dimensions
    for word in words(text[:ANALYSED_CHARS]) or [text]:
        for point, sign in _points(word):
            vector[point % dimensions] += sign
    length = math.sqrt(sum(value * value for value in vector))
    if not length:
        vector[0] = length = 1.0
    return [round(value / length, 8) for value in vector]


def encoded(vector: list[float], encoding_format: str) -> list[float] | str:
    """Return ``vector`` as asked: floats, or base64 of little-endian float32."""
    if encoding_format == "base64":
        return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
    return vector


def inputs_of(body: Json) -> list[Any]:
    """Return the separate inputs: each a text or a list of token numbers."""
    given = body["input"]
    if isinstance(given, str) or (given and isinstance(given[0], int)):
        return [given]
    return list(given)


def as_text(given: Any) -> str:
    """Return an input as text; token numbers are spelled out."""
    return given if isinstance(given, str) else " ".join(f"token{n}" for n in given)


def tokens_of(given: Any) -> int:
    """Return the tokens of one input."""
    return count_tokens(given) if isinstance(given, str) else len(given)


def dimensions_of(body: Json) -> int:
    """Return the vector length asked for, or the model's own."""
    own = DIMENSIONS.get(body["model"], DEFAULT_DIMENSIONS)
    return int(body.get("dimensions") or own)


@lru_cache(maxsize=20_000)
def _points(word: str) -> tuple[tuple[int, float], ...]:
    digest = blake2b(word.encode("utf-8", "surrogatepass")).digest()
    numbers = struct.unpack(f"<{_POINTS_PER_WORD}I", digest)
    return tuple((n >> 1, 1.0 if n & 1 else -1.0) for n in numbers)
