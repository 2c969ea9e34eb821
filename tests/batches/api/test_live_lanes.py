"""A provider's key in the environment is all it takes for its live lanes to appear."""

import json
from typing import Any

import pytest

from tests.batches.conftest import Customer
from tests.factories.batches import make_item
from tests.settings.processes import python

# A model that each provider sells, and the modes it is sold in.
SOLD = {
    "openai": ("gpt-5.4-mini", {"batch", "direct"}),
    "anthropic": ("claude-haiku-4-5", {"batch", "direct"}),
    "gemini": ("gemini-2.5-flash", {"batch", "direct"}),
    "mistral": ("mistral-small-latest", {"batch", "direct"}),
    "groq": ("openai/gpt-oss-120b", {"batch", "direct"}),
    # Its batch prices are not published, so it is sold by direct calls alone.
    "together": ("Qwen/Qwen3.5-9B", {"direct"}),
    "fireworks": ("Qwen/Qwen3.7-Plus", {"batch", "direct"}),
    "deepseek": ("deepseek-flash", {"direct"}),
}
# Their models are the operator's to add: the catalog has none.
WITHOUT_MODELS = {"openrouter", "compatible"}
_SHOW = "from django.conf import settings; import json; print(json.dumps({}))"


@pytest.fixture(scope="module")
def keys() -> dict[str, str]:
    """Return the keys that the settings read where every variable is set."""
    variables = {
        f"{provider.upper()}_API_KEY": f"sk-{provider}"
        for provider in [*SOLD, *WITHOUT_MODELS]
    }
    done = python(_SHOW.format("settings.PROVIDER_API_KEYS"), **variables)
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


def lanes_of(owner: Customer, model: str) -> list[dict[str, Any]]:
    """Return the lanes that a quote shows, refused ones too."""
    items = [make_item(model=model)]
    response = owner.api.post("/v1/batches/quote", {"items": items})
    lanes: list[dict[str, Any]] = response.json().get("lanes", [])
    return lanes


def open_lanes(lanes: list[dict[str, Any]]) -> set[tuple[str, str, bool]]:
    """Return provider, mode, and whether it is simulated, of lanes that may serve."""
    return {
        (lane["provider"], lane["mode"], lane["sandbox"])
        for lane in lanes
        if lane["rejection_code"] is None
    }


def test_every_variable_is_read(keys: dict[str, str]) -> None:
    assert keys == {p: f"sk-{p}" for p in [*SOLD, *WITHOUT_MODELS]}


@pytest.mark.parametrize("provider", SOLD)
def test_with_its_key_a_provider_has_live_lanes_and_no_other_has(
    owner: Customer, settings: Any, keys: dict[str, str], provider: str
) -> None:
    model, modes = SOLD[provider]
    settings.SANDBOX_PROVIDERS_URL = ""
    settings.PROVIDER_API_KEYS = {provider: keys[provider]}

    lanes = lanes_of(owner, model)
    assert open_lanes(lanes) == {(provider, mode, False) for mode in modes}


@pytest.mark.parametrize("provider", SOLD)
def test_without_a_key_a_provider_is_simulated(
    owner: Customer, settings: Any, provider: str
) -> None:
    model, modes = SOLD[provider]
    settings.SANDBOX_PROVIDERS_URL = "http://127.0.0.1:9400"
    settings.PROVIDER_API_KEYS = {}

    found = open_lanes(lanes_of(owner, model))
    assert {(provider, mode, True) for mode in modes} <= found
    assert all(is_simulated for _, _, is_simulated in found)


def test_without_keys_and_simulator_there_is_no_lane(
    owner: Customer, settings: Any
) -> None:
    settings.SANDBOX_PROVIDERS_URL = ""
    settings.PROVIDER_API_KEYS = {}

    assert open_lanes(lanes_of(owner, "gpt-5.4-mini")) == set()
