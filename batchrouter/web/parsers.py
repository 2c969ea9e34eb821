"""The strict reader of JSON bodies."""

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.parsers import BaseParser

from batchrouter.kit import strict_json
from batchrouter.kit.errors import InvalidRequest


class BodyTooLarge(InvalidRequest):
    """The JSON body is larger than any call needs."""

    code = "request_too_large"
    status = 413


class InvalidJson(InvalidRequest):
    """The body is not JSON that we accept."""

    code = "invalid_json"


class StrictJSONParser(BaseParser):
    """``application/json``: an object, read by the one strict reader."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Read the body.

        Raises:
            BodyTooLarge, InvalidJson.
        """
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        data = stream.read(limit + 1)
        if len(data) > limit:
            raise BodyTooLarge(f"A JSON body holds at most {limit} bytes.")
        try:
            value = strict_json.loads(data)
        except strict_json.StrictJsonError as error:
            raise InvalidJson(error.message, details={"reason": error.code}) from error
        if not isinstance(value, dict):
            raise InvalidJson("The body must be a JSON object.")
        return value
