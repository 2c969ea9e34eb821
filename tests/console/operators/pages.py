"""What an operators' page says."""

import re

from django.test import Client


def words_of(client: Client, page: str) -> str:
    """Return the text of a page, its spaces run together."""
    body = client.get(page).content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))
