"""Operators read money here; nobody writes it. Corrections are new transactions."""

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery, Sum, Value
from django.http import HttpRequest

from batchrouter.kit.money import format_usd
from billing import chart, operations_admin
from billing.models import (
    BalanceNotice,
    BalanceWatch,
    BillingProfile,
    CardRefund,
    CheckoutSession,
    CreditPack,
    Grant,
    LedgerAccount,
    LedgerTransaction,
    MoneyFreeze,
    Posting,
    Receipt,
    ReconcileRun,
    Reservation,
    ReservationLeg,
    StripeDispute,
    StripeEvent,
    StripePull,
    StripeRefund,
    Suspense,
    TopUp,
)


def usd(nanousd: int | None) -> str:
    """Write an amount for an operator, exactly."""
    return "-" if nanousd is None else format_usd(nanousd)


def _sum_of(postings: QuerySet[Posting]) -> Subquery:
    """Add up postings for the rows of one page, not for the whole table."""
    groups = postings.order_by().values(nothing=Value(1))
    return Subquery(groups.annotate(total=Sum("amount_nanousd")).values("total"))


class ReadOnly:
    """Refuse every change; viewing needs the usual permission."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse."""
        return False


class PostingInline(ReadOnly, admin.TabularInline[Posting, LedgerTransaction]):
    model = Posting
    fields = ("account", "amount", "account_version", "balance_after")
    readonly_fields = fields
    ordering = ("pk",)

    @admin.display(description="amount, debit above zero (USD)")
    def amount(self, posting: Posting) -> str:
        """Show the amount in dollars."""
        return usd(posting.amount_nanousd)

    @admin.display(description="balance after (USD)")
    def balance_after(self, posting: Posting) -> str:
        """Show the balance after in dollars."""
        return usd(posting.balance_after_nanousd)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Posting]:
        """Read the accounts along."""
        return super().get_queryset(request).select_related("account")


class LegInline(ReadOnly, admin.TabularInline[ReservationLeg, Reservation]):
    model = ReservationLeg
    fields = ("position", "account", "amount", "released")
    readonly_fields = fields

    @admin.display(description="amount (USD)")
    def amount(self, leg: ReservationLeg) -> str:
        """Show the amount in dollars."""
        return usd(leg.amount_nanousd)

    @admin.display(description="released (USD)")
    def released(self, leg: ReservationLeg) -> str:
        """Show what came back in dollars."""
        return usd(leg.released_nanousd)


