"""Addresses of money, relative to ``/v1/``."""

from django.urls import path

from billing import api

urlpatterns = [
    path("billing", api.BillingOverview.as_view(), name="billing"),
    path("billing/ledger", api.LedgerList.as_view(), name="billing-ledger"),
    path(
        "billing/reservations",
        api.ReservationList.as_view(),
        name="billing-reservations",
    ),
]
