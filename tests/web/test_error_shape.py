import logging
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from tests.factories.accounts import OrgFactory, UserFactory, make_key
from tests.support.calls import bearer, client, refusal
from tests.web.urls import SECRET

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.web.urls")]

JSON = "application/json"


@pytest.mark.parametrize(
    "path", ["/v1/nothing", "/v1/", "/v1/batches/", "/nothing", "/v1/batches/a/b/c"]
)
def test_an_address_with_nothing_is_404(path: str) -> None:
    reply = client().get(path)
    assert reply.status_code == 404
    error = refusal(reply)
    assert (error["code"], error["type"]) == ("not_found", "not_found_error")
    assert error["details"] == {}
    assert error["param"] is None


def test_a_404_is_in_the_shape_while_debugging_too(settings: Settings) -> None:
    settings.DEBUG = True
    reply = client().get("/v1/nothing")
    assert reply.status_code == 404
    assert refusal(reply)["code"] == "not_found"


def test_a_browser_below_v1_gets_the_shape_too() -> None:
    reply = client().get("/v1/nothing", headers={"Accept": "text/html"})
    assert reply.status_code == 404
    assert refusal(reply)["code"] == "not_found"


def test_a_browser_elsewhere_gets_a_page() -> None:
    reply = client().get("/nothing", headers={"Accept": "text/html"})
    assert reply.status_code == 404
    assert reply["Content-Type"].startswith("text/html")
    assert reply["X-Request-Id"] in reply.content.decode()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("put", "/v1/echo"),
        ("post", "/v1/catalog/models"),
        ("post", "/v1/runtime/capabilities"),
        ("delete", "/v1/openapi.json"),
    ],
)
def test_a_method_that_is_not_taken_is_405(method: str, path: str) -> None:
    reply: Any = getattr(Client(enforce_csrf_checks=True), method)(path)
    assert reply.status_code == 405
    assert refusal(reply)["code"] == "method_not_allowed"


def test_what_django_refuses_by_itself_is_in_the_shape() -> None:
    reply = client().get("/v1/only-put")
    assert reply.status_code == 405
    assert refusal(reply)["code"] == "method_not_allowed"
    assert reply["Allow"] == "PUT"


def test_a_missing_csrf_token_is_in_the_shape() -> None:
    reply = Client(enforce_csrf_checks=True).post("/v1/crash")
    assert reply.status_code == 403
    assert refusal(reply)["code"] == "forbidden"


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "", "x"])
def test_a_body_of_another_type_is_415(content_type: str) -> None:
    reply = client().post("/v1/echo", data=b"{}", content_type=content_type)
    assert reply.status_code == 415
    assert refusal(reply)["code"] == "unsupported_media_type"


def test_an_answer_of_another_type_is_406() -> None:
    reply = client().post(
        "/v1/echo", data=b"{}", content_type=JSON, headers={"Accept": "text/csv"}
    )
    assert reply.status_code == 406
    assert refusal(reply)["code"] == "not_acceptable"


def test_broken_json_is_400() -> None:
    reply = client().post("/v1/echo", data=b'{"a": ', content_type=JSON)
    assert reply.status_code == 400
    error = refusal(reply)
    assert (error["code"], error["type"]) == ("invalid_json", "invalid_request_error")
    assert error["details"] == {"reason": "json_syntax"}


