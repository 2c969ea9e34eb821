import base64
from typing import Any

import pytest

from accounts.models import ApiKey, Org
from tests.factories.accounts import ApiKeyFactory, OrgFactory, make_key
from tests.support.calls import bearer, client, refusal

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.web.urls")]


class Reader:
    """A program with a key, and its organization's list of keys."""

    def __init__(self, org: Org) -> None:
        self.org = org
        self.headers = bearer(make_key(org).secret)

    def get(self, path: str = "/v1/keys", **query: Any) -> Any:
        return client().get(path, query, headers=self.headers)

    def page(self, **query: Any) -> Any:
        reply = self.get(**query)
        assert reply.status_code == 200
        return reply.json()

    def refused(self, path: str = "/v1/keys", **query: Any) -> tuple[str, str]:
        reply = self.get(path, **query)
        assert reply.status_code == 400
        error = refusal(reply)
        return error["code"], error["param"]


@pytest.fixture
def owner() -> Reader:
    """The reader's own key and twenty-four others."""
    reader = Reader(OrgFactory.create())
    ApiKeyFactory.create_batch(24, org=reader.org)
    ApiKeyFactory.create_batch(3)
    return reader


def public_ids(org: Org) -> list[str]:
    rows = ApiKey.objects.filter(org=org).order_by("-id")
    return [row.public_id for row in rows]


def test_the_first_page_holds_the_newest_twenty(owner: Reader) -> None:
    page = owner.page()
    assert [row["id"] for row in page["data"]] == public_ids(owner.org)[:20]
    assert page["object"] == "list"
    assert page["has_more"] is True


@pytest.mark.parametrize("limit", [1, 4, 5, 24, 25, 26, 100])
def test_walking_all_pages_yields_every_row_once(owner: Reader, limit: int) -> None:
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = owner.page(limit=limit, **cursor)
        assert len(page["data"]) <= limit
        found += [row["id"] for row in page["data"]]
        if not page["has_more"]:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert page["next_cursor"] is None
    assert found == public_ids(owner.org)


def test_rows_made_while_walking_are_not_shown_twice_nor_shift_others(
    owner: Reader,
) -> None:
    expected = public_ids(owner.org)
    first = owner.page(limit=20)
    ApiKeyFactory.create_batch(3, org=owner.org)
    second = owner.page(limit=20, cursor=first["next_cursor"])
    assert [row["id"] for row in first["data"] + second["data"]] == expected


def test_a_page_may_begin_after_a_row_that_was_deleted(owner: Reader) -> None:
    expected = public_ids(owner.org)
    first = owner.page(limit=5)
    ApiKey.objects.get(public_id=first["data"][-1]["id"]).delete()
    second = owner.page(limit=5, cursor=first["next_cursor"])
    assert [row["id"] for row in second["data"]] == expected[5:10]


def test_a_list_of_one_is_a_page_without_a_next_one() -> None:
    reader = Reader(OrgFactory.create())
    assert reader.page(limit=1) == {
        "object": "list",
        "data": [{"id": public_ids(reader.org)[0]}],
        "has_more": False,
        "next_cursor": None,
    }


@pytest.mark.parametrize(
    "limit",
    [
        "0",
        "101",
        "-1",
        "+5",
        "",
        " 5",
        "5.0",
        "1e1",
        "x",
        "\u0665",
        "\u00b2",
        "0000000101",
        "00000000199",
        "9" * 5000,
    ],
)
def test_a_limit_is_one_to_a_hundred(owner: Reader, limit: str) -> None:
    assert owner.refused(limit=limit) == ("invalid_request", "limit")


@pytest.mark.parametrize("name", ["limit", "cursor"])
def test_a_parameter_stands_once(owner: Reader, name: str) -> None:
    twice: dict[str, Any] = {name: ["5", "5"]}
    assert owner.refused(**twice) == ("invalid_request", name)


def test_a_cursor_changed_in_any_character_is_refused(owner: Reader) -> None:
    cursor = owner.page(limit=5)["next_cursor"]
    for position in range(len(cursor)):
        other = "A" if cursor[position] != "A" else "B"
        changed = cursor[:position] + other + cursor[position + 1 :]
        assert owner.refused(cursor=changed) == ("invalid_cursor", "cursor")


@pytest.mark.parametrize(
    "change", ["{}!", "!{}", "{}=", "{}\n", " {}", "{}A", "{}AAAA", "{}\u00e9"]
)
def test_a_cursor_with_more_around_it_is_refused(owner: Reader, change: str) -> None:
    cursor = change.format(owner.page(limit=5)["next_cursor"])
    assert owner.refused(cursor=cursor) == ("invalid_cursor", "cursor")


@pytest.mark.parametrize("cursor", ["", "A", "AAAA", "5", "\U0001f600", "x" * 9000])
def test_a_cursor_that_never_was_one_is_refused(owner: Reader, cursor: str) -> None:
    assert owner.refused(cursor=cursor) == ("invalid_cursor", "cursor")


def test_a_cursor_of_our_own_making_without_our_signature_is_refused(
    owner: Reader,
) -> None:
    cursor = owner.page(limit=5)["next_cursor"]
    signed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    position, _, rest = signed.partition(".")
    forged = f"{int(position) + 1}.{rest}".encode()
    text = base64.urlsafe_b64encode(forged).decode().rstrip("=")
    assert owner.refused(cursor=text) == ("invalid_cursor", "cursor")


def test_a_cursor_of_another_organization_is_refused(owner: Reader) -> None:
    stranger = Reader(OrgFactory.create())
    ApiKeyFactory.create_batch(5, org=stranger.org)
    cursor = stranger.page(limit=5)["next_cursor"]
    assert owner.refused(cursor=cursor) == ("invalid_cursor", "cursor")


def test_a_cursor_of_another_list_is_refused(owner: Reader) -> None:
    cursor = owner.page(limit=5)["next_cursor"]
    assert owner.refused("/v1/other-keys", cursor=cursor) == (
        "invalid_cursor",
        "cursor",
    )


@pytest.mark.parametrize("query", [{"state": "b"}, {}, {"state": ["a", "a"]}])
def test_a_cursor_of_another_filter_is_refused(
    owner: Reader, query: dict[str, Any]
) -> None:
    cursor = owner.page(limit=5, state="a")["next_cursor"]
    assert owner.refused(cursor=cursor, **query) == ("invalid_cursor", "cursor")


def test_a_cursor_goes_on_with_another_limit(owner: Reader) -> None:
    cursor = owner.page(limit=5, state="a")["next_cursor"]
    page = owner.page(limit=100, cursor=cursor, state="a")
    assert [row["id"] for row in page["data"]] == public_ids(owner.org)[5:]
