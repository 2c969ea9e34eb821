import pytest
from pytest_django import Settings

from routing.connections import connection_for
from routing.contracts import Connection

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_connections(settings: Settings) -> None:
    settings.PROVIDER_API_KEYS = {"openai": ""}
    settings.PROVIDER_BASE_URLS = {"openai": ""}
    settings.SANDBOX_PROVIDERS_URL = ""


def test_without_key_and_simulator_there_is_none() -> None:
    assert connection_for("openai") is None


def test_a_key_gives_the_live_provider(settings: Settings) -> None:
    settings.PROVIDER_API_KEYS = {"openai": "sk-1"}

    assert connection_for("openai") == Connection(
        "openai", "https://api.openai.com/v1", "sk-1", is_sandbox=False
    )


def test_a_base_url_may_be_set(settings: Settings) -> None:
    settings.PROVIDER_API_KEYS = {"openai": "sk-1", "compatible": "local"}
    settings.PROVIDER_BASE_URLS = {
        "openai": "https://eu.api.openai.com/v1/",
        "compatible": "http://10.0.0.5:8000/v1",
    }
    openai = connection_for("openai")
    own = connection_for("compatible")

    assert openai is not None
    assert openai.base_url == "https://eu.api.openai.com/v1"
    assert own is not None
    assert own.base_url == "http://10.0.0.5:8000/v1"


def test_a_provider_without_a_key_is_simulated(settings: Settings) -> None:
    settings.SANDBOX_PROVIDERS_URL = "http://127.0.0.1:9400"

    assert connection_for("groq") == Connection(
        "groq", "http://127.0.0.1:9400/groq/v1", "sandbox", is_sandbox=True
    )


def test_anthropic_is_simulated_where_its_own_paths_begin(settings: Settings) -> None:
    settings.SANDBOX_PROVIDERS_URL = "http://127.0.0.1:9400"
    found = connection_for("anthropic")

    assert found is not None
    assert found.base_url == "http://127.0.0.1:9400/anthropic"


def test_a_providers_own_options_come_with_its_connection(settings: Settings) -> None:
    settings.PROVIDER_API_KEYS = {"anthropic": "sk-1", "openai": "sk-2"}
    settings.PROVIDER_OPTIONS = {"anthropic": {"api_version": "2023-06-01"}}
    anthropic, openai = connection_for("anthropic"), connection_for("openai")

    assert anthropic is not None
    assert (anthropic.base_url, anthropic.options) == (
        "https://api.anthropic.com",
        {"api_version": "2023-06-01"},
    )
    assert openai is not None
    assert openai.options == {}


def test_a_test_key_never_reaches_the_live_provider(settings: Settings) -> None:
    settings.PROVIDER_API_KEYS = {"openai": "sk-1"}

    assert connection_for("openai", sandbox_only=True) is None
    settings.SANDBOX_PROVIDERS_URL = "http://127.0.0.1:9400"
    found = connection_for("openai", sandbox_only=True)
    assert found is not None
    assert (found.is_sandbox, found.api_key) == (True, "sandbox")


def test_a_provider_that_the_simulator_does_not_play_has_none(
    settings: Settings,
) -> None:
    settings.SANDBOX_PROVIDERS_URL = "http://127.0.0.1:9400"

    assert connection_for("compatible") is None


def test_a_key_is_not_shown_when_a_connection_is_printed(
    settings: Settings,
) -> None:
    settings.PROVIDER_API_KEYS = {"openai": "sk-very-secret"}

    assert "sk-very-secret" not in repr(connection_for("openai"))
