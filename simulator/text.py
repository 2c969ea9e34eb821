"""Plain text tools: words, sentences, keywords and what the instruction asks for."""

import re
from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b

# Longer inputs are answered from their beginning, so one call stays cheap.
ANALYSED_CHARS = 8_000

_WORD = re.compile(r"[^\W\d_]{2,}")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_CLAUSE_END = re.compile(r"[;,:]\s+")
_TASK_VERBS = (
    "summari|classif|categori|extract|translat|write|give|list|describe|explain|"
    "answer|label|rate|identify|find|return|read|analy|review|tell|provide|generate"
)
_INSTRUCTION = re.compile(rf"^\s*(?:please\s+)?(?:{_TASK_VERBS})", re.IGNORECASE)
_STOPWORDS_TEXT = (
    "a an and are as at be been but by can could did do does for from had has have he "
    "her his how i if in into is it its may more most my no not of on or our out she "
    "so some such than that the their them then there these they this to up us was we "
    "were what when where which who will with would you your"
)
STOPWORDS = frozenset(_STOPWORDS_TEXT.split())


def words(text: str) -> list[str]:
    """Return the lower-case words of ``text``."""
    return _WORD.findall(text.lower())


def keywords(text: str, count: int) -> list[str]:
    """Return the ``count`` most frequent meaningful words, most frequent first."""
    found = Counter(w for w in words(text) if w not in STOPWORDS)
    ranked = sorted(found, key=lambda word: (-found[word], word))
    return ranked[:count]


def sentences(text: str) -> list[str]:
    """Return the sentences of ``text`` without list markers."""
    parts = (part.strip(" \t\r-*•") for part in _SENTENCE_END.split(text))
    return [part for part in parts if part][:200]


def best_sentences(text: str, count: int) -> list[str]:
    """Return the ``count`` sentences with the most frequent words, in text order."""
    pool = sentences(text)
    if len(pool) < count:
        pool = [
            clause.strip()
            for sentence in pool
            for clause in _CLAUSE_END.split(sentence)
            if clause.strip()
        ]
    weight = Counter(w for w in words(text) if w not in STOPWORDS)
    ranked = sorted(range(len(pool)), key=lambda i: (-_score(pool[i], weight), i))
    return [pool[i] for i in sorted(ranked[:count])]


def split_instruction(text: str) -> tuple[str, str]:
    """Return the instruction at the head of ``text`` and the material after it."""
    head, mark, rest = text.partition("\n")
    if not (mark and rest.strip()):
        head, mark, rest = text.partition(": ")
    asks = _INSTRUCTION.match(head) or head.rstrip().endswith(":")
    if mark and rest.strip() and asks:
        return head.strip(), rest.strip()
    return "", text.strip()


def stable_number(text: str) -> int:
    """Return the same 64-bit number for the same text, on every machine."""
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def pick(options: Sequence[str], text: str) -> str:
    """Return one of ``options``, always the same one for the same text."""
    return options[stable_number(text) % len(options)]


def _score(sentence: str, weight: Counter[str]) -> float:
    found = words(sentence)
    return sum(weight[word] for word in found) / (len(found) + 3)
