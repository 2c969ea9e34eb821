"""What every API call meets: keys, errors, Idempotency-Key, faults, lists."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx2 as httpx
import pytest
import stripe

from tests.stripe_standin.conftest import NewSession, client_of, wished
from tests.support.stripe_standin import API_KEY, Json, StripeStandin


def bearer(key: str = API_KEY) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.parametrize("key", ["sk_live_" + "standin0" * 4, "nonsense"])
def test_a_key_that_is_no_test_key_is_refused(standin: StripeStandin, key: str) -> None:
    with pytest.raises(stripe.AuthenticationError) as refusal:
        client_of(standin, key).v1.checkout.sessions.create(wished())

    assert refusal.value.http_status == 401
    assert list(client_of(standin).v1.checkout.sessions.list()) == []


def test_a_key_may_come_as_the_user_of_basic_authentication(
    standin: StripeStandin,
) -> None:
    answer = httpx.get(f"{standin.url}/v1/account", auth=(API_KEY, ""))

    assert answer.json()["object"] == "account"


def test_a_stand_in_may_demand_one_key() -> None:
    other = "sk_test_" + "another0" * 4
    with StripeStandin(api_key=other) as standin:
        refused = httpx.get(f"{standin.url}/v1/account", headers=bearer())
        answered = httpx.get(f"{standin.url}/v1/account", headers=bearer(other))

    assert (refused.status_code, answered.status_code) == (401, 200)


def test_the_version_asked_for_is_the_version_answered(standin: StripeStandin) -> None:
    headers = {**bearer(), "Stripe-Version": "2026-08-26.dahlia"}
    answer = httpx.get(f"{standin.url}/v1/account", headers=headers)

    assert answer.headers["stripe-version"] == "2026-08-26.dahlia"
    assert answer.headers["request-id"].startswith("req_")


def test_an_unknown_object_is_missing(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.checkout.sessions.retrieve("cs_test_unknown")

    assert refusal.value.http_status == 404
    assert refusal.value.code == "resource_missing"


def test_an_unknown_parameter_is_refused(new_session: NewSession) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        new_session(colour="red")

    assert refusal.value.code == "parameter_unknown"
    assert refusal.value.param == "colour"


def test_a_key_used_again_gives_the_same_answer(
    client: stripe.StripeClient, standin: StripeStandin
) -> None:
    first, again = [
        client.v1.checkout.sessions.create(wished(), {"idempotency_key": "one"})
        for _ in range(2)
    ]

    assert first.id == again.id
    assert again.last_response is not None
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert len(client.v1.checkout.sessions.list().data) == 1


def test_a_key_used_at_once_by_many_takes_effect_once(
    client: stripe.StripeClient,
) -> None:
    options: stripe.RequestOptions = {"idempotency_key": "one"}

    def create(_: int) -> str:
        return client.v1.checkout.sessions.create(wished(), options).id

    with ThreadPoolExecutor(max_workers=8) as threads:
        made = set(threads.map(create, range(24)))

    assert [s.id for s in client.v1.checkout.sessions.list().data] == [*made]


def test_a_key_used_again_with_other_parameters_is_refused(
    client: stripe.StripeClient,
) -> None:
    options: stripe.RequestOptions = {"idempotency_key": "one"}
    client.v1.checkout.sessions.create(wished(), options)
    with pytest.raises(stripe.IdempotencyError) as refusal:
        client.v1.checkout.sessions.create(wished(amount=9_900), options)

    assert refusal.value.http_status == 400
    assert len(client.v1.checkout.sessions.list().data) == 1


def test_a_refusal_is_not_kept_under_its_key(client: stripe.StripeClient) -> None:
    options: stripe.RequestOptions = {"idempotency_key": "one"}
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.checkout.sessions.create(wished(mode="setup"), options)

    assert client.v1.checkout.sessions.create(wished(), options).status == "open"


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("500", stripe.APIError),
        ("429", stripe.RateLimitError),
        ("reset", stripe.APIConnectionError),
    ],
)
def test_a_fault_before_the_effect_leaves_nothing(
    standin: StripeStandin,
    client: stripe.StripeClient,
    kind: str,
    error: type[stripe.StripeError],
) -> None:
    standin.post_fault(kind, match="POST /v1/checkout/sessions")
    with pytest.raises(error):
        client.v1.checkout.sessions.create(wished())

    assert client.v1.checkout.sessions.list().data == []


@pytest.mark.parametrize(
    ("kind", "error"),
    [("500", stripe.APIError), ("reset", stripe.APIConnectionError)],
)
def test_a_fault_after_the_effect_leaves_the_object(
    standin: StripeStandin,
    client: stripe.StripeClient,
    kind: str,
    error: type[stripe.StripeError],
) -> None:
    standin.post_fault(kind, when="after", match="POST /v1/checkout/sessions")
    with pytest.raises(error):
        client.v1.checkout.sessions.create(wished())

    assert len(client.v1.checkout.sessions.list().data) == 1


def test_after_a_lost_answer_the_key_gives_it(
    standin: StripeStandin, client: stripe.StripeClient
) -> None:
    standin.post_fault("reset", when="after")
    options: stripe.RequestOptions = {"idempotency_key": "one"}
    with pytest.raises(stripe.APIConnectionError):
        client.v1.checkout.sessions.create(wished(), options)
    answered = client.v1.checkout.sessions.create(wished(), options)

    [made] = client.v1.checkout.sessions.list().data
    assert answered.id == made.id


def test_after_a_500_the_key_gives_the_500_again(
    standin: StripeStandin, client: stripe.StripeClient
) -> None:
    standin.post_fault("500", when="after")
    options: stripe.RequestOptions = {"idempotency_key": "one"}
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            client.v1.checkout.sessions.create(wished(), options)

    assert len(client.v1.checkout.sessions.list().data) == 1


def test_a_hang_says_nothing_and_then_leaves(
    standin: StripeStandin, client: stripe.StripeClient
) -> None:
    standin.post_fault("hang", seconds=1)
    began = time.monotonic()
    with pytest.raises(stripe.APIConnectionError):
        client.v1.accounts.retrieve_current()

    assert time.monotonic() - began >= 1


def test_latency_is_added_to_every_call(
    standin: StripeStandin, client: stripe.StripeClient
) -> None:
    standin.settings(latency_ms=200)
    began = time.monotonic()
    client.v1.accounts.retrieve_current()

    assert time.monotonic() - began >= 0.2


def test_a_list_pages_from_the_newest(
    client: stripe.StripeClient, new_session: NewSession
) -> None:
    made = [new_session().id for _ in range(5)]
    first = client.v1.checkout.sessions.list({"limit": 2})
    second = client.v1.checkout.sessions.list(
        {"limit": 2, "starting_after": first.data[-1].id}
    )
    back = client.v1.checkout.sessions.list(
        {"limit": 2, "ending_before": second.data[0].id}
    )

    assert [s.id for s in first.data] == [made[4], made[3]]
    assert [s.id for s in second.data] == [made[2], made[1]]
    assert [s.id for s in back.data] == [made[4], made[3]]
    assert (first.has_more, second.has_more, back.has_more) == (True, True, False)


def test_the_client_walks_all_pages(
    client: stripe.StripeClient, new_session: NewSession
) -> None:
    made = [new_session().id for _ in range(5)]
    pages = client.v1.checkout.sessions.list({"limit": 2}).auto_paging_iter()

    assert [session.id for session in pages] == made[::-1]


def test_a_list_may_be_bounded_in_time(
    client: stripe.StripeClient, new_session: NewSession
) -> None:
    session = new_session()
    since = client.v1.checkout.sessions.list({"created": {"gte": session.created}})
    later = client.v1.checkout.sessions.list({"created": {"gt": session.created + 5}})

    assert [s.id for s in since.data] == [session.id]
    assert later.data == []


def test_a_limit_over_100_is_refused(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.events.list({"limit": 101})

    assert refusal.value.param == "limit"


def test_events_are_listed_by_type(client: stripe.StripeClient, paid: Json) -> None:
    kind = "checkout.session.completed"
    [one] = client.v1.events.list({"type": kind}).data
    family = client.v1.events.list({"type": "charge.*"}).data
    two = client.v1.events.list({"types": [kind, "charge.succeeded"]}).data

    assert one.data.object["id"] == paid["id"]
    assert [event.type for event in family] == ["charge.succeeded"]
    assert [event.type for event in two] == [kind, "charge.succeeded"]


def test_a_customer_is_made_changed_and_found(client: stripe.StripeClient) -> None:
    made = client.v1.customers.create(
        {"email": "a@example.com", "metadata": {"org": "o1", "plan": "x"}}
    )
    client.v1.customers.update(made.id, {"name": "A", "metadata": {"plan": ""}})
    found = client.v1.customers.retrieve(made.id)

    assert (found.email, found.name) == ("a@example.com", "A")
    assert found.metadata is not None
    assert found.metadata.to_dict() == {"org": "o1"}


def test_state_survives_a_kill(new_session: NewSession) -> None:
    with StripeStandin() as standin:
        client = client_of(standin)
        options: stripe.RequestOptions = {"idempotency_key": "one"}
        made = client.v1.checkout.sessions.create(wished(), options)
        standin.kill()
        standin.start()

        assert client_of(standin).v1.checkout.sessions.retrieve(made.id).id == made.id
        again = client_of(standin).v1.checkout.sessions.create(wished(), options)
        assert again.id == made.id
