"""What the tests of the catalog share."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from catalog.loading import load_catalog

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def loaded(db: None) -> None:
    """Load the product's own data files."""
    load_catalog(now=NOON)


@pytest.fixture
def get(client: Client) -> Callable[..., Any]:
    """Ask an address and return the JSON of a 200."""

    def read(path: str, **params: str) -> Any:
        response = client.get(path, params)
        assert response.status_code == 200, response.content
        return response.json()

    return read
