"""The programs of the documentation's own pages, word for word, against the product.

The blocks of a page in one language, one after the other, are a program.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.product import Product

pytestmark = pytest.mark.processes

GUIDE = Path(__file__).parents[2] / "docs" / "guide"
ROW_COUNT = {"curl": 1, "javascript": 3, "python": 3}
NEEDS = {"sh": "curl", "js": "node", "python": sys.executable}


def programs() -> list[tuple[str, str]]:
    """Return the pages and languages that have blocks to run."""
    return [
        (path.stem, language)
        for path in sorted(GUIDE.glob("*.md"))
        for language in NEEDS
        if program(path.stem, language)
    ]


def program(page: str, language: str) -> str:
    text = (GUIDE / f"{page}.md").read_text()
    blocks = re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)
    return "\n".join(blocks)


def run(language: str, text: str, product: Product, folder: Path) -> str:
    if shutil.which(NEEDS[language]) is None:
        pytest.skip(f"{NEEDS[language]} is not installed")
    path = folder / {"sh": "a.sh", "js": "a.mjs", "python": "a.py"}[language]
    path.write_text(text)
    command = {"sh": ["sh", "-eu"], "js": ["node"], "python": [sys.executable]}
    done = subprocess.run(
        [*command[language], str(path)],
        env={
            **os.environ,
            "BASE_URL": product.address,
            "OB_API_KEY": product.api_key,
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_pages_with_programs_are_these() -> None:
    assert programs() == [
        ("curl", "sh"),
        ("javascript", "js"),
        ("manifests", "sh"),
        ("python", "python"),
        ("receipts", "sh"),
    ]


@pytest.mark.parametrize(
    ("page", "language"), [("curl", "sh"), ("javascript", "js"), ("python", "python")]
)
def test_a_quickstart_ends_with_all_of_its_rows(
    page: str, language: str, shared_product: Product, tmp_path: Path
) -> None:
    told = run(language, program(page, language), shared_product, tmp_path)
    if language == "sh":
        assert told.count('"status":"completed"') == ROW_COUNT[page]
    else:
        rows = re.findall(r"^drink_\d completed \S", told, re.M)
        assert len(rows) == ROW_COUNT[page]
        assert re.search(r"^at most 0\.\d+ USD$", told, re.M)


def test_a_manifest_with_a_mistake_is_told_where_it_is(
    shared_product: Product, tmp_path: Path
) -> None:
    told = run("sh", program("manifests", "sh"), shared_product, tmp_path)
    assert '"code":"invalid_manifest"' in told
    assert "no-such-model" in told


def test_the_receipts_keys_are_where_the_page_says(
    shared_product: Product, tmp_path: Path
) -> None:
    told = run("sh", program("receipts", "sh"), shared_product, tmp_path)
    assert '"keys"' in told
    assert "ed25519" in told.lower()
