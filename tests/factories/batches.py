"""Manifests, quotes and batches by the product's own services, and running one."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson

from accounts.models import ApiKey, Org
from batches.engine.copying import copy_rows
from batches.engine.direct import DirectEngine
from batches.engine.native import serve_native_lanes
from batches.manifest.envelope import Spec, read_envelope
from batches.models import Batch, Manifest, Quote, WorkUnit
from batches.selectors import batch_of
from batches.services.dispatch import dispatch_batch
from batches.services.finalizing import finalize_batch
from batches.services.manifests import upload_manifest
from batches.services.quoting import quote_manifest
from batches.services.submission import submit_quote
from batches.states import UNIT_OPEN
from batches.store import store
from batchrouter.kit import clock
from billing.reconcile import run_checks

Json = dict[str, Any]

RUN_SECONDS = 120.0


def make_item(number: int = 0, **fields: Any) -> Json:
    """Return an item of ten counted tokens and a cap of a hundred."""
    return {
        "customer_item_id": f"item-{number}",
        "operation": "responses",
        "model": "gpt-5.4-mini",
        "input": {"input": "Say hello.", "max_output_tokens": 100},
        **fields,
    }


def make_items(count: int, **fields: Any) -> list[Json]:
    """Return that many alike items, numbered from 0."""
    return [make_item(number, **fields) for number in range(count)]


def lines_of(items: Iterable[Json]) -> bytes:
    """Write items as a file of lines."""
    return b"".join(orjson.dumps(item) + b"\n" for item in items)


def make_manifest(org: Org, items: Iterable[Json]) -> Manifest:
    """Upload items through the real reader into the store of the settings."""
    file = upload_manifest(
        [lines_of(items)],
        org=org,
        filename="items.ndjson",
        on_invalid="reject",
        now=clock.now(),
    )
    return Manifest.objects.select_related("file").get(file=file)


def make_spec(manifest: Manifest, **wishes: Any) -> Spec:
    """Return the envelope of a request that names the manifest's file."""
    body = {"input_file_id": manifest.file.public_id, **wishes}
    return read_envelope(body, now=clock.now(), allow_http=True)


def make_quote(
    org: Org,
    items: Iterable[Json] | None = None,
    *,
    is_test: bool = False,
    **wishes: Any,
) -> Quote:
    """Quote items, one of :func:`make_item` where none are given."""
    manifest = make_manifest(org, make_items(1) if items is None else items)
    return quote_manifest(
        org=org,
        manifest=manifest,
        spec=make_spec(manifest, **wishes),
        is_test=is_test,
        now=clock.now(),
    )


def make_batch(
    org: Org,
    items: Iterable[Json] | None = None,
    *,
    api_key: ApiKey | None = None,
    is_test: bool = False,
    **wishes: Any,
) -> Batch:
    """Quote and submit items; the org pays."""
    quote = make_quote(org, items, is_test=is_test, **wishes)
    made = submit_quote(org=org, quote=quote, api_key=api_key, now=clock.now())
    return batch_of(org, made.public_id)


def run_units(batch: Batch) -> None:
    """Cut a batch and answer every item, as the workers would."""
    dispatch_batch(batch.pk, now=clock.now())
    give_up = time.monotonic() + RUN_SECONDS
    while WorkUnit.objects.filter(batch=batch, state__in=UNIT_OPEN).exists():
        assert time.monotonic() < give_up, f"{batch.public_id} did not end"
        DirectEngine().run(budget_seconds=1)
        serve_native_lanes()
        copy_rows(batch.pk)
        time.sleep(0.02)


def run_batch(batch: Batch) -> Batch:
    """Take a batch to its end in this process and return it as it is then."""
    run_units(batch)
    finalize_batch(batch.pk, now=clock.now())
    return batch_of(batch.org, batch.public_id)


def book_problems() -> list[str]:
    """Return what every check of the reconciliation finds wrong, with its code."""
    return [
        f"{result.code}: {problem}"
        for result in run_checks(now=clock.now())
        for problem in result.problems
    ]


@contextmanager
def clean_store() -> Iterator[None]:
    """Forget the store of other settings, before and after."""
    store.cache_clear()
    try:
        yield
    finally:
        store.cache_clear()
