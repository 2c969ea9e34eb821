"""What other apps may want to know of accounts."""

from django.dispatch import Signal

# Sent with ``org`` in the transaction that made it.
org_opened = Signal()
