"""Gemini's files: announced, then sent to a session; results are read back whole."""

import asyncio
from pathlib import Path

from aiohttp import web
from yarl import URL

from simulator.batches import RUNNER
from simulator.files import file_plan
from simulator.gemini_batches import result_paths
from simulator.replying import before_answer, send
from simulator.shelf import Shelf
from simulator.wire import ApiError, ConnectionDropped, Json, dump, parse_object
from simulator.world import WORLD

FILE_BYTES_MAX = 2 * 1000**3
FILE_LIFE_SECONDS = 48 * 3600
RESULTS_PREFIX = "batch-"
_CHUNK_BYTES = 256 * 1024
SESSION_PATH = "/gemini/upload/sessions"


async def start(request: web.Request) -> web.StreamResponse:
    """POST /upload/{version}/files: announce a file."""
    plan = file_plan(request, "files")
    await before_answer(request, plan)
    if request.headers.get("X-Goog-Upload-Protocol") != "resumable":
        raise ApiError(400, "Only resumable uploads are served.")
    if request.headers.get("X-Goog-Upload-Command") != "start":
        raise ApiError(400, "The command of the first call is 'start'.")
    asked = parse_object(await request.read()).get("file") or {}
    length = request.headers.get("X-Goog-Upload-Header-Content-Length", "")
    if not length.isdigit() or int(length) > FILE_BYTES_MAX:
        raise ApiError(400, "The length of the content is missing or too large.")
    session = {
        "name": str(asked.get("display_name") or "upload"),
        "length": length,
        "key": request.headers.get("x-goog-api-key", ""),
    }
    url = URL.build(
        scheme=request.scheme, authority=request.host, path=SESSION_PATH, query=session
    )
    headers = {"X-Goog-Upload-URL": f"{url}", "X-Goog-Upload-Status": "active"}
    return await send(request, b"{}", plan, headers)


async def finish(request: web.Request) -> web.StreamResponse:
    """POST to a session: all bytes at once; its address is all the proof it needs."""
    if request.headers.get("X-Goog-Upload-Command") != "upload, finalize":
        raise ApiError(400, "Send everything at once: 'upload, finalize'.")
    shelf = request.app[WORLD].shelf
    file_id, path = shelf.new_path()
    size = await _receive(request, path)
    if f"{size}" != request.query.get("length"):
        path.unlink()
        raise ApiError(400, "The content has another length than announced.")
    shelf.put(file_id, request.query["name"], "batch", FILE_LIFE_SECONDS)
    plan = file_plan(request, "files")
    headers = {"X-Goog-Upload-Status": "final"}
    return await send(request, dump({"file": _shown(shelf, file_id)}), plan, headers)


async def get(request: web.Request) -> web.StreamResponse:
    """GET /{version}/files/{id}."""
    plan = file_plan(request, "files")
    await before_answer(request, plan)
    shelf = request.app[WORLD].shelf
    return await send(request, dump(_shown(shelf, request.match_info["name"])), plan)


async def download(request: web.Request) -> web.StreamResponse:
    """GET /{version}/files/{id}:download?alt=media: rows, or half and a reset."""
    plan = file_plan(request, "file_content")
    await before_answer(request, plan)
    if request.query.get("alt") != "media":
        raise ApiError(400, "Only alt=media is served.")
    paths = _paths(request, request.match_info["name"])
    left = total = sum(path.stat().st_size for path in paths)
    response = web.StreamResponse()
    response.content_type = "application/octet-stream"
    response.content_length = total
    await response.prepare(request)
    if plan.get("reset-after"):
        left //= 2
    for path in paths:
        with path.open("rb") as source:
            while left and (chunk := source.read(min(_CHUNK_BYTES, left))):
                await response.write(chunk)
                left -= len(chunk)
    if plan.get("reset-after"):
        # Let the half that was written leave before the reset discards it.
        await asyncio.sleep(0.05)
        raise ConnectionDropped
    await response.write_eof()
    return response


def _paths(request: web.Request, name: str) -> list[Path]:
    shelf = request.app[WORLD].shelf
    if not name.startswith(RESULTS_PREFIX):
        shelf.get(name)
        return [shelf.path(name)]
    batch_id = name.removeprefix(RESULTS_PREFIX)
    record = request.app[RUNNER].records.get(batch_id)
    if record is None:
        raise ApiError(404, "The file does not exist.")
    return result_paths(shelf, record.view)


async def _receive(request: web.Request, path: Path) -> int:
    size = 0
    with path.open("wb") as out:
        async for chunk in request.content.iter_chunked(_CHUNK_BYTES):
            size += len(chunk)
            out.write(chunk)
    return size


def _shown(shelf: Shelf, file_id: str) -> Json:
    view = shelf.get(file_id)
    return {
        "name": f"files/{file_id}",
        "displayName": view["filename"],
        "mimeType": "application/jsonl",
        "sizeBytes": f"{view['bytes']}",
        "state": "ACTIVE",
    }
