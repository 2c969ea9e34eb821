"""What every test shares."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from routing import live_keys
from tests.factories.billing import empty_money_tables
from tests.support.mailbox import Mailbox


@pytest.fixture(autouse=True)
def _keys_are_read_again() -> None:
    """Let no test see the keys at providers of the one before."""
    live_keys.forget()


@pytest.fixture
def committed_db(transactional_db: None) -> Iterator[None]:
    """Let transactions really commit; the ledger is emptied at the end."""
    yield
    empty_money_tables()


@pytest.fixture
def mailbox(settings: Settings, tmp_path: Path) -> Mailbox:
    """Let letters land in a folder of this test."""
    settings.MAIL_DIR = tmp_path / "mail"
    # Test runs replace the backend; this is the one of development.
    settings.EMAIL_BACKEND = "batchrouter.mail.backends.FolderBackend"
    return Mailbox(settings.MAIL_DIR)
