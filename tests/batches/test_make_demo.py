"""The demo's organization, and operators whose codes open the admin."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import User
from batches.management.commands.make_demo import PASSWORD

pytestmark = pytest.mark.django_db

OPERATOR = "operator@batchrouter.test"


def make_demo(*arguments: str) -> dict[str, Any]:
    told = StringIO()
    call_command("make_demo", *arguments, stdout=told)
    made: dict[str, Any] = json.loads(told.getvalue())
    return made


def test_an_operators_code_opens_the_admin() -> None:
    (code, *_) = make_demo("--operator", OPERATOR)["operator_codes"][OPERATOR]
    visitor = Client()
    visitor.post("/login", {"login": OPERATOR, "password": PASSWORD})

    visitor.post("/login/code", {"code": code})

    assert visitor.get("/admin/lanes/").status_code == 200


def test_without_being_asked_for_there_is_no_operator() -> None:
    assert make_demo()["operator_codes"] == {}
    assert not User.objects.filter(is_staff=True).exists()


def test_in_production_there_is_no_demo(settings: Any) -> None:
    settings.APP_ENV = "production"

    with pytest.raises(CommandError, match="no place in production"):
        make_demo("--operator", OPERATOR)
    assert not User.objects.exists()
