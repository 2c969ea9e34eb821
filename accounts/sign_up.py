"""Signing up: ask, confirm by mail, and only then is there an account."""

from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction

from accounts.addresses import AddressTaken, read_address
from accounts.models import Membership, SignUp, User
from accounts.orgs import open_org, read_name
from accounts.passwords import check_new_password
from accounts.tokens import InvalidToken, Purpose, read_token
from batchrouter.kit.errors import BatchRouterError
from batchrouter.mail.limits import require_room
from batchrouter.mail.outbox import is_mail_on, post

_AGENT_NAME_MAX = 80


class SignUpUnavailable(BatchRouterError):
    """This server sends no mail, so addresses cannot be confirmed."""

    code = "signup_unavailable"
    status = 503


def ask_to_sign_up(
    *,
    email: str,
    password: str,
    org_name: str = "",
    agent_name: str = "",
    ip: str | None,
    now: datetime,
) -> None:
    """Write the wish down and mail a confirmation.

    No account is looked up or made here, so that the answer and its time are the same
    whether or not the address has one.

    Args:
        email: as typed.
        password: as typed.
        org_name: what the organization will be called; by the address where empty.
        agent_name: where an agent signs up, what it calls itself.
        ip: the client's address, for the limits.
        now: the present instant.

    Raises:
        SignUpUnavailable, InvalidEmail, WeakPassword, InvalidRequest: a bad name.
        TooManyLetters.
    """
    if not is_mail_on():
        raise SignUpUnavailable("Sign-up is closed: this server sends no mail.")
    address = read_address(email)
    name = read_name(
        org_name or agent_name or address.partition("@")[0], param="org_name"
    )
    if agent_name:
        agent_name = read_name(agent_name, param="agent_name", longest=_AGENT_NAME_MAX)
    check_new_password(password, user=User(email=address))
    hashed = make_password(password)
    with transaction.atomic():
        require_room(to=address, ip=ip, now=now)
        wish = SignUp.objects.create(
            email=address,
            password=hashed,
            org_name=name,
            agent_name=agent_name,
            created_at=now,
        )
        post(
            kind="sign_up",
            to=address,
            facts={"sign_up": wish.public_id},
            ip=ip,
            now=now,
        )


def resend_confirmation(email: str, *, ip: str | None, now: datetime) -> None:
    """Mail the confirmation of the newest sign-up again, if there is one.

    Raises:
        InvalidEmail, TooManyLetters.
    """
    address = read_address(email)
    with transaction.atomic():
        require_room(to=address, ip=ip, now=now)
        post(kind="sign_up_again", to=address, facts={}, ip=ip, now=now)


@transaction.atomic
def confirm_sign_up(token: str, *, now: datetime) -> Membership:
    """Make the account and its organization.

    Raises:
        InvalidToken: also for one that was used.
        AddressTaken: an account was made for the address by other means.
    """
    public_id = read_token(Purpose.SIGN_UP, token)
    asked = SignUp.objects.filter(public_id=public_id, confirmed_at=None).first()
    waiting = [] if asked is None else lock_sign_ups(asked.email)
    wish = next((each for each in waiting if each.public_id == public_id), None)
    if wish is None:
        raise InvalidToken
    if User.objects.filter(email=wish.email).exists():
        raise AddressTaken("This address has an account already: log in.")
    user = User(email=wish.email, password=wish.password)
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError as error:
        raise AddressTaken("This address has an account by now: log in.") from error
    membership = open_org(name=wish.org_name, owner=user, agent_name=wish.agent_name)
    # Whatever else was asked for with this address is void, and its passwords are gone.
    SignUp.objects.filter(email=wish.email).exclude(pk=wish.pk).delete()
    SignUp.objects.filter(pk=wish.pk).update(confirmed_at=now, password="")
    return membership


def lock_sign_ups(address: str) -> list[SignUp]:
    """Lock and return what waits for the confirmation of an address, the oldest first.

    Whoever makes the account ends all of them, so it locks all of them first: two that
    locked one each and then ended the other's would wait in a circle.
    """
    waiting = SignUp.objects.filter(email=address, confirmed_at=None).order_by("pk")
    return list(waiting.select_for_update())


def open_sign_up(address: str) -> SignUp | None:
    """Return the newest sign-up of an address that waits for its confirmation."""
    return (
        SignUp.objects.filter(email=address, confirmed_at=None).order_by("-pk").first()
    )
