"""What is learned from work, read at scale: rankings, and quotes that know quality."""

import time
from collections.abc import Callable

from benchmarks import figures
from benchmarks.database import Database
from benchmarks.figures import count
from benchmarks.plan import Plan
from benchmarks.product import Product, ground
from benchmarks.report import Section, Table, Target

NAME = "learning"
# No provider is asked for anything here.
_NOBODY = "http://127.0.0.1:9"
_MODEL = "gpt-5.4-mini"
_RANKINGS = "/v1/catalog/rankings"
_RANKINGS_MS_MAX = 20.0
_ASKED = (
    "?window=24h",
    "?window=30d",
    "?window=90d",
    "?window=90d&provider=groq",
    "?window=90d&provider=groq&operation=responses",
)
_REQUESTS = 60
_WARM_REQUESTS = 10

# Two windows of 90 days; 60 models, each by 6 providers and 2 operations.
_DEMAND = """
INSERT INTO catalog_settleddemand
       (day, kind, slug, provider, operation, org_ids, items, tokens, batches)
SELECT current_date - d, 'model', 'model-' || m, p, o, ARRAY[1, 2, 3], m * 100 + d,
       m * 90000, m
  FROM generate_series(0, 179) d, generate_series(1, 60) m,
       unnest(ARRAY['', 'openai', 'anthropic', 'gemini', 'groq', 'together',
                    'fireworks']) p,
       unnest(ARRAY['', 'responses', 'embeddings']) o
"""
# Of every offering of one model: 200 orgs on each of 90 days, by two sources.
_QUALITY = """
INSERT INTO batches_qualityday
       (org_id, offering_id, provider, model, operation, workload_key, day, source,
        check_name, passed, repaired, failed)
SELECT org, f.id, 'p', m.slug, 'responses', 'model:responses', current_date - d, s, '',
       95, 1, 4
  FROM catalog_offering f JOIN catalog_modelprofile m ON m.id = f.model_id,
       generate_series(0, 89) d, generate_series(1000, 1199) org,
       unnest(ARRAY['verification', 'feedback']) s
 WHERE m.slug = %s
"""


def measure(plan: Plan) -> Section:
    """Ask an idle server, its tables empty and then full."""
    section = Section(NAME, "Rankings, and quotes that know quality")
    requests = _REQUESTS // 10 if plan.is_quick else _REQUESTS
    with ground(providers_url=_NOBODY, broker=plan.broker) as base:
        section.database = base.database.title
        with base.up(["web"]) as product:
            bare_ms = _median_ms(lambda: _quote(product), requests)
            demand, quality = _fill(base.database)
            rankings = [
                (asked, _ranking_ms(product, asked, requests)) for asked in _ASKED
            ]
            known_ms = _median_ms(lambda: _quote(product), requests)
    section.tables = [
        Table(
            ["request", "median ms"],
            [
                *([f"`GET {_RANKINGS}{asked}`", f"{ms:.1f}"] for asked, ms in rankings),
                ["quote of 1 item, nothing known", f"{bare_ms:.1f}"],
                ["quote of 1 item, quality known", f"{known_ms:.1f}"],
            ],
        )
    ]
    section.note = (
        f"One client, one request at a time. {count(demand)} rows of demand (180 days, "
        f"60 models, 6 providers, 2 operations); {count(quality)} rows of quality, all "
        "of the quoted model (200 orgs, 90 days, 2 sources)."
    )
    slowest = max(ms for _, ms in rankings)
    section.targets = [
        Target(
            "rankings, the slowest of these",
            f"under {_RANKINGS_MS_MAX:.0f} ms",
            f"{slowest:.1f} ms",
            slowest < _RANKINGS_MS_MAX,
        )
    ]
    return section


def _fill(database: Database) -> tuple[int, int]:
    demand = database.connection.execute(_DEMAND).rowcount
    quality = database.connection.execute(_QUALITY, [_MODEL]).rowcount
    database.settle_down()
    return demand, quality


def _ranking_ms(product: Product, asked: str, requests: int) -> float:
    return _median_ms(lambda: product.api.get(_RANKINGS + asked), requests)


def _quote(product: Product) -> None:
    item = {
        "customer_item_id": "a",
        "operation": "responses",
        "model": _MODEL,
        "input": {"input": "Say hello.", "max_output_tokens": 20},
    }
    product.api.post("/v1/batches/quote", {"items": [item]})


def _median_ms(ask: Callable[[], object], requests: int) -> float:
    for _ in range(min(_WARM_REQUESTS, requests)):
        ask()
    times = []
    for _ in range(requests):
        began = time.perf_counter()
        ask()
        times.append(1000 * (time.perf_counter() - began))
    return figures.median(times)
