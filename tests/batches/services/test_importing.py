"""Imports of past jobs: taken in, read once, counted once."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.models import Org
from batches.import_rendering import import_json
from batches.models import Import, ImportedDay, ImportedKey, StoredFile
from batches.models.file import FilePurpose
from batches.services import importing
from batches.services.importing import (
    ImportExists,
    ImportRuns,
    Window,
    WrongImportFile,
    create_import,
    delete_import,
    keep_file,
    run_imports,
)
from batches.store import store
from batchrouter.kit.errors import InvalidRequest
from tests.batches.conftest import Customer
from tests.batches.imports.files import (
    chat_line,
    embeddings_line,
    error_line,
    input_line,
    lines,
    message_line,
    openai_csv,
    openai_page,
    openai_row,
    response_line,
)
from tests.support.meanwhile import meanwhile

NOW = datetime(2026, 11, 1, tzinfo=UTC)
# gpt-5.4-mini by batch: 0.375 dollars a million in, 0.0375 cached, 2.25 out.
RESPONSE_NANOUSD = 375_000 + 225_000
CHAT_NANOUSD = 225_000 + 15_000 + 225_000


def kept(org: Org, data: bytes) -> StoredFile:
    return keep_file([data], org=org, filename="past.jsonl", now=NOW)


def taken(
    org: Org, data: bytes, *, provider: str = "openai", window: Window | None = None
) -> Import:
    file = kept(org, data)
    made, _ = create_import(
        org, provider=provider, file_id=file.public_id, window=window, now=NOW
    )
    return made


def imported(org: Org, data: bytes, **options: Any) -> Import:
    row = taken(org, data, **options)
    run_imports(budget_seconds=60, now=NOW)
    row.refresh_from_db()
    return row


def days(row: Import) -> list[tuple[Any, ...]]:
    return list(
        ImportedDay.objects.filter(imported=row)
        .order_by("day", "model", "mode", "operation")
        .values_list("day", "model", "mode", "operation", "items", "cost_nanousd")
    )


OCTOBER_5 = date(2026, 10, 5)


class TestFacts:
    """What is kept of a file."""

    def test_items_are_priced_at_list_and_summed_by_day(self, owner: Customer) -> None:
        data = lines([response_line(1), response_line(2), chat_line(3)])

        row = imported(owner.org, data)

        assert row.state == "completed"
        assert days(row) == [
            (
                OCTOBER_5,
                "gpt-5.4-mini",
                "batch",
                "responses",
                3,
                2 * RESPONSE_NANOUSD + CHAT_NANOUSD,
            )
        ]
        told = import_json(row)
        assert told["cost"] == {"amount": "0.001665", "currency": "usd"}
        assert told["counts"]["completed"] == told["counts"]["items"] == 3
        assert told["progress"]["percent"] == 100.0

    def test_no_text_of_a_file_is_kept(self, owner: Customer) -> None:
        data = lines([message_line(1)]) + b'{"custom_id": "secret", "result": 1}\n'

        row = imported(owner.org, data, provider="anthropic")

        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT to_jsonb(i)::text || coalesce((SELECT string_agg("
                "to_jsonb(d)::text, '') FROM batches_importedday d), '') "
                "FROM batches_import i WHERE id = %s",
                [row.pk],
            )
            (stored,) = cursor.fetchone()
        assert "secret" not in stored.lower()
        file = StoredFile.objects.get(pk=row.file_id)
        assert file.deleted_at == NOW
        assert file.storage_key == ""

    def test_what_was_not_answered_counts_and_costs_nothing(
        self, owner: Customer
    ) -> None:
        row = imported(
            owner.org, lines([response_line(1), error_line(2, "batch_expired")])
        )

        counts = import_json(row)["counts"]
        assert (counts["items"], counts["completed"], counts["expired"]) == (2, 1, 1)
        assert [day[4] for day in days(row)] == [1]

    def test_an_input_file_has_no_cost(self, owner: Customer) -> None:
        row = imported(owner.org, lines([input_line(1), input_line(2)]))

        told = import_json(row)
        assert told["counts"]["unanswered"] == 2
        assert told["cost"]["amount"] == "0.00"
        assert days(row) == []

    def test_a_model_outside_the_price_book_is_named(self, owner: Customer) -> None:
        strange = response_line(2, model="ft:gpt-4o:acme::1")

        row = imported(owner.org, lines([response_line(1), strange]))

        told = import_json(row)
        assert told["unpriced_models"] == [{"model": "ft:gpt-4o:acme::1", "items": 1}]
        assert told["counts"]["unpriced"] == 1
        assert [(day[1], day[5]) for day in days(row)] == [
            ("", 0),
            ("gpt-5.4-mini", RESPONSE_NANOUSD),
        ]

    def test_only_the_first_models_without_a_price_are_named(
        self, owner: Customer
    ) -> None:
        row = imported(
            owner.org,
            lines(response_line(number, model=f"m{number}") for number in range(25)),
        )

        assert len(row.unpriced_models) == 21
        assert row.unpriced_models["(others)"] == 5

    def test_usage_that_lies_is_named_and_costs_nothing(self, owner: Customer) -> None:
        lying = response_line(2, usage={"input_tokens": -1, "output_tokens": 10**9})

        row = imported(owner.org, lines([response_line(1), lying]))

        told = import_json(row)
        assert told["line_errors"] == [
            {
                "line": 2,
                "field": "response.body.usage",
                "code": "usage_not_believable",
                "message": "The usage is missing or its counts contradict each other; "
                "the item counts, its cost does not.",
            }
        ]
        assert told["counts"]["without_usage"] == 1
        assert told["cost"]["amount"] == "0.0006"

    def test_the_first_hundred_bad_lines_are_listed_and_all_are_counted(
        self, owner: Customer
    ) -> None:
        data = lines([response_line(1)]) + b"{\n" * 150

        told = import_json(imported(owner.org, data))

        assert told["error_count"] == 150
        assert len(told["line_errors"]) == 100
        assert told["line_errors"][0]["line"] == 2
        assert told["counts"]["completed"] == 1

    def test_a_bucket_is_priced_by_what_its_export_says(self, owner: Customer) -> None:
        data = openai_csv(openai_row(), openai_row(batch="FALSE"))

        row = imported(owner.org, data)

        # 6,000 fresh, 4,000 cached, 1,000 out: 4.65 cents of a dollar cent by batch.
        assert [(day[2], day[4], day[5]) for day in days(row)] == [
            ("batch", 10, 2_250_000 + 150_000 + 2_250_000),
            ("direct", 10, 4_500_000 + 300_000 + 4_500_000),
        ]

    def test_what_was_ordered_before_the_price_book_takes_its_earliest_price(
        self, owner: Customer
    ) -> None:
        old = response_line(1, created_at=1_600_000_000)

        row = imported(owner.org, lines([old, response_line(2)]))

        counts = import_json(row)["counts"]
        assert counts["in_force"] + counts["earliest_known"] == 2


class TestWindow:
    """Days that a customer asks for."""

    WINDOW = Window(date(2026, 10, 1), date(2026, 10, 20))

    def test_other_days_are_left_out(self, owner: Customer) -> None:
        late = response_line(2, created_at=1_793_000_000)

        row = imported(owner.org, lines([response_line(1), late]), window=self.WINDOW)

        counts = import_json(row)["counts"]
        assert (counts["completed"], counts["outside_window"]) == (1, 1)

    def test_what_has_no_date_counts_on_the_last_day(self, owner: Customer) -> None:
        row = imported(owner.org, lines([embeddings_line(1)]), window=self.WINDOW)

        assert days(row) == [
            (
                date(2026, 10, 20),
                "text-embedding-3-small",
                "batch",
                "embeddings",
                1,
                5000,
            )
        ]
        assert import_json(row)["counts"]["undated"] == 1

    def test_without_a_window_it_counts_on_the_day_of_the_import(
        self, owner: Customer
    ) -> None:
        row = imported(owner.org, lines([message_line(1)]), provider="anthropic")

        (day,) = days(row)
        assert day[0] == NOW.date()


class TestOnce:
    """The same things again."""

    def test_the_same_content_is_the_same_import(self, owner: Customer) -> None:
        data = lines([response_line(1)])
        first = imported(owner.org, data)
        second_file = kept(owner.org, data)

        again, is_new = create_import(
            owner.org,
            provider="openai",
            file_id=second_file.public_id,
            window=None,
            now=NOW,
        )

        assert (again.pk, is_new) == (first.pk, False)
        assert [day[4] for day in days(first)] == [1]
        second_file.refresh_from_db()
        assert second_file.deleted_at == NOW

    def test_the_same_file_id_is_known_after_the_file_is_gone(
        self, owner: Customer
    ) -> None:
        row = imported(owner.org, lines([response_line(1)]))

        again, is_new = create_import(
            owner.org,
            provider="openai",
            file_id=row.file.public_id,
            window=None,
            now=NOW,
        )

        assert (again.pk, is_new) == (row.pk, False)

    def test_another_window_is_refused(self, owner: Customer) -> None:
        row = imported(owner.org, lines([response_line(1)]))

        with pytest.raises(ImportExists, match=row.public_id):
            taken(owner.org, lines([response_line(1)]), window=TestWindow.WINDOW)

    def test_an_item_in_two_files_counts_once(self, owner: Customer) -> None:
        imported(owner.org, lines([response_line(1)]))

        second = imported(owner.org, lines([response_line(1), response_line(2)]))

        counts = import_json(second)["counts"]
        assert (counts["completed"], counts["duplicates"]) == (1, 1)
        assert [day[4] for day in days(second)] == [1]

    def test_an_item_twice_in_a_file_counts_once(self, owner: Customer) -> None:
        row = imported(owner.org, lines([response_line(1), response_line(1)]))

        counts = import_json(row)["counts"]
        assert (counts["completed"], counts["duplicates"]) == (1, 1)

    def test_a_bucket_as_csv_and_as_json_counts_once(self, owner: Customer) -> None:
        imported(owner.org, openai_csv(openai_row()))

        second = imported(owner.org, lines([openai_page({})]))

        assert import_json(second)["counts"]["duplicates"] == 1

    def test_another_orgs_import_is_its_own(
        self, owner: Customer, stranger: Customer
    ) -> None:
        data = lines([response_line(1)])
        imported(owner.org, data)

        row = imported(stranger.org, data)

        assert import_json(row)["counts"]["completed"] == 1

    def test_a_deleted_import_can_be_made_anew(self, owner: Customer) -> None:
        data = lines([response_line(1)])
        first = imported(owner.org, data)

        delete_import(first)

        assert not ImportedKey.objects.exists()
        assert not ImportedDay.objects.exists()
        assert import_json(imported(owner.org, data))["counts"]["completed"] == 1

    def test_a_running_import_is_not_deleted(self, owner: Customer) -> None:
        row = taken(owner.org, lines([response_line(1)]))

        with pytest.raises(ImportRuns):
            delete_import(row)

        assert Import.objects.filter(pk=row.pk).exists()


class TestRefusals:
    """Files of the wrong kind."""

    def refusal(self, owner: Customer, data: bytes, provider: str) -> WrongImportFile:
        with pytest.raises(WrongImportFile) as caught:
            taken(owner.org, data, provider=provider)
        assert not Import.objects.exists()
        return caught.value

    def test_a_file_of_the_other_provider_says_where_it_belongs(
        self, owner: Customer
    ) -> None:
        refused = self.refusal(owner, lines([message_line(1)]), "openai")

        assert refused.message == (
            "The file looks like an Anthropic message-batch results file. Import it "
            "with provider anthropic."
        )

    def test_a_file_of_no_kind_says_what_it_looks_like(self, owner: Customer) -> None:
        refused = self.refusal(owner, b"%PDF-1.7", "anthropic")

        assert refused.message.startswith("The file looks like a PDF. Import one of:")
        assert refused.details == {
            "looks_like": "pdf",
            "expected": [
                "anthropic_batch_results",
                "anthropic_usage_csv",
                "anthropic_usage_json",
            ],
        }


class TestJob:
    """The row is the queue."""

    def many(self) -> bytes:
        return lines(response_line(number) for number in range(2500))

    def test_reading_goes_on_where_the_time_ran_out(self, owner: Customer) -> None:
        row = taken(owner.org, self.many())

        run_imports(budget_seconds=0, now=NOW)

        row.refresh_from_db()
        assert (row.state, row.lines_read) == ("running", 1000)
        assert importing.any_due()
        run_imports(budget_seconds=60, now=NOW)
        row.refresh_from_db()
        assert (row.state, row.lines_read, row.counts["completed"]) == (
            "completed",
            2500,
            2500,
        )
        assert not importing.any_due()

    def test_a_lost_worker_costs_nothing_and_doubles_nothing(
        self, owner: Customer
    ) -> None:
        row = taken(owner.org, self.many())
        run_imports(budget_seconds=0, now=NOW)
        lose_lease(row)

        run_imports(budget_seconds=60, now=NOW)

        row.refresh_from_db()
        assert row.state == "completed"
        assert row.counts["completed"] == 2500
        assert "duplicates" not in row.counts

    def test_a_file_that_ends_its_workers_is_given_up(self, owner: Customer) -> None:
        row = taken(owner.org, self.many())
        Import.objects.filter(pk=row.pk).update(lost_leases=3)
        lose_lease(row)

        run_imports(budget_seconds=60, now=NOW)

        row.refresh_from_db()
        assert (row.state, row.failure_code) == ("failed", "worker_lost")

    def test_a_held_import_is_left_to_its_holder(self, owner: Customer) -> None:
        row = taken(owner.org, self.many())
        hold(row)

        run_imports(budget_seconds=60, now=NOW)

        row.refresh_from_db()
        assert row.lines_read == 0

    def test_a_failed_import_is_read_again_when_it_comes_again(
        self, owner: Customer
    ) -> None:
        row = taken(owner.org, lines([response_line(1)]))
        path = store().path(row.file.storage_key)
        data = path.read_bytes()
        path.unlink()
        run_imports(budget_seconds=60, now=NOW)
        row.refresh_from_db()
        assert (row.state, row.failure_code) == ("failed", "file_unreadable")

        again = imported(owner.org, data)

        assert (again.pk, again.state) == (row.pk, "completed")
        assert import_json(again)["failure"] is None
        assert import_json(again)["counts"]["completed"] == 1

    @pytest.mark.usefixtures("committed_db")
    def test_a_failed_import_that_comes_again_is_read_as_a_whole(
        self, owner: Customer
    ) -> None:
        row = taken(owner.org, data := lines([response_line(1)]))
        store().path(row.file.storage_key).unlink()
        run_imports(budget_seconds=60, now=NOW)
        file = kept(owner.org, data)

        with meanwhile(
            lambda: run_imports(budget_seconds=60, now=NOW),
            before='"failure_code" = ',
        ) as other:
            create_import(
                owner.org,
                provider="openai",
                file_id=file.public_id,
                window=None,
                now=NOW,
            )
        run_imports(budget_seconds=60, now=NOW)

        assert other.error is None
        row.refresh_from_db()
        assert (row.state, row.file, row.completed_at) == ("completed", file, NOW)


def lose_lease(row: Import) -> None:
    """Let a worker have died with the import in hand a minute ago."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE batches_import SET state = 'running', "
            "lease_token = gen_random_uuid(), "
            "lease_until = clock_timestamp() - interval '1 second' WHERE id = %s",
            [row.pk],
        )


