"""Only the admin and the pages that it leads to, for tests of it."""

from django.contrib import admin
from django.urls import include, path

from console.views import theme

urlpatterns = [
    path("theme", theme.choose, name="theme"),
    path("admin/", include("console.operators.urls")),
    path("admin/", admin.site.urls),
]
