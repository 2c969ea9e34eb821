"""The shapes of webhook requests and replies, for the OpenAPI document only."""

from rest_framework import serializers

from batches.delivery.verdicts import Outcome
from batches.models import DisabledReason, EventType
from batches.states import DeliveryState
from batchrouter.web.schemas import ListReply, Shape

_OUTCOMES = [str(outcome) for outcome in Outcome]
_EVENTS = EventType.values


class WebhookBody(Shape):
    url = serializers.URLField(max_length=2048)
    secret = serializers.CharField(
        required=False,
        help_text="Your own: whsec_ and the base64 of 24 to 64 bytes, or 24 to 64 "
        "visible ASCII characters. Without one the present secret stays, and the first "
        "is made by us.",
    )


class RotateSecretBody(Shape):
    secret = serializers.CharField(required=False, help_text="As where it is set.")


class WebhookReply(Shape):
    object = serializers.CharField()
    id = serializers.CharField(allow_null=True)
    url = serializers.CharField(allow_null=True)
    enabled = serializers.BooleanField()
    disabled_at = serializers.DateTimeField(allow_null=True)
    disabled_reason = serializers.ChoiceField(DisabledReason.values, allow_null=True)
    failing_since = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField(allow_null=True)
    secret = serializers.CharField(
        allow_null=True, help_text="Shown once, where we made a new one."
    )
    secret_changed_at = serializers.DateTimeField(allow_null=True)
    previous_secret_until = serializers.DateTimeField(
        allow_null=True, help_text="The secret before this one signs too, until then."
    )


class Delivery(Shape):
    id = serializers.CharField()
    object = serializers.CharField()
    event_id = serializers.CharField()
    event = serializers.ChoiceField(_EVENTS)
    batch_id = serializers.CharField(allow_null=True)
    url = serializers.CharField()
    state = serializers.ChoiceField([str(state) for state in DeliveryState])
    attempts = serializers.IntegerField()
    error = serializers.CharField(
        allow_null=True, help_text="The outcome of the last try that failed."
    )
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class Attempt(Shape):
    object = serializers.CharField()
    delivery_id = serializers.CharField()
    event_id = serializers.CharField()
    event = serializers.ChoiceField(_EVENTS)
    url = serializers.CharField()
    attempt = serializers.IntegerField()
    outcome = serializers.ChoiceField(
        _OUTCOMES, allow_null=True, help_text="Null while the call is under way."
    )
    status_code = serializers.IntegerField(allow_null=True)
    duration_ms = serializers.IntegerField(allow_null=True)
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class FullDelivery(Delivery):
    body = serializers.CharField(help_text="The very text that is sent and signed.")
    tries = Attempt(many=True)


class DeliveryListReply(ListReply):
    data = Delivery(many=True)  # type: ignore[assignment] # narrower than the list's


class AttemptListReply(ListReply):
    data = Attempt(many=True)  # type: ignore[assignment] # narrower than the list's
