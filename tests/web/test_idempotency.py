import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from pytest_django.fixtures import Settings

from accounts.models import Org
from batchrouter.kit import clock
from batchrouter.web.idempotency import forget_expired
from batchrouter.web.models import IdempotencyRecord
from tests.factories.accounts import OrgFactory, make_key
from tests.support.calls import bearer, client, refusal
from tests.support.meanwhile import meanwhile

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.web.urls")]

THREADS = 50


class Program:
    """A program that makes things for its organization."""

    def __init__(self, org: Org | None = None) -> None:
        self.org = org or OrgFactory.create()
        self.secret = make_key(self.org).secret

    def post(
        self, name: str, *, key: str | None, path: str = "/v1/things", **more: Any
    ) -> Any:
        headers = bearer(self.secret)
        if key is not None:
            headers["Idempotency-Key"] = key
        return client().post(
            path, {"name": name, **more}, "application/json", headers=headers
        )


@pytest.fixture
def program() -> Program:
    return Program()


def things(name: str) -> int:
    return Org.objects.filter(name=name).count()


def test_the_same_key_and_body_give_the_first_reply_again(program: Program) -> None:
    first = program.post("one", key="k-1")
    again = program.post("one", key="k-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert things("one") == 1


def test_only_the_repeated_reply_says_that_it_is_one(program: Program) -> None:
    first = program.post("one", key="k-1")
    again = program.post("one", key="k-1")
    assert "Idempotent-Replayed" not in first.headers
    assert again["Idempotent-Replayed"] == "true"
    assert again["Content-Type"] == first["Content-Type"] == "application/json"


def test_a_repeated_reply_has_a_request_id_of_its_own(program: Program) -> None:
    first = program.post("one", key="k-1")
    again = program.post("one", key="k-1")
    assert first["X-Request-Id"] != again["X-Request-Id"]


def test_the_order_of_keys_in_the_body_does_not_matter(program: Program) -> None:
    headers = {**bearer(program.secret), "Idempotency-Key": "k-1"}
    replies = [
        client().post("/v1/things", body, "application/json", headers=headers)
        for body in (b'{"name":"one","x":1}', b'{ "x": 1, "name": "one" }')
    ]
    assert [reply.status_code for reply in replies] == [201, 201]
    assert things("one") == 1


def test_the_same_key_with_another_body_is_refused(program: Program) -> None:
    program.post("one", key="k-1")
    reply = program.post("two", key="k-1")
    assert reply.status_code == 422
    error = refusal(reply)
    assert error["code"] == "idempotency_key_reused"
    assert error["param"] == "Idempotency-Key"
    assert (things("one"), things("two")) == (1, 0)


def test_without_a_key_every_request_has_its_effect(program: Program) -> None:
    program.post("one", key=None)
    program.post("one", key=None)
    assert things("one") == 2
    assert not IdempotencyRecord.objects.exists()


def test_a_refused_request_leaves_the_key_unused(program: Program) -> None:
    refused = program.post("refused", key="k-1")
    assert refused.status_code == 400
    assert not IdempotencyRecord.objects.exists()
    assert things("refused") == 0
    assert program.post("two", key="k-1").status_code == 201
    assert things("two") == 1


def test_a_refused_request_without_a_key_changes_nothing(program: Program) -> None:
    assert program.post("refused", key=None).status_code == 400
    assert things("refused") == 0


def test_another_organization_may_use_the_same_key(program: Program) -> None:
    first = program.post("one", key="k-1")
    other = Program().post("one", key="k-1")
    assert other.status_code == 201
    assert other.json()["id"] != first.json()["id"]
    assert "Idempotent-Replayed" not in other.headers


def test_another_api_key_of_the_organization_gets_the_first_reply(
    program: Program,
) -> None:
    first = program.post("one", key="k-1")
    again = Program(program.org).post("one", key="k-1")
    assert again.json() == first.json()
    assert things("one") == 1


def test_another_address_may_use_the_same_key(program: Program) -> None:
    program.post("one", key="k-1")
    assert program.post("one", key="k-1", path="/v1/other-things").status_code == 201
    assert things("one") == 2


def test_keys_differ_by_case(program: Program) -> None:
    program.post("one", key="K-1")
    program.post("one", key="k-1")
    assert things("one") == 2


@pytest.mark.parametrize("key", ["!", "~" * 255, "a/b+c=", "\u0021\u007e"])
def test_visible_ascii_of_up_to_255_characters_is_a_key(
    program: Program, key: str
) -> None:
    program.post("one", key=key)
    assert program.post("one", key=key)["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    "key", ["", " ", "a b", "\u00e9", "a\x7f", "a\t", "a" * 256, "a" * 5000]
)
def test_anything_else_is_refused_and_never_cut(program: Program, key: str) -> None:
    reply = program.post("one", key=key)
    assert reply.status_code == 400
    error = refusal(reply)
    assert (error["code"], error["param"]) == ("invalid_request", "Idempotency-Key")
    assert things("one") == 0


def test_the_record_names_what_was_made(program: Program) -> None:
    made = program.post("one", key="k-1").json()["id"]
    record = IdempotencyRecord.objects.get()
    assert (record.effect_id, record.status) == (made, 201)
    assert (record.org_id, record.endpoint) == (program.org.pk, "things.create")


def test_a_record_is_kept_thirty_days(program: Program) -> None:
    program.post("one", key="k-1")
    made_at = IdempotencyRecord.objects.get().created_at
    assert forget_expired(now=made_at + timedelta(days=30)) == 0
    assert forget_expired(now=made_at + timedelta(days=30, seconds=1)) == 1
    assert program.post("two", key="k-1").status_code == 201


def test_forgetting_leaves_younger_records(program: Program) -> None:
    program.post("one", key="k-1")
    program.post("two", key="k-2")
    IdempotencyRecord.objects.filter(key="k-1").update(
        created_at=clock.now() - timedelta(days=31)
    )
    assert forget_expired(now=clock.now()) == 1
    assert [record.key for record in IdempotencyRecord.objects.all()] == ["k-2"]


@pytest.mark.usefixtures("committed_db")
def test_fifty_at_once_have_one_effect_and_one_reply() -> None:
    program = Program()
    gate = threading.Barrier(THREADS)

    def call(_number: int) -> tuple[int, bytes, bool]:
        gate.wait()
        try:
            reply = program.post("one", key="k-1")
            is_replay = reply.headers.get("Idempotent-Replayed") == "true"
            return reply.status_code, reply.content, is_replay
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        replies = list(pool.map(call, range(THREADS)))
    assert {(status, body) for status, body, _ in replies} == {
        (201, replies[0][1]),
    }
    assert [is_replay for *_, is_replay in replies].count(False) == 1
    assert things("one") == 1
    assert IdempotencyRecord.objects.count() == 1


def _known_program() -> Program:
    """Make a program whose key was used just now, so that using it writes nothing."""
    program = Program()
    program.post("zero", key=None)
    return program


def _in_a_thread(program: Program) -> Any:
    def call() -> Any:
        try:
            return program.post("one", key="k-1")
        finally:
            connection.close()

    return call


@pytest.mark.usefixtures("committed_db")
def test_while_the_first_is_still_running_the_second_hears_so(
    settings: Settings,
) -> None:
    settings.IDEMPOTENCY_WAIT_MS = 50
    program = _known_program()
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        assert program.post("one", key="k-1").status_code == 201
        reply = pool.submit(_in_a_thread(program)).result()
    assert reply.status_code == 409
    assert refusal(reply)["code"] == "idempotency_in_progress"
    assert reply["Retry-After"] == "2"
    assert things("one") == 1


@pytest.mark.usefixtures("committed_db")
def test_when_the_first_fails_the_one_that_waits_takes_its_place() -> None:
    program = _known_program()
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            program.post("one", key="k-1")
            waiting = pool.submit(_in_a_thread(program))
            _until_somebody_waits()
            transaction.set_rollback(True)
        reply = waiting.result()
    assert reply.status_code == 201
    assert "Idempotent-Replayed" not in reply.headers
    assert things("one") == 1


def _until_somebody_waits() -> None:
    pause = threading.Event()
    for _ in range(500):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
        pause.wait(0.01)
    raise AssertionError("nobody waits for the key")


@pytest.mark.usefixtures("committed_db")
def test_a_record_that_is_forgotten_between_two_looks_leaves_the_key_unused() -> None:
    program = Program()
    first = program.post("one", key="k-1")
    later = clock.now() + timedelta(days=31)
    with meanwhile(
        lambda: forget_expired(now=later),
        after='INSERT INTO "web_idempotencyrecord"',
    ):
        again = program.post("one", key="k-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() != first.json()
    assert things("one") == 2
