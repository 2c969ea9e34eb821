"""Addresses of money, relative to ``/v1/``."""

from django.urls import path

from billing import api, checkout_api, statements_api
from billing.webhooks.door import StripeWebhook

urlpatterns = [
    path(
        "billing/statements",
        statements_api.StatementList.as_view(),
        name="billing-statements",
    ),
    path(
        "billing/statements/<str:month>",
        statements_api.StatementDetail.as_view(),
        name="billing-statement",
    ),
    path("billing", api.BillingOverview.as_view(), name="billing"),
    path(
        "billing/profile",
        checkout_api.BillingProfileDetail.as_view(),
        name="billing-profile",
    ),
    path(
        "billing/checkout-sessions",
        checkout_api.CheckoutSessionList.as_view(),
        name="billing-checkout-sessions",
    ),
    path(
        "billing/checkout-sessions/<str:checkout_id>",
        checkout_api.CheckoutSessionDetail.as_view(),
        name="billing-checkout-session",
    ),
    path("billing/top-ups", checkout_api.TopUpList.as_view(), name="billing-top-ups"),
    path(
        "billing/stripe/webhook", StripeWebhook.as_view(), name="billing-stripe-webhook"
    ),
    path("billing/ledger", api.LedgerList.as_view(), name="billing-ledger"),
    path(
        "billing/reservations",
        api.ReservationList.as_view(),
        name="billing-reservations",
    ),
]
