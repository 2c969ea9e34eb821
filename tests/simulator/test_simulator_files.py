import openai
import pytest
from openai import OpenAI


def test_an_upload_is_returned_byte_for_byte(client: OpenAI) -> None:
    data = "é\n".encode() * 1000
    file = client.files.create(file=("in.jsonl", data), purpose="batch")

    assert file.bytes == len(data)
    assert client.files.content(file.id).content == data


def test_a_file_keeps_its_name_and_purpose(client: OpenAI) -> None:
    made = client.files.create(file=("in.jsonl", b"{}\n"), purpose="batch")
    file = client.files.retrieve(made.id)

    assert (file.filename, file.purpose, file.status) == (
        "in.jsonl",
        "batch",
        "processed",
    )


def test_expires_after_sets_the_moment_of_expiry(client: OpenAI) -> None:
    file = client.files.create(
        file=("in.jsonl", b"{}\n"),
        purpose="batch",
        expires_after={"anchor": "created_at", "seconds": 3600},
    )

    assert file.expires_at == file.created_at + 3600


def test_a_too_short_life_is_refused(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.files.create(
            file=("in.jsonl", b"{}\n"),
            purpose="batch",
            expires_after={"anchor": "created_at", "seconds": 60},
        )

    assert refused.value.param == "expires_after.seconds"


def test_a_deleted_file_is_not_found(client: OpenAI) -> None:
    file = client.files.create(file=("in.jsonl", b"{}\n"), purpose="batch")

    assert client.files.delete(file.id).deleted is True
    with pytest.raises(openai.NotFoundError):
        client.files.content(file.id)


def test_the_list_starts_with_the_newest_file(client: OpenAI) -> None:
    first = client.files.create(file=("a.jsonl", b"{}\n"), purpose="batch")
    second = client.files.create(file=("b.jsonl", b"{}\n"), purpose="batch")

    page = client.files.list(limit=2)

    assert [file.id for file in page.data] == [second.id, first.id]


def test_a_batch_file_must_be_jsonl(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match=r"Must be \.jsonl"):
        client.files.create(file=("in.csv", b"{}\n"), purpose="batch")


def test_a_ten_megabyte_file_is_taken_whole(client: OpenAI) -> None:
    file = client.files.create(
        file=("in.jsonl", b"x" * 10_000_000), purpose="user_data"
    )

    assert file.bytes == 10_000_000
