"""A table on the page of a new batch: its columns are mapped, then its rows quoted."""

import os
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from batches.models import Quote, StoredFile
from batches.services.tables import KEPT, remove_old_tables
from batches.store import store
from batchrouter.kit import clock
from tests.console.test_new_batch import (
    ATTACK,
    NEW,
    WISHES,
    lines_in,
    quoted,
    refused,
    words,
)

TABLE = 'id,subject,body\r\na1,Hi,It is down\r\nb2,Bye,"Two\r\nlines"\r\n'
PASTED = {"kind": "table", "text": TABLE, "max_output_tokens": "100"}
MAPPED = {
    **PASTED,
    "model": "gpt-5.4-mini",
    "template": "{{subject}}: {{ body }}",
    "id_column": "id",
}


def step(client: Client, **fields: Any) -> Any:
    """Return the page on which columns are mapped; nothing was quoted or kept."""
    reply = client.post(NEW, {**WISHES, **fields})
    assert reply.status_code == 200, words(reply.content.decode())
    assert "The first rows" in reply.content.decode()
    assert not Quote.objects.exists()
    assert not StoredFile.objects.exists()
    return reply


def tables() -> list[Any]:
    return list(store().scratch_dir().glob("table-*"))


def sent(client: Client, name: str, data: bytes, **fields: Any) -> str:
    """Send a file; return the id under which the next step finds it."""
    reply = step(client, kind="prompts", file=SimpleUploadedFile(name, data), **fields)
    return str(reply.context["form"]["table_id"].value())


def test_a_pasted_table_is_shown_with_a_mapping_to_begin_with(owner: Client) -> None:
    reply = step(owner, **PASTED)
    mapping = reply.context["mapping"]
    assert mapping["template"].value() == "{{body}}"
    assert mapping["id_column"].value() == "id"
    text = words(reply.content.decode())
    assert "Line id + subject + body + 2 a1 Hi It is down 3 b2 Bye Two lines" in text
    assert "id,subject,body" in reply.content.decode()


def test_rows_become_items_by_the_mapping(owner: Client) -> None:
    quote = quoted(owner, **MAPPED)
    assert lines_in(quote) == [
        {
            "operation": "responses",
            "model": "gpt-5.4-mini",
            "input": {"max_output_tokens": 100, "input": text},
            "customer_item_id": name,
        }
        for name, text in (("a1", "Hi: It is down"), ("b2", "Bye: Two\nlines"))
    ]


def test_columns_give_models_answers_and_what_comes_back(owner: Client) -> None:
    rows = [f"say {n},gpt-5.4-mini,," for n in range(20)]
    rows[3] = "say 3,gpt-5.4,yes,red"
    quote = quoted(
        owner,
        kind="table",
        text="\n".join(["q,model,answer,color", *rows]),
        template="{{q}}",
        instructions="Be brief.",
        model_column="model",
        expected_column="answer",
        match="contains",
        metadata_columns=["color"],
    )
    items = lines_in(quote)
    assert {item["model"] for item in items} == {"gpt-5.4-mini", "gpt-5.4"}
    assert items[3]["golden"] == {"expected": "yes", "match": "contains"}
    assert items[3]["metadata"] == {"color": "red"}
    assert items[3]["input"]["instructions"] == "Be brief."
    assert items[3]["customer_item_id"] == "line-5"
    assert all("golden" not in item for item in items[:3])


def test_rows_are_put_into_the_workflows_item(owner: Client) -> None:
    fields = {**MAPPED, "model": "", "workflow": "classify-support-tickets"}
    item = lines_in(quoted(owner, **fields))[0]
    assert item["input"]["input"] == "Hi: It is down"
    assert item["input"]["instructions"].startswith("You triage support tickets")
    assert item["verify"]["on_fail"] == "retry"


def test_the_first_item_is_shown_before_anything_is_quoted(owner: Client) -> None:
    body = step(owner, **MAPPED, step="preview").content.decode()
    assert "&quot;customer_item_id&quot;: &quot;a1&quot;" in body
    assert "&quot;input&quot;: &quot;Hi: It is down&quot;" in body


