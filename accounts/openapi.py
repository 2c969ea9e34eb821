"""How callers identify themselves, for the OpenAPI document."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class CallerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call] # the base registers by subclassing
    """A bearer key."""

    target_class = "accounts.authentication.CallerAuthentication"
    name = "ApiKey"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        """Describe the header."""
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key: ob_live_… or ob_test_….",
        }
