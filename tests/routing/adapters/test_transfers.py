"""Where a file may be fetched from or brought to, because a provider said so."""

import pytest

from routing.adapters.transfers import transfer_url
from tests.routing.values import make_connection

HOME = make_connection(base_url="http://127.0.0.1:9400/together/v1")


@pytest.mark.parametrize(
    "url",
    [
        "https://store.example.com/f?signature=x",
        "http://127.0.0.1:9400/together/_upload/f",
    ],
)
def test_a_named_store_and_the_provider_itself_are_taken(url: str) -> None:
    assert transfer_url(HOME, url) == url


@pytest.mark.parametrize(
    "url",
    [
        None,
        7,
        "",
        "/relative",
        "ftp://store.example.com/f",
        "http://store.example.com/f",
        "https://user@store.example.com/f",
        "https://10.0.0.5/f",
        "https://[::1]/f",
        "https://2130706433/f",
        "https://127.1/f",
        "https://localhost/f",
        "https://db.internal/f",
        "https://postgres/f",
        "https://store.example.com/a b\n",
        "https://store.example.com:port/f",
        "http://127.0.0.1:9401/f",
    ],
)
def test_every_other_address_is_refused(url: object) -> None:
    assert transfer_url(HOME, url) is None
