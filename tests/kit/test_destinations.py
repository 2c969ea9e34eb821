"""Where a call on a customer's word may go."""

from ipaddress import IPv4Network

import pytest

from batchrouter.kit.destinations import (
    DEVELOPMENT,
    PUBLIC,
    DestinationRefused,
    Rules,
    callable_addresses,
    is_callable,
    networks,
    read_destination,
)
from tests.support.hostile_urls import HOSTS, NAMES, URLS, hostile_urls, resolve


def refused(url: str, rules: Rules = PUBLIC) -> str:
    """Read and resolve, and return the reason of the refusal."""
    with pytest.raises(DestinationRefused) as caught:
        callable_addresses(read_destination(url, rules), rules, resolve)
    return caught.value.reason


@pytest.mark.parametrize("url", hostile_urls(9999))
def test_nothing_of_the_hostile_corpus_may_be_called(url: str) -> None:
    assert refused(url) in {"invalid_url", "port_refused", "host_refused"}


def test_the_corpus_has_more_than_150_forms() -> None:
    assert len({*HOSTS, *URLS, *NAMES}) > 150


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("https://example.com", "https://example.com:443/"),
        ("HTTPS://EXAMPLE.com/Path", "https://example.com:443/Path"),
        ("https://example.com:8443/a?b=c", "https://example.com:8443/a?b=c"),
        ("https://example.com?b=@x", "https://example.com:443/?b=@x"),
        ("https://a-b.xn--p1ai/", "https://a-b.xn--p1ai:443/"),
        ("https://8.8.8.8/h", "https://8.8.8.8:443/h"),
        ("https://[2606:4700:0::1111]/h", "https://[2606:4700::1111]:443/h"),
        ("https://7.example.com/%2F..%2F", "https://7.example.com:443/%2F..%2F"),
    ],
)
def test_a_public_address_is_written_anew_in_one_form(url: str, written: str) -> None:
    assert read_destination(url).url == written


def test_a_host_is_called_at_all_its_addresses_when_all_are_public() -> None:
    destination = read_destination("https://example.com/h")
    answers = ["93.184.215.14", "2606:2800:21f:cb07::1", "93.184.215.14"]

    assert callable_addresses(destination, PUBLIC, lambda *_: answers) == (
        "93.184.215.14",
        "2606:2800:21f:cb07::1",
    )


def test_a_name_is_resolved_once() -> None:
    asked: list[str] = []

    def count(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["93.184.215.14"]

    callable_addresses(read_destination("https://example.com/h"), PUBLIC, count)

    assert asked == ["example.com"]


def test_a_name_without_an_address_and_one_inside_are_refused_alike() -> None:
    def nobody(_host: str, _port: int) -> list[str]:
        raise OSError("no such name")

    destination = read_destination("https://example.com/h")
    said = []
    for answer in (nobody, lambda *_: ["10.0.0.1"]):
        with pytest.raises(DestinationRefused) as caught:
            callable_addresses(destination, PUBLIC, answer)
        said.append((caught.value.reason, str(caught.value)))

    assert said[0] == said[1]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9000/h",
        "http://localhost:9000/h",
        "https://[::1]:9000/h",
        "http://example.com/h",
    ],
)
def test_development_may_call_this_machine_and_plain_http(url: str) -> None:
    assert read_destination(url, DEVELOPMENT).url


@pytest.mark.parametrize(
    "url",
    ["http://10.0.0.1:9000/h", "http://169.254.169.254/", "http://127.0.0.1:6379/"],
)
def test_development_reaches_no_other_network_and_no_other_service(url: str) -> None:
    assert refused(url, DEVELOPMENT) in {"host_refused", "port_refused"}


def test_a_public_network_of_our_own_may_be_refused_too() -> None:
    rules = Rules(refused=networks(["8.8.8.0/24"]))

    assert not is_callable("8.8.8.8", rules)
    assert is_callable("8.8.4.4", rules)


def test_what_is_refused_wins_over_what_is_allowed() -> None:
    network = IPv4Network("127.0.0.0/8")

    assert not is_callable("127.0.0.1", Rules(allowed=(network,), refused=(network,)))
