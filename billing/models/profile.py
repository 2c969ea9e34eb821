"""Who is billed, and under which name Stripe knows them."""

from django.db import models
from django.db.models import Q

from accounts.models import Org


class BillingProfile(models.Model):
    """The billing address of an organization. Stripe's ids are plain text here."""

    org = models.OneToOneField(
        Org, on_delete=models.PROTECT, primary_key=True, related_name="billing_profile"
    )
    # Empty: the customer types one on the checkout page.
    billing_email = models.EmailField(max_length=254, blank=True)
    stripe_customer_id = models.CharField(max_length=255, blank=True)
    # What Stripe was told last; another address is sent along with the next checkout.
    stripe_customer_email = models.EmailField(max_length=254, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["stripe_customer_id"],
                condition=~Q(stripe_customer_id=""),
                name="billing_profile_customer_once",
            ),
        ]

    def __str__(self) -> str:
        return f"billing profile of {self.org_id}"
