"""A binding price for a checked manifest."""

from typing import ClassVar

from django.db import models

from accounts.models import Org
from batches.models.manifest import Manifest
from batches.states import QUOTE_MOVES
from batchrouter.kit import clock, ids
from batchrouter.kit.states import Moves, Stateful


def new_quote_id() -> str:
    """Make a quote's public id."""
    return ids.new_id("qlock")


class Quote(Stateful):
    """What was offered, and every stored value that decided it.

    ``spec`` is the manifest's envelope; ``decisions`` holds, for each group of items,
    the judged lanes with their prices, the scores and the plan, so that the decision
    can be replayed and the price honoured; ``reply`` is what the customer was shown.
    ``curve_of`` is the quote whose price-deadline curve this one is a point of: of a
    quote and its points one can be accepted.
    """

    moves: ClassVar[Moves] = QUOTE_MOVES

    public_id = models.CharField(max_length=40, unique=True, default=new_quote_id)
    org = models.ForeignKey(Org, on_delete=models.PROTECT, related_name="quotes")
    curve_of = models.ForeignKey(
        "self", null=True, on_delete=models.CASCADE, related_name="points"
    )
    manifest = models.ForeignKey(Manifest, on_delete=models.PROTECT)
    # The batch whose unfinished items it is for.
    retry_of = models.ForeignKey(
        "batches.Batch", null=True, on_delete=models.PROTECT, related_name="+"
    )
    fingerprint = models.CharField(max_length=64)
    is_test = models.BooleanField(default=False)
    spec = models.JSONField()
    decisions = models.JSONField()
    reply = models.JSONField()
    route_version_id = models.CharField(max_length=40)
    fee_bps = models.PositiveIntegerField()
    item_count = models.PositiveIntegerField()
    provider_subtotal_nanousd = models.BigIntegerField()
    fee_nanousd = models.BigIntegerField()
    total_nanousd = models.BigIntegerField()
    expected_total_nanousd = models.BigIntegerField()
    deadline_at = models.DateTimeField()
    valid_until = models.DateTimeField()
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [
            # The sweep that expires quotes reads the active ones by age.
            models.Index(
                fields=["valid_until"],
                name="quote_active_by_age",
                condition=models.Q(state="active"),
            ),
        ]
