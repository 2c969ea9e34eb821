"""Who may serve a call through OpenRouter."""

from typing import Any

import orjson
import pytest

from routing.adapters.openrouter import OpenRouterDirect
from routing.contracts import Connection
from routing.failures import FailureKind
from tests.routing.values import make_item


def sent_with(**options: str) -> Any:
    connection = Connection(
        "openrouter", "https://or.example", "k", is_sandbox=False, options=options
    )
    return orjson.loads(OpenRouterDirect().encode(make_item(), connection).body)


def test_nobody_who_keeps_prompts_serves_unless_that_is_allowed() -> None:
    usual = {"data_collection": "deny", "require_parameters": True}

    assert sent_with()["provider"] == usual
    assert sent_with(data_collection="")["provider"] == usual
    assert sent_with(data_collection="allow")["provider"]["data_collection"] == "allow"


def test_zero_retention_and_the_only_providers_are_asked_for() -> None:
    assert sent_with(zdr="true", only="openai, azure,")["provider"] == {
        "data_collection": "deny",
        "require_parameters": True,
        "zdr": True,
        "only": ["openai", "azure"],
    }


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": 502, "message": "m"}, FailureKind.OVERLOADED),
        ({"error_type": "rate_limit_exceeded"}, FailureKind.RATE_LIMITED),
        ({"error_type": "payment_required"}, FailureKind.QUOTA),
        ({"error_type": "permission_denied"}, FailureKind.CREDENTIAL),
        ({"error_type": "context_length_exceeded"}, FailureKind.INVALID),
    ],
    ids=str,
)
def test_an_error_inside_a_good_reply_is_a_failure(
    error: dict[str, Any], kind: FailureKind
) -> None:
    choice = {"finish_reason": "error", "error": error, "message": {"content": "Ye"}}
    body = orjson.dumps({"model": "m", "choices": [choice]})
    answer = OpenRouterDirect().decode("responses", 200, {}, body)

    assert answer.failure is not None
    assert answer.failure.kind is kind
