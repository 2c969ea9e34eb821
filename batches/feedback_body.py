"""The body of a feedback, read with every problem at once. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import orjson

from batches.manifest.items import ID_LENGTH_MAX
from batches.manifest.problems import Problem, Problems
from batches.models import Verdict
from batchrouter.kit.errors import InvalidRequest
from batchrouter.web.fields import Fields

ITEMS_MAX: Final = 5_000
COMMENT_LENGTH_MAX: Final = 4_000
REASON_LENGTH_MAX: Final = 1_000
CORRECTION_BYTES_MAX: Final = 16_384
RATINGS: Final = range(1, 6)
# Ratings that an ``accepted`` of the same message would gainsay.
LOW_RATING_MAX: Final = 2
HIGH_RATING_MIN: Final = 4

_ITEM_FIELDS: Final = ("customer_item_id", "verdict", "correction", "reason")


class FeedbackRefused(InvalidRequest):
    """Nothing of the feedback was taken; ``details`` lists the first 100 reasons.

    ``code`` is the one that all reasons share, else ``invalid_feedback``.
    """

    code = "invalid_feedback"

    @classmethod
    def of(cls, problems: Problems) -> Self:
        """Make the refusal that lists these problems."""
        first = problems.errors[0]
        more = f" ({problems.count} problems in all)" if problems.count > 1 else ""
        refusal = cls(
            f"{first['field']}: {first['message']}{more}",
            param=first["field"],
            details={"errors": problems.errors, "error_count": problems.count},
        )
        codes = {error["code"] for error in problems.errors}
        if len(codes) == 1 and problems.count == len(problems.errors):
            refusal.code = codes.pop()
        return refusal


@dataclass(frozen=True, slots=True)
class SaidItem:
    """One verdict as it was sent; ``index`` is its place in the body."""

    index: int
    customer_item_id: str
    verdict: str
    correction: Any
    reason: str


@dataclass(frozen=True, slots=True)
class Said:
    """A feedback that contradicts itself nowhere."""

    rating: int | None
    is_accepted: bool | None
    comment: str
    items: tuple[SaidItem, ...]

    @property
    def judges_batch(self) -> bool:
        """Whether it says something of the batch as a whole."""
        return self.rating is not None or self.is_accepted is not None


def read_feedback(body: Mapping[str, Any]) -> Said:
    """Read a feedback.

    Raises:
        FeedbackRefused: with all that is wrong.
        UnknownField: the body has another field.
    """
    fields = Fields(body, "rating", "accepted", "items", "comment")
    problems = Problems()
    said = Said(
        rating=_rating(body.get("rating"), problems),
        is_accepted=_accepted(body.get("accepted"), problems),
        comment=fields.optional_text("comment", longest=COMMENT_LENGTH_MAX),
        items=tuple(_items(body.get("items"), problems)),
    )
    if not problems:
        _check_sense(said, problems)
    if problems:
        raise FeedbackRefused.of(problems)
    return said


def _rating(value: Any, problems: Problems) -> int | None:
    if value is None or (type(value) is int and value in RATINGS):
        return value
    text = "A rating is a whole number from 1 to 5."
    problems.add(Problem("rating", "invalid_rating", text))
    return None


def _accepted(value: Any, problems: Problems) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    problems.add(Problem("accepted", "wrong_type", "Give true or false."))
    return None


def _items(value: Any, problems: Problems) -> list[SaidItem]:
    if value is None:
        return []
    if not isinstance(value, list):
        problems.add(Problem("items", "wrong_type", "Give a list of verdicts."))
        return []
    if len(value) > ITEMS_MAX:
        text = f"At most {ITEMS_MAX:,} verdicts are taken at once; send more messages."
        problems.add(Problem("items", "too_many_items", text))
        return []
    found = (_item(index, item, problems) for index, item in enumerate(value))
    return [item for item in found if item is not None]


def _item(index: int, value: Any, problems: Problems) -> SaidItem | None:
    path = f"items[{index}]"
    if not isinstance(value, dict):
        problems.add(Problem(path, "wrong_type", "A verdict is an object."))
        return None
    name = value.get("customer_item_id")
    wrong = list(_item_problems(value, path))
    for problem in wrong:
        problems.add(problem, customer_item_id=name)
    if wrong or not isinstance(name, str):
        return None
    return SaidItem(
        index, name, value["verdict"], value.get("correction"), value.get("reason", "")
    )


def _item_problems(value: Mapping[str, Any], path: str) -> list[Problem]:
    wrong = [
        Problem(f"{path}.{field[:64]}", "unknown_field", "There is no such field here.")
        for field in value
        if field not in _ITEM_FIELDS
    ]
    name, verdict = value.get("customer_item_id"), value.get("verdict")
    if not isinstance(name, str) or not 1 <= len(name) <= ID_LENGTH_MAX:
        text = f"Give the row's customer_item_id, 1 to {ID_LENGTH_MAX} characters."
        wrong.append(Problem(f"{path}.customer_item_id", "invalid_id", text))
    if not isinstance(verdict, str) or verdict not in Verdict.values:
        text = f"A verdict is one of {', '.join(Verdict.values)}."
        wrong.append(Problem(f"{path}.verdict", "invalid_verdict", text))
    reason = value.get("reason", "")
    if not isinstance(reason, str) or len(reason) > REASON_LENGTH_MAX:
        text = f"A reason is text of at most {REASON_LENGTH_MAX:,} characters."
        wrong.append(Problem(f"{path}.reason", "invalid_reason", text))
    correction = value.get("correction")
    if correction is not None:
        wrong += _correction_problems(correction, verdict, f"{path}.correction")
    return wrong


def _correction_problems(correction: Any, verdict: Any, path: str) -> list[Problem]:
    if verdict != Verdict.CORRECTED:
        text = "Only a verdict of corrected has a correction."
        return [Problem(path, "unexpected_correction", text)]
    if len(orjson.dumps(correction)) > CORRECTION_BYTES_MAX:
        text = f"A correction has at most {CORRECTION_BYTES_MAX:,} bytes as JSON."
        return [Problem(path, "correction_too_large", text)]
    return []


def _check_sense(said: Said, problems: Problems) -> None:
    """Look for what is sound by itself and not together."""
    if not (said.judges_batch or said.items or said.comment):
        text = "Give a rating, accepted, items or a comment."
        problems.add(Problem("", "empty_feedback", text))
    rating = said.rating
    if rating is not None and (
        (said.is_accepted is True and rating <= LOW_RATING_MAX)
        or (said.is_accepted is False and rating >= HIGH_RATING_MIN)
    ):
        text = f"A rating of {rating} gainsays accepted."
        problems.add(Problem("rating", "contradictory_verdicts", text))
    _check_repeated(said.items, problems)


def _check_repeated(items: Sequence[SaidItem], problems: Problems) -> None:
    first_by_name: dict[str, SaidItem] = {}
    for item in items:
        first = first_by_name.setdefault(item.customer_item_id, item)
        if first is item:
            continue
        text = f"items[{first.index}] is about the same row."
        code = "duplicate_item"
        if first.verdict != item.verdict:
            text = f"items[{first.index}] says {first.verdict} of the same row."
            code = "contradictory_verdicts"
        problems.add(
            Problem(f"items[{item.index}]", code, text),
            customer_item_id=item.customer_item_id,
        )
