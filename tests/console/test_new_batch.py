"""The page of a new batch, and its quote."""

import json
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import Org, Role
from batches.models import Batch, Quote, StoredFile
from batches.services.manifests import delete_file
from batches.services.retention import REQUEST, delete_content
from batches.store import store
from batchrouter.kit import clock
from batchrouter.kit.money import parse_usd
from billing.models import Reservation
from tests.console.made import browser_of
from tests.factories.accounts import OrgFactory
from tests.factories.batches import (
    lines_of,
    make_batch,
    make_item,
    make_items,
    make_quote,
)
from tests.factories.billing import funded_org

NEW = "/batches/new"
ATTACK = "<script>alert(1)</script>"
WISHES = {
    "sla_tier": "standard",
    "routing_mode": "sla_aware",
    "privacy_tier": "standard",
    "allowed_regions": ["global"],
}
PROMPTS = {
    **WISHES,
    "kind": "prompts",
    "model": "gpt-5.4-mini",
    "max_output_tokens": "100",
    "text": "Say hello.\r\n\r\nSay goodbye.\r\n",
}


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def shown(client: Client, path: str) -> str:
    reply = client.get(path)
    assert reply.status_code == 200
    return str(reply.content.decode())


def ask(client: Client, **fields: Any) -> Any:
    return client.post(NEW, {**WISHES, **fields})


def items_text(*items: Any) -> str:
    return "\n".join(json.dumps(item) for item in items)


def quoted(client: Client, **fields: Any) -> Quote:
    """Return the quote whose page a form leads to."""
    reply = ask(client, **fields)
    assert reply.status_code == 302, words(reply.content.decode())
    found = re.fullmatch(r"/batches/new/(qlock_[0-9a-z]{26})", reply["Location"])
    assert found is not None
    return Quote.objects.get(public_id=found[1])


def refused(client: Client, status: int = 400, **fields: Any) -> str:
    """Return the page that a refused form shows; no quote came of it."""
    before = Quote.objects.count()
    reply = ask(client, **fields)
    assert reply.status_code == status
    assert Quote.objects.count() == before
    return str(reply.content.decode())


def page_of(quote: Quote, act: str = "") -> str:
    return f"{NEW}/{quote.public_id}{act}"


def lines_in(quote: Quote) -> list[Any]:
    path = store().path(quote.manifest.file.storage_key)
    return [json.loads(line) for line in path.read_bytes().splitlines()]


# Starting


def test_an_empty_page_asks_for_prompts(owner: Client) -> None:
    body = shown(owner, NEW)
    assert re.search(r'value="prompts"[^>]*checked', body)
    assert "Support ticket triage" in body


def test_a_workflow_starts_with_its_samples(owner: Client) -> None:
    body = shown(owner, f"{NEW}?workflow=extract-invoice-fields")
    assert re.search(r'value="items"[^>]*checked', body)
    assert body.count("{&quot;customer_item_id&quot;: ") > 1
    assert re.search(r'<option value="confidential" selected', body)
    assert 'name="workflow" value="extract-invoice-fields"' in body


@pytest.mark.parametrize(
    "slug", ["classify-support-tickets", "embed-search-corpus", "summarize-calls"]
)
def test_a_workflows_samples_can_be_quoted_as_they_stand(
    slug: str, owner: Client
) -> None:
    text = owner.get(f"{NEW}?workflow={slug}").context["form"]["text"].value()
    quote = quoted(owner, workflow=slug, kind="items", text=text)
    assert quote.spec["workflow"] == slug
    assert quote.item_count == len(text.splitlines())


def test_a_models_example_can_be_quoted_as_it_stands(owner: Client) -> None:
    page = owner.get(f"{NEW}?model=openai/gpt-oss-120b")
    text = page.context["form"]["text"].value()
    quote = quoted(owner, kind="items", text=text)
    assert lines_in(quote)[0]["model"] == "openai/gpt-oss-120b"


@pytest.mark.parametrize(
    "query", ["workflow=nothing", "model=nothing", "quote=nothing", "quote=qlock_x"]
)
def test_a_start_that_is_not_there_is_404(query: str, owner: Client) -> None:
    assert owner.get(f"{NEW}?{query}").status_code == 404


