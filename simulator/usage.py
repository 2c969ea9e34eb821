"""Token estimates that stay at or below the real o200k count of the same text.

o200k first cuts text into pieces by a pattern and then gives each piece one or more
tokens. Counting pieces (merging where the real pattern would cut further) is therefore
a floor: usage reported here never exceeds what a tokenizer would say.
"""

import re
from itertools import islice

from simulator.wire import Json, dump

TOKENS_PER_MESSAGE = 3
# Below the published 85 (low) and 765 (high) tiles, so no quote can be too small.
IMAGE_TOKENS_LOW = 70
IMAGE_TOKENS = 255

_WIDE = "\x80-\U0010ffff"
_MARK = rf"[^\s0-9A-Za-z{_WIDE}]"
_PIECE = re.compile(
    rf"[^\r\n0-9A-Za-z{_WIDE}]?(?:[A-Za-z]|[{_WIDE}]{_MARK}*)+(?:'(?:s|t|re|ve|m|ll|d))?"
    r"|[0-9]{1,3}"
    rf"| ?{_MARK}+(?:[{_WIDE}]+{_MARK}*)*[\r\n/]*",
    re.IGNORECASE,
)


def count_tokens(text: str) -> int:
    """Return the token floor of ``text``."""
    return sum(1 for _ in _PIECE.finditer(text))


def count_json_tokens(value: object) -> int:
    """Return a floor for a schema or tool list, whatever spacing it is counted with."""
    return count_tokens(dump(value).decode("utf-8", "replace")) * 4 // 5


def cut_to_tokens(text: str, limit: int) -> tuple[str, int, bool]:
    """Return ``text`` cut to ``limit`` tokens, its tokens, and whether it was cut."""
    pieces = list(islice(_PIECE.finditer(text), limit + 1))
    if len(pieces) <= limit:
        return text, len(pieces), False
    end = pieces[limit - 1].end() if limit else 0
    return text[:end], limit, True


def responses_usage(input_tokens: int, output: "OutputTokens") -> Json:
    """Return the ``usage`` object of a Responses reply."""
    return {
        "input_tokens": input_tokens,
        "input_tokens_details": {
            "cached_tokens": min(output.cached, input_tokens),
            "cache_write_tokens": 0,
        },
        "output_tokens": output.total,
        "output_tokens_details": {"reasoning_tokens": output.reasoning},
        "total_tokens": input_tokens + output.total,
    }


def chat_usage(input_tokens: int, output: "OutputTokens") -> Json:
    """Return the ``usage`` object of a chat completion."""
    return {
        "prompt_tokens": input_tokens,
        "completion_tokens": output.total,
        "total_tokens": input_tokens + output.total,
        "prompt_tokens_details": {
            "cached_tokens": min(output.cached, input_tokens),
            "audio_tokens": 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": output.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def embeddings_usage(tokens: int) -> Json:
    """Return the ``usage`` object of an embeddings reply."""
    return {"prompt_tokens": tokens, "total_tokens": tokens}


class OutputTokens:
    """Tokens an answer used: ``total`` includes ``reasoning``."""

    def __init__(self, *, text: int, reasoning: int, cached: int) -> None:
        self.total = text + reasoning
        self.reasoning = reasoning
        self.cached = cached
