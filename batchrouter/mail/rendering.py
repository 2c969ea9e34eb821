"""The text of a letter, as plain text and as HTML, from one writer's words."""

import re

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from batchrouter.mail.kinds import Written
from batchrouter.mail.models import Letter
from batchrouter.mail.wording import one_line

_SUBJECT_MAX = 120
_EMPTY_LINES = re.compile(r"\n{3,}")


class LetterMessage(EmailMultiAlternatives):
    """A message that knows its letter; the backends send no letter twice.

    Attributes:
        letter_id: the letter's public id.
        provider_message_id: what the provider calls it, once it was sent.
        metadata: comes back with the provider's webhooks.
    """

    letter_id = ""
    provider_message_id = ""
    metadata: dict[str, str]


def message_of(letter: Letter, written: Written) -> LetterMessage:
    """Return the message that says what was written."""
    subject = one_line(written.subject, _SUBJECT_MAX)
    context = {
        **written.context,
        "subject": subject,
        "to": letter.to,
        "base_url": settings.PUBLIC_BASE_URL,
    }
    message = LetterMessage(
        subject=subject,
        body=_text(render_to_string(f"mail/{written.template}.txt", context)),
        to=[letter.to],
        # RFC 3834: no holiday notices in reply.
        headers={"Auto-Submitted": "auto-generated"},
    )
    message.attach_alternative(
        render_to_string(f"mail/{written.template}.html", context), "text/html"
    )
    message.letter_id = letter.public_id
    message.metadata = {"letter": letter.public_id}
    return message


def _text(rendered: str) -> str:
    # What templates leave where they include others or skip a part.
    return _EMPTY_LINES.sub("\n\n", rendered).strip() + "\n"
