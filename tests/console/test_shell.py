"""The frame of every page: theme, styles, scripts, keys."""

import re
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client

OURS = {"referer": "http://testserver/login"}

pytestmark = pytest.mark.usefixtures("market")


def test_the_system_decides_the_theme_until_the_reader_does() -> None:
    body = Client().get("/login").content.decode()
    assert "data-theme" not in body
    assert 'name="color-scheme" content="light dark"' in re.sub(r"\s+", " ", body)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_chosen_theme_stands_in_the_page_itself(theme: str) -> None:
    client = Client(enforce_csrf_checks=True)
    page = "http://testserver/workflows?x=1"
    reply = client.post("/theme", {"theme": theme}, headers={"referer": page})
    assert (reply.status_code, reply["Location"]) == (302, page)
    body = client.get("/login").content.decode()
    flat = re.sub(r"\s+", " ", body)
    assert f'<html lang="en" data-theme="{theme}">' in flat
    assert f'value="{theme}" aria-pressed="true"' in flat


def test_error_pages_keep_the_theme() -> None:
    client = Client(headers={"accept": "text/html"})
    client.post("/theme", {"theme": "dark"}, headers=OURS)
    assert 'data-theme="dark"' in client.get("/nowhere").content.decode()


@pytest.mark.parametrize("word", ["", "pink", "<script>", "system"])
def test_any_other_word_leaves_it_to_the_system(word: str) -> None:
    client = Client()
    client.post("/theme", {"theme": word}, headers=OURS)
    assert client.cookies["theme"].value == "system"
    assert "data-theme" not in client.get("/login").content.decode()


@pytest.mark.parametrize(
    "page", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""]
)
def test_the_switch_obeys_no_other_site(page: str) -> None:
    reply = Client().post("/theme", {"theme": "dark"}, headers={"referer": page})
    assert reply.status_code == 403
    assert "theme" not in reply.cookies


def test_the_switch_only_takes_a_form() -> None:
    assert Client().get("/theme").status_code == HTTPStatus.METHOD_NOT_ALLOWED


def test_no_script_blocks_the_first_paint() -> None:
    body = Client().get("/login").content.decode()
    scripts = re.findall(r"<script[^>]*>", body)
    assert len(scripts) > 5
    assert all("defer" in one or 'type="module"' in one for one in scripts)


def test_all_components_are_shown_in_development() -> None:
    reply = Client().get("/dev/components")
    assert reply.status_code == 200
    body = reply.content.decode()
    assert "<style" not in body
    assert " style=" not in body


def test_production_has_no_page_of_components(settings: Any) -> None:
    settings.APP_ENV = "production"
    assert Client().get("/dev/components").status_code == 404
