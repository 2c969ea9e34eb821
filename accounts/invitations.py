"""Offering a place in an organization to an address, and taking it."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from accounts.addresses import AddressTaken, read_address
from accounts.members import lock_org, require_manager
from accounts.models import Invitation, Membership, Org, SignUp, User
from accounts.orgs import read_name
from accounts.passwords import check_new_password
from accounts.sign_up import lock_sign_ups
from accounts.tokens import LIFETIMES, InvalidToken, Purpose, read_token
from batchrouter.kit.errors import BatchRouterError, Conflict, InvalidRequest, NotFound
from batchrouter.mail.limits import require_room
from batchrouter.mail.outbox import is_mail_on, post


class AlreadyMember(Conflict):
    """The address is that of a member."""

    code = "already_member"


class MailUnavailable(BatchRouterError):
    """This server sends no mail, so nobody would hear of an invitation."""

    code = "mail_unavailable"
    status = 503


class LoginRequired(BatchRouterError):
    """The invited address has an account: log in to accept."""

    code = "login_required"
    status = 401
    error_type = "authentication_error"


class WrongAccount(BatchRouterError):
    """Somebody else than the invited person is logged in."""

    code = "wrong_account"
    status = 403
    error_type = "permission_error"


def open_invitations_of(org: Org) -> QuerySet[Invitation]:
    """Return what nobody has accepted or revoked yet; some may have expired."""
    return Invitation.objects.filter(
        org=org, accepted_at=None, revoked_at=None
    ).select_related("invited_by")


@transaction.atomic
def invite(
    org: Org, *, email: str, role: str, by: User, ip: str | None, now: datetime
) -> Invitation:
    """Offer an address a place; an open offer to the same address is replaced.

    Args:
        org: where.
        email: as typed.
        role: a word of ``Role``; only owners invite owners.
        by: who invites.
        ip: the client's address, for the limits.
        now: the present instant.

    Raises:
        InvalidEmail, RoleRequired, AlreadyMember, TooManyLetters, MailUnavailable.
    """
    address = read_address(email)
    lock_org(org)
    require_manager(org, by, concerns={role})
    if Membership.objects.filter(org=org, user__email=address).exists():
        raise AlreadyMember("This address is that of a member.", param="email")
    open_invitations_of(org).filter(email=address).update(revoked_at=now)
    made = Invitation.objects.create(
        org=org,
        email=address,
        role=role,
        invited_by=by,
        expires_at=now + LIFETIMES[Purpose.INVITATION],
        created_at=now,
    )
    _mail(made, ip=ip, now=now)
    return made


@transaction.atomic
def resend_invitation(
    org: Org, public_id: str, *, by: User, ip: str | None, now: datetime
) -> Invitation:
    """Mail an open invitation again; its time starts anew.

    Raises:
        NotFound: there is no open one.
        RoleRequired, TooManyLetters, MailUnavailable.
    """
    found = _managed(org, public_id, by)
    found.expires_at = now + LIFETIMES[Purpose.INVITATION]
    found.save(update_fields=["expires_at"])
    _mail(found, ip=ip, now=now)
    return found


@transaction.atomic
def revoke_invitation(org: Org, public_id: str, *, by: User, now: datetime) -> None:
    """Take an open invitation back; its tokens are void from now on.

    Raises:
        NotFound: there is no open one.
        RoleRequired.
    """
    found = _managed(org, public_id, by)
    found.revoked_at = now
    found.save(update_fields=["revoked_at"])


@transaction.atomic
def accept_invitation(
    token: str, *, visitor: User | None, password: str, name: str, now: datetime
) -> Membership:
    """Take the offered place.

    Where the address has an account, its person must be logged in. Where it has none,
    one is made with the password: the mail has shown whose address it is.

    Args:
        token: from the mail.
        visitor: who is logged in, if anybody.
        password: for a new account; ignored otherwise.
        name: of the person, for a new account; may be empty.
        now: the present instant.

    Raises:
        InvalidToken: used, revoked, expired, or not one of ours.
        LoginRequired, WrongAccount: the address has an account.
        InvalidRequest: no password, or a bad name.
        WeakPassword, AddressTaken.
    """
    public_id = read_token(Purpose.INVITATION, token)
    offer = (
        Invitation.objects.select_for_update(of=("self",), no_key=True)
        .select_related("org")
        .filter(
            public_id=public_id,
            accepted_at=None,
            revoked_at=None,
            expires_at__gt=now,
            org__is_suspended=False,
        )
        .first()
    )
    if offer is None:
        raise InvalidToken
    person = User.objects.filter(email=offer.email).first()
    if person is None:
        person = _open_account(offer.email, password=password, name=name)
    elif visitor is None:
        raise LoginRequired("This address has an account: log in, then accept.")
    elif visitor != person:
        raise WrongAccount("This invitation is for another address than yours.")
    member, _ = Membership.objects.get_or_create(
        user=person, org=offer.org, defaults={"role": offer.role}
    )
    offer.accepted_at = now
    offer.save(update_fields=["accepted_at"])
    return member


def _managed(org: Org, public_id: str, by: User) -> Invitation:
    lock_org(org)
    require_manager(org, by, concerns=set())
    found = (
        open_invitations_of(org)
        .select_for_update(of=("self",), no_key=True)
        .filter(public_id=public_id)
        .first()
    )
    if found is None:
        raise NotFound("There is no such open invitation.")
    require_manager(org, by, concerns={found.role})
    return found


def _mail(invitation: Invitation, *, ip: str | None, now: datetime) -> None:
    if not is_mail_on():
        raise MailUnavailable("Nobody can be invited: this server sends no mail.")
    require_room(to=invitation.email, ip=ip, now=now)
    post(
        kind="invitation",
        to=invitation.email,
        facts={"invitation": invitation.public_id},
        ip=ip,
        now=now,
    )


def _open_account(address: str, *, password: str, name: str) -> User:
    if not password:
        raise InvalidRequest(
            "Choose a password: this address has no account yet.", param="password"
        )
    person = User(email=address, name=read_name(name) if name else "")
    check_new_password(password, user=person)
    person.set_password(password)
    lock_sign_ups(address)
    try:
        with transaction.atomic():
            person.save()
    except IntegrityError as error:
        raise AddressTaken("This address has an account by now: log in.") from error
    # Whatever else waits for this address is void, and its passwords are gone.
    SignUp.objects.filter(email=address, confirmed_at=None).delete()
    return person
