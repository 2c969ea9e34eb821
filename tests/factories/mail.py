"""Letters, and kinds of letters that belong to no app."""

# mypy: allow-untyped-calls
# factory_boy's declarations carry no types.

import secrets
from datetime import timedelta

from factory.declarations import LazyAttribute, LazyFunction, Sequence
from factory.django import DjangoModelFactory

from batchrouter.kit import clock
from batchrouter.mail.kinds import Facts, Written, register
from batchrouter.mail.models import Letter, SuppressedAddress
from batchrouter.mail.states import LetterState

ADDRESS = "reader@example.com"
TOKEN_MARK = "obt_test"


def _note(_to: str, facts: Facts) -> Written | None:
    if facts.get("over"):
        return None
    if facts.get("broken"):
        return Written("Broken", "no_such_template", {})
    return Written(
        facts.get("subject", "A note"),
        "password_changed",
        {"reset": "http://127.0.0.1:8000/password/reset"},
    )


def _with_token(_to: str, _facts: Facts) -> Written:
    # A new one at each writing, as accounts mint theirs.
    token = f"{TOKEN_MARK}.{secrets.token_hex(16)}"
    return Written(
        "With a token",
        "sign_up",
        {
            "token": token,
            "link": f"http://127.0.0.1:8000/signup/confirm?token={token}",
            "curl": f"curl -d '{token}'",
            "valid_for": "3 days",
        },
    )


register("test_note", _note)
register("test_token", _with_token, is_asked_for=True)
register("test_brief", _note, try_for=timedelta(hours=1))


class LetterFactory(DjangoModelFactory[Letter]):
    """A letter that is due, about nothing."""

    class Meta:
        model = Letter

    kind = "test_note"
    to = ADDRESS
    state = LetterState.QUEUED
    created_at = LazyFunction(clock.now)
    state_at = LazyAttribute(lambda letter: letter.created_at)
    next_attempt_at = LazyAttribute(lambda letter: letter.created_at)
    give_up_at = LazyAttribute(lambda letter: letter.created_at + timedelta(hours=24))


class SuppressedAddressFactory(DjangoModelFactory[SuppressedAddress]):
    """An address that bounced."""

    class Meta:
        model = SuppressedAddress

    address = Sequence(lambda number: f"gone{number}@example.com")
    reason = SuppressedAddress.Reason.BOUNCED