def test_each_line_of_plain_text_is_an_item(owner: Client) -> None:
    quote = quoted(owner, **PROMPTS)
    assert lines_in(quote) == [
        {
            "operation": "responses",
            "model": "gpt-5.4-mini",
            "input": {"max_output_tokens": 100, "input": text},
            "customer_item_id": name,
        }
        for name, text in (("line-1", "Say hello."), ("line-3", "Say goodbye."))
    ]


def test_texts_for_an_embedding_model_are_embedded(owner: Client) -> None:
    quote = quoted(owner, **{**PROMPTS, "model": "text-embedding-3-small"})
    assert lines_in(quote)[0]["operation"] == "embeddings"


def test_plain_text_is_put_into_the_workflows_item(owner: Client) -> None:
    quote = quoted(
        owner, workflow="classify-support-tickets", kind="prompts", text="It is down."
    )
    item = lines_in(quote)[0]
    assert item["input"]["input"] == "It is down."
    assert item["input"]["instructions"].startswith("You triage support tickets")
    assert item["verify"]["on_fail"] == "retry"


def test_items_are_taken_as_lines_or_as_a_list(owner: Client) -> None:
    items = make_items(2)
    by_lines = quoted(owner, kind="items", text=items_text(*items))
    by_list = quoted(owner, kind="items", text=json.dumps(items, indent=2))
    assert lines_in(by_lines) == lines_in(by_list) == items


def test_a_file_is_taken_in_place_of_the_text(owner: Client) -> None:
    file = SimpleUploadedFile("my items.ndjson", lines_of(make_items(3)))
    quote = quoted(owner, kind="prompts", text="Not this.", file=file)
    assert quote.item_count == 3
    assert quote.manifest.file.filename == "my items.ndjson"


def test_a_file_may_be_larger_than_a_form(owner: Client, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1_500
    data = lines_of(make_items(50))
    assert len(data) > 1_500
    file = SimpleUploadedFile("items.ndjson", data)
    assert quoted(owner, kind="items", file=file).item_count == 50


def test_every_wish_is_kept_with_the_quote(owner: Client) -> None:
    quote = quoted(
        owner,
        **{
            **PROMPTS,
            "sla_tier": "priority",
            "routing_mode": "quality_first",
            "allowed_regions": ["us", "global"],
            "max_price": "$2.5",
            "dedupe": "on",
            "skip_invalid": "on",
        },
    )
    assert quote.spec["sla_tier"] == "priority"
    assert quote.spec["routing_mode"] == "quality_first"
    assert quote.spec["privacy_tier"] == "standard"
    assert quote.spec["allowed_regions"] == ["us", "global"]
    assert quote.spec["max_price_nanousd"] == 2_500_000_000
    assert quote.spec["dedupe"] is True
    assert quote.spec["on_invalid"] == "skip"


def test_a_quotes_items_can_be_quoted_again_with_other_wishes(owner: Client) -> None:
    first = quoted(owner, **PROMPTS)
    file_id = first.manifest.file.public_id
    assert file_id in shown(owner, f"{NEW}?quote={first.public_id}")
    again = quoted(owner, input_file_id=file_id, sla_tier="priority")
    assert again.manifest_id == first.manifest_id
    assert again.spec["sla_tier"] == "priority"


def test_a_past_batch_is_run_again_with_its_items_and_wishes(
    owner: Client, org: Org
) -> None:
    past = make_batch(org, make_items(2), sla_tier="flex", dedupe=True)
    reply = owner.get(f"{NEW}?batch={past.public_id}")
    form = reply.context["form"]
    assert form["input_file_id"].value() == past.manifest.file.public_id
    assert (form["sla_tier"].value(), form["dedupe"].value()) == ("flex", True)
    assert "to be run again" in words(reply.content.decode())
    quote = quoted(owner, input_file_id=form["input_file_id"].value())
    assert quote.manifest_id == past.manifest_id


def test_past_batches_can_be_chosen(owner: Client, org: Org, stranger: Client) -> None:
    past = make_batch(org)
    assert f'href="{NEW}?batch={past.public_id}"' in shown(owner, NEW)
    assert past.public_id not in shown(stranger, NEW)


def test_a_past_batch_is_nothing_to_a_stranger(stranger: Client, org: Org) -> None:
    path = f"{NEW}?batch={make_batch(org).public_id}"
    assert stranger.get(path).status_code == 404


def test_of_a_batch_without_content_the_wishes_are_left(
    owner: Client, batch: Batch
) -> None:
    delete_content(batch, cause=REQUEST, now=clock.now())
    body = shown(owner, f"{NEW}?batch={batch.public_id}")
    assert "was deleted. Its wishes stand below" in words(body)
    assert batch.manifest.file.public_id not in body
    assert f"?batch={batch.public_id}" not in shown(owner, NEW)


def test_wishes_that_a_past_batch_loses_are_named(owner: Client, org: Org) -> None:
    past = make_batch(org, metadata={"team": "a"}, retention_days=3)
    text = words(shown(owner, f"{NEW}?batch={past.public_id}"))
    assert "no control for it: metadata, a retention of its own." in text


def test_a_pasted_lists_items_have_the_lines_they_begin_on(owner: Client) -> None:
    text = json.dumps([make_items(1)[0], {"customer_item_id": "b"}], indent=1)
    body = refused(owner, kind="items", text=text)
    line = text[: text.index('{\n  "customer_item_id": "b"')].count("\n") + 1
    assert f'data-goes-to-line="{line}"' in body


def test_a_pasted_prompts_problem_has_its_line(owner: Client) -> None:
    fields = {**PROMPTS, "max_output_tokens": "1", "text": "\r\n\r\nSay hello."}
    body = refused(owner, 400, **fields)
    assert "Line 3 Say hello. input.max_output_tokens" in words(body)


# Refusals


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"text": " \n "}, "Type or paste something here, or choose a file."),
        ({"model": ""}, "Choose the model that answers the prompts."),
        ({"model": "nothing"}, "Select a valid choice."),
        ({"sla_tier": "soon"}, "Select a valid choice."),
        ({"allowed_regions": []}, "Choose where the work may go."),
        ({"max_price": "cheap"}, "Enter dollars with a point"),
        ({"max_price": "0"}, "Enter more than nothing"),
        ({"text": "a\x00b"}, "Null characters are not allowed."),
        ({"workflow": "nothing", "kind": "prompts"}, "There is no workflow product"),
        ({"kind": "items", "text": "[1,"}, "This is not valid JSON"),
        ({"kind": "items", "text": '{"items": []}'}, "paste only the list of its"),
        ({"input_file_id": "file_nothing"}, "The items are not kept any more"),
    ],
)
def test_a_form_is_refused_with_the_way_to_mend_it(
    fields: dict[str, Any], told: str, owner: Client
) -> None:
    body = refused(owner, **{**PROMPTS, **fields})
    assert told in words(body)
    assert not StoredFile.objects.exists()


