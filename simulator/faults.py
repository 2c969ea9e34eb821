"""Scripted faults: rules posted to the admin door and markers inside texts."""

import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.prompts import MARKER
from simulator.text import stable_number
from simulator.wire import ApiError, Json

TRANSPORT_KINDS = frozenset(
    {"reset-before", "reset-after", "drip", "latency", "hang", "garbage"}
)
CONTENT_KINDS = frozenset(
    {"empty", "refusal", "filter", "badjson", "usage", "wrongmodel", "nul", "cached"}
    | {"big", "halted", "loosejson", "offschema"}
)
ROW_KINDS = frozenset({"missing", "duplicate", "truncate"})
BATCH_KINDS = frozenset(
    {"expire", "all_failed", "fail_validation", "no_output_lag", "stuck", "status"}
    | {"create_reset_after", "create_500_after", "ignore_cancel", "duration"}
)
# What a caller waits for; the names of the other wires' own calls among them.
DIRECT_OPERATIONS = frozenset(
    {"chat", "responses", "embeddings", "messages", "count_tokens", "generate"}
)
OPERATIONS = DIRECT_OPERATIONS | frozenset(
    {"models", "files", "file_content", "batch"}
    | {"batch_get", "batch_list", "batch_cancel", "batch_row"}
)
_STATUS_KIND = re.compile(r"[45]\d\d|429-noretry|insufficient_quota")
# One of these ends the call, so at most one of them is spent per try.
_ENDING = frozenset({"reset-before", "reset-after", "hang", "garbage"})
_ARGUMENT_NAMES: Mapping[str, str] = {
    "latency": "ms",
    "drip": "ms",
    "usage": "value",
    "cached": "tokens",
    "big": "bytes",
}
_MATCH_KEYS = frozenset({"model", "contains", "path", "provider"})
_RULE_KEYS = frozenset({"match", "fault", "times", "every", "after"})
_MAX_COUNTED = 100_000


@dataclass(frozen=True)
class Fault:
    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_status(self) -> bool:
        return _STATUS_KIND.fullmatch(self.kind) is not None


@dataclass(frozen=True)
class CallFacts:
    """What a rule can look at."""

    provider: str
    operation: str
    model: str = ""
    content: str = ""


class Plan:
    """The faults that strike one call; the first of each kind counts."""

    def __init__(self, faults: Iterator[Fault] | list[Fault]) -> None:
        self.faults: dict[str, Fault] = {}
        for fault in faults:
            self.faults.setdefault(fault.kind, fault)

    def get(self, kind: str) -> Fault | None:
        return self.faults.get(kind)

    def status_error(self) -> ApiError | None:
        """Return the refusal to answer with, if a status fault struck."""
        struck = next((f for f in self.faults.values() if f.is_status), None)
        return status_error(struck) if struck else None


@dataclass
class Rule:
    """One posted rule and how often it has matched and struck."""

    id: str
    match: Json
    fault: Fault
    times: int
    every: int
    after: int
    seen: int = 0
    fired: int = 0

    def strikes(self, facts: CallFacts) -> bool:
        """Count a call and say whether this rule strikes it."""
        if not (_reaches(self, facts) and _matches(self.match, facts)):
            return False
        self.seen += 1
        late = self.seen - self.after
        spent = self.times and self.fired >= self.times
        if spent or late <= 0 or late % self.every:
            return False
        self.fired += 1
        return True

    def view(self) -> Json:
        return {
            "id": self.id,
            "match": self.match,
            "fault": {"kind": self.fault.kind, **self.fault.options},
            "times": self.times,
            "every": self.every,
            "after": self.after,
            "seen": self.seen,
            "fired": self.fired,
        }


