from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from pytest_django.fixtures import Settings

from batchrouter.kit import clock
from batchrouter.mail.clients import client_of
from batchrouter.mail.limits import TooManyLetters, require_room
from batchrouter.mail.models import Letter
from batchrouter.mail.outbox import post
from tests.factories.mail import ADDRESS

NOW = clock.now()
IP = "192.0.2.7"


@pytest.fixture(autouse=True)
def _limits(settings: Settings) -> None:
    settings.MAIL_PER_ADDRESS_HOURLY = 3
    settings.MAIL_PER_CLIENT_HOURLY = 5


def ask(
    to: str = ADDRESS, ip: str | None = None, *, ago: timedelta = timedelta()
) -> None:
    with transaction.atomic():
        require_room(to=to, ip=ip, now=NOW - ago)
        post(kind="test_token", to=to, facts={}, ip=ip, now=NOW - ago)


@pytest.mark.django_db
def test_an_address_gets_so_many_an_hour_and_no_more() -> None:
    for _ in range(3):
        ask()
    with pytest.raises(TooManyLetters) as refusal:
        ask()
    assert (refusal.value.status, refusal.value.code) == (429, "rate_limited")
    assert refusal.value.error_type == "rate_limit_error"
    assert refusal.value.details == {"retry_after_seconds": 3600}
    assert Letter.objects.count() == 3


@pytest.mark.django_db
def test_the_pause_ends_when_the_oldest_that_counts_is_an_hour_old() -> None:
    for minutes in (50, 40, 30):
        ask(ago=timedelta(minutes=minutes))
    with pytest.raises(TooManyLetters) as refusal:
        require_room(to=ADDRESS, ip=None, now=NOW)
    assert refusal.value.details == {"retry_after_seconds": 600}
    require_room(to=ADDRESS, ip=None, now=NOW + timedelta(seconds=600))


@pytest.mark.django_db
def test_other_addresses_have_room() -> None:
    for _ in range(3):
        ask()
    ask(to="other@example.com")
    assert Letter.objects.count() == 4


@pytest.mark.django_db
def test_our_own_notices_take_no_room() -> None:
    for _ in range(9):
        post(kind="test_note", to=ADDRESS, facts={}, ip=None, now=NOW)
    ask()
    assert Letter.objects.filter(kind="test_token").count() == 1


@pytest.mark.django_db
def test_a_client_gets_so_many_an_hour_whoever_they_go_to() -> None:
    for number in range(5):
        ask(to=f"person{number}@example.com", ip=IP)
    with pytest.raises(TooManyLetters):
        ask(to="another@example.com", ip=IP)
    ask(to="another@example.com", ip="192.0.2.8")


@pytest.mark.django_db
def test_a_whole_ipv6_network_is_one_client() -> None:
    for number in range(5):
        ask(to=f"person{number}@example.com", ip=f"2001:db8:1:2::{number:x}")
    with pytest.raises(TooManyLetters):
        ask(to="another@example.com", ip="2001:db8:1:2:ffff::1")
    ask(to="another@example.com", ip="2001:db8:1:3::1")


@pytest.mark.parametrize(
    ("ip", "client"),
    [
        (None, ""),
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("nonsense", "unreadable"),
    ],
    ids=["none", "ipv4", "mapped", "ipv6", "scoped", "nonsense"],
)
def test_clients_are_told_apart_by_network(ip: str | None, client: str) -> None:
    assert client_of(ip) == client


@pytest.mark.usefixtures("committed_db")
def test_asking_at_the_same_instant_gains_nothing() -> None:
    def try_once(_number: int) -> bool:
        try:
            ask()
        except TooManyLetters:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(try_once, range(12)))
    assert outcomes.count(True) == 3
    assert Letter.objects.count() == 3
