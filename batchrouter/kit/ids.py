"""Public ids: a prefix, an underscore and a ULID in lower-case Crockford base32.

The first 10 characters are milliseconds since 1970, the other 16 are random, so ids
sort by the time they were made. Source of the layout: the ULID specification.
"""

import re
import secrets
import time

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
BODY_LENGTH = 26
_PATTERN = re.compile(r"\A[a-z]{2,8}_[0-9a-hjkmnp-tv-z]{26}\Z")


def new_id(prefix: str) -> str:
    """Make a new public id such as ``batch_01jd…``."""
    milliseconds = time.time_ns() // 1_000_000
    return f"{prefix}_{encode(milliseconds << 80 | secrets.randbits(80), BODY_LENGTH)}"


def looks_like_id(text: str, prefix: str) -> bool:
    """Tell whether ``text`` has the form of one of our ids with this prefix."""
    return text.startswith(prefix + "_") and _PATTERN.match(text) is not None


def encode(number: int, length: int) -> str:
    """Write a number in base32, padded with zeros to ``length`` characters."""
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 32)
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))


def decode(text: str) -> int:
    """Read a base32 number.

    Raises:
        ValueError: a character is not of the alphabet.
    """
    number = 0
    for character in text:
        number = number * 32 + ALPHABET.index(character)
    return number


# Two base32 digits at a time: an item's id is written for every row.
_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]
_SEQ_START = len("batch_") + BODY_LENGTH - 6


def item_id(batch_id: str, seq: int) -> str:
    """Name one item: the batch's first 20 characters and the item's number.

    Derived, so that a hundred thousand items need no stored ids.
    """
    high, middle, low = seq >> 20, seq >> 10 & 1023, seq & 1023
    return f"item_{batch_id[6:_SEQ_START]}{_PAIRS[high]}{_PAIRS[middle]}{_PAIRS[low]}"


def seq_of_item_id(text: str) -> int | None:
    """Return the number that :func:`item_id` wrote; None where it is no such id."""
    return decode(text[-6:]) if looks_like_id(text, "item") else None
