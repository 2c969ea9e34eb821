import pytest

from tests.support.calls import client, refusal

pytestmark = pytest.mark.urls("tests.web.urls")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"a":NaN}', "json_syntax"),
        (b'{"a":Infinity}', "json_syntax"),
        (b'{"a":-Infinity}', "json_syntax"),
        (b'{"a":1e400}', "json_number"),
        (b'{"a":1180591620717411303424}', "json_number"),
        (b'{"a":9223372036854775808}', "json_number"),
        (b'{"a":' + b"9" * 5000 + b"}", "json_number"),
        (b'{"a":1,"a":2}', "json_duplicate_key"),
        (b'{"a":1,"\\u0061":2}', "json_duplicate_key"),
        (b'{"b":[{"a":1,"a":1}]}', "json_duplicate_key"),
        (b'{"a":"\\u0000"}', "json_nul"),
        (b'{"\\u0000":1}', "json_nul"),
        (b'{"a":"\x00"}', "json_syntax"),
        (b'{"a":"\\ud800"}', "json_syntax"),
        (b'{"a":"\xed\xa0\x80"}', "json_syntax"),
        (b'{"a":"\xff"}', "json_syntax"),
        (b'{"a":' + b"[" * 32 + b"]" * 32 + b"}", "json_depth"),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "json_depth"),
        (b'\xef\xbb\xbf{"a":1}', "json_syntax"),
        ('{"a":1}'.encode("utf-16"), "json_syntax"),
        (b'{"a":1} {"a":2}', "json_syntax"),
        (b'{"a":1,}', "json_syntax"),
        (b"{'a':1}", "json_syntax"),
        (b'{"a":01}', "json_syntax"),
    ],
)
def test_refuses_what_parsers_read_differently(body: bytes, reason: str) -> None:
    reply = client().post("/v1/echo", data=body, content_type="application/json")
    assert reply.status_code == 400
    error = refusal(reply)
    assert error["code"] == "invalid_json"
    assert error["details"] == {"reason": reason}


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"1", b"null", b"true"])
def test_a_body_is_an_object(body: bytes) -> None:
    reply = client().post("/v1/echo", data=body, content_type="application/json")
    assert reply.status_code == 400
    assert refusal(reply)["message"] == "The body must be a JSON object."


@pytest.mark.parametrize(
    ("body", "read"),
    [
        (b"{}", {}),
        (b'{\n  "a": [1, 2.50, -0]\r\n}', {"a": [1, 2.5, 0]}),
        (b'{"a":9223372036854775807}', {"a": 9_223_372_036_854_775_807}),
        (b'{"a":"\\ud83d\\ude00"}', {"a": "\U0001f600"}),
        (b'{"a":' + b"[" * 31 + b"]" * 31 + b"}", None),
    ],
)
def test_reads_everything_else(body: bytes, read: dict[str, object] | None) -> None:
    reply = client().post("/v1/echo", data=body, content_type="application/json")
    assert reply.status_code == 200
    assert read is None or reply.json() == {"read": read}


def test_a_body_that_names_its_charset_is_read() -> None:
    reply = client().post(
        "/v1/echo", data=b'{"a":1}', content_type="application/json; charset=utf-8"
    )
    assert reply.json() == {"read": {"a": 1}}


def test_a_request_without_a_body_reads_as_empty() -> None:
    reply = client().post("/v1/echo", content_type="application/json")
    assert reply.json() == {"read": {}}
