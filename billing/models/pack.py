"""The fixed amounts of credit that customers can buy."""

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Cast

from batchrouter.kit.money import NANO_PER_CENT


class CreditPack(models.Model):
    """Credits at their price. A session keeps what it sold, so a pack may change."""

    code = models.CharField(
        max_length=40,
        unique=True,
        validators=[RegexValidator(r"\A[a-z0-9][a-z0-9_]{0,39}\Z")],
    )
    amount_nanousd = models.BigIntegerField()
    price_cents = models.PositiveIntegerField()
    is_active = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            # Credits are what was paid; a bonus would be a promotional grant.
            models.CheckConstraint(
                condition=Q(price_cents__gte=50)
                & Q(
                    amount_nanousd=Cast(F("price_cents"), models.BigIntegerField())
                    * NANO_PER_CENT
                ),
                name="credit_pack_at_par",
            ),
        ]

    def __str__(self) -> str:
        return self.code
