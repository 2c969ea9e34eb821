"""Pure: rows of the usage exports of OpenAI and Anthropic, as CSV and as JSON.

The columns are those of the dashboards' exports and of the usage APIs (OpenAI's
``/organization/usage/completions`` and ``/embeddings``, Anthropic's
``/organizations/usage_report/messages``), as public files showed them on 2026-11-29.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from batches.imports.records import (
    BUCKET_REQUESTS_MAX,
    Json,
    Reading,
    Use,
    bucket_usage,
    count,
    instant,
    key_of,
    model_name,
)
from batches.manifest.problems import Problem
from routing.contracts import Mode

# What tells one bucket from another.
_OPENAI_KEYS: Final = (
    "start_time",
    "end_time",
    "project_id",
    "user_id",
    "api_key_id",
    "model",
    "batch",
    "service_tier",
)
_ANTHROPIC_KEYS: Final = (
    "usage_date_utc",
    "model_version",
    "api_key",
    "workspace",
    "usage_type",
    "context_window",
    "inference_geo",
    "speed",
)
_ANTHROPIC_JSON_KEYS: Final = (
    "starting_at",
    "ending_at",
    "model",
    "api_key_id",
    "workspace_id",
    "service_tier",
    "context_window",
    "inference_geo",
    "speed",
)
_TRUE: Final = frozenset({"true", "1"})
_FALSE: Final = frozenset({"false", "0"})
_NOT_OVER: Final = Problem(
    "",
    "bucket_not_over",
    "The bucket was not over when it was imported; export it again afterwards.",
)
_BAD_COUNTS: Final = Problem(
    "",
    "usage_not_believable",
    "The counts are missing, negative, too large, or contradict each other.",
)
_NO_MODEL: Final = Problem(
    "model", "model_missing", "The row names no model; export the usage by model."
)


@dataclass(frozen=True, slots=True)
class _Bucket:
    key: bytes
    at: datetime
    model: Any
    mode: Mode
    mode_is_assumed: bool
    operation: str
    requests: int | None
    counts: Mapping[str, int | None]

    def reading(self) -> Reading:
        """Return the fact, or why it is none."""
        name = model_name(self.model)
        if name is None:
            return _NO_MODEL
        if (self.requests or 0) > BUCKET_REQUESTS_MAX:
            return _BAD_COUNTS
        found = bucket_usage(self.counts, self.requests)
        if found is None:
            return _BAD_COUNTS
        usage, average = found
        return Use(
            key=self.key,
            at=self.at,
            model=name,
            mode=self.mode,
            mode_is_assumed=self.mode_is_assumed,
            operation=self.operation,
            status="completed",
            items=self.requests,
            usage=usage,
            average_input_tokens=average,
            is_bucket=True,
        )


def read_openai(row: Mapping[str, Any], *, now: datetime) -> Reading:
    """Read a row of a completions or embeddings export; an empty bucket is none."""
    requests = count(row.get("num_model_requests"))
    if not row.get("model") and not requests and not count(row.get("input_tokens")):
        return None
    at = instant(row.get("start_time"), latest=now)
    if isinstance(at, Problem):
        return at._replace(field="start_time")
    until = instant(row.get("end_time"), latest=now)
    if isinstance(until, Problem):
        return _NOT_OVER if row.get("end_time") else until._replace(field="end_time")
    is_embeddings = row.get("output_tokens") is None
    mode, is_assumed = _openai_mode(row)
    return _Bucket(
        key=_key(b"openai-usage", row, _OPENAI_KEYS, is_embeddings=is_embeddings),
        at=at,
        model=row.get("model"),
        mode=mode,
        mode_is_assumed=is_assumed,
        operation="embeddings" if is_embeddings else "responses",
        requests=requests,
        counts={
            "input": count(row.get("input_tokens")),
            "cached": _optional(row.get("input_cached_tokens")),
            "written": 0,
            "output": _optional(row.get("output_tokens")),
        },
    ).reading()


def _openai_mode(row: Mapping[str, Any]) -> tuple[Mode, bool]:
    """Return how the work travelled; flex costs what a batch does."""
    if str(row.get("service_tier") or "").lower() == "flex":
        return "batch", False
    word = str(row.get("batch") if row.get("batch") is not None else "").lower()
    if word in _TRUE:
        return "batch", False
    if word in _FALSE:
        return "direct", False
    return "batch", True


def read_anthropic_csv(row: Mapping[str, Any], *, now: datetime) -> Reading:
    """Read a row of the console's export: one day, model, key and tier."""
    if not any(value for value in row.values()):
        return None
    at = instant(row.get("usage_date_utc"), latest=now)
    if isinstance(at, Problem):
        return at._replace(field="usage_date_utc")
    if at + timedelta(days=1) > now:
        return _NOT_OVER
    return _anthropic(
        key=_key(b"anthropic-usage", row, _ANTHROPIC_KEYS),
        at=at,
        model=row.get("model_version"),
        tier=row.get("usage_type"),
        tokens=[
            _optional(row.get(name))
            for name in (
                "usage_input_tokens_no_cache",
                "usage_input_tokens_cache_read",
                "usage_input_tokens_cache_write_5m",
                "usage_input_tokens_cache_write_1h",
                "usage_output_tokens",
            )
        ],
    )


