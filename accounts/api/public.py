"""What every door that strangers may use has in common."""

from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters
from rest_framework.exceptions import ParseError
from rest_framework.permissions import AllowAny
from rest_framework.views import APIView

from accounts.adapter import client_ip
from accounts.authentication import django_request
from batchrouter.web.fields import Fields


@method_decorator(sensitive_post_parameters(), name="dispatch")
class PublicView(APIView):
    """A call that needs no credentials and looks at none."""

    authentication_classes = []
    permission_classes = [AllowAny]

    def fields(self, *known: str) -> Fields:
        """Return the body's fields.

        Raises:
            UnknownField: the body has another one.
        """
        if not isinstance(self.request.data, dict):
            raise ParseError
        return Fields(self.request.data, *known)

    @property
    def ip(self) -> str | None:
        """Where the request comes from, for the limits."""
        return client_ip(django_request(self.request))
