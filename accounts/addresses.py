"""Reading what somebody gives as an address, and changing an address."""

import unicodedata
from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.db import IntegrityError, transaction

from accounts.models import EmailChange, User
from accounts.tokens import InvalidToken, Purpose, read_token
from batchrouter.kit.errors import Conflict, InvalidRequest
from batchrouter.mail.limits import require_room
from batchrouter.mail.outbox import post

# RFC 5321 section 4.5.3.1.3, with its erratum 1690.
EMAIL_MAX = 254
# Not even localhost: its mail would never leave this machine.
_is_address = EmailValidator(allowlist=())


class InvalidEmail(InvalidRequest):
    """It is no address that we take."""

    code = "invalid_email"


class AddressTaken(Conflict):
    """Another account has this address by now."""

    code = "address_taken"


def read_address(text: str, *, param: str = "email") -> str:
    """Return an address as accounts keep it: trimmed and in lower case.

    ASCII only: letters of other scripts that look like Latin ones would let two
    accounts look the same. A domain in another script can be given as ``xn--…``.

    Raises:
        InvalidEmail.
    """
    address = text.strip().lower()
    if len(address) > EMAIL_MAX:
        raise InvalidEmail(
            f"An email address has at most {EMAIL_MAX} characters.", param=param
        )
    if not address.isascii():
        odd = next(letter for letter in address if not letter.isascii())
        name = unicodedata.name(odd, f"U+{ord(odd):04X}")
        raise InvalidEmail(
            f"The address holds {name}, which only looks like a Latin letter or has no "
            "place in an address; use ASCII, and xn-- for the domain.",
            param=param,
        )
    try:
        _is_address(address)
    except ValidationError as error:
        raise InvalidEmail(
            "That is not an email address, such as name@example.com.", param=param
        ) from error
    return address


def ask_to_change_address(
    user: User, email: str, *, ip: str | None, now: datetime
) -> None:
    """Mail a confirmation to the new address; whether it is taken is not told.

    Raises:
        InvalidEmail, InvalidRequest: it is the present one.
        TooManyLetters.
    """
    address = read_address(email)
    if address == user.email:
        raise InvalidRequest("That is your address already.", param="email")
    with transaction.atomic():
        require_room(to=address, ip=ip, now=now)
        change = EmailChange.objects.create(user=user, email=address, created_at=now)
        post(
            kind="email_change",
            to=address,
            facts={"email_change": change.public_id},
            ip=ip,
            now=now,
        )


@transaction.atomic
def confirm_address_change(token: str, *, now: datetime) -> User:
    """Give a user the address whose mail held the token, and tell the old address.

    Raises:
        InvalidToken, AddressTaken.
    """
    wanted = read_token(Purpose.EMAIL_CHANGE, token)
    asked = EmailChange.objects.filter(public_id=wanted, confirmed_at=None)
    person_id = asked.values_list("user", flat=True).first()
    if person_id is None:
        raise InvalidToken
    # The person before the wish: one that is confirmed ends the person's others.
    user = User.objects.select_for_update().get(pk=person_id)
    change = asked.first()
    if change is None:
        raise InvalidToken
    old, user.email = user.email, change.email
    try:
        with transaction.atomic():
            user.save(update_fields=["email"])
    except IntegrityError as error:
        raise AddressTaken(
            "Another account has this address by now.", param="email"
        ) from error
    EmailChange.objects.filter(user=user, confirmed_at=None).update(confirmed_at=now)
    post(
        kind="email_changed",
        to=old,
        facts={"new_email": change.email},
        ip=None,
        now=now,
    )
    return user
