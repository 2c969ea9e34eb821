"""The base of every view that acts for an organization."""

from typing import Any, ClassVar

from rest_framework.exceptions import NotAuthenticated, ParseError
from rest_framework.views import APIView

from accounts.authentication import Caller, django_request
from accounts.models import Org, User
from accounts.sessions import Here
from batchrouter.kit.errors import BatchRouterError


class SessionRequired(BatchRouterError):
    """Only a logged-in person may do this; a key speaks for an organization."""

    code = "session_required"
    status = 403
    error_type = "permission_error"


class OrgView(APIView):
    """Declare ``scope`` (or ``scopes`` by method) and read ``self.org``."""

    scope: ClassVar[str | None] = None
    scopes: ClassVar[dict[str, str]] = {}

    @property
    def caller(self) -> Caller:
        """Who calls; permission has already been checked."""
        if not isinstance(self.request.auth, Caller):
            raise NotAuthenticated
        return self.request.auth

    @property
    def org(self) -> Org:
        """The organization that everything is scoped to."""
        return self.caller.org

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object that was sent: the parser admits nothing else."""
        data = self.request.data
        if not isinstance(data, dict):
            raise ParseError
        return data

    @property
    def user(self) -> User:
        """The person who calls.

        Raises:
            SessionRequired: a key calls.
        """
        if self.caller.user is None:
            raise SessionRequired(
                "Log in for this: it is about a person, and a key is nobody."
            )
        return self.caller.user

    @property
    def here(self) -> Here:
        """The login that calls, to tell it from the person's others."""
        if self.caller.token is not None:
            return Here(token_id=self.caller.token.public_id)
        return Here(session_key=django_request(self.request).session.session_key)
