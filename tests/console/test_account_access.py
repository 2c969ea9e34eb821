"""Who may see which page of accounts, and that no other site can post to one."""

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import Org, Role
from tests.console.made import browser_of
from tests.factories.accounts import MembershipFactory, OrgFactory, UserFactory

pytestmark = pytest.mark.django_db

PUBLIC = [
    "/login",
    "/signup",
    "/signup/sent",
    "/signup/confirm",
    "/password/reset",
    "/password/reset/sent",
    "/password/reset/confirm",
    "/account/email/confirm",
    "/account/inactive",
]
OF_A_PERSON = ["/account", "/account/sessions", "/account/two-factor"]
OF_A_MEMBER = ["/account/keys", "/account/members", "/account/webhooks"]
# What the addresses of other pages take.
OF_THE_FORM = {
    "<quote_id:quote_id>": "qlock_" + "0" * 26,
    "<batch_id:batch_id>": "batch_" + "0" * 26,
    "<checkout_id:checkout_id>": "cks_" + "0" * 26,
    "<month:month>": "2026-01",
    "<import_id:import_id>": "imp_" + "0" * 26,
    "<delivery_id:delivery_id>": "whd_" + "0" * 26,
    "<item_number:seq>": "7",
}


@pytest.fixture
def org() -> Org:
    return OrgFactory.create()


@pytest.mark.parametrize("path", PUBLIC)
def test_a_stranger_sees_the_way_in(path: str) -> None:
    assert Client().get(path).status_code == 200


@pytest.mark.parametrize("path", OF_A_PERSON + OF_A_MEMBER)
def test_a_stranger_is_sent_to_log_in(path: str) -> None:
    reply = Client().get(path)
    assert (reply.status_code, reply["Location"]) == (302, f"/login?next={path}")


@pytest.mark.parametrize("role", Role.values)
@pytest.mark.parametrize("path", OF_A_PERSON + OF_A_MEMBER)
def test_everybody_who_belongs_sees_their_pages(path: str, role: str, org: Org) -> None:
    assert browser_of(org, role).get(path).status_code == 200


@pytest.mark.parametrize("path", OF_A_PERSON)
def test_somebody_without_an_organization_has_an_account(path: str) -> None:
    client = Client()
    client.force_login(UserFactory.create())
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("path", OF_A_MEMBER)
def test_somebody_without_an_organization_has_no_keys(path: str) -> None:
    client = Client()
    client.force_login(UserFactory.create())
    assert client.get(path).status_code == 403


@pytest.mark.parametrize("role", Role.values)
def test_a_suspended_organization_is_closed_to_everybody(role: str, org: Org) -> None:
    browser = browser_of(org, role)
    Org.objects.update(is_suspended=True)
    assert browser.get("/account/keys").status_code == 403


def addresses(patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns)
        else:
            path = str(pattern.pattern)
            for converter, value in OF_THE_FORM.items():
                path = path.replace(converter, value)
            yield "/" + re.sub(r"<(?:str|slug|path):\w+>", "x", path)


def pages() -> list[str]:
    return sorted(set(addresses(get_resolver("console.urls").url_patterns)))


def test_the_list_of_addresses_is_whole() -> None:
    assert {"/login", "/account/keys/x/revoke", "/receipts/verify"} <= set(pages())


def test_no_page_takes_a_post_of_another_site(org: Org) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(MembershipFactory.create(org=org).user)
    answers = {path: client.post(path, {}).status_code for path in pages()}
    assert answers == dict.fromkeys(pages(), 403)


def test_no_page_takes_a_strangers_post_of_another_site() -> None:
    client = Client(enforce_csrf_checks=True)
    answers = {path: client.post(path, {}).status_code for path in pages()}
    # Sent to log in before the body, which may be large, is looked at.
    large = dict.fromkeys(["/batches/new", "/reports/imports"], 302)
    assert answers == dict.fromkeys(pages(), 403) | large


@pytest.mark.parametrize("path", PUBLIC + OF_A_PERSON + OF_A_MEMBER)
def test_pages_admit_no_inline_script_or_style(path: str, org: Org) -> None:
    client = Client() if path in PUBLIC else browser_of(org)
    reply = client.get(path)
    body = reply.content.decode()
    assert "unsafe-inline" not in reply["Content-Security-Policy"]
    assert "<style" not in body
    assert " style=" not in body
    assert " onclick=" not in body


@pytest.mark.parametrize("path", PUBLIC[:-1] + OF_A_PERSON + OF_A_MEMBER)
def test_pages_of_accounts_are_kept_by_no_cache(path: str, org: Org) -> None:
    client = Client() if path in PUBLIC else browser_of(org)
    assert "no-store" in client.get(path)["Cache-Control"]


@pytest.mark.parametrize("path", PUBLIC + OF_A_PERSON + OF_A_MEMBER)
def test_every_field_has_a_label(path: str, org: Org) -> None:
    client = Client() if path in PUBLIC else browser_of(org)
    body = client.get(path).content.decode()
    fields = re.findall(r"<(?:input|select|textarea)\b[^>]*>", body)
    for field in fields:
        if 'type="hidden"' in field or 'aria-hidden="true"' in field:
            continue
        found = re.search(r'\bid="([^"]+)"', field)
        assert found is not None, field
        assert f'for="{found[1]}"' in body, field
