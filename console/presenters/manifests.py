"""Manifests as people read them."""

import json
from collections.abc import Mapping
from typing import Any


def pretty(manifest: Mapping[str, Any]) -> str:
    """Write a manifest with one field a line."""
    return json.dumps(manifest, indent=2, ensure_ascii=False)
