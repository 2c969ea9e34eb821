"""The organization that the walk is about."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from catalog.loading import load_catalog
from tests.architecture.access.world import World, make_world
from tests.factories.batches import clean_store
from tests.factories.catalog import LONG_AGO


@pytest.fixture
def world(db: None, settings: Settings, tmp_path: Path) -> Iterator[World]:
    settings.ARTIFACTS_DIR = tmp_path / "artifacts"
    settings.SANDBOX_PROVIDERS_URL = "http://127.0.0.1:9"  # nobody answers there
    settings.MAIL_DIR = tmp_path / "mail"
    load_catalog(now=LONG_AGO)
    with clean_store():
        yield make_world()
