"""Write files of work items, one JSON object a line, each with a text of its own."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

LINE_BYTES = 1000
OUTPUT_TOKENS_MAX = 200
_SYSTEM = "Answer tersely."
_TEXT = (
    "the clerk counts forty sealed envelopes before noon and writes a short note "
    "about every parcel that arrived late from the northern depot while customers "
    "ask whether their refund was approved or why the invoice shows two different "
    "totals so please summarize this ticket in plain language keep all dates amounts "
    "and order numbers exactly as they are and say who should answer it next"
)
_WORDS = _TEXT.split()
_SENTENCES = 4000

Message = dict[str, str]
# From an item's key and its messages to the line's object.
Shape = Callable[[str, list[Message]], dict[str, Any]]


def product_shape(model: str) -> Shape:
    """Return the shape of our manifest's lines."""

    def shape(key: str, messages: list[Message]) -> dict[str, Any]:
        return {
            "customer_item_id": key,
            "operation": "responses",
            "model": model,
            "input": {"messages": messages, "max_output_tokens": OUTPUT_TOKENS_MAX},
        }

    return shape


def openai_shape(key: str, messages: list[Message]) -> dict[str, Any]:
    """Shape a line as OpenAI's batch input does; what the other clients read."""
    return {
        "custom_id": key,
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {
            "model": "mock-1",
            "messages": messages,
            "max_tokens": OUTPUT_TOKENS_MAX,
        },
    }


def keys(count: int, prefix: str) -> list[str]:
    """Return the items' keys, in order."""
    return [f"{prefix}{number:07d}" for number in range(count)]


def write(
    path: Path,
    *,
    count: int,
    shape: Shape,
    prefix: str = "i",
    key_everywhere: bool = False,
) -> Path:
    """Write ``count`` items of ``LINE_BYTES`` each; the same arguments, the same bytes.

    Texts differ from item to item, so that nothing which remembers them is flattered.

    Args:
        path: the file.
        count: how many items.
        shape: what a line looks like.
        prefix: what the keys begin with.
        key_everywhere: begin every sentence with the item's key, for a provider that
            answers with some of them, instead of marking it once as ``[[KEY]]``.
    """
    chance = random.Random(prefix)
    sentences = [_sentence(chance) for _ in range(_SENTENCES)]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="ascii", buffering=1 << 20) as out:
        for key in keys(count, prefix):
            room = LINE_BYTES - len(_line(shape, key, ""))
            chosen = chance.choices(sentences, k=room // 40 + 1)
            if key_everywhere:
                text = "".join(f"{key} {sentence}" for sentence in chosen)
            else:
                text = f"[[{key}]] {''.join(chosen)}"
            out.write(_line(shape, key, text[:room]))
    return path


def _sentence(chance: random.Random) -> str:
    words = " ".join(chance.choices(_WORDS, k=12))
    return f"{words.capitalize()} {chance.randrange(10**6)}. "


def _line(shape: Shape, key: str, text: str) -> str:
    messages = [
        {"role": "system", "content": _SYSTEM},
        {"role": "user", "content": text},
    ]
    return json.dumps(shape(key, messages), separators=(",", ":")) + "\n"
