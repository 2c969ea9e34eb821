import json
from types import SimpleNamespace
from typing import Any

import pytest

from accounts.keys import make_secret
from batchrouter.logs import scrub, scrub_report, scrub_value
from tests.settings.processes import python


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("key ob_live_0123456789abcdef!", "key ob_live_[scrubbed]!"),
        ("key ob_test_0123456789abcdef", "key ob_test_[scrubbed]"),
        ("token obs_0123456789abcdef", "token obs_[scrubbed]"),
        ("?token=obt_sgn_01jd0abc.1vMxyz.aB-c_d9 ", "?token=obt_[scrubbed] "),
        ("key re_123456ab_0123456789abcdef01234567", "key re_[scrubbed]"),
        ("sk-proj-0123456789abcdef", "sk-[scrubbed]"),
        ("sk_live_0123456789abcdef", "sk_live_[scrubbed]"),
        ("whsec_0123456789abcdef", "whsec_[scrubbed]"),
        ("Authorization: Bearer abc.def.ghi", "Authorization: [scrubbed]"),
        ("'authorization': 'bearer abcdefghi'", "'authorization': '[scrubbed]'"),
        ("?expires=1&signature=abcDEF-_123", "?expires=1&signature=[scrubbed]"),
        ("ob_live_aaaaaaaa ob_live_bbbbbbbb", "ob_live_[scrubbed] ob_live_[scrubbed]"),
        ("?token=obt_sgn_01jd.1vMxyz.a-B_c&x=1", "?token=obt_[scrubbed]&x=1"),
        ("Authorization: Basic dXNlcg==", "Authorization: [scrubbed]"),
        (
            "Cookie: sessionid=abc; csrftoken=def\nHost: a",
            "Cookie: [scrubbed]\nHost: a",
        ),
        ("'HTTP_COOKIE': 'a=b', 'A': 1", "'HTTP_COOKIE': '[scrubbed]', 'A': 1"),
        (
            '{"password": "it\'s \\"me\\"", "a": 1}',
            '{"password": "[scrubbed]", "a": 1}',
        ),
        (r"{\"password\": \"me too\", 1}", r"{\"password\": \"[scrubbed]\", 1}"),
        ("new_password=open sesame&a=1", "new_password=[scrubbed]&a=1"),
    ],
)
def test_blots_out_secrets(text: str, scrubbed: str) -> None:
    assert scrub(text) == scrubbed


@pytest.mark.parametrize(
    "text",
    [
        "batch_01jd0000000000000000abcdef moved to running",
        "the prefix ob_live_4fK2 is shown in lists",
        "GET /v1/files?limit=20 200",
        "a letter of the kind password_reset: sent",
        "CSRF cookie not set.",
        "secrets are few, passwords fewer",
        "before_the_letter_was_sent_to_somebody",
    ],
)
def test_leaves_everything_else(text: str) -> None:
    assert scrub(text) == text


def test_blots_out_whatever_lies_inside() -> None:
    assert scrub_value(
        {
            "headers": {
                "Authorization": "Basic abc",
                "HTTP_COOKIE": ["a=b"],
                "Host": 1,
            },
            "body": [{"current_password": "open sesame"}, ("obs_0123456789", 2.5)],
            "ob_test_0123456789": None,
        }
    ) == {
        "headers": {
            "Authorization": "[scrubbed]",
            "HTTP_COOKIE": "[scrubbed]",
            "Host": 1,
        },
        "body": [{"current_password": "[scrubbed]"}, ["obs_[scrubbed]", 2.5]],
        "ob_test_[scrubbed]": None,
    }


def test_blots_out_what_an_object_would_be_written_as() -> None:
    assert scrub_value(SimpleNamespace(password="open sesame")) == (
        "namespace(password='[scrubbed]')"
    )


def test_keeps_an_object_without_secrets() -> None:
    harmless = SimpleNamespace(name="ada")
    assert scrub_value(harmless) is harmless


def test_blots_out_below_any_depth() -> None:
    deep: object = "ob_live_0123456789abcdef"
    for _ in range(40):
        deep = [deep]
    assert "0123456789abcdef" not in repr(scrub_value(deep))


SPEAK = """
import logging, os
from batchrouter import logs
secret = os.environ["CANARY"]
logs.configure(level="INFO", json_lines={json_lines})
log = logging.getLogger("speaker")
log.info("in the message " + secret)
log.info("in an argument %s", secret)
log.warning("in a mapping %(key)s", {{"key": secret}})
log.warning("inside an argument %s", [{{"headers": {{"X": secret}}}}])
try:
    raise ValueError("in an exception " + secret)
except ValueError:
    log.exception("a crash")
"""


@pytest.mark.parametrize("json_lines", [True, False])
def test_a_key_reaches_no_line_of_the_log(*, json_lines: bool) -> None:
    canary = make_secret(is_test=False)
    done = python(SPEAK.format(json_lines=json_lines), CANARY=canary)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert canary[8:] not in done.stderr
    assert done.stderr.count("ob_live_[scrubbed]") == 5


SPEAK_OF_TEXTS = """
import logging
from batchrouter import logs
logs.configure(level="INFO", json_lines={json_lines})
try:
    int("a customer's prompt")
except ValueError:
    logging.getLogger("batches.engine.direct").exception("item %s", 7)
"""


@pytest.mark.parametrize("json_lines", [True, False])
def test_an_error_of_what_handles_texts_is_told_without_its_words(
    *, json_lines: bool
) -> None:
    done = python(SPEAK_OF_TEXTS.format(json_lines=json_lines))
    assert done.returncode == 0, done.stderr
    assert "item 7" in done.stderr
    assert "ValueError < <string>:6 <module>" in done.stderr
    assert "prompt" not in done.stderr


def test_a_report_of_what_handles_texts_leaves_without_the_error_s_words() -> None:
    def report(logger: str) -> dict[str, Any]:
        values = [{"type": "ValueError", "value": "a prompt"}]
        return {"logger": logger, "exception": {"values": values}}

    hidden = scrub_report(report("batches.engine.direct"), None)
    shown = scrub_report(report("billing.tasks"), None)

    assert hidden["exception"]["values"][0] == {
        "type": "ValueError",
        "value": "[scrubbed]",
    }
    assert shown == report("billing.tasks")


def test_a_line_is_one_json_object_that_says_when_who_and_what() -> None:
    done = python(SPEAK.format(json_lines=True), CANARY="nothing")
    first = json.loads(done.stderr.splitlines()[0])
    assert first["event"] == "in the message nothing"
    assert (first["level"], first["logger"]) == ("info", "speaker")
    assert first["timestamp"].endswith("Z")


def test_an_unknown_level_stops_the_start_and_is_named() -> None:
    done = python("import django; django.setup()", LOG_LEVEL="chatty")
    assert done.returncode == 1
    assert "ImproperlyConfigured: LOG_LEVEL='chatty'" in done.stderr
