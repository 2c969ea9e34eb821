"""A request to run a batch: a quote, a manifest, or both."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.models import ApiKey, Org
from batches.models import Batch, Quote
from batches.selectors import batch_of, quote_of
from batches.services.drafting import is_quote_of
from batches.services.manifests import take_manifest
from batches.services.quoting import quote_manifest
from batches.services.retrying import Wanted, quote_retry
from batches.services.submission import (
    ManifestDiffers,
    QuoteModeDiffers,
    submit_quote,
)
from batchrouter.kit.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class Order:
    """Who orders."""

    org: Org
    key: ApiKey | None
    is_test: bool


def create_batch(order: Order, body: Mapping[str, Any], *, now: datetime) -> Batch:
    """Create a batch from ``{quote_id}``, a manifest, or a quote with its manifest.

    A point of a quote's curve is named as a quote is, by its own ``quote_id``.

    Raises:
        ManifestDiffers: the manifest is not the one that was quoted.
        NotFound, InvalidManifest, NoEligibleLane, QuoteExpired, InsufficientCredits.
    """
    rest = {name: value for name, value in body.items() if name != "quote_id"}
    if "quote_id" in body:
        quote_id = body["quote_id"]
        if not isinstance(quote_id, str):
            raise InvalidRequest("quote_id must be text.", param="quote_id")
        quote = quote_of(order.org, quote_id)
        if rest:
            spec, manifest = take_manifest(rest, org=order.org, now=now)
            if not is_quote_of(quote, manifest, spec):
                raise ManifestDiffers(
                    "The manifest is not the one that was quoted; send the quote_id "
                    "alone, or ask for a new quote.",
                    param="quote_id",
                )
    else:
        spec, manifest = take_manifest(rest, org=order.org, now=now)
        quote = quote_manifest(
            org=order.org,
            manifest=manifest,
            spec=spec,
            is_test=order.is_test,
            now=now,
            with_curve=False,
        )
    batch = submit_quote(org=order.org, quote=quote, api_key=order.key, now=now)
    return batch_of(order.org, batch.public_id)


def retry_quote(order: Order, batch: Batch, wanted: Wanted, *, now: datetime) -> Quote:
    """Quote unfinished items of a batch; see :func:`batches.services.retrying`.

    Raises:
        QuoteModeDiffers: a test key asks for a live batch, or the other way round.
    """
    if order.is_test != batch.quote.is_test:
        raise QuoteModeDiffers(
            "A test key retries its own batches, and a live key those of live lanes."
        )
    return quote_retry(batch, wanted, org=order.org, is_test=order.is_test, now=now)


def retry_batch(order: Order, batch: Batch, wanted: Wanted, *, now: datetime) -> Batch:
    """Quote unfinished items of a batch and submit them at once.

    Raises:
        What :func:`retry_quote` and ``submit_quote`` raise.
    """
    quote = retry_quote(order, batch, wanted, now=now)
    child = submit_quote(org=order.org, quote=quote, api_key=order.key, now=now)
    return batch_of(order.org, child.public_id)
