"""What is on sale, to everybody alike."""

from django.db.models import QuerySet

from billing.models import CreditPack


def packs_on_sale() -> QuerySet[CreditPack]:
    """Return the packs that customers can buy, in the order they are shown."""
    return CreditPack.objects.filter(is_active=True)
