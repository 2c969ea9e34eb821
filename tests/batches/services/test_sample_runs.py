"""A few rows on the house: for whom, what they show, and what the ledger says."""

from typing import Any

import orjson
import pytest

from accounts.models import Org, Role
from batches.models import Batch, Quote, SampleRun, StoredFile
from batches.services.manifests import delete_file
from batches.store import store
from batchrouter.kit import clock
from batchrouter.kit.money import NANO_PER_USD
from billing.models import Grant, LedgerTransaction, Reservation
from billing.selectors import balance
from tests.batches.conftest import Customer
from tests.factories.accounts import MembershipFactory, OrgFactory, make_key
from tests.factories.batches import book_problems, make_item, make_items, run_batch
from tests.factories.billing import GrantFactory
from tests.support.api_client import ApiClient, error_of
from tests.support.meanwhile import meanwhile

REFUSED = (409, "sample_not_eligible")
DIRECT: dict[str, Any] = {"model": "deepseek-flash"}


def newcomer(**key: Any) -> Customer:
    """Make an organization with an owner and a key, and no credits."""
    org = MembershipFactory.create().org
    made = make_key(org, **key)
    return Customer(org, made.row, ApiClient(made.secret))


@pytest.fixture
def guest(market: None) -> Customer:
    return newcomer()


def quote_for(customer: Customer, items: Any = None, **wishes: Any) -> dict[str, Any]:
    body = {"items": items or make_items(7, **DIRECT), **wishes}
    reply = customer.api.post("/v1/batches/quote", body)
    assert reply.status_code == 200, reply.content
    found: dict[str, Any] = reply.json()
    return found


def ask(
    customer: Customer, quote: dict[str, Any], body: Any = None, **more: Any
) -> Any:
    return customer.api.post(f"/v1/quotes/{quote['quote_id']}/sample", body, **more)


def sample_of(customer: Customer, items: Any = None, **wishes: Any) -> Batch:
    reply = ask(customer, quote_for(customer, items, **wishes))
    assert reply.status_code == 202, reply.content
    return Batch.objects.get(public_id=reply.json()["id"])


def nothing_was_given(org: Org) -> bool:
    return not (
        SampleRun.objects.filter(org=org).exists()
        or Batch.objects.filter(org=org).exists()
        or Reservation.objects.filter(org=org).exists()
        or LedgerTransaction.objects.filter(org=org).exists()
    )


@pytest.mark.usefixtures("simulator")
class TestRuns:
    def test_five_rows_run_and_the_ledger_shows_who_paid(self, guest: Customer) -> None:
        quote = quote_for(guest)
        assert quote["sample_run"] == {
            "eligible": True,
            "limit_items": 5,
            "reason": None,
        }

        batch = sample_of(guest)
        assert book_problems() == []
        batch = run_batch(batch)

        assert (batch.state, batch.item_count) == ("completed", 5)
        (grant,) = Grant.objects.filter(org=guest.org)
        assert (grant.is_promo, grant.key) == (True, "sample_run")
        assert grant.amount_nanousd == batch.quote.total_nanousd
        assert 0 < (batch.charged_nanousd or 0) <= grant.amount_nanousd
        held = balance(guest.org)
        assert (held.available_nanousd, held.reserved_nanousd) == (0, 0)
        assert book_problems() == []

    def test_rows_are_previews_and_there_are_no_files_of_them(
        self, guest: Customer
    ) -> None:
        items = [make_item(0, **DIRECT, input="say [[sim:big:5000]]")]
        files = StoredFile.objects.filter(org=guest.org)
        batch = run_batch(sample_of(guest, items))

        path = f"/v1/batches/{batch.public_id}/results?include=raw"
        (row,) = guest.api.get(path).json()["data"]
        assert (row["preview"], row["raw"]) == (True, None)
        assert len(row["output"]["text"]) == 400
        assert set(files.values_list("purpose", flat=True)) == {
            "manifest",
            "route_receipt",
        }
        shown = guest.api.get(f"/v1/batches/{batch.public_id}").json()
        assert (shown["is_sample"], shown["output_file_id"]) == (True, None)
        assert shown["retry_file_id"] is None

    def test_a_vector_is_cut_too(self, guest: Customer) -> None:
        item = {
            "customer_item_id": "v",
            "operation": "embeddings",
            "model": "text-embedding-3-small",
            "input": {"input": "hello"},
        }
        batch = run_batch(sample_of(guest, [item]))

        path = f"/v1/batches/{batch.public_id}/results"
        (row,) = guest.api.get(path).json()["data"]
        assert len(row["output"]["embedding"]) == 8

    def test_a_canceled_sample_leaves_no_credits(self, guest: Customer) -> None:
        batch = sample_of(guest)
        reply = guest.api.post(f"/v1/batches/{batch.public_id}/cancel")
        assert reply.status_code == 202

        run_batch(batch)

        assert balance(guest.org).available_nanousd == 0
        assert book_problems() == []


