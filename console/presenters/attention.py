"""What asks for somebody, each with the one link that mends it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from billing.overview import Position
from console.desk import DeskFacts, TroubledBatch
from console.presenters.home import RunningLine
from console.templatetags.console_format import dollars

_TROUBLED_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Attention:
    """Something that asks for somebody, and the one link that mends it."""

    badge: str
    word: str
    text: str
    detail: str
    at: datetime | None
    url: str
    action: str


_ORDER = ("bad", "warn", "off")
_WORDS = {"bad": "now", "warn": "soon", "off": "note"}


def attention(
    facts: DeskFacts,
    position: Position,
    troubled: Sequence[TroubledBatch],
    lines: Iterable[RunningLine],
) -> tuple[Attention, ...]:
    """Show what asks for somebody, the most pressing first."""
    found = [
        *_of_money(position),
        *_of_webhooks(facts),
        *_of_running(lines),
        *_of_ended(troubled),
        *_of_routes(facts),
        *_of_access(facts),
    ]
    return tuple(sorted(found, key=lambda one: _ORDER.index(one.badge)))


def _entry(
    badge: str,
    text: str,
    detail: str,
    link: tuple[str, str],
    *,
    at: datetime | None = None,
) -> Attention:
    url, action = link
    return Attention(badge, _WORDS[badge], text, detail, at, url, action)


def _of_money(position: Position) -> Iterator[Attention]:
    buy = (f"{reverse('billing')}#buy", "Buy credits")
    if position.owed_nanousd:
        yield _entry(
            "bad",
            f"{dollars(position.owed_nanousd)} are owed for a reversed payment.",
            "No new batch can be reserved until that is paid. Credits you buy pay it "
            "first.",
            buy,
        )
    if position.is_low:
        yield _entry(
            "warn",
            "Your credits are low.",
            f"Less than {dollars(position.threshold_nanousd)} is available; batches "
            "that cost more are refused.",
            buy,
        )


def _of_webhooks(facts: DeskFacts) -> Iterator[Attention]:
    page = reverse("account-webhooks")
    if facts.hook_disabled_at is not None:
        yield _entry(
            "bad",
            "Your webhook is switched off.",
            "It took nothing any more, so nobody is told of your batches. Since",
            (page, "Mend the webhook"),
            at=facts.hook_disabled_at,
        )
    elif facts.hook_failing_since is not None:
        tries = "try" if facts.hook_failures == 1 else "tries"
        yield _entry(
            "warn",
            "Your webhook does not take what is sent.",
            f"{facts.hook_failures} {tries} failed in a row. Since",
            (f"{page}?state=pending", "See what waits"),
            at=facts.hook_failing_since,
        )
    if facts.other_hooks_off:
        yield _entry(
            "warn",
            f"{_counted(facts.other_hooks_off, 'address', 'addresses')} that batches "
            "named took nothing any more.",
            "Nothing is sent there until another batch names it again.",
            (page, "See the addresses"),
        )


def _of_running(lines: Iterable[RunningLine]) -> Iterator[Attention]:
    for line in lines:
        if line.stands_since is not None:
            yield _entry(
                "warn",
                f"{line.public_id} stands still.",
                f"{line.done:,} of {line.item_count:,} items are done. Since",
                (_batch_url(line.public_id), "See why"),
                at=line.stands_since,
            )


def _of_ended(troubled: Sequence[TroubledBatch]) -> Iterator[Attention]:
    for batch in troubled[:_TROUBLED_SHOWN]:
        missing = batch.failed + batch.expired
        if missing:
            yield _entry(
                "warn",
                f"{missing:,} of {_counted(batch.item_count, 'row', 'rows')} of "
                f"{batch.public_id} have no answer.",
                f"{_lost(batch)}. They cost nothing, and can be run again.",
                (f"{_batch_url(batch.public_id)}#next-title", "Retry them"),
            )
        if batch.to_review:
            yield _entry(
                "warn",
                f"{_counted(batch.to_review, 'answer', 'answers')} of "
                f"{batch.public_id} to look at.",
                "Checks could not tell whether they are right.",
                (reverse("batch-review", args=[batch.public_id]), "Review them"),
            )
    if len(troubled) > _TROUBLED_SHOWN:
        yield _entry(
            "off",
            "More batches left rows to retry or to review.",
            "",
            (reverse("batch-list"), "See all batches"),
        )


def _lost(batch: TroubledBatch) -> str:
    parts = ((batch.failed, "failed"), (batch.expired, "came too late"))
    return ", ".join(f"{count:,} {word}" for count, word in parts if count)


def _of_routes(facts: DeskFacts) -> Iterator[Attention]:
    for drift in facts.drifts:
        slug, _, provider = drift.rpartition(" ")
        yield _entry(
            "off",
            f"{slug} at {provider} answers worse than it used to.",
            "It served you lately. New quotes trust it less.",
            (reverse("model", args=[slug]), "Compare who offers it"),
        )
    if facts.quote_id is not None and facts.quote_nanousd is not None:
        more = facts.open_quotes - 1
        others = f" ({more} more)" if more else ""
        yield _entry(
            "off",
            f"A quote of {dollars(facts.quote_nanousd)} waits for your word{others}.",
            "Its price holds until",
            (reverse("quote", args=[facts.quote_id]), "Look at it"),
            at=facts.quote_until,
        )


def _of_access(facts: DeskFacts) -> Iterator[Attention]:
    if facts.ending_key is not None:
        yield _entry(
            "warn",
            f"The key “{facts.ending_key}” ends soon.",
            "What uses it is refused from then on:",
            (reverse("account-keys"), "Rotate it"),
            at=facts.ending_key_at,
        )
    # First things first: a newcomer has other steps to take.
    if not facts.has_batch:
        return
    if facts.is_bare_owner:
        yield _entry(
            "off",
            "A password alone opens your account.",
            "You are an owner: whoever has it can spend and invite.",
            (reverse("mfa_index"), "Set up a second factor"),
        )
    elif facts.bare_owners:
        owners = _counted(facts.bare_owners, "owner logs", "owners log")
        yield _entry(
            "off",
            f"{owners} in with a password alone.",
            "Ask them to set up a second factor.",
            (reverse("account-members"), "See the members"),
        )


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _batch_url(public_id: str) -> str:
    return reverse("batch", args=[public_id])
