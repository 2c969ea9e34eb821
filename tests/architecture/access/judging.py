"""How a call answers somebody, held against how it should: a list of what is wrong."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from accounts.authentication import ROLE_SCOPES
from accounts.models import Role, Scope
from tests.architecture.access.declared import (
    NOT_YET_THERE,
    NOTHING,
    PERSONS,
)
from tests.architecture.access.routes import Call
from tests.architecture.access.rows import changed, fingerprints
from tests.architecture.access.world import Caller, World, with_cookie_of


@dataclass(frozen=True)
class Heard:
    """What a caller heard, and what the call changed. The change is undone."""

    who: str
    status: int
    error: dict[str, Any]
    text: str
    changed: tuple[str, ...]

    @property
    def code(self) -> str:
        return str(self.error.get("code", ""))

    def __str__(self) -> str:
        return f"{self.who} heard {self.status} {self.code}".strip()


def hear(
    call: Call,
    caller: Caller,
    ids: dict[str, str],
    body: dict[str, str] | None = None,
) -> Heard:
    """Let somebody call, and undo what came of it."""
    with transaction.atomic():
        visitor = caller.visitor()
        before = fingerprints()
        reply = caller.send(visitor, call, ids, body)
        tables = changed(before, fingerprints())
        transaction.set_rollback(True)
    content = reply.getvalue() if reply.streaming else reply.content
    text = content.decode(errors="replace")
    is_error = reply.status_code >= 400 and "json" in reply.headers["Content-Type"]
    error = json.loads(text).get("error", {}) if is_error else {}
    return Heard(
        f"{call}: {caller.name}", reply.status_code, error, text, tuple(tables)
    )


def ids_for(call: Call, world: World) -> dict[str, str]:
    """Return the organization's ids, and nothing's where it can have none."""
    return NOTHING | world.ids


def wrong(call: Call, world: World) -> list[str]:
    """Return what is wrong with a call, whoever makes it."""
    judges = list(_JUDGES) + ([wrong_for_the_owner] if call.ids else [])
    return [problem for judge in judges for problem in judge(call, world)]


def wrong_for_nobody(call: Call, world: World) -> Iterator[str]:
    """Nobody hears 401."""
    heard = hear(call, world.nobody, ids_for(call, world))
    yield from _refused(heard, 401, "unauthenticated")


def wrong_for_the_dead(call: Call, world: World) -> Iterator[str]:
    """Credentials that have ended open nothing."""
    for caller in world.dead():
        heard = hear(call, caller, ids_for(call, world))
        if heard.code not in {
            "invalid_api_key",
            "invalid_session_token",
            "unauthenticated",
        }:
            yield f"{heard} instead of a 401 for ended credentials"
        yield from _refused(heard, 401, heard.code)


def wrong_for_scopes(call: Call, world: World) -> Iterator[str]:
    """The scope that the view declares is needed, and is enough."""
    others = [scope for scope in Scope.values if scope != call.scope]
    wrong = [world.key(f"a key with {scope}", scope) for scope in others]
    wrong.append(world.key(f"a key with all scopes but {call.scope}", *others))
    for caller in wrong:
        yield from _lacks_scope(hear(call, caller, ids_for(call, world)), call)
    right = world.key(f"a key with {call.scope}", str(call.scope))
    yield from _with_scope(hear(call, right, ids_for(call, world)), call)


def wrong_for_roles(call: Call, world: World) -> Iterator[str]:
    """People may what their role may; a viewer changes nothing at all."""
    for role in (Role.VIEWER, Role.MEMBER):
        heard = hear(call, world.member(role), ids_for(call, world))
        if call.scope not in ROLE_SCOPES[role]:
            yield from _lacks_scope(heard, call)
        elif heard.code in {"scope_required", "unauthenticated", "forbidden"}:
            yield f"{heard}, though the role has the scope {call.scope!r}"
        yield from _no_crash(heard)
        if role == Role.VIEWER:
            yield from _unchanged(heard)


def wrong_without_csrf_token(call: Call, world: World) -> Iterator[str]:
    """A cookie alone is not enough for an unsafe call, whoever's it is."""
    owner = Caller("an owner without CSRF token", person=world.owner.user)
    forger = Caller(owner.name, person=owner.person, has_csrf_token=False)
    heard = hear(call, forger, ids_for(call, world))
    if call.is_safe:
        if heard.status in {401, 403}:
            yield f"{heard}, but reading needs no CSRF token"
    else:
        yield from _refused(heard, 403, "forbidden")