def test_problems_stand_by_line_and_the_text_is_kept(owner: Client) -> None:
    good, bad = make_items(2)
    bad["input"] = {"input": "Hi.", "temprature": 1}
    body = refused(owner, kind="items", text=items_text(good, bad, 5))
    text = words(body)
    assert re.search(r"Line 2 {.*} input.temprature : There is no field", text)
    assert "Line 3 5 A line holds one JSON object." in text
    assert 'href="#id_text" data-goes-to-line="2"' in body
    assert "temprature&quot;: 1" in body
    assert not StoredFile.objects.exists()


def test_problems_of_a_file_stand_by_line(owner: Client) -> None:
    file = SimpleUploadedFile("items.ndjson", lines_of(make_items(1)) + b"{\n")
    body = refused(owner, kind="items", file=file)
    assert "Line 2 { This is not valid JSON" in words(body)
    assert "data-goes-to-line" not in body
    assert not StoredFile.objects.exists()


@pytest.mark.parametrize("name", ["items.ndjson", f"{ATTACK}.ndjson"])
def test_an_empty_file_is_refused(name: str, owner: Client) -> None:
    body = refused(owner, kind="items", file=SimpleUploadedFile(name, b""))
    assert "There are no items." in words(body)
    assert ATTACK not in body


def test_items_without_a_lane_are_told_with_each_lanes_reason(owner: Client) -> None:
    fields = {**PROMPTS, "privacy_tier": "restricted", "allowed_regions": ["eu"]}
    text = words(refused(owner, 422, **fields))
    assert "No lane for 2 items" in text
    assert "openai" in text
    assert "Say goodbye." in text


def test_a_file_is_not_asked_for_again_after_a_refused_quote(owner: Client) -> None:
    file = SimpleUploadedFile("items.ndjson", lines_of(make_items(2)))
    body = refused(owner, 422, kind="items", file=file, max_price="0.000000001")
    kept = StoredFile.objects.get()
    assert "above max_price" in words(body)
    assert f'name="input_file_id" value="{kept.public_id}"' in body
    assert quoted(owner, input_file_id=kept.public_id).item_count == 2


