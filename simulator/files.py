"""The /files endpoints."""

import asyncio
from pathlib import Path

from aiohttp import BodyPartReader, MultipartReader, web

from simulator.checks import invalid, missing
from simulator.faults import CallFacts, Plan
from simulator.replying import before_answer, send
from simulator.shelf import MAX_FILE_BYTES
from simulator.wire import ApiError, ConnectionDropped, Json, dump
from simulator.wires import provider_of
from simulator.world import WORLD

PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
_CHUNK_BYTES = 256 * 1024
_MAX_FIELD_BYTES = 4_096
_MIN_LIFE_SECONDS, _MAX_LIFE_SECONDS = 3_600, 2_592_000


async def upload(request: web.Request) -> web.StreamResponse:
    """POST /files: multipart, streamed to disk."""
    world = request.app[WORLD]
    plan = file_plan(request, "files")
    await before_answer(request, plan)
    if not request.content_type.startswith("multipart/"):
        raise ApiError(400, "Expected a multipart/form-data body.", param="file")
    file_id, path = world.shelf.new_path()
    try:
        fields = await _read_form(await request.multipart(), path)
        purpose, life = _checked(fields)
        view = world.shelf.put(file_id, fields["filename"], purpose, life)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return await send(request, dump(view), plan)


async def list_files(request: web.Request) -> web.StreamResponse:
    """GET /files, newest first."""
    plan = file_plan(request, "files")
    await before_answer(request, plan)
    after, limit = paging(request, most=10_000, usual=10_000)
    page = request.app[WORLD].shelf.page(
        after=after, limit=limit, purpose=request.query.get("purpose")
    )
    return await send(request, dump(page), plan)


async def get_file(request: web.Request) -> web.StreamResponse:
    """GET /files/{id}."""
    plan = file_plan(request, "files")
    await before_answer(request, plan)
    view = request.app[WORLD].shelf.get(request.match_info["file_id"])
    return await send(request, dump(view), plan)


async def delete_file(request: web.Request) -> web.StreamResponse:
    """DELETE /files/{id}."""
    plan = file_plan(request, "files")
    await before_answer(request, plan)
    file_id = request.match_info["file_id"]
    request.app[WORLD].shelf.delete(file_id)
    gone = {"id": file_id, "object": "file", "deleted": True}
    return await send(request, dump(gone), plan)


async def get_content(request: web.Request) -> web.StreamResponse:
    """GET /files/{id}/content: the bytes, or half of them and a reset."""
    shelf = request.app[WORLD].shelf
    plan = file_plan(request, "file_content")
    await before_answer(request, plan)
    file_id = request.match_info["file_id"]
    view = shelf.get(file_id)
    headers = {"Content-Disposition": f'attachment; filename="{view["filename"]}"'}
    if plan.get("reset-after") or plan.get("drip"):
        return await _broken_content(request, shelf.path(file_id), plan)
    return web.FileResponse(shelf.path(file_id), _CHUNK_BYTES, headers=headers)


def paging(request: web.Request, *, most: int, usual: int) -> tuple[str | None, int]:
    """Return ``after`` and ``limit`` of a list request.

    Raises:
        ApiError: 400 when the limit is not a number from 1 to ``most``.
    """
    text = request.query.get("limit", f"{usual}")
    limit = int(text) if text.isdigit() else 0
    if not 1 <= limit <= most:
        raise invalid("limit", f"Invalid 'limit': expected 1 to {most}.")
    return request.query.get("after"), limit


def file_plan(request: web.Request, operation: str) -> Plan:
    """Return the faults for a call without a body of interest."""
    facts = CallFacts(provider_of(request), operation, content=request.path)
    return request.app[WORLD].plan(facts)


async def _read_form(form: MultipartReader, path: Path) -> dict[str, str]:
    fields: dict[str, str] = {}
    async for part in form:
        if not isinstance(part, BodyPartReader) or part.name is None:
            continue
        if part.name == "file":
            fields["filename"] = part.filename or "upload"
            await _read_file(part, path)
        else:
            text = await part.read_chunk(_MAX_FIELD_BYTES)
            fields[part.name] = text.decode("utf-8", "replace")
    return fields


async def _read_file(part: BodyPartReader, path: Path) -> None:
    size = 0
    with path.open("wb") as out:
        while chunk := await part.read_chunk(_CHUNK_BYTES):
            size += len(chunk)
            if size > MAX_FILE_BYTES:
                raise ApiError(
                    413, "Maximum content size limit exceeded.", param="file"
                )
            out.write(chunk)


def _checked(fields: dict[str, str]) -> tuple[str, int | None]:
    if "filename" not in fields:
        raise missing("file")
    purpose = fields.get("purpose")
    if purpose is None:
        raise missing("purpose")
    if purpose not in PURPOSES:
        raise invalid("purpose", f"Invalid value: '{purpose}'.")
    if purpose == "batch" and not fields["filename"].endswith(".jsonl"):
        raise invalid("file", "Invalid file format for Batch API. Must be .jsonl")
    anchor = fields.get("expires_after[anchor]")
    seconds = fields.get("expires_after[seconds]")
    if anchor is None and seconds is None:
        return purpose, None
    return purpose, life_of({"anchor": anchor, "seconds": seconds}, "expires_after")


def life_of(given: Json, param: str) -> int:
    """Return the seconds of an ``expires_after`` object.

    Raises:
        ApiError: 400 when a half is missing or out of range.
    """
    if given.get("anchor") != "created_at":
        raise invalid(f"{param}.anchor", "Expected the anchor 'created_at'.")
    text = str(given.get("seconds"))
    seconds = int(text) if text.isdigit() else 0
    if not _MIN_LIFE_SECONDS <= seconds <= _MAX_LIFE_SECONDS:
        raise invalid(f"{param}.seconds", "Expected 3600 to 2592000 seconds.")
    return seconds


async def _broken_content(
    request: web.Request, path: Path, plan: Plan
) -> web.StreamResponse:
    size = path.stat().st_size
    response = web.StreamResponse(headers={"x-request-id": request["request_id"]})
    response.content_length = size
    await response.prepare(request)
    drip = plan.get("drip")
    step, gap = (1, float(drip.options.get("ms", 50)) / 1_000) if drip else (4_096, 0)
    sent, end = 0, size if drip else size // 2
    with path.open("rb") as source:
        while sent < end and (chunk := source.read(min(step, end - sent))):
            await response.write(chunk)
            sent += len(chunk)
            await asyncio.sleep(gap)
    if end < size:
        # Let the half that was written leave before the reset discards it.
        await asyncio.sleep(0.05)
        raise ConnectionDropped
    await response.write_eof()
    return response
