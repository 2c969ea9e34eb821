from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from tests.routing.wire_server import WireServer
from tests.support.mailbox import Mailbox


@pytest.fixture
def folder(mailbox: Mailbox) -> Path:
    """Where the letters of this test go, as in development."""
    return mailbox.folder


@pytest.fixture
def provider(settings: Settings) -> Iterator[WireServer]:
    """A server in the place of Resend."""
    with WireServer() as server:
        settings.EMAIL_BACKEND = "batchrouter.mail.backends.ResendBackend"
        settings.MAIL_DIR = None
        settings.RESEND_API_KEY = "re_test"
        settings.ANYMAIL = {
            **settings.ANYMAIL,
            "RESEND_API_KEY": "re_test",
            "RESEND_API_URL": server.url + "/",
            "REQUESTS_TIMEOUT": (1, 0.3),
        }
        yield server
