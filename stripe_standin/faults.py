"""Scripted failures of API calls."""

from dataclasses import dataclass, field

from stripe_standin import params
from stripe_standin.wire import ApiError, Json, invalid, new_id

KINDS = ("429", "500", "503", "reset", "hang")
WHENS = ("before", "after")


@dataclass
class Fault:
    """Strikes the next ``times`` calls whose method and path contain ``match``."""

    kind: str
    when: str = "before"  # before or after the call took effect
    match: str = ""
    times: int = 1
    seconds: int = 60  # how long a hang says nothing
    id: str = field(default_factory=lambda: new_id("fault_", 12))
    fired: int = 0

    def view(self) -> Json:
        return dict(vars(self))

    @property
    def is_status(self) -> bool:
        """Tell whether it answers, rather than leaving the caller without one."""
        return self.kind.isdecimal()

    def refusal(self) -> ApiError:
        """Return the error that a status fault answers with."""
        if self.kind == "429":
            return ApiError(
                429,
                "Request rate limit exceeded.",
                code="rate_limit",
                headers={"Retry-After": "1"},
            )
        return ApiError(
            int(self.kind), "The scripted fault struck.", error_type="api_error"
        )


class FaultBook:
    """The faults that still wait for a call."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def add(self, wanted: Json) -> Fault:
        """Add one fault.

        Raises:
            ApiError: 400 for an unknown kind or option.
        """
        if set(wanted) - {"kind", "when", "match", "times", "seconds"}:
            raise invalid("A fault has kind, when, match, times and seconds.")
        params.choice(wanted.get("kind"), "kind", *KINDS)
        params.choice(wanted.get("when", "before"), "when", *WHENS)
        params.integer(wanted.get("times", 1), "times", least=1)
        params.integer(wanted.get("seconds", 1), "seconds")
        fault = Fault(**{**wanted, "match": str(wanted.get("match", ""))})
        self.faults.append(fault)
        return fault

    def take(self, call: str) -> Fault | None:
        """Return the fault that strikes ``METHOD /path``, and count it."""
        for fault in self.faults:
            if fault.fired < fault.times and fault.match in call:
                fault.fired += 1
                return fault
        return None

    def clear(self) -> None:
        """Remove all faults."""
        self.faults.clear()
