"""What is wrong with a manifest, line by line, in a form that a program can read."""

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple, Self

from batchrouter.kit.errors import InvalidRequest

OnInvalid = Literal["reject", "skip"]
ERRORS_SHOWN = 100
_ID_SHOWN = 128


class Problem(NamedTuple):
    """One thing that is wrong; ``field`` is a path: ``input.messages[2].role``."""

    field: str
    code: str
    message: str


class Problems:
    """The first hundred problems as the API shows them, and how many there were."""

    def __init__(self) -> None:
        self.errors: list[dict[str, Any]] = []
        self.count = 0

    def __bool__(self) -> bool:
        return self.count > 0

    def add(
        self, problem: Problem, *, line: int | None = None, customer_item_id: Any = None
    ) -> None:
        """Count a problem, and keep it while there is room."""
        self.count += 1
        if len(self.errors) < ERRORS_SHOWN:
            self.errors.append(entry(problem, line, customer_item_id))

    def put_first(self, problem: Problem, *, line: int | None = None) -> None:
        """Count a problem that ended the reading, and show it before all others."""
        self.count += 1
        self.errors.insert(0, entry(problem, line, None))
        del self.errors[ERRORS_SHOWN:]

    def add_all(self, problems: Iterable[Problem]) -> None:
        """Count problems that belong to no line."""
        for problem in problems:
            self.add(problem)


def entry(problem: Problem, line: int | None, customer_item_id: Any) -> dict[str, Any]:
    """Return a problem as the API shows it."""
    named = isinstance(customer_item_id, str)
    return {
        "line": line,
        "customer_item_id": customer_item_id[:_ID_SHOWN] if named else None,
        "field": problem.field,
        "code": problem.code,
        "message": problem.message,
    }


class InvalidManifest(InvalidRequest):
    """The manifest cannot be taken; ``details`` lists the first 100 reasons."""

    code = "invalid_manifest"

    @classmethod
    def of(cls, problems: Problems) -> Self:
        """Make the refusal that lists these problems."""
        first = problems.errors[0]
        place = "" if first["line"] is None else f"line {first['line']}, "
        field = first["field"] or "the whole"
        more = f" ({problems.count} problems in all)" if problems.count > 1 else ""
        return cls(
            f"{place}{field}: {first['message']}{more}",
            param=first["field"] or None,
            details={"errors": problems.errors, "error_count": problems.count},
        )

    @classmethod
    def merged(cls, *refusals: "InvalidManifest") -> Self:
        """Join refusals of the envelope and of the items into one."""
        problems = Problems()
        for refusal in refusals:
            problems.errors += refusal.details["errors"]
            problems.count += refusal.details["error_count"]
        del problems.errors[ERRORS_SHOWN:]
        return cls.of(problems)