# What was sent is kept


def kept_in(body: str) -> str:
    """Return the id of the file that a page offers again."""
    found = re.search(r'name="input_file_id" value="(file_[0-9a-z]{26})"', body)
    return "" if found is None else found[1]


def waters() -> SimpleUploadedFile:
    return SimpleUploadedFile("waters.ndjson", lines_of(make_items(5)))


def test_a_file_is_kept_while_a_wish_is_mended(owner: Client) -> None:
    body = refused(owner, kind="items", file=waters(), max_price="cheap")
    kept = StoredFile.objects.get()
    assert "waters.ndjson , 5 items, kept: you need not send them again" in words(body)
    assert kept_in(body) == kept.public_id
    assert 'value="cheap"' in body
    assert quoted(owner, input_file_id=kept.public_id).item_count == 5
    assert StoredFile.objects.count() == 1


def test_a_kept_file_stays_kept_through_several_refusals(owner: Client) -> None:
    first = refused(owner, kind="items", file=waters(), max_price="cheap")
    again = refused(owner, input_file_id=kept_in(first), allowed_regions=[])
    assert "5 items, kept" in words(again)
    assert kept_in(again) == kept_in(first)
    assert StoredFile.objects.count() == 1


def test_another_file_takes_the_place_of_a_kept_one(owner: Client) -> None:
    body = refused(owner, kind="items", file=waters(), max_price="cheap")
    assert "Choose another file" in words(body)
    other = SimpleUploadedFile("wines.ndjson", lines_of(make_items(2)))
    quote = quoted(owner, input_file_id=kept_in(body), file=other)
    assert (quote.item_count, quote.manifest.file.filename) == (2, "wines.ndjson")
    table = SimpleUploadedFile("wines.csv", b"id,text\n1,Red?\n")
    body = refused(owner, 200, input_file_id=kept_in(body), file=table)
    assert "wines.csv" in body
    assert kept_in(body) == ""


def test_a_kept_file_that_was_deleted_is_asked_for_again(owner: Client) -> None:
    file_id = kept_in(refused(owner, kind="items", file=waters(), max_price="cheap"))
    delete_file(StoredFile.objects.get(), now=clock.now())
    body = refused(owner, input_file_id=file_id, max_price="cheap")
    assert "The items are not kept any more: choose them again." in words(body)
    assert kept_in(body) == ""
    assert 'name="file"' in body


def test_fields_of_a_text_say_nothing_of_a_file(owner: Client) -> None:
    fields = {"model": "nothing", "max_output_tokens": "many", "text": "\x00"}
    assert quoted(owner, kind="items", file=waters(), **fields).item_count == 5


def test_bad_items_and_a_bad_wish_are_told_together(owner: Client) -> None:
    file = SimpleUploadedFile("items.ndjson", b"{\n")
    text = words(refused(owner, kind="items", file=file, max_price="cheap"))
    assert "This is not valid JSON" in text
    assert "Enter dollars with a point" in text
    assert not StoredFile.objects.exists()


@pytest.mark.parametrize(
    "wish", [{"max_price": "cheap"}, {"model": ""}, {"model": "nothing"}]
)
def test_a_file_of_prompts_stands_in_the_text_while_the_rest_is_mended(
    wish: dict[str, str], owner: Client
) -> None:
    file = SimpleUploadedFile("asks.txt", "Say hello.\nSag grüß Gott.\n".encode())
    reply = ask(owner, **{**PROMPTS, "text": "", "file": file, **wish})
    form = reply.context["form"]
    assert reply.status_code == 400
    assert form["text"].value() == "Say hello.\nSag grüß Gott.\n"
    assert form["kind"].value() == "prompts"
    assert not StoredFile.objects.exists()


def test_a_kept_name_shows_what_would_be_hidden(owner: Client) -> None:
    file = SimpleUploadedFile("a\u202e<b>.ndjson", lines_of(make_items(1)))
    body = refused(owner, kind="items", file=file, max_price="cheap")
    assert "\u202e" not in body
    assert "&lt;b&gt;.ndjson" in body
    assert "1 item, kept: you need not send it again" in words(body)


