"""What a caller may do: the scope that a view declares, refused by default."""

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.authentication import Caller
from batchrouter.kit.errors import BatchRouterError

if TYPE_CHECKING:
    # At run time this module is loaded while rest_framework.views is being loaded.
    from rest_framework.views import APIView


class ScopeRequired(BatchRouterError):
    """The key lacks the scope that the call needs."""

    code = "scope_required"
    status = 403
    error_type = "permission_error"


class HasScope(BasePermission):
    """Admit a caller that has the scope of the view and the method."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Tell whether somebody calls, with the scope declared by the view.

        Raises:
            ScopeRequired.
        """
        if not isinstance(request.auth, Caller):
            return False
        scopes = getattr(view, "scopes", {})
        wanted = scopes.get(request.method, getattr(view, "scope", None))
        if wanted is None:
            # A method that the view does not have is answered by 405.
            return not hasattr(view, (request.method or "").lower())
        if wanted not in request.auth.scopes:
            raise ScopeRequired(
                f"This call needs the scope {str(wanted)!r}.",
                details={"scope": wanted},
            )
        return True
