"""A few rows on the house, once, for an organization that has no credits yet.

The first rows of a quote run as a small batch of their own on the cheapest lane. We
give the credits for it, so that the ledger shows what it cost; what is left of them
expires when the batch is settled. Its rows are previews.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import connection, transaction

from accounts.models import Membership, Org, Role
from batches.manifest.envelope import Spec
from batches.manifest.lines import item_line
from batches.models import Batch, Item, Manifest, Quote, SampleRun
from batches.services.inputs import hold_input
from batches.services.manifests import store_items
from batches.services.quoting import quote_manifest
from batches.services.submission import check_acceptable, submit_quote
from batches.states import QuoteState
from batches.store import store
from batchrouter.kit.errors import BatchRouterError, Conflict
from batchrouter.kit.money import NANO_PER_USD, format_usd
from batchrouter.web.capabilities import Capability, register
from billing.grants import grant_credits
from billing.ledger import SYSTEM
from billing.selectors import ledger_of

ITEMS_MAX: Final = 5
OUTPUT_TOKENS_MAX: Final = 256
# A sample shows what comes back; large inputs are for paid work.
TOTAL_MAX_NANOUSD: Final = NANO_PER_USD // 20
_WITHIN = timedelta(hours=24)
# The reservation takes the grant at once, so it may end right after.
_GRANT_LASTS = timedelta(milliseconds=1)
# Modes that also say where work may go; others only say which lane is best.
_BINDING_MODES = ("public_only", "privacy_constrained", "edge_only", "hybrid")


class SampleNotEligible(Conflict):
    """The organization has had its sample, has or had credits, or samples are off."""

    code = "sample_not_eligible"


class SampleTooExpensive(BatchRouterError):
    """The rows would cost more than a sample may."""

    code = "sample_too_expensive"
    status = 422
    error_type = "invalid_request_error"


def register_capability() -> None:
    """Say at ``/v1/runtime/capabilities`` whether samples are given."""
    register("sample_run", _capability)


def _capability() -> Capability:
    if settings.SAMPLE_RUNS_PER_DAY:
        return {"enabled": True, "reason": None}
    return {"enabled": False, "reason": "SAMPLE_RUNS_PER_DAY is 0."}


def sample_run_json(quote: Quote, *, now: datetime) -> dict[str, Any]:
    """Return what a quote says of a sample: whether, of how many rows, or why not."""
    reason = _obstacle(quote.org, now=now)
    if reason is None and (
        quote.state != QuoteState.ACTIVE or now >= quote.valid_until
    ):
        reason = "The quote is no longer active."
    return {"eligible": reason is None, "limit_items": ITEMS_MAX, "reason": reason}


def _obstacle(org: Org, *, now: datetime) -> str | None:
    """Say why an organization gets no sample; None where it does."""
    if not settings.SAMPLE_RUNS_PER_DAY:
        return "This server gives no sample runs."
    if ledger_of(org).exists():
        return "A sample is for organizations that never had credits, and for once."
    owners = Membership.objects.filter(
        org=org, role=Role.OWNER, user__is_active=True
    ).values("user")
    if not owners.exists():
        return "A sample is for organizations with an owner whose address is confirmed."
    theirs = Membership.objects.filter(user__in=owners, role=Role.OWNER).values("org")
    if SampleRun.objects.filter(org__in=theirs).exists():
        return "An organization of the same owner had its sample."
    lately = SampleRun.objects.filter(created_at__gt=now - _WITHIN).count()
    if lately >= settings.SAMPLE_RUNS_PER_DAY:
        return "Today's sample runs are used up; try again tomorrow."
    return None


@transaction.atomic
def run_sample(quote: Quote, *, item_count: int, now: datetime) -> Batch:
    """Run the first rows of an active quote on the house.

    The quote stays as it is and can be submitted once there are credits.

    Args:
        quote: of the organization that asks.
        item_count: of the first rows, 1 to 5; fewer where the manifest has fewer.
        now: the present instant.

    Raises:
        SampleNotEligible: with the reason.
        SampleTooExpensive: try fewer rows.
        QuoteExpired, QuoteAccepted, NoEligibleLane, ContentDeleted.
    """
    _take_turns()
    org = quote.org
    check_acceptable(quote, now=now)
    reason = _obstacle(org, now=now)
    if reason is not None:
        raise SampleNotEligible(reason)
    hold_input(quote.manifest)
    manifest = store_items(_first_items(quote.manifest, item_count), org=org, now=now)
    sample = quote_manifest(
        org=org,
        manifest=manifest,
        spec=_sample_spec(quote, manifest),
        is_test=quote.is_test,
        now=now,
        with_curve=False,
    )
    if sample.total_nanousd > TOTAL_MAX_NANOUSD:
        raise SampleTooExpensive(
            f"These rows cost up to {format_usd(sample.total_nanousd)} USD; a sample "
            f"may cost {format_usd(TOTAL_MAX_NANOUSD)} USD. Ask for fewer items.",
            param="items",
        )
    return _submit(org, quote, sample, now=now)


def _take_turns() -> None:
    """Make every other sample wait until the commit, so that it hears of this one.

    Not only those of the same organization: an owner may have several, and all of them
    share the day's number, which is small.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('run_sample'))")


def _submit(org: Org, asked: Quote, sample: Quote, *, now: datetime) -> Batch:
    grant_credits(
        org=org,
        amount_nanousd=sample.total_nanousd,
        reason="Sample run on the house",
        actor=SYSTEM,
        key="sample_run",
        is_promo=True,
        expires_at=now + _GRANT_LASTS,
    )
    # Without a key, so that no key's spend limit pays for it.
    batch = submit_quote(org=org, quote=sample, api_key=None, now=now)
    Batch.objects.filter(pk=batch.pk).update(is_sample=True)
    SampleRun.objects.create(org=org, quote=asked, batch=batch, created_at=now)
    return batch


def _sample_spec(quote: Quote, manifest: Manifest) -> Spec:
    """Keep what binds the work, such as privacy and regions; leave out the rest."""
    asked = Spec.from_json(quote.spec)
    is_binding = asked.routing_mode in _BINDING_MODES
    return replace(
        asked,
        sla_tier="standard",
        deadline_at=None,
        routing_mode=asked.routing_mode if is_binding else "cheapest",
        max_price_nanousd=None,
        webhook_url=None,
        webhook_secret=None,
        metadata={},
        on_invalid="reject",
        dedupe=False,
        exclude_golden=False,
        input_file_id=manifest.file.public_id,
    )


def _first_items(manifest: Manifest, count: int) -> list[dict[str, Any]]:
    places = Item.objects.filter(manifest_id=manifest.pk).order_by("seq")
    wanted = list(places.values_list("offset", "length")[:count])
    return list(_capped(manifest, wanted))


def _capped(
    manifest: Manifest, places: list[tuple[int, int]]
) -> Iterator[dict[str, Any]]:
    """Yield items with a small output cap, and without the answers they are known by.

    Of five rows none may be golden, and nothing here is charged anyway.
    """
    with store().path(manifest.file.storage_key).open("rb") as source:
        for offset, length in places:
            item = item_line(source.fileno(), offset, length)
            item.pop("golden", None)
            if item.get("operation") != "embeddings":
                item["input"] = _with_cap(item["input"])
            yield item


def _with_cap(asked: Any) -> dict[str, Any]:
    whole = {"input": asked} if isinstance(asked, str) else asked
    cap = min(whole.get("max_output_tokens", OUTPUT_TOKENS_MAX), OUTPUT_TOKENS_MAX)
    return {**whole, "max_output_tokens": cap}
