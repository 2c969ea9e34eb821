"""What we refuse, and how: a stable code, an HTTP status and a sentence."""

from collections.abc import Mapping
from typing import Any


class BatchRouterError(Exception):
    """An expected refusal. Subclasses stand beside the function that raises them."""

    code = "internal_error"
    status = 500
    error_type = "api_error"

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.details = dict(details or {})


class InvalidRequest(BatchRouterError):
    """The request is not of the documented form."""

    code = "invalid_request"
    status = 400
    error_type = "invalid_request_error"


class NotFound(BatchRouterError):
    """There is no such object, or it belongs to somebody else."""

    code = "not_found"
    status = 404
    error_type = "not_found_error"


class Conflict(BatchRouterError):
    """The object is not in a state that allows this."""

    code = "conflict"
    status = 409
    error_type = "conflict_error"
