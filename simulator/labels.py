"""Choosing a label for a text by the words they share."""

import re
from collections.abc import Sequence

from simulator.text import pick, words

_LABEL_LIST = re.compile(
    r"\b(?:as|into|one of|labels?|categories|classes|among|between|options?)\b"
    r"(?:\s+(?:are|is|be|either|one of|the following))*\s*[:\-]?\s*([^.\n]+)",
    re.IGNORECASE,
)
_LABEL_BREAK = re.compile(r"\s*(?:,|/|\||;|\bor\b|\band\b)\s*", re.IGNORECASE)
_FALLBACKS = ("other", "neutral", "general", "unknown", "none", "mixed")
_HINTS: dict[str, str] = {
    "positive": "good great love excellent happy wonderful best thanks amazing perfect "
    "fast friendly helpful recommend pleased enjoyed",
    "negative": "bad terrible hate awful angry worst broken poor slow disappointed "
    "refund late rude never failed useless",
    "billing": "invoice charge charged refund payment card price bill subscription",
    "technical": "error bug crash login password api broken install timeout failed",
    "bug": "error crash broken fails failing exception wrong",
    "feature": "add wish support request would like please",
    "shipping": "delivery delivered package courier parcel late tracking shipped",
    "account": "login password email profile sign username",
    "sales": "pricing quote buy purchase demo plan upgrade",
    "spam": "winner prize free click viagra lottery offer crypto",
    "urgent": "urgent immediately asap down outage critical emergency",
    "high": "urgent critical outage immediately down severe",
    "low": "minor whenever small cosmetic someday",
    "sports": "match team goal league player season coach",
    "business": "market company shares profit revenue bank trade",
    "technology": "software computer data chip internet phone model",
    "science": "research study cells planet experiment physics",
    "politics": "government minister vote election parliament law",
}


def labels_in(instruction: str) -> list[str]:
    """Return the labels an instruction offers, in its order; empty when unclear."""
    for found in _LABEL_LIST.finditer(instruction):
        parts = (p.strip(" '\"`()[]{}*") for p in _LABEL_BREAK.split(found[1]))
        labels = [p for p in parts if p and len(p.split()) <= 4]
        if len(labels) >= 2:
            return labels
    return []


def best_label(labels: Sequence[str], text: str) -> str:
    """Return the label sharing most words with ``text``."""
    found = set(words(text))
    scores = [_overlap(label, found) for label in labels]
    best = max(scores, default=0)
    if best > 0:
        return labels[scores.index(best)]
    fallback = [label for label in labels if label.lower() in _FALLBACKS]
    return fallback[0] if fallback else pick(labels, text)


def _overlap(label: str, found: set[str]) -> int:
    own = words(label.replace("_", " ").replace("-", " "))
    direct = sum(3 for word in own if word in found)
    stems = sum(2 for w in own if len(w) > 4 and _has_stem(w[: len(w) - 1], found))
    hinted = {hint for word in own for hint in _HINTS.get(word, "").split()}
    return direct + stems + len(hinted & found)


def _has_stem(stem: str, found: set[str]) -> bool:
    return any(word.startswith(stem) for word in found)
