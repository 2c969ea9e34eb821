"""Everybody's mail, as it lands in the folder of development."""

from dataclasses import dataclass
from pathlib import Path

from batchrouter.mail.folder import StoredLetter, newest_letters
from batchrouter.mail.sending import send_due_letters


@dataclass(frozen=True)
class Mailbox:
    """The folder that letters are sent to."""

    folder: Path

    def letters(self, to: str = "") -> list[StoredLetter]:
        """Send what is due, and return the letters to an address, newest first."""
        send_due_letters()
        return list(newest_letters(self.folder, to=to))

    def token(self, to: str) -> str:
        """Return the token of the newest letter to an address."""
        token = self.letters(to)[0].token
        assert token is not None
        return token
