"""What the tests of the main job share: a market, its customers, a simulator."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from accounts.models import ApiKey, Org
from batchrouter.kit.money import NANO_PER_USD
from catalog.loading import load_catalog
from tests.factories.accounts import make_key
from tests.factories.batches import clean_store
from tests.factories.billing import GrantFactory
from tests.factories.catalog import LONG_AGO
from tests.support.api_client import ApiClient
from tests.support.simulator import SimulatorProcess

# Nobody answers here: enough for tests that quote and never run.
NOWHERE = "http://127.0.0.1:9"
CATALOG_TABLES = (
    "catalog_provider",
    "catalog_modelprofile",
    "catalog_offering",
    "catalog_offeringprice",
    "catalog_workflowproduct",
)


@dataclass(frozen=True)
class Customer:
    """An organization with a key and credits."""

    org: Org
    key: ApiKey
    api: ApiClient


def make_customer(*, usd: int = 50, **key: Any) -> Customer:
    """Make an organization with this much credit and a key."""
    org = GrantFactory.create(amount_nanousd=usd * NANO_PER_USD).org
    made = make_key(org, **key)
    return Customer(org, made.row, ApiClient(made.secret))


@pytest.fixture(scope="session")
def catalog_rows() -> dict[str, bytes]:
    """Hold the catalog's tables once loaded: copying them in is ten times faster."""
    return {}


def _load(rows: dict[str, bytes]) -> None:
    with connection.cursor() as cursor:
        for table, data in rows.items():
            with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                copy.write(data)
        if rows:
            return
        load_catalog(now=LONG_AGO)
        for table in CATALOG_TABLES:
            with cursor.copy(f"COPY {table} TO STDOUT") as copy:
                rows[table] = b"".join(bytes(part) for part in copy)


@pytest.fixture
def market(
    db: None, settings: Any, tmp_path: Path, catalog_rows: dict[str, bytes]
) -> Iterator[None]:
    """Load the catalog, with every provider played by nobody."""
    settings.ARTIFACTS_DIR = tmp_path / "artifacts"
    settings.SANDBOX_PROVIDERS_URL = NOWHERE
    _load(catalog_rows)
    with clean_store():
        yield


@pytest.fixture(scope="session")
def simulator_process() -> Iterator[SimulatorProcess]:
    with SimulatorProcess(batch_seconds=0.1) as running:
        yield running


@pytest.fixture
def simulator(
    market: None, settings: Any, simulator_process: SimulatorProcess
) -> Iterator[SimulatorProcess]:
    """Let the simulator play every provider, quickly."""
    settings.SANDBOX_PROVIDERS_URL = simulator_process.url
    settings.NATIVE_POLL_FIRST_SECONDS = 0.05
    settings.NATIVE_POLL_MAX_SECONDS = 0.2
    yield simulator_process
    simulator_process.reset()


@pytest.fixture
def owner(market: None) -> Customer:
    return make_customer()


@pytest.fixture
def stranger(market: None) -> Customer:
    return make_customer()
