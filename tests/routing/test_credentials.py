"""Keys at providers, from their first check to their end."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from batchrouter.kit.errors import InvalidRequest
from batchrouter.kit.outbound import ControlClient
from routing import credentials, live_keys
from routing.base_urls import BaseUrlRefused
from routing.connections import connection_for
from routing.contracts import Connection
from routing.credentials import (
    CredentialRetired,
    CredentialUnreadable,
    SecretRefused,
)
from routing.models import ProviderCredential
from tests.routing.key_server import KEY, NEXT_KEY, KeyServer, facts
from tests.routing.values import NOON
from tests.routing.wire_server import Received, Wire

pytestmark = pytest.mark.django_db


def add(secret: str = KEY, provider: str = "openai", **more: Any) -> ProviderCredential:
    return credentials.add_credential(
        provider=provider,
        label="main",
        secret=secret,
        created_by=None,
        now=NOON,
        **more,
    )


def check(row: ProviderCredential) -> str:
    return str(credentials.check_credential(row, now=NOON))


def activate(secret: str = KEY, provider: str = "openai") -> ProviderCredential:
    row = add(secret, provider)
    assert check(row) == "accepted 200"
    return row


def key_in_use(provider: str = "openai") -> str | None:
    found = connection_for(provider)
    return found.api_key if found else None


# --- adding and checking ---


def test_a_key_waits_for_its_check(openai: KeyServer) -> None:
    row = add()

    assert (row.is_active, row.checked_at, row.check_outcome) == (False, None, "")
    assert key_in_use() is None
    assert openai.received == []


def test_a_key_that_the_provider_takes_becomes_active(openai: KeyServer) -> None:
    row = activate()

    row.refresh_from_db()
    assert (row.is_active, row.checked_at) == (True, NOON)
    assert (row.check_outcome, row.last_four) == ("accepted 200", "abcd")
    assert connection_for("openai") == Connection(
        "openai", openai.url, KEY, is_sandbox=False
    )


def test_a_key_that_is_refused_changes_nothing_but_its_own_record(
    openai: KeyServer,
) -> None:
    activate()
    before, wrong = facts(), add("sk-wrong-0123456789")

    assert check(wrong) == "refused 401"
    wrong.refresh_from_db()
    assert (wrong.is_active, wrong.retired_at) == (False, NOON)
    assert (wrong.check_outcome, wrong.ciphertext) == ("refused 401", "")
    assert facts()[:-1] == before
    assert key_in_use() == KEY


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Unavailable"])
def test_a_key_waits_on_while_the_provider_cannot_tell(
    openai: KeyServer, status: str
) -> None:
    openai.status = status
    row = add()

    assert check(row) == f"unclear {status[:3]}"
    assert (row.is_active, row.retired_at, key_in_use()) == (False, None, None)
    openai.status = ""
    assert check(row) == "accepted 200"
    assert key_in_use() == KEY


def test_an_active_key_that_is_refused_later_stays_for_the_operator_to_judge(
    openai: KeyServer,
) -> None:
    row = activate()
    openai.keys.clear()

    assert check(row) == "refused 401"
    row.refresh_from_db()
    assert (row.is_active, row.check_outcome) == (True, "refused 401")
    assert key_in_use() == KEY


@pytest.mark.django_db(transaction=True)
def test_the_provider_is_asked_after_the_key_is_written_and_outside_a_transaction(
    openai: KeyServer,
) -> None:
    seen: list[tuple[int, int]] = []

    def look() -> None:
        waiting = ProviderCredential.objects.filter(is_active=False).count()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname ="
                " current_database() AND state LIKE 'idle in transaction%%'"
            )
            seen.append((waiting, cursor.fetchone()[0]))
        connection.close()

    async def answer(_received: Received, wire: Wire) -> None:
        await asyncio.to_thread(look)
        await wire.reply()

    openai.on("/models", answer)

    activate()
    assert seen == [(1, 0)]


def test_a_key_retired_during_its_check_stays_retired(openai: KeyServer) -> None:
    row = add()
    credentials.retire_credential(ProviderCredential.objects.get(), now=NOON)
    before = facts()

    with pytest.raises(CredentialRetired):
        check(row)
    assert facts() == before


@pytest.mark.parametrize(
    "secret",
    ["", "  ", "sk-two words", "sk-ü", "sk\r\nX-Evil: 1", "sk-\0", "k" * 501],
    ids=["empty", "blank", "words", "not-ascii", "header", "nul", "long"],
)
def test_what_cannot_be_a_key_is_refused_and_not_repeated(
    openai: KeyServer, secret: str
) -> None:
    with pytest.raises(SecretRefused) as refusal:
        add(secret)
    assert "sk" not in str(refusal.value)
    assert facts() == []


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ({"provider": "nobody"}, InvalidRequest),
        ({"provider": "compatible"}, InvalidRequest),
        ({"base_url": "https://10.0.0.5/v1"}, BaseUrlRefused),
        ({"base_url": "http://8.8.8.8/v1"}, BaseUrlRefused),
    ],
    ids=["unknown", "no-address", "private", "plain"],
)
def test_a_key_that_would_go_nowhere_good_is_refused(
    openai: KeyServer, more: dict[str, str], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        add(**more)
    assert facts() == []


def test_an_operators_own_server_is_used_with_its_own_address(
    openai: KeyServer, settings: Any
) -> None:
    settings.APP_ENV = "development"
    row = add(provider="compatible", base_url=f"{openai.url}/")
    check(row)

    assert connection_for("compatible") == Connection(
        "compatible", openai.url, KEY, is_sandbox=False
    )


def test_a_short_key_is_not_half_shown(openai: KeyServer) -> None:
    assert add("local").last_four == ""


# --- one after another ---


def test_a_new_key_retires_the_old_one(openai: KeyServer) -> None:
    old, new = activate(), activate(NEXT_KEY)

    old.refresh_from_db()
    assert (old.is_active, old.retired_at, old.ciphertext) == (False, NOON, "")
    assert ProviderCredential.objects.get(is_active=True) == new
    assert key_in_use() == NEXT_KEY


def test_keys_of_other_providers_stay(openai: KeyServer) -> None:
    activate(provider="groq")
    activate(NEXT_KEY)

    assert (key_in_use("groq"), key_in_use("openai")) == (KEY, NEXT_KEY)


def test_the_database_refuses_two_active_keys_at_one_provider(
    openai: KeyServer,
) -> None:
    activate()
    add(NEXT_KEY)

    with pytest.raises(IntegrityError), transaction.atomic():
        ProviderCredential.objects.update(is_active=True)


def test_a_call_under_way_ends_in_peace_on_the_old_key(openai: KeyServer) -> None:
    begun, may_end = threading.Event(), threading.Event()

    async def slow(received: Received, wire: Wire) -> None:
        begun.set()
        await asyncio.to_thread(may_end.wait, 10)
        await wire.reply(received.headers["authorization"].encode())

    url = openai.on("/slow", slow)
    activate()
    held = connection_for("openai")
    assert held is not None
    headers = {"Authorization": f"Bearer {held.api_key}"}
    with ThreadPoolExecutor(1) as thread:
        call = thread.submit(ControlClient().call, "GET", url, headers=headers)
        assert begun.wait(10)
        activate(NEXT_KEY)
        may_end.set()

    assert call.result().status == 200
    assert call.result().body.decode() == f"Bearer {KEY}"
    assert (held.api_key, key_in_use()) == (KEY, NEXT_KEY)


def test_a_retired_key_is_gone_and_stays_as_it_is(openai: KeyServer) -> None:
    row = activate()
    credentials.retire_credential(row, now=NOON)
    before = facts()

    assert key_in_use() is None
    assert (before[0]["ciphertext"], before[0]["retired_at"]) == ("", NOON)
    credentials.retire_credential(row, now=NOON)
    with pytest.raises(CredentialRetired):
        check(row)
    assert facts() == before


# --- where connections come from ---


def test_the_database_counts_before_the_environment(
    openai: KeyServer, settings: Any
) -> None:
    settings.PROVIDER_API_KEYS = {"openai": "sk-environment"}
    assert key_in_use() == "sk-environment"

    row = activate()
    assert key_in_use() == KEY
    credentials.retire_credential(row, now=NOON)
    assert key_in_use() == "sk-environment"


def test_a_test_key_stays_with_the_simulator(openai: KeyServer, settings: Any) -> None:
    settings.SANDBOX_PROVIDERS_URL = "http://127.0.0.1:9400"
    activate()

    found = connection_for("openai", sandbox_only=True)
    assert found is not None
    assert (found.is_sandbox, found.api_key) == (True, "sandbox")
    other = connection_for("groq")
    assert other is not None
    assert other.is_sandbox


def test_one_query_serves_all_providers_for_a_moment(
    openai: KeyServer, django_assert_num_queries: Any
) -> None:
    activate()

    with django_assert_num_queries(1):
        for _ in range(5):
            assert key_in_use() == KEY
            assert key_in_use("groq") is None


def test_what_another_process_retired_is_gone_within_seconds(
    openai: KeyServer,
) -> None:
    activate()
    assert key_in_use() == KEY
    # As another process does it: nothing tells this one.
    ProviderCredential.objects.update(is_active=False)

    time.sleep(live_keys.KEPT_SECONDS + 0.1)
    assert key_in_use() is None


# --- sealing ---


def test_the_key_is_nowhere_in_the_database_in_clear(openai: KeyServer) -> None:
    activate()
    add(NEXT_KEY)

    tables = connection.introspection.table_names()
    assert "routing_providercredential" in tables
    with connection.cursor() as cursor:
        for table in tables:
            name = connection.ops.quote_name(table)
            cursor.execute(f"SELECT count(*) FROM {name} t WHERE t::text ~ 'canary'")
            assert cursor.fetchone() == (0,), table


def test_the_key_is_in_no_text_about_it(openai: KeyServer) -> None:
    row = activate()

    shown = (repr(row), str(row), repr(connection_for("openai")))
    assert "canary" not in repr(shown) + repr(live_keys.live_key("openai"))


def test_sealing_keys_are_rotated_without_a_gap(
    openai: KeyServer, settings: Any
) -> None:
    settings.SECRET_KEY = "the old one"
    activate()
    settings.CREDENTIALS_KEYS = ["new", "the old one"]
    live_keys.forget()
    assert key_in_use() == KEY

    assert credentials.reseal_credentials() == 1
    settings.CREDENTIALS_KEYS = ["new"]
    live_keys.forget()
    assert key_in_use() == KEY


def test_resealing_changes_nothing_where_one_key_cannot_be_opened(
    openai: KeyServer, settings: Any
) -> None:
    activate()
    settings.CREDENTIALS_KEYS = ["new"]
    activate(provider="groq")
    before = facts()
    settings.CREDENTIALS_KEYS = ["newest", "new"]

    with pytest.raises(CredentialUnreadable):
        credentials.reseal_credentials()
    assert facts() == before


def test_a_key_that_cannot_be_opened_is_none(openai: KeyServer, settings: Any) -> None:
    row = activate()
    settings.CREDENTIALS_KEYS = ["another"]
    live_keys.forget()
    before = facts()

    assert key_in_use() is None
    with pytest.raises(CredentialUnreadable):
        check(row)
    assert facts() == before
