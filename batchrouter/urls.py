"""Every public path prefix in one list."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularJSONAPIView

from batchrouter.mail import webhooks as mail_webhooks
from batchrouter.web import health
from billing.api import signing_keys

handler400 = "batchrouter.web.views.bad_request"
handler403 = "batchrouter.web.views.forbidden"
handler404 = "batchrouter.web.views.not_found"
handler500 = "batchrouter.web.views.server_error"

urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics),
    path("v1/runtime/capabilities", health.runtime_capabilities),
    path(
        "v1/openapi.json",
        SpectacularJSONAPIView.as_view(
            authentication_classes=[], permission_classes=[]
        ),
        name="openapi",
    ),
    path(".well-known/batchrouter-keys.json", signing_keys),
    path("v1/", include("accounts.urls")),
    path("v1/", include("catalog.urls")),
    path("v1/", include("billing.urls")),
    path("v1/", include("batches.urls")),
    path("webhooks/mail/resend", mail_webhooks.resend),
    path("admin/", include("console.operators.urls")),
    path("admin/", admin.site.urls),
    path("", include("console.urls")),
]
