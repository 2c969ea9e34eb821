import pytest
from django.db import transaction
from pytest_django.fixtures import Settings

from batchrouter.kit import clock
from routing import credentials, live_keys
from routing.models import ProviderCredential
from tests.support.calls import client

pytestmark = pytest.mark.django_db

NAMES = {
    "email",
    "checkout",
    "signup",
    "sample_run",
    "sandbox_lanes",
    "live_lanes",
    "object_storage",
    "openai_compat",
    "anthropic_compat",
}


def flags() -> dict[str, dict[str, object]]:
    reply = client().get("/v1/runtime/capabilities")
    assert reply.status_code == 200
    found: dict[str, dict[str, object]] = reply.json()
    return found


def test_every_capability_is_listed() -> None:
    assert set(flags()) == NAMES


def test_each_is_on_or_says_why_not() -> None:
    for flag in flags().values():
        assert set(flag) == {"enabled", "reason"}
        assert isinstance(flag["enabled"], bool)
        assert (flag["reason"] is None) == flag["enabled"]


@pytest.mark.parametrize(
    ("url", "flag"),
    [
        ("", {"enabled": False, "reason": "SANDBOX_PROVIDERS_URL is not set."}),
        ("http://127.0.0.1:9400", {"enabled": True, "reason": None}),
    ],
)
def test_sandbox_lanes_need_a_simulator(
    settings: Settings, url: str, flag: dict[str, object]
) -> None:
    settings.SANDBOX_PROVIDERS_URL = url
    assert flags()["sandbox_lanes"] == flag


@pytest.mark.parametrize(
    ("key", "flag"),
    [
        ("", {"enabled": False, "reason": "No provider key is set."}),
        ("sk-test", {"enabled": True, "reason": None}),
    ],
)
def test_live_lanes_need_a_provider_key(
    settings: Settings, key: str, flag: dict[str, object]
) -> None:
    settings.PROVIDER_API_KEYS = {"openai": key}
    assert flags()["live_lanes"] == flag


def test_a_key_without_an_address_makes_no_live_lane(settings: Settings) -> None:
    settings.PROVIDER_API_KEYS = {"compatible": "sk-test"}
    settings.PROVIDER_BASE_URLS = {}
    assert flags()["live_lanes"]["enabled"] is False


def test_a_key_in_the_database_makes_a_live_lane_until_it_retires(
    settings: Settings,
) -> None:
    settings.PROVIDER_API_KEYS = {"openai": ""}
    row = ProviderCredential.objects.create(
        provider="openai",
        ciphertext=live_keys.sealer().seal("sk-canary-0123456789"),
        is_active=True,
    )
    assert flags()["live_lanes"] == {"enabled": True, "reason": None}

    credentials.retire_credential(row, now=clock.now())
    off = {"enabled": False, "reason": "No provider key is set."}
    assert flags()["live_lanes"] == off


def test_a_database_that_cannot_be_asked_is_the_reason(settings: Settings) -> None:
    settings.PROVIDER_API_KEYS = {"openai": ""}
    with transaction.atomic():
        transaction.set_rollback(True)
        flag = flags()["live_lanes"]
        transaction.set_rollback(False)
    reason = "The provider keys cannot be read now."
    assert flag == {"enabled": False, "reason": reason}


@pytest.mark.parametrize(
    ("key", "flag"),
    [
        ("", {"enabled": False, "reason": "STRIPE_SECRET_KEY is not set."}),
        ("sk_test_x", {"enabled": True, "reason": None}),
    ],
)
def test_checkout_needs_a_stripe_key(
    settings: Settings, key: str, flag: dict[str, object]
) -> None:
    settings.STRIPE_SECRET_KEY = key
    assert flags()["checkout"] == flag


@pytest.mark.parametrize(
    ("has_folder", "key", "is_on"),
    [(True, "", True), (False, "re_key", True), (False, "", False)],
    ids=["folder", "key", "neither"],
)
def test_mail_and_sign_up_need_somewhere_to_send_to(
    settings: Settings, has_folder: bool, key: str, is_on: bool
) -> None:
    settings.MAIL_DIR = settings.MAIL_DIR if has_folder else None
    settings.RESEND_API_KEY = key
    reason = "RESEND_API_KEY is not set."
    assert flags()["email"] == {
        "enabled": is_on,
        "reason": None if is_on else reason,
    }
    assert flags()["signup"] == {
        "enabled": is_on,
        "reason": None if is_on else f"Addresses cannot be confirmed: {reason}",
    }


def test_no_key_is_shown(settings: Settings) -> None:
    settings.RESEND_API_KEY = "re_canary_0123456789"
    settings.PROVIDER_API_KEYS = {"openai": "sk-canary-0123456789"}
    assert b"canary" not in client().get("/v1/runtime/capabilities").content
