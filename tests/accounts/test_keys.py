import hashlib
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from accounts.authentication import InvalidApiKey, caller_of_key
from accounts.keys import (
    create_key,
    default_scopes,
    digest,
    is_well_formed,
    make_secret,
    revoke_key,
)
from accounts.models import ApiKey, Scope, SpendLimit
from batchrouter.kit.errors import InvalidRequest
from tests.factories.accounts import OrgFactory, UserFactory, make_key

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
# Fixed, so that every run names its tests alike.
SECRET = "ob_live_Fixed0For0Tests0Only0NotAKey0022HHXb"


@pytest.mark.parametrize(("is_test", "prefix"), [(False, "live"), (True, "test")])
def test_a_key_is_a_prefix_and_thirty_six_base62_characters(
    *, is_test: bool, prefix: str
) -> None:
    secret = make_secret(is_test=is_test)
    assert re.fullmatch(rf"ob_{prefix}_[0-9A-Za-z]{{36}}", secret)
    assert is_well_formed(secret)


def test_the_checksum_is_that_of_a_known_key() -> None:
    # The CRC-32 of the first 38 characters is 0x6ef05ab6, which is 21xb0g in base62.
    assert is_well_formed("ob_live_" + "0" * 30 + "21xb0g")


@pytest.mark.parametrize("position", range(len("ob_live_"), len(SECRET)))
def test_a_key_mistyped_in_one_character_is_not_well_formed(position: int) -> None:
    other = "a" if SECRET[position] != "a" else "b"
    assert not is_well_formed(SECRET[:position] + other + SECRET[position + 1 :])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ob_live_",
        SECRET[:-1],
        SECRET + "0",
        SECRET + "\n",
        " " + SECRET,
        SECRET.replace("live", "test"),
        SECRET.replace("ob_", "OB_"),
        SECRET[:10] + "\u0660" + SECRET[11:],
    ],
)
def test_what_is_not_of_the_form_is_not_well_formed(text: str) -> None:
    assert not is_well_formed(text)


@given(st.text(max_size=60))
def test_no_text_at_all_makes_an_error(text: str) -> None:
    assert not is_well_formed(text)


@pytest.mark.parametrize(
    "text", ["", "x", SECRET[:-1] + "!", SECRET[:-1] + "c", "\u00e9" * 44]
)
def test_a_malformed_key_is_refused_without_a_query(
    text: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0), pytest.raises(InvalidApiKey):
        caller_of_key(text)


def test_only_a_digest_of_the_secret_is_stored() -> None:
    made = make_key(OrgFactory.create())
    row = ApiKey.objects.get()
    assert bytes(row.digest) == hashlib.sha256(made.secret.encode()).digest()
    values = [str(value) for value in ApiKey.objects.values_list().get()]
    assert not any(made.secret[12:] in value for value in values)


def test_the_shown_prefix_is_the_first_twelve_characters() -> None:
    made = make_key(OrgFactory.create())
    assert made.row.prefix == made.secret[:12]


def test_the_text_of_a_row_does_not_show_the_secret() -> None:
    made = make_key(OrgFactory.create())
    assert made.secret[12:] not in str(made.row) + repr(made.row)


def test_the_secret_is_not_shown_by_the_repr_of_a_new_key() -> None:
    made = make_key(OrgFactory.create())
    assert made.secret not in repr(made)


def test_a_key_keeps_what_it_was_made_with() -> None:
    org, user = OrgFactory.create(), UserFactory.create()
    create_key(
        org=org,
        name="ci",
        scopes=["read", "quote", "read"],
        created_by=user,
        expires_at=NOON,
        is_test=True,
    )
    row = ApiKey.objects.get()
    assert (row.org, row.name, row.created_by) == (org, "ci", user)
    assert (row.scopes, row.is_test) == (["read", "quote"], True)
    assert (row.expires_at, row.revoked_at, row.last_used_at) == (NOON, None, None)


def test_a_key_may_have_a_spend_limit_of_its_own() -> None:
    made = create_key(org=OrgFactory.create(), name="ci", spend_limit_nanousd=7)
    limit = ApiKey.objects.get().spend_limit
    assert limit == made.row.spend_limit == SpendLimit.objects.get()
    assert (limit.limit_nanousd, limit.spent_nanousd) == (7, 0)


def test_a_key_that_a_key_makes_shares_its_spend_limit() -> None:
    maker = create_key(org=OrgFactory.create(), name="ci", spend_limit_nanousd=7).row
    made = create_key(org=maker.org, name="cd", created_by=maker)
    assert made.row.spend_limit == maker.spend_limit
    assert made.row.created_by is None


def test_a_key_may_do_all_but_administer_unless_told_otherwise() -> None:
    made = create_key(org=OrgFactory.create(), name="ci")
    assert made.row.scopes == ["quote", "submit", "read", "cancel", "billing"]
    assert set(Scope.values) - set(default_scopes()) == {"admin"}


@pytest.mark.parametrize("scopes", [["read", "everything"], [""], ["READ"], []])
def test_a_scope_that_does_not_exist_is_refused(scopes: list[str]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        create_key(org=OrgFactory.create(), name="ci", scopes=scopes)
    assert refused.value.param == "scopes"
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("name", ["", "a" * 81])
def test_a_name_has_one_to_eighty_characters(name: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        create_key(org=OrgFactory.create(), name=name)
    assert refused.value.param == "name"
    assert not ApiKey.objects.exists()


def test_a_key_is_revoked_once() -> None:
    row = make_key(OrgFactory.create()).row
    revoke_key(row, now=NOON)
    revoke_key(row, now=NOON.replace(hour=13))
    row.refresh_from_db()
    assert row.revoked_at == NOON


def test_the_digest_is_sha256() -> None:
    assert digest("abc").hex().startswith("ba7816bf8f01cfea")
