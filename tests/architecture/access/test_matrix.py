"""Every call below /v1/ by everybody: see ``judging`` for who hears what."""

import pytest

from tests.architecture.access import judging
from tests.architecture.access.declared import NAMED_IN_BODIES, is_public
from tests.architecture.access.routes import Call, calls
from tests.architecture.access.world import World

GUARDED = [call for call in calls() if not is_public(call)]
PUBLIC = [call for call in calls() if is_public(call)]


# One test a call, for the world is dear: each of the sentences names who, what and how.
@pytest.mark.parametrize("call", GUARDED, ids=str)
def test_everybody_hears_what_is_declared_for_them(call: Call, world: World) -> None:
    assert judging.wrong(call, world) == []


@pytest.mark.parametrize(("call", "name", "id_name"), NAMED_IN_BODIES)
def test_a_stranger_cannot_name_in_a_body_what_is_not_theirs(
    call: str, name: str, id_name: str, world: World
) -> None:
    [found] = [each for each in GUARDED if str(each) == call]
    judged = judging.wrong_for_strangers_who_name(
        found, world, name=name, id_name=id_name
    )
    assert list(judged) == []


@pytest.mark.parametrize("call", PUBLIC, ids=str)
def test_a_public_call_tells_and_changes_nothing_of_anybody(
    call: Call, world: World
) -> None:
    assert list(judging.wrong_in_public(call, world)) == []