def test_braces_in_a_cell_mean_nothing(owner: Client) -> None:
    text = "id,a,b\n1,{{b}},secret\n"
    quote = quoted(owner, **{**MAPPED, "text": text, "template": "{{a}}"})
    assert lines_in(quote)[0]["input"]["input"] == "{{b}}"


@pytest.mark.parametrize("name", ["t.csv", "t.txt", "T.TSV"])
def test_an_uploaded_table_is_kept_for_the_next_step(name: str, owner: Client) -> None:
    data = b"\xef\xbb\xbfid\tbody\n\xf0\x9f\x90\x9f1\t=1+1\n"
    table_id = sent(owner, name, data)
    fields = {**MAPPED, "text": "", "template": "{{body}}", "table_id": table_id}
    quote = quoted(owner, **fields, table_name=name)
    assert lines_in(quote)[0]["customer_item_id"] == "\N{FISH}1"
    assert lines_in(quote)[0]["input"]["input"] == "=1+1"
    assert quote.manifest.file.filename == f"{name}.ndjson"


def test_a_kept_table_is_found_by_its_organization_only(
    owner: Client, stranger: Client
) -> None:
    table_id = sent(owner, "t.csv", TABLE.encode())
    body = refused(stranger, 404, **{**MAPPED, "text": "", "table_id": table_id})
    assert "choose the file again" in words(body)
    assert "It is down" not in body


@pytest.mark.parametrize("table_id", ["../../x", "table_x", "file_" + "0" * 26])
def test_no_other_file_is_a_kept_table(table_id: str, owner: Client) -> None:
    body = refused(owner, 404, **{**MAPPED, "text": "", "table_id": table_id})
    assert "choose the file again" in words(body)


def test_kept_tables_go_after_an_hour(owner: Client) -> None:
    sent(owner, "t.csv", TABLE.encode())
    (kept,) = tables()
    os.utime(kept, (clock.now().timestamp(),) * 2)
    remove_old_tables(now=clock.now() + KEPT - timedelta(minutes=1))
    assert tables() == [kept]
    remove_old_tables(now=clock.now() + KEPT + timedelta(minutes=1))
    assert tables() == []


