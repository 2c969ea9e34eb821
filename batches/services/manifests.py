"""From a request's body to a checked manifest: inline items, or an uploaded file."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from django.conf import settings
from django.db import transaction

from accounts.models import Org
from batches.blobs import remove_unnamed
from batches.manifest.envelope import Spec, read_envelope
from batches.manifest.reader import Made, ManifestReader
from batches.manifest.storing import store_manifest
from batches.models import Batch, Manifest, StoredFile
from batches.models.file import FilePurpose
from batches.selectors import file_of
from batches.states import BATCH_TERMINAL
from batches.store import store
from batchrouter.kit.errors import Conflict, InvalidRequest, NotFound
from catalog import selectors as catalog_selectors
from catalog.policies import policy


class FileInUse(Conflict):
    """A batch still needs the file."""

    code = "file_in_use"


def take_manifest(
    body: Mapping[str, Any], *, org: Org, now: datetime
) -> tuple[Spec, Manifest]:
    """Read and check a manifest.

    Raises:
        InvalidManifest: with every problem that was found.
        InvalidRequest: the named file is not a manifest of this organization, or the
            named policy or workflow does not exist.
    """
    spec = _with_workflow(_read_spec(body, now=now))
    if spec.input_file_id is not None:
        return spec, _uploaded(org, spec.input_file_id)
    items = body["items"]
    return spec, store_items(items, org=org, now=now, on_invalid=spec.on_invalid)


def store_items(
    items: Any,
    *,
    org: Org,
    now: datetime,
    on_invalid: Literal["reject", "skip"] = "reject",
) -> Manifest:
    """Check items from a request's body and keep them as a file of lines.

    Raises:
        InvalidManifest: nothing was kept.
    """
    with _reader(on_invalid) as reader:
        read = reader.read_inline(items)
        return store_manifest(
            read, org=org, filename="inline.ndjson", is_inline=True, now=now
        )


def _read_spec(body: Mapping[str, Any], *, now: datetime) -> Spec:
    """Read the envelope; what it leaves open is as its named policy says."""
    allow_http = settings.APP_ENV != "production"
    spec = read_envelope(body, now=now, allow_http=allow_http)
    if spec.route_policy is None:
        return spec
    defaults = dict(policy(spec.route_policy).manifest_defaults)
    if spec.deadline_at is not None:
        # The tier is another way to name a deadline, and only one may stand.
        defaults.pop("sla_tier", None)
    return read_envelope({**defaults, **body}, now=now, allow_http=allow_http)


def upload_manifest(
    chunks: Iterable[bytes],
    *,
    org: Org,
    filename: str,
    on_invalid: Literal["reject", "skip"],
    now: datetime,
) -> StoredFile:
    """Check a file of lines while it arrives, and keep it.

    Raises:
        InvalidManifest: nothing was kept.
    """
    with _reader(on_invalid) as reader:
        read = reader.read(chunks)
        return store_manifest(read, org=org, filename=filename, now=now).file


def take_made(
    made: Iterable[Made],
    *,
    org: Org,
    filename: str,
    on_invalid: Literal["reject", "skip"],
    now: datetime,
) -> StoredFile:
    """Check items while they are made of something else, and keep them as a file.

    Raises:
        InvalidManifest: nothing was kept.
    """
    with _reader(on_invalid) as reader:
        read = reader.read_made(made)
        return store_manifest(read, org=org, filename=filename, now=now).file


def delete_file(file: StoredFile, *, now: datetime) -> None:
    """Delete a file and its bytes; a finished or unused one only.

    Raises:
        FileInUse: an open batch reads it.
    """
    with transaction.atomic():
        StoredFile.objects.select_for_update().get(pk=file.pk)
        reading = Batch.objects.filter(manifest__file=file)
        if reading.exclude(state__in=BATCH_TERMINAL).exists():
            raise FileInUse("A batch that has not ended reads this file.")
        StoredFile.objects.filter(pk=file.pk, deleted_at=None).update(deleted_at=now)
    remove_unnamed(file.storage_key, store())


def _reader(on_invalid: Literal["reject", "skip"]) -> ManifestReader:
    return ManifestReader(
        store(),
        known_models=catalog_selectors.known_model_slugs(),
        on_invalid=on_invalid,
    )


def _uploaded(org: Org, public_id: str) -> Manifest:
    try:
        file = file_of(org, public_id)
    except NotFound as error:
        raise InvalidRequest(
            "There is no such file; upload it to /v1/batches/input-manifests first.",
            param="input_file_id",
        ) from error
    manifest = (
        Manifest.objects.select_related("file").filter(file=file, part_of=None).first()
    )
    if file.purpose != FilePurpose.MANIFEST or manifest is None:
        raise InvalidRequest(
            f"{public_id} is a {file.purpose} file, not a manifest.",
            param="input_file_id",
        )
    return manifest


def _with_workflow(spec: Spec) -> Spec:
    """Note the version of the workflow product that is named, so that it holds."""
    if spec.workflow is None:
        return spec
    try:
        found = catalog_selectors.workflow(spec.workflow)
    except NotFound as error:
        raise InvalidRequest(
            f"There is no workflow product {spec.workflow[:80]!r}.",
            param="workflow",
        ) from error
    return replace(spec, workflow_version=found.version)