def hold(row: Import) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE batches_import SET state = 'running', "
            "lease_token = gen_random_uuid(), "
            "lease_until = clock_timestamp() + interval '1 hour' WHERE id = %s",
            [row.pk],
        )


def test_an_import_file_is_no_manifest(owner: Customer) -> None:
    file = kept(owner.org, lines([response_line(1)]))

    response = owner.api.post("/v1/batches/quote", {"input_file_id": file.public_id})

    assert file.purpose == FilePurpose.IMPORT
    assert response.status_code == 400
    assert "is a import file, not a manifest" in response.json()["error"]["message"]


def test_windows_are_days_of_the_past() -> None:
    assert importing.read_window(None, now=NOW) is None
    assert importing.read_window(
        {"from": "2026-10-01", "to": "2026-10-20"}, now=NOW
    ) == Window(date(2026, 10, 1), date(2026, 10, 20))
    too_long = (NOW - timedelta(days=1200)).date().isoformat()
    for value in [
        "October",
        {},
        {"from": "2026-10-01"},
        {"from": "2026-10-01", "to": "2026-10-20", "more": 1},
        {"from": "2026-10-21", "to": "2026-10-20"},
        {"from": "2026-10-01", "to": "2026-11-02"},
        {"from": "2026-10-01T00", "to": "2026-10-20"},
        {"from": "2026-13-01", "to": "2026-10-20"},
        {"from": 5, "to": "2026-10-20"},
        {"from": too_long, "to": "2026-10-20"},
    ]:
        with pytest.raises(InvalidRequest):
            importing.read_window(value, now=NOW)
