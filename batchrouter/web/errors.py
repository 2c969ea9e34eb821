"""The one place that turns a refusal or a crash into the API's error shape."""

import logging
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse, UnreadablePostError
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from batchrouter.kit.errors import BatchRouterError

log = logging.getLogger(__name__)

# How long a database that restarts is away, about.
_RETRY_SECONDS = "5"

# What Django and DRF raise by themselves: (code, type, sentence).
_STATUS_WORDS: Mapping[int, tuple[str, str, str]] = {
    400: ("invalid_request", "invalid_request_error", "The request is malformed."),
    401: (
        "unauthenticated",
        "authentication_error",
        "Send an API key: Authorization: Bearer ob_live_…",
    ),
    403: ("forbidden", "permission_error", "This caller may not do that."),
    404: ("not_found", "not_found_error", "There is nothing at this address."),
    405: (
        "method_not_allowed",
        "invalid_request_error",
        "This address does not take that method.",
    ),
    406: (
        "not_acceptable",
        "invalid_request_error",
        "This address answers application/json.",
    ),
    413: ("request_too_large", "invalid_request_error", "The body is too large."),
    415: (
        "unsupported_media_type",
        "invalid_request_error",
        "Send the body as application/json.",
    ),
    429: ("rate_limited", "rate_limit_error", "Too many requests; slow down."),
    500: (
        "internal_error",
        "api_error",
        "Something broke on our side. Nothing was charged; the request id helps us.",
    ),
    503: ("unavailable", "api_error", "The service is not ready; try again shortly."),
}


def status_words() -> Mapping[int, tuple[str, str, str]]:
    """Return what answers of no function of ours say: (code, type, sentence)."""
    return _STATUS_WORDS


def error_body(
    *,
    code: str,
    message: str,
    error_type: str,
    request_id: str | None,
    param: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the error shape of the API."""
    return {
        "error": {
            "code": code,
            "message": message,
            "type": error_type,
            "param": param,
            "details": dict(details or {}),
            "request_id": request_id,
        }
    }


def refusal_body(error: BatchRouterError, request_id: str | None) -> dict[str, Any]:
    """Return the shape of one of our own refusals."""
    return error_body(
        code=error.code,
        message=error.message,
        error_type=error.error_type,
        request_id=request_id,
        param=error.param,
        details=error.details,
    )


def status_body(status: int, request_id: str | None) -> dict[str, Any]:
    """Return the shape for a bare HTTP status."""
    words = _STATUS_WORDS.get(status, _STATUS_WORDS[400 if status < 500 else 500])
    code, error_type, message = words
    return error_body(
        code=code, message=message, error_type=error_type, request_id=request_id
    )


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Answer an exception of a DRF view; a crash becomes a 500 without a trace."""
    request = context.get("request")
    request_id = getattr(request, "request_id", None)
    set_rollback()
    if isinstance(error, BatchRouterError):
        response = Response(refusal_body(error, request_id), status=error.status)
        retry_after = error.details.get("retry_after_seconds")
        if retry_after is not None:
            response["Retry-After"] = str(retry_after)
        if error.status == 401:
            response["WWW-Authenticate"] = 'Bearer realm="api"'
        return response
    status = _status_of(error)
    if status == 500:
        log.error("unexpected error", exc_info=error)
    response = Response(status_body(status, request_id), status=status)
    if status == 503:
        log.error("the database cannot be used: %s", type(error).__name__)
        response["Retry-After"] = _RETRY_SECONDS
    if isinstance(error, exceptions.APIException):
        _copy_headers(error, response)
    return response


# RequestDataTooBig is a SuspiciousOperation too, so the order counts.
_STATUS_OF: tuple[tuple[type[Exception], int], ...] = (
    (Http404, 404),
    (PermissionDenied, 403),
    (RequestDataTooBig, 413),
    (SuspiciousOperation, 400),
    # A caller that hung up in the middle of its body is not our crash.
    (UnreadablePostError, 400),
    # The database restarts or is too busy: nothing was done, and it may be soon.
    (OperationalError, 503),
    (InterfaceError, 503),
)


def _status_of(error: Exception) -> int:
    if isinstance(error, exceptions.APIException):
        return error.status_code
    for kind, status in _STATUS_OF:
        if isinstance(error, kind):
            return status
    return 500


def _copy_headers(error: exceptions.APIException, response: Response) -> None:
    auth_header = getattr(error, "auth_header", None)
    if auth_header:
        response["WWW-Authenticate"] = auth_header
    wait = getattr(error, "wait", None)
    if wait:
        response["Retry-After"] = str(int(wait) + 1)


def plain_error(request: HttpRequest, status: int) -> JsonResponse:
    """Answer outside DRF, for Django's own 400, 403, 404 and 500 handlers."""
    request_id = getattr(request, "request_id", None)
    return JsonResponse(status_body(status, request_id), status=status)
