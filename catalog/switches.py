"""The operators' switches of an offering and of a provider."""

from catalog.models import Offering, Provider


def switch_offering(offering_id: int, *, is_on: bool) -> bool:
    """Switch an offering on or off; tell whether it was not so before.

    New decisions leave it out at once. Work under way looks at it before each step.
    """
    rows = Offering.objects.filter(pk=offering_id, enabled=not is_on)
    return rows.update(enabled=is_on) == 1


def switch_provider(provider_id: int, *, is_on: bool) -> bool:
    """Switch a provider with all its offerings; tell whether it was not so before."""
    rows = Provider.objects.filter(pk=provider_id, enabled=not is_on)
    return rows.update(enabled=is_on) == 1


def sanction_provider(provider_id: int, *, is_sanctioned: bool) -> bool:
    """Mark a provider as sanctioned, or lift it; tell whether it was not so before."""
    rows = Provider.objects.filter(pk=provider_id, is_sanctioned=not is_sanctioned)
    return rows.update(is_sanctioned=is_sanctioned) == 1
