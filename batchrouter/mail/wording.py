"""Words of others in our letters: short, on one line, and no more than needed."""

import re

_SPACES = re.compile(r"\s+")


def one_line(text: str, longest: int) -> str:
    """Return words of others without line breaks and control characters, cut short.

    ``://`` goes too, so that no mail program makes a link of them.
    """
    plain = "".join(
        letter if letter.isprintable() else " " for letter in text.replace("://", " ")
    )
    line = _SPACES.sub(" ", plain).strip()
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def masked(address: str) -> str:
    """Return an address that its owner recognizes and nobody else can use."""
    name, _, domain = address.partition("@")
    return f"{name[:1]}…@{domain}"