def test_a_body_too_large_is_413(settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    reply = client().post("/v1/echo", data=b'"' + b"a" * 99 + b'"', content_type=JSON)
    assert reply.status_code == 413
    assert refusal(reply)["code"] == "request_too_large"


def test_a_body_of_just_the_limit_is_read(settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    body = b'{"a":"' + b"a" * 92 + b'"}'
    reply = client().post("/v1/echo", data=body, content_type=JSON)
    assert (len(body), reply.status_code) == (100, 200)


@pytest.mark.parametrize("path", ["/v1/raising/crash", "/v1/crash", "/crash"])
def test_a_crash_is_500_and_says_nothing_of_its_cause(path: str) -> None:
    reply = client().get(path)
    assert reply.status_code == 500
    error = refusal(reply)
    assert (error["code"], error["type"]) == ("internal_error", "api_error")
    assert SECRET not in reply.content.decode()


def test_a_database_that_is_away_is_503_and_worth_another_try() -> None:
    reply = client().get("/v1/raising/away")
    assert reply.status_code == 503
    assert refusal(reply)["code"] == "unavailable"
    assert reply["Retry-After"] == "5"
    assert SECRET not in reply.content.decode()


def test_a_crash_is_logged_with_its_cause(caplog: pytest.LogCaptureFixture) -> None:
    client().get("/v1/raising/crash")
    logged = [row for row in caplog.records if row.name == "batchrouter.web.errors"]
    assert [row.levelno for row in logged] == [logging.ERROR]
    assert SECRET in caplog.text


def test_a_refusal_is_not_logged_as_a_crash(caplog: pytest.LogCaptureFixture) -> None:
    client().get("/v1/raising/refusal")
    assert [row for row in caplog.records if row.levelno >= logging.ERROR] == []


def test_a_refusal_says_what_and_where() -> None:
    reply = client().get("/v1/raising/refusal")
    assert reply.status_code == 400
    error = refusal(reply)
    del error["request_id"]
    assert error == {
        "code": "invalid_request",
        "message": "No.",
        "type": "invalid_request_error",
        "param": "x",
        "details": {"line": 3},
    }


def test_a_refusal_for_now_says_when_to_come_back() -> None:
    reply = client().get("/v1/raising/busy")
    assert reply.status_code == 429
    assert refusal(reply)["code"] == "busy"
    assert reply["Retry-After"] == "7"


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [("denied", 403, "forbidden"), ("suspicious", 400, "invalid_request")],
)
def test_what_django_raises_has_our_words(kind: str, status: int, code: str) -> None:
    reply = client().get(f"/v1/raising/{kind}")
    assert reply.status_code == status
    assert refusal(reply)["code"] == code
    assert SECRET not in reply.content.decode()


def test_a_host_that_is_not_ours_is_400() -> None:
    reply = client().get("/v1/billing", headers={"Host": "elsewhere.example"})
    assert reply.status_code == 400
    assert refusal(reply)["code"] == "invalid_request"


def test_a_caller_nobody_knows_is_told_how_to_identify_itself() -> None:
    reply = client().get("/v1/billing")
    assert reply.status_code == 401
    assert refusal(reply)["code"] == "unauthenticated"
    assert reply["WWW-Authenticate"] == 'Bearer realm="api"'


@pytest.mark.parametrize(
    "path", ["/v1/batches/a%00b", "/v1/catalog/models/%00", "/%00", "/v1/%00"]
)
def test_a_nul_in_an_address_names_nothing(path: str) -> None:
    key = make_key(OrgFactory.create())
    reply = client().get(path, headers=bearer(key.secret))
    assert reply.status_code == 404
    assert refusal(reply)["code"] == "not_found"


@pytest.mark.parametrize("path", ["/v1/batches?state=%00", "/v1/files?cursor=a%00"])
def test_a_nul_in_a_parameter_is_refused(path: str) -> None:
    key = make_key(OrgFactory.create())
    reply = client().get(path, headers=bearer(key.secret))
    assert reply.status_code == 400
    assert refusal(reply)["code"] == "invalid_request"


@pytest.mark.parametrize("path", ["/healthz", "/v1/runtime/capabilities", "/v1/echo"])
def test_every_reply_bears_a_request_id_of_its_own(path: str) -> None:
    first, second = client().get(path), client().get(path)
    assert first["X-Request-Id"].startswith("req_")
    assert first["X-Request-Id"] != second["X-Request-Id"]


def test_a_request_id_from_outside_is_not_taken_over() -> None:
    reply = client().get("/healthz", headers={"X-Request-Id": "req_mine"})
    assert reply["X-Request-Id"] != "req_mine"


def test_a_page_of_the_admin_is_left_as_it_is() -> None:
    visitor = client()
    visitor.force_login(UserFactory.create(is_staff=True, is_superuser=True))
    reply = visitor.get("/admin/accounts/org/999999/change/", follow=False)
    assert reply["Content-Type"].startswith("text/html")
