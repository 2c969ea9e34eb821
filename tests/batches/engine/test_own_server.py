"""A batch on a server of one's own, as the README shows: data files, key, address."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest

from batches.services.artifacts import totals
from batches.services.dispatch import dispatch_batch
from batchrouter.kit import clock
from catalog.datafiles import DATA_DIR
from catalog.loading import load_catalog
from catalog.models import Provider
from tests.batches.conftest import Customer
from tests.batches.engine.builders import rows_of, run_direct
from tests.factories.batches import book_problems, make_batch, make_item, run_batch
from tests.factories.catalog import LONG_AGO
from tests.routing.wire_server import Received, Wire, WireServer
from tests.settings.processes import python
from tests.support.simulator import SimulatorProcess

README = Path(__file__).resolve().parents[3] / "README.md"
README_TEXT = README.read_text(encoding="utf-8")


def shown_in_readme(after: str) -> Any:
    """Return the JSON object that the README shows behind these words."""
    start = README_TEXT.index("{", README_TEXT.index(after))
    return json.JSONDecoder().raw_decode(README_TEXT[start:])[0]


def variables_of_readme() -> dict[str, str]:
    """Return the environment that the README has one export for one's own server."""
    shown = re.search(r"^export (COMPATIBLE_\S+ COMPATIBLE_\S+)", README_TEXT, re.M)
    assert shown is not None
    return dict(word.split("=", 1) for word in shown[1].split())


def test_the_readmes_variables_are_where_the_server_is_reached() -> None:
    show = "print(settings.PROVIDER_BASE_URLS['compatible'],"
    show += " settings.PROVIDER_API_KEYS['compatible'])"
    done = python(f"from django.conf import settings; {show}", **variables_of_readme())

    assert done.stdout.split() == ["http://127.0.0.1:11434/v1", "local"], done.stderr


@pytest.fixture
def own_model(market: None, settings: Any, tmp_path: Path) -> None:
    """Add the README's model and a key."""
    folder = tmp_path / "catalog"
    shutil.copytree(DATA_DIR, folder)
    for name, after in (
        ("models.json", "`models.json`"),
        ("model_prices.json", "`model_prices.json`"),
    ):
        document = json.loads((folder / name).read_bytes())
        document["models"].append(shown_in_readme(after))
        (folder / name).write_text(json.dumps(document))
    load_catalog(now=LONG_AGO, data_dir=folder)
    Provider.objects.filter(key="compatible").update(enabled=True)
    key = variables_of_readme()["COMPATIBLE_API_KEY"]
    settings.PROVIDER_API_KEYS = {"compatible": key}


@pytest.mark.usefixtures("own_model")
def test_a_batch_is_answered_by_ones_own_server(
    owner: Customer, simulator: SimulatorProcess, settings: Any
) -> None:
    settings.PROVIDER_BASE_URLS = {"compatible": f"{simulator.url}/together/v1"}
    batch = make_batch(
        owner.org,
        [make_item(model="llama-3.2-3b")],
        routing_mode="edge_only",
        privacy_tier="restricted",
    )
    dispatch_batch(batch.pk, now=clock.now())
    run_direct()

    (row,) = rows_of(batch)
    assert (row["status"], row["lane"]) == ("completed", "compatible:direct")
    assert row["usage"]["source"] == "provider"
    assert book_problems() == []


REPLY = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "llama3.2",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hello."},
            "finish_reason": "stop",
        }
    ],
    "usage": {
        "prompt_tokens": 20,
        "completion_tokens": 3,
        "total_tokens": 23,
        "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 5},
    },
}


async def say_hello(_: Received, wire: Wire) -> None:
    await wire.reply(orjson.dumps(REPLY))


@pytest.mark.usefixtures("own_model")
def test_what_was_written_to_a_cache_is_on_the_row_and_in_no_sum_twice(
    owner: Customer, settings: Any
) -> None:
    with WireServer() as server:
        server.on("/v1/chat/completions", say_hello)
        settings.PROVIDER_BASE_URLS = {"compatible": f"{server.url}/v1"}
        items = [make_item(number, model="llama-3.2-3b") for number in range(2)]
        batch = run_batch(make_batch(owner.org, items))

    assert [row["usage"] for row in rows_of(batch)] == 2 * [
        {
            "input_tokens": 20,
            "cached_tokens": 4,
            "output_tokens": 3,
            "reasoning_tokens": 0,
            "total_tokens": 23,
            "source": "provider",
            "cache_write_tokens": 5,
        }
    ]
    summed = totals(batch.pk)
    assert (summed.input_tokens, summed.cached_tokens) == (40, 8)
    # 20 tokens of input at 10 nano-dollars, cached ones cost the same, 3 at 20.
    assert summed.subtotal_nanousd == 2 * 260
    assert book_problems() == []
