"""One product for the tests that only call it."""

from collections.abc import Iterator

import pytest

from tests.support.product import Product


@pytest.fixture(scope="session")
def shared_product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Run everything without Redis: messages are files, the cache is a table."""
    with Product(tmp_path_factory.mktemp("shared"), with_redis=False) as running:
        yield running
