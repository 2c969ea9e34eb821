"""The /_sim doors: faults, counts, settings and health."""

import math
import time
from typing import Any

from aiohttp import web

from simulator.batches import RUNNER
from simulator.wire import ApiError, Json, dump, parse_object
from simulator.world import WORLD

MAX_LISTED_BATCHES = 1_000


async def health(request: web.Request) -> web.Response:
    """GET /_sim/health."""
    up = time.time() - request.app[WORLD].started_at
    return _json({"status": "ok", "uptime_seconds": round(up, 1)})


async def post_faults(request: web.Request) -> web.Response:
    """POST /_sim/faults: one rule, or ``{"rules": [...]}``."""
    sent = parse_object(await request.read())
    rules = sent["rules"] if isinstance(sent.get("rules"), list) else [sent]
    faults = request.app[WORLD].faults
    return _json({"rules": [faults.add(rule).view() for rule in rules]})


async def get_faults(request: web.Request) -> web.Response:
    """GET /_sim/faults."""
    return _json({"rules": [rule.view() for rule in request.app[WORLD].faults.rules]})


async def delete_faults(request: web.Request) -> web.Response:
    """DELETE /_sim/faults or /_sim/faults/{id}."""
    faults = request.app[WORLD].faults
    faults.clear(request.match_info.get("rule_id"))
    return _json({"rules": [rule.view() for rule in faults.rules]})


async def stats(request: web.Request) -> web.Response:
    """GET /_sim/stats."""
    world, records = request.app[WORLD], request.app[RUNNER].records
    newest = list(records.values())[-MAX_LISTED_BATCHES:]
    batches = [
        {
            "id": record.id,
            "provider": record.provider,
            "model": record.model,
            "endpoint": record.view["endpoint"],
            "status": record.status,
            "created_at": record.view["created_at"],
            "input_file_id": record.view["input_file_id"],
            "request_counts": record.view["request_counts"],
            "metadata": record.view["metadata"],
        }
        for record in reversed(newest)
    ]
    return _json({**world.ledger.view(), "files": len(world.shelf), "batches": batches})


async def accepted(request: web.Request) -> web.Response:
    """GET /_sim/accepted?prefix=&at_least=: how often each name was accepted."""
    at_least = request.query.get("at_least", "1")
    view = request.app[WORLD].ledger.accepted(
        request.query.get("prefix", ""), int(at_least) if at_least.isdigit() else 1
    )
    return _json(view)


async def reset(request: web.Request) -> web.Response:
    """POST /_sim/reset: forget faults, tries and counts; keep files and batches."""
    request.app[WORLD].reset()
    return _json({"status": "reset"})


async def settings(request: web.Request) -> web.Response:
    """POST /_sim/settings: turn knobs; answers with all of them. GET shows them."""
    held = request.app[WORLD].settings
    sent = parse_object(await request.read()) if request.method == "POST" else {}
    for name, value in sent.items():
        if name not in vars(held) or not _is_amount(value):
            raise ApiError(400, f"Unknown setting or value: {name!r}.", param=name)
    vars(held).update({name: float(value) for name, value in sent.items()})
    return _json(dict(vars(held)))


def _is_amount(value: Any) -> bool:
    real = isinstance(value, int | float) and not isinstance(value, bool)
    return real and math.isfinite(value) and value >= 0


def _json(body: Json) -> web.Response:
    return web.Response(body=dump(body), content_type="application/json")
