"""Errors for the log without their words, which may quote a prompt or an answer."""

import traceback
from pathlib import Path

_FRAMES_MAX = 6


def outline(error: BaseException) -> str:
    """Return an error's type and where it came from, the innermost place first."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES_MAX:]
    places = [
        f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
        for frame in reversed(frames)
    ]
    return " < ".join([type(error).__qualname__, *places])
