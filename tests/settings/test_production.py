"""The production settings, in processes of their own."""

import base64
import json
from typing import Any

import pytest

from tests.settings.processes import python

COMPLETE = {
    "DJANGO_SETTINGS_MODULE": "batchrouter.settings.production",
    "SECRET_KEY": "a-key-of-fifty-characters-that-is-good-enough-for-us",
    "RECEIPT_SIGNING_SEED_B64": base64.b64encode(bytes(range(32))).decode(),
    "DATABASE_URL": "postgresql://app:pw@db.internal:5432/batchrouter?sslmode=require",
    "REDIS_URL": "redis://redis.internal:6379/0",
    "ALLOWED_HOSTS": "api.batchrouter.example",
    "PUBLIC_BASE_URL": "https://api.batchrouter.example",
}
START = "import django; django.setup()"
STRIPE = {
    "STRIPE_SECRET_KEY": "rk_live_" + "a" * 24,
    "STRIPE_WEBHOOK_SECRETS": "whsec_one,whsec_two",
    "STRIPE_LIVE_MODE": "1",
}
SHOWN = [
    "APP_ENV",
    "CACHES",
    "CELERY_BROKER_URL",
    "CSRF_COOKIE_NAME",
    "CSRF_COOKIE_SECURE",
    "DATABASES",
    "DEBUG",
    "EMAIL_BACKEND",
    "MAIL_DIR",
    "SECURE_HSTS_SECONDS",
    "SECURE_SSL_REDIRECT",
    "SESSION_COOKIE_NAME",
    "SESSION_COOKIE_SECURE",
]
SHOW = f"""
import django, json
from django.conf import settings
django.setup()
print(json.dumps({{name: getattr(settings, name) for name in {SHOWN}}}))
"""


@pytest.fixture(scope="module")
def shown() -> dict[str, Any]:
    """Start with all that is required, and what should have no effect."""
    done = python(SHOW, **COMPLETE, DEBUG="1", APP_ENV="development")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", None),
        ("SECRET_KEY", ""),
        ("RECEIPT_SIGNING_SEED_B64", None),
        ("DATABASE_URL", ""),
        ("REDIS_URL", None),
        ("ALLOWED_HOSTS", None),
        ("PUBLIC_BASE_URL", None),
    ],
)
def test_what_is_left_out_stops_the_start_and_is_named(
    name: str, value: str | None
) -> None:
    done = python(START, **{**COMPLETE, name: value})
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(f"django.core.exceptions.ImproperlyConfigured: Set {name}: ")


def test_debugging_cannot_be_switched_on(shown: dict[str, Any]) -> None:
    assert (shown["DEBUG"], shown["APP_ENV"]) == (False, "production")


def test_cookies_and_addresses_are_for_https_only(shown: dict[str, Any]) -> None:
    assert shown["SESSION_COOKIE_SECURE"] is True
    assert shown["SESSION_COOKIE_NAME"] == "__Host-session"
    assert shown["CSRF_COOKIE_SECURE"] is True
    assert shown["CSRF_COOKIE_NAME"] == "__Host-csrf"
    assert shown["SECURE_SSL_REDIRECT"] is True
    assert shown["SECURE_HSTS_SECONDS"] == 31_536_000


def test_mail_is_never_left_in_a_folder(shown: dict[str, Any]) -> None:
    assert shown["MAIL_DIR"] is None
    assert shown["EMAIL_BACKEND"] == "batchrouter.mail.backends.ResendBackend"


def test_the_database_keeps_its_pool_beside_the_options_of_its_address(
    shown: dict[str, Any],
) -> None:
    default = shown["DATABASES"]["default"]
    assert (default["HOST"], default["NAME"]) == ("db.internal", "batchrouter")
    assert default["OPTIONS"]["sslmode"] == "require"
    assert default["OPTIONS"]["pool"]["max_size"] == 12


def test_redis_is_broker_and_cache(shown: dict[str, Any]) -> None:
    assert shown["CELERY_BROKER_URL"] == COMPLETE["REDIS_URL"]
    assert shown["CACHES"] == {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": COMPLETE["REDIS_URL"],
        }
    }


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("LEASE_SECONDS", "1", "LEASE_SECONDS=1 is below 2"),
        ("DIRECT_WINDOW", "many", "DIRECT_WINDOW='many' is not a number"),
        ("SECURE_SSL_REDIRECT", "perhaps", "SECURE_SSL_REDIRECT='perhaps' is not"),
    ],
)
def test_a_bad_value_stops_the_start_and_is_named(
    name: str, value: str, said: str
) -> None:
    done = python(START, **{**COMPLETE, name: value})
    assert done.returncode == 1
    assert f"ImproperlyConfigured: {said}" in done.stderr


def test_checkout_starts_with_all_that_it_needs() -> None:
    code = f"{START}; from django.conf import settings as s; print(s.STRIPE_API_BASE)"
    done = python(code, **COMPLETE, **STRIPE, STRIPE_API_BASE="http://127.0.0.1:9500")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""  # the stand-in is not for production


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STRIPE_WEBHOOK_SECRETS", None),
        ("STRIPE_LIVE_MODE", "0"),
        ("STRIPE_SECRET_KEY", "rk_test_" + "a" * 24),
    ],
)
def test_checkout_does_not_start_in_parts(name: str, value: str | None) -> None:
    done = python(START, **{**COMPLETE, **STRIPE, name: value})
    assert done.returncode != 0
    assert "STRIPE_" in done.stderr
    assert STRIPE["STRIPE_SECRET_KEY"] not in done.stderr
