"""The quickstart for agents, word for word, against the product."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.product import Product

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]
DOCUMENTED_URL = "http://127.0.0.1:8000"


def program(document: Path) -> str:
    """Return the one shell program that registers an agent."""
    blocks: list[str] = re.findall(
        r"^```sh\n(.*?)^```", document.read_text(), re.M | re.S
    )
    (found,) = (block for block in blocks if "agent-register" in block)
    return found


def test_the_readme_shows_the_same_program() -> None:
    assert program(ROOT / "README.md") == program(ROOT / "docs" / "agents.md")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_an_agent_comes_from_nothing_to_a_row(tmp_path: Path) -> None:
    with Product(tmp_path, with_redis=False, WELCOME_CREDIT_USD="5") as product:
        text = program(ROOT / "docs" / "agents.md")
        assert text.count(DOCUMENTED_URL) == 1
        done = subprocess.run(
            ["sh", "-euc", text.replace(DOCUMENTED_URL, product.address)],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    page = json.loads(done.stdout[done.stdout.rindex('{"object":"list"') :])
    (row,) = page["data"]
    assert page["state"] == "completed"
    assert row["customer_item_id"] == "t1"
    assert row["status"] == "completed"
    assert row["output"]["text"]
