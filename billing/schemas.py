"""The shapes of billing's replies, for the OpenAPI document only."""

from typing import Any

from drf_spectacular.utils import inline_serializer
from rest_framework import serializers


class MoneySchema(serializers.Serializer[None]):
    """An amount of dollars."""

    amount = serializers.RegexField(r"^-?[0-9]+\.[0-9]{2,9}$")
    currency = serializers.ChoiceField(choices=["usd"])


class BalanceSchema(serializers.Serializer[None]):
    """What may be spent, what is held, and both together."""

    available = MoneySchema()
    reserved = MoneySchema()
    total = MoneySchema()


class PromotionalSchema(serializers.Serializer[None]):
    """What is left of a promotional grant, and until when."""

    amount = MoneySchema()
    expires_at = serializers.DateTimeField(allow_null=True)


class OverviewBalanceSchema(BalanceSchema):
    """The balance, with the promotional part in the order it is spent."""

    promotional = PromotionalSchema(many=True)


class SpendingSchema(serializers.Serializer[None]):
    """Whether credits can be reserved and charged now."""

    enabled = serializers.BooleanField()
    reason = serializers.CharField(allow_null=True)


class LowBalanceSchema(serializers.Serializer[None]):
    """The line below which the organization is warned, and where it stands."""

    threshold = MoneySchema()
    is_below = serializers.BooleanField()


class LedgerEntrySchema(serializers.Serializer[None]):
    """One ledger transaction, by what it did to the organization's credits."""

    id = serializers.CharField(help_text="ltx_…")
    object = serializers.CharField(help_text="always ledger_transaction")
    kind = serializers.CharField(help_text="such as top_up, grant, reserve, settle")
    purpose = serializers.CharField(allow_null=True, help_text="such as batch:batch_…")
    reason = serializers.CharField(allow_null=True)
    available_change = MoneySchema()
    reserved_change = MoneySchema()
    usage_charged = MoneySchema()
    service_fee_charged = MoneySchema()
    created_at = serializers.DateTimeField()


class ReservationSchema(serializers.Serializer[None]):
    """Credits held for a purpose, and how the hold ended."""

    id = serializers.CharField(help_text="cres_…")
    object = serializers.CharField(help_text="always credit_reservation")
    state = serializers.ChoiceField(choices=["open", "closed"])
    purpose = serializers.CharField(help_text="such as batch:batch_…")
    reason = serializers.CharField()
    amount = MoneySchema()
    settled = MoneySchema()
    released = MoneySchema()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)


def _page_of(name: str, row: serializers.Serializer[None]) -> Any:
    # By a table of fields: as an attribute, "data" would hide the serializer's own.
    return inline_serializer(
        name,
        fields={
            "object": serializers.CharField(help_text="always list"),
            "data": row,
            "has_more": serializers.BooleanField(),
            "next_cursor": serializers.CharField(allow_null=True),
        },
    )


LedgerPageSchema = _page_of("LedgerPage", LedgerEntrySchema(many=True))
ReservationPageSchema = _page_of("ReservationPage", ReservationSchema(many=True))


class BillingProfileSchema(serializers.Serializer[None]):
    """Who is billed."""

    org_id = serializers.CharField()
    name = serializers.CharField()
    currency = serializers.ChoiceField(choices=["usd"])
    billing_email = serializers.EmailField(allow_null=True)
    low_balance_threshold = MoneySchema(
        help_text="a mail tells when credits fall below"
    )


class PackSchema(serializers.Serializer[None]):
    """Credits on sale."""

    code = serializers.CharField(help_text="such as credit_25")
    credits = MoneySchema()
    price = MoneySchema()


class TopUpSchema(serializers.Serializer[None]):
    """Bought credits, and what went back of them."""

    id = serializers.CharField(help_text="topup_…")
    object = serializers.CharField(help_text="always top_up")
    pack_code = serializers.CharField()
    amount = MoneySchema()
    refunded = MoneySchema()
    disputed = MoneySchema()
    checkout_session_id = serializers.CharField(help_text="cks_…")
    created_at = serializers.DateTimeField()


TopUpPageSchema = _page_of("TopUpPage", TopUpSchema(many=True))


class CheckoutBody(serializers.Serializer[None]):
    """What to buy."""

    pack_code = serializers.CharField(help_text="one of the overview's credit_packs")


class BillingProfileBody(serializers.Serializer[None]):
    """What may be changed of who is billed."""

    billing_email = serializers.EmailField(allow_null=True, max_length=254)


class CheckoutSchema(serializers.Serializer[None]):
    """An opened checkout session: send the customer to its url."""

    id = serializers.CharField(help_text="cks_…")
    object = serializers.CharField(help_text="always checkout_session")
    url = serializers.URLField()
    pack = PackSchema()
    expires_at = serializers.DateTimeField(allow_null=True)


class CheckoutStatusSchema(serializers.Serializer[None]):
    """How far a checkout session is."""

    id = serializers.CharField(help_text="cks_…")
    object = serializers.CharField(help_text="always checkout_session")
    status = serializers.ChoiceField(choices=["open", "complete", "expired"])
    payment_status = serializers.ChoiceField(
        choices=["unpaid", "processing", "failed", "paid"]
    )
    credits_posted = serializers.BooleanField()
    top_up = TopUpSchema(allow_null=True)
    pack = PackSchema()
    expires_at = serializers.DateTimeField(allow_null=True)


class BillingOverviewSchema(serializers.Serializer[None]):
    """The overview of an organization's money."""

    billing_profile = BillingProfileSchema()
    credit_packs = PackSchema(many=True)
    balance = OverviewBalanceSchema()
    low_balance = LowBalanceSchema()
    spending = SpendingSchema()
    recent_ledger = LedgerEntrySchema(many=True)
    reservations = ReservationSchema(many=True)
    top_ups = TopUpSchema(many=True)
