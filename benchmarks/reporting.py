"""``python -m benchmarks.reporting ROWS``: the optimization report over many rows.

Writes settled batches of a thousand rows, sums each up as a settlement would, imports
past jobs, and asks for the report. Prints one line of JSON. Needs the product's
environment (DATABASE_URL, VAR_DIR).
"""

import json
import sys
import time
from datetime import datetime, timedelta
from random import Random
from typing import Any

import django
from django.db import connection

from batchrouter.kit import clock

ITEMS = 1000
_DAYS = 30
_REPORTS = 7
_LINES_IMPORTED = 20_000

_ROWS = """
INSERT INTO batches_resultrow (
  batch_id, seq, unit_id, status, segment_id, "offset", head_length, length,
  execution_id, offering_id, input_tokens, cached_tokens, output_tokens,
  reasoning_tokens, subtotal_nanousd, charge_nanousd, cost_nanousd, attempts,
  error_code, completed_at)
SELECT %s, n, %s, 'completed', 1, 0, 0, 0, %s, %s, 200 + n %% 100, 0, 50 + n %% 40, 0,
       300000 + n, 317000 + n, 300000 + n, 1, '', %s
  FROM generate_series(0, %s) AS n
"""
_RECOUNT = """
SELECT e.provider, e.model, e.mode, count(*), sum(r.input_tokens),
       sum(r.output_tokens), sum(r.charge_nanousd)
  FROM batches_resultrow r JOIN batches_execution e ON e.id = r.execution_id
  JOIN batches_batch b ON b.id = r.batch_id
 WHERE b.org_id = %s AND b.completed_at >= %s AND r.status IN ('completed', 'review')
 GROUP BY 1, 2, 3
"""


def main() -> None:
    """Fill the first organization's tables and tell how long the report takes."""
    django.setup()
    sys.stdout.write(json.dumps(_measure(int(sys.argv[1]))) + "\n")


def _measure(rows: int) -> dict[str, Any]:
    # Models can be imported only once Django is set up.
    from accounts.models import Org  # noqa: PLC0415
    from batches.models import TriedPolicy  # noqa: PLC0415
    from batches.services.reporting import optimization_report  # noqa: PLC0415
    from batches.services.rolling_up import roll_up_missing  # noqa: PLC0415

    org, now = Org.objects.get(), clock.now()
    _make_batches(org, rows // ITEMS, now)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    began = time.monotonic()
    batches = roll_up_missing()
    roll_up_seconds = time.monotonic() - began
    import_seconds = _import(org, now)
    reports: list[float] = []
    report: dict[str, Any] = {}
    for _ in range(_REPORTS):
        began = time.monotonic()
        report = optimization_report(
            org, import_provider="openai", now=now, chance=Random(org.pk)
        )
        reports.append(time.monotonic() - began)
    began = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(_RECOUNT, [org.pk, now - timedelta(days=_DAYS)])
        counted = sum(int(row[3]) for row in cursor.fetchall())
    return {
        "rows": rows,
        "batches": batches,
        "tried": TriedPolicy.objects.count(),
        "roll_up_ms": 1000 * roll_up_seconds / batches,
        "report_seconds": reports,
        "recount_seconds": time.monotonic() - began,
        "counted_rows": counted,
        "reported_items": sum(day["items"] for day in report["optimized_cost_trend"]),
        "import_lines_per_second": _LINES_IMPORTED / import_seconds,
        "recommends": report["recommended_next_route_change"] is not None,
    }


def _make_batches(org: Any, number: int, now: datetime) -> None:
    from batches.models import Batch, Execution, Quote, WorkUnit  # noqa: PLC0415
    from batches.models.batch import new_batch_id  # noqa: PLC0415
    from batches.models.quote import new_quote_id  # noqa: PLC0415

    pattern = _quote(org, now)
    for index in range(number):
        # Inside the window, whatever the clock: the first day of it is half over.
        at = now - timedelta(days=index % (_DAYS - 1))
        quote = Quote.objects.get(pk=pattern.pk)
        quote.pk, quote.public_id, quote.curve_of = None, new_quote_id(), None
        quote.state = "accepted"
        quote.save(force_insert=True)
        batch = Batch.objects.create(
            public_id=new_batch_id(),
            org=org,
            quote=quote,
            manifest_id=quote.manifest_id,
            item_count=ITEMS,
            deadline_at=at,
            state="completed",
            state_at=at,
            completed_at=at,
            charged_nanousd=317_500_000,
        )
        unit = WorkUnit.objects.create(
            batch=batch,
            org_id=org.pk,
            group_no=0,
            seq_from=0,
            seq_to=ITEMS - 1,
            item_count=ITEMS,
            mode="direct",
            stage=int(index % 20 == 0),
            leave_at=at,
            next_action_at=at,
            completed=ITEMS,
            state="done",
            state_at=at,
        )
        stage = quote.decisions[0]["stages"][0]
        execution = Execution.objects.create(
            batch=batch,
            unit=unit,
            stage=0,
            offering_id=stage["offering_id"],
            provider=stage["provider"],
            model=stage["model"],
            provider_model=stage["provider_model"],
            mode=stage["mode"],
            item_count=ITEMS,
            completed=ITEMS,
            state="ended",
            state_at=at,
        )
        with connection.cursor() as cursor:
            cursor.execute(
                _ROWS,
                [batch.pk, unit.pk, execution.pk, stage["offering_id"], at, ITEMS - 1],
            )


def _quote(org: Any, now: datetime) -> Any:
    from batches.manifest.envelope import read_envelope  # noqa: PLC0415
    from batches.models import Manifest  # noqa: PLC0415
    from batches.services.manifests import upload_manifest  # noqa: PLC0415
    from batches.services.quoting import quote_manifest  # noqa: PLC0415

    lines = b"".join(
        json.dumps(
            {
                "customer_item_id": f"i{number}",
                "operation": "responses",
                "model": "gpt-5.4-mini",
                "input": {"input": "Say hello.", "max_output_tokens": 100},
            }
        ).encode()
        + b"\n"
        for number in range(ITEMS)
    )
    file = upload_manifest(
        [lines], org=org, filename="items", on_invalid="reject", now=now
    )
    body = {"input_file_id": file.public_id, "sla_tier": "priority"}
    return quote_manifest(
        org=org,
        manifest=Manifest.objects.get(file=file),
        spec=read_envelope(body, now=now, allow_http=True),
        is_test=False,
        now=now,
    )


def _import(org: Any, now: datetime) -> float:
    from batches.services.importing import (  # noqa: PLC0415
        create_import,
        keep_file,
        run_imports,
    )

    data = b"".join(_past_line(number, now) for number in range(_LINES_IMPORTED))
    file = keep_file([data], org=org, filename="past", now=now)
    create_import(org, provider="openai", file_id=file.public_id, window=None, now=now)
    began = time.monotonic()
    run_imports(budget_seconds=600, now=now)
    return time.monotonic() - began


def _past_line(number: int, now: datetime) -> bytes:
    at = int((now - timedelta(days=40 + number % 60)).timestamp())
    usage = {"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100}
    body = {
        "id": f"resp_{number}",
        "object": "response",
        "created_at": at,
        "status": "completed",
        "model": "gpt-5.4-mini",
        "output": [{"type": "message", "content": [{"text": "x" * 800}]}],
        "usage": usage,
    }
    line = {
        "id": f"batch_req_{number}",
        "custom_id": f"r-{number}",
        "response": {"status_code": 200, "request_id": "r", "body": body},
        "error": None,
    }
    return json.dumps(line).encode() + b"\n"


if __name__ == "__main__":
    main()
