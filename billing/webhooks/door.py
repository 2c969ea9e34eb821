"""POST /v1/billing/stripe/webhook: the only way in for paid credits."""

from django.http import HttpRequest, JsonResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from batchrouter.kit import clock
from batchrouter.kit.errors import BatchRouterError
from batchrouter.web.errors import plain_error, refusal_body
from billing.stripe_facts import UnreadableFact
from billing.stripe_gateway import verified_event
from billing.webhooks.inbox import receive

BODY_BYTES_MAX = 1024 * 1024


@method_decorator(csrf_exempt, name="dispatch")
class StripeWebhook(View):
    """Where Stripe delivers its events."""

    def post(self, request: HttpRequest) -> JsonResponse:
        """Verify a delivery on its raw bytes, store it and apply it.

        The signature is the proof: there is neither a login nor a CSRF token.
        """
        length = request.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > BODY_BYTES_MAX:
            return plain_error(request, 413 if length.isdigit() else 400)
        now = clock.now()
        try:
            signature = request.headers.get("Stripe-Signature", "")
            event = verified_event(request.body, signature, now=now)
            row = receive(event, now=now)
        except BatchRouterError as error:
            request_id = getattr(request, "request_id", None)
            return JsonResponse(refusal_body(error, request_id), status=error.status)
        except UnreadableFact:
            return plain_error(request, 400)
        return JsonResponse({"received": True, "state": row.state})
