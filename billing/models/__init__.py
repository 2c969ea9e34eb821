"""The money tables. Only ``billing/ledger.py`` writes postings."""

from billing.models.control import MoneyFreeze, ReconcileRun
from billing.models.grant import Grant
from billing.models.ledger import LedgerAccount, LedgerTransaction, Posting
from billing.models.receipt import Receipt, ReceiptChain, ReceiptKind
from billing.models.reservation import Reservation, ReservationLeg, ReservationState

__all__ = [
    "Grant",
    "LedgerAccount",
    "LedgerTransaction",
    "MoneyFreeze",
    "Posting",
    "Receipt",
    "ReceiptChain",
    "ReceiptKind",
    "ReconcileRun",
    "Reservation",
    "ReservationLeg",
    "ReservationState",
]
