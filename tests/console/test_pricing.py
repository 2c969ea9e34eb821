"""The pricing page and its calculator."""

import re

import pytest
from django.test import Client

pytestmark = pytest.mark.usefixtures("market")


def text_of(path: str) -> str:
    body = Client().get(path).content.decode()
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def test_both_fees_are_told() -> None:
    text = text_of("/pricing")
    assert "Model batches 5.9 %" in text
    assert "Packaged workflows 11.8 %" in text


def test_the_calculator_works_without_javascript() -> None:
    # 1,000 items of 1,000 tokens in at $0.375 and 100 out at $2.25 a million.
    text = text_of(
        "/pricing?model=gpt-5.4-mini&items=1000&input_tokens=1000&output_tokens=100"
    )
    assert "OpenAI batch $0.60 $0.0354 $0.6354" in text.replace("$0.6000", "$0.60")


def test_a_packaged_workflow_costs_the_other_fee() -> None:
    text = text_of(
        "/pricing?model=gpt-5.4-mini&items=1000&input_tokens=1000&output_tokens=100"
        "&packaged=on"
    )
    assert "$0.0708" in text


@pytest.mark.parametrize(
    "query",
    ["items=0", "items=-1", "items=x", "items=99999999999", "items=1&model=none"],
)
def test_nonsense_is_refused_beside_the_field(query: str) -> None:
    reply = Client().get(f"/pricing?{query}")
    assert reply.status_code == 400
    assert 'role="alert"' in reply.content.decode()
