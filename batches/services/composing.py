"""What a person puts together on a page: items from a form, and a quote for them."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

from accounts.models import Org
from batches.manifest.reader import Made
from batches.models import Quote
from batches.services.manifests import (
    take_made,
    take_manifest,
    upload_manifest,
)
from batches.services.quoting import quote_manifest
from batchrouter.kit.errors import InvalidRequest, NotFound
from catalog import selectors as catalog_selectors


def prompt_template(
    *, workflow: str, model: str, max_output_tokens: int | None
) -> dict[str, Any]:
    """Return the item that a line of text is put into.

    Args:
        workflow: a slug; the first item of its preset, or empty.
        model: a slug, where there is no workflow.
        max_output_tokens: the cap of each answer; None is the model's default.

    Raises:
        InvalidRequest: there is no such workflow.
        UnknownModel.
    """
    if workflow:
        return _first_of_preset(workflow)
    facts = catalog_selectors.model_profile(model)
    if "embeddings" in facts.operations:
        return {"operation": "embeddings", "model": facts.slug, "input": {}}
    cap = {} if max_output_tokens is None else {"max_output_tokens": max_output_tokens}
    return {"operation": "responses", "model": facts.slug, "input": cap}


def row_template(
    *, workflow: str, model: str, max_output_tokens: int | None
) -> Callable[[str], Mapping[str, Any]]:
    """Return what gives the item of a row by the model that the row names.

    Rows that name none get the chosen one. A model that the catalog lacks is left for
    the reader of the items to refuse, on its line.

    Args:
        workflow: as for :func:`prompt_template`.
        model: of rows that name none, or empty.
        max_output_tokens: the cap of each answer; None is the model's default.
    """

    def item_of(named: str) -> Mapping[str, Any]:
        if workflow:
            item = _first_of_preset(workflow)
            if named:
                item.pop("model_options", None)
                item["model"] = named
            return item
        slug = named or model
        try:
            return prompt_template(
                workflow="", model=slug, max_output_tokens=max_output_tokens
            )
        except NotFound:
            head = {"model": slug} if slug else {}
            return {"operation": "responses", **head, "input": {}}

    return item_of


def _first_of_preset(workflow: str) -> dict[str, Any]:
    try:
        preset = catalog_selectors.workflow_row(workflow).preset_manifest
    except NotFound as error:
        raise InvalidRequest(error.message, param="workflow") from error
    return dict(preset["items"][0])


def keep_items(
    chunks: Iterable[bytes],
    *,
    org: Org,
    filename: str,
    on_invalid: Literal["reject", "skip"],
    now: datetime,
) -> str:
    """Check lines while they arrive and keep them; return the file's public id.

    Raises:
        InvalidManifest: nothing was kept.
    """
    file = upload_manifest(
        chunks,
        org=org,
        filename=filename,
        on_invalid=on_invalid,
        now=now,
    )
    return file.public_id


def keep_made(
    made: Iterable[Made],
    *,
    org: Org,
    filename: str,
    on_invalid: Literal["reject", "skip"],
    now: datetime,
) -> str:
    """Check items while they are made, and keep them; return the file's public id.

    Raises:
        InvalidManifest: nothing was kept.
    """
    file = take_made(made, org=org, filename=filename, on_invalid=on_invalid, now=now)
    return file.public_id


def quote_file(
    file_id: str, *, org: Org, wishes: Mapping[str, Any], now: datetime
) -> Quote:
    """Quote a kept file for live lanes; nothing is reserved.

    Args:
        file_id: public, of this organization.
        org: who asks.
        wishes: the envelope of a manifest, without its items.
        now: the instant of the decision.

    Raises:
        InvalidRequest: there is no such file.
        NoEligibleLane, MaxPriceExceeded.
    """
    spec, manifest = take_manifest(
        {**wishes, "input_file_id": file_id}, org=org, now=now
    )
    return quote_manifest(org=org, manifest=manifest, spec=spec, is_test=False, now=now)
