"""Tables of the documentation that come from the code, so that they cannot be wrong."""

from collections.abc import Iterator
from dataclasses import dataclass

from accounts.keys import OVERLAP_MAX
from batches.manifest import envelope, intake, items, lines, messages, options, reader
from batches.manifest.body import EMBEDDING_INPUTS_MAX
from batches.manifest.preferences import PROVIDERS_MAX
from batches.manifest.schemas import SCHEMA_BYTES_MAX
from batchrouter.kit.errors import BatchRouterError
from batchrouter.kit.strict_json import MAX_DEPTH
from batchrouter.web.errors import status_words
from batchrouter.web.pagination import LIMIT_DEFAULT, LIMIT_MAX
from routing.failures import RULES

# Raised within the product or in the admin only; no caller of the API meets them.
_INSIDE = (
    "routing.",
    "batches.engine.",
    "billing.operation",
    "billing.card_refunds",
    "billing.suspense_release",
)
_OURS = ("accounts", "batches", "batchrouter", "billing", "catalog", "routing")


@dataclass(frozen=True, slots=True)
class ErrorLine:
    """A code of an error, its HTTP status and what it says."""

    code: str
    status: int
    text: str


def error_lines() -> list[ErrorLine]:
    """Return every code that a caller can meet, by status and code."""
    found = {
        (status, code): ErrorLine(code, status, text)
        for status, (code, _, text) in status_words().items()
    }
    for kind in _kinds(BatchRouterError):
        if _is_public(kind):
            first = (kind.__doc__ or "").partition("\n")[0].replace("``", "")
            found.setdefault(
                (kind.status, kind.code), ErrorLine(kind.code, kind.status, first)
            )
    return [found[key] for key in sorted(found)]


def _kinds(kind: type[BatchRouterError]) -> Iterator[type[BatchRouterError]]:
    for one in kind.__subclasses__():
        yield one
        yield from _kinds(one)


def _is_public(kind: type[BatchRouterError]) -> bool:
    name = f"{kind.__module__}.{kind.__qualname__}"
    return kind.__module__.split(".")[0] in _OURS and not name.startswith(_INSIDE)


@dataclass(frozen=True, slots=True)
class LimitLine:
    """A limit, written."""

    what: str
    limit: str


def limit_lines() -> list[LimitLine]:
    """Return the limits that callers meet."""
    mib = 1 << 20
    shortest = int(envelope.DEADLINE_MIN.total_seconds())
    tiers = ", ".join(f"{name} {hours} h" for name, hours in envelope.SLA_HOURS.items())
    lines_of = (
        ("Items of a manifest, uploaded", f"{intake.ITEMS_MAX:,}"),
        ("Items of a manifest, inline in the body", f"{reader.INLINE_ITEMS_MAX:,}"),
        ("An uploaded file", f"{reader.FILE_BYTES_MAX // mib} MiB"),
        ("A line of it, which is one item", f"{lines.LINE_BYTES_MAX // mib} MiB"),
        ("Any other JSON body", "16 MiB"),
        ("Depth of JSON", str(MAX_DEPTH)),
        ("customer_item_id", f"1 to {items.ID_LENGTH_MAX} characters, once a batch"),
        ("model_options of an item", f"{items.MODELS_MAX} models"),
        ("max_output_tokens", f"from {options.OUTPUT_TOKENS_MIN}"),
        ("Texts of one embeddings item", str(EMBEDDING_INPUTS_MAX)),
        ("Tools of an item", str(options.TOOLS_MAX)),
        ("A JSON schema", f"{SCHEMA_BYTES_MAX // 1024} KiB"),
        ("An address of an image", f"{messages.URL_LENGTH_MAX:,} characters"),
        ("Providers named by a preference", str(PROVIDERS_MAX)),
        ("A deadline", f"{shortest} seconds to {envelope.DEADLINE_MAX.days} days"),
        ("Tiers", tiers),
        ("Rows of a page", f"{LIMIT_DEFAULT} by default, {LIMIT_MAX} at most"),
        ("Overlap of a rotated key", f"{OVERLAP_MAX.days} days"),
    )
    return [LimitLine(what, limit) for what, limit in lines_of]


@dataclass(frozen=True, slots=True)
class RowErrorLine:
    """Why a row has no answer, and what was tried before that."""

    code: str
    text: str
    is_tried_elsewhere: bool


def row_error_lines() -> list[RowErrorLine]:
    """Return the codes that the error of a row can have."""
    return [
        RowErrorLine(kind.value, rule.message, rule.next_lane)
        for kind, rule in RULES.items()
    ]
