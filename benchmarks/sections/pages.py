"""The console at scale: how long the server takes for a page, and what it sends."""

import http.client
import json
import time
from dataclasses import dataclass

from benchmarks import figures, items, mock, places
from benchmarks.figures import count
from benchmarks.plan import Plan
from benchmarks.product import Product, ground
from benchmarks.report import Section, Table, Target
from benchmarks.sections.direct import MODEL
from devtools.ports import HOST

NAME = "pages"
_ITEMS = 100_000
_BATCHES = 1_000
_REQUESTS = 15
_WARM_REQUESTS = 3
_LIMIT_MS = 150.0
_LIMIT_BYTES = 100 << 10
_MEMBER = (
    *("/", "/batches", "/batches/new", "/batches/new?batch={batch}"),
    *("/batches/new/{quote}", "/batches/{batch}", "/batches/{batch}/live"),
    *("/batches/{batch}/results", "/batches/{batch}/results?after=50000"),
    *("/batches/{batch}/results?q=i99", "/batches/{batch}/results?show=failed"),
    *("/batches/{batch}/results?q=nothing", "/batches/{batch}/results?q=i0099999"),
    *("/batches/{batch}/rows/{row}", "/batches/{batch}/review"),
    *("/batches/{batch}/review?rows=all", "/batches/{batch}/webhooks"),
    *("/billing", "/billing/ledger", "/billing/reservations", "/reports"),
    *("/reports/imports", "/account", "/account/keys", "/account/members"),
    *("/account/webhooks", "/account/sessions"),
)
# A batch with as many rows of which a third ran again: all attempts are looked at.
_RETRIED = tuple(
    f"/batches/{{retried}}{rest}"
    for rest in (
        *("", "/results", "/results?after=50000", "/results?show=failed"),
        *("/results?show=expired", "/results?show=failed-check"),
        *("/results?q=nothing", "/results?q=i0099999"),
        *("/results?q=i&show=failed", "/results?q=i0099999&show=completed"),
        *("/review", "/review?rows=all"),
    )
)
_OPERATOR = (
    *("/admin/", "/admin/dashboard/", "/admin/stuck/", "/admin/lanes/"),
    "/admin/batches/batch/",
)


@dataclass(frozen=True)
class _Page:
    path: str
    median_ms: float
    slowest_ms: float
    sent_bytes: int


def measure(plan: Plan) -> Section:
    """Run one large batch, copy its row a thousand times, and ask for every page."""
    section = Section(NAME, "Pages of the console")
    number = plan.items(_ITEMS)
    requests = 2 if plan.is_quick else _REQUESTS
    with (
        mock.running() as provider,
        ground(providers_url=provider.base_url, broker=plan.broker) as base,
        base.up() as product,
    ):
        path = items.write(
            places.ITEMS / "pages.ndjson",
            count=number,
            shape=items.product_shape(MODEL),
        )
        product.warm_up(MODEL)
        provider.reset(latency_ms=0)
        file_id = str(product.api.upload(path)["id"])
        run = product.run(file_id, number)
        quote = product.api.post("/v1/batches/quote", {"input_file_id": file_id})
        made = json.loads(
            base.python("benchmarks.inside_pages", run.batch_id, str(_BATCHES))
        )
        product.database.settle_down()
        names = {
            "batch": run.batch_id,
            "quote": str(quote["quote_id"]),
            "retried": made["retried"],
            "row": str(number * 7 // 9),
        }
        pages = [
            _asked(product, path, path.format(**names), made[who], requests, section)
            for who, paths in (("member", _MEMBER + _RETRIED), ("operator", _OPERATOR))
            for path in paths
        ]
        section.database = base.database.title
        section.faults += run.faults
    _add_results(section, pages, number)
    return section


def _asked(
    product: Product,
    shown: str,
    path: str,
    cookie: tuple[str, str],
    requests: int,
    section: Section,
) -> _Page:
    times, sent = [], 0
    for turn in range(_WARM_REQUESTS + requests):
        began = time.perf_counter()
        status, sent = _get(product.api.port, path, cookie)
        if turn >= _WARM_REQUESTS:
            times.append(1000 * (time.perf_counter() - began))
        if status != http.client.OK:
            section.faults.append(f"{shown} answers {status}")
            break
    times = times or [0.0]
    return _Page(shown, figures.median(times), max(times), sent)


def _get(port: int, path: str, cookie: tuple[str, str]) -> tuple[int, int]:
    """Return a page's status, and the bytes of its compressed body."""
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    headers = {"Cookie": "=".join(cookie), "Accept-Encoding": "gzip"}
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, len(answer.read())
    finally:
        connection.close()


def _add_results(section: Section, pages: list[_Page], number: int) -> None:
    section.tables = [
        Table(
            ["page", "median ms", "slowest ms", "KiB sent"],
            [
                [
                    f"`{page.path}`",
                    f"{page.median_ms:.0f}",
                    f"{page.slowest_ms:.0f}",
                    f"{page.sent_bytes / 1024:.1f}",
                ]
                for page in pages
            ],
        )
    ]
    section.note = (
        f"One visitor, one request at a time, a new connection each; the workers idle. "
        f"The organization has {count(_BATCHES)} batches; the one that is looked at "
        f"has {count(number)} items, and the retried one has that many too, of which a "
        "third failed and ran again, and a tenth of these failed once more. Sent is "
        "the body of the page as it travels, without style sheets, scripts and "
        "pictures, which browsers keep."
    )
    slowest = max(pages, key=lambda page: page.median_ms)
    largest = max(pages, key=lambda page: page.sent_bytes)
    section.targets = [
        Target(
            f"the slowest page (`{slowest.path}`), at the median",
            f"under {_LIMIT_MS:.0f} ms",
            f"{slowest.median_ms:.0f} ms",
            slowest.median_ms < _LIMIT_MS,
        ),
        Target(
            f"the largest page (`{largest.path}`)",
            f"under {_LIMIT_BYTES >> 10} KiB",
            f"{largest.sent_bytes / 1024:.1f} KiB",
            largest.sent_bytes < _LIMIT_BYTES,
        ),
    ]
