"""Wishes in the address of a new batch."""

import pytest
from django.test import Client

NEW = "/batches/new"


def test_a_link_may_carry_wishes(owner: Client) -> None:
    form = owner.get(f"{NEW}?sla_tier=flex&routing_mode=cheapest").context["form"]
    assert form["sla_tier"].value() == "flex"
    assert form["routing_mode"].value() == "cheapest"


def test_wishes_of_a_link_win_over_those_of_a_workflow(owner: Client) -> None:
    path = f"{NEW}?workflow=extract-invoice-fields&sla_tier=priority"
    form = owner.get(path).context["form"]
    assert form["sla_tier"].value() == "priority"
    assert form["workflow"].value() == "extract-invoice-fields"


@pytest.mark.parametrize("query", ["sla_tier=never", "routing_mode=%3Cscript%3E"])
def test_a_word_that_is_no_wish_is_left_out(query: str, owner: Client) -> None:
    form = owner.get(f"{NEW}?{query}").context["form"]
    assert form["sla_tier"].value() == "standard"
    assert form["routing_mode"].value() == "sla_aware"