def test_text_of_one_prompt_a_line_is_no_table(owner: Client) -> None:
    data = b"Translate this, please.\nAnd that, please.\n"
    file = SimpleUploadedFile("prompts.txt", data)
    fields = {"kind": "prompts", "model": "gpt-5.4-mini", "file": file}
    quote = quoted(owner, **fields, max_output_tokens="100")
    texts = [item["input"]["input"] for item in lines_in(quote)]
    assert texts == ["Translate this, please.", "And that, please."]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"template": "Hi {{nobody}}"}, "There is no column 'nobody'. The columns are"),
        ({"template": "Hi"}, "Name at least one column, such as {{id}}"),
        ({"template": ""}, "Write the prompt with the columns it needs."),
        ({"instructions": "{{x}}"}, "There is no column 'x'."),
        ({"id_column": "nobody"}, "Select a valid choice."),
        ({"model": ""}, "Choose the model that answers the prompts."),
        ({"model": "", "step": "other"}, "Choose the model that answers the prompts."),
    ],
)
def test_a_mapping_is_refused_with_the_way_to_mend_it(
    fields: dict[str, Any], told: str, owner: Client
) -> None:
    body = refused(owner, 400, **{**MAPPED, **fields})
    assert told in words(body.replace("&#x27;", "'"))
    assert "id,subject,body" in body
    assert not StoredFile.objects.exists()


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("id,body\n1,a\n2,b,c\n", "Line 3 2,b,c", "This row has 3 cells"),
        ("id,body\n1,a\n1,b\n", "Line 3 1,b column id", "Line 2 has the same"),
        ("id,body\n1,a\n,b\n", "Line 3 ,b column id", "The id is empty"),
        ("id,body\n1,a\n2, \n", "Line 3 2, column body", "Give text with something"),
        ('id,body\n1,a\n2,"b\n3,c\n', 'Line 3 2,"b', "nothing closes it"),
        ('id,body\n1,a\n2,"b"c\n', "Line 3", "write a quote within a cell as two"),
        ("id,body\n1,a\n\u200f2,b\n", "Line 3", "An id has visible characters"),
        ("id,body\n1,a\n" + "2" * 129 + ",b\n", "Line 3", "1 to 128 characters"),
    ],
)
def test_what_is_wrong_with_a_row_stands_beside_its_line(
    text: str, line: str, told: str, owner: Client
) -> None:
    body = refused(owner, 400, **{**MAPPED, "text": text, "template": "{{body}}"})
    found = words(body).replace("&quot;", '"')
    assert line in found
    assert told in found
    assert 'data-goes-to-line="3"' in body
    assert not StoredFile.objects.exists()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "There is no header"),
        (b"\n1,2\n", "There is no header"),
        (b"id,body\n", "There are no rows below the header"),
        (b"1,2\n3,4\n", "put a header with a name for each column"),
        (b"a,b,a\n1,2,3\n", "Columns 1 and 3 are both called"),
        ("id,body\n1,a\n".encode("utf-16"), "The file is UTF-16: save it as UTF-8"),
        (b"PK\x03\x04\n", "save the sheet as CSV UTF-8"),
        (b"id,body\n1,\xff\n", "Byte 3 of the line is not UTF-8"),
        (b"id,body\n1,a\0b\n", "The line has a NUL character"),
        (b"id,body\r1,a\r", "save the file with LF or CRLF"),
        (b'id,body\n1,"' + b"a" * 131_073, "A cell has over 131,072 characters"),
        (b"id," + b"b" * 65 + b"\n1,2\n", "is the header missing?"),
        (b"id,{{b}}\n1,2\n", "braces in it: rename it"),
        (b",".join(b"c%d" % n for n in range(201)) + b"\n1\n", "201 columns"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_and_not_kept(
    data: bytes, told: str, owner: Client
) -> None:
    file = SimpleUploadedFile(f"{ATTACK}.csv", data)
    body = refused(owner, kind="prompts", file=file)
    assert told in words(body)
    assert ATTACK not in body
    assert tables() == []


def test_rows_that_cannot_be_taken_are_left_out_on_request(owner: Client) -> None:
    text = "id,body\n1,a\n2,b,c\n3,d\n"
    fields = {**MAPPED, "text": text, "template": "{{body}}", "skip_invalid": "on"}
    quote = quoted(owner, **fields)
    assert [item["customer_item_id"] for item in lines_in(quote)] == ["1", "3"]
    assert quote.reply["skipped"][0]["line"] == 3


def test_an_open_quote_is_never_left_out(owner: Client) -> None:
    text = 'id,body\n1,a\n2,"b\n3,d\n'
    fields = {**MAPPED, "text": text, "template": "{{body}}", "skip_invalid": "on"}
    assert "nothing closes it" in words(refused(owner, 400, **fields))


def test_hostile_cells_are_text_and_nothing_else(owner: Client) -> None:
    text = f"{ATTACK},body\n{ATTACK},{ATTACK}\n"
    body = step(owner, kind="table", text=text).content.decode()
    assert ATTACK not in body
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in body


def test_two_hundred_columns_fit_into_a_hundred_kibibytes(
    owner: Client, django_assert_max_num_queries: Any
) -> None:
    names = [f"column_{number}" for number in range(200)]
    row = ["some words of a cell"] * 200
    text = "\n".join(",".join(cells) for cells in (names, *[row] * 9))
    file = SimpleUploadedFile("wide.csv", text.encode())
    owner.get(NEW)  # notes once a minute that the session is used
    with django_assert_max_num_queries(12):
        reply = step(owner, kind="prompts", file=file)
    assert "And 188 more columns" in words(reply.content.decode())
    assert len(reply.content) < 100 * 1024


def test_a_table_is_read_as_a_stream(owner: Client) -> None:
    rows = "".join(f"{number},{'text ' * 40}\n" for number in range(5_000))
    table_id = sent(owner, "big.csv", f"id,body\n{rows}".encode())
    fields = {**MAPPED, "text": "", "template": "{{body}}", "table_id": table_id}
    assert quoted(owner, **fields).item_count == 5_000
