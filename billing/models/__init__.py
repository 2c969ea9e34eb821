"""The money tables. Only ``billing/ledger.py`` writes postings."""

from billing.models.checkout import CheckoutSession, CheckoutState, PaymentStatus
from billing.models.control import MoneyFreeze, ReconcileRun
from billing.models.grant import Grant
from billing.models.ledger import LedgerAccount, LedgerTransaction, Posting
from billing.models.operation import (
    CardRefund,
    CardRefundState,
    OperationKind,
    OperationState,
    OperatorRequest,
)
from billing.models.pack import CreditPack
from billing.models.profile import BillingProfile
from billing.models.receipt import Receipt, ReceiptChain, ReceiptKind
from billing.models.reservation import Reservation, ReservationLeg, ReservationState
from billing.models.stripe_event import (
    PulledSession,
    StripeEvent,
    StripeEventState,
    StripePull,
)
from billing.models.suspense import Suspense, SuspenseReason, SuspenseState
from billing.models.top_up import (
    DisputeState,
    RefundState,
    StripeDispute,
    StripeRefund,
    TopUp,
)
from billing.models.watch import BalanceNotice, BalanceWatch, NoticeKind

__all__ = [
    "BalanceNotice",
    "BalanceWatch",
    "BillingProfile",
    "CardRefund",
    "CardRefundState",
    "CheckoutSession",
    "CheckoutState",
    "CreditPack",
    "DisputeState",
    "Grant",
    "LedgerAccount",
    "LedgerTransaction",
    "MoneyFreeze",
    "NoticeKind",
    "OperationKind",
    "OperationState",
    "OperatorRequest",
    "PaymentStatus",
    "Posting",
    "PulledSession",
    "Receipt",
    "ReceiptChain",
    "ReceiptKind",
    "ReconcileRun",
    "RefundState",
    "Reservation",
    "ReservationLeg",
    "ReservationState",
    "StripeDispute",
    "StripeEvent",
    "StripeEventState",
    "StripePull",
    "StripeRefund",
    "Suspense",
    "SuspenseReason",
    "SuspenseState",
    "TopUp",
]
