"""What a newcomer does once, ticked by what is there."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import reverse

from console.desk import DeskFacts


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a newcomer does once."""

    title: str
    text: str
    is_done: bool
    is_optional: bool
    is_next: bool
    url: str
    action: str


def first_steps(facts: DeskFacts) -> tuple[Step, ...]:
    """Show what to do first; nothing once it is done, or several batches have ended.

    After the first batch only what is left is shown.
    """
    done = (True, facts.has_credits, facts.has_key or facts.has_batch, facts.has_batch)
    optional = (facts.has_webhook, facts.has_company)
    if all(done) and (all(optional) or facts.has_habit):
        return ()
    next_one = done.index(False) if not all(done) else -1
    return tuple(
        Step(
            title,
            text,
            is_done,
            is_optional=number >= len(done),
            is_next=number == next_one,
            url=url,
            action=action,
        )
        for number, ((title, text, url, action), is_done) in enumerate(
            zip(_steps(), (*done, *optional), strict=True)
        )
        if not (facts.has_batch and is_done)
    )


def _steps() -> Iterator[tuple[str, str, str, str]]:
    yield ("Confirm your address", "Your account began with it.", "", "")
    yield (
        "Get credits",
        "Batches are paid from prepaid credits, to the cent that they used.",
        f"{reverse('billing')}#buy",
        "Buy credits",
    )
    yield (
        "Make a key, or try it here",
        "Programs speak for you with an API key. The page of a new batch needs none.",
        reverse("account-keys"),
        "Create an API key",
    )
    yield (
        "Send your first batch",
        "See its price first: from a workflow, a file, or lines of text.",
        reverse("new-batch"),
        "Quote a batch",
    )
    yield (
        "Hear when it ends",
        "A webhook calls your program, so that it need not ask.",
        reverse("account-webhooks"),
        "Set a webhook",
    )
    yield (
        "Invite somebody",
        "Each person with a login and a role of their own.",
        reverse("account-members"),
        "Invite",
    )
