"""What every test shares."""

from collections.abc import Iterator

import pytest

from tests.factories.billing import empty_money_tables


@pytest.fixture
def committed_db(transactional_db: None) -> Iterator[None]:
    """Let transactions really commit; the ledger is emptied at the end."""
    yield
    empty_money_tables()
