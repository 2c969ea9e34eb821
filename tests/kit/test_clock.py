from datetime import UTC, datetime, timedelta, timezone

import time_machine

from batchrouter.kit import clock


def test_now_is_the_present_in_utc() -> None:
    with time_machine.travel("2026-11-22T10:00:00.123456+00:00", tick=False):
        assert clock.now() == datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=UTC)
        assert clock.now().tzinfo is UTC


def test_iso_has_milliseconds_and_z() -> None:
    assert clock.iso(datetime(2026, 11, 22, 10, tzinfo=UTC)) == (
        "2026-11-22T10:00:00.000Z"
    )


def test_iso_cuts_microseconds_and_never_rounds_up() -> None:
    last = datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    assert clock.iso(last) == "2026-12-31T23:59:59.999Z"


def test_iso_converts_other_zones_to_utc() -> None:
    zone = timezone(timedelta(hours=5, minutes=30))
    assert clock.iso(datetime(2026, 1, 1, 2, tzinfo=zone)) == "2025-12-31T20:30:00.000Z"


def test_iso_converts_a_zone_that_is_level_with_utc() -> None:
    zone = timezone(timedelta(0), "WET")
    assert clock.iso(datetime(2026, 1, 1, tzinfo=zone)) == "2026-01-01T00:00:00.000Z"


def test_an_absent_instant_stays_absent() -> None:
    assert clock.iso_or_none(None) is None
    assert clock.iso_or_none(datetime(2026, 1, 1, tzinfo=UTC)) == (
        "2026-01-01T00:00:00.000Z"
    )