@admin.register(LedgerAccount)
class LedgerAccountAdmin(ReadOnly, admin.ModelAdmin[LedgerAccount]):
    list_display = ("code", "org", "normal", "guarded", "sum_of_postings", "version")
    list_filter = ("guarded", "normal")
    search_fields = ("code", "org__public_id", "org__name")
    list_select_related = ("org",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[LedgerAccount]:
        """Add up each account's postings, so that unguarded ones show a sum too."""
        postings = Posting.objects.filter(account=OuterRef("pk"))
        return super().get_queryset(request).annotate(total=_sum_of(postings))

    @admin.display(description="balance, from its postings (USD)")
    def sum_of_postings(self, account: LedgerAccount) -> str:
        """Show the balance on the account's normal side."""
        total = int(getattr(account, "total", None) or 0)
        return usd(chart.balance_nanousd(account.normal, total))


@admin.register(LedgerTransaction)
class LedgerTransactionAdmin(ReadOnly, admin.ModelAdmin[LedgerTransaction]):
    list_display = (
        "public_id",
        "kind",
        "org",
        "turnover",
        "purpose",
        "actor",
        "created_at",
    )
    list_filter = ("kind", "created_at")
    search_fields = ("public_id", "key", "purpose", "org__public_id")
    list_select_related = ("org",)
    inlines = (PostingInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[LedgerTransaction]:
        """Add up each transaction's debits."""
        debits = Posting.objects.filter(
            transaction=OuterRef("pk"), amount_nanousd__gt=0
        )
        return super().get_queryset(request).annotate(debits=_sum_of(debits))

    @admin.display(description="moved (USD)")
    def turnover(self, entry: LedgerTransaction) -> str:
        """Show how much the transaction moved."""
        return usd(int(getattr(entry, "debits", None) or 0))


@admin.register(Reservation)
class ReservationAdmin(ReadOnly, admin.ModelAdmin[Reservation]):
    list_display = (
        "public_id",
        "org",
        "purpose",
        "state",
        "amount",
        "settled",
        "released",
        "expires_at",
    )
    list_filter = ("state", "created_at")
    search_fields = ("public_id", "purpose", "org__public_id")
    list_select_related = ("org",)
    inlines = (LegInline,)

    @admin.display(description="held (USD)")
    def amount(self, held: Reservation) -> str:
        """Show what was held in dollars."""
        return usd(held.amount_nanousd)

    @admin.display(description="charged (USD)")
    def settled(self, held: Reservation) -> str:
        """Show what was charged in dollars."""
        return usd(held.settled_nanousd)

    @admin.display(description="released (USD)")
    def released(self, held: Reservation) -> str:
        """Show what came back in dollars."""
        return usd(held.released_nanousd)


@admin.register(Grant)
class GrantAdmin(ReadOnly, admin.ModelAdmin[Grant]):
    list_display = (
        "public_id",
        "org",
        "amount",
        "is_promo",
        "expires_at",
        "reason",
        "actor",
        "created_at",
    )
    list_filter = ("is_promo", "created_at")
    search_fields = ("public_id", "key", "reason", "org__public_id")
    list_select_related = ("org",)

    @admin.display(description="amount (USD)")
    def amount(self, grant: Grant) -> str:
        """Show the amount in dollars."""
        return usd(grant.amount_nanousd)


@admin.register(Receipt)
class ReceiptAdmin(ReadOnly, admin.ModelAdmin[Receipt]):
    list_display = (
        "public_id",
        "org",
        "number",
        "kind",
        "purpose",
        "key_id",
        "created_at",
    )
    list_filter = ("kind", "created_at")
    search_fields = ("public_id", "purpose", "sha256", "org__public_id")
    list_select_related = ("org",)


@admin.register(MoneyFreeze)
class MoneyFreezeAdmin(ReadOnly, admin.ModelAdmin[MoneyFreeze]):
    list_display = ("since", "reason", "lifted_at", "lifted_by", "lift_reason")


@admin.register(ReconcileRun)
class ReconcileRunAdmin(ReadOnly, admin.ModelAdmin[ReconcileRun]):
    list_display = ("started_at", "is_ok", "since", "finished_at")
    list_filter = ("is_ok",)


@admin.register(BalanceWatch)
class BalanceWatchAdmin(ReadOnly, admin.ModelAdmin[BalanceWatch]):
    list_display = ("org", "threshold", "is_below", "notified_at")
    list_filter = ("is_below",)
    search_fields = ("org__public_id", "org__name")
    list_select_related = ("org",)

    @admin.display(description="warns below (USD)")
    def threshold(self, watch: BalanceWatch) -> str:
        """Show the line in dollars."""
        return usd(watch.threshold_nanousd)


@admin.register(BalanceNotice)
class BalanceNoticeAdmin(ReadOnly, admin.ModelAdmin[BalanceNotice]):
    list_display = (
        "public_id",
        "org",
        "kind",
        "available",
        "created_at",
        "handed_on_at",
    )
    list_filter = ("kind", "created_at")
    search_fields = ("public_id", "org__public_id")
    list_select_related = ("org",)

    @admin.display(description="available (USD)")
    def available(self, notice: BalanceNotice) -> str:
        """Show what was available in dollars."""
        return usd(notice.available_nanousd)


@admin.register(CreditPack)
class CreditPackAdmin(admin.ModelAdmin[CreditPack]):
    """What is on sale is no ledger row: operators add and retire packs."""

    list_display = ("code", "price_cents", "is_active", "position")

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse: a pack is retired by its flag."""
        return False


@admin.register(BillingProfile)
class BillingProfileAdmin(ReadOnly, admin.ModelAdmin[BillingProfile]):
    list_display = ("org", "billing_email", "stripe_customer_id")
    search_fields = ("org__public_id", "billing_email", "stripe_customer_id")
    list_select_related = ("org",)


@admin.register(CheckoutSession)
class CheckoutSessionAdmin(ReadOnly, admin.ModelAdmin[CheckoutSession]):
    list_display = (
        "public_id",
        "org",
        "pack_code",
        "state",
        "payment_status",
        "created_at",
    )
    list_filter = ("state", "payment_status", "created_at")
    search_fields = ("public_id", "stripe_session_id", "org__public_id")
    list_select_related = ("org",)


@admin.register(TopUp)
class TopUpAdmin(ReadOnly, admin.ModelAdmin[TopUp]):
    list_display = ("public_id", "org", "amount", "refunded", "disputed", "created_at")
    list_filter = ("created_at",)
    search_fields = ("public_id", "stripe_payment_intent_id", "org__public_id")
    list_select_related = ("org",)

    @admin.display(description="paid (USD)")
    def amount(self, top_up: TopUp) -> str:
        """Show what was paid in dollars."""
        return usd(top_up.amount_nanousd)

    @admin.display(description="refunded (USD)")
    def refunded(self, top_up: TopUp) -> str:
        """Show what went back in dollars."""
        return usd(top_up.refunded_nanousd)

    @admin.display(description="disputed (USD)")
    def disputed(self, top_up: TopUp) -> str:
        """Show what banks hold or keep in dollars."""
        return usd(top_up.disputed_nanousd)


@admin.register(StripeRefund)
class StripeRefundAdmin(ReadOnly, admin.ModelAdmin[StripeRefund]):
    list_display = ("stripe_refund_id", "top_up", "amount", "state", "state_at")
    list_filter = ("state",)
    search_fields = ("stripe_refund_id", "top_up__public_id")
    list_select_related = ("top_up",)

    @admin.display(description="amount (USD)")
    def amount(self, row: StripeRefund) -> str:
        """Show what went back in dollars."""
        return usd(row.amount_nanousd)


@admin.register(StripeDispute)
class StripeDisputeAdmin(ReadOnly, admin.ModelAdmin[StripeDispute]):
    list_display = ("stripe_dispute_id", "top_up", "amount", "state", "state_at")
    list_filter = ("state",)
    search_fields = ("stripe_dispute_id", "top_up__public_id")
    list_select_related = ("top_up",)

    @admin.display(description="amount (USD)")
    def amount(self, row: StripeDispute) -> str:
        """Show what a bank contests in dollars."""
        return usd(row.amount_nanousd)


@admin.register(CardRefund)
class CardRefundAdmin(ReadOnly, admin.ModelAdmin[CardRefund]):
    list_display = ("public_id", "org", "top_up_id", "amount", "state", "attempts")
    list_filter = ("state", "created_at")
    search_fields = ("public_id", "stripe_refund_id", "org__public_id")
    list_select_related = ("org",)

    @admin.display(description="amount (USD)")
    def amount(self, refund: CardRefund) -> str:
        """Show the amount in dollars."""
        return usd(refund.amount_nanousd)


@admin.register(Suspense)
class SuspenseAdmin(ReadOnly, admin.ModelAdmin[Suspense]):
    list_display = (
        "public_id",
        "reason",
        "amount_minor",
        "currency",
        "state",
        "created_at",
    )
    list_filter = ("state", "reason")
    search_fields = ("public_id", "stripe_session_id", "stripe_payment_intent_id")


@admin.register(StripeEvent)
class StripeEventAdmin(ReadOnly, admin.ModelAdmin[StripeEvent]):
    list_display = ("event_id", "event_type", "state", "reason", "received_at")
    list_filter = ("state", "event_type")
    search_fields = ("event_id", "waits_for")


@admin.register(StripePull)
class StripePullAdmin(ReadOnly, admin.ModelAdmin[StripePull]):
    list_display = ("started_at", "events_found", "sessions_credited", "finished_at")


# Registers itself; a page of actions is a topic of its own.
__all__ = ["operations_admin"]
