"""What the official SDKs were seen to send.

``data/sdk_captures.json`` holds requests of openai 3.54.0, anthropic 2.12.0,
google-genai 3.4.0, mistralai 3.7.0, groq 1.7.0, together 3.1.1 and fireworks-ai 1.2.28,
recorded 2026-11-22.
"""

from pathlib import Path
from typing import Any

import orjson

_FILE = Path(__file__).parent / "data" / "sdk_captures.json"


def recorded() -> list[dict[str, Any]]:
    """Return all requests in the order in which they were made."""
    found: list[dict[str, Any]] = orjson.loads(_FILE.read_bytes())
    return found


def captures_of(sdk: str) -> dict[str, dict[str, Any]]:
    """Return one SDK's requests by method and path; of equal ones the last."""
    return {
        f"{entry['method']} {entry['path']}": entry
        for entry in recorded()
        if entry["sdk"] == sdk
    }
