"""What the page of a new batch begins with: a workflow, a model, a quote or a batch."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from accounts.models import Org
from batches.models import Batch
from batches.selectors import batch_of, quote_of
from batchrouter.kit.errors import NotFound
from catalog.models import ModelProfile
from catalog.rendering import example_manifest
from catalog.selectors import workflow_row
from console.forms import ITEMS
from console.presenters.quotes import controls, lost_wishes

_HEAD = ("customer_item_id", "operation", "model", "model_options", "input")
_WISHES = ("sla_tier", "routing_mode", "privacy_tier", "allowed_regions", "dedupe")


@dataclass(frozen=True, slots=True)
class Start:
    """What the form begins with, and what is to be said of it.

    Attributes:
        batch_id: of the batch that is run again; empty without one.
        is_gone: the batch's content was deleted, so that only its wishes are here.
        part: how many of the file's items the batch had, where it had not all.
        lost: what was wished and has no control on the page.
    """

    initial: dict[str, Any]
    batch_id: str = ""
    is_gone: bool = False
    part: tuple[int, int] | None = None
    lost: tuple[str, ...] = ()


def start_of(asked: Mapping[str, str], org: Org) -> Start:
    """Return what an address's query names.

    Raises:
        NotFound: it is not there, or somebody else's.
    """
    if asked.get("batch"):
        return _of_batch(batch_of(org, asked["batch"]))
    if asked.get("quote"):
        return Start(controls(quote_of(org, asked["quote"])))
    if asked.get("workflow"):
        row = workflow_row(asked["workflow"])
        return Start(_of_manifest(row.preset_manifest) | {"workflow": row.slug})
    if asked.get("model"):
        model = ModelProfile.objects.filter(slug=asked["model"]).first()
        if model is None:
            raise NotFound("There is no such model.")
        return Start(_of_manifest(example_manifest(model)) | {"model": model.slug})
    return Start({})


def _of_batch(batch: Batch) -> Start:
    manifest, initial = batch.manifest, controls(batch.quote)
    is_gone = batch.content_deleted_at is not None or (
        manifest.purged_at is not None or manifest.file.deleted_at is not None
    )
    if is_gone:
        del initial["input_file_id"]
    has_all = is_gone or manifest.part_of_id is None
    return Start(
        initial,
        batch_id=batch.public_id,
        is_gone=is_gone,
        part=None if has_all else (manifest.item_count, manifest.file.line_count),
        lost=lost_wishes(batch.quote),
    )


def _of_manifest(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return a manifest's wishes, and its items one a line."""
    lines = (
        json.dumps({name: item[name] for name in _order(item)}, ensure_ascii=False)
        for item in manifest["items"]
    )
    wishes = {name: manifest[name] for name in _WISHES if name in manifest}
    return {**wishes, "kind": ITEMS, "text": "\n".join(lines)}


def _order(item: dict[str, Any]) -> list[str]:
    """Return an item's fields as a person reads them; stored JSON has no order."""
    return [*(name for name in _HEAD if name in item), *sorted(item.keys() - {*_HEAD})]
