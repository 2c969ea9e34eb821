"""Shapes that every part of the API shares, for the OpenAPI document only."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="1 to 255 visible ASCII characters. The same key and body give the "
    "first reply again, for 30 days.",
)
PAGE = [
    OpenApiParameter("limit", int, description="1 to 100"),
    OpenApiParameter("cursor", str, description="next_cursor of the page before"),
]


class Shape(serializers.Serializer[None]):
    """A serializer that only documents."""


class ErrorBody(Shape):
    code = serializers.CharField()
    message = serializers.CharField()
    type = serializers.CharField()
    param = serializers.CharField(allow_null=True)
    details = serializers.DictField()
    request_id = serializers.CharField()


class ErrorReply(Shape):
    error = ErrorBody()


def errors(*statuses: int) -> dict[int, OpenApiResponse]:
    """Return the error shape for each status."""
    return {status: OpenApiResponse(ErrorReply) for status in statuses}


class Money(Shape):
    amount = serializers.CharField()
    currency = serializers.CharField()


class ListReply(Shape):
    object = serializers.CharField()
    data = serializers.ListField(  # type: ignore[assignment] # a field, not the property
        child=serializers.DictField()
    )
    has_more = serializers.BooleanField()
    next_cursor = serializers.CharField(allow_null=True)
