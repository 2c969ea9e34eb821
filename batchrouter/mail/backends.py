"""Where letters go: a folder in development, Resend in production."""

import re
from collections.abc import Sequence
from typing import Any

from anymail.backends.resend import EmailBackend, ResendPayload
from anymail.exceptions import AnymailError, AnymailRequestsAPIError
from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from batchrouter.kit import ids
from batchrouter.mail.folder import write_letter
from batchrouter.mail.rendering import LetterMessage

# The answers that another try cannot change: https://resend.com/docs/api-reference/errors
# (read 2026-11-22). The others are about our account, the moment or the way there.
_FINAL = frozenset({400, 413, 422})
# With the same key and other words: the first try was taken. Ours differ, since every
# try mints its token anew.
_TAKEN = "invalid_idempotent_request"
_WORD = re.compile(r"\A[a-z_]{1,60}\Z")
_WAIT_MAX_SECONDS = 3600


class LetterRefused(Exception):
    """The provider will never take this letter."""


class LetterDelayed(Exception):
    """It was not taken, or we cannot know; the same letter may be tried again.

    Attributes:
        retry_after_seconds: what the provider asked for; 0 where it did not.
    """

    def __init__(self, reason: str, *, retry_after_seconds: int = 0) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


class FolderBackend(BaseEmailBackend):
    """Write each message to a file; tried again, it is the same file."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Write the messages and return how many there were."""
        folder = settings.MAIL_DIR
        if folder is None:
            raise LetterDelayed("no folder")
        for message in email_messages:
            letter_id = getattr(message, "letter_id", "") or ids.new_id("mail")
            write_letter(folder, letter_id, message.message().as_bytes())
        return len(email_messages)


class ResendBackend(EmailBackend):  # type: ignore[misc] # anymail is not typed
    """Send by Resend, each letter once."""

    def build_message_payload(self, message: EmailMessage, defaults: Any) -> Any:
        """Return the request that carries a message and its key."""
        return _KeyedPayload(message, defaults, self)

    def _send(self, message: EmailMessage) -> bool:
        try:
            sent: bool = super()._send(message)
        except AnymailRequestsAPIError as error:
            if _provider_word(error) == _TAKEN:
                return True
            # Without its cause: that holds the whole request, and so the token.
            raise _outcome(error) from None
        except AnymailError as error:
            raise LetterRefused(type(error).__name__) from None
        if isinstance(message, LetterMessage):
            status = message.anymail_status  # type: ignore[attr-defined] # set by anymail
            message.provider_message_id = str(status.message_id or "")
        return sent


class _KeyedPayload(ResendPayload):  # type: ignore[misc] # anymail is not typed
    def __init__(
        self, message: EmailMessage, defaults: Any, backend: ResendBackend
    ) -> None:
        headers = {}
        if isinstance(message, LetterMessage):
            headers["Idempotency-Key"] = message.letter_id
        super().__init__(message, defaults, backend, headers=headers)

    def get_request_params(self, api_url: str) -> dict[str, Any]:
        """Return how to call; a redirect would carry the key elsewhere."""
        return {**super().get_request_params(api_url), "allow_redirects": False}


def _outcome(error: AnymailRequestsAPIError) -> LetterRefused | LetterDelayed:
    status = error.status_code
    if status is None:
        return LetterDelayed("no answer")
    reason = f"{status} {_provider_word(error)}".rstrip()
    if status in _FINAL:
        return LetterRefused(reason)
    return LetterDelayed(reason, retry_after_seconds=_retry_after_seconds(error))


def _provider_word(error: AnymailRequestsAPIError) -> str:
    """Return the provider's name for an error; its sentences may repeat our text."""
    if error.response is None:
        return ""
    try:
        name = error.response.json()["name"]
    except (ValueError, KeyError, TypeError):
        return ""
    return name if isinstance(name, str) and _WORD.match(name) else ""


def _retry_after_seconds(error: AnymailRequestsAPIError) -> int:
    text = error.response.headers.get("Retry-After", "")
    if not (text.isascii() and text.isdigit()):
        return 0
    return min(int(text[:9]), _WAIT_MAX_SECONDS)
