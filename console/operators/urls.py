"""The addresses of the operators' own pages, before those of Django's admin."""

from django.urls import path

from console.operators import views

urlpatterns = [
    path("dashboard/", views.dashboard, name="operators"),
    path("stuck/", views.stuck, name="operators-stuck"),
    path("lanes/", views.lane_list, name="operators-lanes"),
    path("lanes/<int:pk>/", views.lane_detail, name="operators-lane"),
    path("lanes/<int:pk>/switch/", views.lane_switch, name="operators-lane-switch"),
    path("providers/<int:pk>/", views.provider_detail, name="operators-provider"),
    path(
        "providers/<int:pk>/switch/",
        views.provider_switch,
        name="operators-provider-switch",
    ),
]
