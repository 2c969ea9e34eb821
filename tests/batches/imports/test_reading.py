"""Facts of lines."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from batches.imports.kinds import Kind
from batches.imports.reading import ReadLine, read_document, read_lines
from batches.imports.records import Use
from batches.manifest.lines import LINE_BYTES_MAX
from batches.manifest.problems import Problem
from routing.contracts import Usage
from tests.batches.imports.files import (
    anthropic_csv,
    anthropic_page,
    chat_line,
    embeddings_line,
    ended_line,
    error_line,
    input_line,
    lines,
    message_line,
    openai_csv,
    openai_page,
    openai_row,
    response_line,
)

NOW = datetime(2026, 11, 1, tzinfo=UTC)
ANTHROPIC_ROW = (
    "2026-10-05,claude-haiku-4-5-20251001,Key one,Default,batch,≤ 200k,7000,600,400,"
    "2000,1000,0"
)


def read(kind: Kind, data: bytes, **options: Any) -> list[ReadLine]:
    return list(read_lines(kind, [data], now=NOW, **options))


def only(kind: Kind, *values: Any) -> Use:
    (line,) = read(kind, lines(values))
    assert isinstance(line.reading, Use)
    return line.reading


def codes(kind: Kind, data: bytes) -> list[tuple[int, str, str]]:
    """Return line, field and code of each problem."""
    return [
        (line.number, line.reading.field, line.reading.code)
        for line in read(kind, data)
        if isinstance(line.reading, Problem)
    ]


class TestOpenAI:
    """Batch files."""

    def test_a_response_gives_its_facts(self) -> None:
        use = only(Kind.OPENAI_BATCH_OUTPUT, response_line())

        assert use.at == datetime(2026, 10, 5, 12, tzinfo=UTC)
        assert (use.model, use.mode) == ("gpt-5.4-mini-2026-03-17", "batch")
        assert (use.status, use.items) == ("completed", 1)
        assert use.usage == Usage(1000, 0, 100, 0)

    def test_a_chat_completion_says_what_was_cached(self) -> None:
        assert only(Kind.OPENAI_BATCH_OUTPUT, chat_line()).usage == Usage(
            1000, 400, 100, 0
        )

    def test_embeddings_have_no_date_and_no_output(self) -> None:
        use = only(Kind.OPENAI_BATCH_OUTPUT, embeddings_line())

        assert (use.at, use.operation) == (None, "embeddings")
        assert use.usage == Usage(500, 0, 0, 0)

    @pytest.mark.parametrize(
        ("line", "status"),
        [
            (error_line(0, "batch_expired"), "expired"),
            (error_line(0, "batch_cancelled"), "canceled"),
            (error_line(0, "anything"), "failed"),
            (
                response_line() | {"response": {"status_code": 400, "body": {}}},
                "failed",
            ),
            (response_line(status="failed"), "failed"),
        ],
    )
    def test_what_was_not_answered_has_no_usage(self, line: Any, status: str) -> None:
        use = only(Kind.OPENAI_BATCH_OUTPUT, line)

        assert (use.status, use.usage, use.problem) == (status, None, None)

    @pytest.mark.parametrize(
        "usage",
        [
            None,
            "many",
            {},
            {"input_tokens": -1, "output_tokens": 5},
            {"input_tokens": 10, "output_tokens": 10**8},
            {"input_tokens": 1.5, "output_tokens": 5},
            {"input_tokens": True, "output_tokens": 5},
            {
                "input_tokens": 10,
                "output_tokens": 5,
                "input_tokens_details": {"cached_tokens": 11},
            },
            {
                "input_tokens": 10,
                "output_tokens": 5,
                "output_tokens_details": {"reasoning_tokens": 6},
            },
        ],
    )
    def test_usage_that_cannot_be_true_is_not_believed(self, usage: Any) -> None:
        use = only(Kind.OPENAI_BATCH_OUTPUT, response_line(usage=usage))

        assert (use.status, use.usage) == ("completed", None)
        assert use.problem is not None
        assert use.problem.code == "usage_not_believable"

    @pytest.mark.parametrize(
        ("created", "code"),
        [
            ("soon", "date_unreadable"),
            (None, "date_unreadable"),
            (-5, "date_unreadable"),
            (0, "date_not_believable"),
            (10**18, "date_unreadable"),
            (4_000_000_000, "date_not_believable"),
        ],
    )
    def test_a_date_that_cannot_be_is_named(self, created: Any, code: str) -> None:
        data = lines([response_line(created_at=created)])

        assert codes(Kind.OPENAI_BATCH_OUTPUT, data) == [
            (1, "response.body.created_at", code)
        ]

    def test_the_same_answer_has_the_same_key_in_any_file(self) -> None:
        first = only(Kind.OPENAI_BATCH_OUTPUT, response_line(1))
        again = only(Kind.OPENAI_BATCH_OUTPUT, response_line(1) | {"id": "other"})
        other = only(Kind.OPENAI_BATCH_OUTPUT, response_line(2))

        assert first.key == again.key != other.key

    def test_an_input_file_tells_what_was_asked_only(self) -> None:
        use = only(Kind.OPENAI_BATCH_INPUT, input_line())

        assert (use.status, use.usage) == ("unanswered", None)
        assert (use.model, use.operation) == ("gpt-5.4-mini", "responses")

    def test_a_model_that_cannot_be_shown_is_none(self) -> None:
        for model in ["", "a" * 161, "a\nb", 5, None]:
            use = only(Kind.OPENAI_BATCH_OUTPUT, response_line(model=model))
            assert use.model is None


class TestAnthropic:
    """Results files."""

    def test_input_is_the_sum_of_its_parts(self) -> None:
        use = only(Kind.ANTHROPIC_BATCH_RESULTS, message_line())

        assert use.usage == Usage(1000, 200, 100, 0, 100)
        assert (use.at, use.model) == (None, "claude-haiku-4-5-20251001")

    @pytest.mark.parametrize(
        ("kind", "status"),
        [("errored", "failed"), ("canceled", "canceled"), ("expired", "expired")],
    )
    def test_other_endings_have_no_usage(self, kind: str, status: str) -> None:
        use = only(Kind.ANTHROPIC_BATCH_RESULTS, ended_line(0, kind))

        assert (use.status, use.usage) == (status, None)

    def test_an_unknown_ending_is_named(self) -> None:
        data = lines([ended_line(0, "odd"), {"custom_id": "a", "result": 5}])

        assert codes(Kind.ANTHROPIC_BATCH_RESULTS, data) == [
            (1, "result.type", "result_unknown"),
            (2, "result", "missing"),
        ]

    def test_usage_that_cannot_be_true_is_not_believed(self) -> None:
        for usage in [None, {}, {"input_tokens": -5, "output_tokens": 1}]:
            line = message_line(usage=usage)
            use = only(Kind.ANTHROPIC_BATCH_RESULTS, line)
            assert use.usage is None


class TestExports:
    """Usage exports."""

    def test_a_row_of_openais_export_is_a_bucket(self) -> None:
        (line,) = read(Kind.OPENAI_USAGE_CSV, openai_csv(openai_row()))

        use = line.reading
        assert isinstance(use, Use)
        assert use.at == datetime(2026, 10, 5, tzinfo=UTC)
        assert (use.items, use.mode, use.mode_is_assumed) == (10, "batch", False)
        assert use.usage == Usage(10_000, 4_000, 1_000, 0)
        assert use.average_input_tokens == 1_000

    def test_the_same_bucket_has_the_same_key_as_csv_and_as_json(self) -> None:
        (row,) = read(Kind.OPENAI_USAGE_CSV, openai_csv(openai_row()))
        (result,) = read(Kind.OPENAI_USAGE_JSON, lines([openai_page({})]))

        assert row.reading == result.reading
        assert result.place == "data[0].results[0]"

    def test_a_row_without_a_word_on_batch_is_priced_as_the_cheaper(self) -> None:
        (line,) = read(Kind.OPENAI_USAGE_CSV, openai_csv(openai_row(batch="")))

        assert isinstance(line.reading, Use)
        assert (line.reading.mode, line.reading.mode_is_assumed) == ("batch", True)

    def test_direct_work_is_told_apart(self) -> None:
        (line,) = read(Kind.OPENAI_USAGE_CSV, openai_csv(openai_row(batch="FALSE")))

        assert isinstance(line.reading, Use)
        assert line.reading.mode == "direct"

    def test_an_empty_day_is_nothing(self) -> None:
        row = openai_row(requests="", model="", batch="", given="", made="", cached="")

        (line,) = read(Kind.OPENAI_USAGE_CSV, openai_csv(row))

        assert line.reading is None

    @pytest.mark.parametrize(
        ("row", "code"),
        [
            (openai_row(model=""), "model_missing"),
            (openai_row(given="-5"), "usage_not_believable"),
            (openai_row(given="1e9"), "usage_not_believable"),
            (openai_row(given="9" * 15), "usage_not_believable"),
            (openai_row(cached="10001"), "usage_not_believable"),
            (openai_row(requests="1", given="20000001"), "usage_not_believable"),
            (openai_row(requests="0"), "usage_not_believable"),
            (openai_row(start=1_793_491_200), "bucket_not_over"),
            (openai_row(start=5), "date_not_believable"),
            (openai_row() + ",more", "row_length"),
            (openai_row(model='"open'), "row_unreadable"),
            (openai_row(model="a\0b"), "row_unreadable"),
        ],
    )
    def test_a_row_that_cannot_be_true_is_named(self, row: str, code: str) -> None:
        found = codes(Kind.OPENAI_USAGE_CSV, openai_csv(openai_row(), row))

        assert [(line, word) for line, _, word in found] == [(3, code)]

    def test_a_row_of_anthropics_export_sums_its_input(self) -> None:
        (line,) = read(Kind.ANTHROPIC_USAGE_CSV, anthropic_csv(ANTHROPIC_ROW))

        use = line.reading
        assert isinstance(use, Use)
        assert (use.items, use.mode) == (None, "batch")
        assert use.usage == Usage(10_000, 2_000, 1_000, 0, 1_000)

    def test_anthropics_report_says_the_same(self) -> None:
        (line,) = read(Kind.ANTHROPIC_USAGE_JSON, lines([anthropic_page()]))

        assert isinstance(line.reading, Use)
        assert line.reading.usage == Usage(10_000, 2_000, 1_000, 0, 1_000)

    def test_standard_and_priority_work_is_direct(self) -> None:
        for tier in ["standard", "priority", "priority_on_demand"]:
            (line,) = read(
                Kind.ANTHROPIC_USAGE_JSON, lines([anthropic_page(service_tier=tier)])
            )
            assert isinstance(line.reading, Use)
            assert line.reading.mode == "direct"

    def test_a_document_is_read_result_by_result(self) -> None:
        page = openai_page({}, {"model": None}, {"model": "gpt-5.4"})
        data = orjson.dumps([page], option=orjson.OPT_INDENT_2)

        found = list(read_document(Kind.OPENAI_USAGE_JSON, data, now=NOW))

        assert [line.number for line in found] == [1, 2, 3]
        assert isinstance(found[1].reading, Problem)
        assert found[1].place == "[0].data[0].results[1]"


class TestHostileLines:
    """Lines that no provider wrote."""

    @pytest.mark.parametrize(
        ("line", "code"),
        [
            (b"{", "json_syntax"),
            (b"\xff\xfe{}", "json_syntax"),
            (b'{"a": NaN}', "json_syntax"),
            (b'{"a": "\\ud800"}', "json_syntax"),
            (b'{"a": "\\u0000"}', "json_nul"),
            (b'{"a": 1, "a": 2}', "json_duplicate_key"),
            (b'{"a": 1' + b"0" * 30 + b"}", "json_number"),
            (b"[" * 70 + b"]" * 70, "json_depth"),
            (b"[1]", "wrong_type"),
            (b'"text"', "wrong_type"),
            (b'{"a": "' + b"x" * LINE_BYTES_MAX + b'"}', "line_too_long"),
            (b"{}", "missing"),
        ],
    )
    def test_a_bad_line_is_named_and_the_next_is_read(
        self, line: bytes, code: str
    ) -> None:
        data = lines([response_line(1)]) + line + b"\n" + lines([response_line(2)])

        found = read(Kind.OPENAI_BATCH_OUTPUT, data)

        assert [each.number for each in found] == [1, 2, 3]
        assert isinstance(found[1].reading, Problem)
        assert found[1].reading.code == code
        assert isinstance(found[2].reading, Use)

    def test_reading_goes_on_behind_a_line(self) -> None:
        data = lines(response_line(number) for number in range(5))

        found = read(Kind.OPENAI_BATCH_OUTPUT, data, after=3)

        assert [each.number for each in found] == [4, 5]

    def test_a_table_goes_on_with_its_columns(self) -> None:
        data = openai_csv(openai_row(), openai_row(model="gpt-5.4"))

        (found,) = read(Kind.OPENAI_USAGE_CSV, data, after=2)

        assert isinstance(found.reading, Use)
        assert found.reading.model == "gpt-5.4"