def wrong_for_key_and_cookie(call: Call, world: World) -> Iterator[str]:
    """Where a key is sent, the cookie is as if it were not there."""
    others = [scope for scope in Scope.values if scope != call.scope]
    owner = world.owner.user
    weak = with_cookie_of(world.key("a key without the scope", *others), owner)
    yield from _lacks_scope(hear(call, weak, ids_for(call, world)), call)
    viewer = world.member(Role.VIEWER).person
    assert viewer is not None
    right = world.key("a key with the scope", str(call.scope))
    strong = with_cookie_of(right, viewer)
    yield from _with_scope(hear(call, strong, ids_for(call, world)), call)
    dead = with_cookie_of(Caller("a key of nobody's", "ob_live_" + "0" * 36), owner)
    heard = hear(call, dead, ids_for(call, world))
    yield from _refused(heard, 401, "invalid_api_key")


def wrong_for_strangers(call: Call, world: World) -> Iterator[str]:
    """Others read nothing, change nothing, and cannot tell what exists."""
    for caller in world.strangers():
        theirs = hear(call, caller, ids_for(call, world))
        yield from _no_crash(theirs)
        yield from _leaks(theirs, call, world)
        if not call.ids:
            continue
        needs_person = str(call) in PERSONS and "key" in caller.name
        if needs_person:
            yield from _refused(theirs, 403, "session_required")
        elif theirs.status != 404:
            yield f"{theirs} instead of 404"
        yield from _unchanged(theirs)
        nothing = hear(call, caller, NOTHING)
        if _said(theirs, world.ids) != _said(nothing, NOTHING):
            yield f"{theirs} and can tell it from what does not exist"


def wrong_for_strangers_who_name(
    call: Call, world: World, *, name: str, id_name: str
) -> Iterator[str]:
    """An id in a body is no better than one in the address."""
    stranger = world.strangers()[1]
    theirs = hear(call, stranger, NOTHING, {name: world.ids[id_name]})
    nothing = hear(call, stranger, NOTHING, {name: NOTHING[id_name]})
    owner = hear(call, world.the_owner(), NOTHING, {name: world.ids[id_name]})
    if theirs.status < 400 or owner.status in {400, 404}:
        yield f"{theirs}, and {owner}"
    yield from _unchanged(theirs)
    if _said(theirs, world.ids) != _said(nothing, NOTHING):
        yield f"{theirs} and can tell it from what does not exist"


def wrong_for_the_owner(call: Call, world: World) -> Iterator[str]:
    """The owner finds it: without this, a stranger's 404 would prove nothing."""
    heard = hear(call, world.the_owner(), ids_for(call, world))
    expected = {404} if str(call) in NOT_YET_THERE else {200, 201, 202, 204, 409}
    if heard.status not in expected:
        yield f"{heard} instead of one of {sorted(expected)}"


def wrong_in_public(call: Call, world: World) -> Iterator[str]:
    """A public call with nothing to show changes nothing and tells nothing."""
    heard = hear(call, world.nobody, ids_for(call, world))
    yield from _no_crash(heard)
    yield from _unchanged(heard)
    yield from _leaks(heard, call, world)


_JUDGES = (
    wrong_for_nobody,
    wrong_for_the_dead,
    wrong_for_scopes,
    wrong_for_roles,
    wrong_without_csrf_token,
    wrong_for_key_and_cookie,
    wrong_for_strangers,
)


def _refused(heard: Heard, status: int, code: str) -> Iterator[str]:
    if (heard.status, heard.code) != (status, code):
        yield f"{heard} instead of {status} {code}"
    yield from _unchanged(heard)


def _lacks_scope(heard: Heard, call: Call) -> Iterator[str]:
    yield from _refused(heard, 403, "scope_required")
    named = heard.error.get("details", {}).get("scope")
    if named != call.scope:
        yield f"{heard} naming the scope {named!r} instead of {call.scope!r}"


def _with_scope(heard: Heard, call: Call) -> Iterator[str]:
    yield from _no_crash(heard)
    if str(call) in PERSONS:
        yield from _refused(heard, 403, "session_required")
    elif heard.status in {401, 403}:
        yield f"{heard}, though it has the scope"


def _unchanged(heard: Heard) -> Iterator[str]:
    if heard.changed:
        yield f"{heard} and changed {', '.join(heard.changed)}"


def _no_crash(heard: Heard) -> Iterator[str]:
    if heard.status == 500:
        yield f"{heard}: it crashed"


def _leaks(heard: Heard, call: Call, world: World) -> Iterator[str]:
    # What the caller named itself may be repeated.
    named = {world.ids[name] for name in call.ids if name in world.ids}
    for mark in world.marks:
        if mark in heard.text and mark not in named:
            yield f"{heard} and read {mark}"


def _said(heard: Heard, ids: dict[str, str]) -> str:
    text = json.dumps({**heard.error, "request_id": ""}, sort_keys=True)
    for value in ids.values():
        text = text.replace(value, "…")
    return f"{heard.status} {text}"
