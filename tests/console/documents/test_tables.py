"""Tables of the documentation that come from the code."""

from console.documents.tables import error_lines, limit_lines, row_error_lines


def test_the_codes_that_callers_meet_are_told() -> None:
    found = {(line.status, line.code) for line in error_lines()}
    assert {
        (400, "invalid_manifest"),
        (401, "unauthenticated"),
        (402, "insufficient_credits"),
        (409, "quote_accepted"),
        (410, "quote_expired"),
        (422, "no_eligible_lane"),
        (429, "rate_limited"),
    } <= found


def test_what_only_operators_and_adapters_meet_is_left_out() -> None:
    codes = {line.code for line in error_lines()}
    assert not codes & {"maker_is_checker", "provider_refused", "lease_lost"}


def test_every_code_says_something() -> None:
    assert all(len(line.text) > 10 for line in error_lines())
    assert all(len(line.text) > 10 for line in row_error_lines())


def test_limits_are_those_of_the_code() -> None:
    limits = {line.what: line.limit for line in limit_lines()}
    assert limits["Items of a manifest, uploaded"] == "100,000"
    assert limits["Tiers"] == "priority 1 h, standard 24 h, flex 48 h"
