"""Whether the model that answered is the one that was asked."""

import re

# gpt-5.4-mini answers as gpt-5.4-mini-2026-03-17, mistral-small-latest as ...-2506.
_DATED = re.compile(r"\A[-@:](?:20\d{2}-?\d{2}-?\d{2}|\d{4,8})\Z")
_LATEST = "-latest"


def same_model(asked: str, answered: str) -> bool:
    """Tell whether ``answered`` is the asked model or a dated version of it.

    A vendor's prefix (``openai/``, ``accounts/x/models/``) makes no difference.
    """
    wanted = asked.lower().rpartition("/")[2]
    found = answered.lower().rpartition("/")[2]
    if wanted == found:
        return True
    stem = wanted.removesuffix(_LATEST)
    return found.startswith(stem) and _DATED.match(found[len(stem) :]) is not None
