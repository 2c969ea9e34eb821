"""The example quote of the first page."""

from collections.abc import Sequence
from dataclasses import dataclass

from catalog.models import WorkflowProduct
from catalog.values import CatalogOffering
from console.estimates import Job, LanePrice, cheapest_of, lane_prices, saved_percent
from console.presenters.workflows import example_job

_LANES_SHOWN = 4


@dataclass(frozen=True, slots=True)
class ExampleQuote:
    """What a packaged job would cost now, by the cheapest lane and by direct calls.

    Attributes:
        total_nanousd: of the cheapest lane, the fee included.
        direct_nanousd: of the cheapest direct lane; None where there is none.
    """

    slug: str
    name: str
    model: str
    job: Job
    lanes: tuple[LanePrice, ...]
    total_nanousd: int
    direct_nanousd: int | None
    saving_percent: int


def example_quote(
    product: WorkflowProduct, offerings: Sequence[CatalogOffering], *, items: int
) -> ExampleQuote | None:
    """Price a packaged job; None while no lane is open for it."""
    job = example_job(product, items=items)
    lanes = lane_prices(offerings, job)
    if not lanes:
        return None
    best, direct = lanes[0], cheapest_of(lanes, "direct")
    return ExampleQuote(
        slug=product.slug,
        name=product.name,
        model=product.preset_manifest["items"][0]["model"],
        job=job,
        lanes=tuple(lanes[:_LANES_SHOWN]),
        total_nanousd=best.total_nanousd,
        direct_nanousd=None if direct is None else direct.total_nanousd,
        saving_percent=0
        if direct is None
        else saved_percent(best.total_nanousd, direct.total_nanousd),
    )
