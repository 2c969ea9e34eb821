"""The mail of development: one file a letter, and reading them back."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from batchrouter.kit import ids

_SUFFIX = ".eml"
# A token stands on a line of its own.
_TOKEN = re.compile(r"^obt_[\w.\-]+$", re.MULTILINE | re.ASCII)


@dataclass(frozen=True)
class StoredLetter:
    """A letter as its reader gets it."""

    mail_id: str
    to: str
    subject: str
    sent_at: datetime | None
    text: str = field(repr=False)
    html: str = field(repr=False)

    @property
    def token(self) -> str | None:
        """The bare token, where the letter has one."""
        found = _TOKEN.search(self.text)
        return found[0] if found else None


def write_letter(folder: Path, mail_id: str, data: bytes) -> None:
    """Write a letter under its id; a second time replaces the first."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    scratch = folder / f"{mail_id}.{ids.new_id('part')}"
    scratch.write_bytes(data)
    scratch.replace(folder / (mail_id + _SUFFIX))


def newest_letters(folder: Path, *, to: str = "") -> Iterator[StoredLetter]:
    """Yield the letters of a folder, or those to one address, newest first."""
    # Ids sort by the time they were made.
    for path in sorted(folder.glob(f"*{_SUFFIX}"), reverse=True):
        letter = _read(path)
        if not to or letter.to == to.strip().lower():
            yield letter


def stored_letter(folder: Path, mail_id: str) -> StoredLetter | None:
    """Return one letter, or None where the folder has none of this id."""
    if not ids.looks_like_id(mail_id, "mail"):
        return None
    path = folder / (mail_id + _SUFFIX)
    return _read(path) if path.is_file() else None


def _read(path: Path) -> StoredLetter:
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    date = message["Date"]
    return StoredLetter(
        mail_id=path.stem,
        to=str(message["To"] or "").lower(),
        subject=str(message["Subject"] or "").strip(),
        sent_at=date.datetime if date else None,
        text=_part(message, "plain"),
        html=_part(message, "html"),
    )


def _part(message: EmailMessage, subtype: str) -> str:
    part = message.get_body((subtype,))
    return "" if part is None else str(part.get_content()).replace("\r\n", "\n")
