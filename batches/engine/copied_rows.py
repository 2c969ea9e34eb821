"""Pure: the row of an item that is identical to an earlier one, made from its row."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from batches.engine.charges import RowMoney
from batches.engine.rows import NewRow
from batches.states import ROW_DELIVERED
from batchrouter.kit import ids
from batchrouter.kit.money import format_usd
from routing.contracts import Usage

# A longer row is not repeated for every copy: a manifest of 100,000 identical items
# could otherwise fill disks for the price of one answer. Its copies name the row that
# has the output. A vector of 3,072 numbers is within it.
REPEATED_BYTES_MAX = 64 << 10

_FREE = format_usd(0)


@dataclass(frozen=True, slots=True)
class Copy:
    """An item that is identical to an earlier one."""

    batch_id: str
    seq: int
    customer_item_id: str


@dataclass(frozen=True, slots=True)
class FirstRow:
    """The row of the earlier one.

    Attributes:
        shown: as the API shows it, without the provider's raw reply.
        head_length: its bytes.
    """

    shown: dict[str, Any]
    head_length: int
    status: str
    attempts: int
    error_code: str
    completed_at: datetime


def copied_row(copy: Copy, first: FirstRow) -> NewRow:
    """Write the row of a copy: the same end under its own names, at no cost.

    The provider's raw reply stays with the first row, and so do usage and cost, so
    that sums over all rows stay true.
    """
    is_repeated = first.head_length <= REPEATED_BYTES_MAX
    shown = {
        **first.shown,
        "customer_item_id": copy.customer_item_id,
        "item_id": ids.item_id(copy.batch_id, copy.seq),
        "sequence_no": copy.seq,
        "usage": {
            "input_tokens": 0,
            "cached_tokens": 0,
            "output_tokens": 0,
            "reasoning_tokens": 0,
            "total_tokens": 0,
            "source": "copy",
        },
        "cost": {
            "provider_cost": _FREE,
            "service_fee": _FREE,
            "charge": _FREE,
            "currency": "usd",
        },
        "copy_of": {
            "customer_item_id": first.shown["customer_item_id"],
            "item_id": first.shown["item_id"],
            "sequence_no": first.shown["sequence_no"],
            "output_repeated": is_repeated and first.status in ROW_DELIVERED,
        },
    }
    if not is_repeated:
        shown["output"] = None
    head = orjson.dumps(shown)[:-1]
    return NewRow(
        seq=copy.seq,
        status=first.status,
        data=head + b',"raw":null}\n',
        head_length=len(head),
        lane=None,
        usage=Usage(0, 0, 0, 0),
        money=RowMoney(0, 0, 0),
        attempts=first.attempts,
        error_code=first.error_code,
        completed_at=first.completed_at,
    )
