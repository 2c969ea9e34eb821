"""Pure: the bytes of a result row, as the API shows it and the artifacts hold it.

What is made anew for every item is a named tuple: a frozen dataclass of as many fields
takes four times as long to make.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from batches.engine.charges import RowMoney
from batches.states import RowStatus
from batchrouter.kit import clock, ids
from batchrouter.kit.money import format_usd
from routing.contracts import Output, Usage


class IndexedItem(NamedTuple):
    """An item as the index knows it."""

    seq: int
    customer_item_id: str
    offset: int
    length: int
    input_tokens: int
    max_output_tokens: int | None
    is_golden: bool = False


@dataclass(frozen=True, slots=True)
class RowError:
    """Why a row has no output: a stable code and a sentence of ours."""

    code: str
    message: str
    retryable: bool
    provider_status: int | None = None


@dataclass(frozen=True, slots=True)
class Lane:
    """Where a row was answered."""

    offering_id: int
    provider: str
    model: str
    mode: str

    @property
    def name(self) -> str:
        """The lane's short name on rows and receipts."""
        return f"{self.provider}:{self.mode}"


class NewRow(NamedTuple):
    """A row ready to be appended to a segment and indexed.

    Attributes:
        is_right: of a golden item that was answered, whether as expected.
    """

    seq: int
    status: str
    data: bytes
    head_length: int
    lane: Lane | None
    usage: Usage
    money: RowMoney
    attempts: int
    error_code: str
    completed_at: datetime
    is_right: bool | None = None


class RowParts(NamedTuple):
    """What a row is written from.

    Attributes:
        dropped_fields: of the item's input, not sent to the lane's provider.
        is_right: of a golden item that was answered, whether as expected.
        is_preview: the output is the beginning of one, see :func:`preview_of`.
        is_repaired: the output's text is not the provider's own, which is in ``raw``.
    """

    batch_id: str
    item: IndexedItem
    operation: str
    status: RowStatus
    attempts: int
    started_at: datetime
    completed_at: datetime
    lane: Lane | None = None
    provider_model: str | None = None
    output: Output | None = None
    parsed_json: Any = None
    usage: Usage | None = None
    usage_source: str = "provider"
    money: RowMoney | None = None
    is_repaired: bool = False
    is_right: bool | None = None
    is_preview: bool = False
    checks: list[dict[str, Any]] | None = None
    error: RowError | None = None
    raw: bytes | None = None
    dropped_fields: tuple[str, ...] = ()


# What a sample shows of an answer: enough to see what comes back.
PREVIEW_LENGTH_MAX = 400
PREVIEW_NUMBERS_MAX = 8


def preview_of(output: Output) -> Output:
    """Return the beginning of an output; tool calls are left out."""
    vector = output.embedding
    if vector and isinstance(vector[0], list):
        vector = vector[0]
    return Output(
        text=output.text and output.text[:PREVIEW_LENGTH_MAX],
        finish_reason=output.finish_reason,
        embedding=vector and vector[:PREVIEW_NUMBERS_MAX],
        refusal=output.refusal and output.refusal[:PREVIEW_LENGTH_MAX],
    )


_NO_USAGE = Usage(0, 0, 0, 0)
_NO_MONEY = RowMoney(0, 0, 0)


def build_row(parts: RowParts) -> NewRow:
    """Write one row.

    The provider's raw reply comes last, so that a page can leave it out by cutting.
    """
    usage = parts.usage or _NO_USAGE
    money = parts.money or _NO_MONEY
    head = orjson.dumps(_head(parts, usage, money))[:-1]
    raw = b"null" if parts.raw is None else one_line(parts.raw)
    data = b"".join((head, b',"raw":', raw, b"}\n"))
    return NewRow(
        seq=parts.item.seq,
        status=parts.status,
        data=data,
        head_length=len(head),
        lane=parts.lane,
        usage=usage,
        money=money,
        attempts=parts.attempts,
        error_code=parts.error.code if parts.error else "",
        completed_at=parts.completed_at,
        is_right=parts.is_right,
    )


def one_line(raw: bytes) -> bytes:
    """Return JSON without line breaks between its tokens."""
    if b"\n" in raw or b"\r" in raw:
        return orjson.dumps(orjson.loads(raw))
    return raw


def _head(parts: RowParts, usage: Usage, money: RowMoney) -> dict[str, Any]:
    lane = parts.lane
    return {
        "customer_item_id": parts.item.customer_item_id,
        "item_id": ids.item_id(parts.batch_id, parts.item.seq),
        "sequence_no": parts.item.seq,
        "operation": parts.operation,
        "status": parts.status,
        "provider": lane.provider if lane else None,
        "model": lane.model if lane else None,
        "provider_model": parts.provider_model,
        "lane": lane.name if lane else None,
        "attempts": parts.attempts,
        "dropped_fields": parts.dropped_fields,
        "output": _output(parts),
        "preview": parts.is_preview,
        "repaired": parts.is_repaired,
        "usage": _usage(usage, parts.usage_source),
        "cost": _cost(money),
        "golden": {"right": parts.is_right} if parts.item.is_golden else None,
        "verification": _verification(parts.checks),
        "error": _error(parts.error),
        "started_at": clock.iso(parts.started_at),
        "completed_at": clock.iso(parts.completed_at),
    }


def _output(parts: RowParts) -> dict[str, Any] | None:
    output = parts.output
    if output is None:
        return None
    shown: dict[str, Any] = {
        "text": output.text,
        "finish_reason": output.finish_reason,
    }
    if parts.parsed_json is not None:
        shown["json"] = parts.parsed_json
    if output.embedding is not None:
        shown["embedding"] = output.embedding
    if output.tool_calls is not None:
        shown["tool_calls"] = output.tool_calls
    if output.refusal is not None:
        shown["refusal"] = output.refusal
    return shown


def _usage(usage: Usage, source: str) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "input_tokens": usage.input_tokens,
        "cached_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "source": source,
    }
    if usage.cache_write_tokens:
        shown["cache_write_tokens"] = usage.cache_write_tokens
    return shown


def _cost(money: RowMoney) -> dict[str, str]:
    return {
        "provider_cost": format_usd(money.subtotal_nanousd),
        "service_fee": format_usd(money.fee_nanousd),
        "charge": format_usd(money.charge_nanousd),
        "currency": "usd",
    }


def _verification(checks: list[dict[str, Any]] | None) -> dict[str, Any] | None:
    if checks is None:
        return None
    return {"passed": all(check["passed"] for check in checks), "checks": checks}


def _error(error: RowError | None) -> dict[str, Any] | None:
    if error is None:
        return None
    return {
        "code": error.code,
        "message": error.message,
        "retryable": error.retryable,
        "provider_status": error.provider_status,
    }
