"""What running a batch's units needs, loaded once per worker and batch."""

import os
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson
from django.db import connection

from batches import decisions
from batches.decisions import Decision, StageLane
from batches.engine import charges
from batches.engine.claims import ClaimedUnit
from batches.engine.rejections import RejectionFuse
from batches.engine.rows import IndexedItem
from batches.models import Batch, RoutePlan, WorkUnit
from batches.store import store
from batchrouter.kit.errors import BatchRouterError
from catalog import selectors as catalog_selectors
from routing import selectors as routing_selectors
from routing.contracts import ItemRequest, OfferingFacts
from routing.weights import RouteWeights

_KEPT = 64
# Items are asked for in the order of the file; most take a line of a kilobyte.
_AHEAD_BYTES = 64 << 10


class InputUnreadable(BatchRouterError):
    """The stored input file is not what was checked."""

    code = "input_unreadable"


class BatchContext:
    """A batch's decisions and, once read from, an open handle on its input file."""

    def __init__(self, batch: Batch) -> None:
        self.pk = batch.pk
        self.public_id = batch.public_id
        self.org_id = batch.org_id
        self.manifest_id = batch.manifest_id
        self.deadline_at = batch.deadline_at
        self.is_sample = batch.is_sample
        self._decisions = {
            decision.group_no: decision
            for decision in map(decisions.from_json, batch.quote.decisions)
        }
        self.workflow_verification = _workflow_verification(batch.quote.spec)
        self._replanned: dict[int, Decision] = {}
        # By models, workload and whether it is a test: until when, and the facts.
        self.facts: dict[tuple[Any, ...], tuple[float, list[OfferingFacts]]] = {}
        self.rejection_fuse = RejectionFuse(batch.pk)
        self._route_version_id = batch.quote.route_version_id
        self._weights: RouteWeights | None = None
        self._input_key = batch.manifest.file.storage_key
        self._fd: int | None = None
        # The part of the input file that was read last, and where it begins.
        self._ahead = b""
        self._ahead_at = 0

    def decision(self, group_no: int, plan_id: int | None = None) -> Decision:
        """Return what was decided for a group, with a later plan's stages if named."""
        decision = self._decisions[group_no]
        if plan_id is None:
            return decision
        found = self._replanned.get(plan_id)
        if found is None:
            plan = RoutePlan.objects.get(pk=plan_id, batch_id=self.pk)
            stages = decisions.stages_from_json(plan.stages)
            found = self._replanned[plan_id] = replace(decision, stages=stages)
        return found

    def weights(self) -> RouteWeights:
        """Return the weights that the batch was quoted by."""
        if self._weights is None:
            self._weights = routing_selectors.weights_of(self._route_version_id)
        return self._weights

    def collapses(self, group_no: int) -> bool:
        """Tell whether identical items of a group run once."""
        return self._decisions[group_no].copies is not None

    def output_cap(self, group_no: int, item: IndexedItem) -> int:
        """Return the cap that is sent for an item, 0 for embeddings."""
        decision = self._decisions[group_no]
        if decision.operation == "embeddings":
            return 0
        return item.max_output_tokens or decision.terms.default_cap

    def lost_call_cost(self, group_no: int, lane: StageLane, item: IndexedItem) -> int:
        """Return the most nano-dollars that a call without a known end may cost us."""
        terms = self._decisions[group_no].terms
        return charges.lost_call_cost_nanousd(
            lane.price,
            input_tokens=terms.input_bound(item.input_tokens),
            output_cap=self.output_cap(group_no, item),
        )

    def read_item(self, item: IndexedItem) -> dict[str, Any]:
        """Read one line of the input file, with ``input`` as an object.

        Raises:
            InputUnreadable: the bytes are gone or are not the item.
        """
        try:
            line = orjson.loads(self._line(item))
        except (OSError, orjson.JSONDecodeError) as error:
            raise InputUnreadable(f"item {item.seq} of {self.public_id}") from error
        if isinstance(line["input"], str):
            line["input"] = {"input": line["input"]}
        loaded: dict[str, Any] = line
        return loaded

    def _line(self, item: IndexedItem) -> bytes:
        begin = item.offset - self._ahead_at
        if not 0 <= begin <= len(self._ahead) - item.length:
            if self._fd is None:
                path = store().path(self._input_key)
                self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            length = max(item.length, _AHEAD_BYTES)
            self._ahead = os.pread(self._fd, length, item.offset)
            self._ahead_at, begin = item.offset, 0
        return self._ahead[begin : begin + item.length]

    def item_request(
        self,
        item: IndexedItem,
        body: Mapping[str, Any],
        *,
        group_no: int,
        lane: StageLane,
        ref: str,
    ) -> ItemRequest:
        """Return what the lane's adapter is asked for an item.

        Args:
            item: of the group.
            body: as :meth:`read_item` returned it.
            group_no: whose operation and caps hold.
            lane: that is to answer.
            ref: ours, for this item in this execution.
        """
        return ItemRequest(
            ref=ref,
            operation=self._decisions[group_no].operation,  # type: ignore[arg-type] # stored from the same Literal
            provider_model=lane.provider_model,
            input=body["input"],
            max_output_tokens=self.output_cap(group_no, item) or None,
            supports_sampling=lane.supports_sampling,
        )

    def close(self) -> None:
        """Let the input file go."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def _workflow_verification(spec: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the checks of the workflow product, in the version that was quoted."""
    if spec["workflow"] is None:
        return None
    return catalog_selectors.workflow_verification(
        spec["workflow"], version=spec.get("workflow_version")
    )


class Contexts:
    """The contexts that a worker used last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, BatchContext] = OrderedDict()

    def of(self, batch_id: int) -> BatchContext:
        """Return a batch's context, loading it once."""
        context = self._kept.get(batch_id)
        if context is None:
            batch = Batch.objects.select_related("quote", "manifest__file").get(
                pk=batch_id
            )
            context = self._kept[batch_id] = BatchContext(batch)
            while len(self._kept) > _KEPT:
                _, oldest = self._kept.popitem(last=False)
                oldest.close()
        self._kept.move_to_end(batch_id)
        return context

    def close(self) -> None:
        """Let every file go."""
        for context in self._kept.values():
            context.close()
        self._kept.clear()


_ITEMS = """
SELECT seq, customer_item_id, "offset", length, input_tokens, max_output_tokens,
       is_golden
  FROM batches_item
 WHERE manifest_id = %s AND group_no = %s AND seq BETWEEN %s AND %s
   AND (copy_of IS NULL OR NOT %s)
 ORDER BY seq
"""
_DONE = """
SELECT seq FROM batches_resultrow WHERE batch_id = %s AND seq BETWEEN %s AND %s
"""


def open_items(unit: ClaimedUnit | WorkUnit, batch: BatchContext) -> list[IndexedItem]:
    """Return the items of a unit that have no row yet, in order.

    Where identical items run once, the copies are not among them.

    Two reads by key: as one anti-join the planner, whose statistics lag behind a table
    that grows by a batch a minute, may walk all rows of the batch for every unit.
    """
    with connection.cursor() as cursor:
        cursor.execute(_DONE, [unit.batch_id, unit.seq_from, unit.seq_to])
        done = {seq for (seq,) in cursor.fetchall()}
        cursor.execute(
            _ITEMS,
            [
                batch.manifest_id,
                unit.group_no,
                unit.seq_from,
                unit.seq_to,
                batch.collapses(unit.group_no),
            ],
        )
        rows = cursor.fetchall()
    return [IndexedItem(*row) for row in rows if row[0] not in done]
