"""The base of every view that acts for an organization."""

from typing import Any, ClassVar

from rest_framework.exceptions import NotAuthenticated, ParseError
from rest_framework.views import APIView

from accounts.authentication import Caller
from accounts.models import Org


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
