"""The walk itself: it must catch what it is for (``broken_urls``)."""

from collections.abc import Callable, Iterator

import pytest

from tests.architecture.access import judging
from tests.architecture.access.declared import undeclared
from tests.architecture.access.routes import Call, calls
from tests.architecture.access.world import World

URLCONF = "tests.architecture.access.broken_urls"
BROKEN = {str(call): call for call in calls(URLCONF) if "broken" in call.route}

Judge = Callable[[Call, World], Iterator[str]]

with_broken_urls = pytest.mark.urls(URLCONF)


def test_a_method_without_a_scope_is_caught() -> None:
    [problem] = undeclared([BROKEN["POST /v1/broken/undeclared"]])
    assert problem.startswith("POST /v1/broken/undeclared declares no scope.")


def test_the_methods_beside_it_are_not() -> None:
    assert undeclared([BROKEN["GET /v1/broken/undeclared"]]) == []


def test_a_public_route_without_a_reason_is_caught() -> None:
    [problem] = undeclared([BROKEN["GET /v1/broken/public"]])
    assert problem.startswith("GET /v1/broken/public declares no scope.")
    assert "name it with a reason in PUBLIC" in problem


def test_an_unknown_kind_of_id_is_caught_and_told_how_to_add() -> None:
    [problem] = undeclared([BROKEN["GET /v1/broken/gadgets/<str:gadget_id>"]])
    assert "holds an id 'gadget_id' that the walk cannot fill in" in problem
    assert "NOTHING of tests/architecture/access/declared.py" in problem


@with_broken_urls
@pytest.mark.parametrize(
    ("broken", "judge", "sentence"),
    [
        (
            "GET /v1/broken/batches/<str:batch_id>",
            judging.wrong_for_strangers,
            "a stranger's key heard 200 instead of 404",
        ),
        (
            "GET /v1/broken/batches/<str:batch_id>",
            judging.wrong_for_strangers,
            "a stranger heard 200 and can tell it from what does not exist",
        ),
        (
            "GET /v1/broken/list",
            judging.wrong_for_strangers,
            "a stranger heard 200 and read batch_",
        ),
        (
            "POST /v1/broken/writes",
            judging.wrong_for_nobody,
            "nobody heard 401 unauthenticated and changed accounts_org",
        ),
        (
            "POST /v1/broken/unchecked",
            judging.wrong_for_nobody,
            "nobody heard 200 instead of 401 unauthenticated",
        ),
        (
            "POST /v1/broken/unchecked",
            judging.wrong_for_scopes,
            "a key with read heard 200 instead of 403 scope_required",
        ),
        (
            "POST /v1/broken/no-csrf",
            judging.wrong_without_csrf_token,
            "an owner without CSRF token heard 200 instead of 403 forbidden",
        ),
        (
            "POST /v1/broken/no-csrf",
            judging.wrong_for_key_and_cookie,
            "heard 200 instead of 401 invalid_api_key",
        ),
        (
            "GET /v1/broken/crashes",
            judging.wrong_for_scopes,
            "a key with read heard 500 internal_error: it crashed",
        ),
    ],
)
def test_a_broken_route_is_caught(
    broken: str, judge: Judge, sentence: str, world: World
) -> None:
    problems = list(judge(BROKEN[broken], world))
    assert [problem for problem in problems if sentence in problem]


@with_broken_urls
def test_a_sound_route_beside_them_is_not(world: World) -> None:
    [sound] = [call for call in calls() if str(call) == "GET /v1/batches"]
    assert judging.wrong(sound, world) == []
