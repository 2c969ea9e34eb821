"""Keys that were found in public: revoked at once, and their people are told."""

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from django.db import transaction

from accounts.keys import digest, is_well_formed, revoke_key
from accounts.members import MANAGERS
from accounts.models import ApiKey, User
from batchrouter.kit import strict_json
from batchrouter.kit.errors import InvalidRequest
from batchrouter.mail.outbox import post

BODY_BYTES_MAX = 1024 * 1024
TOKENS_MAX = 1000
_WHERE_MAX = 500

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Finding:
    """A text that looks like a key, and where it stood.

    Attributes:
        kind: the scanner's word for this sort of text.
        where: an address; a stranger chose it.
    """

    token: str = field(repr=False)
    kind: str = ""
    where: str = ""


@dataclass(frozen=True)
class Verdict:
    """What a finding was: a key of ours, live or ended, or not."""

    token_hash: str
    kind: str
    label: Literal["true_positive", "false_positive"]


def read_report(body: bytes) -> list[Finding]:
    """Read what a scanner found.

    Raises:
        InvalidRequest: it is not a list of at most 1000 objects with a token each.
    """
    try:
        listed = strict_json.loads(body)
    except strict_json.StrictJsonError as error:
        raise InvalidRequest(error.message) from error
    if not isinstance(listed, list) or len(listed) > TOKENS_MAX:
        raise InvalidRequest(f"Send a list of at most {TOKENS_MAX} findings.")
    return [_finding(each) for each in listed]


def _finding(value: Any) -> Finding:
    if not isinstance(value, dict) or not isinstance(value.get("token"), str):
        raise InvalidRequest("Every finding has a token.", param="token")
    kind, where = value.get("type", ""), value.get("url", "")
    return Finding(
        token=value["token"],
        kind=kind if isinstance(kind, str) else "",
        where=where[:_WHERE_MAX] if isinstance(where, str) else "",
    )


@transaction.atomic
def revoke_leaked(findings: Iterable[Finding], *, now: datetime) -> list[Verdict]:
    """End every key of ours among the findings, and write to its owners and admins.

    Returns:
        A verdict for each finding, in their order.
    """
    findings = list(findings)
    places = {
        digest(each.token): each.where
        for each in findings
        if is_well_formed(each.token)
    }
    # In one order everywhere, so that two reports never wait for each other.
    keys = list(
        ApiKey.objects.select_for_update(no_key=True)
        .filter(digest__in=places)
        .order_by("pk")
    )
    for key in keys:
        if key.is_live(now):
            revoke_key(key, now=now)
            log.warning("%s was found in public and is revoked", key.public_id)
            _tell(key, places[bytes(key.digest)], now=now)
    ours = {bytes(key.digest) for key in keys}
    return [
        Verdict(
            # Hexadecimal: the scanner names SHA-256 and no writing of it.
            token_hash=hashlib.sha256(each.token.encode()).hexdigest(),
            kind=each.kind,
            label=("true_positive" if digest(each.token) in ours else "false_positive"),
        )
        for each in findings
    ]


def _tell(key: ApiKey, where: str, *, now: datetime) -> None:
    managers = User.objects.filter(
        membership__org_id=key.org_id, membership__role__in=MANAGERS, is_active=True
    )
    for person in managers.order_by("pk"):
        post(
            kind="key_revoked",
            to=person.email,
            facts={"key": key.public_id, "where": where},
            ip=None,
            now=now,
        )
