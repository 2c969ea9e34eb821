"""The API reference: Swagger UI from our own static files."""

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.authentication import SessionAuthentication

# Swagger UI sets styles from script; only this page admits them.
api_reference = csp_update({"style-src": [SELF, UNSAFE_INLINE]})(
    SpectacularSwaggerSplitView.as_view(
        url_name="openapi",
        template_name="console/api_reference.html",
        title="API reference",
        # The page is everybody's; the session only tells the header who is logged in.
        authentication_classes=[SessionAuthentication],
        permission_classes=[],
    )
)
