"""Signed links to one file: no login, fifteen minutes, nothing else."""

import base64
import hmac
from datetime import datetime, timedelta
from hashlib import sha256
from urllib.parse import urlencode

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from batches.models import StoredFile
from batchrouter.kit.errors import BatchRouterError

_SALT = "batches.links"


class LinkInvalid(BatchRouterError):
    """The link was changed, or its time is over."""

    code = "link_invalid"
    status = 403
    error_type = "permission_error"


def _signature(file_id: str, expires: int) -> str:
    message = f"{file_id}:{expires}"
    digest: hmac.HMAC = salted_hmac(_SALT, message, algorithm=sha256().name)
    return base64.urlsafe_b64encode(digest.digest()).decode().rstrip("=")


def signed_url(file: StoredFile, *, now: datetime) -> str:
    """Return a link that opens this file until ``SIGNED_URL_SECONDS`` from now."""
    until = now + timedelta(seconds=settings.SIGNED_URL_SECONDS)
    expires = int(until.timestamp())
    query = urlencode(
        {"expires": expires, "signature": _signature(file.public_id, expires)}
    )
    return f"{settings.PUBLIC_BASE_URL}/v1/files/{file.public_id}/download?{query}"


def check_link(
    file_id: str, expires: str | None, signature: str | None, *, now: datetime
) -> None:
    """Admit a link.

    Raises:
        LinkInvalid: the same answer for a changed and a late one.
    """
    is_number = expires is not None and expires.isascii() and expires.isdigit()
    if not is_number or len(str(expires)) > 12 or not signature:
        raise LinkInvalid("This link is not valid or has expired.")
    expected = _signature(file_id, int(str(expires)))
    if (
        not constant_time_compare(signature, expected)
        or int(str(expires)) < now.timestamp()
    ):
        raise LinkInvalid("This link is not valid or has expired.")
