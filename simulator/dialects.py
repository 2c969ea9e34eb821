"""What the copies of OpenAI's wire add to its replies, or say in other words."""

from collections.abc import Callable, Mapping

from simulator.faults import Plan
from simulator.wire import Json

# Long calls are kept alive by blank lines before the reply.
_BLANK_LINES: Mapping[str, bytes] = {"deepseek": b"\n\n"}
_USD_PER_TOKEN = 1e-6
# How a reply of 200 says that the model broke off.
_HALTS: Mapping[str, Json] = {
    "deepseek": {"finish_reason": "insufficient_system_resource"},
    "openrouter": {
        "finish_reason": "error",
        "error": {"code": 502, "message": "The provider broke off."},
    },
}


def dressed(provider: str, operation: str, answered: Json, plan: Plan) -> Json:
    """Return a reply as a provider words it, broken off inside if the plan says so."""
    if operation != "chat":
        return answered
    dress = _DRESSES.get(provider)
    answered = dress(answered) if dress else answered
    if plan.get("halted"):
        for choice in answered["choices"]:
            choice.update(_HALTS.get(provider, {}))
    return answered


def lead_of(provider: str) -> bytes:
    """Return what stands before a provider's direct replies."""
    return _BLANK_LINES.get(provider, b"")


def _groq(answered: Json) -> Json:
    usage = answered.get("usage")
    if isinstance(usage, dict):
        seconds = {"queue_time": 0.001, "prompt_time": 0.002, "completion_time": 0.003}
        answered["usage"] = {**usage, **seconds, "total_time": 0.005}
    named = {"service_tier": "on_demand", "x_groq": {"id": answered["id"]}}
    return {**answered, **named}


def _together(answered: Json) -> Json:
    for choice in answered["choices"]:
        if choice["finish_reason"] == "stop":
            choice["finish_reason"] = "eos"
    return {**answered, "prompt": []}


def _deepseek(answered: Json) -> Json:
    """Count the cache in DeepSeek's words and show the thoughts beside the text."""
    usage = answered.get("usage")
    reasoning = 0
    if isinstance(usage, dict) and isinstance(usage.get("prompt_tokens"), int):
        cached = usage.pop("prompt_tokens_details")["cached_tokens"]
        usage["prompt_cache_hit_tokens"] = cached
        usage["prompt_cache_miss_tokens"] = usage["prompt_tokens"] - cached
        reasoning = usage["completion_tokens_details"]["reasoning_tokens"]
    thoughts = "Let me see." if reasoning else None
    for choice in answered["choices"]:
        choice["message"]["reasoning_content"] = thoughts
    return answered


def _openrouter(answered: Json) -> Json:
    """Add the provider behind it and the cost in USD."""
    usage = answered.get("usage")
    if isinstance(usage, dict) and isinstance(usage.get("total_tokens"), int):
        cost = usage["total_tokens"] * _USD_PER_TOKEN
        answered["usage"] = {**usage, "cost": cost, "is_byok": False}
    for choice in answered["choices"]:
        choice["native_finish_reason"] = choice["finish_reason"]
    return {**answered, "provider": "Simulator"}


_DRESSES: Mapping[str, Callable[[Json], Json]] = {
    "groq": _groq,
    "together": _together,
    "deepseek": _deepseek,
    "openrouter": _openrouter,
}
