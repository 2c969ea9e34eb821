"""Keys at providers: added, checked, made active, retired.

A key is written down sealed, then checked by a call outside any transaction, and only
then made active. Calls under way keep the connection that they began with.
"""

from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from accounts.models import User
from batchrouter.kit.errors import Conflict, InvalidRequest
from batchrouter.kit.outbound import ControlClient
from batchrouter.kit.sealing import CannotOpen
from routing import credential_checks, live_keys
from routing.base_urls import accepted_base_url
from routing.connections import live_connection
from routing.contracts import Connection
from routing.credential_checks import CheckOutcome, Verdict
from routing.models import ProviderCredential

SECRET_MAX: Final = 500
# A shorter one would be half told by its last four characters.
SECRET_SHOWN_MIN: Final = 16

# Makes no connection before its first call, so it is safe to fork with.
_control = ControlClient()


class SecretRefused(InvalidRequest):
    """What was given cannot be a key."""


class CredentialRetired(Conflict):
    """It is over, and its secret is gone."""


class CredentialUnreadable(Conflict):
    """It was sealed with a key that this server does not have."""


@sensitive_variables("secret")
def add_credential(
    *,
    provider: str,
    label: str,
    secret: str,
    base_url: str = "",
    created_by: User | None,
    now: datetime,
) -> ProviderCredential:
    """Write a key down, sealed and not yet active: ``check_credential`` comes next.

    Raises:
        InvalidRequest: no such provider, not a key, or not an address for one.
    """
    if provider not in settings.PROVIDER_API_KEYS:
        raise InvalidRequest("There is no such provider.", param="provider")
    secret = _accepted_secret(secret)
    if base_url:
        base_url = accepted_base_url(
            provider, base_url, in_development=settings.APP_ENV == "development"
        )
    if live_connection(provider, secret, base_url) is None:
        raise InvalidRequest("This provider needs a base URL.", param="base_url")
    return ProviderCredential.objects.create(
        provider=provider,
        label=label,
        ciphertext=live_keys.sealer().seal(secret),
        last_four=secret[-4:] if len(secret) >= SECRET_SHOWN_MIN else "",
        base_url=base_url,
        created_by=created_by,
        created_at=now,
    )


def check_credential(row: ProviderCredential, *, now: datetime) -> CheckOutcome:
    """Ask the provider, write down what came of it, and act on it.

    A key that was accepted becomes the provider's active one, and the one before it
    retires. A new key that was refused retires; an active one stays for the operator
    to judge, because a provider may refuse for an hour.

    Args:
        row: as it was read; brought up to date.
        now: the instant of the check.

    Raises:
        CredentialRetired, CredentialUnreadable.
    """
    outcome = credential_checks.ask(_connection_of(row), _control)
    with transaction.atomic():
        _write_down(row, outcome, now=now)
    live_keys.forget()
    return outcome


def retire_credential(row: ProviderCredential, *, now: datetime) -> None:
    """End a credential and drop its secret; a retired one stays as it is.

    Args:
        row: brought up to date.
        now: the instant of its end.
    """
    with transaction.atomic():
        row.refresh_from_db(
            from_queryset=ProviderCredential.objects.select_for_update()
        )
        if row.retired_at is None:
            _retire(row, now=now)
    live_keys.forget()


@transaction.atomic
def reseal_credentials() -> int:
    """Seal every key that is kept with the newest sealing key; return how many.

    Raises:
        CredentialUnreadable: one cannot be opened; then none was changed.
    """
    sealer = live_keys.sealer()
    rows = ProviderCredential.objects.exclude(ciphertext="").order_by("pk")
    kept = list(rows.select_for_update())
    for row in kept:
        try:
            row.ciphertext = sealer.reseal(row.ciphertext)
        except CannotOpen:
            raise _unreadable(row) from None
    ProviderCredential.objects.bulk_update(kept, ["ciphertext"])
    return len(kept)


def _accepted_secret(secret: str) -> str:
    """Return what goes into a header: one printable word."""
    secret = secret.strip()
    if not secret or len(secret) > SECRET_MAX:
        raise SecretRefused(f"A key has 1 to {SECRET_MAX} characters.", param="secret")
    if not secret.isascii() or not secret.isprintable() or " " in secret:
        raise SecretRefused("A key is one word of ASCII characters.", param="secret")
    return secret


@sensitive_variables("secret")
def _connection_of(row: ProviderCredential) -> Connection:
    if row.retired_at is not None:
        raise CredentialRetired(f"{row.public_id} is retired.")
    try:
        secret = live_keys.sealer().unseal(row.ciphertext)
    except CannotOpen:
        raise _unreadable(row) from None
    found = live_connection(row.provider, secret, row.base_url)
    if found is None:
        raise InvalidRequest("This provider needs a base URL.", param="base_url")
    return found


def _write_down(
    row: ProviderCredential, outcome: CheckOutcome, *, now: datetime
) -> None:
    """Note the outcome, then change what is active, with the provider's rows locked."""
    rows = ProviderCredential.objects.filter(provider=row.provider, retired_at=None)
    current = {known.pk: known for known in rows.select_for_update().order_by("pk")}
    if row.pk not in current:
        raise CredentialRetired(f"{row.public_id} was retired during its check.")
    row.refresh_from_db()
    row.checked_at, row.check_outcome = now, str(outcome)
    row.save(update_fields=["checked_at", "check_outcome"])
    if row.is_active:
        return
    if outcome.verdict is Verdict.REFUSED:
        _retire(row, now=now)
    elif outcome.verdict is Verdict.ACCEPTED:
        for other in current.values():
            if other.is_active:
                _retire(other, now=now)
        row.is_active = True
        row.save(update_fields=["is_active"])


def _retire(row: ProviderCredential, *, now: datetime) -> None:
    row.is_active, row.ciphertext, row.retired_at = False, "", now
    row.save(update_fields=["is_active", "ciphertext", "retired_at"])


def _unreadable(row: ProviderCredential) -> CredentialUnreadable:
    return CredentialUnreadable(f"{row.public_id} was sealed with an unknown key.")
