"""The operators' switch of an offering."""

from catalog.models import Offering


def switch_offering(offering_id: int, *, is_on: bool) -> bool:
    """Switch an offering on or off; tell whether it was not so before.

    New decisions leave it out at once. Work under way looks at it before each step.
    """
    rows = Offering.objects.filter(pk=offering_id, enabled=not is_on)
    return rows.update(enabled=is_on) == 1
