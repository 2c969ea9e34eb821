"""The /files endpoints of Together: a redirect says where the bytes go."""

import hashlib
from pathlib import Path
from urllib.parse import quote

from aiohttp import BodyPartReader, web

from simulator.checks import invalid, missing
from simulator.files import file_plan
from simulator.replying import before_answer, send
from simulator.shelf import MAX_FILE_BYTES
from simulator.wire import ApiError, Json, dump, not_found
from simulator.wires import bearer_key
from simulator.world import WORLD, World

UPLOAD_PATH = "/together/_upload/"
_FIELDS = ("purpose", "file_name", "file_type", "checksum")
_PURPOSES = ("fine-tune", "calibration", "eval", "batch-api")
_CHUNK_BYTES = 256 * 1024
_KIND = "together_upload"


async def ask_for_room(request: web.Request) -> web.StreamResponse:
    """POST /files: a form without the file; 302 to where the file is to be PUT."""
    world = request.app[WORLD]
    plan = file_plan(request, "files")
    await before_answer(request, plan)
    fields = await _form(request)
    for known in _uploads(world).values():
        if known["checksum"] == fields["checksum"] and known["is_whole"]:
            return web.Response(
                status=409,
                body=dump({"file_id": known["file_id"]}),
                content_type="application/json",
            )
    file_id, _ = world.shelf.new_path()
    _keep(world, {**fields, "file_id": file_id, "is_whole": False})
    signature = quote(bearer_key(request) or "none", safe="")
    url = f"{request.scheme}://{request.host}{UPLOAD_PATH}{file_id}"
    headers = {
        "Location": f"{url}?signature={signature}",
        "X-Together-File-Id": file_id,
    }
    return web.Response(status=302, headers=headers)


async def take_bytes(request: web.Request) -> web.StreamResponse:
    """PUT to the signed address: no key is taken here, and no other bytes."""
    world = request.app[WORLD]
    plan = file_plan(request, "files")
    await before_answer(request, plan)
    if "Authorization" in request.headers:
        raise ApiError(400, "Only one way to authorize a request is allowed.")
    asked = _upload(world, request.match_info["file_id"])
    path = world.shelf.path(asked["file_id"])
    if await _write(request, path) != asked["checksum"]:
        path.unlink()
        raise ApiError(400, "The checksum does not match.")
    world.shelf.put(asked["file_id"], asked["file_name"], asked["purpose"], None)
    _keep(world, {**asked, "is_whole": True})
    return await send(request, b"{}", plan)


async def get_file(request: web.Request) -> web.StreamResponse:
    """GET /files/{id}, and POST /files/{id}/preprocess after an upload."""
    plan = file_plan(request, "files")
    await before_answer(request, plan)
    view = request.app[WORLD].shelf.get(request.match_info["file_id"])
    return await send(request, dump(_shown(view)), plan)


async def list_files(request: web.Request) -> web.StreamResponse:
    """GET /files: all of them."""
    plan = file_plan(request, "files")
    await before_answer(request, plan)
    page = request.app[WORLD].shelf.page(after=None, limit=10_000, purpose="batch-api")
    shown = {"data": [_shown(view) for view in page["data"]]}
    return await send(request, dump(shown), plan)


def key_of(request: web.Request) -> str:
    """Return the key of a call, or the signature of an address."""
    if request.path.startswith(UPLOAD_PATH):
        return request.query.get("signature", "")
    return bearer_key(request)


def _shown(view: Json) -> Json:
    is_input = view["purpose"] == "batch-api"
    return {
        "id": view["id"],
        "object": "file",
        "bytes": view["bytes"],
        "created_at": view["created_at"],
        "filename": view["filename"],
        "FileType": "jsonl",
        "purpose": "batch-api" if is_input else "batch-generated",
        "processing_status": "COMPLETED",
    }


async def _form(request: web.Request) -> Json:
    if not request.content_type.startswith("multipart/"):
        raise ApiError(400, "Expected a multipart/form-data body.")
    fields: Json = {}
    async for part in await request.multipart():
        if isinstance(part, BodyPartReader) and part.name in _FIELDS:
            fields[part.name] = (await part.text()).strip()
    for name in _FIELDS:
        if not fields.get(name):
            raise missing(name)
    if fields["purpose"] not in _PURPOSES or fields["file_type"] != "jsonl":
        raise invalid("purpose", "Expected a known purpose and the type 'jsonl'.")
    return fields


async def _write(request: web.Request, path: Path) -> str:
    """Write the body to its place and return its checksum."""
    seen, size = hashlib.sha256(), 0
    with path.open("wb") as out:
        async for chunk in request.content.iter_chunked(_CHUNK_BYTES):
            size += len(chunk)
            if size > MAX_FILE_BYTES:
                raise ApiError(413, "The file is too large.")
            seen.update(chunk)
            out.write(chunk)
    return seen.hexdigest()


def _uploads(world: World) -> dict[str, Json]:
    return world.store.load(_KIND)


def _upload(world: World, file_id: str) -> Json:
    found = _uploads(world).get(f"{_KIND}:{file_id}")
    if found is None:
        raise not_found(f"No upload of '{file_id}' is expected.")
    return found


def _keep(world: World, upload: Json) -> None:
    world.store.save(_KIND, f"{_KIND}:{upload['file_id']}", upload)
