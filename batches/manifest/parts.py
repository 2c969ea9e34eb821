"""A manifest of some of another's items: their index is copied, their bytes are not.

The items keep their numbers and their places in the file, so rows of both are told
together by number, and nothing is written twice to the store.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from batches.manifest.groups import RANGES_SHOWN
from batches.models import ItemGroup, Manifest

# Of identical items the first that is chosen is the first now.
_COPY = """
INSERT INTO batches_item (manifest_id, seq, group_no, customer_item_id, "offset",
       length, input_tokens, max_output_tokens, copy_of)
SELECT %(part)s, seq, group_no, customer_item_id, "offset", length, input_tokens,
       max_output_tokens, nullif(first_seq, seq)
  FROM (SELECT *, min(seq) OVER (PARTITION BY coalesce(copy_of, seq)) AS first_seq
          FROM batches_item WHERE manifest_id = %(whole)s AND seq = ANY(%(seqs)s)) i
"""
_SUMS = """
SELECT group_no, count(*), sum(input_tokens), max(input_tokens),
       coalesce(sum(max_output_tokens), 0), coalesce(max(max_output_tokens), 0),
       count(*) FILTER (WHERE max_output_tokens IS NULL), sum(length), max(length),
       count(copy_of),
       coalesce(sum(input_tokens) FILTER (WHERE copy_of IS NOT NULL), 0),
       coalesce(sum(max_output_tokens) FILTER (WHERE copy_of IS NOT NULL), 0),
       count(*) FILTER (WHERE copy_of IS NOT NULL AND max_output_tokens IS NULL),
       coalesce(sum(length) FILTER (WHERE copy_of IS NOT NULL), 0)
  FROM batches_item WHERE manifest_id = %s GROUP BY group_no ORDER BY group_no
"""
_RANGES = """
SELECT group_no, first, last FROM (
  SELECT group_no, min(seq) AS first, max(seq) AS last,
         row_number() OVER (PARTITION BY group_no ORDER BY min(seq)) AS place
    FROM (SELECT group_no, seq,
                 seq - row_number() OVER (PARTITION BY group_no ORDER BY seq) AS island
            FROM batches_item WHERE manifest_id = %s) numbered
   GROUP BY group_no, island) ranges
 WHERE place <= %s ORDER BY group_no, first
"""


@transaction.atomic
def part_of(whole: Manifest, seqs: Sequence[int], *, now: datetime) -> Manifest:
    """Make a manifest of the items with these numbers; there is at least one."""
    part = Manifest.objects.create(
        file_id=whole.file_id, part_of=whole, item_count=len(seqs), created_at=now
    )
    with connection.cursor() as cursor:
        values: dict[str, Any] = {
            "part": part.pk,
            "whole": whole.pk,
            "seqs": list(seqs),
        }
        cursor.execute(_COPY, values)
        cursor.execute(_SUMS, [part.pk])
        sums = cursor.fetchall()
        cursor.execute(_RANGES, [part.pk, RANGES_SHOWN])
        ranges = defaultdict(list)
        for group_no, first, last in cursor.fetchall():
            ranges[group_no].append(f"{first}-{last}")
    old = {group.no: group for group in whole.groups.all()}
    groups = [_group(part, old[row[0]], row, ranges[row[0]]) for row in sums]
    ItemGroup.objects.bulk_create(groups)
    part.duplicates = sum(group.copies for group in groups)
    part.save(update_fields=["duplicates"])
    return part


def _group(
    part: Manifest, old: ItemGroup, row: tuple[Any, ...], ranges: list[str]
) -> ItemGroup:
    sums = [int(value) for value in row[1:]]
    is_text = old.operation != "embeddings"
    return ItemGroup(
        manifest=part,
        no=old.no,
        operation=old.operation,
        model_slugs=old.model_slugs,
        needs_vision=old.needs_vision,
        needs_schema=old.needs_schema,
        needs_tools=old.needs_tools,
        item_count=sums[0],
        input_tokens=sums[1],
        input_tokens_max=sums[2],
        output_tokens=sums[3],
        output_tokens_max=sums[4],
        uncapped_count=sums[5] if is_text else 0,
        payload_bytes=sums[6],
        payload_bytes_max=sums[7],
        ranges=ranges,
        copies=sums[8],
        copies_input_tokens=sums[9],
        copies_output_tokens=sums[10],
        copies_uncapped_count=sums[11] if is_text else 0,
        copies_payload_bytes=sums[12],
    )