def test_the_items_of_another_organization_are_not_quoted(
    owner: Client, stranger: Client
) -> None:
    theirs = quoted(stranger, **PROMPTS).manifest.file.public_id
    for price in ("", "cheap"):
        body = refused(owner, input_file_id=theirs, max_price=price)
        assert "The items are not kept any more" in words(body)
        assert theirs not in body


def test_more_text_than_a_form_may_hold_is_sent_as_a_file(
    owner: Client, settings: Any
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000
    body = refused(owner, 413, **{**PROMPTS, "text": "a" * 2_000})
    assert "send it as a file" in words(body)


def test_hostile_text_is_text_and_nothing_else(owner: Client) -> None:
    item = make_items(1)[0] | {"customer_item_id": ATTACK, "model": ATTACK}
    body = refused(owner, kind="items", text=items_text(item))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in body
    assert ATTACK not in body


# Who may


@pytest.mark.parametrize("query", ["", "?workflow=classify-support-tickets"])
def test_nobody_is_sent_to_log_in_and_comes_back(query: str, db: None) -> None:
    reply = Client().get(f"{NEW}{query}")
    wanted = f"{NEW}{query}".replace("?", "%3F").replace("=", "%3D")
    assert (reply.status_code, reply["Location"]) == (302, f"/login?next={wanted}")


@pytest.mark.usefixtures("market")
def test_a_login_leads_to_the_sign_up_with_the_wanted_page() -> None:
    body = shown(Client(), f"/login?next={NEW}%3Fmodel%3Dx")
    assert f'href="/signup?next={NEW.replace("/", "%2F")}%3Fmodel%3Dx"' in body


def test_a_viewer_is_told_why_not(viewer: Client, org: Org) -> None:
    reply = viewer.get(NEW)
    assert reply.status_code == 403
    assert f"You are a viewer of {org.name}" in words(reply.content.decode())
    assert "neither quote nor submit" in refused(viewer, 403, **PROMPTS)


def test_a_form_of_another_site_is_refused(org: Org) -> None:
    client = Client(enforce_csrf_checks=True)
    client.cookies = browser_of(org).cookies
    refused(client, 403, **PROMPTS)


def test_a_viewer_sees_a_quote_and_cannot_submit_it(viewer: Client, org: Org) -> None:
    quote = make_quote(org)
    body = shown(viewer, page_of(quote))
    assert "A viewer may not submit a batch." in words(body)
    assert "Submit the batch" not in body
    for act in ("/submit", "/sample", "/again"):
        assert viewer.post(page_of(quote, act)).status_code == 403
    assert not Batch.objects.exists()


@pytest.mark.parametrize("act", ["", "/submit", "/sample", "/again"])
def test_a_quote_is_nothing_to_a_stranger(act: str, stranger: Client, org: Org) -> None:
    path = page_of(make_quote(org), act)
    reply = stranger.post(path) if act else stranger.get(path)
    assert reply.status_code == 404
    assert not Batch.objects.exists()


def test_quotes_of_test_keys_are_for_the_api(owner: Client, org: Org) -> None:
    quote = make_quote(org, is_test=True)
    assert owner.get(page_of(quote)).status_code == 404
    assert owner.post(page_of(quote, "/submit")).status_code == 404
    assert not Batch.objects.exists()


# The quote


def test_a_quote_shows_its_price_lanes_and_curve(owner: Client, org: Org) -> None:
    quote = make_quote(org, make_items(3))
    body = shown(owner, page_of(quote))
    text = words(body)
    assert f'value="0.{quote.total_nanousd:09d}"' in body
    assert "Selected: gpt-5.4-mini at OpenAI by a native batch job." in text
    assert 'id="chart-curve"' in body
    for point in quote.reply["price_deadline_curve"]:
        is_own = point["quote_id"] == quote.public_id
        assert (f'href="/batches/new/{point["quote_id"]}"' in body) is not is_own
    assert "Identical items 2, run and charged each" in text


def test_refused_lanes_have_their_reasons(owner: Client, org: Org) -> None:
    quote = make_quote(org, sla_tier="priority")
    refused_lanes = [
        lane for lane in quote.reply["lanes"] if lane["rejection_code"] is not None
    ]
    assert refused_lanes
    text = words(shown(owner, page_of(quote)))
    assert all(lane["reason"] in text for lane in refused_lanes)


def test_a_quote_says_how_much_less_it_costs_than_direct_calls(
    owner: Client, org: Org
) -> None:
    quote = make_quote(org, make_items(3))
    lanes = {lane["mode"]: lane for lane in reversed(quote.reply["lanes"])}
    direct = parse_usd(lanes["direct"]["expected"]["amount"])
    percent = (direct - quote.expected_total_nanousd) * 100 // direct
    assert percent > 0
    assert f"{percent} % less , our fee included" in words(shown(owner, page_of(quote)))


def test_other_wishes_lead_to_another_quote_of_the_same_items(
    owner: Client, org: Org
) -> None:
    quote = make_quote(org, make_items(2))
    fields = {**WISHES, "sla_tier": "priority", "input_file_id": "file_nothing"}
    reply = owner.post(page_of(quote, "/again"), fields)
    again = Quote.objects.filter(curve_of=None).latest("id")
    assert (reply.status_code, reply["Location"]) == (302, page_of(again))
    assert again.manifest_id == quote.manifest_id
    assert again.spec["sla_tier"] == "priority"


@pytest.mark.parametrize(
    ("wish", "status", "told"),
    [
        ({"max_price": "cheap"}, 400, "Enter dollars with a point"),
        ({"allowed_regions": []}, 400, "Choose where the work may go."),
        ({"max_price": "0.000000001"}, 422, "above max_price"),
        (
            {"privacy_tier": "restricted", "allowed_regions": ["eu"]},
            422,
            "No lane for 1 item",
        ),
    ],
)
def test_wishes_that_cannot_be_had_leave_the_quote_as_it_was(
    wish: dict[str, Any], status: int, told: str, owner: Client, org: Org
) -> None:
    quote = make_quote(org)
    count = Quote.objects.count()
    reply = owner.post(page_of(quote, "/again"), {**WISHES, **wish})
    text = words(reply.content.decode())
    assert reply.status_code == status
    assert told in text
    assert "The quote below is as it was before." in text
    assert "Submit the batch" in text
    assert Quote.objects.count() == count


def test_a_quote_with_wishes_of_its_own_is_not_asked_for_again(
    owner: Client, org: Org
) -> None:
    quote = make_quote(org, metadata={"team": "a"})
    count = Quote.objects.count()
    assert owner.post(page_of(quote, "/again"), WISHES).status_code == 404
    assert Quote.objects.count() == count


def test_a_quote_of_many_groups_fits_into_a_hundred_kibibytes(
    owner: Client, org: Org, django_assert_max_num_queries: Any
) -> None:
    models = ("gpt-5.4-mini", "gpt-5.4", "openai/gpt-oss-120b")
    items = [
        make_item(number, model=models[number % 3], input={"input": "Say " * number})
        for number in range(1, 60)
    ]
    bad = [{"customer_item_id": f"bad-{number}"} for number in range(100)]
    text = items_text(*items, *bad)
    quote = quoted(owner, kind="items", text=text, skip_invalid="on")
    shown(owner, page_of(quote))
    with django_assert_max_num_queries(12):
        body = shown(owner, page_of(quote))
    assert len(body.encode()) < 100 * 1024


def test_a_point_of_the_curve_can_be_submitted(owner: Client, org: Org) -> None:
    quote = make_quote(org)
    point = quote.reply["price_deadline_curve"][0]["quote_id"]
    assert "Submit the batch" in shown(owner, f"{NEW}/{point}")
    owner.post(f"{NEW}/{point}/submit")
    batch = Batch.objects.get()
    assert batch.quote.public_id == point
    text = words(shown(owner, page_of(quote)))
    assert f"Another point of its curve became {batch.public_id}" in text


def test_items_left_out_are_listed(owner: Client) -> None:
    text = items_text(make_items(1)[0], {"customer_item_id": ATTACK})
    quote = quoted(owner, kind="items", text=text, skip_invalid="on")
    body = shown(owner, page_of(quote))
    assert "1 left out" in words(body)
    assert "line 2, &lt;script&gt;" in body
    assert ATTACK not in body


def test_a_quote_reads_at_most_twelve_times(
    owner: Client, org: Org, django_assert_max_num_queries: Any
) -> None:
    quote = make_quote(org)
    shown(owner, page_of(quote))  # notes once a minute that the session is used
    with django_assert_max_num_queries(12):
        shown(owner, page_of(quote))
    with django_assert_max_num_queries(12):
        shown(owner, NEW)


def test_a_quote_without_credits_reads_at_most_twelve_times(
    market: None, django_assert_max_num_queries: Any
) -> None:
    poor = OrgFactory.create()
    client, quote = browser_of(poor), make_quote(poor)
    shown(client, page_of(quote))
    with django_assert_max_num_queries(12):
        shown(client, page_of(quote))


# Submitting


def test_a_submitted_quote_leads_to_its_batch(owner: Client, org: Org) -> None:
    quote = make_quote(org)
    reply = owner.post(page_of(quote, "/submit"))
    batch = Batch.objects.get()
    assert (reply.status_code, reply["Location"]) == (
        302,
        f"/batches/{batch.public_id}",
    )
    assert batch.quote_id == quote.pk
    assert Reservation.objects.get().amount_nanousd == quote.total_nanousd


def test_a_double_click_makes_one_batch(owner: Client, org: Org) -> None:
    quote = make_quote(org)
    first, second = (owner.post(page_of(quote, "/submit")) for _ in range(2))
    assert first["Location"] == second["Location"]
    assert Batch.objects.count() == 1
    assert Reservation.objects.count() == 1


def test_an_expired_quote_is_told_and_can_be_asked_for_again(
    owner: Client, org: Org
) -> None:
    quote = make_quote(org)
    Quote.objects.filter(pk=quote.pk).update(valid_until=quote.created_at)
    reply = owner.post(page_of(quote, "/submit"))
    assert reply.status_code == 410
    body = reply.content.decode()
    assert "This quote has expired" in body
    assert f'href="{NEW}?quote={quote.public_id}"' in body
    assert "Submit the batch" not in body
    assert not Batch.objects.exists()
    assert not Reservation.objects.exists()


def test_too_few_credits_are_told_on_the_quotes_page(market: None) -> None:
    poor = OrgFactory.create()
    client, quote = browser_of(poor), make_quote(poor)
    reply = client.post(page_of(quote, "/submit"))
    assert reply.status_code == 402
    text = words(reply.content.decode())
    assert "more is needed." in text
    assert "Your quote" in text
    assert not Batch.objects.exists()
    assert not Reservation.objects.exists()


def test_packs_can_be_bought_where_credits_are_short(
    market: None, settings: Any
) -> None:
    settings.STRIPE_SECRET_KEY = "sk_test_of_a_page"
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_of_a_page"]
    poor = OrgFactory.create()
    quote = make_quote(poor)
    body = shown(browser_of(poor), page_of(quote))
    form = body[body.index('action="/billing/checkout"') :]
    form = form[: form.index("</form>")]
    assert 'name="csrfmiddlewaretoken"' in form
    assert 'name="pack_code"' in form
    member = shown(browser_of(poor, Role.MEMBER), page_of(quote))
    assert 'action="/billing/checkout"' not in member
    assert "An owner or admin of your organization can buy credits." in words(member)


def test_a_newcomer_tries_the_first_rows_free_and_once(market: None) -> None:
    poor = OrgFactory.create()
    client, quote = browser_of(poor), make_quote(poor, make_items(7))
    assert "Try the first 5 rows free" in words(shown(client, page_of(quote)))
    first, second = (client.post(page_of(quote, "/sample")) for _ in range(2))
    batch = Batch.objects.get()
    assert (batch.is_sample, batch.item_count) == (True, 5)
    assert first["Location"] == second["Location"] == f"/batches/{batch.public_id}"
    assert "rows free" not in shown(client, page_of(quote))


def test_a_sample_is_not_for_organizations_with_credits(
    owner: Client, org: Org
) -> None:
    quote = make_quote(org)
    reply = owner.post(page_of(quote, "/sample"))
    assert reply.status_code == 409
    assert "never had credits" in words(reply.content.decode())
    assert not Batch.objects.exists()


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN, Role.MEMBER])
def test_whoever_may_submit_may_quote(role: str, market: None) -> None:
    assert browser_of(funded_org(usd=1), role).get(NEW).status_code == 200


def test_wishes_the_page_cannot_show_are_not_lost_by_quoting_again(
    owner: Client, org: Org
) -> None:
    plain, own = make_quote(org), make_quote(org, metadata={"team": "a"})
    assert "Quote again" in shown(owner, page_of(plain))
    assert "Quote again" not in shown(owner, page_of(own))