def read_anthropic(row: Mapping[str, Any], *, now: datetime) -> Reading:
    """Read a result of the usage API, with its bucket's times."""
    at = instant(row.get("starting_at"), latest=now)
    if isinstance(at, Problem):
        return at._replace(field="starting_at")
    until = instant(row.get("ending_at"), latest=now)
    if isinstance(until, Problem):
        return _NOT_OVER if row.get("ending_at") else until._replace(field="ending_at")
    written = row.get("cache_creation")
    made = written if isinstance(written, dict) else {}
    return _anthropic(
        key=_key(b"anthropic-usage-api", row, _ANTHROPIC_JSON_KEYS),
        at=at,
        model=row.get("model"),
        tier=row.get("service_tier"),
        tokens=[
            _optional(row.get("uncached_input_tokens")),
            _optional(row.get("cache_read_input_tokens")),
            _optional(made.get("ephemeral_5m_input_tokens")),
            _optional(made.get("ephemeral_1h_input_tokens")),
            _optional(row.get("output_tokens")),
        ],
    )


def _anthropic(
    *, key: bytes, at: datetime, model: Any, tier: Any, tokens: list[int | None]
) -> Reading:
    fresh, read, short, long, made = tokens
    word = str(tier or "").lower()
    given = None if None in tokens else sum(map(_int, (fresh, read, short, long)))
    return _Bucket(
        key=key,
        at=at,
        model=model,
        mode="direct" if word and word not in {"batch", "flex"} else "batch",
        mode_is_assumed=not word,
        operation="responses",
        requests=None,
        counts={
            "input": given,
            "cached": read,
            "written": _int(short) + _int(long),
            "output": made,
        },
    ).reading()


def _int(count_: int | None) -> int:
    return count_ or 0


def _optional(value: Any) -> int | None:
    """Read a count that may be left out; None where it is no number."""
    return 0 if value is None or value == "" else count(value)


def _key(
    prefix: bytes,
    row: Mapping[str, Any],
    names: tuple[str, ...],
    *,
    is_embeddings: bool = False,
) -> bytes:
    parts = [f"{name}={_plain(row.get(name))}" for name in names]
    return key_of(prefix, str(is_embeddings), *parts)


def _plain(value: Any) -> str:
    """Write a value alike from CSV and from JSON."""
    number = count(value)
    if number is not None and not isinstance(value, bool):
        return str(number)
    return "" if value is None else str(value).strip().lower()


def rows_of(document: Any) -> Iterator[tuple[str, Json]]:
    """Yield each result of a page, a list of pages or one bucket, with its path."""
    for path, bucket in _buckets(document, ""):
        results = bucket.get("results", bucket.get("result"))
        times = {
            name: bucket[name]
            for name in ("start_time", "end_time", "starting_at", "ending_at")
            if name in bucket
        }
        for number, result in enumerate(results if isinstance(results, list) else []):
            if isinstance(result, dict):
                yield f"{path}results[{number}]", {**result, **times}


def _buckets(document: Any, path: str) -> Iterator[tuple[str, Json]]:
    if isinstance(document, list):
        for number, part in enumerate(document):
            yield from _buckets(part, f"{path}[{number}].")
    elif isinstance(document, dict):
        if isinstance(document.get("data"), list):
            yield from _buckets(document["data"], f"{path}data")
        elif "results" in document or "result" in document:
            yield path, document
