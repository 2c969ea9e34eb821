"""The datasets of a Fireworks account, and the signed addresses of their files."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from aiohttp import BodyPartReader, web

from simulator import checks
from simulator.checks import Check
from simulator.files import file_plan
from simulator.replying import before_answer, send
from simulator.wire import ApiError, Json, dump, not_found, parse_object
from simulator.wires import bearer_key
from simulator.world import WORLD, World

SIGNED_PATH = "/fireworks/_signed/"
UPLOAD_BYTES_MAX = 150_000_000
_CHUNK_BYTES = 256 * 1024
_KIND = "fireworks_dataset"
_DATASET_KEYS: Mapping[str, Check] = {
    "displayName": checks.string,
    "exampleCount": checks.string,
    "format": checks.choice("CHAT", "COMPLETION", "RL"),
    "userUploaded": checks.obj,
}


async def create(request: web.Request) -> web.StreamResponse:
    """POST /datasets: under the name that the caller chose."""
    plan = file_plan(request, "files")
    await before_answer(request, plan)
    asked = parse_object(await request.read())
    checks.check_keys(asked, {"datasetId": checks.string, "dataset": checks.obj})
    checks.require(asked, "datasetId", "dataset")
    checks.check_keys(asked["dataset"], _DATASET_KEYS, at="dataset")
    check_name("datasetId", asked["datasetId"])
    world, key = request.app[WORLD], dataset_key(request, asked["datasetId"])
    if key in world.store.load(_KIND):
        raise ApiError(409, "A dataset of this name exists already.")
    view = {
        **asked["dataset"],
        "name": key,
        "createTime": _now(),
        "state": "UPLOADING",
        "files": {},
    }
    keep(world, view)
    return await send(request, dump(_shown(view)), plan)


async def get(request: web.Request) -> web.StreamResponse:
    """GET /datasets/{id}."""
    plan = file_plan(request, "files")
    await before_answer(request, plan)
    return await send(request, dump(_shown(_asked_for(request))), plan)


async def upload(request: web.Request) -> web.StreamResponse:
    """POST /datasets/{id}:upload: one file in a form."""
    world = request.app[WORLD]
    plan = file_plan(request, "files")
    await before_answer(request, plan)
    view = _asked_for(request)
    file_id, path = world.shelf.new_path()
    filename = await _take_file(request, path)
    world.shelf.put(file_id, filename, "batch", None)
    keep(world, {**view, "state": "READY", "files": {filename: file_id}})
    shown = {"id": view["name"], "bytes": path.stat().st_size, "filename": filename}
    return await send(request, dump({**shown, "object": "file"}), plan)


async def download_endpoint(request: web.Request) -> web.StreamResponse:
    """GET /datasets/{id}:getDownloadEndpoint: signed addresses by file name."""
    plan = file_plan(request, "files")
    await before_answer(request, plan)
    signature = quote(bearer_key(request) or "none", safe="")
    base = f"{request.scheme}://{request.host}{SIGNED_PATH}"
    urls = {
        name: f"{base}{file_id}?signature={signature}"
        for name, file_id in _asked_for(request)["files"].items()
    }
    return await send(request, dump({"filenameToSignedUrls": urls}), plan)


def key_of(request: web.Request) -> str:
    """Return the key of a call, or the signature of an address."""
    if request.path.startswith(SIGNED_PATH):
        return request.query.get("signature", "")
    return bearer_key(request)


def dataset_key(request: web.Request, dataset_id: str) -> str:
    """Return the full name of a dataset of the account that the path names."""
    return f"accounts/{request.match_info['account']}/datasets/{dataset_id}"


def find_dataset(world: World, key: str) -> Json:
    """Return a dataset by its full name.

    Raises:
        ApiError: 404 when there is none.
    """
    found = world.store.load(_KIND).get(key)
    if found is None:
        raise not_found(f"{key} was not found.")
    return found


def keep(world: World, view: Json) -> None:
    """Save a dataset."""
    world.store.save(_KIND, view["name"], view)


def check_name(param: str, name: str) -> None:
    """Refuse a name that is not of small letters, digits and hyphens."""
    plain = name.replace("-", "a")
    if not (plain.isascii() and plain.isalnum() and name == name.lower()):
        raise checks.invalid(param, f"Invalid '{param}'.")
    if len(name) > 63 or not name[0].isalpha():
        raise checks.invalid(param, f"Invalid '{param}'.")


def _asked_for(request: web.Request) -> Json:
    key = dataset_key(request, request.match_info["dataset_id"])
    return find_dataset(request.app[WORLD], key)


def _shown(view: Json) -> Json:
    return {key: value for key, value in view.items() if key != "files"}


async def _take_file(request: web.Request, path: Path) -> str:
    """Write the form's file to its place and return its name."""
    if not request.content_type.startswith("multipart/"):
        raise ApiError(400, "Expected a multipart/form-data body.")
    async for part in await request.multipart():
        if isinstance(part, BodyPartReader) and part.name == "file":
            size = 0
            with path.open("wb") as out:
                while chunk := await part.read_chunk(_CHUNK_BYTES):
                    size += len(chunk)
                    out.write(chunk)
            if size > UPLOAD_BYTES_MAX:
                raise ApiError(413, "The file is too large for one call.")
            return part.filename or "dataset.jsonl"
    raise checks.missing("file")


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")
