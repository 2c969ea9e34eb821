"""Only the admin and the operators' pages that it leads to, for tests of it."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", include("console.operators.urls")),
    path("admin/", admin.site.urls),
]
