"""Packaged jobs as the public pages show them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catalog.models import WorkflowProduct
from console.estimates import CHARS_PER_TOKEN, Job
from console.presenters.manifests import pretty

# Models mostly stop well before their cap; the example takes a third of it.
_OUTPUT_SHARE = 3
_SAMPLE_CHARS = 900


@dataclass(frozen=True, slots=True)
class WorkflowLine:
    """A packaged job."""

    slug: str
    url: str
    version: str
    name: str
    summary: str
    primary: str
    fallbacks: tuple[str, ...]
    fee_bps: int
    completed_percent_min: int
    deadline_hours: int
    remedy: str


@dataclass(frozen=True, slots=True)
class WorkflowPage:
    """A packaged job with what goes in, what comes out and how that is checked."""

    line: WorkflowLine
    model: str
    operation: str
    instructions: str
    fields: tuple[tuple[str, str], ...]
    checks: tuple[str, ...]
    samples: tuple[tuple[str, str], ...]
    artifacts: tuple[str, ...]
    manifest: str


def workflow_line(product: WorkflowProduct) -> WorkflowLine:
    """Show a packaged job."""
    routes = [
        (route["role"], f"{route['model']} at {route['provider']}, {route['mode']}")
        for route in product.default_route_products
    ]
    sla = product.success_sla
    return WorkflowLine(
        slug=product.slug,
        url=f"/v1/catalog/workflow-products/{product.slug}",
        version=f"v{product.version}",
        name=product.name,
        summary=product.summary,
        primary=next((name for role, name in routes if role == "primary"), ""),
        fallbacks=tuple(name for role, name in routes if role != "primary"),
        fee_bps=product.workflow_fee_bps,
        completed_percent_min=sla["completed_percent_min"],
        deadline_hours=sla["deadline_hours"],
        remedy=sla["remedy"],
    )


def workflow_page(product: WorkflowProduct) -> WorkflowPage:
    """Show all of a packaged job."""
    manifest = product.preset_manifest
    items = manifest["items"]
    first = items[0]
    body = first["input"]
    return WorkflowPage(
        line=workflow_line(product),
        model=first["model"],
        operation=first["operation"],
        instructions=str(body.get("instructions", "")),
        fields=_fields(product),
        checks=tuple(_words(check) for check in product.verification["checks"]),
        samples=tuple(
            (item["customer_item_id"], _text(item["input"])[:_SAMPLE_CHARS])
            for item in items[:2]
        ),
        artifacts=tuple(_words(name) for name in product.artifact_contract),
        manifest=pretty({**manifest, "items": items[:1]}),
    )


def example_job(product: WorkflowProduct, *, items: int) -> Job:
    """Return a job of so many items that are as large as the first of the preset."""
    body = product.preset_manifest["items"][0]["input"]
    chars = len(str(body.get("instructions", ""))) + len(_text(body))
    return Job(
        items=items,
        input_tokens=max(1, chars // CHARS_PER_TOKEN),
        output_tokens=int(body.get("max_output_tokens", 0)) // _OUTPUT_SHARE,
        fee_bps=product.workflow_fee_bps,
    )


def _text(body: Mapping[str, Any]) -> str:
    """Return what the customer's text stands in."""
    found = body["input"]
    return found if isinstance(found, str) else str(found[0]["content"])


def _fields(product: WorkflowProduct) -> tuple[tuple[str, str], ...]:
    schema = product.verification["json_schema"] or {}
    return tuple(
        (name, _kind(kind)) for name, kind in schema.get("properties", {}).items()
    )


def _kind(kind: Mapping[str, Any]) -> str:
    if "enum" in kind:
        return "one of " + ", ".join(str(word) for word in kind["enum"])
    name = kind.get("type", "value")
    words = " or ".join(name) if isinstance(name, list) else str(name)
    note = kind.get("description", "")
    return f"{words}: {note}" if note else words


def _words(name: str) -> str:
    return name.replace("_", " ")
