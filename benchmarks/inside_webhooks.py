"""``python -m benchmarks.inside_webhooks URL DEAD_URL COUNT``: our delivery worker.

Prints one line of JSON. Needs the product's environment (DATABASE_URL, VAR_DIR). A
hundred endpoints: first all events are due at once, then 200 come every second, with
one of the endpoints dead and with none.
"""

import json
import sys
import threading
import time
from typing import Any

import django

_ENDPOINTS = 100
_RATE = 200
_PACED_SECONDS = 20
_LIVE = """
SELECT extract(epoch FROM a.ended_at - d.created_at)::float8
  FROM batches_webhookdelivery d JOIN batches_webhookattempt a ON a.delivery_id = d.id
 WHERE d.state = 'delivered' AND d.endpoint_id <> %s ORDER BY 1
"""


def main() -> None:
    """Measure and tell."""
    django.setup()
    url, dead_url, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    told = {
        "burst_alone": _burst(_endpoints(url, ""), count),
        "burst_beside_dead": _burst(_endpoints(url, dead_url), count),
        "paced_alone": _paced(_endpoints(url, "")),
        "paced_beside_dead": _paced(_endpoints(url, dead_url)),
    }
    sys.stdout.write(json.dumps(told) + "\n")


def _endpoints(url: str, dead_url: str) -> list[Any]:
    # Models can be imported only once Django is set up, here and below.
    from accounts.models import Org  # noqa: PLC0415
    from batches.models import WebhookEndpoint, WebhookEvent  # noqa: PLC0415
    from batches.services.delivery import rotate_secret  # noqa: PLC0415
    from batchrouter.kit import clock  # noqa: PLC0415

    org = Org.objects.get()
    WebhookEvent.objects.all().delete()
    WebhookEndpoint.objects.all().delete()
    rotate_secret(org, secret=None, now=clock.now())
    urls = [f"{url}/{number}" for number in range(_ENDPOINTS)]
    if dead_url:
        urls[0] = dead_url
    made = [WebhookEndpoint(org=org, url=each) for each in urls]
    return list(WebhookEndpoint.objects.bulk_create(made))


def _emit(endpoints: list[Any], first: int, count: int) -> None:
    """Write events as a change would, many in one transaction."""
    from django.db import transaction  # noqa: PLC0415

    from batches.models import EventType  # noqa: PLC0415
    from batches.services.delivery_events import emit  # noqa: PLC0415
    from batchrouter.kit import clock  # noqa: PLC0415

    with transaction.atomic():
        for number in range(first, first + count):
            endpoint = endpoints[number % len(endpoints)]
            data = {"number": number}
            kind = EventType.ENDPOINT_TEST
            emit(endpoint, kind, data, batch=None, now=clock.now())
        # The doorbell is not what is measured.
        transaction.get_connection().run_on_commit.clear()


def _burst(endpoints: list[Any], count: int) -> dict[str, float]:
    """Send what is due all at once; the time is that of the last live one."""
    from batches.delivery.sender import DeliverySender  # noqa: PLC0415

    for first in range(0, count, 500):
        _emit(endpoints, first, 500)
    cpu, began = time.process_time(), time.time()
    DeliverySender().run(budget_seconds=300)
    told = _told(endpoints[0].pk)
    ended = _last_end(endpoints[0].pk)
    return {
        "deliveries": told["deliveries"],
        "seconds": ended - began,
        "cpu_seconds": time.process_time() - cpu,
    }


def _paced(endpoints: list[Any]) -> dict[str, float]:
    """Send 200 a second as they come; the times are from the event to the answer."""
    from batches.delivery.sender import DeliverySender  # noqa: PLC0415

    coming = threading.Thread(target=_come, args=(endpoints,))
    cpu = time.process_time()
    coming.start()
    while coming.is_alive():
        DeliverySender().run(budget_seconds=300)
        time.sleep(0.005)
    DeliverySender().run(budget_seconds=300)
    return {**_told(endpoints[0].pk), "cpu_seconds": time.process_time() - cpu}


def _come(endpoints: list[Any]) -> None:
    began, steps = time.monotonic(), _PACED_SECONDS * 10
    for step in range(steps):
        _emit(endpoints, step * _RATE // 10, _RATE // 10)
        time.sleep(max(0.0, began + (step + 1) / 10 - time.monotonic()))


def _told(dead_id: int) -> dict[str, float]:
    from django.db import connection  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute(_LIVE, [dead_id])
        waits = [row[0] for row in cursor.fetchall()]
    return {
        "deliveries": len(waits),
        "median_seconds": waits[len(waits) // 2],
        "p99_seconds": waits[len(waits) * 99 // 100],
        "longest_seconds": waits[-1],
    }


def _last_end(dead_id: int) -> float:
    from django.db.models import Max  # noqa: PLC0415

    from batches.models import WebhookAttempt  # noqa: PLC0415

    rows = WebhookAttempt.objects.exclude(delivery__endpoint=dead_id)
    last = rows.aggregate(Max("ended_at"))["ended_at__max"]
    return float(last.timestamp())


if __name__ == "__main__":
    main()
