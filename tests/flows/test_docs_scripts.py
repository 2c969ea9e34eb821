"""The two programs of the product's documentation, word for word, against the product.

``data/quickstart.sh.txt`` and ``data/quickstart.mjs.txt`` are the documentation's own
text. Only the address, the key and the placeholder of the batch id are changed.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.product import Product

pytestmark = pytest.mark.processes

DATA = Path(__file__).parent / "data"
DOCUMENTED_URL = "https://batchrouter.com"
DOCUMENTED_KEY = "ob_live_your_api_key"
NODE_MAJOR_MIN = 18


def _node_major() -> int:
    node = shutil.which("node")
    if node is None:
        return 0
    told = subprocess.check_output([node, "--version"], text=True)
    return int(told.removeprefix("v").partition(".")[0] or 0)


@pytest.fixture
def product(shared_product: Product) -> Product:
    return shared_product


def _curl_blocks(product: Product) -> tuple[str, list[str]]:
    """Return the exports and the five curl commands, for this product and key."""
    text = (DATA / "quickstart.sh.txt").read_text()
    text = text.replace(DOCUMENTED_URL, product.address)
    text = text.replace(DOCUMENTED_KEY, product.api_key)
    exports, *commands = re.split(r"^(?=curl )", text, flags=re.MULTILINE)
    assert len(commands) == 5
    return exports, commands


def _run(exports: str, command: str) -> Any:
    done = subprocess.run(
        ["bash", "-euc", exports + command],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_curl_quickstart_ends_with_a_row(product: Product) -> None:
    exports, (quote, create, read, results, report) = _curl_blocks(product)

    quoted = _run(exports, quote)
    created = _run(exports, create)
    ended = product.wait_for(created["id"], seconds=300)
    shown = _run(exports, read.replace("{batch_id}", created["id"]))
    page = _run(exports, results.replace("{batch_id}", created["id"]))
    reported = _run(exports, report)

    assert quoted["pricing_estimate"] == created["pricing_estimate"]
    assert shown["state"] == ended["state"] == "completed"
    (row,) = page["data"]
    assert row["customer_item_id"] == "support_rollup_001"
    assert row["status"] == "completed"
    assert row["output"]["text"]
    assert page["complete"] is True
    assert reported["optimization_report"]["import_provider"] == "openai"


@pytest.mark.skipif(
    _node_major() < NODE_MAJOR_MIN, reason=f"node {NODE_MAJOR_MIN} is not installed"
)
def test_the_javascript_program_ends_with_a_row(
    product: Product, tmp_path: Path
) -> None:
    text = (DATA / "quickstart.mjs.txt").read_text()
    program = tmp_path / "quickstart.mjs"
    program.write_text(text.replace(DOCUMENTED_URL, product.address))

    done = subprocess.run(
        ["node", str(program)],
        env={**os.environ, "BATCHROUTER_API_KEY": product.api_key},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert re.search(r"^quoted 0\.\d+$", done.stdout, flags=re.MULTILINE)
    assert "customer_item_id: 'ticket_digest_001'" in done.stdout
    assert "status: 'completed'" in done.stdout
    assert "complete: true" in done.stdout
    assert "all hold" in product.manage("ledger_reconcile")
