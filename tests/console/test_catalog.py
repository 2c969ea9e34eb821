"""The public catalog pages."""

import re

import pytest
from django.test import Client

from catalog.models import Offering


def text_of(path: str) -> str:
    body = Client().get(path).content.decode()
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


@pytest.mark.usefixtures("market")
def test_models_are_listed_with_prices_per_million_tokens() -> None:
    text = text_of("/catalog/models")
    assert "GPT-5.4 mini gpt-5.4-mini responses, vision · 272K tokens" in text
    assert "OpenAI batch 0.375 0.0375 2.25 global confidential open" in text


@pytest.mark.usefixtures("market")
def test_lanes_that_are_not_connected_say_so() -> None:
    Offering.objects.filter(model__slug="claude-opus-5").update(adapter="")
    assert "not connected" in text_of("/catalog/models")


@pytest.mark.usefixtures("market")
def test_workflows_are_listed_with_their_promise() -> None:
    text = text_of("/workflows")
    assert "Support ticket triage classify-support-tickets v1" in text
    assert "98 % done in 24 h" in text
    assert "11.8 %" in text


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/catalog/models", "/workflows"])
def test_an_empty_catalog_says_who_fills_it(path: str) -> None:
    assert "The catalog is empty." in text_of(path)
