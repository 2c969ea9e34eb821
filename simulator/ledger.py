"""What was accepted, and so would be billed: the proof that nothing ran twice."""

from collections import Counter
from typing import Any

from simulator.wire import Json

MAX_REFS = 200_000


class Ledger:
    """Counts accepted work, refusals and calls in flight."""

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, str, str, str]] = Counter()
        self.refs: dict[str, int] = {}
        self._unsaved: set[str] = set()
        self.refs_overflow = 0
        self.refused: Counter[str] = Counter()
        self.batches: Counter[str] = Counter()
        self.inflight = 0
        self.max_inflight = 0

    def accept(self, *, call: tuple[str, str, str, str], ref: str) -> None:
        """Count one billable execution; ``call`` is provider, model, path, mode."""
        self.calls[call] += 1
        if ref:
            if ref in self.refs or len(self.refs) < MAX_REFS:
                self.refs[ref] = self.refs.get(ref, 0) + 1
                self._unsaved.add(ref)
            else:
                self.refs_overflow += 1

    def enter(self) -> None:
        """Count a direct call as running."""
        self.inflight += 1
        self.max_inflight = max(self.max_inflight, self.inflight)

    def leave(self) -> None:
        """Count a direct call as over."""
        self.inflight -= 1

    def reset(self) -> None:
        """Forget all counts; calls in flight stay in flight."""
        self.load({}, {})
        self.max_inflight = self.inflight

    def view(self) -> Json:
        calls = [
            {
                "provider": provider,
                "model": model,
                "path": path,
                "mode": mode,
                "accepted": count,
            }
            for (provider, model, path, mode), count in sorted(self.calls.items())
        ]
        return {
            "accepted_total": sum(self.calls.values()),
            "calls": calls,
            "refused": dict(self.refused),
            "batches_created": sum(self.batches.values()),
            "batches_created_by_provider": dict(self.batches),
            "inflight": self.inflight,
            "max_inflight": self.max_inflight,
        }

    def accepted(self, prefix: str, at_least: int) -> Json:
        found = {
            ref: count
            for ref, count in self.refs.items()
            if count >= at_least and ref.startswith(prefix)
        }
        return {
            "accepted": found,
            "distinct": len(found),
            "total": sum(found.values()),
            "overflow": self.refs_overflow,
        }

    def saved(self) -> Json:
        """Return the counts as JSON, without the references, for the next start."""
        return {
            "calls": [[*call, count] for call, count in self.calls.items()],
            "refs_overflow": self.refs_overflow,
            "refused": self.refused,
            "batches": self.batches,
            "max_inflight": self.max_inflight,
        }

    def take_unsaved(self) -> list[tuple[str, int]]:
        """Return the references whose counts changed since the last time."""
        changed = [(ref, self.refs[ref]) for ref in self._unsaved]
        self._unsaved.clear()
        return changed

    def load(self, saved: dict[str, Any], refs: dict[str, int]) -> None:
        """Take over the counts of an earlier run."""
        self.calls.clear()
        for provider, model, path, mode, count in saved.get("calls", []):
            self.calls[(provider, model, path, mode)] = count
        self.refs = refs
        self._unsaved.clear()
        self.refs_overflow = int(saved.get("refs_overflow", 0))
        self.refused = Counter(saved.get("refused", {}))
        self.batches = Counter(saved.get("batches", {}))
        self.max_inflight = int(saved.get("max_inflight", 0))