def test_items_get_a_small_cap_and_lose_their_known_answers(guest: Customer) -> None:
    items = make_items(20, **DIRECT)
    items[0]["golden"] = {"expected": "hello"}
    items[0]["input"]["max_output_tokens"] = 5_000
    items[1]["input"] = "plain text"

    batch = sample_of(guest, items, routing_mode="quality_first")

    file = batch.manifest.file
    lines = store().path(file.storage_key).read_bytes().splitlines()
    sent = [orjson.loads(line) for line in lines]
    assert [item["input"]["max_output_tokens"] for item in sent] == [
        256,
        256,
        100,
        100,
        100,
    ]
    assert not any("golden" in item for item in sent)
    assert batch.quote.spec["routing_mode"] == "cheapest"


@pytest.mark.parametrize("mode", ["privacy_constrained", "public_only"])
def test_a_mode_that_binds_the_work_stays(guest: Customer, mode: str) -> None:
    wishes = {"routing_mode": mode, "allowed_regions": ["us", "global"]}
    batch = sample_of(guest, make_items(2), **wishes)

    assert batch.quote.spec["routing_mode"] == mode
    assert batch.quote.spec["allowed_regions"] == ["us", "global"]


def test_fewer_rows_may_be_asked_for(guest: Customer) -> None:
    reply = ask(guest, quote_for(guest), {"items": 2})

    assert reply.json()["counts"]["total"] == 2


def test_the_quote_stays_active_and_says_that_the_sample_is_used(
    guest: Customer,
) -> None:
    quote = quote_for(guest)
    assert ask(guest, quote).status_code == 202

    again = guest.api.get(f"/v1/quotes/{quote['quote_id']}").json()
    assert (again["state"], again["sample_run"]["eligible"]) == ("active", False)


def test_a_second_sample_is_refused_and_changes_nothing(guest: Customer) -> None:
    quote = quote_for(guest)
    ask(guest, quote)

    reply = ask(guest, quote)

    assert error_of(reply) == REFUSED
    assert SampleRun.objects.count() == 1
    assert Batch.objects.count() == 1
    assert Grant.objects.count() == 1


def test_the_same_idempotency_key_gives_the_same_sample(guest: Customer) -> None:
    quote = quote_for(guest)
    first = ask(guest, quote, idempotency_key="once")
    second = ask(guest, quote, idempotency_key="once")

    assert first.json()["id"] == second.json()["id"]
    assert second.headers["Idempotent-Replayed"] == "true"


def test_another_organization_of_the_same_owner_gets_none(guest: Customer) -> None:
    sample_of(guest)
    owner = guest.org.membership_set.get(role=Role.OWNER).user
    other = newcomer()
    MembershipFactory.create(org=other.org, user=owner)

    assert quote_for(other)["sample_run"] == {
        "eligible": False,
        "limit_items": 5,
        "reason": "An organization of the same owner had its sample.",
    }
    reply = ask(other, quote_for(other))
    assert error_of(reply) == REFUSED
    assert nothing_was_given(other.org)


@pytest.mark.usefixtures("committed_db")
def test_of_two_organizations_of_one_owner_at_once_one_gets_a_sample(
    guest: Customer,
) -> None:
    other = newcomer()
    owner = guest.org.membership_set.get(role=Role.OWNER).user
    MembershipFactory.create(org=other.org, user=owner)
    quotes = [quote_for(guest), quote_for(other)]
    replies: list[Any] = []

    with meanwhile(
        lambda: replies.append(ask(other, quotes[1])), after='FROM "batches_samplerun"'
    ):
        replies.append(ask(guest, quotes[0]))

    assert sorted(reply.status_code for reply in replies) == [202, 409]
    assert SampleRun.objects.count() == 1


