"""A checked manifest into the database: one short transaction."""

from datetime import datetime

from django.db import connection, transaction

from accounts.models import Org
from batches.blobs import name_blob
from batches.manifest.groups import GroupSums
from batches.manifest.reader import ReadManifest
from batches.manifest.spool import COLUMNS, Spool
from batches.models import Item, ItemGroup, Manifest
from batches.models.file import FilePurpose

_FILENAME_LENGTH_MAX = 255
_FILENAME = "manifest.ndjson"


@transaction.atomic
def store_manifest(
    read: ReadManifest,
    *,
    org: Org,
    filename: str,
    now: datetime,
    is_inline: bool = False,
) -> Manifest:
    """Store a manifest's file, groups and items while its reader is still open."""
    file = name_blob(
        read.blob,
        org_id=org.pk,
        purpose=FilePurpose.MANIFEST,
        filename=plain_filename(filename),
        line_count=read.item_count,
        now=now,
    )
    manifest = Manifest.objects.create(
        file=file,
        is_inline=is_inline,
        item_count=read.item_count,
        duplicates=read.duplicates,
        golden_count=read.golden_count,
        skipped_count=read.skipped_count,
        skipped=read.skipped,
        created_at=now,
    )
    ItemGroup.objects.bulk_create(_group(manifest, sums) for sums in read.groups)
    _copy(read.spool, manifest.pk)
    return manifest


def plain_filename(filename: str) -> str:
    """Return a file's name as it may be stored and shown."""
    shown = "".join(letter for letter in filename if letter.isprintable())
    return shown[:_FILENAME_LENGTH_MAX] or _FILENAME


def _group(manifest: Manifest, sums: GroupSums) -> ItemGroup:
    return ItemGroup(
        manifest=manifest,
        no=sums.no,
        operation=sums.operation,
        model_slugs=list(sums.models),
        needs_vision=sums.needs_vision,
        needs_schema=sums.needs_schema,
        needs_tools=sums.needs_tools,
        item_count=sums.item_count,
        input_tokens=sums.input_tokens,
        input_tokens_max=sums.input_tokens_max,
        output_tokens=sums.output_tokens,
        output_tokens_max=sums.output_tokens_max,
        uncapped_count=sums.uncapped_count,
        payload_bytes=sums.payload_bytes,
        payload_bytes_max=sums.payload_bytes_max,
        golden_count=sums.golden_count,
        golden_input_tokens=sums.golden_input_tokens,
        golden_output_tokens=sums.golden_output_tokens,
        golden_uncapped_count=sums.golden_uncapped_count,
        ranges=sums.ranges,
        copies=sums.copies.item_count,
        copies_input_tokens=sums.copies.input_tokens,
        copies_output_tokens=sums.copies.output_tokens,
        copies_uncapped_count=sums.copies.uncapped_count,
        copies_payload_bytes=sums.copies.payload_bytes,
        task_key=str(sums.task),
    )


def _copy(spool: Spool, manifest_id: int) -> None:
    quote = connection.ops.quote_name
    columns = ", ".join(quote(name) for name in COLUMNS)
    statement = f"COPY {quote(Item._meta.db_table)} ({columns}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for chunk in spool.chunks(manifest_id):
            copy.write(chunk)
