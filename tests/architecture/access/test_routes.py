from tests.architecture.access.declared import stale, undeclared
from tests.architecture.access.routes import calls


def test_the_walk_finds_the_calls_of_the_main_job() -> None:
    assert {
        "POST /v1/batches",
        "GET /v1/batches/<str:batch_id>/results",
        "POST /v1/batches/quote",
        "DELETE /v1/files/<str:file_id>",
        "GET /v1/billing",
        "POST /v1/auth/account/api-keys",
    } <= {str(call) for call in calls()}


def test_every_call_says_who_may_use_it() -> None:
    assert undeclared(calls()) == []


def test_the_tables_name_no_call_that_is_gone() -> None:
    assert stale(calls()) == set()
