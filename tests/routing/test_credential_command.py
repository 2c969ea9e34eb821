"""What operators type about keys at providers."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from routing.models import ProviderCredential
from tests.routing.key_server import KEY, NEXT_KEY, KeyServer, facts

pytestmark = pytest.mark.django_db


def run(*arguments: str, secret: str = "") -> str:
    out = StringIO()
    stdin = StringIO(f"{secret}\n")
    call_command("provider_credential", *arguments, stdout=out, stdin=stdin)
    return out.getvalue().strip()


def test_add_reads_the_secret_from_standard_input(openai: KeyServer) -> None:
    text = run("add", "openai", "--label", "main", secret=KEY)

    row = ProviderCredential.objects.get()
    assert text == f"{row.public_id} openai …abcd: accepted 200, active"
    assert (row.is_active, row.label, row.created_by) == (True, "main", None)


def test_add_fails_with_the_status_of_a_refusal(openai: KeyServer) -> None:
    run("add", "openai", secret=KEY)
    before = facts()

    with pytest.raises(CommandError) as failure:
        run("add", "openai", secret="sk-wrong-canary-0123456789")
    assert str(failure.value).endswith("openai …6789: refused 401, not active")
    assert "canary" not in str(failure.value)
    assert facts()[:-1] == before


def test_check_looks_at_the_newest_key_that_is_not_retired(openai: KeyServer) -> None:
    run("add", "openai", secret=KEY)
    assert run("check", "openai").endswith("accepted 200, active")

    openai.keys.clear()
    with pytest.raises(CommandError, match="refused 401, active"):
        run("check", "openai")


def test_retire_ends_all_keys_of_one_provider(openai: KeyServer) -> None:
    run("add", "openai", secret=KEY)
    run("add", "groq", secret=NEXT_KEY)

    assert run("retire", "openai").endswith("openai …abcd: retired")
    active = ProviderCredential.objects.filter(retired_at=None)
    assert [row.provider for row in active] == ["groq"]


def test_reseal_takes_the_newest_sealing_key(openai: KeyServer, settings: Any) -> None:
    run("add", "openai", secret=KEY)
    settings.CREDENTIALS_KEYS = ["new", settings.SECRET_KEY]

    assert run("reseal") == "1 sealed anew"
    settings.CREDENTIALS_KEYS = ["new"]
    assert run("check", "openai").endswith("accepted 200, active")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "nobody"), "no such provider"),
        (("add",), "name the provider"),
        (("check", "groq"), "no key at groq"),
        (("retire", "groq"), "no key at groq"),
    ],
    ids=["unknown", "unnamed", "check", "retire"],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    openai: KeyServer, arguments: tuple[str, ...], said: str
) -> None:
    run("add", "openai", secret=KEY)
    before = facts()

    with pytest.raises(CommandError, match=said):
        run(*arguments, secret=NEXT_KEY)
    assert facts() == before
