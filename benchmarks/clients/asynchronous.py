"""Clients of asyncio: a fixed number of workers pull from one iterator.

So no client holds more than the window in memory, and none pays for a task an item.
"""

import asyncio
import importlib
from collections.abc import Awaitable, Callable
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import aiohttp
import openai
import orjson

from benchmarks.clients.metering import Body, Job, Meter, read_items, write_result

CALL_SECONDS = 120
_KEY = "benchmark"

# Sends one body and returns the status and the reply.
Send = Callable[[Body], Awaitable[tuple[int, Any]]]


async def run_aiohttp(job: Job, out: BinaryIO) -> None:
    """Send with aiohttp: what a competent script does."""
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=job.in_flight),
        timeout=aiohttp.ClientTimeout(total=CALL_SECONDS),
        headers={
            "Authorization": f"Bearer {_KEY}",
            "Content-Type": "application/json",
        },
    )
    async with session:

        async def send(body: Body) -> tuple[int, Any]:
            async with session.post(job.url, data=orjson.dumps(body)) as reply:
                return reply.status, orjson.loads(await reply.read())

        await _pump(job, out, send)


async def run_openai(job: Job, out: BinaryIO) -> None:
    """Send with the official client as it comes, without retries."""
    client = openai.AsyncOpenAI(
        api_key=_KEY,
        base_url=_base_url(job.url),
        max_retries=0,
        timeout=CALL_SECONDS,
    )
    async with client:

        async def send(body: Body) -> tuple[int, Any]:
            answer = await client.chat.completions.create(**body)
            return 200, answer.model_dump(mode="json")

        await _pump(job, out, send)


async def run_litellm(job: Job, out: BinaryIO) -> None:
    """Send through LiteLLM's Router with one deployment."""
    litellm: Any = importlib.import_module("litellm")
    litellm.suppress_debug_info = True
    deployment = {
        "model": "openai/mock-1",
        "api_key": _KEY,
        "api_base": _base_url(job.url),
        "timeout": CALL_SECONDS,
    }
    router = litellm.Router(
        model_list=[{"model_name": "mock-1", "litellm_params": deployment}],
        num_retries=0,
    )

    async def send(body: Body) -> tuple[int, Any]:
        answer = await router.acompletion(**body)
        return 200, answer.model_dump(mode="json")

    await _pump(job, out, send)


async def _pump(job: Job, out: BinaryIO, send: Send) -> None:
    """Send every item; the first is sent once more before, to be warm."""
    await send(next(read_items(job.source))[1])
    meter = Meter(warm_calls=1)
    source = read_items(job.source)

    async def work() -> int:
        count = 0
        for key, body in source:
            status, reply = await send(body)
            write_result(out, key, status, reply)
            count += 1
        return count

    counts = await asyncio.gather(*(work() for _ in range(job.in_flight)))
    out.flush()
    meter.report(sum(counts))


def _base_url(url: str) -> str:
    parts = urlsplit(url)
    return (
        f"{parts.scheme}://{parts.netloc}{parts.path.removesuffix('/chat/completions')}"
    )
