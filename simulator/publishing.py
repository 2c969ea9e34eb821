"""Turning the work files of a batch into its output and error files."""

import asyncio
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

from simulator.batch_record import BatchRecord
from simulator.world import World

_STEP_ROWS = 500


async def publish(world: World, record: BatchRecord, work: tuple[Path, Path]) -> None:
    """Put the rows on the shelf in shuffled order; no rows, no file."""
    for kind, path in zip(("output", "error"), work, strict=True):
        key = f"{kind}_file_id"
        if record.view[key] or not path.exists() or not path.stat().st_size:
            continue
        cut_after = record.progress.cut_after if kind == "output" else None
        file_id, target = world.shelf.new_path()
        await _shuffle(path, target, seed=record.id, cut_after=cut_after)
        name = f"{record.id}_{kind}.jsonl"
        world.shelf.put(file_id, name, "batch_output", record.output_life)
        record.view[key] = file_id


async def _shuffle(
    source: Path, target: Path, *, seed: str, cut_after: int | None
) -> None:
    with source.open("rb") as rows, target.open("wb") as out:
        starts = await _row_starts(rows)
        order = _shuffled(len(starts), seed)
        if cut_after is not None:
            order = _ending_after(order, cut_after)
        for place, index in enumerate(order):
            rows.seek(starts[index])
            row = rows.readline()
            if cut_after is not None and place == len(order) - 1:
                row = row[: len(row) // 2]
            out.write(row)
            if place % _STEP_ROWS == 0:
                await asyncio.sleep(0)


def _shuffled(count: int, seed: str) -> list[int]:
    """Return 0..count-1 in an order that only ``seed`` decides, never the given one."""

    def place(index: int) -> bytes:
        return blake2b(f"{seed}:{index}".encode(), digest_size=8).digest()

    order = sorted(range(count), key=place)
    return order[::-1] if count > 1 and order == list(range(count)) else order


def _ending_after(order: list[int], cut_after: int) -> list[int]:
    """Return the rows up to ``cut_after`` and the one that will be cut in half."""
    place = order.index(cut_after)
    if place == len(order) - 1:
        order = [*order[1:], order[0]]
        place = order.index(cut_after)
    return order[: place + 2]


async def _row_starts(rows: BinaryIO) -> list[int]:
    starts: list[int] = []
    at = 0
    for row in rows:
        starts.append(at)
        at += len(row)
        if len(starts) % _STEP_ROWS == 0:
            await asyncio.sleep(0)
    return starts
