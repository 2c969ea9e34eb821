"""What the tests of pages share: a market that nobody answers, and three people."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts.models import Org, Role
from batches.models import Batch
from catalog.loading import load_catalog
from tests.console.made import browser_of, finished_batch
from tests.factories.batches import clean_store
from tests.factories.billing import funded_org
from tests.factories.catalog import LONG_AGO


@pytest.fixture
def market(db: None, settings: Any, tmp_path: Path) -> Iterator[None]:
    """Load the catalog, with every provider played by nobody."""
    settings.ARTIFACTS_DIR = tmp_path / "artifacts"
    settings.SANDBOX_PROVIDERS_URL = "http://127.0.0.1:9"
    settings.PUBLIC_BASE_URL = "https://batchrouter.example"
    load_catalog(now=LONG_AGO)
    with clean_store():
        yield


@pytest.fixture
def org(market: None) -> Org:
    """Fifty dollars of credits."""
    return funded_org(usd=50)


@pytest.fixture
def owner(org: Org) -> Client:
    return browser_of(org)


@pytest.fixture
def viewer(org: Org) -> Client:
    return browser_of(org, Role.VIEWER)


@pytest.fixture
def stranger(market: None) -> Client:
    return browser_of(funded_org(usd=1))


@pytest.fixture
def batch(org: Org) -> Batch:
    """A settled batch of two answers."""
    return finished_batch(org, "The first answer.", "The second answer.")
