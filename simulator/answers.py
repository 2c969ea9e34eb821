"""Deterministic answers: summaries, labels, extracted JSON, captions, tool calls."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from simulator.entities import Entities
from simulator.faults import Plan
from simulator.labels import best_label, labels_in
from simulator.prompts import Prompt
from simulator.shaped import Shaper
from simulator.text import (
    ANALYSED_CHARS,
    best_sentences,
    keywords,
    pick,
    sentences,
    split_instruction,
    stable_number,
)
from simulator.usage import OutputTokens, cut_to_tokens

# Reasoning spends output tokens before any text appears.
_REASONING_TOKENS: Mapping[str, int] = {"low": 8, "medium": 16, "high": 32, "xhigh": 48}
_NUMBER_WORDS = "one two three four five six seven eight nine ten"
_NUMBERS: Mapping[str, int] = {
    word: value for value, word in enumerate(_NUMBER_WORDS.split(), start=1)
}
_COUNT = r"(\d{1,2}|" + "|".join(_NUMBERS) + r")"
_BULLETS = re.compile(rf"(?:{_COUNT}\s+(?:\w+\s+){{0,2}})?\bbullet", re.IGNORECASE)
_SENTENCES = re.compile(rf"{_COUNT}\s+(?:\w+\s+)?sentences?\b", re.IGNORECASE)
_CLASSIFY = re.compile(r"\b(classif|categor|sentiment|label)", re.IGNORECASE)
_EXTRACT = re.compile(r"\bextract\b", re.IGNORECASE)
_REFUSAL = "I'm sorry, but I can't help with that request."
_SCENES = (
    "a street scene",
    "a printed page",
    "a product photo",
    "a chart",
    "a portrait",
)


@dataclass(frozen=True)
class Answer:
    """One finished answer. ``finish`` uses the chat words."""

    text: str
    finish: str  # stop, length, content_filter or tool_calls
    tokens: OutputTokens
    refusal: str | None = None
    tool_name: str | None = None


def answer(prompt: Prompt, plan: Plan) -> Answer:
    """Return the answer to ``prompt``, bent by the content faults in ``plan``."""
    if plan.get("empty"):
        return Answer("", "stop", _tokens(plan))
    if plan.get("refusal"):
        _, used, _ = cut_to_tokens(_REFUSAL, prompt.max_tokens or 64)
        return Answer("", "stop", _tokens(plan, used), refusal=_REFUSAL)
    if plan.get("filter"):
        return Answer("", "content_filter", _tokens(plan))
    if prompt.tool is not None:
        return _tool_call(prompt, plan)
    return _limited(prompt, plan, _bent(_compose(prompt), plan))


def _compose(prompt: Prompt) -> str:
    head, material = split_instruction(prompt.user[:ANALYSED_CHARS])
    asked = f"{prompt.system[:ANALYSED_CHARS]}\n{head}"
    if prompt.images:
        material = f"{_caption(prompt.images[0])} {material}".strip()
    if prompt.format_type == "json_schema":
        root = prompt.schema or {}
        shaper = Shaper(root, material, prompt.user[:ANALYSED_CHARS])
        return json.dumps(shaper.fill(root), ensure_ascii=False)
    if prompt.format_type == "json_object":
        return json.dumps(_loose_object(material), ensure_ascii=False)
    return _prose(asked, material, prompt)


def _prose(asked: str, material: str, prompt: Prompt) -> str:
    bullets = _BULLETS.search(asked) or _BULLETS.search(prompt.user)
    if bullets:
        count = _number(bullets[1], 3)
        return "\n".join(f"- {line}" for line in best_sentences(material, count))
    if _CLASSIFY.search(asked) or _CLASSIFY.search(prompt.user[:200]):
        labels = labels_in(asked) or labels_in(prompt.user[:500])
        return best_label(labels or ["positive", "negative", "neutral"], material)
    if _EXTRACT.search(asked):
        return _fact_list(material)
    if prompt.images or len(sentences(material)) < 2:
        return material if prompt.images else _short(material)
    wanted = _SENTENCES.search(asked)
    return " ".join(best_sentences(material, _number(wanted[1], 2) if wanted else 3))


def _short(material: str) -> str:
    topics = ", ".join(keywords(material, 3)) or "your message"
    opening = pick(("In short", "Noted", "Here is the gist"), material)
    return f"{opening}: {material[:300]} (about {topics})"


def _fact_list(material: str) -> str:
    facts = Entities(material)
    rows = {
        "emails": facts.emails,
        "amounts": [f"{amount:g}" for amount in facts.amounts],
        "dates": facts.dates,
        "names": facts.names,
    }
    lines = [f"{name}: {', '.join(found)}" for name, found in rows.items() if found]
    return "\n".join(lines) or "Nothing to extract."


def _loose_object(material: str) -> dict[str, object]:
    return {
        "summary": " ".join(best_sentences(material, 2)),
        "keywords": keywords(material, 5),
        "names": Entities(material).names,
    }


def _caption(image: str) -> str:
    number = stable_number(image)
    scene = _SCENES[number % len(_SCENES)]
    size = len(image)
    return f"The image shows {scene} ({size} characters of data, tone {number % 97})."


def _bent(text: str, plan: Plan) -> str:
    if plan.get("badjson"):
        text = '{"unfinished": [1, 2, "' + text[:40].replace('"', "'")
    if plan.get("loosejson"):
        text = f"{text.rstrip().removesuffix('}')},"
    if plan.get("offschema"):
        text = '{"unexpected": true}'
    if plan.get("nul"):
        text = f"{text}\x00 and \ud800 alone"
    big = plan.get("big")
    if big:
        text = (text + " ").ljust(int(big.options.get("bytes", 1_000_000)), "x")
    return text


def _limited(prompt: Prompt, plan: Plan, text: str) -> Answer:
    limit = prompt.max_tokens or 4_096
    reasoning = min(_REASONING_TOKENS.get(prompt.effort or "", 0), limit // 2)
    kept, used, was_cut = cut_to_tokens(text, limit - reasoning)
    stopped = _stopped(kept, prompt.stop)
    finish = "length" if was_cut and stopped == kept else "stop"
    return Answer(stopped, finish, _tokens(plan, used, reasoning))


def _stopped(text: str, stops: tuple[str, ...]) -> str:
    ends = [text.find(stop) for stop in stops if stop and stop in text]
    return text[: min(ends)] if ends else text


def _tool_call(prompt: Prompt, plan: Plan) -> Answer:
    tool = prompt.tool or {}
    schema = tool.get("parameters") or {"type": "object", "properties": {}}
    arguments = json.dumps(Shaper(schema, prompt.user[:ANALYSED_CHARS]).fill(schema))
    _, used, _ = cut_to_tokens(arguments, prompt.max_tokens or 4_096)
    tokens = _tokens(plan, used)
    return Answer(arguments, "tool_calls", tokens, tool_name=str(tool["name"]))


def _tokens(plan: Plan, text: int = 0, reasoning: int = 0) -> OutputTokens:
    cached = plan.get("cached")
    tokens = int(cached.options.get("tokens", 0)) if cached else 0
    return OutputTokens(text=text, reasoning=reasoning, cached=tokens)


def _number(text: str | None, default: int) -> int:
    if not text:
        return default
    return _NUMBERS.get(text.lower()) or int(text) or default