class FaultBook:
    """All rules, and how often each marked text has been tried."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self._tries: OrderedDict[tuple[int, str], int] = OrderedDict()
        self._made = 0

    def add(self, sent: Json) -> Rule:
        """Add a rule from its JSON.

        Raises:
            ApiError: 400 when a key, kind or number is not known.
        """
        _check_rule(sent)
        self._made += 1
        options = dict(sent["fault"])
        rule = Rule(
            id=f"rule_{self._made}",
            match=dict(sent.get("match") or {}),
            fault=Fault(str(options.pop("kind")), options),
            times=int(sent.get("times") or 0),
            every=int(sent.get("every") or 1),
            after=int(sent.get("after") or 0),
        )
        self.rules.append(rule)
        return rule

    def clear(self, rule_id: str | None = None) -> None:
        """Remove one rule, or all of them together with the counted tries."""
        if rule_id is None:
            self.rules.clear()
            self._tries.clear()
            return
        self.rules = [rule for rule in self.rules if rule.id != rule_id]

    def plan(self, facts: CallFacts, body: Json | None = None) -> Plan:
        """Return the faults for one call: markers in ``body`` first, then rules."""
        marked = "[[sim:" in facts.content and body is not None
        struck = list(self._marked(facts, body or {})) if marked else []
        struck += [rule.fault for rule in self.rules if rule.strikes(facts)]
        return Plan(struck)

    def _marked(self, facts: CallFacts, body: Json) -> Iterator[Fault]:
        ended = False
        for text in _texts(body):
            for kind, provider, argument in MARKER.findall(text):
                fault = _from_marker(kind, argument)
                ending = fault.is_status or kind in _ENDING
                if provider not in ("", facts.provider) or (ending and ended):
                    continue
                if self._spend(text, fault):
                    ended = ended or ending
                    yield fault

    def _spend(self, text: str, fault: Fault) -> bool:
        limit = fault.options.get("tries")
        if limit is None:
            return True
        key = (stable_number(text), fault.kind)
        used = self._tries.pop(key, 0)
        self._tries[key] = used + 1
        if len(self._tries) > _MAX_COUNTED:
            self._tries.popitem(last=False)
        return bool(used < limit)


def status_error(fault: Fault) -> ApiError:
    """Return the refusal a status fault stands for."""
    kind, options = fault.kind, fault.options
    status = 429 if kind == "insufficient_quota" else int(kind[:3])
    message, code, error_type = _STATUS_TEXT.get(kind) or _STATUS_TEXT.get(
        str(status), ("A scripted fault struck this request.", None, _family(status))
    )
    retry_after = options.get("retry_after", 1 if kind == "429" else None)
    return ApiError(
        status,
        str(options.get("message", message)),
        code=options.get("code", code),
        error_type=str(options.get("type", error_type)),
        headers={} if retry_after is None else {"Retry-After": f"{retry_after}"},
    )


_STATUS_TEXT: Mapping[str, tuple[str, str | None, str]] = {
    "400": ("Invalid value in your request.", "invalid_value", "invalid_request_error"),
    "401": ("Incorrect API key provided.", "invalid_api_key", "invalid_request_error"),
    "403": ("You do not have access.", "forbidden", "permission_error"),
    "404": ("The model does not exist.", "model_not_found", "invalid_request_error"),
    "429": ("Rate limit reached for requests.", "rate_limit_exceeded", "requests"),
    "insufficient_quota": (
        "You exceeded your current quota, please check your plan and billing details.",
        "insufficient_quota",
        "insufficient_quota",
    ),
    "500": ("The server had an error processing your request.", None, "server_error"),
    "503": ("The engine is currently overloaded.", None, "server_error"),
}


def _family(status: int) -> str:
    return "server_error" if status >= 500 else "invalid_request_error"


def _from_marker(kind: str, argument: str) -> Fault:
    if not argument:
        return Fault(kind)
    name = _ARGUMENT_NAMES.get(kind, "tries")
    value: Any = argument
    if name != "value":
        value = int(argument) if argument.isdigit() else 0
    return Fault(kind, {name: value})


def _texts(value: Any) -> Iterator[str]:
    """Yield every string inside a body that holds a marker."""
    if isinstance(value, str):
        if "[[sim:" in value:
            yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _reaches(rule: Rule, facts: CallFacts) -> bool:
    """Say whether the rule's kind can strike this operation at all.

    Without a ``path`` a status or transport fault strikes HTTP requests, not the rows
    of a running batch; a content fault strikes both; a batch fault only creation.
    """
    kind = rule.fault.kind
    direct = facts.operation in DIRECT_OPERATIONS
    if kind in BATCH_KINDS:
        return facts.operation == "batch"
    if kind in ROW_KINDS:
        return facts.operation == "batch_row"
    if kind in CONTENT_KINDS:
        return direct or facts.operation == "batch_row"
    return facts.operation != "batch_row" or "path" in rule.match


def _matches(match: Json, facts: CallFacts) -> bool:
    paths = match.get("path", facts.operation)
    return (
        facts.operation in ([paths] if isinstance(paths, str) else paths)
        and match.get("provider", facts.provider) == facts.provider
        and match.get("model", facts.model) == facts.model
        and match.get("contains", "") in facts.content
    )


def _check_rule(sent: Json) -> None:
    match, fault = sent.get("match") or {}, sent.get("fault")
    if not (isinstance(match, dict) and isinstance(fault, dict)):
        raise ApiError(400, "A rule needs an object 'fault' and an object 'match'.")
    unknown = [*(set(sent) - _RULE_KEYS), *(set(match) - _MATCH_KEYS)]
    if unknown:
        raise ApiError(400, f"Unknown keys in the rule: {sorted(unknown)}.")
    kind = str(fault.get("kind"))
    named = TRANSPORT_KINDS | CONTENT_KINDS | ROW_KINDS | BATCH_KINDS
    if not (kind in named or _STATUS_KIND.fullmatch(kind)):
        raise ApiError(400, f"Unknown fault kind: {kind!r}.", param="fault.kind")
    paths = match.get("path", [])
    if not set([paths] if isinstance(paths, str) else paths) <= OPERATIONS:
        raise ApiError(400, f"Unknown path: {paths!r}.", param="match.path")
    for name in ("times", "every", "after"):
        if not isinstance(sent.get(name, 1), int) or sent.get(name, 1) < 0:
            raise ApiError(400, f"{name} must be a whole number.", param=name)
