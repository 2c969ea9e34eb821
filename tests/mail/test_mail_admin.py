import pytest
from django.test import Client

from batchrouter.mail.models import Letter, SuppressedAddress
from tests.factories.mail import LetterFactory, SuppressedAddressFactory
from tests.support.operators import operator_client

pytestmark = pytest.mark.django_db

LETTERS = "/admin/mail/letter/"
SUPPRESSED = "/admin/mail/suppressedaddress/"


@pytest.fixture
def operator() -> Client:
    return operator_client()


def send_again(operator: Client, *letters: Letter) -> None:
    reply = operator.post(
        LETTERS,
        {
            "action": "send_failed_again",
            "_selected_action": [letter.pk for letter in letters],
        },
    )
    assert reply.status_code == 302


def states(*letters: Letter) -> list[str]:
    for letter in letters:
        letter.refresh_from_db()
    return [letter.state for letter in letters]


def test_a_letter_is_shown_and_cannot_be_changed(operator: Client) -> None:
    letter = LetterFactory.create(facts={"sign_up": "sgn_1"})
    address = f"{LETTERS}{letter.pk}/change/"
    page = operator.get(address).content.decode()
    assert letter.public_id in page
    operator.post(address, {"to": "thief@example.com", "state": "sent"})
    letter.refresh_from_db()
    assert (letter.to, letter.state) == ("reader@example.com", "queued")


def test_letters_are_neither_made_nor_removed_here(operator: Client) -> None:
    letter = LetterFactory.create()
    assert operator.get(f"{LETTERS}add/").status_code == 403
    assert operator.post(f"{LETTERS}{letter.pk}/delete/").status_code == 403
    assert Letter.objects.count() == 1


def test_only_failed_letters_are_sent_again(operator: Client) -> None:
    failed = LetterFactory.create(state="failed", attempts=9)
    sent = LetterFactory.create(state="sent", attempts=1)
    send_again(operator, failed, sent)
    assert states(failed, sent) == ["queued", "sent"]
    assert failed.attempts == 0


def test_a_suppressed_address_is_lifted_by_deleting_it(operator: Client) -> None:
    row = SuppressedAddressFactory.create()
    reply = operator.post(f"{SUPPRESSED}{row.pk}/delete/", {"post": "yes"})
    assert reply.status_code == 302
    assert not SuppressedAddress.objects.exists()
