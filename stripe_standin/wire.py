"""Wire shapes shared by every door: errors, ids, JSON and what is public."""

import json
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

API_VERSION = "2026-05-27.dahlia"
_ALPHABET = string.ascii_letters + string.digits


@dataclass(eq=False)
class ApiError(Exception):
    """A refusal in Stripe's error shape."""

    status: int
    message: str
    code: str | None = None
    param: str | None = None
    error_type: str = "invalid_request_error"
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> Json:
        error = {"message": self.message, "type": self.error_type}
        if self.code is not None:
            error["code"] = self.code
        if self.param is not None:
            error["param"] = self.param
        return {"error": error}


class ConnectionDropped(Exception):
    """The scripted fault wants the socket reset instead of an answer."""


def broken() -> ApiError:
    """Return the refusal for a defect of ours; whoever caught it has logged it."""
    return ApiError(500, "An unknown error occurred.", error_type="api_error")


def invalid(
    message: str, *, param: str | None = None, code: str | None = None
) -> ApiError:
    """Return the 400 refusal for a parameter or a state that does not fit."""
    return ApiError(400, message, code=code, param=param)


def no_such(kind: str, object_id: str) -> ApiError:
    """Return the 404 refusal Stripe gives for an unknown object."""
    message = f"No such {kind}: '{object_id}'"
    return ApiError(404, message, code="resource_missing", param="id")


def new_id(prefix: str, length: int = 24) -> str:
    """Return a fresh id such as ``cs_test_`` plus ``length`` letters and digits."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(length))


def dump(value: object) -> bytes:
    """Return ``value`` as compact UTF-8 JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def parse_object(raw: bytes) -> Json:
    """Return the JSON object in ``raw``; nothing at all is an empty one.

    Raises:
        ApiError: 400 when it is not JSON or not an object.
    """
    try:
        value = json.loads(raw or b"{}")
    except (ValueError, RecursionError) as problem:
        raise invalid("The body is not JSON.") from problem
    if not isinstance(value, dict):
        raise invalid("The body must be a JSON object.")
    return value


def public(value: Json) -> Json:
    """Return an object without the keys we keep for ourselves (``_…``)."""
    return {name: part for name, part in value.items() if not name.startswith("_")}