@pytest.mark.usefixtures("committed_db")
def test_a_sample_and_the_first_credits_do_not_wait_in_a_circle(
    guest: Customer,
) -> None:
    quote = quote_for(guest)
    replies: list[Any] = []

    with meanwhile(
        lambda: replies.append(ask(guest, quote)),
        after='INSERT INTO "billing_ledgeraccount"',
    ):
        GrantFactory.create(org=guest.org, amount_nanousd=NANO_PER_USD)

    assert [reply.status_code for reply in replies] == [202]
    assert balance(guest.org).available_nanousd == NANO_PER_USD
    assert book_problems() == []


def test_a_quote_whose_input_was_deleted_gives_none(guest: Customer) -> None:
    quote = quote_for(guest)
    delete_file(StoredFile.objects.get(), now=clock.now())
    assert error_of(ask(guest, quote)) == (410, "content_deleted")
    assert nothing_was_given(guest.org)


def test_whoever_has_credits_gets_none(owner: Customer) -> None:
    MembershipFactory.create(org=owner.org)

    reply = ask(owner, quote_for(owner))

    assert error_of(reply) == REFUSED
    assert not SampleRun.objects.exists()
    assert not Batch.objects.exists()


def test_an_organization_without_an_owner_gets_none(market: None) -> None:
    org = OrgFactory.create()
    made = make_key(org)
    customer = Customer(org, made.row, ApiClient(made.secret))

    assert error_of(ask(customer, quote_for(customer))) == REFUSED
    assert nothing_was_given(org)


def test_no_more_are_given_than_the_server_allows_in_a_day(
    guest: Customer, settings: Any
) -> None:
    settings.SAMPLE_RUNS_PER_DAY = 1
    sample_of(guest)
    other = newcomer()

    assert error_of(ask(other, quote_for(other))) == REFUSED
    assert nothing_was_given(other.org)


def test_a_server_may_give_none_and_says_so(guest: Customer, settings: Any) -> None:
    settings.SAMPLE_RUNS_PER_DAY = 0

    flags = guest.api.get("/v1/runtime/capabilities").json()
    assert flags["sample_run"] == {
        "enabled": False,
        "reason": "SAMPLE_RUNS_PER_DAY is 0.",
    }
    assert error_of(ask(guest, quote_for(guest))) == REFUSED
    assert nothing_was_given(guest.org)


def test_rows_that_cost_too_much_are_refused(guest: Customer) -> None:
    long = {"input": "word " * 100_000, "max_output_tokens": 16}
    items = make_items(5, model="gpt-5.4", input=long)
    quote = quote_for(guest, items)
    manifests = StoredFile.objects.count()

    reply = ask(guest, quote)

    assert error_of(reply) == (422, "sample_too_expensive")
    assert StoredFile.objects.count() == manifests
    assert nothing_was_given(guest.org)
    assert Quote.objects.filter(org=guest.org, curve_of=None).count() == 1


def test_an_expired_quote_gives_none(guest: Customer) -> None:
    quote = quote_for(guest)
    Quote.objects.update(valid_until="2026-01-01T00:00:00Z")

    assert error_of(ask(guest, quote)) == (410, "quote_expired")
    assert nothing_was_given(guest.org)


@pytest.mark.parametrize(
    "body", [{"items": 0}, {"items": 6}, {"items": True}, {"items": "5"}, {"rows": 1}]
)
def test_a_wrong_body_is_named(guest: Customer, body: Any) -> None:
    reply = ask(guest, quote_for(guest), body)

    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == next(iter(body))
    assert nothing_was_given(guest.org)


def test_a_strangers_quote_is_not_found(guest: Customer) -> None:
    other = newcomer()

    assert ask(other, quote_for(guest)).status_code == 404
    assert nothing_was_given(guest.org)


def test_a_sample_costs_a_twentieth_of_a_dollar_at_most(guest: Customer) -> None:
    assert sample_of(guest).quote.total_nanousd <= NANO_PER_USD // 20


def test_a_keys_spend_limit_does_not_pay_for_it(market: None) -> None:
    guest = newcomer(spend_limit_nanousd=1)

    batch = sample_of(guest)

    assert batch.api_key is None
    assert book_problems() == []
