import pytest

from routing.base_urls import BaseUrlRefused, accepted_base_url

# A public address, so no name server is asked.
PUBLIC = "https://8.8.8.8/v1"


def accepted(text: str, *, provider: str = "openai", dev: bool = False) -> str:
    return accepted_base_url(provider, text, in_development=dev)


def test_a_public_address_is_taken_without_its_last_slash() -> None:
    assert accepted(f"{PUBLIC}/") == PUBLIC


@pytest.mark.parametrize(
    "text",
    [
        "https://127.0.0.1/v1",
        "https://10.0.0.5",
        "https://192.168.1.4:8443/v1",
        "https://169.254.169.254/latest",
        "https://[::1]/v1",
        "https://[fd00::1]/v1",
        "https://[::ffff:10.0.0.5]/v1",
        "https://0.0.0.0/v1",
        "https://localhost/v1",
        "https://224.0.0.1/v1",
    ],
)
def test_a_private_address_is_refused(text: str) -> None:
    with pytest.raises(BaseUrlRefused, match="private network"):
        accepted(text)


def test_an_operators_own_server_may_be_private() -> None:
    text = "https://10.0.0.5:8000/v1"
    assert accepted(text, provider="compatible") == text


def test_plain_http_is_for_development() -> None:
    text = "http://127.0.0.1:11434/v1"
    assert accepted(text, provider="compatible", dev=True) == text
    with pytest.raises(BaseUrlRefused, match="https"):
        accepted(text, provider="compatible")


@pytest.mark.parametrize(
    "text",
    [
        "https://user:pw@8.8.8.8/v1",
        "https://8.8.8.8/v1?key=1",
        "https://8.8.8.8/v1#top",
        "https://8.8.8.8/v 1",
        "https:///v1",
        "https://8.8.8.8:99999/v1",
        "https://8.8.8.8/v1\r\nX-A: b",
        "https://[::1",
        "ftp://8.8.8.8/v1",
        "v1",
    ],
)
def test_what_is_not_a_bare_address_is_refused(text: str) -> None:
    with pytest.raises(BaseUrlRefused) as refusal:
        accepted(text, dev=True)
    assert refusal.value.param == "base_url"


def test_a_host_without_an_address_is_refused() -> None:
    with pytest.raises(BaseUrlRefused, match="no address"):
        accepted("https://nowhere.invalid/v1")
