"""Signed links to one file."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from batches.links import LinkInvalid, check_link, signed_url
from batches.models import StoredFile

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
FILE = StoredFile(public_id="file_01m82g00000000000000000000")


def parts_of(url: str) -> tuple[str, str]:
    query = parse_qs(urlsplit(url).query)
    return query["expires"][0], query["signature"][0]


def check(expires: str | None, signature: str | None, *, now: datetime = NOON) -> None:
    check_link(FILE.public_id, expires, signature, now=now)


def test_a_link_stands_below_the_public_address(settings: Any) -> None:
    settings.PUBLIC_BASE_URL = "https://batchrouter.example"

    url = signed_url(FILE, now=NOON)

    path = f"/v1/files/{FILE.public_id}/download?expires="
    assert url.startswith("https://batchrouter.example" + path)


def test_a_link_lasts_900_seconds() -> None:
    expires, signature = parts_of(signed_url(FILE, now=NOON))

    assert int(expires) == int(NOON.timestamp()) + 900
    check(expires, signature, now=NOON + timedelta(seconds=900))
    with pytest.raises(LinkInvalid):
        check(expires, signature, now=NOON + timedelta(seconds=901))


def test_a_later_end_is_refused() -> None:
    expires, signature = parts_of(signed_url(FILE, now=NOON))

    with pytest.raises(LinkInvalid):
        check(str(int(expires) + 1), signature)


def test_another_secret_signs_otherwise(settings: Any) -> None:
    expires, signature = parts_of(signed_url(FILE, now=NOON))
    settings.SECRET_KEY = "another secret"

    with pytest.raises(LinkInvalid):
        check(expires, signature)


@pytest.mark.parametrize(
    "expires", [None, "", "-1", "1e12", "٣", "9" * 13, " 1795348800", "1795348800.0"]
)
def test_an_end_that_is_no_plain_number_is_refused(expires: str | None) -> None:
    _, signature = parts_of(signed_url(FILE, now=NOON))

    with pytest.raises(LinkInvalid):
        check(expires, signature)


@pytest.mark.parametrize("signature", [None, "", "ü", "A" * 43])
def test_a_signature_that_is_not_ours_is_refused(signature: str | None) -> None:
    expires, _ = parts_of(signed_url(FILE, now=NOON))

    with pytest.raises(LinkInvalid):
        check(expires, signature)
