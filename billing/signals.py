"""What other parts may listen to. Sent inside the transaction that made it true."""

from django.dispatch import Signal

# An organization's available credits fell below its line. Sent once per crossing, with
# ``org``, ``available_nanousd``, ``threshold_nanousd`` and ``notice`` (the outbox row).
# A receiver writes rows only: the transaction may still be rolled back.
balance_crossed = Signal()

# Credits came in. Sent once per posting, with ``org``, ``amount_nanousd``, ``source``
# (``top_up`` or ``grant``) and ``transaction`` (the ledger's). As above: rows only.
credits_posted = Signal()
