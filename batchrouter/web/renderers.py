"""JSON out, by orjson; a view may also hand over bytes that are JSON already."""

from collections.abc import Mapping
from typing import Any

import orjson
from rest_framework.renderers import BaseRenderer


class JSONRenderer(BaseRenderer):
    """``application/json`` in UTF-8."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Write the reply's body; nothing for None."""
        if data is None:
            return b""
        return data if isinstance(data, bytes) else orjson.dumps(data)
