"""Money: the ledger, reservations, settlement and signed receipts."""
