"""What operators do with keys at providers in the admin."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import User
from routing.connections import connection_for
from routing.models import ProviderCredential
from tests.routing.key_server import KEY, NEXT_KEY, KeyServer, facts
from tests.support.operators import log_in_operator

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.routing.admin_urls")]

LIST = "admin:routing_providercredential_changelist"
ADD = "admin:routing_providercredential_add"


@pytest.fixture
def operator(client: Client) -> User:
    user = User.objects.create_superuser("op@example.com", "a long password")
    log_in_operator(client, user)
    return user


def add(client: Client, secret: str = KEY, **more: str) -> Any:
    form = {"provider": "openai", "label": "main", "secret": secret, "base_url": ""}
    return client.post(reverse(ADD), form | more)


def act(client: Client, action: str) -> Any:
    ids = list(ProviderCredential.objects.values_list("pk", flat=True))
    return client.post(reverse(LIST), {"action": action, "_selected_action": ids})


def said(reply: HttpResponse) -> list[str]:
    return [str(message) for message in get_messages(reply.wsgi_request)]  # type: ignore[attr-defined]


def test_the_form_asks_for_the_secret_unseen(client: Client, operator: User) -> None:
    page = client.get(reverse(ADD)).content.decode()

    assert '<input type="password" name="secret" autocomplete="new-password"' in page
    assert "ciphertext" not in page


def test_a_good_key_becomes_active(
    client: Client, operator: User, openai: KeyServer
) -> None:
    reply = add(client)

    assert (reply.status_code, reply["Location"]) == (302, reverse(LIST))
    assert said(reply) == ["openai …abcd: accepted 200, active."]
    row = ProviderCredential.objects.get()
    assert (row.is_active, row.label, row.created_by) == (True, "main", operator)
    found = connection_for("openai")
    assert found is not None
    assert found.api_key == KEY


def test_a_wrong_key_is_told_by_its_status_alone(
    client: Client, operator: User, openai: KeyServer
) -> None:
    add(client)
    before = facts()

    reply = add(client, "sk-wrong-canary-0123456789")
    assert said(reply)[-1] == "openai …6789: refused 401, not active."
    assert "canary" not in "".join(said(reply))
    assert facts()[:-1] == before


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"secret": "sk-canary two"}, "A key is one word of ASCII characters."),
        ({"base_url": "https://127.0.0.1/v1"}, "is in a private network."),
        ({"provider": "nobody"}, "Select a valid choice."),
    ],
    ids=["secret", "address", "provider"],
)
def test_a_form_that_is_refused_does_not_show_the_secret_again(
    client: Client,
    operator: User,
    openai: KeyServer,
    more: dict[str, str],
    error: str,
) -> None:
    reply = add(client, **more)

    assert reply.status_code == 200
    assert error in reply.content.decode()
    assert b"canary" not in reply.content
    assert facts() == []
    assert openai.received == []


def test_only_the_last_four_are_shown_afterwards(
    client: Client, operator: User, openai: KeyServer
) -> None:
    add(client)
    row = ProviderCredential.objects.get()
    name = "admin:routing_providercredential_change"

    for url in (reverse(LIST), reverse(name, args=[row.pk])):
        page = client.get(url).content.decode()
        assert "…abcd" in page
        assert "canary" not in page
        assert row.ciphertext not in page


def test_the_history_tells_what_was_done_without_the_secret(
    client: Client, operator: User, openai: KeyServer
) -> None:
    add(client)
    act(client, "retire")

    entries = LogEntry.objects.order_by("pk")
    assert [str(entry.get_change_message()) for entry in entries] == [
        "Added.",
        "Checked: accepted 200.",
        "Retired.",
    ]
    assert "canary" not in repr(list(entries.values()))


def test_check_now_makes_a_waiting_key_active(
    client: Client, operator: User, openai: KeyServer
) -> None:
    openai.status = "503 Unavailable"
    assert said(add(client)) == ["openai …abcd: unclear 503, not active."]
    openai.status = ""

    act(client, "check_now")
    row = ProviderCredential.objects.get()
    assert (row.is_active, row.check_outcome) == (True, "accepted 200")


def test_a_retired_key_is_not_asked_about(
    client: Client, operator: User, openai: KeyServer
) -> None:
    add(client)
    act(client, "retire")
    before, asked = facts(), len(openai.received)

    reply = act(client, "check_now")
    assert said(reply)[-1].endswith("is retired.")
    assert (facts(), len(openai.received)) == (before, asked)


def test_who_may_only_look_changes_nothing(client: Client, openai: KeyServer) -> None:
    viewer = User.objects.create_user("v@example.com", "a long password", is_staff=True)
    codename = "view_providercredential"
    viewer.user_permissions.add(Permission.objects.get(codename=codename))
    log_in_operator(client, viewer)
    ProviderCredential.objects.create(provider="openai", ciphertext="x")
    before = facts()

    assert client.get(reverse(LIST)).status_code == 200
    assert client.get(reverse(ADD)).status_code == 403
    assert add(client, NEXT_KEY).status_code == 403
    for action in ("check_now", "retire"):
        act(client, action)
    assert facts() == before
    assert openai.received == []
