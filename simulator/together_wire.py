"""Together's wire: chat and embeddings as OpenAI's, files and batches of its own."""

from aiohttp import web

from simulator import files, together_batches, together_files
from simulator.openai_wire import add_direct
from simulator.refusals import refusing_as
from simulator.together_batches import BatchRefusal, TogetherLines
from simulator.wires import Wire


def _add_routes(router: web.UrlDispatcher, prefix: str) -> None:
    version = f"{prefix}/v1"
    add_direct(router, version)
    router.add_put(f"{prefix}/_upload/{{file_id}}", together_files.take_bytes)
    router.add_post(f"{version}/files", together_files.ask_for_room)
    router.add_get(f"{version}/files", together_files.list_files)
    one = f"{version}/files/{{file_id}}"
    router.add_get(one, together_files.get_file)
    router.add_post(f"{one}/preprocess", together_files.get_file)
    router.add_get(f"{one}/content", files.get_content)
    batches = f"{version}/batches"
    for method, path, handler in (
        ("POST", batches, together_batches.create),
        ("GET", batches, together_batches.listed),
        ("GET", f"{batches}/{{batch_id}}", together_batches.get),
        ("POST", f"{batches}/{{batch_id}}/cancel", together_batches.cancel),
    ):
        router.add_route(method, path, refusing_as(BatchRefusal, handler))


TOGETHER_WIRE = Wire(
    "together",
    "/together",
    _add_routes,
    key_of=together_files.key_of,
    lines=TogetherLines(),
)
