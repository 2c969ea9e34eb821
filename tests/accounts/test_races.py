"""Two at once on one account: the second hears what the first has done."""

import pytest

from accounts.models import User
from accounts.passwords import WrongPassword, change_password, reset_password
from accounts.tokens import make_reset_token
from batchrouter.kit import clock
from tests.accounts.api.people import NEW_PASSWORD
from tests.factories.accounts import PASSWORD, UserFactory

pytestmark = pytest.mark.usefixtures("committed_db", "mailbox")


def test_a_change_by_the_old_password_does_not_undo_a_reset() -> None:
    person = UserFactory.create()
    seen_before = User.objects.get(pk=person.pk)
    reset_password(make_reset_token(person), NEW_PASSWORD, now=clock.now())
    with pytest.raises(WrongPassword):
        change_password(
            seen_before, current=PASSWORD, new="a thief's own words", now=clock.now()
        )
    assert User.objects.get().check_password(NEW_PASSWORD)
