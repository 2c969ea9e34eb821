"""Wire shapes shared by every endpoint: errors, ids and JSON."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(eq=False)
class ApiError(Exception):
    """A refusal in OpenAI's words; a wire with other words translates it."""

    status: int
    message: str
    code: str | None = None
    param: str | None = None
    error_type: str = "invalid_request_error"
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> Json:
        return {
            "error": {
                "message": self.message,
                "type": self.error_type,
                "param": self.param,
                "code": self.code,
            }
        }


class ConnectionDropped(Exception):
    """The scripted fault wants the socket reset instead of an answer."""


def broken() -> ApiError:
    """Return the refusal for a defect of ours; whoever caught it has logged it."""
    return ApiError(500, "The server had an error.", error_type="server_error")


def dump(value: object) -> bytes:
    """Return ``value`` as compact UTF-8 JSON; lone surrogates become escapes."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def parse_object(raw: bytes) -> Json:
    """Return the JSON object in ``raw``.

    Raises:
        ApiError: 400 when it is not JSON or not an object.
    """
    try:
        value = json.loads(raw, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as problem:
        raise ApiError(
            400,
            "We could not parse the JSON body of your request. (HINT: This likely "
            "means you aren't using your HTTP library correctly.)",
        ) from problem
    if not isinstance(value, dict):
        raise ApiError(400, "The request body must be a JSON object.")
    return value


def new_id(prefix: str, length: int = 32) -> str:
    """Return a fresh id such as ``batch_`` plus ``length`` hex digits."""
    return prefix + secrets.token_hex(length // 2)


def not_found(message: str, *, param: str | None = None) -> ApiError:
    """Return the 404 refusal OpenAI gives for an unknown object."""
    return ApiError(404, message, param=param)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
